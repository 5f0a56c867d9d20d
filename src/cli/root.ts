/**
 * A root that is looked into, and the sessions in it by the names people give them: a prefix, `@`, `@{1}`, a path.
 *
 * A name must mean one session. One that means several is refused with the candidates: guessing would show, or later
 * delete, the wrong one.
 */
import { stat } from 'node:fs/promises'
import type { Backend, SessionKey } from '../backend.ts'
import { fileBackend } from '../backends/file/index.ts'
import { isMissing, storageError } from '../backends/file/failure.ts'
import { bus } from '../bus.ts'
import { useEngine, type Engine, type Namespace } from '../engine.ts'
import type { ListOptions, Page, RowOptions } from '../infos.ts'
import type { InfoRow } from '../infos-rows.ts'
import type { SessionInfo } from '../message.ts'
import type { Session } from '../session.ts'
import type { Store } from '../store.ts'
import { command, EXIT, Failure, type Call } from './call.ts'
import { filesOf, hasSegments, sessionIds, sessionOfPath } from './files.ts'
import { nearestIds } from './suggest.ts'

const MAX_CANDIDATES = 8

export class Root {
  readonly path: string
  readonly backend: Backend
  readonly #call: Call
  #store: Store | undefined
  #engine: Engine | undefined

  private constructor(path: string, call: Call, isShared: boolean) {
    this.path = path
    this.backend = fileBackend(path, { shared: isShared })
    this.#call = call
  }

  /** Opens a directory that is there. `isToAppend`: lines are added to logs, which in a shared root go to files of their own. */
  static async open(call: Call, path: string = call.root, isToAppend = false): Promise<Root> {
    const isDirectory = await look(path)
    if (isDirectory === true) {
      return new Root(path, call, isToAppend && (call.flag('shared') || (await hasSegments(path))))
    }
    const what = isDirectory === undefined ? `there is no directory ${path}` : `${path} is not a directory`
    // Who has named no root may have none yet, and import makes one.
    const isFirst = isDirectory === undefined && path === call.root && call.text('root') === undefined
    const hint = isFirst ? command('import') : command('--help')
    throw new Failure(EXIT.notFound, `${what}: name the root with --root or $FOLDLOG_ROOT`, hint)
  }

  /** The namespaces to look in: the one that was asked for, or all there are. */
  async namespaces(): Promise<readonly string[]> {
    const { namespace } = this.#call
    const all = [...(await this.backend.namespaces())].sort()
    if (namespace === undefined) return all
    if (all.includes(namespace.trim())) return [namespace.trim()]
    const hint = this.#call.command('ls', '--all')
    throw new Failure(EXIT.notFound, `there is no namespace ${namespace} in ${this.path}`, hint)
  }

  /** Every session in the namespaces to look in. */
  async keys(): Promise<readonly SessionKey[]> {
    const keys: SessionKey[] = []
    for (const namespace of await this.namespaces()) {
      for (const sessionId of await sessionIds(this.path, namespace)) keys.push({ namespace, sessionId })
    }
    return keys
  }

  /** The infos of these sessions, archived ones too, newest activity first in each namespace. */
  async infos(): Promise<readonly SessionInfo[]> {
    const found: (readonly SessionInfo[])[] = []
    for (const namespace of await this.namespaces()) {
      const { items } = await this.list(namespace, { archived: 'all', limit: Infinity })
      found.push(items)
    }
    return found.flat()
  }

  /** A page of the infos of a namespace. Needs no store, which has all that writes. */
  list(namespace: string, options: ListOptions): Promise<Page> {
    return this.#namespace(namespace).list(options)
  }

  /** What a list shows of the first sessions of a namespace that fit, newest activity first. */
  rows(namespace: string, options: RowOptions): Promise<readonly InfoRow[]> {
    return this.#namespace(namespace).rows(options)
  }

  /** The store of a namespace. Loads nothing to fold with until something has to be folded. */
  async store(namespace: string): Promise<Store> {
    const { openStore } = await import('../store.ts')
    this.#store ??= await openStore(this.backend, { namespace })
    return this.#store.namespace(namespace)
  }

  /** A session that was found; rejects if it has gone since, or its log says that it was deleted. */
  async session({ namespace, sessionId }: SessionKey): Promise<Session> {
    const session = await (await this.store(namespace)).get(sessionId)
    if (session !== undefined) return session
    throw new Failure(EXIT.notFound, `session ${sessionId} was deleted`, this.#call.command('ls', '--all'))
  }

  #namespace(name: string): Namespace {
    // The engine is that of the store, if one is opened.
    this.#engine ??= useEngine(this.backend, {}, bus, undefined)
    return this.#engine.namespace(name)
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#store?.close()
    await this.#engine?.release()
    // A store closes only a backend that it has opened itself, and what was appended is synced by then.
    await this.backend.close()
  }
}

