/**
 * Several writers in a shared root: real processes, each with files of its own.
 */
import { appendFileSync, existsSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { newId } from '../../src/id.ts'
import type { Message } from '../../src/message.ts'
import { OtherProcess } from '../support/child.ts'
import { PATIENT, rounds } from '../support/rounds.ts'
import { anew, idsOf, logPath, open, temp, textsOf } from '../support/temp.ts'
import { filesOf, linesOf } from './copies.ts'

const WRITERS = 4
const SHARED = { shared: true } as const

test(
  'row 22: four writers of one session share no file, and everybody sees all in the same order',
  PATIENT,
  async () => {
    const root = temp()
    const others = Array.from({ length: WRITERS }, () => new OtherProcess(root, SHARED))
    await others[0]!.do('create', { id: 's' })
    const each = rounds(300)
    const written = await Promise.all(
      others.map((other, writer) => {
        const texts = Array.from({ length: each }, (_, n) => ({ text: `${writer} ${'x'.repeat((n % 9) * 500)}` }))
        return other.do<string[]>('addEach', 's', texts)
      }),
    )
    const { messages, damage } = await anew(root, 's')
    expect(damage).toEqual([])
    expect(idsOf(messages).sort()).toEqual(written.flat().sort())
    for (const other of others) expect(idsOf(await other.do<Message[]>('messages', 's'))).toEqual(idsOf(messages))

    const writerOf = new Map(written.flatMap((ids, writer) => ids.map((id) => [id, writer])))
    const paths = filesOf(root, 's')
    expect(paths.length).toBeGreaterThanOrEqual(WRITERS)
    for (const path of paths) {
      const ids = linesOf(path).flatMap(({ type, data }) => (type === 'message.created' ? [data.id!] : []))
      expect(new Set(ids.map((id) => writerOf.get(id))).size).toBe(1)
    }
    expect(existsSync(logPath(root, 's'))).toBe(false)
  },
)

test.each([1, 3])(
  'a session that %i writers wrote and nobody listed is listed by who comes new to it',
  async (count) => {
    const root = temp()
    const others = Array.from({ length: count }, () => new OtherProcess(root, SHARED))
    await others[0]!.do('create', { id: 's' })
    for (const [n, other] of others.entries()) await other.do('addEach', 's', [{ text: `of ${n}` }])
    expect(existsSync(logPath(root, 's'))).toBe(false)
    const { store } = await open(root, SHARED)
    const { items } = await store.list()
    expect(items.map(({ id, messageCount }) => [id, messageCount])).toEqual([['s', count]])
  },
)

test('a segment of 256 KB is not appended to: the next lines begin another one', async () => {
  const root = temp()
  const { store } = await open(root, SHARED)
  const session = await store.create({ id: 's' })
  const ids: string[] = []
  for (let n = 0; n < 12; n++) ids.push((await session.add({ text: `${n} ${'x'.repeat(100_000)}` })).id)
  expect(idsOf(await session.messages())).toEqual(ids)
  const sizes = filesOf(root, 's').map((path) => statSync(path).size)
  expect(sizes.length).toBe(4)
  for (const size of sizes) expect(size).toBeLessThan(256 * 1024 + 101_000)
  const { messages, info } = await anew(root, 's')
  expect(idsOf(messages)).toEqual(ids)
  expect(info).toEqual(session.info)
})

test('each run has a segment of its own, and a descriptor that was let go of is opened again', async () => {
  const root = temp()
  const { store } = await open(root, SHARED)
  const session = await store.create({ id: 's' })
  await session.add({ text: 'one' })
  await session.close()
  await (await store.get('s'))!.add({ text: 'two' })
  expect(filesOf(root, 's').length).toBe(1)
  await store.close()
  const { store: later } = await open(root, SHARED)
  const again = (await later.get('s'))!
  await again.add({ text: 'three' })
  expect(filesOf(root, 's').length).toBe(2)
  expect(textsOf(await again.messages())).toEqual(['one', 'two', 'three'])
})

test('a session that has a first file keeps it as it is', async () => {
  const root = temp()
  const { store } = await open(root)
  await (await store.create({ id: 's' })).add({ text: 'before' })
  await store.close()
  const { size } = statSync(logPath(root, 's'))
  const { store: shared } = await open(root, SHARED)
  await (await shared.get('s'))!.add({ text: 'after' })
  expect(statSync(logPath(root, 's')).size).toBe(size)
  expect(textsOf((await anew(root, 's')).messages)).toEqual(['before', 'after'])
  await expect(shared.create({ id: 's' })).rejects.toMatchObject({ code: 'ALREADY_EXISTS' })
})

test('what somebody else put into one’s own segment stays, and the segment is given up', async () => {
  const root = temp()
  const { store } = await open(root, SHARED)
  const session = await store.create({ id: 's' })
  await session.add({ text: 'one' })
  const [path] = filesOf(root, 's')
  appendFileSync(path!, '{"torn')
  await session.add({ text: 'two' })
  await session.add({ text: 'three' })
  expect(filesOf(root, 's').length).toBe(2)
  const { messages } = await anew(root, 's')
  expect(textsOf(messages)).toEqual(['one', 'two', 'three'])
})

test('events of another writer are heard as they come, its sessions, its segments and its deletions', async () => {
  const root = temp()
  const { store, heard } = await open(root, { ...SHARED, watch: true })
  const other = new OtherProcess(root, SHARED)
  await other.do('create', { id: 's', title: 'from elsewhere' })
  await heard.until(() => heard.of('session.created').length === 1)
  const ids = await other.do<string[]>('addEach', 's', [{ text: 'one' }, { text: 'two' }])
  await heard.until(() => heard.messageIds.length === 2)
  const session = (await store.get('s'))!
  const mine = await session.add({ text: 'three' })
  ids.push(mine.id, ...(await other.do<string[]>('addEach', 's', [{ text: 'four' }])))
  await heard.until(() => heard.messageIds.length === 4)
  expect(heard.messageIds).toEqual(ids)
  await other.do('delete', 's')
  await heard.until(() => heard.of('session.deleted').length === 1)
  expect(heard.of('session.deleted')).toMatchObject([{ sessionId: 's', origin: 'external' }])
  expect((await store.list()).items).toEqual([])
})

test('a tail follows all files, and its cursors resume in each', async () => {
  const root = temp()
  const { store } = await open(root, SHARED)
  const session = await store.create({ id: 's' })
  const other = new OtherProcess(root, SHARED)
  const texts: string[] = []
  const cursors: string[] = []
  const tail = session.tail()
  for (let n = 0; n < 3; n++) {
    await session.add({ id: `own ${n}`, text: '' })
    await other.do('add', 's', { id: `other ${n}`, text: '' })
  }
  for await (const event of tail) {
    cursors.push(event.cursor)
    if (event.type === 'message.created') texts.push((event.data as { id: string }).id)
    if (texts.length === 6) break
  }
  expect(texts.sort()).toEqual(['other 0', 'other 1', 'other 2', 'own 0', 'own 1', 'own 2'])
  const all: string[] = []
  for await (const { id } of session.events()) all.push(id)
  for (const cursor of cursors) {
    const rest: string[] = []
    for await (const { id } of session.events({ after: cursor })) rest.push(id)
    expect(all.slice(all.length - rest.length)).toEqual(rest)
  }
})

test('forks and merges have segments too, and a merge that is repeated adds nothing', async () => {
  const root = temp()
  const { store } = await open(root, SHARED)
  const session = await store.create({ id: 's' })
  await session.add({ text: 'one' })
  const fork = await store.fork('s', { id: 'fork' })
  await fork.add({ text: 'two' })
  expect(textsOf(await fork.messages())).toEqual(['one', 'two'])
  const time = '2026-11-20T10:00:00.000Z'
  const lines = [
    { id: newId(), type: 'session.created', time, data: { title: 'merged' } },
    { id: newId(), type: 'todo.added', time, data: { text: 'a' } },
  ]
  expect(await store.merge('merged', lines)).toEqual({ added: 2, known: 0 })
  expect(await store.merge('merged', lines)).toEqual({ added: 0, known: 2 })
  await store.close()
  const { store: later } = await open(root, SHARED)
  expect(await later.merge('merged', lines)).toEqual({ added: 0, known: 2 })
  expect(filesOf(root, 'merged').length).toBe(1)
  for (const id of ['s', 'fork', 'merged']) expect(existsSync(logPath(root, id))).toBe(false)
})

test('guards are not there, and whether a root is shared is said by its capabilities', async () => {
  const { store } = await open(temp(), SHARED)
  expect(store.capabilities).toMatchObject({ guards: 'none', shared: true })
  const { store: other } = await open(temp())
  expect(other.capabilities.shared).toBe(false)
  await expect(open(temp(), { shared: 'yes' as never })).rejects.toMatchObject({ code: 'INVALID_OPTION' })
})

test('the infos cache is right for sessions of several files, and for those that were deleted', async () => {
  const root = temp()
  const { store } = await open(root, SHARED)
  for (const id of ['a', 'b']) await (await store.create({ id })).add({ text: id })
  expect((await store.list()).items.length).toBe(2)
  await store.close()
  const other = new OtherProcess(root, SHARED)
  await other.do('add', 'a', { text: 'more' })
  await other.do('delete', 'b')
  const { store: later } = await open(root, SHARED)
  expect((await later.list()).items).toMatchObject([{ id: 'a', messageCount: 2 }])
  expect((await later.list()).items).toEqual([(await anew(root, 'a')).info])
})

test('bytes that are no line in a segment are damage, and the others are read', async () => {
  const root = temp()
  const { store } = await open(root, SHARED)
  const session = await store.create({ id: 's' })
  writeFileSync(join(root, 'default', `s.${newId()}.jsonl`), 'not ours\n')
  await session.add({ text: 'one' })
  expect((await anew(root, 's')).damage.length).toBe(1)
})
