/**
 * Append and read one session's events over a backend: the only place where lines become state.
 *
 *     append → line → backend → fold → listeners
 *     backend has more → line → fold → listeners
 *
 * Invariants held here: I2 (a reader sees whole lines), I6 (listeners hear of an event only after its line is in the
 * backend), I8 (ids come from a clock that has seen the log). Bytes are folded strictly in the order of the log, one's own lines included.
 * One thing happens at a time: calls made in the same tick share one write, looks made meanwhile share one read.
 */
import type { AppendResult, Backend, Cursor, LineBatch, SessionKey } from './backend.ts'
import { FoldlogError, isFoldlogError } from './errors.ts'
import type { SessionEvent } from './event.ts'
import type { Finding } from './findings.ts'
import type { Fold } from './fold.ts'
import { Attempts } from './guarded.ts'
import { Clock, firstIdAt } from './id.ts'
import { deepFreeze } from './json.ts'
import { BATCH, batchOf, decodeLine, encodeLine, eventsOf, type Damage, type InnerEvent, type Line } from './line.ts'
import { toEvent, toEvents } from './lines.ts'
import { LogState } from './log-state.ts'
import type { FoldedInfo } from './infos-cache.ts'
import type { SessionInfo } from './message.ts'
import type { Origin } from './bus.ts'
import { DAMAGE_CHANGED, isNothing, News, type Change } from './change.ts'
import { encoded, Pending, slimmed, withOne, writeNew, type Encoded } from './pending.ts'
import { Tip } from './stamp.ts'

const READY = Promise.resolve()
const NO_OPTIONS = {} as const
const SKEW_MS = 24 * 3600 * 1000

