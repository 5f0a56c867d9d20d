/**
 * Opens a root: create, get, list, delete. The one file that composes all others.
 *
 * What folds (logs and sessions), chokidar (watching) and the system's crypto (ids and attachments) are loaded when they are first used, so that
 * opening a store and listing from the cache stay cheap.
 */
import type { Backend, Capabilities, SessionKey } from './backend.ts'
import { networkDisk } from './backends/file/network.ts'
import { bus as defaultBus, type Bus, type Listener } from './bus.ts'
import { useEngine, type Engine, type Namespace } from './engine.ts'
import { FoldlogError, isFoldlogError } from './errors.ts'
import type { InfoPatch } from './event.ts'
import type { FileRef, Openable } from './files.ts'
import type { FileReport } from './fsck-files.ts'
import type { LogReport } from './fsck.ts'
import type { Collected, CollectOptions } from './gc.ts'
import type { ListOptions, Page } from './infos.ts'
import { assertObject, assertOneOf } from './input.ts'
import type { Json } from './json.ts'
import { lazy } from './lazy.ts'
import type { Log } from './log.ts'
import type { Newest } from './newest.ts'
import type { Logs } from './logs.ts'
import type { MergeLine, Merged } from './merge.ts'
import type { Message, SessionInfo } from './message.ts'
import { encodeName, normalizeId } from './name.ts'
import { assertNoGuard, assertOptions, type NoOptions } from './options.ts'
import type { RedactChoice, Redacted, RedactOptions } from './redact.ts'
import { Search, type SearchOptions, type SearchQuery } from './search.ts'
import type { Sending } from './send.ts'
import type { Session } from './session.ts'
import { assertLeaseMs, type StoreOptions } from './store-options.ts'

/** What a new session starts with. */
export type SessionInit = Omit<InfoPatch, 'head'> & {
  /** Default: a fresh ULID. Trimmed; blank is none. */
  readonly id?: string
}

export interface ForkOptions extends SessionInit {
  /** The last event that is taken over. Default: all. */
  readonly at?: string
}

export interface Health {
  readonly ok: boolean
  readonly root: string
  readonly namespace: string
  readonly capabilities: Capabilities
  /** What is wrong, if `ok` is false. */
  readonly problem?: Error
}

/** A page of a listing when awaited, every session when iterated. */
export type Listing = PromiseLike<Page> & AsyncIterable<SessionInfo>

/** What `openStore` returned and the stores of other namespaces made from it: they are closed together. */
interface Family {
  readonly engine: Engine
  readonly watch: boolean
  readonly sending: Pick<Sending, 'respond' | 'leaseMs'>
  readonly stores: Map<string, Store>
  /** Ways to stop the listeners that were added. */
  readonly listeners: Set<() => void>
  isClosed: boolean
}

const DEFAULT_NAMESPACE = 'default'
const LEASE_MS = 30_000
const DEFAULT_ROOT = '.sessions'
const merging = lazy(() => import('./merge.ts'))
const filing = lazy(() => import('./files.ts'))

/**
 * Opens the sessions of a directory, or of another backend.
 *
 * @param root a directory, which need not exist: it is created with the first session. Default: `$FOLDLOG_ROOT`, else `.sessions`
 */
export async function openStore(root?: string | Backend, options: StoreOptions = {}): Promise<Store> {
  const { namespace = DEFAULT_NAMESPACE, watch = false, fsync, shared, redact, bus = defaultBus } = options
  const { respond, leaseMs = LEASE_MS } = options
  assertLeaseMs(leaseMs)
  assertOneOf(fsync, [undefined, 'always', 'everysec', 'never'], 'fsync')
  assertOneOf(shared, [undefined, true, false], 'shared')
  // An empty variable is as good as none: it would name the current directory.
  const place = root ?? (process.env['FOLDLOG_ROOT'] || DEFAULT_ROOT)
  if (typeof place !== 'string') assertObject(place, 'root')
  encodeName(normalizeId(namespace) ?? namespace)
  const backendOptions = { ...(fsync === undefined ? {} : { fsync }), ...(shared === undefined ? {} : { shared }) }
  const engine = useEngine(place, backendOptions, bus, redact)
  const sending = { respond, leaseMs }
  const store = new Store(
    { engine, watch, sending, stores: new Map(), listeners: new Set(), isClosed: false },
    namespace,
  )
  try {
    if (typeof place === 'string' && shared !== true) warn(store, bus)
    await store.ready()
    return store
  } catch (error) {
    await store.close()
    throw error
  }
}

