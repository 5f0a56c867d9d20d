/**
 * What an append asks of the system, counted: never a matter of time. More than this is a decision, and not an accident.
 */
import { execFileSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { expect, test } from 'vitest'
import type { Session } from '../../src/session.ts'
import { workOf, type Work } from '../support/counts.ts'
import { needs } from '../support/machine.ts'
import { logPath, open, temp } from '../support/temp.ts'

const COUNT = 200
/**
 * When others were let in between, the file is looked at before the next write; that is a matter of time, but in one of
 * several attempts it is far more seldom than each tenth time.
 */
const SELDOM = COUNT / 10
const ATTEMPTS = 5

test('guard: an append is one write and one look at the path', async () => {
  const { store } = await open(temp(), { fsync: 'never' })
  const work = await workOfAppends(await store.create(), 2 * COUNT + SELDOM)
  expect(work.by.get('writeSync')).toBe(COUNT)
  expect(work.calls).toBeLessThanOrEqual(2 * COUNT + SELDOM)
  expect(work).toMatchObject({ opened: 0, bytesRead: 0, parsed: 0 })
})

test('guard: an append that is synced asks for one sync more', async () => {
  const { store } = await open(temp(), { fsync: 'always' })
  const work = await workOfAppends(await store.create(), 4 * COUNT)
  const syncs = (work.by.get('fdatasync') ?? 0) + (work.by.get('fdatasyncSync') ?? 0)
  expect(work.by.get('writeSync')).toBe(COUNT)
  expect(syncs).toBe(COUNT)
  expect(work.calls).toBeLessThanOrEqual(4 * COUNT)
  expect(work).toMatchObject({ opened: 0, bytesRead: 0, parsed: 0 })
})

test.for(['never', 'everysec', 'always'] as const)(
  'guard: a hundred callers, fsync %s, share one write and what belongs to it',
  async (fsync) => {
    const { store } = await open(temp(), { fsync })
    const session = await store.create()
    await session.add({ text: 'before' })
    const texts = Array.from({ length: 100 }, (_, i) => `message ${i}`)
    const work = await workOf(() => Promise.all(texts.map((text) => session.add({ text }))))
    expect(work.by.get('writeSync')).toBe(1)
    expect(work.calls).toBeLessThanOrEqual(6)
    expect(work).toMatchObject({ opened: 0, bytesRead: 0, parsed: 0 })
  },
)

test('guard: an append asks no more of a session of 3,000 messages than of one of 20', async () => {
  const { store } = await open(temp(), { fsync: 'never' })
  const session = await store.create()
  for (let i = 0; i < 3000; i++) await session.add({ text: `message ${i}` })
  const work = await workOfAppends(session, 2 * COUNT + SELDOM)
  expect(work.by.get('writeSync')).toBe(COUNT)
  expect(work.calls).toBeLessThanOrEqual(2 * COUNT + SELDOM)
  expect(work).toMatchObject({ opened: 0, bytesRead: 0, parsed: 0 })
})

test('guard: the kernel sees one write and one stat of the log for each append', (context) => {
  needs(context, 'strace')
  let others = Number.POSITIVE_INFINITY
  for (let i = 0; i < ATTEMPTS && others > COUNT + SELDOM; i++) {
    const [few, many] = [callsOf(100), callsOf(100 + COUNT)]
    const more = (name: string): number => (many.get(name) ?? 0) - (few.get(name) ?? 0)
    expect(more('write')).toBe(COUNT)
    others = [...many.keys()].reduce((sum, name) => (name === 'write' ? sum : sum + more(name)), 0)
  }
  expect(others).toBeLessThanOrEqual(COUNT + SELDOM)
})

/** What {@link COUNT} messages ask for, one after the other: of the first attempt that makes no more calls than `most`, or of the last. */
async function workOfAppends(session: Session, most: number): Promise<Work> {
  for (let i = 0; i < 20; i++) await session.add({ text: `before ${i}` })
  for (let attempt = 1; ; attempt++) {
    const work = await workOf(async () => {
      for (let i = 0; i < COUNT; i++) await session.add({ text: `message ${i}` })
    })
    if (work.calls <= most || attempt === ATTEMPTS) return work
  }
}

/** How often a process that appends so many messages makes each system call that concerns the log, by `strace -c`. */
function callsOf(count: number): Map<string, number> {
  const root = temp()
  const summary = join(root, 'summary')
  const child = fileURLToPath(new URL('../support/children/appends.mjs', import.meta.url))
  const about = ['-f', '-qq', '-c', '-U', 'name,calls', '-P', logPath(root, 'one'), '-o', summary]
  execFileSync('strace', [...about, process.execPath, child, root, String(count)])
  const lines = readFileSync(summary, 'utf8').split('\n')
  const rows = lines.map((line) => /^\s*(\w+)\s+(\d+)\s*$/.exec(line)).filter((match) => match !== null)
  return new Map(rows.map(([, name, calls]) => [name!, Number(calls)] as const).filter(([name]) => name !== 'total'))
}
