/**
 * Adds messages to a session, one every eight milliseconds, and says the id of each once it is acknowledged, until its input ends. Arguments: the
 * root and the session.
 */
import { setTimeout } from 'node:timers/promises'
import { openStore } from '../../../dist/index.js'

const [root, sessionId] = process.argv.slice(2)
const store = await openStore(root)
const session = await store.get(sessionId)
const over = new AbortController()
process.stdin.on('end', () => over.abort()).resume()
for (let i = 0; !over.signal.aborted; i++) {
  const { id } = await session.add({ text: `${process.pid} ${i}` })
  process.stdout.write(`${id}\n`)
  await setTimeout(8)
}
await store.close()
