/**
 * `node --expose-gc known.mjs <root> <watch>`: lists all sessions of a root once, and prints
 * `{ sessions, heapMb, rssMb, appendUs }`: what knowing them holds, and what an append to one of them costs then.
 */
import { openStore } from '../../../dist/index.js'
import { median, timed } from '../harness.mjs'
import { messageInputs } from '../workload.mjs'

const ROUNDS = 15
const COUNT = 200
const [, , root, watch] = process.argv

const before = heap()
const store = await openStore(root, { watch: watch === 'watch' })
let sessions = 0
for (let cursor; ;) {
  const page = await store.list({ limit: 1000, ...(cursor === undefined ? {} : { cursor }) })
  sessions += page.items.length
  cursor = page.next
  if (cursor === undefined) break
}
const heapMb = (heap() - before) / 1e6
const rssMb = process.memoryUsage().rss / 1e6

const session = await store.create()
const inputs = messageInputs(COUNT)
const times = []
for (let round = 0; round < ROUNDS; round++) {
  times.push(
    await timed(async () => {
      for (const input of inputs) await session.add(input)
    }, COUNT),
  )
}
await store.close()
// The first rounds are of code that is not compiled yet.
console.log(JSON.stringify({ sessions, heapMb, rssMb, appendUs: 1000 * median(times.slice(5)) }))

function heap() {
  for (let i = 0; i < 5; i++) globalThis.gc()
  return process.memoryUsage().heapUsed
}
