/** Where the file backend puts things, with which rights, and what it refuses to touch. On a real disk. */
import { execFileSync } from 'node:child_process'
import { chmod, mkdir, readFile, readdir, rename, stat, symlink, writeFile } from 'node:fs/promises'
import { afterEach, beforeEach, expect, test } from 'vitest'
import type { Backend } from '../../src/backend.ts'
import { fileBackend } from '../../src/backends/file/index.ts'
import { create, KEY, newLine, readTexts, rejects, texts } from '../../src/testing/lines.ts'
import { tempRoot } from '../testing/temp.ts'

let root: string
let path: string
let done: () => Promise<void>
let backend: Backend

beforeEach(async () => {
  ;({ root, done } = await tempRoot())
  path = `${root}/contract/first.jsonl`
  backend = fileBackend(root)
})

afterEach(async () => {
  await backend.close()
  await done()
})

async function modeOf(file: string): Promise<string> {
  return ((await stat(file)).mode & 0o777).toString(8)
}

test('nothing is created before the first session', async () => {
  await backend.check()
  await backend.list('contract')
  await rejects(backend.append(KEY, [newLine()]), 'NOT_FOUND')
  await expect(stat(root)).rejects.toThrow()
})

test.skipIf(process.platform === 'win32')('directories are 0700 and files 0600', async () => {
  await create(backend)
  await backend.files.put(KEY.namespace, 'sha256-a.txt', Buffer.from('a'))
  await backend.infos.save(KEY.namespace, Buffer.from('a'))
  for (const file of ['', '/contract', '/contract/files', '/contract/.cache'])
    expect(await modeOf(root + file)).toBe('700')
  for (const file of ['first.jsonl', 'files/sha256-a.txt', '.cache/infos.jsonl']) {
    expect(await modeOf(`${root}/contract/${file}`)).toBe('600')
  }
})

test('a root that is a new repository gets what git needs, too', async () => {
  await mkdir(`${root}/.git`, { recursive: true })
  await create(backend)
  expect(await readFile(`${root}/.gitignore`, 'utf8')).toBe('.cache/\n.live/\n')
})

test('a new root gets what git needs, once', async () => {
  await create(backend)
  expect(await readFile(`${root}/.gitattributes`, 'utf8')).toBe(
    '*.jsonl merge=union text eol=lf diff=foldlog linguist-generated\n**/files/** -text -diff -merge -linguist-generated\n',
  )
  expect(await readFile(`${root}/.gitignore`, 'utf8')).toBe('.cache/\n.live/\n')
  await writeFile(`${root}/.gitignore`, 'mine')
  await create(backend, 1, { namespace: 'second', sessionId: 'a' })
  expect(await readFile(`${root}/.gitignore`, 'utf8')).toBe('mine')
})

test('a directory with other things in it is left as it is', async () => {
  await mkdir(root)
  await writeFile(`${root}/README`, '')
  await create(backend)
  expect((await readdir(root)).sort()).toEqual(['README', 'contract'])
})

test.skipIf(process.platform === 'win32')(
  'a link where a log should be is refused and its target untouched',
  async () => {
    await create(backend)
    await backend.close()
    backend = fileBackend(root)
    await rename(path, `${root}/target`)
    await symlink(`${root}/target`, path)
    const before = await readFile(`${root}/target`, 'utf8')
    await rejects(backend.append(KEY, [newLine()]), 'NOT_A_LOG')
    await rejects(readTexts(backend), 'NOT_A_LOG')
    await rejects(backend.remove(KEY), 'NOT_A_LOG')
    expect(await backend.head(KEY)).toBeUndefined()
    expect(await backend.list(KEY.namespace)).toEqual([])
    expect(await readFile(`${root}/target`, 'utf8')).toBe(before)
  },
)

test.skipIf(process.platform === 'win32')('a FIFO where a log should be is refused and never waited for', async () => {
  await create(backend, 1, { ...KEY, sessionId: 'other' })
  execFileSync('mkfifo', [path])
  await rejects(backend.append(KEY, [newLine()]), 'NOT_A_LOG')
  await rejects(readTexts(backend), 'NOT_A_LOG')
  expect(await backend.head(KEY)).toBeUndefined()
})

test('a directory where a log should be is refused', async () => {
  await create(backend, 1, { ...KEY, sessionId: 'other' })
  await mkdir(path)
  await rejects(backend.append(KEY, [newLine()]), 'NOT_A_LOG')
  await rejects(readTexts(backend), 'NOT_A_LOG')
  await rejects(backend.remove(KEY), 'NOT_A_LOG')
  expect(await backend.list(KEY.namespace)).toHaveLength(1)
})

test.skipIf(process.platform === 'win32')('a namespace that is a link is refused', async () => {
  await create(backend)
  await symlink(`${root}/contract`, `${root}/linked`)
  const key = { namespace: 'linked', sessionId: 'first' }
  await rejects(backend.append(key, [newLine()]), 'NOT_A_LOG')
  await rejects(backend.append({ ...key, sessionId: 'new' }, [newLine()], { expect: 'absent' }), 'NOT_A_LOG')
  await rejects(readTexts(backend, undefined, key), 'NOT_A_LOG')
  await rejects(backend.list('linked'), 'NOT_A_LOG')
  expect(await backend.namespaces()).toEqual(['contract'])
})

test('files that are none of ours are no sessions', async () => {
  await create(backend)
  for (const name of [
    'UPPER.jsonl',
    'a b.jsonl',
    'x.txt',
    '.hidden.jsonl',
    'first.not-a-ulid.jsonl',
    '.jsonl',
    'jsonl',
  ]) {
    await writeFile(`${root}/contract/${name}`, 'x\n')
  }
  await mkdir(`${root}/Not A Namespace`)
  expect((await backend.list('contract')).map((head) => head.sessionId)).toEqual(['first'])
  expect(await readTexts(backend)).toHaveLength(1)
  expect(await backend.namespaces()).toEqual(['contract'])
})

test('names of attachments cannot leave their directory', async () => {
  for (const name of ['../x', 'a/b', '', '.hidden', 'a\\b']) {
    await rejects(backend.files.put('contract', name, Buffer.from('x')), 'INVALID_NAME')
    await rejects(backend.files.get('contract', name), 'INVALID_NAME')
  }
})

test.skipIf(process.getuid?.() === 0)('a log without write permission is read, and appends are denied', async () => {
  const lines = await create(backend)
  await backend.close()
  backend = fileBackend(root)
  await chmod(path, 0o400)
  await rejects(backend.append(KEY, [newLine()]), 'STORAGE_DENIED')
  expect(await readTexts(backend)).toEqual(texts(...lines))
})

test('a root that is a file cannot be used', async () => {
  await writeFile(root, 'x')
  await rejects(backend.check(), 'STORAGE_FAILED')
  await rejects(create(backend), 'STORAGE_FAILED')
  await rejects(fileBackend(`${root}/below`).check(), 'STORAGE_FAILED')
})

test('more logs than may be open are appended to in turn', async () => {
  const keys = Array.from({ length: 300 }, (_, index) => ({ ...KEY, sessionId: `s${index}` }))
  for (const key of keys) await create(backend, 1, key)
  for (let round = 0; round < 2; round++) for (const key of keys) await backend.append(key, [newLine()])
  if (process.platform === 'linux') expect((await readdir('/proc/self/fd')).length).toBeLessThan(290)
  for (const key of keys) expect(await readTexts(backend, undefined, key)).toHaveLength(3)
})
