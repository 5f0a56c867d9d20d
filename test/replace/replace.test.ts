/**
 * A log that is replaced while somebody has it open: noticed, told, and written on.
 */
import { execFileSync } from 'node:child_process'
import {
  appendFileSync,
  closeSync,
  copyFileSync,
  openSync,
  readFileSync,
  renameSync,
  truncateSync,
  utimesSync,
  statSync,
  writeFileSync,
  writeSync,
} from 'node:fs'
import { describe, expect, onTestFinished, test, vi } from 'vitest'
import { io } from '../../src/backends/file/io.ts'
import type { SessionEvent } from '../../src/event.ts'
import type { Session } from '../../src/session.ts'
import { anew, type Heard, idsOf, logPath, open, temp, textsOf } from '../support/temp.ts'

/** Replaces the file as editors and rsync do: written beside it, then renamed over it. */
function replace(path: string, bytes: string | Uint8Array): void {
  writeFileSync(`${path}.tmp`, bytes)
  renameSync(`${path}.tmp`, path)
}

/** Edits in place, later than the last change by what an append takes for one burst: nobody types as fast. */
function overwrite(path: string, offset: number, text: string): void {
  const { mtimeMs } = statSync(path)
  const fd = openSync(path, 'r+')
  do writeSync(fd, text, offset)
  while (statSync(path).mtimeMs < mtimeMs + 25)
  closeSync(fd)
}

/** Puts another text of the same length in the place of the first one that is like it. */
function edit(path: string, text: string): void {
  overwrite(path, readFileSync(path).indexOf(text), text.toUpperCase())
}

const messageIds = (events: readonly SessionEvent[]): string[] => events.map(({ data }) => (data as { id: string }).id)

function lines(path: string): string[] {
  return readFileSync(path, 'utf8').split('\n').slice(0, -1)
}

interface Setting {
  readonly root: string
  readonly path: string
  readonly session: Session
  readonly heard: Heard
}

/** A session with the messages `a`, `b` and `c`, open in a store. */
async function setting(options: { readonly watch?: boolean } = {}): Promise<Setting> {
  const root = temp()
  const { store, heard } = await open(root, options)
  const session = await store.create({ id: 's', title: 'Replaced' })
  for (const id of ['a', 'b', 'c']) await session.add({ id, text: `text of ${id}` })
  return { root, path: logPath(root, 's'), session, heard }
}

interface Way {
  /** How the file becomes what it is afterwards. */
  readonly how: (path: string) => void
  readonly after: readonly string[]
  readonly missing: readonly string[]
  readonly added: readonly string[]
}

/** The line of a message `d`, written by somebody else right after the last one: its id is that one's plus one. */
function lineOfD(path: string): string {
  const last = lines(path).at(-1)!
  const { id } = JSON.parse(last) as { id: string }
  let at = id.length - 1
  while (id[at] === 'Z') at--
  const digits = '0123456789ABCDEFGHJKMNPQRSTVWXYZ'
  const next = id.slice(0, at) + digits[digits.indexOf(id[at]!) + 1]! + '0'.repeat(id.length - 1 - at)
  return last
    .replace(id, next)
    .replaceAll('"c"', '"d"')
    .replace('"after":"b"', '"after":"c"')
    .replace('text of c', 'text of d')
}

