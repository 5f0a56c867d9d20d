import { openStore, type Piece, type SendRequest } from 'foldlog'
import { toOpenAIChat } from 'foldlog/messages'
import { model } from './model.ts'

const store = await openStore()

/** A worker answers what it is asked, in a session of its own. */
async function* worker({ session, signal }: SendRequest): AsyncGenerator<Piece, void, void> {
  yield* model(toOpenAIChat(await session.context()), signal)
}

/** The main agent gives each half of the work to a worker, at the same time. */
async function* main({ session, answerId, signal }: SendRequest): AsyncGenerator<Piece, void, void> {
  const tasks = ['Read the tests.', 'Read the code.'].map((task, at) => ({ task, callId: `${answerId}-${at}` }))
  for (const { task, callId } of tasks) yield { type: 'tool-call', callId, name: 'delegate', input: { task } }
  const running = tasks.map(async ({ task, callId }) => {
    const { id: sessionId } = session
    const rootId = session.info.rootId ?? sessionId
    const child = await store.create({ title: task, rootId, parent: { sessionId, messageId: answerId, callId } })
    // It has the signal of its parent: who cancels that stops both.
    const { status, messages } = await child.send(task, { respond: worker, signal })
    const output = messages
      .at(-1)!
      .parts.map((part) => (part.type === 'text' ? part.text : ''))
      .join('')
    return { callId, status, output }
  })
  for (const { callId, status, output } of await Promise.all(running)) {
    const result = { type: 'tool-result', callId, name: 'delegate' } as const
    yield status === 'completed' ? { ...result, output } : { ...result, error: { message: `it was ${status}` } }
  }
  yield 'Both have been read.'
}

const session = await store.create({ title: 'Review' })
const { usage, status } = await session.send('Review this.', { respond: main })
console.log(status, usage)
for await (const { title, parent, preview } of store.list({ parentId: session.id, order: 'created' })) {
  console.log(title, preview, parent?.callId)
}
await store.close()
