/**
 * Gemini contents → foldlog. The other way is gemini.ts.
 *
 * The responses in a content become a tool message. Calls without an id get one, and are found again by the name and order of the
 * responses. Everything in this file is pure.
 */
import type { Json } from '../json.ts'
import type { FilePart, TextPart, ToolResultPart } from '../message.ts'
import type { MessageInput, PartInput } from '../stamp.ts'
import {
  Inputs,
  invalid,
  isObject,
  jsonOf,
  objectAt,
  objectsIn,
  opaquePart,
  restOf,
  textOf,
  under,
  type Foreign,
} from './foreign.ts'
import { KEY, PART_FIELDS, TARGET } from './gemini.ts'
import { ignore, type ParseOptions, type Report } from './loss.ts'
import { isPlain } from './owner.ts'

/**
 * `contents`, and `systemInstruction` if there is one, as `session.add` takes them. The responses in a content become a tool message.
 *
 * Throws `INVALID_OPTION`, naming the place, for what is no content.
 */
export function fromGemini(
  conversation: { readonly systemInstruction?: unknown; readonly contents: readonly object[] },
  options: ParseOptions = {},
): MessageInput[] {
  if (!isObject(conversation)) throw invalid('conversation', 'is no object: pass { systemInstruction, contents }')
  const report = options.report ?? ignore
  const inputs = new Inputs()
  const calls = new Calls()
  const system = systemFrom(conversation.systemInstruction, report)
  if (system !== undefined) inputs.add(system)
  for (const from of objectsIn(conversation.contents, 'contents')) {
    const { role = 'user' } = from.value
    restOf(from, ['role', 'parts'], [], report)
    if (role !== 'user' && role !== 'model' && role !== 'function') {
      throw invalid(`${from.path}.role`, `is ${JSON.stringify(role)}: expected user or model`)
    }
    const blocks = from.value['parts'] === undefined ? [] : objectsIn(from.value['parts'], `${from.path}.parts`)
    const parts = blocks.map((block, at) => partFrom(block, String(at), calls, inputs, report))
    const results = parts.filter((part) => part.type === 'tool-result')
    const others = parts.filter((part) => part.type !== 'tool-result')
    if (results.length > 0) inputs.add({ role: 'tool', parts: results })
    if (others.length === 0 && results.length > 0) continue
    inputs.add(role === 'model' ? { role: 'assistant', provider: KEY, parts: others } : { role: 'user', parts: others })
  }
  return inputs.messages
}

/** A text, a part, a list of them, or a content. */
function systemFrom(value: unknown, report: Report): MessageInput | undefined {
  if (value === undefined || value === null) return undefined
  const inside = isObject(value) && value['parts'] !== undefined ? value['parts'] : value
  const list = (Array.isArray(inside) ? inside : [inside]) as readonly unknown[]
  const parts = list.map((item, at): PartInput => {
    const text = isObject(item) ? textOf(item['text']) : textOf(item)
    return { id: String(at), type: 'text', text }
  })
  if (isObject(value) && value['role'] !== undefined) {
    report({
      kind: 'dropped',
      what: 'field',
      reason: 'a system message has no role besides',
      path: 'systemInstruction.role',
    })
  }
  return { role: 'system', parts }
}

/** Gives calls without an id one, and finds it again by the name and order of the responses. */
class Calls {
  readonly #open = new Map<string, string[]>()
  #count = 0

  called(name: string): string {
    const callId = `call_${++this.#count}`
    const waiting = this.#open.get(name)
    if (waiting === undefined) this.#open.set(name, [callId])
    else waiting.push(callId)
    return callId
  }

  answered(name: string): string {
    return this.#open.get(name)?.shift() ?? `call_${++this.#count}`
  }
}

