import * as fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { contextOf, type ContextOptions } from '../src/context.ts'
import { isFoldlogError } from '../src/errors.ts'
import { deepFreeze } from '../src/json.ts'
import { latest } from '../src/latest.ts'
import type { DataPart, Message, Part, Role, ToolCallPart, ToolResultPart } from '../src/message.ts'

let clock = 0
function message(id: string, role: Role, parts: readonly (Part | string)[], extra: Partial<Message> = {}): Message {
  const created = ++clock
  return deepFreeze({
    id,
    turnId: 't',
    role,
    parts: parts.map((part, at): Part =>
      typeof part === 'string' ? { id: `p${at}`, type: 'text', text: part } : part,
    ),
    status: 'completed',
    time: { created, updated: created },
    ...extra,
  })
}
const user = (id: string, text = id, extra?: Partial<Message>): Message => message(id, 'user', [text], extra)
const says = (id: string, text = id, extra?: Partial<Message>): Message => message(id, 'assistant', [text], extra)
const call = (callId: string, extra: Partial<ToolCallPart> = {}): ToolCallPart => ({
  id: `call-${callId}`,
  type: 'tool-call',
  callId,
  name: 'look',
  input: {},
  ...extra,
})
const result = (callId: string, output = 'done', extra: Partial<ToolResultPart> = {}): ToolResultPart => ({
  id: `result-${callId}`,
  type: 'tool-result',
  callId,
  name: 'look',
  output,
  ...extra,
})
const calls = (id: string, ...callIds: string[]): Message =>
  message(
    id,
    'assistant',
    callIds.map((one) => call(one)),
  )
const answers = (id: string, ...callIds: string[]): Message =>
  message(
    id,
    'tool',
    callIds.map((one) => result(one)),
  )
const compaction = (id: string, extra: object = {}, more: Partial<Message> = {}): Message =>
  message(id, 'assistant', [{ id: 'c', type: 'compaction', text: `sum ${id}`, ...extra }], more)

const ids = (messages: readonly Message[]): string[] => messages.map((item) => item.id)
const texts = (messages: readonly Message[]): string[] =>
  messages.flatMap((item) => item.parts.flatMap((part) => (part.type === 'text' ? [part.text] : [])))
const view = (path: readonly Message[], options?: ContextOptions): string[] => ids(contextOf(path, options))

describe('what is visible', () => {
  test('a plain conversation is seen as it is, as the same objects', () => {
    const path = [user('q'), calls('a', '1'), answers('r', '1'), says('b')]
    const seen = contextOf(path)
    expect(seen).toEqual(path)
    expect(seen.every((item, at) => item === path[at])).toBe(true)
    expect(seen).not.toBe(path)
  })

  test('an empty path has an empty view', () => {
    expect(contextOf([])).toEqual([])
  })

  test('messages for the user only are left out, those for the model are not', () => {
    expect(view([user('q'), says('a', 'a', { audience: 'user' }), says('b', 'b', { audience: 'model' })])).toEqual([
      'q',
      'b',
    ])
  })

  test('failed turns are left out unless they are asked for', () => {
    const path = [user('q1'), says('a1', 'a1', { status: 'failed' }), user('q2'), says('a2')]
    expect(view(path)).toEqual(['q2', 'a2'])
    expect(view(path, { failed: true })).toEqual(['q1', 'a1', 'q2', 'a2'])
  })

  test('a turn that failed in between and recovered stays', () => {
    expect(view([user('q'), says('a', 'a', { status: 'failed' }), says('b')])).toEqual(['q', 'a', 'b'])
  })

  test('parts for their turn only are seen in the last turn and not in earlier ones', () => {
    const note: Part = { id: 'n', type: 'text', text: 'note', scope: 'turn' }
    const path = [message('q1', 'user', ['one', note]), message('a1', 'assistant', [note])]
    expect(texts(contextOf(path))).toEqual(['one', 'note', 'note'])
    expect(contextOf([...path, user('q2')]).map((item) => item.parts.length)).toEqual([1, 1])
    expect(view([...path, user('q2')])).toEqual(['q1', 'q2'])
  })

  test('reasoning is left out on request', () => {
    const path = [user('q'), message('a', 'assistant', [{ id: 'r', type: 'reasoning', text: 'hm' }, 'yes'])]
    expect(contextOf(path)[1]?.parts).toHaveLength(2)
    expect(contextOf(path, { reasoning: false })[1]?.parts).toEqual([{ id: 'p1', type: 'text', text: 'yes' }])
  })

  test('parts of unknown types, blank texts and messages without parts are left out', () => {
    const hologram = { id: 'h', type: 'toString' } as unknown as Part
    const path = [message('q', 'user', ['hi', hologram, ' \n']), message('a', 'assistant', [hologram])]
    const seen = contextOf([...path, message('b', 'assistant', [])])
    expect(ids(seen)).toEqual(['q'])
    expect(seen[0]?.parts.map((part) => part.type)).toEqual(['text'])
  })

  test('reasoning without text but with a signature or encrypted content stays', () => {
    const thought: Part = { id: 'r', type: 'reasoning', text: '', encrypted: 'x' }
    expect(view([user('q'), message('a', 'assistant', [thought])])).toEqual(['q', 'a'])
  })

  test('the view is frozen all the way down', () => {
    const seen = contextOf([user('q'), calls('a', '1'), compaction('c'), calls('b', '2')])
    expect(isDeepFrozen(seen)).toBe(true)
  })
})

