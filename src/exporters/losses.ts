/**
 * What a target could not hold, summed up. Pure, but for reading the session.
 */
import type { Loss, Report } from '../messages/loss.ts'
import type { Exportable } from './view.ts'

/** Losses of one kind. */
export interface LossCount {
  readonly kind: Loss['kind']
  readonly what: Loss['what']
  readonly reason: string
  readonly count: number
}

/** Equal losses together, the most frequent first. */
export function countLosses(losses: Iterable<Loss>): readonly LossCount[] {
  const counts = new Map<string, LossCount>()
  for (const { kind, reason, what } of losses) {
    const key = JSON.stringify([kind, what, reason])
    counts.set(key, { kind, what, reason, count: (counts.get(key)?.count ?? 0) + 1 })
  }
  return [...counts.values()].sort((a, b) => b.count - a.count)
}

/** Reports every message that is not on the path through `branch`, for targets that hold one path. */
export async function reportOthers(view: Exportable, branch: string | undefined, report: Report): Promise<void> {
  const path = new Set((await view.messages(branch === undefined ? {} : { branch })).map(({ id }) => id))
  for (const { id } of await view.messages({ all: true })) {
    if (!path.has(id)) report({ kind: 'dropped', what: 'message', reason: 'it is on another branch', messageId: id })
  }
}
