import * as fc from 'fast-check'
import { expect, test } from 'vitest'
import { extendInfo, type Resume } from '../src/extend.ts'
import { Fold } from '../src/fold.ts'
import type { InnerEvent, Line } from '../src/line.ts'
import { eventId } from './support/events.ts'

const id = (n: number): string => eventId(1_795_224_657_936, n)

const line = (event: InnerEvent): Line => ({
  v: 1,
  ...event,
  time: '2026-11-20T10:00:00.000Z',
})

/** What a linear writer does, with what sends a reader back to the log now and then. */
const step = fc.oneof(
  {
    weight: 4,
    arbitrary: fc.record({ kind: fc.constant('question' as const), text: fc.constantFrom('', 'hi', ' x ') }),
  },
  {
    weight: 6,
    arbitrary: fc.record({
      kind: fc.constant('answer' as const),
      status: fc.constantFrom('completed', 'in_progress', 'failed', 'incomplete'),
      calls: fc.array(fc.constantFrom('c1', 'c2', 'c3'), { maxLength: 2 }),
      results: fc.array(fc.constantFrom('c1', 'c2', 'c3'), { maxLength: 2 }),
      cost: fc.option(fc.constantFrom(0.1, 0.2, 1e-9, 900), { nil: undefined }),
    }),
  },
  {
    weight: 2,
    arbitrary: fc.record({
      kind: fc.constant('set' as const),
      patch: fc.constantFrom(
        { title: 'a' },
        { title: null, vars: { x: 1, __proto__x: 2 } },
        { vars: { x: null, y: [1] } },
        { vars: null },
        { metadata: { b: { c: 1 } }, archived: true },
        { archived: false },
        { labels: ['l'] },
      ),
    }),
  },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('todo' as const) }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('undo' as const), to: fc.nat() }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('remove' as const) }) },
)
type Step = typeof step extends fc.Arbitrary<infer S> ? S : never

function eventsOf(steps: readonly Step[]): InnerEvent[] {
  const events: InnerEvent[] = [{ id: id(0), type: 'session.created', data: { title: 't' } }]
  let turnId = ''
  let last = ''
  /** Where the head can go: before everything, or to a message, with its turn. */
  const places: [turnId: string, last: string][] = [['', '']]
  for (const each of steps) {
    const at = id(events.length)
    const after = last === '' ? {} : { after: last }
    switch (each.kind) {
      case 'question': {
        const parts = [{ id: 'p1', type: 'text', text: each.text }]
        events.push({
          id: at,
          type: 'message.created',
          data: { id: at, turnId: at, ...after, role: 'user', status: 'completed', parts },
        })
        ;[turnId, last] = [at, at]
        places.push([turnId, last])
        break
      }
      case 'answer': {
        const parts = [
          ...each.calls.map((callId, i) => ({ id: `c${i}`, type: 'tool-call', callId, name: 'f', input: {} })),
          ...each.results.map((callId, i) => ({ id: `r${i}`, type: 'tool-result', callId, name: 'f' })),
        ]
        const seat = turnId === '' ? { turnId: at, ...after } : { turnId }
        const usage = each.cost === undefined ? {} : { usage: { costUsd: each.cost, inputTokens: 3 } }
        events.push({
          id: at,
          type: 'message.created',
          data: { id: at, ...seat, role: 'assistant', status: each.status, ...usage, parts },
        })
        ;[turnId, last] = [turnId || at, at]
        places.push([turnId, last])
        break
      }
      case 'set':
        events.push({ id: at, type: 'session.updated', data: each.patch })
        break
      case 'todo':
        events.push({ id: at, type: 'todo.added', data: {} })
        break
      case 'undo':
        ;[turnId, last] = places[each.to % places.length]!
        events.push({ id: at, type: 'session.updated', data: { head: last || null } })
        break
      case 'remove':
        if (last !== '') events.push({ id: at, type: 'message.deleted', data: { ids: [last] } })
        break
    }
  }
  return events
}

function folded(events: readonly InnerEvent[]): Fold {
  const fold = new Fold('n', 's')
  for (const event of events) fold.apply(event)
  return fold
}

function sorted(resume: Resume | undefined): object | undefined {
  return resume && { ...resume, open: [...resume.open].sort(), closed: [...resume.closed].sort() }
}

test('an info that is gone on from equals the one of the whole log', () => {
  let extended = 0
  fc.assert(
    fc.property(fc.array(step, { maxLength: 20 }), fc.nat(), (steps, cut) => {
      const events = eventsOf(steps)
      const at = cut % (events.length + 1)
      const before = folded(events.slice(0, at))
      const resume = before.resume()
      const known =
        resume === undefined ? undefined : extendInfo({ info: before.info(0), resume }, events.slice(at).map(line))
      if (known === undefined) return
      extended++
      const whole = folded(events)
      expect(known.info).toEqual(whole.info(0))
      expect(sorted(known.resume)).toEqual(sorted(whole.resume()))
    }),
    { numRuns: 2000 },
  )
  expect(extended).toBeGreaterThan(500)
})

test('what does more than add is left to a whole fold', () => {
  const events = eventsOf([{ kind: 'question', text: 'hi' }])
  const fold = folded(events)
  const known = { info: fold.info(0), resume: fold.resume()! }
  const next = (type: string, data: InnerEvent['data'], more: Partial<Line> = {}): Line => ({
    ...line({ id: id(9), type, data }),
    ...more,
  })
  const message = { id: id(9), turnId: id(9), role: 'user', status: 'completed', parts: [] }
  expect(extendInfo(known, [next('message.created', message)])).toBeDefined()
  expect(extendInfo(known, [next('message.created', { ...message, parentId: null })])).toBeUndefined()
  expect(extendInfo(known, [next('message.created', { ...message, id: 'mine' })])).toBeUndefined()
  expect(extendInfo(known, [next('message.created', message, { key: 'k' })])).toBeUndefined()
  expect(extendInfo(known, [next('session.updated', { head: null })])).toBeUndefined()
  expect(extendInfo(known, [next('message.updated', { id: id(1), status: 'failed' })])).toBeUndefined()
  expect(extendInfo(known, [next('todo.added', {}, { v: 2 })])).toBeUndefined()
  expect(extendInfo(known, [line({ id: id(0), type: 'todo.added', data: {} })])).toBeUndefined()
})

test('a sum that is greater than what one message may say is gone on from as it is', () => {
  const costs = [900, 900, 0.5]
  const events = costs.map((costUsd, n): InnerEvent => {
    const data = { id: id(n), turnId: id(0), role: 'assistant', status: 'completed', parts: [], usage: { costUsd } }
    return { id: id(n), type: 'message.created', data }
  })
  const before = folded(events.slice(0, 2))
  const known = extendInfo({ info: before.info(0), resume: before.resume()! }, events.slice(2).map(line))
  expect(known!.info.usage).toEqual({ costUsd: 1800.5 })
  expect(known!.info).toEqual(folded(events).info(0))
})
