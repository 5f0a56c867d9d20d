/**
 * The memory backend: the model that every other backend is compared with. Correct by being simple.
 *
 * Several stores may share one; it lives as long as it is referred to. Nothing here knows what a line means.
 */
import type {
  AppendOptions,
  AppendResult,
  Backend,
  Capabilities,
  Cursor,
  Head,
  LineBatch,
  LinesBack,
  NewLine,
  ReadOptions,
  Rewrite,
  Rewrites,
  Rewritten,
  SessionKey,
  StoredLine,
  WatchEvents,
} from '../backend.ts'
import { FoldlogError } from '../errors.ts'
import { encodeName } from '../name.ts'
import { MemoryDrafts } from './memory-drafts.ts'
import { concat, MemoryFiles } from './memory-files.ts'

const MAX_LINE_BYTES = 64 * 1024 * 1024

interface Entry {
  readonly id: string
  readonly bytes: Buffer
  readonly offset: number
}

/** One log. `born` tells it from an earlier one of the same name. */
interface Log {
  readonly born: string
  readonly entries: Entry[]
  readonly ids: Set<string>
  sizeBytes: number
}

interface Watcher {
  readonly namespace: string | undefined
  readonly events: WatchEvents
}

/** Keeps logs in memory. For tests, and for sessions that need not outlive the process. */
export function memoryBackend(): Backend {
  return new MemoryBackend()
}

class MemoryBackend implements Backend {
  readonly root: string = `memory:${crypto.randomUUID()}`
  readonly capabilities: Capabilities = {
    durability: 'memory',
    guards: 'exact',
    watch: 'push',
    files: true,
    infos: true,
    shared: false,
    maxLineBytes: MAX_LINE_BYTES,
  }
  readonly files: Backend['files']
  readonly infos: Backend['infos']
  readonly rewrites: Rewrites
  readonly drafts: MemoryDrafts
  readonly #namespaces = new Map<string, Map<string, Log>>()
  readonly #watchers = new Set<Watcher>()
  #isClosed = false

