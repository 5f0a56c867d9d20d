/**
 * Adds messages until it is killed, and says the id of each once it is acknowledged; each has some sessions of its own. When a sync of a
 * file has ended it says `synced` and the last id that was acknowledged before the sync began.
 * Arguments: the root, the policy of `fsync`, and texts of how many characters.
 */
import { fstatSync, statSync, writeSync } from 'node:fs'
import { io } from '../../../dist/backends/file/io.js'
import { openStore } from '../../../dist/index.js'

const [root, fsync, size] = process.argv.slice(2)
const store = await openStore(root, { fsync })

/** The newest acknowledged message of each file, by inode. */
const newest = new Map()
const { fdatasync } = io
io.fdatasync = (fd, done) => {
  const covered = newest.get(fstatSync(fd).ino)
  fdatasync(fd, (error) => {
    if (!error && covered !== undefined) writeSync(1, `synced ${covered}\n`)
    done(error)
  })
}

for (let s = 0; ; s++) {
  const session = await store.create({ id: `s${s}` })
  const { ino } = statSync(`${root}/default/s${s}.jsonl`)
  for (let m = 0; m < 20; m++) {
    const { id } = await session.add({ id: `s${s}.${m}`, text: 'x'.repeat(Number(size)) })
    newest.set(ino, id)
    writeSync(1, `${id}\n`)
  }
}
