/**
 * Laws about what a log may go through: cuts, splices, shuffles. The session opens, what was not touched is there, and
 * what was is reported where it lies.
 */
import * as fc from 'fast-check'
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { dirname } from 'node:path'
import { expect, test } from 'vitest'
import type { Session } from '../../src/session.ts'
import type { Store } from '../../src/store.ts'
import { PATIENT, rounds } from '../support/rounds.ts'
import { idsOf, logPath, open, temp } from '../support/temp.ts'

const LF = 0x0a

/** Where a line lies; `end` is its line feed. */
interface Range {
  readonly start: number
  readonly end: number
}

function linesOf(bytes: Buffer): Range[] {
  const lines: Range[] = []
  for (let start = 0; start < bytes.length;) {
    const end = bytes.indexOf(LF, start)
    lines.push({ start, end })
    start = end + 1
  }
  return lines
}

/** Six lines with texts of one to four bytes a character. */
async function smallLog(root: string, store: Store): Promise<Buffer> {
  const session = await store.create({ id: 'small', title: 'Größe ✓' })
  await session.add({ id: 'm1', text: 'ä€😀' })
  await session.add({ id: 'm2', role: 'assistant', text: 'line\nbreak \u2028 and "quotes"' })
  await session.set({ vars: { schlüssel: '値' } })
  await session.add([
    { id: 'm3', text: 'イ' },
    { id: 'm4', role: 'assistant', text: 'ロ' },
  ])
  await session.update('m2', { status: 'failed' })
  return readFileSync(logPath(root, 'small'))
}

/** Every kind of event, branches, keys and a batch. */
async function richLog(root: string, store: Store): Promise<Buffer> {
  const session = await store.create({ id: 'rich', title: 'Rich', vars: { a: 1 }, metadata: { m: true } })
  const question = await session.add({ text: 'question' }, { key: 'k1' })
  const answer = await session.add({ role: 'assistant', text: 'answer', usage: { inputTokens: 3, outputTokens: 4 } })
  await session.branch(answer.id, { text: 'another answer' })
  await session.add([
    { id: 'call', role: 'assistant', parts: [{ type: 'tool-call', callId: 'c', name: 'f', input: {} }] },
    { id: 'result', role: 'tool', parts: [{ type: 'tool-result', callId: 'c', name: 'f', output: 1 }] },
  ])
  await session.part('result', { id: 'p1', type: 'tool-result', callId: 'c', name: 'f', output: 2 })
  await session.set({ vars: { a: null, b: 2 }, head: question.id, archived: true })
  await session.add({ text: 'on from the question' })
  await session.add({ id: 'gone', text: 'to be removed' })
  await session.remove('gone')
  await session.update('call', { status: 'failed', metadata: { x: 1 } })
  await session.append('todo.added', { text: 'write more' })
  await session.set({ title: 'Richer', archived: null })
  return readFileSync(logPath(root, 'rich'))
}

/** Makes a session whose log is `bytes`. */
async function sessionOf(root: string, store: Store, id: string, bytes: Uint8Array): Promise<Session> {
  const path = logPath(root, id, store.name)
  mkdirSync(dirname(path), { recursive: true })
  writeFileSync(path, bytes)
  const session = await store.get(id)
  expect(session).toBeDefined()
  return session!
}

async function eventIds(session: Session): Promise<Set<string>> {
  const ids = new Set<string>()
  for await (const { id } of session.events()) ids.add(id)
  return ids
}

function idsIn(line: Buffer): string[] {
  const { id, type, data } = JSON.parse(line.toString()) as { id: string; type: string; data: { id: string }[] }
  return type === 'log.batch' ? idsOf(data) : [id]
}

/** How long a piece is without the white space at its end, which is not reported. */
function trimmed(bytes: Buffer, start: number, end: number): number {
  return bytes.toString('latin1', start, end).trimEnd().length
}

test('a log cut at any byte opens with every whole line, and the next append is intact', PATIENT, async () => {
  const root = temp()
  const { store } = await open(root)
  const { store: later } = await open(root)
  const bytes = await smallLog(root, store)
  const lines = linesOf(bytes)
  expect(lines).toHaveLength(6)
  for (let cut = 0; cut <= bytes.length; cut++) {
    const id = `cut-${cut}`
    const session = await sessionOf(root, store, id, bytes.subarray(0, cut))
    const ended = lines.filter(({ end }) => end < cut)
    const idsBefore = ended.flatMap(({ start, end }) => idsIn(bytes.subarray(start, end)))
    expect([...(await eventIds(session))], `cut at ${cut}`).toEqual(idsBefore)
    expect(await session.damage(), `cut at ${cut}`).toEqual([])

    const next = await session.add({ id: 'next', text: 'nächste' })
    // Sealed by the append: a line that lacked nothing but its line feed counts from now on.
    const whole = lines.filter(({ end }) => end <= cut)
    const torn = lines.find(({ start, end }) => start < cut && cut < end)
    const ids = whole.flatMap(({ start, end }) => idsIn(bytes.subarray(start, end)))
    for (const seen of [session, (await later.get(id))!]) {
      expect(await seen.message('next'), `cut at ${cut}`).toEqual(next)
      expect([...(await eventIds(seen))].slice(0, -1), `cut at ${cut}`).toEqual(ids)
      const places = (await seen.damage()).map(({ line, offset, sizeBytes }) => ({ line, offset, sizeBytes }))
      const place = torn && { line: whole.length + 1, offset: torn.start, sizeBytes: trimmed(bytes, torn.start, cut) }
      expect(places, `cut at ${cut}`).toEqual(place === undefined ? [] : [place])
    }
    // What was there is there, byte for byte.
    expect(readFileSync(logPath(root, id)).subarray(0, cut).equals(bytes.subarray(0, cut))).toBe(true)
    await store.delete(id)
  }
})

