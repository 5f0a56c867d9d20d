/**
 * Messages → steps: the shape all APIs ask for, before it is put into the words of one of them.
 *
 * A step is a system text, something from the user, or one answer of the model with all the results of its calls. Held here
 * for whatever messages are given, also those of a damaged or interrupted log:
 *  - every call is answered exactly once, directly after the step that makes it; a missing result is a synthetic error;
 *  - no result is without a call before it; of several results of a call the last one counts;
 *  - call ids are unique, and ids and names have the shape the target asks for;
 *  - no text is blank, no step is empty.
 *
 * Everything in this file is pure.
 */
import type {
  DataPart,
  FilePart,
  Message,
  Part,
  ReasoningPart,
  TextPart,
  ToolCallPart,
  ToolResultPart,
} from '../message.ts'
import { isBlank } from './content.ts'
import { lossAt, type Report } from './loss.ts'
import { fieldsFor, isPlain } from './owner.ts'
import { pairsOf, type Pair, type Shape } from './pairs.ts'

interface SystemStep {
  readonly role: 'system'
  readonly message: Message
  readonly parts: readonly TextPart[]
}

export interface UserStep {
  readonly role: 'user'
  readonly message: Message
  readonly parts: readonly (TextPart | FilePart | DataPart)[]
}

export interface AssistantStep {
  readonly role: 'assistant'
  readonly message: Message
  readonly parts: readonly AnswerPart[]
  /** In the order they came, one for each call in `parts`. */
  readonly results: readonly Result[]
}

export type AnswerPart = TextPart | ReasoningPart | FilePart | DataPart | ToolCallPart

/** A result and the message it stands in. */
export interface Result {
  readonly part: ToolResultPart
  readonly call: ToolCallPart
  readonly message: Message
}

export type Step = SystemStep | UserStep | AssistantStep

/** What a target asks for. */
export interface Target {
  readonly callId?: Shape
  readonly name?: Shape
  /** The name of `data` parts that hold what only this target understands. */
  readonly opaque: string
}

/** The name of `data` parts that hold a part of the AI SDK that foldlog has no word for. */
export const AI_SDK_PART = 'ai-sdk.part'

/** The steps of a conversation. Parts are those of the messages, but for changed ids and names. */
export function stepsOf(messages: readonly Message[], target: Target, report: Report): readonly Step[] {
  return new Steps(target, report).of(messages)
}

interface OpenStep {
  readonly role: 'assistant'
  readonly message: Message
  readonly parts: readonly AnswerPart[]
  readonly results: Result[]
}

class Steps {
  readonly #target: Target
  readonly #report: Report
  readonly #steps: Step[] = []
  /** The step that each call was shown in, at its index. */
  readonly #shownIn: (OpenStep | undefined)[] = []
  #pairs: readonly (Pair | undefined)[] = []
  /** How many calls and results were met: the index of the next one in `#pairs`. */
  #met = 0

  constructor(target: Target, report: Report) {
    this.#target = target
    this.#report = report
  }

