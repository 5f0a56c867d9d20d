/**
 * What all stores over one backend share in this process: the open logs, and for each namespace its infos and its watch.
 *
 * A directory that is opened twice with the same bus and the same options is one engine, so that its bus hears of every event once. It
 * lives as long as a store uses it.
 */
import { resolve } from 'node:path'
import type { Backend, Head } from './backend.ts'
import { fileBackend, type FileBackendOptions } from './backends/file/index.ts'
import type { Bus } from './bus.ts'
import { isFoldlogError } from './errors.ts'
import type { FoldedInfo } from './infos-cache.ts'
import type { Glance, Infos, ListOptions, Page, RowOptions } from './infos.ts'
import type { InfoRow } from './infos-rows.ts'
import { lazy } from './lazy.ts'
import type { Log } from './log.ts'
import type { Logs, Told } from './logs.ts'
import type { Newest } from './newest.ts'
import type { RedactHook } from './screen.ts'
import type { Watch } from './watch.ts'

const listing = lazy(() => import('./infos.ts'))

const engines = new WeakMap<Bus, WeakMap<object, Map<string | Backend, Engine>>>()
const NO_HOOK = {}
/** A log that is no longer is folded in about the time that looking at what is known of it takes. */
const SHORT_BYTES = 1 << 17
/** A log that is no longer is folded in some milliseconds, as it may have to be anyway: it is not passed over first. */
const LONG_BYTES = 1 << 20

/** The engine of a directory or a backend on a bus, with one more user. */
export function useEngine(
  place: string | Backend,
  options: FileBackendOptions,
  bus: Bus,
  redact: RedactHook | undefined,
): Engine {
  const key = typeof place === 'string' ? `${options.fsync ?? ''} ${options.shared === true} ${resolve(place)}` : place
  let hooks = engines.get(bus)
  if (hooks === undefined) engines.set(bus, (hooks = new WeakMap()))
  let known = hooks.get(redact ?? NO_HOOK)
  if (known === undefined) hooks.set(redact ?? NO_HOOK, (known = new Map()))
  let engine = known.get(key)
  if (engine === undefined) {
    const backend = typeof place === 'string' ? fileBackend(place, options) : place
    const forget = (): void => void known.delete(key)
    // A backend that was passed in belongs to who made it.
    engine = new Engine(backend, bus, redact, typeof place === 'string', forget)
    known.set(key, engine)
  }
  engine.users++
  return engine
}

export class Engine {
  readonly backend: Backend
  readonly bus: Bus
  users = 0
  readonly #redact: RedactHook | undefined
  readonly #ownsBackend: boolean
  readonly #forget: () => void
  readonly #namespaces = new Map<string, Namespace>()
  #logs: Promise<Logs> | undefined

  constructor(backend: Backend, bus: Bus, redact: RedactHook | undefined, ownsBackend: boolean, forget: () => void) {
    this.backend = backend
    this.bus = bus
    this.#redact = redact
    this.#ownsBackend = ownsBackend
    this.#forget = forget
  }

  namespace(name: string): Namespace {
    let namespace = this.#namespaces.get(name)
    if (namespace === undefined) this.#namespaces.set(name, (namespace = new Namespace(this, name)))
    return namespace
  }

  /** The open logs. What they need is loaded with the first call. */
  logs(): Promise<Logs> {
    this.#logs ??= this.#load()
    return this.#logs
  }

