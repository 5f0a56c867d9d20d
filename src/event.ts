/**
 * Event types, their data, and the schema that decides whether an event takes part in the conversation.
 *
 * The types are written by hand; test/event.test.ts proves them equal to the schemas in both directions. Schemas keep
 * unknown fields, because what an older version does not know a newer one may have written. This file alone knows zod.
 */
import { z } from 'zod'
import { checkOf, type Check } from './check.ts'
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

const CORE_TYPES: ReadonlySet<string> = new Set<CoreType>([
  'session.created',
  'session.updated',
  'message.created',
  'message.updated',
  'message.deleted',
  'part.updated',
])
const RESERVED: ReadonlySet<string> = new Set(['session', 'message', 'part', 'turn', 'log', 'store'])
const TYPE_PATTERN = /^[a-z][a-z0-9_-]*(\.[a-zA-Z0-9_-]+)+$/

/** Whether `event` is one of the six types. Its data is only as good as {@link isValidData} says. */
export function isCoreEvent(event: { readonly type: string }): event is CoreEvent {
  // Most are messages, and are not to be looked up: that would hash the type of each line that was read.
  return event.type === 'message.created' || CORE_TYPES.has(event.type)
}

/** Whether users may append events of this type: dotted, and its first word is not reserved. */
export function isCustomType(type: string): boolean {
  return TYPE_PATTERN.test(type) && type.length <= 128 && !RESERVED.has(type.slice(0, type.indexOf('.')))
}

const id = z.string().min(1)
const count = z.number().nonnegative()
// JSON.parse has already made sure that it is JSON; walking it again would only cost time.
const json = z.custom<Json>((value) => value !== undefined)
const jsonObject = z.custom<JsonObject>(
  (value) => typeof value === 'object' && value !== null && !Array.isArray(value),
  'expected an object',
)
const status = z.enum(['pending', 'in_progress', 'completed', 'incomplete', 'failed', 'cancelled'])
const role = z.enum(['system', 'user', 'assistant', 'tool'])
const audience = z.enum(['user', 'model'])
const errorInfo = z.looseObject({ message: z.string(), code: z.string().optional() })
const source = z.looseObject({ format: z.string(), id: z.string() })
const lease = z.looseObject({ owner: z.string(), until: z.number() })
const parent = z.looseObject({ sessionId: id, messageId: id.optional(), callId: id.optional() })
const usage = z.looseObject({
  inputTokens: count.optional(),
  outputTokens: count.optional(),
  reasoningTokens: count.optional(),
  cachedInputTokens: count.optional(),
  cacheWriteTokens: count.optional(),
  totalTokens: count.optional(),
  costUsd: count.optional(),
})

const partBase = {
  id,
  status: status.optional(),
  statusMessage: z.string().optional(),
  author: z.string().optional(),
  scope: z.literal('turn').optional(),
  providerMetadata: json.optional(),
  metadata: jsonObject.optional(),
}
const textPart = z.looseObject({ ...partBase, type: z.literal('text'), text: z.string() })
const filePart = z.looseObject({
  ...partBase,
  type: z.literal('file'),
  mediaType: z.string(),
  name: z.string().optional(),
  url: z.string().optional(),
  data: z.string().optional(),
  file: z.string().optional(),
  sizeBytes: count.optional(),
  width: count.optional(),
  height: count.optional(),
})
const knownPart = z.discriminatedUnion('type', [
  textPart,
  z.looseObject({
    ...partBase,
    type: z.literal('reasoning'),
    text: z.string(),
    signature: z.string().optional(),
    encrypted: z.string().optional(),
  }),
  filePart,
  z.looseObject({
    ...partBase,
    type: z.literal('tool-call'),
    callId: id,
    name: z.string(),
    input: json,
    rawInput: z.string().optional(),
    approval: z.enum(['requested', 'approved', 'denied']).optional(),
  }),
  z.looseObject({
    ...partBase,
    type: z.literal('tool-result'),
    callId: id,
    name: z.string(),
    title: z.string().optional(),
    output: json.optional(),
    content: z.array(z.discriminatedUnion('type', [textPart, filePart])).optional(),
    error: errorInfo.optional(),
  }),
  z.looseObject({ ...partBase, type: z.literal('data'), name: z.string(), data: json }),
  z.looseObject({
    ...partBase,
    type: z.literal('compaction'),
    text: z.string(),
    from: id.optional(),
    keep: z.array(id).optional(),
    replacement: z.array(jsonObject).optional(),
    tokensBefore: count.optional(),
  }),
])
const KNOWN_PARTS: ReadonlySet<string> = new Set([
  'text',
  'reasoning',
  'file',
  'tool-call',
  'tool-result',
  'data',
  'compaction',
])
/** A part of a type this version does not know: kept, and left out of the model's view. */
const unknownPart = z.looseObject({ id, type: z.string().refine((type) => !KNOWN_PARTS.has(type), { abort: true }) })
const part = z.union([knownPart, unknownPart])

