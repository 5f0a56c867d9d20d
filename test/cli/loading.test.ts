/** Which packages a verb loads: every module that a child process loads is written down by a loader hook. */
import { mkdir, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { expect, test } from 'vitest'
import { freshStore, linesOf, run, runScript, start, temp } from './run.ts'

const HOOK = `import { appendFileSync } from 'node:fs'
export async function load(url, context, next) {
  appendFileSync(process.env.LOADED, url + '\\n')
  return next(url, context)
}`

async function recorder() {
  const folder = await temp()
  const file = join(folder, 'loaded')
  const register = `import { register } from 'node:module'\nregister(${JSON.stringify(pathToFileURL(join(folder, 'hook.mjs')).href)})`
  await writeFile(join(folder, 'hook.mjs'), HOOK)
  await writeFile(join(folder, 'register.mjs'), register)
  await writeFile(file, '')
  return {
    where: { env: { LOADED: file }, node: ['--import', pathToFileURL(join(folder, 'register.mjs')).href] },
    /** How many modules of this package were loaded so far. */
    count: async (): Promise<number> => {
      const urls = (await readFile(file, 'utf8')).split('\n')
      return urls.filter((url) => /\/dist\/(?!.*node_modules)/.test(url)).length
    },
    /** The packages loaded so far, and the verbs. */
    loaded: async (): Promise<ReadonlySet<string>> => {
      const urls = (await readFile(file, 'utf8')).split('\n')
      const names = urls.map((url) => /node_modules\/([^/]+)\/|\/(cli\/\w+)\.js$/.exec(url))
      return new Set(names.map((match) => match?.[1] ?? match?.[2]).filter((name) => name !== undefined))
    },
  }
}

async function session() {
  const { root, store } = await freshStore()
  const { id } = await store.create({ title: 'Cached' })
  await store.list()
  await store.close()
  return { root, id }
}

test('help loads no package and no verb', async () => {
  for (const args of [['--help'], ['ls', '--help'], ['--version'], ['nonsense']]) {
    const { loaded, where } = await recorder()
    await run(args, where)
    const names = await loaded()
    expect(names).toContain('cli/main')
    expect([...names].filter((name) => !name.startsWith('cli/'))).toEqual([])
    expect(names).not.toContain('cli/ls')
  }
})

test('ls and stats from a valid cache, du, raw tail, cat and path load neither zod nor chokidar', async () => {
  const { id, root } = await session()
  const all = [['ls'], ['ls', '--json'], ['stats'], ['stats', '--by', 'session'], ['du'], ['du', '@']]
  for (const args of [...all, ['tail', id, '--raw'], ['tail', '--raw'], ['cat', id], ['path', '@']]) {
    const { loaded, where } = await recorder()
    expect((await run([...args, '--root', root], where)).code).toBe(0)
    const names = await loaded()
    expect(names).toContain(`cli/${args[0]}`)
    expect(names).not.toContain('zod')
    expect(names).not.toContain('chokidar')
  }
})

test('u1: the package loads neither zod nor chokidar, nor does opening a root and listing from a valid cache', async () => {
  const { root } = await session()
  const { loaded, where } = await recorder()
  const script = `const store = await openStore(process.argv[1])
    const { items } = await store.list()
    await store.close()
    if (items.length !== 1) throw new Error('nothing was listed')`
  await runScript(script, [root], where)
  const names = await loaded()
  expect(names).toContain('mitt')
  expect(names).not.toContain('zod')
  expect(names).not.toContain('chokidar')
})

test('u1: few modules are loaded to begin with, as each takes a third of a millisecond', async () => {
  const { root } = await session()
  const imported = await recorder()
  await runScript('', [root], imported.where)
  expect(await imported.count()).toBeGreaterThan(1)
  expect(await imported.count()).toBeLessThanOrEqual(27)

  const helped = await recorder()
  await run(['--help'], helped.where)
  expect(await helped.count()).toBeGreaterThan(1)
  expect(await helped.count()).toBeLessThanOrEqual(17)
})

test('a listing that reads no log loads nothing that mints ids', async () => {
  const root = await temp()
  await mkdir(join(root, 'default'))
  const { loaded, where } = await recorder()
  expect((await run(['ls', '--root', root], where)).code).toBe(0)
  expect(await loaded()).toContain('cli/ls')
  expect(await loaded()).not.toContain('ulid')
})

test('what reads and writes messages loads no zod, and only what follows loads chokidar', async () => {
  const { id, root } = await session()
  const shown = await recorder()
  await run(['show', id, '--root', root], shown.where)
  const names = await shown.loaded()
  expect(names).toContain('cli/show')
  for (const name of ['zod', 'chokidar']) expect(names).not.toContain(name)

  const written = await recorder()
  const script = `const store = await openStore(process.argv[1])
    const session = await store.create()
    await session.add({ text: 'hello' })
    await session.add({ text: 5 }).catch(() => {})
    if ((await session.messages()).length !== 1) throw new Error('nothing was added')
    await store.close()`
  await runScript(script, [root], written.where)
  expect(await written.loaded()).toContain('ulid')
  expect(await written.loaded()).not.toContain('zod')

  const followed = await recorder()
  const child = start(['tail', id, '-f', '--raw', '--root', root], followed.where)
  const next = linesOf(child)
  await next()
  const { openStore } = await import('../../src/index.ts')
  const store = await openStore(root)
  await (await store.get(id))!.add({ text: 'wake up' })
  await next()
  await store.close()
  expect(await followed.loaded()).toContain('chokidar')
  expect(await followed.loaded()).not.toContain('zod')
})
