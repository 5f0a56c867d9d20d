/**
 * A message → the entries of a pi session (version 3) that say the same, without their ids. Pure.
 *
 * pi keeps each result of a tool in an entry of its own, so a message becomes several where it holds calls and results, and custom
 * entries, which pi keeps and shows to no model, for what it has no word for.
 */
import type { Json, JsonObject } from '../json.ts'
import type {
  CompactionPart,
  FilePart,
  Message,
  Part,
  ReasoningPart,
  ToolCallPart,
  ToolResultPart,
} from '../message.ts'
import { contentOf, dataUrl, IMAGES, placeholder, plainResultText } from '../messages/content.ts'
import { lossAt, type Report } from '../messages/loss.ts'

/** An entry without what makes it one of a tree. `keepFrom` names the message that a summary begins to keep. */
export interface Draft {
  readonly fields: JsonObject & { readonly type: string }
  readonly keepFrom?: string | undefined
}

/** What a session says of messages that do not say it themselves. */
export interface Defaults {
  readonly model?: string | undefined
  readonly provider?: string | undefined
}

const PREFIX = 'foldlog.'
const APIS: ReadonlyMap<string, string> = new Map([
  ['anthropic', 'anthropic-messages'],
  ['openai', 'openai-responses'],
  ['google', 'google-generative-ai'],
])
const STOPS: ReadonlyMap<string, string> = new Map([
  ['length', 'length'],
  ['max_tokens', 'length'],
  ['error', 'error'],
])

/** The entries of a message with its files in it, at least one. */
export function draftsOf(message: Message, defaults: Defaults, report: Report): readonly Draft[] {
  if (message.audience === 'user' || message.role === 'system') return [asCustom(message, report)]
  const drafts = new Drafts(message, defaults, report)
  for (const part of message.parts) drafts.add(part)
  return drafts.end()
}

/** What no model of pi is to see, or what it has no role for. */
function asCustom(message: Message, report: Report): Draft {
  const why =
    message.role === 'system'
      ? 'pi has no such messages: it is a custom entry'
      : 'it is for the user alone: it is a custom entry'
  report(lossAt('changed', message.role === 'system' ? 'system' : 'message', why, message))
  const { parts, role } = message
  return custom('message', { role, parts } as unknown as Json)
}

function custom(name: string, data: Json): Draft {
  return { fields: { type: 'custom', customType: name.includes('.') ? name : PREFIX + name, data } }
}

class Drafts {
  readonly #message: Message
  readonly #defaults: Defaults
  readonly #report: Report
  readonly #drafts: Draft[] = []
  #content: JsonObject[] = []
  #hasUsage = false

  constructor(message: Message, defaults: Defaults, report: Report) {
    this.#message = message
    this.#defaults = defaults
    this.#report = report
  }

  add(part: Part): void {
    switch (part.type) {
      case 'text':
        if (part.text !== '') this.#content.push({ type: 'text', text: part.text })
        return
      case 'reasoning':
        return this.#reasoning(part)
      case 'file':
        this.#content.push(this.#file(part))
        return
      case 'tool-call':
        return this.#call(part)
      case 'tool-result':
        this.#flush()
        this.#drafts.push(this.#result(part))
        return
      case 'data':
        this.#flush()
        this.#drafts.push(custom(part.name, part.data))
        return
      case 'compaction':
        this.#flush()
        this.#drafts.push(this.#compaction(part))
        return
      default:
        // A part that a newer version wrote: the types do not know it.
        this.#flush()
        this.#drafts.push(custom('part', part))
    }
  }

