/**
 * A log whose path is empty for a moment, as git leaves it while it checks out: it is not gone. One that stays away is.
 */
import { existsSync, readdirSync, readFileSync, renameSync, unlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test, vi } from 'vitest'
import { io } from '../../src/backends/file/io.ts'
import type { Session } from '../../src/session.ts'
import type { Store } from '../../src/store.ts'
import { OtherProcess } from '../support/child.ts'
import { PATIENT, rounds } from '../support/rounds.ts'
import { anew, type Heard, idsOf, logPath, open, temp } from '../support/temp.ts'
import { ENVIRONMENT, git } from '../support/git.ts'
import { type Branches, branches } from './branches.ts'

const GONE = { code: 'NOT_FOUND' }

interface Setting {
  readonly root: string
  readonly store: Store
  readonly session: Session
  readonly heard: Heard
}

/** A session with the messages `a` and `b` that this process has open. */
async function setting(options: { readonly shared?: boolean; readonly watch?: boolean } = {}): Promise<Setting> {
  const root = temp()
  const { store, heard } = await open(root, options)
  const session = await store.create({ id: 's' })
  await session.add({ id: 'a', text: 'text of a' })
  await session.add({ id: 'b', text: 'text of b' })
  return { root, store, session, heard }
}

/** Takes every file of the session away. Returns the way back. */
function takeAway(root: string): () => void {
  const directory = join(root, 'default')
  const aside = temp()
  const names = readdirSync(directory).filter((name) => name.startsWith('s.') && name.endsWith('.jsonl'))
  for (const name of names) renameSync(join(directory, name), join(aside, name))
  return () => {
    for (const name of names) renameSync(join(aside, name), join(directory, name))
  }
}

/** Whether anything waits by the clock while `work` is done. */
async function waits(work: () => Promise<unknown>): Promise<boolean> {
  const timers = vi.spyOn(globalThis, 'setTimeout')
  try {
    await work()
    return timers.mock.calls.length > 0
  } finally {
    timers.mockRestore()
  }
}

const CALLS: { readonly [name: string]: (setting: Setting) => Promise<unknown> } = {
  messages: async ({ session }) => expect(idsOf(await session.messages())).toEqual(['a', 'b']),
  turns: async ({ session }) => expect((await session.turns()).length).toBeGreaterThan(0),
  message: async ({ session }) => expect((await session.message('a'))?.id).toBe('a'),
  at: async ({ session }) => expect(idsOf(await (await session.at(new Date())).messages())).toEqual(['a', 'b']),
  damage: async ({ session }) => expect(await session.damage()).toEqual([]),
  findings: async ({ session }) => expect(await session.findings()).toEqual([]),
  'events().next': async ({ session }) =>
    expect((await session.events().next()).value).toMatchObject({ type: 'session.created' }),
  add: async ({ session }) => expect((await session.add({ id: 'c', text: 'text of c' })).id).toBe('c'),
  'add with a key': async ({ session }) =>
    expect((await session.add({ id: 'c', text: 'c' }, { key: 'k' })).id).toBe('c'),
  update: async ({ session }) => expect((await session.update('a', { status: 'failed' })).status).toBe('failed'),
  remove: async ({ session }) => expect(await session.remove('a')).toBe(true),
  set: async ({ session }) => expect((await session.set({ title: 'x' })).title).toBe('x'),
  'set of the head': async ({ session }) => expect((await session.set({ head: 'a' })).id).toBe('s'),
  get: async ({ store }) => expect((await store.get('s'))?.id).toBe('s'),
  ensure: async ({ store }) => expect(idsOf(await (await store.ensure('s')).messages())).toEqual(['a', 'b']),
  list: async ({ store }) => expect(idsOf((await store.list()).items)).toEqual(['s']),
  fork: async ({ store }) => expect(idsOf(await (await store.fork('s')).messages())).toEqual(['a', 'b']),
  merge: async ({ store }) => expect(await store.merge('s', [])).toBeDefined(),
  delete: async ({ store }) => expect(await store.delete('s')).toBe(true),
}
const NAMES = Object.keys(CALLS)

