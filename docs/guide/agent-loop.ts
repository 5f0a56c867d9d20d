import { openStore, type Piece, type SendRequest } from 'foldlog'
import { toOpenAIChat } from 'foldlog/messages'
import { modelWithTools, type Call } from './model.ts'

/** What the model may call. What a tool throws is told to the model. */
const tools: Readonly<Record<string, (input: Call['input'], signal: AbortSignal) => Promise<string>>> = {
  weather: async ({ text }) => (text.includes('Oslo') ? 'rain in Oslo' : 'sun'),
  tide: async () => {
    throw new Error('the gauge is broken')
  },
}

/** Asks the model and runs its tools until it calls no more. */
async function* agent({ session, signal }: SendRequest): AsyncGenerator<Piece, { finishReason: string }, void> {
  for (let step = 0; step < 10; step++) {
    const calls: Call[] = []
    // The answer so far is part of the context: calls with their results, too.
    const messages = toOpenAIChat(await session.context())
    for await (const piece of modelWithTools(messages, Object.keys(tools), signal)) {
      if (typeof piece === 'string') yield piece
      else calls.push(piece)
    }
    if (calls.length === 0) return { finishReason: 'stop' }
    for (const { id, name, input } of calls) yield { type: 'tool-call', callId: id, name, input: { ...input } }
    for (const { id, name, input } of calls) {
      const result = { type: 'tool-result', callId: id, name } as const
      try {
        yield { ...result, output: await tools[name]!(input, signal) }
      } catch (error) {
        yield { ...result, error: { message: String(error) } }
      }
    }
  }
  return { finishReason: 'too many steps' }
}

const store = await openStore(undefined, { respond: agent })
const session = await store.create()
for (const question of ['How is the weather in Oslo?', 'And the tide?']) {
  const { status, messages } = await session.send(question)
  console.log(status)
  for (const { parts } of messages) for (const part of parts) console.log(part)
}
await store.close()