/** Each changes the log of a, b, c in place or as a whole. */
const WAYS: { readonly [name: string]: Way } = {
  'an editor saves an older version': {
    how: (path) => replace(path, `${lines(path).slice(0, -1).join('\n')}\n`),
    after: ['a', 'b'],
    missing: ['c'],
    added: [],
  },
  'an editor saves a changed line': {
    how: (path) => replace(path, readFileSync(path, 'utf8').replace('text of b', 'another text of b')),
    after: ['a', 'b', 'c'],
    missing: ['b'],
    added: ['b'],
  },
  'rsync brings a longer version': {
    how: (path) => replace(path, `${[...lines(path), lineOfD(path)].join('\n')}\n`),
    after: ['a', 'b', 'c', 'd'],
    missing: [],
    added: ['d'],
  },
  'rsync brings a version of the same size and time': {
    how: (path) => {
      const { atime, mtime } = statSync(path)
      replace(path, readFileSync(path, 'utf8').replace('text of c', 'TEXT OF C'))
      utimesSync(path, atime, mtime)
    },
    after: ['a', 'b', 'c'],
    missing: ['c'],
    added: ['c'],
  },
  'a copy with the lines in another order comes back': {
    how: (path) => replace(path, `${lines(path).reverse().join('\n')}\n`),
    after: ['a', 'b', 'c'],
    missing: [],
    added: [],
  },
  'sed -i takes a line out': {
    how: (path) => void execFileSync('sed', ['-i', '/text of b/d', path]),
    after: ['a', 'c'],
    missing: ['b'],
    added: [],
  },
  'the last line is cut off in place': {
    how: (path) => truncateSync(path, readFileSync(path, 'utf8').lastIndexOf('\n', statSync(path).size - 2) + 1),
    after: ['a', 'b'],
    missing: ['c'],
    added: [],
  },
  'it is truncated in place and regrows past the known end': {
    how: (path) => {
      const [created, a] = lines(path)
      const d = lineOfD(path).replace('text of d', 'd'.repeat(1000))
      truncateSync(path, 0)
      appendFileSync(path, `${created}\n${a}\n${d}\n`)
    },
    after: ['a', 'd'],
    missing: ['b', 'c'],
    added: ['d'],
  },
  'the last line is edited in place, in the same length': {
    how: (path) => edit(path, 'text of c'),
    after: ['a', 'b', 'c'],
    missing: ['c'],
    added: ['c'],
  },
  'a line in the middle is edited in place, in the same length': {
    how: (path) => edit(path, 'text of a'),
    after: ['a', 'b', 'c'],
    missing: ['a'],
    added: ['a'],
  },
}

describe.each(Object.entries(WAYS))('row 33, row 34, row 35: %s', (_, { how, after, missing, added }) => {
  test('the next look sees it and tells what went and what came', async () => {
    const { root, path, session, heard } = await setting()
    how(path)
    const messages = await session.messages()
    expect(idsOf(messages)).toEqual(after)
    expect(messages).toEqual((await anew(root, 's')).messages)
    const rewound = heard.of('session.rewound')
    expect(rewound).toHaveLength(missing.length + added.length > 0 ? 1 : 0)
    expect(rewound.flatMap((event) => messageIds(event.missing))).toEqual(missing)
    expect(rewound.flatMap((event) => messageIds(event.added))).toEqual(added)

    await session.add({ id: 'next', text: 'next' })
    const fresh = await anew(root, 's')
    expect(idsOf(fresh.messages)).toEqual([...after, 'next'])
    expect(fresh.damage).toEqual([])
    expect(await session.messages()).toEqual(fresh.messages)
  })

  test('an append that comes first lands in the new file', async () => {
    const { root, path, session, heard } = await setting()
    how(path)
    await session.add({ id: 'next', text: 'next' })
    const fresh = await anew(root, 's')
    expect(idsOf(fresh.messages)).toEqual([...after, 'next'])
    expect(fresh.damage).toEqual([])
    expect(await session.messages()).toEqual(fresh.messages)
    const rewound = heard.of('session.rewound')
    expect(rewound.flatMap((event) => messageIds(event.missing))).toEqual(missing)
    // What came with the new file was not made here, and what was made here did not come with it.
    const told = heard.of('message.created').filter(({ origin }) => origin === 'external')
    const came = [...rewound.flatMap((event) => event.added), ...told.map(({ event }) => event)]
    expect(messageIds(came)).toEqual(added)
    expect(heard.of('message.created').filter(({ origin }) => origin === 'local')).toHaveLength(4)
  })

  test('a watcher sees it without anybody looking', async () => {
    const { root, path, session, heard } = await setting({ watch: true })
    how(path)
    const count = missing.length + added.length > 0 ? 1 : 0
    await heard.until(() => heard.of('session.rewound').length >= count)
    expect(heard.of('session.rewound').flatMap((event) => messageIds(event.missing))).toEqual(missing)
    expect(heard.of('session.rewound').flatMap((event) => messageIds(event.added))).toEqual(added)
    expect(heard.of('session.rewound').every(({ info }) => info.messageCount === after.length)).toBe(true)
    await session.add({ id: 'next', text: 'next' })
    expect(idsOf((await anew(root, 's')).messages)).toEqual([...after, 'next'])
    expect(heard.of('session.rewound')).toHaveLength(count)
  })
})

