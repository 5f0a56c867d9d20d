/**
 * A disk that fails when it is told to: the calls of `io` are counted, and those that are chosen fail, do half or take
 * their time. The files are real.
 *
 * It also keeps what such a disk would still have after a loss of power: bytes last once a sync that began after they were
 * written has succeeded, and a sync that fails loses what it was to cover for good.
 */
import { fstatSync } from 'node:fs'
import { io, type Io } from '../../src/backends/file/io.ts'

type Call = keyof Io
type AnyCall = (...args: unknown[]) => unknown

/** What happens to a call. */
export type Fault =
  /** It is not made, and fails with this error. */
  | { readonly kind: 'refused'; readonly code: string }
  /** It is made, and fails all the same: the answer got lost. */
  | { readonly kind: 'made'; readonly code: string }
  /** A write puts half of its bytes on the disk and fails, or says so (`code` is empty). Other calls are made. */
  | { readonly kind: 'half'; readonly code: string }
  /** It takes two milliseconds. */
  | { readonly kind: 'slow' }

/** Which calls: the `n`-th (from 0) of all, or of all from there on until `heal`. */
export interface Plan {
  readonly fault: Fault
  readonly from: number
  readonly isLasting: boolean
}

const ERRNO: { readonly [code: string]: number } = { EIO: -5, EMFILE: -24, ENOSPC: -28, EROFS: -30 }
const SYNCS: ReadonlySet<Call> = new Set(['fdatasync', 'fsync'])
const SLOW_MS = 2

export class FaultyDisk {
  /** The calls made so far. */
  calls: Call[] = []
  /** How many of them were struck. */
  struck = 0
  /** Whether a sync of a file failed. */
  hasLost = false
  #plan: Plan | undefined
  readonly #real: Io = { ...io }
  /** Lines that were written and not synced yet, by inode. */
  readonly #pending = new Map<number, string[]>()
  readonly #lasting: string[] = []

  constructor(plan?: Plan) {
    this.#plan = plan
    for (const name of Object.keys(io) as Call[]) this.#replace(name)
  }

  /** From now on nothing fails. */
  heal(): void {
    this.#plan = undefined
  }

  /** Gives `io` its own calls back. */
  restore(): void {
    Object.assign(io, this.#real)
  }

  /** Whether a line with this in it would be there after a loss of power. */
  hasLasting(part: string): boolean {
    return this.#lasting.some((line) => line.includes(part))
  }

  #replace(name: Call): void {
    const real = this.#real[name] as unknown as AnyCall
    const call: AnyCall = (...args) => {
      const fault = this.#strike(name)
      if (SYNCS.has(name)) return this.#sync(name, args, fault)
      if (name === 'fdatasyncSync') return this.#syncNow(args[0] as number, fault)
      if (name === 'readFile' || name === 'copyFile') return this.#later(() => real(...args), fault)
      return this.#now(name, () => real(...args), args, fault)
    }
    Object.assign(io, { [name]: call })
  }

  #strike(name: Call): Fault | undefined {
    const index = this.calls.push(name) - 1
    const plan = this.#plan
    if (plan === undefined || (plan.isLasting ? index < plan.from : index !== plan.from)) return undefined
    this.struck++
    return plan.fault
  }

  #now(name: Call, make: () => unknown, args: unknown[], fault: Fault | undefined): unknown {
    if (fault?.kind === 'slow') for (const end = performance.now() + SLOW_MS; performance.now() < end;);
    // A descriptor that is closed is free, whatever the system says of it.
    const isRefused = fault?.kind === 'refused' && name !== 'closeSync'
    if (isRefused) throw failure(fault.code)
    if (name === 'writeSync' && typeof args[1] !== 'string') return this.#write(args as unknown as WriteArgs, fault)
    const result = make()
    if (fault?.kind === 'made' || (fault?.kind === 'refused' && !isRefused)) {
      // What was opened is not known to the caller: here it would stay open for ever.
      if (name === 'openSync') this.#real.closeSync(result as number)
      throw failure(fault.code)
    }
    return result
  }

  #write([fd, bytes, offset, length]: WriteArgs, fault: Fault | undefined): number {
    const count = fault?.kind === 'half' ? length >> 1 : length
    const written = this.#real.writeSync(fd, bytes, offset, count)
    const { ino } = fstatSync(fd)
    const lines = Buffer.from(bytes.subarray(offset, offset + count))
      .toString()
      .split('\n')
    this.#pending.set(ino, [...(this.#pending.get(ino) ?? []), ...lines])
    if (fault !== undefined && 'code' in fault && fault.code !== '') throw failure(fault.code)
    return written
  }

  #sync(name: Call, [fd, callback]: unknown[], fault: Fault | undefined): void {
    const done = callback as (error: Error | null) => void
    const { ino } = fstatSync(fd as number)
    const covered = this.#pending.get(ino) ?? []
    this.#pending.delete(ino)
    if (fault !== undefined && fault.kind !== 'slow') {
      if (name === 'fdatasync') this.hasLost = true
      setImmediate(done, failure('code' in fault && fault.code !== '' ? fault.code : 'EIO'))
      return
    }
    const real = this.#real[name] as unknown as (fd: unknown, callback: (error: Error | null) => void) => void
    real(fd, (error) => {
      this.#lasting.push(...covered)
      if (fault === undefined) done(error)
      else setTimeout(done, SLOW_MS, error)
    })
  }

  #syncNow(fd: number, fault: Fault | undefined): void {
    const { ino } = fstatSync(fd)
    const covered = this.#pending.get(ino) ?? []
    this.#pending.delete(ino)
    if (fault !== undefined && fault.kind !== 'slow') {
      this.hasLost = true
      throw failure('code' in fault && fault.code !== '' ? fault.code : 'EIO')
    }
    this.#now('fdatasyncSync', () => this.#real.fdatasyncSync(fd), [fd], fault)
    this.#lasting.push(...covered)
  }

  async #later(make: () => unknown, fault: Fault | undefined): Promise<unknown> {
    if (fault?.kind === 'refused') throw failure(fault.code)
    if (fault?.kind === 'slow') await new Promise((resolve) => setTimeout(resolve, SLOW_MS))
    const result = await make()
    if (fault?.kind === 'made') throw failure(fault.code)
    return result
  }
}

type WriteArgs = readonly [fd: number, bytes: Uint8Array, offset: number, length: number]

function failure(code: string): Error {
  return Object.assign(new Error(`${code}: injected`), { code, errno: ERRNO[code] })
}
