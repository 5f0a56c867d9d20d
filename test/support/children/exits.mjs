/**
 * Adds one message and exits at once, without closing anything. Arguments: the root, the session and
 * the policy of `fsync`. Says the message's id.
 */
import { writeSync } from 'node:fs'
import { openStore } from '../../../dist/index.js'

const [root, sessionId, fsync] = process.argv.slice(2)
const store = await openStore(root, { fsync })
const session = await store.get(sessionId)
const { id } = await session.add({ text: 'last words' })
writeSync(1, `${id}\n`)
process.exit()
