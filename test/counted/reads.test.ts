/**
 * What opening, reading and listing ask of the disk and of JSON, counted: never a matter of time.
 */
import { statSync } from 'node:fs'
import { expect, onTestFinished, test } from 'vitest'
import type { Store } from '../../src/store.ts'
import { workOf } from '../support/counts.ts'
import { logPath, open, temp } from '../support/temp.ts'

const MESSAGES = 2000
const SESSIONS = 200
const PAGE = 50
/** A read is a block of the file at least; a few of them are no matter. */
const SOME_BYTES = 64 * 1024
/** Lines are read in blocks: what a page parses beyond itself is no more than this. */
const BLOCK_LINES = 4 * PAGE
/** Files that are not logs: caches, folders. */
const SOME_FILES = 6

test('guard: opening reads each byte of a log once, and parses no line twice', async () => {
  const { root, sizeBytes } = await longLog()
  const { store } = await open(root)
  const work = await workOf(async () => (await store.get('long'))!.info.messageCount)
  expect(work.bytesRead).toBeLessThanOrEqual(sizeBytes + SOME_BYTES)
  expect(work.parsed).toBeLessThanOrEqual(MESSAGES + 1)
  expect(work.opened).toBeLessThanOrEqual(1 + SOME_FILES)
})

test('guard: opening a long log that was listed reads nothing of it but its end, and parses next to nothing', async () => {
  const { root, sizeBytes } = await longLog()
  expect(sizeBytes).toBeGreaterThan(8 * SOME_BYTES)
  later()
  const { store: first } = await open(root)
  await first.list()
  await first.close()
  const { store } = await open(root)
  const work = await workOf(async () => (await store.get('long'))!.info.messageCount)
  expect(work.bytesRead).toBeLessThanOrEqual(SOME_BYTES)
  expect(work.parsed).toBeLessThanOrEqual(SOME_FILES)
})

test('guard: a page of an open session reads and parses a few blocks at its end, and again nothing', async () => {
  const { root } = await longLog()
  const { store } = await open(root)
  const session = (await store.get('long'))!
  const first = await workOf(() => session.messages({ limit: PAGE }))
  expect(first.bytesRead).toBeLessThanOrEqual(4 * SOME_BYTES)
  expect(first.parsed).toBeLessThanOrEqual(PAGE + BLOCK_LINES)
  const again = await workOf(() => session.messages({ limit: PAGE }))
  expect(again.bytesRead).toBeLessThanOrEqual(SOME_BYTES)
  expect(again.parsed).toBe(0)
  expect(again.opened).toBeLessThanOrEqual(1)
})

test('guard: a listing that knows all sessions opens and parses none', async () => {
  const { store } = await open(await manySessions())
  await store.list({ limit: PAGE })
  const work = await workOf(() => store.list({ limit: PAGE }))
  expect(work).toMatchObject({ opened: 0, bytesRead: 0, parsed: 0 })
  // A look at each, and a few at where they are.
  expect(work.calls).toBeLessThanOrEqual(SESSIONS + SOME_FILES)
})

test('guard: a listing of another process opens the cache, and parses what it shows', async () => {
  const root = await manySessions()
  const { store: first } = await open(root)
  await first.list({ limit: PAGE })
  await first.close()
  const { store } = await open(root)
  const work = await workOf(() => store.list({ limit: PAGE }))
  expect(work.opened).toBeLessThanOrEqual(SOME_FILES)
  expect(work.parsed).toBeLessThanOrEqual(PAGE + SOME_FILES)
  expect(work.calls).toBeLessThanOrEqual(SESSIONS + 5 * SOME_FILES)
})

test('guard: a listing after one session changed reads that one, from where it was read to', async () => {
  const root = await manySessions()
  const { store } = await open(root)
  await store.list({ limit: PAGE })
  const { store: other } = await open(root)
  await (await other.get('s7'))!.add({ text: 'news' })
  const work = await workOf(() => store.list({ limit: PAGE }))
  expect(work.opened).toBeLessThanOrEqual(SOME_FILES)
  expect(work.bytesRead).toBeLessThanOrEqual(SOME_BYTES)
  expect(work.parsed).toBeLessThanOrEqual(SOME_FILES)
})

test('guard: a first listing opens each log once', async () => {
  const { store } = await open(await manySessions())
  const work = await workOf(() => store.list({ limit: PAGE }))
  expect(work.opened).toBeLessThanOrEqual(SESSIONS + 2 * SOME_FILES)
})

/** A session of many messages, whose store was closed. */
async function longLog(): Promise<{ root: string; sizeBytes: number }> {
  const root = temp()
  const { store } = await open(root, { fsync: 'never' })
  const session = await store.create({ id: 'long' })
  for (let i = 0; i < MESSAGES; i++) await session.add({ text: `${'text '.repeat(60)}${i}` })
  await store.close()
  return { root, sizeBytes: statSync(logPath(root, 'long')).size }
}

/** Many sessions. By the clock of this process they have not changed for a while, so what is known of them may be kept. */
async function manySessions(): Promise<string> {
  const root = temp()
  const { store } = await open(root, { fsync: 'never' })
  for (let i = 0; i < SESSIONS; i++) await writeSession(store, i)
  await store.close()
  later()
  return root
}

/** Lets a minute pass, by the clock of this process. */
function later(): void {
  const now = Date.now.bind(Date)
  Date.now = () => now() + 60_000
  onTestFinished(() => {
    Date.now = now
  })
}

async function writeSession(store: Store, i: number): Promise<void> {
  const session = await store.create({ id: `s${i}` })
  for (let n = 0; n < 3; n++) await session.add({ text: `message ${n} of ${i}` })
  await session.close()
}
