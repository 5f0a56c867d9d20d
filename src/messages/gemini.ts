/**
 * foldlog ⇄ Gemini contents.
 *
 * Held here: user and model alternate and a user begins, because what has the same role is merged; the content after one with function
 * calls begins with just as many responses; arguments and responses are objects; thoughts and their signatures are sent to their own
 * provider only, and a thought never ends a content. System messages go to `systemInstruction`. There is no error flag: a response
 * whose only key is `error` is one.
 */
import type { JsonObject } from '../json.ts'
import type { FilePart, Message, ReasoningPart, TextPart, ToolCallPart, ToolResultPart } from '../message.ts'
import { inputObject } from './anthropic.ts'
import { contentOf, isBlank, placeholder, plainResultText, type Content } from './content.ts'
import { ignore, lossAt, type ConvertOptions, type Report } from './loss.ts'
import { fieldsFor, isOwn, isPlain, pick, withFields } from './owner.ts'
import type { Shape } from './pairs.ts'
import {
  stepsOf,
  type AnswerPart,
  type AssistantStep,
  type Result,
  type Step,
  type Target,
  type UserStep,
} from './steps.ts'

export interface GeminiPart {
  text?: string
  thought?: boolean
  thoughtSignature?: string
  inlineData?: { mimeType: string; data: string; displayName?: string }
  fileData?: { fileUri: string; mimeType?: string; displayName?: string }
  functionCall?: { id?: string; name: string; args: Record<string, unknown> }
  functionResponse?: {
    id?: string
    name: string
    response: Record<string, unknown>
    parts?: { inlineData?: { mimeType: string; data: string }; fileData?: { fileUri: string; mimeType?: string } }[]
  }
}
/** Assignable to `Content` of the package `@google/genai`. */
export interface GeminiContent {
  role: 'user' | 'model'
  parts: GeminiPart[]
}
/** `contents`, and `systemInstruction` for the `config` of a request. */
export interface GeminiConversation {
  systemInstruction?: { role?: string; parts: GeminiPart[] }
  contents: GeminiContent[]
}

const NAME: Shape = { valid: /^[a-zA-Z_][\w.:-]{0,63}$/, invalid: /[^\w.:-]/g, length: 64 }
export const TARGET: Target = { name: NAME, opaque: 'gemini.part' }
export const KEY = 'google'
export const PART_FIELDS = ['thoughtSignature', 'mediaResolution', 'videoMetadata', 'partMetadata'] as const

/** `systemInstruction` and `contents` as Gemini has them. Pass what `session.context()` returns. Pure; throws nothing. */
export function toGemini(messages: readonly Message[], options: ConvertOptions = {}): GeminiConversation {
  const report = options.report ?? ignore
  const system: GeminiPart[] = []
  const contents: GeminiContent[] = []
  const say = (role: GeminiContent['role'], parts: GeminiPart[], step: Step, isNew: boolean): void => {
    if (parts.length === 0) return
    const last = contents.at(-1)
    if (last?.role === role) {
      if (isNew) report(lossAt('merged', 'message', `${role} contents do not follow each other`, step.message))
      last.parts.push(...parts)
      return
    }
    if (last === undefined && role === 'model') {
      report(lossAt('inserted', 'message', 'the first content is from the user', step.message))
      contents.push({ role: 'user', parts: [{ text: BEGIN }] })
    }
    contents.push({ role, parts })
  }
  let before: Step['role'] | undefined
  for (const step of stepsOf(messages, TARGET, report)) {
    if (step.role === 'system') {
      if (contents.length > 0)
        report(lossAt('moved', 'system', 'the system instruction is before all contents', step.message))
      system.push(...step.parts.map((part) => ({ text: part.text })))
      continue
    }
    if (step.role === 'user') say('user', userParts(step, options, report), step, before === 'user')
    else {
      say('model', answerParts(step, options, report), step, before === 'assistant')
      say('user', resultParts(step.results, options, report), step, false)
    }
    before = step.role
  }
  return { ...(system.length === 0 ? {} : { systemInstruction: { parts: system } }), contents }
}

/** What stands for the user where a conversation begins with the model. */
const BEGIN = '(The conversation begins here.)'

function userParts(step: UserStep, options: ConvertOptions, report: Report): GeminiPart[] {
  return step.parts.flatMap((part): GeminiPart[] => {
    if (part.type === 'text') return [textPart(part)]
    if (part.type === 'file') return [filePart(part, step.message, options, report)]
    report(lossAt('dropped', 'data', 'only answers of the model hold such parts', step.message, part))
    return []
  })
}

function textPart(part: TextPart): GeminiPart {
  return withFields({ text: part.text }, fieldsFor(part.providerMetadata, KEY), PART_FIELDS)
}

