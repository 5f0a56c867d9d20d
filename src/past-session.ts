/**
 * A session as it was at some point.
 */
import type { ContextOptions } from './context.ts'
import { FoldlogError } from './errors.ts'
import type { Fold } from './fold.ts'
import { isEventId } from './event-id.ts'
import { firstIdAt } from './id.ts'
import type { Message, SessionInfo, Turn } from './message.ts'
import { contextIn, messagesOf, siblingsOf, turnsIn, type MessagesOptions } from './views.ts'

/** The views of a session over the events up to a point. */
export class PastSession {
  readonly #fold: Fold
  readonly info: SessionInfo

  constructor(fold: Fold) {
    this.#fold = fold
    this.info = fold.info(0)
  }

  async messages(options?: MessagesOptions): Promise<readonly Message[]> {
    return messagesOf(this.#fold, options)
  }

  async turns(options?: MessagesOptions): Promise<readonly Turn[]> {
    return turnsIn(this.#fold, options)
  }

  async context(options?: ContextOptions): Promise<readonly Message[]> {
    return contextIn(this.#fold, options)
  }

  async siblings(messageId: string): Promise<readonly Message[]> {
    return siblingsOf(this.#fold, messageId)
  }
}

/** The id up to which events belong to a point: an event's id, or the last that a time can have. Rejects what is neither with `INVALID_OPTION`. */
export function lastIdAt(point: string | Date): string {
  if (typeof point === 'string') {
    if (isEventId(point)) return point
    const text = `${JSON.stringify(point)} is no event id: pass one, or a Date`
    throw new FoldlogError('INVALID_OPTION', text, { field: 'point' })
  }
  if (point instanceof Date && Number.isFinite(point.getTime())) return firstIdAt(Math.max(0, point.getTime() + 1))
  throw new FoldlogError('INVALID_OPTION', 'point: pass an event id, or a valid Date', { field: 'point' })
}
