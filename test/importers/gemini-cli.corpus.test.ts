/**
 * The Gemini CLI importer against real sessions, whose counts are known (`expected.json`).
 *
 * The corpus lies in `$FOLDLOG_CORPUS`, or in `../shared/data` beside the project; without it these tests are skipped.
 * No count is taken from the source here: everything comes from the imported sessions, read through the public API,
 * and from the import's report.
 */
import { existsSync } from 'node:fs'
import { cp, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { importGeminiCli, importSessions, type FileReport } from '../../src/importers/index.ts'
import { memoryBackend, openStore, type Message, type Session, type Store } from '../../src/index.ts'
import { bytesBelow, countBy, eventsOf, expectSame, expectSound, sessionsOf } from './soundness.ts'

const CORPUS = resolve(
  process.env['FOLDLOG_CORPUS'] ?? resolve(import.meta.dirname, '../../../shared/data'),
  'gemini-cli',
)

type Counts = Readonly<Record<string, number>>
/** What `expected.json` says of a file; defined in the README of the corpus. */
interface Expected {
  readonly lines: Counts | null
  readonly recordKinds: Counts | null
  readonly sessionId: string | null
  readonly projectHash: string | null
  readonly startTime: string | null
  readonly lastUpdated: string | null
  readonly summary: string | null
  readonly kind: string | null
  readonly messages: Counts
  readonly toolCalls: number
  readonly toolsByStatus: Counts
  readonly toolsByName: Counts
  readonly callsWithoutResult: number
  readonly thoughts: number
  readonly tokens: Counts
  readonly models: readonly string[]
  readonly time: { readonly first: string | null; readonly last: string | null }
}

/** A document without an id and without messages makes no session, so nothing is left to take these from. */
const NO_SESSION = 'json/sampler-schema_drift.json'
const NOT_TAKEN: ReadonlySet<string> = new Set(['lastUpdated', 'summary'])

const expected: Readonly<Record<string, Expected>> = existsSync(CORPUS)
  ? (JSON.parse(await readFile(join(CORPUS, 'expected.json'), 'utf8')) as { files: Record<string, Expected> }).files
  : {}
const names = Object.keys(expected)
const own = names.filter((name) => name !== NO_SESSION)

describe.skipIf(!existsSync(CORPUS))('the corpus of Gemini CLI', () => {
  const read = new Set<string>()
  let root: string
  beforeAll(async () => {
    root = await mkdtemp(join(tmpdir(), 'foldlog-corpus-'))
  })
  afterAll(async () => {
    await rm(root, { recursive: true, force: true })
    console.info(
      `gemini-cli corpus: ${read.size} of ${names.length} files read; counts not taken: ${[...NOT_TAKEN].join(', ')} of ${NO_SESSION} (it makes no session)`,
    )
  })

  test.each(names)('%s gives every expected count', async (name) => {
    await using store = await openStore(memoryBackend())
    const report = await importGeminiCli(store, join(CORPUS, name))
    expect(report.files).toHaveLength(1)
    const counted = await countsOf(store, report.files[0]!)
    for (const [field, value] of Object.entries(expected[name]!)) {
      if (name === NO_SESSION && NOT_TAKEN.has(field)) continue
      expect.soft(counted[field as keyof Expected], `${name}: ${field}`).toEqual(value)
    }
    for (const session of await sessionsOf(store, report)) await expectSound(store, session)
    read.add(name)
  })

  test('all files of expected.json were read', () => {
    expect(names.length).toBeGreaterThan(0)
    expect(names.filter((name) => !read.has(name))).toEqual([])
  })

  test('the whole folder is found by what is in it', async () => {
    await using store = await openStore(memoryBackend())
    const report = await importSessions(store, CORPUS)
    expect(report.formats).toEqual(['gemini-cli'])
    expect(report.files.map(({ path }) => path.slice(CORPUS.length + 1))).toEqual([...own].sort())
    expect(report.unknown.map(({ path }) => path.slice(CORPUS.length + 1))).toEqual(['expected.json', NO_SESSION])
    expect(report.totals).toMatchObject({ sessions: own.length, malformed: 0, failures: 0 })
  })

  test('a second import adds nothing and changes no byte', async () => {
    const place = join(root, 'twice')
    await using store = await openStore(place, { fsync: 'never' })
    const first = await importGeminiCli(store, CORPUS)
    const before = await bytesBelow(place)
    const second = await importGeminiCli(store, CORPUS)
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
      await importGeminiCli(store, source)
    }
    expect((await bytesBelow(one)).size).toBeGreaterThanOrEqual(own.length)
    expect(await bytesBelow(two)).toEqual(await bytesBelow(one))
  })

  test.each(own)('%s, imported while it was going on, converges with the whole', async (name) => {
    await using whole = await openStore(memoryBackend())
    const report = await importGeminiCli(whole, join(CORPUS, name))
    const [session] = await sessionsOf(whole, report)
    const text = await readFile(join(CORPUS, name), 'utf8')
    for (const begun of begunCopies(name, text)) {
      const path = join(root, 'begun', name.endsWith('l') ? 'begun.jsonl' : 'begun.json')
      await cp(join(CORPUS, name), path)
      await writeFile(path, begun)
      await using grown = await openStore(memoryBackend())
      await importGeminiCli(grown, path)
      const before = await eventsOf((await grown.get(session!.id))!)
      await importGeminiCli(grown, join(CORPUS, name))
      expect((await grown.list({ archived: 'all' })).items).toHaveLength(1)
      const twin = (await grown.get(session!.id))!
      expect((await eventsOf(twin)).length).toBeGreaterThan(before.length)
      await expectSame(twin, session!)
    }
  })
})

