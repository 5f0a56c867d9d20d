/**
 * `node open-log.mjs <way> <other file> <file>`: opens a log in one way and prints what it took, as
 * `{ count, ms, cpuMs, peakMb, newestMs?, warmMs? }`; `peakMb` is the most memory that the process ever had. `newestMs` is the first look at
 * the newest messages, `warmMs` what each takes after many.
 *
 * The other file is opened again and again before, so that all code is loaded and compiled.
 */
import { closeSync, fstatSync, openSync, readFileSync, readSync } from 'node:fs'
import { basename, dirname, join } from 'node:path'
import { readFoldlog, readSqlite } from '../readers.mjs'

const LF = 10
const CHUNK = 1 << 20
const WARM_MS = 1000
/** So many looks to get warm, and so many more that are timed. */
const LOOKS = 200
/** The first bytes of a line: `{"v":1,"id":"`, the id, `","type":"`. */
const ID = { from: 13, to: 39 }
const TYPE = 49

/**
 * Whole lines of a file, chunk by chunk; nothing of it is kept.
 *
 * @param {string} file @param {(bytes: Buffer, from: number, to: number) => void} onLine
 */
function eachLine(file, onLine) {
  const fd = openSync(file, 'r')
  let buffer = Buffer.allocUnsafe(CHUNK)
  let held = 0
  const { size } = fstatSync(fd)
  for (let at = 0; at < size;) {
    if (held === buffer.length) buffer = Buffer.concat([buffer, Buffer.allocUnsafe(buffer.length)])
    const read = readSync(fd, buffer, held, buffer.length - held, at)
    at += read
    const end = held + read
    let from = 0
    for (let lf = buffer.indexOf(LF); lf >= 0 && lf < end; lf = buffer.indexOf(LF, from)) {
      onLine(buffer, from, lf)
      from = lf + 1
    }
    buffer.copyWithin(0, from, end)
    held = end - from
  }
  closeSync(fd)
}

const WAYS = {
  /** The least that tells which events there are: their ids and types, in order. @param {string} file */
  scan: (file) => {
    let count = 0
    let last = ''
    const offsets = []
    eachLine(file, (bytes, from) => {
      const id = bytes.latin1Slice(from + ID.from, from + ID.to)
      if (id <= last) throw new Error(`${id} comes after ${last}`)
      last = id
      offsets.push(from)
      if (bytes[from + TYPE] === 0x6d) count++
    })
    return { count, offsets }
  },
  /** @param {string} file */
  parse: (file) => {
    const values = []
    eachLine(file, (bytes, from, to) => void values.push(JSON.parse(bytes.utf8Slice(from, to))))
    return { count: values.length, values }
  },
  /** @param {string} file */
  document: (file) => {
    const values = JSON.parse(readFileSync(file, 'utf8'))
    return { count: values.length, values }
  },
  /** @param {string} file */
  sqlite: async (file) => {
    const values = await readSqlite(file)
    return { count: values.length, values }
  },
  /** @param {string} file */
  newestSqlite: async (file) => {
    const { Database } = await import('../peers/sqlite.mjs')
    const db = new Database(file, { readonly: true })
    const select = db.prepare('select line from events where session = ? order by id desc limit 50').pluck()
    const newest = () => {
      if (select.all('s').map((line) => JSON.parse(line)).length !== 50) throw new Error('not 50 rows')
    }
    newest()
    return { count: Number.POSITIVE_INFINITY, newest, close: () => db.close() }
  },
  /** @param {string} file */
  pi: async (file) => {
    const { SessionManager } = await import('../peers/pi.mjs')
    const session = SessionManager.open(file, dirname(file))
    return { count: session.getEntries().length, session }
  },
  /** @param {string} file */
  foldlogAll: async (file) => {
    const { store, session, messages } = await readFoldlog(file)
    return { count: messages.length, session, messages, close: () => store.close() }
  },
  /** @param {string} file `<root>/<namespace>/<session>.jsonl` */
  foldlog: async (file) => {
    const { openStore } = await import('../../../dist/index.js')
    const folder = dirname(file)
    const store = await openStore(join(folder, '..'), { namespace: basename(folder) })
    const session = await store.get(basename(file, '.jsonl'))
    const count = session.info.messageCount
    const newest = async () => {
      const messages = await session.messages({ limit: 50 })
      if (messages.length !== 50) throw new Error(`${messages.length} of 50 messages`)
    }
    return { count, newest, close: () => store.close() }
  },
}

const [, , name, other, file] = process.argv
const open = WAYS[name]
const end = performance.now() + WARM_MS
do {
  const warm = await open(other)
  for (let i = 0; i < 5; i++) await warm.newest?.()
  await warm.close?.()
} while (performance.now() < end)

const cpu = process.cpuUsage()
const start = performance.now()
const opened = await open(file)
const ms = performance.now() - start
const { user, system } = process.cpuUsage(cpu)
const newestMs = opened.newest === undefined ? undefined : await timed(opened.newest)
const warmMs = opened.newest === undefined ? undefined : await timedWarm(opened.newest)
const peakMb = process.resourceUsage().maxRSS / 1024
await opened.close?.()
// JSON has no infinity.
const count = Math.min(opened.count, Number.MAX_SAFE_INTEGER)
console.log(JSON.stringify({ count, ms, cpuMs: (user + system) / 1000, peakMb, newestMs, warmMs }))

/** @param {() => unknown} run */
async function timed(run) {
  const from = performance.now()
  await run()
  return performance.now() - from
}

/** @param {() => unknown} run */
async function timedWarm(run) {
  for (let i = 0; i < LOOKS; i++) await run()
  const from = performance.now()
  for (let i = 0; i < LOOKS; i++) await run()
  return (performance.now() - from) / LOOKS
}
