/** What an expression requires: never more than it does. */
import * as fc from 'fast-check'
import { expect, test } from 'vitest'
import { literalsOf } from '../../src/search-literals.ts'

test.each<[RegExp, string[] | undefined]>([
  [/connect TIMEOUT/, ['connect TIMEOUT']],
  [/TIMEOUT after (\d+) ms/, ['TIMEOUT after ']],
  [/a(?:b|c)longer/, ['longer']],
  [/refund|order/, ['refund', 'order']],
  [/refund|.*/, undefined],
  [/(refund)/, undefined],
  [/colou?r/, ['colo']],
  [/colou+rs/, ['colou']],
  [/ab{0}cde/, ['cde']],
  [/x*yy/, ['yy']],
  [/foo[[]|b]/, ['foo', 'b']],
  [/foo[^\]]bar\.baz/, ['bar.baz']],
  [new RegExp('foo[]bar'), ['foo']],
  // oxlint-disable-next-line prefer-regex-literals -- the types know no flag v
  [new RegExp('[[a]b]rest', 'v'), ['rest']],
  [/\bword\b/, ['word']],
  [/a\/b/, ['a/b']],
  [/line\nnext/, ['line\nnext']],
  [/\u0041bc/, ['bc']],
  [/\u{41}bc/u, ['bc']],
  [/(x)\1y/, ['y']],
  [/(?<name>x)\k<name>y/, ['y']],
  [/😀+x/u, ['😀']],
  [/a{b,1}cde/, ['b,1']],
  [/\p{Lu}low/u, ['low']],
  [/(?=a|b)c/, ['c']],
  [/$^/, undefined],
])('%s requires one of %j', (expression, expected) => {
  expect(literalsOf(expression)?.map(({ text }) => text)).toEqual(expected)
})

test('letters that are the same as others outside of ASCII are not required', () => {
  expect(literalsOf(/task/iu)).toEqual([{ text: 'ta', ignoreCase: true }])
  expect(literalsOf(/task/i)).toEqual([{ text: 'task', ignoreCase: true }])
  expect(/task/iu.test('ta\u017F\u212A')).toBe(true)
})

test('whatever matches an expression holds one of its literals', () => {
  const atoms = [
    'a',
    'b',
    'k',
    's',
    'é',
    '.',
    '[ab]',
    '[^a]',
    '[[]',
    '[]',
    '(a|b)',
    '(?:ab)',
    '(?=a)',
    '(?<!b)',
    '|',
    '\\.',
    '\\w',
    '\\b',
    '\\n',
    '\\u0061',
    '^',
    '$',
    ']',
  ]
  const quantifiers = ['', '', '', '?', '*', '+', '{0}', '{1,2}', '+?']
  const source = fc
    .array(fc.tuple(fc.constantFrom(...atoms), fc.constantFrom(...quantifiers)), { minLength: 1, maxLength: 6 })
    .map((all) => all.map(([atom, quantifier]) => atom + quantifier).join(''))
  const text = fc.array(
    fc.constantFrom('a', 'b', 'k', 's', 'A', 'S', 'é', 'É', '.', '[', ']', '\n', '\u017F', '\u212A'),
    { maxLength: 6 },
  )
  fc.assert(
    fc.property(
      source,
      fc.constantFrom('', 'i', 'u', 'iu', 'v', 'iv', 'm', 's'),
      fc.array(text, { minLength: 20, maxLength: 20 }),
      (given, flags, texts) => {
        let expression: RegExp
        try {
          expression = new RegExp(given, flags)
        } catch {
          // Not every row of pieces is an expression.
          return
        }
        const literals = literalsOf(expression)
        for (const each of texts.map((pieces) => pieces.join(''))) {
          if (literals === undefined || !expression.test(each)) continue
          expect(
            literals.some(({ ignoreCase, text: wanted }) =>
              new RegExp(escaped(wanted), ignoreCase ? 'i' : '').test(each),
            ),
            `${String(expression)} matches ${JSON.stringify(each)}`,
          ).toBe(true)
        }
      },
    ),
    { numRuns: 3000 },
  )
})

function escaped(text: string): string {
  return text.replaceAll(/[$()*+.?[\\\]^{|}]/g, String.raw`\$&`)
}
