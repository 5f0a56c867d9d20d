import * as fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { isFoldlogError } from '../src/errors.ts'
import { newId } from '../src/id.ts'
import { decodeName, encodeName, MAX_SEGMENT_BYTES, normalizeId } from '../src/name.ts'
import { rounds } from './support/events.ts'

const ALPHABET = 'abyzABYZ0129_-@+~. %/\\:*?"<>|\0\nÉéKKßſıİ😀~$#'
const BITS = ['con', 'nul', 'com1', 'lpt9', '..', '.', '%2E', '%2e', 'files', '.cache', 'aux.txt', 'CON', '~1', 'K']
const charOf = (chars: string): fc.Arbitrary<string> => fc.constantFrom(...Array.from(chars))
const ulid = fc
  .array(charOf('0123456789ABCDEFGHJKMNPQRSTVWXYZ'), { minLength: 25, maxLength: 25 })
  .map((chars) => `0${chars.join('')}`)
const name = fc.oneof(
  fc.string({ unit: charOf(ALPHABET), minLength: 1, maxLength: 12 }),
  fc.array(fc.constantFrom(...BITS), { minLength: 1, maxLength: 3 }).map((bits) => bits.join('')),
  fc.string({ unit: 'binary', minLength: 1, maxLength: 12 }),
  ulid,
  ulid.map((id) => id.toLowerCase()),
  ulid.map((id) => id.slice(0, 13) + id.slice(13).toLowerCase()),
)

function isRefused(value: string): boolean {
  try {
    encodeName(value)
    return false
  } catch (error) {
    if (isFoldlogError(error, 'INVALID_NAME')) return true
    throw error
  }
}

/** What Windows opens as a device, whatever follows a dot. */
const DEVICE = /^(con|prn|aux|nul|com[0-9¹²³]|lpt[0-9¹²³])(\.|$)/i

describe('encodeName', () => {
  test('what is encoded is decoded to the same name', () => {
    fc.assert(
      fc.property(name, (value) => {
        expect(decodeName(encodeName(value))).toBe(value)
      }),
      rounds(5),
    )
  })

  test('two names never share a segment, also on a disk that does not tell upper from lower case', () => {
    fc.assert(
      fc.property(name, name, (a, b) => {
        const [left, right] = [encodeName(a), encodeName(b)]
        expect(left.toLowerCase() === right.toLowerCase()).toBe(a === b)
      }),
      rounds(5),
    )
    const alike = [
      'k',
      'K',
      '\u212A',
      'é',
      'e\u0301',
      'É',
      'ß',
      'ss',
      'ſ',
      's',
      'S',
      'ı',
      'i',
      'I',
      '%4B',
      '%4b',
      '.',
      '%2E',
    ]
    const ids = [newId(), newId().toLowerCase()]
    const all = [...alike, ...ids, ids[0]!.toLowerCase(), ids[1]!.toUpperCase()]
    const folded = all.map((each) => encodeName(each).normalize('NFKC').toLowerCase())
    expect(new Set(folded).size).toBe(new Set(all).size)
  })

  test('a segment is one safe path segment and never leaves the root', () => {
    fc.assert(
      fc.property(name, (value) => {
        const segment = encodeName(value)
        expect(segment).toMatch(/^[A-Za-z0-9_\-@+~%]+$/)
        expect(segment.length).toBeLessThanOrEqual(MAX_SEGMENT_BYTES)
        expect(DEVICE.test(`${segment}.jsonl`)).toBe(false)
        expect(new URL(`file:///root/${segment}.jsonl`).pathname).toBe(`/root/${segment}.jsonl`)
      }),
      rounds(5),
    )
  })

  test('hostile names stay below the root or are refused', () => {
    const names = [
      '../../etc/passwd',
      'C:\\x',
      'a\0b',
      'a\nb',
      '.',
      '..',
      '/',
      '\\\\host\\share',
      'con',
      'NUL',
      'lpt1',
      'a.',
      'a ',
    ]
    expect(names.map(encodeName)).toEqual([
      '%2E%2E%2F%2E%2E%2Fetc%2Fpasswd',
      '%43%3A%5Cx',
      'a%00b',
      'a%0Ab',
      '%2E',
      '%2E%2E',
      '%2F',
      '%5C%5Chost%5Cshare',
      '%63on',
      '%4E%55%4C',
      '%6Cpt1',
      'a%2E',
      'a%20',
    ])
  })

  test('plain names and ULIDs stand for themselves, a ULID in lower case does not', () => {
    expect(encodeName('my-project_2@home+x~')).toBe('my-project_2@home+x~')
    expect(encodeName('01M7XVMR0GBR6T8XW8V4ECY7XQ')).toBe('01M7XVMR0GBR6T8XW8V4ECY7XQ')
    expect(encodeName('01m7xvmr0gbr6t8xw8v4ecy7xq')).toBe('01%6D7xvmr0gbr6t8xw8v4ecy7xq')
    expect(encodeName('9'.repeat(26))).toBe('9'.repeat(26))
    expect(encodeName('é')).toBe('%C3%A9')
  })

  test('empty names, lone surrogates and what is over 200 bytes are refused', () => {
    expect(isRefused('')).toBe(true)
    expect(isRefused('a\uD800')).toBe(true)
    expect(isRefused('a'.repeat(200))).toBe(false)
    expect(isRefused('a'.repeat(201))).toBe(true)
    expect(isRefused('é'.repeat(33))).toBe(false)
    expect(isRefused('é'.repeat(34))).toBe(true)
    expect(isRefused('😀'.repeat(300))).toBe(true)
  })
})

describe('decodeName', () => {
  test('nothing that encodeName did not make is taken for a name', () => {
    const strangers = [
      '',
      '.',
      'a.b',
      'A',
      'Readme',
      'con',
      '%',
      '%2',
      '%2e',
      '%61',
      '%FF',
      '%C3',
      '%ED%A0%80',
      'a b',
      'é',
    ]
    for (const segment of [...strangers, 'a'.repeat(201), '01m7xvmr0gbr6t8xw8v4ecy7xq']) {
      expect([segment, decodeName(segment)]).toEqual([segment, undefined])
    }
  })

  test('a segment that is decoded is encoded to the same segment', () => {
    fc.assert(
      fc.property(fc.string({ unit: charOf('abcABC012%.EFef_'), maxLength: 9 }), (segment) => {
        const decoded = decodeName(segment)
        fc.pre(decoded !== undefined)
        expect(encodeName(decoded)).toBe(segment)
      }),
      rounds(),
    )
  })
})

describe('normalizeId', () => {
  test('trims once, and blank means that none is given', () => {
    expect(normalizeId('  a b ')).toBe('a b')
    expect(normalizeId(' \n\t')).toBeUndefined()
    expect(normalizeId('')).toBeUndefined()
    expect(normalizeId(undefined)).toBeUndefined()
  })
})
