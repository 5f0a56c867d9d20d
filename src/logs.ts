/**
 * The logs that are open in one store engine, one object a session, and the way from their changes to the bus.
 *
 * However many handles a session has, there is one log behind them, so that the bus hears of each event once a process. A log nobody
 * holds any more is kept while it is among the most recently used, then left to the garbage collector.
 */
import type { Backend, Cursor, SessionKey } from './backend.ts'
import type { Bus, LogEvent } from './bus.ts'
import type { Arrival, Change } from './change.ts'
import { isFoldlogError } from './errors.ts'
import type { SessionEvent } from './event.ts'
import { extendInfo, type Resumable } from './extend.ts'
import type { FoldedInfo } from './infos-cache.ts'
import type { Known } from './infos.ts'
import { passOver } from './info-pass-read.ts'
import { decodeLine, type Line } from './line.ts'
import { Live } from './live.ts'
import { screenLine, type RedactHook } from './screen.ts'
import { Log, notFound } from './log.ts'
import { Newest } from './newest.ts'
import { hasNews } from './news.ts'
import { writeNew } from './pending.ts'

const KEPT = 64

/** Hears of every change of every open log, after the bus did. */
type OnChange = (log: Log, change: Change) => void

/** Up to where the watcher of a namespace has told of a session; without a place, it has not told of it at all. */
export interface Told {
  readonly end: Cursor | undefined
}

