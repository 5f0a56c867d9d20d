/**
 * The storage tree of opencode up to 1.1: a file for every session, message and part.
 *
 *     <root>/session/<project>/<session>.json
 *     <root>/message/<session>/<message>.json
 *     <root>/part/<message>/<part>.json
 *
 * A session is read message by message: of the tree no more is in memory than the parts of one. A file that cannot be read is
 * told by its path, and the others count without it. Links in a tree are not followed: what they lead to is none of its files.
 */
import { lstat, readdir, readFile, stat } from 'node:fs/promises'
import { basename, join, sep } from 'node:path'
import type { JsonObject } from '../../json.ts'
import { textField } from '../fields.ts'
import { readFailure } from '../find.ts'
import { objectsOf, type UnreadableLine } from '../jsonl.ts'
import type { Run } from '../run.ts'
import type { SourceFile } from '../source-file.ts'
import { FORMAT } from './parts.ts'
import { inOrder, writeSession, type StoredMessage } from './session.ts'

const PATHS =
  /^(?<root>.*?)\/?(?:session\/[^/]+\/(?<session>ses_[^/]+)|message\/(?<of>ses_[^/]+)\/(?<message>msg_[^/]+)|part\/(?<owner>msg_[^/]+)\/[^/]+)\.json$/s
const EXCERPT_CHARS = 120
const NO_SESSION = 'its session is not in the storage'

/** What a file of a tree is, by where it lies. */
type TreePath =
  | { readonly kind: 'session' | 'message'; readonly root: string; readonly sessionId: string }
  | { readonly kind: 'part'; readonly root: string; readonly messageId: string }

/** The place of a file in a tree; undefined if it is in none. */
export function treePathOf(path: string): TreePath | undefined {
  const { root, session, of, message, owner } = PATHS.exec(path.replaceAll(sep, '/'))?.groups ?? {}
  if (root === undefined) return undefined
  if (session !== undefined) return { kind: 'session', root, sessionId: session }
  if (of !== undefined && message !== undefined) return { kind: 'message', root, sessionId: of }
  return owner === undefined ? undefined : { kind: 'part', root, messageId: owner }
}

/** Files of one session, and the one that says what it is. */
interface Group {
  readonly root: string
  readonly sessionId: string
  readonly paths: string[]
}

/** Imports the sessions that files of trees belong to, whichever of their files are named. */
export async function importTrees(paths: readonly string[], run: Run): Promise<void> {
  for (const group of await grouped(paths)) {
    const path = await sessionPathOf(group)
    if (path === undefined)
      await run.file(FORMAT, group.paths[0]!, async ({ ledger }) => {
        for (const each of group.paths) ledger.drop(treePathOf(each)!.kind, NO_SESSION)
      })
    else await run.file(FORMAT, path, (file) => importSession(file, group, run))
    // The file that the report is of is told already.
    for (const each of group.paths) if (each !== (path ?? group.paths[0])) run.passed(each)
  }
}

async function grouped(paths: readonly string[]): Promise<readonly Group[]> {
  const groups = new Map<string, Group>()
  const owners = new Map<string, string>()
  const add = (root: string, sessionId: string, path: string): void => {
    const key = join(root, sessionId)
    const group = groups.get(key)
    if (group === undefined) groups.set(key, { root, sessionId, paths: [path] })
    else group.paths.push(path)
  }
  const parts: { readonly path: string; readonly root: string; readonly messageId: string }[] = []
  for (const path of paths) {
    const place = treePathOf(path)!
    if (place.kind === 'part') parts.push({ ...place, path })
    else {
      add(place.root, place.sessionId, path)
      if (place.kind === 'message') owners.set(join(place.root, basename(path, '.json')), place.sessionId)
    }
  }
  for (const { path, root, messageId } of parts) {
    // A part whose message is not among the files says itself whose it is.
    const sessionId =
      owners.get(join(root, messageId)) ?? textField((await objectAt(path, true)).value ?? {}, 'sessionID')
    add(root, sessionId ?? messageId, path)
  }
  return [...groups.values()]
}

async function sessionPathOf({ root, sessionId, paths }: Group): Promise<string | undefined> {
  const named = paths.find((path) => treePathOf(path)?.kind === 'session')
  if (named !== undefined) return named
  for (const project of (await namesIn(join(root, 'session'))).names) {
    const { names } = await namesIn(join(root, 'session', project))
    if (names.includes(`${sessionId}.json`)) return join(root, 'session', project, `${sessionId}.json`)
  }
  return undefined
}

