/**
 * Ways to read all messages of one log into memory. What they return keeps them there.
 *
 * Each loads what it needs when it is called, so that a child process that measures one holds no other.
 */
import { readFileSync } from 'node:fs'
import { basename, dirname } from 'node:path'

const LF = 10

/** The text as a whole. @param {string} file */
export function readText(file) {
  const values = []
  for (const line of readFileSync(file, 'utf8').split('\n')) if (line !== '') values.push(JSON.parse(line))
  return values
}

/** Line by line out of the bytes. @param {string} file */
export function readBytes(file) {
  const bytes = readFileSync(file)
  const values = []
  for (let at = 0, end = bytes.indexOf(LF); end >= 0; at = end + 1, end = bytes.indexOf(LF, at)) {
    values.push(JSON.parse(bytes.utf8Slice(at, end)))
  }
  return values
}

/** @param {string} file `<root>/<namespace>/<session>.jsonl` */
export async function readFoldlog(file) {
  const { openStore } = await import('../../dist/index.js')
  const namespace = dirname(file)
  const store = await openStore(dirname(namespace), { namespace: basename(namespace) })
  const session = await store.get(basename(file, '.jsonl'))
  return { store, session, messages: await session.messages() }
}

/** @param {string} file */
export async function readPi(file) {
  const { SessionManager } = await import('./peers/pi.mjs')
  const session = SessionManager.open(file, dirname(file))
  return { session, messages: session.buildSessionContext().messages }
}

/** @param {string} file a database of `events (id, session, line)` */
export async function readSqlite(file) {
  const { Database } = await import('./peers/sqlite.mjs')
  const db = new Database(file, { readonly: true })
  const values = []
  for (const line of db.prepare('select line from events where session = ? order by id').pluck().iterate('s')) {
    values.push(JSON.parse(line))
  }
  db.close()
  return values
}

/** By name, for child processes. */
export const READERS = { readText, readBytes, readFoldlog, readPi, readSqlite }