for (const shared of [false, true]) {
  const where = shared ? 'in a shared root' : 'in a root'
  test.each(NAMES)(`g7: %s ${where} waits for a log that is away for a moment`, async (name) => {
    const all = await setting({ shared })
    const putBack = takeAway(all.root)
    const call = CALLS[name]!(all)
    setImmediate(putBack)
    await call
    if (name === 'delete') {
      expect(all.heard.of('session.deleted').map(({ origin }) => origin)).toEqual(['local'])
      await expect(anew(all.root, 's')).rejects.toThrow('is not there')
      return
    }
    await all.session.add({ id: 'last', text: 'goes on' })
    expect((await anew(all.root, 's')).messages.at(-1)?.id).toBe('last')
    expect(all.heard.of('session.deleted')).toEqual([])
    expect(all.heard.of('session.rewound')).toEqual([])
  })
}

test.each([
  ['add', async ({ session }: Setting) => session.add({ id: 'c', text: 'text of c' }, { expectedHead: 'b' })],
  ['set', async ({ session }: Setting) => session.set({ title: 'x' }, { expectedHead: 'b' })],
  ['remove', async ({ session }: Setting) => session.remove('a', { expectedHead: 'b' })],
] as const)('g7: a guarded %s waits for a log that is away for a moment', async (_, call) => {
  const all = await setting()
  const putBack = takeAway(all.root)
  const calling = call(all)
  setImmediate(putBack)
  await calling
  await all.session.add({ id: 'last', text: 'goes on' })
  expect((await anew(all.root, 's')).damage).toEqual([])
  expect(all.heard.of('session.deleted')).toEqual([])
})

test('g7: a guarded append whose log is taken away after it was read decides again when it is back', async () => {
  const { root, store, session, heard } = await setting()
  // In this process nothing has been written to it yet: its file has to be opened.
  const { store: second } = await open(root)
  const other = (await second.get('s'))!
  const path = logPath(root, 's')
  for (const handle of [session, other]) {
    const head = (await anew(root, 's')).messages.at(-1)!.id
    const real = { ...io }
    const spies = (['statSync', 'openSync'] as const).map((name) => vi.spyOn(io, name))
    for (const [index, spy] of spies.entries()) {
      const call = [real.statSync, real.openSync][index] as unknown as (...args: unknown[]) => unknown
      spy.mockImplementation(((at: string, ...rest: unknown[]) => {
        if (at === path) {
          for (const each of spies) each.mockRestore()
          setImmediate(takeAway(root))
        }
        return call(at, ...rest)
      }) as never)
    }
    const { id } = await handle.add({ text: 'guarded' }, { expectedHead: head })
    expect((await anew(root, 's')).messages.at(-1)?.id).toBe(id)
  }
  expect(heard.of('session.deleted')).toEqual([])
  expect((await store.get('s'))?.id).toBe('s')
})

test('g7: a log that git has made and not written yet is waited for, and nothing is told as missing', async () => {
  const { root, session, heard } = await setting()
  const path = logPath(root, 's')
  const bytes = readFileSync(path)
  unlinkSync(path)
  writeFileSync(path, '')
  const reading = session.messages()
  setImmediate(() => writeFileSync(path, bytes))
  expect(idsOf(await reading)).toEqual(['a', 'b'])
  expect(heard.of('session.rewound')).toEqual([])
})

test.each(['a cursor', 'an event id'])(
  'g7: a tail that begins after %s while the log is away waits for it',
  async (kind) => {
    const { root, session, heard } = await setting()
    const seen = []
    for await (const event of session.events()) seen.push(event)
    const { id, cursor } = seen[1]!
    const putBack = takeAway(root)
    const tail = session.tail({ after: kind === 'a cursor' ? cursor : id })
    const next = tail.next()
    setImmediate(putBack)
    expect((await next).value).toMatchObject({ type: 'message.created', data: { id: 'b' } })
    await tail.return(undefined)
    expect(heard.of('session.deleted')).toEqual([])
  },
)

/** A work tree whose files stay away for a while whenever git replaces them: what they hold goes through a slow filter. */
async function slowTree(options: { readonly watch?: boolean } = {}): Promise<Branches> {
  const setting = await branches(options)
  const { tree } = setting
  git(tree, 'config', 'filter.slow.smudge', 'sleep 0.3; cat')
  git(tree, 'config', 'filter.slow.clean', 'cat')
  writeFileSync(join(tree, '.git', 'info', 'attributes'), '*.jsonl filter=slow\n')
  return setting
}

