/**
 * Captured events of opencode's bus, one on a line: bare (`{"type":…,"properties":{…}}`), or in an envelope as `event` or `payload`.
 *
 * What counts is the state after all of them: `*.updated` replaces what is there by its id, `*.removed` takes it away, and
 * `message.part.delta` adds text to a field of a part that is known. The first reading remembers where the last word on every
 * message and part is said, the second one reads those lines: memory is bounded by what was added in deltas.
 */
import { objectField, textField } from '../fields.ts'
import type { JsonObject } from '../../json.ts'
import { objectsOf, type SourceRecord } from '../jsonl.ts'
import type { Run } from '../run.ts'
import { changedMeanwhile, type SourceFile } from '../source-file.ts'
import { inOrder, writeSession, type StoredMessage } from './session.ts'

/** An event of the bus. */
interface BusEvent {
  readonly type: string
  readonly properties: JsonObject
}

/** Where a record is: which object of which line. */
interface Place {
  readonly offset: number
  readonly sizeBytes: number
  readonly at: number
}

interface Part {
  place: Place
  /** What was added to its fields since. */
  readonly added: Map<string, string>
}

interface Message {
  place: Place | undefined
  readonly parts: Map<string, Part>
}

interface Session {
  info: JsonObject | undefined
  isDeleted: boolean
  readonly messages: Map<string, Message>
}

const REMOVED = 'taken back by a later event'
const FOLDED = 'a later event says all of it'
const PASSING = 'says what goes on, nothing of the conversation'

/** The event in a line; undefined if there is none. */
export function eventIn(record: JsonObject): BusEvent | undefined {
  const event = objectField(record, 'event') ?? objectField(record, 'payload') ?? record
  const type = textField(event, 'type')
  const properties = objectField(event, 'properties')
  return type === undefined || properties === undefined ? undefined : { type, properties }
}

/** Imports the sessions that a capture tells of. */
export async function importEvents(file: SourceFile, run: Run): Promise<void> {
  const capture = new Capture(file)
  let line = -1
  let at = 0
  for await (const records of file.records()) {
    for (const record of records) {
      at = record.offset === line ? at + 1 : 0
      line = record.offset
      capture.add(record, at)
    }
  }
  for (const [sessionId, { info, isDeleted, messages }] of capture.sessions) {
    const told = [...messages].flatMap(([id, { place }]) => (place === undefined ? [] : [id]))
    const load = async (id: string): Promise<StoredMessage> => messageOf(file, id, messages.get(id)!)
    await writeSession(file, { sessionId, info, isDeleted, isCounted: true, messageIds: inOrder(told), load }, run)
  }
}

/** Folds the events of one file. */
class Capture {
  readonly sessions = new Map<string, Session>()
  readonly #file: SourceFile

  constructor(file: SourceFile) {
    this.#file = file
  }

  add({ value, offset, sizeBytes }: SourceRecord, at: number): void {
    const event = eventIn(value)
    const { ledger } = this.#file
    ledger.count(event?.type ?? '(none)')
    if (event === undefined) return ledger.drop('(none)', 'no event of the bus')
    if (!this.#apply(event, { offset, sizeBytes, at })) ledger.drop(event.type, PASSING)
  }

  /** Whether the event says something of a conversation. */
  #apply({ type, properties }: BusEvent, place: Place): boolean {
    switch (type) {
      case 'session.created':
      case 'session.updated':
      case 'session.deleted':
        return this.#session(properties, type === 'session.deleted')
      case 'message.updated':
        return this.#message(objectField(properties, 'info') ?? {}, place)
      case 'message.removed':
        return this.#removeMessage(properties)
      case 'message.part.updated':
        return this.#part(objectField(properties, 'part') ?? {}, place)
      case 'message.part.removed':
        return this.#removePart(properties)
      case 'message.part.delta':
        return this.#delta(properties)
      default:
        return false
    }
  }

