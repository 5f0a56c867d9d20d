/** Logs of several files: `<id>.jsonl`, which may be missing, and `<id>.<ulid>.jsonl`. On a real disk. */
import { appendFile, readFile, readdir, rm, writeFile } from 'node:fs/promises'
import { afterEach, beforeEach, expect, test } from 'vitest'
import type { Backend, NewLine } from '../../src/backend.ts'
import { fileBackend } from '../../src/backends/file/index.ts'
import { newId } from '../../src/id.ts'
import { create, endOf, KEY, newLine, newLines, readLines, readTexts, rejects, texts } from '../../src/testing/lines.ts'
import { tempRoot } from '../testing/temp.ts'

let root: string
let done: () => Promise<void>
let backend: Backend

beforeEach(async () => {
  ;({ root, done } = await tempRoot())
  backend = fileBackend(root)
})

afterEach(async () => {
  await backend.close()
  await done()
})

function pathOf(segment: string): string {
  return `${root}/contract/first.${segment}.jsonl`
}

async function write(segment: string, ...lines: readonly NewLine[]): Promise<void> {
  await appendFile(
    pathOf(segment),
    texts(...lines)
      .map((text) => `${text}\n`)
      .join(''),
  )
}

test('all files are read, the first one first, then by name', async () => {
  const first = await create(backend, 2)
  const [early, late] = [newId(), newId()].sort()
  const [a, b] = [newLine('a'), newLine('b')]
  await write(late!, b)
  await write(early!, a)
  const lines = await readLines(backend)
  expect(lines.map(({ bytes }) => Buffer.from(bytes).toString())).toEqual(texts(...first, a, b))
  expect(lines.map(({ file, line }) => [file, line])).toEqual([
    ['first.jsonl', 1],
    ['first.jsonl', 2],
    [`first.${early}.jsonl`, 1],
    [`first.${late}.jsonl`, 1],
  ])
})

test('a cursor of every line reads what comes after it, in whichever file', async () => {
  await create(backend, 2)
  for (const segment of [newId(), newId()].sort()) await write(segment, ...newLines(2))
  const all = await readLines(backend)
  for (const [index, line] of all.entries()) {
    expect((await readLines(backend, line.cursor)).map(({ cursor }) => cursor)).toEqual(
      all.slice(index + 1).map(({ cursor }) => cursor),
    )
  }
})

test('law 3: what is appended to any file, and files that appear, come after a cursor', async () => {
  await create(backend, 1)
  const one = await endOf(backend)
  const [early, late] = [newId(), newId()].sort()
  const [a, b, c, d] = newLines(4)
  await write(late!, a!)
  expect(await readTexts(backend, one)).toEqual(texts(a!))
  const two = await endOf(backend)
  await write(early!, b!)
  await backend.append(KEY, [c!], { after: two })
  await write(late!, d!)
  expect(await readTexts(backend, two)).toEqual(texts(c!, b!, d!))
  expect(await readTexts(backend, await endOf(backend))).toEqual([])
})

test('a cursor of a segment that vanished or was changed is stale', async () => {
  await create(backend, 1)
  const [one, two] = [newId(), newId()]
  await write(one, newLine())
  await write(two, newLine())
  const cursor = await endOf(backend)
  await writeFile(pathOf(one), `${newLine('x').text}\n`)
  await rejects(readTexts(backend, cursor), 'STALE_CURSOR')
  const next = await endOf(backend)
  await rm(pathOf(two))
  await rejects(readTexts(backend, next), 'STALE_CURSOR')
})

test('a log of segments alone is there, is appended to, and gets no first file', async () => {
  await create(backend, 1, { ...KEY, sessionId: 'other' })
  const segment = newId()
  const [a, b] = newLines(2)
  await write(segment, a!)
  await rejects(backend.append(KEY, [newLine()], { expect: 'absent' }), 'ALREADY_EXISTS')
  await backend.append(KEY, [b!])
  expect(await readTexts(backend)).toEqual(texts(a!, b!))
  expect((await readdir(`${root}/contract`)).filter((name) => name.startsWith('first'))).toEqual([
    `first.${segment}.jsonl`,
  ])
  expect(await readFile(pathOf(segment), 'utf8')).toBe(`${a!.text}\n${b!.text}\n`)
})

test('a head and a listing speak of all files, and change with each', async () => {
  await create(backend)
  const segment = newId()
  const versions = new Set<string>()
  for (let round = 0; round < 3; round++) {
    const [head] = await backend.list(KEY.namespace)
    expect(await backend.head(KEY)).toEqual(head)
    versions.add(head!.version)
    await write(segment, newLine())
  }
  expect(versions.size).toBe(3)
  expect((await backend.head(KEY))!.sizeBytes).toBeGreaterThan(4 * 100)
})

test('removing a session removes all of its files', async () => {
  await create(backend)
  await write(newId(), newLine())
  expect(await backend.remove(KEY)).toBe(true)
  expect(await backend.head(KEY)).toBeUndefined()
  expect(await readdir(`${root}/contract`)).toEqual([])
  await rejects(backend.append(KEY, [newLine()]), 'NOT_FOUND')
})
