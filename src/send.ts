/**
 * Asks and is answered: one turn of a session, from the question to the end of the answer.
 *
 *     wait for one's turn → lease, question and answer in progress in one line → what the responder says → the end, which gives the lease back
 *
 * What a responder throws is data of the turn. What this process cannot write is an error of the call.
 */
import { Answer, type AnswerHost, type Piece, type Reply } from './answer.ts'
import type { Backend } from './backend.ts'
import type { TurnEnded } from './bus.ts'
import { errorInfo, openDraft, type Draft } from './draft.ts'
import { FoldlogError, isFoldlogError } from './errors.ts'
import type { MessageData } from './event.ts'
import { assertHead, expectedHeadOf } from './expected-head.ts'
import type { Fold } from './fold.ts'
import { putFile, type FileRef } from './files.ts'
import { assertObject } from './input.ts'
import { keyOf } from './keyed.ts'
import { assertIdle, endExpired, expiredDrafts, Lease, writeLeased } from './lease.ts'
import type { InnerEvent } from './line.ts'
import type { Log } from './log.ts'
import type { ErrorInfo, FilePart, Message, Turn } from './message.ts'
import type { WriteOptions } from './commit.ts'
import type { Session } from './session.ts'
import type { MessageInput, PartInput } from './stamp.ts'
import { TurnEvents, type SendEvent } from './turn-events.ts'
import { turnFrom } from './views.ts'

/** What a responder is called with. */
export interface SendRequest {
  readonly session: Session
  readonly question: Message
  readonly turnId: string
  /** The message that the answer begins with. */
  readonly answerId: string
  /** Fires when the turn is cancelled, when session or store are closed, and when somebody else took the session over. */
  readonly signal: AbortSignal
}

/** Pieces of an answer, and what it ends with. */
export type Pieces = AsyncGenerator<Piece, Reply, void> | Generator<Piece, Reply, void> | AsyncIterable<Piece>

/** Answers a question; see docs/send.md. */
export type Responder = (request: SendRequest) => Reply | Pieces | Promise<Reply | Pieces>

/** A file to be stored with a question. */
export interface NewFile {
  readonly bytes: Uint8Array
  /** IANA media type, `text/csv`. */
  readonly mediaType: string
  readonly name?: string
}

export interface SendOptions extends WriteOptions {
  /** Who answers. Default: that of `openStore({ respond })`. */
  readonly respond?: Responder
  /** Hears what this turn does. What it throws harms nobody. */
  readonly onEvent?: (event: SendEvent) => unknown
  /** Become file parts of the question: files to be stored, those that are, or file parts. */
  readonly files?: readonly (NewFile | FileRef | (Partial<FilePart> & Pick<FilePart, 'mediaType'>))[]
  /** Cancels the turn; before it has begun the call rejects with the reason. */
  readonly signal?: AbortSignal
  /** Wait for the turns of this process instead of `SESSION_BUSY`. Default false. */
  readonly queue?: boolean
  /** The turn, as `turnId` of the question. */
  readonly turnId?: string
}

/** How sessions send unless a call says otherwise. */
export interface Sending {
  readonly respond: Responder | undefined
  readonly leaseMs: number
  /** Calls back when the store is closed. Returns the way to stop. */
  onClose(listener: () => void): () => void
}

/** What a turn needs of the session that sends. */
export interface SendHost extends AnswerHost, Sending {
  readonly session: Session
  readonly backend: Backend
  /** Fires when the session is closed. */
  readonly closing: AbortSignal
  /** The turn has begun: what the handle adds joins it. */
  join(turnId: string): void
}

/** The last of the turns of a log that run or wait in this process. */
const lasts = new WeakMap<Log, Promise<unknown>>()

