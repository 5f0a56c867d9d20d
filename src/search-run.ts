/**
 * How a search is done: which sessions may hold what is asked for, in what order, and what of them counts.
 *
 * Of each session first the bytes are looked at (search-probe.ts), then the lines in which something was found are parsed, and only a session
 * in which a line then holds what is asked for is folded. So nothing that was removed, replaced or lost a guarded append is a hit, and a damaged line
 * hides nothing but itself. One session is in memory at a time. Nothing is written.
 */
import type { Backend, Head, SessionKey } from './backend.ts'
import type { Engine } from './engine.ts'
import { isFoldlogError } from './errors.ts'
import { decodeLine, eventsOf, type InnerEvent } from './line.ts'
import { encodeName, normalizeId } from './name.ts'
import { hitsIn, type Subject } from './search-hits.ts'
import { MovedTexts } from './search-moved.ts'
import { Disguise, Piece, probeOf, type Probe } from './search-probe.ts'
import { isMatch, type Term } from './search-query.ts'
import type { Literal } from './search-literals.ts'
import { foldOf } from './search-straight.ts'
import { requestOf, type Options, type Request } from './search-request.ts'
import { listOf, objectOf, textsOfMessage, textsOfPart, type MovedText, type Text } from './search-texts.ts'
import type { Searched, SearchHit, SearchQuery } from './search.ts'

/** After so long others get their turn. */
const SLICE_MS = 15

/** A session to look into. */
interface Place {
  readonly key: SessionKey
  readonly updated: number
  readonly sizeBytes: number
  /** If its bytes were looked at already. */
  readonly likely: Likely | undefined
  /** Of what is known of it. */
  readonly head: Head | undefined
}

/** A session that may hold all that is asked for in one message. */
interface Likely {
  /** In no other than these; undefined: that is not known. */
  readonly messages: ReadonlySet<string> | undefined
}

/** The hits, newest activity first, then newest message first. */
export async function* runSearch(
  engine: Engine,
  query: SearchQuery,
  options: Options,
  searched: Searched,
): AsyncGenerator<SearchHit, void> {
  const run = new Run(engine, requestOf(query, options), options, searched)
  let left = options.limit ?? Infinity
  for (const place of await run.places()) {
    const likely = place.likely ?? (await run.look(place.key, place.sizeBytes))
    if (likely === undefined) continue
    for await (const hit of run.hits(place, likely)) {
      yield hit
      if (--left === 0) return
    }
  }
}

class Run {
  readonly #engine: Engine
  readonly #request: Request
  readonly #options: Options
  readonly #searched: Searched
  /** What looks for each term, what is hardest to find by chance first; undefined: any line may hold it. */
  readonly #probes: ReadonlyMap<Term, readonly Probe[] | undefined>
  readonly #disguise: Disguise
  readonly #moved: MovedTexts
  #sliceEnd = 0

