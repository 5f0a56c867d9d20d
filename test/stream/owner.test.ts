/**
 * Whose a draft is, whether that process is still there, and what becomes of it otherwise.
 */
import { existsSync, readFileSync, utimesSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { expect, onTestFinished, test, vi } from 'vitest'
import { Bus } from '../../src/bus.ts'
import type { Draft } from '../../src/draft.ts'
import type { Session } from '../../src/session.ts'
import { firstIdAt } from '../../src/id.ts'
import { openStore } from '../../src/store.ts'
import { anew, logPath, open, temp } from '../support/temp.ts'
import { messageText, sideFiles } from './streamed.ts'

interface Begun {
  readonly root: string
  readonly draft: Draft
  /** The handle of a store that knows the draft only by its side file. */
  readonly other: Session
  /** Makes the side file that of another owner, who gave a sign so many seconds ago. */
  own(owner: object, secondsAgo?: number): void
}

/** A draft that streamed `so far`. */
async function begin(): Promise<Begun> {
  const root = temp()
  const { store } = await open(root)
  const session = await store.create({ id: 'one' })
  const draft = await session.stream()
  const { store: elsewhere } = await open(root)
  const other = (await elsewhere.get('one'))!
  draft.text('so far')
  await other.follow(draft.id).next()
  const own = (owner: object, secondsAgo = 0): void => {
    const [path] = sideFiles(root)
    const [head, ...rest] = readFileSync(path!, 'utf8').split('\n')
    writeFileSync(path!, [JSON.stringify({ ...(JSON.parse(head!) as object), ...owner }), ...rest].join('\n'))
    const then = Date.now() / 1000 - secondsAgo
    utimesSync(path!, then, then)
  }
  return { root, draft, other, own }
}

/** What another process sees of the message, and whether it would leave it alone. */
async function isLeftAlone({ root, draft, other }: Begun): Promise<boolean> {
  const message = await other.message(draft.id)
  expect(messageText(message)).toBe('so far')
  const isAlive = message!.status === 'in_progress'
  if (!isAlive) expect(message!.status).toBe('incomplete')
  await other.set({ title: 'written' })
  expect(sideFiles(root)).toHaveLength(isAlive ? 1 : 0)
  expect((await anew(root, 'one')).messages[0]).toMatchObject({ status: message!.status })
  return isAlive
}

test('a process that runs is left alone, however long it was silent', async () => {
  const begun = await begin()
  begun.own({}, 3600)
  if (process.platform === 'linux') expect(await isLeftAlone(begun)).toBe(true)
})

test('a process that is gone is not waited for', async () => {
  const begun = await begin()
  // No number of a process.
  begun.own({ pid: 2 ** 30 })
  expect(await isLeftAlone(begun)).toBe(false)
})

test('a message whose status was set while it grew keeps that, and what was streamed', async () => {
  const begun = await begin()
  const { root, draft, other } = begun
  await other.update(draft.id, { status: 'cancelled' })
  begun.own({ pid: 2 ** 30 })
  const { store } = await open(root)
  await (await store.get('one'))!.add({ text: 'and?' })
  expect(sideFiles(root)).toEqual([])
  const [message] = (await anew(root, 'one')).messages
  expect([message!.status, messageText(message)]).toEqual(['cancelled', 'so far'])
})

test('a draft of a message that the log has not is kept for a week: its branch may come back', async () => {
  const begun = await begin()
  const { root, draft } = begun
  const path = logPath(root, 'one')
  const whole = readFileSync(path)
  begun.own({ pid: 2 ** 30 })
  const write = async (): Promise<void> => {
    const { store } = await open(root)
    await (await store.get('one'))!.set({ title: 'written' })
  }
  writeFileSync(path, whole.subarray(0, whole.indexOf(0x0a) + 1))
  await write()
  expect(sideFiles(root)).toHaveLength(1)
  writeFileSync(path, whole)
  await write()
  expect(sideFiles(root)).toEqual([])
  const message = (await anew(root, 'one')).messages.find(({ id }) => id === draft.id)
  expect([message!.status, messageText(message)]).toEqual(['incomplete', 'so far'])
})

test('a draft of a message that was deleted is removed', async () => {
  const begun = await begin()
  const { root, other, draft } = begun
  await other.remove(draft.id)
  begun.own({ pid: 2 ** 30 })
  const { store } = await open(root)
  await (await store.get('one'))!.set({ title: 'written' })
  expect(sideFiles(root)).toEqual([])
})

test('one that dies after the conversation went on is ended by the next writer, who had looked before', async () => {
  const begun = await begin()
  const { other, draft } = begun
  // The first write looks whether anybody is gone.
  await other.add([{ text: 'and?' }, { role: 'assistant', text: 'that' }])
  expect(other.info.status).toBe('idle')
  begun.own({ pid: 2 ** 30 })
  const later = performance.now() + 60_000
  const clock = vi.spyOn(performance, 'now').mockReturnValue(later)
  onTestFinished(() => clock.mockRestore())
  await other.add({ text: 'so?' })
  expect(sideFiles(begun.root)).toEqual([])
  expect((await anew(begun.root, 'one')).messages.find(({ id }) => id === draft.id)).toMatchObject({
    status: 'incomplete',
    parts: [{ text: 'so far' }],
  })
})

test('a process that began at another time has only got the number', async (context) => {
  if (process.platform !== 'linux') context.skip('only Linux tells when a process began')
  const begun = await begin()
  begun.own({ started: '1' })
  expect(await isLeftAlone(begun)).toBe(false)
})

test.each([
  [10, true],
  [40, false],
])('a process of another host that was heard of %i s ago is left alone: %s', async (secondsAgo, expected) => {
  const begun = await begin()
  begun.own({ host: 'elsewhere', pid: process.pid }, secondsAgo)
  expect(await isLeftAlone(begun)).toBe(expected)
})

test.each([
  [10, true],
  [40, false],
])('whose first line is damaged %i s ago is left alone: %s', async (secondsAgo, expected) => {
  const begun = await begin()
  const [path] = sideFiles(begun.root)
  const rest = readFileSync(path!, 'utf8').split('\n').slice(1)
  writeFileSync(path!, ['\0\0\0', ...rest].join('\n'))
  const then = Date.now() / 1000 - secondsAgo
  utimesSync(path!, then, then)
  expect(await isLeftAlone(begun)).toBe(expected)
})

test('who was taken for dead and is not ends the message all the same', async () => {
  const begun = await begin()
  begun.own({ host: 'elsewhere' }, 40)
  expect(await isLeftAlone(begun)).toBe(false)
  begun.draft.text(', and to the end')
  const message = await begun.draft.end()
  expect(message).toMatchObject({ status: 'completed', parts: [{ id: 'p1', text: 'so far, and to the end' }] })
  expect((await anew(begun.root, 'one')).messages).toMatchObject([{ status: 'completed', parts: message.parts }])
})

test('a side file of a message that has ended or never was is removed by the next writer', async () => {
  const begun = await begin()
  const [path] = sideFiles(begun.root)
  const bytes = readFileSync(path!)
  const message = await begun.draft.end()
  writeFileSync(path!, bytes)
  writeFileSync(path!.replace(begun.draft.id, 'never'), bytes)
  const gone = { pid: 2 ** 30 }
  for (const each of sideFiles(begun.root)) {
    const [head, ...rest] = readFileSync(each, 'utf8').split('\n')
    writeFileSync(each, [JSON.stringify({ ...(JSON.parse(head!) as object), ...gone }), ...rest].join('\n'))
    if (each.includes('never')) utimesSync(each, 1000, 1000)
  }
  const { messages } = await anew(begun.root, 'one')
  expect(messages).toEqual([message])
  await (await (await open(begun.root)).store.get('one'))!.set({ title: 'written' })
  expect(sideFiles(begun.root)).toEqual([])
  expect((await anew(begun.root, 'one')).messages).toEqual([message])
})

test('what a process was making of a side file when it died is cleared by the next writer, when it is old', async () => {
  const { root, draft } = await begin()
  const folder = dirname(sideFiles(root)[0]!)
  const [old, fresh] = [Date.now() - 120_000, Date.now()].map((ms) => join(folder, `.${firstIdAt(ms)}.tmp`))
  for (const path of [old!, fresh!]) writeFileSync(path, '')
  await (await (await open(root)).store.get('one'))!.add({ text: 'next' })
  expect([existsSync(old!), existsSync(fresh!)]).toEqual([false, true])
  await draft.end()
})

test('two who find the same dead one end it once', async () => {
  const begun = await begin()
  begun.own({ pid: 2 ** 30 })
  const stores = await Promise.all([0, 1, 2, 3].map(() => openStore(begun.root, { bus: new Bus(), fsync: 'never' })))
  const sessions = await Promise.all(stores.map((store) => store.get('one')))
  await Promise.all(sessions.map((session, index) => session!.add({ text: `next ${index}` })))
  for (const store of stores) await store.close()
  const { messages } = await anew(begun.root, 'one')
  expect(messages[0]).toMatchObject({ status: 'incomplete', parts: [{ text: 'so far' }] })
  expect(messages).toHaveLength(5)
  expect(sideFiles(begun.root)).toEqual([])
  expect(readFileSync(logPath(begun.root, 'one'), 'utf8')).toContain(`"key":"draft:${begun.draft.id}"`)
})
