/**
 * Which result answers which call, and the ids and names that calls get in a target.
 *
 * The rules are those of `context()`: a result answers the nearest call before it that has its id; the last result of a call
 * counts; a call that stands again in its message before it was answered replaces the earlier one; ids that are used again are made
 * different. Everything in this file is pure.
 */
import type { Message, ToolCallPart } from '../message.ts'

/** A call, and what becomes of it. */
export interface Pair {
  readonly part: ToolCallPart
  /** Its id and its name in the target. */
  readonly id: string
  readonly name: string
  /** The index of its message. */
  readonly at: number
  /** Which of the calls and results, counted through the messages, it is, and which answers it. */
  readonly index: number
  answer: number | undefined
  /** The same call stands again later in its message. */
  isRepeated: boolean
}

/** How ids or names have to look. */
export interface Shape {
  readonly valid: RegExp
  /** What is replaced by `_`; a global expression. */
  readonly invalid: RegExp
  readonly length: number
}

/** `^[a-zA-Z0-9_-]{1,length}$` */
export function wordShape(length: number): Shape {
  return { valid: new RegExp(`^[a-zA-Z0-9_-]{1,${length}}$`), invalid: /[^a-zA-Z0-9_-]/g, length }
}

/**
 * For each call and each result, in their order, the pair it belongs to; undefined for a result that answers nothing. Messages
 * that are not seen call nothing and answer nothing.
 */
export function pairsOf(
  messages: readonly Message[],
  target: { readonly callId?: Shape; readonly name?: Shape },
  isSeen: (message: Message) => boolean,
): readonly (Pair | undefined)[] {
  const pairs: (Pair | undefined)[] = []
  const open = new Map<string, Pair>()
  const used = new Map<string, number>()
  // By index: a loop over a frozen array makes an object for each item of it.
  for (let at = 0; at < messages.length; at++) {
    const message = messages[at]!
    const { parts } = message
    const seen = isSeen(message)
    for (let i = 0; i < parts.length; i++) {
      const part = parts[i]!
      if (part.type === 'tool-call') {
        const pair =
          seen && message.role === 'assistant' ? pairFor(part, at, pairs.length, open, used, target) : undefined
        pairs.push(pair)
        if (pair !== undefined) open.set(part.callId, pair)
      } else if (part.type === 'tool-result') {
        const pair = seen ? open.get(part.callId) : undefined
        if (pair !== undefined) pair.answer = pairs.length
        pairs.push(pair)
      }
    }
  }
  return pairs
}

function pairFor(
  part: ToolCallPart,
  at: number,
  index: number,
  open: ReadonlyMap<string, Pair>,
  used: Map<string, number>,
  target: { readonly callId?: Shape; readonly name?: Shape },
): Pair {
  const earlier = open.get(part.callId)
  const isAgain = earlier !== undefined && earlier.at === at && earlier.answer === undefined
  if (isAgain) earlier.isRepeated = true
  const id = isAgain ? earlier.id : unusedId(fit(part.callId, target.callId, 'call'), used, target.callId?.length)
  return { part, id, name: fit(part.name, target.name, 'tool'), at, index, answer: undefined, isRepeated: false }
}

/** `text` in the shape that is asked for. */
export function fit(text: string, shape: Shape | undefined, otherwise: string): string {
  if (shape === undefined || shape.valid.test(text)) return text === '' ? otherwise : text
  const clean = text.replace(shape.invalid, '_').slice(0, shape.length)
  if (clean === '') return otherwise
  return shape.valid.test(clean) ? clean : `_${clean}`.slice(0, shape.length)
}

/** No provider takes an id twice. */
function unusedId(callId: string, used: Map<string, number>, length = Infinity): string {
  let id = callId
  let n = used.get(callId) ?? 1
  while (used.has(id)) {
    const ending = `_${++n}`
    id = `${callId.slice(0, length - ending.length)}${ending}`
  }
  used.set(id, 1)
  used.set(callId, n)
  return id
}
