/**
 * `expectedHead`: a call writes only while the conversation ends where its caller saw it end. On files and in memory.
 */
import { appendFileSync, readFileSync, renameSync, statSync, writeFileSync } from 'node:fs'
import { describe, expect, test } from 'vitest'
import type { Backend } from '../../src/backend.ts'
import { memoryBackend } from '../../src/backends/memory.ts'
import { isFoldlogError, type ErrorCode, type FoldlogError } from '../../src/errors.ts'
import { newId } from '../../src/id.ts'
import type { Session } from '../../src/session.ts'
import { Bus } from '../../src/bus.ts'
import { anew, idsOf, logPath, open, temp, textsOf } from '../support/temp.ts'

async function refused(call: Promise<unknown>, code: ErrorCode = 'HEAD_MOVED'): Promise<FoldlogError> {
  const error = await call.then(
    () => undefined,
    (reason: unknown) => reason,
  )
  expect(isFoldlogError(error, code), `${String(error)} instead of ${code}`).toBe(true)
  return error as FoldlogError
}

/** Two handles of one session that know nothing of each other but what lies in the place. */
async function pair(place: string | Backend): Promise<{ readonly mine: Session; readonly theirs: Session }> {
  const { store } = await open(place)
  const { store: other } = await open(place, { bus: new Bus() })
  await store.create({ id: 'guarded' })
  return { mine: (await store.get('guarded'))!, theirs: (await other.get('guarded'))! }
}

