/** `foldlog` alone on a terminal. The screens are those of tmux, where it is there. */
import { execFileSync, spawn } from 'node:child_process'
import { cpSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, onTestFinished, test, type TestContext } from 'vitest'
import { after, choiceOf, chosen } from '../../src/cli/choice.ts'
import { keysOf } from '../../src/cli/keys.ts'
import { Output } from '../../src/cli/output.ts'
import { previewOf, previewWidth, screenOf } from '../../src/cli/picker-screen.ts'
import { widthOf } from '../../src/cli/text.ts'
import type { Message, SessionInfo } from '../../src/index.ts'
import { needs } from '../support/machine.ts'
import { ended, MAIN, run, temp } from './run.ts'

const SHOP = join(import.meta.dirname, '../../fixtures/roots/shop')

/** A folder in which `.sessions` is a copy of the shop. */
async function shop(): Promise<string> {
  const cwd = await temp()
  cpSync(SHOP, join(cwd, '.sessions'), { recursive: true })
  return cwd
}

describe('keys', () => {
  test('text, controls and sequences are told apart', () => {
    expect(keysOf('aü😀\u007F\u001B[A\u001BOB\u001B[5~\r')).toEqual({
      keys: [
        { kind: 'text', text: 'aü😀' },
        { kind: 'erase' },
        { kind: 'up' },
        { kind: 'down' },
        { kind: 'page-up' },
        { kind: 'enter' },
      ],
      rest: '',
    })
  })

  test('a sequence that is not there yet is waited for, and one that means nothing is passed over', () => {
    expect(keysOf('x\u001B')).toEqual({ keys: [{ kind: 'text', text: 'x' }], rest: '\u001B' })
    expect(keysOf('\u001B[1;5')).toEqual({ keys: [], rest: '\u001B[1;5' })
    expect(keysOf('\u001B[1;5C\u001Bx\u0001y')).toEqual({ keys: [{ kind: 'text', text: 'y' }], rest: '' })
  })
})

test('every word that is typed has to be in the title, the first words, the id or the namespace', () => {
  const info = (id: string, title: string, preview: string) =>
    ({ id, title, preview, namespace: 'shop' }) as SessionInfo
  const all = [info('a1', 'Refund of March', ''), info('b2', 'Lemon tree', 'refund?'), info('c3', 'March', '')]
  const typed = (text: string) => after(choiceOf(all), { kind: 'text', text }, 10).fitting.map(({ id }) => id)
  expect(typed('refund')).toEqual(['a1', 'b2'])
  expect(typed('march REF')).toEqual(['a1'])
  expect(typed('c3')).toEqual(['c3'])
  expect(typed('nothing')).toEqual([])
  const last = after(choiceOf(all), { kind: 'last' }, 10)
  expect(chosen(last)?.id).toBe('c3')
  expect(chosen(after(last, { kind: 'down' }, 10))?.id).toBe('c3')
  expect(chosen(after(after(choiceOf(all), { kind: 'text', text: 'xyz' }, 10), { kind: 'down' }, 10))).toBeUndefined()
})

test('no line is wider than the screen, and nothing that is shown acts on the terminal', () => {
  const hostile = '\u001B[2J\u009B31m\u202E 日本語のとても長い題名 😀😀😀 \u0007 end'.repeat(4)
  const info = {
    id: 'a',
    title: hostile,
    preview: '',
    namespace: 'shop',
    messageCount: 3,
    time: { updated: 0 },
  } as SessionInfo
  const parts = [{ id: 'p', type: 'text', text: `${hostile}\n${hostile}` }]
  const message = { id: 'm', role: 'user', author: hostile, parts } as unknown as Message
  const out = new Output()
  for (const columns of [20, 41, 80, 110, 131, 200]) {
    for (const rows of [1, 5, 24]) {
      const size = { columns, rows }
      const typed = after(choiceOf([info, info]), { kind: 'text', text: '題名' }, 1)
      const lines = screenOf(typed, previewOf([message], previewWidth(size), out), size, out)
      expect(lines.length).toBeLessThanOrEqual(rows)
      for (const line of lines) expect(widthOf(line)).toBeLessThanOrEqual(columns)
      // oxlint-disable-next-line no-control-regex -- looking for them is the point
      expect(lines.join('')).not.toMatch(/[\u0000-\u001F\u007F-\u009F\u202A-\u202E]/)
    }
  }
})

/** A terminal of tmux with a shell in it. */
class Tmux {
  readonly #socket: string

