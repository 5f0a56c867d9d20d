/**
 * F7: guarded appends. Several processes add messages to one new session as fast as they can, each only if the
 * conversation still ends where it is known to end; who is refused tries again with what came.
 *
 * A sample is how many messages a second all of them added together, from the order to the last one's answer. What was added is counted
 * afterwards, in another process' view.
 */
import { fork } from 'node:child_process'
import { once } from 'node:events'
import { projectFile } from './children.mjs'
import { compare } from './harness.mjs'
import { foldlog, missing } from './peers.mjs'
import { atLeast, number } from './table.mjs'
import { removeFolder, tempFolder } from './temp.mjs'

/** @param {import('./run.mjs').Options} options @returns {Promise<import('./table.mjs').Report>} */
export async function measureGuarded({ rounds, quick }) {
  if (missing.foldlog !== undefined)
    return { id: 'F7', title: 'guarded appends', tables: [], checks: [], notes: [missing.foldlog] }
  const children = Array.from({ length: 4 }, () => fork(projectFile('test/bench/children/guarded.mjs')))
  await Promise.all(children.map((child) => once(child, 'message')))
  const count = quick ? 20 : 500
  /** @type {{ done: number, refused: number }} */
  const total = { done: 0, refused: 0 }
  const rows = await compare(
    [
      { name: '4 processes, without a guard', sample: () => run(children, count, false) },
      { name: '1 process, guarded', sample: () => run(children.slice(0, 1), count, true) },
      { name: '2 processes, guarded', sample: () => run(children.slice(0, 2), count, true) },
      { name: '4 processes, guarded', sample: () => run(children, count, true, total) },
    ],
    rounds ?? 10,
    { warmup: 2 },
  )
  for (const child of children) child.disconnect()
  return {
    id: 'F7',
    title: 'guarded appends',
    tables: [{ caption: 'one session', unit: 'messages/s', rows }],
    notes: [
      `Of the calls of 4 guarded processes ${number((100 * total.refused) / (total.done + total.refused))} % were refused and made again.`,
    ],
    checks: [atLeast('4 processes, guarded', rows[3], 300, 'messages/s')],
  }
}

/**
 * @param {readonly import('node:child_process').ChildProcess[]} children
 * @param {number} count messages each of them adds
 * @param {boolean} isGuarded
 * @param {{ done: number, refused: number }} [total] what came out is added to it
 * @returns {Promise<number>} messages a second
 */
async function run(children, count, isGuarded, total = { done: 0, refused: 0 }) {
  const root = tempFolder('guarded')
  const store = await foldlog.openStore(root)
  const { id: sessionId } = await store.create()
  const start = performance.now()
  const answers = await Promise.all(
    children.map(async (child) => {
      child.send({ root, sessionId, count, isGuarded })
      return (await once(child, 'message'))[0]
    }),
  )
  const seconds = (performance.now() - start) / 1000
  const session = await store.get(sessionId)
  const added = (await session.messages()).length
  if (added !== count * children.length) throw new Error(`${added} of ${count * children.length} messages are there`)
  for (const { done, refused } of answers) {
    total.done += done
    total.refused += refused
  }
  await store.close()
  removeFolder(root)
  return added / seconds
}
