import * as fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { canonicalJson, type Json } from '../src/json.ts'
import { Registers } from '../src/registers.ts'
import { copy, deliver, eventId, rounds, seeds } from './support/events.ts'

interface Write {
  readonly how: 'init' | 'set' | 'clear'
  readonly name: string
  readonly value: Json
}

const name = fc.constantFrom('a', 'b', '__proto__', 'constructor')
const value = fc.constantFrom<Json>(null, 1, 'x', [1], { deep: [] })
const how = fc.constantFrom<Write['how']>('init', 'init', 'set', 'set', 'set', 'clear')
const writes: fc.Arbitrary<readonly Write[]> = fc.array(fc.record({ how, name, value }), { maxLength: 12 })

function write(registers: Registers, { how: verb, name: key, value: data }: Write, at: string): void {
  if (verb === 'init') registers.init(key, data, at)
  else if (verb === 'set') registers.set(key, data, at)
  else registers.clear(at)
}

/** What §4.3 says: what was set last since everything was unset; if nothing ever was, the first initial value. */
function expected(all: readonly Write[]): [string, Json][] {
  const clearedAt = all.findLastIndex((each) => each.how === 'clear')
  const names = [...new Set(all.filter((each) => each.how !== 'clear').map((each) => each.name))].sort()
  return names.flatMap((key): [string, Json][] => {
    const mine = all.map((each, at) => ({ ...each, at })).filter((each) => each.name === key && each.how !== 'clear')
    const sets = mine.filter((each) => each.how === 'set')
    const last = sets.at(-1)
    const first = clearedAt < 0 && last === undefined ? mine.find((each) => each.value !== null) : undefined
    const found = last !== undefined && last.at > clearedAt ? last : first
    return found === undefined || found.value === null ? [] : [[key, found.value]]
  })
}

describe('registers', () => {
  test('3 4 hold the same in whatever order and however often they are written', () => {
    fc.assert(
      fc.property(writes, seeds, (all, order) => {
        const registers = new Registers()
        const tagged = all.map((each, index) => ({ ...each, index }))
        for (const each of deliver(tagged, order)) {
          write(registers, each, eventId(each.index))
          if (order.length % 2 === 0) registers.object()
        }
        const want = expected(all)
        expect(canonicalJson(copy(Object.entries(registers.object()) as unknown as Json))).toBe(
          canonicalJson(want as unknown as Json),
        )
        for (const [key, item] of want) expect(registers.get(key)).toEqual(item)
      }),
      rounds(3),
    )
  })

  test('an initial value counts only while nothing was set, and of several the first', () => {
    const registers = new Registers()
    registers.init('a', 'second', eventId(2))
    registers.init('a', 'first', eventId(1))
    expect(registers.get('a')).toBe('first')
    expect(registers.setAt('a')).toBeUndefined()
    registers.set('a', 'set', eventId(0))
    expect(registers.get('a')).toBe('set')
    expect(registers.setAt('a')).toBe(eventId(0))
    registers.set('a', null, eventId(3))
    expect(registers.get('a')).toBeUndefined()
  })

  test('null of a creation says nothing', () => {
    const registers = new Registers()
    registers.init('a', null, eventId(0))
    registers.init('a', 1, eventId(1))
    expect(registers.get('a')).toBe(1)
  })

  test('clearing unsets what was set before and what was there at first, and not what was set after', () => {
    const registers = new Registers()
    registers.init('a', 1, eventId(0))
    registers.set('b', 1, eventId(1))
    registers.set('c', 1, eventId(3))
    registers.clear(eventId(2))
    registers.clear(eventId(1))
    expect(registers.object()).toEqual({ c: 1 })
    registers.set('b', 2, eventId(4))
    expect(registers.object()).toEqual({ b: 2, c: 1 })
  })

  test('the object is frozen, is the same one while nothing changes, and holds __proto__ as a key', () => {
    const registers = new Registers()
    registers.set('__proto__', { polluted: true }, eventId(1))
    const object = registers.object()
    expect(Object.getPrototypeOf(object)).toBe(Object.prototype)
    expect(JSON.stringify(object)).toBe('{"__proto__":{"polluted":true}}')
    expect(Object.isFrozen(object) && Object.isFrozen(object['__proto__'])).toBe(true)
    registers.set('__proto__', 1, eventId(0))
    registers.init('__proto__', 1, eventId(2))
    registers.clear('')
    expect(registers.get('__proto__')).toEqual({ polluted: true })
    const same = registers.object()
    expect(same).toEqual(object)
    expect(registers.object()).toBe(same)
  })

  test('the names are sorted, so that an object does not tell in which order they came', () => {
    const registers = new Registers()
    for (const [at, key] of ['c', 'a', 'b'].entries()) registers.set(key, 1, eventId(at))
    expect(Object.keys(registers.object())).toEqual(['a', 'b', 'c'])
  })
})
