/** What AgentScope's sessions do, by docs/coming-from.md, and the acceptance cases A1 to A15. */
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test, vi } from 'vitest'
import {
  fileBackend,
  memoryBackend,
  openStore,
  type Backend,
  type Json,
  type Message,
  type MessageInput,
  type Part,
  type PartInput,
  type Session,
  type Status,
  type Store,
  type TailEvent,
} from '../../src/index.ts'
import { fromOpenAIChat, toOpenAIChat } from '../../src/messages/index.ts'
import { elsewhere, filesIn, freshFolder, freshStore, laterMillisecond, listen, open } from '../support/store.ts'

const ids = (items: readonly { readonly id: string }[]): string[] => items.map(({ id }) => id)
const texts = (messages: readonly Message[]): string[] =>
  messages.flatMap(({ parts }) => parts.flatMap((part) => (part.type === 'text' ? [part.text] : [])))

const call = (kind: string): MessageInput => ({
  id: `${kind}_call`,
  role: 'assistant',
  parts: [{ id: 'p', type: 'tool-call', callId: kind, name: 'f', input: { x: 1 }, metadata: { kind } }],
})
const output = (kind: string): MessageInput => ({
  id: `${kind}_output`,
  role: 'tool',
  parts: [{ id: 'p', type: 'tool-result', callId: kind, name: 'f', output: 'ok', metadata: { kind } }],
})
const ask = (approval: 'requested' | 'approved'): PartInput => ({
  id: 'p',
  type: 'tool-call',
  callId: 'approval',
  name: 'f',
  input: {},
  approval,
  metadata: { kind: 'mcp' },
})
const content = ({ id, turnId, role, parts }: Message): unknown => ({ id, turnId, role, parts })

/** A session last touched on the first day of 2020. */
async function addOldSession(store: Store, id: string): Promise<void> {
  const time = '2020-01-01T00:00:00.000Z'
  const message = {
    id: 'm',
    turnId: 'm',
    role: 'user',
    status: 'completed',
    parts: [{ id: 'p', type: 'text', text: 'old' }],
  }
  await store.merge(id, [
    { id: '01DXF6DT000000000000000001', type: 'session.created', time, data: {} },
    { id: '01DXF6DT000000000000000002', type: 'message.created', time, data: message },
  ])
}

/** The session as a process sees it that has only the files. */
async function reread(store: Store, id: string): Promise<Session> {
  const session = await (await elsewhere(store)).get(id)
  if (session === undefined) throw new Error(`session ${id} is not there`)
  return session
}

test('user_id: the same id of two users is two sessions', async () => {
  const store = await freshStore()
  const users = ['a', 'a:b', '*', 'A', '../a']
  for (const user of users) await (await store.namespace(user).create({ id: 's-1' })).add({ text: `of ${user}` })
  for (const user of users) {
    const there = (await elsewhere(store)).namespace(user)
    expect(ids((await there.list()).items)).toEqual(['s-1'])
    expect(texts((await (await there.get('s-1'))?.messages()) ?? [])).toEqual([`of ${user}`])
  }
  expect(await store.namespaces()).toEqual([...users].sort())
})

test('create_session(), get_session(), delete_session(), list_sessions(), append_message(): no surprise in any of them', async () => {
  const store = (await freshStore()).namespace('user-1')
  const session = await store.create({ id: 's-1' })
  await session.add({ id: 'm', text: 'kept' })
  await expect(store.create({ id: 's-1' })).rejects.toMatchObject({ code: 'ALREADY_EXISTS' })
  expect(texts(await (await store.ensure('s-1')).messages())).toEqual(['kept'])
  expect(await store.get('s-2')).toBeUndefined()
  await session.add((await session.message('m'))!)
  await session.add((await session.message('m'))!)
  expect(ids(await session.messages())).toEqual(['m'])
  expect((await store.list()).items).toEqual([session.info])
  expect([await store.delete('s-1'), await store.delete('s-1')]).toEqual([true, false])
  await expect(session.add({ text: 'too late' })).rejects.toMatchObject({ code: 'NOT_FOUND' })
  expect(await (await store.ensure('s-1')).messages()).toEqual([])
})

test('the deep copies of a session: neither side can change the other', async () => {
  const session = await (await freshStore()).create()
  const data: { list: Json[] } = { list: [1] }
  const part: PartInput = { id: 'd', type: 'data', name: 'state', data }
  const returned = await session.add({ id: 'm', parts: [part], metadata: { a: 1 } })
  data.list.push(2)
  expect((await session.message('m'))?.parts).toEqual([{ id: 'd', type: 'data', name: 'state', data: { list: [1] } }])
  for (const message of [returned, ...(await session.messages())]) {
    expect(() => Object.assign(message.parts[0]!, { name: 'x' })).toThrow(TypeError)
    expect(() => Object.assign(message.metadata!, { a: 2 })).toThrow(TypeError)
    expect(Object.getPrototypeOf(message)).toBe(Object.prototype)
  }
  expect(() => Object.assign(session.info.vars, { a: 1 })).toThrow(TypeError)
})

