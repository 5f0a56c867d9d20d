/**
 * Adds messages on command, each with the time it was added at in front of its text.
 *
 * Is told `{ root, sessionId, count, gapMs }` and says `{ done: count }`. The clock is the system's monotonic one, which
 * all processes of a machine share.
 */
import { openStore } from '../../../dist/index.js'
import { messageInputs } from '../workload.mjs'

const [question] = messageInputs(1, 3)
const text = question.parts[0].text
/** @type {Map<string, import('../../../dist/index.js').Store>} */
const stores = new Map()

process.on('message', (order) => void add(order))
process.on('disconnect', () => void close())
process.send({ ready: true })

/** @param {{ root: string, sessionId: string, count: number, gapMs: number }} order */
async function add({ root, sessionId, count, gapMs }) {
  const store = stores.get(root) ?? (await openStore(root))
  stores.set(root, store)
  const session = await store.get(sessionId)
  for (let i = 0; i < count; i++) {
    if (gapMs > 0) await new Promise((resolve) => setTimeout(resolve, gapMs * (0.5 + Math.random())))
    await session.add({ text: `${process.hrtime.bigint()} ${text}` })
  }
  process.send({ done: count })
}

async function close() {
  for (const store of stores.values()) await store.close()
}
