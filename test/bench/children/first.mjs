/** `node first.mjs raw|foldlog <folder>`: prints the µs that each of the first 100 appends of a process takes. */
import { openSync, writeSync } from 'node:fs'
import { join } from 'node:path'
import { timed } from '../harness.mjs'
import { events, messageInputs } from '../workload.mjs'

const COUNT = 100
const [, , way, folder] = process.argv
const ms = way === 'raw' ? await raw() : await product()
console.log(ms * 1000)

async function raw() {
  const fd = openSync(join(folder, 'log.jsonl'), 'a')
  const items = events(COUNT, Date.now() - 1e9).slice(1)
  return timed(() => items.forEach((item) => writeSync(fd, `${JSON.stringify(item)}\n`)), COUNT)
}

async function product() {
  const { openStore } = await import('../../../dist/index.js')
  const store = await openStore(folder)
  const session = await store.create()
  const inputs = messageInputs(COUNT)
  const result = await timed(async () => {
    for (const input of inputs) await session.add(input)
  }, COUNT)
  await store.close()
  return result
}
