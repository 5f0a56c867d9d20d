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
  readonly #owners = new Map<string, Line>()
  readonly #keys = new Map<string, Line>()
  /** Lines that lost an event or their key to another, by what they lost: kept, because a later line may change who wins. */
  readonly #losersById = new Map<string, Set<Line>>()
  readonly #losersByKey = new Map<string, Set<Line>>()
  readonly #conflicts = new Set<string>()
  /** Of all ids that were added: what is greater is new, without a look at the maps. */
  #greatest = ''

  add(line: Line): Added {
    const holder = line.key === undefined ? undefined : this.#keys.get(line.key)
    const isKnown = this.#isAnyKnown(line)
    if (!isKnown && holder === undefined) {
      this.#note(line)
      return { effect: 'fresh', events: line.events }
    }
    if (!isKnown && holder!.id < line.id) {
      this.#noteLosses(line)
      return NONE
    }
    return this.#isThere(line) ? NONE : this.#weigh(line)
  }

  /** The line that counts for a key. */
  byKey(key: string): Line | undefined {
    return this.#keys.get(key)
  }

  get isEmpty(): boolean {
    return this.#owners.size === 0
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

  /** Whether what counts of an event is what was left of it when its content was removed. */
  isRedacted(eventId: string): boolean {
    const line = this.#owners.get(eventId)
    return line !== undefined && isRedactedIn(line, eventId)
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

  /** Whether any of its events came before, and takes notice of them all. */
  #isAnyKnown({ events }: Line): boolean {
    let isKnown = false
    for (let i = 0; i < events.length; i++) {
      const { id } = events[i]!
      if (id > this.#greatest) this.#greatest = id
      else isKnown ||= this.#owners.has(id) || this.#losersById.has(id)
    }
    return isKnown
  }

  #note(line: Line): void {
    const { events } = line
    for (let i = 0; i < events.length; i++) this.#owners.set(events[i]!.id, line)
    if (line.key !== undefined) this.#keys.set(line.key, line)
  }

  #noteLosses(line: Line): void {
    for (const { id } of line.events) if (this.#owners.get(id) !== line) addTo(this.#losersById, id, line)
    if (line.key !== undefined && this.#keys.get(line.key) !== line) addTo(this.#losersByKey, line.key, line)
  }

  #isThere(line: Line): boolean {
    const text = canonical(line)
    const rivals = [this.#owners.get(line.id), ...(this.#losersById.get(line.id) ?? [])]
    return rivals.some((each) => each?.id === line.id && canonical(each) === text)
  }

  /** Decides again who counts among a line and all that have an id or a key in common with it, or with one of those. */
  #weigh(line: Line): Added {
    const all = this.#related(line)
    const before = this.#ownersOf(all)
    this.#forget(all)
    for (const each of this.#winners(all)) {
      if (each.key === undefined || !this.#keys.has(each.key)) this.#noteAmong(each)
    }
    this.#noteRedacted(all)
    for (const each of all) this.#noteLosses(each)
    const after = this.#ownersOf(all)
    const missing = difference(before, after)
    const added = difference(after, before)
    return missing.length === 0 && added.length === 0 ? NONE : { effect: 'refold', missing, added }
  }

  #related(line: Line): ReadonlySet<Line> {
    const all = new Set([line])
    const take = (owner: Line | undefined, losers: Iterable<Line> = []): void => {
      if (owner !== undefined) all.add(owner)
      for (const loser of losers) all.add(loser)
    }
    // What is taken in is looked at in its turn.
    for (const { events, key } of all) {
      for (const { id } of events) take(this.#owners.get(id), this.#losersById.get(id))
      if (key !== undefined) take(this.#keys.get(key), this.#losersByKey.get(key))
    }
    return all
  }

  #ownersOf(lines: Iterable<Line>): ReadonlyMap<string, Line> {
    const owners = new Map<string, Line>()
    for (const { events } of lines) {
      for (const { id } of events) {
        const owner = this.#owners.get(id)
        if (owner !== undefined) owners.set(id, owner)
      }
    }
    return owners
  }

  #forget(lines: Iterable<Line>): void {
    for (const { events, key } of lines) {
      for (const { id } of events) {
        this.#owners.delete(id)
        this.#losersById.delete(id)
        this.#conflicts.delete(id)
      }
      if (key === undefined) continue
      this.#keys.delete(key)
      this.#losersByKey.delete(key)
    }
  }

  /** The best line of each id, in order of ids. */
  #winners(lines: Iterable<Line>): Line[] {
    const best = new Map<string, Line>()
    for (const line of lines) {
      const rival = best.get(line.id)
      if (rival !== undefined) this.#conflicts.add(line.id)
      if (rival === undefined || beats(line, rival)) best.set(line.id, line)
    }
    return [...best.values()].sort((a, b) => (a.id < b.id ? -1 : 1))
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

  /** A removed content beats every other, also one in a line that lost. */
  #noteRedacted(lines: Iterable<Line>): void {
    const best = new Map<string, Counted>()
    for (const line of lines) {
      for (const event of line.isRedacted ? line.events : []) {
        const owner = this.#owners.get(event.id)
        if (owner === undefined || isRedactedIn(owner, event.id) || !isRedactedIn(line, event.id)) continue
        const rival = best.get(event.id)
        if (rival === undefined || isFirst({ event, line }, rival)) best.set(event.id, { event, line })
      }
    }
    for (const [id, { line }] of best) this.#owners.set(id, line)
  }
}

