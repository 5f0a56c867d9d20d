/** What TaskWeaver's sessions do, by docs/coming-from.md, and the acceptance cases T1 to T5. */
import { readFileSync } from 'node:fs'
import { expect, test } from 'vitest'
import {
  compactIf,
  latest,
  type DataPart,
  type Json,
  type MergeLine,
  type Message,
  type MessageInput,
  type Part,
  type PartInput,
  type Session,
} from '../../src/index.ts'
import { exportHtml, exportMarkdown } from '../../src/exporters/index.ts'
import { elsewhere, filesIn, freshStore, listen, logOf } from '../support/store.ts'

const ids = (items: readonly { readonly id: string }[]): string[] => items.map(({ id }) => id)
const texts = (messages: readonly Message[]): string[] =>
  messages.flatMap(({ parts }) => parts.flatMap((part) => (part.type === 'text' ? [part.text] : [])))

const data = (id: string, name: string, content: string): Part => ({ id, type: 'data', name, data: content })
const plans = (message: Message | undefined): Part[] =>
  (message?.parts ?? []).filter((part) => part.type === 'data' && part.name === 'plan')
const summary = (id: string, to: string, text: string, from: string): MessageInput => ({
  id,
  role: 'assistant',
  to,
  parts: [{ type: 'compaction', text, from }],
})

/** A post as TaskWeaver makes it: from one role to another. */
function post(id: string, from: string, to: string, text: string, parts: readonly PartInput[] = []): MessageInput {
  return { id, role: from === 'User' ? 'user' : 'assistant', author: from, to, text, parts }
}

/** A round: the question, the plan, the code and the answer. */
async function round(session: Session, n: number, status: 'completed' | 'failed' = 'completed'): Promise<void> {
  const plan: PartInput = { type: 'data', name: 'plan', data: `plan ${n}`, author: 'Planner' }
  const now: PartInput = { type: 'text', text: `it is round ${n}`, scope: 'turn' }
  await session.add([
    post(`q${n}`, 'User', 'Planner', `question ${n}`, [now]),
    post(`p${n}`, 'Planner', 'CodeInterpreter', `task ${n}`, [plan]),
    post(`c${n}`, 'CodeInterpreter', 'Planner', `result ${n}`),
    { ...post(`a${n}`, 'Planner', 'User', `answer ${n}`), status },
  ])
}

test('app.get_session(), app.get_session(session_id), "session id not found": a session outlives its process', async () => {
  const store = await freshStore()
  const { id } = await store.create()
  await (await store.get(id))?.add({ text: 'remember me' })
  await store.close()
  const there = await elsewhere(store)
  expect(texts((await (await there.get(id))?.messages()) ?? [])).toEqual(['remember me'])
  expect(await there.get('no such session')).toBeUndefined()
  expect(ids((await there.list()).items)).toEqual([id])
})

test('prev_round_id (fork, resubmit, modify): the old rounds stay reachable', async () => {
  const store = await freshStore()
  const session = await store.create({ id: 's-1' })
  await round(session, 1)
  const afterFirst = session.info.lastEventId
  await round(session, 2)

  const fork = await store.fork('s-1', { at: afterFirst, id: 's-2' })
  expect(ids(await fork.messages())).toEqual(['q1', 'p1', 'c1', 'a1'])
  expect(fork.info.parent).toEqual({ sessionId: 's-1', messageId: 'a1' })

  await session.branch('q2', { id: 'q2b', author: 'User', to: 'Planner', text: 'question 2, modified' })
  await session.add(post('a2b', 'Planner', 'User', 'answer 2, modified'))
  expect(ids(await session.messages())).toEqual(['q1', 'p1', 'c1', 'a1', 'q2b', 'a2b'])
  expect(ids(await session.siblings('q2b'))).toEqual(['q2', 'q2b'])
  expect(ids(await session.messages({ branch: 'q2' }))).toEqual(['q1', 'p1', 'c1', 'a1', 'q2', 'p2', 'c2', 'a2'])

  await session.set({ head: 'a2' })
  expect(ids(await session.messages())).toEqual(['q1', 'p1', 'c1', 'a1', 'q2', 'p2', 'c2', 'a2'])
  await session.set({ head: 'q2' })
  await session.add(post('a2c', 'Planner', 'User', 'answer 2, once more'))
  expect(ids(await session.messages())).toEqual(['q1', 'p1', 'c1', 'a1', 'q2', 'a2c'])
  await session.set({ head: 'a1' })
  await session.add(post('q3', 'User', 'Planner', 'resubmitted'))
  expect(ids(await session.messages())).toEqual(['q1', 'p1', 'c1', 'a1', 'q3'])
  expect(session.info.branchCount).toBe(4)
})

