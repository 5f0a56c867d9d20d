/**
 * The pager of a terminal: `$FOLDLOG_PAGER`, else `$PAGER`, else `less`, if it is there.
 *
 * One that is empty or `cat` is none. It runs in a shell, as people write arguments into these variables.
 */
import { spawn } from 'node:child_process'
import { accessSync, constants } from 'node:fs'
import { delimiter, join } from 'node:path'
import type { Writable } from 'node:stream'

/** Quit where all fits on the screen, keep colours, leave the screen as it is. */
const LESS = '-FRX'

export interface Pager {
  readonly stdin: Writable
  /** Resolves when nothing more follows and its user has left it. */
  readonly closed: () => Promise<void>
}

/** Starts the pager; undefined if there is none. The process ends when its user leaves it before everything was read. */
export function openPager(env: NodeJS.ProcessEnv): Pager | undefined {
  const command = commandOf(env)
  if (command === undefined) return undefined
  const child = spawn(command, {
    shell: true,
    stdio: ['pipe', 'inherit', 'inherit'],
    // What people have chosen for less counts.
    env: { LESS, ...env },
  })
  const ended = new Promise<void>((resolve) => {
    child.on('error', () => resolve())
    child.on('close', () => resolve())
  })
  // The keys are the pager's: it decides what an interrupt is.
  process.on('SIGINT', ignoreInterrupt)
  child.stdin.on('error', () => {
    // oxlint-disable-next-line unicorn/no-process-exit -- whoever left the pager has seen enough; nobody is left to print for
    void ended.then(() => process.exit(0))
  })
  const closed = async (): Promise<void> => {
    child.stdin.end()
    await ended
    process.off('SIGINT', ignoreInterrupt)
  }
  return { stdin: child.stdin, closed }
}

function ignoreInterrupt(): void {}

function commandOf(env: NodeJS.ProcessEnv): string | undefined {
  const command = (env['FOLDLOG_PAGER'] ?? env['PAGER'] ?? 'less').trim()
  if (command === '' || command === 'cat') return undefined
  const [program = ''] = command.split(/\s+/)
  // More than a plain name is for the shell to understand.
  return /^[\w.+-]+$/.test(program) && !isInstalled(program, env) ? undefined : command
}

function isInstalled(program: string, env: NodeJS.ProcessEnv): boolean {
  return (env['PATH'] ?? '').split(delimiter).some((folder) => {
    try {
      accessSync(join(folder, program), constants.X_OK)
      return true
    } catch {
      // Not there, or not for us: as good as not installed.
      return false
    }
  })
}
