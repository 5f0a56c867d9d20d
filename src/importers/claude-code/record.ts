/**
 * What a single record of a transcript is and says.
 *
 * Reads no clock and no disk.
 */
import { asObject, countField, objectField, textField } from '../fields.ts'
import { isArray, type Json, type JsonObject } from '../../json.ts'
import { digest } from '../mint.ts'

/**
 * What becomes of a record: part of a message; `prompt`, a prompt that was typed while the model worked; `event`, kept
 * as an event of the log beside the conversation; `repeat`, one that an earlier record says already; `dropped`.
 */
export type RecordKind = 'user' | 'assistant' | 'prompt' | 'event' | 'repeat' | 'dropped'

/** A tool call, as far as it is remembered. */
export interface Call {
  readonly callId: string
  readonly name: string
  /** Of the prompt, where the call starts a sub-agent. */
  readonly promptDigest: string | undefined
}

/** The id of calls and results that have none: they can only mean each other. */
export const NO_CALL_ID = 'unknown'
/** The model that Claude Code names for what it says itself. */
export const SYNTHETIC = '<synthetic>'

/** Why records of these types are left out. All other types are kept as events. */
export const DROPPED: ReadonlyMap<string, string> = new Map([
  ['progress', 'how far a tool is; the messages of sub-agents in it are those of their own transcripts'],
  ['attachment', 'what Claude Code adds to a prompt by itself'],
  ['file-history-snapshot', 'names backups of files that are not in the transcript'],
  ['queue-operation', 'a prompt that waits; once sent it is a message or a queued prompt'],
  ['last-prompt', 'repeats a prompt'],
  ['permission-mode', 'a setting of the user interface'],
  ['mode', 'a setting of the user interface'],
  ['bridge-session', 'a connection to another program'],
  ['atis-latch', 'a connection to another program'],
])

/** The type of a record. */
export function typeOf(value: JsonObject): string {
  return textField(value, 'type') ?? '(none)'
}

/** The content blocks of a message record; none where the content is a plain text. What is no block becomes one. */
export function blocksOf(value: JsonObject): readonly JsonObject[] {
  const content = objectField(value, 'message')?.['content'] ?? []
  if (typeof content === 'string') return []
  return (isArray(content) ? content : [content]).map((item) => asObject(item) ?? { type: '(none)', value: item })
}

/** The content of a message record where it is a plain text, which may be empty. */
export function stringContentOf(value: JsonObject): string | undefined {
  const content = objectField(value, 'message')?.['content']
  return typeof content === 'string' ? content : undefined
}

/** The type of a record, with the subtype that tells its sorts apart. */
export function labelOf(type: string, value: JsonObject): string {
  if (type === 'attachment') return labelled(type, objectField(value, 'attachment')?.['type'])
  return type === 'system' ? labelled(type, value['subtype']) : type
}

function labelled(type: string, subtype: Json | undefined): string {
  return typeof subtype === 'string' && subtype !== '' ? `${type}:${subtype}` : type
}

/** What becomes of a record, if no earlier one says the same. */
export function kindOf(type: string, value: JsonObject): RecordKind {
  if (type === 'user' || type === 'assistant') return type
  if (type === 'attachment' && objectField(value, 'attachment')?.['type'] === 'queued_command') return 'prompt'
  return DROPPED.has(type) ? 'dropped' : 'event'
}

/** The uuid of the record that this one follows. A compaction starts anew, but says what it came after. */
export function aboveOf(value: JsonObject): string | undefined {
  const parent = textField(value, 'parentUuid')
  return parent ?? (value['subtype'] === 'compact_boundary' ? textField(value, 'logicalParentUuid') : undefined)
}

/** What a record says, without what changes when it is written again by a resumed session. */
export function contentDigest(type: string, value: JsonObject): string {
  if (type !== 'user' && type !== 'assistant') return digest(JSON.stringify(value))
  return digest(type + JSON.stringify(objectField(value, 'message')?.['content']))
}

/** The digest of the text that a user record begins with. */
export function textDigestOf(value: JsonObject): string | undefined {
  const text = stringContentOf(value) ?? textField(blocksOf(value)[0] ?? {}, 'text')
  return text === undefined ? undefined : digest(text)
}

/** The calls in a message record. */
export function callsOf(value: JsonObject): readonly Call[] {
  return blocksOf(value).flatMap(callOf)
}

function callOf(block: JsonObject): readonly Call[] {
  if (block['type'] !== 'tool_use') return []
  const prompt = textField(objectField(block, 'input') ?? {}, 'prompt')
  return [
    {
      callId: textField(block, 'id') ?? NO_CALL_ID,
      name: textField(block, 'name') ?? 'unknown',
      promptDigest: prompt === undefined ? undefined : digest(prompt),
    },
  ]
}

/** The ids of the calls that the results in a message record answer. */
export function answeredBy(value: JsonObject): readonly string[] {
  return blocksOf(value).flatMap(resultOf)
}

function resultOf(block: JsonObject): readonly string[] {
  return block['type'] === 'tool_result' ? [textField(block, 'tool_use_id') ?? NO_CALL_ID] : []
}

/** How many tokens a compact boundary says there were before, and who asked for it. */
export function compactionFacts(metadata: JsonObject): { readonly tokensBefore?: number; readonly trigger?: string } {
  const tokensBefore = countField(metadata, 'preTokens')
  const trigger = textField(metadata, 'trigger')
  return {
    ...(tokensBefore === undefined ? {} : { tokensBefore }),
    ...(trigger === undefined ? {} : { trigger }),
  }
}
