/**
 * `node --expose-gc memory.mjs <reader> <small file> <file> <count>`: prints the megabytes that what it read holds.
 *
 * The small file is read before, so that all code is loaded and not counted.
 */
import { setTimeout } from 'node:timers/promises'
import { READERS } from '../readers.mjs'

const [, , name, small, file, count] = process.argv
const read = READERS[name]
await (await read(small)).store?.close()
const before = await heap()
const held = await read(file)
const after = await heap()
// Used after the measurement, so that nothing of it was garbage by then.
const messages = (held.messages ?? held).length
if (messages < Number(count)) throw new Error(`${messages} of ${count} messages`)
await held.store?.close()
console.log((after - before) / 1e6)

async function heap() {
  // V8 throws code away that was not run for some collections, and buffers go a while after they were collected.
  for (let i = 0; i < 10; i++) {
    globalThis.gc()
    await setTimeout(1)
  }
  const { heapUsed, external } = process.memoryUsage()
  return heapUsed + external
}