test('session.stop(), stop_all_sessions(), app.stop(): what was closed refuses', async () => {
  const store = await freshStore()
  const [one, two] = [await store.create({ id: 's-1' }), await store.create({ id: 's-2' })]
  await one.close()
  await expect(one.add({ text: 'x' })).rejects.toMatchObject({ code: 'CLOSED' })
  await expect(one.messages()).rejects.toMatchObject({ code: 'CLOSED' })
  expect((await two.add({ id: 'm', text: 'y' })).id).toBe('m')
  expect((await store.get('s-1'))?.id).toBe('s-1')
  await store.close()
  await expect(two.add({ text: 'z' })).rejects.toMatchObject({ code: 'CLOSED' })
  await expect(store.get('s-2')).rejects.toMatchObject({ code: 'CLOSED' })
  await expect(store.namespace('other').create()).rejects.toMatchObject({ code: 'CLOSED' })
  expect(texts((await (await (await elsewhere(store)).get('s-2'))?.messages()) ?? [])).toEqual(['y'])
})

test('session.send_message(message, event_handler, files): the round that was asked for, and a handler that hears it', async () => {
  const store = await freshStore({
    async *respond({ session, question }) {
      const [file] = question.parts.filter((part) => part.type === 'file')
      const bytes = await store.getFile(file?.file ?? '', 'text/csv')
      await session.set({
        vars: {
          rows: Buffer.from(bytes ?? [])
            .toString()
            .split('\n').length,
        },
      })
      yield { author: 'Planner', to: 'CodeInterpreter', text: 'count the rows' }
      yield { author: 'CodeInterpreter', to: 'Planner', text: JSON.stringify(session.info.vars['rows']) }
      yield { author: 'Planner', to: 'User', text: 'There are 3 rows' }
    },
  })
  const session = await store.create({ id: 's-1' })
  const heard: string[] = []
  const turn = await session.send(
    { author: 'User', to: 'Planner', text: 'How many rows?' },
    {
      files: [{ bytes: Buffer.from('1\n2\n3'), mediaType: 'text/csv', name: 'rows.csv' }],
      onEvent: ({ type }) => heard.push(type),
    },
  )
  expect(turn.messages.map(({ author, to }) => [author, to])).toEqual([
    ['User', 'Planner'],
    ['Planner', 'CodeInterpreter'],
    ['CodeInterpreter', 'Planner'],
    ['Planner', 'User'],
  ])
  expect([turn.status, texts(turn.messages).at(-1)]).toEqual(['completed', 'There are 3 rows'])
  expect([heard.includes('turn.started'), heard.at(-1)]).toEqual([true, 'turn.completed'])
  const there = (await (await elsewhere(store)).get('s-1'))!
  expect(await there.turns()).toEqual([turn])
  expect(there.info.vars).toEqual({ rows: 3 })
})

