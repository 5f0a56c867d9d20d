/**
 * foldlog ⇄ OpenAI Chat Completions messages, as most other vendors take them too.
 *
 * Held here: the results follow their calls directly, one message each; texts only in system and tool messages, so the images of
 * a result go into a user message after all results. There is no reasoning. `arguments` are a text, as the model wrote it.
 */
import type { JsonObject } from '../json.ts'
import type { FilePart, Message, TextPart, ToolCallPart, ToolResultPart } from '../message.ts'
import { IMAGES, contentOf, dataUrl, isListed, isWeb, placeholder, resultText, textIn, textOfJson } from './content.ts'
import { ignore, lossAt, type ConvertOptions, type Report } from './loss.ts'
import { fieldsFor, isPlain, pick } from './owner.ts'
import { wordShape } from './pairs.ts'
import { stepsOf, type AssistantStep, type Target, type UserStep } from './steps.ts'

export interface ChatText {
  type: 'text'
  text: string
}
export interface ChatRefusal {
  type: 'refusal'
  refusal: string
}
export interface ChatImage {
  type: 'image_url'
  image_url: { url: string; detail?: 'auto' | 'low' | 'high' }
}
export interface ChatAudio {
  type: 'input_audio'
  input_audio: { data: string; format: 'wav' | 'mp3' }
}
export interface ChatFile {
  type: 'file'
  file: { file_data?: string; file_id?: string; filename?: string }
}
export type ChatUserBlock = ChatText | ChatImage | ChatAudio | ChatFile
export type ChatToolCall =
  | { id: string; type: 'function'; function: { name: string; arguments: string } }
  | { id: string; type: 'custom'; custom: { name: string; input: string } }
export interface ChatSystemMessage {
  role: 'system' | 'developer'
  content: string | ChatText[]
  name?: string
}
export interface ChatUserMessage {
  role: 'user'
  content: string | ChatUserBlock[]
  name?: string
}
export interface ChatAssistantMessage {
  role: 'assistant'
  content?: string | (ChatText | ChatRefusal)[] | null
  refusal?: string | null
  tool_calls?: ChatToolCall[]
  name?: string
}
export interface ChatToolMessage {
  role: 'tool'
  tool_call_id: string
  content: string | ChatText[]
}
/** Assignable to `ChatCompletionMessageParam` of the package `openai`. */
export type ChatMessage = ChatSystemMessage | ChatUserMessage | ChatAssistantMessage | ChatToolMessage

export const TARGET: Target = { callId: wordShape(40), name: wordShape(64), opaque: 'openai-chat.block' }
export const KEY = 'openai'
const AUDIO: ReadonlyMap<string, 'wav' | 'mp3'> = new Map([
  ['audio/wav', 'wav'],
  ['audio/x-wav', 'wav'],
  ['audio/mpeg', 'mp3'],
  ['audio/mp3', 'mp3'],
])

/** The messages as OpenAI Chat Completions has them. Pass what `session.context()` returns. Pure; throws nothing. */
export function toOpenAIChat(messages: readonly Message[], options: ConvertOptions = {}): ChatMessage[] {
  const out: ChatMessage[] = []
  const report = options.report ?? ignore
  for (const step of stepsOf(messages, TARGET, report)) {
    const fields = fieldsFor(step.message.metadata, KEY)
    const before = out.length
    if (step.role === 'system') {
      const role = fields?.['role'] === 'developer' ? 'developer' : 'system'
      out.push({ role, content: plainOrList(step.parts) })
    } else if (step.role === 'user') {
      const content = userContent(step, options, report)
      if (content.length > 0) out.push({ role: 'user', content })
    } else {
      const answer = assistantMessage(step, fields, report)
      if (answer !== undefined) out.push(answer)
      pushResults(out, step, options, report)
    }
    const first = out[before]
    // Only names that came from here are sent: authors of foldlog may hold characters that the API refuses.
    if (typeof fields?.['name'] === 'string' && first !== undefined && first.role !== 'tool')
      first.name = fields['name']
  }
  return out
}

function plainOrList(parts: readonly TextPart[]): string | ChatText[] {
  const only = parts.length === 1 ? parts[0] : undefined
  if (only !== undefined && !isListed(only)) return only.text
  return parts.map(({ text }) => ({ type: 'text', text }))
}

function userContent(step: UserStep, options: ConvertOptions, report: Report): string | ChatUserBlock[] {
  const only = step.parts.length === 1 ? step.parts[0] : undefined
  if (only?.type === 'text' && !isListed(only)) return only.text
  return step.parts.flatMap((part): ChatUserBlock[] => {
    if (part.type === 'text') return [{ type: 'text', text: part.text }]
    if (part.type === 'file') return [fileBlock(part, step.message, options, report)]
    // A block of this target, as it came: a file by its id.
    if (isPlain(part.data) && part.data['type'] === 'file') return [part.data as unknown as ChatUserBlock]
    report(lossAt('dropped', 'data', 'messages of the user hold no such block', step.message, part))
    return []
  })
}