  constructor(engine: Engine, request: Request, options: Options, searched: Searched) {
    this.#engine = engine
    this.#request = request
    this.#options = options
    this.#searched = searched
    const { terms } = request
    const probes = terms.map((term) => [term, term.literals?.map((literal) => probeOf(literal))] as const)
    this.#probes = new Map(probes.sort(([, a], [, b]) => leastBytes(b) - leastBytes(a)))
    this.#disguise = new Disguise([...terms.flatMap(({ literals }) => literals ?? []), REFERENCE_CHARACTERS])
    this.#moved = new MovedTexts(engine.backend, terms, {
      rest: () => this.#rest(),
      read: (sizeBytes) => (searched.sizeBytes += sizeBytes),
      unreadable: () => searched.unreadable++,
    })
  }

  /** The sessions to look into, in the order of their activity. Those of which nothing is known are looked at for that. */
  async places(): Promise<readonly Place[]> {
    const places: Place[] = []
    for (const namespace of await this.#namespaces()) {
      for (const { head, entry } of await this.#engine.namespace(namespace).glance()) {
        const key = { namespace, sessionId: head.sessionId }
        const { sizeBytes } = head
        if (entry === undefined) {
          const likely = await this.look(key, sizeBytes)
          if (likely === undefined) continue
          const info = (await (await this.#engine.logs()).info(key, undefined))?.info
          if (info === undefined || !this.#fits(info.time, info.time.archived !== undefined)) continue
          places.push({ key, updated: info.time.updated, sizeBytes, likely, head: undefined })
        } else if (this.#fits(entry, entry.isArchived)) {
          places.push({ key, updated: entry.updated, sizeBytes, likely: undefined, head })
        }
      }
    }
    return places.sort((a, b) => b.updated - a.updated || (a.key.sessionId < b.key.sessionId ? 1 : -1))
  }

  async #namespaces(): Promise<readonly string[]> {
    const { namespaces } = this.#options
    if (namespaces === 'all') return this.#engine.backend.namespaces()
    const names = namespaces.map((name) => normalizeId(name) ?? name)
    for (const name of names) encodeName(name)
    return [...new Set(names)]
  }

  #fits({ created, updated }: { readonly created: number; readonly updated: number }, isArchived: boolean): boolean {
    const { archived = false } = this.#options
    if (archived !== 'all' && archived !== isArchived) return false
    return updated >= this.#request.since && created < this.#request.until
  }

  /** Looks at the bytes of a session; undefined if no message in it holds all that is asked for. */
  async look(key: SessionKey, sizeBytes: number): Promise<Likely | undefined> {
    this.#searched.sessions++
    this.#searched.sizeBytes += sizeBytes
    try {
      const stored = await this.#moved.stored(key.namespace)
      const missing = new Map(
        [...this.#probes].flatMap(([term, probes]) => (probes === undefined ? [] : [[term, probes]])),
      )
      const files = new Set<string>()
      const wanted = missing.size
      for await (const piece of this.#piecesOf(key)) {
        // Where the first one is not, the others need not be looked for.
        for (const [term, probes] of missing) if (!take(missing, term, probes, piece)) break
        if (this.#disguise.isIn(piece)) return { messages: undefined }
        if (stored.size > 0) for (const [, file] of this.#moved.namedIn(piece, stored)) files.add(file)
      }
      const moved = await this.#termsIn(key, files)
      for (const terms of moved.values()) for (const term of terms) missing.delete(term)
      if (missing.size > 0 && missing.size < wanted) {
        for await (const piece of this.#piecesOf(key)) {
          for (const [term, probes] of missing) take(missing, term, probes, piece)
          if (missing.size === 0) break
        }
      }
      return missing.size > 0 ? undefined : await this.#messagesIn(key, sizeBytes, moved)
    } catch (error) {
      // Deleted since it was listed.
      if (isFoldlogError(error, 'NOT_FOUND')) return undefined
      throw error
    }
  }

  /** The lines of a session in pieces, with rests between. */
  async *#piecesOf(key: SessionKey): AsyncGenerator<Piece, void> {
    for await (const piece of piecesOf(this.#engine.backend, key)) {
      if (this.#isTired()) await this.#rest()
      yield piece
    }
  }

  /** Of texts that a session names: what they may hold, if it is anything. */
  async #termsIn({ namespace }: SessionKey, files: Iterable<string>): Promise<Moved> {
    const found = new Map<string, ReadonlySet<Term>>()
    for (const file of files) {
      const terms = await this.#moved.termsIn(namespace, file)
      if (terms.size > 0) found.set(file, terms)
    }
    return found
  }

  /** The messages of which lines hold all that is asked for, whatever of them counts. */
  async #messagesIn(key: SessionKey, sizeBytes: number, moved: Moved): Promise<Likely | undefined> {
    const found = new Map<string, Set<Term>>()
    const messages = new Set<string>()
    let parsedBytes = 0
    for await (const piece of this.#piecesOf(key)) {
      for (const start of this.#linesIn(piece, moved)) {
        await this.#rest()
        const { end } = piece.lineAt(start)
        const { lines } = decodeLine(piece.bytes.subarray(start, end), NOWHERE)
        for (const event of lines.flatMap(eventsOf)) {
          const id = this.#noteAll(event, found, moved)
          if (id !== undefined) messages.add(id)
        }
        parsedBytes += end - start
        // All of it will be parsed once more: where that is much, who looks at every message is done sooner.
        if (messages.size > 0 && parsedBytes > sizeBytes / 4) return { messages: undefined }
      }
    }
    return messages.size === 0 ? undefined : { messages }
  }

  /** Where the lines begin that may hold something, in no particular order. */
  #linesIn(piece: Piece, moved: Moved): Iterable<number> {
    const starts = new Set<number>()
    if (moved.size > 0) {
      for (const [at, file] of this.#moved.namedIn(piece)) if (moved.has(file)) starts.add(piece.lineAt(at).start)
    }
    for (const probes of this.#probes.values()) {
      if (probes === undefined) return allLinesIn(piece)
      for (const probe of probes) {
        for (let at = probe.find(piece, 0); at >= 0;) {
          const { start, end } = piece.lineAt(at)
          starts.add(start)
          at = probe.find(piece, end)
        }
      }
    }
    return starts
  }

  /** Notes what an event says of its message; the message if it now has all of it. */
  #noteAll(event: InnerEvent, found: Map<string, Set<Term>>, moved: Moved): string | undefined {
    const { terms } = this.#request
    const data = objectOf(event.data)
    const id = event.type === 'part.updated' ? data['messageId'] : data['id']
    if (typeof id !== 'string') return undefined
    const known = found.get(id) ?? new Set<Term>()
    for (const text of textsOfEvent(event)) {
      const held = 'file' in text ? moved.get(text.file) : undefined
      for (const term of terms) {
        if (!known.has(term) && ('file' in text ? held?.has(term) === true : isMatch(term, text.text))) known.add(term)
      }
    }
    if (known.size > 0) found.set(id, known)
    return known.size === terms.length ? id : undefined
  }

  /** The hits in a session, newest message first. */
  async *hits(place: Place, { messages }: Likely): AsyncGenerator<SearchHit, void> {
    const straight = messages === undefined ? undefined : await this.#straight(place, messages)
    const log = straight ?? (await (await this.#engine.logs()).read(place.key))
    if (log === undefined) return
    const subject = { log, isStraight: straight !== undefined, messages, moved: this.#moved }
    for await (const hits of hitsIn(subject, this.#request)) {
      yield* hits
      await this.#rest()
    }
  }

  /** What a session says of some messages, where that can be told without folding it. */
  async #straight({ head, key }: Place, messages: ReadonlySet<string>): Promise<Subject['log'] | undefined> {
    const known = head === undefined ? undefined : await this.#engine.namespace(key.namespace).straight(head)
    const fold = known === undefined ? undefined : await foldOf(this.#engine.backend, key, known, messages)
    return fold === undefined ? undefined : { fold, info: known!.info, key }
  }

  #isTired(): boolean {
    return performance.now() >= this.#sliceEnd
  }

  /** Lets others run every now and then, and ends what was aborted. */
  async #rest(): Promise<void> {
    if (!this.#isTired()) return
    await new Promise((resolve) => setImmediate(resolve))
    this.#options.signal?.throwIfAborted()
    this.#sliceEnd = performance.now() + SLICE_MS
  }
}

/** Of stored texts what they may hold. */
type Moved = ReadonlyMap<string, ReadonlySet<Term>>

/** A reference to a stored file that is written in another way is not looked for in bytes either. */
const REFERENCE_CHARACTERS: Literal = { text: 'sha256-0123456789abcdef', ignoreCase: false }

/** How long what looks for something is; of several the shortest. */
function leastBytes(probes: readonly Probe[] | undefined): number {
  return Math.min(...(probes ?? []).map(({ sizeBytes }) => sizeBytes))
}

/** Takes a term that is in a piece out of what is missing; false if it is not. */
function take(missing: Map<Term, readonly Probe[]>, term: Term, probes: readonly Probe[], piece: Piece): boolean {
  return probes.some((probe) => probe.find(piece, 0) >= 0) && missing.delete(term)
}

/** What no damage is reported of. */
const NOWHERE = { file: '', line: 0, offset: 0 }

/** The lines of a log in pieces. */
async function* piecesOf(backend: Backend, key: SessionKey): AsyncGenerator<Piece, void> {
  if (backend.scan === undefined) {
    for await (const { lines } of backend.read(key)) for (const { bytes } of lines) yield new Piece(bytes)
  } else for await (const bytes of backend.scan(key)) yield new Piece(bytes)
}

function* allLinesIn(piece: Piece): Generator<number, void> {
  for (let start = 0; start < piece.bytes.length; start = piece.lineAt(start).end + 1) yield start
}

function* textsOfEvent({ data, type }: InnerEvent): Generator<Text | MovedText, void> {
  const fields = objectOf(data)
  if (type === 'part.updated') yield* textsOfPart(fields['part'])
  if (type !== 'message.created' && type !== 'message.updated') return
  yield* textsOfMessage(data)
  for (const part of listOf(fields['parts'])) yield* textsOfPart(part)
}
