/**
 * A message of a conversation → a message of a session: who says it, what kind it is, how it ended, who it is for.
 *
 * Everything in this file is pure.
 */
import type { JsonObject } from '../../json.ts'
import { MAX_INLINE_CHARS } from '../../line.ts'
import type { Part, Role } from '../../message.ts'
import { argumentsOf } from '../../messages/foreign.ts'
import { fieldsBut, isSet, objectField, textField } from '../fields.ts'
import type { MessageFields } from '../session-writer.ts'
import { partsOf, resultOf, textOf } from './parts.ts'

export const FORMAT = 'chatgpt'

/** A call that results may answer. */
export interface Call {
  readonly callId: string
  readonly name: string
}

/** What a message becomes, apart from its place. */
export interface Converted extends MessageFields {
  readonly role: Role
  readonly parts: readonly Part[]
}

const ROLES: ReadonlyMap<string, Role> = new Map<string, Role>([
  ['system', 'system'],
  ['developer', 'system'],
  ['user', 'user'],
  ['assistant', 'assistant'],
  ['tool', 'tool'],
])
/** ChatGPT's reasons in the words that foldlog's converters use; others stay as they are. */
const FINISH_REASONS: ReadonlyMap<string, string> = new Map([['max_tokens', 'length']])
/** Fields of the metadata that are said by the message itself, or mean something to the service only. */
const TAKEN: ReadonlySet<string> = new Set([
  'model_slug',
  'finish_details',
  'is_visually_hidden_from_conversation',
  'parent_id',
])
export const SERVICE_FIELDS: ReadonlySet<string> = new Set([
  'pad',
  'request_id',
  'message_type',
  'timestamp_',
  'is_complete',
  'default_model_slug',
])
const NOT_KEPT: ReadonlySet<string> = new Set([...TAKEN, ...SERVICE_FIELDS])

/** Who says a message, in the source's words. */
export function roleOf(message: JsonObject): string {
  return textField(objectField(message, 'author') ?? {}, 'role') ?? '(none)'
}

/** The call that a message is: one that is addressed to a tool. */
export function callOf(key: string, message: JsonObject): Call | undefined {
  const name = textField(message, 'recipient')
  return roleOf(message) !== 'assistant' || name === undefined || name === 'all' ? undefined : { callId: key, name }
}

/** @param above the call that this message answers, if it is a result */
export function converted(key: string, message: JsonObject, above: Call | undefined): Converted {
  const author = objectField(message, 'author') ?? {}
  const role = ROLES.get(roleOf(message)) ?? 'system'
  const call = callOf(key, message)
  const name = textField(author, 'name')
  const content = objectField(message, 'content') ?? {}
  const parts =
    call !== undefined
      ? [callPart(call, content)]
      : role === 'tool'
        ? [resultPart(above ?? { callId: key, name: name ?? 'unknown' }, content)]
        : partsOf(message)
  const model = textField(objectField(message, 'metadata') ?? {}, 'model_slug')
  return {
    role,
    parts,
    ...(name === undefined ? {} : { author: name }),
    ...(isHidden(message) ? { audience: 'model' } : {}),
    ...endOf(message),
    ...(model === undefined ? {} : { model, provider: 'openai' }),
  }
}

function callPart({ callId, name }: Call, content: JsonObject): Part {
  const text = textOf(content)
  const language = textField(content, 'language')
  const metadata = language === undefined ? {} : { providerMetadata: { [FORMAT]: { language } } }
  return { id: 'call', type: 'tool-call', callId, name, ...argumentsOf(text), ...metadata }
}

function resultPart({ callId, name }: Call, content: JsonObject): Part {
  const base = { id: 'result', type: 'tool-result', callId, name } as const
  const body = resultOf(content)
  if (typeof body.output !== 'string' || body.output.length <= MAX_INLINE_CHARS) return { ...base, ...body }
  return { ...base, content: [{ id: 'result.0', type: 'text', text: body.output }] }
}

/** ChatGPT shows it to nobody. */
function isHidden(message: JsonObject): boolean {
  return (
    message['weight'] === 0 || isSet(objectField(message, 'metadata') ?? {}, 'is_visually_hidden_from_conversation')
  )
}

/** An export is made of what is there: nothing in it is in progress any more. */
function endOf(message: JsonObject): Pick<MessageFields, 'status' | 'finishReason'> {
  const details = objectField(objectField(message, 'metadata') ?? {}, 'finish_details') ?? {}
  const reason = textField(details, 'type')
  const finishReason = reason === undefined ? undefined : (FINISH_REASONS.get(reason) ?? reason)
  const status = textField(message, 'status') ?? 'finished_successfully'
  const isCutOff = status !== 'finished_successfully' || finishReason === 'length'
  return {
    ...(isCutOff ? { status: 'incomplete', statusMessage: status } : {}),
    ...(finishReason === undefined ? {} : { finishReason }),
  }
}

/** What the message says besides. */
export function metadataOf(message: JsonObject, role: Role): JsonObject {
  const type = textField(objectField(message, 'content') ?? {}, 'content_type')
  const channel = textField(message, 'channel')
  const said = roleOf(message)
  return {
    ...fieldsBut(objectField(message, 'metadata') ?? {}, NOT_KEPT),
    ...(type === undefined || type === 'text' ? {} : { contentType: type }),
    ...(said === role ? {} : { role: said }),
    ...(channel === undefined ? {} : { channel }),
    ...(message['weight'] === 0 ? { weight: 0 } : {}),
  }
}