function filePart(part: FilePart, message: Message, options: ConvertOptions, report: Report): GeminiPart {
  const content = contentOf(part, options)
  const data = content === undefined ? undefined : dataOf(content)
  if (data === undefined) {
    const why = content === undefined ? 'its bytes are not available' : 'files like this are not accepted here'
    report(lossAt('changed', 'file', why, message, part))
    return { text: placeholder(part, why) }
  }
  const displayName = part.name === undefined ? {} : { displayName: part.name }
  const fields = pick(fieldsFor(part.providerMetadata, KEY), PART_FIELDS)
  if ('inlineData' in data) return { inlineData: { ...data.inlineData, ...displayName }, ...fields }
  return { fileData: { ...data.fileData, ...displayName }, ...fields }
}

type Media = { inlineData: { mimeType: string; data: string } } | { fileData: { fileUri: string; mimeType?: string } }

const TYPE = /^[\w.+-]+\/[\w.+-]+$/
/** What it takes as data; anything else makes it refuse the request: SVG, archives, JSON. */
const INLINE = /^(image\/(png|jpeg|webp|gif|heic|heif|avif)|(audio|video|text)\/[\w.+-]+|application\/pdf)$/

/** Undefined for inline data of a type that is not accepted. */
function dataOf(content: Content): Media | undefined {
  const { mediaType } = content
  if (content.kind === 'data') {
    return INLINE.test(mediaType) ? { inlineData: { mimeType: mediaType, data: content.data } } : undefined
  }
  return { fileData: { fileUri: content.url, ...(TYPE.test(mediaType) ? { mimeType: mediaType } : {}) } }
}

function answerParts(step: AssistantStep, options: ConvertOptions, report: Report): GeminiPart[] {
  const { message } = step
  // Most answers are all texts and calls.
  if (step.parts.every(({ type }) => type === 'text' || type === 'tool-call')) {
    return step.parts.map((part) => answerPart(part, message, options, report))
  }
  const shown = step.parts.filter((part) => {
    if (part.type === 'data') {
      if (isPlain(part.data) && OPAQUE.some((name) => isPlain(part.data) && isPlain(part.data[name]))) return true
      report(lossAt('dropped', 'data', 'Gemini has no such part', message, part))
      return false
    }
    if (part.type !== 'reasoning' || (isOwn(part, message, KEY) && !isBlank(part.text))) return true
    const why = isBlank(part.text) ? 'it has no text' : 'it was made by another provider, or nothing says by which'
    report(lossAt('dropped', 'reasoning', why, message, part))
    return false
  })
  const last = shown.findLastIndex((part) => part.type !== 'reasoning')
  for (const part of shown.slice(last + 1)) {
    report(lossAt('dropped', 'reasoning', 'nothing follows it in its answer', message, part))
  }
  return shown.slice(0, last + 1).map((part) => answerPart(part, message, options, report))
}

/** Parts of the model that foldlog has no word for. */
const OPAQUE = ['executableCode', 'codeExecutionResult', 'toolCall', 'toolResponse'] as const

function answerPart(part: AnswerPart, message: Message, options: ConvertOptions, report: Report): GeminiPart {
  switch (part.type) {
    case 'text':
      return textPart(part)
    case 'file':
      return filePart(part, message, options, report)
    case 'reasoning':
      return thought(part)
    case 'tool-call':
      return functionCall(part, message, report)
    case 'data':
      // A part of this target, as it came.
      return part.data as GeminiPart
  }
}

function thought({ text, signature, providerMetadata }: ReasoningPart): GeminiPart {
  const signed = signature === undefined ? {} : { thoughtSignature: signature }
  return { text, thought: true, ...pick(fieldsFor(providerMetadata, KEY), PART_FIELDS), ...signed }
}

function functionCall(part: ToolCallPart, message: Message, report: Report): GeminiPart {
  const fields = fieldsFor(part.providerMetadata, KEY)
  const id = fields?.['noId'] === true ? {} : { id: part.callId }
  const args = inputObject(part, message, report)
  return { functionCall: { ...id, name: part.name, args }, ...pick(fields, PART_FIELDS) }
}

/** All responses, then the files that are in none of them: older models take no files inside a response. */
function resultParts(results: readonly Result[], options: ConvertOptions, report: Report): GeminiPart[] {
  const files: GeminiPart[] = []
  const responses = results.map(({ part, call, message }): GeminiPart => {
    const id = fieldsFor(call.providerMetadata, KEY)?.['noId'] === true ? {} : { id: part.callId }
    const nested: Media[] = []
    for (const file of part.content ?? []) {
      if (file.type !== 'file') continue
      const content = contentOf(file, options)
      const media = content === undefined ? undefined : dataOf(content)
      if (media !== undefined && fieldsFor(file.providerMetadata, KEY)?.['nested'] === true) nested.push(media)
      else {
        report(lossAt('moved', 'file', 'it is after the function responses', message, part))
        files.push(filePart(file, message, options, report))
      }
    }
    const parts = nested.length === 0 ? {} : { parts: nested }
    return { functionResponse: { ...id, name: part.name, response: responseOf(part), ...parts } }
  })
  return [...responses, ...files]
}

function responseOf(part: ToolResultPart): JsonObject {
  if (part.error !== undefined) return { error: plainResultText(part) }
  if (part.content === undefined && isPlain(part.output)) return part.output
  return { output: part.content === undefined ? (part.output === undefined ? '' : part.output) : plainResultText(part) }
}
