/** Where in bytes a text may be: wherever it is, and in whatever case. */
import { expect, test } from 'vitest'
import { Piece, probeOf } from '../../src/search-probe.ts'

const WINDOW = 32_768

test.each([
  ['Needle', 'nEEDLE', true],
  ['Needle', 'Needle', false],
  ['Straße É', 'sTRAße é', true],
  ['"a\\b\n"', '"A\\B\n"', true],
])('%j is found as %j at every place of a long line', (written, wanted, ignoreCase) => {
  const probe = probeOf({ text: wanted, ignoreCase })
  const there = Buffer.from(JSON.stringify(written).slice(1, -1))
  for (const around of [0, WINDOW, 2 * WINDOW]) {
    for (let at = Math.max(0, around - 20); at < around + 5; at++) {
      const bytes = Buffer.concat([Buffer.alloc(at, 'x'), there, Buffer.alloc(300, 'x'), there])
      const piece = new Piece(bytes)
      expect(probe.find(piece, 0)).toBe(at)
      expect(probe.find(piece, at)).toBe(at)
      expect(probe.find(piece, at + 1)).toBe(at + there.length + 300)
      expect(probe.find(piece, at + there.length + 301)).toBe(-1)
    }
  }
})

test('a text that is longer than what is looked at at once is found by its beginning', () => {
  const text = 'aé'.repeat(5000)
  const bytes = Buffer.from(`${'x'.repeat(WINDOW - 1)}${text.toUpperCase()}`)
  expect(probeOf({ text, ignoreCase: true }).find(new Piece(bytes), 0)).toBe(WINDOW - 1)
  expect(probeOf({ text, ignoreCase: false }).find(new Piece(Buffer.from(`x${text}`)), 0)).toBe(1)
})

test('the line of a place is whole', () => {
  const piece = new Piece(Buffer.from('one\ntwo\n\nfour'))
  expect(piece.lineAt(0)).toEqual({ start: 0, end: 3 })
  expect(piece.lineAt(5)).toEqual({ start: 4, end: 7 })
  expect(piece.lineAt(8)).toEqual({ start: 8, end: 8 })
  expect(piece.lineAt(12)).toEqual({ start: 9, end: 13 })
})
