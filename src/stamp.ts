/**
 * From what a caller wants to add to the data of `message.created`: ids, and the place in the tree.
 *
 * The rule is docs/format.md §4.4 from the writer's side. A user message opens a turn, other messages join the current one; the
 * first message of a turn stamps `after`, the head its writer saw. Only a deliberate branch, or going on from a head that is not the
 * last message of its turn, stamps `parentId`. Everything in this file is pure.
 */
import { FoldlogError } from './errors.ts'
import { assertData, type MessageData } from './event.ts'
import type { Fold } from './fold.ts'
import { assertFields, assertObject, MESSAGE_FIELDS } from './input.ts'
import { toJson, toJsonBehind, type Json } from './json.ts'
import type { FilePart, Message, Part, Role, Status, TextPart, ToolResultPart } from './message.ts'

type Unnamed<P> = Omit<P, 'id'> & { readonly id?: string }
type UnnamedParts = { [P in Part as P['type']]: Unnamed<P> }
/** A result in which parts may be without an id. */
export type WithUnnamedContent<P extends Partial<ToolResultPart>> = Omit<P, 'content'> & {
  readonly content?: readonly (Unnamed<TextPart> | Unnamed<FilePart>)[]
}

/** A part as callers give it: its id, and those of what is inside a result, may be left out. */
export type PartInput =
  | UnnamedParts[Exclude<Part['type'], 'tool-result'>]
  | WithUnnamedContent<UnnamedParts['tool-result']>

/**
 * A message as callers give it. `role` is `user` and `status` `completed` unless said; `text` is short for a first text part.
 *
 * Without `id` a ULID is minted; a known id updates that message in place. `turnId` puts the message into a turn of the caller's naming;
 * `parentId` opens a branch under a message, `null` at the beginning.
 */
export type MessageInput = Omit<Partial<Message>, 'parts' | 'time' | 'after'> & {
  readonly text?: string
  readonly parts?: readonly PartInput[]
}

/** What messages that are not folded yet, added in the same tick, have done to the end of the conversation. */
export class Tip {
  /** The last message, and whether it ends its turn. */
  last: { readonly id: string; readonly turnId: string; readonly endsTurn: boolean } | undefined
  /** What was noted and is not in the maps yet: a message that comes alone is never asked about. */
  #noted: { readonly data: MessageData; readonly turnId: string }[] | undefined
  #turns: Map<string, string> | undefined
  #calls: Map<string, string> | undefined
  #turnIds: Set<string> | undefined

  constructor(fold: Fold) {
    const { tree } = fold
    const last = tree.last(tree.active)
    if (last !== undefined) this.last = { id: last.id, turnId: last.turnId, endsTurn: tree.active?.upTo === undefined }
  }

  /** The turn of a message that is on its way. */
  turnOf(messageId: string): string | undefined {
    this.#sortIn()
    return this.#turns?.get(messageId)
  }

  /** The turn of a call that is on its way. */
  turnOfCall(callId: string): string | undefined {
    this.#sortIn()
    return this.#calls?.get(callId)
  }

  /** Whether a message on its way opened this turn or went into it. */
  hasTurn(turnId: string): boolean {
    this.#sortIn()
    return this.#turnIds?.has(turnId) === true
  }

