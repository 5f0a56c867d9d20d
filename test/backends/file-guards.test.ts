/** Lines that count on a condition: `if`, `kept`, `log.kept`, `log.void`. On a real disk. */
import { appendFileSync, renameSync, writeFileSync } from 'node:fs'
import { appendFile, readFile, rename, stat, truncate, writeFile } from 'node:fs/promises'
import { afterEach, beforeEach, expect, onTestFinished, test } from 'vitest'
import type { Backend, NewLine } from '../../src/backend.ts'
import { fileBackend } from '../../src/backends/file/index.ts'
import { io, type Io } from '../../src/backends/file/io.ts'
import { Clock } from '../../src/id.ts'
import { create, endOf, KEY, newLine, newLines, readTexts, rejects, texts, unguarded } from '../../src/testing/lines.ts'
import { anew, idsOf, logPath, open, temp } from '../support/temp.ts'
import { tempRoot } from '../testing/temp.ts'

let root: string
let path: string
let done: () => Promise<void>
let backend: Backend
let first: NewLine

beforeEach(async () => {
  ;({ root, done } = await tempRoot())
  path = `${root}/contract/first.jsonl`
  backend = fileBackend(root)
  ;[first] = (await create(backend)) as [NewLine]
})

afterEach(async () => {
  await backend.close()
  await done()
})

const clock = new Clock()

async function size(): Promise<number> {
  return (await stat(path)).size
}

function line(type: string, header: object, data: object = {}): NewLine {
  const id = clock.next()
  return { id, text: JSON.stringify({ v: 1, id, type, time: '2026-11-20T10:00:00.123Z', ...header, data }) }
}

async function guarded(after: string, header: object = {}, at?: number): Promise<NewLine> {
  return line('test.said', { if: { at: at ?? (await size()), after }, ...header })
}

async function write(...lines: readonly NewLine[]): Promise<void> {
  await appendFile(path, lines.map(({ text }) => `${text}\n`).join(''))
}

test('a guarded line counts where it wanted to be', async () => {
  const won = await guarded(first.id)
  await write(won)
  expect(await readTexts(backend)).toEqual(texts(first, won))
})

test('a guarded line does not count behind one that came first', async () => {
  const [lost, other] = [await guarded(first.id), newLine()]
  await write(other, lost)
  expect(await readTexts(backend)).toEqual(texts(first, other))
})

test('a guarded line does not count at its place behind another line than it wanted', async () => {
  const lost = await guarded(clock.next())
  await write(lost)
  expect(await readTexts(backend)).toEqual(texts(first))
})

test('damage before a guarded line does not matter, only the valid line does', async () => {
  await appendFile(path, 'damage\n')
  const won = await guarded(first.id)
  await write(won)
  expect(await readTexts(backend)).toEqual(['damage'].flatMap((text) => [first.text, text, won.text]))
})

test('a voided line does not count even at its place', async () => {
  const lost = await guarded(first.id)
  const plain = newLine()
  await write(lost, line('log.void', {}, { of: lost.id }), plain)
  expect(await readTexts(backend)).toEqual(texts(first, plain))
})

test('a line that is named in log.kept counts wherever it is, also when it is voided', async () => {
  const moved = await guarded(first.id, {}, 7)
  await write(moved, line('log.kept', {}, { of: moved.id }), line('log.void', {}, { of: moved.id }))
  expect(await readTexts(backend)).toEqual(texts(first, moved))
})

test('a line that is named in a later kept counts, and the line that names it too', async () => {
  const moved = await guarded(first.id, {}, 7)
  const naming = line('test.said', { kept: [moved.id] })
  await write(moved, naming)
  expect(await readTexts(backend)).toEqual(texts(first, moved, naming))
})

test('a message that speaks of guards is no guard', async () => {
  const plain = line('test.said', {}, { if: { at: 7, after: 'x' }, kept: ['x'], text: '"if":{"at":1} log.void "kept"' })
  const keyed = line('test.said', { key: '"if":' })
  await write(plain, keyed)
  expect(await readTexts(backend)).toEqual(texts(first, plain, keyed))
})

test('guards are decided alike from every cursor', async () => {
  const won = await guarded(first.id)
  await write(won)
  const one = await endOf(backend)
  await write(line('log.kept', {}, { of: won.id }))
  expect(await readTexts(backend, one)).toEqual([])
  const two = await endOf(backend)
  const lost = await guarded(first.id)
  const next = newLine()
  await write(lost, line('log.void', {}, { of: lost.id }), next)
  expect(await readTexts(backend, one)).toEqual(texts(next))
  expect(await readTexts(fileBackend(root), two)).toEqual(texts(next))
})

