/**
 * Whether a long log ends as its conversation does, found out from the first bytes of its lines, without parsing or keeping them.
 *
 * A line that begins in another way than a foldlog writes it is answered with no. Damage behind a good beginning takes a line away and adds none, and what
 * is straight with a line is straight without it. test/newest.test.ts compares it with folding. Pure.
 */
import { isCoreEvent, isValidData, type CoreEvents, type CoreType, type InfoPatch, type MessageData } from './event.ts'
import { timeOf } from './event-id.ts'
import { Fold } from './fold.ts'
import { decodeLine, eventsOf, MARKER, type InnerEvent } from './line.ts'
import type { SessionInfo } from './message.ts'

const LF = 0x0a
const QUOTE = 0x22
const BACKSLASH = 0x5c
const ID_LENGTH = 26
const TIME_LENGTH = 24
/** What nearly every line has around its ids, in these places: it is a message without a key. */
const START = Buffer.from(MARKER)
const TYPE = Buffer.from('","type":"message.created","time":"')
const DATA = Buffer.from('","data":{"id":"')
const TURN_ID = Buffer.from('","turnId":"')
const PARENT_ID = Buffer.from('","parentId":"')
const AFTER = Buffer.from('","after":"')
const ROLE = Buffer.from('","role":"')
const TYPE_AT = START.length + ID_LENGTH
const DATA_AT = TYPE_AT + TYPE.length + TIME_LENGTH
const MESSAGE_ID_AT = DATA_AT + DATA.length
const TURN_ID_AT = MESSAGE_ID_AT + ID_LENGTH + TURN_ID.length
const ROLE_AT = TURN_ID_AT + ID_LENGTH
/** Longer than what comes before the role of a message, and so are the fields that may come between. */
const HEAD_CHARS = 320

/** A line of another shape. */
const HEAD =
  /^\{"v":1,"id":"([0-9A-Z]{26})","type":"([^"\\]+)","time":"[^"\\]*"(?:,"key":"([^"\\]*)")?(?:,"redacted":true)?,"data":/
