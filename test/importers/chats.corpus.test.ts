/**
 * The importers of ChatGPT exports, OpenAI Chat and ShareGPT against real files, whose counts are known (`expected.json`).
 *
 * The corpus lies in `$FOLDLOG_CORPUS`, or in `../shared/data` beside the project; without it these tests are skipped.
 * No count is taken from the source here: everything comes from the imported sessions, read through the public API,
 * and from the import's report.
 */
import { existsSync } from 'node:fs'
import { cp, mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { importSessions, type FileReport, type ImportReport } from '../../src/importers/index.ts'
import { memoryBackend, openStore, type Message, type Part, type Session, type Store } from '../../src/index.ts'
import { bytesBelow, eventsOf, foldsTheSameShuffled, isClean } from './imported.ts'

const CORPUS = resolve(process.env['FOLDLOG_CORPUS'] ?? resolve(import.meta.dirname, '../../../shared/data'))
const FORMATS = ['chatgpt', 'openai-chat', 'sharegpt'] as const

type Counts = Record<string, number>
type Expected = Record<string, unknown> & { readonly perConversation: readonly Record<string, unknown>[] }

/** Counts that no import can give, with the reason. They are in docs/importing.md too. */
const NOT_TAKEN: Readonly<Record<string, string>> = {
  'chatgpt: id, title of a conversation without mapping': 'nothing was said in it, so there is no session',
  'chatgpt: tree.nodes, roots and dangling of one conversation':
    'nodes without a message are no messages; their sums over the file are in the report',
}

const files: readonly (readonly [string, Expected])[] = (
  await Promise.all(
    FORMATS.map(async (format) => {
      const path = join(CORPUS, format, 'expected.json')
      if (!existsSync(path)) return []
      const expected = JSON.parse(await readFile(path, 'utf8')) as { files: Record<string, Expected> }
      return Object.entries(expected.files).map(([name, counts]) => [`${format}/${name}`, counts] as const)
    }),
  )
).flat()
const names = files.map(([name]) => name)

describe.skipIf(names.length === 0)('the corpus', () => {
  const read = new Set<string>()
  let root: string
  beforeAll(async () => {
    root = await mkdtemp(join(tmpdir(), 'foldlog-corpus-'))
  })
  afterAll(async () => {
    await rm(root, { recursive: true, force: true })
    const skipped = Object.entries(NOT_TAKEN).map(([name, reason]) => `${name} (${reason})`)
    console.info(`${read.size} of ${names.length} files read; counts not taken: ${skipped.join(', ')}`)
  })

  test.each(files)('%s gives every expected count', async (name, expected) => {
    await using store = await openStore(memoryBackend())
    const report = await importSessions(store, join(CORPUS, name))
    expect(report.unknown).toEqual([])
    const [file] = report.files
    expect(file!.format).toBe(name.split('/')[0])
    expect(file!.unreadable).toEqual([])
    if (file!.format === 'chatgpt') await expectChatGPT(store, file!, expected)
    else {
      expect(file!.sessions).toHaveLength(expected['conversations'] as number)
      if (expected['lines'] !== undefined && expected['lines'] !== null) expect(file!.lines).toEqual(expected['lines'])
      const sessions = await sessionsOf(store, report)
      const counted = file!.format === 'sharegpt' ? shareGPTCounts : openAIChatCounts
      expect(await Promise.all(sessions.map(counted))).toEqual(expected.perConversation)
    }
    for (const session of await sessionsOf(store, report)) await isClean(session)
    read.add(name)
  })

  test('all files of expected.json were read', () => {
    expect(names.length).toBe(8)
    expect(names.filter((name) => !read.has(name))).toEqual([])
  })

  test.each(names)('%s folds to the same state in whatever order its lines come', async (name) => {
    await using store = await openStore(memoryBackend())
    const report = await importSessions(store, join(CORPUS, name))
    for (const session of await sessionsOf(store, report)) await foldsTheSameShuffled(session)
  })

  test('a second import changes no byte, and two people get the same bytes from different folders', async () => {
    const elsewhere = join(root, 'elsewhere')
    for (const format of FORMATS) await cp(join(CORPUS, format), join(elsewhere, format), { recursive: true })
    const [one, two] = [join(root, 'one'), join(root, 'two')]
    const folders = FORMATS.map((format) => join(CORPUS, format))
    await using store = await openStore(one, { fsync: 'never' })
    const first = await importSessions(store, folders)
    const before = await bytesBelow(one)
    const second = await importSessions(store, folders)
    expect(second.totals).toMatchObject({ added: 0, known: first.totals.added + first.totals.known, failures: 0 })
    expect(await bytesBelow(one)).toEqual(before)
    await using other = await openStore(two, { fsync: 'never' })
    await importSessions(other, elsewhere)
    expect(await bytesBelow(two)).toEqual(before)
    for await (const found of store.fsck()) {
      expect(found).toMatchObject({ damage: [], findings: [], duplicateCount: 0, untidyCount: 0 })
      expect(found.problem).toBeUndefined()
    }
  })
})

async function expectChatGPT(store: Store, file: FileReport, expected: Expected): Promise<void> {
  const told = expected.perConversation.filter((each) => each['mapping'] === true)
  expect(file.recordsByType['conversation']).toBe(expected['conversations'])
  expect(file.dropped['conversation']?.records ?? 0).toBe(expected['withoutMapping'])
  expect(file.sessions).toHaveLength(told.length)
  const trees = told.map((each) => each['tree'] as Counts)
  for (const name of ['nodes', 'roots', 'dangling', 'leaves', 'branchPoints'] as const) {
    expect(file.links![name]).toBe(trees.reduce((sum, tree) => sum + tree[name]!, 0))
  }
  expect(file.dropped['(none)']?.records).toBe(file.links!.nodes - sum(file.sessions.map(({ messages }) => messages)))
  for (const [index, { sessionId }] of file.sessions.entries()) {
    const session = (await store.get(sessionId))!
    const { nodes: _nodes, roots: _roots, dangling: _dangling, ...tree } = trees[index]!
    expect(await chatGPTCounts(session)).toEqual({ ...told[index], tree })
  }
}

async function chatGPTCounts(session: Session): Promise<object> {
  const messages = await session.messages({ all: true })
  const { info } = session
  const path = await session.messages()
  const times = (await eventsOf(session)).filter(({ type }) => type === 'message.created').map(({ time }) => time)
  const models = messages.map(({ model }) => model)
  return {
    id: info.source!.id,
    title: info.title,
    mapping: true,
    tree: await treeOf(session),
    messages: countBy(messages.map(({ role }) => role)),
    hidden: messages.filter(({ audience }) => audience === 'model').length,
    contentTypes: countBy(messages.map((message) => metadataOf(message, 'chatgpt')['contentType'] ?? 'text')),
    toolCalls: partsIn(messages).filter(({ type }) => type === 'tool-call').length,
    toolMessages: partsIn(messages).filter(({ type }) => type === 'tool-result').length,
    unfinished: messages.filter(({ statusMessage }) => statusMessage === 'in_progress').length,
    currentNodeFound: path.at(-1)?.id === info.head,
    activePathMessages: path.length,
    models: [...new Set([info.model, ...models].filter((model) => model !== undefined))].sort(),
    time: { first: times.toSorted()[0], last: times.toSorted().at(-1) },
  }
}

async function openAIChatCounts(session: Session): Promise<object> {
  const all = await session.messages({ all: true })
  const messages = all.filter(({ source }) => !source!.id.startsWith('response'))
  const parts = partsIn(messages)
  const calls = parts.filter((part) => part.type === 'tool-call').map(({ callId }) => callId)
  const results = parts.filter((part) => part.type === 'tool-result')
  const answered = new Set(results.map(({ callId }) => callId))
  const listed = [...parts, ...results.flatMap(({ content }) => content ?? [])].filter(({ id }) => /^\d+$/.test(id))
  const usage = all.find((message) => message.usage !== undefined)?.usage
  return {
    messages: countBy(messages.map(({ role }) => role)),
    toolCalls: calls.length,
    toolResults: results.length,
    callsWithoutResult: calls.filter((id) => !answered.has(id)).length,
    resultsWithoutCall: [...answered].filter((id) => !calls.includes(id)).length,
    nullContents: messages.filter(({ parts }) => parts.every(({ type }) => type === 'tool-call')).length,
    contentParts: countBy(listed.map(({ type }) => type)),
    usage:
      usage === undefined
        ? null
        : {
            prompt_tokens: usage.inputTokens,
            completion_tokens: usage.outputTokens,
            total_tokens: usage.totalTokens,
          },
  }
}

async function shareGPTCounts(session: Session): Promise<object> {
  const messages = await session.messages({ all: true })
  const parts = partsIn(messages)
  const calls = parts.filter((part) => part.type === 'tool-call').map(({ callId }) => callId)
  const answered = parts.filter((part) => part.type === 'tool-result').map(({ callId }) => callId)
  const record = (await eventsOf(session)).find(({ type }) => type === 'sharegpt.record')?.data as
    | { tools?: string }
    | undefined
  return {
    turns: countBy(messages.map(wordOf)),
    observationsWithoutCall: answered.filter((id) => !calls.includes(id)).length,
    callsWithoutObservation: calls.filter((id) => !answered.includes(id)).length,
    images: parts.filter((part) => part.type === 'file' && part.mediaType.startsWith('image/')).length,
    tools: (JSON.parse(record?.tools ?? '[]') as unknown[]).length,
    alternatives: session.info.branchCount - 1,
  }
}

/** The source's word for who speaks: what is not kept is what ShareGPT itself says. */
function wordOf(message: Message): string {
  const word = metadataOf(message, 'sharegpt')['from']
  if (typeof word === 'string') return word
  if (message.role === 'tool') return 'observation'
  if (message.parts.some(({ type }) => type === 'tool-call')) return 'function_call'
  return { system: 'system', user: 'human', assistant: 'gpt' }[message.role]
}

/** Leaves and branch points as readers see them: the message before each message, by the path through it. */
async function treeOf(session: Session): Promise<Counts> {
  const messages = await session.messages({ all: true })
  const children: Counts = {}
  for (const { id } of messages) {
    const path = (await session.messages({ branch: id })).map((message) => message.id)
    const parent = path[path.indexOf(id) - 1] ?? ''
    children[parent] = (children[parent] ?? 0) + 1
  }
  return {
    leaves: messages.filter(({ id }) => children[id] === undefined).length,
    branchPoints: Object.values(children).filter((count) => count > 1).length,
  }
}

function metadataOf({ metadata }: Message, format: string): Record<string, string> {
  return (metadata?.[format] ?? {}) as Record<string, string>
}

function partsIn(messages: readonly Message[]): readonly Part[] {
  return messages.flatMap(({ parts }) => parts)
}

function countBy(names: readonly string[]): Counts {
  const counts: Counts = {}
  for (const name of names) counts[name] = (counts[name] ?? 0) + 1
  return counts
}

function sum(counts: readonly number[]): number {
  return counts.reduce((total, count) => total + count, 0)
}

async function sessionsOf(store: Store, report: ImportReport): Promise<Session[]> {
  const ids = new Set(report.files.flatMap((file) => file.sessions.map(({ sessionId }) => sessionId)))
  return Promise.all([...ids].map(async (id) => (await store.get(id))!))
}
