/**
 * Changes made by other processes, as the bus and tails of this one tell them. Run with both versions of chokidar.
 */
import {
  appendFileSync,
  copyFileSync,
  existsSync,
  mkdirSync,
  readFileSync,
  renameSync,
  rmSync,
  symlinkSync,
  unlinkSync,
  writeFileSync,
} from 'node:fs'
import { join } from 'node:path'
import { expect, test, vi } from 'vitest'
import { Bus, type BusEvent } from '../src/bus.ts'
import type { Session } from '../src/session.ts'
import type { TailEvent, TailOptions } from '../src/tail.ts'
import { Child, OtherProcess } from './support/child.ts'
import { PATIENT, rounds } from './support/rounds.ts'
import { anew, idsOf, logPath, open, temp, textsOf } from './support/temp.ts'

type Told = readonly [type: string, origin: string | undefined, id: string | undefined]

/** Type, origin and what it is about, of each event. */
function told(events: readonly BusEvent[]): Told[] {
  return events.map((event) => {
    const origin = 'origin' in event ? event.origin : undefined
    const data = 'event' in event ? (event.event?.data as { id?: string; messageId?: string } | undefined) : undefined
    return [event.type, origin, data?.id ?? data?.messageId ?? ('sessionId' in event ? event.sessionId : undefined)]
  })
}

const noUpdates = (events: readonly BusEvent[]): BusEvent[] => events.filter(({ type }) => type !== 'session.updated')

/** The first `count` events of a tail. */
async function take(session: Session, count: number, options: TailOptions = {}): Promise<TailEvent[]> {
  const events: TailEvent[] = []
  for await (const event of session.tail(options)) {
    events.push(event)
    if (events.length === count) break
  }
  return events
}

async function all(events: AsyncIterable<TailEvent>): Promise<TailEvent[]> {
  const list: TailEvent[] = []
  for await (const event of events) list.push(event)
  return list
}

test('what others do is external, what is done here is local, and each is told once, after it is in the file', async () => {
  const root = temp()
  const { store, heard, bus } = await open(root, { watch: true })
  const inFile: boolean[] = []
  bus.on('message.created', ({ sessionId, event }) => {
    inFile.push(readFileSync(logPath(root, sessionId), 'utf8').includes(event.id))
  })
  const other = new OtherProcess(root)
  const session = await store.create({ id: 's' })
  await session.add({ id: 'a', text: 'mine' })
  await other.do('add', 's', { id: 'b', text: 'theirs' })
  await heard.until(() => heard.messageIds.includes('b'))
  await session.add({ id: 'c', text: 'mine' })
  await other.do('add', 's', { id: 'd', text: 'theirs' })
  await heard.until(() => heard.messageIds.includes('d'))
  expect(told(noUpdates(heard.all))).toEqual([
    ['session.created', 'local', 's'],
    ['message.created', 'local', 'a'],
    ['message.created', 'external', 'b'],
    ['message.created', 'local', 'c'],
    ['message.created', 'external', 'd'],
  ])
  expect(inFile).toEqual([true, true, true, true])
  expect(heard.of('session.updated').map(({ origin }) => origin)).toEqual(['local', 'external', 'local', 'external'])
})

test('every kind of event of another process comes as the same event of the bus, with the info after it', async () => {
  const root = temp()
  const { store, heard } = await open(root, { watch: true })
  const other = new OtherProcess(root)
  await other.do('create', { id: 's', title: 'Theirs' })
  await other.do('add', 's', { id: 'm', text: 'one' })
  await other.do('call', 's', 'update', 'm', { status: 'failed' })
  await other.do('call', 's', 'part', 'm', { id: 'p9', type: 'text', text: 'two' })
  await other.do('append', 's', 'todo.added', { id: 'todo' })
  await other.do('set', 's', { title: 'Renamed' })
  await other.do('call', 's', 'remove', 'm')
  await heard.until(() => heard.of('message.deleted').length > 0)
  expect(told(noUpdates(heard.all))).toEqual([
    ['session.created', 'external', 's'],
    ['message.created', 'external', 'm'],
    ['message.updated', 'external', 'm'],
    ['part.updated', 'external', 'm'],
    ['todo.added', 'external', 'todo'],
    ['message.deleted', 'external', 's'],
  ])
  const infos = heard.of('session.updated').map(({ info }) => info)
  expect(infos.map(({ title }) => title)).toContain('Renamed')
  expect(infos.at(-1)).toMatchObject({ title: 'Renamed', messageCount: 0 })
  expect((await store.get('s'))!.info).toEqual(infos.at(-1))
})

