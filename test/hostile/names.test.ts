/**
 * Ids and namespaces that want out of the root, collide, or mean something to a disk.
 */
import { appendFileSync, lstatSync, mkdirSync, readdirSync, writeFileSync } from 'node:fs'
import { join, relative } from 'node:path'
import { expect, test } from 'vitest'
import { anew, open, temp } from '../support/temp.ts'

const HOSTILE: readonly string[] = [
  '../x',
  '../../../../tmp/x',
  '..',
  '.',
  '/etc/passwd',
  'C:\\x',
  'a:b',
  'a/b',
  '\\\\server\\share',
  'CON',
  'con',
  'nul.txt',
  'com1',
  'lpt9.jsonl',
  'nul\0byte',
  'line\nfeed',
  'trailing dot.',
  '.hidden',
  '.cache',
  '.live',
  'files',
  '-rf',
  '~',
  '$(id)',
  '%2e%2e%2f',
  '😀 emoji',
  'x.01M7XVMR0GBR6T8XW8V4ECY7XQ',
  '__proto__',
  'constructor',
  'toString',
]
/** Different names that a disk may take for the same. */
const ALIKE: readonly string[] = [
  'Case',
  'case',
  'CASE',
  '01M7XVMR0GBR6T8XW8V4ECY7XQ',
  '01m7xvmr0gbr6t8xw8v4ecy7xq',
  'caf\u00E9',
  'cafe\u0301',
  'K',
  '\u212A',
  'k',
  'ß',
  'ss',
  'a.b',
  'a%2Eb',
]
const REFUSED: readonly string[] = ['x'.repeat(10_240), 'é'.repeat(40), 'lone \uD800 surrogate']

/** Every path below a directory, relative to it. */
function walk(directory: string, top = directory): string[] {
  return readdirSync(directory, { withFileTypes: true }).flatMap((entry) => {
    const path = join(directory, entry.name)
    return entry.isDirectory() ? [relative(top, path), ...walk(path, top)] : [relative(top, path)]
  })
}

test('row 50, row 51: any session id is one file in its namespace, and a listing gives it back', async () => {
  const outside = temp()
  const root = join(outside, 'a', 'b', 'root')
  const { store } = await open(root)
  const before = readdirSync('/tmp').includes('x')
  for (const id of HOSTILE) {
    const session = await store.create({ id })
    expect(session.id).toBe(id)
    await session.add({ text: id.replaceAll('\0', 'NUL') })
  }
  expect(readdirSync('/tmp').includes('x')).toBe(before)
  const paths = walk(outside)
  const logs = paths.filter((path) => path.endsWith('.jsonl'))
  expect(logs).toHaveLength(HOSTILE.length)
  for (const path of logs) expect(path).toMatch(/^a\/b\/root\/default\/[a-z0-9_\-@+~%A-F]+\.jsonl$/)
  expect(paths.filter((path) => !path.startsWith('a/b/root/default/')).sort()).toEqual(
    ['a', 'a/b', 'a/b/root', 'a/b/root/.gitattributes', 'a/b/root/.gitignore', 'a/b/root/default'].sort(),
  )

  const { store: later } = await open(root)
  const { items } = await later.list({ limit: 1000 })
  expect(items.map(({ id }) => id).sort()).toEqual([...HOSTILE].sort())
  for (const id of HOSTILE) expect((await anew(root, id)).messages).toHaveLength(1)
  for (const id of HOSTILE) expect(await later.delete(id)).toBe(true)
  expect(walk(outside).filter((path) => path.endsWith('.jsonl') && !path.includes('.cache'))).toEqual([])
})

test('row 50, row 51: any namespace is one directory in the root, and namespaces() gives it back', async () => {
  const outside = temp()
  const root = join(outside, 'root')
  const { store } = await open(root)
  for (const name of HOSTILE) await store.namespace(name).create({ id: 's', title: 'here' })
  expect(readdirSync(outside)).toEqual(['root'])
  expect(readdirSync(root).filter((name) => !name.startsWith('.git'))).toHaveLength(HOSTILE.length)
  expect(await store.namespaces()).toEqual([...HOSTILE].sort())
  for (const name of HOSTILE) {
    const { items } = await store.namespace(name).list()
    expect(items.map(({ namespace, id }) => [namespace, id])).toEqual([[name, 's']])
  }
})

test('row 52: names that a disk may take for the same are different sessions with names that no disk confuses', async () => {
  const root = temp()
  const { store } = await open(root)
  for (const id of ALIKE) await store.create({ id, title: `title of ${id}` })
  const files = readdirSync(join(root, 'default')).filter((name) => name.endsWith('.jsonl'))
  const folded = files.map((name) => name.normalize('NFKC').toLowerCase())
  expect(new Set(folded).size).toBe(ALIKE.length)
  for (const id of ALIKE) expect((await anew(root, id)).info.title).toBe(`title of ${id}`)
  const { store: later } = await open(root)
  expect((await later.list({ limit: 100 })).items.map(({ id }) => id).sort()).toEqual([...ALIKE].sort())
})

