/** Summaries: `session.compact`, `compactIf` with its policies, `estimateTokens`. */
import * as fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { memoryBackend } from '../src/backends/memory.ts'
import {
  compactIf,
  estimateTokens,
  type CompactionPart,
  type Message,
  type PartInput,
  type Session,
  type Summarize,
} from '../src/index.ts'
import { eventsOf } from '../src/line.ts'
import { conversations, rounds } from './support/events.ts'
import { elsewhere, freshStore, laterMillisecond, open } from './support/store.ts'

const ids = (messages: readonly Message[]): string[] => messages.map(({ id }) => id)
const textOf = ({ parts }: Message): string => parts.map((part) => (part.type === 'text' ? part.text : '')).join('')
const texts = (messages: readonly Message[]): string[] => messages.map(textOf)
const call = (callId: string): PartInput => ({ type: 'tool-call', callId, name: 'look', input: { at: callId } })
const result = (callId: string): PartInput => ({ type: 'tool-result', callId, name: 'look', output: callId })
const compactionIn = (message: Message | undefined): CompactionPart => message?.parts[0] as CompactionPart

async function fresh(): Promise<Session> {
  return (await freshStore({ fsync: 'never' })).create()
}

/** Questions and answers: m1, m2, … */
async function talk(session: Session, count: number, first = 1): Promise<void> {
  for (let n = first; n < first + count; n++) {
    await session.add({ id: `m${n}`, role: n % 2 === 1 ? 'user' : 'assistant', text: `text ${n}` })
  }
}

/** Says what it was given, and what it answered. */
function recorder(
  answer: (messages: readonly Message[]) => string = (messages) => `sum of ${texts(messages).join()}`,
): {
  readonly summarize: Summarize
  readonly given: { readonly ids: string[]; readonly previous: string | undefined; readonly tokensBefore: number }[]
} {
  const given: { ids: string[]; previous: string | undefined; tokensBefore: number }[] = []
  const summarize: Summarize = (messages, { previous, tokensBefore }) => {
    given.push({ ids: ids(messages), previous, tokensBefore })
    return answer(messages)
  }
  return { summarize, given }
}

