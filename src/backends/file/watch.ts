/**
 * Watches a root for changes made by anyone, and tells them as hints.
 *
 * One chokidar watcher, so one descriptor, for the root, one for each namespace and one for its `.live`, if it has one; never one for a
 * file, nor for `files/` or `.cache`. Only their `raw` events are used: chokidar 5 throttles its `change` events and so loses
 * the second of two close appends (research: 75 of 120), while `raw` comes at once and for each of them.
 *
 * One watcher a directory, not one on the root with a depth, because only then can a directory be watched anew:
 *  - chokidar 5 goes deaf on a directory that is removed and made again between two of its looks, and so does 6 on
 *    what lies in a root that was removed;
 *  - on a root that is not there, 5 never sees its namespaces and 6 counts the depth from the parent.
 * So which directories there are is looked up here, when the root changes and every `relookMs`, and a directory is known
 * by device, inode and time of birth (ext4 gives the inode of a removed directory to the next).
 *
 * Nothing is promised but this: every `relookMs` there is a hint for each namespace, whatever happened to the watchers.
 * Hints in between may be late, repeated or lost (inotify drops events in silence when 16,384 wait). A hint never comes
 * before the change it is for, so whoever looks after the last hint has seen everything that was hinted.
 *
 * This file knows names of files, not what is in them. No other file imports chokidar, and this one only when called.
 */
import type { ChokidarOptions, FSWatcher } from 'chokidar'
import { once } from 'node:events'
import { readdir, stat } from 'node:fs/promises'
import { basename, resolve } from 'node:path'
import type { WatchEvents } from '../../backend.ts'
import { decodeName, encodeName } from '../../name.ts'
import { isMissing } from './failure.ts'
import { draftDirectory, namespacePath, parseFileName } from './paths.ts'

const RELOOK_MS = 2_000
const READY_TIMEOUT_MS = 30_000
const LIVE = basename(draftDirectory(''))

export interface WatchDirectoriesOptions {
  /** How often everything is looked at, whatever was hinted. Default 2,000 ms; costs a `stat` per namespace. */
  readonly relookMs?: number
}

/**
 * Hints at changes in one namespace of a root, or in all of them. The root and the namespaces need not be there yet; a
 * relative root is taken from the present working directory.
 *
 * Resolves when changes made from then on are hinted; hints and `onDegraded` (called once at most) may come before.
 * `events` must not throw. While it watches, the process stays alive. Call the result to stop: from that call on nothing
 * is called back, and when it resolves no timer and no descriptor is left. Rejects only with `INVALID_NAME`.
 */
export async function watchDirectories(
  root: string,
  namespace: string | undefined,
  events: WatchEvents,
  options: WatchDirectoriesOptions = {},
): Promise<() => Promise<void>> {
  if (namespace !== undefined) encodeName(namespace)
  const watching = new Watching(resolve(root), namespace, events, options.relookMs ?? RELOOK_MS)
  await watching.start()
  return () => watching.stop()
}

/** A directory that was there when last looked at. */
interface Held {
  /** Which directory it was, see `identify`. */
  readonly identity: string
  /** Absent if it could not be watched: then only the periodic look sees it, until another one takes its place. */
  watcher: FSWatcher | undefined
  /** Whether it was moved or removed meanwhile, so that chokidar may have let go of it. */
  isStale: boolean
}

class Watching {
  readonly #root: string
  readonly #only: string | undefined
  readonly #events: WatchEvents
  readonly #relookMs: number
  readonly #hints: Hints
  /** By namespace; the root is held under `undefined`. */
  readonly #held = new Map<string | undefined, Held>()
  /** The directories of drafts, by namespace. */
  readonly #live = new Map<string | undefined, Held>()
  /** Chokidar's, once it is loaded. */
  #watch: ((path: string, options: ChokidarOptions) => FSWatcher) | undefined
  #timer: NodeJS.Timeout | undefined
  #looking: Promise<void> | undefined
  /** What to look at next: namespaces, or everything if the root is among them. */
  readonly #due = new Set<string | undefined>()
  #isDegraded = false
  #stopping: Promise<void> | undefined

  constructor(root: string, only: string | undefined, events: WatchEvents, relookMs: number) {
    this.#root = root
    this.#only = only
    this.#events = events
    this.#relookMs = relookMs
    this.#hints = new Hints(events)
  }

  async start(): Promise<void> {
    try {
      this.#watch = (await import('chokidar')).watch
    } catch (error) {
      this.#degrade('chokidar cannot be loaded', error)
    }
    this.#timer = setInterval(() => this.#relook(), this.#relookMs)
    this.#lookSoon(undefined)
    await this.#looking
  }

  stop(): Promise<void> {
    this.#stopping ??= this.#letGo()
    return this.#stopping
  }

