/**
 * F1: appends of messages of 542 bytes, one after the other, to a new session that holds 20 messages.
 *
 * The base writes the same line with JSON.stringify and writeSync. The product validates it, writes it, folds it and
 * publishes it to a listener. pi writes each message at once only after the first answer of an assistant, so its
 * session starts with some; what it wrote is counted afterwards.
 */
import { appendFileSync, closeSync, fdatasyncSync, openSync, readFileSync, writeSync } from 'node:fs'
import { join } from 'node:path'
import { projectFile, runNode } from './children.mjs'
import { collectYoung, compare, timed } from './harness.mjs'
import { foldlog, missing, pi, sqlite } from './peers.mjs'
import { keeper } from './stores.mjs'
import { number, ratio } from './table.mjs'
import { removeFolder, tempFolder } from './temp.mjs'
import { events, lines, messageInputs, piMessage } from './workload.mjs'

/** Messages in a session before any is measured. */
export const FIRST = 20
const MANY = 10_000

/**
 * @typedef {object} Plan
 * @property {number} count appends a sample
 * @property {import('./workload.mjs').Input[]} inputs the first ones are not measured
 * @property {ReturnType<typeof events>} lines the same as events
 */

/** @param {import('./run.mjs').Options} options @returns {Promise<import('./table.mjs').Report>} */
export async function measureAppend({ rounds, quick }) {
  const count = quick ? 100 : 1000
  // The product's code takes some thousand appends to be compiled for good; see the last table for before.
  const warmup = quick ? 1 : 10
  const plan = { count, inputs: messageInputs(FIRST + count), lines: events(FIRST + count, Date.now() - 1e9).slice(1) }
  const cached = await compare(cachedWays(plan), rounds ?? 15, { warmup })
  const length = quick ? 1000 : MANY
  const growth = await compare(growthWays(plan, length), rounds ?? 15, { warmup: 3 })
  const durable = await compare(durableWays(plan, quick ? 20 : 100), rounds ?? 8)
  const first = await compare(firstWays(), Math.min(rounds ?? 10, 10))
  const [base, , , never, everysec, together, , piRow, sqliteRow, sqliteTogether] = cached
  const [few, many] = growth
  const [synced, one, , hundred, full, fullTogether, directorRows] = durable
  return {
    id: 'F1',
    title: 'append a message',
    tables: [
      { caption: 'append, page cache', unit: 'µs a message', rows: cached },
      { caption: 'append to a session that is there', unit: 'µs a message', rows: growth },
      { caption: 'append, on disk when acknowledged', unit: 'µs a message', rows: durable },
      { caption: 'the first 100 appends of a process', unit: 'µs a message', rows: first },
    ],
    checks: [
      ratio('A1: default, to stringify + writeSync', everysec, base, 2.4),
      ratio('A1: fsync never, to stringify + writeSync', never, base, 2.4),
      ratio('A1: default, to pi', everysec, piRow, 1.1),
      ratio('A1: better-sqlite3 autocommit, to default', sqliteRow, everysec, 3, 'least'),
      ratio('A2: per message, to stringify + writeSync', together, base, 1.5),
      ratio('A2: per message, to better-sqlite3, 100 a transaction', together, sqliteTogether, 1.15),
      ratio('A2: pi, to a message', piRow, together, 1.3, 'least'),
      ratio(`A3: at ${number(length)} messages, to at ${FIRST}`, many, few, 1.1),
      ratio('A4: to writeSync + fdatasyncSync', one, synced, 1.3),
      ratio('A4: better-sqlite3 FULL autocommit, to it', full, one, 1.2, 'least'),
      ratio("A4: Director's statements (DELETE, FULL), to it", directorRows, one, 4, 'least'),
      ratio('A5: better-sqlite3 FULL autocommit, to a message', full, hundred, 3, 'least'),
      ratio('A5: per message, to one caller', hundred, one, 0.08),
      ratio('A5: per message, to better-sqlite3 FULL, 100 a transaction', hundred, fullTogether, 1),
      ratio("A5: Director's statements, to a message", directorRows, hundred, 80, 'least'),
    ],
  }
}

/** @param {Plan} plan @returns {import('./harness.mjs').Way[]} */
function cachedWays(plan) {
  const [base, byDefault, piWay, databaseWay] = appendWays(plan)
  return [
    base,
    { name: 'writeSync of bytes', sample: () => rawBytes(plan) },
    { name: 'JSON.stringify + appendFileSync', sample: () => appendFile(plan) },
    product('foldlog, fsync never', plan, { fsync: 'never' }, oneByOne),
    byDefault,
    product('foldlog, 100 callers at once', plan, {}, callers(100)),
    product('foldlog, batches of 100', plan, {}, batches),
    piWay,
    databaseWay,
    database('better-sqlite3, WAL, NORMAL, 100 a transaction', plan, 'normal', 100),
  ]
}

