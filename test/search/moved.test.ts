/** Big texts of tool results that were moved to files are searched as those that are in their lines. */
import { createHash } from 'node:crypto'
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import * as fc from 'fast-check'
import { expect, test } from 'vitest'
import { memoryBackend, type SearchHit, type Store } from '../../src/index.ts'
import { PATIENT, rounds } from '../support/rounds.ts'
import { open, temp } from '../support/temp.ts'
import { collect, someQuery, someWords } from './naive.ts'

/** Longer than what stays in a line; some end about where a piece that is read ends. */
const someLength = fc.oneof(
  fc.constant(0),
  fc.integer({ min: 65_537, max: 66_000 }),
  fc.integer({ min: 262_130, max: 262_150 }),
)
const someText = fc
  .tuple(someWords, someLength, someWords)
  .map(([begin, length, end]) => `${begin}${'.'.repeat(length)}${end}`)
const someMessage = fc.record({ begin: fc.array(someText, { maxLength: 2 }), output: someWords })
const queries = fc.array(someQuery, { minLength: 3, maxLength: 6 })

async function addResult(
  store: Store,
  sessionId: string,
  { begin, output }: { begin: string[]; output: string },
): Promise<void> {
  const content = begin.map((text, i) => ({ id: `t${i}`, type: 'text' as const, text }))
  const session = await store.ensure(sessionId)
  await session.add({ role: 'tool', parts: [{ type: 'tool-result', callId: 'c', name: 'bash', output, content }] })
}

/** A root with the same logs, in which nothing was moved. */
function unmoved(root: string): string {
  const other = temp()
  mkdirSync(join(other, 'default'))
  for (const name of readdirSync(join(root, 'default')).filter((each) => each.endsWith('.jsonl'))) {
    const lines = readFileSync(join(root, 'default', name), 'utf8').split('\n')
    const back = (_: string, value: unknown): unknown => {
      const { file, id, type } = (value ?? {}) as { file?: string; id?: string; type?: string }
      if (type !== 'file' || file === undefined) return value
      return { id, type: 'text', text: readFileSync(join(root, 'default/files', `${file.slice(7)}.txt`), 'utf8') }
    }
    const texts = lines.map((line) => (line === '' ? '' : JSON.stringify(JSON.parse(line, back))))
    writeFileSync(join(other, 'default', name), texts.join('\n'))
  }
  return other
}

/** The files that something was moved to. */
function movedIn(root: string): string[] {
  const folder = join(root, 'default/files')
  return existsSync(folder) ? readdirSync(folder).map((name) => join(folder, name)) : []
}

async function hitsOf(store: Store, asked: readonly Parameters<Store['search']>[0][]): Promise<SearchHit[][]> {
  const all: SearchHit[][] = []
  for (const query of asked) all.push(await collect(store.search(query)))
  return all
}

test('a search gives the same hits whether contents were moved or not', PATIENT, async () => {
  let moved = 0
  await fc.assert(
    fc.asyncProperty(
      fc.array(fc.array(someMessage, { minLength: 1, maxLength: 3 }), { minLength: 1, maxLength: 3 }),
      queries,
      async (sessions, asked) => {
        const root = temp()
        const { store } = await open(root, { fsync: 'never' })
        for (const [index, messages] of sessions.entries()) {
          for (const message of messages) await addResult(store, `session-${index}`, message)
        }
        const { store: again } = await open(unmoved(root))
        const expected = await hitsOf(again, asked)
        expect(await hitsOf(store, asked)).toEqual(expected)
        // And where nothing is known of the sessions but what the files say.
        const { store: fresh } = await open(root)
        expect(await hitsOf(fresh, asked)).toEqual(expected)
        moved += movedIn(root).length
        for (const each of [store, again, fresh]) await each.close()
      },
    ),
    { numRuns: rounds(200) },
  )
  expect(moved).toBeGreaterThan(0)
})

const LONG = '.'.repeat(70_000)

