/** What Director's sessions do, by docs/coming-from.md, and the acceptance cases D1 to D6. */
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import {
  Bus,
  fileBackend,
  memoryBackend,
  type Backend,
  type Message,
  type Part,
  type PartInput,
  type Session,
  type TailEvent,
} from '../../src/index.ts'
import { exportHtml } from '../../src/exporters/index.ts'
import { fromOpenAIChat, toOpenAIChat } from '../../src/messages/index.ts'
import {
  elsewhere,
  filesIn,
  freshFolder,
  freshStore,
  laterMillisecond,
  listen,
  open,
  runChild,
} from '../support/store.ts'

const ids = (items: readonly { readonly id: string }[]): string[] => items.map(({ id }) => id)
const texts = (message: Message): string[] => message.parts.flatMap((part) => (part.type === 'text' ? [part.text] : []))

test('Session.create() on every chat turn, with collection_id and video_id: the first call wins, the others change nothing', async () => {
  const store = await freshStore()
  const first = await store.ensure('s-1', { metadata: { collectionId: 'c-1', videoId: 'v-1' } })
  const { info } = first
  const heard = listen(store)
  const again = await store.ensure('s-1', { title: 'Other', metadata: { collectionId: 'c-2' } })
  expect(again.info).toEqual(info)
  expect(again.info.metadata).toEqual({ collectionId: 'c-1', videoId: 'v-1' })
  expect(heard).toEqual([])
  expect(ids((await store.list()).items)).toEqual(['s-1'])
})

test('Session.get(), the row and its conversation: a new process sees both', async () => {
  const store = await freshStore()
  const session = await store.create({ id: 's-1', metadata: { videoId: 'v-1' } })
  await session.add({ id: 'in', role: 'user', text: 'Cut the intro' })
  await session.add({ id: 'think', role: 'system', text: 'You are an editor', audience: 'model' })
  await session.add({ id: 'out', role: 'assistant', text: 'Done', audience: 'user' })

  const there = await (await elsewhere(store)).get('s-1')
  expect(there?.info).toEqual(session.info)
  expect(there?.info.metadata).toEqual({ videoId: 'v-1' })
  const conversation = (await there?.messages({ audience: 'user' })) ?? []
  expect(conversation.map(({ id, role }) => [id, role])).toEqual([
    ['in', 'user'],
    ['out', 'assistant'],
  ])
  expect(conversation.flatMap(texts)).toEqual(['Cut the intro', 'Done'])
})

test('Session.get_all(), ordered by updated_at: a message moves its session to the front', async () => {
  const store = await freshStore()
  for (const id of ['a', 'b', 'c']) {
    await store.create({ id })
    await laterMillisecond()
  }
  expect(ids((await store.list()).items)).toEqual(['c', 'b', 'a'])
  await (await store.get('a'))?.add({ text: 'hello' })
  expect(ids((await store.list()).items)).toEqual(['a', 'c', 'b'])
  expect(ids((await (await elsewhere(store)).list()).items)).toEqual(['a', 'c', 'b'])
})

test('Session.delete() → (success, failed_components): one file, so nothing is left of it', async () => {
  const store = await freshStore()
  const session = await store.create({ id: 's-1' })
  await session.add([{ text: 'q' }, { role: 'assistant', text: 'a', audience: 'user' }])
  expect(filesIn(store.root)).toContain('default/s-1.jsonl')

  expect(await store.delete('s-1')).toBe(true)
  expect(filesIn(store.root).filter((file) => file.endsWith('.jsonl') && !file.includes('.cache'))).toEqual([])
  expect(await store.get('s-1')).toBeUndefined()
  expect((await store.list()).items).toEqual([])
  expect(await store.delete('s-1')).toBe(false)
})

test('InputMessage.publish(), add_or_update_msg_to_conv(): publishing again updates the message in its place', async () => {
  const store = await freshStore()
  const session = await store.create()
  await session.add({ id: 'm-1', turnId: 'conv-1', role: 'user', text: 'first' })
  await session.add({ id: 'm-2', turnId: 'conv-1', role: 'assistant', text: 'answer' })
  const published = await session.add({ id: 'm-1', turnId: 'conv-1', role: 'user', text: 'first, corrected' })
  const messages = await session.messages()
  expect(ids(messages)).toEqual(['m-1', 'm-2'])
  expect(messages[0]).toEqual(published)
  expect(messages.flatMap(texts)).toEqual(['first, corrected', 'answer'])
  expect(messages.map(({ turnId }) => turnId)).toEqual(['conv-1', 'conv-1'])
  expect(session.info.messageCount).toBe(2)
})

