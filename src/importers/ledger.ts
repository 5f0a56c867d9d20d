/**
 * Counts what a source holds and what becomes of it, so that an import can say what it lost.
 *
 * Everything in this file is pure.
 */
import type { UnreadableLine } from './jsonl.ts'
import type { DroppedField, DroppedRecords } from './report.ts'

const MAX_UNREADABLE = 100

interface Entry {
  records: number
  readonly reason: string
}

/** The counts of one file. */
export class Ledger {
  readonly #types = new Map<string, number>()
  readonly #dropped = new Map<string, Entry>()
  readonly #merged = new Map<string, Entry>()
  readonly #fields = new Map<string, Entry>()
  readonly #unreadable: UnreadableLine[] = []
  #records = 0
  #malformed = 0

  /** A record, by its type. */
  count(type: string): void {
    this.#records++
    this.#types.set(type, (this.#types.get(type) ?? 0) + 1)
  }

  /** A record that became nothing. A label has one reason. */
  drop(label: string, reason: string): void {
    add(this.#dropped, label, reason)
  }

  /** A record that became a piece of what other records made. */
  merge(label: string, reason: string): void {
    add(this.#merged, label, reason)
  }

  /** A field of a record that is kept. */
  dropField(name: string, reason: string): void {
    add(this.#fields, name, reason)
  }

  /** A piece of a document that is no record. Lines are rejected by the reader of JSONL itself. */
  reject(unreadable: UnreadableLine): void {
    this.#malformed++
    if (this.#unreadable.length < MAX_UNREADABLE) this.#unreadable.push(unreadable)
  }

  get records(): number {
    return this.#records
  }

  get malformed(): number {
    return this.#malformed
  }

  get unreadable(): readonly UnreadableLine[] {
    return [...this.#unreadable]
  }

  get recordsByType(): Readonly<Record<string, number>> {
    return sorted(this.#types)
  }

  get dropped(): Readonly<Record<string, DroppedRecords>> {
    return sorted(this.#dropped)
  }

  get merged(): Readonly<Record<string, DroppedRecords>> {
    return sorted(this.#merged)
  }

  get droppedFields(): Readonly<Record<string, DroppedField>> {
    return sorted(this.#fields)
  }
}

function add(entries: Map<string, Entry>, label: string, reason: string): void {
  const entry = entries.get(label)
  if (entry === undefined) entries.set(label, { records: 1, reason })
  else entry.records++
}

function sorted<T>(items: ReadonlyMap<string, T>): Record<string, T> {
  return Object.fromEntries([...items].sort(([a], [b]) => (a < b ? -1 : 1)))
}
