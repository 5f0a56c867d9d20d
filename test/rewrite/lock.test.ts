/**
 * The lock of a rewrite: whom it keeps out, and what one is worth whose process is gone or cannot be asked.
 */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, mkdirSync, readdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, onTestFinished, test, vi } from 'vitest'
import { newId } from '../../src/id.ts'
import { io } from '../../src/backends/file/io.ts'
import { open, temp } from '../support/temp.ts'

function locks(root: string): string {
  const directory = join(root, 'default/.cache/rewrite')
  mkdirSync(directory, { recursive: true })
  return directory
}

/** The name of the lock that a rewrite of this process makes, seen on its way to the disk. */
async function nameOfLock(rewrite: () => Promise<unknown>): Promise<string> {
  const opened = vi.spyOn(io, 'openSync')
  try {
    await rewrite()
    const path = opened.mock.calls.map(([file]) => String(file)).find((file) => file.endsWith('.lock'))
    return path!.slice(path!.lastIndexOf('/') + 1)
  } finally {
    opened.mockRestore()
  }
}

test('a session is deleted while the lock of another host is there: whoever waits for it is told which file it is', async () => {
  const root = temp()
  const { store } = await open(root)
  const session = await store.create({ id: 'one' })
  await session.add({ text: 'hello' })
  const path = join(locks(root), `one.4711-815.deadbeef.${newId()}.lock`)
  writeFileSync(path, '')
  await expect(store.delete('one')).rejects.toMatchObject({ code: 'SESSION_BUSY', path })
  expect(existsSync(path)).toBe(true)
  expect(await store.get('one')).toBeUndefined()
}, 20_000)

test.skipIf(process.platform !== 'linux')(
  'a lock whose process is gone is in nobody’s way when another process has its number by now',
  async () => {
    const root = temp()
    const { store } = await open(root)
    const session = await store.create({ id: 'one' })
    await session.add({ text: 'hello' })
    const other = spawn('sleep', ['60'])
    await once(other, 'spawn')
    onTestFinished(() => void other.kill('SIGKILL'))
    const name = await nameOfLock(() => session.repair())
    const [, owner = '', host] = name.split('.')
    const started = owner.split('-')[1]
    expect(started).toMatch(/^\d+$/)
    const left = `one.${other.pid}-${Number(started) - 1}.${host}.${newId()}.lock`
    writeFileSync(join(locks(root), left), '')
    expect((await session.repair({ dryRun: true })).leftovers).toEqual([`.cache/rewrite/${left}`])
    await session.repair()
    expect(readdirSync(locks(root))).toEqual([])
  },
)
