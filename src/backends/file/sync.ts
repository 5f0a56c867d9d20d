/**
 * When lines are made to last: `fdatasync` by policy, one for all that wait for it.
 *
 *  - `always`    an append resolves when its lines are on the disk; appends to one log share a sync, and a lone caller's
 *                is made on the spot while the disk is quick (lone.ts)
 *  - `everysec`  files written to are synced once a second, and when the backend is closed; an append that finds the sync
 *                overdue waits for it: it gives a busy event loop its turn, and a slow disk its time
 *  - `never`     that is left to the system, until a flush is asked for
 *
 * After a failed sync nobody knows what is on the disk, and asking again would answer yes. So the descriptor is given
 * up, and the lines not yet synced, which are kept until they are, are written again with the same ids. With `never`
 * none are kept: there a flush that failed fails from then on.
 */
import { io } from './io.ts'
import type { LogFile } from './log-file.ts'
import { closeQuietly, openRegular, TO_APPEND } from './regular.ts'
import { LoneCaller } from './lone.ts'
import type { NewLine } from '../../backend.ts'
import { isMissing } from './failure.ts'
import { syncDirectory } from './folders.ts'

export type FsyncPolicy = 'always' | 'everysec' | 'never'

const INTERVAL_MS = 1000
/** How late a sync may be before appends wait for it. */
const OVERDUE_MS = 100
/** Node does four such calls at a time; more would only hold descriptors. */
const AT_ONCE = 16

/** Syncs what one backend writes. */
export class Syncer {
  readonly policy: FsyncPolicy
  readonly #dirty = new Set<LogFile>()
  readonly #directories = new Set<string>()
  readonly #rewrite: (log: LogFile) => void
  /** Files written to since the last flush, where lines are not kept. */
  readonly #paths = new Set<string>()
  /** Why that is not known of some of them any more. */
  #loss: { readonly error: unknown } | undefined
  #directorySync: Promise<void> = Promise.resolve()
  /** How many of them run. */
  #directorySyncs = 0
  #timer: NodeJS.Timeout | undefined
  /** When the timer should fire; meaningless without one. */
  #dueMs = 0
  #catchingUp: Promise<void> | undefined
  readonly #lone = new LoneCaller()
  /** Whether a sync was made on the spot, and nobody could go on since. */
  #hasJustSynced = false

  /** `rewrite` opens a log again and writes its unsynced lines; it throws if it cannot. */
  constructor(policy: FsyncPolicy, rewrite: (log: LogFile) => void) {
    this.policy = policy
    this.#rewrite = rewrite
  }

  /** Whether what was written should have been synced by now. */
  get isOverdue(): boolean {
    return this.#timer !== undefined && performance.now() > this.#dueMs + OVERDUE_MS
  }