const infoPatch = z.looseObject({
  title: z.string().nullable().optional(),
  project: z.string().nullable().optional(),
  cwd: z.string().nullable().optional(),
  model: z.string().nullable().optional(),
  provider: z.string().nullable().optional(),
  parent: parent.nullable().optional(),
  rootId: id.nullable().optional(),
  vars: jsonObject.nullable().optional(),
  metadata: jsonObject.nullable().optional(),
  labels: z.array(z.string()).nullable().optional(),
  source: source.nullable().optional(),
  head: id.nullable().optional(),
  archived: z.boolean().nullable().optional(),
})
const message = z.looseObject({
  id,
  turnId: id,
  parentId: id.nullable().optional(),
  after: id.optional(),
  role,
  status,
  author: z.string().optional(),
  to: z.string().optional(),
  audience: audience.optional(),
  statusMessage: z.string().optional(),
  error: errorInfo.optional(),
  finishReason: z.string().optional(),
  lease: lease.optional(),
  model: z.string().optional(),
  provider: z.string().optional(),
  usage: usage.optional(),
  source: source.optional(),
  metadata: jsonObject.optional(),
  parts: z.array(part),
})
const messagePatch = z.looseObject({
  id,
  role: role.optional(),
  status: status.optional(),
  author: z.string().nullable().optional(),
  to: z.string().nullable().optional(),
  audience: audience.nullable().optional(),
  statusMessage: z.string().nullable().optional(),
  error: errorInfo.nullable().optional(),
  finishReason: z.string().nullable().optional(),
  lease: lease.nullable().optional(),
  model: z.string().nullable().optional(),
  provider: z.string().nullable().optional(),
  usage: usage.nullable().optional(),
  source: source.nullable().optional(),
  metadata: jsonObject.nullable().optional(),
  parts: z.undefined().optional(),
})

/** The zod schema of each core type's data. They accept unknown fields. */
export const dataSchemas: { readonly [T in CoreType]: z.ZodType } = {
  'session.created': infoPatch,
  'session.updated': infoPatch,
  'message.created': message,
  'message.updated': messagePatch,
  'message.deleted': z.looseObject({ ids: z.array(id) }),
  'part.updated': z.looseObject({ messageId: id, partId: id, part: part.nullable() }),
}

/** Made when the first event of a type comes. */
const CHECKS = new Map<string, Check>()
/** That of most events. */
let checkOfMessages: Check | undefined

/** Whether the data of an event read from a log fits its type. Always true for types that are not core. */
export function isValidData(type: string, data: Json): boolean {
  return !isCoreEvent({ type }) || fits(type as CoreType, data)
}

function fits(type: CoreType, data: unknown): boolean {
  if (type === 'message.created') return (checkOfMessages ??= checkOf(dataSchemas[type]))(data)
  let check = CHECKS.get(type)
  if (check === undefined) CHECKS.set(type, (check = checkOf(dataSchemas[type])))
  return check(data)
}

