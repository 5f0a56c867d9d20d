/** `session.send`: a question, a responder, a finished turn. On files and in memory. */
import { describe, expect, onTestFinished, test } from 'vitest'
import { memoryBackend } from '../../src/backends/memory.ts'
import {
  Bus,
  FoldlogError,
  latest,
  type Backend,
  type Message,
  type Part,
  type Responder,
  type SendEvent,
  type SendOptions,
  type Session,
  type Store,
  type StoreOptions,
} from '../../src/index.ts'
import { freshFolder, open } from '../support/store.ts'
import { filesIn } from '../support/store.ts'

const ids = (messages: readonly Message[]): string[] => messages.map(({ id }) => id)
const textOf = ({ parts }: Message): string => parts.map((part) => (part.type === 'text' ? part.text : '')).join('')
const shape = (messages: readonly Message[]): unknown[] =>
  messages.map(({ role, status, ...message }) => [role, status, textOf({ role, status, ...message })])

/** A promise, and the way to keep it. */
function later<T = void>(): { readonly promise: Promise<T>; readonly resolve: (value: T) => void } {
  let resolve: (value: T) => void = () => {}
  const promise = new Promise<T>((keep) => (resolve = keep))
  return { promise, resolve }
}

async function place(of: string | Backend, options: StoreOptions = {}): Promise<Store> {
  return open(of, { fsync: 'never', bus: new Bus(), ...options })
}

/** Everything a call heard, shortened. */
function hear(): { readonly onEvent: (event: SendEvent) => void; readonly heard: unknown[] } {
  const heard: unknown[] = []
  const onEvent = (event: SendEvent): void => {
    if (event.type === 'part.delta') heard.push([event.type, event.delta ?? 'part'])
    else heard.push(event.type)
  }
  return { onEvent, heard }
}

