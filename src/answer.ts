/**
 * What a responder says, on its way into the log: the messages of an answer, one after the other.
 *
 *     text, part → the message that is open      message → a message of its own; what comes after it opens another
 *
 * The first message is there from the beginning and in progress until the turn ends, because it carries the lease; what it says is in the log as
 * soon as another message follows it. Everything is written under the lease.
 */
import { errorInfo, openDraft, partEvents, type Draft, type DraftEnd } from './draft.ts'
import type { MessageData } from './event.ts'
import { assertFields, assertObject, PATCH_FIELDS } from './input.ts'
import type { Json } from './json.ts'
import { writeLeased, type Lease, type TurnLog } from './lease.ts'
import type { InnerEvent } from './line.ts'
import type { Status } from './message.ts'
import { assertParts, partsOf, type MessageInput, type PartInput } from './stamp.ts'

/** The fields of a message that a responder may set. */
export type AnswerFields = Omit<DraftEnd, 'lease'>

/** A whole message of an answer. Its role is `assistant` unless said. */
export type AnswerMessage = Omit<MessageInput, 'turnId' | 'parentId' | 'lease'> & { readonly type?: never }

/** What a responder yields: a piece of text, a part, or a whole message. */
export type Piece = string | PartInput | AnswerMessage

/** What a responder ends with: pieces, or fields of the last message of the answer, with its text or parts or without. */
export type Reply =
  | undefined
  | void
  | string
  | PartInput
  | readonly Piece[]
  | (AnswerFields & {
      readonly type?: never
      readonly text?: string
      readonly parts?: readonly PartInput[]
    })

/** What an answer needs of the session that sends. */
export interface AnswerHost extends TurnLog {
  /** The event that adds a message, at the end of the conversation or in its turn. */
  stamp(input: MessageInput): InnerEvent
}

const FIELDS: ReadonlySet<string> = new Set([...PATCH_FIELDS].filter((name) => name !== 'lease'))
const REPLY_FIELDS: ReadonlySet<string> = new Set([...FIELDS, 'text', 'parts'])
const MESSAGE_FIELDS: ReadonlySet<string> = new Set([...REPLY_FIELDS, 'id', 'source'])

export class Answer {
  readonly #host: AnswerHost
  readonly #lease: Lease
  readonly #turnId: string
  /** The message that carries the lease. */
  readonly #first: Draft
  /** The fields it ends with, once others follow it. */
  #firstEnd: AnswerFields = {}
  /** The message that text and parts go to, if one is open. */
  #open: Draft | undefined
  /** The message that was said last. */
  #last: string

  constructor(host: AnswerHost, lease: Lease, first: Draft) {
    this.#host = host
    this.#lease = lease
    this.#turnId = first.turnId
    this.#first = first
    this.#open = first
    this.#last = first.id
  }

