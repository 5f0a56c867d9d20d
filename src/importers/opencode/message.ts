/**
 * What opencode says of a message as a whole: model, usage, how it ended, who it is for.
 *
 * Everything in this file is pure.
 */
import { countField, isSet, msField, objectField, restOf, textField } from '../fields.ts'
import { isArray, type Json, type JsonObject } from '../../json.ts'
import type { ErrorInfo, Part, Usage } from '../../message.ts'
import type { MessageFields } from '../session-writer.ts'
import { FORMAT } from './parts.ts'

/** Fields that are said otherwise; the others are kept in `metadata`. */
const KNOWN: ReadonlySet<string> = new Set([
  'id',
  'sessionID',
  'role',
  'time',
  'parentID',
  'modelID',
  'providerID',
  'tokens',
  'cost',
  'finish',
  'error',
  'summary',
])
const ABORTED = 'MessageAbortedError'
/** The parts that opencode does not count as an answer. */
const NO_ANSWER: ReadonlySet<string> = new Set(['step-start', 'reasoning'])

/** The role of a message: anything but a question is an answer. */
export function roleOf(info: JsonObject): 'user' | 'assistant' {
  return info['role'] === 'user' ? 'user' : 'assistant'
}

export function createdMs(info: JsonObject): number | undefined {
  return msField(objectField(info, 'time') ?? {}, 'created')
}

export function completedMs(info: JsonObject): number | undefined {
  return msField(objectField(info, 'time') ?? {}, 'completed')
}

/** Whether it is the whole summary of a compaction: then opencode sends it in place of what came before. */
export function isSummary(info: JsonObject): boolean {
  return isSet(info, 'summary') && textField(info, 'finish') !== undefined && info['error'] === undefined
}

/** What a message says besides its parts. `originalParent`: the question it answers, where that is not in the session. */
export function fieldsOf(
  info: JsonObject,
  parts: readonly JsonObject[],
  originalParent: string | undefined,
): MessageFields {
  const isOpenSummary = isSet(info, 'summary') && !isSummary(info)
  const metadata = {
    ...restOf(info, KNOWN),
    ...(isOpenSummary ? { summary: true } : {}),
    ...(originalParent === undefined ? {} : { originalParent }),
  }
  if (roleOf(info) === 'user') return Object.keys(metadata).length === 0 ? {} : { metadata }
  const { usage, tokens } = usageOf(info)
  const error = objectField(info, 'error')
  const model = textField(info, 'modelID')
  const provider = textField(info, 'providerID')
  const finishReason = textField(info, 'finish')
  const more = {
    ...metadata,
    ...(tokens === undefined ? {} : { tokens }),
    ...(error === undefined ? {} : errorRest(error)),
  }
  const isWhole = error === undefined && finishReason !== 'length' && completedMs(info) !== undefined
  return {
    status: isWhole ? 'completed' : 'incomplete',
    ...(error === undefined ? {} : { error: errorOf(error) }),
    ...(error !== undefined && isUnsent(error, parts) ? { audience: 'user' } : {}),
    ...(finishReason === undefined ? {} : { finishReason }),
    ...(model === undefined ? {} : { model }),
    ...(provider === undefined ? {} : { provider }),
    ...(usage === undefined ? {} : { usage }),
    ...(Object.keys(more).length === 0 ? {} : { metadata: more }),
  }
}

/** What opencode found out about a question later: its title, and what its answer changed. */
export function summaryPart(info: JsonObject, onDropped: (name: string, reason: string) => void): Part | undefined {
  const summary = objectField(info, 'summary')
  if (roleOf(info) !== 'user' || summary === undefined) return undefined
  const diffs = (isArray(summary['diffs'] ?? null) ? (summary['diffs'] as readonly Json[]) : []).map((diff) => {
    const entry = diff as JsonObject
    if (typeof diff !== 'object' || diff === null || !('before' in entry || 'after' in entry)) return diff
    onDropped(
      'summary.diffs.before, after',
      'whole files as they were before and after an answer; its patches are kept',
    )
    return restOf(entry, new Set(['before', 'after']))
  })
  if (diffs.length === 0 && Object.keys(summary).every((name) => name === 'diffs')) return undefined
  return {
    id: `${textField(info, 'id') ?? ''}:summary`,
    type: 'data',
    name: `${FORMAT}.summary`,
    data: { ...summary, diffs },
  }
}

/** An error that opencode does not send: the message is for the user only. */
function isUnsent(error: JsonObject, parts: readonly JsonObject[]): boolean {
  return error['name'] !== ABORTED || parts.every((part) => NO_ANSWER.has(textField(part, 'type') ?? ''))
}

function errorOf(error: JsonObject): ErrorInfo {
  const code = textField(error, 'name')
  const message = textField(objectField(error, 'data') ?? {}, 'message') ?? code ?? 'unknown error'
  return { message, ...(code === undefined ? {} : { code }) }
}

/** What an error says besides its name and text: status, headers, body. */
function errorRest(error: JsonObject): JsonObject {
  const rest = restOf(objectField(error, 'data') ?? {}, new Set(['message']))
  return Object.keys(rest).length === 0 ? {} : { error: rest }
}

/**
 * opencode counts input, cache reads and cache writes apart; foldlog's `inputTokens` is all three. Whether its `output` has the
 * reasoning in it depends on its version and the provider; the total tells. foldlog's `outputTokens` has. Where that makes another
 * number of it, the source's own are kept as `tokens`.
 */
function usageOf(info: JsonObject): { readonly usage?: Usage; readonly tokens?: JsonObject } {
  const tokens = objectField(info, 'tokens')
  const costUsd = countField(info, 'cost')
  const cost = costUsd === undefined ? {} : { costUsd }
  if (tokens === undefined) return costUsd === undefined || costUsd === 0 ? {} : { usage: cost }
  const cache = objectField(tokens, 'cache') ?? {}
  const input = countField(tokens, 'input') ?? 0
  const output = countField(tokens, 'output') ?? 0
  const reasoning = countField(tokens, 'reasoning') ?? 0
  const read = countField(cache, 'read') ?? 0
  const written = countField(cache, 'write') ?? 0
  const total = countField(tokens, 'total')
  const isApart = reasoning > 0 && total === input + output + reasoning + read + written
  const usage: Usage = {
    inputTokens: input + read + written,
    outputTokens: isApart ? output + reasoning : output,
    reasoningTokens: reasoning,
    cachedInputTokens: read,
    cacheWriteTokens: written,
    ...(total === undefined ? {} : { totalTokens: total }),
    ...cost,
  }
  return isApart ? { usage, tokens } : { usage }
}
