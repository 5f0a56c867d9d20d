/**
 * UIMessages of the AI SDK → foldlog. The other way is ui-messages.ts.
 *
 * One UIMessage is one message with the same id, so that adding a conversation again updates it. A tool part is a call and, once it is
 * answered, a result at the end of its step. Everything in this file is pure.
 */
import type { Json, JsonObject } from '../json.ts'
import type { Status, ToolCallPart } from '../message.ts'
import type { MessageInput, PartInput } from '../stamp.ts'
import { KEY, fileFrom, metadataFrom, signedFrom } from './ai-sdk.ts'
import {
  Inputs,
  callIdOf,
  contentIn,
  invalid,
  isObject,
  jsonOf,
  opaquePart,
  objectsIn,
  restOf,
  textOf,
  type Foreign,
} from './foreign.ts'
import { ignore, type ParseOptions, type Report } from './loss.ts'
import { isPlain, pick } from './owner.ts'
import { AI_SDK_PART } from './steps.ts'
import { CALL_FIELDS } from './ui-messages.ts'

/**
 * UIMessages of the AI SDK as `session.add` takes them: one each, with their ids.
 *
 * Throws `INVALID_OPTION`, naming the place, for what is no message.
 */
export function fromUIMessages(messages: readonly object[], options: ParseOptions = {}): MessageInput[] {
  const report = options.report ?? ignore
  return objectsIn(messages, 'messages').map((from) => messageFrom(from, report))
}

function messageFrom(from: Foreign, report: Report): MessageInput {
  const { id, role, metadata } = from.value
  if (role !== 'system' && role !== 'user' && role !== 'assistant') {
    throw invalid(`${from.path}.role`, `is ${JSON.stringify(role)}: expected system, user or assistant`)
  }
  restOf(from, ['id', 'role', 'metadata', 'parts'], [], report)
  const kept = metadata === undefined ? undefined : jsonOf(metadata, `${from.path}.metadata`)
  return {
    ...(typeof id === 'string' && id !== '' ? { id } : {}),
    role,
    parts: partsFrom(from, report),
    ...(kept === undefined ? {} : { metadata: isPlain(kept) ? kept : { [KEY]: { metadata: kept } } }),
  }
}

function partsFrom(from: Foreign, report: Report): PartInput[] {
  const blocks = contentIn(from, 'parts')
  const inputs = new Inputs()
  const out: PartInput[] = []
  const ids = new Set<string>()
  let results: PartInput[] = []
  for (const [at, block] of (typeof blocks === 'string' ? [] : blocks).entries()) {
    const { type } = block.value
    if (type === 'step-start') {
      out.push(...results)
      results = []
    }
    const isTool = typeof type === 'string' && (type === 'dynamic-tool' || type.startsWith('tool-'))
    if (!isTool) out.push(partFrom(block, String(at), ids, report))
    else {
      out.push(callFrom(block, String(at), inputs, report))
      results.push(...resultFrom(block, `${at}:result`, inputs))
    }
  }
  return [...out, ...results]
}

function partFrom(block: Foreign, id: string, ids: Set<string>, report: Report): PartInput {
  const { value, path } = block
  const { type, text, state, providerMetadata, mediaType, url, filename } = value
  const status =
    state === 'done'
      ? { status: 'completed' as Status }
      : state === 'streaming'
        ? { status: 'in_progress' as Status }
        : {}
  if (type === 'text') {
    restOf(block, ['type', 'text', 'state', 'providerMetadata'], [], report)
    return { id, type, text: textOf(text), ...status, ...metadataFrom(providerMetadata, {}, path) }
  }
  if (type === 'reasoning') {
    const own = restOf(block, ['type', 'text', 'state', 'providerMetadata'], ['id'], report)
    return { id, type, text: textOf(text), ...status, ...signedFrom(providerMetadata, own, path) }
  }
  if (type === 'file') {
    restOf(block, ['type', 'mediaType', 'url', 'filename', 'providerMetadata'], [], report)
    const name = typeof filename === 'string' ? { name: filename } : {}
    return {
      id,
      ...fileFrom(url, textOf(mediaType) || '*/*').file,
      ...name,
      ...metadataFrom(providerMetadata, {}, path),
    }
  }
  if (typeof type === 'string' && type.startsWith('data-')) return dataFrom(block, id, ids, report)
  return opaquePart(id, AI_SDK_PART, block)
}

