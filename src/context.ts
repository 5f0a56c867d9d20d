/**
 * What a model should see of a path, and the data its authors share.
 *
 * The view is made in four steps, each a section of this file: what is visible, the newest compaction, calls and
 * results, the limit. What comes out holds for every provider: each call is answered exactly once, in its own message
 * or in the tool messages directly after it; no result is without a call; call ids are unique; no message is empty.
 *
 * Everything in this file is pure: nothing is written, no clock and no disk is read, the input is never changed. It
 * knows messages, not events.
 */
import { FoldlogError } from './errors.ts'
import { isValidData } from './event.ts'
import { deepFreeze, type Json } from './json.ts'
import type { CompactionPart, Message, Part, Status, ToolCallPart, ToolResultPart } from './message.ts'
import { groupsOf, isCompaction, turnStatus } from './turns.ts'

export interface ContextOptions {
  /**
   * The view of one of several agents. Default: everything.
   *
   * A role sees the messages it wrote (`author`) or was sent (`to`); user and system messages with neither, because a
   * question put to nobody in particular is put to everybody; and the tool messages that answer a call it sees.
   */
  readonly role?: string
  /** Whether failed turns are part of the view. Default: false. */
  readonly failed?: boolean
  /** Whether reasoning parts are part of the view. Default: true. */
  readonly reasoning?: boolean
  /**
   * The newest n messages of the view, synthetic ones included. Default: all. A call and its results stay together:
   * that gives fewer than n, or more where the last call alone has n results or more.
   */
  readonly maxMessages?: number
}

/** The id of the event that created a message; `undefined` or an empty text if it is not known. */
type CreatedIdOf = (messageId: string) => string | undefined

/** A new part type does not compile until it is listed here. */
const KNOWN_PARTS: Readonly<Record<Part['type'], true>> = {
  text: true,
  reasoning: true,
  file: true,
  'tool-call': true,
  'tool-result': true,
  data: true,
  compaction: true,
}

/**
 * What a model should see of `path`, which is a conversation in its order.
 *
 * Left out: messages for the user only, failed turns, `scope: 'turn'` parts of all turns but the last, parts of types
 * this version does not know, blank texts (providers refuse them), and messages of which nothing is left. The newest
 * applicable compaction then stands for what it summarises. Last, calls without a result get a synthetic error result
 * (`NO_RESULT`, or `DENIED` where approval was denied), marked with `metadata.synthetic`.
 *
 * The result is deeply frozen. Messages nothing was changed in are the very objects of `path` (the messages of a
 * session are frozen; others get frozen by this). Throws `INVALID_OPTION` for a limit that is none.
 *
 * `createdIdOf` decides which messages arrived too late to be summarised. Without it `time.created` decides, where
 * messages of the same millisecond count as summarised.
 */
export function contextOf(
  path: readonly Message[],
  options: ContextOptions = {},
  createdIdOf: CreatedIdOf = () => undefined,
): readonly Message[] {
  const { maxMessages: limit = Infinity } = options
  if (limit !== Infinity && !(Number.isInteger(limit) && limit >= 0)) {
    throw new FoldlogError('INVALID_OPTION', `maxMessages is ${limit}: pass a count`, { field: 'maxMessages' })
  }
  const view = answered(compacted(visible(path, options), path, options, createdIdOf))
  return deepFreeze(newest(view, limit))
}

// What is visible at all

/** The messages of the path that may take part in the view. */
interface Visible {
  /** Where each stands on the path. */
  readonly places: readonly number[]
  /** Each without what is not shown; absent if nothing is left of it. */
  readonly shown: readonly (Message | undefined)[]
  /** The newest compaction that applies. */
  readonly newest: Newest | undefined
}

interface Newest {
  readonly part: CompactionPart
  /** The message that holds it, and which of the visible ones that is. */
  readonly source: Message
  readonly at: number
  readonly inLastTurn: boolean
}

