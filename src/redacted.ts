/**
 * What is left of an event whose content was removed: docs/format.md §6. The same for everyone who removes it, so that clones agree. Pure.
 */
import { isArray, type Json, type JsonObject } from './json.ts'
import { eventsOf, stringifyLine, type Line } from './line.ts'
import { isRedactedIn } from './lines.ts'

const TEXT = '[redacted]'
const NAME = 'redacted'

/** What a part's type requires besides ids. */
const REQUIRED: Readonly<Record<string, JsonObject>> = {
  text: { text: TEXT },
  reasoning: { text: TEXT },
  file: { mediaType: 'application/octet-stream' },
  'tool-call': { name: NAME, input: {} },
  'tool-result': { name: NAME },
  data: { name: NAME, data: null },
  compaction: { text: TEXT },
}

/** What is left of the data of an event. */
export function redactedData(type: string, data: Json): Json {
  const fields = objectOf(data)
  switch (type) {
    case 'session.created':
    case 'session.updated': {
      const parent = objectOf(fields['parent'])
      const kept = pick(fields, ['rootId', 'head', 'archived'])
      return 'sessionId' in parent ? { parent: pick(parent, ['sessionId', 'messageId', 'callId']), ...kept } : kept
    }
    case 'message.created':
      return {
        ...pick(fields, ['id', 'turnId', 'parentId', 'after', 'role', 'status']),
        parts: isArray(fields['parts'] ?? null) ? (fields['parts'] as readonly Json[]).map(redactedPart) : [],
      }
    case 'message.updated':
      return pick(fields, ['id', 'role', 'status'])
    case 'message.deleted':
    case 'session.deleted':
    case 'log.redacted':
      return data
    case 'part.updated': {
      const part = fields['part'] ?? null
      return { ...pick(fields, ['messageId', 'partId']), part: part === null ? null : redactedPart(part) }
    }
    default:
      return {}
  }
}

/** The events that a `log.redacted` names. */
export function idsIn(data: Json): readonly string[] {
  const { ids } = objectOf(data)
  return ids !== undefined && isArray(ids) ? ids.filter((id) => typeof id === 'string') : []
}

/**
 * The bytes of a line without the content of these events; the same bytes if there is nothing to remove. `line` is what was read
 * from them.
 */
export function redactedBytes(bytes: Uint8Array, line: Line, ids: ReadonlySet<string>): Uint8Array {
  if (!eventsOf(line).some(({ id }) => ids.has(id) && !isRedactedIn(line, id))) return bytes
  const written = JSON.parse(new TextDecoder().decode(bytes)) as JsonObject
  const { v, id, type, time, key, kept, data } = written
  const given = { v, id, type, time, key, kept }
  const head = Object.fromEntries(Object.entries(given).filter(([, value]) => value !== undefined)) as JsonObject
  const isBatch = line.type === 'log.batch'
  const left = isBatch ? (data as readonly JsonObject[]).map((each) => redactedInner(each, line, ids)) : undefined
  const text = stringifyLine({ ...head, redacted: true, data: left ?? redactedData(line.type, data!) })
  return Buffer.from(text)
}

function redactedInner(event: JsonObject, line: Line, ids: ReadonlySet<string>): JsonObject {
  const id = event['id'] as string
  const type = event['type'] as string
  if (!ids.has(id) && !isRedactedIn(line, id)) return event
  return { id, type, redacted: true, data: redactedData(type, event['data'] ?? null) }
}

function redactedPart(part: Json): Json {
  const fields = objectOf(part)
  const type = typeof fields['type'] === 'string' ? fields['type'] : ''
  const names = type === 'compaction' ? ['from', 'keep'] : ['callId']
  return { ...pick(fields, ['id', 'type', 'status', 'scope', ...names]), ...REQUIRED[type] }
}

function pick(from: JsonObject, names: readonly string[]): JsonObject {
  return Object.fromEntries(names.flatMap((name) => (Object.hasOwn(from, name) ? [[name, from[name]!]] : [])))
}

function objectOf(value: Json | undefined): JsonObject {
  return typeof value === 'object' && value !== null && !isArray(value) ? value : {}
}