/** A session that was named, and the root it is in, which is disposed of with it. */
export class Found {
  readonly root: Root
  readonly key: SessionKey

  constructor(root: Root, key: SessionKey) {
    this.root = root
    this.key = key
  }

  /** The session; rejects if it has gone since. */
  session(): Promise<Session> {
    return this.root.session(this.key)
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.root[Symbol.asyncDispose]()
  }
}

/** Finds the session that `name` means, by default the first argument, else the latest. Opens its root as `Root.open` does. */
export async function find(call: Call, isToAppend = false, name: string = call.args[0] ?? '@'): Promise<Found> {
  const wanted = name.trim()
  if (wanted.endsWith('.jsonl')) return findFile(call, wanted, isToAppend)
  const root = await Root.open(call, call.root, isToAppend)
  return new Found(root, await findIn(call, root, wanted))
}

/** Sessions that were named, each once, and their roots, which are disposed of with them. */
export class FoundAll {
  readonly all: readonly Found[]

  constructor(all: readonly Found[]) {
    this.all = all
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const root of new Set(this.all.map((found) => found.root))) await root[Symbol.asyncDispose]()
  }
}

/** Finds every session that an argument names, else the latest. If one of them is not found, that is all that happens. */
export async function findAll(call: Call, isToAppend = false): Promise<FoundAll> {
  const names = (call.args.length === 0 ? ['@'] : call.args).map((name) => name.trim())
  const found = new Map<string, Found>()
  let root: Root | undefined
  try {
    for (const name of names) {
      let each: Found
      if (name.endsWith('.jsonl')) each = await findFile(call, name, isToAppend)
      else {
        root ??= await Root.open(call, call.root, isToAppend)
        each = new Found(root, await findIn(call, root, name))
      }
      const { namespace, sessionId } = each.key
      const place = JSON.stringify([each.root.path, namespace, sessionId])
      if (found.has(place) && each.root !== root) await each[Symbol.asyncDispose]()
      else found.set(place, each)
    }
    return new FoundAll([...found.values()])
  } catch (error) {
    await new FoundAll([...found.values()])[Symbol.asyncDispose]()
    throw error
  }
}

/** The session of a root that `name` means: a prefix of its id, or `@`. Not a path: that may be in another root. */
export function findIn(call: Call, root: Root, name: string): Promise<SessionKey> {
  const place = /^@(?:\{(\d{1,9})\})?$/.exec(name)
  return place === null ? findByPrefix(call, root, name) : findLatest(call, root, Number(place[1] ?? 0))
}

async function findFile(call: Call, path: string, isToAppend: boolean): Promise<Found> {
  const place = sessionOfPath(path)
  if ((await look(path)) === undefined)
    throw new Failure(EXIT.notFound, `there is no file ${path}`, call.command('ls', '--all'))
  if (place === undefined) {
    const rule = '<root>/<namespace>/<session>.jsonl, encoded as docs/format.md says'
    throw new Failure(EXIT.usage, `${path} is not named as a log is: ${rule}`)
  }
  const root = await Root.open(call, place.root, isToAppend)
  if ((await filesOf(place.root, place.key)).length > 0) return new Found(root, place.key)
  throw new Failure(EXIT.notFound, `${path} is not a regular file`)
}

async function findByPrefix(call: Call, root: Root, name: string): Promise<SessionKey> {
  const keys = await root.keys()
  const wanted = name.toLowerCase()
  const exact = keys.filter(({ sessionId }) => sessionId === name)
  const fitting = exact.length > 0 ? exact : keys.filter(({ sessionId }) => sessionId.toLowerCase().startsWith(wanted))
  if (fitting.length === 1) return fitting[0]!
  if (fitting.length === 0) throw await notFound(call, root, name, keys)
  const candidates = fitting
    .slice(0, MAX_CANDIDATES)
    .map(({ namespace, sessionId }) => call.instead(name, sessionId, '-n', namespace))
  const more = fitting.length > MAX_CANDIDATES ? `, the first ${MAX_CANDIDATES} of them` : ''
  throw new Failure(EXIT.usage, `${name} could be ${fitting.length} sessions${more}:`, ...candidates)
}

/** Names what was meant, if that can be told: by the id, else by the title. */
async function notFound(call: Call, root: Root, name: string, keys: readonly SessionKey[]): Promise<Failure> {
  const where = call.namespace === undefined ? root.path : `namespace ${call.namespace} of ${root.path}`
  const what = `no session in ${where} begins with ${name}`
  const ids = keys.map(({ sessionId }) => sessionId)
  // Nobody types an id that was minted: it is copied, or found by its end.
  const chosen = ids.filter((id) => !RANDOM.test(id))
  const near = new Set(nearestIds(name.replace(/^…/, ''), ids, chosen))
  const meant = near.size > 0 ? keys.filter(({ sessionId }) => near.has(sessionId)) : await titled(root, name)
  if (meant.length === 0) return new Failure(EXIT.notFound, what, whatThereIs(call, keys.length > 0))
  const commands = meant.map(({ namespace, sessionId }) => call.instead(name, sessionId, '-n', namespace))
  return new Failure(EXIT.notFound, `${what}: did you mean`, ...commands)
}

