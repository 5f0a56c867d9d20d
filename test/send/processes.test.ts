/** One turn a session among processes that are killed, stopped and race: real ones. */
import { expect, onTestFinished, test, vi } from 'vitest'
import { Bus, openStore, type Message, type Session, type Store } from '../../src/index.ts'
import { Child } from '../support/child.ts'
import { PATIENT, rounds } from '../support/rounds.ts'
import { freshFolder, open } from '../support/store.ts'

/** Short, so that tests need not wait long for one to expire; long enough for a busy machine to renew it. */
const LEASE_MS = 2500

const textOf = ({ parts }: Message): string => parts.map((part) => (part.type === 'text' ? part.text : '')).join('')
const shape = (messages: readonly Message[]): unknown[] =>
  messages.map((message) => [message.role, message.status, textOf(message)])

async function start(options: object = {}): Promise<{
  readonly store: Store
  readonly session: Session
  readonly child: Child
}> {
  const store = await open(freshFolder(), { fsync: 'never', bus: new Bus(), ...options })
  const session = await store.create({ id: 's' })
  return { store, session, child: await sender(store, options) }
}

async function sender(store: Store, options: object = {}): Promise<Child> {
  const child = new Child('sender', store.root, 's', JSON.stringify({ leaseMs: LEASE_MS, ...options }))
  expect(await child.line()).toBe('ready')
  return child
}

/** Lets a child send a question and say the beginning of the answer. Resolves with the id of the answer. */
async function begin(child: Child, question: string, ...said: readonly string[]): Promise<string> {
  child.say(`send ${question}`)
  const [what, id] = (await child.line()).split(' ')
  expect(what).toBe('begun')
  for (const piece of said) {
    child.say(`say ${piece}`)
    expect(await child.line()).toBe('said')
  }
  return id!
}

/** How a child's call ended, when it has. */
async function ended(child: Child): Promise<string> {
  for (;;) {
    const line = await child.line()
    if (line !== 'said') return line
  }
}

const busy = (call: Promise<unknown>): Promise<void> => expect(call).rejects.toMatchObject({ code: 'SESSION_BUSY' })

/** Lets the lease of an answer expire for this process, whose clock is ahead from now on. */
async function expire(session: Session, answerId: string): Promise<void> {
  const { lease } = (await session.message(answerId))!
  vi.setSystemTime(lease!.until + 1)
  onTestFinished(() => void vi.useRealTimers())
}

/** What side file has reached the disk: followed until a text is there. */
async function seen(session: Session, answerId: string, text: string): Promise<void> {
  let so = ''
  for await (const piece of session.follow(answerId)) if ((so += piece) === text) return
}

test('a turn of another process makes the session busy until it ends', async () => {
  const { session, child } = await start()
  await begin(child, 'one', 'hello')
  await busy(session.send('two', { respond: () => 'x' }))
  expect(shape(await session.messages()).slice(0, 1)).toEqual([['user', 'completed', 'one']])
  await session.add({ text: 'beside the turn' })
  child.say('end')
  expect(await child.line()).toBe('completed hello')
  const turn = await session.send('two', { respond: () => 'now' })
  expect(shape(turn.messages)).toEqual([
    ['user', 'completed', 'two'],
    ['assistant', 'completed', 'now'],
  ])
})

test('a lease that is renewed holds for as long as the turn takes', async () => {
  const { session, child } = await start()
  const answerId = await begin(child, 'one')
  const first = (await session.message(answerId))!.lease!
  // Three renewals, each told as an event of the log.
  let until = first.until
  let renewals = 0
  for await (const event of session.tail({ after: session.info.lastEventId })) {
    const { id, lease } = event.data as unknown as Message
    if (event.type !== 'message.updated' || id !== answerId || lease === undefined) continue
    expect(lease.owner).toBe(first.owner)
    expect(lease.until).toBeGreaterThan(until)
    ;({ until } = lease)
    if (++renewals === 4) break
  }
  await busy(session.send('two', { respond: () => 'x' }))
  child.say('say done')
  child.say('end')
  expect([await child.line(), await child.line()]).toEqual(['said', 'completed done'])
  expect(await session.message(answerId)).not.toHaveProperty('lease')
})

test('a process that was killed in its turn holds up nobody, and what it had said is kept', PATIENT, async () => {
  const { store, session, child } = await start()
  const answerId = await begin(child, 'one', 'half an ', 'answer')
  await seen(session, answerId, 'half an answer')
  await child.kill()
  expect(shape(await session.messages())[1]).toEqual(['assistant', 'incomplete', 'half an answer'])
  const turn = await session.send('two', { respond: () => 'whole' })
  expect(turn.status).toBe('completed')
  const there = await openStore(store.root, { bus: new Bus() })
  expect(shape(await (await there.get('s'))!.messages())).toEqual([
    ['user', 'completed', 'one'],
    ['assistant', 'incomplete', 'half an answer'],
    ['user', 'completed', 'two'],
    ['assistant', 'completed', 'whole'],
  ])
  await there.close()
})

