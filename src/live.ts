/**
 * What is being streamed in the sessions of one engine: drafts of this process, and those that other processes keep in the backend.
 *
 * A draft is shown and never folded: `shown` puts its parts into the message that is in progress. When whoever wrote it is gone, the next
 * write of anybody makes the message `incomplete` with what had reached the backend (recover.ts); until then it is shown so.
 *
 * What is read of a draft for the first time is published as `part.delta`: at once where the backend is watched, otherwise when something is read.
 */
import type { Backend, DraftPlace, Drafts } from './backend.ts'
import type { Bus, Origin } from './bus.ts'
import { DraftParts, parseDraftLine, type DraftLine } from './draft-parts.ts'
import { FoldlogError, isFoldlogError } from './errors.ts'
import type { Line } from './line.ts'
import type { Log } from './log.ts'
import type { Message, Status } from './message.ts'

// Each look at the global one calls a getter.
const { performance } = globalThis
const LF = 0x0a
/** Drafts whose owners are gone are looked for at most so often. */
const LOOK_MS = 2000
/** More messages than this are looked up in a listing of all drafts. */
const MANY = 8

/** Whether a message may still change. */
export function isUnfinished({ status }: { readonly status: Status }): boolean {
  return status === 'in_progress' || status === 'pending'
}

/** The key under which the end of a draft is written, so that it ends once. */
export function endKeyOf(messageId: string): string {
  return `draft:${messageId}`
}

/** A draft as those see it who read it. */
export interface Growing {
  readonly parts: DraftParts
  /** Whether whoever writes it may still do so. */
  readonly isAlive: boolean
  /** When it was last written to, in ms since the epoch; absent for one of this process. */
  readonly time?: number
}

/** A draft that this process writes. */
export interface OwnDraft extends Growing {
  /** What its writer has in hand. */
  readonly handle: object
  /** Lets go of it if the store or the handle it was opened by is closed. */
  leaveIfClosed(): void
  /** Lets go of it: the next writer makes it `incomplete`. */
  leave(): void
  /** Lets go of it because somebody else has ended the message, and removes what is beside the log. */
  drop(): Promise<void>
}

/** The live side of all logs of one engine. */
export class Live {
  readonly #backend: Backend
  readonly #bus: Bus
  readonly #screen: (line: Line) => Line
  readonly #all = new WeakMap<Log, LiveLog>()
  /** Those that somebody waits for, or that have drafts of this process. */
  readonly #active = new Set<LiveLog>()

  constructor(backend: Backend, bus: Bus, screen: (line: Line) => Line) {
    this.#backend = backend
    this.#bus = bus
    this.#screen = screen
  }

