import * as fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { isFoldlogError } from '../src/errors.ts'
import { Fold } from '../src/fold.ts'
import type { Json, JsonObject } from '../src/json.ts'
import { eventsOf, type InnerEvent, type Line } from '../src/line.ts'
import type { Message, Part } from '../src/message.ts'
import { contextIn, messagesOf, siblingsOf, turnsIn } from '../src/views.ts'
import {
  chaos,
  conversations,
  copy,
  deliver,
  eventId,
  linearConversations,
  lineSets,
  namesIn,
  orderlyChaos,
  rounds,
  seeds,
  Writer,
} from './support/events.ts'
import { ids, isEffective, modelOf, Replica, replicaOf, stateOf } from './support/model.ts'

function seen(replica: Replica, lines: readonly Line[]): object {
  const { messages, calls } = namesIn(lines)
  return stateOf(replica, messages, calls)
}

function isDeepFrozen(value: unknown): boolean {
  if (typeof value !== 'object' || value === null) return true
  return Object.isFrozen(value) && Object.values(value).every(isDeepFrozen)
}

/** A fold of events given as type and data, in order. */
function foldOf(...events: readonly (readonly [string, object])[]): Fold {
  const fold = new Fold('space', 'session')
  for (const [at, [type, data]] of events.entries()) fold.apply({ id: eventId(at + 1), type, data: data as Json })
  return fold
}

const text = (content: string): readonly Part[] => [{ id: 'p', type: 'text', text: content }]
const message = (id: string, extra: object = {}): readonly [string, object] => [
  'message.created',
  { id, turnId: id, role: 'user', status: 'completed', parts: text(`text of ${id}`), ...extra },
]
const pathIds = (fold: Fold): string[] => ids(messagesOf(fold))

/** What someone sees who has all lines of some writers. */
function merged(...writers: readonly Writer[]): Fold {
  return replicaOf(writers.flatMap(({ written }) => written)).fold
}

/** Two writers who both have a question and its answer. */
function pair(): [Writer, Writer] {
  const [a, b] = [new Writer(1), new Writer(2)]
  a.add(10, [{ id: 'q', text: 'question' }])
  a.add(20, [{ id: 'a', role: 'assistant', text: 'answer' }])
  b.hear(a.written)
  return [a, b]
}

const call = (callId: string): Part => ({ id: callId, type: 'tool-call', callId, name: 'look', input: {} })
const result = (callId: string): Part => ({ id: callId, type: 'tool-result', callId, name: 'look' })
const assistant = (id: string, parts: readonly Part[], extra: object = {}): readonly [string, object] =>
  message(id, { role: 'assistant', turnId: 'q', parts, ...extra })

const status = (...events: readonly (readonly [string, object])[]): string => foldOf(...events).info(0).status

