/**
 * One rewrite of a log at a time, across processes, with nothing to clear by hand after a crash on the same host.
 *
 *     <namespace>/.cache/rewrite/<session>.<pid>-<started>.<host>.<ulid>.lock    somebody rewrites, or died while doing so
 *
 * Everyone makes a file of a name that nobody else has, and then looks who else has one: of two that come at once, at least one sees the
 * other and gives way. A file whose process is gone is in nobody's way. No file ever changes its owner, so that two who
 * both find a dead one cannot both take its place. `started` tells a process from a later one with its number (owner.ts).
 */
import { createHash } from 'node:crypto'
import { hostname } from 'node:os'
import { FoldlogError } from '../../errors.ts'
import { timeOf } from '../../event-id.ts'
import { newId } from '../../id.ts'
import { isMissing } from './failure.ts'
import { makeDirectory, makeIgnored } from './folders.ts'
import { io } from './io.ts'
import type { LogFile } from './log-file.ts'
import { SELF, startOf } from './owner.ts'

const SUFFIX = '.lock'
const PAUSE_MS = 25
/** A process of another host cannot be asked, and may be gone for good: whoever waits for it is told after so long. */
const PATIENCE_MS = 5000
const HOST = createHash('sha256').update(hostname()).digest('hex').slice(0, 8)
/** Locks of this very process are told from those of an earlier one with its number by their time. */
const STARTED_MS = Date.now() - performance.now()

/** The directory of locks and of files that are being made. */
export function rewriteDirectory(directory: string): string {
  return `${directory}/.cache/rewrite`
}

/** The right to rewrite a log. */
export class RewriteLock {
  readonly #path: string

  private constructor(path: string) {
    this.#path = path
  }

  /** Takes the lock of a log, and clears what dead processes left of theirs. Throws `SESSION_BUSY`. */
  static take(log: LogFile): RewriteLock {
    const directory = rewriteDirectory(log.directory)
    makeIgnored(`${log.directory}/.cache`)
    makeDirectory(directory)
    const name = `${log.session}.${process.pid}-${SELF.started}.${HOST}.${newId()}${SUFFIX}`
    const lock = new RewriteLock(`${directory}/${name}`)
    io.closeSync(io.openSync(lock.#path, 'wx', 0o600))
    for (const other of locksOf(log)) {
      if (other === name) continue
      if (isAlive(other)) {
        lock.release()
        throw busy(log, `${directory}/${other}`)
      }
      unlink(`${directory}/${other}`)
    }
    return lock
  }

  release(): void {
    unlink(this.#path)
  }
}

/** Resolves when nobody rewrites a log: whether somebody did. Rejects with `SESSION_BUSY` if that is a host that cannot be asked, and it goes on. */
export async function whenNotRewritten(log: LogFile): Promise<boolean> {
  const deadline = performance.now() + PATIENCE_MS
  for (let wasRewritten = false; ; wasRewritten = true) {
    const alive = locksOf(log).filter(isAlive)
    if (alive.length === 0) return wasRewritten
    const foreign = alive.find((name) => ownerOf(name).host !== HOST)
    if (foreign !== undefined && performance.now() > deadline) {
      throw busy(log, `${rewriteDirectory(log.directory)}/${foreign}`)
    }
    await new Promise((resolve) => setTimeout(resolve, PAUSE_MS))
  }
}

/** Removes what killed rewrites of a log were making. */
export function clearLeftovers(log: LogFile): void {
  for (const name of madeFor(log)) {
    if (!name.endsWith(SUFFIX) || !isAlive(name)) unlink(`${rewriteDirectory(log.directory)}/${name}`)
  }
}

/** The locks of a log, dead ones too. */
function locksOf(log: LogFile): string[] {
  return madeFor(log).filter((name) => name.endsWith(SUFFIX))
}

/** Whether the process that made a lock still runs, as far as can be told: that of another host is said to. */
export function isAlive(name: string): boolean {
  const { pid, started, host, ulid } = ownerOf(name)
  if (host !== HOST) return true
  if (pid === process.pid) return timeOf(ulid) >= STARTED_MS - 1000
  try {
    process.kill(pid, 0)
  } catch (error) {
    // It may be somebody else's, which is alive too.
    if ((error as NodeJS.ErrnoException).code === 'ESRCH') return false
  }
  const found = startOf(pid)
  return started === '' || found === '' || found === started
}

function ownerOf(name: string): { readonly [name in 'started' | 'host' | 'ulid']: string } & { readonly pid: number } {
  const [, owner = '', host = '', ulid = ''] = name.split('.')
  const [pid, started = ''] = owner.split('-')
  return { pid: Number(pid), started, host, ulid }
}

/** The names of what was made for the rewrites of a log. */
export function madeFor(log: LogFile): string[] {
  try {
    return io.readdirSync(rewriteDirectory(log.directory)).filter((name) => name.startsWith(`${log.session}.`))
  } catch (error) {
    if (isMissing(error)) return []
    throw error
  }
}

/** Removes a file that may be gone already. */
export function unlink(path: string): void {
  try {
    io.unlinkSync(path)
  } catch (error) {
    if (!isMissing(error)) throw error
  }
}

function busy(log: LogFile, path: string): FoldlogError {
  return new FoldlogError(
    'SESSION_BUSY',
    `session ${log.key.sessionId} is being rewritten: wait and repeat; if nobody does so on any host, remove ${path}`,
    { ...log.key, path },
  )
}
