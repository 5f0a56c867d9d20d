/**
 * What a soak does, one action a row: `[weight, name, async (soak) => …]`. A later part of the product joins with a row.
 *
 * An action may start writers, kill, stop and continue them, or read. What it acknowledges by itself goes into
 * `soak.acknowledged`: session → ids of messages; what it deletes into `soak.deleted`.
 */
import { execFileSync } from 'node:child_process'
import { appendFileSync, copyFileSync, existsSync, renameSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'

const MAIN = fileURLToPath(new URL('../../dist/cli/main.js', import.meta.url))

const SIZES = [10, 400, 4000, 60_000, 600_000]

export const ACTIONS = [
  [4, 'start a writer', async (soak) => soak.start()],
  [3, 'kill a writer', async (soak) => soak.pick(soak.writers)?.kill('SIGKILL')],
  [2, 'stop a writer for a while', async (soak) => soak.pause(soak.pick(soak.writers))],
  [
    6,
    'add here',
    async (soak) => {
      const id = soak.session()
      const session = await soak.store.ensure(id)
      const messages = Array.from({ length: 1 + soak.below(5) }, () => ({ text: 'x'.repeat(soak.pick(SIZES)) }))
      const added = await session.add(messages)
      for (const message of added) soak.acknowledge(id, message.id)
    },
  ],
  [
    3,
    'several callers at once',
    async (soak) => {
      const id = soak.session()
      const session = await soak.store.ensure(id)
      const added = await Promise.all(Array.from({ length: 20 }, (_, i) => session.add({ text: `caller ${i}` })))
      for (const message of added) soak.acknowledge(id, message.id)
    },
  ],
  [2, 'flush', async (soak) => soak.store.flush()],
  [
    3,
    'read',
    async (soak) => {
      const session = await soak.store.get(soak.session())
      if (session !== undefined) await session.messages()
      await soak.store.list()
    },
  ],
  [
    1,
    'create and delete',
    async (soak) => {
      const id = `deleted-${soak.count}`
      const session = await soak.store.create({ id })
      await session.add({ text: 'soon gone' })
      await soak.store.delete(id)
      soak.deleted.add(id)
    },
  ],
  [
    1,
    'leave a torn line',
    async (soak) => {
      const id = soak.session()
      await soak.store.ensure(id)
      appendFileSync(soak.path(id), '{"v":1,"id":"01M7XVMR0GBR6T8XW8V4')
      soak.torn++
    },
  ],
  [
    1,
    'lose the cache',
    async (soak) => {
      const gone = join(soak.root, '.git', `cache-${soak.count}`)
      // Moved first: others write to it meanwhile.
      if (existsSync(soak.cache)) renameSync(soak.cache, gone)
      rmSync(gone, { recursive: true, force: true })
    },
  ],
  [
    1,
    'replace a log by a copy of itself while nobody else writes',
    async (soak) => {
      await soak.quiet(async () => {
        const id = soak.session()
        await soak.store.ensure(id)
        copyFileSync(soak.path(id), `${soak.path(id)}.tmp`)
        renameSync(`${soak.path(id)}.tmp`, soak.path(id))
      })
    },
  ],
  [
    3,
    'add only if nobody else went on',
    async (soak) => {
      const id = soak.session()
      const session = await soak.store.ensure(id)
      try {
        const message = await session.add({ text: 'guarded' }, { expectedHead: session.info.head ?? null })
        soak.acknowledge(id, message.id)
        soak.guarded++
      } catch (error) {
        if (error.code !== 'HEAD_MOVED') throw error
        soak.refused++
      }
    },
  ],
  [
    1,
    'look for damage',
    async (soak) => {
      const id = soak.session()
      await soak.store.ensure(id)
      for await (const report of soak.store.fsck(id)) if (report.damage.length > 0) soak.found++
    },
  ],
  [1, 'pack', async (soak) => (await soak.store.ensure(soak.session())).pack()],
  [1, 'repair', async (soak) => (await soak.store.ensure(soak.session())).repair()],
  [
    1,
    'redact',
    async (soak) => {
      const id = soak.session()
      const session = await soak.store.ensure(id)
      const secret = `sk-secret-${soak.count}-x`
      const message = await session.add({ text: `the key is ${secret}` })
      soak.acknowledge(id, message.id)
      await soak.store.redact({ text: secret }, { sessionId: id })
      soak.secrets.push(secret)
    },
  ],
  [
    1,
    'let git throw away what is not committed, and restore it',
    async (soak) => {
      await soak.quiet(async () => {
        const id = soak.session()
        const session = await soak.store.ensure(id)
        git(soak, 'add', '-A')
        git(soak, 'commit', '-q', '--allow-empty', '-m', `at ${soak.count}`)
        const message = await session.add({ text: 'not committed' })
        git(soak, 'reset', '-q', '--hard')
        execFileSync(process.execPath, [MAIN, 'restore', '--yes', '--root', soak.root], { stdio: 'ignore' })
        soak.acknowledge(id, message.id)
      })
    },
  ],
]

function git(soak, ...args) {
  const who = ['-c', 'user.name=soak', '-c', 'user.email=soak@example.org', '-c', 'gc.auto=0']
  execFileSync('git', [...who, ...args], { cwd: soak.root, stdio: 'ignore' })
}
