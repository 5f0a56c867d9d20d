import { eventsOf } from '../src/line.ts'
import * as fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { FoldlogError } from '../src/errors.ts'
import { isValidData, type MessageData } from '../src/event.ts'
import { Fold } from '../src/fold.ts'
import type { Json, JsonObject } from '../src/json.ts'
import type { DataPart } from '../src/message.ts'
import { partsOf, stamp, Tip, type MessageInput } from '../src/stamp.ts'
import { conversations, copy, eventId, linearConversations, rounds } from './support/events.ts'
import { ids, replicaOf } from './support/model.ts'

/** Someone who adds messages one by one, each folded before the next. */
class Desk {
  readonly fold: Fold = new Fold('space', 'session')
  turnId: string | undefined
  #ms = 0

  /** Stamps all inputs in one tick, then folds them. */
  add(...inputs: readonly MessageInput[]): MessageData[] {
    const tip = new Tip(this.fold)
    const events = inputs.map((input) => {
      const id = eventId(++this.#ms)
      const { data, opensTurn } = stamp(input, id, this.fold, tip, this.turnId)
      if (opensTurn) this.turnId = data.turnId
      return { id, type: 'message.created', data: data as unknown as Json }
    })
    for (const event of events) this.fold.apply(copy(event))
    return events.map(({ data }) => data as unknown as MessageData)
  }

  /** What one message is stamped with. */
  one(input: MessageInput): MessageData {
    return this.add(input)[0]!
  }

  do(type: string, data: Json): void {
    this.fold.apply({ id: eventId(++this.#ms), type, data })
  }

  path(): string[] {
    return ids(this.fold.path(this.fold.tree.active))
  }

  refusal(input: MessageInput): { readonly code: string; readonly field: string | undefined } | undefined {
    try {
      stamp(input, eventId(this.#ms + 1), this.fold, new Tip(this.fold), this.turnId)
      return undefined
    } catch (error) {
      if (!(error instanceof FoldlogError)) throw error
      return { code: error.code, field: error.field }
    }
  }
}

const call = (callId: string): MessageInput => ({
  role: 'assistant',
  parts: [{ type: 'tool-call', callId, name: 'look', input: {} }],
})
const result = (callId: string): MessageInput => ({
  role: 'tool',
  parts: [{ type: 'tool-result', callId, name: 'look' }],
})

/** Where a message was put. */
function seat({ turnId, parentId, after }: MessageData): object {
  return { turnId, ...(parentId === undefined ? {} : { parentId }), ...(after === undefined ? {} : { after }) }
}

describe('turns', () => {
  test('a user message opens a turn that comes after the last message, all others join it', () => {
    const desk = new Desk()
    expect(seat(desk.one({ id: 'q', text: 'x' }))).toEqual({ turnId: 'q' })
    expect(seat(desk.one({ id: 'a', role: 'assistant' }))).toEqual({ turnId: 'q' })
    expect(seat(desk.one({ id: 's', role: 'system' }))).toEqual({ turnId: 'q' })
    expect(seat(desk.one({ id: 'q2' }))).toEqual({ turnId: 'q2', after: 's' })
  })

  test('the first message may have any role', () => {
    expect(seat(new Desk().one({ id: 's', role: 'system' }))).toEqual({ turnId: 's' })
    const { id, turnId, role, status } = new Desk().one({})
    expect({ id, turnId, role, status }).toEqual({
      id: eventId(1),
      turnId: eventId(1),
      role: 'user',
      status: 'completed',
    })
  })

  test('others join the turn of the handle, also when somebody else has opened one meanwhile', () => {
    const desk = new Desk()
    desk.add({ id: 'q1' })
    desk.do('message.created', { id: 'q2', turnId: 'q2', after: 'q1', role: 'user', status: 'completed', parts: [] })
    expect(seat(desk.one({ id: 'a', role: 'assistant' }))).toEqual({ turnId: 'q1' })
    expect(desk.path()).toEqual(['q1', 'a', 'q2'])
    desk.turnId = undefined
    expect(seat(desk.one({ id: 'b', role: 'assistant' }))).toEqual({ turnId: 'q2' })
  })

  test('a result joins the turn of its call, of several the newest', () => {
    const desk = new Desk()
    desk.add({ id: 'q1' }, call('c'), { id: 'q2' }, call('d'))
    expect(seat(desk.one(result('c')))).toEqual({ turnId: 'q1' })
    expect(seat(desk.one(result('d')))).toEqual({ turnId: 'q2' })
    desk.add({ id: 'q3' }, call('c'), { id: 'q4' })
    expect(seat(desk.one(result('c')))).toEqual({ turnId: 'q3' })
    expect(seat(desk.one(result('nobody')))).toEqual({ turnId: 'q4' })
  })

  test('what is added in one tick follows on itself, results and calls too', () => {
    const desk = new Desk()
    const stamped = desk.add(
      { id: 'q' },
      call('c'),
      { id: 'q2' },
      result('c'),
      { id: 'a', role: 'assistant' },
      { id: 'q3' },
    )
    expect(stamped.map(seat)).toEqual([
      { turnId: 'q' },
      { turnId: 'q' },
      { turnId: 'q2', after: stamped[1]!.id },
      { turnId: 'q' },
      { turnId: 'q2' },
      { turnId: 'q3', after: 'a' },
    ])
  })

  test('a turn of the caller’s naming is opened once and then joined', () => {
    const desk = new Desk()
    desk.add({ id: 'q' })
    expect(seat(desk.one({ id: 'w', role: 'assistant', turnId: 'work' }))).toEqual({ turnId: 'work', after: 'q' })
    expect(seat(desk.one({ id: 'w2', role: 'assistant', turnId: 'work' }))).toEqual({ turnId: 'work' })
    expect(seat(desk.one({ id: 'late', role: 'assistant', turnId: 'q' }))).toEqual({ turnId: 'q' })
    expect(desk.path()).toEqual(['q', 'late', 'w', 'w2'])
  })
})

describe('branches', () => {
  test('a parent opens a turn of its own, null at the beginning', () => {
    const desk = new Desk()
    desk.add({ id: 'q' }, { id: 'a', role: 'assistant' })
    expect(seat(desk.one({ id: 'b', role: 'assistant', parentId: 'q' }))).toEqual({ turnId: 'b', parentId: 'q' })
    expect(desk.turnId).toBe('b')
    expect(seat(desk.one({ id: 'more', role: 'assistant' }))).toEqual({ turnId: 'b' })
    expect(seat(desk.one({ id: 'new', parentId: null }))).toEqual({ turnId: 'new', parentId: null })
    expect(seat(desk.one({ id: 'c', parentId: 'q', turnId: 'named' }))).toEqual({ turnId: 'named', parentId: 'q' })
  })

  test('going on from a head that is not the last of its turn is a branch, from one that is it is not', () => {
    const desk = new Desk()
    desk.add({ id: 'q' }, { id: 'a', role: 'assistant' }, { id: 'q2' })
    desk.do('session.updated', { head: 'q' })
    desk.turnId = undefined
    expect(seat(desk.one({ id: 'again', role: 'assistant' }))).toEqual({ turnId: 'again', parentId: 'q' })
    desk.do('session.updated', { head: 'a' })
    desk.turnId = undefined
    expect(seat(desk.one({ id: 'q3' }))).toEqual({ turnId: 'q3', after: 'a' })
    expect(desk.path()).toEqual(['q', 'a', 'q3'])
    desk.do('session.updated', { head: 'q' })
    expect(seat(desk.one({ id: 'q4' }))).toEqual({ turnId: 'q4', parentId: 'q' })
  })

  test('a result for a call that the head went back to is a branch too', () => {
    const desk = new Desk()
    const [, calling] = desk.add({ id: 'q' }, call('c'), result('c'))
    desk.do('session.updated', { head: calling!.id })
    const again = desk.one(result('c'))
    expect(seat(again)).toEqual({ turnId: again.id, parentId: calling!.id })
    expect(desk.fold.info(0).status).toBe('idle')
  })

  test('after everything was undone a message begins anew', () => {
    const desk = new Desk()
    desk.add({ id: 'q' })
    desk.do('session.updated', { head: null })
    desk.turnId = undefined
    expect(seat(desk.one({ id: 'new' }))).toEqual({ turnId: 'new' })
    expect(desk.path()).toEqual(['new'])
  })
})

describe('data', () => {
  test('the keys are in the order of the format, parts last, and what is not given is not there', () => {
    const desk = new Desk()
    desk.add({ id: 'q' })
    const full = desk.one({
      text: 'x',
      model: 'm',
      role: 'assistant',
      parentId: 'q',
      metadata: { a: undefined, b: 1 } as unknown as JsonObject,
    })
    expect(Object.keys(full)).toEqual(['id', 'turnId', 'parentId', 'role', 'status', 'model', 'metadata', 'parts'])
    expect(full.metadata).toEqual({ b: 1 })
    expect(Object.keys(desk.one({ text: 'y' }))).toEqual(['id', 'turnId', 'after', 'role', 'status', 'parts'])
  })

  test('time and after are never taken from the caller', () => {
    const input = { text: 'x', time: { created: 1, updated: 1 }, after: 'nobody' } as MessageInput
    expect(Object.keys(new Desk().one(input))).toEqual(['id', 'turnId', 'role', 'status', 'parts'])
  })

  test('a text is short for a first part, and parts get ids by their place', () => {
    expect(
      partsOf('x', [
        { type: 'text', text: 'y' },
        { id: 'mine', type: 'text', text: 'z' },
      ]),
    ).toEqual([
      { id: 'p1', type: 'text', text: 'x' },
      { id: 'p2', type: 'text', text: 'y' },
      { id: 'mine', type: 'text', text: 'z' },
    ])
    expect(partsOf(undefined, undefined)).toEqual([])
    expect(partsOf('', undefined)).toEqual([{ id: 'p1', type: 'text', text: '' }])
  })

  test('a known id keeps its turn, its role, its status and, unless new ones are given, its parts', () => {
    const desk = new Desk()
    desk.add({ id: 'q', text: 'x' }, { id: 'a', role: 'assistant', status: 'in_progress', text: 'half' })
    desk.add({ id: 'q2' })
    const again = desk.one({ id: 'a', model: 'm', turnId: 'elsewhere', parentId: null })
    expect(again).toEqual({
      id: 'a',
      turnId: 'q',
      role: 'assistant',
      status: 'in_progress',
      model: 'm',
      parts: [{ id: 'p1', type: 'text', text: 'half' }],
    })
    expect(desk.one({ id: 'a', text: 'whole', status: 'completed' }).parts).toEqual([
      { id: 'p1', type: 'text', text: 'whole' },
    ])
    expect(desk.one({ id: 'a', parts: [] }).parts).toEqual([])
    expect(desk.turnId).toBe('q2')
  })

  test('nothing of what was given is aliased', () => {
    const parts = [{ type: 'data', name: 'n', data: { list: [1] } }] as const
    const { parts: made } = new Desk().one({ parts })
    expect(made[0]).toMatchObject({ data: { list: [1] } })
    expect((made[0] as DataPart).data).not.toBe(parts[0].data)
  })

  test('what cannot be is refused by its code, with the field', () => {
    const desk = new Desk()
    desk.add({ id: 'q' }, { id: 'gone' })
    desk.do('message.deleted', { ids: ['gone', 'never'] })
    expect(desk.refusal({ parentId: 'nobody' })).toEqual({ code: 'NOT_FOUND', field: 'parentId' })
    expect(desk.refusal({ parentId: 'q', turnId: 'q' })).toEqual({ code: 'INVALID_EVENT', field: 'turnId' })
    expect(desk.refusal({ id: 'gone' })?.code).toBe('NOT_FOUND')
    expect(desk.refusal({ id: 'never' })?.code).toBe('NOT_FOUND')
    expect(desk.refusal({ id: '' })).toEqual({ code: 'INVALID_EVENT', field: 'id' })
    expect(desk.refusal({ usage: { inputTokens: -1 } })).toEqual({ code: 'INVALID_EVENT', field: 'usage.inputTokens' })
    expect(desk.refusal({ metadata: { when: new Date() as unknown as Json } })?.field).toBe('message.metadata.when')
    expect(desk.refusal({ role: 'robot' as 'user' })?.field).toBe('role')
    // Hanging below what was removed is fine: it stays in its place.
    expect(desk.refusal({ parentId: 'gone' })).toBeUndefined()
  })
})

test('what writers stamp is always good data and never lacks a parent, whoever else writes meanwhile', () => {
  fc.assert(
    fc.property(conversations, (lines) => {
      for (const { type, data } of lines.flatMap(eventsOf)) expect(isValidData(type, data)).toBe(true)
      // Of two messages with one key only one counts, and what was hung below the other one by then lacks it.
      const keys = lines.flatMap(({ key }) => key ?? [])
      if (new Set(keys).size === keys.length) expect([...replicaOf(lines).fold.tree.dangling]).toEqual([])
    }),
    rounds(),
  )
})

test('who never goes back never stamps a parent', () => {
  fc.assert(
    fc.property(linearConversations, (lines) => {
      const created = lines.flatMap(eventsOf).filter(({ type }) => type === 'message.created')
      expect(created.filter(({ data }) => 'parentId' in (data as object))).toEqual([])
    }),
    rounds(),
  )
})
