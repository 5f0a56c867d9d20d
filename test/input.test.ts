/**
 * What plain JavaScript may pass: mistakes are refused with a code that says what to do, before anything is written.
 */
import { expect, test } from 'vitest'
import type { Message } from '../src/message.ts'
import type { Session } from '../src/session.ts'
import { openStore, type Store } from '../src/store.ts'
import { freshStore, listen } from './support/store.ts'

/** Calls as somebody without types would make them. */
type Loose = { readonly [name: string]: (...args: readonly unknown[]) => Promise<unknown> }
const loose = (object: Session | Store): Loose => object as unknown as Loose

const REFUSED: readonly [string, readonly unknown[], string][] = [
  ['add', ['hello'], 'INVALID_EVENT'],
  ['add', [42], 'INVALID_EVENT'],
  ['add', [{ content: 'hello' }], 'INVALID_EVENT'],
  ['add', [{ parts: 42 }], 'INVALID_EVENT'],
  ['add', [{ parts: [42] }], 'INVALID_EVENT'],
  [
    'add',
    [
      {
        parts: [
          { id: 'a', type: 'text', text: '1' },
          { id: 'a', type: 'text', text: '2' },
        ],
      },
    ],
    'INVALID_EVENT',
  ],
  ['add', [[{ text: 'fine' }, { role: 'robot' }]], 'INVALID_EVENT'],
  ['add', [{ text: 'x' }, { key: 42 }], 'INVALID_OPTION'],
  ['add', [{ text: 'x' }, { key: ' ' }], 'INVALID_OPTION'],
  ['update', ['m', 'nope'], 'INVALID_EVENT'],
  ['update', ['m', { id: 'other', status: 'failed' }], 'INVALID_EVENT'],
  ['update', ['unknown', { status: 'failed' }], 'NOT_FOUND'],
  ['part', ['m', null], 'INVALID_EVENT'],
  ['set', [null], 'INVALID_EVENT'],
  ['set', [{ tittle: 'x' }], 'INVALID_EVENT'],
  ['set', [{ head: 'unknown' }], 'NOT_FOUND'],
  ['append', ['message.created', {}], 'INVALID_EVENT'],
  ['at', [new Date(Number.NaN)], 'INVALID_OPTION'],
  ['at', [undefined], 'INVALID_OPTION'],
  ['messages', [{ limit: 1.5 }], 'INVALID_OPTION'],
  ['messages', [{ audience: 'modell' }], 'INVALID_OPTION'],
]

test.each(REFUSED)('session.%s(%j) is refused with %s and writes nothing', async (name, args, code) => {
  const session = await (await freshStore()).create()
  await session.add({ id: 'm', text: 'm' })
  const { lastEventId } = session.info
  await expect(loose(session)[name]!(...args)).rejects.toMatchObject({ name: 'FoldlogError', code })
  await session.messages()
  expect(session.info.lastEventId).toBe(lastEventId)
})

test.each<[string, readonly unknown[], string]>([
  ['create', [{ tittle: 'x' }], 'INVALID_EVENT'],
  ['create', [{ head: 'x' }], 'INVALID_EVENT'],
  ['create', [{ id: 42 }], 'INVALID_NAME'],
  ['get', [42], 'INVALID_NAME'],
  ['list', [{ limit: 0 }], 'INVALID_OPTION'],
  ['list', [{ order: 'title' }], 'INVALID_OPTION'],
  ['list', [{ cursor: 'title' }], 'INVALID_OPTION'],
  ['list', [{ cursor: null }], 'INVALID_OPTION'],
  ['prune', [{ olderThan: -1 }], 'INVALID_OPTION'],
  ['prune', [{ olderThan: 'yesterday' }], 'INVALID_OPTION'],
])('store.%s(%j) is refused with %s', async (name, args, code) => {
  await expect(Promise.resolve(loose(await freshStore())[name]!(...args))).rejects.toMatchObject({ code })
})

test('openStore refuses what is no root and no fsync policy', async () => {
  await expect(openStore(42 as never)).rejects.toMatchObject({ name: 'FoldlogError' })
  await expect(openStore('x', { fsync: 'everySec' as never })).rejects.toMatchObject({ code: 'INVALID_OPTION' })
})

test('parts without an id never take one that is there', async () => {
  const session = await (await freshStore()).create()
  const { id, parts } = await session.add({
    parts: [
      { id: 'p2', type: 'text', text: '1' },
      { type: 'text', text: '2' },
    ],
  })
  expect(parts.map((part) => part.id)).toEqual(['p2', 'p3'])
  const { parts: after } = await session.part(id, { type: 'text', text: '3' })
  expect(after.map((part) => (part.type === 'text' ? part.text : ''))).toEqual(['1', '2', '3'])
})

