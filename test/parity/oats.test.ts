/** What oats' sessions do, by docs/coming-from.md, and the acceptance cases O1 to O10. */
import { readFileSync, truncateSync, writeFileSync } from 'node:fs'
import { mkdir, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { expect, test } from 'vitest'
import {
  compactIf,
  type Message,
  type MessageInput,
  type Part,
  type Session,
  type SessionEvent,
  type Store,
  type Usage,
} from '../../src/index.ts'
import { toAnthropic, toGemini, toOpenAIChat } from '../../src/messages/index.ts'
import {
  elsewhere,
  filesIn,
  freshFolder,
  freshStore,
  laterMillisecond,
  listen,
  logOf,
  next,
  open,
  runChild,
} from '../support/store.ts'

const DAY_MS = 86_400_000
const ids = (items: readonly { readonly id: string }[]): string[] => items.map(({ id }) => id)
const texts = (messages: readonly Message[]): string[] =>
  messages.flatMap(({ parts }) => parts.flatMap((part) => (part.type === 'text' ? [part.text] : [])))
const call = (callId: string, input: Part['metadata'] = {}): Part => ({
  id: `call-${callId}`,
  type: 'tool-call',
  callId,
  name: 'bash',
  input,
})
const result = (callId: string, output: string): Part => ({
  id: `result-${callId}`,
  type: 'tool-result',
  callId,
  name: 'bash',
  output,
})
const image = (id: string): Part => ({ id, type: 'file', mediaType: 'image/png', url: `https://example.org/${id}` })
const text = (id: string): Part => ({ id, type: 'text', text: id })
const typesIn = (messages: readonly Message[]): string[] =>
  messages.flatMap(({ parts }) => parts.map(({ type }) => type))
const use = (totalTokens: number): Usage => ({ totalTokens, costUsd: 0.1 })

/** The session as a process sees it that has only the files. */
async function reread(store: Store, id: string): Promise<Session> {
  const session = await (await elsewhere(store)).get(id)
  if (session === undefined) throw new Error(`session ${id} is not there`)
  return session
}

async function eventsOf(session: Session): Promise<SessionEvent[]> {
  const events: SessionEvent[] = []
  for await (const event of session.events()) events.push(event)
  return events
}

test('SessionInfo id, title, time, model_id, provider_id, project_dir, working_dir: every field has its place', async () => {
  const store = await freshStore()
  const before = Date.now()
  const fields = { title: 'Fix the build', model: 'm-1', provider: 'p-1', project: '/src/app', cwd: '/src/app/web' }
  const session = await store.create({ id: 's-1', ...fields })
  await laterMillisecond()
  await session.set({ title: 'Fixed', model: 'm-2' })
  const { info } = await reread(store, 's-1')
  expect(info).toMatchObject({ ...fields, id: 's-1', namespace: 'default', title: 'Fixed', model: 'm-2' })
  expect(info.time.created).toBeGreaterThanOrEqual(before)
  expect(info.time.updated).toBeGreaterThan(info.time.created)
  expect(info.time.updated).toBeLessThanOrEqual(Date.now())
  expect(Object.hasOwn(info.time, 'archived')).toBe(false)
})

test('SessionTime.archived: an archived session leaves the listing', async () => {
  const store = await freshStore()
  const session = await store.create({ id: 'old' })
  await store.create({ id: 'new' })
  const before = Date.now()
  const info = await session.set({ archived: true })
  expect(info.time.archived).toBeGreaterThanOrEqual(before)
  expect(ids((await store.list()).items)).toEqual(['new'])
  expect(ids((await store.list({ archived: true })).items)).toEqual(['old'])
  expect(ids((await store.list({ archived: 'all' })).items).sort()).toEqual(['new', 'old'])
  expect(Object.hasOwn((await session.set({ archived: false })).time, 'archived')).toBe(false)
  expect(ids((await store.list({ archived: true })).items)).toEqual([])
})

test('root_session_id, parent_session_id, sub-agents: a parent finds its children', async () => {
  const store = await freshStore()
  const parent = await store.create({ id: 'root' })
  await parent.add({ id: 'm-1', role: 'assistant', parts: [call('c1')] })
  const from = { sessionId: 'root', messageId: 'm-1', callId: 'c1' }
  const child = await store.create({ id: 'child', parent: from, rootId: 'root' })
  await store.create({ id: 'grandchild', parent: { sessionId: 'child' }, rootId: 'root' })
  await store.create({ id: 'stranger' })
  expect(child.info.parent).toEqual(from)
  expect(ids((await store.list({ parentId: 'root' })).items)).toEqual(['child'])
  expect(ids((await store.list({ parentId: 'child' })).items)).toEqual(['grandchild'])
  const family = await store.list({ where: ({ rootId }) => rootId === 'root' })
  expect(ids(family.items).sort()).toEqual(['child', 'grandchild'])
})

test('message_count, total_tokens, add_usage(), usage over all sessions: they are sums, never stored', async () => {
  const store = await freshStore()
  for (const id of ['s-1', 's-2']) {
    const session = await store.create({ id })
    await session.add({ text: 'q' })
    await session.add({ role: 'assistant', text: 'a', usage: { inputTokens: 10, outputTokens: 5, totalTokens: 15 } })
    await session.add({ role: 'assistant', text: 'b', usage: { inputTokens: 20, costUsd: 0.1 } })
    expect(session.info.messageCount).toBe(3)
    expect(session.info.usage).toEqual({ inputTokens: 30, outputTokens: 5, totalTokens: 15, costUsd: 0.1 })
  }
  let inputTokens = 0
  for await (const { usage } of store.list()) inputTokens += usage.inputTokens ?? 0
  expect(inputTokens).toBe(60)
  expect(readFileSync(logOf(store, 's-1'), 'utf8')).not.toMatch(/messageCount|"inputTokens":30/)
})

test('create_user_message(), create_assistant_message(), create_system_message(), add_text(), add_image(), add_tool_call(), add_tool_result(): a message is built as before', async () => {
  const store = await freshStore()
  const session = await store.create({ id: 's-1' })
  await session.add({ role: 'system', text: 'Be brief' })
  await session.add({ role: 'user', text: 'What is this?', parts: [image('i')] })
  const answer = await session.add({
    role: 'assistant',
    model: 'm-1',
    provider: 'p-1',
    status: 'in_progress',
    parts: [],
  })
  await session.part(answer.id, { id: 't', type: 'text', text: 'Let me look' })
  await session.part(answer.id, call('c1', { command: 'file x' }))
  await session.part(answer.id, result('c1', 'PNG'))
  await session.update(answer.id, { status: 'completed' })

  const messages = await (await reread(store, 's-1')).messages()
  expect(messages.map(({ role, parts }) => [role, parts])).toEqual([
    ['system', [{ id: 'p1', type: 'text', text: 'Be brief' }]],
    ['user', [{ id: 'p1', type: 'text', text: 'What is this?' }, image('i')]],
    [
      'assistant',
      [{ id: 't', type: 'text', text: 'Let me look' }, call('c1', { command: 'file x' }), result('c1', 'PNG')],
    ],
  ])
  expect(messages[2]).toMatchObject({ model: 'm-1', provider: 'p-1', status: 'completed' })
})

test('ImagePart data, url, detail: all three ways come back', async () => {
  const store = await freshStore()
  const session = await store.create({ id: 's-1' })
  const bytes = new Uint8Array(100_000).map((_, at) => at % 251)
  const stored = await store.putFile(bytes, 'image/png', 'screen.png')
  const parts: Part[] = [
    { id: 'a', type: 'file', mediaType: 'image/png', data: 'aGk=', metadata: { detail: 'low' } },
    { id: 'b', type: 'file', mediaType: 'image/jpeg', url: 'https://example.org/b.jpg', metadata: { detail: 'auto' } },
    { id: 'c', type: 'file', ...stored },
  ]
  await session.add({ id: 'm', parts })
  const there = await elsewhere(store)
  const message = await (await there.get('s-1'))?.message('m')
  expect(message?.parts).toEqual(parts)
  expect(stored).toMatchObject({ mediaType: 'image/png', sizeBytes: 100_000, name: 'screen.png' })
  expect(await there.getFile(stored.file, 'image/png')).toEqual(Buffer.from(bytes))
})

test('ToolResultPart title, error, metadata, attachments: every field has its place', async () => {
  const store = await freshStore()
  const session = await store.create({ id: 's-1' })
  const part: Part = {
    id: 'r',
    type: 'tool-result',
    callId: 'c1',
    name: 'screenshot',
    title: 'A screenshot',
    output: { saved: true },
    error: { code: 'PARTIAL', message: 'the second screen is missing' },
    content: [
      { id: 'r1', type: 'text', text: 'one of two' },
      { id: 'r2', type: 'file', mediaType: 'image/png', data: 'aGk=' },
    ],
    metadata: { originalSizeBytes: 4000, declinedByUser: false },
  }
  await session.add({ id: 'm', role: 'assistant', parts: [call('c1'), part] })
  expect((await (await reread(store, 's-1')).message('m'))?.parts[1]).toEqual(part)
})

test('get_text_content(), get_images(), has_images(), get_tool_calls(), get_tool_results(): a filter finds them', async () => {
  const session = await (await freshStore()).create()
  const document: Part = { id: 'd', type: 'file', mediaType: 'application/pdf', data: 'aGk=' }
  const parts = [call('c1'), result('c1', 'ok'), image('i'), document, { id: 't2', type: 'text', text: 'two' } as const]
  const message = await session.add({ role: 'assistant', text: 'one', parts })
  expect(texts([message]).join('\n')).toBe('one\ntwo')
  const images = message.parts.filter((part) => part.type === 'file' && part.mediaType.startsWith('image/'))
  expect(images).toEqual([image('i')])
  expect(message.parts.filter(({ type }) => type === 'tool-call')).toEqual([call('c1')])
  expect(message.parts.filter(({ type }) => type === 'tool-result')).toEqual([result('c1', 'ok')])
})

test('get_messages_for_llm(): in the order of the parts, and with the results', async () => {
  const session = await (await freshStore()).create()
  await session.add({ id: 'q', text: 'ls, please' })
  await session.add({
    id: 'a',
    role: 'assistant',
    parts: [{ type: 'text', text: 'Sure' }, call('c1', { command: 'ls' }), result('c1', 'README.md')],
  })
  await session.add({ id: 'b', role: 'assistant', text: 'One file' })
  const context = await session.context()
  expect(context.map(({ role, parts }) => [role, parts.map(({ type }) => type)])).toEqual([
    ['user', ['text']],
    ['assistant', ['text', 'tool-call', 'tool-result']],
    ['assistant', ['text']],
  ])
  expect(context[1]?.parts.slice(1)).toEqual([call('c1', { command: 'ls' }), result('c1', 'README.md')])
})

test('Storage create, read, update, upsert, delete, list, list_ids, namespace: each does one thing', async () => {
  const store = await freshStore()
  const other = store.namespace('other')
  await store.create({ id: 's-1', title: 'one' })
  await expect(store.create({ id: 's-1', title: 'two' })).rejects.toMatchObject({ code: 'ALREADY_EXISTS' })
  expect((await store.get('s-1'))?.info.title).toBe('one')
  expect(await store.get('s-2')).toBeUndefined()
  expect(await other.get('s-1')).toBeUndefined()
  expect((await (await store.get('s-1'))?.set({ title: 'three' }))?.title).toBe('three')
  await (await store.get('s-1'))?.add([{ id: 'm', text: 'x' }])
  await (await store.get('s-1'))?.add([{ id: 'm', text: 'y' }])
  expect(texts((await (await store.get('s-1'))?.messages()) ?? [])).toEqual(['y'])
  await other.create({ id: 's-9' })
  expect(ids((await store.list()).items)).toEqual(['s-1'])
  expect(ids((await other.list()).items)).toEqual(['s-9'])
  expect(await store.namespaces()).toEqual(['default', 'other'])
  expect([await store.delete('s-1'), await store.delete('s-1')]).toEqual([true, false])
  expect(ids((await other.list()).items)).toEqual(['s-9'])
})

test('KeyValueStorage per session: todos, plan mode: keys merge, null deletes', async () => {
  const store = await freshStore()
  const session = await store.create({ id: 's-1', vars: { plan: true } })
  await store.create({ id: 's-2' })
  await session.set({ vars: { todos: [{ text: 'build', done: false }] } })
  expect(session.info.vars).toEqual({ plan: true, todos: [{ text: 'build', done: false }] })
  await session.set({ vars: { plan: null, todos: [{ text: 'build', done: true }] } })
  expect((await reread(store, 's-1')).info.vars).toEqual({ todos: [{ text: 'build', done: true }] })
  expect((await reread(store, 's-2')).info.vars).toEqual({})
})

test('bus.subscribe(), subscribe_all(), once(), unsubscribe(), publish_sync(), clear(): listeners come and go', async () => {
  const store = await freshStore()
  const got: string[] = []
  const off = store.on('notice', ({ name }) => got.push(`on ${name}`))
  const offAll = store.on('*', ({ type }) => got.push(`* ${type}`))
  store.once('notice', ({ name }) => got.push(`once ${name}`))
  store.notice('a')
  expect(got.splice(0).sort()).toEqual(['* notice', 'on a', 'once a'])
  store.notice('b')
  expect(got.splice(0).sort()).toEqual(['* notice', 'on b'])
  off()
  store.notice('c')
  expect(got.splice(0)).toEqual(['* notice'])
  offAll()
  store.notice('d')
  expect(got).toEqual([])
})

test('session.created, session.updated, session.deleted: each comes once', async () => {
  const store = await freshStore()
  const heard = listen(store)
  const of = (): string[] => heard.splice(0).flatMap(({ type }) => (type.startsWith('session.') ? [type] : []))
  const session = await store.create({ id: 's-1', title: 'T' })
  expect(of()).toEqual(['session.created'])
  await session.set({ title: 'U' })
  expect(of()).toEqual(['session.updated'])
  await session.add([{ text: 'q' }, { role: 'assistant', text: 'a' }, { text: 'r' }])
  expect(of()).toEqual(['session.updated'])
  await session.messages()
  await store.list()
  expect(of()).toEqual([])
  await store.delete('s-1')
  expect(heard).toEqual([
    { type: 'session.deleted', root: store.root, namespace: 'default', sessionId: 's-1', origin: 'local' },
  ])
  await store.delete('s-1')
  expect(heard).toHaveLength(1)
})

test('message.created, message.updated, message.part.created, message.part.updated: each is really published', async () => {
  const store = await freshStore()
  const session = await store.create({ id: 's-1' })
  const got: [string, string, unknown][] = []
  for (const type of ['message.created', 'message.updated', 'message.deleted', 'part.updated'] as const) {
    store.on(type, ({ origin, event }) => got.push([event.type, origin, event.data]))
  }
  await session.add({ id: 'm', role: 'assistant', status: 'in_progress', parts: [] })
  await session.part('m', { id: 'p', type: 'text', text: 'x' })
  await session.part('m', { id: 'p', type: 'text', text: 'y' })
  await session.update('m', { status: 'completed' })
  await session.remove('m')
  expect(got).toEqual([
    ['message.created', 'local', { id: 'm', turnId: 'm', role: 'assistant', status: 'in_progress', parts: [] }],
    ['part.updated', 'local', { messageId: 'm', partId: 'p', part: { id: 'p', type: 'text', text: 'x' } }],
    ['part.updated', 'local', { messageId: 'm', partId: 'p', part: { id: 'p', type: 'text', text: 'y' } }],
    ['message.updated', 'local', { id: 'm', status: 'completed' }],
    ['message.deleted', 'local', { ids: ['m'] }],
  ])
})

test('session.compacted: a listener sees the summary', async () => {
  const store = await freshStore()
  const session = await store.create()
  await session.add({ text: 'q' })
  const summaries: unknown[] = []
  store.on('message.created', ({ event }) => {
    const { parts } = event.data as unknown as Message
    summaries.push(...parts.filter(({ type }) => type === 'compaction'))
  })
  await session.add({ role: 'assistant', text: 'a' })
  await session.add({ role: 'assistant', parts: [{ type: 'compaction', text: 'They greeted', tokensBefore: 900 }] })
  expect(summaries).toEqual([{ id: 'p1', type: 'compaction', text: 'They greeted', tokensBefore: 900 }])
})

test('session.budget, session.task_budget, tool.*, provider.*, permission.*, hook.*, file.changed, agent.*: transient ones are told, own events are kept', async () => {
  const store = await freshStore()
  const session = await store.create({ id: 's-1' })
  const heard = listen(store)
  store.notice('tool.start', { tool: 'bash' }, 's-1')
  store.notice('session.budget', { pressure: 'high' }, 's-1')
  const kept = await session.append('budget.checked', { pressure: 'high', at: 0.82 })
  expect(heard.map((event) => ('name' in event ? `notice ${event.name}` : event.type))).toEqual([
    'notice tool.start',
    'notice session.budget',
    'budget.checked',
    'session.updated',
  ])
  const there = await reread(store, 's-1')
  expect((await eventsOf(there)).map(({ type }) => type)).toEqual(['session.created', 'budget.checked'])
  const pressures = await there.project<readonly string[], { 'budget.checked': { pressure: string } }>({
    initial: () => [],
    on: { 'budget.checked': (state, event) => [...state, event.data.pressure] },
  })
  expect([kept.type, pressures]).toEqual(['budget.checked', ['high']])
  await expect(session.append('session.budget', {})).rejects.toMatchObject({ code: 'INVALID_EVENT' })
})

test('to_llm_format(), multimodal content: an image reaches each in its own form', async () => {
  const session = await (await freshStore()).create()
  await session.add({ text: 'What is it?', parts: [{ type: 'file', mediaType: 'image/png', data: 'aGVsbG8=' }] })
  const context = await session.context()
  expect(JSON.stringify(toOpenAIChat(context))).toContain('"image_url":{"url":"data:image/png;base64,aGVsbG8="}')
  expect(JSON.stringify(toAnthropic(context))).toContain(
    '"source":{"type":"base64","media_type":"image/png","data":"aGVsbG8="}',
  )
  expect(JSON.stringify(toGemini(context))).toContain('"inlineData":{"mimeType":"image/png","data":"aGVsbG8="}')
})

test('ApprovalDecision(approved, instructions): the session waits, then goes on', async () => {
  const session = await (await freshStore()).create()
  await session.add({ text: 'Clean up' })
  const ask = { ...call('c1', { command: 'rm x' }), approval: 'requested' } as Part
  const { id } = await session.add({ role: 'assistant', parts: [ask] })
  expect(session.info.status).toBe('awaiting')
  await session.part(id, { ...ask, approval: 'denied' } as Part)
  const [, , denied] = await session.context()
  expect(denied?.parts[0]).toMatchObject({ type: 'tool-result', callId: 'c1', error: { code: 'DENIED' } })
  const refusal = { code: 'DENIED', message: 'Move it to the trash instead' }
  const part: Part = { id: 'r', type: 'tool-result', callId: 'c1', name: 'bash', error: refusal }
  await session.add({ role: 'tool', parts: [part] })
  expect(session.info.status).toBe('idle')
  expect((await session.context())[2]?.parts).toEqual([part])
})

test('_patch_orphan_tool_calls(): the view is patched and the log is not', async () => {
  const store = await freshStore()
  const session = await store.create({ id: 's-1' })
  await session.add([
    { text: 'go' },
    { id: 'a', role: 'assistant', parts: [call('c1'), call('c2'), result('c2', 'ok')] },
  ])
  const bytes = readFileSync(logOf(store, 's-1'))
  const view = await session.context()
  const answers = view.flatMap(({ parts }) => parts.flatMap((part) => (part.type === 'tool-result' ? [part] : [])))
  expect(answers.map(({ callId, output, error, metadata }) => [callId, output, error?.code, metadata])).toEqual([
    ['c2', 'ok', undefined, undefined],
    ['c1', undefined, 'NO_RESULT', { synthetic: true }],
  ])
  expect((await session.message('a'))?.parts).toEqual([call('c1'), call('c2'), result('c2', 'ok')])
  expect(readFileSync(logOf(store, 's-1'))).toEqual(bytes)
})

test('synthetic results written down: each call is answered once, whoever repairs, and a real result counts', async () => {
  const store = await freshStore()
  const session = await store.create({ id: 's-1' })
  await session.add([
    { text: 'go' },
    { id: 'a', role: 'assistant', parts: [call('c1'), call('c2'), call('c3'), result('c2', 'ok')] },
    { text: 'and?' },
    {
      id: 'b',
      role: 'assistant',
      parts: [{ type: 'tool-call', callId: 'c4', name: 'bash', input: {}, approval: 'requested' }],
    },
    { id: 'd', role: 'assistant', status: 'in_progress', parts: [call('c5')] },
  ])
  const before = await session.context()
  expect((await session.repair({ dryRun: true })).results).toEqual(['c1', 'c3'])
  expect(await session.repair({ results: false })).not.toHaveProperty('results')
  expect(await session.messages()).toHaveLength(5)
  // Two processes that have not seen each other's.
  const other = await (await elsewhere(store)).get('s-1')
  const both = await Promise.all(
    [session.repair(), other!.repair({ dryRun: false })].map((each) => each.catch((error: unknown) => error)),
  )
  expect(both.some((each) => (each as { results?: unknown }).results !== undefined)).toBe(true)
  await other!.repair()
  expect(await session.repair()).not.toHaveProperty('results')
  const results = (await session.messages()).filter(({ role }) => role === 'tool')
  expect(results.map(({ parts, status, metadata, turnId }) => [parts[0], status, metadata, turnId])).toMatchObject(
    ['c1', 'c3'].map((callId) => [
      { callId, error: { code: 'NO_RESULT' } },
      'incomplete',
      { synthetic: true },
      before[1]!.turnId,
    ]),
  )
  const view = await session.context()
  expect(view.map(({ role }) => role)).toEqual(before.map(({ role }) => role))
  await session.add({ role: 'tool', parts: [result('c1', 'late')] })
  expect(
    (await session.context())
      .flatMap(({ parts }) => parts)
      .find((part) => part.type === 'tool-result' && part.callId === 'c1'),
  ).toMatchObject({ output: 'late' })
})

test('compaction before and after the window is full, pinned brief, last 8: brief, summary and tail are what the model sees', async () => {
  const session = await (await freshStore()).create()
  for (let n = 1; n <= 20; n++) {
    await session.add({ id: `m${n}`, role: n % 2 === 1 ? 'user' : 'assistant', text: `text ${n}` })
  }
  await session.compact({ id: 'sum', text: 'files read: a, b', from: 'm13', keep: ['m1'] })
  await session.add({ id: 'm21', text: 'text 21' })
  const tail = ['m13', 'm14', 'm15', 'm16', 'm17', 'm18', 'm19', 'm20']
  expect(ids(await session.context())).toEqual(['m1', 'sum', ...tail, 'm21'])
  expect(texts(await session.context()).slice(0, 3)).toEqual(['text 1', 'files read: a, b', 'text 13'])
  expect(await session.messages()).toHaveLength(22)
})

test('compaction by a policy (75 % of the window): due above the share, and not again at once', async () => {
  const session = await (await freshStore()).create()
  const policy = { window: 1000, ratio: 0.75, keep: 8, pin: 'first-user' } as const
  const summarize = (messages: readonly Message[]): string => `${messages.length} messages`
  const sizes: number[] = []
  for (let n = 1; n <= 13; n++) {
    await session.add({ id: `q${n}`, text: `question ${n}` })
    const view = await session.context()
    sizes.push(view.length)
    const usage = { inputTokens: view.length * 40, outputTokens: 2 }
    await session.add({ id: `a${n}`, role: 'assistant', text: `answer ${n}`, usage })
    await laterMillisecond()
    await compactIf(session, policy, summarize)
  }
  // At the tenth answer 19 messages had 762 tokens; ten were left then.
  expect(sizes).toEqual([1, 3, 5, 7, 9, 11, 13, 15, 17, 19, 11, 13, 15])
  const view = await session.context()
  expect(texts(view).slice(0, 3)).toEqual(['question 1', '11 messages', 'question 7'])
  expect(await session.messages()).toHaveLength(27)
})

test('stripping <think> before storing: it is kept and not sent', async () => {
  const session = await (await freshStore()).create()
  await session.add({ text: 'q' })
  const parts = [
    { type: 'reasoning', text: 'hmm' },
    { type: 'text', text: 'a' },
  ] as const
  await session.add({ id: 'a', role: 'assistant', parts })
  expect(typesIn(await session.messages())).toEqual(['text', 'reasoning', 'text'])
  expect(typesIn(await session.context())).toEqual(['text', 'reasoning', 'text'])
  expect(typesIn(await session.context({ reasoning: false }))).toEqual(['text', 'text'])
})

test('screenshots per session, cleanup after 7 days: bytes come back checked, only old sessions go', async () => {
  const store = await freshStore()
  const session = await store.create({ id: 'fresh' })
  const bytes = Buffer.from('not really a picture')
  const stored = await store.putFile(bytes, 'image/png')
  expect(await store.putFile(bytes, 'image/png')).toEqual(stored)
  await session.add({ parts: [{ type: 'file', ...stored }] })
  const path = `default/files/${stored.file.slice('sha256-'.length)}.png`
  expect(filesIn(store.root).filter((file) => file.includes('files/'))).toEqual([path])
  expect(await store.getFile(stored.file, 'image/png')).toEqual(bytes)
  writeFileSync(join(store.root, path), 'tampered with')
  await expect(store.getFile(stored.file, 'image/png')).rejects.toMatchObject({ code: 'STORAGE_FAILED' })

  const time = '2020-01-01T00:00:00.000Z'
  await store.merge('old', [{ id: '01DXF6DT000000000000000001', type: 'session.created', time, data: {} }])
  expect(await store.prune({ olderThan: 7 * DAY_MS, dryRun: true })).toEqual(['old'])
  expect(ids((await store.list()).items)).toEqual(['fresh', 'old'])
  expect(await store.prune({ olderThan: 7 * DAY_MS })).toEqual(['old'])
  expect(ids((await store.list()).items)).toEqual(['fresh'])
})

test('the debug trace, one JSONL per session: every change is a line', async () => {
  const store = await freshStore()
  const session = await store.create({ id: 's-1' })
  await session.add({ id: 'm', text: 'q' })
  await session.part('m', { id: 'p1', type: 'text', text: 'q?' })
  await session.update('m', { metadata: { seen: true } })
  await session.add([{ text: 'a' }, { text: 'b' }])
  await session.set({ title: 'T' })
  await session.remove('m')
  const text = readFileSync(logOf(store, 's-1'), 'utf8')
  const lines = text.split('\n')
  expect(lines.pop()).toBe('')
  const parsed = lines.map((line) => JSON.parse(line) as { v: number; id: string; type: string; time: string })
  expect(parsed.map(({ v, type }) => [v, type])).toEqual([
    [1, 'session.created'],
    [1, 'message.created'],
    [1, 'part.updated'],
    [1, 'message.updated'],
    [1, 'log.batch'],
    [1, 'session.updated'],
    [1, 'message.deleted'],
  ])
  expect(ids(parsed)).toEqual(ids(parsed).sort())
  expect(parsed.every(({ time }) => new Date(time).toISOString() === time)).toBe(true)
})

test('the trajectory store (FTS5, BM25): prompts and tool results are found, sub-sessions too', async () => {
  const store = await freshStore()
  const session = await store.create({ id: 's-1' })
  await session.add({ id: 'prompt', text: 'fix the parser' })
  await session.add({
    id: 'result',
    role: 'tool',
    parts: [{ type: 'tool-result', callId: 'c', name: 'bash', output: 'parser.ts: 2 failures' }],
  })
  await laterMillisecond()
  const sub = await store.create({ id: 's-2', parent: { sessionId: 's-1', callId: 'c' } })
  await sub.add({ id: 'sub', text: 'look at the parser' })
  const found = async (...args: Parameters<typeof store.search>): Promise<string[]> => {
    const hits = []
    for await (const { sessionId, messageId } of store.search(...args)) hits.push(`${sessionId} ${messageId}`)
    return hits
  }
  expect(await found('parser')).toEqual(['s-2 sub', 's-1 result', 's-1 prompt'])
  expect(await found('parser', { role: 'user' })).toEqual(['s-2 sub', 's-1 prompt'])
  expect(await found('failures parser', { tool: 'bash' })).toEqual(['s-1 result'])
})

test('resume last or by id prefix, /history: the newest, the one meant, the list', async () => {
  const store = await freshStore()
  for (const id of ['abc-1', 'abd-2', 'xyz-3']) {
    const session = await store.create({ id, title: `T ${id}` })
    await session.add({ text: `about ${id}`, usage: { totalTokens: 7 } })
    await laterMillisecond()
  }
  await (await store.get('abd-2'))?.add({ text: 'again' })
  const there = await elsewhere(store)
  expect(ids((await there.list({ limit: 1 })).items)).toEqual(['abd-2'])
  const meant = async (prefix: string): Promise<string[]> =>
    ids((await there.list({ where: ({ id }) => id.startsWith(prefix) })).items)
  expect(await meant('abc')).toEqual(['abc-1'])
  expect(await meant('ab')).toEqual(['abd-2', 'abc-1'])
  const history = (await there.list({ limit: 15 })).items
  expect(history.map(({ title, messageCount, usage, preview }) => [title, messageCount, usage, preview])).toEqual([
    ['T abd-2', 2, { totalTokens: 7 }, 'about abd-2'],
    ['T xyz-3', 1, { totalTokens: 7 }, 'about xyz-3'],
    ['T abc-1', 1, { totalTokens: 7 }, 'about abc-1'],
  ])
})

test("watching sessions/*.json for files that come, change and go: another process's changes are the same events", async () => {
  const store = await freshStore({ watch: true })
  const [created, message] = [next(store, 'session.created'), next(store, 'message.created')]
  const writer = runChild(
    `
    const store = await foldlog.openStore(args[0])
    await (await store.create({ id: 's-1', title: 'Elsewhere' })).add({ id: 'm', text: 'hi' })
    await store.close()
    `,
    store.root,
  )
  expect(await writer).toEqual({ code: 0, signal: null, stderr: '' })
  expect(await created).toMatchObject({ sessionId: 's-1', origin: 'external', info: { title: 'Elsewhere' } })
  expect(await message).toMatchObject({ sessionId: 's-1', origin: 'external', event: { data: { id: 'm' } } })
  const [updated, deleted] = [next(store, 'session.updated'), next(store, 'session.deleted')]
  const second = runChild(
    `
    const store = await foldlog.openStore(args[0])
    await (await store.get('s-1')).set({ title: 'Renamed' })
    await store.close()
    `,
    store.root,
  )
  expect((await second).code).toBe(0)
  expect(await updated).toMatchObject({ sessionId: 's-1', origin: 'external', info: { title: 'Renamed' } })
  await runChild(`await (await foldlog.openStore(args[0])).delete('s-1')`, store.root)
  expect(await deleted).toMatchObject({ sessionId: 's-1', origin: 'external' })
  expect((await store.list()).items).toEqual([])
})

test('O1 two processes add to one session, and everything is there', async () => {
  const store = await freshStore()
  const session = await store.create({ id: 's-1' })
  const source = `
    import { existsSync } from 'node:fs'
    const [root, name] = args
    const store = await foldlog.openStore(root)
    const session = await store.get('s-1')
    await session.add({ id: name + '-ready', text: 'ready' })
    while (!existsSync(root + '/go')) await new Promise(setImmediate)
    for (let n = 0; n < 200; n++) {
      await session.add({ id: name + '-' + n, text: name, usage: { totalTokens: 1 } })
      // Nobody starves the other: the writers take turns as the system lets them.
      await new Promise(setImmediate)
    }
    await store.close()`
  const running = Promise.all(['left', 'right'].map((name) => runChild(source, store.root, name)))
  let hasEnded = false
  void running.then(() => (hasEnded = true))
  // oxlint-disable-next-line no-unmodified-loop-condition -- it is set when the processes end, which they should not do yet
  while (!hasEnded && (await session.messages()).length < 2) await new Promise(setImmediate)
  writeFileSync(join(store.root, 'go'), '')
  expect(await running).toEqual([
    { code: 0, signal: null, stderr: '' },
    { code: 0, signal: null, stderr: '' },
  ])
  const there = await reread(store, 's-1')
  const expected = ['left', 'right'].flatMap((name) => [
    `${name}-ready`,
    ...Array.from({ length: 200 }, (_, n) => `${name}-${n}`),
  ])
  expect(ids(await there.messages()).sort()).toEqual(expected.sort())
  expect(await there.messages()).toEqual(await session.messages())
  expect([there.info.messageCount, there.info.usage.totalTokens, there.info.branchCount]).toEqual([402, 400, 1])
  expect(await there.damage()).toEqual([])
})

test('O2 an update after the deletion is an error and brings nothing back', async () => {
  const store = await freshStore()
  const session = await store.create({ id: 's-1' })
  await session.add({ id: 'm', text: 'x' })
  expect(await (await elsewhere(store)).delete('s-1')).toBe(true)
  const gone = { code: 'NOT_FOUND', sessionId: 's-1' }
  await expect(session.update('m', { status: 'failed' })).rejects.toMatchObject(gone)
  await expect(session.set({ title: 'T' })).rejects.toMatchObject(gone)
  await expect(session.add({ text: 'y' })).rejects.toMatchObject(gone)
  await expect(session.part('m', { type: 'text', text: 'z' })).rejects.toMatchObject(gone)
  await expect(session.append('todo.added', {})).rejects.toMatchObject(gone)
  expect(filesIn(store.root).filter((file) => file.includes('s-1'))).toEqual([])
  expect(await store.get('s-1')).toBeUndefined()
})

test('O3 a cut last line costs that line only, and the next append starts on a fresh one', async () => {
  const store = await freshStore()
  const session = await store.create({ id: 's-1' })
  for (const n of [1, 2, 3]) await session.add({ id: `m${n}`, text: `text ${n}` })
  await store.close()
  const path = logOf(store, 's-1')
  const whole = readFileSync(path)
  const lastLine = whole.lastIndexOf('\n', whole.length - 2) + 1
  truncateSync(path, lastLine + Math.floor((whole.length - lastLine) / 2))
  const torn = readFileSync(path)

  const there = await reread(store, 's-1')
  expect(texts(await there.messages())).toEqual(['text 1', 'text 2'])
  await there.add({ id: 'm4', text: 'text 4' })
  expect(texts(await there.messages())).toEqual(['text 1', 'text 2', 'text 4'])
  const after = readFileSync(path)
  expect(after.subarray(0, torn.length)).toEqual(torn)
  expect(after[torn.length]).toBe('\n'.charCodeAt(0))
  expect(JSON.parse(after.subarray(torn.length + 1).toString('utf8'))).toMatchObject({ data: { id: 'm4' } })
  const again = await reread(store, 's-1')
  expect(texts(await again.messages())).toEqual(['text 1', 'text 2', 'text 4'])
  expect(await again.damage()).toMatchObject([
    { kind: 'torn', file: 's-1.jsonl', line: 4, offset: lastLine, sizeBytes: torn.length - lastLine },
  ])
})

test('O4 ids that look like paths stay inside their namespace, and too long ones are refused', async () => {
  const folder = freshFolder()
  const store = await open(join(folder, 'root'), { namespace: '../ns' })
  const hostile = [
    '../x',
    'a/b',
    'CON',
    '..',
    'a\\b',
    '/etc/passwd',
    'nul',
    'a:b',
    '*',
    '.hidden',
    'A',
    'a',
    '%2e',
    'ü\u0000',
  ]
  for (const id of hostile) await (await store.create({ id })).add({ text: id })
  for (const id of ['x'.repeat(300), 'ü'.repeat(100), '\uD800']) {
    await expect(store.create({ id })).rejects.toMatchObject({ code: 'INVALID_NAME' })
  }
  const there = await elsewhere(store)
  for (const id of hostile) expect(texts((await (await there.get(id))?.messages()) ?? [])).toEqual([id])
  expect(ids((await there.list()).items).sort()).toEqual([...hostile].sort())
  const names = filesIn(folder)
  expect(
    names.filter((name) => !/^root\/(?:\.git\w+|%2E%2E%2Fns\/[^/]+\.jsonl|%2E%2E%2Fns\/\.cache\/.*)$/.test(name)),
  ).toEqual([])
  const logs = names.filter((name) => name.endsWith('.jsonl') && !name.includes('.cache'))
  // Also on disks that do not tell upper from lower case, and on those where some names are devices.
  expect(new Set(logs.map((name) => name.toLowerCase())).size).toBe(hostile.length)
  expect(logs.filter((name) => /\/(?:con|nul)\./i.test(name))).toEqual([])
})

test('O5 unknown fields and unknown event types survive reading, appending and a compaction', async () => {
  const store = await freshStore()
  const time = '2020-01-01T00:00:00.000Z'
  const line = (n: number, type: string, data: object, v = 1): string =>
    JSON.stringify({ v, id: `01DXF6DT00000000000000000${n}`, type, time, data })
  const message = {
    id: 'm',
    turnId: 'm',
    role: 'user',
    status: 'completed',
    mood: { level: 3 },
    parts: [
      { id: 'p1', type: 'text', text: 'hi', annotations: [{ from: 0, to: 2 }] },
      { id: 'p2', type: 'hologram', beams: 7 },
    ],
  }
  const written = [
    line(1, 'session.created', { title: 'T', colour: 'red' }),
    line(2, 'message.created', message),
    line(3, 'session.tagged', { tag: 'x' }),
    line(4, 'todo.added', { text: 'ship' }),
    line(5, 'message.created', { ...message, id: 'future' }, 2),
  ]
  await mkdir(dirname(logOf(store, 's-1')), { recursive: true })
  await writeFile(logOf(store, 's-1'), `${written.join('\n')}\n`)

  const session = (await store.get('s-1'))!
  await session.update('m', { metadata: { read: true } })
  const unknown = { role: 'assistant', text: 'hello', 'x-score': 0.5 } as MessageInput
  await expect(session.add(unknown)).rejects.toMatchObject({ code: 'INVALID_EVENT', field: 'x-score' })
  await session.add({ role: 'assistant', text: 'hello' })
  await session.add({ role: 'assistant', parts: [{ type: 'compaction', text: 'Greetings' }] })
  const there = await reread(store, 's-1')
  const [first, second] = await there.messages()
  expect(first).toMatchObject({ mood: { level: 3 }, parts: message.parts, metadata: { read: true } })
  expect(second?.role).toBe('assistant')
  expect(await there.message('future')).toBeUndefined()
  expect(texts(await there.context())).toEqual(['Greetings'])
  expect(readFileSync(logOf(store, 's-1'), 'utf8').split('\n').slice(0, 5)).toEqual(written)
  expect((await eventsOf(there)).map(({ type }) => type).slice(2, 5)).toEqual([
    'session.tagged',
    'todo.added',
    'message.created',
  ])
  const findings = (await there.findings()).map(({ kind, eventId }) => `${kind} ${eventId?.at(-1)}`)
  expect(findings).toEqual(expect.arrayContaining(['unsupported 3', 'unsupported 5']))
  expect(findings).not.toContain('unsupported 4')
})

test('O6 a constant and a string subscribe to the same, and leaving while listening skips nobody', async () => {
  const store = await freshStore()
  const Type = { SessionCreated: 'session.created' } as const
  const name: string = ['session', 'created'].join('.')
  const got: string[] = []
  const off = store.on(Type.SessionCreated, () => {
    got.push('first')
    off()
  })
  store.on(name, () => got.push('second'))
  store.on('session.created', () => {
    got.push('third')
    throw new Error('a bad listener')
  })
  store.on('session.created', () => got.push('fourth'))
  const problem = next(store, 'store.error')
  await store.create({ id: 's-1' })
  expect(got.splice(0)).toEqual(['first', 'second', 'third', 'fourth'])
  expect((await problem).error.cause ?? (await problem).error).toMatchObject({ message: 'a bad listener' })
  await store.create({ id: 's-2' })
  expect(got).toEqual(['second', 'third', 'fourth'])
})

test('O7 an orphan tool call has a synthetic error result until the real one comes', async () => {
  const session = await (await freshStore()).create()
  await session.add([{ text: 'go' }, { id: 'a', role: 'assistant', parts: [call('c1')] }])
  await session.add({ id: 'next', text: 'go on' })
  const view = async (): Promise<unknown[]> =>
    (await session.context()).map(({ role, parts: [part] }) =>
      part?.type === 'tool-result' ? [role, part.callId, part.output, part.error?.code] : [role],
    )
  expect(await view()).toEqual([['user'], ['assistant'], ['tool', 'c1', undefined, 'NO_RESULT'], ['user']])
  await session.add({ id: 'late', role: 'tool', parts: [result('c1', 'done')] })
  expect(await view()).toEqual([['user'], ['assistant'], ['tool', 'c1', 'done', undefined], ['user']])
})

test('O8 a compaction removes nothing and is undone by setting the head', async () => {
  const store = await freshStore()
  const session = await store.create({ id: 's-1' })
  for (let n = 1; n <= 4; n++) await session.add({ id: `m${n}`, role: n % 2 ? 'user' : 'assistant', text: `${n}` })
  const before = await session.context()
  await session.add({ id: 'sum', role: 'assistant', parts: [{ type: 'compaction', text: 'all of it' }] })
  await session.add({ id: 'm5', text: '5' })
  expect(ids(await session.context())).toEqual(['sum', 'm5'])
  expect(ids(await session.messages())).toEqual(['m1', 'm2', 'm3', 'm4', 'sum', 'm5'])
  await session.set({ head: 'm4' })
  const there = await reread(store, 's-1')
  expect(await there.context()).toEqual(before)
  expect(ids(await there.messages({ all: true }))).toEqual(['m1', 'm2', 'm3', 'm4', 'sum', 'm5'])
})

test('O9 interleaved texts and images keep their order, and arguments are JSON', async () => {
  const store = await freshStore()
  const session = await store.create({ id: 's-1' })
  const input = { path: 'a "b"', flags: [true, null, 1.5], nested: { ü: [] } }
  const parts = [text('t1'), image('i1'), text('t2'), image('i2'), text('t3')]
  await session.add([
    { id: 'q', parts },
    { id: 'a', role: 'assistant', parts: [text('t4'), call('c1', input), text('t5'), result('c1', 'ok')] },
  ])
  const context = await (await reread(store, 's-1')).context()
  expect(context[0]?.parts).toEqual(parts)
  expect(ids(context[1]?.parts ?? [])).toEqual(['t4', 'call-c1', 't5', 'result-c1'])
  expect(context[1]?.parts[1]).toMatchObject({ input })
})

test('O10 usage and counts are folds and never drift', async () => {
  const store = await freshStore()
  const session = await store.create({ id: 's-1' })
  const other = await reread(store, 's-1')
  await session.add({ id: 'a', role: 'assistant', status: 'in_progress', text: '', usage: use(1) })
  await other.add({ id: 'b', role: 'assistant', text: 'b', usage: use(10) })
  await session.update('a', { usage: use(100), status: 'completed' })
  await other.add({ id: 'b', text: 'b again' })
  await session.add([
    { id: 'c', text: 'c', usage: use(1000) },
    { id: 'd', text: 'd' },
  ])
  await session.add({ role: 'assistant', parts: [{ type: 'compaction', text: 'sum' }] })
  await other.remove('c')
  await session.messages()
  const expected = { messageCount: 4, usage: { totalTokens: 110, costUsd: 0.2 } }
  expect(session.info).toMatchObject(expected)
  expect(other.info).toEqual(session.info)
  expect((await reread(store, 's-1')).info).toEqual(session.info)
  expect((await (await elsewhere(store)).list()).items).toMatchObject([expected])
})
