/**
 * A gc that is killed, and one whose disk fails, at every disk call: what a log, a draft or a line of the outbox names is never lost, neither from
 * `files/` nor from what is kept beside it; the next gc completes it, and then there is nothing left to do.
 */
import { cpSync, existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterEach, expect, test } from 'vitest'
import { Bus } from '../../src/bus.ts'
import { isFoldlogError } from '../../src/errors.ts'
import { openStore } from '../../src/store.ts'
import { Repository } from '../git/repository.ts'
import { Child } from '../support/child.ts'
import { FaultyDisk, type Fault } from '../support/faults.ts'
import { PATIENT, rounds } from '../support/rounds.ts'
import { open, temp } from '../support/temp.ts'

const NOW = { olderThan: 0 }
const FILES = 'default/files'
const KEPT = 'default/.cache/outbox-files'

let disk: FaultyDisk | undefined
afterEach(() => disk?.restore())

interface Garden {
  readonly root: string
  /** By what names them: the names of files that have to stay, and their content. */
  readonly named: ReadonlyMap<string, string>
  readonly garbage: readonly string[]
}

/** A root in a work tree with files that are named by each thing that can name one, and files that nothing names. */
async function planted(): Promise<Garden> {
  const repository = Repository.fresh()
  const { root } = repository
  const { store } = await open(root)
  const session = await store.create({ id: 's' })
  const nameOf = new Map<string, string>()
  const put = async (text: string) => {
    const part = await session.file('a.txt', Buffer.from(text))
    nameOf.set(text, `${part.file.slice('sha256-'.length)}.txt`)
    return part
  }
  await session.add({ parts: [await put('log')] })
  repository.commit('base')
  await session.add({ parts: [await put('outbox'), await put('only kept')] })
  repository.git('reset', '--quiet', '--hard')
  rmSync(join(root, FILES, nameOf.get('only kept')!), { force: true })
  const draft = await put('draft')
  mkdirSync(join(root, 'default/.live'), { recursive: true })
  writeFileSync(join(root, 'default/.live/s.m.jsonl'), `${JSON.stringify({ file: draft.file })}\n`)
  for (const text of ['garbage', 'more garbage']) await put(text)
  await store.close()
  // Each is named by one thing alone.
  const outbox = join(root, 'default/.cache/outbox')
  const lines = readFileSync(outbox, 'utf8').split('\n')
  const committed = nameOf.get('log')!.slice(0, 64)
  writeFileSync(outbox, lines.filter((line) => !line.includes(committed)).join('\n'))
  const isGarbage = (text: string): boolean => text.endsWith('garbage')
  expect(existsSync(join(root, KEPT, nameOf.get('garbage')!))).toBe(true)
  expect(existsSync(join(root, KEPT, nameOf.get('only kept')!))).toBe(true)
  return {
    root,
    named: new Map([...nameOf].filter(([text]) => !isGarbage(text)).map(([text, name]) => [name, text])),
    garbage: [...nameOf].flatMap(([text, name]) => (isGarbage(text) ? [name] : [])),
  }
}

/** The same work tree again, for one round. */
function copyOf({ root }: Garden): string {
  const tree = temp()
  cpSync(join(root, '..'), tree, { recursive: true })
  return join(tree, '.sessions')
}

/** The content of a file in a directory, under its name or aside. */
function contentOf(directory: string, name: string): string | undefined {
  const path = [name, `.${name}.gone`].map((each) => join(directory, each)).find((each) => existsSync(each))
  return path === undefined ? undefined : readFileSync(path, 'utf8')
}

/** What is named is where it was. */
function expectThere(root: string, { named, root: from }: Garden, label: string): void {
  for (const [name, text] of named)
    for (const place of [FILES, KEPT])
      if (existsSync(join(from, place, name)))
        expect(contentOf(join(root, place), name), `${label}: ${text} in ${place}`).toBe(text)
}

/** The next gc completes what is left to do, and the one after it finds nothing. */
async function expectCompleted(root: string, garden: Garden, label: string): Promise<void> {
  const store = await openStore(root, { bus: new Bus(), fsync: 'never' })
  try {
    for (const [name, text] of garden.named)
      if (text !== 'only kept')
        expect(await store.getFile(`sha256-${name.slice(0, 64)}`), `${label}: ${text}`).toBeDefined()
    await store.gc(NOW)
    expect((await store.gc(NOW)).files, label).toEqual([])
  } finally {
    await store.close()
  }
  expectThere(root, garden, `${label}, completed`)
  const left = [FILES, KEPT].flatMap((place) => readdirSync(join(root, place)))
  for (const name of garden.garbage)
    expect(
      left.filter((each) => each.includes(name)),
      label,
    ).toEqual([])
}

test('a gc that is killed at every disk call loses nothing, and the next one completes it', PATIENT, async () => {
  const garden = await planted()
  const collect = async (root: string, killAt: number): Promise<number> => {
    const child = new Child('rewriter', root, 's', 'gc', JSON.stringify(NOW), String(killAt))
    await child.gone()
    return Number(child.lines[0] ?? 0)
  }
  const calls = await collect(copyOf(garden), 0)
  expect(calls).toBeGreaterThan(20)
  const step = Math.max(1, Math.floor(calls / rounds(calls)))
  for (let killAt = 1 + Math.floor(Math.random() * step); killAt <= calls; killAt += step) {
    const [root, label] = [copyOf(garden), `killed at call ${killAt} of ${calls}`]
    // How often it has to look again is a matter of time: one that ends before its call comes has completed.
    expect(await collect(root, killAt), label).toBeLessThan(killAt)
    expectThere(root, garden, label)
    await expectCompleted(root, garden, label)
    rmSync(join(root, '..'), { recursive: true })
  }
})

const FAULTS: readonly Fault[] = [
  { kind: 'refused', code: 'EIO' },
  { kind: 'made', code: 'EIO' },
]

test.each(FAULTS.flatMap((fault) => [false, true].map((isLasting) => ({ fault, isLasting }))))(
  'a gc whose disk fails at every call ($fault.kind, lasting: $isLasting) loses nothing, and the same store completes it',
  PATIENT,
  async ({ fault, isLasting }) => {
    const garden = await planted()
    const runWith = async (from: number | undefined): Promise<number> => {
      const [root, label] = [copyOf(garden), `call ${from}`]
      const store = await openStore(root, { bus: new Bus(), fsync: 'never' })
      disk = new FaultyDisk(from === undefined ? undefined : { fault, from, isLasting })
      try {
        await store.gc(NOW).catch((error: unknown) => {
          if (!isFoldlogError(error) || !error.code.startsWith('STORAGE_')) throw error
        })
        const count = disk.calls.length
        disk.restore()
        expectThere(root, garden, label)
        await store.gc(NOW)
        expect((await store.gc(NOW)).files, label).toEqual([])
        await store.close()
        await expectCompleted(root, garden, label)
        return count
      } finally {
        disk.restore()
        await store.close()
        rmSync(join(root, '..'), { recursive: true })
      }
    }
    const count = await runWith(undefined)
    expect(count).toBeGreaterThan(20)
    const step = Math.max(1, Math.floor(count / rounds(count)))
    for (let from = Math.floor(Math.random() * step); from < count; from += step) await runWith(from)
  },
)
