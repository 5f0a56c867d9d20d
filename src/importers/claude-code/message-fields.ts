/**
 * What a record says about its message as a whole: model, usage, how it ended, who it is for.
 *
 * Everything in this file is pure.
 */
import { countField, isSet, objectField, textField } from '../fields.ts'
import type { JsonObject } from '../../json.ts'
import type { ErrorInfo, Usage } from '../../message.ts'
import type { MessageFields } from '../session-writer.ts'
import { SYNTHETIC, blocksOf, stringContentOf } from './record.ts'

/** Anthropic's reasons in the words that foldlog's converters use; others stay as they are. */
const FINISH_REASONS: ReadonlyMap<string, string> = new Map([
  ['end_turn', 'stop'],
  ['stop_sequence', 'stop'],
  ['max_tokens', 'length'],
  ['tool_use', 'tool-calls'],
  ['refusal', 'content-filter'],
])

/** Of an assistant record. Errors that Claude Code shows in place of an answer are for the user only. */
export function answerFields(value: JsonObject): MessageFields {
  const message = objectField(value, 'message') ?? {}
  const model = textField(message, 'model')
  const usage = usageOf(objectField(message, 'usage'))
  const reason = textField(message, 'stop_reason')
  const finishReason = reason === undefined ? undefined : (FINISH_REASONS.get(reason) ?? reason)
  const isError = isSet(value, 'isApiErrorMessage')
  const isCutOff = isError || isSet(value, 'isAbortedMidStream') || finishReason === 'length'
  const fields: { -readonly [Name in keyof MessageFields]: MessageFields[Name] } = {}
  if (isCutOff) fields.status = 'incomplete'
  if (isError) {
    fields.audience = 'user'
    fields.error = errorOf(value)
  }
  if (finishReason !== undefined) fields.finishReason = finishReason
  if (model !== undefined && model !== SYNTHETIC) {
    fields.model = model
    fields.provider = 'anthropic'
  }
  if (usage !== undefined) fields.usage = usage
  if (model === SYNTHETIC) fields.metadata = { isSynthetic: true }
  return fields
}

/** Of a user record. Meta messages are what Claude Code tells the model by itself. */
export function userFields(value: JsonObject, role: 'user' | 'tool'): MessageFields {
  if (role === 'tool') return {}
  const origin = objectField(value, 'origin')
  const isMeta = isSet(value, 'isMeta')
  const metadata = { ...(isMeta ? { isMeta } : {}), ...(origin === undefined ? {} : { origin }) }
  const isForUser = isSet(value, 'isVisibleInTranscriptOnly') && !isSet(value, 'isCompactSummary')
  return {
    ...(isMeta ? { audience: 'model' } : isForUser ? { audience: 'user' } : {}),
    ...(Object.keys(metadata).length === 0 ? {} : { metadata }),
  }
}

function errorOf(value: JsonObject): ErrorInfo {
  const texts = blocksOf(value).map((block) => textField(block, 'text') ?? '')
  const message = stringContentOf(value) ?? texts.join('\n')
  const status = value['apiErrorStatus']
  const code = textField(value, 'error') ?? (typeof status === 'number' ? String(status) : undefined)
  return { message, ...(code === undefined ? {} : { code }) }
}

/** Anthropic counts input, cache reads and cache writes apart; foldlog's `inputTokens` is all three. */
function usageOf(usage: JsonObject | undefined): Usage | undefined {
  if (usage === undefined) return undefined
  const input = countField(usage, 'input_tokens')
  const output = countField(usage, 'output_tokens')
  const written = countField(usage, 'cache_creation_input_tokens')
  const read = countField(usage, 'cache_read_input_tokens')
  const reasoning = countField(objectField(usage, 'output_tokens_details') ?? {}, 'thinking_tokens')
  const hasInput = input !== undefined || written !== undefined || read !== undefined
  if (!hasInput && output === undefined) return undefined
  const counts: { -readonly [Name in keyof Usage]: Usage[Name] } = {}
  if (hasInput) counts.inputTokens = (input ?? 0) + (written ?? 0) + (read ?? 0)
  if (output !== undefined) counts.outputTokens = output
  if (reasoning !== undefined) counts.reasoningTokens = reasoning
  if (read !== undefined) counts.cachedInputTokens = read
  if (written !== undefined) counts.cacheWriteTokens = written
  return counts
}
