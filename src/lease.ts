/**
 * Who answers in a session: the lease that the answer in progress carries, and the writes of a turn that count only while it is held.
 *
 *     "lease":{"owner":"4711.01M7…","until":1795255939103}     in the data of a message; `until` in ms since the epoch
 *
 * It is taken, renewed and given back by guarded lines, so that of several processes one has it. Whether it has expired is decided by the clock of
 * whoever reads; an expired one is taken over, and from then on nothing that its owner does for the turn is written.
 *
 * Where appends cannot be guarded there is none, and everything here writes without one.
 */
import { setTimeout as pause } from 'node:timers/promises'
import type { Backend } from './backend.ts'
import { partEvents } from './draft.ts'
import { FoldlogError, isFoldlogError } from './errors.ts'
import type { CoreEvents, SessionEvent } from './event.ts'
import type { InnerEvent } from './line.ts'
import { isExpired, isUnfinished, type Growing, type LiveLog } from './live.ts'

/** How the events of a turn are made and written by the session that sends. */
export interface TurnLog {
  readonly live: LiveLog
  readonly backend: Pick<Backend, 'capabilities'>
  /** Throws `CLOSED` if session or store are closed. */
  assertOpen(): void
  event<T extends keyof CoreEvents>(type: T, data: CoreEvents[T]): InnerEvent
  /** Writes the events that `make` makes as one line. What it throws refuses it. Resolves with the events. */
  write(make: () => readonly InnerEvent[], key?: string): Promise<readonly SessionEvent[]>
  /** As `write`, but of the newest state, and only if nothing came between; with no events where the key is known. */
  writeGuarded(make: () => readonly InnerEvent[], key?: string): Promise<readonly SessionEvent[]>
}

/** Whether there are leases. */
function isLeased({ backend }: TurnLog): boolean {
  return backend.capabilities.guards === 'exact'
}

/** Writes by a guarded line, where there is such a thing. */
export function writeLeased(
  turnLog: TurnLog,
  make: () => readonly InnerEvent[],
  key?: string,
): Promise<readonly SessionEvent[]> {
  return isLeased(turnLog) ? turnLog.writeGuarded(make, key) : turnLog.write(make, key)
}

/** While a log is rewritten nothing can be guarded. */
const RETRY_MS = 20

export class Lease {
  readonly #owner: string
  readonly #log: TurnLog
  readonly #ms: number
  readonly #onLost: () => void
  /** The messages that carry it; the first one for as long as the turn takes. */
  readonly #held: string[] = []
  #timer: NodeJS.Timeout | undefined
  #isLost = false

  /** `ms`: for how long it holds; it is renewed each third of that. */
  constructor(log: TurnLog, ms: number, onLost: () => void) {
    this.#owner = `${process.pid}.${log.live.log.nextId()}`
    this.#log = log
    this.#ms = ms
    this.#onLost = onLost
  }

