/**
 * Lines that count on a condition: their fields, and which of them count. This file alone reads and writes these fields.
 *
 *     {"v":1,"id":T,…,"if":{"at":N,"after":A},"kept":[…],"data":…}   counts only if it starts at byte N behind A
 *     {"v":1,"id":…,"type":"log.kept","data":{"of":T}}               T counts, wherever merges move it
 *     {"v":1,"id":…,"type":"log.void","data":{"of":T}}               T lost: its writer saw something else at N
 *
 * A line with `if` counts exactly if some line names it in `kept` or in a `log.kept`, or (no `log.void` names it, and
 * it starts at byte `if.at` of its file, and the valid line before it has the id `if.after`). What is at byte N of an
 * append-only file never changes, so all readers decide alike, without a lock (docs/format.md §5).
 *
 * Invariant held here: I9 of several guarded lines written for one place at most one counts.
 *
 * `log.kept` and `log.void` are book-keeping and never reach the core. Pure but for the bytes it is fed.
 */
import type { NewLine } from '../../backend.ts'
import { FoldlogError } from '../../errors.ts'
import { Clock } from '../../id.ts'
import type { Chunk } from './chunks.ts'
import { markOf } from './cursor.ts'
import { LF, mayBeGuarded } from './prefix.ts'

const CR = 0x0d

/** What a guarded line says of itself. */
interface Guard {
  /** The byte it has to start at. */
  readonly at: number
  /** The id of the valid line before it; absent if there is none. */
  readonly after?: string
  /** The lines before it that count by their place alone: naming them makes what was decided on them stand with them. */
  readonly kept: readonly string[]
}

