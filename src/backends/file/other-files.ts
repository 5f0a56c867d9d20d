/**
 * What a writer in a shared root knows of those files of a log that it does not write to: how far they go, which ids are
 * in them, and whether the log is deleted. Nothing here writes.
 */
import type { NewLine, SessionKey } from '../../backend.ts'
import { parsePlace } from './cursor.ts'
import { isMissing } from './failure.ts'
import { io } from './io.ts'
import { LogFile } from './log-file.ts'
import { openRegular, TO_READ } from './regular.ts'
import { findIds } from './lookup.ts'

const NO_THROW = { throwIfNoEntry: false } as const

export class OtherFiles {
  readonly #root: string
  readonly #key: SessionKey
  readonly #files = new Map<string, LogFile>()
  /** The oldest `session.created` of each file that ever was among them: what makes it the same session. */
  readonly #created = new Set<string>()
  #segments: readonly string[] = []

  constructor(root: string, key: SessionKey) {
    this.#root = root
    this.#key = key
  }

  get isEmpty(): boolean {
    return this.#files.size === 0
  }

  /** Whether a tombstone is in one of them. */
  get isDeleted(): boolean {
    for (const file of this.#files.values()) if (file.survey.isDeleted) return true
    return false
  }

  files(): Iterable<LogFile> {
    return this.#files.values()
  }

  /** Takes over a file that was written to until now. */
  add(file: LogFile): void {
    if (file.fd >= 0) file.surveyRest()
    // Passed over at the next look.
    else file.mtimeMs = -1
    file.close()
    this.#files.set(file.segment, file)
  }

  /**
   * Looks at all files of the log but `own`, and reads what is new in them. `segments` is the same array as long as the
   * directory is the same. False if what is there is another session of the same id: nothing of what was there before is
   * left, and something else is.
   */
  look(segments: readonly string[], own: LogFile | undefined): boolean {
    const isSameDirectory = segments === this.#segments && segments.length > 0
    const others = isSameDirectory ? [...this.#files.keys()] : new Set(['', ...this.#files.keys(), ...segments])
    this.#segments = segments
    for (const segment of others) if (segment !== own?.segment) this.#lookAt(segment)
    const found = [...this.#files.values(), own].map((file) => file?.survey.created)
    const present = found.filter((id) => id !== undefined)
    const isSame = this.#created.size === 0 || present.length === 0 || present.some((id) => this.#created.has(id))
    if (isSame) for (const id of present) this.#created.add(id)
    return isSame
  }

  /** Which of the lines are in the files or in `own`. Takes notice of each file that has some of them. */
  idsOf(lines: readonly NewLine[], own: LogFile | undefined, onFound: (file: LogFile) => void): ReadonlySet<string> {
    const known = new Set<string>()
    for (const file of own === undefined ? this.#files.values() : [own, ...this.#files.values()]) {
      const count = known.size
      const unsure: string[] = []
      for (const { id } of lines) {
        const isThere = file.ids.has(id)
        if (isThere === true) known.add(id)
        else if (isThere === undefined) unsure.push(id)
      }
      if (unsure.length > 0) for (const id of foundIn(file, unsure)) known.add(id)
      if (known.size > count) onFound(file)
    }
    return known
  }

  /** Whether these places, `more` of which are of other files, are where the lines of every file end. */
  areAt(places: ReadonlyMap<string, string>, more: number): boolean {
    let count = more
    for (const file of this.#files.values()) {
      const text = places.get(file.segment)
      if (text === undefined && file.surveyedTo === 0) continue
      const place = text === undefined ? undefined : parsePlace(text)
      if (place?.offset !== file.surveyedTo || place.inode !== file.inode) return false
      count++
    }
    return count === places.size
  }

  #lookAt(segment: string): void {
    const file = this.#files.get(segment) ?? new LogFile(this.#root, this.#key, segment)
    const stat = io.lstatSync(file.path, NO_THROW)
    if (stat === undefined) {
      this.#files.delete(segment)
      return
    }
    if (file.isSame(stat) && file.size === stat.size && file.mtimeMs === stat.mtimeMs) return
    try {
      const opened = openRegular(file.path, TO_READ)
      file.open(opened.fd, opened.stat)
      this.#files.set(segment, file)
      file.surveyRest()
    } catch (error) {
      // Removed since it was looked at.
      if (!isMissing(error)) throw error
      this.#files.delete(segment)
    } finally {
      file.close()
    }
  }
}

function foundIn(file: LogFile, ids: readonly string[]): ReadonlySet<string> {
  let fd = file.fd
  try {
    if (fd < 0) ({ fd } = openRegular(file.path, TO_READ))
    return findIds(fd, file.size, ids).found
  } catch (error) {
    if (isMissing(error)) return new Set()
    throw error
  } finally {
    if (fd >= 0 && fd !== file.fd) io.closeSync(fd)
  }
}
