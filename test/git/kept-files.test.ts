/**
 * Attachments that git throws away with what is not committed: they are kept as the lines are that name them, and come back with them.
 */
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, onTestFinished, test } from 'vitest'
import { io } from '../../src/backends/file/io.ts'
import { tidyNamespace } from '../../src/git/outbox.ts'
import { run } from '../cli/run.ts'
import { ENVIRONMENT } from '../support/git.ts'
import { logPath, open } from '../support/temp.ts'
import { Repository } from './repository.ts'

const NOW = { olderThan: 0 }
const directory = (repository: Repository): string => join(repository.root, 'default')
const restore = (repository: Repository, ...words: readonly string[]) =>
  run(['restore', ...words], { cwd: repository.tree, env: ENVIRONMENT })

/** What is kept, and not on its way in or out. */
function kept(repository: Repository): string[] {
  const path = join(directory(repository), '.cache/outbox-files')
  return existsSync(path) ? readdirSync(path).filter((name) => !name.startsWith('.')) : []
}

/** A committed session with the message `a`. */
async function committed() {
  const repository = Repository.fresh()
  const { store, heard } = await open(repository.root)
  const session = await store.create({ id: 's' })
  await session.add({ id: 'a', text: 'text of a' })
  repository.commit('a')
  return { repository, store, session, heard }
}

/** What a store that is opened anew reads of the attachments of a message. */
async function contents(repository: Repository, messageId: string): Promise<string[]> {
  const { store } = await open(repository.root)
  const session = (await store.get('s'))!
  const files = (await session.message(messageId))!.parts.filter((part) => part.type === 'file')
  const texts: string[] = []
  for (const { file } of files) {
    texts.push(Buffer.from((await store.getFile(file!)) ?? Buffer.from('gone')).toString())
  }
  return texts
}

test('g7: git clean takes an attachment of a log that stays: it is told, and comes back', async () => {
  const { repository, session } = await committed()
  await session.add({ id: 'b', parts: [await session.file('b.txt', Buffer.from('bytes of b'))] })
  repository.git('clean', '--quiet', '--force', '-d')
  expect(await contents(repository, 'b')).toEqual(['gone'])
  const told = await restore(repository)
  expect(told).toMatchObject({ code: 0, stdout: 'default/s  1 file missing\n' })
  expect(told.stderr).toContain('foldlog restore --yes')
  expect(await contents(repository, 'b')).toEqual(['gone'])
  expect(await restore(repository, '--yes')).toMatchObject({ code: 0, stdout: 'default/s  1 file restored\n' })
  expect(await contents(repository, 'b')).toEqual(['bytes of b'])
  expect((await restore(repository)).stderr).toContain('nothing is missing')
  // And again: it is kept until it is committed.
  repository.git('clean', '--quiet', '--force', '-d')
  expect(await restore(repository, '--yes')).toMatchObject({ code: 0, stdout: 'default/s  1 file restored\n' })
  expect(await contents(repository, 'b')).toEqual(['bytes of b'])
})

test('g7: reset --hard takes what was added and not committed, line, file and what moved by itself: all come back', async () => {
  const { repository, session } = await committed()
  const big = 'x'.repeat(70_000)
  const data = Buffer.from(big).toString('base64')
  await session.add({
    id: 'b',
    parts: [await session.file('b.txt', Buffer.from('bytes of b')), { type: 'file', mediaType: 'text/plain', data }],
  })
  repository.git('add', '--all')
  repository.git('reset', '--quiet', '--hard')
  expect(readdirSync(directory(repository))).not.toContain('files')
  expect((await restore(repository)).stdout).toContain('default/s  1 line and 2 files missing')
  expect(await restore(repository, '--yes', '--json')).toMatchObject({
    code: 0,
    stdout: expect.stringContaining('"lost":[]'),
  })
  expect(await contents(repository, 'b')).toEqual(['bytes of b', big])
})

test('g7: checkout --force of another branch takes what was staged; on the branch of the session it comes back', async () => {
  const { repository, session } = await committed()
  repository.git('branch', 'other')
  await session.add({ id: 'b', parts: [await session.file('b.txt', Buffer.from('bytes of b'))] })
  repository.commit('b')
  await session.add({ id: 'c', parts: [await session.file('c.txt', Buffer.from('bytes of c'))] })
  repository.git('add', '--all')
  repository.git('checkout', '--quiet', '--force', 'other')
  repository.git('checkout', '--quiet', 'main')
  expect(await restore(repository, '--yes')).toMatchObject({
    code: 0,
    stdout: expect.stringContaining('1 line and 1 file restored'),
  })
  expect(await contents(repository, 'b')).toEqual(['bytes of b'])
  expect(await contents(repository, 'c')).toEqual(['bytes of c'])
})