/** Lets something happen right after the next write to a log, before anybody looks whether it arrived. */
function afterNextWrite(happen: () => void): void {
  const original = io.writeSync
  const spy = vi.spyOn(io, 'writeSync').mockImplementationOnce((...args: Parameters<typeof original>) => {
    const written = original(...args)
    happen()
    return written
  })
  onTestFinished(() => spy.mockRestore())
}

test('row 33: a log replaced between a write and the look after it gets the line that went into the old file', async () => {
  const { root, path, session, heard } = await setting()
  copyFileSync(path, `${path}.old`)
  await session.add({ id: 'd', text: 'text of d' })
  afterNextWrite(() => renameSync(`${path}.old`, path))
  await session.add({ id: 'e', text: 'text of e' })
  const { messages, damage } = await anew(root, 's')
  expect(idsOf(messages)).toEqual(['a', 'b', 'c', 'e'])
  expect(damage).toEqual([])
  expect(idsOf(await session.messages())).toEqual(['a', 'b', 'c', 'e'])
  // What the old file had is not gone in silence: whoever wants it back is told all of it.
  expect(heard.of('session.rewound').flatMap((event) => messageIds(event.missing))).toEqual(['d'])
})

test('row 33: lines of several calls that were under way are all in the new file', async () => {
  const { root, path, session } = await setting()
  copyFileSync(path, `${path}.old`)
  afterNextWrite(() => renameSync(`${path}.old`, path))
  const ids = ['d', 'e', 'f', 'g']
  await Promise.all(ids.map((id) => session.add({ id, text: `text of ${id}` })))
  const { messages, damage } = await anew(root, 's')
  expect(idsOf(messages)).toEqual(['a', 'b', 'c', ...ids])
  expect(damage).toEqual([])
})

test('row 33: a log replaced in that moment by one that has the line already gets it once', async () => {
  const { root, path, session } = await setting()
  afterNextWrite(() => replace(path, readFileSync(path)))
  await session.add({ id: 'd', text: 'text of d' })
  expect(lines(path)).toHaveLength(5)
  expect(idsOf((await anew(root, 's')).messages)).toEqual(['a', 'b', 'c', 'd'])
  expect(idsOf(await session.messages())).toEqual(['a', 'b', 'c', 'd'])
})

test('row 34: a log emptied between a write and the look after it gets the line again', async () => {
  const { root, path, session } = await setting()
  const old = readFileSync(path)
  afterNextWrite(() => {
    truncateSync(path, 0)
    appendFileSync(path, old)
  })
  await session.add({ id: 'd', text: 'text of d' })
  const { messages, damage } = await anew(root, 's')
  expect(idsOf(messages)).toEqual(['a', 'b', 'c', 'd'])
  expect(damage).toEqual([])
})

