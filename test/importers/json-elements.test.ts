/** Reading the elements of big JSON documents, in whatever pieces and whatever state. */
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import * as fc from 'fast-check'
import { expect, test } from 'vitest'
import { JsonElements, type Found, type JsonElement } from '../../src/importers/json-elements.ts'
import { SourceFile } from '../../src/importers/source-file.ts'
import { memoryBackend, openStore } from '../../src/index.ts'
import { rounds } from '../support/rounds.ts'

/** What a document gives if it comes in pieces that end at `cuts`. */
function read(document: string | Buffer, cuts: readonly number[] = [], maxBytes?: number): Found {
  const bytes = Buffer.from(document)
  const reader = new JsonElements(maxBytes)
  const edges = [0, ...[...new Set(cuts)].filter((cut) => cut < bytes.length).sort((a, b) => a - b), bytes.length]
  const founds = edges.slice(1).map((edge, index) => reader.feed(bytes.subarray(edges[index], edge)))
  const all = [...founds, reader.end()]
  return {
    elements: all.flatMap(({ elements }) => elements),
    unreadable: all.flatMap(({ unreadable }) => unreadable),
  }
}

function valuesOf({ elements }: Found): readonly JsonElement['value'][] {
  return elements.map(({ value }) => value)
}

/** Cut at every byte, at none, and once at each. */
function readInAllPieces(document: string | Buffer, maxBytes?: number): Found {
  const bytes = Buffer.from(document)
  const whole = read(bytes, [], maxBytes)
  const every = [...bytes.keys()].slice(1)
  expect(read(bytes, every, maxBytes)).toEqual(whole)
  for (const cut of every) expect(read(bytes, [cut], maxBytes)).toEqual(whole)
  return whole
}

test('the items of a list are elements, with their places', () => {
  const found = readInAllPieces('\ufeff[\n  {"a": 1},\r\n  {"b": ["ä", "\\"]}"]}\n, [7, {}]]\n')
  expect(found.unreadable).toEqual([])
  expect(found.elements).toEqual([
    { ordinal: 0, document: 0, isItem: true, line: 2, offset: 7, sizeBytes: 8, value: { a: 1 } },
    { ordinal: 1, document: 0, isItem: true, line: 3, offset: 20, sizeBytes: 21, value: { b: ['ä', '"]}'] } },
    { ordinal: 2, document: 0, isItem: true, line: 4, offset: 44, sizeBytes: 7, value: [7, {}] },
  ])
})

test('an object at the top is an element, and so is each of several', () => {
  expect(readInAllPieces('{"a":1}').elements).toEqual([
    { ordinal: 0, document: 0, isItem: false, line: 1, offset: 0, sizeBytes: 7, value: { a: 1 } },
  ])
  const { elements } = readInAllPieces('{"a":1}\n{"a":2}{"a":3}\n[{"a":4},{"a":5}]\n[{"a":6}]')
  expect(elements.map(({ document, isItem, line, value }) => [document, isItem, line, value])).toEqual([
    [0, false, 1, { a: 1 }],
    [1, false, 2, { a: 2 }],
    [2, false, 2, { a: 3 }],
    [3, true, 3, { a: 4 }],
    [3, true, 3, { a: 5 }],
    [4, true, 4, { a: 6 }],
  ])
})

test('what has no elements gives none', () => {
  for (const document of ['', ' \n', '[]', '[ , ]', '\ufeff']) {
    expect(readInAllPieces(document)).toEqual({ elements: [], unreadable: [] })
  }
})