test('Round.user_query, Round.state created, finished, failed: the state follows from the messages', async () => {
  const session = await (await freshStore()).create()
  const state = async (): Promise<unknown> => {
    const round = (await session.turns()).at(-1)
    return [texts(round?.messages.slice(0, 1) ?? []), round?.status]
  }
  await session.add(post('q1', 'User', 'Planner', 'query 1'))
  expect(await state()).toEqual([['query 1'], 'pending'])
  await session.add({ ...post('a1', 'Planner', 'User', ''), status: 'in_progress' })
  expect(await state()).toEqual([['query 1'], 'in_progress'])
  await session.update('a1', { status: 'completed' })
  expect(await state()).toEqual([['query 1'], 'completed'])
  await session.add(post('q2', 'User', 'Planner', 'query 2'))
  await session.add({ ...post('a2', 'Planner', 'User', 'oops'), status: 'failed', error: { message: 'no kernel' } })
  expect(await state()).toEqual([['query 2'], 'failed'])
  expect((await session.turns()).map(({ id, messages }) => [id, ids(messages)])).toEqual([
    ['q1', ['q1', 'a1']],
    ['q2', ['q2', 'a2']],
  ])
})

test('Post.send_from, send_to, message: roles are free names', async () => {
  const store = await freshStore()
  const session = await store.create({ id: 's-1' })
  await round(session, 1)
  const messages = await (await (await elsewhere(store)).get('s-1'))!.messages()
  expect(messages.map(({ author, to, parts: [part] }) => [author, to, part?.type === 'text' && part.text])).toEqual([
    ['User', 'Planner', 'question 1'],
    ['Planner', 'CodeInterpreter', 'task 1'],
    ['CodeInterpreter', 'Planner', 'result 1'],
    ['Planner', 'User', 'answer 1'],
  ])
})

const ATTACHMENT_TYPES = [
  'init_plan',
  'plan',
  'current_plan_step',
  'plan_reasoning',
  'stop',
  'thought',
  'reply_type',
  'reply_content',
  'verification',
  'code_error',
  'execution_status',
  'execution_result',
  'artifact_paths',
  'revise_message',
  'function',
  'web_exploring_plan',
  'web_exploring_screenshot',
  'web_exploring_link',
  'invalid_response',
  'text',
  'shared_memory_entry',
  'image_url',
]

/** An attachment as a part, by the line of the table that says so. */
function attachment(id: string, type: string, content: string, extra: Json): Part {
  if (type === 'thought' || type === 'plan_reasoning') return { id, type: 'reasoning', text: content }
  if (type === 'text') return { id, type: 'text', text: content }
  if (type === 'artifact_paths')
    return { id, type: 'file', mediaType: 'text/csv', name: content, url: `file://${content}` }
  if (type === 'image_url' || type === 'web_exploring_screenshot') {
    return { id, type: 'file', mediaType: 'image/png', url: content, metadata: { extra } }
  }
  return { id, type: 'data', name: type, data: { content, extra } }
}

test('Attachment of 22 types: id, content, extra: each type comes back', async () => {
  const store = await freshStore()
  const session = await store.create({ id: 's-1' })
  const parts = ATTACHMENT_TYPES.map((type, n) => attachment(`atta-${n}`, type, `content of ${type}`, { n, of: null }))
  await session.add({ id: 'post', role: 'assistant', author: 'Planner', parts })
  const there = await (await (await elsewhere(store)).get('s-1'))?.message('post')
  expect(there?.parts).toHaveLength(22)
  expect(there?.parts).toEqual(parts)
})

test('get_attachment(), del_attachment(): one type is found, one type goes', async () => {
  const session = await (await freshStore()).create()
  const parts = [data('1', 'plan', 'old'), data('2', 'code', 'x = 1'), data('3', 'plan', 'new')]
  const { id } = await session.add({ role: 'assistant', parts })
  const found = plans(await session.message(id))
  expect(found).toEqual([data('1', 'plan', 'old'), data('3', 'plan', 'new')])
  for (const part of found) await session.removePart(id, part.id)
  expect((await session.message(id))?.parts).toEqual([data('2', 'code', 'x = 1')])
})

