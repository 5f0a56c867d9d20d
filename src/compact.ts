/**
 * The message of a compaction: what it stands for, checked against the conversation it is written into. Pure.
 *
 * What a model then sees is decided by context.ts.
 */
import { contextOf } from './context.ts'
import { FoldlogError } from './errors.ts'
import { assertData } from './event.ts'
import type { Fold } from './fold.ts'
import { MESSAGE_FIELDS, assertFields } from './input.ts'
import type { Message, Part, Usage } from './message.ts'
import type { JsonObject } from './json.ts'
import { partsOf, type MessageInput } from './stamp.ts'

/** A summary, and what it stands for; see docs/compaction.md. */
export interface CompactionInput {
  /** The summary. Empty: what came before is cleared from the model's view. */
  readonly text: string
  /** The first message that stays as it is, with all that follow it. Default: none of those that are there when it is written. */
  readonly from?: string
  /** Earlier messages that stay besides. */
  readonly keep?: readonly string[]
  /** The messages the summary was made of: what the model sees besides stays, also if it comes before `from`. Default: all of them. */
  readonly covers?: readonly string[]
  /** What the model sees instead of `text`: messages, as they were read or as they are given to `add`. */
  readonly replacement?: readonly MessageInput[]
  /** The role whose view it is for. Default: every view. */
  readonly to?: string
  readonly tokensBefore?: number
  readonly id?: string
  readonly author?: string
  readonly model?: string
  readonly provider?: string
  readonly usage?: Usage
  readonly metadata?: JsonObject
}

const PART_FIELDS = ['text', 'from', 'keep', 'replacement', 'tokensBefore'] as const
const FIELDS: ReadonlySet<string> = new Set([
  ...PART_FIELDS,
  'covers',
  'to',
  'id',
  'author',
  'model',
  'provider',
  'usage',
  'metadata',
])

/**
 * The message to add. `turnId` is the turn the conversation ends with.
 *
 * Throws `NOT_FOUND` for a message that is not in the conversation, `NOTHING_TO_COMPACT` if the summary would stand for nothing.
 */
export function compactionMessage(fold: Fold, turnId: string | undefined, input: CompactionInput): MessageInput {
  assertFields(input, FIELDS, 'compaction')
  const { text, from, keep = [], covers, replacement, tokensBefore, ...message } = input
  const path = fold.path(fold.tree.active)
  const places = new Map(path.map(({ id }, at) => [id, at]))
  const unfinished = path.filter(({ status }) => status === 'pending' || status === 'in_progress')
  // What is still written cannot be in a summary.
  const start = from ?? unfinished[0]?.id
  const end = start === undefined ? path.length : placeOf(start, places, 'from')
  const kept = new Set(keep)
  for (const id of kept) placeOf(id, places, 'keep')
  for (const { id } of unfinished) if (places.get(id)! < end) kept.add(id)
  const options = message.to === undefined ? {} : { role: message.to }
  const seen = (messages: readonly Message[]): readonly Message[] =>
    contextOf(messages, options, (id) => fold.node(id)?.created)
  const view = seen(path)
  if (covers !== undefined) {
    const covered = new Set(covers)
    for (const { id, role } of view) {
      const place = places.get(id)
      // A summary has the id of the message that holds it, and another role.
      if (place === undefined || place >= end || path[place]!.role !== role) continue
      if (!covered.has(id)) kept.add(id)
    }
  }
  const part: Part = {
    id: 'p1',
    type: 'compaction',
    text,
    ...(start === undefined ? {} : { from: start }),
    ...(kept.size === 0 ? {} : { keep: [...kept] }),
    ...(replacement === undefined ? {} : { replacement: replacementFrom(replacement) }),
    ...(tokensBefore === undefined ? {} : { tokensBefore }),
  }
  const made: MessageInput = {
    ...message,
    role: 'assistant',
    parts: [part],
    ...(turnId === undefined ? {} : { turnId }),
  }
  const after = seen([...path, { ...made, ...PROBE, parts: [{ ...part, text: '', replacement: [] }] }])
  const staying = new Set(after.map(({ id }) => id))
  if (view.every(({ id }) => staying.has(id))) throw nothingToCompact(start)
  return made
}

/** The messages of a replacement, each with role and parts. */
function replacementFrom(given: readonly MessageInput[]): readonly Message[] {
  if (!Array.isArray(given)) {
    throw new FoldlogError('INVALID_EVENT', 'replacement must be an array of messages', { field: 'replacement' })
  }
  return (given as readonly MessageInput[]).map((input, at) => {
    const what = `replacement ${at}`
    assertFields(input, MESSAGE_FIELDS, what)
    const { text, parts, ...rest } = input
    const message = { role: 'user', ...rest, parts: partsOf(text, parts) }
    assertData('message.created', { id: 'any', turnId: 'any', status: 'completed', ...message }, what)
    // What it lacks it has from the message of the summary, when it is shown.
    return message as unknown as Message
  })
}

/** What a message is given to see what it would leave of the view: it comes after all others. */
const PROBE = {
  id: '',
  turnId: '',
  role: 'assistant',
  status: 'completed',
  time: { created: Infinity, updated: 0 },
} as const

function nothingToCompact(start: string | undefined): FoldlogError {
  const where = start === undefined ? 'is there' : `comes before ${start}`
  const message = `no message the model sees ${where} that is not kept: there is nothing to summarise`
  return new FoldlogError('NOTHING_TO_COMPACT', message)
}

function placeOf(id: string, places: ReadonlyMap<string, number>, field: string): number {
  const place = places.get(id)
  if (place !== undefined) return place
  throw new FoldlogError('NOT_FOUND', `${field}: message ${id} is not in this conversation`, { field })
}
