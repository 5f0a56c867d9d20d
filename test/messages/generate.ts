/** Messages as logs may hold them: also damaged, interrupted and odd ones. */
import * as fc from 'fast-check'
import type { Message, Part } from '../../src/message.ts'

export const PNG = 'iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=='
export const STORED = `sha256-${'a'.repeat(64)}`
const GONE = `sha256-${'b'.repeat(64)}`

/** What stands for the store's files. */
export const files = (file: string): Uint8Array | undefined =>
  file === STORED ? Buffer.from(PNG, 'base64') : undefined

const CALL_IDS = ['a', 'b', 'c', 'call 1!', 'ünï', 'x'.repeat(70), 'x'.repeat(70) + 'y', 'a_2'] as const
const NAMES = ['look', 'read.file', 'bad name!', '1st', 'n'.repeat(80)] as const
const text = fc.constantFrom('hello', 'hello', 'two\nlines ', '', ' \n', '0', '日本 → ✓', '{"a":1}')
const callId = fc.constantFrom(...CALL_IDS)
const name = fc.constantFrom(...NAMES)
const json = fc.oneof(
  fc.constantFrom<unknown>({}, { a: 1 }, [], 'text', '', null, 7, { error: 'x' }, { output: { b: [] } }),
  fc.jsonValue({ maxDepth: 2 }),
)

const place = fc.constantFrom(
  { mediaType: 'image/png', data: PNG },
  { mediaType: 'image/*', data: PNG },
  { mediaType: 'image/tiff', data: 'AAAA' },
  { mediaType: 'image/svg+xml', data: 'AAAA' },
  { mediaType: 'application/zip', data: 'AAAA' },
  { mediaType: 'image/png', data: '' },
  { mediaType: 'image/png', data: 'no base64!' },
  { mediaType: 'image/png', file: STORED },
  { mediaType: 'image/png', file: GONE },
  { mediaType: 'image/png' },
  { mediaType: 'image/*', url: 'https://example.org/a.png' },
  { mediaType: 'application/pdf', url: 'https://example.org/a.pdf' },
  { mediaType: 'image/png', url: `data:image/png;base64,${PNG}` },
  { mediaType: 'text/plain', url: 'data:text/plain,hi%20there' },
  { mediaType: 'image/png', url: 'file:///etc/passwd' },
  { mediaType: 'image/png', url: 'not a url' },
  { mediaType: 'application/pdf', data: 'JVBERi0=' },
  { mediaType: 'audio/mpeg', data: 'AAAA' },
  { mediaType: 'text/markdown; charset=utf-8', data: 'aGVsbG8=', name: 'a.md' },
  { mediaType: 'text/plain', data: 'ICAg' },
  { mediaType: '', data: 'AAAA' },
)

const signed = fc.constantFrom(
  { providerMetadata: { anthropic: {} }, signature: 'anthropic-signature' },
  { providerMetadata: { anthropic: {} }, encrypted: 'anthropic-encrypted' },
  { providerMetadata: { openai: { itemId: 'rs_1' } }, encrypted: 'openai-encrypted' },
  { providerMetadata: { openai: { itemId: 'rs_2' } } },
  { providerMetadata: { openai: { itemId: '', content: null } }, encrypted: 'openai-encrypted' },
  { providerMetadata: { openai: { itemId: '' } } },
  { providerMetadata: { openai: {} }, encrypted: 'openai-encrypted' },
  { providerMetadata: { google: {} }, signature: 'google-signature' },
  { providerMetadata: { anthropic: {}, openai: {} }, signature: 'nobody-signature' },
  { providerMetadata: 'odd', signature: 'nobody-signature' },
  { providerMetadata: { mistral: {} }, signature: 'nobody-signature' },
  { signature: '' },
  {},
)

const content = fc
  .array(
    fc.oneof(
      text.map((value) => ({ type: 'text', text: value })),
      place.map((value) => ({ type: 'file', ...value })),
    ),
    { maxLength: 3 },
  )
  .map((parts) => withIds(parts, parts.length % 2 === 1))

