/**
 * Several processes on one session: nothing is lost, and all of them see the same.
 */
import { expect, test } from 'vitest'
import { fileBackend } from '../../src/backends/file/index.ts'
import { watchDirectories } from '../../src/backends/file/watch.ts'
import { firstIdAt } from '../../src/id.ts'
import { Child, OtherProcess } from '../support/child.ts'
import { PATIENT, rounds } from '../support/rounds.ts'
import { anew, idsOf, open, temp } from '../support/temp.ts'

const NEVER_MS = 3_600_000

interface Said {
  readonly type: string
  readonly origin?: string
  readonly messageId?: string
}

async function seenBy(writer: Child): Promise<readonly string[]> {
  writer.say('look')
  return JSON.parse(await writer.line()) as string[]
}

/** Tells the writers to add, and returns the ids each of them had acknowledged. */
async function run(writers: readonly Child[], each: number): Promise<string[][]> {
  for (const writer of writers) expect(await writer.line()).toBe('ready')
  for (const writer of writers) writer.say('go')
  const acknowledged = writers.map(async (writer) => {
    const ids: string[] = []
    for (let i = 0; i < each; i++) ids.push(await writer.line())
    expect(await writer.line()).toBe('done')
    return ids
  })
  return Promise.all(acknowledged)
}

test.each([
  [2, 1000],
  [8, 250],
])(
  'row 20: %i processes add %i messages each: all see the same 2,000 in the same order, and a watcher tells each once',
  PATIENT,
  async (processes, each) => {
    const root = temp()
    const { store } = await open(root)
    const session = await store.create({ id: 'shared' })
    const watcher = new Child('watcher', root)
    expect(await watcher.line()).toBe('ready')
    const writers = Array.from({ length: processes }, () => new Child('writer', root, 'shared', String(each), '300'))
    const acknowledged = await run(writers, each)

    const fresh = await anew(root, 'shared')
    expect(fresh.damage).toEqual([])
    expect(fresh.info.messageCount).toBe(2000)
    const ids = idsOf(fresh.messages)
    expect([...ids].sort()).toEqual(acknowledged.flat().sort())
    expect(idsOf(await session.messages())).toEqual(ids)
    for (const writer of writers) expect(await seenBy(writer)).toEqual(ids)
    // What one process added in order stays in that order.
    for (const own of acknowledged) {
      const those = new Set(own)
      expect(ids.filter((id) => those.has(id))).toEqual(own)
    }

    const told: Said[] = []
    let read = 1
    await watcher.until(() => {
      for (; read < watcher.lines.length; read++) {
        const said = JSON.parse(watcher.lines[read]!) as Said
        if (said.type === 'message.created') told.push(said)
      }
      return told.length >= 2000
    })
    await watcher.end()
    expect(watcher.lines.slice(read).filter((line) => line.includes('"message.created"'))).toEqual([])
    expect(told.map(({ messageId }) => messageId ?? '').sort()).toEqual([...ids].sort())
    expect(told.every(({ origin }) => origin === 'external')).toBe(true)
  },
)

test('row 21: lines of up to 3 megabytes from 4 processes stay whole', PATIENT, async () => {
  const root = temp()
  const { store } = await open(root)
  const session = await store.create({ id: 'big' })
  const writers = Array.from({ length: 4 }, () => new Child('writer', root, 'big', '12', '1500000'))
  const acknowledged = await run(writers, 12)
  const fresh = await anew(root, 'big')
  expect(fresh.damage).toEqual([])
  expect(idsOf(fresh.messages).sort()).toEqual(acknowledged.flat().sort())
  expect(idsOf(await session.messages())).toEqual(idsOf(fresh.messages))
})

test('row 23: processes that all follow an id of the future mint none twice', PATIENT, async () => {
  const root = temp()
  const { store } = await open(root)
  // An hour ahead: every id that is minted from now on is a stride behind the newest one.
  const future = Date.now() + 3_600_000
  const time = new Date(future).toISOString()
  await store.merge('ahead', [{ id: firstIdAt(future), type: 'session.created', time, data: {} }])
  const writers = Array.from({ length: 3 }, () => new Child('writer', root, 'ahead', '100', '10'))
  const acknowledged = await run(writers, 100)
  const fresh = await anew(root, 'ahead')
  expect(new Set(acknowledged.flat()).size).toBe(300)
  expect(idsOf(fresh.messages).sort()).toEqual(acknowledged.flat().sort())
  expect(fresh.damage).toEqual([])
})

test.each([1, 3, 8, 20, 40, 60])(
  'row 36: two adds by another process %i ms apart are both told, each once',
  PATIENT,
  async (gapMs) => {
    const root = temp()
    const backend = fileBackend(root, { fsync: 'never' })
    // No second look that could make up for a hint that was lost.
    backend.watch = (namespace, events) => watchDirectories(root, namespace, events, { relookMs: NEVER_MS })
    const { store, heard } = await open(backend, { watch: true })
    await store.create({ id: 'pairs' })
    const other = new OtherProcess(root)
    const added: string[] = []
    for (let round = 0; round < rounds(20); round++) {
      added.push(...(await other.do<string[]>('addTwo', 'pairs', gapMs)))
      await heard.until(() => heard.messageIds.length >= added.length)
      expect(heard.messageIds).toEqual(added)
    }
    const fresh = await anew(root, 'pairs')
    expect(idsOf(fresh.messages)).toEqual(added)
    expect(fresh.damage).toEqual([])
  },
)

test('many processes that ensure the same session at once end up with one', async () => {
  const root = temp()
  const others = Array.from({ length: 4 }, () => new OtherProcess(root))
  const outcomes = await Promise.all(
    others.map((other) => other.do<string>('create', { id: 'one' }).catch((error: Error) => error.message)),
  )
  expect(outcomes.sort()).toEqual(['create: ALREADY_EXISTS', 'create: ALREADY_EXISTS', 'create: ALREADY_EXISTS', 'one'])
  await Promise.all(others.map((other, index) => other.do('add', 'one', { id: `m${index}`, text: 'here' })))
  const fresh = await anew(root, 'one')
  expect(idsOf(fresh.messages).sort()).toEqual(['m0', 'm1', 'm2', 'm3'])
  expect(fresh.events.filter(({ type }) => type === 'session.created')).toHaveLength(1)
  expect(fresh.damage).toEqual([])
})

test('one idempotency key used by several processes at once counts once', async () => {
  const root = temp()
  const { store } = await open(root)
  await store.create({ id: 'keyed' })
  const others = Array.from({ length: 3 }, () => new OtherProcess(root))
  const answers = await Promise.all(
    others.map((other) => other.do<{ id: string }>('addWithKey', 'keyed', { text: 'pay' }, 'order-1')),
  )
  const fresh = await anew(root, 'keyed')
  expect(fresh.messages).toHaveLength(1)
  // Whoever asks again gets the message that counts.
  const again = await others[0]!.do<{ id: string }>('addWithKey', 'keyed', { text: 'pay' }, 'order-1')
  expect(again.id).toBe(fresh.messages[0]!.id)
  expect(idsOf(answers)).toContain(again.id)
})
