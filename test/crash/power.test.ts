/**
 * The power goes: a writer on an ext4 of its own is killed, and in the same moment the bytes of the disk below are copied.
 * What was only in the page cache is not in the copy. The copy is mounted, its journal replayed, and opened.
 *
 * `never` is the negative control: if it loses nothing, the cut is none.
 */
import { copyFileSync } from 'node:fs'
import { expect, test, type TestContext } from 'vitest'
import { Bus } from '../../src/bus.ts'
import type { FsyncPolicy } from '../../src/backends/file/index.ts'
import { openStore } from '../../src/store.ts'
import { Child } from '../support/child.ts'
import { needs, run } from '../support/machine.ts'
import { LoopDisk } from '../support/mounts.ts'
import { PATIENT, rounds } from '../support/rounds.ts'
import { idsOf, temp } from '../support/temp.ts'

interface Cut {
  readonly acknowledged: number
  /** How long before the last acknowledgement each one that is missing was acknowledged, in ms. */
  readonly lostMs: readonly number[]
}

/** One round: write for a while, cut, open what is left. */
async function cut(policy: FsyncPolicy, ms: number, size: number): Promise<Cut> {
  const disk = new LoopDisk()
  // Made a moment ago, the file system itself is still in the cache.
  run('sync', '-f', disk.folder)
  const writer = new Child('powered', `${disk.folder}/root`, policy, String(size))
  await writer.until(() => writer.lines.length > 5)
  await new Promise((resolve) => setTimeout(resolve, ms))
  await writer.kill()
  const image = `${temp()}/image`
  copyFileSync(disk.image, image)
  const said = writer.lines.map((line) => line.split(' ')).map(([id = '', at]) => ({ id, at: Number(at) }))
  const end = said.at(-1)!.at
  disk.unmount()
  const after = new LoopDisk(image)
  const there = await idsIn(`${after.folder}/root`)
  after.unmount()
  return { acknowledged: said.length, lostMs: said.filter(({ id }) => !there.has(id)).map(({ at }) => end - at) }
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

async function cuts(context: TestContext, policy: FsyncPolicy, stated: number, ms: () => number): Promise<Cut> {
  needs(context, 'root', 'loop')
  const lostMs: number[] = []
  let acknowledged = 0
  for (let round = 0; round < rounds(stated); round++) {
    const one = await cut(policy, ms(), round % 2 === 0 ? 20 : 400)
    acknowledged += one.acknowledged
    lostMs.push(...one.lostMs)
  }
  console.info(`power cuts, fsync ${policy}: ${lostMs.length} of ${acknowledged} acknowledged lines lost`)
  return { acknowledged, lostMs }
}

test('row 6: with fsync always a power cut loses nothing that was acknowledged', PATIENT, async (context) => {
  const { lostMs } = await cuts(context, 'always', 30, () => Math.random() * 1000)
  expect(lostMs).toEqual([])
})

test('row 7: with fsync everysec a power cut loses about a second, and every log opens', PATIENT, async (context) => {
  const { lostMs } = await cuts(context, 'everysec', 30, () => 1500 + Math.random() * 2000)
  // A second, and as long as the sync at its end takes on a busy machine.
  expect(Math.max(0, ...lostMs)).toBeLessThan(2500)
})

test('row 7: with fsync never a power cut loses lines, or it is none', PATIENT, async (context) => {
  const { lostMs } = await cuts(context, 'never', 10, () => 300 + Math.random() * 500)
  expect(lostMs.length).toBeGreaterThan(0)
})