test('a text that was moved is found in memory, with its snippet and the way to it', async () => {
  const { store } = await open(memoryBackend())
  await addResult(store, 's', {
    begin: [`the first ${LONG} connect TIMEOUT ${LONG}`, `another ${LONG}`],
    output: 'none',
  })
  const [hit, ...others] = await collect(store.search('timeout another'))
  expect(others).toEqual([])
  expect(hit).toMatchObject({ sessionId: 's', type: 'tool-result', tool: 'bash', role: 'tool', isOnPath: true })
  const [start, end] = hit!.snippet.ranges[0]!
  expect(hit!.snippet.text.slice(start, end)).toBe('TIMEOUT')
  const then = await (await store.get('s'))!.at(hit!.eventId)
  expect((await then.messages()).map(({ id }) => id)).toContain(hit!.messageId)
  expect(await collect(store.search('timeout', { role: 'user' }))).toEqual([])
  expect(await collect(store.search('timeout', { tool: 'other' }))).toEqual([])
})

test('a moved text that is missing or damaged hides nothing else, and is told', async () => {
  const root = temp()
  const { store } = await open(root)
  await addResult(store, 'missing', { begin: [`needle ${LONG} 1`], output: 'none' })
  const [missing] = movedIn(root)
  await addResult(store, 'damaged', { begin: [`needle ${LONG} 2`], output: 'none' })
  const damaged = movedIn(root).find((path) => path !== missing)!
  await addResult(store, 'whole', { begin: [`needle ${LONG} 3`], output: 'none' })
  await addResult(store, 'beside', { begin: [`needle ${LONG} 2`], output: 'a needle' })
  rmSync(missing!)
  writeFileSync(damaged, `needle ${LONG} 4`)
  const search = store.search('needle')
  const found = (await collect(search)).map(({ sessionId, snippet }) => [sessionId, snippet.text.slice(0, 8)])
  expect(found).toEqual([
    ['beside', 'a needle'],
    ['whole', 'needle .'],
  ])
  expect(search.searched.unreadable).toBe(2)
  await collect(search)
  expect(search.searched.unreadable).toBe(2)
  rmSync(join(root, 'default/files'), { recursive: true })
  writeFileSync(join(root, 'default/files'), 'something else')
  expect(await collect(store.search('needle'))).toHaveLength(1)
})

test('a reference that another program wrote in its own way is followed, one that is none is not', async () => {
  const root = temp()
  const { store } = await open(root)
  for (const id of ['escaped', 'ordered', 'none', 'named']) {
    await addResult(store, id, { begin: [`needle ${LONG}`], output: 'none' })
  }
  await store.close()
  const change = (id: string, from: RegExp, to: string): void => {
    const path = join(root, 'default', `${id}.jsonl`)
    const text = readFileSync(path, 'utf8')
    expect(text).toMatch(from)
    writeFileSync(path, text.replace(from, to))
  }
  change('escaped', /"sha256-/, String.raw`"\u0073ha256-`)
  change('ordered', /"mediaType":"text\/plain","file":("[^"]*")/, String.raw`"file": $1, "mediaType":"text\/plain"`)
  change('none', /"sha256-/, '"../sha256-')
  // What somebody has attached is no text of the tool.
  change('named', /"mediaType"/, '"name":"log.txt","mediaType"')
  const { store: again } = await open(root)
  const found = (await collect(again.search('needle'))).map(({ sessionId }) => sessionId)
  expect(found.sort()).toEqual(['escaped', 'ordered'])
})

test('a text that is longer than any line may be is found in to its end', PATIENT, async () => {
  const root = temp()
  const { store } = await open(root, { fsync: 'never' })
  await addResult(store, 's', { begin: [`x ${LONG}`], output: 'none' })
  await store.close()
  const [moved] = movedIn(root)
  const bytes = Buffer.concat([Buffer.alloc(70e6, '0123456789abcde\n'), Buffer.from('the needle')])
  const hash = createHash('sha256').update(bytes).digest('hex')
  writeFileSync(join(root, 'default/files', `${hash}.txt`), bytes)
  const path = join(root, 'default/s.jsonl')
  const old = /([0-9a-f]{64})\.txt$/.exec(moved!)![1]!
  writeFileSync(path, readFileSync(path, 'utf8').replace(old, hash))
  const { store: again } = await open(root)
  const [hit] = await collect(again.search('needle'))
  expect(hit!.snippet.text).toContain('the needle')
  const [first] = await collect(again.search(/^0.*$/m))
  expect(first!.snippet.ranges[0]).toEqual([0, 15])
})
