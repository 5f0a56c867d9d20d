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
import { toJson, type Json } from './json.ts'
import type { Message, Part, Role, Status } from './message.ts'

/** A part as callers give it: the id may be left out. */
export type PartInput = { [P in Part as P['type']]: Omit<P, 'id'> & { readonly id?: string } }[Part['type']]

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
  /** The turn of each message and of each call that is on its way, and all those turns. */
  readonly turns: Map<string, string> = new Map()
  readonly calls: Map<string, string> = new Map()
  readonly turnIds: Set<string> = new Set()

  constructor(fold: Fold) {
    const { tree } = fold
    const last = tree.last(tree.active)
    if (last !== undefined) this.last = { id: last.id, turnId: last.turnId, endsTurn: tree.active?.upTo === undefined }
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
  const { id: givenId, text, parts, turnId, parentId, role: _, status: __, ...given } = input
  const { time: ___, after: ____, ...rest } = given as Partial<Message>
  const id = givenId ?? eventId
  const known = fold.message(id)
  const { role = known?.role ?? 'user', status = known?.status ?? 'completed' } = input
  if (fold.isDeleted(id))
    throw new FoldlogError('NOT_FOUND', `message ${id} was removed and stays removed: use a new id`)
  const message = {
    role,
    parts: text === undefined && parts === undefined && known !== undefined ? known.parts : partsOf(text, parts),
  }
  const seat = seatOf({ id, turnId, parentId, ...message }, fold, tip, currentTurn)
  const data = toJson(order(id, seat, role, status, rest, message.parts), 'message') as unknown as MessageData
  assertData('message.created', data, `message ${id}`)
  const opensTurn = seat.parentId !== undefined || !isTurn(seat.turnId, fold, tip)
  note(data, seat, tip)
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
  const known = fold.node(id)
  if (known !== undefined || tip.turns.has(id)) return { turnId: known?.turnId ?? tip.turns.get(id)! }
  if (parentId !== undefined) return branchSeat(message, fold, tip)
  const wanted = turnId ?? defaultTurn(message, fold, tip, currentTurn)
  const { last } = tip
  if (isTurn(wanted, fold, tip) && (last?.turnId !== wanted || last.endsTurn)) return { turnId: wanted }
  // Either a new turn, or the head stands in the middle of the wanted one: going on from there is a branch.
  const fresh = isTurn(wanted, fold, tip) ? id : wanted
  if (last === undefined) return { turnId: fresh }
  return last.endsTurn ? { turnId: fresh, after: last.id } : { turnId: fresh, parentId: last.id }
}

function branchSeat({ id, parentId, turnId }: Candidate, fold: Fold, tip: Tip): Seat {
  if (typeof parentId === 'string' && fold.node(parentId) === undefined && !tip.turns.has(parentId)) {
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
  for (const part of parts as readonly Part[]) {
    if (part?.type !== 'tool-result') continue
    const turnId = tip.calls.get(part.callId) ?? fold.turnOfCall(part.callId)?.id
    if (turnId !== undefined) return turnId
  }
  return undefined
}

function isTurn(turnId: string, fold: Fold, tip: Tip): boolean {
  return fold.tree.turn(turnId) !== undefined || tip.turnIds.has(turnId)
}

function note(data: MessageData, seat: Seat, tip: Tip): void {
  const isNew = !tip.turns.has(data.id)
  tip.turns.set(data.id, seat.turnId)
  tip.turnIds.add(seat.turnId)
  for (const part of data.parts) if (part.type === 'tool-call') tip.calls.set(part.callId, seat.turnId)
  const opens = seat.parentId !== undefined || seat.after !== undefined
  if (isNew && (opens || tip.last === undefined || tip.last.turnId === seat.turnId)) {
    tip.last = { id: data.id, turnId: seat.turnId, endsTurn: true }
  }
}

/** Parts with ids: those given, else `p1`, `p2`, … in their order. */
export function partsOf(text: string | undefined, parts: readonly PartInput[] | undefined): readonly object[] {
  const all: readonly object[] = [...(text === undefined ? [] : [{ type: 'text', text }]), ...(parts ?? [])]
  return all.map((part, index) => ({ id: `p${index + 1}`, ...part }))
}

/** The keys in the order of the format: what skeletons are read from first, parts last. */
function order(
  id: string,
  seat: Seat,
  role: Role,
  status: Status,
  rest: object,
  parts: readonly unknown[],
): { readonly [key: string]: Json } {
  const { turnId, parentId, after } = seat
  return { id, turnId, parentId, after, role, status, ...rest, parts } as unknown as { readonly [key: string]: Json }
}
