/**
 * How the entries of a session follow each other, and which of them are messages.
 *
 * An entry that is no message stands in the tree all the same; what follows it follows the message above it.
 *
 * Everything in this file is pure. Keeps about a hundred bytes for each entry.
 */
import type { SourceLinks } from '../report.ts'

interface Entry {
  readonly parent: Entry | undefined
  /** The message that it is, or that it follows. */
  message: string | undefined
  /** Whether it is a message itself. */
  isMessage: boolean
  /** The message that it is, or the first one that follows it. */
  first: string | undefined
  children: number
}

export class EntryTree {
  readonly #entries = new Map<string, Entry>()
  /** By their place in the file, the header included. */
  readonly #inOrder: (Entry | undefined)[] = []
  #last: Entry | undefined
  #roots = 0
  #dangling = 0

  has(id: string): boolean {
    return this.#entries.has(id)
  }

  /** An entry. `parentId` is `null` for a root, undefined where entries follow each other as they come. */
  add(id: string, ordinal: number, parentId: string | null | undefined): void {
    const parent = parentId === undefined ? this.#last : this.#entries.get(parentId ?? '')
    if (parentId === null || (parentId === undefined && parent === undefined)) this.#roots++
    else if (parent === undefined) this.#dangling++
    if (parent !== undefined) parent.children++
    const entry: Entry = { parent, message: parent?.message, isMessage: false, first: undefined, children: 0 }
    this.#entries.set(id, entry)
    this.#inOrder[ordinal] = entry
    this.#last = entry
  }

  /** The header, which has a place in the file and none in the tree. */
  addHeader(ordinal: number): void {
    this.#inOrder[ordinal] = { parent: undefined, message: undefined, isMessage: false, first: undefined, children: 0 }
  }

  /** The message that an entry follows. */
  above(id: string): string | undefined {
    return this.#entries.get(id)?.parent?.message
  }

  /** The entry is a message, from here on. */
  isMessage(id: string): void {
    const entry = this.#entries.get(id)!
    entry.isMessage = true
    entry.message = id
    entry.first = id
    const header = this.#inOrder[0]
    if (header !== undefined) header.first ??= id
    for (
      let each = entry.parent;
      each !== undefined && !each.isMessage && each.first === undefined;
      each = each.parent
    ) {
      each.first = id
    }
  }

  /** The message that an entry is, or the first that followed it. */
  firstAt(place: string | number): string | undefined {
    return (typeof place === 'string' ? this.#entries.get(place) : this.#inOrder[place])?.first
  }

  /** The message that an entry is, or follows. */
  messageAt(id: string): string | undefined {
    return this.#entries.get(id)?.message
  }

  /** The message that the last entry is, or follows: the conversation ends there. */
  get leaf(): string | undefined {
    return this.#last?.message
  }

  links(): SourceLinks {
    const children = [...this.#entries.values()].map((entry) => entry.children)
    return {
      nodes: children.length,
      roots: this.#roots,
      dangling: this.#dangling,
      leaves: children.filter((count) => count === 0).length,
      branchPoints: children.filter((count) => count > 1).length,
    }
  }
}