describe('the view of a role', () => {
  const path = [
    message('sys', 'system', ['rules']),
    user('q'),
    message('plan', 'assistant', ['plan', call('1')], { author: 'planner', to: 'coder' }),
    answers('plan-result', '1'),
    message('code', 'assistant', ['code', call('2')], { author: 'coder', to: 'runner' }),
    answers('code-result', '2'),
    says('anonymous'),
    user('direct', 'direct', { to: 'planner' }),
  ]

  test('holds what it wrote, what it was sent, and the questions put to nobody in particular', () => {
    expect(view(path, { role: 'planner' })).toEqual(['sys', 'q', 'plan', 'plan-result', 'direct'])
    expect(view(path, { role: 'runner' })).toEqual(['sys', 'q', 'code', 'code-result'])
  })

  test('T1: hides turn-scoped parts of earlier turns and shares nothing that can be changed', () => {
    const scoped: Part = { id: 's', type: 'text', text: 'now', scope: 'turn' }
    const post = (id: string): Message => message(id, 'assistant', [id, scoped], { author: 'planner' })
    const seen = contextOf([user('1'), post('a'), user('2'), post('b'), user('3'), post('c')], { role: 'planner' })
    expect(texts(seen)).toEqual(['1', 'a', '2', 'b', '3', 'c', 'now'])
    expect(isDeepFrozen(seen)).toBe(true)
  })

  test('does not see a tool message that answers the call of another role with the same id', () => {
    const other = message('x', 'assistant', [call('1')], { author: 'coder' })
    const seen = view([...path.slice(0, 4), other, answers('x-result', '1')], { role: 'planner' })
    expect(seen).toEqual(['sys', 'q', 'plan', 'plan-result'])
  })
})