test('OutputMessage.publish(), push_update(), update_status(): each is stored and then told', async () => {
  const store = await freshStore()
  const session = await store.create({ id: 's-1' })
  await session.add({ id: 'in', role: 'user', text: 'Find the goals' })
  const other = (await (await elsewhere(store)).get('s-1'))!
  const stored: [string, number, string | undefined][] = []
  const heard: string[] = []
  const told: Promise<void>[] = []
  store.on('*', ({ type }) => {
    heard.push(type)
    if (type !== 'session.updated') return
    // What a listener hears is what another process can read.
    told.push(other.message('out').then((out) => void stored.push([type, out?.parts.length ?? -1, out?.status])))
  })

  await session.add({ id: 'out', role: 'assistant', status: 'in_progress', parts: [] })
  await Promise.all(told)
  await session.part('out', { id: 'v', type: 'text', text: 'Searching', status: 'in_progress' })
  await Promise.all(told)
  await session.part('out', { id: 'v', type: 'text', text: 'Found 3', status: 'completed' })
  await Promise.all(told)
  const done = await session.update('out', { status: 'completed' })
  await Promise.all(told)

  expect(heard.filter((type) => type !== 'session.updated')).toEqual([
    'message.created',
    'part.updated',
    'part.updated',
    'message.updated',
  ])
  expect(stored).toEqual([
    ['session.updated', 0, 'in_progress'],
    ['session.updated', 1, 'in_progress'],
    ['session.updated', 1, 'in_progress'],
    ['session.updated', 1, 'completed'],
  ])
  expect(done.parts).toEqual([{ id: 'v', type: 'text', text: 'Found 3', status: 'completed' }])
})

test('OutputMessage growing token by token: each token is told at once, and stored as a whole', async () => {
  const store = await freshStore()
  const session = await store.create({ id: 's-1' })
  await session.add({ id: 'in', text: 'Find the goals' })
  const heard: string[] = []
  store.on('part.delta', ({ messageId, delta }) => heard.push(`${messageId} ${delta}`))
  const output = await session.stream({ id: 'out', audience: 'user' })
  const reload = (await (await elsewhere(store)).get('s-1'))!
  const followed = (async () => {
    let text = ''
    for await (const piece of reload.follow('out')) text += piece
    return text
  })()
  for (const token of ['Found ', '3 ', 'goals']) {
    output.text(token)
    expect(heard.at(-1)).toBe(`out ${token}`)
    expect(texts((await session.message('out'))!).join('')).toBe(texts(output.message).join(''))
  }
  output.part({ type: 'data', name: 'videos', data: [1, 2, 3] })
  await output.end({ metadata: { agents: ['search'] } })
  expect(await followed).toBe('Found 3 goals')
  const out = await (await (await elsewhere(store)).get('s-1'))!.message('out')
  expect([out?.status, out?.parts.map(({ type }) => type)]).toEqual(['completed', ['text', 'data']])
})

test('MsgStatus: progress, success, error, not_generated, overlimit, sessionlimit: each has its status', async () => {
  const store = await freshStore()
  const session = await store.create()
  await session.add({ text: 'q' })
  const { id } = await session.add({ role: 'assistant', status: 'in_progress', text: 'working' })
  expect([session.info.status, (await session.turns()).at(-1)?.status]).toEqual(['running', 'in_progress'])
  await session.update(id, { status: 'completed' })
  expect([session.info.status, (await session.turns()).at(-1)?.status]).toEqual(['idle', 'completed'])
  for (const code of ['error', 'not_generated', 'overlimit', 'sessionlimit']) {
    const failed = await session.update(id, { status: 'failed', error: { code, message: `it was ${code}` } })
    expect([failed.status, failed.error]).toEqual(['failed', { code, message: `it was ${code}` }])
    expect([session.info.status, (await session.turns()).at(-1)?.status]).toEqual(['failed', 'failed'])
  }
  const back = await session.update(id, { status: 'completed', error: null })
  expect(Object.hasOwn(back, 'error')).toBe(false)
})

