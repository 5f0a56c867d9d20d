import { execFileSync } from 'node:child_process'
import { appendFileSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { expect, test } from 'vitest'
import { fileBackend, openStore, type Session, type Store } from '../../src/index.ts'
import { exportLog } from '../../src/exporters/index.ts'
import { freshFolder, open } from '../support/store.ts'
import { richSession, whole } from './sessions.ts'

async function logOf(root: string, session: Session, options = {}): Promise<string> {
  const backend = fileBackend(root)
  try {
    return await whole(exportLog(backend, { namespace: session.namespace, sessionId: session.id }, options))
  } finally {
    await backend.close()
  }
}

/** A root in which the session has this log. */
async function rootWith(session: Session, log: string): Promise<Store> {
  const root = freshFolder()
  mkdirSync(join(root, session.namespace))
  writeFileSync(join(root, session.namespace, `${session.id}.jsonl`), log)
  return open(root)
}

async function expectSame(copy: Session, session: Session): Promise<void> {
  expect(await copy.messages({ all: true })).toEqual(await session.messages({ all: true }))
  expect(await copy.messages()).toEqual(await session.messages())
  expect(copy.info).toEqual(session.info)
  expect(await copy.damage()).toEqual([])
}

test('the export is a log of the same session, and merged with the original it adds nothing', async () => {
  const root = freshFolder()
  const session = await richSession(await open(root))
  const log = await logOf(root, session)
  await expectSame((await (await rootWith(session, log)).get(session.id))!, session)
  const file = join(root, 'default', `${session.id}.jsonl`)
  const merged = execFileSync('sort', ['-u', file, '-'], {
    input: log,
    env: { ...process.env, LC_ALL: 'C' },
  }).toString()
  expect(merged).toBe(execFileSync('sort', ['-u', file], { env: { ...process.env, LC_ALL: 'C' } }).toString())
})

test('whatever order and files the lines lie in, damaged or twice, the same events give the same bytes', async () => {
  const root = freshFolder()
  const session = await (await open(root)).create({ title: 'shared' })
  await session.add([{ text: 'a' }, { role: 'assistant', text: 'b' }], { key: 'k' })
  for (const text of ['c', 'd', 'e']) await session.add({ text })
  const log = await logOf(root, session)
  const lines = log.trimEnd().split('\n').reverse()
  const folder = join(freshFolder(), 'default')
  mkdirSync(folder)
  const write = (segment: string, text: string): void =>
    writeFileSync(join(folder, `${session.id}${segment}.jsonl`), text)
  write('', `${[...lines.slice(2), 'no event', lines[2]].join('\n')}\n{"v":1,"id":"torn`)
  write('.01M7XVMS2Q0000000000000001', `${lines.slice(0, 3).join('\r\n')}\n`)
  expect(await logOf(dirname(folder), session)).toBe(log)
})

test('guarded lines that won are plain lines, those that lost are not there', async () => {
  const root = freshFolder()
  const store = await open(root)
  const session = await store.create()
  const first = await session.add({ text: 'a' })
  await using other = await openStore(root)
  const twin = (await other.get(session.id))!
  const both = await Promise.allSettled([
    session.add({ text: 'b' }, { expectedHead: first.id }),
    twin.add({ text: 'c' }, { expectedHead: first.id }),
  ])
  expect(both.filter(({ status }) => status === 'fulfilled')).toHaveLength(1)
  const log = await logOf(root, session)
  expect(log).not.toContain('"if":')
  // In another place, where a guard would name the wrong byte.
  const copy = await rootWith(session, `\n\n${log}`)
  expect(await (await copy.get(session.id))!.messages()).toEqual(await session.messages())
})

test('with a point it is the log as it was then, also in the middle of a batch', async () => {
  const root = freshFolder()
  const session = await (await open(root)).create({ title: 'points' })
  const [first, second] = await session.add([{ text: 'one' }, { text: 'two' }])
  await session.add({ text: 'three' })
  for (const at of [session.info.lastEventId, second!.id, first!.id]) {
    const copy = (await (await rootWith(session, await logOf(root, session, { at }))).get(session.id))!
    const past = await session.at(at)
    expect(await copy.messages()).toEqual(await past.messages())
  }
})

test('what was redacted does not come out again, also where a merge has brought it back', async () => {
  const root = freshFolder()
  const store = await open(root)
  const session = await store.create()
  await session.add([{ text: 'the password is swordfish' }, { text: 'kept' }])
  await session.add({ text: 'swordfish again' })
  const file = join(root, 'default', `${session.id}.jsonl`)
  const before = readFileSync(file, 'utf8')
  await store.redact({ text: 'swordfish' })
  appendFileSync(file, before)
  const log = await logOf(root, session)
  expect(log).not.toContain('swordfish')
  expect(log).toContain('kept')
})

test('lines of a newer version and of unknown types are as they were written', async () => {
  const root = freshFolder()
  const session = await (await open(root)).create()
  await session.append('todo.added', { text: 'x' })
  const strange = [
    '{"v":9,"id":"01M7XVMS2Q0000000000000001","type":"message.created","time":"2026-11-20T10:00:00.000Z","new":1,"data":{}}',
    '{"v":1,"id":"01M7XVMS2Q0000000000000002","type":"message.exploded","time":"2026-11-20T10:00:00.000Z","extra":true,"data":{}}',
  ]
  appendFileSync(join(root, 'default', `${session.id}.jsonl`), `${strange.join('\n')}\n`)
  const lines = (await logOf(root, session)).trimEnd().split('\n')
  for (const line of strange) expect(lines).toContain(line)
  expect(lines).toHaveLength(4)
})

test('a session that is not there is refused', async () => {
  const backend = fileBackend(freshFolder())
  await expect(whole(exportLog(backend, { namespace: 'default', sessionId: 'nobody' }))).rejects.toMatchObject({
    code: 'NOT_FOUND',
  })
  await backend.close()
})

test('of a session that was deleted in a shared root nothing is left to export', async () => {
  const root = freshFolder()
  const store = await open(root, { shared: true })
  const session = await store.create()
  await store.delete(session.id)
  await expect(logOf(root, session)).rejects.toMatchObject({ code: 'NOT_FOUND' })
})
