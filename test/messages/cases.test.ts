/** Single conversions, by example: what maps to what, and what is reported. */
import { describe, expect, test } from 'vitest'
import { contextOf } from '../../src/context.ts'
import { isFoldlogError, memoryBackend, openStore, type Message, type Part } from '../../src/index.ts'
import {
  filesOf,
  fromAnthropic,
  fromGemini,
  fromModelMessages,
  fromOpenAIChat,
  fromOpenAIResponses,
  fromUIMessages,
  toAnthropic,
  toGemini,
  toModelMessages,
  toOpenAIChat,
  toOpenAIResponses,
  toUIMessages,
  type Loss,
} from '../../src/messages/index.ts'
import { PNG, STORED, files } from './generate.ts'
import * as rules from './rules.ts'

type Bare<P = Part> = P extends Part ? Omit<P, 'id'> : never

let count = 0
function message(role: Message['role'], parts: readonly (string | Bare)[], extra: Partial<Message> = {}): Message {
  const id = `m${++count}`
  return {
    id,
    turnId: 't',
    role,
    parts: parts.map((part, at) => ({
      id: `p${at}`,
      ...(typeof part === 'string' ? { type: 'text', text: part } : part),
    })),
    status: 'completed',
    time: { created: count, updated: count },
    ...extra,
  }
}
const call = (callId: string): Bare => ({ type: 'tool-call', callId, name: 'look', input: { at: callId } })
const result = (callId: string, output: string = callId): Bare => ({
  type: 'tool-result',
  callId,
  name: 'look',
  output,
})

/** What a conversion reports, shortly. */
function losses(convert: (options: { report: (loss: Loss) => void }) => unknown): string[] {
  const out: string[] = []
  convert({ report: ({ kind, what }) => void out.push(`${kind} ${what}`) })
  return out
}

describe('steps', () => {
  test('what an answer says after inline results is a step of its own', () => {
    const inline = [
      message('user', ['q']),
      message('assistant', ['let me see', call('a'), result('a'), 'so', call('b'), result('b'), 'done']),
    ]
    expect(toOpenAIChat(inline).map(({ role, content }) => [role, content])).toEqual([
      ['user', 'q'],
      ['assistant', 'let me see'],
      ['tool', 'a'],
      ['assistant', 'so'],
      ['tool', 'b'],
      ['assistant', 'done'],
    ])
    expect(toAnthropic(inline).messages.map(({ role }) => role)).toEqual([
      'user',
      'assistant',
      'user',
      'assistant',
      'user',
      'assistant',
    ])
    expect(toUIMessages(inline)[1]!.parts.map(({ type }) => type)).toEqual([
      'text',
      'tool-look',
      'step-start',
      'text',
      'tool-look',
      'step-start',
      'text',
    ])
  })

  test('results that came late, or after others spoke, stand directly after their calls', () => {
    const late = [
      message('user', ['q']),
      message('assistant', [call('a'), call('b')]),
      message('user', ['hurry']),
      message('tool', [result('b')]),
      message('tool', [result('a')]),
    ]
    expect(toOpenAIChat(late).map((each) => ('tool_call_id' in each ? each.tool_call_id : each.role))).toEqual([
      'user',
      'assistant',
      'b',
      'a',
      'user',
    ])
    const { messages } = toAnthropic(late)
    expect(messages.at(-1)).toEqual({
      role: 'user',
      content: [
        { type: 'tool_result', tool_use_id: 'b', content: 'b' },
        { type: 'tool_result', tool_use_id: 'a', content: 'a' },
        { type: 'text', text: 'hurry' },
      ],
    })
  })

  test('orphans, duplicates and missing results are reported', () => {
    const odd = [
      message('tool', [result('none')]),
      message('assistant', [call('a'), call('a'), call('b')]),
      message('tool', [result('a', '1')]),
      message('tool', [result('a', '2')]),
    ]
    for (const convert of [toOpenAIChat, toOpenAIResponses, toModelMessages]) {
      expect(losses((options) => convert(odd, options))).toEqual([
        'dropped result',
        'dropped call',
        'dropped result',
        'inserted result',
      ])
    }
    const [answer, first, second] = toOpenAIChat(odd)
    expect([answer?.role, first?.content, second?.content]).toEqual([
      'assistant',
      '2',
      'Error: no result of this call is available',
    ])
  })

  test('messages for the user only are not sent to a model, but shown', () => {
    const secret = [message('user', ['q']), message('assistant', ['for your eyes'], { audience: 'user' })]
    expect(
      JSON.stringify([
        toOpenAIChat(secret),
        toAnthropic(secret),
        toGemini(secret),
        toModelMessages(secret),
        toOpenAIResponses(secret),
      ]),
    ).not.toContain('eyes')
    expect(losses((options) => toGemini(secret, options))).toEqual(['dropped message'])
    expect(JSON.stringify(toUIMessages(secret))).toContain('eyes')
  })

  test('summaries are applied by context(), not by a conversion', () => {
    const path = [
      message('user', ['long ago']),
      message('assistant', [{ type: 'compaction', text: 'they spoke' }]),
      message('user', ['now']),
    ]
    expect(losses((options) => toOpenAIChat(path, options))).toEqual(['dropped compaction'])
    expect(toOpenAIChat(contextOf(path)).map(({ content }) => content)).toEqual(['they spoke', 'now'])
  })
})

