/**
 * Putting files and reading them back: bytes, streams, paths; names, links, damage, full disks, kills.
 */
import { createHash } from 'node:crypto'
import {
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  statSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
} from 'node:fs'
import { createReadStream } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { memoryBackend } from '../../src/backends/memory.ts'
import { Child } from '../support/child.ts'
import { needs } from '../support/machine.ts'
import { tmpfs } from '../support/mounts.ts'
import { reportsOf } from './reports.ts'
import { anew, logPath, open, temp } from '../support/temp.ts'

const BYTES = Buffer.from('the bytes of a picture')
const HASH = createHash('sha256').update(BYTES).digest('hex')

function folder(root: string): string {
  return join(root, 'default', 'files')
}

async function all(chunks: AsyncIterable<Uint8Array>): Promise<string> {
  const pieces: Uint8Array[] = []
  for await (const bytes of chunks) pieces.push(bytes)
  return Buffer.concat(pieces).toString()
}

async function* stream(...pieces: readonly (Uint8Array | string)[]): AsyncGenerator<Uint8Array | string> {
  yield* pieces
}

test.each(['file', 'memory'])(
  'bytes, streams and paths give the same part, stored once, and come back (%s)',
  async (kind) => {
    const root = temp()
    const path = join(temp(), 'picture.PNG')
    writeFileSync(path, BYTES)
    const { store } = await open(kind === 'file' ? root : memoryBackend())
    const session = await store.create({ id: 's' })
    const expected = {
      type: 'file',
      mediaType: 'image/png',
      file: `sha256-${HASH}`,
      sizeBytes: BYTES.length,
      name: 'picture.PNG',
    }
    expect(await session.file('picture.PNG', BYTES)).toEqual(expected)
    expect(await session.file('picture.PNG', stream(BYTES.subarray(0, 5), BYTES.subarray(5).toString()))).toEqual(
      expected,
    )
    expect(await session.file('picture.PNG', createReadStream(path))).toEqual(expected)
    expect(await session.file('picture.PNG', new Blob([BYTES]).stream())).toEqual(expected)
    expect(await session.file('picture.PNG', path)).toEqual(expected)
    const part = await session.file(path)
    expect(part).toEqual(expected)
    if (kind === 'file') expect(readdirSync(folder(root))).toEqual([`${HASH}.png`])

    const message = await session.add({ text: 'look', parts: [part] })
    expect(message.parts[1]).toMatchObject({ type: 'file', file: part.file, name: 'picture.PNG' })
    expect(await all(session.openFile(part))).toBe(BYTES.toString())
    expect(await all(store.openFile(part.file))).toBe(BYTES.toString())
    expect(await all(session.openFile({ data: BYTES.toString('base64') }))).toBe(BYTES.toString())
    expect(Buffer.from((await store.getFile(part.file))!)).toEqual(BYTES)
    // Whatever it was stored with.
    expect(Buffer.from((await store.getFile(part.file, 'application/pdf'))!)).toEqual(BYTES)
    expect((await session.file('notes', BYTES)).mediaType).toBe('application/octet-stream')
    expect((await session.file('notes', BYTES, { mediaType: 'text/csv' })).mediaType).toBe('text/csv')
    expect(await all(session.openFile(await session.file('empty.txt', stream())))).toBe('')
  },
)

