/**
 * Adds messages until it is killed, and says the id of each once it is acknowledged; each has some sessions of its own.
 * Arguments: the root, the policy of `fsync`, and texts of how many characters.
 */
import { writeSync } from 'node:fs'
import { openStore } from '../../../dist/index.js'

const [root, fsync, size] = process.argv.slice(2)
const store = await openStore(root, { fsync })
for (let s = 0; ; s++) {
  const session = await store.create({ id: `s${s}` })
  for (let m = 0; m < 20; m++) {
    const { id } = await session.add({ id: `s${s}.${m}`, text: 'x'.repeat(Number(size)) })
    writeSync(1, `${id} ${Date.now()}\n`)
  }
}
