/** A log longer than a string, and than what may be read at once. */
import { appendFileSync } from 'node:fs'
import { expect, test } from 'vitest'
import { Child } from '../support/child.ts'
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
