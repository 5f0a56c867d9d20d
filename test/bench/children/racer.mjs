/**
 * Adds messages on command to a log that others write to as well, in one of three ways.
 *
 * Is told `{ how, root, sessionId, count }` and says `{ done }` when it has added so many; without a `count` it opens the log and says
 * `{ ids }`, how many different ids it sees in it, which tells whether it has seen what the others wrote. `isLast` closes it then.
 */
import { closeSync, openSync, writeSync } from 'node:fs'
import { join } from 'node:path'
import { openStore } from '../../../dist/index.js'
import { events, messageInputs } from '../workload.mjs'

const CYCLE = 200
const inputs = messageInputs(CYCLE, process.pid % 100)
const items = events(CYCLE, Date.now() - 1e9, process.pid % 100).slice(1)
/** Stores and databases, by their roots. @type {Map<string, any>} */
const opened = new Map()

const WAYS = {
  /** The least that can be done: a line by a write, and no look at what others wrote. */
  raw: (root, sessionId, count) => {
    const fd = openSync(join(root, `${sessionId}.raw`), 'a')
    for (let i = 0; i < count; i++) writeSync(fd, `${JSON.stringify(items[i % CYCLE])}\n`)
    closeSync(fd)
  },
  foldlog: async (root, sessionId, count) => {
    const session = await sessionOf(root, sessionId)
    for (let i = 0; i < count; i++) await session.add(inputs[i % CYCLE])
  },
  sqlite: async (root, _, count) => {
    const insert = (await databaseOf(root)).prepare('insert into events (session, line) values (?, ?)')
    for (let i = 0; i < count; i++) insert.run('s', JSON.stringify(items[i % CYCLE]))
  },
}

process.on('message', (order) => void answer(order))
process.on('disconnect', () => void close())
process.send({ ready: true })

/** @param {{ how: keyof WAYS, root: string, sessionId: string, count?: number, isLast?: boolean }} order */
async function answer({ how, root, sessionId, count, isLast }) {
  if (count !== undefined) {
    await WAYS[how](root, sessionId, count)
    process.send({ done: count })
    return
  }
  let ids = 0
  if (how === 'sqlite') await databaseOf(root)
  if (how === 'foldlog') {
    const messages = await (await sessionOf(root, sessionId)).messages()
    ids = new Set(messages.map(({ id }) => id)).size
  }
  if (isLast) {
    await opened.get(root)?.close()
    opened.delete(root)
  }
  process.send({ ids })
}

/** @param {string} root @param {string} sessionId */
async function sessionOf(root, sessionId) {
  const store = opened.get(root) ?? (await openStore(root))
  opened.set(root, store)
  return store.get(sessionId)
}

/** @param {string} root */
async function databaseOf(root) {
  const known = opened.get(root)
  if (known !== undefined) return known
  const { Database } = await import('../peers/sqlite.mjs')
  const db = new Database(join(root, 'race.db'), { timeout: 60_000 })
  db.pragma('synchronous = normal')
  opened.set(root, db)
  return db
}

async function close() {
  for (const one of opened.values()) await one.close()
}