test("delete_user_sessions(): exactly this user's sessions go", async () => {
  const root = await freshStore()
  for (const user of ['a', 'a:b', '*']) {
    for (const id of ['s-1', 's-2', 's-3']) await root.namespace(user).create({ id, archived: id === 's-2' })
  }
  const store = root.namespace('a')
  for await (const { id } of store.list({ archived: 'all' })) await store.delete(id)
  const left: [string, number][] = []
  for (const user of ['a', 'a:b', '*']) {
    left.push([user, (await (await elsewhere(root)).namespace(user).list({ archived: 'all' })).items.length])
  }
  expect(left).toEqual([
    ['a', 0],
    ['a:b', 3],
    ['*', 3],
  ])
})

test('ttl_seconds, max_messages_per_session: the view is short, the history whole', async () => {
  const store = await freshStore()
  await addOldSession(store, 'old')
  const session = await store.create({ id: 'new' })
  for (let n = 0; n < 10; n++) await session.add({ text: `message ${n}` })
  expect(texts(await session.context({ maxMessages: 3 }))).toEqual(['message 7', 'message 8', 'message 9'])
  expect(await session.messages()).toHaveLength(10)
  expect(texts(await (await reread(store, 'old')).messages())).toEqual(['old'])
  expect(await store.prune({ olderThan: new Date('2021-01-01') })).toEqual(['old'])
  expect(await store.get('old')).toBeUndefined()
  expect(await (await reread(store, 'new')).messages()).toHaveLength(10)
})

test('start(), stop(), health(), async with, ServiceManager, ServiceFactory: a store ends with its block', async () => {
  const folder = freshFolder()
  let kept: Store
  {
    await using store = await openStore(folder)
    await using session = await store.create({ id: 's-1' })
    await session.add({ text: 'x' })
    expect((await store.health()).ok).toBe(true)
    kept = store
  }
  const health = await kept.health()
  expect([health.ok, health.problem]).toMatchObject([false, { code: 'CLOSED' }])
  await expect(kept.list()).rejects.toMatchObject({ code: 'CLOSED' })
  const backends: Record<string, () => Backend> = { memory: memoryBackend, file: () => fileBackend(folder) }
  const found: [string, number, string][] = []
  for (const [name, make] of Object.entries(backends)) {
    const store = await open(make())
    found.push([name, (await store.list()).items.length, store.capabilities.durability])
  }
  expect(found).toEqual([
    ['memory', 0, 'memory'],
    ['file', 1, 'process'],
  ])
})

test('Message.type, 15 of them: each type has its place', async () => {
  const store = await freshStore()
  const session = await store.create({ id: 's-1' })
  const heard = listen(store)
  const inputs: MessageInput[] = [
    { id: 'message', text: 'hi' },
    ...['function', 'plugin', 'component', 'mcp'].flatMap((kind) => [call(kind), output(kind)]),
    { id: 'reasoning', role: 'assistant', parts: [{ id: 'p', type: 'reasoning', text: 'hmm' }] },
    {
      id: 'mcp_list_tools',
      role: 'assistant',
      parts: [{ id: 'p', type: 'data', name: 'mcp_list_tools', data: { tools: ['f'] } }],
    },
    { id: 'mcp_approval_request', role: 'assistant', parts: [ask('requested')] },
    { id: 'error', role: 'assistant', status: 'failed', error: { code: '500', message: 'it broke' }, parts: [] },
  ]
  for (const input of inputs) await session.add(input)
  await session.part('mcp_approval_request', ask('approved'))
  store.notice('heartbeat', null, 's-1')

  const messages = await (await reread(store, 's-1')).messages()
  expect(ids(messages)).toEqual(inputs.map(({ id }) => id))
  const kinds = messages.map(({ parts: [part] }) => [part?.type, part?.metadata?.['kind']])
  expect(kinds).toEqual([
    ['text', undefined],
    ['tool-call', 'function'],
    ['tool-result', 'function'],
    ['tool-call', 'plugin'],
    ['tool-result', 'plugin'],
    ['tool-call', 'component'],
    ['tool-result', 'component'],
    ['tool-call', 'mcp'],
    ['tool-result', 'mcp'],
    ['reasoning', undefined],
    ['data', undefined],
    ['tool-call', 'mcp'],
    [undefined, undefined],
  ])
  expect(messages.at(-2)?.parts).toEqual([ask('approved')])
  expect(messages.at(-1)?.error).toEqual({ code: '500', message: 'it broke' })
  expect(heard.at(-1)).toMatchObject({ type: 'notice', name: 'heartbeat', data: null })
})

