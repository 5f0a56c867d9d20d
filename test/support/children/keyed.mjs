/**
 * Adds a message under a key when it is told, as `<key> <at>`, at that time in ms since the epoch, so that several processes do it at once; says the
 * id of the message it was answered, or what went wrong.
 *
 * Arguments: the root, the session, a name that the texts begin with. Says `ready` first.
 */
import { createInterface } from 'node:readline'
import { openStore } from '../../../dist/index.js'

const [root, sessionId, name] = process.argv.slice(2)
const store = await openStore(root, { fsync: 'never' })
const session = await store.get(sessionId)
process.stdout.write('ready\n')
for await (const line of createInterface({ input: process.stdin })) {
  const [key, at] = line.split(' ')
  while (Date.now() < Number(at));
  const said = await session.add({ text: `${name} ${key}` }, { key }).catch((error) => error)
  process.stdout.write(`${said.id ?? said}\n`)
}
await store.close()
