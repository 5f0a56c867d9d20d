/**
 * What is no regular file where a log should be, what is no directory where a namespace should be, and modes.
 */
import { execFileSync } from 'node:child_process'
import {
  existsSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  statSync,
  symlinkSync,
  unlinkSync,
  writeFileSync,
} from 'node:fs'
import { createServer } from 'node:net'
import { join } from 'node:path'
import { expect, onTestFinished, test } from 'vitest'
import { anew, logPath, open, temp } from '../support/temp.ts'

const LINE =
  '{"v":1,"id":"01M7XVMR0GBR6T8XW8V4ECY7XQ","type":"session.created","time":"2026-11-20T10:00:00.123Z","data":{}}\n'

/** Puts something that is no log at a path. */
const OBSTACLES: { readonly [kind: string]: (path: string, outside: string) => void | Promise<void> } = {
  'a link to a log': (path, outside) => {
    writeFileSync(join(outside, 'target'), LINE)
    symlinkSync(join(outside, 'target'), path)
  },
  'a link to nothing': (path, outside) => symlinkSync(join(outside, 'nothing'), path),
  'a link to itself': (path) => symlinkSync(path, path),
  'a directory': (path) => mkdirSync(path),
  'a FIFO': (path) => void execFileSync('mkfifo', [path]),
  'a socket': async (path) => {
    const server = createServer()
    await new Promise<void>((resolve) => server.listen(path, resolve))
    onTestFinished(() => void server.close())
  },
  'a device': (path) => symlinkOrDevice(path),
}

/** A device of its own where that is allowed, otherwise a link to one. */
function symlinkOrDevice(path: string): void {
  try {
    execFileSync('mknod', [path, 'c', '1', '5'], { stdio: 'ignore' })
  } catch {
    // Only root may make devices: a link to one is refused just the same.
    symlinkSync('/dev/zero', path)
  }
}

test.each(Object.keys(OBSTACLES))(
  'row 53, row 54: %s where a log should be is refused at once and left alone',
  async (kind) => {
    const [root, outside] = [temp(), temp()]
    const { store } = await open(root)
    await store.create({ id: 'neighbour', title: 'unharmed' })
    const path = logPath(root, 's')
    await OBSTACLES[kind]!(path, outside)
    const { ino, mtimeMs } = lstatSync(path)

    await expect(store.get('s')).rejects.toMatchObject({ code: 'NOT_A_LOG' })
    await expect(store.ensure('s')).rejects.toMatchObject({ code: 'NOT_A_LOG' })
    await expect(store.create({ id: 's' })).rejects.toMatchObject({
      code: expect.stringMatching(/^(NOT_A_LOG|ALREADY_EXISTS)$/) as string,
    })
    await expect(store.delete('s')).rejects.toMatchObject({ code: 'NOT_A_LOG' })
    await expect(store.fork('s')).rejects.toMatchObject({ code: 'NOT_A_LOG' })
    expect((await store.list()).items.map(({ id }) => id)).toEqual(['neighbour'])
    expect(await store.prune({ olderThan: 0, dryRun: true })).not.toContain('s')

    expect(lstatSync(path)).toMatchObject({ ino, mtimeMs })
    expect(existsSync(join(outside, 'nothing'))).toBe(false)
    if (existsSync(join(outside, 'target'))) expect(readFileSync(join(outside, 'target'), 'utf8')).toBe(LINE)
    expect((await anew(root, 'neighbour')).info.title).toBe('unharmed')
  },
)

test.each(Object.keys(OBSTACLES))('row 53: %s in the place of a log that is open stops its appends', async (kind) => {
  const [root, outside] = [temp(), temp()]
  const { store } = await open(root)
  const session = await store.create({ id: 's' })
  await session.add({ text: 'first' })
  unlinkSync(logPath(root, 's'))
  await OBSTACLES[kind]!(logPath(root, 's'), outside)
  const refusal = { code: expect.stringMatching(/^(NOT_A_LOG|NOT_FOUND)$/) as string }
  await expect(session.add({ text: 'second' })).rejects.toMatchObject(refusal)
  await expect(session.messages()).rejects.toMatchObject(refusal)
  expect(existsSync(join(outside, 'nothing'))).toBe(false)
  if (existsSync(join(outside, 'target'))) expect(readFileSync(join(outside, 'target'), 'utf8')).toBe(LINE)
})

