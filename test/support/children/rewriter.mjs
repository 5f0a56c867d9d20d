/**
 * Rewrites a session, or collects files, and dies by SIGKILL right before the n-th disk call of it, if there are so many.
 *
 * Arguments: the root, the session, the verb (`repair`, `pack`, `redact`, `gc`), its options as JSON, n. Says how many calls it made.
 */
import { io } from '../../../dist/backends/file/io.js'
import { openStore } from '../../../dist/index.js'

const [root, sessionId, verb, options, killAt] = process.argv.slice(2)
const store = await openStore(root)
const session = await store.get(sessionId)
const DO = {
  redact: (options) => store.redact(options, { sessionId }),
  repair: (options) => session.repair(options),
  pack: (options) => session.pack(options),
  gc: (options) => store.gc(options),
}
let calls = 0
for (const [name, call] of Object.entries(io)) {
  io[name] = (...args) => {
    calls++
    if (calls === Number(killAt)) process.kill(process.pid, 'SIGKILL')
    return call(...args)
  }
}
await DO[verb](JSON.parse(options))
const made = calls
await store.close()
process.stdout.write(`${made}\n`)
