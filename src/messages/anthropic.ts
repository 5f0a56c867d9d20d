/**
 * foldlog ⇄ Anthropic Messages.
 *
 * Held here: user and assistant alternate and a user begins, because what has the same role is merged; all results of an answer are
 * in the one user message after it, first in its content; no block and no content is empty; thinking is sent to its own provider
 * only, with its signature, and never ends a message. System messages go to `system`.
 */
import type { Json, JsonObject } from '../json.ts'
import type { DataPart, FilePart, Message, ReasoningPart, TextPart, ToolCallPart, ToolResultPart } from '../message.ts'
import { IMAGES, contentOf, isBlank, isListed, isWeb, placeholder, plainResultText, textIn } from './content.ts'
import { ignore, lossAt, type ConvertOptions, type Report } from './loss.ts'
import { fieldsFor, isOwn, isPlain, pick, withFields } from './owner.ts'
import { wordShape } from './pairs.ts'
import { stepsOf, type AnswerPart, type AssistantStep, type Result, type Step, type UserStep } from './steps.ts'

export interface AnthropicText {
  type: 'text'
  text: string
}
export interface AnthropicImage {
  type: 'image'
  source:
    | { type: 'base64'; media_type: 'image/jpeg' | 'image/png' | 'image/gif' | 'image/webp'; data: string }
    | { type: 'url'; url: string }
}
export interface AnthropicDocument {
  type: 'document'
  source:
    | { type: 'base64'; media_type: 'application/pdf'; data: string }
    | { type: 'text'; media_type: 'text/plain'; data: string }
    | { type: 'url'; url: string }
  title?: string
}
export interface AnthropicThinking {
  type: 'thinking'
  thinking: string
  signature: string
}
export interface AnthropicRedactedThinking {
  type: 'redacted_thinking'
  data: string
}
export interface AnthropicToolUse {
  type: 'tool_use'
  id: string
  name: string
  input: JsonObject
}
export type AnthropicResultBlock = AnthropicText | AnthropicImage | AnthropicDocument
export interface AnthropicToolResult {
  type: 'tool_result'
  tool_use_id: string
  content?: string | AnthropicResultBlock[]
  is_error?: boolean
}
export type AnthropicBlock =
  | AnthropicResultBlock
  | AnthropicThinking
  | AnthropicRedactedThinking
  | AnthropicToolUse
  | AnthropicToolResult
/** Assignable to `MessageParam` of the package `@anthropic-ai/sdk`. */
export interface AnthropicMessage {
  role: 'user' | 'assistant'
  content: string | AnthropicBlock[]
}
/** What goes into a request: `client.messages.create({ model, max_tokens, ...toAnthropic(messages) })`. */
export interface AnthropicConversation {
  system?: string | AnthropicText[]
  messages: AnthropicMessage[]
}

/** The name of `data` parts that hold a block that foldlog has no word for. */
export const ANTHROPIC_BLOCK = 'anthropic.block'
export const TEXT_FIELDS = ['citations'] as const
export const IMAGE_FIELDS = ['transformations'] as const
export const DOCUMENT_FIELDS = ['citations', 'context'] as const
export const CALL_FIELDS = ['caller', 'toolset_name'] as const
export const RESULT_FIELDS = ['toolset_name'] as const
const TARGET = { callId: wordShape(64), name: wordShape(64), opaque: ANTHROPIC_BLOCK } as const
const KEY = 'anthropic'

/**
 * `system` and `messages` as Anthropic has them. Pass what `session.context()` returns. Pure; throws nothing.
 *
 * `messages` is empty if nobody but the system said anything, which the API refuses. A conversation that ends with the model
 * is one that the API goes on from (a prefill), which not all models take.
 */
export function toAnthropic(messages: readonly Message[], options: ConvertOptions = {}): AnthropicConversation {
  const report = options.report ?? ignore
  const system: TextPart[] = []
  const talk = new Talk(report)
  for (const step of stepsOf(messages, TARGET, report)) {
    if (step.role === 'system') {
      if (!talk.isEmpty) report(lossAt('moved', 'system', 'the system prompt is before all messages', step.message))
      system.push(...step.parts)
    } else if (step.role === 'user') {
      talk.say('user', userBlocks(step, options, report), step, isPlainText(step))
    } else {
      talk.say('assistant', answerBlocks(step, report), step, isPlainText(step))
      talk.say(
        'user',
        step.results.map((result) => resultBlock(result, options, report)),
        step,
        false,
      )
    }
  }
  const only = system.length === 1 ? system[0] : undefined
  const content = only !== undefined && !isListed(only) ? only.text : system.map(textBlock)
  return { ...(system.length === 0 ? {} : { system: content }), messages: talk.finished() }
}

function isPlainText({ parts }: Step): boolean {
  const only = parts.length === 1 ? parts[0] : undefined
  return only?.type === 'text' && !isListed(only) && fieldsFor(only.providerMetadata, KEY) === undefined
}

