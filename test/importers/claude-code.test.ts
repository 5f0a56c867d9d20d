/** The Claude Code importer on made-up transcripts (`fixtures/import/claude-code`), read through the public API. */
import { cp, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import * as fc from 'fast-check'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { importClaudeCode, type FileReport, type ImportProgress, type ImportReport } from '../../src/importers/index.ts'
import {
  isFoldlogError,
  memoryBackend,
  openStore,
  type Backend,
  type Message,
  type Session,
  type Store,
} from '../../src/index.ts'

const FIXTURES = join(import.meta.dirname, '../../fixtures/import/claude-code')
const ORCHARD = join(FIXTURES, 'orchard')

let folder: string
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'foldlog-import-'))
})
afterAll(async () => {
  await rm(folder, { recursive: true, force: true })
})

/** Imports one fixture into a store of its own. */
async function imported(
  name: string,
): Promise<{ store: Store; report: ImportReport; file: FileReport; session: Session }> {
  const store = await openStore(memoryBackend())
  const report = await importClaudeCode(store, join(FIXTURES, name))
  const file = report.files[0]!
  return { store, report, file, session: (await store.get(file.sessions[0]!.sessionId))! }
}

/** A conversation as text: one line a message, its parts by type. */
function shown(messages: readonly Message[]): string[] {
  return messages.map(({ role, parts }) => `${role}: ${parts.map(shownPart).join(' + ')}`)
}

function shownPart(part: Message['parts'][number]): string {
  switch (part.type) {
    case 'text':
    case 'compaction':
      return `${part.type === 'text' ? '' : 'summary '}${part.text.slice(0, 24)}`
    case 'reasoning':
      return '(thinks)'
    case 'file':
      return `<${part.mediaType}>`
    case 'tool-call':
      return `${part.name}()`
    case 'tool-result':
      return part.error === undefined ? `=> ${part.name}` : `=> ${part.name} failed`
    case 'data':
      return `[${part.name}]`
  }
}

async function eventsOf(session: Session): Promise<{ id: string; type: string; time: string; data: unknown }[]> {
  const events: { id: string; type: string; time: string; data: unknown }[] = []
  for await (const { id, type, time, data } of session.events()) events.push({ id, type, time, data })
  return events
}

