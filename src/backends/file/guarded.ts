/**
 * Appends a line only if it comes to lie at an expected place: the log is the lock (docs/format.md §5).
 *
 *     write the line where the file is expected to end → read it back
 *     it lies there       won:  say so in the log (`log.kept`), then acknowledge
 *     something else      lost: say so in the log (`log.void`), then refuse
 *
 * Invariants held here:
 *  - I9 Of all lines written for one place at most one counts, and none that another line came before: what lies at a
 *    place of an append-only file is decided once, by the system, for all who look.
 *  - What was acknowledged counts, also where merges move it; what was refused never counts.
 *  - Nobody waits. A writer that dies leaves a line behind of which every reader sees whether it counts.
 *
 * Where that cannot be known (a short write, a file replaced meanwhile) the answer is `STORAGE_FULL` or
 * `STORAGE_FAILED`: the outcome is unknown.
 */
import type { AppendResult, Cursor, NewLine } from '../../backend.ts'
import { FoldlogError, isFoldlogError } from '../../errors.ts'
import { lineBefore } from './chunks.ts'
import { IN_LINE, isIn, markOf, parseCursor, parsePlace } from './cursor.ts'
import { encodeLines } from './encode.ts'
import { isMissing, storageError } from './failure.ts'
import { type Guards, guardedText, verdictLine } from './guard.ts'
import { io } from './io.ts'
import type { LogFile } from './log-file.ts'
import { findIds } from './lookup.ts'
import { isAside } from './paths.ts'
import { deleted, missing } from './refusals.ts'
import type { Segments } from './segments.ts'
import type { Syncer } from './sync.ts'
import { verdictsOf } from './verdicts.ts'
import type { Writer } from './write.ts'

const NO_THROW = { throwIfNoEntry: false } as const
const SEAL = Buffer.from('\n')

/** The place right behind a line that has won; absent if others were there at once, whose lines the caller has not read. */
interface Won {
  readonly after?: Cursor
}

/** The guarded appends of one backend. */
export class GuardedWriter {
  readonly #writer: Writer
  readonly #segments: Segments
  readonly #sync: Syncer

  constructor(writer: Writer, segments: Segments, sync: Syncer) {
    this.#writer = writer
    this.#segments = segments
    this.#sync = sync
  }

  /** Appends one line right behind `expected`; see `AppendOptions.expect`. */
  async append(log: LogFile, lines: readonly NewLine[], expected: Cursor): Promise<AppendResult> {
    const [line] = lines
    if (line === undefined || lines.length > 1)
      throw new FoldlogError('INVALID_OPTION', `expect: one line at a time, not ${lines.length}`, { field: 'expect' })
    try {
      // What takes longer has to be done with the log, and may have begun again.
      while (log.busy !== undefined) await log.busy
      this.#open(log)
      const place = this.#isThere(log, line.id) ? {} : this.#write(log, line, expected)
      if (place === undefined) return await this.#lose(log, line, expected)
      return await this.#win(log, line, place)
    } catch (error) {
      if (isMissing(error)) throw missing(log)
      throw storageError(error, 'append to', { ...log.key, path: log.path, eventIds: [line.id] })
    }
  }