/** An event of a line, as readers get it. */
export function toEvent(line: Line, { id, type, data }: InnerEvent): SessionEvent {
  const event = { id, type, time: line.time, data }
  return line.isRedacted && isRedactedIn(line, id) ? { ...event, redacted: true } : event
}

/** Whether the content of an event was removed from a line. A batch may say it of some of its events, or of all. */
export function isRedactedIn({ isRedacted, events }: Line, eventId: string): boolean {
  if (!isRedacted || events.length === 1) return isRedacted
  const some = events.filter((event) => event.isRedacted === true)
  return some.length === 0 || some.some(({ id }) => id === eventId)
}

function eventOf(line: Line, eventId: string): SessionEvent {
  return toEvent(
    line,
    line.events.find(({ id }) => id === eventId)!,
  )
}

/** The events that count in `a` and not, or not with this content, in `b`. */
function difference(a: ReadonlyMap<string, Line>, b: ReadonlyMap<string, Line>): SessionEvent[] {
  const out: SessionEvent[] = []
  for (const [id, line] of a) {
    const other = b.get(id)
    if (other === line || (other !== undefined && isSame(line, other, id))) continue
    out.push(deepFreeze(eventOf(line, id)))
  }
  return out.sort((x, y) => (x.id < y.id ? -1 : 1))
}

function isSame(line: Line, other: Line, eventId: string): boolean {
  const [a, b] = [eventOf(line, eventId), eventOf(other, eventId)]
  return line.version === other.version && a.time === b.time && content(a as InnerEvent) === content(b as InnerEvent)
}

function beats(line: Line, rival: Line): boolean {
  if (line.isRedacted !== rival.isRedacted) return line.isRedacted
  return isSmaller(canonical(line), canonical(rival))
}

function isBetterEvent(a: Counted, b: Counted): boolean {
  const isRedacted = isRedactedIn(a.line, a.event.id)
  if (isRedacted !== isRedactedIn(b.line, b.event.id)) return isRedacted
  return isSmaller(content(a.event), content(b.event))
}

/** The order among contents that were removed. */
function isFirst(a: Counted, b: Counted): boolean {
  const [one, other] = [content(a.event), content(b.event)]
  return one === other ? isSmaller(canonical(a.line), canonical(b.line)) : isSmaller(one, other)
}

/** By bytes, so that programs in other languages come to the same result. */
function isSmaller(a: string, b: string): boolean {
  return Buffer.compare(Buffer.from(a), Buffer.from(b)) < 0
}

function content(event: InnerEvent): string {
  return canonicalJson([event.type, event.data])
}

/** The canonical JSON of a line as far as this version knows its keys. */
function canonical(line: Line): string {
  const { version: v, id, time, key, isRedacted, events } = line
  const isBatch = events.length > 1 || line.type === 'log.batch'
  const type = isBatch ? 'log.batch' : line.type
  const data = isBatch ? events.map(canonicalInner) : events[0]!.data
  const rest = { ...(key === undefined ? {} : { key }), ...(isRedacted ? { redacted: true } : {}) }
  return canonicalJson({ v, id, type, time, data, ...rest })
}

function canonicalInner({ id, type, data, isRedacted }: InnerEvent): Json {
  return isRedacted === true ? { id, type, data, redacted: true } : { id, type, data }
}

function addTo(map: Map<string, Set<Line>>, name: string, line: Line): void {
  const known = map.get(name)
  if (known === undefined) map.set(name, new Set([line]))
  else known.add(line)
}