test.each(['a link to a directory', 'a link to nothing', 'a file', 'a FIFO'])(
  'row 53: %s where a namespace should be is refused, and nothing is written through it',
  async (kind) => {
    const [root, outside] = [temp(), temp()]
    writeFileSync(join(outside, 's.jsonl'), LINE)
    const path = join(root, 'default')
    if (kind === 'a link to a directory') symlinkSync(outside, path)
    if (kind === 'a link to nothing') symlinkSync(join(outside, 'nothing'), path)
    if (kind === 'a file') writeFileSync(path, LINE)
    if (kind === 'a FIFO') execFileSync('mkfifo', [path])
    const { store } = await open(root)
    const refused = { code: 'NOT_A_LOG' }
    await expect(store.create({ id: 'new' })).rejects.toMatchObject(refused)
    await expect(store.get('s')).rejects.toMatchObject(refused)
    await expect(store.delete('s')).rejects.toMatchObject(refused)
    await expect(store.list()).rejects.toMatchObject(refused)
    await expect(store.putFile(Buffer.from('x'), 'text/plain')).rejects.toMatchObject(refused)
    await expect(store.getFile(`sha256-${'0'.repeat(64)}`, 'text/plain')).rejects.toMatchObject(refused)
    expect(await store.namespaces()).toEqual([])
    expect(readdirSync(outside)).toEqual(['s.jsonl'])
    expect(readFileSync(join(outside, 's.jsonl'), 'utf8')).toBe(LINE)
    const other = await store.namespace('other').create({ id: 'fine' })
    expect(await other.messages()).toEqual([])
  },
)

test('a root that is a link to a directory is that directory', async () => {
  const [root, outside] = [temp(), temp()]
  symlinkSync(outside, join(root, 'link'))
  const { store } = await open(join(root, 'link'))
  await (await store.create({ id: 's' })).add({ text: 'hello' })
  expect((await anew(outside, 's')).messages).toHaveLength(1)
})

test('a root that is a file is refused, and health says so', async () => {
  const path = join(temp(), 'file')
  writeFileSync(path, 'mine')
  const { store } = await open(path)
  const refused = { name: 'FoldlogError' }
  await expect(store.create()).rejects.toMatchObject(refused)
  await expect(store.ensure('s')).rejects.toMatchObject(refused)
  await expect(store.list()).rejects.toMatchObject(refused)
  await expect(store.delete('s')).rejects.toMatchObject(refused)
  expect(await store.namespaces()).toEqual([])
  await expect(store.putFile(Buffer.from('x'), 'text/plain')).rejects.toMatchObject(refused)
  const health = await store.health()
  expect(health.ok).toBe(false)
  expect(health.problem).toMatchObject({ name: 'FoldlogError' })
  expect(readFileSync(path, 'utf8')).toBe('mine')
})

test('row 55: whatever the umask, files are 0600 and directories 0700', async () => {
  const umask = process.umask(0)
  onTestFinished(() => void process.umask(umask))
  for (const mask of [0, 0o022, 0o077]) {
    process.umask(mask)
    const root = join(temp(), 'root')
    const { store } = await open(root, { namespace: 'private' })
    const session = await store.create({ id: 's' })
    await session.add({ text: 'secret' })
    await store.putFile(Buffer.from('x'), 'text/plain')
    await store.list()
    await store.close()
    const modes = modesBelow(root)
    expect(modes.length).toBeGreaterThan(6)
    for (const { path, isDirectory, mode } of modes) {
      expect({ path, mode: mode.toString(8) }).toEqual({ path, mode: isDirectory ? '700' : '600' })
    }
  }
})

function modesBelow(path: string): { path: string; isDirectory: boolean; mode: number }[] {
  const stat = statSync(path)
  const own = { path, isDirectory: stat.isDirectory(), mode: stat.mode & 0o777 }
  if (!own.isDirectory) return [own]
  return [own, ...readdirSync(path).flatMap((name) => modesBelow(join(path, name)))]
}
