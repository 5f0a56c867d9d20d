/**
 * Finds the elements of a JSON document that is too big to be parsed as a whole, in whatever pieces its bytes come.
 *
 * Elements are the items of a list at the top, or the values at the top themselves: one object, or several after each
 * other. Each is parsed alone, so memory is bounded by the longest one, and a document that no string can hold (512 MB
 * in Node) is read nevertheless.
 *
 * Bytes that are no JSON cost as little as possible. The grammar is checked byte by byte, so damage is seen where it
 * is and not at the end of the file; then the next element is looked for by the first keys of those before. What lies
 * between is one unreadable element: it is counted and told, never thrown. Everything in this file is pure.
 */
import { isArray, type Json, type JsonObject } from '../json.ts'
import { isWhite, ValueScanner } from './json-scanner.ts'
import { EXCERPT_CHARS, excerptOf, isTooDeep, textOf, type UnreadableLine } from './jsonl.ts'

/** The longest element that is parsed. */
const MAX_ELEMENT_BYTES = 256 * 1024 * 1024
/** Of so many sorts of elements the first keys are remembered. */
const MAX_SHAPES = 16
/** White space between a bracket and the key after it, when an element is looked for: more than anybody indents. */
const MAX_GAP_BYTES = 256
/** How much is scanned in vain behind damage: so many bytes, and so many times what is done. Past that no second look is taken. */
const MAX_VAIN_BYTES = 16 * 1024 * 1024
const MAX_VAIN_TIMES = 8
const HEAD_BYTES = EXCERPT_CHARS * 4
const BOM = [0xef, 0xbb, 0xbf]
const NONE: Buffer = Buffer.alloc(0)

const LF = 0x0a
const COMMA = 0x2c
const OPEN_LIST = 0x5b
const CLOSE_LIST = 0x5d
const OPEN_OBJECT = 0x7b

/** An object or a list that was found, and where. */
export interface JsonElement {
  /** 0-based, among all elements, unreadable ones included. */
  readonly ordinal: number
  /** 0-based: which of the values at the top it is, or is in. */
  readonly document: number
  /** Whether it is an item of a list at the top, not itself a value there. */
  readonly isItem: boolean
  /** 1-based: the line it begins on. */
  readonly line: number
  /** Where it begins, and how long it is, in bytes. */
  readonly offset: number
  readonly sizeBytes: number
  readonly value: JsonObject | readonly Json[]
}

/** What some bytes gave. */
export interface Found {
  readonly elements: readonly JsonElement[]
  /** Ranges of bytes that gave no element; `line` is the one they begin on. */
  readonly unreadable: readonly UnreadableLine[]
}

/** `between` elements, `inside` one, `passing` one that is too long, or `seeking` the next one behind damage. */
type Mode = 'between' | 'inside' | 'passing' | 'seeking'

/** An unreadable range whose end is not known yet. */
interface Range {
  readonly ordinal: number
  readonly line: number
  readonly offset: number
  readonly reason: UnreadableLine['reason']
  /** The first key of the element it begins with, quotes included, where that much of it makes sense. */
  readonly firstKey: Buffer | undefined
  /** Its first bytes. */
  head: Buffer
}

/** Takes a file in pieces. Wherever it is cut, the same is found. */
export class JsonElements {
  readonly #maxBytes: number
  readonly #scanner = new ValueScanner()
  readonly #shapes = new Shapes()
  #mode: Mode = 'between'
  /** What came in earlier pieces of the element that was begun. */
  #kept: Buffer[] = []
  /** Behind damage: what may be the beginning of an element, and is too short to tell. */
  #carried = NONE
  #range: Range | undefined
  /** All before this is done. */
  #offset = 0
  #line = 1
  #ordinal = 0
  #document = 0
  #isInList = false
  /** Bytes of what looked like elements and were none. */
  #vainBytes = 0
  #elements: JsonElement[] = []
  #unreadable: UnreadableLine[] = []

  /** @param maxBytes the longest element that is parsed; longer ones are told as `too-long`. Default: 256 MiB */
  constructor(maxBytes: number = MAX_ELEMENT_BYTES) {
    this.#maxBytes = maxBytes
  }

  /** Takes the next bytes, which must not be changed any more. */
  feed(chunk: Buffer): Found {
    const bytes = this.#carried.length === 0 ? chunk : Buffer.concat([this.#carried, chunk])
    this.#carried = NONE
    this.#run(bytes, 0)
    return this.#found()
  }

  /** What is found because nothing follows. */
  end(): Found {
    for (;;) {
      if (this.#mode === 'inside' && this.#kept.length > 0) {
        const bytes = this.#takeKept(NONE)
        this.#run(bytes, this.#scanner.endsHere ? this.#complete(bytes, 0) : this.#fail(bytes, 0))
      } else if (this.#carried.length > 0) {
        const bytes = this.#carried
        this.#carried = NONE
        this.#run(bytes, this.#advance(bytes, 0, 1))
      } else break
    }
    this.#closeRange()
    return this.#found()
  }

