/**
 * Everybody who keeps a conversation, behind one interface: what they are given is the same messages, each in the form that the keeper asks for.
 *
 * Three are restated here, as they are no packages: the way of oats and the session that OpenAI's documentation shows, which
 * both write the whole conversation again for each message, and the statements of Director.
 */
import { closeSync, mkdirSync, openSync, writeFileSync, writeSync } from 'node:fs'
import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { piLines } from './open.mjs'
import { foldlog, loadPeer, missing, pi, sqlite } from './peers.mjs'
import { readBytes } from './readers.mjs'
import { events, lines, messageInputs, piMessage, randomFrom, ulidAt } from './workload.mjs'

/**
 * @typedef {object} Opened a conversation in memory, as far as its keeper holds it there
 * @property {number} count messages that were read
 * @property {(index: number) => unknown} append the message of that number
 * @property {() => unknown} close
 *
 * @typedef {object} Keeper
 * @property {string} name
 * @property {string | undefined} missing why it cannot be measured
 * @property {string} costs what an append does
 * @property {number} most messages that it is measured with: an append that writes everything again takes long
 * @property {boolean} [isInMemory] what it keeps cannot be copied as files
 * @property {(folder: string, count: number) => unknown} fill writes a conversation of so many messages
 * @property {(folder: string) => Opened | Promise<Opened>} open reads all of what was written
 */

const MANY = 100_000
const SOME = 10_000
/** The events of the messages, which are made once: {@link messageAt} repeats them. */
const CYCLE = 1000
const inputs = messageInputs(CYCLE)
const items = events(CYCLE, Date.now() - 1e9).slice(1)
const random = randomFrom(17)

/** @param {number} index */
function inputAt(index) {
  return inputs[index % CYCLE]
}

/** An event with an id of its own. @param {number} index */
function itemAt(index) {
  return { ...items[index % CYCLE], id: ulidAt(Date.now() - 1e9 + index, random) }
}

/** @template T @param {number} count @param {(index: number) => T} make */
function many(count, make) {
  return Array.from({ length: count }, (_, i) => make(i))
}

const [lmdb, agents, langgraph, agentCore, strands] = await Promise.all(
  ['lmdb', 'agents-core', 'langgraph', 'pi-agent-core', 'strands'].map(loadPeer),
)

/** @returns {Keeper} */
function product() {
  return {
    name: 'foldlog',
    missing: missing.foldlog,
    costs: 'one line, synced within a second',
    most: MANY,
    fill: (folder, count) => {
      mkdirSync(join(folder, 'default'))
      writeFileSync(join(folder, 'default', 'long.jsonl'), lines(count, Date.now() - count * 1000 - 1e7).join(''))
    },
    open: async (folder) => {
      const store = await foldlog.openStore(folder)
      store.on('message.created', () => {})
      const session = await store.get('long')
      const { length } = await session.messages()
      return { count: length, append: (index) => session.add(inputAt(index)), close: () => store.close() }
    },
  }
}

/** The base: nobody can read with less who reads all, nor write with less. @returns {Keeper} */
function raw() {
  return {
    name: 'the least: a line written, every line parsed',
    missing: undefined,
    costs: 'one line, never synced',
    most: MANY,
    fill: (folder, count) => writeFileSync(join(folder, 'log.jsonl'), many(count, rawLine).join('')),
    open: (folder) => {
      const values = readBytes(join(folder, 'log.jsonl'))
      const fd = openSync(join(folder, 'log.jsonl'), 'a')
      return {
        count: values.length,
        append: (index) => writeSync(fd, rawLine(index)),
        close: () => closeSync(fd),
      }
    },
  }
}

/** @param {number} index */
function rawLine(index) {
  return `${JSON.stringify(itemAt(index))}\n`
}

