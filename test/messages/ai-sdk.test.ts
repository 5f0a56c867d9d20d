/** The AI SDK's own checks: its schemas, its conversion of UIMessages, and a scripted model that is asked with what comes out. */
import {
  convertToModelMessages,
  generateText,
  modelMessageSchema,
  safeValidateUIMessages,
  type ModelMessage,
  type UIMessage,
} from 'ai'
import { MockLanguageModelV3 } from 'ai/test'
import * as fc from 'fast-check'
import { expect, test } from 'vitest'
import type { Message } from '../../src/index.ts'
import { toModelMessages, toUIMessages } from '../../src/messages/index.ts'
import { PATIENT, rounds } from '../support/rounds.ts'
import { conversation, files } from './generate.ts'

/** Asks a scripted model, which takes any URL as it is, so that nothing is fetched. Rejects for messages that the AI SDK refuses. */
async function ask(messages: ModelMessage[]): Promise<string> {
  const model = new MockLanguageModelV3({
    supportedUrls: { '*/*': [/.*/] },
    doGenerate: {
      content: [{ type: 'text', text: 'understood' }],
      finishReason: { unified: 'stop', raw: 'stop' },
      usage: {
        inputTokens: { total: 1, noCache: 1, cacheRead: 0, cacheWrite: 0 },
        outputTokens: { total: 1, text: 1, reasoning: 0 },
      },
      warnings: [],
    },
  })
  const { text } = await generateText({ model, messages, allowSystemInMessages: true })
  return text
}

test(
  'ModelMessages of any list of messages fit the schema to the last field, and a model can be asked with them',
  async () => {
    await fc.assert(
      fc.asyncProperty(conversation, async (messages) => {
        const out = toModelMessages(messages, { files })
        for (const message of out) expect(modelMessageSchema.parse(message)).toEqual(message)
        if (out.length > 0) expect(await ask(out)).toBe('understood')
      }),
      { numRuns: rounds(1000) },
    )
  },
  PATIENT.timeout,
)

test(
  'UIMessages of any list of messages validate, and a model can be asked with what the AI SDK makes of them',
  async () => {
    await fc.assert(
      fc.asyncProperty(conversation, async (messages) => {
        const out = toUIMessages(messages, { files })
        if (out.length === 0) return
        const checked = await safeValidateUIMessages({ messages: out })
        expect(checked.success ? checked.data : checked.error).toEqual(out)
        const asked = (await convertToModelMessages(out as UIMessage[])).filter(hasContent)
        if (asked.length > 0) expect(await ask(asked)).toBe('understood')
      }),
      { numRuns: rounds(1000) },
    )
  },
  PATIENT.timeout,
)

/** A message of data parts only is empty to the AI SDK unless it is told what to make of them. */
function hasContent({ content }: ModelMessage): boolean {
  return content.length > 0
}

test('the AI SDK refuses an unanswered call, so that asking it proves something', async () => {
  const call = { type: 'tool-call', toolCallId: 'c', toolName: 'look', input: {} } as const
  await expect(ask([{ role: 'assistant', content: [call] }])).rejects.toMatchObject({
    name: 'AI_MissingToolResultsError',
  })
})

test('calls at the end stay open where a page asks for it, and only there', async () => {
  const at = { turnId: 't', status: 'completed', time: { created: 1, updated: 1 } } as const
  const call = (callId: string, extra: object = {}): Message['parts'][number] => ({
    id: callId,
    type: 'tool-call',
    callId,
    name: 'look',
    input: {},
    ...extra,
  })
  const messages: Message[] = [
    { id: 'a', role: 'assistant', parts: [call('old')], ...at },
    { id: 'b', role: 'user', parts: [{ id: 't', type: 'text', text: 'go on' }], ...at },
    {
      id: 'c',
      role: 'assistant',
      parts: [
        call('run'),
        call('ask', { approval: 'requested' }),
        call('yes', { approval: 'approved' }),
        call('no', { approval: 'denied' }),
        call('typing', { status: 'in_progress' }),
      ],
      ...at,
    },
  ]
  const states = (options: object): unknown[] =>
    toUIMessages(messages, options).flatMap(({ parts }) =>
      parts.map((part) => ('state' in part ? part.state : undefined)),
    )
  expect(states({ openCalls: true })).toEqual([
    'output-error',
    undefined,
    'input-available',
    'approval-requested',
    'approval-responded',
    'output-denied',
    'input-streaming',
  ])
  expect(states({})).toEqual([
    'output-error',
    undefined,
    'output-error',
    'output-error',
    'output-error',
    'output-denied',
    'output-error',
  ])
  const open = toUIMessages(messages, { openCalls: true })
  expect((await safeValidateUIMessages({ messages: open })).success).toBe(true)
})