test('msg_type input and output: the role tells them apart', async () => {
  const session = await (await freshStore()).create()
  await session.add([{ text: 'in' }, { role: 'assistant', text: 'out' }, { text: 'in 2' }])
  const messages = await session.messages()
  expect(messages.map(({ role }) => (role === 'user' ? 'input' : 'output'))).toEqual(['input', 'output', 'input'])
})

test('actions[], agents[]: they grow while the agents run', async () => {
  const store = await freshStore()
  const session = await store.create({ id: 's-1' })
  await session.add({ text: 'q' })
  const { id } = await session.add({ role: 'assistant', status: 'in_progress', parts: [] })
  const actions: string[] = []
  const agents: string[] = []
  for (const agent of ['upload', 'search']) {
    actions.push(`Running @${agent} agent`)
    agents.push(agent)
    await session.update(id, { metadata: { actions, agents } })
    await session.part(id, { type: 'text', text: `${agent} done`, author: agent })
  }
  const there = await (await (await elsewhere(store)).get('s-1'))!.message(id)
  expect(there?.metadata).toEqual({
    actions: ['Running @upload agent', 'Running @search agent'],
    agents: ['upload', 'search'],
  })
  expect(there?.parts.map(({ author }) => author)).toEqual(['upload', 'search'])
})

test('content.status, status_message, agent_name: a part has its own status', async () => {
  const session = await (await freshStore()).create()
  const part: PartInput = {
    id: 'c',
    type: 'text',
    text: '',
    status: 'in_progress',
    statusMessage: 'Indexing…',
    author: 'indexer',
  }
  const { id } = await session.add({
    role: 'assistant',
    status: 'in_progress',
    parts: [part, { type: 'text', text: 'x' }],
  })
  await session.part(id, { ...part, status: 'failed', statusMessage: 'No video' })
  const message = await session.message(id)
  expect(message?.status).toBe('in_progress')
  expect(message?.parts).toEqual([
    { id: 'c', type: 'text', text: '', status: 'failed', statusMessage: 'No video', author: 'indexer' },
    { id: 'p2', type: 'text', text: 'x' },
  ])
})

test('TextContent, ImageContent, VideoContent: nothing of their fields is lost', async () => {
  const store = await freshStore()
  const session = await store.create({ id: 's-1' })
  const parts: Part[] = [
    { id: 't', type: 'text', text: 'Here it is' },
    {
      id: 'i',
      type: 'file',
      mediaType: 'image/png',
      name: 'Cover',
      url: 'https://example.org/cover.png',
      metadata: { id: 'img-1', collectionId: 'c-1', description: 'a cover' },
    },
    {
      id: 'v',
      type: 'file',
      mediaType: 'video/mp4',
      name: 'Goals',
      url: 'https://example.org/v.m3u8',
      metadata: {
        playerUrl: 'https://example.org/p',
        thumbnailUrl: 'https://example.org/t',
        length: 12.5,
        error: null,
      },
    },
  ]
  await session.add({ id: 'out', role: 'assistant', parts })
  const there = await (await (await elsewhere(store)).get('s-1'))!.message('out')
  expect(there?.parts).toEqual(parts)
})

test('VideosContent(ui_config), SearchResultsContent: the data comes back as it was', async () => {
  const store = await freshStore()
  const session = await store.create({ id: 's-1' })
  const videos = {
    videos: [
      { id: 'v-1', length: 3 },
      { id: 'v-2', length: 4.5 },
    ],
    uiConfig: { columns: 4 },
  }
  const results = [{ videoId: 'v-1', duration: 9, shots: [{ searchScore: 0.75, start: 1, end: 2, text: 'ü' }] }]
  await session.add({
    id: 'out',
    role: 'assistant',
    parts: [
      { type: 'data', name: 'videos', data: videos },
      { type: 'data', name: 'search_results', data: results },
    ],
  })
  const there = await (await (await elsewhere(store)).get('s-1'))!.message('out')
  expect(there?.parts.map((part) => (part.type === 'data' ? [part.name, part.data] : []))).toEqual([
    ['videos', videos],
    ['search_results', results],
  ])
})

