/** What is shown of a text: the right piece of it, and in it the right places. */
import * as fc from 'fast-check'
import { expect, test } from 'vitest'
import { narrowed, snippetOf, type Snippet } from '../../src/snippet.ts'

const LONG = `${'before '.repeat(40)}the refund\n\tof order 4411${' after'.repeat(60)}`

/** The pieces that the ranges say. */
function found({ ranges, text }: Snippet): string[] {
  return ranges.map(([start, end]) => text.slice(start, end))
}

test('a short text is shown as a whole, on one line', () => {
  const snippet = snippetOf('  the refund\r\n\tof order 4411 ', [/refund/g])
  expect(snippet).toEqual({ text: 'the refund of order 4411', ranges: [[4, 10]] })
})

test('of a long text the piece around the first match is shown', () => {
  const snippet = snippetOf(LONG, [/order/g, /refund/g])
  expect(snippet.text).toMatch(/^….*before the refund of order 4411 after.*…$/)
  expect(snippet.text.length).toBeLessThan(170)
  expect(found(snippet)).toEqual(['refund', 'order'])
})

test('a pattern that was used before is used from the beginning', () => {
  const pattern = /refund/g
  pattern.test('a refund')
  expect(found(snippetOf('refund, refund', [pattern]))).toEqual(['refund', 'refund'])
})

test('matches that overlap are one, and one that is too long is cut', () => {
  expect(found(snippetOf('a timeout', [/time/g, /meout/g]))).toEqual(['timeout'])
  const [only] = found(snippetOf('x'.repeat(500), [/x+/g]))
  expect(only).toBe('x'.repeat(160))
})

test('an empty match is a place', () => {
  expect(snippetOf('abc', [/$/g])).toEqual({ text: 'abc', ranges: [[3, 3]] })
  expect(snippetOf('', [/^/g])).toEqual({ text: '', ranges: [[0, 0]] })
})

test('the name of a text is put before it', () => {
  expect(snippetOf('refunded', [/fund/g], 'status')).toEqual({ text: 'status: refunded', ranges: [[10, 14]] })
  expect(snippetOf('x', [/x/g], 'n'.repeat(99)).text).toBe(`${'n'.repeat(40)}…: x`)
})

test('no character is cut in two', () => {
  const text = `${'😀'.repeat(100)}x${'😀'.repeat(200)}`
  for (const lead of ['', 'a']) {
    const snippet = snippetOf(lead + text, [/x/g])
    expect(snippet.text.isWellFormed()).toBe(true)
    expect(narrowed(snippet, 30).text.isWellFormed()).toBe(true)
  }
})

test('a snippet that is narrowed shows its first match, where it has room for it', () => {
  const pieces = fc.array(fc.constantFrom('a', 'needle', ' ', '\n', 'é', '😀', 'xyz '), { maxLength: 60 })
  fc.assert(
    fc.property(pieces, fc.integer({ min: 12, max: 100 }), (all, width) => {
      const text = all.join('')
      fc.pre(text.includes('needle'))
      const snippet = snippetOf(text, [/needle/g])
      expect(new Set(found(snippet))).toEqual(new Set(['needle']))
      const narrow = narrowed(snippet, width)
      expect(narrow.text.length).toBeLessThanOrEqual(width + 1)
      expect(found(narrow)[0]).toBe('needle')
    }),
    { numRuns: 300 },
  )
})
