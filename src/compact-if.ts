/**
 * Compacts a session when a policy says so: by the size of the model's view, or by turns.
 *
 * Built on the calls of a session alone: anything else than these policies can be built in the same way.
 */
import type { CompactionInput } from './compact.ts'
import { FoldlogError, isFoldlogError } from './errors.ts'
import { assertCount, assertObject } from './input.ts'
import type { Message } from './message.ts'
import type { WriteOptions } from './commit.ts'
import type { Session } from './session.ts'
import { estimateTokens } from './tokens.ts'
import { turnsOf } from './turns.ts'

interface PolicyBase {
  /** What stays as it is, whatever comes: the first user message of the conversation, or messages by id. Default: nothing. */
  readonly pin?: 'first-user' | readonly string[]
  /** The view of one role. Default: the view of all. */
  readonly to?: string
  readonly signal?: AbortSignal
}

/** Due when the view is larger than a share of the window. */
export interface SizePolicy extends PolicyBase {
  /** How many tokens the model takes. */
  readonly window: number
  /** Default 0.75. With 0 it is due whenever there are more than `keep` messages. */
  readonly ratio?: number
  /** How many of the newest messages stay, at least. Default 8. */
  readonly keep?: number
  /** The size of a view. Default: `estimateTokens`. */
  readonly tokens?: (messages: readonly Message[]) => number | Promise<number>
  readonly turns?: undefined
}

/** Due when the view holds so many turns that no summary stands for. */
export interface TurnPolicy extends PolicyBase {
  /** Due at `compress + retain` turns; the newest `retain` stay. */
  readonly turns: { readonly compress: number; readonly retain: number }
  readonly window?: undefined
}

export type CompactionPolicy = SizePolicy | TurnPolicy

/** What a summary is made of besides the messages. */
export interface SummaryRequest {
  /** The summary before this one, which is to be covered too. */
  readonly previous?: string
  /** The size of the view; by `estimateTokens`, unless the policy counts itself. */
  readonly tokensBefore: number
  readonly signal?: AbortSignal
}

/** A summary: its text, or what is written with it. */
export type Summary =
  | string
  | (Partial<Pick<CompactionInput, 'text'>> &
      Pick<CompactionInput, 'replacement' | 'usage' | 'model' | 'provider' | 'author' | 'metadata'>)

/** Makes a summary of what the model sees. An empty one is not written. */
export type Summarize = (messages: readonly Message[], request: SummaryRequest) => Summary | Promise<Summary>

/** The newest summary of a view. */
interface Before {
  /** The message of the conversation that holds it. */
  readonly source: Message
  /** The message it is in the view; absent where a replacement is shown instead. */
  readonly message?: Message
  readonly text: string
  /** Where in the view it ends. */
  readonly end: number
}

/**
 * Adds a compaction if the policy says that one is due. Resolves with its message, or with `undefined` if none is due or the summary is empty;
 * nothing is written then. Rejects with what `summarize` throws, and with `INVALID_OPTION` if it is no function.
 *
 * What others add while the summary is made stays in the view.
 */
export async function compactIf(
  session: Session,
  policy: CompactionPolicy,
  summarize: Summarize,
  options?: WriteOptions,
): Promise<Message | undefined> {
  assertPolicy(policy)
  if (typeof summarize !== 'function') {
    throw new FoldlogError('INVALID_OPTION', 'summarize: pass a function that makes a summary', { field: 'summarize' })
  }
  const { pin, to, signal } = policy
  signal?.throwIfAborted()
  const path = await session.messages()
  const view = await session.context(to === undefined ? {} : { role: to })
  const count = countOf(policy)
  const before = summaryIn(view, path, to)
  const at = policy.turns === undefined ? await bySize(view, policy, count) : byTurns(view, path, policy, before)
  // The summary itself cannot stay.
  if (at === undefined || at < (before?.end ?? 0)) return undefined
  const pinned = new Set(pin === 'first-user' ? firstUser(path) : pin)
  // Loaded here: whoever imports the package for something else would wait for all that folds.
  const { withAnswers } = await import('./context.ts')
  // What is still written cannot be in a summary, and what answers a call that stays is seen with it.
  const isKept = withAnswers(({ id, status }) => pinned.has(id) || status === 'in_progress' || status === 'pending')
  const covered = view.slice(0, at).filter((message) => !isKept(message) && message !== before?.message)
  const staying = stayingOf(view.slice(at), path, before?.source)
  if (staying === undefined || !covered.some(isReal)) return undefined
  const tokensBefore = await count(view)
  const summary = await summarize(covered, {
    ...(before?.message === undefined ? {} : { previous: before.text }),
    tokensBefore,
    ...(signal === undefined ? {} : { signal }),
  })
  signal?.throwIfAborted()
  const { text = '', ...rest } = typeof summary === 'string' ? { text: summary } : summary
  if (text.trim() === '' && rest.replacement === undefined) return undefined
  const { from, keep } = staying
  const covers = covered.map(({ id }) => id)
  const base = { ...rest, text, from, keep: [...pinned, ...keep], covers, tokensBefore }
  try {
    return await session.compact(to === undefined ? base : { ...base, to }, options)
  } catch (error) {
    // Somebody else did meanwhile.
    if (isFoldlogError(error, 'NOTHING_TO_COMPACT')) return undefined
    throw error
  }
}