test('items that are no objects or lists, or cannot be taken over, are told one by one', () => {
  const deep = `${'['.repeat(190)}${']'.repeat(190)}`
  const notUtf8 = Buffer.concat([Buffer.from('{"a":"'), Buffer.from([0xff]), Buffer.from('"}')])
  const document = Buffer.concat([Buffer.from(`[12,"text",null,{"a":tru},${deep},`), notUtf8, Buffer.from(',{"a":1}]')])
  const { elements, unreadable } = readInAllPieces(document)
  expect(unreadable.map(({ element, reason }) => [element, reason])).toEqual([
    [1, 'not-an-object'],
    [2, 'not-an-object'],
    [3, 'not-an-object'],
    [4, 'not-json'],
    [5, 'too-deep'],
    [6, 'not-utf8'],
  ])
  expect(unreadable[3]).toMatchObject({ line: 1, offset: 16, sizeBytes: 9, excerpt: '{"a":tru}' })
  expect(elements.map(({ ordinal, value }) => [ordinal, value])).toEqual([[6, { a: 1 }]])
})

const FIRST = '{"title":"one","mapping":{}}'
const LAST = '{"title":"four","mapping":{"x":{"title":"a node"}}}'

test.each([
  ['a text without its end', '{"title":"two,"mapping":{}}'],
  ['an object without its end', '{"title":"two","mapping":{'],
  ['a list without its end', '{"title":"two","mapping":[1,2'],
  ['a bracket too many', '{"title":"two"}}'],
  ['the wrong bracket', '{"title":"two","mapping":{]}'],
  ['two keys without a comma', '{"title":"two" "mapping":{}}'],
  ['a line break in a text', '{"title":"t\no","mapping":{}}'],
  ['bytes that are no JSON at all', '\0\0\0<<<<<<< HEAD\n"}]'],
  ['a part of an element', '{"mapping":{}}}'],
  ['an object that looks like an element inside of damage', '{"title":"two","mapping":{"title":"x"},,}'],
])('the element behind %s is found', (_, damaged) => {
  const found = readInAllPieces(`[${FIRST},\n${damaged},\n${LAST}]`)
  expect(valuesOf(found)).toEqual(expect.arrayContaining([JSON.parse(FIRST), JSON.parse(LAST)]))
  expect(found.unreadable.length).toBeGreaterThan(0)
  const unreadable = found.unreadable.map((each) => ({ ...each, ordinal: each.element! - 1 }))
  const places = [...found.elements, ...unreadable].sort((a, b) => a.ordinal - b.ordinal)
  // Every byte but brackets, commas and white space between elements belongs to one of them.
  expect(places.map(({ ordinal }) => ordinal)).toEqual(places.map((_each, index) => index))
  for (const [index, place] of places.entries()) {
    const next = places[index + 1]
    if (next !== undefined) expect(place.offset + place.sizeBytes).toBeLessThanOrEqual(next.offset)
  }
})

test('the damaged element may be the first, and its key says how others begin', () => {
  const found = readInAllPieces(`[{"title":"x"y","mapping":{"z":{"mapping":1}}},${LAST}]`)
  expect(valuesOf(found)).toEqual([JSON.parse(LAST)])
  expect(found.unreadable).toHaveLength(1)
})

test('a file that was cut off gives what is whole', () => {
  const document = `[${FIRST},${LAST}]`
  const { elements, unreadable } = readInAllPieces(document.slice(0, -3))
  expect(elements.map(({ value }) => value)).toEqual([JSON.parse(FIRST)])
  expect(unreadable).toEqual([
    { element: 2, line: 1, offset: 30, sizeBytes: LAST.length - 2, reason: 'not-json', excerpt: LAST.slice(0, -2) },
  ])
})

test('an element that is too long is passed over and told, damaged or not', () => {
  const long = JSON.stringify({ title: 'x'.repeat(200), mapping: {} })
  const passed = readInAllPieces(`[${FIRST},${long},${LAST}]`, 100)
  expect(valuesOf(passed)).toEqual([JSON.parse(FIRST), JSON.parse(LAST)])
  expect(passed.unreadable).toMatchObject([{ element: 2, reason: 'too-long', sizeBytes: long.length }])
  expect(passed.unreadable[0]!.excerpt).toHaveLength(120)
  const torn = readInAllPieces(`[${FIRST},${long.slice(0, -2)},${LAST}]`, 100)
  expect(valuesOf(torn)).toEqual([JSON.parse(FIRST), JSON.parse(LAST)])
  expect(torn.unreadable).toHaveLength(1)
})