test('remove_summary_content(): the part goes, and comes back at the end', async () => {
  const session = await (await freshStore()).create()
  const summary: PartInput = { id: 'summary', type: 'text', text: 'So far', author: 'assistant' }
  const { id } = await session.add({ role: 'assistant', status: 'in_progress', parts: [summary] })
  expect((await session.removePart(id, 'summary')).parts).toEqual([])
  await session.part(id, { id: 'video', type: 'file', mediaType: 'video/mp4', url: 'https://example.org/v' })
  await session.part(id, { ...summary, text: 'All done' })
  const message = await session.message(id)
  expect(ids(message?.parts ?? [])).toEqual(['video', 'summary'])
  expect(texts(message!)).toEqual(['All done'])
})

/** A turn as Director makes it: one input for both, a history for the model, and an output for the user. */
async function runTurn(session: Session): Promise<void> {
  await session.add({ id: 'sys', role: 'system', text: 'You are the director', audience: 'model' })
  await session.add({ id: 'in', role: 'user', text: 'Dub it' })
  await session.add({ id: 'out', role: 'assistant', status: 'in_progress', parts: [], audience: 'user' })
  const call = { type: 'tool-call', callId: 'c1', name: 'dubbing', input: { language: 'hi' } } as const
  await session.add({ id: 'call', role: 'assistant', parts: [call], audience: 'model' })
  await session.part('out', { id: 'p', type: 'text', text: 'Dubbing', status: 'in_progress', author: 'dubbing' })
  const result = { type: 'tool-result', callId: 'c1', name: 'dubbing', output: { ok: true } } as const
  await session.add({ id: 'result', role: 'tool', parts: [result], audience: 'model' })
}

test('reasoning_context, ContextMessage(tool_calls, tool): the model sees them, the user does not', async () => {
  const session = await (await freshStore()).create()
  await runTurn(session)
  await session.update('out', { status: 'completed' })
  expect(ids(await session.messages({ audience: 'user' }))).toEqual(['in', 'out'])
  expect(ids(await session.context())).toEqual(['sys', 'in', 'call', 'result'])
  const [, , call, result] = await session.context()
  expect(call?.parts).toEqual([
    { id: 'p1', type: 'tool-call', callId: 'c1', name: 'dubbing', input: { language: 'hi' } },
  ])
  expect(result?.parts).toEqual([
    { id: 'p1', type: 'tool-result', callId: 'c1', name: 'dubbing', output: { ok: true } },
  ])
})

test("to_llm_msg(), from_json(): the model's messages come back as they were", async () => {
  const store = await freshStore()
  const session = await store.create()
  const messages = [
    { role: 'system', content: 'You are an editor' },
    { role: 'user', content: 'Cut the intro' },
    { role: 'assistant', content: 'Done' },
  ]
  await session.add(fromOpenAIChat(messages))
  expect(toOpenAIChat(await session.context())).toEqual(messages)
})

test('save_context_messages(), which replaces all: the context starts anew and the history stays', async () => {
  const session = await (await freshStore()).create()
  await runTurn(session)
  await session.update('out', { status: 'completed' })
  const before = await session.messages()
  const anew = { type: 'compaction', text: 'The video was dubbed into Hindi.', keep: ['sys'] } as const
  await session.add({ id: 'anew', role: 'assistant', parts: [anew], audience: 'model' })
  await session.add({ id: 'in-2', role: 'user', text: 'And subtitles' })
  const context = await session.context()
  expect(context.map(({ id, role }) => [id, role])).toEqual([
    ['sys', 'system'],
    ['anew', 'user'],
    ['in-2', 'user'],
  ])
  expect(context.flatMap(texts)).toEqual(['You are the director', 'The video was dubbed into Hindi.', 'And subtitles'])
  expect((await session.messages()).slice(0, before.length)).toEqual(before)
  expect(ids(await session.messages({ audience: 'user' }))).toEqual(['in', 'out', 'in-2'])
})