describe('a linear session', () => {
  const NAME = 'orchard/4b7a1c52-7b0e-4f0e-9a51-0c3b6d1f2a01.jsonl'

  test('has one message for each message of the API, and one for the results of its calls', async () => {
    const { session, report } = await imported(NAME)
    expect(shown(await session.messages())).toEqual([
      'user: Why does the ripeness te',
      'assistant: (thinks) + I will look at the test  + Read() + Read()',
      'tool: => Read + => Read + [claude-code.queued-prompt]',
      'assistant: `ripeness` ignores the f + Bash()',
      'tool: => Bash failed',
      'assistant: A pear has to know its m',
      'user: <command-name>/cost</com',
      'user: <local-command-stdout>To',
    ])
    expect(session.info).toMatchObject({ messageCount: 8, branchCount: 1, turnCount: 3, damage: 0 })
    expect(report.totals).toMatchObject({ files: 1, sessions: 1, messages: 8, known: 0, malformed: 0, failures: 0 })
  })

  test('has no parent links, only turns and what they came after', async () => {
    const { session } = await imported(NAME)
    const all = await session.messages({ all: true })
    expect(all.filter((message) => message.parentId !== undefined)).toEqual([])
    expect(new Set(all.slice(0, 6).map(({ turnId }) => turnId)).size).toBe(1)
    expect(all[6]!.after).toBe(all[5]!.id)
  })

  test('counts the usage of a message once, as its last record says', async () => {
    const { session } = await imported(NAME)
    const [, first] = await session.messages()
    expect(first!.usage).toEqual({
      inputTokens: 12 + 2048 + 4096,
      outputTokens: 148,
      cachedInputTokens: 4096,
      cacheWriteTokens: 2048,
    })
    expect(session.info.usage).toMatchObject({ outputTokens: 148 + 61 + 77 })
    expect(first).toMatchObject({
      finishReason: 'tool-calls',
      model: 'claude-opus-4-6',
      provider: 'anthropic',
      status: 'completed',
    })
  })

  test('keeps exact times, the title, and what the records say of themselves', async () => {
    const { session } = await imported(NAME)
    expect(session.info).toMatchObject({
      title: 'Ripeness of pears',
      cwd: '/home/rosa/orchard',
      model: 'claude-opus-4-6',
      source: { format: 'claude-code', id: '4b7a1c52-7b0e-4f0e-9a51-0c3b6d1f2a01' },
      metadata: {
        'claude-code': { versions: ['2.1.38'], gitBranches: ['main'], firstTime: '2026-03-02T09:00:01.500Z' },
      },
    })
    const times = (await eventsOf(session)).filter(({ type }) => type === 'message.created').map(({ time }) => time)
    expect(times[0]).toBe('2026-03-02T09:00:03.000Z')
    expect(times).toEqual([...times].sort())
    const [first] = await session.messages()
    expect(new Date(first!.time.created).toISOString()).toBe(times[0])
  })

  test('keeps system records as events and says what it dropped', async () => {
    const { session, file } = await imported(NAME)
    const kept = (await eventsOf(session)).filter(({ type }) => type.startsWith('claude-code.'))
    expect(kept.map(({ type }) => type).sort()).toEqual([
      'claude-code.ai-title',
      'claude-code.summary',
      'claude-code.system',
    ])
    expect(kept.find(({ type }) => type === 'claude-code.system')!.data).toMatchObject({ subtype: 'turn_duration' })
    expect(Object.keys(file.dropped)).toEqual(['attachment:hook_success', 'file-history-snapshot', 'progress'])
    expect(file.droppedFields['toolUseResult']).toMatchObject({ records: 2 })
    expect(JSON.parse(JSON.stringify(file))).toEqual(file)
  })

  test('shows a model a valid history: every call answered, the failed one with its text', async () => {
    const { session } = await imported(NAME)
    const results = (await session.context()).flatMap(({ parts }) =>
      parts.filter((part) => part.type === 'tool-result'),
    )
    expect(results).toHaveLength(3)
    expect(results[0]).toMatchObject({ output: expect.stringContaining('ripeness') as string })
    expect(results[1]).toMatchObject({ content: [{ type: 'text' }] })
    expect(results[2]).toMatchObject({ error: { message: 'Exit code 1\nexpected 0.25 to be 0' } })
  })
})

describe('a session with edits', () => {
  const NAME = 'orchard/8e2f6d10-3c4b-4c2a-8f77-5b1d2e3f4a02.jsonl'

  test('is a tree, and ends where it was written last', async () => {
    const { session } = await imported(NAME)
    expect(shown(await session.messages())).toEqual([
      'user: Name the compost heap.',
      'assistant: Old Faithful.',
      'user: In French.',
      'assistant: WebSearch()',
      'tool: => WebSearch',
      'assistant: Le Tas.',
      'user: Back to French, please.',
      'assistant: D’accord.',
    ])
    expect(session.info).toMatchObject({ branchCount: 3, title: 'Names for a compost heap' })
  })

  test('has a parent link only where there are siblings', async () => {
    const { session } = await imported(NAME)
    const all = await session.messages({ all: true })
    const [, answer, shorter] = all
    expect(all.filter(({ parentId }) => parentId !== undefined).map(({ parentId }) => parentId)).toEqual([
      answer!.id,
      answer!.id,
    ])
    expect(shown(await session.siblings(shorter!.id))).toEqual([
      'user: Shorter.',
      'user: In French.',
      'user: In Latin.',
    ])
    expect(shown(await session.messages({ branch: shorter!.id })).slice(2)).toEqual([
      'user: Shorter.',
      'assistant: Rex.',
    ])
  })
})

