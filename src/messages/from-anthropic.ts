/**
 * Anthropic Messages → foldlog. The other way is anthropic.ts.
 *
 * The results in a user message become a tool message of their own. Fields of a block that foldlog has no place for are kept under
 * `providerMetadata.anthropic`, whole blocks in `data` parts. Everything in this file is pure.
 */
import type { Json } from '../json.ts'
import type { FilePart, TextPart } from '../message.ts'
import type { MessageInput, PartInput } from '../stamp.ts'
import { ANTHROPIC_BLOCK, CALL_FIELDS, DOCUMENT_FIELDS, IMAGE_FIELDS, RESULT_FIELDS, TEXT_FIELDS } from './anthropic.ts'
import { WHOLE, base64Of } from './content.ts'
import {
  Inputs,
  callIdOf,
  contentIn,
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
import { ignore, type ParseOptions, type Report } from './loss.ts'

const KEY = 'anthropic'

/**
 * `system` and `messages` of Anthropic as `session.add` takes them.
 *
 * Throws `INVALID_OPTION`, naming the place, for what is no message.
 */
export function fromAnthropic(
  conversation: { readonly system?: string | readonly object[] | undefined; readonly messages: readonly object[] },
  options: ParseOptions = {},
): MessageInput[] {
  const inputs = new Inputs()
  const report = options.report ?? ignore
  if (!isObject(conversation)) throw invalid('conversation', 'is no object: pass { system, messages }')
  const { system, messages } = conversation
  if (system !== undefined) {
    inputs.add({ role: 'system', parts: partsFrom({ value: { content: system }, path: 'system' }, inputs, report) })
  }
  for (const from of objectsIn(messages, 'messages')) addMessage(from, inputs, report)
  return inputs.messages
}

function addMessage(from: Foreign, inputs: Inputs, report: Report): void {
  const { role } = from.value
  restOf(from, ['role', 'content'], [], report)
  const parts = partsFrom(from, inputs, report)
  if (role === 'assistant') inputs.add({ role, provider: KEY, parts })
  else if (role === 'system') inputs.add({ role, parts })
  else if (role === 'user') {
    const results = parts.filter((part) => part.type === 'tool-result')
    const others = parts.filter((part) => part.type !== 'tool-result')
    if (results.length > 0) inputs.add({ role: 'tool', parts: results })
    if (others.length > 0 || results.length === 0) inputs.add({ role, parts: others })
  } else throw invalid(`${from.path}.role`, `is ${JSON.stringify(role)}: expected user, assistant or system`)
}

function partsFrom(from: Foreign, inputs: Inputs, report: Report): PartInput[] {
  const content = contentIn(from)
  if (typeof content === 'string') return [{ id: WHOLE, type: 'text', text: content }]
  return content.map((block, at) => partFrom(block, String(at), inputs, report))
}

function partFrom(block: Foreign, id: string, inputs: Inputs, report: Report): PartInput {
  const { value } = block
  switch (value['type']) {
    case 'text':
      return textFrom(block, id, report)
    case 'thinking':
      restOf(block, ['type', 'thinking', 'signature'], [], report)
      return { id, type: 'reasoning', text: textOf(value['thinking']), signature: textOf(value['signature']) }
    case 'redacted_thinking':
      restOf(block, ['type', 'data'], [], report)
      return { id, type: 'reasoning', text: '', encrypted: textOf(value['data']) }
    case 'tool_use': {
      const callId = callIdOf(value['id'])
      const name = textOf(value['name'])
      inputs.called(callId, name)
      const fields = restOf(block, ['type', 'id', 'name', 'input'], CALL_FIELDS, report)
      const input = jsonOf(value['input'], `${block.path}.input`)
      return { id, type: 'tool-call', callId, name, input, ...under('providerMetadata', KEY, fields) }
    }
    case 'tool_result':
      return resultFrom(block, id, inputs, report)
    default:
      return fileFrom(block, id, report) ?? opaquePart(id, ANTHROPIC_BLOCK, block)
  }
}

function textFrom(block: Foreign, id: string, report: Report): TextPart {
  const fields = restOf(block, ['type', 'text'], TEXT_FIELDS, report)
  return { id, type: 'text', text: textOf(block.value['text']), ...under('providerMetadata', KEY, fields) }
}

/** An image or document; undefined for other blocks, and for those whose source only Anthropic can read. */
function fileFrom(block: Foreign, id: string, report: Report): FilePart | undefined {
  const { type } = block.value
  if (type !== 'image' && type !== 'document') return undefined
  const source = objectAt(block, 'source').value
  const place = placeOf(source, type)
  if (place === undefined) return undefined
  const isImage = type === 'image'
  const { title } = block.value
  const known = ['type', 'source', ...(isImage || title === null ? [] : ['title'])]
  const fields = restOf(block, known, isImage ? IMAGE_FIELDS : DOCUMENT_FIELDS, report)
  const name = !isImage && typeof title === 'string' ? { name: title } : {}
  return { id, type: 'file', ...place, ...name, ...under('providerMetadata', KEY, fields) }
}

function placeOf(
  source: Foreign['value'],
  type: 'image' | 'document',
): Pick<FilePart, 'mediaType' | 'url' | 'data'> | undefined {
  const { data, media_type: mediaType, url } = source
  switch (source['type']) {
    case 'base64':
      return { mediaType: textOf(mediaType) || 'application/octet-stream', data: textOf(data) }
    case 'text':
      return { mediaType: 'text/plain', data: base64Of(new TextEncoder().encode(textOf(data))) }
    case 'url':
      return { mediaType: type === 'image' ? 'image/*' : 'application/pdf', url: textOf(url) }
    default:
      return undefined
  }
}

function resultFrom(block: Foreign, id: string, inputs: Inputs, report: Report): PartInput {
  const { tool_use_id: callId, content, is_error: isError } = block.value
  const known = ['type', 'tool_use_id', 'content', ...(isError === true ? ['is_error'] : [])]
  const fields = restOf(block, known, ['is_error', ...RESULT_FIELDS], report)
  const make = (body: object, more: Readonly<Record<string, Json>> = {}): PartInput =>
    inputs.result(id, callIdOf(callId), { ...body, ...under('providerMetadata', KEY, { ...fields, ...more }) })
  if (content === undefined || content === null) return make(isError === true ? { error: { message: '' } } : {})
  // The text of an error is its message; it is not written twice.
  if (typeof content === 'string') return make(isError === true ? { error: { message: content } } : { output: content })
  const blocks = objectsIn(content, `${block.path}.content`)
  const parts = blocks.map((each, at): TextPart | FilePart | undefined =>
    each.value['type'] === 'text' ? textFrom(each, String(at), report) : fileFrom(each, String(at), report),
  )
  const understood = parts.filter((part) => part !== undefined)
  const text = understood.flatMap((part) => (part.type === 'text' ? [part.text] : [])).join('\n')
  const error = isError === true ? { error: { message: text } } : {}
  if (understood.length === parts.length) return make({ content: understood, ...error })
  return make({ output: jsonOf(content, `${block.path}.content`), ...error }, { blocks: true })
}
