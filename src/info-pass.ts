/**
 * The info of a long log in one pass of which only the end is kept, for logs that end as their conversation does (`isStraight`).
 *
 * Lines are folded as ever. Whenever there are many, the older turns are summed up and the newer ones are folded again without them. That holds as
 * long as nothing goes back to what was summed up: as soon as something may, there is no result, and the log has to be folded as a whole.
 * test/info-pass.test.ts compares the two. Everything in this file is pure.
 */
import type { Cursor, SessionKey } from './backend.ts'
import type { CoreEvents, MessageData } from './event.ts'
import { Fold } from './fold.ts'
import type { FoldedInfo } from './infos-cache.ts'
import { deepFreeze, type JsonObject } from './json.ts'
import { BATCH, batchOf, type InnerEvent, type Line } from './line.ts'
import { effectOf } from './log-state.ts'
import type { Message, SessionInfo } from './message.ts'
import type { MessageEvent } from './message-scanner.ts'
import { previewOf, UsageSum } from './totals.ts'

/** How much is kept; limits count events, and bytes of lines. */
interface Limits {
  /** With so many, older turns are summed up. */
  readonly most: number
  readonly mostBytes: number
  /** So many, at least, are folded again. */
  readonly kept: number
  /** With so many since the last question there is no result. */
  readonly tooMany: number
  readonly tooManyBytes: number
}

const LIMITS: Limits = { most: 4096, mostBytes: 1 << 23, kept: 256, tooMany: 1 << 16, tooManyBytes: 1 << 25 }

/** What is left of the turns that were summed up. */
interface Older {
  readonly usage: UsageSum
  messageCount: number
  turnCount: number
  head: string | undefined
  preview: string
}

export class InfoPass {
  readonly #key: SessionKey
  readonly #limits: Limits
  /** What is said of the session itself. */
  readonly #session: Fold
  /** The newest messages, and the events that made them. */
  #newest: Fold
  #events: InnerEvent[] = []
  #sizeBytes = 0
  #most: number
  #mostBytes: number
  #older: Older | undefined
  readonly #keys = new Set<string>()
  /** Of all ids, and of those that have an effect. */
  #greatest = ''
  #lastId = ''
  /** Messages that came to the end and are not folded yet: most never are. */
  #waiting: MessageEvent[] = []
  #last = ''
  #lastTurn = ''
  #greatestMessage = ''
  #greatestTurn = ''
  #damage = 0

  constructor(key: SessionKey, limits: Limits = LIMITS) {
    this.#key = key
    this.#limits = limits
    this.#most = limits.most
    this.#mostBytes = limits.mostBytes
    this.#session = this.#newFold()
    this.#newest = this.#newFold()
  }

  /** Takes notice of so many pieces that are no lines. */
  noteDamage(count: number): void {
    this.#damage += count
  }