describe('the newest compaction', () => {
  const old = [user('q1'), says('a1'), user('q2'), says('a2')]

  test('stands as a user message for everything before it', () => {
    const seen = contextOf([...old, compaction('c'), user('q3')])
    expect(ids(seen)).toEqual(['c', 'q3'])
    expect(seen[0]).toMatchObject({ role: 'user', parts: [{ id: 'c', type: 'text', text: 'sum c' }] })
  })

  test('keeps what follows its first kept message verbatim, after the summary', () => {
    expect(view([...old, compaction('c', { from: 'q2' }), user('q3')])).toEqual(['c', 'q2', 'a2', 'q3'])
  })

  test('keeps the messages it names, before the summary, with the results of their calls', () => {
    const path = [user('q1'), calls('a1', '1'), answers('r1', '1'), says('b1')]
    const seen = contextOf([...path, compaction('c', { keep: ['a1', 'gone'] }), user('q2')])
    expect(ids(seen)).toEqual(['a1', 'r1', 'c', 'q2'])
    expect(seen[0]).toBe(path[1])
  })

  test('shows its replacement instead of its text', () => {
    const replacement = [user('x1', 'short'), says('x2', 'shorter')]
    expect(texts(contextOf([...old, compaction('c', { replacement, from: 'a2' })]))).toEqual(['short', 'shorter', 'a2'])
  })

  test('shows its text where the replacement holds no message, and never a message twice', () => {
    const broken = [{ id: 'x' }, { role: 'user', parts: [{ type: 'text' }] }]
    expect(view([...old, compaction('c', { replacement: broken })])).toEqual(['c'])
    const copies = [old[0], old[0], old[3], { role: 'user', parts: [{ id: 'p', type: 'text', text: 'bare' }] }]
    expect(view([...old, compaction('c', { replacement: copies, from: 'a2' })])).toEqual(['q1', 'c:3', 'a2'])
  })

  test('leaves out what a replacement must not show', () => {
    const replacement = [user('x', 'secret', { audience: 'user' }), compaction('n'), answers('o', '9'), user('y')]
    expect(view([...old, compaction('c', { replacement })])).toEqual(['y'])
  })

  test('wins over older ones, also those in the range it keeps', () => {
    const path = [...old, compaction('c1', { from: 'a2' }), user('q3')]
    expect(view([...path, compaction('c2', { from: 'q2' })])).toEqual(['c2', 'q2', 'a2', 'q3'])
  })

  test('is undone by taking it off the path', () => {
    expect(contextOf(old)).toEqual(old)
  })

  test('for a role applies to that role only', () => {
    const path = [...old, compaction('c', {}, { to: 'coder' })]
    expect(view(path)).toEqual(ids(old))
    expect(view(path, { role: 'planner' })).toEqual(['q1', 'q2'])
    expect(view(path, { role: 'coder' })).toEqual(['c'])
    expect(view([...old, compaction('all'), compaction('c', {}, { to: 'coder' })], { role: 'planner' })).toEqual([
      'all',
    ])
  })

  test('does not apply while it is being written, or where it failed or is not for the model', () => {
    for (const extra of [{ status: 'in_progress' }, { status: 'incomplete' }, { audience: 'user' }] as const) {
      expect(view([...old, compaction('c', {}, extra), user('q3')])).toEqual([...ids(old), 'q3'])
    }
    expect(view([...old, compaction('c', { status: 'failed' }), user('q3')])).toEqual([...ids(old), 'q3'])
    const failed = [user('q3'), compaction('c'), says('x', 'x', { status: 'failed' })]
    expect(view([...old, ...failed])).toEqual(ids(old))
  })

  test('without a text clears what is before it', () => {
    expect(view([...old, compaction('c', { text: '' }), user('q3')])).toEqual(['q3'])
  })

  test('leaves the other parts of its message a message of their own', () => {
    const both = message('c', 'assistant', [{ id: 'k', type: 'compaction', text: 'sum' }, 'and on we go'])
    const seen = contextOf([...old, both])
    expect(ids(seen)).toEqual(['c:k', 'c'])
    expect(seen.map((item) => item.role)).toEqual(['user', 'assistant'])
  })

  test('keeps a late message on the path before it that it cannot have summarised', () => {
    const [q1, a2, summary] = [user('q1'), says('a2'), compaction('c', { from: 'a2' })]
    expect(view([q1, says('late'), a2, summary, user('q3')])).toEqual(['c', 'late', 'a2', 'q3'])
  })

  test('knows late messages by the ids of their events, where it is given them', () => {
    const created: Record<string, string> = { q1: '01', c: '05', late: '07' }
    const path = [user('q1'), user('late'), compaction('c')]
    expect(ids(contextOf(path, {}, (id) => created[id]))).toEqual(['c', 'late'])
    expect(ids(contextOf(path, {}, () => undefined))).toEqual(['c'])
  })

  test('finds its first kept message also where that is not visible', () => {
    const path = [user('q1'), says('a1', 'a1', { audience: 'user' }), says('b1')]
    expect(view([...path, compaction('c', { from: 'a1' })])).toEqual(['c', 'b1'])
  })

  test('places a first kept message that was deleted by its event id, and treats an unknown one as absent', () => {
    const path = [user('q1'), says('a1'), says('b1'), compaction('c', { from: 'gone' })]
    const created: Record<string, string> = { q1: '01', a1: '02', gone: '03', b1: '04', c: '05' }
    expect(ids(contextOf(path, {}, (id) => created[id]))).toEqual(['c', 'b1'])
    expect(view(path)).toEqual(['c'])
  })

  test('survives a first kept message after which nothing is visible', () => {
    const hidden = says('x', 'x', { audience: 'user' })
    expect(view([user('q1'), compaction('c', { from: 'x' }), hidden])).toEqual(['c'])
  })

  test('ignores a first kept message that comes after it', () => {
    expect(view([user('q1'), compaction('c', { from: 'q2' }), says('a1'), user('q2')])).toEqual(['c', 'a1', 'q2'])
  })
})

