/**
 * Reads one log, then keeps following it: events in the order they lie in the log, each id once.
 *
 * A tail reads the backend by a place of its own, so it sees lines that were never folded here, and what it delivers does not
 * depend on who else reads. Only whether the content of an event was redacted somewhere else in the log, before or behind, is asked of
 * who folds it, after reading and before delivering: what a merge brings back is delivered as what is left of it. It is woken by hints and by this process's own changes, and looks by itself every two seconds.
 */
import type { Backend, Cursor, LookOptions, SessionKey, StoredLine } from './backend.ts'
import { Bell } from './bell.ts'
import { FoldlogError, isFoldlogError } from './errors.ts'
import type { SessionEvent } from './event.ts'
import { isEventId } from './event-id.ts'
import { deepFreeze } from './json.ts'
import { decodeLine, eventsOf, type Line } from './line.ts'
import { toEvent } from './lines.ts'

/**
 * An event of a tail. `cursor` resumes after it, also in another process. An event of type `session.rewound` is in no log: the place to
 * resume from is gone, and everything the tail has not delivered yet follows.
 */
export type TailEvent = SessionEvent & { readonly cursor: string }

export interface TailOptions {
  /** Resume after this: an event's `cursor`, or the id of an event, which means the line that holds it. Default: the beginning. */
  readonly after?: string
  /** Keep following. Default: end where the log ends now. */
  readonly follow?: boolean
  /** Ends the tail, without an error. */
  readonly signal?: AbortSignal
}

/** Calls back when there may be more to read; returns the way to stop. */
export type Wake = (callback: () => void) => Promise<() => void>

/** Who folds the log that is read. */
export interface Folded {
  /** Folds all that is there; false if the log is gone. */
  isThere(): Promise<boolean>
  /** What is left of an event whose content was redacted and came back; undefined for any other. */
  remains(eventId: string): SessionEvent | undefined
  readonly isDeleted: boolean
}

const LOOK_MS = 2000
/** Between the place before a line and how many of its events to skip, where a cursor points into a batch. */
const SKIP_MARK = '~'
const INTO_BATCH = /^(.*)~([1-9]\d{0,8})$/s

/** Reads a log that is there until it is deleted. */
export async function* tailOf(
  backend: Backend,
  key: SessionKey,
  options: TailOptions,
  wake: Wake,
  log: Folded,
): AsyncGenerator<TailEvent> {
  const reader = new Reader(backend, key, log, options.after)
  const { follow = false, signal } = options
  if (log.isDeleted) throw deleted(key)
  if (!follow) {
    try {
      yield* reader.read(signal)
    } catch (error) {
      if (!isAborted(signal, error)) throw error
    }
    return
  }
  const bell = new Bell()
  const stop = await wake(() => bell.ring())
  const onAbort = (): void => bell.ring()
  signal?.addEventListener('abort', onAbort)
  try {
    // oxlint-disable-next-line no-unmodified-loop-condition -- a signal changes by itself
    while (signal?.aborted !== true && !log.isDeleted) {
      bell.reset()
      yield* reader.read(signal)
      await bell.wait(LOOK_MS)
    }
  } catch (error) {
    // A log that is deleted while it is followed ends; one that was never there is an error.
    const isOver = isAborted(signal, error) || (reader.hasRead && isFoldlogError(error, 'NOT_FOUND'))
    if (!isOver) throw error
  } finally {
    signal?.removeEventListener('abort', onAbort)
    stop()
  }
}

/** Whether it was only the wait for the log that ended, because the signal fired. */
function isAborted(signal: AbortSignal | undefined, error: unknown): boolean {
  return signal?.aborted === true && isFoldlogError(error, 'NOT_FOUND')
}

class Reader {
  readonly #backend: Backend
  readonly #key: SessionKey
  readonly #log: Folded
  readonly #seen = new Set<string>()
  #after: string | undefined
  #cursor: Cursor | undefined
  #skip = 0
  hasRead = false

