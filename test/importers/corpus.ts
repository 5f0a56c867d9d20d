/**
 * What holds for every file of every format, tested against real files whose counts are known (`expected.json`).
 *
 * The corpus lies in `$FOLDLOG_CORPUS`, or in `../shared/data` beside the project; without it these tests are skipped.
 * No count is taken from the source here: everything comes from the imported sessions, read through the public API,
 * and from the import's report.
 */
import { existsSync } from 'node:fs'
import { cp, mkdtemp, readFile, readdir, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { extname, join, resolve } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { importSessions, type FileReport, type Importer, type ImportReport } from '../../src/importers/index.ts'
import { memoryBackend, openStore, type Finding, type Session, type Store } from '../../src/index.ts'

export type Counts = Record<string, number>

export interface Tree {
  readonly nodes: number
  readonly roots: number
  readonly leaves: number
  readonly branchPoints: number
}

export interface CorpusOptions<E extends object> {
  readonly format: string
  readonly importer: Importer
  /** The counts of `expected.json`, from the sessions of a file and its report. */
  readonly countsOf: (store: Store, file: FileReport) => Promise<E>
  /** Counts that cannot be taken, with the reason. */
  readonly notTaken?: Readonly<Partial<Record<keyof E, string>>>
  /** Types of events that say something of where a file ended, besides `session.updated`. */
  readonly endings?: readonly string[]
}

export function corpusOf(format: string): string {
  return resolve(process.env['FOLDLOG_CORPUS'] ?? resolve(import.meta.dirname, '../../../shared/data'), format)
}

/** Defines the tests. */
export async function testCorpus<E extends object>(options: CorpusOptions<E>): Promise<void> {
  const { format, importer, countsOf, notTaken = {} as Partial<Record<keyof E, string>>, endings = [] } = options
  const corpus = corpusOf(format)
  const expected: Readonly<Record<string, E>> = existsSync(corpus)
    ? (JSON.parse(await readFile(join(corpus, 'expected.json'), 'utf8')) as { files: Record<string, E> }).files
    : {}
  const names = Object.keys(expected)

  describe.skipIf(!existsSync(corpus))(`the ${format} corpus`, () => {
    const read = new Set<string>()
    let root: string
    beforeAll(async () => {
      root = await mkdtemp(join(tmpdir(), 'foldlog-corpus-'))
    })
    afterAll(async () => {
      await rm(root, { recursive: true, force: true })
      console.info(
        `${format} corpus: ${read.size} of ${names.length} files read; counts not taken: ${Object.keys(notTaken).join(', ') || 'none'}`,
      )
    })

    test.each(names)('%s gives every expected count', async (name) => {
      await using store = await openStore(memoryBackend())
      const report = await importer(store, join(corpus, name))
      expect(report.files).toHaveLength(1)
      const counted = await countsOf(store, report.files[0]!)
      for (const [field, value] of Object.entries(expected[name]!)) {
        if (!(field in notTaken)) expect.soft(counted[field as keyof E], `${name}: ${field}`).toEqual(value)
      }
      for (const session of await sessionsOf(store, report)) await expectSound(session)
      read.add(name)
    })

    test('all files of expected.json were read', () => {
      expect(names.length).toBeGreaterThan(0)
      expect(names.filter((name) => !read.has(name))).toEqual([])
    })

    test('each file is recognized by its content', async () => {
      await using store = await openStore(memoryBackend())
      const report = await importSessions(
        store,
        names.map((name) => join(corpus, name)),
      )
      expect(report.unknown).toEqual([])
      expect(report.files.map((file) => [file.path, file.format])).toEqual(
        names
          .map((name) => join(corpus, name))
          .sort()
          .map((path) => [path, format]),
      )
    })

    test('a second import adds nothing and changes no byte, and fsck finds nothing', async () => {
      const place = join(root, 'twice')
      await using store = await openStore(place, { fsync: 'never' })
      const paths = names.map((name) => join(corpus, name))
      const first = await importer(store, paths)
      const before = await bytesBelow(place)
      const second = await importer(store, paths)
      expect(first.totals.added).toBeGreaterThan(0)
      expect(second.totals.added).toBe(0)
      expect(second.totals.known).toBe(first.totals.added + first.totals.known)
      expect(await bytesBelow(place)).toEqual(before)
      for await (const { damage, findings } of store.fsck()) expect([...damage, ...findings.filter(isOurs)]).toEqual([])
    })

    test('two people who import from different folders get the same bytes', async () => {
      const elsewhere = join(root, 'elsewhere', 'deeper')
      await cp(corpus, elsewhere, { recursive: true })
      const [one, two] = [join(root, 'one'), join(root, 'two')]
      for (const [place, source] of [
        [one, corpus],
        [two, elsewhere],
      ] as const) {
        await using store = await openStore(place, { fsync: 'never' })
        await importer(
          store,
          names.map((name) => join(source, name)),
        )
      }
      const bytes = await bytesBelow(one)
      expect(bytes.size).toBeGreaterThan(0)
      expect(await bytesBelow(two)).toEqual(bytes)
    })

    test('two people who import into roots of their own have one copy when their roots are put together', async () => {
      const [one, two] = [join(root, 'shared-one'), join(root, 'shared-two')]
      for (const place of [one, two]) {
        await using store = await openStore(place, { fsync: 'never', shared: true })
        await importer(
          store,
          names.map((name) => join(corpus, name)),
        )
      }
      await using alone = await openStore(one)
      const wanted = await Promise.all((await alone.list({ limit: 1000 })).items.map((info) => alone.get(info.id)))
      // Whatever is in only one of them: segments have names of their own.
      await cp(two, join(root, 'both'), { recursive: true })
      await cp(one, join(root, 'both'), { recursive: true })
      await using both = await openStore(join(root, 'both'))
      expect((await both.list({ limit: 1000 })).items).toHaveLength(wanted.length)
      for (const session of wanted) await expectEqual((await both.get(session!.id))!, session!)
    })

    test.each(names)('%s folds to the same state in whatever order its lines come', async (name) => {
      await using store = await openStore(memoryBackend())
      const report = await importer(store, join(corpus, name))
      for (const session of await sessionsOf(store, report)) {
        const lines = await eventsOf(session)
        for (const seed of [1, 2]) {
          await using other = await openStore(memoryBackend())
          const [first, ...rest] = lines
          await other.merge(session.id, [first!])
          for (const line of shuffled(rest, seed)) await other.merge(session.id, [line])
          await expectEqual((await other.get(session.id))!, session)
        }
      }
    })

    test.each(names.filter((name) => extname(name) === '.jsonl'))(
      '%s, imported before it was finished, converges with the whole',
      async (name) => {
        const bytes = await readFile(join(corpus, name))
        await using whole = await openStore(memoryBackend())
        const report = await importer(whole, join(corpus, name))
        for (const share of [0.2, 0.5, 0.8]) {
          const cut = join(root, 'cut.jsonl')
          await writeFile(cut, bytes.subarray(0, Math.floor(bytes.length * share)))
          await using grown = await openStore(memoryBackend())
          const begun = await importer(grown, cut)
          for (const session of await sessionsOf(grown, begun)) {
            // What says where the file ended is said anew; everything else stays as it was.
            const lines = (await eventsOf(session)).filter(
              ({ type }) => !['session.updated', ...endings].includes(type),
            )
            const all = await eventsOf((await whole.get(session.id))!)
            expect(all).toEqual(expect.arrayContaining(lines))
          }
          await importer(grown, join(corpus, name))
          expect((await grown.list({ archived: 'all', limit: 1000 })).items).toHaveLength(report.totals.sessions)
          for (const session of await sessionsOf(whole, report))
            await expectEqual((await grown.get(session.id))!, session)
        }
      },
    )
  })
}

/** No damage, nothing to remark, and a context in which every call is answered. */
export async function expectSound(session: Session): Promise<void> {
  expect(await session.damage()).toEqual([])
  expect((await session.findings()).filter(isOurs)).toEqual([])
  const seen = (await session.context()).flatMap(({ parts }) => parts)
  const called = seen.filter((part) => part.type === 'tool-call').map(({ callId }) => callId)
  const answered = seen.filter((part) => part.type === 'tool-result').map(({ callId }) => callId)
  expect(answered.sort()).toEqual(called.sort())
}

async function expectEqual(session: Session, wanted: Session): Promise<void> {
  expect((await session.findings()).filter(isOurs)).toEqual([])
  expect(await session.messages({ all: true })).toEqual(await wanted.messages({ all: true }))
  expect(await session.messages()).toEqual(await wanted.messages())
  expect(session.info).toEqual(wanted.info)
}

/** Some sources say that they are of a time to come; that is theirs. */
function isOurs({ kind }: Finding): boolean {
  return kind !== 'clock-skew'
}

/** The tree as readers see it: the message before each message, by the path through it. `nodes` are those that count. */
export async function treeOf(session: Session, nodes: ReadonlySet<string>): Promise<Tree> {
  const children = new Map<string, number>()
  let roots = 0
  for (const id of nodes) {
    const path = (await session.messages({ branch: id })).map((message) => message.id)
    const parent = path.slice(0, path.indexOf(id)).findLast((each) => nodes.has(each))
    if (parent === undefined) roots++
    else children.set(parent, (children.get(parent) ?? 0) + 1)
  }
  return {
    nodes: nodes.size,
    roots,
    leaves: [...nodes].filter((id) => !children.has(id)).length,
    branchPoints: [...children.values()].filter((count) => count > 1).length,
  }
}

export function countBy(names: readonly string[]): Counts {
  const counts: Counts = {}
  for (const name of names) counts[name] = (counts[name] ?? 0) + 1
  return counts
}

export async function sessionsOf(store: Store, report: ImportReport): Promise<Session[]> {
  const ids = new Set(report.files.flatMap((file) => file.sessions.map(({ sessionId }) => sessionId)))
  return Promise.all([...ids].map(async (id) => (await store.get(id))!))
}

export interface Event {
  readonly id: string
  readonly type: string
  readonly time: string
  readonly data: never
}

export async function eventsOf(session: Session): Promise<Event[]> {
  const events: Event[] = []
  for await (const { id, type, time, data } of session.events()) events.push({ id, type, time, data: data as never })
  return events
}

export async function bytesBelow(directory: string): Promise<Map<string, string>> {
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
