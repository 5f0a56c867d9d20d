/**
 * Imports sessions of opencode: documents of `opencode export`, the storage tree that versions up to 1.1 kept below
 * `~/.local/share/opencode/storage`, and captured events of its bus. The same session is the same lines from each of them.
 *
 * Sub-sessions find their parents among the files of the same import, by the call of the tool `task` that began them or, without
 * it, by `parentID`. What becomes what is in docs/importing.md.
 */
import { sampleOf } from '../detect.ts'
import { asObject, objectField, textField } from '../fields.ts'
import type { Format, Sample } from '../format.ts'
import type { Run } from '../run.ts'
import type { SourceFile } from '../source-file.ts'
import { importDocument } from './document.ts'
import { eventIn, importEvents } from './events.ts'
import { FORMAT } from './parts.ts'
import { importTrees, treePathOf } from './storage.ts'

export const opencode: Format = {
  name: FORMAT,
  title: 'opencode',
  extensions: ['.json', '.jsonl'],
  homes: ['.local/share/opencode/storage'],
  holds: (path) => treePathOf(path) !== undefined,
  recognizes: (sample) => isDocument(sample) || isCapture(sample),
  import: importFiles,
}

const EVENT = /^(?:session|message)\.\w+/
/** The beginning of a document that is too long to be a sample as a whole. */
const DOCUMENT = /^\s*\{\s*"info"\s*:\s*\{(?:[^{}"]|"(?:[^"\\]|\\.)*")*"id"\s*:\s*"ses_/

function isDocument({ head, document }: Sample): boolean {
  if (document === undefined) return DOCUMENT.test(head)
  const info = objectField(asObject(document) ?? {}, 'info')
  return textField(info ?? {}, 'id')?.startsWith('ses_') === true
}

function isCapture(sample: Sample): boolean {
  return sample.hasRecord((record) => EVENT.test(eventIn(record)?.type ?? ''))
}

async function importFiles(paths: readonly string[], run: Run): Promise<void> {
  const trees = paths.filter((path) => treePathOf(path) !== undefined)
  for (const path of paths) {
    if (treePathOf(path) === undefined) await run.file(FORMAT, path, (file) => importFile(file, run))
  }
  await importTrees(trees, run)
}

async function importFile(file: SourceFile, run: Run): Promise<void> {
  if (isCapture(await sampleOf(file.path))) await importEvents(file, run)
  else await importDocument(file, run)
}