describe('session.compact', () => {
  test('a summary stands for what comes before the first message that stays', async () => {
    const session = await fresh()
    await talk(session, 6)
    const usage = { inputTokens: 90, outputTokens: 9 }
    const made = await session.compact({ id: 'c', text: 'the sum', from: 'm5', model: 'm', usage, tokensBefore: 90 })
    expect(made).toMatchObject({ id: 'c', role: 'assistant', turnId: 'm5', status: 'completed', model: 'm', usage })
    expect(made.parts).toEqual([{ id: 'p1', type: 'compaction', text: 'the sum', from: 'm5', tokensBefore: 90 }])
    await talk(session, 2, 7)
    expect(ids(await session.context())).toEqual(['c', 'm5', 'm6', 'm7', 'm8'])
    expect(ids(await session.messages())).toEqual(['m1', 'm2', 'm3', 'm4', 'm5', 'm6', 'c', 'm7', 'm8'])
  })

  test('a summary without `from` starts anew, and what is kept stands before it with its results', async () => {
    const session = await fresh()
    await talk(session, 2)
    await session.add([
      { id: 'a', role: 'assistant', parts: [call('1')] },
      { id: 'r', role: 'tool', parts: [result('1')] },
      { id: 'b', role: 'assistant', text: 'looked' },
    ])
    await session.compact({ id: 'c', text: 'new', keep: ['m1', 'a'] })
    expect(ids(await session.context())).toEqual(['m1', 'a', 'r', 'c'])
  })

  test('a replacement is the history the model sees', async () => {
    const session = await fresh()
    await talk(session, 4)
    const [m1, m2] = await session.messages()
    await session.compact({
      text: '',
      replacement: [
        { ...m1!, id: 'x1' },
        { ...m2!, id: 'x2' },
      ],
    })
    await talk(session, 1, 5)
    expect(ids(await session.context())).toEqual(['x1', 'x2', 'm5'])
  })

  test('a replacement is given as messages are to add, and what is none is refused', async () => {
    const session = await fresh()
    await talk(session, 4)
    await session.compact({
      text: '',
      replacement: [{ text: 'they spoke' }, { role: 'assistant', parts: [{ type: 'text', text: 'of rain' }] }],
    })
    expect((await session.context()).map((message) => [message.role, textOf(message)])).toEqual([
      ['user', 'they spoke'],
      ['assistant', 'of rain'],
    ])
    for (const replacement of ['x', ['x'], [null], [{ content: 'x' }], [{ role: 'robot', text: 'x' }], [{ text: 5 }]]) {
      await expect(session.compact({ text: '', replacement: replacement as never })).rejects.toMatchObject({
        code: 'INVALID_EVENT',
      })
    }
    expect(await session.context()).toHaveLength(2)
  })

  test('an empty text clears the view, and moving the head back undoes it, in every process', async () => {
    const store = await freshStore({ fsync: 'never' })
    const session = await store.create({ id: 's' })
    await talk(session, 4)
    const before = await session.context()
    await session.compact({ text: '' })
    expect(await session.context()).toEqual([])
    await talk(session, 1, 5)
    expect(ids(await session.context())).toEqual(['m5'])
    await session.set({ head: 'm4' })
    const there = (await (await elsewhere(store)).get('s'))!
    expect(await there.context()).toEqual(before)
    expect(await there.messages({ all: true })).toHaveLength(6)
  })

  test('nothing to compact is refused and writes nothing', async () => {
    const session = await fresh()
    const refused = { code: 'NOTHING_TO_COMPACT', retriable: false }
    await expect(session.compact({ text: 'x' })).rejects.toMatchObject(refused)
    await session.add({ id: 'for the user', text: 'hello', audience: 'user' })
    await expect(session.compact({ text: 'x' })).rejects.toMatchObject(refused)
    await session.add({ id: 'm1', text: 'one' })
    const { lastEventId } = session.info
    await expect(session.compact({ text: 'x', from: 'm1' })).rejects.toMatchObject(refused)
    await expect(session.compact({ text: 'x', keep: ['m1'] })).rejects.toMatchObject(refused)
    await expect(session.compact({ text: 'x', to: 'coder', from: 'm1' })).rejects.toMatchObject(refused)
    expect(session.info.lastEventId).toBe(lastEventId)
    // What was refused leaves nothing behind that the next message would go on from.
    const next = await session.add({ id: 'm2', role: 'assistant', text: 'two' })
    expect([next.turnId, next.parentId]).toEqual(['m1', undefined])
    await session.compact({ text: 'x' })
  })

  test('messages that are not in the conversation cannot stay, and unknown fields are refused', async () => {
    const session = await fresh()
    await talk(session, 4)
    await session.branch('m3', { id: 'm3b', text: 'another' })
    await expect(session.compact({ text: 'x', from: 'nobody' })).rejects.toMatchObject({
      code: 'NOT_FOUND',
      field: 'from',
    })
    await expect(session.compact({ text: 'x', from: 'm4' })).rejects.toMatchObject({ code: 'NOT_FOUND', field: 'from' })
    await expect(session.compact({ text: 'x', keep: ['m3'] })).rejects.toMatchObject({
      code: 'NOT_FOUND',
      field: 'keep',
    })
    const wrong = { text: 'x', upTo: 'm2' } as never
    await expect(session.compact(wrong)).rejects.toMatchObject({ code: 'INVALID_EVENT', field: 'upTo' })
    await expect(session.compact({} as never)).rejects.toMatchObject({ code: 'INVALID_EVENT' })
  })

  test('an answer that is not finished is never summarised', async () => {
    const session = await fresh()
    await talk(session, 3)
    await session.add({ id: 'running', role: 'assistant', status: 'in_progress', text: 'I am' })
    const first = await session.compact({ text: 'sum' })
    expect(compactionIn(first).from).toBe('running')
    await session.add({ id: 'r2', role: 'assistant', text: 'beside it' })
    const second = await session.compact({ text: 'sum 2', from: 'r2', keep: ['m1'] })
    expect(compactionIn(second).keep).toEqual(['m1', 'running'])
    await session.update('running', { status: 'completed' })
    expect(ids(await session.context())).toEqual(['m1', 'running', second.id, 'r2'])
  })

  test('it goes to the end of the conversation, also from a handle that last spoke in an earlier turn', async () => {
    const store = await freshStore({ fsync: 'never' })
    const session = await store.create({ id: 's' })
    await session.add({ id: 'q1', text: 'mine' })
    const other = (await (await elsewhere(store)).get('s'))!
    await talk(other, 4)
    await session.compact({ id: 'c', text: 'sum', from: 'm3' })
    expect(ids(await other.messages())).toEqual(['q1', 'm1', 'm2', 'm3', 'm4', 'c'])
    expect(ids(await other.context())).toEqual(['c', 'm3', 'm4'])
  })

  test('it answers nothing: a pending turn stays pending, a failed one failed and out of the view', async () => {
    const session = await fresh()
    await talk(session, 3)
    await session.compact({ text: 'sum', from: 'm3' })
    expect((await session.turns()).map(({ status }) => status)).toEqual(['completed', 'pending'])
    await session.add({ id: 'oops', role: 'assistant', status: 'failed', text: 'oops' })
    await session.compact({ id: 'c2', text: 'sum 2', from: 'm3' })
    expect((await session.turns()).map(({ status }) => status)).toEqual(['completed', 'failed'])
    await session.add({ id: 'm5', text: 'again' })
    expect(ids(await session.context())).toEqual(['c2', 'm5'])
  })

  test('a call with a known key answers the first summary', async () => {
    const session = await fresh()
    await talk(session, 4)
    const first = await session.compact({ text: 'one' }, { key: 'k' })
    expect((await session.compact({ text: 'two' }, { key: 'k' })).id).toBe(first.id)
    await expect(session.compact({ text: 'three' }, { expectedHead: 'm4' })).rejects.toMatchObject({
      code: 'HEAD_MOVED',
    })
    expect(await session.messages()).toHaveLength(5)
  })
})

