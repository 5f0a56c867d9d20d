/**
 * A writer is killed at a random moment: what it had acknowledged is there, and the log goes on.
 */
import { expect, test } from 'vitest'
import { readFileSync } from 'node:fs'
import { Child } from '../support/child.ts'
import { PATIENT, rounds } from '../support/rounds.ts'
import { anew, idsOf, logPath, open, temp } from '../support/temp.ts'

/** Lets a writer add, and kills it when it has had so many messages acknowledged and so many ms more; returns their ids. */
async function killAfter(writer: Child, count: number, ms: number): Promise<string[]> {
  await writer.line()
  writer.say('go')
  await writer.until(() => writer.lines.length > count)
  await new Promise((resolve) => setTimeout(resolve, ms))
  await writer.kill()
  return writer.lines.slice(1)
}

test.each([
  [4000, 170],
  [60_000, 170],
  [1_000_000, 170],
])(
  'row 1: lines of up to %i bytes: whatever was acknowledged before a kill -9 is there, the session opens and the next append is intact',
  PATIENT,
  async (longest, stated) => {
    const root = temp()
    const { store } = await open(root)
    const begin = async (round: number): Promise<Child> => {
      await store.create({ id: `killed-${round}`, title: 'Killed' })
      // Each of the characters is two bytes.
      return new Child('writer', root, `killed-${round}`, '1000000', String(longest / 2))
    }
    let upcoming = begin(0)
    for (let round = 0; round < rounds(stated); round++) {
      const id = `killed-${round}`
      const [count, ms] = [Math.floor(Math.random() * 20), Math.random() * 8]
      const acknowledged = await killAfter(await upcoming, count, ms)
      // The next one starts while this one is looked at.
      upcoming = begin(round + 1)
      const label = `round ${round}: killed ${ms} ms after ${count} messages`

      const before = await anew(root, id)
      const seen = idsOf(before.messages)
      // One more may be in: it was written, and the process died before it could say so.
      expect(seen.slice(0, acknowledged.length), label).toEqual(acknowledged)
      expect(seen.length - acknowledged.length, label).toBeLessThanOrEqual(1)
      expect(before.info.title, label).toBe('Killed')

      const session = (await store.get(id))!
      const next = await session.add({ text: 'next' })
      const after = await anew(root, id)
      expect(idsOf(after.messages).slice(0, -1), label).toEqual(seen)
      expect(after.messages.at(-1), label).toEqual(next)
      expect(after.damage, label).toEqual(await session.damage())
      expect(after.damage.length, label).toBeLessThanOrEqual(1)
    }
    await upcoming
  },
)

test(
  'row 4: a writer is killed while another one goes on: nothing that either acknowledged is lost',
  PATIENT,
  async () => {
    const root = temp()
    const { store } = await open(root)
    for (let round = 0; round < rounds(30); round++) {
      const id = `pair-${round}`
      await store.create({ id })
      const survivor = new Child('writer', root, id, '1000000', '20000')
      const victim = new Child('writer', root, id, '1000000', '60000')
      await survivor.line()
      survivor.say('go')
      const acknowledged = await killAfter(victim, Math.floor(Math.random() * 10), Math.random() * 8)
      const from = survivor.lines.length
      await survivor.until(() => survivor.lines.length > from + 5)
      await survivor.kill()
      const all = [...acknowledged, ...survivor.lines.slice(1)]

      const last = await (await store.get(id))!.add({ text: 'last' })
      const after = await anew(root, id)
      const seen = new Set(idsOf(after.messages))
      expect(all.filter((each) => !seen.has(each))).toEqual([])
      expect(after.messages.at(-1)).toEqual(last)
      // Two were killed: at most one torn line each.
      expect(after.damage.length).toBeLessThanOrEqual(2)
      const bytes = readFileSync(logPath(root, id))
      for (const { offset, sizeBytes } of after.damage) {
        expect(() => JSON.parse(bytes.subarray(offset, offset + sizeBytes).toString()) as unknown).toThrow(SyntaxError)
      }
    }
  },
)

test('row 2: a batch is there whole or not at all, whenever its writer is killed', PATIENT, async () => {
  const root = temp()
  const { store } = await open(root)
  for (let round = 0; round < rounds(60); round++) {
    const id = `batch-${round}`
    await store.create({ id })
    const writer = new Child('batches', root, id)
    await writer.until(() => writer.lines.length > Math.floor(Math.random() * 5))
    await new Promise((resolve) => setTimeout(resolve, Math.random() * 8))
    await writer.kill()
    await (await store.get(id))!.add({ id: 'last', text: 'last' })
    const { messages, damage } = await anew(root, id)
    const batches = new Map<string, number>()
    for (const message of messages.slice(0, -1)) {
      const batch = message.id.slice(0, message.id.indexOf('.'))
      batches.set(batch, (batches.get(batch) ?? 0) + 1)
    }
    expect([...batches.values()].every((size) => size === 10)).toBe(true)
    for (const line of writer.lines) expect(batches.get(line)).toBe(10)
    expect(messages.at(-1)!.id).toBe('last')
    expect(damage.length).toBeLessThanOrEqual(1)
  }
})

test('a process that creates sessions is killed: every acknowledged one opens', PATIENT, async () => {
  for (let round = 0; round < rounds(60); round++) {
    const root = temp()
    const creator = new Child('creator', root)
    await creator.until(() => creator.lines.length > Math.floor(Math.random() * 10))
    await creator.kill()
    const { store } = await open(root)
    for (const id of creator.lines) {
      const { info, damage } = await anew(root, id)
      expect(info.title).toBe(`session ${id}`)
      expect(damage).toEqual([])
    }
    const page = await store.list({ limit: 10_000 })
    const listed = new Set(page.items.map(({ id }) => id))
    expect(creator.lines.filter((id) => !listed.has(id))).toEqual([])
    // One that was not acknowledged may be there without its first line; it opens and can be written to all the same.
    for (const { id } of page.items.filter(({ title }) => title === undefined)) {
      await (await store.get(id))!.add({ text: 'usable' })
      expect((await anew(root, id)).messages).toHaveLength(1)
    }
  }
})

test.each(['always', 'everysec', 'never'])(
  'row 57: fsync %s: a process that exits right after an add has resolved leaves it in the file',
  PATIENT,
  async (fsync) => {
    const root = temp()
    const { store } = await open(root)
    await store.create({ id: 'exits' })
    const child = new Child('exits', root, 'exits', fsync)
    const id = await child.line()
    await child.end()
    const { messages, damage } = await anew(root, 'exits')
    expect(idsOf(messages)).toEqual([id])
    expect(damage).toEqual([])
  },
)
