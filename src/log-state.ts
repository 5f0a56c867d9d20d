/**
 * What a log holds, folded: its lines, what of them counts and has an effect, its damage and findings.
 *
 * Invariants held here: I3 and I4 for what is folded; I7 nothing that was found is dropped.
 */
import type { Cursor, SessionKey } from './backend.ts'
import { isCoreEvent, isCustomType, isValidData, type SessionEvent } from './event.ts'
import { conflictsOf, type Finding } from './findings.ts'
import { Fold } from './fold.ts'
import { timeOf } from './event-id.ts'
import { deepFreeze } from './json.ts'
import type { Damage, InnerEvent, Line } from './line.ts'
import { LineSet, toEvent } from './lines.ts'

/** Replaced as a whole when a log is read anew. */
export class LogState {
  readonly lines: LineSet = new LineSet()
  readonly damage: Damage[] = []
  fold: Fold
  cursor: Cursor | undefined
  /** A `session.deleted` is in the log: it beats everything. */
  isDeleted = false
  readonly #key: SessionKey
  readonly #findings = new Map<string, Finding>()

  constructor(key: SessionKey) {
    this.#key = key
    this.fold = this.#newFold()
  }

  get findings(): readonly Finding[] {
    const dangling = [...this.fold.tree.dangling].map((messageId): Finding => ({
      kind: 'dangling-parent',
      messageId,
      detail: 'its parentId names no message that came before it',
    }))
    return deepFreeze([...this.#findings.values(), ...dangling, ...conflictsOf(this.lines)])
  }

  /** Whether nothing in the file is ours: it has bytes, and no event nor the beginning of one. */
  get isForeign(): boolean {
    return this.lines.isEmpty && this.damage.some(({ kind }) => kind !== 'torn' && kind !== 'nul')
  }

  /** The events that count with an id greater than `last`, or all, in order of ids. Frozen. */
  eventsAfter(last: string): readonly SessionEvent[] {
    const events: SessionEvent[] = []
    for (const { line, event } of this.lines.counted()) if (event.id > last) events.push(toEvent(line, event))
    return deepFreeze(events)
  }

  /** The fold of all that counts and is not greater than `last`, or of all. */
  foldUpTo(last?: string): Fold {
    const fold = this.#newFold()
    for (const { line, event } of this.lines.counted()) {
      if ((last === undefined || event.id <= last) && this.isEffective(line, event)) fold.apply(event)
    }
    return fold
  }

  /** Folds again all that counts. */
  refold(): void {
    this.fold = this.foldUpTo()
  }

  /** Whether this version knows what an event means; otherwise it is kept, has no effect, and that is reported. */
  isEffective(line: Line, event: InnerEvent): boolean {
    const effect = effectOf(line, event)
    return typeof effect === 'boolean' ? effect : this.#unsupported(event.id, effect)
  }

  /** Takes notice of an id that is over 24 h ahead. */
  noteSkew(eventId: string): void {
    const time = new Date(timeOf(eventId)).toISOString()
    this.#find({ kind: 'clock-skew', eventId, detail: `its time is ${time}, over 24 h ahead` })
  }

  #newFold(): Fold {
    return new Fold(this.#key.namespace, this.#key.sessionId)
  }

  #unsupported(eventId: string, detail: string): false {
    this.#find({ kind: 'unsupported', eventId, detail })
    return false
  }

  #find(finding: Finding): void {
    this.#findings.set(`${finding.kind} ${finding.eventId}`, finding)
  }
}

/** Whether an event has an effect; what is not known of it, if that is why it has none. */
export function effectOf({ v }: Line, { type, data }: InnerEvent): boolean | string {
  if (v !== 1) return `version ${v}`
  // A tombstone is told as the deletion of the session; what was redacted says so itself.
  if (type === 'session.deleted' || type === 'log.redacted') return false
  if (!isCoreEvent({ type })) return isCustomType(type) || `type ${type}`
  return isValidData(type, data) || `data of ${type}`
}
