/**
 * The tree of a conversation: its nodes, parents before their children, siblings in the order of the source.
 *
 * Nodes without a message hold only others; theirs go under the nearest message above. A parent that is not there makes a
 * root, and nodes that only lead to each other are entered at the first of them, so every message has its place. Everything
 * in this file is pure.
 */
import type { JsonObject } from '../../json.ts'
import { asObject, listField, objectField, textField } from '../fields.ts'
import type { SourceLinks } from '../report.ts'

/** A node with a message. */
export interface MessageNode {
  readonly key: string
  /** The key of the nearest message above. */
  readonly parentKey: string | undefined
  readonly message: JsonObject
  /** Of a root: the parent it names, which is not there. */
  readonly originalParent: string | undefined
}

export interface Tree {
  readonly nodes: readonly MessageNode[]
  /** How many nodes have no message. */
  readonly empty: number
  /** Of all nodes, as they stand in the source. */
  readonly links: SourceLinks
  /** The key of the message that the conversation ends at. */
  readonly head: string | undefined
}

interface Node {
  readonly key: string
  readonly value: JsonObject
  readonly parent: string | undefined
  readonly children: Node[]
}

export function treeOf(mapping: JsonObject, currentNode: string | undefined): Tree {
  const all = nodesOf(mapping)
  const roots = [...all.values()].filter(({ parent }) => parent === undefined || !all.has(parent))
  const nodes: MessageNode[] = []
  /** Of each node that was entered: the message that stands for it below. */
  const messages = new Map<string, string | undefined>()
  for (const start of [...roots, ...all.values()]) {
    const waiting = messages.has(start.key) ? [] : [start]
    for (let node = waiting.pop(); node !== undefined; node = waiting.pop()) {
      if (messages.has(node.key)) continue
      const { key, value, parent } = node
      const parentKey = parent === undefined ? undefined : messages.get(parent)
      const message = objectField(value, 'message')
      messages.set(key, message === undefined ? parentKey : key)
      if (message !== undefined) {
        const originalParent = parent !== undefined && !all.has(parent) ? parent : undefined
        nodes.push({ key, parentKey, message, originalParent })
      }
      // One by one: there may be more than a call has arguments.
      for (const child of node.children.toReversed()) waiting.push(child)
    }
  }
  const head = currentNode === undefined ? undefined : messages.get(currentNode)
  return { nodes, empty: all.size - nodes.length, links: linksOf(all), head }
}

function nodesOf(mapping: JsonObject): ReadonlyMap<string, Node> {
  const all = new Map<string, Node>()
  for (const [key, item] of Object.entries(mapping)) {
    const value = asObject(item) ?? {}
    all.set(key, { key, value, parent: textField(value, 'parent'), children: [] })
  }
  for (const node of all.values()) all.get(node.parent ?? '')?.children.push(node)
  for (const { value, children } of all.values()) {
    if (children.length < 2) continue
    const listed = new Map((listField(value, 'children') ?? []).map((key, index) => [key, index]))
    const rank = ({ key }: Node): number => listed.get(key) ?? Infinity
    children.sort((a, b) => (rank(a) === rank(b) ? 0 : rank(a) - rank(b)))
  }
  return all
}

function linksOf(all: ReadonlyMap<string, Node>): SourceLinks {
  const nodes = [...all.values()]
  return {
    nodes: nodes.length,
    roots: nodes.filter(({ parent }) => parent === undefined).length,
    dangling: nodes.filter(({ parent }) => parent !== undefined && !all.has(parent)).length,
    leaves: nodes.filter(({ children }) => children.length === 0).length,
    branchPoints: nodes.filter(({ children }) => children.length > 1).length,
  }
}
