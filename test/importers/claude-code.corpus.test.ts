/**
 * The Claude Code importer against real transcripts, whose counts are known (`expected.json`).
 *
 * The corpus lies in `$FOLDLOG_CORPUS`, or in `../shared/data` beside the project; without it these tests are skipped.
 * No count is taken from the source here: everything comes from the imported sessions, read through the public API,
 * and from the import's report.
 */
import { cp, mkdtemp, readFile, readdir, rm, writeFile } from 'node:fs/promises'
import { existsSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { importClaudeCode, importSessions, type FileReport, type ImportReport } from '../../src/importers/index.ts'
import { memoryBackend, openStore, type Message, type Part, type Session, type Store } from '../../src/index.ts'

const CORPUS = resolve(
  process.env['FOLDLOG_CORPUS'] ?? resolve(import.meta.dirname, '../../../shared/data'),
  'claude-code',
)

type Counts = Record<string, number>
interface Tree {
  readonly nodes: number
  readonly roots: number
  readonly leaves: number
  readonly branchPoints: number
}
/** What `expected.json` says of a file; defined in the README of the corpus. */
interface Expected {
  readonly lines: Counts
  readonly recordsByType: Counts
  readonly sessionIds: readonly string[]
  readonly versions: readonly string[]
  readonly agentIds: readonly string[]
  readonly cwds: readonly string[]
  readonly gitBranches: readonly string[]
  readonly title: string | null
  readonly messages: Counts
  readonly blocks: Counts
  readonly stringContents: number
  readonly toolCalls: number
  readonly toolResults: number
  readonly callsWithoutResult: number
  readonly resultsWithoutCall: number
  readonly toolErrors: number
  readonly images: number
  readonly sidechainRecords: number
  readonly compactBoundaries: number
  readonly duplicateUuids: number
  readonly tree: { readonly records: Tree & { readonly dangling: number }; readonly conversation: Tree }
  readonly tokens: Counts
  readonly models: readonly string[]
  readonly time: { readonly first: string | null; readonly last: string | null }
}

/** Counts that an import cannot give, with the reason. All of them can be taken today. */
const NOT_TAKEN: Readonly<Partial<Record<keyof Expected, string>>> = {}
/** Where the counts come from that are not in the sessions. */
const FROM_REPORT =
  'lines, recordsByType, duplicateUuids, sidechainRecords, tree.records; and of records that say again what an earlier one says, messages and blocks'

const expected: Readonly<Record<string, Expected>> = existsSync(CORPUS)
  ? (JSON.parse(await readFile(join(CORPUS, 'expected.json'), 'utf8')) as { files: Record<string, Expected> }).files
  : {}
const names = Object.keys(expected)

describe.skipIf(!existsSync(CORPUS))('the corpus', () => {
  const read = new Set<string>()
  let root: string
  beforeAll(async () => {
    root = await mkdtemp(join(tmpdir(), 'foldlog-corpus-'))
  })
  afterAll(async () => {
    await rm(root, { recursive: true, force: true })
    const skipped = Object.entries(NOT_TAKEN).map(([name, reason]) => `${name} (${reason})`)
    console.info(
      `claude-code corpus: ${read.size} of ${names.length} files read; counts not taken: ${skipped.join(', ') || 'none'}; from the report: ${FROM_REPORT}`,
    )
  })

  test.each(names)('%s gives every expected count', async (name) => {
    await using store = await openStore(memoryBackend())
    const report = await importClaudeCode(store, join(CORPUS, name))
    expect(report.files).toHaveLength(1)
    const counted = await countsOf(store, report.files[0]!)
    for (const [field, value] of Object.entries(expected[name]!)) {
      if (!(field in NOT_TAKEN)) expect.soft(counted[field as keyof Expected], `${name}: ${field}`).toEqual(value)
    }
    for (const session of await sessionsOf(store, report)) {
      expect(await session.damage()).toEqual([])
      expect(await session.findings()).toEqual([])
      const seen = (await session.context()).flatMap(({ parts }) => parts)
      const called = seen.filter((part) => part.type === 'tool-call').map(({ callId }) => callId)
      const answered = seen.filter((part) => part.type === 'tool-result').map(({ callId }) => callId)
      expect(answered.sort()).toEqual(called.sort())
    }
    read.add(name)
  })

  test('all files of expected.json were read', () => {
    expect(names.length).toBeGreaterThan(0)
    expect(names.filter((name) => !read.has(name))).toEqual([])
  })

  test('each file is recognized by its content', async () => {
    await using store = await openStore(memoryBackend())
    const paths = names.map((name) => join(CORPUS, name)).sort()
    const report = await importSessions(store, paths)
    expect(report.unknown).toEqual([])
    expect(report.files.map(({ path, format }) => [path, format])).toEqual(paths.map((path) => [path, 'claude-code']))
  })

  test('a second import adds nothing and changes no byte', async () => {
    const place = join(root, 'twice')
    await using store = await openStore(place, { fsync: 'never' })
    const first = await importClaudeCode(store, CORPUS)
    const before = await bytesBelow(place)
    const second = await importClaudeCode(store, CORPUS)
    expect(second.totals.added).toBe(0)
    expect(second.totals.known).toBe(first.totals.added + first.totals.known)
    expect(await bytesBelow(place)).toEqual(before)
  })

  test('two people who import from different folders get the same bytes', async () => {
    const elsewhere = join(root, 'elsewhere', 'deeper')
    await cp(CORPUS, elsewhere, { recursive: true })
    const [one, two] = [join(root, 'one'), join(root, 'two')]
    for (const [place, source] of [
      [one, CORPUS],
      [two, elsewhere],
    ] as const) {
      await using store = await openStore(place, { fsync: 'never' })
      await importClaudeCode(store, source)
    }
    const bytes = await bytesBelow(one)
    expect(bytes.size).toBeGreaterThan(names.length / 2)
    expect(await bytesBelow(two)).toEqual(bytes)
  })

  test.each(names)('%s folds to the same state in whatever order its lines come', async (name) => {
    await using store = await openStore(memoryBackend())
    const report = await importClaudeCode(store, join(CORPUS, name))
    for (const session of await sessionsOf(store, report)) {
      const lines = await eventsOf(session)
      for (const seed of [1, 2]) {
        await using other = await openStore(memoryBackend())
        const [first, ...rest] = lines
        await other.merge(session.id, [first!])
        for (const line of shuffled(rest, seed)) await other.merge(session.id, [line])
        const twin = (await other.get(session.id))!
        expect(await twin.messages({ all: true })).toEqual(await session.messages({ all: true }))
        expect(await twin.messages()).toEqual(await session.messages())
        expect(twin.info).toEqual(session.info)
      }
    }
  })

  test.each(names)('%s, imported before it was finished, converges with the whole', async (name) => {
    const bytes = await readFile(join(CORPUS, name))
    await using whole = await openStore(memoryBackend())
    const report = await importClaudeCode(whole, join(CORPUS, name))
    for (const share of [0.2, 0.5, 0.8]) {
      const cut = join(root, 'cut.jsonl')
      await writeFile(cut, bytes.subarray(0, Math.floor(bytes.length * share)))
      await using grown = await openStore(memoryBackend())
      const begun = await importClaudeCode(grown, cut)
      for (const session of await sessionsOf(grown, begun)) {
        // What says where the file ended is said anew; everything else stays as it was.
        const lines = (await eventsOf(session)).filter(({ type }) => type !== 'session.updated')
        const all = await eventsOf((await whole.get(session.id))!)
        expect(all).toEqual(expect.arrayContaining(lines))
      }
      await importClaudeCode(grown, join(CORPUS, name))
      expect((await grown.list({ archived: 'all', limit: 1000 })).items).toHaveLength(report.totals.sessions)
      for (const session of await sessionsOf(whole, report)) {
        const twin = (await grown.get(session.id))!
        expect(await twin.findings()).toEqual([])
        expect(await twin.messages({ all: true })).toEqual(await session.messages({ all: true }))
        expect(await twin.messages()).toEqual(await session.messages())
        expect(twin.info).toEqual(session.info)
      }
    }
  })

  test('a cut copy of a transcript is the same session as the whole one', async () => {
    await using store = await openStore(memoryBackend())
    const cut = await importClaudeCode(store, join(CORPUS, 'cut/5ed31c36.cut.jsonl'))
    const whole = await importClaudeCode(store, join(CORPUS, 'website/5ed31c36-bca8-40fd-8d24-f1a1f0af7901.jsonl'))
    expect(whole.files[0]!.sessions[0]!.sessionId).toBe(cut.files[0]!.sessions[0]!.sessionId)
    // All but the last event of the cut copy, which says where it ended.
    expect(whole.totals.known).toBe(cut.totals.added - 1)
    const [session] = await sessionsOf(store, whole)
    expect(await session!.messages()).toHaveLength(6)
  })

  test('sub-agents in files of their own have the call that started them as parent', async () => {
    await using store = await openStore(memoryBackend())
    const report = await importClaudeCode(store, join(CORPUS, 'worktrees'))
    const main = report.files.find(({ path }) => !path.includes('subagents'))!.sessions[0]!.sessionId
    const { items } = await store.list({ parentId: main })
    expect(items).toHaveLength(6)
    const parent = (await store.get(main))!
    for (const { parent: link, rootId } of items) {
      const message = await parent.message(link!.messageId!)
      const call = message!.parts.find((part) => part.type === 'tool-call' && part.callId === link!.callId)
      expect(call).toMatchObject({ name: 'Agent' })
      expect(rootId).toBe(main)
    }
  })
})

/** Every count of `expected.json`, from the sessions of a file and from its report. */
async function countsOf(store: Store, file: FileReport): Promise<Expected> {
  const sessions = await Promise.all(file.sessions.map(async ({ sessionId }) => (await store.get(sessionId))!))
  const main = sessions[0]
  const messages = (await Promise.all(sessions.map((session) => session.messages({ all: true })))).flat()
  const system = (await Promise.all(sessions.map(eventsOf))).flat().filter(({ type }) => type === 'claude-code.system')
  const facts = (main?.info.metadata['claude-code'] ?? {}) as unknown as Partial<
    Record<string, readonly string[] & string>
  >
  const users = messages.filter(({ role }) => role === 'user')
  const summaries = users.filter(({ parts }) => parts.some(({ type }) => type === 'compaction'))
  const meta = users.filter((message) => message.metadata?.['isMeta'] === true && !summaries.includes(message))
  const answers = messages.filter(({ role }) => role === 'assistant')
  const blocks = messages.flatMap(({ parts }) => parts.filter((part) => blockTypeOf(part) !== undefined))
  const calls = new Set(blocks.flatMap((part) => (part.type === 'tool-call' ? [part.callId] : [])))
  const results = blocks.filter((part) => part.type === 'tool-result')
  const answered = new Set(results.map(({ callId }) => callId))
  const repeated = (label: string): number => file.dropped[`repeat:${label}`]?.records ?? 0
  return {
    lines: { ...file.lines },
    recordsByType: file.recordsByType,
    sessionIds: facts['sessionIds'] ?? [],
    versions: facts['versions'] ?? [],
    agentIds: facts['agentIds'] ?? [],
    cwds: facts['cwds'] ?? [],
    gitBranches: facts['gitBranches'] ?? [],
    title: main?.info.title ?? null,
    messages: {
      userPrompts: users.length - meta.length - summaries.length,
      userMeta: meta.length,
      compactSummaries: summaries.length,
      toolResultRecords: new Set(results.map(recordOf)).size,
      assistantRecords:
        new Set(answers.flatMap(({ parts }) => parts.filter(isContent).map(recordOf))).size + repeated('assistant'),
      assistantMessages: answers.length,
      system: system.length,
    },
    blocks: countBy([...blocks.map((part) => blockTypeOf(part)!), ...repeatedBlocks(file)]),
    stringContents: messages.flatMap(({ parts }) => parts).filter((part) => isContent(part) && !isBlock(part)).length,
    toolCalls: calls.size,
    toolResults: answered.size,
    callsWithoutResult: [...calls].filter((id) => !answered.has(id)).length,
    resultsWithoutCall: [...answered].filter((id) => !calls.has(id)).length,
    toolErrors: results.filter(({ error }) => error !== undefined).length,
    images: blocks.reduce((sum, part) => sum + imagesIn(part), 0),
    sidechainRecords: file.sidechainRecords!,
    compactBoundaries: system.filter(({ data }) => (data as { subtype?: string }).subtype === 'compact_boundary')
      .length,
    duplicateUuids: file.duplicateUuids!,
    tree: { records: file.links!, conversation: await treeOf(sessions) },
    tokens: tokensOf(sessions),
    models: facts['models'] ?? [],
    time: { first: facts['firstTime'] ?? null, last: facts['lastTime'] ?? null },
  }
}

/** A part of a block is named `<record>:<index>`, one of a plain text only after its record. */
function isBlock(part: Part): boolean {
  return /:\d+$/.test(part.id)
}

/** Queued prompts are not content of the record they are shown with. */
function isContent(part: Part): boolean {
  return !(part.type === 'data' && part.name === 'claude-code.queued-prompt')
}

function recordOf(part: Part): string {
  return part.id.replace(/:\d+$/, '')
}

function blockTypeOf(part: Part): string | undefined {
  if (!isBlock(part)) return undefined
  switch (part.type) {
    case 'text':
    case 'compaction':
      return 'text'
    case 'reasoning':
      return part.encrypted === undefined ? 'thinking' : 'redacted_thinking'
    case 'tool-call':
      return 'tool_use'
    case 'tool-result':
      return 'tool_result'
    case 'file':
      return part.mediaType.startsWith('image/') ? 'image' : 'document'
    case 'data':
      return isContent(part) ? (part.data as { type: string }).type : undefined
  }
}

function imagesIn(part: Part): number {
  if (part.type !== 'tool-result') return Number(blockTypeOf(part) === 'image')
  const content = part.content?.filter((each) => each.type === 'file') ?? []
  const output = Array.isArray(part.output) ? (part.output as { type?: string }[]) : []
  return content.length + output.filter(({ type }) => type === 'image').length
}

function repeatedBlocks(file: FileReport): string[] {
  const repeats = Object.entries(file.dropped).filter(([label]) => label.startsWith('repeat:'))
  const blocks = repeats.flatMap(([, { blocks = {} }]) => Object.entries(blocks))
  return blocks.flatMap(([type, count]) => Array.from({ length: count }, () => type))
}

/** The tree as readers see it: the message before each message, by the path through it. */
async function treeOf(sessions: readonly Session[]): Promise<Tree> {
  const tree = { nodes: 0, roots: 0, leaves: 0, branchPoints: 0 }
  for (const session of sessions) {
    const isNode = new Set((await session.messages({ all: true })).filter(isIdentified).map(({ id }) => id))
    const children = new Map<string, number>()
    for (const id of isNode) {
      const path = (await session.messages({ branch: id })).map((message) => message.id)
      const parent = path.slice(0, path.indexOf(id)).findLast((each) => isNode.has(each))
      if (parent === undefined) tree.roots++
      else children.set(parent, (children.get(parent) ?? 0) + 1)
      const siblings = (await session.siblings(id)).filter((each) => isNode.has(each.id))
      if (isNode.size === session.info.messageCount && parent !== undefined) {
        expect(siblings.map((each) => each.id)).toContain(id)
      }
    }
    tree.nodes += isNode.size
    tree.leaves += [...isNode].filter((id) => !children.has(id)).length
    tree.branchPoints += [...children.values()].filter((count) => count > 1).length
    if (isNode.size === session.info.messageCount) {
      expect(session.info.branchCount).toBe([...isNode].filter((id) => !children.has(id)).length)
    }
  }
  return tree
}

/** The corpus counts only records that have a uuid of their own as nodes. */
function isIdentified(message: Message): boolean {
  return !message.parts[0]!.id.startsWith('#')
}

function tokensOf(sessions: readonly Session[]): Counts {
  const sum = (of: (session: Session) => number): number => sessions.reduce((total, each) => total + of(each), 0)
  const cacheWrite = sum(({ info }) => info.usage.cacheWriteTokens ?? 0)
  const cacheRead = sum(({ info }) => info.usage.cachedInputTokens ?? 0)
  return {
    input: sum(({ info }) => info.usage.inputTokens ?? 0) - cacheWrite - cacheRead,
    output: sum(({ info }) => info.usage.outputTokens ?? 0),
    cacheWrite,
    cacheRead,
  }
}

function countBy(names: readonly string[]): Counts {
  const counts: Counts = {}
  for (const name of names) counts[name] = (counts[name] ?? 0) + 1
  return counts
}

async function sessionsOf(store: Store, report: ImportReport): Promise<Session[]> {
  const ids = new Set(report.files.flatMap((file) => file.sessions.map(({ sessionId }) => sessionId)))
  return Promise.all([...ids].map(async (id) => (await store.get(id))!))
}

async function eventsOf(session: Session): Promise<{ id: string; type: string; time: string; data: never }[]> {
  const events: { id: string; type: string; time: string; data: never }[] = []
  for await (const { id, type, time, data } of session.events()) events.push({ id, type, time, data: data as never })
  return events
}

async function bytesBelow(directory: string): Promise<Map<string, string>> {
  const entries = await readdir(directory, { withFileTypes: true, recursive: true })
  const files = entries.filter((entry) => entry.isFile() && !entry.parentPath.includes('.cache'))
  const paths = files.map((entry) => join(entry.parentPath, entry.name)).sort()
  return new Map(
    await Promise.all(
      paths.map(async (path) => [path.slice(directory.length), await readFile(path, 'base64')] as const),
    ),
  )
}

/** A permutation that is the same every time. */
function shuffled<T>(items: readonly T[], seed: number): T[] {
  const out = [...items]
  let state = seed
  for (let i = out.length - 1; i > 0; i--) {
    state = (state * 48271) % 2147483647
    const j = state % (i + 1)
    ;[out[i], out[j]] = [out[j]!, out[i]!]
  }
  return out
}