/** Bytes that mean something to a reader of logs, and bytes that do not. */
const splinter = fc.oneof(
  fc.uint8Array({ maxLength: 40 }),
  fc
    .array(
      fc.constantFrom(
        '\n',
        '\r\n',
        '\0',
        '\uFEFF',
        '{"v":1,"id":"',
        '{"v":1,"id":"01M7XVMR0GBR6T8XW8V4ECY7XQ","type":"log.batch","data":[',
        '}',
        '"',
        '\\',
        ']',
        '<<<<<<< ours\n',
        '=======\n',
        '{"v":1}',
        'null',
        ' ',
        'ä',
      ),
      { maxLength: 6 },
    )
    .map((pieces) => Buffer.from(pieces.join(''))),
)

test('bytes spliced anywhere in a log lose at most the lines they touch', PATIENT, async () => {
  const root = temp()
  const { store } = await open(root)
  const bytes = await richLog(root, store)
  const lines = linesOf(bytes)
  let count = 0
  await fc.assert(
    fc.asyncProperty(fc.nat(bytes.length), fc.nat(200), splinter, async (at, removed, inserted) => {
      const to = Math.min(bytes.length, at + removed)
      const spliced = Buffer.concat([bytes.subarray(0, at), inserted, bytes.subarray(to)])
      // A line is touched if a byte of it was removed, its line feed too, or bytes were put before one of its bytes but the first.
      const untouched = lines.filter(({ start, end }) => end < at || start >= to)

      const id = `spliced-${count++}`
      const session = await sessionOf(root, store, id, spliced)
      const expected = untouched.flatMap(({ start, end }) => idsIn(bytes.subarray(start, end)))
      const seen = await eventIds(session)
      expect(expected.filter((each) => !seen.has(each))).toEqual([])

      const next = await session.add({ id: 'next', text: 'next' })
      expect(await session.message('next')).toEqual(next)
      const sealed = readFileSync(logPath(root, id))
      expect(sealed.subarray(0, spliced.length).equals(spliced)).toBe(true)
      for (const { line, offset, sizeBytes } of await session.damage()) {
        // Where the report says, in the line it says.
        expect(offset + sizeBytes).toBeLessThanOrEqual(spliced.length)
        expect(sealed.subarray(0, offset).filter((byte) => byte === LF)).toHaveLength(line - 1)
        expect(sealed.subarray(offset, offset + sizeBytes).includes(LF)).toBe(false)
      }
      await store.delete(id)
    }),
    { numRuns: rounds(5000) },
  )
})

/** All that readers get of a session, but for its id. */
async function stateOf(session: Session): Promise<unknown> {
  return {
    info: { ...session.info, id: '' },
    messages: await session.messages(),
    all: await session.messages({ all: true }),
    turns: await session.turns(),
    context: await session.context(),
    findings: await session.findings(),
    todos: await session.project({ initial: () => 0, on: { 'todo.added': (state: number) => state + 1 } }),
    events: (await eventIds(session)).size,
  }
}

test('row 25: a log whose lines are shuffled and repeated is the same conversation', PATIENT, async () => {
  const root = temp()
  const { store } = await open(root)
  const bytes = await richLog(root, store)
  const original = (await store.get('rich'))!
  const expected = await stateOf(original)
  const lines = linesOf(bytes).map(({ start, end }) => bytes.subarray(start, end + 1))
  let count = 0
  const order = fc.tuple(
    fc.shuffledSubarray([...lines.keys()], { minLength: lines.length }),
    fc.array(fc.tuple(fc.nat(lines.length - 1), fc.nat(lines.length - 1)), { maxLength: 8 }),
  )
  await fc.assert(
    fc.asyncProperty(order, async ([shuffled, repeats]) => {
      const sequence = [...shuffled]
      for (const [which, where] of repeats) sequence.splice(where, 0, which)
      const written = Buffer.concat(sequence.map((index) => lines[index]!))
      const session = await sessionOf(root, store, `shuffled-${count++}`, written)
      expect(await stateOf(session)).toEqual(expected)
      await store.delete(session.id)
    }),
    { numRuns: rounds(1500) },
  )
})

test(
  'lines that come one by one in any order, to a session that is open, give the same conversation',
  PATIENT,
  async () => {
    const root = temp()
    const { store } = await open(root)
    const bytes = await richLog(root, store)
    const original = (await store.get('rich'))!
    const lines = linesOf(bytes).map(({ start, end }) => bytes.subarray(start, end + 1))
    let count = 0
    await fc.assert(
      fc.asyncProperty(fc.shuffledSubarray([...lines.keys()], { minLength: lines.length }), async (order) => {
        const id = `late-${count++}`
        const session = await sessionOf(root, store, id, lines[order[0]!]!)
        for (const index of order.slice(1)) {
          writeFileSync(logPath(root, id), lines[index]!, { flag: 'a' })
          await session.messages()
        }
        expect(await session.messages()).toEqual(await original.messages())
        expect({ ...session.info, id: 'rich' }).toEqual(original.info)
        expect(await session.turns()).toEqual(await original.turns())
        await store.delete(id)
      }),
      { numRuns: rounds(1000) },
    )
  },
)
