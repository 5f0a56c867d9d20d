/**
 * F4: a message added in one process, until a listener in another one has it.
 *
 * Every way follows the same writer, a child process that uses the product. The latency counts from just before `add`
 * to the call of the listener, so the append is in it. A burst is 10,000 appends without a pause; what has not come
 * when nothing came for three seconds is missed.
 */
import { fork } from 'node:child_process'
import { once } from 'node:events'
import {
  appendFileSync,
  closeSync,
  fstatSync,
  mkdirSync,
  openSync,
  readdirSync,
  readFileSync,
  readSync,
  watch,
  writeFileSync,
} from 'node:fs'
import { join } from 'node:path'
import { setTimeout as wait } from 'node:timers/promises'
import { projectFile } from './children.mjs'
import { median, percentile } from './harness.mjs'
import { foldlog, missing } from './peers.mjs'
import { most, number } from './table.mjs'
import { tempFolder } from './temp.mjs'
import { lines } from './workload.mjs'

const FEW = 20
const MANY = 10_000
const QUIET_MS = 3000

/**
 * @typedef {object} Follower a way to hear of another process's messages
 * @property {string} name
 * @property {string} root
 * @property {(sessionId: string, onText: (text: string) => void) => Promise<() => unknown>} follow stops by the result
 */

/** @param {import('./run.mjs').Options} options @returns {Promise<import('./table.mjs').Report>} */
export async function measureWatch({ rounds, quick }) {
  if (missing.foldlog !== undefined)
    return { id: 'F4', title: 'watch', tables: [], checks: [], notes: [missing.foldlog] }
  const small = writeSessions(FEW)
  const many = quick ? 200 : MANY
  const big = writeSessions(many)
  const writer = fork(projectFile('test/bench/children/writer.mjs'))
  await once(writer, 'message')
  const followers = [
    product('foldlog', small),
    withFsWatch(small),
    withChokidar(small),
    withChokidar(small, 'chokidar-6'),
    product(`foldlog, ${number(many)} sessions in the directory`, big),
  ]
  const paced = await run(followers, writer, { rounds: rounds ?? 6, count: quick ? 20 : 100, gapMs: 20 })
  const bursts = await run(followers.slice(0, 4), writer, { rounds: rounds ?? 3, count: quick ? 500 : MANY, gapMs: 0 })
  writer.disconnect()
  const descriptors = await countDescriptors(small)
  return report(paced, bursts, descriptors)
}

/** @param {number} count @returns {string} the root */
export function writeSessions(count) {
  const root = tempFolder('watch')
  mkdirSync(join(root, 'default'))
  for (let i = 0; i < count; i++) {
    writeFileSync(join(root, 'default', `other-${i}.jsonl`), lines(4, Date.now() - 1e8, i + 1).join(''))
  }
  return root
}

/**
 * @typedef {object} Outcome
 * @property {Follower} follower
 * @property {number[]} latencies in ms, of all rounds but the first
 * @property {number} sent
 * @property {number[]} seconds until the last message was there, of the rounds that missed none
 */

/**
 * All followers in turn, in rotated order, each with a fresh session.
 *
 * @param {readonly Follower[]} followers
 * @param {import('node:child_process').ChildProcess} writer
 * @param {{ rounds: number, count: number, gapMs: number }} plan
 * @returns {Promise<Outcome[]>}
 */
async function run(followers, writer, { rounds, count, gapMs }) {
  /** @type {Outcome[]} */
  const outcomes = followers.map((follower) => ({ follower, latencies: [], sent: 0, seconds: [] }))
  for (let round = 0; round <= rounds; round++) {
    for (let i = 0; i < outcomes.length; i++) {
      const outcome = outcomes[(i + round) % outcomes.length]
      const { latencies, ms } = await followOnce(outcome.follower, writer, { count, gapMs })
      if (round === 0) continue
      outcome.latencies.push(...latencies)
      outcome.sent += count
      if (latencies.length === count) outcome.seconds.push(ms / 1000)
    }
  }
  return outcomes
}

let sessions = 0

/**
 * @param {Follower} follower
 * @param {import('node:child_process').ChildProcess} writer
 * @param {{ count: number, gapMs: number }} plan
 * @returns {Promise<{ latencies: number[], ms: number }>} of the messages that came; and how long it took until the last of them
 */
async function followOnce({ root, follow }, writer, { count, gapMs }) {
  const sessionId = `followed-${sessions++}`
  appendFileSync(join(root, 'default', `${sessionId}.jsonl`), lines(2, Date.now() - 1e7, 1000 + sessions).join(''))
  /** @type {Map<string, number>} */
  const seen = new Map()
  let news = 0
  const stop = await follow(sessionId, (text) => {
    const now = process.hrtime.bigint()
    const sent = text.slice(0, text.indexOf(' '))
    if (!/^\d+$/.test(sent) || seen.has(sent)) return
    seen.set(sent, Number(now - BigInt(sent)) / 1e6)
    news = performance.now()
  })
  const start = performance.now()
  writer.send({ root, sessionId, count, gapMs })
  await once(writer, 'message')
  const written = performance.now()
  while (seen.size < count && performance.now() - Math.max(news, written) < QUIET_MS) await wait(20)
  await stop()
  return { latencies: [...seen.values()], ms: news - start }
}

