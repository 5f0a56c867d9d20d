/**
 * The newest messages of a long log that is not folded, read from its end and only as far back as somebody asks.
 *
 * Good for a log that ends as its conversation does (`isStraight`): there the lines of its end fold to the end of the path that all of them fold to
 * (test/newest.test.ts compares the two). Everything else needs the log as a whole, and so does whatever comes to the log meanwhile.
 */
import type { Backend, Cursor, SessionKey } from './backend.ts'
import { isFoldlogError } from './errors.ts'
import { decodeLine, eventsOf, type Line } from './line.ts'
import { notFound, type Log } from './log.ts'
import { LogState } from './log-state.ts'
import type { Message, SessionInfo } from './message.ts'
import { hasNews } from './news.ts'

/** What is read first: some fifty short messages. Each time more is needed, as much again as there is. */
const FIRST_BYTES = 1 << 15
const NOWHERE = { file: '', line: 0, offset: 0 } as const

/** What is asked of the end of a conversation. */
interface PageOptions {
  readonly limit: number
  readonly before?: string
}

export class Newest {
  readonly key: SessionKey
  /** The place up to which the log is known. */
  readonly end: Cursor
  readonly #backend: Backend
  readonly #info: SessionInfo
  readonly #open: () => Promise<Log>
  /** The log, once somebody has folded it. */
  #log: Log | undefined
  #isDeleted = false
  /** The lines that were read, in the order of the log. */
  #lines: readonly Line[] = []
  #state: LogState
  /** Where they begin; undefined: with the log. */
  #start: Cursor | undefined
  #readBytes = 0

  /** `info` is that of the log up to `end`. `open` folds it, and rejects with `NOT_FOUND`. */
  constructor(backend: Backend, key: SessionKey, info: SessionInfo, end: Cursor, open: () => Promise<Log>) {
    this.key = key
    this.end = end
    this.#backend = backend
    this.#info = info
    this.#open = open
    this.#start = end
    this.#state = new LogState(key)
  }

  /** What this process last saw. */
  get info(): SessionInfo {
    return this.#log?.info ?? this.#info
  }

  /** The log, folded. Rejects with `NOT_FOUND` if the session is gone. */
  async load(): Promise<Log> {
    if (this.#isDeleted) throw notFound(this.key)
    return this.#log ?? this.#open()
  }

  /** Takes notice that the log was folded, for whomever: from now on it says what there is. */
  attach(log: Log): void {
    this.#log = log
  }

  /** Takes notice that the session was deleted here: what comes to its place is another one. */
  markDeleted(): void {
    this.#isDeleted = true
  }

  /** Whether nothing has come since. Looks. Rejects with `NOT_FOUND` if the session is gone. */
  async isCurrent(): Promise<boolean> {
    if (this.#isDeleted) throw notFound(this.key)
    return this.#log === undefined && !(await hasNews(this.#backend, this.key, this.end, { isKnown: true }))
  }

  /** The last messages of the conversation; undefined: the whole log has to say. Looks first. Rejects with `NOT_FOUND` if the session is gone. */
  async page(options: PageOptions): Promise<readonly Message[] | undefined> {
    if (!(await this.isCurrent())) return undefined
    for (;;) {
      const page = this.#pageOf(options)
      if (page !== undefined) return Object.freeze(page)
      if (this.#start === undefined || !(await this.#readMore())) return undefined
    }
  }

  /** A message that was read; undefined if it may be another one by now. Looks first. */
  async message(id: string): Promise<Message | undefined> {
    return (await this.isCurrent()) ? this.#state.fold.message(id) : undefined
  }

  /** A page of what was read; undefined if it may begin before that. */
  #pageOf({ limit, before }: PageOptions): Message[] | undefined {
    const { fold, isDeleted } = this.#state
    const page = fold.path(fold.tree.active, limit, before)
    if (page.length >= limit) return page
    const isFound = before === undefined || fold.node(before) !== undefined
    return this.#start === undefined && isFound && !isDeleted ? page : undefined
  }

  /** False if that cannot be done. */
  async #readMore(): Promise<boolean> {
    const sizeBytes = Math.max(FIRST_BYTES, this.#readBytes)
    const start = this.#start!
    try {
      const read = await this.#backend.readBack?.(this.key, start, sizeBytes)
      // Two who ask at once read the same.
      if (read === undefined || this.#start !== start) return read !== undefined
      this.#readBytes += sizeBytes
      this.#start = read.start
      this.#lines = [...read.lines.flatMap((bytes) => decodeLine(bytes, NOWHERE).lines), ...this.#lines]
      return this.#fold()
    } catch (error) {
      // It is being replaced: who folds it waits for that.
      if (isFoldlogError(error, 'STALE_CURSOR') || isFoldlogError(error, 'NOT_FOUND')) return false
      throw error
    }
  }

  /** False if these lines are not what they were taken for. */
  #fold(): boolean {
    const state = new LogState(this.key)
    for (const line of this.#lines) {
      if (line.type === 'session.deleted') state.isDeleted = true
      for (const event of eventsOf(line)) if (state.isEffective(line, event)) state.fold.apply(event)
    }
    this.#state = state
    return state.fold.isStraight
  }
}
