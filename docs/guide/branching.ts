import { openStore } from 'foldlog'
import { toOpenAIChat } from 'foldlog/messages'
import { model } from './model.ts'

const store = await openStore(undefined, {
  async *respond({ session, signal }) {
    yield* model(toOpenAIChat(await session.context()), signal)
  },
})
const session = await store.create()
const show = async (): Promise<void> => {
  for (const { role, parts } of await session.messages()) for (const part of parts) console.log(role, part)
}
const [question, answer] = (await session.send('Name a fruit.')).messages

// Regenerate: go back to the question, and ask it again.
await session.set({ head: question!.id })
const again = await session.send({ id: question!.id })
console.log((await session.siblings(answer!.id)).length, 'answers')

// Edit: another question in its place, and an answer to that.
const edited = await session.branch(question!.id, { text: 'Name a tree.' })
await session.send({ id: edited.id })
await show()

// Everything is there still: going to the end of a branch makes it the conversation.
await session.set({ head: again.messages.at(-1)!.id })
await show()
console.log(session.info.branchCount, 'branches')
await store.close()