  #found(): Found {
    const found = { elements: this.#elements, unreadable: this.#unreadable }
    this.#elements = []
    this.#unreadable = []
    return found
  }

  #run(given: Buffer, from: number): void {
    let bytes = given
    let at = from
    while (at < bytes.length) {
      if (this.#mode === 'between') at = this.#begin(bytes, at)
      else if (this.#mode === 'seeking') at = this.#seek(bytes, at)
      else if (this.#mode === 'passing') at = this.#pass(bytes, at)
      else {
        const scanned = this.#scanner.scan(bytes, at)
        if (scanned === 'more') return this.#keep(bytes.subarray(at))
        if (this.#kept.length > 0) {
          bytes = this.#takeKept(bytes.subarray(at))
          at = 0
        }
        at = scanned === 'bad' ? this.#fail(bytes, at) : this.#complete(bytes, at)
      }
    }
  }

  /** Up to the first byte of an element. */
  #begin(bytes: Buffer, from: number): number {
    for (let at = from; at < bytes.length; at++) {
      const byte = bytes[at]!
      if (isWhite(byte) || byte === COMMA || byte === BOM[this.#offset + at - from]) continue
      if (byte === OPEN_LIST && !this.#isInList) this.#isInList = true
      else if (byte === CLOSE_LIST && this.#isInList) {
        this.#isInList = false
        this.#document++
      } else {
        this.#mode = 'inside'
        this.#scanner.reset()
        return this.#advance(bytes, from, at)
      }
    }
    return this.#advance(bytes, from, bytes.length)
  }

  #keep(bytes: Buffer): void {
    this.#kept.push(bytes)
    if (this.#scanner.sizeBytes <= this.#maxBytes) return
    const made = this.#takeKept(NONE)
    this.#openRange('too-long', made)
    this.#advance(made, 0, made.length)
    this.#mode = 'passing'
  }

  /** The element that was begun, with the bytes that go on from it. */
  #takeKept(rest: Buffer): Buffer {
    const bytes = Buffer.concat([...this.#kept, rest])
    this.#kept = []
    return bytes
  }

  #pass(bytes: Buffer, at: number): number {
    const before = this.#scanner.sizeBytes
    const scanned = this.#scanner.scan(bytes, at)
    const end = this.#advance(bytes, at, at + this.#scanner.sizeBytes - before)
    if (scanned === 'bad') this.#mode = 'seeking'
    else if (scanned === 'done') this.#passed()
    return end
  }

  /** Behind an element that is too long. One that was found behind damage is still part of the damage. */
  #passed(): void {
    if (this.#range?.reason === 'too-long') this.#closeRange()
    else this.#mode = 'seeking'
  }

  /** Damage in the element that begins at `at`. Returns where to go on. */
  #fail(bytes: Buffer, at: number): number {
    const { sizeBytes } = this.#scanner
    this.#openRange(sizeBytes > this.#maxBytes ? 'too-long' : 'not-json', bytes.subarray(at, at + sizeBytes))
    this.#mode = 'seeking'
    this.#vainBytes += sizeBytes
    const isPassed =
      sizeBytes > this.#maxBytes || this.#vainBytes > MAX_VAIN_BYTES + MAX_VAIN_TIMES * (this.#offset + sizeBytes)
    // Where the damage is seen, the next element may have begun long ago.
    return this.#advance(bytes, at, at + (isPassed ? Math.max(sizeBytes, 1) : 1))
  }

  /** The end of the element that begins at `at`. Returns where to go on. */
  #complete(bytes: Buffer, at: number): number {
    const { sizeBytes } = this.#scanner
    const end = at + sizeBytes
    if (sizeBytes > this.#maxBytes) {
      this.#openRange('too-long')
      this.#advance(bytes, at, end)
      this.#passed()
      return end
    }
    const value = elementOf(bytes.subarray(at, end))
    if (this.#range === undefined) {
      if (typeof value === 'string') this.#openRange(value)
      else this.#add(value, sizeBytes)
      this.#advance(bytes, at, end)
      this.#closeRange()
    } else if (typeof value === 'object' && this.#shapes.fits(value)) {
      this.#closeRange()
      this.#add(value, sizeBytes)
      this.#advance(bytes, at, end)
    } else {
      this.#advance(bytes, at, end)
      this.#mode = 'seeking'
    }
    return end
  }

  #add(value: JsonElement['value'], sizeBytes: number): void {
    this.#shapes.learn(value)
    const place = { ordinal: this.#ordinal++, document: this.#document, isItem: this.#isInList }
    this.#elements.push({ ...place, line: this.#line, offset: this.#offset, sizeBytes, value })
    this.#between()
  }

  #between(): void {
    this.#mode = 'between'
    if (!this.#isInList) this.#document++
  }

  /** Up to what looks like the beginning of an element. */
  #seek(bytes: Buffer, from: number): number {
    for (let at = bytes.indexOf(OPEN_OBJECT, from); at >= 0; at = bytes.indexOf(OPEN_OBJECT, at + 1)) {
      const match = this.#shapes.match(bytes, at, this.#range?.firstKey)
      if (match === 'no') continue
      this.#advance(bytes, from, at)
      if (match === 'yes') {
        this.#mode = 'inside'
        this.#scanner.reset()
        return at
      }
      this.#carried = Buffer.from(bytes.subarray(at))
      return bytes.length
    }
    return this.#advance(bytes, from, bytes.length)
  }

  /** @param made what makes sense of the damaged element */
  #openRange(reason: Range['reason'], made: Buffer = NONE): void {
    if (this.#range !== undefined) return
    const firstKey = firstKeyIn(made.subarray(0, Math.min(HEAD_BYTES, this.#maxBytes)))
    const [line, offset] = [this.#line, this.#offset]
    this.#range = { ordinal: this.#ordinal++, line, offset, reason, firstKey, head: NONE }
  }

  /** The unreadable range ends where everything is done. */
  #closeRange(): void {
    if (this.#range === undefined) return
    const { ordinal, line, offset, reason, head } = this.#range
    this.#range = undefined
    const sizeBytes = this.#offset - offset
    this.#unreadable.push({ line, element: ordinal + 1, offset, sizeBytes, reason, excerpt: excerptOf(head) })
    this.#between()
  }

  /** The bytes are done. Returns `to`. */
  #advance(bytes: Buffer, from: number, to: number): number {
    const done = bytes.subarray(from, to)
    for (let at = done.indexOf(LF); at >= 0; at = done.indexOf(LF, at + 1)) this.#line++
    this.#offset += done.length
    const range = this.#range
    if (range !== undefined && range.head.length < HEAD_BYTES) {
      range.head = Buffer.concat([range.head, done.subarray(0, HEAD_BYTES - range.head.length)])
    }
    return to
  }
}

/** The value of an element, or why there is none. */
function elementOf(bytes: Buffer): JsonElement['value'] | UnreadableLine['reason'] {
  const text = textOf(bytes)
  if (text === undefined) return 'not-utf8'
  let value: Json
  try {
    value = JSON.parse(text) as Json
  } catch {
    // Its brackets are those of JSON, but not what is between them: the caller tells it.
    return 'not-json'
  }
  if (typeof value !== 'object' || value === null) return 'not-an-object'
  return isTooDeep(value) ? 'too-deep' : value
}

/** What elements begin with, to know them again behind damage: their first key, and the one after it. */
class Shapes {
  readonly #seconds = new Map<string, Set<string | undefined>>()
  #firsts: readonly Buffer[] = []

  learn(value: JsonElement['value']): void {
    if (isArray(value) || this.#firsts.length === MAX_SHAPES) return
    const [first, second] = Object.keys(value)
    if (first === undefined) return
    const seconds = this.#seconds.get(first)
    if (seconds !== undefined) seconds.add(second)
    else {
      this.#seconds.set(first, new Set([second]))
      this.#firsts = [...this.#seconds.keys()].map((key) => Buffer.from(JSON.stringify(key)))
    }
  }

  /** Whether an object that was found behind damage is an element, not part of a damaged one. */
  fits(value: JsonElement['value']): boolean {
    if (isArray(value)) return false
    const [first, second] = Object.keys(value)
    if (this.#firsts.length === 0) return true
    return first !== undefined && this.#seconds.get(first)?.has(second) === true
  }

  /** Whether an element may begin at `at`; `more`: too few bytes to tell. Before the first one `firstKey` says how. */
  match(bytes: Buffer, at: number, firstKey: Buffer | undefined): 'yes' | 'no' | 'more' {
    const firsts = this.#firsts.length > 0 ? this.#firsts : firstKey === undefined ? [] : [firstKey]
    if (firsts.length === 0) return 'yes'
    let start = at + 1
    while (start < bytes.length && start <= at + MAX_GAP_BYTES && isWhite(bytes[start]!)) start++
    const isCut = firsts.some((key) => {
      const rest = bytes.subarray(start, start + key.length)
      return rest.length < key.length && key.subarray(0, rest.length).equals(rest)
    })
    if (firsts.some((key) => bytes.subarray(start, start + key.length).equals(key))) return 'yes'
    return isCut ? 'more' : 'no'
  }
}

function firstKeyIn(head: Buffer): Buffer | undefined {
  const [, key] = /^\{[ \r\n\t]*("[^"\\]+")[ \r\n\t]*:/.exec(head.toString('latin1')) ?? []
  return key === undefined ? undefined : Buffer.from(key, 'latin1')
}
