import * as fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { FoldlogError } from '../src/errors.ts'
import { canonicalJson, deepFreeze, isSameJson, MAX_DEPTH, setOwn, toJson, type Json } from '../src/json.ts'
import { rounds } from './support/events.ts'

const json = fc.jsonValue({ maxDepth: 4 }) as fc.Arbitrary<Json>

function refused(value: unknown): { readonly code: string; readonly field: string | undefined } | undefined {
  try {
    toJson(value, 'data')
    return undefined
  } catch (error) {
    if (!(error instanceof FoldlogError)) throw error
    return { code: error.code, field: error.field }
  }
}

function nested(depth: number): unknown {
  let value: unknown = 1
  for (let i = 0; i < depth; i++) value = i % 2 === 0 ? [value] : { a: value }
  return value
}

function isDeepFrozen(value: unknown): boolean {
  if (typeof value !== 'object' || value === null) return true
  return Object.isFrozen(value) && Object.values(value).every(isDeepFrozen)
}

describe('toJson', () => {
  test('gives what writing and reading would give', () => {
    fc.assert(
      fc.property(json, (value) => {
        expect(toJson(value, 'data')).toEqual(JSON.parse(JSON.stringify(value)))
      }),
      rounds(),
    )
  })

  test('the copy shares nothing with what was given', () => {
    const given = { list: [{ a: 1 }], object: { b: 2 } }
    const made = toJson(given, 'data')
    given.list[0]!.a = 9
    given.object.b = 9
    expect(made).toEqual({ list: [{ a: 1 }], object: { b: 2 } })
  })

  test('what JSON cannot hold is refused with the path to it', () => {
    class Point {
      readonly x = 1
    }
    const bad: readonly unknown[] = [
      Number.NaN,
      Infinity,
      -Infinity,
      1n,
      () => 1,
      Symbol('s'),
      new Date(0),
      new Map(),
      new Point(),
      Object.create({ inherited: 1 }),
      { toJSON: () => 1 },
    ]
    for (const value of bad) expect(refused({ a: [0, { b: value }] })?.field).toMatch(/^data\.a\[1\]\.b/)
    for (const value of bad) expect(refused(value)?.code).toBe('INVALID_EVENT')
    expect(refused([undefined])).toEqual({ code: 'INVALID_EVENT', field: 'data[0]' })
    expect(refused(undefined)).toEqual({ code: 'INVALID_EVENT', field: 'data' })
  })

  test('undefined properties are left out and minus zero becomes zero', () => {
    expect(Object.keys(toJson({ a: undefined, b: 1 }, 'data') as object)).toEqual(['b'])
    expect(Object.is(toJson(-0, 'data'), 0)).toBe(true)
    expect(Object.is(toJson([-0], 'data'), 0)).toBe(false)
    expect(toJson([-0], 'data')).toEqual([0])
  })

  test('lone surrogates become the replacement character, in keys too', () => {
    expect(toJson({ ['a\uD800']: 'b\uDC00c' }, 'data')).toEqual({ 'a\uFFFD': 'b\uFFFDc' })
    expect(toJson('😀', 'data')).toBe('😀')
  })

  test('nesting is taken up to the limit and refused beyond it, 100,000 deep and in cycles too', () => {
    expect(refused(nested(MAX_DEPTH))).toBeUndefined()
    expect(refused(nested(MAX_DEPTH + 1))?.code).toBe('TOO_LARGE')
    expect(refused(nested(100_000))?.code).toBe('TOO_LARGE')
    const cycle: Record<string, unknown> = {}
    cycle['self'] = cycle
    expect(refused(cycle)?.code).toBe('TOO_LARGE')
  })

  test('the key __proto__ is data like any other', () => {
    const made = toJson(JSON.parse('{"__proto__":{"polluted":true},"constructor":1}'), 'data') as object
    expect(Object.getPrototypeOf(made)).toBe(Object.prototype)
    expect(JSON.stringify(made)).toBe('{"__proto__":{"polluted":true},"constructor":1}')
    expect(({} as { polluted?: boolean }).polluted).toBeUndefined()
  })

  test('objects without a prototype are plain data', () => {
    const bare = Object.assign(Object.create(null) as object, { a: 1 })
    expect(toJson(bare, 'data')).toEqual({ a: 1 })
  })
})

/** The same data with the keys of every object in another order. */
function reordered(value: Json): Json {
  if (Array.isArray(value)) return value.map(reordered)
  if (typeof value !== 'object' || value === null) return value
  const out = {}
  for (const [key, item] of Object.entries(value).reverse()) setOwn(out, key, reordered(item))
  return out
}

describe('canonicalJson', () => {
  test('does not depend on the order of keys and is JSON of the same data', () => {
    fc.assert(
      fc.property(json, (value) => {
        const text = canonicalJson(value)
        expect(canonicalJson(reordered(value))).toBe(text)
        expect(JSON.parse(text)).toEqual(JSON.parse(JSON.stringify(value)))
      }),
      rounds(),
    )
  })

  test('sorts keys at every depth and writes no white space', () => {
    expect(canonicalJson({ b: [{ d: 1, c: 2 }], a: null })).toBe('{"a":null,"b":[{"c":2,"d":1}]}')
  })

  test('the infinity of 1e400 is neither null nor the other infinity', () => {
    const texts = ['1e400', '-1e400', 'null', '1e308'].map((text) => canonicalJson([JSON.parse(text) as Json]))
    expect(new Set(texts).size).toBe(4)
    expect(JSON.parse(texts[0]!)).toEqual([Infinity])
  })
})

describe('isSameJson', () => {
  const small = fc.jsonValue({ maxDepth: 2, stringUnit: fc.constantFrom('a', 'b', '__proto__') }) as fc.Arbitrary<Json>

  test('says what the canonical texts say', () => {
    fc.assert(
      fc.property(small, small, (a, b) => {
        expect(isSameJson(a, b)).toBe(canonicalJson(a) === canonicalJson(b))
        expect(isSameJson(a, reordered(a))).toBe(true)
      }),
      rounds(),
    )
  })

  test.for([
    ['[]', '{}'],
    ['{}', '[]'],
    ['{"a":null}', '{"b":null}'],
    ['{"a":1}', '{"__proto__":1}'],
    ['{"a":1}', '{"a":1,"b":1}'],
    ['[1,2]', '[1]'],
    ['null', '{}'],
    ['1e400', '-1e400'],
  ])('%s is not %s', ([a, b]) => {
    expect(isSameJson(JSON.parse(a!) as Json, JSON.parse(b!) as Json)).toBe(false)
  })
})

describe('deepFreeze', () => {
  test('freezes everything and returns the same object', () => {
    fc.assert(
      fc.property(json, (value) => {
        expect(deepFreeze(value)).toBe(value)
        expect(isDeepFrozen(value)).toBe(true)
      }),
      rounds(0.5),
    )
  })
})
