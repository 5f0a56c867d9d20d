/**
 * Reads the lines of a log: its first file, then its segments in the order of their names.
 *
 * Invariants held here:
 *  - I2 A reader sees whole lines only: bytes behind the last line feed come with a later read.
 *  - A cursor is good only as long as each file it speaks of is the same and has the same line before that place;
 *    otherwise `STALE_CURSOR`. A file that it does not speak of is read from its start.
 *  - A first file of known size that changed without growing may have other content anywhere: cursors made before that
 *    are stale. Of a file that grew, and of segments, only the place is checked.
 *  - A log that the caller knows and that is not there is looked for again for a second, by nobody but who reads it.
 *  - A log that has a tombstone for a file is not there, whatever its other files hold.
 *  - Only lines that count are yielded (guard.ts). If a later line changes that for one that came before the cursor,
 *    the cursor is stale.
 *
 * What a read passes over, the appends to come need not look at again: it tells the LogFile.
 */
import type { Stats } from 'node:fs'
import type { Cursor, LineBatch, ReadOptions, StoredLine } from '../../backend.ts'
import { isFoldlogError } from '../../errors.ts'
import { lookAgain } from './absence.ts'
import { type Chunk, chunksOf, eachLine, lineBefore, lineStartAt } from './chunks.ts'
import {
  cursorPart,
  IN_LINE,
  inodeText,
  isIn,
  markOf,
  parseCursor,
  parsePlace,
  type Place,
  placeText,
} from './cursor.ts'
import { isMissing, storageError } from './failure.ts'
import type { Guards } from './guard.ts'
import { io } from './io.ts'
import type { LogFile } from './log-file.ts'
import { closeQuietly, openRegular, TO_READ } from './regular.ts'
import { isAside, LOG_SUFFIX } from './paths.ts'
import { LF, mayBeGuarded } from './prefix.ts'
import { deleted, missing, stale } from './refusals.ts'
import type { Segments } from './segments.ts'
import { isTombstone } from './tombstone.ts'
import { verdictsOf } from './verdicts.ts'

/** A read this short is done before anyone else can close the descriptor, so it needs none of its own. */
const SHORT_BYTES = 1 << 20
const NO_THROW = { throwIfNoEntry: false } as const

/** One of the files of a log while it is read. */
class Source {
  readonly segment: string
  /** Relative to the namespace. */
  readonly file: string
  readonly path: string
  /** What is read: from the cursor's place to where the file ended when it was opened. */
  from = 0
  to = -1
  inode = ''
  fd = -1
  isBorrowed = false
  /** Up to where it was read, as cursors say it. */
  place: string | undefined
  /** What the cursor says of the files before and behind this one. */
  before = ''
  behind = ''
  #linesBefore = -1

  constructor(log: LogFile, segment: string) {
    this.segment = segment
    this.file = `${log.session}${segment === '' ? '' : `.${segment}`}${LOG_SUFFIX}`
    this.path = `${log.directory}/${this.file}`
  }

  cursorAt(offset: number, mark: string): Cursor {
    const place = cursorPart(this.segment, placeText(offset, mark, this.inode))
    return `${this.before}${place}${this.behind}` as Cursor
  }

  /** How many lines end before `from`. Counted when it is asked for, which is when there is damage to report. */
  get linesBefore(): number {
    if (this.#linesBefore < 0) this.#linesBefore = this.from === 0 ? 0 : countLines(this.path, this.from)
    return this.#linesBefore
  }

  opened(fd: number, stat: Stats, inode: string, isBorrowed: boolean): void {
    this.fd = fd
    this.isBorrowed = isBorrowed
    this.inode = inode
    // A file opened again is read only as far as it was there the first time.
    if (this.to < 0) this.to = stat.size
  }

  close(): void {
    if (this.fd >= 0 && !this.isBorrowed) closeQuietly(this.fd)
    this.fd = -1
  }
}

function countLines(path: string, to: number): number {
  const { fd } = openRegular(path, TO_READ)
  try {
    let lines = 0
    for (const { bytes } of chunksOf(fd, 0, to)) eachLine(bytes, () => lines++)
    return lines
  } finally {
    closeQuietly(fd)
  }
}

class Line implements StoredLine {
  readonly bytes: Buffer
  readonly offset: number
  readonly #source: Source
  readonly #index: number

  constructor(source: Source, bytes: Buffer, offset: number, index: number) {
    this.bytes = bytes
    this.offset = offset
    this.#source = source
    this.#index = index
  }

