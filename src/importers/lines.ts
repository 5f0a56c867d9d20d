/**
 * The lines that importers write: their ids, their times, and what a line about a message begins with.
 *
 * Everything in this file is pure.
 */
import { canonicalJson, type JsonObject } from '../json.ts'
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
  return {
    id,
    turnId,
    ...(parentId === undefined ? {} : { parentId }),
    ...(after === undefined ? {} : { after }),
    role,
    status: 'completed',
    source: { format, id: sourceId },
  }
}

/** The type of events that keep what is no message: `codex.turn_aborted`. */
export function customType(format: string, name: string): string {
  return `${format}.${name.replaceAll(/[^\w-]/g, '_')}`.slice(0, MAX_TYPE_CHARS)
}

/** The lines of a record, and often those of the next, have one time: the last one is kept. */
let last = { ms: 0, iso: new Date(0).toISOString() }

export function isoOf(ms: number): string {
  if (ms !== last.ms) last = { ms, iso: new Date(ms).toISOString() }
  return last.iso
}

/** Interfaces have no index signature, so the compiler does not see that they are JSON: they hold nothing else. */
export function asJson(value: object): JsonObject {
  return value as JsonObject
}
