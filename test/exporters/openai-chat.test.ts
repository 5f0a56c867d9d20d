import { expect, test } from 'vitest'
import { countLosses, exportOpenAIChat, type Loss } from '../../src/exporters/index.ts'
import { memoryStore, richSession, whole } from './sessions.ts'

test('a conversation is one line of messages, and what is not in it is told', async () => {
  const store = await memoryStore()
  const session = await richSession(store)
  const losses: Loss[] = []
  const text = await whole(exportOpenAIChat(session, { report: (loss) => losses.push(loss) }))
  expect(text.indexOf('\n')).toBe(text.length - 1)
  const { messages } = JSON.parse(text) as { messages: { role: string }[] }
  expect(messages.slice(0, 6).map(({ role }) => role)).toEqual(['system', 'user', 'assistant', 'tool', 'tool', 'tool'])
  const [first, ...rest] = countLosses(losses)
  expect(first).toEqual({ kind: 'dropped', what: 'message', reason: 'it is on another branch', count: 3 })
  expect(rest).toHaveLength(3)
  expect(new Set(rest)).toEqual(
    new Set([
      { kind: 'dropped', what: 'reasoning', reason: 'there is no place for it in this format', count: 1 },
      { kind: 'inserted', what: 'result', reason: 'no result of this call is available', count: 1 },
      { kind: 'changed', what: 'file', reason: 'its bytes are not available', count: 1 },
    ]),
  )
})

test('texts that were moved to files because they are big are in it', async () => {
  const store = await memoryStore()
  const session = await store.create()
  const big = 'x'.repeat(100_000)
  await session.add([
    { role: 'assistant', parts: [{ type: 'tool-call', callId: 'c1', name: 'cat', input: {} }] },
    {
      role: 'tool',
      parts: [{ type: 'tool-result', callId: 'c1', name: 'cat', content: [{ id: 'a', type: 'text', text: big }] }],
    },
  ])
  const files = (file: string, mediaType: string): Promise<Uint8Array | undefined> => store.getFile(file, mediaType)
  const { messages } = JSON.parse(await whole(exportOpenAIChat(session, { files })))
  expect(messages[1]).toEqual({ role: 'tool', tool_call_id: 'c1', content: big })
})