  constructor() {
    const files = new MemoryFiles()
    const infos = new Map<string, Uint8Array>()
    this.drafts = new MemoryDrafts(
      () => this.#assertOpen(),
      (key) => this.#hint(key, true),
    )
    this.rewrites = {
      rewrite: async (key, rewrite) => this.#rewrite(key, rewrite),
      leftovers: async () => [],
      quarantine: async (key, bytes) => {
        this.#assertOpen()
        const name = `quarantine/${encodeName(key.sessionId)}.${crypto.randomUUID()}`
        infos.set(name, bytes.slice())
        return name
      },
      files: async (namespace) => files.list(namespace, '').map(({ name }) => name),
      removeFile: async (namespace, name) => files.remove(namespace, name),
      sweep: async (namespace, listed, recheck) => files.sweep(namespace, listed, await recheck()),
      scrub: async (namespace, edit) => {
        const name = '.cache/infos.jsonl'
        const lines = Buffer.from(infos.get(namespace) ?? [])
          .toString()
          .split('\n')
        const left = lines.map((text) => (text === '' ? text : edit({ text, name })))
        if (left.every((text, i) => text === lines[i])) return []
        infos.set(namespace, Buffer.from(left.filter((text) => text !== undefined).join('\n')))
        return [name]
      },
    }
    this.files = {
      put: async (namespace, name, bytes) => {
        this.#assertOpen()
        files.put(namespace, name, bytes)
        this.#logsOf(namespace)
      },
      get: async (namespace, name) => (this.#assertOpen(), files.get(namespace, name)),
      write: async (namespace, chunks, nameOf) => {
        const bytes = await concat(chunks)
        await this.files.put(namespace, nameOf(), bytes)
      },
      read: (namespace, name) => this.#readFile(files, namespace, name),
      list: async (namespace, prefix) => (this.#assertOpen(), files.list(namespace, prefix)),
    }
    this.infos = {
      load: async (namespace, start, end) => {
        this.#assertOpen()
        return infos.get(namespace)?.slice(start, end)
      },
      save: async (namespace, bytes) => {
        this.#assertOpen()
        if (this.#namespaces.has(namespace)) infos.set(namespace, bytes.slice())
      },
    }
  }

  async append(key: SessionKey, lines: readonly NewLine[], options: AppendOptions = {}): Promise<AppendResult> {
    this.#assertOpen()
    const entries = lines.map(({ id, text }) => ({ id, bytes: Buffer.from(text) }))
    const long = entries.find(({ bytes }) => bytes.length > MAX_LINE_BYTES)
    if (long !== undefined)
      throw new FoldlogError('TOO_LARGE', `line ${long.id} has ${long.bytes.length} bytes: split it`)
    const found = this.#find(key)
    const news = entries.filter(({ id }) => found?.ids.has(id) !== true)
    if (options.expect === 'absent' && found !== undefined && news.length === lines.length) throw exists(key)
    if (options.expect !== 'absent' && found === undefined) throw missing(key)
    if (news.length === 0) return {}
    const { expect = 'absent' } = options
    if (found !== undefined && expect !== 'absent') assertAt(found, expect, lines)
    const log = found ?? this.#create(key)
    const before = cursorOf(log, log.entries.length)
    for (const { id, bytes } of news) {
      log.entries.push({ id, bytes, offset: log.sizeBytes })
      log.ids.add(id)
      log.sizeBytes += bytes.length + 1
    }
    this.#hint(key)
    const follows =
      news.length === lines.length && (found === undefined || (options.after ?? options.expect) === before)
    return follows ? { cursor: cursorOf(log, log.entries.length) } : {}
  }

  async *read(key: SessionKey, options: ReadOptions = {}): AsyncGenerator<LineBatch> {
    this.#assertOpen()
    const log = this.#find(key)
    if (log === undefined) throw missing(key)
    const from = options.after === undefined ? 0 : placeOf(log, options.after)
    const lines = log.entries.slice(from).map((entry, index) => lineOf(log, entry, from + index))
    if (lines.length > 0) yield { lines, cursor: cursorOf(log, from + lines.length) }
  }

  async readBack(key: SessionKey, before: Cursor, sizeBytes: number): Promise<LinesBack | undefined> {
    this.#assertOpen()
    const log = this.#find(key)
    if (log === undefined) throw missing(key)
    const end = placeOf(log, before)
    let start = end
    for (let left = sizeBytes; left > 0 && start > 0; start--) left -= log.entries[start - 1]!.bytes.length + 1
    const lines = log.entries.slice(start, end).map(({ bytes }) => bytes)
    return { lines, start: start === 0 ? undefined : cursorOf(log, start) }
  }

  async head(key: SessionKey): Promise<Head | undefined> {
    this.#assertOpen()
    const log = this.#find(key)
    return log === undefined ? undefined : headOf(key.sessionId, log)
  }

  async list(namespace: string): Promise<readonly Head[]> {
    this.#assertOpen()
    encodeName(namespace)
    return [...(this.#namespaces.get(namespace) ?? [])].map(([sessionId, log]) => headOf(sessionId, log))
  }

  async namespaces(): Promise<readonly string[]> {
    this.#assertOpen()
    return [...this.#namespaces.keys()]
  }

  async remove(key: SessionKey): Promise<boolean> {
    this.#assertOpen()
    if (this.#find(key) === undefined) return false
    this.#namespaces.get(key.namespace)?.delete(key.sessionId)
    this.drafts.clear(key)
    this.#hint(key)
    return true
  }

  async purge(key: SessionKey): Promise<boolean> {
    // Nothing stays of what is removed here.
    return this.remove(key)
  }

  async watch(namespace: string | undefined, events: WatchEvents): Promise<() => Promise<void>> {
    this.#assertOpen()
    const watcher: Watcher = { namespace, events }
    this.#watchers.add(watcher)
    return async () => {
      this.#watchers.delete(watcher)
    }
  }

  async flush(): Promise<void> {
    this.#assertOpen()
  }

  async check(): Promise<void> {
    this.#assertOpen()
  }

  async *#readFile(files: MemoryFiles, namespace: string, name: string): AsyncGenerator<Uint8Array> {
    this.#assertOpen()
    yield files.read(namespace, name)
  }

  release(): void {
    // There is no descriptor to let go of.
  }

  async close(): Promise<void> {
    this.#isClosed = true
    this.#watchers.clear()
  }

  #assertOpen(): void {
    if (this.#isClosed) throw new FoldlogError('CLOSED', 'the memory backend is closed: make another one')
  }

  #find(key: SessionKey): Log | undefined {
    encodeName(key.namespace)
    encodeName(key.sessionId)
    return this.#namespaces.get(key.namespace)?.get(key.sessionId)
  }

  #create(key: SessionKey): Log {
    const log: Log = { born: crypto.randomUUID(), entries: [], ids: new Set(), sizeBytes: 0 }
    this.#logsOf(key.namespace).set(key.sessionId, log)
    return log
  }

  /** The logs of a namespace, which is there from now on. */
  #logsOf(namespace: string): Map<string, Log> {
    const logs = this.#namespaces.get(namespace) ?? new Map<string, Log>()
    this.#namespaces.set(namespace, logs)
    return logs
  }

  async #rewrite(key: SessionKey, { edit, verify }: Rewrite): Promise<Rewritten> {
    this.#assertOpen()
    const log = this.#find(key)
    if (log === undefined) throw missing(key)
    const old = log.entries.slice()
    const lines = old.map((entry, index) => edit(lineOf(log, entry, index)))
    const sizeBytesBefore = log.sizeBytes
    const fresh = lines.flatMap((bytes) => (bytes === undefined ? [] : linesIn(Buffer.from(bytes))))
    await verify?.(fresh)
    if (this.#find(key) !== log) throw missing(key)
    // What came while that was verified.
    for (let i = old.length; i < log.entries.length; i++) {
      const bytes = edit(lineOf(log, log.entries[i]!, i))
      for (const line of bytes === undefined ? [] : linesIn(Buffer.from(bytes))) fresh.push(line)
    }
    const isChanged = lines.some((bytes, index) => bytes !== old[index]!.bytes)
    if (isChanged) this.#replace(key, fresh)
    return { isChanged, sizeBytesBefore, sizeBytesAfter: this.#find(key)?.sizeBytes ?? 0 }
  }

  /** Puts other lines into a log. It is born again, so that no place in the old one holds. */
  #replace(key: SessionKey, lines: readonly Buffer[]): void {
    const log = this.#create(key)
    for (const bytes of lines) {
      const id = /"id":"([^"]*)"/.exec(bytes.toString())?.[1] ?? ''
      log.entries.push({ id, bytes, offset: log.sizeBytes })
      log.ids.add(id)
      log.sizeBytes += bytes.length + 1
    }
    this.#hint(key)
  }

  // Later, as hints from elsewhere would come: whoever appends does not run into its own watcher.
  #hint({ namespace, sessionId }: SessionKey, isDraft = false): void {
    const hint = isDraft ? ({ namespace, sessionId, isDraft } as const) : { namespace, sessionId }
    queueMicrotask(() => {
      for (const watcher of this.#watchers) {
        if (watcher.namespace === undefined || watcher.namespace === namespace) watcher.events.onHint(hint)
      }
    })
  }
}

