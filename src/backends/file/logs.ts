/**
 * The logs a backend knows, and which of them hold a descriptor.
 */
import type { SessionKey } from '../../backend.ts'
import { LogFile } from './log-file.ts'

/** More logs than this keep no descriptor open: the least recently written ones are closed. */
const MAX_OPEN = 256
/** More logs than this are not remembered: those that are idle are forgotten. */
const MAX_KNOWN = 10_000

export class Logs {
  readonly #root: string
  readonly #logs = new Map<string, Map<string, LogFile>>()
  readonly #open = new Set<LogFile>()
  #known = 0
  #tick = 0

  constructor(root: string) {
    this.#root = root
  }

  /** What is known of a log, which may be nothing yet. Rejects a name that cannot be one. */
  get(key: SessionKey): LogFile {
    return this.#logs.get(key.namespace)?.get(key.sessionId) ?? this.#add(key)
  }

  /** Takes notice that a log is written to. */
  touch(log: LogFile): void {
    log.used = ++this.#tick
    if (log.isListed) return
    log.isListed = true
    this.#open.add(log)
    if (this.#open.size > MAX_OPEN) this.#closeOne()
  }

  /** Closes a log's descriptor. */
  release(key: SessionKey): void {
    const log = this.#logs.get(key.namespace)?.get(key.sessionId)
    if (log !== undefined && log.busy === undefined) this.#letGo(log)
  }

  /** Forgets a log that was removed. */
  forget(log: LogFile): void {
    this.#letGo(log)
    if (this.#logs.get(log.key.namespace)?.delete(log.key.sessionId)) this.#known--
  }

  /** Resolves when nothing is under way that takes longer than its call. */
  async idle(): Promise<void> {
    for (const log of this.#open) await log.busy
  }

  close(): void {
    for (const log of this.#open) this.#letGo(log)
    this.#logs.clear()
  }

  #add(key: SessionKey): LogFile {
    const log = new LogFile(this.#root, { namespace: key.namespace, sessionId: key.sessionId })
    if (this.#known >= MAX_KNOWN) this.#forgetIdle()
    const logs = this.#logs.get(key.namespace)
    if (logs === undefined) this.#logs.set(key.namespace, new Map([[key.sessionId, log]]))
    else logs.set(key.sessionId, log)
    this.#known++
    return log
  }

  #letGo(log: LogFile): void {
    log.isListed = false
    this.#open.delete(log)
    log.standIn?.close()
    log.close()
  }

  #closeOne(): void {
    let oldest: LogFile | undefined
    for (const log of this.#open) {
      if (log.busy === undefined && (oldest === undefined || log.used < oldest.used)) oldest = log
    }
    if (oldest !== undefined) this.#letGo(oldest)
  }

  #forgetIdle(): void {
    this.#known = 0
    for (const logs of this.#logs.values()) {
      for (const [id, log] of logs) {
        if (!log.isListed && !log.isDirty && log.busy === undefined) logs.delete(id)
      }
      this.#known += logs.size
    }
  }
}