  #session(properties: JsonObject, isDeleted: boolean): boolean {
    const info = objectField(properties, 'info')
    const id = textField(info ?? {}, 'id') ?? textField(properties, 'sessionID')
    if (id === undefined) return false
    const session = this.#sessionOf(id)
    if (session.info !== undefined) this.#file.ledger.merge('session', FOLDED)
    session.info = info ?? session.info
    session.isDeleted = isDeleted
    return true
  }

  #message(info: JsonObject, place: Place): boolean {
    const id = textField(info, 'id')
    const sessionId = textField(info, 'sessionID')
    if (id === undefined || sessionId === undefined) return false
    const message = this.#messageOf(sessionId, id)
    if (message.place !== undefined) this.#file.ledger.merge('message', FOLDED)
    message.place = place
    return true
  }

  #removeMessage(properties: JsonObject): boolean {
    const messages = this.sessions.get(textField(properties, 'sessionID') ?? '')?.messages
    if (messages?.delete(textField(properties, 'messageID') ?? '') === true) this.#file.ledger.drop('message', REMOVED)
    return true
  }

  #part(part: JsonObject, place: Place): boolean {
    const id = textField(part, 'id')
    const messageId = textField(part, 'messageID')
    const sessionId = textField(part, 'sessionID')
    if (id === undefined || messageId === undefined || sessionId === undefined) return false
    const { parts } = this.#messageOf(sessionId, messageId)
    if (parts.has(id)) this.#file.ledger.merge('part', FOLDED)
    parts.set(id, { place, added: new Map() })
    return true
  }

  #removePart(properties: JsonObject): boolean {
    const parts = this.#partsOf(properties)
    if (parts?.delete(textField(properties, 'partID') ?? '') === true) this.#file.ledger.drop('part', REMOVED)
    return true
  }

  #delta(properties: JsonObject): boolean {
    const part = this.#partsOf(properties)?.get(textField(properties, 'partID') ?? '')
    const field = textField(properties, 'field')
    if (part === undefined || field === undefined) return false
    part.added.set(field, (part.added.get(field) ?? '') + (textField(properties, 'delta') ?? ''))
    this.#file.ledger.merge('delta', 'is in the text of its part')
    return true
  }

  #partsOf(properties: JsonObject): Map<string, Part> | undefined {
    const session = this.sessions.get(textField(properties, 'sessionID') ?? '')
    return session?.messages.get(textField(properties, 'messageID') ?? '')?.parts
  }

  #sessionOf(id: string): Session {
    let session = this.sessions.get(id)
    if (session === undefined)
      this.sessions.set(id, (session = { info: undefined, isDeleted: false, messages: new Map() }))
    return session
  }

  #messageOf(sessionId: string, id: string): Message {
    const { messages } = this.#sessionOf(sessionId)
    let message = messages.get(id)
    if (message === undefined) messages.set(id, (message = { place: undefined, parts: new Map() }))
    return message
  }
}

async function messageOf(file: SourceFile, id: string, { place, parts }: Message): Promise<StoredMessage> {
  // Only messages that are told have a place.
  const info = objectField((await eventAt(file, place!)) ?? {}, 'info')
  if (info === undefined || textField(info, 'id') !== id) throw changedMeanwhile(file.path)
  const values: JsonObject[] = []
  let sizeBytes = place!.sizeBytes
  for (const [partId, part] of parts) {
    const value = objectField((await eventAt(file, part.place)) ?? {}, 'part')
    if (value === undefined || textField(value, 'id') !== partId) throw changedMeanwhile(file.path)
    values.push(withAdded(value, part.added))
    sizeBytes += part.place.sizeBytes
  }
  return { info, parts: values, sizeBytes }
}

async function eventAt(file: SourceFile, { offset, sizeBytes, at }: Place): Promise<JsonObject | undefined> {
  const values = objectsOf(await file.bytes(offset, sizeBytes))
  const record = typeof values === 'string' ? undefined : values[at]
  return record === undefined ? undefined : eventIn(record)?.properties
}

function withAdded(part: JsonObject, added: ReadonlyMap<string, string>): JsonObject {
  const fields = [...added].map(([field, text]) => [field, (textField(part, field) ?? '') + text])
  return { ...part, ...Object.fromEntries(fields) }
}
