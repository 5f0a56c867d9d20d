/**
 * Where in the bytes of lines a text may be, without parsing them.
 *
 * A foldlog writes a string as `JSON.stringify` does, with U+2028 and U+2029 escaped, so the text is looked for in that form. Other writers
 * may escape more (`\u00e9`, `\/`), and write numbers in other ways: {@link Disguise} finds lines in which a text could hide from that.
 * Where in doubt both say yes; what is found is parsed. Pure.
 */
import type { Literal } from './search-literals.ts'

const LF = 0x0a
const BACKSLASH = 0x5c

/** Strings of more than this are made anew in memory that is slow to get. */
const WINDOW_BYTES = 1 << 15
/** What is looked for in windows is shorter. */
const OVERLAP_BYTES = 1 << 11

/** Some whole lines, of which nothing is kept. */
export class Piece {
  readonly bytes: Buffer
  #window: { readonly start: number; readonly text: string } | undefined

  constructor(bytes: Uint8Array) {
    this.bytes = Buffer.isBuffer(bytes) ? bytes : Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length)
  }

  /** The first match of a global pattern from `from` on; -1 if there is none. The pattern is of bytes, a character each. */
  indexOf(pattern: RegExp, from: number): number {
    for (let start = from - (from % WINDOW_BYTES); start < this.bytes.length; start += WINDOW_BYTES) {
      pattern.lastIndex = Math.max(0, from - start)
      const index = pattern.exec(this.#windowAt(start))?.index
      if (index !== undefined) return start + index
    }
    return -1
  }

  /** The bytes from a place on, as far as a window goes and what begins in it. */
  #windowAt(start: number): string {
    if (this.#window?.start !== start) {
      const end = Math.min(this.bytes.length, start + WINDOW_BYTES + OVERLAP_BYTES)
      this.#window = { start, text: this.bytes.toString('latin1', start, end) }
    }
    return this.#window.text
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
  /** The first place from `from` on where it may be; -1 if there is none. */
  find(piece: Piece, from: number): number
}

export function probeOf({ text, ignoreCase }: Literal): Probe {
  return ignoreCase && text.toLowerCase() !== text.toUpperCase() ? new CaselessProbe(text) : new ExactProbe(text)
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
    this.#bytes = Buffer.from(written(text))
    const rarity = [...this.#bytes].map((byte) => (COMMON.includes(byte) ? COMMON.indexOf(byte) : COMMON.length))
    this.#headAt = rarity.indexOf(Math.max(...rarity))
    this.#head = this.#bytes.subarray(this.#headAt, this.#headAt + HEAD_BYTES)
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

/** A character takes no more: `\u2028`. */
const MOST_BYTES = 6

class CaselessProbe implements Probe {
  readonly #pattern: RegExp

  constructor(text: string) {
    const variants = variantsOf(text)
    // The beginning of a long text will do.
    const source = Array.from(text)
      .slice(0, OVERLAP_BYTES / MOST_BYTES)
      .map((char) => {
        const all = variants.get(char) ?? [char]
        const forms = all.map((each) =>
          Buffer.from(written(each))
            .toString('latin1')
            .replaceAll(/[$()*+.?[\\\]^{|}]/g, String.raw`\$&`),
        )
        return forms.length === 1 ? forms[0]! : `(?:${forms.join('|')})`
      })
    this.#pattern = new RegExp(source.join(''), 'gi')
  }

  find(piece: Piece, from: number): number {
    return piece.indexOf(this.#pattern, from)
  }
}

/** What a character is the same as where case is ignored and the flag `u` is not set. */
function canonical(char: string): string {
  const upper = char.toUpperCase()
  return upper.length > 1 || (isAscii(upper) && !isAscii(char)) ? char : upper
}

function isAscii(char: string): boolean {
  return char.charCodeAt(0) < 0x80
}

/** For each character of a text that is not ASCII and has a case, all that are the same as it. */
function variantsOf(text: string): ReadonlyMap<string, readonly string[]> {
  const cased = Array.from(text).filter(
    (char) => char.length === 1 && !isAscii(char) && char.toLowerCase() !== char.toUpperCase(),
  )
  if (cased.length === 0) return new Map()
  const same = new Map(cased.map((char) => [canonical(char), new Set([char])]))
  for (let unit = 0x80; unit <= 0xffff; unit++) {
    const char = String.fromCharCode(unit)
    same.get(canonical(char))?.add(char)
  }
  return new Map(cased.map((char) => [char, [...same.get(canonical(char))!]]))
}

/** Numbers that may be written in another way than `JSON.stringify` does it. */
const NUMBER = /[:,[]\s*(-?(?:\d+(?:\.\d+)?e[-+]?\d+|\d+\.\d*0|[\d.]{16,}))(?=[\s,\]}])/gi
const ESCAPE = Buffer.from(String.raw`\u`)
const SLASH = Buffer.from(String.raw`\/`)

/** Whether lines hold characters of some texts in a form that no {@link Probe} finds. */
export class Disguise {
  /** UTF-16. */
  readonly #units = new Set<number>()
  readonly #hasSlash: boolean
  readonly #mayBeNumber: boolean

  constructor(literals: readonly Literal[]) {
    for (const { text, ignoreCase } of literals) {
      const variants = ignoreCase ? [...variantsOf(text).values()].flat() : []
      const all = ignoreCase ? [text, text.toLowerCase(), text.toUpperCase(), ...variants] : [text]
      for (const each of all) for (let i = 0; i < each.length; i++) this.#units.add(each.charCodeAt(i))
    }
    this.#hasSlash = this.#units.has(0x2f)
    this.#mayBeNumber = literals.some(({ text }) => /^[\d+.e-]+$/i.test(text))
  }

  isIn(piece: Piece): boolean {
    const { bytes } = piece
    for (let at = bytes.indexOf(ESCAPE); at >= 0; at = bytes.indexOf(ESCAPE, at + 2)) {
      if (isEscape(bytes, at) && this.#isOdd(bytes.toString('latin1', at + 2, at + 6))) return true
    }
    for (let at = this.#hasSlash ? bytes.indexOf(SLASH) : -1; at >= 0; at = bytes.indexOf(SLASH, at + 2)) {
      if (isEscape(bytes, at)) return true
    }
    return this.#mayBeNumber && hasOddNumber(piece)
  }

  /** Whether an escape is of a character in question, and not as a foldlog writes it. */
  #isOdd(hex: string): boolean {
    const unit = Number.parseInt(hex, 16)
    if (!this.#units.has(unit)) return false
    const char = String.fromCharCode(unit)
    // Half of a character is what only others write.
    return !char.isWellFormed() || written(char) !== String.raw`\u${hex}`
  }
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
