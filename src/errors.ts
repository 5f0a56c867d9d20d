/**
 * The one error class of foldlog and its closed set of codes.
 *
 * Callers match `error.code`, never the text. A message says what failed with the values, then what to do next.
 * Bad lines in a file are not errors: they are data, see `Damage` in line.ts.
 */
import type { SessionEvent } from './event.ts'

/**
 * Every code an operation can reject with.
 *
 * | code | meaning |
 * |---|---|
 * | `INVALID_NAME` | a namespace or session id that cannot become a file name |
 * | `INVALID_EVENT` | input that cannot be written: names the field |
 * | `INVALID_OPTION` | an option or argument that makes no sense: names it |
 * | `TOO_LARGE` | a line over 64 MB or data nested deeper than 200 |
 * | `ALREADY_EXISTS` | `create` with the id of a session that is there |
 * | `NOT_FOUND` | the session, message, part or file is not there (any more); nothing was created |
 * | `AMBIGUOUS` | an id prefix that fits more than one session |
 * | `SESSION_BUSY` | somebody else does what only one can do at a time; nothing was changed |
 * | `HEAD_MOVED` | the conversation does not end where `expectedHead` says; nothing was written; `head` and `events` say what came |
 * | `NOTHING_TO_COMPACT` | no message comes before what is kept that the model sees; nothing was written |
 * | `CLOSED` | use after `close()` |
 * | `NOT_A_LOG` | a link, directory, FIFO or device where a log should be |
 * | `STORAGE_FULL` | no space: the outcome is unknown; a call that has a `key`, or names its message's id, is safe to repeat |
 * | `STORAGE_FAILED` | the disk refused: the outcome is unknown; a call that has a `key`, or names its message's id, is safe to repeat |
 * | `STORAGE_DENIED` | no permission, or a read-only file system; nothing was written |
 * | `STALE_CURSOR` | the place a cursor names is no longer there: read from the start |
 * | `UNSUPPORTED` | this backend or this version cannot do that |
 */
export type ErrorCode =
  | 'INVALID_NAME'
  | 'INVALID_EVENT'
  | 'INVALID_OPTION'
  | 'TOO_LARGE'
  | 'ALREADY_EXISTS'
  | 'NOT_FOUND'
  | 'AMBIGUOUS'
  | 'SESSION_BUSY'
  | 'HEAD_MOVED'
  | 'NOTHING_TO_COMPACT'
  | 'CLOSED'
  | 'NOT_A_LOG'
  | 'STORAGE_FULL'
  | 'STORAGE_FAILED'
  | 'STORAGE_DENIED'
  | 'STALE_CURSOR'
  | 'UNSUPPORTED'

/** The facts an error carries besides its code; only those that apply are set. */
export interface ErrorFacts {
  readonly namespace?: string
  readonly sessionId?: string
  readonly path?: string
  /** The field of the input that was refused, as a path: `parts[0].text`. */
  readonly field?: string
  /** Ids of the events whose outcome is unknown after `STORAGE_FULL` or `STORAGE_FAILED`. */
  readonly eventIds?: readonly string[]
  /** After `HEAD_MOVED`: the message the conversation ends at now, `null` if it is empty. */
  readonly head?: string | null
  /** After `HEAD_MOVED`: the events newer than the message that was expected, or all if it is not there, in order of ids. */
  readonly events?: readonly SessionEvent[]
  readonly cause?: unknown
}

const RETRIABLE: ReadonlySet<ErrorCode> = new Set(['SESSION_BUSY', 'STORAGE_FULL', 'STORAGE_FAILED', 'STALE_CURSOR'])

/** What every rejected operation of foldlog rejects with. */
export class FoldlogError extends Error {
  override readonly name = 'FoldlogError'
  readonly code: ErrorCode
  readonly namespace?: string
  readonly sessionId?: string
  readonly path?: string
  readonly field?: string
  readonly eventIds?: readonly string[]
  readonly head?: string | null
  readonly events?: readonly SessionEvent[]

  constructor(code: ErrorCode, message: string, facts: ErrorFacts = {}) {
    super(message, facts.cause === undefined ? undefined : { cause: facts.cause })
    this.code = code
    const { cause: _, ...rest } = facts
    Object.assign(this, rest)
  }

  /**
   * Whether the same call may succeed if it is made again, without anything else being changed first (after `HEAD_MOVED` it cannot: it has to expect
   * another head). Where the outcome is unknown, give the
   * call a `key`: then it is in once, however often it is made.
   */
  get retriable(): boolean {
    return RETRIABLE.has(this.code)
  }
}

/**
 * Whether `error` is an error of foldlog, with this code if one is given.
 *
 * Works across two copies of the package, where `instanceof` does not.
 */
export function isFoldlogError(error: unknown, code?: ErrorCode): error is FoldlogError {
  if (!(error instanceof Error) || error.name !== 'FoldlogError' || !('code' in error)) return false
  return code === undefined || error.code === code
}