describe('a session with sub-agents', () => {
  const NAME = 'orchard/c1d9a7e4-52f6-4d3b-b0aa-6e7f8091a203'

  test('is the parent of theirs, by the call that started them', async () => {
    const { store, report } = await imported('orchard')
    const team = report.files
      .filter(({ path }) => path.includes('c1d9a7e4'))
      .map(({ sessions }) => sessions[0]!.sessionId)
    const [main, counter, summariser] = await Promise.all(
      [team[0]!, team[1]!, team[2]!].map(async (id) => (await store.get(id))!),
    )
    const all = await main!.messages({ all: true })
    const call = all[1]!.parts[0]!
    expect(counter!.info.parent).toEqual({
      sessionId: main!.id,
      messageId: all[1]!.id,
      callId: 'callId' in call ? call.callId : '',
    })
    expect(counter!.info).toMatchObject({ rootId: main!.id, model: 'claude-haiku-4-5', messageCount: 4 })
    expect(summariser!.info.parent).toEqual({ sessionId: main!.id, messageId: all[3]!.id })
    expect((await store.list({ parentId: main!.id })).items).toHaveLength(2)
    expect(all[2]!.parts[0]).toMatchObject({ type: 'tool-result', metadata: { agentId: 'a5f3c09d1b7e24680' } })
  })

  test('links them when they were imported by themselves before', async () => {
    await using store = await openStore(memoryBackend())
    const alone = await importClaudeCode(store, join(FIXTURES, NAME, 'subagents/agent-a5f3c09d1b7e24680.jsonl'))
    const { sessionId } = alone.files[0]!.sessions[0]!
    expect((await store.get(sessionId))!.info.parent).toBeUndefined()
    const all = await importClaudeCode(store, ORCHARD)
    expect(all.files.flatMap((file) => file.sessions).find((each) => each.sessionId === sessionId)).toMatchObject({
      added: 1,
    })
    expect((await store.get(sessionId))!.info.parent).toBeDefined()
  })

  test('compacts: the model sees the summary and what came after it', async () => {
    const { session } = await imported(`${NAME}.jsonl`)
    expect(session.info.title).toBe('The tree count')
    const summary = (await session.messages()).find(({ parts }) => parts[0]?.type === 'compaction')
    expect(summary!.parts[0]).toMatchObject({ tokensBefore: 155000, metadata: { trigger: 'auto' } })
    expect(shown(await session.messages()).slice(4)).toEqual([
      'user: summary This session is being co',
      'user: Caveat: The messages bel',
      'user: Plant one more.',
      'assistant: API Error: 529 overloade',
    ])
    const seen = JSON.stringify(await session.context())
    expect(seen).toContain('This session is being continued')
    expect(seen).not.toContain('Ask somebody to count')
    expect(seen).not.toContain('API Error')
  })

  test('marks what was not said by a person', async () => {
    const { session } = await imported(`${NAME}.jsonl`)
    const [meta, , error] = (await session.messages()).slice(5)
    expect(meta).toMatchObject({ audience: 'model', metadata: { isMeta: true } })
    expect(error).toMatchObject({ audience: 'user', status: 'incomplete', metadata: { isSynthetic: true } })
    expect(error!.error).toEqual({ message: 'API Error: 529 overloaded_error', code: 'overloaded' })
    expect(error!.model).toBeUndefined()
  })

  test('of an old version has them as sessions too, found by their task', async () => {
    const { store, file, session } = await imported('old/1dea5eed-9c8b-4a7d-b6e5-4f3a2b1c0d07.jsonl')
    expect(file.sessions.map(({ kind }) => kind)).toEqual(['main', 'sidechain', 'sidechain'])
    expect(file.sidechainRecords).toBe(4)
    const [, calls] = await session.messages()
    const [spadeCall, rakeCall] = calls!.parts
    const [rake, spade] = await Promise.all(
      file.sessions.slice(1).map(async ({ sessionId }) => (await store.get(sessionId))!),
    )
    expect(shown(await rake!.messages())).toEqual(['user: Find the rake.', 'assistant: Behind the shed.'])
    expect(rake!.info.parent).toMatchObject({
      sessionId: session.id,
      messageId: calls!.id,
      callId: (rakeCall as { callId: string }).callId,
    })
    expect(spade!.info.parent).toMatchObject({ callId: (spadeCall as { callId: string }).callId })
    expect(spade!.info.rootId).toBe(session.id)
  })
})

