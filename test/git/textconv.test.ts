/**
 * A log as text: one event after the other, whatever is in it.
 */
import { expect, test } from 'vitest'
import { textOfLog } from '../../src/git/textconv.ts'
import type { Json } from '../../src/json.ts'
import { encodeLine, lineOf } from '../../src/line.ts'
import { created, idOf, message, redacted } from './repository.ts'

const text = (log: string): string[] => [...textOfLog(Buffer.from(log))]

function line(type: string, data: Json): string {
  return `${encodeLine({ v: 1, id: idOf(1), type, time: '2026-11-20T10:00:00.000Z', data })}\n`
}

test('events of each type', () => {
  expect(text(created())).toEqual(['session created:'])
  expect(text(line('session.updated', { title: 'Refund', head: null }))).toEqual(['session: title "Refund", head null'])
  expect(text(line('message.updated', { id: 'a', status: 'completed' }))).toEqual(['message a: status "completed"'])
  expect(text(line('message.deleted', { ids: ['a', idOf(1)] }))).toEqual([`messages removed: a …${idOf(1).slice(-8)}`])
  expect(text(line('part.updated', { messageId: 'a', partId: 'p', part: null }))).toEqual(['part of a: removed'])
  expect(text(line('session.deleted', {}))).toEqual(['session deleted'])
  expect(text(line('todo.added', { text: 'x' }))).toEqual(['todo.added: {"text":"x"}'])
})

test('a message with all kinds of parts', () => {
  const parts = [
    { type: 'reasoning', text: 'hm' },
    { type: 'text', text: 'one\ntwo' },
    { type: 'tool-call', name: 'find', input: { q: 1 } },
    { type: 'tool-result', name: 'find', output: 'x'.repeat(1000) },
    { type: 'tool-result', name: 'find', error: { message: 'no' } },
    { type: 'file', name: 'a.png' },
    { type: 'data', name: 'chart', data: [1] },
    'nonsense',
  ]
  expect(text(line('message.created', { role: 'assistant', author: 'planner', status: 'in_progress', parts }))).toEqual(
    [
      'message planner (in_progress): (reasoning) hm',
      '  one',
      '  two',
      '  → find {"q":1}',
      `  ✓ find "${'x'.repeat(499)}…`,
      '  ✗ find {"message":"no"}',
      '  [file a.png]',
      '  [data chart] [1]',
      '  []',
    ],
  )
})

test('a batch is its events, a redacted line says so, and damage is a line of its own', () => {
  const events = [
    { id: idOf(1), type: 'todo.added', data: 1 },
    { id: idOf(2), type: 'todo.added', data: 2 },
  ]
  const batch = encodeLine(lineOf(events, ''))
  expect(text(`${batch}\n${redacted(3)}<<<<<<< HEAD\n\n${message(4)}{"v":1`)).toEqual([
    'todo.added: 1',
    'todo.added: 2',
    'message user (redacted): [redacted]',
    'damage (conflict-marker, 12 bytes): <<<<<<< HEAD',
    'message user: text of 4',
    'damage (torn, 6 bytes): {"v":1',
  ])
})

test('an appended event is an added line and changes no other', () => {
  const log = created() + message(1) + line('todo.added', 1)
  expect(text(log + message(2)).slice(0, -1)).toEqual(text(log))
})