describe('system messages and alternation', () => {
  const talk = [
    message('system', ['rules']),
    message('assistant', ['hi']),
    message('user', ['one']),
    message('system', ['more']),
    message('user', ['two']),
  ]

  test('stay where they are where that can be', () => {
    expect(toOpenAIChat(talk).map(({ role }) => role)).toEqual(['system', 'assistant', 'user', 'system', 'user'])
    expect(toOpenAIResponses(talk)).toContainEqual({ role: 'system', content: 'more' })
  })

  test('go before all else in Anthropic and Gemini, where neighbours are merged and a user begins', () => {
    expect(toAnthropic(talk)).toEqual({
      system: [
        { type: 'text', text: 'rules' },
        { type: 'text', text: 'more' },
      ],
      messages: [
        { role: 'user', content: '(The conversation begins here.)' },
        { role: 'assistant', content: 'hi' },
        {
          role: 'user',
          content: [
            { type: 'text', text: 'one' },
            { type: 'text', text: 'two' },
          ],
        },
      ],
    })
    for (const convert of [toAnthropic, toGemini]) {
      expect(losses((options) => convert(talk, options))).toEqual([
        'inserted message',
        'moved system',
        'merged message',
      ])
    }
  })
})

describe('reasoning', () => {
  const thought = (provider: string): Message =>
    message('assistant', [{ type: 'reasoning', text: 'hm', signature: 's', encrypted: 'e' }, 'yes'], { provider })
  const kept = (provider: string): string[] => {
    const messages = [message('user', ['q']), thought(provider)]
    const outputs = {
      openai: toOpenAIResponses(messages),
      anthropic: toAnthropic(messages),
      google: toGemini(messages),
      chat: toOpenAIChat(messages),
    }
    return Object.entries(outputs).flatMap(([name, out]) => (JSON.stringify(out).includes('hm') ? [name] : []))
  }

  test.each([
    ['anthropic', ['anthropic']],
    ['anthropic.messages', ['anthropic']],
    ['vertex.anthropic.messages', ['anthropic']],
    ['bedrock/anthropic', ['anthropic']],
    ['openai', ['openai']],
    ['azure-openai.responses', ['openai']],
    ['google.generative-ai', ['google']],
    ['mistral', []],
  ])('of a message of %s is sent to %j', (provider, expected) => {
    expect(kept(provider)).toEqual(expected)
  })

  test('stands under the key of its maker in the AI SDK', () => {
    const [, answer] = toModelMessages([message('user', ['q']), thought('anthropic')])
    expect(answer?.content).toContainEqual({
      type: 'reasoning',
      text: 'hm',
      providerOptions: { anthropic: { signature: 's', redactedData: 'e' } },
    })
    expect(losses((options) => toModelMessages([message('user', ['q']), thought('mistral')], options))).toEqual([
      'changed reasoning',
    ])
  })

  test('of another provider is reported when a history moves', () => {
    const inputs = fromAnthropic({
      messages: [
        { role: 'user', content: 'q' },
        {
          role: 'assistant',
          content: [
            { type: 'thinking', thinking: 'hm', signature: 's' },
            { type: 'text', text: 'yes' },
          ],
        },
      ],
    })
    const messages = inputs.map((each, at) => ({ ...message('user', []), ...each, id: `n${at}` }) as Message)
    expect(losses((options) => toOpenAIResponses(messages, options))).toEqual(['dropped reasoning'])
    expect(losses((options) => toAnthropic(messages, options))).toEqual([])
  })
})