/** The messages, with neighbours of the same role merged. */
class Talk {
  readonly #report: Report
  readonly #messages: { role: AnthropicMessage['role']; content: AnthropicBlock[]; isPlain: boolean; step: Step }[] = []

  constructor(report: Report) {
    this.#report = report
  }

  get isEmpty(): boolean {
    return this.#messages.length === 0
  }

  say(role: AnthropicMessage['role'], blocks: AnthropicBlock[], step: Step, isPlain: boolean): void {
    if (blocks.length === 0) return
    const last = this.#messages.at(-1)
    if (last?.role === role) {
      // What the user says after results goes into their message, which is no loss.
      if (last.step.role === step.role)
        this.#report(lossAt('merged', 'message', `${role} messages do not follow each other`, step.message))
      last.content.push(...blocks)
      last.isPlain = false
      last.step = step
      return
    }
    if (last === undefined && role === 'assistant') {
      this.#report(lossAt('inserted', 'message', 'the first message is from the user', step.message))
      this.#messages.push({ role: 'user', content: [{ type: 'text', text: BEGIN }], isPlain: true, step })
    }
    this.#messages.push({ role, content: blocks, isPlain, step })
  }

  finished(): AnthropicMessage[] {
    this.#trimEnd()
    return this.#messages.map(({ role, content, isPlain: plain }) => {
      const [first] = content
      return { role, content: plain && first?.type === 'text' ? first.text : content }
    })
  }

  /** What the model is to go on from must not end with white space. */
  #trimEnd(): void {
    const last = this.#messages.at(-1)
    const block = last?.content.at(-1)
    if (last?.role !== 'assistant' || block?.type !== 'text' || !/\s$/.test(block.text)) return
    this.#report(lossAt('changed', 'text', 'white space at the end is not accepted', last.step.message))
    last.content[last.content.length - 1] = { ...block, text: block.text.trimEnd() }
  }
}

/** What stands for the user where a conversation begins with the model. */
const BEGIN = '(The conversation begins here.)'

function userBlocks(step: UserStep, options: ConvertOptions, report: Report): AnthropicBlock[] {
  return step.parts.flatMap((part): AnthropicBlock[] => {
    if (part.type === 'text') return [textBlock(part)]
    if (part.type === 'file') return [fileBlock(part, step.message, options, report)]
    if (isUserBlock(part)) return [asBlock(part)]
    report(lossAt('dropped', 'data', 'messages of the user hold no such block', step.message, part))
    return []
  })
}

/** Whether it is a block for the user's messages: not one that foldlog has a word for, whose rules are kept by the others. */
function isUserBlock(part: DataPart): boolean {
  const type = isPlain(part.data) ? part.data['type'] : undefined
  return (
    typeof type === 'string' && !isServerBlock(part) && !/^(text|tool_use|tool_result|(redacted_)?thinking)$/.test(type)
  )
}

/** A block of this target, as it came. */
function asBlock(part: DataPart): AnthropicBlock {
  return part.data as unknown as AnthropicBlock
}

function textBlock(part: TextPart): AnthropicText {
  return withFields({ type: 'text', text: part.text }, fieldsFor(part.providerMetadata, KEY), TEXT_FIELDS)
}

function fileBlock(part: FilePart, message: Message, options: ConvertOptions, report: Report): AnthropicResultBlock {
  const content = contentOf(part, options)
  const fields = fieldsFor(part.providerMetadata, KEY)
  const title = part.name === undefined ? {} : { title: part.name }
  const kept = { ...title, ...pick(fields, DOCUMENT_FIELDS) }
  if (content?.kind === 'data') {
    const { mediaType, data } = content
    if (IMAGES.has(mediaType)) {
      // The set holds just these four types.
      const media_type = mediaType as 'image/png'
      return { type: 'image', source: { type: 'base64', media_type, data }, ...pick(fields, IMAGE_FIELDS) }
    }
    if (mediaType === 'application/pdf')
      return { type: 'document', source: { type: 'base64', media_type: mediaType, data }, ...kept }
    const text = textIn(content)
    if (text !== undefined)
      return { type: 'document', source: { type: 'text', media_type: 'text/plain', data: text }, ...kept }
  } else if (content !== undefined && isWeb(content)) {
    const source = { type: 'url', url: content.url } as const
    if (content.mediaType.startsWith('image/')) return { type: 'image', source, ...pick(fields, IMAGE_FIELDS) }
    if (content.mediaType === 'application/pdf') return { type: 'document', source, ...kept }
  }
  const why = content === undefined ? 'its bytes are not available' : 'files like this are not accepted here'
  report(lossAt('changed', 'file', why, message, part))
  return { type: 'text', text: placeholder(part, why) }
}

// Answers