function visible(path: readonly Message[], options: ContextOptions): Visible {
  const places: number[] = []
  const all: (Message | undefined)[] = []
  let newest: Newest | undefined
  const turns = groupsOf(path)
  const last = turns.at(-1)
  const isForRole =
    options.role === undefined ? undefined : withAnswers((message) => isAddressed(message, options.role))
  let place = -1
  for (const turn of turns) {
    const inLastTurn = turn === last
    const isHidden = options.failed !== true && turnStatus(turn) === 'failed'
    // A summary made after a turn failed is no part of the failure.
    const end = isHidden ? turn.findLastIndex((message) => !isCompaction(message)) : -1
    let at = -1
    for (const source of turn) {
      place++
      if (++at <= end || source.audience === 'user') continue
      const shown = isForRole?.(source) === false ? undefined : shownOf(source, inLastTurn, options)
      // What is shown whole holds no compaction.
      const compaction = shown === source ? undefined : compactionOf(source, inLastTurn, options)
      if (compaction !== undefined) newest = { part: compaction, source, at: places.length, inLastTurn }
      else if (shown === undefined) continue
      places.push(place)
      all.push(shown)
    }
  }
  return { places, shown: all, newest }
}

function isAddressed(message: Message, role: string | undefined): boolean {
  if (role === undefined || message.author === role || message.to === role) return true
  if (message.author !== undefined || message.to !== undefined) return false
  return message.role === 'user' || message.role === 'system'
}

/**
 * A choice of messages, extended to the tool messages that answer their calls. It must be asked about the messages of
 * a path in their order: a result answers the nearest call before it that has its id.
 */
export function withAnswers(isChosen: (message: Message) => boolean): (message: Message) => boolean {
  const chosenCalls = new Map<string, boolean>()
  return (message) => {
    const chosen =
      isChosen(message) ||
      (message.role === 'tool' &&
        message.parts.some((part) => part.type === 'tool-result' && chosenCalls.get(part.callId) === true))
    for (const part of message.parts) {
      if (part.type === 'tool-call') chosenCalls.set(part.callId, chosen)
    }
    return chosen
  }
}

/** The message without its compactions and without what this view leaves out. */
function shownOf(message: Message, inLastTurn: boolean, options: ContextOptions): Message | undefined {
  const { parts } = message
  let shown = 0
  // By index: a loop over a frozen array makes an object for each item of it.
  for (let i = 0; i < parts.length; i++) if (isPartShown(parts[i]!, inLastTurn, options)) shown++
  if (shown === 0) return undefined
  // Nothing is copied for the many messages that are shown whole.
  return shown === parts.length
    ? message
    : { ...message, parts: parts.filter((part) => isPartShown(part, inLastTurn, options)) }
}

function isPartShown(part: Part, inLastTurn: boolean, options: ContextOptions): boolean {
  if (!Object.hasOwn(KNOWN_PARTS, part.type) || part.type === 'compaction') return false
  if (part.scope === 'turn' && !inLastTurn) return false
  if (part.type === 'reasoning') return options.reasoning !== false
  return part.type !== 'text' || /\S/.test(part.text)
}

/** Half a summary stands for nothing, so only a finished compaction applies. */
function compactionOf(message: Message, inLastTurn: boolean, options: ContextOptions): CompactionPart | undefined {
  if (message.status !== 'completed' || (message.to !== undefined && message.to !== options.role)) return undefined
  return message.parts
    .filter((part) => part.type === 'compaction')
    .findLast((part) => (part.status ?? 'completed') === 'completed' && (part.scope !== 'turn' || inLastTurn))
}

function withParts(message: Message, parts: readonly Part[]): Message {
  const same = parts.length === message.parts.length && parts.every((part, at) => part === message.parts[at])
  return same ? message : { ...message, parts }
}

// The newest compaction

/** What it keeps, the summary, then all it does not summarise: late messages first, because they stand first. */
function compacted(
  { places, shown, newest }: Visible,
  path: readonly Message[],
  options: ContextOptions,
  createdIdOf: CreatedIdOf,
): readonly Message[] {
  if (newest === undefined) return present(shown)
  const start = firstVerbatim(places, newest, path, createdIdOf)
  const keep = new Set(newest.part.keep)
  const isKept = withAnswers((message) => keep.has(message.id))
  const kept: (Message | undefined)[] = []
  const rest: (Message | undefined)[] = []
  for (let at = 0; at < start; at++) {
    const source = path[places[at]!]!
    if (isKept(source)) kept.push(shown[at])
    else if (isLate(source, newest.source, createdIdOf)) rest.push(shown[at])
  }
  const before = present(kept)
  const after = present([...rest, ...shown.slice(start)])
  const replaced = replacementOf(newest, options, [...before, ...after])
  return [...before, ...(replaced.length > 0 ? replaced : summaryOf(newest, shown[newest.at])), ...after]
}

