/**
 * The branches of a conversation: its ends, and which of them it ends at.
 */
import type { Message } from '../message.ts'
import type { Session } from '../session.ts'

export interface Branch {
  /** Its last message. */
  readonly end: Message
  readonly messageCount: number
  /** How many of its messages are on no branch that ends later. */
  readonly ownCount: number
  /** Whether the conversation is on it; if it ends before the branch does, by how many messages. */
  readonly isHead: boolean
  readonly afterHead: number
}

/** All branches, the one that was written to last first. */
export async function branchesOf(session: Session): Promise<readonly Branch[]> {
  const all = await session.messages({ all: true })
  const conversation = await session.messages()
  const head = conversation.at(-1)
  const headEnd = head === undefined ? undefined : (await session.messages({ branch: head.id })).at(-1)
  const unseen = new Map(all.map((message) => [message.id, message]))
  const branches: Branch[] = []
  for (const { id } of all.toReversed()) {
    if (!unseen.has(id)) continue
    const path = await session.messages({ branch: id })
    const end = path.at(-1)!
    const own = path.filter((message) => unseen.delete(message.id))
    const isHead = end.id === headEnd?.id
    const afterHead = isHead ? path.length - conversation.length : 0
    branches.push({ end, messageCount: path.length, ownCount: own.length, isHead, afterHead })
  }
  return branches
}
