/**
 * Sets of lines for property tests, made by fast-check: conversations of several writers, and chaos that only the format holds
 * together. Everything is made of the drawn numbers alone, so that a failure is the same failure again.
 */
import * as fc from 'fast-check'
import type { InfoPatch, MessagePatch } from '../../src/event.ts'
import { timeOf } from '../../src/event-id.ts'
import { idFrom } from '../../src/id.ts'
import { setOwn, type Json, type JsonObject } from '../../src/json.ts'
import { BATCH, eventsOf, type InnerEvent, type Line } from '../../src/line.ts'
import type { Part } from '../../src/message.ts'
import { stamp, Tip, type MessageInput } from '../../src/stamp.ts'
import { ids, Replica } from './model.ts'

/** How often a property is tried, times a factor: FOLDLOG_ROUNDS, 200 if it is not set, 5,000 if it is `long`. */
export function rounds(factor = 1): { readonly numRuns: number } {
  const given = process.env['FOLDLOG_ROUNDS'] ?? '200'
  return { numRuns: Math.ceil((given === 'long' ? 5000 : Number(given)) * factor) }
}

const EPOCH = Date.UTC(2026, 10, 20)

/** The id of an event `ms` after the beginning of the world; `salt` tells writers of the same millisecond apart. */
export function eventId(ms: number, salt = 0): string {
  return idFrom(EPOCH + ms, new Uint8Array(10).fill(salt))
}

export function lineOf(events: readonly InnerEvent[], extra: Partial<Line> = {}): Line {
  const { id, type, data } = events[0]!
  const time = new Date(timeOf(id)).toISOString()
  const isOne = events.length === 1
  return { v: 1, id, type: isOne ? type : BATCH, time, data: isOne ? data : (events as unknown as Json), ...extra }
}

/** One line with one event. */
export function line(id: string, type: string, data: Json, extra: Partial<Line> = {}): Line {
  return lineOf([{ id, type, data }], extra)
}

/** The same line, as it would be read once more. */
export function copy<T>(value: T): T {
  return JSON.parse(JSON.stringify(value)) as T
}

/** All lines (or whatever else) and some of them again, as copies, in an order that the seeds decide. Without seeds: as they are. */
export function deliver<T>(lines: readonly T[], seeds: readonly number[]): T[] {
  if (lines.length === 0 || seeds.length === 0) return [...lines]
  const out = [...lines, ...seeds.slice(0, 8).map((seed) => copy(lines[seed % lines.length]!))]
  for (let i = out.length - 1; i > 0; i--) {
    const j = seeds[i % seeds.length]! % (i + 1)
    ;[out[i], out[j]] = [out[j]!, out[i]!]
  }
  return out
}

export const seeds: fc.Arbitrary<readonly number[]> = fc.array(fc.nat(), { maxLength: 40 })

/** A writer with a clock and a replica of its own, who stamps as a session does. */
export class Writer {
  readonly replica: Replica = new Replica()
  readonly written: Line[] = []
  readonly #salt: number
  #turnId: string | undefined
  #last = 0

  constructor(salt: number) {
    this.#salt = salt
  }

  /** Takes in what others wrote. */
  hear(lines: Iterable<Line>): void {
    for (const each of lines) {
      this.replica.add(copy(each))
      for (const { id } of eventsOf(each)) this.#last = Math.max(this.#last, timeOf(id) - EPOCH)
    }
  }

  /** Adds messages as one line and returns their ids. `now` is what the wall clock says. */
  add(now: number, inputs: readonly MessageInput[], key?: string): string[] {
    const { fold } = this.replica
    const tip = new Tip(fold)
    const events = inputs.map((input): InnerEvent => {
      const id = this.#next(now)
      const { data, opensTurn } = stamp(input, id, fold, tip, this.#turnId)
      if (opensTurn) this.#turnId = data.turnId
      return { id, type: 'message.created', data: data as unknown as Json }
    })
    this.#write(lineOf(events, key === undefined ? {} : { key }))
    return events.map(({ data }) => (data as JsonObject)['id'] as string)
  }

  set(now: number, patch: InfoPatch): void {
    this.append(now, 'session.updated', patch as unknown as Json)
    if (patch.head !== undefined) this.#turnId = undefined
  }

  append(now: number, type: string, data: Json): void {
    this.#write(line(this.#next(now), type, data))
  }

  /** The ids of the messages this writer sees. */
  path(): string[] {
    const { fold } = this.replica
    return ids(fold.path(fold.tree.active))
  }

  #next(now: number): string {
    this.#last = Math.max(this.#last + 1, now)
    return eventId(this.#last, this.#salt)
  }

  #write(written: Line): void {
    this.written.push(written)
    this.replica.add(copy(written))
  }
}