  /** What a message in progress carries; nothing where there are no leases. */
  get fields(): { readonly lease?: { readonly owner: string; readonly until: number } } {
    return isLeased(this.#log) ? { lease: { owner: this.#owner, until: Date.now() + this.#ms } } : {}
  }

  /** What gives it back: fields to set when the message ends. */
  get release(): { readonly lease?: null } {
    return isLeased(this.#log) ? { lease: null } : {}
  }

  /** Somebody else went on, or the message is gone. */
  get isLost(): boolean {
    return this.#isLost
  }

  /** Whether a message is not in progress any more, but nobody went on: its status was set by whoever calls `session.update`. */
  isEnded(messageId: string): boolean {
    const message = this.#log.live.log.fold.message(messageId)
    if (message === undefined || isUnfinished(message)) return false
    return isLeased(this.#log) ? message.lease?.owner === this.#owner : message.parts.length === 0
  }

  /** Throws `CLOSED` if somebody else went on. */
  throwIfLost(): void {
    if (!this.#isLost) return
    const [id] = this.#held
    const text = `message ${id} was ended by somebody else, who took this process for dead: send again`
    throw new FoldlogError('CLOSED', text, this.#log.live.log.key)
  }

  /** Begins to renew what a message was given. */
  hold(messageId: string): void {
    this.#held.push(messageId)
    if (!isLeased(this.#log) || this.#timer !== undefined) return
    this.#timer = setInterval(() => void this.#renew(), this.#ms / 3)
    this.#timer.unref()
  }

  stop(): void {
    clearInterval(this.#timer)
  }

  /** As `write` of the log, for what counts only while the lease is held: `CLOSED` if it is not. Waits while the log is rewritten. */
  async write(make: () => readonly InnerEvent[], key?: string): Promise<readonly SessionEvent[]> {
    const deadline = Date.now() + this.#ms
    for (;;) {
      try {
        const makeHeld = (): readonly InnerEvent[] => {
          this.#log.assertOpen()
          this.#assertHeld()
          return make()
        }
        return await writeLeased(this.#log, makeHeld, key)
      } catch (error) {
        if (!isFoldlogError(error, 'SESSION_BUSY') || Date.now() > deadline) throw error
        await pause(RETRY_MS)
      }
    }
  }

  #assertHeld(): void {
    if (this.#carries(this.#held[0]!)) return
    this.#isLost = true
    this.stop()
    this.#onLost()
    this.throwIfLost()
  }

  #carries(messageId: string): boolean {
    const message = this.#log.live.log.fold.message(messageId)
    if (message === undefined || !isUnfinished(message)) return false
    return !isLeased(this.#log) || message.lease?.owner === this.#owner
  }

  async #renew(): Promise<void> {
    try {
      await this.write(() => {
        const ids = this.#held.filter((id) => this.#carries(id))
        return ids.map((id) => this.#log.event('message.updated', { id, ...this.fields }))
      })
    } catch (error) {
      // Who ends the turn learns of it; the next renewal may be better.
      const { bus, root, log } = this.#log.live
      const { namespace } = log.key
      if (!isFoldlogError(error, 'CLOSED')) bus.publish({ type: 'store.error', root, namespace, error: error as Error })
    }
  }
}

/** Throws `SESSION_BUSY` if somebody answers in the session, as far as the log has been read. */
export function assertIdle({ live: { log } }: TurnLog): void {
  const busy = log.fold.leased().find((message) => isUnfinished(message) && !isExpired(message))
  if (busy === undefined) return
  const text = `session ${log.key.sessionId} is being answered in message ${busy.id} by ${busy.lease!.owner}: wait until that has ended`
  throw new FoldlogError('SESSION_BUSY', text, log.key)
}

/** What has reached the backend of unfinished messages, by message. */
export type Drafts = ReadonlyMap<string, Growing>

/** The drafts of turns whose lease has expired. */
export async function expiredDrafts({ live }: TurnLog): Promise<Drafts> {
  const drafts = new Map<string, Growing>()
  for (const id of expiredMessages(live)) {
    const draft = await live.growing(id)
    if (draft !== undefined) drafts.set(id, draft)
  }
  return drafts
}

/** The events that make an end to turns whose lease has expired: their unfinished messages are `incomplete`, with what is known of them. */
export function endExpired(turnLog: TurnLog, drafts: Drafts): readonly InnerEvent[] {
  const { live } = turnLog
  return expiredMessages(live).flatMap((id) => {
    const parts = drafts.get(id)?.parts
    const end = turnLog.event('message.updated', { id, status: 'incomplete', lease: null })
    return parts === undefined ? [end] : [...partEvents(live.log, id, parts.parts()), end]
  })
}

function expiredMessages({ log: { fold } }: LiveLog): readonly string[] {
  return fold.leased().flatMap((message) => (isUnfinished(message) && isExpired(message) ? [message.id] : []))
}