  constructor(backend: Backend, key: SessionKey, log: Folded, after: string | undefined) {
    this.#backend = backend
    this.#key = key
    this.#log = log
    this.#after = after
  }

  /** Everything that has come since the last call. */
  async *read(signal?: AbortSignal): AsyncGenerator<TailEvent> {
    while (this.#after !== undefined) {
      try {
        const isFound = await this.#seek(this.#after, signal)
        this.#after = undefined
        if (!isFound) yield this.#rewound()
      } catch (error) {
        // Replaced while it was read.
        if (!isFoldlogError(error, 'STALE_CURSOR')) throw error
      }
    }
    for (let isRead = false; !isRead;) {
      try {
        yield* this.#readOn(signal)
        isRead = true
      } catch (error) {
        if (!isFoldlogError(error, 'STALE_CURSOR')) throw error
        this.#cursor = undefined
        this.#skip = 0
        yield this.#rewound()
      }
    }
  }

  async *#readOn(signal?: AbortSignal): AsyncGenerator<TailEvent> {
    const after = this.#cursor === undefined ? {} : { after: this.#cursor }
    for await (const batch of this.#backend.read(this.#key, { ...after, ...known(signal) })) {
      this.hasRead = true
      // If it is gone meanwhile, what was read of it is still delivered.
      if (batch.lines.length > 0) await this.#log.isThere()
      for (const stored of batch.lines) {
        yield* this.#eventsOf(stored)
        this.#cursor = stored.cursor
        this.#skip = 0
        if (signal?.aborted === true) return
      }
    }
    this.hasRead = true
  }

  *#eventsOf(stored: StoredLine): Generator<TailEvent> {
    const { lines } = decodeLine(stored.bytes, stored)
    if (lines.some(({ type }) => type === 'session.deleted')) throw deleted(this.#key)
    const all = lines.flatMap((line) => eventsOf(line).map((event) => ({ line, event })))
    // There are always more events than are skipped: otherwise the cursor was made of another line.
    for (let i = this.#skip < all.length ? this.#skip : 0; i < all.length; i++) {
      const { line, event } = all[i]!
      if (this.#seen.has(event.id)) continue
      this.#seen.add(event.id)
      const cursor = i === all.length - 1 ? stored.cursor : `${this.#cursor ?? ''}${SKIP_MARK}${i + 1}`
      yield deepFreeze({ ...(this.#log.remains(event.id) ?? toEvent(line, event)), cursor })
    }
  }

  /** Goes to the place after `after`; false if it is not there. */
  async #seek(after: string, signal: AbortSignal | undefined): Promise<boolean> {
    if (isEventId(after)) return this.#seekEvent(after, signal)
    // A backend's own places may hold the mark, too, but never before nothing but digits at the end.
    const [, place = after, skip = '0'] = INTO_BATCH.exec(after) ?? []
    this.#skip = Number(skip)
    this.#cursor = place === '' ? undefined : (place as Cursor)
    return this.#cursor !== undefined || this.#skip > 0
  }

  async #seekEvent(id: string, signal: AbortSignal | undefined): Promise<boolean> {
    for await (const batch of this.#backend.read(this.#key, known(signal))) {
      for (const stored of batch.lines) {
        if (!holds(decodeLine(stored.bytes, stored).lines, id)) continue
        this.#cursor = stored.cursor
        return true
      }
    }
    return false
  }

  #rewound(): TailEvent {
    const data = { missing: [], added: [] }
    return deepFreeze({ id: '', type: 'session.rewound', time: new Date().toISOString(), data, cursor: '' })
  }
}

function known(signal: AbortSignal | undefined): LookOptions {
  return { isKnown: true, ...(signal === undefined ? {} : { signal }) }
}

function deleted({ namespace, sessionId }: SessionKey): FoldlogError {
  return new FoldlogError('NOT_FOUND', `session ${sessionId} in ${namespace} was deleted`, { namespace, sessionId })
}

function holds(lines: readonly Line[], eventId: string): boolean {
  return lines.some((line) => eventsOf(line).some(({ id }) => id === eventId))
}
