/**
 * The file backend: a session is one append-only file, and these files are the only truth.
 *
 *     <root>/<namespace>/<session>.jsonl    see paths.ts for everything else in a root
 *
 * list.ts lists; log-access.ts brings together what appends, reads and makes lines last. Both are loaded when they are first
 * used. What lines mean is none of its business.
 */
import { resolve } from 'node:path'
import type {
  AppendOptions,
  AppendResult,
  Backend,
  Capabilities,
  Cursor,
  Drafts,
  Head,
  KeptFiles,
  LineBatch,
  LinesBack,
  LogPiece,
  LookOptions,
  NewLine,
  ReadOptions,
  Rewrites,
  SessionKey,
  WatchEvents,
} from '../../backend.ts'
import { closed, isMissing, storageError, typed } from './failure.ts'
import type { StoredInfos } from './infos.ts'
import { constants, io } from './io.ts'
import { lazy } from '../../lazy.ts'
import { MAX_LINE_BYTES } from './limits.ts'
import type { LogAccess } from './log-access.ts'
import type { FsyncPolicy } from './sync.ts'

const listing = lazy(() => import('./list.ts'))
const caching = lazy(() => import('./infos.ts'))

export interface FileBackendOptions {
  /**
   * When lines reach the disk. `'everysec'` (default): a crash of the process loses nothing, a power loss at most a
   * second. `'always'`: an append resolves when they are there, which costs some 0.2 ms. `'never'`: left to the system.
   */
  readonly fsync?: FsyncPolicy
  /**
   * For roots whose copies are merged or synced, or that several machines reach over a network. Default false. Every backend then writes to
   * files of its own and removing leaves a tombstone; an append costs a `stat` for each file of the log.
   */
  readonly shared?: boolean
}

/** Keeps logs as files under `root`, which is made with the first session. Touches no disk yet. */
export function fileBackend(root: string, options: FileBackendOptions = {}): Backend {
  return new FileBackend(resolve(root), options.fsync ?? 'everysec', options.shared ?? false)
}

class FileBackend implements Backend {
  readonly root: string
  readonly capabilities: Capabilities
  readonly files: Backend['files']
  readonly kept: KeptFiles
  readonly infos: Backend['infos']
  readonly rewrites: Rewrites
  readonly drafts: Drafts
  readonly #policy: FsyncPolicy
  /** Loaded when a log is read or written: most of the code is in it, and a listing needs none. */
  #access: LogAccess | undefined
  #loading: Promise<LogAccess> | undefined
  #infos: StoredInfos | undefined
  #isClosed = false

