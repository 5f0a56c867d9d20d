/**
 * The opencode importer against real sessions, whose counts are known (`expected.json`).
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
import { importOpencode, importSessions, type FileReport } from '../../src/importers/index.ts'
import { memoryBackend, openStore, type Message, type Part, type Session, type Store } from '../../src/index.ts'
import { bytesBelow, countBy, eventsOf, expectSame, expectSound, sessionsOf } from './soundness.ts'

const CORPUS = resolve(
  process.env['FOLDLOG_CORPUS'] ?? resolve(import.meta.dirname, '../../../shared/data'),
  'opencode',
)

type Counts = Readonly<Record<string, number>>
/** What `expected.json` says of a session; defined in the README of the corpus. */
interface Expected {
  readonly sessionId: string
  readonly title: string | null
  readonly version: string
  readonly parentId: string | null
  readonly directory: string
  readonly messages: Counts
  readonly messagesWithoutParts: number
  readonly assistantErrors: number
  readonly parentsMissing: number
  readonly partsByType: Counts
  readonly syntheticTexts: number
  readonly toolCalls: number
  readonly toolsByStatus: Counts
  readonly toolsByName: Counts
  readonly tokens: Counts
  readonly cost: number
  readonly models: readonly string[]
  readonly time: { readonly first: string; readonly last: string }
  /** Of captures only. */
  readonly deleted?: boolean
  readonly textChars?: Counts
}
interface ExpectedCapture {
  readonly lines: Counts
  readonly eventsByType: Counts
  readonly sessions: Readonly<Record<string, Expected>>
}

const expected: Readonly<Record<string, Expected | ExpectedCapture>> = existsSync(CORPUS)
  ? (JSON.parse(await readFile(join(CORPUS, 'expected.json'), 'utf8')) as { files: Record<string, Expected> }).files
  : {}
const names = Object.keys(expected)
/** The sessions that lie in both layouts. */
const TWINS = names.filter((name) => name.startsWith('storage/'))

describe.skipIf(!existsSync(CORPUS))('the corpus of opencode', () => {
  const read = new Set<string>()
  let root: string
  beforeAll(async () => {
    root = await mkdtemp(join(tmpdir(), 'foldlog-corpus-'))
  })
  afterAll(async () => {
    await rm(root, { recursive: true, force: true })
    console.info(`opencode corpus: ${read.size} of ${names.length} files read; counts not taken: none`)
  })

  test.each(names)('%s gives every expected count', async (name) => {
    await using store = await openStore(memoryBackend())
    const report = await importSessions(store, join(CORPUS, name))
    expect(report.formats).toEqual(['opencode'])
    expect(report.files).toHaveLength(1)
    const counted = await countsOf(store, report.files[0]!, expected[name]!)
    for (const [field, value] of Object.entries(expected[name]!)) {
      expect.soft(counted[field], `${name}: ${field}`).toEqual(value)
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
    expect(report.files.map(({ path }) => path.slice(CORPUS.length + 1))).toEqual([...names].sort())
    expect(report.unknown.map(({ path }) => path.slice(CORPUS.length + 1))).toEqual(['expected.json'])
    expect(report.totals).toMatchObject({ sessions: names.length - TWINS.length, malformed: 0, failures: 0 })
  })

  test('a second import adds nothing and changes no byte', async () => {
    const place = join(root, 'twice')
    await using store = await openStore(place, { fsync: 'never' })
    const first = await importOpencode(store, CORPUS)
    const before = await bytesBelow(place)
    const second = await importOpencode(store, CORPUS)
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
      await importOpencode(store, source)
    }
    expect((await bytesBelow(one)).size).toBeGreaterThan(names.length - TWINS.length)
    expect(await bytesBelow(two)).toEqual(await bytesBelow(one))
  })

  test.each(TWINS)('%s is the same bytes as its export', async (name) => {
    const { sessionId } = expected[name] as Expected
    const twin = names.find((each) => each !== name && (expected[each] as Expected).sessionId === sessionId)!
    const places: Map<string, string>[] = []
    for (const source of [name, twin]) {
      const place = join(root, 'twins', source)
      await using store = await openStore(place, { fsync: 'never' })
      await importOpencode(store, join(CORPUS, source))
      places.push(await bytesBelow(place))
    }
    expect(places[0]!.size).toBeGreaterThan(0)
    expect(places[1]).toEqual(places[0])
  })

  test.each(names.filter((name) => name.startsWith('export/')))(
    '%s, imported while it was going on, converges with the whole',
    async (name) => {
      await using whole = await openStore(memoryBackend())
      const report = await importOpencode(whole, join(CORPUS, name))
      const [session] = await sessionsOf(whole, report)
      const document = JSON.parse(await readFile(join(CORPUS, name), 'utf8')) as {
        info: { time: object }
        messages: OpenMessage[]
      }
      for (let count = 1; count <= document.messages.length; count++) {
        const begun = join(root, 'begun.json')
        const messages = document.messages.slice(0, count).map(begunOf)
        const time = { ...document.info.time, updated: document.messages[count - 1]!.info.time.created }
        await writeFile(begun, JSON.stringify({ info: { ...document.info, time }, messages }))
        await using grown = await openStore(memoryBackend())
        await importOpencode(grown, begun)
        const before = await eventsOf((await grown.get(session!.id))!)
        await importOpencode(grown, join(CORPUS, name))
        expect((await grown.list({ archived: 'all' })).items).toHaveLength(1)
        const twin = (await grown.get(session!.id))!
        expect((await eventsOf(twin)).length).toBeGreaterThan(before.length)
        await expectSame(twin, session!)
      }
    },
  )
})

