/**
 * Adds messages to a session until it is killed, each only if the conversation still ends where it saw it end.
 *
 * Arguments: the root, the session, a name, and texts of up to how many characters. The messages have the ids `<name>.<n>`; the metadata of each
 * says which head was expected. Says `won <id>` or `lost <id>` once that is known, and whatever else went wrong as `failed <id> <code>`.
 */
import { openStore } from '../../../dist/index.js'

const [root, sessionId, name, longest] = process.argv.slice(2)
const store = await openStore(root, { fsync: 'never' })
const session = await store.get(sessionId)
const say = (line) => process.stdout.write(`${line}\n`)

let expectedHead = session.info.head ?? null
for (let n = 0; ; n++) {
  const id = `${name}.${n}`
  const text = 'ä'.repeat(1 + Math.floor(Math.random() ** 30 * Number(longest)))
  try {
    await session.add({ id, text, metadata: { expectedHead } }, { expectedHead })
    say(`won ${id}`)
    expectedHead = id
  } catch (error) {
    if (error.code === 'HEAD_MOVED') expectedHead = error.head
    say(error.code === 'HEAD_MOVED' ? `lost ${id}` : `failed ${id} ${error.code} ${error.message}`)
  }
  // The longer the log, the longer it takes those that come back to read it.
  await new Promise((resolve) => setTimeout(resolve, Math.random() * 6))
}
