/**
 * Reads a JSON document that is one object with a long list in it, `{"info":{…},"messages":[…]}`, in whatever pieces its bytes come.
 *
 * The members of the object and the items of the list are found by their brackets and quotes, and each is parsed alone: so
 * memory is bounded by the longest of them, a document that is cut off gives all that is whole, and an item that is no JSON
 * is told and passed. Everything in this file is pure.
 */
import type { Json } from '../json.ts'
import { isWhite } from './json-scanner.ts'
import { excerptOf, isTooDeep, textOf, type UnreadableLine } from './jsonl.ts'

/** The longest member or item that is parsed. */
const MAX_BYTES = 256 * 1024 * 1024

const QUOTE = 0x22
const COMMA = 0x2c
const COLON = 0x3a
const OPEN_LIST = 0x5b
const BACKSLASH = 0x5c
const CLOSE_LIST = 0x5d
const OPEN_OBJECT = 0x7b
const CLOSE_OBJECT = 0x7d
const LF = 0x0a
const BOM = [0xef, 0xbb, 0xbf]

/** A member of the document, or an item of the list. */
export interface Member {
  readonly name: string
  /** Whether it is an item of the list, which is the member `name`. */
  readonly isItem: boolean
  readonly value: Json
  /** Where it begins, and how long it is, in bytes. */
  readonly offset: number
  readonly sizeBytes: number
}

/** What some bytes gave, in their order. */
export interface FoundMembers {
  readonly members: readonly Member[]
  readonly unreadable: readonly UnreadableLine[]
}

/** What comes next: the document, a key, what is behind it, a value, an item, what is behind those, or nothing any more. */
type Expects = 'document' | 'key' | 'colon' | 'value' | 'item' | 'after-value' | 'after-item' | 'nothing'

/** Takes a document in pieces. Wherever it is cut, the same is found. */
export class JsonMembers {
  readonly #list: string
  readonly #end = new ValueEnd()
  #expects: Expects = 'document'
  #name = ''
  #offset = 0
  #line = 1
  /** The value that was begun. */
  #begun:
    | {
        readonly what: 'key' | 'value' | 'item'
        readonly offset: number
        readonly line: number
        sizeBytes: number
        pieces: Buffer[]
      }
    | undefined
  #members: Member[] = []
  #unreadable: UnreadableLine[] = []
  #isBroken = false

  /** @param list the name of the member whose items are told one by one */
  constructor(list: string) {
    this.#list = list
  }

  /** Takes the next bytes, which must not be changed any more. */
  feed(bytes: Buffer): FoundMembers {
    for (let at = 0; at < bytes.length;)
      at = this.#begun === undefined ? this.#between(bytes, at) : this.#inside(bytes, at)
    return this.#found()
  }

  /** What is found because nothing follows: a document that was cut off is told. */
  end(): FoundMembers {
    const begun = this.#begun
    if (begun !== undefined) {
      this.#begun = undefined
      this.#reject('not-json', begun.offset, begun.line, begun.sizeBytes, Buffer.concat(begun.pieces))
    } else if (this.#expects !== 'nothing') this.#reject('not-json', this.#offset, this.#line, 0, Buffer.alloc(0))
    this.#expects = 'nothing'
    return this.#found()
  }

  #found(): FoundMembers {
    const found = { members: this.#members, unreadable: this.#unreadable }
    this.#members = []
    this.#unreadable = []
    return found
  }

  /** One byte between values. Returns where to go on. */
  #between(bytes: Buffer, at: number): number {
    const byte = bytes[at]!
    if (isWhite(byte) || byte === BOM[this.#offset]) return this.#pass(bytes, at, at + 1)
    const next = this.#step(byte)
    if (next === 'begin') {
      const what = this.#expects === 'key' ? 'key' : this.#expects === 'item' ? 'item' : 'value'
      this.#begun = { what, offset: this.#offset, line: this.#line, sizeBytes: 0, pieces: [] }
      this.#end.reset()
      return at
    }
    if (next === 'bad') return this.#fail(bytes, at)
    this.#expects = next
    return this.#pass(bytes, at, at + 1)
  }

  /** What a byte that is no white space between values leads to. */
  #step(byte: number): Expects | 'begin' | 'bad' {
    switch (this.#expects) {
      case 'document':
        return byte === OPEN_OBJECT ? 'key' : 'bad'
      case 'key':
        if (byte === CLOSE_OBJECT) return 'nothing'
        return byte === QUOTE ? 'begin' : 'bad'
      case 'colon':
        return byte === COLON ? 'value' : 'bad'
      case 'value':
        if (byte === OPEN_LIST && this.#name === this.#list) return 'item'
        return isEnd(byte) ? 'bad' : 'begin'
      case 'item':
        if (byte === CLOSE_LIST) return 'after-value'
        return isEnd(byte) ? 'bad' : 'begin'
      case 'after-value':
        if (byte === CLOSE_OBJECT) return 'nothing'
        return byte === COMMA ? 'key' : 'bad'
      case 'after-item':
        if (byte === CLOSE_LIST) return 'after-value'
        return byte === COMMA ? 'item' : 'bad'
      case 'nothing':
        return 'bad'
    }
  }

  /** The bytes of the value that was begun. Returns where to go on. */
  #inside(bytes: Buffer, at: number): number {
    const begun = this.#begun!
    const end = this.#end.find(bytes, at)
    const to = end < 0 ? bytes.length : end
    // Of what is too long only the beginning is kept, to show it.
    if (begun.sizeBytes <= MAX_BYTES) begun.pieces.push(bytes.subarray(at, to))
    begun.sizeBytes += to - at
    const next = this.#pass(bytes, at, to)
    if (end >= 0) {
      this.#begun = undefined
      this.#complete(begun.what, begun.sizeBytes > MAX_BYTES ? begun.pieces.slice(0, 1) : begun.pieces, begun)
    }
    return next
  }

  #complete(
    what: 'key' | 'value' | 'item',
    pieces: readonly Buffer[],
    place: { readonly offset: number; readonly line: number; readonly sizeBytes: number },
  ): void {
    const bytes = pieces.length === 1 ? pieces[0]! : Buffer.concat(pieces)
    const value = place.sizeBytes > MAX_BYTES ? { reason: 'too-long' as const } : valueOf(bytes)
    this.#expects = what === 'key' ? 'colon' : what === 'value' ? 'after-value' : 'after-item'
    if ('reason' in value) {
      // Without the key the value is passed all the same: it is told twice, by its key and by where it is.
      if (what === 'key') this.#name = ''
      this.#reject(value.reason, place.offset, place.line, place.sizeBytes, bytes)
    } else if (what === 'key') this.#name = typeof value.json === 'string' ? value.json : ''
    else {
      const { offset, sizeBytes } = place
      this.#members.push({ name: this.#name, isItem: what === 'item', value: value.json, offset, sizeBytes })
    }
  }

