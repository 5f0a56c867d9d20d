/**
 * What Gemini CLI says of a message as a whole: who speaks, model, usage.
 *
 * Everything in this file is pure.
 */
import { asObject, countField, objectField, restOf, textField, timeField } from '../fields.ts'
import { isSameJson, type Json, type JsonObject } from '../../json.ts'
import type { Role, Usage } from '../../message.ts'
import type { MessageFields } from '../session-writer.ts'
import { isOpen, listOf } from './parts.ts'

/** Fields that are said otherwise; the others are kept in `metadata`. */
const KNOWN: ReadonlySet<string> = new Set([
  'id',
  'timestamp',
  'type',
  'content',
  'parts',
  'displayContent',
  'thoughts',
  'tokens',
  'model',
  'toolCalls',
])
const ROLES: ReadonlyMap<string, Role> = new Map([
  ['user', 'user'],
  ['gemini', 'assistant'],
  ['model', 'assistant'],
])
const PROVIDER = 'google'

/** Who speaks. Whatever is neither a question nor an answer is a notice of Gemini CLI itself. */
export function roleOf(record: JsonObject): Role {
  return ROLES.get(textField(record, 'type') ?? '') ?? 'system'
}

/** The newest time that a message and its calls name. */
export function lastMs(record: JsonObject): number {
  const calls = listOf(record['toolCalls']).flatMap((call) => timeField(asObject(call) ?? {}, 'timestamp') ?? [])
  return Math.max(timeField(record, 'timestamp') ?? 0, ...calls)
}

/** What a message says besides its parts. Notices are for the user: Gemini CLI never sends them. */
export function fieldsOf(record: JsonObject): MessageFields {
  const type = textField(record, 'type')
  const role = roleOf(record)
  const model = textField(record, 'model')
  const { usage, toolTokens } = usageOf(objectField(record, 'tokens'))
  const shown = record['displayContent']
  const metadata = {
    ...restOf(record, KNOWN),
    ...(type === undefined || type === 'user' || type === 'gemini' ? {} : { type }),
    ...(shown === undefined || isSame(shown, record['content']) ? {} : { displayContent: shown }),
    ...(toolTokens === 0 ? {} : { toolTokens }),
  }
  const isCut = role === 'assistant' && listOf(record['toolCalls']).some((call) => isOpen(asObject(call) ?? {}))
  return {
    ...(isCut ? { status: 'incomplete' } : {}),
    ...(role === 'system' ? { audience: 'user' } : {}),
    ...(model === undefined ? {} : { model, provider: PROVIDER }),
    ...(usage === undefined ? {} : { usage }),
    ...(Object.keys(metadata).length === 0 ? {} : { metadata }),
  }
}

function isSame(a: Json, b: Json | undefined): boolean {
  return b !== undefined && isSameJson(a, b)
}

/**
 * Gemini counts the prompts of its own tools apart from the input, and thoughts apart from the output; foldlog's `inputTokens` and
 * `outputTokens` include them. Both include what was cached.
 */
function usageOf(tokens: JsonObject | undefined): { readonly usage?: Usage; readonly toolTokens: number } {
  if (tokens === undefined) return { toolTokens: 0 }
  const thoughts = countField(tokens, 'thoughts') ?? 0
  const toolTokens = countField(tokens, 'tool') ?? 0
  const total = countField(tokens, 'total')
  const usage = {
    inputTokens: (countField(tokens, 'input') ?? 0) + toolTokens,
    outputTokens: (countField(tokens, 'output') ?? 0) + thoughts,
    reasoningTokens: thoughts,
    cachedInputTokens: countField(tokens, 'cached') ?? 0,
    ...(total === undefined ? {} : { totalTokens: total }),
  }
  return { usage, toolTokens }
}