describe('laws', () => {
  test('a set of lines means what the format says', () => {
    fc.assert(
      fc.property(lineSets, (lines) => {
        const { messages, calls } = namesIn(lines)
        expect(seen(replicaOf(lines), lines)).toEqual(modelOf(lines, messages, calls))
      }),
      rounds(2),
    )
  })

  test('3 4 any order and any duplication of the lines folds to the same state', () => {
    fc.assert(
      fc.property(lineSets, seeds, (lines, order) => {
        expect(seen(replicaOf(deliver(lines, order)), lines)).toEqual(seen(replicaOf(lines), lines))
      }),
      rounds(3),
    )
  })

  test('3 folding one by one, looking after each, equals folding all at once in order', () => {
    fc.assert(
      fc.property(lineSets, seeds, (lines, order) => {
        const replica = new Replica()
        for (const each of deliver(lines, order)) {
          replica.add(each)
          seen(replica, lines)
        }
        const fold = new Fold('space', 'session')
        for (const counted of replica.lines.counted()) {
          if (isEffective(counted.line, counted.event)) fold.apply(copy(counted.event))
        }
        const atOnce = Object.assign(new Replica(), { lines: replica.lines, fold })
        expect(seen(replica, lines)).toEqual(seen(atOnce, lines))
      }),
      rounds(),
    )
  })

  test('3 folding any part of the lines and then the rest equals folding all', () => {
    fc.assert(
      fc.property(lineSets, seeds, fc.nat(), (lines, order, seed) => {
        const dealt = deliver(lines, order)
        const cut = seed % (dealt.length + 1)
        const replica = replicaOf(dealt.slice(0, cut))
        seen(replica, lines)
        for (const each of dealt.slice(cut)) replica.add(each)
        expect(seen(replica, lines)).toEqual(seen(replicaOf(lines), lines))
      }),
      rounds(),
    )
  })

  test('4 lines that are there already change nothing: everything seen is the same object', () => {
    fc.assert(
      fc.property(conversations, (lines) => {
        const replica = replicaOf(lines)
        const { fold } = replica
        const [info, all] = [fold.info(0), fold.all()]
        for (const each of lines) expect(replica.lines.add(copy(each)).effect).toBe('none')
        expect(replica.fold).toBe(fold)
        expect(fold.info(0)).toBe(info)
        expect(fold.all().every((each, at) => each === all[at])).toBe(true)
      }),
      rounds(0.5),
    )
  })

  test('the state at an event is that of the events up to it, whatever came later', () => {
    fc.assert(
      fc.property(orderlyChaos, fc.nat(), (lines, seed) => {
        const upTo = lines.slice(0, seed % (lines.length + 1))
        const late = replicaOf(upTo.toReversed())
        expect(seen(late, lines)).toEqual(seen(replicaOf(upTo), lines))
      }),
      rounds(0.5),
    )
  })

  test('a message that an event does not name is the same object before and after it', () => {
    fc.assert(
      fc.property(fc.oneof(conversations, orderlyChaos), seeds, (lines, order) => {
        const fold = new Fold('space', 'session')
        const events = deliver(lines, order).flatMap((each) =>
          eventsOf(each)
            .filter((event) => isEffective(each, event))
            .map((event): readonly [Line, InnerEvent] => [each, event]),
        )
        const known = new Set<string>()
        for (const [, event] of events) {
          if (known.has(event.id)) continue
          known.add(event.id)
          const before = new Map(fold.all().map((each) => [each.id, each]))
          fold.apply(event)
          const { id, messageId, ids: deleted } = event.data as { id?: string; messageId?: string; ids?: string[] }
          const named = new Set([id, messageId, ...(deleted ?? [])])
          for (const each of fold.all())
            if (!named.has(each.id) && before.has(each.id)) expect(each).toBe(before.get(each.id))
        }
      }),
      rounds(0.5),
    )
  })

  test('everything handed out is frozen, all the way down', () => {
    fc.assert(
      fc.property(lineSets, (lines) => {
        const { fold } = replicaOf(lines)
        // Each of a fold of its own, so that no view is frozen by another.
        for (const view of [
          (each: Fold) => each.info(3),
          messagesOf,
          turnsIn,
          contextIn,
          (each: Fold) => Object.freeze(each.all()),
        ]) {
          expect(isDeepFrozen(view(replicaOf(copy(lines)).fold))).toBe(true)
        }
        for (const { id } of fold.all()) {
          expect(isDeepFrozen(siblingsOf(fold, id))).toBe(true)
          expect(isDeepFrozen(messagesOf(fold, { branch: id, audience: 'user' }))).toBe(true)
        }
      }),
      rounds(0.5),
    )
  })

  test('the views of any fold agree with each other', () => {
    fc.assert(
      fc.property(lineSets, fc.nat(6), (lines, limit) => {
        const { fold } = replicaOf(lines)
        const path = messagesOf(fold)
        expect(fold.head()).toBe(path.at(-1)?.id)
        expect(messagesOf(fold, { limit })).toEqual(limit === 0 ? [] : path.slice(-limit))
        expect(ids(messagesOf(fold, { all: true }))).toEqual(ids(fold.all()))
        expect(turnsIn(fold).flatMap((turn) => turn.messages)).toEqual(path)
        for (const [at, { id }] of path.entries()) {
          expect(messagesOf(fold, { before: id })).toEqual(path.slice(0, at))
          expect(messagesOf(fold, { before: id, limit: 1 })).toEqual(path.slice(0, at).slice(-1))
        }
        const all = fold.all()
        for (const [at, { id }] of all.entries()) {
          expect(messagesOf(fold, { all: true, before: id })).toEqual(all.slice(0, at))
          expect(messagesOf(fold, { branch: id }).some((each) => each.id === id)).toBe(true)
          expect(siblingsOf(fold, id).some((each) => each.id === id)).toBe(true)
        }
      }),
      rounds(0.5),
    )
  })
})