test('content text, data, image, audio, file, refusal: each content comes back', async () => {
  const store = await freshStore()
  const session = await store.create({ id: 's-1' })
  const parts: Part[] = [
    { id: '0', type: 'text', text: 'hi' },
    { id: '1', type: 'data', name: 'data', data: { call_id: 'c', nested: [null, false] } },
    { id: '2', type: 'file', mediaType: 'image/png', url: 'https://example.org/i.png' },
    { id: '3', type: 'file', mediaType: 'audio/wav', data: 'aGk=' },
    {
      id: '4',
      type: 'file',
      mediaType: 'application/pdf',
      name: 'a.pdf',
      url: 'https://example.org/a',
      metadata: { id: 'f' },
    },
    { id: '5', type: 'text', text: 'I will not', metadata: { refusal: true } },
  ]
  await session.add({ id: 'm', role: 'assistant', parts })
  expect((await (await reread(store, 's-1')).message('m'))?.parts).toEqual(parts)
})

test('RunStatus, 9 of them: each has its status', async () => {
  const store = await freshStore()
  const session = await store.create({ id: 's-1' })
  const statuses: Record<string, { readonly status: Status } & Partial<MessageInput>> = {
    created: { status: 'pending' },
    queued: { status: 'pending' },
    in_progress: { status: 'in_progress' },
    completed: { status: 'completed' },
    canceled: { status: 'cancelled' },
    failed: { status: 'failed', error: { message: 'it broke' } },
    rejected: { status: 'failed', error: { message: 'no', code: 'rejected' } },
    unknown: { status: 'pending', metadata: { runStatus: 'unknown' } },
    incomplete: { status: 'incomplete' },
  }
  for (const [id, fields] of Object.entries(statuses))
    await session.add({ id, role: 'assistant', parts: [], ...fields })
  const there = await reread(store, 's-1')
  for (const [id, fields] of Object.entries(statuses)) expect(await there.message(id)).toMatchObject(fields)
  expect(there.info.status).toBe('running')
  await expect(session.add({ status: 'queued' as Status })).rejects.toMatchObject({
    code: 'INVALID_EVENT',
    field: 'status',
  })
})

test('add_content(), content_completed(), index: a part keeps its index', async () => {
  const session = await (await freshStore()).create()
  const { id } = await session.add({ role: 'assistant', status: 'in_progress', parts: [] })
  const put = async (part: string, status: Status, text: string): Promise<unknown[]> =>
    (await session.part(id, { id: part, type: 'text', text, status })).parts.map((p) => [
      p.id,
      p.status,
      'text' in p && p.text,
    ])
  await put('a', 'in_progress', 'Hel')
  await put('b', 'in_progress', 'Wor')
  expect(await put('a', 'completed', 'Hello')).toEqual([
    ['a', 'completed', 'Hello'],
    ['b', 'in_progress', 'Wor'],
  ])
})

test('add_delta_content(): contents grow, and are whole when they are completed', async () => {
  const store = await freshStore()
  const session = await store.create({ id: 's-1' })
  const draft = await session.stream({ role: 'assistant' })
  for (const delta of ['Hel', 'lo']) draft.text(delta)
  draft.part({ id: 'd', type: 'data', name: 'chunk', data: { n: 1 } })
  draft.text('again')
  expect(draft.message).toMatchObject({
    status: 'in_progress',
    parts: [{ text: 'Hello' }, { id: 'd' }, { text: 'again' }],
  })
  const { id } = await draft.end()
  const there = await (await (await elsewhere(store)).get('s-1'))!.message(id)
  expect([there?.status, there?.parts.map(({ id: part }) => part)]).toEqual(['completed', ['p1', 'd', 'p3']])
})

test('sequence_number: numbers only grow', async () => {
  const store = await freshStore()
  const session = await store.create({ id: 's-1' })
  await session.add([{ text: 'a' }, { role: 'assistant', text: 'b' }])
  await session.set({ title: 'T' })
  const events: TailEvent[] = []
  for await (const event of session.events()) events.push(event)
  expect(events.map(({ type }) => type)).toEqual([
    'session.created',
    'message.created',
    'message.created',
    'session.updated',
  ])
  expect(new Set(ids(events)).size).toBe(4)
  expect(ids(events)).toEqual(ids(events).sort())
  const there = await reread(store, 's-1')
  for (const [at, { cursor }] of events.entries()) {
    const rest: string[] = []
    for await (const { id } of there.events({ after: cursor })) rest.push(id)
    expect(rest).toEqual(ids(events.slice(at + 1)))
  }
})

