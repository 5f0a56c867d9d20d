/**
 * Streams messages of deltas of five characters on command, and says when it made each.
 *
 * Is told `{ root, sessionId, count, gapMs }`, says `{ messageId }` when it begins and `{ times }` when it has ended: the system's monotonic clock in ns,
 * as text, just before each delta.
 */
import { setTimeout as wait } from 'node:timers/promises'
import { openStore } from '../../../dist/index.js'

process.on('message', (order) => void stream(order))
process.send({ ready: true })

/** @param {{ root: string, sessionId: string, count: number, gapMs: number }} order */
async function stream({ root, sessionId, count, gapMs }) {
  const store = await openStore(root)
  const session = await store.get(sessionId)
  const draft = await session.stream({ role: 'assistant' })
  process.send({ messageId: draft.id })
  /** @type {string[]} */
  const times = []
  for (let i = 0; i < count; i++) {
    times.push(String(process.hrtime.bigint()))
    draft.text(String(i).padStart(5, '.'))
    await wait(gapMs * (0.5 + Math.random()))
  }
  await draft.end({ usage: { outputTokens: count } })
  process.send({ times })
  await store.close()
}