describe('turns', () => {
  test('of concurrent linear writers all stay visible, on one path', () => {
    fc.assert(
      fc.property(linearConversations, (lines) => {
        const { fold } = replicaOf(lines)
        expect(pathIds(fold).sort()).toEqual(ids(fold.all()).sort())
        expect(fold.info(0).branchCount).toBe(fold.all().length === 0 ? 0 : 1)
      }),
      rounds(),
    )
  })

  test('the messages of a turn are adjacent on every path, also if another turn interleaves in time', () => {
    fc.assert(
      fc.property(lineSets, (lines) => {
        const { fold } = replicaOf(lines)
        for (const path of [messagesOf(fold), ...fold.all().map(({ id }) => messagesOf(fold, { branch: id }))]) {
          const runs = path.filter(({ turnId }, at) => path[at - 1]?.turnId !== turnId)
          expect(new Set(runs.map(({ turnId }) => turnId)).size).toBe(runs.length)
        }
      }),
      rounds(0.5),
    )
    const [a, b] = pair()
    const call = { type: 'tool-call', callId: 'c', name: 'look', input: {} } as const
    a.add(30, [{ id: 'q1', text: 'look' }])
    a.add(31, [{ id: 'call', role: 'assistant', parts: [call] }])
    b.add(32, [{ id: 'q2', text: 'meanwhile' }])
    a.add(33, [{ id: 'result', role: 'tool', parts: [{ type: 'tool-result', callId: 'c', name: 'look' }] }])
    b.add(34, [{ id: 'a2', role: 'assistant', text: 'done' }])
    a.add(35, [{ id: 'a1', role: 'assistant', text: 'seen' }])
    expect(pathIds(merged(a, b))).toEqual(['q', 'a', 'q1', 'call', 'result', 'a1', 'q2', 'a2'])
  })

  test('undo to a question and answering again gives the question and the new answer only', () => {
    const [a] = pair()
    a.add(30, [{ id: 'q2', text: 'more' }])
    a.set(40, { head: 'q' })
    expect(a.path()).toEqual(['q'])
    a.add(50, [{ id: 'again', role: 'assistant', text: 'better' }])
    expect(pathIds(merged(a))).toEqual(['q', 'again'])
    expect(ids(siblingsOf(merged(a), 'again'))).toEqual(['a', 'again'])
  })

  test('undoing everything begins anew, and the old beginning is a sibling of the new one', () => {
    const [a] = pair()
    a.set(30, { head: null })
    expect(a.path()).toEqual([])
    expect(merged(a).info(0)).not.toHaveProperty('head')
    a.add(40, [{ id: 'new', text: 'anew' }])
    expect(pathIds(merged(a))).toEqual(['new'])
    expect(ids(siblingsOf(merged(a), 'new'))).toEqual(['q', 'new'])
  })

  test('regenerating keeps the old answer reachable', () => {
    const [a] = pair()
    a.add(30, [{ id: 'again', role: 'assistant', parentId: 'q', text: 'better' }])
    const fold = merged(a)
    expect(pathIds(fold)).toEqual(['q', 'again'])
    expect(ids(siblingsOf(fold, 'again'))).toEqual(['a', 'again'])
    expect(ids(messagesOf(fold, { branch: 'a' }))).toEqual(['q', 'a'])
    expect(fold.info(0)).toMatchObject({ branchCount: 2, messageCount: 3, turnCount: 2 })
  })

  test('who went on after the old answer meanwhile stays with it, as the active branch', () => {
    const [a, b] = pair()
    a.add(30, [{ id: 'again', role: 'assistant', parentId: 'q', text: 'better' }])
    b.add(40, [{ id: 'more', text: 'go on' }])
    b.add(50, [{ id: 'more-a', role: 'assistant', text: 'went on' }])
    expect(pathIds(merged(a, b))).toEqual(['q', 'a', 'more', 'more-a'])
    expect(ids(messagesOf(merged(a, b), { branch: 'again' }))).toEqual(['q', 'again'])
  })

  test('who went on after the old answer before it was regenerated is on the branch that is not active', () => {
    const [a, b] = pair()
    b.add(30, [{ id: 'more', text: 'go on' }])
    a.add(40, [{ id: 'again', role: 'assistant', parentId: 'q', text: 'better' }])
    expect(pathIds(merged(a, b))).toEqual(['q', 'again'])
    expect(ids(messagesOf(merged(a, b), { branch: 'more' }))).toEqual(['q', 'a', 'more'])
  })

  test('two clones that both went on merge into turns in the order of time', () => {
    const [a, b] = pair()
    a.add(30, [{ id: 'a1', text: 'one' }])
    b.add(31, [{ id: 'b1', text: 'two' }])
    b.add(32, [{ id: 'b1-a', role: 'assistant', text: 'of two' }])
    a.add(33, [{ id: 'a1-a', role: 'assistant', text: 'of one' }])
    a.add(34, [{ id: 'a2', text: 'three' }])
    b.add(35, [{ id: 'b2', text: 'four' }])
    expect(pathIds(merged(a, b))).toEqual(['q', 'a', 'a1', 'a1-a', 'b1', 'b1-a', 'a2', 'b2'])
  })

  test('a parent that is nowhere attaches at the implicit place and is reported', () => {
    const fold = foldOf(message('q'), message('lost', { parentId: 'nobody' }), message('next'))
    expect(pathIds(fold)).toEqual(['q', 'lost', 'next'])
    expect([...fold.tree.dangling]).toEqual(['lost'])
  })

  test('parents that name each other are no circle', () => {
    const fold = foldOf(
      message('a', { parentId: 'b' }),
      message('b', { parentId: 'a' }),
      message('c', { parentId: 'c' }),
    )
    expect(pathIds(fold)).toEqual(['a', 'b', 'c'])
    expect([...fold.tree.dangling]).toEqual(['a', 'c'])
    expect(ids(messagesOf(fold, { branch: 'a' }))).toEqual(['a', 'b', 'c'])
  })
})