/** @param {string} name @param {string} root @returns {Follower} */
export function product(name, root) {
  /** @type {Follower['follow']} */
  const follow = async (sessionId, onText) => {
    const store = await foldlog.openStore(root, { watch: true })
    const off = store.on('message.created', (event) => {
      if (event.sessionId === sessionId && event.origin === 'external') onText(event.event.data.parts[0].text)
    })
    return async () => {
      off()
      await store.close()
    }
  }
  return { name, root, follow }
}

/** The least that can be done: any change in the directory, then read on where the file ended. @param {string} root @returns {Follower} */
export function withFsWatch(root) {
  return {
    name: 'fs.watch of the directory, read on',
    root,
    follow: async (sessionId, onText) => {
      const tail = new Tail(join(root, 'default', `${sessionId}.jsonl`), onText)
      const watcher = watch(join(root, 'default'), () => tail.readOn())
      return () => {
        watcher.close()
        tail.close()
      }
    },
  }
}

/** What most programs do with chokidar. @param {string} root @param {'chokidar' | 'chokidar-6'} version @returns {Follower} */
export function withChokidar(root, version = 'chokidar') {
  return {
    name: `${version === 'chokidar' ? 'chokidar 5' : 'chokidar 6'}, \`change\` of the file, read on`,
    root,
    follow: async (sessionId, onText) => {
      const { watch: watchPath } = await import(version)
      const path = join(root, 'default', `${sessionId}.jsonl`)
      const tail = new Tail(path, onText)
      const watcher = watchPath(path, { ignoreInitial: true })
      watcher.on('change', () => tail.readOn())
      await once(watcher, 'ready')
      return async () => {
        await watcher.close()
        tail.close()
      }
    },
  }
}

/** Reads what is new at the end of a file. */
class Tail {
  #fd
  #offset
  #onText
  /** @type {Buffer} */
  #rest = Buffer.alloc(0)

  /** @param {string} path @param {(text: string) => void} onText */
  constructor(path, onText) {
    this.#fd = openSync(path, 'r')
    this.#offset = fstatSync(this.#fd).size
    this.#onText = onText
  }

  readOn() {
    const chunk = Buffer.alloc(Math.max(0, fstatSync(this.#fd).size - this.#offset))
    const read = readSync(this.#fd, chunk, 0, chunk.length, this.#offset)
    this.#offset += read
    let bytes = Buffer.concat([this.#rest, chunk.subarray(0, read)])
    for (let end = bytes.indexOf(10); end >= 0; end = bytes.indexOf(10)) {
      const event = JSON.parse(bytes.toString('utf8', 0, end))
      if (event.type === 'message.created') this.#onText(event.data.parts[0].text)
      bytes = bytes.subarray(end + 1)
    }
    this.#rest = bytes
  }

  close() {
    closeSync(this.#fd)
  }
}

/**
 * @param {string} root
 * @returns {Promise<{ held: number, directories: number } | undefined>} undefined where the system does not tell
 */
async function countDescriptors(root) {
  const before = inotifyWatches()
  if (before === undefined) return undefined
  const store = await foldlog.openStore(root, { watch: true })
  await store.get('other-0')
  const held = (inotifyWatches() ?? 0) - before
  await store.close()
  const inside = readdirSync(root, { recursive: true, withFileTypes: true }).filter((entry) => entry.isDirectory())
  return { held, directories: inside.length + 1 }
}

/** How many inotify watches this process holds. */
function inotifyWatches() {
  try {
    const all = readdirSync('/proc/self/fdinfo').map(fdInfo).join('\n')
    return all.split('\n').filter((line) => line.startsWith('inotify wd:')).length
  } catch (error) {
    // Only Linux tells.
    if (error.code === 'ENOENT') return undefined
    throw error
  }
}

/** @param {string} fd */
function fdInfo(fd) {
  try {
    return readFileSync(`/proc/self/fdinfo/${fd}`, 'utf8')
  } catch {
    // The one that listed the folder is closed by now.
    return ''
  }
}

/**
 * @param {Outcome[]} paced @param {Outcome[]} bursts
 * @param {Awaited<ReturnType<typeof countDescriptors>>} descriptors
 * @returns {import('./table.mjs').Report}
 */
function report(paced, bursts, descriptors) {
  const [{ latencies }] = paced
  const [burst] = bursts
  return {
    id: 'F4',
    title: "another process's appends",
    tables: [
      {
        caption: `${number(paced[0].sent)} appends, 20 ms apart`,
        columns: ['p50, ms', 'p99, ms', 'longest, ms', 'missed'],
        cells: paced.map(({ follower, latencies: all, sent }) => [
          follower.name,
          ...[0.5, 0.99, 1].map((share) => number(percentile(all, share))),
          number(sent - all.length),
        ]),
      },
      {
        caption: `${number(bursts[0].sent)} appends without a pause`,
        columns: ['missed', 'a burst, until the last one was there, s'],
        cells: bursts.map(({ follower, latencies: all, sent, seconds }) => [
          follower.name,
          number(sent - all.length),
          number(median(seconds)),
        ]),
      },
    ],
    checks: [
      most('W1: p50', percentile(latencies, 0.5), 1, 'ms'),
      most('W1: p99', percentile(latencies, 0.99), 15, 'ms'),
      most(`W2: missed of ${number(burst.sent)} appends without a pause`, burst.sent - burst.latencies.length, 0),
      most('watch descriptors, to directories', descriptors?.held, descriptors?.directories ?? 0),
    ],
  }
}
