/**
 * Appends that wait: a line, and who is told when it is in the backend and folded.
 */
import type { NewLine } from './backend.ts'
import type { Line } from './line.ts'

/** A line on its way into the backend, and who waits for it. */
export class Pending implements NewLine {
  readonly id: string
  readonly text: string
  readonly line: Line
  readonly #result: () => unknown
  readonly #resolve: (result: unknown) => void
  readonly reject: (error: unknown) => void

  constructor(
    line: Line,
    text: string,
    result: () => unknown,
    resolve: (result: unknown) => void,
    reject: (error: unknown) => void,
  ) {
    this.id = line.id
    this.text = text
    this.line = line
    this.#result = result
    this.#resolve = resolve
    this.reject = reject
  }

  /** Answers whoever waits, now that the line is folded. */
  finish(): void {
    try {
      this.#resolve(this.#result())
    } catch (error) {
      this.reject(error)
    }
  }
}
