/**
 * Messages as people read them: each call with the result that answers it, and no message that holds nothing but such results. Pure.
 */
import { pairsOf } from '../messages/pairs.ts'
import type { Message, Part, ToolCallPart, ToolResultPart } from '../message.ts'

/** Less than this is what the writing took, not the tool. */
const SHORTEST_MS = 50

export type Block =
  | {
      readonly kind: 'call'
      readonly call: ToolCallPart
      readonly result?: ToolResultPart
      /** From the message of the call to that of the result. Absent where it says nothing. */
      readonly tookMs?: number
    }
  /** A result that is not beside a call: its call is on another branch, was removed, or was answered again. */
  | { readonly kind: 'result'; readonly result: ToolResultPart }
  | { readonly kind: 'part'; readonly part: Exclude<Part, ToolCallPart | ToolResultPart> }

export interface Entry {
  readonly message: Message
  readonly blocks: readonly Block[]
}

interface Answer {
  readonly result: ToolResultPart
  readonly message: Message
}

/** The entries of messages that follow each other. `isKept`: a message that is shown even if nothing of it is left. */
export function entriesOf(
  messages: readonly Message[],
  isKept: (message: Message) => boolean = () => false,
): readonly Entry[] {
  const { answers, beside } = answersOf(messages)
  const entries = messages.map((message) => ({
    message,
    blocks: message.parts.flatMap((part) => blockOf(part, message, answers, beside)),
  }))
  return entries.filter(
    ({ blocks, message }) =>
      blocks.length > 0 || message.parts.length === 0 || message.status !== 'completed' || isKept(message),
  )
}

function blockOf(
  part: Part,
  message: Message,
  answers: ReadonlyMap<ToolCallPart, Answer>,
  beside: ReadonlySet<ToolResultPart>,
): Block[] {
  if (part.type === 'tool-result') return beside.has(part) ? [] : [{ kind: 'result', result: part }]
  if (part.type !== 'tool-call') return [{ kind: 'part', part }]
  const answer = answers.get(part)
  if (answer === undefined) return [{ kind: 'call', call: part }]
  const tookMs = answer.message.time.created - message.time.created
  return [{ kind: 'call', call: part, result: answer.result, ...(tookMs < SHORTEST_MS ? {} : { tookMs }) }]
}

function answersOf(messages: readonly Message[]): {
  readonly answers: ReadonlyMap<ToolCallPart, Answer>
  readonly beside: ReadonlySet<ToolResultPart>
} {
  const answers = new Map<ToolCallPart, Answer>()
  const beside = new Set<ToolResultPart>()
  const pairs = pairsOf(messages, {}, () => true)
  let index = -1
  for (const message of messages) {
    for (const part of message.parts) {
      if (part.type !== 'tool-call' && part.type !== 'tool-result') continue
      index++
      const pair = pairs[index]
      if (part.type === 'tool-call' || pair?.answer !== index) continue
      answers.set(pair.part, { result: part, message })
      beside.add(part)
    }
  }
  return { answers, beside }
}