test('sessions that others create and delete are told, each once', async () => {
  const root = temp()
  const { store, heard } = await open(root, { watch: true })
  const other = new OtherProcess(root)
  for (const id of ['one', 'two', 'three']) await other.do('create', { id, title: `title of ${id}` })
  await heard.until(() => heard.of('session.created').length === 3)
  // Sessions are in no order among each other.
  const titles = new Map(heard.of('session.created').map(({ sessionId, info }) => [sessionId, info.title]))
  for (const id of ['one', 'two', 'three']) expect(titles.get(id)).toBe(`title of ${id}`)
  await other.do('delete', 'two')
  await heard.until(() => heard.of('session.deleted').length === 1)
  await other.do('create', { id: 'four' })
  await heard.until(() => heard.of('session.created').length === 4)
  expect(told(heard.of('session.deleted'))).toEqual([['session.deleted', 'external', 'two']])
  expect((await store.list()).items.map(({ id }) => id).sort()).toEqual(['four', 'one', 'three'])
})

test('a log that is removed by hand is told as deleted once, whether it is open here or not', async () => {
  const root = temp()
  const { store, heard } = await open(root)
  await store.create({ id: 'open' })
  await store.create({ id: 'not-open' })
  const watching = await open(root, { watch: true })
  const session = (await watching.store.get('open'))!
  unlinkSync(logPath(root, 'open'))
  unlinkSync(logPath(root, 'not-open'))
  await watching.heard.until(() => watching.heard.of('session.deleted').length === 2)
  await expect(session.messages()).rejects.toMatchObject({ code: 'NOT_FOUND' })
  expect(await watching.store.get('not-open')).toBeUndefined()
  const other = new OtherProcess(root)
  await other.do('create', { id: 'last' })
  await watching.heard.until(() => watching.heard.of('session.created').length > 0)
  const deleted = watching.heard.of('session.deleted')
  expect(deleted.map(({ sessionId }) => sessionId).sort()).toEqual(['not-open', 'open'])
  expect(deleted.every(({ origin }) => origin === 'external')).toBe(true)
  expect(heard.of('session.deleted')).toEqual([])
})

test('a session that is deleted and created anew by others is told as both', async () => {
  const root = temp()
  const { store, heard } = await open(root, { watch: true })
  const other = new OtherProcess(root)
  await store.create({ id: 's', title: 'old' })
  await other.do('delete', 's')
  await heard.until(() => heard.of('session.deleted').length === 1)
  await other.do('create', { id: 's', title: 'new' })
  await other.do('add', 's', { id: 'm', text: 'hello' })
  await heard.until(() => heard.messageIds.includes('m'))
  expect(told(noUpdates(heard.all))).toEqual([
    ['session.created', 'local', 's'],
    ['session.deleted', 'external', 's'],
    ['session.created', 'external', 's'],
    ['message.created', 'external', 'm'],
  ])
  expect((await store.get('s'))!.info.title).toBe('new')
})

test('a root and a namespace that are made later are watched', async () => {
  const root = join(temp(), 'not', 'yet')
  const { heard } = await open(root, { watch: true, namespace: 'later' })
  expect(existsSync(root)).toBe(false)
  const other = new OtherProcess(root, { namespace: 'later' })
  await other.do('create', { id: 's' })
  await other.do('add', 's', { id: 'm', text: 'hello' })
  await heard.until(() => heard.messageIds.includes('m'))
  expect(told(noUpdates(heard.all))).toEqual([
    ['session.created', 'external', 's'],
    ['message.created', 'external', 'm'],
  ])
})

test('a namespace that is removed and made again is still watched', async () => {
  const root = temp()
  const { heard } = await open(root, { watch: true })
  const other = new OtherProcess(root)
  await other.do('create', { id: 'before' })
  await heard.until(() => heard.of('session.created').length === 1)
  rmSync(join(root, 'default'), { recursive: true })
  await heard.until(() => heard.of('session.deleted').length === 1)
  await other.do('create', { id: 'after' })
  await heard.until(() => heard.of('session.created').length === 2)
  expect(told(noUpdates(heard.all))).toEqual([
    ['session.created', 'external', 'before'],
    ['session.deleted', 'external', 'before'],
    ['session.created', 'external', 'after'],
  ])
})

