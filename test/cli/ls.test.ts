import { mkdir, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { openStore } from '../../src/index.ts'
import { damage, freshStore, later, run, temp } from './run.ts'

test('sessions are listed in a table of 80 columns, newest activity first', async () => {
  const { root, store } = await freshStore()
  const old = await store.create({ title: 'The older one' })
  await later()
  await store.create({ title: `A title ${'that is long '.repeat(20)}` })
  await later()
  await old.add({ text: 'and now the one of the newest activity', usage: { inputTokens: 41_000, outputTokens: 200 } })
  const { code, stdout } = await run(['ls', '--root', root])
  const [head, first, second, ...rest] = stdout.trimEnd().split('\n')
  expect(code).toBe(0)
  expect(head).toMatch(/^ID +UPDATED +MSGS +BR +TOKENS +TITLE$/)
  expect(first).toMatch(/^\w{8,26} +\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ +1 +1 +41\.2k +The older one$/)
  expect(second).toMatch(/A title that .*…$/)
  expect(rest).toEqual([])
  for (const line of stdout.split('\n')) expect(line.length).toBeLessThanOrEqual(80)
})

test('the ids that are shown name one session each', async () => {
  const { root, store } = await freshStore()
  for (let i = 0; i < 5; i++) await store.create({ title: `session ${i}` })
  const { stdout } = await run(['ls', '--root', root])
  for (const line of stdout.trimEnd().split('\n').slice(1)) {
    const [id = ''] = line.split(' ')
    expect((await run(['show', id.toLowerCase(), '--root', root])).stdout.split('\n')[0]).toBe(line.slice(-9))
  }
})

test('--json prints the infos, one object a line', async () => {
  const { root, store } = await freshStore()
  const session = await store.create({ title: 'One' })
  await session.add({ text: 'hello' })
  await store.create({ title: 'Two' })
  const { stdout, stderr } = await run(['ls', '--json', '--root', root])
  const infos = stdout
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line) as unknown)
  expect(infos).toEqual((await store.list()).items)
  expect(stderr).toBe('')
})

test('without -n the default namespace is listed, with a hint at others', async () => {
  const { root, store } = await freshStore()
  await store.create({ title: 'In default' })
  await later()
  await store.namespace('work').create({ title: 'In work' })
  const { stdout, stderr } = await run(['ls', '--root', root])
  expect(stdout).toContain('In default')
  expect(stdout).not.toContain('In work')
  expect(stderr).toBe(`1 session in default · 1 namespace more:\n  foldlog ls --all --root ${root}\n`)
  const all = await run(['ls', '--all', '--root', root])
  expect(all.stdout).toMatch(/^NAMESPACE .*\nwork .* In work\ndefault .* In default\n$/)
  expect((await run(['ls', '-n', 'work', '--root', root])).stdout).toContain('In work')
})

test('without a default namespace the only one there is is listed', async () => {
  const root = join(await temp(), 'root')
  const store = await openStore(root, { namespace: 'work' })
  await store.create({ title: 'In work' })
  await store.close()
  expect((await run(['ls', '--root', root])).stdout).toMatch(/^ID .*\n\w+ .* In work\n$/)
})

test('--limit and --archived choose what is listed', async () => {
  const { root, store } = await freshStore()
  for (const title of ['One', 'Two', 'Three']) {
    await store.create({ title })
    await later()
  }
  await store.create({ title: 'Gone', archived: true })
  const limited = await run(['ls', '--limit', '2', '--json', '--root', root])
  expect(limited.stdout.match(/"title":"\w+"/g)).toEqual(['"title":"Three"', '"title":"Two"'])
  expect((await run(['ls', '--limit', '0', '--json', '--root', root])).stdout).toBe('')
  expect((await run(['ls', '--archived', '--json', '--root', root])).stdout).toMatch(/^\{.*"title":"Gone".*\}\n$/)
})

test('a root without sessions is no failure, and prints nothing', async () => {
  const root = await temp()
  expect(await run(['ls', '--root', root])).toEqual({
    code: 0,
    stdout: '',
    stderr: `no sessions in ${root}:\n  foldlog import --root ${root}\n`,
  })
  expect(await run(['ls', '--json', '--root', root])).toEqual({ code: 0, stdout: '', stderr: '' })
})

test('a root that is missing or is a file is not found', async () => {
  const folder = await temp()
  const missing = await run(['ls'], { cwd: folder })
  expect(missing).toMatchObject({ code: 1, stdout: '' })
  expect(missing.stderr).toMatch(/^foldlog: there is no directory \.sessions: name the root with --root/)
  await writeFile(join(folder, 'file'), '')
  expect(await run(['show', '--root', join(folder, 'file')])).toMatchObject({ code: 1, stdout: '' })
})

