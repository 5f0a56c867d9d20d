/**
 * The lines that importers write: their ids, their times, and what a line about a message begins with.
 *
 * Everything in this file is pure.
 */
import { canonicalJson, type Json, type JsonObject } from '../json.ts'
import type { MergeLine } from '../merge.ts'
import type { Role } from '../message.ts'
import type { Mint } from './mint.ts'
import type { Place } from './place.ts'

/** A line before it has an id. */
export interface LineDraft {
  readonly type: string
  /** The millisecond of its id. */
  readonly ms: number
  /** The source's time, in ms since the epoch. */
  readonly time: number
  /** What the source calls the thing; together with `n` it is different for every line of a session. */
  readonly key: string
  readonly n?: number
  /** Its id, where all of this was made into one before: a message has that of its first line. */
  readonly id?: string
  readonly data: object
}

/** The longest a custom type may be. */
const MAX_TYPE_CHARS = 128

export function lineOf(mint: Mint, { type, ms, time, key, n = 0, id, data }: LineDraft): MergeLine {
  return { id: id ?? mint.id(ms, key, n), type, time: isoOf(time), data: asJson(data) }
}

/** How lines about a session's parent are made, which may be known only when other files are read. Greater ranks win. */
export function parentLines(
  mint: Mint,
  createdMs: number,
  time: number,
): (data: JsonObject, rank: number) => MergeLine {
  return (data, rank) =>
    lineOf(mint, { type: 'session.updated', ms: createdMs + rank, time, key: `parent ${canonicalJson(data)}`, data })
}

/** What a line about a new message begins with. `sourceId` is what the source calls it. */
export function frameOf(format: string, { id, turnId, parentId, after }: Place, role: Role, sourceId: string): object {
  const frame: Record<string, Json> = { id, turnId }
  if (parentId !== undefined) frame['parentId'] = parentId
  if (after !== undefined) frame['after'] = after
  frame['role'] = role
  frame['status'] = 'completed'
  frame['source'] = { format, id: sourceId }
  return frame
}

/** The type of events that keep what is no message: `codex.turn_aborted`. */
export function customType(format: string, name: string): string {
  return `${format}.${name.replaceAll(/[^\w-]/g, '_')}`.slice(0, MAX_TYPE_CHARS)
}

const DAY_MS = 86_400_000
const TWO_DIGITS = Array.from({ length: 60 }, (_, n) => String(n).padStart(2, '0'))
const THREE_DIGITS = Array.from({ length: 1000 }, (_, n) => String(n).padStart(3, '0'))

/** The lines of a record, and often those of the next, have one time: the last one is kept. */
let last = { ms: 0, iso: new Date(0).toISOString() }
/** The day of the last one, in days since the epoch, and its text up to the hours. */
let day = { number: -1, text: '' }

/** ISO 8601 of whole milliseconds since the epoch. The system takes longer for each than the rest of a line's head. */
export function isoOf(ms: number): string {
  if (ms !== last.ms) last = { ms, iso: formatted(ms) }
  return last.iso
}

function formatted(ms: number): string {
  const number = Math.floor(ms / DAY_MS)
  if (number !== day.number) day = { number, text: new Date(ms).toISOString().slice(0, -'00:00:00.000Z'.length) }
  const rest = ms - number * DAY_MS
  const seconds = Math.floor(rest / 1000)
  const minutes = Math.floor(seconds / 60)
  const clock = `${TWO_DIGITS[Math.floor(minutes / 60)]}:${TWO_DIGITS[minutes % 60]}:${TWO_DIGITS[seconds % 60]}`
  return `${day.text}${clock}.${THREE_DIGITS[rest % 1000]}Z`
}

/** Interfaces have no index signature, so the compiler does not see that they are JSON: they hold nothing else. */
export function asJson(value: object): JsonObject {
  return value as JsonObject
}