test('sub-agents that hold more than is kept until their parent is read are all there, and are told of it', async () => {
  const directory = await mkdtemp(join(folder, 'many-'))
  const agents = ['a', 'b', 'c', 'd', 'e', 'f']
  const write = (name: string, records: object[]): Promise<void> =>
    writeFile(join(directory, name), records.map((each) => JSON.stringify({ sessionId: 's', ...each })).join('\n'))
  for (const agentId of agents) {
    const said = Array.from({ length: 110 }, (_, n) => ({
      type: 'user',
      uuid: `${agentId}${n}`,
      parentUuid: n === 0 ? null : `${agentId}${n - 1}`,
      isSidechain: true,
      agentId,
      message: { content: `${n} `.repeat(10_000) },
    }))
    await write(`agent-${agentId}.jsonl`, said)
  }
  const calls = agents.map((id) => ({ type: 'tool_use', id: `call-${id}`, name: 'Task', input: {} }))
  const results = agents.map((agentId) => ({
    type: 'user',
    uuid: `result-${agentId}`,
    parentUuid: 'asked',
    toolUseResult: { agentId },
    message: { content: [{ type: 'tool_result', tool_use_id: `call-${agentId}`, content: 'done' }] },
  }))
  await write('parent.jsonl', [
    { type: 'user', uuid: 'begin', parentUuid: null, message: { content: 'Ask all of them.' } },
    { type: 'assistant', uuid: 'asked', parentUuid: 'begin', message: { id: 'm', content: calls } },
    ...results,
  ])
  await using store = await openStore(memoryBackend())
  const report = await importClaudeCode(store, directory)
  const { items } = await store.list()
  const parent = items.find((info) => info.parent === undefined)!
  const told = items.filter(({ id }) => id !== parent.id)
  expect(told.map((info) => info.messageCount)).toEqual(agents.map(() => 110))
  expect(new Set(told.map((info) => info.parent?.callId))).toEqual(new Set(calls.map(({ id }) => id)))
  expect(told.every((info) => info.rootId === parent.id)).toBe(true)
  const { added } = report.totals
  expect(report.totals).toMatchObject({ sessions: 7, known: 0 })
  expect((await importClaudeCode(store, directory)).totals).toMatchObject({ added: 0, known: added })
})

test('a sub-agent at the beginning of its parent’s file is not the conversation', async () => {
  const path = join(folder, 'warmup.jsonl')
  const records = [
    { uuid: 'warmup', parentUuid: null, isSidechain: true },
    { uuid: 'hello', parentUuid: null, isSidechain: false },
    { uuid: 'bye', parentUuid: 'hello', isSidechain: false },
  ]
  const lines = records.map((each) => JSON.stringify({ type: 'user', ...each, message: { content: each.uuid } }))
  await writeFile(path, lines.join('\n'))
  await using store = await openStore(memoryBackend())
  const [main, side] = (await importClaudeCode(store, path)).files[0]!.sessions
  expect(shown(await (await store.get(main!.sessionId))!.messages())).toEqual(['user: hello', 'user: bye'])
  expect(shown(await (await store.get(side!.sessionId))!.messages())).toEqual(['user: warmup'])
  expect((await store.get(side!.sessionId))!.info.parent).toEqual({ sessionId: main!.sessionId })
})

describe('content', () => {
  const NAME = 'orchard/f00d5eed-0a1b-4c2d-9e3f-7a8b9c0d1e04.jsonl'

  test('puts images and documents into files, the same one once', async () => {
    const { store, session } = await imported(NAME)
    const [question, , result] = await session.messages()
    const [, image, document] = question!.parts
    expect(image).toMatchObject({
      type: 'file',
      mediaType: 'image/png',
      file: expect.stringMatching(/^sha256-/) as string,
    })
    expect(document).toMatchObject({ type: 'file', mediaType: 'text/plain', name: 'harvest.txt', sizeBytes: 17 })
    const bytes = await store.getFile((image as { file: string }).file, 'image/png')
    expect(Buffer.from(bytes!).subarray(1, 4).toString()).toBe('PNG')
    expect(result!.parts[0]).toMatchObject({ content: [{ type: 'text' }, { file: (image as { file: string }).file }] })
    expect(JSON.stringify(await eventsOf(session))).not.toContain('iVBORw0')
  })

  test('stays inline where a store has no files', async () => {
    const backend = memoryBackend()
    await using store = await openStore({ ...bound(backend), capabilities: { ...backend.capabilities, files: false } })
    const report = await importClaudeCode(store, join(FIXTURES, NAME))
    const session = await store.get(report.files[0]!.sessions[0]!.sessionId)
    const [question] = await session!.messages()
    expect(question!.parts[1]).toMatchObject({
      mediaType: 'image/png',
      data: expect.stringMatching(/^iVBORw0/) as string,
    })
  })

  test('keeps what foldlog has no part for as it is', async () => {
    const { session } = await imported(NAME)
    const messages = await session.messages()
    expect(messages[1]!.parts[0]).toMatchObject({
      type: 'reasoning',
      text: '',
      encrypted: expect.stringContaining('EvAB') as string,
    })
    expect(messages[3]!.parts[0]).toMatchObject({
      type: 'data',
      name: 'claude-code.block',
      data: { type: 'server_tool_use' },
    })
    expect(messages[3]).toMatchObject({ status: 'incomplete', finishReason: 'length' })
    expect(messages.at(-1)!.parts[0]).toMatchObject({ output: [{ type: 'tool_reference', tool_name: 'Paint' }] })
  })
})

