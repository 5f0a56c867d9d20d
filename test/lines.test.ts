import * as fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { canonicalJson, type Json } from '../src/json.ts'
import { eventsOf, type Line } from '../src/line.ts'
import { LineSet } from '../src/lines.ts'
import { chaos, conversations, copy, deliver, eventId, line, lineOf, rounds, seeds } from './support/events.ts'
import { countedOf } from './support/model.ts'

const A = eventId(1)
const B = eventId(2)
const C = eventId(3)

function setOf(lines: readonly Line[]): LineSet {
  const set = new LineSet()
  for (const each of lines) set.add(each)
  return set
}

function effects(lines: readonly Line[]): string[] {
  const set = new LineSet()
  return lines.map((each) => set.add(each).effect)
}

/** Every order of a few lines. */
function orders<T>(items: readonly T[]): T[][] {
  if (items.length < 2) return [[...items]]
  return items.flatMap((item, at) => orders(items.toSpliced(at, 1)).map((rest) => [item, ...rest]))
}

/** What counts, in whatever order the lines come: the data of the events and the ids in conflict. */
function counting(lines: readonly Line[]): { readonly data: Json[]; readonly conflicts: string[] } {
  const results = orders(lines).map((all) => {
    const set = setOf(all.map(copy))
    return { data: set.events().map(({ data }) => data as Json), conflicts: [...set.conflicts].sort() }
  })
  for (const result of results) expect(result).toEqual(results[0])
  return results[0]!
}

const a1 = line(A, 'a.b', 1)
const a2 = line(A, 'a.b', 2)

describe('what counts', () => {
  test('3 is what the format says, in any order and with any repetition', () => {
    fc.assert(
      fc.property(fc.oneof(chaos, conversations), seeds, (lines, order) => {
        const set = setOf(deliver(lines, order))
        const { events, conflicts } = countedOf(lines)
        expect(set.events().map(({ redacted: _redacted, ...event }) => event)).toEqual(
          events.map(({ line: { time }, event: { id, type, data } }) => ({ id, type, time, data })),
        )
        expect([...set.conflicts].sort()).toEqual([...conflicts].sort())
      }),
      rounds(3),
    )
  })

  test('events come in the order of their ids, whatever order the lines came in', () => {
    expect(counting([line(C, 'a.b', 3), a1, line(B, 'a.b', 2)]).data).toEqual([1, 2, 3])
  })

  test('of lines with the same id the byte-wise smaller one counts, and that is reported', () => {
    expect(counting([a2, a1])).toEqual({ data: [1], conflicts: [A] })
    expect(counting([a2, a1, line(A, 'a.b', 0)])).toEqual({ data: [0], conflicts: [A] })
    // U+FFFD comes before U+1F600 as bytes, and after it as UTF-16.
    expect(counting([line(A, 'a.b', '😀'), line(A, 'a.b', '\uFFFD')]).data).toEqual(['\uFFFD'])
  })

  test('the same content with its keys in another order is the same line', () => {
    expect(counting([line(A, 'a.b', { x: 1, y: 2 }), line(A, 'a.b', { y: 2, x: 1 })]).conflicts).toEqual([])
  })

  test('1e400 and null are not the same content', () => {
    const infinite = { ...line(A, 'a.b', Infinity) }
    const set = setOf([infinite, line(A, 'a.b', null)])
    expect([...set.conflicts]).toEqual([A])
    expect(set.events()).toEqual(setOf([line(A, 'a.b', null), infinite]).events())
  })

  test('a redacted line beats one without, whichever is smaller', () => {
    expect(counting([a1, { ...a2, redacted: true }]).data).toEqual([2])
    expect(counting([a2, { ...a1, redacted: true }]).data).toEqual([1])
    expect(counting([a1, a2, line(A, 'a.b', 9, { redacted: true })]).data).toEqual([9])
  })

  test('of lines with the same key the one with the smallest id counts, and that is not reported', () => {
    const first = line(A, 'a.b', 1, { key: 'k' })
    const second = line(B, 'a.b', 2, { key: 'k' })
    const third = line(C, 'a.b', 3, { key: 'other' })
    expect(counting([third, second, first])).toEqual({ data: [1, 3], conflicts: [] })
    expect(setOf([second, first]).byKey('k')).toBe(first)
    expect(setOf([second, first]).byKey('none')).toBeUndefined()
  })

  test('a line that lost by its key still counts against another content of its id', () => {
    const first = line(A, 'a.b', 1, { key: 'k' })
    const loser = line(B, 'a.b', 2, { key: 'k' })
    const tampered = line(B, 'a.b', 3)
    expect(counting([first, loser, tampered])).toEqual({ data: [1], conflicts: [B] })
    expect(counting([first, loser, line(B, 'a.b', 1)])).toEqual({ data: [1, 1], conflicts: [B] })
  })

  test('a line that lost by its id gives its key away', () => {
    const keyed = line(A, 'a.b', 2, { key: 'k' })
    expect(counting([keyed, a1, line(B, 'a.b', 5, { key: 'k' })]).data).toEqual([1, 5])
  })

  test('an event that two lines hold counts once, also when the line it counted in goes', () => {
    const batch = lineOf([
      { id: A, type: 'a.b', data: 1 },
      { id: B, type: 'a.b', data: 2 },
    ])
    const alone = line(B, 'a.b', 2)
    const redacted = line(A, 'a.b', 0, { redacted: true })
    expect(counting([batch, alone])).toEqual({ data: [1, 2], conflicts: [] })
    expect(counting([batch, alone, redacted]).data).toEqual([0, 2])
    expect(counting([batch, line(B, 'a.b', 1)])).toEqual({ data: [1, 1], conflicts: [B] })
  })

  test('a line of another version is another line, of which the older one counts', () => {
    const newer = { ...a1, v: 2 }
    for (const lines of [
      [newer, a1],
      [a1, newer],
    ]) {
      const set = setOf(lines)
      expect([...set.conflicts]).toEqual([A])
      expect([...set.counted()][0]?.line.v).toBe(1)
    }
    // What counted had no effect, what counts now has one.
    expect(effects([newer, a1])).toEqual(['fresh', 'refold'])
  })
})

