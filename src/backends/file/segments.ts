/**
 * Which files a log has besides its first one, without listing the directory each time.
 *
 * Appending changes no directory, so a listing holds as long as the directory's mtime does. Two changes in one tick of
 * the clock that stamps files have equal mtimes: a listing taken that close to a change is taken again, but at most
 * for a fiftieth of the time, so that creating sessions in a large namespace does not list it each time.
 */
import { isMissing } from './failure.ts'
import { statNamespace } from './folders.ts'
import { io } from './io.ts'
import { parseFileName } from './paths.ts'

const NONE: readonly string[] = []
/** Longer than the tick of any clock that stamps files; those that tick in seconds are covered by the repeats. */
const TICK_MS = 20
const SHARE = 50

interface Listing {
  /** ULIDs, sorted, by encoded session. */
  readonly segments: Map<string, readonly string[]>
  mtimeMs: number
  readonly takenMs: number
  readonly costMs: number
  /** Whether the last change of the directory was ours, and all changes since it was taken. */
  isOurs: boolean
}

/** The segments of the logs of one backend, by directory. */
export class Segments {
  readonly #listings = new Map<string, Listing>()

  /** The ULIDs of the segments of an encoded session, sorted; none if the directory is missing. `NOT_A_LOG` if it is not one. */
  of(directory: string, session: string): readonly string[] {
    const stat = statNamespace(directory)
    if (stat === undefined) return NONE
    let listing = this.#listings.get(directory)
    if (listing === undefined || !isFresh(listing, stat.mtimeMs)) listing = this.#list(directory, stat.mtimeMs)
    return listing.segments.get(session) ?? NONE
  }

  /** Makes a change of our own to a directory that does not concern segments, and keeps the listing. */
  keepDuring<T>(directory: string, change: () => T): T {
    const listing = this.#listings.get(directory)
    const isKnown = listing !== undefined && listing.mtimeMs === mtimeOf(directory)
    const result = change()
    if (isKnown) {
      listing.mtimeMs = mtimeOf(directory) ?? -1
      listing.isOurs = true
    }
    return result
  }

  /** Makes a change of our own that adds a segment to a directory, and keeps the listing. */
  addDuring(directory: string, session: string, segment: string, change: () => void): void {
    this.keepDuring(directory, change)
    const segments = this.#listings.get(directory)?.segments
    const known = segments?.get(session)
    if (known === undefined) segments?.set(session, [segment])
    else if (!known.includes(segment)) segments!.set(session, [...known, segment].sort())
  }

  /** Forgets what is known of a directory. */
  forget(directory: string): void {
    this.#listings.delete(directory)
  }

  #list(directory: string, mtimeMs: number): Listing {
    const started = performance.now()
    const takenMs = Date.now()
    const segments = new Map<string, string[]>()
    for (const file of names(directory)) {
      // A segment has a second dot; most names are left here.
      if (file.indexOf('.') === file.lastIndexOf('.')) continue
      const { session, segment } = parseFileName(file) ?? {}
      if (session === undefined || segment === undefined) continue
      const known = segments.get(session)
      if (known === undefined) segments.set(session, [segment])
      else known.push(segment)
    }
    for (const list of segments.values()) list.sort()
    const known = this.#listings.get(directory)
    const isOurs = known?.isOurs === true && known.mtimeMs === mtimeMs
    const listing = { segments, mtimeMs, takenMs, costMs: performance.now() - started, isOurs }
    this.#listings.set(directory, listing)
    return listing
  }
}

function isFresh(listing: Listing, mtimeMs: number): boolean {
  if (listing.mtimeMs !== mtimeMs) return false
  if (listing.takenMs - mtimeMs > TICK_MS) return true
  if (!listing.isOurs) return false
  return listing.costMs > 0.2 && Date.now() - listing.takenMs < listing.costMs * SHARE
}

function mtimeOf(directory: string): number | undefined {
  return io.lstatSync(directory, { throwIfNoEntry: false })?.mtimeMs
}

function names(directory: string): readonly string[] {
  try {
    return io.readdirSync(directory)
  } catch (error) {
    // Removed since it was looked at: it has no segments.
    if (isMissing(error)) return NONE
    throw error
  }
}
