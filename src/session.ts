/**
 * The handle of one session: append, read, branch.
 *
 * Every awaited read looks first (one `stat` where there are files) and reads what is new. Every write resolves when the line is in the backend,
 * folded and published. What is returned is plain, frozen data; nothing aliases the store. Several handles of one session, in one process or
 * in many, see the same conversation.
 */
import type { Backend } from './backend.ts'
import type { CompactionInput } from './compact.ts'
import { WRITE_OPTIONS, type Make, type Result, type WriteOptions } from './commit.ts'
import type { ContextOptions } from './context.ts'
import { FoldlogError } from './errors.ts'
import {
  assertData,
  isCustomType,
  type CoreEvents,
  type CoreType,
  type InfoPatch,
  type MessageData,
  type MessagePatch,
  type SessionEvent,
} from './event.ts'
import type { Fold } from './fold.ts'
import type { FileOptions, FileSource, Openable, StoredFilePart } from './files.ts'
import { assertFields, assertObject, INFO_FIELDS, PATCH_FIELDS } from './input.ts'
import { deepFreeze, toJson, type Json } from './json.ts'
import type { Damage, InnerEvent } from './line.ts'
import type { Finding } from './findings.ts'
import type { Packed, PackOptions } from './pack.ts'
import type { Repaired, RepairOptions } from './repair.ts'
import type { Log } from './log.ts'
import type { Newest } from './newest.ts'
import type { Message, SessionInfo, Turn } from './message.ts'
import { Opened } from './opened.ts'
import { assertOptions, type NoOptions } from './options.ts'
import { lastIdAt, PastSession } from './past-session.ts'
import type { Projection } from './projection.ts'
import type { SendHost, Sending, SendOptions } from './send.ts'
import { stamp, withNamedContent, type MessageInput, type PartInput } from './stamp.ts'
import { tailOf, type TailEvent, type TailOptions, type Wake } from './tail.ts'
import type { Draft, StreamInput, StreamOptions } from './draft.ts'
import { Followed, followMessage, type FollowOptions } from './follow.ts'
import type { LiveLog } from './live.ts'
import { turnsOf } from './turns.ts'
import { contextIn, messagesOf, nodeOf, siblingsOf, type MessagesOptions } from './views.ts'

/** Messages to add, or what makes them of the state they go into. */
type Messages = readonly MessageInput[] | (() => readonly MessageInput[])

export class Session {
  readonly id: string
  readonly namespace: string
  readonly #backend: Backend
  readonly #wakeOf: (log: Log, ring: () => void) => ReturnType<Wake>
  readonly #assertOpen: () => void
  readonly #sending: Sending
  readonly #opened: Opened
  /** The turn that messages other than user messages join. */
  #turnId: string | undefined
  /** Fires when the handle is closed, and ends its tails. */
  readonly #closing = new AbortController()
  #isClosed = false

  /** Made by the store, of a log that is folded or of what is known of a long one. */
  constructor(
    backend: Backend,
    opened: Log | Newest,
    liveOf: (log: Log) => LiveLog,
    wakeOf: (log: Log, ring: () => void) => ReturnType<Wake>,
    assertOpen: () => void,
    sending: Sending,
  ) {
    this.id = opened.key.sessionId
    this.namespace = opened.key.namespace
    this.#backend = backend
    this.#opened = new Opened(backend, opened, liveOf)
    this.#wakeOf = wakeOf
    this.#assertOpen = assertOpen
    this.#sending = sending
  }

  /** What this process last saw of the session. Does not look. */
  get info(): SessionInfo {
    return this.#opened.info
  }

  /** The conversation: the path that ends at the head. Of a long log that nothing was asked of but its last messages, only those are read. */
  async messages(options?: MessagesOptions): Promise<readonly Message[]> {
    this.#check()
    // Of a log that is folded the look begins with the call.
    const newest = this.#opened.folded === undefined ? await this.#opened.newest(options) : undefined
    return newest ?? this.#shown((fold) => messagesOf(fold, options))
  }

  /** One message, on whatever branch; undefined if it is not there or was removed. */
  async message(id: string): Promise<Message | undefined> {
    const [message] = await this.#shown((fold) => [fold.message(id)].filter((each) => each !== undefined))
    return message
  }

  /** The conversation from one user message to the next, with the status of each turn. */
  async turns(options?: MessagesOptions): Promise<readonly Turn[]> {
    return turnsOf(await this.messages(options))
  }

