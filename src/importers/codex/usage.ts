/**
 * What a `token_count` says: the session's total so far, and what the last step of the model cost.
 *
 * Everything in this file is pure.
 */
import type { JsonObject } from '../../json.ts'
import type { Usage } from '../../message.ts'
import { countField, objectField } from '../fields.ts'

/** Codex's names and foldlog's. Its input includes what was cached, its output what was reasoned, as foldlog's do. */
const FIELDS: readonly (readonly [string, keyof Usage])[] = [
  ['input_tokens', 'inputTokens'],
  ['output_tokens', 'outputTokens'],
  ['reasoning_output_tokens', 'reasoningTokens'],
  ['cached_input_tokens', 'cachedInputTokens'],
  ['cache_write_input_tokens', 'cacheWriteTokens'],
  ['total_tokens', 'totalTokens'],
]

export interface TokenCount {
  /** The total so far, in Codex's words. */
  readonly total: JsonObject | undefined
  /** Of the last step; undefined if the record does not say. */
  readonly step: Usage | undefined
}

export function tokenCountOf(payload: JsonObject): TokenCount {
  const info = objectField(payload, 'info') ?? {}
  const step = objectField(info, 'last_token_usage')
  return { total: objectField(info, 'total_token_usage'), step: step === undefined ? undefined : usageOf(step) }
}

function usageOf(counts: JsonObject): Usage {
  return Object.fromEntries(
    FIELDS.flatMap(([theirs, ours]) => {
      const count = countField(counts, theirs)
      return count === undefined ? [] : [[ours, count]]
    }),
  )
}

/** Both together. */
export function plus(a: Usage | undefined, b: Usage): Usage {
  if (a === undefined) return b
  const sums = FIELDS.flatMap(([, name]) =>
    a[name] === undefined && b[name] === undefined ? [] : [[name, (a[name] ?? 0) + (b[name] ?? 0)]],
  )
  return Object.fromEntries(sums)
}
