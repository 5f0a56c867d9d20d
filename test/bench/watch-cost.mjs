/**
 * F19: what watching costs, by how many sessions there are; and the last of two appends, which some watchers never tell.
 *
 * The cost is the processor time of a process of its own that does nothing but watch while another one appends, less that of
 * the same time without an append.
 */
import { fork } from 'node:child_process'
import { once } from 'node:events'
import { appendFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as wait } from 'node:timers/promises'
import { projectFile } from './children.mjs'
import { compare } from './harness.mjs'
import { missing } from './peers.mjs'
import { atMost, most, number, ratio } from './table.mjs'
import { removeFolder } from './temp.mjs'
import { product, withChokidar, withFsWatch, writeSessions } from './watch.mjs'
import { lines } from './workload.mjs'

/** Between two appends; after the second nothing more comes. */
const GAPS_MS = [1, 3, 8, 20, 40, 60]
/** After so long nothing comes any more. */
const LOST_MS = 1000
const APPEND_GAP_MS = 25
const CHOKIDAR_6 = ['--import', projectFile('test/bench/children/with-chokidar-6.mjs')]

/** @typedef {import('node:child_process').ChildProcess} ChildProcess */

/** @param {import('./run.mjs').Options} options @returns {Promise<import('./table.mjs').Report>} */
export async function measureWatchCost({ rounds, quick, scale }) {
  const title = 'what watching costs'
  if (missing.foldlog !== undefined) return { id: 'F19', title, tables: [], checks: [], notes: [missing.foldlog] }
  const writer = fork(projectFile('test/bench/children/writer.mjs'))
  await once(writer, 'message')
  const pairs = await losePairs(writer, quick ? 1 : 20)
  const sizes = quick ? [10, 100] : [10, 1000, 10_000, 50_000].filter((size) => size <= 50_000 * scale)
  const costs = []
  const plan = { writer, appends: quick ? 5 : 100, rounds: rounds ?? (quick ? 1 : 3) }
  for (const count of sizes) costs.push(await costsOf(writeSessions(count), plan))
  const length = quick ? 1000 : Math.ceil(100_000 * scale)
  const long = await costsOf(writeLong(sizes[0], length), plan)
  writer.disconnect()
  const shown = number(sizes.at(-1) ?? 0)
  const [few, many] = [costs[0], costs.at(-1) ?? costs[0]]
  return {
    id: 'F19',
    title,
    tables: [
      { caption: 'the second of two appends lost, ms apart', columns: GAPS_MS.map(String), cells: pairs.cells },
      ...sizes.flatMap((count, i) => [
        { caption: `processor time for an append, ${number(count)} sessions`, unit: 'ms', rows: costs[i].cpu },
      ]),
      { caption: `processor time for an append, to ${number(length)} messages`, unit: 'ms', rows: long.cpu },
      startTable(sizes, costs),
    ],
    checks: [
      most(`W2: second appends lost of ${number(pairs.sent)}`, pairs.lost, 0),
      atMost(`W3: at ${shown} sessions`, many.cpu[4], 1, 'ms'),
      atMost(`W3: at ${shown} sessions, with chokidar 6`, many.cpu[5], 1, 'ms'),
      ratio(`W3: at ${shown} sessions, to at ${number(sizes[0])}, with chokidar 6`, many.cpu[5], few.cpu[5], 2),
      ratio(`W3: to ${number(length)} messages, to 4, with chokidar 6`, long.cpu[5], few.cpu[5], 2),
    ],
  }
}

/** @param {ChildProcess} writer @param {number} each pairs for each gap */
async function losePairs(writer, each) {
  const root = writeSessions(20)
  const followers = [product('foldlog', root), withFsWatch(root), withChokidar(root), withChokidar(root, 'chokidar-6')]
  const cells = []
  for (const [i, follower] of followers.entries()) {
    const lost = []
    for (const gapMs of GAPS_MS) lost.push(await losePairsAt(follower, writer, `pairs-${i}-${gapMs}`, { gapMs, each }))
    cells.push({ name: follower.name, lost })
  }
  removeFolder(root)
  return {
    cells: cells.map(({ name, lost }) => [name, ...lost.map(number)]),
    lost: cells[0].lost.reduce((sum, count) => sum + count, 0),
    sent: GAPS_MS.length * each,
  }
}

