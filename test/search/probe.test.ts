/** Where in bytes a text may be: wherever it is, and in whatever case. */
import * as fc from 'fast-check'
import { expect, test } from 'vitest'
import { PATIENT, rounds } from '../support/rounds.ts'
import { Disguise, Piece, probeOf } from '../../src/search-probe.ts'

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

test.each(['\u2028', '\u2029'])('%j may be there as it is, which no foldlog writes', (char) => {
  const text = `a${char}b`
  const theirs = `{"text":"${text}"}`
  const ours = theirs.replace(char, `\\u${char.charCodeAt(0).toString(16)}`)
  const disguise = new Disguise([{ text, ignoreCase: false }])
  expect(disguise.isIn(new Piece(Buffer.from(theirs)))).toBe(true)
  expect(disguise.isIn(new Piece(Buffer.from(ours)))).toBe(false)
  expect(new Disguise([{ text: 'ab', ignoreCase: false }]).isIn(new Piece(Buffer.from(theirs)))).toBe(false)
})

test('the line of a place is whole', () => {
  const piece = new Piece(Buffer.from('one\ntwo\n\nfour'))
  expect(piece.lineAt(0)).toEqual({ start: 0, end: 3 })
  expect(piece.lineAt(5)).toEqual({ start: 4, end: 7 })
  expect(piece.lineAt(8)).toEqual({ start: 8, end: 8 })
  expect(piece.lineAt(12)).toEqual({ start: 9, end: 13 })
})

const someText = fc
  .array(fc.constantFrom('a', 'B', 'n', 'é', 'É', 'ⱥ', 'Ⱥ', '-', '"', '\n', 'Я', 'я', '😀'), {
    minLength: 1,
    maxLength: 40,
  })
  .map((chars) => chars.join(''))

test('in any case and at any address, nothing is passed over that an expression finds', PATIENT, () => {
  const pool = Buffer.alloc(1 << 10)
  fc.assert(
    fc.property(someText, someText, someText, fc.nat(9), (before, wanted, after, address) => {
      const line = JSON.stringify(`${before}${wanted.toUpperCase()}${after}`)
      const bytes = pool.subarray(address, address + pool.write(line, address))
      const probe = probeOf({ text: wanted, ignoreCase: true })
      const at = probe.find(new Piece(bytes), 0)
      expect(at).toBeGreaterThanOrEqual(0)
      // It is found again from where it was found on, and each place is beyond the last one.
      expect(probe.find(new Piece(bytes), at)).toBe(at)
      const next = probe.find(new Piece(bytes), at + 1)
      expect(next === -1 || next > at).toBe(true)
      const last = probe.find(new Piece(bytes), Buffer.byteLength(JSON.stringify(before)) - 1)
      expect(last).toBeGreaterThanOrEqual(0)
    }),
    { numRuns: rounds(1000) },
  )
})

test.each(['q', 'qx', 'qxy', 'q-x', '4411', 'needles', 'connect TIMEOUT after 2000 ms and more than that'])(
  '%j is found at each place at which it is, and nowhere else',
  (wanted) => {
    const filler = 'qQxy-4n1eE'
    for (let address = 0; address < 2; address++) {
      for (let at = 0; at < 200; at++) {
        const text = Array.from({ length: 300 }, (_, i) => filler[(i * i) % filler.length])
          .join('')
          .replaceAll(/q/gi, 'z')
        const bytes = Buffer.from(`${' '.repeat(address)}${text.slice(0, at)}${wanted.toUpperCase()}${text.slice(at)}`)
        const found = probeOf({ text: wanted, ignoreCase: true }).find(new Piece(bytes.subarray(address)), 0)
        const expected = bytes
          .subarray(address)
          .toString('latin1')
          .toLowerCase()
          .indexOf(wanted.toLowerCase().slice(0, 32))
        expect(found).toBe(expected)
      }
    }
  },
)