describe('broken files', () => {
  test('two objects on one line, repeated records and reused uuids', async () => {
    const { session, file } = await imported('orchard/0bada551-1f2e-4d3c-8b4a-9f8e7d6c5b05.jsonl')
    expect(file.lines).toEqual({ physical: 5, blank: 0, concatenated: 1, malformed: 0, records: 6 })
    expect(shown(await session.messages())).toEqual([
      'user: Water the beds.',
      'assistant: Which ones?',
      'user: All of them.',
      'assistant: Done.',
      'user: Water them again.',
    ])
    expect(file.duplicateUuids).toBe(2)
    expect(file.dropped).toMatchObject({ 'repeat:user': { records: 1 } })
  })

  test('lines that are no records are told, and stop nothing', async () => {
    const { session, file } = await imported('orchard/7e57ab1e-6d5c-4b3a-a291-8f7e6d5c4b06.jsonl')
    expect(file.lines).toEqual({ physical: 8, blank: 1, concatenated: 0, malformed: 3, records: 4 })
    expect(file.unreadable.map(({ line, reason }) => [line, reason])).toEqual([
      [2, 'not-json'],
      [3, 'not-an-object'],
      [8, 'not-json'],
    ])
    expect(session.info).toMatchObject({ messageCount: 4, status: 'awaiting' })
    const last = file.unreadable.at(-1)!
    const bytes = await readFile(file.path)
    expect(bytes.subarray(last.offset, last.offset + last.sizeBytes).toString()).toMatch(/^\{"parentUuid".*[^}]$/)
  })

  test('neither ids nor times: the order of the file, from the beginning of time', async () => {
    const { session } = await imported('old/notes.jsonl')
    expect(shown(await session.messages())).toEqual(['user: Hello', 'assistant: Good morning.', 'user: And goodbye.'])
    const times = (await eventsOf(session)).map(({ time }) => time)
    expect(new Set(times.slice(0, -1))).toEqual(new Set(['1970-01-01T00:00:00.000Z']))
    expect(session.info.source!.id).toMatch(/^sha256-/)
  })

  test('a file without a message makes no session', async () => {
    await using store = await openStore(memoryBackend())
    const { files } = await importClaudeCode(store, join(FIXTURES, 'old/settings.jsonl'))
    expect(files[0]!.sessions).toEqual([])
    expect(files[0]!.dropped).toMatchObject({ summary: { records: 1 }, mode: { records: 1 } })
    expect((await store.list()).items).toEqual([])
  })
})