describe('compactIf by size', () => {
  const size = async (): Promise<number> => 100

  test('compacts above the share of the window, keeps the newest and what is pinned', async () => {
    const session = await fresh()
    await talk(session, 20)
    const { summarize, given } = recorder(() => 'the sum')
    const policy = { window: 100, tokens: size, pin: 'first-user' } as const
    expect(await compactIf(session, { ...policy, ratio: 1 }, summarize)).toBeUndefined()
    const made = await compactIf(session, policy, summarize)
    expect(given).toEqual([
      { ids: Array.from({ length: 11 }, (_, n) => `m${n + 2}`), previous: undefined, tokensBefore: 100 },
    ])
    expect(compactionIn(made)).toMatchObject({ text: 'the sum', from: 'm13', keep: ['m1'], tokensBefore: 100 })
    await session.add({ id: 'm21', text: 'text 21' })
    const tail = ['m13', 'm14', 'm15', 'm16', 'm17', 'm18', 'm19', 'm20', 'm21']
    expect(ids(await session.context())).toEqual(['m1', made!.id, ...tail])
  })

  test('each summary covers the one before', async () => {
    const session = await fresh()
    await talk(session, 6)
    const { summarize, given } = recorder((messages) => `sum up to ${messages.at(-1)!.id}`)
    const policy = { window: 10, keep: 2, tokens: size, pin: 'first-user' } as const
    await compactIf(session, policy, summarize)
    // Nothing new is there that could be summarised.
    expect(await compactIf(session, policy, summarize)).toBeUndefined()
    await talk(session, 4, 7)
    await compactIf(session, policy, summarize)
    expect(given.map((each) => [each.ids, each.previous])).toEqual([
      [['m2', 'm3', 'm4'], undefined],
      [['m5', 'm6', 'm7', 'm8'], 'sum up to m4'],
    ])
    expect(texts(await session.context())).toEqual(['text 1', 'sum up to m8', 'text 9', 'text 10'])
  })

  test('keeps more rather than part a call from its results, and nothing is due for fewer messages', async () => {
    const session = await fresh()
    await talk(session, 3)
    await session.add([
      { id: 'a', role: 'assistant', parts: [call('1'), call('2')] },
      { id: 'r1', role: 'tool', parts: [result('1')] },
      { id: 'r2', role: 'tool', parts: [result('2')] },
    ])
    const { summarize, given } = recorder()
    expect(await compactIf(session, { window: 10, keep: 6, tokens: size }, summarize)).toBeUndefined()
    await compactIf(session, { window: 10, keep: 1, tokens: size }, summarize)
    expect(given[0]?.ids).toEqual(['m1', 'm2', 'm3'])
    expect((await session.context()).slice(1).map(({ id }) => id)).toEqual(['a', 'r1', 'r2'])
  })

  test('a replacement is covered as a whole by what comes next', async () => {
    const session = await fresh()
    await talk(session, 6)
    const [m1, m2] = await session.messages()
    const summarize: Summarize = () => ({
      replacement: [
        { ...m1!, id: 'x1' },
        { ...m2!, id: 'x2' },
      ],
    })
    const policy = { window: 10, keep: 2, tokens: size }
    await compactIf(session, policy, summarize)
    expect(ids(await session.context())).toEqual(['x1', 'x2', 'm5', 'm6'])
    expect(await compactIf(session, { ...policy, keep: 3 }, summarize)).toBeUndefined()
    await talk(session, 2, 7)
    const { summarize: next, given } = recorder(() => 'sum')
    await compactIf(session, policy, next)
    expect(given.map((each) => [each.ids, each.previous])).toEqual([[['x1', 'x2', 'm5', 'm6'], undefined]])
    expect(texts(await session.context())).toEqual(['sum', 'text 7', 'text 8'])
  })

  test('what others add while the summary is made stays, also for the next one', async () => {
    const store = await freshStore({ fsync: 'never' })
    const session = await store.create({ id: 's' })
    await talk(session, 6)
    const other = (await (await elsewhere(store)).get('s'))!
    await compactIf(session, { window: 10, keep: 2, tokens: size }, async () => {
      await other.add({ id: 'late', role: 'assistant', turnId: 'm1', text: 'late' })
      await other.add({ id: 'new', text: 'new' })
      return 'sum'
    })
    expect(texts(await session.context())).toEqual(['late', 'sum', 'text 5', 'text 6', 'new'])
    await session.add({ id: 'later', role: 'assistant', turnId: 'm1', text: 'later' })
    expect(texts(await session.context())).toEqual(['late', 'sum', 'later', 'text 5', 'text 6', 'new'])
    await session.add({ id: 'm7', text: 'text 7' })
    const { summarize, given } = recorder(() => 'sum 2')
    await compactIf(session, { window: 10, keep: 4, tokens: size }, summarize)
    expect(given.map((each) => [each.ids, each.previous])).toEqual([[['late', 'later'], 'sum']])
    expect(texts(await session.context())).toEqual(['sum 2', 'text 5', 'text 6', 'new', 'text 7'])
  })

  test('what came late stays while it is among the newest of the view', async () => {
    const session = await fresh()
    await talk(session, 6)
    await session.compact({ id: 'c', text: 'sum', from: 'm5' })
    await session.add({ id: 'late', role: 'assistant', turnId: 'm1', text: 'late' })
    await session.add({ id: 'm7', text: 'text 7' })
    await session.set({ vars: {} })
    await session.add({ id: 'kept', text: 'kept' })
    await session.compact({ id: 'c2', text: 'sum 2', from: 'm7', keep: ['m1'], covers: ['m5', 'm6'] })
    expect(ids(await session.context())).toEqual(['m1', 'late', 'c2', 'm7', 'kept'])
    expect(await compactIf(session, { window: 10, keep: 2, tokens: size }, () => 'sum 3')).toMatchObject({
      parts: [{ from: 'm7' }],
    })
    expect(texts(await session.context())).toEqual(['sum 3', 'text 7', 'kept'])
  })

  test('a summary that fails, or is empty, or comes after the signal, writes nothing', async () => {
    const session = await fresh()
    await talk(session, 4)
    const { lastEventId } = session.info
    const policy = { window: 10, keep: 2, tokens: size }
    const failure = new Error('no model')
    await expect(compactIf(session, policy, () => Promise.reject(failure))).rejects.toBe(failure)
    expect(await compactIf(session, policy, () => ' ')).toBeUndefined()
    const abort = new AbortController()
    const aborted = compactIf(session, { ...policy, signal: abort.signal }, (_, { signal }) => {
      expect(signal).toBe(abort.signal)
      abort.abort()
      return 'too late'
    })
    await expect(aborted).rejects.toMatchObject({ name: 'AbortError' })
    expect(session.info.lastEventId).toBe(lastEventId)
  })

  test('a policy that makes no sense is refused', async () => {
    const session = await fresh()
    for (const [policy, field] of [
      [{ window: 0 }, 'window'],
      [{}, 'window'],
      [{ window: 10, keep: 0 }, 'keep'],
      [{ window: 10, ratio: 2 }, 'ratio'],
      [{ turns: { compress: 0, retain: 3 } }, 'turns.compress'],
      [{ turns: { compress: 2, retain: 0 } }, 'turns.retain'],
    ] as const) {
      await expect(compactIf(session, policy as never, () => 'x')).rejects.toMatchObject({
        code: 'INVALID_OPTION',
        field,
      })
    }
    // Also where nothing is due, so that it is found before the day it is needed.
    await expect(compactIf(session, { window: 1_000_000 }, undefined as never)).rejects.toMatchObject({
      code: 'INVALID_OPTION',
      field: 'summarize',
    })
  })
})

