/**
 * A provider's messages → a log → the same messages: identical for all that the target can express, and then no loss is reported.
 * What cannot be kept is reported.
 */
import * as fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { memoryBackend, openStore, type Message, type MessageInput } from '../../src/index.ts'
import {
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
import { PATIENT, rounds } from '../support/rounds.ts'
import { PNG } from './generate.ts'
import * as rules from './rules.ts'

const WORDS = ['hello', 'two\nlines', '0', '日本 → ✓', '{"a":1}', ' padded', 'Error?'] as const
const word = fc.constantFrom(...WORDS)
const words = (least: number, most = 3): fc.Arbitrary<string[]> => fc.array(word, { minLength: least, maxLength: most })
const name = fc.constantFrom('look', 'read_file', 'a-b')
const input = fc.constantFrom({}, { a: 1 }, { deep: [{ b: null }] }, { text: 'x' })
const maybe = <T extends object>(fields: T): fc.Arbitrary<T | object> => fc.constantFrom<T | object>({}, fields)
/** Objects merged, each drawn apart. */
const all = (...parts: fc.Arbitrary<object>[]): fc.Arbitrary<object> =>
  fc.tuple(...parts).map((drawn) => Object.assign({}, ...drawn) as object)
const listOf = (block: fc.Arbitrary<object>, minLength = 1): fc.Arbitrary<object[]> =>
  fc.array(block, { minLength, maxLength: 3 })

let ids = 0
/** Some calls with ids of their own, and what answers them in another order. */
function calls(most = 3): fc.Arbitrary<{ id: string; name: string; input: object }[]> {
  return fc
    .array(fc.record({ name, input }), { maxLength: most })
    .map((list) => list.map((each) => ({ ...each, id: `call_${++ids}` })))
}

/** Rounds of a question and answers, made by `round`; each may give several messages. */
function talk(round: fc.Arbitrary<object[]>): fc.Arbitrary<object[]> {
  return fc.array(round, { minLength: 1, maxLength: 4 }).map((list) => list.flat())
}

async function throughLog(inputs: readonly MessageInput[], view: 'context' | 'messages'): Promise<readonly Message[]> {
  await using store = await openStore(memoryBackend())
  const session = await store.create()
  await session.add(inputs)
  return await (view === 'context' ? session.context() : session.messages())
}

interface Format<T> {
  readonly values: fc.Arbitrary<T>
  readonly view?: 'messages'
  readonly from: (value: T, options: { report: (loss: Loss) => void }) => MessageInput[]
  readonly to: (messages: readonly Message[], options: { report: (loss: Loss) => void }) => unknown
  /** The rules that a value breaks: only what an API accepts is given. */
  readonly broken: (value: T) => readonly string[]
}

function identical<T>(title: string, { values, view, from, to, broken }: Format<T>): void {
  describe(title, () => {
    test(
      'is identical after a log, and no loss is reported',
      async () => {
        await fc.assert(
          fc.asyncProperty(values, async (value) => {
            expect(broken(value)).toEqual([])
            const losses: Loss[] = []
            const options = { report: (loss: Loss) => void losses.push(loss) }
            const inputs = from(value, options)
            expect(to(await throughLog(inputs, view ?? 'context'), options)).toEqual(value)
            expect(losses).toEqual([])
          }),
          { numRuns: rounds(2000) },
        )
      },
      PATIENT.timeout,
    )
  })
}

// OpenAI Chat

const chatText = word.map((text) => ({ type: 'text', text }))
const chatUser = fc.oneof(
  chatText,
  all(
    fc.constant({ type: 'image_url' }),
    fc.constantFrom(
      { image_url: { url: 'https://example.org/a.png', detail: 'low' } },
      { image_url: { url: `data:image/png;base64,${PNG}` } },
    ),
  ),
  fc.constantFrom(
    { type: 'input_audio', input_audio: { data: 'AAAA', format: 'wav' } },
    { type: 'file', file: { filename: 'a.pdf', file_data: 'data:application/pdf;base64,JVBERi0=' } },
    { type: 'file', file: { file_id: 'file-1' } },
  ),
)
const chatCall = (
  { id, name: called, input: given }: { id: string; name: string; input: object },
  at: number,
): object => {
  if (at % 3 === 2) return { id, type: 'custom', custom: { name: called, input: JSON.stringify(given) } }
  // Models write their arguments with and without spaces, and sometimes no JSON at all.
  const text = at % 3 === 0 ? JSON.stringify(given) : at % 2 === 0 ? JSON.stringify(given, null, 1) : '{"broken'
  return { id, type: 'function', function: { name: called, arguments: text } }
}
const chatAnswer = fc
  .record({
    called: calls(),
    results: fc.array(fc.oneof(word, fc.constant(''), listOf(chatText)), { minLength: 3, maxLength: 3 }),
    reverse: fc.boolean(),
  })
  .chain(({ called, results, reverse }) =>
    all(
      fc.constant({ role: 'assistant' }),
      called.length > 0
        ? fc.oneof(
            fc.constantFrom({ content: null }, {}),
            word.map((content) => ({ content })),
          )
        : fc.oneof(
            word.map((content) => ({ content })),
            listOf(chatText).map((content) => ({ content })),
            fc.constant({ content: [{ type: 'refusal', refusal: 'no' }] }),
            fc.constant({ content: null, refusal: 'I will not' }),
          ),
      maybe({ name: 'bot' }),
      fc.constant(called.length > 0 ? { tool_calls: called.map(chatCall) } : {}),
    ).map((answer) => {
      const tools = called.map(({ id }, at) => ({ role: 'tool', tool_call_id: id, content: results[at] }))
      return [answer, ...(reverse ? tools.reverse() : tools)]
    }),
  )
const chatRound = fc
  .tuple(
    fc.oneof(
      all(
        fc.constant({ role: 'user' }),
        fc.oneof(word, listOf(chatUser)).map((content) => ({ content })),
        maybe({ name: 'ann' }),
      ),
      all(
        fc.constantFrom({ role: 'system' }, { role: 'developer' }),
        fc.oneof(word, listOf(chatText)).map((content) => ({ content })),
      ),
    ),
    fc.array(chatAnswer, { maxLength: 2 }),
  )
  .map(([first, answers]) => [first, ...answers.flat()])

identical('OpenAI Chat', { values: talk(chatRound), from: fromOpenAIChat, to: toOpenAIChat, broken: rules.openAIChat })

// OpenAI Responses

const responsesBlock = fc.oneof(
  word.map((text) => ({ type: 'input_text', text })),
  fc.constantFrom(
    { type: 'input_image', detail: 'high', image_url: 'https://example.org/a.png' },
    { type: 'input_image', detail: 'auto', image_url: `data:image/png;base64,${PNG}` },
    { type: 'input_image', detail: 'auto', file_id: 'file-1' },
    { type: 'input_file', filename: 'a.pdf', file_data: 'data:application/pdf;base64,JVBERi0=' },
    { type: 'input_file', file_url: 'https://example.org/a.pdf' },
    { type: 'input_file', file_id: 'file-2' },
  ),
)
const outputBlock = fc.oneof(
  all(
    word.map((text) => ({ type: 'output_text', text })),
    fc.constantFrom(
      { annotations: [] },
      { annotations: [{ type: 'url_citation', url: 'https://e.org', title: 'E', start_index: 0, end_index: 1 }] },
    ),
  ),
  fc.constant({ type: 'refusal', refusal: 'no' }),
)
const reasoningItem = all(
  fc.constant({ type: 'reasoning' }),
  fc.constantFrom({}, { encrypted_content: 'secret' }, { encrypted_content: null }, { status: 'completed' }),
  words(0).map((list) => ({ summary: list.map((text) => ({ type: 'summary_text', text })) })),
).map((item) => ({ ...item, id: `rs_${++ids}` }))
const saidItem = fc.oneof(
  listOf(outputBlock).map((content) => ({
    type: 'message',
    id: `msg_${++ids}`,
    role: 'assistant',
    status: 'completed',
    content,
  })),
  all(
    word.map((content) => ({ role: 'assistant', content })),
    maybe({ type: 'message' }),
  ),
  fc
    .constant({ type: 'web_search_call', status: 'completed', action: { type: 'search', query: 'q' } })
    .map((item) => ({ ...item, id: `ws_${++ids}` })),
)
const responsesCalls = fc
  .record({
    called: calls(),
    results: fc.array(fc.oneof(word, fc.constant(''), listOf(responsesBlock)), { minLength: 3, maxLength: 3 }),
  })
  .map(({ called, results }) => [
    ...called.map(({ id, name: called_, input: given }, at) =>
      at === 2
        ? { type: 'custom_tool_call', call_id: id, name: called_, input: 'free text' }
        : {
            type: 'function_call',
            call_id: id,
            name: called_,
            arguments: JSON.stringify(given, null, at),
            ...(at === 0 ? { id: `fc_${id}`, status: 'completed' } : {}),
          },
    ),
    ...called.map(({ id }, at) => ({
      type: at === 2 ? 'custom_tool_call_output' : 'function_call_output',
      call_id: id,
      output: results[at],
    })),
  ])
const responsesRound = fc
  .tuple(
    all(
      fc.constantFrom({ role: 'user' }, { role: 'user' }, { role: 'system' }, { role: 'developer' }),
      fc.constantFrom({}, { type: 'message' }, { type: 'message', status: 'completed' }),
    ).chain((message) =>
      fc
        .oneof(
          word,
          listOf(
            'role' in message && message.role === 'user'
              ? responsesBlock
              : word.map((text) => ({ type: 'input_text', text })),
          ),
        )
        .map((content) => ({ ...message, content })),
    ),
    fc.array(fc.tuple(fc.array(reasoningItem, { maxLength: 2 }), saidItem, responsesCalls), { maxLength: 2 }),
  )
  .map(([first, answers]) => [first, ...answers.flatMap(([thoughts, said, called]) => [...thoughts, said, ...called])])

identical('OpenAI Responses', {
  values: talk(responsesRound),
  from: fromOpenAIResponses,
  to: toOpenAIResponses,
  broken: rules.openAIResponses,
})

// Anthropic

const anthropicText = all(
  word.map((text) => ({ type: 'text', text })),
  maybe({
    citations: [
      {
        type: 'char_location',
        cited_text: 'x',
        document_index: 0,
        document_title: null,
        start_char_index: 0,
        end_char_index: 1,
      },
    ],
  }),
)
const anthropicFile = fc.constantFrom(
  { type: 'image', source: { type: 'base64', media_type: 'image/png', data: PNG } },
  { type: 'image', source: { type: 'url', url: 'https://example.org/a.png' } },
  {
    type: 'document',
    source: { type: 'base64', media_type: 'application/pdf', data: 'JVBERi0=' },
    title: 'A',
    citations: { enabled: true },
  },
  { type: 'document', source: { type: 'text', media_type: 'text/plain', data: 'plain → text' }, context: 'c' },
  { type: 'document', source: { type: 'url', url: 'https://example.org/a.pdf' } },
)
const anthropicUser = fc.oneof(word, listOf(fc.oneof(anthropicText, anthropicFile)))
const thinking = fc.oneof(
  word.map((text) => ({ type: 'thinking', thinking: text, signature: 'signed' })),
  fc.constant({ type: 'thinking', thinking: '', signature: 'signed' }),
  fc.constant({ type: 'redacted_thinking', data: 'secret' }),
)
const anthropicTurn = fc
  .record({
    thoughts: fc.array(thinking, { maxLength: 2 }),
    said: fc.array(anthropicText, { maxLength: 2 }),
    called: calls(),
    results: fc.array(
      fc.oneof(
        word.map((content) => ({ content })),
        fc.constant({}),
        listOf(fc.oneof(anthropicText, anthropicFile)).map((content) => ({ content })),
        word.map((content) => ({ content, is_error: true })),
        listOf(anthropicText).map((content) => ({ content, is_error: true })),
        fc.constantFrom({ is_error: true }, { content: 'fine', is_error: false }),
      ),
      { minLength: 3, maxLength: 3 },
    ),
    asked: anthropicUser,
    end: word,
  })
  .map(({ thoughts, said, called, results, asked, end }) => {
    const answer = [...thoughts, ...said, ...called.map((call) => ({ type: 'tool_use', ...call }))]
    const blocks = called.map(({ id }, at) => ({ type: 'tool_result', tool_use_id: id, ...results[at] }))
    const list = typeof asked === 'string' ? [{ type: 'text', text: asked }] : asked
    return [
      { role: 'assistant', content: said.length + called.length === 0 ? end : answer },
      { role: 'user', content: blocks.length > 0 ? [...blocks, ...list] : asked },
    ]
  })
const anthropicValues = fc
  .tuple(
    fc.oneof(fc.constant(undefined), word, listOf(anthropicText)),
    anthropicUser,
    fc.array(anthropicTurn, { maxLength: 3 }),
    fc.boolean(),
  )
  .map(([system, first, turns, endsWithModel]) => {
    const messages = [{ role: 'user', content: first }, ...turns.flat()]
    if (endsWithModel) messages.push({ role: 'assistant', content: 'hello' })
    return { ...(system === undefined ? {} : { system }), messages }
  })

identical('Anthropic', { values: anthropicValues, from: fromAnthropic, to: toAnthropic, broken: rules.anthropic })

// Gemini

const geminiText = all(
  word.map((text) => ({ text })),
  maybe({ thoughtSignature: 'signed' }),
)
const geminiMedia = fc.constantFrom(
  { inlineData: { mimeType: 'image/png', data: PNG } },
  { inlineData: { mimeType: 'audio/ogg', data: 'AAAA', displayName: 'a' } },
  { fileData: { fileUri: 'gs://bucket/a.pdf', mimeType: 'application/pdf' } },
  { fileData: { fileUri: 'https://example.org/v' }, videoMetadata: { fps: 1 } },
)
const geminiUser = listOf(fc.oneof(geminiText, geminiMedia))
const geminiThought = all(
  word.map((text) => ({ text, thought: true })),
  maybe({ thoughtSignature: 'signed' }),
)
const response = fc.constantFrom<object>(
  { output: 'x' },
  { output: { a: 1 } },
  { output: null },
  { error: 'failed' },
  { error: { code: 1 } },
  { a: 1, b: [] },
  {},
)
const geminiTurn = fc
  .record({
    thoughts: fc.array(geminiThought, { maxLength: 2 }),
    said: fc.array(
      fc.oneof(geminiText, geminiMedia, fc.constant({ executableCode: { language: 'PYTHON', code: '1' } })),
      { minLength: 1, maxLength: 2 },
    ),
    called: calls(),
    hasIds: fc.boolean(),
    isSigned: fc.boolean(),
    responses: fc.array(response, { minLength: 3, maxLength: 3 }),
    asked: geminiUser,
  })
  .map(({ thoughts, said, called, hasIds, isSigned, responses, asked }) => {
    const own = (id: string): object => (hasIds ? { id } : {})
    const asks = called.map(({ id, name: named, input: args }) => ({
      functionCall: { ...own(id), name: named, args },
      ...(isSigned ? { thoughtSignature: 'signed' } : {}),
    }))
    const answers = called.map(({ id, name: named }, at) => {
      const nested =
        at === 2
          ? { response: { output: 'seen' }, parts: [{ inlineData: { mimeType: 'image/png', data: PNG } }] }
          : { response: responses[at] }
      return { functionResponse: { ...own(id), name: named, ...nested } }
    })
    return [
      { role: 'model', parts: [...thoughts, ...said, ...asks] },
      { role: 'user', parts: [...answers, ...asked] },
    ]
  })
const geminiValues = fc
  .tuple(fc.oneof(fc.constant(undefined), words(1)), geminiUser, fc.array(geminiTurn, { maxLength: 3 }))
  .map(([system, first, turns]) => ({
    ...(system === undefined ? {} : { systemInstruction: { parts: system.map((text) => ({ text })) } }),
    contents: [{ role: 'user', parts: first }, ...turns.flat()],
  }))

identical('Gemini', { values: geminiValues, from: fromGemini, to: toGemini, broken: () => [] })

// ModelMessages

const options = maybe({ providerOptions: { acme: { cached: true } } })
const modelText = all(
  word.map((text) => ({ type: 'text', text })),
  options,
)
const modelFile = fc.constantFrom(
  { type: 'file', data: PNG, mediaType: 'image/png', filename: 'a.png' },
  { type: 'file', data: 'https://example.org/a.pdf', mediaType: 'application/pdf' },
  { type: 'file', data: `data:image/png;base64,${PNG}`, mediaType: 'image/png' },
  { type: 'file', data: 'AAAA', mediaType: 'audio/ogg', providerOptions: { acme: { a: 1 } } },
)
const modelImage = fc.constantFrom(
  { type: 'image', image: PNG },
  { type: 'image', image: 'https://example.org/a.png', mediaType: 'image/png' },
  { type: 'image', image: `data:image/png;base64,${PNG}` },
)
const modelReasoning = all(
  word.map((text) => ({ type: 'reasoning', text })),
  fc.constantFrom(
    {},
    { providerOptions: { anthropic: { signature: 'signed' } } },
    { providerOptions: { anthropic: { redactedData: 'secret' } } },
    { providerOptions: { openai: { itemId: 'rs_1', reasoningEncryptedContent: 'secret' } } },
    { providerOptions: { openai: { itemId: 'rs_1', reasoningEncryptedContent: null } } },
    { providerOptions: { google: { thoughtSignature: 'signed' } } },
    { providerOptions: { bedrock: { signature: 'signed' } } },
  ),
)
const modelOutput = fc.constantFrom<object>(
  { type: 'text', value: 'x' },
  { type: 'text', value: '' },
  { type: 'json', value: { a: 1 } },
  { type: 'json', value: 'text' },
  { type: 'json', value: null },
  { type: 'error-text', value: 'failed' },
  { type: 'error-json', value: { message: 'm' } },
  { type: 'error-json', value: 'm' },
  { type: 'execution-denied' },
  { type: 'execution-denied', reason: 'not now' },
  {
    type: 'content',
    value: [
      { type: 'text', text: 'x' },
      { type: 'image-data', data: PNG, mediaType: 'image/png' },
    ],
  },
  {
    type: 'content',
    value: [
      { type: 'file-url', url: 'https://example.org/a' },
      { type: 'media', data: PNG, mediaType: 'image/png' },
    ],
  },
  {
    type: 'content',
    value: [
      { type: 'image-url', url: 'https://example.org/a' },
      { type: 'file-data', data: 'AAAA', mediaType: 'a/b', filename: 'f' },
    ],
  },
)
const modelAnswer = fc
  .record({
    thoughts: fc.array(modelReasoning, { maxLength: 2 }),
    said: fc.array(fc.oneof(modelText, modelFile), { minLength: 1, maxLength: 2 }),
    plain: word,
    isPlain: fc.boolean(),
    called: calls(),
    outputs: fc.array(modelOutput, { minLength: 3, maxLength: 3 }),
    isOneMessage: fc.boolean(),
    ran: fc.boolean(),
    given: options,
  })
  .map(({ thoughts, said, plain, isPlain, called, outputs, isOneMessage, ran, given }) => {
    const result = ({ id, name: named }: { id: string; name: string }, at: number): object => ({
      type: 'tool-result',
      toolCallId: id,
      toolName: named,
      output: outputs[at],
    })
    const asked = called.map(({ id, name: named, input: args }) => ({
      type: 'tool-call',
      toolCallId: id,
      toolName: named,
      input: args,
    }))
    const id = `srv_${++ids}`
    const server = ran
      ? [
          { type: 'tool-call', toolCallId: id, toolName: 'web', input: {}, providerExecuted: true },
          result({ id, name: 'web' }, 0),
        ]
      : []
    const content = isPlain && called.length === 0 && !ran ? plain : [...thoughts, ...server, ...said, ...asked]
    const results = called.map(result)
    const tools = isOneMessage
      ? [{ role: 'tool', content: results }]
      : results.map((each) => ({ role: 'tool', content: [each] }))
    return [{ role: 'assistant', content, ...given }, ...(called.length > 0 ? tools : [])]
  })
const modelRound = fc
  .tuple(
    fc.oneof(
      all(
        word.map((content) => ({ role: 'system', content })),
        options,
      ),
      all(
        fc
          .oneof(word, listOf(fc.oneof(modelText, modelFile, modelImage)))
          .map((content) => ({ role: 'user', content })),
        options,
      ),
    ),
    fc.array(modelAnswer, { maxLength: 2 }),
  )
  .map(([first, answers]) => [first, ...answers.flat()])

identical('ModelMessage', {
  values: talk(modelRound),
  from: fromModelMessages,
  to: toModelMessages,
  broken: rules.modelMessages,
})

// UIMessages

const metadata = maybe({ providerMetadata: { acme: { a: 1 } } })
const state = fc.constantFrom({}, { state: 'done' }, { state: 'streaming' })
const uiText = all(
  word.map((text) => ({ type: 'text', text })),
  state,
  metadata,
)
const uiFile = fc.constantFrom(
  { type: 'file', mediaType: 'image/png', url: `data:image/png;base64,${PNG}`, filename: 'a.png' },
  {
    type: 'file',
    mediaType: 'application/pdf',
    url: 'https://example.org/a.pdf',
    providerMetadata: { acme: { a: 1 } },
  },
)
const uiReasoning = all(
  word.map((text) => ({ type: 'reasoning', text })),
  state,
  maybe({ id: 'r1' }),
  fc.constantFrom(
    {},
    { providerMetadata: { anthropic: { signature: 'signed' } } },
    { providerMetadata: { openai: { itemId: 'rs', reasoningEncryptedContent: 'secret' } } },
  ),
)
const uiOther = fc.oneof(
  fc.constantFrom<object>(
    { type: 'step-start' },
    { type: 'source-url', sourceId: 's', url: 'https://e.org', title: 'E' },
  ),
  fc.constant({ type: 'source-document', sourceId: 's', mediaType: 'a/b', title: 'T' }),
  fc
    .constantFrom({ data: { a: 1 } }, { data: 'text' }, { data: null })
    .map((each) => ({ type: 'data-weather', ...each })),
  fc.constant({ type: 'data-note' }).map((each) => ({ ...each, id: `d${++ids}`, data: [1] })),
)
const uiState = fc.constantFrom<object>(
  { state: 'output-available', output: { a: 1 } },
  { state: 'output-available', output: 'x' },
  { state: 'output-available', output: null, preliminary: true },
  { state: 'output-available', output: 1, approval: { id: 'ap', approved: true, reason: 'ok' } },
  {
    state: 'output-available',
    output: 1,
    callProviderMetadata: { acme: { a: 1 } },
    resultProviderMetadata: { acme: { b: 1 } },
  },
  { state: 'output-error', errorText: 'failed' },
  { state: 'output-denied', approval: { id: 'ap', approved: false, reason: 'no' } },
  { state: 'output-denied', approval: { id: 'ap', approved: false } },
)
const openState = fc.constantFrom<object>(
  { state: 'input-available' },
  { state: 'input-streaming' },
  { state: 'input-streaming', rawInput: '{"a', inputEncoding: 'json' },
  { state: 'approval-requested', approval: { id: 'ap' } },
  { state: 'approval-responded', approval: { id: 'ap', approved: true } },
  { state: 'approval-responded', approval: { id: 'ap', approved: false, reason: 'no' } },
)
const uiTool = (states: fc.Arbitrary<object>): fc.Arbitrary<object> =>
  all(
    fc.constantFrom<object>(
      { type: 'tool-look' },
      { type: 'tool-a-b' },
      { type: 'dynamic-tool', toolName: 'any name' },
    ),
    input.map((given) => ({ input: given })),
    maybe({ title: 'T' }),
    maybe({ providerExecuted: true }),
    maybe({ toolMetadata: { m: 1 } }),
    states,
  ).map((part) => ({ ...part, toolCallId: `call_${++ids}` }))
const uiMessage = fc
  .oneof(
    listOf(uiText).map((parts) => ({ role: 'system', parts })),
    listOf(fc.oneof(uiText, uiFile, uiOther)).map((parts) => ({ role: 'user', parts })),
    fc
      .array(fc.oneof(uiText, uiFile, uiOther, uiReasoning, uiTool(uiState), uiTool(uiState)), {
        minLength: 1,
        maxLength: 8,
      })
      .map((parts) => ({ role: 'assistant', parts })),
  )
  .chain((message) => all(fc.constant(message), fc.constantFrom({}, { metadata: { at: 1 } }, { metadata: 'text' })))
const uiEnd = listOf(fc.oneof(uiText, uiTool(openState))).map((parts) => ({ role: 'assistant', parts }))
const uiValues = fc
  .tuple(fc.array(uiMessage, { minLength: 1, maxLength: 5 }), uiEnd)
  .map(([list, end]) => [...list, end].map((message) => ({ id: `ui_${++ids}`, ...message })))

identical('UIMessage', {
  values: uiValues,
  view: 'messages',
  from: fromUIMessages,
  to: (messages, given) => toUIMessages(messages, { ...given, openCalls: true }),
  broken: () => [],
})

// What is lost

describe('what a log cannot keep, or the target not take again, is reported', () => {
  const cases: readonly [string, (report: (loss: Loss) => void) => unknown, RegExp][] = [
    [
      'Chat: cache breakpoints',
      (report) =>
        fromOpenAIChat(
          [{ role: 'user', content: [{ type: 'text', text: 'a', prompt_cache_breakpoint: { mode: 'explicit' } }] }],
          { report },
        ),
      /messages\[0\]\.content\[0\]\.prompt_cache_breakpoint/,
    ],
    [
      'Chat: audio of an answer',
      (report) => fromOpenAIChat([{ role: 'assistant', content: null, audio: { id: 'a' } }], { report }),
      /messages\[0\]\.audio/,
    ],
    [
      'Chat: function messages',
      (report) => fromOpenAIChat([{ role: 'function', name: 'f', content: 'x' }], { report }),
      /tool call/,
    ],
    [
      'Responses: unknown fields',
      (report) => fromOpenAIResponses([{ role: 'user', content: 'x', extra: 1 }], { report }),
      /items\[0\]\.extra/,
    ],
    [
      'Anthropic: cache_control',
      (report) =>
        fromAnthropic(
          {
            messages: [{ role: 'user', content: [{ type: 'text', text: 'a', cache_control: { type: 'ephemeral' } }] }],
          },
          { report },
        ),
      /cache_control/,
    ],
    [
      'Gemini: unknown fields of a call',
      (report) =>
        fromGemini(
          { contents: [{ role: 'model', parts: [{ functionCall: { name: 'f', willContinue: true } }] }] },
          { report },
        ),
      /willContinue/,
    ],
    [
      'ModelMessage: approvals',
      (report) =>
        fromModelMessages(
          [
            {
              role: 'assistant',
              content: [
                { type: 'tool-call', toolCallId: 'c', toolName: 'f', input: {} },
                { type: 'tool-approval-request', approvalId: 'a', toolCallId: 'c' },
              ],
            },
          ],
          { report },
        ),
      /approval/,
    ],
    [
      'ModelMessage: bytes',
      (report) =>
        fromModelMessages(
          [{ role: 'user', content: [{ type: 'file', data: new Uint8Array([1]), mediaType: 'a/b' }] }],
          { report },
        ),
      /base64/,
    ],
  ]
  test.each(cases)('%s', (_, convert, expected) => {
    const losses: Loss[] = []
    convert((loss) => losses.push(loss))
    expect(losses.map((loss) => JSON.stringify(loss)).join('\n')).toMatch(expected)
  })
})