export class Log {
  readonly key: SessionKey
  readonly #backend: Backend
  readonly #clock = new Clock()
  readonly #listeners = new Set<(change: Change) => void>()
  #state: LogState
  #isDeleted = false
  #queue: Pending[] = []
  /** Of the queue, what may hold something that belongs into files. */
  #bulky: Pending[] = []
  #looks: { readonly resolve: () => void; readonly reject: (error: unknown) => void }[] = []
  readonly #attempts = new Attempts({
    readOn: () => this.#readOn().catch((error: unknown) => this.#noteFailure(error)),
    hasQueue: () => this.#queue.length > 0,
    append: (line) => this.#writeGuarded(line).catch((error: unknown) => this.#noteFailure(error)),
  })
  #tip: Tip | undefined
  #isBusy = false
  readonly #goNext = (): void => this.#next()
  /** Ids of lines this process wrote that it has not read back yet. */
  readonly #own = new Set<string>()
  /** Ids from here on are over 24 h ahead. */
  #skewFrom = '8'

  private constructor(backend: Backend, key: SessionKey) {
    this.#backend = backend
    this.key = key
    this.#state = new LogState(key)
  }

  /** Reads a log and folds it. Rejects with `NOT_FOUND` if it is not there or is deleted; one that `isKnown` may be away for a moment. */
  static async open(backend: Backend, key: SessionKey, isKnown = false): Promise<Log> {
    const log = new Log(backend, key)
    await log.#read(log.#state, new News(), isKnown)
    if (log.#state.isDeleted) throw notFound(key)
    return log
  }

  /** Writes the first lines of a new log. Rejects with `ALREADY_EXISTS`. Nobody listens yet, so nothing is told. */
  static async create(backend: Backend, key: SessionKey, lines: readonly Line[]): Promise<Log> {
    const log = new Log(backend, key)
    const { news, cursor } = await writeNew(backend, key, lines)
    if (cursor === undefined) await log.#read(log.#state, new News())
    else {
      for (const { line } of news) log.#take(log.#state, line, 'local', new News(), true)
      log.#state.cursor = cursor
    }
    return log
  }

  /** The ids of all events that lie after a place. */
  static async idsAfter(backend: Backend, key: SessionKey, after: Cursor): Promise<Set<string>> {
    const ids = new Set<string>()
    for await (const batch of backend.read(key, { after, isKnown: true })) {
      for (const stored of batch.lines) {
        for (const line of decodeLine(stored.bytes, stored).lines) for (const { id } of eventsOf(line)) ids.add(id)
      }
    }
    return ids
  }

  /** The state, as of what was read and written so far. */
  get fold(): Fold {
    return this.#state.fold
  }

  get info(): SessionInfo {
    return this.#state.fold.info(this.#state.damage.length)
  }

  /** The info with what is needed to go on from it. */
  folded(): FoldedInfo {
    const { fold, lines, cursor } = this.#state
    return { info: this.info, resume: fold.resume(), cursor, isStraight: fold.isStraight && lines.isOrdered }
  }

  get damage(): readonly Damage[] {
    return this.#state.damage
  }

  get findings(): readonly Finding[] {
    return this.#state.findings
  }

  /** The place right after what was folded. */
  get cursor(): Cursor | undefined {
    return this.#state.cursor
  }

  get isDeleted(): boolean {
    return this.#isDeleted
  }

  /** The events that count, in order of ids. */
  events(): SessionEvent[] {
    return this.#state.lines.events()
  }

  /** The events that count with an id greater than `last`, or all, in order of ids. Frozen. */
  eventsAfter(last = ''): readonly SessionEvent[] {
    return this.#state.eventsAfter(last)
  }

  /** The state of all events known now that are not greater than `last`. */
  at(last: string): Fold {
    return this.#state.foldUpTo(last)
  }

  /** The events of the line that counts for an idempotency key. */
  eventsOfKey(key: string): readonly SessionEvent[] | undefined {
    const line = this.#state.lines.byKey(key)
    return line === undefined ? undefined : toEvents(line)
  }

  /**
   * Resolves when the line that counts for a key lasts as an appended one does: it may be from a write that failed, or of
   * a process that ended before it was on the disk.
   */
  async acknowledge(key: string): Promise<void> {
    const line = this.#state.lines.byKey(key)
    if (line !== undefined) await this.confirm(line)
  }

  /** Resolves when a line that is there, and with it all before it, lasts as an appended one does. */
  async confirm(line: Line): Promise<void> {
    // Law 1 of backends: what is there is not added again.
    await this.#backend.append(this.key, [{ id: line.id, text: encodeLine(line) }])
  }

  has(eventId: string): boolean {
    return this.#state.lines.has(eventId)
  }

  /** As of what was read so far: what is left of an event whose content was redacted and came back. */
  remains(eventId: string): SessionEvent | undefined {
    return this.#state.lines.remains(eventId)
  }

  /** An id greater than every id of the log that this process has seen. */
  nextId(): string {
    return this.#clock.next()
  }

  /** The end of the conversation, with what was stamped and is not written yet; shared by all who add in the same tick. */
  tip(): Tip {
    this.#tip ??= new Tip(this.#state.fold)
    return this.#tip
  }

  /** Forgets what was stamped but will not be written. */
  dropTip(): void {
    this.#tip = undefined
  }

  /** Calls back after each change, in order. Returns the way to stop. */
  listen(listener: (change: Change) => void): () => void {
    this.#listeners.add(listener)
    return () => this.#listeners.delete(listener)
  }

  /**
   * Appends a line. Resolves with what `result` makes of the state right after the line, which is in the backend and folded by then; listeners
   * have heard of it.
   *
   * Rejects with `NOT_FOUND` if the log was deleted meanwhile; after `STORAGE_FULL` and `STORAGE_FAILED` it is unknown
   * whether the line is in. Unless it is `isVerbatim`, what is big in it goes to files first.
   */
  append<T>(line: Line, result: () => T, isVerbatim = false): Promise<T> {
    return new Promise((resolve, reject) => {
      const { text, isBulky } = this.#encode(line)
      const pending = new Pending(line, text, result, resolve as (result: unknown) => void, reject)
      this.#queue = withOne(this.#queue, pending)
      if (isBulky && (!isVerbatim || text === '')) this.#bulky.push(pending)
      this.#schedule()
    })
  }

  /**
   * Appends the line that `make` makes of the newest state, only if nothing came between; otherwise `make` is asked again, with what
   * came. It refuses by throwing, and has nothing to write if it answers undefined. In a write of its own, after what waits to be written.
   */
  appendGuarded(make: () => Line | undefined): Promise<void> {
    return new Promise((resolve, reject) => {
      this.#attempts.add({ make, resolve, reject })
      this.#schedule()
    })
  }

  #encode(line: Line): Encoded {
    try {
      return encoded(this.#backend, line)
    } catch (error) {
      // What was stamped will not be written: nothing may go on from it.
      this.#tip = undefined
      throw error
    }
  }

  /** Reads what others appended, and notices if the log was replaced or deleted. */
  look(): Promise<void> {
    return new Promise((resolve, reject) => {
      this.#looks.push({ resolve, reject })
      this.#schedule()
    })
  }

  /** Looks; false if the session was deleted. */
  async isThere(): Promise<boolean> {
    try {
      await this.look()
      return true
    } catch (error) {
      if (isFoldlogError(error, 'NOT_FOUND')) return false
      throw error
    }
  }

  #schedule(): void {
    if (this.#isBusy) return
    this.#isBusy = true
    // After all that is called in this tick. No `queueMicrotask`: it costs an asynchronous resource each time.
    void READY.then(this.#goNext)
  }

  /** Does what waits, one thing at a time. A lone append waits for nothing in it: each promise on its way would cost as much as its fold. */
  #next(): void {
    if (this.#bulky.length > 0) void this.#slim().then(() => this.#next())
    else if (this.#queue.length > 0) this.#flush()
    else if (!this.#attempts.isEmpty) void this.#attempts.tryFirst().then(() => this.#next())
    else if (this.#looks.length > 0) void this.#lookOnce().then(() => this.#next())
    else this.#isBusy = false
  }

  async #lookOnce(): Promise<void> {
    const waiting = this.#looks
    this.#looks = []
    try {
      await this.#readOn()
      for (const { resolve } of waiting) resolve()
    } catch (error) {
      if (isFoldlogError(error, 'NOT_FOUND')) this.#markDeleted('external')
      for (const { reject } of waiting) reject(error)
    }
  }

  /** Moves what is big in lines that wait to files, which come before the lines. What cannot be moved is not written. */
  async #slim(): Promise<void> {
    const bulky = this.#bulky
    this.#bulky = []
    for (const pending of bulky) {
      try {
        // A log that is gone gets no files.
        if ((await this.#backend.head(this.key)) === undefined) await this.#readOn()
        await pending.slim(this.#backend, this.key.namespace)
      } catch (error) {
        if (isFoldlogError(error, 'NOT_FOUND')) this.#markDeleted('external')
        this.#queue.splice(this.#queue.indexOf(pending), 1)
        this.#tip = undefined
        pending.reject(error)
      }
    }
  }

  #flush(): void {
    const pending = this.#queue
    this.#queue = []
    try {
      const outcome = this.#write(pending)
      if (!(outcome instanceof Promise) && outcome.cursor !== undefined) {
        this.#fold(pending, outcome.cursor)
        this.#end(pending)
      } else void this.#finish(pending, outcome)
    } catch (error) {
      this.#fail(pending, error)
    }
  }

  async #finish(pending: readonly Pending[], outcome: AppendResult | Promise<AppendResult>): Promise<void> {
    try {
      const { cursor } = await outcome
      if (cursor === undefined) {
        // Something came between: all of it is read in the order of the log.
        for (const { id } of pending) this.#own.add(id)
        await this.#readOn()
      } else this.#fold(pending, cursor)
      this.#end(pending)
    } catch (error) {
      this.#fail(pending, error)
    }
  }

  async #writeGuarded(line: Line): Promise<void> {
    // It may be refused: what others add meanwhile does not go on from it.
    this.#tip = undefined
    this.#assertWritable()
    const { cursor: expect } = this.#state
    if (expect === undefined) throw notALog(this.key)
    const slim = await slimmed(this.#backend, this.key.namespace, this.#encode(line))
    const { cursor } = await this.#backend.append(this.key, [slim], { expect })
    if (cursor === undefined) {
      this.#own.add(line.id)
      await this.#readOn()
    } else this.#fold([slim], cursor)
  }

  #noteFailure(error: unknown): never {
    if (isFoldlogError(error, 'NOT_FOUND')) this.#markDeleted('external')
    throw error
  }

  #assertWritable(): void {
    if (this.#isDeleted) throw notFound(this.key)
    if (this.#state.isForeign) throw notALog(this.key)
  }

  #write(pending: readonly Pending[]): AppendResult | Promise<AppendResult> {
    this.#assertWritable()
    const after = this.#state.cursor
    return this.#backend.append(this.key, pending, after === undefined ? NO_OPTIONS : { after })
  }

  /** Folds lines that are in the backend and that nothing came between. */
  #fold(pending: readonly Pick<Pending, 'line'>[], cursor: Cursor): void {
    const state = this.#state
    const news = new News()
    for (let i = 0; i < pending.length; i++) this.#take(state, pending[i]!.line, 'local', news, true)
    state.cursor = cursor
    this.#tellNews(state, news)
  }

  #end(pending: readonly Pending[]): void {
    for (let i = 0; i < pending.length; i++) pending[i]!.finish()
    this.#goOn()
  }

  #fail(pending: readonly Pending[], error: unknown): void {
    if (isFoldlogError(error, 'NOT_FOUND')) this.#markDeleted('external')
    for (const { reject } of pending) reject(error)
    this.#goOn()
  }

  #goOn(): void {
    if (this.#queue.length === 0) this.#tip = undefined
    if (this.#queue.length === 0 && this.#attempts.isEmpty && this.#looks.length === 0) this.#isBusy = false
    // Who was just answered comes first, and what they call in their turn shares the next write.
    else void READY.then(this.#goNext)
  }

  /** Folds what the backend has beyond the cursor; reads everything anew if the cursor leads nowhere. */
  async #readOn(): Promise<void> {
    // Whatever is at its path by now: whoever was told that the session is gone gets it from the store anew.
    if (this.#isDeleted) throw notFound(this.key)
    const state = this.#state
    const news = new News()
    const damageBefore = state.damage.length
    try {
      await this.#read(state, news)
    } catch (error) {
      this.#tellNews(state, news)
      if (!isFoldlogError(error, 'STALE_CURSOR')) throw error
      await this.#reread(state)
      if (this.#state.isDeleted) throw notFound(this.key)
      return
    }
    this.#tellNews(state, news)
    if (isNothing(news) && state.damage.length > damageBefore) this.#tell(DAMAGE_CHANGED)
    if (this.#state.isDeleted) throw notFound(this.key)
  }

  async #reread(old: LogState): Promise<void> {
    const { state, news } = await this.#readAll()
    this.#state = state
    // What was just written here came with the new content but was not brought by it.
    const own = news.arrivals.filter(({ origin }) => origin === 'local')
    const ownIds = new Set(own.map(({ event }) => event.id))
    const missing = old.lines.without(state.lines)
    const added = state.lines.without(old.lines).filter(({ id }) => !ownIds.has(id))
    if (missing.length > 0 || added.length > 0) this.#tell({ kind: 'rewound', missing, added })
    if (own.length > 0) this.#tell({ kind: 'events', arrivals: own })
    const isTold = missing.length > 0 || added.length > 0 || own.length > 0
    if (!isTold && state.damage.length !== old.damage.length) this.#tell(DAMAGE_CHANGED)
  }

  /** All of the log, begun again if it is replaced meanwhile. */
  async #readAll(): Promise<{ readonly state: LogState; readonly news: News }> {
    for (;;) {
      const state = new LogState(this.key)
      const news = new News()
      try {
        await this.#read(state, news)
        news.settle(state.lines)
        return { state, news }
      } catch (error) {
        if (!isFoldlogError(error, 'STALE_CURSOR')) throw error
      }
    }
  }

  async #read(state: LogState, news: News, isKnown = true): Promise<void> {
    this.#skewFrom = firstIdAt(Date.now() + SKEW_MS)
    const after = state.cursor === undefined ? {} : { after: state.cursor }
    for await (const batch of this.#backend.read(this.key, { ...after, isKnown })) {
      this.#takeBatch(state, batch, news)
    }
    if (news.rewound !== undefined) state.refold()
  }

  #takeBatch(state: LogState, batch: LineBatch, news: News): void {
    for (const stored of batch.lines) {
      const { lines, damage } = decodeLine(stored.bytes, stored)
      if (damage.length > 0) state.damage.push(...deepFreeze([...damage]))
      for (const line of lines) {
        const origin = this.#own.size > 0 && this.#own.delete(line.id) ? 'local' : 'external'
        this.#take(state, line, origin, news)
      }
    }
    state.cursor = batch.cursor
  }

  /**
   * Puts a line into the set and folds it. If what counted before changes by it, everything is folded again later. A line that was checked
   * before it was written need not be checked again.
   */
  #take(state: LogState, line: Line, origin: Origin, news: News, isChecked = false): void {
    if (line.type !== BATCH) this.#see(state, line.id)
    else for (const { id } of batchOf(line)) this.#see(state, id)
    if (line.type === 'session.deleted') state.isDeleted = true
    const added = state.lines.add(line)
    if (added.effect === 'none') return
    if (added.effect === 'refold') {
      news.rewound ??= { missing: [], added: [] }
      // One by one: a batch may have more events than a call takes arguments.
      for (const event of added.missing) news.rewound.missing.push(event)
      for (const event of added.added) news.rewound.added.push(event)
      return
    }
    if (line.type !== BATCH) this.#apply(state, line, line, origin, news, isChecked)
    else for (const event of batchOf(line)) this.#apply(state, line, event, origin, news, isChecked)
  }

  #apply(state: LogState, line: Line, inner: InnerEvent, origin: Origin, news: News, isChecked: boolean): void {
    const isLate = inner.id < state.fold.lastEventId
    if (!isChecked && !state.isEffective(line, inner)) return
    state.fold.apply(inner)
    if (this.#listeners.size > 0) news.add({ event: deepFreeze(toEvent(line, inner)), origin, isLate })
  }

  #see(state: LogState, id: string): void {
    this.#clock.see(id)
    if (id >= this.#skewFrom) state.noteSkew(id)
  }

  #tellNews(state: LogState, news: News): void {
    if (news.rewound !== undefined) state.refold()
    news.settle(state.lines)
    const { arrivals, rewound } = news
    if (arrivals.length > 0) this.#tell({ kind: 'events', arrivals })
    if (rewound !== undefined && rewound.missing.length + rewound.added.length > 0)
      this.#tell({ kind: 'rewound', ...rewound })
  }

  /** Tells once that the session is gone. */
  markDeleted(): void {
    this.#markDeleted('local')
  }

  #markDeleted(origin: Origin): void {
    if (this.#isDeleted) return
    this.#isDeleted = true
    this.#tell({ kind: 'deleted', origin })
  }

  #tell(change: Change): void {
    for (const listener of this.#listeners) listener(change)
  }
}

function notALog({ namespace, sessionId }: SessionKey): FoldlogError {
  const message = `the file of session ${sessionId} in ${namespace} holds no event, but something else: move it away`
  return new FoldlogError('NOT_A_LOG', message, { namespace, sessionId })
}

export function notFound({ namespace, sessionId }: SessionKey): FoldlogError {
  return new FoldlogError('NOT_FOUND', `session ${sessionId} is not in ${namespace}: it was deleted or never created`, {
    namespace,
    sessionId,
  })
}
