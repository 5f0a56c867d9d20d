/**
 * Lines to test backends with, and what came back.
 */
import assert from 'node:assert/strict'
import type { Backend, Cursor, LineBatch, NewLine, SessionKey, StoredLine } from '../backend.ts'
import { type ErrorCode, isFoldlogError } from '../errors.ts'
import { Clock } from '../id.ts'

const clock = new Clock()

/** A session to test with. */
export const KEY: SessionKey = { namespace: 'contract', sessionId: 'first' }

/** A line as the core writes it, with a fresh id, greater than those before. */
export function newLine(text = 'hello', type = 'test.said'): NewLine {
  return lineOf(clock.next(), text, type)
}

/** A line of a given id. */
export function lineOf(id: string, text = 'hello', type = 'test.said'): NewLine {
  return { id, text: JSON.stringify({ v: 1, id, type, time: '2026-11-20T10:00:00.123Z', data: { text } }) }
}

/** Several lines. */
export function newLines(count: number, text?: string): NewLine[] {
  return Array.from({ length: count }, () => newLine(text))
}

/** Creates a session of `count` lines and answers them. */
export async function create(backend: Backend, count = 1, key: SessionKey = KEY): Promise<NewLine[]> {
  const lines = newLines(count)
  await backend.append(key, lines, { expect: 'absent' })
  return lines
}

/** Everything a read yields. */
export async function readBatches(backend: Backend, after?: Cursor, key: SessionKey = KEY): Promise<LineBatch[]> {
  const batches: LineBatch[] = []
  for await (const batch of backend.read(key, after === undefined ? {} : { after })) batches.push(batch)
  return batches
}

export async function readLines(backend: Backend, after?: Cursor, key: SessionKey = KEY): Promise<StoredLine[]> {
  return (await readBatches(backend, after, key)).flatMap((batch) => batch.lines)
}

export async function readTexts(backend: Backend, after?: Cursor, key: SessionKey = KEY): Promise<string[]> {
  return (await readLines(backend, after, key)).map(({ bytes }) => Buffer.from(bytes).toString())
}

/** The place at the end of a log. */
export async function endOf(backend: Backend, key: SessionKey = KEY): Promise<Cursor> {
  const end = (await readBatches(backend, undefined, key)).at(-1)?.cursor
  assert.ok(end !== undefined, 'the log is empty')
  return end
}

export function texts(...lines: readonly NewLine[]): string[] {
  return lines.map((line) => line.text)
}

/** The text of a line without what a backend may have added to its head to guard it. */
export function unguarded(text: string): string {
  if (!text.includes('"if":{')) return text
  const { if: _, kept: __, ...line } = JSON.parse(text) as { readonly if?: unknown; readonly kept?: unknown }
  return JSON.stringify(line)
}

/** Asserts that something is rejected with a code. */
export async function rejects(call: unknown, code: ErrorCode): Promise<void> {
  await assert.rejects(Promise.resolve(call), (error) => {
    assert.ok(isFoldlogError(error, code), `expected ${code}, got ${String(error)}`)
    return true
  })
}
