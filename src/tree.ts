/**
 * Turns and their anchors: which messages follow which, and where the conversation ends (docs/format.md §4.4).
 *
 * A turn is a run of messages with one anchor. Linear writers never name a parent: a turn goes to the end of the path
 * that was active when it began, so that concurrent writers all stay visible. Only a deliberate branch has a parent.
 *
 * Invariant held here: I3 order of arrival never matters. Turns and head moves are kept in the order of their ids, each with the
 * path that was active after it; what arrives late is put in its place, and only what comes after it is placed again.
 *
 * A turn only ever hangs under a turn that began before it, so every walk ends. Everything in this file is pure.
 */
import { ById } from './by-id.ts'
import { countBefore } from './count-before.ts'

/** What the tree knows of a message. Everything but `turn` is fixed by the message's first event. */
export interface TreeNode {
  readonly id: string
  /** The id of the message's first event: its place in time. */
  created: string
  turnId: string
  parentId: string | null | undefined
  after: string | undefined
  turn: TreeTurn | undefined
  isDeleted: boolean
}

export interface TreeTurn {
  readonly id: string
  /** In the order of their first events; never empty while the turn is in the tree. */
  readonly nodes: TreeNode[]
  /** Where it hangs; undefined for a root. */
  anchor: Place | undefined
  /** The turns that hang under it, anywhere. */
  children: TreeTurn[]
  /** Its messages that are not deleted. */
  visible: number
  isPlaced: boolean
}

/** The end of a turn, whatever comes to it, or a message in it. */
export interface Place {
  readonly turn: TreeTurn
  readonly upTo: TreeNode | undefined
}

/** A turn that begins or a head that moves, and the path that is active after it. */
interface Step {
  readonly at: string
  readonly turn: TreeTurn | undefined
  readonly head: string | null | undefined
  active: Place | undefined
}

/** Of a turn that no other hangs under, shared by all of those; it is replaced, never added to. */
const NO_TURNS: TreeTurn[] = []

export class Tree {
  /** By id, kept by the caller; those without a turn are not in the tree. */
  readonly #nodes: Pick<ById<TreeNode>, 'get' | 'values'>
  readonly #turns = new ById<TreeTurn>()
  readonly #roots: TreeTurn[] = []
  readonly #steps: Step[] = []
  /** Ids that steps name and that are not there (yet), with the first step that does. */
  readonly #awaited = new Map<string, string>()
  readonly #dangling = new Set<string>()
  #isStraight = true
  #turnCount = 0
  /** Undefined: has to be counted again. */
  #leafCount: number | undefined = 0

  /** `nodes` has to hold a message by the time it is added. */
  constructor(nodes: Pick<ById<TreeNode>, 'get' | 'values'>) {
    this.#nodes = nodes
  }

  /** The path the conversation is. Undefined: it is empty. */
  get active(): Place | undefined {
    return this.#steps.at(-1)?.active
  }

  /** Turns with a message that is not deleted. */
  get turnCount(): number {
    return this.#turnCount
  }

  /** First messages of turns whose `parentId` names no message that came before. */
  get dangling(): ReadonlySet<string> {
    return this.#dangling
  }

  /** Whether nothing is named that has not come. */
  get isComplete(): boolean {
    return this.#awaited.size === 0 && this.#dangling.size === 0
  }

  /** Whether every message came to the end of the one path there is, in the order of their ids, and the head was never moved: what came last is what the conversation ends with. */
  get isStraight(): boolean {
    return this.#isStraight
  }

  /** The turn of this id, if a message opened it. */
  turn(id: string): TreeTurn | undefined {
    return this.#turns.get(id)
  }

