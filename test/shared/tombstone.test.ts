/**
 * Deleting in a shared root: the tombstone beats everything, in every file, at every moment.
 */
import { appendFileSync, readdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { fileBackend } from '../../src/backends/file/index.ts'
import { newId } from '../../src/id.ts'
import { OtherProcess, Child } from '../support/child.ts'
import { PATIENT } from '../support/rounds.ts'
import { open, temp, textsOf } from '../support/temp.ts'
import { copyOf, filesOf, shown } from './copies.ts'

const SHARED = { shared: true } as const
const GONE = { code: 'NOT_FOUND' }
/** As docs/format.md §8.1 says it. */
const TOMBSTONE =
  '{"v":1,"id":"00000000000000000000000000","type":"session.deleted","time":"1970-01-01T00:00:00.000Z","data":{}}\n'

/** A root with a session of three files, one of them a first file. */
async function threeFiles(): Promise<string> {
  const root = temp()
  const { store } = await open(root)
  await (await store.create({ id: 's' })).add({ text: 'one' })
  await store.close()
  for (const text of ['two', 'three']) {
    const { store: run } = await open(root, SHARED)
    await (await run.get('s'))!.add({ text })
    await run.close()
  }
  expect(filesOf(root, 's').length).toBe(3)
  return root
}

test('deleting leaves the tombstone in every file and in one of its own, the same in all copies', async () => {
  const root = await threeFiles()
  const copy = copyOf(root, temp())
  const names = filesOf(root, 's').map((path) => path.slice(root.length))
  for (const each of [root, copy]) {
    const { store } = await open(each, SHARED)
    expect(await store.delete('s')).toBe(true)
    expect(await store.delete('s')).toBe(false)
    expect(await store.get('s')).toBeUndefined()
    expect((await store.list()).items).toEqual([])
    const paths = filesOf(each, 's')
    const own = '/default/s.00000000000000000000000000.jsonl'
    expect(paths.map((path) => path.slice(each.length))).toEqual([...names, own].sort())
    for (const path of paths) expect(readFileSync(path, 'utf8')).toBe(TOMBSTONE)
  }
})

test('a deleted session is there for nobody, shared or not, and its id is taken until it is purged', async () => {
  const root = await threeFiles()
  const { store } = await open(root, SHARED)
  await store.delete('s')
  await expect(store.create({ id: 's' })).rejects.toMatchObject({ code: 'ALREADY_EXISTS' })
  await expect(store.ensure('s')).rejects.toMatchObject({ code: 'ALREADY_EXISTS' })
  const { store: plain } = await open(root)
  expect(await plain.get('s')).toBeUndefined()
  expect((await plain.list()).items).toEqual([])
  expect(await plain.delete('s')).toBe(false)
  await expect(plain.create({ id: 's' })).rejects.toMatchObject({ code: 'ALREADY_EXISTS' })
  expect(filesOf(root, 's').length).toBe(4)
  expect(await store.purge('s')).toBe(true)
  expect(await store.purge('s')).toBe(false)
  expect(readdirSync(join(root, 'default')).filter((name) => name.endsWith('.jsonl'))).toEqual([])
  await (await store.create({ id: 's' })).add({ text: 'anew' })
  expect(textsOf((await shown(root, 's'))!.messages)).toEqual(['anew'])
})

test('a purge of a session that lives tells that it is gone, and leaves nothing', async () => {
  const root = await threeFiles()
  const { store, heard } = await open(root, SHARED)
  const session = (await store.get('s'))!
  expect(await store.purge('s')).toBe(true)
  expect(heard.of('session.deleted').length).toBe(1)
  await expect(session.add({ text: 'late' })).rejects.toMatchObject(GONE)
  expect(filesOf(root, 's')).toEqual([])
})

test('a late writer in another process is refused, and so is everything it tries after', async () => {
  const root = temp()
  const { store } = await open(root, SHARED)
  const session = await store.create({ id: 's' })
  const late = new OtherProcess(root, SHARED)
  await late.do('addEach', 's', [{ text: 'one' }])
  await session.add({ text: 'two' })
  expect(await store.delete('s')).toBe(true)
  await expect(late.do('add', 's', { text: 'late' })).rejects.toThrow('NOT_FOUND')
  for (const path of filesOf(root, 's')) expect(readFileSync(path, 'utf8')).toBe(TOMBSTONE)
})

test('a writer that holds its segment open, and one that has not begun one, are refused by the handle they have', async () => {
  const root = temp()
  const { store } = await open(root, SHARED)
  const holder = await store.create({ id: 's' })
  await holder.add({ text: 'one' })
  const { store: second } = await open(root, SHARED)
  const reader = (await second.get('s'))!
  const other = new OtherProcess(root, SHARED)
  expect(await other.do('delete', 's')).toBe(true)
  await expect(holder.add({ text: 'late' })).rejects.toMatchObject(GONE)
  await expect(reader.add({ text: 'late' })).rejects.toMatchObject(GONE)
  for (const path of filesOf(root, 's')) expect(readFileSync(path, 'utf8')).toBe(TOMBSTONE)
})

test('a tombstone that is only in a file of its own refuses a writer whose segment is untouched', async () => {
  const root = temp()
  const { store } = await open(root, SHARED)
  const session = await store.create({ id: 's' })
  await session.add({ text: 'one' })
  writeFileSync(join(root, 'default', 's.00000000000000000000000000.jsonl'), TOMBSTONE)
  await expect(session.add({ text: 'late' })).rejects.toMatchObject(GONE)
  expect(await store.get('s')).toBeUndefined()
  // What it hides goes with the next deletion, which finds no session.
  expect(await store.delete('s')).toBe(false)
  for (const path of filesOf(root, 's')) expect(readFileSync(path, 'utf8')).toBe(TOMBSTONE)
})

test('a segment that comes after the deletion stays hidden', async () => {
  const root = temp()
  const { store } = await open(root, SHARED)
  const session = await store.create({ id: 's' })
  await session.add({ text: 'one' })
  const copy = copyOf(root, temp())
  const { store: elsewhere } = await open(copy, SHARED)
  await (await elsewhere.get('s'))!.add({ text: 'two' })
  const { store: watching, heard } = await open(root, { ...SHARED, watch: true })
  await store.delete('s')
  await heard.until(() => heard.of('session.deleted').length === 1)
  const [segment] = filesOf(copy, 's').filter(
    (path) => !readdirSync(join(root, 'default')).includes(path.split('/').at(-1)!),
  )
  const target = join(root, 'default', segment!.split('/').at(-1)!)
  writeFileSync(`${target}.part`, readFileSync(segment!))
  renameSync(`${target}.part`, target)
  // A session made later is heard of later.
  await watching.create({ id: 'after' })
  const other = new OtherProcess(root, SHARED)
  await other.do('create', { id: 'later' })
  await heard.until(() => heard.of('session.created').some(({ sessionId }) => sessionId === 'later'))
  expect(heard.all.filter(({ type }) => type === 'session.deleted').length).toBe(1)
  expect(heard.of('message.created')).toEqual([])
  expect(await watching.get('s')).toBeUndefined()
  expect((await watching.list()).items.map(({ id }) => id).sort()).toEqual(['after', 'later'])
})

test('a tombstone that a merge put among other lines deletes the session, for those who watch and those who follow', async () => {
  const root = temp()
  const { store } = await open(root, SHARED)
  for (const id of ['followed', 'unopened']) await (await store.create({ id })).add({ text: 'one' })
  await store.close()
  const { store: watching, heard } = await open(root, { ...SHARED, watch: true })
  await watching.list()
  const followed = (await watching.get('followed'))!
  const events: string[] = []
  const tail = (async () => {
    for await (const { type } of followed.tail()) events.push(type)
  })()
  for (const id of ['followed', 'unopened']) {
    const [path] = filesOf(root, id)
    const text = readFileSync(path!, 'utf8')
    // As git does it: another file takes the place.
    writeFileSync(`${path!}.part`, TOMBSTONE + text)
    renameSync(`${path!}.part`, path!)
  }
  await heard.until(() => heard.of('session.deleted').length === 2)
  await tail
  expect(events).not.toContain('session.deleted')
  expect((await watching.list()).items).toEqual([])
  expect(await watching.delete('followed')).toBe(true)
  expect(readFileSync(filesOf(root, 'followed')[0]!, 'utf8')).toBe(TOMBSTONE)
})

test('killed at any disk call of a deletion, the session is intact or deleted, and never half', PATIENT, async () => {
  const original = await threeFiles()
  const before = await shown(original, 's')
  const seen = new Set<string>()
  for (const how of ['before', 'half-written']) {
    for (let n = 1; ; n++) {
      const root = copyOf(original, temp())
      const child = new Child('dies-deleting', root, 's', String(n), how)
      await child.gone()
      const after = await shown(root, 's')
      if (after !== undefined) expect(after).toEqual(before)
      seen.add(after === undefined ? 'deleted' : 'intact')
      const { store } = await open(root, SHARED)
      expect(await store.delete('s')).toBe(after !== undefined)
      expect(await shown(root, 's')).toBeUndefined()
      for (const path of filesOf(root, 's')) expect(readFileSync(path, 'utf8')).toBe(TOMBSTONE)
      await store.close()
      if (child.lines.includes('deleted')) break
    }
  }
  expect([...seen].sort()).toEqual(['deleted', 'intact'])
})

test('ids, names and what lies beside it are no matter: only that session is deleted', async () => {
  const root = temp()
  const { store } = await open(root, SHARED)
  const ids = ['s', 'S', 's.', newId(), 's%']
  for (const id of ids) await (await store.create({ id })).add({ text: id })
  await store.delete('s')
  expect((await store.list()).items.map(({ id }) => id).sort()).toEqual(ids.slice(1).sort())
})

test('a file of the tombstone’s length that is none is a file like any other', async () => {
  const root = temp()
  const backend = fileBackend(root, SHARED)
  const key = { namespace: 'default', sessionId: 's' }
  const id = newId()
  const head = `{"v":1,"id":"${id}","type":"a.b","data":{"text":"`
  const text = `${head}${'x'.repeat(TOMBSTONE.length - 1 - head.length - 3)}"}}`
  await backend.append(key, [{ id, text }], { expect: 'absent' })
  expect(await backend.head(key)).toMatchObject({ sessionId: 's', sizeBytes: TOMBSTONE.length })
  await backend.append(key, [{ id, text }])
  appendFileSync(filesOf(root, 's')[0]!, 'torn')
  expect((await backend.list('default')).length).toBe(1)
  await backend.close()
})

test('a tombstone is nothing that a rewrite has left, and no rewrite takes it away', async () => {
  const root = temp()
  const backend = fileBackend(root, SHARED)
  const { store } = await open(root, SHARED)
  await (await store.create({ id: 's' })).add({ text: 'one' })
  await store.delete('s')
  const before = filesOf(root, 's')
  const key = { namespace: 'default', sessionId: 's' }
  expect(await backend.rewrites!.leftovers(key)).toEqual([])
  await backend.rewrites!.rewrite(key, { edit: ({ bytes }) => bytes }).catch(() => undefined)
  expect(filesOf(root, 's')).toEqual(before)
  for (const path of before) expect(readFileSync(path, 'utf8')).toBe(TOMBSTONE)
  await backend.close()
})
