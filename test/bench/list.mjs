/**
 * F3: the 50 most recently active of 10,000 sessions of 20 messages; all of them; and a page of 100,000, watched.
 *
 * Before each listing one session gets a message, so that no answer can be given twice; it must come first. pi and
 * SQLite have the same sessions in their own form.
 */
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as wait } from 'node:timers/promises'
import { EMPTY_MS, projectFile, runNode } from './children.mjs'
import { compare, timed } from './harness.mjs'
import { piLines } from './open.mjs'
import { foldlog, missing, pi, sqlite } from './peers.mjs'
import { atMost, beyond, number, ratio } from './table.mjs'
import { tempFolder } from './temp.mjs'
import { lines, messageInputs } from './workload.mjs'

const MESSAGES = 20
const SHOWN = 50
/** So many looks until all code is compiled. */
const LOOKS = 200

/** @param {import('./run.mjs').Options} options @returns {Promise<import('./table.mjs').Report>} */
export async function measureList({ rounds, quick }) {
  const count = quick ? 200 : 10_000
  const places = writeSessions(count)
  // A file that changed in the last two seconds may change again unseen, so nobody may trust what is known of it.
  await wait(2500)
  const first = await compare(firstWays(places), Math.min(rounds ?? 3, 3))
  const open = foldlog === undefined ? undefined : await openBoth(places)
  const warm = await compare(warmWays(places, open), rounds ?? 10)
  const all = await compare(allWays(places, open), rounds ?? 5)
  await open?.close()
  const cold = await compare(coldWays(places), rounds ?? 10)
  const started = await compare(startWays(places), rounds ?? 10)
  const [empty, listed, command, printed, , piProcess] = started
  const many = quick ? 1000 : 100_000
  const large = foldlog === undefined ? undefined : await openLarge(many)
  const watched = await compare([storeWay('foldlog, watched', large), databaseWay(places)], rounds ?? 10)
  await large?.close()
  const shown = number(count)
  return {
    id: 'F3',
    title: `the ${SHOWN} most recently active sessions`,
    tables: [
      { caption: `list ${SHOWN} of ${shown}, open store`, unit: 'ms', rows: warm },
      { caption: `list ${SHOWN} of ${shown}, everything imported, nothing known`, unit: 'ms', rows: cold },
      { caption: `list all ${shown}, open store`, unit: 'ms', rows: all },
      { caption: `list ${SHOWN} of ${number(many)}, watched (SQLite: of ${shown})`, unit: 'ms', rows: watched },
      { caption: `list ${SHOWN} of ${shown}, new process`, unit: 'ms', rows: started },
      { caption: `list ${SHOWN} of ${shown}, no cache yet`, unit: 'ms', rows: first },
    ],
    checks: [
      atMost('watched store', warm[1], 5, 'ms'),
      ratio('every file checked, to readdir + statSync', warm[2], warm[0], 1.5),
      ratio('L1: all, every file checked, to readdir + statSync', all[1], all[0], 1.5),
      ratio('L1: the same, to selecting all from SQLite', all[1], all[2], 2.8),
      ratio('L1: reading and parsing every log, to the same', all[3], all[1], 8, 'least'),
      ratio('L1: a process of pi, to one of `foldlog ls` of all', piProcess, printed, 20, 'least'),
      atMost('L2: a page, cold', cold[0], 12, 'ms'),
      ratio('L2: a page, cold, to SQLite', cold[0], cold[1], 1),
      atMost('L2: a page, warm', warm[2], 3, 'ms'),
      ratio('L2: a page, warm, to SQLite', warm[2], warm[3], 3),
      atMost(`L3: a page of ${number(many)}, watched`, watched[0], 0.1, 'ms'),
      ratio('L3: SQLite, to the same', watched[1], watched[0], 10, 'least'),
      atMost('a new process, beyond an empty one', beyond(listed, empty), 120, 'ms'),
      atMost('`foldlog ls --json`, beyond an empty process', beyond(command, empty), 120, 'ms'),
      atMost(`\`foldlog ls\` of all ${shown}, a whole process`, printed, 250, 'ms'),
      ratio(
        `the same, to an empty process, which took ${EMPTY_MS} ms where the limit was set`,
        printed,
        empty,
        250 / EMPTY_MS,
      ),
    ],
  }
}

/**
 * @param {number} count of sessions
 * @returns {{ root: string, logs: string, pi: string, sqlite: string }}
 */
