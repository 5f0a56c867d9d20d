/**
 * A message that is being streamed.
 *
 *     stream → side file, then message.created {in_progress} → deltas: bus at once, side file at most 4 times a second → end: one batch, side file removed
 *
 * A delta is not acknowledged, `end` is. The side file is there before the log says that the message is in progress, so that a message whose
 * writer dies is always known for what it is.
 */
import type { OpenDraft } from './backend.ts'
import { DraftParts, type DeltaLine, type DraftLine, type GrowingType } from './draft-parts.ts'
import { FoldlogError, isFoldlogError } from './errors.ts'
import { assertData, type MessagePatch } from './event.ts'
import { assertFields, assertObject, PATCH_FIELDS } from './input.ts'
import { deepFreeze, toJson, type Json } from './json.ts'
import { lineOf, MAX_INLINE_CHARS, MAX_LINE_BYTES, type InnerEvent } from './line.ts'
import { endKeyOf, isUnfinished, withDraft, type LiveLog, type OwnDraft } from './live.ts'
import type { Log } from './log.ts'
import type { ErrorInfo, Message, Part, ToolCallPart, ToolResultPart } from './message.ts'
import type { WriteOptions } from './commit.ts'
import { withNamedContent, type MessageInput, type PartInput, type WithUnnamedContent } from './stamp.ts'
import { now } from './wall-clock.ts'

const FLUSH_MS = 250
/** What all parts of a draft may take in the line it ends with; the rest is for what else is in that. */
const MAX_PARTS_BYTES = MAX_LINE_BYTES - 2 ** 20
/** What a part takes besides itself. */
const EVENT_BYTES = 256

/** A message to be streamed. Its role is `assistant` unless said. */
export type StreamInput = Omit<MessageInput, 'parts' | 'status' | 'text'>

export interface StreamOptions extends WriteOptions {
  /** The turn the message goes into, as `turnId` of a message. */
  readonly turnId?: string
}

/** What a message ends with besides its parts. Its status is `completed` unless said. */
export type DraftEnd = MessagePatch

/** A call; without an id it gets one. */
export type ToolCallInput = Pick<ToolCallPart, 'name' | 'input'> &
  Partial<Omit<ToolCallPart, 'type' | 'name' | 'input'>>

/** A result; its name is that of the call, if the draft or its session has it. */
export type ToolResultInput = Pick<ToolResultPart, 'callId'> &
  WithUnnamedContent<Partial<Omit<ToolResultPart, 'type' | 'callId'>>>

/** Adds the message with `status: 'in_progress'`, under the options of the call. */
type Add = (input: MessageInput, options: WriteOptions) => Promise<Message>

/**
 * Writes the events that `make` makes as one line, under a key or not; refused, it throws. With a known key it writes nothing. What a draft ends with
 * goes through it, if it is given one.
 */
type WriteEnd = (make: () => readonly InnerEvent[], key: string | undefined) => Promise<unknown>

/** Begins a message. With a key that is known it is the draft of the first call, which may have ended. */
export async function openDraft(
  live: LiveLog,
  input: StreamInput,
  { turnId, ...options }: StreamOptions,
  add: Add,
  assertOpen: () => void,
  writeEnd?: WriteEnd,
): Promise<Draft> {
  assertObject(input, 'message')
  const { log, drafts } = live
  await log.look()
  const known = options.key === undefined ? undefined : log.eventsOfKey(options.key)?.[0]
  if (known !== undefined) return knownDraft(live, await add({ ...input, status: 'in_progress' }, options))
  const id = idOf(input) ?? log.nextId()
  if (input.id !== undefined) await assertFree(live, id)
  const file = await drafts.open(log.key, id)
  let message: Message
  try {
    const place = turnId === undefined ? {} : { turnId }
    message = await add({ role: 'assistant', ...input, ...place, id, status: 'in_progress', parts: [] }, options)
  } catch (error) {
    file.close()
    // It may be in the log nevertheless: then the next writer finds that nobody goes on with it.
    if (isFoldlogError(error, 'STORAGE_FULL') || isFoldlogError(error, 'STORAGE_FAILED')) leave(file)
    else await drafts.remove(log.key, id)
    throw error
  }
  if (message.id === id) return new Draft(live, message, file, assertOpen, writeEnd)
  // Another process used the key meanwhile.
  file.close()
  await drafts.remove(log.key, id)
  return knownDraft(live, message)
}

/** The id that is given, as it is written. */
function idOf({ id }: StreamInput): string | undefined {
  if (id === undefined || (typeof id === 'string' && id !== '')) return id?.toWellFormed()
  throw new FoldlogError('INVALID_EVENT', 'id: pass a string that is not empty', { field: 'id' })
}