function present(shown: readonly (Message | undefined)[]): readonly Message[] {
  return shown.filter((message) => message !== undefined)
}

/**
 * Where the part begins that the compaction left alone: at its `from`, also if that is not visible itself. A `from`
 * that is gone from the path is placed by its event id; one that was never heard of counts as absent.
 */
function firstVerbatim(
  places: readonly number[],
  { at, part: { from } }: Newest,
  path: readonly Message[],
  createdIdOf: CreatedIdOf,
): number {
  if (from === undefined) return at
  const place = path.findIndex((message) => message.id === from)
  const fromId = place < 0 ? createdIdOf(from) : undefined
  const start = places.findIndex((its) =>
    fromId ? (createdIdOf(path[its]!.id) ?? '') >= fromId : place >= 0 && its >= place,
  )
  return start < 0 || start > at ? at : start
}

/** Whether a message that stands before a compaction was written after it, so that it cannot be in the summary. */
function isLate(message: Message, compaction: Message, createdIdOf: CreatedIdOf): boolean {
  const id = createdIdOf(message.id)
  const compactionId = createdIdOf(compaction.id)
  return id && compactionId ? id > compactionId : message.time.created > compaction.time.created
}

function summaryOf({ source, part }: Newest, shown: Message | undefined): readonly Message[] {
  if (part.text.trim() === '') return []
  // What else the message holds stays a message of its own, and keeps the id.
  const id = shown === undefined ? source.id : `${source.id}:${part.id}`
  const to = source.to === undefined ? {} : { to: source.to }
  const text: Part = { id: part.id, type: 'text', text: part.text }
  return [{ ...frame(id, source, 'completed'), ...to, role: 'user', parts: [text] }]
}

/** The messages that replace the history. A log only promises that they are objects: what is no message is left out. */
function replacementOf(
  { source, inLastTurn, part }: Newest,
  options: ContextOptions,
  others: readonly Message[],
): readonly Message[] {
  const taken = new Set(others.map((other) => other.id))
  const out: Message[] = []
  for (const [at, item] of (part.replacement ?? []).entries()) {
    const message: Message = { ...frame(`${source.id}:${at}`, source, 'completed'), ...item }
    // Messages are plain JSON; only their interface does not say so.
    if (!isValidData('message.created', message as unknown as Json)) continue
    const shown = shownOf(message, inLastTurn, options)
    if (shown === undefined || message.audience === 'user' || taken.has(message.id)) continue
    taken.add(message.id)
    out.push(shown)
  }
  return out
}

// Calls and results

/** A part on its way to the message it is shown in, and the index of the one it stands in. */
interface Item {
  readonly at: number
  part: Part
  call?: Call
}

interface Call {
  readonly part: ToolCallPart
  /** The index of the message that calls. */
  readonly at: number
  /** Its id in the view. */
  readonly id: string
  answer?: Item
  /** The same call stands again later in its message. */
  isRepeated: boolean
}

/** The messages with every call answered once and directly, and nothing that answers no call. */
function answered(messages: readonly Message[]): readonly Message[] {
  if (isAnswered(messages)) return messages
  const items = paired(messages)
  const homes = homesOf(items, messages)
  // For each message: the parts shown in it or directly after it, by the message they come from.
  const shown = messages.map((): Map<number, Part[]> => new Map())
  const unanswered = messages.map((): Call[] => [])
  for (const [n, item] of items.entries()) {
    const home = homes[n]
    if (home === undefined) continue
    const from = shown[home]!
    const parts = from.get(item.at)
    if (parts === undefined) from.set(item.at, [item.part])
    else parts.push(item.part)
    if (item.call !== undefined && item.call.answer === undefined) unanswered[home]!.push(item.call)
  }
  const moved = new Set<Message>()
  return messages.flatMap((owner, home) => [
    ...Array.from(shown[home]!, ([at, parts]) =>
      at === home ? withParts(owner, parts) : answerMessage(messages[at]!, owner, parts, moved),
    ),
    ...unanswered[home]!.map((call) => syntheticAnswer(owner, call)),
  ])
}

