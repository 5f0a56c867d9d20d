/** What is found in a session that is one path is told without folding it, and is the same. */
import { readFileSync, writeFileSync } from 'node:fs'
import { describe, expect, test } from 'vitest'
import { timeOf } from '../../src/event-id.ts'
import { idFrom } from '../../src/id.ts'
import { eventsOf, type InnerEvent, type Line } from '../../src/line.ts'
import type { Session, Store } from '../../src/index.ts'
import { copy, line } from '../support/events.ts'
import { replicaOf } from '../support/model.ts'
import { testLogs } from '../support/straight.ts'
import { logPath, open, temp } from '../support/temp.ts'
import { collect, nameOf, naively } from './naive.ts'
import { settled } from './settled.ts'

function isOf(id: string, { data }: InnerEvent): boolean {
  return JSON.stringify(data).includes(JSON.stringify(id).slice(1, -1))
}

/** Whether a log is one path, and each of its messages is what the lines say that name it. */
function check(lines: readonly Line[]): boolean {
  const whole = replicaOf(lines.map(copy))
  if (!whole.fold.isStraight || !whole.lines.isOrdered) return false
  const onPath = new Set(whole.fold.path(whole.fold.tree.active).map(({ id }) => id))
  for (const message of whole.fold.all()) {
    const { id } = message
    const some = replicaOf(lines.filter((line) => eventsOf(line).some((event) => isOf(id, event))).map(copy))
    expect(some.fold.message(id)).toEqual(message)
    expect(some.fold.touched(id)).toBe(whole.fold.touched(id))
    expect(onPath).toContain(id)
  }
  return true
}

describe('in a log that is one path, a message is what the lines say that name it', () => {
  testLogs(check)
})

/** A session of one path with something to find, listed, and read anew by another store. */
async function listed(edit?: (log: string) => string): Promise<{
  readonly store: Store
  readonly session: Session
  readonly other: Store
  readonly reads: ReturnType<typeof settled>['reads']
}> {
  const root = temp()
  const { store } = await open(root)
  const session = await store.create({ id: 'one', title: 'one path' })
  for (let n = 0; n < 20; n++) {
    await session.add({ id: `q${n}`, text: `question ${n}` })
    await session.add({ id: `r${n}`, role: 'assistant', parts: [{ id: 'p', type: 'text', text: `answer ${n}` }] })
  }
  await session.part('r7', { id: 'p', type: 'text', text: 'a needle' })
  await session.remove('q9')
  const path = logPath(root, 'one')
  if (edit !== undefined) writeFileSync(path, edit(readFileSync(path, 'utf8')))
  const { backend, reads } = settled(root)
  const { store: other } = await open(backend)
  await collect(other.list() as never)
  reads.whole = 0
  return { store, session, other, reads }
}

test('a session that was listed is not folded for what is found in it', async () => {
  const { store, other, reads } = await listed()
  const [hit, ...more] = await collect(other.search('needle'))
  expect(more).toEqual([])
  expect(reads).toMatchObject({ whole: 0, back: 1 })
  expect(hit).toEqual((await collect(store.search('needle')))[0])
  expect(hit).toMatchObject({ messageId: 'r7', title: 'one path', isOnPath: true })
})

test.for([
  ['the message is removed', (session: Session) => session.remove('r7')],
  ['its text is replaced', (session: Session) => session.part('r7', { id: 'p', type: 'text', text: 'nothing' })],
  ['the conversation goes on elsewhere', (session: Session) => session.branch('q3', { text: 'another way' })],
  ['the title is another one', (session: Session) => session.set({ title: 'other' })],
] as const)('what comes while a search looks at the session counts: %s', async ([, change]) => {
  const { store, session, other, reads } = await listed()
  let isChanged = false
  reads.onScan = async () => {
    if (isChanged) return
    isChanged = true
    await change(session)
  }
  expect(await collect(other.search('needle'))).toEqual(await collect(store.search('needle')))
  expect(await naively(store, 'needle')).toEqual((await collect(other.search('needle'))).map(nameOf))
})

test('a line counts that names the message in another way', async () => {
  const escaped = String.raw`"messageId":"\u00727"`
  const { store, other, reads } = await listed((log) => log.replace('"messageId":"r7"', escaped))
  expect((await collect(other.search('needle'))).map(nameOf)).toEqual(['one r7 p path'])
  expect(reads).toMatchObject({ whole: 0, back: 1 })
  expect(await naively(store, 'needle')).toEqual(['one r7 p path'])
})

test('a line that would create the message again and has no effect is not where it was created', async () => {
  const { store, other, reads } = await listed((log) => {
    const { id } = JSON.parse(log.trimEnd().split('\n').at(-1)!) as Line
    const lines = [
      line(idFrom(timeOf(id) + 1, new Uint8Array(10)), 'todo.added', 'x'.repeat(600_000)),
      line(idFrom(timeOf(id) + 2, new Uint8Array(10)), 'message.created', { id: 'r7', turnId: 'r7' }),
      line(idFrom(timeOf(id) + 3, new Uint8Array(10)), 'message.created', { id: 'r7' }, { v: 2 }),
    ]
    return `${log}${lines.map((each) => `${JSON.stringify(each)}\n`).join('')}`
  })
  expect((await collect(other.search('needle'))).map(nameOf)).toEqual(['one r7 p path'])
  expect(reads).toMatchObject({ whole: 0, back: 2 })
  expect(await naively(store, 'needle')).toEqual(['one r7 p path'])
})

test('a session with branches is folded', async () => {
  const { session, other, reads, store } = await listed()
  await session.branch('q3', { text: 'another way' })
  await collect(other.list() as never)
  reads.whole = 0
  expect(await collect(other.search('needle'))).toEqual(await collect(store.search('needle')))
  expect(reads).toMatchObject({ whole: 1, back: 0 })
})