  /** Takes the next line of the log, of so many bytes. False: there will be no result. */
  take(line: Line, sizeBytes: number): boolean {
    const { key, type } = line
    if (type === 'session.deleted' || (key !== undefined && this.#keys.has(key))) return false
    if (key !== undefined) this.#keys.add(key)
    this.#sizeBytes += sizeBytes
    if (type !== BATCH) {
      if (!this.#takeEvent(line, line)) return false
    } else for (const event of batchOf(line)) if (!this.#takeEvent(line, event)) return false
    const isMuch = this.#events.length >= this.#most || this.#sizeBytes >= this.#mostBytes
    return !isMuch || this.#sumUp()
  }

  /** Whether the texts of messages that come from now on make no difference. */
  get needsNoTexts(): boolean {
    return this.#older !== undefined && this.#older.preview !== ''
  }

  /** As {@link take}, of a line that creates a message and does nothing else. While {@link needsNoTexts} its texts may be missing. */
  takeMessage(event: MessageEvent): boolean {
    const { id, data } = event
    if (id <= this.#greatest) return false
    this.#greatest = id
    this.#lastId = id
    if (!this.#goesOn(data)) return this.#create(event as unknown as InnerEvent, data)
    this.#waiting.push(event)
    this.#note(data)
    return this.#waiting.length < this.#limits.most || this.#sumUpWaiting()
  }

  /** What folding the log up to `cursor` gives, if all its lines were taken; undefined if only that can tell. */
  folded(cursor: Cursor | undefined): FoldedInfo | undefined {
    if (!this.#foldWaiting(this.#waiting.length)) return undefined
    const [newest, older] = [this.#newest, this.#older]
    // What is waited for is told from the newest question on.
    if (older !== undefined && !this.#hasQuestion()) return undefined
    if (this.#lastId !== '') this.#session.apply(nothing(this.#lastId))
    const session = this.#session.info(this.#damage)
    const { time, lastEventId, damage } = session
    const own = newest.info(this.#damage)
    const sums = older === undefined ? own : { ...own, ...withOlder(own, newest.usage, older) }
    const { head = older?.head, status, messageCount, turnCount, branchCount, usage, preview } = sums
    const derived = { time, status, messageCount, turnCount, branchCount, usage, preview, lastEventId, damage }
    const info = deepFreeze({ ...without(session, derived), ...(head === undefined ? {} : { head }), ...derived })
    return { info, resume: newest.resume(), cursor, isStraight: true }
  }

  #newFold(): Fold {
    return new Fold(this.#key.namespace, this.#key.sessionId)
  }

  #takeEvent(line: Line, event: InnerEvent): boolean {
    if (event.id <= this.#greatest) return false
    this.#greatest = event.id
    if (effectOf(line, event) !== true) return true
    if (this.#lastId === '') this.#session.apply(nothing(event.id))
    this.#lastId = event.id
    const { type, data } = event
    switch (type as keyof CoreEvents) {
      case 'session.created':
        this.#session.apply(event)
        return true
      case 'session.updated':
        if (Object.hasOwn(data as object, 'head')) return false
        this.#session.apply(event)
        return true
      case 'message.created':
        return this.#create(event, data as unknown as MessageData)
      case 'message.updated':
        return this.#change(event, [(data as unknown as CoreEvents['message.updated']).id])
      case 'part.updated':
        return this.#change(event, [(data as unknown as CoreEvents['part.updated']).messageId])
      case 'message.deleted':
        return this.#change(event, (data as unknown as CoreEvents['message.deleted']).ids)
    }
    // A user's own.
    return true
  }

  #create(event: InnerEvent, data: MessageData): boolean {
    if (!this.#foldWaiting(this.#waiting.length)) return false
    if (this.#older !== undefined && !this.#isNew(data)) return false
    this.#note(data)
    return this.#fold(event)
  }

  #note({ id, turnId }: MessageData): void {
    if (id > this.#greatestMessage) this.#greatestMessage = id
    if (turnId > this.#greatestTurn) this.#greatestTurn = turnId
    this.#last = id
    this.#lastTurn = turnId
  }

  /** Whether a message comes to the end of the conversation, whatever there is before it. */
  #goesOn({ id, turnId, after, parentId }: MessageData): boolean {
    if (id <= this.#greatestMessage || parentId !== undefined) return false
    return turnId === this.#lastTurn || (turnId > this.#greatestTurn && (after === undefined || after === this.#last))
  }

  /** Folds so many of the messages that wait. */
  #foldWaiting(count: number): boolean {
    if (count === 0) return true
    const events = this.#waiting.splice(0, count)
    return events.every((event) => this.#fold(partOf(event as unknown as InnerEvent, this.#newest)!))
  }

  /** Sums up all but the last of the messages that wait, and all before them, without folding them. */
  #sumUpWaiting(): boolean {
    const waiting = this.#waiting
    const opens = (i: number): boolean => waiting[i]!.data.turnId !== waiting[i - 1]!.data.turnId
    let first = 1
    while (first < waiting.length && !opens(first)) first++
    let start = Math.max(waiting.length - this.#limits.kept, waiting.length >> 1)
    while (start > first && !(opens(start) && waiting[start]!.data.role === 'user')) start--
    if (start <= first) return this.#foldWaiting(waiting.length) && this.#sumUp()
    // What may go on with the turn that was folded last is folded, too.
    if (!this.#foldWaiting(first)) return false
    const empty = this.#newFold()
    const older = this.#olderThan(empty, this.#events.length)
    let turnId: string | undefined
    for (const { data } of waiting.splice(0, start - first)) {
      older.messageCount++
      if (data.turnId !== turnId) older.turnCount++
      if (data.usage !== undefined) older.usage.add(data.usage as JsonObject, 1)
      turnId = data.turnId
      older.head = data.id
    }
    this.#newest = empty
    this.#events = []
    this.#sizeBytes = 0
    return true
  }

  /** Whether a message is none of those that were summed up, and goes on with none of them. */
  #isNew({ id, turnId, after, parentId }: MessageData): boolean {
    const newest = this.#newest
    if (id <= this.#greatestMessage) return false
    if (newest.tree.turn(turnId) !== undefined) return true
    return turnId > this.#greatestTurn && this.#isKept(after) && this.#isKept(parentId)
  }

  #isKept(id: string | null | undefined): boolean {
    return typeof id !== 'string' || this.#newest.node(id) !== undefined
  }

  #change(event: InnerEvent, ids: readonly string[]): boolean {
    if (!this.#foldWaiting(this.#waiting.length)) return false
    return (this.#older === undefined || ids.every((id) => this.#isKept(id))) && this.#fold(event)
  }

  #fold(event: InnerEvent): boolean {
    this.#newest.apply(event)
    this.#events.push(event)
    return this.#newest.isStraight
  }

  /** Sums up what is older than one of the last questions, if there is one to begin with. False: it has become too much without one. */
  #sumUp(): boolean {
    const start = this.#newest.isComplete ? this.#beginning() : -1
    if (start < 0) {
      this.#most = this.#events.length * 2
      this.#mostBytes = this.#sizeBytes * 2
      return this.#events.length < this.#limits.tooMany && this.#sizeBytes < this.#limits.tooManyBytes
    }
    const newest = this.#newFold()
    const kept: InnerEvent[] = []
    for (let i = start; i < this.#events.length; i++) {
      const event = partOf(this.#events[i]!, newest)
      if (event === undefined) continue
      newest.apply(event)
      kept.push(event)
    }
    this.#older = this.#olderThan(newest, start)
    this.#newest = newest
    this.#events = kept
    this.#sizeBytes = 0
    this.#most = this.#limits.most
    this.#mostBytes = this.#limits.mostBytes
    return true
  }

  /** The question that what is kept begins with, as an index into the events; -1: there is none. */
  #beginning(): number {
    const { length } = this.#events
    for (let i = Math.max(length - this.#limits.kept, length >> 1); i > 0; i--) {
      const message = createdBy(this.#events[i]!)
      if (message?.role === 'user' && this.#newest.tree.turn(message.turnId)?.nodes[0]!.id === message.id) return i
    }
    return -1
  }

  /** What was summed up, and with it all messages before `start`: those that `newest` does not have. */
  #olderThan(newest: Fold, start: number): Older {
    const older = this.#older ?? { usage: new UsageSum(), messageCount: 0, turnCount: 0, head: undefined, preview: '' }
    const [before, after] = [this.#newest.info(0), newest.info(0)]
    older.messageCount += before.messageCount - after.messageCount
    older.turnCount += before.turnCount - after.turnCount
    older.usage.addSum(this.#newest.usage, 1)
    older.usage.addSum(newest.usage, -1)
    const last = this.#events.findLast((event, i) => i < start && this.#messageOf(event) !== undefined)
    older.head = last === undefined ? older.head : createdBy(last)!.id
    for (let i = 0; i < start && older.preview === ''; i++) {
      const message = this.#messageOf(this.#events[i]!)
      if (message?.role === 'user') older.preview = previewOf(message)
    }
    return older
  }

  #messageOf(event: InnerEvent): Message | undefined {
    const id = createdBy(event)?.id
    return id === undefined ? undefined : this.#newest.message(id)
  }

  #hasQuestion(): boolean {
    const { tree } = this.#newest
    for (const { id } of tree.walkBack(tree.active)) if (this.#newest.message(id)?.role === 'user') return true
    return false
  }
}

/** The fields of an object that another one does not have. */
function without<T extends object, U extends object>(object: T, other: U): Omit<T, keyof U> {
  const entries = Object.entries(object).filter(([name]) => !Object.hasOwn(other, name))
  return Object.fromEntries(entries) as Omit<T, keyof U>
}

/** An event that only moves the first and the last id. */
function nothing(id: string): InnerEvent {
  return { id, type: '', data: null }
}

function createdBy({ type, data }: InnerEvent): MessageData | undefined {
  return type === 'message.created' ? (data as unknown as MessageData) : undefined
}

/** A message that may go on from one that is not there, which was the end of the conversation, or on its path: so it need not be named. */
function withoutPlace(event: InnerEvent): InnerEvent {
  const { after: _, parentId: __, ...data } = event.data as JsonObject
  return { ...event, data }
}

/** What an event does to the messages of a fold; undefined: nothing. */
function partOf(event: InnerEvent, fold: Fold): InnerEvent | undefined {
  const { type, data } = event
  if (type === 'message.created') {
    const { after, parentId } = data as unknown as MessageData
    const isNamed = (id: string | null | undefined): boolean => typeof id === 'string' && fold.node(id) === undefined
    return isNamed(after) || isNamed(parentId) ? withoutPlace(event) : event
  }
  if (type !== 'message.deleted') {
    const { id, messageId } = data as { readonly id?: string; readonly messageId?: string }
    return fold.node((type === 'part.updated' ? messageId : id)!) === undefined ? undefined : event
  }
  const ids = (data as unknown as CoreEvents['message.deleted']).ids.filter((id) => fold.node(id) !== undefined)
  return ids.length === 0 ? undefined : { ...event, data: { ids } }
}

function withOlder(newest: SessionInfo, usage: UsageSum, older: Older): Partial<SessionInfo> {
  const sum = new UsageSum()
  sum.addSum(older.usage, 1)
  sum.addSum(usage, 1)
  const messageCount = older.messageCount + newest.messageCount
  return {
    messageCount,
    turnCount: older.turnCount + newest.turnCount,
    // One path has one end, wherever its last message is.
    branchCount: messageCount > 0 ? 1 : 0,
    usage: sum.usage,
    preview: older.preview === '' ? newest.preview : older.preview,
  }
}
