/**
 * Things by their ids, which mostly come in the order of their ids: then nothing is hashed, and a look goes through a list that is sorted.
 *
 * In a long session a look into a map costs more than folding the event: it is as often not in the processor's cache as it is deep. Pure.
 */
import { countBefore } from './count-before.ts'

/** What is found by its `id`. Behaves like a map, in the order in which things came. */
export class ById<T extends { readonly id: string }> {
  /** As long as each came with a greater id than the one before; empty from then on. */
  #rising: T[] = []
  #greatest = ''
  #map: Map<string, T> | undefined

  get size(): number {
    return this.#map?.size ?? this.#rising.length
  }

  get(id: string): T | undefined {
    if (this.#map !== undefined) return this.#map.get(id)
    if (id >= this.#greatest) return id === this.#greatest ? this.#rising.at(-1) : undefined
    const item = this.#rising[countBefore(this.#rising, idOf, id)]
    return item?.id === id ? item : undefined
  }

  /** Adds what is not there yet. */
  add(item: T): void {
    const { id } = item
    if (this.#map === undefined && id > this.#greatest) {
      this.#greatest = id
      this.#rising.push(item)
      return
    }
    if (this.#map === undefined) {
      this.#map = new Map(this.#rising.map((each) => [each.id, each]))
      this.#rising = []
    }
    this.#map.set(id, item)
  }

  values(): Iterable<T> {
    return this.#map?.values() ?? this.#rising
  }

  clear(): void {
    this.#rising = []
    this.#greatest = ''
    this.#map = undefined
  }
}

function idOf({ id }: { readonly id: string }): string {
  return id
}
