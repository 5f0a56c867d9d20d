/** What users ask of a search, call by call. */
import { appendFileSync, readFileSync, writeFileSync } from 'node:fs'
import { expect, test } from 'vitest'
import { Bus, FoldlogError, memoryBackend, openStore, type SearchHit, type Store } from '../../src/index.ts'
import { elsewhere, freshStore, laterMillisecond, logOf, open, runChild } from '../support/store.ts'
import { collect } from './naive.ts'

/** The messages in which something was found, in order. */
function idsOf(hits: readonly SearchHit[]): string[] {
  return hits.map(({ messageId }) => messageId)
}

async function say(store: Store, sessionId: string, id: string, text: string): Promise<void> {
  await laterMillisecond()
  await (await store.ensure(sessionId)).add({ id, text })
}

test('a hit says where it is, who said it, when, and how to get there', async () => {
  const store = await freshStore()
  const session = await store.create({ id: 'refunds', title: 'Refund #4411' })
  await session.add({ id: 'q', text: 'Where is my refund?' })
  await session.add({
    id: 'r',
    role: 'tool',
    parts: [{ id: 'p', type: 'tool-result', callId: 'c', name: 'bank_status', output: { state: 'connect TIMEOUT' } }],
  })
  const [question] = await collect(store.search('REFUND'))
  const { time, ...rest } = question!
  expect(time).toBe((await session.message('q'))!.time.created)
  expect(rest).toEqual({
    namespace: 'default',
    sessionId: 'refunds',
    title: 'Refund #4411',
    messageId: 'q',
    partId: (await session.message('q'))!.parts[0]!.id,
    type: 'text',
    role: 'user',
    isOnPath: true,
    eventId: question!.eventId,
    snippet: { text: 'Where is my refund?', ranges: [[12, 18]] },
  })
  const [result] = await collect(store.search({ phrase: 'connect TIMEOUT' }))
  expect(result).toMatchObject({ messageId: 'r', partId: 'p', type: 'tool-result', role: 'tool', tool: 'bank_status' })
  expect(result!.snippet).toEqual({ text: 'state: connect TIMEOUT', ranges: [[7, 22]] })
  expect(Object.isFrozen(result!.snippet.ranges)).toBe(true)
})

test('the event of a hit is a point at which the session shows it', async () => {
  const store = await freshStore()
  const session = await store.create()
  await session.add({ id: 'a', parts: [{ id: 'p', type: 'text', text: 'before' }] })
  await session.part('a', { id: 'p', type: 'text', text: 'the needle' })
  await session.add({ id: 'b', text: 'later' })
  await session.branch('a', { id: 'c', text: 'another needle' })
  const hits = await collect(store.search('needle'))
  expect(hits.map(({ messageId, isOnPath }) => [messageId, isOnPath])).toEqual([
    ['c', true],
    ['a', false],
  ])
  for (const { eventId, messageId } of hits) {
    const then = await (await session.at(eventId)).messages()
    expect(JSON.stringify(then.find(({ id }) => id === messageId))).toContain('needle')
  }
  const branch = await session.messages({ branch: hits[1]!.messageId })
  expect(branch.map(({ id }) => id)).toEqual(['a', 'b'])
})

test('what no longer counts is not found, and what replaced it is', async () => {
  const store = await freshStore()
  const session = await store.create()
  await session.add({ id: 'edited', parts: [{ id: 'p', type: 'text', text: 'old needle' }] })
  await session.part('edited', { id: 'p', type: 'text', text: 'new thread' })
  await session.add({ id: 'removed', text: 'needle' })
  await session.remove('removed')
  await session.add({ id: 'dropped', parts: [{ id: 'p', type: 'text', text: 'needle' }] })
  await session.removePart('dropped', 'p')
  await session.add({ id: 'redacted', text: 'needle' })
  await store.redact({ text: 'needle' })
  expect(await collect(store.search('needle'))).toEqual([])
  expect(idsOf(await collect(store.search('thread')))).toEqual(['edited'])
})

