/**
 * The outbox: acknowledged lines that git throws away with what is not committed, and how they come back.
 */
import { spawnSync } from 'node:child_process'
import { existsSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { readOutbox } from '../../src/backends/file/outbox.ts'
import { io } from '../../src/backends/file/io.ts'
import { missingLines, tidyNamespace } from '../../src/git/outbox.ts'
import { later, MAIN, run } from '../cli/run.ts'
import { Child } from '../support/child.ts'
import { PATIENT, rounds } from '../support/rounds.ts'
import { anew, idsOf, logPath, open, temp } from '../support/temp.ts'
import { message, Repository } from './repository.ts'
import { ENVIRONMENT } from '../support/git.ts'

const outbox = (repository: Repository): string => join(repository.root, 'default/.cache/outbox')
const directory = (repository: Repository): string => join(repository.root, 'default')
const restore = (repository: Repository, ...words: readonly string[]) =>
  run(['restore', ...words], { cwd: repository.tree, env: ENVIRONMENT })

/** A committed session with the message `a`. */
async function committed() {
  const repository = Repository.fresh()
  const { store, heard } = await open(repository.root)
  const session = await store.create({ id: 's' })
  await session.add({ id: 'a', text: 'text of a' })
  repository.commit('a')
  return { repository, store, session, heard }
}

test('outside a work tree nothing is kept', async () => {
  const root = join(temp(), 'root')
  const { store } = await open(root)
  await (await store.create({ id: 's' })).add({ text: 'a' })
  expect(existsSync(join(root, 'default/.cache/outbox'))).toBe(false)
})

test('g7: what a reset --hard discards is told as missing, and restore writes the same bytes back', async () => {
  const { repository, session } = await committed()
  await session.add(
    [
      { id: 'b', text: 'b' },
      { id: 'c', text: 'c' },
    ],
    { key: 'once' },
  )
  const before = repository.read('s.jsonl')
  repository.git('reset', '--quiet', '--hard')
  expect(idsOf(await session.messages())).toEqual(['a'])
  const told = await restore(repository)
  expect(told).toMatchObject({ code: 0, stdout: expect.stringContaining('default/s  1 line missing') })
  expect(told.stderr).toContain('foldlog restore --yes')
  expect(idsOf(await session.messages())).toEqual(['a'])
  expect(await restore(repository, '--yes')).toMatchObject({
    code: 0,
    stdout: expect.stringContaining('1 line restored'),
  })
  expect(repository.read('s.jsonl')).toBe(before)
  expect(idsOf(await session.messages())).toEqual(['a', 'b', 'c'])
  expect((await restore(repository)).stderr).toContain('nothing is missing')
})

test('g7: on a branch that has no root the outbox is ignored as well: neither committed there nor cleaned away', async () => {
  const repository = new Repository()
  repository.git('init', '--quiet', '--initial-branch=main')
  repository.git('commit', '--quiet', '--allow-empty', '--message=base')
  repository.git('branch', 'other')
  const { store } = await open(repository.root)
  const session = await store.create({ id: 's' })
  await session.add({ id: 'a', text: 'a' })
  repository.commit('a')
  await session.add({ id: 'b', text: 'b' })
  const draft = await session.stream({ id: 'c', role: 'assistant' })
  draft.text('not yet')
  await expect.poll(() => existsSync(join(repository.root, 'default/.live'))).toBe(true)
  repository.git('checkout', '--quiet', '--force', 'other')
  expect(repository.git('status', '--porcelain', '--untracked-files=all')).toBe('')
  repository.git('clean', '--quiet', '--force', '-d')
  // The root is created anew for this branch, though caches of the other one lie there.
  await store.create({ id: 'other' })
  const made = ['.gitattributes', '.gitignore', 'default/other.jsonl'].map((name) => `?? .sessions/${name}\n`).join('')
  expect(repository.git('status', '--porcelain', '--untracked-files=all')).toBe(made)
  repository.commit('other')
  repository.git('checkout', '--quiet', 'main')
  expect(await restore(repository, '--yes')).toMatchObject({ code: 0 })
  expect(repository.read('s.jsonl')).toContain('"id":"b"')
  expect(repository.git('status', '--porcelain', '--untracked-files=all')).toBe(' M .sessions/default/s.jsonl\n')
})

test('what is committed is forgotten and not told as missing, wherever the work tree is', async () => {
  const { repository, session } = await committed()
  repository.git('checkout', '--quiet', '-b', 'other')
  await session.add({ id: 'b', text: 'b' })
  repository.commit('b')
  repository.git('checkout', '--quiet', 'main')
  expect((await restore(repository)).stderr).toContain('nothing is missing')
  expect(readFileSync(outbox(repository), { flag: 'a+' }).toString()).toBe('')
})

test('what is stashed is not told as missing, and is again once the stash is dropped', async () => {
  const { repository, session } = await committed()
  await session.add({ id: 'b', text: 'b' })
  repository.git('stash')
  expect((await restore(repository)).stderr).toContain('nothing is missing')
  repository.git('stash', 'drop')
  expect((await restore(repository)).stdout).toContain('1 line missing')
})

test('a whole session that git clean removed comes back, one that was deleted does not', async () => {
  const { repository, store } = await committed()
  await (await store.create({ id: 'cleaned' })).add({ id: 'x', text: 'x' })
  await (await store.create({ id: 'deleted' })).add({ text: 'y' })
  await store.delete('deleted')
  repository.git('clean', '--force', '-d')
  expect((await restore(repository, '--yes')).stdout).toMatch(/^default\/cleaned  2 lines restored.*\n$/)
  expect(idsOf((await anew(repository.root, 'cleaned')).messages)).toEqual(['x'])
  expect(existsSync(logPath(repository.root, 'deleted'))).toBe(false)
})

test('a session that was deleted and created again is kept from then on, also after tidying', async () => {
  const { repository, store } = await committed()
  for (let i = 0; i < 20; i++) await (await store.create({ id: `d${i}` })).add({ text: 'gone' })
  for (let i = 0; i < 20; i++) await store.delete(`d${i}`)
  await later()
  await (await store.create({ id: 'd7' })).add({ id: 'again', text: 'again' })
  for (let round = 0; round < 2; round++) {
    expect(readOutbox(directory(repository)).filter(({ session }) => session.startsWith('d'))).toMatchObject([
      { session: 'd7' },
      { session: 'd7', text: expect.stringContaining('again') },
    ])
    await tidyNamespace(directory(repository))
  }
})

test('lines of a session that this branch lacks stay in the outbox, and that is said', async () => {
  const repository = Repository.fresh()
  repository.commit('empty')
  repository.git('checkout', '--quiet', '-b', 'other')
  const { store } = await open(repository.root)
  const session = await store.create({ id: 's' })
  repository.commit('created')
  await session.add({ id: 'b', text: 'b' })
  repository.git('checkout', '--quiet', '--force', 'main')
  const refused = await restore(repository, '--yes')
  expect(refused).toMatchObject({ code: 1, stderr: expect.stringContaining('check out one that has it') })
  repository.git('checkout', '--quiet', 'other')
  expect((await restore(repository, '--yes')).code).toBe(0)
  expect(idsOf((await anew(repository.root, 's')).messages)).toEqual(['b'])
})

test('a redacted event is not told as missing', async () => {
  const { repository, session } = await committed()
  await session.add({ id: 'b', text: 'secret' })
  const [, , line] = repository.lines('s.jsonl')
  const { id, time } = JSON.parse(line!) as { id: string; time: string }
  const data = { id: 'b', turnId: 'b', role: 'user', status: 'completed', parts: [] }
  const hidden = JSON.stringify({ v: 1, id, type: 'message.created', time, redacted: true, data })
  repository.write('s.jsonl', repository.read('s.jsonl').replace(line!, hidden))
  expect(await missingLines(repository.root)).toEqual([])
})

test('session.restore writes back what session.rewound told, as the lines it came from', async () => {
  const { repository, session, heard } = await committed()
  await session.add(
    [
      { id: 'b', text: 'b' },
      { id: 'c', text: 'c' },
    ],
    { key: 'once' },
  )
  const before = repository.read('s.jsonl')
  repository.git('checkout', '--quiet', '--force', 'main')
  await session.messages()
  const missing = heard.of('session.rewound').flatMap((event) => event.missing)
  expect(await session.restore(missing)).toBe(2)
  expect(repository.read('s.jsonl')).toBe(before)
  expect(await session.restore(missing)).toBe(0)
  expect(await session.restore(structuredClone(missing))).toBe(0)
  expect((await anew(repository.root, 's')).messages).toEqual(await session.messages())
})

test('session.restore takes copies of events, and refuses what is no event', async () => {
  const { session, repository, heard } = await committed()
  await session.add({ id: 'b', text: 'b' })
  repository.git('reset', '--quiet', '--hard')
  await session.messages()
  const missing = heard.of('session.rewound').flatMap((event) => event.missing)
  const [copy] = JSON.parse(JSON.stringify(missing)) as typeof missing
  await expect(session.restore([copy!, { ...copy!, id: 'no ulid' }])).rejects.toMatchObject({ code: 'INVALID_EVENT' })
  expect(idsOf(await session.messages())).toEqual(['a'])
  expect(await session.restore([copy!])).toBe(1)
  expect(idsOf((await anew(repository.root, 's')).messages)).toEqual(['a', 'b'])
})

test('I5: an outbox that is taken away while it is written to begins anew', async () => {
  const { repository, session } = await committed()
  rmSync(join(repository.root, 'default/.cache'), { recursive: true })
  await session.add({ id: 'b', text: 'b' })
  repository.git('reset', '--quiet', '--hard')
  expect((await restore(repository)).stdout).toContain('1 line missing')
})

test('a record that was cut off spoils none that follows it', async () => {
  const { repository, session } = await committed()
  writeFileSync(outbox(repository), readFileSync(outbox(repository), 'utf8') + `\ns ${message(1).slice(0, 80)}`)
  await session.add({ id: 'b', text: 'b' })
  expect(readOutbox(directory(repository)).at(-1)!.text).toBe(repository.lines('s.jsonl').at(-1))
})

test('an append whose copy cannot be kept is refused as unknown, and the copy comes with the next one', async () => {
  const { repository, session } = await committed()
  const { writeSync } = io
  // The second write of an append is that of the outbox.
  let calls = 0
  io.writeSync = ((...args: Parameters<typeof writeSync>) => {
    if (++calls === 2) throw Object.assign(new Error('full'), { code: 'ENOSPC' })
    return writeSync(...args)
  }) as typeof writeSync
  try {
    await expect(session.add({ id: 'b', text: 'b' }, { key: 'k' })).rejects.toMatchObject({ code: 'STORAGE_FULL' })
  } finally {
    io.writeSync = writeSync
  }
  expect((await session.add({ id: 'b', text: 'b' }, { key: 'k' })).id).toBe('b')
  await session.add({ id: 'c', text: 'c' })
  repository.git('reset', '--quiet', '--hard')
  expect((await restore(repository)).stdout).toContain('2 lines missing')
})

test('the outbox of what is committed again and again stays small, by itself', PATIENT, async () => {
  const { repository, store, session } = await committed()
  for (let round = 0; round < 4; round++) {
    for (let i = 0; i < 5; i++) await session.add({ text: 'x'.repeat(100_000) })
    repository.commit('round')
  }
  await store.close()
  const size = readFileSync(outbox(repository)).length
  expect(size).toBeLessThan(1_500_000)
  expect(readFileSync(logPath(repository.root, 's')).length).toBeGreaterThan(2_000_000)
  expect(readdirSync(join(repository.root, 'default/.cache')).filter((name) => name.startsWith('outbox.'))).toEqual([])
})

test('what git ignores needs no outbox, and what is kept of it is forgotten', async () => {
  const { repository, session } = await committed()
  repository.write('../.gitignore', '*\n')
  await session.add({ text: 'b' })
  await tidyNamespace(directory(repository))
  // The log was added before it was ignored: git goes on changing it.
  expect(readOutbox(directory(repository))).toHaveLength(1)
  repository.git('rm', '--quiet', '--cached', repository.path('s.jsonl'))
  await tidyNamespace(directory(repository))
  expect(readOutbox(directory(repository))).toHaveLength(0)
})

test('while several processes tidy, no line that is not committed leaves the outbox', PATIENT, async () => {
  const { repository } = await committed()
  const writers = ['x', 'y'].map((prefix) => new Child('appender', repository.root, 's', prefix))
  for (const writer of writers) await writer.line()
  for (let round = 0; round < rounds(30); round++) {
    await Promise.all([0, 1, 2].map(() => tidyNamespace(directory(repository))))
    for (const writer of writers) {
      const count = writer.lines.length
      await writer.until(() => writer.lines.length > count + 5)
    }
  }
  for (const writer of writers) await writer.end()
  const kept = readOutbox(directory(repository)).map(
    ({ text }) => (JSON.parse(text) as { data: { id: string } }).data.id,
  )
  const acknowledged = writers.flatMap(({ lines }) => lines.slice(1))
  expect(acknowledged.filter((id) => !kept.includes(id))).toEqual([])
})

test('tidying that is killed at any moment leaves every line that is not committed', PATIENT, async () => {
  const { repository, session } = await committed()
  for (let i = 0; i < 50; i++) await session.add({ id: `m${i}`, text: 'x'.repeat(1000) })
  const before = readOutbox(directory(repository)).length
  for (let round = 0; round < rounds(60); round++) {
    const timeout = 60 + Math.floor(Math.random() * 120)
    spawnSync(process.execPath, [MAIN, 'restore'], {
      cwd: repository.tree,
      env: ENVIRONMENT,
      timeout,
      killSignal: 'SIGKILL',
    })
    expect(readOutbox(directory(repository)).length).toBeGreaterThanOrEqual(50)
  }
  expect(before).toBeGreaterThanOrEqual(50)
  await restore(repository)
  expect(readOutbox(directory(repository))).toHaveLength(50)
})
