/**
 * OpenAI Responses items → foldlog. The other way is openai-responses.ts.
 *
 * What one answer of the model is made of are items of their own there: here they are one message. Ids of items, and what else only this
 * format has, are kept under the key `openai`. Everything in this file is pure.
 */
import { isArray, type Json, type JsonObject } from '../json.ts'
import type { FilePart, TextPart, ToolResultPart } from '../message.ts'
import type { MessageInput, PartInput } from '../stamp.ts'
import { WHOLE } from './content.ts'
import {
  Inputs,
  callArguments,
  callIdOf,
  contentIn,
  fileAt,
  invalid,
  jsonOf,
  objectsIn,
  opaquePart,
  restOf,
  textOf,
  under,
  type Foreign,
} from './foreign.ts'
import { ignore, type ParseOptions, type Report } from './loss.ts'
import { KEY, TARGET } from './openai-responses.ts'
import { pick } from './owner.ts'

/** The name of `data` parts for what only a message of the model held: it is no item, and goes nowhere. */
const BLOCK = 'openai-responses.block'

/**
 * Items of OpenAI Responses, input and output, as `session.add` takes them. Items of the model that follow each other are one
 * message.
 *
 * Throws `INVALID_OPTION`, naming the place, for what is no item.
 */
export function fromOpenAIResponses(items: readonly object[], options: ParseOptions = {}): MessageInput[] {
  const inputs = new Inputs()
  const report = options.report ?? ignore
  let answer: PartInput[] | undefined
  for (const from of objectsIn(items, 'items')) {
    const other = otherFrom(from, inputs, report)
    if (other !== undefined) {
      answer = undefined
      inputs.add(other)
      continue
    }
    if (answer === undefined) inputs.add({ role: 'assistant', provider: KEY, parts: (answer = []) })
    answer.push(...answerFrom(from, String(answer.length), inputs, report))
  }
  return inputs.messages
}

/** A message that is not the model's, or a result; undefined for what the model made. */
function otherFrom(from: Foreign, inputs: Inputs, report: Report): MessageInput | undefined {
  const { type = 'message', role } = from.value
  if (type === 'function_call_output' || type === 'custom_tool_call_output') {
    return { role: 'tool', parts: [resultFrom(from, inputs, report)] }
  }
  if (type !== 'message' || role === 'assistant') return undefined
  if (role !== 'user' && role !== 'system' && role !== 'developer') {
    throw invalid(`${from.path}.role`, `is ${JSON.stringify(role)}: expected user, assistant, system or developer`)
  }
  const fields = restOf(from, ['role', 'content'], ['type', 'status', 'phase'], report)
  const kept = role === 'developer' ? { ...fields, role } : fields
  return { role: role === 'user' ? 'user' : 'system', parts: partsFrom(from, report), ...under('metadata', KEY, kept) }
}

function partsFrom(from: Foreign, report: Report, name = 'content'): PartInput[] {
  const content = contentIn(from, name)
  if (typeof content === 'string') return [{ id: WHOLE, type: 'text', text: content }]
  return content.map((block, at) => partFrom(block, String(at), report))
}

function partFrom(block: Foreign, id: string, report: Report): PartInput {
  const { type, text, image_url: image, file_url: url, file_data: data, file_id: fileId, filename } = block.value
  const name = typeof filename === 'string' ? { name: filename } : {}
  if (type === 'input_text' || type === 'output_text') {
    restOf(block, ['type', 'text'], [], report)
    return { id, type: 'text', text: textOf(text) }
  }
  if (type === 'input_image' && typeof image === 'string') {
    const fields = restOf(block, ['type', 'image_url'], ['detail'], report)
    return { id, ...fileAt(image, 'image/*'), ...under('providerMetadata', KEY, fields) }
  }
  if (type === 'input_file' && typeof (url ?? data) === 'string') {
    restOf(block, ['type', 'file_url', 'file_data', 'filename'], [], report)
    return { id, ...fileAt(textOf(url ?? data), 'application/pdf'), ...name }
  }
  if ((type === 'input_image' || type === 'input_file') && typeof fileId !== 'string') {
    // A file that is nowhere: Codex writes `null` for an image it has left out.
    const isImage = type === 'input_image'
    const fields = restOf(
      block,
      ['type', 'image_url', 'file_url', 'file_data', 'file_id', 'filename'],
      ['detail'],
      report,
    )
    const mediaType = isImage ? 'image/*' : 'application/octet-stream'
    return { id, type: 'file', mediaType, ...name, ...under('providerMetadata', KEY, fields) }
  }
  return opaquePart(id, TARGET.opaque, block)
}

