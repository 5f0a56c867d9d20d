/**
 * What readers get of a fold: pages of messages, turns, the model's context, siblings. Pure; nothing is written by a view.
 */
import { contextOf, type ContextOptions } from './context.ts'
import { FoldlogError } from './errors.ts'
import type { Fold } from './fold.ts'
import { assertCount, assertOneOf } from './input.ts'
import type { Audience, Message, Turn } from './message.ts'
import type { TreeNode } from './tree.ts'
import { turnsOf } from './turns.ts'

export interface MessagesOptions {
  /** Leave out messages for the other audience. Default: both. */
  readonly audience?: Audience
  /** The path through this message to the newest end below it. Default: the conversation, up to its head. */
  readonly branch?: string
  /** The last n of what would be returned. Default: all. */
  readonly limit?: number
  /** Only messages before this one, for paging backwards. */
  readonly before?: string
  /** Every branch, in the order of creation, instead of one path. */
  readonly all?: boolean
}

export function messagesOf(fold: Fold, options: MessagesOptions = {}): readonly Message[] {
  const { audience, branch, limit = Infinity, before, all = false } = options
  assertCount(limit, 0, 'limit')
  assertOneOf(audience, [undefined, 'user', 'model'], 'audience')
  const end = branch === undefined ? fold.tree.active : fold.tree.through(nodeOf(fold, branch))
  if (before !== undefined) nodeOf(fold, before)
  if (!all && audience === undefined) return Object.freeze(fold.path(end, limit, before))
  const list = all ? beforeIn(fold, before) : fold.path(end, Infinity, before)
  const seen = audience === undefined ? list : list.filter((message) => (message.audience ?? audience) === audience)
  return Object.freeze(limit >= seen.length ? seen : seen.slice(seen.length - limit))
}

export function turnsIn(fold: Fold, options: MessagesOptions = {}): readonly Turn[] {
  return turnsOf(messagesOf(fold, options))
}

/** `path`: the conversation, if it is at hand. */
export function contextIn(
  fold: Fold,
  options: ContextOptions = {},
  path: readonly Message[] = fold.path(fold.tree.active),
): readonly Message[] {
  return contextOf(path, options, (id) => fold.node(id)?.created ?? '')
}

/** The turn of a question, on the path through it to the newest end. */
export function turnFrom(fold: Fold, questionId: string): Turn {
  const messages: Message[] = []
  for (const { id } of fold.tree.walkBack(fold.tree.through(nodeOf(fold, questionId)))) {
    const message = fold.message(id)
    if (message !== undefined) messages.push(message)
    if (id === questionId) break
  }
  const [turn] = turnsOf(messages.reverse())
  if (turn === undefined) throw new FoldlogError('NOT_FOUND', `message ${questionId} was removed`)
  return turn
}

/** A message and its alternatives, in the order of creation: what else follows the message before it. */
export function siblingsOf(fold: Fold, messageId: string): readonly Message[] {
  const { tree } = fold
  const nodes = tree.children(tree.parent(nodeOf(fold, messageId)))
  return Object.freeze(nodes.map(({ id }) => fold.message(id)).filter((message) => message !== undefined))
}

/** Where a message is in the tree. Rejects ids of messages that are not there with `NOT_FOUND`. */
export function nodeOf(fold: Fold, messageId: string): TreeNode {
  const node = fold.node(messageId)
  if (node === undefined) throw new FoldlogError('NOT_FOUND', `message ${messageId} is not in this session`)
  return node
}

/** What was created before a message, which may be deleted by now. */
function beforeIn(fold: Fold, before: string | undefined): readonly Message[] {
  const list = fold.all()
  if (before === undefined) return list
  const { created } = nodeOf(fold, before)
  return list.filter(({ id }) => nodeOf(fold, id).created < created)
}
