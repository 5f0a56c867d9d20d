import { setTimeout as pause } from 'node:timers/promises'
import type { ChatMessage } from 'foldlog/messages'

/** Stands for the model that you call: streams an answer, word by word. */
export async function* model(messages: readonly ChatMessage[], signal: AbortSignal): AsyncGenerator<string> {
  const last = messages.at(-1)
  const text = typeof last?.content === 'string' ? last.content : ''
  for (const word of `${last?.role === 'tool' ? 'It says' : 'You said'}: ${text}`.split(/(?<=\s)/)) {
    await pause(20, undefined, { signal })
    yield word
  }
}

export interface Call {
  readonly id: string
  readonly name: string
  readonly input: { readonly text: string }
}

/** The same with tools: asks for the one that the question names. */
export async function* modelWithTools(
  messages: readonly ChatMessage[],
  tools: readonly string[],
  signal: AbortSignal,
): AsyncGenerator<string | Call> {
  const last = messages.at(-1)
  const text = last?.role === 'user' && typeof last.content === 'string' ? last.content : ''
  const name = tools.find((tool) => text.includes(tool))
  if (name === undefined) yield* model(messages, signal)
  else yield { id: `call_${messages.length}`, name, input: { text } }
}
