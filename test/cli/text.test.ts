import * as fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { Last } from '../../src/cli/last.ts'
import { nearest } from '../../src/cli/suggest.ts'
import { jsonLine, plain, shortBytes, shortCount, table, truncate, widthOf, wrap } from '../../src/cli/text.ts'
import { clockTime, isoTime, localSpan, parseTime, relativeTime, shortDuration } from '../../src/cli/time.ts'

// oxlint-disable-next-line no-control-regex -- looking for them is the point
const CONTROL = /[\u0000-\u001F\u007F-\u009F]/
const anyText = fc.string({ unit: 'binary', maxLength: 200 })
const wideText = fc.string({ unit: fc.constantFrom('a', ' ', '日', '😀', 'é', '\u0301', '-'), maxLength: 200 })

describe('text', () => {
  test('what is plain is one line without control characters', () => {
    fc.assert(
      fc.property(anyText, (text) => {
        expect(plain(text)).not.toMatch(CONTROL)
      }),
    )
  })

  test('a line of JSON has no control characters and keeps its value', () => {
    fc.assert(
      fc.property(fc.jsonValue(), anyText, (value, text) => {
        const line = jsonLine({ value, text })
        expect(line).not.toMatch(CONTROL)
        expect(JSON.parse(line)).toEqual(JSON.parse(JSON.stringify({ value, text })))
      }),
    )
  })

  test('wrapped lines fit, and nothing but spaces is lost', () => {
    fc.assert(
      fc.property(wideText, fc.integer({ min: 2, max: 40 }), (text, width) => {
        const lines = wrap(text, width)
        for (const line of lines) expect(widthOf(line)).toBeLessThanOrEqual(width)
        expect(lines.join('').replaceAll(' ', '')).toBe(text.replaceAll(' ', ''))
      }),
    )
  })

  test('what is truncated fits and says so', () => {
    fc.assert(
      fc.property(wideText, fc.integer({ min: 0, max: 40 }), (text, width) => {
        const cut = truncate(text, width)
        expect(widthOf(cut)).toBeLessThanOrEqual(width)
        if (cut !== text && width > 0) expect(cut.endsWith('…')).toBe(true)
      }),
    )
  })

  test('words are kept whole where they fit', () => {
    expect(wrap('the quick brown fox', 10)).toEqual(['the quick', 'brown fox'])
    expect(wrap('a  verylongwordindeed', 8)).toEqual(['a', 'verylong', 'wordinde', 'ed'])
    expect(wrap('  indented', 20)).toEqual(['  indented'])
    expect(wrap('one\n\ntwo\n\n', 20)).toEqual(['one', '', 'two'])
  })

  test('a table fits, whatever is in it, and keeps the columns that do not go', () => {
    const column = fc.record({ isNumber: fc.boolean(), goes: fc.option(fc.nat(3), { nil: undefined }) })
    const cells = fc.array(fc.tuple(wideText, wideText, wideText, wideText), { maxLength: 4 })
    fc.assert(
      fc.property(
        fc.tuple(column, column, column, column),
        cells,
        fc.integer({ min: 20, max: 200 }),
        (some, rows, width) => {
          const columns = some.map(({ goes, isNumber }, at) => {
            return { title: `T${at}`, isNumber, ...(goes === undefined ? {} : { goes }) }
          })
          for (const line of table(columns, rows, width)) expect(widthOf(line)).toBeLessThanOrEqual(width)
          const [head = ''] = table(columns, [], width)
          expect(head.trim().split(/ +/)).toEqual(['T0', 'T1', 'T2', 'T3'])
        },
      ),
    )
  })

  test('columns go in their order, and only as far as it takes', () => {
    const columns = [
      { title: 'NAME', isFlexible: true },
      { title: 'A', goes: 2 },
      { title: 'B', goes: 1 },
      { title: 'C' },
    ]
    const rows = [['a longer name', 'aaaaaaaa', 'bbbbbbbb', 'cccccccc']]
    expect(table(columns, rows, 80)[0]).toMatch(/^NAME +A +B +C$/)
    expect(table(columns, rows, 40)).toEqual([
      'NAME        A         B         C',
      'a longer …  aaaaaaaa  bbbbbbbb  cccccccc',
    ])
    expect(table(columns, rows, 39)).toEqual(['NAME           A         C', 'a longer name  aaaaaaaa  cccccccc'])
    expect(table(columns, rows, 29)).toEqual(['NAME           C', 'a longer name  cccccccc'])
    const first = [
      { title: 'NAME', isFlexible: true },
      { title: 'A', least: 6, goes: 1 },
      { title: 'B', goes: 2 },
    ]
    expect(table(first, rows, 28)).toEqual(['NAME        A       B', 'a longer …  aaaaa…  bbbbbbbb'])
    expect(table(columns, rows, 12)).toEqual(['NAME   C', 'a lo…  cccc…'])
  })

  test('the last column of a table gives way', () => {
    const columns = [{ title: 'A', isNumber: true }, { title: 'B' }]
    expect(
      table(
        columns,
        [
          ['1', 'short'],
          ['100', 'x'.repeat(40)],
        ],
        20,
      ),
    ).toEqual(['  A  B', '  1  short', `100  ${'x'.repeat(14)}…`])
  })

  test('counts and sizes are short', () => {
    expect([0, 999, 1000, 1150, 41_234, 310_900, 999_999, 4_120_000].map(shortCount)).toEqual([
      '0',
      '999',
      '1.0k',
      '1.2k',
      '41.2k',
      '311k',
      '1.0M',
      '4.1M',
    ])
    expect([0, 999, 1234, 14_200_000].map(shortBytes)).toEqual(['0 B', '999 B', '1.2 kB', '14.2 MB'])
  })
})

