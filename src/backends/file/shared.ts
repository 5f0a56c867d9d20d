/**
 * Appends in a shared root: each backend writes to segments of its own (docs/format.md §8).
 *
 *     <session>.<ulid>.jsonl     lines of one backend; from 256 KB on the next lines begin another one
 *
 * Invariants held here:
 *  - No file is ever written to by two backends. A segment that is not as this one left it is given up: git has checked
 *    out another branch, and what went on there would be another continuation of the same file.
 *  - An append resolves only if its lines lie whole in a segment at its path, and the log was not deleted when it began.
 *  - Nothing is created but by `expect: 'absent'`, and nothing where a tombstone is.
 *
 * Before each write every file of the log is looked at, by a `stat` each: that is how a deletion, or lines that came
 * between, are noticed.
 */
import type { AppendOptions, AppendResult, Cursor, NewLine } from '../../backend.ts'
import type { FoldlogError } from '../../errors.ts'
import { lookAgain } from './absence.ts'
import { cursorPart, parseCursor } from './cursor.ts'
import { makeNamespace } from './folders.ts'
import type { LogFile } from './log-file.ts'
import { OtherFiles } from './other-files.ts'
import { beginSegment, extendSegment, isAsLeft } from './own-segment.ts'
import { deleted, exists, isFinal, missing } from './refusals.ts'
import type { Segments } from './segments.ts'
import type { Syncer } from './sync.ts'
import { failure } from './write.ts'

/** Git keeps every version of a file whole, so short files are what makes long sessions cheap. */
const ROLL_BYTES = 256 * 1024
const MAX_WRITES = 5
const DONE: AppendResult = {}

type Options = AppendOptions | undefined
type Outcome = AppendResult | Promise<AppendResult>

/** The appends of one backend to a shared root. The segment that a log is written to is its `standIn`. */
export class SharedWriter {
  readonly #root: string
  readonly #segments: Segments
  readonly #sync: Syncer
  readonly #others = new WeakMap<LogFile, OtherFiles>()

  constructor(root: string, segments: Segments, sync: Syncer) {
    this.#root = root
    this.#segments = segments
    this.#sync = sync
  }

  append(log: LogFile, lines: readonly NewLine[], options: Options): Outcome {
    if (log.busy !== undefined) return log.busy.then(() => this.append(log, lines, options))
    try {
      const outcome = options?.expect === 'absent' ? this.#create(log, lines) : this.#append(log, lines, options?.after)
      return this.#sync.policy === 'always' ? this.#flushed(log, lines, outcome) : outcome
    } catch (error) {
      return Promise.reject(failure(log, lines, error))
    }
  }

