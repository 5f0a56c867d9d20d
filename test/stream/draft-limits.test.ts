/**
 * What a draft refuses, what it does when the disk or its session fails it, and what becomes of it when its store is closed.
 */
import { chmodSync, mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { expect, onTestFinished, test } from 'vitest'
import type { Backend } from '../../src/backend.ts'
import { memoryBackend } from '../../src/backends/memory.ts'
import type { Json } from '../../src/json.ts'
import { FaultyDisk } from '../support/faults.ts'
import { anew, idsOf, open, temp } from '../support/temp.ts'
import { messageText, sideFiles } from './streamed.ts'

test('input that cannot be written is refused, names its field and changes nothing', async () => {
  const { store } = await open(temp())
  const session = await store.create()
  const wrong = { colour: 'red' } as object
  await expect(session.stream(wrong)).rejects.toMatchObject({ code: 'INVALID_EVENT', field: 'colour' })
  await expect(session.stream({ role: 'nobody' as 'user' })).rejects.toMatchObject({
    code: 'INVALID_EVENT',
    field: 'role',
  })
  await expect(session.stream(null as unknown as object)).rejects.toMatchObject({ code: 'INVALID_EVENT' })
  for (const id of ['', 1 as unknown as string]) {
    await expect(session.stream({ id })).rejects.toMatchObject({ code: 'INVALID_EVENT', field: 'id' })
  }
  expect(sideFiles(store.root)).toEqual([])
  expect(await session.messages()).toEqual([])
  const draft = await session.stream({ id: 'half \ud83d' })
  const refused = (field: string): unknown => expect.objectContaining({ code: 'INVALID_EVENT', field })
  expect(() => draft.text(undefined as unknown as string)).toThrow(refused('text'))
  expect(() => draft.part({ type: 'text' } as never)).toThrow(refused('part.text'))
  expect(() => draft.toolResult({ callId: 'none', output: 1 })).toThrow(refused('name'))
  await expect(draft.end({ parts: [] } as object)).rejects.toMatchObject({ code: 'INVALID_EVENT', field: 'parts' })
  await expect(draft.end({ usage: { outputTokens: -1 } })).rejects.toMatchObject({ code: 'INVALID_EVENT' })
  expect(draft.isOpen).toBe(true)
  expect((await draft.end()).parts).toEqual([])
})

test('a result has the name of its call, also of one in an earlier message', async () => {
  const { store } = await open(temp())
  const session = await store.create()
  await session.add({ text: 'Look!' })
  await session.add({ role: 'assistant', parts: [{ type: 'tool-call', callId: 'c', name: 'look', input: {} }] })
  const draft = await session.stream({ role: 'tool' })
  draft.toolResult({ callId: 'c', error: { message: 'dark' } })
  expect((await draft.end()).parts).toMatchObject([{ type: 'tool-result', callId: 'c', name: 'look' }])
})

test('a part that is known is replaced in its place, and text goes on in the last part', async () => {
  const root = temp()
  const { store } = await open(root)
  const session = await store.create({ id: 'one' })
  const draft = await session.stream()
  draft.reasoning('hm')
  draft.part({ id: 'p1', type: 'reasoning', text: 'hm', signature: 's' })
  draft.part({ id: 'p2', type: 'text', text: 'a', author: 'me' })
  draft.text('b')
  const parts = [
    { id: 'p1', type: 'reasoning', text: 'hm', signature: 's' },
    { id: 'p2', type: 'text', text: 'ab', author: 'me' },
  ]
  const { store: other } = await open(root)
  const seen = (await other.get('one'))!
  await seen.follow(draft.id).next()
  expect((await seen.message(draft.id))?.parts).toEqual(parts)
  expect((await draft.end()).parts).toEqual(parts)
})

test('a key begins one message, whoever uses it again', async () => {
  const root = temp()
  const [{ store }, { store: elsewhere }] = [await open(root), await open(root)]
  const session = await store.create({ id: 'one' })
  const other = (await elsewhere.get('one'))!
  const draft = await session.stream({}, { key: 'k' })
  draft.text('once')
  expect(await session.stream({}, { key: 'k' })).toBe(draft)
  await expect(other.stream({}, { key: 'k' })).rejects.toMatchObject({ code: 'SESSION_BUSY' })
  const message = await draft.end()
  for (const each of [session, other]) {
    const again = await each.stream({}, { key: 'k' })
    expect(again.isOpen).toBe(false)
    expect(again.message).toEqual(message)
    expect(() => again.text('x')).toThrow(expect.objectContaining({ code: 'CLOSED' }))
  }
  expect(await session.messages()).toHaveLength(1)
  expect(sideFiles(root)).toEqual([])
  // Whoever comes first: it is begun once, and nobody is told otherwise afterwards.
  for (let n = 0; n < 20; n++) {
    const options = { key: `l${n}` }
    const [one, two] = await Promise.allSettled([session.stream({}, options), other.stream({}, options)])
    const begun = [one, two].flatMap((each) => (each.status === 'fulfilled' ? [each.value] : []))
    expect(begun).toHaveLength(1)
    expect([one, two].find(({ status }) => status === 'rejected')).toMatchObject({ reason: { code: 'SESSION_BUSY' } })
    expect(sideFiles(root)).toHaveLength(1)
    await begun[0]!.end()
    expect(await session.messages()).toHaveLength(2 + n)
  }
})

test('a message is streamed once: not while it is being streamed, and not when it has ended', async () => {
  const { store } = await open(temp())
  const session = await store.create()
  const draft = await session.stream({ id: 'm' })
  await expect(session.stream({ id: 'm' })).rejects.toMatchObject({ code: 'SESSION_BUSY' })
  draft.text('x')
  await draft.end()
  await expect(session.stream({ id: 'm' })).rejects.toMatchObject({ code: 'ALREADY_EXISTS' })
  // One that waits to be answered is.
  await session.add({ id: 'n', role: 'assistant', status: 'pending' })
  const waiting = await session.stream({ id: 'n' })
  waiting.text('y')
  expect(await waiting.end()).toMatchObject({ id: 'n', status: 'completed', parts: [{ text: 'y' }] })
})

test('a guard is that of the message', async () => {
  const { store } = await open(temp())
  const session = await store.create()
  const { id } = await session.add({ text: 'Why?' })
  await expect(session.stream({}, { expectedHead: null })).rejects.toMatchObject({ code: 'HEAD_MOVED' })
  expect(sideFiles(store.root)).toEqual([])
  const draft = await session.stream({}, { expectedHead: id })
  expect(await draft.end()).toMatchObject({ status: 'completed' })
})

test('a backend without drafts says so', async () => {
  const backend: Backend = memoryBackend()
  const without = new Proxy(backend, {
    get: (target, name) => {
      if (name === 'drafts') return undefined
      const value = Reflect.get(target, name, target) as unknown
      return typeof value === 'function' ? (value.bind(target) as unknown) : value
    },
  })
  const { store } = await open(without)
  const session = await store.create()
  await session.add({ text: 'x', status: 'in_progress' })
  expect(await session.messages()).toHaveLength(1)
  await expect(session.stream()).rejects.toMatchObject({ code: 'UNSUPPORTED' })
})

test.each(['store', 'handle'])('closing the %s lets go of a draft with all it has', async (what) => {
  const root = temp()
  const { store } = await open(root)
  const { store: stays } = await open(root)
  const session = await store.create({ id: 'one' })
  const draft = await session.stream()
  draft.text('all of')
  draft.text(' it')
  await (what === 'store' ? store : session).close()
  expect(draft.isOpen).toBe(false)
  expect(() => draft.text('x')).toThrow(expect.objectContaining({ code: 'CLOSED' }))
  await expect(draft.end()).rejects.toMatchObject({ code: 'CLOSED' })
  const other = (await stays.get('one'))!
  expect(await other.message(draft.id)).toMatchObject({ status: 'incomplete', parts: [{ text: 'all of it' }] })
  await other.add({ text: 'next' })
  expect(sideFiles(root)).toEqual([])
  expect((await anew(root, 'one')).messages[0]).toMatchObject({ status: 'incomplete', parts: [{ text: 'all of it' }] })
})

test('a session that is deleted takes its drafts along', async () => {
  const { store } = await open(temp())
  const session = await store.create({ id: 'one' })
  const draft = await session.stream()
  draft.text('x')
  await store.delete('one')
  expect(sideFiles(store.root)).toEqual([])
  await expect(draft.end()).rejects.toMatchObject({ code: 'NOT_FOUND' })
  expect(draft.isOpen).toBe(false)
  expect(sideFiles(store.root)).toEqual([])
})

test('a disk that refuses side files does not stop a draft, and is told once', async () => {
  const root = temp()
  const { store, heard } = await open(root)
  const session = await store.create({ id: 'one' })
  const draft = await session.stream()
  const { store: elsewhere } = await open(root)
  const other = (await elsewhere.get('one'))!
  draft.text('a')
  const following = other.follow(draft.id)
  await following.next()
  const disk = new FaultyDisk({ fault: { kind: 'half', code: 'ENOSPC' }, from: 0, isLasting: true })
  onTestFinished(() => disk.restore())
  draft.text('b')
  await heard.until(() => heard.of('store.error').length > 0)
  expect(heard.of('store.error')).toMatchObject([{ error: { code: 'STORAGE_FULL' } }])
  await expect(draft.end()).rejects.toMatchObject({ code: 'STORAGE_FULL' })
  expect(draft.isOpen).toBe(true)
  disk.heal()
  draft.text('c')
  expect((await following.next()).value).toBe('bc')
  const message = await draft.end()
  expect(messageText(message)).toBe('abc')
  expect(await following.message()).toEqual(message)
  expect(sideFiles(root)).toEqual([])
  const { messages } = await anew(root, 'one')
  expect(messages).toEqual([message])
  expect(heard.of('store.error').length).toBeLessThanOrEqual(2)
})

test('a directory of side files that cannot be made refuses the message, and nothing else', async (context) => {
  if (process.getuid?.() === 0) context.skip('root may write everywhere')
  const { store } = await open(temp())
  const session = await store.create()
  chmodSync(join(store.root, 'default'), 0o500)
  await expect(session.stream()).rejects.toMatchObject({ code: 'STORAGE_DENIED' })
  chmodSync(join(store.root, 'default'), 0o700)
  expect(await session.messages()).toEqual([])
})

test('what the hook of the store takes out is not told again to who follows', async () => {
  const root = temp()
  const redact = ({ data }: { readonly data: Json }): Json =>
    JSON.parse(JSON.stringify(data).replaceAll('secret', '[gone]!')) as Json
  const { store } = await open(root, { redact })
  const session = await store.create({ id: 'one' })
  const draft = await session.stream()
  draft.text('a secret it')
  const following = session.follow(draft.id)
  await following.next()
  draft.text(' is')
  const message = await draft.end()
  expect(messageText(message)).toBe('a [gone]! it is')
  const rest: string[] = []
  for await (const piece of following) rest.push(piece)
  expect(['', ' is']).toContain(rest.join(''))
  expect((await anew(root, 'one')).messages).toEqual([message])
})

test('many drafts of one session do not disturb each other', async () => {
  const root = temp()
  const { store } = await open(root)
  const session = await store.create({ id: 'one' })
  const drafts = await Promise.all(Array.from({ length: 20 }, (_, index) => session.stream({ id: `m${index}` })))
  for (let i = 0; i < 50; i++) for (const draft of drafts) draft.text(`${draft.id}.${i} `)
  expect(sideFiles(root)).toHaveLength(20)
  await Promise.all(drafts.map((draft) => draft.end()))
  const { messages } = await anew(root, 'one')
  for (const message of messages) {
    expect(messageText(message)).toBe(Array.from({ length: 50 }, (_, i) => `${message.id}.${i} `).join(''))
  }
  expect(messages).toHaveLength(20)
  expect(sideFiles(root)).toEqual([])
})

test('a fork has what was streamed so far, and nothing in it is in progress for ever', async () => {
  const { store } = await open(temp())
  const session = await store.create({ id: 'one' })
  const question = await session.add({ text: 'Why?' })
  const before = session.info.lastEventId
  const draft = await session.stream()
  const during = session.info.lastEventId
  draft.text('Because')
  const fork = await store.fork('one')
  expect(await fork.message(draft.id)).toMatchObject({ status: 'incomplete', parts: [{ text: 'Because' }] })
  expect(fork.info.status).toBe('idle')
  const past = await store.fork('one', { at: during })
  expect(await past.message(draft.id)).toMatchObject({ status: 'incomplete', parts: [] })
  expect(idsOf(await (await store.fork('one', { at: before })).messages())).toEqual([question.id])
  draft.text(' it is.')
  await draft.end()
  expect(await fork.message(draft.id)).toMatchObject({ status: 'incomplete', parts: [{ text: 'Because' }] })
  expect(await session.message(draft.id)).toMatchObject({ status: 'completed', parts: [{ text: 'Because it is.' }] })
  // Of a turn: the fork can be asked at once.
  await session.send('And?', {
    async *respond() {
      yield 'First'
      const other = await store.fork('one')
      const turn = await other.send('Well?', { respond: () => 'Second' })
      expect(turn.status).toBe('completed')
      expect((await other.turns()).map(({ status }) => status)).toEqual(['completed', 'incomplete', 'completed'])
    },
  })
})

test('what could not be written at the end is refused when it comes, and the session goes on', async () => {
  const root = temp()
  const { store } = await open(root)
  const session = await store.create({ id: 'one' })
  const chunk = '"'.repeat(2 ** 19)
  const draft = await session.stream()
  const grow = (): void => {
    for (;;) draft.text(chunk)
  }
  expect(grow).toThrow(expect.objectContaining({ code: 'TOO_LARGE' }))
  // What moves into a file is not in the line; what replaces a part is counted once.
  draft.part({ id: 'f', type: 'file', mediaType: 'text/plain', data: 'YWJj'.repeat(2 ** 19) })
  for (let n = 0; n < 8; n++) draft.part({ id: 'd', type: 'data', name: 'd', data: 'x'.repeat(2 ** 17) })
  const message = await draft.end()
  expect(message).toMatchObject({
    status: 'completed',
    parts: [{ type: 'text' }, { file: expect.stringMatching(/^sha256-/) as string }, { id: 'd' }],
  })
  expect(messageText(message).length).toBe(chunk.length * 62)
  const turn = await session.send('?', {
    *respond() {
      for (;;) yield chunk
    },
  })
  expect(turn).toMatchObject({ status: 'failed', messages: [{}, { error: { code: 'TOO_LARGE' } }] })
  expect((await session.send('!', { respond: () => 'ok' })).status).toBe('completed')
})

test('what lies in the place of a side file is told, and stops no turn', async () => {
  const root = temp()
  const { store, heard } = await open(root)
  const session = await store.create({ id: 'one' })
  mkdirSync(join(root, 'default', '.live', 'one.m.jsonl'), { recursive: true })
  expect((await session.send('?', { respond: () => 'ok' })).status).toBe('completed')
  expect(heard.of('store.error')).toMatchObject([{ error: { code: 'NOT_A_LOG' } }])
})