/** @returns {Keeper} */
function piKeeper() {
  return {
    name: 'pi SessionManager',
    missing: missing.pi,
    costs: 'one line, never synced',
    most: MANY,
    fill: (folder, count) => writeFileSync(join(folder, 'pi.jsonl'), piLines(count, Date.now() - 1e9).join('')),
    open: (folder) => {
      const session = pi.SessionManager.open(join(folder, 'pi.jsonl'), folder)
      return {
        count: session.buildSessionContext().messages.length,
        append: (index) => session.appendMessage(piMessage(inputAt(index), Date.now())),
        close: () => undefined,
      }
    },
  }
}

/** @returns {Keeper} */
function piAgentCore() {
  // It names a folder after the working directory; a copy elsewhere has to be found, too.
  const cwd = '/'
  const { BACKGROUND_CONTEXT: context, JsonlSessionRepo, NodeExecutionEnv } = agentCore ?? {}
  const repoOf = (/** @type {string} */ folder) =>
    new JsonlSessionRepo({ fileSystem: new NodeExecutionEnv({ cwd }), sessionsRoot: folder })
  return {
    name: 'pi-agent-core JsonlSessionRepo',
    missing: missing.of(agentCore),
    costs: 'one line of two entries, never synced',
    most: SOME,
    fill: async (folder, count) => {
      const session = await repoOf(folder).create({ cwd }, context)
      const branch = await session.createBranch('main', null, context)
      for (let i = 0; i < count; i++) await branch.appendMessage(piMessage(inputAt(i), Date.now()), context)
      await session.close(context)
    },
    open: async (folder) => {
      const repo = repoOf(folder)
      const [metadata] = await repo.list({ cwd }, context)
      const session = await repo.open(metadata, context)
      const branch = await session.branch('main', context)
      const entries = await branch.findEntries(undefined, context)
      return {
        count: entries.length,
        append: (index) => branch.appendMessage(piMessage(inputAt(index), Date.now()), context),
        close: () => session.close(context),
      }
    },
  }
}

/** @param {string} name @param {string} synchronous @param {string} costs @returns {Keeper} */
function database(name, synchronous, costs) {
  const connect = (/** @type {string} */ folder) => {
    const db = new sqlite.Database(join(folder, 'log.db'))
    db.pragma('journal_mode = wal')
    db.pragma(`synchronous = ${synchronous}`)
    db.exec('create table if not exists events (id text primary key, session text not null, line text not null)')
    const insert = db.prepare('insert into events values (?, ?, ?)')
    const append = (/** @type {number} */ index) => {
      const item = itemAt(index)
      insert.run(item.id, 's', JSON.stringify(item))
    }
    return { db, append }
  }
  return {
    name,
    missing: missing.sqlite,
    costs,
    most: MANY,
    fill: (folder, count) => {
      const { db, append } = connect(folder)
      db.transaction(() => many(count, append))()
      db.close()
    },
    open: (folder) => {
      const { db, append } = connect(folder)
      const select = db.prepare('select line from events where session = ? order by id').pluck()
      const values = select.all('s').map((line) => JSON.parse(line))
      return { count: values.length, append, close: () => db.close() }
    },
  }
}

/** Director's table, its statements and what SQLite does unless told otherwise: a rollback journal, synced. @returns {Keeper} */
function director() {
  const connect = (/** @type {string} */ folder) => {
    const db = new sqlite.Database(join(folder, 'director.db'))
    db.exec(
      `create table if not exists conversations (session_id text, conv_id text, msg_id text primary key, msg_type text, agents json,
        actions json, content json, status text, created_at integer, updated_at integer, metadata json)`,
    )
    const insert = db.prepare(
      `insert or replace into conversations (session_id, conv_id, msg_id, msg_type, agents, actions, content, status, created_at,
        updated_at, metadata) values (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`,
    )
    const append = (/** @type {number} */ index) => insert.run(directorRow(index))
    return { db, append }
  }
  return {
    name: 'Director (SQLite, DELETE, FULL)',
    missing: missing.sqlite,
    costs: 'one row, synced',
    most: MANY,
    fill: (folder, count) => {
      const { db, append } = connect(folder)
      db.transaction(() => many(count, append))()
      db.close()
    },
    open: (folder) => {
      const { db, append } = connect(folder)
      const rows = db.prepare('select * from conversations where session_id = ?').all('s')
      const columns = ['agents', 'actions', 'content', 'metadata']
      for (const row of rows) for (const column of columns) row[column] = JSON.parse(row[column])
      return { count: rows.length, append, close: () => db.close() }
    },
  }
}

