/**
 * F2: opening one log and reading all of its messages, bodies and all.
 *
 * The base reads the same file and JSON.parses its lines, and keeps what it got. Times are of a warm process; memory
 * is that of a child process: the heap after a collection, less what it was when everything was loaded and nothing read.
 */
import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { projectFile, runNode } from './children.mjs'
import { compare, timed } from './harness.mjs'
import { foldlog, missing, pi, sqlite } from './peers.mjs'
import { readBytes, readFoldlog, readPi, readSqlite, readText } from './readers.mjs'
import { number, ratio } from './table.mjs'
import { tempFolder } from './temp.mjs'
import { eventsOf, messageInputs, piMessage, randomFrom } from './workload.mjs'

const SIZES = [
  { count: 10_000, row: '', rounds: 9, limit: 1.8, options: { warmup: 3 } },
  { count: 100_000, row: 'R1: ', rounds: 5, limit: 1.5, options: { collect: /** @type {const} */ ('all') } },
]
const QUICK = [
  { count: 1000, row: '', rounds: 2, limit: 1.8, options: {} },
  { count: 5000, row: 'R1: ', rounds: 2, limit: 1.5, options: {} },
]

/** @param {import('./run.mjs').Options} options @returns {Promise<import('./table.mjs').Report>} */
export async function measureOpen({ rounds, quick }) {
  const tables = []
  const checks = []
  const small = writeFiles(40)
  for (const size of quick ? QUICK : SIZES) {
    const shown = number(size.count)
    const files = writeFiles(size.count)
    const read = await compare(readWays(files, size.count), rounds ?? size.rounds, size.options)
    const newest = await compare(newestWays(files), rounds ?? size.rounds, size.options)
    const memory = await compare(memoryWays(small, files, size.count), Math.min(rounds ?? 3, 3))
    const caption = `of ${shown} messages`
    tables.push({ caption: `open and read all ${caption}`, unit: 'ms', rows: read })
    tables.push({ caption: `open and read the newest 50 ${caption}`, unit: 'ms', rows: newest })
    tables.push({ caption: `memory held by all ${caption}`, unit: 'MB', rows: memory })
    checks.push(ratio(`${size.row}all ${caption}, to reading and parsing`, read[2], read[0], size.limit))
    checks.push(ratio(`memory of all ${caption}, to the parsed objects`, memory[1], memory[0], 2))
  }
  return { id: 'F2', title: 'open and fold a session', tables, checks }
}

/**
 * The same messages for everybody.
 *
 * @param {number} count
 */
function writeFiles(count) {
  return writeFilesOf(messageInputs(count, 1), Date.now() - count * 1000 - 1e7)
}

/**
 * @param {readonly import('./workload.mjs').Input[]} inputs
 * @param {number} start ms since the epoch of the first
 * @returns {{ log: string, pi: string, sqlite: string }}
 */
export function writeFilesOf(inputs, start) {
  const folder = tempFolder('open')
  const files = {
    log: join(folder, 'default', 'long.jsonl'),
    pi: join(folder, 'pi.jsonl'),
    sqlite: join(folder, 'log.db'),
  }
  const all = eventsOf(inputs, start).map((item) => `${JSON.stringify(item)}\n`)
  mkdirSync(join(folder, 'default'))
  writeFileSync(files.log, all.join(''))
  if (pi !== undefined) writeFileSync(files.pi, piLinesOf(inputs, start).join(''))
  if (sqlite !== undefined) writeDatabase(files.sqlite, all)
  return files
}

/**
 * A session as pi keeps it.
 *
 * @param {number} count
 * @param {number} start ms since the epoch of the first
 * @param {{ from: number, parentId: string | null }} [after] goes on with a session of so many messages, of which this was the last
 */
export function piLines(count, start, after) {
  return piLinesOf(messageInputs(count), start, after)
}

/** The same of any messages. @param {readonly import('./workload.mjs').Input[]} inputs @param {number} start */
export function piLinesOf(inputs, start, after = { from: 0, parentId: /** @type {string | null} */ (null) }) {
  const random = randomFrom(inputs.length)
  const header = { type: 'session', version: 3, id: `s${start}`, timestamp: new Date(start).toISOString(), cwd: '/' }
  const result = after.from === 0 ? [`${JSON.stringify(header)}\n`] : []
  let { parentId } = after
  for (const [i, input] of inputs.entries()) {
    // pi's own ids are eight hexadecimal digits; counting keeps them apart.
    const id = ((after.from + i) * 4096 + Math.floor(random() * 4096)).toString(16).padStart(8, '0')
    const time = start + i * 1000
    const entry = {
      type: 'message',
      id,
      parentId,
      timestamp: new Date(time).toISOString(),
      message: piMessage(input, time),
    }
    result.push(`${JSON.stringify(entry)}\n`)
    parentId = id
  }
  return result
}

