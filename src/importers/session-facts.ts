/**
 * What is known of a session as a whole, from all of its records: distinct values, and its first and last time.
 *
 * Reads no clock and no disk.
 */
import type { JsonObject } from '../json.ts'
import { isoOf } from './lines.ts'

export class SessionFacts {
  readonly #lists = new Map<string, Set<string>>()
  #first: number | undefined
  #last: number | undefined

  /** `lists` are the names of the lists that are there even if they are empty. */
  constructor(...lists: readonly string[]) {
    for (const list of lists) this.#lists.set(list, new Set())
  }

  /** The latest time. */
  get last(): number | undefined {
    return this.#last
  }

  note(list: string, value: string | undefined): void {
    if (value !== undefined) this.#lists.get(list)!.add(value)
  }

  noteTime(time: number | undefined): void {
    if (time === undefined) return
    this.#first = Math.min(this.#first ?? time, time)
    this.#last = Math.max(this.#last ?? time, time)
  }

  count(list: string): number {
    return this.#lists.get(list)!.size
  }

  /** The lists, sorted, and the times. */
  metadata(): JsonObject {
    const lists = [...this.#lists].map(([name, values]) => [name, [...values].sort()] as const)
    return { ...Object.fromEntries(lists), firstTime: isoOrNull(this.#first), lastTime: isoOrNull(this.#last) }
  }
}

function isoOrNull(ms: number | undefined): string | null {
  return ms === undefined ? null : isoOf(ms)
}