function resultFrom(from: Foreign, inputs: Inputs, report: Report): PartInput {
  const callId = callIdOf(from.value['call_id'])
  const { id, ...fields } = restOf(from, ['type', 'call_id', 'output', 'name'], ['id', 'status', 'namespace'], report)
  const make = (body: Partial<ToolResultPart>, more: JsonObject = {}): PartInput =>
    inputs.result('result', callId, {
      ...body,
      ...under('providerMetadata', KEY, { ...fields, ...linked(id), ...more }),
    })
  const { output } = from.value
  if (typeof output === 'string') return make({ output })
  const parts = partsFrom(from, report, 'output')
  const content = parts.filter((part): part is TextPart | FilePart => part.type === 'text' || part.type === 'file')
  if (content.length === parts.length) return make({ content })
  return make({ output: jsonOf(output, `${from.path}.output`) }, { blocks: true })
}

function answerFrom(from: Foreign, id: string, inputs: Inputs, report: Report): PartInput[] {
  switch (from.value['type'] ?? 'message') {
    case 'message':
      return textsFrom(from, id, report)
    case 'reasoning':
      return [reasoningFrom(from, id, report)]
    case 'function_call':
    case 'custom_tool_call':
      return [callFrom(from, id, inputs, report)]
    default:
      return [opaquePart(id, TARGET.opaque, from)]
  }
}

function textsFrom(from: Foreign, id: string, report: Report): PartInput[] {
  const content = contentIn(from)
  const { id: itemId, type, ...fields } = restOf(from, ['role', 'content'], ['id', 'type', 'status', 'phase'], report)
  if (typeof content === 'string') {
    return [
      {
        id,
        type: 'text',
        text: content,
        ...under('providerMetadata', KEY, type === undefined ? {} : { itemType: type }),
      },
    ]
  }
  return content.map((block, at): PartInput => {
    const isRefusal = block.value['type'] === 'refusal'
    if (!isRefusal && typeof block.value['text'] !== 'string') return blockFrom(block, `${id}.${at}`, report)
    const own = restOf(block, ['type', isRefusal ? 'refusal' : 'text'], ['annotations', 'logprobs'], report)
    if (isArray(own['annotations'] ?? null) && (own['annotations'] as readonly Json[]).length === 0) {
      // An empty list is what every text without annotations has.
      return textPart(`${id}.${at}`, block, isRefusal, { ...fields, ...pick(own, ['logprobs']), ...linked(itemId) })
    }
    return textPart(`${id}.${at}`, block, isRefusal, { ...fields, ...own, ...linked(itemId) })
  })
}

/** A block that the API takes in no message of the model. */
function blockFrom(block: Foreign, id: string, report: Report): PartInput {
  const part = partFrom(block, id, report)
  return part.type === 'data' ? { ...part, name: BLOCK } : part
}

/** The id of an item; Codex writes an empty one where there is none. */
function linked(itemId: unknown): JsonObject {
  return typeof itemId === 'string' && itemId !== '' ? { itemId } : {}
}

function textPart(id: string, { value }: Foreign, isRefusal: boolean, fields: JsonObject): PartInput {
  const kept = isRefusal ? { ...fields, type: 'refusal' } : fields
  return {
    id,
    type: 'text',
    text: textOf(isRefusal ? value['refusal'] : value['text']),
    ...under('providerMetadata', KEY, kept),
  }
}

function reasoningFrom(from: Foreign, id: string, report: Report): PartInput {
  const { summary, encrypted_content: encrypted } = from.value
  const list = Array.isArray(summary) ? objectsIn(summary, `${from.path}.summary`) : []
  const text = list.map(({ value }) => textOf(value['text'])).join('\n\n')
  // Only what text and `encrypted` cannot give again is kept beside them.
  const known = ['type', 'id', ...(list.length === (text === '' ? 0 : 1) ? ['summary'] : [])]
  if (typeof encrypted === 'string') known.push('encrypted_content')
  const fields = restOf(from, known, ['summary', 'content', 'status', 'encrypted_content'], report)
  return {
    id,
    type: 'reasoning',
    text,
    ...(typeof encrypted === 'string' ? { encrypted } : {}),
    // The key alone says who made it.
    providerMetadata: { [KEY]: { ...fields, ...linked(from.value['id']) } },
  }
}

function callFrom(from: Foreign, id: string, inputs: Inputs, report: Report): PartInput {
  const isCustom = from.value['type'] === 'custom_tool_call'
  const callId = callIdOf(from.value['call_id'])
  const name = textOf(from.value['name'])
  inputs.called(callId, name)
  const known = ['type', 'call_id', 'name', isCustom ? 'input' : 'arguments']
  const { id: itemId, ...fields } = restOf(from, known, ['id', 'status', 'namespace'], report)
  const kept = { ...fields, ...linked(itemId), ...(isCustom ? { custom: true } : {}) }
  const base = { id, type: 'tool-call', callId, name, ...under('providerMetadata', KEY, kept) } as const
  if (isCustom) return { ...base, input: textOf(from.value['input']) }
  return { ...base, ...callArguments(from, report) }
}
