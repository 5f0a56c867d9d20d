import * as fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import type { z } from 'zod'
import { CHECKS } from '../src/check.ts'
import { dataSchemasOf } from '../src/data-schemas.ts'
import type { CoreEvents, CoreType } from '../src/event.ts'
import { setOwn } from '../src/json.ts'
import type { FilePart, Part, TextPart } from '../src/message.ts'
import { dataSchemas } from '../src/schemas.ts'
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

const checks = dataSchemasOf(CHECKS).data

describe('a check says what the zod schema of the same description says', () => {
  for (const [type, schema] of Object.entries(dataSchemas)) {
    const check = checks[type as CoreType]

    test(`of ${type}, for data that fits`, () => {
      for (const data of GOOD[type as CoreType]) {
        expect([data, schema.safeParse(data).success, check.fits(data)]).toEqual([data, true, true])
      }
    })

    test(`of ${type}, for data that was changed in places`, () => {
      const good = fc.constantFrom<unknown>(...GOOD[type as CoreType])
      fc.assert(
        fc.property(good, fc.array(change, { minLength: 1, maxLength: 3 }), (data, changes) => {
          const given = mutated(data, changes)
          const result = schema.safeParse(given)
          expect([given, check.fits(given)]).toEqual([given, result.success])
          if (!result.success) expect(placesOf(result.error.issues)).toContainEqual(check.misfit(given).path)
        }),
        rounds(5),
      )
    })

    test(`of ${type}, for whatever else`, () => {
      fc.assert(
        fc.property(value, (given) => check.fits(given) === schema.safeParse(given).success),
        rounds(),
      )
    })
  }
})

/** Where the first thing is that does not fit; where any of several schemas would do, that of each of them. */
function placesOf([issue]: readonly z.core.$ZodIssue[]): string[][] {
  const path = (issue?.path ?? []).map(String)
  if (issue?.code !== 'invalid_union' || issue.errors.length === 0) return [path]
  return issue.errors.flatMap((issues) => placesOf(issues).map((place) => [...path, ...place]))
}

test('what does not fit is told by what was expected', () => {
  const part = (given: object): unknown => ({ messageId: 'm', partId: 'p', part: { id: 'p', ...given } })
  const cases: readonly (readonly [type: CoreType, data: unknown, path: string, error: string])[] = [
    ['session.created', [], '', 'expected an object'],
    ['session.created', { title: 5 }, 'title', 'expected a string'],
    ['session.created', { rootId: '' }, 'rootId', 'expected a string that is not empty'],
    ['session.created', { archived: 'no' }, 'archived', 'expected true or false'],
    ['session.created', { vars: [] }, 'vars', 'expected an object'],
    ['session.created', { labels: 'x' }, 'labels', 'expected a list'],
    ['session.created', { labels: ['x', 5] }, 'labels.1', 'expected a string'],
    ['session.updated', { parent: {} }, 'parent.sessionId', 'expected a string that is not empty, and there is none'],
    ['message.updated', { id: 'm', role: 'me' }, 'role', 'expected one of "system", "user", "assistant", "tool"'],
    ['message.updated', { id: 'm', parts: [] }, 'parts', 'expected to be left out'],
    ['message.updated', { id: 'm', usage: { costUsd: -1 } }, 'usage.costUsd', 'expected a number that is not negative'],
    ['message.updated', { id: 'm', lease: { owner: 'o', until: 'x' } }, 'lease.until', 'expected a number'],
    ['part.updated', part({ type: 'text', text: 'x', scope: 'all' }), 'part.scope', 'expected "turn"'],
    ['part.updated', part({ type: 'data', name: 'x' }), 'part.data', 'expected a value, and there is none'],
    ['part.updated', { messageId: 'm', partId: 'p', part: 5 }, 'part', 'expected an object'],
    ['part.updated', { messageId: 'm', partId: 'p' }, 'part', 'expected an object, and there is none'],
    // Of a type that this version does not know.
    ['part.updated', part({ id: '', type: 'hologram' }), 'part.id', 'expected a string that is not empty'],
    ['part.updated', part({ type: 5 }), 'part.type', 'expected a string'],
    ['part.updated', part({}), 'part.type', 'expected a string, and there is none'],
    ['message.created', { ...message }, 'parts', 'expected a list, and there is none'],
  ]
  for (const [type, data, path, error] of cases) {
    const misfit = checks[type].misfit(data)
    expect([type, misfit.path.join('.'), misfit.error]).toEqual([type, path, error])
  }
  const inside = { id: 'p', type: 'tool-result', callId: 'c', name: 'n', content: [{ id: 'x', type: 'hologram' }] }
  expect(checks['part.updated'].misfit({ messageId: 'm', partId: 'p', part: inside })).toEqual({
    path: ['part', 'content', '0', 'type'],
    error: 'expected one of "text", "file"',
  })
})
