/** A disk that refuses: full, failing, losing what was to be synced. Calls of `io` are replaced, files are real. */
import { readFile, readdir, rm, stat, writeFile } from 'node:fs/promises'
import { afterEach, beforeEach, expect, test } from 'vitest'
import type { Backend } from '../../src/backend.ts'
import { fileBackend } from '../../src/backends/file/index.ts'
import type { FsyncPolicy } from '../../src/backends/file/sync.ts'
import { io } from '../../src/backends/file/io.ts'
import { isFoldlogError } from '../../src/errors.ts'
import { create, endOf, KEY, newLine, newLines, readTexts, rejects, texts } from '../../src/testing/lines.ts'
import { tempRoot } from '../testing/temp.ts'

let root: string
let path: string
let done: () => Promise<void>
let backend: Backend
const real = { ...io }

async function open(fsync: FsyncPolicy = 'never'): Promise<void> {
  ;({ root, done } = await tempRoot())
  path = `${root}/contract/first.jsonl`
  backend = fileBackend(root, { fsync })
}

beforeEach(() => open())

afterEach(async () => {
  Object.assign(io, real)
  await backend.close()
  await done()
})

/** What a call rejects with. */
function failureOf(call: unknown): Promise<unknown> {
  return Promise.resolve(call).catch((reason: unknown) => reason)
}

function systemError(code: string, errno = -5): Error {
  return Object.assign(new Error(code), { code, errno })
}

/** Lets the next write put only `bytes` on the disk, and fail with `error` or answer how many there were. */
function failWrite(bytes: number, error?: Error): void {
  io.writeSync = ((fd: number, buffer: Buffer | string, offset: number) => {
    io.writeSync = real.writeSync
    const written = bytes === 0 ? 0 : real.writeSync(fd, Buffer.from(buffer as Buffer), offset ?? 0, bytes)
    if (error !== undefined) throw error
    return written
  }) as typeof io.writeSync
}

function failSync(error: Error): void {
  io.fdatasync = ((_fd: number, callback: (error: Error) => void) => {
    io.fdatasync = real.fdatasync
    setImmediate(callback, error)
  }) as typeof io.fdatasync
}

test('a full disk is STORAGE_FULL with the ids, and a retry with them works', async () => {
  const first = await create(backend)
  for (const error of [systemError('ENOSPC', -28), systemError('UNKNOWN', -122), systemError('EFBIG', -27)]) {
    const lines = newLines(2)
    failWrite(0, error)
    const failure = await failureOf(backend.append(KEY, lines))
    expect(isFoldlogError(failure, 'STORAGE_FULL') && failure.eventIds).toEqual(lines.map(({ id }) => id))
    await backend.append(KEY, lines)
    first.push(...lines)
  }
  expect(await readTexts(backend)).toEqual(texts(...first))
})

test('a short write is STORAGE_FULL, is sealed, and a retry writes only what is not there', async () => {
  const first = await create(backend)
  const lines = newLines(3)
  failWrite(lines[0]!.text.length + 20)
  await rejects(backend.append(KEY, lines), 'STORAGE_FULL')
  await backend.append(KEY, lines)
  const torn = lines[1]!.text.slice(0, 19)
  const expected = [...texts(...first, lines[0]!), torn, ...texts(lines[1]!, lines[2]!)]
  expect(await readFile(path, 'utf8')).toBe(`${expected.join('\n')}\n`)
})

test('a failing disk is STORAGE_FAILED, a refusing one STORAGE_DENIED, and the handle stays usable', async () => {
  const first = await create(backend)
  failWrite(0, systemError('EIO'))
  await rejects(backend.append(KEY, newLines(1)), 'STORAGE_FAILED')
  failWrite(0, systemError('EROFS', -30))
  await rejects(backend.append(KEY, newLines(1)), 'STORAGE_DENIED')
  const line = newLine()
  await backend.append(KEY, [line])
  expect(await readTexts(backend)).toEqual(texts(...first, line))
})

test('a create that is refused leaves no session behind', async () => {
  const lines = newLines(1)
  await create(backend, 1, { ...KEY, sessionId: 'other' })
  failWrite(0, systemError('ENOSPC', -28))
  await rejects(backend.append(KEY, lines, { expect: 'absent' }), 'STORAGE_FULL')
  expect(await backend.head(KEY)).toBeUndefined()
  expect(await readdir(`${root}/contract`)).toEqual(['other.jsonl'])
  await backend.append(KEY, lines, { expect: 'absent' })
  expect(await readTexts(backend)).toEqual(texts(...lines))
})