test('a cursor behind a line whose verdict a later line changes is stale, and a read from the start has it', async () => {
  const moved = await guarded(first.id, {}, 7)
  await write(moved)
  const cursor = await endOf(backend)
  expect(await readTexts(backend)).toEqual(texts(first))
  await write(line('log.kept', {}, { of: moved.id }))
  await rejects(readTexts(backend, cursor), 'STALE_CURSOR')
  await rejects(readTexts(fileBackend(root), cursor), 'STALE_CURSOR')
  expect(await readTexts(backend)).toEqual(texts(first, moved))
  expect(await readTexts(backend, await endOf(backend))).toEqual([])
})

test('a guard in a log of many chunks is decided by lines far behind it', async () => {
  const moved = await guarded(first.id, {}, 7)
  const filler = Array.from({ length: 30 }, () => newLine('x'.repeat(100_000)))
  await write(moved, ...filler, line('log.kept', {}, { of: moved.id }))
  expect(await readTexts(backend)).toEqual(texts(first, moved, ...filler))
})

test('what was withheld in a file does not count for the file that replaced it', async () => {
  const lost = await guarded(first.id)
  await write(newLine(), lost)
  expect(await readTexts(backend)).toHaveLength(2)
  const cursor = await endOf(backend)
  // At the place of the line that did not count lies one that has no guard at all.
  const before = await readFile(path, 'utf8')
  const plain = newLine()
  const kept = line('log.kept', {}, { of: plain.id })
  await writeFile(`${path}.new`, `${before.replace(lost.text, plain.text)}${kept.text}\n`)
  await rename(`${path}.new`, path)
  await rejects(readTexts(backend, cursor), 'STALE_CURSOR')
  expect((await readTexts(backend)).at(-1)).toBe(plain.text)
})

test('what was withheld does not count for what the same file holds after it was cut and grew again', async () => {
  const lost = await guarded(first.id)
  const other = newLine()
  await write(other, lost)
  const cursor = await endOf(backend)
  await truncate(path, Buffer.byteLength(`${first.text}\n${other.text}\n`))
  const plain = newLine('x'.repeat(lost.text.length))
  await write(plain, line('log.kept', {}, { of: plain.id }))
  await rejects(readTexts(backend, cursor), 'STALE_CURSOR')
  expect(await readTexts(backend)).toEqual(texts(first, other, plain))
})

test('a guarded line that follows a torn line on one line never counts, and what follows it does', async () => {
  const root = temp()
  const { store } = await open(root)
  const session = await store.create({ id: 'glued' })
  const said = await session.add({ text: 'said' })
  const log = logPath(root, 'glued')
  const bytes = await readFile(log, 'utf8')
  const torn = bytes.split('\n')[1]!.slice(0, 120)
  const data = { id: 'm1', turnId: 'm1', role: 'user', status: 'completed', parts: [] }
  const after = session.info.lastEventId
  const lost = line('message.created', { if: { at: Buffer.byteLength(bytes), after } }, data)
  const plain = line('message.created', {}, { ...data, id: 'm2', turnId: 'm2' })
  await appendFile(log, `${torn}${lost.text}${plain.text}\n${torn}${lost.text}\n`)
  const { messages, damage } = await anew(root, 'glued')
  expect(idsOf(messages)).toEqual([said.id, 'm2'])
  expect(damage.map(({ kind }) => kind)).toEqual(['torn', 'torn'])
})

/** Replaces calls of the file backend until the test ends. */
function replace(calls: Partial<Io>): void {
  const before = { ...io }
  Object.assign(io, calls)
  onTestFinished(() => void Object.assign(io, before))
}

/** Does something once, right before or right after the next write. */
function aroundWrite(when: 'before' | 'after', what: () => void): void {
  const { writeSync } = io
  let isDone = false
  const call = (...args: Parameters<typeof writeSync>): number => {
    if (isDone) return writeSync(...args)
    isDone = true
    if (when === 'before') what()
    const written = writeSync(...args)
    if (when === 'after') what()
    return written
  }
  replace({ writeSync: call as typeof writeSync })
}

async function typesIn(): Promise<string[]> {
  const lines = (await readFile(path, 'utf8')).split('\n').filter((text) => text !== '')
  return lines.map((text) => (JSON.parse(text) as { type: string }).type)
}

