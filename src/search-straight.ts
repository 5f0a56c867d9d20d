/**
 * A few messages of a log that is not folded: of the lines that name them alone, read from the end of the log back to their creation.
 *
 * Good for a log that is one path (`isStraight`). There every line counts, each message is on the path, and what tells of one comes after its
 * creation and names it (test/search/straight.test.ts compares that with the fold). Whatever came since needs the log as a whole.
 */
import type { Backend, Cursor, LinesBack, SessionKey } from './backend.ts'
import { isFoldlogError } from './errors.ts'
import type { Fold } from './fold.ts'
import type { FoldedInfo } from './infos-cache.ts'
import { decodeLine, eventsOf, type InnerEvent, type Line } from './line.ts'
import { effectOf, LogState } from './log-state.ts'
import { hasNews } from './news.ts'
import { Disguise, Piece, probeOf, type Probe } from './search-probe.ts'

const STEP_BYTES = 1 << 18
/** Of more messages than this each line would be looked at more often than folding it takes. */
const MAX_MESSAGES = 8
const NOWHERE = { file: '', line: 0, offset: 0 } as const

/** The fold of what a log says of some messages; undefined: the whole log has to say. `known` is what was folded of it. */
export async function foldOf(
  backend: Backend,
  key: SessionKey,
  { cursor, isStraight }: FoldedInfo,
  messages: ReadonlySet<string>,
): Promise<Fold | undefined> {
  if (cursor === undefined || !isStraight || messages.size > MAX_MESSAGES) return undefined
  try {
    const lines = await linesOf(backend, key, cursor, new Names(messages))
    if (lines === undefined || (await hasNews(backend, key, cursor))) return undefined
    const state = new LogState(key)
    for (const line of lines) {
      for (const event of eventsOf(line)) if (state.isEffective(line, event)) state.fold.apply(event)
    }
    return state.fold
  } catch (error) {
    // It is another log now, or is being replaced: who folds it waits for that.
    if (isFoldlogError(error, 'STALE_CURSOR') || isFoldlogError(error, 'NOT_FOUND')) return undefined
    throw error
  }
}

/** The lines that name the messages, in the order of the log; undefined if not all of the messages are created in it. */
async function linesOf(
  backend: Backend,
  key: SessionKey,
  cursor: Cursor,
  names: Names,
): Promise<readonly Line[] | undefined> {
  const newestFirst: Line[] = []
  for (let end: Cursor | undefined = cursor; names.isAnyMissing;) {
    const read: LinesBack | undefined = end === undefined ? undefined : await backend.readBack?.(key, end, STEP_BYTES)
    if (read === undefined) return undefined
    for (const bytes of [...read.lines].reverse()) {
      if (!names.areIn(bytes)) continue
      const { lines } = decodeLine(bytes, NOWHERE)
      newestFirst.push(...[...lines].reverse())
      for (const line of lines) names.note(eventsOf(line).filter((event) => effectOf(line, event) === true))
    }
    end = read.start
  }
  return newestFirst.reverse()
}

/** The ids of the messages, looked for in bytes. */
class Names {
  readonly #missing: Set<string>
  readonly #probes: readonly Probe[]
  readonly #disguise: Disguise

  constructor(messages: ReadonlySet<string>) {
    this.#missing = new Set(messages)
    const literals = [...messages].map((text) => ({ text, ignoreCase: false }))
    this.#probes = literals.map((literal) => probeOf(literal))
    this.#disguise = new Disguise(literals)
  }

  /** Whether some of them were not created in what was noted. */
  get isAnyMissing(): boolean {
    return this.#missing.size > 0
  }

  /** Whether a line may name one. */
  areIn(bytes: Uint8Array): boolean {
    const line = new Piece(bytes)
    return this.#probes.some((probe) => probe.find(line, 0) >= 0) || this.#disguise.isIn(line)
  }

  /** Takes notice of events that have an effect. */
  note(events: readonly InnerEvent[]): void {
    for (const { type, data } of events) {
      if (type === 'message.created') this.#missing.delete((data as { readonly id?: unknown }).id as string)
    }
  }
}
