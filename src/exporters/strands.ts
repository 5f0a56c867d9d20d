/**
 * The tree of a conversation as strands: the conversation itself, then every alternative as the messages it does not share with those
 * before it. Flat, however deep the tree is, so that nothing that walks it can run out of stack.
 */
import type { Message } from '../message.ts'
import type { Exportable } from './view.ts'

export interface Strand {
  /** Never empty, but for the first strand of an empty conversation. */
  readonly messages: readonly Message[]
  /** The message that the first one follows; undefined at the beginning of the conversation. */
  readonly after: Message | undefined
}

export interface Tree {
  /** The conversation first, then by the creation of what they begin with. */
  readonly strands: readonly Strand[]
  /** What follows the same message as a message does, itself included, in the order of creation. */
  alternatives(message: Message): readonly Message[]
  /** The message before a message that was not removed. */
  parent(message: Message): Message | undefined
}

/** Reads all branches. `branch`: the conversation is the path through this message. */
export async function treeOf(view: Exportable, branch: string | undefined): Promise<Tree> {
  const parents = new Map<string, Message | undefined>()
  const strands: Strand[] = []
  const take = (path: readonly Message[]): void => {
    const start = path.findIndex(({ id }) => !parents.has(id))
    if (start < 0) return
    for (let i = start; i < path.length; i++) parents.set(path[i]!.id, path[i - 1])
    strands.push({ messages: path.slice(start), after: path[start - 1] })
  }
  const conversation = await view.messages(branch === undefined ? {} : { branch })
  if (conversation.length === 0) strands.push({ messages: [], after: undefined })
  take(conversation)
  const all = await view.messages({ all: true })
  // Whatever is not on a path yet begins another one, which ends at the newest end below it.
  for (const { id } of all) if (!parents.has(id)) take(await view.messages({ branch: id }))
  const children = new Map<string | undefined, Message[]>()
  for (const message of all) {
    const parentId = parents.get(message.id)?.id
    const siblings = children.get(parentId)
    if (siblings === undefined) children.set(parentId, [message])
    else siblings.push(message)
  }
  return {
    strands,
    alternatives: (message) => children.get(parents.get(message.id)?.id) ?? [message],
    parent: (message) => parents.get(message.id),
  }
}
