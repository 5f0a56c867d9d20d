/**
 * The logs of a root, to be read and written: write.ts appends, guarded.ts appends on a condition, read.ts reads, guard.ts
 * decides which lines count, sync.ts makes them last.
 */
import type {
  AppendOptions,
  AppendResult,
  Cursor,
  Head,
  LineBatch,
  LinesBack,
  LogPiece,
  LookOptions,
  NewLine,
  ReadOptions,
  SessionKey,
} from '../../backend.ts'
import { FoldlogError } from '../../errors.ts'
import { lookAgain } from './absence.ts'
import { FileDrafts } from './drafts.ts'
import { closed, storageError, typed } from './failure.ts'
import { Attachments } from './files.ts'
import { GuardedWriter } from './guarded.ts'
import { KeptAttachments } from './kept-files.ts'
import { headOfLog } from './list.ts'
import type { LogFile } from './log-file.ts'
import { Logs } from './logs.ts'
import { Outbox } from './outbox.ts'
import { readBack } from './read-back.ts'
import { readLog } from './read.ts'
import { removeLog } from './remove.ts'
import { clearLeftovers, whenNotRewritten } from './rewrite-lock.ts'
import { FileRewrites } from './rewrites.ts'
import { piecesOf, scanLog } from './scan.ts'
import { Segments } from './segments.ts'
import { SharedWriter } from './shared.ts'
import { type FsyncPolicy, Syncer } from './sync.ts'
import { bury, isBuried } from './tombstone.ts'
import { Writer } from './write.ts'

export class LogAccess {
  readonly attachments: Attachments
  readonly kept: KeptAttachments
  readonly rewrites: FileRewrites
  readonly drafts: FileDrafts
  readonly #root: string
  readonly #logs: Logs
  readonly #segments = new Segments()
  readonly #sync: Syncer
  readonly #writer: Writer | SharedWriter
  /** Not in a shared root. */
  readonly #guarded: GuardedWriter | undefined
  readonly #isShared: boolean
  readonly #outbox: Outbox
  #isClosed = false

