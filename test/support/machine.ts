/**
 * What this machine can do that some tests need: mount, trace system calls, be root.
 *
 * A test that needs one asks here and skips itself where it is missing. Why is printed; and where `FOLDLOG_SKIPS` names a
 * file it is written there, so that .ci/run can tell a machine that cannot from a test that did not want to.
 */
import { execFileSync } from 'node:child_process'
import { appendFileSync, mkdtempSync, rmdirSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { TestContext } from 'vitest'
import { CHROMIUM } from './chromium.ts'

export type Need =
  | 'root'
  | 'mount'
  | 'loop'
  | 'strace'
  | 'git'
  | 'script'
  | 'tmux'
  | 'unshare'
  | 'bash'
  | 'zsh'
  | 'fish'
  | 'chromium'

const PROBES: { readonly [need in Need]: () => void } = {
  root: () => {
    if (process.getuid?.() !== 0) throw new Error('not root')
  },
  mount: () => {
    const folder = mkdtempSync(join(tmpdir(), 'foldlog-probe-'))
    try {
      run('mount', '-t', 'tmpfs', '-o', 'size=64k', 'tmpfs', folder)
      run('umount', folder)
    } finally {
      rmdirSync(folder)
    }
  },
  loop: () => {
    run('mkfs.ext4', '-V')
    run('losetup', '--find')
  },
  strace: () => run('strace', '-f', '-qq', '-o', '/dev/null', 'true'),
  git: () => run('git', '--version'),
  script: () => run('script', '--version'),
  tmux: () => run('tmux', '-V'),
  unshare: () => run('unshare', '-m', 'true'),
  bash: () => run('bash', '--version'),
  zsh: () => run('zsh', '--version'),
  fish: () => run('fish', '--version'),
  chromium: () => run(CHROMIUM, '--headless', '--no-sandbox', '--version'),
}

const answers = new Map<Need, string | undefined>()

/** Why this machine cannot; undefined if it can. */
export function lacks(need: Need): string | undefined {
  if (!answers.has(need)) {
    try {
      PROBES[need]()
      answers.set(need, undefined)
    } catch (error) {
      answers.set(need, (error instanceof Error ? error.message : String(error)).split('\n')[0])
    }
  }
  return answers.get(need)
}

/** Skips the test, and says why, where one of the needs is missing. */
export function needs(context: TestContext, ...all: readonly Need[]): void {
  for (const need of all) {
    const reason = lacks(need)
    if (reason === undefined) continue
    const { name } = context.task
    console.warn(`skipped for want of ${need} (${reason}): ${name}`)
    const file = process.env['FOLDLOG_SKIPS']
    if (file !== undefined) appendFileSync(file, `${JSON.stringify({ name, need, reason })}\n`)
    context.skip(`needs ${need}: ${reason}`)
  }
}

/** Runs a command and returns what it says; throws with what it says of failing. */
export function run(command: string, ...args: readonly string[]): string {
  return execFileSync(command, args, { encoding: 'utf8', stdio: ['ignore', 'pipe', 'pipe'] })
}
