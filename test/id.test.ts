import * as fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { isEventId, timeOf } from '../src/event-id.ts'
import { Clock, firstIdAt, idFrom, newId } from '../src/id.ts'
import { rounds } from './support/events.ts'

const YEAR_6000 = Date.UTC(6000, 0, 1)
const time = fc.integer({ min: 0, max: YEAR_6000 - 1 })
const bytes = fc.uint8Array({ minLength: 10, maxLength: 10 })

/** The 80 bits after the time, as a number. */
function bitsOf(id: string): bigint {
  return Array.from(id.slice(10)).reduce(
    (sum, char) => sum * 32n + BigInt('0123456789ABCDEFGHJKMNPQRSTVWXYZ'.indexOf(char)),
    0n,
  )
}

describe('ids', () => {
  test('an id made of a time and bytes holds both, and its order is that of time, then bytes', () => {
    fc.assert(
      fc.property(time, bytes, time, bytes, (t1, b1, t2, b2) => {
        const [a, b] = [idFrom(t1, b1), idFrom(t2, b2)]
        expect(isEventId(a)).toBe(true)
        expect(timeOf(a)).toBe(t1)
        expect(bitsOf(a)).toBe(BigInt(`0x${Buffer.from(b1).toString('hex')}`))
        const order = t1 === t2 ? Buffer.compare(b1, b2) : t1 - t2
        expect(Math.sign(order)).toBe(a < b ? -1 : a > b ? 1 : 0)
      }),
      rounds(2),
    )
  })

  test('the first id of a millisecond is greater than all before it and smaller than all in it', () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: YEAR_6000 - 1 }), bytes, (t, random) => {
        expect(firstIdAt(t) <= idFrom(t, random)).toBe(true)
        expect(firstIdAt(t) > idFrom(t - 1, random)).toBe(true)
      }),
      rounds(),
    )
  })

  test('only ULIDs in upper case before the year 6000 are event ids', () => {
    expect(isEventId(newId())).toBe(true)
    expect(isEventId(`${firstIdAt(YEAR_6000 - 1).slice(0, 10)}${'Z'.repeat(16)}`)).toBe(true)
    const bad = [
      firstIdAt(YEAR_6000),
      `7${'Z'.repeat(25)}`,
      `8${'0'.repeat(25)}`,
      '',
      newId().toLowerCase(),
      `${newId()}0`,
    ]
    const letters = Array.from('ILOU', (letter) => `01M7XVMR0GBR6T8XW8V4ECY7X${letter}`)
    for (const id of [
      ...bad,
      ...letters,
      newId().slice(1),
      '01M7XVMR0GBR6T8XW8V4ECY7Xé',
      `${newId().slice(0, 25)}\n`,
    ]) {
      expect([id, isEventId(id)]).toEqual([id, false])
    }
  })

  test('fresh ids are all different', () => {
    expect(new Set(Array.from({ length: 10_000 }, newId)).size).toBe(10_000)
  })
})

describe('Clock', () => {
  type Step = { readonly now: number } | { readonly seen: string }
  const step: fc.Arbitrary<Step> = fc.oneof(
    fc.record({ now: fc.integer({ min: 0, max: 300 }) }),
    fc.record({ seen: fc.tuple(fc.integer({ min: 0, max: 300 }), bytes).map(([t, b]) => idFrom(t, b)) }),
    fc.record({ seen: fc.integer({ min: 0, max: 300 }).map((t) => firstIdAt(t).slice(0, 10) + 'Z'.repeat(16)) }),
  )

  test('8 every id issued is greater than all seen and issued, also when the clock jumps back', () => {
    fc.assert(
      fc.property(fc.array(step, { maxLength: 60 }), (steps) => {
        let now = 0
        let greatest = ''
        const clock = new Clock(() => now)
        for (const each of steps) {
          if ('seen' in each) {
            clock.see(each.seen)
            if (each.seen > greatest) greatest = each.seen
          } else {
            now = each.now
            const id = clock.next()
            expect(isEventId(id)).toBe(true)
            expect(id > greatest).toBe(true)
            greatest = id
          }
        }
      }),
      rounds(3),
    )
  })

  test('8 a later millisecond is taken as it is, an earlier one is not', () => {
    let now = 1000
    const clock = new Clock(() => now)
    expect(timeOf(clock.next())).toBe(1000)
    now = 2000
    expect(timeOf(clock.next())).toBe(2000)
    now = 500
    expect(timeOf(clock.next())).toBe(2000)
    clock.see(firstIdAt(9000))
    now = 8999
    expect(timeOf(clock.next())).toBe(9000)
    now = 9001
    expect(timeOf(clock.next())).toBe(9001)
  })

  test('behind the newest id seen, an id is that id plus 1 to 2^48, spread over the whole range', () => {
    const seen = idFrom(5000, new Uint8Array(10).fill(7))
    const strides = Array.from({ length: 2000 }, () => {
      const clock = new Clock(() => 0)
      clock.see(seen)
      return Number(bitsOf(clock.next()) - bitsOf(seen))
    })
    expect(strides.every((stride) => stride >= 1 && stride <= 2 ** 48)).toBe(true)
    expect(new Set(strides).size).toBe(strides.length)
    const mean = strides.reduce((sum, stride) => sum + stride, 0) / strides.length
    expect(mean / 2 ** 48).toBeGreaterThan(0.4)
    expect(mean / 2 ** 48).toBeLessThan(0.6)
  })

  test('ids of many writers that saw the same id in the same millisecond are all different', () => {
    const seen = newId()
    const ids = Array.from({ length: 20_000 }, () => {
      const clock = new Clock(() => timeOf(seen))
      clock.see(seen)
      return clock.next()
    })
    expect(new Set(ids).size).toBe(ids.length)
    const fresh = Array.from({ length: 20_000 }, () => new Clock(() => 12_345).next())
    expect(new Set(fresh).size).toBe(fresh.length)
  })

  test('80 random bits that overflow carry into the time', () => {
    const clock = new Clock(() => 0)
    clock.see(firstIdAt(31).slice(0, 10) + 'Z'.repeat(16))
    expect(timeOf(clock.next())).toBe(32)
  })

  test('a clock at the beginning of time and one before it issue ids too', () => {
    for (const now of [0, -1, -5000]) {
      const clock = new Clock(() => now)
      const [first, second] = [clock.next(), clock.next()]
      expect(isEventId(first) && isEventId(second)).toBe(true)
      expect(second > first).toBe(true)
    }
  })

  test('no id past the year 6000 is issued: it would be damage when it is read', () => {
    const clock = new Clock(() => 0)
    clock.see(firstIdAt(YEAR_6000 - 1).slice(0, 10) + 'Z'.repeat(16))
    expect(() => clock.next()).toThrow(expect.objectContaining({ code: 'UNSUPPORTED' }))
    expect(() => new Clock(() => YEAR_6000).next()).toThrow(expect.objectContaining({ code: 'UNSUPPORTED' }))
    expect(timeOf(new Clock(() => YEAR_6000 - 1).next())).toBe(YEAR_6000 - 1)
  })
})