test('PostEventProxy start, update_send_to, update_status, error, end: an error keeps what was there', async () => {
  const store = await freshStore()
  const session = await store.create({ id: 's-1' })
  await session.add(post('q', 'User', 'Planner', 'go'))
  await session.add({ id: 'a', role: 'assistant', author: 'Planner', status: 'in_progress', parts: [] })
  await session.update('a', { to: 'CodeInterpreter', statusMessage: 'calling the model' })
  await session.part('a', { id: 'plan', type: 'data', name: 'plan', data: '1. look' })
  expect(await session.message('a')).toMatchObject({ to: 'CodeInterpreter', statusMessage: 'calling the model' })
  await session.update('a', { status: 'failed', statusMessage: null, error: { code: 'LLM', message: 'no answer' } })
  const failed = await (await (await elsewhere(store)).get('s-1'))?.message('a')
  expect(failed).toMatchObject({
    to: 'CodeInterpreter',
    status: 'failed',
    error: { code: 'LLM', message: 'no answer' },
    parts: [{ id: 'plan', type: 'data', name: 'plan', data: '1. look' }],
  })
  expect(Object.hasOwn(failed!, 'statusMessage')).toBe(false)
  const ended = await session.update('a', { status: 'completed', error: null })
  expect([ended.status, Object.hasOwn(ended, 'error')]).toEqual(['completed', false])
})

test('PostEventProxy update_message and update_attachment, by deltas: text and attachments grow, in their order', async () => {
  const store = await freshStore()
  const session = await store.create({ id: 's-1' })
  await session.add(post('q', 'User', 'Planner', 'go'))
  const heard: unknown[] = []
  store.on('part.delta', ({ partType, partId, delta }) => heard.push([partType, partId, delta]))
  const draft = await session.stream({ id: 'p', author: 'Planner' })
  draft.reasoning('let me ')
  draft.reasoning('think')
  draft.part({ id: 'plan', type: 'data', name: 'plan', data: '1. look' })
  draft.part({ id: 'plan', type: 'data', name: 'plan', data: '1. look 2. answer' })
  draft.text('look ')
  draft.text('there')
  const done = await draft.end({ to: 'CodeInterpreter' })
  expect(heard).toEqual([
    ['reasoning', 'p1', 'let me '],
    ['reasoning', 'p1', 'think'],
    ['data', 'plan', undefined],
    ['data', 'plan', undefined],
    ['text', 'p3', 'look '],
    ['text', 'p3', 'there'],
  ])
  expect(done).toMatchObject({ to: 'CodeInterpreter', status: 'completed' })
  expect(done.parts).toEqual([
    { id: 'p1', type: 'reasoning', text: 'let me think' },
    { id: 'plan', type: 'data', name: 'plan', data: '1. look 2. answer' },
    { id: 'p3', type: 'text', text: 'look there' },
  ])
  expect(await (await (await elsewhere(store)).get('s-1'))?.message('p')).toEqual(done)
})

test('round_start, round_end, round_error, post_*, with a handler for one call: a handler hears one round only', async () => {
  const store = await freshStore()
  const session = await store.create({ id: 's-1' })
  await round(session, 1)
  const from = session.info.lastEventId
  const heard: string[] = []
  const off = store.on('message.created', ({ event }) => heard.push((event.data as unknown as Message).id))
  await round(session, 2)
  off()
  await round(session, 3)
  expect(heard).toEqual(['q2', 'p2', 'c2', 'a2'])

  const leave = new AbortController()
  const tailed: string[] = []
  for await (const event of session.tail({ after: from, signal: leave.signal })) {
    tailed.push((event.data as unknown as Message).id)
    if (tailed.at(-1) === 'a2') leave.abort()
  }
  expect(tailed).toEqual(['q2', 'p2', 'c2', 'a2'])
})

