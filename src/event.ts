/**
 * Event types, their data, and whether data fits its type, which decides whether an event takes part in the conversation.
 *
 * The types are written by hand; test/event.test.ts proves them equal to what data-schemas.ts describes, in both directions.
 */
import { CHECKS } from './check.ts'
import { dataSchemasOf } from './data-schemas.ts'
import { FoldlogError } from './errors.ts'
import type { Json, JsonObject } from './json.ts'
import type { Audience, ErrorInfo, Message, Part, Role, SessionParent, Source, Status, Usage } from './message.ts'

/** Info fields as they are written. `null` deletes; `vars` and `metadata` merge key by key. */
export interface InfoPatch {
  readonly title?: string | null
  readonly project?: string | null
  readonly cwd?: string | null
  readonly model?: string | null
  readonly provider?: string | null
  readonly parent?: SessionParent | null
  readonly rootId?: string | null
  readonly vars?: JsonObject | null
  readonly metadata?: JsonObject | null
  readonly labels?: readonly string[] | null
  readonly source?: Source | null
  /** Makes the path to this message the conversation; `null`: an empty one, the next turn is a new root. */
  readonly head?: string | null
  readonly archived?: boolean | null
}

/** A message as it is written: without the derived `time`. */
export type MessageData = Omit<Message, 'time'>

/** What `message.updated` may change. `null` deletes a field. */
export interface MessagePatch {
  readonly role?: Role
  readonly status?: Status
  readonly author?: string | null
  readonly to?: string | null
  readonly audience?: Audience | null
  readonly statusMessage?: string | null
  readonly error?: ErrorInfo | null
  readonly finishReason?: string | null
  readonly lease?: { readonly owner: string; readonly until: number } | null
  readonly model?: string | null
  readonly provider?: string | null
  readonly usage?: Usage | null
  readonly source?: Source | null
  readonly metadata?: JsonObject | null
}

/** The six types that make a conversation, and their data on disk. */
export interface CoreEvents {
  'session.created': InfoPatch
  'session.updated': InfoPatch
  'message.created': MessageData
  'message.updated': MessagePatch & { readonly id: string }
  'message.deleted': { readonly ids: readonly string[] }
  'part.updated': { readonly messageId: string; readonly partId: string; readonly part: Part | null }
}
export type CoreType = keyof CoreEvents

/** An event: a fact. `id` is a ULID and orders it; `time` is the writer's wall clock, for people. */
export interface EventOf<T extends string, D> {
  readonly id: string
  readonly type: T
  /** ISO 8601, the writer's wall clock. It orders nothing. */
  readonly time: string
  readonly data: D
  /** The content was removed: of `data` only ids, roles, types and statuses are left. */
  readonly redacted?: true
}
export type CoreEvent = { [T in CoreType]: EventOf<T, CoreEvents[T]> }[CoreType]
/** Any event of a log: one of the six, a user's own, or one of a type this version does not know. */
export type SessionEvent = CoreEvent | EventOf<string, Json>

const SCHEMAS = dataSchemasOf(CHECKS).data
/** Looked up once: that of most events. */
const { 'message.created': MESSAGE } = SCHEMAS
const CORE_TYPES: ReadonlySet<string> = new Set(Object.keys(SCHEMAS))
/** First words of types that are not users'. */
export const RESERVED_WORDS: ReadonlySet<string> = new Set(['session', 'message', 'part', 'turn', 'log', 'store'])
/** What a type of event looks like. */
export const TYPE_PATTERN: RegExp = /^[a-z][a-z0-9_-]*(\.[a-zA-Z0-9_-]+)+$/

/** Whether `event` is one of the six types. Its data is only as good as {@link isValidData} says. */
export function isCoreEvent(event: { readonly type: string }): event is CoreEvent {
  // Most are messages, and are not to be looked up: that would hash the type of each line that was read.
  return event.type === 'message.created' || CORE_TYPES.has(event.type)
}

/** Whether users may append events of this type: dotted, and its first word is not reserved. */
export function isCustomType(type: string): boolean {
  return TYPE_PATTERN.test(type) && type.length <= 128 && !RESERVED_WORDS.has(type.slice(0, type.indexOf('.')))
}

/** Whether the data of an event read from a log fits its type. Always true for types that are not core. */
export function isValidData(type: string, data: Json): boolean {
  if (type === 'message.created') return MESSAGE.fits(data)
  return !isCoreEvent({ type }) || SCHEMAS[type as CoreType].fits(data)
}

/** Throws `INVALID_EVENT`, naming the field, unless `data` fits its core type. For what is about to be written. */
export function assertData(type: CoreType, data: unknown, what: string): void {
  const schema = SCHEMAS[type]
  if (schema.fits(data)) return
  const { path, error } = schema.misfit(data)
  const field = path.join('.') || type
  throw new FoldlogError('INVALID_EVENT', `${what}: ${field}: ${error}`, { field })
}
