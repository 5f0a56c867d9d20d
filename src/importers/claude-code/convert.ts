/**
 * The second reading: records → the lines of the sessions that the first reading planned.
 *
 * Every record gives its own events, so that the log has the source's exact times and a transcript that has grown since
 * the last import only adds to it: the first record of a message gives `message.created`, a later one `part.updated`
 * for each of its blocks and `message.updated` where it knows better (usage grows while an answer is streamed; the
 * last record counts). What is no message but worth keeping gives events of the types `claude-code.*`, which change
 * nothing in the conversation. A session ends with one `session.updated` for what is known at the end of the file.
 */
import { isSet, textField } from '../fields.ts'
import { canonicalJson, isSameJson, type Json, type JsonObject } from '../../json.ts'
import type { MergeLine } from '../../merge.ts'
import type { SourceRecord } from '../jsonl.ts'
import { asJson, customType, frameOf, isoOf, lineOf, type LineDraft } from '../lines.ts'
import type { MessageFields } from '../session-writer.ts'
import type { Conversation, Node } from './contract.ts'
import { answerFields, userFields } from './message-fields.ts'
import { fileBlocksOf, partsOf, promptBlocksOf, queuedPrompt, type PartContext, type StoredFiles } from './parts.ts'
import { FORMAT, type Place, type Plan, type SessionPlan } from './plan.ts'
import type { Entry, Survey } from './survey.ts'

/** A line, and the session it belongs to. */
interface Converted {
  readonly session: SessionPlan
  readonly line: MergeLine
}

/** What is in the line already, or said of every record of the file. */
const ENVELOPE: ReadonlySet<string> = new Set([
  'type',
  'timestamp',
  'sessionId',
  'version',
  'cwd',
  'gitBranch',
  'userType',
  'entrypoint',
  'slug',
])

/** How far a message is, between its records. */
interface Written {
  ms: number
  fields: MessageFields
}

/** Converts the records of one file, which must come in their order. */
export class Converter {
  readonly #survey: Survey
  readonly #conversation: Conversation
  readonly #plan: Plan
  readonly #written = new Map<Node, Written>()
  readonly #toolNames: ReadonlyMap<string, string>
  /** For each session a time that grows with each of its records, so that a later end comes later. */
  readonly #clocks = new Map<SessionPlan, number>()
  readonly #models = new Map<SessionPlan, string>()

  constructor(survey: Survey, conversation: Conversation, plan: Plan) {
    this.#survey = survey
    this.#conversation = conversation
    this.#plan = plan
    const calls = survey.entries.flatMap((entry) => entry.calls)
    this.#toolNames = new Map(calls.map(({ callId, name }) => [callId, name]))
  }

  /** The first line of a session. */
  opening(session: SessionPlan): MergeLine {
    // Nothing else: what is only known later in the file would make another line of a copy that was cut off.
    const data = { source: { format: FORMAT, id: session.sourceId } }
    const { createdMs: ms, time } = session
    return lineOf(session.mint, { type: 'session.created', ms, time, key: 'session.created', data })
  }

  /** The blocks of a record whose files have to be stored before it is converted. Few have any: the others wait for nothing. */
  fileBlocks({ ordinal, value }: SourceRecord): readonly JsonObject[] {
    const { kind } = this.#survey.entries[ordinal]!
    if (kind === 'user' || kind === 'assistant') return fileBlocksOf(value)
    return kind === 'prompt' ? promptBlocksOf(value) : []
  }