  /** Takes in a message that was created. In order of ids this is constant time. */
  add(node: TreeNode): void {
    // Mostly the newest one: a look into the map costs more than the rest of this.
    const end = this.active
    const turn = end?.turn.id === node.turnId ? end.turn : this.#turns.get(node.turnId)
    if (turn === undefined) this.#open(node)
    else this.#join(turn, node)
    if (this.#isStraight)
      this.#isStraight = turn === undefined ? isAtEnd(node, end) : turn === end?.turn && node === turn.nodes.at(-1)
    const awaitedAt = this.#awaited.size === 0 ? undefined : this.#awaited.get(node.id)
    if (awaitedAt === undefined) return
    this.#isStraight = false
    this.#awaited.delete(node.id)
    this.#placeFrom(this.#indexOf(awaitedAt))
  }

  /** Takes in a `session.updated` that moved the head; `null`: to before everything. */
  moveHead(at: string, head: string | null): void {
    this.#isStraight = false
    this.#insert({ at, turn: undefined, head, active: undefined })
  }

  /** Takes notice that a message was deleted. It stays in its place, and what hangs below it too. */
  hide(node: TreeNode): void {
    if (node.isDeleted) return
    node.isDeleted = true
    if (node.turn === undefined) return
    node.turn.visible--
    if (node.turn.visible === 0) this.#turnCount--
    this.#leafCount = undefined
  }

  /** Puts a message elsewhere because an event older than its first one came: everything is placed again. */
  move(node: TreeNode, change: Pick<TreeNode, 'created' | 'turnId' | 'parentId' | 'after'>): void {
    this.#isStraight = false
    Object.assign(node, change)
    const nodes = [...this.#nodes.values()].filter(({ turn }) => turn !== undefined)
    const heads = this.#steps.filter((step) => step.head !== undefined)
    for (const each of nodes) each.turn = undefined
    this.#turns.clear()
    this.#awaited.clear()
    this.#dangling.clear()
    this.#roots.length = 0
    this.#steps.length = 0
    this.#turnCount = 0
    this.#leafCount = undefined
    const all = [
      ...nodes.map((each) => ({ at: each.created, take: () => this.add(each) })),
      ...heads.map((each) => ({ at: each.at, take: () => this.#insert(each) })),
    ]
    for (const { take } of all.sort((a, b) => (a.at < b.at ? -1 : 1))) take()
  }

  /** The messages of a path from its end to its beginning, deleted ones too. */
  *walkBack(end: Place | undefined): Generator<TreeNode> {
    for (let place = end; place !== undefined; place = place.turn.anchor) {
      const { nodes } = place.turn
      for (let i = place.upTo === undefined ? nodes.length - 1 : position(nodes, place.upTo); i >= 0; i--)
        yield nodes[i]!
    }
  }

  /** The path that goes through a message to the newest end below it, not counting what was deleted. */
  through(node: TreeNode): Place {
    const below = [node]
    for (const each of below) for (const child of this.children(each)) below.push(child)
    const goesOn = new Set<TreeNode>()
    let end: TreeNode | undefined
    // Children come before their parents here.
    for (const each of below.reverse()) {
      if (each.isDeleted && !goesOn.has(each)) continue
      if (!goesOn.has(each) && (end === undefined || each.created > end.created)) end = each
      const parent = each === node ? undefined : this.parent(each)
      if (parent !== undefined) goesOn.add(parent)
    }
    end ??= node
    return { turn: end.turn!, upTo: end.turn!.nodes.at(-1) === end ? undefined : end }
  }

  /** What follows a message directly, in order of ids; `undefined` asks for the beginnings of the conversation. */
  children(node: TreeNode | undefined): TreeNode[] {
    if (node === undefined) return this.#roots.map((turn) => turn.nodes[0]!).sort(byCreated)
    const turn = node.turn!
    const next = turn.nodes[position(turn.nodes, node) + 1]
    const below = turn.children
      .filter(({ anchor }) => (anchor!.upTo === undefined ? next === undefined : anchor!.upTo === node))
      .map((child) => child.nodes[0]!)
    return next === undefined ? below.sort(byCreated) : [next, ...below].sort(byCreated)
  }

  /** The message before a message; undefined at the beginning. */
  parent(node: TreeNode): TreeNode | undefined {
    const turn = node.turn!
    const index = position(turn.nodes, node)
    return index > 0 ? turn.nodes[index - 1] : this.last(turn.anchor)
  }

  /** The last message of a path, deleted or not. */
  last(place: Place | undefined): TreeNode | undefined {
    return place === undefined ? undefined : (place.upTo ?? place.turn.nodes.at(-1))
  }

  /** How many ends the tree has, not counting what was deleted. */
  get leafCount(): number {
    this.#leafCount ??= [...this.#turns.values()].filter(isLeaf).length
    return this.#leafCount
  }

  #open(node: TreeNode): void {
    const turn: TreeTurn = {
      id: node.turnId,
      nodes: [node],
      anchor: undefined,
      children: NO_TURNS,
      visible: 0,
      isPlaced: false,
    }
    this.#turns.add(turn)
    this.#show(turn, node)
    this.#insert({ at: node.created, turn, head: undefined, active: undefined })
  }

  #join(turn: TreeTurn, node: TreeNode): void {
    const { nodes } = turn
    const wasLeaf = isLeaf(turn)
    const index = countBefore(nodes, createdOf, node.created)
    if (index === nodes.length) nodes.push(node)
    else nodes.splice(index, 0, node)
    this.#show(turn, node)
    if (turn.visible === 1) this.#leafCount = undefined
    else if (this.#leafCount !== undefined) this.#leafCount += Number(isLeaf(turn)) - Number(wasLeaf)
    if (index === 0) {
      // The turn begins earlier than was known: its step moves, and who was its first message has no parent any more.
      this.#dangling.delete(nodes[1]!.id)
      this.#steps.splice(
        this.#steps.findIndex((step) => step.turn === turn),
        1,
      )
      this.#insert({ at: node.created, turn, head: undefined, active: undefined })
    } else if (node.created < (this.#steps.at(-1)?.at ?? '')) {
      // A later step may have taken the message before this one for the last of its turn.
      this.#placeFrom(this.#indexOf(node.created))
    }
  }

  #show(turn: TreeTurn, node: TreeNode): void {
    node.turn = turn
    if (node.isDeleted) return
    turn.visible++
    if (turn.visible === 1) this.#turnCount++
  }

  #insert(step: Step): void {
    const index = this.#indexOf(step.at)
    this.#steps.splice(index, 0, step)
    this.#placeFrom(index)
  }

  /** The first step at or after an id. */
  #indexOf(at: string): number {
    return countBefore(this.#steps, atOf, at)
  }

  #placeFrom(index: number): void {
    let active = this.#steps[index - 1]?.active
    for (let i = index; i < this.#steps.length; i++) {
      const step = this.#steps[i]!
      if (step.turn !== undefined) {
        this.#hang(step.turn, this.#anchorOf(step.turn.nodes[0]!, active))
        active = { turn: step.turn, upTo: undefined }
      } else {
        active = this.#headPlace(step, active)
      }
      step.active = active
    }
  }

  #headPlace(step: Step, active: Place | undefined): Place | undefined {
    if (typeof step.head !== 'string') return undefined
    const node = this.#before(step.head, step.at)
    return node === undefined ? active : placeAt(node, step.at)
  }

