/** Child processes: how long a whole one takes, and what one says on its standard output. */
import { spawnSync } from 'node:child_process'
import { fileURLToPath } from 'node:url'

/** What an empty process took where the limits in ms of whole processes were set. */
export const EMPTY_MS = 63

/** The path of a file of this project. @param {string} path from its root */
export function projectFile(path) {
  return fileURLToPath(new URL(`../../${path}`, import.meta.url))
}

/**
 * Runs node once and waits.
 *
 * @param {readonly string[]} args
 * @param {string} cwd where bare imports of `--eval` are looked up
 * @returns {{ ms: number, output: string }} the wall time from before it is started until it has ended
 */
export function runNode(args, cwd = projectFile('')) {
  const start = performance.now()
  const { status, stdout, stderr, error } = spawnSync(process.execPath, args, {
    cwd,
    encoding: 'utf8',
    maxBuffer: 2 ** 28,
  })
  const ms = performance.now() - start
  if (error !== undefined) throw error
  if (status !== 0) throw new Error(`node ${args.join(' ')} ended with ${status}: ${stderr}`)
  return { ms, output: stdout }
}
