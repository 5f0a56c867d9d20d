/**
 * foldlog ⇄ OpenAI Responses items.
 *
 * Held here: outputs follow their calls directly; reasoning is sent to its own provider only, and only before something else of the
 * same answer, because the API refuses reasoning that nothing follows. What one answer is made of are items of their own here: they
 * are one message in foldlog.
 */
import type { JsonObject } from '../json.ts'
import type { DataPart, FilePart, Message, ReasoningPart, TextPart, ToolCallPart, ToolResultPart } from '../message.ts'
import { IMAGES, contentOf, dataUrl, isListed, isWeb, placeholder, resultText, textOfJson } from './content.ts'
import { ignore, lossAt, type ConvertOptions, type Report } from './loss.ts'
import { fieldsFor, isOwn, isPlain, pick, withFields } from './owner.ts'
import { fit, wordShape } from './pairs.ts'
import { stepsOf, type AnswerPart, type AssistantStep, type Step, type Target } from './steps.ts'

export interface ResponsesText {
  type: 'input_text'
  text: string
}
export interface ResponsesImage {
  type: 'input_image'
  detail: 'low' | 'high' | 'auto' | 'original'
  image_url?: string
  file_id?: string
}
export interface ResponsesFile {
  type: 'input_file'
  file_data?: string
  file_url?: string
  file_id?: string
  filename?: string
}
export type ResponsesContent = ResponsesText | ResponsesImage | ResponsesFile
export interface ResponsesMessage {
  type?: 'message'
  role: 'user' | 'assistant' | 'system' | 'developer'
  content: string | ResponsesContent[]
}
export interface ResponsesOutputMessage {
  type: 'message'
  id: string
  role: 'assistant'
  status: 'in_progress' | 'completed' | 'incomplete'
  content: ({ type: 'output_text'; text: string; annotations: never[] } | { type: 'refusal'; refusal: string })[]
}
export interface ResponsesReasoning {
  type: 'reasoning'
  id: string
  summary: { type: 'summary_text'; text: string }[]
  encrypted_content?: string | null
}
export interface ResponsesCall {
  type: 'function_call'
  call_id: string
  name: string
  arguments: string
  id?: string
  status?: 'in_progress' | 'completed' | 'incomplete'
}
export interface ResponsesCustomCall {
  type: 'custom_tool_call'
  call_id: string
  name: string
  input: string
  id?: string
}
export interface ResponsesOutput {
  type: 'function_call_output' | 'custom_tool_call_output'
  call_id: string
  output: string | ResponsesContent[]
  id?: string
}
/** Assignable to `ResponseInputItem` of the package `openai`. */
export type ResponsesItem =
  | ResponsesMessage
  | ResponsesOutputMessage
  | ResponsesReasoning
  | ResponsesCall
  | ResponsesCustomCall
  | (ResponsesOutput & { type: 'function_call_output' })
  | (ResponsesOutput & { type: 'custom_tool_call_output' })

export const TARGET: Target = { callId: wordShape(64), name: wordShape(64), opaque: 'openai-responses.item' }
const ITEM_ID = wordShape(64)
export const KEY = 'openai'

/** The items as OpenAI Responses has them in `input`. Pass what `session.context()` returns. Pure; throws nothing. */
export function toOpenAIResponses(messages: readonly Message[], options: ConvertOptions = {}): ResponsesItem[] {
  const out: ResponsesItem[] = []
  const report = options.report ?? ignore
  const steps = stepsOf(messages, TARGET, report)
  const paired = pairedItems(steps)
  for (const step of steps) {
    if (step.role === 'assistant') {
      pushAnswer(out, step, paired, report)
      for (const { part, call, message } of step.results) out.push(outputOf(part, call, message, options, report))
      continue
    }
    const fields = fieldsFor(step.message.metadata, KEY)
    const isDeveloper = step.role === 'system' && fields?.['role'] === 'developer'
    const role = isDeveloper ? 'developer' : step.role
    const only = step.parts.length === 1 ? step.parts[0] : undefined
    const isPlainText = only?.type === 'text' && !isListed(only)
    const content = isPlainText ? only.text : step.parts.flatMap((part) => blockOf(part, step.message, options, report))
    // `type` is not needed, and given again where it was.
    if (content.length > 0) out.push(withFields({ role, content }, fields, ['type', 'status', 'phase']))
  }
  return out
}

function blockOf(
  part: TextPart | FilePart | DataPart,
  message: Message,
  options: ConvertOptions,
  report: Report,
): ResponsesContent[] {
  if (part.type === 'text') return [{ type: 'input_text', text: part.text }]
  if (part.type === 'file') return [fileBlock(part, message, options, report)]
  // A block of this target, as it came.
  if (isBlock(part)) return [part.data as unknown as ResponsesContent]
  report(lossAt('dropped', 'data', 'messages of the user hold no such block', message, part))
  return []
}

