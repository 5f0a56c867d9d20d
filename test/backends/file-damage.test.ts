/** What befalls files from outside: torn lines, other files in their place, cuts. On a real disk. */
import { appendFile, readFile, rename, rm, stat, truncate, writeFile } from 'node:fs/promises'
import { afterEach, beforeEach, expect, test } from 'vitest'
import type { Backend, Cursor } from '../../src/backend.ts'
import { fileBackend } from '../../src/backends/file/index.ts'
import { create, endOf, KEY, newLine, readLines, readTexts, rejects, texts } from '../../src/testing/lines.ts'
import { tempRoot } from '../testing/temp.ts'

let root: string
let path: string
let done: () => Promise<void>
let backend: Backend

beforeEach(async () => {
  ;({ root, done } = await tempRoot())
  path = `${root}/contract/first.jsonl`
  backend = fileBackend(root)
})

afterEach(async () => {
  await backend.close()
  await done()
})

const opening = newLine('opening', 'session.created')

async function begin(): Promise<void> {
  await backend.append(KEY, [opening], { expect: 'absent' })
}

async function replace(text: string): Promise<void> {
  await writeFile(`${path}.new`, text)
  await rename(`${path}.new`, path)
}

test('I1 a torn line is sealed by the next append, not cut', async () => {
  await begin()
  await appendFile(path, '{"v":1,"id":"01')
  expect(await readTexts(backend)).toEqual([opening.text])
  const line = newLine()
  await backend.append(KEY, [line])
  expect(await readFile(path, 'utf8')).toBe(`${opening.text}\n{"v":1,"id":"01\n${line.text}\n`)
})

test('a torn line that was there when the log was opened is sealed by one line feed', async () => {
  await begin()
  await appendFile(path, 'torn')
  const other = fileBackend(root)
  const lines = [newLine(), newLine()]
  for (const line of lines) await other.append(KEY, [line])
  expect(await readFile(path, 'utf8')).toBe(`${[opening.text, 'torn', ...texts(...lines)].join('\n')}\n`)
  await other.close()
})

test('an append glued to a torn line that someone left meanwhile is written again', async () => {
  await begin()
  const end = await endOf(backend)
  await appendFile(path, 'torn')
  const line = newLine()
  expect(await backend.append(KEY, [line], { after: end })).toEqual({})
  // A file that has rested for some time is looked at before the write: then what is torn is sealed first.
  expect([
    [`torn${line.text}`, line.text],
    ['torn', line.text],
  ]).toContainEqual(await readTexts(backend, end))
})

test('I2 bytes after the last line feed are not read, and come whole once they are sealed', async () => {
  await begin()
  const end = await endOf(backend)
  const pending = newLine('pending')
  await appendFile(path, pending.text)
  expect(await readTexts(backend, end)).toEqual([])
  await appendFile(path, '\n')
  expect(await readTexts(backend, end)).toEqual([pending.text])
})

test('lines that are no JSON, not UTF-8 or empty are yielded as they are, and numbered as an editor does', async () => {
  await begin()
  const odd = Buffer.from([0xff, 0xfe, 0x00, 0x0d, 0x0a, 0x0a, 0x78, 0x0a])
  await appendFile(path, odd)
  const lines = await readLines(backend)
  expect(lines.slice(1).map(({ bytes, line }) => [[...bytes], line])).toEqual([
    [[0xff, 0xfe, 0x00, 0x0d], 2],
    [[0x78], 4],
  ])
  expect(await readTexts(backend, lines[1]!.cursor)).toEqual(['x'])
  expect((await readLines(backend, lines[1]!.cursor))[0]!.line).toBe(4)
  const more = newLine()
  await backend.append(KEY, [more], { after: lines[2]!.cursor })
  expect(await readTexts(backend, lines[2]!.cursor)).toEqual([more.text])
})

test('a log that was replaced by a version of itself gets the lines that are not in it', async () => {
  await begin()
  await backend.append(KEY, [newLine('discarded')])
  await replace(`${opening.text}\n`)
  const line = newLine('after')
  expect(await backend.append(KEY, [line])).toEqual({})
  expect(await readTexts(backend)).toEqual(texts(opening, line))
})