test('the other namespaces of a store that watches are watched, too, and each hears of its own', async () => {
  const root = temp()
  const { store, heard } = await open(root, { watch: true })
  const second = store.namespace('second')
  const [here, there]: BusEvent[][] = [[], []]
  store.on('*', (event) => here!.push(event))
  second.on('*', (event) => there!.push(event))
  const other = new OtherProcess(root, { namespace: 'second' })
  await other.do('create', { id: 's' })
  await heard.until(() => heard.of('session.created').length === 1)
  const own = new OtherProcess(root)
  await own.do('create', { id: 't' })
  await heard.until(() => heard.of('session.created').length === 2)
  expect(told(there!)).toEqual([['session.created', 'external', 's']])
  expect(told(here!)).toEqual([['session.created', 'external', 't']])
})

test(
  'row 37: whatever is written before, while and after a watcher attaches has no gap and is told at most once',
  PATIENT,
  async () => {
    for (let round = 0; round < rounds(30); round++) {
      const root = temp()
      const { store } = await open(root)
      const session = await store.create({ id: 's' })
      const writer = new Child('writer', root, 's', '400', '200')
      await writer.line()
      writer.say('go')
      await writer.until(() => writer.lines.length > 1 + 10 * round)
      const watching = await open(root, { watch: true })
      const inFile = readFileSync(logPath(root, 's')).filter((byte) => byte === 0x0a).length - 1
      await writer.until(() => writer.lines.includes('done'))
      const ids = writer.lines.slice(1, -1)
      expect(ids).toHaveLength(400)
      // Looked at first, so that its id is greater than what it has not seen of the same millisecond.
      expect(await session.messages()).toHaveLength(400)
      await session.add({ id: 'last', text: 'last' })
      await watching.heard.until(() => watching.heard.messageIds.includes('last'))
      // What was in the file by then may have been there before; from the first one on that is told, none is missing.
      const told = watching.heard.messageIds
      expect(told).toEqual([...ids, 'last'].slice(-told.length))
      expect(told.length).toBeGreaterThanOrEqual(401 - inFile)
      expect(watching.heard.of('session.created')).toEqual([])
      const { messages, damage } = await anew(root, 's')
      expect(idsOf(messages)).toEqual([...ids, 'last'])
      expect(damage).toEqual([])
      await writer.kill()
      await watching.store.close()
    }
  },
)

test(
  'row 37: sessions that are created while a watcher attaches are listed or told, none of them twice',
  PATIENT,
  async () => {
    for (let round = 0; round < rounds(30); round++) {
      const root = temp()
      const creator = new Child('creator', root)
      await creator.until(() => creator.lines.length > 5 * round)
      const { store, heard } = await open(root, { watch: true })
      const listed = (await store.list({ limit: 100_000 })).items.map(({ id }) => id)
      const from = creator.lines.length
      await creator.until(() => creator.lines.length > from + 10)
      await creator.kill()
      const toldIds = (): string[] => heard.of('session.created').map(({ sessionId }) => sessionId)
      const last = creator.lines.at(-1)!
      await heard.until(() => toldIds().includes(last))
      expect(new Set(toldIds()).size).toBe(toldIds().length)
      const known = new Set([...listed, ...toldIds()])
      expect(creator.lines.filter((id) => !known.has(id))).toEqual([])
      await store.close()
    }
  },
)

test('a store that is closed hears of nothing any more, and its root can be watched again', async () => {
  const root = temp()
  const first = await open(root, { watch: true })
  await first.store.create({ id: 's' })
  await first.store.close()
  const count = first.heard.all.length
  const second = await open(root, { watch: true })
  const other = new OtherProcess(root)
  await other.do('add', 's', { id: 'm', text: 'hello' })
  await second.heard.until(() => second.heard.messageIds.includes('m'))
  expect(first.heard.all).toHaveLength(count)
})

test('a store that cannot watch is not opened, and holds nothing', async () => {
  const [root, outside] = [temp(), temp()]
  symlinkSync(outside, join(root, 'default'))
  await expect(open(root, { watch: true })).rejects.toMatchObject({ code: 'NOT_A_LOG' })
  // A child that does the same ends by itself.
  const child = new Child('watcher', root)
  expect(await child.line()).toBe('NOT_A_LOG')
  await child.gone()
})