/** @param {number} index */
export function directorRow(index) {
  const { id, data } = /** @type {any} */ (itemAt(index))
  const type = data.role === 'user' ? 'input' : 'output'
  const seconds = Math.floor(Date.now() / 1000)
  return ['s', data.turnId, id, type, '[]', '[]', JSON.stringify(data.parts), 'success', seconds, seconds, '{}']
}

/** @returns {Keeper} */
function lmdbKeeper() {
  const connect = (/** @type {string} */ folder) => lmdb.open({ path: join(folder, 'log.mdb') })
  return {
    name: 'lmdb, put awaited',
    missing: missing.of(lmdb),
    costs: 'one value, committed and synced',
    most: MANY,
    fill: async (folder, count) => {
      const db = connect(folder)
      await db.transaction(() => many(count, (i) => void db.put(['s', i], itemAt(i))))
      await db.close()
    },
    open: (folder) => {
      const db = connect(folder)
      const values = [...db.getRange({ start: ['s'], end: ['t'] })]
      return {
        count: values.length,
        append: (index) => db.put(['s', values.length + index], itemAt(index)),
        close: () => db.close(),
      }
    },
  }
}

/** @returns {Keeper} */
function oats() {
  const path = (/** @type {string} */ folder) => join(folder, 'session.json')
  const text = (/** @type {object} */ session) => JSON.stringify(session, undefined, 2)
  return {
    name: 'oats (the session as one JSON document)',
    missing: undefined,
    costs: 'the whole file, never synced',
    most: SOME,
    fill: (folder, count) => writeFileSync(path(folder), text({ info: { id: 's' }, messages: many(count, dataAt) })),
    open: async (folder) => {
      const session = JSON.parse(await readFile(path(folder), 'utf8'))
      const { length } = session.messages
      const append = (/** @type {number} */ index) => {
        session.messages.push(dataAt(index))
        return writeFile(path(folder), text(session))
      }
      return { count: length, append, close: () => undefined }
    },
  }
}

/** @param {number} index */
function dataAt(index) {
  return itemAt(index).data
}

/** What OpenAI's documentation shows as a session of one's own: each call reads the file and writes it again. @returns {Keeper} */
function openaiFile() {
  const path = (/** @type {string} */ folder) => join(folder, 'items.json')
  const read = async (/** @type {string} */ folder) => JSON.parse(await readFile(path(folder), 'utf8'))
  const write = (/** @type {string} */ folder, /** @type {object} */ all) =>
    writeFile(path(folder), JSON.stringify(all, undefined, 2))
  return {
    name: 'OpenAI Agents, documented file session',
    missing: undefined,
    costs: 'the whole file read and written, never synced',
    most: SOME,
    fill: (folder, count) => write(folder, many(count, agentItems).flat()),
    open: async (folder) => ({
      count: messagesIn(await read(folder)),
      append: async (index) => write(folder, [...(await read(folder)), ...structuredClone(agentItems(index))]),
      close: () => undefined,
    }),
  }
}

/** The items of a message. @param {number} index @returns {object[]} */
function agentItems(index) {
  const { role, parts } = inputAt(index)
  return parts.map((/** @type {any} */ part) => {
    const { type, text, callId, name, input, output } = part
    if (type === 'tool-call') return { type: 'function_call', callId, name, arguments: JSON.stringify(input) }
    if (type === 'tool-result') {
      return { type: 'function_call_result', callId, name, status: 'completed', output: JSON.stringify(output) }
    }
    return role === 'user'
      ? { type: 'message', role, content: [{ type: 'input_text', text }] }
      : { type: 'message', role, status: 'completed', content: [{ type: 'output_text', text }] }
  })
}

/** A call is in the same message as the text before it. @param {readonly any[]} all */
function messagesIn(all) {
  return all.filter(({ type }) => type !== 'function_call').length
}

