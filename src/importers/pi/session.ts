/**
 * The entries of a session, one by one → its lines. Everything follows from what came before.
 *
 * Reads no clock and no disk.
 */
import type { JsonObject } from '../../json.ts'
import type { CompactionPart, Part } from '../../message.ts'
import { asObject, countField, objectField, textField, timeField } from '../fields.ts'
import { digest } from '../mint.ts'
import { SessionFacts } from '../session-facts.ts'
import type { MessageFields, SessionWriter } from '../session-writer.ts'
import type { SourceFile } from '../source-file.ts'
import { convertMessage, customMessage, type Converted } from './messages.ts'
import { EntryTree } from './tree.ts'

const REPEATED = 'says again what an earlier entry with the same id says'
const COSTS = 'the cost of each kind of tokens; their sum is kept'

export class PiSession {
  readonly #file: SourceFile
  readonly #session: SessionWriter
  readonly #tree = new EntryTree()
  readonly #facts = new SessionFacts('models')
  /** Digests of entries, to tell repeats. */
  readonly #contents = new Map<string, string>()
  /** Of messages that have any: a change of it says all of it again. */
  readonly #metadata = new Map<string, JsonObject>()
  #time: number
  #header: JsonObject = {}
  #title: string | undefined
  #model: string | undefined
  #provider: string | undefined
  #thinkingLevel: string | undefined
  #duplicates = 0
  #isTree = true

  constructor(file: SourceFile, session: SessionWriter, time: number) {
    this.#file = file
    this.#session = session
    this.#time = time
  }

  async add(value: JsonObject, ordinal: number, sizeBytes: number): Promise<void> {
    const time = timeField(value, 'timestamp')
    this.#facts.noteTime(time)
    this.#time = time ?? this.#time
    this.#session.saw(this.#time, sizeBytes)
    const type = textField(value, 'type') ?? '(none)'
    this.#file.ledger.count(labelOf(value, type))
    if (type === 'session') return this.#addHeader(value, ordinal)
    const key = this.#keyOf(value, ordinal)
    if (key === undefined) return this.#file.ledger.drop(`repeat:${type}`, REPEATED)
    const { parentId } = value
    this.#tree.add(key, ordinal, typeof parentId === 'string' || parentId === null ? parentId : undefined)
    await this.#entry(type, key, value)
  }