describe('calls and results', () => {
  test('O7: a call without a result gets a synthetic error result, which a late real one replaces', () => {
    const path = [user('q'), calls('a', '1'), says('b')]
    const [, , synthetic, after] = contextOf(path)
    const marked = { id: 'a:1', status: 'incomplete', metadata: { synthetic: true } }
    expect(synthetic).toMatchObject({ ...marked, role: 'tool', turnId: 't', time: path[1]?.time })
    expect(synthetic?.parts).toMatchObject([{ ...marked, type: 'tool-result', callId: '1', name: 'look' }])
    expect(synthetic?.parts[0]).toHaveProperty('error.code', 'NO_RESULT')
    expect(after).toBe(path[2])
    const late = answers('late', '1')
    expect(ids(contextOf([...path, late]))).toEqual(['q', 'a', 'late', 'b'])
    expect(contextOf([...path, late])[2]).toBe(late)
  })

  test('the synthetic result is the same each time', () => {
    const path = [user('q'), calls('a', '1', '2')]
    expect(contextOf(path)).toEqual(contextOf(path))
    expect(view(path)).toEqual(['q', 'a', 'a:1', 'a:2'])
  })

  test('a call of a message that is still in progress is answered too', () => {
    expect(view([user('q'), message('a', 'assistant', [call('1')], { status: 'in_progress' })])).toEqual([
      'q',
      'a',
      'a:1',
    ])
  })

  test('a denied call gets a synthetic denial, but keeps a result it has', () => {
    const denied = message('a', 'assistant', [call('1', { approval: 'denied' })])
    expect(contextOf([user('q'), denied])[2]?.parts[0]).toHaveProperty('error.code', 'DENIED')
    expect(view([user('q'), denied, answers('r', '1')])).toEqual(['q', 'a', 'r'])
  })

  test('results without a call before them are dropped, with the messages that hold nothing else', () => {
    expect(view([user('q'), answers('r', '1'), calls('a', '1'), answers('s', '2')])).toEqual(['q', 'a', 'a:1'])
  })

  test('a result that stands later moves next to its call', () => {
    const path = [user('q'), calls('a', '1'), says('b'), user('q2'), answers('r', '1'), calls('c', '2')]
    expect(view([...path, user('q3'), answers('s', '2')])).toEqual(['q', 'a', 'r', 'b', 'q2', 'c', 's', 'q3'])
  })

  test('a tool message that answers several messages is divided among them', () => {
    const picture: Part = { id: 'f', type: 'file', mediaType: 'image/png', url: 'x' }
    const both = message('r', 'tool', [result('2'), picture, result('1')])
    const seen = contextOf([calls('a', '1'), calls('b', '2'), both])
    expect(ids(seen)).toEqual(['a', 'r', 'b', 'r@b'])
    expect(seen[3]?.parts.map((part) => part.id)).toEqual(['result-2', 'f'])
  })

  test('results in the message of their call count as answers and stay where they are', () => {
    const path = [user('q'), message('a', 'assistant', [call('1'), result('1'), 'so', call('2')])]
    const seen = contextOf(path)
    expect(ids(seen)).toEqual(['q', 'a', 'a:2'])
    expect(seen[1]).toBe(path[1])
  })

  test('results in a user message or in a later assistant message become tool messages', () => {
    const inUser = message('u', 'user', [result('1'), 'go on'])
    const inAssistant = message('b', 'assistant', [result('2'), 'well'])
    const seen = contextOf([calls('a', '1', '2'), inUser, inAssistant])
    expect(ids(seen)).toEqual(['a', 'u@a', 'b@a', 'u', 'b'])
    expect(seen.map((item) => item.role)).toEqual(['assistant', 'tool', 'tool', 'user', 'assistant'])
  })

  test('of several results for a call the last wins', () => {
    const inside = message('a', 'assistant', [call('1'), result('1', 'first')])
    const path = [inside, answers('r', '1'), message('s', 'tool', [result('1', 'last')])]
    const seen = contextOf(path)
    expect(ids(seen)).toEqual(['a', 's'])
    expect(seen[0]?.parts).toEqual([call('1')])
  })

  test('a call that stands twice in its message is one call, the last', () => {
    const seen = contextOf([
      message('a', 'assistant', [call('1', { input: 1 }), call('1', { input: 2 })]),
      answers('r', '1'),
    ])
    expect(seen[0]?.parts).toEqual([call('1', { input: 2 })])
    expect(ids(seen)).toEqual(['a', 'r'])
  })

  test('a call id that is used again gets a new one, and its result with it', () => {
    const path = [calls('a', '1'), calls('b', '1'), answers('r', '1'), calls('c', '1')]
    const seen = contextOf(path)
    expect(ids(seen)).toEqual(['a', 'a:1', 'b', 'r', 'c', 'c:1'])
    expect(seen.map((item) => (item.parts[0] as ToolCallPart).callId)).toEqual(['1', '1', '1_2', '1_2', '1_3', '1_3'])
  })

  test('calls outside assistant messages are left out', () => {
    expect(view([message('q', 'user', ['hi', call('1')]), answers('r', '1')])).toEqual(['q'])
  })

  test('a tool message that answers nothing is left out, whatever else it says', () => {
    expect(view([user('q'), message('r', 'tool', ['by the way', result('1')])])).toEqual(['q'])
  })
})

