/**
 * The messages of a session as a tree, and its picture: the conversation goes straight down, and alternatives hang beside it.
 *
 *     ● …K3VX0001  user       Where is my refund?
 *     ├─○ …4ECY7X  assistant  Let me look that up.                           +3
 *     ◆ …9Q2B0M    assistant  It was sent yesterday.                     ← head
 *
 * Flat, however deep the tree is, so that no conversation is too long to be walked.
 */
import type { Message } from '../message.ts'
import type { PastSession } from '../past-session.ts'

export interface MessageNode {
  readonly message: Message
  /** The message before it; undefined at a beginning. */
  readonly parentId: string | undefined
  /** What follows it directly, in the order of creation. */
  readonly children: MessageNode[]
  /** Whether it is part of the conversation. */
  readonly isOnPath: boolean
  readonly isHead: boolean
}

export interface MessageTree {
  /** In the order of creation. */
  readonly nodes: readonly MessageNode[]
  /** The beginnings of the conversation: more than one if the first message has alternatives. */
  readonly roots: readonly MessageNode[]
}

/** One line of the picture. */
export interface Row {
  /** What is drawn left of the node. */
  readonly rail: string
  readonly node: MessageNode
  /** How many messages that follow it one by one are not drawn. */
  readonly folded: number
}

/** Reads all branches of a view. */
export async function treeOf(view: Pick<PastSession, 'messages'>): Promise<MessageTree> {
  const all = await view.messages({ all: true })
  const parents = new Map<string, string | undefined>()
  const take = (path: readonly Message[]): void => {
    for (let i = path.length - 1; i >= 0 && !parents.has(path[i]!.id); i--) parents.set(path[i]!.id, path[i - 1]?.id)
  }
  const conversation = await view.messages()
  take(conversation)
  // Whatever is on no path yet begins another one, which ends at the newest end below it.
  for (const { id } of all) if (!parents.has(id)) take(await view.messages({ branch: id }))
  const onPath = new Set(conversation.map(({ id }) => id))
  const head = conversation.at(-1)?.id
  const nodes = new Map<string, MessageNode>()
  for (const message of all) {
    const { id } = message
    const flags = { isOnPath: onPath.has(id), isHead: id === head }
    nodes.set(id, { message, parentId: parents.get(id), children: [], ...flags })
  }
  const roots: MessageNode[] = []
  for (const node of nodes.values()) {
    const parent = node.parentId === undefined ? undefined : nodes.get(node.parentId)
    ;(parent?.children ?? roots).push(node)
  }
  return { nodes: [...nodes.values()], roots }
}

/** A strand that is to be drawn: what is left of it, and what is left of its first node, where that is another. */
interface Strand {
  readonly start: MessageNode
  readonly rail: string
  readonly first: string
}

/** The lines of the picture. `isFull`: a line for every message, instead of one for each place where something begins or ends. */
export function* drawn({ roots }: MessageTree, isFull: boolean): Generator<Row> {
  const waiting = strandsOf(roots, '', '┌─')
  for (let strand = waiting.pop(); strand !== undefined; strand = waiting.pop()) {
    const { first, rail, start } = strand
    let row: Row | undefined
    for (let node: MessageNode | undefined = start; node !== undefined;) {
      const isShown: boolean = isFull || node === start || isPlace(node)
      if (!isShown) row = { ...row!, folded: row!.folded + 1 }
      else {
        if (row !== undefined) yield row
        row = { rail: node === start ? first : rail, node, folded: 0 }
      }
      const { children }: MessageNode = node
      node = children.length === 1 ? children[0] : undefined
      for (const strand of children.length > 1 ? strandsOf(children, rail, '├─') : []) waiting.push(strand)
    }
    if (row !== undefined) yield row
  }
}

/** What follows one message, in the reverse of the order in which it is drawn: what goes straight on comes last. */
function strandsOf(children: readonly MessageNode[], rail: string, branch: string): Strand[] {
  const straight = children.find(({ isOnPath }) => isOnPath) ?? children.at(-1)
  if (straight === undefined) return []
  const others = children.filter((child) => child !== straight)
  const beside = others.map((start, index) => {
    return { start, rail: `${rail}│ `, first: rail + (index === 0 ? branch : '├─') }
  })
  return [{ start: straight, rail, first: rail }, ...beside.reverse()]
}

/** Whether a message is worth its line: something branches, or the conversation ends. */
function isPlace({ children, isHead, isOnPath }: MessageNode): boolean {
  return isHead || children.length > 1 || (isOnPath && children.length === 0)
}