  get file(): string {
    return this.#source.file
  }

  get line(): number {
    return this.#source.linesBefore + this.#index + 1
  }

  get cursor(): Cursor {
    const { bytes } = this
    return this.#source.cursorAt(this.offset + bytes.length + 1, markOf(bytes, 0, bytes.length))
  }
}

class Reading {
  readonly #log: LogFile
  readonly #sources: Source[] = []
  readonly #hasCursor: boolean
  #guards: Guards | undefined
  /** None of its files is there. */
  readonly isAbsent: boolean

  constructor(log: LogFile, segments: Segments, after: Cursor | undefined) {
    this.#log = log
    this.#hasCursor = after !== undefined
    const places = after === undefined ? new Map<string, string>() : parseCursor(after)
    if (places === undefined) throw stale(log)
    try {
      // Listed once the first file is open: whoever replaces that one has made the old one a segment before (rewrite.ts).
      for (const segment of filesOf(log, segments)) {
        const source = new Source(log, segment)
        if (!this.#begin(source, places.get(segment))) continue
        this.#sources.push(source)
        places.delete(segment)
      }
    } catch (error) {
      this.close()
      throw error
    }
    this.isAbsent = this.#sources.length === 0
    if (this.isAbsent) return
    // That segment may have gone by then: what it held beyond is in the first file, which has grown by it.
    if (after === undefined)
      for (const source of this.#sources) if (source.fd >= 0) source.to = io.fstatSync(source.fd).size
    // Files that the cursor speaks of are gone.
    if (places.size > 0) throw stale(log)
  }

  *batches(): Generator<LineBatch, void> {
    for (const [index, source] of this.#sources.entries()) {
      if (source.to === source.from) continue
      this.#open(source)
      source.before = this.#sources.slice(0, index).map(partOf).join('')
      source.behind = this.#sources
        .slice(index + 1)
        .map(partOf)
        .join('')
      const chunks = chunksOf(source.fd, source.from, source.to)
      // A borrowed descriptor may be closed by its owner as soon as something was yielded.
      let lineIndex = 0
      for (const chunk of source.isBorrowed ? [...chunks] : chunks) {
        const lines = this.#linesOf(source, chunk, lineIndex)
        const end = chunk.offset + chunk.bytes.length
        const mark = lastMark(chunk.bytes)
        source.place = placeText(end, mark, source.inode)
        lineIndex += lines.length
        yield { lines: lines.filter((line) => this.#isYielded(source, line)), cursor: source.cursorAt(end, mark) }
      }
      source.close()
    }
    const [source] = this.#sources
    // A log without a whole line has a place too: where the first one will begin.
    if (!this.#hasCursor && this.#sources.length === 1 && source!.place === undefined)
      yield { lines: [], cursor: source!.cursorAt(0, '') }
  }

  close(): void {
    for (const source of this.#sources) source.close()
  }

  /** Finds where to begin in a file; false if it is not there. Rejects a place that does not hold any more. */
  #begin(source: Source, text: string | undefined): boolean {
    const place = text === undefined ? undefined : parsePlace(text)
    source.place = text
    source.from = place?.offset ?? 0
    if (source.segment !== '') {
      const stat = io.lstatSync(source.path, NO_THROW)
      if (stat === undefined) return false
      if (stat.size === place?.offset && inodeText(stat.ino) === place.inode) {
        source.to = place.offset
        return true
      }
      if (isTombstone(source.path, stat.size)) throw deleted(this.#log)
      if (place === undefined) {
        // It may go before its turn comes.
        if (isAside(source.segment)) this.#open(source)
        return true
      }
    }
    try {
      this.#open(source)
    } catch (error) {
      if (isMissing(error)) return false
      throw error
    }
    if (source.segment === '' && isTombstone(source.path, source.to)) {
      source.close()
      throw deleted(this.#log)
    }
    if (place !== undefined && !holds(source, place)) {
      source.close()
      throw stale(this.#log)
    }
    if (place?.mark === IN_LINE) source.from = lineStartAt(source.fd, place.offset)
    return true
  }

  #open(source: Source): void {
    if (source.fd >= 0 || (source.segment === '' && this.#borrow(source))) return
    const { fd, stat } = openRegular(source.path, TO_READ)
    const log = this.#log
    const isFirst = source.segment === ''
    if (isFirst && log.busy === undefined) log.know(fd, stat)
    source.opened(fd, stat, isFirst && log.isSame(stat) ? log.inode : inodeText(stat.ino), false)
  }

  #borrow(source: Source): boolean {
    const log = this.#log
    if (log.fd < 0 || log.busy !== undefined) return false
    const stat = io.lstatSync(source.path, NO_THROW)
    if (stat === undefined || !log.isSame(stat) || stat.size - source.from > SHORT_BYTES) return false
    log.know(log.fd, stat)
    source.opened(log.fd, stat, log.inode, true)
    return true
  }

  #linesOf(source: Source, chunk: Chunk, firstIndex: number): Line[] {
    const { bytes, offset } = chunk
    if (source.segment === '' && this.#log.inode === source.inode) this.#log.pass(chunk)
    const lines: Line[] = []
    let mayGuard = this.#guards !== undefined
    eachLine(bytes, (start, end) => {
      mayGuard ||= mayBeGuarded(bytes, start, end)
      lines.push(new Line(source, bytes.subarray(start, end), offset + start, firstIndex + lines.length))
    })
    if (mayGuard) this.#guards ??= this.#judge()
    return lines
  }

  #isYielded(source: Source, line: Line): boolean {
    if (line.bytes.length === 0) return false
    return this.#guards?.isWithheld(source.segment, line.offset) !== true
  }

  /** Decides about all lines of the log. Rejects if that changes what was decided before the cursor. */
  #judge(): Guards {
    for (const source of this.#sources) this.#open(source)
    const guards = verdictsOf(this.#log, this.#sources)
    const starts = new Map(this.#sources.map((source) => [source.segment, source.from]))
    if (this.#hasCursor && guards.hasChangedSince(starts)) throw stale(this.#log)
    return guards
  }
}

/**
 * Undefined if there is no file. Begins again if the old file of a rewrite goes while it does: what it held is in the first file by then.
 */
function begin(log: LogFile, segments: Segments, after: Cursor | undefined): Reading | undefined {
  for (;;) {
    try {
      const reading = new Reading(log, segments, after)
      return reading.isAbsent ? undefined : reading
    } catch (error) {
      if (!isMissing(error)) throw error
    }
  }
}

/** As `begin`; undefined, too, if the file is there with nothing in it, as git makes it before it writes it. */
function beginIfWritten(log: LogFile, segments: Segments, after: Cursor | undefined): Reading | undefined {
  try {
    return begin(log, segments, after)
  } catch (error) {
    if (isFoldlogError(error, 'STALE_CURSOR') && io.lstatSync(log.path, NO_THROW)?.size === 0) return undefined
    throw error
  }
}

/** Begins to read a log that was not there, once it is. */
async function beginAgain(
  log: LogFile,
  segments: Segments,
  { after, signal }: ReadOptions,
  assertOpen: () => void,
): Promise<Reading | undefined> {
  const look = (): Reading | undefined => {
    assertOpen()
    return beginIfWritten(log, segments, after)
  }
  return (await lookAgain(look, signal)) ?? begin(log, segments, after)
}

/** The first file, then the segments as they are when it was opened. */
function* filesOf(log: LogFile, segments: Segments): Generator<string, void> {
  yield ''
  yield* segments.of(log.directory, log.session)
}

function holds(source: Source, place: Place): boolean {
  if (!isIn(source.inode, place) || place.offset > source.to) return false
  if (place.offset === 0 || place.mark === IN_LINE) return true
  const line = lineBefore(source.fd, place.offset)
  return line !== undefined && markOf(line, 0, line.length) === place.mark
}

function partOf(source: Source): string {
  return cursorPart(source.segment, source.place)
}

function lastMark(bytes: Buffer): string {
  const end = bytes.length - 1
  return markOf(bytes, end === 0 ? 0 : bytes.lastIndexOf(LF, end - 1) + 1, end)
}

/** The lines of a log after a cursor, or all, in batches of about a megabyte. */
export async function* readLog(
  log: LogFile,
  segments: Segments,
  options: ReadOptions,
  assertOpen: () => void,
): AsyncGenerator<LineBatch> {
  const { after, isKnown = false } = options
  let reading: Reading | undefined
  try {
    reading = isKnown
      ? (beginIfWritten(log, segments, after) ?? (await beginAgain(log, segments, options, assertOpen)))
      : begin(log, segments, after)
    if (reading === undefined) throw missing(log)
    yield* reading.batches()
  } catch (error) {
    // One of several files went while they were read: what is left has to be read anew.
    if (isMissing(error)) throw isKnown ? stale(log) : missing(log)
    throw storageError(error, 'read', { ...log.key, path: log.path })
  } finally {
    reading?.close()
  }
}