// Conversations

/** What adds something, and what changes or goes back to a message that is there. */
const ADDING = ['ask', 'answer', 'call', 'result', 'exchange', 'keyed', 'info', 'custom', 'clear'] as const
const CHANGING = ['branch', 'undo', 'update', 'upsert', 'part', 'remove'] as const
type Adding = (typeof ADDING)[number]
type Changing = (typeof CHANGING)[number]

interface Action {
  readonly kind: Adding | Changing | 'sync'
  readonly writer: number
  readonly pick: number
  /** By how much the writer's clock is off from now on. */
  readonly jump: number
}

const action: fc.Arbitrary<Action> = fc.record({
  kind: fc.oneof(
    { weight: 3, arbitrary: fc.constantFrom(...ADDING) },
    { weight: 2, arbitrary: fc.constantFrom(...CHANGING) },
    { weight: 2, arbitrary: fc.constant('sync') },
  ),
  writer: fc.nat(2),
  pick: fc.nat(100),
  jump: fc.constantFrom(0, 0, 0, 30, -30),
})

/** What three writers made together, each with its own clock, hearing of each other now and then. */
export const conversations: fc.Arbitrary<readonly Line[]> = fc
  .array(action, { maxLength: 40 })
  .map((actions) => play(actions).flatMap(({ written }) => written))

const LINEAR = new Set<Action['kind']>(['sync', 'ask', 'answer', 'call', 'result', 'exchange', 'custom', 'info'])

/** As {@link conversations}, but nobody goes back. */
export const linearConversations: fc.Arbitrary<readonly Line[]> = fc
  .array(action, { maxLength: 40 })
  .map((actions) => play(actions.filter(({ kind }) => LINEAR.has(kind))).flatMap(({ written }) => written))

/** The writers after they did what they were told. */
function play(actions: readonly Action[]): readonly Writer[] {
  const writers = [new Writer(1), new Writer(2), new Writer(3)]
  writers[0]!.append(0, 'session.created', { title: 'a talk', vars: { a: 1 } })
  for (const writer of writers.slice(1)) writer.hear(writers[0]!.written)
  const skews = [0, 0, 0]
  for (const [index, { kind, writer, pick, jump }] of actions.entries()) {
    const skew = skews[writer]! + jump
    skews[writer] = skew
    const now = Math.max(0, (index + 1) * 10 + skew)
    if (kind === 'sync') for (const other of writers) writers[writer]!.hear(other.written)
    else if (isChanging(kind)) change(writers[writer]!, kind, pick, now)
    else act(writers[writer]!, kind, pick, now)
  }
  return writers
}

function isChanging(kind: string): kind is Changing {
  return (CHANGING as readonly string[]).includes(kind)
}

function act(writer: Writer, kind: Adding, pick: number, now: number): void {
  const call = { type: 'tool-call', callId: `c${pick % 3}`, name: 'look', input: {} } as const
  const result = { type: 'tool-result', callId: `c${pick % 3}`, name: 'look', output: pick } as const
  const usage = { inputTokens: pick, costUsd: pick / 7 }
  switch (kind) {
    case 'ask':
      return void writer.add(now, [{ text: `question ${now}` }])
    case 'answer':
      return void writer.add(now, [{ role: 'assistant', text: `answer ${now}`, usage }])
    case 'call':
      return void writer.add(now, [
        { role: 'assistant', parts: [call], status: pick % 5 === 0 ? 'failed' : 'completed' },
      ])
    case 'result':
      return void writer.add(now, [{ role: 'tool', parts: [result] }])
    case 'exchange':
      return void writer.add(now, [
        { text: `question ${now}` },
        { role: 'assistant', parts: [call] },
        { role: 'tool', parts: [result] },
      ])
    case 'keyed':
      return void writer.add(now, [{ text: `once ${now}` }], `key${pick % 3}`)
    case 'custom':
      return writer.append(now, 'todo.added', { pick })
    case 'clear':
      return writer.set(now, pick % 2 === 0 ? { vars: null, archived: true } : { head: null })
    case 'info':
      return writer.set(now, { vars: { [`v${pick % 3}`]: pick % 4 === 0 ? null : pick }, title: `title ${pick}` })
  }
}