test('get_context_messages(): also in the middle of a turn', async () => {
  const store = await freshStore()
  const session = await store.create({ id: 's-1' })
  await runTurn(session)
  const there = (await (await elsewhere(store)).get('s-1'))!
  expect(there.info.status).toBe('running')
  expect(ids(await there.context())).toEqual(['sys', 'in', 'call', 'result'])
  expect(await there.context()).toEqual(await session.context())
})

test("the editing agent's reasoning_context[:-1] + [prompt]: the fork goes its own way", async () => {
  const store = await freshStore()
  const session = await store.create({ id: 's-1', title: 'Main' })
  const question = await session.add({ id: 'q', text: 'Make a trailer' })
  const at = session.info.lastEventId
  await session.add({ id: 'a', role: 'assistant', text: 'Which style?' })

  const fork = await store.fork('s-1', { at, id: 's-1-edit', title: 'Edit' })
  await fork.add({ id: 'p', role: 'user', text: 'Write the edit list' })
  expect(ids(await fork.context())).toEqual(['q', 'p'])
  expect(ids(await session.context())).toEqual(['q', 'a'])
  expect(fork.info.parent).toEqual({ sessionId: 's-1', messageId: 'q' })
  expect([fork.info.title, session.info.title]).toEqual(['Edit', 'Main'])
  expect((await fork.message('q'))?.parts).toEqual(question.parts)
  expect(ids((await session.context()).slice(0, -1))).toEqual(['q'])
})

test('Session.state: what is in vars survives', async () => {
  const store = await freshStore()
  const session = await store.create({ id: 's-1' })
  await session.set({ vars: { video: { id: 'v-1' }, step: 1 } })
  await session.set({ vars: { step: 2, collection: 'c-1' } })
  const there = await (await elsewhere(store)).get('s-1')
  expect(there?.info.vars).toEqual({ video: { id: 'v-1' }, step: 2, collection: 'c-1' })
})

test('emit_event(update_data) for collections and videos: it is told and never stored', async () => {
  const store = await freshStore()
  const session = await store.create({ id: 's-1' })
  const { lastEventId } = session.info
  const heard = listen(store)
  store.notice('update_data', { update: 'videos', collectionId: 'c-1' }, 's-1')
  expect(heard).toEqual([
    {
      type: 'notice',
      root: store.root,
      namespace: 'default',
      name: 'update_data',
      data: { update: 'videos', collectionId: 'c-1' },
      sessionId: 's-1',
    },
  ])
  await session.messages()
  expect(session.info.lastEventId).toBe(lastEventId)
})

test("the socket's chat and event, reconnecting: what was missed comes first, then what happens", async () => {
  const store = await freshStore()
  const session = await store.create({ id: 's-1' })
  await session.add({ id: 'm-1', text: 'one' })
  const seen: TailEvent[] = []
  for await (const event of session.events()) seen.push(event)
  await session.add([
    { id: 'm-2', role: 'assistant', text: 'two' },
    { id: 'm-3', text: 'three' },
  ])

  const there = (await (await elsewhere(store)).get('s-1'))!
  const leave = new AbortController()
  const got: unknown[] = []
  for await (const { type, data } of there.tail({ after: seen.at(-1)!.cursor, signal: leave.signal })) {
    got.push([type, (data as { id: string }).id])
    if (got.length === 2) await session.add({ id: 'm-4', role: 'assistant', text: 'four' })
    if (got.length === 3) leave.abort()
  }
  expect(got).toEqual([
    ['message.created', 'm-2'],
    ['message.created', 'm-3'],
    ['message.created', 'm-4'],
  ])
})

test('health_check(), initialize_sqlite(): there is nothing to initialize', async () => {
  const folder = freshFolder()
  const store = await open(join(folder, 'not', 'yet', 'there'))
  expect((await store.health()).ok).toBe(true)
  expect(filesIn(folder)).toEqual([])
  expect((await store.list()).items).toEqual([])
  await store.create({ id: 's-1' })
  expect(filesIn(folder)).toContain('not/yet/there/default/s-1.jsonl')

  writeFileSync(join(folder, 'a-file'), 'in the way')
  const broken = await (await open(join(folder, 'a-file', 'root'))).health()
  expect(broken.ok).toBe(false)
  expect(broken.problem?.name).toBe('FoldlogError')
})