test('a namespace that cannot be watched is an error of the store, which can be used and closed', async () => {
  const [root, outside] = [temp(), temp()]
  const { store, heard } = await open(root, { watch: true })
  symlinkSync(outside, join(root, 'linked'))
  store.namespace('linked')
  await heard.until(() => heard.of('store.error').length > 0)
  expect(heard.of('store.error')[0]).toMatchObject({ namespace: 'linked', error: { code: 'NOT_A_LOG' } })
  await store.create({ id: 's' })
  await store.close()
  await expect(store.get('s')).rejects.toMatchObject({ code: 'CLOSED' })
})

test('what others did to a session that is opened before anybody noticed is told once, too', async () => {
  const root = temp()
  const { store: other } = await open(root)
  await (await other.create({ id: 'known' })).add({ id: 'before', text: 'before' })
  const { store, heard } = await open(root, { watch: true })
  // In the same turn of the event loop: no hint can have come in between.
  await (await other.get('known'))!.add({ id: 'a', text: 'unnoticed' })
  await (await other.create({ id: 'new' })).add({ id: 'b', text: 'unnoticed' })
  await store.get('known')
  await store.get('new')
  await (await other.get('known'))!.add({ id: 'c', text: 'noticed' })
  await (await other.get('new'))!.add({ id: 'd', text: 'noticed' })
  await heard.until(() => heard.messageIds.includes('c') && heard.messageIds.includes('d'))
  const of = (sessionId: string): Told[] =>
    told(noUpdates(heard.all).filter((event) => 'sessionId' in event && event.sessionId === sessionId))
  expect(of('known')).toEqual([
    ['message.created', 'external', 'a'],
    ['message.created', 'external', 'c'],
  ])
  expect(of('new')).toEqual([
    ['session.created', 'external', 'new'],
    ['message.created', 'external', 'b'],
    ['message.created', 'external', 'd'],
  ])
})

test('a log that nobody has open and that is replaced is told as rewound', async () => {
  const root = temp()
  const { store: other } = await open(root)
  const session = await other.create({ id: 's' })
  for (const id of ['a', 'b']) await session.add({ id, text: id })
  const { store, heard } = await open(root, { watch: true })
  const path = logPath(root, 's')
  const [created, a] = readFileSync(path, 'utf8').split('\n')
  writeFileSync(`${path}.tmp`, `${created}\n${a}\n`)
  renameSync(`${path}.tmp`, path)
  await heard.until(() => heard.of('session.rewound').length === 1)
  expect(heard.of('session.rewound')[0]).toMatchObject({ sessionId: 's', info: { messageCount: 1 } })
  await session.add({ id: 'c', text: 'c' })
  await heard.until(() => heard.messageIds.length > 0)
  expect(heard.messageIds).toEqual(['c'])
  expect(heard.of('store.error')).toEqual([])
  expect(idsOf(await (await store.get('s'))!.messages())).toEqual(['a', 'c'])
})

test('what is no log does not disturb a watcher', async () => {
  const root = temp()
  const { heard } = await open(root, { watch: true })
  const other = new OtherProcess(root)
  await other.do('create', { id: 'first' })
  mkdirSync(join(root, 'default', 'directory.jsonl'))
  writeFileSync(join(root, 'default', 'UPPER.jsonl'), '{}')
  symlinkSync('/dev/zero', logPath(root, 'link'))
  writeFileSync(join(root, 'default', 'notes.txt'), 'notes')
  await other.do('create', { id: 'last' })
  await heard.until(() => heard.of('session.created').length === 2)
  expect(told(noUpdates(heard.all))).toEqual([
    ['session.created', 'external', 'first'],
    ['session.created', 'external', 'last'],
  ])
})

test('a tail follows what another process writes, in a store that does not watch', async () => {
  const root = temp()
  const { store } = await open(root)
  const session = await store.create({ id: 's' })
  await session.add({ id: 'a', text: 'before' })
  const other = new OtherProcess(root)
  const tail = session.tail()
  const next = async (): Promise<string> => ((await tail.next()).value as TailEvent).id
  const ids = [await next(), await next()]
  for (let i = 0; i < 5; i++) {
    await other.do('append', 's', 'note.added', i)
    ids.push(await next())
  }
  await session.add({ id: 'b', text: 'mine' })
  ids.push(await next())
  await tail.return(undefined)
  expect(ids).toEqual(idsOf(await all(session.events())))
  expect(ids).toHaveLength(8)
})

