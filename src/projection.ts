/**
 * Users' own folds: kept up to date as events come, and made again when one comes late.
 *
 * Invariant held here: I3 for projections. They see the events that count, in order of ids, whatever order they came in.
 */
import type { EventOf, SessionEvent } from './event.ts'
import type { Change } from './change.ts'
import type { Log } from './log.ts'

/**
 * A fold over the events of one session.
 *
 * `on` has a function for each type of interest, a user's own (`todo.added`) or one of the six. It returns the next state and must be pure:
 * it is called again from the beginning when an event arrives late. `Events` maps the types to their data.
 */
export interface Projection<S, Events extends { [type: string]: unknown } = { [type: string]: unknown }> {
  readonly initial: () => S
  readonly on: { readonly [T in keyof Events & string]?: (state: S, event: EventOf<T, Events[T]>) => S }
}

interface Cached {
  state: unknown
  /** The newest event in the state. */
  last: string
  /** Events that came since, in the order they came. */
  readonly news: SessionEvent[]
}

type AnyProjection = Projection<unknown>

/** The projections of one log that somebody asked for. */
export class Projections {
  readonly #log: Log
  readonly #cached = new Map<AnyProjection, Cached>()
  #stop: (() => void) | undefined

  constructor(log: Log) {
    this.#log = log
  }

  /** The state of a projection over everything the log has folded. */
  state<S, E extends { [type: string]: unknown }>(projection: Projection<S, E>): S {
    this.#stop ??= this.#log.listen((change) => this.#note(change))
    // Every projection is one of unknown states and events: it is only ever called with what it made itself.
    const key = projection as unknown as AnyProjection
    const cached = this.#cached.get(key) ?? { state: projection.initial(), last: '', news: this.#log.events() }
    // A reducer that throws leaves nothing behind: the next call starts over.
    this.#cached.delete(key)
    const news = cached.news.splice(0).sort((a, b) => (a.id < b.id ? -1 : 1))
    advance(cached, key, news)
    this.#cached.set(key, cached)
    return cached.state as S
  }

  close(): void {
    this.#stop?.()
    this.#cached.clear()
  }

  #note(change: Change): void {
    if (change.kind !== 'events') {
      this.#cached.clear()
      return
    }
    for (const [projection, cached] of this.#cached) {
      const news = change.arrivals.map(({ event }) => event).filter(({ type }) => Object.hasOwn(projection.on, type))
      if (news.some(({ id }) => id < cached.last)) this.#cached.delete(projection)
      else for (const event of news) cached.news.push(event)
    }
  }
}

function advance(cached: Cached, projection: AnyProjection, events: readonly SessionEvent[]): void {
  for (const event of events) {
    if (!Object.hasOwn(projection.on, event.type)) continue
    cached.state = projection.on[event.type]!(cached.state, event)
    cached.last = event.id
  }
}
