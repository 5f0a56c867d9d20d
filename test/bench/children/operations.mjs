/**
 * `node operations.mjs <operation> <count> <root>`: does a thing so many times, and prints what the engine asked of the disk for all
 * of them, as `{ calls, bytesRead, bytesWritten }`. Run it under strace with two counts to see what the kernel was asked.
 *
 * The root has the session `long` and other ones, which are known to the infos cache.
 */
import { Bus, openStore } from '../../../dist/index.js'
import { io } from '../../../dist/backends/file/io.js'
import { messageInputs } from '../workload.mjs'

const CALLERS = 100
const WARM = 10
const [, , operation, given, root] = process.argv
const count = Number(given)
const inputs = messageInputs(CALLERS)
const fsync = operation === 'append, synced' ? 'always' : 'never'
const work = { calls: 0, bytesRead: 0, bytesWritten: 0 }

const store = await openStore(root, { fsync })
const OPERATIONS = {
  append: oneByOne,
  'append, synced': oneByOne,
  'append, 100 callers': () => {
    const session = store.create()
    return async (i) => {
      if (i % CALLERS === 0) await Promise.all(inputs.map(async (input) => (await session).add(input)))
    }
  },
  open: () => async () => {
    const other = await openStore(root, { bus: new Bus() })
    if ((await other.get('long')).info.head === undefined) throw new Error('an empty session')
    await other.close()
  },
  'the newest 50': async () => {
    const session = await store.get('long')
    return async () => (await session.messages({ limit: 50 })).length
  },
  'all messages': async () => {
    const session = await store.get('long')
    return async () => (await session.messages()).length
  },
  'list 50': () => async () => (await store.list({ limit: 50 })).items.length,
  'list 50, new store': () => async () => {
    const other = await openStore(root, { bus: new Bus() })
    await other.list({ limit: 50 })
    await other.close()
  },
}

const run = await OPERATIONS[operation]()
// The first time is another matter: a file that is opened, code that is loaded.
for (let i = 0; i < WARM; i++) await run(i)
countCalls()
const before = { ...work }
for (let i = 0; i < count; i++) await run(i)
const { calls, bytesRead, bytesWritten } = work
await store.close()
console.log(
  JSON.stringify({
    calls: calls - before.calls,
    bytesRead: bytesRead - before.bytesRead,
    bytesWritten: bytesWritten - before.bytesWritten,
  }),
)

async function oneByOne() {
  const session = await store.create()
  return (i) => session.add(inputs[i % inputs.length])
}

/** Everything is passed on. */
function countCalls() {
  for (const [name, real] of Object.entries(io)) {
    io[name] = (...args) => {
      work.calls++
      const result = real(...args)
      if (name === 'readSync') work.bytesRead += result
      if (name === 'writeSync') work.bytesWritten += result
      return result
    }
  }
}