test('words are found in any order and case, in several parts, and all of them in one message', async () => {
  const store = await freshStore()
  const session = await store.create()
  await session.add({
    id: 'both',
    parts: [
      { type: 'text', text: 'the Bank' },
      { type: 'reasoning', text: 'of REFUNDS' },
    ],
  })
  await session.add({ id: 'one', text: 'only a refund' })
  await session.add({ id: 'other', text: 'only a bank' })
  expect(idsOf(await collect(store.search('refund  bank')))).toEqual(['both', 'both'])
  expect(await collect(store.search('refund bank', { ignoreCase: false }))).toEqual([])
  expect(idsOf(await collect(store.search(/bank|refund/i)))).toEqual(['other', 'one', 'both', 'both'])
  expect(idsOf(await collect(store.search({ phrase: 'a refund' })))).toEqual(['one'])
  expect(idsOf(await collect(store.search({ phrase: 'A REFUND' }, { ignoreCase: true })))).toEqual(['one'])
})

test('what is in names, numbers, errors and file names is found; ids and metadata are not', async () => {
  const store = await freshStore()
  const session = await store.create()
  const input = { order: 4411, 'customer-name': { list: ['Grüße\nan "alle"'] } }
  await session.add({
    id: 'call',
    role: 'assistant',
    parts: [{ type: 'tool-call', callId: 'hidden-1', name: 'find_order', input }],
  })
  await session.add({
    id: 'failed',
    role: 'assistant',
    metadata: { note: 'hidden-2' },
    status: 'failed',
    error: { message: 'rate limit' },
  })
  await session.add({
    id: 'file',
    parts: [{ type: 'file', mediaType: 'text/plain', name: 'plan.txt', data: 'aGlkZGVu' }],
  })
  const parts = async (query: Parameters<Store['search']>[0]): Promise<unknown[]> =>
    (await collect(store.search(query))).map(({ messageId, partId, snippet }) => [
      messageId,
      partId !== undefined,
      snippet.text,
    ])
  expect(await parts('4411')).toEqual([['call', true, 'order: 4411']])
  expect(await parts('customer-name')).toEqual([['call', true, 'customer-name']])
  expect(await parts({ phrase: 'Grüße\nan "alle"' })).toEqual([['call', true, 'list: Grüße an "alle"']])
  expect(await parts('find_order')).toEqual([['call', true, 'find_order']])
  expect(await parts('rate')).toEqual([['failed', false, 'rate limit']])
  expect(await parts('plan.txt')).toEqual([['file', true, 'plan.txt']])
  for (const hidden of ['hidden-1', 'hidden-2', 'aGlkZGVu', 'message.created', 'tool-call'])
    expect(await parts(hidden)).toEqual([])
})

test('the newest activity comes first, then the newest message', async () => {
  const store = await freshStore()
  await say(store, 'one', 'a', 'needle')
  await say(store, 'two', 'b', 'needle')
  await say(store, 'one', 'c', 'needle')
  expect(idsOf(await collect(store.search('needle')))).toEqual(['c', 'a', 'b'])
  // Also where that is read from the cache of infos, and in part not.
  await store.close()
  const again = await elsewhere(store)
  await again.list()
  await say(again, 'three', 'd', 'needle')
  expect(idsOf(await collect(again.search('needle')))).toEqual(['d', 'c', 'a', 'b'])
})

test('role, tool, time and limit narrow a search', async () => {
  const store = await freshStore()
  const session = await store.create()
  await session.add({ id: 'q', text: 'needle' })
  await session.add({
    id: 'a',
    role: 'assistant',
    parts: [
      { type: 'text', text: 'needle' },
      { type: 'tool-call', callId: 'c', name: 'bash', input: { cmd: 'needle' } },
    ],
  })
  await laterMillisecond()
  const between = Date.now()
  await session.add({
    id: 'r',
    role: 'tool',
    parts: [{ type: 'tool-result', callId: 'c', name: 'bash', output: 'needle' }],
  })
  expect(idsOf(await collect(store.search('needle', { role: 'assistant' })))).toEqual(['a', 'a'])
  expect(idsOf(await collect(store.search('needle', { tool: 'bash' })))).toEqual(['r', 'a'])
  expect(idsOf(await collect(store.search('needle', { tool: 'bash', role: 'assistant' })))).toEqual(['a'])
  expect(idsOf(await collect(store.search('needle', { since: between })))).toEqual(['r'])
  expect(idsOf(await collect(store.search('needle', { until: new Date(between) })))).toEqual(['a', 'a', 'q'])
  expect(idsOf(await collect(store.search('needle', { limit: 2 })))).toEqual(['r', 'a'])
})