describe('time', () => {
  const now = new Date(2026, 10, 20, 12, 0, 0).getTime()
  const at = (text: string): number | undefined => parseTime(text, now)

  test('a time may be an age, a time of day, a date or ISO 8601', () => {
    expect(at('2h')).toBe(now - 7_200_000)
    expect(at('10:05')).toBe(new Date(2026, 10, 20, 10, 5).getTime())
    expect(at('9:05:30')).toBe(new Date(2026, 10, 20, 9, 5, 30).getTime())
    expect(at('2026-11-19')).toBe(new Date(2026, 10, 19).getTime())
    expect(at('2026-11-19 08:00')).toBe(new Date(2026, 10, 19, 8).getTime())
    expect(at('2026-11-19T08:00:00Z')).toBe(Date.UTC(2026, 10, 19, 8))
    for (const text of ['', 'now', '25:00', '2026-13-01', '01M7XVMR', '10:5']) expect(at(text)).toBeUndefined()
  })

  test('times are shown as people say them', () => {
    const ages = [0, 59, 60, 3599, 3600, 86_399, 86_400, 172_800].map((seconds) =>
      relativeTime(now - seconds * 1000, now),
    )
    expect(ages).toEqual(['just now', 'just now', '1m ago', '59m ago', '1h ago', '23h ago', 'yesterday', '2d ago'])
    expect(relativeTime(new Date(2026, 0, 2).getTime(), now)).toBe('2026-01-02')
    expect(clockTime(now, now)).toBe('12:00:00')
    expect(clockTime(new Date(2026, 0, 2, 3, 4, 5).getTime(), now)).toBe('2026-01-02 03:04:05')
    const minute = (...args: [number, number, number, number]): number => new Date(2026, ...args).getTime()
    expect(localSpan(minute(10, 20, 10, 0), minute(10, 20, 10, 7))).toEqual(['2026-11-20 10:00', '10:07'])
    expect(localSpan(minute(10, 20, 10, 0), minute(10, 21, 0, 7))).toEqual(['2026-11-20 10:00', '2026-11-21 00:07'])
    expect(new Set(localSpan(now, now + 1000))).toEqual(new Set(['2026-11-20 12:00']))
    expect(isoTime(Date.UTC(2026, 10, 20, 10, 0, 0, 123))).toBe('2026-11-20T10:00:00Z')
    expect([70, 9900, 12_345, 185_000].map(shortDuration)).toEqual(['0.1s', '9.9s', '12s', '3m 5s'])
  })
})

test('the nearest word is one that begins so, or differs by a slip', () => {
  const words = ['ls', 'show', 'log', 'tail', 'import']
  expect(['sho', 'shwo', 'impotr', 'lgo', 'tial', 'l', 'frob'].map((word) => nearest(word, words))).toEqual([
    'show',
    'show',
    'import',
    'log',
    'tail',
    'ls',
    undefined,
  ])
})

test('the last n are the last n', () => {
  fc.assert(
    fc.property(fc.integer({ min: 0, max: 50 }), fc.integer({ min: 0, max: 1000 }), (limit, count) => {
      const last = new Last<number>(limit)
      const all = Array.from({ length: count }, (_, index) => index)
      for (const item of all) last.push(item)
      expect(last.items()).toEqual(limit === 0 ? [] : all.slice(-limit))
    }),
  )
})
