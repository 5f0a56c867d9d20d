/**
 * The way of one call into a log: its key, its guard, its line.
 *
 * A key that is known writes nothing, whoever used it; a guard makes the events of just the state that it has compared. What is written resolves
 * when it is in the backend, folded and published.
 */
import type { Capabilities } from './backend.ts'
import type { SessionEvent } from './event.ts'
import { assertHead, expectedHeadOf } from './expected-head.ts'
import { keyOf, sameKind } from './keyed.ts'
import { lineOf, type InnerEvent, type Line } from './line.ts'
import { toEvents } from './lines.ts'
import type { LiveLog } from './live.ts'
import type { Log } from './log.ts'
import { assertOptions } from './options.ts'
import { now } from './wall-clock.ts'

/** Makes the events of a call, when it is clear that they will be written. */
export type Make = () => readonly InnerEvent[]
/** What a call answers, of the events that count. */
export type Result<T> = (events: readonly SessionEvent[]) => T

/** What every mutating call takes. */
export interface WriteOptions {
  /** Idempotency key, unique in the session: a call with a known key writes nothing and returns the first call's result. */
  readonly key?: string
  /**
   * Write only if the conversation still ends at this message: `info.head ?? null` as it was when the caller decided; `null`: it is empty.
   * Otherwise rejects with `HEAD_MOVED` and nothing is written. Exact among all processes, and nobody waits for anybody; costs three
   * small writes instead of one. `UNSUPPORTED` where `capabilities.guards` is `none`. A call whose `key` is known is not guarded.
   */
  readonly expectedHead?: string | null
}

export const WRITE_OPTIONS: readonly (keyof WriteOptions)[] = ['key', 'expectedHead']

export class Commits {
  readonly #log: Log
  readonly #live: LiveLog
  readonly #capabilities: Capabilities
  /** Calls under way with a key, so that two at once are one. */
  readonly #running = new Map<string, Promise<readonly SessionEvent[]>>()

  constructor(log: Log, live: LiveLog, capabilities: Capabilities) {
    this.#log = log
    this.#live = live
    this.#capabilities = capabilities
  }

  /**
   * Writes the events `make` makes as one line, unless the key is known. Resolves with what `result` makes of the events that count, right
   * after they were folded. `isExact`: where appends can be guarded, a key that two processes use at once is known to one of them before it writes,
   * so that no result is taken back.
   */
  commit<T>(
    type: string,
    make: Make,
    options: WriteOptions | undefined,
    result: Result<T>,
    isExact = false,
  ): Promise<T> {
    try {
      assertOptions(options, WRITE_OPTIONS, 'a call that writes')
      const key = keyOf(options)
      const head = expectedHeadOf(options, this.#capabilities)
      const recovered = this.#live.recoverIfDue()
      const written =
        key !== undefined
          ? this.#once(type, make, key, head, isExact && this.#capabilities.guards === 'exact').then(result)
          : head !== undefined
            ? this.writeGuarded(make, () => assertHead(this.#log, head)).then(result)
            : this.write(make(), undefined, result)
      return recovered === undefined ? written : Promise.all([written, recovered]).then(([value]) => value)
    } catch (error) {
      return Promise.reject(error)
    }
  }

  #once(
    type: string,
    make: Make,
    key: string,
    head: string | null | undefined,
    isExact: boolean,
  ): Promise<readonly SessionEvent[]> {
    const running = this.#running.get(key)
    if (running !== undefined) return running.then((events) => sameKind(events, type, key))
    const call = this.#writeOnce(type, make, key, head, isExact).finally(() => this.#running.delete(key))
    this.#running.set(key, call)
    return call
  }

  async #writeOnce(
    type: string,
    make: Make,
    key: string,
    head: string | null | undefined,
    isExact: boolean,
  ): Promise<readonly SessionEvent[]> {
    await this.#log.look()
    const known = this.#log.eventsOfKey(key)
    if (known !== undefined) {
      const events = sameKind(known, type, key)
      await this.#log.acknowledge(key)
      return events
    }
    const assert = (): void => (head === undefined ? undefined : assertHead(this.#log, head))
    const own = await (head === undefined && !isExact
      ? this.write(make(), key, (events) => events)
      : this.writeGuarded(make, assert, key))
    // Another process may have used the key meanwhile: then its line is the one that counts.
    return sameKind(this.#log.eventsOfKey(key) ?? own, type, key)
  }

  write<T>(events: readonly InnerEvent[], key: string | undefined, result: Result<T>): Promise<T> {
    const line = this.#lineOf(events, key)
    return this.#log.append(line, () => result(toEvents(line)))
  }

  /** As `write`, but only while `assert` throws nothing; the events are made anew whenever something came between. */
  async writeGuarded(make: Make, assert: () => void, key?: string): Promise<readonly SessionEvent[]> {
    let line: Line | undefined
    await this.#log.appendGuarded(() => {
      line = undefined
      // Someone else used the key meanwhile.
      if (key !== undefined && this.#log.eventsOfKey(key) !== undefined) return undefined
      assert()
      // Of what is folded, not of what waits to be written.
      this.#log.dropTip()
      const events = make()
      if (events.length > 0) line = this.#lineOf(events, key)
      return line
    })
    const written = line
    return written === undefined ? [] : toEvents(written)
  }

  /** The line that is written, after the store's `redact` has seen it. */
  #lineOf(events: readonly InnerEvent[], key: string | undefined): Line {
    const line = lineOf(events, now())
    try {
      return this.#live.screen(key === undefined ? line : { ...line, key })
    } catch (error) {
      this.#log.dropTip()
      throw error
    }
  }
}