test('row 28: a guarded append that comes second is refused and voided', async () => {
  const [theirs, mine] = [newLine('theirs'), newLine('mine')]
  const expected = await endOf(backend)
  aroundWrite('before', () => appendFileSync(path, `${theirs.text}\n`))
  await rejects(backend.append(KEY, [mine], { expect: expected }), 'HEAD_MOVED')
  expect(await typesIn()).toEqual(['test.said', 'test.said', 'test.said', 'log.void'])
  expect(await readTexts(backend)).toEqual(texts(first, theirs))
  await rejects(backend.append(KEY, [mine], { expect: await endOf(backend) }), 'HEAD_MOVED')
  expect(await readTexts(fileBackend(root))).toEqual(texts(first, theirs))
})

test('what others append right behind a line that won is not passed over', async () => {
  const [theirs, mine] = [newLine('theirs'), newLine('mine')]
  const expected = await endOf(backend)
  aroundWrite('after', () => appendFileSync(path, `${theirs.text}\n`))
  expect((await backend.append(KEY, [mine], { expect: expected })).cursor).toBeUndefined()
  expect((await readTexts(backend, expected)).map(unguarded)).toEqual(texts(mine, theirs))
  expect(await typesIn()).toEqual(['test.said', 'test.said', 'test.said', 'log.kept'])
})

test('row 29: a line of a writer that died before it said so counts, and whoever appends next says it', async () => {
  const won = await guarded(first.id)
  await write(won)
  const cursor = await endOf(backend)
  const plain = newLine()
  await backend.append(KEY, [plain], { after: cursor })
  expect(await typesIn()).toEqual(['test.said', 'test.said', 'log.kept', 'test.said'])
  const next = await guarded(plain.id)
  await write(next)
  const last = newLine()
  await backend.append(KEY, [last], { expect: await endOf(backend) })
  expect(await readFile(path, 'utf8')).toContain(`"kept":["${next.id}"]`)
  // Its writer asks again: it is in.
  await backend.append(KEY, [next], { expect: cursor })
  expect((await readTexts(backend)).map(unguarded)).toEqual(texts(first, won, plain, next, last).map(unguarded))
})

test('g9: two clones that both made a guarded append at one place keep both after a merge', async () => {
  const expected = await endOf(backend)
  const before = await readFile(path, 'utf8')
  const [mine, theirs] = [newLine('mine'), newLine('theirs')]
  await backend.append(KEY, [mine], { expect: expected })
  const other = (await readFile(path, 'utf8')).slice(before.length)
  await truncate(path, before.length)
  await backend.append(KEY, [theirs], { expect: await endOf(backend) })
  await appendFile(path, other)
  expect((await readTexts(fileBackend(root))).map(unguarded)).toEqual(texts(first, theirs, mine))
})

test('a short write, a verdict that cannot be written and a log replaced meanwhile leave the outcome unknown, and say so', async () => {
  const { writeSync } = io
  const full = Object.assign(new Error('full'), { code: 'ENOSPC' })
  const [short, unsaid, replaced] = newLines(3)
  const expected = await endOf(backend)
  replace({ writeSync: ((fd: number, bytes: Buffer) => writeSync(fd, bytes, 0, 50)) as typeof writeSync })
  await expect(backend.append(KEY, [short!], { expect: expected })).rejects.toMatchObject({
    code: 'STORAGE_FULL',
    eventIds: [short!.id],
  })
  io.writeSync = writeSync
  await rejects(backend.append(KEY, [unsaid!], { expect: expected }), 'HEAD_MOVED')
  const next = await endOf(backend)
  let calls = 0
  const second = (...args: Parameters<typeof writeSync>): number => {
    if (++calls === 2) throw full
    return writeSync(...args)
  }
  io.writeSync = second as typeof writeSync
  await expect(backend.append(KEY, [unsaid!], { expect: next })).rejects.toMatchObject({
    code: 'STORAGE_FULL',
    eventIds: [unsaid!.id],
  })
  expect((await readTexts(backend)).map(unguarded)).toContain(unsaid!.text)
  io.writeSync = writeSync
  const end = await endOf(backend)
  const content = await readFile(path)
  aroundWrite('before', () => {
    writeFileSync(`${path}.new`, content)
    renameSync(`${path}.new`, path)
  })
  await expect(backend.append(KEY, [replaced!], { expect: end })).rejects.toMatchObject({
    code: 'STORAGE_FAILED',
    eventIds: [replaced!.id],
  })
  expect((await readTexts(backend)).map(unguarded)).not.toContain(replaced!.text)
})
