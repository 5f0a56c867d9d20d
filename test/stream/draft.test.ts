/** A draft in the process that writes it. */
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { memoryBackend } from '../../src/backends/memory.ts'
import type { Session } from '../../src/session.ts'
import { anew, idsOf, logPath, open, temp } from '../support/temp.ts'

async function begin(): Promise<
  { readonly root: string; readonly session: Session } & Awaited<ReturnType<typeof open>>
> {
  const root = temp()
  const opened = await open(root)
  const session = await opened.store.create({ id: 'one' })
  await session.add({ text: 'Why?' })
  return { root, session, ...opened }
}

/** The side files of a root. */
function sideFiles(root: string): string[] {
  const folder = join(root, 'default', '.live')
  return existsSync(folder) ? readdirSync(folder).filter((name) => name !== '.gitignore') : []
}

test('a message is in the log when its draft begins and whole when that has ended', async () => {
  const { root, session } = await begin()
  const draft = await session.stream({ role: 'assistant', model: 'm1' })
  expect(draft.message).toMatchObject({ id: draft.id, turnId: draft.turnId, status: 'in_progress', parts: [] })
  expect((await anew(root, 'one')).messages.at(-1)).toMatchObject({ id: draft.id, model: 'm1', status: 'in_progress' })
  draft.reasoning('Hm')
  draft.reasoning('m.')
  draft.text('Be')
  draft.text('cause.')
  const callId = draft.toolCall({ name: 'look', input: { at: 1 } })
  draft.toolResult({ callId, output: 'seen' })
  draft.text(' So.')
  const parts = [
    { id: 'p1', type: 'reasoning', text: 'Hmm.' },
    { id: 'p2', type: 'text', text: 'Because.' },
    { id: 'p3', type: 'tool-call', callId, name: 'look', input: { at: 1 } },
    { id: 'p4', type: 'tool-result', callId, name: 'look', output: 'seen' },
    { id: 'p5', type: 'text', text: ' So.' },
  ]
  expect(draft.message.parts).toEqual(parts)
  expect(await session.message(draft.id)).toEqual(draft.message)
  const message = await draft.end({ usage: { outputTokens: 7 }, finishReason: 'stop' })
  expect(message).toMatchObject({
    id: draft.id,
    status: 'completed',
    finishReason: 'stop',
    parts,
    usage: { outputTokens: 7 },
  })
  expect(draft.message).toBe(message)
  expect(await session.message(draft.id)).toBe(message)
  const { messages, damage, events } = await anew(root, 'one')
  expect(messages).toEqual(await session.messages())
  expect(damage).toEqual([])
  // Its question, itself, and its end as one line with its parts.
  expect(readFileSync(logPath(root, 'one'), 'utf8').trimEnd().split('\n')).toHaveLength(4)
  expect(events).toHaveLength(3 + parts.length + 1)
  expect(sideFiles(root)).toEqual([])
})

test('the bus hears of each delta at once', async () => {
  const { session, heard } = await begin()
  const draft = await session.stream()
  draft.text('a')
  draft.text('b')
  draft.toolCall({ callId: 'c', name: 'look', input: {} })
  const told = heard.of('part.delta')
  const { id: messageId } = draft
  expect(told).toMatchObject([
    { messageId, partId: 'p1', partType: 'text', at: 0, delta: 'a', origin: 'local', sessionId: 'one' },
    { messageId, partId: 'p1', partType: 'text', at: 1, delta: 'b' },
    { messageId, partId: 'p2', partType: 'tool-call', part: { name: 'look' } },
  ])
  await draft.end()
})

test('what is streamed reaches the side file', async () => {
  const { root, session } = await begin()
  const draft = await session.stream()
  draft.text('a')
  draft.text('b')
  const other = await open(root)
  const seen = (await other.store.get('one'))!
  const following = seen.follow(draft.id)
  expect(await following.next()).toEqual({ done: false, value: 'ab' })
  expect(await seen.message(draft.id)).toMatchObject({
    status: 'in_progress',
    parts: [{ id: 'p1', type: 'text', text: 'ab' }],
  })
  const [name] = sideFiles(root)
  const lines = readFileSync(join(root, 'default', '.live', name!), 'utf8')
    .trimEnd()
    .split('\n')
  expect(lines.map((line) => JSON.parse(line) as unknown)).toEqual([
    {
      host: expect.any(String) as unknown,
      pid: process.pid,
      started: expect.any(String) as unknown,
      message: draft.id,
    },
    { partId: 'p1', type: 'text', at: 0, delta: 'ab' },
  ])
  draft.text('c')
  const message = await draft.end()
  expect(await following.next()).toEqual({ done: false, value: 'c' })
  expect(await following.next()).toEqual({ done: true, value: message })
  expect(await following.message()).toEqual(message)
})

test('a draft that has ended is used no more', async () => {
  const { session } = await begin()
  const draft = await session.stream()
  draft.text('x')
  const ended = draft.end()
  expect(() => draft.text('y')).toThrow(expect.objectContaining({ code: 'CLOSED' }))
  await ended
  expect(draft.isOpen).toBe(false)
  expect(() => draft.text('y')).toThrow(expect.objectContaining({ code: 'CLOSED' }))
  expect(() => draft.toolCall({ name: 'x', input: {} })).toThrow(expect.objectContaining({ code: 'CLOSED' }))
  await expect(draft.end()).rejects.toMatchObject({ code: 'CLOSED' })
  await expect(draft.fail('x')).rejects.toMatchObject({ code: 'CLOSED' })
})

test('T5: a draft that fails or is cancelled keeps what was streamed', async () => {
  const { root, session } = await begin()
  const failing = await session.stream()
  failing.text('so far')
  await failing.fail(Object.assign(new Error('the model went away'), { code: 'GONE' }))
  const stopped = await session.stream()
  stopped.text('this far')
  await stopped.cancel({ finishReason: 'stopped' })
  expect((await anew(root, 'one')).messages.slice(1)).toMatchObject([
    { status: 'failed', error: { message: 'the model went away', code: 'GONE' }, parts: [{ text: 'so far' }] },
    { status: 'cancelled', finishReason: 'stopped', parts: [{ text: 'this far' }] },
  ])
})

test('a memory backend has drafts in its process', async () => {
  const backend = memoryBackend()
  const { store } = await open(backend)
  const other = await open(backend)
  const session = await store.create({ id: 'one' })
  const draft = await session.stream()
  draft.text('a')
  const following = (await other.store.get('one'))!.follow(draft.id)
  expect((await following.next()).value).toBe('a')
  draft.text('b')
  expect((await following.next()).value).toBe('b')
  const message = await draft.end()
  expect(await following.message()).toEqual(message)
  expect(await backend.drafts!.list({ namespace: 'default', sessionId: 'one' })).toEqual([])
})

test('a character that comes in two deltas is never seen as half of one', async () => {
  const { session, heard } = await begin()
  const draft = await session.stream()
  const text = 'a😀b\ud83dc'
  for (const unit of text.split('')) draft.text(unit)
  draft.text('\ud83d')
  const message = await draft.end()
  expect(message.parts).toMatchObject([{ text: 'a😀b\ufffdc\ufffd' }])
  const deltas = heard.of('part.delta').map(({ delta }) => delta)
  expect(deltas).toEqual(['a', '😀', 'b', '\ufffdc', '\ufffd'])
  expect(idsOf(await session.messages())).toHaveLength(2)
})
