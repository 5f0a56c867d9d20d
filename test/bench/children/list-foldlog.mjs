/** `node list-foldlog.mjs <root>`: prints the ids of the 50 most recently active sessions. */
import { openStore } from '../../../dist/index.js'

const store = await openStore(process.argv[2])
const { items } = await store.list({ limit: 50 })
await store.close()
if (items.length !== 50) throw new Error(`${items.length} of 50 sessions`)
console.log(JSON.stringify(items.map(({ id }) => id)))
