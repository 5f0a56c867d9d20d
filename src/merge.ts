/**
 * Lines that are made whole before a log sees them: the first line of a session, the lines of a fork, and events made elsewhere.
 */
import type { SessionKey } from './backend.ts'
import { partEvents } from './draft.ts'
import { FoldlogError } from './errors.ts'
import { assertData, isCoreEvent, isCustomType, type CoreType, type InfoPatch, type SessionEvent } from './event.ts'
import { isEventId } from './event-id.ts'
import { Clock } from './id.ts'
import { assertFields, INIT_FIELDS } from './input.ts'
import { toJson, type Json, type JsonObject } from './json.ts'
import type { InnerEvent, Line } from './line.ts'
import { isUnfinished } from './live.ts'
import type { Log } from './log.ts'
import type { Logs } from './logs.ts'
import type { Message } from './message.ts'
import { now } from './wall-clock.ts'

/** An event made elsewhere. `time` is ISO 8601; `id` a ULID that is the same every time the event is made. */
export interface MergeLine {
  readonly id: string
  readonly type: string
  readonly time: string
  readonly key?: string
  readonly data: Json
}

export interface Merged {
  readonly added: number
  /** Lines that were there already. */
  readonly known: number
}

/** So many lines are written at once; memory stays bounded however much is merged. */
const LINES_AT_ONCE = 2000

/** The `session.created` of a new session. */
export function creationLine(init: Omit<InfoPatch, 'head'>): Line {
  assertFields(init, INIT_FIELDS, 'session')
  const data = toJson(init, 'session')
  assertData('session.created', data, 'session')
  return toLine({ id: new Clock().next(), type: 'session.created', time: now(), data })
}

/**
 * The lines of a fork: what counts up to `at`, an end to what is in progress, then its parent and what the caller wants different. `shown` are the
 * messages with what is being streamed, if that is part of the fork.
 */
export function forkLines(
  source: Log,
  at: string | undefined,
  fields: Omit<InfoPatch, 'head'>,
  shown: readonly Message[],
): Line[] {
  if (at !== undefined && !source.has(at))
    throw new FoldlogError('NOT_FOUND', `event ${at} is not in session ${source.key.sessionId}`)
  const events = source.events().filter(({ id }) => at === undefined || id <= at)
  const past = at === undefined ? source.fold : source.at(at)
  const messageId = past.head()
  const { sessionId } = source.key
  const parent = { sessionId, ...(messageId === undefined ? {} : { messageId }) }
  assertFields(fields, INIT_FIELDS, 'session')
  const data = toJson({ parent, rootId: past.info(0).rootId ?? sessionId, archived: null, ...fields }, 'session')
  assertData('session.updated', data, 'session')
  return [
    ...events.map((event) => ({
      ...toLine(withoutLease(event)),
      ...(event.redacted === true ? { redacted: true as const } : {}),
    })),
    ...endings(source, past.all(), shown).map((event) => toLine({ ...event, time: now() })),
    toLine({ id: source.nextId(), type: 'session.updated', time: now(), data }),
  ]
}

/** Whoever writes a message goes on in the session that was forked: in the fork it is `incomplete`, with what had come. */
function endings(source: Log, messages: readonly Message[], shown: readonly Message[]): InnerEvent[] {
  const drafts = new Map(shown.map((message) => [message.id, message]))
  return messages.filter(isUnfinished).flatMap((message) => {
    const { id } = message
    const streamed = drafts.get(id)?.parts ?? message.parts
    if (message.status === 'pending' && streamed === message.parts) return []
    const event = { id: source.nextId(), type: 'message.updated', data: { id, status: 'incomplete' } }
    return streamed === message.parts ? [event] : [...partEvents(source, id, streamed), event]
  })
}

/** Adds the lines that are not there. Validates all of them first, so that bad input writes nothing. */
export async function mergeInto(logs: Logs, key: SessionKey, given: readonly MergeLine[]): Promise<Merged> {
  const lines = given.map((line, index) => checkedLine(line, index))
  const mayBeNew = lines[0]?.type === 'session.created'
  let log = mayBeNew && !(await logs.has(key)) ? undefined : await logs.get(key)
  let known = 0
  if (log === undefined && lines.length > 0) {
    if (lines[0]!.type !== 'session.created')
      throw refuse(0, 'type', 'the first line of a new session must be session.created')
    const first = lines.splice(0, LINES_AT_ONCE)
    if (lines.length === 0) await logs.put(key, first)
    else log = await logs.create(key, first)
  }
  const there = lines.findLast(({ id }) => log?.has(id) === true)
  // It may be of a process that ended before it was on the disk.
  if (there !== undefined) await log!.confirm(there)
  const fresh = lines.filter(({ id }) => log?.has(id) === false).map((line) => logs.screen(line))
  known = lines.length - fresh.length
  for (let i = 0; i < fresh.length; i += LINES_AT_ONCE) {
    await Promise.all(fresh.slice(i, i + LINES_AT_ONCE).map((line) => log!.append(line, () => undefined)))
  }
  return Object.freeze({ added: given.length - known, known })
}

/** Times of lines that follow each other are often equal: the last one that was seen to be one. */
let lastTime = ''

/** A line made of an event from elsewhere; rejects with `INVALID_EVENT` what cannot be one. */
export function checkedLine(line: MergeLine, index: number): Line {
  if (typeof line.id !== 'string' || !isEventId(line.id))
    throw refuse(index, 'id', 'must be a ULID before the year 6000')
  if (line.time !== lastTime) {
    if (Number.isNaN(Date.parse(line.time))) throw refuse(index, 'time', 'must be ISO 8601')
    lastTime = line.time
  }
  const data = toJson(line.data, `lines[${index}].data`)
  if (isCoreEvent(line)) assertData(line.type, data, `lines[${index}]`)
  else if (!isCustomType(line.type))
    throw refuse(index, 'type', `${JSON.stringify(line.type)} is neither one of foldlog's nor free to use`)
  return toLine({ ...line, data })
}

function toLine({ id, type, time, key, data }: MergeLine): Line {
  const line = { v: 1, id, type, time, data }
  return key === undefined ? line : { ...line, key }
}

/** A lease belongs to the writer of the session it was given in. */
function withoutLease({ id, type, time, data }: SessionEvent): MergeLine {
  if (!isMessage(type) || (data as JsonObject)['lease'] === undefined) return { id, type, time, data: data as Json }
  const { lease: _, ...rest } = data as JsonObject
  return { id, type, time, data: rest }
}

function isMessage(type: string): boolean {
  const types: readonly CoreType[] = ['message.created', 'message.updated']
  return (types as readonly string[]).includes(type)
}

function refuse(index: number, field: string, why: string): FoldlogError {
  return new FoldlogError('INVALID_EVENT', `lines[${index}].${field}: ${why}`, { field: `lines[${index}].${field}` })
}