function answerBlocks(step: AssistantStep, report: Report): AnthropicBlock[] {
  const { message } = step
  // Most answers are all texts and calls.
  if (step.parts.every(({ type }) => type === 'text' || type === 'tool-call')) {
    return step.parts.map((part) => answerBlock(part, message, report))
  }
  const paired = pairedBlocks(step.parts)
  const shown = step.parts.filter((part) => {
    const why = whyNot(part, message, paired)
    if (why !== undefined) report(lossAt('dropped', part.type === 'data' ? 'data' : 'reasoning', why, message, part))
    return why === undefined
  })
  const last = shown.findLastIndex((part) => part.type !== 'reasoning')
  for (const part of shown.slice(last + 1)) {
    report(lossAt('dropped', 'reasoning', 'nothing follows it in its answer', message, part))
  }
  return shown.slice(0, last + 1).map((part) => answerBlock(part, message, report))
}

function whyNot(part: AnswerPart, message: Message, paired: ReadonlySet<DataPart>): string | undefined {
  if (part.type === 'data') return paired.has(part) ? undefined : 'the block that it belongs to is not there'
  if (part.type !== 'reasoning') return undefined
  if (!isOwn(part, message, KEY)) return 'it was made by another provider, or nothing says by which'
  return (part.signature ?? part.encrypted ?? '') === '' ? 'it has no signature' : undefined
}

function answerBlock(part: AnswerPart, message: Message, report: Report): AnthropicBlock {
  switch (part.type) {
    case 'text':
      return textBlock(part)
    case 'reasoning':
      return thinkingBlock(part)
    case 'tool-call':
      return toolUse(part, message, report)
    case 'data':
      return asBlock(part)
    case 'file': {
      const why = 'assistant messages hold no files here'
      report(lossAt('changed', 'file', why, message, part))
      return { type: 'text', text: placeholder(part, why) }
    }
  }
}

function thinkingBlock({ text, signature, encrypted }: ReasoningPart): AnthropicBlock {
  if (signature !== undefined) return { type: 'thinking', thinking: text, signature }
  return { type: 'redacted_thinking', data: encrypted ?? '' }
}

function toolUse(part: ToolCallPart, message: Message, report: Report): AnthropicToolUse {
  const block = {
    type: 'tool_use',
    id: part.callId,
    name: part.name,
    input: inputObject(part, message, report),
  } as const
  return withFields(block, fieldsFor(part.providerMetadata, KEY), CALL_FIELDS)
}

/** The arguments of a call as the object that Anthropic and Gemini ask for. */
export function inputObject(part: ToolCallPart, message: Message, report: Report): JsonObject {
  if (isPlain(part.input)) return part.input
  report(lossAt('changed', 'call', 'arguments are an object here', message, part))
  return { input: part.input }
}

function resultBlock({ part, message }: Result, options: ConvertOptions, report: Report): AnthropicToolResult {
  const fields = fieldsFor(part.providerMetadata, KEY)
  const content = resultContent(part, fields, message, options, report)
  const block: AnthropicToolResult = { type: 'tool_result', tool_use_id: part.callId }
  if (content.length > 0) block.content = content
  if (part.error !== undefined) block.is_error = true
  else withFields(block, fields, ['is_error'])
  return withFields(block, fields, RESULT_FIELDS)
}

function resultContent(
  part: ToolResultPart,
  fields: JsonObject | undefined,
  message: Message,
  options: ConvertOptions,
  report: Report,
): string | AnthropicResultBlock[] {
  // Blocks that foldlog has no word for, as they came.
  if (fields?.['blocks'] === true && Array.isArray(part.output)) {
    const blocks = part.output as AnthropicResultBlock[]
    return blocks.filter((block) => block.type !== 'text' || !isBlank(block.text))
  }
  const contents = part.content?.filter((each) => each.type === 'file' || !isBlank(each.text)) ?? []
  if (contents.length === 0 || !contents.some((each) => each.type === 'file' || isListed(each))) {
    const text = plainResultText(part)
    return isBlank(text) ? '' : text
  }
  const blocks = contents.map((each) =>
    each.type === 'text' ? textBlock(each) : fileBlock(each, message, options, report),
  )
  const isSaid =
    part.error === undefined || contents.some((each) => each.type === 'text') || isBlank(part.error.message)
  return isSaid ? blocks : [{ type: 'text', text: part.error.message }, ...blocks]
}

// Tools that the provider runs itself

/** Those of the opaque blocks whose other half is in the same answer: a call of a server's tool and its result. */
function pairedBlocks(parts: readonly AnswerPart[]): ReadonlySet<DataPart> {
  const blocks = parts.filter((part): part is DataPart => part.type === 'data' && isServerBlock(part))
  const ids = (name: string): ReadonlySet<Json | undefined> =>
    new Set(blocks.flatMap(({ data }) => (isPlain(data) && typeof data[name] === 'string' ? [data[name]] : [])))
  const calls = ids('id')
  const results = ids('tool_use_id')
  return new Set(
    blocks.filter(({ data }) => isPlain(data) && (calls.has(data['tool_use_id']) || results.has(data['id']))),
  )
}

function isServerBlock({ data }: DataPart): boolean {
  const type = isPlain(data) ? data['type'] : undefined
  return typeof type === 'string' && /_tool_use$|_tool_result$/.test(type)
}
