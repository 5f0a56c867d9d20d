/**
 * A disk that refuses while a shared root is written to. Calls of `io` are replaced, files are real.
 */
import { readdir, readFile } from 'node:fs/promises'
import { afterEach, beforeEach, expect, test } from 'vitest'
import type { Backend } from '../../src/backend.ts'
import { fileBackend } from '../../src/backends/file/index.ts'
import type { FsyncPolicy } from '../../src/backends/file/sync.ts'
import { io } from '../../src/backends/file/io.ts'
import { Bus } from '../../src/bus.ts'
import { openStore } from '../../src/store.ts'
import { create, KEY, newLine, newLines, readLines, readTexts, rejects, texts } from '../../src/testing/lines.ts'
import { tempRoot } from '../testing/temp.ts'

let root: string
let done: () => Promise<void>
let backend: Backend
const real = { ...io }

async function open(fsync: FsyncPolicy): Promise<void> {
  ;({ root, done } = await tempRoot())
  backend = fileBackend(root, { fsync, shared: true })
}

beforeEach(() => open('never'))

afterEach(async () => {
  Object.assign(io, real)
  await backend.close()
  await done()
})

function systemError(code: string, errno: number): Error {
  return Object.assign(new Error(code), { code, errno })
}

/** Lets the next write put only `bytes` on the disk and fail, once or for as long as nothing else is said. */
function failWrites(bytes: number): void {
  const fail = (fd: number, buffer: Buffer, offset: number): never => {
    if (bytes > 0) real.writeSync(fd, buffer, offset, bytes)
    throw systemError('ENOSPC', -28)
  }
  // The backend writes buffers only.
  io.writeSync = fail as unknown as typeof io.writeSync
}

/** Lets disks be of a kind, as `statfs` of Linux numbers them. */
function pretend(type: number): void {
  io.statfsSync = ((path: string) => Object.assign(real.statfsSync(path), { type })) as typeof io.statfsSync
}

async function names(): Promise<string[]> {
  return (await readdir(`${root}/contract`)).sort()
}

test('a create that is refused leaves nothing, however often, and then works', async () => {
  await create(backend, 1, { ...KEY, sessionId: 'other' })
  const before = await names()
  const lines = newLines(2)
  for (const bytes of [0, 20, 150]) {
    failWrites(bytes)
    await rejects(backend.append(KEY, lines, { expect: 'absent' }), 'STORAGE_FULL')
    expect(await names()).toEqual(before)
    expect(await backend.head(KEY)).toBeUndefined()
  }
  Object.assign(io, real)
  await backend.append(KEY, lines, { expect: 'absent' })
  expect(await readTexts(backend)).toEqual(texts(...lines))
})

test('an append that is refused adds no file; what it left torn is sealed by its own writer, in its own segment', async () => {
  const first = await create(backend)
  const before = await names()
  const lines = newLines(2)
  failWrites(0)
  for (let n = 0; n < 20; n++) await rejects(backend.append(KEY, lines), 'STORAGE_FULL')
  failWrites(20)
  await rejects(backend.append(KEY, lines), 'STORAGE_FULL')
  expect(await names()).toEqual(before)
  Object.assign(io, real)
  await backend.append(KEY, lines)
  expect(await names()).toEqual(before)
  const torn = lines[0]!.text.slice(0, 20)
  expect(await readTexts(backend)).toEqual([...texts(...first), torn, ...texts(...lines)])
})

test('a segment that somebody else left torn is read to its end and never written to', async () => {
  await create(backend)
  const other = fileBackend(root, { fsync: 'never', shared: true })
  const theirs = newLine('theirs')
  await other.append(KEY, [theirs])
  failWrites(20)
  await rejects(other.append(KEY, [newLine()]), 'STORAGE_FULL')
  Object.assign(io, real)
  const [, path] = await names()
  const bytes = await readFile(`${root}/contract/${path}`, 'utf8')
  let after = (await readLines(backend)).at(-1)!.cursor
  for (let n = 0; n < 3; n++) {
    const { cursor } = await backend.append(KEY, [newLine()], { after })
    // Nothing came between, though the other file does not end with a line.
    expect(cursor).toBeDefined()
    after = cursor!
  }
  expect(await readFile(`${root}/contract/${path}`, 'utf8')).toBe(bytes)
  expect(await readTexts(backend)).toHaveLength(5)
  await other.close()
})

