/** docs/coming-from.md and the tests beside this file say the same: each line of a table is a test, and each test a line. */
import { readFileSync } from 'node:fs'
import { expect, test } from 'vitest'
import { memoryBackend, openStore } from '../../src/index.ts'

const SYSTEMS = ['Director', 'oats', 'TaskWeaver', 'AgentScope']

/** Cases that are no line of a table; those not listed come with calls of later versions. */
const ACCEPTANCE: Readonly<Record<string, readonly number[]>> = {
  TaskWeaver: [1, 2, 3, 4, 5],
  AgentScope: [1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15],
  Director: [1, 2, 3, 4, 5, 6],
  oats: [1, 2, 3, 4, 5, 6, 7, 8, 9, 10],
}

interface Row {
  readonly system: string
  readonly theirs: string
  readonly ours: string
  /** What the test is called after the colon, or `later`, or `outside`. */
  readonly test: string
}

function read(path: string): string {
  return readFileSync(new URL(path, import.meta.url), 'utf8')
}

/** The lines of all tables, without the marks of code. */
function rows(): Row[] {
  const found: Row[] = []
  let system = ''
  for (const line of read('../../docs/coming-from.md').split('\n')) {
    if (line.startsWith('## ')) system = line.slice(3)
    if (!line.startsWith('| ') || line.startsWith(`| ${system} |`)) continue
    const [theirs, ours, name, ...rest] = line.slice(2, -2).split(' | ')
    if (theirs === undefined || ours === undefined || name === undefined || rest.length > 0) {
      throw new Error(`not three columns: ${line}`)
    }
    found.push({ system, theirs: theirs.replaceAll('`', ''), ours, test: name })
  }
  return found
}

const isTested = ({ test: name }: Row): boolean => name !== 'later' && name !== 'outside'

/** The names of the tests of a system, as they stand in its file. */
function testNames(system: string): string[] {
  const source = read(`./${system.toLowerCase()}.test.ts`)
  return [...source.matchAll(/^test\(\s*(?:'([^'\n]+)'|"([^"\n]+)")/gm)].map(
    ([, single, double]) => single ?? double ?? '',
  )
}

const isCase = (name: string): boolean => /^[TADO]\d+ /.test(name)

test('the tables are read whole', () => {
  const counts = SYSTEMS.map((system) => rows().filter((row) => row.system === system).length)
  expect(rows()).toHaveLength(counts.reduce((sum, count) => sum + count, 0))
  expect(counts.every((count) => count >= 20)).toBe(true)
  for (const system of SYSTEMS) {
    const all = read(`./${system.toLowerCase()}.test.ts`).match(/^\s*test[(.]/gm) ?? []
    expect(testNames(system)).toHaveLength(all.length)
  }
})

test('every line that is neither later nor outside has a test', () => {
  const missing = rows().filter((row) => isTested(row) && !testNames(row.system).includes(`${row.theirs}: ${row.test}`))
  expect(missing).toEqual([])
})

test('every test names a line or an acceptance case', () => {
  const stray = SYSTEMS.flatMap((system) => {
    const lines = new Set(
      rows().flatMap((row) => (row.system === system && isTested(row) ? [`${row.theirs}: ${row.test}`] : [])),
    )
    return testNames(system).filter((name) => !isCase(name) && !lines.has(name))
  })
  expect(stray).toEqual([])
})

test('no line and no test is there twice', () => {
  const names = [...rows().map(({ system, theirs }) => `${system} ${theirs}`), ...SYSTEMS.flatMap(testNames)]
  expect(names.filter((name, at) => names.indexOf(name) !== at)).toEqual([])
})

test('every acceptance case has a test', () => {
  const found = SYSTEMS.map((system) => [
    system,
    testNames(system)
      .filter(isCase)
      .map((name) => name.split(' ')[0]),
  ])
  const expected = SYSTEMS.map((system) => [
    system,
    ACCEPTANCE[system]?.map((n) => `${system.charAt(0).toUpperCase()}${n}`),
  ])
  expect(found).toEqual(expected)
})

test('every call of a tested line is there', async () => {
  const store = await openStore(memoryBackend())
  const session = await store.create()
  const objects: Readonly<Record<string, object>> = { store, session }
  const calls = new Set(
    rows()
      .filter(isTested)
      .flatMap(({ ours }) => [...ours.matchAll(/\b(store|session)\.(\w+)/g)].map(([call]) => call)),
  )
  const missing = [...calls].filter((call) => {
    const [object = '', name = ''] = call.split('.')
    return !(name in (objects[object] ?? {}))
  })
  await store.close()
  expect([missing, calls.size > 20]).toEqual([[], true])
})
