/**
 * Reads lines that create a message where they lie, without their texts: all that the info of a session needs, several times faster than `JSON.parse`.
 *
 *     {"v":1,"id":…,"type":"message.created","time":…,"data":{"id":…,"turnId":…,…,"parts":[{"id":…,"type":…,…}]}}
 *
 * A line is read to its last byte or not at all: all that JSON and the schema of a message (data-schemas.ts) demand is checked, and what is not of
 * the shape that writers use (white space, another order, an unknown field, one that comes twice, an escape in a name) is left to who parses
 * it. test/message-scanner.test.ts compares the two. Of the bytes, only that they are UTF-8 is taken for granted. Pure.
 */
import type { MessageData } from './event.ts'
import { isEventId } from './event-id.ts'
import {
  bytesOf,
  COLON,
  CLOSE_LIST,
  CLOSE_OBJECT,
  COMMA,
  isDigit,
  JsonReader,
  LF,
  OPEN_LIST,
  OPEN_OBJECT,
  QUOTE,
  ZERO,
} from './json-reader.ts'
import { MAX_LINE_BYTES } from './line.ts'
import type { Part, Role, Status, Usage } from './message.ts'
import { USAGE_FIELDS } from './totals.ts'

const BEFORE_ID = bytesOf('{"v":1,"id":"')
const BEFORE_TIME = bytesOf('","type":"message.created","time":"')
const BEFORE_DATA = bytesOf('","data":{"id":"')
const BEFORE_TURN = bytesOf('","turnId":"')
const PART_ID = bytesOf('{"id":"')
const PART_TYPE = bytesOf('","type":"')
const ID_LENGTH = 26
const TIME_LENGTH = 24
/** A number of so many digits is exact. */
const EXACT_DIGITS = 15

const ROLE = bytesOf('role')
const STATUS = bytesOf('status')
const PARTS = bytesOf('parts')
const USAGE = bytesOf('usage')
const AFTER = bytesOf('after')
const CALL_ID = bytesOf('callId')
const ROLE_NAMES: readonly Role[] = ['user', 'assistant', 'tool', 'system']
const ROLES = ROLE_NAMES.map(bytesOf)
const STATUS_NAMES: readonly Status[] = ['completed', 'in_progress', 'pending', 'incomplete', 'failed', 'cancelled']
const STATUSES = STATUS_NAMES.map(bytesOf)
const USAGES = USAGE_FIELDS.map(bytesOf)

/** What the value of a field has to be. */
type Kind = 'text' | 'object' | 'any'

/** The fields of a message that say nothing of what is read here. */
const FIELDS = fieldsOf({
  model: 'text',
  provider: 'text',
  finishReason: 'text',
  metadata: 'object',
  author: 'text',
  to: 'text',
  statusMessage: 'text',
})

interface PartType {
  readonly type: string
  readonly name: Uint8Array
  readonly hasCall: boolean
  /** Which of the fields have to be there, bit by bit. */
  readonly required: number
  readonly fields: readonly Field[]
}

const SHARED = { metadata: 'object', providerMetadata: 'any' } as const
const PART_TYPES: readonly PartType[] = [
  { type: 'text', hasCall: false, required: 1, fields: fieldsOf({ text: 'text', ...SHARED }) },
  {
    type: 'tool-call',
    hasCall: true,
    required: 3,
    fields: fieldsOf({ name: 'text', input: 'any', rawInput: 'text', ...SHARED }),
  },
  {
    type: 'tool-result',
    hasCall: true,
    required: 1,
    fields: fieldsOf({ name: 'text', output: 'any', title: 'text', ...SHARED }),
  },
  {
    type: 'reasoning',
    hasCall: false,
    required: 1,
    fields: fieldsOf({ text: 'text', signature: 'text', encrypted: 'text', ...SHARED }),
  },
].map((part) => ({ ...part, name: bytesOf(part.type) }))
const NO_PART: Part = { id: '', type: 'text', text: '' }

type Writable<T> = { -readonly [Name in keyof T]: T[Name] }

interface Field {
  readonly name: Uint8Array
  readonly kind: Kind
}

/** The event that creates a message, without the texts of its parts. */
export interface MessageEvent {
  readonly id: string
  readonly type: 'message.created'
  readonly data: MessageData
}

export class MessageScanner extends JsonReader {
  /** Ids of the line before, of which the next one often says some again. */
  #lastId = ''
  #turnId = ''

  /** Where the line feed is behind the line that was read last. */
  get end(): number {
    return this.at
  }

  /** The message that a line creates which starts at `from`, in bytes that end with a line feed; undefined: it has to be parsed. */
  scan(bytes: Buffer, from: number): MessageEvent | undefined {
    this.begin(bytes, from)
    this.skip(BEFORE_ID)
    this.plain()
    if (!this.isLong(ID_LENGTH)) return undefined
    const id = bytes.toString('latin1', this.start, this.at)
    if (!isEventId(id)) return undefined
    this.skip(BEFORE_TIME)
    this.plain()
    if (!this.isLong(TIME_LENGTH)) return undefined
    this.skip(BEFORE_DATA)
    const messageId = this.#id(id)
    this.skip(BEFORE_TURN)
    this.#turnId = this.#id(this.#turnId, messageId)
    this.take(QUOTE)
    const data = this.#data(messageId, this.#turnId)
    this.take(CLOSE_OBJECT)
    if (data === undefined || this.at < 0 || bytes[this.at] !== LF || this.at - from > MAX_LINE_BYTES) return undefined
    this.#lastId = messageId
    return { id, type: 'message.created', data }
  }

