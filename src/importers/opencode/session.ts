/**
 * Writes one session of opencode, however it lies on the disk.
 *
 * opencode keeps how a session is now, and changes what it has written: an answer grows, a tool call ends, a question gets a
 * title. So a question is one line, written when it was put, and an answer two: one when it began, and one when it ended, with
 * all there is of it. Another import of a session that went on adds the newer states and changes nothing.
 *
 * Messages follow each other in the order of their ids, which is opencode's. What was undone (`revert`) stays, off the path.
 */
import { canonicalJson, type JsonObject } from '../../json.ts'
import { msField, objectField, restOf, textField } from '../fields.ts'
import { digest } from '../mint.ts'
import type { Run } from '../run.ts'
import type { SessionWriter } from '../session-writer.ts'
import type { SourceFile } from '../source-file.ts'
import { completedMs, createdMs, fieldsOf, isSummary, roleOf, summaryPart } from './message.ts'
import { FORMAT, partsOf } from './parts.ts'

/** A message as opencode has it. */
export interface StoredMessage {
  readonly info: JsonObject
  readonly parts: readonly JsonObject[]
  /** About how much memory it holds. */
  readonly sizeBytes: number
}

/** A session, and how to read its messages one at a time. */
export interface StoredSession {
  readonly sessionId: string
  /** Undefined where nothing says what the session is. */
  readonly info: JsonObject | undefined
  /** Whether what it is made of is counted already. */
  readonly isCounted?: boolean
  /** Whether it was deleted. */
  readonly isDeleted?: boolean
  /** Distinct, in the order of their ids. */
  readonly messageIds: readonly string[]
  /** A message; undefined if it cannot be read. Whoever reads tells it. */
  load(messageId: string): Promise<StoredMessage | undefined>
}

/** Fields of a session that are said otherwise; the others are kept in `metadata.opencode`. */
const KNOWN: ReadonlySet<string> = new Set(['id', 'title', 'directory'])

/** The ids in opencode's order. */
export function inOrder(ids: Iterable<string>): readonly string[] {
  return [...new Set(ids)].sort()
}

/** Writes the session into the store; its parent and children find each other by the family of the run. */
export async function writeSession(file: SourceFile, stored: StoredSession, run: Run): Promise<void> {
  const { sessionId, info } = stored
  const session = await file.session({ identity: [sessionId], sourceId: sessionId, time: await beganMs(stored) })
  run.family.offer(`${FORMAT} session ${sessionId}`, { sessionId: session.id })
  const messages = new Messages(file, stored, session, run)
  for (const messageId of stored.messageIds) {
    const message = await stored.load(messageId)
    if (message !== undefined) await messages.write(messageId, message)
  }
  goBack(session, stored)
  const updated = msField(objectField(info ?? {}, 'time') ?? {}, 'updated')
  if (updated !== undefined) session.saw(updated)
  await session.close({ ...infoOf(stored), ...messages.model })
  const parentId = textField(info ?? {}, 'parentID')
  if (parentId === undefined) return
  run.family.add({
    ...session.child(),
    ways: [`${FORMAT} call ${sessionId}`, `${FORMAT} session ${parentId}`],
  })
}

/** When the session began: part of its id. */
async function beganMs(stored: StoredSession): Promise<number> {
  const { info, messageIds } = stored
  const created = msField(objectField(info ?? {}, 'time') ?? {}, 'created')
  if (created !== undefined) return created
  for (const messageId of messageIds) {
    const message = await stored.load(messageId)
    const time = message === undefined ? undefined : createdMs(message.info)
    if (time !== undefined) return time
  }
  return 0
}

/** A session that was undone to a message ends before it; to a part of one, with it. */
function goBack(session: SessionWriter, { info, messageIds }: StoredSession): void {
  const revert = objectField(info ?? {}, 'revert')
  const messageId = textField(revert ?? {}, 'messageID')
  if (revert === undefined || messageId === undefined) return
  const isKept = (id: string): boolean => (textField(revert, 'partID') === undefined ? id < messageId : id <= messageId)
  session.goOnFrom(messageIds.findLast((id) => isKept(id) && session.has(id)))
}

