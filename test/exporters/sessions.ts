/** Conversations to export. */
import { onTestFinished } from 'vitest'
import { memoryBackend, openStore, type Session, type Store } from '../../src/index.ts'

/** A store in memory, closed with the test. */
export async function memoryStore(): Promise<Store> {
  const backend = memoryBackend()
  const store = await openStore(backend)
  onTestFinished(async () => {
    await store.close()
    await backend.close()
  })
  return store
}

/** All pieces of an export. */
export async function whole(chunks: AsyncIterable<string>): Promise<string> {
  let text = ''
  for await (const chunk of chunks) text += chunk
  return text
}

/** What somebody who wants to break out of a document would write. */
export const HOSTILE: readonly string[] = [
  '<script>globalThis.pwned = "script"</script>',
  '</script><script>globalThis.pwned = "end of script"</script>',
  '<img src=x onerror="globalThis.pwned = \'onerror\'">',
  '<svg onload="globalThis.pwned = \'svg\'">',
  '<style>* { display: none }</style>',
  '<!-- never closed',
  '<details><summary>never closed',
  '</details></article></main></body></html>',
  '<plaintext>',
  '<textarea>',
  '<title>',
  '[click](javascript:globalThis.pwned="link")',
  '[click](JaVaScRiPt&colon;globalThis.pwned="entity")',
  '[click](<java\tscript:globalThis.pwned="tab">)',
  '[click](data:text/html,<script>globalThis.pwned="data"</script>)',
  '<javascript:globalThis.pwned="auto">',
  '![x](javascript:globalThis.pwned="image")',
  '" onmouseover="globalThis.pwned=\'attribute\'" x="',
  "' onfocus='globalThis.pwned=1' autofocus='",
  '```',
  '````html\n<b>\n```',
  '~~~',
  '    ```\n    <details>',
  '1. list\n    ```html\n    <b>\n    ```\n2. more',
  '`<b>` and `` `<i>` `` and ` unclosed <u>',
  '\\`<b>`',
  'a ` b\n`<b>` c',
  '# Heading\n## Heading',
  'a | b\n--|--\n<b> | `<i>`',
  '> quote\n> ```\n> <b>',
  '- [ ] task\n- [x] <b>done</b>',
  '[reference]: javascript:globalThis.pwned="reference"',
  '&lt;script&gt; &amp; &#60;b&#62;',
  '\u0000\u0007\u001B[31mred\u001B[0m \u202Egnp.exe',
  '\uD800 alone',
  '@everyone see #123 and alice@example.org, https://example.org/@alice',
  '{{ 7*7 }} ${7*7} <%= 7*7 %>',
]

/** A session with everything an exporter has to deal with: tools, branches, failures, files, hostile texts. */
export async function richSession(store: Store): Promise<Session> {
  const session = await store.create({ title: 'Refund <b>#4411</b>', cwd: '/home/me/shop', model: 'gpt-5-mini' })
  await session.add({ role: 'system', text: 'Be kind.' })
  const question = await session.add({ text: 'Where is my *refund*?' })
  await session.add({
    role: 'assistant',
    model: 'gpt-5-mini',
    provider: 'openai',
    usage: { inputTokens: 1200, outputTokens: 80, cachedInputTokens: 1000, costUsd: 0.01 },
    text: 'Let me look that **up**.\n\n```ts\nconst a = 1 < 2\n```',
    parts: [
      { type: 'reasoning', text: 'They want their money.' },
      { type: 'tool-call', callId: 'c1', name: 'find_order', input: { id: 4411 } },
      { type: 'tool-call', callId: 'c2', name: 'bank_status', input: { command: 'bank --order 4411', verbose: true } },
      { type: 'tool-call', callId: 'c3', name: 'never_answered', input: 'no object' },
    ],
  })
  await session.add({
    role: 'tool',
    parts: [{ type: 'tool-result', callId: 'c1', name: 'find_order', output: { state: 'PAID' } }],
  })
  await session.add({
    role: 'tool',
    parts: [
      { type: 'tool-result', callId: 'c2', name: 'bank_status', error: { message: 'timeout after ``` 2000 ms' } },
    ],
  })
  const today = await session.add({ role: 'assistant', text: 'It was sent today.' })
  await session.add({ text: 'Are you sure?' })
  await session.branch(today.id, { text: 'It was sent yesterday.' })
  await session.branch(question.id, { text: 'Where is my parcel?' })
  await session.set({ head: (await session.messages({ all: true })).at(-2)!.id })
  const image = await store.putFile(Buffer.from(PNG, 'base64'), 'image/png', 'a (screen).png')
  await session.add({ text: 'Here is the proof.', parts: [{ type: 'file', ...image }] })
  await session.add({ role: 'assistant', status: 'failed', error: { message: 'overloaded <now>' }, text: 'I ' })
  for (const text of HOSTILE) await session.add({ text })
  for (const text of HOSTILE) await session.add({ role: 'assistant', text })
  return session
}

export const PNG = 'iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=='
