import { describe, expect, expectTypeOf, test } from 'vitest'
import schema from '../docs/schema/line.schema.json' with { type: 'json' }
import { isFoldlogError } from '../src/errors.ts'
import {
  assertData,
  isCoreEvent,
  isCustomType,
  isValidData,
  type CoreEvents,
  type CoreType,
  type InfoPatch,
  type MessageData,
  type MessagePatch,
} from '../src/event.ts'
import type { Json } from '../src/json.ts'
import type { Audience, ErrorInfo, Part, Role, SessionParent, Source, Status, Usage } from '../src/message.ts'
import { dataSchemas } from '../src/schemas.ts'

type Defs = (typeof schema)['$defs']
/** The fields that a schema knows. test/schema.test.ts sees to it that the file is what the code makes. */
type Fields<Name extends keyof Defs> = Defs[Name] extends { properties: infer P } ? keyof P : never
type PartOf<T extends Part['type']> = Extract<Part, { type: T }>
type Lease = NonNullable<MessageData['lease']>

test('types and schemas know the same fields: one that is forgotten on either side does not compile', () => {
  expectTypeOf<Fields<'infoPatch'>>().toEqualTypeOf<keyof InfoPatch>()
  expectTypeOf<Fields<'message'>>().toEqualTypeOf<keyof MessageData>()
  // `parts` is in the schema of a patch only to be refused.
  expectTypeOf<Exclude<Fields<'messagePatch'>, 'parts'>>().toEqualTypeOf<keyof MessagePatch | 'id'>()
  expectTypeOf<Fields<'usage'>>().toEqualTypeOf<keyof Usage>()
  expectTypeOf<Fields<'source'>>().toEqualTypeOf<keyof Source>()
  expectTypeOf<Fields<'errorInfo'>>().toEqualTypeOf<keyof ErrorInfo>()
  expectTypeOf<Fields<'parent'>>().toEqualTypeOf<keyof SessionParent>()
  expectTypeOf<Fields<'lease'>>().toEqualTypeOf<keyof Lease>()
  expectTypeOf<Fields<'part.text'>>().toEqualTypeOf<keyof PartOf<'text'>>()
  expectTypeOf<Fields<'part.reasoning'>>().toEqualTypeOf<keyof PartOf<'reasoning'>>()
  expectTypeOf<Fields<'part.file'>>().toEqualTypeOf<keyof PartOf<'file'>>()
  expectTypeOf<Fields<'part.tool-call'>>().toEqualTypeOf<keyof PartOf<'tool-call'>>()
  expectTypeOf<Fields<'part.tool-result'>>().toEqualTypeOf<keyof PartOf<'tool-result'>>()
  expectTypeOf<Fields<'part.data'>>().toEqualTypeOf<keyof PartOf<'data'>>()
  expectTypeOf<Fields<'part.compaction'>>().toEqualTypeOf<keyof PartOf<'compaction'>>()
  expectTypeOf<Extract<keyof Defs, `part.${string}`>>().toEqualTypeOf<`part.${Part['type']}`>()
  expect(Object.keys(dataSchemas).sort()).toEqual(Object.keys(EVENTS).sort())
})

/**
 * For each field of a type what it may hold (of the type, so that the compiler looks), and what it must not hold. `null` is
 * tried by itself: it has to be taken exactly where the type takes it.
 */
type Samples<T> = {
  readonly [K in keyof T]-?: {
    readonly good: readonly NonNullable<T[K]>[]
    readonly bad: readonly unknown[]
    readonly isRequired: undefined extends T[K] ? false : true
    readonly isNullable: null extends T[K] ? true : false
  }
}

const text = { good: ['x', ''], bad: [1, true, {}, []] } as const
const name = { good: ['x'], bad: ['', 1, {}] } as const
const count = { good: [0, 1.5], bad: [-1, '1', Infinity, Number.NaN] } as const
const object = { good: [{}, { a: [null] }], bad: [[], 'x', 1] } as const
const optional = { isRequired: false, isNullable: false } as const
const required = { isRequired: true, isNullable: false } as const
const nullable = { isRequired: false, isNullable: true } as const
// Whatever JSON holds is taken, `null` too, so there is nothing bad.
const anything = { good: [1, 'x', [], {}, false] as const, bad: [] }

