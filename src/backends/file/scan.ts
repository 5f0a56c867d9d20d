/**
 * The bytes of a log for those who look for something in them: every file of it, whole lines, at the speed of reading.
 *
 * Holds I2 as chunks.ts does. One buffer is used again and again, because a fresh one for each piece costs as much as reading it.
 */
import type { Cursor, LogPiece, SessionKey } from '../../backend.ts'
import { encodeName } from '../../name.ts'
import { inodeText, markOf, placeText } from './cursor.ts'
import { isMissing, storageError } from './failure.ts'
import { io } from './io.ts'
import type { LogFile } from './log-file.ts'
import { closeQuietly, openRegular, TO_READ } from './regular.ts'
import { logPath, namespacePath } from './paths.ts'
import { LF, mayNotCount } from './prefix.ts'
import { missing } from './refusals.ts'
import type { Segments } from './segments.ts'
import { isTombstone } from './tombstone.ts'

const CHUNK_BYTES = 1 << 18
const PAGE_BYTES = 1 << 12
/**
 * Where in a page bytes are read to. To its very beginning, where the memory of great buffers begins, AMD's processors (Zen 3) copy at a fifth of
 * their speed.
 */
const INTO_PAGE = 64

/** Nobody uses it just now. */
let spare: Buffer | undefined

type Log = Pick<LogFile, 'key' | 'directory' | 'session' | 'path'>
type Opened = ReturnType<typeof openRegular>

/** The lines of a log in pieces; a piece is good until the next one. What is replaced meanwhile may come twice. */
export function* scanLog(root: string, key: SessionKey, segments: Segments): Generator<Buffer, void> {
  const log = logOf(root, key)
  const buffer = spare ?? Buffer.allocUnsafeSlow(CHUNK_BYTES + PAGE_BYTES)
  spare = undefined
  try {
    while (!(yield* scanFiles(log, segments, buffer)));
  } catch (error) {
    throw storageError(error, 'read', { ...log.key, path: log.path })
  } finally {
    spare = buffer
  }
}

/** As {@link scanLog}, of a log that is one file, with the place after each piece; nothing of one that has several. */
export function* piecesOf(log: LogFile, segments: Segments): Generator<LogPiece, void> {
  const buffer = spare ?? Buffer.allocUnsafeSlow(CHUNK_BYTES + PAGE_BYTES)
  spare = undefined
  try {
    const opened = openIfThere(log.path)
    const others = othersOf(log, segments, opened)
    if (opened === undefined && others.length === 0) throw missing(log)
    // In a shared root there may be nothing but the files of the runs.
    if (opened === undefined) return
    if (others.length > 0 || isTombstone(log.path, opened.stat.size)) return closeQuietly(opened.fd)
    if (log.busy === undefined) log.know(opened.fd, opened.stat)
    const inode = log.isSame(opened.stat) ? log.inode : inodeText(opened.stat.ino)
    let offset = 0
    for (const bytes of linesOf(opened, buffer)) {
      offset += bytes.length
      yield new Piece(bytes, offset, inode)
    }
  } catch (error) {
    throw storageError(error, 'read', { ...log.key, path: log.path })
  } finally {
    spare = buffer
  }
}

class Piece implements LogPiece {
  readonly bytes: Buffer
  readonly #offset: number
  readonly #inode: string

  constructor(bytes: Buffer, offset: number, inode: string) {
    this.bytes = bytes
    this.#offset = offset
    this.#inode = inode
  }

  get end(): Cursor {
    const { bytes } = this
    const last = bytes.length - 1
    return placeText(this.#offset, markOf(bytes, bytes.lastIndexOf(LF, last - 1) + 1, last), this.#inode) as Cursor
  }

  mayNotCount(start: number, end: number): boolean {
    return mayNotCount(this.bytes, start, end)
  }
}

/** Not a LogFile: that remembers what it learns of a file, and most are only passed over here. */
function logOf(root: string, key: SessionKey): Log {
  const directory = namespacePath(root, key.namespace)
  const session = encodeName(key.sessionId)
  return { key, directory, session, path: logPath(directory, session, '') }
}

/** False if a file went before its turn came: what it held is in the first one by then. */
function* scanFiles(log: Log, segments: Segments, buffer: Buffer): Generator<Buffer, boolean> {
  const first = openIfThere(log.path)
  // Listed once the first file is open, as in read.ts, and before it is read: what a rewrite leaves in a segment may go into the first file later.
  const others = othersOf(log, segments, first)
  if (first === undefined && others.length === 0) throw missing(log)
  if (first !== undefined) yield* linesOf(first, buffer)
  for (const segment of others) {
    const opened = openIfThere(logPath(log.directory, log.session, segment))
    if (opened === undefined) return false
    yield* linesOf(opened, buffer)
  }
  return true
}

function othersOf(log: Log, segments: Segments, first: Opened | undefined): readonly string[] {
  try {
    return segments.of(log.directory, log.session)
  } catch (error) {
    if (first !== undefined) closeQuietly(first.fd)
    throw error
  }
}

function openIfThere(path: string): Opened | undefined {
  try {
    return openRegular(path, TO_READ)
  } catch (error) {
    if (isMissing(error)) return undefined
    throw error
  }
}

/** The whole lines of a file as long as it was when it was opened. It is closed then. */
function* linesOf({ fd, stat }: Opened, given: Buffer): Generator<Buffer, void> {
  try {
    let buffer = given
    let begin = INTO_PAGE
    let carried = 0
    for (let at = 0; at < stat.size;) {
      const read = io.readSync(fd, buffer, begin, wholePages(buffer.length - begin), at)
      if (read === 0) return
      at += read
      const filled = begin + read
      // What is carried holds no line feed.
      const last = buffer.subarray(begin, filled).lastIndexOf(LF)
      const end = last < 0 ? begin - carried : begin + last + 1
      if (last >= 0) yield buffer.subarray(begin - carried, end)
      carried = filled - end
      begin = wholePages(carried + PAGE_BYTES - 1) + INTO_PAGE
      // A line that is longer than the buffer gets a buffer of its own.
      const next = buffer.length - begin < CHUNK_BYTES / 2 ? Buffer.allocUnsafeSlow(buffer.length * 2) : buffer
      buffer.copy(next, begin - carried, end, filled)
      buffer = next
    }
  } finally {
    closeQuietly(fd)
  }
}

function wholePages(bytes: number): number {
  return bytes - (bytes % PAGE_BYTES)
}