test('fsync always: a segment, its directory and a tombstone are synced before they are acknowledged', async () => {
  await done()
  await open('always')
  const calls: string[] = []
  io.fdatasync = ((fd: number, callback: () => void) => {
    calls.push('data')
    real.fdatasync(fd, callback)
  }) as typeof io.fdatasync
  io.fsync = ((fd: number, callback: () => void) => {
    calls.push('directory')
    real.fsync(fd, callback)
  }) as typeof io.fsync
  io.renameSync = (from, to) => {
    calls.push('rename')
    real.renameSync(from, to)
  }
  await create(backend)
  // Each directory that was made or changed, and the files for git.
  expect(calls.filter((call, i) => call !== calls[i - 1])).toEqual(['rename', 'directory', 'data'])
  calls.length = 0
  await backend.append(KEY, newLines(1))
  expect(calls).toEqual(['data'])
  calls.length = 0
  await backend.remove(KEY)
  expect(calls).toEqual(['data', 'rename', 'data', 'rename', 'directory'])
})

test('fsync always: after a failed sync the lines are written again, and nothing is lost or doubled for readers', async () => {
  await done()
  await open('always')
  const first = await create(backend)
  const line = newLine()
  io.fdatasync = ((_fd: number, callback: (error: Error) => void) => {
    setImmediate(callback, systemError('EIO', -5))
  }) as typeof io.fdatasync
  await rejects(backend.append(KEY, [line]), 'STORAGE_FAILED')
  Object.assign(io, real)
  const more = newLine()
  await backend.append(KEY, [more])
  const found = await readTexts(backend)
  expect([...new Set(found)]).toEqual(texts(...first, line, more))
  expect(found.filter((text) => text === line.text).length).toBe(2)
  expect((await names()).length).toBe(1)
})

test('more sessions than descriptors are written to in turn, each in one segment', async () => {
  const sessions = Array.from({ length: 300 }, (_, n) => ({ ...KEY, sessionId: `s${n}` }))
  const known = new Map<string, string[]>()
  for (const key of sessions) known.set(key.sessionId, texts(...(await create(backend, 1, key))))
  for (const key of sessions) {
    const line = newLine()
    await backend.append(key, [line])
    known.get(key.sessionId)!.push(line.text)
  }
  expect((await names()).length).toBe(300)
  for (const key of sessions) expect(await readTexts(backend, undefined, key)).toEqual(known.get(key.sessionId))
})

test('files that vanish for a moment are waited for, and those that do not come back are gone', async () => {
  await create(backend)
  await backend.append(KEY, newLines(1))
  const [name] = await names()
  const path = `${root}/contract/${name}`
  const aside = `${root}/contract/aside`
  real.renameSync(path, aside)
  const line = newLine()
  const append = backend.append(KEY, [line])
  setImmediate(() => real.renameSync(aside, path))
  await append
  expect(await readTexts(backend)).toContain(line.text)
  for (const each of await names()) real.unlinkSync(`${root}/contract/${each}`)
  await rejects(backend.append(KEY, newLines(1)), 'NOT_FOUND')
  expect(await names()).toEqual([])
})

test.runIf(process.platform === 'linux')(
  'row 22: a root on a network disk that is not opened as shared is told, and one that is, is not',
  async () => {
    const place = `${root}/not/there/yet`
    for (const [type, isTold] of [
      [0x6969, true],
      [0xfe534d42, true],
      [0xef53, false],
    ] as const) {
      pretend(type)
      for (const shared of [false, true]) {
        const bus = new Bus()
        const told: string[] = []
        bus.on('store.degraded', ({ reason }) => void told.push(reason))
        await (await openStore(place, { bus, shared })).close()
        expect(told.length).toBe(isTold && !shared ? 1 : 0)
      }
    }
  },
)
