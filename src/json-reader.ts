/**
 * Reads JSON where it lies, byte by byte, without making anything of it; what it takes is what `JSON.parse` takes, but for white space and for
 * what nests deeply. Of the bytes, only that they are UTF-8 and that a line feed ends them is taken for granted. Pure.
 */
export const LF: number = 0x0a
const FIRST_PRINTABLE = 0x20
export const QUOTE: number = 0x22
const PLUS = 0x2b
export const COMMA: number = 0x2c
const MINUS = 0x2d
const DOT = 0x2e
export const ZERO: number = 0x30
const NINE = 0x39
export const COLON: number = 0x3a
const UPPER_E = 0x45
export const OPEN_LIST: number = 0x5b
const BACKSLASH = 0x5c
export const CLOSE_LIST: number = 0x5d
const LOWER_E = 0x65
const LOWER_U = 0x75
export const OPEN_OBJECT: number = 0x7b
export const CLOSE_OBJECT: number = 0x7d
const DELETE = 0x7f

/** So many bytes are looked at at once; one in each. */
const WORD = 4
const EACH = 0x01010101

/** What stands in a text for itself, and of that what is ASCII. */
const TEXT = tableOf((byte) => byte >= FIRST_PRINTABLE && byte !== QUOTE && byte !== BACKSLASH)
const PLAIN = tableOf((byte) => TEXT[byte] === 1 && byte < DELETE)
const ESCAPED = tableOf((byte) => '"\\/bfnrt'.includes(String.fromCharCode(byte)))
const HEX = tableOf((byte) => '0123456789abcdefABCDEF'.includes(String.fromCharCode(byte)))

const WORDS = ['true', 'false', 'null'].map(bytesOf)
/** Lists and objects inside each other that are followed. */
const MAX_LEVELS = 64

export class JsonReader {
  protected bytes: Buffer = Buffer.alloc(0)
  /** Where it reads on; -1: it does not. Then nothing is taken any more. */
  protected at = 0
  /** What {@link plain} took. */
  protected start = 0
  protected length = 0
  #words: DataView = new DataView(new ArrayBuffer(0))

  protected begin(bytes: Buffer, at: number): void {
    this.at = at
    if (this.bytes === bytes) return
    this.bytes = bytes
    this.#words = new DataView(bytes.buffer, bytes.byteOffset, bytes.length)
  }

  /** Whether {@link plain} took so many characters. */
  protected isLong(length: number): boolean {
    return this.at >= 0 && this.length === length
  }

  /** Whether that is what it took. */
  protected isNamed(name: Uint8Array): boolean {
    if (name.length !== this.length) return false
    const { bytes, start } = this
    for (let i = 0; i < name.length; i++) if (bytes[start + i] !== name[i]) return false
    return true
  }

  /** Takes characters of ASCII, none of them escaped, up to a quote. */
  protected plain(): void {
    this.start = this.at
    this.length = -1
    if (this.at < 0) return
    const bytes = this.bytes
    let at = this.at
    while (PLAIN[bytes[at]!] === 1) at++
    this.at = bytes[at] === QUOTE ? at : -1
    this.length = at - this.start
  }

  protected skip(expected: Uint8Array): void {
    const { at, bytes } = this
    if (at < 0) return
    for (let i = 0; i < expected.length; i++) {
      if (bytes[at + i] === expected[i]) continue
      this.at = -1
      return
    }
    this.at = at + expected.length
  }

  protected take(byte: number): void {
    if (this.at >= 0) this.at = this.bytes[this.at] === byte ? this.at + 1 : -1
  }

  /** Takes a byte if it is there. */
  protected is(byte: number): boolean {
    if (this.at < 0 || this.bytes[this.at] !== byte) return false
    this.at++
    return true
  }

  protected value(level: number): void {
    if (this.at < 0) return
    const first = this.bytes[this.at]!
    if (first === QUOTE) this.at = endOfText(this.bytes, this.#words, this.at)
    else if (first === OPEN_OBJECT) this.object(level + 1)
    else if (first === OPEN_LIST) this.list(level + 1)
    else if (first === MINUS || isDigit(first)) this.number()
    else this.word(first)
  }

  protected object(level: number): void {
    this.at++
    if (this.is(CLOSE_OBJECT)) return
    if (level > MAX_LEVELS) this.at = -1
    do {
      if (this.at < 0 || this.bytes[this.at] !== QUOTE) this.at = -1
      else this.at = endOfText(this.bytes, this.#words, this.at)
      this.take(COLON)
      this.value(level)
    } while (this.is(COMMA))
    this.take(CLOSE_OBJECT)
  }

  protected list(level: number): void {
    this.at++
    if (this.is(CLOSE_LIST)) return
    if (level > MAX_LEVELS) this.at = -1
    do this.value(level)
    while (this.is(COMMA))
    this.take(CLOSE_LIST)
  }

  protected word(first: number): void {
    const word = WORDS.find((each) => each[0] === first)
    if (word === undefined) this.at = -1
    else this.skip(word)
  }

  protected number(): void {
    const bytes = this.bytes
    let at = this.at
    if (at < 0) return
    if (bytes[at] === MINUS) at++
    at = bytes[at] === ZERO ? at + 1 : afterDigits(bytes, at)
    if (at >= 0 && bytes[at] === DOT) at = afterDigits(bytes, at + 1)
    if (at >= 0 && (bytes[at] === LOWER_E || bytes[at] === UPPER_E)) {
      at++
      at = afterDigits(bytes, bytes[at] === PLUS || bytes[at] === MINUS ? at + 1 : at)
    }
    this.at = at
  }
}

/** Where a text ends that begins with the quote at `from`, behind its last quote; -1 if JSON has no such text. */
function endOfText(bytes: Uint8Array, words: DataView, from: number): number {
  const last = bytes.length - WORD
  let at = from + 1
  for (;;) {
    while (at <= last && isText(words.getInt32(at, true))) at += WORD
    while (TEXT[bytes[at]!] === 1) at++
    const byte = bytes[at]
    if (byte === QUOTE) return at + 1
    if (byte !== BACKSLASH) return -1
    const escaped = bytes[at + 1]!
    if (ESCAPED[escaped] === 1) at += 2
    else if (escaped === LOWER_U && isHex(bytes, at + 2)) at += 6
    else return -1
  }
}

/** Whether four bytes all stand for themselves: none is below the first printable one, a quote or a backslash. */
function isText(word: number): boolean {
  const quotes = word ^ (QUOTE * EACH)
  const backslashes = word ^ (BACKSLASH * EACH)
  const controls = (word - FIRST_PRINTABLE * EACH) & ~word
  return ((controls | ((quotes - EACH) & ~quotes) | ((backslashes - EACH) & ~backslashes)) & (0x80 * EACH)) === 0
}

function isHex(bytes: Uint8Array, from: number): boolean {
  for (let i = from; i < from + 4; i++) if (HEX[bytes[i]!] !== 1) return false
  return true
}

/** -1 if there is none. */
function afterDigits(bytes: Uint8Array, from: number): number {
  let at = from
  while (isDigit(bytes[at]!)) at++
  return at > from ? at : -1
}

export function isDigit(byte: number): boolean {
  return byte >= ZERO && byte <= NINE
}

export function bytesOf(text: string): Uint8Array {
  return new TextEncoder().encode(text)
}

/** 1 for each of these bytes. */
function tableOf(isIn: (byte: number) => boolean): Uint8Array {
  return Uint8Array.from({ length: 256 }, (_, byte) => Number(isIn(byte)))
}