test('a log that was replaced by another one gets nothing', async () => {
  await begin()
  const other = newLine('other', 'session.created')
  await replace(`${other.text}\n`)
  await rejects(backend.append(KEY, [newLine()]), 'NOT_FOUND')
  expect(await readFile(path, 'utf8')).toBe(`${other.text}\n`)
})

test('a log replaced by a tombstone is gone, and stays gone', async () => {
  await begin()
  const tombstone = `${newLine('', 'session.deleted').text}\n`
  await replace(tombstone)
  for (let i = 0; i < 2; i++) await rejects(backend.append(KEY, [newLine()]), 'NOT_FOUND')
  expect(await readFile(path, 'utf8')).toBe(tombstone)
})

test('a path that is empty for a moment is waited for', async () => {
  await begin()
  await rename(path, `${path}.away`)
  const lines = [newLine('one'), newLine('two')]
  const appends = lines.map(async (line) => backend.append(KEY, [line]))
  await writeFile(path, '')
  await writeFile(path, `${opening.text}\n`)
  await Promise.all(appends)
  expect(await readTexts(backend)).toEqual(texts(opening, ...lines))
})

test('a log that is deleted underneath is NOT_FOUND, and nothing is created', async () => {
  await begin()
  const before = await endOf(backend)
  await rm(path)
  const results = [backend.append(KEY, [newLine()]), backend.append(KEY, [newLine()])]
  for (const result of results) await rejects(result, 'NOT_FOUND')
  await rejects(readTexts(backend, before), 'NOT_FOUND')
  await expect(stat(path)).rejects.toThrow()
})

test('a whole namespace that is deleted underneath is NOT_FOUND, and nothing is created', async () => {
  await begin()
  await rm(`${root}/contract`, { recursive: true })
  await rejects(backend.append(KEY, [newLine()]), 'NOT_FOUND')
  await expect(stat(`${root}/contract`)).rejects.toThrow()
})

test('a log that was cut is appended to at its new end, and cursors beyond it are stale', async () => {
  await begin()
  const cursor = await endOf(backend)
  await backend.append(KEY, [newLine()])
  const far = await endOf(backend)
  await truncate(path, opening.text.length + 1)
  const line = newLine()
  await backend.append(KEY, [line])
  await rejects(readTexts(backend, far), 'STALE_CURSOR')
  expect(await readTexts(backend, cursor)).toEqual([line.text])
})

test('a log that was cut and has grown past the known end again keeps the line', async () => {
  await begin()
  const far = await endOf(backend)
  await truncate(path, 0)
  await appendFile(path, `${opening.text.slice(0, -9)}"}}\n${newLine('x'.repeat(500)).text}\n`)
  const line = newLine()
  await backend.append(KEY, [line])
  expect((await readTexts(backend)).filter((text) => text === line.text)).toHaveLength(1)
  await rejects(readTexts(backend, far), 'STALE_CURSOR')
})

test('a cursor of a log that was replaced is stale even where the new one looks alike there', async () => {
  await begin()
  await backend.append(KEY, [newLine('before')])
  const cursor = await endOf(backend)
  const text = await readFile(path, 'utf8')
  await replace(text.replace('opening', 'OPENING'))
  await rejects(readTexts(backend, cursor), 'STALE_CURSOR')
})

test('a cursor inside a line is stale', async () => {
  await begin()
  const cursor = await endOf(backend)
  const moved = cursor.replace(/^\d+/, (offset) => String(Number(offset) - 1)) as Cursor
  await rejects(readTexts(backend, moved), 'STALE_CURSOR')
})

test('an empty file is a log without lines that can be appended to', async () => {
  await begin()
  await truncate(path, 0)
  expect(await readTexts(backend)).toEqual([])
  const line = newLine()
  await backend.append(KEY, [line])
  expect(await readTexts(backend)).toEqual([line.text])
})

test('lines that another process appended are kept when ids are looked up', async () => {
  const first = await create(backend, 3)
  const other = fileBackend(root)
  const [old, theirs] = [newLine('old'), newLine('theirs')]
  await other.append(KEY, [theirs])
  await backend.append(KEY, [theirs, old])
  await backend.append(KEY, [old])
  const found = await readTexts(backend)
  expect(new Set(found)).toEqual(new Set(texts(...first, theirs, old)))
  expect(found.filter((text) => text === old.text)).toHaveLength(1)
  await other.close()
})