function writeSessions(count) {
  const root = tempFolder('list')
  const elsewhere = tempFolder('list-peers')
  const places = {
    root,
    logs: join(root, 'default'),
    pi: join(elsewhere, 'pi'),
    sqlite: join(elsewhere, 'sessions.db'),
  }
  mkdirSync(places.logs)
  mkdirSync(places.pi)
  const start = Date.now() - count * 1000 - 1e8
  for (let i = 0; i < count; i++) {
    writeFileSync(join(places.logs, `${sessionId(i)}.jsonl`), lines(MESSAGES, start + i * 1000, i + 1).join(''))
    if (pi !== undefined)
      writeFileSync(join(places.pi, `${sessionId(i)}.jsonl`), piLines(MESSAGES, start + i * 1000).join(''))
  }
  if (sqlite !== undefined) writeDatabase(places.sqlite, count, start)
  return places
}

/** @param {number} i */
function sessionId(i) {
  return `session-${String(i).padStart(6, '0')}`
}

/** What an engine on SQLite would keep to list sessions: a row each. @param {string} file @param {number} count @param {number} start */
function writeDatabase(file, count, start) {
  const db = new sqlite.Database(file)
  db.pragma('journal_mode = wal')
  db.exec('create table sessions (id text primary key, updated integer not null, info text not null)')
  db.exec('create index by_updated on sessions (updated)')
  const insert = db.prepare('insert into sessions values (?, ?, ?)')
  db.transaction(() => {
    for (let i = 0; i < count; i++) {
      const info = { id: sessionId(i), title: `Session ${i}`, messageCount: MESSAGES, preview: 'x'.repeat(200) }
      insert.run(info.id, start + i * 1000, JSON.stringify(info))
    }
  })()
  db.close()
}

/** @typedef {ReturnType<typeof writeSessions>} Places */

/** Listings with nothing known. @param {Places} places @returns {import('./harness.mjs').Way[]} */
function firstWays({ root, logs, pi: piFolder }) {
  const product = async () => {
    rmSync(join(logs, '.cache'), { recursive: true, force: true })
    const store = await foldlog.openStore(root)
    const ms = await timed(() => store.list({ limit: SHOWN }))
    await store.close()
    return ms
  }
  return [
    { name: 'readdir + statSync', sample: () => timed(() => statAll(logs)) },
    { name: 'foldlog, first listing', missing: missing.foldlog, sample: product },
    {
      name: 'pi SessionManager.list (always reads all)',
      missing: missing.pi,
      sample: () => timed(() => pi.SessionManager.list('/', piFolder)),
    },
  ]
}

/** @param {string} folder */
function statAll(folder) {
  let newest = 0
  for (const name of readdirSync(folder)) newest = Math.max(newest, statSync(join(folder, name)).mtimeMs)
  return newest
}

/** A store that watches and one that does not. @param {Places} places */
async function openBoth({ root }) {
  // A bus of its own: on the same one, the second store would be served by the watch of the first.
  const bus = new foldlog.Bus()
  const stores = {
    watched: await foldlog.openStore(root, { watch: true }),
    plain: await foldlog.openStore(root, { bus }),
  }
  // Both know all sessions from here on.
  for (const store of Object.values(stores)) await store.list({ limit: SHOWN })
  return {
    ...stores,
    close: async () => {
      for (const store of Object.values(stores)) await store.close()
    },
  }
}

/** @param {Places} places @param {Awaited<ReturnType<typeof openBoth>> | undefined} open @returns {import('./harness.mjs').Way[]} */
function warmWays(places, open) {
  return [
    { name: 'readdir + statSync', sample: () => timed(() => statAll(places.logs)) },
    storeWay('foldlog, watched', open?.watched),
    storeWay('foldlog, every file checked', open?.plain),
    databaseWay(places),
  ]
}

/** @param {string} name @param {any} store @returns {import('./harness.mjs').Way} */
function storeWay(name, store) {
  return { name, missing: missing.foldlog, sample: (round) => listAfterChange(store, round) }
}

const [question] = messageInputs(1, 7)

/** @param {any} store @param {number} round */
async function listAfterChange(store, round) {
  const session = await store.get(sessionId(round * 7))
  await session.add(question)
  await session.close()
  // What watches has looked at the change by then, so that the time is that of the listing alone.
  await wait(500)
  let page
  const ms = await timed(async () => (page = await store.list({ limit: SHOWN })))
  const [newest] = page.items
  if (page.items.length !== SHOWN || newest.id !== session.id)
    throw new Error(`${page.items.length} listed, ${newest?.id} first`)
  return ms
}