test('a namespace that is missing is not found, and one that cannot be is a usage failure', async () => {
  const { root, store } = await freshStore()
  await store.create()
  const missing = await run(['ls', '-n', 'nope', '--root', root])
  expect(missing).toMatchObject({ code: 1, stdout: '' })
  expect(missing.stderr).toContain(`there is no namespace nope in ${root}\n  foldlog ls --all --root ${root}`)
  expect(await run(['import', root, '-n', 'x'.repeat(300), '--root', root])).toMatchObject({ code: 2 })
})

test('$FOLDLOG_ROOT is the root where --root is not given, and .sessions where it is empty', async () => {
  const { root, store } = await freshStore()
  await store.create({ title: 'Here' })
  expect((await run(['ls'], { env: { FOLDLOG_ROOT: root } })).stdout).toContain('Here')
  expect((await run(['ls'], { env: { FOLDLOG_ROOT: '' }, cwd: root })).stderr).toContain('no directory .sessions')
})

test('a damaged log is marked', async () => {
  const { root, store } = await freshStore()
  const session = await store.create({ title: 'Torn' })
  await damage(root, session.id)
  const { code, stdout } = await run(['ls', '--root', root])
  expect(code).toBe(0)
  expect(stdout).toMatch(/TITLE\n.* Torn +! 1 damaged\n$/)
})

test('the cache may vanish or be nonsense', async () => {
  const { root, store } = await freshStore()
  await store.create({ title: 'Still here' })
  await store.close()
  const before = await run(['ls', '--json', '--root', root])
  await rm(join(root, 'default', '.cache'), { recursive: true, force: true })
  expect(await run(['ls', '--json', '--root', root])).toEqual(before)
  await mkdir(join(root, 'default', '.cache'), { recursive: true })
  await writeFile(join(root, 'default', '.cache', 'infos.jsonl'), 'nonsense')
  expect(await run(['ls', '--json', '--root', root])).toEqual(before)
})

test('how the last turn is is marked, and --where finds it, also in vars and lists', async () => {
  const { root, store } = await freshStore()
  const failed = await store.create({ title: 'One', labels: ['red', 'green'], vars: { order: { id: 4411 } } })
  await failed.add({ role: 'assistant', text: 'I', status: 'failed' })
  const waiting = await store.create({ title: 'Two', model: 'gpt-5' })
  await waiting.add({ role: 'assistant', parts: [{ type: 'tool-call', callId: 'c', name: 'ask', input: {} }] })
  const running = await store.create({ title: 'Three' })
  await running.add({ role: 'assistant', text: 'I', status: 'in_progress' })
  const { stdout } = await run(['ls', '--root', root])
  expect(stdout).toMatch(/Three {2}● running\n.*Two {4}◌ awaiting\n.*One {4}✗ failed\n$/)
  const titlesOf = async (...args: string[]): Promise<unknown> =>
    (await run(['ls', '--json', '--root', root, ...args])).stdout.match(/(?<="title":")\w+/g)
  expect(await titlesOf('--where', 'status=failed')).toEqual(['One'])
  expect(await titlesOf('--where', 'labels=green', '--where', 'order.id=4411')).toEqual(['One'])
  expect(await titlesOf('--where', 'labels=green', '--where', 'model=gpt-5')).toBeNull()
  expect(await titlesOf('--where', 'model=')).toEqual(['Three', 'One'])
  expect(await run(['ls', '--where', 'failed', '--root', root])).toMatchObject({ code: 2, stdout: '' })
})

test('the namespaces that were not looked into are named with the same conditions', async () => {
  const { root, store } = await freshStore()
  await store.create({ title: 'Here' })
  await store.namespace('other').create({ title: 'There', vars: { step: 'plan' } })
  const none = await run(['ls', '--where', 'step=plan', '--root', root])
  expect(none).toMatchObject({ code: 0, stdout: '' })
  expect(none.stderr).toContain(`1 namespace more:\n  foldlog ls --all --where step=plan --root ${root}\n`)
})

test('--parent lists the children of a session, named as sessions are named', async () => {
  const { root, store } = await freshStore()
  const parent = await store.create({ id: 'parent', title: 'Parent' })
  await store.create({ title: 'Child', parent: { sessionId: parent.id } })
  const { stdout } = await run(['ls', '--parent', 'par', '--root', root])
  expect(stdout).toMatch(/^ID .*\n\w+ .* Child\n$/)
  const none = await run(['ls', '--parent', '@', '--root', root])
  expect(none).toMatchObject({ code: 0, stdout: '', stderr: 'no child sessions in default\n' })
  expect(await run(['ls', '--parent', 'nobody', '--root', root])).toMatchObject({ code: 1, stdout: '' })
})

test('where the width does not suffice columns go, and titles stay readable', async () => {
  const { root, store } = await freshStore()
  await store.create({ title: 'In default' })
  await store.namespace('a-namespace-with-a-name-that-is-long').create({ title: 'A title of some length, to be cut' })
  const { stdout } = await run(['ls', '--all', '--root', root])
  expect(stdout).toMatch(/^NAMESPACE +ID +UPDATED +TITLE\n/)
  expect(stdout).toContain('In default')
})