describe('the limit', () => {
  test('A9: keeps the newest messages', () => {
    const path = Array.from({ length: 10 }, (_, at) => user(`message ${at}`))
    expect(view(path, { maxMessages: 5 })).toEqual(ids(path.slice(5)))
    expect(view(path, { maxMessages: 10 })).toEqual(ids(path))
    expect(view(path, { maxMessages: 0 })).toEqual([])
  })

  test('never cuts between a call and its results', () => {
    const path = [user('q'), calls('a', '1', '2'), answers('r1', '1'), answers('r2', '2'), says('b')]
    expect(view(path, { maxMessages: 3 })).toEqual(['b'])
    expect(view(path, { maxMessages: 4 })).toEqual(['a', 'r1', 'r2', 'b'])
  })

  test('gives the whole of the last call rather than nothing', () => {
    const path = [user('q'), calls('a', '1', '2'), answers('r1', '1'), answers('r2', '2')]
    expect(view(path, { maxMessages: 1 })).toEqual(['a', 'r1', 'r2'])
  })

  test('that is no count is refused', () => {
    for (const maxMessages of [-1, 1.5, Number.NaN]) {
      expect(() => contextOf([], { maxMessages })).toThrowError(
        expect.toSatisfy((error) => isFoldlogError(error, 'INVALID_OPTION')),
      )
    }
  })
})