test('a tail that resumes after a cursor or an id gets the rest, each once, in this process and in another', async () => {
  const root = temp()
  const { store } = await open(root)
  const session = await store.create({ id: 's' })
  const other = new OtherProcess(root)
  await session.add({ id: 'a', text: 'one' })
  await session.add(['b', 'c', 'd'].map((id) => ({ id, text: 'in a batch' })))
  await other.do('add', 's', { id: 'e', text: 'theirs' })
  await session.set({ title: 'Title' })
  const events = await all(session.events())
  const ids = idsOf(events)
  expect(ids).toHaveLength(7)
  for (const [index, { cursor, id }] of events.entries()) {
    const rest = ids.slice(index + 1)
    expect(idsOf(await all(session.events({ after: cursor })))).toEqual(rest)
    expect(idsOf(await other.do<TailEvent[]>('tail', 's', cursor))).toEqual(rest)
    // An id stands for the line that holds it, and a batch is one line: its events are those with the indices 2, 3 and 4.
    const restOfLine = index >= 2 && index < 4 ? ids.slice(5) : rest
    expect(idsOf(await all(session.events({ after: id })))).toEqual(restOfLine)
    expect(idsOf(await other.do<TailEvent[]>('tail', 's', id))).toEqual(restOfLine)
  }
  // And what comes later follows.
  const following = take(session, 3, { after: events[5]!.cursor })
  await other.do('append', 's', 'note.added', 1)
  await session.append('note.added', 2)
  const followed = await following
  expect(followed[0]!.id).toBe(ids[6])
  expect(followed.slice(1).map(({ data }) => data)).toEqual([1, 2])
})

test('a tail resumes after lines that no foldlog wrote as it does after others', async () => {
  const root = temp()
  const { store } = await open(root)
  const session = await store.create({ id: 's' })
  const time = '2026-11-20T10:00:00.123Z'
  const unusual = [
    { type: 'note.added', id: '01M7XVMR0GBR6T8XW8V4ECY7XQ', v: 1, time, data: 'keys in another order' },
    ...['A', 'B', 'C'].map((n) => ({ v: 1, id: `01M7XVMR0GBR6T8XW8V4ECY7X${n}`, type: 'note.added', time, data: n })),
  ].map((line) => JSON.stringify(line))
  appendFileSync(
    logPath(root, 's'),
    `${unusual[0]}\nwhat is this\n ${unusual[1]}\r\n{"torn${unusual[2]}${unusual[3]}\n`,
  )
  await session.add({ id: 'last', text: 'last' })
  const events = await all(session.events())
  const ids = idsOf(events)
  expect(ids).toHaveLength(6)
  for (const [index, { cursor }] of events.entries()) {
    expect(idsOf(await all(session.events({ after: cursor }))), `after ${cursor}`).toEqual(ids.slice(index + 1))
  }
})

test('a cursor of one process resumes in another that follows, while both write', async () => {
  const root = temp()
  const { store } = await open(root)
  const session = await store.create({ id: 's' })
  const other = new OtherProcess(root)
  const first = await take(session, 1)
  const theirs = other.do<TailEvent[]>('tail', 's', first[0]!.cursor, 20)
  const here = take(session, 20, { after: first[0]!.cursor })
  const third = new OtherProcess(root)
  const adding = third.do(
    'addEach',
    's',
    Array.from({ length: 10 }, (_, i) => ({ id: `t${i}`, text: 'theirs' })),
  )
  for (let i = 0; i < 10; i++) await session.add({ id: `m${i}`, text: 'mine' })
  await adding
  const ids = idsOf(await all(session.events())).slice(1)
  expect(idsOf(await here)).toEqual(ids)
  expect(idsOf(await theirs)).toEqual(ids)
  expect(new Set(ids).size).toBe(20)
})

