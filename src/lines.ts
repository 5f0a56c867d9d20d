/**
 * The set of lines of one log: which of their events count (docs/format.md §4.2).
 *
 * Invariants held here: I3 and I4 for lines. Nearly every line is new and is only noted; a line whose id or key is already there
 * is weighed against the others, and if that changes what counted before, the caller folds again from `events()`.
 *
 * Everything in this file is pure.
 */
import { countBefore } from './count-before.ts'
import { canonicalJson, deepFreeze } from './json.ts'
import { BATCH, batchOf, eventIn, eventsOf, type InnerEvent, type Line } from './line.ts'
import type { SessionEvent } from './event.ts'

/** What a line did to the set. */
type Added =
  /** All of its events are new. */
  | { readonly effect: 'fresh' }
  /** It was there, or another line with its key counts. */
  | { readonly effect: 'none' }
  /** What counts has changed beyond this line: `missing` no longer does, `added` does now. */
  | { readonly effect: 'refold'; readonly missing: readonly SessionEvent[]; readonly added: readonly SessionEvent[] }

const FRESH: Added = { effect: 'fresh' }
const NONE: Added = { effect: 'none' }

export interface Counted {
  readonly event: InnerEvent
  readonly line: Line
}

export class LineSet {
  /** Lines of one event each, in the order of their ids: what most logs are, so that most need no map. */
  #ordered: Line[] = []
  #map: Map<string, Line> | undefined
  readonly #keys = new Map<string, Line>()
  /** Lines that lost an event or their key to another, by what they lost: kept, because a later line may change who wins. */
  readonly #losersById = new Map<string, Set<Line>>()
  readonly #losersByKey = new Map<string, Set<Line>>()
  readonly #conflicts = new Set<string>()
  #isOrdered = true
  /** Of all ids that were added: what is greater is new, without a look at the maps. */
  #greatest = ''

  add(line: Line): Added {
    const holder = line.key === undefined ? undefined : this.#keys.get(line.key)
    const isKnown = this.#isAnyKnown(line)
    if (holder !== undefined) this.#isOrdered = false
    if (!isKnown && holder === undefined) {
      this.#note(line)
      return FRESH
    }
    if (!isKnown && holder!.id < line.id) {
      this.#noteLosses(line)
      return NONE
    }
    return this.#isThere(line) ? NONE : this.#weigh(line)
  }

  /** Whether every event came with an id greater than all before it, and no key came twice: then the last lines count whatever came before. */
  get isOrdered(): boolean {
    return this.#isOrdered
  }

  /** The line that counts for a key. */
  byKey(key: string): Line | undefined {
    return this.#keys.get(key)
  }