test('post_status_update: told, or kept', async () => {
  const store = await freshStore()
  const session = await store.create({ id: 's-1' })
  await session.add({ id: 'a', role: 'assistant', status: 'in_progress', parts: [] })
  const bytes = readFileSync(logOf(store, 's-1'))
  const heard = listen(store)
  store.notice('status', { messageId: 'a', text: 'generating code' }, 's-1')
  expect(heard).toMatchObject([{ type: 'notice', name: 'status', sessionId: 's-1', data: { text: 'generating code' } }])
  expect(readFileSync(logOf(store, 's-1'))).toEqual(bytes)
  await session.update('a', { statusMessage: 'running code' })
  expect(await (await (await elsewhere(store)).get('s-1'))?.message('a')).toMatchObject({
    statusMessage: 'running code',
  })
})

test('get_role_rounds(role, include_failure_rounds): each role has its view, failed rounds are hidden', async () => {
  const session = await (await freshStore()).create()
  expect(await session.context({ role: 'Planner' })).toEqual([])
  await round(session, 1)
  await round(session, 2, 'failed')
  await round(session, 3)
  expect(ids(await session.context({ role: 'Planner' }))).toEqual(['q1', 'p1', 'c1', 'a1', 'q3', 'p3', 'c3', 'a3'])
  expect(ids(await session.context({ role: 'CodeInterpreter' }))).toEqual(['p1', 'c1', 'p3', 'c3'])
  expect(ids(await session.context({ role: 'CodeInterpreter', failed: true }))).toEqual([
    'p1',
    'c1',
    'p2',
    'c2',
    'p3',
    'c3',
  ])
  expect(await session.messages()).toHaveLength(12)
})

test('temporal delimiters, shared memory of scope round: the text is gone from the next round on', async () => {
  const session = await (await freshStore()).create()
  await round(session, 1)
  expect(texts(await session.context()).slice(0, 2)).toEqual(['question 1', 'it is round 1'])
  await round(session, 2)
  const now = texts(await session.context()).filter((text) => text.startsWith('it is round'))
  expect(now).toEqual(['it is round 2'])
  expect(texts(await session.messages())).toContain('it is round 1')
})

/** A post of an author who shares something. */
async function share(session: Session, author: string, part: Omit<DataPart, 'id' | 'type'>): Promise<void> {
  await session.add({ role: 'assistant', author, to: 'User', parts: [{ type: 'data', ...part }] })
}

test('SharedMemoryEntry, get_shared_memory_entries(type): the latest of each author, failed rounds excluded', async () => {
  const session = await (await freshStore()).create()
  await session.add({ text: 'q1' })
  await share(session, 'Planner', { name: 'plan', data: 'planner, old' })
  await share(session, 'Recepta', { name: 'plan', data: 'recepta' })
  await share(session, 'Planner', { name: 'plan', data: 'planner, new' })
  await share(session, 'Planner', { name: 'example_sub_path', data: 'a/b' })
  const messages = await session.messages()
  expect(latest(messages, 'plan', { perAuthor: true }).map(({ author, data }) => [author, data])).toEqual([
    ['Recepta', 'recepta'],
    ['Planner', 'planner, new'],
  ])
  expect(latest(messages, 'plan').map(({ data }) => data)).toEqual(['planner, new'])
  expect(latest(messages, 'example_sub_path').map(({ data }) => data)).toEqual(['a/b'])
  expect(latest(messages, 'experience_sub_path')).toEqual([])
})