export async function sendTurn(host: SendHost, input: string | MessageInput, options: SendOptions): Promise<Turn> {
  const { respond = host.respond, signal } = options
  if (typeof respond !== 'function') {
    const message = 'respond: nobody is there to answer: pass a responder to send, or to openStore'
    throw new FoldlogError('INVALID_OPTION', message, { field: 'respond' })
  }
  const message = typeof input === 'string' ? { text: input } : input
  assertObject(message, 'input')
  if ((message.role ?? 'user') !== 'user') {
    const text = `input: a question has the role user, not ${message.role}: add other messages with add`
    throw new FoldlogError('INVALID_EVENT', text, { field: 'role' })
  }
  keyOf(options)
  expectedHeadOf(options, host.backend.capabilities)
  signal?.throwIfAborted()
  const { log } = host.live
  const previous = lasts.get(log)
  if (previous !== undefined && options.queue !== true) {
    const text = `a turn of session ${log.key.sessionId} runs in this process: wait for it, or pass queue: true`
    throw new FoldlogError('SESSION_BUSY', text, log.key)
  }
  const turn = inOrder(previous, signal, () => new SentTurn(host, message, options, respond).run())
  const settled = turn.promise.then(
    () => undefined,
    () => undefined,
  )
  // Who is no longer waiting for it leaves the order as it is.
  const last = Promise.all([previous, settled]).then(() => {
    if (lasts.get(log) === last) lasts.delete(log)
  })
  lasts.set(log, last)
  return turn.promise
}

/** Runs after the turns before, unless the signal fires first. */
function inOrder<T>(
  previous: Promise<unknown> | undefined,
  signal: AbortSignal | undefined,
  run: () => Promise<T>,
): { readonly promise: Promise<T> } {
  if (previous === undefined) return { promise: run() }
  const promise = new Promise<T>((resolve, reject) => {
    const onAbort = (): void => reject(signal!.reason as Error)
    signal?.addEventListener('abort', onAbort, { once: true })
    void previous.then(() => {
      signal?.removeEventListener('abort', onAbort)
      if (signal?.aborted !== true) run().then(resolve, reject)
    })
  })
  return { promise }
}

/** A question on its way into the log, if it is not there yet. */
interface Asked {
  readonly id: string
  readonly turnId: string
  /** The turn that the answer joins. */
  readonly answerTurnId: string
  readonly events: readonly InnerEvent[]
}

/** The turn that the conversation ends with, which must be about this question. */
function turnToGoOnWith(fold: Fold, question: Message): string {
  let last: string | undefined
  for (const { id } of fold.tree.walkBack(fold.tree.active)) {
    const message = fold.message(id)
    if (message === undefined) continue
    last ??= message.turnId
    if (id === question.id) return last
    if (message.role === 'user') break
  }
  const text = `id: the conversation does not end with the turn of message ${question.id}: set the head to it first`
  throw new FoldlogError('INVALID_EVENT', text, { field: 'id' })
}

/** Why nobody waits for the responder any more. */
type Stop = 'cancelled' | 'closed' | 'lost'

/** The turn of a key that is known. */
class KnownTurn {
  readonly questionId: string

  constructor(questionId: string) {
    this.questionId = questionId
  }
}

class SentTurn {
  readonly #host: SendHost
  readonly #input: MessageInput
  readonly #options: SendOptions
  readonly #respond: Responder
  readonly #lease: Lease
  readonly #events: TurnEvents
  readonly #stop = new AbortController()
  #stopped: Stop | undefined
  /** Ends the wait for the responder. */
  #interrupt: (() => void) | undefined
  #questionId = ''

  constructor(host: SendHost, input: MessageInput, options: SendOptions, respond: Responder) {
    this.#host = host
    this.#input = input
    this.#options = options
    this.#respond = respond
    this.#lease = new Lease(host, host.leaseMs, () => this.#end('lost'))
    this.#events = new TurnEvents(host.live, options.onEvent)
  }

  async run(): Promise<Turn> {
    const { live } = this.#host
    const { signal } = this.#options
    const cancel = (): void => this.#end('cancelled')
    const close = (): void => this.#end('closed')
    const stopClosing = this.#host.onClose(close)
    this.#host.closing.addEventListener('abort', close)
    signal?.addEventListener('abort', cancel)
    try {
      // It may have waited for others.
      this.#host.assertOpen()
      await live.recover()
      const known = this.#known()
      if (known !== undefined) return turnFrom(live.log.fold, known)
      const draft = await this.#begin()
      return await this.#answer(draft)
    } catch (error) {
      if (error instanceof KnownTurn) return turnFrom(live.log.fold, error.questionId)
      throw error
    } finally {
      this.#lease.stop()
      this.#events.stop()
      stopClosing()
      this.#host.closing.removeEventListener('abort', close)
      signal?.removeEventListener('abort', cancel)
    }
  }