describe.each([
  ['files', temp],
  ['memory', memoryBackend],
])('in %s', (_, place: () => string | Backend) => {
  test('a call goes through while the conversation ends where it says', async () => {
    const { mine, theirs } = await pair(place())
    const first = await mine.add({ text: 'first' }, { expectedHead: null })
    const second = await mine.add({ role: 'assistant', text: 'second' }, { expectedHead: first.id })
    const both = await theirs.add([{ text: 'third' }, { role: 'assistant', text: 'fourth' }], {
      expectedHead: second.id,
    })
    const head = both[1]!.id
    await mine.update(first.id, { metadata: { a: 1 } }, { expectedHead: head })
    await theirs.part(second.id, { type: 'text', text: 'more' }, { expectedHead: head })
    await mine.removePart(second.id, second.parts[0]!.id, { expectedHead: head })
    await theirs.set({ title: 'Guarded' }, { expectedHead: head })
    await mine.append('todo.added', { a: 1 }, { expectedHead: head })
    const edited = await theirs.branch(both[0]!.id, { text: 'edited' }, { expectedHead: head })
    expect(await mine.remove(edited.id, { expectedHead: edited.id })).toBe(true)
    expect(textsOf(await mine.messages())).toEqual(['first', 'more'])
    expect(await theirs.messages()).toEqual(await mine.messages())
    expect(mine.info.title).toBe('Guarded')
  })

  test('every call is refused once the conversation has gone on, writes nothing, and says what came', async () => {
    const { mine, theirs } = await pair(place())
    const seen = await mine.add({ text: 'seen' })
    await theirs.messages()
    const news = await theirs.add({ role: 'assistant', text: 'news' })
    const guard = { expectedHead: seen.id }
    const calls = [
      () => mine.add({ text: 'refused' }, guard),
      () => mine.update(seen.id, { metadata: {} }, guard),
      () => mine.part(seen.id, { type: 'text', text: 'refused' }, guard),
      () => mine.removePart(seen.id, seen.parts[0]!.id, guard),
      () => mine.remove(seen.id, guard),
      () => mine.remove('nobody', guard),
      () => mine.set({ title: 'refused' }, guard),
      () => mine.branch(seen.id, { text: 'refused' }, guard),
      () => mine.append('todo.added', {}, guard),
      () => mine.add({ text: 'refused' }, { expectedHead: null }),
      () => mine.add({ text: 'refused' }, { expectedHead: 'never there' }),
    ]
    for (const call of calls) {
      const error = await refused(call())
      expect(error.head).toBe(news.id)
      expect(error.retriable).toBe(false)
      expect(error.events!.at(-1)).toMatchObject({ type: 'message.created', data: { id: news.id } })
    }
    const { events } = await refused(calls[0]!())
    expect(events).toHaveLength(1)
    expect(Object.isFrozen(events)).toBe(true)
    expect(idsOf(await mine.messages())).toEqual([seen.id, news.id])
    expect(await mine.messages()).toEqual(await theirs.messages())
    // With what came, the caller can decide again.
    await mine.add({ text: 'decided again' }, { expectedHead: news.id })
  })

  test('what does not move the head does not refuse a call', async () => {
    const { mine, theirs } = await pair(place())
    const head = await mine.add({ text: 'head' })
    await theirs.set({ title: 'Titled' })
    await theirs.update(head.id, { metadata: { read: true } })
    await theirs.part(head.id, { type: 'text', text: 'more' })
    await theirs.append('todo.added', {})
    const next = await mine.add({ role: 'assistant', text: 'next' }, { expectedHead: head.id })
    expect(idsOf(await theirs.messages())).toEqual([head.id, next.id])
  })

  test('the head moves back too: by undo, and by removing its message', async () => {
    const { mine, theirs } = await pair(place())
    const first = await mine.add({ text: 'first' })
    const second = await mine.add({ role: 'assistant', text: 'second' })
    await theirs.set({ head: first.id })
    const undone = await refused(mine.add({ text: 'refused' }, { expectedHead: second.id }))
    expect(undone.head).toBe(first.id)
    await mine.set({ head: second.id }, { expectedHead: first.id })
    await theirs.remove(second.id)
    const removed = await refused(mine.add({ text: 'refused' }, { expectedHead: second.id }))
    expect(removed.head).toBe(first.id)
    await theirs.set({ head: null })
    expect((await refused(mine.add({ text: 'refused' }, { expectedHead: first.id }))).head).toBe(null)
    await mine.add({ text: 'new start' }, { expectedHead: null })
    expect(textsOf(await theirs.messages())).toEqual(['new start'])
  })

  test('of calls made at once with one expectedHead one is made, also beside others without', async () => {
    const { mine, theirs } = await pair(place())
    const head = await mine.add({ text: 'head' })
    const calls = Array.from({ length: 10 }, (_, i) =>
      (i % 2 === 0 ? mine : theirs).add({ text: `guarded ${i}` }, { expectedHead: head.id }),
    )
    const titles = [mine.set({ title: 'One' }), theirs.set({ title: 'Two' })]
    const results = await Promise.allSettled(calls)
    await Promise.all(titles)
    const won = results.flatMap((result) => (result.status === 'fulfilled' ? [result.value.id] : []))
    expect(won).toHaveLength(1)
    expect(idsOf(await mine.messages())).toEqual([head.id, ...won])
    for (const result of results) {
      if (result.status === 'rejected') expect(isFoldlogError(result.reason, 'HEAD_MOVED')).toBe(true)
    }
  })

  test('what was called before in the same tick is decided upon', async () => {
    const { mine } = await pair(place())
    const head = await mine.add({ text: 'head' })
    const [before, guarded] = await Promise.allSettled([
      mine.add({ text: 'before' }),
      mine.add({ text: 'guarded' }, { expectedHead: head.id }),
    ])
    expect(before.status).toBe('fulfilled')
    expect(guarded.status).toBe('rejected')
  })

  test('what is added while a guarded call is under way does not go on from what it may lose', async () => {
    const { mine, theirs } = await pair(place())
    const head = await mine.add({ text: 'head' })
    await theirs.messages()
    await theirs.add({ text: 'theirs' })
    const [guarded, plain] = await Promise.allSettled([
      mine.add({ text: 'guarded' }, { expectedHead: head.id }),
      Promise.resolve().then(() => mine.add({ role: 'assistant', text: 'plain' })),
    ])
    expect(guarded.status).toBe('rejected')
    expect(plain.status).toBe('fulfilled')
    expect(new Set(textsOf(await theirs.messages()))).toEqual(new Set(['head', 'theirs', 'plain']))
    expect(await mine.findings()).toEqual([])
  })

  test('row 29: a call whose key is known returns the first result, wherever the head is', async () => {
    const { mine, theirs } = await pair(place())
    const first = await mine.add({ text: 'first' }, { key: 'k', expectedHead: null })
    await theirs.messages()
    await theirs.add({ text: 'more' })
    expect(await theirs.add({ text: 'again' }, { key: 'k', expectedHead: null })).toEqual(first)
    // A key is not used up by a call that was refused.
    await refused(mine.add({ text: 'refused' }, { key: 'l', expectedHead: first.id }))
    const head = mine.info.head!
    const added = await theirs.add({ text: 'added' }, { key: 'l', expectedHead: head })
    expect(await mine.add({ text: 'refused' }, { key: 'l', expectedHead: first.id })).toEqual(added)
  })

  test('row 28: many that use one key and one expectedHead at once have one result', async () => {
    const { mine, theirs } = await pair(place())
    const results = await Promise.all(
      Array.from({ length: 8 }, (_, i) =>
        (i % 2 === 0 ? mine : theirs).add({ text: `call ${i}` }, { key: 'one', expectedHead: null }),
      ),
    )
    expect(new Set(idsOf(results)).size).toBe(1)
    expect(await mine.messages()).toHaveLength(1)
  })

  test('errors of the call itself are told as without a guard, after the guard', async () => {
    const { mine } = await pair(place())
    const head = await mine.add({ text: 'head' })
    await refused(mine.update('nobody', {}, { expectedHead: head.id }), 'NOT_FOUND')
    await refused(mine.update('nobody', {}, { expectedHead: null }))
    await refused(mine.add({ text: 'x', parentId: 'nobody' }, { expectedHead: head.id }), 'NOT_FOUND')
    await refused(mine.append('todo.added', 'x'.repeat(70_000_000), { expectedHead: head.id }), 'TOO_LARGE')
    expect(await mine.remove('nobody', { expectedHead: head.id })).toBe(false)
    expect(await mine.messages()).toEqual([head])
  })

  test('a guard that says nothing is refused, for it would not guard', async () => {
    const { mine } = await pair(place())
    for (const expectedHead of [undefined, '', ' ', 7, {}]) {
      const error = await refused(mine.add({ text: 'x' }, { expectedHead } as never), 'INVALID_OPTION')
      expect(error.field).toBe('expectedHead')
    }
    expect(await mine.messages()).toEqual([])
  })
})