function fileBlock(part: FilePart, message: Message, options: ConvertOptions, report: Report): ResponsesContent {
  const content = contentOf(part, options)
  const fields = fieldsFor(part.providerMetadata, KEY)
  if (content === undefined || (content.kind === 'url' && !isWeb(content))) {
    return textFor(part, message, 'its bytes are not available', report)
  }
  if (isWeb(content) ? content.mediaType.startsWith('image/') : IMAGES.has(content.mediaType)) {
    return { type: 'input_image', detail: 'auto', ...pick(fields, ['detail']), image_url: dataUrl(content) }
  }
  const filename = part.name === undefined ? {} : { filename: part.name }
  if (content.kind === 'url') return { type: 'input_file', file_url: content.url, ...filename }
  if (/^(text|application)\//.test(content.mediaType)) {
    return { type: 'input_file', filename: part.name ?? 'file', file_data: dataUrl(content) }
  }
  return textFor(part, message, 'files like this are not accepted here', report)
}

function textFor(part: FilePart, message: Message, why: string, report: Report): ResponsesText {
  report(lossAt('changed', 'file', why, message, part))
  return { type: 'input_text', text: placeholder(part, why) }
}

function pushAnswer(out: ResponsesItem[], step: AssistantStep, paired: ReadonlySet<DataPart>, report: Report): void {
  const { message, parts } = step
  // Most answers are all texts and calls.
  if (parts.every(({ type }) => type === 'text' || type === 'tool-call')) {
    for (let i = 0; i < parts.length; i++) pushPart(out, parts[i]!, message, report)
    return
  }
  const kept = parts.filter((part) => {
    if (part.type === 'reasoning') {
      const why = whyNot(part, message)
      if (why !== undefined) report(lossAt('dropped', 'reasoning', why, message, part))
      return why === undefined
    }
    if (part.type !== 'data' || paired.has(part)) return true
    report(lossAt('dropped', 'data', 'the item that it belongs to is not there', message, part))
    return false
  })
  const last = kept.findLastIndex((part) => part.type !== 'reasoning')
  for (const part of kept.slice(last + 1)) {
    report(lossAt('dropped', 'reasoning', 'nothing follows it in its answer', message, part))
  }
  for (const part of kept.slice(0, last + 1)) pushPart(out, part, message, report)
}

function whyNot(part: ReasoningPart, message: Message): string | undefined {
  if (!isOwn(part, message, KEY)) return 'it was made by another provider, or nothing says by which'
  const hasId = typeof fieldsFor(part.providerMetadata, KEY)?.['itemId'] === 'string'
  return part.encrypted === undefined && !hasId ? 'it has neither encrypted content nor an id' : undefined
}

function pushPart(out: ResponsesItem[], part: AnswerPart, message: Message, report: Report): void {
  switch (part.type) {
    case 'text':
      pushText(out, part)
      break
    case 'file':
      out.push({
        role: 'assistant',
        content: textFor(part, message, 'assistant messages hold no files here', report).text,
      })
      break
    case 'reasoning':
      out.push(reasoningItem(part))
      break
    case 'tool-call':
      out.push(callItem(part))
      break
    case 'data':
      // An item of this target, as it came.
      out.push(part.data as unknown as ResponsesItem)
      break
  }
}

const NONE: never[] = []

/** The texts of one output message, which have its id, become one again. Others are plain messages. */
function pushText(out: ResponsesItem[], part: TextPart): void {
  const fields = fieldsFor(part.providerMetadata, KEY)
  const id = fields?.['itemId']
  if (typeof id !== 'string') {
    const plain: ResponsesMessage = { role: 'assistant', content: part.text }
    if (fields?.['itemType'] === 'message') plain.type = 'message'
    out.push(plain)
    return
  }
  // Annotations and logprobs are as they came.
  const block =
    fields?.['type'] === 'refusal'
      ? ({ type: 'refusal', refusal: part.text } as const)
      : ({
          type: 'output_text',
          text: part.text,
          annotations: NONE,
          ...pick(fields, ['annotations', 'logprobs']),
        } as const)
  const before = out.at(-1)
  if (before !== undefined && 'status' in before && before.type === 'message' && before.id === id)
    before.content.push(block)
  else
    out.push({
      type: 'message',
      id,
      role: 'assistant',
      status: 'completed',
      ...pick(fields, ['status', 'phase']),
      content: [block],
    })
}

