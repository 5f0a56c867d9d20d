/** Whatever a log holds converts to something that the APIs accept: the rules are in rules.ts, the messages in generate.ts. */
import * as fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { contextOf } from '../../src/context.ts'
import { memoryBackend, openStore, type MessageInput, type Part } from '../../src/index.ts'
import { PATIENT, rounds } from '../support/rounds.ts'
import { conversation, drawn, files } from './generate.ts'
import { TARGETS } from './targets.ts'

describe.each(Object.entries(TARGETS))('%s', (_, brokenBy) => {
  test(
    'any list of messages converts without a rule broken, raw and as context',
    () => {
      fc.assert(
        fc.property(conversation, fc.boolean(), (messages, hasFiles) => {
          const options = hasFiles ? { files } : {}
          expect(brokenBy(messages, options)).toEqual([])
          expect(brokenBy(contextOf(structuredClone(messages), { failed: true }), options)).toEqual([])
        }),
        { numRuns: rounds(5000) },
      )
    },
    PATIENT.timeout,
  )

  test('the input is not changed, and the same input gives the same output', () => {
    fc.assert(
      fc.property(conversation, (messages) => {
        const before = structuredClone(messages)
        brokenBy(messages)
        brokenBy(messages)
        expect(messages).toEqual(before)
      }),
      { numRuns: rounds(1000) },
    )
  })
})

/** What is done to a log, one step at a time. */
const step = fc.oneof(
  { weight: 8, arbitrary: fc.record({ kind: fc.constant('add' as const), what: drawn }) },
  { weight: 2, arbitrary: fc.record({ kind: fc.constant('branch' as const), what: drawn, at: fc.nat() }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('remove' as const), at: fc.nat() }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('head' as const), at: fc.nat() }) },
)

/** Writers are not let write parts of unknown types. */
function isKnown({ type }: Part): boolean {
  return !['hologram', 'toString'].includes(type)
}

test(
  'any log converts to every target without a rule broken: branches, failed turns, what was removed',
  async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(step, { maxLength: 14 }), async (steps) => {
        await using store = await openStore(memoryBackend())
        const session = await store.create()
        const ids: string[] = []
        for (const each of steps) {
          const id = ids[('at' in each ? each.at : 0) % Math.max(1, ids.length)]
          if (each.kind === 'remove') await (id === undefined ? undefined : session.remove([id]))
          else if (each.kind === 'head') await (id === undefined ? undefined : session.set({ head: id }))
          else {
            const { fields, parts } = each.what
            const input = { ...fields, parts: parts.filter(isKnown) } as MessageInput
            const branched = each.kind === 'branch' && id !== undefined ? { parentId: id } : {}
            ids.push((await session.add({ ...input, ...branched })).id)
          }
        }
        const views = [
          await session.messages(),
          await session.messages({ all: true }),
          await session.context(),
          await session.context({ failed: true }),
        ]
        for (const view of views) {
          for (const [target, brokenBy] of Object.entries(TARGETS))
            expect(brokenBy(view, { files }), target).toEqual([])
        }
      }),
      { numRuns: rounds(1000) },
    )
  },
  PATIENT.timeout,
)
