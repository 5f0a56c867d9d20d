/**
 * pack: less bytes, the same conversation.
 */
import { appendFileSync, readFileSync, writeFileSync } from 'node:fs'
import * as fc from 'fast-check'
import { expect, test } from 'vitest'
import { isCoreEvent, isValidData } from '../../src/event.ts'
import { Fold } from '../../src/fold.ts'
import { encodeLine, eventsOf } from '../../src/line.ts'
import { supersededIn } from '../../src/superseded.ts'
import { messagesOf } from '../../src/views.ts'
import { run } from '../cli/run.ts'
import { orderlyChaos } from '../support/events.ts'
import { anew, logPath, open, temp } from '../support/temp.ts'

test('row 25: duplicates and superseded copies go, the conversation and the sizes are told', async () => {
  const root = temp()
  const { store } = await open(root)
  const session = await store.create({ id: 'one', title: 'first title' })
  await session.add({ id: 'q', text: 'question' })
  for (let i = 0; i < 20; i++) {
    await session.add({
      id: 'a',
      role: 'assistant',
      text: `the answer so far ${'x'.repeat(i * 20)}`,
      status: 'in_progress',
    })
    await session.set({ title: `title ${i}` })
    await session.part('q', { id: 'note', type: 'data', name: 'n', data: i })
    await session.update('q', { author: `author ${i}` })
  }
  await session.add({ id: 'a', role: 'assistant', text: 'the answer', status: 'completed' }, { key: 'k' })
  await session.append('todo.added', { n: 1 })
  const path = logPath(root, 'one')
  const lines = readFileSync(path, 'utf8')
  writeFileSync(path, lines + lines)
  appendFileSync(path, 'rubbish\n')
  const before = await anew(root, 'one')
  const size = readFileSync(path).length

  const dry = await session.pack({ dryRun: true })
  expect(readFileSync(path).length).toBe(size)
  const packed = await session.pack()
  expect(packed).toEqual(dry)
  expect(packed).toMatchObject({ sizeBytesBefore: size, sizeBytesAfter: readFileSync(path).length })
  expect(packed.sizeBytesAfter).toBeLessThan(size / 10)
  expect(packed.supersededCount).toBe(2 * (19 + 19 + 18 + 19))
  const after = await anew(root, 'one')
  expect(after.messages).toEqual(before.messages)
  expect(after.info).toEqual(before.info)
  expect(after.damage).toHaveLength(1)
  expect(await session.messages()).toEqual(before.messages)
  expect(await session.add({ id: 'a', text: 'again' }, { key: 'k' })).toEqual(before.messages[1])
  expect(await session.pack()).toMatchObject({ duplicateCount: 0, supersededCount: 0 })
  // An old clone brings everything back, and nothing changes by it.
  appendFileSync(path, lines)
  expect((await anew(root, 'one')).messages).toEqual(before.messages)
})

test('what is superseded can go from any log without a change of what it says', () => {
  fc.assert(
    fc.property(orderlyChaos, (lines) => {
      const events = lines
        .flatMap((line) => eventsOf(line))
        .filter(({ data, type }) => !isCoreEvent({ type }) || isValidData(type, data))
      const superseded = supersededIn(events)
      const [all, rest] = [new Fold('n', 's'), new Fold('n', 's')]
      for (const event of events) {
        all.apply(event)
        if (!superseded.has(event.id)) rest.apply(event)
      }
      expect(rest.info(0)).toEqual(all.info(0))
      expect(rest.all()).toEqual(all.all())
      expect(messagesOf(rest)).toEqual(messagesOf(all))
    }),
    { numRuns: 2000 },
  )
})

test('what is skipped when events are restored changes nothing of what the log says', () => {
  fc.assert(
    fc.property(orderlyChaos, fc.array(fc.boolean(), { minLength: 1 }), (lines, isThere) => {
      const events = lines
        .flatMap((line) => eventsOf(line))
        .filter(({ data, type }) => !isCoreEvent({ type }) || isValidData(type, data))
      const there = new Set(events.filter((_, i) => isThere[i % isThere.length]).map(({ id }) => id))
      const superseded = supersededIn(events, ({ id }) => there.has(id))
      const [all, restored] = [new Fold('n', 's'), new Fold('n', 's')]
      for (const event of events) {
        all.apply(event)
        if (there.has(event.id) || !superseded.has(event.id)) restored.apply(event)
      }
      expect(restored.info(0)).toEqual(all.info(0))
      expect(restored.all()).toEqual(all.all())
      expect(messagesOf(restored)).toEqual(messagesOf(all))
    }),
    { numRuns: 2000 },
  )
})

test('a line of a merge that says what was redacted goes', async () => {
  const root = temp()
  const { store } = await open(root)
  const session = await store.create({ id: 'one' })
  await session.add({ text: 'the very secret words' })
  const old = readFileSync(logPath(root, 'one'), 'utf8')
  await store.redact({ text: 'the very secret words' })
  appendFileSync(logPath(root, 'one'), old)
  expect((await session.pack()).duplicateCount).toBe(2)
  expect(readFileSync(logPath(root, 'one'), 'utf8')).not.toContain('secret words')
})

test('row 44: a log with what this version does not know is not packed', async () => {
  const root = temp()
  const { store } = await open(root)
  const session = await store.create({ id: 'one' })
  const { id } = await session.append('todo.added', { n: 1 })
  const head = { v: 1, id: `${id.slice(0, -1)}0`, time: '2026-11-20T10:00:00.123Z' }
  appendFileSync(logPath(root, 'one'), `${encodeLine({ ...head, type: 'message.folded', data: {} })}\n`)
  await expect(session.pack()).rejects.toMatchObject({ code: 'UNSUPPORTED' })
})

test('the command says what it would do, and does it with --yes', async () => {
  const root = temp()
  const { store } = await open(root)
  const session = await store.create({ id: 'one' })
  for (let i = 0; i < 9; i++) await session.set({ title: `title ${i}` })
  const dry = await run(['pack', 'one', '--root', root])
  expect(dry.stderr).toMatch(
    /^0 duplicates, 8 superseded lines, .* kB → \d+ B in one; nothing was changed, to pack it:\n/,
  )
  const done = await run(['pack', 'one', '--yes', '--json', '--root', root])
  expect(JSON.parse(done.stdout)).toMatchObject({ sessionId: 'one', dryRun: false, supersededCount: 8 })
  expect((await run(['pack', 'one', '--root', root])).stderr).toBe('nothing to pack in one\n')
})
