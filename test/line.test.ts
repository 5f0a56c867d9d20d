import { isDeepStrictEqual } from 'node:util'
import * as fc from 'fast-check'
import { describe, expect, onTestFinished, test, vi } from 'vitest'
import { firstIdAt } from '../src/id.ts'
import { MAX_DEPTH, toJson, type Json } from '../src/json.ts'
import {
  decodeLine,
  encodeLine,
  MARKER,
  MAX_LINE_BYTES,
  type Damage,
  type Decoded,
  type InnerEvent,
  type Line,
} from '../src/line.ts'
import { eventId, line, lineOf, rounds } from './support/events.ts'

const PLACE = { file: 'a.jsonl', line: 7, offset: 100 }
const ID = eventId(1, 1)

function bytes(text: string): Uint8Array {
  return new TextEncoder().encode(text)
}

function decode(text: string | Uint8Array): Decoded {
  return decodeLine(typeof text === 'string' ? bytes(text) : text, PLACE)
}

/** The pieces of bytes that end with a line feed, without it. */
function split(all: Uint8Array): Uint8Array[] {
  const out: Uint8Array[] = []
  for (let from = 0, to = all.indexOf(10); to >= 0; from = to + 1, to = all.indexOf(10, from))
    out.push(all.subarray(from, to))
  return out
}

const plain = line(ID, 'todo.added', { text: 'x' })
const text = encodeLine(plain)
const other = encodeLine(line(eventId(2, 1), 'todo.added', { text: 'y' }))

// Texts that look like what surrounds them.
const nasty = fc.constantFrom(
  MARKER,
  '\n',
  '\r\n',
  '\u2028\u2029\u0085',
  '\0',
  '\uFEFF',
  '"}',
  '\\',
  '\uD800',
  '<<<<<<< HEAD',
  '😀',
)
const someText = fc.oneof(
  nasty,
  fc.string(),
  fc.array(fc.oneof(nasty, fc.string()), { maxLength: 4 }).map((all) => all.join('')),
)
const someJson = fc
  .letrec<{ json: Json }>((tie) => ({
    json: fc.oneof(
      { maxDepth: 3 },
      someText,
      fc.constantFrom<Json>(null, true, 0, -1.5, 1e300, 2 ** 53),
      fc.array(tie('json'), { maxLength: 3 }),
      fc.dictionary(fc.oneof(someText, fc.constantFrom('v', 'id', '__proto__', 'constructor')), tie('json'), {
        maxKeys: 3,
      }),
      // An object that begins as a line does.
      tie('json').map((inner) => ({ v: 1, id: ID, type: 'a.b', data: inner })),
    ),
  }))
  .json.map((value) => toJson(value, 'data'))
const someLine = fc
  .record({
    events: fc.array(fc.tuple(fc.constantFrom('todo.added', 'message.created'), someJson), {
      minLength: 1,
      maxLength: 3,
    }),
    key: fc.option(someText, { nil: undefined }),
    redacted: fc.constantFrom(undefined, true as const),
    ms: fc.nat(1000),
  })
  .map(({ events, key, redacted, ms }) =>
    lineOf(
      events.map(([type, data], index) => ({ id: eventId(ms + index), type, data })),
      { ...(key === undefined ? {} : { key }), ...(redacted === undefined ? {} : { redacted }) },
    ),
  )

