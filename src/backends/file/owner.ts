/**
 * Which process is the owner of a file, as its first line says, and whether that process is still there.
 *
 *     {"host":"3f9a04c1","pid":4711,"started":"8812345",…}
 *
 * `host` stands for the machine, its boot and its space of process ids, as far as the system tells; `started` for when the process began, which
 * tells it from a later one with the same number. Only Linux tells; elsewhere `started` is empty.
 */
import { createHash } from 'node:crypto'
import { readFileSync, readlinkSync } from 'node:fs'
import { hostname } from 'node:os'
import { codeOf } from './failure.ts'

interface Owner {
  readonly host: string
  readonly pid: number
  readonly started: string
}

/** How long an owner that cannot be looked at is believed to be there after the last sign of it. A live one gives one every {@link SIGN_MS}. */
const LEASE_MS = 30_000
export const SIGN_MS = 10_000

const BOOT = '/proc/sys/kernel/random/boot_id'
const PID_SPACE = '/proc/self/ns/pid'

const HOST = createHash('sha256')
  .update(
    `${hostname()}\n${tellOr('', () => readFileSync(BOOT, 'utf8'))}\n${tellOr('', () => readlinkSync(PID_SPACE))}`,
  )
  .digest('hex')
  .slice(0, 8)

/** This process. */
export const SELF: Owner = Object.freeze({ host: HOST, pid: process.pid, started: startOf(process.pid) })

/** Whether an owner may still be there. `signMs`: when it last gave a sign, in ms since the epoch; undefined: the line that names it is damaged. */
export function mayLive(owner: Owner | undefined, signMs: number): boolean {
  const isRecent = Date.now() - signMs < LEASE_MS
  if (owner === undefined || owner.host !== HOST) return isRecent
  if (!isProcess(owner.pid)) return false
  const started = startOf(owner.pid)
  // Where the system does not tell, the number may be another process's by now.
  return started === '' || owner.started === '' ? isRecent : started === owner.started
}

/** The owner that a first line names. */
export function parseOwner(line: string): Owner | undefined {
  try {
    const { host, pid, started } = JSON.parse(line) as { readonly [name: string]: unknown }
    if (typeof host !== 'string' || !Number.isInteger(pid) || typeof started !== 'string') return undefined
    return { host, pid: pid as number, started }
  } catch {
    // It was cut off by a loss of power, or is none of ours.
    return undefined
  }
}

function isProcess(pid: number): boolean {
  if (pid <= 0) return false
  try {
    process.kill(pid, 0)
    return true
  } catch (error) {
    // It may be somebody else's, which is there too.
    return codeOf(error) !== 'ESRCH'
  }
}

/** When a process began, in clock ticks since the boot; empty where the system does not tell. */
export function startOf(pid: number): string {
  return tellOr('', () => {
    const stat = readFileSync(`/proc/${pid}/stat`, 'latin1')
    // The name of the program, in parentheses, may hold anything; the 20th field behind it is the time.
    return stat.slice(stat.lastIndexOf(')') + 2).split(' ')[19] ?? ''
  })
}

function tellOr(otherwise: string, tell: () => string): string {
  try {
    return tell()
  } catch {
    // This system has no such file, or hides it.
    return otherwise
  }
}