const ROLES: { readonly [R in Role]: true } = { system: true, user: true, assistant: true, tool: true }
const STATUSES: { readonly [S in Status]: true } = {
  pending: true,
  in_progress: true,
  completed: true,
  incomplete: true,
  failed: true,
  cancelled: true,
}
type Approval = NonNullable<PartOf<'tool-call'>['approval']>
const APPROVALS: { readonly [A in Approval]: true } = { requested: true, approved: true, denied: true }
const AUDIENCES: { readonly [A in Audience]: true } = { user: true, model: true }
const role = { good: Object.keys(ROLES) as Role[], bad: ['', 'robot', 1] }
const status = { good: Object.keys(STATUSES) as Status[], bad: ['', 'done', 1] }
const audience = { good: Object.keys(AUDIENCES) as Audience[], bad: ['both', 1] }
const error = {
  good: [{ message: 'x' }, { message: '', code: 'c' }],
  bad: [{}, { message: 1 }, { message: 'x', code: 1 }, 'x'],
}
const source = {
  good: [{ format: 'f', id: 'i' }],
  bad: [{}, { format: 'f' }, { id: 'i' }, { format: 1, id: 'i' }, 'x'],
}
const lease = { good: [{ owner: 'o', until: 1 }], bad: [{}, { owner: 'o' }, { until: 1 }, { owner: 'o', until: 'x' }] }
const usage = { good: [{}, { inputTokens: 1, costUsd: 0.5 }], bad: [{ inputTokens: -1 }, { costUsd: '1' }, []] }