  async #letGo(): Promise<void> {
    clearInterval(this.#timer)
    this.#hints.stop()
    // A watcher that is just being opened can be closed only when it is ready: chokidar 5 forgets a handle that it gets
    // after `close`.
    await this.#looking
    const all = [this.#held, this.#live].flatMap((map) => [...map.keys()].map((name) => this.#release(map, name)))
    await Promise.all(all)
  }

  #relook(): void {
    const known = this.#only === undefined ? [...this.#held.keys()] : [this.#only]
    for (const namespace of known) if (namespace !== undefined) this.#hints.add(namespace)
    this.#lookSoon(undefined)
  }

  /** Looks at a directory from now on: a look that is under way may have passed what changed, so another one follows. */
  #lookSoon(namespace: string | undefined): void {
    if (this.#stopping !== undefined) return
    this.#due.add(namespace)
    this.#looking ??= this.#lookUntilCalm()
  }

  async #lookUntilCalm(): Promise<void> {
    while (this.#due.size > 0 && this.#stopping === undefined) {
      const due = [...this.#due]
      this.#due.clear()
      await this.#look(due)
      this.#holdProcess()
    }
    this.#looking = undefined
  }

  async #look(due: readonly (string | undefined)[]): Promise<void> {
    let namespaces = due
    if (due.includes(undefined)) {
      // The root first: a namespace that is made after it was listed must be noticed.
      await this.#hold(undefined)
      namespaces = [...new Set([...(await this.#list()), ...this.#held.keys()])].filter((name) => name !== undefined)
    }
    await Promise.all(namespaces.map((namespace) => this.#hold(namespace)))
  }

  /** Chokidar's watchers keep the process alive; where there are none the timer does, so that a follower lives on. */
  #holdProcess(): void {
    const isWatched = [...this.#held.values(), ...this.#live.values()].some((held) => held.watcher !== undefined)
    if (isWatched) this.#timer?.unref()
    else this.#timer?.ref()
  }

  async #list(): Promise<readonly string[]> {
    if (this.#only !== undefined) return [this.#only]
    if (!this.#held.has(undefined)) return []
    try {
      const entries = await unlessMissing(readdir(this.#root))
      return (entries ?? []).map(decodeName).filter((name) => name !== undefined)
    } catch (error) {
      this.#degrade(`${this.#root} cannot be listed`, error)
      return []
    }
  }

  /** Sees to it that the directory which is now in this place, and with it that of its drafts, is the one that is watched. */
  async #hold(namespace: string | undefined): Promise<void> {
    if (namespace === undefined) return this.#holdAt(this.#held, undefined, this.#root)
    const path = resolve(namespacePath(this.#root, namespace))
    await this.#holdAt(this.#held, namespace, path)
    await this.#holdAt(this.#live, namespace, resolve(draftDirectory(path)))
  }

  async #holdAt(map: Map<string | undefined, Held>, namespace: string | undefined, path: string): Promise<void> {
    try {
      const identity = await identify(path)
      const held = map.get(namespace)
      if (held?.identity === identity && held?.isStale !== true) return
      await this.#release(map, namespace)
      if (identity !== undefined && this.#stopping === undefined) {
        const fresh: Held = { identity, watcher: undefined, isStale: false }
        map.set(namespace, fresh)
        fresh.watcher = await this.#open(map, path, namespace)
      }
      // Whatever was written before the watcher was ready has no hint of its own.
      if (namespace !== undefined) this.#hints.add(namespace, undefined, map === this.#live)
    } catch (error) {
      this.#degrade(`${path} cannot be looked at`, error)
    }
  }

  async #open(
    map: Map<string | undefined, Held>,
    path: string,
    namespace: string | undefined,
  ): Promise<FSWatcher | undefined> {
    // `atomic` would ignore names that end in `~`, which a namespace may.
    const watcher = this.#watch?.(path, {
      ignored: (other) => resolve(other) !== path,
      depth: 0,
      ignoreInitial: true,
      atomic: false,
    })
    if (watcher === undefined) return undefined
    watcher.on('error', (error) => this.#degrade(`${path} cannot be watched`, error))
    watcher.on('raw', (event, name: unknown) => {
      if (event === 'rename' && name === basename(path)) this.#onOwnChange(map, namespace)
      if (map === this.#live) this.#hints.add(namespace!, draftedSession(name), true)
      else this.#onRaw(namespace, name)
    })
    // As all that is in it is ignored, an event that is not raw says that the directory itself went or came.
    watcher.on('all', () => this.#onOwnChange(map, namespace))
    try {
      await becomeReady(watcher)
      return watcher
    } catch (error) {
      this.#degrade(`${path} cannot be watched`, error)
      await this.#close(watcher)
      return undefined
    }
  }

  /** `name` is that of an entry, or the directory's own if it was itself moved or removed. */
  #onRaw(namespace: string | undefined, name: unknown): void {
    if (namespace !== undefined && name === LIVE) this.#lookSoon(namespace)
    else if (namespace !== undefined) this.#hints.add(namespace, sessionOf(name))
    else if (typeof name === 'string') this.#onEntry(decodeName(basename(name)))
    else this.#lookSoon(undefined)
  }

  /** A directory of the root may have come or gone. */
  #onEntry(namespace: string | undefined): void {
    if (namespace === undefined || (this.#only !== undefined && this.#only !== namespace)) return
    this.#lookSoon(namespace)
  }

  /** Has the directory watched anew, with a hint after it: how well chokidar recovers by itself differs by version. */
  #onOwnChange(map: Map<string | undefined, Held>, namespace: string | undefined): void {
    const held = map.get(namespace)
    if (held !== undefined) held.isStale = true
    this.#lookSoon(namespace)
  }

  async #release(map: Map<string | undefined, Held>, namespace: string | undefined): Promise<void> {
    const watcher = map.get(namespace)?.watcher
    map.delete(namespace)
    if (watcher !== undefined) await this.#close(watcher)
  }

  async #close(watcher: FSWatcher): Promise<void> {
    clearThrottles(watcher)
    const closed = watcher.close()
    // Closing takes the listeners away, and an error that comes later would end the process.
    watcher.on('error', (error) => this.#degrade('a watcher failed while it was closed', error))
    try {
      await closed
    } catch (error) {
      this.#degrade('a watcher cannot be closed', error)
    }
  }

  #degrade(what: string, cause: unknown): void {
    if (this.#isDegraded || this.#stopping !== undefined) return
    this.#isDegraded = true
    const why = cause instanceof Error ? cause.message : String(cause)
    this.#events.onDegraded(`${what}, so changes are looked for every ${this.#relookMs} ms: ${why}`, cause)
  }
}

/**
 * Hands out hints right after the events of this turn of the event loop, each once. A change that comes later makes a
 * hint of its own, so the last change always has one after it.
 */
class Hints {
  readonly #events: WatchEvents
  readonly #waiting = new Map<string, Set<string | undefined>>()
  /** The same, of drafts. */
  readonly #drafts = new Map<string, Set<string | undefined>>()
  #immediate: NodeJS.Immediate | undefined
  #isStopped = false

  constructor(events: WatchEvents) {
    this.#events = events
  }

  add(namespace: string, sessionId?: string, isDraft = false): void {
    if (this.#isStopped) return
    const waiting = isDraft ? this.#drafts : this.#waiting
    const sessions = waiting.get(namespace)
    if (sessions === undefined) waiting.set(namespace, new Set([sessionId]))
    else sessions.add(sessionId)
    this.#immediate ??= setImmediate(() => this.#flush())
  }

  stop(): void {
    this.#isStopped = true
    clearImmediate(this.#immediate)
  }

  #flush(): void {
    this.#immediate = undefined
    // Logs first: a draft is of a message that its log tells of.
    for (const [map, isDraft] of [
      [this.#waiting, {}],
      [this.#drafts, { isDraft: true }],
    ] as const) {
      const due = [...map]
      map.clear()
      for (const [namespace, sessions] of due) {
        for (const sessionId of sessions) {
          if (this.#isStopped) return
          this.#events.onHint(
            sessionId === undefined ? { namespace, ...isDraft } : { namespace, sessionId, ...isDraft },
          )
        }
      }
    }
  }
}

/**
 * Rejects at the first error, or after a while: chokidar 5 says nothing at all if the directory has become a file since
 * it was looked at.
 */
async function becomeReady(watcher: FSWatcher): Promise<void> {
  const deadline = new AbortController()
  const timer = setTimeout(() => deadline.abort(), READY_TIMEOUT_MS)
  try {
    await once(watcher, 'ready', { signal: deadline.signal })
  } finally {
    clearTimeout(timer)
  }
}

/** What chokidar 5 has inside, and 6 has not. */
interface Throttled {
  readonly _throttled?: ReadonlyMap<unknown, ReadonlyMap<unknown, { clear(): unknown }>>
}

/** Clears the timers that chokidar 5 forgets when it is closed: they would keep the process for up to a second. */
function clearThrottles(watcher: FSWatcher): void {
  // The cast holds for both versions: the property is optional.
  const { _throttled: throttled } = watcher as FSWatcher & Throttled
  for (const actions of throttled?.values() ?? []) for (const action of actions.values()) action.clear()
}

/** What tells one directory from another in the same place; undefined if there is none. */
async function identify(path: string): Promise<string | undefined> {
  const stats = await unlessMissing(stat(path, { bigint: true }))
  return stats?.isDirectory() === true ? `${stats.dev} ${stats.ino} ${stats.birthtimeNs}` : undefined
}

async function unlessMissing<T>(promise: Promise<T>): Promise<T | undefined> {
  try {
    return await promise
  } catch (error) {
    // Not there, or a file in its place: what watching waits for.
    if (isMissing(error)) return undefined
    throw error
  }
}

/** The session whose log the file of a raw event is part of. Undefined if that is unclear: some systems give no name. */
function sessionOf(name: unknown): string | undefined {
  const file = typeof name === 'string' ? parseFileName(basename(name)) : undefined
  return file === undefined ? undefined : decodeName(file.session)
}

/** The session whose draft the file of a raw event is. */
function draftedSession(name: unknown): string | undefined {
  const file = typeof name === 'string' ? basename(name) : ''
  return decodeName(file.slice(0, Math.max(0, file.indexOf('.'))))
}
