/** The order of a listing, against sorting all of it anew. */
import * as fc from 'fast-check'
import { expect, test } from 'vitest'
import { entryOf, type Entry } from '../src/infos-cache.ts'
import { InOrder } from '../src/infos-order.ts'
import type { SessionInfo } from '../src/message.ts'
import { rounds } from './support/rounds.ts'

function entry(id: string, updated: number, created: number): Entry {
  // Only what the order looks at.
  const info = { id, time: { created, updated } } as SessionInfo
  return entryOf(id, '', true, { info, resume: undefined, cursor: undefined, isStraight: false })
}

const ids = fc.constantFrom('', 'a', 'b', 'ab', 'ä', '01M7WF87YG1KRVZMYH7C11YP8V', 'z')
const times = fc.constantFrom(0, 1, 2, 1e15)
const change = fc.record({ id: ids, updated: times, created: times, isGone: fc.boolean() })

test('entries that come, change and go stand where sorting would put them', () => {
  fc.assert(
    fc.property(fc.constantFrom('updated' as const, 'created' as const), fc.array(change), (order, changes) => {
      const there = new Map<string, Entry>()
      const sorted = new InOrder(order, [])
      for (const { id, updated, created, isGone } of changes) {
        const before = there.get(id)
        if (before !== undefined) sorted.remove(before)
        there.delete(id)
        if (isGone) continue
        const made = entry(id, updated, created)
        there.set(id, made)
        sorted.add(made)
      }
      const found = sorted.newestFirst()
      expect(found).toEqual(Array.from({ length: sorted.length }, (_, at) => sorted.at(at)))
      expect(new Set(found)).toEqual(new Set(there.values()))
      expect(found).toEqual(new InOrder(order, there.values()).newestFirst())
      expect(found).toEqual([...found].sort((a, b) => b[order] - a[order] || (a.id < b.id ? 1 : -1)))
      for (const [at, each] of found.entries()) expect(sorted.positionAfter(each[order], each.id)).toBe(at + 1)
    }),
    { numRuns: rounds(2000) },
  )
})

test('an entry whose time is none has no place of its own, and goes all the same', () => {
  const all = [entry('a', 1, 1), entry('b', Number.NaN, 1), entry('c', 2, 1)]
  for (const gone of all) {
    const sorted = new InOrder('updated', all)
    sorted.remove(gone)
    expect(new Set(sorted.newestFirst())).toEqual(new Set(all.filter((each) => each !== gone)))
  }
})