describe('importing', () => {
  test('twice adds nothing and changes no byte', async () => {
    const root = join(folder, 'twice')
    await using store = await openStore(root, { fsync: 'never' })
    const first = await importClaudeCode(store, FIXTURES)
    const ids = [...new Set(first.files.flatMap((file) => file.sessions.map(({ sessionId }) => sessionId)))]
    const logs = (): Promise<string[]> =>
      Promise.all(ids.map((id) => readFile(join(root, 'default', `${id}.jsonl`), 'utf8')))
    const before = await logs()
    const second = await importClaudeCode(store, FIXTURES)
    expect(second.totals).toMatchObject({ added: 0, known: first.totals.added })
    expect(await logs()).toEqual(before)
  })

  test('from another folder, into another namespace, gives the same events', async () => {
    const elsewhere = join(folder, 'elsewhere')
    await cp(ORCHARD, elsewhere, { recursive: true })
    await using store = await openStore(memoryBackend(), { namespace: 'mine' })
    const mine = await importClaudeCode(store, ORCHARD)
    const theirs = await importClaudeCode(store.namespace('theirs'), elsewhere)
    expect(mine.files[0]!.sessions[0]).toMatchObject({ namespace: 'mine' })
    for (const { sessionId } of theirs.files.flatMap((file) => file.sessions)) {
      const [one, two] = [await store.get(sessionId), await store.namespace('theirs').get(sessionId)]
      expect(await eventsOf(two!)).toEqual(await eventsOf(one!))
    }
  })

  test('a session that went on meanwhile only adds to it, and keeps what was said here', async () => {
    const name = '4b7a1c52-7b0e-4f0e-9a51-0c3b6d1f2a01.jsonl'
    const lines = (await readFile(join(ORCHARD, name), 'utf8')).split('\n')
    const path = join(folder, 'growing.jsonl')
    await writeFile(path, `${lines.slice(0, 6).join('\n')}\n`)
    await using store = await openStore(memoryBackend())
    const first = await importClaudeCode(store, path)
    const session = (await store.get(first.files[0]!.sessions[0]!.sessionId))!
    expect(shown(await session.messages()).at(-1)).toBe('assistant: (thinks) + I will look at the test ')
    await session.add({ role: 'user', text: 'Said here.' })
    await writeFile(path, lines.join('\n'))
    await importClaudeCode(store, path)
    const all = shown(await session.messages({ all: true }))
    expect(all).toContain('user: Said here.')
    expect(all[1]).toBe('assistant: (thinks) + I will look at the test  + Read() + Read()')
    expect(all).toHaveLength(9)
  })

  test('takes several paths, each file once, and tells how far it is', async () => {
    await using store = await openStore(memoryBackend())
    const seen: ImportProgress[] = []
    const one = join(ORCHARD, '8e2f6d10-3c4b-4c2a-8f77-5b1d2e3f4a02.jsonl')
    const report = await importClaudeCode(store, [one, ORCHARD, one], { onProgress: (progress) => seen.push(progress) })
    expect(report.files).toHaveLength(8)
    expect(seen.map(({ done }) => done)).toEqual([1, 2, 3, 4, 5, 6, 7, 8])
    expect(seen.at(-1)!.files).toBe(8)
  })

  test('stops when it is told to, and goes on with the next import', async () => {
    await using store = await openStore(memoryBackend())
    const stop = new AbortController()
    const stopped = importClaudeCode(store, ORCHARD, { signal: stop.signal, onProgress: () => stop.abort() })
    await expect(stopped).rejects.toThrow(/abort/i)
    const report = await importClaudeCode(store, ORCHARD)
    expect(report.totals.known).toBeGreaterThan(0)
    expect((await store.list({ limit: 100 })).items).toHaveLength(report.totals.sessions)
  })

  test('rejects a path that is not there', async () => {
    await using store = await openStore(memoryBackend())
    const missing = await importClaudeCode(store, join(folder, 'missing')).catch((error: unknown) => error)
    expect(isFoldlogError(missing, 'NOT_FOUND')).toBe(true)
  })
})

