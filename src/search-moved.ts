/**
 * Texts that were moved out of tool results because they are big (docs/files.md), for a search: which of them may hold what is asked for, by their
 * bytes alone, and what they say.
 *
 * What is missing or damaged is noted and passed over. No more than {@link MOST_CHARS} of one text is in memory at a time.
 */
import { createHash } from 'node:crypto'
import { StringDecoder } from 'node:string_decoder'
import type { Backend } from './backend.ts'
import { TEXT_TYPE } from './bulk.ts'
import { isFoldlogError } from './errors.ts'
import { storedNameOf } from './files.ts'
import { MAX_LINE_BYTES } from './line.ts'
import { Piece, probeOf, type Probe } from './search-probe.ts'
import type { Term } from './search-query.ts'

/** As much as a line may hold. Of a longer text so much is searched at a time, up to a line feed. */
const MOST_CHARS = MAX_LINE_BYTES
const NONE: ReadonlySet<Term> = new Set()

/** What a reference to stored bytes looks like in a line, and the rarest part of it, which is what is looked for. */
const REFERENCE = /^sha256-[0-9a-f]{64}$/
const REFERENCE_CHARS = 71
const RARE = Buffer.from('56-')
const RARE_AT = 4
/** What stands before it in a line that a foldlog wrote, if it is one of a text that was moved. */
const BEFORE = Buffer.from(`"mediaType":"${TEXT_TYPE}","file":"`)

/** What is done and told while files are looked at. */
export interface Visitor {
  /** Called between pieces. */
  rest(): Promise<void>
  /** Called with what was read, in bytes, once for each file. */
  read(sizeBytes: number): void
  /** Called once for each file that is missing or damaged. */
  unreadable(): void
}

export class MovedTexts {
  readonly #backend: Backend
  readonly #visitor: Visitor
  readonly #terms: readonly Term[]
  /** Of the terms that have some, what looks for them. */
  readonly #probes: ReadonlyMap<Term, readonly Probe[]>
  /** The names of a namespace's texts. */
  readonly #stored = new Map<string, Promise<ReadonlySet<string>>>()
  /** By namespace and name. */
  readonly #found = new Map<string, ReadonlySet<Term>>()
  readonly #begun = new Set<string>()
  readonly #unreadable = new Set<string>()

  constructor(backend: Backend, terms: readonly Term[], visitor: Visitor) {
    this.#backend = backend
    this.#terms = terms
    this.#visitor = visitor
    const probed = terms.flatMap((term) => (term.literals === undefined ? [] : [[term, term.literals] as const]))
    this.#probes = new Map(
      probed.map(([term, literals]) => [term, literals.map((literal) => probeOf(literal, (text) => text))]),
    )
  }

  /** The names of the files of a namespace; empty: nothing was moved there. */
  stored(namespace: string): Promise<ReadonlySet<string>> {
    let stored = this.#stored.get(namespace)
    if (stored === undefined) this.#stored.set(namespace, (stored = this.#list(namespace)))
    return stored
  }

  /** The texts that lines name, and where: those that are `stored`, and those that were. Without it all stored files that they name. */
  *namedIn({ bytes }: Piece, stored?: ReadonlySet<string>): Generator<readonly [at: number, file: string], void> {
    for (let at = bytes.indexOf(RARE); at >= 0; at = bytes.indexOf(RARE, at + RARE.length)) {
      const start = at - RARE_AT
      if (start < 0) continue
      const file = bytes.toString('latin1', start, start + REFERENCE_CHARS)
      if (!REFERENCE.test(file)) continue
      if (stored === undefined || stored.has(nameOf(file)!) || isBefore(bytes, start)) yield [start, file]
    }
  }

  /** What of all that is asked for a text may hold. */
  async termsIn(namespace: string, file: string): Promise<ReadonlySet<Term>> {
    const id = `${namespace}/${file}`
    let found = this.#found.get(id)
    if (found === undefined) this.#found.set(id, (found = await this.#look(namespace, file)))
    return found
  }

  /** A text, in pieces if it is over {@link MOST_CHARS}. Of one that is damaged the last piece does not come. */
  async *textsOf(namespace: string, file: string): AsyncGenerator<string, void> {
    const hash = createHash('sha256')
    const decoder = new StringDecoder('utf8')
    let text = ''
    for await (const bytes of this.#read(namespace, file)) {
      hash.update(bytes)
      text += decoder.write(Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length))
      if (text.length <= MOST_CHARS) continue
      const end = text.lastIndexOf('\n') + 1
      yield end > 0 ? text.slice(0, end) : text
      text = end > 0 ? text.slice(end) : ''
    }
    if (`sha256-${hash.digest('hex')}` === file) yield text + decoder.end()
    else this.#note(namespace, file)
  }

  async #list(namespace: string): Promise<ReadonlySet<string>> {
    if (!this.#backend.capabilities.files) return new Set()
    try {
      return new Set((await this.#backend.files.list(namespace, '')).map(({ name }) => name))
    } catch (error) {
      if (!isUnreadable(error)) throw error
      this.#visitor.unreadable()
      return new Set()
    }
  }

  async #look(namespace: string, file: string): Promise<ReadonlySet<Term>> {
    const found = new Set(this.#terms.filter((term) => !this.#probes.has(term)))
    if (found.size === this.#terms.length) return found
    const missing = new Map(this.#probes)
    const overlap = Math.max(...[...missing.values()].flat().map(({ sizeBytes }) => sizeBytes)) - 1
    let kept: Uint8Array = Buffer.alloc(0)
    for await (const bytes of this.#read(namespace, file)) {
      // A piece ends anywhere, also in the middle of what is looked for.
      const piece = new Piece(kept.length === 0 ? bytes : Buffer.concat([kept, bytes]))
      for (const [term, probes] of missing) {
        if (!probes.some((probe) => probe.find(piece, 0) >= 0)) continue
        found.add(term)
        missing.delete(term)
      }
      if (missing.size === 0) break
      kept = piece.bytes.subarray(Math.max(0, piece.bytes.length - overlap))
    }
    return found.size === 0 ? NONE : found
  }

  /** The bytes of a file; none if it is not to be had. */
  async *#read(namespace: string, file: string): AsyncGenerator<Uint8Array, void> {
    const name = nameOf(file)
    if (name === undefined) return
    const isNew = !this.#begun.has(`${namespace}/${file}`)
    this.#begun.add(`${namespace}/${file}`)
    try {
      for await (const bytes of this.#backend.files.read(namespace, name)) {
        if (isNew) this.#visitor.read(bytes.length)
        yield bytes
        await this.#visitor.rest()
      }
    } catch (error) {
      if (!isUnreadable(error)) throw error
      this.#note(namespace, file)
    }
  }

  #note(namespace: string, file: string): void {
    const id = `${namespace}/${file}`
    if (this.#unreadable.has(id)) return
    this.#unreadable.add(id)
    this.#visitor.unreadable()
  }
}

/** Undefined for what is no reference. */
function nameOf(file: string): string | undefined {
  return storedNameOf({ file, mediaType: TEXT_TYPE })
}

function isBefore(bytes: Buffer, at: number): boolean {
  const start = at - BEFORE.length
  return start >= 0 && bytes.compare(BEFORE, 0, BEFORE.length, start, at) === 0
}

/** Missing, damaged, a link, or not to be read; a signal's reason and a closed store are not. */
function isUnreadable(error: unknown): boolean {
  return ['NOT_FOUND', 'STORAGE_FAILED', 'NOT_A_LOG'].some((code) => isFoldlogError(error, code as 'NOT_FOUND'))
}