/** The file as it was before, after each message but the last. */
function begunCopies(name: string, text: string): string[] {
  if (name.endsWith('.jsonl')) {
    const lines = text.trim().split('\n')
    const ends = lines.flatMap((line, at) => (line.startsWith('{"id"') && at < lines.length - 1 ? [at + 1] : []))
    return ends.map((end) => `${lines.slice(0, end).join('\n')}\n`)
  }
  const document = JSON.parse(text) as { messages: { timestamp: string }[] }
  return document.messages.slice(1).map((_, at) => {
    const messages = document.messages.slice(0, at + 1)
    return JSON.stringify({ ...document, lastUpdated: messages[at]!.timestamp, messages })
  })
}

/** Every count of `expected.json`, from the sessions of a file and from its report. */
async function countsOf(store: Store, file: FileReport): Promise<Expected> {
  const [written] = file.sessions
  const session = written === undefined ? undefined : await store.get(written.sessionId)
  const messages = session === undefined ? [] : await session.messages()
  const header = (session?.info.metadata['gemini-cli'] ?? {}) as Partial<Record<keyof Expected, string>>
  const parts = messages.flatMap((message) => message.parts)
  const calls = parts.filter((part) => part.type === 'tool-call')
  const answered = new Set(parts.flatMap((part) => (part.type === 'tool-result' ? [part.callId] : [])))
  const times = messages.map(({ time }) => time.created)
  const isOfLines = file.path.endsWith('.jsonl')
  return {
    lines: isOfLines ? { ...file.lines } : null,
    recordKinds: isOfLines ? kindsOf(file) : null,
    sessionId: sourceIdOf(session),
    projectHash: header.projectHash ?? null,
    startTime: header.startTime ?? null,
    lastUpdated: header.lastUpdated ?? null,
    summary: session?.info.title ?? null,
    kind: header.kind ?? null,
    messages: countBy(messages.map(typeOf)),
    toolCalls: calls.length,
    toolsByStatus: countBy(calls.map(({ status }) => STATUSES[status ?? '']!)),
    toolsByName: countBy(calls.map(({ name }) => name)),
    callsWithoutResult: calls.filter(({ callId }) => !answered.has(callId)).length,
    thoughts: parts.filter(({ type }) => type === 'reasoning').length,
    tokens: tokensOf(messages),
    models: [...new Set(messages.flatMap(({ model }) => model ?? []))].sort(),
    time: {
      first: times.length === 0 ? null : new Date(Math.min(...times)).toISOString(),
      last: times.length === 0 ? null : new Date(Math.max(...times)).toISOString(),
    },
  }
}

const STATUSES: Readonly<Record<string, string>> = { completed: 'success', failed: 'error', cancelled: 'cancelled' }
const TYPES: Readonly<Record<string, string>> = { user: 'user', assistant: 'gemini' }

function sourceIdOf(session: Session | undefined): string | null {
  return session?.info.source?.id ?? null
}

/** What Gemini CLI calls a message: what foldlog has no role for says it. */
function typeOf({ role, metadata }: Message): string {
  return (metadata?.['type'] as string | undefined) ?? TYPES[role]!
}

/** In the words of the corpus, where the records of messages are one kind. */
function kindsOf({ recordsByType }: FileReport): Counts {
  const { header = 0, $set: set = 0, $rewindTo: rewind = 0, ...types } = recordsByType
  const message = Object.values(types).reduce((sum, count) => sum + count, 0)
  return Object.fromEntries(Object.entries({ header, message, set, rewind }).filter(([, count]) => count > 0))
}

/** By Gemini's own definition: thoughts are counted apart from the output, prompts of tools apart from the input. */
function tokensOf(messages: readonly Message[]): Counts {
  const sum = (of: (message: Message) => number | undefined): number =>
    messages.reduce((total, message) => total + (of(message) ?? 0), 0)
  const tool = sum(({ metadata }) => metadata?.['toolTokens'] as number | undefined)
  const thoughts = sum(({ usage }) => usage?.reasoningTokens)
  return {
    input: sum(({ usage }) => usage?.inputTokens) - tool,
    output: sum(({ usage }) => usage?.outputTokens) - thoughts,
    cached: sum(({ usage }) => usage?.cachedInputTokens),
    thoughts,
    tool,
    total: sum(({ usage }) => usage?.totalTokens),
  }
}