/** Throws `INVALID_EVENT`, naming the field, unless `data` fits its core type. For what is about to be written. */
export function assertData(type: CoreType, data: unknown, what: string): void {
  if (fits(type, data)) return
  const result = dataSchemas[type].safeParse(data)
  if (result.success) return
  const { issue, path } = firstIssue(result.error.issues)
  const field = path.map(String).join('.')
  throw new FoldlogError('INVALID_EVENT', `${what}: ${field || type}: ${issue?.message ?? 'does not fit'}`, {
    field: field || type,
    cause: result.error,
  })
}

/** The first thing that does not fit, and where. Of what fits none of several shapes it is that of the first: the one that is meant. */
function firstIssue(issues: readonly z.core.$ZodIssue[]): {
  readonly issue: z.core.$ZodIssue | undefined
  readonly path: readonly PropertyKey[]
} {
  const [issue] = issues
  if (issue === undefined) return { issue, path: [] }
  const [shape] = issue.code === 'invalid_union' ? issue.errors : []
  if (shape === undefined) return { issue, path: issue.path }
  const inner = firstIssue(shape)
  return { issue: inner.issue, path: [...issue.path, ...inner.path] }
}

/** The JSON Schema of a line as writers write it, docs/format.md §2 and §3. Readers take more, §7. */
export function lineJsonSchema(): object {
  const eventId = z.string().regex(/^[0-7][0-9A-HJKMNP-TV-Z]{25}$/)
  const reference = z.looseObject({ of: eventId })
  const customType = new RegExp(`^(?!(?:${[...RESERVED].join('|')})\\.)${TYPE_PATTERN.source.slice(1)}`)
  const event = z.union([
    ...Object.entries(dataSchemas).map(([type, data]) => content(z.literal(type), data)),
    content(z.literal('session.deleted'), json),
    content(z.string().max(128).regex(customType), json),
  ])
  const inner = z.intersection(z.looseObject({ id: eventId }), event)
  const head = z.looseObject({
    v: z.literal(1),
    id: eventId,
    type: z.string(),
    time: z.string(),
    key: z.string().optional(),
    if: z.looseObject({ at: z.int().nonnegative(), after: eventId.optional() }).optional(),
    kept: z.array(eventId).optional(),
    redacted: z.literal(true).optional(),
    data: json,
  })
  const keeping = [
    content(z.literal('log.batch'), z.array(inner).min(1)),
    content(z.enum(['log.kept', 'log.void']), reference),
    content(z.literal('log.redacted'), z.looseObject({ ids: z.array(eventId), why: z.string() })),
  ]
  const names = z.registry<{ readonly id: string }>()
  const shared = { eventId, event, infoPatch, message, messagePatch, part, status, role, audience }
  const small = { source, usage, errorInfo, lease, parent, ...Object.fromEntries(knownPart.options.map(named)) }
  for (const [name, schema] of Object.entries({ ...shared, ...small })) names.add(schema, { id: name })
  // What zod checks with code has to be said by hand.
  const said = new Map<unknown, object>([
    [head.shape.time, { format: 'date-time' }],
    [jsonObject, { type: 'object' }],
    [unknownPart.shape.type, { not: { enum: [...KNOWN_PARTS] } }],
  ])
  return z.toJSONSchema(z.intersection(head, z.union([event, ...keeping])), {
    metadata: names,
    unrepresentable: 'any',
    override: ({ zodSchema, jsonSchema }) => {
      if (JSON.stringify(jsonSchema.additionalProperties) === '{}') delete jsonSchema.additionalProperties
      if (zodSchema instanceof z.ZodUndefined) jsonSchema.not = {}
      Object.assign(jsonSchema, said.get(zodSchema))
    },
  })
}

function content(type: z.ZodType, data: z.ZodType): z.ZodType {
  return z.looseObject({ type, data })
}

function named(schema: (typeof knownPart.options)[number]): [string, z.ZodType] {
  return [`part.${schema.shape.type.value}`, schema]
}
