/**
 * Adds messages to a session, one after the other, and says the id of each once it is acknowledged.
 *
 * Arguments: the root, the session, how many messages, and texts of up to how many characters. Says `ready`, waits for a line, adds;
 * says `done`, waits for a line, says the ids of all messages it sees as one line of JSON.
 */
import { writeSync } from 'node:fs'
import { createInterface } from 'node:readline'
import { openStore } from '../../../dist/index.js'

const [root, sessionId, count, longest] = process.argv.slice(2)
const store = await openStore(root)
const session = await store.get(sessionId)
const told = createInterface({ input: process.stdin })[Symbol.asyncIterator]()
/** Waits for a reader that is behind: what process.stdout queues then is lost with a process that is killed. */
const say = (line) => writeSync(1, `${line}\n`)

say('ready')
await told.next()
for (let i = 0; i < Number(count); i++) {
  const text = 'ä'.repeat(1 + Math.floor(Math.random() ** 3 * Number(longest)))
  const { id } = await session.add({ text: `${i} ${text}` })
  say(id)
}
say('done')
await told.next()
const messages = await session.messages()
say(JSON.stringify(messages.map(({ id }) => id)))
await store.close()
process.exit()
