/** Search finds what a scan of all messages finds, whatever was written, by whom, and whatever happened to it since. */
import { readFileSync, readdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import * as fc from 'fast-check'
import { expect, test } from 'vitest'
import { memoryBackend, type Session, type Store } from '../../src/index.ts'
import { PATIENT, rounds } from '../support/rounds.ts'
import { open, temp } from '../support/temp.ts'
import { disguise } from './disguise.ts'
import { collect, nameOf, naively, somePart, someQuery } from './naive.ts'
import { settled } from './settled.ts'

type Step =
  | {
      readonly kind: 'add'
      readonly role: 'user' | 'assistant' | 'tool'
      readonly parts: readonly Record<string, unknown>[]
    }
  | {
      readonly kind: 'edit' | 'branch' | 'remove' | 'redact' | 'drop' | 'fail'
      readonly at: number
      readonly part: Record<string, unknown>
    }

const someStep: fc.Arbitrary<Step> = fc.oneof(
  {
    weight: 3,
    arbitrary: fc.record({
      kind: fc.constant('add' as const),
      role: fc.constantFrom('user' as const, 'assistant' as const, 'tool' as const),
      parts: fc.array(somePart, { minLength: 1, maxLength: 3 }),
    }),
  },
  {
    weight: 2,
    arbitrary: fc.record({
      kind: fc.constantFrom(
        'edit' as const,
        'branch' as const,
        'remove' as const,
        'redact' as const,
        'drop' as const,
        'fail' as const,
      ),
      at: fc.nat(20),
      part: somePart,
    }),
  },
)

async function play(store: Store, session: Session, step: Step): Promise<void> {
  if (step.kind === 'add') {
    await session.add({ role: step.role, parts: step.parts as never })
    return
  }
  const all = await session.messages({ all: true })
  const message = all[step.at % Math.max(1, all.length)]
  if (message === undefined) return
  const [first] = message.parts
  switch (step.kind) {
    case 'edit':
      await session.part(message.id, { ...(first === undefined ? {} : { id: first.id }), ...step.part } as never)
      break
    case 'branch':
      await session.branch(message.id, { parts: [step.part as never] })
      break
    case 'remove':
      await session.remove(message.id)
      break
    case 'drop':
      if (first !== undefined) await session.removePart(message.id, first.id)
      break
    case 'fail':
      await session.update(message.id, { status: 'failed', error: { message: JSON.stringify(step.part) } })
      break
    case 'redact': {
      const { eventId } =
        (await collect(store.search(/(?:)/, { archived: 'all' }))).find(({ messageId }) => messageId === message.id) ??
        {}
      if (eventId !== undefined) await store.redact({ events: [eventId] }, { sessionId: session.id })
    }
  }
}

async function fill(store: Store, sessions: readonly (readonly Step[])[]): Promise<void> {
  for (const [index, steps] of sessions.entries()) {
    const session = await store.create({ id: `session-${index}` })
    for (const step of steps) await play(store, session, step)
    if (index === 3) await session.set({ archived: true })
  }
}

const options = fc.record(
  {
    role: fc.constantFrom('user' as const, 'assistant' as const, 'tool' as const),
    tool: fc.constantFrom('bash', 'a/b'),
    archived: fc.constantFrom(true, 'all' as const),
  },
  { requiredKeys: [] },
)
const sessions = fc.array(fc.array(someStep, { maxLength: 8 }), { minLength: 1, maxLength: 4 })
const queries = fc.array(fc.tuple(someQuery, options), { minLength: 4, maxLength: 8 })

/** `scanned`: who looks at all of them, so that nothing is open in the store that searches. */
async function compare(
  store: Store,
  asked: readonly [Parameters<Store['search']>[0], Parameters<Store['search']>[1]][],
  scanned: Store = store,
): Promise<void> {
  for (const [query, given] of asked) {
    const found = (await collect(store.search(query, given))).map(nameOf)
    expect(found, query instanceof RegExp ? String(query) : JSON.stringify(query)).toEqual(
      await naively(scanned, query, given),
    )
  }
}

/** The same where the infos cache knows every session. Answers how often the end of a log was read. */
async function compareListed(root: string, asked: Parameters<typeof compare>[1]): Promise<number> {
  const { backend, reads } = settled(root)
  const { store: listed } = await open(backend)
  const { store: scanned } = await open(root)
  for await (const _ of listed.list({ archived: 'all' }));
  await compare(listed, asked, scanned)
  await listed.close()
  await scanned.close()
  return reads.back
}

test('search finds what a scan of all messages finds, in its order', PATIENT, async () => {
  let back = 0
  await fc.assert(
    fc.asyncProperty(sessions, queries, async (all, asked) => {
      const root = temp()
      const { store } = await open(root)
      await fill(store, all)
      await compare(store, asked)
      await store.close()
      // Now of each session nothing is known but what the files say.
      const { store: again } = await open(root)
      await compare(again, asked)
      await again.close()
      back += await compareListed(root, asked)
    }),
    { numRuns: rounds(300) },
  )
  expect(back).toBeGreaterThan(0)
})

test('search finds what lines hold that another program wrote in another way', PATIENT, async () => {
  await fc.assert(
    fc.asyncProperty(sessions, queries, fc.nat(), async (all, asked, seed) => {
      const root = temp()
      const { store } = await open(root)
      await fill(store, all)
      await store.close()
      const folder = join(root, 'default')
      for (const name of readdirSync(folder).filter((each) => each.endsWith('.jsonl'))) {
        const path = join(folder, name)
        writeFileSync(path, disguise(readFileSync(path, 'utf8'), seed))
      }
      const { store: again } = await open(root)
      await compare(again, asked)
      await again.close()
      await compareListed(root, asked)
    }),
    { numRuns: rounds(300) },
  )
})

test('search finds the same in memory', PATIENT, async () => {
  await fc.assert(
    fc.asyncProperty(sessions, queries, async (all, asked) => {
      const { store } = await open(memoryBackend())
      await fill(store, all)
      await compare(store, asked)
    }),
    { numRuns: rounds(100) },
  )
})

test('search finds the same in a shared root', PATIENT, async () => {
  await fc.assert(
    fc.asyncProperty(sessions, queries, async (all, asked) => {
      const root = temp()
      const { store } = await open(root, { shared: true })
      await fill(store, all)
      // A second writer, whose lines are in files of its own.
      const { store: other } = await open(root, { shared: true })
      for (const [index, steps] of all.entries()) {
        const session = await other.get(`session-${index}`)
        for (const step of steps) await play(other, session!, step)
      }
      await compare(store, asked)
      await store.delete('session-0')
      await compare(other, asked)
      await store.close()
      await other.close()
    }),
    { numRuns: rounds(100) },
  )
})
