/**
 * What a turn tells: its own events on the bus, and everything that concerns it to the listener of the call.
 */
import type { BusEvents, MessageChanged, Notice, PartDelta, TurnEnded, TurnStarted } from './bus.ts'
import type { CoreEvents } from './event.ts'
import type { LiveLog } from './live.ts'

/** What `onEvent` of a call of `send` hears. */
export type SendEvent = TurnStarted | TurnEnded | PartDelta | MessageChanged | Notice

const TYPES = [
  'turn.started',
  'turn.completed',
  'turn.failed',
  'turn.cancelled',
  'part.delta',
  'part.updated',
  'message.created',
  'message.updated',
  'message.deleted',
  'notice',
] as const satisfies readonly (keyof BusEvents)[]

/** An event of a turn without where it happened. */
type Own<T> = T extends unknown ? Omit<T, 'root' | 'namespace' | 'sessionId' | 'origin'> : never

export class TurnEvents {
  readonly #live: LiveLog
  readonly #stops: (() => void)[] = []
  /** The messages of the turn. */
  readonly #messages = new Set<string>()
  /** By the label of its question, and of its answer, which has another one where that is a branch. */
  #turnIds: readonly string[] = []

  constructor(live: LiveLog, listener: ((event: SendEvent) => unknown) | undefined) {
    this.#live = live
    if (listener === undefined) return
    for (const type of TYPES) {
      this.#stops.push(
        live.bus.on<(typeof TYPES)[number]>(type, (event) => (this.#isMine(event) ? listener(event) : undefined)),
      )
    }
  }

  /** Says which turn it is, before its first messages are written. */
  begin(turnIds: readonly string[], messageIds: readonly string[]): void {
    this.#turnIds = turnIds
    for (const id of messageIds) this.#messages.add(id)
  }

  publish(event: Own<TurnStarted | TurnEnded>): void {
    const { bus, root, log } = this.#live
    bus.publish({ root, ...log.key, origin: 'local', ...event })
  }

  stop(): void {
    for (const stop of this.#stops) stop()
  }

  #isMine(event: SendEvent): boolean {
    const { root, log } = this.#live
    const { namespace, sessionId } = log.key
    if (event.root !== root || event.namespace !== namespace || event.sessionId !== sessionId) return false
    switch (event.type) {
      case 'notice':
        return true
      case 'turn.started':
      case 'turn.completed':
      case 'turn.failed':
      case 'turn.cancelled':
        return this.#turnIds.includes(event.turnId)
      case 'part.delta':
        return this.#messages.has(event.messageId)
      case 'message.created':
      case 'message.updated':
      case 'message.deleted':
      case 'part.updated':
        return this.#isOfTurn(event)
    }
  }

  #isOfTurn({ type, event }: MessageChanged): boolean {
    switch (type) {
      case 'message.created': {
        const { id, turnId } = event.data as unknown as CoreEvents['message.created']
        if (this.#turnIds.includes(turnId)) this.#messages.add(id)
        return this.#messages.has(id)
      }
      case 'message.updated': {
        const { id, lease, ...fields } = event.data as unknown as CoreEvents['message.updated']
        // Renewals of the lease are nobody's concern.
        return this.#messages.has(id) && (lease === undefined || Object.keys(fields).length > 0)
      }
      case 'message.deleted':
        return (event.data as unknown as CoreEvents['message.deleted']).ids.some((id) => this.#messages.has(id))
      case 'part.updated':
        return this.#messages.has((event.data as unknown as CoreEvents['part.updated']).messageId)
    }
  }
}