/** The draft of a message that was begun before. */
async function knownDraft(live: LiveLog, { id }: Message): Promise<Draft> {
  const own = live.own.get(id)?.handle
  if (own instanceof Draft) return own
  if ((await live.growing(id))?.isAlive === true) throw busy(live, id)
  await live.recover()
  const message = live.log.fold.message(id)
  if (message === undefined)
    throw new FoldlogError('NOT_FOUND', `message ${id} was removed: stream another one`, live.log.key)
  return new Draft(live, message, undefined, () => {})
}

/** Throws unless nothing was streamed into this message yet. */
async function assertFree(live: LiveLog, id: string): Promise<void> {
  const { log } = live
  const message = log.fold.message(id)
  if (live.own.has(id) || (await live.growing(id))?.isAlive === true) throw busy(live, id)
  if (message === undefined || (isUnfinished(message) && log.eventsOfKey(endKeyOf(id)) === undefined)) return
  throw new FoldlogError('ALREADY_EXISTS', `message ${id} is there already: branch from it, or use a new id`, log.key)
}

function busy({ log }: LiveLog, id: string): FoldlogError {
  return new FoldlogError('SESSION_BUSY', `message ${id} is being streamed already: follow it`, log.key)
}

/** A message that is being streamed. Made by `session.stream`. */
export class Draft {
  /** Of the message. */
  readonly id: string
  readonly turnId: string
  readonly #parts = new DraftParts()
  /** As the readers of this process see it. */
  readonly #own: OwnDraft
  readonly #live: LiveLog
  readonly #file: OpenDraft | undefined
  readonly #assertOpen: () => void
  readonly #writeEnd: WriteEnd | undefined
  #message: Message
  #state: 'open' | 'ending' | 'ended'
  /** What is not in the side file yet; deltas that follow each other are one. */
  #pending: DraftLine[] = []
  #lastFlush = 0
  #timer: NodeJS.Timeout | undefined
  /** The last writing failed, and may have left half a line. */
  #isTorn = false
  /** The first half of a character whose second half comes with the next delta. */
  #half: { readonly type: GrowingType; readonly unit: string } | undefined
  /** What the parts take in a line, in bytes, and each of them. */
  #sizeBytes = 0
  readonly #sizes = new Map<string, number>()
  /** Lines this draft tried to end with. */
  readonly #ends = new Set<string>()