  /** That of a log; the same one for the same log. */
  of(log: Log): LiveLog {
    let live = this.#all.get(log)
    if (live === undefined) {
      live = new LiveLog(log, this.#backend, this.#bus, this.#screen, this.#active)
      this.#all.set(log, live)
    }
    return live
  }

  /** Takes notice that drafts of a session may have changed; without one, of a namespace. */
  hint(namespace: string, sessionId: string | undefined): void {
    for (const live of this.#active) {
      const { key } = live.log
      if (key.namespace === namespace && (sessionId === undefined || key.sessionId === sessionId)) live.ring()
    }
  }

  /** Lets go of the drafts whose store or handle is closed. */
  leaveClosed(): void {
    for (const live of this.#active) for (const draft of live.own.values()) draft.leaveIfClosed()
  }
}

/** The live side of one log. */
export class LiveLog {
  readonly log: Log
  readonly bus: Bus
  readonly root: string
  readonly screen: (line: Line) => Line
  /** By message. */
  readonly own: Map<string, OwnDraft> = new Map()
  readonly #drafts: Drafts | undefined
  readonly #others = new Map<string, OtherDraft>()
  readonly #rings = new Set<() => void>()
  readonly #active: Set<LiveLog>
  #recovering: Promise<void> | undefined
  #nextLook = 0

  constructor(log: Log, { drafts, root }: Backend, bus: Bus, screen: (line: Line) => Line, active: Set<LiveLog>) {
    this.log = log
    this.bus = bus
    this.root = root
    this.screen = screen
    this.#drafts = drafts
    this.#active = active
  }

  /** Where the backend keeps drafts. Throws `UNSUPPORTED` if it cannot. */
  get drafts(): Drafts {
    if (this.#drafts !== undefined) return this.#drafts
    throw new FoldlogError(
      'UNSUPPORTED',
      `the backend of ${this.root} cannot keep drafts: add the message when it is whole`,
    )
  }

  /** Calls back when a draft may have grown. Returns the way to stop. */
  listen(ring: () => void): () => void {
    this.#rings.add(ring)
    this.#note()
    return () => {
      this.#rings.delete(ring)
      this.#note()
    }
  }

  ring(): void {
    for (const ring of this.#rings) ring()
  }

  /** Begins or ends a draft of this process. */
  setOwn(messageId: string, draft: OwnDraft | undefined): void {
    this.#others.delete(messageId)
    if (draft === undefined) this.own.delete(messageId)
    else this.own.set(messageId, draft)
    this.#note()
    this.ring()
  }

  /** The draft of a message, read up to now; undefined if there is none (any more). */
  async growing(messageId: string): Promise<Growing | undefined> {
    const own = this.own.get(messageId)
    if (own !== undefined || this.#drafts === undefined) return own
    let draft = this.#others.get(messageId)
    if (draft === undefined) {
      draft = new OtherDraft(this.#drafts, this.log.key, messageId, (line) => this.publish(messageId, line, 'external'))
      this.#others.set(messageId, draft)
    }
    if (await draft.readOn()) return draft
    this.#others.delete(messageId)
    return undefined
  }

  /** Messages of a fold with what is being streamed in its place; undefined if one of them has changed meanwhile. */
  async shown(messages: readonly Message[]): Promise<readonly Message[] | undefined> {
    const unfinished = messages.filter(isUnfinished)
    if (unfinished.length === 0) return messages
    const ids = unfinished.length > MANY ? new Set([...this.own.keys(), ...(await this.list())]) : undefined
    const drafts = new Map<Message, Growing>()
    for (const message of unfinished) {
      const draft = ids?.has(message.id) === false ? undefined : await this.growing(message.id)
      if (draft !== undefined) drafts.set(message, draft)
    }
    // What has no draft that goes on never had one, or has ended since the log was looked at.
    if (unfinished.some((message) => drafts.get(message)?.isAlive !== true)) await this.log.look()
    const { fold } = this.log
    if (unfinished.some((message) => fold.message(message.id) !== message)) return undefined
    return Object.freeze(messages.map((message) => interrupted(withDraft(message, drafts.get(message)))))
  }

  /** All messages of the log, with what is being streamed. Looks. */
  async all(): Promise<readonly Message[]> {
    for (;;) {
      await this.log.look()
      const shown = await this.shown(this.log.fold.all())
      if (shown !== undefined) return shown
    }
  }

  /** The ids of the messages that have a draft in the backend. */
  async list(): Promise<readonly string[]> {
    return (await this.#drafts?.list(this.log.key)) ?? []
  }

  /** Makes an end to drafts whose owners are gone, now and then. Undefined if it is not time; what fails is told on the bus. */
  recoverIfDue(): Promise<void> | undefined {
    if (this.#drafts === undefined) return undefined
    const now = performance.now()
    if (this.#recovering !== undefined || now < this.#nextLook) return this.#recovering
    const isFirst = this.#nextLook === 0
    this.#nextLook = now + LOOK_MS
    // Later on there is nothing to look for unless something is in progress: looking costs more, the more is streamed beside it.
    if (!isFirst && !this.log.fold.hasUnfinished) return undefined
    this.#recovering = this.recover()
      .catch((error: unknown) => this.#report(error))
      .finally(() => (this.#recovering = undefined))
    return this.#recovering
  }

  /** Makes an end to drafts whose owners are gone. One that cannot be ended stops neither the others nor whoever asked: it is told on the bus. */
  async recover(): Promise<void> {
    const ids = (await this.list()).filter((id) => !this.own.has(id))
    if (ids.length === 0) return
    const { recoverDraft } = await import('./recover.ts')
    for (const id of ids) {
      await recoverDraft(this, id).catch((error: unknown) => {
        // A log that is gone is what the caller is to know.
        if (isFoldlogError(error, 'NOT_FOUND')) throw error
        this.#report(error)
      })
    }
  }

  /** Tells of what is new in a draft. */
  publish(messageId: string, line: DraftLine, origin: Origin): void {
    const { bus, root } = this
    if (!bus.hasListeners('part.delta')) return
    const { namespace, sessionId } = this.log.key
    if ('part' in line) {
      const { part } = line
      const [partId, partType] = [part.id, part.type]
      bus.publish({ root, namespace, sessionId, type: 'part.delta', origin, messageId, partId, partType, part })
    } else {
      const { partId, type: partType, at, delta } = line
      bus.publish({ root, namespace, sessionId, type: 'part.delta', origin, messageId, partId, partType, at, delta })
    }
  }

  #note(): void {
    if (this.#rings.size > 0 || this.own.size > 0) this.#active.add(this)
    else this.#active.delete(this)
  }

  #report(error: unknown): void {
    const wrapped = error instanceof Error ? error : new Error(String(error))
    this.bus.publish({ type: 'store.error', root: this.root, namespace: this.log.key.namespace, error: wrapped })
  }
}

/** Nobody takes a lease for longer, in ms: what a log says beyond it is a mistake, and must not make a session busy for ever. */
const LONGEST_LEASE_MS = 3_600_000

/** Whether whoever answers with this message has been silent for longer than its lease says. */
export function isExpired({ lease }: Message): boolean {
  if (lease === undefined) return false
  const leftMs = lease.until - Date.now()
  return leftMs <= 0 || leftMs > LONGEST_LEASE_MS
}

/** A message as it is shown: `incomplete` once its lease has expired. */
function interrupted(message: Message): Message {
  return isUnfinished(message) && isExpired(message) ? Object.freeze({ ...message, status: 'incomplete' }) : message
}

/** A message with the parts of its draft; `incomplete` if nobody goes on with it. */
export function withDraft(message: Message, draft: Growing | undefined): Message {
  if (draft === undefined) return message
  const status = draft.isAlive ? message.status : 'incomplete'
  return Object.freeze({ ...message, parts: draft.parts.parts(), status })
}

/** A draft of another process, as far as it was read. */
class OtherDraft implements Growing {
  readonly #drafts: Drafts
  readonly #key: Log['key']
  readonly #messageId: string
  readonly #onLine: (line: DraftLine) => void
  #place: DraftPlace | undefined
  #isAlive = true
  time = 0
  #parts = new DraftParts()
  #last: Promise<unknown> = Promise.resolve()

  constructor(drafts: Drafts, key: Log['key'], messageId: string, onLine: (line: DraftLine) => void) {
    this.#drafts = drafts
    this.#key = key
    this.#messageId = messageId
    this.#onLine = onLine
  }

  get parts(): DraftParts {
    return this.#parts
  }

  get isAlive(): boolean {
    return this.#isAlive && !this.#parts.isLeft
  }

  /** False if it is not there (any more). */
  readOn(): Promise<boolean> {
    const read = this.#last.then(() => this.#readOn())
    this.#last = read.catch(() => {
      // Its own caller is told.
    })
    return read
  }

  async #readOn(): Promise<boolean> {
    const read = await this.#drafts.read(this.#key, this.#messageId, this.#place)
    if (read === undefined) return false
    const { place, bytes, isAlive } = read
    this.time = read.time
    if (this.#place !== undefined && (place.version !== this.#place.version || place.offset !== this.#place.offset)) {
      this.#parts = new DraftParts()
    }
    const buffer = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength)
    const end = buffer.lastIndexOf(LF) + 1
    for (const text of buffer.toString('utf8', 0, end).split('\n')) this.#take(text)
    this.#place = { version: place.version, offset: place.offset + end }
    this.#isAlive = isAlive
    return true
  }

  #take(text: string): void {
    const line = text === '' ? undefined : parseDraftLine(text)
    if (line === 'left') this.#parts.isLeft = true
    else if (line !== undefined) {
      const news = this.#parts.apply(line)
      if (news !== undefined) this.#onLine(news)
    }
  }
}
