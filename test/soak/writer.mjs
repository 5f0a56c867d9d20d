/**
 * A writer of the soak: adds to one session until it is killed and says the id of each message once it is acknowledged.
 * Arguments: the root, the session, the policy of `fsync`.
 */
import { writeSync } from 'node:fs'
import { openStore } from '../../dist/index.js'

const [root, sessionId, fsync] = process.argv.slice(2)
const store = await openStore(root, { fsync })
const session = await store.ensure(sessionId)
for (;;) {
  const batch = Math.random() < 0.2 ? 5 : 1
  const text = 'é'.repeat(Math.floor(Math.random() ** 6 * 200_000))
  const messages = await session.add(Array.from({ length: batch }, () => ({ text })))
  for (const { id } of messages) writeSync(1, `${id}\n`)
  await new Promise((resolve) => setTimeout(resolve, Math.random() * 40))
}