/** Resolves when the log is not at its path. */
async function isAway(root: string): Promise<void> {
  while (existsSync(logPath(root, 's'))) await new Promise(setImmediate)
}

test('row 33, g7: what is asked while git checks out another branch waits for it', PATIENT, async () => {
  const { tree, root, store, session, heard } = await slowTree()
  const other = new OtherProcess(root)
  const asks = [
    async () => session.messages(),
    async () => (await store.get('s'))!.messages(),
    async () => (expect(idsOf((await store.list()).items)).toEqual(['s']), session.messages()),
    async () => (await session.set({ title: 'x' }, { expectedHead: 'b' }), session.messages()),
  ]
  for (const [round, ask] of asks.entries()) {
    // An even round leads to `main`, an odd one back.
    const branch = round % 2 === 0 ? 'main' : 'other'
    const expected = branch === 'main' ? ['a', 'b'] : ['a', 'b', 'c']
    const checkingOut = other.do('git', tree, ENVIRONMENT, 'checkout', '--quiet', '--force', branch)
    await isAway(root)
    if (round < 3) expect(idsOf(await ask())).toEqual(expected)
    else await expect(ask()).rejects.toMatchObject({ code: 'HEAD_MOVED' })
    await checkingOut
  }
  expect(heard.of('session.deleted')).toEqual([])
  expect((await anew(root, 's')).damage).toEqual([])
})

test('g7: git stash of a log that goes on is waited for', PATIENT, async () => {
  const { tree, root, session, heard } = await slowTree()
  const other = new OtherProcess(root)
  await session.add({ id: 'd', text: 'text of d' })
  const stashing = other.do('git', tree, ENVIRONMENT, 'stash')
  await isAway(root)
  expect(idsOf(await session.messages())).toEqual(['a', 'b', 'c'])
  await stashing
  const popping = other.do('git', tree, ENVIRONMENT, 'stash', 'pop')
  await isAway(root)
  await session.add({ id: 'e', text: 'text of e' })
  await popping
  expect(idsOf(await session.messages())).toEqual(['a', 'b', 'c', 'd', 'e'])
  expect(heard.of('session.deleted')).toEqual([])
})

test.each([true, false])(
  'row 33, g7: a watcher tells no checkout as a deletion, whether the log is open here (%s) or not',
  PATIENT,
  async (isOpen) => {
    const { tree, root, heard: first } = await slowTree({ watch: isOpen })
    const { heard } = isOpen ? { heard: first } : await open(root, { watch: true })
    const other = new OtherProcess(root)
    await other.do('git', tree, ENVIRONMENT, 'checkout', '--quiet', '--force', 'main')
    await heard.until(() => heard.of('session.rewound').length > 0)
    await other.do('add', 's', { id: 'z', text: 'text of z' })
    await heard.until(() => heard.messageIds.includes('z'))
    expect(heard.of('session.deleted')).toEqual([])
  },
)

test(
  'g7: whoever reads without a pause while git checks branches out never reads that the session is gone',
  PATIENT,
  async () => {
    const { tree, root, session, heard } = await slowTree()
    git(tree, 'config', 'filter.slow.smudge', 'cat')
    const other = new OtherProcess(root)
    for (let round = 0; round < rounds(40); round++) {
      let isOut = false
      const branch = round % 2 === 0 ? 'main' : 'other'
      const checkingOut = other
        .do('git', tree, ENVIRONMENT, 'checkout', '--quiet', '--force', branch)
        .finally(() => (isOut = true))
      // oxlint-disable-next-line no-unmodified-loop-condition -- changed when git has ended
      while (!isOut) {
        expect([
          ['a', 'b'],
          ['a', 'b', 'c'],
        ]).toContainEqual(idsOf(await session.messages()))
        await new Promise(setImmediate)
      }
      await checkingOut
    }
    expect(heard.of('session.deleted')).toEqual([])
  },
)

