/** Importing ChatGPT exports, OpenAI Chat and ShareGPT: made-up files, each of which holds what real ones do. */
import { cp, mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from 'vitest'
import {
  importChatGPT,
  importOpenAIChat,
  importSessions,
  importShareGPT,
  type FileReport,
} from '../../src/importers/index.ts'
import { memoryBackend, openStore, type Message, type Session, type Store } from '../../src/index.ts'
import { bytesBelow, eventsOf, foldsTheSameShuffled, isClean } from './imported.ts'

const FIXTURES = resolve(import.meta.dirname, '../../fixtures/import')

let folder: string
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'foldlog-chats-'))
})
afterAll(async () => {
  await rm(folder, { recursive: true, force: true })
})

interface Imported {
  readonly file: FileReport
  readonly sessions: readonly Session[]
  readonly store: Store
}

/** Imports one file and checks what holds for every session. */
async function imported(path: string): Promise<Imported> {
  const store = await openStore(memoryBackend())
  const { files, unknown } = await importSessions(store, path)
  expect(unknown).toEqual([])
  const file = files[0]!
  const sessions = await Promise.all(file.sessions.map(async ({ sessionId }) => (await store.get(sessionId))!))
  for (const session of sessions) {
    await isClean(session)
    await foldsTheSameShuffled(session)
  }
  return { file, sessions, store }
}

let count = 0
async function importedFrom(value: unknown, name = 'file.json'): Promise<Imported> {
  const path = join(folder, `${++count}-${name}`)
  await writeFile(path, typeof value === 'string' ? value : JSON.stringify(value))
  return imported(path)
}

function said(messages: readonly Message[]): readonly string[] {
  return messages.map(({ role, parts }) => {
    const texts = parts.map((part) => (part.type === 'text' || part.type === 'reasoning' ? part.text : part.type))
    return `${role}: ${texts.join(' | ')}`
  })
}

async function recordOf(session: Session, type: string): Promise<unknown> {
  return (await eventsOf(session)).find((event) => event.type === type)?.data
}

