/**
 * A long log is opened without being folded, and says the same of its newest messages as one that is.
 */
import { appendFileSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { setImmediate } from 'node:timers/promises'
import { describe, expect, onTestFinished, test, vi } from 'vitest'
import { Bus, type Backend, type Message, type Session, type SessionInfo, type Store } from '../src/index.ts'
import { fileBackend } from '../src/backends/file/index.ts'
import { isFoldlogError } from '../src/errors.ts'
import type { Line } from '../src/line.ts'
import { Log } from '../src/log.ts'
import { copy } from './support/events.ts'
import { FaultyDisk } from './support/faults.ts'
import { ids, replicaOf } from './support/model.ts'
import { testLogs } from './support/straight.ts'
import { elsewhere, freshStore, open } from './support/store.ts'

/** Whether the log of these lines ends as its conversation does, and what it is from each line on. */
function check(lines: readonly Line[]): boolean {
  const whole = replicaOf(lines)
  if (!whole.fold.isStraight || !whole.lines.isOrdered) return false
  const path = whole.fold.path(whole.fold.tree.active)
  for (let from = 0; from <= lines.length; from++) {
    const { fold } = replicaOf(lines.slice(from).map(copy))
    expect(fold.isStraight).toBe(true)
    const end = fold.path(fold.tree.active)
    expect(end).toEqual(path.slice(path.length - end.length))
  }
  return true
}

describe('the end of a log that is straight folds to the end of its conversation', () => {
  testLogs(check)
})

const LONG = 'word '.repeat(4000)

/** A session of some megabytes whose conversation is one path, as it is read later, and listed so that its info is in the cache. */
async function longSession(
  count = 100,
  isListed = true,
  isGuarded = true,
): Promise<{ readonly store: Store; readonly id: string }> {
  const store = await freshStore()
  const session = await store.create({ title: 'long' })
  for (let n = 0; n < count; n++) {
    await session.add({ role: 'user', text: `question ${n} ${LONG}` })
    const answer = await session.add({ role: 'assistant', text: `answer ${n} ${LONG}` })
    if (n % 10 === 3) await session.update(answer.id, { metadata: { n } })
    if (n % 10 === 5) await session.part(answer.id, { type: 'text', text: `more of ${n}` })
    if (n % 10 === 7) await session.remove(answer.id)
    if (n % 10 === 8) await session.add([{ text: `two ${n}` }, { role: 'assistant', text: `at once ${n}` }])
    if (n % 10 === 9 && isGuarded)
      await session.add({ text: `guarded ${n}` }, { expectedHead: session.info.head ?? null })
  }
  if (isListed) await store.list()
  await store.close()
  if (!isListed) forget(store)
  return { store, id: session.id }
}

/** The folder of a store opened anew, and what is read of its logs. */
async function watched(
  store: Store,
): Promise<{ readonly other: Store; readonly reads: { whole: number; on: number; back: number } }> {
  const reads = { whole: 0, on: 0, back: 0 }
  const backend = fileBackend(store.root)
  const counted: Backend = {
    ...methodsOf(backend),
    read: (key, options) => {
      if (options?.after === undefined) reads.whole++
      else reads.on++
      return backend.read(key, options)
    },
    readBack: async (key, before, sizeBytes) => {
      reads.back++
      return backend.readBack!(key, before, sizeBytes)
    },
  }
  return { other: await open(counted, { namespace: store.name, bus: new Bus() }), reads }
}

/** A backend as an object whose methods can be replaced. */
function methodsOf(backend: Backend): Backend {
  const methods = Object.getOwnPropertyNames(Object.getPrototypeOf(backend)).filter((name) => name !== 'constructor')
  const bound = methods.map((name) => [name, (backend as never as Record<string, () => void>)[name]!.bind(backend)])
  return { ...backend, ...(Object.fromEntries(bound) as Backend) }
}

async function get(store: Store, id: string): Promise<Session> {
  const session = await store.get(id)
  expect(session).toBeDefined()
  return session!
}

const plain = (messages: readonly Message[]): Message[] => messages.map(copy)

describe('a long session that was listed', () => {
  test('says its info and its newest messages, page by page, as if it were folded, and is not', async () => {
    const { store, id } = await longSession()
    const all = await (await get(await elsewhere(store), id)).messages()
    const { other, reads } = await watched(store)
    const session = await get(other, id)
    expect(session.info).toEqual((await get(await elsewhere(store), id)).info)
    let end = all.length
    let before: { readonly before?: string } = {}
    while (end > 0) {
      const page = await session.messages({ limit: 30, ...before })
      expect(plain(page)).toEqual(plain(all.slice(Math.max(0, end - 30), end)))
      end -= page.length
      before = { before: page[0]!.id }
    }
    expect(await session.messages({ limit: 30, ...before })).toEqual([])
    for (const { id: each } of all.slice(-5)) expect(ids(await session.siblings(each))).toEqual([each])
    expect(ids(await session.messages({ limit: 1000 }))).toEqual(ids(all))
    expect(reads).toMatchObject({ whole: 0 })
    expect(reads.back).toBeGreaterThan(2)
  })

  test('is folded by the first call that needs all of it, and by none before', async () => {
    const { store, id } = await longSession(40)
    const { other, reads } = await watched(store)
    const session = await get(other, id)
    await session.messages({ limit: 5 })
    expect(reads.whole).toBe(0)
    const calls = [
      session.add({ text: 'one' }),
      session.add({ role: 'assistant', text: 'two' }),
      session.set({ title: 'new' }),
    ]
    expect(session.info.title).toBe('long')
    await Promise.all(calls)
    expect(reads.whole).toBe(1)
    expect(session.info.title).toBe('new')
    expect((await session.messages({ limit: 2 })).map(({ parts }) => parts[0])).toMatchObject([
      { text: 'one' },
      { text: 'two' },
    ])
    expect(await session.context()).toHaveLength((await session.messages()).length)
  })

  test('is folded when others add to it, and tells of that', async () => {
    const { store, id } = await longSession(40)
    const { other, reads } = await watched(store)
    const session = await get(other, id)
    const [last] = await session.messages({ limit: 1 })
    const heard: string[] = []
    other.on('message.created', ({ event }) => heard.push(event.id))
    const added = await (await get(await elsewhere(store), id)).add({ text: 'from elsewhere' })
    expect(ids(await session.messages({ limit: 2 }))).toEqual([last!.id, added.id])
    expect(reads.whole).toBe(1)
    expect(heard).toEqual([added.id])
    expect(session.info.head).toBe(added.id)
  })

  test('that has branches is folded at once', async () => {
    const { store, id } = await longSession(40)
    const writer = await elsewhere(store)
    const session = await get(writer, id)
    const [question] = await session.messages({ limit: 3 })
    await session.branch(question!.id, { text: 'another' })
    await writer.list()
    await writer.close()
    const { other, reads } = await watched(store)
    expect(ids(await (await get(other, id)).messages({ limit: 2 }))).toEqual(
      ids((await (await get(await elsewhere(store), id)).messages()).slice(-2)),
    )
    expect(reads.whole).toBe(1)
  })

  test('whose last message is being streamed is folded for it', async () => {
    const { store, id } = await longSession(40)
    const writer = await elsewhere(store)
    const draft = await (await get(writer, id)).stream({ role: 'assistant' })
    draft.text('so far')
    await writer.list()
    const { other } = await watched(store)
    const [message] = await (await get(other, id)).messages({ limit: 1 })
    expect(message).toMatchObject({ id: draft.id, status: 'in_progress' })
    await draft.end()
  })

  test('of some hundred kilobytes is not folded either, unless what is known of all sessions is longer than it', async () => {
    const { store, id } = await longSession(10)
    const { other, reads } = await watched(store)
    const session = await get(other, id)
    expect(await session.messages({ limit: 3 })).toHaveLength(3)
    expect(reads).toMatchObject({ whole: 0 })
    await other.close()
    const writer = await elsewhere(store)
    const parentId = 'p'.repeat(10_000)
    for (let n = 0; n < 50; n++) await writer.create({ parent: { sessionId: parentId } })
    await writer.list()
    await writer.close()
    const { other: next, reads: then } = await watched(store)
    expect((await get(next, id)).info).toEqual(session.info)
    expect(then.whole).toBe(1)
  })

  test('that was deleted meanwhile is not there', async () => {
    const { store, id } = await longSession(40)
    const { other } = await watched(store)
    const session = await get(other, id)
    await (await elsewhere(store)).delete(id)
    await expect(session.messages({ limit: 1 })).rejects.toMatchObject({ code: 'NOT_FOUND' })
    await expect(session.add({ text: 'late' })).rejects.toMatchObject({ code: 'NOT_FOUND' })
  })

  test('shows what it was before a line that is torn', async () => {
    const { store, id } = await longSession(40)
    const { other, reads } = await watched(store)
    const session = await get(other, id)
    const before = await session.messages({ limit: 1 })
    appendFileSync(`${store.root}/${store.name}/${id}.jsonl`, '{"torn":')
    expect(await session.messages({ limit: 1 })).toEqual(before)
    expect(reads.whole).toBe(0)
  })
})

describe('a long session that was never listed', () => {
  /** What a store that folds says of it. */
  async function foldedOf(store: Store, id: string): Promise<{ info: SessionInfo; all: readonly Message[] }> {
    const session = await get(await elsewhere(store), id)
    const all = await session.messages()
    return { info: session.info, all }
  }

  test.each([
    ['', false],
    [' and has guarded lines', true],
  ])('%s is passed over once, and read from its end', async (_, isGuarded) => {
    const { store, id } = await longSession(300, false, isGuarded)
    const { info, all } = await foldedOf(store, id)
    forget(store)
    const { other, reads } = await watched(store)
    const [session, same] = await Promise.all([get(other, id), get(other, id)])
    expect(session.info).toEqual(info)
    expect(plain(await session.messages({ limit: 30 }))).toEqual(plain(all.slice(-30)))
    expect(ids(await same.messages({ limit: 3 }))).toEqual(ids(all.slice(-3)))
    // Which lines count is said only to who reads it as lines.
    expect(reads).toMatchObject({ whole: isGuarded ? 1 : 0 })
    expect(reads.back).toBeGreaterThan(0)
    await other.close()
    const { other: next, reads: then } = await watched(store)
    expect((await get(next, id)).info).toEqual(info)
    expect(then.whole).toBe(0)
    expect((await next.list()).items).toEqual([info])
    expect(then.whole).toBe(0)
  })

  test('and that has branches is folded, and next time at once', async () => {
    const { store, id } = await longSession(40, false)
    const writer = await elsewhere(store)
    const session = await get(writer, id)
    const [question] = await session.messages({ limit: 3 })
    await session.branch(question!.id, { text: 'another' })
    await session.add({ text: 'goes on' })
    await writer.close()
    const { info, all } = await foldedOf(store, id)
    forget(store)
    // Once in vain.
    const { other, reads } = await watched(store)
    const folded = await get(other, id)
    expect(folded.info).toEqual(info)
    expect(ids(await folded.messages({ limit: 2 }))).toEqual(ids(all.slice(-2)))
    expect(reads.whole).toBe(2)
    await other.close()
    const { other: next, reads: then } = await watched(store)
    expect((await get(next, id)).info).toEqual(info)
    expect(then.whole).toBe(1)
  })

  test.each([
    ['lines out of order', (lines: string[]) => [...lines.slice(0, 30), lines[35]!, ...lines.slice(30)]],
    ['damage', (lines: string[]) => [...lines.slice(0, 30), '{"v":1,"id":"torn', ...lines.slice(30), '<<<<<<< ours']],
    ['a parent that is named twice', (lines: string[]) => [...lines.slice(0, -1), twice(lines.at(-1)!)]],
    [
      'a key that comes twice',
      (lines: string[]) => [...lines.slice(0, 5), keyed(lines[5]!), ...lines.slice(6, -1), keyed(lines.at(-1)!)],
    ],
    ['an update of its first answer', (lines: string[]) => [...lines, updateOf(lines[2]!, lines.at(-1)!)]],
  ])('with %s says what folding it says', async (_, edit) => {
    const { store, id } = await longSession(60, false, false)
    const path = join(store.root, store.name, `${id}.jsonl`)
    writeFileSync(path, `${edit(readFileSync(path, 'utf8').trimEnd().split('\n')).join('\n')}\n`)
    const folded = (await Log.open(fileBackend(store.root), { namespace: store.name, sessionId: id })).fold
    forget(store)
    const session = await get(await elsewhere(store), id)
    const damage = session.info.damage
    expect(session.info).toEqual(folded.info(damage))
    expect(damage).toBe((await session.damage()).length)
    expect(ids(await session.messages({ limit: 7 }))).toEqual(ids(folded.path(folded.tree.active, 7)))
  })

  const changes: readonly (readonly [string, (path: string) => void])[] = [
    ['grows', (path: string) => appendFileSync(path, `${updateOf(lineAt(path, 2), lineAt(path, -2))}\n`)],
    ['is replaced', (path: string) => replace(path, readFileSync(path, 'utf8').split('\n').slice(0, 30).join('\n'))],
    [
      'is edited in place',
      (path: string) => writeFileSync(path, readFileSync(path, 'utf8').replaceAll('question', 'QUESTION')),
    ],
  ]
  const ways = changes.flatMap(([how, change]) => [true, false].map((isGuarded) => [how, change, isGuarded] as const))

  test.each(ways)('and that %s during the pass is what it is then', async (_, change, isGuarded) => {
    const { store, id } = await longSession(60, false, isGuarded)
    const path = join(store.root, store.name, `${id}.jsonl`)
    forget(store)
    const other = await during(store, () => change(path))
    const session = await get(other, id)
    const messages = plain(await session.messages({ limit: 20 }))
    const { info, all } = await foldedOf(store, id)
    expect(messages).toEqual(plain(all.slice(-20)))
    await session.messages()
    expect(session.info).toEqual(info)
    expect((await other.list()).items).toEqual([info])
    await other.close()
    expect((await (await elsewhere(store)).list()).items).toEqual([info])
  })

  test.each([
    ['listed', async (other: Store) => (await other.list()).items[0]],
    ['opened', async (other: Store, id: string) => (await get(other, id)).info],
  ])('and that is %s once more during the pass, after it has grown, is what it is then', async (_, look) => {
    const { store, id } = await longSession(60, false, false)
    const path = join(store.root, store.name, `${id}.jsonl`)
    const backend = fileBackend(store.root)
    let second: Promise<SessionInfo | undefined> | undefined
    let isAsked = (): void => undefined
    const other = await open(
      {
        ...methodsOf(backend),
        head: async (key, options) => backend.head(key, options).finally(isAsked),
        list: async (namespace) => backend.list(namespace).finally(isAsked),
        pieces: async function* (key) {
          yield* backend.pieces!(key)
          if (second !== undefined) return
          appendFileSync(path, `${updateOf(lineAt(path, 2), lineAt(path, -2))}\n`)
          const asked = new Promise<void>((resolve) => (isAsked = resolve))
          second = look(other, id)
          await asked
          // By then it waits for what is under way.
          await setImmediate()
        },
      },
      { namespace: store.name, bus: new Bus() },
    )
    await get(other, id)
    expect(await second).toEqual((await foldedOf(store, id)).info)
  })

  test('and that is deleted during the pass is not there', async () => {
    const { store, id } = await longSession(60, false, false)
    const other = await during(store, () => rmSync(join(store.root, store.name, `${id}.jsonl`)))
    const session = await other.get(id)
    await expect(session?.messages({ limit: 1 }) ?? notThere()).rejects.toMatchObject({ code: 'NOT_FOUND' })
    expect((await other.list()).items).toEqual([])
  })
})

/** Removes what was found out before. */
function forget(store: Store): void {
  rmSync(join(store.root, store.name, '.cache'), { recursive: true, force: true })
}

async function notThere(): Promise<never> {
  throw Object.assign(new Error('not there'), { code: 'NOT_FOUND' })
}

/** The folder of a store opened anew, where something happens when the first part of a whole log was read. */
async function during(store: Store, happens: () => void): Promise<Store> {
  const backend = fileBackend(store.root)
  let isDone = false
  const interrupted: Backend = {
    ...methodsOf(backend),
    read: async function* (key, options) {
      for await (const batch of backend.read(key, options)) {
        yield batch
        if (!isDone) happens()
        isDone = true
      }
    },
    pieces: async function* (key) {
      for await (const piece of backend.pieces!(key)) {
        yield piece
        if (!isDone) happens()
        isDone = true
      }
    },
  }
  return open(interrupted, { namespace: store.name, bus: new Bus() })
}

function lineAt(path: string, index: number): string {
  return readFileSync(path, 'utf8').split('\n').at(index)!
}

/** A line with the one key. */
function keyed(line: string): string {
  return line.replace('"data":', '"key":"k","data":')
}

function twice(line: string): string {
  return line.replace('"data":{', '"data":{"parentId":"nobody","parentId":null,')
}

/** What changes the message of a line, behind another line. */
function updateOf(line: string, last: string): string {
  const { data } = JSON.parse(line) as { data: { id: string } }
  const { id, ...rest } = JSON.parse(last) as { id: string }
  const update = { id: data.id, metadata: { late: true }, usage: { inputTokens: 7 } }
  return JSON.stringify({ v: 1, id: `1${id.slice(1)}`, ...rest, type: 'message.updated', data: update })
}

function replace(path: string, text: string): void {
  writeFileSync(`${path}.new`, `${text}\n`)
  renameSync(`${path}.new`, path)
}

describe('handles of a long session that was not folded', () => {
  test('do not write into the one that is created anew under its id', async () => {
    const { store, id } = await longSession(40)
    const { other } = await watched(store)
    const old = await get(other, id)
    await other.delete(id)
    const anew = await other.create({ id, title: 'anew' })
    await expect(old.add({ text: 'late' })).rejects.toMatchObject({ code: 'NOT_FOUND' })
    await expect(old.messages({ limit: 1 })).rejects.toMatchObject({ code: 'NOT_FOUND' })
    expect(await anew.messages()).toEqual([])
  })

  test('wait for a log that git writes anew', async () => {
    const { store, id } = await longSession(40)
    const { other, reads } = await watched(store)
    const [one, two] = [await get(other, id), await get(other, id)]
    const [wholeBefore, onBefore] = [reads.whole, reads.on]
    const path = `${store.root}/${store.name}/${id}.jsonl`
    renameSync(path, `${path}.away`)
    const [page, added] = [one.messages({ limit: 2 }), two.add({ text: 'after all' })]
    // Both have begun to look for it, and wait.
    await vi.waitFor(() => expect(reads.whole > wholeBefore && reads.on > onBefore).toBe(true))
    renameSync(`${path}.away`, path)
    expect((await page).length).toBe(2)
    const all = await (await get(other, id)).messages()
    expect(all.at(-1)?.id).toBe((await added).id)
  })

  test('tell of what others did since any of them looked, once', async () => {
    const { store, id } = await longSession(40)
    const { other } = await watched(store)
    const heard: string[] = []
    other.on('message.created', ({ event, origin }) => heard.push(`${origin} ${event.id}`))
    const first = await get(other, id)
    const writer = await elsewhere(store)
    const theirs = await (await get(writer, id)).add({ text: 'theirs' })
    await writer.list()
    const second = await get(other, id)
    await second.messages()
    const ours = await second.add({ text: 'ours' })
    expect(ids(await first.messages({ limit: 2 }))).toEqual([theirs.id, ours.id])
    expect(heard).toEqual([`external ${theirs.id}`, `local ${ours.id}`])
    expect(first.info).toEqual(second.info)
  })

  test('write what was given when they were called', async () => {
    const { store, id } = await longSession(40)
    const { other } = await watched(store)
    const session = await get(other, id)
    const input = { text: 'one' }
    const patch = { vars: { n: 1 } }
    const calls = [session.add(input), session.set(patch)]
    input.text = 'two'
    patch.vars.n = 2
    await Promise.all(calls)
    expect((await session.messages({ limit: 1 }))[0]!.parts[0]).toMatchObject({ text: 'one' })
    expect(session.info.vars).toEqual({ n: 1 })
  })
})

test.each([
  ['the end of a long log is read', true],
  ['a long log that was never listed is opened', false],
])(
  'whatever disk call fails while %s, the page is right or refused, and right when the disk works again',
  async (_, isListed) => {
    const { store, id } = await longSession(40)
    const expected = plain((await (await get(await elsewhere(store), id)).messages()).slice(-20))
    const pageOf = async (other: Store): Promise<Message[]> =>
      plain(await (await get(other, id)).messages({ limit: 20 }))
    const forgotten = (): void => (isListed ? undefined : forget(store))
    forgotten()
    const disk = new FaultyDisk()
    onTestFinished(() => disk.restore())
    const first = await elsewhere(store)
    expect(await pageOf(first)).toEqual(expected)
    await first.close()
    const { length } = disk.calls
    expect(length).toBeGreaterThan(5)
    disk.restore()
    for (const isLasting of [false, true]) {
      for (let from = 0; from < length; from++) {
        forgotten()
        const faulty = new FaultyDisk({ fault: { kind: 'refused', code: 'EIO' }, from, isLasting })
        try {
          const other = await elsewhere(store)
          const page = await pageOf(other).catch((error: unknown) => error)
          if (isFoldlogError(page)) expect(['STORAGE_FAILED', 'STORAGE_DENIED']).toContain(page.code)
          else expect(page).toEqual(expected)
          faulty.heal()
          expect(await pageOf(other)).toEqual(expected)
        } finally {
          faulty.restore()
        }
      }
    }
  },
)