test('a create that failed half-way is finished by a retry, and by no one else', async () => {
  const lines = newLines(2)
  await create(backend, 1, { ...KEY, sessionId: 'other' })
  failWrite(20)
  await rejects(backend.append(KEY, lines, { expect: 'absent' }), 'STORAGE_FULL')
  const other = fileBackend(root)
  await rejects(other.append(KEY, newLines(1), { expect: 'absent' }), 'ALREADY_EXISTS')
  await backend.append(KEY, lines, { expect: 'absent' })
  expect(await readTexts(backend)).toEqual([lines[0]!.text.slice(0, 20), ...texts(...lines)])
  await other.close()
})

test('fsync always: a failed sync is STORAGE_FAILED, and the retry writes the lines again', async () => {
  await done()
  await open('always')
  const first = await create(backend)
  const lost = newLine('lost')
  failSync(systemError('EIO'))
  const failure = await failureOf(backend.append(KEY, [lost]))
  expect(isFoldlogError(failure, 'STORAGE_FAILED') && failure.eventIds).toEqual([lost.id])
  await backend.append(KEY, [lost])
  expect(await readTexts(backend)).toEqual(texts(...first, lost, lost))
  await backend.append(KEY, [lost])
  expect(await readTexts(backend)).toHaveLength(3)
})

test('fsync always: appends made while a sync runs share the next one', async () => {
  await done()
  await open('always')
  await create(backend)
  let syncs = 0
  io.fdatasync = ((fd: number, callback: () => void) => {
    syncs++
    real.fdatasync(fd, callback)
  }) as typeof io.fdatasync
  const lines = newLines(50)
  await Promise.all(lines.map(async (line) => backend.append(KEY, [line])))
  expect(syncs).toBeLessThanOrEqual(2)
  expect(await readTexts(backend)).toHaveLength(51)
})

test('an attachment that was synced here is not synced again, until somebody changes it', async () => {
  await done()
  await open('everysec')
  let syncs = 0
  io.fdatasync = ((fd: number, callback: () => void) => {
    syncs++
    real.fdatasync(fd, callback)
  }) as typeof io.fdatasync
  const bytes = Buffer.from('an image')
  const file = `${root}/contract/files/image.png`
  const put = (): Promise<void> => backend.files.put('contract', 'image.png', bytes)
  await put()
  await put()
  expect(syncs).toBe(2)
  await put()
  await put()
  expect(syncs).toBe(2)
  // Until the clock of the disk has ticked, a change leaves no trace.
  const { ctimeMs } = await stat(file)
  while ((await stat(file)).ctimeMs === ctimeMs) await writeFile(file, bytes)
  await put()
  expect(syncs).toBe(3)
  await rm(file)
  await put()
  await put()
  expect(syncs).toBe(5)
})

/** Counts syncs that are handed on and those made on the spot, of a disk that needs no time for the former. */
function countKinds(): { handedOn: number; onTheSpot: number } {
  const counts = { handedOn: 0, onTheSpot: 0 }
  io.fdatasync = ((_fd: number, callback: (error: null) => void) => {
    counts.handedOn++
    callback(null)
  }) as typeof io.fdatasync
  io.fdatasyncSync = () => void counts.onTheSpot++
  return counts
}

test('fsync always: syncs for a lone caller are made on the spot, and one that fails is as any other', async () => {
  await done()
  await open('always')
  const written = [...(await create(backend))]
  const counts = countKinds()
  while (counts.onTheSpot < 3 && written.length < 1000) {
    const line = newLine()
    await backend.append(KEY, [line])
    written.push(line)
    expect(counts.handedOn + counts.onTheSpot).toBe(written.length - 1)
  }
  expect(counts.onTheSpot).toBe(3)
  // That of the creation was the first of four in a row.
  expect(counts.handedOn).toBeGreaterThanOrEqual(3)
  const lost = newLine()
  io.fdatasyncSync = () => {
    throw systemError('EIO')
  }
  const failure = await failureOf(backend.append(KEY, [lost]))
  expect(isFoldlogError(failure, 'STORAGE_FAILED') && failure.eventIds).toEqual([lost.id])
  await backend.append(KEY, [lost])
  expect(await readTexts(backend)).toEqual(texts(...written, lost, lost))
})

test('fsync always: a loop of appends leaves the rest of the process its turn', async () => {
  await done()
  await open('always')
  await create(backend)
  countKinds()
  const handOn = io.fdatasync
  io.fdatasync = ((fd: number, callback: () => void) => {
    setImmediate(() => handOn(fd, callback))
  }) as typeof io.fdatasync
  let turns = 0
  const timer = setInterval(() => turns++, 0)
  for (let i = 0; i < 1000; i++) await backend.append(KEY, [newLine()])
  clearInterval(timer)
  expect(turns).toBeGreaterThan(3)
})

