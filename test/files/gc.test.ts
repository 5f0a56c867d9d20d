/**
 * What fsck says of files, and what gc removes, while others write.
 */
import { appendFileSync, mkdirSync, readdirSync, renameSync, unlinkSync, utimesSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { setImmediate } from 'node:timers/promises'
import { expect, onTestFinished, test } from 'vitest'
import { fileBackend } from '../../src/backends/file/index.ts'
import { io } from '../../src/backends/file/io.ts'
import { memoryBackend } from '../../src/backends/memory.ts'
import { Child } from '../support/child.ts'
import { PATIENT, rounds } from '../support/rounds.ts'
import { logPath, open, temp } from '../support/temp.ts'
import { reportsOf } from './reports.ts'

const NOW = { olderThan: 0 }

function folder(root: string): string {
  return join(root, 'default', 'files')
}

function stored(file: string): string {
  return `${file.slice('sha256-'.length)}.txt`
}

test.each(['file', 'memory', 'shared'])(
  'a file goes when the last session that names it is deleted, and not before (%s)',
  async (kind) => {
    const { store } = await open(
      kind === 'memory' ? memoryBackend() : temp(),
      kind === 'shared' ? { shared: true } : {},
    )
    const session = await store.create({ id: 's' })
    const part = await session.file('a.txt', Buffer.from('named'))
    await session.add({ id: 'm', parts: [part] })
    const fork = await store.fork('s', { id: 'fork' })
    const unnamed = await session.file('b.txt', Buffer.from('not named'))
    expect((await store.gc()).files).toEqual([])
    expect(await reportsOf(store)).toMatchObject([{ kind: 'unreferenced', file: unnamed.file, usedBy: [] }])
    expect(await reportsOf(store, 's')).toEqual([])
    await session.remove('m')
    await store.delete('s')
    expect(await store.gc({ ...NOW, dryRun: true })).toEqual({
      files: [{ name: stored(unnamed.file), sizeBytes: 9 }],
      sizeBytes: 9,
    })
    expect(await store.getFile(unnamed.file)).toBeDefined()
    expect((await store.gc(NOW)).files).toEqual([{ name: stored(unnamed.file), sizeBytes: 9 }])
    expect(await store.getFile(unnamed.file)).toBeUndefined()
    expect(Buffer.from((await store.getFile(part.file))!).toString()).toBe('named')
    await fork.close()
    await store.delete('fork')
    expect((await store.gc(NOW)).files).toEqual([{ name: stored(part.file), sizeBytes: 5 }])
    expect(await reportsOf(store)).toEqual([])
    await expect(store.gc({ olderThan: -1 })).rejects.toMatchObject({ code: 'INVALID_OPTION' })
  },
)

test.each(['file', 'memory'])('others get their turn after each log that it looks at (%s)', async (kind) => {
  const { store } = await open(kind === 'memory' ? memoryBackend() : temp())
  for (let at = 0; at < 50; at++) await (await store.create()).add({ text: 'hello' })
  const over = new AbortController()
  const turns = (async () => {
    let count = 0
    for (; !over.signal.aborted; count++) await setImmediate()
    return count
  })()
  await store.gc({ ...NOW, dryRun: true })
  over.abort()
  expect(await turns).toBeGreaterThanOrEqual(50)
})

test('fsck tells what is missing and damaged, and who names it', async () => {
  const root = temp()
  const { store } = await open(root)
  const session = await store.create({ id: 's' })
  const [lost, bad, fine] = await Promise.all(
    ['lost', 'bad', 'fine'].map((text) => session.file('a.txt', Buffer.from(text))),
  )
  await session.add({ parts: [lost!, bad!] })
  await session.add({ parts: [lost!, fine!] })
  await (await store.create({ id: 'other' })).add({ parts: [fine!] })
  unlinkSync(join(folder(root), stored(lost!.file)))
  writeFileSync(join(folder(root), stored(bad!.file)), 'dab')
  const user = { sessionId: 's', eventId: expect.any(String) as string }
  const expected = [
    { namespace: 'default', kind: 'missing', file: lost!.file, sizeBytes: 0, usedBy: [user, user] },
    { namespace: 'default', kind: 'damaged', file: bad!.file, sizeBytes: 3, usedBy: [user] },
  ]
  expect(await reportsOf(store)).toEqual(expected)
  expect(await reportsOf(store, 's')).toEqual(expected)
  expect(await reportsOf(store, 'other')).toEqual([])
  await expect(reportsOf(store, 'nobody')).rejects.toMatchObject({ code: 'NOT_FOUND' })
  // What makes a log unreadable is told of the log.
  renameSync(logPath(root, 'other'), join(root, 'elsewhere'))
  writeFileSync(logPath(root, 'other'), '')
  expect((await reportsOf(store)).map(({ kind }) => kind)).toEqual(['missing', 'damaged'])
})

test('what any text names stays: damage, escapes, own events, drafts, kept lines; and what is not ours', async () => {
  const root = temp()
  const { store } = await open(root)
  const session = await store.create({ id: 's' })
  const files = await Promise.all(
    ['torn', 'escaped', 'own', 'draft', 'kept', 'none'].map((text) => session.file('a.txt', Buffer.from(text))),
  )
  const [torn, escaped, own, draft, kept, none] = files.map(({ file }) => file)
  appendFileSync(logPath(root, 's'), `{"v":1,"id":"torn","data":{"file":"${torn}\n`)
  appendFileSync(logPath(root, 's'), `{"v":1,"x":"${String.raw`\u0073ha256-`}${escaped!.slice(7)}"}\n`)
  await session.append('todo.added', { see: `it is in ${own}` })
  const drafts = fileBackend(root)
  await drafts.files.put('default', 'not-ours.txt', Buffer.from('x'))
  await drafts.close()
  mkdirSync(join(root, 'default', '.live'))
  writeFileSync(join(root, 'default', '.live', 's.m.jsonl'), `{"file":"${draft}"}\n`)
  appendFileSync(logPath(root, 's'), `{"kept":"${kept}"\n`)
  await session.repair()
  expect((await store.gc(NOW)).files.map(({ name }) => name)).toEqual([stored(none!)])
  expect(readdirSync(folder(root))).toHaveLength(6)
})

test('a log that cannot be read stops gc before anything is removed', async () => {
  const root = temp()
  const { store } = await open(root)
  const session = await store.create({ id: 's' })
  await session.file('a.txt', Buffer.from('x'))
  const real = io.readSync
  onTestFinished(() => void (io.readSync = real))
  io.readSync = () => {
    throw Object.assign(new Error('EIO'), { code: 'EIO' })
  }
  await expect(store.gc(NOW)).rejects.toMatchObject({ code: 'STORAGE_FAILED' })
  io.readSync = real
  expect(readdirSync(folder(root))).toHaveLength(1)
  expect((await store.gc(NOW)).files).toHaveLength(1)
})

test('a file that is named, or stored again, while it is collected is put back; until then it can be read', async () => {
  const root = temp()
  const { store } = await open(root)
  const session = await store.create({ id: 's' })
  const [named, again, other] = await Promise.all(
    ['named', 'again', 'other'].map((text) => session.file('a.txt', Buffer.from(text))),
  )
  const backend = fileBackend(root, { fsync: 'never' })
  const listed = await backend.files.list('default', '')
  const removed = await backend.rewrites!.sweep('default', listed, async () => {
    expect(readdirSync(folder(root)).every((name) => name.endsWith('.gone'))).toBe(true)
    expect(Buffer.from((await store.getFile(named!.file))!).toString()).toBe('named')
    expect(await reportsOf(store, 's')).toEqual([])
    await session.add({ parts: [named!] })
    await session.file('a.txt', Buffer.from('again'))
    return (name) => name === stored(named!.file)
  })
  expect(removed).toEqual([stored(other!.file)])
  expect(readdirSync(folder(root)).sort()).toEqual([named!, again!].map(({ file }) => stored(file)).sort())
  await backend.close()
})

test('a gc that was killed half-way hides nothing, and the next one completes it', async () => {
  const root = temp()
  const { store } = await open(root)
  const session = await store.create({ id: 's' })
  const [named, unnamed] = await Promise.all(
    ['named', 'unnamed'].map((text) => session.file('a.txt', Buffer.from(text))),
  )
  await session.add({ parts: [named!] })
  for (const { file } of [named!, unnamed!])
    renameSync(join(folder(root), stored(file)), join(folder(root), `.${stored(file)}.gone`))
  expect(Buffer.from((await store.getFile(named!.file))!).toString()).toBe('named')
  expect((await reportsOf(store)).map(({ kind }) => kind)).toEqual(['unreferenced'])
  expect((await store.gc(NOW)).files).toMatchObject([{ name: stored(unnamed!.file) }])
  expect(readdirSync(folder(root))).toEqual([`.${stored(named!.file)}.gone`])
  // Stored again, it is in its place, and what is aside is left over.
  await session.file('a.txt', Buffer.from('named'))
  expect(Buffer.from((await store.getFile(named!.file))!).toString()).toBe('named')
  for await (const bytes of session.openFile(named!)) expect(Buffer.from(bytes).toString()).toBe('named')
  expect(await reportsOf(store, 's')).toEqual([])
  expect((await reportsOf(store)).map(({ kind }) => kind)).toEqual(['leftover'])
  utimesSync(join(folder(root), `.${stored(named!.file)}.gone`), 1000, 1000)
  expect((await store.gc(NOW)).files).toHaveLength(1)
  expect(readdirSync(folder(root))).toEqual([stored(named!.file)])
})

test('whoever stores and names files while gc runs again and again finds each of them', PATIENT, async () => {
  const root = temp()
  const { store } = await open(root)
  await store.create({ id: 's' })
  const child = new Child('putter', root, 'race', String(rounds(10_000)))
  let removed = 0
  let isDone = false
  const ended = Promise.allSettled([child.line()]).finally(() => (isDone = true))
  // oxlint-disable-next-line no-unmodified-loop-condition -- set when the child has answered or ended
  while (!isDone) {
    removed += (await store.gc({ olderThan: 100 })).files.length
    // What the child says is read between two rounds.
    await setImmediate()
  }
  const [answer] = await ended
  if (answer.status === 'rejected') throw answer.reason
  const { checked, lost } = JSON.parse(answer.value) as { lost: number; checked: number }
  expect(lost).toBe(0)
  expect(checked).toBeGreaterThan(0)
  expect(removed).toBeGreaterThan(0)
})
