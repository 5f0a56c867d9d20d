/**
 * Which imported session is whose sub-agent.
 *
 * The parent's transcript says it: the result of the call that started a sub-agent names its `agentId`. A sub-agent
 * that summarises its parent's conversation continues one of its records instead. Where neither is found, the session
 * with the same `sessionId` is the parent. The rest is in ../family.ts.
 */
import type { SessionParent } from '../../message.ts'
import type { Family } from '../family.ts'
import { parentLines } from '../lines.ts'
import type { Writer } from '../writer.ts'
import type { Conversation } from './contract.ts'
import type { Place, Plan, SessionPlan } from './plan.ts'
import type { Survey } from './survey.ts'

/** Finds the ways between the sessions of an import. */
export class ClaudeCodeFamily {
  readonly #family: Family
  /** Uuids that sub-agents continue, that are not in their own files, and were in no other one yet. */
  readonly #wanted = new Set<string>()

  constructor(family: Family) {
    this.#family = family
  }

  /** Takes in a file; those of sub-agents before those of their parents. */
  add(survey: Survey, conversation: Conversation, planned: Plan, writer: Writer): void {
    // Only files with a message are planned, and those have an identity.
    const { sessionId = '', agentId, outerParent } = survey.identity!
    for (const [spawned, { place, callId }] of planned.spawned) {
      this.#family.offer(`claude-code agent ${sessionId}/${spawned}`, parentAt(place, callId))
    }
    for (const uuid of this.#wanted) {
      const ordinal = survey.ordinals.get(uuid)
      const node =
        ordinal === undefined ? undefined : (conversation.nodeOf(ordinal) ?? conversation.nodeBefore(ordinal))
      if (node !== undefined) {
        this.#family.offer(`claude-code uuid ${uuid}`, parentAt(planned.placeOf(node), undefined))
        // The first one counts. An import may be of many sessions, and each would be looked at for all.
        this.#wanted.delete(uuid)
      }
    }
    const { main } = planned
    if (agentId === undefined) this.#family.offer(`claude-code session ${sessionId}`, { sessionId: main.sessionId })
    else {
      if (outerParent !== undefined) this.#wanted.add(outerParent)
      const ways = [`agent ${sessionId}/${agentId}`, `uuid ${outerParent ?? ''}`, `session ${sessionId}`]
      this.#addChild(main, writer, ways)
    }
    for (const session of planned.sessions) {
      if (session.kind === 'sidechain') this.#addSidechain(session, main, writer)
    }
  }

  #addSidechain(session: SessionPlan, main: SessionPlan, writer: Writer): void {
    const way = `sidechain ${session.sessionId}`
    const { parent } = session
    const link = parent === undefined ? { sessionId: main.sessionId } : parentAt(parent.place, parent.callId)
    this.#family.offer(`claude-code ${way}`, link)
    this.#addChild(session, writer, [way])
  }

  #addChild({ sessionId, mint, createdMs, time }: SessionPlan, writer: Writer, ways: readonly string[]): void {
    const line = parentLines(mint, createdMs, time)
    this.#family.add({ sessionId, writer, line, ways: ways.map((way) => `claude-code ${way}`) })
  }
}

function parentAt({ session, id }: Place, callId: string | undefined): SessionParent {
  return { sessionId: session.sessionId, messageId: id, ...(callId === undefined ? {} : { callId }) }
}