describe('encodeLine', () => {
  test('what is written is read back, whatever the texts are', () => {
    fc.assert(
      fc.property(someLine, (written) => {
        expect(decode(encodeLine(written))).toEqual({ lines: [written], damage: [] })
      }),
      rounds(2),
    )
  })

  test('a line is one line that starts with the marker, holds no other one and nothing that looks like a line break', () => {
    fc.assert(
      fc.property(someLine, (written) => {
        const encoded = encodeLine(written)
        expect(encoded.lastIndexOf(MARKER)).toBe(0)
        expect(encoded).not.toMatch(/[\n\r\u2028\u2029\0]/)
        expect(encoded.isWellFormed()).toBe(true)
      }),
      rounds(2),
    )
  })

  test('the keys come in the order of the format', () => {
    const all = lineOf([plain, { ...plain, id: eventId(2) }], { key: 'k', redacted: true })
    expect(Object.keys(JSON.parse(encodeLine(all)) as object)).toEqual([
      'v',
      'id',
      'type',
      'time',
      'key',
      'redacted',
      'data',
    ])
    expect(text).toBe(`{"v":1,"id":"${ID}","type":"todo.added","time":"2026-11-20T00:00:00.001Z","data":{"text":"x"}}`)
  })

  test('a batch is one line with the id of its first event, and its events have id, type and data only', () => {
    const events = [{ ...plain, extra: 1 } as InnerEvent, { id: eventId(2), type: 'a.b', data: 1 }]
    const { data, ...head } = JSON.parse(encodeLine(lineOf(events))) as { data: object[] }
    expect(head).toMatchObject({ id: ID, type: 'log.batch' })
    expect(data.map((each) => Object.keys(each))).toEqual([
      ['id', 'type', 'data'],
      ['id', 'type', 'data'],
    ])
  })

  test('a line of 5 MB is written and read, one of over 64 MB is refused', () => {
    const big = line(ID, 'a.b', 'ä'.repeat(2_500_000))
    expect(decode(encodeLine(big))).toEqual({ lines: [big], damage: [] })
    const huge = line(ID, 'a.b', 'ä'.repeat(MAX_LINE_BYTES / 2))
    expect(() => encodeLine(huge)).toThrow(expect.objectContaining({ code: 'TOO_LARGE' }))
    const fits = line(ID, 'a.b', 'a'.repeat(MAX_LINE_BYTES / 2))
    expect(encodeLine(fits).length).toBeGreaterThan(MAX_LINE_BYTES / 2)
  })
})

const read = (value: object): Line | undefined => decode(JSON.stringify(value)).lines[0]

const nested = (depth: number): string => '['.repeat(depth) + ']'.repeat(depth)

