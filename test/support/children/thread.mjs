/**
 * Adds messages, in a worker thread or a forked process, and sends their ids to who started it. Arguments: the root, the
 * session and how many.
 */
import { parentPort } from 'node:worker_threads'
import { openStore } from '../../../dist/index.js'

const [root, sessionId, count] = process.argv.slice(2)
const store = await openStore(root)
const session = await store.get(sessionId)
const ids = []
for (let i = 0; i < Number(count); i++) ids.push((await session.add({ text: `there ${i}` })).id)
await store.close()
if (parentPort === null) process.send(ids, () => process.disconnect())
// oxlint-disable-next-line require-post-message-target-origin -- a thread is no window
else parentPort.postMessage(ids)
