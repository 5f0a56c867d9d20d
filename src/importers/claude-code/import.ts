/**
 * Imports transcripts of Claude Code: `~/.claude/projects/<dir>/<session>.jsonl`, with the sub-agents of a session in
 * `<session>/subagents/agent-<id>.jsonl` (2.1.x), beside it (2.0.x) or inside it (up to 1.0.x).
 *
 * What becomes what:
 *  - A transcript is one session, also where a resumed one carries several `sessionId`s: the file is the conversation.
 *  - A sub-agent is a session of its own, with `parent` naming the session, message and call it comes from; those inside
 *    their parent's file too. A file without a message makes no session.
 *  - Records become messages by the contraction of contract.ts, and go where plan.ts says. What is left out is counted in
 *    the report, with the reason.
 *
 * Ids, times and bytes come from the content alone, never from the path: an import twice, or by two people from two
 * places, gives the same lines, and a transcript that has grown only adds to its session.
 */
import { basename, dirname } from 'node:path'
import { objectField, textField } from '../fields.ts'
import type { Format, Sample } from '../format.ts'
import type { SourceRecord } from '../jsonl.ts'
import type { Run } from '../run.ts'
import { changedMeanwhile, type SourceFile } from '../source-file.ts'
import { contract } from './contract.ts'
import { Converter } from './convert.ts'
import { ClaudeCodeFamily } from './family.ts'
import { FORMAT, plan } from './plan.ts'
import { storeFiles, type StoredFiles } from './parts.ts'
import { Surveyor, type Survey } from './survey.ts'

export const claudeCode: Format = {
  name: FORMAT,
  title: 'Claude Code',
  extensions: ['.jsonl'],
  homes: ['.claude/projects'],
  recognizes,
  import: importFiles,
}

/** Types of records that may come before the first message, and a field that theirs have. */
const OWN_FIELDS: ReadonlyMap<string, string> = new Map([
  ['summary', 'leafUuid'],
  ['file-history-snapshot', 'messageId'],
  ['queue-operation', 'sessionId'],
  ['last-prompt', 'sessionId'],
  ['mode', 'sessionId'],
  ['permission-mode', 'sessionId'],
  ['custom-title', 'sessionId'],
  ['ai-title', 'sessionId'],
  ['agent-name', 'sessionId'],
])

const NO_FILES: StoredFiles = new Map()

function recognizes(sample: Sample): boolean {
  return sample.hasRecord((record) => {
    const type = textField(record, 'type')
    if (type === undefined) return false
    if ((type === 'user' || type === 'assistant') && objectField(record, 'message') !== undefined) return true
    const own = OWN_FIELDS.get(type)
    if (own !== undefined && record[own] !== undefined) return true
    return record['parentUuid'] !== undefined && record['uuid'] !== undefined
  })
}

async function importFiles(paths: readonly string[], run: Run): Promise<void> {
  const family = new ClaudeCodeFamily(run.family)
  for (const path of childrenFirst(paths)) await run.file(FORMAT, path, (file) => importFile(file, family))
}

/**
 * Folder by folder, in each the sub-agents that lie beside their parents, then each transcript behind those that lie below it. So it is known
 * which of its records they need when it is read, and they are still at hand when it has told which calls they came from.
 */
function childrenFirst(paths: readonly string[]): readonly string[] {
  const placed = paths.map((path) => {
    const [, folder = dirname(path), parent = ''] = /^(.*)[/\\]([^/\\]+)[/\\]subagents[/\\][^/\\]+$/s.exec(path) ?? []
    const name = basename(path, '.jsonl')
    const isSubAgent = name.startsWith('agent-')
    return { path, order: [folder, isSubAgent ? parent : name, isSubAgent ? '0' : '1'] }
  })
  return placed.sort((a, b) => compare(a.order, b.order)).map(({ path }) => path)
}

function compare(a: readonly string[], b: readonly string[]): number {
  const at = a.findIndex((item, index) => item !== b[index])
  return at < 0 ? 0 : a[at]! < b[at]! ? -1 : 1
}

/** Reads a file twice and writes its sessions. */
async function importFile(file: SourceFile, family: ClaudeCodeFamily): Promise<void> {
  const surveyor = new Surveyor(file.isKept)
  for await (const records of file.records(true)) for (const record of records) surveyor.add(record)
  const survey = surveyor.survey()
  const { recordsByType, duplicateUuids, sidechainRecords, links, dropped, droppedFields } = survey.facts
  file.add({ recordsByType, duplicateUuids, sidechainRecords, links, dropped, droppedFields })
  if (survey.identity !== undefined) await write(survey, file, family)
}

async function write(survey: Survey, file: SourceFile, family: ClaudeCodeFamily): Promise<void> {
  const conversation = contract(survey)
  const planned = plan(survey, conversation)
  const { sessions } = planned
  const { writer } = file
  const converter = new Converter(survey, conversation, planned)
  for (const { sessionId, kind, places } of sessions) file.wrote(sessionId, kind, () => places.length)
  for (const session of sessions) await writer.add(session.sessionId, converter.opening(session), 0)
  for await (const records of file.records()) {
    for (const record of records) {
      if (!isSurveyed(survey, record)) throw changedMeanwhile(file.path)
      const blocks = converter.fileBlocks(record)
      const lines = converter.convert(record, blocks.length === 0 ? NO_FILES : await storeFiles(blocks, file.store))
      const bytes = lines.length === 0 ? 0 : record.sizeBytes / lines.length
      for (const { session, line } of lines) await writer.add(session.sessionId, line, bytes)
    }
  }
  for (const session of sessions) await writer.add(session.sessionId, converter.closing(session), 0)
  family.add(survey, conversation, planned, writer)
}

/** Whether a record is the one that the first reading found in its place. */
function isSurveyed({ entries }: Survey, { ordinal, value }: SourceRecord): boolean {
  const key = entries[ordinal]?.key
  return key === textField(value, 'uuid') || key === `#${ordinal}`
}