test('a call that takes no guard refuses one, and any option that it does not know, before anything is done', async () => {
  const { store } = await open(temp())
  const session = await store.create({ id: 's' })
  const head = await session.add({ text: 'head' })
  const guard = { expectedHead: 'other' } as never
  const line = { id: newId(), type: 'todo.added', time: new Date().toISOString(), data: {} }
  const unguarded: readonly (() => Promise<unknown>)[] = [
    () => store.create(guard),
    () => store.create({ id: 'new' }, guard),
    () => store.ensure('s', guard),
    () => store.ensure('new', {}, guard),
    () => store.fork('s', guard),
    () => store.delete('s', guard),
    () => store.purge('s', guard),
    () => store.merge('s', [line], guard),
    () => store.redact({ text: 'head' }, guard),
    () => session.restore([line], guard),
    () => session.repair(guard),
    () => session.pack(guard),
  ]
  for (const call of unguarded) expect(await refused(call(), 'INVALID_OPTION')).toMatchObject({ field: 'expectedHead' })
  const wrong = { dryrun: true, expectedhead: head.id } as never
  const mistaken: readonly (() => Promise<unknown>)[] = [
    () => session.add({ text: 'x' }, wrong),
    () => session.set({ title: 'x' }, wrong),
    () => session.append('todo.added', {}, wrong),
    () => session.remove(head.id, wrong),
    () => session.remove('nobody', wrong),
    () => session.pack(wrong),
    () => store.redact({ text: 'head' }, wrong),
    () => store.prune({ olderThan: 0, ...(wrong as object) }),
    () => store.delete('s', wrong),
  ]
  for (const call of mistaken) expect(await refused(call(), 'INVALID_OPTION')).toMatchObject({ field: 'dryrun' })
  await refused(session.add({ text: 'x' }, 'key' as never), 'INVALID_EVENT')
  expect(textsOf(await session.messages())).toEqual(['head'])
  expect((await store.list({ archived: 'all' })).items.map(({ id }) => id)).toEqual(['s'])
})