function reasoningItem(part: ReasoningPart): ResponsesReasoning {
  const fields = fieldsFor(part.providerMetadata, KEY)
  const id = typeof fields?.['itemId'] === 'string' ? fields['itemId'] : `rs_${fit(part.id, ITEM_ID, 'reasoning')}`
  const summary = part.text === '' ? [] : [{ type: 'summary_text' as const, text: part.text }]
  const encrypted = part.encrypted === undefined ? {} : { encrypted_content: part.encrypted }
  return {
    type: 'reasoning',
    id,
    summary,
    ...encrypted,
    ...pick(fields, ['summary', 'content', 'status', 'encrypted_content']),
  }
}

function callItem(part: ToolCallPart): ResponsesCall | ResponsesCustomCall {
  const fields = fieldsFor(part.providerMetadata, KEY)
  const { callId: call_id, name } = part
  if (fields?.['custom'] === true) {
    const input = typeof part.input === 'string' ? part.input : textOfJson(part.input)
    const item: ResponsesCustomCall = { type: 'custom_tool_call', call_id, name, input }
    return withId(item, fields)
  }
  const item: ResponsesCall = {
    type: 'function_call',
    call_id,
    name,
    arguments: part.rawInput ?? textOfJson(part.input),
  }
  return withId(item, fields)
}

/** An item with its id and what else it came with. */
function withId<T extends { id?: string }>(item: T, fields: JsonObject | undefined): T {
  if (typeof fields?.['itemId'] === 'string') item.id = fields['itemId']
  return withFields(item, fields, ['status', 'namespace'])
}

function outputOf(
  part: ToolResultPart,
  call: ToolCallPart,
  message: Message,
  options: ConvertOptions,
  report: Report,
): ResponsesItem {
  const isCustom = fieldsFor(call.providerMetadata, KEY)?.['custom'] === true
  const fields = fieldsFor(part.providerMetadata, KEY)
  const output = outputContent(part, message, options, report)
  const type = isCustom ? 'custom_tool_call_output' : 'function_call_output'
  const item: ResponsesOutput = { type, call_id: part.callId, output }
  return withId(item, fields)
}

function outputContent(
  part: ToolResultPart,
  message: Message,
  options: ConvertOptions,
  report: Report,
): string | ResponsesContent[] {
  if (part.content === undefined) return resultText(part)
  const contents = part.content.filter((each) => each.type === 'file' || each.text.trim() !== '')
  const isList = contents.some((each) => each.type === 'file' || isListed(each))
  if (!isList) return resultText(part)
  const blocks = contents.flatMap((each) => blockOf(each, message, options, report))
  const hasText = contents.some((each) => each.type === 'text')
  if (part.error !== undefined && !hasText) blocks.unshift({ type: 'input_text', text: resultText(part) })
  return blocks
}

// Items that foldlog has no word for

/** Calls that the caller runs: they need their output, and the output needs them. */
const OPAQUE_CALLS: ReadonlySet<string> = new Set([
  'computer_call',
  'local_shell_call',
  'shell_call',
  'apply_patch_call',
  'mcp_approval_request',
])

/** Those of the opaque parts that stand by themselves, or whose other half is there. */
function pairedItems(steps: readonly Step[]): ReadonlySet<DataPart> {
  const parts: DataPart[] = []
  for (const step of steps) {
    if (step.role !== 'assistant') continue
    for (let i = 0; i < step.parts.length; i++) {
      const part = step.parts[i]!
      if (part.type === 'data' && isItem(part)) parts.push(part)
    }
  }
  const calls = new Set<string>()
  const outputs = new Set<string>()
  for (const part of parts) {
    const item = itemOf(part)
    if (isPlain(item)) (isOutput(item) ? outputs : isCall(item) ? calls : undefined)?.add(linkOf(item))
  }
  return new Set(
    parts.filter((part) => {
      const item = itemOf(part)
      if (isOutput(item)) return calls.has(linkOf(item))
      return !isCall(item) || outputs.has(linkOf(item))
    }),
  )
}

/** Whether it is a block of a message: a file by its id at the provider. */
function isBlock(part: DataPart): boolean {
  const { type } = itemOf(part)
  return type === 'input_image' || type === 'input_file'
}

/** Whether it is an item, and no block of a message. */
function isItem(part: DataPart): boolean {
  const { type } = itemOf(part)
  return typeof type === 'string' && !type.startsWith('input_')
}

/** Opaque parts hold objects: the steps have looked. */
function itemOf(part: DataPart): JsonObject {
  return part.data as JsonObject
}

function isOutput(item: JsonObject): boolean {
  return typeof item['type'] === 'string' && /_output$|^mcp_approval_response$/.test(item['type'])
}

function isCall(item: JsonObject): boolean {
  return typeof item['type'] === 'string' && OPAQUE_CALLS.has(item['type'])
}

function linkOf(item: JsonObject): string {
  const id = item['call_id'] ?? item['approval_request_id'] ?? item['id']
  return typeof id === 'string' ? id : ''
}