/** What a small conversation over a backend comes to, without what the clock decides. */
async function converse(backend: Backend): Promise<object> {
  const store = await open(backend)
  const session = await store.create({ id: 's-1', title: 'Same' })
  await session.add({ id: 'in', turnId: 'conv-1', text: 'q' })
  await session.add({ id: 'out', role: 'assistant', text: 'a', usage: { totalTokens: 3 } })
  await session.part('out', { id: 'p1', type: 'text', text: 'a, edited' })
  const messages = (await session.messages()).map((message) => ({ ...message, time: 0 }))
  const info = { ...session.info, time: 0, lastEventId: '' }
  expect(ids((await store.list()).items)).toEqual(['s-1'])
  expect(await store.delete('s-1')).toBe(true)
  await expect(session.messages()).rejects.toMatchObject({ code: 'NOT_FOUND' })
  return { info, messages }
}

test('BaseDB with SQLite and Postgres: two backends, one conversation', async () => {
  const inMemory = await converse(memoryBackend())
  expect(await converse(fileBackend(freshFolder()))).toEqual(inMemory)
  expect(inMemory).toMatchObject({
    info: { title: 'Same', messageCount: 2, usage: { totalTokens: 3 }, head: 'out' },
    messages: [
      { id: 'in', turnId: 'conv-1' },
      { id: 'out', turnId: 'conv-1', parts: [{ id: 'p1', text: 'a, edited' }] },
    ],
  })
})

test('a read-only page to share (PR 181): one page that runs nothing foreign', async () => {
  const store = await freshStore()
  const session = await store.create({ title: 'Refund' })
  await session.add({ text: 'Where is <script>my</script> refund?' })
  let page = ''
  for await (const piece of exportHtml(session)) page += piece
  expect(page).toContain('Where is &lt;script&gt;my&lt;/script&gt; refund?')
  expect(page).toContain("default-src 'none'")
})

test('rename, auto-title, is_public, the create endpoint (PR 181): the listing shows them', async () => {
  const store = await freshStore()
  const session = await store.create({ id: 's-1', title: 'New chat' })
  await session.set({ title: 'A trailer for the match', metadata: { public: true } })
  const [info] = (await (await elsewhere(store)).list()).items
  expect([info?.title, info?.metadata]).toEqual(['A trailer for the match', { public: true }])
  const shared = await store.list({ where: ({ metadata }) => metadata['public'] === true })
  expect(ids(shared.items)).toEqual(['s-1'])
  await session.set({ metadata: { public: null } })
  expect((await store.list({ where: ({ metadata }) => metadata['public'] === true })).items).toEqual([])
})

test('D1 an upsert keeps the position, the created time and the metadata of a message', async () => {
  const session = await (await freshStore()).create()
  const before = await session.add({ id: 'm-1', text: 'one', metadata: { db: 'x' } })
  await session.add({ id: 'm-2', role: 'assistant', text: 'two' })
  await laterMillisecond()
  const after = await session.add({ id: 'm-1', text: 'one, again' })
  expect(ids(await session.messages())).toEqual(['m-1', 'm-2'])
  expect(after.time.created).toBe(before.time.created)
  expect(after.time.updated).toBeGreaterThan(before.time.updated)
  expect(after.metadata).toEqual({ db: 'x' })
  expect(texts(after)).toEqual(['one, again'])
})

test('D2 the same message id in two sessions is two messages', async () => {
  const store = await freshStore()
  const [one, two] = [await store.create({ id: 's-1' }), await store.create({ id: 's-2' })]
  await one.add({ id: 'm', text: 'in one' })
  await two.add({ id: 'm', text: 'in two' })
  await one.remove('m')
  expect(await one.messages()).toEqual([])
  expect((await two.messages()).flatMap(texts)).toEqual(['in two'])
})

