/** What holds for imports of any format: placing, refusing, several formats at once. */
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import * as fc from 'fast-check'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { isFoldlogError, memoryBackend, openStore } from '../../src/index.ts'
import { importCodex, importPi, importSessions } from '../../src/importers/index.ts'
import { eventsOf } from './corpus.ts'

const FIXTURES = resolve(import.meta.dirname, '../../fixtures/import')

let folder: string
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'foldlog-import-'))
})
afterAll(() => rm(folder, { recursive: true, force: true }))

describe('a tree of messages', () => {
  interface Step {
    readonly parent: number
    readonly isUser: boolean
    readonly ms: number
  }
  const steps = fc.array(fc.record({ parent: fc.nat(8), isUser: fc.boolean(), ms: fc.nat(20) }), {
    minLength: 1,
    maxLength: 14,
  })

  test('comes out as the source has it, whatever its times; a copy that was cut off has the same events', async () => {
    const [path, cut] = [join(folder, 'tree.jsonl'), join(folder, 'cut.jsonl')]
    await fc.assert(
      fc.asyncProperty(steps, fc.nat(14), async (tree, at) => {
        const parents = tree.map(({ parent }, index) => (parent >= index ? undefined : parent))
        const lines = [JSON.stringify({ type: 'session', version: 3, id: 'any', timestamp: isoOf(10) })]
        lines.push(...tree.map((step, index) => entryOf(step, index, parents[index])))
        await writeFile(path, lines.join('\n'))
        await writeFile(cut, lines.slice(0, at + 1).join('\n'))
        await using store = await openStore(memoryBackend())
        const { sessionId } = (await importPi(store, path)).files[0]!.sessions[0]!
        const session = (await store.get(sessionId))!
        const ids = new Map((await session.messages({ all: true })).map((message) => [message.source!.id, message.id]))
        expect(ids.size).toBe(tree.length)
        for (const [index, parent] of parents.entries()) {
          const id = ids.get(`e${index}`)!
          const before = (await session.messages({ branch: id })).map((message) => message.id)
          expect(before[before.indexOf(id) - 1]).toBe(parent === undefined ? undefined : ids.get(`e${parent}`))
        }
        expect(session.info.head).toBe(ids.get(`e${tree.length - 1}`))
        const part = store.namespace('part')
        expect((await importPi(part, cut)).files[0]!.sessions[0]!.sessionId).toBe(sessionId)
        const begun = (await eventsOf((await part.get(sessionId))!)).filter(({ type }) => type !== 'session.updated')
        expect(await eventsOf(session)).toEqual(expect.arrayContaining(begun))
        await importPi(part, path)
        const grown = (await part.get(sessionId))!
        expect((await grown.messages()).map(({ id }) => id)).toEqual((await session.messages()).map(({ id }) => id))
        expect(grown.info.head).toBe(session.info.head)
      }),
      { numRuns: 100 },
    )
  })

  function entryOf({ isUser, ms }: Step, index: number, parent: number | undefined): string {
    return JSON.stringify({
      type: 'message',
      id: `e${index}`,
      parentId: parent === undefined ? null : `e${parent}`,
      timestamp: isoOf(ms),
      message: { role: isUser ? 'user' : 'assistant', content: [{ type: 'text', text: `${index}` }] },
    })
  }

  function isoOf(ms: number): string {
    return new Date(Date.UTC(2026, 0, 1) + ms).toISOString()
  }
})

describe('an import', () => {
  test('of a folder takes each file for what it is', async () => {
    await using store = await openStore(memoryBackend())
    const report = await importSessions(store, FIXTURES)
    expect(report.unknown).toEqual([])
    const formats = new Map(
      report.files.map(({ path, format }) => [path.slice(FIXTURES.length + 1).split(/[/\\]/)[0], format]),
    )
    for (const [directory, format] of formats) expect(format).toBe(directory)
    expect(report.formats).toEqual(expect.arrayContaining(['claude-code', 'codex', 'pi']))
  })

  test('of nothing but files of other kinds tells them and fails nowhere', async () => {
    const paths = ['binary.jsonl', 'empty.jsonl', 'list.json', 'log.jsonl'].map((name) => join(folder, name))
    await writeFile(paths[0]!, Buffer.from([0xff, 0x00, 0x0a, 0xfe]))
    await writeFile(paths[1]!, '')
    await writeFile(paths[2]!, '[1,2,3]')
    await writeFile(
      paths[3]!,
      '{"v":1,"id":"01M7XVMS2QZ4YJ8N6T5K3B9WCD","type":"session.created","time":"2026-11-20T10:00:00.123Z","data":{}}\n',
    )
    await using store = await openStore(memoryBackend())
    const report = await importSessions(store, paths)
    expect(report.unknown.map(({ path }) => path)).toEqual(paths)
    expect(report.files).toEqual([])
    expect((await store.list()).items).toEqual([])
  })

  test('of a format that is none is refused with the names of those there are', async () => {
    await using store = await openStore(memoryBackend())
    const error = await importSessions(store, FIXTURES, { format: 'codecs' }).catch((each: unknown) => each)
    expect(isFoldlogError(error, 'INVALID_OPTION')).toBe(true)
    expect((error as Error).message).toContain('use one of claude-code, codex, pi')
  })

  test('tells a line that the store refuses, and takes the others', async () => {
    const path = join(folder, 'refused.jsonl')
    const item = (role: string, text: string): object => ({
      type: 'message',
      role,
      content: [{ type: 'input_text', text }],
    })
    const records = [item('user', 'One.'), item('user', 'Two.'), item('user', 'Three.')]
    await writeFile(
      path,
      records
        .map((payload, at) =>
          JSON.stringify({ timestamp: `2026-01-01T00:00:0${at}.000Z`, type: 'response_item', payload }),
        )
        .join('\n'),
    )
    await using store = await openStore(memoryBackend())
    const strict: typeof store.merge = async (id, lines, options) => {
      // What a store of another version, or with a smaller limit, would say.
      if (lines.some((line) => JSON.stringify(line).includes('Two.')))
        return store.merge(id, [{ ...lines[0]!, id: 'no ULID' }], options)
      return store.merge(id, lines, options)
    }
    const { capabilities, name } = store
    const destination = { name, capabilities, merge: strict, putFile: store.putFile.bind(store) }
    const report = await importCodex(destination, path)
    expect(report.files[0]!.dropped).toMatchObject({ 'refused:message.created': { records: 1 } })
    const session = (await store.get(report.files[0]!.sessions[0]!.sessionId))!
    expect((await session.messages()).flatMap(({ parts }) => parts)).toMatchObject([
      { text: 'One.' },
      { text: 'Three.' },
    ])
  })
})

test('a session that was deleted in a shared root stays deleted, which is told, and the others are imported', async () => {
  const path = join(FIXTURES, 'codex')
  await using store = await openStore(join(folder, 'shared'), { shared: true, fsync: 'never' })
  const sessions = (await importSessions(store, path)).files.flatMap((file) => file.sessions)
  const [first, last] = [sessions[0]!.sessionId, sessions.at(-1)!.sessionId]
  await store.delete(first)
  await (await store.get(last))!.set({ title: 'mine' })
  const report = await importSessions(store, path)
  expect(report.totals).toMatchObject({ sessions: sessions.length, added: 0, failures: 0 })
  expect(
    report.files.flatMap(({ dropped }) => Object.entries(dropped)).filter(([label]) => label.startsWith('refused')),
  ).toEqual([['refused:session', { records: 1, reason: 'it was deleted here for good' }]])
  expect(await store.get(first)).toBeUndefined()
})