/** @param {Places} places */
function databaseWay(places) {
  const name = 'better-sqlite3, order by updated limit 50'
  if (missing.sqlite !== undefined) return { name, missing: missing.sqlite, sample: () => 0 }
  const db = new sqlite.Database(places.sqlite)
  const touch = db.prepare('update sessions set updated = ? where id = ?')
  const select = db.prepare(`select info from sessions order by updated desc limit ${SHOWN}`).pluck()
  const page = () => select.all().map((info) => JSON.parse(info))
  for (let i = 0; i < LOOKS; i++) page()
  const sample = (/** @type {number} */ round) => {
    touch.run(Date.now(), sessionId(round * 7))
    return timed(page)
  }
  return { name, sample }
}

/** Every session, of a store that has looked at all of them before. @param {Places} places @param {Awaited<ReturnType<typeof openBoth>> | undefined} open @returns {import('./harness.mjs').Way[]} */
function allWays({ logs, sqlite: file }, open) {
  return [
    { name: 'readdir + statSync', sample: () => timed(() => statAll(logs)) },
    {
      name: 'foldlog, every file checked',
      missing: missing.foldlog,
      sample: () => timed(() => open?.plain.list({ limit: Number.MAX_SAFE_INTEGER - 1 })),
    },
    {
      name: 'better-sqlite3, select all and parse',
      missing: missing.sqlite,
      sample: () => {
        const db = new sqlite.Database(file)
        const select = db.prepare('select info from sessions order by updated desc').pluck()
        return timed(() => select.all().map((info) => JSON.parse(info))).finally(() => db.close())
      },
    },
    { name: 'reading and parsing every log', sample: () => timed(() => parseAll(logs)) },
  ]
}

/** @param {string} folder */
function parseAll(folder) {
  let count = 0
  for (const name of readdirSync(folder)) {
    if (!name.endsWith('.jsonl')) continue
    for (const line of readFileSync(join(folder, name), 'utf8').split('\n'))
      if (line !== '') count += JSON.parse(line).v
  }
  return count
}

/** A page in a process that has just imported what it needs. @param {Places} places @returns {import('./harness.mjs').Way[]} */
function coldWays({ root, sqlite: file }) {
  const cold = (/** @type {string[]} */ ...args) => Number(runNode([script('list-cold'), ...args]).output)
  return [
    { name: 'foldlog, every file checked', missing: missing.foldlog, sample: () => cold('foldlog', root) },
    { name: 'better-sqlite3, open and select', missing: missing.sqlite, sample: () => cold('sqlite', file) },
  ]
}

/** A store that watches a namespace of so many sessions, and knows all of them. @param {number} count */
async function openLarge(count) {
  const root = tempFolder('list-watched')
  mkdirSync(join(root, 'default'))
  const start = Date.now() - count * 10 - 1e8
  for (let i = 0; i < count; i++)
    writeFileSync(join(root, 'default', `${sessionId(i)}.jsonl`), lines(1, start + i * 10, i + 1).join(''))
  const store = await foldlog.openStore(root, { watch: true, bus: new foldlog.Bus() })
  for (let i = 0; i < LOOKS; i++) await store.list({ limit: SHOWN })
  return store
}

/** @param {string} name */
function script(name) {
  return projectFile(`test/bench/children/${name}.mjs`)
}

/** @param {string} name @param {string[]} args @param {string | undefined} why not @returns {import('./harness.mjs').Way} */
function child(name, args, why) {
  return { name, missing: why, sample: () => runNode(args).ms }
}

/** @param {Places} places @returns {import('./harness.mjs').Way[]} */
function startWays(places) {
  const cli = projectFile('dist/cli/main.js')
  const noCli = existsSync(cli) ? undefined : 'not built'
  return [
    child('an empty process', [script('empty')], undefined),
    child('foldlog, open and list', [script('list-foldlog'), places.root], missing.foldlog),
    child('`foldlog ls --json`', [cli, 'ls', '--json', '--limit', String(SHOWN), '--root', places.root], noCli),
    child(`\`foldlog ls\`, all of them`, [cli, 'ls', '--root', places.root], noCli),
    child('better-sqlite3, open and select', [script('list-sqlite'), places.sqlite], missing.sqlite),
    child('pi, SessionManager.list', [script('list-pi'), places.pi], missing.pi),
  ]
}
