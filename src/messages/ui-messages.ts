/**
 * foldlog ⇄ UIMessages of the AI SDK, what `useChat` shows and keeps.
 *
 * One message of the user, the system or the model is one UIMessage with the same id; results stand in the part of their call, so
 * there are no tool messages. `data` parts of foldlog are `data-<name>` parts. Held here: every call is answered, unless it is asked
 * to be left open; no result is without a call; call ids are unique.
 */
import type { Json, JsonObject } from '../json.ts'
import type { DataPart, FilePart, Message, Part, ToolCallPart, ToolResultPart } from '../message.ts'
import { KEY, ownFields, providerFields, reasoningFields, type JsonValue, type ProviderFields } from './ai-sdk.ts'
import { contentOf, dataUrl, placeholder, plainResultText } from './content.ts'
import { ignore, lossAt, type ConvertOptions, type Report } from './loss.ts'
import { fieldsFor, isPlain, pick } from './owner.ts'
import { pairsOf, type Pair } from './pairs.ts'
import { AI_SDK_PART, DENIED, NO_RESULT, isStepStart } from './steps.ts'

interface WithMetadata {
  providerMetadata?: ProviderFields
}
export interface UIText extends WithMetadata {
  type: 'text'
  text: string
  state?: 'streaming' | 'done'
}
export interface UIReasoning extends WithMetadata {
  type: 'reasoning'
  text: string
  id?: string
  state?: 'streaming' | 'done'
}
export interface UIFile extends WithMetadata {
  type: 'file'
  mediaType: string
  url: string
  filename?: string
}
export interface UIData {
  type: `data-${string}`
  id?: string
  data: unknown
}
export interface UIStepStart {
  type: 'step-start'
}
interface ToolBase {
  toolCallId: string
  title?: string
  toolMetadata?: { [key: string]: JsonValue | undefined }
  providerExecuted?: boolean
  input: unknown
  callProviderMetadata?: ProviderFields
}
type ToolState =
  | { state: 'input-streaming'; rawInput?: string; inputEncoding?: 'json' | 'text' }
  | { state: 'input-available' }
  | { state: 'approval-requested'; approval: { id: string } }
  | { state: 'approval-responded'; approval: { id: string; approved: boolean; reason?: string } }
  | {
      state: 'output-available'
      output: unknown
      preliminary?: boolean
      resultProviderMetadata?: ProviderFields
      approval?: { id: string; approved: true; reason?: string }
    }
  | {
      state: 'output-error'
      errorText: string
      resultProviderMetadata?: ProviderFields
      approval?: { id: string; approved: true; reason?: string }
    }
  | { state: 'output-denied'; approval: { id: string; approved: false; reason?: string } }
export type UITool = ToolBase & ToolState & ({ type: `tool-${string}` } | { type: 'dynamic-tool'; toolName: string })
export type UIPart = UIText | UIReasoning | UIFile | UIData | UIStepStart | UITool
/** Assignable to `UIMessage` of the package `ai`. */
export interface UIMessage {
  id: string
  role: 'system' | 'user' | 'assistant'
  metadata?: unknown
  parts: UIPart[]
}

export interface UIOptions extends ConvertOptions {
  /** What goes into the `metadata` of a UIMessage. Default: `message.metadata`, if there is any. */
  readonly metadata?: (message: Message) => unknown
  /**
   * Whether calls that nobody has answered, and after which the user has said nothing, stay open, as a page needs that shows a tool at
   * work, runs it or asks for approval. Default: false, every call is answered, so that a model can be asked at once.
   */
  readonly openCalls?: boolean
}

/** Fields of a call that only the AI SDK has. */
export const CALL_FIELDS = ['title', 'toolMetadata', 'providerExecuted'] as const

/**
 * The messages as UIMessages of the AI SDK. Pass what `session.messages()` returns to show them, `session.context()` to send them to a
 * model. Pure; throws nothing. `validateUIMessages` refuses an empty list, which is what no messages give.
 */
export function toUIMessages(messages: readonly Message[], options: UIOptions = {}): UIMessage[] {
  return new Converter(messages, options).messages()
}

class Converter {
  readonly #input: readonly Message[]
  readonly #options: UIOptions
  readonly #report: Report
  readonly #pairs: readonly (Pair | undefined)[]
  /** The results that count, by the call they answer. */
  readonly #results = new Map<Pair, ToolResultPart>()
  /** The index of the first message that calls may stay open in. */
  readonly #openFrom: number
  #met = 0

  constructor(messages: readonly Message[], options: UIOptions) {
    this.#input = messages
    this.#options = options
    this.#report = options.report ?? ignore
    this.#pairs = pairsOf(messages, {}, () => true)
    this.#openFrom =
      options.openCalls === true ? messages.findLastIndex(({ role }) => role === 'user') : messages.length
  }