function assertPolicy(policy: CompactionPolicy): void {
  assertObject(policy, 'policy')
  if (policy.turns !== undefined) {
    assertCount(policy.turns.compress, 1, 'turns.compress')
    assertCount(policy.turns.retain, 1, 'turns.retain')
    return
  }
  assertCount(policy.window, 1, 'window')
  assertCount(policy.keep ?? 8, 1, 'keep')
  const { ratio = 0.75 } = policy
  if (typeof ratio === 'number' && ratio >= 0 && ratio <= 1) return
  throw new FoldlogError('INVALID_OPTION', `ratio must be a number from 0 to 1, not ${ratio}`, { field: 'ratio' })
}

function countOf({ to, ...policy }: CompactionPolicy): (view: readonly Message[]) => number | Promise<number> {
  if (policy.window !== undefined && policy.tokens !== undefined) return policy.tokens
  return (view) => estimateTokens(view, to === undefined ? {} : { role: to })
}

// Where in the view what stays begins

async function bySize(
  view: readonly Message[],
  { window, ratio = 0.75, keep = 8 }: SizePolicy,
  count: (view: readonly Message[]) => number | Promise<number>,
): Promise<number | undefined> {
  if (view.length <= keep || (await count(view)) <= ratio * window) return undefined
  let at = view.length - keep
  // A result stays with its call.
  while (at > 0 && view[at]!.role === 'tool') at--
  return at
}

function byTurns(
  view: readonly Message[],
  path: readonly Message[],
  { turns: { compress, retain } }: TurnPolicy,
  before: Before | undefined,
): number | undefined {
  const turnOf = new Map(turnsOf(path).flatMap(({ messages }, turn) => messages.map(({ id }) => [id, turn] as const)))
  const starts: number[] = []
  let turn: number | undefined
  for (const [at, { id }] of view.entries()) {
    const its = turnOf.get(id)
    if (at < (before?.end ?? 0) || its === undefined || its === turn) continue
    turn = its
    starts.push(at)
  }
  return starts.length < compress + retain ? undefined : starts[starts.length - retain]
}

/**
 * How to say what stays: the message from which on all do, and those that stand earlier in the conversation, because they came too late for the
 * summary before. Undefined if nothing of the conversation stays.
 */
function stayingOf(
  tail: readonly Message[],
  path: readonly Message[],
  before: Message | undefined,
): { readonly from: string; readonly keep: readonly string[] } | undefined {
  const places = new Map(path.map(({ id }, place) => [id, place]))
  const fromBefore = before?.parts.findLast((part) => part.type === 'compaction')?.from
  const start = before === undefined ? 0 : (places.get(fromBefore ?? before.id) ?? 0)
  const staying = tail.filter(({ id }) => places.has(id))
  const first = staying.find(({ id }) => places.get(id)! >= start) ?? (staying.length === 0 ? undefined : before)
  if (first === undefined) return undefined
  return { from: first.id, keep: staying.flatMap(({ id }) => (places.get(id)! < start ? [id] : [])) }
}

function summaryIn(view: readonly Message[], path: readonly Message[], to: string | undefined): Before | undefined {
  for (const source of path.toReversed()) {
    if (source.to !== undefined && source.to !== to) continue
    const part = source.parts.findLast((each) => each.type === 'compaction')
    if (part === undefined) continue
    const ids = new Set((part.replacement ?? []).map(({ id }, at) => id ?? `${source.id}:${at}`))
    const end = view.findLastIndex(({ id }) => ids.has(id)) + 1
    if (end > 0) return { source, text: part.text, end }
    const at = view.findIndex(
      ({ id, role }) => role === 'user' && (id === source.id || id === `${source.id}:${part.id}`),
    )
    if (at >= 0) return { source, message: view[at]!, text: part.text, end: at + 1 }
  }
  return undefined
}

function firstUser(path: readonly Message[]): readonly string[] {
  const first = path.find(({ role, audience }) => role === 'user' && audience !== 'user')
  return first === undefined ? [] : [first.id]
}

/** Whether a message of a view is more than an answer made up for it. */
function isReal({ metadata }: Message): boolean {
  return metadata?.['synthetic'] !== true
}