  /** Writes what is known at the end of the file. */
  async close(): Promise<void> {
    if (this.#isTree) this.#file.add({ links: this.#tree.links(), duplicateUuids: this.#duplicates })
    const cwd = textField(this.#header, 'cwd')
    const parentSession = textField(this.#header, 'parentSession') ?? textField(this.#header, 'branchedFrom')
    const { version = 1 } = this.#header
    await this.#session.close(
      {
        ...(this.#title === undefined ? {} : { title: this.#title }),
        ...(cwd === undefined ? {} : { cwd }),
        ...(this.#model === undefined ? {} : { model: this.#model }),
        ...(this.#provider === undefined ? {} : { provider: this.#provider }),
        metadata: {
          pi: {
            version,
            ...this.#facts.metadata(),
            ...(this.#thinkingLevel === undefined ? {} : { thinkingLevel: this.#thinkingLevel }),
            ...(parentSession === undefined ? {} : { parentSession }),
          },
        },
      },
      this.#tree.leaf,
    )
  }

  /** A file has one header; others in it are kept as events. */
  async #addHeader(value: JsonObject, ordinal: number): Promise<void> {
    if (this.#header['type'] !== undefined) return this.#keep('session', `#${ordinal}`, value)
    this.#header = value
    this.#isTree = typeof value['version'] === 'number' && value['version'] > 1
    this.#model = textField(value, 'modelId')
    this.#provider = textField(value, 'provider')
    this.#thinkingLevel = textField(value, 'thinkingLevel')
    this.#tree.addHeader(ordinal)
  }

  /** What an entry is called here; undefined if it says again what an earlier one says. */
  #keyOf(value: JsonObject, ordinal: number): string | undefined {
    const id = textField(value, 'id')
    if (id === undefined) return `#${ordinal}`
    const content = digest(JSON.stringify(value))
    if (!this.#tree.has(id)) {
      this.#contents.set(id, content)
      return id
    }
    this.#duplicates++
    return this.#contents.get(id) === content ? undefined : `#${ordinal}`
  }

  async #entry(type: string, key: string, value: JsonObject): Promise<void> {
    switch (type) {
      case 'message':
        return this.#message(key, value)
      case 'custom_message':
        return this.#write(key, value, await customMessage(withoutEnvelope(value), this.#context(key)))
      case 'compaction':
        return this.#write(key, value, this.#compaction(key, value))
      case 'branch_summary':
        return this.#write(key, value, branchSummary(key, value))
      case 'label':
        await this.#label(key, value)
        return this.#keep(type, key, value)
      case 'context_edit':
        await this.#contextEdit(key, value)
        return this.#keep(type, key, value)
      default:
        this.#note(type, value)
        return this.#keep(type, key, value)
    }
  }

  #note(type: string, value: JsonObject): void {
    if (type === 'session_info') this.#title = textField(value, 'name') ?? this.#title
    else if (type === 'thinking_level_change') this.#thinkingLevel = textField(value, 'thinkingLevel')
    else if (type === 'model_change') {
      this.#model = textField(value, 'modelId') ?? this.#model
      this.#provider = textField(value, 'provider') ?? this.#provider
    }
  }

  async #message(key: string, value: JsonObject): Promise<void> {
    const message = objectField(value, 'message') ?? {}
    const converted = await convertMessage(message, this.#context(key))
    if (converted === undefined) return this.#keep('message', key, value)
    const { model, provider } = converted.fields
    if (converted.role === 'assistant') {
      this.#model = model ?? this.#model
      this.#provider = provider ?? this.#provider
      this.#facts.note('models', model === undefined ? undefined : `${provider ?? ''}/${model}`)
      const costs = Object.keys(objectField(objectField(message, 'usage') ?? {}, 'cost') ?? {})
      if (costs.some((name) => name !== 'total')) this.#file.ledger.dropField('usage.cost', COSTS)
    }
    await this.#write(key, value, converted)
  }

  /** A summary, and the first message that it leaves as it is. */
  #compaction(key: string, value: JsonObject): Converted {
    const index = value['firstKeptEntryIndex']
    const place = textField(value, 'firstKeptEntryId') ?? (typeof index === 'number' ? index : undefined)
    const first = place === undefined ? undefined : this.#tree.firstAt(place)
    const from = first === undefined ? undefined : this.#session.messageId(first)
    const tokensBefore = countField(value, 'tokensBefore')
    const { summary, tokensBefore: _, ...rest } = withoutEnvelope(value)
    const part: CompactionPart = {
      id: `${key}:0`,
      type: 'compaction',
      text: typeof summary === 'string' ? summary : '',
      ...(from === undefined ? {} : { from }),
      ...(tokensBefore === undefined ? {} : { tokensBefore }),
    }
    return { role: 'user', parts: [part], fields: { metadata: { pi: rest } } }
  }

  async #write(key: string, value: JsonObject, { role, parts, fields }: Converted): Promise<void> {
    const parentKey = this.#tree.above(key) ?? null
    const { parentId } = value
    const isDangling = typeof parentId === 'string' && !this.#tree.has(parentId)
    const metadata = { ...fields.metadata, ...(isDangling ? { originalParent: parentId } : {}) }
    const own: MessageFields = Object.keys(metadata).length === 0 ? fields : { ...fields, metadata }
    if (own.metadata !== undefined) this.#metadata.set(key, own.metadata)
    await this.#session.message({ key, parentKey, role, time: this.#time, ...own, parts })
    this.#tree.isMessage(key)
  }

  /** A name that the user gave a place of the conversation, or took back. */
  async #label(key: string, value: JsonObject): Promise<void> {
    const message = this.#tree.messageAt(textField(value, 'targetId') ?? '')
    if (message === undefined) return
    const { label: _, ...rest } = this.#metadata.get(message) ?? {}
    const label = textField(value, 'label')
    const metadata = label === undefined ? rest : { ...rest, label }
    this.#metadata.set(message, metadata)
    await this.#session.update(message, key, this.#time, { metadata })
  }

  /** What the model is not to see any more. What it is to see instead is kept as an event alone. */
  async #contextEdit(key: string, value: JsonObject): Promise<void> {
    const target = textField(value, 'targetId') ?? ''
    if (value['replacement'] !== null || !this.#session.has(target)) return
    await this.#session.update(target, key, this.#time, { audience: 'user' })
  }

  #context(key: string): { readonly key: string; readonly files: SourceFile['store'] } {
    return { key, files: this.#file.store }
  }

  async #keep(type: string, key: string, value: JsonObject): Promise<void> {
    const { type: _, timestamp: __, ...data } = value
    await this.#session.event(type, key, this.#time, data)
  }
}

function branchSummary(key: string, value: JsonObject): Converted {
  const { summary, ...rest } = withoutEnvelope(value)
  const part: Part = { id: `${key}:0`, type: 'text', text: typeof summary === 'string' ? summary : '' }
  return { role: 'user', parts: [part], fields: { metadata: { pi: rest } } }
}

/** What an entry says besides where it stands; its type tells what it was. */
function withoutEnvelope(value: JsonObject): JsonObject {
  const { id: _, parentId: __, timestamp: ___, ...rest } = value
  return rest
}

function labelOf(value: JsonObject, type: string): string {
  if (type !== 'message') return type
  return `message:${textField(asObject(value['message']) ?? {}, 'role') ?? '(none)'}`
}
