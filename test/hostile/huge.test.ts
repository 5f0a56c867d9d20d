/** A log longer than a string, and than what may be read at once. */
import { appendFileSync } from 'node:fs'
import { expect, test } from 'vitest'
import { encodeLine } from '../../src/line.ts'
import { Child } from '../support/child.ts'
import { eventId, lineOf } from '../support/events.ts'
import { PATIENT, rounds } from '../support/rounds.ts'
import { logPath, open, temp } from '../support/temp.ts'

test('row 45: a log of 2 GiB is read in pieces, whatever is in it', PATIENT, async () => {
  const root = temp()
  const { store } = await open(root)
  const session = await store.create({ id: 'huge' })
  await session.add({ id: 'first', text: 'x' })
  const junk = Buffer.concat([Buffer.alloc((1 << 20) - 1, 'x'), Buffer.from('\n')])
  const megabytes = rounds(2100)
  for (let i = 0; i < megabytes; i++) appendFileSync(logPath(root, 'huge'), junk)
  await session.add({ id: 'last', text: 'x' })
  const reader = new Child('reader', root, 'huge')
  const said = JSON.parse(await reader.line()) as { ids: string[]; damage: number; maxRssMb: number }
  expect(said.ids).toEqual(['first', 'last'])
  expect(said.damage).toBe(megabytes)
  expect(said.maxRssMb).toBeLessThan(500)
})

test('a batch of more events than a call takes arguments is weighed against another with its key', async () => {
  const COUNT = 130_000
  const root = temp()
  const { store } = await open(root)
  await store.create({ id: 'batches' })
  const batches = [1, 2].map((half) => {
    const events = Array.from({ length: COUNT }, (_, at) => ({
      id: eventId(half * COUNT + at),
      type: 'todo.added',
      data: half,
    }))
    return { ...lineOf(events), key: 'k' }
  })
  // The greater one first: then it is taken back.
  for (const batch of batches.toReversed()) appendFileSync(logPath(root, 'batches'), `${encodeLine(batch)}\n`)
  const session = (await (await open(root)).store.get('batches'))!
  expect(await session.damage()).toEqual([])
  const halves = await session.project({
    initial: () => [0, 0, 0],
    on: {
      'todo.added': (counts: number[], { data }: { data: unknown }) =>
        counts.map((count, half) => (half === data ? count + 1 : count)),
    },
  })
  expect(halves).toEqual([0, COUNT, 0])
})