describe('compactIf by turns', () => {
  const turns = { compress: 2, retain: 3 }

  async function round(session: Session, n: number): Promise<void> {
    await session.add([
      { id: `q${n}`, author: 'User', to: 'Planner', text: `question ${n}` },
      { id: `p${n}`, role: 'assistant', author: 'Planner', to: 'Coder', text: `task ${n}` },
      { id: `c${n}`, role: 'assistant', author: 'Coder', to: 'Planner', text: `code ${n}` },
    ])
  }

  test('compacts all but the newest turns of a role, chains its summaries, and leaves other roles alone', async () => {
    const session = await fresh()
    const { summarize, given } = recorder((messages) => `sum of ${messages.length}`)
    const rounds = async (from: number, to: number): Promise<(Message | undefined)[]> => {
      const made = []
      for (let n = from; n <= to; n++) {
        await round(session, n)
        made.push(await compactIf(session, { turns, to: 'Coder' }, summarize))
      }
      return made
    }
    expect((await rounds(1, 6)).map((made) => made !== undefined)).toEqual([false, false, false, false, true, false])
    expect(given).toMatchObject([{ ids: ['p1', 'c1', 'p2', 'c2'], previous: undefined }])
    await rounds(7, 7)
    expect(given[1]).toMatchObject({ ids: ['p3', 'c3', 'p4', 'c4'], previous: 'sum of 4' })
    expect(texts(await session.context({ role: 'Coder' }))).toEqual([
      'sum of 4',
      ...[5, 6, 7].flatMap((n) => [`task ${n}`, `code ${n}`]),
    ])
    expect(await session.context({ role: 'Planner' })).toHaveLength(21)
  })

  test('failed turns are no turns of the view', async () => {
    const session = await fresh()
    for (let n = 1; n <= 5; n++) await round(session, n)
    await session.update('c2', { status: 'failed' })
    expect(await compactIf(session, { turns }, () => 'sum')).toBeUndefined()
    await session.update('c2', { status: 'completed' })
    expect(compactionIn(await compactIf(session, { turns, pin: ['q1'] }, () => 'sum'))).toMatchObject({
      from: 'q3',
      keep: ['q1'],
    })
  })
})

