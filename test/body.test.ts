import * as fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { Body, factsOf } from '../src/body.ts'
import type { MessageData } from '../src/event.ts'
import type { Part } from '../src/message.ts'
import { deliver, eventId, rounds, seeds } from './support/events.ts'

const text = (id: string, content: string): Part => ({ id, type: 'text', text: content })
const message = (parts: readonly Part[], extra: object = {}): MessageData => ({
  id: 'm',
  turnId: 't',
  role: 'user',
  status: 'completed',
  parts,
  ...extra,
})

type Write =
  | { readonly how: 'create'; readonly data: MessageData }
  | { readonly how: 'update'; readonly patch: object }
  | { readonly how: 'part'; readonly partId: string; readonly part: Part | null }

const partId = fc.constantFrom('p', 'q', 'r')
const content = fc.constantFrom('1', '2', '3')
const field = fc.record({ model: fc.constantFrom('m', 'n'), to: fc.constantFrom('you', 'me') }, { requiredKeys: [] })
const writes: fc.Arbitrary<readonly Write[]> = fc.array(
  fc.oneof(
    fc.record({ ids: fc.uniqueArray(partId), content, field }).map(({ ids, content: c, field: f }): Write => ({
      how: 'create',
      data: message(
        ids.map((id) => text(id, c)),
        f,
      ),
    })),
    fc
      .record({ model: fc.constantFrom('m', null), to: fc.constantFrom('you', null) }, { requiredKeys: [] })
      .map((patch): Write => ({ how: 'update', patch: { id: 'm', ...patch } })),
    fc
      .tuple(partId, content, fc.boolean())
      .map(([id, c, isRemoval]): Write => ({ how: 'part', partId: id, part: isRemoval ? null : text(id, c) })),
  ),
  { maxLength: 10 },
)

function bodyOf(all: readonly (Write & { readonly at: string })[]): Body {
  let body: Body | undefined
  let first: { readonly at: string; readonly data: MessageData } | undefined
  for (const { at, ...write } of all) {
    if (write.how === 'create') {
      if (body === undefined) body = new Body(write.data, at)
      else {
        body.assign(write.data, at, true)
        body.setParts(write.data.parts, at)
      }
      if (first === undefined || at < first.at) first = { at, data: write.data }
      body.settle(first.data)
    } else {
      body ??= new Body(undefined, '')
      if (write.how === 'update') body.assign(write.patch, at)
      else body.setPart(write.partId, write.part, at)
    }
  }
  return body ?? new Body(undefined, '')
}

describe('a body', () => {
  test('3 4 is the same in whatever order and however often its events come', () => {
    fc.assert(
      fc.property(writes, seeds, (all, order) => {
        const stamped = all.map((each, index) => ({ ...each, at: eventId(index) }))
        const straight = bodyOf(stamped)
        const dealt = bodyOf(deliver(stamped, order))
        expect(dealt.data).toEqual({ ...straight.data, parts: dealt.data.parts })
        expect(dealt.parts).toEqual(straight.parts)
      }),
      rounds(2),
    )
  })

  test('of one event is the data of that event, not a copy', () => {
    const data = message([text('p', '1')])
    expect(new Body(data, eventId(1)).data).toBe(data)
    expect(new Body(data, eventId(1)).parts).toBe(data.parts)
  })

  test('a field has the value of the last event that names it', () => {
    const body = new Body(message([], { model: 'first' }), eventId(5))
    body.assign({ model: 'older', to: 'older' }, eventId(3))
    expect(body.data).toMatchObject({ model: 'first', to: 'older' })
    body.assign({ model: null }, eventId(7))
    body.assign({ model: 'between' }, eventId(6))
    expect(body.data).not.toHaveProperty('model')
  })

  test('the place and the parts are not fields', () => {
    const body = new Body(message([text('p', '1')], { after: 'x' }), eventId(1))
    body.assign({ id: 'other', turnId: 'other', parentId: 'other', after: 'other', parts: [] }, eventId(2))
    expect(body.data).toMatchObject({ id: 'm', turnId: 't', after: 'x' })
    expect(body.data).not.toHaveProperty('parentId')
    expect(body.parts).toHaveLength(1)
    body.settle({ ...message([]), parentId: null })
    expect(body.data).toMatchObject({ parentId: null })
    expect(body.data).not.toHaveProperty('after')
  })

  test('a part keeps its place when it is replaced and goes to the end when it comes back', () => {
    const body = new Body(message([text('p', '1'), text('q', '1')]), eventId(1))
    body.setPart('p', text('p', '2'), eventId(2))
    expect(body.parts).toEqual([text('p', '2'), text('q', '1')])
    body.setPart('p', null, eventId(3))
    body.setPart('p', text('p', '3'), eventId(4))
    expect(body.parts).toEqual([text('q', '1'), text('p', '3')])
    body.setPart('r', { ...text('unlike', '1') }, eventId(5))
    expect(body.parts.at(-1)).toEqual(text('r', '1'))
  })

  test('creating a message again replaces its parts, and only later changes of parts hold', () => {
    const body = new Body(message([text('p', '1')]), eventId(1))
    body.setPart('q', text('q', 'old'), eventId(2))
    body.setPart('p', text('p', 'new'), eventId(9))
    body.setParts([text('r', '1')], eventId(5))
    expect(body.parts).toEqual([text('r', '1'), text('p', 'new')])
  })

  test('__proto__ as a field is a field, and as a part id a part id', () => {
    const body = new Body(message([]), eventId(1))
    body.assign(JSON.parse('{"__proto__":{"polluted":true}}') as object, eventId(2))
    expect(Object.getPrototypeOf(body.data)).toBe(Object.prototype)
    expect(JSON.stringify(body.data)).toContain('"__proto__":{"polluted":true}')
    body.assign(JSON.parse('{"__proto__":null}') as object, eventId(3))
    expect(JSON.stringify(body.data)).not.toContain('polluted')
    body.setPart('__proto__', text('__proto__', 'x'), eventId(4))
    expect(body.parts).toEqual([text('__proto__', 'x')])
  })
})

test('the facts of a body are its usage, its calls and results, and whether it is finished and from a user', () => {
  const parts = [
    { id: 'a', type: 'tool-call', callId: '1', name: 'n', input: {} },
    { id: 'b', type: 'tool-result', callId: '2', name: 'n' },
  ] as const
  const facts = factsOf(message(parts, { status: 'in_progress', usage: { inputTokens: 1 } }))
  expect(facts).toEqual({ usage: { inputTokens: 1 }, calls: ['1'], results: ['2'], isUnfinished: true, isUser: true })
  const none = factsOf(message([], { role: 'tool' }))
  expect(none).toEqual({ usage: undefined, calls: [], results: [], isUnfinished: false, isUser: false })
})
