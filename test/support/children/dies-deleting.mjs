/**
 * Deletes a session of a shared root and kills itself with SIGKILL at the n-th disk call of that, `before` it, or after the first
 * half of the n-th write, with `half-written`. Arguments: the root, the session, n, and which of the two. Says `deleted` if n is more than there are.
 */
import { io } from '../../../dist/backends/file/io.js'
import { openStore } from '../../../dist/index.js'

const [root, sessionId, n, how] = process.argv.slice(2)
const store = await openStore(root, { shared: true })
let left = Number(n)
for (const [name, call] of Object.entries(io)) {
  if (how === 'half-written' && name !== 'writeSync') continue
  io[name] = (...args) => {
    if (--left > 0) return call(...args)
    if (how === 'half-written') call(args[0], args[1], args[2], Math.floor(args[3] / 2))
    process.kill(process.pid, 'SIGKILL')
    for (;;);
  }
}
await store.delete(sessionId)
left = Infinity
process.stdout.write('deleted\n')
process.exit()