test('names and references that lead elsewhere are refused, and nothing is written', async () => {
  const root = temp()
  const { store } = await open(root)
  const session = await store.create({ id: 's' })
  for (const name of ['../a.txt', '/etc/a.txt', 'a/b.txt', 'a\\b.txt', '..', '.', 'a\0b', 'a\nb'])
    await expect(session.file(name, BYTES), name).rejects.toMatchObject({ code: 'INVALID_NAME' })
  for (const file of [`sha256-../${HASH}`, '../../etc/passwd', '/etc/passwd', `sha256-${HASH}/..`, HASH, '']) {
    await expect(store.getFile(file), file).rejects.toMatchObject({ code: 'INVALID_OPTION' })
    await expect(session.openFile(file).next(), file).rejects.toMatchObject({ code: 'INVALID_OPTION' })
  }
  await expect(session.file('')).rejects.toMatchObject({ code: 'INVALID_OPTION' })
  // Bytes that are missing are no reason to read what a name says from the disk.
  const mine = join(root, '.gitignore')
  for (const missing of [undefined, null]) {
    const put = session.file(mine, missing as never)
    await expect(put).rejects.toMatchObject({ code: expect.stringMatching(/INVALID/) as string })
  }
  await expect(session.file('a', null as never)).rejects.toMatchObject({ code: 'INVALID_OPTION', field: 'source' })
  await expect(session.file('a', undefined)).rejects.toMatchObject({ code: 'INVALID_OPTION', field: 'source' })
  await expect(session.file('a', 7 as never)).rejects.toMatchObject({ code: 'INVALID_OPTION', field: 'source' })
  await expect(session.file('a', stream(7 as never))).rejects.toMatchObject({ code: 'INVALID_OPTION', field: 'source' })
  await expect(session.file('a', BYTES, { mediaType: 'image' })).rejects.toMatchObject({ code: 'INVALID_OPTION' })
  await expect(session.openFile({ url: 'https://example.com' }).next()).rejects.toMatchObject({
    code: 'INVALID_OPTION',
  })
  await expect(session.file(join(root, 'nowhere.txt'))).rejects.toMatchObject({ code: 'NOT_FOUND' })
  await expect(session.file(root)).rejects.toMatchObject({ code: 'INVALID_OPTION', path: root })
  expect(existsSync(folder(root)) ? readdirSync(folder(root)) : []).toEqual([])
})

test('links lead nowhere: neither a file nor the folder of files', async () => {
  const [root, elsewhere] = [temp(), temp()]
  const { store } = await open(root)
  const session = await store.create({ id: 's' })
  const part = await session.file('a.png', BYTES)
  const path = join(folder(root), `${HASH}.png`)
  renameSync(path, join(elsewhere, `${HASH}.png`))
  symlinkSync(join(elsewhere, `${HASH}.png`), path)
  // The system says so of a link that is opened; listings pass it over.
  await expect(store.getFile(part.file, 'image/png')).rejects.toMatchObject({ code: 'NOT_A_LOG' })
  await expect(session.openFile(part).next()).rejects.toMatchObject({ code: 'NOT_FOUND' })
  await session.file('a.png', BYTES)
  expect(statSync(path).ino).not.toBe(statSync(join(elsewhere, `${HASH}.png`)).ino)
  expect(await all(session.openFile(part))).toBe(BYTES.toString())

  renameSync(folder(root), join(elsewhere, 'files'))
  symlinkSync(join(elsewhere, 'files'), folder(root))
  const calls = [
    () => store.getFile(part.file, 'image/png'),
    () => session.openFile(part).next(),
    () => session.file('b.png', Buffer.from('other')),
    () => session.file('b.png', stream('other')),
    () => store.gc({ olderThan: 0 }),
    () => store.redact({ text: 'picture' }),
    () => store.fsckFiles().next(),
  ]
  for (const call of calls) await expect(call(), String(call)).rejects.toMatchObject({ code: 'NOT_A_LOG' })
  expect(readdirSync(join(elsewhere, 'files'))).toEqual([`${HASH}.png`])
})

test('damage is told and never given out as whole, and storing the bytes again heals it', async () => {
  const root = temp()
  const { store } = await open(root)
  const session = await store.create({ id: 's' })
  const big = Buffer.alloc(1 << 20, 'x')
  const part = await session.file('big.bin', big)
  const path = join(folder(root), `${part.file.slice(7)}.bin`)
  writeFileSync(path, Buffer.concat([big.subarray(0, -1), Buffer.from('y')]))
  let sizeBytes = 0
  const reading = (async () => {
    for await (const bytes of session.openFile(part)) sizeBytes += bytes.length
  })()
  await expect(reading).rejects.toMatchObject({ code: 'STORAGE_FAILED' })
  expect(sizeBytes).toBeLessThan(big.length)
  await expect(store.getFile(part.file)).rejects.toMatchObject({ code: 'STORAGE_FAILED' })
  await session.file('big.bin', big)
  expect(Buffer.from((await store.getFile(part.file))!).equals(big)).toBe(true)
  // Of two files of one hash one may be damaged.
  writeFileSync(join(folder(root), `${part.file.slice(7)}.aaa`), 'other')
  expect(Buffer.from((await store.getFile(part.file))!).equals(big)).toBe(true)
})

