/**
 * Appends lines to a log: one Buffer, one synchronous write, one look at the path.
 *
 *     LF? line LF (line LF)…        the leading LF seals what someone left without one
 *
 * Invariants held here:
 *  - I1 A written line is never changed, moved or cut, not even a torn one.
 *  - An append resolves only if its lines lie whole at the path, each at the start of a line.
 *  - Nothing is created but by `expect: 'absent'`: a removed log never comes back.
 *
 * Everything up to the look happens before `append` returns, which mostly is all there is. Only a path that is empty for a moment (git
 * checkout) and `fsync: 'always'` make it wait; later appends to the log wait behind the former.
 */
import type { AppendOptions, AppendResult, Cursor, NewLine } from '../../backend.ts'
import type { FoldlogError } from '../../errors.ts'
import { newId } from '../../id.ts'
import { lookAgain } from './absence.ts'
import { encodeLines } from './encode.ts'
import { codeOf, isMissing, storageError } from './failure.ts'
import { makeNamespace, statNamespace } from './folders.ts'
import { io } from './io.ts'
import { LogFile } from './log-file.ts'
import { closeQuietly, openRegular, TO_APPEND, TO_CREATE } from './regular.ts'
import { findIds, linesNotIn } from './lookup.ts'
import { deleted, exists, isFinal, missing } from './refusals.ts'
import type { Segments } from './segments.ts'
import type { Syncer } from './sync.ts'
import { isBuried } from './tombstone.ts'

const MAX_WRITES = 5
const NO_THROW = { throwIfNoEntry: false } as const
const DONE: AppendResult = {}

type Options = AppendOptions | undefined
type Outcome = AppendResult | Promise<AppendResult>

/** The appends of one backend. */
export class Writer {
  readonly #root: string
  readonly #segments: Segments
  readonly #sync: Syncer

  constructor(root: string, segments: Segments, sync: Syncer) {
    this.#root = root
    this.#segments = segments
    this.#sync = sync
  }

  append(log: LogFile, lines: readonly NewLine[], options: Options): Outcome {
    if (log.busy !== undefined) return this.#later(log, lines, options)
    try {
      const outcome = this.#append(log, lines, options)
      if (!(outcome instanceof Promise)) {
        if (this.#sync.policy === 'always' ? this.#sync.flushNow(log) : !this.#sync.isOverdue) return outcome
      }
      return this.#finish(log, lines, outcome)
    } catch (error) {
      return Promise.reject(failure(log, lines, error))
    }
  }

  /** Opens a log if it is not open, and writes again the lines that a failed sync left. Throws if it cannot. */
  open(log: LogFile): void {
    if (log.busy === undefined) this.#ready(log)
  }

  async #later(log: LogFile, lines: readonly NewLine[], options: Options): Promise<AppendResult> {
    await log.busy
    return this.append(log, lines, options)
  }

  async #finish(log: LogFile, lines: readonly NewLine[], outcome: Outcome): Promise<AppendResult> {
    try {
      const result = await outcome
      if (this.#sync.policy === 'always') await this.#sync.flush(log)
      else if (this.#sync.isOverdue) await this.#sync.catchUp()
      return result
    } catch (error) {
      throw failure(log, lines, error)
    }
  }

  #append(log: LogFile, lines: readonly NewLine[], options: Options): Outcome {
    if (options?.expect === 'absent') return this.#create(log, lines)
    // Our own write would hide an edit in place before it. Appends in quick succession do not look.
    if (log.fd < 0 || log.isUncertain || log.mustRewrite || log.hasRested) {
      try {
        this.#ready(log)
      } catch (error) {
        if (!isMissing(error)) throw error
        return this.#appendElsewhere(log, lines, options)
      }
    }
    if (log.surveyedTo !== log.size) log.surveyRest()
    if (log.survey.isDeleted) throw deleted(log)
    return this.#appendNews(log, lines, options)
  }

