import { mkdirSync, writeFileSync } from 'node:fs'
import { dirname } from 'node:path'
import * as fc from 'fast-check'
import { micromark } from 'micromark'
import { expect, test } from 'vitest'
import { exportHtml, exportMarkdown } from '../../src/exporters/index.ts'
import { fenced, literal, prose } from '../../src/exporters/markdown-text.ts'
import { logPath, open, temp } from '../support/temp.ts'
import { HOSTILE, memoryStore, richSession, whole } from './sessions.ts'

/** As a renderer that lets HTML through would show it. */
function rendered(markdown: string): string {
  return micromark(markdown, { allowDangerousHtml: true, allowDangerousProtocol: true })
}

test('what is said is as it was written, and each tool call is folded with its result', async () => {
  const store = await memoryStore()
  const session = await store.create({ title: 'Refund', model: 'gpt-5-mini' })
  await session.add({ text: 'Where is my refund?' })
  await session.add({
    role: 'assistant',
    text: 'Let me *look*.',
    parts: [
      { type: 'tool-call', callId: 'c1', name: 'find_order', input: { command: 'order 4411', deep: true } },
      { type: 'tool-call', callId: 'c2', name: 'bank', input: {} },
    ],
  })
  await session.add({
    role: 'tool',
    parts: [{ type: 'tool-result', callId: 'c1', name: 'find_order', output: 'PAID' }],
  })
  await session.add({ role: 'assistant', text: 'It was sent.' })
  const [head, ...rest] = (await whole(exportMarkdown(session))).split('\n### ')
  expect(head).toMatch(
    /^# Refund\n\n.* UTC · gpt-5-mini · 4 messages {2}\n<sub>foldlog session \w+ in default<\/sub>\n$/,
  )
  expect(`### ${rest.join('\n### ')}`).toBe(`### User

Where is my refund?

### Assistant

Let me *look*.

<details><summary>✓ <b>find_order</b> <code>order 4411</code></summary>

\`\`\`json
{
  "command": "order 4411",
  "deep": true
}
\`\`\`

\`\`\`
PAID
\`\`\`

</details>

<details><summary>… <b>bank</b> · no result</summary>

\`\`\`json
{}
\`\`\`

</details>

It was sent.
`)
})

test('other branches are listed, and the branch that is asked for is shown', async () => {
  const session = await richSession(await memoryStore())
  const all = await session.messages({ all: true })
  const today = all.find(({ parts }) => parts[0]?.type === 'text' && parts[0].text === 'It was sent today.')!
  const head = await whole(exportMarkdown(session))
  expect(head).not.toContain('\nIt was sent today.\n')
  expect(head).toMatch(/- ‹ 1\/2 › after “.*”: “It was sent today\.”, 2 messages, `\w{26}`\n/)
  expect(await whole(exportMarkdown(session, { branch: today.id }))).toContain('\nIt was sent today.\n')
})

test('nothing in a message is HTML, or goes on in the next one', async () => {
  const session = await richSession(await memoryStore())
  const html = rendered(await whole(exportMarkdown(session)))
  // What is left of HTML is the exporter's own.
  const tags = new Set(
    [...html.replaceAll(/<(pre|code)[^]*?<\/\1>/g, '').matchAll(/<\/?([a-z]\w*)/g)].map(([, tag]) => tag),
  )
  const own = ['a', 'b', 'blockquote', 'br', 'code', 'details', 'em', 'h1', 'h3', 'h4', 'h5', 'hr', 'img', 'li', 'ol']
  for (const tag of tags) expect([...own, 'p', 'pre', 'strong', 'sub', 'summary', 'ul']).toContain(tag)
  expect(html).not.toContain('<!--')
  expect(html.match(/<details>/g)).toHaveLength(html.match(/<\/details>/g)!.length)
  expect(html.match(/<h3>/g)!.length).toBeGreaterThan(HOSTILE.length)
})

test('whatever a message says, what follows it is outside of it', () => {
  const line = fc.oneof(
    fc.constantFrom(...HOSTILE),
    fc.constantFrom(
      '```',
      '~~~~',
      '    ```',
      '  - ```',
      '`',
      '``',
      '<b>',
      '',
      '  ',
      '> ',
      '- a',
      '1. b',
      '    c',
      '\t```',
      '\\',
    ),
    fc.string({ maxLength: 12 }),
  )
  fc.assert(
    fc.property(fc.array(line, { maxLength: 6 }), (lines) => {
      const html = rendered(`${prose(lines.join('\n'))}\n\n### After\n`)
      expect(html.trimEnd()).toMatch(/<h3>After<\/h3>$/)
      expect(html.replaceAll(/<code[^]*?<\/code>/g, '')).not.toMatch(
        /<(?:script|b|i|u|img|svg|style|details|plaintext|!--)\b/,
      )
    }),
    { numRuns: 3000 },
  )
})

