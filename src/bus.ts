/**
 * Typed events for one process, on mitt. This file alone knows mitt.
 *
 * Invariant served here: I6 the bus speaks only after the line is in the backend. Its guarantees: events of a session come in the order
 * they arrived in its log, each at most once a process, after the fold; a listener that throws or rejects harms nobody and is
 * reported as `store.error`; listeners may come and go while an event is delivered, and none is skipped for it. What
 * was published while nobody listened, or was lost in a crash, is caught up with `session.tail`.
 */
import mittModule, { type Emitter } from 'mitt'
import type { SessionEvent } from './event.ts'
import type { FoldlogError } from './errors.ts'
import type { Json } from './json.ts'
import type { ErrorInfo, Message, Part, SessionInfo, Turn } from './message.ts'

/** Who made a change: this process, or another one. */
export type Origin = 'local' | 'external'

interface BusBase {
  /** The place of the store: a directory, a URL. */
  readonly root: string
  readonly namespace: string
}

interface SessionBase extends BusBase {
  readonly sessionId: string
  readonly origin: Origin
}

/** The info of a session changed, for any reason: once a session and flush. `event` is the newest one of it. */
export interface SessionChanged extends SessionBase {
  readonly type: 'session.created' | 'session.updated'
  readonly info: SessionInfo
  readonly event?: SessionEvent
}

export interface SessionDeleted extends SessionBase {
  readonly type: 'session.deleted'
}

/** The log was replaced by other content: `missing` was there before, `added` is new. */
export interface SessionRewound extends SessionBase {
  readonly type: 'session.rewound'
  readonly info: SessionInfo
  readonly missing: readonly SessionEvent[]
  readonly added: readonly SessionEvent[]
}

/** An event of a log: a message or part event, or a user's own. */
export interface LogEvent extends SessionBase {
  /** `message.created`, `message.updated`, `message.deleted`, `part.updated`, or a user's own. */
  readonly type: `${string}.${string}`
  readonly event: SessionEvent
  /** True if it sorts before an event that was already folded. */
  readonly late?: boolean
}

/** A message or a part of one changed in the log. */
export interface MessageChanged extends LogEvent {
  readonly type: 'message.created' | 'message.updated' | 'message.deleted' | 'part.updated'
}

/**
 * A message that is being streamed has grown; in no log until it ends, and not acknowledged before. From another process what came meanwhile is
 * one event. Either text at a place of a part, in UTF-16 code units, or a whole part.
 */
export type PartDelta = SessionBase & {
  readonly type: 'part.delta'
  readonly messageId: string
  readonly partId: string
} & (
    | { readonly partType: 'text' | 'reasoning'; readonly at: number; readonly delta: string; readonly part?: never }
    | { readonly partType: Part['type']; readonly part: Part; readonly at?: never; readonly delta?: never }
  )

/** A turn of `session.send` in this process has begun: its question and the answer in progress are in the log. In no log itself, as all of turns. */
export interface TurnStarted extends SessionBase {
  readonly type: 'turn.started'
  readonly turnId: string
  readonly question: Message
  /** The id of the answer in progress. */
  readonly answerId: string
}

/** A turn of `session.send` in this process has ended. */
export interface TurnEnded extends SessionBase {
  /** `completed`: the responder is done, whatever it said the status is. */
  readonly type: 'turn.completed' | 'turn.failed' | 'turn.cancelled'
  readonly turnId: string
  readonly turn: Turn
  /** Why it failed. */
  readonly error?: ErrorInfo
}

/** Anything transient; in no log. */
export interface Notice extends BusBase {
  readonly type: 'notice'
  readonly sessionId?: string
  readonly name: string
  readonly data?: Json
}

export interface StoreDegraded extends BusBase {
  readonly type: 'store.degraded'
  readonly reason: string
  readonly cause?: unknown
}

/** Something failed that no caller waits for: a listener that threw, a background look. */
export interface StoreError extends BusBase {
  readonly type: 'store.error'
  readonly error: FoldlogError | Error
}

/** A type alias, not an interface, because mitt wants an index signature. */
export type BusEvents = {
  'session.created': SessionChanged
  'session.updated': SessionChanged
  'session.deleted': SessionDeleted
  'session.rewound': SessionRewound
  'message.created': MessageChanged
  'message.updated': MessageChanged
  'message.deleted': MessageChanged
  'part.updated': MessageChanged
  'part.delta': PartDelta
  'turn.started': TurnStarted
  'turn.completed': TurnEnded
  'turn.failed': TurnEnded
  'turn.cancelled': TurnEnded
  notice: Notice
  'store.degraded': StoreDegraded
  'store.error': StoreError
}
/** Of all types; a `LogEvent` may be a user's own. */
export type BusEvent = BusEvents[keyof BusEvents] | LogEvent

/** What a type delivers; a type that is not in the list is a user's own event. */
export type BusEventOf<T extends string> = T extends keyof BusEvents
  ? BusEvents[T]
  : T extends '*'
    ? BusEvent
    : LogEvent

export type Listener<T extends string> = (event: BusEventOf<T>) => unknown

type AnyListener = (event: BusEvent) => unknown

// mitt's types are CommonJS, where the function is `.default`; what Node loads is the ES module, where it is the default itself.
const mitt = mittModule as unknown as typeof mittModule.default

export class Bus {
  readonly #emitter: Emitter<Record<string, BusEvent>> = mitt<Record<string, BusEvent>>()

  /** Calls `listener` on every event of a type, or of all (`*`). Returns the way to stop. */
  on<T extends string>(type: T, listener: Listener<T>): () => void {
    // One wrapper a subscription: the same function may listen twice, and stopping one leaves the other.
    const guarded = (event: BusEvent): void => this.#deliver(listener as AnyListener, event)
    const handler = type === '*' ? (_: string, event: BusEvent): void => guarded(event) : guarded
    this.#emitter.on(type as '*', handler as (type: string, event: BusEvent) => void)
    return () => this.#emitter.off(type as '*', handler as (type: string, event: BusEvent) => void)
  }

  /** As `on`, for the next event only. */
  once<T extends string>(type: T, listener: Listener<T>): () => void {
    const off = this.on(type, (event: BusEventOf<T>) => {
      off()
      return listener(event)
    })
    return off
  }

  /** Delivers an event to all who listen now, in the order they subscribed. */
  publish(event: BusEvent): void {
    this.#emitter.emit(event.type, event)
  }

  /** Whether anybody listens to a type. */
  hasListeners(type: string): boolean {
    const { all } = this.#emitter
    return (all.get(type)?.length ?? 0) > 0 || (all.get('*')?.length ?? 0) > 0
  }

  /** Whether anybody listens to anything. */
  get isHeard(): boolean {
    for (const listeners of this.#emitter.all.values()) if (listeners !== undefined && listeners.length > 0) return true
    return false
  }

  #deliver(listener: AnyListener, event: BusEvent): void {
    try {
      const result = listener(event)
      if (result instanceof Promise) result.catch((error: unknown) => this.#report(error, event))
    } catch (error) {
      this.#report(error, event)
    }
  }

  #report(error: unknown, event: BusEvent): void {
    // A listener for errors that fails itself has nobody left to tell.
    if (event.type === 'store.error') return
    const wrapped = error instanceof Error ? error : new Error(String(error))
    this.publish({ type: 'store.error', root: event.root, namespace: event.namespace, error: wrapped })
  }
}

/** The bus of this process: every store publishes here unless it is given another. */
export const bus: Bus = new Bus()
