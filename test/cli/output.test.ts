/** What terminals get and pipes do not: colour, and a pager. */
import { spawn, spawnSync } from 'node:child_process'
import { existsSync } from 'node:fs'
import { chmod, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { damage, ended, freshStore, MAIN, run, runOnTerminal, temp } from './run.ts'

const hasScript = spawnSync('script', ['--version']).status === 0
if (!hasScript) console.log('no terminal is tested: script of util-linux is not installed')

// oxlint-disable-next-line no-control-regex -- looking for them is the point
const COLOR = /\u001B\[\d+m/

async function longOne() {
  const { root, store } = await freshStore()
  const session = await store.create({ id: 'long' })
  for (let i = 0; i < 100; i++) await session.add({ text: `line ${i}` })
  await store.create({ id: 'short', title: 'Short' })
  await store.close()
  return root
}

/** A pager that writes down what it is given. */
async function pager(lines: readonly string[]) {
  const folder = await temp()
  const file = join(folder, 'paged')
  const program = join(folder, 'pager')
  await writeFile(program, ['#!/bin/sh', ...lines.map((line) => line.replace('FILE', `'${file}'`))].join('\n'))
  await chmod(program, 0o755)
  return { program, paged: () => readFile(file, 'utf8').catch(() => undefined) }
}

test('FORCE_COLOR colours a pipe, and decides over NO_COLOR; 0 takes colour from a terminal', async () => {
  const root = await longOne()
  const colored = async (env: Readonly<Record<string, string>>): Promise<boolean> =>
    COLOR.test((await run(['ls', '--root', root], { env })).stdout)
  expect(await colored({})).toBe(false)
  expect(await colored({ FORCE_COLOR: '1' })).toBe(true)
  expect(await colored({ FORCE_COLOR: '1', NO_COLOR: '1' })).toBe(true)
  expect(await colored({ FORCE_COLOR: '0' })).toBe(false)
  expect(await colored({ FORCE_COLOR: '' })).toBe(false)
  if (!hasScript) return
  const dumb = await runOnTerminal(['ls', '--root', root], { env: { TERM: 'dumb' } })
  expect(dumb.stdout).toContain('just now')
  expect(dumb.stdout).not.toMatch(COLOR)
})

describe.skipIf(!hasScript)('on a terminal', () => {
  test('what is higher than the screen goes through the pager, and messages come after it', async () => {
    const root = await longOne()
    const { paged, program } = await pager(['cat > FILE', 'echo closed'])
    await damage(root, 'long')
    const shown = await runOnTerminal(['log', 'long', '--root', root], { env: { FOLDLOG_PAGER: `${program} ` } })
    expect(shown.code).toBe(3)
    // oxlint-disable-next-line no-control-regex -- colour is not what is looked at here
    expect(shown.stdout.replaceAll(/\u001B\[\d+m/g, '')).toMatch(/^closed\r\nfoldlog: 1 damaged piece/)
    expect((await paged())!.split('\n')).toHaveLength(102)
  })

  test('$FOLDLOG_PAGER comes before $PAGER, and an empty one, cat, --no-pager and a missing program mean none', async () => {
    const root = await longOne()
    const own = await pager(['cat > FILE'])
    const general = await pager(['cat > FILE'])
    const where = { env: { FOLDLOG_PAGER: own.program, PAGER: general.program } }
    await runOnTerminal(['log', 'long', '--root', root], where)
    expect(await own.paged()).toContain('line 50')
    expect(await general.paged()).toBeUndefined()
    await runOnTerminal(['log', 'long', '--root', root], { env: { PAGER: general.program } })
    expect(await general.paged()).toContain('line 50')
    for (const FOLDLOG_PAGER of ['', 'cat', 'no-such-pager -x']) {
      const { stdout } = await runOnTerminal(['log', 'long', '--root', root], { env: { FOLDLOG_PAGER } })
      expect(stdout).toContain('line 50')
    }
    expect((await runOnTerminal(['log', 'long', '--no-pager', '--root', root], where)).stdout).toContain('line 50')
  })

  test('what fits on the screen, and what is piped, goes through no pager', async () => {
    const root = await longOne()
    const { paged, program } = await pager(['cat > FILE'])
    const where = { env: { FOLDLOG_PAGER: program } }
    expect((await runOnTerminal(['ls', '--root', root], where)).stdout).toContain('Short')
    expect((await run(['log', 'long', '--root', root], where)).stdout).toContain('line 50')
    expect(await paged()).toBeUndefined()
  })

  test('who leaves the pager early ends the process in silence', async () => {
    const { root, store } = await freshStore()
    const session = await store.create({ id: 'huge' })
    for (let i = 0; i < 40; i++) await session.add({ text: 'word '.repeat(10_000) })
    await store.close()
    const { program } = await pager(['head -n 1 > FILE'])
    const { code, stdout } = await runOnTerminal(['show', '--root', root], { env: { FOLDLOG_PAGER: program } })
    expect({ code, stdout }).toEqual({ code: 0, stdout: '' })
  })
})

test.skipIf(!existsSync('/dev/full'))(
  'a disk that is full when output is printed is told without a stack',
  async () => {
    const { root, store } = await freshStore()
    await store.create({ id: 'a', title: 'A' })
    const to = async (redirection: string) => {
      const child = spawn('bash', ['-c', `exec "$@" ${redirection}`, '-', process.execPath, MAIN, 'ls', '--root', root])
      child.stdin.end()
      return ended(child)
    }
    expect(await to('>/dev/full')).toEqual({
      code: 1,
      stdout: '',
      stderr: 'foldlog: cannot print all of it: no space is left (ENOSPC): make room, or print it elsewhere\n',
    })
    expect((await to('2>/dev/full')).stdout).toContain('  A\n')
  },
)