  #anchorOf(first: TreeNode, active: Place | undefined): Place | undefined {
    this.#dangling.delete(first.id)
    if (first.parentId === null) return undefined
    if (first.parentId !== undefined) {
      const parent = this.#before(first.parentId, first.created)
      if (parent !== undefined) return { turn: parent.turn!, upTo: parent }
      this.#dangling.add(first.id)
    }
    // Mostly its writer saw the end of what is active here.
    if (active !== undefined && first.after === this.last(active)!.id && isOlder(active.turn, first)) return active
    const after = first.after === undefined ? undefined : this.#before(first.after, first.created)
    return after === undefined || isOnPath(after, active) ? active : placeAt(after, first.created)
  }

  /** The message of this id, if its turn began before `at`; otherwise the step is placed again when it comes. */
  #before(id: string, at: string): TreeNode | undefined {
    const node = this.#nodes.get(id)
    if (node?.turn !== undefined && node.turn.nodes[0]!.created < at) return node
    const awaitedAt = this.#awaited.get(id)
    if (node?.turn === undefined && (awaitedAt === undefined || at < awaitedAt)) this.#awaited.set(id, at)
    return undefined
  }

  #hang(turn: TreeTurn, anchor: Place | undefined): void {
    const from = turn.anchor
    if (turn.isPlaced && from?.turn === anchor?.turn && from?.upTo === anchor?.upTo) return
    const above = anchor?.turn
    const left = from?.turn === above ? undefined : from?.turn
    const before = leaves(above) + leaves(left)
    if (turn.isPlaced) remove(from?.turn.children ?? this.#roots, turn)
    turn.anchor = anchor
    // Most turns have one child, and an array that grows from nothing has room for 17 at once.
    if (above?.children.length === 0) above.children = [turn]
    else (above?.children ?? this.#roots).push(turn)
    const change = leaves(above) + leaves(left) - before + (turn.isPlaced ? 0 : leaves(turn))
    turn.isPlaced = true
    // Through a turn of deleted messages a change reaches further up: then everything is counted, when asked for.
    const isHidden = turn.visible === 0 || above?.visible === 0 || left?.visible === 0
    if (this.#leafCount !== undefined) this.#leafCount = isHidden ? undefined : this.#leafCount + change
  }
}

/** Whether the turn that a message opens hangs at the end of a path. */
function isAtEnd({ turn, created }: TreeNode, end: Place | undefined): boolean {
  const anchor = turn!.anchor
  const last = end?.turn.nodes.at(-1)
  if (last !== undefined && created < last.created) return false
  return anchor?.turn === end?.turn && (anchor?.upTo === undefined || anchor.upTo === last)
}

function isOlder(turn: TreeTurn, first: TreeNode): boolean {
  return turn.nodes[0]!.created < first.created
}

function leaves(turn: TreeTurn | undefined): number {
  return turn !== undefined && isLeaf(turn) ? 1 : 0
}

/** Whether a path is at its end in this turn, deleted messages left out. */
function isLeaf(turn: TreeTurn): boolean {
  if (turn.visible === 0 || turn.children.length === 0) return turn.visible > 0
  const last = turn.nodes.findLast(({ isDeleted }) => !isDeleted)!
  return !turn.children.some((child) => {
    const { upTo } = child.anchor!
    return (upTo === undefined || upTo.created >= last.created) && isSeen(child)
  })
}

/** Whether anything of a turn or below it is not deleted. No recursion: a long conversation may be deleted as a whole. */
function isSeen(turn: TreeTurn): boolean {
  const open = [turn]
  for (let next = open.pop(); next !== undefined; next = open.pop()) {
    if (next.visible > 0) return true
    for (const child of next.children) open.push(child)
  }
  return false
}

/** The place of a message for what came at `at`: if it was the last of its turn by then, the end of that turn. */
function placeAt(node: TreeNode, at: string): Place {
  const { nodes } = node.turn!
  const next = nodes[position(nodes, node) + 1]
  return { turn: node.turn!, upTo: next === undefined || next.created > at ? undefined : node }
}

function isOnPath(node: TreeNode, path: Place | undefined): boolean {
  const turn = node.turn!
  let place = path
  // Anchors lead to turns that began earlier: once past the message's turn it cannot come.
  while (place !== undefined && place.turn !== turn && place.turn.nodes[0]!.created > turn.nodes[0]!.created) {
    place = place.turn.anchor
  }
  return place?.turn === turn && (place.upTo === undefined || node.created <= place.upTo.created)
}

function position(nodes: readonly TreeNode[], node: TreeNode): number {
  return nodes.at(-1) === node ? nodes.length - 1 : countBefore(nodes, createdOf, node.created)
}

function createdOf({ created }: TreeNode): string {
  return created
}

function atOf({ at }: Step): string {
  return at
}

function byCreated(a: TreeNode, b: TreeNode): number {
  return a.created < b.created ? -1 : 1
}

function remove<T>(list: T[], item: T): void {
  const index = list.lastIndexOf(item)
  if (index >= 0) list.splice(index, 1)
}
