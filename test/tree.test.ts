import { describe, expect, test } from 'vitest'
import { Tree, type TreeNode } from '../src/tree.ts'
import { eventId } from './support/events.ts'
import { ids } from './support/model.ts'

let clock = 0

interface Seat {
  readonly turn?: string
  readonly parent?: string | null
  readonly after?: string
  readonly at?: number
}

/** A message; without a turn it opens one of its own name. */
function node(id: string, { turn = id, parent, after, at = ++clock }: Seat = {}): TreeNode {
  clock = Math.max(clock, at)
  return { id, created: eventId(at), turnId: turn, parentId: parent, after, turn: undefined, isDeleted: false }
}

/** A tree that keeps its messages itself. */
class Forest extends Tree {
  readonly #nodes: Map<string, TreeNode>

  constructor(nodes: Map<string, TreeNode> = new Map()) {
    super(nodes)
    this.#nodes = nodes
  }

  override add(node: TreeNode): void {
    this.#nodes.set(node.id, node)
    super.add(node)
  }
}

function treeOf(...nodes: readonly TreeNode[]): Tree {
  const tree = new Forest()
  for (const each of nodes) tree.add(each)
  return tree
}

function pathOf(tree: Tree): string[] {
  return ids([...tree.walkBack(tree.active)]).reverse()
}