  /** The question of the turn that was sent under the key before. */
  #known(): string | undefined {
    const { key } = this.#options
    const events = key === undefined ? undefined : this.#host.live.log.eventsOfKey(key)
    if (events === undefined) return undefined
    const question = events.find(({ type }) => type === 'message.created')?.data as MessageData | undefined
    if (question?.role === 'user') return question.id
    const message = `key ${JSON.stringify(key)} was used for ${events[0]!.type}: use another one for send`
    throw new FoldlogError('INVALID_EVENT', message, { field: 'key' })
  }

  /** Puts question and answer into the log, and with them the lease. */
  async #begin(): Promise<Draft> {
    const { live } = this.#host
    await live.log.look()
    assertIdle(this.#host)
    const question = await this.#question()
    const drafts = await expiredDrafts(this.#host)
    this.#options.signal?.throwIfAborted()
    const answerId = live.log.nextId()
    const { key } = this.#options
    const add = async (input: MessageInput): Promise<Message> => {
      await writeLeased(
        this.#host,
        () => {
          assertIdle(this.#host)
          if (this.#options.expectedHead !== undefined) assertHead(live.log, this.#options.expectedHead)
          const ended = endExpired(this.#host, drafts)
          const asked = this.#ask(question)
          const answer = this.#host.stamp({ ...input, turnId: asked.answerTurnId, ...this.#lease.fields })
          const { turnId } = answer.data as unknown as MessageData
          this.#events.begin([asked.turnId, turnId], [asked.id, answerId])
          this.#questionId = asked.id
          return [...ended, ...asked.events, answer]
        },
        key,
      )
      const answer = live.log.fold.message(answerId)
      // Somebody else sent under the key meanwhile.
      if (answer === undefined) throw new KnownTurn(this.#known()!)
      this.#lease.hold(answerId)
      return answer
    }
    const draft = await openDraft(
      live,
      { id: answerId },
      {},
      add,
      () => this.#host.assertOpen(),
      (make, endKey) => this.#lease.write(make, endKey),
    )
    for (const id of drafts.keys()) await live.drafts.remove(live.log.key, id)
    this.#host.join(draft.turnId)
    return draft
  }

  /** The question as it is to be written: not at all if it is there already and nothing is said but its id. */
  #ask({ id, ...rest }: MessageInput): Asked {
    const { fold } = this.#host.live.log
    const known = id === undefined ? undefined : fold.message(id)
    const answerTurnId = known === undefined ? undefined : turnToGoOnWith(fold, known)
    if (known !== undefined && Object.keys(rest).length === 0) {
      return { id: known.id, turnId: known.turnId, answerTurnId: answerTurnId!, events: [] }
    }
    const event = this.#host.stamp(id === undefined ? rest : { id, ...rest })
    const data = event.data as unknown as MessageData
    return { id: data.id, turnId: data.turnId, answerTurnId: answerTurnId ?? data.turnId, events: [event] }
  }

  async #question(): Promise<MessageInput> {
    const { files = [], turnId } = this.#options
    const parts: PartInput[] = []
    for (const file of files) {
      const { backend, live } = this.#host
      if (!('bytes' in file)) parts.push({ ...file, type: 'file' })
      else {
        const { bytes, mediaType, name } = file
        parts.push({ type: 'file', ...(await putFile(backend, live.log.key.namespace, bytes, mediaType, name)) })
      }
    }
    return {
      ...this.#input,
      ...(turnId === undefined ? {} : { turnId }),
      ...(parts.length === 0 ? {} : { parts: [...(this.#input.parts ?? []), ...parts] }),
    }
  }

  async #answer(draft: Draft): Promise<Turn> {
    const { live } = this.#host
    const question = live.log.fold.message(this.#questionId)!
    const answer = new Answer(this.#host, this.#lease, draft)
    this.#events.publish({ type: 'turn.started', turnId: question.turnId, question, answerId: draft.id })
    try {
      const ended = await this.#respondInto(answer, question, draft)
      return this.#ended(ended.type, ended.error)
    } catch (error) {
      if (this.#lease.isLost) {
        await answer.drop()
        const { status } = turnFrom(live.log.fold, this.#questionId)
        // Whoever ended it may have said so.
        if (status === 'completed' || status === 'cancelled') return this.#ended(`turn.${status}`, undefined)
        return this.#ended('turn.failed', errorInfo(error))
      }
      answer.leave()
      this.#ended('turn.failed', errorInfo(error))
      throw error
    }
  }

  #ended(type: TurnEnded['type'], error: ErrorInfo | undefined): Turn {
    const turn = turnFrom(this.#host.live.log.fold, this.#questionId)
    this.#events.publish({ type, turnId: turn.id, turn, ...(error === undefined ? {} : { error }) })
    return turn
  }

  /** Lets the responder answer, and ends the answer. Throws only what is not the responder's. */
  async #respondInto(
    answer: Answer,
    question: Message,
    { id, turnId }: Draft,
  ): Promise<{ readonly type: TurnEnded['type']; readonly error?: ErrorInfo }> {
    const { session } = this.#host
    const request: SendRequest = { session, question, turnId, answerId: id, signal: this.#stop.signal }
    let failure: unknown
    try {
      const reply = await this.#consume(() => this.#respond(request), answer)
      if (this.#stopped === undefined) {
        await answer.end(reply)
        return { type: 'turn.completed' }
      }
    } catch (error) {
      failure = error instanceof ResponderError ? error.cause : error
      if (
        !(
          error instanceof ResponderError ||
          isFoldlogError(error, 'INVALID_EVENT') ||
          isFoldlogError(error, 'TOO_LARGE')
        )
      ) {
        throw error
      }
    }
    if (this.#stopped === 'cancelled') {
      await answer.cancel()
      return { type: 'turn.cancelled' }
    }
    // Whatever the responder said to it: nothing can be written any more.
    this.#lease.throwIfLost()
    this.#host.assertOpen()
    await answer.fail(failure)
    return { type: 'turn.failed', error: errorInfo(failure) }
  }

  /** Takes what the responder yields until it is done or nobody waits any more. */
  async #consume(respond: () => ReturnType<Responder>, answer: Answer): Promise<Reply> {
    const reply = await this.#wait(async () => respond())
    if (this.#stopped !== undefined || !isIterable(reply)) return reply as Reply
    const pieces = Symbol.asyncIterator in reply ? reply[Symbol.asyncIterator]() : reply[Symbol.iterator]()
    try {
      for (;;) {
        const result = await this.#wait(() => pieces.next())
        if (result === undefined) return undefined
        // What an iterator ends with besides a generator is nothing.
        if (result.done === true) return result.value as Reply
        const taken = answer.take(result.value)
        if (taken !== undefined) await taken
      }
    } catch (error) {
      if (!(error instanceof ResponderError)) this.#leave(pieces)
      throw error
    } finally {
      if (this.#stopped !== undefined) this.#leave(pieces)
    }
  }

  /** Tells a generator that nobody listens any more; how it takes it concerns nobody. */
  #leave(pieces: { return?: (value: never) => unknown }): void {
    const left = (async () => pieces.return?.(undefined as never))()
    left.catch(() => undefined)
  }

  /** What the responder answers; undefined if it is not waited for any longer. What it throws is a `ResponderError`. */
  #wait<T>(next: () => T | Promise<T>): Promise<T | undefined> {
    return new Promise((resolve, reject) => {
      if (this.#stopped !== undefined) {
        resolve(undefined)
        return
      }
      // One function at a time: a promise to race with would gather all that were ever waited for.
      this.#interrupt = () => resolve(undefined)
      const fail = (error: unknown): void => reject(new ResponderError(error))
      try {
        const value = next()
        if (value instanceof Promise) value.then(resolve, fail)
        else resolve(value)
      } catch (error) {
        fail(error)
      }
    })
  }

  #end(why: Stop): void {
    if (this.#stopped !== undefined) return
    this.#stopped = why
    this.#stop.abort(why === 'cancelled' ? this.#options.signal?.reason : undefined)
    this.#interrupt?.()
  }
}

/** What a responder threw. */
class ResponderError extends Error {
  constructor(cause: unknown) {
    super('the responder failed', { cause })
  }
}

function isIterable(value: unknown): value is Exclude<Pieces, string> {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return false
  return Symbol.asyncIterator in value || Symbol.iterator in value
}