/** What is known of the session as a whole. */
function infoOf({ info, isDeleted }: StoredSession): JsonObject {
  if (info === undefined) return isDeleted === true ? { archived: true } : {}
  const title = textField(info, 'title')
  const cwd = textField(info, 'directory')
  const isArchived = isDeleted === true || msField(objectField(info, 'time') ?? {}, 'archived') !== undefined
  return {
    ...(title === undefined ? {} : { title }),
    ...(cwd === undefined ? {} : { cwd }),
    ...(isArchived ? { archived: true } : {}),
    metadata: { [FORMAT]: { ...restOf(info, KNOWN), ...(isDeleted === true ? { deleted: true } : {}) } },
  }
}

/** Writes the messages of one session, in their order. */
class Messages {
  readonly #file: SourceFile
  readonly #session: SessionWriter
  readonly #run: Run
  readonly #ids: ReadonlySet<string>
  readonly #isCounted: boolean
  /** Of questions that ask for a compaction: the first message that is kept besides its summary, if one is. */
  readonly #kept = new Map<string, string | null>()
  #question: string | undefined
  #time = 0
  #model: { readonly model?: string; readonly provider?: string } = {}

  constructor(file: SourceFile, { messageIds, isCounted = false }: StoredSession, session: SessionWriter, run: Run) {
    this.#file = file
    this.#session = session
    this.#run = run
    this.#ids = new Set(messageIds)
    this.#isCounted = isCounted
  }

  /** The model of the last answer. */
  get model(): { readonly model?: string; readonly provider?: string } {
    return this.#model
  }

  async write(id: string, { info, parts: values, sizeBytes }: StoredMessage): Promise<void> {
    const { ledger, store: files } = this.#file
    const role = roleOf(info)
    const time = createdMs(info) ?? this.#time
    this.#time = time
    if (!this.#isCounted) {
      ledger.count(`message:${role}`)
      for (const value of values) ledger.count(`part:${textField(value, 'type') ?? '(none)'}`)
    }
    const onDropped = (name: string, reason: string): void => ledger.dropField(name, reason)
    const { parts, lastMs = 0 } = await partsOf(values, { files, summary: this.#summary(info), onDropped })
    const draft = { key: id, role, parts, ...fieldsOf(info, values, this.#originalParent(info)) }
    this.#session.saw(time, sizeBytes)
    if (role === 'user') {
      this.#ask(id, values)
      await this.#session.message({ ...draft, time, isSnapshot: true })
      const summary = summaryPart(info, onDropped)
      if (summary === undefined) return
      const key = `${id} summary ${digest(canonicalJson(summary as unknown as JsonObject))}`
      return this.#session.part(id, key, time, summary)
    }
    await this.#session.message({ key: id, role, time, status: 'incomplete', parts: [] })
    const end = Math.max(completedMs(info) ?? time, lastMs)
    this.#session.saw(end)
    await this.#session.restate({ ...draft, time: end })
    const { model, provider } = draft
    if (model !== undefined) this.#model = { model, ...(provider === undefined ? {} : { provider }) }
    this.#offerCalls(id, values)
  }

  #ask(id: string, values: readonly JsonObject[]): void {
    this.#question = id
    const compaction = values.find(({ type }) => type === 'compaction')
    if (compaction !== undefined) this.#kept.set(id, textField(compaction, 'tail_start_id') ?? null)
  }

  #summary(info: JsonObject): { readonly from: string | null } | undefined {
    if (roleOf(info) === 'user' || !isSummary(info)) return undefined
    const tail = this.#kept.get(textField(info, 'parentID') ?? '')
    return { from: (typeof tail === 'string' ? this.#session.messageId(tail) : undefined) ?? null }
  }

  /** The question that an answer names, where that is another than the one it follows. */
  #originalParent(info: JsonObject): string | undefined {
    const parentId = roleOf(info) === 'user' ? undefined : textField(info, 'parentID')
    return parentId === this.#question && parentId !== undefined && this.#ids.has(parentId) ? undefined : parentId
  }

  /** The sub-sessions that calls of an answer began. */
  #offerCalls(id: string, values: readonly JsonObject[]): void {
    const messageId = this.#session.messageId(id)
    for (const value of values) {
      const child = textField(objectField(objectField(value, 'state') ?? {}, 'metadata') ?? {}, 'sessionId')
      const callId = textField(value, 'callID')
      if (value['type'] !== 'tool' || child === undefined || callId === undefined || messageId === undefined) continue
      this.#run.family.offer(`${FORMAT} call ${child}`, { sessionId: this.#session.id, messageId, callId })
    }
  }
}
