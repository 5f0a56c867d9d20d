/**
 * What must be true of every imported session, whatever it came from; and how the tests of importers look at one.
 */
import { readdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { expect } from 'vitest'
import type { ImportReport } from '../../src/importers/index.ts'
import {
  memoryBackend,
  openStore,
  type MergeLine,
  type Message,
  type Part,
  type Session,
  type Store,
} from '../../src/index.ts'

/** The sessions that an import wrote, each once. */
export async function sessionsOf(store: Store, report: ImportReport): Promise<Session[]> {
  const ids = new Set(report.files.flatMap((file) => file.sessions.map(({ sessionId }) => sessionId)))
  return Promise.all([...ids].map(async (id) => (await store.get(id))!))
}

export async function eventsOf(session: Session): Promise<MergeLine[]> {
  const events: MergeLine[] = []
  for await (const { id, type, time, data } of session.events()) events.push({ id, type, time, data: data as never })
  return events
}

/** No damage, no findings, calls and results in pairs in the model's view, the same state in whatever order the lines come. */
export async function expectSound(store: Store, session: Session): Promise<void> {
  for await (const { damage, findings } of store.fsck(session.id)) {
    expect(damage).toEqual([])
    expect(findings).toEqual([])
  }
  const seen = (await session.context()).flatMap(({ parts }) => parts)
  const called = seen.filter((part) => part.type === 'tool-call').map(({ callId }) => callId)
  const answered = seen.filter((part) => part.type === 'tool-result').map(({ callId }) => callId)
  expect(answered.sort()).toEqual(called.sort())
  const [first, ...rest] = await eventsOf(session)
  for (const seed of [1, 2, 3]) {
    await using other = await openStore(memoryBackend())
    await other.merge(session.id, [first!])
    for (const line of shuffled(rest, seed)) await other.merge(session.id, [line])
    await expectSame((await other.get(session.id))!, session)
  }
}

/** Two sessions are the same to their readers. */
export async function expectSame(one: Session, other: Session): Promise<void> {
  expect(await one.findings()).toEqual([])
  expect(await one.messages({ all: true })).toEqual(await other.messages({ all: true }))
  expect(await one.messages()).toEqual(await other.messages())
  expect(one.info).toEqual(other.info)
}

/** Every file below a directory that is not a cache, by its path there. */
export async function bytesBelow(directory: string): Promise<Map<string, string>> {
  const entries = await readdir(directory, { withFileTypes: true, recursive: true })
  const files = entries.filter((entry) => entry.isFile() && !entry.parentPath.includes('.cache'))
  const paths = files.map((entry) => join(entry.parentPath, entry.name)).sort()
  return new Map(
    await Promise.all(
      paths.map(async (path) => [path.slice(directory.length), await readFile(path, 'base64')] as const),
    ),
  )
}

/** A conversation as text: one line a message, its parts by type. */
export function shown(messages: readonly Message[]): string[] {
  return messages.map(({ role, parts }) => `${role}: ${parts.map(shownPart).join(' + ')}`)
}

function shownPart(part: Part): string {
  switch (part.type) {
    case 'text':
    case 'compaction':
      return `${part.type === 'text' ? '' : 'summary '}${part.text.slice(0, 24)}`
    case 'reasoning':
      return '(thinks)'
    case 'file':
      return `<${part.mediaType}>`
    case 'tool-call':
      return `${part.name}()`
    case 'tool-result':
      return part.error === undefined ? `=> ${part.name}` : `=> ${part.name} failed`
    case 'data':
      return `[${part.name}]`
  }
}

export function countBy(names: readonly string[]): Record<string, number> {
  const counts: Record<string, number> = {}
  for (const name of names) counts[name] = (counts[name] ?? 0) + 1
  return counts
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
