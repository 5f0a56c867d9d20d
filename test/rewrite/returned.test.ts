/**
 * Content that was redacted and that a merge brings back, wherever in the log it comes to lie: no reader of events gets it, however it reads.
 */
import { appendFileSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { newId } from '../../src/id.ts'
import type { Session } from '../../src/session.ts'
import type { TailEvent } from '../../src/tail.ts'
import { run } from '../cli/run.ts'
import { Repository } from '../git/repository.ts'
import { logPath, open, temp } from '../support/temp.ts'

const SECRET = 'the very secret words'
const SEEN = `"text":"${SECRET}"`

/** A session with a message and a batch that were redacted, and their lines as they were. */
async function redacted(root: string) {
  const { store } = await open(root)
  const session = await store.create({ id: 's' })
  const first = await session.add({ id: 'q', text: 'question' })
  await session.add({ id: 'single', text: SECRET })
  await session.add(['first', SECRET, 'third'].map((text, i) => ({ id: `m${i}`, text })))
  await session.append('todo.added', { what: SECRET })
  const before = readFileSync(logPath(root, 's'), 'utf8').split('\n')
  await store.redact({ text: SECRET })
  const [created, ...lines] = readFileSync(logPath(root, 's'), 'utf8').trimEnd().split('\n')
  const old = before.filter((line) => line.includes(SECRET))
  expect(old).toHaveLength(3)
  return { session, first, old, created: created!, lines }
}

async function eventsOf(session: Session, after?: string): Promise<TailEvent[]> {
  const events: TailEvent[] = []
  for await (const event of session.events(after === undefined ? {} : { after })) events.push(event)
  return events
}

/** The first events of a tail, and the way to read on. */
async function take(tail: AsyncGenerator<TailEvent>, count: number): Promise<TailEvent[]> {
  const events: TailEvent[] = []
  while (events.length < count) events.push((await tail.next()).value as TailEvent)
  return events
}

/** Everything of a session that its readers get, in a process that has not seen it before, as text. */
async function allRead(root: string, after?: string): Promise<string> {
  const { store } = await open(root)
  const session = (await store.get('s'))!
  const events = await eventsOf(session)
  expect(new Set(events.map(({ id }) => id)).size).toBe(events.length)
  const tailed = await take(session.tail(), events.length)
  expect(tailed).toEqual(events)
  const custom = await session.project({
    initial: () => '',
    on: { 'todo.added': (state: string, event: unknown) => state + JSON.stringify(event) },
  })
  const rest = after === undefined ? [] : await eventsOf(session, after)
  await store.close()
  return JSON.stringify([events, custom, rest])
}

/** Puts the old lines back, each in its way. */
const WAYS: { readonly [name: string]: (root: string, kept: Awaited<ReturnType<typeof redacted>>) => void } = {
  'before the redacted ones': (root, { created, lines, old }) =>
    writeFileSync(logPath(root, 's'), [created, ...old, ...lines, ''].join('\n')),
  'behind the redacted ones': (root, { old }) => appendFileSync(logPath(root, 's'), `${old.join('\n')}\n`),
  'in a segment': (root, { old }) => writeFileSync(join(root, 'default', `s.${newId()}.jsonl`), `${old.join('\n')}\n`),
}

test.each(Object.keys(WAYS))('g6: what comes back %s is hidden from events, tail and projections', async (way) => {
  const root = temp()
  const kept = await redacted(root)
  const { session } = kept
  const last = (await eventsOf(session)).at(-1)!
  const [tail, count] = [session.tail(), (await eventsOf(session)).length]
  await take(tail, count)
  WAYS[way]!(root, kept)
  expect(await allRead(root, last.cursor)).not.toContain(SECRET)
  expect(await allRead(root, last.id)).not.toContain(SECRET)
  // One that had read on until then, too, and what it is told after the place it was at is gone.
  await session.append('todo.added', { what: 'nothing' })
  const more: TailEvent[] = []
  for await (const event of tail) if (more.push(event) > 0 && JSON.stringify(event.data).includes('nothing')) break
  expect(JSON.stringify(more)).not.toContain(SECRET)
})

test('g6: what comes to a handle with its redaction in one look is not told on the bus', async () => {
  const root = temp()
  const { old, created, lines } = await redacted(temp())
  await (await open(root)).store.create({ id: 'other' })
  writeFileSync(logPath(root, 's'), `${created}\n`)
  const { store, heard } = await open(root)
  const session = (await store.get('s'))!
  appendFileSync(logPath(root, 's'), `${[...old, ...lines].join('\n')}\n`)
  expect(await session.messages()).toHaveLength(5)
  expect(heard.messageIds.sort()).toEqual(['m0', 'm1', 'm2', 'q', 'single'])
  expect(JSON.stringify(heard.all)).not.toContain(SECRET)
  expect(heard.of('session.rewound')).toEqual([])
})

test('g6: after a merge by union with the old lines in front, the command line prints no event of what came back', async () => {
  const repository = Repository.fresh()
  const { created, lines, old } = await redacted(repository.root)
  repository.write('s.jsonl', `${created}\n`)
  repository.commit('base')
  repository.git('checkout', '--quiet', '-b', 'redacted')
  repository.write('s.jsonl', [created, ...lines, ''].join('\n'))
  repository.commit('redacted')
  repository.git('checkout', '--quiet', 'main')
  repository.write('s.jsonl', [created, ...old, ''].join('\n'))
  repository.commit('old')
  repository.git('merge', '--quiet', '--no-edit', 'redacted')
  const merged = repository.read('s.jsonl')
  expect(merged.indexOf(SEEN)).toBeLessThan(merged.indexOf('"redacted":true'))
  const printed = async (...words: readonly string[]): Promise<string> => {
    const { code, stdout } = await run([...words, '--root', repository.root])
    expect(code).toBe(0)
    return stdout
  }
  for (const words of [
    ['log', 's'],
    ['tail', 's'],
    ['show', 's'],
  ]) {
    const text = await printed(...words, '--json')
    expect(text, words.join(' ')).not.toContain(SECRET)
    expect(text, words.join(' ')).toContain('[redacted]')
  }
  // The bytes are there until they are scrubbed, and these two print bytes.
  expect(await printed('cat', 's')).toBe(merged)
  expect(await printed('tail', 's', '--raw', '--limit', '99')).toBe(merged)
})
