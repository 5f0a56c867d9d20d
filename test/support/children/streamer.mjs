/**
 * Streams a message of numbered deltas, five characters each.
 *
 * Arguments: the root, the session, how many deltas, how many ms between them, and what to do then: `end`, `fail`, `close`, `exit` or `wait`; a
 * sixth one holds store options. Says `ready`, waits for a line, says the id of the message, then how many deltas it has made after each, and
 * `ended` once the end is acknowledged. A second line ends the process.
 */
import { createInterface } from 'node:readline'
import { setTimeout as wait } from 'node:timers/promises'
import { openStore } from '../../../dist/index.js'

const [root, sessionId, count, gapMs, then = 'end', options = '{}'] = process.argv.slice(2)
const store = await openStore(root, { fsync: 'never', ...JSON.parse(options) })
const session = await store.get(sessionId)
const told = createInterface({ input: process.stdin })[Symbol.asyncIterator]()
const say = (line) => process.stdout.write(`${line}\n`)

say('ready')
await told.next()
const draft = await session.stream({ role: 'assistant' })
say(draft.id)
for (let i = 0; i < Number(count); i++) {
  draft.text(String(i).padStart(5, '.'))
  say(i + 1)
  await wait(Number(gapMs))
}
if (then === 'end') await draft.end({ usage: { outputTokens: Number(count) } })
if (then === 'fail') await draft.fail(new Error('it went wrong'))
if (then === 'close') await store.close()
if (then === 'exit') process.exit()
say('ended')
await told.next()
await store.close()
process.exit()