describe('decodeLine', () => {
  test('a BOM, CRs, NULs and white space around a line do not matter', () => {
    for (const around of [`\uFEFF${text}`, `${text}\r`, `\0\0${text}\0\0`, `\0\uFEFF${text}\0\r`, `  ${text} \t\r`]) {
      expect(decode(around)).toEqual({ lines: [plain], damage: [] })
    }
  })

  test('an empty line is nothing, NULs alone are damage', () => {
    for (const empty of ['', '\r', '  \t', '\uFEFF']) expect(decode(empty)).toEqual({ lines: [], damage: [] })
    expect(decode('\0'.repeat(4096)).damage).toMatchObject([{ kind: 'nul', sizeBytes: 4096 }])
    expect(decode('\0\0\r').damage).toMatchObject([{ kind: 'nul' }])
  })

  test('keys may come in any order, with white space and unknown ones between them', () => {
    const { v, id, type, time, data } = JSON.parse(text) as { [key: string]: Json }
    const shuffled = JSON.stringify({ data, unknown: [1], time, type, id, v }, undefined, 1).replaceAll('\n', ' ')
    expect(decode(shuffled)).toEqual({ lines: [{ ...plain, unknown: [1] }], damage: [] })
  })

  test('a line without a time, with another version or with data null is a line', () => {
    expect(read({ v: 1, id: ID, type: 'a.b', data: 1 })).toEqual({ ...line(ID, 'a.b', 1), time: '' })
    expect(read({ v: 1, id: ID, type: 'a.b', time: 5, key: 5, redacted: 'yes', data: 1 })).toEqual({
      ...line(ID, 'a.b', 1),
      time: '',
    })
    expect(read({ v: 2, id: ID, type: 'a.b', data: null })).toMatchObject({ v: 2, data: null })
    expect(read({ v: 1, id: ID, type: 'a.b', redacted: true, key: 'k', data: 1 })).toMatchObject({
      redacted: true,
      key: 'k',
    })
  })

  test.each<[string, Damage['kind'], string | Uint8Array]>([
    ['half a line', 'torn', text.slice(0, -5)],
    ['the beginning of a marker', 'torn', '{"v":1,'],
    ['prose', 'not-json', 'hello'],
    ['a marker of git', 'conflict-marker', '<<<<<<< HEAD'],
    ['the middle of a conflict', 'conflict-marker', '======='],
    ['the base of a conflict', 'conflict-marker', '||||||| 1234567'],
    ['the end of a conflict', 'conflict-marker', '>>>>>>> theirs'],
    ['too many signs for git', 'not-json', '<<<<<<<<'],
    ['bytes that are not UTF-8', 'not-utf8', Uint8Array.from([0x7b, 0xff, 0xfe])],
    ['UTF-16', 'not-utf8', Buffer.from(`\uFEFF${text}`, 'utf16le').subarray(0, -1)],
    ['a lone surrogate as bytes', 'not-utf8', Uint8Array.from([0x22, 0xed, 0xa0, 0x80, 0x22])],
    ['a number', 'not-event', '5'],
    ['null', 'not-event', 'null'],
    ['an array', 'not-event', '[1]'],
    ['an object of somebody else', 'not-event', '{"a":1}'],
    ['no data', 'not-event', JSON.stringify({ v: 1, id: ID, type: 'a.b' })],
    ['no version', 'not-event', JSON.stringify({ id: ID, type: 'a.b', data: 1 })],
    ['a version that is a text', 'not-event', JSON.stringify({ v: '1', id: ID, type: 'a.b', data: 1 })],
    ['no type', 'not-event', JSON.stringify({ v: 1, id: ID, data: 1 })],
    ['an id that is a number', 'not-event', JSON.stringify({ v: 1, id: 1, type: 'a.b', data: 1 })],
    ['an id that is no ULID', 'bad-id', JSON.stringify({ v: 1, id: 'x', type: 'a.b', data: 1 })],
    ['the greatest id', 'bad-id', JSON.stringify({ v: 1, id: `7${'Z'.repeat(25)}`, type: 'a.b', data: 1 })],
    ['the year 6000', 'bad-id', JSON.stringify({ v: 1, id: firstIdAt(Date.UTC(6000, 0)), type: 'a.b', data: 1 })],
    ['an empty batch', 'not-event', JSON.stringify({ v: 1, id: ID, type: 'log.batch', data: [] })],
    ['a batch that is none', 'not-event', JSON.stringify({ v: 1, id: ID, type: 'log.batch', data: {} })],
  ])('%s is damage: %s', (_, kind, damaged) => {
    const { lines, damage } = decode(damaged)
    expect(lines).toEqual([])
    const sizeBytes = typeof damaged === 'string' ? bytes(damaged).length : damaged.length
    expect(damage).toMatchObject([{ kind, file: 'a.jsonl', line: 7, offset: 100, sizeBytes }])
  })

  test('a batch is all or nothing: its events have ids of their own, the first one that of the line, and are no batches', () => {
    const batch = (...data: unknown[]): Decoded => decode(JSON.stringify({ v: 1, id: ID, type: 'log.batch', data }))
    const first = { id: ID, type: 'a.b', data: 1 }
    const second = { id: eventId(2), type: 'a.b', data: 2 }
    expect(batch(first, second).lines).toEqual([{ ...lineOf([first, second]), time: '' }])
    expect(batch(first).lines[0]?.data).toEqual([first])
    const broken: unknown[][] = [
      [second, first],
      [first, { ...second, id: ID }],
      [first, second, { ...second, data: 3 }],
      [first, { ...second, id: 'x' }],
      [first, { ...second, id: `7${'Z'.repeat(25)}` }],
      [first, { id: eventId(2), type: 'a.b' }],
      [first, { id: eventId(2), data: 1 }],
      [first, { ...second, type: 'log.batch', data: [first] }],
      [first, null],
      [first, [second]],
    ]
    for (const data of broken) expect(batch(...data)).toMatchObject({ lines: [], damage: [{ kind: 'not-event' }] })
  })

  test('nesting is read as deep as it is written, in a batch too, and is damage beyond that', () => {
    const deepest = JSON.parse(nested(MAX_DEPTH)) as Json
    const single = line(ID, 'a.b', deepest)
    const batch = lineOf([
      { id: ID, type: 'todo.added', data: 1 },
      { id: eventId(2), type: 'a.b', data: deepest },
    ])
    for (const written of [single, batch]) expect(decode(encodeLine(written))).toEqual({ lines: [written], damage: [] })
    for (const depth of [MAX_DEPTH + 1, 100_000]) {
      const deep = `{"v":1,"id":"${ID}","type":"a.b","data":${nested(depth)}}`
      expect(decode(deep)).toMatchObject({ lines: [], damage: [{ kind: 'too-deep' }] })
      const inBatch = `{"v":1,"id":"${ID}","type":"log.batch","data":[{"id":"${ID}","type":"a.b","data":${nested(depth)}}]}`
      expect(decode(inBatch)).toMatchObject({ lines: [], damage: [{ kind: 'too-deep' }] })
    }
  })

  test('a line over 64 MB is damage and is not looked into', () => {
    const huge = Buffer.concat([Buffer.alloc(MAX_LINE_BYTES, 0x20), Buffer.from(text)])
    expect(decode(huge)).toMatchObject({ lines: [], damage: [{ kind: 'too-large', sizeBytes: huge.length }] })
  })

  test('a whole line behind a torn one is recovered and the torn one reported', () => {
    for (const cut of [1, 5, MARKER.length, 30, text.length - 1]) {
      const torn = text.slice(0, cut)
      const { lines, damage } = decode(torn + other)
      expect(lines.map(({ id }) => id)).toEqual([eventId(2, 1)])
      expect(damage).toMatchObject([{ offset: 100, sizeBytes: cut, line: 7 }])
      if (cut >= 5) expect(damage[0]?.kind).toBe('torn')
    }
  })

  test('a line behind a torn one is recovered too if its writer did not escape the markers in it', () => {
    const bare = JSON.stringify({
      v: 1,
      id: ID,
      type: 'a.b',
      data: [
        { v: 1, id: 'x' },
        { v: 1, id: 'y' },
      ],
    })
    expect(bare.split(MARKER)).toHaveLength(4)
    expect(decode(text.slice(0, 30) + bare)).toMatchObject({
      lines: [{ id: ID }],
      damage: [{ kind: 'torn', sizeBytes: 30 }],
    })
  })

  test('lines glued to each other are all read, in their order', () => {
    expect(decode(text + other)).toEqual({ lines: [plain, ...decode(other).lines], damage: [] })
    expect(decode(`${text}\0\0${other}\0`).lines).toHaveLength(2)
    const many = Array.from({ length: 30 }, (_, at) => encodeLine(line(eventId(at), 'a.b', at)))
    const { lines, damage } = decode(many.join(''))
    expect(lines.map(({ id }) => id)).toEqual(Array.from({ length: 16 }, (_, at) => eventId(14 + at)))
    expect(damage).toMatchObject([{ kind: 'torn', offset: 100, sizeBytes: many.slice(0, 14).join('').length }])
  })

  test('NULs where a block was never written out cost the line they are in', () => {
    const hole = bytes(text + other)
    hole.fill(0, 10, 60)
    expect(decode(hole)).toMatchObject({ lines: [{ id: eventId(2, 1) }], damage: [{ kind: 'torn' }] })
  })

  test('a marker 320,000 times is damage after a few looks', () => {
    const bait = bytes(MARKER.repeat(320_000))
    const parse = vi.spyOn(JSON, 'parse')
    onTestFinished(() => parse.mockRestore())
    expect(decode(bait)).toMatchObject({ lines: [], damage: [{ kind: 'torn', sizeBytes: bait.length }] })
    expect(parse.mock.calls.length).toBeLessThan(20)
    const withLine = decode(MARKER.repeat(320_000) + text)
    expect(withLine.lines).toEqual([plain])
  })

  test('numbers that JSON cannot write are read without an exception', () => {
    const { lines } = decode(text.replace('"x"', '[1e400,-1e400,-0,9007199254740993]'))
    expect(lines[0]?.data).toEqual({ text: [Infinity, -Infinity, -0, 9007199254740992] })
  })

  test('__proto__ in the data is a key like any other, in the line it is an unknown one', () => {
    const data = JSON.parse('{"__proto__":{"polluted":1},"constructor":2}') as Json
    const read = decode(encodeLine(line(ID, 'a.b', data))).lines[0]!
    expect(JSON.stringify(read.data)).toBe('{"__proto__":{"polluted":1},"constructor":2}')
    const inherited = `{"__proto__":{"v":1,"id":"${ID}","type":"a.b","data":1}}`
    expect(decode(inherited)).toMatchObject({ lines: [], damage: [{ kind: 'not-event' }] })
  })

  test('an excerpt cannot take over the terminal that shows it, and is short', () => {
    const { damage } = decode('\u001B]0;owned\u0007\u202Eabc\uFEFF'.repeat(100))
    expect(damage[0]?.excerpt).toMatch(/^[^\p{Cc}\p{Cf}]{1,120}$/u)
    expect(damage[0]?.excerpt).toContain('\uFFFD]0;owned')
  })

  test('never throws and accounts for every byte, whatever the bytes are', () => {
    const piece = fc.oneof(
      fc.uint8Array({ maxLength: 30 }),
      fc.constantFrom(text, other, MARKER, text.slice(0, 50), '\0\0', '{"v":', '[', '\uFEFF').map(bytes),
    )
    fc.assert(
      fc.property(fc.array(piece, { maxLength: 6 }), (pieces) => {
        const all = Buffer.concat(pieces)
        const { lines, damage } = decode(all)
        if (lines.length === 0 && /[^\0-\x20]/.test(all.toString('latin1').replace('\xEF\xBB\xBF', ''))) {
          expect(damage).toHaveLength(1)
        }
        for (const { offset, sizeBytes } of damage) {
          expect(offset).toBeGreaterThanOrEqual(100)
          expect(offset + sizeBytes).toBeLessThanOrEqual(100 + all.length)
        }
        for (const found of lines) expect([ID, eventId(2, 1)]).toContain(found.id)
      }),
      rounds(2),
    )
  })
})