  #appendNews(log: LogFile, lines: readonly NewLine[], options: Options): Outcome {
    const news = newsOf(log, lines)
    // Whoever wrote the others may not have synced them.
    if (news.length < lines.length) this.#sync.wrote(log, [])
    if (news.length === 0) return DONE
    const follows = options?.after !== undefined && options.after === log.end && news === lines
    // Before them the verdicts on what they may be built on, behind a LF, so that they are not lost on a torn line.
    const all = log.verdicts === undefined ? news : [...log.verdicts, ...news]
    const isClean = this.#write(log, all, log.verdicts !== undefined)
    log.verdicts = undefined
    if (!isClean) return this.#settle(log, all)
    // `end` is a cursor that this backend made.
    return follows ? { cursor: log.end as Cursor } : DONE
  }

  /** Writes the lines and looks at the path; whether all is as expected: the lines follow what was known. */
  #write(log: LogFile, lines: readonly NewLine[], seals = !log.endsWithLf): boolean {
    const known = log.size
    const { bytes, length } = encodeLines(lines, seals || !log.endsWithLf)
    let written = 0
    try {
      written = io.writeSync(log.fd, bytes, 0, length)
    } finally {
      if (written !== length) {
        log.isUncertain = true
        // Whoever repeats the call finds the lines that are in: they have to last like all others.
        if (mayHaveGrown(log)) this.#sync.wrote(log, lines)
      }
    }
    if (written !== length) throw shortWrite(log, written, length)
    this.#sync.wrote(log, lines)
    const stat = io.statSync(log.path, NO_THROW)
    if (stat === undefined || stat.size !== known + length || !log.isSame(stat)) return false
    log.extend(lines, stat)
    return true
  }

  #ready(log: LogFile): void {
    if (log.fd < 0) {
      statNamespace(log.directory)
      const { fd, stat } = openRegular(log.path, TO_APPEND)
      log.open(fd, stat)
    } else log.know(log.fd, io.fstatSync(log.fd))
    if (log.mustRewrite) this.#writeUnsynced(log)
  }

  #writeUnsynced(log: LogFile): void {
    const lines = log.unsynced.flat()
    log.unsynced = []
    try {
      log.surveyRest()
      if (lines.length > 0 && !this.#write(log, lines) && !this.#settleNow(log, lines)) {
        throw new Error('the log is being replaced')
      }
      log.mustRewrite = false
    } catch (error) {
      log.unsynced = [lines]
      throw error
    }
  }

  /** The file is not at its path: it may come back at once, or the log may consist of segments alone. */
  #appendElsewhere(log: LogFile, lines: readonly NewLine[], options: Options): Outcome {
    const segment = this.#segments.of(log.directory, log.session).at(-1)
    if (segment !== undefined) {
      if (log.standIn?.segment !== segment) {
        log.standIn?.close()
        log.standIn = new LogFile(this.#root, log.key, segment)
      }
      return this.append(log.standIn, lines, options)
    }
    if (log.isKnown) return this.#wait(log, lines)
    throw missing(log)
  }

  #create(log: LogFile, lines: readonly NewLine[]): Outcome {
    for (const directory of makeNamespace(this.#root, log.directory)) this.#sync.changed(directory)
    const segments = this.#segments.of(log.directory, log.session)
    if (segments.length > 0) throw isBuried(log, this.#segments) ? isFinal(log) : exists(log)
    try {
      const { fd, stat } = this.#segments.keepDuring(log.directory, () => openRegular(log.path, TO_CREATE))
      log.open(fd, stat)
    } catch (error) {
      if (codeOf(error) === 'EEXIST') return this.#createAgain(log, lines)
      // The file may be there all the same, without a line in it.
      log.isUnborn = true
      throw error
    }
    this.#sync.changed(log.directory)
    try {
      return this.#write(log, lines) ? { cursor: log.end as Cursor } : this.#settle(log, lines)
    } catch (error) {
      this.#withdraw(log)
      throw error
    }
  }

  /** The file is there. That is fine if it is by these very lines, or by an attempt of ours that wrote none. */
  #createAgain(log: LogFile, lines: readonly NewLine[]): Outcome {
    this.#ready(log)
    log.surveyRest()
    const news = newsOf(log, lines)
    const isOurs = news.length < lines.length || (log.isUnborn && log.surveyedTo === 0)
    if (!isOurs) throw exists(log)
    return this.#appendNews(log, news, undefined)
  }

  /**
   * Takes back a file whose first write failed, if nothing is in it, so that a refused `create` leaves no session.
   * Moved aside first: whoever has written to it by then is seen, and whoever writes later sees that it is gone.
   */
  #withdraw(log: LogFile): void {
    log.isUnborn = true
    if (io.fstatSync(log.fd).size > 0) return
    const aside = `${log.directory}/.${newId()}.tmp`
    try {
      io.renameSync(log.path, aside)
      if (io.fstatSync(log.fd).size > 0) io.linkSync(aside, log.path)
      else log.lose()
      io.unlinkSync(aside)
    } catch {
      // It stays as an empty log. What failed first is what the caller has to know.
    }
  }

  /** Sees to it that lines which were written lie whole at the path. */
  #settle(log: LogFile, lines: readonly NewLine[]): Outcome {
    return this.#settleNow(log, lines) ? DONE : this.#wait(log, lines)
  }

  /** Writes lines again where they do not lie whole at the path. False: the log is not at the path, or not yet. */
  #settleNow(log: LogFile, lines: readonly NewLine[]): boolean {
    let left: readonly NewLine[] | undefined = lines
    for (let writes = 1; ; writes++) {
      const stat = io.statSync(log.path, NO_THROW)
      if (stat === undefined) return false
      left = log.fd >= 0 && log.isSame(stat) ? this.#readBack(log, left) : this.#adopt(log, left)
      if (left === undefined) return false
      if (left.length === 0) return true
      if (writes === MAX_WRITES) {
        throw new Error(`something else was at the end after each of ${writes} writes`)
      }
      if (this.#write(log, left)) return true
    }
  }

  /** Which of the lines are not whole at a line's start between the known end and the end. */
  #readBack(log: LogFile, lines: readonly NewLine[]): readonly NewLine[] {
    const stat = io.fstatSync(log.fd)
    const known = stat.size < log.size ? 0 : log.size
    let left = linesNotIn(log.fd, lines, known, stat.size, known > 0 && !log.endsWithLf)
    // Someone may have cut the file before we wrote, and it has grown past the known end again.
    if (left.length > 0 && known > 0) left = linesNotIn(log.fd, left, 0, stat.size, false)
    // The size alone does not tell that it is the same end, and the time is that of our own write.
    log.end = ''
    log.mtimeMs = stat.mtimeMs
    log.know(log.fd, stat)
    log.surveyRest()
    return left
  }

  /**
   * Goes on with another file at the path, if it is of the same log: it holds the oldest `session.created` of the old
   * one. Answers which of the lines are not in it; undefined if it is not that log.
   */
  #adopt(log: LogFile, lines: readonly NewLine[]): readonly NewLine[] | undefined {
    if (log.fd >= 0) log.surveyRest()
    const { created } = log.survey
    const ids = lines.map((line) => line.id)
    const { fd, stat } = openRegular(log.path, TO_APPEND)
    const { found, isDeleted } = findIds(fd, stat.size, created === undefined ? ids : [...ids, created])
    if (isDeleted || (created !== undefined && !found.has(created))) {
      closeQuietly(fd)
      if (isDeleted) throw deleted(log)
      return undefined
    }
    log.open(fd, stat)
    log.surveyRest()
    // Nobody knows whether what is found there was synced.
    this.#sync.wrote(log, [])
    return lines.filter((line) => !found.has(line.id))
  }

  #wait(log: LogFile, lines: readonly NewLine[]): Promise<AppendResult> {
    return log.occupy(this.#poll(log, lines))
  }

  async #poll(log: LogFile, lines: readonly NewLine[]): Promise<AppendResult> {
    try {
      if (await lookAgain(() => this.#settleNow(log, lines) || undefined)) return DONE
    } finally {
      log.busy = undefined
    }
    log.lose()
    this.#sync.forget(log)
    throw missing(log)
  }
}

