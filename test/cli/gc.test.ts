/** `foldlog gc`, and what `foldlog fsck` says of files. */
import { readdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { freshStore, run } from './run.ts'

test('gc says what it would remove, and removes it with --yes', async () => {
  const { root, store } = await freshStore()
  const session = await store.create({ id: 's' })
  const part = await session.file('a.txt', Buffer.from('named'))
  await session.add({ parts: [part] })
  await session.file('b.txt', Buffer.from('not named'))
  const folder = join(root, 'default', 'files')
  const where = ['--root', root]
  expect(await run(['gc', ...where])).toMatchObject({
    code: 0,
    stdout: '',
    stderr: expect.stringContaining('nothing') as string,
  })
  const dry = await run(['gc', '--older-than', '0s', ...where])
  expect(dry.stdout).toMatch(/^default\/files\/[0-9a-f]{64}\.txt 9 B\n$/)
  expect(dry.stderr).toContain('nothing was changed')
  expect(readdirSync(folder)).toHaveLength(2)
  const done = await run(['gc', '--older-than', '0s', '--yes', '--json', ...where])
  expect(JSON.parse(done.stdout)).toMatchObject({ namespace: 'default', dryRun: false, sizeBytes: 9 })
  expect(readdirSync(folder)).toHaveLength(1)
  expect((await run(['gc', '--older-than', 'soon', ...where])).code).toBe(2)

  expect(await run(['fsck', ...where])).toMatchObject({ code: 0, stdout: '' })
  writeFileSync(join(folder, readdirSync(folder)[0]!), 'eman')
  const damaged = await run(['fsck', ...where])
  expect(damaged.code).toBe(3)
  expect(damaged.stdout).toMatch(/^damaged: default\/files sha256-[0-9a-f]{64}, 4 B, named by s event 01/)
  const json = (await run(['fsck', 's', '--json', ...where])).stdout.trim().split('\n')
  expect(JSON.parse(json[1]!)).toMatchObject({ kind: 'damaged', file: part.file, usedBy: [{ sessionId: 's' }] })
})