test('usage, code, message of an error, metadata: they come back', async () => {
  const store = await freshStore()
  const session = await store.create({ id: 's-1' })
  const fields = {
    usage: { inputTokens: 3, outputTokens: 4, totalTokens: 7 },
    error: { code: '429', message: 'too many' },
    metadata: { original: { id: 'msg_1', object: 'message' } },
  }
  await session.add({ id: 'm', role: 'assistant', status: 'failed', text: '', ...fields })
  const there = await reread(store, 's-1')
  expect(await there.message('m')).toMatchObject(fields)
  expect(there.info.usage).toEqual(fields.usage)
})

test('StateService.save_state(), export_state(round_id): the state of every round can be had', async () => {
  const store = await freshStore()
  const session = await store.create({ id: 's-1' })
  const rounds: string[] = []
  for (const n of [1, 2, 3]) {
    await session.set({ vars: { state: { n, memory: Array.from({ length: n }, (_, at) => at) } } })
    rounds.push(session.info.lastEventId)
  }
  const there = await reread(store, 's-1')
  const states: Json[] = []
  for (const round of rounds) states.push((await there.at(round)).info.vars['state'] ?? null)
  expect(states).toEqual([
    { n: 1, memory: [0] },
    { n: 2, memory: [0, 1] },
    { n: 3, memory: [0, 1, 2] },
  ])
  expect(there.info.vars['state']).toEqual(states[2])
  expect((await store.create()).info.vars['state']).toBeUndefined()
})

test('MemoryService.list_memory(page_num, page_size): pages of 10, 10 and 5', async () => {
  const session = await (await freshStore()).create()
  await session.add(Array.from({ length: 25 }, (_, n) => ({ id: `m${n}`, text: `${n}` })))
  const pages: string[][] = []
  let page = await session.messages({ limit: 10 })
  while (page.length > 0) {
    pages.push(ids(page))
    page = await session.messages({ limit: 10, before: page[0]!.id })
  }
  expect(pages.map((each) => [each.length, each[0], each.at(-1)])).toEqual([
    [10, 'm15', 'm24'],
    [10, 'm5', 'm14'],
    [5, 'm0', 'm4'],
  ])
})

test('MemoryService.search_memory(): the newest that mention a keyword', async () => {
  const store = await freshStore({ namespace: 'user-1' })
  const session = await store.create({ id: 's-1' })
  await session.add({ id: 'm1', text: 'I like Paris' })
  await session.add({ id: 'm2', role: 'assistant', text: 'Lyon, then' })
  await session.add({ id: 'm3', text: 'or PARIS again' })
  const found = async (...args: Parameters<Store['search']>): Promise<string[]> => {
    const hits = []
    for await (const { messageId } of store.search(...args)) hits.push(messageId)
    return hits
  }
  expect(await found('paris')).toEqual(['m3', 'm1'])
  expect(await found(/paris|lyon/i, { limit: 2 })).toEqual(['m3', 'm2'])
})

test('the memory adapter: size, add, delete(index), clear, get_memory: a message can be deleted alone', async () => {
  const store = await freshStore()
  const session = await store.create({ id: 's-1' })
  await session.add(['a', 'b', 'c'].map((id) => ({ id, text: id })))
  expect(await session.messages()).toHaveLength(3)
  const [, second] = await session.messages()
  expect(await session.remove(second!.id)).toBe(true)
  expect(await session.remove(second!.id)).toBe(false)
  expect(ids(await session.context())).toEqual(['a', 'c'])
  await session.set({ head: null })
  expect(await session.messages()).toEqual([])
  expect(await session.context()).toEqual([])
  await session.add({ id: 'd', text: 'd' })
  const there = await reread(store, 's-1')
  expect(ids(await there.context())).toEqual(['d'])
  expect(ids(await there.messages({ all: true }))).toEqual(['a', 'c', 'd'])
})

test('ContextComposer: the input before the run, the output after it: the output is there as it comes', async () => {
  const store = await freshStore()
  const session = await store.create({ id: 's-1' })
  const there = await reread(store, 's-1')
  const seen = async (): Promise<unknown[]> =>
    (await there.messages()).map(({ status, ...each }) => [status, texts([{ status, ...each }])])
  await session.add({ id: 'in', text: 'question' })
  expect(await seen()).toEqual([['completed', ['question']]])
  await session.add({ id: 'out', role: 'assistant', status: 'in_progress', text: 'an' })
  await session.part('out', { id: 'p1', type: 'text', text: 'an ans' })
  expect((await seen())[1]).toEqual(['in_progress', ['an ans']])
  await session.part('out', { id: 'p1', type: 'text', text: 'an answer' })
  await session.update('out', { status: 'completed' })
  expect((await seen())[1]).toEqual(['completed', ['an answer']])
})

test('JSONSession.save_session_state(name=module), load_session_state(): one module changes, the others stay', async () => {
  const store = await freshStore()
  const session = await store.create({ id: '../etc/passwd' })
  await session.set({ vars: { agent: { memory: [1] }, toolkit: { groups: ['a'] } } })
  await session.set({ vars: { agent: { memory: [1, 2] } } })
  const { vars } = (await reread(store, '../etc/passwd')).info
  expect(vars).toEqual({ agent: { memory: [1, 2] }, toolkit: { groups: ['a'] } })
})

