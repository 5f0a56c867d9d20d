/**
 * Goes on from a session's info without its messages, where the lines that came only add: new messages at the end of
 * the conversation, info fields, users' own events. Anything else needs the whole log, and the answer is undefined.
 *
 * Equal to folding the log: test/extend.test.ts compares the two. Everything in this file is pure.
 */
import { factsOf } from './body.ts'
import { isCoreEvent, isCustomType, isValidData, type InfoPatch, type MessageData } from './event.ts'
import { timeOf } from './event-id.ts'
import { deepFreeze, type Json, type JsonObject } from './json.ts'
import { eventsOf, type InnerEvent, type Line } from './line.ts'
import type { SessionInfo, Status } from './message.ts'
import { previewOf, sessionStatus, TurnFacts, UsageSum } from './totals.ts'

/** What an info does not tell and going on from it needs. */
export interface Resume {
  /** The turn the conversation ends with; empty if there is none. */
  readonly turnId: string
  /** Since the newest question: how many messages are unfinished, and which calls have no result. */
  readonly unfinished: number
  readonly open: readonly string[]
  /** And which have one. */
  readonly closed: readonly string[]
  /** The status of the last message. */
  readonly last: Status
}

export interface Resumable {
  readonly info: SessionInfo
  readonly resume: Resume
}

export function extendInfo(known: Resumable, lines: readonly Line[]): Resumable | undefined {
  let state: Resumable | undefined = known
  for (const line of lines) {
    if (line.v !== 1 || line.key !== undefined || line.redacted) return undefined
    for (const event of eventsOf(line)) {
      state = event.id > state.info.lastEventId ? next(state, event) : undefined
      if (state === undefined) return undefined
    }
  }
  return deepFreeze(state)
}

function next(state: Resumable, event: InnerEvent): Resumable | undefined {
  const changed = isCoreEvent(event) ? core(state, event) : isCustomType(event.type) ? state : undefined
  if (changed === undefined) return undefined
  const { info, resume } = changed
  return { resume, info: { ...info, lastEventId: event.id, time: { ...info.time, updated: timeOf(event.id) } } }
}

function core(state: Resumable, { id, type, data }: InnerEvent): Resumable | undefined {
  if (!isValidData(type, data)) return undefined
  if (type === 'session.updated') return updated(state, data as InfoPatch, id)
  return type === 'message.created' ? created(state, data as unknown as MessageData, id) : undefined
}

const PLAIN_FIELDS = ['title', 'project', 'cwd', 'model', 'provider', 'parent', 'rootId', 'labels', 'source'] as const

function updated({ info, resume }: Resumable, patch: InfoPatch, at: string): Resumable | undefined {
  if (patch.head !== undefined) return undefined
  const fields: Record<string, unknown> = { ...info }
  for (const name of PLAIN_FIELDS) {
    if (patch[name] === null) delete fields[name]
    else if (patch[name] !== undefined) fields[name] = patch[name]
  }
  for (const name of ['vars', 'metadata'] as const) {
    if (patch[name] !== undefined) fields[name] = merged(info[name], patch[name])
  }
  const { archived: before, ...time } = info.time
  const archived = patch.archived === undefined ? before : patch.archived === true ? timeOf(at) : undefined
  // Every field of the info is there, only some have another value.
  return {
    resume,
    info: { ...(fields as unknown as SessionInfo), time: archived === undefined ? time : { ...time, archived } },
  }
}

function merged(before: JsonObject, patch: JsonObject | null): JsonObject {
  const entries = new Map<string, Json>(patch === null ? [] : Object.entries(before))
  for (const [key, value] of Object.entries(patch ?? {})) {
    if (value === null) entries.delete(key)
    else entries.set(key, value)
  }
  return Object.fromEntries([...entries].sort(([a], [b]) => (a < b ? -1 : 1)))
}

/** A message named after its own event is new. It must open a turn at the end, or go on with the last one. */
function created({ info, resume }: Resumable, data: MessageData, at: string): Resumable | undefined {
  const opens = data.turnId === data.id && (data.after === undefined || data.after === info.head)
  if (data.id !== at || data.parentId !== undefined || !(opens || data.turnId === resume.turnId)) return undefined
  const own = factsOf(data)
  const facts = new TurnFacts()
  facts.add(own, 1)
  const open = new Set(own.isUser ? [] : resume.open)
  // A result that comes before its call counts too, and only a whole fold knows of it.
  if (own.results.some((callId) => !open.has(callId) && !own.calls.includes(callId))) return undefined
  const closed = new Set(own.isUser ? [] : resume.closed)
  // A call that takes the id of one that was answered is answered already.
  if (own.calls.some((callId) => closed.has(callId))) return undefined
  for (const callId of own.calls) open.add(callId)
  for (const callId of own.results) {
    open.delete(callId)
    closed.add(callId)
  }
  const unfinished = facts.unfinished + (own.isUser ? 0 : resume.unfinished)
  const usage = UsageSum.of(info.usage)
  if (own.usage !== undefined) usage.add(own.usage, 1)
  return {
    resume: { turnId: data.turnId, unfinished, open: [...open], closed: [...closed], last: data.status },
    info: {
      ...info,
      head: data.id,
      status: sessionStatus(unfinished, open.size, data.status),
      messageCount: info.messageCount + 1,
      turnCount: info.turnCount + (opens ? 1 : 0),
      branchCount: Math.max(1, info.branchCount),
      usage: usage.usage,
      preview: info.preview === '' && own.isUser ? previewOf(data) : info.preview,
    },
  }
}