test('archived sessions are found when they are asked for', async () => {
  const store = await freshStore()
  await say(store, 'kept', 'a', 'needle')
  await say(store, 'put-away', 'b', 'needle')
  await (await store.get('put-away'))!.set({ archived: true })
  for (const look of [store, await elsewhere(store)]) {
    expect(idsOf(await collect(look.search('needle')))).toEqual(['a'])
    expect(idsOf(await collect(look.search('needle', { archived: true })))).toEqual(['b'])
    expect(idsOf(await collect(look.search('needle', { archived: 'all' })))).toEqual(['b', 'a'])
  }
})

test('one search goes through several namespaces, or all of a root', async () => {
  const store = await freshStore()
  await say(store, 's', 'a', 'needle')
  await say(store.namespace('billing'), 's', 'b', 'needle')
  await say(store.namespace('Support / α'), 's', 'c', 'needle')
  expect(idsOf(await collect(store.search('needle')))).toEqual(['a'])
  const all = await collect(store.search('needle', { namespaces: 'all' }))
  expect(all.map(({ messageId, namespace }) => [messageId, namespace])).toEqual([
    ['c', 'Support / α'],
    ['b', 'billing'],
    ['a', 'default'],
  ])
  expect(idsOf(await collect(store.search('needle', { namespaces: ['billing', 'billing ', 'none'] })))).toEqual(['b'])
})

test('what another process appends is found', async () => {
  const store = await freshStore()
  await say(store, 's', 'a', 'needle')
  await store.list()
  const other = `const store = await foldlog.openStore(args[0]); await (await store.get('s')).add({ id: 'b', text: 'the needle' })
    await (await store.create({ id: 'new' })).add({ id: 'c', text: 'needle' }); await store.close()`
  expect(await runChild(other, store.root)).toMatchObject({ code: 0 })
  expect(idsOf(await collect(store.search('needle')))).toEqual(['c', 'b', 'a'])
})

test('damage hides nothing else', async () => {
  const store = await freshStore()
  await say(store, 's', 'a', 'needle')
  await say(store, 's', 'b', 'needle')
  await say(store, 'other', 'c', 'needle')
  await store.close()
  const path = logOf(store, 's')
  const lines = readFileSync(path, 'utf8').split('\n')
  // A torn line that holds what is looked for, before a whole one; one that is not UTF-8; an end without a line feed.
  lines[1] = `${lines[1]!.slice(0, -20)}${lines[1]}`
  lines.splice(2, 0, '{"v":1,"id":"needle', 'needle \0')
  writeFileSync(path, lines.join('\n'))
  appendFileSync(path, Buffer.from([0x6e, 0xff, 0x0a]))
  appendFileSync(path, '{"v":1,"id":"01M7needle')
  writeFileSync(logOf(store, 'empty'), '')
  writeFileSync(logOf(store, 'foreign'), 'needle\nneedle')
  const again = await elsewhere(store)
  expect(idsOf(await collect(again.search('needle')))).toEqual(['c', 'b', 'a'])
})

test('numbers that another program wrote in its own way are found as they read', async () => {
  const store = await freshStore()
  const session = await store.create({ id: 's' })
  const data = { a: 4411, b: 100_000, c: 0.5, d: 9_007_199_254_740_992 }
  await session.add({ id: 'n', parts: [{ type: 'data', name: 'x', data }] })
  await store.close()
  const path = logOf(store, 's')
  const written = readFileSync(path, 'utf8')
  expect(written).toContain('{"a":4411,"b":100000,"c":0.5,"d":9007199254740992}')
  writeFileSync(path, written.replace(/\{"a":4411.*?\}/, '{"a":4.411e3,"b": 1E5,"c":0.50,"d":9007199254740993}'))
  const again = await elsewhere(store)
  for (const text of ['4411', '100000', '0.5', '9007199254740992']) {
    expect(idsOf(await collect(again.search(text))), text).toEqual(['n'])
  }
  expect(await collect(again.search({ phrase: '1E5' }))).toEqual([])
})

