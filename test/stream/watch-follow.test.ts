/**
 * Messages that other processes stream, as followers and the bus of this one see them. Run with both versions of chokidar.
 */
import { rmSync } from 'node:fs'
import { expect, test } from 'vitest'
import { memoryBackend } from '../../src/backends/memory.ts'
import type { Followed } from '../../src/follow.ts'
import type { Message } from '../../src/message.ts'
import { Child } from '../support/child.ts'
import { anew, open, temp } from '../support/temp.ts'
import { messageText, sideFiles, textIn, textOf } from './streamed.ts'

/** A streamer of a new session that was told to go, and the message it streams. */
async function stream(
  root: string,
  count: number,
  then: string,
  options: object = {},
): Promise<{ readonly streamer: Child; readonly messageId: string }> {
  const { store } = await open(root, options)
  await (await store.create({ id: 'one' })).add({ text: 'Count!' })
  await store.close()
  const streamer = new Child('streamer', root, 'one', String(count), '5', then, JSON.stringify(options))
  await streamer.line()
  streamer.say('go')
  return { streamer, messageId: await streamer.line() }
}

/** All pieces of a text, and the message it ended with. */
async function read(followed: Followed): Promise<{ readonly pieces: string[]; readonly message: Message }> {
  const pieces: string[] = []
  for await (const piece of followed) pieces.push(piece)
  return { pieces, message: await followed.message() }
}

test('D6: a message is followed from its beginning, by any number, whenever they come', async () => {
  const root = temp()
  const { streamer, messageId } = await stream(root, 150, 'end')
  const { store } = await open(root)
  const session = (await store.get('one'))!
  const first = read(session.follow(messageId))
  await streamer.until(() => streamer.lines.length > 80)
  const second = read(session.follow(messageId))
  const all = [await first, await second]
  // A tab that is loaded when all is over.
  all.push(await read(session.follow(messageId)))
  const { message } = all[0]!
  expect(message).toMatchObject({ id: messageId, status: 'completed', usage: { outputTokens: 150 } })
  for (const { pieces, message: last } of all) {
    expect(pieces.join('')).toBe(textOf(150))
    expect(last).toEqual(message)
  }
  // As it came, not at the end.
  expect(all[0]!.pieces.length).toBeGreaterThan(2)
  expect(all[2]!.pieces).toEqual([textOf(150)])
})

test('who listens hears of what another process streams, after its message and before its end', async () => {
  const root = temp()
  const { store: early } = await open(root)
  await early.create({ id: 'one' })
  const { heard } = await open(root, { watch: true })
  const streamer = new Child('streamer', root, 'one', '100', '5')
  await streamer.line()
  streamer.say('go')
  const messageId = await streamer.line()
  await heard.until(() => heard.of('message.updated').length > 0)
  const deltas = heard.of('part.delta')
  expect(deltas.length).toBeGreaterThan(1)
  let text = ''
  for (const { at, delta, ...rest } of deltas) {
    expect(rest).toMatchObject({ origin: 'external', messageId, partId: 'p1', partType: 'text', sessionId: 'one' })
    expect(at).toBe(text.length)
    text += delta
  }
  expect(textOf(100).startsWith(text)).toBe(true)
  const order = heard.all.map(({ type }) => type)
  expect(order.indexOf('message.created')).toBeLessThan(order.indexOf('part.delta'))
  expect(order.lastIndexOf('part.delta')).toBeLessThan(order.indexOf('message.updated'))
})

test.each(['fail', 'close', 'exit'])('following ends when the writer does (%s)', async (then) => {
  const root = temp()
  const { streamer, messageId } = await stream(root, 70, then)
  const { store } = await open(root)
  const { pieces, message } = await read((await store.get('one'))!.follow(messageId))
  // It is acknowledged when the side file is gone, too.
  if (then === 'fail') await streamer.until(() => streamer.lines.at(-1) === 'ended')
  const [side] = sideFiles(root)
  if (then === 'fail') {
    expect(side).toBeUndefined()
    expect(message).toMatchObject({ status: 'failed', error: { message: 'it went wrong' } })
    expect(messageText(message)).toBe(textOf(70))
  } else expect(message.status).toBe('incomplete')
  // Closing the store takes all of it along, ending the process what had been written by then.
  if (then === 'close') expect(messageText(message)).toBe(textOf(70))
  if (then === 'exit') expect(messageText(message)).toBe(textIn(side!))
  expect(pieces.join('')).toBe(messageText(message))
  await (await store.get('one'))!.set({ title: 'Counted' })
  expect(sideFiles(root)).toEqual([])
  expect((await anew(root, 'one')).messages[1]).toMatchObject({ status: message.status, parts: message.parts })
})