  messages(): UIMessage[] {
    this.#findResults()
    return this.#input.flatMap((message, at): UIMessage[] => {
      const parts = this.#parts(message, at > this.#openFrom)
      if (parts.length === 0) {
        if (message.role !== 'tool') this.#report(lossAt('dropped', 'message', 'nothing is left of it', message))
        return []
      }
      if (message.role === 'tool')
        this.#report(lossAt('changed', 'message', 'what is no result in it is a message here', message))
      const role = message.role === 'tool' ? 'assistant' : message.role
      return [{ id: message.id, role, ...this.#metadata(message), parts }]
    })
  }

  #findResults(): void {
    let met = 0
    for (const message of this.#input) {
      for (const part of message.parts) {
        if (part.type !== 'tool-call' && part.type !== 'tool-result') continue
        const at = met++
        if (part.type === 'tool-call') continue
        const pair = this.#pairs[at]
        if (pair?.answer === at && !pair.isRepeated) this.#results.set(pair, part)
        else this.#report(lossAt('dropped', 'result', 'it answers no call, or a later one does', message, part))
      }
    }
  }

  #metadata(message: Message): { metadata?: unknown } {
    const own = fieldsFor(message.metadata, KEY)
    const kept = own !== undefined && Object.hasOwn(own, 'metadata') ? own['metadata'] : message.metadata
    const metadata = this.#options.metadata === undefined ? kept : this.#options.metadata(message)
    return metadata === undefined ? {} : { metadata }
  }

  #parts(message: Message, mayBeOpen: boolean): UIPart[] {
    const out: UIPart[] = []
    const isMarked = message.parts.some(isStepStart)
    let isAnswered = false
    for (const part of message.parts) {
      if (part.type === 'tool-result') {
        this.#met++
        isAnswered = true
        continue
      }
      // What the model says after results belongs to its next step.
      if (isAnswered && !isMarked && out.length > 0) out.push({ type: 'step-start' })
      isAnswered = false
      const shown = part.type === 'tool-call' ? this.#tool(part, message, mayBeOpen) : this.#part(part, message)
      if (shown !== undefined) out.push(shown)
    }
    return out
  }

  #part(part: Exclude<Part, ToolCallPart | ToolResultPart>, message: Message): UIPart | undefined {
    switch (part.type) {
      case 'text':
        return { type: 'text', text: part.text, ...stateOf(part), ...metadataOf(providerFields(part)) }
      case 'reasoning': {
        const id = ownFields(part)?.['id']
        const fields = reasoningFields(part, message, this.#report)
        return {
          type: 'reasoning',
          text: part.text,
          ...(typeof id === 'string' ? { id } : {}),
          ...stateOf(part),
          ...metadataOf(fields),
        }
      }
      case 'file':
        return this.#file(part, message)
      case 'data':
        return this.#data(part, message)
      case 'compaction': {
        this.#report(lossAt('changed', 'compaction', 'it is data here', message, part))
        return { type: 'data-compaction', id: part.id, data: { text: part.text } }
      }
    }
    return this.#unknown(part, message)
  }

  /** A log may hold parts of a later version. */
  #unknown(part: never, message: Message): undefined {
    this.#report(lossAt('dropped', 'part', 'its type is unknown', message, part))
    return undefined
  }

  #file(part: FilePart, message: Message): UIPart {
    const content = contentOf(part, this.#options)
    if (content === undefined) {
      const why = 'its bytes are not available'
      this.#report(lossAt('changed', 'file', why, message, part))
      return { type: 'text', text: placeholder(part, why) }
    }
    const filename = part.name === undefined ? {} : { filename: part.name }
    const url = content.kind === 'url' ? content.url : dataUrl(content)
    return { type: 'file', mediaType: part.mediaType, ...filename, url, ...metadataOf(providerFields(part)) }
  }

  #data(part: DataPart, message: Message): UIPart | undefined {
    if (part.name === AI_SDK_PART) {
      // A part of the AI SDK, as it came.
      if (isAISDKPart(part.data)) return part.data as unknown as UIPart
      this.#report(lossAt('dropped', 'data', 'it is no part of the AI SDK', message, part))
      return undefined
    }
    const id = ownFields(part)?.['noId'] === true ? {} : { id: part.id }
    return { type: `data-${part.name}`, ...id, data: part.data }
  }

  #tool(part: ToolCallPart, message: Message, mayBeOpen: boolean): UITool | undefined {
    const pair = this.#pairs[this.#met++]
    if (pair === undefined || pair.isRepeated) {
      this.#report(lossAt('dropped', 'call', 'only assistant messages call, and each call once', message, part))
      return undefined
    }
    if (pair.id !== part.callId) this.#report(lossAt('changed', 'call', `it is ${pair.id} here`, message, part))
    const own = ownFields(part)
    const kind =
      own?.['dynamic'] === true
        ? ({ type: 'dynamic-tool', toolName: part.name } as const)
        : ({ type: `tool-${part.name}` } as const)
    const fields = providerFields(part)
    // What only the AI SDK has is as it came.
    const kept = pick(own, CALL_FIELDS) as Pick<ToolBase, (typeof CALL_FIELDS)[number]>
    return {
      ...kind,
      toolCallId: pair.id,
      ...kept,
      ...inputOf(part, own),
      ...(fields === undefined ? {} : { callProviderMetadata: fields }),
      ...this.#state(part, own, this.#results.get(pair), message, mayBeOpen),
    }
  }

  #state(
    part: ToolCallPart,
    own: JsonObject | undefined,
    result: ToolResultPart | undefined,
    message: Message,
    mayBeOpen: boolean,
  ): ToolState {
    const approval = { id: `approval-${part.callId}`, ...fieldsFor(own, 'approval') }
    const granted =
      approval && fieldsFor(own, 'approval')?.['approved'] === true
        ? { approval: { ...approval, approved: true as const } }
        : {}
    if (result === undefined && mayBeOpen) return openState(part, own, approval)
    if (part.approval === 'denied' && (result === undefined || result.error !== undefined)) {
      const reason =
        result?.error === undefined || result.error.message === DENIED.message ? {} : { reason: result.error.message }
      return { state: 'output-denied', approval: { ...reason, ...approval, approved: false } }
    }
    if (result === undefined) {
      this.#report(lossAt('inserted', 'result', NO_RESULT.message, message, part))
      return { state: 'output-error', errorText: NO_RESULT.message, ...granted }
    }
    const fields = providerFields(result)
    const more = { ...(fields === undefined ? {} : { resultProviderMetadata: fields }), ...granted }
    if (result.error !== undefined) return { state: 'output-error', errorText: plainResultText(result), ...more }
    const preliminary = ownFields(result)?.['preliminary'] === true ? { preliminary: true } : {}
    return { state: 'output-available', output: this.#output(result, message), ...preliminary, ...more }
  }

  /** Texts and files of a result as the AI SDK's own `content` output; anything else as it is. */
  #output({ output, content }: ToolResultPart, message: Message): unknown {
    if (content === undefined) return output ?? null
    const value = content.map((part) => {
      if (part.type === 'text') return { type: 'text', text: part.text }
      const found = contentOf(part, this.#options)
      if (found?.kind === 'data') return { type: 'file-data', data: found.data, mediaType: found.mediaType }
      if (found !== undefined) return { type: 'file-url', url: found.url }
      const why = 'its bytes are not available'
      this.#report(lossAt('changed', 'file', why, message, part))
      return { type: 'text', text: placeholder(part, why) }
    })
    return { type: 'content', value }
  }
}

