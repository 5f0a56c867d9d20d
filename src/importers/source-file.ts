/**
 * One file on its way into the store: how it is read, what of it is written, and its report.
 *
 * What the disk says about the file is a `FoldlogError` with the file's `path`; {@link Run.file} puts it into the report.
 */
import { closeSync, fstatSync, openSync, readSync, statSync } from 'node:fs'
import { FoldlogError } from '../errors.ts'
import type { Destination } from './destination.ts'
import { readFailure } from './find.ts'
import { JsonElements, type Found, type JsonElement } from './json-elements.ts'
import { JsonlReader, NO_LINES, type SourceRecord } from './jsonl.ts'
import { Ledger } from './ledger.ts'
import type { FileReport, ImportedSession, ImportFailure } from './report.ts'
import { SessionWriter, type SessionOrigin } from './session-writer.ts'
import { Writer } from './writer.ts'

const CHUNK_BYTES = 1024 * 1024
/** How much is read between two reports of how far it is. */
const PROGRESS_BYTES = 8 * 1024 * 1024

/** The rest of the process waits so long, or for one piece of a file. */
const TURN_MS = 5
let turnedMs = 0

/** What a format may count by itself, instead of in the ledger or besides. */
export type OwnCounts = Partial<
  Pick<FileReport, 'recordsByType' | 'dropped' | 'droppedFields' | 'duplicateUuids' | 'sidechainRecords' | 'links'>
>

/** A session of a file, for its report. */
interface Written {
  readonly sessionId: string
  readonly kind: ImportedSession['kind']
  readonly messages: () => number
}

/** Records of a file of up to this size are kept from one reading to the next. */
const MAX_KEPT_BYTES = 4 * 1024 * 1024

/** How a file is read. */
export interface ReadOptions {
  readonly signal?: AbortSignal | undefined
  /** Told how much of a big file has been read, now and then. */
  readonly onRead?: (readBytes: number) => void
}

export class SourceFile {
  readonly path: string
  /** Where the file's sessions go. */
  readonly store: Destination
  /** What becomes of its records. */
  readonly ledger: Ledger = new Ledger()
  readonly writer: Writer
  readonly #format: string
  readonly #options: ReadOptions
  #reader: JsonlReader | undefined
  #fd = -1
  #kept: (readonly SourceRecord[])[] | undefined
  #sizeBytes = 0
  #sessions: Written[] = []
  #own: OwnCounts = {}
  #failure: ImportFailure | undefined

  constructor(store: Destination, format: string, path: string, options: ReadOptions = {}) {
    this.store = store
    this.path = path
    this.#format = format
    this.#options = options
    this.writer = new Writer(store, (type, reason) => this.ledger.drop(`refused:${type}`, reason))
  }

  /** The size it had when it was opened: what is appended meanwhile is for the next import. */
  get sizeBytes(): number {
    return this.#sizeBytes
  }

  /** Whether its records are kept in memory from one reading to the next. */
  get isKept(): boolean {
    return this.#sizeBytes <= MAX_KEPT_BYTES
  }

  open(): void {
    try {
      // Looked at first, because opening a pipe would wait for somebody to write.
      if (!statSync(this.path).isFile()) throw notAFile(this.path)
      this.#fd = openSync(this.path, 'r')
      this.#sizeBytes = fstatSync(this.#fd).size
    } catch (error) {
      throw error instanceof FoldlogError ? error : readFailure(this.path, error)
    }
  }