// All that may come before `if`: the keys of a line have an order.
const HEAD = /^\{"v":\d+,"id":"[^"\\]*","type":"[^"\\]*","time":"[^"\\]*"(?:,"key":"(?:[^"\\]|\\.)*")?/

/** The text of a line with a guard in it. Rejects with `INVALID_EVENT` a text that does not begin as a line. */
export function guardedText(text: string, { at, after, kept }: Guard): string {
  const head = HEAD.exec(text)?.[0]
  if (head === undefined)
    throw new FoldlogError('INVALID_EVENT', 'a guarded line has to begin with v, id, type and time', { field: 'text' })
  const condition = `,"if":${JSON.stringify({ at, after })}`
  const named = kept.length === 0 ? '' : `,"kept":${JSON.stringify(kept)}`
  return `${head}${condition}${named}${text.slice(head.length)}`
}

/** The line that says that another one counts (`log.kept`) or lost (`log.void`). Its id is greater than that one's. */
export function verdictLine(type: 'log.kept' | 'log.void', of: string): NewLine {
  const clock = new Clock()
  clock.see(of)
  const id = clock.next()
  return { id, text: JSON.stringify({ v: 1, id, type, time: new Date().toISOString(), data: { of } }) }
}

/** A place in one of the files of a log. */
interface Position {
  readonly segment: string
  readonly offset: number
}

/** A line that counts on a condition or, without one, never. */
interface WatchedLine extends Position {
  readonly id: unknown
  readonly condition: Condition | undefined
  /** The id of the valid line before it in its file. */
  readonly previous: string | undefined
}

interface Condition {
  readonly at?: unknown
  readonly after?: unknown
}

/** A line that names another one. */
interface Naming extends Position {
  readonly of: unknown
  readonly isKept: boolean
}

interface Progress {
  readonly inode: string
  upTo: number
  /** The mark of the line that ends there, to tell whether it is still that file. */
  mark: string
  lastId: string | undefined
  /** In the order of the file. */
  readonly namings: Naming[]
}

interface Header {
  readonly id?: unknown
  readonly type?: unknown
  readonly if?: unknown
  readonly kept?: unknown
  readonly data?: unknown
}

/** The places of files, by segment. */
type Places = ReadonlyMap<string, number>

/** The guards found so far in the files of a log. */
export class Guards {
  readonly #files = new Map<string, Progress>()
  readonly #lines = new Map<string, WatchedLine>()
  readonly #byId = new Map<unknown, WatchedLine[]>()
  readonly #namings = new Map<unknown, Naming[]>()
  /** Lines in the first file that count by their place, as long as no line names them. */
  readonly #open = new Map<string, WatchedLine>()

  /** What was fed of a file: up to where, and the mark of the line that ends there; undefined if nothing was. */
  fed(segment: string): { readonly inode: string; readonly upTo: number; readonly mark: string } | undefined {
    return this.#files.get(segment)
  }

  /** The id of the last valid line that was fed of a file. */
  lastId(segment: string): string | undefined {
    return this.#files.get(segment)?.lastId
  }

  /** Takes notice of whole lines, in the order of their file and without a gap. */
  feed(segment: string, inode: string, { bytes, offset }: Chunk): void {
    let file = this.#files.get(segment)
    if (file === undefined) {
      this.#files.set(segment, (file = { inode, upTo: 0, mark: '', lastId: undefined, namings: [] }))
    }
    let lastStart = 0
    for (let start = 0; start < bytes.length;) {
      const end = bytes.indexOf(LF, start)
      if (end > start && mayBeGuarded(bytes, start, end)) {
        const previous = lastValidId(bytes, start) ?? file.lastId
        this.#take({ segment, offset: offset + start }, parse(bytes, start, end), previous, file)
      }
      lastStart = start
      start = end + 1
    }
    file.lastId = lastValidId(bytes, bytes.length) ?? file.lastId
    file.mark = markOf(bytes, lastStart, bytes.length - 1)
    file.upTo = offset + bytes.length
  }

  /** Whether a line is not to be yielded: it is book-keeping, or it does not count. */
  isWithheld(segment: string, offset: number): boolean {
    const line = this.#lines.get(placeOf(segment, offset))
    return line !== undefined && !this.#counts(line)
  }

  /** Whether all lines of this id do not count. */
  isDead(id: string): boolean {
    const lines = this.#byId.get(id)
    return lines !== undefined && lines.every((line) => !this.#counts(line))
  }

  /** The ids of lines that count by their place alone: in other bytes, as merges make them, they would not. */
  open(): string[] {
    return [...this.#open.values()].filter((line) => this.#counts(line)).map(({ id }) => String(id))
  }

  /** Whether what lies behind these places changes what counts before them. */
  hasChangedSince(places: Places): boolean {
    for (const { namings } of this.#files.values()) {
      for (const naming of namings.toReversed()) {
        if (isBefore(naming, places)) break
        const lines = this.#byId.get(naming.of) ?? []
        if (lines.some((line) => isBefore(line, places) && this.#counts(line) !== this.#counts(line, places)))
          return true
      }
    }
    return false
  }

  #take(position: Position, line: Header | undefined, previous: string | undefined, file: Progress): void {
    if (line === undefined) return
    const { id, type, if: condition, kept } = line
    if (Array.isArray(kept)) for (const of of kept as unknown[]) this.#name({ ...position, of, isKept: true }, file)
    if (type === 'log.kept' || type === 'log.void') {
      const { of } = (line.data ?? {}) as { readonly of?: unknown }
      this.#name({ ...position, of, isKept: type === 'log.kept' }, file)
      this.#watch({ ...position, id, condition: undefined, previous })
    } else if (typeof condition === 'object' && condition !== null) {
      this.#watch({ ...position, id, condition, previous })
    }
  }

  #name(naming: Naming, file: Progress): void {
    file.namings.push(naming)
    add(this.#namings, naming.of, naming)
    if (naming.isKept) this.#open.delete(String(naming.of))
  }

  #watch(line: WatchedLine): void {
    this.#lines.set(placeOf(line.segment, line.offset), line)
    if (line.condition === undefined) return
    add(this.#byId, line.id, line)
    const isNamed = this.#namings.get(line.id)?.some(({ isKept }) => isKept) === true
    if (line.segment === '' && typeof line.id === 'string' && !isNamed && isAtItsPlace(line))
      this.#open.set(line.id, line)
  }

  /** Whether a line counts; with `places`, by what lies before them. */
  #counts(line: WatchedLine, places?: Places): boolean {
    if (line.condition === undefined) return false
    let isVoided = false
    for (const naming of this.#namings.get(line.id) ?? []) {
      if (places !== undefined && !isBefore(naming, places)) continue
      if (naming.isKept) return true
      isVoided = true
    }
    return !isVoided && isAtItsPlace(line)
  }
}

function isAtItsPlace({ condition, offset, previous }: WatchedLine): boolean {
  return offset === condition?.at && previous === (condition.after ?? undefined)
}

function isBefore({ segment, offset }: Position, places: Places): boolean {
  return offset < (places.get(segment) ?? 0)
}

function add<T>(map: Map<unknown, T[]>, name: unknown, item: T): void {
  const known = map.get(name)
  if (known === undefined) map.set(name, [item])
  else known.push(item)
}

function placeOf(segment: string, offset: number): string {
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

function parse(bytes: Buffer, from: number, to: number): Header | undefined {
  let [start, end] = [from, to]
  // As the core reads it: NULs around a line and a BOM before it are no part of it. JSON has white space of its own.
  while (bytes[start] === 0) start++
  if (bytes[start] === 0xef && bytes[start + 1] === 0xbb && bytes[start + 2] === 0xbf) start += 3
  while (end > start && (bytes[end - 1] === 0 || bytes[end - 1] === CR)) end--
  try {
    const value: unknown = JSON.parse(bytes.toString('utf8', start, end))
    return typeof value === 'object' && value !== null ? value : undefined
  } catch {
    // Damage: it guards nothing, and the core reports it. A guarded line that is found inside never counts; the core knows.
    return undefined
  }
}