const SEARCHED = { status: 'completed', action: { type: 'search', query: 'q' } } as const
const opaque = fc.constantFrom(
  { name: 'note', data: { any: 1 } },
  { name: 'anthropic.block', data: { type: 'text', text: '' } },
  { name: 'anthropic.block', data: { type: 'server_tool_use', id: 'srv', name: 'web_search', input: {} } },
  { name: 'anthropic.block', data: 'junk' },
  { name: 'openai-responses.item', data: { type: 'computer_call_output', call_id: 'none' } },
  { name: 'openai-responses.item', data: {} },
  { name: 'openai-responses.item', data: { type: 'input_image', image_url: null, detail: 'auto' } },
  { name: 'openai-responses.item', data: { type: 'input_image', file_id: 'file-1', detail: 'auto' } },
  { name: 'openai-responses.item', data: { type: 'input_file', file_id: '' } },
  { name: 'openai-responses.item', data: { type: 'web_search_call', id: 'rs_2', ...SEARCHED } },
  { name: 'openai-responses.item', data: { type: 'tool_search_call', id: '', arguments: {} } },
  { name: 'openai-responses.item', data: { type: 'message', role: 'user', content: 7 } },
  { name: 'openai-responses.item', data: { type: 'function_call', call_id: 'open' } },
  { name: 'openai-responses.block', data: { type: 'output_audio', data: 'AAAA' } },
  { name: 'openai-chat.block', data: { type: 'text', text: '' } },
  { name: 'gemini.part', data: { text: '' } },
  { name: 'ai-sdk.part', data: { type: 'step-start' } },
  { name: 'ai-sdk.part', data: { type: 'tool-look' } },
)

/** Parts without their ids. */
const bare = fc.oneof(
  { weight: 4, arbitrary: text.map((value) => ({ type: 'text', text: value })) },
  { weight: 2, arbitrary: fc.tuple(text, signed).map(([value, by]) => ({ type: 'reasoning', text: value, ...by })) },
  { weight: 2, arbitrary: place.map((value) => ({ type: 'file', ...value })) },
  {
    weight: 5,
    arbitrary: fc.record(
      {
        type: fc.constant('tool-call'),
        callId,
        name,
        input: json,
        approval: fc.constantFrom('requested', 'approved', 'denied'),
        rawInput: fc.constantFrom('{"a": 1}', '{broken'),
        providerMetadata: fc.constantFrom(
          { openai: { custom: true } },
          { 'ai-sdk': { providerExecuted: true } },
          { google: { thoughtSignature: 'x' } },
        ),
      },
      { requiredKeys: ['type', 'callId', 'name', 'input'] },
    ),
  },
  {
    weight: 6,
    arbitrary: fc.record(
      {
        type: fc.constant('tool-result'),
        callId,
        name,
        output: json,
        content,
        error: fc.constantFrom({ message: 'failed' }, { message: '' }, { message: 'no', code: 'DENIED' }),
      },
      { requiredKeys: ['type', 'callId', 'name'] },
    ),
  },
  { weight: 1, arbitrary: opaque.map((value) => ({ type: 'data', ...value })) },
  { weight: 1, arbitrary: fc.constant({ type: 'compaction', text: 'so far' }) },
  { weight: 1, arbitrary: fc.constantFrom({ type: 'hologram' }, { type: 'toString' }) },
)

/** The ids of parts decide whether a text came from a list. */
function withIds(parts: readonly object[], isListed: boolean): readonly Part[] {
  // What is made here is what a log may hold, which is more than the types allow.
  return parts.map((part, at) => ({ id: isListed ? String(at) : `p${at}`, ...part })) as unknown as readonly Part[]
}

const fields = fc.record(
  {
    role: fc.constantFrom('user', 'user', 'assistant', 'assistant', 'assistant', 'tool', 'tool', 'system'),
    status: fc.constantFrom('completed', 'completed', 'in_progress', 'incomplete', 'failed', 'pending', 'cancelled'),
    audience: fc.constantFrom('user', 'model'),
    provider: fc.constantFrom('mistral', 'acme'),
    metadata: fc.constantFrom(
      { openai: { role: 'developer', name: 'bob' } },
      { anything: 1 },
      { 'ai-sdk': { metadata: 'm' } },
    ),
  },
  { requiredKeys: ['role', 'status'] },
)

interface Drawn {
  readonly fields: Partial<Message> & Pick<Message, 'role' | 'status'>
  readonly parts: readonly Part[]
}

/** One message, without the ids and times that a log gives it. */
export const drawn: fc.Arbitrary<Drawn> = fc
  .tuple(fields, fc.array(bare, { maxLength: 6 }), fc.boolean())
  .map(([given, parts, isListed]) => ({ fields: given as Drawn['fields'], parts: withIds(parts, isListed) }))

/** A list of messages, in no order that makes sense, some of them twice. */
export const conversation: fc.Arbitrary<readonly Message[]> = fc
  .tuple(fc.array(drawn, { maxLength: 12 }), fc.array(fc.nat(), { maxLength: 2 }))
  .map(([list, again]) => {
    const messages = list.map(({ fields: given, parts }, at): Message => ({
      id: `m${at}`,
      turnId: `t${at >> 2}`,
      parts,
      time: { created: at, updated: at },
      ...given,
    }))
    for (const at of again) if (messages.length > 0) messages.push(messages[at % messages.length]!)
    return messages
  })