  constructor(root: string, policy: FsyncPolicy, isShared: boolean) {
    this.root = root
    this.capabilities = {
      durability: policy === 'always' ? 'disk' : 'process',
      guards: isShared ? 'none' : 'exact',
      watch: 'push',
      files: true,
      infos: true,
      shared: isShared,
      maxLineBytes: MAX_LINE_BYTES,
    }
    this.#policy = policy
    this.rewrites = {
      rewrite: async (...args) => (await this.#open()).rewrites.rewrite(...args),
      leftovers: async (...args) => (await this.#open()).rewrites.leftovers(...args),
      quarantine: async (...args) => (await this.#open()).rewrites.quarantine(...args),
      files: async (...args) => (await this.#open()).rewrites.files(...args),
      removeFile: async (...args) => (await this.#open()).rewrites.removeFile(...args),
      sweep: async (...args) => (await this.#open()).rewrites.sweep(...args),
      scrub: async (...args) => (await this.#open()).rewrites.scrub(...args),
    }
    this.drafts = {
      open: async (...args) => (await this.#open()).drafts.open(...args),
      list: async (...args) => (await this.#open()).drafts.list(...args),
      read: async (...args) => (await this.#open()).drafts.read(...args),
      remove: async (...args) => (await this.#open()).drafts.remove(...args),
    }
    this.files = {
      put: async (namespace, name, bytes) => (await this.#open()).attachments.put(namespace, name, bytes),
      get: async (namespace, name) => (await this.#open()).attachments.get(namespace, name),
      write: async (...args) => (await this.#open()).attachments.write(...args),
      read: (namespace, name) => this.#readFile(namespace, name),
      list: async (...args) => (await this.#open()).attachments.list(...args),
    }
    this.kept = {
      list: async (...args) => (await this.#open()).kept.list(...args),
      read: (namespace, name) => this.#readKept(namespace, name),
      sweep: async (...args) => (await this.#open()).kept.sweep(...args),
    }
    this.infos = {
      load: async (...args) => (await this.#openInfos()).load(...args),
      save: async (...args) => (await this.#openInfos()).save(...args),
    }
  }

  // Not async: once a log was read or written, the write is done when this returns.
  append(key: SessionKey, lines: readonly NewLine[], options?: AppendOptions): AppendResult | Promise<AppendResult> {
    if (this.#isClosed) return Promise.reject(closed(this.root))
    if (this.#access === undefined) return this.#open().then((access) => access.append(key, lines, options))
    return this.#access.append(key, lines, options)
  }

  async *read(key: SessionKey, options: ReadOptions = {}): AsyncGenerator<LineBatch> {
    yield* (await this.#open()).read(key, options)
  }

  async readBack(key: SessionKey, before: Cursor, sizeBytes: number): Promise<LinesBack | undefined> {
    return (await this.#open()).readBack(key, before, sizeBytes)
  }

  async *scan(key: SessionKey): AsyncGenerator<Uint8Array> {
    // `yield*` would wait several times for each piece.
    for (const piece of (await this.#open()).scan(key)) yield piece
  }

  async *pieces(key: SessionKey): AsyncGenerator<LogPiece> {
    for (const piece of (await this.#open()).pieces(key)) yield piece
  }

  async head(key: SessionKey, options: LookOptions = {}): Promise<Head | undefined> {
    return (await this.#open()).head(key, options)
  }

  async list(namespace: string): Promise<readonly Head[]> {
    this.#assertOpen()
    const { listHeads } = await listing()
    return typed('list', this.root, () => listHeads(this.root, namespace))
  }

  async namespaces(): Promise<readonly string[]> {
    this.#assertOpen()
    const { listNamespaces } = await listing()
    return listNamespaces(this.root)
  }

  async remove(key: SessionKey): Promise<boolean> {
    return (await this.#open()).remove(key)
  }

  async purge(key: SessionKey): Promise<boolean> {
    return (await this.#open()).purge(key)
  }

  async watch(namespace: string | undefined, events: WatchEvents): Promise<() => Promise<void>> {
    this.#assertOpen()
    // Loaded when something is watched: the watcher costs time to load, and most processes need none.
    const { watchDirectories } = await import('./watch.ts')
    return watchDirectories(this.root, namespace, events)
  }

  async flush(): Promise<void> {
    this.#assertOpen()
    await (await this.#loading)?.flush()
  }

  async check(): Promise<void> {
    this.#assertOpen()
    for (let path = this.root; ; path = resolve(path, '..')) {
      try {
        if (!io.statSync(path).isDirectory()) throw new Error('it is not a directory')
        io.accessSync(path, constants.R_OK | constants.W_OK | constants.X_OK)
        return
      } catch (error) {
        // A root that is missing will be made: then it is the nearest directory above that counts.
        if (!isMissing(error) || path === resolve(path, '..')) throw storageError(error, 'use', { path })
      }
    }
  }

  async *#readFile(namespace: string, name: string): AsyncGenerator<Uint8Array> {
    yield* (await this.#open()).attachments.read(namespace, name)
  }

  async *#readKept(namespace: string, name: string): AsyncGenerator<Uint8Array> {
    yield* (await this.#open()).kept.read(namespace, name)
  }

  release(key: SessionKey): void {
    this.#access?.release(key)
  }

  async close(): Promise<void> {
    if (this.#isClosed) return
    this.#isClosed = true
    await (await this.#loading)?.close()
  }

  /** The way to the logs. What was asked for before it was loaded is done in that order. */
  async #open(): Promise<LogAccess> {
    this.#assertOpen()
    this.#loading ??= import('./log-access.ts').then(
      ({ LogAccess }) => (this.#access = new LogAccess(this.root, this.#policy, this.capabilities.shared)),
    )
    return this.#access ?? this.#loading
  }

  async #openInfos(): Promise<StoredInfos> {
    this.#assertOpen()
    const { StoredInfos } = await caching()
    return (this.#infos ??= new StoredInfos(this.root))
  }

  #assertOpen(): void {
    if (this.#isClosed) throw closed(this.root)
  }
}
