/**
 * The file backend: a session is one append-only file, and these files are the only truth.
 *
 *     <root>/<namespace>/<session>.jsonl    see paths.ts for everything else in a root
 *
 * write.ts appends (shared.ts in shared roots), read.ts reads, list.ts lists; guard.ts decides which lines count; sync.ts makes them last. What
 * lines mean is none of its business.
 */
import { resolve } from 'node:path'
import { constants } from 'node:fs'
import type {
  AppendOptions,
  AppendResult,
  Backend,
  Capabilities,
  Cursor,
  Head,
  LineBatch,
  NewLine,
  SessionKey,
  WatchEvents,
} from '../../backend.ts'
import { FoldlogError } from '../../errors.ts'
import { MAX_LINE_BYTES } from './encode.ts'
import { isMissing, storageError } from './failure.ts'
import { Attachments } from './files.ts'
import { StoredInfos } from './infos.ts'
import { io } from './io.ts'
import { headOfLog, listHeads, listNamespaces } from './list.ts'
import type { LogFile } from './log-file.ts'
import { Logs } from './logs.ts'
import { readLog } from './read.ts'
import { removeLog } from './remove.ts'
import { Segments } from './segments.ts'
import { SharedWriter } from './shared.ts'
import { type FsyncPolicy, Syncer } from './sync.ts'
import { bury, isBuried } from './tombstone.ts'
import { Writer } from './write.ts'

export type { FsyncPolicy } from './sync.ts'

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
  readonly infos: Backend['infos']
  readonly #logs: Logs
  readonly #segments = new Segments()
  readonly #sync: Syncer
  readonly #writer: Writer | SharedWriter
  #isClosed = false

  constructor(root: string, policy: FsyncPolicy, isShared: boolean) {
    this.root = root
    this.capabilities = {
      durability: policy === 'always' ? 'disk' : 'process',
      guards: 'none',
      watch: 'push',
      files: true,
      infos: true,
      shared: isShared,
      maxLineBytes: MAX_LINE_BYTES,
    }
    this.#logs = new Logs(root)
    this.#sync = new Syncer(policy, (log) => this.#writer.rewrite(log))
    this.#writer = new (isShared ? SharedWriter : Writer)(root, this.#segments, this.#sync)
    const files = new Attachments(root, this.#sync)
    const infos = new StoredInfos(root)
    this.files = {
      put: async (namespace, name, bytes) => (this.#assertOpen(), files.put(namespace, name, bytes)),
      get: async (namespace, name) => (this.#assertOpen(), files.get(namespace, name)),
    }
    this.infos = {
      load: async (namespace) => (this.#assertOpen(), infos.load(namespace)),
      save: async (namespace, bytes) => (this.#assertOpen(), infos.save(namespace, bytes)),
    }
  }

  append(key: SessionKey, lines: readonly NewLine[], options?: AppendOptions): AppendResult | Promise<AppendResult> {
    if (this.#isClosed) return Promise.reject(closed(this.root))
    try {
      const log = this.#logs.get(key)
      this.#logs.touch(log)
      return this.#writer.append(log, lines, options)
    } catch (error) {
      return Promise.reject(error)
    }
  }

  async *read(key: SessionKey, options?: { readonly after?: Cursor }): AsyncGenerator<LineBatch> {
    this.#assertOpen()
    yield* readLog(this.#logs.get(key), this.#segments, options?.after)
  }

  async head(key: SessionKey): Promise<Head | undefined> {
    this.#assertOpen()
    const log = this.#logs.get(key)
    return headOfLog(log, this.#segments.of(log.directory, log.session))
  }

  async list(namespace: string): Promise<readonly Head[]> {
    this.#assertOpen()
    return listHeads(this.root, namespace)
  }

  async namespaces(): Promise<readonly string[]> {
    this.#assertOpen()
    return listNamespaces(this.root)
  }

  async remove(key: SessionKey): Promise<boolean> {
    this.#assertOpen()
    const log = this.#logs.get(key)
    await log.busy
    const wasThere = this.capabilities.shared
      ? await bury(log, this.#segments, this.#sync.policy !== 'never')
      : !isBuried(log, this.#segments) && removeLog(log, this.#segments)
    await this.#forget(log, wasThere)
    return wasThere
  }

  async purge(key: SessionKey): Promise<boolean> {
    const wasThere = await this.remove(key)
    const log = this.#logs.get(key)
    // Whatever is left is a tombstone, or is hidden by one.
    const wasBuried = removeLog(log, this.#segments)
    await this.#forget(log, wasBuried)
    return wasThere || wasBuried
  }

  async #forget(log: LogFile, wasThere: boolean): Promise<void> {
    this.#sync.forget(log)
    if (log.standIn !== undefined) this.#sync.forget(log.standIn)
    this.#logs.forget(log)
    if (wasThere) await this.#sync.removed(log.directory)
  }

  async watch(namespace: string | undefined, events: WatchEvents): Promise<() => Promise<void>> {
    this.#assertOpen()
    // Loaded when something is watched: the watcher costs time to load, and most processes need none.
    const { watchDirectories } = await import('./watch.ts')
    return watchDirectories(this.root, namespace, events)
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

  release(key: SessionKey): void {
    this.#logs.release(key)
  }

  async close(): Promise<void> {
    if (this.#isClosed) return
    this.#isClosed = true
    try {
      await this.#logs.idle()
      // Once more after a failure: what was not synced is written again first.
      await this.#sync.flushAll().catch(() => this.#sync.flushAll())
    } catch (error) {
      throw storageError(error, 'sync', { path: this.root })
    } finally {
      this.#logs.close()
    }
  }

  #assertOpen(): void {
    if (this.#isClosed) throw closed(this.root)
  }
}

function closed(root: string): FoldlogError {
  return new FoldlogError('CLOSED', `the backend of ${root} is closed: open the store again`, { path: root })
}
