/**
 * The entries of a namespace in one order, kept in it while single ones change, so that a page of many sessions costs what is on it.
 *
 * Oldest first, because what changes is among the newest most of the time: then few have to move. Pure.
 */
import type { Entry } from './infos-cache.ts'

/** By which time, newest first. Where two are equal, the greater id is first. */
export type Order = 'updated' | 'created'

export class InOrder {
  readonly order: Order
  readonly #entries: Entry[]

  constructor(order: Order, entries: Iterable<Entry>) {
    this.order = order
    this.#entries = [...entries].sort((a, b) => a[order] - b[order] || (a.id < b.id ? -1 : 1))
  }

  get length(): number {
    return this.#entries.length
  }

  /** The entry with so many before it. */
  at(position: number): Entry {
    return this.#entries[this.#entries.length - 1 - position]!
  }

  /** All as they are now. */
  newestFirst(): readonly Entry[] {
    return this.#entries.toReversed()
  }

  /** How many stand before what follows a session of this time and id, whether it is there or not. */
  positionAfter(time: number, id: string): number {
    return this.#entries.length - this.#countBefore(time, id)
  }

  add(entry: Entry): void {
    this.#entries.splice(this.#countBefore(entry[this.order], entry.id), 0, entry)
  }

  /** Does nothing if it is not there. */
  remove(entry: Entry): void {
    const place = this.#countBefore(entry[this.order], entry.id)
    // Times that somebody else made up, and that are none, have no place.
    const at = this.#entries[place] === entry ? place : this.#entries.indexOf(entry)
    if (at >= 0) this.#entries.splice(at, 1)
  }

  /** How many are older. */
  #countBefore(time: number, id: string): number {
    let [from, to] = [0, this.#entries.length]
    // What changes is mostly what changed last.
    if (to > 0 && this.#isBefore(to - 1, time, id)) return to
    while (from < to) {
      const middle = (from + to) >> 1
      if (this.#isBefore(middle, time, id)) from = middle + 1
      else to = middle
    }
    return from
  }

  #isBefore(at: number, time: number, id: string): boolean {
    const entry = this.#entries[at]!
    const own = entry[this.order]
    return own < time || (own === time && entry.id < id)
  }
}