test('g7: what is stashed is not told as missing, and comes back once the stash is dropped', async () => {
  const { repository, session } = await committed()
  await session.add({ id: 'b', parts: [await session.file('b.txt', Buffer.from('bytes of b'))] })
  repository.git('stash', '--include-untracked', '--quiet')
  expect((await restore(repository)).stderr).toContain('nothing is missing')
  repository.git('stash', 'drop', '--quiet')
  expect((await restore(repository, '--yes')).stdout).toContain('1 line and 1 file restored')
  expect(await contents(repository, 'b')).toEqual(['bytes of b'])
})

test('a file is forgotten when it is committed, wherever the work tree is, and not before', async () => {
  const { repository, session } = await committed()
  repository.git('checkout', '--quiet', '-b', 'other')
  const [one, two] = [await session.file('1.txt', Buffer.from('one')), await session.file('2.txt', Buffer.from('two'))]
  await session.add({ id: 'b', parts: [one, two] })
  repository.git('add', `.sessions/default/files/${one.file.slice(7)}.txt`, repository.path('s.jsonl'))
  repository.git('commit', '--quiet', '--message=one')
  repository.git('checkout', '--quiet', 'main')
  await tidyNamespace(directory(repository))
  expect(kept(repository)).toEqual([`${two.file.slice(7)}.txt`])
  repository.git('checkout', '--quiet', 'other')
  repository.git('clean', '--quiet', '--force', '-d')
  expect((await restore(repository, '--yes')).stdout).toBe('default/s  1 file restored\n')
  expect(await contents(repository, 'b')).toEqual(['one', 'two'])
})

test('what only another branch has is brought from there', async () => {
  const { repository, session } = await committed()
  repository.git('checkout', '--quiet', '-b', 'other')
  await session.file('b.txt', Buffer.from('bytes of b'))
  repository.commit('b')
  repository.git('checkout', '--quiet', 'main')
  await session.add({ id: 'b', parts: [await session.file('b.txt', Buffer.from('bytes of b'))] })
  await tidyNamespace(directory(repository))
  expect(kept(repository)).toEqual([])
  repository.git('clean', '--quiet', '--force', '-d')
  expect((await restore(repository, '--yes')).stdout).toBe('default/s  1 file restored\n')
  expect(await contents(repository, 'b')).toEqual(['bytes of b'])
})

test('a file that is nowhere is named, its line comes back all the same, and restore ends with 3', async () => {
  const { repository, session } = await committed()
  const [lost, damaged, fine] = await Promise.all(
    ['lost', 'damaged', 'fine'].map((text) => session.file('b.txt', Buffer.from(text))),
  )
  await session.add({ id: 'b', parts: [lost!, damaged!, fine!] })
  repository.git('add', '--all')
  repository.git('reset', '--quiet', '--hard')
  const at = (file: string): string => join(directory(repository), '.cache/outbox-files', `${file.slice(7)}.txt`)
  rmSync(at(lost!.file))
  writeFileSync(at(damaged!.file), 'dabaged')
  expect(await restore(repository)).toMatchObject({ code: 3, stderr: expect.stringContaining(lost!.file) })
  const { code, stdout, stderr } = await restore(repository, '--yes')
  expect({ code, stdout }).toEqual({ code: 3, stdout: expect.stringContaining('1 line and 1 file restored') })
  for (const { file } of [lost!, damaged!]) expect(stderr).toContain(file)
  expect(stderr).not.toContain(fine!.file)
  expect(await contents(repository, 'b')).toEqual(['gone', 'gone', 'fine'])
})

test('session.restore brings the files back that the missing events name, and tells of one that is nowhere', async () => {
  const { repository, store, session, heard } = await committed()
  const [fine, lost] = [
    await session.file('1.txt', Buffer.from('fine')),
    await session.file('2.txt', Buffer.from('lost')),
  ]
  await session.add({ id: 'b', parts: [fine, lost] })
  repository.git('add', '--all')
  repository.git('reset', '--quiet', '--hard')
  rmSync(join(directory(repository), '.cache/outbox-files', `${lost.file.slice(7)}.txt`))
  await session.messages()
  const missing = heard.of('session.rewound').flatMap((event) => event.missing)
  expect(await session.restore(missing)).toBe(1)
  expect(Buffer.from((await store.getFile(fine.file))!).toString()).toBe('fine')
  expect(heard.of('store.error').map(({ error }) => error)).toMatchObject([
    { code: 'NOT_FOUND', message: expect.stringContaining(lost.file) },
  ])
})

