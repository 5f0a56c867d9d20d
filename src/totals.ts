/**
 * What is summed up while a session is folded: usage, and what each turn still waits for.
 *
 * Sums are kept in whole numbers (tokens, and billionths of a dollar), so that adding and taking back in any order gives the same
 * result to the last bit. Everything in this file is pure.
 */
import type { Content, Facts } from './body.ts'
import { deepFreeze, type JsonObject } from './json.ts'
import type { SessionStatus, Status, Usage } from './message.ts'

const NANO = 1e9
/** Far beyond any real count; keeps sums exact and a hostile number from hiding all others. */
const LARGEST = 1e12

/** What is counted of a message. */
export const USAGE_FIELDS: readonly (keyof Usage)[] = [
  'inputTokens',
  'outputTokens',
  'reasoningTokens',
  'cachedInputTokens',
  'cacheWriteTokens',
  'totalTokens',
  'costUsd',
]

/** The sum of the usage of many messages. */
export class UsageSum {
  /** How many messages say anything of a field, and their sum, in the order of the fields. */
  readonly #counts = USAGE_FIELDS.map(() => 0)
  readonly #totals = USAGE_FIELDS.map(() => 0)
  #usage: Usage | undefined

  /** The sum that gives this usage, to go on from. */
  static of(usage: Usage): UsageSum {
    const sum = new UsageSum()
    for (const [i, field] of USAGE_FIELDS.entries()) {
      const total = usage[field]
      if (total === undefined) continue
      sum.#counts[i] = 1
      // As it is: only what one message says has a limit.
      sum.#totals[i] = field === 'costUsd' ? Math.round(total * NANO) : total
    }
    return sum
  }

  /** Adds (`sign` 1) or takes back (`sign` -1) what a message used. */
  add(usage: JsonObject, sign: 1 | -1): void {
    // By name: looked up one by one, the fields of each message would cost as much as its place in the tree.
    this.#count(0, usage['inputTokens'], 1, sign)
    this.#count(1, usage['outputTokens'], 1, sign)
    this.#count(2, usage['reasoningTokens'], 1, sign)
    this.#count(3, usage['cachedInputTokens'], 1, sign)
    this.#count(4, usage['cacheWriteTokens'], 1, sign)
    this.#count(5, usage['totalTokens'], 1, sign)
    this.#count(6, usage['costUsd'], NANO, sign)
    this.#usage = undefined
  }

  /** Adds or takes back a sum of others. */
  addSum(sum: UsageSum, sign: 1 | -1): void {
    for (let i = 0; i < USAGE_FIELDS.length; i++) {
      this.#counts[i]! += sign * sum.#counts[i]!
      this.#totals[i]! += sign * sum.#totals[i]!
    }
    this.#usage = undefined
  }

  get usage(): Usage {
    if (this.#usage === undefined) {
      const out: Record<string, number> = {}
      for (const [i, field] of USAGE_FIELDS.entries()) {
        const total = this.#totals[i]!
        if (this.#counts[i]! > 0) out[field] = field === 'costUsd' ? total / NANO : total
      }
      this.#usage = deepFreeze(out)
    }
    return this.#usage
  }

  #count(field: number, value: unknown, scale: number, sign: 1 | -1): void {
    if (typeof value !== 'number') return
    this.#counts[field]! += sign
    this.#totals[field]! += sign * Math.round(Math.min(value * scale, LARGEST))
  }
}

/** What a turn waits for: kept as messages come and change, so that a turn of any length costs the same. */
export class TurnFacts {
  unfinished = 0
  users = 0
  /** Calls without a result. */
  open = 0
  /** Made when the first call comes: most turns have none. */
  #calls: Map<string, { calls: number; results: number }> | undefined

  add(facts: Facts, sign: 1 | -1): void {
    if (facts.isUnfinished) this.unfinished += sign
    if (facts.isUser) this.users += sign
    for (const id of facts.calls) this.#change(id, sign, 0)
    for (const id of facts.results) this.#change(id, 0, sign)
  }

  /** The calls without a result, and those with one. */
  callIds(): { readonly open: readonly string[]; readonly closed: readonly string[] } {
    const calls = [...(this.#calls ?? [])]
    const open = calls.filter(([, call]) => isOpen(call)).map(([id]) => id)
    const closed = calls.filter(([, call]) => !isOpen(call)).map(([id]) => id)
    return { open, closed }
  }

  #change(callId: string, calls: number, results: number): void {
    this.#calls ??= new Map()
    let call = this.#calls.get(callId)
    if (call === undefined) this.#calls.set(callId, (call = { calls: 0, results: 0 }))
    if (isOpen(call)) this.open--
    call.calls += calls
    call.results += results
    if (isOpen(call)) this.open++
  }
}

/** The status of a session whose last turn waits for so much and ends with a message of this status. */
export function sessionStatus(unfinished: number, open: number, last: Status): SessionStatus {
  if (unfinished > 0) return 'running'
  if (last === 'failed') return 'failed'
  return open > 0 && last === 'completed' ? 'awaiting' : 'idle'
}

function isOpen(call: { readonly calls: number; readonly results: number }): boolean {
  return call.calls > 0 && call.results === 0
}

const PREVIEW_CHARS = 200

/** What a user message gives for the preview of its session; empty if nothing. */
export function previewOf({ parts, audience }: Content): string {
  if (audience === 'model') return ''
  const part = parts?.find((each) => each.type === 'text' && each.text.trim() !== '')
  return part?.type === 'text' ? part.text.trim().slice(0, PREVIEW_CHARS).toWellFormed() : ''
}
