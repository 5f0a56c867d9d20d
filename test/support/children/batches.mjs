/**
 * Adds batches of ten messages until it is killed, and says the number of each once it is acknowledged. The messages of
 * batch 3 have the ids 3.0 to 3.9. Arguments: the root and the session.
 */
import { openStore } from '../../../dist/index.js'

const [root, sessionId] = process.argv.slice(2)
const store = await openStore(root)
const session = await store.get(sessionId)
for (let batch = 0; ; batch++) {
  const text = 'é'.repeat(Math.floor(Math.random() ** 2 * 5000))
  await session.add(Array.from({ length: 10 }, (_, i) => ({ id: `${batch}.${i}`, text })))
  process.stdout.write(`${batch}\n`)
}