test('row 33: a line of somebody else that lands between two of ours is folded in the order of the file', async () => {
  const { root, path, session, heard } = await setting()
  const foreign = lineOfD(path)
  afterNextWrite(() => appendFileSync(path, `${foreign}\n`))
  await session.add({ id: 'e', text: 'text of e' })
  expect(heard.messageIds).toEqual(['a', 'b', 'c', 'e', 'd'])
  expect(heard.of('message.created').map(({ origin }) => origin)).toEqual([
    ...Array<string>(4).fill('local'),
    'external',
  ])
  const { messages, damage } = await anew(root, 's')
  expect(await session.messages()).toEqual(messages)
  expect(textsOf(messages)).toHaveLength(5)
  expect(damage).toEqual([])
})

test('row 33: a log of another session in its place is not written to', async () => {
  const { root, path, session } = await setting()
  const { store } = await open(root)
  await store.create({ id: 'another' })
  const bytes = readFileSync(logPath(root, 'another'))
  afterNextWrite(() => replace(path, bytes))
  await expect(session.add({ id: 'd', text: 'text of d' })).rejects.toMatchObject({ code: 'NOT_FOUND' })
  expect(readFileSync(path).equals(bytes)).toBe(true)
})

test('a replacement with a half-written last line is read up to it, sealed and gone on with', async () => {
  const { root, path, session } = await setting()
  const bytes = readFileSync(path)
  replace(path, bytes.subarray(0, bytes.length - 20))
  expect(idsOf(await session.messages())).toEqual(['a', 'b'])
  await session.add({ id: 'next', text: 'next' })
  const { messages, damage } = await anew(root, 's')
  expect(idsOf(messages)).toEqual(['a', 'b', 'next'])
  expect(damage).toHaveLength(1)
  expect(damage[0]).toMatchObject({ kind: 'torn', line: 4, sizeBytes: bytes.length - 20 - damage[0]!.offset })
  expect(await session.damage()).toEqual(damage)
})

test('row 35: a log edited in place is listed as it is, also by who knows it from the infos cache', async () => {
  const root = temp()
  const first = await open(root)
  const session = await first.store.create({ id: 's', title: 'some title' })
  for (const id of ['a', 'b', 'c']) await session.add({ id, text: `text of ${id}` })
  await first.store.list()
  await first.store.close()
  edit(logPath(root, 's'), 'some title')
  const { store } = await open(root)
  expect((await store.list()).items.map(({ title }) => title)).toEqual(['SOME TITLE'])
  edit(logPath(root, 's'), 'text of c')
  expect((await store.list()).items).toEqual([(await anew(root, 's')).info])
})

test('row 35: everybody who reads an edited log is told, not only who notices it first', async () => {
  const { root, path, session, heard } = await setting()
  const { store } = await open(root)
  const other = (await store.get('s'))!
  const tail = session.tail()
  for (const type of ['session.created', ...Array<string>(3).fill('message.created')]) {
    expect((await tail.next()).value).toMatchObject({ type })
  }
  edit(path, 'text of a')
  // The tail looks first.
  expect((await tail.next()).value).toMatchObject({ type: 'session.rewound' })
  expect(textsOf(await session.messages())[0]).toBe('TEXT OF A')
  expect(heard.of('session.rewound')).toHaveLength(1)
  expect(textsOf(await other.messages())[0]).toBe('TEXT OF A')
  await tail.return(undefined)
})

test('row 35: setting the time of a log tells nothing, and it is read anew once', async () => {
  const { path, session, heard } = await setting()
  const read = vi.spyOn(io, 'readSync')
  onTestFinished(() => read.mockRestore())
  const readsOfLook = async (): Promise<number> => {
    read.mockClear()
    await session.messages()
    return read.mock.calls.length
  }
  const usual = await readsOfLook()
  utimesSync(path, new Date(), new Date(2000, 0))
  expect(await readsOfLook()).toBeGreaterThan(usual)
  expect(await readsOfLook()).toBe(usual)
  await session.add({ id: 'd', text: 'text of d' })
  expect(await readsOfLook()).toBe(usual)
  expect(heard.of('session.rewound')).toEqual([])
  expect(heard.messageIds).toEqual(['a', 'b', 'c', 'd'])
})
