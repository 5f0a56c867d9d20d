import { stat, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { newId } from '../../src/id.ts'
import { openStore } from '../../src/index.ts'
import { fileOf, freshStore, run, temp } from './run.ts'

/** Two sessions with an attachment each and one that both name, and one that nobody names. */
async function two() {
  const { root, store } = await freshStore()
  const bytes = (text: string): Buffer => Buffer.from(text.repeat(1000))
  const first = await store.create({ id: 'first' })
  const shared = await first.file('shared.txt', bytes('shared'))
  await first.add({ parts: [shared, await first.file('own.txt', bytes('own'))] })
  const second = await store.create({ id: 'second' })
  await second.add({ parts: [shared] })
  await second.file('lost.txt', bytes('x'))
  await store.list()
  await store.close()
  const size = async (path: string): Promise<number> => (await stat(path)).size
  return {
    root,
    firstBytes: await size(fileOf(root, 'first')),
    secondBytes: await size(fileOf(root, 'second')),
    cacheBytes:
      (await size(join(root, 'default/.cache/infos.jsonl'))) + (await size(join(root, 'default/.cache/.gitignore'))),
  }
}

async function json(root: string, ...args: string[]): Promise<unknown[]> {
  const { stdout } = await run(['du', '--json', '--root', root, ...args])
  return stdout
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line) as unknown)
}

test('a row a namespace, with every attachment once', async () => {
  const { cacheBytes, firstBytes, root, secondBytes } = await two()
  const logBytes = firstBytes + secondBytes
  expect(await json(root)).toEqual([
    {
      namespace: 'default',
      sessionCount: 2,
      fileCount: 3,
      unnamedBytes: 1000,
      logBytes,
      fileBytes: 10_000,
      leftoverBytes: 0,
      cacheBytes,
      liveBytes: 0,
      totalBytes: logBytes + 10_000 + cacheBytes,
    },
  ])
  const { stdout, stderr } = await run(['du', '--root', root])
  expect(stdout).toMatch(/^NAMESPACE +SESSIONS +LOGS +FILES +CACHES +TOTAL\ndefault +2 .* 10\.0 kB .* {2}█+\n$/)
  expect(stderr).toBe(`1 file that no log names, 1.0 kB; to see what may go:\n  foldlog gc --root ${root}\n`)
})

test('--sessions tells attachments of its own from those that others name, too', async () => {
  const { firstBytes, root, secondBytes } = await two()
  const row = { namespace: 'default', isDeleted: false, segmentBytes: 0, segmentCount: 0, sharedBytes: 6000 }
  const first = { ...row, sessionId: 'first', logBytes: firstBytes, fileBytes: 3000, totalBytes: firstBytes + 3000 }
  const second = { ...row, sessionId: 'second', logBytes: secondBytes, fileBytes: 0, totalBytes: secondBytes }
  expect(await json(root, '--sessions')).toEqual([first, second])
  expect(await json(root, '--sessions', '--limit', '1')).toEqual([first])
  expect(await json(root, 'sec')).toEqual([second])
  expect((await run(['du', '--sessions', '--root', root])).stdout).toMatch(
    /^SESSION +LOGS +SEGMENTS +FILES +SHARED +TOTAL\n/,
  )
  expect((await run(['du', 'first', '--root', root])).stdout).toMatch(
    /^log +\S+ \S+ {2}first\.jsonl\nfiles +3\.0 kB {2}of its own\nshared +6\.0 kB {2}attachments that other sessions name, too\ntotal +\S+ \S+\n$/,
  )
})

test('segments count, and a deleted session of a shared root is one', async () => {
  const root = join(await temp(), 'root')
  const store = await openStore(root, { shared: true })
  const kept = await store.create({ id: 'kept' })
  await kept.add({ text: 'hello' })
  await store.create({ id: 'gone' })
  await store.delete('gone')
  await store.close()
  await writeFile(fileOf(root, 'kept'), `{"v":1,"id":"${newId()}","type":"n.n","time":"","data":1}\n`)
  expect(await json(root, '--sessions')).toMatchObject([
    { sessionId: 'kept', isDeleted: false, segmentCount: 1 },
    { sessionId: 'gone', isDeleted: true, segmentCount: 2, logBytes: 0 },
  ])
})

test('an empty root takes nothing', async () => {
  const root = await temp()
  expect(await run(['du', '--root', root])).toEqual({ code: 0, stdout: '', stderr: `no sessions in ${root}\n` })
  expect(await run(['du', 'nobody', '--root', root])).toMatchObject({ code: 1, stdout: '' })
})