/** Says so if several machines may write to the root, and it is opened as if none did. */
function warn({ root, name: namespace }: Store, bus: Bus): void {
  const disk = networkDisk(root)
  if (disk === undefined) return
  const reason = `${root} is on a shared disk (${disk}), where machines that append to one file lose lines: open it with shared: true`
  bus.publish({ type: 'store.degraded', root, namespace, reason })
}

/** The sessions of a namespace. */
export class Store {
  /** The namespace. */
  readonly name: string
  readonly #family: Family
  readonly #engine: Engine
  readonly #space: Namespace

  /** Made by `openStore` and `namespace`. */
  constructor(family: Family, namespace: string) {
    this.name = normalizeId(namespace) ?? namespace
    encodeName(this.name)
    this.#family = family
    this.#engine = family.engine
    this.#space = family.engine.namespace(this.name)
    family.stores.set(this.name, this)
  }

  /** The directory or the place of the backend. */
  get root(): string {
    return this.#engine.backend.root
  }

  get capabilities(): Capabilities {
    return this.#engine.backend.capabilities
  }

  /** Resolves when a store that watches does so. `openStore` has awaited it. */
  async ready(): Promise<void> {
    if (this.#family.watch) await this.#space.watch()
  }

  /** Creates a session. Rejects with `ALREADY_EXISTS` if the id is taken. Durable as the store's `fsync` says. */
  async create(init: SessionInit = {}, options?: NoOptions): Promise<Session> {
    assertOptions(options, [], 'create')
    assertNoGuard(init, 'create')
    const { id: given, ...fields } = init
    const { creationLine } = await merging()
    const key = this.#key(normalizeId(given) ?? (await newId()))
    const log = await (await this.#logs()).create(key, [creationLine(fields)])
    return this.#handle(log)
  }

  /** The session of this id; undefined if it is not there. Never creates one. */
  async get(id: string): Promise<Session | undefined> {
    const key = this.#key(this.#id(id))
    const opened = await this.#space.open(key.sessionId)
    return opened === undefined ? undefined : this.#handle(opened)
  }

  /** The session of this id, created if it is not there. */
  async ensure(id: string, init: Omit<SessionInit, 'id'> = {}, options?: NoOptions): Promise<Session> {
    assertOptions(options, [], 'ensure')
    assertNoGuard(init, 'ensure')
    const known = await this.get(id)
    if (known !== undefined) return known
    try {
      return await this.create({ ...init, id })
    } catch (error) {
      // Somebody else created it between the two calls: that one it is.
      const other = isFoldlogError(error, 'ALREADY_EXISTS') ? await this.get(id) : undefined
      if (other === undefined) throw error
      return other
    }
  }

  /**
   * Infos, newest activity first. Await it for a page, iterate it for every session, or for `limit` of them if that is given. It looks once,
   * before the first one.
   */
  list(options: ListOptions = {}): Listing {
    const first = async (): Promise<Page> => {
      this.#check()
      options.signal?.throwIfAborted()
      return this.#space.list(options)
    }
    const later = async (cursor: string): Promise<Page> => {
      this.#check()
      options.signal?.throwIfAborted()
      return this.#space.page({ ...options, cursor })
    }
    return {
      // oxlint-disable-next-line no-thenable -- awaiting a listing for its first page is what it is for
      then: (onPage, onError) => first().then(onPage, onError),
      async *[Symbol.asyncIterator]() {
        let { items, next } = await first()
        for (;;) {
          for (const info of items) {
            yield info
            options.signal?.throwIfAborted()
          }
          // With a limit, that is all that was asked for.
          if (next === undefined || options.limit !== undefined) return
          ;({ items, next } = await later(next))
        }
      },
    }
  }

  /**
   * Looks for words, a phrase or an expression in the texts of messages (docs/search.md), newest activity first. Iterate it: the first hits come before
   * the rest is looked at. Only what counts is found; what is being streamed is found when it has ended. No index is kept.
   */
  search(query: SearchQuery, options: SearchOptions = {}): Search {
    this.#check()
    return new Search(this.#engine, query, { namespaces: [this.name], ...options })
  }

  /** Deletes a session for good, its log and all segments. False if it was not there. In a shared root a tombstone stays, see `purge`. */
  async delete(id: string, options?: NoOptions): Promise<boolean> {
    this.#check()
    assertOptions(options, [], 'delete')
    const key = this.#key(this.#id(id))
    const logs = await this.#logs()
    const log = logs.peek(key)
    let wasThere = await this.#engine.backend.remove(key)
    // It may be away only until git has written it anew.
    if (!wasThere && log !== undefined && (await log.isThere())) wasThere = await this.#engine.backend.remove(key)
    this.#space.forget(key.sessionId)
    logs.dropHeld(key)
    if (log !== undefined) log.markDeleted()
    else if (wasThere) this.#publishDeleted(key)
    return wasThere
  }

  /**
   * Deletes a session and the tombstone that keeps it deleted in a shared root, so that its id is free again. False if neither was there.
   * A copy that has not seen the deletion brings the session back: purge when all have.
   */
  async purge(id: string, options?: NoOptions): Promise<boolean> {
    assertOptions(options, [], 'purge')
    const wasThere = await this.delete(id)
    return (await this.#engine.backend.purge(this.#key(this.#id(id)))) || wasThere
  }

  /**
   * A new session with the events up to `at`, ids kept, and this one as its parent. Keys and leases stay behind. What is in progress is
   * `incomplete` there, with what had been streamed.
   */
  async fork(id: string, options: ForkOptions = {}): Promise<Session> {
    assertNoGuard(options, 'fork')
    const { at, id: newSessionId, ...fields } = options
    const logs = await this.#logs()
    const source = await logs.get(this.#key(this.#id(id)))
    if (source === undefined) throw notFound(this.name, id)
    const { forkLines } = await merging()
    const key = this.#key(normalizeId(newSessionId) ?? (await newId()))
    // To the backend an older fork would be this one half written, because both have the ids of what they begin with.
    if ((await logs.get(key)) !== undefined) {
      const message = `session ${key.sessionId} is there already: fork with another id`
      throw new FoldlogError('ALREADY_EXISTS', message, key)
    }
    // The past has no drafts.
    const shown = at === undefined ? await logs.live.of(source).all() : []
    return this.#handle(await logs.create(key, forkLines(source, at, fields, shown)))
  }

  /**
   * Adds events made elsewhere, as they are: a set union. Ids that are there are skipped, a missing session is created. The way for imports,
   * clones and syncs; whatever order and however often, the same lines give the same conversation.
   */
  async merge(id: string, lines: readonly MergeLine[], options?: NoOptions): Promise<Merged> {
    this.#check()
    assertOptions(options, [], 'merge')
    const { mergeInto } = await merging()
    return mergeInto(await this.#logs(), this.#key(this.#id(id)), lines)
  }

  /** Stores bytes in the namespace's `files/` under their hash; the result is spread into a file part. */
  async putFile(bytes: Uint8Array, mediaType: string, name?: string): Promise<FileRef> {
    this.#check()
    const { putFile } = await filing()
    return putFile(this.#engine.backend, this.name, bytes, mediaType, name)
  }

  /** Reads stored bytes, checked against their hash; undefined if they are not there. `mediaType`, if known, spares a look at the directory. */
  async getFile(file: string, mediaType?: string): Promise<Uint8Array | undefined> {
    this.#check()
    const { getFile } = await filing()
    return getFile(this.#engine.backend, this.name, file, mediaType)
  }

  /**
   * The bytes of a file part, or of `sha256-…`, as they are read. The last piece comes only if the hash is right; otherwise it rejects with
   * `STORAGE_FAILED`, and with `NOT_FOUND` if they are not there.
   */
  async *openFile(file: Openable): AsyncGenerator<Uint8Array> {
    this.#check()
    const { openFile } = await filing()
    yield* openFile(this.#engine.backend, this.name, file)
  }

  /** Messages with their stored files in place of the references; what is not there or damaged stays a reference. */
  async inlineFiles(messages: readonly Message[]): Promise<readonly Message[]> {
    this.#check()
    const { inlineFiles } = await import('./inline.ts')
    return inlineFiles(this.#engine.backend, this.name, messages)
  }

  /** Removes files that nothing in this namespace names any more, while others read and write (docs/files.md). Nothing is ever removed by itself. */
  async gc(options: CollectOptions = {}): Promise<Collected> {
    this.#check()
    const { collectFiles } = await import('./gc.ts')
    return collectFiles(this.#engine.backend, this.name, options)
  }

  /** What is wrong with stored files, or with those that one session names. Reads all of them, changes nothing. */
  async *fsckFiles(id?: string): AsyncGenerator<FileReport> {
    this.#check()
    const { checkFiles } = await import('./fsck-files.ts')
    yield* checkFiles(this.#engine.backend, this.name, id === undefined ? undefined : this.#id(id))
  }

  /** What is wrong in a log, or in all of them. Reads every line, changes nothing and never rejects for what a file holds. */
  async *fsck(id?: string): AsyncGenerator<LogReport> {
    this.#check()
    const { checkLog } = await import('./fsck.ts')
    const { backend } = this.#engine
    const ids = id === undefined ? (await backend.list(this.name)).map(({ sessionId }) => sessionId) : [this.#id(id)]
    for (const sessionId of ids.sort()) {
      try {
        yield await checkLog(backend, this.#key(sessionId))
      } catch (error) {
        // Deleted since it was listed.
        if (id !== undefined || !isFoldlogError(error, 'NOT_FOUND')) throw error
      }
    }
  }

  /**
   * Removes content for good, in one session or in all of this namespace: from every log that holds the events, forks too, from attachments
   * and caches. What is left says so (`redacted` of an event), and a `log.redacted` event stays. Safe while others append.
   *
   * Nothing here reaches what was copied before, git history above all: a secret that was written is known, so replace it first.
   */
  async redact(choice: RedactChoice, options: RedactOptions & { readonly sessionId?: string } = {}): Promise<Redacted> {
    this.#check()
    assertOptions(options, ['dryRun', 'sessionId'], 'redact')
    const { sessionId, ...rest } = options
    const { redactLogs } = await import('./redact.ts')
    const scope = sessionId === undefined ? undefined : this.#id(sessionId)
    const redacted = await redactLogs(this.#engine.backend, this.name, scope, choice, rest)
    if (options.dryRun !== true) for (const log of redacted.logs) await this.#afterRewrite(log.sessionId)
    return redacted
  }

  /** Deletes sessions without activity since a time, or for so many ms. Nothing is ever deleted by itself. Returns their ids. */
  async prune(options: { readonly olderThan: Date | number; readonly dryRun?: boolean }): Promise<readonly string[]> {
    assertOptions(options, ['olderThan', 'dryRun'], 'prune')
    const { olderThan, dryRun = false } = options
    const before =
      typeof olderThan === 'number' ? Date.now() - olderThan : olderThan instanceof Date ? olderThan.getTime() : NaN
    if (!Number.isFinite(before) || (typeof olderThan === 'number' && olderThan < 0)) {
      throw new FoldlogError('INVALID_OPTION', 'olderThan: pass a Date, or an age in milliseconds', {
        field: 'olderThan',
      })
    }
    const ids: string[] = []
    for await (const { id, time } of this.list({ archived: 'all' })) if (time.updated < before) ids.push(id)
    if (!dryRun) for (const id of ids) await this.delete(id)
    return Object.freeze(ids)
  }

  /** The store of another namespace of the same root; the same one for the same name. */
  namespace(name: string): Store {
    const known = this.#family.stores.get(normalizeId(name) ?? name)
    if (known !== undefined) return known
    const store = new Store(this.#family, name)
    // Nobody waits for it here; whoever has to can await `ready`.
    store.ready().catch((error: unknown) => store.#report(error))
    return store
  }

  /** The namespaces that have sessions or had some. */
  async namespaces(): Promise<readonly string[]> {
    this.#check()
    return Object.freeze([...(await this.#engine.backend.namespaces())].sort())
  }

  /**
   * Calls back on events of this namespace: a type of the bus, a type of one's own, or `*`. Returns the way to stop; closing the store stops it
   * too.
   */
  on<T extends string>(type: T, listener: Listener<T>): () => void {
    this.#check()
    const stop = this.#engine.bus.on(type, (event) => (this.#isMine(event) ? listener(event) : undefined))
    const off = (): void => {
      this.#family.listeners.delete(off)
      stop()
    }
    this.#family.listeners.add(off)
    return off
  }

  /** As `on`, for the next event only. */
  once<T extends string>(type: T, listener: Listener<T>): () => void {
    const off = this.on(type, (event) => {
      off()
      return listener(event)
    })
    return off
  }

  /** Publishes something transient, in no log: `typing`, a progress. */
  notice(name: string, data?: Json, sessionId?: string): void {
    this.#check()
    const { bus } = this.#engine
    bus.publish({
      type: 'notice',
      root: this.root,
      namespace: this.name,
      name,
      ...(data === undefined ? {} : { data }),
      ...(sessionId === undefined ? {} : { sessionId }),
    })
  }

  /** Whether sessions can be read and written here. Does not reject. */
  async health(): Promise<Health> {
    const base = { root: this.root, namespace: this.name, capabilities: this.capabilities }
    try {
      this.#check()
      await this.#engine.backend.check()
      return { ok: true, ...base }
    } catch (error) {
      return { ok: false, ...base, problem: error instanceof Error ? error : new Error(String(error)) }
    }
  }

  /**
   * Resolves when everything acknowledged so far is on the disk, whatever `fsync` says, in every namespace. Rejects with `STORAGE_FAILED` if
   * that is not known; except with `fsync: 'never'` the lines are kept, written again, and the next flush may succeed.
   */
  async flush(): Promise<void> {
    this.#check()
    await this.#engine.backend.flush()
  }

  /**
   * Closes this store, those of all its namespaces, and the backend if it was opened for them by its directory. What was acknowledged is
   * in the backend already.
   */
  async close(): Promise<void> {
    if (this.#family.isClosed) return
    this.#family.isClosed = true
    for (const off of this.#family.listeners) off()
    await this.#engine.leaveDrafts()
    await this.#engine.release()
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close()
  }

  async #handle(opened: Log | Newest): Promise<Session> {
    const { Session } = await import('./session.ts')
    const { live } = await this.#logs()
    return new Session(
      this.#engine.backend,
      opened,
      (log) => live.of(log),
      (log, ring) => this.#wake(log, ring),
      () => this.#check(),
      { ...this.#family.sending, onClose: (listener) => this.#onClose(listener) },
    )
  }

  #onClose(listener: () => void): () => void {
    const { listeners } = this.#family
    listeners.add(listener)
    return () => listeners.delete(listener)
  }

  /** Rings on every change of a log, by this process or another. */
  async #wake(log: Log, ring: () => void): Promise<() => void> {
    const stopListening = log.listen(ring)
    await this.#space.watch()
    return stopListening
  }

  async #afterRewrite(sessionId: string): Promise<void> {
    const log = (await this.#logs()).peek(this.#key(sessionId))
    if (log === undefined) this.#space.forgetInfo(sessionId)
    else await log.look()
  }

  #logs(): Promise<Logs> {
    this.#check()
    return this.#engine.logs()
  }

  #report(error: unknown): void {
    if (this.#family.isClosed) return
    const wrapped = error instanceof Error ? error : new Error(String(error))
    this.#engine.bus.publish({ type: 'store.error', root: this.root, namespace: this.name, error: wrapped })
  }

  #publishDeleted({ namespace, sessionId }: SessionKey): void {
    this.#engine.bus.publish({ type: 'session.deleted', root: this.root, namespace, sessionId, origin: 'local' })
  }

  #isMine(event: { readonly root: string; readonly namespace: string }): boolean {
    return event.root === this.root && event.namespace === this.name
  }

  #key(sessionId: string): SessionKey {
    this.#check()
    encodeName(sessionId)
    return { namespace: this.name, sessionId }
  }

  #id(id: string): string {
    const normal = normalizeId(id)
    if (normal === undefined) throw new FoldlogError('INVALID_NAME', 'a session id is needed here: it was blank')
    return normal
  }

  #check(): void {
    if (this.#family.isClosed) throw new FoldlogError('CLOSED', `the store ${this.root} was closed: open it again`)
  }
}

async function newId(): Promise<string> {
  return (await import('./id.ts')).newId()
}

function notFound(namespace: string, sessionId: string): FoldlogError {
  return new FoldlogError('NOT_FOUND', `session ${sessionId} is not in ${namespace}`, { namespace, sessionId })
}