const MESSAGE =
  /^\{"id":"([0-9A-Z]{26})","turnId":"([0-9A-Z]{26})"(?:,"parentId":(null|"[0-9A-Z]{26}"))?(?:,"after":"([0-9A-Z]{26})")?,"role":"(.)/
const MESSAGE_ID = /^\{"messageId":"([0-9A-Z]{26})"/
const NOWHERE = { file: '', line: 0, offset: 0 } as const

export class Straight {
  /** Of what says something of the session as a whole. */
  readonly #fold: Fold
  readonly #keys = new Set<string>()
  /** Ids, as they lie in lines: of the last event, of the last message and of the turn that it is in. Zeros before there is one. */
  readonly #lastId = Buffer.alloc(ID_LENGTH)
  readonly #head = Buffer.alloc(ID_LENGTH)
  readonly #turnId = Buffer.alloc(ID_LENGTH)
  #firstId = ''
  #messageCount = 0
  #turnCount = 0
  #hasPreview = false

  constructor(namespace: string, sessionId: string) {
    this.#fold = new Fold(namespace, sessionId)
  }

  /** Takes in the next whole lines of the log. False: it is not straight, or that cannot be told so. */
  take(bytes: Buffer): boolean {
    for (let start = 0; start < bytes.length;) {
      const lf = bytes.indexOf(LF, start)
      const end = lf < 0 ? bytes.length : lf
      if (end > start && !this.#takeLine(bytes, start, end)) return false
      start = end + 1
    }
    return true
  }

  /** What is known of the session, `complete: false`: nothing of usage, damage and what the last turn waits for. Undefined: there was no event. */
  info(): SessionInfo | undefined {
    if (this.#firstId === '') return undefined
    const { time, ...info } = this.#fold.info(0)
    const lastEventId = this.#lastId.toString('latin1')
    return Object.freeze({
      ...info,
      ...(this.#head[0] === 0 ? {} : { head: this.#head.toString('latin1') }),
      time: Object.freeze({ ...time, created: timeOf(this.#firstId), updated: timeOf(lastEventId) }),
      messageCount: this.#messageCount,
      turnCount: this.#turnCount,
      branchCount: Math.min(1, this.#messageCount),
      lastEventId,
      complete: false,
    })
  }

  #takeLine(bytes: Buffer, start: number, end: number): boolean {
    // Another line within this one would count if the first is torn.
    const marker = bytes.indexOf(START, start + 1)
    if (marker >= 0 && marker < end) return false
    const isTaken = this.#hasPreview ? this.#takeMessage(bytes, start, end) : undefined
    if (isTaken !== undefined) return isTaken
    const text = bytes.toString('latin1', start, Math.min(end, start + HEAD_CHARS))
    const head = HEAD.exec(text)
    if (head === null || !this.#isNext(head[1]!) || !this.#isNewKey(head[3])) return false
    const data = text.slice(head[0].length)
    switch (head[2]) {
      case 'message.created': {
        const message = MESSAGE.exec(data)
        if (message === null) return false
        const [, id, turnId, parent, after, role] = message
        // Listings show what the first question says.
        if (role === 'u' && this.#isPreviewOpen) return this.#takeAll(bytes, start, end)
        return this.#add(id!, turnId!, parent === 'null' ? null : parent?.slice(1, -1), after)
      }
      case 'part.updated':
        return this.#isKnown(MESSAGE_ID.exec(data)?.[1])
      case 'message.updated':
      case 'session.created':
      case 'session.updated':
      case 'message.deleted':
      case 'log.batch':
        return this.#takeAll(bytes, start, end)
      case 'session.deleted':
        return false
      default:
        // Nothing else has an effect.
        return true
    }
  }

  /** Takes in a message with the usual beginning; undefined if it is another line. Makes nothing: it is called for nearly every line. */
  #takeMessage(bytes: Buffer, start: number, end: number): boolean | undefined {
    const isMessage =
      end - start > ROLE_AT &&
      isAt(START, bytes, start) &&
      isAt(TYPE, bytes, start + TYPE_AT) &&
      isAt(DATA, bytes, start + DATA_AT) &&
      isAt(TURN_ID, bytes, start + MESSAGE_ID_AT + ID_LENGTH)
    if (!isMessage) return undefined
    const idAt = start + START.length
    const turnIdAt = start + TURN_ID_AT
    let roleAt = start + ROLE_AT
    let isLast = true
    if (isAt(PARENT_ID, bytes, roleAt)) {
      isLast = compare(bytes, roleAt + PARENT_ID.length, this.#head, 0) === 0
      roleAt += PARENT_ID.length + ID_LENGTH
    }
    if (isAt(AFTER, bytes, roleAt)) {
      const afterAt = roleAt + AFTER.length
      isLast &&= isText(bytes, afterAt) && compare(bytes, afterAt, bytes, idAt) < 0
      roleAt = afterAt + ID_LENGTH
    }
    if (!isAt(ROLE, bytes, roleAt)) return undefined
    const isNew = compare(bytes, idAt, this.#lastId, 0) > 0 && compare(bytes, idAt, bytes, start + MESSAGE_ID_AT) === 0
    if (!isNew || !isLast) return false
    if (compare(bytes, idAt, bytes, turnIdAt) === 0) {
      this.#turnCount++
      copy(bytes, turnIdAt, this.#turnId)
    } else if (compare(bytes, turnIdAt, this.#turnId, 0) !== 0) return false
    copy(bytes, idAt, this.#lastId)
    copy(bytes, idAt, this.#head)
    this.#messageCount++
    return true
  }

  /** Takes in the events of a line, the first of which is known to be the next one. */
  #takeAll(bytes: Buffer, start: number, end: number): boolean {
    const [line] = decodeLine(bytes.subarray(start, end), NOWHERE).lines
    const events = line === undefined ? [] : eventsOf(line)
    return events.every((event, index) => (index === 0 || this.#isNext(event.id)) && this.#take(event))
  }

  #take(event: InnerEvent): boolean {
    const { type, data } = event
    if (!isCoreEvent({ type })) return type !== 'session.deleted'
    if (!isValidData(type, data)) return true
    switch (type as CoreType) {
      case 'session.updated':
      case 'session.created':
        this.#fold.apply(event)
        return type === 'session.created' || (data as InfoPatch).head === undefined
      case 'message.created': {
        const { id, turnId, parentId, after, role } = data as unknown as MessageData
        if (role === 'user' && this.#isPreviewOpen) this.#fold.apply(event)
        return this.#add(id, turnId, parentId, after)
      }
      case 'message.updated':
        return this.#isKnown((data as unknown as CoreEvents['message.updated']).id)
      case 'part.updated':
        return this.#isKnown((data as unknown as CoreEvents['part.updated']).messageId)
      case 'message.deleted': {
        const { ids } = data as unknown as CoreEvents['message.deleted']
        this.#messageCount -= ids.length
        return ids.every((id) => this.#isKnown(id))
      }
    }
  }

  #isNext(id: string): boolean {
    if (id <= this.#lastId.toString('latin1')) return false
    if (this.#lastId[0] === 0) this.#firstId = id
    this.#lastId.write(id, 'latin1')
    return true
  }

  #isNewKey(key: string | undefined): boolean {
    return key === undefined || this.#keys.size < this.#keys.add(key).size
  }

  /** Whether a message was created before this event, if ever: its id is that of the event that creates it. */
  #isKnown(id: string | undefined): boolean {
    return id !== undefined && id < this.#lastId.toString('latin1')
  }

  get #isPreviewOpen(): boolean {
    this.#hasPreview ||= this.#fold.info(0).preview !== ''
    return !this.#hasPreview
  }

  /** Takes in the message of the last event. False unless it comes to the end of the one path there is. */
  #add(id: string, turnId: string, parentId: string | null | undefined, after: string | undefined): boolean {
    const head = this.#head[0] === 0 ? null : this.#head.toString('latin1')
    if (id !== this.#lastId.toString('latin1') || (after !== undefined && after >= id)) return false
    if (parentId !== undefined && parentId !== head) return false
    if (turnId === id) {
      this.#turnId.write(id, 'latin1')
      this.#turnCount++
    } else if (turnId !== this.#turnId.toString('latin1')) return false
    this.#head.write(id, 'latin1')
    this.#messageCount++
    return true
  }
}

function isAt(word: Buffer, bytes: Buffer, at: number): boolean {
  for (let i = 0; i < word.length; i++) if (bytes[at + i] !== word[i]) return false
  return true
}

/** The order of two ids. */
function compare(a: Buffer, at: number, b: Buffer, bAt: number): number {
  for (let i = 0; i < ID_LENGTH; i++) {
    const difference = a[at + i]! - b[bAt + i]!
    if (difference !== 0) return difference
  }
  return 0
}

function copy(from: Buffer, at: number, to: Buffer): void {
  for (let i = 0; i < ID_LENGTH; i++) to[i] = from[at + i]!
}

/** Whether what looks like an id is one piece of text. */
function isText(bytes: Buffer, at: number): boolean {
  for (let i = at; i < at + ID_LENGTH; i++) if (bytes[i] === QUOTE || bytes[i] === BACKSLASH) return false
  return true
}