test("summaries per role, the chain of summaries: one role's summary hides nothing from the other", async () => {
  const session = await (await freshStore()).create()
  for (const n of [1, 2, 3]) await round(session, n)
  await session.add(summary('sum1', 'Planner', 'rounds 1 and 2', 'q3'))
  await round(session, 4)
  expect(ids(await session.context({ role: 'Planner' }))).toEqual([
    'sum1',
    'q3',
    'p3',
    'c3',
    'a3',
    'q4',
    'p4',
    'c4',
    'a4',
  ])
  expect(ids(await session.context({ role: 'CodeInterpreter' }))).toEqual([
    'p1',
    'c1',
    'p2',
    'c2',
    'p3',
    'c3',
    'p4',
    'c4',
  ])
  await session.add(summary('sum2', 'Planner', 'rounds 1 and 2, then 3', 'q4'))
  const view = await session.context({ role: 'Planner' })
  expect(ids(view)).toEqual(['sum2', 'q4', 'p4', 'c4', 'a4'])
  expect(texts(view)[0]).toBe('rounds 1 and 2, then 3')
  expect(ids(await session.context({ role: 'CodeInterpreter' }))).toHaveLength(8)
})

test('RoundCompressor (compress 2, retain 3): the rounds of a role, and a summary that grows', async () => {
  const session = await (await freshStore()).create()
  const compress = (to: string): Promise<Message | undefined> =>
    compactIf(session, { turns: { compress: 2, retain: 3 }, to }, (messages, { previous }) =>
      [previous ?? [], texts(messages).filter((text) => text.startsWith('task'))].flat().join(', '),
    )
  for (let n = 1; n <= 7; n++) {
    await round(session, n)
    await compress('Planner')
  }
  const view = await session.context({ role: 'Planner' })
  expect(texts(view)[0]).toBe('task 1, task 2, task 3, task 4')
  expect(ids(view).slice(1)).toEqual([5, 6, 7].flatMap((n) => [`q${n}`, `p${n}`, `c${n}`, `a${n}`]))
  expect(await session.context({ role: 'CodeInterpreter' })).toHaveLength(14)
  expect(await session.turns()).toHaveLength(7)
})

test('update_session_var(), get_session_var() in a plugin, setting it from there (issue 318): both directions', async () => {
  const store = await freshStore()
  const host = await store.create({ id: 's-1' })
  const stranger = await store.create({ id: 's-2' })
  const plugin = (await (await elsewhere(store)).get('s-1'))!
  await host.set({ vars: { user_name: 'Ada', limit: 3 } })
  await plugin.messages()
  expect(plugin.info.vars).toEqual({ user_name: 'Ada', limit: 3 })
  await plugin.set({ vars: { limit: 4, seen: ['a'] } })
  await host.messages()
  expect(host.info.vars).toEqual({ user_name: 'Ada', limit: 4, seen: ['a'] })
  expect(stranger.info.vars).toEqual({})
})

test('workspace, execution_cwd, SessionMetadata: the session knows its place', async () => {
  const store = await freshStore()
  await store.create({ id: 's-1', cwd: '/srv/agents/s-1/cwd', metadata: { workspace: '/srv/agents' } })
  const [info] = (await (await elsewhere(store)).list()).items
  expect(info).toMatchObject({ id: 's-1', cwd: '/srv/agents/s-1/cwd', metadata: { workspace: '/srv/agents' } })
  const { file } = await store.putFile(Buffer.from('a,b'), 'text/csv')
  expect(filesIn(store.root)).toEqual(
    expect.arrayContaining([`default/files/${file.slice('sha256-'.length)}.csv`, 'default/s-1.jsonl']),
  )
})

test('uploading files, "files added: …": the bytes, the name, the message', async () => {
  const store = await freshStore()
  const session = await store.create({ id: 's-1' })
  const one = await store.putFile(Buffer.from('a,b\n1,2\n'), 'text/csv', 'data.csv')
  const two = await store.putFile(Buffer.from('c\n3\n'), 'text/csv', 'data.csv')
  const files = [one, two].map((file) => ({ type: 'file', ...file }) as const)
  await session.add({ id: 'q', text: `files added: data.csv, data.csv.\nSum it up`, parts: files })
  const there = await elsewhere(store)
  const message = (await (await there.get('s-1'))?.message('q'))!
  expect(message.parts.map((part) => (part.type === 'file' ? [part.name, part.sizeBytes] : part.type))).toEqual([
    'text',
    ['data.csv', 8],
    ['data.csv', 4],
  ])
  const read: string[] = []
  for (const part of message.parts) {
    if (part.type !== 'file') continue
    read.push(Buffer.from((await there.getFile(part.file ?? '', part.mediaType)) ?? []).toString('utf8'))
  }
  expect(read).toEqual(['a,b\n1,2\n', 'c\n3\n'])
})

