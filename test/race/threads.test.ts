/** Threads and forks of one process on one session: each has descriptors and a clock of its own. */
import { fork } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'
import { Worker } from 'node:worker_threads'
import { expect, test } from 'vitest'
import { PATIENT, rounds } from '../support/rounds.ts'
import { anew, idsOf, open, temp } from '../support/temp.ts'

const SCRIPT = fileURLToPath(new URL('../support/children/thread.mjs', import.meta.url))

test(
  'row 59: worker threads, forks and this thread add to one session: nothing is lost, no id is made twice',
  PATIENT,
  async () => {
    const root = temp()
    const { store } = await open(root)
    const session = await store.create({ id: 'threads' })
    const each = rounds(500)
    const args = [root, 'threads', String(each)]
    const said = [0, 1].map(async () => (await once(new Worker(SCRIPT, { argv: args }), 'message'))[0] as string[])
    said.push(...[0, 1].map(async () => (await once(fork(SCRIPT, args), 'message'))[0] as string[]))
    const own: string[] = []
    for (let i = 0; i < each; i++) {
      own.push((await session.add({ text: `here ${i}` })).id)
      if (i % 20 === 0) await new Promise(setImmediate)
    }
    const all = [...own, ...(await Promise.all(said)).flat()]
    const fresh = await anew(root, 'threads')
    expect(new Set(all).size).toBe(5 * each)
    expect(idsOf(fresh.messages).sort()).toEqual(all.sort())
    expect(fresh.damage).toEqual([])
    expect(fresh.events.length).toBe(5 * each + 1)
  },
)
