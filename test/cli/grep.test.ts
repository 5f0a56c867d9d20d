/** `foldlog grep`: what it prints, and how it ends. */
import { readdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import type { Store } from '../../src/index.ts'
import { damage, freshStore, later, run, runOnTerminal } from './run.ts'

async function fill(store: Store): Promise<void> {
  const refund = await store.create({ id: '01M7XVMR0GBR6T8XW8V4ECY7XQ', title: 'Refund #4411' })
  await refund.add({ id: 'q', text: 'Where is my refund?' })
  await refund.add({
    role: 'tool',
    parts: [
      {
        type: 'tool-result',
        callId: 'c',
        name: 'bank_status',
        output: `${'ok, '.repeat(40)}connect TIMEOUT after 2000 ms`,
      },
    ],
  })
  await later()
  const build = await store.namespace('billing').create({ id: '01M7WQ0C0GBR6T8XW8V4ECY7XQ', title: 'Build' })
  await build.add({ text: 'TIMEOUT: see the refund of {"id":1}' })
}

test('grep prints a line a hit, newest activity first, and what it looked at', async () => {
  const { store, root } = await freshStore()
  await fill(store)
  const { code, stdout, stderr } = await run(['grep', 'TIMEOUT', '--root', root])
  expect(code).toBe(0)
  const id = String.raw`…[\dA-Z]{8}`
  const time = String.raw`\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ`
  expect(stdout).toMatch(
    new RegExp(
      String.raw`^billing/01M7WQ0C:${id}  ${time}  user  TIMEOUT: see the refund of \{"id":1\}
default/01M7XVMR:${id}  ${time}  tool  bank_status: …[ok, ]+connect TIMEOUT after 2000 ms
$`,
    ),
  )
  expect(stderr).toMatch(/^2 matches in 2 of 2 sessions \([\d.]+ k?B\)\n$/)
})

test('a hit is shown by the command that is named', async () => {
  const { store, root } = await freshStore()
  await fill(store)
  const { stdout } = await runOnTerminal(['grep', 'Where', '--root', root])
  expect(stdout).toContain('\u001B[31mWhere\u001B[39m')
  const shown = /foldlog (show 01M7XVMR --at [\dA-Z]{26} -n default --root [^ \p{Cc}]+)/u.exec(stdout)?.[1]?.split(' ')
  expect(shown).toBeDefined()
  expect((await run(shown!)).stdout).toContain('Where is my refund?')
  const place = /:…([\dA-Z]{8})/.exec(stdout)?.[1]
  expect((await run(['show', '01M7XVMR', '--at', place!, '--root', root])).code).toBe(0)
})

test('grep ends with 1 if nothing was found', async () => {
  const { store, root } = await freshStore()
  await fill(store)
  expect(await run(['grep', 'timeout', '--root', root])).toMatchObject({ code: 1, stdout: '' })
  expect((await run(['grep', 'timeout', '--root', root])).stderr).toMatch(/^no match in 2 sessions/)
  expect(await run(['grep', 'x', '--root', `${root}/none`])).toMatchObject({ code: 1, stdout: '' })
})

test('where nothing was found, the command that is named finds more', async () => {
  const { store, root } = await freshStore()
  await fill(store)
  for (const [pattern, ...options] of [['where'], ['refund where', '-n', 'default'], ['^WHERE', '-e']]) {
    const { code, stdout } = await runOnTerminal(['grep', pattern!, ...options, '--root', root])
    expect(code).toBe(1)
    const [, hint] = /foldlog (grep [^\p{Cc}]+)/u.exec(stdout) ?? []
    const words = [...hint!.matchAll(/'([^']*)'|(\S+)/g)].map(([, quoted, word]) => quoted ?? word!)
    expect((await run(words)).stdout, hint).toContain('Where is my refund?')
  }
})

test('case, expressions, words, roles, tools, times and namespaces', async () => {
  const { store, root } = await freshStore()
  await fill(store)
  const hits = async (...args: string[]): Promise<number> => {
    const { stdout } = await run(['grep', '--root', root, ...args])
    return stdout === '' ? 0 : stdout.trimEnd().split('\n').length
  }
  expect(await hits('timeout', '-i')).toBe(2)
  expect(await hits('-F', '{"id":1}')).toBe(1)
  expect(await hits('-e', '^timeout', '-i')).toBe(1)
  expect(await hits('-e', String.raw`after \d+ ms$`)).toBe(1)
  expect(await hits('--words', 'refund timeout')).toBe(1)
  expect(await hits('TIMEOUT', '--role', 'tool')).toBe(1)
  expect(await hits('TIMEOUT', '--tool', 'bank_status')).toBe(1)
  expect(await hits('TIMEOUT', '--since', '1h')).toBe(2)
  expect(await hits('TIMEOUT', '--until', '1h')).toBe(0)
  expect(await hits('TIMEOUT', '-n', 'billing')).toBe(1)
  expect(await hits('TIMEOUT', '--limit', '1')).toBe(1)
  await (await store.get('01M7XVMR0GBR6T8XW8V4ECY7XQ'))!.set({ archived: true })
  expect(await hits('TIMEOUT')).toBe(1)
  expect(await hits('TIMEOUT', '--archived')).toBe(1)
  expect(await hits('TIMEOUT', '--all')).toBe(2)
})

test('sessions, counts and objects', async () => {
  const { store, root } = await freshStore()
  await fill(store)
  expect((await run(['grep', 'refund', '-l', '--root', root])).stdout).toBe(
    'billing/01M7WQ0C  Build\ndefault/01M7XVMR  Refund #4411\n',
  )
  expect((await run(['grep', 'TIMEOUT', '--count', '-n', 'default', '--root', root])).stdout).toBe(
    '01M7XVMR  1  Refund #4411\n',
  )
  const { stdout, stderr } = await run(['grep', 'Where', '--json', '--root', root])
  expect(stderr).toBe('')
  expect(JSON.parse(stdout)).toMatchObject({
    namespace: 'default',
    sessionId: '01M7XVMR0GBR6T8XW8V4ECY7XQ',
    messageId: 'q',
    snippet: { text: 'Where is my refund?', ranges: [[0, 5]] },
  })
  const counted = await run(['grep', 'refund', '--count', '--json', '--root', root])
  expect(
    counted.stdout
      .trimEnd()
      .split('\n')
      .map((line) => JSON.parse(line)),
  ).toEqual([
    { namespace: 'billing', sessionId: '01M7WQ0C0GBR6T8XW8V4ECY7XQ', title: 'Build', count: 1 },
    { namespace: 'default', sessionId: '01M7XVMR0GBR6T8XW8V4ECY7XQ', title: 'Refund #4411', count: 1 },
  ])
})

test('a hit on another branch says so', async () => {
  const { store, root } = await freshStore()
  const session = await store.create({ id: 's' })
  await session.add({ id: 'a', text: 'needle one' })
  await session.branch('a', { text: 'needle two' })
  const lines = (await run(['grep', 'needle', '--root', root])).stdout.split('\n')
  expect(lines[0]).toMatch(/ user {2}needle two$/)
  expect(lines[1]).toMatch(/ user \(other branch\) {2}needle one$/)
})

test('what is found can do nothing to a terminal, and what is damaged hides nothing', async () => {
  const { store, root } = await freshStore()
  const session = await store.create({ id: 's', title: '\u001B[2J' })
  await session.add({ text: 'a \u001B]0;needle\u0007' })
  await damage(root, 's')
  const { code, stdout } = await run(['grep', 'needle', '--root', root])
  expect(code).toBe(0)
  expect(stdout).toMatch(/a \uFFFD\]0;needle\uFFFD\n$/)
  expect((await run(['grep', 'needle', '-l', '--root', root])).stdout).toBe('s  \uFFFD[2J\n')
})

