/**
 * repair: what is taken out, what stays, and what is said.
 */
import { appendFileSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { memoryBackend } from '../../src/backends/memory.ts'
import { isFoldlogError } from '../../src/errors.ts'
import { newId } from '../../src/id.ts'
import type { Session } from '../../src/session.ts'
import { run } from '../cli/run.ts'
import { anew, logPath, open, temp } from '../support/temp.ts'

async function said(root: string): Promise<{ session: Session; path: string }> {
  const { store } = await open(root)
  const session = await store.create({ id: 'one', title: 'One' })
  await session.add({ text: 'hello' })
  return { session, path: logPath(root, 'one') }
}

function line(): string {
  return `{"v":1,"id":"${newId()}","type":"todo.added","time":"2026-11-20T10:00:00.123Z","data":{"a":1}}`
}

test('rows 3, 8, 9, 38, 41, g3, g4: damage goes to the quarantine byte for byte, and all events stay', async () => {
  const root = temp()
  const { path, session } = await said(root)
  const before = readFileSync(path)
  const [glued, padded, marked, crlf, second] = [line(), line(), line(), line(), line()]
  const damaged = [Buffer.from('{"v":1,"torn'), Buffer.alloc(9), Buffer.from([0x7b, 0xff]), Buffer.from('<<<<<<< HEAD')]
  appendFileSync(path, Buffer.concat([damaged[0]!, Buffer.from(`${glued}\n`)]))
  for (const bytes of damaged.slice(1)) appendFileSync(path, Buffer.concat([bytes, Buffer.from('\n')]))
  appendFileSync(path, `\0\0${padded}\0\n\uFEFF${marked}\n${crlf}\r\n\n${second}${line()}\n`)
  const events = (await anew(root, 'one')).events.map(({ id, type, data }) => ({ id, type, data }))
  expect(events).toHaveLength(8)

  const dry = await session.repair({ dryRun: true })
  expect(dry.damage.map(({ kind }) => kind)).toEqual(['torn', 'nul', 'not-utf8', 'conflict-marker'])
  expect(dry).toMatchObject({ untidyCount: 4, leftovers: [] })
  expect('quarantine' in dry).toBe(false)
  expect(readFileSync(path).length).toBeGreaterThan(before.length + 500)

  const { quarantine, ...done } = await session.repair()
  expect(done).toEqual(dry)
  const kept = readFileSync(quarantine!, 'utf8').trimEnd().split('\n')
  expect(kept.map((text) => Buffer.from((JSON.parse(text) as { base64: string }).base64, 'base64'))).toEqual(damaged)
  const after = readFileSync(path, 'utf8')
  expect(after.startsWith(before.toString())).toBe(true)
  expect(after.slice(before.length).split('\n').slice(0, 4)).toEqual([glued, padded, marked, crlf])
  expect(
    after
      .split('\n')
      .slice(0, -1)
      .every((text) => text.startsWith('{"v":1') && text.endsWith('}')),
  ).toBe(true)
  expect((await anew(root, 'one')).events.map(({ id, type, data }) => ({ id, type, data }))).toEqual(events)
  expect(await session.damage()).toEqual([])
  await session.add({ text: 'and on' })
  expect((await anew(root, 'one')).damage).toEqual([])
})

test('a torn end goes with the rest, and one file holds all that was taken out', async () => {
  const root = temp()
  const { path, session } = await said(root)
  const before = readFileSync(path)
  appendFileSync(path, 'rubbish\n{"v":1,"id":"01JNG')
  const { damage, quarantine } = await session.repair()
  expect(damage.map(({ excerpt, kind }) => [kind, excerpt])).toEqual([
    ['not-json', 'rubbish'],
    ['torn', '{"v":1,"id":"01JNG'],
  ])
  const kept = readFileSync(quarantine!, 'utf8').trimEnd().split('\n')
  expect(kept.map((text) => atob((JSON.parse(text) as { base64: string }).base64))).toEqual([
    'rubbish',
    '{"v":1,"id":"01JNG',
  ])
  expect(readFileSync(path)).toEqual(before)
  await session.add({ text: 'and on' })
  expect((await anew(root, 'one')).damage).toEqual([])
  // Alone it may be a line on its way: it stays until something follows it.
  appendFileSync(path, '{"v":1,"id":"01JNG')
  expect((await session.repair()).damage).toEqual([])
  await session.add({ text: 'and on' })
  expect((await session.repair()).damage.map(({ kind }) => kind)).toEqual(['torn'])
  expect((await anew(root, 'one')).damage).toEqual([])
})

test('a log in order is not touched', async () => {
  const root = temp()
  const { path, session } = await said(root)
  const before = readFileSync(path)
  expect(await session.repair()).toEqual({ damage: [], untidyCount: 0, leftovers: [] })
  expect(readFileSync(path)).toEqual(before)
  expect(readdirSync(join(root, 'default', '.cache')).filter((name) => name === 'quarantine')).toEqual([])
})

test('rows 42, 44: what is not ours, and what this version does not know, is not rewritten', async () => {
  const root = temp()
  const { path, session } = await said(root)
  appendFileSync(path, `rubbish\n${line().replace('"v":1', '"v":2')}\n`)
  const bytes = readFileSync(path)
  for (const dryRun of [true, false]) {
    const error = await session.repair({ dryRun }).catch((reason: unknown) => reason)
    expect(isFoldlogError(error, 'UNSUPPORTED')).toBe(true)
  }
  expect(readFileSync(path)).toEqual(bytes)
  writeFileSync(path, 'just\nsome text\n')
  expect(isFoldlogError(await session.repair().catch((reason: unknown) => reason), 'NOT_A_LOG')).toBe(true)
  expect(readFileSync(path, 'utf8')).toBe('just\nsome text\n')
})

test('a guarded line that won needs its guard no more, one that lost goes', async () => {
  const root = temp()
  const { path, session } = await said(root)
  const after = (JSON.parse(readFileSync(path, 'utf8').trimEnd().split('\n').at(-1)!) as { id: string }).id
  const guarded = (text: string): string => {
    const at = readFileSync(path).length
    return text.replace(',"data"', `,"if":{"at":${at},"after":"${after}"},"data"`)
  }
  const [won, lost] = [line(), line()]
  const both = `${guarded(won)}\n${guarded(lost)}\nrubbish\n`
  appendFileSync(path, both)
  await session.repair()
  expect(readFileSync(path, 'utf8').trimEnd().split('\n').slice(2)).toEqual([won])
})

test('a session that is deleted while it is repaired stays deleted', async () => {
  const root = temp()
  const { path, session } = await said(root)
  const { store } = await open(root)
  appendFileSync(path, 'rubbish\n')
  const repairing = session.repair().catch((reason: unknown) => reason)
  expect(await store.delete('one')).toBe(true)
  await repairing
  expect(await store.get('one')).toBeUndefined()
  expect(readdirSync(join(root, 'default')).filter((name) => name.includes('one'))).toEqual([])
})

test('of two rewrites at once one is told that the session is busy, and a third can follow', async () => {
  const root = temp()
  const { path, session } = await said(root)
  appendFileSync(path, 'rubbish\n')
  const results = await Promise.allSettled([session.repair(), session.repair()])
  const [failed, ...more] = results.filter((result) => result.status === 'rejected')
  expect(more).toEqual([])
  expect(isFoldlogError(failed?.reason, 'SESSION_BUSY') && failed.reason.retriable).toBe(true)
  appendFileSync(path, 'rubbish\n')
  expect((await session.repair()).damage).toHaveLength(1)
})

test('the memory backend can do it too', async () => {
  const { store } = await open(memoryBackend())
  const session = await store.create()
  await session.add({ text: 'hello' })
  expect(await session.repair()).toEqual({ damage: [], untidyCount: 0, leftovers: [] })
})

test('the command says what it would do, and does it with --yes', async () => {
  const root = temp()
  const { path } = await said(root)
  appendFileSync(path, 'rubbish\n')
  const dry = await run(['repair', 'one', '--root', root])
  expect(dry).toMatchObject({
    code: 3,
    stdout: expect.stringMatching(/^one\.jsonl:3 byte \d+: not-json, 7 bytes: rubbish\n$/),
  })
  expect(dry.stderr).toContain(`nothing was changed, to repair it:\n  foldlog repair one --yes --root ${root}`)
  expect(readFileSync(path, 'utf8')).toContain('rubbish')
  const done = await run(['repair', 'one', '--yes', '--root', root])
  expect(done.code).toBe(0)
  expect(done.stderr).toMatch(/the damaged bytes are in .*quarantine/)
  expect(readFileSync(path, 'utf8')).not.toContain('rubbish')
  expect((await run(['fsck', '--root', root])).code).toBe(0)
})

test('what holds no event is not repaired, with what to run instead', async () => {
  const root = temp()
  const { path } = await said(root)
  for (const text of ['', 'rubbish\n', '{"v":1,"id":"01']) {
    writeFileSync(path, text)
    for (const args of [
      ['repair', 'one'],
      ['repair', 'one', '--yes'],
      ['pack', 'one'],
    ]) {
      const { code, stderr } = await run([...args, '--root', root])
      expect(stderr).toContain(
        `holds no event: it is not rewritten\n  foldlog cat one --root ${root}\n  foldlog rm one`,
      )
      expect(code).toBe(1)
    }
    expect(readFileSync(path, 'utf8')).toBe(text)
  }
})
