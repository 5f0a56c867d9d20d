/**
 * foldlog ⇄ ModelMessages of the AI SDK, what `generateText` and `streamText` take.
 *
 * Held here: every call is answered before the next message of the user; no content is empty; names and ids have the shape that the
 * providers behind it ask for; a signature stands only under the key of the provider that made it.
 */
import type { DataPart, FilePart, Message, TextPart, ToolCallPart, ToolResultPart } from '../message.ts'
import { KEY, ownFields, providerFields, reasoningFields, type JsonValue, type ProviderFields } from './ai-sdk.ts'
import { contentOf, dataUrl, isBlank, isListed, isWeb, placeholder, plainResultText } from './content.ts'
import { ignore, lossAt, type ConvertOptions, type Report } from './loss.ts'
import { fieldsFor } from './owner.ts'
import { wordShape } from './pairs.ts'
import {
  DENIED,
  isProviderExecuted,
  stepsOf,
  type AssistantStep,
  type Result,
  type Target,
  type UserStep,
} from './steps.ts'

interface WithOptions {
  providerOptions?: ProviderFields
}
export interface ModelText extends WithOptions {
  type: 'text'
  text: string
}
export interface ModelImage extends WithOptions {
  type: 'image'
  image: string
  mediaType?: string
}
export interface ModelFile extends WithOptions {
  type: 'file'
  data: string
  mediaType: string
  filename?: string
}
export interface ModelReasoning extends WithOptions {
  type: 'reasoning'
  text: string
}
export interface ModelToolCall extends WithOptions {
  type: 'tool-call'
  toolCallId: string
  toolName: string
  input: unknown
  providerExecuted?: boolean
}
export type ModelResultContent =
  | { type: 'text'; text: string }
  | { type: 'media' | 'image-data'; data: string; mediaType: string }
  | { type: 'file-data'; data: string; mediaType: string; filename?: string }
  | { type: 'image-url'; url: string }
  | { type: 'file-url'; url: string; mediaType?: string }
export type ModelOutput =
  | { type: 'text' | 'error-text'; value: string }
  | { type: 'json' | 'error-json'; value: JsonValue }
  | { type: 'execution-denied'; reason?: string }
  | { type: 'content'; value: ModelResultContent[] }
export interface ModelToolResult extends WithOptions {
  type: 'tool-result'
  toolCallId: string
  toolName: string
  output: ModelOutput
}
type ModelAnswerPart = ModelText | ModelFile | ModelReasoning | ModelToolCall | ModelToolResult
/** Assignable to `ModelMessage` of the package `ai`. */
export type ModelMessage = WithOptions &
  (
    | { role: 'system'; content: string }
    | { role: 'user'; content: string | (ModelText | ModelImage | ModelFile)[] }
    | { role: 'assistant'; content: string | ModelAnswerPart[] }
    | { role: 'tool'; content: ModelToolResult[] }
  )

export const TARGET: Target = { callId: wordShape(64), name: wordShape(64), opaque: 'ai-sdk.model-part' }

/** The messages as the AI SDK has them in `messages`. Pass what `session.context()` returns. Pure; throws nothing. */
export function toModelMessages(messages: readonly Message[], options: ConvertOptions = {}): ModelMessage[] {
  const out: ModelMessage[] = []
  const report = options.report ?? ignore
  for (const step of stepsOf(messages, TARGET, report)) {
    const own = messageOptions(step.message)
    if (step.role === 'system') {
      out.push({ role: 'system', content: step.parts.map(({ text }) => text).join('\n\n'), ...own })
    } else if (step.role === 'user') {
      const content = userContent(step, options, report)
      if (content.length > 0) out.push({ role: 'user', content, ...own })
    } else {
      const content = answerContent(step, options, report)
      if (content.length > 0) out.push({ role: 'assistant', content, ...own })
      pushResults(out, step.results, options, report)
    }
  }
  return out
}

function messageOptions({ metadata }: Message): WithOptions {
  const fields = fieldsFor(metadata, KEY)?.['providerOptions']
  const options = fields === undefined ? undefined : providerFields({ providerMetadata: fields })
  return options === undefined ? {} : { providerOptions: options }
}

function partOptions(part: TextPart | FilePart | ToolCallPart | ToolResultPart): WithOptions {
  const options = providerFields(part)
  return options === undefined ? {} : { providerOptions: options }
}

/** A text alone is given as such, as most people write it. */
function plainText(parts: readonly { readonly type: string }[]): string | undefined {
  const only = parts.length === 1 ? (parts[0] as TextPart | FilePart | DataPart) : undefined
  return only?.type === 'text' && !isListed(only) && providerFields(only) === undefined ? only.text : undefined
}

function userContent(
  step: UserStep,
  options: ConvertOptions,
  report: Report,
): string | (ModelText | ModelImage | ModelFile)[] {
  const plain = plainText(step.parts)
  if (plain !== undefined) return plain
  return step.parts.flatMap((part): (ModelText | ModelImage | ModelFile)[] => {
    if (part.type === 'text') return [{ type: 'text', text: part.text, ...partOptions(part) }]
    if (part.type === 'file') return [filePart(part, step.message, options, report)]
    report(lossAt('dropped', 'data', 'no part is like this', step.message, part))
    return []
  })
}

function filePart(
  part: FilePart,
  message: Message,
  options: ConvertOptions,
  report: Report,
): ModelText | ModelImage | ModelFile {
  const place = placeOf(part, options)
  if (place === undefined) {
    const why = 'its bytes are not available'
    report(lossAt('changed', 'file', why, message, part))
    return { type: 'text', text: placeholder(part, why) }
  }
  const own = ownFields(part)
  if (own?.['type'] === 'image') {
    const mediaType = own['noMediaType'] === true ? {} : { mediaType: part.mediaType }
    return { type: 'image', image: place, ...mediaType, ...partOptions(part) }
  }
  const filename = part.name === undefined ? {} : { filename: part.name }
  return { type: 'file', data: place, mediaType: part.mediaType, ...filename, ...partOptions(part) }
}

