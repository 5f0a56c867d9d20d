/**
 * A long log is opened without being folded, and says the same of its newest messages as one that is.
 */
import { appendFileSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import * as fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import {
  Bus,
  memoryBackend,
  openStore,
  type Backend,
  type Message,
  type Session,
  type SessionInfo,
  type Store,
} from '../src/index.ts'
import { fileBackend } from '../src/backends/file/index.ts'
import { decodeLine, type Line } from '../src/line.ts'
import { Straight } from '../src/straight.ts'
import {
  chaos,
  conversations,
  copy,
  deliver,
  linearConversations,
  orderlyChaos,
  rounds,
  seeds,
} from './support/events.ts'
import { ids, replicaOf } from './support/model.ts'
import { elsewhere, freshStore, open } from './support/store.ts'

/** Whether the log of these lines ends as its conversation does, and what it is from each line on. */
function check(lines: readonly Line[]): boolean {
  const whole = replicaOf(lines)
  if (!whole.fold.isStraight || !whole.lines.isOrdered) return false
  const path = whole.fold.path(whole.fold.tree.active)
  for (let from = 0; from <= lines.length; from++) {
    const { fold } = replicaOf(lines.slice(from).map(copy))
    const end = fold.path(fold.tree.active)
    expect(end).toEqual(path.slice(path.length - end.length))
  }
  return true
}

describe('the end of a log that is straight folds to the end of its conversation', () => {
  test('of writers one after the other, whose logs are straight', () => {
    let straight = 0
    fc.assert(
      fc.property(linearConversations, (lines) => {
        if (check(lines)) straight++
      }),
      rounds(),
    )
    expect(straight).toBeGreaterThan(0)
  })

  test.each([
    ['of several writers', conversations],
    ['of anything in order', orderlyChaos],
    ['of anything', chaos],
  ])('%s', (_, arbitrary) => {
    fc.assert(
      fc.property(arbitrary, seeds, (lines, order) => {
        check([...lines].sort((a, b) => (a.id < b.id ? -1 : 1)))
        check(deliver(lines, order))
      }),
      rounds(),
    )
  })
})

/** What somebody does with a session; where it is one path, nothing else tells. */
const deed = fc.oneof(
  { weight: 6, arbitrary: fc.constantFrom('ask' as const, 'answer' as const) },
  { weight: 1, arbitrary: fc.constantFrom('both' as const, 'update' as const, 'part' as const, 'keyed' as const) },
  { weight: 1, arbitrary: fc.constantFrom('title' as const, 'custom' as const, 'remove' as const, 'known' as const) },
)
type Deed = typeof deed extends fc.Arbitrary<infer D> ? D : never

/** The lines of a session with which that was done. */
async function play(deeds: readonly Deed[], isBranched: boolean): Promise<string[]> {
  const backend = memoryBackend()
  const store = await openStore(backend, { bus: new Bus() })
  const session = await store.create({ id: 's' })
  for (const [n, each] of deeds.entries()) {
    const messages = await session.messages()
    const some = messages[n % Math.max(1, messages.length)]?.id
    if (each === 'ask') await session.add({ role: 'user', text: `q ${n} äöü \u2028 {"v":1,"id":"` })
    else if (each === 'answer') await session.add({ role: 'assistant', text: `a ${n}` })
    else if (each === 'both') await session.add([{ text: 'q' }, { role: 'assistant', text: 'a' }])
    else if (each === 'keyed') await session.add({ text: 'keyed' }, { key: `key ${n}` })
    else if (each === 'title') await session.set({ title: `title ${n}` })
    else if (each === 'custom') await session.append('todo.added', { n })
    else if (some === undefined) continue
    else if (each === 'update') await session.update(some, { metadata: { n } })
    else if (each === 'part') await session.part(some, { type: 'text', text: `part ${n}` })
    else if (each === 'known') await session.add({ id: some, text: 'again' })
    else await session.remove(some)
  }
  const first = isBranched ? (await session.messages())[1] : undefined
  if (first !== undefined) await session.branch(first.id, { text: 'instead' })
  const lines: string[] = []
  for await (const batch of backend.read({ namespace: store.name, sessionId: 's' }))
    lines.push(...batch.lines.map(({ bytes }) => Buffer.from(bytes).toString('latin1')))
  await store.close()
  return lines
}

/** Something that happens to the lines of a log. */
const harm = fc.record({
  kind: fc.constantFrom(
    'torn' as const,
    'glued' as const,
    'twice' as const,
    'moved' as const,
    'gone' as const,
    'noise' as const,
  ),
  line: fc.nat(),
  at: fc.nat(),
})
type Harm = typeof harm extends fc.Arbitrary<infer H> ? H : never

function harmed(lines: readonly string[], harms: readonly Harm[]): string[] {
  const out = [...lines]
  for (const { kind, line, at } of harms) {
    const index = line % out.length
    const other = at % out.length
    const text = out[index]!
    if (kind === 'torn') out[index] = text.slice(0, at % (text.length + 1))
    else if (kind === 'glued') out.splice(index, 2, text.slice(0, at % text.length) + (out[index + 1] ?? ''))
    else if (kind === 'twice') out.splice(other, 0, text)
    else if (kind === 'moved') out.splice(other, 0, ...out.splice(index, 1))
    else if (kind === 'gone') out.splice(index, 1, ...(out.length > 1 ? [] : ['']))
    else out[index] = `${text.slice(0, at % text.length)}\u0001\u00ff${text.slice((at % text.length) + 2)}`
  }
  return out
}

/** What passing over the bytes of a log says; undefined if it is not straight. */
function passedOver(lines: readonly string[]): SessionInfo | undefined {
  const straight = new Straight('default', 's')
  const half = Math.floor(lines.length / 2)
  const pieces = [lines.slice(0, half), lines.slice(half)].filter(({ length }) => length > 0)
  const isTaken = pieces.every((piece) => straight.take(Buffer.from(`${piece.join('\n')}\n`, 'latin1')))
  return isTaken ? straight.info() : undefined
}

describe('passing over the bytes of a log', () => {
  test('tells what a fold tells of a session that is one path, and no other one from one', async () => {
    let straight = 0
    await fc.assert(
      fc.asyncProperty(fc.array(deed, { minLength: 1, maxLength: 25 }), fc.boolean(), async (deeds, isBranched) => {
        const lines = await play(deeds, isBranched)
        const decoded = lines.flatMap((text) => decodeLine(Buffer.from(text, 'latin1'), NOWHERE).lines)
        const { fold, lines: set } = replicaOf(decoded)
        const info = passedOver(lines)
        expect(info !== undefined).toBe(fold.isStraight && set.isOrdered)
        if (info === undefined) return
        straight++
        const whole = copy(fold.info(0))
        const names = ['title', 'vars', 'metadata', 'time', 'messageCount', 'lastEventId'] as const
        for (const name of names) expect(info[name]).toEqual(whole[name])
        expect(info.complete).toBe(false)
        // What was deleted is not looked up.
        if (deeds.includes('remove')) return
        for (const name of ['head', 'turnCount', 'branchCount', 'preview'] as const)
          expect(info[name]).toEqual(whole[name])
      }),
      rounds(0.25),
    )
    expect(straight).toBeGreaterThan(0)
  })

  test('takes no log for straight that is not, whatever happened to it', async () => {
    const deeds: Deed[] = [
      'ask',
      'answer',
      'ask',
      'answer',
      'both',
      'keyed',
      'title',
      'part',
      'update',
      'ask',
      'answer',
      'custom',
      'remove',
      'ask',
    ]
    const logs = await Promise.all([6, 8, 10, 12, 14].map((count) => play(deeds.slice(0, count), count === 14)))
    let straight = 0
    fc.assert(
      fc.property(fc.constantFrom(...logs), fc.array(harm, { maxLength: 3 }), (lines, harms) => {
        const bytes = harmed(lines, harms)
        if (passedOver(bytes) === undefined) return
        straight++
        expect(check(bytes.flatMap((text) => decodeLine(Buffer.from(text, 'latin1'), NOWHERE).lines))).toBe(true)
      }),
      rounds(5),
    )
    expect(straight).toBeGreaterThan(0)
  })
})

const NOWHERE = { file: '', line: 0, offset: 0 }
const LONG = 'word '.repeat(4000)

/** A session of some megabytes whose conversation is one path, as it is read later, and listed so that its info is in the cache. */
async function longSession(count = 100, isListed = true): Promise<{ readonly store: Store; readonly id: string }> {
  const store = await freshStore()
  const session = await store.create({ title: 'long' })
  for (let n = 0; n < count; n++) {
    await session.add({ role: 'user', text: `question ${n} ${LONG}` })
    const answer = await session.add({ role: 'assistant', text: `answer ${n} ${LONG}` })
    if (n % 10 === 3) await session.update(answer.id, { metadata: { n } })
    if (n % 10 === 5) await session.part(answer.id, { type: 'text', text: `more of ${n}` })
    if (n % 10 === 7) await session.remove(answer.id)
    if (n % 10 === 8) await session.add([{ text: `two ${n}` }, { role: 'assistant', text: `at once ${n}` }])
    if (n % 10 === 9) await session.add({ text: `guarded ${n}` }, { expectedHead: session.info.head ?? null })
  }
  if (isListed) await store.list()
  await store.close()
  if (!isListed) rmSync(join(store.root, store.name, '.cache'), { recursive: true, force: true })
  return { store, id: session.id }
}

/** The folder of a store opened anew, and what is read of its logs. */
async function watched(
  store: Store,
): Promise<{ readonly other: Store; readonly reads: { whole: number; back: number } }> {
  const reads = { whole: 0, back: 0 }
  const backend = fileBackend(store.root)
  const counted: Backend = {
    ...methodsOf(backend),
    read: (key, options) => {
      if (options?.after === undefined) reads.whole++
      return backend.read(key, options)
    },
    readBack: async (key, before, sizeBytes) => {
      reads.back++
      return backend.readBack!(key, before, sizeBytes)
    },
  }
  return { other: await open(counted, { namespace: store.name, bus: new Bus() }), reads }
}

/** A backend as an object whose methods can be replaced. */
function methodsOf(backend: Backend): Backend {
  const methods = Object.getOwnPropertyNames(Object.getPrototypeOf(backend)).filter((name) => name !== 'constructor')
  const bound = methods.map((name) => [name, (backend as never as Record<string, () => void>)[name]!.bind(backend)])
  return { ...backend, ...(Object.fromEntries(bound) as Backend) }
}

async function get(store: Store, id: string): Promise<Session> {
  const session = await store.get(id)
  expect(session).toBeDefined()
  return session!
}

const plain = (messages: readonly Message[]): Message[] => messages.map(copy)

describe('a long session that was listed', () => {
  test('says its info and its newest messages, page by page, as if it were folded, and is not', async () => {
    const { store, id } = await longSession()
    const all = await (await get(await elsewhere(store), id)).messages()
    const { other, reads } = await watched(store)
    const session = await get(other, id)
    expect(session.info).toEqual((await get(await elsewhere(store), id)).info)
    let end = all.length
    let before: { readonly before?: string } = {}
    while (end > 0) {
      const page = await session.messages({ limit: 30, ...before })
      expect(plain(page)).toEqual(plain(all.slice(Math.max(0, end - 30), end)))
      end -= page.length
      before = { before: page[0]!.id }
    }
    expect(await session.messages({ limit: 30, ...before })).toEqual([])
    for (const { id: each } of all.slice(-5)) expect(ids(await session.siblings(each))).toEqual([each])
    expect(ids(await session.messages({ limit: 1000 }))).toEqual(ids(all))
    expect(reads).toMatchObject({ whole: 0 })
    expect(reads.back).toBeGreaterThan(2)
  })

  test('is folded by the first call that needs all of it, and by none before', async () => {
    const { store, id } = await longSession(40)
    const { other, reads } = await watched(store)
    const session = await get(other, id)
    await session.messages({ limit: 5 })
    expect(reads.whole).toBe(0)
    const calls = [
      session.add({ text: 'one' }),
      session.add({ role: 'assistant', text: 'two' }),
      session.set({ title: 'new' }),
    ]
    expect(session.info.title).toBe('long')
    await Promise.all(calls)
    expect(reads.whole).toBe(1)
    expect(session.info.title).toBe('new')
    expect((await session.messages({ limit: 2 })).map(({ parts }) => parts[0])).toMatchObject([
      { text: 'one' },
      { text: 'two' },
    ])
    expect(await session.context()).toHaveLength((await session.messages()).length)
  })

  test('is folded when others add to it, and tells of that', async () => {
    const { store, id } = await longSession(40)
    const { other, reads } = await watched(store)
    const session = await get(other, id)
    const [last] = await session.messages({ limit: 1 })
    const heard: string[] = []
    other.on('message.created', ({ event }) => heard.push(event.id))
    const added = await (await get(await elsewhere(store), id)).add({ text: 'from elsewhere' })
    expect(ids(await session.messages({ limit: 2 }))).toEqual([last!.id, added.id])
    expect(reads.whole).toBe(1)
    expect(heard).toEqual([added.id])
    expect(session.info.head).toBe(added.id)
  })

  test('that has branches is folded at once', async () => {
    const { store, id } = await longSession(40)
    const writer = await elsewhere(store)
    const session = await get(writer, id)
    const [question] = await session.messages({ limit: 3 })
    await session.branch(question!.id, { text: 'another' })
    await writer.list()
    await writer.close()
    const { other, reads } = await watched(store)
    expect(ids(await (await get(other, id)).messages({ limit: 2 }))).toEqual(
      ids((await (await get(await elsewhere(store), id)).messages()).slice(-2)),
    )
    expect(reads.whole).toBe(1)
  })

  test('whose last message is being streamed is folded for it', async () => {
    const { store, id } = await longSession(40)
    const writer = await elsewhere(store)
    const draft = await (await get(writer, id)).stream({ role: 'assistant' })
    draft.text('so far')
    await writer.list()
    const { other } = await watched(store)
    const [message] = await (await get(other, id)).messages({ limit: 1 })
    expect(message).toMatchObject({ id: draft.id, status: 'in_progress' })
    await draft.end()
  })

  test('that was deleted meanwhile is not there', async () => {
    const { store, id } = await longSession(40)
    const { other } = await watched(store)
    const session = await get(other, id)
    await (await elsewhere(store)).delete(id)
    await expect(session.messages({ limit: 1 })).rejects.toMatchObject({ code: 'NOT_FOUND' })
    await expect(session.add({ text: 'late' })).rejects.toMatchObject({ code: 'NOT_FOUND' })
  })

  test('shows what it was before a line that is torn', async () => {
    const { store, id } = await longSession(40)
    const { other, reads } = await watched(store)
    const session = await get(other, id)
    const before = await session.messages({ limit: 1 })
    appendFileSync(`${store.root}/${store.name}/${id}.jsonl`, '{"torn":')
    expect(await session.messages({ limit: 1 })).toEqual(before)
    expect(reads.whole).toBe(0)
  })
})

describe('a long session that was never listed', () => {
  // Guards are not told from the first bytes of lines.
  test('is passed over, which its info says, and read from its end', async () => {
    const { store, id } = await longSession(9, false)
    const writer = await get(await elsewhere(store), id)
    for (let n = 0; n < 80; n++) await writer.add({ text: `${n} ${LONG}` })
    const all = await writer.messages()
    const { other, reads } = await watched(store)
    const session = await get(other, id)
    expect(session.info).toMatchObject({ complete: false, title: 'long', head: all.at(-1)!.id, usage: {} })
    expect(plain(await session.messages({ limit: 40 }))).toEqual(plain(all.slice(-40)))
    expect(reads.whole).toBe(0)
    await session.add({ text: 'more' })
    expect(session.info).not.toHaveProperty('complete')
    expect(session.info.messageCount).toBe(all.length + 1)
    expect(reads.whole).toBe(1)
  })

  test('is folded where that does not tell, as with guarded lines', async () => {
    const { store, id } = await longSession(40, false)
    const { other, reads } = await watched(store)
    const session = await get(other, id)
    expect(session.info).not.toHaveProperty('complete')
    expect(reads.whole).toBe(1)
  })
})