describe('a message', () => {
  test('whose changes come before it takes them in when it comes', () => {
    const [type, data] = message('m', { model: 'old' })
    const fold = foldOf(
      ['message.updated', { id: 'm', model: 'new' }],
      ['part.updated', { messageId: 'm', partId: 'x', part: { id: 'x', type: 'text', text: 'late' } }],
    )
    expect([fold.message('m'), fold.node('m'), fold.info(0).messageCount]).toEqual([undefined, undefined, 0])
    fold.apply({ id: eventId(0), type, data: data as Json })
    expect(fold.message('m')).toMatchObject({ model: 'new', parts: [{ id: 'p' }, { id: 'x', text: 'late' }] })
  })

  test('that was deleted before it came never shows, and what hangs below it does', () => {
    const fold = foldOf(['message.deleted', { ids: ['m', 'nobody'] }], message('m'), message('n', { parentId: 'm' }))
    expect(pathIds(fold)).toEqual(['n'])
    expect(fold.isDeleted('m')).toBe(true)
    expect(fold.info(0)).toMatchObject({ messageCount: 1, turnCount: 1, branchCount: 1 })
    expect(fold.tree.parent(fold.node('n')!)?.id).toBe('m')
  })

  test('stays deleted when it is created again', () => {
    const gone = ['message.deleted', { ids: ['m', 'm'] }] as const
    const fold = foldOf(message('m'), gone, message('m'), ['message.updated', { id: 'm', to: 'x' }], gone)
    expect([pathIds(fold), fold.message('m'), fold.info(0).messageCount]).toEqual([[], undefined, 0])
  })

  test('that is created again keeps its place and its created time', () => {
    const fold = foldOf(
      message('q'),
      message('a', { turnId: 'q' }),
      message('q', { turnId: 'other', parts: text('edited') }),
    )
    expect(pathIds(fold)).toEqual(['q', 'a'])
    expect(fold.message('q')).toMatchObject({ turnId: 'q', parts: text('edited') })
    const { created, updated } = fold.message('q')!.time
    expect(updated - created).toBe(2)
  })

  test('an unknown field that is null is the same whichever of two creations comes first', () => {
    const [older, newer] = [message('m', { extra: 1 }), message('m', { extra: null })]
    const events = [older, newer].map(([type, data], at) => ({ id: eventId(at), type, data: data as Json }))
    const [straight, reversed] = [events, events.toReversed()].map((all) => {
      const fold = new Fold('space', 'session')
      for (const each of all) fold.apply(each)
      return fold.message('m')
    })
    expect(straight).toHaveProperty('extra', null)
    expect(reversed).toEqual(straight)
  })
})