function dataFrom(block: Foreign, id: string, ids: Set<string>, report: Report): PartInput {
  restOf(block, ['type', 'id', 'data'], [], report)
  const { type, id: own, data } = block.value
  // Ids of parts are unique in a message, which those of other parts cannot be taken from.
  const isFree = typeof own === 'string' && own !== '' && !/^\d+(:result)?$/.test(own) && !ids.has(own)
  if (isFree) ids.add(own)
  else if (own !== undefined)
    report({ kind: 'changed', what: 'data', reason: 'its id is taken in its message', path: `${block.path}.id` })
  const kept = isFree ? {} : metadataFrom(undefined, { noId: true }, block.path)
  const name = textOf(type).slice('data-'.length) || 'data'
  return { id: isFree ? own : id, type: 'data', name, data: jsonOf(data, `${block.path}.data`), ...kept }
}

const TOOL_FIELDS = [
  'type',
  'toolName',
  'toolCallId',
  'state',
  'input',
  'output',
  'errorText',
  'callProviderMetadata',
  'resultProviderMetadata',
]

function callFrom(block: Foreign, id: string, inputs: Inputs, report: Report): PartInput {
  const { value, path } = block
  const { type, state, input, rawInput } = value
  const isDynamic = type === 'dynamic-tool'
  const name = (isDynamic ? textOf(value['toolName']) : textOf(type).slice('tool-'.length)) || 'unknown'
  const callId = callIdOf(value['toolCallId'])
  inputs.called(callId, name)
  const isStreaming = state === 'input-streaming'
  const rest = restOf(
    block,
    [...TOOL_FIELDS, 'rawInput', 'preliminary', 'dynamic'],
    [...CALL_FIELDS, 'approval', 'inputEncoding'],
    report,
  )
  const hasRawInput = !isStreaming && input === undefined && rawInput !== undefined
  const own: JsonObject = {
    ...pick(rest, [...CALL_FIELDS, 'approval', 'inputEncoding']),
    ...(isDynamic ? { dynamic: true } : {}),
    ...(input === undefined ? { noInput: true } : {}),
    ...(hasRawInput ? { hasRawInput } : {}),
    ...(state === 'approval-responded' ? { state } : {}),
  }
  return {
    id,
    type: 'tool-call',
    callId,
    name,
    input: jsonOf(hasRawInput ? rawInput : input, `${path}.input`),
    ...(isStreaming && typeof rawInput === 'string' ? { rawInput } : {}),
    ...(isStreaming ? { status: 'in_progress' as Status } : {}),
    ...approvalFrom(state, value['approval']),
    ...metadataFrom(value['callProviderMetadata'], own, path),
  }
}

function approvalFrom(state: unknown, approval: unknown): Pick<ToolCallPart, 'approval'> {
  if (state === 'approval-requested') return { approval: 'requested' }
  if (state === 'output-denied') return { approval: 'denied' }
  if (!isObject(approval) || typeof approval['approved'] !== 'boolean') return {}
  return { approval: approval['approved'] ? 'approved' : 'denied' }
}

/** The result in a tool part; none while it is open. */
function resultFrom({ value, path }: Foreign, id: string, inputs: Inputs): PartInput[] {
  const { state, output, errorText, resultProviderMetadata, preliminary, providerExecuted } = value
  const own: Record<string, Json> = {
    ...(preliminary === true ? { preliminary } : {}),
    ...(providerExecuted === true ? { providerExecuted } : {}),
  }
  const callId = callIdOf(value['toolCallId'])
  const metadata = metadataFrom(resultProviderMetadata, own, path)
  if (state === 'output-available')
    return [inputs.result(id, callId, { output: jsonOf(output, `${path}.output`), ...metadata })]
  if (state === 'output-error')
    return [inputs.result(id, callId, { error: { message: textOf(errorText) }, ...metadata })]
  return []
}
