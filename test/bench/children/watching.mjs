/**
 * `node watching.mjs <how> <root>`: watches a root in one way, and tells what that costs.
 *
 * Says `{ readyMs, rssMb }` once it watches. When told anything it says `{ cpuMs, seen }`: the processor time that it has
 * used since it was last told, and the signals that it got meanwhile.
 */
import { watch } from 'node:fs'
import { join } from 'node:path'

const [, , how, root] = process.argv
let seen = 0

const WAYS = {
  nothing: () => {},
  /** @param {string} folder */
  fsWatch: (folder) => watch(folder, () => seen++),
  /** @param {string} folder */
  chokidar: async (folder) => {
    const { watch: watchPath } = await import('chokidar')
    const watcher = watchPath(folder, { ignoreInitial: true, depth: 0 })
    watcher.on('change', () => seen++)
    await new Promise((resolve) => watcher.once('ready', resolve))
  },
  foldlog: async () => {
    const { openStore } = await import('../../../dist/index.js')
    const store = await openStore(root, { watch: true })
    store.on('message.created', () => seen++)
    await store.get('other-0')
  },
}

const start = performance.now()
await WAYS[how](join(root, 'default'))
const readyMs = performance.now() - start
let cpu = process.cpuUsage()
process.on('message', () => {
  const { user, system } = process.cpuUsage(cpu)
  const answer = { cpuMs: (user + system) / 1000, seen }
  seen = 0
  cpu = process.cpuUsage()
  process.send(answer)
})
process.on('disconnect', () => process.exit())
process.send({ readyMs, rssMb: process.memoryUsage().rss / 1e6 })
