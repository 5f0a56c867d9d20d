/**
 * F8: a message that is streamed in deltas of five characters.
 *
 * A delta's latency counts from just before `text` in one process to the piece that brings its last character to a follower in another one, so that what is
 * held back to be written at once is in it. The overhead of a delta is a loop of `text` calls that gives no turn to the event loop but every 100 deltas, as
 * an answer from a network does; the writing to the side file is in it.
 */
import { fork } from 'node:child_process'
import { once } from 'node:events'
import { readFileSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import { projectFile } from './children.mjs'
import { compare, percentile } from './harness.mjs'
import { foldlog, missing } from './peers.mjs'
import { atMost, number } from './table.mjs'
import { removeFolder, tempFolder } from './temp.mjs'

setFlagsFromString('--expose-gc')
const collectGarbage = runInNewContext('gc')

const DELTAS = 2000
const GAP_MS = 5
const MANY = 200_000

/** @param {import('./run.mjs').Options} options @returns {Promise<import('./table.mjs').Report>} */
export async function measureStream({ rounds, quick }) {
  const head = { id: 'F8', title: 'streaming' }
  if (missing.foldlog !== undefined) return { ...head, tables: [], checks: [], notes: [missing.foldlog] }
  const count = quick ? 200 : DELTAS
  const root = tempFolder('stream')
  const store = await foldlog.openStore(root)
  const followed = await follow(store, count)
  const sizes = await sizesOf(root, store, followed)
  const ways = [
    { name: 'a text that grows in memory', sample: () => grow(count) },
    { name: 'draft.text', sample: () => stream(store, count) },
    { name: 'draft.text, a listener of the bus and a follower', sample: () => stream(store, count, true) },
  ]
  const overhead = await compare(ways, rounds ?? 20, { warmup: 3 })
  const memory = await memoryOf(store, quick ? 20_000 : MANY)
  await store.close()
  removeFolder(root)
  const row = { name: 'another process', samples: followed.latencies }
  const p99 = { name: 'p99', samples: [percentile(followed.latencies, 0.99)] }
  return {
    ...head,
    tables: [
      {
        caption: `${number(count)} deltas, one each ${GAP_MS} ms, until a follower in another process has them`,
        columns: ['p50', 'p99', 'slowest', 'pieces', 'text'],
        cells: [
          [
            row.name,
            ...[0.5, 0.99, 1].map((share) => `${number(percentile(row.samples, share))} ms`),
            number(followed.pieces),
            followed.isWhole ? 'identical' : 'DIFFERENT',
          ],
        ],
      },
      { caption: 'each delta', unit: 'µs', rows: overhead },
    ],
    notes: [
      `The log grew by ${number(sizes.streamed)} bytes; the message added at once takes ${number(sizes.whole)}.`,
      `${number(memory.deltas)} deltas of 5 characters, streamed and followed in one process, left ${number(memory.bytes / memory.chars)} bytes on the heap for each character before the end.`,
    ],
    checks: [
      atMost('behind, p99', p99, 300, 'ms'),
      atMost(
        'log bytes, of those of the message added at once (and 1 KB)',
        { name: '', samples: [(sizes.streamed - 1024) / sizes.whole] },
        1.1,
        '×',
      ),
      atMost('each delta', overhead[1], 20, 'µs'),
      atMost('each delta, with a listener and a follower', overhead[2], 20, 'µs'),
      atMost('heap, bytes for each character', { name: '', samples: [memory.bytes / memory.chars] }, 4, 'bytes'),
    ],
  }
}

/**
 * @param {import('../../dist/index.js').Store} store
 * @param {number} count
 */
async function follow(store, count) {
  const session = await store.create({ id: 'followed' })
  const child = fork(projectFile('test/bench/children/streamer.mjs'))
  await once(child, 'message')
  child.send({ root: store.root, sessionId: 'followed', count, gapMs: GAP_MS })
  const [{ messageId }] = await once(child, 'message')
  const done = once(child, 'message')
  /** @type {{ end: number, at: bigint }[]} */
  const pieces = []
  let text = ''
  for await (const piece of session.follow(messageId)) {
    text += piece
    pieces.push({ end: text.length, at: process.hrtime.bigint() })
  }
  const [{ times }] = await done
  child.disconnect()
  let next = 0
  const latencies = times.map((time, index) => {
    while (pieces[next].end < (index + 1) * 5) next++
    return Number(pieces[next].at - BigInt(time)) / 1e6
  })
  const message = await session.message(messageId)
  const isWhole = text === textOf(count) && message.parts[0].text === text
  return { messageId, latencies, pieces: pieces.length, isWhole }
}

/** What the log took for the streamed message, and what it takes to add the same at once. */
async function sizesOf(root, store, { messageId }) {
  const path = join(root, 'default', 'followed.jsonl')
  const [created] = readFileSync(path, 'utf8').split('\n')
  const streamed = statSync(path).size - created.length - 1
  const { role, parts, usage } = await (await store.get('followed')).message(messageId)
  const session = await store.create({ id: 'whole' })
  const before = statSync(join(root, 'default', 'whole.jsonl')).size
  await session.add({ role, parts, usage })
  return { streamed, whole: statSync(join(root, 'default', 'whole.jsonl')).size - before }
}

/** @param {number} count */
async function grow(count) {
  let text = ''
  const start = performance.now()
  for (let i = 0; i < count; i++) {
    text += DELTA
    if (i % 100 === 99) await new Promise(setImmediate)
  }
  const us = ((performance.now() - start) * 1000) / count
  if (text.length !== count * DELTA.length) throw new Error(`${text.length} characters are there`)
  return us
}

const DELTA = 'abcde'
let sessions = 0

/**
 * @param {import('../../dist/index.js').Store} store
 * @param {number} count
 * @param {boolean} isWatched whether somebody listens to the bus and follows the message in this process
 * @returns {Promise<number>} µs for each delta
 */
async function stream(store, count, isWatched = false) {
  const session = await store.create({ id: `streamed-${sessions++}` })
  const draft = await session.stream()
  let heard = 0
  const off = isWatched ? store.on('part.delta', ({ delta }) => (heard += delta.length)) : () => {}
  const followed = isWatched ? session.follow(draft.id).message() : undefined
  const start = performance.now()
  for (let i = 0; i < count; i++) {
    draft.text(DELTA)
    if (i % 100 === 99) await new Promise(setImmediate)
  }
  const ms = performance.now() - start
  await draft.end()
  await followed
  off()
  if (isWatched && heard !== count * DELTA.length) throw new Error(`${heard} characters were heard`)
  return (ms * 1000) / count
}

/** What a long draft keeps, while it is followed. */
async function memoryOf(store, deltas) {
  const session = await store.create({ id: 'long' })
  const draft = await session.stream()
  const followed = session.follow(draft.id).message()
  collectGarbage()
  const before = process.memoryUsage().heapUsed
  for (let i = 0; i < deltas; i++) {
    draft.text(DELTA)
    if (i % 100 === 99) await new Promise(setImmediate)
  }
  await new Promise((resolve) => setTimeout(resolve, 600))
  collectGarbage()
  const bytes = process.memoryUsage().heapUsed - before
  await draft.end()
  await followed
  return { bytes, chars: deltas * DELTA.length, deltas }
}

/** @param {number} count */
function textOf(count) {
  return Array.from({ length: count }, (_, index) => String(index).padStart(5, '.')).join('')
}
