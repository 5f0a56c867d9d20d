/**
 * The power goes: a writer on an ext4 of its own is killed, and in the same moment the bytes of the disk below are copied.
 * What was only in the page cache is not in the copy. The copy is mounted, its journal replayed, and opened.
 *
 * `never` is the negative control: if it loses nothing, the cut is none.
 */
import { copyFileSync } from 'node:fs'
import { expect, test, type TestContext } from 'vitest'
import { Bus } from '../../src/bus.ts'
import type { FsyncPolicy } from '../../src/backends/file/sync.ts'
import { openStore } from '../../src/store.ts'
import { Child } from '../support/child.ts'
import { needs, run } from '../support/machine.ts'
import { LoopDisk } from '../support/mounts.ts'
import { PATIENT, rounds } from '../support/rounds.ts'
import { idsOf, temp } from '../support/temp.ts'

const SYNCED = 'synced '

/** Whether a writer that has said these lines has written for long enough. */
type IsEnough = (lines: readonly string[]) => boolean

interface Cut {
  readonly acknowledged: number
  /** Messages that were acknowledged and are not there, */
  readonly lost: readonly string[]
  /** those of them that a sync which had ended covered, */
  readonly lostThoughSynced: readonly string[]
  /** and those behind which one of the same session is there. */
  readonly lostFromWithin: readonly string[]
}

/** One round: write for a while, cut, open what is left. `isEnough` looks at what the writer has said. */
async function cut(policy: FsyncPolicy, size: number, isEnough: IsEnough): Promise<Cut> {
  const disk = new LoopDisk()
  // Made a moment ago, the file system itself is still in the cache.
  run('sync', '-f', disk.folder)
  const writer = new Child('powered', `${disk.folder}/root`, policy, String(size))
  await writer.until(() => isEnough(writer.lines))
  await writer.kill()
  const image = `${temp()}/image`
  copyFileSync(disk.image, image)
  disk.unmount()
  const after = new LoopDisk(image)
  const there = await idsIn(`${after.folder}/root`)
  after.unmount()
  return judge(writer.lines, there)
}

function judge(lines: readonly string[], there: ReadonlySet<string>): Cut {
  const acknowledged = lines.filter((line) => !line.startsWith(SYNCED))
  const lost = acknowledged.filter((id) => !there.has(id))
  const synced = newestOf(lines.filter((line) => line.startsWith(SYNCED)).map((line) => line.slice(SYNCED.length)))
  const last = newestOf(there)
  const isBefore = (id: string, newest: ReadonlyMap<string, number>): boolean => {
    const [session, index] = placeOf(id)
    return index <= (newest.get(session) ?? -1)
  }
  return {
    acknowledged: acknowledged.length,
    lost,
    lostThoughSynced: lost.filter((id) => isBefore(id, synced)),
    lostFromWithin: lost.filter((id) => isBefore(id, last)),
  }
}

/** The index of the newest message of each session, of messages that are called `<session>.<index>`. */
function newestOf(ids: Iterable<string>): ReadonlyMap<string, number> {
  const newest = new Map<string, number>()
  for (const id of ids) {
    const [session, index] = placeOf(id)
    newest.set(session, Math.max(index, newest.get(session) ?? -1))
  }
  return newest
}

function placeOf(id: string): readonly [session: string, index: number] {
  const [session = '', index] = id.split('.')
  return [session, Number(index)]
}

/** Every message of every session of a root; each of them has to open and to take a message. */
async function idsIn(root: string): Promise<Set<string>> {
  const ids = new Set<string>()
  const store = await openStore(root, { bus: new Bus() })
  for await (const { id } of store.list()) {
    const session = (await store.get(id))!
    for (const each of idsOf(await session.messages())) ids.add(each)
    await session.add({ text: 'goes on' })
  }
  await store.close()
  return ids
}

async function cuts(
  context: TestContext,
  policy: FsyncPolicy,
  stated: number,
  enough: () => IsEnough,
): Promise<readonly Cut[]> {
  needs(context, 'root', 'loop')
  const all: Cut[] = []
  for (let round = 0; round < rounds(stated); round++) {
    all.push(await cut(policy, round % 2 === 0 ? 20 : 400, enough()))
  }
  const [lost, acknowledged] = [sum(all, ({ lost }) => lost.length), sum(all, ({ acknowledged }) => acknowledged)]
  console.info(`power cuts, fsync ${policy}: ${lost} of ${acknowledged} acknowledged lines lost`)
  return all
}

function sum(cuts: readonly Cut[], of: (cut: Cut) => number): number {
  return cuts.reduce((total, cut) => total + of(cut), 0)
}

/** After a sync has ended, and up to so many lines more than that. */
function someTimeAfterSync(atMost: number): IsEnough {
  const more = Math.random() * atMost
  let seen = 0
  let syncedAt = Infinity
  return (lines) => {
    for (; seen < lines.length && syncedAt === Infinity; seen++) if (lines[seen]!.startsWith(SYNCED)) syncedAt = seen
    return lines.length > syncedAt + more
  }
}

test('row 6: with fsync always a power cut loses nothing that was acknowledged', PATIENT, async (context) => {
  const all = await cuts(context, 'always', 30, () => someTimeAfterSync(600))
  expect(all.flatMap(({ lost }) => lost)).toEqual([])
})

test(
  'row 7: with fsync everysec a power cut loses the end of what was acknowledged, nothing that was synced, and every log opens',
  PATIENT,
  async (context) => {
    const all = await cuts(context, 'everysec', 30, () => someTimeAfterSync(20_000))
    expect(all.flatMap(({ lostThoughSynced }) => lostThoughSynced)).toEqual([])
    expect(all.flatMap(({ lostFromWithin }) => lostFromWithin)).toEqual([])
  },
)

test('row 7: with fsync never a power cut loses lines, or it is none', PATIENT, async (context) => {
  const all = await cuts(context, 'never', 10, () => (lines) => lines.length > 1000)
  expect(sum(all, ({ lost }) => lost.length)).toBeGreaterThan(0)
})