  /** The lines of one record, in the order of their ids; `files` are those of its {@link fileBlocks}. */
  convert({ ordinal, value }: SourceRecord, files: StoredFiles): readonly Converted[] {
    const entry = this.#survey.entries[ordinal]!
    const node = this.#conversation.nodeOf(ordinal)
    const lines = this.#linesOf(entry, ordinal, node, value, files)
    const session = node === undefined ? this.#plan.main : this.#plan.placeOf(node).session
    const clock = this.#clocks.get(session) ?? session.createdMs
    const newest = node === undefined ? 0 : (this.#written.get(node)?.ms ?? 0)
    this.#clocks.set(session, Math.max(clock + 1, entry.time, newest))
    return lines
  }

  /** The last line of a session, once all records are converted. */
  closing(session: SessionPlan): MergeLine {
    const { title, cwd, lastTime } = this.#survey.facts
    const model = this.#models.get(session)
    const isMain = session.kind === 'main'
    const data = {
      ...(isMain && title !== undefined ? { title } : {}),
      ...(cwd === undefined ? {} : { cwd }),
      ...(model === undefined ? {} : { model, provider: 'anthropic' }),
      metadata: { [FORMAT]: isMain ? this.#facts() : { isSidechain: true } },
      head: headOf(session).id,
    }
    const ms = (this.#clocks.get(session) ?? session.createdMs) + 1
    const time = isMain ? (lastTime ?? ms) : ms
    return lineOf(session.mint, { type: 'session.updated', ms, time, key: `end ${canonicalJson(data)}`, data })
  }

  #linesOf(
    entry: Entry,
    ordinal: number,
    node: Node | undefined,
    value: JsonObject,
    files: StoredFiles,
  ): readonly Converted[] {
    switch (entry.kind) {
      case 'user':
      case 'assistant':
        // Every record of these kinds is a piece of a node.
        return this.#messageLines(entry, node!, value, this.#context(entry, ordinal, value, files))
      case 'prompt':
        return this.#promptLines(entry, ordinal, value, this.#context(entry, ordinal, value, files))
      case 'event':
        return [this.#event(entry, value)]
      case 'repeat':
        return node === undefined ? [] : this.#updateLines(entry, node, answerFields(value))
      case 'dropped':
        return []
    }
  }

  #messageLines(entry: Entry, node: Node, value: JsonObject, context: PartContext): readonly Converted[] {
    const place = this.#plan.placeOf(node)
    const parts = partsOf(value, context)
    const fields = node.role === 'assistant' ? answerFields(value) : userFields(value, node.role)
    if (fields.model !== undefined) this.#models.set(place.session, fields.model)
    const { key, time } = entry
    if (!this.#written.has(node)) {
      this.#written.set(node, { ms: place.ms, fields })
      const frame = frameOf(FORMAT, place, node.role, entry.messageId ?? entry.key)
      const data = Object.assign(frame, fields, this.#originalParent(node, fields, value), { parts })
      return [converted(place.session, { type: 'message.created', id: place.id, ms: place.ms, time, key, data })]
    }
    const ms = this.#laterMs(node, entry)
    const lines = parts.map((part, n) => {
      const data = { messageId: place.id, partId: part.id, part }
      return converted(place.session, { type: 'part.updated', ms: ms + n, time, key, n, data })
    })
    this.#written.get(node)!.ms = ms + Math.max(parts.length - 1, 0)
    return [...lines, ...this.#updateLines(entry, node, fields)]
  }

  /** What a later record of a message knows better than the ones before it. */
  #updateLines(entry: Entry, node: Node, fields: MessageFields): readonly Converted[] {
    const written = this.#written.get(node)
    if (written === undefined || node.role !== 'assistant') return []
    const known = asJson(written.fields)
    const changed = Object.entries(asJson(fields)).filter(([name, field]) => !isSame(field, known[name]))
    if (changed.length === 0) return []
    const place = this.#plan.placeOf(node)
    const ms = this.#laterMs(node, entry)
    written.ms = ms
    written.fields = { ...written.fields, ...fields }
    const data = { id: place.id, ...Object.fromEntries(changed) }
    const key = `${entry.key} fields`
    return [converted(place.session, { type: 'message.updated', ms, time: entry.time, key, data })]
  }

  /** A queued prompt becomes a part of the message it came after; before the first message it is an event. */
  #promptLines(entry: Entry, ordinal: number, value: JsonObject, context: PartContext): readonly Converted[] {
    const part = queuedPrompt(value, context)
    const node = this.#conversation.nodeBefore(ordinal)
    if (node === undefined) return [this.#event(entry, { ...value, attachment: asJson(part) })]
    const place = this.#plan.placeOf(node)
    const ms = Math.max(entry.time, place.ms + 1)
    const data = { messageId: place.id, partId: part.id, part }
    return [converted(place.session, { type: 'part.updated', ms, time: entry.time, key: entry.key, data })]
  }

  #event(entry: Entry, value: JsonObject): Converted {
    const { main } = this.#plan
    const type = textField(value, 'type') ?? 'record'
    const data = Object.fromEntries(Object.entries(value).filter(([name]) => !ENVELOPE.has(name)))
    const ms = Math.max(entry.time, main.createdMs + 1)
    return converted(main, { type: customType(FORMAT, type), ms, time: entry.time, key: entry.key, data })
  }

  #context(entry: Entry, ordinal: number, value: JsonObject, files: StoredFiles): PartContext {
    const isSummary = entry.kind === 'user' && isSet(value, 'isCompactSummary')
    return {
      key: entry.key,
      files,
      toolName: (callId) => this.#toolNames.get(callId) ?? 'unknown',
      compaction: isSummary ? this.#boundaryAbove(ordinal) : undefined,
    }
  }

  /** What the boundary says that a summary comes after, with nothing but bookkeeping in between. */
  #boundaryAbove(ordinal: number): JsonObject {
    const { entries } = this.#survey
    const seen = new Set<number>()
    for (let at = entries[ordinal]!.above; at !== undefined && !seen.has(at); at = entries[at]!.above) {
      seen.add(at)
      const { compaction } = entries[at]!
      if (compaction !== undefined) return compaction
      if (this.#conversation.nodeOf(at) !== undefined) break
    }
    return {}
  }

  /** A root that names a parent is one because the parent is in another file. */
  #originalParent(node: Node, { metadata }: MessageFields, value: JsonObject): Pick<MessageFields, 'metadata'> {
    const originalParent = node.parent === undefined ? textField(value, 'parentUuid') : undefined
    if (originalParent === undefined || this.#survey.ordinals.has(originalParent)) return {}
    return { metadata: { ...metadata, originalParent } }
  }

  /** Later than everything that was written of a message before. */
  #laterMs(node: Node, entry: Entry): number {
    return Math.max(entry.time, this.#written.get(node)!.ms + 1)
  }

  /** What is said of the file as a whole. */
  #facts(): JsonObject {
    const { firstTime, lastTime, lists } = this.#survey.facts
    return { ...lists, firstTime: isoOrNull(firstTime), lastTime: isoOrNull(lastTime) }
  }
}

/** The message that was written last of those that nothing follows. */
function headOf({ places }: SessionPlan): Place {
  // A session is made of at least one message, and messages do not follow each other in circles.
  return places.filter(({ node }) => node.children.length === 0).reduce((a, b) => (lastOf(b) > lastOf(a) ? b : a))
}

function lastOf({ node }: Place): number {
  return node.ordinals.at(-1)!
}

function converted(session: SessionPlan, draft: LineDraft): Converted {
  return { session, line: lineOf(session.mint, draft) }
}

function isoOrNull(ms: number | undefined): string | null {
  return ms === undefined ? null : isoOf(ms)
}

function isSame(a: Json | undefined, b: Json | undefined): boolean {
  return a === b || (a !== undefined && b !== undefined && isSameJson(a, b))
}
