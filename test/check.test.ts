import * as fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { z } from 'zod'
import { checkOf, type Schema } from '../src/check.ts'
import { dataSchemas, type CoreEvents, type CoreType } from '../src/event.ts'
import { setOwn } from '../src/json.ts'
import type { FilePart, Part, TextPart } from '../src/message.ts'
import { rounds } from './support/events.ts'

const base = { status: 'failed', statusMessage: 's', author: 'a', scope: 'turn', providerMetadata: [1] } as const
const text: TextPart = { ...base, id: 'p', type: 'text', text: '', metadata: {} }
const file: FilePart = { id: 'f', type: 'file', mediaType: 'image/png', name: 'n', url: 'u', data: 'd', file: 'x' }
const parts: readonly Part[] = [
  text,
  { ...file, sizeBytes: 1, width: 2, height: 0.5 },
  { id: 'r', type: 'reasoning', text: 't', signature: 's', encrypted: 'e' },
  { id: 'c', type: 'tool-call', callId: '1', name: 'n', input: null, rawInput: '', approval: 'denied' },
  { id: 'o', type: 'tool-result', callId: '1', name: 'n', title: 't', output: {}, content: [text, file] },
  { id: 'e', type: 'tool-result', callId: '1', name: 'n', error: { message: 'm', code: 'c' } },
  { id: 'd', type: 'data', name: 'n', data: [{}] },
  { id: 'k', type: 'compaction', text: 't', from: 'm', keep: ['m'], replacement: [], tokensBefore: 3 },
  // One of a type that this version does not know.
  { id: 'u', type: 'hologram', depth: 3 } as unknown as Part,
]
const info = {
  title: 't',
  project: null,
  cwd: '',
  model: 'm',
  provider: 'p',
  parent: { sessionId: 's', messageId: 'm', callId: 'c' },
  rootId: 'r',
  vars: { a: 1 },
  metadata: {},
  labels: ['a', ''],
  source: { format: 'f', id: '' },
  head: null,
  archived: true,
}
const fields = {
  author: 'a',
  to: 't',
  audience: 'model',
  statusMessage: 's',
  error: { message: 'm', code: 'c' },
  finishReason: 'stop',
  lease: { owner: 'o', until: -1 },
  model: 'm',
  provider: 'p',
  usage: { inputTokens: 1, outputTokens: 0, reasoningTokens: 1, cachedInputTokens: 2, totalTokens: 3, costUsd: 0.5 },
  source: { format: 'f', id: 'i' },
  metadata: { a: [] },
} as const
const message = { id: 'm', turnId: 't', role: 'user', status: 'completed' } as const

/** Data that fits, with every field there is. */
const GOOD: { readonly [T in CoreType]: readonly CoreEvents[T][] } = {
  'session.created': [info, {}],
  'session.updated': [info, {}],
  'message.created': [
    { ...message, ...fields, parentId: null, after: 'a', parts },
    { ...message, parts: [] },
  ],
  'message.updated': [{ id: 'm', role: 'tool', status: 'pending', ...fields }, { id: 'm' }],
  'message.deleted': [{ ids: ['a', 'b'] }, { ids: [] }],
  'part.updated': [null, ...parts].map((part) => ({ messageId: 'm', partId: 'p', part })),
}

const value = fc.oneof(
  // What one field takes and another refuses.
  fc.constantFrom(
    '',
    'x',
    'user',
    'failed',
    'text',
    'file',
    'data',
    'turn',
    'model',
    'hologram',
    null,
    undefined,
    true,
  ),
  fc.constantFrom<unknown>(0, 1, -0, -1, 0.5, 1e300, Infinity, Number.NaN, [], {}, [''], [null], { id: 'p' }),
  fc.jsonValue({ maxDepth: 2 }),
)
const name = fc.constantFrom('id', 'type', 'parts', 'ids', 'status', 'unheardOf', '__proto__', 'constructor')
/** Where in the data something changes (by the choices on the way down), and how. */
const change = fc.record({
  way: fc.array(fc.nat(), { minLength: 1, maxLength: 4 }),
  how: fc.constantFrom<'set' | 'remove' | 'add'>('set', 'set', 'remove', 'add'),
  name,
  value,
})

