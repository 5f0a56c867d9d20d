/**
 * Where in the bytes of lines a text may be, without parsing them.
 *
 * A foldlog writes a string as `JSON.stringify` does, with U+2028 and U+2029 escaped, so the text is looked for in that form. Other writers
 * may escape more (`\u00e9`, `\/`), and write numbers in other ways: {@link Disguise} finds lines in which a text could hide from that.
 * Where in doubt both say yes; what is found is parsed. Pure.
 */
import { CaselessProbe, variantsOf } from './search-caseless.ts'
import type { Literal } from './search-literals.ts'

const LF = 0x0a
const BACKSLASH = 0x5c

/** Some whole lines, of which nothing is kept. */
export class Piece {
  readonly bytes: Buffer

  constructor(bytes: Uint8Array) {
    this.bytes = Buffer.isBuffer(bytes) ? bytes : Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length)
  }

  /** The line that is at a place, without its line feed. */
  lineAt(at: number): { readonly start: number; readonly end: number } {
    const end = this.bytes.indexOf(LF, at)
    const start = at === 0 ? 0 : this.bytes.lastIndexOf(LF, at - 1) + 1
    return { start, end: end < 0 ? this.bytes.length : end }
  }
}

/** Looks for one text. */
export interface Probe {
  /** It looks for so many bytes in a row. */
  readonly sizeBytes: number
  /** The first place from `from` on where it may be; -1 if there is none. */
  find(piece: Piece, from: number): number
}

/** How a text is turned into bytes. */
export type Spelling = (text: string) => string

/** `spelling`: by default that of a line. */
export function probeOf({ text, ignoreCase }: Literal, spelling: Spelling = written): Probe {
  const isCased = ignoreCase && text.toLowerCase() !== text.toUpperCase()
  return isCased ? new CaselessProbe(text, spelling) : new ExactProbe(spelling(text))
}

/** A text as it stands in a line that a foldlog wrote. */
function written(text: string): string {
  const json = JSON.stringify(text).slice(1, -1)
  return json.replaceAll('\u2028', String.raw`\u2028`).replaceAll('\u2029', String.raw`\u2029`)
}

/** The bytes of logs that come most often, roughly in that order. */
const COMMON = Buffer.from(' e"taonisrl,dc:uhmp{}_01g2fy\\.b-wv4356789kTM')
/** Node looks for up to seven bytes by their first one, at the speed of memory if that is rare; for more it takes longer steps, which are slower. */
const HEAD_BYTES = 7

class ExactProbe implements Probe {
  readonly #bytes: Buffer
  /** From the rarest byte on. */
  readonly #head: Buffer
  readonly #headAt: number

  constructor(text: string) {
    this.#bytes = Buffer.from(text)
    const rarity = [...this.#bytes].map((byte) => (COMMON.includes(byte) ? COMMON.indexOf(byte) : COMMON.length))
    this.#headAt = rarity.indexOf(Math.max(...rarity))
    this.#head = this.#bytes.subarray(this.#headAt, this.#headAt + HEAD_BYTES)
  }

  get sizeBytes(): number {
    return this.#bytes.length
  }

  find({ bytes }: Piece, from: number): number {
    const wanted = this.#bytes
    for (let at = from + this.#headAt; ; at++) {
      at = bytes.indexOf(this.#head, at)
      if (at < 0) return -1
      const start = at - this.#headAt
      const end = start + wanted.length
      if (end <= bytes.length && bytes.compare(wanted, 0, wanted.length, start, end) === 0) return start
    }
  }
}

/** Numbers that may be written in another way than `JSON.stringify` does it. */
const NUMBER = /[:,[]\s*(-?(?:\d+(?:\.\d+)?e[-+]?\d+|\d+\.\d*0|[\d.]{16,}))(?=[\s,\]}])/gi
const ESCAPE = Buffer.from(String.raw`\u`)
/** U+2028 and U+2029. */
const BREAKS = [0x2028, 0x2029]
const SLASH = Buffer.from(String.raw`\/`)

/** Whether lines hold characters of some texts in a form that no {@link Probe} finds. */
export class Disguise {
  /** UTF-16. */
  readonly #units = new Set<number>()
  readonly #hasSlash: boolean
  /** What others write as it is, and a foldlog does not. */
  readonly #unescaped: readonly Buffer[]
  readonly #mayBeNumber: boolean

  constructor(literals: readonly Literal[]) {
    for (const { text, ignoreCase } of literals) {
      const variants = ignoreCase ? [...variantsOf(text).values()].flat() : []
      const all = ignoreCase ? [text, text.toLowerCase(), text.toUpperCase(), ...variants] : [text]
      for (const each of all) for (let i = 0; i < each.length; i++) this.#units.add(each.charCodeAt(i))
    }
    this.#hasSlash = this.#units.has(0x2f)
    this.#unescaped = BREAKS.filter((unit) => this.#units.has(unit)).map((unit) =>
      Buffer.from(String.fromCharCode(unit)),
    )
    this.#mayBeNumber = literals.some(({ text }) => /^[\d+.e-]+$/i.test(text))
  }

  isIn(piece: Piece): boolean {
    const { bytes } = piece
    for (let at = bytes.indexOf(ESCAPE); at >= 0; at = bytes.indexOf(ESCAPE, at + 2)) {
      if (
        this.#units.has(unitAt(bytes, at + 2)) &&
        isEscape(bytes, at) &&
        isOdd(bytes.toString('latin1', at + 2, at + 6))
      )
        return true
    }
    for (let at = this.#hasSlash ? bytes.indexOf(SLASH) : -1; at >= 0; at = bytes.indexOf(SLASH, at + 2)) {
      if (isEscape(bytes, at)) return true
    }
    if (this.#unescaped.some((char) => bytes.includes(char))) return true
    return this.#mayBeNumber && hasOddNumber(piece)
  }
}

/** The UTF-16 unit of four hexadecimal digits, made without a string: logs of terminals are full of them. NaN if they are none. */
function unitAt(bytes: Buffer, at: number): number {
  let unit = 0
  for (let i = at; i < at + 4; i++) unit = unit * 16 + (HEX[bytes[i]!] ?? Number.NaN)
  return unit
}

const HEX: readonly number[] = Array.from({ length: 256 }, (_, byte) => Number.parseInt(String.fromCharCode(byte), 16))

/** Whether an escape is not as a foldlog writes it. */
function isOdd(hex: string): boolean {
  const char = String.fromCharCode(Number.parseInt(hex, 16))
  // Half of a character is what only others write.
  return !char.isWellFormed() || written(char) !== String.raw`\u${hex}`
}

function hasOddNumber({ bytes }: Piece): boolean {
  for (const [, number] of bytes.toString('latin1').matchAll(NUMBER)) if (String(Number(number)) !== number) return true
  return false
}

/** Whether a backslash begins an escape, and is not the second one of two. */
function isEscape(bytes: Buffer, at: number): boolean {
  let before = at
  while (before > 0 && bytes[before - 1] === BACKSLASH) before--
  return (at - before) % 2 === 0
}
