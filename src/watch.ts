/**
 * Changes made by other processes → the same bus events.
 *
 * Hints of the backend say only where to look. What is known of each session is the place of its end: when it moves, the log is opened if
 * it is not, and what lies behind that place is told. A hint is always followed by a look that began after it, and hints that come
 * meanwhile for the same session are one. What hints miss, the backend's regular hint for the whole namespace finds.
 */
import type { Backend, Cursor, Head, SessionKey } from './backend.ts'
import type { Bus } from './bus.ts'
import { isFoldlogError } from './errors.ts'
import type { Infos } from './infos.ts'
import type { Log } from './log.ts'
import type { Logs, Told } from './logs.ts'

/** A pass over all sessions takes at most one part in so many of the time. */
const SHARE = 30

interface Known {
  readonly version: string
  readonly end: Cursor | undefined
  /** Files of it are there, but it was told as deleted: a tombstone is in them. */
  readonly isGone?: boolean
}

export class Watch {
  readonly #backend: Backend
  readonly #bus: Bus
  readonly #logs: Logs
  readonly #infos: Infos
  readonly #namespace: string
  readonly #known = new Map<string, Known>()
  /** Sessions to look at; undefined stands for the whole namespace. */
  readonly #waiting = new Set<string | undefined>()
  /** Sessions that are not there and may be back in a moment. */
  readonly #away = new Set<string>()
  /** Sessions whose drafts have to be read, as somebody listens. */
  readonly #drafts = new Set<string | undefined>()
  #running: Promise<void> | undefined
  #stop: (() => Promise<void>) | undefined
  #isStopped = false
  /** Whether it is known what there was when watching began. */
  #isReady = false
  #nextPass = 0

  private constructor(backend: Backend, bus: Bus, logs: Logs, infos: Infos, namespace: string) {
    this.#backend = backend
    this.#bus = bus
    this.#logs = logs
    this.#infos = infos
    this.#namespace = namespace
  }

