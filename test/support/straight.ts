/** Tests of what holds of logs that are one path, with logs of every kind. */
import * as fc from 'fast-check'
import { expect, test } from 'vitest'
import type { Line } from '../../src/line.ts'
import { chaos, conversations, deliver, linearConversations, orderlyChaos, rounds, seeds } from './events.ts'

/** `check` looks at a log, and says whether it is one path: of some of them it has to be true. */
export function testLogs(check: (lines: readonly Line[]) => boolean): void {
  test('of writers one after the other, whose logs are straight', () => {
    let straight = 0
    fc.assert(
      fc.property(linearConversations, (lines) => {
        if (check(lines)) straight++
      }),
      rounds(),
    )
    expect(straight).toBeGreaterThan(0)
  })

  test.each([
    ['of several writers', conversations],
    ['of anything in order', orderlyChaos],
    ['of anything', chaos],
  ])('%s', (_, arbitrary) => {
    fc.assert(
      fc.property(arbitrary, seeds, (lines, order) => {
        check([...lines].sort((a, b) => (a.id < b.id ? -1 : 1)))
        check(deliver(lines, order))
      }),
      rounds(),
    )
  })
}