test('what makes no sense is refused with a command that does', async () => {
  const { root } = await freshStore()
  const refused = async (...args: string[]): Promise<string> => {
    const { code, stderr } = await run(['grep', ...args, '--root', root])
    expect(code).toBe(2)
    return stderr
  }
  expect(await refused('-e', '(')).toMatch(/Unterminated group.*\n {2}foldlog grep --fixed -- '\('/s)
  expect(await refused('x', '--role', 'robot')).toContain('system, user, assistant, tool')
  expect(await refused('x', '--since', 'soon')).toContain('write it like 7d')
  expect(await refused('x', '--limit', '0')).toContain('--limit')
  expect(await refused('x', '-e', '-F')).toContain('not both')
  expect(await refused()).toContain('grep needs a PATTERN')
})

test('what is in a text that was moved to a file is found; without the file that is told', async () => {
  const { store, root } = await freshStore()
  const session = await store.create({ id: 's' })
  for (const text of ['the needle', 'nothing']) {
    const content = [{ id: 't', type: 'text' as const, text: `${text} ${'.'.repeat(70_000)}` }]
    await session.add({ role: 'tool', parts: [{ type: 'tool-result', callId: 'c', name: 'bash', content }] })
  }
  const found = await run(['grep', 'needle', '--root', root])
  expect(found.stdout).toMatch(/ {2}tool {2}bash: the needle \.+…\n$/)
  expect(found.stderr).toMatch(/^1 match in 1 of 1 session \(14\d\.\d kB\)\n$/)
  const folder = join(root, 'default/files')
  for (const name of readdirSync(folder)) writeFileSync(join(folder, name), 'a needle')
  const lost = await run(['grep', 'needle', '--root', root])
  expect(lost.stdout).toBe('')
  expect(lost.stderr).toMatch(
    /^no match .*\n2 texts in files\/ are missing or damaged: nothing was found in there\n {2}foldlog fsck --root .*\n$/,
  )
})