  /** Opens a segment again after a failed sync and writes the lines that were not synced. Throws if it cannot. */
  open(own: LogFile): void {
    if (!isAsLeft(own) || !extendSegment(own, [], this.#sync)) this.#sync.forget(own)
  }

  async #flushed(log: LogFile, lines: readonly NewLine[], outcome: Outcome): Promise<AppendResult> {
    try {
      const result = await outcome
      // Lines that were there already may lie in files of others, who may not have synced them.
      for (const file of [log.standIn, ...this.#othersOf(log).files()]) {
        if (file?.isDirty === true) await this.#sync.flush(file)
      }
      return result
    } catch (error) {
      throw failure(log, lines, error)
    }
  }

  #create(log: LogFile, lines: readonly NewLine[]): Outcome {
    for (const directory of makeNamespace(this.#root, log.directory)) this.#sync.changed(directory)
    const others = this.#look(log)
    if (others.isDeleted) throw isFinal(log)
    if (isAbsent(log, others)) {
      this.#others.delete(log)
      return this.#put(log, lines, '')
    }
    const news = this.#newsOf(log, lines)
    // Ids that are there say that it is this very create, once more.
    if (news.length === lines.length) throw exists(log)
    return news.length === 0 ? DONE : this.#put(log, news, undefined)
  }

  #append(log: LogFile, lines: readonly NewLine[], after: Cursor | undefined): Outcome {
    const wasThere = log.standIn !== undefined || this.#others.has(log) || after !== undefined
    const others = this.#look(log)
    if (others.isDeleted) throw deleted(log)
    if (isAbsent(log, others)) {
      if (wasThere) return this.#wait(log, lines)
      throw this.#lost(log)
    }
    const news = this.#newsOf(log, lines)
    return news.length === 0 ? DONE : this.#put(log, news, news === lines ? after : undefined)
  }

  /** Writes lines. `after` is the place that the answer goes on from, if it is where every file ends; '' is the start. */
  #put(log: LogFile, lines: readonly NewLine[], after: Cursor | '' | undefined): Outcome {
    const places = after === undefined ? undefined : this.#placesAt(log, after)
    for (let writes = 1; ; writes++) {
      if (this.#write(log, lines)) {
        const own = log.standIn!
        return writes > 1 || places === undefined ? DONE : { cursor: cursorOf(places.set(own.segment, own.end)) }
      }
      if (writes === MAX_WRITES) throw new Error(`the segment was not at its path after each of ${writes} writes`)
      const others = this.#look(log)
      if (others.isDeleted) throw deleted(log)
      if (isAbsent(log, others)) return this.#wait(log, lines)
    }
  }

  /** Writes lines to the own segment, or to a new one; false if it was not at its path afterwards. */
  #write(log: LogFile, lines: readonly NewLine[]): boolean {
    let own = log.standIn
    if (own !== undefined && own.size >= ROLL_BYTES && !own.mustRewrite) {
      this.#giveUp(log, own)
      own = undefined
    }
    if (own !== undefined) return extendSegment(own, lines, this.#sync)
    log.standIn = beginSegment(this.#root, log.key, lines, this.#segments, this.#sync)
    return log.standIn !== undefined
  }

  /** Looks at every file of a log, and gives up a segment that is not as it was left. */
  #look(log: LogFile): OtherFiles {
    const own = log.standIn
    if (own !== undefined && !isAsLeft(own)) this.#giveUp(log, own)
    const others = this.#othersOf(log)
    if (others.look(this.#segments.of(log.directory, log.session), log.standIn)) return others
    throw this.#lost(log)
  }

  /** From now on the segment is a file like any other. */
  #giveUp(log: LogFile, own: LogFile): void {
    log.standIn = undefined
    this.#othersOf(log).add(own)
  }

  #othersOf(log: LogFile): OtherFiles {
    let others = this.#others.get(log)
    if (others === undefined) this.#others.set(log, (others = new OtherFiles(this.#root, log.key)))
    return others
  }

  /** The lines whose ids are in none of the files: the array itself if that is all of them. */
  #newsOf(log: LogFile, lines: readonly NewLine[]): readonly NewLine[] {
    const known = this.#othersOf(log).idsOf(lines, log.standIn, (file) => this.#sync.wrote(file, []))
    return known.size === 0 ? lines : lines.filter(({ id }) => !known.has(id))
  }

  /** The places of a cursor if they are where every file ends. */
  #placesAt(log: LogFile, after: Cursor | ''): Map<string, string> | undefined {
    const places = after === '' ? new Map<string, string>() : parseCursor(after)
    const own = log.standIn
    if (places === undefined || (own !== undefined && places.get(own.segment) !== own.end)) return undefined
    return this.#othersOf(log).areAt(places, own === undefined ? 0 : 1) ? places : undefined
  }

  /** No file is there: git may be about to put them back. */
  #wait(log: LogFile, lines: readonly NewLine[]): Promise<AppendResult> {
    return log.occupy(this.#poll(log, lines))
  }

  async #poll(log: LogFile, lines: readonly NewLine[]): Promise<AppendResult> {
    try {
      if (await lookAgain(() => this.#putBack(log, lines) || undefined)) return DONE
      throw this.#lost(log)
    } catch (error) {
      throw failure(log, lines, error)
    } finally {
      log.busy = undefined
    }
  }

  /** Writes those of the lines that are not there; false if the log is not, or not yet. */
  #putBack(log: LogFile, lines: readonly NewLine[]): boolean {
    const others = this.#look(log)
    if (others.isDeleted) throw deleted(log)
    if (isAbsent(log, others)) return false
    const news = this.#newsOf(log, lines)
    return news.length === 0 || this.#write(log, news)
  }

  /** Forgets a log that is not there, or is another session by now. */
  #lost(log: LogFile): FoldlogError {
    if (log.standIn !== undefined) this.#sync.forget(log.standIn)
    log.standIn?.close()
    log.standIn = undefined
    this.#others.delete(log)
    return missing(log)
  }
}

function isAbsent(log: LogFile, others: OtherFiles): boolean {
  return log.standIn === undefined && others.isEmpty
}

/** The cursor that has these places. */
function cursorOf(places: ReadonlyMap<string, string>): Cursor {
  const sorted = [...places].sort(([a], [b]) => (a < b ? -1 : 1))
  // This backend issues the cursor.
  return sorted.map(([segment, place]) => cursorPart(segment, place)).join('') as Cursor
}