function change(writer: Writer, kind: Changing, pick: number, now: number): void {
  const { fold } = writer.replica
  const all = ids(fold.all())
  if (all.length === 0) return
  const id = all[pick % all.length]!
  const parentId = fold.tree.parent(fold.node(id)!)?.id ?? null
  const role = fold.message(id)!.role
  const patch: MessagePatch = pick % 2 === 0 ? { model: `model ${pick}` } : { status: 'in_progress', model: null }
  switch (kind) {
    case 'branch':
      return void writer.add(now, [{ role, parentId, text: `another ${now}` }])
    case 'undo':
      return writer.set(now, { head: id })
    case 'update':
      return writer.append(now, 'message.updated', { id, ...patch } as unknown as Json)
    case 'upsert':
      return void writer.add(now, [{ id, text: `again ${now}` }])
    case 'part': {
      const part = pick % 3 === 0 ? null : { id: 'p1', type: 'text', text: `part ${now}` }
      return writer.append(now, 'part.updated', { messageId: id, partId: 'p1', part })
    }
    case 'remove':
      return writer.append(now, 'message.deleted', { ids: [id] })
  }
}

// Chaos

const MESSAGES = ['m0', 'm1', 'm2', 'm3', 'm4', 'm5', 'm6', 'm7', '__proto__', 'constructor'] as const
const CALLS = ['c0', 'c1', 'c2'] as const
const messageId = fc.constantFrom(...MESSAGES)
const anyId = fc.oneof({ weight: 9, arbitrary: messageId }, { weight: 1, arbitrary: fc.constant('nobody') })
const optional = <T>(arbitrary: fc.Arbitrary<T>, freq = 2): fc.Arbitrary<T | undefined> =>
  fc.option(arbitrary, { nil: undefined, freq })
const status = fc.constantFrom('pending', 'in_progress', 'completed', 'incomplete', 'failed', 'cancelled')
const role = fc.constantFrom('system', 'user', 'user', 'assistant', 'tool')

const keyed: fc.Arbitrary<JsonObject> = fc
  .array(fc.tuple(fc.constantFrom('a', 'b', '__proto__', 'constructor'), fc.constantFrom<Json>(null, 1, 'x', [])))
  .map((pairs) => {
    const out = {}
    for (const [key, value] of pairs) setOwn(out, key, value)
    return out
  })

const part = (id: string): fc.Arbitrary<Part> =>
  fc.oneof(
    fc.constantFrom('', ' hello ', 'bye').map((text) => ({ id, type: 'text', text }) as const),
    fc.constantFrom(...CALLS).map((callId) => ({ id, type: 'tool-call', callId, name: 'look', input: {} }) as const),
    fc.constantFrom(...CALLS).map((callId) => ({ id, type: 'tool-result', callId, name: 'look' }) as const),
    fc.constant({ id, type: 'hologram', beams: 3 } as unknown as Part),
  )
const parts = fc.uniqueArray(fc.constantFrom('p0', 'p1', 'p2')).chain((all) => fc.tuple(...all.map(part)))

const usage = fc.record({
  inputTokens: optional(fc.nat(1000)),
  totalTokens: optional(fc.nat(1000)),
  costUsd: optional(fc.double({ min: 0, max: 5, noNaN: true })),
})

const created = fc.record({
  id: messageId,
  turnId: fc.nat(9).map((n) => `t${n}`),
  parentId: optional(fc.option(anyId, { freq: 6 }), 1),
  after: optional(anyId, 1),
  role,
  status,
  parts,
  model: optional(fc.constantFrom('m', 'n')),
  audience: optional(fc.constantFrom('user', 'model'), 1),
  usage: optional(usage),
  extra: optional(fc.constantFrom(null, 1), 1),
})
const updated = fc.record({
  id: messageId,
  role: optional(role, 1),
  status: optional(status),
  model: optional(fc.constantFrom('m', null)),
  audience: optional(fc.constantFrom('model', null), 1),
  usage: optional(fc.option(usage)),
  turnId: optional(fc.constant('elsewhere'), 1),
  extra: optional(fc.constantFrom(null, 2), 1),
})
const partUpdated = fc
  .tuple(messageId, fc.constantFrom('p0', 'p1', 'p2'), fc.boolean())
  .chain(([id, partId, isRemoval]) =>
    (isRemoval ? fc.constant(null) : part(partId)).map((value) => ({ messageId: id, partId, part: value })),
  )
