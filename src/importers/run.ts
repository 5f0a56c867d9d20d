/**
 * One import: the files it reads, how far it is, and what is found out across files.
 */
import { isFoldlogError } from '../errors.ts'
import type { Destination } from './destination.ts'
import { Family } from './family.ts'
import type { FileReport } from './report.ts'
import { SourceFile } from './source-file.ts'
import type { Writer } from './writer.ts'

const MAX_HELD_BYTES = 16 * 1024 * 1024

/** How far an import is. */
export interface ImportProgress {
  readonly path: string
  readonly done: number
  readonly files: number
  /** Of a big file that is being read: how much of it has been. */
  readonly readBytes?: number
}

export interface RunOptions {
  readonly signal?: AbortSignal
  readonly onProgress?: (progress: ImportProgress) => void
}

export class Run {
  readonly store: Destination
  /** Who is whose child among the sessions of this import. */
  readonly family: Family = new Family()
  readonly #options: RunOptions
  readonly #files: number
  readonly #read: SourceFile[] = []
  /** Those that have lines of children whose parents are not known yet, so that each child is written once. */
  readonly #holding = new Set<Writer>()
  #done = 0

  /** `files` is how many files there are to read. */
  constructor(store: Destination, files: number, options: RunOptions) {
    this.store = store
    this.#files = files
    this.#options = options
  }

  /**
   * Reads a file and writes its sessions. What the disk says about it is put into its report; anything else rejects. Its report
   * is made at the end, because lines about parents are still to come.
   */
  async file(format: string, path: string, read: (file: SourceFile) => Promise<void>): Promise<void> {
    const { signal } = this.#options
    signal?.throwIfAborted()
    const onRead = (readBytes: number): void => this.#tell(path, readBytes)
    const file = new SourceFile(this.store, format, path, { signal, onRead })
    this.#read.push(file)
    try {
      file.open()
      await read(file)
      await file.writer.flush((sessionId) => this.family.isWaiting(sessionId))
    } catch (error) {
      // Only what the disk says about this file belongs in its report; what the store says is the caller's.
      if (!isFoldlogError(error) || error.path !== path) throw error
      file.fail(error)
    } finally {
      file.close()
    }
    await this.family.linkCertain()
    await this.#hold(file.writer)
    this.passed(path)
  }

  /** A file is done; those that were read beside the one they belong to are told by this. */
  passed(path: string): void {
    this.#done++
    this.#tell(path)
  }

  async #hold(writer: Writer): Promise<void> {
    this.#holding.add(writer)
    let sizeBytes = 0
    for (const each of this.#holding) {
      if (each.sizeBytes === 0) this.#holding.delete(each)
      sizeBytes += each.sizeBytes
    }
    if (sizeBytes > MAX_HELD_BYTES) await this.#letGo()
  }

  async #letGo(): Promise<void> {
    for (const writer of this.#holding) await writer.flush()
    this.#holding.clear()
  }

  #tell(path: string, readBytes?: number): void {
    const progress = { path, done: this.#done, files: this.#files }
    this.#options.onProgress?.(readBytes === undefined ? progress : { ...progress, readBytes })
  }

  /** Writes what is known now that all files are read, and returns the reports in the order of their paths. */
  async end(): Promise<readonly FileReport[]> {
    await this.family.link()
    await this.#letGo()
    return this.#read.map((file) => file.report()).sort((a, b) => (a.path < b.path ? -1 : 1))
  }
}
