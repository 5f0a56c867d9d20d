/**
 * The text of a message as it grows: from the draft where it is in this process, from the side file elsewhere, from the log once it has ended.
 *
 * A follower has a place in the text and nothing else. Whatever came while its reader was busy is one piece, so a slow reader costs no memory
 * and nobody waits for it. It is woken by the draft, by hints and by changes of the log, and looks by itself every two seconds: then it also sees
 * that the writer is gone.
 */
import { Bell } from './bell.ts'
import type { DraftParts } from './draft-parts.ts'
import { FoldlogError } from './errors.ts'
import type { Fold } from './fold.ts'
import { isUnfinished, withDraft, type Growing, type LiveLog } from './live.ts'
import type { Message } from './message.ts'
import type { Wake } from './tail.ts'

export interface FollowOptions {
  /** Ends it, without an error. */
  readonly signal?: AbortSignal
}

const LOOK_MS = 2000

/**
 * Pieces of text, which together are the texts of the message's text parts. A piece never ends within a character.
 *
 * The generator returns the message as it ended; after a loop that does not see what a generator returns, `message()` has it.
 */
export class Followed implements AsyncGenerator<string, Message, void> {
  readonly #pieces: AsyncGenerator<string, Message, void>
  #message: Message | undefined

  constructor(pieces: AsyncGenerator<string, Message, void>) {
    this.#pieces = pieces
  }

  async next(): Promise<IteratorResult<string, Message>> {
    const result = await this.#pieces.next()
    if (result.done !== true) return result
    // A generator returns its value once.
    this.#message ??= result.value
    return { done: true, value: this.#message }
  }

  /** Stops following. */
  async return(): Promise<IteratorResult<string, Message>> {
    // What it returns is not looked at.
    return this.#pieces.return(this.#message as Message)
  }

  async throw(error: unknown): Promise<IteratorResult<string, Message>> {
    return this.#pieces.throw(error)
  }

  /** The message when it has ended; the pieces that were not read yet are passed over. */
  async message(): Promise<Message> {
    for (;;) {
      const result = await this.next()
      if (result.done === true) return result.value
    }
  }

  [Symbol.asyncIterator](): this {
    return this
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.return()
  }
}

/** See `Session.follow`. `look` reads the log on. */
export async function* followMessage(
  live: LiveLog,
  messageId: string,
  signal: AbortSignal,
  wake: Wake,
  look: () => Promise<Fold>,
): AsyncGenerator<string, Message, void> {
  const bell = new Bell()
  const ring = (): void => bell.ring()
  const stop = await wake(ring)
  const stopLive = live.listen(ring)
  signal.addEventListener('abort', ring)
  try {
    let place = 0
    let seen: DraftParts | undefined
    let last: Message | undefined
    for (;;) {
      bell.reset()
      if (last !== undefined && signal.aborted) return last
      const { message, draft } = await stateOf(live, messageId, look)
      last = withDraft(message, draft)
      if (signal.aborted) return last
      if (!isUnfinished(message)) {
        // A `redact` of the store may have made another text of it: then what was told is not continued.
        if (seen === undefined || textOf(message).startsWith(seen.textFrom(0))) {
          const rest = textOf(message).slice(place)
          if (rest !== '') yield rest
        }
        return message
      }
      const piecesOf = (from: number): string =>
        draft === undefined ? textOf(message).slice(from) : draft.parts.textFrom(from)
      for (let piece = piecesOf(place); piece !== '' && !signal.aborted; piece = piecesOf(place)) {
        place += piece.length
        yield piece
      }
      if (draft?.isAlive === false) return withDraft(message, draft)
      seen = draft?.parts ?? seen
      await bell.wait(LOOK_MS)
    }
  } finally {
    signal.removeEventListener('abort', ring)
    stopLive()
    stop()
  }
}

/** A message and its draft, as they belong together. */
async function stateOf(
  live: LiveLog,
  messageId: string,
  look: () => Promise<Fold>,
): Promise<{ readonly message: Message; readonly draft: Growing | undefined }> {
  for (;;) {
    const message = (await look()).message(messageId)
    if (message === undefined) {
      throw new FoldlogError('NOT_FOUND', `message ${messageId} is not in this session, or was removed`, live.log.key)
    }
    if (!isUnfinished(message)) return { message, draft: undefined }
    const draft = await live.growing(messageId)
    if (draft?.isAlive === true) return { message, draft }
    // It has no draft, or one that nobody goes on with, unless it has just ended.
    if ((await look()).message(messageId) === message) return { message, draft }
  }
}

function textOf({ parts }: Message): string {
  return parts.map((part) => (part.type === 'text' ? part.text : '')).join('')
}