function partFrom(block: Foreign, id: string, calls: Calls, inputs: Inputs, report: Report): PartInput {
  const { value } = block
  if (isObject(value['functionCall'])) return callFrom(block, id, calls, inputs, report)
  if (isObject(value['functionResponse'])) return resultFrom(block, id, calls, inputs, report)
  if (isObject(value['inlineData']) || isObject(value['fileData'])) {
    const kept = under('providerMetadata', KEY, restOf(block, ['inlineData', 'fileData'], PART_FIELDS, report))
    return { id, ...mediaFrom(block, report), ...kept }
  }
  if (typeof value['text'] !== 'string') return opaquePart(id, TARGET.opaque, block)
  if (value['thought'] === true) {
    const signature = value['thoughtSignature']
    const signed = typeof signature === 'string' ? { signature } : {}
    const kept = under(
      'providerMetadata',
      KEY,
      restOf(block, ['text', 'thought', 'thoughtSignature'], PART_FIELDS, report),
    )
    return { id, type: 'reasoning', text: value['text'], ...signed, ...kept }
  }
  const kept = under('providerMetadata', KEY, restOf(block, ['text'], PART_FIELDS, report))
  return { id, type: 'text', text: value['text'], ...kept }
}

function mediaFrom(block: Foreign, report: Report): Omit<FilePart, 'id'> {
  const isInline = isObject(block.value['inlineData'])
  const media = objectAt(block, isInline ? 'inlineData' : 'fileData')
  restOf(media, isInline ? ['mimeType', 'data', 'displayName'] : ['mimeType', 'fileUri', 'displayName'], [], report)
  const { mimeType, data, fileUri, displayName } = media.value
  const name = typeof displayName === 'string' ? { name: displayName } : {}
  const mediaType = textOf(mimeType) || '*/*'
  return { type: 'file', mediaType, ...name, ...(isInline ? { data: textOf(data) } : { url: textOf(fileUri) }) }
}

function callFrom(block: Foreign, id: string, calls: Calls, inputs: Inputs, report: Report): PartInput {
  const call = objectAt(block, 'functionCall')
  const name = textOf(call.value['name'])
  const own = call.value['id']
  const hasId = typeof own === 'string' && own !== ''
  const callId = hasId ? own : calls.called(name)
  inputs.called(callId, name)
  restOf(call, ['id', 'name', 'args'], [], report)
  const fields = restOf(block, ['functionCall'], PART_FIELDS, report)
  const input: Json = call.value['args'] === undefined ? {} : jsonOf(call.value['args'], `${call.path}.args`)
  const kept = hasId ? fields : { ...fields, noId: true }
  return { id, type: 'tool-call', callId, name, input, ...under('providerMetadata', KEY, kept) }
}

function resultFrom(block: Foreign, id: string, calls: Calls, inputs: Inputs, report: Report): PartInput {
  const from = objectAt(block, 'functionResponse')
  const name = textOf(from.value['name'])
  const own = from.value['id']
  const callId = typeof own === 'string' && own !== '' ? own : calls.answered(name)
  restOf(from, ['id', 'name', 'response', 'parts'], [], report)
  restOf(block, ['functionResponse'], [], report)
  const response = jsonOf(from.value['response'] ?? {}, `${from.path}.response`)
  const nested = from.value['parts'] === undefined ? [] : objectsIn(from.value['parts'], `${from.path}.parts`)
  const body = bodyOf(response)
  if (nested.length === 0) return inputs.result(id, callId, { name, ...body })
  const files = nested.map((media, at): FilePart => ({
    id: `file-${at}`,
    ...mediaFrom(media, report),
    ...under('providerMetadata', KEY, { nested: true }),
  }))
  const text: TextPart[] =
    typeof body.output === 'string' && body.output !== '' ? [{ id: 'output', type: 'text', text: body.output }] : []
  if (text.length === 0 && body.error === undefined) {
    report({ kind: 'changed', what: 'result', reason: 'beside files a response is a text', path: from.path })
    if (body.output !== undefined) text.push({ id: 'output', type: 'text', text: JSON.stringify(body.output) })
  }
  const error = body.error === undefined ? {} : { error: body.error }
  return inputs.result(id, callId, { name, content: [...text, ...files], ...error })
}

/** The other way round of what {@link responseOf} does. */
function bodyOf(response: Json): Pick<ToolResultPart, 'output' | 'error'> {
  if (!isPlain(response)) return { output: response }
  const [only, ...others] = Object.keys(response)
  if (others.length === 0 && only === 'error' && typeof response['error'] === 'string')
    return { error: { message: response['error'] } }
  if (others.length === 0 && only === 'output' && !isPlain(response['output'])) return { output: response['output']! }
  return { output: response }
}