test('what is inside a result gets ids as parts do, however it is written', async () => {
  const session = await (await freshStore()).create()
  const call = { type: 'tool-call', callId: 'c', name: 'look', input: {} } as const
  const { id } = await session.add({ id: 'm', role: 'assistant', parts: [call] })
  const result = (callId: string) =>
    ({
      type: 'tool-result',
      callId,
      name: 'look',
      content: [
        { type: 'text', text: 'a' },
        { id: 'p1', type: 'text', text: 'b' },
      ],
    }) as const
  const insideOf = (message: Message): (string | undefined)[] =>
    message.parts.flatMap((part) => (part.type === 'tool-result' ? (part.content ?? []).map((each) => each.id) : []))
  expect(insideOf(await session.add({ role: 'tool', parts: [result('c')] }))).toEqual(['p2', 'p1'])
  expect(insideOf(await session.part(id, result('c')))).toEqual(['p2', 'p1'])
  const draft = await session.stream()
  draft.part(result('c'))
  draft.toolResult(result('c'))
  expect(insideOf(await draft.end())).toEqual(['p2', 'p1', 'p2', 'p1'])
})

test('a part that does not fit is refused by the name of its field', async () => {
  const session = await (await freshStore()).create()
  const add = (part: object): Promise<unknown> => session.add({ parts: [part as never] })
  await expect(add({ type: 'text', text: 5 })).rejects.toMatchObject({ field: 'parts.0.text' })
  await expect(add({ type: 'tool-call', callId: 'c', input: {} })).rejects.toMatchObject({ field: 'parts.0.name' })
  const content = [{ type: 'text' }]
  await expect(add({ type: 'tool-result', callId: 'c', name: 'x', content })).rejects.toMatchObject({
    field: 'parts.0.content.0.text',
  })
})

test('a key belongs to one kind of call', async () => {
  const session = await (await freshStore()).create()
  await session.set({ title: 'x' }, { key: 'k' })
  await expect(session.add({ text: 'x' }, { key: 'k' })).rejects.toMatchObject({ code: 'INVALID_EVENT', field: 'key' })
})

test('removing again with the same key answers as the first time', async () => {
  const session = await (await freshStore()).create()
  await session.add({ id: 'm', text: 'm' })
  expect(await session.remove('m', { key: 'k' })).toBe(true)
  expect(await session.remove('m', { key: 'k' })).toBe(true)
  expect(await session.remove('m')).toBe(false)
})

test('a removed message is not changed any more, and nothing is written', async () => {
  const session = await (await freshStore()).create()
  await session.add({ id: 'm', text: 'm' })
  await session.remove('m')
  const { lastEventId } = session.info
  await expect(session.part('m', { type: 'text', text: 'late' })).rejects.toMatchObject({ code: 'NOT_FOUND' })
  await expect(session.update('m', { status: 'failed' })).rejects.toMatchObject({ code: 'NOT_FOUND' })
  expect(session.info.lastEventId).toBe(lastEventId)
})

test('what could not be written leaves no turn behind', async () => {
  const session = await (await freshStore()).create()
  const question = await session.add({ text: 'q' })
  await expect(session.add({ text: 'x'.repeat(65 * 1024 * 1024) })).rejects.toMatchObject({ code: 'TOO_LARGE' })
  const answer = await session.add({ role: 'assistant', text: 'a' })
  expect(answer.turnId).toBe(question.turnId)
})

test('a reducer that throws loses no event', async () => {
  const session = await (await freshStore()).create()
  let fails = false
  const projection = {
    initial: () => 0,
    on: {
      'n.added': (state: number, { data }: { data: unknown }) => {
        if (fails) throw new Error('no')
        return state + Number(data)
      },
    },
  }
  await session.append('n.added', 1)
  expect(await session.project(projection)).toBe(1)
  await session.append('n.added', 10)
  fails = true
  await expect(session.project(projection)).rejects.toThrow('no')
  fails = false
  await session.append('n.added', 100)
  expect(await session.project(projection)).toBe(111)
})

test('closing a handle ends its tails', async () => {
  const session = await (await freshStore()).create()
  const tail = session.tail()
  expect((await tail.next()).done).toBe(false)
  const next = tail.next()
  await session.close()
  expect((await next).done).toBe(true)
})

test('a session that is deleted here is told once, also while watching', async () => {
  const store = await freshStore({ watch: true })
  const heard = listen(store)
  const { id } = await store.create()
  await store.delete(id)
  await store.create({ id: 'later' })
  await store.list()
  const deleted = heard.flatMap((event) =>
    event.type === 'session.deleted' && 'origin' in event ? [event.origin] : [],
  )
  expect(deleted).toEqual(['local'])
})