test('row 32: a log that stays away is gone, and stays so for that handle when it comes back', async () => {
  const { root, store, session, heard } = await setting()
  const putBack = takeAway(root)
  await expect(session.messages()).rejects.toMatchObject(GONE)
  expect(heard.of('session.deleted').map(({ origin }) => origin)).toEqual(['external'])
  putBack()
  await expect(session.messages()).rejects.toMatchObject(GONE)
  await expect(session.add({ text: 'c' })).rejects.toMatchObject(GONE)
  await expect(session.add({ text: 'c' }, { expectedHead: 'b' })).rejects.toMatchObject(GONE)
  await expect(session.events().next()).rejects.toMatchObject(GONE)
  await expect(session.tail().next()).rejects.toMatchObject(GONE)
  expect(idsOf(await (await store.get('s'))!.messages())).toEqual(['a', 'b'])
  expect(heard.of('session.deleted')).toHaveLength(1)
})

test('row 32: what is asked while a log stays away is told once that it is gone, and nothing is created', async () => {
  const { root, store, session, heard } = await setting()
  takeAway(root)
  const asked = [
    session.messages(),
    session.add({ text: 'c' }, { expectedHead: 'b' }),
    session.set({ title: 'x' }),
    store.fork('s'),
    session.tail().next(),
  ]
  // Together: one may be told before the others.
  await Promise.all(asked.map((each) => expect(each).rejects.toMatchObject(GONE)))
  expect(await store.get('s')).toBeUndefined()
  expect(await store.delete('s')).toBe(false)
  expect((await store.list()).items).toEqual([])
  expect(readdirSync(join(root, 'default')).filter((name) => name.endsWith('.jsonl'))).toEqual([])
  expect(heard.of('session.deleted')).toHaveLength(1)
})

test('what was never there is not waited for, nor what this process deleted', async () => {
  const { root, store, session, heard } = await setting()
  const tail = session.tail()
  for (let i = 0; i < 3; i++) await tail.next()
  expect(await waits(() => store.get('never'))).toBe(false)
  expect(await waits(() => store.delete('never'))).toBe(false)
  expect(await waits(async () => store.list())).toBe(false)
  await store.delete('s')
  expect(await waits(() => expect(session.messages()).rejects.toMatchObject(GONE))).toBe(false)
  expect(await waits(() => expect(session.add({ text: 'c' })).rejects.toMatchObject(GONE))).toBe(false)
  expect(await waits(async () => expect(await store.get('s')).toBeUndefined())).toBe(false)
  expect(await waits(async () => expect((await store.list()).items).toEqual([]))).toBe(false)
  expect(await waits(() => tail.next())).toBe(false)
  expect(heard.of('session.deleted')).toHaveLength(1)
  expect(existsSync(logPath(root, 's'))).toBe(false)
})

test('no other session waits for one that is away', async () => {
  const { root, store, session } = await setting()
  const other = await store.create({ id: 'other' })
  const putBack = takeAway(root)
  const order: string[] = []
  const reading = session.messages().then(() => order.push('away'))
  await other.add({ text: 'meanwhile' })
  await other.messages()
  order.push('other')
  putBack()
  await reading
  expect(order).toEqual(['other', 'away'])
})

test('a read that waits ends with the store that is closed', async () => {
  const { root, store, session, heard } = await setting()
  takeAway(root)
  const reading = expect(session.messages()).rejects.toMatchObject({ code: 'CLOSED' })
  await new Promise(setImmediate)
  await store.close()
  await reading
  expect(heard.of('session.deleted')).toEqual([])
})

test('a tail that waits ends with its signal or its handle, and tells nothing', async () => {
  const { root, store, session, heard } = await setting()
  const second = (await store.get('s'))!
  const abort = new AbortController()
  const tails = [session.tail({ signal: abort.signal }), second.tail()]
  for (const tail of tails) for (let i = 0; i < 3; i++) await tail.next()
  const putBack = takeAway(root)
  const nexts = tails.map((tail) => tail.next())
  const lone = session.events({ signal: abort.signal }).next()
  abort.abort()
  await second.close()
  for (const next of [...nexts, lone]) expect((await next).done).toBe(true)
  // Neither has told that the session is gone.
  putBack()
  expect(idsOf(await session.messages())).toEqual(['a', 'b'])
  expect(heard.of('session.deleted')).toEqual([])
})

test('a listing that waits ends with its signal', async () => {
  const { root, store } = await setting()
  const putBack = takeAway(root)
  const abort = new AbortController()
  const listing = expect(store.list({ signal: abort.signal })).rejects.toMatchObject({ name: 'AbortError' })
  setImmediate(() => abort.abort())
  await listing
  putBack()
  expect(idsOf((await store.list()).items)).toEqual(['s'])
})