test('a stream that fails or is aborted rejects with its own reason and leaves nothing', async () => {
  const root = temp()
  const { store } = await open(root)
  const session = await store.create({ id: 's' })
  const reason = new Error('the network')
  async function* failing(): AsyncGenerator<Uint8Array> {
    yield BYTES
    throw reason
  }
  await expect(session.file('a', failing())).rejects.toBe(reason)
  const abort = new AbortController()
  async function* endless(): AsyncGenerator<Uint8Array> {
    for (let i = 0; ; i++) {
      if (i === 3) abort.abort(reason)
      yield BYTES
    }
  }
  await expect(session.file('a', endless(), { signal: abort.signal })).rejects.toBe(reason)
  await expect(session.file('a', BYTES, { signal: abort.signal })).rejects.toBe(reason)
  expect(readdirSync(folder(root))).toEqual([])
})

test('row 10: a full disk is STORAGE_FULL, leaves nothing, and no line names what is not there', async (context) => {
  needs(context, 'root', 'mount')
  const root = tmpfs(1 << 20)
  const { store } = await open(root)
  const session = await store.create({ id: 's' })
  await session.add({ id: 'before', text: 'small' })
  const { size } = statSync(logPath(root, 's'))
  const big = Buffer.alloc(2 << 20, 'x')
  const data = big.toString('base64')
  const calls = [
    () => session.file('big.bin', big),
    () => session.file('big.bin', stream(big)),
    () => session.add({ parts: [{ type: 'file', mediaType: 'image/png', data }] }),
    () => session.add({ parts: [{ type: 'file', mediaType: 'image/png', data }] }, { expectedHead: 'before' }),
    () => session.part('before', { type: 'file', mediaType: 'image/png', data }),
  ]
  for (const call of calls) await expect(call()).rejects.toMatchObject({ code: 'STORAGE_FULL' })
  expect(readdirSync(folder(root))).toEqual([])
  expect(statSync(logPath(root, 's')).size).toBe(size)
  await session.add({ id: 'after', text: 'small' })
  expect((await anew(root, 's')).messages.map(({ id }) => id)).toEqual(['before', 'after'])
})

test('a kill while a file is written leaves a leftover, which fsck tells of and gc clears', async () => {
  const root = temp()
  const { store } = await open(root)
  await store.create({ id: 's' })
  const child = new Child('putter', root, 'endless')
  await child.line()
  await child.kill()
  const [leftover, ...others] = readdirSync(folder(root))
  expect([leftover, others]).toEqual([expect.stringMatching(/^\.[0-9A-Z]{26}\.tmp$/), []])
  expect(await reportsOf(store)).toMatchObject([{ kind: 'leftover', file: leftover }])
  expect((await store.gc({ olderThan: 0 })).files).toEqual([])
  const past = new Date(Date.now() - 2 * 3_600_000)
  utimesSync(join(folder(root), leftover!), past, past)
  expect((await store.gc()).files).toEqual([])
  expect((await store.gc({ olderThan: 0, dryRun: true })).files).toMatchObject([{ name: leftover }])
  expect((await store.gc({ olderThan: 0 })).files).toMatchObject([{ name: leftover }])
  expect(readdirSync(folder(root))).toEqual([])
})

test('storing what is there already keeps the file and makes it young', async () => {
  const root = temp()
  const { store } = await open(root, { fsync: 'always' })
  const session = await store.create({ id: 's' })
  await session.file('a.png', BYTES)
  const path = join(folder(root), `${HASH}.png`)
  utimesSync(path, 1000, 1000)
  const before = statSync(path)
  await session.file('a.png', BYTES)
  expect(statSync(path).ino).toBe(before.ino)
  expect(statSync(path).mtimeMs).toBeGreaterThan(before.mtimeMs)
  expect(readFileSync(path)).toEqual(BYTES)
  expect(statSync(path).mode & 0o777).toBe(0o600)
  mkdirSync(join(folder(root), 'a-folder'))
  expect((await store.gc({ olderThan: 0 })).files).toHaveLength(1)
  expect(readdirSync(folder(root))).toEqual(['a-folder'])
})