  /** Resolves when every change made from then on will be told. */
  static async start(backend: Backend, bus: Bus, logs: Logs, infos: Infos, namespace: string): Promise<Watch> {
    const watch = new Watch(backend, bus, logs, infos, namespace)
    watch.#stop = await backend.watch(namespace, {
      onHint: ({ sessionId, isDraft }) => (isDraft === true ? watch.#hintDraft(sessionId) : watch.#hint(sessionId)),
      onDegraded: (reason, cause) =>
        bus.publish({ type: 'store.degraded', root: backend.root, namespace, reason, cause }),
    })
    try {
      for (const head of await backend.list(namespace)) watch.#note(head)
    } catch (error) {
      await watch.stop()
      throw error
    }
    watch.#isReady = true
    watch.#run()
    return watch
  }

  /** Takes notice of what a log that is open in this process has read or written. */
  noteLog(log: Log): void {
    const { sessionId } = log.key
    if (log.isDeleted) this.#known.delete(sessionId)
    else this.#known.set(sessionId, { version: '', end: log.cursor })
  }

  /** Up to where a session was told of, for whoever opens it before the hint of its change has come. */
  told(sessionId: string): Told {
    return { end: this.#known.get(sessionId)?.end }
  }

  /** A session was deleted by this process. */
  forget(sessionId: string): void {
    this.#known.delete(sessionId)
  }

  async stop(): Promise<void> {
    this.#isStopped = true
    await this.#stop?.()
    await this.#running
  }

  #note({ sessionId, version, end }: Head): void {
    this.#known.set(sessionId, { version, end })
  }

  #hint(sessionId: string | undefined): void {
    if (this.#isStopped) return
    this.#waiting.add(sessionId)
    if (sessionId === undefined) this.#hintDraft(undefined)
    if (this.#isReady) this.#run()
  }

  /** Whoever follows is woken at once; what is new in drafts is read here only for those who listen to the bus. */
  #hintDraft(sessionId: string | undefined): void {
    if (this.#isStopped) return
    this.#logs.live.hint(this.#namespace, sessionId)
    if (!this.#bus.hasListeners('part.delta')) return
    this.#drafts.add(sessionId)
    if (this.#isReady) this.#run()
  }

  #run(): void {
    if ((this.#waiting.size === 0 && this.#drafts.size === 0) || this.#isStopped) return
    this.#running ??= this.#work().finally(() => {
      this.#running = undefined
      // What was hinted after the last look at what waits.
      this.#run()
    })
  }

  async #work(): Promise<void> {
    while (this.#waiting.size > 0 || this.#drafts.size > 0) {
      const isDraft = this.#waiting.size === 0
      const waiting = isDraft ? this.#drafts : this.#waiting
      const [sessionId] = waiting
      waiting.delete(sessionId)
      if (this.#isStopped) return
      try {
        if (isDraft) await this.#readDrafts(sessionId)
        else if (sessionId === undefined) await this.#lookAtAll()
        else await this.#lookAt(sessionId)
      } catch (error) {
        this.#report(error)
      }
    }
  }

  /** Reads the drafts of a session, which tells of what is new in them. Its log first: that tells of their messages. */
  async #readDrafts(sessionId: string | undefined): Promise<void> {
    if (sessionId === undefined) {
      for (const log of this.#logs.inNamespace(this.#namespace)) this.#drafts.add(log.key.sessionId)
      return
    }
    const key = { namespace: this.#namespace, sessionId }
    if (this.#logs.peek(key) === undefined) await this.#lookAt(sessionId)
    const log = this.#logs.peek(key)
    const live = log === undefined ? undefined : this.#logs.live.of(log)
    const ids = (await live?.list()) ?? []
    if (log === undefined || ids.length === 0 || !(await log.isThere())) return
    for (const id of ids) await live?.growing(id)
  }

  /** Looks where versions changed. In a big namespace that takes long: then only open logs are looked at in between. */
  async #lookAtAll(): Promise<void> {
    const start = performance.now()
    if (start < this.#nextPass) {
      for (const log of this.#logs.inNamespace(this.#namespace)) this.#waiting.add(log.key.sessionId)
      return
    }
    await this.#passOver()
    const end = performance.now()
    this.#nextPass = end + (end - start) * SHARE
  }

  async #passOver(): Promise<void> {
    const heads = new Map((await this.#backend.list(this.#namespace)).map((head) => [head.sessionId, head]))
    for (const [sessionId, { version }] of heads) {
      if (this.#known.get(sessionId)?.version !== version) this.#waiting.add(sessionId)
    }
    for (const sessionId of this.#known.keys()) if (!heads.has(sessionId)) this.#waiting.add(sessionId)
  }

  async #lookAt(sessionId: string): Promise<void> {
    const key = { namespace: this.#namespace, sessionId }
    // Taken before looking: what comes while looking has another version, and is looked at again.
    const head = await this.#backend.head(key)
    if (head !== undefined || !this.#isThere(key)) return this.#tell(key, head)
    // It may be back in a moment, which no other session waits for.
    if (this.#away.has(sessionId)) return
    this.#away.add(sessionId)
    void this.#lookAgain(key).catch((error: unknown) => {
      if (!this.#isStopped) this.#report(error)
    })
  }

  /** Whether a session was told of and not told as deleted. */
  #isThere(key: SessionKey): boolean {
    const known = this.#known.get(key.sessionId)
    return this.#logs.peek(key) !== undefined || (known !== undefined && known.isGone !== true)
  }

  /** Waits until a log is back, and looks at it as after a hint; or tells that it is gone. */
  async #lookAgain(key: SessionKey): Promise<void> {
    try {
      const open = this.#logs.peek(key)
      // If it is gone, the log has told so.
      if (open !== undefined) await open.isThere()
      const head = await this.#backend.head(key, { isKnown: open === undefined })
      if (this.#isStopped) return
      if (head === undefined) await this.#tell(key, head)
      else this.#waiting.add(key.sessionId)
    } finally {
      this.#away.delete(key.sessionId)
    }
    this.#run()
  }

  async #tell(key: SessionKey, head: Head | undefined): Promise<void> {
    const { sessionId } = key
    const open = this.#logs.peek(key)
    const known = this.#known.get(sessionId)
    // If it is gone, the log has told so.
    if (open !== undefined) await open.isThere()
    const isGone = open?.isDeleted ?? (head === undefined || !(await this.#discover(key)))
    if (isGone && open === undefined && known !== undefined && known.isGone !== true) {
      this.#bus.publish({
        type: 'session.deleted',
        root: this.#backend.root,
        namespace: this.#namespace,
        sessionId,
        origin: 'external',
      })
      this.#infos.drop(sessionId)
    }
    if (head === undefined) this.#known.delete(sessionId)
    else this.#known.set(sessionId, { version: head.version, end: this.#known.get(sessionId)?.end ?? head.end, isGone })
  }

  /** Opens a session, which tells what is new in it; false if it is gone by now, or a tombstone was merged into it. */
  async #discover(key: SessionKey): Promise<boolean> {
    try {
      const log = await this.#logs.discover(key, this.told(key.sessionId))
      this.#known.set(key.sessionId, { version: '', end: log.cursor })
      return true
    } catch (error) {
      if (!isFoldlogError(error, 'NOT_FOUND')) throw error
      return false
    }
  }

  #report(error: unknown): void {
    const wrapped = error instanceof Error ? error : new Error(String(error))
    this.#bus.publish({ type: 'store.error', root: this.#backend.root, namespace: this.#namespace, error: wrapped })
  }
}
