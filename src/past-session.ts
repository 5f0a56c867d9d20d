/**
 * A session as it was at some point.
 */
import type { ContextOptions } from './context.ts'
import type { Fold } from './fold.ts'
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