describe.each([
  ['files', freshFolder],
  ['memory', memoryBackend],
])('in %s', (_, fresh: () => string | Backend) => {
  async function session(respond?: Responder): Promise<Session> {
    return (await place(fresh(), respond === undefined ? {} : { respond })).create()
  }

  test('a responder that sets the status of its answer while that grows loses nothing it has said', async () => {
    const asking = await session()
    const { onEvent, heard } = hear()
    const turn = await asking.send('why', {
      onEvent,
      async *respond({ answerId }) {
        yield 'half '
        await asking.update(answerId, { status: 'completed' })
        yield 'an answer'
      },
    })
    expect(shape(turn.messages)).toEqual([
      ['user', 'completed', 'why'],
      ['assistant', 'completed', 'half an answer'],
    ])
    expect(shape(await asking.messages())).toEqual(shape(turn.messages))
    expect(turn.messages[1]).not.toHaveProperty('lease')
    expect(heard.at(-1)).toBe('turn.completed')
    expect((await asking.send('next', { respond: () => 'fine' })).status).toBe('completed')
  })

  test('a turn whose answer is removed meanwhile has none, and turn.failed says why', async () => {
    const asking = await session()
    const errors: unknown[] = []
    const turn = await asking.send('why', {
      onEvent: (event) => event.type === 'turn.failed' && errors.push(event.error),
      respond: ({ answerId }) => asking.remove(answerId).then(() => 'nobody hears it'),
    })
    expect([turn.status, shape(turn.messages)]).toEqual(['pending', [['user', 'completed', 'why']]])
    expect(errors).toMatchObject([{ code: 'CLOSED' }])
  })

  test('a generator answers: what it yields is told as it comes and in the log at the end', async () => {
    const store = await place(fresh(), {
      async *respond({ question, session: asked, turnId, answerId }) {
        yield `You said ${textOf(question)}`
        expect(await asked.message(answerId)).toMatchObject({ status: 'in_progress', turnId })
        expect(asked.info.status).toBe('running')
        yield '.'
        return { usage: { inputTokens: 3, outputTokens: 4 }, model: 'm', finishReason: 'stop' }
      },
    })
    const asked = await store.create()
    const { onEvent, heard } = hear()
    const turn = await asked.send('hello', { onEvent })
    expect(shape(turn.messages)).toEqual([
      ['user', 'completed', 'hello'],
      ['assistant', 'completed', 'You said hello.'],
    ])
    expect(turn).toMatchObject({ status: 'completed', usage: { inputTokens: 3, outputTokens: 4 } })
    expect(turn.messages[1]).toMatchObject({ model: 'm', finishReason: 'stop' })
    expect(turn.messages[1]).not.toHaveProperty('lease')
    expect(await asked.turns()).toEqual([turn])
    expect(asked.info).toMatchObject({ status: 'idle', usage: { inputTokens: 3, outputTokens: 4 } })
    expect(heard).toEqual([
      'message.created',
      'message.created',
      'turn.started',
      ['part.delta', 'You said hello'],
      ['part.delta', '.'],
      'part.updated',
      'message.updated',
      'turn.completed',
    ])
  })

  test('a function answers: a text, parts, a list, a message, or nothing', async () => {
    const asked = await session()
    const answers: [Responder, unknown][] = [
      [() => 'text', ['text']],
      [async () => ['a', 'b', { type: 'data', name: 'd', data: 1 }, 'c'], ['ab', 'data', 'c']],
      [() => ({ type: 'reasoning', text: 'hm' }), ['hm']],
      [() => ({ text: 'x', parts: [{ id: 'own', type: 'text', text: 'y' }], usage: { outputTokens: 2 } }), ['x', 'y']],
      [() => {}, []],
    ]
    for (const [respond, said] of answers) {
      const turn = await asked.send('q', { respond })
      const answer = turn.messages[1]!
      expect(answer.parts.map((part) => ('text' in part ? part.text : part.type))).toEqual(said)
      expect([answer.status, turn.status]).toEqual(['completed', 'completed'])
    }
    expect(asked.info.usage).toEqual({ outputTokens: 2 })
  })

  test('what is sent and answered is the conversation the next responder sees', async () => {
    const seen: string[][] = []
    const asked = await session(async function* (request) {
      seen.push((await request.session.context()).map(textOf))
      yield `answer to ${textOf(request.question)}`
    })
    await asked.send('one')
    await asked.send({ text: 'two', author: 'Ada' })
    expect(seen).toEqual([['one'], ['one', 'answer to one', 'two']])
    expect((await asked.messages())[2]).toMatchObject({ author: 'Ada' })
  })

  test('an agent loop: calls, results and texts, each in a message of its own and in their order', async () => {
    const asked = await session(async function* ({ session: loop }) {
      yield 'Let me look. '
      yield { type: 'tool-call', callId: 'c1', name: 'look', input: {} }
      yield { role: 'tool', parts: [{ type: 'tool-result', callId: 'c1', name: 'look', output: 'a cat' }] }
      const context = await loop.context()
      expect(context.map(({ role }) => role)).toEqual(['user', 'assistant', 'tool'])
      expect(context[2]?.parts[0]).toMatchObject({ output: 'a cat' })
      expect(loop.info.status).toBe('running')
      yield 'It is '
      yield 'a cat.'
      return { usage: { outputTokens: 5 } }
    })
    const turn = await asked.send('what is it?')
    expect(shape(turn.messages)).toEqual([
      ['user', 'completed', 'what is it?'],
      ['assistant', 'completed', 'Let me look. '],
      ['tool', 'completed', ''],
      ['assistant', 'completed', 'It is a cat.'],
    ])
    expect(turn.messages.map(({ usage }) => usage)).toEqual([undefined, undefined, undefined, { outputTokens: 5 }])
    expect(turn.messages.every((message) => !('lease' in message))).toBe(true)
    expect(new Set(turn.messages.map(({ turnId }) => turnId)).size).toBe(1)
    expect(await asked.messages()).toEqual(turn.messages)
  })

  test('whole messages of several authors, with ids of their own, and no empty one is left', async () => {
    const said: Responder = function* () {
      yield { id: 'plan', author: 'Planner', to: 'Coder', text: 'do it' }
      yield { author: 'Coder', to: 'Planner', parts: [{ type: 'data', name: 'code', data: 'x = 1' }] }
      return { metadata: { steps: 2 } }
    }
    const asked = await session(said)
    const turn = await asked.send('go')
    expect(turn.messages.map(({ role, author, to }) => [role, author, to])).toEqual([
      ['user', undefined, undefined],
      ['assistant', 'Planner', 'Coder'],
      ['assistant', 'Coder', 'Planner'],
    ])
    expect([turn.messages[1]?.id, turn.messages[2]?.metadata]).toEqual(['plan', { steps: 2 }])
    expect(turn.status).toBe('completed')
    const second = await asked.send('again', {
      respond: function* () {
        yield { author: 'Planner', text: 'done', usage: { outputTokens: 1 } }
        yield { author: 'Planner', to: 'User', text: 'really' }
      },
    })
    expect(shape(second.messages).slice(1)).toEqual([
      ['assistant', 'completed', 'done'],
      ['assistant', 'completed', 'really'],
    ])
    expect(second.usage).toEqual({ outputTokens: 1 })
  })

  test('what a responder throws is data: what came is kept, and the turn is out of the context', async () => {
    const asked = await session()
    await asked.send('one', { respond: () => 'fine' })
    const failing: Responder = async function* () {
      yield 'half of '
      throw Object.assign(new Error('no answer'), { code: 'LLM' })
    }
    const { onEvent, heard } = hear()
    const turn = await asked.send('two', { respond: failing, onEvent })
    expect(turn.status).toBe('failed')
    expect(turn.messages[1]).toMatchObject({
      status: 'failed',
      error: { code: 'LLM', message: 'no answer' },
      parts: [{ type: 'text', text: 'half of ' }],
    })
    expect(heard.at(-1)).toBe('turn.failed')
    expect((await asked.context()).map(textOf)).toEqual(['one', 'fine'])
    expect(await asked.messages()).toHaveLength(4)
    expect(asked.info.status).toBe('failed')
    const next = await asked.send('three', { respond: () => 'fine again' })
    expect((await asked.context()).map(textOf)).toEqual(['one', 'fine', 'three', 'fine again'])
    expect(next.messages).toHaveLength(2)
  })

  test('a failure after a whole message is a message of its own', async () => {
    const asked = await session(async function* () {
      yield { type: 'tool-call', callId: 'c', name: 'f', input: {} }
      yield { role: 'tool', parts: [{ type: 'tool-result', callId: 'c', name: 'f', output: 1 }] }
      throw new Error('then it broke')
    })
    const turn = await asked.send('q')
    expect(turn.messages.map(({ role, status }) => [role, status])).toEqual([
      ['user', 'completed'],
      ['assistant', 'completed'],
      ['tool', 'completed'],
      ['assistant', 'failed'],
    ])
    expect([turn.status, turn.messages[3]?.error]).toEqual(['failed', { message: 'then it broke' }])
  })

  const failing: readonly (readonly [string, () => unknown, string | undefined])[] = [
    [
      'throws at once',
      (): never => {
        throw new Error('at once')
      },
      'at once',
    ],
    ['rejects', () => Promise.reject(new Error('rejected')), 'rejected'],
    [
      'throws what is no error',
      (): never => {
        throw 'a text'
      },
      'a text',
    ],
    [
      'yields a number',
      function* () {
        yield 1
      },
      'what was yielded must be an object, not 1',
    ],
    [
      'yields a part that is none',
      function* () {
        yield { type: 'tool-call', name: 'x' }
      },
      undefined,
    ],
    [
      'yields a message with a place',
      function* () {
        yield { text: 'x', parentId: null }
      },
      undefined,
    ],
    ['ends with a field that is none', () => ({ text: 'x', colour: 'red' }), undefined],
    ['ends with a lease', () => ({ lease: null }), undefined],
    ['ends with a number', () => 42, 'what was answered must be an object, not 42'],
    ['ends with null', () => null, 'what was answered must be an object, not null'],
    ['ends with a list of what is none', () => ['a', 7], 'what was yielded must be an object, not 7'],
    ['ends with parts that are no list', () => ({ parts: 7 }), 'message: parts must be an array'],
    ['ends with a part that is none', () => ({ parts: [null] }), 'part must be an object, not null'],
    ['ends with a text that is none', () => ({ text: 7 }), undefined],
    ['ends with a usage that is none', () => ({ usage: 'much' }), undefined],
    [
      'yields a message whose parts are no list',
      function* () {
        yield { parts: 7 }
      },
      'message: parts must be an array',
    ],
    [
      'yields a message whose text is none',
      function* () {
        yield { text: 7 }
      },
      undefined,
    ],
    [
      'yields what JSON cannot hold',
      function* () {
        yield { type: 'data', name: 'x', data: { big: 1n } }
      },
      undefined,
    ],
    [
      'throws nothing',
      (): never => {
        throw undefined
      },
      undefined,
    ],
  ]
  test.each(failing)('a responder that %s fails the turn', async (_name, respond, text) => {
    const asked = await session()
    const turn = await asked.send('q', { respond: respond as unknown as Responder })
    expect([turn.status, turn.messages[1]?.status]).toEqual(['failed', 'failed'])
    if (text !== undefined) expect(turn.messages[1]?.error?.message).toBe(text)
    expect(await asked.send('again', { respond: () => 'ok' })).toMatchObject({ status: 'completed' })
  })

  test('a signal cancels: what came is kept, and nobody waits for the responder', async () => {
    const asked = await session()
    const abort = new AbortController()
    const left = later()
    const hung: Responder = async function* ({ signal }) {
      try {
        yield 'one '
        yield 'two '
        signal.addEventListener('abort', () => left.resolve())
        abort.abort()
        await new Promise(() => {})
      } finally {
        left.resolve()
      }
    }
    const { onEvent, heard } = hear()
    const turn = await asked.send('q', { respond: hung, signal: abort.signal, onEvent })
    await left.promise
    expect([turn.status, shape(turn.messages)[1]]).toEqual(['cancelled', ['assistant', 'cancelled', 'one two ']])
    expect(heard.at(-1)).toBe('turn.cancelled')
    expect((await asked.context()).map(textOf)).toEqual(['q', 'one two '])
    const late = new AbortController()
    const silent = asked.send('q', { respond: () => (late.abort(), new Promise(() => {})), signal: late.signal })
    expect(await silent).toMatchObject({ status: 'cancelled' })
    const reason = new Error('not at all')
    await expect(asked.send('never', { respond: () => 'x', signal: AbortSignal.abort(reason) })).rejects.toBe(reason)
    expect(await asked.messages()).toHaveLength(4)
  })

  test('a generator that is cancelled may clean up, and what it yields then goes nowhere', async () => {
    const asked = await session()
    const abort = new AbortController()
    const cleaned = later()
    const turn = await asked.send('q', {
      signal: abort.signal,
      async *respond() {
        try {
          yield 'one'
          abort.abort()
          yield 'two'
        } finally {
          cleaned.resolve()
        }
      },
    })
    await cleaned.promise
    expect(shape(turn.messages)[1]).toEqual(['assistant', 'cancelled', 'one'])
  })

  test('one turn at a time: busy, or in the order of the calls', async () => {
    const store = await place(fresh())
    const asked = await store.create({ id: 's' })
    const other = (await store.get('s'))!
    const [started, release] = [later(), later()]
    const order: string[] = []
    const first = asked.send('one', {
      async *respond() {
        started.resolve()
        yield 'a'
        await release.promise
        order.push('one')
      },
    })
    await started.promise
    const respond: Responder = ({ question }) => void order.push(textOf(question))
    await expect(other.send('busy', { respond })).rejects.toMatchObject({ code: 'SESSION_BUSY', retriable: true })
    const second = other.send('two', { respond, queue: true })
    const abort = new AbortController()
    const gone = asked.send('gone', { respond, queue: true, signal: abort.signal })
    const third = asked.send('three', { respond, queue: true })
    await expect(asked.send('busy', { respond })).rejects.toMatchObject({ code: 'SESSION_BUSY' })
    abort.abort(new Error('not now'))
    await expect(gone).rejects.toThrow('not now')
    release.resolve()
    const turns = await Promise.all([first, second, third])
    expect(order).toEqual(['one', 'two', 'three'])
    expect(turns.map(({ status }) => status)).toEqual(['completed', 'completed', 'completed'])
    expect(ids(await asked.messages())).toEqual(turns.flatMap(({ messages }) => ids(messages)))
    expect(await asked.send('after', { respond })).toMatchObject({ status: 'completed' })
  })

  test('two handles that know nothing of each other: one turn, and the other is refused and writes nothing', async () => {
    const at = fresh()
    const store = await place(at)
    const asked = await store.create({ id: 's' })
    const other = (await (await place(at)).get('s'))!
    const [started, release] = [later(), later()]
    const running = asked.send('one', {
      async *respond() {
        started.resolve()
        await release.promise
        yield 'done'
      },
    })
    await started.promise
    await expect(other.send('two', { respond: () => 'x' })).rejects.toMatchObject({ code: 'SESSION_BUSY' })
    await expect(other.send('two', { respond: () => 'x', queue: true })).rejects.toMatchObject({ code: 'SESSION_BUSY' })
    expect(await other.messages()).toHaveLength(2)
    // All else goes on beside a turn.
    await other.set({ title: 'beside' })
    release.resolve()
    expect((await running).status).toBe('completed')
    expect((await other.send('two', { respond: () => 'x' })).status).toBe('completed')
    expect(await asked.messages()).toHaveLength(4)
    const both = await Promise.allSettled([
      asked.send('three', { respond: async () => 'x' }),
      other.send('four', { respond: async () => 'x' }),
    ])
    const won = both.filter(({ status }) => status === 'fulfilled').length
    for (const each of both) if (each.status === 'rejected') expect(each.reason).toMatchObject({ code: 'SESSION_BUSY' })
    expect(await asked.messages()).toHaveLength(4 + 2 * won)
    expect(won).toBeGreaterThan(0)
  })

  test('variables go both ways, and stay whatever becomes of the turn', async () => {
    const asked = await session(async ({ session: inside }) => {
      await inside.set({ vars: { seen: inside.info.vars['name'] ?? null, count: 1 } })
      throw new Error('after all')
    })
    await asked.set({ vars: { name: 'Ada' } })
    expect((await asked.send('q')).status).toBe('failed')
    expect(asked.info.vars).toEqual({ name: 'Ada', seen: 'Ada', count: 1 })
  })

  test('shared data, parts for one turn, and a view for each role', async () => {
    const asked = await session(async function* ({ session: inside, question }) {
      const n = textOf(question)
      const plans = latest(await inside.messages(), 'plan', { perAuthor: true })
      yield {
        author: 'Planner',
        to: 'Coder',
        text: `task ${n}`,
        parts: [{ type: 'data', name: 'plan', data: `plan ${n} after ${plans.length}` }],
      }
      const view = await inside.context({ role: 'Coder' })
      yield {
        author: 'Coder',
        to: 'Planner',
        text: `code ${n} for ${view.length}`,
        parts: [{ type: 'text', text: 'now', scope: 'turn' }],
      }
      if (n === '2') throw new Error('2 fails')
    })
    for (const n of ['1', '2', '3']) await asked.send({ text: n, author: 'User', to: 'Planner' })
    expect(latest(await asked.messages(), 'plan', { perAuthor: true }).map(({ data }) => data)).toEqual([
      'plan 3 after 1',
    ])
    expect((await asked.context({ role: 'Coder' })).map(textOf)).toEqual([
      'task 1',
      'code 1 for 1',
      'task 3',
      'code 3 for 3now',
    ])
  })

  test('a question that is there is answered anew as a branch, or its turn goes on', async () => {
    const asked = await session(({ question }) => `about ${textOf(question)}`)
    const first = await asked.send({ id: 'q', text: 'it' })
    await asked.set({ head: 'q' })
    const anew = await asked.send({ id: 'q' }, { respond: () => 'again' })
    expect(shape(anew.messages).map((message) => (message as string[])[2])).toEqual(['it', 'again'])
    expect(ids(await asked.siblings(anew.messages[1]!.id))).toEqual([first.messages[1]!.id, anew.messages[1]!.id])
    const on = await asked.send({ id: 'q' }, { respond: () => 'and on' })
    expect(shape(on.messages).map((message) => (message as string[])[2])).toEqual(['it', 'again', 'and on'])
  })

  test('a question is edited where it is, and what it was is answered no more', async () => {
    const asked = await session(({ question }) => `about ${textOf(question)}`)
    await asked.send({ id: 'q', text: 'it' })
    await asked.set({ head: 'q' })
    const { onEvent, heard } = hear()
    const turn = await asked.send({ id: 'q', text: 'that' }, { onEvent })
    expect(shape(turn.messages).map((message) => (message as string[])[2])).toEqual(['that', 'about that'])
    expect(await asked.messages()).toEqual(turn.messages)
    expect([heard[2], heard.at(-1)]).toEqual(['turn.started', 'turn.completed'])
    await asked.send('next')
    await expect(asked.send({ id: 'q' })).rejects.toMatchObject({ code: 'INVALID_EVENT', field: 'id' })
    expect(await asked.messages()).toHaveLength(4)
  })

  test('turnId names the turn, and what the responder adds itself joins it', async () => {
    const asked = await session(async ({ session: inside, turnId }) => {
      expect(turnId).toBe('conv-1')
      await inside.add({ id: 'own', role: 'assistant', audience: 'model', text: 'a note' })
      return 'ok'
    })
    const turn = await asked.send('q', { turnId: 'conv-1' })
    expect([turn.id, ids(turn.messages).at(-1)]).toEqual(['conv-1', 'own'])
    expect(turn.messages.map(({ turnId }) => turnId)).toEqual(['conv-1', 'conv-1', 'conv-1'])
  })

  test('a key asks once, and a guard refuses', async () => {
    const asked = await session()
    const questions: string[] = []
    const respond: Responder = ({ question }) => {
      questions.push(textOf(question))
      return 'ok'
    }
    const first = await asked.send('one', { respond, key: 'k' })
    expect(await asked.send('one', { respond, key: 'k' })).toEqual(first)
    expect(questions).toEqual(['one'])
    await asked.set({ title: 'x' }, { key: 'title' })
    await expect(asked.send('x', { respond, key: 'title' })).rejects.toMatchObject({ code: 'INVALID_EVENT' })
    await expect(asked.send('x', { respond, expectedHead: null })).rejects.toMatchObject({ code: 'HEAD_MOVED' })
    const { id } = first.messages[1]!
    expect((await asked.send('two', { respond, expectedHead: id })).status).toBe('completed')
    expect(await asked.messages()).toHaveLength(4)
  })

  test('files go with the question', async () => {
    const store = await place(fresh())
    const asked = await store.create()
    const stored = await store.putFile(Buffer.from('a,b'), 'text/csv', 'data.csv')
    let parts: readonly Part[] = []
    await asked.send('sum it up', {
      files: [
        { bytes: Buffer.from('c,d'), mediaType: 'text/csv', name: 'more.csv' },
        stored,
        { id: 'u', mediaType: 'image/png', url: 'https://x/y.png' },
      ],
      respond: ({ question }) => void ({ parts } = question),
    })
    expect(parts.map((part) => (part.type === 'file' ? [part.name, part.url] : part.type))).toEqual([
      'text',
      ['more.csv', undefined],
      ['data.csv', undefined],
      [undefined, 'https://x/y.png'],
    ])
    const [, more] = parts
    const bytes = await store.getFile(more?.type === 'file' ? (more.file ?? '') : '', 'text/csv')
    expect(Buffer.from(bytes!).toString()).toBe('c,d')
  })

  test('a listener hears its own turn and nothing else, and harms nobody', async () => {
    const store = await place(fresh())
    const asked = await store.create({ id: 's' })
    const beside = await store.create()
    const { onEvent, heard } = hear()
    const respond: Responder = async function* ({ session: inside }) {
      store.notice('status', 'thinking', inside.id)
      yield 'x'
      await beside.add({ text: 'elsewhere' })
      await beside.send('elsewhere', { respond: () => 'y' })
      await asked.add({ text: 'another turn' })
    }
    await asked.send('q', {
      respond,
      onEvent: (event) => {
        onEvent(event)
        throw new Error('a bad listener')
      },
    })
    expect(heard).toEqual([
      'message.created',
      'message.created',
      'turn.started',
      'notice',
      ['part.delta', 'x'],
      'part.updated',
      'message.updated',
      'turn.completed',
    ])
    await asked.send('next', { respond: () => 'z' })
    expect(heard).toHaveLength(8)
  })

  test('the bus tells of turns too', async () => {
    const store = await place(fresh())
    const told: unknown[] = []
    for (const type of ['turn.started', 'turn.completed', 'turn.failed', 'turn.cancelled'] as const) {
      onTestFinished(store.on(type, (event) => told.push(event)))
    }
    const asked = await store.create({ id: 's' })
    const turn = await asked.send('q', { respond: () => 'x' })
    const failed = await asked.send('q', { respond: () => Promise.reject(new Error('no')) })
    const base = { root: store.root, namespace: 'default', sessionId: 's', origin: 'local' }
    expect(told).toEqual([
      { ...base, type: 'turn.started', turnId: turn.id, question: turn.messages[0], answerId: turn.messages[1]!.id },
      { ...base, type: 'turn.completed', turnId: turn.id, turn },
      expect.objectContaining({ type: 'turn.started' }),
      { ...base, type: 'turn.failed', turnId: failed.id, turn: failed, error: { message: 'no' } },
    ])
  })

  test('closing ends the wait: the call rejects, and the next writer keeps what came', async () => {
    const at = fresh()
    for (const close of ['session', 'store'] as const) {
      const store = await place(at)
      const asked = await store.ensure(close)
      const hung = later<AbortSignal>()
      const sent = asked.send('q', {
        async *respond({ signal }) {
          yield 'half'
          hung.resolve(signal)
          await new Promise(() => {})
        },
      })
      const signal = await hung.promise
      const waiting = asked.send('waits', { respond: () => 'x', queue: true })
      const rejected = Promise.all(
        [sent, waiting].map((call) => expect(call).rejects.toMatchObject({ code: 'CLOSED' })),
      )
      await (close === 'session' ? asked : store).close()
      await rejected
      expect(signal.aborted).toBe(true)
      const there = (await (await place(at)).get(close))!
      expect(shape(await there.messages())[1]).toEqual(['assistant', 'incomplete', 'half'])
      const turn = await there.send('on', { respond: () => 'ok' })
      expect(turn.status).toBe('completed')
      expect(shape(await there.messages())[1]).toEqual(['assistant', 'incomplete', 'half'])
    }
  })

  test('a message that is in progress without a lease, or with one that makes no sense, makes no session busy', async () => {
    const asked = await session(() => 'ok')
    await asked.add({ role: 'assistant', status: 'in_progress', text: 'no lease' })
    const lease = { owner: 'x', until: Date.now() + 10 * 3_600_000 }
    const { id } = await asked.add({ role: 'assistant', status: 'in_progress', text: 'a mistake', lease })
    const draft = await asked.stream()
    expect((await asked.send('q')).status).toBe('completed')
    expect(await asked.message(id)).toMatchObject({ status: 'incomplete', parts: [{ text: 'a mistake' }] })
    expect((await draft.end()).status).toBe('completed')
    const real = await asked.add({
      role: 'assistant',
      status: 'in_progress',
      lease: { ...lease, until: Date.now() + 60_000 },
    })
    await expect(asked.send('q')).rejects.toMatchObject({ code: 'SESSION_BUSY' })
    await asked.update(real.id, { status: 'completed' })
    expect((await asked.send('q')).status).toBe('completed')
  })

  test('an answer that is removed while it is written ends its turn', async () => {
    const asked = await session(async function* ({ session: inside, answerId }) {
      yield 'one'
      await inside.remove(answerId)
      yield 'two'
    })
    const turn = await asked.send('q')
    expect([turn.status, shape(turn.messages)]).toEqual(['pending', [['user', 'completed', 'q']]])
    expect((await asked.send('again', { respond: () => 'ok' })).status).toBe('completed')
  })

  test('bad calls are refused before anything is written', async () => {
    const asked = await session()
    const refused = async (input: unknown, options: unknown, field: string): Promise<void> => {
      await expect(asked.send(input as string, options as SendOptions)).rejects.toMatchObject({ field })
    }
    const respond: Responder = () => 'x'
    await refused('q', {}, 'respond')
    await refused({ role: 'assistant', text: 'q' }, { respond }, 'role')
    await refused({ text: 'q', colour: 1 }, { respond }, 'colour')
    await refused(null, { respond }, 'input')
    await refused('q', { respond, key: ' ' }, 'key')
    await refused('q', { respond, expectedHead: undefined }, 'expectedHead')
    expect(await asked.messages()).toEqual([])
    expect(await asked.send('q', { respond })).toMatchObject({ status: 'completed' })
  })
})

