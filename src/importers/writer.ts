/**
 * Brings the lines of imported sessions into a store, some at a time, and counts what they added.
 */
import type { MergeLine, Merged as Sum } from '../merge.ts'
import { isFoldlogError } from '../errors.ts'
import type { Destination } from './destination.ts'

/** How many lines, and characters of source, are merged at once: it bounds what is in memory. */
const FLUSH_LINES = 500
const FLUSH_BYTES = 4 * 1024 * 1024
/** What a line holds besides what it took from its source. */
const LINE_BYTES = 256

/** What was merged into one session so far. */
export interface Merged {
  added: number
  known: number
}

/** Told of a line that the store does not take, by its type, or once of a `session` of which it takes none; with the reason. */
export type OnRefused = (type: string, reason: string) => void

/** Writes the lines of one file's sessions. */
export class Writer {
  readonly #store: Pick<Destination, 'merge'>
  readonly #onRefused: OnRefused
  readonly #waiting = new Map<string, MergeLine[]>()
  readonly #merged = new Map<string, Merged>()
  /** Sessions that were deleted for good: nothing is written of them. */
  readonly #deleted = new Set<string>()
  #lines = 0
  #bytes = 0

  constructor(store: Pick<Destination, 'merge'>, onRefused: OnRefused) {
    this.#store = store
    this.#onRefused = onRefused
  }

  /** Takes a line; `sizeBytes` is about how much of the source it holds. The first line of a session creates it. */
  async add(sessionId: string, line: MergeLine, sizeBytes: number): Promise<void> {
    const waiting = this.#waiting.get(sessionId)
    if (waiting === undefined) this.#waiting.set(sessionId, [line])
    else waiting.push(line)
    this.#lines++
    this.#bytes += sizeBytes + LINE_BYTES
    if (this.#lines >= FLUSH_LINES || this.#bytes >= FLUSH_BYTES) await this.flush()
  }

  /** About how much memory the lines hold that wait, in bytes; 0 if none waits. */
  get sizeBytes(): number {
    return this.#bytes
  }

  /**
   * Merges what waits, but that of sessions that are held. After an error everything may be added again: what is there
   * already is known.
   */
  async flush(isHeld: (sessionId: string) => boolean = () => false): Promise<void> {
    for (const [sessionId, lines] of this.#waiting) {
      if (isHeld(sessionId)) continue
      await this.#merge(sessionId, lines)
      this.#waiting.delete(sessionId)
    }
    if (this.#waiting.size > 0) return
    this.#lines = 0
    this.#bytes = 0
  }

  merged(sessionId: string): Merged {
    let merged = this.#merged.get(sessionId)
    if (merged === undefined) this.#merged.set(sessionId, (merged = { added: 0, known: 0 }))
    return merged
  }

  /** What somebody else has created just now is there the second time; what was deleted is refused again. */
  async #mergeTwice(sessionId: string, lines: readonly MergeLine[]): Promise<Sum> {
    try {
      return await this.#store.merge(sessionId, lines)
    } catch (error) {
      if (!isFoldlogError(error, 'ALREADY_EXISTS')) throw error
      return this.#store.merge(sessionId, lines)
    }
  }

  /** A record of another tool may give a line that the store does not take: the others are merged without it. */
  async #merge(sessionId: string, lines: readonly MergeLine[]): Promise<void> {
    if (this.#deleted.has(sessionId)) return
    try {
      const { added, known } = await this.#mergeTwice(sessionId, lines)
      const merged = this.merged(sessionId)
      merged.added += added
      merged.known += known
    } catch (error) {
      if (isFoldlogError(error, 'ALREADY_EXISTS')) {
        this.#deleted.add(sessionId)
        return this.#onRefused('session', 'it was deleted here for good')
      }
      if (!isFoldlogError(error, 'INVALID_EVENT') && !isFoldlogError(error, 'TOO_LARGE')) throw error
      if (lines.length === 1) return this.#onRefused(lines[0]!.type, error.message)
      const half = Math.ceil(lines.length / 2)
      await this.#merge(sessionId, lines.slice(0, half))
      await this.#merge(sessionId, lines.slice(half))
    }
  }
}