/** @param {string} file @param {readonly string[]} all */
function writeDatabase(file, all) {
  const db = new sqlite.Database(file)
  db.pragma('journal_mode = wal')
  db.exec('create table events (id text primary key, session text not null, line text not null)')
  const insert = db.prepare('insert into events values (?, ?, ?)')
  db.transaction(() => all.forEach((line) => insert.run(JSON.parse(line).id, 's', line.trimEnd())))()
  db.close()
}

/** @param {string} name @param {() => unknown} read @param {string | undefined} why not @returns {import('./harness.mjs').Way} */
function way(name, read, why) {
  return { name, missing: why, sample: () => timed(read) }
}

/** @param {Files} files @param {number} count @returns {import('./harness.mjs').Way[]} */
export function readWays(files, count) {
  return [
    way('read the bytes, JSON.parse each line', () => readBytes(files.log), undefined),
    way('read the text, split, JSON.parse each line', () => readText(files.log), undefined),
    { name: 'foldlog', missing: missing.foldlog, sample: () => foldlogSample(files.log, count) },
    way('pi SessionManager, open and context', () => readPi(files.pi), missing.pi),
    way('better-sqlite3, select and JSON.parse', () => readSqlite(files.sqlite), missing.sqlite),
  ]
}

/** @param {string} file @param {number} count */
async function foldlogSample(file, count) {
  /** @type {Awaited<ReturnType<typeof readFoldlog>> | undefined} */
  let opened
  const ms = await timed(async () => (opened = await readFoldlog(file)))
  const { store, session, messages } = opened
  const findings = await session.findings()
  if (messages.length !== count || findings.length > 0 || session.info.damage > 0) {
    throw new Error(
      `${messages.length} of ${count} messages, ${findings.length} findings, ${session.info.damage} damaged`,
    )
  }
  await store.close()
  return ms
}

/** @param {Files} files @returns {import('./harness.mjs').Way[]} */
function newestWays(files) {
  const select = 'select line from events where session = ? order by id desc limit 50'
  const database = () => {
    const db = new sqlite.Database(files.sqlite, { readonly: true })
    const values = db
      .prepare(select)
      .pluck()
      .all('s')
      .map((line) => JSON.parse(line))
    db.close()
    return values
  }
  const product = async () => {
    const store = await foldlog.openStore(join(files.log, '../..'))
    const session = await store.get('long')
    const messages = await session.messages({ limit: 50 })
    if (messages.length !== 50) throw new Error(`${messages.length} of 50 messages`)
    return store
  }
  const sample = async () => {
    let store
    const ms = await timed(async () => (store = await product()))
    await store.close()
    return ms
  }
  return [
    { name: 'read the bytes, JSON.parse each line', sample: () => timed(() => readBytes(files.log)) },
    { name: 'foldlog, messages({ limit: 50 })', missing: missing.foldlog, sample },
    { name: 'better-sqlite3, order by id desc limit 50', missing: missing.sqlite, sample: () => timed(database) },
  ]
}

/** @typedef {ReturnType<typeof writeFiles>} Files */

/** @param {Files} small @param {Files} files @param {number} count @returns {import('./harness.mjs').Way[]} */
function memoryWays(small, files, count) {
  const script = projectFile('test/bench/children/memory.mjs')
  /** @returns {import('./harness.mjs').Way} */
  const child = (/** @type {string} */ name, /** @type {string} */ reader, /** @type {'log' | 'pi'} */ kind) => ({
    name,
    missing: kind === 'pi' ? missing.pi : missing.foldlog,
    sample: () => Number(runNode(['--expose-gc', script, reader, small[kind], files[kind], String(count)]).output),
  })
  return [
    { ...child('the parsed objects', 'readBytes', 'log'), missing: undefined },
    child('foldlog, messages and open session', 'readFoldlog', 'log'),
    child('pi SessionManager and context', 'readPi', 'pi'),
  ]
}
