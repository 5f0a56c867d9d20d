/**
 * `node --expose-gc live.mjs <root> <count>`: holds so many sessions open at once and adds a message to each, twice around. Prints
 * `{ descriptors, heapMb, rssMb, addUs }`: the most descriptors of the process that were open, and what the second time around took.
 */
import { readdirSync } from 'node:fs'
import { openStore } from '../../../dist/index.js'
import { timed } from '../harness.mjs'

const [, , root, given] = process.argv
const count = Number(given)
const before = heap()
let descriptors = 0
const store = await openStore(root)
const sessions = []
for (let i = 0; i < count; i++) sessions.push(await store.create())
await around()
const ms = await timed(around, count)
const heapMb = (heap() - before) / 1e6
const counts = await Promise.all(sessions.map(async (session) => (await session.messages()).length))
if (counts.some((messages) => messages !== 2)) throw new Error('a message is missing')
await store.close()
const rssMb = process.memoryUsage().rss / 1e6
console.log(JSON.stringify({ descriptors, heapMb, rssMb, addUs: ms * 1000 }))

async function around() {
  for (const [i, session] of sessions.entries()) {
    await session.add({ text: 'one more message of a session that stays open' })
    if (i % 500 === 0) descriptors = Math.max(descriptors, openDescriptors())
  }
}

function openDescriptors() {
  try {
    return readdirSync('/proc/self/fd').length
  } catch (error) {
    // Only Linux tells.
    if (error.code === 'ENOENT') return 0
    throw error
  }
}

function heap() {
  for (let i = 0; i < 5; i++) globalThis.gc()
  return process.memoryUsage().heapUsed
}
