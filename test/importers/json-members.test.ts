/** Documents that are one object with a long list in it, in whatever pieces they come. */
import * as fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import type { Json } from '../../src/json.ts'
import { JsonMembers, type FoundMembers } from '../../src/importers/json-members.ts'
import { rounds } from '../support/rounds.ts'

/** What is found in bytes that come `step` at a time. */
function found(bytes: Buffer, step: number = bytes.length): FoundMembers {
  const reader = new JsonMembers('messages')
  const all: FoundMembers[] = []
  for (let at = 0; at < bytes.length; at += step) all.push(reader.feed(bytes.subarray(at, at + step)))
  all.push(reader.end())
  return { members: all.flatMap(({ members }) => members), unreadable: all.flatMap(({ unreadable }) => unreadable) }
}

function valuesOf(text: string): Json[][] {
  return found(Buffer.from(text)).members.map(({ name, isItem, value }) => [name, isItem, value])
}

describe('a document', () => {
  test('gives its members, and the items of its list one by one', () => {
    expect(valuesOf('\uFEFF { "info" : {"id":"x"}, "messages":[ {"a":1} , 2,[3]\n], "end":null}\n')).toEqual([
      ['info', false, { id: 'x' }],
      ['messages', true, { a: 1 }],
      ['messages', true, 2],
      ['messages', true, [3]],
      ['end', false, null],
    ])
    expect(valuesOf('{"messages":[]}')).toEqual([])
    expect(valuesOf('{"messages":{"no":"list"}}')).toEqual([['messages', false, { no: 'list' }]])
  })

  test('says where each of them lies', () => {
    const bytes = Buffer.from('{"messages":[\n{"ä":"}"},\n "two"]}')
    for (const { value, offset, sizeBytes } of found(bytes).members) {
      expect(JSON.parse(bytes.subarray(offset, offset + sizeBytes).toString('utf8'))).toEqual(value)
    }
  })

  test('is not stopped by an item that is no JSON', () => {
    const { members, unreadable } = found(Buffer.from('{"messages":[{"a":1},\n{"b":tru},{"c":3}],"end":1}'))
    expect(members.map(({ value }) => value)).toEqual([{ a: 1 }, { c: 3 }, 1])
    expect(unreadable).toEqual([{ line: 2, offset: 22, sizeBytes: 9, reason: 'not-json', excerpt: '{"b":tru}' }])
  })

  test('that is not UTF-8 or nested too deep somewhere tells it, and gives the rest', () => {
    const broken = Buffer.concat([Buffer.from('{"messages":[{"a":"'), Buffer.from([0xff]), Buffer.from('"},{"b":2}]}')])
    expect(found(broken).unreadable.map(({ reason }) => reason)).toEqual(['not-utf8'])
    expect(found(broken).members.map(({ value }) => value)).toEqual([{ b: 2 }])
    const deep = `{"messages":[${'['.repeat(190)}${']'.repeat(190)},{"b":2}]}`
    expect(found(Buffer.from(deep)).unreadable.map(({ reason }) => reason)).toEqual(['too-deep'])
    expect(found(Buffer.from(deep)).members.map(({ value }) => value)).toEqual([{ b: 2 }])
  })

  test.each([
    '',
    '[]',
    '{"messages":[{"a":1}',
    '{"messages":[{"a":1}]',
    '{"a" 1}',
    '{"messages":[1,}',
    'null',
    '{"a":1} x',
  ])('that is %j is told once', (text) => {
    expect(found(Buffer.from(text)).unreadable).toHaveLength(1)
  })

  test('gives the same wherever it is cut, and all that JSON.parse finds in it', () => {
    const value = fc.jsonValue({ maxDepth: 3 })
    fc.assert(
      fc.property(
        fc.record({ info: value, messages: fc.array(value), more: value }),
        fc.nat({ max: 30 }),
        (document, step) => {
          const bytes = Buffer.from(JSON.stringify(document, null, step % 3))
          const { members, unreadable } = found(bytes, step + 1)
          expect(unreadable).toEqual([])
          expect(members.filter(({ isItem }) => isItem).map((each) => each.value)).toEqual(
            JSON.parse(JSON.stringify(document.messages)),
          )
          expect(members).toEqual(found(bytes).members)
        },
      ),
      { numRuns: rounds(1000) },
    )
  })

  test('that is damaged anywhere gives the same wherever it is cut, and never fails', () => {
    const text = '{"info":{"id":"x"},"messages":[{"a":"b\\"c"},{"d":[1,{"e":null}]}],"end":true}'
    fc.assert(
      fc.property(
        fc.nat({ max: text.length - 1 }),
        fc.constantFrom('{', '}', '[', ']', '"', ',', ':', 'x', '\\', '\n'),
        fc.nat({ max: 20 }),
        (at, byte, step) => {
          const bytes = Buffer.from(text.slice(0, at) + byte + text.slice(at + 1))
          const members = (size: number): Json[] => found(bytes, size).members.map(({ name, value }) => [name, value])
          expect(members(step + 1)).toEqual(members(bytes.length))
          expect(found(bytes, step + 1).unreadable.length > 0).toBe(found(bytes).unreadable.length > 0)
        },
      ),
      { numRuns: rounds(2000) },
    )
  })
})