describe('chatgpt', () => {
  test('a conversation is its tree, with calls, hidden messages, pictures and the current answer', async () => {
    const { file, sessions } = await imported(join(FIXTURES, 'chatgpt/conversations.json'))
    expect(file.format).toBe('chatgpt')
    const [session] = sessions
    const path = await session!.messages()
    expect(said(path)).toEqual([
      'system: ',
      'user: file | When is high water at this harbour? | file',
      'assistant: The second column has the times.',
      'assistant: tool-call',
      'tool: tool-result',
      'assistant: High water is at 00:31 and 12:58.',
    ])
    const [system, question, thoughts, call, result, answer] = path
    expect(system).toMatchObject({ audience: 'model', metadata: { chatgpt: { weight: 0 } } })
    expect(question!.parts).toMatchObject([
      { mediaType: 'image/*', url: 'sediment://file_0000harbour', sizeBytes: 20480, width: 640, height: 480 },
      { type: 'text' },
      { mediaType: 'text/csv', name: 'tables.csv', url: 'file-service://file-tables', sizeBytes: 812 },
    ])
    expect(thoughts!.parts).toMatchObject([{ providerMetadata: { chatgpt: { summary: 'Reading the table' } } }])
    expect(call!.parts).toMatchObject([{ callId: 'n-call', name: 'python', input: { path: 'tables.csv', rows: 2 } }])
    expect(result!.parts).toMatchObject([{ callId: 'n-call', name: 'python', output: '00:31\n12:58' }])
    expect(answer).toMatchObject({
      model: 'gpt-5-thinking',
      provider: 'openai',
      finishReason: 'stop',
      source: { format: 'chatgpt', id: 'n-answer' },
      metadata: { chatgpt: { channel: 'final', citations: [{ start_ix: 17, end_ix: 22 }] } },
    })
    expect(answer!.time.created).toBe(1751360424000)
    const [guess] = (await session!.siblings(thoughts!.id)).filter(({ id }) => id !== thoughts!.id)
    expect(guess).toMatchObject({ status: 'incomplete', statusMessage: 'in_progress', finishReason: 'interrupted' })
    expect(session!.info).toMatchObject({
      title: 'Tide tables',
      model: 'gpt-5-thinking',
      head: answer!.id,
      branchCount: 2,
      source: { format: 'chatgpt', id: '4c1b6a0e-0000-4000-8000-00000000a001' },
      metadata: { chatgpt: { is_archived: true } },
    })
    expect(session!.info.time.archived).toBeDefined()
  })

  test('files that lie in the export are stored, and whoever has none of them has the same lines', async () => {
    const [bare, full] = [join(folder, 'bare'), join(folder, 'full')]
    for (const place of [bare, full]) await cp(join(FIXTURES, 'chatgpt'), place, { recursive: true })
    await mkdir(join(full, 'user-Ab12'))
    await writeFile(join(full, 'user-Ab12', 'file_0000harbour-sanitized.png'), 'a picture')
    await writeFile(join(full, 'file-tables-tables.csv'), 'time\n00:31\n')
    await writeFile(join(full, 'file-of-nobody.png'), 'another')
    await using one = await openStore(join(folder, 'bare-root'), { fsync: 'never' })
    await using two = await openStore(join(folder, 'full-root'), { fsync: 'never' })
    const [without] = (await importChatGPT(one, join(bare, 'conversations.json'))).files
    const [found] = (await importChatGPT(two, join(full, 'conversations.json'))).files
    expect(without!.droppedFields).toMatchObject({ asset_pointer: { records: 2 } })
    expect(found!.droppedFields).not.toHaveProperty('asset_pointer')
    const sessionId = found!.sessions[0]!.sessionId
    const [session, other] = [(await two.get(sessionId))!, (await one.get(sessionId))!]
    const [, question] = await session.messages()
    expect(question!.parts).toMatchObject([
      {
        mediaType: 'image/png',
        url: 'sediment://file_0000harbour',
        file: expect.stringMatching(/^sha256-/),
        width: 640,
      },
      { type: 'text' },
      { mediaType: 'text/csv', name: 'tables.csv', file: expect.stringMatching(/^sha256-/), sizeBytes: 11 },
    ])
    expect(await eventsOf(session)).toEqual(expect.arrayContaining(await eventsOf(other)))
    expect((await importChatGPT(two, join(full, 'conversations.json'))).totals.added).toBe(0)
  })

  test('what is not imported is told', async () => {
    const { file } = await imported(join(FIXTURES, 'chatgpt/conversations.json'))
    expect(file.recordsByType).toEqual({ '(none)': 1, assistant: 4, conversation: 2, system: 1, tool: 1, user: 1 })
    expect(file.dropped).toMatchObject({ conversation: { records: 1 }, '(none)': { records: 1 } })
    expect(file.droppedFields).toMatchObject({
      asset_pointer: { records: 2 },
      'metadata.pad': { records: 1 },
      'metadata.request_id': { records: 1 },
    })
    expect(file.links).toEqual({ nodes: 8, roots: 1, dangling: 0, leaves: 2, branchPoints: 1 })
  })

  test('the exact times are kept, and a message without one has that of the first', async () => {
    const { sessions } = await imported(join(FIXTURES, 'chatgpt/conversations.json'))
    const created = (await eventsOf(sessions[0]!)).filter(({ type }) => type === 'message.created')
    expect(created.map(({ time }) => time).sort()).toEqual([
      '2025-07-01T09:00:01.500Z',
      '2025-07-01T09:00:01.500Z',
      '2025-07-01T09:00:05.000Z',
      '2025-07-01T09:00:20.000Z',
      '2025-07-01T09:00:21.000Z',
      '2025-07-01T09:00:23.000Z',
      '2025-07-01T09:00:24.000Z',
    ])
  })

  const node = (key: string, parent: string | null, children: readonly string[], role = 'user'): object => ({
    id: key,
    parent,
    children,
    message: { id: key, author: { role }, create_time: 1751360400, content: { content_type: 'text', parts: [key] } },
  })

  test('a broken tree still gives every message a place', async () => {
    const mapping = {
      lost: node('lost', 'nowhere', ['below']),
      below: node('below', 'lost', [], 'assistant'),
      a: node('a', 'b', ['b']),
      b: node('b', 'a', ['a']),
      none: 'no node',
      nobody: { id: 'nobody', parent: null, children: [], message: { id: 'nobody', content: 7 } },
    }
    const { file, sessions } = await importedFrom({ id: 'x', title: 'Broken', mapping, current_node: 'gone' })
    const all = await sessions[0]!.messages({ all: true })
    expect(said(all).toSorted()).toEqual(['assistant: below', 'system: ', 'user: a', 'user: b', 'user: lost'])
    expect(all.find(({ source }) => source!.id === 'lost')!.metadata).toEqual({ originalParent: 'nowhere' })
    expect(file.links).toMatchObject({ nodes: 6, dangling: 1 })
  })

  test('siblings come in the order of the source, not of their times', async () => {
    const late = { ...node('first', 'q', [], 'assistant') } as { message: { create_time: number } }
    late.message.create_time += 60
    const mapping = {
      q: node('q', null, ['first', 'second']),
      second: node('second', 'q', [], 'assistant'),
      first: late,
    }
    const { sessions } = await importedFrom([{ id: 'x', mapping, current_node: 'first' }])
    const [question, answer] = await sessions[0]!.messages()
    expect(said([question!, answer!])).toEqual(['user: q', 'assistant: first'])
    expect(said(await sessions[0]!.siblings(answer!.id))).toEqual(['assistant: first', 'assistant: second'])
  })

  test('content of every kind is kept', async () => {
    const contents = [
      { content_type: 'reasoning_recap', content: 'Thought for 9s' },
      { content_type: 'user_editable_context', user_profile: 'A sailor.', user_instructions: 'Be brief.' },
      {
        content_type: 'multimodal_text',
        parts: [{ content_type: 'audio_transcription', text: 'Hello', direction: 'in' }],
      },
      { content_type: 'multimodal_text', parts: [{ content_type: 'hologram', depth: 3 }, null, 7] },
      { content_type: 'code', language: 'python', text: 'print(1)' },
      { content_type: 'tether_quote', url: 'https://example.com', text: 'quoted' },
      { content_type: 'new_kind', value: 1 },
    ]
    const mapping = Object.fromEntries(
      contents.map((content, n) => [
        `n${n}`,
        {
          id: `n${n}`,
          parent: n === 0 ? null : `n${n - 1}`,
          children: [],
          message: { author: { role: 'assistant' }, content },
        },
      ]),
    )
    const { sessions } = await importedFrom([{ conversation_id: 'x', mapping, current_node: 'n6' }])
    const parts = (await sessions[0]!.messages()).map((message) => message.parts)
    expect(parts).toMatchObject([
      [{ type: 'reasoning', text: 'Thought for 9s' }],
      [{ text: 'A sailor.' }, { text: 'Be brief.' }],
      [{ text: 'Hello', providerMetadata: { chatgpt: { direction: 'in' } } }],
      [
        { name: 'chatgpt.content', data: { depth: 3 } },
        { name: 'chatgpt.content', data: 7 },
      ],
      [{ type: 'text', text: 'print(1)' }],
      [{ name: 'chatgpt.content', data: { url: 'https://example.com' } }],
      [{ name: 'chatgpt.content', data: { value: 1 } }],
    ])
  })

  test('a later export only adds to the session of an earlier one', async () => {
    await using store = await openStore(memoryBackend())
    const one = { id: 'x', create_time: 1751360400, mapping: { q: node('q', null, []) }, current_node: 'q' }
    const mapping = { q: node('q', null, ['a']), a: node('a', 'q', [], 'assistant') }
    const [path, later] = [join(folder, 'one.json'), join(folder, 'later.json')]
    await writeFile(path, JSON.stringify([one]))
    await writeFile(later, JSON.stringify([{ ...one, mapping, current_node: 'a', update_time: 1751360500 }]))
    const first = await importChatGPT(store, path)
    const second = await importChatGPT(store, later)
    expect(second.files[0]!.sessions[0]!.sessionId).toBe(first.files[0]!.sessions[0]!.sessionId)
    const session = (await store.get(second.files[0]!.sessions[0]!.sessionId))!
    expect(said(await session.messages())).toEqual(['user: q', 'assistant: a'])
    expect(second.totals).toMatchObject({ added: 2, known: 2 })
  })

  test('damage costs one conversation, and is told with its place', async () => {
    const conversation = (id: string): string =>
      JSON.stringify({ title: id, mapping: { q: node('q', null, []) }, current_node: 'q', id })
    const torn = conversation('two').slice(0, -20)
    const { file, sessions } = await importedFrom(`[${conversation('one')},\n${torn},\n${conversation('three')}]`)
    expect(sessions.map(({ info }) => info.title)).toEqual(['one', 'three'])
    expect(file.unreadable).toMatchObject([{ element: 2, line: 2, reason: 'not-json' }])
    expect(file.lines).toMatchObject({ malformed: 1 })
  })
})

