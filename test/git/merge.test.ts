/**
 * The merge driver's rule, for any three versions of a log.
 */
import * as fc from 'fast-check'
import { expect, test } from 'vitest'
import { linesOf, mergeLogs } from '../../src/git/merge.ts'
import { rounds } from '../support/events.ts'

const letters = fc.array(fc.constantFrom('a', 'b', 'c', 'd', 'e', 'f', 'g', 'h'), { maxLength: 8 })
const ends = fc.constantFrom('\n', '\r\n')
/** A file of lines that may lack its last line feed. */
const file = fc
  .tuple(letters, ends, fc.boolean())
  .map(([lines, end, isOpen]) => Buffer.from(lines.join(end) + (isOpen || lines.length === 0 ? '' : end)))

const setOf = (bytes: Buffer): Set<string> => new Set(linesOf(bytes).map(String))

test('what a side added is there, what a side removed is not, and each line is there once', () => {
  fc.assert(
    fc.property(file, file, file, (base, ours, theirs) => {
      const [before, our, their] = [setOf(base), setOf(ours), setOf(theirs)]
      const merged = mergeLogs(base, ours, theirs).toString()
      const expected = [...new Set([...our, ...their])].filter((line) =>
        before.has(line) ? our.has(line) && their.has(line) : true,
      )
      expect(merged.split('\n').slice(0, -1).sort()).toEqual(expected.sort())
    }),
    rounds(),
  )
})

test('both sides come to the same lines, and merging again changes nothing', () => {
  fc.assert(
    fc.property(file, file, file, (base, ours, theirs) => {
      const [one, other] = [mergeLogs(base, ours, theirs), mergeLogs(base, theirs, ours)]
      expect(setOf(one)).toEqual(setOf(other))
      expect(mergeLogs(one, one, other)).toEqual(one)
    }),
    rounds(),
  )
})

test('our lines keep their order, and theirs follow', () => {
  const merged = mergeLogs(Buffer.from('a\nb\nc\n'), Buffer.from('a\nc\nd\n'), Buffer.from('a\nb\nc\ne'))
  expect(merged.toString()).toBe('a\nc\nd\ne\n')
})