test('leaseMs must be a time', async () => {
  for (const leaseMs of [0, -1, 1.5, 3_600_001, Infinity, '1000' as never]) {
    await expect(place(freshFolder(), { leaseMs })).rejects.toMatchObject({ code: 'INVALID_OPTION', field: 'leaseMs' })
  }
})

test('nothing is left beside the log', async () => {
  const store = await place(freshFolder(), { respond: () => 'x' })
  const asked = await store.create({ id: 's' })
  await asked.send('q')
  await expect(asked.send({ text: 'q', parentId: 'nobody' })).rejects.toMatchObject({ code: 'NOT_FOUND' })
  await store.close()
  expect(filesIn(store.root).filter((name) => name.includes('.live/'))).toEqual(['default/.live/.gitignore'])
})

test('an event says by its type what it is: the console handler of docs/send.md compiles', () => {
  const written: string[] = []
  const onEvent = (event: SendEvent): unknown => event.type === 'part.delta' && written.push(event.delta ?? '')
  const onStart = (event: SendEvent): unknown => event.type === 'turn.started' && written.push(event.answerId)
  const base = { root: '', namespace: '', sessionId: '', origin: 'local' } as const
  onEvent({ ...base, type: 'part.delta', messageId: '', partId: '', partType: 'text', at: 0, delta: 'x' })
  onStart({
    ...base,
    type: 'turn.completed',
    turnId: '',
    turn: { id: '', status: 'completed', usage: {}, messages: [] },
  })
  expect(written).toEqual(['x'])
})