describe('openai-chat', () => {
  test.each([
    ['a response that is a text', { response: 'Hello.' }],
    ['a request that is a text', { request: 'Hi' }],
    ['messages of another request', { request: { messages: [{ role: 'user', content: 'Bye' }] } }],
    ['messages and choices that are no lists', { response: { messages: { a: 1 }, choices: 3 } }],
  ])('%s is kept beside the messages', async (name, beside) => {
    const path = join(folder, `${name}.jsonl`)
    await writeFile(path, JSON.stringify({ messages: [{ role: 'user', content: 'Hi' }], ...beside }))
    const { sessions } = await imported(path)
    expect(said(await sessions[0]!.messages())).toEqual(['user: Hi'])
    expect(await recordOf(sessions[0]!, 'openai-chat.record')).toEqual(beside)
  })

  test('what is left of choices is told', async () => {
    const path = join(folder, 'choices.jsonl')
    const choice = { index: 0, message: { role: 'assistant', content: 'Hello.' }, logprobs: { content: [1] } }
    const choices = [{ index: 1, text: 'Hello.' }, choice, 'Hello.']
    await writeFile(path, JSON.stringify({ messages: [{ role: 'user', content: 'Hi' }], choices }))
    const { file, sessions } = await imported(path)
    expect(said(await sessions[0]!.messages())).toEqual(['user: Hi', 'assistant: Hello.'])
    expect(file.dropped).toMatchObject({ choice: { records: 2 } })
    expect(file.droppedFields).toMatchObject({ 'choices.logprobs': { records: 1 } })
  })

  test.each(['2025-06-01T10:00:00.123456', '2025-06-01 10:00:00'])(
    '%s is the same time in every zone',
    async (time) => {
      const path = join(folder, `${time.length}.jsonl`)
      await writeFile(path, JSON.stringify({ messages: [{ role: 'user', content: 'Hi' }], created_at: time }))
      const zone = process.env['TZ']
      onTestFinished(() => {
        if (zone === undefined) delete process.env['TZ']
        else process.env['TZ'] = zone
      })
      const ids: (string | undefined)[] = []
      for (const each of ['Asia/Tokyo', 'America/New_York']) {
        process.env['TZ'] = each
        ids.push((await imported(path)).sessions[0]!.id)
      }
      expect(ids[0]).toBe(ids[1])
    },
  )

  test('each line is a conversation, and what stands beside the messages is an event', async () => {
    const { file, sessions } = await imported(join(FIXTURES, 'openai-chat/conversations.jsonl'))
    expect(file).toMatchObject({ format: 'openai-chat', lines: { physical: 2, records: 2 } })
    const [rooms, picture] = sessions
    expect(said(await rooms!.messages())).toEqual([
      'system: You book rooms.',
      'user: A room for six, please.',
      'assistant: tool-call',
      'tool: tool-result',
      'assistant: Room 4 is free.',
    ])
    expect(await recordOf(rooms!, 'openai-chat.record')).toEqual({ task: 'rooms-1', reward: 1 })
    expect(said(await picture!.messages())).toEqual([
      'user: What is on this picture? | file',
      'assistant: One pixel. | A single pixel.',
    ])
    expect(await recordOf(picture!, 'openai-chat.record')).toBeUndefined()
  })

  test('pictures go to files, and times are the same for everybody', async () => {
    const root = join(folder, 'files')
    await using store = await openStore(root, { fsync: 'never' })
    const path = join(FIXTURES, 'openai-chat/conversations.jsonl')
    const { files } = await importOpenAIChat(store, path)
    const session = (await store.get(files[0]!.sessions[1]!.sessionId))!
    const [question] = await session.messages()
    expect(question!.parts[1]).toMatchObject({
      type: 'file',
      mediaType: 'image/png',
      file: expect.stringMatching(/^sha256-/),
    })
    expect(question!.parts[1]).not.toHaveProperty('data')
    expect(session.info.time.created).toBeLessThan(1000)
    const before = await bytesBelow(root)
    expect((await importOpenAIChat(store, path)).totals.added).toBe(0)
    expect(await bytesBelow(root)).toEqual(before)
  })

  test('a logged call has its answers as branches, with usage, cost, model and time', async () => {
    const { sessions } = await imported(join(FIXTURES, 'openai-chat/call.json'))
    const [session] = sessions
    const path = await session!.messages()
    expect(said(path)).toEqual(['user: Name a bird.', 'assistant: A wren.'])
    expect(path[1]).toMatchObject({
      model: 'example-large-2',
      finishReason: 'stop',
      usage: { inputTokens: 12, outputTokens: 9, cachedInputTokens: 4, totalTokens: 21, costUsd: 0.0021 },
    })
    const answers = await session!.siblings(path[1]!.id)
    expect(said(answers)).toEqual(['assistant: A wren.', 'assistant: A long-tailed'])
    expect(answers[1]).toMatchObject({ status: 'incomplete', finishReason: 'length' })
    expect(session!.info).toMatchObject({ model: 'example-large-2', source: { id: 'chatcmpl-1' } })
    expect(session!.info.usage.inputTokens).toBe(12)
    expect((await eventsOf(session!))[1]!.time).toBe('2025-07-01T09:00:00.000Z')
    expect(await recordOf(session!, 'openai-chat.record')).toMatchObject({
      temperature: 0.5,
      response: { id: 'chatcmpl-1' },
    })
  })

  const hello = [
    { role: 'user', content: 'Hello' },
    { role: 'assistant', content: 'Good day' },
  ]

  test('a list of messages is one conversation, a list of lists several', async () => {
    const one = await importedFrom(hello)
    expect(said(await one.sessions[0]!.messages())).toEqual(['user: Hello', 'assistant: Good day'])
    const two = await importedFrom([hello, [...hello, { role: 'user', content: 'Bye' }]])
    expect(two.file.sessions.map(({ messages }) => messages)).toEqual([2, 3])
    const lines = await importedFrom(`${JSON.stringify(hello)}\n${JSON.stringify(hello.slice(0, 1))}\n`, 'lists.jsonl')
    expect(lines.file.sessions.map(({ messages }) => messages)).toEqual([2, 1])
    expect(lines.sessions[0]!.id).toBe(one.sessions[0]!.id)
  })

  test('copies in one file stay apart, and in two files are one session', async () => {
    const twice = await importedFrom([{ messages: hello }, { messages: hello }])
    const once = await importedFrom({ messages: hello })
    expect(new Set(twice.sessions.map(({ id }) => id)).size).toBe(2)
    expect(once.sessions[0]!.id).toBe(twice.sessions[0]!.id)
  })

  test('what is no message is an event, and harms no other', async () => {
    const messages = [hello[0], { role: 'critic', content: 'Hm' }, 'text', { role: 'user', content: [7] }, hello[1]]
    const { file, sessions } = await importedFrom({ messages })
    expect(said(await sessions[0]!.messages())).toEqual(['user: Hello', 'assistant: Good day'])
    const kept = (await eventsOf(sessions[0]!)).filter(({ type }) => type === 'openai-chat.message')
    expect(kept.map(({ data }) => (data as { value: unknown }).value)).toEqual(messages.slice(1, 4))
    expect(file.merged).toMatchObject({ message: { records: 3 } })
  })

  test('fields that are not taken over are told', async () => {
    const messages = [{ role: 'user', content: [{ type: 'text', text: 'x', cache_control: { type: 'ephemeral' } }] }]
    const { file } = await importedFrom({ messages })
    expect(file.droppedFields).toEqual({
      'content.cache_control': { records: 1, reason: 'foldlog has no field for it' },
    })
  })

  test('arguments that are no text are the input of the call, and nothing of them is left out', async () => {
    const tool_calls = [{ type: 'function', function: { name: 'rain', arguments: { city: 'Oslo' } } }]
    const { file, sessions } = await importedFrom({
      messages: [hello[0], { role: 'assistant', content: '', tool_calls }],
    })
    const [, answer] = await sessions[0]!.messages()
    expect(answer!.parts.at(-1)).toMatchObject({ type: 'tool-call', name: 'rain', input: { city: 'Oslo' } })
    expect(file.droppedFields).toEqual({})
  })

  test('a result without a call keeps the name of its tool', async () => {
    const { sessions } = await importedFrom({
      messages: [hello[0], { role: 'tool', tool_call_id: 'c', name: 'find', content: 'x' }],
    })
    const [, result] = await sessions[0]!.messages()
    expect(result!.parts).toMatchObject([{ type: 'tool-result', callId: 'c', name: 'find', output: 'x' }])
  })
})

