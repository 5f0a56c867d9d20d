/**
 * OpenAI Chat Completions messages → foldlog. The other way is openai-chat.ts.
 *
 * One message each. `name`, and what else only this format has, is kept under the key `openai`. Everything in this file is pure.
 */
import type { JsonObject } from '../json.ts'
import type { TextPart } from '../message.ts'
import type { MessageInput, PartInput } from '../stamp.ts'
import { WHOLE } from './content.ts'
import {
  Inputs,
  callArguments,
  callIdOf,
  contentIn,
  fileAt,
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
import { KEY, REFUSAL, TARGET } from './openai-chat.ts'

/**
 * Messages of OpenAI Chat Completions as `session.add` takes them: one each.
 *
 * Throws `INVALID_OPTION`, naming the place, for what is no message.
 */
export function fromOpenAIChat(messages: readonly object[], options: ParseOptions = {}): MessageInput[] {
  const inputs = new Inputs()
  const report = options.report ?? ignore
  for (const from of objectsIn(messages, 'messages')) inputs.add(messageFrom(from, inputs, report))
  return inputs.messages
}

const KNOWN = ['role', 'content', 'tool_calls', 'function_call', 'tool_call_id', 'refusal']

function messageFrom(from: Foreign, inputs: Inputs, report: Report): MessageInput {
  const fields = restOf(from, from.value['role'] === 'function' ? [...KNOWN, 'name'] : KNOWN, ['name'], report)
  switch (from.value['role']) {
    case 'system':
    case 'developer': {
      const role = from.value['role'] === 'developer' ? { role: 'developer' } : {}
      return { role: 'system', parts: partsFrom(from, report), ...under('metadata', KEY, { ...fields, ...role }) }
    }
    case 'user':
      return { role: 'user', parts: partsFrom(from, report), ...under('metadata', KEY, fields) }
    case 'assistant':
      return answerFrom(from, fields, inputs, report)
    case 'tool':
    case 'function':
      return { role: 'tool', parts: [resultFrom(from, inputs, report)] }
    default:
      throw invalid(
        `${from.path}.role`,
        `is ${JSON.stringify(from.value['role'])}: expected system, developer, user, assistant or tool`,
      )
  }
}

function partsFrom(from: Foreign, report: Report): PartInput[] {
  const content = contentIn(from)
  if (typeof content === 'string') return [{ id: WHOLE, type: 'text', text: content }]
  return content.map((block, at) => partFrom(block, String(at), report))
}

function partFrom(block: Foreign, id: string, report: Report): PartInput {
  switch (block.value['type']) {
    case 'text':
      restOf(block, ['type', 'text'], [], report)
      return { id, type: 'text', text: textOf(block.value['text']) }
    case 'refusal':
      return {
        id,
        type: 'text',
        text: textOf(block.value['refusal']),
        ...under('providerMetadata', KEY, { type: 'refusal' }),
      }
    case 'image_url':
      return imageFrom(block, id, report)
    case 'input_audio': {
      const { value } = objectAt(block, 'input_audio')
      restOf(block, ['type', 'input_audio'], [], report)
      return {
        id,
        type: 'file',
        mediaType: value['format'] === 'mp3' ? 'audio/mpeg' : 'audio/wav',
        data: textOf(value['data']),
      }
    }
    case 'file':
      return fileFrom(block, id, report)
    default:
      return opaquePart(id, TARGET.opaque, block)
  }
}

function imageFrom(block: Foreign, id: string, report: Report): PartInput {
  const image = objectAt(block, 'image_url')
  const plain = block.value['image_url']
  restOf(block, ['type', 'image_url'], [], report)
  const fields = restOf(image, ['url'], ['detail'], report)
  if (typeof plain === 'string')
    report({ kind: 'changed', what: 'file', reason: 'its URL goes back in an object', path: image.path })
  const url = typeof plain === 'string' ? plain : textOf(image.value['url'])
  return { id, ...fileAt(url, 'image/*'), ...under('providerMetadata', KEY, fields) }
}

function fileFrom(block: Foreign, id: string, report: Report): PartInput {
  const file = objectAt(block, 'file')
  const { file_data: data, filename } = file.value
  if (typeof data !== 'string') return opaquePart(id, TARGET.opaque, block)
  restOf(block, ['type', 'file'], [], report)
  restOf(file, ['file_data', 'filename'], [], report)
  const name = typeof filename === 'string' ? { name: filename } : {}
  return {
    id,
    ...fileAt(data.startsWith('data:') ? data : `data:application/pdf;base64,${data}`, 'application/pdf'),
    ...name,
  }
}

function answerFrom(from: Foreign, fields: JsonObject, inputs: Inputs, report: Report): MessageInput {
  const { content, refusal, tool_calls: calls, function_call: single } = from.value
  const parts = partsFrom(from, report)
  if (typeof refusal === 'string') parts.push({ id: REFUSAL, type: 'text', text: refusal })
  const list = calls === undefined || calls === null ? [] : objectsIn(calls, `${from.path}.tool_calls`)
  for (const [at, call] of list.entries()) parts.push(callFrom(call, `call-${at}`, inputs, report))
  if (isObject(single)) {
    report({ kind: 'changed', what: 'call', reason: 'it is a tool call here', path: `${from.path}.function_call` })
    parts.push(oldCallFrom(objectAt(from, 'function_call'), inputs, report))
  }
  const kept = {
    ...fields,
    ...(refusal === null ? { refusal: null } : {}),
    ...(content === undefined ? { noContent: true } : {}),
  }
  return { role: 'assistant', parts, ...under('metadata', KEY, kept) }
}

function callFrom(call: Foreign, id: string, inputs: Inputs, report: Report): PartInput {
  const callId = callIdOf(call.value['id'])
  const isCustom = call.value['type'] === 'custom'
  const called = objectAt(call, isCustom ? 'custom' : 'function')
  const { value } = called
  restOf(call, ['id', 'type', 'function', 'custom', 'index'], [], report)
  const name = textOf(value['name'])
  inputs.called(callId, name)
  const base = { id, type: 'tool-call', callId, name } as const
  if (!isCustom) return { ...base, ...callArguments(called, report) }
  return { ...base, input: jsonOf(value['input'], call.path), ...under('providerMetadata', KEY, { custom: true }) }
}

/** Before there were lists of calls, the name of a function was all that its result said. */
function oldCallFrom(call: Foreign, inputs: Inputs, report: Report): PartInput {
  const name = textOf(call.value['name'])
  const callId = `function_${name}`
  inputs.called(callId, name)
  return { id: 'call', type: 'tool-call', callId, name, ...callArguments(call, report) }
}

function resultFrom(from: Foreign, inputs: Inputs, report: Report): PartInput {
  const { role, name, tool_call_id: id, content } = from.value
  if (role === 'function') {
    report({ kind: 'changed', what: 'result', reason: 'it is a result of a tool call here', path: from.path })
  }
  const callId = role === 'function' ? `function_${textOf(name)}` : callIdOf(id)
  // What the call says counts; a result without one may still say which tool it is of.
  const named = typeof name === 'string' && name !== '' ? { name } : {}
  if (typeof content === 'string' || content === undefined || content === null) {
    const output = content === undefined || content === null ? {} : { output: content }
    return inputs.result('result', callId, { ...named, ...output })
  }
  const parts = partsFrom(from, report)
  const texts = parts.flatMap((part): TextPart[] =>
    part.type === 'text' ? [{ id: part.id!, type: 'text', text: part.text }] : [],
  )
  if (texts.length < parts.length)
    return inputs.result('result', callId, { ...named, output: jsonOf(content, `${from.path}.content`) })
  return inputs.result('result', callId, { ...named, content: texts })
}
