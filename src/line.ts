/**
 * Events ⇄ one line, and what counts as damage. The shape of a line is docs/format.md §2, reading it is §7.
 *
 * Invariants held here: I2 a reader sees whole lines only; I7 damage is reported and never repaired silently.
 *
 * Everything in this file is pure: whether the data of a line fits its type is event.ts's business.
 */
import { FoldlogError } from './errors.ts'
import { isEventId } from './event-id.ts'
import { isArray, MAX_DEPTH, type Json, type JsonObject } from './json.ts'

export const MARKER: string = '{"v":1,"id":"'
export const MAX_LINE_BYTES: number = 64 * 1024 * 1024
/** What is longer than this goes to files where it can: docs/format.md §2. A line that is no longer holds nothing that is. */
export const MAX_INLINE_CHARS: number = 64 * 1024
const MAX_TRIES = 16
const EXCERPT_CHARS = 120
const MARKER_BYTES = new TextEncoder().encode(MARKER)

/** The inner form of an event: of a batch, and of everything that needs no time of its own. */
export interface InnerEvent {
  readonly id: string
  readonly type: string
  readonly data: Json
  /** Its content was removed. In a batch the line says it too; if no event of it says so, all are meant. */
  readonly redacted?: true
}

/**
 * A line as it was read or is to be written: the object that lies in the log, which may have fields that this version does not know. Most lines
 * are one event, and then the line is that event. A batch (`log.batch`) has its events as data; {@link eventsOf} gives the events of either.
 */
export interface Line extends InnerEvent {
  /** The format version it was written in; above 1 nothing in it has an effect. */
  readonly v: number
  readonly time: string
  readonly key?: string
}

export const BATCH = 'log.batch'

/** The events of a line that are folded. */
export function eventsOf(line: Line): readonly InnerEvent[] {
  return line.type === BATCH ? batchOf(line) : [line]
}

/** An event of a line; undefined if it is not in it. */
export function eventIn(line: Line, eventId: string): InnerEvent | undefined {
  if (line.type !== BATCH) return line.id === eventId ? line : undefined
  const events = batchOf(line)
  return events.length < LONG_BATCH ? events.find(({ id }) => id === eventId) : indexOf(line).get(eventId)
}

const LONG_BATCH = 8
/** The events of long batches by their ids: to go through a batch for each of its events would take the square of them. */
const indexes = new WeakMap<Line, ReadonlyMap<string, InnerEvent>>()

function indexOf(line: Line): ReadonlyMap<string, InnerEvent> {
  let index = indexes.get(line)
  if (index === undefined) indexes.set(line, (index = new Map(batchOf(line).map((event) => [event.id, event]))))
  return index
}

/** The events of a batch, without making anything. */
export function batchOf({ data }: Line): readonly InnerEvent[] {
  // That they are events was checked when the line was made.
  return data as unknown as readonly InnerEvent[]
}

export type DamageKind =
  | 'torn'
  | 'not-json'
  | 'not-utf8'
  | 'nul'
  | 'conflict-marker'
  | 'not-event'
  | 'bad-id'
  | 'too-large'
  | 'too-deep'

/** A piece of a log that is not an event. */
export interface Damage {
  readonly kind: DamageKind
  /** The file of the log, relative to the namespace. */
  readonly file: string
  /** 1-based line number in that file. */
  readonly line: number
  /** Where the piece starts in the file, and how long it is, in bytes. */
  readonly offset: number
  readonly sizeBytes: number
  /** Its first characters, with what cannot be shown replaced. */
  readonly excerpt: string
}

/** Where bytes were found, for damage reports. */
export interface Place {
  readonly file: string
  readonly line: number
  readonly offset: number
}

/** What one physical line gave: usually one line and no damage. */
export interface Decoded {
  readonly lines: readonly Line[]
  readonly damage: readonly Damage[]
}

/** What several events are written as: one line. */
export function lineOf(events: readonly InnerEvent[], time: string): Line {
  const { id, type, data } = events[0]!
  return events.length === 1
    ? { v: 1, id, type, time, data }
    : { v: 1, id, type: BATCH, time, data: events as unknown as Json }
}

/**
 * The text of a line, without a line feed.
 *
 * The data must be plain JSON ({@link toJson} made it). Throws `TOO_LARGE` over 64 MB.
 */
export function encodeLine(line: Line): string {
  const { id, type, time, key } = line
  const data = type === BATCH ? batchOf(line).map(inner) : line.data
  // In one piece: a text that is put together has to be copied before it can be searched or written.
  const isPlain = key === undefined && line.redacted !== true
  const text = escapeRest(JSON.stringify(isPlain ? { v: 1, id, type, time, data } : marked(line, data)))
  if (text.length > MAX_LINE_BYTES / 3 && new TextEncoder().encode(text).length > MAX_LINE_BYTES) {
    throw new FoldlogError('TOO_LARGE', `a line of ${text.length} characters is over 64 MB: store big content as files`)
  }
  return text
}