describe('files', () => {
  const image: Bare = { type: 'file', mediaType: 'image/png', file: STORED }
  const asked = [message('user', ['see', image])]

  test('stored ones are inlined, from bytes or from a URL', () => {
    const url = `data:image/png;base64,${PNG}`
    expect(toOpenAIChat(asked, { files })[0]!.content).toContainEqual({ type: 'image_url', image_url: { url } })
    expect(toOpenAIChat(asked, { files: () => url })).toEqual(toOpenAIChat(asked, { files }))
    expect(toOpenAIChat(asked, { files: () => 'https://e.org/a.png' })[0]!.content).toContainEqual({
      type: 'image_url',
      image_url: { url: 'https://e.org/a.png' },
    })
    expect(filesOf([...asked, ...asked]).map(({ file }) => file)).toEqual([STORED])
  })

  test('missing ones are a text, and reported', () => {
    for (const convert of [toOpenAIChat, toOpenAIResponses, toAnthropic, toGemini, toModelMessages, toUIMessages]) {
      expect(JSON.stringify(convert(asked))).toContain('[file (image/png): its bytes are not available]')
      expect(losses((options) => convert(asked, options))).toEqual(['changed file'])
    }
  })

  test('of a result stand in it, or in the user message after all results where that cannot be', () => {
    const shown: Bare = {
      type: 'tool-result',
      callId: 'a',
      name: 'look',
      content: [
        { id: 'c0', type: 'text', text: 'a shot' },
        { id: 'c1', ...image },
      ],
    }
    const path = [
      message('user', ['q']),
      message('assistant', [call('a'), call('b')]),
      message('tool', [shown]),
      message('tool', [result('b')]),
    ]
    expect(toOpenAIChat(path, { files }).map(({ role }) => role)).toEqual(['user', 'assistant', 'tool', 'tool', 'user'])
    expect(losses((options) => toOpenAIChat(path, { files, ...options }))).toEqual(['moved file'])
    expect(losses((options) => toAnthropic(path, { files, ...options }))).toEqual([])
    expect(JSON.stringify(toAnthropic(path, { files }).messages[2])).toContain(PNG)
    expect(toGemini(path, { files }).contents[2]!.parts.map((part) => Object.keys(part))).toEqual([
      ['functionResponse'],
      ['functionResponse'],
      ['inlineData'],
    ])
  })

  test('the example of the page: stored in a namespace, read before the conversion', async () => {
    await using store = await openStore(memoryBackend())
    const session = await store.create()
    const stored = await store.putFile(Buffer.from(PNG, 'base64'), 'image/png')
    await session.add({
      role: 'user',
      parts: [
        { type: 'text', text: 'What is this?' },
        { type: 'file', ...stored },
      ],
    })
    const messages = await session.context()
    const bytes = new Map<string, Uint8Array | undefined>()
    for (const { file, mediaType } of filesOf(messages)) bytes.set(file!, await store.getFile(file!, mediaType))
    expect(JSON.stringify(toAnthropic(messages, { files: (file) => bytes.get(file) }))).toContain(PNG)
  })
})

test('blocks of a result that go back to Anthropic as they came: a blank text among them stays back', async () => {
  const found = { type: 'search_result', source: 'https://e.org', title: 'E', content: [{ type: 'text', text: 'x' }] }
  const content = [{ type: 'text', text: ' ' }, found]
  await using store = await openStore(memoryBackend())
  const session = await store.create()
  const messages = [
    { role: 'user', content: 'q' },
    { role: 'assistant', content: [{ type: 'tool_use', id: 'a', name: 'look', input: {} }] },
    { role: 'user', content: [{ type: 'tool_result', tool_use_id: 'a', content }] },
  ]
  await session.add(fromAnthropic({ messages }))
  expect(toAnthropic(await session.context()).messages[2]!.content).toEqual([
    { type: 'tool_result', tool_use_id: 'a', content: [found] },
  ])
})

