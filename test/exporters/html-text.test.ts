import * as fc from 'fast-check'
import { expect, test } from 'vitest'
import { escapeHtml, markdownHtml, typedHtml } from '../../src/exporters/html-text.ts'
import { fenced, prose } from '../../src/exporters/markdown-text.ts'
import { HOSTILE } from './sessions.ts'

/** Every tag that may come out, whole: with these attributes, in this order, and no others. */
const TAGS =
  /^<(?:\/?(?:p|h[3-6]|ul|ol|li|blockquote|code|strong|em|s|table|thead|tbody|tr|th|td|div|span|a|pre)|hr|p class="typed"|ol start="\d+"|div class="wide"|span class="target"|pre(?: data-lang="[\w+#.-]+")? tabindex="0"|a href="(?:https?:\/\/|mailto:)[^\s"<>]+" rel="noopener noreferrer nofollow")>$/i

/** Fails unless all that is not text is a tag of ours, and the tags are nested. */
function expectTame(html: string): void {
  const open: string[] = []
  for (const [tag] of html.matchAll(/<[^>]*>?/g)) {
    expect(tag).toMatch(TAGS)
    const name = /\w+/.exec(tag)![0]
    if (tag.startsWith('</')) expect(open.pop()).toBe(name)
    else if (name !== 'hr') open.push(name)
  }
  expect(open).toEqual([])
  expect(html.replaceAll(/<[^>]*>/g, '')).not.toMatch(/[<>"]/)
}

test('Markdown of models is shown as what it means', () => {
  const cases: readonly (readonly [string, string])[] = [
    ['a **b** and *c*, `d<e>`, ~~f~~', '<p>a <strong>b</strong> and <em>c</em>, <code>d&lt;e&gt;</code>, <s>f</s></p>'],
    ['# One\n### Three', '<h3>One</h3><h5>Three</h5>'],
    ['- a\n- b\n  - c\n\n1. d', '<ul><li>a</li><li>b<ul><li>c</li></ul></li></ul><ol><li>d</li></ol>'],
    ['3. c\n4. d', '<ol start="3"><li>c</li><li>d</li></ol>'],
    ['- [x] done\n- [ ] open', '<ul><li>☑ done</li><li>☐ open</li></ul>'],
    ['> a\n> > b', '<blockquote><p>a</p><blockquote><p>b</p></blockquote></blockquote>'],
    ['```ts\na < b\n```', '<pre data-lang="ts" tabindex="0"><code>a &lt; b</code></pre>'],
    ['```\nnever closed', '<pre tabindex="0"><code>never closed</code></pre>'],
    ['---', '<hr>'],
    ['snake_case_name and 2 * 3 * 4', '<p>snake_case_name and 2 * 3 * 4</p>'],
    [String.raw`\*no\*`, '<p>*no*</p>'],
    ['one\ntwo\n\nthree', '<p>one\ntwo</p><p>three</p>'],
    [
      'a | b\n--|--\n1 | `x`\n',
      '<div class="wide"><table><thead><tr><th>a</th><th>b</th></tr></thead><tbody><tr><td>1</td><td><code>x</code></td></tr></tbody></table></div>',
    ],
    [
      '[t](https://example.org/a_(b)) <https://example.org>.',
      '<p><a href="https://example.org/a_(b)" rel="noopener noreferrer nofollow">t</a> <a href="https://example.org" rel="noopener noreferrer nofollow">https://example.org</a>.</p>',
    ],
    [
      'see https://example.org/x, then',
      '<p>see <a href="https://example.org/x" rel="noopener noreferrer nofollow">https://example.org/x</a>, then</p>',
    ],
  ]
  for (const [markdown, html] of cases) expect(markdownHtml(markdown)).toBe(html)
})

test('links lead to the web and to mail, and nowhere else', () => {
  const urls = [
    'javascript:x',
    'JaVaScRiPt:x',
    'data:text/html,x',
    'vbscript:x',
    'file:///x',
    '//x',
    '/x',
    '#x',
    'blob:x',
  ]
  for (const url of urls) {
    expect(markdownHtml(`[a](${url}) ![b](${url}) <${url}>`)).not.toContain('<a')
    expect(typedHtml(`${url} [a](${url})`)).not.toContain('<a')
  }
  expect(markdownHtml('[a](mailto:a@example.org)')).toContain('href="mailto:a@example.org"')
})

test('what a person typed is as it was typed', () => {
  expect(typedHtml('*a*  __init__\n  <b> # c')).toBe('<p class="typed">*a*  __init__\n  &lt;b&gt; # c</p>')
  expect(typedHtml('look:\n```py\n<x>\n```\nwhy?')).toBe(
    '<p class="typed">look:</p><pre data-lang="py" tabindex="0"><code>&lt;x&gt;</code></pre><p class="typed">why?</p>',
  )
})

test('colours of terminals go, characters that act are replaced', () => {
  expect(escapeHtml('\u001B[1;31mred\u001B[0m \u0007\u202E\uD800')).toBe('red \uFFFD\uFFFD\uFFFD')
})

test('nothing of a text is a tag, whatever it says', () => {
  for (const text of HOSTILE) {
    expectTame(markdownHtml(text))
    expectTame(typedHtml(text))
  }
  const marks = [
    '*',
    '**',
    '_',
    '`',
    '```',
    '~~',
    '[',
    '](',
    ')',
    '![',
    '<',
    '>',
    '|',
    '\n',
    '- ',
    '1. ',
    '> ',
    '# ',
    '\\',
    '"',
    'h',
  ]
  const piece = fc.oneof(
    fc.constantFrom(...marks, '--|--', 'https://a"b\'<c>', 'javascript:x', '    ', '&lt;'),
    fc.constantFrom(...HOSTILE),
    fc.string({ maxLength: 6 }),
  )
  fc.assert(
    fc.property(fc.array(piece, { maxLength: 24 }), (pieces) => {
      expectTame(markdownHtml(pieces.join('')))
      expectTame(typedHtml(pieces.join('')))
    }),
    { numRuns: 3000 },
  )
})

test('the time it takes grows with the text, whatever the text is', () => {
  // What grows with the square of the text takes longer here than a test may.
  const runs = [
    '#',
    ' ',
    '\n',
    ')',
    '*',
    '_',
    '`',
    '~',
    '[',
    '<',
    '|',
    '\\',
    '- ',
    '> ',
    '1. ',
    '\n- \n1. ',
    '| a |\n',
    '\n```',
    'a\n    ',
  ]
  const starts = ['', '# ', 'https://a']
  for (const run of runs) {
    for (const start of starts) {
      const text = `${start}${run.repeat(50_000)}a`
      expect(markdownHtml(text).length).toBeGreaterThan(0)
      expect(typedHtml(text).length).toBeGreaterThan(0)
      expect(fenced(text).length).toBeGreaterThan(text.length)
      expect(prose(text).length).toBeGreaterThan(0)
    }
  }
})

test('every character of a text is there', () => {
  const word = fc.string({ unit: fc.constantFrom(...'abcdefghij'.split('')), minLength: 1, maxLength: 5 })
  const mark = fc.constantFrom(
    ' ',
    '\n',
    '\n\n',
    ' *',
    '* ',
    '**',
    '_',
    '`',
    ' - ',
    '\n- ',
    '\n1. ',
    '\n> ',
    '\n```\n',
    '|',
    '[',
    ']',
    '~~',
  )
  fc.assert(
    fc.property(fc.array(fc.tuple(word, mark), { minLength: 1, maxLength: 12 }), (pieces) => {
      const text = pieces.flat().join('')
      const letters = (given: string): string => given.replaceAll(/[^a-j]/g, '')
      // The info string of a fence is its language.
      const html = markdownHtml(text)
        .replaceAll(/<pre data-lang="([^"]*)"[^>]*>/g, '$1')
        .replaceAll(/<[^>]*>|&\w+;|&#\d+;/g, '')
      expect(letters(html)).toBe(letters(text))
    }),
    { numRuns: 2000 },
  )
})