test('fsync always: syncs of several logs, of several callers or of a slow disk are handed on', async () => {
  await done()
  await open('always')
  const other = { ...KEY, sessionId: 'other' }
  await create(backend)
  await create(backend, 1, other)
  const counts = countKinds()
  for (let i = 0; i < 40; i++) await backend.append(i % 2 === 0 ? KEY : other, [newLine()])
  expect(counts).toEqual({ handedOn: 40, onTheSpot: 0 })
  // Who comes while a sync runs.
  const quick = io.fdatasync
  let meanwhile: unknown
  io.fdatasync = ((fd: number, callback: () => void) => {
    meanwhile ??= backend.append(KEY, [newLine()])
    quick(fd, callback)
  }) as typeof io.fdatasync
  for (let i = 0; i < 40; i++) {
    await Promise.all([backend.append(KEY, [newLine()]), meanwhile])
    meanwhile = undefined
  }
  expect(counts.onTheSpot).toBe(0)
  // Callers that all come at once, after one alone.
  for (let i = 0; i < 40; i++) await backend.append(KEY, [newLine()])
  const before = { ...counts }
  expect(before.onTheSpot).toBeGreaterThan(0)
  await Promise.all(Array.from({ length: 40 }, async () => backend.append(KEY, [newLine()])))
  expect(counts.onTheSpot + counts.handedOn - before.onTheSpot - before.handedOn).toBeLessThanOrEqual(3)
  counts.onTheSpot = 0
  io.fdatasync = ((fd: number, callback: () => void) => {
    for (const end = performance.now() + 5; performance.now() < end;);
    quick(fd, callback)
  }) as typeof io.fdatasync
  for (let i = 0; i < 40; i++) await backend.append(KEY, [newLine()])
  expect(counts.onTheSpot).toBe(0)
})

test('fsync always: a create whose directory cannot be synced is STORAGE_FAILED for all who wait, and a retry works', async () => {
  await done()
  await open('always')
  await create(backend, 1, { ...KEY, sessionId: 'other' })
  io.fsync = ((_fd: number, callback: (error: Error) => void) => {
    setImmediate(callback, systemError('EIO'))
  }) as typeof io.fsync
  const keys = ['a', 'b', 'c'].map((sessionId) => ({ ...KEY, sessionId }))
  const lines = newLines(3)
  const createAll = (): unknown[] =>
    keys.map((key, index) => backend.append(key, [lines[index]!], { expect: 'absent' }))
  await Promise.all(createAll().map((result) => rejects(result, 'STORAGE_FAILED')))
  io.fsync = real.fsync
  await Promise.all(createAll())
  for (const key of keys) expect(await readTexts(backend, undefined, key)).toHaveLength(1)
})

test('fsync everysec: a sync that fails is made up for, at the latest when the backend is closed', async () => {
  await done()
  await open('everysec')
  const first = await create(backend)
  const line = newLine()
  await backend.append(KEY, [line])
  failSync(systemError('EIO'))
  await backend.close()
  const other = fileBackend(root)
  expect(await readTexts(other)).toEqual(texts(...first, line, ...first, line))
  await other.close()
})

test('a disk that syncs nothing any more makes close reject', async () => {
  await done()
  await open('everysec')
  await create(backend)
  io.fdatasync = ((_fd: number, callback: (error: Error) => void) => {
    setImmediate(callback, systemError('EIO'))
  }) as typeof io.fdatasync
  await rejects(backend.close(), 'STORAGE_FAILED')
})

test('fsync everysec: lines of a failed sync are written again before the next ones', async () => {
  await done()
  await open('everysec')
  const first = await create(backend)
  const failed = new Promise<void>((resolve) => {
    io.fdatasync = ((_fd: number, callback: (error: Error) => void) => {
      io.fdatasync = real.fdatasync
      callback(systemError('EIO'))
      setImmediate(resolve)
    }) as typeof io.fdatasync
  })
  await failed
  const line = newLine()
  await backend.append(KEY, [line])
  expect(await readTexts(backend)).toEqual(texts(...first, ...first, line))
})

test('too many open files is an error of this call only', async () => {
  const lines = await create(backend)
  await backend.close()
  backend = fileBackend(root, { fsync: 'never' })
  io.openSync = () => {
    io.openSync = real.openSync
    throw systemError('EMFILE', -24)
  }
  await rejects(backend.append(KEY, newLines(1)), 'STORAGE_FAILED')
  const cursor = await endOf(backend)
  expect(await readTexts(backend, cursor)).toEqual([])
  expect(await readTexts(backend)).toEqual(texts(...lines))
})

test('a root whose first files could not be written gets them with the next attempt', async () => {
  failWrite(10, systemError('ENOSPC', -28))
  await rejects(create(backend), 'STORAGE_FULL')
  await create(backend)
  expect((await readFile(`${root}/.gitattributes`, 'utf8')).startsWith('*.jsonl merge=union')).toBe(true)
  expect((await readdir(root)).sort()).toEqual(['.gitattributes', '.gitignore', 'contract'])
})