test('storage 2.0: list without state, messages before a cursor with has_more, get_message, status, cwd, source, team: a sidebar needs no transcript', async () => {
  const store = await freshStore()
  const session = await store.create({
    id: 's-1',
    cwd: '/src',
    source: { format: 'schedule', id: 'cron-1' },
    metadata: { team: 't-1' },
  })
  await session.add(Array.from({ length: 5 }, (_, n) => ({ id: `m${n}`, text: 'long '.repeat(1000) })))
  await session.add({ id: 'run', role: 'assistant', status: 'in_progress', parts: [] })
  const there = await elsewhere(store)
  const { items } = await there.list()
  expect(items).toMatchObject([
    {
      cwd: '/src',
      source: { format: 'schedule', id: 'cron-1' },
      metadata: { team: 't-1' },
      status: 'running',
      messageCount: 6,
    },
  ])
  expect(JSON.stringify(items).length).toBeLessThan(1000)
  const again = (await there.get('s-1'))!
  expect(ids(await again.messages({ limit: 3, before: 'm4' }))).toEqual(['m1', 'm2', 'm3'])
  expect(ids(await again.messages({ limit: 3, before: 'm1' }))).toEqual(['m0'])
  expect((await again.message('m2'))?.id).toBe('m2')
  expect(await again.message('m9')).toBeUndefined()
})

test('from_openai_message(), convert_to_openai_messages(): a call and its result go in and come out', async () => {
  const session = await (await freshStore()).create()
  const calls = [{ id: 'c1', type: 'function', function: { name: 'look', arguments: '{"at":1}' } }]
  const messages = [
    { role: 'user', content: 'Look' },
    { role: 'assistant', content: null, tool_calls: calls },
    { role: 'tool', tool_call_id: 'c1', content: 'nothing' },
  ]
  await session.add(fromOpenAIChat(messages))
  expect(toOpenAIChat(await session.context())).toMatchObject([
    messages[0],
    { role: 'assistant', tool_calls: calls },
    messages[2],
  ])
})

test('A1 create returns a copy: nothing done to it changes the session', async () => {
  const store = await freshStore()
  const metadata: Record<string, Json> = { a: { b: 1 } }
  const session = await store.create({ id: 's-1', metadata })
  metadata['c'] = 2
  expect(session.info.metadata).toEqual({ a: { b: 1 } })
  expect(() => Object.assign(session.info, { title: 'x' })).toThrow(TypeError)
  expect(() => Object.assign(session.info.metadata['a'] as object, { b: 2 })).toThrow(TypeError)
  expect((await reread(store, 's-1')).info).toEqual(session.info)
})

test('A2 an id of the caller is kept and trimmed everywhere, a blank one is made', async () => {
  const store = await freshStore()
  expect((await store.create({ id: 'my id' })).id).toBe('my id')
  expect((await store.create({ id: '  sp ' })).id).toBe('sp')
  expect((await store.get('sp'))?.id).toBe('sp')
  expect((await store.get('  sp  '))?.id).toBe('sp')
  await expect(store.create({ id: 'sp' })).rejects.toMatchObject({ code: 'ALREADY_EXISTS' })
  const made = [await store.create({ id: '' }), await store.create({ id: ' \t' }), await store.create()].map(
    ({ id }) => id,
  )
  for (const id of made) expect(id).toMatch(/^[0-7][0-9A-HJKMNP-TV-Z]{25}$/)
  expect(new Set(made).size).toBe(3)
  expect((await store.list()).items).toHaveLength(5)
  expect([await store.delete(' sp'), await store.get('sp')]).toEqual([true, undefined])
  await expect(store.get(' ')).rejects.toMatchObject({ code: 'INVALID_NAME' })
})

test('A3 getting an unknown session creates nothing', async () => {
  const store = await freshStore()
  expect(await store.get('nobody')).toBeUndefined()
  expect((await store.list()).items).toEqual([])
  expect(await store.namespace('other').get('nobody')).toBeUndefined()
  expect(filesIn(store.root)).toEqual([])
})

test('A4 deleting an unknown session is false and says nothing', async () => {
  const store = await freshStore()
  await store.create({ id: 'somebody' })
  const heard = listen(store)
  expect(await store.delete('nobody')).toBe(false)
  expect(heard).toEqual([])
  expect(ids((await store.list()).items)).toEqual(['somebody'])
})

