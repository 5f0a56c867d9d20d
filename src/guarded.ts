/**
 * Guarded appends: a line made of the newest state of a log, appended only if nothing comes between.
 *
 *     read on → make the line → append it right behind what was read; if something came between, all of it again
 *
 * Every refusal means that someone else went on. Nobody waits for anybody, and nobody is promised a turn.
 */
import { isFoldlogError } from './errors.ts'
import type { Line } from './line.ts'

/** What guarded appends do with a log, while nothing else is done with it. */
interface Hold {
  /** Reads and folds what is new. */
  readOn(): Promise<void>
  /** Whether calls made before wait to be written. */
  hasQueue(): boolean
  /** Appends right behind what was read, and folds; `HEAD_MOVED` if something is there. */
  append(line: Line): Promise<void>
}

interface Attempt {
  readonly make: () => Line | undefined
  readonly resolve: () => void
  readonly reject: (error: unknown) => void
}

/** The guarded appends of one log that wait for their turn. */
export class Attempts {
  readonly #waiting: Attempt[] = []
  readonly #log: Hold

  constructor(log: Hold) {
    this.#log = log
  }

  get isEmpty(): boolean {
    return this.#waiting.length === 0
  }

  add(attempt: Attempt): void {
    this.#waiting.push(attempt)
  }

  /** Tries the first one once. It stays where it is if it has to be tried again. */
  async tryFirst(): Promise<void> {
    const { make, resolve, reject } = this.#waiting[0]!
    try {
      if (!(await this.#tryOnce(make))) return
      resolve()
    } catch (error) {
      reject(error)
    }
    this.#waiting.shift()
  }

  async #tryOnce(make: () => Line | undefined): Promise<boolean> {
    await this.#log.readOn()
    // What was called before is written before, and decided upon.
    if (this.#log.hasQueue()) return false
    const line = make()
    if (line === undefined) return true
    try {
      await this.#log.append(line)
      return true
    } catch (error) {
      if (isFoldlogError(error, 'HEAD_MOVED')) return false
      throw error
    }
  }
}