function marked({ id, type, time, key, redacted }: Line, data: Json | InnerEvent[]): object {
  return { v: 1, id, type, time, key, redacted: redacted === true ? redacted : undefined, data }
}

function inner({ id, type, data, redacted }: InnerEvent): InnerEvent {
  return redacted === true ? { id, type, redacted, data } : { id, type, data }
}

/** The text of a line that was parsed and changed; its keys stay in their order, behind `v` and `id`. */
export function stringifyLine({ v, id, ...rest }: JsonObject): string {
  return escapeRest(JSON.stringify({ v, id, ...rest }))
}

const BREAKS = /[\u2028\u2029]/g

/** Escapes what other tools take for line breaks, and a marker inside the line, where a torn one would resume. */
function escapeRest(line: string): string {
  const hasBreaks = line.includes('\u2028') || line.includes('\u2029')
  const text = hasBreaks ? line.replace(BREAKS, (char) => (char === '\u2028' ? '\\u2028' : '\\u2029')) : line
  return text.includes(MARKER, 1)
    ? `${MARKER}${text.slice(MARKER.length).replaceAll(MARKER, '{"\\u0076":1,"id":"')}`
    : text
}

/** Reads one physical line, given without its line feed. Never throws on content. */
export function decodeLine(given: Uint8Array, place: Place): Decoded {
  const bytes = asBuffer(given)
  const start = startOf(bytes)
  const end = trimEnd(bytes, start, bytes.length)
  if (end <= start) {
    // Nothing but a CR or white space is an empty line; NULs are the trace of a file that was never written out.
    return bytes.length > 0 && bytes.includes(0)
      ? { lines: [], damage: [report('nul', bytes, 0, bytes.length, place)] }
      : NOTHING
  }
  if (end - start > MAX_LINE_BYTES) return { lines: [], damage: [report('too-large', bytes, start, end, place)] }
  const whole = parse(bytes, start, end)
  if (typeof whole !== 'string') return { lines: [whole], damage: NO_DAMAGE }
  return recover(bytes, start, end, whole, place)
}

const NO_DAMAGE: readonly Damage[] = []
const NOTHING: Decoded = { lines: [], damage: NO_DAMAGE }

/** The same bytes. Files give Buffers already: a view of each line would cost as much as decoding it. */
function asBuffer(bytes: Uint8Array): Buffer {
  return Buffer.isBuffer(bytes) ? bytes : Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length)
}

/** Where a line begins after NULs and a BOM. */
function startOf(bytes: Buffer): number {
  let start = 0
  while (start < bytes.length && bytes[start] === 0) start++
  return bytes[start] === 0xef && bytes[start + 1] === 0xbb && bytes[start + 2] === 0xbf ? start + 3 : start
}

/** Where a line ends before a CR, white space and NULs. */
function trimEnd(bytes: Buffer, start: number, end: number): number {
  let last = end
  while (last > start && isTrailing(bytes[last - 1]!)) last--
  return last
}

function isTrailing(byte: number): boolean {
  return byte === 0 || byte === 0x0d || byte === 0x20 || byte === 0x09
}

const FATAL = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true })
const FORGIVING = new TextDecoder('utf-8', { ignoreBOM: true })

/** One line, or why the bytes are not one. */
function parse(bytes: Buffer, start: number, end: number): Line | DamageKind {
  const text = decodeUtf8(bytes, start, end)
  if (text === undefined) return 'not-utf8'
  let value: Json
  try {
    value = JSON.parse(text) as Json
  } catch {
    // Not JSON is an answer here, not a failure: the caller looks closer.
    // However short: what a write that was cut has left is the beginning of a line.
    return text.startsWith('{"v":') || '{"v":'.startsWith(text)
      ? 'torn'
      : CONFLICT.test(text)
        ? 'conflict-marker'
        : 'not-json'
  }
  return toLine(value, end - start)
}

const CONFLICT = /^(<{7}|={7}|>{7}|\|{7})( |$)/

/** The text, or undefined if it is not UTF-8. Decodes fast, and checks only texts that hold a replacement character. */
function decodeUtf8(bytes: Buffer, start: number, end: number): string | undefined {
  const text = bytes.toString('utf8', start, end)
  if (!text.includes('\uFFFD')) return text
  try {
    return FATAL.decode(bytes.subarray(start, end))
  } catch {
    // The bytes are not UTF-8: that is the answer.
    return undefined
  }
}

function toLine(value: Json, sizeBytes: number): Line | DamageKind {
  if (typeof value !== 'object' || value === null || isArray(value)) return 'not-event'
  const { v, id, type, time, key, redacted, data } = value as { readonly [name: string]: Json | undefined }
  if (typeof v !== 'number' || typeof id !== 'string' || typeof type !== 'string' || data === undefined)
    return 'not-event'
  if (!isEventId(id)) return 'bad-id'
  const events = type === BATCH ? batch(id, data) : undefined
  if (type === BATCH && events === undefined) return 'not-event'
  // Only long lines can nest deeply. What a batch adds around its events does not count.
  if (sizeBytes > 2 * MAX_DEPTH && (events === undefined ? isDeeper(data, MAX_DEPTH) : isAnyTooDeep(events)))
    return 'too-deep'
  const isPlain = typeof time === 'string' && key === undefined && redacted === undefined
  // Nearly every line is one as it was parsed: nothing is copied.
  if (isPlain && events === undefined) return value as unknown as Line
  return {
    v,
    id,
    type,
    time: typeof time === 'string' ? time : '',
    ...(typeof key === 'string' ? { key } : {}),
    ...(redacted === true ? { redacted } : {}),
    data: events === undefined ? data : (events as unknown as Json),
  }
}

