/**
 * Big content moves out of lines into files, by itself, the same way whoever writes it.
 */
import { createHash } from 'node:crypto'
import { existsSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import * as fc from 'fast-check'
import { expect, test } from 'vitest'
import { fileBackend } from '../../src/backends/file/index.ts'
import { memoryBackend } from '../../src/backends/memory.ts'
import { slimLine } from '../../src/bulk.ts'
import type { SessionEvent } from '../../src/event.ts'
import { importClaudeCode } from '../../src/importers/index.ts'
import type { Json } from '../../src/json.ts'
import { encodeLine, MAX_INLINE_CHARS } from '../../src/line.ts'
import type { Message } from '../../src/message.ts'
import { redactSecrets } from '../../src/secrets.ts'
import type { PartInput } from '../../src/stamp.ts'
import { rounds } from '../support/rounds.ts'
import { anew, logPath, open, temp } from '../support/temp.ts'
import { reportsOf } from './reports.ts'

const IMAGE = Buffer.alloc(90_000, 'an image ')
const DATA = IMAGE.toString('base64')
const TEXT = 'ä line of a tool\n'.repeat(6000)

function refOf(bytes: Uint8Array | string): string {
  return `sha256-${createHash('sha256').update(bytes).digest('hex')}`
}

const IMAGE_PART: PartInput = { id: 'i', type: 'file', mediaType: 'image/png', name: 'a.png', data: DATA, width: 3 }
const MOVED_IMAGE = {
  id: 'i',
  type: 'file',
  mediaType: 'image/png',
  name: 'a.png',
  width: 3,
  file: refOf(IMAGE),
  sizeBytes: IMAGE.length,
}
const RESULT: PartInput = {
  id: 'r',
  type: 'tool-result',
  callId: 'c',
  name: 'read',
  content: [
    { id: 'x', type: 'text', text: 'small' },
    { id: 'y', type: 'text', text: TEXT, author: 'tool' },
    { id: 'z', type: 'file', mediaType: 'image/png', data: DATA },
  ],
}
const MOVED_RESULT = {
  id: 'r',
  type: 'tool-result',
  callId: 'c',
  name: 'read',
  content: [
    { id: 'x', type: 'text', text: 'small' },
    {
      id: 'y',
      author: 'tool',
      type: 'file',
      mediaType: 'text/plain',
      file: refOf(TEXT),
      sizeBytes: Buffer.byteLength(TEXT),
    },
    { id: 'z', type: 'file', mediaType: 'image/png', file: refOf(IMAGE), sizeBytes: IMAGE.length },
  ],
}
const PARTS = [IMAGE_PART, RESULT]
const MOVED = [MOVED_IMAGE, MOVED_RESULT]

test.each(['file', 'memory', 'shared'])(
  'whatever way it is written, big content is in files, and every reader sees that (%s)',
  async (kind) => {
    const root = temp()
    const { store, heard } = await open(
      kind === 'memory' ? memoryBackend() : root,
      kind === 'shared' ? { shared: true } : {},
    )
    const session = await store.create({ id: 's' })
    const added = await session.add({ id: 'one', text: 'look', parts: PARTS })
    expect(added.parts.slice(1)).toEqual(MOVED)
    const [small, two] = await session.add([
      { id: 'small', text: 'small' },
      { id: 'two', parts: PARTS },
    ])
    expect([small!.parts.length, two!.parts]).toEqual([1, MOVED])
    expect((await session.part('small', IMAGE_PART)).parts[1]).toEqual(MOVED_IMAGE)
    expect((await session.branch('two', { id: 'three', parts: PARTS })).parts).toEqual(MOVED)
    expect((await session.add({ id: 'keyed', parts: PARTS }, { key: 'k' })).parts).toEqual(MOVED)
    expect((await session.add({ id: 'keyed', parts: PARTS }, { key: 'k' })).parts).toEqual(MOVED)
    if (kind !== 'shared') {
      const guarded = await session.add({ id: 'guarded', parts: PARTS }, { expectedHead: 'keyed' })
      expect(guarded.parts).toEqual(MOVED)
    }
    const replacement = [{ ...added, id: 'old', parts: PARTS as Message['parts'] }]
    const compacted = await session.add({ id: 'c', parts: [{ type: 'compaction', text: 'all', replacement }] })
    expect(compacted.parts[0]).toMatchObject({ replacement: [{ parts: MOVED }] })
    const lines: { id: string; type: string; time: string; data: Json }[] = []
    for await (const { event } of eventsOf(session)) lines.push({ ...event, data: event.data as Json })
    await store.merge('merged', [
      lines[0]!,
      {
        ...lines.find(({ type }) => type === 'message.created')!,
        data: { ...(lines[1]!.data as object), parts: PARTS as unknown as Json },
      },
    ])
    expect((await (await store.get('merged'))!.message('one'))!.parts).toEqual(MOVED)

    const told = heard.of('message.created').map(({ event }) => JSON.stringify(event.data))
    expect(told.filter((text) => text.includes(DATA) || text.includes('of a tool'))).toEqual([])
    expect(await reportsOf(store)).toEqual([])
    const [message] = await store.inlineFiles([(await session.message('one'))!])
    const { name: _, ...rest } = MOVED_IMAGE
    expect(rest.file).toBe(refOf(IMAGE))
    expect(message!.parts[1]).toEqual({ ...IMAGE_PART, sizeBytes: IMAGE.length })
    expect(message!.parts[2]).toMatchObject({
      content: [{ text: 'small' }, { type: 'text', text: TEXT, author: 'tool' }, { data: DATA }],
    })
    if (kind === 'memory') return
    expect(readdirSync(join(root, 'default', 'files')).sort()).toEqual(
      [`${refOf(IMAGE).slice(7)}.png`, `${refOf(TEXT).slice(7)}.txt`].sort(),
    )
    if (kind === 'file') expect(statSync(logPath(root, 's')).size).toBeLessThan(30_000)
    expect((await anew(root, 's')).messages).toEqual(await session.messages())
  },
)

async function* eventsOf(session: { events(): AsyncGenerator<SessionEvent> }): AsyncGenerator<{ event: SessionEvent }> {
  for await (const event of session.events()) yield { event }
}

test('exactly what is longer than 65,536 characters moves, and of that only what is base64', async () => {
  const { store } = await open(temp())
  const session = await store.create({ id: 's' })
  const file = (data: string): PartInput => ({ id: 'f', type: 'file', mediaType: 'image/png', data })
  const isMoved = async (data: string): Promise<boolean> => {
    const { parts } = await session.add({ parts: [file(data)] })
    return (parts[0] as { file?: string }).file !== undefined
  }
  const exact = 'QUJD'.repeat(MAX_INLINE_CHARS / 4)
  expect(await isMoved(exact)).toBe(false)
  expect(await isMoved(`${exact}QUJD`)).toBe(true)
  expect(await isMoved(`${exact}QQ==`)).toBe(true)
  expect(await isMoved(`${exact}\n-_-_\n`)).toBe(true)
  expect(await isMoved(`data:image/png;base64,${exact}`)).toBe(false)
  expect(await isMoved(`${exact}é`)).toBe(false)
  const result = (text: string): PartInput => ({
    id: 'r',
    type: 'tool-result',
    callId: 'c',
    name: 'n',
    content: [{ id: 't', type: 'text', text }],
  })
  for (const [length, type] of [
    [MAX_INLINE_CHARS, 'text'],
    [MAX_INLINE_CHARS + 1, 'file'],
  ] as const) {
    const { parts } = await session.add({ role: 'tool', parts: [result('ä'.repeat(length))] })
    expect(parts[0]).toMatchObject({ content: [{ type }] })
  }
  const { parts } = await session.add({ text: 'x'.repeat(100_000), parts: [{ type: 'data', name: 'd', data: TEXT }] })
  expect(parts.map(({ type }) => type)).toEqual(['text', 'data'])
})

test('the same event is the same line whoever writes it, and moving it again changes nothing', async () => {
  const one = memoryBackend()
  const other = fileBackend(temp(), { fsync: 'never' })
  const text = fc.oneof(
    fc.string(),
    fc.string({ minLength: 1, maxLength: 5 }).map((unit) => unit.repeat(Math.ceil(70_000 / unit.length))),
  )
  const data = fc.oneof(
    text,
    fc.integer({ min: 40_000, max: 60_000 }).map((size) => Buffer.alloc(size, size % 251).toString('base64')),
  )
  const file = fc.record(
    {
      id: fc.constant('f'),
      type: fc.constant('file'),
      mediaType: fc.constantFrom('image/png', 'text/plain', 'x/y'),
      data,
      sizeBytes: fc.nat(),
    },
    { requiredKeys: ['id', 'type', 'mediaType'] },
  )
  const item = fc.oneof(file, fc.record({ id: fc.constant('t'), type: fc.constant('text'), text }))
  const part = fc.oneof(
    item,
    fc.record({
      id: fc.constant('r'),
      type: fc.constant('tool-result'),
      content: fc.array(item, { maxLength: 2 }),
      output: text,
    }),
  )
  await fc.assert(
    fc.asyncProperty(fc.array(part, { maxLength: 3 }), async (parts) => {
      const event = {
        id: '01ARZ3NDEKTSV4RRFFQ69G5FAV',
        type: 'message.created',
        data: { id: 'm', parts } as unknown as Json,
      }
      const line = { v: 1, time: '', ...event }
      const slim = await slimLine(one, 'n', line)
      expect(encodeLine(await slimLine(other, 'n', line))).toBe(encodeLine(slim))
      expect(await slimLine(other, 'n', slim)).toBe(slim)
      const batch = { v: 1, id: event.id, time: '', type: 'log.batch', data: [event] as unknown as Json }
      expect((await slimLine(one, 'n', batch)).data).toEqual([{ ...event, data: slim.data }])
    }),
    { numRuns: rounds(150) },
  )
  await Promise.all([one.close(), other.close()])
})

test('calls keep their order around one that moves, and one that cannot be moved is refused alone', async () => {
  const root = temp()
  const { store, heard } = await open(root)
  const session = await store.create({ id: 's' })
  const ids = Array.from({ length: 9 }, (_, i) => `m${i}`)
  await Promise.all(ids.map((id, i) => session.add(i % 3 === 1 ? { id, parts: PARTS } : { id, text: id })))
  expect(heard.messageIds).toEqual(ids)
  expect((await session.messages()).map(({ id }) => id)).toEqual(ids)
  expect(heard.of('message.created').filter((event) => 'late' in event)).toEqual([])
  expect((await anew(root, 's')).messages.map(({ id }) => id)).toEqual(ids)
})

test('content over the limit of a line can be added: only its reference is written', async () => {
  const root = temp()
  const { store } = await open(root)
  const session = await store.create({ id: 's' })
  const data = Buffer.alloc(60 << 20, 'x').toString('base64')
  const { parts } = await session.add({ parts: [{ type: 'file', mediaType: 'video/mp4', data }] })
  expect(parts[0]).toMatchObject({ sizeBytes: 60 << 20 })
  const guarded = session.add(
    { parts: [{ type: 'file', mediaType: 'video/mp4', data }] },
    { expectedHead: session.info.head! },
  )
  expect((await guarded).parts[0]).toMatchObject({ sizeBytes: 60 << 20 })
  await expect(session.add({ text: 'x'.repeat(65 << 20) })).rejects.toMatchObject({ code: 'TOO_LARGE' })
  expect(readFileSync(logPath(root, 's')).length).toBeLessThan(2000)
})

test('the hook of the store sees content before it moves', async () => {
  const root = temp()
  const token = ['gh', 'p_', 'aB3'.repeat(12)].join('')
  const { store } = await open(root, { redact: redactSecrets })
  const session = await store.create({ id: 's' })
  const content = [{ id: 't', type: 'text', text: `${TEXT}${token}` } as const]
  await session.add({ role: 'tool', parts: [{ type: 'tool-result', callId: 'c', name: 'n', content }] })
  const [name] = readdirSync(join(root, 'default', 'files'))
  expect(readFileSync(join(root, 'default', 'files', name!), 'utf8')).not.toContain(token)
})

test('what is restored is written as it was, and a session that is gone gets no files', async () => {
  const root = temp()
  const { store } = await open(root)
  const session = await store.create({ id: 's' })
  const id = '01ARZ3NDEKTSV4RRFFQ69G5FAV'
  const data = { id: 'old', turnId: 'old', role: 'user', status: 'completed', parts: [IMAGE_PART] }
  await session.restore([{ id, type: 'message.created', time: '2026-01-01T00:00:00.000Z', data }])
  expect((await session.message('old'))!.parts).toEqual([IMAGE_PART])
  const other = await open(root)
  await other.store.delete('s')
  await expect(session.add({ parts: PARTS })).rejects.toMatchObject({ code: 'NOT_FOUND' })
  expect(existsSync(join(root, 'default', 'files'))).toBe(false)
})

test('redacting an event removes what had moved out of it, unless something else names it', async () => {
  const root = temp()
  const { store } = await open(root)
  const session = await store.create({ id: 's' })
  await session.add({ id: 'one', parts: PARTS })
  await session.add({ id: 'two', parts: [IMAGE_PART] })
  const eventOf = async (messageId: string): Promise<string> =>
    (await anew(root, 's')).events.find(({ data }) => (data as { id?: string }).id === messageId)!.id
  const image = `${refOf(IMAGE).slice(7)}.png`
  const text = `${refOf(TEXT).slice(7)}.txt`
  expect((await store.redact({ events: [await eventOf('one')] })).files).toEqual([text])
  expect(readdirSync(join(root, 'default', 'files'))).toEqual([image])
  expect((await store.redact({ text: 'an image an image' })).files).toEqual([image])
  expect((await session.message('two'))!.parts).toEqual([
    { id: 'i', type: 'file', mediaType: 'application/octet-stream' },
  ])
  expect(readdirSync(join(root, 'default', 'files'))).toEqual([])
  expect(await reportsOf(store)).toEqual([])
})

test('redact finds a text across the pieces that a long file is read in', async () => {
  const { store } = await open(temp())
  const session = await store.create({ id: 's' })
  const bytes = Buffer.alloc(20 << 20, '.')
  bytes.write('hunter2', (8 << 20) - 3)
  await session.add({ parts: [await session.file('long.txt', bytes)] })
  expect((await store.redact({ text: 'hunter3' })).files).toEqual([])
  expect((await store.redact({ text: 'hunter2' })).files).toHaveLength(1)
})

test('a long result of a tool is imported as content and moves, whatever it was in the transcript', async () => {
  const fixture = new URL('../../fixtures/import/claude-code/', import.meta.url)
  const name = readdirSync(fixture, { recursive: true, encoding: 'utf8' }).find(
    (each) =>
      each.endsWith('.jsonl') && readFileSync(new URL(each, fixture), 'utf8').includes('"tool_result","content":"'),
  )
  const lines = readFileSync(new URL(name!, fixture), 'utf8')
  const path = join(temp(), 'long.jsonl')
  writeFileSync(path, lines.replace(/("tool_result","content":)"(?:[^"\\]|\\.)*"/, `$1${JSON.stringify(TEXT)}`))
  const root = temp()
  const { store } = await open(root)
  const report = await importClaudeCode(store, path)
  expect(readdirSync(join(root, 'default', 'files'))).toContain(`${refOf(TEXT).slice(7)}.txt`)
  const again = await importClaudeCode(store, path)
  expect(report.files[0]!.sessions[0]!.added).toBeGreaterThan(0)
  expect(again.files[0]!.sessions.map(({ added }) => added)).toEqual(report.files[0]!.sessions.map(() => 0))
  expect(await reportsOf(store)).toEqual([])
})