test('session and round JSON dumps: a dump that can be read back', async () => {
  const store = await freshStore()
  const session = await store.create({ id: 's-1' })
  await round(session, 1)
  await round(session, 2, 'failed')
  const there = (await (await elsewhere(store)).get('s-1'))!
  expect(await there.turns()).toEqual(await session.turns())
  expect((await there.turns()).map(({ id, status }) => [id, status])).toEqual([
    ['q1', 'completed'],
    ['q2', 'failed'],
  ])
  const lines = readFileSync(logOf(store, 's-1'), 'utf8').trimEnd().split('\n')
  const dump = lines.map((line) => JSON.parse(line) as { type: string; data: { data: { id: string } }[] })
  expect(dump.map(({ type }) => type)).toEqual(['session.created', 'log.batch', 'log.batch'])
  expect(dump[1]?.data.map(({ data }) => data.id)).toEqual(['q1', 'p1', 'c1', 'a1'])
})

test('save_experience(), from_yaml(), examples: ids are the same after reading back', async () => {
  const [store, other] = [await freshStore(), await freshStore()]
  const session = await store.create({ id: 's-1', title: 'An example' })
  await round(session, 1)
  await session.update('a1', { metadata: { good: true } })
  await round(session, 2)
  const lines: MergeLine[] = []
  for await (const { id, type, time, data } of session.events()) lines.push({ id, type, time, data: data as Json })
  const saved = JSON.stringify(lines)

  const loaded = JSON.parse(saved) as MergeLine[]
  expect(await other.merge('s-1', loaded)).toEqual({ added: 10, known: 0 })
  expect(await other.merge('s-1', loaded)).toEqual({ added: 0, known: 10 })
  const copy = (await other.get('s-1'))!
  expect(await copy.messages()).toEqual(await session.messages())
  expect(copy.info).toEqual(session.info)
  // Thin mode keeps the plans only.
  const plans = (await copy.messages()).flatMap(({ parts }) => parts.filter((part) => part.type === 'data'))
  expect(plans.map(({ name, data }) => [name, data])).toEqual([
    ['plan', 'plan 1'],
    ['plan', 'plan 2'],
  ])
})

test("T1 a role's context hides parts of earlier turns that were for their turn only, and cannot change the session", async () => {
  const session = await (await freshStore()).create()
  for (const n of [1, 2, 3]) await round(session, n)
  const view = await session.context({ role: 'Planner' })
  expect(texts(view.filter(({ role }) => role === 'user'))).toEqual([
    'question 1',
    'question 2',
    'question 3',
    'it is round 3',
  ])
  const [first] = view as Message[]
  expect(() => Object.assign(first!, { author: 'Nobody' })).toThrow(TypeError)
  expect(() => (first!.parts as Part[]).push({ id: 'x', type: 'text', text: 'x' })).toThrow(TypeError)
  expect(() => (view as Message[]).pop()).toThrow(TypeError)
  expect(ids(await session.context({ role: 'Planner' }))).toEqual(ids(view))
  expect((await session.message('q1'))?.author).toBe('User')
})