describe('info', () => {
  test('of nothing says so', () => {
    expect(new Fold('space', 'session').info(2)).toEqual({
      id: 'session',
      namespace: 'space',
      vars: {},
      metadata: {},
      time: { created: 0, updated: 0 },
      status: 'idle',
      messageCount: 0,
      turnCount: 0,
      branchCount: 0,
      usage: {},
      preview: '',
      lastEventId: '',
      damage: 2,
    })
  })

  test('is the same object while nothing changes', () => {
    const fold = foldOf(message('q'))
    const info = fold.info(0)
    expect(fold.info(0)).toBe(info)
    expect(fold.info(1)).toEqual({ ...info, damage: 1 })
    fold.apply({ id: eventId(9), type: 'todo.added', data: 1 })
    expect(fold.info(1)).toEqual({
      ...info,
      damage: 1,
      lastEventId: eventId(9),
      time: { ...info.time, updated: info.time.created + 8 },
    })
  })

  test('the status is that of the last turn', () => {
    expect(status(message('q'))).toBe('idle')
    expect(status(message('q'), assistant('a', [], { status: 'in_progress' }))).toBe('running')
    expect(status(message('q'), assistant('a', [], { status: 'in_progress' }), message('q2'))).toBe('idle')
    expect(status(message('q'), assistant('a', [], { status: 'failed' }))).toBe('failed')
    expect(status(message('q'), assistant('a', [call('c')]))).toBe('awaiting')
    expect(status(message('q'), assistant('a', [call('c')]), assistant('r', [result('c')]))).toBe('idle')
    expect(status(message('q'), assistant('a', [call('c')]), assistant('r', [result('d')]))).toBe('awaiting')
    expect(status(message('q'), assistant('a', [call('c')], { status: 'incomplete' }))).toBe('idle')
    const done = [message('q'), assistant('a', [call('c')]), assistant('r', [result('c')])] as const
    expect(status(...done, ['session.updated', { head: 'a' }])).toBe('awaiting')
    expect(status(message('p'), assistant('a', [call('c')], { turnId: 'p' }), message('q'))).toBe('idle')
    expect(status(message('q'), assistant('a', [call('c')]), ['message.deleted', { ids: ['a'] }])).toBe('idle')
  })

  test('a call whose result is in another turn is not waited for', () => {
    const events = [
      message('q'),
      assistant('a', [call('c')]),
      message('r', { role: 'tool', parts: [result('c')], parentId: 'a' }),
    ]
    expect(foldOf(...events).info(0).status).toBe('idle')
    expect(foldOf(...events.slice(0, 2)).info(0).status).toBe('awaiting')
    // What an older question still waits for does not matter.
    const older = [message('p'), assistant('o', [call('x')], { turnId: 'p' })]
    expect(foldOf(...older, ...events).info(0).status).toBe('idle')
  })

  test('usage is summed over all messages that are not deleted, and is exact in any order', () => {
    const costs = Array.from({ length: 50 }, (_, at) => (at * 7919) / 1e6)
    const events = costs.map((costUsd, at) =>
      message(`m${at}`, { usage: { costUsd, inputTokens: at, details: { x: 1 } } }),
    )
    const total = foldOf(...events).info(0).usage
    expect(total).toEqual({ inputTokens: 1225, costUsd: (1225 * 7919) / 1e6 })
    const again = foldOf(...events.toReversed(), ['message.updated', { id: 'm1', usage: { costUsd: 9 } }])
    expect(again.info(0).usage.costUsd).toBeCloseTo(total.costUsd! + 9 - 0.007919, 9)
    const without = foldOf(
      ...events,
      ['message.updated', { id: 'm3', usage: null }],
      ['message.deleted', { ids: ['m2'] }],
    )
    expect(without.info(0).usage.inputTokens).toBe(1220)
  })

  test('the preview is the first text of a user, and follows it when it changes', () => {
    const fold = foldOf(
      message('s', { role: 'system' }),
      message('hidden', { audience: 'model' }),
      message('blank', { parts: text('  ') }),
      message('q'),
      message('q2'),
    )
    expect(fold.info(0).preview).toBe('text of q')
    const change = (ms: number, type: string, data: Json): string => {
      fold.apply({ id: eventId(100 + ms), type, data })
      return fold.info(0).preview
    }
    expect(
      change(0, 'part.updated', { messageId: 'q', partId: 'p', part: { id: 'p', type: 'text', text: 'new' } }),
    ).toBe('new')
    expect(change(1, 'part.updated', { messageId: 'q', partId: 'p', part: null })).toBe('text of q2')
    expect(change(2, 'message.updated', { id: 'hidden', audience: null })).toBe('text of hidden')
    expect(change(3, 'message.updated', { id: 'hidden', role: 'assistant' })).toBe('text of q2')
    expect(change(4, 'message.deleted', { ids: ['q2'] })).toBe('')
    expect(change(5, 'message.updated', { id: 's', role: 'user' })).toBe('text of s')
    expect(foldOf(message('q', { parts: text(`  ${'ä'.repeat(199)}😀`) })).info(0).preview).toBe(
      `${'ä'.repeat(199)}\uFFFD`,
    )
  })

  test('a head is only moved by an update, not by a creation', () => {
    expect(foldOf(message('q'), message('q2'), ['session.created', { head: 'q' }]).info(0).head).toBe('q2')
    expect(foldOf(message('q'), message('q2'), ['session.updated', { head: 'q' }]).info(0).head).toBe('q')
  })

  test('archived says when, also if the session was created so', () => {
    const fold = foldOf(['session.created', { title: 't' }], ['session.updated', { archived: true }], message('q'))
    expect(fold.info(0).time.archived).toBe(fold.info(0).time.created + 1)
    fold.apply({ id: eventId(9), type: 'session.updated', data: { archived: false } })
    expect(fold.info(0).time).not.toHaveProperty('archived')
    const born = foldOf(['session.created', { archived: true }])
    expect(born.info(0).time.archived).toBe(born.info(0).time.created)
  })

  test('branches do not count what is deleted', () => {
    const fold = foldOf(message('q'), assistant('a', []), message('b', { role: 'assistant', parentId: 'q' }))
    expect(fold.info(0).branchCount).toBe(2)
    fold.apply({ id: eventId(9), type: 'message.deleted', data: { ids: ['a'] } })
    expect(fold.info(0).branchCount).toBe(1)
  })

  test('a result belongs to the turn of the newest call of its id, whatever came or changed last', () => {
    const fold = foldOf(message('q1'), message('q2'))
    const create = (ms: number, id: string, turnId: string): void => {
      const [type, data] = message(id, { role: 'assistant', turnId, parts: [call('c')] })
      fold.apply({ id: eventId(ms), type, data: data as Json })
    }
    create(12, 'a2', 'q2')
    create(11, 'a1', 'q1')
    expect(fold.turnOfCall('c')?.id).toBe('q2')
    fold.apply({ id: eventId(20), type: 'message.updated', data: { id: 'a1', finishReason: 'stop' } })
    expect(fold.turnOfCall('c')?.id).toBe('q2')
    fold.apply({ id: eventId(21), type: 'part.updated', data: { messageId: 'a2', partId: 'c', part: null } })
    expect(fold.turnOfCall('c')?.id).toBe('q1')
    fold.apply({ id: eventId(22), type: 'message.deleted', data: { ids: ['a1'] } })
    expect(fold.turnOfCall('c')).toBeUndefined()
  })
})

