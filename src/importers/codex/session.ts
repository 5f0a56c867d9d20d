/**
 * The records of a rollout, one by one → the lines of its session. Everything follows from what came before.
 *
 *  - Items of the model that follow each other are one message, as they come from one step; the results of its calls are the next.
 *    Every message of the user, of Codex in the user's name, and of the developer is one by itself.
 *  - A step's `token_count` is the usage of its message. It stands before the items (0.39) or after them (0.104).
 *  - A compaction is a message with the history that takes the place of what came before.
 */
import type { JsonObject } from '../../json.ts'
import type { CompactionPart, Message, Part, Role, Usage } from '../../message.ts'
import { asObject, countField, objectField, textField } from '../fields.ts'
import { isArray } from '../../json.ts'
import { asJson } from '../lines.ts'
import { digest } from '../mint.ts'
import { SessionFacts } from '../session-facts.ts'
import type { SessionWriter } from '../session-writer.ts'
import type { SourceFile } from '../source-file.ts'
import {
  DROPPED,
  IN_USAGE,
  MIRRORED,
  MIRRORS,
  NO_USAGE,
  OF_TURN,
  SAME_CONTEXT,
  SAME_USAGE,
  isInjected,
} from './events.ts'
import { convertItem, type Converted, type ItemContext } from './items.ts'
import { Mirrors } from './mirrors.ts'
import type { CodexRecord } from './record.ts'
import { plus, tokenCountOf } from './usage.ts'

/** A message that more can be added to. */
interface Open {
  readonly key: string
  readonly role: Role
}

