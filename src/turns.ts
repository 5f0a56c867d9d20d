/**
 * Groups a path into turns: a question and what answers it.
 *
 * A turn here is what a reader sees, a run of the path from one user message to the next; the `turnId` a writer
 * stamped only names it. Everything in this file is pure. It reads no clock, no disk, and knows no events.
 */
import { deepFreeze } from './json.ts'
import type { Message, Status, Turn, Usage } from './message.ts'
import { UsageSum } from './totals.ts'

/**
 * The turns of a path, in its order; every message is in exactly one of them. An empty path has none.
 *
 * Each user message opens a turn, whoever it is meant for; messages before the first one form a turn of their own.
 * The result is frozen, its messages are the very objects of `path`.
 */
export function turnsOf(path: readonly Message[]): readonly Turn[] {
  return deepFreeze(groupsOf(path).map(toTurn))
}

/** The messages of each turn, none of them empty. */
export function groupsOf(path: readonly Message[]): readonly (readonly Message[])[] {
  const groups: (readonly Message[])[] = []
  let start = 0
  for (let at = 1; at <= path.length; at++) {
    if (at < path.length && path[at]!.role !== 'user') continue
    groups.push(path.slice(start, at))
    start = at
  }
  return groups
}

/**
 * The status of a turn with these messages: `in_progress` while any of them is pending or in progress, `pending` if it
 * ends with a user message nobody answered, else the status of its last message. Without messages: `completed`. A compaction
 * answers nothing: the status is that of what came before it.
 */
export function turnStatus(messages: readonly Message[]): Status {
  for (const { status } of messages) if (status === 'pending' || status === 'in_progress') return 'in_progress'
  let last = messages.at(-1)
  if (last !== undefined && isCompaction(last)) last = messages.findLast((message) => !isCompaction(message)) ?? last
  if (last === undefined) return 'completed'
  return last.role === 'user' ? 'pending' : last.status
}

/** Whether a message holds nothing but a summary for the model. */
export function isCompaction({ parts }: Message): boolean {
  return parts.length > 0 && parts.every(({ type }) => type === 'compaction')
}

function toTurn(messages: readonly Message[]): Turn {
  // A group is only ever opened with a message in it.
  return { id: messages[0]!.turnId, status: turnStatus(messages), usage: usageOf(messages), messages }
}

const NO_USAGE: Usage = Object.freeze({})

function usageOf(messages: readonly Message[]): Usage {
  let sum: UsageSum | undefined
  for (const { usage } of messages) if (usage !== undefined) (sum ??= new UsageSum()).add({ ...usage }, 1)
  return sum?.usage ?? NO_USAGE
}
