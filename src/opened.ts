/**
 * What one handle has of its session's log: all of it, folded, or of a long one its newest messages until something needs the rest.
 */
import type { Backend } from './backend.ts'
import { Commits } from './commit.ts'
import { toJson } from './json.ts'
import { isUnfinished, type LiveLog } from './live.ts'
import type { Log } from './log.ts'
import type { Message, SessionInfo } from './message.ts'
import { Newest } from './newest.ts'
import { Projections } from './projection.ts'
import type { MessagesOptions } from './views.ts'

/** A folded log, and what works on it for one handle. */
interface Folded {
  readonly log: Log
  readonly live: LiveLog
  readonly commits: Commits
  readonly projections: Projections
}

export class Opened {
  readonly #backend: Backend
  readonly #liveOf: (log: Log) => LiveLog
  #newest: Newest | undefined
  #folded: Folded | undefined

  constructor(backend: Backend, opened: Log | Newest, liveOf: (log: Log) => LiveLog) {
    this.#backend = backend
    this.#liveOf = liveOf
    if (opened instanceof Newest) this.#newest = opened
    else this.#folded = this.#with(opened)
  }

  /** Undefined until {@link fold} has resolved. */
  get folded(): Folded | undefined {
    return this.#folded
  }

  /** What this process last saw. */
  get info(): SessionInfo {
    return (this.#folded?.log ?? this.#newest!).info
  }

  /** Folds the log if nothing needed that before. `check` throws where the handle is closed, by then or while that takes. */
  async fold(check: () => void): Promise<void> {
    check()
    if (this.#folded !== undefined) return
    const log = await this.#newest!.load()
    check()
    // Another call may have waited for the same.
    this.#folded ??= this.#with(log)
    this.#newest = undefined
  }

  /** The newest messages, where they can be told without folding the log. */
  async newest({ limit = 0, before, ...rest }: MessagesOptions = {}): Promise<readonly Message[] | undefined> {
    const isPage = Number.isSafeInteger(limit) && limit > 0 && Object.values(rest).every((value) => value === undefined)
    if (this.#folded !== undefined || !isPage) return undefined
    const page = await this.#newest!.page(before === undefined ? { limit } : { limit, before })
    // What is being streamed lies elsewhere.
    return page?.some(isUnfinished) === true ? undefined : page
  }

  /** A message of which is known that it has no alternatives; undefined: the folded log has to say. */
  async alone(id: string): Promise<Message | undefined> {
    // On the one path of a log that is read so, nothing else follows the message before it.
    const message = this.#folded === undefined ? await this.#newest!.message(id) : undefined
    return message === undefined || isUnfinished(message) ? undefined : message
  }

  /** What a caller gave, as it is now: where the log has to be folded first, it is looked at later. */
  kept<T extends object>(given: T): T {
    if (this.#folded !== undefined) return given
    try {
      return toJson(given, 'input') as unknown as T
    } catch {
      // It is refused when it is looked at, by the name it has there.
      return given
    }
  }

  #with(log: Log): Folded {
    const live = this.#liveOf(log)
    const commits = new Commits(log, live, this.#backend.capabilities)
    return { log, live, commits, projections: new Projections(log) }
  }
}