const textOf = (data: unknown, type: string): string => canonicalJson([type, data as Json])

describe('add', () => {
  test('says of a new line that it is fresh and of one that is there that it changes nothing', () => {
    expect(effects([a1, copy(a1), line(B, 'a.b', 2), copy(a1)])).toEqual(['fresh', 'none', 'fresh', 'none'])
    const batch = lineOf([
      { id: A, type: 'a.b', data: 1 },
      { id: B, type: 'a.b', data: 2 },
    ])
    expect(effects([batch, copy(batch)])).toEqual(['fresh', 'none'])
  })

  test('a line that loses changes nothing, however often it comes', () => {
    const loser = line(B, 'a.b', 2, { key: 'k' })
    expect(effects([line(A, 'a.b', 1, { key: 'k' }), loser, copy(loser), copy(loser)])).toEqual([
      'fresh',
      'none',
      'none',
      'none',
    ])
    expect(effects([a1, a2, copy(a2)])).toEqual(['fresh', 'none', 'none'])
  })

  test('a line that wins says what no longer counts and what does now', () => {
    const set = setOf([a2])
    expect(set.add(a1)).toMatchObject({
      effect: 'refold',
      missing: [{ id: A, data: 2 }],
      added: [{ id: A, data: 1 }],
    })
    const keyed = setOf([line(B, 'a.b', 2, { key: 'k' })])
    expect(keyed.add(line(A, 'a.b', 1, { key: 'k' }))).toMatchObject({
      effect: 'refold',
      missing: [{ id: B }],
      added: [{ id: A }],
    })
  })

  test('what adding says is all that changes', () => {
    fc.assert(
      fc.property(chaos, seeds, (lines, order) => {
        const set = new LineSet()
        const known = new Map<string, string>()
        for (const each of deliver(lines, order)) {
          const added = set.add(each)
          if (added.effect === 'fresh')
            for (const { id, type, data } of eventsOf(each)) known.set(id, textOf(data, type))
          if (added.effect === 'refold') {
            for (const { id, type, data } of added.missing) {
              expect(known.get(id)).toBe(textOf(data, type))
              known.delete(id)
            }
            for (const { id, type, data } of added.added) known.set(id, textOf(data, type))
          }
          const counted = set.events().map(({ id, type, data }) => [id, textOf(data, type)] as const)
          expect(new Map(counted)).toEqual(known)
          for (const [id] of counted) expect(set.has(id) && set.event(id)?.id === id).toBe(true)
        }
      }),
      rounds(),
    )
  })

  // Weighed against all others each, they would take longer than a test may.
  test('many lines in conflict are weighed only against what they have in common', () => {
    const count = 20_000
    const set = new LineSet()
    for (let at = 0; at < count; at++) set.add(line(eventId(at), 'a.b', 2))
    for (let at = 0; at < count; at++) expect(set.add(line(eventId(at), 'a.b', 1)).effect).toBe('refold')
    expect(set.conflicts.size).toBe(count)
  })
})

describe('without', () => {
  test('gives the events that another set does not have, or has with other content', () => {
    const set = setOf([a1, line(B, 'a.b', 2), line(C, 'a.b', 3)])
    const other = setOf([copy(a1), line(B, 'a.b', 9)])
    expect(set.without(other).map(({ id }) => id)).toEqual([B, C])
    expect(other.without(set).map(({ id, data }) => [id, data])).toEqual([[B, 9]])
    expect(set.without(set)).toEqual([])
  })

  test('an event keeps its identity when it comes in another line', () => {
    const batch = lineOf([
      { id: A, type: 'a.b', data: 1 },
      { id: B, type: 'a.b', data: 2 },
    ])
    const apart = setOf(eventsOf(batch).map((event) => lineOf([event], { time: batch.time })))
    expect(setOf([batch]).without(apart)).toEqual([])
  })
})
