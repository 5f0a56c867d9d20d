/**
 * Whoever reads what is printed. One that closes the pipe is told by the next write; who has nothing to write has to ask.
 */
import { spawn } from 'node:child_process'
import { fstatSync } from 'node:fs'
import { EXIT } from './call.ts'

const STDOUT = 1

/**
 * From now on the process ends in silence when its reader is gone, also while there is nothing to print.
 *
 * Node cannot ask that of a pipe. `tail` of GNU can: following nothing, with the same stdout, it dies of SIGPIPE when nobody reads
 * that any more. Where there is none, or another one, the next write tells.
 */
export function endWithReader(): void {
  if (!fstatSync(STDOUT).isFIFO()) return
  // It ends with this process, however that ends: nobody may wait for the end of the pipe because of it.
  const watcher = spawn('tail', ['-f', `--pid=${process.pid}`, '/dev/null'], { stdio: ['ignore', 'inherit', 'ignore'] })
  watcher.unref()
  process.once('exit', () => watcher.kill())
  watcher.on('error', () => {
    // It is not there: the next write tells.
  })
  watcher.on('exit', (_, signal) => {
    // oxlint-disable-next-line unicorn/no-process-exit -- nobody is left to print for
    if (signal === 'SIGPIPE') process.exit(EXIT.ok)
  })
}
