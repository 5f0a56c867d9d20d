/**
 * What may be done after `close`, with signals that have fired, and by two stores of one root.
 */
import { expect, test } from 'vitest'
import { memoryBackend } from '../../src/backends/memory.ts'
import { Bus } from '../../src/bus.ts'
import type { Session } from '../../src/session.ts'
import { openStore, type Store } from '../../src/store.ts'
import { anew, idsOf, open, temp } from '../support/temp.ts'

const CLOSED = { name: 'FoldlogError', code: 'CLOSED' }

const SESSION_CALLS: { readonly [name: string]: (session: Session) => Promise<unknown> } = {
  messages: (session) => session.messages(),
  message: (session) => session.message('m'),
  turns: (session) => session.turns(),
  context: (session) => session.context(),
  siblings: (session) => session.siblings('m'),
  at: (session) => session.at(new Date()),
  add: (session) => session.add({ text: 'late' }),
  'add of many': (session) => session.add([{ text: 'late' }, { text: 'later' }]),
  'add with a key': (session) => session.add({ text: 'late' }, { key: 'k' }),
  compact: (session) => session.compact({ text: 'late' }),
  send: (session) => session.send('late', { respond: () => 'late' }),
  stream: (session) => session.stream(),
  follow: (session) => session.follow('m').next(),
  update: (session) => session.update('m', { status: 'failed' }),
  branch: (session) => session.branch('m', { text: 'late' }),
  part: (session) => session.part('m', { type: 'text', text: 'late' }),
  file: (session) => session.file('late.txt', Buffer.from('x')),
  openFile: (session) => session.openFile(`sha256-${'0'.repeat(64)}`).next(),
  removePart: (session) => session.removePart('m', 'p1'),
  remove: (session) => session.remove('m'),
  set: (session) => session.set({ title: 'late' }),
  append: (session) => session.append('note.added', 'late'),
  events: (session) => session.events().next(),
  tail: (session) => session.tail().next(),
  project: (session) => session.project({ initial: () => 0, on: {} }),
  damage: (session) => session.damage(),
  findings: (session) => session.findings(),
  restore: (session) => session.restore([]),
  repair: (session) => session.repair(),
  pack: (session) => session.pack(),
}

const STORE_CALLS: { readonly [name: string]: (store: Store) => Promise<unknown> } = {
  create: (store) => store.create({ id: 'late' }),
  get: (store) => store.get('s'),
  ensure: (store) => store.ensure('s'),
  list: async (store) => store.list(),
  'iterating a list': (store) => store.list()[Symbol.asyncIterator]().next(),
  delete: (store) => store.delete('s'),
  purge: (store) => store.purge('s'),
  fork: (store) => store.fork('s'),
  merge: (store) => store.merge('s', []),
  putFile: (store) => store.putFile(Buffer.from('x'), 'text/plain'),
  getFile: (store) => store.getFile(`sha256-${'0'.repeat(64)}`, 'text/plain'),
  openFile: (store) => store.openFile(`sha256-${'0'.repeat(64)}`).next(),
  inlineFiles: (store) => store.inlineFiles([]),
  fsck: (store) => store.fsck().next(),
  fsckFiles: (store) => store.fsckFiles().next(),
  gc: (store) => store.gc(),
  redact: (store) => store.redact({ returned: true }),
  flush: (store) => store.flush(),
  prune: (store) => store.prune({ olderThan: 0 }),
  search: async (store) => store.search('x')[Symbol.asyncIterator]().next(),
  namespaces: (store) => store.namespaces(),
  'create in another namespace': (store) => store.namespace('other').create(),
}

/** A session with a message `m`. */
async function setting(backend: string): Promise<{ root: string; store: Store; session: Session }> {
  const root = temp()
  const { store } = await open(backend === 'memory' ? memoryBackend() : root)
  const session = await store.create({ id: 's' })
  await session.add({ id: 'm', text: 'hello' })
  return { root, store, session }
}