  constructor(context: TestContext, cwd: string, columns: number, rows: number) {
    needs(context, 'tmux', 'bash')
    this.#socket = join(cwd, 'tmux')
    const shell = `env PS1='$ ' TERM=screen-256color bash --norc --noprofile`
    this.#run('new-session', '-d', '-x', String(columns), '-y', String(rows), '-c', cwd, shell)
    onTestFinished(() => void this.#run('kill-server'))
  }

  type(...keys: readonly string[]): void {
    this.#run('send-keys', ...keys)
  }

  resize(columns: number, rows: number): void {
    this.#run('resize-window', '-x', String(columns), '-y', String(rows))
  }

  screen(): string {
    return this.#run('capture-pane', '-p').trimEnd()
  }

  /** The screen, once it is as it is said; fails with what it is instead. */
  async until(expected: RegExp): Promise<string> {
    const deadline = Date.now() + 30_000
    for (;;) {
      const screen = this.screen()
      if (expected.test(screen)) return screen
      if (Date.now() > deadline) expect(screen).toMatch(expected)
      await new Promise((resolve) => setImmediate(resolve))
    }
  }

  #run(...args: readonly string[]): string {
    return execFileSync('tmux', ['-S', this.#socket, '-f', '/dev/null', ...args], { encoding: 'utf8' })
  }
}

const START = `'${process.execPath}' '${MAIN}'`

test('at 80x24: typing searches, the end of the conversation is below, Enter shows it', async (context) => {
  const tmux = new Tmux(context, await shop(), 80, 24)
  tmux.type(`clear; ${START}`, 'Enter')
  const first = await tmux.until(/Yes, on Monday/)
  const lines = first.split('\n')
  expect(lines[0]).toMatch(/^> +4 of 4$/)
  expect(lines[1]).toMatch(/^❯ .* Ask the bank$/)
  expect(lines).toHaveLength(24)
  expect(lines.at(-1)).toBe('↑↓ choose · Enter show · Esc leave')
  tmux.type('gone')
  await tmux.until(/0 of 4\n {2}nothing fits/)
  tmux.type('C-u', 'invo')
  await tmux.until(/^> invo +1 of 4\n❯ .* Invoice of February/)
  tmux.type('C-u', 'Down')
  expect(await tmux.until(/garden hose/)).toMatch(/\n❯ .* Refund #4411\n/)
  tmux.type('Enter')
  expect(await tmux.until(/alternative not shown/)).toMatch(/2 {2}assistant {2}Let me look that up\./)
})

test('what is chosen goes through the pager where it is higher than the screen', async (context) => {
  const tmux = new Tmux(context, await shop(), 80, 10)
  tmux.type(`clear; FOLDLOG_PAGER='sed s/^/paged:/' ${START} && echo ended`, 'Enter')
  await tmux.until(/^❯ .* Ask the bank$/m)
  tmux.type('Down', 'Enter')
  expect(await tmux.until(/^ended$/m)).toMatch(/^paged: +4 {2}user/m)
  tmux.type(`clear; FOLDLOG_PAGER='sed s/^/paged:/' ${START} --no-pager && echo ended`, 'Enter')
  await tmux.until(/^❯ .* Ask the bank$/m)
  tmux.type('Down', 'Enter')
  expect(await tmux.until(/^ended$/m)).not.toContain('paged:')
})

test('it follows the size of the terminal, and is beside the list where there is room', async (context) => {
  const tmux = new Tmux(context, await shop(), 130, 20)
  tmux.type(`clear; ${START}`, 'Enter')
  expect(await tmux.until(/Yes, on Monday/)).toMatch(/❯ .*Ask the bank +│ user {7}Has the bank paid/)
  tmux.resize(40, 10)
  const small = await tmux.until(/^↑↓ choose/m)
  await tmux.until(/^─{40}\n/m)
  for (const line of tmux.screen().split('\n')) expect(line.length).toBeLessThanOrEqual(40)
  expect(small.split('\n').length).toBeLessThanOrEqual(10)
})

for (const key of ['Escape', 'C-c']) {
  test(`${key} leaves the terminal as it was`, async (context) => {
    const tmux = new Tmux(context, await shop(), 80, 24)
    tmux.type(`clear; stty -a > before; echo here; ${START}`, 'Enter')
    await tmux.until(/Yes, on Monday/)
    tmux.type(key)
    await tmux.until(/^here\n\$$/)
    tmux.type('stty -a | cmp - before && echo the same', 'Enter')
    expect(await tmux.until(/\nthe same\n/)).toMatch(/^here\n/)
  })
}

test('without a terminal there is help, as for any other command line that makes no sense', async () => {
  const cwd = await shop()
  expect(await run([], { cwd })).toMatchObject({ code: 2, stdout: '' })
  expect(await run(['--full'], { cwd })).toMatchObject({ code: 2, stdout: '' })
})

test('what is typed in a terminal of script is answered, and the screen is given back', async (context) => {
  needs(context, 'script')
  const cwd = await shop()
  const child = spawn('script', ['-qec', START, '/dev/null'], { cwd, env: { ...process.env, TERM: 'xterm' } })
  child.stdout.on('data', (data: Buffer) => {
    if (String(data).includes('choose')) child.stdin.write('\r')
  })
  const { code, stdout } = await ended(child)
  expect(code).toBe(0)
  expect(stdout).toContain('\u001B[?1049h')
  // What is shown comes after the screen was given back.
  expect(stdout.split('\u001B[?1049l')[1]).toContain('Yes, on Monday.')
})

test('without a session there is help', async (context) => {
  needs(context, 'script')
  const child = spawn('script', ['-qec', START, '/dev/null'], {
    cwd: await temp(),
    env: { ...process.env, TERM: 'xterm' },
  })
  const { code, stdout } = await ended(child)
  expect(code).toBe(0)
  expect(stdout).toContain('foldlog VERB --help')
  expect(stdout).not.toContain('\u001B[?1049h')
})