  end(): readonly Draft[] {
    const { error, role, status } = this.#message
    const isOver = status === 'completed' && error === undefined
    if (this.#content.length > 0 || this.#drafts.length === 0 || (role === 'assistant' && !isOver)) this.#flush(true)
    return this.#drafts
  }

  #flush(isLast = false): void {
    const content = this.#content
    if (content.length === 0 && !isLast) return
    this.#content = []
    const timestamp = this.#message.time.created
    if (this.#message.role === 'assistant') this.#drafts.push(this.#answer(content, isLast))
    else this.#drafts.push({ fields: { type: 'message', message: { role: 'user', content, timestamp } } })
    if (this.#message.role === 'tool')
      this.#report(
        lossAt('changed', 'message', 'pi has no text of tools outside results: it is of the user', this.#message),
      )
  }

  #answer(content: readonly JsonObject[], isLast: boolean): Draft {
    const {
      error,
      model = this.#defaults.model,
      provider = this.#defaults.provider,
      statusMessage,
      time,
    } = this.#message
    const stopReason = isLast ? this.#stopReason(content) : endsWithCall(content) ? 'toolUse' : 'stop'
    const why = [statusMessage, error?.message].filter((text) => text !== undefined).join(': ')
    return {
      fields: {
        type: 'message',
        message: {
          role: 'assistant',
          content,
          api: APIS.get(provider ?? '') ?? 'unknown',
          provider: provider ?? 'unknown',
          model: model ?? 'unknown',
          usage: this.#usage(),
          stopReason,
          timestamp: time.created,
          ...(isLast && why !== '' ? { errorMessage: why } : {}),
        },
      },
    }
  }

  #stopReason(content: readonly JsonObject[]): string {
    const { error, finishReason, status } = this.#message
    if (status === 'failed' || error !== undefined) return 'error'
    if (status !== 'completed') return 'aborted'
    return STOPS.get(finishReason ?? '') ?? (endsWithCall(content) ? 'toolUse' : 'stop')
  }

  /** Of the whole message, on its first entry: sums stay right. */
  #usage(): JsonObject {
    const usage = this.#hasUsage ? {} : (this.#message.usage ?? {})
    this.#hasUsage = true
    const { cachedInputTokens = 0, cacheWriteTokens = 0, costUsd = 0, inputTokens = 0, outputTokens = 0 } = usage
    const { totalTokens = inputTokens + outputTokens } = usage
    return {
      input: Math.max(0, inputTokens - cachedInputTokens - cacheWriteTokens),
      output: outputTokens,
      cacheRead: cachedInputTokens,
      cacheWrite: cacheWriteTokens,
      totalTokens,
      cost: { input: 0, output: 0, cacheRead: 0, cacheWrite: 0, total: costUsd },
    }
  }

  #reasoning({ encrypted, signature, text }: ReasoningPart): void {
    if (this.#message.role !== 'assistant') return
    const hidden = encrypted === undefined ? undefined : { thinkingSignature: encrypted, redacted: true }
    const signed = signature === undefined ? {} : { thinkingSignature: signature }
    this.#content.push({ type: 'thinking', thinking: text, ...(hidden ?? signed) })
  }

  #call(part: ToolCallPart): void {
    const { callId: id, input, name, rawInput } = part
    const isObject = typeof input === 'object' && input !== null && !Array.isArray(input)
    const args = rawInput === undefined ? (isObject ? (input as JsonObject) : { input }) : { input: rawInput }
    if (rawInput !== undefined || !isObject)
      this.#report(
        lossAt('changed', 'call', 'its input is no object: it is one with the field input', this.#message, part),
      )
    this.#content.push({ type: 'toolCall', id, name, arguments: args })
  }

  #result(part: ToolResultPart): Draft {
    const files = (part.content ?? []).filter((each) => each.type === 'file')
    const text = plainResultText(part)
    const { callId: toolCallId, error, name: toolName, status } = part
    const content = [...(text === '' ? [] : [{ type: 'text', text }]), ...files.map((file) => this.#file(file))]
    const isError = error !== undefined || status === 'failed' || status === 'cancelled'
    const timestamp = this.#message.time.created
    return {
      fields: { type: 'message', message: { role: 'toolResult', toolCallId, toolName, content, isError, timestamp } },
    }
  }

  #compaction(part: CompactionPart): Draft {
    for (const field of ['keep', 'replacement'] as const) {
      if (part[field] !== undefined)
        this.#report(lossAt('dropped', 'field', `summaries of pi have no ${field}`, this.#message, part))
    }
    const { from: keepFrom, text: summary, tokensBefore = 0 } = part
    return { fields: { type: 'compaction', summary, tokensBefore }, keepFrom }
  }

  #file(part: FilePart): JsonObject {
    const content = contentOf(part, {})
    if (content?.kind === 'data' && IMAGES.has(content.mediaType) && this.#message.role !== 'assistant')
      return { type: 'image', data: content.data, mimeType: content.mediaType }
    const why = content === undefined ? 'its bytes are not available' : 'pi holds images of users and tools alone'
    this.#report(lossAt('changed', 'file', why, this.#message, part))
    return {
      type: 'text',
      text: content?.kind === 'url' ? `${placeholder(part, why)} ${dataUrl(content)}` : placeholder(part, why),
    }
  }
}

function endsWithCall(content: readonly JsonObject[]): boolean {
  return content.some(({ type }) => type === 'toolCall')
}