const INFO: Samples<InfoPatch> = {
  title: { ...text, ...nullable },
  project: { ...text, ...nullable },
  cwd: { ...text, ...nullable },
  model: { ...text, ...nullable },
  provider: { ...text, ...nullable },
  parent: {
    good: [{ sessionId: 's' }, { sessionId: 's', messageId: 'm', callId: 'c' }],
    bad: [{}, { sessionId: '' }, { sessionId: 's', messageId: 1 }, { sessionId: 's', callId: null }, 's'],
    ...nullable,
  },
  rootId: { ...name, ...nullable },
  vars: { ...object, ...nullable },
  metadata: { ...object, ...nullable },
  labels: { good: [[], ['a']], bad: ['a', [1], {}], ...nullable },
  source: { ...source, ...nullable },
  head: { ...name, ...nullable },
  archived: { good: [true, false], bad: [1, 'true'], ...nullable },
}
const MESSAGE: Samples<MessageData> = {
  id: { ...name, ...required },
  turnId: { ...name, ...required },
  parentId: { ...name, ...nullable },
  after: { ...name, ...optional },
  role: { ...role, ...required },
  status: { ...status, ...required },
  author: { ...text, ...optional },
  to: { ...text, ...optional },
  audience: { ...audience, ...optional },
  statusMessage: { ...text, ...optional },
  error: { ...error, ...optional },
  finishReason: { ...text, ...optional },
  lease: { ...lease, ...optional },
  model: { ...text, ...optional },
  provider: { ...text, ...optional },
  usage: { ...usage, ...optional },
  source: { ...source, ...optional },
  metadata: { ...object, ...optional },
  parts: {
    good: [[], [{ id: 'p', type: 'text', text: '' }], [{ id: 'h', type: 'hologram' } as unknown as Part]],
    bad: [
      {},
      ['x'],
      [{ type: 'text', text: '' }],
      [{ id: 'p', type: 'text' }],
      [{ id: 'p' }],
      [{ id: '', type: 'hologram' }],
    ],
    ...required,
  },
}
const PATCH: Samples<MessagePatch & { readonly id: string }> = {
  id: { ...name, ...required },
  role: { ...role, ...optional },
  status: { ...status, ...optional },
  author: { ...text, ...nullable },
  to: { ...text, ...nullable },
  audience: { ...audience, ...nullable },
  statusMessage: { ...text, ...nullable },
  error: { ...error, ...nullable },
  finishReason: { ...text, ...nullable },
  lease: { ...lease, ...nullable },
  model: { ...text, ...nullable },
  provider: { ...text, ...nullable },
  usage: { ...usage, ...nullable },
  source: { ...source, ...nullable },
  metadata: { ...object, ...nullable },
}
const base = {
  id: { ...name, ...required },
  status: { ...status, ...optional },
  statusMessage: { ...text, ...optional },
  author: { ...text, ...optional },
  scope: { good: ['turn'], bad: ['session', 1], ...optional },
  providerMetadata: { ...anything, isRequired: false, isNullable: true },
  metadata: { ...object, ...optional },
} as const
function type<T extends Part['type']>(value: T): { good: T[]; bad: unknown[]; isRequired: true; isNullable: false } {
  return { good: [value], bad: [], ...required }
}
const PARTS: { readonly [T in Part['type']]: Samples<PartOf<T>> } = {
  text: { ...base, type: type('text'), text: { ...text, ...required } },
  reasoning: {
    ...base,
    type: type('reasoning'),
    text: { ...text, ...required },
    signature: { ...text, ...optional },
    encrypted: { ...text, ...optional },
  },
  file: {
    ...base,
    type: type('file'),
    mediaType: { ...text, ...required },
    name: { ...text, ...optional },
    url: { ...text, ...optional },
    data: { ...text, ...optional },
    file: { ...text, ...optional },
    sizeBytes: { ...count, ...optional },
    width: { ...count, ...optional },
    height: { ...count, ...optional },
  },
  'tool-call': {
    ...base,
    type: type('tool-call'),
    callId: { ...name, ...required },
    name: { ...text, ...required },
    input: { ...anything, isRequired: true, isNullable: true },
    rawInput: { ...text, ...optional },
    approval: { good: Object.keys(APPROVALS) as Approval[], bad: ['maybe', true], ...optional },
  },
  'tool-result': {
    ...base,
    type: type('tool-result'),
    callId: { ...name, ...required },
    name: { ...text, ...required },
    title: { ...text, ...optional },
    output: { ...anything, isRequired: false, isNullable: true },
    content: {
      good: [
        [],
        [
          { id: 'p', type: 'text', text: '' },
          { id: 'f', type: 'file', mediaType: 'image/png' },
        ],
      ],
      bad: [{}, ['x'], [{ id: 'p', type: 'reasoning', text: '' }], [{ id: 'p', type: 'text' }]],
      ...optional,
    },
    error: { ...error, ...optional },
  },
  data: {
    ...base,
    type: type('data'),
    name: { ...text, ...required },
    data: { ...anything, isRequired: true, isNullable: true },
  },
  compaction: {
    ...base,
    type: type('compaction'),
    text: { ...text, ...required },
    from: { ...name, ...optional },
    keep: { good: [[], ['m']], bad: ['m', [''], [1]], ...optional },
    // What is in it is only looked at where it is used.
    replacement: { good: [[]], bad: [{}, ['m']], ...optional },
    tokensBefore: { ...count, ...optional },
  },
}
const USAGE: Samples<Usage> = {
  inputTokens: { ...count, ...optional },
  outputTokens: { ...count, ...optional },
  reasoningTokens: { ...count, ...optional },
  cachedInputTokens: { ...count, ...optional },
  cacheWriteTokens: { ...count, ...optional },
  totalTokens: { ...count, ...optional },
  costUsd: { ...count, ...optional },
}
const DELETED: Samples<CoreEvents['message.deleted']> = {
  ids: { good: [[], ['m']], bad: ['m', [''], [1], {}], ...required },
}
const PART_UPDATED: Samples<CoreEvents['part.updated']> = {
  messageId: { ...name, ...required },
  partId: { ...name, ...required },
  part: {
    good: [{ id: 'p', type: 'text', text: '' }],
    bad: [{}, 'p', { id: 'p', type: 'text' }],
    isRequired: true,
    isNullable: true,
  },
}
const EVENTS: { readonly [T in CoreType]: Samples<CoreEvents[T]> } = {
  'session.created': INFO,
  'session.updated': INFO,
  'message.created': MESSAGE,
  'message.updated': PATCH,
  'message.deleted': DELETED,
  'part.updated': PART_UPDATED,
}

interface Sample {
  readonly good: readonly unknown[]
  readonly bad: readonly unknown[]
  readonly isRequired: boolean
  readonly isNullable: boolean
}

