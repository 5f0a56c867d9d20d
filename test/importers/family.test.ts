/** Who is whose child, found out over several imports: each knows more than the one before, or less. */
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { importSessions } from '../../src/importers/index.ts'
import { memoryBackend, type Store } from '../../src/index.ts'
import { freshFolder, open } from '../support/store.ts'

const TIMES = Array.from({ length: 12 }, (_, at) => at)
const timestamp = '2025-01-01T00:00:00Z'

async function lines(path: string, ...records: readonly object[]): Promise<string> {
  await writeFile(path, records.map((each) => `${JSON.stringify(each)}\n`).join(''))
  return path
}

/** The infos that matter, by the ids of the source. */
async function parents(store: Store): Promise<Map<string, unknown>> {
  const { items } = await store.list({ limit: 100 })
  return new Map(items.map(({ source, parent, rootId }) => [source!.id, { parent, rootId }]))
}

// The ids of lines are hashes, which by chance come in the right order: every second time, not twelve times.
test.each(TIMES)('a fork of a fork whose parent was not there at first has the root of both (%i)', async (at) => {
  const folder = freshFolder()
  const idOf = (nth: number): string => `01941000-0${at.toString(16)}${nth}0-7000-8000-000000000000`
  const fork = (nth: number): Promise<string> => {
    const payload = { id: idOf(nth), ...(nth === 0 ? {} : { forked_from_id: idOf(nth - 1) }) }
    return lines(join(folder, `${nth}.jsonl`), { timestamp, type: 'session_meta', payload })
  }
  const paths = [await fork(0), await fork(1), await fork(2)]
  const [all, grown] = [await open(memoryBackend()), await open(memoryBackend())]
  await importSessions(all, paths)
  await importSessions(grown, paths[2]!)
  await importSessions(grown, paths)
  expect(await parents(grown)).toEqual(await parents(all))
})

test.each(TIMES)('a sub-agent is told which message it goes on from once that is there (%i)', async (at) => {
  const folder = freshFolder()
  const common = { sessionId: `s${at}`, timestamp, type: 'user', message: { role: 'user', content: 'hello' } }
  const first = { ...common, uuid: `u${at}`, parentUuid: null, isSidechain: false }
  const second = { ...common, uuid: `w${at}`, parentUuid: first.uuid, isSidechain: false }
  const sub = { ...common, uuid: `v${at}`, parentUuid: second.uuid, isSidechain: true, agentId: 'a1' }
  const agent = await lines(join(folder, 'agent-a1.jsonl'), sub)
  const grown = await open(memoryBackend())
  await importSessions(grown, [agent, await lines(join(folder, 's.jsonl'), first)])
  const paths = [agent, await lines(join(folder, 's.jsonl'), first, second)]
  await importSessions(grown, paths)
  const all = await open(memoryBackend())
  await importSessions(all, paths)
  expect(await parents(grown)).toEqual(await parents(all))
})