test('gc never takes what kept lines name, and takes what is kept with the file', async () => {
  const { repository, store, session } = await committed()
  const [named, unnamed] = [
    await session.file('1.txt', Buffer.from('named')),
    await session.file('2.txt', Buffer.from('not')),
  ]
  await session.add({ id: 'b', parts: [named] })
  const names = [`${named.file.slice(7)}.txt`]
  expect((await store.gc({ ...NOW, dryRun: true })).files).toEqual([
    { name: `${unnamed.file.slice(7)}.txt`, sizeBytes: 3 },
  ])
  expect((await store.gc(NOW)).files).toEqual([{ name: `${unnamed.file.slice(7)}.txt`, sizeBytes: 3 }])
  expect(kept(repository)).toEqual(names)
  repository.git('add', '--all')
  repository.git('reset', '--quiet', '--hard')
  expect((await store.gc(NOW)).files).toEqual([])
  expect(kept(repository)).toEqual(names)
  await store.delete('s')
  await tidyNamespace(directory(repository))
  expect((await store.gc(NOW)).files).toEqual([{ name: names[0], sizeBytes: 5 }])
  expect(kept(repository)).toEqual([])
})

test('what is redacted is gone from what is kept, also where git has thrown the line away', async () => {
  const { repository, store, session } = await committed()
  await session.add({ id: 'b', parts: [await session.file('b.txt', Buffer.from('the secret'))] })
  const [, , line] = repository.lines('s.jsonl')
  repository.git('add', '--all')
  repository.git('reset', '--quiet', '--hard')
  await store.redact({ events: [(JSON.parse(line!) as { id: string }).id] })
  expect(kept(repository)).toEqual([])
  await session.add({ id: 'c', parts: [await session.file('c.txt', Buffer.from('another secret'))] })
  repository.git('clean', '--quiet', '--force', '-d')
  await store.redact({ text: 'another secret' })
  expect(kept(repository)).toEqual([])
  expect(await restore(repository, '--yes')).toMatchObject({ code: 0 })
  expect(readFileSync(logPath(repository.root, 's'), 'utf8')).not.toContain('sha256-')
})

test('where the disk has no links, a copy is kept; a line keeps what another process has stored', async () => {
  const { repository, session } = await committed()
  const real = io.linkSync
  onTestFinished(() => void (io.linkSync = real))
  io.linkSync = () => {
    throw Object.assign(new Error('EPERM'), { code: 'EPERM' })
  }
  const part = await session.file('b.txt', Buffer.from('bytes of b'))
  const name = `${part.file.slice(7)}.txt`
  const at = join(directory(repository), '.cache/outbox-files', name)
  expect(statSync(at).nlink).toBe(1)
  const { ino } = statSync(at)
  await session.file('b.txt', Buffer.from('bytes of b'))
  expect(statSync(at).ino).toBe(ino)
  rmSync(at)
  const { store } = await open(repository.root)
  await (await store.get('s'))!.add({ id: 'b', parts: [part] })
  expect(readFileSync(at, 'utf8')).toBe('bytes of b')
  repository.git('clean', '--quiet', '--force', '-d')
  expect((await restore(repository, '--yes')).code).toBe(0)
  expect(await contents(repository, 'b')).toEqual(['bytes of b'])
})

test('a session without files pays nothing', async () => {
  const { repository, session } = await committed()
  const calls: string[] = []
  const real = { ...io }
  onTestFinished(() => void Object.assign(io, real))
  for (const [name, call] of Object.entries(real)) {
    Object.assign(io, {
      [name]: (...args: unknown[]) => (calls.push(name), (call as (...all: unknown[]) => unknown)(...args)),
    })
  }
  await session.add({ id: 'b', text: '"sha256-' })
  // The log, and the outbox.
  expect(calls.filter((name) => name !== 'fstatSync')).toEqual(['writeSync', 'statSync', 'writeSync', 'statSync'])
  expect(existsSync(join(directory(repository), '.cache/outbox-files'))).toBe(false)
})

test('what git ignores need not be kept', async () => {
  const { repository, session } = await committed()
  mkdirSync(join(directory(repository), 'files'))
  writeFileSync(join(directory(repository), 'files/.gitignore'), '*\n')
  await session.add({ id: 'b', parts: [await session.file('b.txt', Buffer.from('bytes of b'))] })
  expect(kept(repository)).toHaveLength(1)
  await tidyNamespace(directory(repository))
  expect(kept(repository)).toEqual([])
})