/** @returns {Keeper} */
function openaiMemory() {
  /** @type {Map<string, any>} What is in memory alone cannot be opened again: the session stays. */
  const sessions = new Map()
  return {
    name: 'OpenAI Agents MemorySession',
    missing: missing.of(agents),
    costs: 'a copy of the list, nothing kept on disk',
    most: MANY,
    isInMemory: true,
    fill: async (folder, count) => {
      const session = new agents.MemorySession()
      await session.addItems(many(count, agentItems).flat())
      sessions.set(folder, session)
    },
    open: async (folder) => {
      const session = sessions.get(folder)
      return {
        count: messagesIn(await session.getItems()),
        append: (index) => session.addItems(agentItems(index)),
        close: () => undefined,
      }
    },
  }
}

/** @returns {Keeper} */
function langgraphKeeper() {
  const at = { configurable: { thread_id: 's', checkpoint_ns: '' } }
  const connect = (/** @type {string} */ folder) => langgraph.SqliteSaver.fromConnString(join(folder, 'checkpoints.db'))
  let steps = 0
  const put = (/** @type {any} */ saver, /** @type {readonly object[]} */ messages, /** @type {any} */ config) => {
    const id = langgraph.uuid6(steps++ % 16384)
    const checkpoint = { ...langgraph.emptyCheckpoint(), id, channel_values: { messages } }
    return saver.put(config, checkpoint, { source: 'loop', step: steps, parents: {} })
  }
  return {
    name: 'LangGraph SqliteSaver',
    missing: missing.of(langgraph),
    costs: 'the whole state as one row, committed to the WAL',
    most: SOME,
    fill: async (folder, count) => {
      const saver = connect(folder)
      await put(saver, many(count, dataAt), at)
      saver.db.close()
    },
    open: async (folder) => {
      const saver = connect(folder)
      let { checkpoint, config } = await saver.getTuple(at)
      const { messages } = checkpoint.channel_values
      const { length } = messages
      const append = async (/** @type {number} */ index) => {
        messages.push(dataAt(index))
        config = await put(saver, messages, config)
      }
      return { count: length, append, close: () => saver.db.close() }
    },
  }
}

/** @returns {Keeper} */
function strandsKeeper() {
  const location = { sessionId: 's', scope: 'agent', scopeId: 'default' }
  const save = (/** @type {string} */ folder, /** @type {readonly object[]} */ messages) => {
    const createdAt = new Date().toISOString()
    const snapshot = { scope: 'agent', schemaVersion: '1.0', createdAt, data: { messages }, appData: {} }
    const storage = new strands.FileStorage(folder)
    return storage.saveSnapshot({ location, snapshotId: 'latest', isLatest: true, snapshot })
  }
  return {
    name: 'Strands FileStorage',
    missing: missing.of(strands),
    costs: 'the whole file, renamed into place, never synced',
    most: SOME,
    fill: (folder, count) => save(folder, many(count, dataAt)),
    open: async (folder) => {
      const { data } = await new strands.FileStorage(folder).loadSnapshot({ location })
      const { length } = data.messages
      const append = (/** @type {number} */ index) => {
        data.messages.push(dataAt(index))
        return save(folder, data.messages)
      }
      return { count: length, append, close: () => undefined }
    },
  }
}

/** The base first, then the product. */
export const KEEPERS = [
  raw(),
  product(),
  piKeeper(),
  piAgentCore(),
  database('better-sqlite3, WAL, NORMAL', 'normal', 'one row, committed to the WAL'),
  database('better-sqlite3, WAL, FULL', 'full', 'one row, synced'),
  director(),
  lmdbKeeper(),
  oats(),
  openaiFile(),
  openaiMemory(),
  langgraphKeeper(),
  strandsKeeper(),
]

/** @param {string} start of the name */
export function keeper(start) {
  const found = KEEPERS.find(({ name }) => name.startsWith(start))
  if (found === undefined) throw new Error(`${start}: use the start of ${KEEPERS.map(({ name }) => name).join(', ')}`)
  return found
}
