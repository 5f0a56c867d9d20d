/**
 * What callers may pass that cannot be written: refused with the field's name, and nothing is in the log.
 */
import { readFileSync } from 'node:fs'
import { expect, test } from 'vitest'
import type { Json } from '../../src/json.ts'
import { anew, logPath, open, temp } from '../support/temp.ts'

function nested(depth: number): Json {
  let value: Json = 1
  for (let i = 0; i < depth; i++) value = i % 2 === 0 ? [value] : { a: value }
  return value
}

const cycle: { self?: unknown } = {}
cycle.self = cycle
class Money {
  readonly amount = 1
}

/** What JSON cannot hold, with the end of the path that the error names. */
const REFUSED: readonly (readonly [what: string, value: unknown, field: RegExp])[] = [
  ['NaN', { a: [0, NaN] }, /\.a\[1\]$/],
  ['Infinity', { a: Number.MAX_VALUE * 2 }, /\.a$/],
  ['-Infinity', [-Infinity], /\[0\]$/],
  ['a BigInt', { price: 10n }, /\.price$/],
  ['a function', { f: () => 1 }, /\.f$/],
  ['a symbol', { s: Symbol('s') }, /\.s$/],
  ['a Date', { when: new Date(0) }, /\.when$/],
  ['a Map', { map: new Map([[1, 2]]) }, /\.map$/],
  ['a class', { money: new Money() }, /\.money$/],
  ['toJSON', { odd: { toJSON: () => 'x' } }, /\.odd\.toJSON$/],
  ['undefined in a list', [undefined], /\[0\]$/],
  ['undefined itself', undefined, /data$/],
]

test.each(REFUSED)(
  'row 49: %s in data is refused, naming where it is, and nothing is written',
  async (_, value, field) => {
    const root = temp()
    const { store } = await open(root)
    const session = await store.create({ id: 's' })
    await session.add({ text: 'before' })
    const before = readFileSync(logPath(root, 's'))
    const refused = { code: 'INVALID_EVENT', field: expect.stringMatching(field) as string }
    await expect(session.append('note.added', value as Json)).rejects.toMatchObject(refused)
    if (value !== undefined) {
      const data = { type: 'data', name: 'n', data: value as Json } as const
      await expect(session.add({ parts: [data] })).rejects.toMatchObject(refused)
      await expect(session.set({ vars: { a: value as Json } })).rejects.toMatchObject(refused)
      await expect(session.set({ metadata: { a: value as Json } })).rejects.toMatchObject(refused)
      await expect(store.create({ id: 'other', vars: { a: value as Json } })).rejects.toMatchObject(refused)
    }
    expect(readFileSync(logPath(root, 's')).equals(before)).toBe(true)
    expect(await store.get('other')).toBeUndefined()
    // The session goes on as if nothing had been.
    await session.add({ text: 'after' })
    const { messages, damage } = await anew(root, 's')
    expect(messages).toHaveLength(2)
    expect(damage).toEqual([])
  },
)

test('row 46, row 49: data nested deeper than 200, and cycles, are refused as too large, and nothing is written', async () => {
  const root = temp()
  const { store } = await open(root)
  const session = await store.create({ id: 's' })
  const before = readFileSync(logPath(root, 's'))
  for (const value of [nested(202), nested(100_000), cycle as Json]) {
    const refused = { code: 'TOO_LARGE', field: expect.stringMatching(/^data/) as string }
    await expect(session.append('note.added', value)).rejects.toMatchObject(refused)
    await expect(session.set({ vars: { a: value } })).rejects.toMatchObject({ code: 'TOO_LARGE' })
    await expect(session.add({ parts: [{ type: 'data', name: 'n', data: value }] })).rejects.toMatchObject({
      code: 'TOO_LARGE',
    })
  }
  expect(readFileSync(logPath(root, 's')).equals(before)).toBe(true)
})

test('row 46: whatever depth is accepted is read back', async () => {
  const root = temp()
  const { store } = await open(root)
  const session = await store.create({ id: 's' })
  const accepted: { how: string; depth: number }[] = []
  for (const depth of [190, 195, 196, 197, 198, 199, 200, 201]) {
    const value = nested(depth)
    const ways = {
      append: () => session.append('note.added', value),
      part: () => session.add({ id: `m${depth}`, parts: [{ type: 'data', name: 'n', data: value }] }),
      batch: () =>
        session.add([
          { id: `b${depth}`, parts: [{ type: 'data', name: 'n', data: value }] },
          { id: `c${depth}`, text: 'x' },
        ]),
      vars: () => session.set({ vars: { [`v${depth}`]: value } }),
    }
    for (const [how, call] of Object.entries(ways)) {
      try {
        await call()
        accepted.push({ how, depth })
      } catch (error) {
        expect(error).toMatchObject({ code: 'TOO_LARGE' })
      }
    }
  }
  const { messages, damage, info, events } = await anew(root, 's')
  expect(damage).toEqual([])
  const count = (...hows: string[]): number => accepted.filter(({ how }) => hows.includes(how)).length
  expect(count('append')).toBeGreaterThanOrEqual(7)
  expect(events.filter(({ type }) => type === 'note.added')).toHaveLength(count('append'))
  expect(messages).toHaveLength(count('part') + 2 * count('batch'))
  expect(Object.keys(info.vars)).toHaveLength(count('vars'))
})

test('a line over 64 MB is refused as too large, and nothing is written', async () => {
  const root = temp()
  const { store } = await open(root)
  const session = await store.create({ id: 's' })
  const before = readFileSync(logPath(root, 's'))
  await expect(session.add({ text: 'x'.repeat(64 * 1024 * 1024) })).rejects.toMatchObject({ code: 'TOO_LARGE' })
  expect(readFileSync(logPath(root, 's')).equals(before)).toBe(true)
  await session.add({ text: 'small' })
  expect((await anew(root, 's')).messages).toHaveLength(1)
})

test('row 49: -0 is written as 0, undefined properties are left out, and what was passed stays the caller’s', async () => {
  const root = temp()
  const { store } = await open(root)
  const session = await store.create({ id: 's' })
  const data = { zero: -0, gone: undefined, list: [1, { deep: true }] }
  const event = await session.append('note.added', data as never)
  data.list.push(2)
  expect(event.data).toEqual({ zero: 0, list: [1, { deep: true }] })
  expect(Object.is((event.data as { zero: number }).zero, 0)).toBe(true)
  expect(() => ((event.data as { list: unknown[] }).list[0] = 2)).toThrow(TypeError)
  const { events } = await anew(root, 's')
  expect(events.at(-1)!.data).toEqual({ zero: 0, list: [1, { deep: true }] })
})

test('own events with a name of foldlog’s, or with none, are refused', async () => {
  const root = temp()
  const { store } = await open(root)
  const session = await store.create({ id: 's' })
  const before = readFileSync(logPath(root, 's'))
  for (const type of [
    'session.deleted',
    'message.created',
    'log.batch',
    'log.kept',
    'log.void',
    'part.x',
    'turn.x',
    'store.error',
    'plain',
    '',
    '.x',
    'x.',
    'a b.c',
    'a."c',
    'é.x',
    `x.${'y'.repeat(200)}`,
  ]) {
    await expect(session.append(type, {})).rejects.toMatchObject({ code: 'INVALID_EVENT', field: 'type' })
  }
  expect(readFileSync(logPath(root, 's')).equals(before)).toBe(true)
})