describe('estimateTokens', () => {
  test('takes the newest usage for what is before it, and characters for the rest', async () => {
    const session = await fresh()
    await session.add({ text: 'x'.repeat(400) })
    expect(estimateTokens(await session.context())).toBe(104)
    const usage = { inputTokens: 5000, outputTokens: 20 }
    await session.add({ role: 'assistant', text: 'y', usage })
    expect(estimateTokens(await session.context())).toBe(5020)
    await session.add({ text: 'ä'.repeat(40) })
    expect(estimateTokens(await session.context())).toBe(5020 + 4 + 20)
    await session.add({ role: 'assistant', text: 'y', usage: { totalTokens: 7000 } })
    expect(estimateTokens(await session.context())).toBe(7000)
  })

  test('counts every kind of part', async () => {
    const session = await fresh()
    const parts: PartInput[] = [
      { type: 'reasoning', text: 'abcd', encrypted: 'abcd' },
      call('1'),
      {
        type: 'tool-result',
        callId: '1',
        name: 'look',
        content: [{ id: 'x', type: 'text', text: 'abcd' }],
        error: { message: 'abcd' },
      },
      { type: 'data', name: 'd', data: 'ab' },
      { type: 'file', mediaType: 'image/png', data: 'A'.repeat(100_000) },
    ]
    await session.add({ role: 'assistant', parts })
    expect(estimateTokens(await session.messages())).toBe(4 + 2 + (1 + 3) + 2 + 1 + 1000)
  })

  test('a usage from before the summary says nothing, so that nothing is compacted twice', async () => {
    const session = await fresh()
    for (let n = 1; n <= 4; n++) {
      await session.add([{ text: 'q' }, { role: 'assistant', text: 'a', usage: { inputTokens: 1000 * n } }])
    }
    await laterMillisecond()
    const { summarize, given } = recorder(() => 'sum')
    const policy = { window: 4000, keep: 4 }
    await compactIf(session, policy, summarize)
    expect(await compactIf(session, policy, summarize)).toBeUndefined()
    expect(given).toHaveLength(1)
    expect(estimateTokens(await session.context())).toBeLessThan(100)
    await session.add({ role: 'assistant', text: 'a', usage: { inputTokens: 900 } })
    expect(estimateTokens(await session.context())).toBe(900)
  })

  test('in the view of a role only its own messages say how large it is', async () => {
    const session = await (await open(memoryBackend())).create()
    await session.add({ role: 'assistant', author: 'A', to: 'B', text: 'abcd', usage: { inputTokens: 1000 } })
    const view = await session.context({ role: 'B' })
    expect(estimateTokens(view, { role: 'B' })).toBe(5)
    expect(estimateTokens(view, { role: 'A' })).toBe(1000)
  })
})