  get isEmpty(): boolean {
    return (this.#map?.size ?? this.#ordered.length) === 0
  }

  has(eventId: string): boolean {
    if (this.#map !== undefined) return this.#map.has(eventId)
    return this.#ordered[countBefore(this.#ordered, idOf, eventId)]?.id === eventId
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

  /** What is left of an event whose content was removed and is there again, whether it counts or not; undefined for any other event. */
  remains(eventId: string): SessionEvent | undefined {
    // Content that is there again is a conflict: nearly every log has none.
    if (this.#conflicts.size === 0) return undefined
    const owner = this.#owners.get(eventId)
    if (owner !== undefined && isRedactedIn(owner, eventId)) return eventOf(owner, eventId)
    for (const line of this.#losersById.get(eventId) ?? [])
      if (isRedactedIn(line, eventId)) return eventOf(line, eventId)
    return undefined
  }

  /**
   * Of one of {@link conflicts}, the events that were redacted and whose content is there again; none if it is a conflict of something else. A
   * batch conflicts under its first event's id, whichever of its events was redacted.
   */
  returnedAt(eventId: string): readonly string[] {
    const line = this.#owners.get(eventId)
    if (line === undefined) return []
    const ids = line.id === eventId ? eventsOf(line).map(({ id }) => id) : [eventId]
    return ids.filter((id) => isRedactedIn(line, id))
  }

  /** The events that count, with their lines, in order of ids. */
  *counted(): Generator<Counted> {
    if (this.#map === undefined) {
      // As many as there are now: more may come while it is read.
      for (const line of this.#ordered.slice()) yield { line, event: line }
      return
    }
    for (const id of [...this.#owners.keys()].sort()) {
      const line = this.#owners.get(id)!
      yield { line, event: eventIn(line, id)! }
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
  #isAnyKnown(line: Line): boolean {
    if (line.type !== BATCH) return this.#isKnown(line.id)
    let isAny = false
    for (const { id } of batchOf(line)) if (this.#isKnown(id)) isAny = true
    return isAny
  }

  #isKnown(id: string): boolean {
    if (id <= this.#greatest) {
      this.#isOrdered = false
      return this.has(id) || this.#losersById.has(id)
    }
    this.#greatest = id
    return false
  }

  /** By event id, the line it counts in. */
  get #owners(): Map<string, Line> {
    if (this.#map === undefined) {
      this.#map = new Map(this.#ordered.map((line) => [line.id, line]))
      this.#ordered = []
    }
    return this.#map
  }

  #note(line: Line): void {
    const last = this.#ordered.at(-1)
    const isNext = last === undefined || last.id < line.id
    if (this.#map === undefined && line.type !== BATCH && isNext) this.#ordered.push(line)
    else if (line.type !== BATCH) this.#owners.set(line.id, line)
    else for (const { id } of batchOf(line)) this.#owners.set(id, line)
    if (line.key !== undefined) this.#keys.set(line.key, line)
  }

  #noteLosses(line: Line): void {
    for (const { id } of eventsOf(line)) if (this.#owners.get(id) !== line) addTo(this.#losersById, id, line)
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
    for (const each of all) {
      const { key } = each
      for (const { id } of eventsOf(each)) take(this.#owners.get(id), this.#losersById.get(id))
      if (key !== undefined) take(this.#keys.get(key), this.#losersByKey.get(key))
    }
    return all
  }

  #ownersOf(lines: Iterable<Line>): ReadonlyMap<string, Line> {
    const owners = new Map<string, Line>()
    for (const line of lines) {
      for (const { id } of eventsOf(line)) {
        const owner = this.#owners.get(id)
        if (owner !== undefined) owners.set(id, owner)
      }
    }
    return owners
  }

  #forget(lines: Iterable<Line>): void {
    for (const line of lines) {
      const { key } = line
      for (const { id } of eventsOf(line)) {
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
    for (const event of eventsOf(line)) {
      const rival = this.#owners.get(event.id)
      const other = rival === undefined ? undefined : eventIn(rival, event.id)
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
      for (const event of line.redacted === true ? eventsOf(line) : []) {
        const owner = this.#owners.get(event.id)
        if (owner === undefined || isRedactedIn(owner, event.id) || !isRedactedIn(line, event.id)) continue
        const rival = best.get(event.id)
        if (rival === undefined || isFirst({ event, line }, rival)) best.set(event.id, { event, line })
      }
    }
    for (const [id, { line }] of best) this.#owners.set(id, line)
  }
}

function idOf({ id }: Line): string {
  return id
}

/** The events of a line, as readers get them. */
export function toEvents(line: Line): SessionEvent[] {
  return line.type === BATCH ? batchOf(line).map((event) => toEvent(line, event)) : [toEvent(line, line)]
}

/** An event of a line, as readers get it. */
export function toEvent(line: Line, { id, type, data }: InnerEvent): SessionEvent {
  const event = { id, type, time: line.time, data }
  return line.redacted === true && isRedactedIn(line, id) ? { ...event, redacted: true } : event
}

/** Whether the content of an event was removed from a line. A batch may say it of some of its events, or of all. */
export function isRedactedIn(line: Line, eventId: string): boolean {
  if (line.redacted !== true || line.type !== BATCH) return line.redacted === true
  return eventIn(line, eventId)?.redacted === true || !isAnyRedacted(line)
}

/** Batches of which it is known whether they say it of some of their events. */
const redactedBatches = new WeakMap<Line, boolean>()

function isAnyRedacted(line: Line): boolean {
  let isAny = redactedBatches.get(line)
  if (isAny === undefined) redactedBatches.set(line, (isAny = batchOf(line).some((event) => event.redacted === true)))
  return isAny
}

function eventOf(line: Line, eventId: string): SessionEvent {
  return toEvent(line, eventIn(line, eventId)!)
}

/** The lines of the events that were told as missing or added. */
const lineOfTold = new WeakMap<SessionEvent, Line>()

/** The line an event was in that {@link LineSet} told as missing or added; undefined for any other object. */
export function lineTold(event: SessionEvent): Line | undefined {
  return lineOfTold.get(event)
}

/** The events that count in `a` and not, or not with this content, in `b`. */
function difference(a: ReadonlyMap<string, Line>, b: ReadonlyMap<string, Line>): SessionEvent[] {
  const out: SessionEvent[] = []
  for (const [id, line] of a) {
    const other = b.get(id)
    if (other === line || (other !== undefined && isSame(line, other, id))) continue
    const event = deepFreeze(eventOf(line, id))
    lineOfTold.set(event, line)
    out.push(event)
  }
  return out.sort((x, y) => (x.id < y.id ? -1 : 1))
}

function isSame(line: Line, other: Line, eventId: string): boolean {
  const [a, b] = [eventOf(line, eventId), eventOf(other, eventId)]
  return line.v === other.v && a.time === b.time && content(a as InnerEvent) === content(b as InnerEvent)
}

function beats(line: Line, rival: Line): boolean {
  if (line.redacted !== rival.redacted) return line.redacted === true
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
  const { v, id, type, time, key, redacted, data } = line
  const rest = { ...(key === undefined ? {} : { key }), ...(redacted === undefined ? {} : { redacted }) }
  return canonicalJson({ v, id, type, time, data, ...rest })
}

function addTo(map: Map<string, Set<Line>>, name: string, line: Line): void {
  const known = map.get(name)
  if (known === undefined) map.set(name, new Set([line]))
  else known.add(line)
}
