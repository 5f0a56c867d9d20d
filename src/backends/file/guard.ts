/**
 * Which lines of a log count, where lines were appended on a condition. This file alone reads the fields for it.
 *
 *     {"v":1,"id":T,…,"if":{"at":N,"after":A},"kept":[…],"data":…}   counts only if it starts at byte N behind A
 *     {"v":1,"id":…,"type":"log.kept","data":{"of":T}}               T counts, wherever merges move it
 *     {"v":1,"id":…,"type":"log.void","data":{"of":T}}               T lost: its writer saw something else at N
 *
 * A line with `if` counts exactly if some line names it in `kept` or in a `log.kept`, or (no `log.void` names it, and
 * it starts at byte `if.at` of its file, and the valid line before it has the id `if.after`). What is at byte N of an
 * append-only file never changes, so all readers decide alike, without a lock (docs/format.md §5).
 *
 * `log.kept` and `log.void` are book-keeping and never reach the core. Pure but for the bytes it is fed.
 */
import type { Chunk } from './chunks.ts'
import { LF, mayBeGuarded } from './prefix.ts'

interface Guard {
  readonly at?: unknown
  readonly after?: unknown
}

/** A line that counts on a condition or, without a guard, never. */
interface WatchedLine {
  readonly segment: string
  readonly offset: number
  readonly id: unknown
  readonly guard: Guard | undefined
  /** The id of the valid line before it in its file. */
  readonly previous: string | undefined
}

interface Progress {
  inode: string
  upTo: number
  lastId: string | undefined
}

interface Header {
  readonly id?: unknown
  readonly type?: unknown
  readonly if?: unknown
  readonly kept?: unknown
  readonly data?: unknown
}

/** The guards found so far in the files of a log. */
export class Guards {
  readonly #progress = new Map<string, Progress>()
  readonly #lines: WatchedLine[] = []
  readonly #kept = new Set<unknown>()
  readonly #voided = new Set<unknown>()

  /** Up to where a file was fed; 0 if that was another file. */
  upTo(segment: string, inode: string): number {
    const progress = this.#progress.get(segment)
    return progress?.inode === inode ? progress.upTo : 0
  }

  /** Takes notice of whole lines, in the order of their file. */
  feed(segment: string, inode: string, { bytes, offset }: Chunk): void {
    const progress = this.#progress.get(segment) ?? { inode, upTo: 0, lastId: undefined }
    for (let start = 0; start < bytes.length;) {
      const end = bytes.indexOf(LF, start)
      if (end > start && mayBeGuarded(bytes, start, end)) {
        const previous = lastValidId(bytes, start) ?? progress.lastId
        this.#take(segment, offset + start, parse(bytes, start, end), previous)
      }
      start = end + 1
    }
    progress.lastId = lastValidId(bytes, bytes.length) ?? progress.lastId
    progress.upTo = offset + bytes.length
    this.#progress.set(segment, progress)
  }

  #take(segment: string, offset: number, line: Header | undefined, previous: string | undefined): void {
    if (line === undefined) return
    const { id, type, if: guard, kept } = line
    if (Array.isArray(kept)) for (const named of kept) this.#kept.add(named)
    if (type === 'log.kept' || type === 'log.void') {
      const { of } = (line.data ?? {}) as { readonly of?: unknown }
      ;(type === 'log.kept' ? this.#kept : this.#voided).add(of)
      this.#lines.push({ segment, offset, id, guard: undefined, previous })
    } else if (typeof guard === 'object' && guard !== null) {
      this.#lines.push({ segment, offset, id, guard, previous })
    }
  }

  /** The places of the lines that are not yielded; with `limits`, of those before these places of their files. */
  withheld(limits?: ReadonlyMap<string, number>): ReadonlySet<string> {
    const places = new Set<string>()
    for (const line of this.#lines) {
      const isWithin = limits === undefined || line.offset < (limits.get(line.segment) ?? 0)
      if (isWithin && !this.#counts(line)) places.add(placeOf(line.segment, line.offset))
    }
    return places
  }

  #counts(line: WatchedLine): boolean {
    if (line.guard === undefined) return false
    if (this.#kept.has(line.id)) return true
    return (
      !this.#voided.has(line.id) && line.offset === line.guard.at && line.previous === (line.guard.after ?? undefined)
    )
  }
}

/** A line's place in a log. */
export function placeOf(segment: string, offset: number): string {
  return `${offset}.${segment}`
}

/** The id of the last valid line that ends before `end`; undefined if there is none in these bytes. */
function lastValidId(bytes: Buffer, end: number): string | undefined {
  for (let lineEnd = end - 1; lineEnd >= 0;) {
    const start = lineEnd === 0 ? 0 : bytes.lastIndexOf(LF, lineEnd - 1) + 1
    const id = start < lineEnd ? parse(bytes, start, lineEnd)?.id : undefined
    if (typeof id === 'string') return id
    lineEnd = start - 1
  }
  return undefined
}

function parse(bytes: Buffer, start: number, end: number): Header | undefined {
  try {
    const value: unknown = JSON.parse(bytes.toString('utf8', start, end))
    return typeof value === 'object' && value !== null ? value : undefined
  } catch {
    // Damage: it guards nothing, and the core reports it.
    return undefined
  }
}