  of(messages: readonly Message[]): readonly Step[] {
    this.#pairs = pairsOf(messages, this.#target, isForModels)
    // By index, as in all loops here that most messages come through: one over a frozen array makes an object for each item of it.
    for (let at = 0; at < messages.length; at++) {
      const message = messages[at]!
      if (!isForModels(message)) this.#skip(message)
      else if (message.role === 'assistant') this.#answer(message)
      else this.#other(message)
    }
    this.#shownIn.forEach((step, index) => {
      const pair = this.#pairs[index]
      if (step !== undefined && pair !== undefined && pair.answer === undefined) this.#synthesize(pair, step)
    })
    return this.#steps
  }

  #lost(
    kind: 'dropped' | 'moved',
    what: Parameters<typeof lossAt>[1],
    reason: string,
    message: Message,
    part?: Part,
  ): void {
    this.#report(lossAt(kind, what, reason, message, part))
  }

  #skip(message: Message): void {
    for (const part of message.parts) {
      if (part.type === 'tool-call' || part.type === 'tool-result') this.#met++
    }
    this.#lost('dropped', 'message', 'it is for the user only', message)
  }

  /** A message of the model: one step, or several if it goes on after results. */
  #answer(message: Message): void {
    if (this.#isWhole(message)) {
      this.#answerWhole(message)
      return
    }
    const isMarked = message.parts.some(isStepStart)
    let step = { role: 'assistant' as const, message, parts: [] as AnswerPart[], results: [] as Result[] }
    let goesOn = false
    const next = (): void => {
      this.#finish(step)
      step = { role: 'assistant', message, parts: [], results: [] }
      goesOn = false
    }
    for (const part of message.parts) {
      if (part.type === 'tool-result') {
        const owner = this.#result(part, message)
        if (owner?.step === step && !isProviderExecuted(owner.call)) goesOn = true
        continue
      }
      if (isMarked ? isStepStart(part) : goesOn) next()
      const shown = this.#answerPart(part, message, step)
      if (shown !== undefined) step.parts.push(shown)
    }
    this.#finish(step)
  }

  /** Whether every part is shown as it is, as in most messages: then nothing of it is copied. */
  #isWhole({ parts }: Message): boolean {
    let met = this.#met
    for (let i = 0; i < parts.length; i++) {
      const part = parts[i]!
      if (part.type === 'text') {
        if (isBlank(part.text)) return false
      } else if (part.type === 'tool-call') {
        const pair = this.#pairs[met++]
        if (pair === undefined || pair.isRepeated || pair.id !== part.callId || pair.name !== part.name) return false
      } else if (part.type !== 'reasoning' && part.type !== 'file') return false
    }
    return parts.length > 0
  }

  #answerWhole(message: Message): void {
    // Only parts that stand in answers: it was looked at each of them.
    const step: OpenStep = { role: 'assistant', message, parts: message.parts as readonly AnswerPart[], results: [] }
    for (let i = 0; i < step.parts.length; i++) {
      if (step.parts[i]!.type === 'tool-call') this.#shownIn[this.#met++] = step
    }
    this.#steps.push(step)
  }

  #finish(step: OpenStep): void {
    if (step.parts.length > 0) this.#steps.push(step)
  }

  #answerPart(part: Exclude<Part, ToolResultPart>, message: Message, step: OpenStep): AnswerPart | undefined {
    switch (part.type) {
      case 'tool-call':
        return this.#call(part, message, step)
      case 'reasoning':
        return part
      case 'text':
      case 'file':
      case 'data':
      case 'compaction':
        return this.#content(part, message)
    }
    return this.#unknown(part, message)
  }

  /** A message of the user, a system message, or what else a tool message holds. */
  #other(message: Message): void {
    if (message.role === 'user' && message.parts.length > 0 && message.parts.every(isPlainPart)) {
      this.#steps.push({ role: 'user', message, parts: message.parts as readonly (TextPart | FilePart)[] })
      return
    }
    const parts: (TextPart | FilePart | DataPart)[] = []
    for (let i = 0; i < message.parts.length; i++) {
      const shown = this.#otherPart(message.parts[i]!, message)
      if (shown !== undefined) parts.push(shown)
    }
    if (parts.length === 0) return
    if (message.role === 'system') {
      const texts = parts.filter((part) => part.type === 'text')
      for (const part of parts) {
        if (part.type !== 'text') this.#lost('dropped', part.type, 'system messages hold texts only', message, part)
      }
      if (texts.length > 0) this.#steps.push({ role: 'system', message, parts: texts })
      return
    }
    if (message.role === 'tool') this.#lost('moved', 'part', 'tool messages hold results only', message)
    this.#steps.push({ role: 'user', message, parts })
  }

  #otherPart(part: Part, message: Message): TextPart | FilePart | DataPart | undefined {
    switch (part.type) {
      case 'tool-result':
        this.#result(part, message)
        return undefined
      case 'tool-call':
        this.#met++
        this.#lost('dropped', 'call', 'only assistant messages call', message, part)
        return undefined
      case 'reasoning':
        this.#lost('dropped', 'reasoning', 'only assistant messages reason', message, part)
        return undefined
      case 'text':
      case 'file':
      case 'data':
      case 'compaction':
        return this.#content(part, message)
    }
    return this.#unknown(part, message)
  }

  #content(
    part: Exclude<Part, ToolResultPart | ToolCallPart | ReasoningPart>,
    message: Message,
  ): TextPart | FilePart | DataPart | undefined {
    switch (part.type) {
      case 'text':
        if (!isBlank(part.text)) return part
        this.#lost('dropped', 'text', 'it is blank', message, part)
        return undefined
      case 'file':
        return part
      case 'data':
        if (isStepStart(part)) return undefined
        if (part.name === this.#target.opaque && isPlain(part.data)) return part
        this.#lost('dropped', 'data', `no message of this kind holds ${part.name}`, message, part)
        return undefined
      case 'compaction':
        this.#lost('dropped', 'compaction', 'context() applies summaries: convert what it returns', message, part)
        return undefined
    }
  }

  /** A log may hold parts of a later version. */
  #unknown(part: never, message: Message): undefined {
    this.#lost('dropped', 'part', 'its type is unknown', message, part)
    return undefined
  }

  #call(part: ToolCallPart, message: Message, step: OpenStep): ToolCallPart | undefined {
    const index = this.#met++
    const pair = this.#pairs[index]
    if (pair === undefined || pair.isRepeated) {
      this.#lost('dropped', 'call', 'the same call stands again in its message', message, part)
      return undefined
    }
    this.#shownIn[index] = step
    if (pair.id === part.callId && pair.name === part.name) return part
    this.#report(lossAt('changed', 'call', `it is ${pair.name} ${pair.id} here`, message, part))
    return { ...part, callId: pair.id, name: pair.name }
  }

  /** Puts a result to its call. Returns the call and its step, if the result counts. */
  #result(
    part: ToolResultPart,
    message: Message,
  ): { readonly step: OpenStep; readonly call: ToolCallPart } | undefined {
    const at = this.#met++
    const pair = this.#pairs[at]
    const step = pair === undefined ? undefined : this.#shownIn[pair.index]
    if (pair === undefined || step === undefined) {
      this.#lost('dropped', 'result', 'there is no call before it that it answers', message, part)
      return undefined
    }
    if (pair.answer !== at) {
      this.#lost('dropped', 'result', 'a later result answers the same call', message, part)
      return undefined
    }
    const isSame = part.callId === pair.id && part.name === pair.name
    step.results.push({ part: isSame ? part : { ...part, callId: pair.id, name: pair.name }, call: pair.part, message })
    return { step, call: pair.part }
  }

  #synthesize({ part, id, name }: Pair, step: OpenStep): void {
    const isDenied = part.approval === 'denied'
    const error = isDenied ? DENIED : NO_RESULT
    this.#report(lossAt('inserted', 'result', error.message, step.message, part))
    const result: ToolResultPart = { id: `${part.id}:result`, type: 'tool-result', callId: id, name, error }
    step.results.push({ part: result, call: part, message: step.message })
  }
}

function isPlainPart(part: Part): boolean {
  return part.type === 'file' || (part.type === 'text' && !isBlank(part.text))
}

function isForModels(message: Message): boolean {
  return message.audience !== 'user'
}

/** As in `context()`. */
export const NO_RESULT = { code: 'NO_RESULT', message: 'no result of this call is available' } as const
export const DENIED = { code: 'DENIED', message: 'the call was denied and did not run' } as const

/** Whether a part says that a new step of the model begins. */
export function isStepStart(part: Part): boolean {
  return part.type === 'data' && part.name === AI_SDK_PART && isPlain(part.data) && part.data['type'] === 'step-start'
}

/** Whether the provider itself ran the tool, so that the model went on in the same step. */
export function isProviderExecuted(part: ToolCallPart | ToolResultPart): boolean {
  return fieldsFor(part.providerMetadata, 'ai-sdk')?.['providerExecuted'] === true
}
