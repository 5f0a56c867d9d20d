/**
 * Sums over messages: how many there are, what they cost, and what tools did. Pure.
 */
import type { Message, SessionInfo, Usage } from '../message.ts'
import { totalTokensOf } from './info.ts'
import { hasFailed } from './summary.ts'

/** What belongs together: a day, a model, a session, or everything. */
export class Tally {
  messageCount = 0
  sessionCount = 0
  inputTokens = 0
  outputTokens = 0
  cachedInputTokens = 0
  totalTokens = 0
  costUsd = 0
  /** Whether any cost was written, be it nothing. */
  hasCost = false
  #session: string | undefined

  /** Takes in a message. Those of one session have to come in a row. */
  add({ usage }: Message, { id, namespace }: SessionInfo): void {
    this.messageCount++
    const session = JSON.stringify([namespace, id])
    if (session !== this.#session) this.sessionCount++
    this.#session = session
    if (usage !== undefined) this.#use(usage)
  }

  /** Takes in all that an info says of its session. */
  addAll({ messageCount, usage }: SessionInfo): void {
    this.sessionCount++
    this.messageCount += messageCount
    this.#use(usage)
  }

  #use(usage: Usage): void {
    this.inputTokens += usage.inputTokens ?? 0
    this.outputTokens += usage.outputTokens ?? 0
    this.cachedInputTokens += usage.cachedInputTokens ?? 0
    this.totalTokens += totalTokensOf(usage)
    this.costUsd += usage.costUsd ?? 0
    this.hasCost ||= usage.costUsd !== undefined
  }
}

/** What was done with one tool. */
export interface ToolTally {
  callCount: number
  failedCount: number
  /** Of each call that was answered, in ms: from the message that has the call to the one that has the result. */
  readonly durations: number[]
}

/** Takes in the tool calls of messages, branches included. */
export function tallyTools(tools: Map<string, ToolTally>, messages: readonly Message[], since = 0): void {
  const calls = new Map<string, { readonly tool: ToolTally; readonly at: number }>()
  for (const { parts, time } of messages) {
    if (time.created < since) continue
    for (const part of parts) {
      if (part.type === 'tool-call') {
        const tool = entry(tools, part.name, () => ({ callCount: 0, failedCount: 0, durations: [] }))
        tool.callCount++
        calls.set(part.callId, { tool, at: time.created })
      } else if (part.type === 'tool-result') {
        const call = calls.get(part.callId)
        if (call === undefined) continue
        calls.delete(part.callId)
        call.tool.durations.push(Math.max(0, time.created - call.at))
        if (hasFailed(part)) call.tool.failedCount++
      }
    }
  }
}

/** The middle one; undefined of none. */
export function median(values: readonly number[]): number | undefined {
  return [...values].sort((a, b) => a - b)[values.length >> 1]
}

/** What a map holds, or is made to hold. */
export function entry<K, V>(map: Map<K, V>, key: K, make: () => V): V {
  const known = map.get(key)
  if (known !== undefined) return known
  const value = make()
  map.set(key, value)
  return value
}