/** A file backend that counts the lines it gives out. */
function counting(root: string): { readonly backend: Backend; readonly lines: () => number } {
  const inner = fileBackend(root)
  let count = 0
  const backend: Backend = {
    root: inner.root,
    capabilities: inner.capabilities,
    files: inner.files,
    infos: inner.infos,
    append: (key, lines, options) => inner.append(key, lines, options),
    async *read(key, options) {
      for await (const batch of inner.read(key, options)) {
        count += batch.lines.length
        yield batch
      }
    },
    head: (key) => inner.head(key),
    list: (namespace) => inner.list(namespace),
    namespaces: () => inner.namespaces(),
    remove: (key) => inner.remove(key),
    purge: (key) => inner.purge(key),
    watch: (namespace, events) => inner.watch(namespace, events),
    flush: () => inner.flush(),
    check: () => inner.check(),
    release: (key) => inner.release(key),
    close: () => inner.close(),
  }
  return { backend, lines: () => count }
}

test('A5 a list carries no messages, and reads no log again that it knows', async () => {
  const folder = freshFolder()
  const first = counting(folder)
  const store = await open(first.backend)
  for (let n = 0; n < 5; n++) {
    const session = await store.create({ id: `s-${n}` })
    await session.add(Array.from({ length: 20 }, (_, at) => ({ text: `secret ${n} ${at}` })))
  }
  const { items } = await store.list()
  expect(items.map(({ messageCount }) => messageCount)).toEqual([20, 20, 20, 20, 20])
  expect(Object.keys(items[0]!)).not.toContain('messages')
  expect(JSON.stringify(items)).not.toContain('secret 0 1"')
  await store.close()

  const second = counting(folder)
  const there = await open(second.backend)
  expect((await there.list()).items).toEqual(items)
  expect(second.lines()).toBe(0)
  await (await there.get('s-3'))?.add({ text: 'one more' })
  const before = second.lines()
  expect((await there.list({ limit: 1 })).items).toMatchObject([{ id: 's-3', messageCount: 21 }])
  expect(second.lines() - before).toBeLessThanOrEqual(1)
})

test('A6 one or many, raw or built, all or none; and never into a session that is gone', async () => {
  const store = await freshStore()
  const [one, two] = [await store.create({ id: 's-1' }), await store.create({ id: 's-2' })]
  const single = await one.add({ text: 'raw' })
  const many = await one.add([{ role: 'assistant', text: 'answer' }, { text: 'next' }])
  expect(await one.messages()).toEqual([single, ...many])
  expect(await (await reread(store, 's-1')).messages()).toEqual([single, ...many])

  const built = await two.add(await one.messages())
  expect(built.map(content)).toEqual([single, ...many].map(content))
  expect(await two.messages()).toEqual(built)

  const bad = [{ text: 'fine' }, { role: 'robot' as 'user', text: 'bad' }, { text: 'fine too' }]
  await expect(one.add(bad)).rejects.toMatchObject({ code: 'INVALID_EVENT', field: 'role' })
  expect(await one.messages()).toEqual([single, ...many])
  expect(await (await reread(store, 's-1')).messages()).toEqual([single, ...many])

  await (await elsewhere(store)).delete('s-1')
  await expect(one.add({ text: 'too late' })).rejects.toMatchObject({ code: 'NOT_FOUND' })
  await expect(one.add([{ text: 'too' }, { text: 'late' }])).rejects.toMatchObject({ code: 'NOT_FOUND' })
  expect(filesIn(store.root).filter((file) => file.includes('s-1'))).toEqual([])
})

test('A7 everything after closing is an error', async () => {
  const store = await freshStore()
  const session = await store.create({ id: 's-1' })
  await store.list()
  await session.add({ text: 'after the listing' })
  await store.close()
  await store.close()
  expect((await (await elsewhere(store)).list()).items).toEqual([session.info])
  const calls: (() => PromiseLike<unknown>)[] = [
    () => store.create(),
    () => store.get('s-1'),
    () => store.ensure('s-1'),
    () => store.list(),
    () => store.delete('s-1'),
    () => store.fork('s-1'),
    () => store.prune({ olderThan: 0 }),
    () => store.namespaces(),
    () => store.putFile(new Uint8Array(), 'text/plain'),
    () => session.add({ text: 'x' }),
    () => session.set({ title: 'x' }),
    () => session.messages(),
    () => session.context(),
    () => session.events().next(),
  ]
  for (const call of calls) {
    await expect(Promise.resolve().then(call), call.toString()).rejects.toMatchObject({ code: 'CLOSED' })
  }
})