/** The place behind the first `count` lines: their number and the last one's id. */
function cursorOf(log: Log, count: number): Cursor {
  const last = log.entries[count - 1]
  // This backend issues the cursor.
  return `${log.born}.${count}.${last?.id ?? ''}` as Cursor
}

function placeOf(log: Log, cursor: Cursor): number {
  const count = Number(cursor.split('.')[1])
  if (count >= 0 && count <= log.entries.length && cursorOf(log, count) === cursor) return count
  throw new FoldlogError('STALE_CURSOR', `there is no such place in this log: ${cursor}: read it from the start`)
}

function assertAt(log: Log, expected: Cursor, lines: readonly NewLine[]): void {
  if (lines.length !== 1)
    throw new FoldlogError('INVALID_OPTION', `expect: one line at a time, not ${lines.length}`, { field: 'expect' })
  const end = cursorOf(log, log.entries.length)
  if (end !== expected) throw new FoldlogError('HEAD_MOVED', `the log ends at ${end}, expected ${expected}: read on`)
}

function lineOf(log: Log, { bytes, offset }: Entry, index: number): StoredLine {
  return { bytes, file: '', line: index + 1, offset, cursor: cursorOf(log, index + 1) }
}

function headOf(sessionId: string, log: Log): Head {
  const end = cursorOf(log, log.entries.length)
  return { sessionId, version: end, isSettled: true, sizeBytes: log.sizeBytes, end }
}

/** Lines that are joined by line feeds. */
function linesIn(bytes: Buffer): Buffer[] {
  return bytes
    .toString('latin1')
    .split('\n')
    .map((text) => Buffer.from(text, 'latin1'))
}

function missing(key: SessionKey): FoldlogError {
  return new FoldlogError('NOT_FOUND', `there is no log of session ${key.sessionId} in ${key.namespace}`, { ...key })
}

function exists(key: SessionKey): FoldlogError {
  return new FoldlogError('ALREADY_EXISTS', `session ${key.sessionId} is there already: get it, or choose another id`, {
    ...key,
  })
}
