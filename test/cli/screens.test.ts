/**
 * Every file of fixtures/scripts/tty/ is what a terminal shows: a comment with its width, a command, and the screen, with the escape character
 * as ␛. Both streams are on it. FOLDLOG_UPDATE=1 writes the screens.
 */
import { spawn } from 'node:child_process'
import { cpSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { expect, test } from 'vitest'
import { needs } from '../support/machine.ts'
import { ended, MAIN, temp } from './run.ts'

const PROJECT = join(import.meta.dirname, '../..')
const FOLDER = join(PROJECT, 'fixtures/scripts/tty')
const FILES = readdirSync(FOLDER).filter((name) => name.endsWith('.txt'))
const CLOCK = pathToFileURL(join(PROJECT, 'test/support/other-clock.mjs')).href
// No time in the demo is a whole number of hours before it.
const NOW = '2025-11-20T12:00:45Z'
/** More than any screen here has, so that no pager comes between. */
const ROWS = 200

interface Screen {
  readonly width: number
  readonly command: string
  readonly text: string
}

function parse(text: string): { readonly head: string; readonly screens: readonly Screen[] } {
  const [head = '', ...blocks] = text.split(/^(?=# \d+ columns\n)/m)
  const screens = blocks.map((block): Screen => {
    const [, width = '', command = '', shown = ''] = /^# (\d+) columns\n\$ foldlog (.*)\n---\n([^]*)$/.exec(block)!
    return { width: Number(width), command, text: shown.trimEnd() }
  })
  return { head, screens }
}

function render(head: string, screens: readonly Screen[]): string {
  const blocks = screens.map(({ command, text, width }) => `# ${width} columns\n$ foldlog ${command}\n---\n${text}\n`)
  return head + blocks.join('\n')
}

/** What a command shows on a terminal of some width, in a copy of the root `workshop`. */
async function show({ command, width }: Screen): Promise<string> {
  const here = await temp()
  cpSync(join(PROJECT, 'fixtures/roots/workshop'), join(here, '.sessions'), { recursive: true })
  const line = `stty cols ${width} rows ${ROWS}; exec '${process.execPath}' --import '${CLOCK}' '${MAIN}' ${command}`
  const env = { PATH: process.env['PATH'], HOME: here, SHELL: '/bin/sh', TERM: 'xterm', TZ: 'UTC', LC_ALL: 'C.UTF-8' }
  const child = spawn('script', ['-qec', line, '/dev/null'], { cwd: here, env: { ...env, FOLDLOG_TEST_NOW: NOW } })
  child.stdin.end()
  const { stdout } = await ended(child)
  return stdout.replaceAll('\r\n', '\n').replaceAll('\u001B', '␛').replaceAll('\u0004', '').trimEnd()
}

for (const name of FILES) {
  test(`screens of ${name}`, async (context) => {
    needs(context, 'script')
    const file = join(FOLDER, name)
    const { head, screens } = parse(readFileSync(file, 'utf8'))
    const shown: Screen[] = []
    for (const screen of screens) shown.push({ ...screen, text: await show(screen) })
    if (process.env['FOLDLOG_UPDATE'] === '1') writeFileSync(file, render(head, shown))
    expect(render(head, shown)).toBe(readFileSync(file, 'utf8'))
  }, 60_000)
}

test('no line of a screen is wider than the terminal', () => {
  for (const name of FILES) {
    for (const { text, width } of parse(readFileSync(join(FOLDER, name), 'utf8')).screens) {
      for (const line of text.split('\n')) {
        // Commands to run next are whole, however long they are.
        if (/^ {2}(?:␛\[36m)?foldlog /.test(line)) continue
        const bare = line.replaceAll(/␛\[\d+m/g, '')
        // An emoji is of two units and two columns wide.
        const wide = bare.match(/[\u3040-\u9FFF]/g)?.length ?? 0
        expect(bare.length + wide, `${name}: ${bare}`).toBeLessThanOrEqual(width)
      }
    }
  }
})

test('ls, tree, show and stats are shown at 80 and at 200 columns', () => {
  for (const verb of ['ls', 'tree', 'show', 'stats']) {
    const { screens } = parse(readFileSync(join(FOLDER, `${verb}.txt`), 'utf8'))
    expect(new Set(screens.map(({ width }) => width))).toEqual(new Set([80, 200]))
    for (const { command, text } of screens) {
      expect(command).toMatch(new RegExp(`^${verb}\\b`))
      expect(text).toContain('␛[')
    }
  }
})