describe('the call of a result', () => {
  test.for([10, 1000])(
    'is the newest of its id, in a conversation of %i messages that goes straight on and in one that does not',
    (count) => {
      const turns = Array.from({ length: count }, (_, i) => [
        message(`q${i}`),
        message(`a${i}`, { role: 'assistant', turnId: `q${i}`, parts: [call(`c${i}`), call('same')] }),
      ]).flat()
      const straight = foldOf(...turns)
      const branched = foldOf(...turns, ['session.updated', { head: `a${count - 1}` }])
      expect([straight.isStraight, branched.isStraight]).toEqual([true, false])
      for (const fold of [straight, branched]) {
        expect(fold.turnOfCall('same')?.id).toBe(`q${count - 1}`)
        expect(fold.turnOfCall('c0')?.id).toBe('q0')
        expect(fold.turnOfCall('none')).toBeUndefined()
      }
    },
  )

  test('whose id is older than what it came after is not taken for the newest', () => {
    const fold = foldOf(message('q1'), message('q2'))
    const create = (ms: number, id: string, fields: object): void => {
      const [type, data] = message(id, fields)
      fold.apply({ id: eventId(ms), type, data: data as Json })
    }
    create(20, 'a2', { role: 'assistant', turnId: 'q2', parts: [call('c')] })
    create(15, 'q3', { parentId: 'a2' })
    create(16, 'a3', { role: 'assistant', turnId: 'q3', parts: [call('c')] })
    expect(fold.turnOfCall('c')?.id).toBe('q2')
  })
})

