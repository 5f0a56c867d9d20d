/** Files that somebody made to hang an import, to end it, or to have it read what is none of its business. */
import { execFileSync } from 'node:child_process'
import { chmod, cp, mkdir, symlink, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { treeOf } from '../../src/importers/chatgpt/tree.ts'
import { importClaudeCode, importSessions, type ImportReport } from '../../src/importers/index.ts'
import { type Json, type JsonObject } from '../../src/json.ts'
import { memoryBackend, type Store } from '../../src/index.ts'
import { PATIENT } from '../support/rounds.ts'
import { freshFolder, open } from '../support/store.ts'

async function write(path: string, content: Json | object): Promise<string> {
  await mkdir(dirname(path), { recursive: true })
  await writeFile(path, typeof content === 'string' ? content : JSON.stringify(content))
  return path
}

interface Imported {
  readonly store: Store
  readonly report: ImportReport
}

async function imported(path: string): Promise<Imported> {
  const store = await open(memoryBackend())
  return { store, report: await importSessions(store, path) }
}

async function everythingIn({ store, report }: Imported): Promise<string> {
  const ids = report.files.flatMap(({ sessions }) => sessions.map(({ sessionId }) => sessionId))
  return JSON.stringify(await Promise.all(ids.map(async (id) => (await store.get(id))!.messages({ all: true }))))
}

/** The tree of a conversation of ChatGPT: a question with so many answers. */
function answered(count: number): JsonObject {
  const node = (id: string, parent: string | null, children: string[], role: string): readonly [string, Json] => [
    id,
    {
      id,
      parent,
      children,
      message: { id, author: { role }, create_time: 1.7e9, content: { content_type: 'text', parts: [id] } },
    },
  ]
  const answers = Array.from({ length: count }, (_, at) => `n${at}`)
  const nodes = [node('q', null, answers, 'user'), ...answers.map((id) => node(id, 'q', [], 'assistant'))]
  return Object.fromEntries(nodes)
}

// What these are about takes hours if it goes wrong, so the timeout of the runner is the test.
test('a file of nothing but spaces is of no format', async () => {
  const { report } = await imported(await write(join(freshFolder(), 'a.json'), `${' '.repeat(2_000_000)}x`))
  expect(report.totals.unknown).toBe(1)
})

test('brackets inside each other that never end are one unreadable element', async () => {
  const path = await write(join(freshFolder(), 'a.json'), `[${'{"messages":['.repeat(400_000)}`)
  const store = await open(memoryBackend())
  const report = await importSessions(store, path, { format: 'openai-chat' })
  expect(report.files[0]!.unreadable).toMatchObject([{ line: 1, element: 1, reason: 'not-json' }])
})

test('base64 that is broken after many spaces is no file', async () => {
  const data = `AAAA${' '.repeat(500_000)}!`
  const source = { type: 'base64', media_type: 'image/png', data }
  const content = [
    { type: 'text', text: 'look' },
    { type: 'image', source },
  ]
  const common = { uuid: 'u', parentUuid: null, sessionId: 's', timestamp: '2025-01-01T00:00:00Z', version: '1' }
  const record = { type: 'user', ...common, cwd: '/', isSidechain: false, message: { role: 'user', content } }
  const { store, report } = await imported(await write(join(freshFolder(), 'a.jsonl'), record))
  expect(report.formats).toEqual(['claude-code'])
  expect(await everythingIn({ store, report })).toContain('look')
})

test('a message of ChatGPT may have more answers than a call has arguments', () => {
  expect(treeOf(answered(130_000), 'n0').nodes).toHaveLength(130_001)
})

async function opencodeTree(): Promise<{ readonly folder: string; readonly part: string }> {
  const folder = freshFolder()
  const storage = join(folder, 'storage')
  const time = { created: 1_700_000_000_000, updated: 1_700_000_000_000 }
  await write(join(storage, 'session/p/ses_1.json'), { id: 'ses_1', title: 't', directory: '/', time })
  await write(join(storage, 'message/ses_1/msg_1.json'), { id: 'msg_1', sessionID: 'ses_1', role: 'user', time })
  const part = join(storage, 'part/msg_1')
  await write(join(part, 'prt_1.json'), opencodePart('prt_1', 'hello'))
  return { folder, part }
}

function opencodePart(id: string, text: string): object {
  return { id, messageID: 'msg_1', sessionID: 'ses_1', type: 'text', text }
}

test('the storage of opencode: a link that is found in it is told and not followed', async () => {
  const { folder, part } = await opencodeTree()
  const secret = await write(join(freshFolder(), 'secret.json'), opencodePart('prt_2', 'secret'))
  await symlink(secret, join(part, 'prt_2.json'))
  const { store, report } = await imported(folder)
  expect(await everythingIn({ store, report })).toContain('hello')
  expect(await everythingIn({ store, report })).not.toContain('secret')
  expect(report.files[0]!.unreadable).toMatchObject([{ path: join(part, 'prt_2.json'), reason: 'unreadable' }])
})

test('the storage of opencode: a folder that is a link is not looked into', async () => {
  const { folder } = await opencodeTree()
  const outside = freshFolder()
  await write(join(outside, 'prt_2.json'), { ...opencodePart('prt_2', 'secret'), messageID: 'msg_2' })
  const message = { id: 'msg_2', sessionID: 'ses_1', role: 'user', time: { created: 1_700_000_000_001 } }
  await write(join(folder, 'storage/message/ses_1/msg_2.json'), message)
  await symlink(outside, join(folder, 'storage/part/msg_2'))
  const { store, report } = await imported(folder)
  expect(await everythingIn({ store, report })).toContain('hello')
  expect(await everythingIn({ store, report })).not.toContain('secret')
})

test.skipIf(process.platform === 'win32')('the storage of opencode: nobody waits for a pipe', async () => {
  const { folder, part } = await opencodeTree()
  execFileSync('mkfifo', [join(part, 'prt_2.json')])
  const { store, report } = await imported(folder)
  expect(await everythingIn({ store, report })).toContain('hello')
  expect(report.files[0]!.unreadable).toMatchObject([{ path: join(part, 'prt_2.json'), reason: 'unreadable' }])
})

// Nothing is forbidden to root.
test.skipIf(process.getuid?.() === 0)('a folder that may not be read is told, and stops nothing', async () => {
  const folder = freshFolder()
  await write(join(folder, 'a.jsonl'), { messages: [{ role: 'user', content: 'hello' }] })
  const closed = join(folder, 'closed')
  await mkdir(closed)
  await chmod(closed, 0)
  const { report } = await imported(folder)
  await chmod(closed, 0o700)
  expect(report.totals).toMatchObject({ messages: 1, failures: 1 })
  expect(report.unknown).toMatchObject([{ path: closed, failure: { code: 'STORAGE_DENIED' } }])
})

/** Records, one on each line. */
async function lines(name: string, ...records: readonly object[]): Promise<string> {
  return write(join(freshFolder(), name), records.map((each) => JSON.stringify(each)).join('\n'))
}

test('a number that is an object without a value is no number of Codex', async () => {
  const meta = { timestamp: '2025-01-01T00:00:00Z', type: 'session_meta', payload: { id: 'one' } }
  const payload = { type: 'thread_rolled_back', num_turns: { toString: 1, valueOf: 1 } }
  const back = { timestamp: '2025-01-01T00:00:01Z', type: 'event_msg', payload }
  const { report } = await imported(await lines('a.jsonl', meta, back))
  expect(report.totals).toMatchObject({ sessions: 1, records: 2, failures: 0 })
})

test('what is too long for a line is told, and the rest is there', PATIENT, async () => {
  const common = { sessionId: 's', isSidechain: false, timestamp: '2025-01-01T00:00:00Z' }
  // A line holds it as an escape, twice as long as it is.
  const text = '\u2028'.repeat(11_500_000)
  const long = { type: 'user', uuid: 'u', parentUuid: null, ...common, message: { role: 'user', content: text } }
  const short = { type: 'user', uuid: 'v', parentUuid: 'u', ...common, message: { role: 'user', content: 'hello' } }
  const store = await open(memoryBackend())
  const report = await importClaudeCode(store, await lines('a.jsonl', long, short))
  expect(await everythingIn({ store, report })).toContain('hello')
  expect(report.files[0]!.dropped).toMatchObject({ 'refused:message.created': { records: 1 } })
})

test('a URL that begins with millions of parameters is no data', async () => {
  const header = { sessionId: 's', projectHash: 'p', startTime: '2025-01-01T00:00:00Z' }
  const fileData = { mimeType: 'image/png', fileUri: `data:${';'.repeat(20_000_000)}` }
  const content = [{ text: 'hello' }, { fileData }]
  const path = await lines('a.jsonl', header, { id: 'm', timestamp: header.startTime, type: 'user', content })
  expect(await everythingIn(await imported(path))).toContain('hello')
})

test('an answer of opencode may have more parts than a call has arguments', async () => {
  const time = { created: 1_700_000_000_000 }
  const part = (at: number): object => ({
    id: `prt_${at}`,
    type: 'step',
    time: { start: time.created, end: time.created },
  })
  const parts = Array.from({ length: 70_000 }, (_, at) => part(at))
  const info = { id: 'msg_1', sessionID: 'ses_1', role: 'assistant', time }
  const document = { info: { id: 'ses_1', time }, messages: [{ info, parts }] }
  const { report } = await imported(await write(join(freshFolder(), 'a.json'), document))
  expect(report.totals).toMatchObject({ messages: 1, failures: 0, dropped: 0 })
})

test('a field without a name is none of Claude Code', async () => {
  const { report } = await imported(await lines('a.jsonl', { type: 'note', '': 1 }))
  expect(report.totals).toMatchObject({ files: 0, unknown: 1 })
})

describe.skipIf(process.platform === 'win32')('a folder with a line feed in its name', () => {
  test('holds a storage of opencode like any other', async () => {
    const { folder } = await opencodeTree()
    const odd = join(freshFolder(), 'a\nb')
    await cp(folder, odd, { recursive: true })
    expect(await everythingIn(await imported(odd))).toBe(await everythingIn(await imported(folder)))
  })

  test('holds transcripts of Claude Code and of the sub-agents that go on from them', async () => {
    const common = { sessionId: 's', timestamp: '2025-01-01T00:00:00Z' }
    const question = { ...common, type: 'user', message: { role: 'user', content: 'hello' } }
    const own = { ...question, uuid: 'u', parentUuid: null, isSidechain: false }
    const sub = { ...question, uuid: 'v', parentUuid: 'u', isSidechain: true, agentId: 'a1' }
    const parents = async (name: string): Promise<unknown[]> => {
      const folder = join(freshFolder(), name)
      await write(join(folder, 's.jsonl'), own)
      await write(join(folder, 's/subagents/agent-a1.jsonl'), sub)
      const { store, report } = await imported(folder)
      const ids = report.files.flatMap(({ sessions }) => sessions.map(({ sessionId }) => sessionId))
      return Promise.all(ids.map(async (id) => (await store.get(id))!.info.parent))
    }
    const plain = await parents('ab')
    expect(plain).toContainEqual({ sessionId: expect.any(String), messageId: expect.any(String) })
    expect(await parents('a\nb')).toEqual(plain)
  })
})

test('an id of Codex that names a time past the year 6000 has the time of its record', async () => {
  const payload = { id: 'ffffffff-ffff-7fff-bfff-ffffffffffff', timestamp: '2025-01-01T00:00:00Z' }
  const meta = { timestamp: '2025-01-01T00:00:00Z', type: 'session_meta', payload }
  const item = { type: 'message', role: 'user', content: [{ type: 'input_text', text: 'hello' }] }
  const question = { timestamp: '2025-01-01T00:00:01Z', type: 'response_item', payload: item }
  const { store, report } = await imported(await lines('a.jsonl', meta, question))
  expect(await everythingIn({ store, report })).toContain('hello')
  expect(report.files[0]!.dropped).toEqual({})
})

test('a record of the last moment that an id can have is no record of that time', async () => {
  const message = { role: 'user', content: 'hello' }
  const common = { uuid: 'u', parentUuid: null, sessionId: 's', isSidechain: false }
  const record = { type: 'user', ...common, timestamp: '5999-12-31T23:59:59.999Z', message }
  const { store, report } = await imported(await lines('a.jsonl', record))
  expect(await everythingIn({ store, report })).toContain('hello')
  expect(report.files[0]!.dropped).toEqual({})
})