/** The base, the product as it is by default, and two peers. @param {Plan} plan @returns {import('./harness.mjs').Way[]} */
export function appendWays(plan) {
  return [
    { name: 'JSON.stringify + writeSync', sample: () => raw(plan, write) },
    product('foldlog, fsync everysec (default)', plan, {}, oneByOne),
    { name: 'pi SessionManager.appendMessage', missing: missing.pi, sample: () => piAppend(plan) },
    database('better-sqlite3, WAL, NORMAL, autocommit', plan, 'normal', 1),
  ]
}

/**
 * The product only: what an append costs depends on how long the session is, or not.
 *
 * @param {Plan} plan @param {number} many @returns {import('./harness.mjs').Way[]}
 */
function growthWays(plan, many) {
  const sessions = Math.max(1, plan.count / 50)
  return [
    product(`foldlog, at ${FIRST} messages (${sessions} sessions)`, plan, { fsync: 'never' }, oneByOne, sessions),
    product(`foldlog, at ${number(many)} messages`, plan, { fsync: 'never' }, oneByOne, 1, many),
  ]
}

/** @param {Plan} full @param {number} count @returns {import('./harness.mjs').Way[]} */
function durableWays(full, count) {
  const plan = { ...full, count }
  return [
    { name: 'JSON.stringify + writeSync + fdatasyncSync', sample: () => raw(plan, writeAndSync) },
    product('foldlog, fsync always', plan, { fsync: 'always' }, oneByOne),
    product('foldlog, fsync always, 10 callers at once', plan, { fsync: 'always' }, callers(10)),
    product('foldlog, fsync always, 100 callers at once', plan, { fsync: 'always' }, callers(100)),
    database('better-sqlite3, WAL, FULL, autocommit', plan, 'full', 1),
    database('better-sqlite3, WAL, FULL, 100 a transaction', plan, 'full', 100),
    director(plan),
  ]
}

/** Before anything is compiled. @returns {import('./harness.mjs').Way[]} */
function firstWays() {
  return [
    { name: 'JSON.stringify + writeSync', sample: () => firstIn('raw') },
    { name: 'foldlog, fsync everysec (default)', missing: missing.foldlog, sample: () => firstIn('foldlog') },
  ]
}

/** @param {string} way of children/first.mjs */
function firstIn(way) {
  return Number(runNode([projectFile('test/bench/children/first.mjs'), way, tempFolder('first')]).output)
}

/** @param {number} fd @param {object} item */
function write(fd, item) {
  writeSync(fd, `${JSON.stringify(item)}\n`)
}

/** @param {number} fd @param {object} item */
function writeAndSync(fd, item) {
  write(fd, item)
  fdatasyncSync(fd)
}

/** @param {Plan} plan @param {(fd: number, item: object) => void} writeItem */
async function raw({ count, lines: items }, writeItem) {
  const folder = tempFolder('raw')
  const fd = openSync(join(folder, 'log.jsonl'), 'a')
  for (let i = 0; i < FIRST; i++) writeItem(fd, items[i])
  const ms = await timed(() => {
    for (let i = FIRST; i < FIRST + count; i++) writeItem(fd, items[i])
  }, count)
  closeSync(fd)
  removeFolder(folder)
  return ms * 1000
}

/** @param {Plan} plan */
function rawBytes(plan) {
  const bytes = new Map(plan.lines.map((item) => [item, Buffer.from(`${JSON.stringify(item)}\n`)]))
  return raw(plan, (fd, item) => writeSync(fd, bytes.get(/** @type {any} */ (item)) ?? ''))
}

/** @param {Plan} plan */
async function appendFile({ count, lines: items }) {
  const folder = tempFolder('raw')
  const path = join(folder, 'log.jsonl')
  const ms = await timed(() => {
    for (let i = FIRST; i < FIRST + count; i++) appendFileSync(path, `${JSON.stringify(items[i])}\n`)
  }, count)
  removeFolder(folder)
  return ms * 1000
}

/**
 * @callback Add adds all of `inputs` to a session
 * @param {any} session @param {readonly object[]} inputs @returns {Promise<void>}
 */

/** @type {Add} */
async function oneByOne(session, inputs) {
  for (const input of inputs) await session.add(input)
}