/** Base64, or a URL that the AI SDK or the provider can fetch. */
function placeOf(part: FilePart, options: ConvertOptions): string | undefined {
  const content = contentOf(part, options)
  if (content?.kind === 'data') return ownFields(part)?.['dataUrl'] === true ? dataUrl(content) : content.data
  return content !== undefined && (isWeb(content) || content.url.startsWith('gs:')) ? content.url : undefined
}

function answerContent(step: AssistantStep, options: ConvertOptions, report: Report): string | ModelAnswerPart[] {
  const plain = plainText(step.parts)
  if (plain !== undefined) return plain
  const { message } = step
  const ran = new Map(
    step.results.filter(({ call }) => isProviderExecuted(call)).map((result) => [result.part.callId, result]),
  )
  const out = step.parts.flatMap((part): ModelAnswerPart[] => {
    switch (part.type) {
      case 'text':
        return [{ type: 'text', text: part.text, ...partOptions(part) }]
      case 'file': {
        const file = filePart(part, message, options, report)
        return [file.type === 'image' ? { type: 'file', data: file.image, mediaType: part.mediaType } : file]
      }
      case 'reasoning': {
        const fields = reasoningFields(part, message, report)
        return [{ type: 'reasoning', text: part.text, ...(fields === undefined ? {} : { providerOptions: fields }) }]
      }
      case 'tool-call': {
        const result = ran.get(part.callId)
        return result === undefined ? [toolCall(part)] : [toolCall(part), toolResult(result, options, report)]
      }
      case 'data':
        report(lossAt('dropped', 'data', 'no part is like this', message, part))
        return []
    }
  })
  const last = out.findLastIndex((part) => part.type !== 'reasoning')
  if (last < out.length - 1) report(lossAt('dropped', 'reasoning', 'nothing follows it in its answer', message))
  return out.slice(0, last + 1)
}

function toolCall(part: ToolCallPart): ModelToolCall {
  const executed = isProviderExecuted(part) ? { providerExecuted: true } : {}
  return {
    type: 'tool-call',
    toolCallId: part.callId,
    toolName: part.name,
    input: part.input,
    ...executed,
    ...partOptions(part),
  }
}

/** The results of one message of the log are one message; neighbours are merged by the AI SDK. */
function pushResults(out: ModelMessage[], results: readonly Result[], options: ConvertOptions, report: Report): void {
  let content: ModelToolResult[] = []
  let from: Message | undefined
  for (const result of results) {
    if (isProviderExecuted(result.call)) continue
    if (from !== result.message) {
      content = []
      from = result.message
      out.push({ role: 'tool', content, ...(from.role === 'tool' ? messageOptions(from) : {}) })
    }
    content.push(toolResult(result, options, report))
  }
}

function toolResult({ part, message }: Result, options: ConvertOptions, report: Report): ModelToolResult {
  const output = outputOf(part, message, options, report)
  return { type: 'tool-result', toolCallId: part.callId, toolName: part.name, output, ...partOptions(part) }
}

function outputOf(part: ToolResultPart, message: Message, options: ConvertOptions, report: Report): ModelOutput {
  const { error, output, content } = part
  if (error?.code === DENIED.code) {
    return { type: 'execution-denied', ...(error.message === DENIED.message ? {} : { reason: error.message }) }
  }
  if (error !== undefined) {
    for (const file of content ?? []) {
      if (file.type === 'file') report(lossAt('dropped', 'file', 'errors hold no files here', message, part))
    }
    const isText = typeof output === 'string' && ownFields(part)?.['output'] !== 'json'
    if (output === undefined || isText) return { type: 'error-text', value: plainResultText(part) }
    return { type: 'error-json', value: output as JsonValue }
  }
  const contents = content?.filter((each) => each.type === 'file' || !isBlank(each.text)) ?? []
  if (contents.length > 0) {
    return { type: 'content', value: contents.map((each) => resultContent(each, message, options, report)) }
  }
  if (output === undefined) return { type: 'text', value: '' }
  if (typeof output === 'string' && ownFields(part)?.['output'] !== 'json') return { type: 'text', value: output }
  return { type: 'json', value: output as JsonValue }
}

function resultContent(
  part: TextPart | FilePart,
  message: Message,
  options: ConvertOptions,
  report: Report,
): ModelResultContent {
  if (part.type === 'text') return { type: 'text', text: part.text }
  const content = contentOf(part, options)
  const { mediaType } = part
  const own = ownFields(part)?.['type']
  const isImage = own === undefined ? mediaType.startsWith('image/') : own === 'image-data' || own === 'image-url'
  if (content?.kind === 'data') {
    if (own === 'media') return { type: 'media', data: content.data, mediaType }
    if (isImage) return { type: 'image-data', data: content.data, mediaType: content.mediaType }
    return {
      type: 'file-data',
      data: content.data,
      mediaType,
      ...(part.name === undefined ? {} : { filename: part.name }),
    }
  }
  if (content !== undefined && isWeb(content)) {
    if (isImage) return { type: 'image-url', url: content.url }
    return { type: 'file-url', url: content.url, ...(mediaType === '*/*' ? {} : { mediaType }) }
  }
  const why = 'its bytes are not available'
  report(lossAt('changed', 'file', why, message, part))
  return { type: 'text', text: placeholder(part, why) }
}