const anyObject = fc.oneof(
  fc.dictionary(fc.string({ unit: 'grapheme', maxLength: 4 }), fc.jsonValue(), { maxKeys: 4 }),
  fc.array(fc.jsonValue(), { maxLength: 3 }),
)

test('whatever is in a list comes out of it, in pieces of any size', () => {
  fc.assert(
    fc.property(
      fc.array(anyObject, { maxLength: 6 }),
      fc.constantFrom(undefined, 1, '\t'),
      fc.array(fc.nat({ max: 400 })),
      (items, indent, cuts) => {
        // Through JSON, because -0 does not come out of it.
        const values = JSON.parse(JSON.stringify(items)) as unknown
        const text = JSON.stringify(items, undefined, indent)
        const found = read(text, cuts)
        expect(valuesOf(found)).toEqual(values)
        expect(found.unreadable).toEqual([])
        expect(read(text, [...Buffer.from(text).keys()])).toEqual(found)
        for (const { offset, sizeBytes, line, value } of found.elements) {
          const bytes = Buffer.from(text)
          expect(JSON.parse(bytes.subarray(offset, offset + sizeBytes).toString())).toEqual(value)
          expect(bytes.subarray(0, offset).toString().split('\n')).toHaveLength(line)
        }
      },
    ),
    { numRuns: rounds(3000) },
  )
})

test('wherever a document is damaged and cut, the same is found and nothing throws', () => {
  const items = fc.array(fc.record({ title: fc.string({ maxLength: 5 }), mapping: fc.jsonValue() }), { maxLength: 6 })
  const damage = fc.array(fc.tuple(fc.nat({ max: 400 }), fc.uint8Array({ maxLength: 4 })), { maxLength: 3 })
  fc.assert(
    fc.property(
      items,
      damage,
      fc.array(fc.nat({ max: 400 })),
      fc.constantFrom(undefined, 30),
      (list, hits, cuts, max) => {
        const bytes = Buffer.from(JSON.stringify(list))
        for (const [at, put] of hits)
          bytes.set(put.subarray(0, Math.max(0, bytes.length - at)), Math.min(at, bytes.length))
        const found = read(bytes, [], max)
        expect(read(bytes, cuts, max)).toEqual(found)
        expect(read(bytes, [...bytes.keys()], max)).toEqual(found)
      },
    ),
    { numRuns: rounds(3000) },
  )
})

test('a file longer than one piece is read, and its damage counted', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'foldlog-elements-'))
  try {
    const path = join(folder, 'file.json')
    const items = Array.from({ length: 3000 }, (_, n) => ({ title: `t${n}`, mapping: { text: 'ö'.repeat(300) } }))
    const texts = items.map((item) => JSON.stringify(item))
    const damaged = texts.map((text, n) => (n % 20 === 7 ? text.replace('{"t', '{"u"t') : text))
    await writeFile(path, `[${damaged.join(',\n')}]`)
    await using store = await openStore(memoryBackend())
    const file = new SourceFile(store, 'any', path)
    file.open()
    const elements: JsonElement[] = []
    for await (const some of file.elements()) elements.push(...some)
    file.close()
    expect(elements.map(({ value }) => value)).toEqual(items.filter((_, n) => n % 20 !== 7))
    expect(elements.at(-1)).toMatchObject({ ordinal: 2999, line: 3000 })
    const { lines, unreadable } = file.report()
    expect(lines.malformed).toBe(150)
    expect(unreadable).toHaveLength(100)
    expect(unreadable[1]).toMatchObject({ element: 28, line: 28, reason: 'not-json' })
  } finally {
    await rm(folder, { recursive: true, force: true })
  }
})