  /** Takes notice of a message on its way. `isKnown`: it is there already, and stays where it is. */
  note(data: MessageData, seat: Seat, isKnown: boolean): void {
    const isNew = !isKnown && this.turnOf(data.id) === undefined
    const noted = { data, turnId: seat.turnId }
    // An array that grows from nothing has room for 17 at once.
    if (this.#noted === undefined) this.#noted = [noted]
    else this.#noted.push(noted)
    const opens = seat.parentId !== undefined || seat.after !== undefined
    if (isNew && (opens || this.last === undefined || this.last.turnId === seat.turnId)) {
      this.last = { id: data.id, turnId: seat.turnId, endsTurn: true }
    }
  }

  #sortIn(): void {
    if (this.#noted === undefined) return
    this.#turns ??= new Map()
    this.#turnIds ??= new Set()
    for (const { data, turnId } of this.#noted) {
      this.#turns.set(data.id, turnId)
      this.#turnIds.add(turnId)
      for (const part of data.parts) {
        if (part.type === 'tool-call') this.#calls = (this.#calls ?? new Map<string, string>()).set(part.callId, turnId)
      }
    }
    this.#noted = undefined
  }
}

/** Where a message goes: into a turn that is there, or a new one with an anchor. */
interface Seat {
  readonly turnId: string
  readonly parentId?: string | null
  readonly after?: string
}

/**
 * The data of a message to be created.
 *
 * @param currentTurn the turn the caller's handle is in, if any
 * @returns the data and whether it opens a turn
 * @throws `INVALID_EVENT` naming the field, `NOT_FOUND` for a parent or an id that is not (any more) there
 */
export function stamp(
  input: MessageInput,
  eventId: string,
  fold: Fold,
  tip: Tip,
  currentTurn: string | undefined,
): { readonly data: MessageData; readonly opensTurn: boolean } {
  assertFields(input, MESSAGE_FIELDS, 'message')
  const given = wellFormed(input.id)
  const id = given ?? eventId
  if (given !== undefined && fold.isDeleted(id)) {
    throw new FoldlogError('NOT_FOUND', `message ${id} was removed and stays removed: use a new id`)
  }
  // A fresh id names nothing that is there.
  const known = given === undefined ? undefined : fold.message(id)
  const node = given === undefined ? undefined : fold.node(id)
  const knownTurn = given === undefined ? undefined : (node?.turnId ?? tip.turnOf(id))
  const { text, role = known?.role ?? 'user' } = input
  const parentId = wellFormed(input.parentId)
  const turnId = wellFormed(input.turnId)
  const keeps = known !== undefined && text === undefined && input.parts === undefined
  const parts = keeps ? known.parts : partsOf(text, input.parts)
  const seat =
    knownTurn === undefined
      ? seatOf({ id, turnId, parentId, role, parts }, fold, tip, currentTurn)
      : { turnId: knownTurn }
  const status = input.status ?? known?.status ?? 'completed'
  const data = ordered(id, seat, role, status, input, parts)
  assertData('message.created', data, `message ${id}`)
  const opensTurn = seat.parentId !== undefined || !isTurn(seat.turnId, fold, tip)
  tip.note(data, seat, node !== undefined)
  return { data, opensTurn }
}

interface Candidate {
  readonly id: string
  readonly turnId: string | undefined
  readonly parentId: string | null | undefined
  readonly role: Role
  readonly parts: readonly unknown[]
}

function seatOf(message: Candidate, fold: Fold, tip: Tip, currentTurn: string | undefined): Seat {
  const { id, parentId, turnId } = message
  if (parentId !== undefined) return branchSeat(message, fold, tip)
  const wanted = turnId ?? defaultTurn(message, fold, tip, currentTurn)
  const { last } = tip
  const isThere = isTurn(wanted, fold, tip)
  if (isThere && (last?.turnId !== wanted || last.endsTurn)) return { turnId: wanted }
  // Either a new turn, or the head stands in the middle of the wanted one: going on from there is a branch.
  const fresh = isThere ? id : wanted
  if (last === undefined) return { turnId: fresh }
  return last.endsTurn ? { turnId: fresh, after: last.id } : { turnId: fresh, parentId: last.id }
}

function branchSeat({ id, parentId, turnId }: Candidate, fold: Fold, tip: Tip): Seat {
  if (typeof parentId === 'string' && fold.node(parentId) === undefined && tip.turnOf(parentId) === undefined) {
    throw new FoldlogError('NOT_FOUND', `parentId: message ${parentId} is not in this session`, { field: 'parentId' })
  }
  if (turnId !== undefined && isTurn(turnId, fold, tip)) {
    throw new FoldlogError(
      'INVALID_EVENT',
      `turnId: a branch opens a turn of its own, and ${turnId} is there already`,
      {
        field: 'turnId',
      },
    )
  }
  return { turnId: turnId ?? id, parentId: parentId! }
}

/** The turn of a message that names none. */
function defaultTurn(message: Candidate, fold: Fold, tip: Tip, currentTurn: string | undefined): string {
  if (message.role === 'user') return message.id
  return turnOfCall(message.parts, fold, tip) ?? currentTurn ?? tip.last?.turnId ?? message.id
}

/** A result belongs to the turn of its call. */
function turnOfCall(parts: readonly unknown[], fold: Fold, tip: Tip): string | undefined {
  for (let i = 0; i < parts.length; i++) {
    const part = parts[i] as Part | undefined
    if (part?.type !== 'tool-result') continue
    const turnId = tip.turnOfCall(part.callId) ?? fold.turnOfCall(part.callId)?.id
    if (turnId !== undefined) return turnId
  }
  return undefined
}

function isTurn(turnId: string, fold: Fold, tip: Tip): boolean {
  return fold.tree.turn(turnId) !== undefined || tip.hasTurn(turnId)
}

/** Copies of parts, with ids: those given, else `p1`, `p2`, … in their order, passing over what is taken. */
export function partsOf(text: string | undefined, parts: readonly PartInput[] | undefined): readonly Json[] {
  assertParts(parts)
  if (parts === undefined) return text === undefined ? [] : [copyOf('p1', { type: 'text', text }, 0)]
  const given: readonly PartInput[] = parts
  const all = text === undefined ? given : [{ type: 'text', text } as const, ...given]
  let named = 0
  for (let i = 0; i < all.length; i++) {
    assertObject(all[i], 'part')
    if (all[i]!.id !== undefined) named++
  }
  const taken = named === 0 ? undefined : new Set(all.flatMap(({ id }) => id ?? []))
  if (taken !== undefined && taken.size < named) throw refuse('two parts have the same id', 'parts')
  return all.map((part, index) => copyOf(part.id ?? freeId(taken, index + 1), withNamedContent(part), index))
}

function freeId(taken: Set<string> | undefined, first: number): string {
  let next = first
  while (taken?.has(`p${next}`) === true) next++
  taken?.add(`p${next}`)
  return `p${next}`
}

function copyOf(id: string, part: object, index: number): Json {
  return toJsonBehind({ id }, part, `message.parts[${index}]`, 2)
}

/** A result with ids on what is inside it; other parts as they are. */
export function withNamedContent(part: PartInput): UnnamedParts[Part['type']] {
  if (part.type !== 'tool-result') return part
  const { content } = part
  const isNamed = !Array.isArray(content) || content.every((each: PartInput | null) => each?.id !== undefined)
  return (isNamed ? part : { ...part, content: partsOf(undefined, content) }) as UnnamedParts['tool-result']
}

/** Throws `INVALID_EVENT` for parts that are no list. */
export function assertParts(parts: unknown): void {
  if (parts !== undefined && !Array.isArray(parts)) throw refuse('parts must be an array', 'parts')
}

function refuse(why: string, field: string): FoldlogError {
  return new FoldlogError('INVALID_EVENT', `message: ${why}`, { field })
}

/** What `ordered` writes itself, `text`, which is a part by now, and what is never written. */
const NOT_COPIED: ReadonlySet<string> = new Set([
  'id',
  'turnId',
  'parentId',
  'after',
  'role',
  'status',
  'text',
  'parts',
  'time',
])

/** A copy with the keys in the order of the format: what skeletons are read from first, parts last. */
function ordered(
  id: string,
  { turnId, parentId, after }: Seat,
  role: Role,
  status: Status,
  input: MessageInput,
  parts: readonly unknown[],
): MessageData {
  const data: Record<string, unknown> =
    parentId !== undefined
      ? { id, turnId, parentId, role, status }
      : after !== undefined
        ? { id, turnId, after, role, status }
        : { id, turnId, role, status }
  // Its names were checked: `__proto__` is not among them.
  const names = Object.keys(input)
  for (let i = 0; i < names.length; i++) {
    const name = names[i]!
    const value = (input as Record<string, unknown>)[name]
    if (value !== undefined && !NOT_COPIED.has(name)) data[name] = toJson(value, `message.${name}`, 1)
  }
  data['parts'] = Object.freeze(parts)
  // Whether it is one is checked by `assertData`.
  return Object.freeze(data) as unknown as MessageData
}

/** An id as it is written. What is no string is refused later, like every other mistake in the data. */
function wellFormed<T extends string | null | undefined>(given: T): T {
  return typeof given === 'string' && !given.isWellFormed() ? (given.toWellFormed() as T) : given
}