test('a tail goes on at a place that is gone with session.rewound and then everything it has not told', async () => {
  const root = temp()
  const { store } = await open(root)
  const session = await store.create({ id: 's' })
  await session.add({ id: 'a', text: 'one' })
  const elsewhere = await store.create({ id: 'elsewhere' })
  for (let i = 0; i < 5; i++) await elsewhere.add({ text: 'longer than the other log' })
  const foreign = (await all(elsewhere.events())).at(-1)!
  const ids = idsOf(await all(session.events()))
  for (const after of [
    foreign.id,
    foreign.cursor,
    'nonsense',
    '12',
    '~',
    '~x',
    '~0',
    '12~1',
    '\0',
    '999999.01M7XVMR0GBR6T8XW8V4ECY7XQ.zz',
  ]) {
    const events = await all(session.events({ after }))
    expect(
      events.map(({ type }) => type),
      `after ${after}`,
    ).toEqual(['session.rewound', 'session.created', 'message.created'])
    expect(idsOf(events).slice(1), `after ${after}`).toEqual(ids)
  }
})

test('a tail whose log is replaced says so and goes on with what it has not told', async () => {
  const root = temp()
  const { store } = await open(root)
  const session = await store.create({ id: 's' })
  for (const id of ['a', 'b']) await session.add({ id, text: id })
  const tail = session.tail()
  for (let i = 0; i < 3; i++) await tail.next()
  const other = new OtherProcess(root)
  const path = logPath(root, 's')
  const [created, a] = readFileSync(path, 'utf8').split('\n')
  await other.fs(['writeFileSync', `${path}.tmp`, `${a}\n${created}\n`], ['renameSync', `${path}.tmp`, path])
  expect(((await tail.next()).value as TailEvent).type).toBe('session.rewound')
  await other.do('append', 's', 'note.added', 1)
  expect(((await tail.next()).value as TailEvent).type).toBe('note.added')
  await tail.return(undefined)
})

test('a tail ends when its signal fires, before, while it reads and while it waits, and leaves nothing behind', async () => {
  const root = temp()
  const { store } = await open(root)
  const session = await store.create({ id: 's' })
  await session.add({ id: 'a', text: 'one' })
  expect(await all(session.tail({ signal: AbortSignal.abort() }))).toEqual([])

  const reading = new AbortController()
  const read: TailEvent[] = []
  for await (const event of session.tail({ signal: reading.signal })) {
    read.push(event)
    reading.abort()
  }
  expect(read).toHaveLength(1)

  const waiting = new AbortController()
  const tail = session.tail({ signal: waiting.signal })
  await tail.next()
  await tail.next()
  const third = tail.next()
  waiting.abort()
  expect(await third).toEqual({ done: true, value: undefined })
  await expect(tail.next()).resolves.toEqual({ done: true, value: undefined })
})

test('a tail ends when its session is deleted by another process', async () => {
  const root = temp()
  const { store } = await open(root)
  const session = await store.create({ id: 's' })
  const tail = session.tail()
  await tail.next()
  const end = tail.next()
  const other = new OtherProcess(root)
  await other.do('delete', 's')
  expect(await end).toEqual({ done: true, value: undefined })
})

test('a tail ends or fails when its store is closed, and does not hang', async () => {
  const root = temp()
  const { store } = await open(root)
  const session = await store.create({ id: 's' })
  const tail = session.tail()
  await tail.next()
  const end = tail.next().then(
    () => 'ended',
    (error: { code: string }) => error.code,
  )
  await store.close()
  expect(['ended', 'CLOSED']).toContain(await end)
})

test('listeners do not disturb each other: one that throws or rejects is told as store.error, the others hear everything', async () => {
  const root = temp()
  const bus = new Bus()
  const failing = vi.fn(() => {
    throw new Error('a listener failed')
  })
  const rejecting = vi.fn(() => Promise.reject(new Error('a listener rejected')))
  bus.on('message.created', failing)
  bus.on('message.created', rejecting)
  const { store, heard } = await open(root, { watch: true, bus })
  // A listener of errors that fails itself has nobody left to tell.
  bus.on('store.error', () => {
    throw new Error('and so did this one')
  })
  const session = await store.create({ id: 's' })
  await session.add({ id: 'a', text: 'mine' })
  const other = new OtherProcess(root)
  await other.do('add', 's', { id: 'b', text: 'theirs' })
  await heard.until(() => heard.messageIds.includes('b') && heard.of('store.error').length === 4)
  expect(heard.messageIds).toEqual(['a', 'b'])
  expect(failing).toHaveBeenCalledTimes(2)
  expect(rejecting).toHaveBeenCalledTimes(2)
  expect(
    heard
      .of('store.error')
      .map(({ error }) => error.message)
      .sort(),
  ).toEqual(['a listener failed', 'a listener failed', 'a listener rejected', 'a listener rejected'])
  expect(idsOf(await session.messages())).toEqual(['a', 'b'])
})