export class Logs {
  /** What is being streamed. */
  readonly live: Live
  readonly #backend: Backend
  readonly #bus: Bus
  readonly #onChange: OnChange
  readonly #redact: RedactHook | undefined
  readonly #toldOf: (key: SessionKey) => Told | undefined
  readonly #open = new Map<string, WeakRef<Log>>()
  readonly #recent = new Map<string, Log>()
  /** What is known of long logs that are not open, and held by handles. */
  readonly #newest = new Map<string, WeakRef<Newest>>()
  readonly #passing = new Map<string, Promise<FoldedInfo | undefined>>()
  /** Logs being read, so that two callers get one. */
  readonly #opening = new Map<string, Promise<Log>>()
  readonly #gone = new FinalizationRegistry<string>((name) => {
    if (this.#open.get(name)?.deref() === undefined) this.#open.delete(name)
  })

  /** `toldOf` answers undefined where nobody watches. */
  constructor(
    backend: Backend,
    bus: Bus,
    onChange: OnChange,
    toldOf: (key: SessionKey) => Told | undefined,
    redact?: RedactHook,
  ) {
    this.#redact = redact
    this.#backend = backend
    this.live = new Live(backend, bus, (line) => this.screen(line))
    this.#bus = bus
    this.#onChange = onChange
    this.#toldOf = toldOf
  }

  /** The log of a session if it is open. */
  peek(key: SessionKey): Log | undefined {
    return this.#open.get(nameOf(key))?.deref()
  }

  /** Whether a session is there, without reading it: `get` takes several times as long to say that it is not. */
  async has(key: SessionKey): Promise<boolean> {
    return this.peek(key) !== undefined || (await this.#backend.head(key)) !== undefined
  }

  /** The log of a session, read up to now; undefined if it is not there. */
  async get(key: SessionKey): Promise<Log | undefined> {
    try {
      const known = this.peek(key)
      if (known === undefined || known.isDeleted) return await this.#load(key)
      return (await known.isThere()) ? this.#use(known) : undefined
    } catch (error) {
      // "Not there" is what the caller asked about.
      if (isFoldlogError(error, 'NOT_FOUND')) return undefined
      throw error
    }
  }

  /** As `get`, but a log that is not open is not kept. */
  async read(key: SessionKey): Promise<Log | undefined> {
    const open = this.peek(key)
    try {
      if (open === undefined || open.isDeleted) return await Log.open(this.#backend, key)
      return (await open.isThere()) ? open : undefined
    } catch (error) {
      // "Not there" is what the caller asked about.
      if (isFoldlogError(error, 'NOT_FOUND')) return undefined
      throw error
    }
  }

  /** The info of a session, read up to now; undefined if it is not there. The log is not kept open for it. */
  async info(key: SessionKey, known: FoldedInfo | undefined): Promise<FoldedInfo | undefined> {
    try {
      const open = this.peek(key)
      if (open !== undefined) return (await open.isThere()) ? open.folded() : undefined
      const found = (await this.#extended(key, known)) ?? (await this.#passedOver(key))
      return found ?? (await Log.open(this.#backend, key)).folded()
    } catch (error) {
      // "Not there" is what the caller asked about.
      if (isFoldlogError(error, 'NOT_FOUND')) return undefined
      throw error
    }
  }

  /**
   * The newest messages of a session that is not open, of which so much may have been known at some time; undefined: it has to be folded. All who ask
   * share one, so that what comes is told once. Only with `keep`, which is called with what
   * that comes to, the whole log is read where nothing else tells.
   */
  async newest(
    key: SessionKey,
    earlier: Known | undefined,
    keep: ((folded: FoldedInfo) => void) | undefined,
  ): Promise<Newest | undefined> {
    try {
      const known = earlier?.isCurrent === true ? earlier.folded : await this.#foundOut(key, earlier?.folded, keep)
      if (known?.cursor === undefined || !known.isStraight) return undefined
      // Somebody may have been faster, and have seen less.
      if (this.peek(key) !== undefined) return undefined
      const held = this.held(key)
      if (held !== undefined) return held.end === known.cursor ? held : undefined
      const newest = new Newest(this.#backend, key, known.info, known.cursor, () => this.#loadKnown(key))
      this.#newest.set(nameOf(key), new WeakRef(newest))
      return newest
    } catch (error) {
      // Whoever asks next is told.
      if (isFoldlogError(error, 'NOT_FOUND')) return undefined
      throw error
    }
  }

  /** What handles have of a session that was not folded since. */
  held(key: SessionKey): Newest | undefined {
    const name = nameOf(key)
    const newest = this.#newest.get(name)?.deref()
    if (newest === undefined) this.#newest.delete(name)
    return newest
  }

  /** Takes notice that a session was deleted here: what handles have of it is of no other one. */
  dropHeld(key: SessionKey): void {
    this.held(key)?.markDeleted()
    this.#newest.delete(nameOf(key))
  }

  /** The log of a session that was there. */
  async #loadKnown(key: SessionKey): Promise<Log> {
    const log = await this.get(key)
    if (log === undefined) throw notFound(key)
    return log
  }

  async #foundOut(
    key: SessionKey,
    known: FoldedInfo | undefined,
    keep: ((folded: FoldedInfo) => void) | undefined,
  ): Promise<FoldedInfo | undefined> {
    const extended = await this.#extended(key, known)
    // What was not straight once hardly becomes it.
    if (extended !== undefined || keep === undefined || known?.isStraight === false) return extended
    const passed = await this.#passedOver(key)
    if (passed !== undefined) keep(passed)
    return passed
  }

  /** The info of a log that is straight, in one pass that keeps little; undefined: only folding tells. Callers share one pass. */
  async #passedOver(key: SessionKey): Promise<FoldedInfo | undefined> {
    const name = nameOf(key)
    const earlier = this.#passing.get(name)
    if (earlier !== undefined) {
      const passed = await earlier
      // It began before this caller asked.
      const place = passed?.cursor
      if (passed === undefined || (place !== undefined && !(await hasNews(this.#backend, key, place)))) return passed
    }
    let passing = this.#passing.get(name)
    if (passing === undefined) {
      passing = passOver(this.#backend, key).finally(() => this.#passing.delete(name))
      this.#passing.set(name, passing)
    }
    return passing
  }

  /** Goes on from what is known of a session, if something came since and all of it only adds. */
  async #extended(key: SessionKey, known: FoldedInfo | undefined): Promise<FoldedInfo | undefined> {
    if (known?.resume === undefined || known.cursor === undefined) return undefined
    let state: Resumable | undefined = { info: known.info, resume: known.resume }
    let { cursor } = known
    let isMore = false
    try {
      for await (const batch of this.#backend.read(key, { after: cursor })) {
        const decoded = batch.lines.map((stored) => decodeLine(stored.bytes, stored))
        if (decoded.some(({ damage }) => damage.length > 0)) return undefined
        state = extendInfo(
          state,
          decoded.flatMap(({ lines }) => lines),
        )
        if (state === undefined) return undefined
        cursor = batch.cursor
        isMore ||= batch.lines.length > 0
      }
    } catch (error) {
      // The file is another one: it has to be read anew.
      if (isFoldlogError(error, 'STALE_CURSOR')) return undefined
      throw error
    }
    // It changed, but not at its end: it may have been edited anywhere.
    return isMore ? { ...state, cursor, isStraight: known.isStraight } : undefined
  }

  /** Creates the log of a session with these lines and tells of it. Rejects with `ALREADY_EXISTS`. */
  async create(key: SessionKey, lines: readonly Line[]): Promise<Log> {
    const screened = lines.map((line) => this.screen(line))
    const log = this.#keep(await Log.create(this.#backend, key, screened))
    this.#tell(log, {
      kind: 'events',
      arrivals: log.events().map((event) => ({ event, origin: 'local', isLate: false })),
    })
    return log
  }

  /** As `create`, but where nobody hears of it the log is written only: to fold and keep it costs as much again. */
  async put(key: SessionKey, lines: readonly Line[]): Promise<void> {
    const isHeard = this.#bus.isHeard || this.#toldOf(key) !== undefined
    if (isHeard) return void (await this.create(key, lines))
    const screened = lines.map((line) => this.screen(line))
    await writeNew(this.#backend, key, screened)
  }

  /** A line as the store's `redact` wants it. */
  screen(line: Line): Line {
    return screenLine(line, this.#redact)
  }

  /** Opens a log that another process changed, which tells of what is new in it. */
  discover(key: SessionKey, told: Told): Promise<Log> {
    return this.#load(key, told)
  }

  /** Every open log of a namespace. */
  *inNamespace(namespace: string): Generator<Log> {
    for (const ref of this.#open.values()) {
      const log = ref.deref()
      if (log?.key.namespace === namespace) yield log
    }
  }

  async #load(key: SessionKey, told?: Told): Promise<Log> {
    const name = nameOf(key)
    const held = this.held(key)
    const running = this.#opening.get(name)
    if (running !== undefined) return running
    const place = told ?? this.#toldOf(key) ?? (held === undefined ? undefined : { end: held.end })
    const opening = this.#loadNow(key, place, held !== undefined)
    this.#opening.set(name, opening)
    try {
      return await opening
    } finally {
      this.#opening.delete(name)
    }
  }

  /** Opens a log and, where it is watched or was known, tells of what others did since it was last told of. */
  async #loadNow(key: SessionKey, told: Told | undefined, isKnown: boolean): Promise<Log> {
    const log = await Log.open(this.#backend, key, isKnown)
    const news = told === undefined ? undefined : await this.#behind(log, told.end)
    this.#keep(log)
    if (news !== undefined) this.#tell(log, news)
    return log
  }

  /** What lies behind a place, of what was read by now: what comes later the log tells itself. */
  async #behind(log: Log, place: Cursor | undefined): Promise<Change | undefined> {
    const all = log.events()
    try {
      const ids = place === undefined ? undefined : await Log.idsAfter(this.#backend, log.key, place)
      const events = ids === undefined ? all : all.filter(({ id }) => ids.has(id))
      // Damage is told with the info. Of a log that somebody is just creating there is nothing to tell yet.
      return events.length > 0 || log.damage.length > 0 ? external(events) : undefined
    } catch (error) {
      // The log was replaced, and nobody here knows what was in it before.
      if (isFoldlogError(error, 'STALE_CURSOR')) return { kind: 'rewound', missing: [], added: [] }
      throw error
    }
  }

  #keep(log: Log): Log {
    const name = nameOf(log.key)
    log.listen((change) => this.#tell(log, change))
    this.#open.set(name, new WeakRef(log))
    this.#gone.register(log, name)
    this.held(log.key)?.attach(log)
    this.#newest.delete(name)
    return this.#use(log)
  }

  #use(log: Log): Log {
    const name = nameOf(log.key)
    this.#recent.delete(name)
    this.#recent.set(name, log)
    if (this.#recent.size > KEPT) {
      const [oldest] = this.#recent.keys()
      this.#recent.delete(oldest!)
    }
    return log
  }

  #tell(log: Log, change: Change): void {
    if (change.kind === 'deleted') this.#forget(log)
    publish(this.#bus, this.#backend.root, log, change)
    this.#onChange(log, change)
  }

  #forget(log: Log): void {
    const name = nameOf(log.key)
    this.#recent.delete(name)
    if (this.peek(log.key) === log) this.#open.delete(name)
  }
}

function external(events: readonly SessionEvent[]): Change {
  return { kind: 'events', arrivals: events.map((event) => ({ event, origin: 'external', isLate: false })) }
}

function nameOf({ namespace, sessionId }: SessionKey): string {
  return `${namespace}\n${sessionId}`
}

/** What a change of a log is on the bus. The info is made only if somebody listens for it. */
function publish(bus: Bus, root: string, log: Log, change: Change): void {
  const { namespace, sessionId } = log.key
  const base = { root, namespace, sessionId }
  switch (change.kind) {
    case 'deleted':
      bus.publish({ ...base, type: 'session.deleted', origin: change.origin })
      return
    case 'rewound': {
      const { missing, added } = change
      bus.publish({ ...base, type: 'session.rewound', origin: 'external', info: log.info, missing, added })
      bus.publish({ ...base, type: 'session.updated', origin: 'external', info: log.info })
      return
    }
    case 'events':
      publishArrivals(bus, base, log, change.arrivals)
  }
}

type Base = { readonly root: string; readonly namespace: string; readonly sessionId: string }

function publishArrivals(bus: Bus, base: Base, log: Log, arrivals: readonly Arrival[]): void {
  const { root, namespace, sessionId } = base
  for (let i = 0; i < arrivals.length; i++) {
    const { event, origin, isLate } = arrivals[i]!
    // Types without a dot have no effect, and what has none does not arrive.
    const type = event.type as LogEvent['type']
    if (type === 'session.updated' || !bus.hasListeners(type)) continue
    if (type === 'session.created') bus.publish({ ...base, type, origin, info: log.info, event })
    // Spread, the base would cost more than all the rest of it.
    else if (isLate) bus.publish({ root, namespace, sessionId, type, origin, event, late: true })
    else bus.publish({ root, namespace, sessionId, type, origin, event })
  }
  const newest = arrivals.at(-1)
  if (newest?.event.type === 'session.created' && arrivals.length === 1) return
  const type = 'session.updated'
  if (!bus.hasListeners(type)) return
  if (newest === undefined) return bus.publish({ ...base, type, origin: 'external', info: log.info })
  const { origin, event } = newest
  bus.publish({ root, namespace, sessionId, type, origin, info: log.info, event })
}