const info = fc.record({
  title: optional(fc.constantFrom('a title', 'another', null)),
  labels: optional(fc.constantFrom(['x'], null), 1),
  vars: optional(fc.option(keyed, { freq: 4 })),
  metadata: optional(fc.option(keyed, { freq: 4 })),
  archived: optional(fc.constantFrom(true, false, null), 1),
  unheardOf: optional(fc.constant(1), 1),
})
const head = fc.record({ head: fc.option(anyId, { freq: 6 }) })
const unsupported = fc.constantFrom<readonly [string, Json]>(
  ['message.created', { id: 'm0' }],
  ['message.updated', { id: 'm1', parts: [] }],
  ['message.updated', { id: 'm1', status: null }],
  ['message.deleted', { ids: 'm0' }],
  ['session.updated', { vars: [] }],
  ['part.updated', { messageId: 'm0', partId: 'p0' }],
  ['turn.exploded', {}],
  ['undotted', {}],
)

function typed(type: string, data: fc.Arbitrary<object>): fc.Arbitrary<readonly [string, Json]> {
  return data.map((value) => [type, copy(value) as Json] as const)
}

const content: fc.Arbitrary<readonly [string, Json]> = fc.oneof(
  { weight: 10, arbitrary: typed('message.created', created) },
  { weight: 3, arbitrary: typed('message.updated', updated) },
  { weight: 3, arbitrary: typed('part.updated', partUpdated) },
  { weight: 2, arbitrary: typed('session.updated', head) },
  { weight: 2, arbitrary: typed('session.updated', info) },
  { weight: 1, arbitrary: typed('session.created', fc.oneof(info, info, head)) },
  { weight: 2, arbitrary: fc.array(anyId, { maxLength: 3 }).map((all) => ['message.deleted', { ids: all }] as const) },
  { weight: 1, arbitrary: fc.constant(['todo.added', { text: 'x' }] as const) },
  { weight: 1, arbitrary: unsupported },
)

const chaoticLine: fc.Arbitrary<Line> = fc
  .record({
    ms: fc.nat(120),
    salt: fc.nat(1),
    contents: fc.oneof(
      { weight: 5, arbitrary: fc.tuple(content) },
      { weight: 1, arbitrary: fc.array(content, { minLength: 2, maxLength: 4 }) },
    ),
    key: optional(fc.constantFrom('k0', 'k1', 'k2'), 6),
    redacted: fc.constantFrom(undefined, undefined, undefined, undefined, true as const),
    redactedAt: fc.nat(4),
    v: fc.constantFrom(1, 1, 1, 1, 1, 1, 1, 2),
  })
  .map(({ ms, salt, contents, key, redacted, redactedAt, v }) => {
    const events = contents.map(([type, data], index): InnerEvent => {
      const event = { id: eventId(ms + index, salt), type, data }
      return redacted === true && contents.length > 1 && index === redactedAt ? { ...event, redacted } : event
    })
    return lineOf(events, {
      v,
      ...(key === undefined ? {} : { key }),
      ...(redacted === undefined ? {} : { redacted }),
    })
  })

/** Lines that few writers would write: everything names everything, ids and keys are used twice, batches overlap. */
export const chaos: fc.Arbitrary<readonly Line[]> = fc.array(chaoticLine, { maxLength: 30 })

/** As {@link chaos}, but each event id is there once. */
export const orderlyChaos: fc.Arbitrary<readonly Line[]> = fc
  .array(content, { maxLength: 30 })
  .map((contents) => contents.map(([type, data], index) => line(eventId(index, index % 2), type, data)))

export const lineSets: fc.Arbitrary<readonly Line[]> = fc.oneof(conversations, chaos, orderlyChaos)

/** Every message id and every call id that lines name, to ask for. */
export function namesIn(lines: readonly Line[]): {
  readonly messages: readonly string[]
  readonly calls: readonly string[]
} {
  const events = lines.flatMap(eventsOf)
  const named = events.flatMap(({ data }) => (data as JsonObject)?.['id'] ?? [])
  return { messages: [...MESSAGES, ...named.filter((id) => typeof id === 'string')], calls: CALLS }
}