/** A method without a test is one that was forgotten: what no call is made of. */
function untested(prototype: object, calls: object, others: readonly string[]): string[] {
  const named = Object.keys(calls)
  return Object.getOwnPropertyNames(prototype).filter((name) => !named.includes(name) && !others.includes(name))
}

test.each(['file', 'memory'])(
  'every method of a closed session rejects with CLOSED, and the store goes on (%s)',
  async (backend) => {
    const { root, store, session } = await setting(backend)
    await session.close()
    for (const [name, call] of Object.entries(SESSION_CALLS))
      await expect(call(session), name).rejects.toMatchObject(CLOSED)
    await expect(session.close()).resolves.toBeUndefined()
    expect(session.info.messageCount).toBe(1)
    const again = (await store.get('s'))!
    await again.add({ id: 'n', text: 'still works' })
    expect(idsOf(await again.messages())).toEqual(['m', 'n'])
    if (backend === 'file') expect(idsOf((await anew(root, 's')).messages)).toEqual(['m', 'n'])
    expect(untested(Object.getPrototypeOf(session) as object, SESSION_CALLS, ['constructor', 'info', 'close'])).toEqual(
      [],
    )
  },
)

test.each(['file', 'memory'])(
  'every method of a closed store and its sessions rejects with CLOSED (%s)',
  async (backend) => {
    const { root, store, session } = await setting(backend)
    await store.close()
    for (const [name, call] of Object.entries(STORE_CALLS))
      await expect(call(store), name).rejects.toMatchObject(CLOSED)
    for (const [name, call] of Object.entries(SESSION_CALLS))
      await expect(call(session), name).rejects.toMatchObject(CLOSED)
    await expect(store.close()).resolves.toBeUndefined()
    expect(await store.health()).toMatchObject({ ok: false, problem: CLOSED })
    if (backend === 'file') expect(idsOf((await anew(root, 's')).messages)).toEqual(['m'])
    const others = [
      'constructor',
      'root',
      'capabilities',
      'ready',
      'namespace',
      'on',
      'once',
      'notice',
      'health',
      'close',
    ]
    expect(untested(Object.getPrototypeOf(store) as object, STORE_CALLS, others)).toEqual([])
  },
)

test('closing a store closes those of its other namespaces', async () => {
  const root = temp()
  const { store } = await open(root)
  const other = store.namespace('other')
  const session = await other.create({ id: 's' })
  await store.close()
  await expect(other.get('s')).rejects.toMatchObject(CLOSED)
  await expect(session.messages()).rejects.toMatchObject(CLOSED)
})

test('what was called before close is in the log, whether it was awaited or not', async () => {
  const root = temp()
  const { store } = await open(root)
  const session = await store.create({ id: 's' })
  const adding = ['a', 'b', 'c'].map((id) => session.add({ id, text: id }))
  const settled = Promise.allSettled(adding)
  await store.close()
  const results = await settled
  const { messages, damage } = await anew(root, 's')
  // Each either was acknowledged, and then it is there, or was refused, and then it is not.
  const acknowledged = results.flatMap((result) => (result.status === 'fulfilled' ? [result.value.id] : []))
  expect(idsOf(messages)).toEqual(acknowledged)
  for (const result of results) if (result.status === 'rejected') expect(result.reason).toMatchObject(CLOSED)
  expect(damage).toEqual([])
})

test('a listing with a signal that has fired rejects with its reason, and an iteration stops at it', async () => {
  const { store } = await open(temp())
  for (let i = 0; i < 3; i++) await store.create()
  const reason = new Error('enough')
  await expect(store.list({ signal: AbortSignal.abort(reason) })).rejects.toBe(reason)
  const controller = new AbortController()
  let count = 0
  const iterate = async (): Promise<void> => {
    for await (const _ of store.list({ signal: controller.signal })) {
      count++
      controller.abort(reason)
    }
  }
  await expect(iterate()).rejects.toBe(reason)
  expect(count).toBe(1)
})

