/**
 * Where in bytes a text may be in whatever case, without making a string of them.
 *
 * Every so many bytes two are looked at, and only where these two are somewhere in the text, in some case, all of it is compared. No place is missed,
 * because the text is longer than the steps; a longer text is found faster. Pure.
 */
import type { Piece, Probe, Spelling } from './search-probe.ts'

/** More of a text is not looked for: what is found by it is parsed. */
const MOST_BYTES = 32

/** For each byte of some in a row: which it may be. */
type Run = readonly ReadonlySet<number>[]

export class CaselessProbe implements Probe {
  readonly #run: Run
  /** Whether a byte may be at a place of the run: 256 for each place. */
  readonly #fits: Uint8Array
  /** For each two bytes 0, or which of `#places` says where in the run they may be. */
  readonly #pairs = new Uint8Array(1 << 16)
  /** A bit for each place. */
  readonly #places: number[] = [0]
  /** The bits of places that are so near to the end that no two bytes follow. */
  readonly #last: number

  constructor(text: string, spelling: Spelling) {
    this.#run = runOf(text, spelling)
    this.#fits = new Uint8Array(this.#run.length * 256)
    for (const [place, bytes] of this.#run.entries()) for (const byte of bytes) this.#fits[place * 256 + byte] = 1
    const size = this.#run.length
    this.#last = size < 3 ? 0 : (3 << (size - 3)) >>> 0
    for (let place = 0; place < size - 1; place++) {
      for (const first of this.#run[place]!)
        for (const second of this.#run[place + 1]!) this.#note(first, second, place)
    }
  }

  get sizeBytes(): number {
    return this.#run.length
  }

  find({ bytes }: Piece, from: number): number {
    return this.#run.length < 3 ? this.#findShort(bytes, from) : this.#findLong(bytes, from)
  }

  #note(first: number, second: number, place: number): void {
    const pair = pairOf(first, second)
    if (this.#pairs[pair] === 0) this.#pairs[pair] = this.#places.push(0) - 1
    this.#places[this.#pairs[pair]!]! |= 1 << place
  }

  #findShort(bytes: Buffer, from: number): number {
    const fits = this.#fits
    const hasTwo = this.#run.length === 2
    for (let at = from; at <= bytes.length - this.#run.length; at++) {
      if (fits[bytes[at]!] === 1 && (!hasTwo || fits[256 + bytes[at + 1]!] === 1)) return at
    }
    return -1
  }

  #findLong(bytes: Buffer, from: number): number {
    const pairs = this.#pairs
    // Two bytes are read at once, which can be done at even addresses only.
    const start = from + ((bytes.byteOffset + from) % 2)
    const words = new Uint16Array(bytes.buffer, bytes.byteOffset + start, Math.max(0, bytes.length - start) >> 1)
    // Of so many pairs in a row one is looked at: the run has one at each of its places but the last. Four at once take half the time.
    const step = (this.#run.length - 1) >> 1
    for (let i = 0; i < words.length; i += 4 * step) {
      const isAny =
        i + 3 * step < words.length
          ? pairs[words[i]!]! | pairs[words[i + step]!]! | pairs[words[i + 2 * step]!]! | pairs[words[i + 3 * step]!]!
          : 1
      if (isAny === 0) continue
      const end = Math.min(words.length, i + 4 * step)
      for (let each = i; each < end; each += step) {
        const places = this.#placesOf(words, each)
        const at = places === 0 ? -1 : this.#startOf(places, start + 2 * each, bytes, from)
        if (at >= 0) return at
      }
    }
    return -1
  }

  /** Where a run starts of which a byte at one of some places is at `at`; -1 if there is none from `from` on. */
  #startOf(places: number, at: number, bytes: Buffer, from: number): number {
    const size = this.#run.length
    for (let place = size - 2; place >= 0; place--) {
      const start = at - place
      const isIn = start >= from && start + size <= bytes.length
      if (isIn && (places & (1 << place)) !== 0 && this.#isAt(bytes, start)) return start
    }
    return -1
  }

  /** The places of the run at which the pair at `i` may be, with the pairs before and after it. */
  #placesOf(words: Uint16Array, i: number): number {
    const here = this.#pairs[words[i]!]!
    if (here === 0) return 0
    const before = i > 0 ? this.#places[this.#pairs[words[i - 1]!]!]! : 0
    const next = i + 1 < words.length ? this.#places[this.#pairs[words[i + 1]!]!]! : 0
    return this.#places[here]! & ((before << 2) | 3) & ((next >>> 2) | this.#last)
  }

  #isAt(bytes: Buffer, at: number): boolean {
    const fits = this.#fits
    for (let place = 0; place < this.#run.length; place++) {
      if (fits[place * 256 + bytes[at + place]!] === 0) return false
    }
    return true
  }
}

const PAIR = new Uint8Array(2)
const WORD = new Uint16Array(PAIR.buffer)

/** Two bytes as the processor reads them at once. */
function pairOf(first: number, second: number): number {
  PAIR[0] = first
  PAIR[1] = second
  return WORD[0]!
}

/** The longest run of a text; it ends where a character is of several lengths. */
function runOf(text: string, spelling: Spelling): Run {
  const variants = variantsOf(text)
  let [longest, run]: [Set<number>[], Set<number>[]] = [[], []]
  const end = (): void => {
    if (run.length > longest.length) longest = run
    run = []
  }
  for (const char of text) {
    const forms = formsOf(char, variants).map((each) => Buffer.from(spelling(each)))
    const size = Math.min(...forms.map(({ length }) => length))
    const isFixed = forms.every(({ length }) => length === size)
    for (let i = 0; i < (isFixed ? size : 1); i++) run.push(new Set(forms.map((form) => form[i]!)))
    if (!isFixed) end()
    if (run.length >= MOST_BYTES) break
  }
  end()
  return longest.slice(0, MOST_BYTES)
}

/** A character in every case, as `variantsOf` has them; of ASCII both cases. */
function formsOf(char: string, variants: ReadonlyMap<string, readonly string[]>): readonly string[] {
  return isAscii(char) ? [char.toLowerCase(), char.toUpperCase()] : (variants.get(char) ?? [char])
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
export function variantsOf(text: string): ReadonlyMap<string, readonly string[]> {
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
