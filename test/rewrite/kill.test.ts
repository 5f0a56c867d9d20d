/**
 * Rewrites that are killed at every disk call while two processes append: nothing acknowledged is lost or seen twice, the session opens, and
 * the next rewrite clears what was left.
 */
import { appendFileSync, readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { Child } from '../support/child.ts'
import { PATIENT, rounds } from '../support/rounds.ts'
import { anew, idsOf, logPath, open, temp } from '../support/temp.ts'

/** Everything in a root, as one text. */
function allBytes(root: string): string {
  return readdirSync(root, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => readFileSync(join(entry.parentPath, entry.name), 'latin1'))
    .join('\n')
}

interface Case {
  readonly verb: string
  readonly options: object
  /** Gives the verb something to do. */
  readonly prepare: (path: string, add: (text: string) => Promise<unknown>) => unknown
  /** What holds once the verb has run to its end. */
  readonly check: (root: string) => void
}

const SECRET = 'the very secret words'
const CASES: readonly Case[] = [
  {
    verb: 'repair',
    options: {},
    prepare: (path) => appendFileSync(path, 'rubbish\n'),
    check: (root) => expect(readFileSync(logPath(root, 'log'), 'latin1')).not.toContain('rubbish'),
  },
  {
    verb: 'pack',
    options: {},
    prepare: (path) => appendFileSync(path, readFileSync(path, 'utf8').split('\n').slice(0, 20).join('\n') + '\n'),
    check: (root) => {
      const lines = readFileSync(logPath(root, 'log'), 'utf8').split('\n').slice(0, -1)
      // Those that were put in twice. What a writer wrote while a log was replaced may be in both files.
      const first = new Set(lines.slice(0, 20))
      expect(lines.filter((line) => first.has(line))).toEqual([...first])
    },
  },
  {
    verb: 'redact',
    options: { text: SECRET },
    prepare: (_path, add) => add(SECRET),
    check: (root) => expect(allBytes(root)).not.toContain(SECRET),
  },
]

/** So many kills a session: what the others add makes every look at it longer. */
const KILLS = 12

test.each(CASES)(
  'rows 4, 20: $verb is killed at every disk call while two others append: nothing is lost, nothing is there twice',
  PATIENT,
  async (each) => {
    const calls = await using(each, (busy) => busy.rewrite(0))
    expect(calls).toBeGreaterThan(20)
    const step = Math.max(1, Math.floor(calls / rounds(calls)))
    const kills: number[] = []
    for (let killAt = 1 + Math.floor(Math.random() * step); killAt <= calls; killAt += step) kills.push(killAt)
    let left = 0
    for (let from = 0; from < kills.length; from += KILLS) {
      left += await using(each, (busy) => killed(busy, kills.slice(from, from + KILLS), calls))
    }
    expect(left, 'what killed rewrites left is told').toBeGreaterThan(0)
  },
)

/** A session that two processes add to, in a root of its own. */
interface Busy {
  /** Lets another process do it, which is killed at that of its disk calls; 0: it ends. Resolves with how many it made if it was not killed. */
  readonly rewrite: (killAt: number) => Promise<number>
  /** Waits until both have added again. */
  readonly goOn: (label: string) => Promise<void>
  /** Nothing is lost, and nothing there twice. */
  readonly look: (label: string) => Promise<void>
  /** How many leftovers are told. */
  readonly leftovers: () => Promise<number>
}

/** Kills a rewrite at each of these calls, then lets one run to its end; returns how many leftovers were told. */
async function killed(
  { rewrite, goOn, look, leftovers }: Busy,
  kills: readonly number[],
  calls: number,
): Promise<number> {
  let left = 0
  for (const killAt of kills) {
    await rewrite(killAt)
    left += await leftovers()
    await goOn(`killed at call ${killAt} of ${calls}`)
    await look(`killed at call ${killAt} of ${calls}`)
  }
  // Readers that come at any moment of a rewrite see all there was when they came.
  const over = new AbortController()
  const last = rewrite(0).finally(() => over.abort())
  for (let i = 0; !over.signal.aborted; i++) {
    await look(`look ${i} while it runs`)
    // Reading is over in this turn of the event loop, and what processes say comes in the next.
    await new Promise((resolve) => setImmediate(resolve))
  }
  expect(await last).toBeGreaterThan(20)
  return left
}

/** What `run` comes to; afterwards a look at what is left. */
async function using<T>({ verb, options, prepare, check }: Case, run: (busy: Busy) => Promise<T>): Promise<T> {
  const root = temp()
  const { store } = await open(root)
  const session = await store.create({ id: 'log' })
  await session.add({ text: 'first' })
  const add = (text: string): Promise<unknown> => session.add({ text })
  const writers = [new Child('steady', root, 'log'), new Child('steady', root, 'log')]
  for (const writer of writers) await writer.line()
  const rewrite = async (killAt: number): Promise<number> => {
    await prepare(logPath(root, 'log'), add)
    const child = new Child('rewriter', root, 'log', verb, JSON.stringify(options), String(killAt))
    await child.gone()
    return Number(child.lines[0] ?? 0)
  }
  const goOn = async (label: string): Promise<void> => {
    for (const writer of writers) {
      const said = writer.lines.length
      await writer.until(() => writer.lines.length > said + 1).catch(() => expect.fail(`${label}: a writer ended`))
    }
  }
  const look = async (label: string): Promise<void> => {
    const acknowledged = writers.flatMap(({ lines }) => lines)
    const { messages } = await anew(root, 'log')
    const seen = new Set(idsOf(messages))
    expect(seen.size, label).toBe(messages.length)
    expect(
      acknowledged.filter((id) => !seen.has(id)),
      label,
    ).toEqual([])
  }
  const leftovers = async (): Promise<number> => {
    let told = 0
    for await (const report of store.fsck('log')) told += report.leftovers.length
    return told
  }
  const result = await run({ rewrite, goOn, look, leftovers })
  for (const writer of writers) await writer.end()
  await look('at the end')
  for await (const report of store.fsck('log')) expect(report).toMatchObject({ damage: [], leftovers: [] })
  expect(readdirSync(join(root, 'default')).filter((name) => name.endsWith('.jsonl'))).toEqual(['log.jsonl'])
  check(root)
  return result
}