  /** Nothing is read any more, and nothing kept but what the report needs. */
  close(): void {
    this.#sessions = this.#sessions.map(settled)
    if (this.#fd >= 0) closeSync(this.#fd)
    this.#fd = -1
    this.#kept = undefined
  }

  /**
   * The objects of a JSONL file from its beginning, some at a time; as often as needed. Lines are counted by the last reading.
   * `isReadAgain`: there will be another reading, for which a small file is kept in memory instead of being parsed again.
   */
  async *records(isReadAgain = false): AsyncGenerator<readonly SourceRecord[]> {
    if (this.#kept !== undefined) {
      yield* this.#kept
      this.#kept = undefined
      return
    }
    const kept: (readonly SourceRecord[])[] | undefined = isReadAgain && this.isKept ? [] : undefined
    this.#reader ??= new JsonlReader(this.#fd, this.#sizeBytes)
    const records = this.#reader.records()
    let told = 0
    for (;;) {
      if (this.#reader.position < this.#sizeBytes) await this.#turn()
      const next = this.#reading(() => records.next())
      if (next.done === true) break
      told = this.#tell(told, this.#reader.position)
      kept?.push(next.value)
      yield next.value
    }
    this.#kept = kept
  }

  /** The bytes of any other file from its beginning, some at a time. */
  async *chunks(): AsyncGenerator<Buffer> {
    let told = 0
    for (let position = 0; position < this.#sizeBytes;) {
      const chunk = await this.bytes(position, Math.min(CHUNK_BYTES, this.#sizeBytes - position))
      if (chunk.length === 0) return
      position += chunk.length
      told = this.#tell(told, position)
      yield chunk
    }
  }

  /** Some bytes of it; fewer, where it has become shorter. */
  async bytes(offset: number, sizeBytes: number): Promise<Buffer> {
    await this.#turn()
    const buffer = Buffer.allocUnsafe(sizeBytes)
    return buffer.subarray(
      0,
      this.#reading(() => readSync(this.#fd, buffer, 0, sizeBytes, offset)),
    )
  }

  /** The elements of a JSON file from its beginning, some at a time; once. What is none is told in the report. */
  async *elements(): AsyncGenerator<readonly JsonElement[]> {
    const document = new JsonElements()
    const noted = ({ elements, unreadable }: Found): Found['elements'] => {
      for (const each of unreadable) this.ledger.reject(each)
      return elements
    }
    for await (const chunk of this.chunks()) {
      const elements = noted(document.feed(chunk))
      if (elements.length > 0) yield elements
    }
    const elements = noted(document.end())
    if (elements.length > 0) yield elements
  }

  /** Begins a session of this file: its first line is written. */
  async session(origin: Omit<SessionOrigin, 'format'>, kind: ImportedSession['kind'] = 'main'): Promise<SessionWriter> {
    const session = new SessionWriter(this.writer, { ...origin, format: this.#format })
    this.wrote(session.id, kind, () => session.messages)
    await session.open()
    return session
  }

  /** Nothing more is written of the session that was begun last: of a file with many only their counts are kept. */
  settle(): void {
    const last = this.#sessions.pop()
    if (last !== undefined) this.#sessions.push(settled(last))
  }

  /** A session that the caller writes by {@link writer} itself. */
  wrote(sessionId: string, kind: ImportedSession['kind'], messages: () => number): void {
    this.#sessions.push({ sessionId, kind, messages })
  }

  /** What else the report of this file says. */
  add(counts: OwnCounts): void {
    this.#own = { ...this.#own, ...counts }
  }

  fail({ code, message }: FoldlogError): void {
    this.#failure = { code, message }
  }

  report(): FileReport {
    const { ledger } = this
    const lines = this.#reader?.counts ?? { ...NO_LINES, records: ledger.records }
    return {
      path: this.path,
      format: this.#format,
      sessions: this.#sessions.map((session) => this.#imported(session)),
      lines: { ...lines, malformed: lines.malformed + ledger.malformed },
      recordsByType: ledger.recordsByType,
      merged: ledger.merged,
      droppedFields: ledger.droppedFields,
      ...this.#own,
      dropped: { ...ledger.dropped, ...this.#own.dropped },
      unreadable: [...(this.#reader?.unreadable ?? []), ...ledger.unreadable],
      ...(this.#failure === undefined ? {} : { failure: this.#failure }),
    }
  }

  #imported({ sessionId, kind, messages }: Written): ImportedSession {
    const { added, known } = this.writer.merged(sessionId)
    return { namespace: this.store.name, sessionId, kind, messages: messages(), added, known }
  }

  #tell(told: number, position: number): number {
    if (position - told < PROGRESS_BYTES) return told
    this.#options.onRead?.(position)
    return position
  }

  /** Lets the rest of the process have its turn now and then: the file itself is read at once, because waiting for the disk takes longer. */
  async #turn(): Promise<void> {
    if (performance.now() - turnedMs >= TURN_MS) {
      await new Promise<void>((resolve) => setImmediate(resolve))
      turnedMs = performance.now()
    }
    this.#options.signal?.throwIfAborted()
  }

  #reading<T>(read: () => T): T {
    try {
      return read()
    } catch (error) {
      throw readFailure(this.path, error)
    }
  }
}

function settled({ sessionId, kind, messages }: Written): Written {
  const count = messages()
  return { sessionId, kind, messages: () => count }
}

/** Of what is read twice, and says something else the second time. */
export function changedMeanwhile(path: string): FoldlogError {
  return new FoldlogError('STORAGE_FAILED', `${path} was changed while it was read: import it again`, { path })
}

function notAFile(path: string): FoldlogError {
  return new FoldlogError('NOT_A_LOG', `${path} is not a file: pass a file or a directory`, { path })
}