test('A8 sessions go by age only when they are asked to', async () => {
  const store = await freshStore()
  await addOldSession(store, 'old')
  await store.create({ id: 'new' })
  const there = await elsewhere(store)
  expect(ids((await there.list()).items)).toEqual(['new', 'old'])
  expect(texts((await (await there.get('old'))?.messages()) ?? [])).toEqual(['old'])
  expect(await there.prune({ olderThan: 3_600_000, dryRun: true })).toEqual(['old'])
  expect(ids((await store.list()).items)).toEqual(['new', 'old'])
  const heard = listen(there)
  expect(await there.prune({ olderThan: 3_600_000 })).toEqual(['old'])
  expect(heard.map(({ type }) => type)).toEqual(['session.deleted'])
  expect(ids((await store.list()).items)).toEqual(['new'])
  expect(await there.prune({ olderThan: 3_600_000 })).toEqual([])
  await expect(there.prune({ olderThan: Number.NaN })).rejects.toMatchObject({ code: 'INVALID_OPTION' })
})

test('A9 a limited context keeps messages 5 to 9 of 10', async () => {
  const session = await (await freshStore()).create()
  for (let n = 0; n < 10; n++) await session.add({ text: `message ${n}` })
  expect(texts(await session.context({ maxMessages: 5 }))).toEqual([5, 6, 7, 8, 9].map((n) => `message ${n}`))
  expect(await session.context()).toHaveLength(10)
  await expect(session.context({ maxMessages: -1 })).rejects.toMatchObject({ code: 'INVALID_OPTION' })
})

test('A10 odd bodies come back exactly', async () => {
  const store = await freshStore()
  const session = await store.create({ id: 's-1' })
  const odd: readonly (readonly Part[])[] = [
    [],
    [{ id: 'p1', type: 'text', text: '' }],
    [{ id: 'p1', type: 'text', text: ' \n\u2028\u2029\u0000 "\\ 🙂 e\u0301' }],
    [{ id: 'p1', type: 'data', name: '', data: null }],
    [
      { id: 'p1', type: 'data', name: 'first', data: { v: 1, id: '{"v":1,"id":"' } },
      { id: 'p2', type: 'text', text: 'then' },
    ],
    [{ id: 'p1', type: 'data', name: 'numbers', data: [0.1, 1e21, -1, 9007199254740991, [], {}] }],
    [{ id: 'p1', type: 'data', name: 'keys', data: JSON.parse('{"__proto__":{"x":1},"constructor":2,"":3}') as Json }],
    [{ id: 'p1', type: 'tool-call', callId: 'c', name: 'f', input: '{"not": json', rawInput: '{"not": json' }],
    [{ id: 'p1', type: 'tool-result', callId: 'c', name: 'f' }],
  ]
  for (const [n, parts] of odd.entries()) await session.add({ id: `m${n}`, role: 'assistant', parts })
  await session.add({ id: 'error', role: 'assistant', status: 'failed', error: { message: '' }, parts: [] })
  const messages = await (await reread(store, 's-1')).messages()
  expect(messages.slice(0, -1).map(({ parts }) => JSON.stringify(parts))).toEqual(
    odd.map((parts) => JSON.stringify(parts)),
  )
  expect(messages.at(-1)).toMatchObject({ id: 'error', error: { message: '' } })
  expect(await (await reread(store, 's-1')).damage()).toEqual([])
})

test('A11 the place is given by the caller, then by the environment; any backend will do', async () => {
  const [fromEnvironment, given] = [freshFolder(), freshFolder()]
  vi.stubEnv('FOLDLOG_ROOT', fromEnvironment)
  try {
    expect((await open(given)).root).toBe(given)
    const store = await openStore()
    expect(store.root).toBe(fromEnvironment)
    await store.create({ id: 's-1' })
    await store.close()
    expect(filesIn(fromEnvironment)).toContain('default/s-1.jsonl')
    expect(filesIn(given)).toEqual([])
  } finally {
    vi.unstubAllEnvs()
  }
  const own = counting(given)
  const store = await open(own.backend)
  await store.create({ id: 's-2' })
  expect(ids((await (await open(given)).list()).items)).toEqual(['s-2'])
})

test('A12 what was said is found by any keyword, the newest first, and gone with its session or its user', async () => {
  const store = await freshStore({ namespace: 'user-1' })
  const session = await store.create({ id: 's-1' })
  for (let n = 1; n <= 25; n++)
    await session.add({ id: `m${n}`, text: `message ${n} about ${n % 2 === 0 ? 'hotels' : 'flights'}` })
  await (await store.create({ id: 's-2' })).add({ id: 'other', text: 'a train' })
  await (await store.namespace('user-2').create({ id: 's-1' })).add({ id: 'theirs', text: 'hotels' })
  const found = async (query: string | RegExp, limit?: number): Promise<string[]> => {
    const hits = []
    for await (const { messageId } of store.search(query, limit === undefined ? {} : { limit })) hits.push(messageId)
    return hits
  }
  // Any of several keywords, and the newest of what was found.
  expect(await found(/train|flights/i)).toHaveLength(14)
  expect(await found('hotels', 3)).toEqual(['m24', 'm22', 'm20'])
  expect(await found('hotels 24')).toEqual(['m24'])
  expect(await found('ships')).toEqual([])
  const pages: number[] = []
  for (let before: string | undefined; ;) {
    const page = await session.messages({ limit: 10, ...(before === undefined ? {} : { before }) })
    if (page.length === 0) break
    pages.push(page.length)
    before = page[0]!.id
  }
  expect(pages).toEqual([10, 10, 5])
  await store.delete('s-1')
  expect(await found(/hotels|train/)).toEqual(['other'])
  await store.delete('s-2')
  expect(await found(/hotels|train/)).toEqual([])
  const nobody: unknown[] = []
  for await (const hit of store.namespace('nobody').search('hotels')) nobody.push(hit)
  expect(nobody).toEqual([])
})

