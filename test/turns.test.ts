import * as fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import type { Message, Role, Status } from '../src/message.ts'
import { turnsOf, turnStatus } from '../src/turns.ts'

const ROLES: readonly Role[] = ['system', 'user', 'assistant', 'tool']
const STATUSES: readonly Status[] = ['pending', 'in_progress', 'completed', 'incomplete', 'failed', 'cancelled']

function message(id: string, role: Role, extra: Partial<Message> = {}): Message {
  return { id, turnId: `t-${id}`, role, parts: [], status: 'completed', time: { created: 1, updated: 1 }, ...extra }
}

const ids = (messages: readonly Message[]): string[] => messages.map((item) => item.id)

describe('turnsOf', () => {
  test('an empty path has no turns', () => {
    expect(turnsOf([])).toEqual([])
  })

  test('a turn goes from one user message to the next and is named after its first message', () => {
    const path = [message('q1', 'user'), message('a1', 'assistant'), message('r1', 'tool'), message('q2', 'user')]
    const turns = turnsOf(path)
    expect(turns.map((turn) => ids(turn.messages))).toEqual([['q1', 'a1', 'r1'], ['q2']])
    expect(turns.map((turn) => turn.id)).toEqual(['t-q1', 't-q2'])
  })

  test('messages before the first user message form a turn of their own', () => {
    const turns = turnsOf([message('s', 'system'), message('a', 'assistant'), message('q', 'user')])
    expect(turns.map((turn) => ids(turn.messages))).toEqual([['s', 'a'], ['q']])
  })

  test('a user message opens a turn whoever it is meant for', () => {
    const path = [message('q1', 'user'), message('q2', 'user', { audience: 'model' })]
    expect(turnsOf(path)).toHaveLength(2)
  })

  test('the label of a message does not decide where a turn ends', () => {
    const path = [message('q1', 'user', { turnId: 'x' }), message('a1', 'assistant', { turnId: 'y' })]
    expect(turnsOf(path).map((turn) => turn.id)).toEqual(['x'])
  })

  test('the turns are frozen and hold the very messages of the path', () => {
    const path = [message('q1', 'user')]
    const turns = turnsOf(path)
    expect(Object.isFrozen(turns) && Object.isFrozen(turns[0]) && Object.isFrozen(turns[0]?.messages)).toBe(true)
    expect(turns[0]?.messages[0]).toBe(path[0])
  })

  test('every message of any path is in exactly one turn, in order, and only the first of a turn may ask', () => {
    fc.assert(
      fc.property(fc.array(fc.constantFrom(...ROLES)), (roles) => {
        const path = roles.map((role, at) => message(String(at), role))
        const turns = turnsOf(path)
        expect(turns.flatMap((turn) => turn.messages)).toEqual(path)
        expect(turns.every((turn) => turn.messages.slice(1).every((item) => item.role !== 'user'))).toBe(true)
      }),
    )
  })
})

describe('turnStatus', () => {
  test('a turn with a message that is pending or in progress is in progress, whatever its last message says', () => {
    for (const status of ['pending', 'in_progress'] as const) {
      expect(turnStatus([message('q', 'user', { status }), message('a', 'assistant')])).toBe('in_progress')
    }
  })

  test('a turn that ends with a user message is pending', () => {
    expect(turnStatus([message('q', 'user')])).toBe('pending')
  })

  test('any other turn has the status of its last message', () => {
    for (const status of STATUSES.slice(2)) {
      const before = message('a1', 'assistant', { status: 'failed' })
      expect(turnStatus([message('q', 'user'), before, message('a2', 'assistant', { status })])).toBe(status)
    }
  })

  test('no messages at all are completed', () => {
    expect(turnStatus([])).toBe('completed')
  })
})