  /** Without a file it has ended. */
  constructor(
    live: LiveLog,
    message: Message,
    file: OpenDraft | undefined,
    assertOpen: () => void,
    writeEnd?: WriteEnd,
  ) {
    this.#writeEnd = writeEnd
    this.id = message.id
    this.turnId = message.turnId
    this.#live = live
    this.#message = message
    this.#file = file
    this.#assertOpen = assertOpen
    this.#state = file === undefined ? 'ended' : 'open'
    const leaveIfClosed = (): void => this.#leaveIfClosed()
    const leave = (): void => (this.#state === 'open' ? this.#leave() : undefined)
    const drop = (): Promise<void> => this.#drop()
    this.#own = { parts: this.#parts, isAlive: true, handle: this, leaveIfClosed, leave, drop }
    if (file !== undefined) live.setOwn(this.id, this.#own)
  }

  /** False once it has ended, or its store or session was closed. */
  get isOpen(): boolean {
    return this.#state === 'open'
  }

  /** The message as it is now. */
  get message(): Message {
    return this.#state === 'ended' ? this.#message : withDraft(this.#message, this.#own)
  }

  /** Adds text. After a part of another type it begins a new part. */
  text(delta: string): void {
    this.#grow('text', delta)
  }

  /** Adds to what the model thinks. */
  reasoning(delta: string): void {
    this.#grow('reasoning', delta)
  }

  /** Adds a whole part; a known part id replaces that part in its place. */
  part(part: PartInput): void {
    assertObject(part, 'part')
    this.#assertUsable()
    this.#endHalf()
    const whole = toJson({ ...withNamedContent(part), id: part.id ?? this.#nextPartId() }, 'part') as unknown as Part
    assertData('part.updated', { messageId: this.id, partId: whole.id, part: whole }, 'part')
    this.#take({ part: deepFreeze(whole) })
  }

  /** Adds a call; returns its id. */
  toolCall(call: ToolCallInput): string {
    assertObject(call, 'call')
    const callId = call.callId ?? this.#live.log.nextId()
    this.part({ ...call, type: 'tool-call', callId })
    return callId
  }

  /** Adds the result of a call. */
  toolResult(result: ToolResultInput): void {
    assertObject(result, 'result')
    const name = result.name ?? this.#parts.nameOfCall(result.callId) ?? nameOfCall(this.#live.log, result.callId)
    if (name === undefined) {
      const message = `name: there is no call ${result.callId} in this session: say whose result it is`
      throw new FoldlogError('INVALID_EVENT', message, { field: 'name' })
    }
    this.part({ ...result, type: 'tool-result', name })
  }

  /** Ends the message: it is in the log as a whole when this resolves. If it rejects, the draft is open still and may be ended again, unless the message is gone. */
  async end(patch: DraftEnd = {}): Promise<Message> {
    assertFields(patch, PATCH_FIELDS, 'patch')
    return this.#end({ status: 'completed', ...patch })
  }

  /** Ends the message as failed; what was streamed stays. */
  async fail(error: unknown, patch: DraftEnd = {}): Promise<Message> {
    assertFields(patch, PATCH_FIELDS, 'patch')
    return this.#end({ status: 'failed', error: errorInfo(error), ...patch })
  }

  /** Ends the message as cancelled; what was streamed stays. */
  async cancel(patch: DraftEnd = {}): Promise<Message> {
    assertFields(patch, PATCH_FIELDS, 'patch')
    return this.#end({ status: 'cancelled', ...patch })
  }

  /** Lets go of the draft if its store or session was closed: what it had is in the side file, and the next writer makes it `incomplete`. */
  #leaveIfClosed(): void {
    try {
      if (this.#state === 'open') this.#assertUsable()
    } catch (error) {
      if (!isFoldlogError(error, 'CLOSED')) throw error
    }
  }

  async #drop(): Promise<void> {
    if (this.#state !== 'open') return
    this.#message = this.message
    await this.#remove()
  }

  #leave(): void {
    this.#endHalf()
    this.#message = this.message
    this.#flush()
    leave(this.#file!)
    this.#close()
  }

  #grow(type: GrowingType, delta: string): void {
    if (typeof delta !== 'string') {
      throw new FoldlogError('INVALID_EVENT', `${type}: pass a string, not ${typeof delta}`, { field: type })
    }
    this.#assertUsable()
    let text = delta
    if (this.#half !== undefined) {
      if (this.#half.type !== type) this.#endHalf()
      else {
        text = this.#half.unit + delta
        this.#half = undefined
      }
    }
    const last = text.charCodeAt(text.length - 1)
    if (last >= 0xd800 && last <= 0xdbff) {
      this.#half = { type, unit: text.slice(-1) }
      text = text.slice(0, -1)
    }
    if (text !== '') this.#add(type, text.isWellFormed() ? text : text.toWellFormed())
  }

  /** Half a character whose other half never came is none. */
  #endHalf(): void {
    if (this.#half === undefined) return
    const { type } = this.#half
    this.#half = undefined
    this.#add(type, '\ufffd')
  }

  #add(type: GrowingType, delta: string): void {
    const { partId, at } = this.#parts.growing(type) ?? { partId: this.#nextPartId(), at: 0 }
    this.#take({ partId, type, at, delta })
  }

  #take(line: DraftLine): void {
    this.#count(line)
    this.#parts.apply(line)
    const last = this.#pending.at(-1)
    if (last !== undefined && 'delta' in last && 'delta' in line && last.partId === line.partId) {
      ;(last as { -readonly [K in keyof DeltaLine]: DeltaLine[K] }).delta += line.delta
    } else this.#pending.push('delta' in line ? { ...line } : line)
    this.#timer ??= setTimeout(() => this.#flush(), Math.max(0, this.#lastFlush + FLUSH_MS - performance.now()))
    this.#live.publish(this.id, line, 'local')
    this.#live.ring()
  }

  /** Throws `TOO_LARGE` for what would keep the message from ever being written. */
  #count(line: DraftLine): void {
    const isPart = 'part' in line
    const id = isPart ? line.part.id : line.partId
    const known = this.#sizes.get(id)
    const own = EVENT_BYTES + this.id.length + id.length
    const size = isPart ? own + sizeOf(line.part) : (known ?? own) + Buffer.byteLength(JSON.stringify(line.delta))
    const sizeBytes = this.#sizeBytes + size - (known ?? 0)
    if (sizeBytes > MAX_PARTS_BYTES) {
      const message = `message ${this.id} would be over 64 MB: end it, and store big content as files`
      throw new FoldlogError('TOO_LARGE', message, this.#live.log.key)
    }
    this.#sizes.set(id, size)
    this.#sizeBytes = sizeBytes
  }

  #nextPartId(): string {
    for (let next = this.#parts.size + 1; ; next++) if (!this.#parts.has(`p${next}`)) return `p${next}`
  }

  /** Writes what is pending to the side file. What fails is told on the bus, and tried again with what comes next. */
  #flush(): void {
    clearTimeout(this.#timer)
    this.#timer = undefined
    if (this.#pending.length === 0) return
    this.#lastFlush = performance.now()
    const text = this.#pending.map((line) => `${JSON.stringify(line)}\n`).join('')
    try {
      this.#file!.write(Buffer.from(this.#isTorn ? `\n${text}` : text))
      this.#pending = []
      this.#isTorn = false
    } catch (error) {
      const { root, bus, log } = this.#live
      if (!this.#isTorn)
        bus.publish({ type: 'store.error', root, namespace: log.key.namespace, error: error as FoldlogError })
      this.#isTorn = true
    }
  }

  #assertUsable(): void {
    if (this.#state !== 'open') {
      const message = `message ${this.id} has ended, or its store was closed: stream another one`
      throw new FoldlogError('CLOSED', message, this.#live.log.key)
    }
    try {
      this.#assertOpen()
    } catch (error) {
      this.#leave()
      throw error
    }
  }

  async #end(patch: MessagePatch): Promise<Message> {
    this.#assertUsable()
    const { log } = this.#live
    this.#endHalf()
    const data = toJson({ ...patch, id: this.id }, 'patch')
    assertData('message.updated', data, 'patch')
    this.#state = 'ending'
    this.#flush()
    try {
      await this.#write(data, endKeyOf(this.id))
      const counts = log.eventsOfKey(endKeyOf(this.id))?.[0]
      // Somebody took this process for dead, and has made it `incomplete`.
      if (counts !== undefined && !this.#ends.has(counts.id)) await this.#write(data, undefined)
    } catch (error) {
      // Where there is no log any more, nothing is to be kept.
      if (isFoldlogError(error, 'NOT_FOUND')) await this.#remove()
      else this.#state = 'open'
      throw error
    }
    await this.#remove()
    const message = log.fold.message(this.id)
    if (message === undefined) throw new FoldlogError('NOT_FOUND', `message ${this.id} was removed meanwhile`, log.key)
    this.#message = message
    return message
  }

  async #write(data: Json, key: string | undefined): Promise<void> {
    const { log, screen } = this.#live
    const make = (): readonly InnerEvent[] => {
      const events = [
        ...partEvents(log, this.id, this.#parts.parts()),
        { id: log.nextId(), type: 'message.updated', data },
      ]
      this.#ends.add(events[0]!.id)
      return events
    }
    if (this.#writeEnd !== undefined) {
      await this.#writeEnd(make, key)
      this.#live.own.delete(this.id)
      return
    }
    const line = lineOf(make(), now())
    // In the same step as it is folded: nobody sees it without one or the other.
    await log.append(screen(key === undefined ? line : { ...line, key }), () => this.#live.own.delete(this.id))
  }

  /** Removes what is beside the log. It fails for nobody: the next writer clears what is left. */
  async #remove(): Promise<void> {
    this.#close()
    try {
      await this.#live.drafts.remove(this.#live.log.key, this.id)
    } catch (error) {
      const { root, bus, log } = this.#live
      bus.publish({ type: 'store.error', root, namespace: log.key.namespace, error: error as FoldlogError })
    }
  }

  #close(): void {
    clearTimeout(this.#timer)
    this.#state = 'ended'
    this.#file!.close()
    this.#live.setOwn(this.id, undefined)
  }
}

/** What puts the parts of a draft into a message. */
export function partEvents(log: Log, messageId: string, parts: readonly Part[]): InnerEvent[] {
  return parts.map((part) => {
    const data = toJson({ messageId, partId: part.id, part }, 'part.updated')
    assertData('part.updated', data, 'part')
    return { id: log.nextId(), type: 'part.updated', data }
  })
}

/** Says in a side file that nobody goes on with it. */
function leave(file: OpenDraft): void {
  try {
    file.write(Buffer.from('\n{"left":true}\n'))
  } catch {
    // Then it is found when this process has ended.
  }
}

/** What a part takes in a line: without what moves into files before that (bulk.ts). */
function sizeOf(part: Part): number {
  const moves = part.type === 'file' ? ['data'] : part.type === 'tool-result' ? ['data', 'text'] : []
  const text = JSON.stringify(part, (key, value: unknown) =>
    typeof value === 'string' && value.length > MAX_INLINE_CHARS && moves.includes(key) ? '' : value,
  )
  return Buffer.byteLength(text)
}

/** The name of a call of an earlier message of the turn. */
function nameOfCall({ fold }: Log, callId: string): string | undefined {
  for (const node of fold.turnOfCall(callId)?.nodes ?? []) {
    for (const part of fold.message(node.id)?.parts ?? []) {
      if (part.type === 'tool-call' && part.callId === callId) return part.name
    }
  }
  return undefined
}

/** What was thrown, as data. */
export function errorInfo(error: unknown): ErrorInfo {
  if (typeof error === 'string') return { message: error }
  const { message, code } = (error ?? {}) as { readonly message?: unknown; readonly code?: unknown }
  return {
    message: typeof message === 'string' ? message : String(error),
    ...(typeof code === 'string' ? { code } : {}),
  }
}