/** Whether nothing is to do, as in most conversations: calls have ids of their own, and their results follow them directly, once. */
function isAnswered(messages: readonly Message[]): boolean {
  const used = new Set<string>()
  const open = new Set<string>()
  for (let at = 0; at < messages.length; at++) {
    const message = messages[at]!
    const isTool = message.role === 'tool'
    if (!isTool && open.size > 0) return false
    for (let i = 0; i < message.parts.length; i++) {
      const part = message.parts[i]!
      if (part.type === 'tool-result') {
        if (!open.delete(part.callId)) return false
      } else if (isTool) return false
      else if (part.type === 'tool-call') {
        if (message.role !== 'assistant' || used.has(part.callId)) return false
        used.add(part.callId)
        open.add(part.callId)
      }
    }
  }
  return open.size === 0
}

/** Gives every result the nearest call before it with its id. The last result of a call wins. */
function paired(messages: readonly Message[]): readonly Item[] {
  const items: Item[] = []
  const open = new Map<string, Call>()
  const used = new Map<string, number>()
  for (const [at, message] of messages.entries()) {
    for (const part of message.parts) {
      const item: Item = { at, part }
      items.push(item)
      if (part.type === 'tool-call' && message.role === 'assistant') {
        const earlier = open.get(part.callId)
        const isAgain = earlier !== undefined && earlier.at === at && earlier.answer === undefined
        if (isAgain) earlier.isRepeated = true
        item.call = { part, at, id: isAgain ? earlier.id : unusedId(part.callId, used), isRepeated: false }
        open.set(part.callId, item.call)
      } else if (part.type === 'tool-result') {
        const call = open.get(part.callId)
        if (call === undefined) continue
        call.answer = item
        item.call = call
      } else continue
      if (part.callId !== item.call.id) item.part = { ...part, callId: item.call.id }
    }
  }
  return items
}

/** Some models count their calls from zero in every message, but no provider takes an id twice. */
function unusedId(callId: string, used: Map<string, number>): string {
  let id = callId
  let n = used.get(callId) ?? 1
  while (used.has(id)) id = `${callId}_${++n}`
  used.set(id, 1)
  used.set(callId, n)
  return id
}

/** For each item the index of the message it is shown in or directly after; `undefined`: it is not shown. */
function homesOf(items: readonly Item[], messages: readonly Message[]): readonly (number | undefined)[] {
  // What else a tool message holds goes where its first result goes.
  const firsts = new Map<number, number>()
  for (const item of items) {
    if (item.call?.answer === item && !firsts.has(item.at)) firsts.set(item.at, item.call.at)
  }
  return items.map((item) => {
    if (item.part.type === 'tool-call') return item.call?.isRepeated === false ? item.at : undefined
    if (item.part.type === 'tool-result') return item.call?.answer === item ? item.call.at : undefined
    return messages[item.at]!.role === 'tool' ? firsts.get(item.at) : item.at
  })
}

/** The tool message for what `source` answers of the calls in `owner`: `source` itself if that is all it does. */
function answerMessage(source: Message, owner: Message, parts: readonly Part[], moved: Set<Message>): Message {
  const isWhole = source.role === 'tool' && !moved.has(source)
  moved.add(source)
  if (isWhole) return withParts(source, parts)
  return { ...frame(`${source.id}@${owner.id}`, source, source.status), role: 'tool', parts }
}

function syntheticAnswer(owner: Message, { part, id: callId }: Call): Message {
  const message = frame(`${owner.id}:${part.callId}`, owner, 'incomplete')
  const marked = { id: message.id, status: message.status, metadata: { synthetic: true } }
  const error =
    part.approval === 'denied'
      ? { code: 'DENIED', message: 'the call was denied and did not run' }
      : { code: 'NO_RESULT', message: 'no result of this call is available' }
  const result: ToolResultPart = { ...marked, type: 'tool-result', callId, name: part.name, error }
  return { ...message, ...marked, role: 'tool', parts: [result] }
}

/** What every message needs, for one that stands in the view for `source`. */
function frame(id: string, { turnId, time }: Message, status: Status): Omit<Message, 'role' | 'parts'> {
  return { id, turnId, status, time }
}

// The limit

function newest(view: readonly Message[], limit: number): readonly Message[] {
  if (limit === 0 || view.length <= limit) return limit === 0 ? [] : view
  const start = view.length - limit
  const next = view.findIndex((message, at) => at >= start && message.role !== 'tool')
  // Rather more than asked for than nothing at all: a tool message always has its call before it.
  return view.slice(next >= 0 ? next : view.findLastIndex((message) => message.role !== 'tool'))
}