  /** What a model should see. Valid for every provider: each call is answered once and directly. Writes nothing. */
  async context(options?: ContextOptions): Promise<readonly Message[]> {
    const path = await this.#shown((fold) => fold.path(fold.tree.active))
    return contextIn(this.#log.fold, options, path)
  }

  /** A message and its alternatives. */
  async siblings(messageId: string): Promise<readonly Message[]> {
    this.#check()
    const alone = this.#opened.folded === undefined ? await this.#opened.alone(messageId) : undefined
    return alone === undefined ? this.#shown((fold) => siblingsOf(fold, messageId)) : Object.freeze([alone])
  }

  /** The state of all events known now up to an event id or a time. Events that arrive late may change it. */
  async at(point: string | Date): Promise<PastSession> {
    const last = lastIdAt(point)
    await this.#look()
    return new PastSession(this.#log.at(last))
  }

  /** Adds one message, or several as one batch: all or none are in, also after a crash. A known id updates in place. */
  add(input: MessageInput, options?: WriteOptions): Promise<Message>
  add(inputs: readonly MessageInput[], options?: WriteOptions): Promise<readonly Message[]>
  add(input: MessageInput | readonly MessageInput[], options?: WriteOptions): Promise<Message | readonly Message[]> {
    if (!isList(input)) return this.#add([input], options, (events) => this.#messageOf(events[0]!))
    if (input.length === 0) return Promise.resolve(Object.freeze([]))
    return this.#add(input, options, (events) => Object.freeze(events.map((event) => this.#messageOf(event))))
  }

  /**
   * Begins a message that grows: it is in the log as `in_progress` when this resolves, and as a whole when the draft has ended. What is streamed is
   * seen by other processes within a fraction of a second; if this one dies, the message is `incomplete` with what had come that far.
   */
  async stream(input: StreamInput = {}, options: StreamOptions = {}): Promise<Draft> {
    await this.#load()
    const { openDraft } = await import('./draft.ts')
    // Two who begin it under one key must not both believe that it is theirs.
    const add = (message: MessageInput, rest: WriteOptions): Promise<Message> =>
      this.#add([message], rest, (events) => this.#messageOf(events[0]!), true)
    return openDraft(this.#live, input, options, add, () => this.#check())
  }

  /**
   * The text of a message from its beginning and as it grows, in whatever process that is. Ends with the message, when `signal` fires, or when
   * its writer is gone; rejects as `tail` does, and with `NOT_FOUND` if the message is not there (any more).
   */
  follow(messageId: string, options: FollowOptions = {}): Followed {
    const { signal = this.#closing.signal } = options
    const signals = AbortSignal.any([signal, this.#closing.signal])
    return new Followed(this.#follow(messageId, signals))
  }

  /**
   * Asks, and resolves with the finished turn (docs/send.md): a responder answers, what it says is stored and told as it comes, what it throws is in the turn.
   * `SESSION_BUSY` while a turn of this session runs, in whatever process.
   */
  async send(input: string | MessageInput, options: SendOptions = {}): Promise<Turn> {
    await this.#load()
    const { sendTurn } = await import('./send.ts')
    return sendTurn(this.#sendHost(), input, options)
  }

  /** Changes fields of a message; `null` unsets one. Each is replaced as a whole, `metadata` too. Rejects with `NOT_FOUND` if it is not there. */
  async update(messageId: string, patch: MessagePatch, options?: WriteOptions): Promise<Message> {
    assertFields(patch, PATCH_FIELDS, 'patch')
    const given = this.#opened.kept(patch)
    return this.#change(
      'message.updated',
      messageId,
      () => this.#event('message.updated', { ...given, id: messageId }),
      options,
    )
  }

  /** Edit or regenerate: a sibling of a message, with its role unless said otherwise. It becomes the conversation. */
  async branch(messageId: string, input: MessageInput, options?: WriteOptions): Promise<Message> {
    const fold = await this.#look()
    const parentId = fold.tree.parent(nodeOf(fold, messageId))?.id ?? null
    const role = fold.message(messageId)?.role
    return this.add({ ...(role === undefined ? {} : { role }), ...input, parentId }, options)
  }

  /** Puts a part into a message; a known part id replaces that part in its place. */
  async part(messageId: string, input: PartInput, options?: WriteOptions): Promise<Message> {
    assertObject(input, 'part')
    const part = this.#opened.kept(input)
    const make = (): InnerEvent => {
      const eventId = this.#log.nextId()
      const partId = part.id ?? eventId
      const whole = { ...withNamedContent(part), id: partId }
      return this.#event('part.updated', { messageId, partId, part: whole }, eventId)
    }
    return this.#change('part.updated', messageId, make, options)
  }

  /**
   * Stores bytes, a stream or a file of the disk, durably as `fsync` says, and resolves with a part to be added (docs/files.md). Without a source the name is
   * a path; a source that is undefined is refused, so that bytes somebody forgot are not read from the disk.
   */
  async file(
    nameOrPath: string,
    ...given: readonly [source?: FileSource, options?: FileOptions]
  ): Promise<StoredFilePart> {
    this.#check()
    const { attach } = await import('./files.ts')
    const [source, options] = given.length === 1 ? [given[0] ?? null] : given
    return attach(this.#backend, this.namespace, nameOrPath, source, options)
  }

  /** As `store.openFile`. */
  async *openFile(file: Openable): AsyncGenerator<Uint8Array> {
    this.#check()
    const { openFile } = await import('./files.ts')
    yield* openFile(this.#backend, this.namespace, file)
  }

  /** Takes a part out of a message. */
  async removePart(messageId: string, partId: string, options?: WriteOptions): Promise<Message> {
    return this.#change(
      'part.updated',
      messageId,
      () => this.#event('part.updated', { messageId, partId, part: null }),
      options,
    )
  }

  /** Hides messages from every view, for good; what hangs below them stays reachable. False if none was there. */
  async remove(ids: string | readonly string[], options?: WriteOptions): Promise<boolean> {
    assertOptions(options, WRITE_OPTIONS, 'remove')
    const fold = await this.#look()
    const there = (typeof ids === 'string' ? [ids] : ids).filter((id) => fold.message(id) !== undefined)
    if (there.length === 0 && options?.expectedHead === undefined)
      // Called again with its key, it answers as it did the first time.
      return options?.key !== undefined && this.#log.eventsOfKey(options.key) !== undefined
    const make = (): InnerEvent[] => (there.length === 0 ? [] : [this.#event('message.deleted', { ids: there })])
    return this.#commit('message.deleted', make, options, (events) => events.length > 0)
  }

  /**
   * Adds a summary that stands for earlier messages in the model's view; the history stays (docs/compaction.md). Rejects with `NOTHING_TO_COMPACT` if
   * no message comes before what stays that the model sees.
   */
  async compact(input: CompactionInput, options?: WriteOptions): Promise<Message> {
    await this.#look()
    const { compactionMessage } = await import('./compact.ts')
    const make = (): readonly MessageInput[] => [compactionMessage(this.#log.fold, this.#log.tip().last?.turnId, input)]
    return this.#add(make, options, (events) => this.#messageOf(events[0]!))
  }

  /** Sets info fields; `null` unsets one, `vars` and `metadata` merge key by key. `head` moves the conversation to a message. */
  async set(given: InfoPatch, options?: WriteOptions): Promise<SessionInfo> {
    assertFields(given, INFO_FIELDS, 'patch')
    const patch = this.#opened.kept(given)
    if (typeof patch.head === 'string') nodeOf(await this.#look(), patch.head)
    return this.#commit(
      'session.updated',
      () => [this.#event('session.updated', patch)],
      options,
      () => {
        if (patch.head !== undefined) this.#turnId = undefined
        return this.info
      },
    )
  }

  /** Appends an event of the caller's own: any dotted type whose first word is none of foldlog's. */
  async append(type: string, data: Json, options?: WriteOptions): Promise<SessionEvent> {
    if (!isCustomType(type)) {
      throw new FoldlogError(
        'INVALID_EVENT',
        `${JSON.stringify(type)} cannot be an event type: use a dotted name like todo.added, not beginning with session, message, part, turn, log or store`,
        { field: 'type' },
      )
    }
    const json = toJson(data, 'data')
    const make = (): InnerEvent[] => [{ id: this.#log.nextId(), type, data: json }]
    return this.#commit(type, make, options, (events) => deepFreeze(events[0]!))
  }

  /**
   * Writes back events that `session.rewound` told as missing, as it told them. Skips those that are there, and those that later events in the log
   * supersede: `pack` takes such events out. Brings back attachments that they name, too; one that is not kept is told as `store.error`. Never done by itself: whoever replaced the log may have meant it. Returns how many were written.
   */
  async restore(missing: readonly SessionEvent[], options?: NoOptions): Promise<number> {
    assertOptions(options, [], 'restore')
    await this.#look()
    const { restoreInto } = await import('./restore.ts')
    return restoreInto(this.#live, this.#backend, missing)
  }

  /** The events of the log in the order they lie in it, each once. One that was redacted is what is left of it, also where a merge brought its content back. */
  async *events(options: TailOptions = {}): AsyncGenerator<TailEvent> {
    await this.#load()
    const { signal = this.#closing.signal } = options
    const signals = AbortSignal.any([signal, this.#closing.signal])
    yield* tailOf(this.#backend, this.#log.key, { ...options, signal: signals }, this.#wake, this.#log)
  }

  /**
   * As `events`, and then those to come, from any process. Ends when `signal` fires or the session is deleted; rejects with `CLOSED` when
   * the store is closed, at the latest two seconds after.
   */
  tail(options: Omit<TailOptions, 'follow'> = {}): AsyncGenerator<TailEvent> {
    return this.events({ ...options, follow: true })
  }

  /** The state of a fold of the caller's own, over all events. */
  async project<S, E extends { [type: string]: unknown }>(projection: Projection<S, E>): Promise<S> {
    await this.#look()
    return this.#opened.folded!.projections.state(projection)
  }

  /** Pieces of the log that are not events. They are never removed silently. */
  async damage(): Promise<readonly Damage[]> {
    await this.#look()
    return Object.freeze([...this.#log.damage])
  }

  /** What else is worth knowing: events of unknown types, dangling parents, ids found twice. */
  async findings(): Promise<readonly Finding[]> {
    await this.#look()
    return this.#log.findings
  }

  /**
   * Takes what is no event out of the log and keeps it aside, safely while others append. Everything that counts stays. Then writes a result for each
   * call of a tool that has none, once, whoever does it; a real one that comes later is the one that counts. Calls that wait for an approval or are in
   * progress are left alone. `UNSUPPORTED` where the backend cannot, or where the log holds what this version does not know.
   */
  async repair(options: RepairOptions = {}): Promise<Repaired> {
    await this.#load()
    assertOptions(options, ['dryRun', 'results'], 'repair')
    const { repairLog } = await import('./repair.ts')
    const repaired = await repairLog(this.#backend, this.#log.key, options)
    if (options.results === false) return (await this.#look(), repaired)
    // What a process that died was saying ends first.
    if (options.dryRun !== true) await this.#live.recover()
    const { answerCalls } = await import('./repair-calls.ts')
    const results = await answerCalls(await this.#look(), options.dryRun === true ? undefined : this)
    return results.length === 0 ? repaired : Object.freeze({ ...repaired, results })
  }

  /**
   * Takes out of the log what says nothing: duplicates, and events that later ones supersede, of which the past (`at`) is then without. Proves that
   * everything else reads as before, safely while others append. Rejects as `repair` does.
   */
  async pack(options: PackOptions = {}): Promise<Packed> {
    await this.#load()
    assertOptions(options, ['dryRun'], 'pack')
    const { packLog } = await import('./pack.ts')
    const packed = await packLog(this.#backend, this.#log.key, options)
    await this.#look()
    return packed
  }

  /** Ends the use of this handle. Nothing is pending: what was acknowledged is in the backend. */
  async close(): Promise<void> {
    this.#isClosed = true
    this.#closing.abort()
    const { folded } = this.#opened
    if (folded === undefined) return
    for (const draft of folded.live.own.values()) draft.leaveIfClosed()
    folded.projections.close()
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close()
  }

  /** Messages of a fold, with what is being streamed. */
  async #shown(view: (fold: Fold) => readonly Message[]): Promise<readonly Message[]> {
    for (;;) {
      const fold = await this.#look()
      const shown = await this.#live.shown(view(fold))
      if (shown !== undefined) return shown
    }
  }

  /** What a turn needs of this handle. */
  #sendHost(): SendHost {
    return {
      ...this.#sending,
      session: this,
      backend: this.#backend,
      live: this.#live,
      closing: this.#closing.signal,
      assertOpen: () => this.#check(),
      event: (type, data) => this.#event(type, data),
      stamp: (input) => this.#stampAll([input]).events[0]!,
      join: (turnId) => (this.#turnId = turnId),
      write: async (make, key) => this.#opened.folded!.commits.write(make(), key, (events) => events),
      writeGuarded: (make, key) => this.#opened.folded!.commits.writeGuarded(make, () => {}, key),
    }
  }

  get #log(): Log {
    return this.#opened.folded!.log
  }

  get #live(): LiveLog {
    return this.#opened.folded!.live
  }

  /** Folds a long log if nothing needed that before. */
  #load(): Promise<void> {
    return this.#opened.fold(() => this.#check())
  }

  async *#follow(messageId: string, signal: AbortSignal): ReturnType<typeof followMessage> {
    await this.#load()
    return yield* followMessage(this.#live, messageId, signal, this.#wake, () => this.#look())
  }

  readonly #wake: Wake = (ring) => this.#wakeOf(this.#log, ring)

  async #look(): Promise<Fold> {
    if (this.#opened.folded === undefined) await this.#load()
    else this.#check()
    await this.#log.look()
    return this.#log.fold
  }

  #check(): void {
    this.#assertOpen()
    if (this.#isClosed) throw new FoldlogError('CLOSED', `session ${this.id} was closed: get it from the store again`)
  }

  /** Writes what changes a message that is there. */
  async #change(
    type: CoreType,
    messageId: string,
    make: () => InnerEvent,
    options: WriteOptions | undefined,
  ): Promise<Message> {
    const makeAll = (): InnerEvent[] => {
      this.#required(messageId)
      return [make()]
    }
    return this.#commit(type, makeAll, options, () => this.#required(messageId))
  }

  #commit<T>(
    type: string,
    make: Make,
    options: WriteOptions | undefined,
    result: Result<T>,
    isExact = false,
  ): Promise<T> {
    try {
      this.#check()
    } catch (error) {
      return Promise.reject(error)
    }
    if (this.#opened.folded === undefined)
      return this.#load().then(() => this.#commit(type, make, options, result, isExact))
    return this.#opened.folded.commits.commit(type, make, options, result, isExact)
  }

  #event<T extends keyof CoreEvents>(type: T, data: CoreEvents[T], id: string = this.#log.nextId()): InnerEvent {
    const json = toJson(data, type)
    assertData(type, json, type)
    return { id, type, data: json }
  }

  #add<T>(messages: Messages, options: WriteOptions | undefined, result: Result<T>, isExact = false): Promise<T> {
    const given = typeof messages === 'function' ? messages : this.#opened.kept(messages)
    let opened: string | undefined
    const make = (): readonly InnerEvent[] => {
      const stamped = this.#stampAll(given)
      opened = stamped.opened
      return stamped.events
    }
    return this.#commit(
      'message.created',
      make,
      options,
      (events) => {
        // Under a key it may be another call's messages that count.
        if (opened !== undefined && events.some((event) => (event.data as MessageData).turnId === opened))
          this.#turnId = opened
        return result(events)
      },
      isExact,
    )
  }

  #stampAll(given: Messages): { readonly events: InnerEvent[]; readonly opened: string | undefined } {
    const tip = this.#log.tip()
    let opened: string | undefined
    try {
      const inputs = typeof given === 'function' ? given() : given
      const events = inputs.map((input): InnerEvent => {
        const id = this.#log.nextId()
        const { data, opensTurn } = stamp(input, id, this.#log.fold, tip, opened ?? this.#turnId)
        if (opensTurn) opened = data.turnId
        return { id, type: 'message.created', data: data as unknown as Json }
      })
      return { events, opened }
    } catch (error) {
      this.#log.dropTip()
      throw error
    }
  }

  #messageOf(event: SessionEvent): Message {
    const { id } = event.data as MessageData
    return (
      this.#log.fold.message(id) ??
      deepFreeze({ ...(event.data as MessageData), time: { created: Date.now(), updated: Date.now() } })
    )
  }

  #required(messageId: string): Message {
    const message = this.#log.fold.message(messageId)
    if (message === undefined)
      throw new FoldlogError('NOT_FOUND', `message ${messageId} is not in this session, or was removed`)
    return message
  }
}

function isList<T>(value: T | readonly T[]): value is readonly T[] {
  return Array.isArray(value)
}