  /** The data behind its first two fields. */
  #data(id: string, turnId: string): MessageData | undefined {
    let role: Role | undefined
    let status: Status | undefined
    let after: string | undefined
    let usage: Usage | undefined
    let parts: readonly Part[] | undefined
    let seen = 0
    while (this.is(COMMA)) {
      this.#field()
      if (role === undefined && this.isNamed(ROLE)) role = this.#oneOf(ROLES) as Role
      else if (status === undefined && this.isNamed(STATUS)) status = this.#oneOf(STATUSES) as Status
      else if (parts === undefined && this.isNamed(PARTS)) parts = this.#parts()
      else if (usage === undefined && this.isNamed(USAGE)) usage = this.#usage()
      else if (after === undefined && this.isNamed(AFTER)) after = this.#idValue(this.#lastId)
      else seen = this.#other(FIELDS, seen)
      if (this.at < 0) return undefined
    }
    this.take(CLOSE_OBJECT)
    if (role === undefined || status === undefined || parts === undefined) return undefined
    const data: Writable<MessageData> = { id, turnId, role, status, parts }
    if (after !== undefined) data.after = after
    if (usage !== undefined) data.usage = usage
    return data
  }

  #parts(): readonly Part[] {
    const parts: Part[] = []
    this.take(OPEN_LIST)
    if (this.is(CLOSE_LIST)) return parts
    do parts.push(this.#part())
    while (this.is(COMMA))
    this.take(CLOSE_LIST)
    return parts
  }

  #part(): Part {
    this.skip(PART_ID)
    const id = this.#id('p1', 'p2')
    this.skip(PART_TYPE)
    this.plain()
    for (let i = 0; i < PART_TYPES.length && this.at >= 0; i++) {
      const part = PART_TYPES[i]!
      if (!this.isNamed(part.name)) continue
      this.take(QUOTE)
      return this.#partOf(id, part)
    }
    this.at = -1
    return NO_PART
  }

  #partOf(id: string, { type, hasCall, required, fields }: PartType): Part {
    let callId = ''
    let seen = 0
    while (this.is(COMMA)) {
      this.#field()
      if (hasCall && callId === '' && this.isNamed(CALL_ID)) callId = this.#idValue('')
      else seen = this.#other(fields, seen)
    }
    this.take(CLOSE_OBJECT)
    if ((seen & required) !== required || hasCall !== (callId !== '')) this.at = -1
    return (hasCall ? { id, type, callId } : { id, type, text: '' }) as Part
  }

  #usage(): Usage {
    const usage: Record<string, number> = {}
    this.take(OPEN_OBJECT)
    if (this.is(CLOSE_OBJECT)) return usage
    do {
      this.#field()
      const i = this.at < 0 ? -1 : USAGES.findIndex((name) => this.isNamed(name))
      const name = USAGE_FIELDS[i]
      if (name === undefined || usage[name] !== undefined) this.at = -1
      else usage[name] = this.#count()
    } while (this.is(COMMA))
    this.take(CLOSE_OBJECT)
    return usage
  }

  /** A number that is not below zero. */
  #count(): number {
    const start = this.at
    this.number()
    if (this.at < 0) return 0
    const { length } = this.bytes
    let value = 0
    let at = start
    for (; at < length && isDigit(this.bytes[at]!); at++) value = value * 10 + this.bytes[at]! - ZERO
    if (at < this.at || at - start > EXACT_DIGITS) value = Number(this.bytes.toString('latin1', start, this.at))
    if (!(value >= 0 && value < Infinity)) this.at = -1
    return value
  }

  /** One of some texts. */
  #oneOf(texts: readonly Uint8Array[]): string {
    this.take(QUOTE)
    this.plain()
    for (let i = 0; i < texts.length && this.at >= 0; i++) {
      if (!this.isNamed(texts[i]!)) continue
      this.take(QUOTE)
      return (texts === ROLES ? ROLE_NAMES : STATUS_NAMES)[i]!
    }
    this.at = -1
    return ''
  }

  /** Takes the value of a field that says nothing of what is read here and comes once. Returns the fields seen. */
  #other(fields: readonly Field[], seen: number): number {
    for (let i = 0; i < fields.length; i++) {
      const { name, kind } = fields[i]!
      if (!this.isNamed(name)) continue
      const first = this.bytes[this.at]
      const fits = kind === 'any' || first === (kind === 'text' ? QUOTE : OPEN_OBJECT)
      if (fits && (seen & (1 << i)) === 0) this.value(0)
      else this.at = -1
      return seen | (1 << i)
    }
    this.at = -1
    return seen
  }

  /** Takes the name of a field and the colon behind it. */
  #field(): void {
    this.take(QUOTE)
    this.plain()
    this.take(QUOTE)
    this.take(COLON)
  }

  /** An id as the value of a field. */
  #idValue(guess: string): string {
    this.take(QUOTE)
    const id = this.#id(guess)
    this.take(QUOTE)
    return id
  }

  /** An id up to the quote behind it. It mostly is one of those that are known: then no text has to be made. */
  #id(guess: string, other: string = guess): string {
    if (this.#isId(guess)) return guess
    if (this.#isId(other)) return other
    this.plain()
    if (this.length > 0) return this.bytes.toString('latin1', this.start, this.at)
    this.at = -1
    return ''
  }

  /** Takes an id up to the quote behind it, if it is there. */
  #isId(id: string): boolean {
    const { at, bytes } = this
    if (at < 0 || id === '' || bytes[at + id.length] !== QUOTE) return false
    for (let i = 0; i < id.length; i++) if (bytes[at + i] !== id.charCodeAt(i)) return false
    this.at = at + id.length
    return true
  }
}

function fieldsOf(kinds: Readonly<Record<string, Kind>>): readonly Field[] {
  return Object.entries(kinds).map(([name, kind]) => ({ name: bytesOf(name), kind }))
}
