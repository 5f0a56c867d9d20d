/**
 * Which imported session is whose sub-agent.
 *
 * The parent's transcript says it: the result of the call that started a sub-agent names its `agentId`. A sub-agent
 * that summarises its parent's conversation continues one of its records instead. Where neither is found, the session
 * with the same `sessionId` is the parent. All of this is known when the last file is read, so parents come last.
 */
import type { SessionParent } from '../../message.ts'
import type { Writer } from '../writer.ts'
import type { Conversation } from './contract.ts'
import { parentLine, type Origin } from './convert.ts'
import type { Place, Plan, SessionPlan } from './plan.ts'
import type { Survey } from './survey.ts'

interface Child {
  readonly session: Origin
  readonly writer: Writer
  /** The ways to its parent, best first. */
  readonly ways: readonly string[]
}

/** Collects who is whose sub-agent over all files of an import. */
export class Family {
  readonly #children: Child[] = []
  readonly #parents = new Map<string, SessionParent>()
  /** Uuids that sub-agents continue and that are not in their own files. */
  readonly #wanted = new Set<string>()

  /** Takes in a file; those of sub-agents before those of their parents. */
  add(survey: Survey, conversation: Conversation, planned: Plan, writer: Writer): void {
    // Only files with a message are planned, and those have an identity.
    const { sessionId = '', agentId, outerParent } = survey.identity!
    for (const [spawned, { place, callId }] of planned.spawned) {
      this.#offer(`agent ${sessionId}/${spawned}`, parentAt(place, callId))
    }
    for (const uuid of this.#wanted) {
      const ordinal = survey.ordinals.get(uuid)
      const node =
        ordinal === undefined ? undefined : (conversation.nodeOf(ordinal) ?? conversation.nodeBefore(ordinal))
      if (node !== undefined) this.#offer(`uuid ${uuid}`, parentAt(planned.placeOf(node), undefined))
    }
    if (agentId === undefined) this.#offer(`session ${sessionId}`, { sessionId: planned.main.sessionId })
    else {
      if (outerParent !== undefined) this.#wanted.add(outerParent)
      const ways = [`agent ${sessionId}/${agentId}`, `uuid ${outerParent ?? ''}`, `session ${sessionId}`]
      this.#children.push({ session: originOf(planned.main), writer, ways })
    }
    for (const session of planned.sessions) {
      if (session.kind === 'sidechain') this.#addSidechain(session, planned.main, writer)
    }
  }

  /** Tells every sub-agent whose parent was found. Call once, when all files are in. */
  async link(): Promise<void> {
    const found = new Map<Origin, { parent: SessionParent; writer: Writer }>()
    for (const { session, writer, ways } of this.#children) {
      const parents = ways.map((way) => this.#parents.get(way))
      const parent = parents.find((each) => each !== undefined && each.sessionId !== session.sessionId)
      if (parent !== undefined) found.set(session, { parent, writer })
    }
    const above = new Map([...found].map(([session, { parent }]) => [session.sessionId, parent.sessionId]))
    for (const [session, { parent, writer }] of found) {
      const line = parentLine(session, parent, rootOf(session.sessionId, above))
      await writer.add(session.sessionId, line, 0)
      await writer.flush()
    }
  }

  #addSidechain(session: SessionPlan, main: SessionPlan, writer: Writer): void {
    const way = `sidechain ${session.sessionId}`
    const { parent } = session
    const link = parent === undefined ? { sessionId: main.sessionId } : parentAt(parent.place, parent.callId)
    this.#offer(way, link)
    this.#children.push({ session: originOf(session), writer, ways: [way] })
  }

  #offer(way: string, parent: SessionParent): void {
    if (!this.#parents.has(way)) this.#parents.set(way, parent)
  }
}

/** What is kept of a session until its parent is known: its messages are not. */
function originOf({ sessionId, mint, time, createdMs }: SessionPlan): Origin {
  return { sessionId, mint, time, createdMs }
}

function parentAt({ session, id }: Place, callId: string | undefined): SessionParent {
  return { sessionId: session.sessionId, messageId: id, ...(callId === undefined ? {} : { callId }) }
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