test('two stores of one root in one process see each other’s writes, and lose none of their own', async () => {
  const root = temp()
  const [first, second] = [await open(root), await open(root)]
  const one = await first.store.create({ id: 's' })
  const other = (await second.store.get('s'))!
  await Promise.all(
    Array.from({ length: 100 }, (_, i) => (i % 2 === 0 ? one : other).add({ id: `m${i}`, text: `text ${i}` })),
  )
  await one.set({ title: 'Both' })
  const messages = await one.messages()
  expect(idsOf(messages).sort()).toEqual(Array.from({ length: 100 }, (_, i) => `m${i}`).sort())
  expect(await other.messages()).toEqual(messages)
  expect(other.info).toEqual(one.info)
  const fresh = await anew(root, 's')
  expect(fresh.messages).toEqual(messages)
  expect(fresh.damage).toEqual([])
  // Each has a bus of its own here: it hears of every message once, as made here or by somebody else.
  for (const { heard } of [first, second]) {
    expect(heard.messageIds.sort()).toEqual(idsOf(messages).sort())
    expect(heard.of('message.created').filter(({ origin }) => origin === 'local')).toHaveLength(50)
  }
})

test('a session deleted by one of two stores of one process is gone for the other', async () => {
  const root = temp()
  const [first, second] = [await open(root, { watch: true }), await open(root, { watch: true })]
  await first.store.create({ id: 's' })
  const other = (await second.store.get('s'))!
  expect(await first.store.delete('s')).toBe(true)
  await second.heard.until(() => second.heard.of('session.deleted').length > 0)
  await expect(other.add({ text: 'late' })).rejects.toMatchObject({ code: 'NOT_FOUND' })
  expect(await second.store.delete('s')).toBe(false)
  expect(first.heard.of('session.deleted').map(({ origin }) => origin)).toEqual(['local'])
  expect(second.heard.of('session.deleted').map(({ origin }) => origin)).toEqual(['external'])
})

test('two handles of a session in one store are one: each sees at once what the other did', async () => {
  const { store, heard } = await open(temp())
  const one = await store.create({ id: 's' })
  const other = (await store.get('s'))!
  await one.add({ id: 'a', text: 'one' })
  expect(other.info.messageCount).toBe(1)
  await Promise.all([one.add({ id: 'b', text: 'one' }), other.add({ id: 'c', text: 'other' })])
  expect(await one.messages()).toEqual(await other.messages())
  expect(heard.messageIds).toEqual(['a', 'b', 'c'])
  await one.close()
  await other.add({ id: 'd', text: 'other' })
  expect(other.info.messageCount).toBe(4)
})

test('two stores of one root on one bus are one: it hears of everything once, and either may close first', async () => {
  const root = temp()
  const bus = new Bus()
  const [first, second] = [await openStore(root, { bus, watch: true }), await openStore(root, { bus, watch: true })]
  const heard: string[] = []
  bus.on('*', (event) => heard.push(`${event.type} ${'origin' in event ? event.origin : ''}`))
  const one = await first.create({ id: 's' })
  const other = (await second.get('s'))!
  await one.add({ id: 'a', text: 'a' })
  await other.add({ id: 'b', text: 'b' })
  await first.close()
  await expect(one.add({ text: 'late' })).rejects.toMatchObject(CLOSED)
  await other.add({ id: 'c', text: 'c' })
  expect(idsOf(await other.messages())).toEqual(['a', 'b', 'c'])
  await second.close()
  expect(heard.filter((each) => each.startsWith('message.created'))).toEqual(Array(3).fill('message.created local'))
  expect(heard.filter((each) => each.startsWith('session.created'))).toEqual(['session.created local'])
})

test('a closed store listens no more', async () => {
  const root = temp()
  const bus = new Bus()
  const [first, second] = [await openStore(root, { bus }), await openStore(root, { bus })]
  let heard = 0
  first.on('session.created', () => heard++)
  await second.create()
  await first.close()
  await second.create()
  await second.close()
  expect(heard).toBe(1)
})