describe('sharegpt', () => {
  test('lists that are not the turns are kept beside them', async () => {
    const path = join(folder, 'two-lists.jsonl')
    const messages = [{ role: 'user', content: 'And you?' }]
    await writeFile(path, JSON.stringify({ conversations: [{ from: 'human', value: 'Hi' }], messages, system: 5 }))
    const { sessions } = await imported(path)
    expect(said(await sessions[0]!.messages())).toEqual(['user: Hi'])
    expect(await recordOf(sessions[0]!, 'sharegpt.record')).toEqual({ messages, system: 5 })
  })

  test('turns, calls in a list, and a turn of somebody unknown', async () => {
    const { file, sessions } = await imported(join(FIXTURES, 'sharegpt/conversations.json'))
    expect(file.format).toBe('sharegpt')
    const [weather] = sessions
    const messages = await weather!.messages()
    expect(said(messages)).toEqual([
      'system: You know the weather.',
      'user: Rain in Oslo and Rome?',
      'assistant: tool-call | tool-call',
      'tool: tool-result',
      'tool: tool-result',
      'assistant: In Oslo, not in Rome.',
    ])
    const parts = messages.flatMap((message) => message.parts)
    expect(parts.filter(({ type }) => type === 'tool-call')).toMatchObject([
      { callId: 'call-1', name: 'rain', input: { city: 'Oslo' } },
      { callId: 'call-2', name: 'rain', input: { city: 'Rome' } },
    ])
    expect(parts.filter(({ type }) => type === 'tool-result')).toMatchObject([
      { callId: 'call-1', name: 'rain', output: '{"mm": 4}' },
      { callId: 'call-2', name: 'rain', output: '{"mm": 0}' },
    ])
    expect(await recordOf(weather!, 'sharegpt.turn')).toEqual({ value: { from: 'narrator', value: 'The sun sets.' } })
    expect(await recordOf(weather!, 'sharegpt.record')).toMatchObject({ id: 'weather_7', tools: expect.any(String) })
    expect(weather!.info.source).toEqual({ format: 'sharegpt', id: 'weather_7' })
  })

  test('alternatives are branches, the chosen one is the head', async () => {
    const { sessions } = await imported(join(FIXTURES, 'sharegpt/conversations.json'))
    const path = await sessions[1]!.messages()
    expect(said(path)).toEqual(['user: A rhyme on sea?', 'assistant: A bee.'])
    expect(said(await sessions[1]!.siblings(path[1]!.id))).toEqual(['assistant: A bee.', 'assistant: A boat.'])
  })

  test('alternatives that are whole conversations share their beginning', async () => {
    const turn = (role: string, content: string): object => ({ role, content })
    const { file, sessions } = await importedFrom([
      {
        chosen: [turn('user', 'Hi'), turn('assistant', 'Hello'), turn('user', 'Bye'), turn('assistant', 'See you')],
        rejected: [turn('user', 'Hi'), turn('assistant', 'Hello'), turn('user', 'Bye'), turn('assistant', 'What?')],
      },
    ])
    expect(file.format).toBe('sharegpt')
    expect(said(await sessions[0]!.messages())).toEqual([
      'user: Hi',
      'assistant: Hello',
      'user: Bye',
      'assistant: See you',
    ])
    expect(sessions[0]!.info).toMatchObject({ messageCount: 5, branchCount: 2 })
  })

  test('pictures stand where the text names them, by their names', async () => {
    const { file, sessions } = await imported(join(FIXTURES, 'sharegpt/conversations.json'))
    const [question, answer] = await sessions[2]!.messages()
    expect(question!.parts).toMatchObject([
      { type: 'text', text: 'Compare ' },
      { type: 'file', mediaType: 'image/jpeg', name: 'photos/dusk.jpg' },
      { type: 'text', text: ' with ' },
      { type: 'file', mediaType: 'image/png', url: 'https://example.com/noon.png' },
      { type: 'text', text: '.' },
    ])
    expect(answer!.metadata).toEqual({ sharegpt: { from: 'assistant' } })
    expect(file.droppedFields).toMatchObject({ images: { records: 2 } })
    const left = await importedFrom({
      conversations: [{ from: 'human', value: 'No place for <image> two' }],
      images: ['a.png', 'b.png'],
    })
    const [message] = await left.sessions[0]!.messages()
    expect(message!.parts).toMatchObject([
      { text: 'No place for ' },
      { name: 'a.png' },
      { text: ' two' },
      { name: 'b.png' },
    ])
    const kept = await importedFrom({ conversations: [{ from: 'gpt', value: 'x' }], images: ['a.png'] })
    expect(await recordOf(kept.sessions[0]!, 'sharegpt.record')).toEqual({ images: ['a.png'] })
  })

  test('calls that are no JSON keep their text', async () => {
    const { sessions } = await importedFrom({
      conversations: [
        { from: 'function_call', value: 'rain(Oslo)' },
        { from: 'observation', value: '4' },
        { from: 'observation', value: '5' },
      ],
    })
    const parts = (await sessions[0]!.messages()).flatMap((message) => message.parts)
    expect(parts).toMatchObject([
      { callId: 'call-1', name: 'unknown', input: 'rain(Oslo)', rawInput: 'rain(Oslo)' },
      { callId: 'call-1', output: '4' },
      { callId: 'unknown-2', output: '5' },
    ])
  })

  test('a file is told by what is in it, whatever its name', async () => {
    const turns = [{ from: 'human', value: 'Hi' }]
    expect((await importedFrom(`${JSON.stringify({ conversations: turns })}\n`, 'x.jsonl')).file.format).toBe(
      'sharegpt',
    )
    const long = { padding: 'x'.repeat(100_000), conversations: turns }
    expect((await importedFrom([long, long])).file).toMatchObject({ format: 'sharegpt', sessions: [{}, {}] })
    await using store = await openStore(memoryBackend())
    const path = join(folder, 'other.json')
    await writeFile(path, '[{"id":"1","conversation_id":"2","rating":"up"}]')
    expect((await importSessions(store, path)).unknown).toMatchObject([{ path }])
    expect((await importShareGPT(store, path)).files[0]!.dropped).toEqual({
      '(none)': { records: 1, reason: 'has no turns' },
    })
  })
})