describe('latest', () => {
  const plan = (data: string, extra: Partial<DataPart> = {}): DataPart => ({
    id: data,
    type: 'data',
    name: 'plan',
    data,
    ...extra,
  })
  const post = (id: string, author: string, ...parts: Part[]): Message => message(id, 'assistant', parts, { author })
  const values = (path: readonly Message[], perAuthor = true): unknown[] =>
    latest(path, 'plan', { perAuthor }).map((part) => part.data)

  test('T2: gives the newest part of each author, oldest first', () => {
    const path = [
      user('q1'),
      post('a', 'ann', plan('a1')),
      post('b', 'bob', plan('b1')),
      user('q2'),
      post('c', 'ann', plan('a2')),
    ]
    expect(values(path)).toEqual(['b1', 'a2'])
    expect(values(path, false)).toEqual(['a2'])
    expect(latest(path, 'other')).toEqual([])
  })

  test('T2: parts for their turn count only in the last turn, and hide nothing afterwards', () => {
    const path = [user('q1'), post('a', 'ann', plan('a1'), plan('now', { scope: 'turn' }))]
    expect(values(path)).toEqual(['now'])
    expect(values([...path, user('q2')])).toEqual(['a1'])
  })

  test('T2: failed turns do not count', () => {
    const failed = message('b', 'assistant', [plan('b1')], { author: 'bob', status: 'failed' })
    expect(values([user('q1'), post('a', 'ann', plan('a1')), user('q2'), failed])).toEqual(['a1'])
  })

  test('the author of a part goes before that of its message, which is filled in where the part has none', () => {
    const own = plan('x', { author: 'bob' })
    const [first, second] = latest([post('a', 'ann', own, plan('y'))], 'plan', { perAuthor: true })
    expect(first).toBe(own)
    expect([first?.author, second?.author]).toEqual(['bob', 'ann'])
    expect(Object.isFrozen(second)).toBe(true)
  })
})

describe('any path', () => {
  test('has a view in which every call is answered once, directly, and nothing is empty', () => {
    fc.assert(
      fc.property(anyPath, anyOptions, (path, options) => {
        assertValid(contextOf(path, options))
      }),
      { numRuns: 3000 },
    )
  })

  test('has a view whose own view is the same', () => {
    fc.assert(
      fc.property(anyPath, anyOptions, (path, options) => {
        const once = contextOf(path, options)
        // Leaving messages out moves the borders of turns, so which of them failed may change: those stay in.
        expect(contextOf(once, { failed: true })).toEqual(once)
      }),
      { numRuns: 2000 },
    )
  })

  test('loses no text without a compaction, and nothing that came after one', () => {
    fc.assert(
      fc.property(anyPath, (path) => {
        const seen = contextOf(path, { failed: true })
        const at = path.findLastIndex(isApplicable)
        const since = path[at]?.time.created ?? 0
        const expected = path.filter((item, place) => place > at || item.time.created > since)
        const plain = expected.filter((item) => item.audience !== 'user' && item.role !== 'tool')
        expect(texts(seen)).toEqual(expect.arrayContaining(texts(plain).filter((text) => text !== '')))
      }),
      { numRuns: 1000 },
    )
  })

  test('shares the messages that did not change', () => {
    fc.assert(
      fc.property(anyPath, anyOptions, (path, options) => {
        const byId = new Map(path.map((item) => [item.id, item]))
        for (const item of contextOf(path, options)) {
          const source = byId.get(item.id)
          if (source?.role === item.role && source.parts.length === item.parts.length) {
            const same = item.parts.every((part, at) => part === source.parts[at])
            expect(item === source || !same).toBe(true)
          }
        }
      }),
    )
  })
})

const anyOptions = fc.record(
  {
    failed: fc.boolean(),
    reasoning: fc.boolean(),
    role: fc.constantFrom('ann', 'bob'),
    maxMessages: fc.nat(12),
  },
  { requiredKeys: [] },
)