test('of a turn that somebody else has ended no draft is left', async () => {
  const root = freshFolder()
  const store = await place(root)
  const session = await store.create()
  const answerIds: string[] = []
  const turn = await session.send('?', {
    async *respond({ answerId }) {
      answerIds.push(answerId)
      yield 'so far'
      await session.update(answerId, { status: 'incomplete' })
      yield { role: 'tool', parts: [{ type: 'tool-result', callId: 'c', name: 'n', output: 1 }] }
    },
  })
  expect(turn.status).toBe('incomplete')
  // Nobody streams it any more.
  await expect(session.stream({ id: answerIds[0]! })).rejects.toMatchObject({ code: 'ALREADY_EXISTS' })
  expect(filesIn(root).filter((path) => path.includes('.live/'))).toEqual(['default/.live/.gitignore'])
})

test('a turn whose end cannot be written keeps the session busy for nobody', async () => {
  const backend = memoryBackend()
  const append = backend.append.bind(backend)
  let isFull = false
  backend.append = (...given) =>
    isFull ? Promise.reject(new FoldlogError('STORAGE_FULL', 'the disk is full')) : append(...given)
  const session = await (await place(backend)).create()
  const sent = session.send('?', {
    *respond() {
      yield 'so far'
      isFull = true
    },
  })
  await expect(sent).rejects.toMatchObject({ code: 'STORAGE_FULL' })
  isFull = false
  expect((await session.send('!', { respond: () => 'ok' })).status).toBe('completed')
  expect(shape(await session.messages())).toEqual([
    ['user', 'completed', '?'],
    ['assistant', 'incomplete', 'so far'],
    ['user', 'completed', '!'],
    ['assistant', 'completed', 'ok'],
  ])
})