test('no text ends the fence it is in', () => {
  const piece = fc.oneof(
    fc.constantFrom('`', '```', '````', '\n', '~~~', ' ', '</details>'),
    fc.string({ maxLength: 3 }),
  )
  fc.assert(
    fc.property(fc.array(piece, { maxLength: 20 }), (pieces) => {
      const html = rendered(`${fenced(pieces.join(''))}\n\n### After\n`)
      expect(html).toMatch(/^<pre><code>[^<]*<\/code><\/pre>\n<h3>After<\/h3>\n?$/)
    }),
    { numRuns: 1000 },
  )
})

test('code keeps its brackets, texts get theirs escaped', () => {
  expect(prose('use `Map<string>` or <b>')).toBe('use `Map<string>` or &lt;b>')
  expect(prose('```html\n<b>\n```\n<b>')).toBe('```html\n<b>\n```\n&lt;b>')
  expect(prose('1. a\n\n    ```html\n    <b>\n\n    # c\n    ```')).toBe(
    '1. a\n\n    ```html\n    <b>\n\n    # c\n    ```',
  )
  expect(prose('see <https://example.org/a>')).toBe('see <https://example.org/a>')
})

test('nobody is called by name, and no issue is linked', () => {
  expect(prose('@alice, (@bob) and #12, mail a@example.org')).toBe(
    '@&#8203;alice, (@&#8203;bob) and #&#8203;12, mail a@example.org',
  )
  expect(prose('`@types/node` and https://example.org/@alice')).toBe('`@types/node` and https://example.org/@alice')
  expect(literal('@alice *x*')).toBe(String.raw`@&#8203;alice \*x\*`)
})

test('long outputs are cut and counted, and whole if that is asked for', async () => {
  const store = await memoryStore()
  const session = await store.create()
  await session.add([
    { role: 'assistant', parts: [{ type: 'tool-call', callId: 'c1', name: 'cat', input: {} }] },
    { role: 'tool', parts: [{ type: 'tool-result', callId: 'c1', name: 'cat', output: `${'x'.repeat(3000)}END` }] },
  ])
  const cut = await whole(exportMarkdown(session))
  expect(cut).toContain('\n… 1,003 characters more\n')
  expect(cut).not.toContain('END')
  expect(await whole(exportMarkdown(session, { maxChars: Infinity }))).toContain('END\n```')
})

test('files are linked where they lie, and named where they do not', async () => {
  const store = await memoryStore()
  const session = await store.create()
  const image = await store.putFile(Buffer.from('png'), 'image/png', 'a (1).png')
  await session.add({
    parts: [
      { type: 'file', ...image },
      {
        type: 'file',
        mediaType: 'application/pdf',
        name: 'b.pdf',
        url: 'https://example.org/b (2).pdf',
        sizeBytes: 2048,
      },
      { type: 'file', mediaType: 'image/png', name: 'c.png', url: 'javascript:alert(1)' },
    ],
  })
  const linked = await whole(
    exportMarkdown(session, { link: ({ file }) => (file === undefined ? undefined : 'files/x y.png') }),
  )
  expect(linked).toContain('![a (1).png](files/x%20y.png)')
  const markdown = await whole(exportMarkdown(session))
  expect(markdown).toContain('[a (1).png] image/png, 3 B')
  expect(markdown).toContain('[b.pdf](https://example.org/b%20%282%29.pdf) application/pdf, 2.0 kB')
  expect(markdown).not.toContain('javascript')
})

test('what has no time is not of 1970', async () => {
  const root = temp()
  const id = '00000000000000000000000001'
  const data = { id, turnId: id, role: 'user', status: 'completed', parts: [{ id: 'p', type: 'text', text: 'Hello?' }] }
  const line = { v: 1, id, type: 'message.created', time: '1970-01-01T00:00:00.000Z', data }
  mkdirSync(dirname(logPath(root, 'timeless')), { recursive: true })
  writeFileSync(logPath(root, 'timeless'), `${JSON.stringify(line)}\n`)
  const session = await (await open(root)).store.get('timeless')
  for (const format of [exportMarkdown, exportHtml]) {
    const text = await whole(format(session!))
    expect(text).toContain('Hello?')
    expect(text).not.toContain('1970')
  }
})