export class CodexSession {
  readonly #file: SourceFile
  readonly #session: SessionWriter
  readonly #facts = new SessionFacts(
    'sessionIds',
    'forkedFrom',
    'cliVersions',
    'cwds',
    'modelProviders',
    'models',
    'turnIds',
  )
  readonly #mirrors = new Mirrors()
  readonly #toolNames = new Map<string, string>()
  /** The messages that made calls which started other agents, by the ids of the calls. */
  readonly #spawns = new Map<string, string>()
  /** What the prompts of the user came after. */
  readonly #prompts: (string | undefined)[] = []
  #open: Open | undefined
  #answer: { readonly key: string; usage: Usage | undefined } | undefined
  /** Of a step whose message is still to come. */
  #usage: Usage | undefined
  #total: JsonObject | undefined
  #context = ''
  #turns = 0
  #time: number
  #title: string | undefined
  #cwd: string | undefined
  #git: JsonObject | undefined
  #model: string | undefined
  #provider: string | undefined

  constructor(file: SourceFile, session: SessionWriter, time: number) {
    this.#file = file
    this.#session = session
    this.#time = time
  }

  /** Calls that started other agents: the agent's id, the message and the call. */
  readonly spawned: {
    readonly agentId: string
    readonly sessionId: string
    readonly messageId: string
    readonly callId: string
  }[] = []

  async add(record: CodexRecord, sizeBytes: number): Promise<void> {
    this.#facts.noteTime(record.stamp)
    this.#time = record.time ?? this.#time
    this.#session.saw(this.#time, sizeBytes)
    switch (record.kind) {
      case 'meta':
        return this.#meta(record)
      case 'context':
        return this.#turnContext(record)
      case 'item':
      case 'bare':
        return this.#item(record)
      case 'compacted':
        return this.#compacted(record)
      case 'event':
        return this.#event(record)
      case 'other':
        return this.#keep(record)
    }
  }

  /** Writes what is known at the end of the file. */
  async close(): Promise<void> {
    await this.#keepUnsaid()
    const { turnIds: _, ...facts } = this.#facts.metadata()
    const codex = {
      ...facts,
      turns: this.#turns + this.#facts.count('turnIds'),
      ...(this.#total === undefined ? {} : { totalUsage: this.#total }),
      ...(this.#usage === undefined ? {} : { unattributedUsage: asJson(this.#usage) }),
      ...(this.#git === undefined ? {} : { git: this.#git }),
    }
    await this.#session.close({
      ...(this.#title === undefined ? {} : { title: this.#title }),
      ...(this.#cwd === undefined ? {} : { cwd: this.#cwd }),
      ...(this.#model === undefined ? {} : { model: this.#model }),
      ...(this.#provider === undefined ? {} : { provider: this.#provider }),
      metadata: { codex },
    })
  }

  async #meta(record: CodexRecord): Promise<void> {
    const { payload } = record
    this.#facts.note('sessionIds', textField(payload, 'id'))
    this.#facts.note('forkedFrom', textField(payload, 'forked_from_id'))
    this.#facts.note('cliVersions', textField(payload, 'cli_version'))
    this.#facts.note('modelProviders', textField(payload, 'model_provider'))
    this.#noteCwd(payload)
    this.#provider ??= textField(payload, 'model_provider')
    this.#git ??= objectField(payload, 'git')
    await this.#keep(record)
  }

  async #turnContext(record: CodexRecord): Promise<void> {
    const { turn_id: turnId, ...settings } = record.payload
    if (typeof turnId === 'string') this.#facts.note('turnIds', turnId)
    else this.#turns++
    this.#model = textField(settings, 'model') ?? this.#model
    this.#facts.note('models', textField(settings, 'model'))
    this.#noteCwd(settings)
    const context = digest(JSON.stringify(settings))
    if (context === this.#context) return this.#file.ledger.drop(record.label, SAME_CONTEXT)
    this.#context = context
    await this.#keep(record)
  }

  #noteCwd(payload: JsonObject): void {
    const cwd = textField(payload, 'cwd')
    this.#facts.note('cwds', cwd)
    this.#cwd ??= cwd
  }

  async #item(record: CodexRecord): Promise<void> {
    const { payload, type, kind } = record
    const converted = await convertItem(payload, type, this.#itemContext(record.key))
    if (converted === undefined) return this.#keep(record)
    const { ledger } = this.#file
    for (const field of ['internal_chat_message_metadata_passthrough', 'metadata']) {
      if (payload[field] !== undefined) ledger.dropField(field, OF_TURN)
    }
    const parts = kind === 'bare' ? converted.parts.map(asLegacy) : converted.parts
    for (const mirror of this.#mirrors.say(textsOf(payload, parts))) ledger.drop(mirror.label, MIRRORED)
    const isPiece = type !== 'message' && type !== 'role' && type !== 'agent_message'
    const { role } = converted
    if (role === 'assistant' || (isPiece && role === 'tool')) return this.#piece(record, role, { ...converted, parts })
    await this.#whole(record, { ...converted, parts })
  }

  #itemContext(key: string): ItemContext {
    const { store, ledger } = this.#file
    const onDropped = (field: string): void => {
      if (field !== 'internal_chat_message_metadata_passthrough' && field !== 'metadata') {
        ledger.dropField(field, 'foldlog has no field for it')
      }
    }
    return { key, files: store, toolNames: this.#toolNames, onDropped }
  }

  /** An item of a step, or the result of a call: a piece of the message that is open. */
  async #piece(record: CodexRecord, role: Role, { parts, fields }: Converted): Promise<void> {
    const { key } = record
    const open = this.#open
    if (open?.role === role) {
      for (const part of parts) await this.#session.part(open.key, key, this.#time, part)
    } else {
      this.#open = { key, role }
      const usage = role === 'assistant' ? this.#usage : undefined
      if (role === 'assistant') {
        this.#answer = { key, usage }
        this.#usage = undefined
      }
      await this.#session.message({
        key,
        role,
        time: this.#time,
        ...sourceId(record),
        ...(role === 'assistant' ? this.#by() : {}),
        ...(usage === undefined ? {} : { usage }),
        ...fields,
        parts,
      })
    }
    const place = this.#session.messageId(this.#open!.key)!
    for (const part of parts) if (part.type === 'tool-call') this.#spawns.set(part.callId, place)
  }

  #by(): { readonly model?: string; readonly provider?: string } {
    return {
      ...(this.#model === undefined ? {} : { model: this.#model }),
      ...(this.#provider === undefined ? {} : { provider: this.#provider }),
    }
  }

  /** A message that is one by itself. */
  async #whole(record: CodexRecord, { role, parts, fields }: Converted): Promise<void> {
    this.#open = undefined
    const first = parts.find((part) => part.type === 'text')
    const isContext = role === 'user' && first !== undefined && isInjected(first.text)
    if (role === 'user' && !isContext) {
      await this.#keepUnsaid(textsOf(record.payload, parts))
      this.#prompts.push(this.#session.last)
    }
    await this.#session.message({
      key: record.key,
      role,
      time: this.#time,
      ...sourceId(record),
      ...fields,
      ...(isContext ? { audience: 'model', metadata: { ...fields.metadata, isContext } } : {}),
      parts,
    })
  }

  /** The history that takes the place of what came before; the summary, if the compaction was one. */
  async #compacted(record: CodexRecord): Promise<void> {
    const { payload, key } = record
    this.#open = undefined
    const history = payload['replacement_history']
    const items = history !== undefined && isArray(history) ? history : []
    const replacement: Message[] = []
    for (const [index, item] of items.entries())
      replacement.push(await this.#replacement(asObject(item) ?? {}, `${key}.${index}`))
    const { message, replacement_history: __, ...rest } = payload
    const part: CompactionPart = {
      id: key,
      type: 'compaction',
      text: typeof message === 'string' ? message : '',
      ...(history === undefined ? {} : { replacement }),
      ...(Object.keys(rest).length === 0 ? {} : { metadata: rest }),
    }
    await this.#session.message({ key, role: 'user', time: this.#time, parts: [part] })
  }

  async #replacement(item: JsonObject, key: string): Promise<Message> {
    const converted = await convertItem(item, textField(item, 'type') ?? 'message', this.#itemContext(key))
    const { role, parts, fields } = converted ?? {
      role: 'assistant',
      parts: [{ id: key, type: 'data', name: 'codex.item', data: item }],
      fields: {},
    }
    return {
      id: key,
      turnId: key,
      role,
      status: 'completed',
      ...fields,
      parts,
      time: { created: this.#time, updated: this.#time },
    }
  }

  async #event(record: CodexRecord): Promise<void> {
    const { type, payload, label } = record
    const { ledger } = this.#file
    const mirrored = MIRRORS.get(type)
    if (mirrored !== undefined) return this.#mirror(record, textField(payload, mirrored) ?? '')
    const reason = DROPPED.get(type)
    if (reason !== undefined) return ledger.drop(label, reason)
    if (type === 'token_count') return this.#tokens(record)
    if (type === 'thread_name_updated') this.#title = textField(payload, 'thread_name') ?? this.#title
    if (type === 'collab_agent_spawn_end') this.#noteSpawn(payload)
    if (type === 'turn_aborted') await this.#abort(record)
    if (type === 'thread_rolled_back') this.#rollBack(countField(payload, 'num_turns') ?? 0)
    if (type === 'turn_aborted' || type === 'task_complete' || type === 'turn_complete') await this.#keepUnsaid()
    if (payload['last_agent_message'] === undefined) return this.#keep(record)
    ledger.dropField('last_agent_message', MIRRORED)
    const { last_agent_message: _, ...rest } = payload
    await this.#keep({ ...record, payload: rest })
  }

  async #mirror(record: CodexRecord, text: string): Promise<void> {
    const hasImages = ['images', 'local_images'].some((name) => {
      const images = record.payload[name]
      return images !== undefined && isArray(images) && images.length > 0
    })
    if (this.#mirrors.isSaid(text, record)) {
      if (hasImages) this.#file.ledger.dropField('images', MIRRORED)
      this.#file.ledger.drop(record.label, MIRRORED)
    }
  }

  /** The usage of a step belongs to its message: the one that is there without one, else the next. */
  async #tokens(record: CodexRecord): Promise<void> {
    const { ledger } = this.#file
    const { total, step } = tokenCountOf(record.payload)
    if (total === undefined && step === undefined) {
      if (objectField(record.payload, 'info') !== undefined) return this.#keep(record)
      return ledger.drop(record.label, NO_USAGE)
    }
    const isSame =
      total !== undefined && this.#total !== undefined && JSON.stringify(total) === JSON.stringify(this.#total)
    this.#total = total ?? this.#total
    if (isSame) return ledger.drop(`repeat:${record.label}`, SAME_USAGE)
    if (step === undefined) return this.#keep(record)
    ledger.merge(record.label, IN_USAGE)
    if (record.payload['rate_limits'] !== undefined)
      ledger.dropField('rate_limits', 'limits of the account, not of the session')
    const answer = this.#answer
    if (this.#open?.role === 'assistant') this.#open = undefined
    if (answer === undefined || answer.usage !== undefined) this.#usage = plus(this.#usage, step)
    else {
      answer.usage = step
      await this.#session.update(answer.key, record.key, this.#time, { usage: step })
    }
  }

  /** A turn that was stopped leaves the answer as it was by then. */
  async #abort({ key, payload }: CodexRecord): Promise<void> {
    const last = this.#session.last
    if (last === undefined || last !== this.#answer?.key) return
    const reason = textField(payload, 'reason')
    await this.#session.update(last, key, this.#time, {
      status: 'cancelled',
      ...(reason === undefined ? {} : { statusMessage: reason }),
    })
  }

  /** The conversation goes on from before the last prompts. */
  #rollBack(turns: number): void {
    if (!Number.isInteger(turns) || turns <= 0 || this.#prompts.length === 0) return
    const [first] = this.#prompts.splice(Math.max(this.#prompts.length - turns, 0))
    this.#session.goOnFrom(first)
    this.#open = undefined
  }

  #noteSpawn(payload: JsonObject): void {
    const agentId = textField(payload, 'new_thread_id')
    const callId = textField(payload, 'call_id')
    const messageId = callId === undefined ? undefined : this.#spawns.get(callId)
    if (agentId !== undefined && callId !== undefined && messageId !== undefined)
      this.spawned.push({ agentId, sessionId: this.#session.id, messageId, callId })
  }

  /** Texts of the user interface that no item says are kept; those in `texts` are of the turn that begins. */
  async #keepUnsaid(texts: readonly string[] = []): Promise<void> {
    const left = this.#mirrors.clear()
    for (const record of left) await this.#keep(record)
    this.#mirrors.say(texts)
  }

  /** An event of the log beside the conversation. */
  async #keep({ kind, type, key, payload, time }: CodexRecord): Promise<void> {
    const name = kind === 'meta' ? 'session_meta' : kind === 'context' ? 'turn_context' : type
    await this.#session.event(name, key, time ?? this.#time, payload)
  }
}

/** The texts of an item, as the user interface may say them again. */
function textsOf(payload: JsonObject, parts: readonly Part[]): readonly string[] {
  const summary = payload['summary']
  if (summary !== undefined && isArray(summary))
    return summary.map((each) => textField(asObject(each) ?? {}, 'text') ?? '')
  return parts.flatMap((part) => (part.type === 'text' ? [part.text] : []))
}

function asLegacy(part: Part): Part {
  return { ...part, metadata: { ...part.metadata, isLegacy: true } }
}

function sourceId({ payload }: CodexRecord): { readonly sourceId?: string } {
  const id = textField(payload, 'id')
  return id === undefined ? {} : { sourceId: id }
}