test('T2 the latest shared data of each author counts, failed turns do not, and what was for its turn is gone after it', async () => {
  const session = await (await freshStore()).create()
  await session.add({ text: 'q1' })
  await share(session, 'A', { name: 'plan', data: 'a1' })
  await share(session, 'B', { name: 'plan', data: 'b1' })
  await share(session, 'A', { name: 'note', data: 'for now', scope: 'turn' })
  const view = async (name: string): Promise<unknown[]> =>
    latest(await session.messages(), name, { perAuthor: true }).map(({ author, data }) => [author, data])
  expect(await view('note')).toEqual([['A', 'for now']])

  await session.add({ text: 'q2' })
  await share(session, 'A', { name: 'plan', data: 'a2' })
  const { id } = await session.add({ role: 'assistant', status: 'failed', text: 'it broke' })
  expect(await view('plan')).toEqual([
    ['A', 'a1'],
    ['B', 'b1'],
  ])
  expect(await view('note')).toEqual([])
  await session.update(id, { status: 'completed' })
  expect(await view('plan')).toEqual([
    ['B', 'b1'],
    ['A', 'a2'],
  ])
})

test('T3 with fewer rounds than are compressed and retained nothing is compressed and all is shown', async () => {
  const session = await (await freshStore()).create()
  const asked: number[] = []
  for (let n = 1; n <= 4; n++) {
    await round(session, n)
    const made = await compactIf(session, { turns: { compress: 2, retain: 3 } }, (messages) => {
      asked.push(messages.length)
      return 'never'
    })
    expect(made).toBeUndefined()
  }
  expect([asked, ids(await session.context())]).toEqual([[], ids(await session.messages())])
  await round(session, 5)
  await compactIf(session, { turns: { compress: 2, retain: 3 } }, (messages) => texts(messages).length + ' texts')
  expect(texts(await session.context())[0]).toBe('8 texts')
})

test('T4 variables merge key by key', async () => {
  const store = await freshStore()
  const session = await store.create({ id: 's-1', vars: { a: 1, b: { c: 2, d: 3 } } })
  const other = (await (await elsewhere(store)).get('s-1'))!
  expect((await session.set({ vars: { e: [1] } })).vars).toEqual({ a: 1, b: { c: 2, d: 3 }, e: [1] })
  expect((await other.set({ vars: { b: { c: 4 }, a: null } })).vars).toEqual({ b: { c: 4 }, e: [1] })
  await session.messages()
  expect(session.info.vars).toEqual({ b: { c: 4 }, e: [1] })
  expect((await session.set({ vars: null })).vars).toEqual({})
})

test('T5 a streaming writer: deltas, several parts, and a failure that keeps what came', async () => {
  const store = await freshStore()
  const session = await store.create({ id: 's-1' })
  await session.add(post('q', 'User', 'Planner', 'go'))
  const draft = await session.stream({ id: 'a', author: 'Planner' })
  draft.text('I will ')
  draft.text('look. ')
  const callId = draft.toolCall({ name: 'look', input: { at: 'it' } })
  draft.toolResult({ callId, output: 'nothing' })
  draft.text('There is')
  const failed = await draft.fail(Object.assign(new Error('no answer'), { code: 'LLM' }))
  expect(failed.parts.map(({ type }) => type)).toEqual(['text', 'tool-call', 'tool-result', 'text'])
  expect(texts([failed])).toEqual(['I will look. ', 'There is'])
  expect(failed).toMatchObject({ status: 'failed', error: { code: 'LLM', message: 'no answer' } })
  expect(() => draft.text('more')).toThrow(expect.objectContaining({ code: 'CLOSED' }))
  const there = (await (await elsewhere(store)).get('s-1'))!
  expect(await there.message('a')).toEqual(failed)
  expect([(await there.turns())[0]?.status, await there.context()]).toEqual(['failed', []])
})

test('writing Markdown, HTML or YAML: the conversation as a document', async () => {
  const store = await freshStore()
  const session = await store.create({ title: 'Sales' })
  await session.add({ text: 'Plot the sales.' })
  for (const write of [exportMarkdown, exportHtml]) {
    let text = ''
    for await (const piece of write(session)) text += piece
    expect(text).toContain('Sales')
    expect(text).toContain('Plot the sales.')
  }
})