test('hits come while the rest is still to be looked at', async () => {
  const backend = memoryBackend()
  const writer = await open(backend)
  for (let i = 0; i < 5; i++) await say(writer, `s${i}`, `m${i}`, 'needle')
  const reader = await openStore(backend, { bus: new Bus() })
  await reader.list()
  const search = reader.search('needle')
  for await (const { messageId } of search) {
    expect(messageId).toBe('m4')
    break
  }
  expect(search.searched.sessions).toBe(1)
  // A search can be done again.
  expect(await collect(search)).toHaveLength(5)
  expect(search.searched.sessions).toBe(5)
  await reader.close()
})

test('a session that is deleted meanwhile is passed over', async () => {
  const store = await freshStore()
  for (const id of ['a', 'b', 'c']) await say(store, id, id, 'needle')
  const found: string[] = []
  for await (const { messageId } of store.search('needle')) {
    found.push(messageId)
    await store.delete('b')
  }
  expect(found).toEqual(['c', 'a'])
})

test('a signal ends a search, also between the lines of a session', async () => {
  const store = await open(memoryBackend())
  const session = await store.create()
  await session.add(Array.from({ length: 10_000 }, (_, i) => ({ text: `message ${i} ${'x'.repeat(500)}` })))
  const aborted = AbortSignal.abort(new Error('enough'))
  await expect(collect(store.search('needle', { signal: aborted }))).rejects.toThrow('enough')
  const controller = new AbortController()
  // No literal can be told of it, so each line is parsed.
  const search = store.search(/^(?:never)$/, { signal: controller.signal })
  const abort = (): void => {
    if (search.searched.sessions === 0) setImmediate(abort)
    else controller.abort(new Error('stop'))
  }
  abort()
  await expect(collect(search)).rejects.toThrow('stop')
})

test('what makes no sense is refused with what to do instead', async () => {
  const store = await freshStore()
  const asked = (query: unknown, options: unknown = {}): Promise<unknown> =>
    collect(store.search(query as never, options as never))
  for (const query of ['', '  ', { phrase: '' }, {}, null, 7]) {
    await expect(asked(query), JSON.stringify(query)).rejects.toMatchObject({ code: 'INVALID_OPTION' })
  }
  const wrong = [
    { role: 'robot' },
    { limit: 0 },
    { since: '7d' },
    { until: new Date(Number.NaN) },
    { tool: 7 },
    { archived: 'yes' },
    { namespaces: 'default' },
    { sort: 'time' },
  ]
  for (const options of wrong) await expect(asked('x', options), JSON.stringify(options)).rejects.toThrow(FoldlogError)
  await expect(asked(/x/, { ignoreCase: true })).rejects.toMatchObject({ code: 'INVALID_OPTION' })
  await expect(asked('x', { namespaces: [''] })).rejects.toMatchObject({ code: 'INVALID_NAME' })
  await store.close()
  expect(() => store.search('x')).toThrow(expect.objectContaining({ code: 'CLOSED' }))
})

test('a search of a root that is not there finds nothing and makes nothing', async () => {
  const store = await openStore(`${(await freshStore()).root}/none`)
  expect(await collect(store.search('x', { namespaces: 'all' }))).toEqual([])
  expect(await collect(store.search('x'))).toEqual([])
  await store.close()
})

test('an expression is used as it is, whatever it was used for before', async () => {
  const store = await freshStore()
  await say(store, 's', 'a', 'one needle\ntwo needle')
  const sticky = /needle/gy
  sticky.lastIndex = 3
  expect(await collect(store.search(sticky))).toHaveLength(1)
  expect(sticky.lastIndex).toBe(3)
  expect(await collect(store.search(/^two/))).toEqual([])
  expect(await collect(store.search(/^two/m))).toHaveLength(1)
})