  /** Takes what a responder yields. A text goes nowhere but into the draft, so that it costs nothing more. */
  take(piece: Piece): void | Promise<void> {
    if (piece === '') return
    if (typeof piece === 'string') {
      if (this.#open !== undefined) return this.#open.text(piece)
      return this.#begin().then((draft) => draft.text(piece))
    }
    assertObject(piece, 'what was yielded')
    return isPart(piece) ? this.#part(piece) : this.#message(piece)
  }

  #part(part: PartInput): void | Promise<void> {
    if (this.#open !== undefined) return this.#open.part(part)
    return this.#begin().then((draft) => draft.part(part))
  }

  /** Ends the answer as the responder wants it. */
  async end(reply: Reply): Promise<void> {
    let fields: AnswerFields = {}
    if (typeof reply === 'string') await this.take(reply)
    else if (Array.isArray(reply)) for (const piece of reply as readonly Piece[]) await this.take(piece)
    else if (reply !== undefined) {
      assertObject(reply, 'what was answered')
      if (isPart(reply)) await this.take(reply)
      else fields = await this.#takeReply(reply)
    }
    await this.#finish('completed', fields)
  }

  async fail(error: unknown): Promise<void> {
    await this.#finish('failed', { error: errorInfo(error) })
  }

  async cancel(): Promise<void> {
    await this.#finish('cancelled', {})
  }

  /** Lets go of what is open, because it cannot be written: nobody goes on with it. */
  leave(): void {
    for (const draft of [this.#open, this.#first]) if (draft !== undefined) this.#host.live.own.get(draft.id)?.leave()
  }

  /** Lets go of what is open: somebody else has ended it. Where only its status was set, what was said goes into it. */
  async drop(): Promise<void> {
    for (const draft of [this.#open, this.#first]) {
      const own = this.#host.live.own.get(draft?.id ?? '')
      if (draft?.isOpen !== true || own === undefined) continue
      const { log } = this.#host.live
      const make = (): readonly InnerEvent[] =>
        this.#lease.isEnded(draft.id)
          ? [
              ...partEvents(log, draft.id, own.parts.parts()),
              this.#host.event('message.updated', { id: draft.id, ...this.#lease.release }),
            ]
          : []
      if (this.#lease.isEnded(draft.id)) await writeLeased(this.#host, make)
      await own.drop()
    }
  }

  async #takeReply(reply: object): Promise<AnswerFields> {
    assertFields(reply, REPLY_FIELDS, 'reply')
    const { text, parts, ...fields } = reply as AnswerFields & Pick<AnswerMessage, 'text' | 'parts'>
    assertParts(parts)
    // Their ids are made where they go.
    if (text !== undefined) await this.take(text)
    for (const part of parts ?? []) await this.#part(part)
    return fields
  }

  async #message(input: AnswerMessage): Promise<void> {
    assertFields(input, MESSAGE_FIELDS, 'message')
    const { id, text, parts, ...fields } = input
    const draft = this.#open
    if (id === undefined && draft?.message.parts.length === 0) {
      for (const part of partsOf(text, parts)) draft.part(part as PartInput)
      return this.#close(fields)
    }
    if (draft !== undefined) await this.#close({})
    const make = (): InnerEvent[] => [this.#host.stamp({ role: 'assistant', ...input, turnId: this.#turnId })]
    const [event] = await this.#lease.write(make)
    this.#last = (event!.data as MessageData).id
  }

  /** Opens another message. */
  async #begin(): Promise<Draft> {
    const { live } = this.#host
    const id = live.log.nextId()
    const draft = await openDraft(
      live,
      { id },
      {},
      async (input) => {
        const message = { ...input, turnId: this.#turnId, ...this.#lease.fields }
        await this.#lease.write(() => [this.#host.stamp(message)])
        this.#lease.hold(id)
        return live.log.fold.message(id)!
      },
      () => this.#host.assertOpen(),
      (make, key) => this.#lease.write(make, key),
    )
    this.#open = draft
    this.#last = draft.id
    return draft
  }

  /** Others follow the message that is open. */
  async #close(fields: AnswerFields): Promise<void> {
    const draft = this.#open!
    this.#open = undefined
    if (draft !== this.#first) {
      await draft.end({ ...fields, ...this.#lease.release })
      return
    }
    this.#firstEnd = fields
    const { live } = this.#host
    const { parts } = live.own.get(draft.id)!
    if (parts.size === 0) return
    // It is in progress still, but what it says is said.
    const { status: _, ...now } = fields
    await this.#lease.write(() => [
      ...partEvents(live.log, draft.id, parts.parts()),
      ...(Object.keys(now).length === 0 ? [] : [this.#host.event('message.updated', { id: draft.id, ...now })]),
    ])
  }

  async #finish(status: Status, fields: AnswerFields): Promise<void> {
    const end = { status, ...fields }
    if (this.#open === this.#first) {
      await this.#first.end({ ...end, ...this.#lease.release })
      return
    }
    if (this.#open !== undefined) await this.#open.end({ ...end, ...this.#lease.release })
    else await this.#finishClosed(status, fields)
    await this.#first.end({ ...this.#firstEnd, ...this.#lease.release })
    if (this.#first.message.parts.length > 0 || this.#last === this.#first.id) return
    // All that was said is in other messages.
    await this.#host.write(() => [this.#host.event('message.deleted', { ids: [this.#first.id] })])
  }

  /** Puts an end to an answer whose last message is whole. */
  async #finishClosed(status: Status, fields: AnswerFields): Promise<void> {
    if (status !== 'completed') {
      // What was said stays as it is; that nothing more came is a message of its own.
      const make = (): InnerEvent[] => [
        this.#host.stamp({ role: 'assistant', status, ...nonNull(fields), turnId: this.#turnId }),
      ]
      const [event] = await this.#lease.write(make)
      this.#last = (event!.data as MessageData).id
    } else if (this.#last === this.#first.id) this.#firstEnd = { ...this.#firstEnd, ...fields }
    else if (Object.keys(fields).length > 0) {
      await this.#lease.write(() => [this.#host.event('message.updated', { ...fields, id: this.#last })])
    }
  }
}

function isPart(piece: object): piece is PartInput {
  return 'type' in piece
}

/** Fields of a message that is new, of which none can be unset. */
function nonNull(fields: AnswerFields): MessageInput {
  const entries = Object.entries(fields).filter(([, value]) => (value as Json) !== null)
  return Object.fromEntries(entries) as MessageInput
}
