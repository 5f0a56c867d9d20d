/** The info of a log in one pass of which only the end is kept is that of the whole log, or none. */
import * as fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { InfoPass } from '../src/info-pass.ts'
import type { Cursor } from '../src/backend.ts'
import type { FoldedInfo } from '../src/infos-cache.ts'
import { encodeLine, type Line } from '../src/line.ts'
import { MessageScanner } from '../src/message-scanner.ts'
import {
  chaos,
  conversations,
  copy,
  deliver,
  linearConversations,
  orderlyChaos,
  rounds,
  seeds,
  Writer,
} from './support/events.ts'
import { replicaOf } from './support/model.ts'

const KEY = { namespace: 'space', sessionId: 'session' }
const END = 'end' as Cursor
/** So little that every few lines something is summed up. */
const LIMITS = { most: 6, mostBytes: 1 << 20, kept: 2, tooMany: 60, tooManyBytes: 1 << 20 }

/** Takes the lines one by one, those that can be read without parsing as such. */
function passed(lines: readonly Line[], limits: typeof LIMITS, isScanned: boolean): FoldedInfo | undefined {
  const pass = new InfoPass(KEY, limits)
  const scanner = new MessageScanner()
  for (const line of lines) {
    const message = isScanned && pass.needsNoTexts ? scanner.scan(bytesOf(line), 0) : undefined
    if (message !== undefined) scanned++
    if (!(message === undefined ? pass.take(copy(line), 100) : pass.takeMessage(message))) return undefined
  }
  return pass.folded(END)
}

let scanned = 0

function bytesOf(line: Line): Buffer {
  return Buffer.from(`${encodeLine(line)}\n`)
}

/** Compares a pass with the fold of all. True if there is a result. */
function check(lines: readonly Line[], limits = LIMITS): boolean {
  const { fold, lines: set } = replicaOf(lines.map(copy))
  const results = [false, true]
    .map((isScanned) => passed(lines, limits, isScanned))
    .filter((each) => each !== undefined)
  for (const found of results) {
    expect(fold.isStraight && set.isOrdered).toBe(true)
    expect(found).toEqual({ info: fold.info(0), resume: fold.resume(), cursor: END, isStraight: true })
    expect(Object.keys(found.info)).toEqual(Object.keys(fold.info(0)))
  }
  return results.length > 0
}

const KINDS = [
  'ask',
  'ask',
  'answer',
  'call',
  'result',
  'exchange',
  'start',
  'end',
  'part',
  'remove',
  'removeAll',
] as const
const step = fc.record({
  kind: fc.constantFrom(...KINDS, 'set', 'custom', 'keyed', 'silent'),
  /** How far back, mostly hardly at all. */
  back: fc.oneof({ weight: 50, arbitrary: fc.nat(2) }, { weight: 1, arbitrary: fc.nat(30) }),
  n: fc.nat(100),
})

/** What one writer made who never branches, but changes and removes what is there. */
const changing = fc.array(step, { maxLength: 60, size: 'max' }).map((steps) => {
  const writer = new Writer(1)
  writer.append(0, 'session.created', { title: 'a talk', vars: { a: 1 }, archived: steps.length % 3 === 0 })
  for (const [i, { kind, back, n }] of steps.entries()) {
    const now = (i + 1) * 10
    const usage = { inputTokens: n, ...(n % 2 === 0 ? { costUsd: n / 7 } : {}) }
    const call = { type: 'tool-call', callId: `c${n % 3}`, name: 'look', input: {} } as const
    const result = { type: 'tool-result', callId: `c${n % 3}`, name: 'look', output: n } as const
    const path = writer.path()
    const id = path.at(-1 - back)
    if (kind === 'ask') writer.add(now, [{ text: n % 4 === 0 ? ' ' : `question ${n}` }])
    else if (kind === 'answer') writer.add(now, [{ role: 'assistant', text: 'yes', usage }])
    else if (kind === 'call') writer.add(now, [{ role: 'assistant', parts: [call] }])
    else if (kind === 'result') writer.add(now, [{ role: 'tool', parts: [result] }])
    else if (kind === 'exchange')
      writer.add(now, [{ text: 'q' }, { role: 'assistant', parts: [call] }, { role: 'tool', parts: [result] }])
    else if (kind === 'start') writer.add(now, [{ role: 'assistant', status: 'in_progress', parts: [] }])
    else if (kind === 'keyed') writer.add(now, [{ text: `keyed ${n}` }], `key ${n}`)
    else if (kind === 'set')
      writer.set(now, n % 2 === 0 ? { title: `title ${n}` } : { vars: { n }, archived: n % 3 === 0 })
    else if (kind === 'custom') writer.append(now, 'todo.added', { n })
    else if (kind === 'silent') writer.append(now, n % 2 === 0 ? 'turn.unknown' : 'message.created', { id: 'x' })
    else if (id === undefined) continue
    else if (kind === 'end')
      writer.append(now, 'message.updated', { id, status: n % 5 === 0 ? 'failed' : 'completed', usage })
    else if (kind === 'part')
      writer.append(now, 'part.updated', {
        messageId: id,
        partId: 'p1',
        part: n % 3 === 0 ? null : { id: 'p1', type: 'text', text: `more ${n}` },
      })
    else if (kind === 'remove') writer.append(now, 'message.deleted', { ids: [id, ...path.slice(-1)] })
    else writer.append(now, 'message.deleted', { ids: path.slice(-1 - back) })
  }
  return writer.written
})

describe('a pass over a log gives what folding it gives', () => {
  test('of one writer who changes what is there, nearly always', () => {
    let [found, all, summedUp] = [0, 0, 0]
    fc.assert(
      fc.property(changing, (lines) => {
        all++
        if (!check(lines)) return
        found++
        if (lines.length > 30) summedUp++
      }),
      rounds(4),
    )
    expect(found).toBeGreaterThan(all / 5)
    expect(summedUp).toBeGreaterThan(0)
    expect(scanned).toBeGreaterThan(0)
  })

  test.each([
    ['of writers one after the other', linearConversations],
    ['of several writers', conversations],
    ['of anything in order', orderlyChaos],
    ['of anything', chaos],
  ])('%s', (_, arbitrary) => {
    let found = 0
    fc.assert(
      fc.property(arbitrary, seeds, (lines, order) => {
        const sorted = [...lines].sort((a, b) => (a.id < b.id ? -1 : 1))
        for (const each of [sorted, deliver(lines, order)])
          for (const most of [3, 6, 1000]) if (check(each, { ...LIMITS, most })) found++
      }),
      rounds(2),
    )
    expect(found).toBeGreaterThan(0)
  })
})