test(
  'a process that was stopped loses its turn when the lease expires, and nothing it says later counts',
  PATIENT,
  async () => {
    const { session, child } = await start()
    const answerId = await begin(child, 'one', 'half')
    await seen(session, answerId, 'half')
    child.signal('SIGSTOP')
    await busy(session.send('too early', { respond: () => 'x' }))
    await expire(session, answerId)
    const turn = await session.send('two', { respond: () => 'answer to two' })
    expect(turn.status).toBe('completed')
    const all = [
      ['user', 'completed', 'one'],
      ['assistant', 'incomplete', 'half'],
      ['user', 'completed', 'two'],
      ['assistant', 'completed', 'answer to two'],
    ]
    expect(shape(await session.messages())).toEqual(all)
    child.signal('SIGCONT')
    child.say('say  and more')
    child.say('end')
    expect(await ended(child)).toBe('incomplete half')
    expect(shape(await session.messages())).toEqual(all)
    expect(await session.message(answerId)).not.toHaveProperty('lease')
    // It can send again.
    await begin(child, 'three', 'fine')
    child.say('end')
    expect(await child.line()).toBe('completed fine')
    expect(await session.messages()).toHaveLength(6)
  },
)

test('an answer whose lease has expired is shown as interrupted before anybody writes so', PATIENT, async () => {
  const { session, child } = await start()
  const answerId = await begin(child, 'one', 'half')
  await seen(session, answerId, 'half')
  child.signal('SIGSTOP')
  const { lastEventId } = session.info
  expect((await session.turns()).at(-1)?.status).toBe('in_progress')
  await expire(session, answerId)
  const shown = (await session.turns()).at(-1)!
  expect([shown.status, shape(shown.messages)[1]]).toEqual(['incomplete', ['assistant', 'incomplete', 'half']])
  expect(session.info.lastEventId).toBe(lastEventId)
  // Nobody took it over: it goes on when it wakes up.
  child.signal('SIGCONT')
  child.say('say  and whole')
  child.say('end')
  expect(await ended(child)).toBe('completed half and whole')
  expect(shape(await session.messages())[1]).toEqual(['assistant', 'completed', 'half and whole'])
})

test('processes that race send one after the other, each question with its answer', PATIENT, async () => {
  const count = rounds(40)
  const { store, session, child } = await start({ leaseMs: 30_000 })
  const children = [child, await sender(store, { leaseMs: 30_000 }), await sender(store, { leaseMs: 30_000 })]
  for (const each of children) each.say(`race ${count}`)
  for (const each of children) expect(await each.line()).toMatch(/^raced \d+$/)
  const turns = await session.turns()
  expect(turns).toHaveLength(3 * count)
  for (const { status, messages } of turns) {
    expect([status, messages.length, textOf(messages[1]!)]).toEqual(['completed', 2, textOf(messages[0]!)])
  }
  expect(session.info.branchCount).toBe(1)
})

test('a log that is rewritten meanwhile does not end a turn', async () => {
  const { session, child } = await start()
  await begin(child, 'one', 'hello')
  await session.set({ title: 'one' })
  await session.set({ title: 'two' })
  await session.pack()
  child.say('end')
  expect(await child.line()).toBe('completed hello')
  expect((await session.send('two', { respond: () => 'ok' })).status).toBe('completed')
})

test('in a shared root there is no lease, the capabilities say so, and each process runs its own turns', async () => {
  const { store, session, child } = await start({ shared: true })
  expect(store.capabilities).toMatchObject({ shared: true, guards: 'none' })
  const answerId = await begin(child, 'one', 'hello')
  expect((await session.message(answerId))?.status).toBe('in_progress')
  expect(await session.message(answerId)).not.toHaveProperty('lease')
  const mine = session.send('two', {
    async *respond() {
      await busy(session.send('three', { respond: () => 'x' }))
      yield 'beside it'
    },
  })
  expect((await mine).status).toBe('completed')
  const removed = await session.send('three', { respond: ({ answerId: id }) => session.remove(id).then(() => 'x') })
  await session.remove(removed.messages[0]!.id)
  child.say('end')
  expect(await child.line()).toBe('completed hello')
  expect(shape(await session.messages())).toEqual([
    ['user', 'completed', 'one'],
    ['assistant', 'completed', 'hello'],
    ['user', 'completed', 'two'],
    ['assistant', 'completed', 'beside it'],
  ])
})
