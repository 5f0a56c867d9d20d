/**
 * Adds messages on command, each only if the conversation still ends where it is known to end, and again if it does not.
 *
 * Is told `{ root, sessionId, count, isGuarded }` and says `{ done, refused }`: how many were added, and how many calls were refused.
 */
import { openStore } from '../../../dist/index.js'
import { messageInputs } from '../workload.mjs'

const inputs = messageInputs(100, 5)
/** @type {Map<string, import('../../../dist/index.js').Store>} */
const stores = new Map()

process.on('message', (order) => void add(order))
process.on('disconnect', () => void close())
process.send({ ready: true })

/** @param {{ root: string, sessionId: string, count: number, isGuarded: boolean }} order */
async function add({ root, sessionId, count, isGuarded }) {
  const store = stores.get(root) ?? (await openStore(root))
  stores.set(root, store)
  const session = await store.get(sessionId)
  let [done, refused] = [0, 0]
  let expectedHead = session.info.head ?? null
  while (done < count) {
    try {
      const { id } = await session.add({ ...inputs[done % inputs.length] }, isGuarded ? { expectedHead } : {})
      expectedHead = id
      done++
    } catch (error) {
      if (error.code !== 'HEAD_MOVED') throw error
      expectedHead = error.head
      refused++
    }
  }
  process.send({ done, refused })
}

async function close() {
  for (const store of stores.values()) await store.close()
}
