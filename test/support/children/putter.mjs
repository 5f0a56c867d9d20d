/**
 * Stores files in session `s` of a root.
 *
 *     endless         one that never ends; says so when some of it is written
 *     flat <MB>       one of so many MB, and reads it back; says by how many bytes memory grew
 *     race <rounds>   the same few again and again, each named and looked for, then the session is deleted; says how often one was lost
 */
import { setImmediate } from 'node:timers/promises'
import { openStore } from '../../../dist/index.js'

const [root, what, amount] = process.argv.slice(2)
const store = await openStore(root, { fsync: 'never' })
const MB = 1 << 20
/** What gc of the other side leaves alone. */
const YOUNG_MS = 100

const DO = {
  async endless() {
    async function* bytes() {
      for (let i = 0; ; i++) {
        if (i === 8) console.log('writing')
        yield Buffer.alloc(MB, i)
        await setImmediate()
      }
    }
    await (await store.get('s')).file('endless.bin', bytes())
  },
  async flat() {
    const session = await store.get('s')
    let most = 0
    const before = process.memoryUsage().rss
    const look = () => (most = Math.max(most, process.memoryUsage().rss))
    async function* bytes() {
      for (let i = 0; i < Number(amount); i++) {
        yield Buffer.allocUnsafe(MB).fill(i)
        look()
        await setImmediate()
      }
    }
    const part = await session.file('big.bin', bytes())
    let sizeBytes = 0
    for await (const chunk of session.openFile(part)) {
      sizeBytes += chunk.length
      look()
      await setImmediate()
    }
    if (sizeBytes !== Number(amount) * MB || part.sizeBytes !== sizeBytes) throw new Error(`read ${sizeBytes}`)
    console.log(most - before)
  },
  async race() {
    let [lost, checked] = [0, 0]
    for (let i = 0; i < Number(amount); i++) {
      const session = await store.create()
      const start = Date.now()
      const bytes = Buffer.from(`file ${i % 40}`)
      const part = await session.file('a.txt', i % 3 === 0 ? pieces(bytes) : bytes)
      await session.add({ parts: [part] })
      // What took longer gc may have taken for garbage.
      if (Date.now() - start < YOUNG_MS) {
        checked++
        if ((await store.getFile(part.file)) === undefined) lost++
      }
      await store.delete(session.id)
    }
    console.log(JSON.stringify({ lost, checked }))
  },
}

async function* pieces(bytes) {
  yield bytes
}

await DO[what]()
await store.close()
