/** The last n of many. Pure. */
export class Last<T> {
  readonly #limit: number
  #items: T[] = []

  constructor(limit: number) {
    this.#limit = limit
  }

  push(item: T): void {
    this.#items.push(item)
    // Cutting now and then instead of each time keeps this from being quadratic.
    if (this.#items.length > 2 * this.#limit + 100) this.#items = this.items()
  }

  items(): T[] {
    return this.#items.slice(Math.max(0, this.#items.length - this.#limit))
  }
}