function fileBlock(part: FilePart, message: Message, options: ConvertOptions, report: Report): ChatUserBlock {
  const content = contentOf(part, options)
  if (content === undefined) return textFor(part, message, 'its bytes are not available', report)
  if (
    isWeb(content) ? content.mediaType.startsWith('image/') : content.kind === 'data' && IMAGES.has(content.mediaType)
  ) {
    const detail = pick(fieldsFor(part.providerMetadata, KEY), ['detail'])
    return { type: 'image_url', image_url: { url: dataUrl(content), ...detail } }
  }
  if (content.kind === 'data') {
    const format = AUDIO.get(content.mediaType)
    if (format !== undefined) return { type: 'input_audio', input_audio: { data: content.data, format } }
    if (content.mediaType === 'application/pdf') {
      return { type: 'file', file: { file_data: dataUrl(content), filename: part.name ?? 'file.pdf' } }
    }
    const text = textIn(content)
    if (text !== undefined) {
      report(lossAt('changed', 'file', 'text files are texts here', message, part))
      return { type: 'text', text: part.name === undefined ? text : `${part.name}:\n${text}` }
    }
  }
  return textFor(part, message, `files like this are not accepted here`, report)
}

function textFor(part: FilePart, message: Message, why: string, report: Report): ChatText {
  report(lossAt('changed', 'file', why, message, part))
  return { type: 'text', text: placeholder(part, why) }
}

function assistantMessage(
  step: AssistantStep,
  fields: JsonObject | undefined,
  report: Report,
): ChatAssistantMessage | undefined {
  const texts: (ChatText | ChatRefusal)[] = []
  const calls: ChatToolCall[] = []
  let plain: string | undefined
  let refusal: string | undefined
  for (let i = 0; i < step.parts.length; i++) {
    const part = step.parts[i]!
    if (part.type === 'tool-call') calls.push(toolCall(part))
    else if (part.type === 'file') {
      texts.push(textFor(part, step.message, 'assistant messages hold no files here', report))
    } else if (part.type === 'text') {
      if (part.id === REFUSAL && refusal === undefined) refusal = part.text
      else if (fieldsFor(part.providerMetadata, KEY)?.['type'] === 'refusal')
        texts.push({ type: 'refusal', refusal: part.text })
      else {
        // A text alone is given as such.
        if (plain === undefined && texts.length === 0 && !isListed(part)) plain = part.text
        else texts.push({ type: 'text', text: part.text })
      }
    } else report(lossAt('dropped', part.type, 'there is no place for it in this format', step.message, part))
  }
  if (plain !== undefined && texts.length > 0) texts.unshift({ type: 'text', text: plain })
  const content = texts.length > 0 ? texts : (plain ?? null)
  if (content === null && calls.length === 0 && refusal === undefined) return undefined
  const answer: ChatAssistantMessage = { role: 'assistant' }
  if (content !== null || fields?.['noContent'] !== true) answer.content = content
  if (refusal !== undefined) answer.refusal = refusal
  else if (fields?.['refusal'] === null) answer.refusal = null
  if (calls.length > 0) answer.tool_calls = calls
  return answer
}

/** The id of the part for the field `refusal` of an answer. */
export const REFUSAL = 'refusal'

function toolCall(part: ToolCallPart): ChatToolCall {
  const { callId: id, name } = part
  if (fieldsFor(part.providerMetadata, KEY)?.['custom'] === true) {
    return {
      id,
      type: 'custom',
      custom: { name, input: typeof part.input === 'string' ? part.input : textOfJson(part.input) },
    }
  }
  return { id, type: 'function', function: { name, arguments: part.rawInput ?? textOfJson(part.input) } }
}

function pushResults(out: ChatMessage[], step: AssistantStep, options: ConvertOptions, report: Report): void {
  const files: ChatUserBlock[] = []
  for (const { part, message } of step.results) {
    if (part.content === undefined) {
      out.push({ role: 'tool', tool_call_id: part.callId, content: resultText(part) })
      continue
    }
    const contents = part.content.filter((each) => each.type === 'file')
    for (const file of contents) {
      report(
        lossAt(
          'moved',
          'file',
          'tool messages hold no files here: it is in the user message after them',
          message,
          part,
        ),
      )
      files.push(fileBlock(file, message, options, report))
    }
    out.push({ role: 'tool', tool_call_id: part.callId, content: resultContent(part, contents) })
  }
  if (files.length > 0) out.push({ role: 'user', content: files })
}

function resultContent(part: ToolResultPart, files: readonly FilePart[]): string | ChatText[] {
  if (files.length > 0) {
    const notes = files.map((file) => placeholder(file, 'in the next message'))
    return [resultText(part), ...notes].filter((text) => text !== '').join('\n')
  }
  const texts = part.content?.filter((each) => each.type === 'text' && each.text.trim() !== '') as
    | TextPart[]
    | undefined
  if (part.error !== undefined || texts === undefined || !texts.some(isListed)) return resultText(part)
  return texts.map(({ text }) => ({ type: 'text', text }))
}