  /** The ids of the sessions of a namespace that are open in this process. */
  async openIn(namespace: string): Promise<readonly string[]> {
    if (this.#logs === undefined) return []
    return [...(await this.#logs).inNamespace(namespace)].map(({ key }) => key.sessionId)
  }

  /** Lets go of drafts whose store was closed: what they had stays beside the log. */
  async leaveDrafts(): Promise<void> {
    ;(await this.#logs)?.live.leaveClosed()
  }

  /** One user less. With the last one everything ends; nothing that was acknowledged is pending then. */
  async release(): Promise<void> {
    this.users--
    if (this.users > 0) return
    this.#forget()
    try {
      for (const namespace of this.#namespaces.values()) await namespace.end()
    } finally {
      if (this.#ownsBackend) await this.backend.close()
    }
  }

  async #load(): Promise<Logs> {
    const { Logs } = await import('./logs.ts')
    return new Logs(
      this.backend,
      this.bus,
      (log) => this.#namespaces.get(log.key.namespace)?.note(log),
      ({ namespace, sessionId }) => this.#namespaces.get(namespace)?.told(sessionId),
      this.#redact,
    )
  }
}

/** A namespace: the infos of its sessions, and its watch if somebody wants one. */
export class Namespace {
  readonly #engine: Engine
  readonly #name: string
  /** Absent until somebody asks for infos: who only writes needs none. */
  #infos: Infos | undefined
  #watch: Watch | undefined
  #isWatching: Promise<void> | undefined
  /** The infos were brought up to date while watching: from then on changes come by themselves. */
  #isLive = false

  constructor(engine: Engine, name: string) {
    this.#engine = engine
    this.#name = name
  }

  /** Resolves when every change made from then on will be told. */
  watch(): Promise<void> {
    this.#isWatching ??= this.#startWatching()
    return this.#isWatching
  }

  /** The first page of a listing, after a look at what has changed. */
  async list(options: ListOptions): Promise<Page> {
    const { assertListing } = await listing()
    assertListing(options)
    return (await this.#refreshed(options.signal)).page(options)
  }

  /** What a list shows of the first sessions that fit, newest activity first, after a look at what has changed. */
  async rows(options: RowOptions): Promise<readonly InfoRow[]> {
    return (await this.#refreshed()).rows(options)
  }

  /** What is known of the sessions without reading a log. */
  async glance(): Promise<readonly Glance[]> {
    return (await this.#loaded()).glance()
  }

  /** A further page, without a look. */
  async page(options: ListOptions): Promise<Page> {
    return (await this.#loaded()).page(options)
  }

  /** A session's log, or of a long one its newest messages, where they can be told without folding it; undefined if it is not there. */
  async open(sessionId: string): Promise<Log | Newest | undefined> {
    const { backend } = this.#engine
    const logs = await this.#engine.logs()
    const key = { namespace: this.#name, sessionId }
    if (backend.readBack === undefined || logs.peek(key) !== undefined) return logs.get(key)
    const held = logs.held(key)
    // One that has changed, or is away, is looked for by who folds it.
    if (held !== undefined) return (await isCurrent(held)) ? held : logs.get(key)
    const head = await backend.head(key)
    if (head === undefined || head.sizeBytes < SHORT_BYTES) return logs.get(key)
    const infos = await this.#loaded()
    const known = await infos.known(head)
    const isLong = head.sizeBytes >= LONG_BYTES
    const keep = (folded: FoldedInfo): void => this.#keep(infos, head, folded)
    const newest = known !== undefined || isLong ? await logs.newest(key, known, isLong ? keep : undefined) : undefined
    if (newest !== undefined) return newest
    const log = await logs.get(key)
    // Next time nobody has to find out again that it has to be folded.
    if (log !== undefined && isLong && known?.isCurrent !== true) keep(log.folded())
    return log
  }

  /** Keeps what was read of a session. While changes come by themselves, what is not there any more was deleted. */
  #keep(infos: Infos, head: Head, folded: FoldedInfo): void {
    if (!this.#isLive || infos.has(head.sessionId)) infos.keep(head, folded)
  }

  /** What is known of a session of one path that had this head and is not open here. Something may have come since. */
  async straight(head: Head): Promise<FoldedInfo | undefined> {
    const { backend } = this.#engine
    if (backend.readBack === undefined) return undefined
    if ((await this.#engine.logs()).peek({ namespace: this.#name, sessionId: head.sessionId }) !== undefined)
      return undefined
    const known = await (await this.#loaded()).known(head)
    return known?.isCurrent === true && known.folded.isStraight ? known.folded : undefined
  }

  /** Takes notice of what a log that is open here has read or written. */
  note(log: Log): void {
    this.#watch?.noteLog(log)
    if (log.isDeleted) this.#infos?.drop(log.key.sessionId)
    else this.#infos?.note(log.key.sessionId, () => log.info)
  }

  /** Takes notice that a session was deleted here, which is told by who did it. */
  forget(sessionId: string): void {
    this.#watch?.forget(sessionId)
    this.#infos?.drop(sessionId)
  }

  /** Up to where the changes of a session were told. */
  told(sessionId: string): Told | undefined {
    return this.#watch?.told(sessionId)
  }

  /** Forgets the info of a session whose log was rewritten; the next listing reads it anew. */
  forgetInfo(sessionId: string): void {
    this.#infos?.drop(sessionId)
    this.#isLive = false
  }

  async end(): Promise<void> {
    try {
      await this.#isWatching
    } catch {
      // It could not watch, and whoever asked for it was told. There is nothing to stop.
    }
    await this.#watch?.stop()
    await this.#infos?.save()
  }

  /** The infos, after a look at what has changed. */
  async #refreshed(signal?: AbortSignal): Promise<Infos> {
    const isWatched = this.#watch !== undefined
    const infos = await this.#loaded()
    if (!this.#isLive) await infos.refresh(signal)
    this.#isLive = isWatched
    return infos
  }

  async #loaded(): Promise<Infos> {
    if (this.#infos !== undefined) return this.#infos
    const { Infos } = await listing()
    const engine = this.#engine
    const namespace = this.#name
    return (this.#infos ??= new Infos(
      engine.backend,
      namespace,
      async (sessionId, known) => (await engine.logs()).info({ namespace, sessionId }, known),
      async () => engine.openIn(namespace),
    ))
  }

  async #startWatching(): Promise<void> {
    const { backend, bus } = this.#engine
    if (backend.capabilities.watch === 'none') return
    const [{ Watch }, logs] = await Promise.all([import('./watch.ts'), this.#engine.logs()])
    this.#watch = await Watch.start(backend, bus, logs, await this.#loaded(), this.#name)
  }
}

async function isCurrent(newest: Newest): Promise<boolean> {
  try {
    return await newest.isCurrent()
  } catch (error) {
    if (isFoldlogError(error, 'NOT_FOUND')) return false
    throw error
  }
}