describe('views', () => {
  test('paging backwards goes on from a message that was deleted meanwhile', () => {
    const fold = foldOf(message('a'), message('b'), message('c'), ['message.deleted', { ids: ['b'] }])
    expect(ids(messagesOf(fold, { before: 'b' }))).toEqual(['a'])
    expect(ids(messagesOf(fold, { before: 'b', all: true }))).toEqual(['a'])
    expect(ids(messagesOf(fold, { before: 'b', audience: 'user' }))).toEqual(['a'])
  })

  test('an audience sees what is for it or for both', () => {
    const fold = foldOf(message('u', { audience: 'user' }), message('m', { audience: 'model' }), message('b'))
    expect(ids(messagesOf(fold, { audience: 'user' }))).toEqual(['u', 'b'])
    expect(ids(messagesOf(fold, { audience: 'model' }))).toEqual(['m', 'b'])
    expect(ids(messagesOf(fold, { audience: 'user', limit: 1 }))).toEqual(['b'])
    expect(ids(messagesOf(fold, { audience: 'user', limit: 0 }))).toEqual([])
  })

  test('a message that is not there is refused by its code', () => {
    const fold = foldOf(message('q'))
    for (const look of [
      () => messagesOf(fold, { branch: 'x' }),
      () => messagesOf(fold, { before: 'x' }),
      () => siblingsOf(fold, 'x'),
    ]) {
      let error: unknown
      try {
        look()
      } catch (thrown) {
        error = thrown
      }
      expect(isFoldlogError(error, 'NOT_FOUND')).toBe(true)
    }
  })
})

