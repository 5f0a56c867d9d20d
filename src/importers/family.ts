/**
 * Which imported session is whose child: sub-agents and forks, and where in their parents they began.
 *
 * A child names ways by which its parent may be found, a parent the ways that lead to it; they meet when all files of an
 * import are read. What a way is, is for the format to say.
 */
import type { JsonObject } from '../json.ts'
import type { MergeLine } from '../merge.ts'
import type { SessionParent } from '../message.ts'
import { asJson } from './lines.ts'
import type { Writer } from './writer.ts'

/** A session that may have a parent. */
export interface Child {
  readonly sessionId: string
  /** The ways to its parent, best first. */
  readonly ways: readonly string[]
  /** Its parent's id, if that is known without its file. */
  readonly parentId?: string
  /** The line about its parent. Of several such lines the one of the greatest rank wins. */
  readonly line: (data: JsonObject, rank: number) => MergeLine
  readonly writer: Writer
}

/** The session at the top of a line of parents, and how many parents that is above. */
interface Top {
  readonly rootId: string
  readonly height: number
}

/** Of what is known of a parent. */
const MAX_PRECISION = 3

/** Collects who is whose child over all files of an import. */
export class Family {
  /** Those that were not told yet. */
  readonly #children = new Set<Child>()
  /** The ids of all of them, told or not. */
  readonly #ids = new Set<string>()
  readonly #parents = new Map<string, SessionParent>()
  /** By their best way, where nobody offered it yet. */
  readonly #waiting = new Map<string, Child[]>()
  /** Those whose best way was found since the last look. */
  #ready: Child[] = []
  /** By session, the parent that it was told. */
  readonly #above = new Map<string, string>()

  /** A way that leads to a session, or to a message or a call in it. The first one counts. */
  offer(way: string, parent: SessionParent): void {
    if (this.#parents.has(way)) return
    this.#parents.set(way, parent)
    this.#ready.push(...(this.#waiting.get(way) ?? []))
    this.#waiting.delete(way)
  }

  add(child: Child): void {
    this.#children.add(child)
    this.#ids.add(child.sessionId)
    const [best = ''] = child.ways
    const waiting = this.#waiting.get(best)
    if (this.#parents.has(best)) this.#ready.push(child)
    else if (waiting === undefined) this.#waiting.set(best, [child])
    else waiting.push(child)
  }

  /** Whether a session is a child that was not told its parent yet. */
  isWaiting(sessionId: string): boolean {
    return this.#ids.has(sessionId) && !this.#above.has(sessionId)
  }

  /**
   * Tells the children that no file to come can say more about: their best way leads to a session that is no child. Called after each file,
   * while their lines wait: to open their logs again takes as long as writing them.
   */
  async linkCertain(): Promise<void> {
    const ready = this.#ready
    this.#ready = []
    for (const child of ready) {
      const parent = this.#parents.get(child.ways[0]!)!
      if (!this.#ids.has(parent.sessionId)) await this.#tell(child, parent, { rootId: parent.sessionId, height: 1 })
    }
  }

  /** Tells every other child whose parent was found. Call once, when all files are in. */
  async link(): Promise<void> {
    const found = new Map<Child, SessionParent>()
    for (const child of this.#children) {
      const parents = child.ways.map((way) => this.#parents.get(way))
      const known = child.parentId === undefined ? undefined : { sessionId: child.parentId }
      const parent = [...parents, known].find((each) => each !== undefined && each.sessionId !== child.sessionId)
      if (parent !== undefined) found.set(child, parent)
    }
    for (const [child, parent] of found) this.#above.set(child.sessionId, parent.sessionId)
    for (const [child, parent] of found) await this.#tell(child, parent, topOf(child.sessionId, this.#above))
  }

  async #tell(child: Child, parent: SessionParent, { rootId, height }: Top): Promise<void> {
    this.#children.delete(child)
    this.#above.set(child.sessionId, parent.sessionId)
    // More of the line of parents beats less of it, then what names the message or the call beats what only names the session.
    const precision = parent.callId !== undefined ? 3 : parent.messageId !== undefined ? 2 : 1
    const line = child.line(asJson({ parent, rootId }), (height - 1) * MAX_PRECISION + precision)
    await child.writer.add(child.sessionId, line, 0)
    await child.writer.flush((sessionId) => this.isWaiting(sessionId))
  }
}

function topOf(sessionId: string, above: ReadonlyMap<string, string>): Top {
  const seen = new Set<string>()
  let rootId = sessionId
  for (let next = above.get(rootId); next !== undefined && !seen.has(next); next = above.get(rootId)) {
    seen.add(next)
    rootId = next
  }
  return { rootId, height: seen.size }
}
