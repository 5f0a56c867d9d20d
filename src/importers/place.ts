/**
 * Where the messages of an imported session go: their ids, turns and anchors, by the rules of docs/format.md §4.4.
 *
 * A message follows its parent without saying so wherever it can: one that opens a turn names what it came `after`, any other
 * joins the turn of its parent. Only the second and later children of a message are branches with a `parentId`, in turns of
 * their own; so are second roots, with `null`.
 *
 * An id has the source's time, but is always later than that of the message's parent and of the siblings before it: so the
 * fold, which goes by ids, finds what the source says, whatever its times. All of it is decided by the messages placed before,
 * hence a copy that was cut off, or one from before the session went on, has the same ids, turns and anchors.
 *
 * Reads no clock and no disk. Keeps a few hundred bytes for each message.
 */
import type { Mint } from './mint.ts'

/** Where a message goes. */
export interface Place {
  readonly id: string
  /** The millisecond of its id. */
  readonly ms: number
  readonly turnId: string
  readonly parentId?: string | null
  readonly after?: string
}

/** What children can be placed under: a message, or the beginning of the session. */
interface Spot {
  readonly place: Place | undefined
  /** No child may be older. */
  nextMs: number
  hasChild: boolean
}

/** Places the messages of one session, each after its parent, siblings in the order of the source. */
export class Placer {
  readonly #mint: Mint
  readonly #root: Spot
  readonly #spots = new Map<string, Spot>()

  /** `createdMs` is the millisecond of the session's first event. */
  constructor(mint: Mint, createdMs: number) {
    this.#mint = mint
    this.#root = { place: undefined, nextMs: createdMs + 1, hasChild: false }
  }

  /** How many messages were placed. */
  get size(): number {
    return this.#spots.size
  }

  has(key: string): boolean {
    return this.#spots.has(key)
  }

  /** The place of a message that was placed. */
  get(key: string): Place | undefined {
    return this.#spots.get(key)?.place
  }

  /**
   * Places the message that the source calls `key`, which must be a new one. It is a root without a parent, and if the parent
   * was not placed; `opensTurn`: it is a question, not a piece of the answer to one. `time` is the source's, in ms.
   */
  place(key: string, parentKey: string | undefined, opensTurn: boolean, time: number): Place {
    const above = (parentKey === undefined ? undefined : this.#spots.get(parentKey)) ?? this.#root
    const ms = Math.max(time, above.nextMs)
    const id = this.#mint.id(ms, key)
    const place = { id, ms, ...anchor(id, above, opensTurn) }
    above.nextMs = ms + 1
    above.hasChild = true
    this.#spots.set(key, { place, nextMs: ms + 1, hasChild: false })
    return place
  }
}

function anchor(id: string, { place: parent, hasChild }: Spot, opensTurn: boolean): Omit<Place, 'id' | 'ms'> {
  if (hasChild) return { turnId: id, parentId: parent?.id ?? null }
  if (parent === undefined) return { turnId: id }
  return opensTurn ? { turnId: id, after: parent.id } : { turnId: parent.turnId }
}