test('listeners that come and go while an event is delivered make no other one miss it', async () => {
  const { store } = await open(temp())
  const calls: string[] = []
  const offFirst = store.on('notice', () => {
    calls.push('first')
    offFirst()
    store.on('notice', () => calls.push('late'))
  })
  store.once('notice', () => calls.push('once'))
  store.on('notice', () => calls.push('third'))
  store.notice('one')
  expect(calls).toEqual(['first', 'once', 'third'])
  store.notice('two')
  expect(calls).toEqual(['first', 'once', 'third', 'third', 'late'])
})

test('a list of a store that watches knows what others did, without reading what did not change', async () => {
  const root = temp()
  const { store, heard } = await open(root, { watch: true })
  const other = new OtherProcess(root)
  await other.do('create', { id: 'one' })
  await other.do('create', { id: 'two' })
  await heard.until(() => heard.of('session.created').length === 2)
  expect((await store.list()).items.map(({ id }) => id)).toEqual(['two', 'one'])
  await other.do('set', 'one', { title: 'Renamed' })
  await heard.until(() => heard.of('session.updated').length === 1)
  expect((await store.list()).items.map(({ id, title }) => [id, title])).toEqual([
    ['one', 'Renamed'],
    ['two', undefined],
  ])
  await other.do('delete', 'one')
  await heard.until(() => heard.of('session.deleted').length === 1)
  expect((await store.list()).items.map(({ id }) => id)).toEqual(['two'])
})

test('a line that somebody appends by hand is told like any other, and one that is no event is only damage', async () => {
  const root = temp()
  const { store, heard } = await open(root, { watch: true })
  const session = await store.create({ id: 's' })
  const line =
    '{"v":1,"id":"0ZZZZZZZZZZZZZZZZZZZZZZZZZ","type":"note.added","time":"2026-11-20T10:00:00.123Z","data":"by hand"}'
  appendFileSync(logPath(root, 's'), `what is this\n${line}\n`)
  await heard.until(() => heard.of('note.added').length === 1)
  expect(heard.of('note.added')[0]).toMatchObject({ origin: 'external', event: { data: 'by hand' } })
  expect(heard.of('store.error')).toEqual([])
  expect(await session.damage()).toMatchObject([{ kind: 'not-json', line: 2 }])
  expect(textsOf((await anew(root, 's')).messages)).toEqual([])
})

test('a log that is there but has nothing in it yet is told when it has', async () => {
  const root = temp()
  const { store, heard } = await open(root, { watch: true })
  await (await open(root)).store.create({ id: 'first' })
  await heard.until(() => heard.of('session.created').length === 1)
  // Whoever creates a log opens it, and then writes its first line.
  writeFileSync(logPath(root, 's'), '')
  const session = await store.get('s')
  expect(heard.of('session.updated')).toEqual([])
  copyFileSync(logPath(root, 'first'), logPath(root, 's'))
  await session!.messages()
  expect(heard.of('session.created').map(({ sessionId }) => sessionId)).toEqual(['first', 's'])
  expect(heard.of('session.updated')).toEqual([])
})

test('damage that comes or goes without an event is told with the info, and listed', PATIENT, async () => {
  const root = temp()
  const { store, bus } = await open(root, { watch: true })
  const session = await store.create({ id: 's' })
  await session.add({ text: 'hello' })
  await store.list()
  const damageTold = (count: number): Promise<void> => {
    return new Promise((resolve) => bus.on('session.updated', ({ info }) => void (info.damage === count && resolve())))
  }
  const comes = damageTold(1)
  appendFileSync(logPath(root, 's'), 'no event\n')
  await comes
  expect((await store.list()).items.map(({ damage }) => damage)).toEqual([1])
  // Between, the file that is replaced may be seen beside the one that replaces it.
  const goes = damageTold(0)
  const other = await open(root)
  await (await other.store.get('s'))!.repair()
  await goes
  expect((await store.list()).items.map(({ damage }) => damage)).toEqual([0])
})
