/**
 * Adds messages to a session until it is told to end, with a pause of a turn of the loop between them, and says the id of each that was
 * acknowledged. What is refused is tried no more.
 *
 * Arguments: the root, the session, what ids begin with. Says `ready` first.
 */
import { once } from 'node:events'
import { openStore } from '../../../dist/index.js'

const [root, sessionId, prefix] = process.argv.slice(2)
const store = await openStore(root)
let session = await store.get(sessionId)
const told = { toEnd: false }
process.stdin.on('end', () => (told.toEnd = true)).resume()
process.stdout.write('ready\n')
for (let i = 0; !told.toEnd; i++) {
  const id = `${prefix}-${i}`
  try {
    // Between two branches the session may not be there for a while.
    session ??= await store.get(sessionId)
    if (session !== undefined) {
      await session.add({ id, text: `text of ${id}` })
      if (!process.stdout.write(`${id}\n`)) await once(process.stdout, 'drain')
    }
  } catch {
    session = undefined
  }
  await new Promise((resolve) => setTimeout(resolve, 1))
}
await store.close()
