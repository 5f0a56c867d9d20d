/**
 * foldlog ⇄ OpenAI Responses items.
 *
 * Held here: outputs follow their calls directly; reasoning is sent to its own provider only, and only before something else of the
 * same answer, because the API refuses reasoning that nothing follows. What one answer is made of are items of their own here: they
 * are one message in foldlog.
 */
import type { JsonObject } from '../json.ts'
import type { DataPart, FilePart, Message, ReasoningPart, TextPart, ToolCallPart, ToolResultPart } from '../message.ts'
import { IMAGES, contentOf, dataUrl, isBlank, isListed, isWeb, placeholder, resultText, textOfJson } from './content.ts'
import { ignore, lossAt, type ConvertOptions, type Report } from './loss.ts'
import { fieldsFor, isOwn, pick, withFields } from './owner.ts'
import { fit, wordShape } from './pairs.ts'
import { ITEM_ID_LENGTH, givenId, givenItem, idOf, isBlock, usableItems } from './responses-items.ts'
import { stepsOf, type AnswerPart, type AssistantStep, type Target } from './steps.ts'

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
const REASONING_ID = wordShape(ITEM_ID_LENGTH - 'rs_'.length)
export const KEY = 'openai'

/** What is written, and what decides what may be. */
interface Written {
  readonly items: ResponsesItem[]
  /** Those of its items: the API takes none twice. */
  readonly ids: Set<string>
  /** The opaque parts that may go out, each once. */
  readonly usable: Set<DataPart>
  readonly report: Report
}

