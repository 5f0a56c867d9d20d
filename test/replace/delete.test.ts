/**
 * A log that is deleted while somebody has it open: it stays deleted.
 */
import { existsSync, readdirSync, renameSync, rmSync, unlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { OtherProcess } from '../support/child.ts'
import { anew, idsOf, logPath, open, temp, textsOf } from '../support/temp.ts'

const GONE = { code: 'NOT_FOUND' }

test('row 32: a session that another process deleted rejects everything and creates nothing', async () => {
  const root = temp()
  const { store, heard } = await open(root)
  const session = await store.create({ id: 's' })
  const { id } = await session.add({ text: 'first' })
  const other = new OtherProcess(root)
  expect(await other.do('delete', 's')).toBe(true)

  await expect(session.add({ text: 'second' })).rejects.toMatchObject(GONE)
  await expect(session.messages()).rejects.toMatchObject(GONE)
  await expect(session.turns()).rejects.toMatchObject(GONE)
  await expect(session.update(id, { status: 'failed' })).rejects.toMatchObject(GONE)
  await expect(session.set({ title: 'x' })).rejects.toMatchObject(GONE)
  await expect(session.append('note.added', {})).rejects.toMatchObject(GONE)
  await expect(session.remove(id)).rejects.toMatchObject(GONE)
  await expect(session.events().next()).rejects.toMatchObject(GONE)
  expect(await store.get('s')).toBeUndefined()
  expect(await store.delete('s')).toBe(false)
  expect(readdirSync(join(root, 'default')).filter((name) => name.endsWith('.jsonl'))).toEqual([])
  expect(heard.of('session.deleted')).toHaveLength(1)
})

test('row 32: reads of a handle notice it first, then appends are rejected, too', async () => {
  const root = temp()
  const { store } = await open(root)
  const session = await store.create({ id: 's' })
  await session.add({ text: 'first' })
  unlinkSync(logPath(root, 's'))
  await expect(session.messages()).rejects.toMatchObject(GONE)
  await expect(session.add({ text: 'second' })).rejects.toMatchObject(GONE)
  expect(existsSync(logPath(root, 's'))).toBe(false)
})

test('a deleted namespace is not brought back by those who have sessions of it open', async () => {
  const root = temp()
  const { store } = await open(root)
  const session = await store.create({ id: 's' })
  await session.add({ text: 'first' })
  rmSync(join(root, 'default'), { recursive: true })
  await expect(session.add({ text: 'second' })).rejects.toMatchObject(GONE)
  await expect(session.messages()).rejects.toMatchObject(GONE)
  expect(existsSync(join(root, 'default'))).toBe(false)
})

test('a session created anew under the id of a deleted one is another one', async () => {
  const root = temp()
  const { store } = await open(root)
  const old = await store.create({ id: 's', title: 'old' })
  await old.add({ text: 'of the old one' })
  const other = new OtherProcess(root)
  await other.do('delete', 's')
  await other.do('create', { id: 's', title: 'new' })
  await other.do('add', 's', { text: 'of the new one' })

  const session = (await store.get('s'))!
  expect(session.info.title).toBe('new')
  expect(textsOf(await session.messages())).toEqual(['of the new one'])
  await session.add({ text: 'more' })
  const { messages, damage } = await anew(root, 's')
  expect(textsOf(messages)).toEqual(['of the new one', 'more'])
  expect(damage).toEqual([])
})

test('an append of a handle whose session was deleted and created anew does not land in the new one', async () => {
  const root = temp()
  const { store } = await open(root)
  const old = await store.create({ id: 's', title: 'old' })
  await old.add({ text: 'of the old one' })
  const other = new OtherProcess(root)
  await other.do('delete', 's')
  await other.do('create', { id: 's', title: 'new' })
  await expect(old.add({ text: 'for the old one' })).rejects.toMatchObject(GONE)
  const { messages, info, damage } = await anew(root, 's')
  expect(messages).toEqual([])
  expect(info.title).toBe('new')
  expect(damage).toEqual([])
})

test('a tombstone in a log beats everything: the session is not there, whoever appends', async () => {
  const root = temp()
  const { store } = await open(root)
  const session = await store.create({ id: 's' })
  await session.add({ text: 'first' })
  const tombstone = '{"v":1,"id":"01M7XVMR0GBR6T8XW8V4ECY7XQ","type":"session.deleted","time":"","data":{}}\n'
  writeFileSync(logPath(root, 's'), tombstone, { flag: 'a' })
  await expect(session.add({ text: 'second' })).rejects.toMatchObject(GONE)
  await expect(session.messages()).rejects.toMatchObject(GONE)
  const { store: later } = await open(root)
  expect(await later.get('s')).toBeUndefined()
  expect((await later.list({ archived: 'all' })).items).toEqual([])
})

test('g7: a path that is empty for a moment is waited for: the append lands in the file that comes', async () => {
  const root = temp()
  const { store } = await open(root)
  const session = await store.create({ id: 's' })
  await session.add({ id: 'first', text: 'first' })
  const path = logPath(root, 's')
  renameSync(path, `${path}.away`)
  const adding = session.add({ id: 'second', text: 'second' })
  const alsoAdding = session.add({ id: 'third', text: 'third' })
  setImmediate(() => renameSync(`${path}.away`, path))
  expect(idsOf(await Promise.all([adding, alsoAdding]))).toEqual(['second', 'third'])
  const { messages, damage } = await anew(root, 's')
  expect(idsOf(messages)).toEqual(['first', 'second', 'third'])
  expect(damage).toEqual([])
})

test('a session deleted in this process tells so once, and its handles say that it is gone', async () => {
  const root = temp()
  const { store, heard } = await open(root, { watch: true })
  const session = await store.create({ id: 's' })
  await session.add({ text: 'first' })
  expect(await store.delete('s')).toBe(true)
  await expect(session.add({ text: 'second' })).rejects.toMatchObject(GONE)
  await expect(session.messages()).rejects.toMatchObject(GONE)
  await store.create({ id: 'next' })
  const other = new OtherProcess(root)
  await other.do('add', 'next', { id: 'last', text: 'last' })
  await heard.until(() => heard.messageIds.includes('last'))
  expect(heard.of('session.deleted').map(({ sessionId, origin }) => [sessionId, origin])).toEqual([['s', 'local']])
})
