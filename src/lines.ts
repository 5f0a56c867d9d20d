/**
 * The set of lines of one log: which of their events count (docs/format.md §4.2).
 *
 * Invariants held here: I3 and I4 for lines. Nearly every line is new and is only noted; a line whose id or key is already there
 * is weighed against the others, and if that changes what counted before, the caller folds again from `events()`.
 *
 * Everything in this file is pure.
 */
import { canonicalJson, deepFreeze, type Json } from './json.ts'
import type { InnerEvent, Line } from './line.ts'
import type { SessionEvent } from './event.ts'

/** What a line did to the set. */
export type Added =
  | { readonly effect: 'fresh'; readonly events: readonly InnerEvent[] }
  /** It was there, or another line with its key counts. */
  | { readonly effect: 'none' }
  /** What counts has changed beyond this line: `missing` no longer does, `added` does now. */
  | { readonly effect: 'refold'; readonly missing: readonly SessionEvent[]; readonly added: readonly SessionEvent[] }

const NONE: Added = { effect: 'none' }

export interface Counted {
  readonly event: InnerEvent
  readonly line: Line
}

export class LineSet {
  /** By event id, the line it counts in. */
  #owners = new Map<string, Line>()
  #keys = new Map<string, Line>()
  /** Lines that lost against another: kept, because a later line may change who wins. */
  #others: Line[] = []
  #conflicts = new Set<string>()

  add(line: Line): Added {
    const isKnown =
      line.events.length === 1 ? this.#owners.has(line.id) : line.events.some(({ id }) => this.#owners.has(id))
    if (!isKnown && (line.key === undefined || !this.#keys.has(line.key))) {
      this.#note(line)
      return { effect: 'fresh', events: line.events }
    }
    if (!isKnown && this.#keys.get(line.key!)!.id < line.id) {
      this.#others.push(line)
      return NONE
    }
    const text = canonical(line)
    if ([this.#owners.get(line.id), ...this.#others].some((each) => each?.id === line.id && canonical(each) === text))
      return NONE
    const before = this.#owners
    this.#weigh([...new Set(this.#owners.values()), ...this.#others, line])
    const missing = difference(before, this.#owners)
    const added = difference(this.#owners, before)
    return missing.length === 0 && added.length === 0 ? NONE : { effect: 'refold', missing, added }
  }

  /** The line that counts for a key. */
  byKey(key: string): Line | undefined {
    return this.#keys.get(key)
  }

  has(eventId: string): boolean {
    return this.#owners.has(eventId)
  }

  /** An event that counts, as readers get it. */
  event(eventId: string): SessionEvent | undefined {
    const line = this.#owners.get(eventId)
    return line === undefined ? undefined : eventOf(line, eventId)
  }

  /** Ids that were found with more than one content. */
  get conflicts(): ReadonlySet<string> {
    return this.#conflicts
  }

  /** The events that count, with their lines, in order of ids. */
  *counted(): Generator<Counted> {
    for (const id of [...this.#owners.keys()].sort()) {
      const line = this.#owners.get(id)!
      yield { line, event: line.events.length === 1 ? line.events[0]! : line.events.find((each) => each.id === id)! }
    }
  }

  /** The events that count, in order of ids. */
  events(): SessionEvent[] {
    return [...this.counted()].map(({ line, event }) => toEvent(line, event))
  }

  /** The events that count here and not, or not with this content, in another set. */
  without(other: LineSet): SessionEvent[] {
    return difference(this.#owners, other.#owners)
  }

  #note(line: Line): void {
    for (const { id } of line.events) this.#owners.set(id, line)
    if (line.key !== undefined) this.#keys.set(line.key, line)
  }

  /** Decides again who counts among all lines. */
  #weigh(all: readonly Line[]): void {
    const best = new Map<string, Line>()
    const losers: Line[] = []
    this.#conflicts = new Set()
    for (const line of all) {
      const rival = best.get(line.id)
      if (rival === undefined) best.set(line.id, line)
      else if (canonical(rival) !== canonical(line)) {
        this.#conflicts.add(line.id)
        const isBetter = beats(line, rival)
        losers.push(isBetter ? rival : line)
        if (isBetter) best.set(line.id, line)
      }
    }
    this.#owners = new Map()
    this.#keys = new Map()
    for (const line of [...best.values()].sort((a, b) => (a.id < b.id ? -1 : 1))) {
      if (line.key !== undefined && this.#keys.has(line.key)) losers.push(line)
      else this.#noteAmong(line)
    }
    this.#others = losers
  }

  /** As `#note`, but an event that another line holds too counts in the better of the two. */
  #noteAmong(line: Line): void {
    if (line.key !== undefined) this.#keys.set(line.key, line)
    for (const event of line.events) {
      const rival = this.#owners.get(event.id)
      const other = rival?.events.find(({ id }) => id === event.id)
      if (rival === undefined || other === undefined) this.#owners.set(event.id, line)
      else if (content(other) !== content(event)) {
        this.#conflicts.add(event.id)
        if (isBetterEvent({ event, line }, { event: other, line: rival })) this.#owners.set(event.id, line)
      }
    }
  }
}

/** An event of a line, as readers get it. */
export function toEvent(line: Line, { id, type, data }: InnerEvent): SessionEvent {
  return { id, type, time: line.time, data }
}

function eventOf(line: Line, eventId: string): SessionEvent {
  return toEvent(
    line,
    line.events.find(({ id }) => id === eventId)!,
  )
}

function difference(a: ReadonlyMap<string, Line>, b: ReadonlyMap<string, Line>): SessionEvent[] {
  const out: SessionEvent[] = []
  for (const [id, line] of a) {
    const other = b.get(id)
    if (other === line || (other !== undefined && canonical(other) === canonical(line))) continue
    out.push(deepFreeze(eventOf(line, id)))
  }
  return out.sort((x, y) => (x.id < y.id ? -1 : 1))
}

function beats(line: Line, rival: Line): boolean {
  if (line.isRedacted !== rival.isRedacted) return line.isRedacted
  return canonical(line) < canonical(rival)
}

function isBetterEvent(a: Counted, b: Counted): boolean {
  if (a.line.isRedacted !== b.line.isRedacted) return a.line.isRedacted
  return content(a.event) < content(b.event)
}

function content(event: InnerEvent): string {
  return canonicalJson([event.type, event.data])
}

function canonical(line: Line): string {
  return canonicalJson([
    line.id,
    line.type,
    line.time,
    line.key ?? null,
    line.isRedacted,
    line.version,
    line.events as unknown as Json,
  ])
}