  /** What comes from here on is no JSON. */
  #fail(bytes: Buffer, at: number): number {
    this.#reject('not-json', this.#offset, this.#line, bytes.length - at, bytes.subarray(at))
    this.#expects = 'nothing'
    this.#pass(bytes, at, bytes.length)
    this.#begun = undefined
    this.#isBroken = true
    return bytes.length
  }

  #reject(reason: UnreadableLine['reason'], offset: number, line: number, sizeBytes: number, bytes: Buffer): void {
    // Of a document that has no end any more the first place is enough.
    if (this.#isBroken) return
    this.#unreadable.push({ line, offset, sizeBytes, reason, excerpt: excerptOf(bytes) })
  }

  #pass(bytes: Buffer, from: number, to: number): number {
    // Not beyond: looking for the next one in the rest of a long line, for every value, would never end.
    const passed = bytes.subarray(from, to)
    for (let at = passed.indexOf(LF); at >= 0; at = passed.indexOf(LF, at + 1)) this.#line++
    this.#offset += to - from
    return to
  }
}

/** Finds where a value ends, by its brackets and quotes alone. */
class ValueEnd {
  #depth = 0
  #isText = false
  #isEscaped = false

  reset(): void {
    this.#depth = 0
    this.#isText = false
    this.#isEscaped = false
  }

  /** The index behind the value; -1 if it goes on behind `bytes`. */
  find(bytes: Buffer, from: number): number {
    for (let at = from; at < bytes.length; at++) {
      const byte = bytes[at]!
      if (this.#isText) {
        if (this.#isEscaped) this.#isEscaped = false
        else if (byte === BACKSLASH) this.#isEscaped = true
        else if (byte === QUOTE) {
          this.#isText = false
          if (this.#depth === 0) return at + 1
        }
      } else if (byte === QUOTE) this.#isText = true
      else if (byte === OPEN_OBJECT || byte === OPEN_LIST) this.#depth++
      else if (this.#depth === 0) {
        // A number or a word ends before what follows it.
        if (isEnd(byte) || isWhite(byte)) return at
      } else if ((byte === CLOSE_OBJECT || byte === CLOSE_LIST) && --this.#depth === 0) return at + 1
    }
    return -1
  }
}

function valueOf(bytes: Buffer): { readonly json: Json } | { readonly reason: UnreadableLine['reason'] } {
  const text = textOf(bytes)
  if (text === undefined) return { reason: 'not-utf8' }
  try {
    const json = JSON.parse(text) as Json
    return isTooDeep(json) ? { reason: 'too-deep' } : { json }
  } catch {
    // Its brackets are those of JSON, but not what is between them: the caller tells it.
    return { reason: 'not-json' }
  }
}

function isEnd(byte: number): boolean {
  return byte === COMMA || byte === CLOSE_LIST || byte === CLOSE_OBJECT || byte === COLON
}
