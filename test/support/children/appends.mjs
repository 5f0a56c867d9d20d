/** `node appends.mjs <root> <count>`: adds so many messages to the new session `one`, one after the other, and ends. */
import { openStore } from '../../../dist/index.js'

const [root, count] = process.argv.slice(2)
const store = await openStore(root, { fsync: 'never' })
const session = await store.create({ id: 'one' })
for (let i = 0; i < Number(count); i++) await session.add({ text: `message ${i}` })
await store.close()