const anyCallId = fc.constantFrom('1', '2', '3', '1_2')
const anyPart = fc.oneof(
  { weight: 3, arbitrary: anyCallId.map((callId) => call(callId)) },
  { weight: 1, arbitrary: anyCallId.map((callId) => call(callId, { approval: 'denied' })) },
  { weight: 4, arbitrary: fc.tuple(anyCallId, fc.string()).map(([callId, output]) => result(callId, output)) },
  { weight: 2, arbitrary: fc.constantFrom('', 'text').map((text): Part => ({ id: 't', type: 'text', text })) },
  { weight: 1, arbitrary: fc.constant<Part>({ id: 'r', type: 'reasoning', text: 'hm' }) },
  { weight: 1, arbitrary: fc.constant({ id: 'u', type: 'unknown' } as unknown as Part) },
)
const anyCompaction = fc
  .record(
    {
      from: fc.nat(20).map(String),
      keep: fc.array(fc.nat(20).map(String), { maxLength: 4 }),
      replacement: fc.array(
        fc
          .tuple(fc.constantFrom<Role>('user', 'assistant', 'tool'), fc.array(anyPart, { maxLength: 3 }))
          .map(([role, parts]) => message('replaced', role, parts)),
        { maxLength: 3 },
      ),
    },
    { requiredKeys: [] },
  )
  .map((extra): Part => ({ id: 'c', type: 'compaction', text: 'sum', ...extra }))

const anyMessage = fc.record({
  role: fc.constantFrom<Role>('user', 'assistant', 'assistant', 'assistant', 'tool', 'tool', 'system'),
  parts: fc.array(fc.oneof({ weight: 25, arbitrary: anyPart }, { weight: 1, arbitrary: anyCompaction }), {
    maxLength: 5,
  }),
  late: fc.oneof({ weight: 9, arbitrary: fc.constant(0) }, { weight: 1, arbitrary: fc.constant(10) }),
  extra: fc.record(
    {
      status: fc.constantFrom<Message['status']>('completed', 'completed', 'failed', 'in_progress'),
      audience: fc.constantFrom<'user' | 'model'>('model', 'user'),
      author: fc.constantFrom('ann', 'bob'),
      to: fc.constantFrom('ann', 'bob'),
    },
    { requiredKeys: [] },
  ),
})
const anyPath = fc.array(anyMessage, { maxLength: 20 }).map((items) =>
  items.map(({ role, parts, late, extra }, at) => {
    const created = 1000 + at + late
    const marked = parts.map((part): Part =>
      part.type === 'text' && part.text !== '' ? { ...part, text: `text ${at}` } : part,
    )
    return message(String(at), role, marked, { time: { created, updated: created }, ...extra })
  }),
)

function isApplicable(item: Message): boolean {
  const isFinished = item.status === 'completed' && item.audience !== 'user' && item.to === undefined
  return isFinished && item.parts.some((part) => part.type === 'compaction')
}

function isDeepFrozen(value: unknown): boolean {
  if (typeof value !== 'object' || value === null) return true
  return Object.isFrozen(value) && Object.values(value).every(isDeepFrozen)
}

/** What every provider demands, see the doc comment of src/context.ts. */
function assertValid(messages: readonly Message[]): void {
  const used = new Set<string>()
  let waiting = new Set<string>()
  for (const item of messages) {
    expect(item.parts.length).toBeGreaterThan(0)
    if (item.role === 'tool') expect(item.parts.some((part) => part.type === 'tool-result')).toBe(true)
    else expect([...waiting]).toEqual([])
    if (item.role !== 'tool') waiting = new Set()
    for (const part of item.parts) {
      expect(['text', 'reasoning', 'file', 'data', 'tool-call', 'tool-result']).toContain(part.type)
      if (part.type === 'tool-call') {
        expect(item.role).toBe('assistant')
        expect(used.has(part.callId)).toBe(false)
        used.add(part.callId)
        waiting.add(part.callId)
      }
      if (part.type === 'tool-result') expect(waiting.delete(part.callId)).toBe(true)
    }
  }
  expect([...waiting]).toEqual([])
  expect(isDeepFrozen(messages)).toBe(true)
}
