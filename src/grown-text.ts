/**
 * A text that grows at its end and is read from any place on, each at the cost of what is added or read. A plain string would be copied as a
 * whole whenever somebody reads what was just added. Pure.
 */

const BLOCK_CHARS = 4096

export class GrownText {
  /** All blocks but the last, and where each begins. */
  readonly #blocks: string[] = []
  readonly #starts: number[] = []
  #start = 0
  #last: string

  constructor(text = '') {
    this.#last = text
  }

  /** In UTF-16 code units. */
  get length(): number {
    return this.#start + this.#last.length
  }

  append(text: string): void {
    this.#last += text
    if (this.#last.length < BLOCK_CHARS) return
    // V8 keeps a sum of strings as a tree of them until a character is asked for.
    this.#last.charCodeAt(0)
    this.#blocks.push(this.#last)
    this.#starts.push(this.#start)
    this.#start += this.#last.length
    this.#last = ''
  }

  /** What is there from a place on. */
  from(place: number): string {
    if (place >= this.#start) return this.#last.slice(place - this.#start)
    let index = this.#blocks.length - 1
    while (index > 0 && this.#starts[index]! > place) index--
    const first = this.#blocks[index]!.slice(place - this.#starts[index]!)
    return first + this.#blocks.slice(index + 1).join('') + this.#last
  }

  toString(): string {
    return this.#blocks.length === 0 ? this.#last : this.from(0)
  }
}
