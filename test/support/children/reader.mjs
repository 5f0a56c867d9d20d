/**
 * Reads one session and says what it found, and the most memory it had, as JSON. Arguments: the root and the session.
 */
import { openStore } from '../../../dist/index.js'

const [root, sessionId] = process.argv.slice(2)
const store = await openStore(root)
const session = await store.get(sessionId)
const messages = await session.messages()
const damage = await session.damage()
const maxRssMb = Math.round(process.resourceUsage().maxRSS / 1024)
console.log(JSON.stringify({ ids: messages.map(({ id }) => id), damage: damage.length, maxRssMb }))
await store.close()