test('D3 session.updated comes with every message, and the list is ordered by activity', async () => {
  const store = await freshStore()
  const sessions = new Map<string, Session>()
  for (const id of ['a', 'b', 'c']) sessions.set(id, await store.create({ id }))
  const updates: [string, number][] = []
  store.on('session.updated', ({ info }) => updates.push([info.id, info.time.updated]))
  for (const id of ['b', 'c', 'a', 'b']) {
    await laterMillisecond()
    await sessions.get(id)!.add({ text: 'hi' })
  }
  expect(updates.map(([id]) => id)).toEqual(['b', 'c', 'a', 'b'])
  const times = updates.map(([, time]) => time)
  expect(times).toEqual([...new Set(times)].sort((x, y) => x - y))
  const { items } = await store.list()
  expect(ids(items)).toEqual(['b', 'a', 'c'])
  expect(items.map(({ time }) => time.updated)).toEqual([times[3], times[2], times[1]])
})

test('D4 getting an unknown session gives undefined, so that it can become a 404', async () => {
  const store = await freshStore()
  expect(await store.get('nobody')).toBeUndefined()
  await store.create({ id: 'somebody' })
  expect(await store.get('nobody')).toBeUndefined()
  expect((await store.get('somebody'))?.id).toBe('somebody')
})

test('D5 a crash in mid-turn leaves the partial output and the context of the model', async () => {
  const root = freshFolder()
  const ended = await runChild(
    `
    const store = await foldlog.openStore(args[0])
    const session = await store.create({ id: 's-1' })
    await session.add({ id: 'in', text: 'Dub it' })
    const out = await session.stream({ id: 'out', audience: 'user' })
    await session.add({ id: 'call', role: 'assistant', audience: 'model',
      parts: [{ type: 'tool-call', callId: 'c1', name: 'dubbing', input: {} }] })
    out.text('Dubbing, ')
    out.text('40 %')
    const { readdirSync, readFileSync } = await import('node:fs')
    const folder = args[0] + '/default/.live/'
    while (!readdirSync(folder).some((name) => readFileSync(folder + name, 'utf8').includes('40 %'))) await new Promise(setImmediate)
    process.kill(process.pid, 'SIGKILL')
    await new Promise(() => setInterval(() => {}, 1000))
    `,
    root,
  )
  expect(ended).toEqual({ code: null, signal: 'SIGKILL', stderr: '' })
  const session = (await (await open(root)).get('s-1'))!
  const output = await session.message('out')
  expect([output?.status, output === undefined ? [] : texts(output)]).toEqual(['incomplete', ['Dubbing, 40 %']])
  const context = await session.context()
  expect(context.map(({ role }) => role)).toEqual(['user', 'assistant', 'tool'])
  expect(ids(context).slice(0, 2)).toEqual(['in', 'call'])
  expect(context[2]?.parts[0]).toMatchObject({ type: 'tool-result', callId: 'c1', error: { code: 'NO_RESULT' } })
  // Going on needs nothing but going on, and writes down what was left.
  await session.send({ id: 'in-2', text: 'Again, please' }, { respond: () => 'Dubbed' })
  const there = (await (await open(root, { bus: new Bus() })).get('s-1'))!
  expect((await there.turns()).map(({ status }) => status)).toEqual(['completed', 'completed'])
  expect((await there.message('out'))?.status).toBe('incomplete')
})

test('D6 reconnecting with events({ after }) gives exactly what was missed', async () => {
  const store = await freshStore()
  const session = await store.create({ id: 's-1' })
  await session.add({ id: 'm-1', text: 'one' })
  let cursor = ''
  for await (const event of session.events()) ({ cursor } = event)
  const { lastEventId } = session.info
  const missed: string[] = []
  store.on('*', (event) => 'event' in event && event.type !== 'session.updated' && missed.push(event.event.id))
  await session.add({ id: 'm-2', role: 'assistant', status: 'in_progress', parts: [] })
  await session.part('m-2', { id: 'p', type: 'text', text: 'two' })
  await session.update('m-2', { status: 'completed' })
  await session.add([
    { id: 'm-3', text: 'three' },
    { id: 'm-4', role: 'assistant', text: 'four' },
  ])

  const there = (await (await elsewhere(store)).get('s-1'))!
  const after = async (from: string): Promise<string[]> => {
    const got: string[] = []
    for await (const { id } of there.events({ after: from })) got.push(id)
    return got
  }
  expect(missed).toHaveLength(5)
  expect(await after(cursor)).toEqual(missed)
  expect(await after(lastEventId)).toEqual(missed)
  expect(await after(session.info.lastEventId)).toEqual([])
})