/**
 * @param {import('./watch.mjs').Follower} follower @param {ChildProcess} writer @param {string} sessionId
 * @param {{ gapMs: number, each: number }} plan
 * @returns {Promise<number>} how many of the second ones never came
 */
async function losePairsAt({ root, follow }, writer, sessionId, { gapMs, each }) {
  appendFileSync(join(root, 'default', `${sessionId}.jsonl`), lines(2, Date.now() - 1e7, 7).join(''))
  /** @type {Set<string>} */
  const seen = new Set()
  const stop = await follow(sessionId, (text) => {
    const sent = text.slice(0, text.indexOf(' '))
    if (/^\d+$/.test(sent)) seen.add(sent)
  })
  let lost = 0
  for (let pair = 1; pair <= each; pair++) {
    const before = seen.size
    writer.send({ root, sessionId, count: 2, gapMs, isExact: true })
    await once(writer, 'message')
    const end = performance.now() + LOST_MS
    while (seen.size < before + 2 && performance.now() < end) await wait(5)
    if (seen.size < before + 2) lost++
    // A follower that has lost one reads it with the next pair, before which it must have come to rest.
    await wait(100)
    seen.clear()
  }
  await stop()
  return lost
}

/** Sessions, of which the one that is appended to is long. @param {number} count @param {number} length messages */
function writeLong(count, length) {
  const root = writeSessions(count)
  writeFileSync(join(root, 'default', 'other-0.jsonl'), lines(length, Date.now() - length * 1000 - 1e7).join(''))
  return root
}

/** @param {string} root @param {{ writer: ChildProcess, appends: number, rounds: number }} plan `appends` a sample */
async function costsOf(root, { writer, appends, rounds }) {
  const ways = [
    { name: 'nothing watched', how: 'nothing' },
    { name: 'fs.watch of the directory', how: 'fsWatch' },
    { name: 'chokidar 5', how: 'chokidar' },
    { name: 'chokidar 6', how: 'chokidar', options: CHOKIDAR_6 },
    { name: 'foldlog', how: 'foldlog' },
    { name: 'foldlog with chokidar 6', how: 'foldlog', options: CHOKIDAR_6 },
  ]
  const started = []
  const children = []
  for (const { how, options = [] } of ways) {
    const child = fork(projectFile('test/bench/children/watching.mjs'), [how, root], { execArgv: options })
    const [ready] = await once(child, 'message')
    started.push(ready)
    children.push(child)
    // Only one of them watches at a time: what the others do with the same signals would be in its way.
    child.kill('SIGSTOP')
  }
  const cpu = await compare(
    ways.map(({ name }, i) => ({ name, sample: () => costOf(children[i], { root, writer, appends }) })),
    rounds,
    { warmup: 1 },
  )
  for (const child of children) child.kill('SIGKILL')
  removeFolder(root)
  return { names: ways.map(({ name }) => name), started, cpu }
}

/**
 * @param {ChildProcess} child @param {{ root: string, writer: ChildProcess, appends: number }} plan
 * @returns {Promise<number>} ms of processor time an append
 */
async function costOf(child, { root, writer, appends }) {
  child.kill('SIGCONT')
  // What came while it was stopped is done with first.
  await wait(500)
  await tell(child)
  await wait(appends * APPEND_GAP_MS)
  const { cpuMs: idle } = await tell(child)
  writer.send({ root, sessionId: 'other-0', count: appends, gapMs: APPEND_GAP_MS })
  await once(writer, 'message')
  await wait(100)
  const { cpuMs } = await tell(child)
  child.kill('SIGSTOP')
  return Math.max(0, cpuMs - idle) / appends
}

/** @param {ChildProcess} child @returns {Promise<{ cpuMs: number, seen: number }>} */
async function tell(child) {
  child.send('')
  const [answer] = await once(child, 'message')
  return answer
}

/** @param {readonly number[]} sizes @param {readonly Awaited<ReturnType<typeof costsOf>>[]} costs @returns {import('./table.mjs').Cells} */
function startTable(sizes, costs) {
  const cell = (/** @type {{ readyMs: number, rssMb: number }} */ { readyMs, rssMb }) =>
    `${number(readyMs)} ms, ${number(rssMb)} MB`
  return {
    caption: 'until it watches, and the memory of the process, by sessions',
    columns: sizes.map((size) => number(size)),
    cells: costs[0].names.map((name, i) => [name, ...costs.map(({ started }) => cell(started[i]))]),
  }
}