/** The items as OpenAI Responses has them in `input`. Pass what `session.context()` returns. Pure; throws nothing. */
export function toOpenAIResponses(messages: readonly Message[], options: ConvertOptions = {}): ResponsesItem[] {
  const report = options.report ?? ignore
  const steps = stepsOf(messages, TARGET, report)
  const usable = usableItems(steps)
  // Items that go as they came keep their ids; others give way.
  const ids = new Set([...usable].flatMap((part) => givenId(part) ?? []))
  const written: Written = { items: [], ids, usable, report }
  for (const step of steps) {
    if (step.role === 'assistant') {
      pushAnswer(written, step)
      for (const { part, call, message } of step.results) pushOutput(written, part, call, message, options)
      continue
    }
    const fields = fieldsFor(step.message.metadata, KEY)
    const isDeveloper = step.role === 'system' && fields?.['role'] === 'developer'
    const role = isDeveloper ? 'developer' : step.role
    const only = step.parts.length === 1 ? step.parts[0] : undefined
    const isPlainText = only?.type === 'text' && !isListed(only)
    const content = isPlainText ? only.text : step.parts.flatMap((part) => blockOf(part, step.message, options, report))
    // `type` is not needed, and given again where it was.
    if (content.length > 0) written.items.push(withFields({ role, content }, fields, ['type', 'status', 'phase']))
  }
  return written.items
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

function pushAnswer(written: Written, { message, parts }: AssistantStep): void {
  const { usable, report } = written
  // Most answers are all texts and calls.
  if (parts.every(({ type }) => type === 'text' || type === 'tool-call')) {
    for (let i = 0; i < parts.length; i++) pushPart(written, parts[i]!, message)
    return
  }
  const kept = parts.filter((part) => {
    if (part.type === 'reasoning') {
      const why = whyNot(part, message)
      if (why !== undefined) report(lossAt('dropped', 'reasoning', why, message, part))
      return why === undefined
    }
    if (part.type !== 'data' || usable.delete(part)) return true
    report(lossAt('dropped', 'data', 'it is no item that can stand here by itself', message, part))
    return false
  })
  const last = kept.findLastIndex((part) => part.type !== 'reasoning')
  for (const part of kept.slice(last + 1)) {
    report(lossAt('dropped', 'reasoning', 'nothing follows it in its answer', message, part))
  }
  for (const part of kept.slice(0, last + 1)) pushPart(written, part, message)
}

function whyNot(part: ReasoningPart, message: Message): string | undefined {
  if (!isOwn(part, message, KEY)) return 'it was made by another provider, or nothing says by which'
  const hasId = idOf(fieldsFor(part.providerMetadata, KEY)) !== undefined
  return part.encrypted === undefined && !hasId ? 'it has neither encrypted content nor an id' : undefined
}

function pushPart(written: Written, part: AnswerPart, message: Message): void {
  const { items, report } = written
  switch (part.type) {
    case 'text':
      pushText(written, part)
      break
    case 'file':
      items.push({
        role: 'assistant',
        content: textFor(part, message, 'assistant messages hold no files here', report).text,
      })
      break
    case 'reasoning':
      pushReasoning(written, part, message)
      break
    case 'tool-call':
      items.push(callItem(part, written.ids))
      break
    case 'data':
      // An item of this target, as it came.
      items.push(givenItem(part) as unknown as ResponsesItem)
      break
  }
}

const NONE: never[] = []

/** The texts of one output message, which have its id, become one again. Others are plain messages. */
function pushText({ items, ids }: Written, part: TextPart): void {
  const fields = fieldsFor(part.providerMetadata, KEY)
  const id = idOf(fields)
  const before = items.at(-1)
  const isMore = before !== undefined && 'status' in before && before.type === 'message' && before.id === id
  if (id === undefined || (!isMore && ids.has(id))) {
    const plain: ResponsesMessage = { role: 'assistant', content: part.text }
    if (fields?.['itemType'] === 'message') plain.type = 'message'
    items.push(plain)
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
  if (isMore) {
    before.content.push(block)
    return
  }
  ids.add(id)
  const own = pick(fields, ['status', 'phase'])
  items.push({ type: 'message', id, role: 'assistant', status: 'completed', ...own, content: [block] })
}

/** Parts with one id are one item again: the AI SDK has a part for each text of a summary. */
function pushReasoning({ items, ids, report }: Written, part: ReasoningPart, message: Message): void {
  const item = reasoningItem(part, message)
  const before = items.at(-1)
  if (before !== undefined && 'summary' in before && before.id === item.id) {
    before.summary = [...before.summary, ...item.summary]
    if (typeof item.encrypted_content === 'string') before.encrypted_content = item.encrypted_content
  } else if (ids.has(item.id)) {
    report(lossAt('dropped', 'reasoning', 'the same item stands before it', message, part))
  } else {
    ids.add(item.id)
    items.push(item)
  }
}

function reasoningItem(part: ReasoningPart, message: Message): ResponsesReasoning {
  const fields = fieldsFor(part.providerMetadata, KEY)
  // Ids of parts are unique in their message only.
  const id = idOf(fields) ?? `rs_${fit(`${message.id}_${part.id}`, REASONING_ID, 'reasoning')}`
  const item: ResponsesReasoning = {
    type: 'reasoning',
    id,
    summary: part.text === '' ? [] : [{ type: 'summary_text', text: part.text }],
  }
  if (part.encrypted !== undefined) item.encrypted_content = part.encrypted
  withFields(item, fields, ['summary', 'status', 'encrypted_content'])
  // Codex writes `null` where there is none, which the API does not take.
  return Array.isArray(fields?.['content']) ? withFields(item, fields, ['content']) : item
}

function callItem(part: ToolCallPart, ids: Set<string>): ResponsesCall | ResponsesCustomCall {
  const fields = fieldsFor(part.providerMetadata, KEY)
  const { callId: call_id, name } = part
  if (fields?.['custom'] === true) {
    const input = typeof part.input === 'string' ? part.input : textOfJson(part.input)
    const item: ResponsesCustomCall = { type: 'custom_tool_call', call_id, name, input }
    return withId(item, fields, ids)
  }
  const item: ResponsesCall = {
    type: 'function_call',
    call_id,
    name,
    arguments: part.rawInput ?? textOfJson(part.input),
  }
  return withId(item, fields, ids)
}

/** An item with its id, if no other has it, and with what else it came with. */
function withId<T extends { id?: string }>(item: T, fields: JsonObject | undefined, ids: Set<string>): T {
  const id = idOf(fields)
  if (id !== undefined && !ids.has(id)) {
    ids.add(id)
    item.id = id
  }
  return withFields(item, fields, ['status', 'namespace'])
}

function pushOutput(
  { items, ids, report }: Written,
  part: ToolResultPart,
  call: ToolCallPart,
  message: Message,
  options: ConvertOptions,
): void {
  const isCustom = fieldsFor(call.providerMetadata, KEY)?.['custom'] === true
  const fields = fieldsFor(part.providerMetadata, KEY)
  const output = fields?.['blocks'] === true ? givenOutput(part) : outputContent(part, message, options, report)
  const type = isCustom ? 'custom_tool_call_output' : 'function_call_output'
  const item: ResponsesOutput = { type, call_id: part.callId, output }
  items.push(withId(item, fields, ids))
}

/** Blocks that foldlog has no word for, as they came. */
function givenOutput(part: ToolResultPart): string | ResponsesContent[] {
  if (!Array.isArray(part.output)) return resultText(part)
  const blocks = (part.output as ResponsesContent[]).filter(
    (block) => block.type !== 'input_text' || !isBlank(block.text),
  )
  return blocks.length === 0 ? '' : blocks
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
