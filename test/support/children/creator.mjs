/**
 * Creates sessions until it is killed, and says the id of each once it is acknowledged. Argument: the root.
 */
import { openStore } from '../../../dist/index.js'

const store = await openStore(process.argv[2])
for (let i = 0; ; i++) {
  const id = `${process.pid}-${i}`
  await store.create({ id, title: `session ${id}` })
  process.stdout.write(`${id}\n`)
}