async function importSession(file: SourceFile, { root, sessionId }: Group, run: Run): Promise<void> {
  const tree = new Tree(file, root, sessionId)
  const info = await tree.info()
  file.ledger.count('session')
  const messageIds = inOrder(await tree.names(join(root, 'message', sessionId)))
  await writeSession(file, { sessionId, info, messageIds, load: (id) => tree.load(id) }, run)
}

/** Reads the messages of one session. */
class Tree {
  readonly #file: SourceFile
  readonly #root: string
  readonly #sessionId: string

  constructor(file: SourceFile, root: string, sessionId: string) {
    this.#file = file
    this.#root = root
    this.#sessionId = sessionId
  }

  async load(messageId: string): Promise<StoredMessage | undefined> {
    const message = await this.#read(join(this.#root, 'message', this.#sessionId, `${messageId}.json`))
    const directory = join(this.#root, 'part', messageId)
    const names = await this.names(directory)
    const parts = await Promise.all(names.map((name) => this.#read(join(directory, `${name}.json`))))
    if (message.value === undefined) {
      for (const part of parts)
        if (part.value !== undefined) this.#file.ledger.drop('part', 'its message cannot be read')
      return undefined
    }
    const sizeBytes = parts.reduce((sum, part) => sum + part.sizeBytes, message.sizeBytes)
    return { info: message.value, parts: parts.flatMap(({ value }) => (value === undefined ? [] : [value])), sizeBytes }
  }

  /** What the session is, which the file itself says. */
  async info(): Promise<JsonObject | undefined> {
    const { value, sizeBytes, reason, excerpt } = await objectAt(this.#file.path, true)
    if (reason !== undefined) this.#file.ledger.reject({ line: 1, offset: 0, sizeBytes, reason, excerpt })
    return value
  }

  /** The ids of what is in a directory; none if it is not there. */
  async names(directory: string): Promise<readonly string[]> {
    const { names, failure } = await namesIn(directory)
    if (failure !== undefined) this.#reject(directory, 0, 'unreadable', failure)
    return names.flatMap((name) => (name.endsWith('.json') ? name.slice(0, -'.json'.length) : []))
  }

  async #read(path: string): Promise<Read> {
    const read = await objectAt(path)
    if (read.reason !== undefined) this.#reject(path, read.sizeBytes, read.reason, read.excerpt)
    return read
  }

  #reject(path: string, sizeBytes: number, reason: UnreadableLine['reason'], excerpt: string): void {
    this.#file.ledger.reject({ path, line: 1, offset: 0, sizeBytes, reason, excerpt })
  }
}

async function namesIn(directory: string): Promise<{ readonly names: readonly string[]; readonly failure?: string }> {
  try {
    if (!(await lstat(directory)).isDirectory())
      return { names: [], failure: `${directory} is no directory of its own` }
    return { names: await readdir(directory) }
  } catch (error) {
    // A message may have no parts, and a session no messages: then there is no directory.
    const { code, message } = readFailure(directory, error)
    return code === 'NOT_FOUND' ? { names: [] } : { names: [], failure: message }
  }
}

interface Read {
  readonly value: JsonObject | undefined
  readonly sizeBytes: number
  readonly reason: UnreadableLine['reason'] | undefined
  readonly excerpt: string
}

function notRead(why: string): Read {
  return { value: undefined, sizeBytes: 0, reason: 'unreadable', excerpt: why }
}

/** The object that a small file holds, or why there is none. `isNamed`: it may be a link. */
async function objectAt(path: string, isNamed = false): Promise<Read> {
  let bytes: Buffer
  try {
    // Opening a pipe would wait for somebody to write.
    if (!(await (isNamed ? stat : lstat)(path)).isFile()) return notRead(`${path} is no file of its own`)
    bytes = await readFile(path)
  } catch (error) {
    // It is told, by its path, and the other files count without it.
    return notRead(readFailure(path, error).message)
  }
  const values = objectsOf(bytes)
  const value = typeof values === 'string' || values.length !== 1 ? undefined : values[0]
  const excerpt = bytes.subarray(0, EXCERPT_CHARS).toString('utf8').toWellFormed()
  const reason = value === undefined ? (typeof values === 'string' ? values : 'not-json') : undefined
  return { value, sizeBytes: bytes.length, reason, excerpt }
}
