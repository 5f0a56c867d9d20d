/**
 * Adds messages on command, each with the time it was added at in front of its text.
 *
 * Is told `{ root, sessionId, count, gapMs, isExact }` and says `{ done: count }`. Gaps are of up to half more or less, unless
 * they are to be exact; then there is none before the first. The clock is the system's monotonic one, which
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

/** @param {{ root: string, sessionId: string, count: number, gapMs: number, isExact?: boolean }} order */
async function add({ root, sessionId, count, gapMs, isExact = false }) {
  const store = stores.get(root) ?? (await openStore(root))
  stores.set(root, store)
  const session = await store.get(sessionId)
  for (let i = 0; i < count; i++) {
    const pause = isExact ? (i === 0 ? 0 : gapMs) : gapMs * (0.5 + Math.random())
    if (pause > 0) await new Promise((resolve) => setTimeout(resolve, pause))
    await session.add({ text: `${process.hrtime.bigint()} ${text}` })
  }
  process.send({ done: count })
}

async function close() {
  for (const store of stores.values()) await store.close()
}
