/** The times that importers write. */
import * as fc from 'fast-check'
import { expect, test } from 'vitest'
import { isoOf } from '../../src/importers/lines.ts'
import { rounds } from '../support/events.ts'

test('a time is written as the system writes it', () => {
  const ms = fc.integer({ min: 0, max: Date.UTC(6000, 0, 1) - 1 })
  fc.assert(
    fc.property(ms, fc.integer({ min: 0, max: 90_000_000 }), (first, later) => {
      for (const each of [first, first + later, first]) expect(isoOf(each)).toBe(new Date(each).toISOString())
    }),
    rounds(),
  )
})
