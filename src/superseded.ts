/**
 * Events that could as well not be there: whatever they set was set again by later ones. Pure.
 *
 * An event is in or out, never changed, so that a clone that still has it changes nothing when it brings it back. What decides about a place
 * stays: the first event of a message, the first one of a part, moves of the head, removals, and the first and the last event.
 */
import type { CoreEvents, MessageData } from './event.ts'
import type { InnerEvent } from './line.ts'
import type { JsonObject } from './json.ts'

/** What is set later in the log. */
interface Later {
  readonly fields: Set<string>
  readonly parts: Set<string>
  isCreated: boolean
}

/** What decides about a place. */
interface Firsts {
  readonly events: ReadonlySet<string>
  /** `<message> <part>` of parts that are removed somewhere. */
  readonly removed: ReadonlySet<string>
}

/** Fields that the first `message.created` decides, or that are no fields. */
const NOT_SET: ReadonlySet<string> = new Set(['id', 'turnId', 'parentId', 'after', 'parts'])
const NOT_DROPPED: ReadonlySet<string> = new Set(['head', 'vars', 'metadata'])

/**
 * The ids of superseded events among those that count, which are in order of ids.
 *
 * @param mayReplace which events may supersede others. Default: all
 */
export function supersededIn(
  events: readonly InnerEvent[],
  mayReplace: (event: InnerEvent) => boolean = () => true,
): Set<string> {
  const firsts = firstsOf(events)
  const dropped = new Set<string>()
  const messages = new Map<string, Later>()
  const info = new Set<string>()
  for (let i = events.length - 2; i > 0; i--) {
    const event = events[i + 1]!
    if (mayReplace(event)) note(event, messages, info)
    const { id } = events[i]!
    if (!firsts.events.has(id) && isSuperseded(events[i]!, messages, info, firsts)) dropped.add(id)
  }
  return dropped
}

function isSuperseded(
  { type, data }: InnerEvent,
  messages: ReadonlyMap<string, Later>,
  info: ReadonlySet<string>,
  { removed }: Firsts,
): boolean {
  switch (type as keyof CoreEvents) {
    case 'session.updated':
      return Object.keys(data as JsonObject).every((name) => info.has(name) && !NOT_DROPPED.has(name))
    case 'message.created': {
      const later = messages.get((data as unknown as MessageData).id)
      return later?.isCreated === true && areSet(data as JsonObject, later)
    }
    case 'message.updated': {
      const later = messages.get((data as { readonly id: string }).id)
      return later !== undefined && areSet(data as JsonObject, later)
    }
    case 'part.updated': {
      const { messageId, partId } = data as unknown as CoreEvents['part.updated']
      const later = messages.get(messageId)
      if (later === undefined || removed.has(`${messageId} ${partId}`)) return false
      return later.isCreated || later.parts.has(partId)
    }
    case 'session.created':
    case 'message.deleted':
      return false
  }
  // A user's own: only they know what it means.
  return false
}

function areSet(data: JsonObject, { fields }: Later): boolean {
  return Object.keys(data).every((name) => NOT_SET.has(name) || fields.has(name))
}

/** Takes notice of an event that is later than those asked about from now on. */
function note({ type, data }: InnerEvent, messages: Map<string, Later>, info: Set<string>): void {
  switch (type as keyof CoreEvents) {
    case 'session.updated':
      for (const name of Object.keys(data as JsonObject)) info.add(name)
      return
    case 'message.created':
    case 'message.updated': {
      const later = laterOf(messages, (data as { readonly id: string }).id)
      if (type === 'message.created') later.isCreated = true
      for (const name of Object.keys(data as JsonObject)) later.fields.add(name)
      return
    }
    case 'part.updated': {
      const { messageId, partId } = data as unknown as CoreEvents['part.updated']
      laterOf(messages, messageId).parts.add(partId)
      return
    }
    case 'session.created':
    case 'message.deleted':
  }
}

function laterOf(messages: Map<string, Later>, id: string): Later {
  let later = messages.get(id)
  if (later === undefined) messages.set(id, (later = { fields: new Set(), parts: new Set(), isCreated: false }))
  return later
}

function firstsOf(all: readonly InnerEvent[]): Firsts {
  const [events, removed] = [new Set<string>(), new Set<string>()]
  const created = new Set<string>()
  /** The parts of messages since they were last created. */
  const parts = new Map<string, Set<string>>()
  for (const { id, type, data } of all) {
    if (type === 'message.created') {
      const message = data as unknown as MessageData
      if (!created.has(message.id)) events.add(id)
      created.add(message.id)
      parts.set(message.id, new Set(message.parts.map((part) => part.id)))
    } else if (type === 'part.updated') {
      const { messageId, partId, part } = data as unknown as CoreEvents['part.updated']
      const known = parts.get(messageId) ?? new Set()
      parts.set(messageId, known)
      if (part === null) removed.add(`${messageId} ${partId}`)
      if (!known.has(partId)) events.add(id)
      known.add(partId)
    }
  }
  return { events, removed }
}