/** Counts the files and the directories that are synced from now on. */
function countSyncs(): { files: number; directories: number } {
  const counts = { files: 0, directories: 0 }
  io.fdatasync = ((fd: number, callback: () => void) => {
    counts.files++
    real.fdatasync(fd, callback)
  }) as typeof io.fdatasync
  io.fsync = ((fd: number, callback: () => void) => {
    if (real.fstatSync(fd).isDirectory()) counts.directories++
    else counts.files++
    real.fsync(fd, callback)
  }) as typeof io.fsync
  return counts
}

test('fsync everysec: an append made while a sync runs is synced by the next one', async () => {
  await done()
  await open('everysec')
  const first = await create(backend)
  const line = newLine()
  const synced = new Promise<void>((resolve) => {
    io.fdatasync = ((fd: number, callback: () => void) => {
      io.fdatasync = ((fd2: number, callback2: () => void) => {
        real.fdatasync(fd2, callback2)
        resolve()
      }) as typeof io.fdatasync
      void Promise.resolve(backend.append(KEY, [line])).then(() => real.fdatasync(fd, callback))
    }) as typeof io.fdatasync
  })
  await synced
  expect(await readTexts(backend)).toEqual(texts(...first, line))
})

test.each(['always', 'everysec', 'never'] as const)(
  'fsync %s: a flush syncs what was written since the last one, once',
  async (policy) => {
    await done()
    await open(policy)
    await backend.flush()
    await create(backend)
    await create(backend, 1, { ...KEY, sessionId: 'other' })
    const counts = countSyncs()
    await backend.flush()
    // With `always` all of it was synced when it was acknowledged.
    expect(counts.files >= 2).toBe(policy !== 'always')
    expect(counts.directories >= 2).toBe(policy !== 'always')
    Object.assign(counts, { files: 0, directories: 0 })
    await backend.flush()
    expect(counts).toEqual({ files: 0, directories: 0 })
    await backend.append(KEY, newLines(2))
    await backend.flush()
    expect(counts).toEqual({ files: 1, directories: 0 })
  },
)

test('fsync everysec: a flush makes up for a sync that fails, and for one that fails twice the next flush does', async () => {
  await done()
  await open('everysec')
  const first = await create(backend)
  failSync(systemError('EIO'))
  await backend.flush()
  expect(await readTexts(backend)).toEqual(texts(...first, ...first))
  const line = newLine()
  await backend.append(KEY, [line])
  io.fdatasync = ((_fd: number, callback: (error: Error) => void) => {
    setImmediate(callback, systemError('EIO'))
  }) as typeof io.fdatasync
  await rejects(backend.flush(), 'STORAGE_FAILED')
  io.fdatasync = real.fdatasync
  await backend.flush()
  expect((await readTexts(backend)).filter((text) => text === line.text).length).toBeGreaterThanOrEqual(2)
})

test('fsync never: a flush that failed fails from then on, for nothing was kept to be written again', async () => {
  await create(backend)
  failSync(systemError('EIO'))
  await rejects(backend.flush(), 'STORAGE_FAILED')
  await rejects(backend.flush(), 'STORAGE_FAILED')
  await backend.append(KEY, newLines(1))
  await rejects(backend.flush(), 'STORAGE_FAILED')
})

test('fsync always: what is acknowledged of a new root has every directory above it synced, and its attachments', async () => {
  await done()
  await open('always')
  const other = fileBackend(`${root}/a/b`, { fsync: 'always' })
  const synced: string[] = []
  const paths = new Map<number, string>()
  io.openSync = ((path: string, ...rest: [number, number]) => {
    const fd = real.openSync(path, ...rest)
    paths.set(fd, path)
    return fd
  }) as typeof io.openSync
  io.fsync = ((fd: number, callback: () => void) => {
    synced.push(paths.get(fd)!.slice(root.length))
    real.fsync(fd, callback)
  }) as typeof io.fsync
  await create(other)
  const git = ['/a/b/.gitattributes', '/a/b/.gitignore']
  expect([...new Set(synced)].sort()).toEqual(['', '/a', '/a/b', ...git, '/a/b/contract'])
  synced.length = 0
  await other.files.put(KEY.namespace, 'sha256-1.txt', Buffer.from('x'))
  expect([...new Set(synced)].sort()).toEqual(['/a/b/contract', '/a/b/contract/files'])
  await other.close()
})

test('row 19: fsync everysec: an event loop that never turns is synced all the same: an append waits for it', async () => {
  await done()
  await open('everysec')
  await create(backend)
  const counts = countSyncs()
  const end = performance.now() + 2500
  // Nothing but microtasks: no timer fires unless an append lets it.
  while (performance.now() < end) await backend.append(KEY, [newLine()])
  expect(counts.files).toBeGreaterThanOrEqual(1)
})
