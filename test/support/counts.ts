/**
 * What a store asks of the disk and of JSON, counted while it does it. Everything is passed on.
 */
import { onTestFinished } from 'vitest'
import { io, type Io } from '../../src/backends/file/io.ts'

/** Counted work. */
export interface Work {
  /** Calls of the disk, all kinds. */
  calls: number
  /** Bytes that were read through `readSync`. */
  bytesRead: number
  /** Files that were opened. */
  opened: number
  /** Calls of `JSON.parse`. */
  parsed: number
  /** Calls by their names. */
  readonly by: Map<keyof Io, number>
}

/** The work that `run` does, of the whole process: nothing else may run meanwhile. */
export async function workOf(run: () => unknown): Promise<Work> {
  const work: Work = { calls: 0, bytesRead: 0, opened: 0, parsed: 0, by: new Map() }
  const real = { ...io }
  const parse = JSON.parse
  const restore = (): void => {
    Object.assign(io, real)
    JSON.parse = parse
  }
  onTestFinished(restore)
  for (const name of Object.keys(real) as (keyof Io)[]) Object.assign(io, { [name]: counting(work, name, real[name]) })
  JSON.parse = (...args: Parameters<typeof parse>) => {
    work.parsed++
    return parse(...args) as unknown
  }
  try {
    await run()
  } finally {
    restore()
  }
  return work
}

function counting(work: Work, name: keyof Io, real: unknown): (...args: unknown[]) => unknown {
  return (...args) => {
    work.calls++
    work.by.set(name, (work.by.get(name) ?? 0) + 1)
    if (name === 'openSync') work.opened++
    const result = (real as (...args: unknown[]) => unknown)(...args)
    if (name === 'readSync') work.bytesRead += result as number
    return result
  }
}