test('a stopped process is not taken for dead', async () => {
  const root = temp()
  const { streamer, messageId } = await stream(root, 80, 'end')
  await streamer.until(() => streamer.lines.length > 10)
  streamer.signal('SIGSTOP')
  const { store } = await open(root)
  const session = (await store.get('one'))!
  await session.add({ role: 'user', text: 'still there?' })
  expect(await session.message(messageId)).toMatchObject({ status: 'in_progress' })
  expect(sideFiles(root)).toHaveLength(1)
  streamer.signal('SIGCONT')
  const message = await session.follow(messageId).message()
  expect(message.status).toBe('completed')
  expect(messageText(message)).toBe(textOf(80))
})

test('following ends by its signal, and when its handle is closed', async () => {
  const { store } = await open(memoryBackend())
  const session = await store.create({ id: 'one' })
  const draft = await session.stream()
  draft.text('so far')
  const controller = new AbortController()
  const following = session.follow(draft.id, { signal: controller.signal })
  expect((await following.next()).value).toBe('so far')
  const last = following.next()
  controller.abort()
  expect(await last).toMatchObject({ done: true, value: { status: 'in_progress', parts: [{ text: 'so far' }] } })
  const handle = (await store.get('one'))!
  const other = handle.follow(draft.id)
  await other.next()
  const ended = other.next()
  await handle.close()
  expect(await ended).toMatchObject({ done: true, value: { status: 'in_progress' } })
  await draft.end()
})

test('following a message that is not there, or is removed meanwhile, is refused', async () => {
  const { store } = await open(temp())
  const session = await store.create({ id: 'one' })
  await expect(session.follow('none').next()).rejects.toMatchObject({ code: 'NOT_FOUND' })
  const draft = await session.stream()
  draft.text('x')
  const following = session.follow(draft.id)
  await following.next()
  const next = expect(following.next()).rejects.toMatchObject({ code: 'NOT_FOUND' })
  await session.remove(draft.id)
  await next
  await expect(draft.end()).rejects.toMatchObject({ code: 'NOT_FOUND' })
})

test('who reads slowly gets what came meanwhile as one piece', async () => {
  const { store } = await open(temp())
  const session = await store.create({ id: 'one' })
  const draft = await session.stream()
  draft.text('0')
  const following = session.follow(draft.id)
  await following.next()
  for (let i = 1; i < 1000; i++) draft.text(` ${i}`)
  const { value } = await following.next()
  expect(value).toBe(Array.from({ length: 999 }, (_, index) => ` ${index + 1}`).join(''))
  await draft.end()
  expect(await following.next()).toMatchObject({ done: true })
})

test('without side files a message that is in progress is followed by its log', async () => {
  const root = temp()
  const { store } = await open(root)
  const session = await store.create({ id: 'one' })
  const { id } = await session.add({ role: 'assistant', text: 'a', status: 'in_progress' })
  const { store: other } = await open(root)
  const following = (await other.get('one'))!.follow(id)
  expect((await following.next()).value).toBe('a')
  await session.part(id, { id: 'p1', type: 'text', text: 'ab' })
  expect((await following.next()).value).toBe('b')
  await session.update(id, { status: 'completed' })
  expect(await following.next()).toMatchObject({ done: true, value: { status: 'completed' } })
})

test('a side file that is removed loses the draft for others, not the message', async () => {
  const root = temp()
  const { store } = await open(root)
  const session = await store.create({ id: 'one' })
  const draft = await session.stream()
  draft.text('a')
  const { store: other } = await open(root)
  const following = (await other.get('one'))!.follow(draft.id)
  expect((await following.next()).value).toBe('a')
  const next = following.next()
  rmSync(sideFiles(root)[0]!)
  draft.text('b')
  await draft.end()
  expect((await next).value).toBe('b')
  expect((await following.message()).parts).toMatchObject([{ text: 'ab' }])
})
