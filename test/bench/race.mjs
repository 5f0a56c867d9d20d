/**
 * F18: eight processes add messages to one session, each as fast as it can.
 *
 * A sample is how many messages a second all of them added together. What was added is counted afterwards by each of the
 * writers, in the session that it wrote to, and by a process that comes new to it.
 */
import { fork } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import { projectFile } from './children.mjs'
import { compare } from './harness.mjs'
import { foldlog, missing, sqlite } from './peers.mjs'
import { most, number, ratio } from './table.mjs'
import { removeFolder, tempFolder } from './temp.mjs'

const PROCESSES = 8

/** @typedef {{ torn: number, lost: number, unseen: number }} Harm of all rounds */

/** @param {import('./run.mjs').Options} options @returns {Promise<import('./table.mjs').Report>} */
export async function measureRace({ rounds, quick }) {
  const title = 'eight processes, one session'
  if (missing.foldlog !== undefined) return { id: 'F18', title, tables: [], checks: [], notes: [missing.foldlog] }
  const children = Array.from({ length: PROCESSES }, () => fork(projectFile('test/bench/children/racer.mjs')))
  await Promise.all(children.map((child) => once(child, 'message')))
  const count = quick ? 40 : 4000
  /** @type {Harm} */
  const harm = { torn: 0, lost: 0, unseen: 0 }
  const way = (/** @type {string} */ name, /** @type {string} */ how, /** @type {number} */ processes) => ({
    name: `${name}, ${processes === 1 ? '1 process' : `${number(processes)} processes`}`,
    missing: how === 'sqlite' ? missing.sqlite : undefined,
    sample: () => race(children.slice(0, processes), how, count / processes, harm),
  })
  const rows = await compare(
    [
      way('JSON.stringify and writeSync', 'raw', 1),
      way('JSON.stringify and writeSync', 'raw', PROCESSES),
      way('foldlog', 'foldlog', 1),
      way('foldlog', 'foldlog', PROCESSES),
      way('better-sqlite3, WAL, NORMAL', 'sqlite', 1),
      way('better-sqlite3, WAL, NORMAL', 'sqlite', PROCESSES),
    ],
    rounds ?? 10,
    { warmup: quick ? 1 : 3 },
  )
  for (const child of children) child.disconnect()
  const [, , alone, together, , database] = rows
  return {
    id: 'F18',
    title,
    tables: [{ caption: 'one session', unit: 'messages/s', rows }],
    checks: [
      ratio(`P1: ${PROCESSES} processes, to one`, together, alone, 0.6, 'least'),
      ratio('P1: to better-sqlite3', together, database, 3, 'least'),
      most('P1: damaged lines', harm.torn, 0),
      most('P1: messages lost', harm.lost, 0),
      most('P1: messages that a writer has not seen', harm.unseen, 0),
    ],
  }
}

/**
 * @param {readonly import('node:child_process').ChildProcess[]} children
 * @param {string} how
 * @param {number} count messages each of them adds
 * @param {Harm} harm what came out is added to it
 * @returns {Promise<number>} messages a second
 */
async function race(children, how, count, harm) {
  const root = tempFolder('race')
  const sessionId = 'race'
  if (how === 'sqlite') createDatabase(join(root, 'race.db'))
  else if (how === 'foldlog') await createSession(root, sessionId)
  const askAll = (/** @type {object} */ order) =>
    Promise.all(children.map((child) => ask(child, { how, root, sessionId, ...order })))
  await askAll({})
  const start = performance.now()
  await askAll({ count })
  const seconds = (performance.now() - start) / 1000
  const total = count * children.length
  const seen = await askAll({ isLast: true })
  if (how === 'foldlog') {
    for (const { ids } of seen) harm.unseen += total - ids
    const { messages, damage } = await look(root, sessionId)
    harm.lost += total - messages
    harm.torn += damage
  }
  removeFolder(root)
  return total / seconds
}

/** @param {import('node:child_process').ChildProcess} child @param {object} order @returns {Promise<any>} */
async function ask(child, order) {
  child.send(order)
  const [answer] = await once(child, 'message')
  return answer
}

/** @param {string} root @param {string} id */
async function createSession(root, id) {
  const store = await foldlog.openStore(root)
  await store.create({ id })
  await store.close()
}

/** As somebody who comes new to it. @param {string} root @param {string} id */
async function look(root, id) {
  const store = await foldlog.openStore(root)
  const session = await store.get(id)
  const messages = new Set((await session.messages()).map((message) => message.id)).size
  const { length } = await session.damage()
  await store.close()
  return { messages, damage: length }
}

/** @param {string} file */
function createDatabase(file) {
  const db = new sqlite.Database(file)
  db.pragma('journal_mode = wal')
  db.exec('create table events (id integer primary key, session text not null, line text not null)')
  db.close()
}
