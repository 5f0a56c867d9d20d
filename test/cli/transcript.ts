/**
 * Transcripts: files of commands and the screens they are expected to give (fixtures/scripts/README.md).
 */
import { execFile } from 'node:child_process'
import { chmodSync, cpSync, mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { timeOf } from '../../src/event-id.ts'
import { ENVIRONMENT } from '../support/git.ts'
import { MAIN } from './run.ts'

const PROJECT = join(import.meta.dirname, '../..')
const MARK = '---'

export interface Transcript {
  /** What comes before the first command. */
  readonly head: string
  /** The root to begin with. */
  readonly root?: string
  readonly needs: readonly string[]
  readonly steps: readonly Step[]
}

interface Step {
  /** Lines that begin with #, before the command. */
  readonly comment: string
  readonly command: string
  readonly screen: string
}

export function parse(text: string): Transcript {
  const lines = text.split('\n')
  const starts = lines.flatMap((line, index) => (line.startsWith('$ ') ? [commentBefore(lines, index)] : []))
  const head = lines.slice(0, starts[0]).join('\n')
  const words = (name: string): string[] =>
    [...head.matchAll(new RegExp(`^${name} (\\S+)$`, 'gm'))].map(([, word = '']) => word)
  const [root] = words('use')
  const steps = starts.map((start, index) => stepOf(lines.slice(start, starts[index + 1])))
  return { head, ...(root === undefined ? {} : { root }), needs: words('needs'), steps }
}

/** The line at which the comment of a command begins, or else the command. */
function commentBefore(lines: readonly string[], command: number): number {
  let start = command
  while (lines[start - 1]?.startsWith('# ') === true) start--
  return start
}

function stepOf(lines: readonly string[]): Step {
  const command = lines.findIndex((line) => line.startsWith('$ '))
  const screen = lines.slice(command + (lines[command + 1] === MARK ? 2 : 1))
  while (screen.at(-1) === '') screen.pop()
  const text = (some: readonly string[]): string => some.map((line) => `${line}\n`).join('')
  return { comment: text(lines.slice(0, command)), command: lines[command]!.slice(2), screen: text(screen) }
}

/** The text of a transcript, with a blank line after each screen. */
export function render({ head, steps }: Transcript): string {
  const blocks = steps.map(({ command, comment, screen }) => `${comment}$ ${command}\n${MARK}\n${screen}`)
  return `${head.trimEnd()}\n\n${blocks.join('\n')}`
}

/** The same transcript with the screens that its commands give now, in a directory that is empty. */
export async function play(transcript: Transcript, directory: string): Promise<Transcript> {
  const [here, bin] = [join(directory, 'here'), join(directory, 'bin')]
  mkdirSync(here)
  mkdirSync(bin)
  program(bin, 'foldlog', `exec '${process.execPath}' '${MAIN}' "$@"`)
  const remount = 'mount --bind .sessions .sessions && mount -o remount,ro,bind .sessions && exec "$@"'
  program(bin, 'read-only', `exec unshare -m sh -c '${remount}' - "$@"`)
  if (transcript.root !== undefined) {
    cpSync(join(PROJECT, 'fixtures/roots', transcript.root), join(here, '.sessions'), { recursive: true })
  }
  const env = {
    ...ENVIRONMENT,
    PATH: `${bin}:${process.env['PATH']}`,
    HOME: here,
    TZ: 'UTC',
    LC_ALL: 'C.UTF-8',
    FIXTURES: join(PROJECT, 'fixtures'),
  }
  const since = Date.now()
  const steps: Step[] = []
  for (const step of transcript.steps) {
    const { code, stderr, stdout } = await bash(step.command, here, env)
    const said = stderr.replaceAll(/^(?=.)/gm, '! ')
    const screen = [stdout, said].map((text) => (text === '' || text.endsWith('\n') ? text : `${text}\n`)).join('')
    steps.push({ ...step, screen: settled(screen, since, here) + (code === 0 ? '' : `exit ${code}\n`) })
  }
  return { ...transcript, steps }
}

function program(bin: string, name: string, line: string): void {
  writeFileSync(join(bin, name), `#!/bin/sh\n${line}\n`)
  chmodSync(join(bin, name), 0o755)
}

interface Ended {
  readonly code: number
  readonly stdout: string
  readonly stderr: string
}

function bash(command: string, cwd: string, env: NodeJS.ProcessEnv): Promise<Ended> {
  return new Promise((resolve) => {
    const child = execFile('bash', ['-o', 'pipefail', '-c', command], { cwd, env }, (_, stdout, stderr) => {
      resolve({ code: child.exitCode ?? -1, stdout, stderr })
    })
    child.stdin?.end()
  })
}

/** A screen without what is another one every time. */
function settled(screen: string, since: number, here: string): string {
  return screen
    .replaceAll(here, '<here>')
    .replaceAll(/"cursor":"[^"]*"/g, '"cursor":"<cursor>"')
    .replaceAll(/\b[0-7][0-9A-HJKMNP-TV-Z]{25}\b/g, (id) => (timeOf(id) < since ? id : '<id>'))
    .replaceAll(/\b20\d\d-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d+)?Z/g, (time) =>
      Date.parse(time) + 1000 < since ? time : '<time>',
    )
    .replaceAll(/"(updated|created|archived)":(1\d{12})\b/g, (text, name, ms) =>
      Number(ms) < since ? text : `"${name}":"<time>"`,
    )
}
