/**
 * Imports rollouts of Codex: `~/.codex/sessions/<year>/<month>/<day>/rollout-<time>-<id>.jsonl`, one file a session.
 *
 * A fork, and the session of a sub-agent, has the session it came from as `parent`. A fork's file begins with its parent's
 * records; they are its own history here too, so usage must not be added up over a session and its forks.
 */
import type { JsonObject } from '../../json.ts'
import { asObject, objectField, textField, timeField } from '../fields.ts'
import type { Format, Sample } from '../format.ts'
import { digest } from '../mint.ts'
import type { Run } from '../run.ts'
import { sessionIdOf, type SessionOrigin, type SessionWriter } from '../session-writer.ts'
import type { SourceFile } from '../source-file.ts'
import { uuidTime } from '../uuid.ts'
import { recordOf, type CodexRecord } from './record.ts'
import { CodexSession } from './session.ts'

const FORMAT = 'codex'
const ENVELOPES: ReadonlySet<string> = new Set([
  'session_meta',
  'turn_context',
  'response_item',
  'event_msg',
  'compacted',
  'world_state',
])
const BARE_TYPES: ReadonlySet<string> = new Set([
  'message',
  'reasoning',
  'function_call',
  'function_call_output',
  'function_result',
  'tool_call',
  'tool_result',
])

export const codex: Format = {
  name: FORMAT,
  title: 'Codex',
  extensions: ['.jsonl'],
  homes: ['.codex/sessions', '.codex/archived_sessions'],
  recognizes,
  import: importFiles,
}

function recognizes(sample: Sample): boolean {
  return sample.hasRecord((record) => {
    const type = textField(record, 'type')
    if (objectField(record, 'payload') !== undefined) return ENVELOPES.has(type ?? '')
    if (record['record_type'] === 'state') return true
    const isDated = textField(record, 'timestamp') ?? textField(record, 'created_at')
    if (isDated === undefined || record['message'] === null || asObject(record['message']) !== undefined) return false
    if (type !== undefined)
      return BARE_TYPES.has(type) && record['id'] === undefined && record['sessionId'] === undefined
    return textField(record, 'role') !== undefined && (record['content'] ?? record['message']) !== undefined
  })
}

async function importFiles(paths: readonly string[], run: Run): Promise<void> {
  for (const path of paths) await run.file(FORMAT, path, (file) => importFile(file, run))
}

async function importFile(file: SourceFile, run: Run): Promise<void> {
  let session: CodexSession | undefined
  for await (const records of file.records()) {
    for (const { ordinal, value, sizeBytes } of records) {
      const record = recordOf(value, ordinal)
      file.ledger.count(record.label)
      if (session === undefined) {
        const origin = originOf(record, value)
        const writer = await file.session(origin)
        session = new CodexSession(file, writer, origin.time)
        addToFamily(run, writer, record)
      }
      await session.add(record, sizeBytes)
    }
  }
  await session?.close()
  for (const { agentId, ...parent } of session?.spawned ?? []) run.family.offer(`codex agent ${agentId}`, parent)
}

/** Who the session is, by its first record. */
function originOf({ kind, payload, time = 0 }: CodexRecord, value: JsonObject): Omit<SessionOrigin, 'format'> {
  const id = kind === 'meta' ? textField(payload, 'id') : undefined
  if (id !== undefined)
    return { identity: [id], sourceId: id, time: uuidTime(id) ?? timeField(payload, 'timestamp') ?? time }
  const first = `sha256-${digest(JSON.stringify(value))}`
  return { identity: [first], sourceId: first, time }
}

function addToFamily({ family }: Run, writer: SessionWriter, { kind, payload }: CodexRecord): void {
  const id = kind === 'meta' ? textField(payload, 'id') : undefined
  if (id === undefined) return
  family.offer(`codex ${id}`, { sessionId: writer.id })
  const parent = parentOf(payload)
  if (parent === undefined || parent === id) return
  const time = uuidTime(parent)
  family.add({
    ...writer.child(),
    ways: [`codex agent ${id}`, `codex ${parent}`],
    ...(time === undefined ? {} : { parentId: sessionIdOf({ format: FORMAT, identity: [parent], time }) }),
  })
}

/** The session that one was forked from, or was started by. */
function parentOf(payload: JsonObject): string | undefined {
  const spawn = objectField(objectField(objectField(payload, 'source') ?? {}, 'subagent') ?? {}, 'thread_spawn') ?? {}
  return (
    textField(payload, 'forked_from_id') ??
    textField(spawn, 'parent_thread_id') ??
    textField(payload, 'parent_thread_id')
  )
}