  /** Resolves when a sync that was overdue has ended, however it did: a failed one is made up for by itself. */
  catchUp(): Promise<void> {
    this.#catchingUp ??= this.#syncAll()
      .catch(() => {
        // As with the timer's: the lines are kept.
      })
      .finally(() => (this.#catchingUp = undefined))
    return this.#catchingUp
  }

  /** Takes notice of lines that were written. */
  wrote(log: LogFile, lines: readonly NewLine[]): void {
    if (this.policy === 'never') {
      this.#paths.add(log.path)
      return
    }
    log.unsynced.push(lines)
    // Each time: what is written while a sync runs is not covered by it.
    this.#arm()
    if (log.isDirty) return
    log.isDirty = true
    this.#dirty.add(log)
  }

  /** Takes notice of a change to a directory's entries, or of a small file that was written. */
  changed(path: string): void {
    this.#directories.add(path)
    this.#arm()
  }

  /** Resolves when everything written to the log so far is on the disk, its directory entry too. */
  async flush(log: LogFile): Promise<void> {
    if (this.policy === 'never') return
    await this.#syncDirectories()
    await this.#syncLog(log)
  }

  /** Does what `flush` does on the spot, if that is called for (lone.ts). False: it is not. Throws as `flush` rejects. */
  flushNow(log: LogFile): boolean {
    // Whoever comes before the caller of the last one could go on is another caller.
    if (this.#hasJustSynced) this.#lone.reset()
    const covered = log.unsynced
    const isAlone = covered.length === 1 && log.syncing === undefined && this.#lone.has(log)
    if (!isAlone || log.fd < 0 || log.mustRewrite || this.#directories.size > 0 || this.#directorySyncs > 0)
      return false
    log.unsynced = []
    const start = performance.now()
    try {
      io.fdatasyncSync(log.fd)
      this.#lone.note(log, 1, performance.now() - start)
      this.#hasJustSynced = true
      queueMicrotask(() => (this.#hasJustSynced = false))
    } catch (error) {
      this.#lone.reset()
      this.#poison(log, covered)
      throw error
    } finally {
      this.#settle(log)
    }
    return true
  }

  /** Resolves when everything written so far is on the disk. Rejects with the first failure after trying all twice. */
  async flushAll(): Promise<void> {
    // Once more after a failure: what was not synced is written again first.
    await this.#syncAll().catch(() => this.#syncAll())
  }

  /** Ends what goes on by itself. */
  stop(): void {
    clearTimeout(this.#timer)
    this.#timer = undefined
  }

  async #syncAll(): Promise<void> {
    this.stop()
    const dirty = [...this.#dirty]
    const results = await Promise.allSettled([this.#syncDirectories()])
    for (let at = 0; at < dirty.length; at += AT_ONCE) {
      results.push(...(await Promise.allSettled(dirty.slice(at, at + AT_ONCE).map((log) => this.#syncAgain(log)))))
    }
    if (this.policy === 'never') results.push(...(await Promise.allSettled([this.#syncPaths()])))
    const failed = results.find((result) => result.status === 'rejected')
    if (failed === undefined) return
    // The lines are kept, and the next append or the next second writes them again.
    this.#arm()
    throw failed.reason
  }

  async #syncPaths(): Promise<void> {
    for (const path of this.#paths) {
      const opened = this.#loss === undefined ? openThere(path) : undefined
      try {
        if (opened !== undefined) await dataSync(opened.fd)
      } catch (error) {
        this.#loss = { error }
      } finally {
        if (opened !== undefined) closeQuietly(opened.fd)
      }
      if (this.#loss !== undefined) throw this.#loss.error
      this.#paths.delete(path)
    }
  }

  async #syncAgain(log: LogFile): Promise<void> {
    try {
      if (log.mustRewrite) this.#rewrite(log)
    } catch (error) {
      if (!isMissing(error)) throw error
      // It was removed meanwhile: there is nothing to make last.
      this.forget(log)
    }
    await this.#syncLog(log)
  }

  /** Resolves when a change to a directory's entries lasts as the policy wants it. */
  async rearranged(directory: string): Promise<void> {
    this.changed(directory)
    if (this.policy === 'always') await this.#syncDirectories()
  }

  /** Forgets a log that is not there any more. */
  forget(log: LogFile): void {
    log.unsynced = []
    log.mustRewrite = false
    log.isDirty = false
    this.#dirty.delete(log)
  }

  // Whoever comes while a sync runs is not covered by it, and shares the next one with all that come until then.
  #syncLog(log: LogFile): Promise<void> {
    if (log.nextSync !== undefined) return log.nextSync
    if (log.syncing === undefined) return (log.syncing = this.#run(log))
    const next = log.syncing
      .catch(() => {
        // Those who waited for that one are told; this one tries for itself.
      })
      .then(() => {
        log.nextSync = undefined
        return (log.syncing = this.#run(log))
      })
    return (log.nextSync = next)
  }

  async #run(log: LogFile): Promise<void> {
    // One turn later, so that all appends of this turn are covered.
    await Promise.resolve()
    const covered = log.unsynced
    if (covered.length === 0) {
      this.#settle(log)
      return
    }
    // The next append writes them again; a sync alone would say that all is well.
    if (log.mustRewrite) {
      log.syncing = undefined
      throw new Error('an earlier sync of the same lines failed')
    }
    log.unsynced = []
    const { fd, ino } = log
    const start = performance.now()
    try {
      await (fd < 0 ? syncPath(log) : dataSync(fd))
      if (this.policy === 'always')
        this.#lone.note(log, covered.length + log.unsynced.length, performance.now() - start)
    } catch (error) {
      this.#lone.reset()
      // The file was replaced or removed meanwhile: the old one's data does not matter.
      if (log.ino === ino) this.#poison(log, covered)
      throw error
    } finally {
      this.#settle(log)
    }
  }

  #settle(log: LogFile): void {
    log.syncing = undefined
    if (log.unsynced.length > 0) return
    log.isDirty = false
    this.#dirty.delete(log)
  }

  #poison(log: LogFile, covered: readonly (readonly NewLine[])[]): void {
    log.unsynced = [...covered, ...log.unsynced]
    log.mustRewrite = true
    log.syncing = undefined
    log.close()
  }

  async #syncDirectories(): Promise<void> {
    // Whoever finds nothing to do waits for what is being done, and does it himself if that failed.
    for (let current; current !== this.#directorySync;) {
      if (this.#directories.size > 0) return this.#startDirectories()
      current = this.#directorySync
      await current
    }
    if (this.#directories.size > 0) await this.#startDirectories()
  }

  #startDirectories(): Promise<void> {
    const directories = [...this.#directories]
    this.#directories.clear()
    this.#directorySyncs++
    const work = Promise.all(directories.map(syncDirectory)).then(
      () => void this.#directorySyncs--,
      (error: unknown) => {
        this.#directorySyncs--
        for (const directory of directories) this.#directories.add(directory)
        throw error
      },
    )
    this.#directorySync = work.catch(() => {
      // Those who waited look for themselves.
    })
    return work
  }

  #arm(): void {
    if (this.policy !== 'everysec' || this.#timer !== undefined) return
    this.#dueMs = performance.now() + INTERVAL_MS
    this.#timer = setTimeout(() => {
      this.#syncAll().catch(() => {
        // Nobody waits for this sync, and it has seen to what comes next.
      })
    }, INTERVAL_MS)
    this.#timer.unref()
  }
}

function dataSync(fd: number): Promise<void> {
  return new Promise((resolve, reject) => {
    io.fdatasync(fd, (error) => (error ? reject(error) : resolve()))
  })
}

/** Syncs a log whose descriptor was closed: what is synced is the file, through whichever descriptor. */
async function syncPath(log: LogFile): Promise<void> {
  const opened = openThere(log.path)
  if (opened === undefined) return
  try {
    if (log.isSame(opened.stat)) await dataSync(opened.fd)
  } finally {
    closeQuietly(opened.fd)
  }
}

/** Undefined if it is gone, and with it what there was to make last. */
function openThere(path: string): ReturnType<typeof openRegular> | undefined {
  try {
    return openRegular(path, TO_APPEND)
  } catch (error) {
    if (isMissing(error)) return undefined
    throw error
  }
}
