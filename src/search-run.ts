/**
 * How a search is done: which sessions may hold what is asked for, in what order, and what of them counts.
 *
 * Of each session first the bytes are looked at (search-probe.ts), then the lines in which something was found are parsed, and only a session
 * in which a line then holds what is asked for is folded. So nothing that was removed, replaced or lost a guarded append is a hit, and a damaged line
 * hides nothing but itself. One session is in memory at a time. Nothing is written.
 */
import type { Backend, SessionKey } from './backend.ts'
import type { Engine } from './engine.ts'
import { isFoldlogError } from './errors.ts'
import { decodeLine, eventsOf, type InnerEvent } from './line.ts'
import { encodeName, normalizeId } from './name.ts'
import { hitsIn } from './search-hits.ts'
import { Disguise, Piece, probeOf, type Probe } from './search-probe.ts'
import { isMatch, type Term } from './search-query.ts'
import { requestOf, type Options, type Request } from './search-request.ts'
import { listOf, objectOf, textsOfMessage, textsOfPart, type Text } from './search-texts.ts'
import type { Searched, SearchHit, SearchQuery } from './search.ts'

/** After so long others get their turn. */
const SLICE_MS = 15

/** A session to look into. */
interface Place {
  readonly key: SessionKey
  readonly updated: number
  readonly sizeBytes: number
  /** Its bytes were looked at already. */
  readonly isLikely: boolean
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
    if (!place.isLikely && !(await run.isLikely(place.key, place.sizeBytes))) continue
    for await (const hit of run.hits(place.key)) {
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
  /** For each term; undefined: any line may hold it. */
  readonly #probes: readonly (readonly Probe[] | undefined)[]
  readonly #disguise: Disguise
  #sliceEnd = 0

  constructor(engine: Engine, request: Request, options: Options, searched: Searched) {
    this.#engine = engine
    this.#request = request
    this.#options = options
    this.#searched = searched
    const { terms } = request
    this.#probes = terms.map(({ literals }) => literals?.map(probeOf))
    this.#disguise = new Disguise(terms.flatMap(({ literals }) => literals ?? []))
  }

  /** The sessions to look into, in the order of their activity. Those of which nothing is known are looked at for that. */
  async places(): Promise<readonly Place[]> {
    const places: Place[] = []
    for (const namespace of await this.#namespaces()) {
      for (const { head, entry } of await this.#engine.namespace(namespace).glance()) {
        const key = { namespace, sessionId: head.sessionId }
        const { sizeBytes } = head
        if (entry === undefined) {
          if (!(await this.isLikely(key, sizeBytes))) continue
          const info = (await (await this.#engine.logs()).info(key, undefined))?.info
          if (info === undefined || !this.#fits(info.time, info.time.archived !== undefined)) continue
          places.push({ key, updated: info.time.updated, sizeBytes, isLikely: true })
        } else if (this.#fits(entry, entry.isArchived)) {
          places.push({ key, updated: entry.updated, sizeBytes, isLikely: false })
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

  /** Whether a line of a session may hold all that is asked for, or lines of one message together. */
  async isLikely(key: SessionKey, sizeBytes: number): Promise<boolean> {
    this.#searched.sessions++
    this.#searched.sizeBytes += sizeBytes
    const missing = new Set(this.#probes.filter((probes) => probes !== undefined))
    try {
      let isDisguised = false
      for await (const piece of piecesOf(this.#engine.backend, key)) {
        await this.#rest()
        for (const probes of missing) if (probes.some((probe) => probe.find(piece, 0) >= 0)) missing.delete(probes)
        isDisguised ||= this.#disguise.isIn(piece)
      }
      return isDisguised || (missing.size === 0 && (await this.#isInLines(key)))
    } catch (error) {
      // Deleted since it was listed.
      if (isFoldlogError(error, 'NOT_FOUND')) return false
      throw error
    }
  }

  /** Whether the lines that mention a message hold all that is asked for, whatever of them counts. */
  async #isInLines(key: SessionKey): Promise<boolean> {
    const found = new Map<string, Set<Term>>()
    for await (const piece of piecesOf(this.#engine.backend, key)) {
      for (const start of this.#linesIn(piece)) {
        await this.#rest()
        const { end } = piece.lineAt(start)
        const { lines } = decodeLine(piece.bytes.subarray(start, end), NOWHERE)
        for (const event of lines.flatMap(eventsOf)) if (this.#noteAll(event, found)) return true
      }
    }
    return false
  }

  /** Where the lines begin that may hold something, in no particular order. */
  #linesIn(piece: Piece): Iterable<number> {
    const starts = new Set<number>()
    for (const probes of this.#probes) {
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

  /** Notes what an event says of its message; true if that message now has all of it. */
  #noteAll(event: InnerEvent, found: Map<string, Set<Term>>): boolean {
    const { terms } = this.#request
    const data = objectOf(event.data)
    const id = event.type === 'part.updated' ? data['messageId'] : data['id']
    if (typeof id !== 'string') return false
    let known = found.get(id)
    for (const { text } of textsOfEvent(event)) {
      for (const term of terms) {
        if (known?.has(term) === true || !isMatch(term, text)) continue
        if (known === undefined) found.set(id, (known = new Set()))
        known.add(term)
      }
    }
    return known?.size === terms.length
  }

  /** The hits in a session, newest message first. */
  async *hits(key: SessionKey): AsyncGenerator<SearchHit, void> {
    const log = await (await this.#engine.logs()).read(key)
    if (log === undefined) return
    for (const hits of hitsIn(log, this.#request)) {
      yield* hits
      await this.#rest()
    }
  }

  /** Lets others run every now and then, and ends what was aborted. */
  async #rest(): Promise<void> {
    if (performance.now() < this.#sliceEnd) return
    await new Promise((resolve) => setImmediate(resolve))
    this.#options.signal?.throwIfAborted()
    this.#sliceEnd = performance.now() + SLICE_MS
  }
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

function* textsOfEvent({ data, type }: InnerEvent): Generator<Text, void> {
  const fields = objectOf(data)
  if (type === 'part.updated') yield* textsOfPart(fields['part'])
  if (type !== 'message.created' && type !== 'message.updated') return
  yield* textsOfMessage(data)
  for (const part of listOf(fields['parts'])) yield* textsOfPart(part)
}