  #open(log: LogFile): void {
    const segments = this.#segments.of(log.directory, log.session)
    if (segments.length > 0 && segments.every(isAside)) {
      const message = `session ${log.key.sessionId} is being rewritten: repeat the call (if that rewrite was killed, repair it first)`
      throw new FoldlogError('SESSION_BUSY', message, { ...log.key, path: log.path })
    }
    if (segments.length > 0) {
      const message = `session ${log.key.sessionId} has segments, and only a log of one file can be guarded`
      throw new FoldlogError('UNSUPPORTED', message, { ...log.key, path: log.path })
    }
    try {
      this.#writer.open(log)
    } catch (error) {
      // Whoever knows the log and reads on is told when it is gone for good.
      throw isMissing(error) && log.isKnown ? moved(log, 'it is not at its path') : error
    }
    if (!isAtPath(log)) throw moved(log, 'it was replaced')
    if (log.surveyedTo !== log.size) log.surveyRest()
    if (log.survey.isDeleted) throw deleted(log)
  }

  /** Whether the line was won before. Rejects one that was lost: nothing can bring it back. */
  #isThere(log: LogFile, id: string): boolean {
    const known = log.ids.has(id)
    if (known === false || !findIds(log.fd, log.size, [id]).found.has(id)) return false
    if (verdictsUpTo(log, log.size).isDead(id)) throw moved(log, `line ${id} was refused before`)
    return true
  }

  /** Writes the line. Undefined: it lies elsewhere. Otherwise the place right behind it, if nothing lies there yet. */
  #write(log: LogFile, line: NewLine, expected: Cursor): Won | undefined {
    const at = log.size
    this.#assertAt(log, expected)
    const guards = verdictsUpTo(log, at)
    const after = guards.lastId('')
    const text = guardedText(line.text, { at, ...(after === undefined ? {} : { after }), kept: guards.open() })
    const { bytes, length } = encodeLines([{ id: line.id, text }], false)
    log.isUncertain = true
    // Also if it fails: whoever repeats the call may find the line, and then it has to last.
    this.#sync.wrote(log, [])
    const written = io.writeSync(log.fd, bytes, 0, length)
    if (written !== length) {
      const error = new Error(`${written} of ${length} bytes were written to ${log.path}`)
      throw Object.assign(error, { code: 'ENOSPC' })
    }
    const found = Buffer.allocUnsafe(length)
    // Also if nothing more is learnt of it: it may have won, and be acknowledged by its key when the call is repeated.
    this.#sync.wrote(log, [{ id: line.id, text }])
    const isAtPlace = io.readSync(log.fd, found, 0, length, at) === length && found.equals(bytes.subarray(0, length))
    // Then this was another file's place, and who replaced it decides what is in the new one.
    if (!isAtPath(log)) throw new Error(`the log was replaced while ${line.id} was written`)
    // The line itself has named them.
    log.verdicts = undefined
    const stat = io.fstatSync(log.fd)
    if (!isAtPlace || stat.size !== at + length) {
      log.know(log.fd, stat)
      return isAtPlace ? {} : undefined
    }
    log.extend([line], stat)
    log.isUncertain = false
    return { after: log.end as Cursor }
  }

  #assertAt(log: LogFile, expected: Cursor): void {
    const place = parsePlace(parseCursor(expected)?.get('') ?? '')
    const { size, fd } = log
    if (!log.endsWithLf) {
      // Torn, or still being written. It cannot be waited for, and a guarded line must begin a line.
      log.isUncertain = true
      // A disk that takes nothing would have this tried for ever.
      if (io.writeSync(fd, SEAL, 0, SEAL.length) !== SEAL.length) {
        throw Object.assign(new Error(`nothing more is written to ${log.path}`), { code: 'ENOSPC' })
      }
    } else if (place !== undefined && place.offset === size && isIn(log.inode, place)) {
      const line = size === 0 || place.mark === IN_LINE ? undefined : lineBefore(fd, size)
      if (line === undefined || markOf(line, 0, line.length) === place.mark) return
    }
    throw moved(log, `it does not end at ${expected}`)
  }

  /** Makes the verdict one that merges cannot change. If that fails the line counts nevertheless, in this file. */
  async #win(log: LogFile, line: NewLine, place: Won): Promise<AppendResult> {
    try {
      return await this.#writer.append(log, [verdictLine('log.kept', line.id)], place)
    } catch (error) {
      if (isFoldlogError(error, 'NOT_FOUND')) throw error
      const code = isFoldlogError(error, 'STORAGE_FULL') ? 'STORAGE_FULL' : 'STORAGE_FAILED'
      const message = `${line.id} was written, but not that it counts: repeat the call with its key`
      throw new FoldlogError(code, message, { ...log.key, path: log.path, eventIds: [line.id], cause: error })
    }
  }

  async #lose(log: LogFile, line: NewLine, expected: Cursor): Promise<never> {
    try {
      await this.#writer.append(log, [verdictLine('log.void', line.id)], undefined)
    } catch {
      // Its place says that it does not count. This only keeps a merge from moving it to where it would.
    }
    throw moved(log, `something else came right behind ${expected}`)
  }
}

function isAtPath(log: LogFile): boolean {
  const stat = io.statSync(log.path, NO_THROW)
  return stat !== undefined && log.isSame(stat)
}

/** The guards of a log, up to `to`, the end of a line. */
function verdictsUpTo(log: LogFile, to: number): Guards {
  return verdictsOf(log, [{ segment: '', inode: log.inode, fd: log.fd, to }])
}

function moved(log: LogFile, why: string): FoldlogError {
  const message = `the log at ${log.path} has moved on (${why}): read on, then decide again`
  return new FoldlogError('HEAD_MOVED', message, { ...log.key, path: log.path })
}