/** Sessions with a word in their titles; none if they are many. */
async function titled(root: Root, word: string): Promise<readonly SessionKey[]> {
  const wanted = word.toLowerCase()
  if (wanted.length < LEAST_WORD) return []
  const keys: SessionKey[] = []
  for (const namespace of await root.namespaces()) {
    const where = ({ title = '' }: SessionInfo): boolean => title.toLowerCase().includes(wanted)
    const { items } = await root.list(namespace, { archived: 'all', limit: MOST_TITLED + 1, where })
    keys.push(...items.map(({ id }) => ({ namespace, sessionId: id })))
  }
  return keys.length > MOST_TITLED ? [] : keys
}

const LEAST_WORD = 3
const MOST_TITLED = 3

/** The session that something happened in last, or the nth before it. The order is that of `ls --all`. */
async function findLatest(call: Call, root: Root, nth: number): Promise<SessionKey> {
  const found: (readonly SessionInfo[])[] = []
  for (const namespace of await root.namespaces()) found.push((await root.list(namespace, { limit: nth + 1 })).items)
  const infos = found.flat().sort(byActivity)
  const info = infos[nth]
  if (info !== undefined) return { namespace: info.namespace, sessionId: info.id }
  const where = call.namespace ?? root.path
  if (infos.length > 0)
    throw new Failure(EXIT.notFound, `there are only ${infos.length} sessions in ${where}`, whatThereIs(call))
  if ((await root.keys()).length === 0)
    throw new Failure(EXIT.notFound, `there is no session in ${where}`, whatThereIs(call, false))
  const what = `every session in ${where} is archived: name one`
  throw new Failure(EXIT.notFound, what, call.command('ls', '--all', '--archived'))
}

/** A command that lists what could be named, or that brings in what can be. */
function whatThereIs(call: Call, hasSessions = true): string {
  return hasSessions || call.namespace !== undefined ? call.command('ls', '--all') : call.command('import')
}

/** Newest activity first. */
export function byActivity(a: InfoRow, b: InfoRow): number {
  return b.time.updated - a.time.updated || (a.id < b.id ? 1 : -1)
}

/** The ids of the whole root, because that is where a prefix is looked for. */
export async function idsOf({ backend, path }: Root): Promise<readonly string[]> {
  const namespaces = await backend.namespaces()
  return (await Promise.all(namespaces.map((namespace) => sessionIds(path, namespace)))).flat()
}

/** How the ids of a root are shown. */
export async function shortIds(root: Root): Promise<(id: string) => string> {
  return shortener(await idsOf(root))
}

/** As {@link shortIds}, for these ids only: does not look at others where all of them are shown as they are. */
export async function shortIdsOf(root: Root, ids: readonly string[]): Promise<(id: string) => string> {
  return ids.every((id) => id.length <= leastOf(id)) ? (id) => id : shortIds(root)
}

/**
 * How ids are shown: ULIDs and UUIDs by the shortest beginning that is nobody else's, of eight characters at least; others
 * are longer, because people chose them.
 */
export function shortener(ids: readonly string[]): (id: string) => string {
  const sorted = ids.map((id) => id.toLowerCase()).sort()
  const needed = new Map<string, number>()
  for (let index = 0, before = 0; index < sorted.length; index++) {
    const after = common(sorted[index]!, sorted[index + 1])
    needed.set(sorted[index]!, Math.max(before, after) + 1)
    before = after
  }
  return (id) => id.slice(0, Math.max(needed.get(id.toLowerCase()) ?? id.length, leastOf(id)))
}

const RANDOM = /^(?:[0-9a-z]{26}|[0-9a-f]{8}-[0-9a-f-]{27})$/i

/** How much of an id is always shown. */
function leastOf(id: string): number {
  return RANDOM.test(id) ? LEAST_SHOWN : 24
}

const LEAST_SHOWN = 8

/** How much two ids have in common; 0 is as good as anything less than what is always shown. */
function common(a: string, b = ''): number {
  if (a.charCodeAt(LEAST_SHOWN - 1) !== b.charCodeAt(LEAST_SHOWN - 1)) return 0
  let length = 0
  while (length < a.length && a.charCodeAt(length) === b.charCodeAt(length)) length++
  return length
}

/** Whether a path is a directory; undefined if nothing is there. */
async function look(path: string): Promise<boolean | undefined> {
  try {
    return (await stat(path)).isDirectory()
  } catch (error) {
    if (isMissing(error)) return undefined
    throw storageError(error, 'look at', { path })
  }
}