function openState(part: ToolCallPart, own: JsonObject | undefined, approval: { id: string }): ToolState {
  if (part.approval === 'requested') return { state: 'approval-requested', approval }
  if (part.approval === 'approved') return { state: 'approval-responded', approval: { ...approval, approved: true } }
  if (part.approval === 'denied') {
    const isAnswered = own?.['state'] === 'approval-responded'
    return { state: isAnswered ? 'approval-responded' : 'output-denied', approval: { ...approval, approved: false } }
  }
  if (part.status !== 'in_progress') return { state: 'input-available' }
  const encoding =
    own?.['inputEncoding'] === 'text' || own?.['inputEncoding'] === 'json'
      ? { inputEncoding: own['inputEncoding'] }
      : {}
  return {
    state: 'input-streaming',
    ...(part.rawInput === undefined ? {} : { rawInput: part.rawInput }),
    ...encoding,
  } as ToolState
}

/** The input, or what stood in its place. */
function inputOf(part: ToolCallPart, own: JsonObject | undefined): Pick<ToolBase, 'input'> {
  // The AI SDK's schema lets the input of a call that failed be absent; its types do not.
  if (own?.['noInput'] === true)
    return (own['hasRawInput'] === true ? { rawInput: part.input } : {}) as Pick<ToolBase, 'input'>
  return { input: part.input }
}

function isAISDKPart(data: Json): boolean {
  if (!isPlain(data)) return false
  const has = (...names: string[]): boolean => names.every((name) => typeof data[name] === 'string')
  const { type } = data
  if (type === 'source-url') return has('sourceId', 'url')
  return type === 'step-start' || (type === 'source-document' && has('sourceId', 'mediaType', 'title'))
}

function stateOf({ status }: Part): { state?: 'streaming' | 'done' } {
  return status === 'completed' ? { state: 'done' } : status === 'in_progress' ? { state: 'streaming' } : {}
}

function metadataOf(fields: ProviderFields | undefined): WithMetadata {
  return fields === undefined ? {} : { providerMetadata: fields }
}
