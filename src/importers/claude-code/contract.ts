/**
 * Records → the messages they are pieces of, and how those follow each other.
 *
 * Records are linked by `parentUuid`, but those links are not the conversation: an answer is spread over one record a
 * block, parallel tool calls fan out, and progress, hook and system records stand in between. Copied as they are, nine
 * of ten transcripts would seem to fork. So:
 *
 *  1. Assistant records of one `message.id` are one node; user records whose results all answer calls of one assistant
 *     node are one node; every other user record is a node; other records are none.
 *  2. From the first record of a node the links are followed, through records of any type, to the first record of
 *     another node: its parent. A chain that ends, or leaves the file, makes a root.
 *
 * Everything in this file is pure.
 */
import type { Entry, Survey } from './survey.ts'

/** A message of the conversation. */
export interface Node {
  readonly role: 'user' | 'assistant' | 'tool'
  /** The ordinals of its records, in the order of the file; never empty. */
  readonly ordinals: number[]
  parent: Node | undefined
  /** In the order in which they began in the file. */
  readonly children: Node[]
}

/** The messages of a file and how to find them. */
export interface Conversation {
  /** In the order in which they began in the file. */
  readonly nodes: readonly Node[]
  /** Every node after its parent. */
  readonly ordered: readonly Node[]
  /** The node that a record is a piece of, or repeats. */
  nodeOf(ordinal: number): Node | undefined
  /** The node that a record which is none itself follows. */
  nodeBefore(ordinal: number): Node | undefined
  /** The assistant node that made a call. */
  callerOf(callId: string): Node | undefined
}

/** By ordinal: the node that a record is a piece of. */
type ByRecord = (Node | undefined)[]

const FEW_STEPS = 32

/** Contracts the records of a file. Walks are safe from circles; a circle of messages is cut where it began. */
export function contract({ entries }: Pick<Survey, 'entries'>): Conversation {
  const byRecord: ByRecord = Array.from(entries, () => undefined)
  const callers = assistantNodes(entries, byRecord)
  userNodes(entries, byRecord, callers)
  entries.forEach((entry, ordinal) => {
    if (entry.repeats !== undefined) byRecord[ordinal] = byRecord[entry.repeats]
  })
  // What repeats comes after what it repeats, so a node begins with the first record that is a piece of it.
  const nodes = byRecord.filter((node, ordinal) => node !== undefined && node.ordinals[0] === ordinal) as Node[]
  for (const node of nodes) node.parent = nodeAbove(entries, byRecord, node.ordinals[0]!, node)
  const ordered = parentsFirst(nodes)
  for (const node of nodes) node.parent?.children.push(node)
  return {
    nodes,
    ordered,
    nodeOf: (ordinal) => byRecord[ordinal],
    nodeBefore: (ordinal) => nodeAbove(entries, byRecord, ordinal, undefined),
    callerOf: (callId) => callers.get(callId),
  }
}

/** Makes the assistant nodes and returns who made which call. */
function assistantNodes(entries: readonly Entry[], byRecord: ByRecord): ReadonlyMap<string, Node> {
  const byMessage = new Map<string, Node>()
  const callers = new Map<string, Node>()
  entries.forEach((entry, ordinal) => {
    if (entry.kind !== 'assistant') return
    const { messageId } = entry
    let node = messageId === undefined ? undefined : byMessage.get(messageId)
    if (node === undefined) node = newNode('assistant')
    if (messageId !== undefined) byMessage.set(messageId, node)
    node.ordinals.push(ordinal)
    byRecord[ordinal] = node
    for (const { callId } of entry.calls) if (!callers.has(callId)) callers.set(callId, node)
  })
  return callers
}

function userNodes(entries: readonly Entry[], byRecord: ByRecord, callers: ReadonlyMap<string, Node>): void {
  const answers = new Map<Node, Node>()
  entries.forEach((entry, ordinal) => {
    if (entry.kind !== 'user') return
    const caller = onlyCaller(entry.results, callers)
    let node = caller === undefined ? undefined : answers.get(caller)
    if (node === undefined) node = newNode(entry.results.length > 0 ? 'tool' : 'user')
    if (caller !== undefined) answers.set(caller, node)
    node.ordinals.push(ordinal)
    byRecord[ordinal] = node
  })
}

/** The one node whose calls all these results answer. */
function onlyCaller(results: readonly string[], callers: ReadonlyMap<string, Node>): Node | undefined {
  const first = results.length === 0 ? undefined : callers.get(results[0]!)
  return results.every((callId) => callers.get(callId) === first) ? first : undefined
}

function newNode(role: Node['role']): Node {
  return { role, ordinals: [], parent: undefined, children: [] }
}

function nodeAbove(
  entries: readonly Entry[],
  byRecord: Readonly<ByRecord>,
  ordinal: number,
  self: Node | undefined,
): Node | undefined {
  let seen: Set<number> | undefined
  let steps = 0
  for (let at = entries[ordinal]!.above; at !== undefined && seen?.has(at) !== true; at = entries[at]!.above) {
    // Nearly every walk is a few steps: only a long one may be in a circle.
    if (++steps > FEW_STEPS) (seen ??= new Set()).add(at)
    const node = byRecord[at]
    if (node !== undefined && node !== self) return node
  }
  return undefined
}

/** The nodes, each after its parent. Where they follow each other in a circle, the one that began first is a root. */
function parentsFirst(nodes: readonly Node[]): readonly Node[] {
  const done = new Set<Node>()
  for (const start of nodes) {
    if (start.parent === undefined || done.has(start.parent)) {
      done.add(start)
      continue
    }
    cutCircle(start, done)
    const line: Node[] = []
    for (let node: Node | undefined = start; node !== undefined && !done.has(node); node = node.parent) line.push(node)
    for (const node of line.reverse()) done.add(node)
  }
  return [...done]
}

function cutCircle(start: Node, done: ReadonlySet<Node>): void {
  const seen = new Set<Node>()
  let node: Node | undefined = start
  for (; node !== undefined && !done.has(node) && !seen.has(node); node = node.parent) seen.add(node)
  if (node === undefined || done.has(node)) return
  let first = node
  for (let next = node.parent!; next !== node; next = next.parent!) {
    if (next.ordinals[0]! < first.ordinals[0]!) first = next
  }
  first.parent = undefined
}
