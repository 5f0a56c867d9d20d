/**
 * Checks the grammar of JSON byte by byte, to find where a value ends or stops making sense.
 *
 * Brackets, commas, colons and the ends of texts are checked; what numbers, words and escapes look like is left to
 * `JSON.parse`. Bytes above 127 stand in texts only, so UTF-8 need not be decoded. Everything in this file is pure.
 */

/** What a scan came to: the value goes on, has ended, or the byte behind what was taken cannot follow. */
export type Scanned = 'more' | 'done' | 'bad'

/** Brackets inside each other that are followed; deeper is bad. */
const MAX_BRACKETS = 10_000

const QUOTE = 0x22
const COMMA = 0x2c
const COLON = 0x3a
const OPEN_LIST = 0x5b
const BACKSLASH = 0x5c
const CLOSE_LIST = 0x5d
const OPEN_OBJECT = 0x7b
const CLOSE_OBJECT = 0x7d
const FIRST_PRINTABLE = 0x20

/** What may come next. */
const VALUE = 0
const VALUE_OR_END = 1
const KEY = 2
const KEY_OR_END = 3
const AFTER_KEY = 4
const AFTER_VALUE = 5
const IN_TEXT = 6
const IN_ESCAPE = 7
const IN_WORD = 8

/** Follows one value at a time. */
export class ValueScanner {
  /** Of each bracket that is open: whether it is that of an object. */
  readonly #isObject = new Uint8Array(MAX_BRACKETS)
  #depth = 0
  #next = VALUE
  #isKey = false
  #sizeBytes = 0

  /** How many bytes of the value were taken. */
  get sizeBytes(): number {
    return this.#sizeBytes
  }

  /** Whether the value is whole if nothing follows: numbers and words end only before something else. */
  get endsHere(): boolean {
    return this.#depth === 0 && this.#next === IN_WORD
  }

  /** Begins with a new value. */
  reset(): void {
    this.#depth = 0
    this.#next = VALUE
    this.#isKey = false
    this.#sizeBytes = 0
  }

  /** Takes bytes from `from` on, to the end of the value, of `bytes`, or of what makes sense. */
  scan(bytes: Uint8Array, from: number): Scanned {
    let at = from
    let scanned: Scanned = 'more'
    while (at < bytes.length && scanned === 'more') {
      const byte = bytes[at]!
      if (this.#next === IN_TEXT) {
        const end = endOfText(bytes, at)
        if (end === bytes.length) at = end
        else {
          scanned = this.#inText(bytes[end]!)
          at = scanned === 'bad' ? end : end + 1
        }
        continue
      }
      if (this.#next === IN_WORD) {
        if (isWord(byte)) {
          at++
          continue
        }
        this.#next = AFTER_VALUE
        if (this.#depth === 0) {
          scanned = 'done'
          continue
        }
      }
      scanned = this.#take(byte)
      if (scanned !== 'bad') at++
    }
    this.#sizeBytes += at - from
    return scanned
  }

  /** A byte in a text that is not simply part of it. */
  #inText(byte: number): Scanned {
    if (byte === BACKSLASH) this.#next = IN_ESCAPE
    else if (byte !== QUOTE) return 'bad'
    else if (this.#isKey) this.#next = AFTER_KEY
    else return this.#ended()
    return 'more'
  }

  /** A byte outside of texts and words. */
  #take(byte: number): Scanned {
    if (this.#next === IN_ESCAPE) {
      this.#next = IN_TEXT
      return byte < FIRST_PRINTABLE ? 'bad' : 'more'
    }
    if (isWhite(byte)) return this.#depth === 0 ? 'bad' : 'more'
    switch (this.#next) {
      case VALUE_OR_END:
        return byte === CLOSE_LIST ? this.#close() : this.#value(byte)
      case KEY_OR_END:
        return byte === CLOSE_OBJECT ? this.#close() : this.#key(byte)
      case KEY:
        return this.#key(byte)
      case AFTER_KEY:
        this.#next = VALUE
        return byte === COLON ? 'more' : 'bad'
      case AFTER_VALUE:
        return this.#afterValue(byte)
      default:
        return this.#value(byte)
    }
  }

  #value(byte: number): Scanned {
    if (byte === QUOTE) {
      this.#next = IN_TEXT
      this.#isKey = false
    } else if (byte === OPEN_OBJECT || byte === OPEN_LIST) {
      if (this.#depth === MAX_BRACKETS) return 'bad'
      this.#isObject[this.#depth++] = byte === OPEN_OBJECT ? 1 : 0
      this.#next = byte === OPEN_OBJECT ? KEY_OR_END : VALUE_OR_END
    } else if (isWord(byte)) this.#next = IN_WORD
    else return 'bad'
    return 'more'
  }

  #key(byte: number): Scanned {
    this.#next = IN_TEXT
    this.#isKey = true
    return byte === QUOTE ? 'more' : 'bad'
  }

  #afterValue(byte: number): Scanned {
    const isObject = this.#isObject[this.#depth - 1] === 1
    if (byte === COMMA) this.#next = isObject ? KEY : VALUE
    else if (byte === (isObject ? CLOSE_OBJECT : CLOSE_LIST)) return this.#close()
    else return 'bad'
    return 'more'
  }

  #close(): Scanned {
    this.#depth--
    return this.#ended()
  }

  #ended(): Scanned {
    this.#next = AFTER_VALUE
    return this.#depth === 0 ? 'done' : 'more'
  }
}

/** Where a text that goes on at `from` has a byte that is not simply part of it. */
function endOfText(bytes: Uint8Array, from: number): number {
  let at = from
  while (at < bytes.length) {
    const byte = bytes[at]!
    if (byte === QUOTE || byte === BACKSLASH || byte < FIRST_PRINTABLE) return at
    at++
  }
  return at
}

function isWord(byte: number): boolean {
  return (
    (byte >= 0x30 && byte <= 0x39) ||
    (byte >= 0x61 && byte <= 0x7a) ||
    (byte >= 0x41 && byte <= 0x5a) ||
    byte === 0x2d ||
    byte === 0x2b ||
    byte === 0x2e
  )
}

/** Whether JSON allows the byte between values. */
export function isWhite(byte: number): boolean {
  return byte === 0x20 || byte === 0x0a || byte === 0x0d || byte === 0x09
}