describe('a damaged log', () => {
  const junk = fc.oneof(
    fc.uint8Array({ maxLength: 40 }),
    fc
      .array(fc.constantFrom(MARKER, '\n', '\0', '\r\n', text, text.slice(0, 40), '\uFEFF', '{', '"', '}'), {
        maxLength: 20,
      })
      .map((all) => bytes(all.join(''))),
  )

  test('7 bytes put in, cut out or written over anywhere lose at most the lines they touch', () => {
    fc.assert(
      fc.property(
        fc.array(someLine, { minLength: 1, maxLength: 6 }),
        junk,
        fc.nat(),
        fc.nat(60),
        (lines, put, seed, cut) => {
          const texts = lines.map((each) => bytes(`${encodeLine(each)}\n`))
          const all = Buffer.concat(texts)
          const from = seed % (all.length + 1)
          const to = Math.min(all.length, from + cut)
          const found = split(Buffer.concat([all.subarray(0, from), put, all.subarray(to)])).map(
            (each) => decode(each).lines,
          )
          let start = 0
          const untouched = lines.filter((_, at) => {
            const end = start + texts[at]!.length
            const isWhole = end <= from || start >= to
            start = end
            return isWhole
          })
          // In their order, with whatever else the junk held between them.
          const read = found.flat()
          let next = 0
          for (const each of untouched) {
            const at = read.findIndex((candidate, index) => index >= next && isDeepStrictEqual(candidate, each))
            expect(at).toBeGreaterThanOrEqual(next)
            next = at + 1
          }
        },
      ),
      rounds(5),
    )
  })

  test('CRLF, a BOM, conflict markers and empty lines leave the events of both sides', () => {
    const log = `\uFEFF${text}\r\n\r\n<<<<<<< HEAD\r\n${other}\r\n=======\r\n${text}\r\n>>>>>>> theirs\r\n`
    const decoded = split(bytes(log)).map(decode)
    expect(decoded.flatMap(({ lines }) => lines.map(({ id }) => id))).toEqual([ID, eventId(2, 1), ID])
    expect(decoded.flatMap(({ damage }) => damage.map(({ kind }) => kind))).toEqual(
      Array.from({ length: 3 }, () => 'conflict-marker'),
    )
  })
})
