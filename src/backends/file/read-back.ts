/**
 * The lines before a place in a log that is one file, without reading what comes before them.
 *
 * Invariant held here: I2 a reader sees whole lines only. A cursor is good as read.ts says; only lines that count come (guard.ts).
 */
import type { Cursor, LinesBack } from '../../backend.ts'
import { eachLine, lineBefore } from './chunks.ts'
import { inodeText, isIn, markOf, parseCursor, parsePlace, placeText } from './cursor.ts'
import { isMissing, storageError } from './failure.ts'
import { io } from './io.ts'
import type { LogFile } from './log-file.ts'
import { closeQuietly, openRegular, TO_READ } from './regular.ts'
import { LF, mayBeGuarded } from './prefix.ts'
import { missing, stale } from './refusals.ts'
import type { Segments } from './segments.ts'
import { isTombstone } from './tombstone.ts'
import { verdictsOf } from './verdicts.ts'

/** As `readBack` of the port; undefined if the log has several files. */
export function readBack(log: LogFile, segments: Segments, before: Cursor, sizeBytes: number): LinesBack | undefined {
  const places = parseCursor(before)
  const place = parsePlace(places?.get('') ?? '')
  if (place === undefined || places!.size > 1) return undefined
  try {
    const { fd, stat } = openRegular(log.path, TO_READ)
    try {
      if (segments.of(log.directory, log.session).length > 0 || isTombstone(log.path, stat.size)) return undefined
      const inode = log.isSame(stat) ? log.inode : inodeText(stat.ino)
      if (!isIn(inode, place) || place.offset > stat.size || markAt(fd, place.offset) !== place.mark) throw stale(log)
      return linesBefore({ log, fd, inode, to: stat.size }, place.offset, sizeBytes)
    } finally {
      closeQuietly(fd)
    }
  } catch (error) {
    if (isMissing(error)) throw missing(log)
    throw storageError(error, 'read', { ...log.key, path: log.path })
  }
}

interface OpenFile {
  readonly log: LogFile
  readonly fd: number
  readonly inode: string
  /** Where it ended when it was opened. */
  readonly to: number
}

function linesBefore(file: OpenFile, end: number, sizeBytes: number): LinesBack {
  const from = Math.max(0, end - sizeBytes)
  const bytes = Buffer.allocUnsafe(end - from)
  if (io.readSync(file.fd, bytes, 0, bytes.length, from) < bytes.length) throw stale(file.log)
  // What it begins with may be the end of a line.
  const first = from === 0 ? 0 : bytes.indexOf(LF) + 1
  const isWithin = from > 0 && (first === 0 || first === bytes.length)
  if (isWithin) return linesBefore(file, end, sizeBytes * 2)
  const start = from + first
  return { lines: countingIn(file, bytes.subarray(first), start), start: cursorAt(file, start) }
}

/** The lines of a piece that starts at `offset`, but for those that do not count. */
function countingIn({ log, fd, inode, to }: OpenFile, bytes: Buffer, offset: number): readonly Buffer[] {
  const lines: { readonly start: number; readonly bytes: Buffer }[] = []
  let mayGuard = false
  eachLine(bytes, (start, end) => {
    mayGuard ||= mayBeGuarded(bytes, start, end)
    if (end > start) lines.push({ start, bytes: bytes.subarray(start, end) })
  })
  // Which of them count may be said anywhere in the log.
  const guards = mayGuard ? verdictsOf(log, [{ segment: '', inode, fd, to }]) : undefined
  return lines.filter(({ start }) => guards?.isWithheld('', offset + start) !== true).map((line) => line.bytes)
}

function cursorAt({ log, fd, inode }: OpenFile, offset: number): Cursor | undefined {
  if (offset === 0) return undefined
  const mark = markAt(fd, offset)
  if (mark === undefined) throw stale(log)
  return placeText(offset, mark, inode) as Cursor
}

/** What a cursor at an offset says of the line that ends there; undefined if none does. */
function markAt(fd: number, offset: number): string | undefined {
  if (offset === 0) return ''
  const line = lineBefore(fd, offset)
  return line === undefined ? undefined : markOf(line, 0, line.length)
}