describe('a tree', () => {
  test('of nothing has no end and no beginning', () => {
    const tree = new Forest()
    expect([tree.active, tree.leafCount, tree.turnCount, tree.children(undefined)]).toEqual([undefined, 0, 0, []])
    expect([...tree.walkBack(undefined)]).toEqual([])
    expect(tree.last(undefined)).toBeUndefined()
  })

  test('of turns without parents is one path', () => {
    const [q, a, r] = [node('q'), node('a', { turn: 'q' }), node('r')]
    const tree = treeOf(q, a, r)
    expect(pathOf(tree)).toEqual(['q', 'a', 'r'])
    expect([tree.leafCount, tree.turnCount]).toEqual([1, 2])
    expect(ids(tree.children(undefined))).toEqual(['q'])
    expect(ids(tree.children(q))).toEqual(['a'])
    expect(tree.parent(r)).toBe(a)
    expect(tree.parent(q)).toBeUndefined()
    expect(tree.turn('q')?.nodes).toEqual([q, a])
  })

  test('a message that joins a turn comes before the turns that hang at its end', () => {
    const [q, r, late] = [node('q'), node('r'), node('late', { turn: 'q' })]
    const tree = treeOf(q, r, late)
    expect(pathOf(tree)).toEqual(['q', 'late', 'r'])
    expect(tree.parent(r)).toBe(late)
    expect(ids(tree.children(q))).toEqual(['late'])
  })

  test('children are in the order of creation, the next message of the turn and branches alike', () => {
    const q = node('q')
    const tree = treeOf(q, node('b', { parent: 'q', at: 101 }), node('a', { turn: 'q', at: 102 }))
    tree.add(node('c', { parent: 'q', at: 100 }))
    expect(ids(tree.children(q))).toEqual(['c', 'b', 'a'])
    expect(tree.leafCount).toBe(3)
  })

  test('a branch ends where its newest end is', () => {
    const [q, a, b, more] = [
      node('q'),
      node('a', { turn: 'q' }),
      node('b', { parent: 'q' }),
      node('more', { after: 'a' }),
    ]
    const tree = treeOf(q, a, b, more)
    // b is the newest child of q, and what follows a is newer.
    expect(ids([...tree.walkBack(tree.through(q))])).toEqual(['more', 'a', 'q'])
    expect(ids([...tree.walkBack(tree.through(b))])).toEqual(['b', 'q'])
    tree.hide(more)
    expect(ids([...tree.walkBack(tree.through(q))])).toEqual(['b', 'q'])
    tree.hide(b)
    expect(ids([...tree.walkBack(tree.through(q))])).toEqual(['a', 'q'])
    expect(ids([...tree.walkBack(tree.through(b))])).toEqual(['b', 'q'])
  })

  test('a head in the middle of a turn ends the path there, and what follows is a branch of it', () => {
    const [q, a] = [node('q'), node('a', { turn: 'q' })]
    const tree = treeOf(q, a)
    tree.moveHead(eventId(++clock), 'q')
    expect(pathOf(tree)).toEqual(['q'])
    const next = node('next', { after: 'q' })
    tree.add(next)
    expect(pathOf(tree)).toEqual(['q', 'next'])
    expect(tree.leafCount).toBe(2)
    tree.moveHead(eventId(++clock), null)
    expect(pathOf(tree)).toEqual([])
    tree.add(node('root'))
    expect(pathOf(tree)).toEqual(['root'])
    expect(ids(tree.children(undefined))).toEqual(['q', 'root'])
  })

  test('a head that was the last message of its turn is the end of that turn, whatever comes to it later', () => {
    const tree = treeOf(node('q'), node('a', { turn: 'q' }))
    tree.moveHead(eventId(++clock), 'a')
    tree.add(node('b', { turn: 'q' }))
    expect(pathOf(tree)).toEqual(['q', 'a', 'b'])
  })

  test('an unknown head is ignored until its message comes', () => {
    const tree = treeOf(node('q', { at: 201 }), node('b', { parent: null, at: 205 }))
    tree.moveHead(eventId(206), 'late')
    expect(pathOf(tree)).toEqual(['b'])
    tree.add(node('late', { turn: 'q', at: 204 }))
    expect(pathOf(tree)).toEqual(['q', 'late'])
  })

  test('a parent that comes late is found, and reported only as long as it is missing', () => {
    const child = node('child', { parent: 'late', at: 302 })
    const tree = treeOf(node('q', { at: 300 }), child)
    expect([...tree.dangling]).toEqual(['child'])
    expect(pathOf(tree)).toEqual(['q', 'child'])
    tree.add(node('late', { at: 301, parent: null }))
    expect([...tree.dangling]).toEqual([])
    expect(pathOf(tree)).toEqual(['late', 'child'])
  })

  test('a parent or head that comes after those that name it is found if its turn began before them', () => {
    const tree = treeOf(node('q', { at: 320 }), node('b', { parent: null, at: 321 }))
    tree.moveHead(eventId(324), 'late')
    tree.add(node('child', { parent: 'late', at: 322 }))
    tree.add(node('other', { parent: 'late', at: 323 }))
    expect([...tree.dangling].sort()).toEqual(['child', 'other'])
    expect(pathOf(tree)).toEqual(['b', 'child', 'other'])
    tree.add(node('late', { turn: 'q', at: 325 }))
    expect([...tree.dangling]).toEqual([])
    expect(pathOf(tree)).toEqual(['q', 'late'])
    expect(ids(tree.children(tree.turn('q')!.nodes[1]))).toEqual(['child', 'other'])
  })

  test('a message that moves into another turn takes what was said of it along', () => {
    const lost = node('lost', { turn: 't', parent: 'nobody', at: 335 })
    const tree = treeOf(node('first', { at: 330 }), lost)
    expect([...tree.dangling]).toEqual(['lost'])
    expect(tree.turnCount).toBe(2)
    tree.move(lost, { created: eventId(333), turnId: 'first', parentId: 'nobody', after: undefined })
    expect([...tree.dangling]).toEqual([])
    expect([tree.turnCount, tree.leafCount, tree.turn('t')]).toEqual([1, 1, undefined])
    expect(pathOf(tree)).toEqual(['first', 'lost'])
  })

  test('only the first message of a turn can lack a parent, also when another one turns out to be the first', () => {
    const tree = treeOf(node('second', { turn: 't', parent: 'nobody', at: 311 }))
    expect([...tree.dangling]).toEqual(['second'])
    tree.add(node('first', { turn: 't', at: 310 }))
    expect([...tree.dangling]).toEqual([])
  })

  test('a deleted message stays in its place, and ends of deleted messages do not count', () => {
    const [q, a, b, c] = [node('q'), node('a', { turn: 'q' }), node('b', { parent: 'q' }), node('c', { after: 'b' })]
    const tree = treeOf(q, a, b, c)
    expect(tree.leafCount).toBe(2)
    tree.hide(a)
    expect([tree.leafCount, tree.turnCount]).toEqual([1, 3])
    tree.hide(c)
    tree.hide(c)
    expect([tree.leafCount, tree.turnCount]).toEqual([1, 2])
    expect(pathOf(tree)).toEqual(['q', 'b', 'c'])
    tree.hide(b)
    tree.hide(q)
    expect([tree.leafCount, tree.turnCount]).toEqual([0, 0])
  })

  test('a message that joins a turn of deleted ones is an end in the place of the one above', () => {
    const [q, b] = [node('q'), node('b', { after: 'q' })]
    const tree = treeOf(q, b)
    tree.hide(b)
    expect([tree.leafCount, tree.turnCount]).toEqual([1, 1])
    tree.add(node('c', { turn: 'b' }))
    expect([tree.leafCount, tree.turnCount]).toEqual([1, 2])
  })

  test('a turn that moves away from below deleted ones makes an end of what is above them', () => {
    const b = node('b', { after: 'q', at: 341 })
    const tree = treeOf(node('q', { at: 340 }), b, node('c', { parent: 'late', at: 345 }))
    tree.hide(b)
    expect(tree.leafCount).toBe(1)
    tree.add(node('late', { parent: null, at: 343 }))
    expect(tree.leafCount).toBe(2)
    expect(ids([...tree.walkBack(tree.active)])).toEqual(['c', 'late'])
  })

  test('parents that name each other or themselves make no circle', () => {
    const tree = treeOf(
      node('a', { parent: 'b', at: 400 }),
      node('b', { parent: 'a', at: 401 }),
      node('c', { parent: 'c', at: 402 }),
      node('d', { turn: 'd', parent: 'e', at: 403 }),
      node('e', { turn: 'd', at: 404 }),
    )
    expect(pathOf(tree)).toEqual(['a', 'b', 'c', 'd', 'e'])
    expect([...tree.dangling].sort()).toEqual(['a', 'c', 'd'])
  })

  test('100,000 turns are one path, are walked without recursion, and may all be deleted', () => {
    const tree = new Forest()
    const nodes = Array.from({ length: 100_000 }, (_, at) => node(`n${at}`, { at: 1000 + at }))
    for (const each of nodes) tree.add(each)
    expect([...tree.walkBack(tree.active)]).toHaveLength(nodes.length)
    expect(tree.last(tree.through(nodes[0]!))).toBe(nodes.at(-1))
    for (const each of nodes.slice(1)) tree.hide(each)
    expect(tree.leafCount).toBe(1)
    expect(tree.last(tree.through(nodes[0]!))).toBe(nodes[0])
    tree.add(node('more'))
    expect(tree.leafCount).toBe(1)
    expect([...tree.walkBack(tree.active)]).toHaveLength(nodes.length + 1)
  })
})