/** Tries every field of a type on its own, in data that is good otherwise. */
function tryAll(samples: object, isValid: (data: object) => boolean): void {
  const fields = Object.entries(samples as { readonly [field: string]: Sample })
  const least = Object.fromEntries(
    fields.filter(([, each]) => each.isRequired).map(([field, each]) => [field, each.good[0]]),
  )
  expect(isValid(least)).toBe(true)
  expect(isValid({ ...least, unheardOf: { a: 1 } })).toBe(true)
  for (const [field, { good, bad, isRequired, isNullable }] of fields) {
    const verdicts = (values: readonly unknown[]): unknown[] =>
      values.map((value) => [field, value, isValid({ ...least, [field]: value })])
    expect(verdicts(good)).toEqual(good.map((value) => [field, value, true]))
    expect(verdicts(bad)).toEqual(bad.map((value) => [field, value, false]))
    expect(verdicts([null])).toEqual([[field, null, isNullable]])
    const { [field]: _, ...without } = least
    expect([field, isValid(without)]).toEqual([field, !isRequired])
  }
}

describe('schemas take exactly what the types say', () => {
  test.each(Object.entries(EVENTS))('in %s', (type, samples) => {
    tryAll(samples, (data) => isValidData(type, data as Json))
  })

  test.each(Object.entries(PARTS))('in a part of type %s', (_, samples) => {
    tryAll(samples, (part) => isValidData('part.updated', { messageId: 'm', partId: 'p', part } as unknown as Json))
  })

  test('in usage', () => {
    tryAll(USAGE, (given) => isValidData('message.updated', { id: 'm', usage: given } as unknown as Json))
  })

  test('parts are not changed by message.updated', () => {
    expect(isValidData('message.updated', { id: 'm', parts: [] })).toBe(false)
  })

  test('data that is no object at all is refused by every type', () => {
    for (const data of [null, 1, 'x', [], true] as Json[]) {
      for (const type of Object.keys(dataSchemas))
        expect([type, data, isValidData(type, data)]).toEqual([type, data, false])
    }
  })

  test('__proto__ in the data neither passes for a field nor spoils anything', () => {
    const hidden = JSON.parse('{"__proto__":{"ids":["m"]}}') as Json
    expect(isValidData('message.deleted', hidden)).toBe(false)
    expect(isValidData('message.deleted', JSON.parse('{"ids":["m"],"__proto__":1,"constructor":2}') as Json)).toBe(true)
    expect(isValidData('__proto__', 1)).toBe(true)
  })
})

describe('types of events', () => {
  test('six are core', () => {
    const core = Object.keys(EVENTS)
    expect(core).toHaveLength(6)
    expect(core.every((each) => isCoreEvent({ type: each }))).toBe(true)
    expect(
      ['session.deleted', 'log.batch', 'turn.started', '__proto__', ''].some((each) => isCoreEvent({ type: each })),
    ).toBe(false)
  })

  test('users have dotted names whose first word is not reserved', () => {
    for (const good of [
      'todo.added',
      'a.b',
      'my-app.step_1.done',
      'messages.x',
      'sessionx.y',
      'constructor.x',
      `a.${'b'.repeat(126)}`,
    ]) {
      expect([good, isCustomType(good)]).toEqual([good, true])
    }
    const reserved = ['session.x', 'message.created', 'part.x', 'turn.x', 'log.batch', 'store.x']
    const malformed = [
      '',
      'todo',
      '.x',
      'x.',
      'X.y',
      'a..b',
      'a b.c',
      'a.b\n',
      '__proto__.x',
      'a.é',
      `a.${'b'.repeat(127)}`,
    ]
    for (const bad of [...reserved, ...malformed]) expect([bad, isCustomType(bad)]).toEqual([bad, false])
  })

  test('the data of types that are not core is always good', () => {
    for (const data of [null, 1, {}] as Json[]) expect(isValidData('todo.added', data)).toBe(true)
  })
})

const thrown = (type: CoreType, data: unknown): unknown => {
  try {
    return assertData(type, data, 'it')
  } catch (caught) {
    return caught
  }
}

describe('assertData', () => {
  test('names the field that does not fit', () => {
    const good = { id: 'm', turnId: 't', role: 'user', status: 'completed', parts: [] }
    expect(thrown('message.created', good)).toBeUndefined()
    const bad = thrown('message.created', { ...good, usage: { inputTokens: -1 } })
    expect(isFoldlogError(bad, 'INVALID_EVENT')).toBe(true)
    expect(bad).toMatchObject({
      field: 'usage.inputTokens',
      message: expect.stringMatching(/^it: usage\.inputTokens: /),
    })
    expect(thrown('message.deleted', 5)).toMatchObject({ field: 'message.deleted' })
  })
})
