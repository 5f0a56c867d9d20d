/**
 * Writes the messages of one session of Gemini CLI, in the order in which they came.
 *
 * Gemini CLI writes an answer again whenever it learns more of it. So an answer is two lines: one when it began, and one, when the
 * last word on it is said, with all there is of it. Questions and notices are one line, unless they were changed.
 */
import { asObject, textField, timeField } from '../fields.ts'
import type { JsonObject } from '../../json.ts'
import type { Run } from '../run.ts'
import type { SessionWriter } from '../session-writer.ts'
import { changedMeanwhile, type SourceFile } from '../source-file.ts'
import { fieldsOf, lastMs, roleOf } from './message.ts'
import { FORMAT, listOf, partsOf } from './parts.ts'
import type { Node } from './timeline.ts'

const SAID_ANEW = 'a later record says all of it'

/** Something that a file says of a message. */
export interface Said {
  readonly node: Node
  /** How many records have said what it is, this one included. */
  readonly versions: number
  readonly record: JsonObject
  /** About how much memory it holds. */
  readonly sizeBytes: number
}

/** Writes the messages of one session. */
export class Messages {
  readonly #file: SourceFile
  readonly #session: SessionWriter
  /** The same messages as those that are written, once all is said of them. */
  readonly #whole: readonly Node[]
  readonly #run: Run
  #time = 0
  #model: { readonly model?: string; readonly provider?: string } = {}

  constructor(file: SourceFile, session: SessionWriter, whole: readonly Node[], run: Run) {
    this.#file = file
    this.#session = session
    this.#whole = whole
    this.#run = run
  }

  /** The model of the last answer. */
  get model(): { readonly model?: string; readonly provider?: string } {
    return this.#model
  }

  async write({ node, versions, record, sizeBytes }: Said): Promise<void> {
    const { key, id, parent, ordinal } = node
    const time = timeField(record, 'timestamp') ?? this.#time
    this.#time = time
    const role = roleOf(record)
    const isFirst = versions === 1
    const whole = this.#whole[ordinal]
    if (whole?.key !== key) throw changedMeanwhile(this.#file.path)
    const isLast = versions === whole.versions
    const end = Math.max(time, lastMs(record))
    // Of every record alike, so that what a copy has seen is the beginning of what a longer one has.
    this.#session.saw(end, sizeBytes)
    if (!isLast) this.#file.ledger.merge(textField(record, 'type') ?? 'message', SAID_ANEW)
    if (!isFirst && !isLast) return
    const place = { key, sourceId: id, role, time, parentKey: parent?.key ?? null }
    if (role === 'assistant' && isFirst) await this.#session.message({ ...place, status: 'incomplete', parts: [] })
    if (role === 'assistant' && !isLast) return
    const draft = { ...place, parts: await partsOf(record, this.#file.store), ...fieldsOf(record) }
    if (role !== 'assistant' && isFirst) return void (await this.#session.message({ ...draft, isSnapshot: true }))
    const { parentKey: _, ...said } = draft
    await this.#session.restate({ ...said, time: end }, versions - 1)
    if (draft.model !== undefined) this.#model = { model: draft.model, provider: draft.provider! }
    this.#offerAgents(key, record)
  }

  /** The sub-agents that calls of an answer began: their sessions are named after them. */
  #offerAgents(key: string, record: JsonObject): void {
    const messageId = this.#session.messageId(key)
    for (const item of listOf(record['toolCalls'])) {
      const call = asObject(item) ?? {}
      const agentId = textField(call, 'agentId')
      const callId = textField(call, 'id')
      if (agentId === undefined || callId === undefined || messageId === undefined) continue
      this.#run.family.offer(`${FORMAT} agent ${agentId}`, { sessionId: this.#session.id, messageId, callId })
    }
  }
}