test('A13 the state at turn n is the one turn n left', async () => {
  const store = await freshStore()
  const session = await store.create({ id: 's-1', title: 'T0' })
  const ends: { readonly event: string; readonly date: Date }[] = []
  for (const n of [1, 2, 3]) {
    await session.add({ id: `q${n}`, text: `question ${n}` })
    await session.add({ id: `a${n}`, role: 'assistant', text: `answer ${n}`, usage: { totalTokens: n } })
    await session.set({ vars: { round: n, [`only${n}`]: true }, title: `T${n}` })
    ends.push({ event: session.info.lastEventId, date: new Date(session.info.time.updated) })
    await laterMillisecond()
  }
  await session.set({ vars: { only1: null } })
  await session.remove('q1')
  const there = await reread(store, 's-1')
  for (const [at, { event, date }] of ends.entries()) {
    for (const past of [await there.at(event), await there.at(date)]) {
      expect(ids(await past.messages())).toEqual(['q1', 'a1', 'q2', 'a2', 'q3', 'a3'].slice(0, 2 * at + 2))
      expect(past.info.vars['round']).toBe(at + 1)
      expect(past.info.vars['only1']).toBe(true)
      expect(past.info).toMatchObject({
        title: `T${at + 1}`,
        usage: { totalTokens: [1, 3, 6][at] },
        messageCount: 2 * at + 2,
      })
      expect((await past.turns()).at(-1)?.id).toBe(`q${at + 1}`)
    }
  }
  expect(await (await there.at(new Date(0))).messages()).toEqual([])
  expect(there.info.vars).toEqual({ round: 3, only2: true, only3: true })
})

test('A14 the input is there before the run, a run that fails leaves both, and an unknown session is an error', async () => {
  const store = await freshStore()
  const session = await store.create({ id: 's-1' })
  const run = async (): Promise<never> => {
    expect(texts(await (await reread(store, 's-1')).messages())).toEqual(['question'])
    await session.add({ id: 'out', role: 'assistant', status: 'in_progress', text: 'half an ans' })
    throw new Error('the model is gone')
  }
  await session.add({ id: 'in', text: 'question' })
  await expect(
    run().catch((error: Error) => session.update('out', { status: 'failed', error: { message: error.message } })),
  ).resolves.toMatchObject({ status: 'failed' })
  const there = await reread(store, 's-1')
  expect((await there.messages()).map(({ id, status, error }) => [id, status, error?.message])).toEqual([
    ['in', 'completed', undefined],
    ['out', 'failed', 'the model is gone'],
  ])
  expect(there.info.status).toBe('failed')
  expect(await there.context()).toEqual([])
  await expect(store.fork('nobody')).rejects.toMatchObject({ code: 'NOT_FOUND' })
  await expect(session.update('nobody', {})).rejects.toMatchObject({ code: 'NOT_FOUND' })
  // A place that cannot be used says so, and everything else still works.
  const file = join(freshFolder(), 'file')
  writeFileSync(file, '')
  const broken = await open(file)
  expect((await broken.health()).ok).toBe(false)
  await expect(broken.create()).rejects.toMatchObject({ name: 'FoldlogError' })
  expect((await store.health()).ok).toBe(true)
})

test('A15 several named states are saved, changed, and loaded again', async () => {
  const store = await freshStore()
  const session = await store.create({ id: 's-1' })
  const agent = { name: 'Friday', memory: [{ role: 'user', content: 'hi' }], config: { temperature: 0.5 } }
  const saved = structuredClone(agent)
  await session.set({ vars: { agent, plan: { steps: ['a'] } } })
  const { lastEventId } = session.info
  agent.name = 'Monday'
  agent.memory.push({ role: 'assistant', content: 'hello' })
  expect(session.info.vars).toEqual({ agent: saved, plan: { steps: ['a'] } })
  await session.set({ vars: { agent } })
  const there = await reread(store, 's-1')
  expect(there.info.vars).toEqual({ agent, plan: { steps: ['a'] } })
  expect((await there.at(lastEventId)).info.vars).toEqual({ agent: saved, plan: { steps: ['a'] } })
})