/** @param {number} many at once @returns {Add} */
function callers(many) {
  return async (session, inputs) => {
    for (let i = 0; i < inputs.length; i += many)
      await Promise.all(inputs.slice(i, i + many).map((input) => session.add(input)))
  }
}

/** @type {Add} */
async function batches(session, inputs) {
  for (let i = 0; i < inputs.length; i += 100) await session.add(inputs.slice(i, i + 100))
}

/**
 * @param {string} name @param {Plan} plan @param {object} options of the store @param {Add} add
 * @param {number} sessions to spread the appends over @param {number} length messages in a session before
 * @returns {import('./harness.mjs').Way}
 */
function product(name, plan, options, add, sessions = 1, length = FIRST) {
  const before = length === FIRST ? undefined : lines(length, Date.now() - 1e9)
  const sample = async () => {
    const folder = tempFolder('append')
    const store = await foldlog.openStore(folder, options)
    let published = 0
    const off = store.on('message.created', () => published++)
    const opened = []
    for (let i = 0; i < sessions; i++) opened.push(await prepare(store, plan, before))
    const share = plan.count / sessions
    // What opening the session left young is moved once, by whichever append comes then: that is no growth of appends.
    if (before !== undefined || sessions > 1) collectYoung()
    published = 0
    const ms = await timed(async () => {
      for (const [i, session] of opened.entries()) {
        await add(session, plan.inputs.slice(FIRST + i * share, FIRST + (i + 1) * share))
      }
    }, plan.count)
    if (published !== plan.count) throw new Error(`${name}: ${published} of ${plan.count} messages were published`)
    off()
    await store.close()
    removeFolder(folder)
    return ms * 1000
  }
  return { name, missing: missing.foldlog, sample }
}

/** A session with messages in it. @param {any} store @param {Plan} plan @param {string[] | undefined} before its lines */
async function prepare(store, plan, before) {
  const session = await store.create()
  if (before !== undefined) {
    appendFileSync(join(store.root, store.name, `${session.id}.jsonl`), before.slice(1).join(''))
    await session.messages()
  }
  await oneByOne(session, plan.inputs.slice(0, FIRST))
  return session
}

/** @param {Plan} plan */
async function piAppend({ count, inputs }) {
  const folder = tempFolder('pi')
  const session = pi.SessionManager.create(folder, folder)
  const messages = inputs.map((input) => piMessage(input, Date.now()))
  for (const message of messages.slice(0, FIRST)) session.appendMessage(message)
  const ms = await timed(() => {
    for (let i = FIRST; i < FIRST + count; i++) session.appendMessage(messages[i])
  }, count)
  const written = readFileSync(session.getSessionFile(), 'utf8').split('\n').length - 2
  if (written !== FIRST + count) throw new Error(`pi wrote ${written} of ${FIRST + count} messages`)
  removeFolder(folder)
  return ms * 1000
}

/**
 * @param {string} name @param {Plan} plan @param {string} synchronous @param {number} size of a transaction
 * @returns {import('./harness.mjs').Way}
 */
function database(name, plan, synchronous, size) {
  const sample = async () => {
    const folder = tempFolder('sqlite')
    const db = new sqlite.Database(join(folder, 'log.db'))
    db.pragma('journal_mode = wal')
    db.pragma(`synchronous = ${synchronous}`)
    db.exec('create table events (id text primary key, session text not null, line text not null)')
    const insert = db.prepare('insert into events values (?, ?, ?)')
    const put = (/** @type {any} */ item) => insert.run(item.id, 's', JSON.stringify(item))
    const putAll = db.transaction((/** @type {any[]} */ items) => items.forEach(put))
    plan.lines.slice(0, FIRST).forEach(put)
    const ms = await timed(() => {
      for (let i = FIRST; i < FIRST + plan.count; i += size) {
        if (size === 1) put(plan.lines[i])
        else putAll(plan.lines.slice(i, i + size))
      }
    }, plan.count)
    db.close()
    removeFolder(folder)
    return ms * 1000
  }
  return { name, missing: missing.sqlite, sample }
}

/** Each message as Director keeps it: a statement, committed before the next. @param {Plan} plan @returns {import('./harness.mjs').Way} */
function director({ count }) {
  const keeping = keeper('Director')
  const sample = async () => {
    const folder = tempFolder('director')
    await keeping.fill(folder, FIRST)
    const opened = await keeping.open(folder)
    const ms = await timed(() => {
      for (let i = 0; i < count; i++) opened.append(FIRST + i)
    }, count)
    await opened.close()
    removeFolder(folder)
    return ms * 1000
  }
  return { name: keeping.name, missing: keeping.missing, sample }
}
