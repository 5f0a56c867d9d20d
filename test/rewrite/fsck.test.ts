/**
 * fsck: what it says of a log, in the library and on the command line.
 */
import { appendFileSync, readFileSync, writeFileSync } from 'node:fs'
import { expect, test } from 'vitest'
import type { LogReport } from '../../src/fsck.ts'
import type { Store } from '../../src/store.ts'
import { newId } from '../../src/id.ts'
import { run } from '../cli/run.ts'
import { logPath, open, temp } from '../support/temp.ts'

async function report(store: Store, id: string): Promise<LogReport> {
  for await (const found of store.fsck(id)) return found
  throw new Error('no report')
}

async function said(id: string): Promise<{ root: string; store: Store; path: string }> {
  const root = temp()
  const { store } = await open(root)
  const session = await store.create({ id, title: 'One' })
  await session.add({ text: 'hello' })
  return { root, store, path: logPath(root, id) }
}

test('a log in order has nothing to report', async () => {
  const { path, store } = await said('one')
  expect(await report(store, 'one')).toEqual({
    namespace: 'default',
    sessionId: 'one',
    sizeBytes: readFileSync(path).length,
    lineCount: 2,
    damage: [],
    findings: [],
    duplicateCount: 0,
    untidyCount: 0,
    leftovers: [],
  })
})

test('rows 3, 9, 38, 44, g3: each kind of damage is told by file, line and byte', async () => {
  const { path, store } = await said('one')
  const start = readFileSync(path).length
  const whole = `{"v":1,"id":"${newId()}","type":"todo.added","time":"2026-11-20T10:00:00.123Z","data":{}}`
  const pieces: [kind: string, bytes: Buffer][] = [
    ['torn', Buffer.from('{"v":1,"id":"01M7XVMS2QZ4YJ8N6T5K3B9WCD","type":"mess')],
    ['nul', Buffer.alloc(20)],
    ['not-utf8', Buffer.from([0x7b, 0xff, 0xfe, 0x7d])],
    ['conflict-marker', Buffer.from('<<<<<<< HEAD')],
    ['not-json', Buffer.from('hello')],
    ['not-event', Buffer.from('[1,2]')],
    ['bad-id', Buffer.from('{"v":1,"id":"x","type":"a.b","data":1}')],
  ]
  const LF = Buffer.from('\n')
  for (const [, bytes] of pieces) appendFileSync(path, Buffer.concat([bytes, LF]))
  appendFileSync(path, `{"v":1,"torn${whole}\n`)
  const { damage, lineCount } = await report(store, 'one')
  let offset = start
  const expected = pieces.map(([kind, bytes], index) => {
    const at = { kind, file: 'one.jsonl', line: index + 3, offset, sizeBytes: bytes.length }
    offset += bytes.length + 1
    return at
  })
  expect(damage.slice(0, -1)).toMatchObject(expected)
  expect(damage.at(-1)).toMatchObject({ kind: 'torn', line: pieces.length + 3, offset, sizeBytes: 12 })
  expect(damage[4]!.excerpt).toBe('hello')
  expect(lineCount).toBe(3)
})

test('rows 24, 25, 27, 41: repetitions, one id with two contents, clocks ahead and bytes around lines are told apart', async () => {
  const { path, store } = await said('one')
  const lines = readFileSync(path, 'utf8').trimEnd().split('\n')
  const ahead = lines[1]!.replace(/"id":"\w{4}/, '"id":"02XX')
  const other = lines[1]!.replace('hello', 'HELLO')
  writeFileSync(path, [...lines, lines[0], ahead, other, `${ahead}\r`, ''].join('\n'))
  const { findings, duplicateCount, untidyCount, damage } = await report(store, 'one')
  expect(damage).toEqual([])
  expect(findings.map(({ kind }) => kind)).toEqual(['clock-skew', 'clock-skew', 'same-id'])
  expect(duplicateCount).toBe(2)
  expect(untidyCount).toBe(1)
})

test('row 44: what this version does not know is told, and is not damage', async () => {
  const { path, store } = await said('one')
  const line = (v: number, type: string): string => `{"v":${v},"id":"${newId()}","type":"${type}","data":{}}\n`
  appendFileSync(path, line(2, 'todo.added') + line(1, 'message.folded') + line(1, 'message.created') + line(1, 'a.b'))
  const { findings, damage } = await report(store, 'one')
  expect(damage).toEqual([])
  expect(findings.map(({ kind, detail }) => [kind, detail])).toEqual([
    ['unsupported', 'version 2'],
    ['unsupported', 'type message.folded'],
    ['unsupported', 'data of message.created'],
  ])
})

test('the command tells damage on stdout, ends with 3, and names only logs that have something', async () => {
  const { path, root, store } = await said('one')
  await store.create({ id: 'two' })
  expect(await run(['fsck', '--root', root])).toMatchObject({ code: 0, stdout: '' })
  const size = readFileSync(path).length
  appendFileSync(path, 'hello\n')
  const { code, stdout, stderr } = await run(['fsck', '--root', root])
  expect(stdout).toBe(`default/one\n  one.jsonl:3 byte ${size}: not-json, 5 bytes: hello\n`)
  expect(stderr).toMatch(/^2 logs, .*: 1 damaged\n$/)
  expect(code).toBe(3)
  expect(await run(['fsck', 'two', '--root', root])).toMatchObject({ code: 0 })
  const json = await run(['fsck', '--json', '--root', root])
  expect(json.code).toBe(3)
  const [one, two] = json.stdout
    .trimEnd()
    .split('\n')
    .map((text) => JSON.parse(text) as LogReport)
  expect(one!.damage).toEqual([
    { kind: 'not-json', file: 'one.jsonl', line: 3, offset: size, sizeBytes: 5, excerpt: 'hello' },
  ])
  expect(two!.damage).toEqual([])
})
