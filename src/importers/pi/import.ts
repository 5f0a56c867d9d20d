/**
 * Imports sessions of pi: `~/.pi/agent/sessions/<directory>/<time>_<id>.jsonl`, one file a session.
 *
 * Version 1 is a straight line, 2 and 3 are trees: an entry names its parent, and the last entry is where the conversation is.
 * A session that was forked from another one has it as `parent`. The entries it began with are its own history here too.
 */
import type { JsonObject } from '../../json.ts'
import { objectField, textField, timeField } from '../fields.ts'
import type { Format, Sample } from '../format.ts'
import { digest } from '../mint.ts'
import type { Run } from '../run.ts'
import { sessionIdOf, type SessionOrigin, type SessionWriter } from '../session-writer.ts'
import type { SourceFile } from '../source-file.ts'
import { uuidTime } from '../uuid.ts'
import { PiSession } from './session.ts'

const FORMAT = 'pi'

export const pi: Format = {
  name: FORMAT,
  title: 'pi',
  extensions: ['.jsonl'],
  homes: ['.pi/agent/sessions'],
  recognizes,
  import: importFiles,
}

function recognizes(sample: Sample): boolean {
  return sample.hasRecord((record) => {
    const type = textField(record, 'type')
    if (type === 'session') return textField(record, 'id') !== undefined && textField(record, 'timestamp') !== undefined
    const message = objectField(record, 'message')
    return type === 'message' && textField(message ?? {}, 'role') !== undefined && record['parentId'] !== undefined
  })
}

async function importFiles(paths: readonly string[], run: Run): Promise<void> {
  for (const path of paths) await run.file(FORMAT, path, (file) => importFile(file, run))
}

async function importFile(file: SourceFile, run: Run): Promise<void> {
  let session: PiSession | undefined
  for await (const records of file.records()) {
    for (const { ordinal, value, sizeBytes } of records) {
      if (session === undefined) {
        const origin = originOf(value)
        const writer = await file.session(origin)
        session = new PiSession(file, writer, origin.time)
        addToFamily(run, file.path, writer, value)
      }
      await session.add(value, ordinal, sizeBytes)
    }
  }
  await session?.close()
}

/** Who the session is, by its header. A file without one is known by its first entry. */
function originOf(value: JsonObject): Omit<SessionOrigin, 'format'> {
  const id = value['type'] === 'session' ? textField(value, 'id') : undefined
  const time = timeField(value, 'timestamp') ?? 0
  if (id !== undefined) return { identity: [id], sourceId: id, time: uuidTime(id) ?? time }
  const first = `sha256-${digest(JSON.stringify(value))}`
  return { identity: [first], sourceId: first, time }
}

function addToFamily({ family }: Run, path: string, writer: SessionWriter, header: JsonObject): void {
  const id = header['type'] === 'session' ? textField(header, 'id') : undefined
  if (id === undefined) return
  family.offer(`pi ${id}`, { sessionId: writer.id })
  family.offer(`pi file ${fileName(path)}`, { sessionId: writer.id })
  const parent = textField(header, 'parentSession') ?? textField(header, 'branchedFrom')
  if (parent === undefined) return
  // The path is one of another machine; the name of the file has the id of the session in it.
  const name = fileName(parent)
  const parentId = name.replace(/\.jsonl$/, '').replace(/^.*_/, '')
  const time = uuidTime(parentId)
  family.add({
    ...writer.child(),
    ways: [`pi ${parentId}`, `pi file ${name}`],
    ...(time === undefined ? {} : { parentId: sessionIdOf({ format: FORMAT, identity: [parentId], time }) }),
  })
}

function fileName(path: string): string {
  return path.slice(Math.max(path.lastIndexOf('/'), path.lastIndexOf('\\')) + 1)
}