  constructor(root: string, policy: FsyncPolicy, isShared: boolean) {
    this.#root = root
    this.#isShared = isShared
    this.#logs = new Logs(root)
    this.#sync = new Syncer(policy, (log) => this.#writer.open(log))
    if (isShared) this.#writer = new SharedWriter(root, this.#segments, this.#sync)
    else {
      const writer = new Writer(root, this.#segments, this.#sync)
      this.#writer = writer
      this.#guarded = new GuardedWriter(writer, this.#segments, this.#sync)
    }
    this.#outbox = new Outbox(root)
    this.kept = new KeptAttachments(root, (directory, sizeBytes) => this.#outbox.noteFile(directory, sizeBytes))
    this.rewrites = new FileRewrites(root, this.#logs, this.#segments)
    this.drafts = new FileDrafts(root)
    this.attachments = new Attachments(root, this.#sync, () => (this.#outbox.isOn ? this.kept : undefined))
  }

  append(key: SessionKey, lines: readonly NewLine[], options?: AppendOptions): AppendResult | Promise<AppendResult> {
    try {
      const log = this.#logs.get(key)
      this.#logs.touch(log)
      const expect = options?.expect
      const appended =
        expect === undefined || expect === 'absent'
          ? this.#writer.append(log, lines, options)
          : this.#guardedOr(log).append(log, lines, expect)
      // The one place where the outbox is written to: the log has the lines, nobody was told yet.
      if (!this.#outbox.isOn) return appended
      const files = this.kept.keepNamed(log.directory, lines)
      return appended instanceof Promise || files !== undefined
        ? Promise.all([appended, files]).then(([result]) => this.#outbox.keep(log, lines, result))
        : this.#outbox.keep(log, lines, appended)
    } catch (error) {
      return Promise.reject(error)
    }
  }

  read(key: SessionKey, options: ReadOptions): AsyncGenerator<LineBatch> {
    return readLog(this.#logs.get(key), this.#segments, options, () => this.#assertOpen())
  }

  readBack(key: SessionKey, before: Cursor, sizeBytes: number): LinesBack | undefined {
    return readBack(this.#logs.get(key), this.#segments, before, sizeBytes)
  }

  scan(key: SessionKey): Generator<Buffer, void> {
    return scanLog(this.#root, key, this.#segments)
  }

  pieces(key: SessionKey): Generator<LogPiece, void> {
    return piecesOf(this.#logs.get(key), this.#segments)
  }

  async head(key: SessionKey, { isKnown = false, signal }: LookOptions): Promise<Head | undefined> {
    const log = this.#logs.get(key)
    const look = (): Head | undefined => {
      this.#assertOpen()
      return typed('look at', log.path, () => headOfLog(log, this.#segments.of(log.directory, log.session)))
    }
    const isFinal = (): boolean => typed('look at', log.path, () => isBuried(log, this.#segments))
    return look() ?? (isKnown && !isFinal() ? lookAgain(look, signal) : undefined)
  }

  async remove(key: SessionKey): Promise<boolean> {
    const log = this.#logs.get(key)
    await log.busy
    try {
      let wasThere = await this.#remove(log)
      try {
        // A rewrite that had begun before may have put the log back.
        if (await whenNotRewritten(log)) wasThere = (await this.#remove(log)) || wasThere
        clearLeftovers(log)
      } finally {
        this.drafts.clear(key)
        if (wasThere && this.#outbox.isOn) this.#outbox.removed(log)
        await this.#forget(log, wasThere)
      }
      return wasThere
    } catch (error) {
      throw storageError(error, 'remove', { ...log.key, path: log.path })
    }
  }

  async purge(key: SessionKey): Promise<boolean> {
    const wasThere = await this.remove(key)
    const log = this.#logs.get(key)
    try {
      // Whatever is left is a tombstone, or is hidden by one.
      const wasBuried = removeLog(log, this.#segments)
      await this.#forget(log, wasBuried)
      return wasThere || wasBuried
    } catch (error) {
      throw storageError(error, 'remove', { ...log.key, path: log.path })
    }
  }

  async #remove(log: LogFile): Promise<boolean> {
    if (this.#isShared) return bury(log, this.#segments, this.#sync.policy !== 'never')
    return !isBuried(log, this.#segments) && removeLog(log, this.#segments)
  }

  async #forget(log: LogFile, wasThere: boolean): Promise<void> {
    this.#sync.forget(log)
    if (log.standIn !== undefined) this.#sync.forget(log.standIn)
    this.#logs.forget(log)
    if (wasThere) await this.#sync.rearranged(log.directory)
  }

  #guardedOr(log: LogFile): GuardedWriter {
    if (this.#guarded !== undefined) return this.#guarded
    throw new FoldlogError(
      'UNSUPPORTED',
      'appends to a shared root cannot be guarded: no two writers share a file there',
      log.key,
    )
  }

  #assertOpen(): void {
    if (this.#isClosed) throw closed(this.#root)
  }

  release(key: SessionKey): void {
    this.#logs.release(key)
  }

  /** Resolves when all that was appended so far is on the disk. */
  async flush(): Promise<void> {
    try {
      await this.#sync.flushAll()
    } catch (error) {
      throw storageError(error, 'sync', { path: this.#root })
    }
  }

  /** Resolves when all that was appended is where the policy wants it. Reads that wait for a log end. */
  async close(): Promise<void> {
    this.#isClosed = true
    this.drafts.close()
    try {
      await this.#logs.idle()
      if (this.#sync.policy !== 'never') await this.#sync.flushAll()
    } catch (error) {
      throw storageError(error, 'sync', { path: this.#root })
    } finally {
      this.#sync.stop()
      this.#logs.close()
      await this.#outbox.close()
    }
  }
}
