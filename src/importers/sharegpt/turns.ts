/**
 * The turns of a ShareGPT conversation → messages of chat completions, which conversation they belong to decided by the caller.
 *
 * `function_call` is an answer that calls, `observation` a result; neither has an id, so an observation answers the oldest
 * call that has no answer yet. Everything in this file is pure.
 */
import { isArray, type Json, type JsonObject } from '../../json.ts'
import { asObject, textField } from '../fields.ts'
import { objectsOf } from '../values.ts'

/** A turn in the words of chat completions. */
export interface Turn {
  /** Who speaks, as the source says it. */
  readonly word: string
  /** Undefined for a turn of somebody unknown. */
  readonly message: JsonObject | undefined
}

type Kind = 'system' | 'user' | 'assistant' | 'function_call' | 'observation'

/** The words of ShareGPT itself, and those that other writers of the format use for the same. */
const KINDS: ReadonlyMap<string, Kind> = new Map<string, Kind>([
  ['system', 'system'],
  ['human', 'user'],
  ['user', 'user'],
  ['gpt', 'assistant'],
  ['assistant', 'assistant'],
  ['chatgpt', 'assistant'],
  ['bing', 'assistant'],
  ['bard', 'assistant'],
  ['model', 'assistant'],
  ['function_call', 'function_call'],
  ['observation', 'observation'],
  ['function_response', 'observation'],
  ['tool', 'observation'],
])
/** The words that need not be kept, because a message says the same without them. */
export const OWN_WORDS: ReadonlySet<string> = new Set(['system', 'human', 'gpt', 'function_call', 'observation'])

/** Who speaks in a turn. */
export function wordOf(turn: JsonObject): string {
  return textField(turn, 'from') ?? textField(turn, 'role') ?? '(none)'
}

/** Whether a value looks like a turn. */
export function isTurn(value: Json | undefined): boolean {
  const turn = asObject(value) ?? {}
  return KINDS.has(wordOf(turn)) && (turn['value'] ?? turn['content']) !== undefined
}

/** The turns of one conversation, which must come in their order. */
export class Turns {
  /** Calls without an answer, oldest first. */
  readonly #open: string[]
  #calls: number

  /** @param before the turns that these follow, which may be followed by others too */
  constructor(before?: Turns) {
    this.#open = before === undefined ? [] : [...before.#open]
    this.#calls = before === undefined ? 0 : before.#calls
  }

  turn(value: Json): Turn {
    const turn = asObject(value) ?? {}
    const word = wordOf(turn)
    const kind = KINDS.get(word)
    const said = turn['value'] ?? turn['content'] ?? ''
    return { word, message: kind === undefined ? undefined : this.#message(kind, said, turn) }
  }

  #message(kind: Kind, said: Json, turn: JsonObject): JsonObject {
    switch (kind) {
      case 'function_call':
        return { role: 'assistant', content: null, tool_calls: this.#callsIn(textOf(said)) }
      case 'observation': {
        const id = textField(turn, 'tool_call_id') ?? this.#open.shift() ?? `unknown-${++this.#calls}`
        return { role: 'tool', tool_call_id: id, content: textOf(said), ...nameOf(turn) }
      }
      case 'assistant': {
        const calls = turn['tool_calls']
        for (const call of objectsOf(calls)) this.#open.push(textField(call, 'id') ?? 'unknown')
        return { role: kind, content: contentOf(said), ...(calls === undefined ? {} : { tool_calls: calls }) }
      }
      case 'system':
      case 'user':
        return { role: kind, content: contentOf(said) }
    }
  }

  /** The calls in a text: one as JSON, several as a list; what is no JSON is the arguments of a call without a name. */
  #callsIn(text: string): readonly JsonObject[] {
    const parsed = parse(text)
    const calls = parsed !== undefined && isArray(parsed) ? objectsOf(parsed) : objectsOf([parsed ?? null])
    if (calls.length === 0) return [this.#call('unknown', text)]
    return calls.map((call) => {
      const input = call['arguments'] ?? call['parameters'] ?? {}
      return this.#call(textField(call, 'name') ?? 'unknown', typeof input === 'string' ? input : JSON.stringify(input))
    })
  }

  #call(name: string, input: string): JsonObject {
    const id = `call-${++this.#calls}`
    this.#open.push(id)
    return { id, type: 'function', function: { name, arguments: input } }
  }
}

function nameOf(turn: JsonObject): { name?: string } {
  const name = textField(turn, 'name')
  return name === undefined ? {} : { name }
}

function contentOf(said: Json): Json {
  return isArray(said) ? said : textOf(said)
}

function textOf(said: Json): string {
  return typeof said === 'string' ? said : JSON.stringify(said)
}

function parse(text: string): Json | undefined {
  try {
    return JSON.parse(text) as Json
  } catch {
    // The caller keeps the text as it is.
    return undefined
  }
}