describe('whatever the conversation', () => {
  const step = fc.record({
    keep: fc.integer({ min: 1, max: 4 }),
    pin: fc.constantFrom(undefined, 'first-user' as const),
    retain: fc.integer({ min: 1, max: 3 }),
    compress: fc.integer({ min: 1, max: 2 }),
    byTurns: fc.boolean(),
    replaces: fc.boolean(),
    more: fc.integer({ min: 0, max: 4 }),
  })

  test('what the model saw is in the summary or seen still, and nothing comes back', async () => {
    const store = await open(memoryBackend())
    const property = fc.asyncProperty(conversations, fc.array(step, { maxLength: 4 }), async (lines, steps) => {
      const session = await store.create()
      const events = lines.flatMap((line) => eventsOf(line).map((event) => ({ ...event, time: line.time })))
      await store.merge(session.id, events)
      for (const [n, { keep, pin, compress, retain, byTurns, replaces, more }] of steps.entries()) {
        const before = await session.context()
        let covered: readonly Message[] = []
        const base = pin === undefined ? {} : { pin }
        const policy = byTurns ? { ...base, turns: { compress, retain } } : { ...base, window: 1, ratio: 0, keep }
        const made = await compactIf(session, policy, (messages) => {
          covered = messages
          const replacement: Message = {
            ...messages[0]!,
            id: `r${n}`,
            role: 'user',
            parts: [{ id: 'p', type: 'text', text: 'r' }],
          }
          return replaces ? { replacement: [replacement] } : `sum ${n}`
        })
        const after = await session.context()
        if (made === undefined) expect(after).toEqual(before)
        else {
          expect(ids(after).filter((id) => ids(covered).includes(id))).toEqual([])
          const [was, is] = [real(before), real(after)]
          const inSummary = new Set(ids(covered))
          // The summary before is covered by the one that is new.
          const previous = was.filter((id) => !is.includes(id) && !inSummary.has(id))
          expect(previous.length).toBeLessThanOrEqual(1)
          if (previous.length === 1)
            expect(
              (await session.message(previous[0]!.split(':')[0]!))?.parts.some(({ type }) => type === 'compaction'),
            ).toBe(true)
          // But for a pin, which stays whatever comes.
          const [first] = pin === undefined ? [] : (await session.messages()).filter(({ role }) => role === 'user')
          expect(is.filter((id) => !was.includes(id) && id !== first?.id)).toHaveLength(1)
        }
        for (let i = 0; i < more; i++)
          await session.add({ role: i % 2 === 0 ? 'user' : 'assistant', text: `more ${i}` })
      }
    })
    await fc.assert(property, rounds(0.5))
  })
})

/** The ids of the messages of a view that are not made up, results that stand elsewhere than in the log under their own. */
function real(view: readonly Message[]): string[] {
  return view.flatMap(({ id, role, metadata }) => (role === 'tool' || metadata?.['synthetic'] === true ? [] : [id]))
}
