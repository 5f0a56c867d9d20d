/**
 * The parts of a message that is being streamed, and the lines that say how they grew (docs/format.md §9).
 *
 *     {"partId":"p1","type":"text","at":0,"delta":"Hello"}     text at a place of a part, in UTF-16 code units
 *     {"part":{"id":"p2","type":"tool-call",…}}                a whole part, by its id
 *     {"left":true}                                            whoever wrote it lets go of it
 *
 * A line twice is as good as once, and what does not follow what is there has no effect: so a reader always has a
 * beginning of what was written. Pure.
 */
import { isValidData } from './event.ts'
import { GrownText } from './grown-text.ts'
import { deepFreeze, type Json } from './json.ts'
import type { Part, ReasoningPart, TextPart } from './message.ts'

/** The parts that grow by deltas. */
export type GrowingType = (TextPart | ReasoningPart)['type']

export interface DeltaLine {
  readonly partId: string
  readonly type: GrowingType
  readonly at: number
  readonly delta: string
}

interface PartLine {
  readonly part: Part
}

export type DraftLine = DeltaLine | PartLine

interface Entry {
  part: Part
  /** In place of the part's own text, once that grows. */
  text: GrownText | undefined
}

export class DraftParts {
  readonly #entries = new Map<string, Entry>()
  #parts: readonly Part[] | undefined
  #last: Entry | undefined
  /** Whoever wrote it has let go of it. */
  isLeft = false

  /** The part that a delta of this type goes to: the last one, if it is of that type. */
  growing(type: GrowingType): { readonly partId: string; readonly at: number } | undefined {
    const last = this.#last
    return last?.part.type === type ? { partId: last.part.id, at: grown(last).length } : undefined
  }

  get size(): number {
    return this.#entries.size
  }

  has(partId: string): boolean {
    return this.#entries.has(partId)
  }

  /** Takes what a line says; returns what of it is new, undefined if nothing is. */
  apply(line: DraftLine): DraftLine | undefined {
    return 'part' in line ? this.#put(line) : this.#grow(line)
  }

  /** The parts as they are now. Frozen, and the same while nothing changes. */
  parts(): readonly Part[] {
    this.#parts ??= deepFreeze([...this.#entries.values()].map(partOf))
    return this.#parts
  }

  /** The name of a call in it. */
  nameOfCall(callId: string): string | undefined {
    for (const { part } of this.#entries.values()) {
      if (part.type === 'tool-call' && part.callId === callId) return part.name
    }
    return undefined
  }

  /** The texts of all text parts, one after the other, from a place on. */
  textFrom(place: number): string {
    let text = ''
    let start = 0
    for (const entry of this.#entries.values()) {
      if (entry.part.type !== 'text') continue
      const { length } = grown(entry)
      if (start + length > place) text += grown(entry).from(Math.max(0, place - start))
      start += length
    }
    return text
  }

  #put(line: PartLine): DraftLine {
    const { part } = line
    const known = this.#entries.get(part.id)
    if (known === undefined) this.#add({ part, text: undefined })
    else {
      known.part = part
      known.text = undefined
    }
    this.#parts = undefined
    return line
  }

  #grow(line: DeltaLine): DraftLine | undefined {
    const { partId, type, at, delta } = line
    let entry = this.#entries.get(partId)
    if (entry === undefined) {
      if (at !== 0) return undefined
      entry = { part: { id: partId, type, text: '' }, text: new GrownText() }
      this.#add(entry)
    }
    if (entry.part.type !== type) return undefined
    const text = grown(entry)
    const known = text.length - at
    if (known < 0 || (known > 0 && known >= delta.length)) return undefined
    this.#parts = undefined
    text.append(known === 0 ? delta : delta.slice(known))
    return known === 0 ? line : { partId, type, at: at + known, delta: delta.slice(known) }
  }

  #add(entry: Entry): void {
    this.#entries.set(entry.part.id, entry)
    this.#last = entry
  }
}

/** The text of a text or reasoning part, from now on to be grown. */
function grown(entry: Entry): GrownText {
  const { part } = entry
  entry.text ??= new GrownText('text' in part ? part.text : '')
  return entry.text
}

function partOf({ part, text }: Entry): Part {
  // Only parts with a text grow.
  return text === undefined ? part : ({ ...part, text: text.toString() } as Part)
}

/** What a line of a side file says; undefined if it is none of ours. Files hold anything. */
export function parseDraftLine(text: string): DraftLine | 'left' | undefined {
  let value: unknown
  try {
    value = JSON.parse(text)
  } catch {
    // Half a line, or damage: what does not follow is ignored.
    return undefined
  }
  if (typeof value !== 'object' || value === null) return undefined
  const { partId, type, at, delta, part, left } = value as { readonly [name: string]: unknown }
  if (left === true) return 'left'
  if (part !== undefined) return isPart(part) ? { part: deepFreeze(part) } : undefined
  if (typeof partId !== 'string' || partId === '' || typeof delta !== 'string') return undefined
  if ((type !== 'text' && type !== 'reasoning') || !Number.isInteger(at) || (at as number) < 0) return undefined
  return { partId, type, at: at as number, delta }
}

function isPart(part: unknown): part is Part {
  const id = typeof part === 'object' && part !== null ? (part as { readonly id?: unknown }).id : undefined
  return isValidData('part.updated', { messageId: 'm', partId: id, part } as unknown as Json)
}
