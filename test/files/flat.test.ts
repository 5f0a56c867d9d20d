/**
 * Memory while a long stream is stored and read back.
 */
import { expect, test } from 'vitest'
import { Child } from '../support/child.ts'
import { PATIENT, rounds } from '../support/rounds.ts'
import { open, temp } from '../support/temp.ts'

const MB = 1 << 20

test('memory stays flat however long a stream is', PATIENT, async () => {
  const root = temp()
  await (await open(root)).store.create({ id: 's' })
  const sizeMb = Math.max(150, rounds(500))
  const child = new Child('putter', root, 'flat', String(sizeMb))
  const grownBytes = Number(await child.line())
  expect(grownBytes).toBeLessThan(100 * MB)
})
