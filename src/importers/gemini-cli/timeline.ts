/**
 * The records of a Gemini CLI session → the tree of its messages.
 *
 * The records tell how a list of messages changed: a message whose id is in the list replaces it in place, `$rewindTo` drops
 * a message and all after it (all, if it is not there), and `messages` in a `$set` is the whole list anew. Where the list
 * was cut, what comes next is another branch beside what was there: nothing that a file holds is gone.
 *
 * A message is known by its id and what it comes after. One that comes back after another message is a second message with
 * the same source. Everything in this file is pure. Keeps some hundred bytes for each message.
 */

/** A message of the tree. */
export interface Node {
  /** Unlike that of every other message. */
  readonly key: string
  /** What Gemini CLI calls it. */
  readonly id: string
  readonly parent: Node | undefined
  /** 0-based, in the order in which they came. */
  readonly ordinal: number
  /** How many records said what it is. */
  versions: number
  readonly children: Map<string, Node>
}

export class Timeline {
  readonly #roots = new Map<string, Node>()
  readonly #nodes: Node[] = []
  /** How many messages have the same id. */
  readonly #uses = new Map<string, number>()
  /** The list as it is now, in its order. */
  #path: Node[] = []
  #places = new Map<string, number>()

  get nodes(): readonly Node[] {
    return this.#nodes
  }

  /** The message that the conversation ends with. */
  get last(): Node | undefined {
    return this.#path.at(-1)
  }

  /** Takes what is said of a message, at the place it has in the list, or else at its end. */
  say(id: string): Node {
    const place = this.#places.get(id)
    const node = place === undefined ? this.#append(id) : this.#path[place]!
    node.versions++
    return node
  }

  /** Begins the whole list anew. */
  clear(): void {
    this.#path = []
    this.#places = new Map()
  }

  /** Drops a message and all after it; all, if it is not in the list. Returns how many messages went. */
  rewind(id: string): number {
    const place = this.#places.get(id) ?? 0
    const gone = this.#path.splice(place)
    for (const each of gone) this.#places.delete(each.id)
    return gone.length
  }

  #append(id: string): Node {
    const parent = this.last
    const siblings = parent?.children ?? this.#roots
    const node = siblings.get(id) ?? this.#newNode(id, parent)
    siblings.set(id, node)
    this.#places.set(id, this.#path.length)
    this.#path.push(node)
    return node
  }

  #newNode(id: string, parent: Node | undefined): Node {
    const uses = this.#uses.get(id) ?? 0
    this.#uses.set(id, uses + 1)
    const key = uses === 0 ? id : `${id}~${uses}`
    const node = { key, id, parent, ordinal: this.#nodes.length, versions: 0, children: new Map<string, Node>() }
    this.#nodes.push(node)
    return node
  }
}