describe('items of OpenAI Responses', () => {
  const asked = { role: 'user', content: 'q' }
  const said = { role: 'assistant', content: 'yes' }

  /** Through a log and back. */
  async function back(items: readonly object[], report: (loss: Loss) => void = () => undefined): Promise<object[]> {
    await using store = await openStore(memoryBackend())
    const session = await store.create()
    await session.add(fromOpenAIResponses(items, { report }))
    return toOpenAIResponses(await session.context(), { report })
  }

  test('reasoning whose id is empty has none: it is named anew, each time another', async () => {
    const thought = { type: 'reasoning', id: '', summary: [], content: null, encrypted_content: 'secret' }
    const items = await back([asked, thought, said, asked, thought, said])
    expect(rules.openAIResponses(items)).toEqual([])
    expect(items.filter((item) => 'encrypted_content' in item)).toEqual([
      { type: 'reasoning', id: expect.stringMatching(/^rs_./) as string, summary: [], encrypted_content: 'secret' },
      { type: 'reasoning', id: expect.stringMatching(/^rs_./) as string, summary: [], encrypted_content: 'secret' },
    ])
  })

  test('reasoning that has neither id nor encrypted content is dropped, and reported', async () => {
    const found: Loss[] = []
    const thought = { type: 'reasoning', id: '', summary: [], encrypted_content: null }
    expect(await back([asked, thought, said], (loss) => found.push(loss))).toEqual([asked, said])
    expect(found.map(({ kind, what }) => `${kind} ${what}`)).toEqual(['dropped reasoning'])
  })

  test('reasoning parts with one id are one item, as the AI SDK has several of them', () => {
    const providerOptions = { openai: { itemId: 'rs_1', reasoningEncryptedContent: 'secret' } }
    const inputs = fromModelMessages([
      { role: 'user', content: 'q' },
      {
        role: 'assistant',
        content: [
          { type: 'reasoning', text: 'first', providerOptions },
          { type: 'reasoning', text: 'second', providerOptions },
          { type: 'text', text: 'yes' },
        ],
      },
    ])
    const messages = inputs.map((each, at) => ({ ...message('user', []), ...each, id: `n${at}` }) as Message)
    expect(toOpenAIResponses(messages)[1]).toEqual({
      type: 'reasoning',
      id: 'rs_1',
      summary: [
        { type: 'summary_text', text: 'first' },
        { type: 'summary_text', text: 'second' },
      ],
      encrypted_content: 'secret',
    })
  })

  test('the same items added twice: no id stands twice', async () => {
    const items = [
      asked,
      { type: 'reasoning', id: 'rs_1', summary: [] },
      { type: 'web_search_call', id: 'ws_1', status: 'completed', action: { type: 'search', query: 'q' } },
      {
        type: 'message',
        id: 'msg_1',
        role: 'assistant',
        status: 'completed',
        content: [{ type: 'output_text', text: 'yes', annotations: [] }],
      },
      { type: 'function_call', id: 'fc_1', call_id: 'a', name: 'look', arguments: '{}' },
      { type: 'function_call_output', id: 'fco_1', call_id: 'a', output: 'seen' },
    ]
    const found: Loss[] = []
    const twice = await back([...items, ...items], (loss) => found.push(loss))
    expect(rules.openAIResponses(twice)).toEqual([])
    expect(twice.slice(0, items.length)).toEqual(items)
    expect(JSON.stringify(twice.slice(items.length)).match(/yes|seen/g)).toEqual(['yes', 'seen'])
    expect(found.map(({ kind, what }) => `${kind} ${what}`)).toContain('dropped reasoning')
  })

  test('an image without a place is a text that says so, in a message and in a result', async () => {
    const image = { type: 'input_image', image_url: null, detail: 'auto' }
    const call = { type: 'function_call', call_id: 'a', name: 'look', arguments: '{}' }
    const output = { type: 'function_call_output', call_id: 'a', output: [image] }
    const found: Loss[] = []
    const items = await back([{ role: 'user', content: [image] }, call, output], (loss) => found.push(loss))
    const text = { type: 'input_text', text: '[file (image/*): its bytes are not available]' }
    expect(items).toEqual([{ role: 'user', content: [text] }, call, { ...output, output: [text] }])
    expect(found.map(({ kind, what }) => `${kind} ${what}`)).toEqual(['changed file', 'changed file'])
  })

  test('files of a result that are at the provider come back as they were', async () => {
    const call = { type: 'function_call', call_id: 'a', name: 'look', arguments: '{}' }
    const output = [
      { type: 'input_text', text: 'see' },
      { type: 'input_image', detail: 'auto', file_id: 'file-1' },
    ]
    const items = [asked, call, { type: 'function_call_output', call_id: 'a', output }]
    const found: Loss[] = []
    expect(await back(items, (loss) => found.push(loss))).toEqual(items)
    expect(found).toEqual([])
  })

  test('what is no text in a message of the model is no empty text', async () => {
    const audio = { type: 'output_audio', data: 'AAAA', transcript: 'hi' }
    const image = { type: 'input_image', image_url: 'https://example.org/a.png', detail: 'auto' }
    const inputs = fromOpenAIResponses([{ role: 'assistant', content: [audio, image, { type: 'text', text: 'so' }] }])
    expect(inputs[0]!.parts).toMatchObject([
      { type: 'data', name: 'openai-responses.block', data: audio },
      { type: 'file', mediaType: 'image/*', url: 'https://example.org/a.png' },
      { type: 'text', text: 'so' },
    ])
    const found: Loss[] = []
    await back([asked, { role: 'assistant', content: [audio, { type: 'output_text', text: 'so' }] }], (loss) =>
      found.push(loss),
    )
    expect(found).toMatchObject([{ kind: 'dropped', what: 'data' }])
  })
})