describe('any tree', () => {
  /** A record that follows an earlier one, or none, at a time that need not be later. */
  interface Step {
    readonly parent: number
    readonly isUser: boolean
    readonly ms: number
  }
  const steps = fc.array(fc.record({ parent: fc.nat(8), isUser: fc.boolean(), ms: fc.nat(20) }), {
    minLength: 1,
    maxLength: 14,
  })

  test('comes out as the source has it, whatever its times, and twice the same', async () => {
    const path = join(folder, 'tree.jsonl')
    await fc.assert(
      fc.asyncProperty(steps, async (tree) => {
        const parents = tree.map(({ parent }, index) => (parent >= index ? undefined : parent))
        await writeFile(path, tree.map((step, index) => recordOf(step, index, parents[index])).join('\n'))
        await using store = await openStore(memoryBackend())
        const report = await importClaudeCode(store, path)
        const session = (await store.get(report.files[0]!.sessions[0]!.sessionId))!
        const all = await session.messages({ all: true })
        expect(all).toHaveLength(tree.length)
        const ids = new Map(all.map((message) => [message.source!.id, message.id]))
        for (const [index, parent] of parents.entries()) {
          const id = ids.get(`r${index}`)!
          const before = (await session.messages({ branch: id })).map((message) => message.id)
          expect(before[before.indexOf(id) - 1]).toBe(parent === undefined ? undefined : ids.get(`r${parent}`))
        }
        const isLeaf = (index: number): boolean => !parents.includes(index)
        expect(session.info.head).toBe(ids.get(`r${parents.findLastIndex((_, index) => isLeaf(index))}`))
        expect((await importClaudeCode(store, path)).totals.added).toBe(0)
        expect(await session.findings()).toEqual([])
      }),
      { numRuns: 150 },
    )
  })

  test('gives a copy that was cut off the same events, where records are in the order of their times', async () => {
    const [path, cut] = [join(folder, 'whole.jsonl'), join(folder, 'part.jsonl')]
    await fc.assert(
      fc.asyncProperty(steps, fc.nat(14), async (tree, at) => {
        const inOrder = tree.map((step, index) => ({ ...step, ms: index }))
        const lines = inOrder.map((step, index) =>
          recordOf(step, index, step.parent >= index ? undefined : step.parent),
        )
        await writeFile(path, lines.join('\n'))
        await writeFile(cut, lines.slice(0, Math.max(1, at)).join('\n'))
        await using store = await openStore(memoryBackend())
        const whole = await importClaudeCode(store, path)
        const part = await importClaudeCode(store.namespace('part'), cut)
        const { sessionId } = part.files[0]!.sessions[0]!
        expect(whole.files[0]!.sessions[0]!.sessionId).toBe(sessionId)
        const events = await eventsOf((await store.get(sessionId))!)
        const begun = await eventsOf((await store.namespace('part').get(sessionId))!)
        expect(events).toEqual(expect.arrayContaining(begun.filter(({ type }) => type !== 'session.updated')))
      }),
      { numRuns: 60 },
    )
  })

  test('with records that follow themselves or each other in a circle comes out without the circle', async () => {
    const path = join(folder, 'circle.jsonl')
    const step = { parent: 0, isUser: true, ms: 0 }
    await writeFile(
      path,
      [recordOf(step, 0, 2), recordOf(step, 1, 0), recordOf(step, 2, 1), recordOf(step, 3, 3)].join('\n'),
    )
    await using store = await openStore(memoryBackend())
    const report = await importClaudeCode(store, path)
    const session = (await store.get(report.files[0]!.sessions[0]!.sessionId))!
    const all = await session.messages({ all: true })
    const first = all.find(({ source }) => source?.id === 'r0')!
    expect(shown(await session.messages({ branch: first.id }))).toEqual(['user: 0', 'user: 1', 'user: 2'])
    expect(shown(await session.messages())).toEqual(['user: 3'])
  })

  function recordOf({ isUser, ms }: Step, index: number, parent: number | undefined): string {
    return JSON.stringify({
      type: isUser ? 'user' : 'assistant',
      uuid: `r${index}`,
      parentUuid: parent === undefined ? null : `r${parent}`,
      timestamp: new Date(Date.UTC(2026, 0, 1) + ms).toISOString(),
      sessionId: 'any',
      message: { content: `${index}` },
    })
  }
})

/** A backend as a plain object, so that a test may change one thing of it. */
function bound(backend: Backend): Backend {
  const plain: Record<string, unknown> = {}
  for (let each: object = backend; each !== Object.prototype; each = Object.getPrototypeOf(each) as object) {
    for (const name of Object.getOwnPropertyNames(each)) {
      if (name in plain) continue
      const value = (backend as unknown as Record<string, unknown>)[name]
      plain[name] = typeof value === 'function' ? (value as () => unknown).bind(backend) : value
    }
  }
  return plain as unknown as Backend
}
