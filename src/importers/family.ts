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

/** Collects who is whose child over all files of an import. */
export class Family {
  readonly #children: Child[] = []
  readonly #parents = new Map<string, SessionParent>()

  /** A way that leads to a session, or to a message or a call in it. The first one counts. */
  offer(way: string, parent: SessionParent): void {
    if (!this.#parents.has(way)) this.#parents.set(way, parent)
  }

  add(child: Child): void {
    this.#children.push(child)
  }

  /** Tells every child whose parent was found. Call once, when all files are in. */
  async link(): Promise<void> {
    const found = new Map<Child, SessionParent>()
    for (const child of this.#children) {
      const parents = child.ways.map((way) => this.#parents.get(way))
      const known = child.parentId === undefined ? undefined : { sessionId: child.parentId }
      const parent = [...parents, known].find((each) => each !== undefined && each.sessionId !== child.sessionId)
      if (parent !== undefined) found.set(child, parent)
    }
    const above = new Map([...found].map(([child, parent]) => [child.sessionId, parent.sessionId]))
    for (const [child, parent] of found) {
      const data = asJson({ parent, rootId: rootOf(child.sessionId, above) })
      // What names the call beats what only names the session.
      await child.writer.add(child.sessionId, child.line(data, parent.callId === undefined ? 1 : 2), 0)
      await child.writer.flush()
    }
  }
}

/** The session at the top of a line of parents. */
function rootOf(sessionId: string, above: ReadonlyMap<string, string>): string {
  const seen = new Set<string>()
  let root = sessionId
  for (let next = above.get(root); next !== undefined && !seen.has(next); next = above.get(root)) {
    seen.add(next)
    root = next
  }
  return root
}