/** The lines whose ids are not in the log: the array itself if that is all of them. */
function newsOf(log: LogFile, lines: readonly NewLine[]): readonly NewLine[] {
  let isSure = true
  for (let i = 0; i < lines.length; i++) if (log.ids.has(lines[i]!.id) !== false) isSure = false
  if (isSure) return lines
  const unsure = lines.filter(({ id }) => log.ids.has(id) === undefined).map(({ id }) => id)
  const found = unsure.length === 0 ? new Set<string>() : findIds(log.fd, log.size, unsure).found
  return lines.filter(({ id }) => log.ids.has(id) !== true && !found.has(id))
}

/** Whether a write that failed may have left something. */
function mayHaveGrown(log: LogFile): boolean {
  try {
    return io.fstatSync(log.fd).size > log.size
  } catch {
    // The disk does not even tell that.
    return true
  }
}

export function failure(log: LogFile, lines: readonly NewLine[], error: unknown): FoldlogError {
  if (isMissing(error)) return missing(log)
  return storageError(error, 'append to', {
    ...log.key,
    path: log.path,
    eventIds: lines.map((line) => line.id),
  })
}

export function shortWrite(log: LogFile, written: number, length: number): Error {
  const error = new Error(`${written} of ${length} bytes were written to ${log.path}`)
  return Object.assign(error, { code: 'ENOSPC' })
}