test('row 50: a name that cannot be a file name is refused everywhere, and nothing is written', async () => {
  const root = temp()
  const { store } = await open(root)
  for (const name of REFUSED) {
    const calls = [
      () => store.create({ id: name }),
      () => store.get(name),
      () => store.ensure(name),
      () => store.delete(name),
      () => store.fork(name),
      () => store.merge(name, []),
      async () => store.namespace(name),
      () => open(root, { namespace: name }),
    ]
    for (const call of calls) await expect(call()).rejects.toMatchObject({ code: 'INVALID_NAME' })
  }
  expect(readdirSync(root)).toEqual([])
})

test('a blank id is none: create makes one up, everything else refuses', async () => {
  const { store } = await open(temp())
  for (const blank of ['', ' ', '\t\n']) {
    expect((await store.create({ id: blank })).id).toMatch(/^[0-9A-Z]{26}$/)
    await expect(store.get(blank)).rejects.toMatchObject({ code: 'INVALID_NAME' })
    await expect(store.delete(blank)).rejects.toMatchObject({ code: 'INVALID_NAME' })
  }
  const trimmed = await store.create({ id: '  padded\n' })
  expect(trimmed.id).toBe('padded')
  expect((await store.get('padded '))?.id).toBe('padded')
})

test('files that foldlog did not name are no sessions', async () => {
  const root = temp()
  const { store } = await open(root)
  await store.create({ id: 'real' })
  const directory = join(root, 'default')
  const foreign = ['Upper.jsonl', 'a b.jsonl', '.jsonl', '%zz.jsonl', '%61.jsonl', 'a.b.jsonl', 'con.jsonl', 'x.json']
  for (const name of foreign) writeFileSync(join(directory, name), '{}\n')
  mkdirSync(join(root, 'Not A Namespace'))
  const { store: later } = await open(root)
  expect((await later.list()).items.map(({ id }) => id)).toEqual(['real'])
  expect(await later.namespaces()).toEqual(['default'])
  for (const name of foreign) expect(lstatSync(join(directory, name)).size).toBe(3)
})

test('row 47: sessions, messages, parts, keys and vars may be named like the members of objects', async () => {
  const root = temp()
  const { store } = await open(root)
  const names = ['__proto__', 'constructor', 'toString', 'hasOwnProperty', 'prototype', 'valueOf']
  const session = await store.create({ id: '__proto__' })
  for (const name of names) {
    await session.add({ id: name, text: name, turnId: `turn-${name}` }, { key: name })
    await session.part(name, { id: name, type: 'text', text: `part ${name}` })
  }
  const vars = JSON.parse(`{${names.map((name) => `"${name}":{"polluted":"${name}"}`).join(',')}}`) as object
  await session.set({ vars: vars as never, metadata: vars as never })
  for (const info of [session.info, (await anew(root, '__proto__')).info]) {
    for (const name of names) {
      expect(Object.hasOwn(info.vars, name)).toBe(true)
      expect(JSON.stringify(info.vars[name])).toBe(`{"polluted":"${name}"}`)
      expect(Object.hasOwn(info.metadata, name)).toBe(true)
    }
    expect(Object.keys(info.vars).sort()).toEqual([...names].sort())
  }
  expect(({} as { polluted?: string }).polluted).toBeUndefined()
  const { messages } = await anew(root, '__proto__')
  expect(messages.map(({ id }) => id)).toEqual(names)
  expect(messages.map(({ parts }) => parts.map(({ id }) => id))).toEqual(names.map((name) => ['p1', name]))
  // A key that was used is found again, one that was not is not.
  expect((await session.add({ text: 'again' }, { key: 'constructor' })).id).toBe('constructor')
  expect((await session.add({ id: 'new', text: 'new' }, { key: 'isPrototypeOf' })).id).toBe('new')
})

function line(id: string, type: string, data: string): string {
  return `{"v":1,"id":"${id}","type":"${type}","time":"2026-11-20T10:00:00.123Z","__proto__":{"type":"x"},"data":${data}}\n`
}

test('row 47: keys named like the members of objects in a log that somebody wrote are data, too', async () => {
  const root = temp()
  const { store } = await open(root)
  const session = await store.create({ id: 's' })
  appendFileSync(
    join(root, 'default', 's.jsonl'),
    line('01M7XVMR0GBR6T8XW8V4ECY7XQ', 'session.updated', '{"__proto__":{"title":"x"},"vars":{"__proto__":{"a":1}}}') +
      line(
        '01M7XVMR0GBR6T8XW8V4ECY7XR',
        'note.added',
        '{"__proto__":{"polluted":true},"constructor":{"prototype":{}}}',
      ),
  )
  await session.messages()
  expect(session.info.title).toBeUndefined()
  expect(JSON.stringify(session.info.vars)).toBe('{"__proto__":{"a":1}}')
  const { events } = await anew(root, 's')
  const note = events.find(({ type }) => type === 'note.added')!
  expect(JSON.stringify(note.data)).toBe('{"__proto__":{"polluted":true},"constructor":{"prototype":{}}}')
  expect(({} as { polluted?: string }).polluted).toBeUndefined()
})
