/**
 * The bytes of a log for those who look for something in them: every file of it, whole lines, at the speed of reading.
 *
 * Holds I2 as chunks.ts does. One buffer is used again and again, because a fresh one for each piece costs as much as reading it.
 */
import { isMissing, storageError } from './failure.ts'
import { io } from './io.ts'
import { closeQuietly, type LogFile, openRegular, TO_READ } from './log-file.ts'
import { logPath } from './paths.ts'
import { LF } from './prefix.ts'
import { missing } from './refusals.ts'
import type { Segments } from './segments.ts'

const BUFFER_BYTES = 1 << 18

/** Nobody uses it just now. */
let spare: Buffer | undefined

/** The lines of a log in pieces; a piece is good until the next one. What is replaced meanwhile may come twice. */
export function* scanLog(log: LogFile, segments: Segments): Generator<Buffer, void> {
  const buffer = spare ?? Buffer.allocUnsafeSlow(BUFFER_BYTES)
  spare = undefined
  try {
    while (!(yield* scanFiles(log, segments, buffer)));
  } catch (error) {
    throw storageError(error, 'read', { ...log.key, path: log.path })
  } finally {
    spare = buffer
  }
}

/** False if a file went before its turn came: what it held is in the first one by then. */
function* scanFiles(log: LogFile, segments: Segments, buffer: Buffer): Generator<Buffer, boolean> {
  const first = openIfThere(log.path)
  // Listed once the first file is open, as in read.ts, and before it is read: what a rewrite leaves in a segment may go into the first file later.
  const others = othersOf(log, segments, first)
  if (first === undefined && others.length === 0) throw missing(log)
  if (first !== undefined) yield* piecesOf(first, buffer)
  for (const segment of others) {
    const fd = openIfThere(logPath(log.directory, log.session, segment))
    if (fd === undefined) return false
    yield* piecesOf(fd, buffer)
  }
  return true
}

function othersOf(log: LogFile, segments: Segments, first: number | undefined): readonly string[] {
  try {
    return segments.of(log.directory, log.session)
  } catch (error) {
    if (first !== undefined) closeQuietly(first)
    throw error
  }
}

function openIfThere(path: string): number | undefined {
  try {
    return openRegular(path, TO_READ).fd
  } catch (error) {
    if (isMissing(error)) return undefined
    throw error
  }
}

/** The whole lines of a file, which is closed then. */
function* piecesOf(fd: number, given: Buffer): Generator<Buffer, void> {
  try {
    yield* linesOf(fd, given)
  } finally {
    closeQuietly(fd)
  }
}

function* linesOf(fd: number, given: Buffer): Generator<Buffer, void> {
  let buffer = given
  let carried = 0
  for (let at = 0; ;) {
    const read = io.readSync(fd, buffer, carried, buffer.length - carried, at)
    if (read === 0) return
    at += read
    const filled = carried + read
    const end = buffer.lastIndexOf(LF, filled - 1) + 1
    if (end > 0) yield buffer.subarray(0, end)
    carried = filled - end
    // A line that is longer than the buffer gets a buffer of its own.
    const next = carried === buffer.length ? Buffer.allocUnsafeSlow(buffer.length * 2) : buffer
    buffer.copy(next, 0, end, filled)
    buffer = next
  }
}
