/**
 * The content of a message as registers: fields and parts, each with the event that set it.
 *
 * Invariants held here: I3 and I4, as in registers.ts. Most messages are one event: then the content is that event's data as it is,
 * nothing is copied, and no body is made. Everything in this file is pure.
 */
import type { JsonObject } from './json.ts'
import type { MessageData } from './event.ts'
import type { Part } from './message.ts'

/** Fixed by a message's first event, or kept apart. */
const NOT_FIELDS: ReadonlySet<string> = new Set(['id', 'turnId', 'parentId', 'after', 'parts'])

/** A message as it is now, without its time. Fields are missing while its first event has not come. */
export type Content = Partial<MessageData>

interface PartPatch {
  readonly at: string
  readonly partId: string
  readonly part: Part | null
}

export class Body {
  /** The fields as they are now, never changed in place. */
  #data: Content
  /** Who set the fields, except those that `#setAt` names. */
  readonly #at: string
  #setAt: Map<string, string> | undefined
  #partsAt: string
  #patches: PartPatch[] | undefined

  /** A body of one `message.created`, or an empty one that waits for it. */
  constructor(data: MessageData | undefined, at: string) {
    this.#data = data ?? {}
    this.#at = at
    this.#partsAt = data === undefined ? '' : at
  }

  get data(): Content {
    return this.#data
  }

  /** The fields and the parts, as they are now. */
  get content(): Content {
    return this.#patches === undefined ? this.#data : { ...this.#data, parts: this.parts }
  }

  /** Sets the given fields where nothing newer did; `null` unsets, unless it is kept as it would be in a body of one event. */
  assign(fields: object, at: string, keepsNull: boolean = false): void {
    const next: Record<string, unknown> = { ...this.#data }
    for (const [name, value] of Object.entries(fields)) {
      if (NOT_FIELDS.has(name) || at <= this.#fieldAt(name)) continue
      this.#setAt ??= new Map()
      this.#setAt.set(name, at)
      if (value === null && !keepsNull) delete next[name]
      else Object.defineProperty(next, name, { value, writable: true, enumerable: true, configurable: true })
    }
    this.#data = next
  }

  /** The place of a message is that of its first event. */
  settle(first: MessageData): void {
    const { turnId: _, parentId: __, after: ___, ...rest } = this.#data
    this.#data = {
      ...rest,
      id: first.id,
      turnId: first.turnId,
      ...(first.parentId === undefined ? {} : { parentId: first.parentId }),
      ...(first.after === undefined ? {} : { after: first.after }),
    }
  }

  /** All parts at once, as `message.created` gives them. */
  setParts(parts: readonly Part[], at: string): void {
    if (at <= this.#partsAt) return
    this.#partsAt = at
    this.#data = { ...this.#data, parts }
  }

  /** One part; `null` removes it. */
  setPart(partId: string, part: Part | null, at: string): void {
    this.#patches ??= []
    let index = this.#patches.length
    while (index > 0 && this.#patches[index - 1]!.at > at) index--
    this.#patches.splice(index, 0, { at, partId, part })
  }

  get parts(): readonly Part[] {
    const parts = this.#data.parts ?? []
    return this.#patches === undefined
      ? parts
      : patched(
          parts,
          this.#patches.filter(({ at }) => at > this.#partsAt),
        )
  }

  #fieldAt(name: string): string {
    return this.#setAt?.get(name) ?? (Object.hasOwn(this.#data, name) ? this.#at : '')
  }
}

/** The parts after the patches, in their order. A part keeps its place until it is removed. */
function patched(parts: readonly Part[], patches: readonly PartPatch[]): readonly Part[] {
  const list = new Map(parts.map((part) => [part.id, part]))
  for (const { partId, part } of patches) {
    if (part === null) list.delete(partId)
    else list.set(partId, part.id === partId ? part : { ...part, id: partId })
  }
  return [...list.values()]
}

/** What a message adds to its session's totals and to the status of its turn. */
export interface Facts {
  readonly usage: JsonObject | undefined
  readonly calls: readonly string[]
  readonly results: readonly string[]
  readonly isUnfinished: boolean
  readonly isUser: boolean
}

const NO_IDS: readonly string[] = []
const PLAIN: Facts = { usage: undefined, calls: NO_IDS, results: NO_IDS, isUnfinished: false, isUser: false }
const USER: Facts = { ...PLAIN, isUser: true }

export function factsOf({ role, status, usage, parts = [] }: Content): Facts {
  let calls: string[] | undefined
  let results: string[] | undefined
  // Not `for … of`: parts are frozen, and V8 11 walks frozen arrays step by step.
  for (let i = 0; i < parts.length; i++) {
    const part = parts[i]!
    if (part.type === 'tool-call') (calls ??= []).push(part.callId)
    else if (part.type === 'tool-result') (results ??= []).push(part.callId)
  }
  const isUnfinished = status === 'pending' || status === 'in_progress'
  // Most messages add nothing but themselves: those share their facts.
  if (usage === undefined && calls === undefined && results === undefined && !isUnfinished) {
    return role === 'user' ? USER : PLAIN
  }
  return {
    usage: usage as JsonObject | undefined,
    calls: calls ?? NO_IDS,
    results: results ?? NO_IDS,
    isUnfinished,
    isUser: role === 'user',
  }
}