describe('what is no message is refused, with the place', () => {
  test.each([
    ['no list', () => fromOpenAIChat('hello' as never), 'messages'],
    ['no object', () => fromOpenAIChat([null as never]), 'messages[0]'],
    ['an unknown role', () => fromOpenAIChat([{ role: 'robot' }]), 'messages[0].role'],
    ['an item that is none', () => fromOpenAIResponses([7 as never]), 'items[0]'],
    ['an item of an unknown role', () => fromOpenAIResponses([{ role: 'robot', content: '' }]), 'items[0].role'],
    ['an item that is nothing', () => fromOpenAIResponses([{}]), 'items[0].role'],
    ['no conversation of Anthropic', () => fromAnthropic(null as never), 'conversation'],
    ['a list for a conversation of Anthropic', () => fromAnthropic([] as never), 'conversation'],
    ['no conversation of Gemini', () => fromGemini(undefined as never), 'conversation'],
    ['a role of Anthropic', () => fromAnthropic({ messages: [{ role: 'tool', content: 'x' }] }), 'messages[0].role'],
    [
      'a block of Anthropic',
      () => fromAnthropic({ messages: [{ role: 'user', content: ['x'] }] }),
      'messages[0].content[0]',
    ],
    ['a role of Gemini', () => fromGemini({ contents: [{ role: 'tool' }] }), 'contents[0].role'],
    ['a role of the AI SDK', () => fromModelMessages([{ role: 'data', content: '' }]), 'messages[0].role'],
    ['a role of a page', () => fromUIMessages([{ id: 'a', role: 'tool', parts: [] }]), 'messages[0].role'],
  ])('%s', (_, convert, field) => {
    try {
      convert()
      expect.unreachable()
    } catch (error) {
      expect(isFoldlogError(error, 'INVALID_OPTION') && error.field).toBe(field)
    }
  })
})

describe('messages of vendors that take the same', () => {
  test('arguments that are no text are the input of the call, and go back as a text', () => {
    const args = { city: 'Oslo', days: [1] }
    const tool_calls = [{ id: 'a', type: 'function', function: { name: 'rain', arguments: args } }]
    const chat = [{ role: 'assistant', content: null, tool_calls }]
    const items = [{ type: 'function_call', call_id: 'a', name: 'rain', arguments: args }]
    for (const [from, given] of [
      [fromOpenAIChat, chat],
      [fromOpenAIResponses, items],
    ] as const) {
      expect(from(given)[0]!.parts).toMatchObject([{ type: 'tool-call', callId: 'a', name: 'rain', input: args }])
      expect(losses((options) => from(given, options))).toEqual(['changed call'])
    }
  })

  test('the URL of an image may stand where its object does', () => {
    const url = 'https://example.com/a.png'
    const given = [{ role: 'user', content: [{ type: 'image_url', image_url: url }] }]
    expect(fromOpenAIChat(given)[0]!.parts).toMatchObject([{ type: 'file', mediaType: 'image/*', url }])
    expect(losses((options) => fromOpenAIChat(given, options))).toEqual(['changed file'])
  })
})

test('a URL that begins with millions of parameters is no file', () => {
  const url = `data:${';'.repeat(20_000_000)}`
  expect(
    losses((options) => toOpenAIChat([message('user', [{ type: 'file', mediaType: 'image/png', url }])], options)),
  ).toEqual(['changed file'])
})