interface OpenMessage {
  readonly info: { readonly role: string; readonly time: { readonly created: number } }
  readonly parts: readonly { readonly type: string }[]
}

/** An answer as it was before it ended. */
function begunOf(message: OpenMessage, index: number, all: readonly OpenMessage[]): object {
  if (index < all.length - 1 || message.info.role === 'user') return message
  const { created } = message.info.time
  const { finish: _, error: __, ...info } = message.info as OpenMessage['info'] & { finish?: string; error?: object }
  const tokens = { input: 0, output: 0, reasoning: 0, cache: { read: 0, write: 0 } }
  return { info: { ...info, tokens, time: { created } }, parts: message.parts.slice(0, 1) }
}

/** Every count of `expected.json`, from the sessions of a file and from its report. */
async function countsOf(
  store: Store,
  file: FileReport,
  as: Expected | ExpectedCapture,
): Promise<Readonly<Record<string, unknown>>> {
  const sessions = await Promise.all(file.sessions.map(async ({ sessionId }) => (await store.get(sessionId))!))
  if (!('sessions' in as)) {
    expect(sessions).toHaveLength(1)
    return { ...(await sessionCounts(sessions[0]!)) }
  }
  const counted: Record<string, Expected> = {}
  for (const session of sessions) counted[session.info.source!.id] = await captureCounts(session)
  return { lines: { ...file.lines }, eventsByType: file.recordsByType, sessions: counted }
}

async function captureCounts(session: Session): Promise<Expected> {
  const messages = await session.messages({ all: true })
  const own = session.info.metadata['opencode'] as { deleted?: boolean } | undefined
  const charsOf = (role: string): number =>
    messages
      .filter((message) => message.role === role)
      .flatMap(({ parts }) => parts)
      .reduce(
        (sum, part) => sum + (part.type === 'text' || part.type === 'reasoning' ? Array.from(part.text).length : 0),
        0,
      )
  return {
    ...(await sessionCounts(session)),
    deleted: own?.deleted === true,
    textChars: { user: charsOf('user'), assistant: charsOf('assistant') },
  }
}

async function sessionCounts(session: Session): Promise<Expected> {
  const { info } = session
  const own = info.metadata['opencode'] as { version: string; parentID?: string }
  const messages = await session.messages({ all: true })
  const answers = messages.filter(({ role }) => role === 'assistant')
  const parts = messages.flatMap((message) => message.parts)
  const results = new Map(parts.flatMap((part) => (part.type === 'tool-result' ? [[part.callId, part]] : [])))
  const calls = parts.filter((part) => part.type === 'tool-call')
  const status = (call: (typeof calls)[number]): string => {
    const result = results.get(call.callId)
    if (result === undefined) return call.status === 'pending' ? 'pending' : 'running'
    return result.error === undefined ? 'completed' : 'error'
  }
  const times = [
    ...messages.map(({ time }) => time.created),
    ...answers
      .filter(({ status: ended, error }) => ended === 'completed' || error !== undefined)
      .map(({ time }) => time.updated),
  ]
  return {
    sessionId: info.source!.id,
    title: info.title ?? null,
    version: own.version,
    parentId: own.parentID ?? null,
    directory: info.cwd!,
    messages: countBy(messages.map(({ role }) => role)),
    messagesWithoutParts: messages.filter((message) => message.parts.flatMap(typeOf).length === 0).length,
    assistantErrors: answers.filter(({ error }) => error !== undefined).length,
    parentsMissing: answers.filter(({ metadata }) => metadata?.['originalParent'] !== undefined).length,
    partsByType: countBy(parts.flatMap(typeOf)),
    syntheticTexts: parts.filter(({ type, metadata }) => type === 'text' && metadata?.['synthetic'] === true).length,
    toolCalls: calls.length,
    toolsByStatus: countBy(calls.map(status)),
    toolsByName: countBy(calls.map(({ name }) => name)),
    tokens: tokensOf(answers),
    cost: info.usage.costUsd ?? 0,
    models: [...new Set(answers.map(({ provider, model }) => `${provider}/${model}`))].sort(),
    time: { first: isoOf(Math.min(...times)), last: isoOf(Math.max(...times)) },
  }
}

/** The type that a part had; none for what is made of another one or of the message. */
function typeOf(part: Part): readonly string[] {
  if (part.type === 'tool-call') return ['tool']
  if (part.type === 'tool-result') return []
  if (part.type === 'data') return part.name === 'opencode.summary' ? [] : [part.name.slice('opencode.'.length)]
  return [part.type === 'compaction' ? 'text' : part.type]
}

/** By opencode's own definition: without caches, and without reasoning where it counts that apart. */
function tokensOf(answers: readonly Message[]): Counts {
  const sum = (of: (message: Message) => number | undefined): number =>
    answers.reduce((total, message) => total + (of(message) ?? 0), 0)
  const cacheRead = sum(({ usage }) => usage?.cachedInputTokens)
  const cacheWrite = sum(({ usage }) => usage?.cacheWriteTokens)
  return {
    input: sum(({ usage }) => usage?.inputTokens) - cacheRead - cacheWrite,
    output: sum(({ usage, metadata }) => (metadata?.['tokens'] as { output?: number })?.output ?? usage?.outputTokens),
    reasoning: sum(({ usage }) => usage?.reasoningTokens),
    cacheRead,
    cacheWrite,
  }
}

function isoOf(ms: number): string {
  return new Date(ms).toISOString()
}