/**
 * The events of a batch; undefined if one of them is not an event, because a batch is all or nothing. The first one has the id of
 * the line and each its own: which lines count is decided by that.
 */
function batch(lineId: string, data: Json): readonly InnerEvent[] | undefined {
  if (!isArray(data) || data.length === 0) return undefined
  const events: InnerEvent[] = []
  const ids = new Set<string>()
  for (const item of data) {
    if (typeof item !== 'object' || item === null || isArray(item)) return undefined
    const { id, type, redacted, data: content } = item as { [name: string]: Json | undefined }
    if (typeof id !== 'string' || !isEventId(id) || typeof type !== 'string' || content === undefined || type === BATCH)
      return undefined
    events.push(redacted === true ? { id, type, redacted, data: content } : { id, type, data: content })
    ids.add(id)
  }
  return events[0]!.id === lineId && ids.size === events.length ? events : undefined
}

function isAnyTooDeep(events: readonly InnerEvent[]): boolean {
  for (let i = 0; i < events.length; i++) if (isDeeper(events[i]!.data, MAX_DEPTH)) return true
  return false
}

/** Whether a value has more levels than that. */
export function isDeeper(value: Json, left: number): boolean {
  return typeof value === 'object' && value !== null && (left === 0 || isAnyInsideTooDeep(value, left - 1))
}

/** Allocates nothing and calls nothing for plain values: it looks at nearly every line. */
function isAnyInsideTooDeep(value: readonly Json[] | JsonObject, left: number): boolean {
  if (isArray(value)) {
    for (let i = 0; i < value.length; i++) {
      const item = value[i]!
      if (typeof item === 'object' && item !== null && (left === 0 || isAnyInsideTooDeep(item, left - 1))) return true
    }
    return false
  }
  for (const name in value) {
    const item = value[name]!
    if (typeof item === 'object' && item !== null && (left === 0 || isAnyInsideTooDeep(item, left - 1))) return true
  }
  return false
}

/**
 * Looks for lines inside a physical line that is not one: from the last marker backwards, a bounded number of times,
 * because an unbounded search would be quadratic in what an attacker wrote.
 */
function recover(bytes: Buffer, start: number, end: number, kind: DamageKind, place: Place): Decoded {
  const lines: Line[] = []
  const damage: Damage[] = []
  let until = end
  let at = end
  for (let tries = 0; tries < MAX_TRIES && at > start; tries++) {
    at = lastMarker(bytes, start, at)
    if (at < 0) break
    const line = parse(bytes, at, trimEnd(bytes, at, until))
    if (typeof line === 'string') continue
    // A guarded line counts, and keeps the log, only where it is a line of its own: nobody wrote it here on purpose.
    if (!isGuarding(bytes, at, until)) lines.unshift(line)
    until = at
  }
  if (lines.length === 0) return { lines, damage: [report(kind, bytes, start, end, place)] }
  // What is left before the first line found is what was torn.
  const rest = trimEnd(bytes, start, until)
  if (rest > start) damage.push(report(kindOf(bytes, start, rest), bytes, start, rest, place))
  return { lines, damage }
}

function isGuarding(bytes: Buffer, start: number, end: number): boolean {
  const { type, if: condition } = JSON.parse(bytes.toString('utf8', start, trimEnd(bytes, start, end))) as JsonObject
  return condition !== undefined || type === 'log.kept' || type === 'log.void'
}

function kindOf(bytes: Buffer, start: number, end: number): DamageKind {
  const kind = parse(bytes, start, end)
  return typeof kind === 'string' ? kind : 'torn'
}

/** Where the last marker that starts before `before` starts; -1 if there is none at or after `start`. */
function lastMarker(bytes: Buffer, start: number, before: number): number {
  const at = bytes.subarray(start, before).lastIndexOf(MARKER_BYTES, before - start - 1)
  return at < 0 ? -1 : start + at
}

function report(kind: DamageKind, bytes: Buffer, start: number, end: number, place: Place): Damage {
  const excerpt = FORGIVING.decode(bytes.subarray(start, Math.min(end, start + EXCERPT_CHARS * 3)))
  return {
    kind,
    file: place.file,
    line: place.line,
    offset: place.offset + start,
    sizeBytes: end - start,
    // Control characters in a report could take over the terminal that shows it.
    excerpt: excerpt.replaceAll(/[\p{Cc}\p{Cf}]/gu, '\uFFFD').slice(0, EXCERPT_CHARS),
  }
}
