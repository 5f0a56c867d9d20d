/** Reading foreign JSONL in whatever state it is. */
import { mkdtemp, open, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import * as fc from 'fast-check'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { JsonlReader, type LineCounts, type UnreadableLine } from '../../src/importers/jsonl.ts'
import type { JsonObject } from '../../src/index.ts'

let folder: string
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'foldlog-jsonl-'))
})
afterAll(async () => {
  await rm(folder, { recursive: true, force: true })
})

interface Reading {
  readonly records: readonly JsonObject[]
  readonly counts: LineCounts
  readonly unreadable: readonly UnreadableLine[]
}

async function read(bytes: string | Uint8Array): Promise<Reading> {
  const path = join(folder, 'file.jsonl')
  await writeFile(path, bytes)
  await using handle = await open(path)
  const reader = new JsonlReader(handle.fd, (await handle.stat()).size)
  const records: JsonObject[] = []
  for (const some of reader.records()) records.push(...some.map(({ value }) => value))
  return { records, counts: reader.counts, unreadable: reader.unreadable }
}

test('an empty file has no lines, a last line without LF is one', async () => {
  expect((await read('')).counts).toEqual({ physical: 0, blank: 0, concatenated: 0, malformed: 0, records: 0 })
  expect((await read('{"a":1}\n{"a":2}')).counts).toMatchObject({ physical: 2, records: 2 })
  expect((await read('{"a":1}\n')).counts).toMatchObject({ physical: 1, records: 1 })
})

test('CRLF belongs to the line end, a BOM to nobody, and white space is blank', async () => {
  const { records, counts } = await read('\ufeff{"a":1}\r\n\r\n \t\n{"a":2}\r\n')
  expect(records).toEqual([{ a: 1 }, { a: 2 }])
  expect(counts).toEqual({ physical: 4, blank: 2, concatenated: 0, malformed: 0, records: 2 })
})

test('several objects on one line are all records, whatever is in their texts', async () => {
  const { records, counts } = await read('{"a":"}{\\"\\\\"}{"b":{}} {"c":[{}]}\n{"d":1}')
  expect(records).toEqual([{ a: '}{"\\' }, { b: {} }, { c: [{}] }, { d: 1 }])
  expect(counts).toEqual({ physical: 2, blank: 0, concatenated: 1, malformed: 0, records: 4 })
})

test('what is no object to its end gives no record and is told', async () => {
  const deep = `{"a":${'['.repeat(500)}${']'.repeat(500)}}`
  const lines = ['{"a":1}{"b":', '[1]', '"text"', '{"a":1}x', '\0\0', deep, '{"fine":true}']
  const { records, counts, unreadable } = await read(lines.join('\n'))
  expect(records).toEqual([{ fine: true }])
  expect(counts).toMatchObject({ physical: 7, malformed: 6, records: 1 })
  expect(unreadable.map(({ reason }) => reason)).toEqual([
    'not-json',
    'not-an-object',
    'not-an-object',
    'not-json',
    'not-json',
    'too-deep',
  ])
  expect(unreadable[1]).toEqual({ line: 2, offset: 13, sizeBytes: 3, reason: 'not-an-object', excerpt: '[1]' })
})

test('bytes that are not UTF-8 spoil their line only', async () => {
  const { records, unreadable } = await read(
    Buffer.concat([Buffer.from('{"a":"'), Buffer.from([0xff]), Buffer.from('"}\n{"b":1}\n')]),
  )
  expect(records).toEqual([{ b: 1 }])
  expect(unreadable).toMatchObject([{ line: 1, offset: 0, reason: 'not-utf8' }])
})

test('a line may be longer than what is read at once, and letters may lie across', async () => {
  const long = '€'.repeat(1_000_000)
  const { records } = await read(`{"a":1}\n{"long":"${long}"}\n{"b":2}\n`)
  expect(records).toEqual([{ a: 1 }, { long }, { b: 2 }])
})

test('a line that is too long for any log is told and not held in memory', async () => {
  const { records, unreadable } = await read(`{"a":1}\n{"long":"${'x'.repeat(61 * 1024 * 1024)}"}\n{"b":2}\n`)
  expect(records).toEqual([{ a: 1 }, { b: 2 }])
  expect(unreadable).toMatchObject([{ line: 2, offset: 8, reason: 'too-long', sizeBytes: 61 * 1024 * 1024 + 11 }])
  expect(unreadable[0]!.excerpt).toMatch(/^\{"long":"x+$/)
})

test('only the first hundred bad lines are told, but all are counted', async () => {
  const { counts, unreadable } = await read('no\n'.repeat(250))
  expect(counts.malformed).toBe(250)
  expect(unreadable).toHaveLength(100)
})

test('any objects come back, however they are joined', async () => {
  const joined = fc.array(
    fc.tuple(fc.dictionary(fc.string(), fc.jsonValue({ maxDepth: 3 })), fc.constantFrom('', '\n', '\r\n', ' ')),
  )
  await fc.assert(
    fc.asyncProperty(joined, async (items) => {
      const { records, counts } = await read(items.map(([value, end]) => JSON.stringify(value) + end).join(''))
      expect(records).toEqual(items.map(([value]) => JSON.parse(JSON.stringify(value)) as unknown))
      expect(counts).toMatchObject({ malformed: 0, records: items.length })
    }),
    { numRuns: 200 },
  )
})