test('a backend that cannot guard says so before anything is written', async () => {
  const backend = memoryBackend()
  const none = new Proxy(backend, {
    get: (target, name) => {
      if (name === 'capabilities') return { ...target.capabilities, guards: 'none' }
      const value: unknown = Reflect.get(target, name)
      return typeof value === 'function' ? (value as () => unknown).bind(target) : value
    },
  })
  const { store } = await open(none)
  const session = await store.create()
  await refused(session.add({ text: 'x' }, { expectedHead: null }), 'UNSUPPORTED')
  expect(await session.messages()).toEqual([])
})

test('a log with segments cannot be guarded', async () => {
  const root = temp()
  const { mine } = await pair(root)
  const head = await mine.add({ text: 'head' })
  const log = logPath(root, 'guarded')
  const lines = readFileSync(log, 'utf8').split('\n')
  writeFileSync(log.replace('.jsonl', '.01M7XVMR0GBR6T8XW8V4ECY7XQ.jsonl'), `${lines[0]}\n`)
  const size = statSync(log).size
  await refused(mine.add({ text: 'x' }, { expectedHead: head.id }), 'UNSUPPORTED')
  expect(statSync(log).size).toBe(size)
})

test('a guarded call goes on behind a torn line, and into a log that has no line yet', async () => {
  const root = temp()
  const { mine } = await pair(root)
  const head = await mine.add({ text: 'head' })
  appendFileSync(logPath(root, 'guarded'), '{"v":1,"id":"01M7')
  const next = await mine.add({ role: 'assistant', text: 'next' }, { expectedHead: head.id })
  const { messages, damage } = await anew(root, 'guarded')
  expect(messages).toEqual([head, next])
  expect(damage.map(({ kind }) => kind)).toEqual(['torn'])

  const { store } = await open(root)
  for (const [id, bytes] of [
    ['empty', ''],
    ['torn', '{"v":1,"id":"01M7'],
  ] as const) {
    writeFileSync(logPath(root, id), bytes)
    const session = (await store.get(id))!
    const first = await session.add({ text: 'first' }, { expectedHead: null })
    expect((await anew(root, id)).messages).toEqual([first])
  }
})

test('a message of the log replaced meanwhile is not expected any more', async () => {
  const root = temp()
  const { mine } = await pair(root)
  const log = logPath(root, 'guarded')
  const before = await mine.add({ text: 'before' })
  const old = readFileSync(log)
  const head = await mine.add({ role: 'assistant', text: 'head' })
  writeFileSync(`${log}.new`, old)
  renameSync(`${log}.new`, log)
  expect((await refused(mine.add({ text: 'x' }, { expectedHead: head.id }))).head).toBe(before.id)
  const next = await mine.add({ role: 'assistant', text: 'next' }, { expectedHead: before.id })
  expect((await anew(root, 'guarded')).messages).toEqual([before, next])
})

test('a store is told of a guarded message once, as its own', async () => {
  const { store, heard } = await open(temp(), { watch: true })
  const session = await store.create()
  for (let i = 0; i < 20; i++) await session.add({ text: `${i}` }, { expectedHead: session.info.head ?? null })
  const told = heard.of('message.created')
  expect(told).toHaveLength(20)
  expect(told.every(({ origin }) => origin === 'local')).toBe(true)
  expect(heard.of('session.rewound')).toEqual([])
  expect(heard.of('store.error')).toEqual([])
})