function mutated(
  data: unknown,
  changes: readonly (typeof change extends fc.Arbitrary<infer C> ? C : never)[],
): unknown {
  const copy: unknown = structuredClone(data)
  for (const { way, how, name: added, value: to } of changes) {
    let at = copy as Record<string, unknown>
    for (const [depth, choice] of way.entries()) {
      const keys = Object.keys(at)
      const key = keys[choice % Math.max(1, keys.length)] ?? added
      // Not what `__proto__` inherits.
      const below = Object.hasOwn(at, key) ? at[key] : undefined
      if (depth < way.length - 1 && typeof below === 'object' && below !== null) at = below as Record<string, unknown>
      else {
        if (how === 'remove') delete at[key]
        else setOwn(at, how === 'add' && !Array.isArray(at) ? added : key, to)
        break
      }
    }
  }
  return copy
}

describe('a check says what its schema says', () => {
  for (const [type, schema] of Object.entries(dataSchemas)) {
    const check = checkOf(schema)

    test(`of ${type}, for data that fits`, () => {
      for (const data of GOOD[type as CoreType]) {
        expect([data, schema.safeParse(data).success, check(data)]).toEqual([data, true, true])
      }
    })

    test(`of ${type}, for data that was changed in places`, () => {
      const good = fc.constantFrom<unknown>(...GOOD[type as CoreType])
      fc.assert(
        fc.property(good, fc.array(change, { minLength: 1, maxLength: 3 }), (data, changes) => {
          const given = mutated(data, changes)
          expect([given, check(given)]).toEqual([given, schema.safeParse(given).success])
        }),
        rounds(5),
      )
    })

    test(`of ${type}, for whatever else`, () => {
      fc.assert(
        fc.property(value, (given) => check(given) === schema.safeParse(given).success),
        rounds(),
      )
    })
  }
})

interface Definition {
  readonly shape?: Readonly<Record<string, Schema>>
  readonly innerType?: Schema
  readonly element?: Schema
  readonly options?: readonly Schema[]
}

/** A schema and all below it. */
function schemasIn(schema: Schema): Schema[] {
  const { shape = {}, innerType = [], element = [], options = [] } = schema._zod.def as Definition
  return [schema, ...[...Object.values(shape), innerType, element, options].flat().flatMap(schemasIn)]
}

test('every part of the schemas is understood: nothing is left to zod', () => {
  for (const type of Object.keys(GOOD) as CoreType[]) {
    const all = schemasIn(dataSchemas[type])
    for (const schema of all) {
      const validate = (): never => expect.fail(`${type}: ${JSON.stringify(schema._zod.def)} is left to zod`)
      Object.defineProperty(schema, '~standard', { value: { validate }, configurable: true })
    }
    const check = checkOf(dataSchemas[type])
    expect(GOOD[type].filter((data) => !check(data))).toEqual([])
    for (const schema of all) Reflect.deleteProperty(schema, '~standard')
  }
})

test('what is not understood is left to zod', () => {
  const schemas = [
    z.looseObject({ at: z.iso.datetime() }),
    z.looseObject({ at: z.coerce.number() }),
    z.looseObject({ at: z.string().max(3) }),
    z.looseObject({ at: z.number().int().min(2) }),
    z.strictObject({ at: z.string() }),
    z.object({ at: z.string().trim().min(1) }),
    z.looseObject({ at: z.string() }).refine(({ more }) => more === undefined),
    z.looseObject({ at: z.string().default('x') }),
    z.xor([z.looseObject({ at: z.string() }), z.looseObject({ more: z.string() })]),
    z.array(z.looseObject({ at: z.string() })).min(1),
    z.record(z.string(), z.string()),
    z.discriminatedUnion('at', [z.looseObject({ at: z.enum(['x', '5']) }), z.looseObject({ at: z.literal('1') })]),
  ]
  const values = ['', ' ', 'x', '5', '2026-01-01T00:00:00Z', 'long', 1, 5, null, undefined].flatMap((at) => [
    { at },
    { at, more: 'x' },
    [{ at }],
  ])
  for (const schema of schemas) {
    const check = checkOf(schema)
    for (const given of [...values, {}, [], null, undefined, 'x']) {
      expect([given, check(given)]).toEqual([given, schema.safeParse(given).success])
    }
  }
})
