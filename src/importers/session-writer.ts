/**
 * Writes one imported session, record by record, in the order of the source.
 *
 * Every record gives its own lines, made of it and of what came before: so the log has the source's exact times, a source of
 * any size is read in one go, and one that has grown since the last import only adds to its session. A session begins with
 * `session.created`, which says nothing but where it comes from, and ends with one `session.updated` for what is known at the
 * end of the source, `head` included.
 */
import { canonicalJson, type JsonObject } from '../json.ts'
import type { Audience, ErrorInfo, Part, Role, Status, Usage } from '../message.ts'
import type { Child } from './family.ts'
import { asJson, customType, frameOf, lineOf, parentLines, type LineDraft } from './lines.ts'
import { digest, Mint } from './mint.ts'
import { Placer, type Place } from './place.ts'
import type { Writer } from './writer.ts'

/** What a message may say of itself besides its role and parts. */
export interface MessageFields {
  /** Default: `completed`. */
  readonly status?: Status
  readonly statusMessage?: string
  readonly author?: string
  readonly to?: string
  readonly audience?: Audience
  readonly error?: ErrorInfo
  readonly finishReason?: string
  readonly model?: string
  readonly provider?: string
  readonly usage?: Usage
  readonly metadata?: JsonObject
}

/** A message of the source. */
export interface MessageDraft extends MessageFields {
  /** What tells it from all other messages of the session, taken from its content or its place in the source. */
  readonly key: string
  /** The key of the message it follows. Absent: {@link SessionWriter.last}; `null`, or a key that is not there: none. */
  readonly parentKey?: string | null
  readonly role: Role
  /** In ms since the epoch. */
  readonly time: number
  /** What the source calls it. Default: `key`. */
  readonly sourceId?: string
  /**
   * Whether it says how the message is now, in a source that changes what it has written: a copy from another time may say
   * otherwise of it. Default: false.
   */
  readonly isSnapshot?: boolean
  readonly parts: readonly Part[]
}

/** Who a session is. */
export interface SessionOrigin {
  readonly format: string
  /**
   * What tells the session from all others of the format. It must come from the content and from the beginning of it, never
   * from where a file lies or how far it goes: two copies are one session then.
   */
  readonly identity: readonly (string | undefined)[]
  /** What the source calls it. */
  readonly sourceId: string
  /** When it began, in ms since the epoch. Part of its id, as `identity` is. */
  readonly time: number
}

/** The id that {@link SessionWriter} gives a session. */
export function sessionIdOf(origin: Pick<SessionOrigin, 'format' | 'identity' | 'time'>): string {
  return mintOf(origin).id(origin.time, 'session')
}

export class SessionWriter {
  readonly id: string
  readonly #origin: SessionOrigin
  readonly #mint: Mint
  readonly #placer: Placer
  readonly #createdMs: number
  readonly #writer: Writer
  /** The millisecond of the newest line of each message, by its key. */
  readonly #newest = new Map<string, number>()
  /** Grows with each record, so that the end of a longer copy is later than that of a shorter one. */
  #clock: number
  /** Of its messages. */
  #newestMs = 0
  #lastTime: number
  #last: string | undefined
  #sizeBytes = 0

  constructor(writer: Writer, origin: SessionOrigin) {
    this.#writer = writer
    this.#origin = origin
    this.#mint = mintOf(origin)
    this.id = this.#mint.id(origin.time, 'session')
    this.#createdMs = Math.max(origin.time - 1, 0)
    this.#clock = this.#createdMs
    this.#lastTime = origin.time
    this.#placer = new Placer(this.#mint, this.#createdMs)
  }

  /** How many messages it has. */
  get messages(): number {
    return this.#placer.size
  }

  /** The key of the message that the next one follows unless it says otherwise. */
  get last(): string | undefined {
    return this.#last
  }

  has(key: string): boolean {
    return this.#placer.has(key)
  }

  /** The id of a message that was written. */
  messageId(key: string): string | undefined {
    return this.#placer.get(key)?.id
  }

