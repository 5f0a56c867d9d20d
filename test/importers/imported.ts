/** What must hold for every imported session, whatever it was imported from. */
import { readFile, readdir } from 'node:fs/promises'
import { join } from 'node:path'
import { expect } from 'vitest'
import { memoryBackend, openStore, type Session } from '../../src/index.ts'

interface Event {
  readonly id: string
  readonly type: string
  readonly time: string
  readonly data: never
}

export async function eventsOf(session: Session): Promise<Event[]> {
  const events: Event[] = []
  for await (const { id, type, time, data } of session.events()) events.push({ id, type, time, data: data as never })
  return events
}

/** No damage, no findings, and a view for models in which every call is answered. */
export async function isClean(session: Session): Promise<void> {
  expect(await session.damage()).toEqual([])
  expect(await session.findings()).toEqual([])
  const seen = (await session.context()).flatMap(({ parts }) => parts)
  const called = seen.filter((part) => part.type === 'tool-call').map(({ callId }) => callId)
  const answered = seen.filter((part) => part.type === 'tool-result').map(({ callId }) => callId)
  expect(answered.sort()).toEqual(called.sort())
}

/** Another store that gets the lines in another order says the same. */
export async function foldsTheSameShuffled(session: Session): Promise<void> {
  const [first, ...rest] = await eventsOf(session)
  for (const seed of [1, 2]) {
    await using other = await openStore(memoryBackend())
    await other.merge(session.id, [first!])
    for (const line of shuffled(rest, seed)) await other.merge(session.id, [line])
    const twin = (await other.get(session.id))!
    expect(await twin.messages({ all: true })).toEqual(await session.messages({ all: true }))
    expect(await twin.messages()).toEqual(await session.messages())
    expect(twin.info).toEqual(session.info)
  }
}

/** The bytes of every file below a directory but its caches. */
export async function bytesBelow(directory: string): Promise<Map<string, string>> {
  const entries = await readdir(directory, { withFileTypes: true, recursive: true })
  const files = entries.filter((entry) => entry.isFile() && !entry.parentPath.includes('.cache'))
  const paths = files.map((entry) => join(entry.parentPath, entry.name)).sort()
  const bytes = paths.map(async (path) => [path.slice(directory.length), await readFile(path, 'base64')] as const)
  return new Map(await Promise.all(bytes))
}

/** A permutation that is the same every time. */
function shuffled<T>(items: readonly T[], seed: number): T[] {
  const out = [...items]
  let state = seed
  for (let i = out.length - 1; i > 0; i--) {
    state = (state * 48271) % 2147483647
    const j = state % (i + 1)
    ;[out[i], out[j]] = [out[j]!, out[i]!]
  }
  return out
}
