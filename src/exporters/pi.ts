/**
 * A session as a session file of pi, version 3: a header, then entries that name their parents, all branches included. The last entry is
 * where pi goes on.
 */
import { createHash } from 'node:crypto'
import { inlineMessage } from '../inline.ts'
import type { JsonObject } from '../json.ts'
import type { Message, SessionInfo } from '../message.ts'
import { ignore, lossAt, type Report } from '../messages/loss.ts'
import { NOTHING } from './contents.ts'
import { draftsOf, type Draft } from './pi-entries.ts'
import { treeOf, type Tree } from './strands.ts'
import type { Exportable, ExportOptions } from './view.ts'

const FORMAT = 'pi'
const ENTRY_ID = /^[0-9a-f]{8}$/

export interface PiOptions extends ExportOptions {
  /** Called once for each thing of the conversation that pi cannot hold, or holds in another way. */
  readonly report?: Report
}

/** The lines of the file, each with its line feed. Ids of entries come of those of the messages, so they are the same every time. */
export async function* exportPi(view: Exportable, options: PiOptions = {}): AsyncGenerator<string> {
  const { branch, files = NOTHING, report = ignore } = options
  const { info } = view
  const tree = await treeOf(view, branch)
  const writer = new Writer(tree, info, report)
  yield lineOf(headerOf(info))
  if (info.parent !== undefined)
    report({
      kind: 'dropped',
      what: 'field',
      reason: 'pi names the parent of a session by its file, which is not there',
    })
  for (const { messages } of tree.strands) {
    for (const message of messages) {
      for (const entry of writer.entries(await inlineMessage(message, files))) yield lineOf(entry)
    }
  }
  for (const entry of writer.end()) yield lineOf(entry)
}

function headerOf({ cwd, id, source, time }: SessionInfo): JsonObject {
  return {
    type: 'session',
    version: 3,
    // A session that came from pi goes back as the one it was.
    id: source?.format === FORMAT ? source.id : id,
    timestamp: new Date(time.created).toISOString(),
    cwd: cwd ?? '/',
  }
}

function lineOf(value: JsonObject): string {
  return `${JSON.stringify(value)}\n`
}

class Writer {
  readonly #tree: Tree
  readonly #info: SessionInfo
  readonly #report: Report
  readonly #used = new Set<string>()
  /** By message: its first and its last entry. */
  readonly #first = new Map<string, string>()
  readonly #last = new Map<string, string>()

  constructor(tree: Tree, info: SessionInfo, report: Report) {
    this.#tree = tree
    this.#info = info
    this.#report = report
  }

  *entries(message: Message): Generator<JsonObject> {
    let parentId = this.#lastOf(this.#tree.parent(message))
    const timestamp = new Date(message.time.created).toISOString()
    const { model, provider } = this.#info
    let index = 0
    for (const draft of draftsOf(message, { model, provider }, this.#report)) {
      const id = this.#idOf(message, index++)
      if (!this.#first.has(message.id)) this.#first.set(message.id, id)
      const { type, ...fields } = draft.fields
      yield { type, id, parentId, timestamp, ...fields, ...this.#kept(draft, id, message) }
      parentId = id
    }
    if (parentId !== null) this.#last.set(message.id, parentId)
  }

  /** pi goes on at the last entry of the file, so that has to hang below the head. */
  *end(): Generator<JsonObject> {
    const [conversation, ...others] = this.#tree.strands
    const parentId = this.#lastOf(conversation!.messages.at(-1))
    const timestamp = new Date(this.#info.time.updated).toISOString()
    const { id: sessionId, title } = this.#info
    const base = { id: this.#unused(`${sessionId}\0head`), parentId, timestamp }
    if (title !== undefined) yield { type: 'session_info', ...base, name: title }
    else if (others.length > 0) yield { type: 'custom', ...base, customType: 'foldlog.head' }
  }

  #lastOf(message: Message | undefined): string | null {
    return message === undefined ? null : (this.#last.get(message.id) ?? null)
  }

  #kept({ fields, keepFrom }: Draft, id: string, message: Message): JsonObject {
    if (fields.type !== 'compaction') return {}
    const kept = keepFrom === undefined ? undefined : this.#first.get(keepFrom)
    if (keepFrom !== undefined && kept === undefined)
      this.#report(lossAt('dropped', 'field', 'the first message that a summary keeps is not before it', message))
    // An entry that does not come before the summary: nothing is kept.
    return { firstKeptEntryId: kept ?? id }
  }

  #idOf({ id, source }: Message, index: number): string {
    const own = index === 0 && source?.format === FORMAT ? source.id : undefined
    if (own !== undefined && ENTRY_ID.test(own) && !this.#used.has(own)) {
      this.#used.add(own)
      return own
    }
    return this.#unused(`${id}\0${index}`)
  }

  #unused(key: string): string {
    for (let n = 0; ; n++) {
      const id = createHash('sha256')
        .update(n === 0 ? key : `${key}\0${n}`)
        .digest('hex')
        .slice(0, 8)
      if (this.#used.has(id)) continue
      this.#used.add(id)
      return id
    }
  }
}