  /** Writes the first line. Call before everything else. */
  async open(): Promise<void> {
    const { format, sourceId: id, time } = this.#origin
    await this.#add({
      type: 'session.created',
      ms: this.#createdMs,
      time,
      key: 'session.created',
      data: { source: { format, id } },
    })
  }

  /** Takes notice of a record of this session, whether anything is written of it or not; before its lines. */
  saw(time: number, sizeBytes = 0): void {
    this.#clock = Math.max(this.#clock + 1, time)
    this.#lastTime = Math.max(this.#lastTime, time)
    this.#sizeBytes = sizeBytes
  }

  /** A new message. Its key must be new. */
  async message(draft: MessageDraft): Promise<Place> {
    const { key, parentKey, role, time, sourceId, isSnapshot = false, parts, ...fields } = draft
    const above = parentKey === undefined ? this.#last : (parentKey ?? undefined)
    const place = this.#placer.place(key, above, role === 'user', time)
    this.#last = key
    this.#newest.set(key, place.ms)
    this.#newestMs = Math.max(this.#newestMs, place.ms)
    const data = { ...frameOf(this.#origin.format, place, role, sourceId ?? key), ...fields, parts }
    const named = isSnapshot ? { key: `${key} as ${digestOf(data)}` } : { key, id: place.id }
    await this.#add({ type: 'message.created', ms: place.ms, time, ...named, data })
    return place
  }

  /** Puts a part into a message that was written, or replaces it. `key` names the record that says so. */
  async part(messageKey: string, key: string, time: number, part: Part): Promise<void> {
    const data = { messageId: this.#idOf(messageKey), partId: part.id, part }
    await this.#add({
      type: 'part.updated',
      ms: this.#later(messageKey, time),
      time,
      key: `${key} part ${part.id}`,
      data,
    })
  }

  /** Says something new of a message that was written. */
  async update(messageKey: string, key: string, time: number, fields: MessageFields): Promise<void> {
    const data = { id: this.#idOf(messageKey), ...fields }
    await this.#add({
      type: 'message.updated',
      ms: this.#later(messageKey, time),
      time,
      key: `${key} fields ${messageKey}`,
      data,
    })
  }

  /**
   * Says all there is of a message that was written, as the source has it at `time`; for sources that change what they have
   * written. Of two copies the one of the later time counts. `revision`: how often the source has said it anew before, where
   * that is known: it decides between states of one time.
   */
  async restate(draft: Omit<MessageDraft, 'parentKey' | 'isSnapshot'>, revision: number = 0): Promise<void> {
    const { key, role, time, sourceId, parts, ...fields } = draft
    // Only messages that were written are named: callers know their keys from `message`.
    const place = this.#placer.get(key)!
    const data = { ...frameOf(this.#origin.format, place, role, sourceId ?? key), ...fields, parts }
    const ms = this.#later(key, time + revision)
    await this.#add({ type: 'message.created', ms, time, key: `${key} as ${digestOf(data)}`, data })
  }

  /** Hides messages for good: the source has taken them back. */
  async remove(messageKeys: readonly string[], key: string, time: number): Promise<void> {
    const ms = Math.max(time, ...messageKeys.map((each) => this.#later(each, time)))
    await this.#add({
      type: 'message.deleted',
      ms,
      time,
      key: `${key} deleted`,
      data: { ids: messageKeys.map((each) => this.#idOf(each)) },
    })
  }

  /** An event beside the conversation, of the type `<format>.<name>`. */
  async event(name: string, key: string, time: number, data: JsonObject): Promise<void> {
    const ms = Math.max(time, this.#createdMs + 1)
    await this.#add({ type: customType(this.#origin.format, name), ms, time, key: `${key} event`, data })
  }

  /** What the next message follows unless it says otherwise; undefined: nothing. Where the source takes messages back. */
  goOnFrom(messageKey: string | undefined): void {
    this.#last = messageKey
  }

  /**
   * The last line: what is known of the session as a whole. `headKey` is the message the conversation ends at.
   */
  async close(info: JsonObject, headKey: string | undefined = this.#last): Promise<void> {
    const head = headKey === undefined ? undefined : this.messageId(headKey)
    const data = { ...info, ...(this.messages === 0 ? {} : { head: head ?? null }) }
    const ms = Math.max(this.#clock, this.#newestMs) + 1
    await this.#add({ type: 'session.updated', ms, time: this.#lastTime, key: `end ${canonicalJson(data)}`, data })
  }

  /** What {@link Family.add} needs to write the line about its parent. Keeps nothing of its messages. */
  child(): Pick<Child, 'sessionId' | 'line' | 'writer'> {
    return {
      sessionId: this.id,
      line: parentLines(this.#mint, this.#createdMs, this.#origin.time),
      writer: this.#writer,
    }
  }

  #idOf(messageKey: string): string {
    // Only messages that were written are named: callers know their keys from `message`.
    return this.#placer.get(messageKey)!.id
  }

  /** Later than everything that was written of a message before. */
  #later(messageKey: string, time: number): number {
    const ms = Math.max(time, (this.#newest.get(messageKey) ?? 0) + 1)
    this.#newest.set(messageKey, ms)
    return ms
  }

  async #add(draft: LineDraft): Promise<void> {
    const sizeBytes = this.#sizeBytes
    this.#sizeBytes = 0
    await this.#writer.add(this.id, lineOf(this.#mint, draft), sizeBytes)
  }
}

function digestOf(data: object): string {
  return digest(canonicalJson(asJson(data)))
}

function mintOf({ format, identity }: Pick<SessionOrigin, 'format' | 'identity'>): Mint {
  return new Mint(format, JSON.stringify(identity.map((part) => part ?? null)))
}