describe('hostile events', () => {
  test('__proto__ and constructor as ids, keys and fields are inert', () => {
    const bait = JSON.parse(
      '{"__proto__":{"polluted":true},"constructor":{"prototype":{"polluted":true}}}',
    ) as JsonObject
    const fold = foldOf(
      ['session.created', { ...bait, vars: bait, metadata: bait }],
      ['session.updated', { vars: bait, metadata: bait, __proto__: null }],
      message('__proto__', { turnId: '__proto__', ...bait, metadata: bait }),
      message('constructor', { turnId: 'constructor', parentId: '__proto__', after: 'toString' }),
      ['message.updated', { id: '__proto__', ...bait }],
      [
        'part.updated',
        { messageId: 'constructor', partId: '__proto__', part: { id: '__proto__', type: 'text', text: 'x' } },
      ],
      ['message.deleted', { ids: ['toString', 'hasOwnProperty'] }],
    )
    expect(pathIds(fold)).toEqual(['__proto__', 'constructor'])
    const info = fold.info(0)
    expect(JSON.stringify(info.vars)).toBe(JSON.stringify(bait))
    expect(Object.getPrototypeOf(info)).toBe(Object.prototype)
    expect(Object.getPrototypeOf(fold.message('__proto__'))).toBe(Object.prototype)
    expect([fold.message('toString'), fold.message('valueOf'), fold.node('valueOf')]).toEqual([
      undefined,
      undefined,
      undefined,
    ])
    expect(({} as { polluted?: boolean }).polluted).toBeUndefined()
  })

  test('20,000 turns of which all but the first are deleted are looked at without recursion', () => {
    const fold = new Fold('space', 'session')
    const names = Array.from({ length: 20_000 }, (_, at) => `m${at}`)
    for (const [at, id] of names.entries()) {
      const [type, data] = message(id)
      fold.apply({ id: eventId(at), type, data: data as Json })
    }
    fold.apply({ id: eventId(30_000), type: 'message.deleted', data: { ids: names.slice(1) } })
    expect(fold.info(0)).toMatchObject({ messageCount: 1, turnCount: 1, branchCount: 1, head: 'm0' })
    expect(pathIds(fold)).toEqual(['m0'])
    expect(ids(messagesOf(fold, { branch: 'm19999' }))).toEqual(['m0'])
  })

  test('usage that is absurd hides nothing else', () => {
    const fold = foldOf(message('a', { usage: { inputTokens: 1e300 } }), message('b', { usage: { inputTokens: 7 } }))
    fold.apply({ id: eventId(9), type: 'message.deleted', data: { ids: ['a'] } })
    expect(fold.info(0).usage).toEqual({ inputTokens: 7 })
  })

  test('parts of unknown types and without fields are kept as they are', () => {
    const part = { id: 'h', type: 'hologram', beams: [1, { deep: null }] }
    const fold = foldOf(message('q', { parts: [part] }))
    expect(fold.message('q')?.parts as unknown).toEqual([part])
    expect(contextIn(fold)).toEqual([])
  })

  test('chaos never throws, whatever is asked', () => {
    fc.assert(
      fc.property(chaos, (lines) => {
        const { fold } = replicaOf(lines)
        const all: readonly Message[] = fold.all()
        for (const { id } of all) contextIn(fold, { role: id })
        expect(isDeepFrozen(contextIn(fold))).toBe(true)
      }),
      rounds(0.5),
    )
  })
})
