/**
 * Appends events that are no messages until it is killed, without a guard, and says the id of each once it is acknowledged.
 *
 * Arguments: the root, the session, and texts of up to how many characters.
 */
import { openStore } from '../../../dist/index.js'

const [root, sessionId, longest] = process.argv.slice(2)
const store = await openStore(root, { fsync: 'never' })
const session = await store.get(sessionId)
for (;;) {
  const { id } = await session.append('noise.made', {
    text: 'ö'.repeat(Math.floor(Math.random() ** 30 * Number(longest))),
  })
  process.stdout.write(`${id}\n`)
  await new Promise((resolve) => setTimeout(resolve, Math.random() * 6))
}
