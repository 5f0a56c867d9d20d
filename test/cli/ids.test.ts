import { rename, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import * as fc from 'fast-check'
import { expect, test } from 'vitest'
import { shortener } from '../../src/cli/root.ts'
import { rounds } from '../support/rounds.ts'
import { newId } from '../../src/id.ts'
import { fileOf, freshStore, later, run, temp } from './run.ts'

test('an id may be given by a prefix in upper or lower case', async () => {
  const { root, store } = await freshStore()
  await store.create({ id: 'Refund-4411', title: 'The refund' })
  await store.create({ id: 'invoice-7' })
  for (const name of ['Refund-4411', 'refund-4411', 'REF', 'r']) {
    const { code, stdout } = await run(['show', name, '--json', '--root', root])
    expect(code).toBe(0)
    expect(stdout).toContain('"title":"The refund"')
  }
})

test('an exact id wins over longer ones that begin with it', async () => {
  const { root, store } = await freshStore()
  await store.create({ id: 'a', title: 'Exact' })
  await store.create({ id: 'ab', title: 'Longer' })
  expect((await run(['show', 'a', '--root', root])).stdout).toContain('Exact')
})

test('a prefix of several sessions is a usage failure that lists them as commands', async () => {
  const { root, store } = await freshStore()
  await store.create({ id: 'refund-1' })
  await store.namespace('claims').create({ id: 'refund-2' })
  const { code, stdout, stderr } = await run(['show', 'refund', '--root', root])
  expect({ code, stdout }).toEqual({ code: 2, stdout: '' })
  expect(stderr).toBe(
    `foldlog: refund could be 2 sessions:\n` +
      `  foldlog show refund-2 -n claims --root ${root}\n  foldlog show refund-1 -n default --root ${root}\n`,
  )
  expect((await run(['path', 'refund', '-n', 'claims', '--root', root])).stdout).toContain('/claims/refund-2.jsonl')
})

test('what is offered instead of an ambiguous name keeps the options, except --yes', async () => {
  const { root, store } = await freshStore()
  await store.create({ id: 'refund-1', archived: true })
  await store.create({ id: 'refund-2', parent: { sessionId: 'refund-1' } })
  const first = async (...args: string[]): Promise<string | undefined> =>
    (await run(['--root', root, ...args])).stderr.split('\n')[1]?.trim()
  const end = `-n default --root ${root}`
  expect(await first('archive', 'refund', '--undo')).toBe(`foldlog archive refund-1 --undo ${end}`)
  expect(await first('ls', '--parent', 'refund')).toBe(`foldlog ls --parent refund-1 ${end}`)
  expect(await first('redact', 'refund', '--text=-x y', '--yes')).toBe(`foldlog redact refund-1 '--text=-x y' ${end}`)
  expect(await first('rm', 'refund', '--yes')).toBe(`foldlog rm refund-1 ${end}`)
  expect(await first('head', 'refund', '--', '-m')).toBe(`foldlog head ${end} -- refund-1 -m`)
})

test('the same id in two namespaces is ambiguous until one is named', async () => {
  const { root, store } = await freshStore()
  await store.create({ id: 'x', title: 'First' })
  await store.namespace('claims').create({ id: 'x', title: 'Second' })
  expect(await run(['show', 'x', '--root', root])).toMatchObject({ code: 2, stdout: '' })
  expect((await run(['show', 'x', '-n', 'claims', '--root', root])).stdout).toContain('Second')
})

test('an id that nothing begins with is not found, with a command that lists what there is', async () => {
  const { root, store } = await freshStore()
  await store.create()
  const { code, stdout, stderr } = await run(['log', 'zzz', '--root', root])
  expect({ code, stdout }).toEqual({ code: 1, stdout: '' })
  expect(stderr).toBe(`foldlog: no session in ${root} begins with zzz\n  foldlog ls --all --root ${root}\n`)
})

test('what was most likely meant is named: by a slip in an id, by its end, by a word of the title', async () => {
  const { root, store } = await freshStore()
  await store.create({ id: 'Refund-4411', title: 'Where is the money?' })
  const { id } = await store.create({ title: 'Migrate billing' })
  const hint = async (name: string): Promise<string | undefined> =>
    /did you mean\n {2}foldlog show (\S+) -n default/.exec((await run(['show', name, '--root', root])).stderr)?.[1]
  expect(await hint('refnud')).toBe('Refund-4411')
  expect(await hint('refund-441l')).toBe('Refund-4411')
  expect(await hint(`…${id.slice(-8).toLowerCase()}`)).toBe(id)
  expect(await hint('MONEY')).toBe('Refund-4411')
  expect(await hint('bill')).toBe(id)
  expect(await hint('nothing')).toBeUndefined()
  for (let i = 0; i < 4; i++) await store.create({ id: `note-${i}`, title: 'Billing' })
  expect(await hint('billing')).toBeUndefined()
  expect(await hint('mote-')).toBeUndefined()
})

test('@ is the latest session of all namespaces, @{1} the one before, and no argument is @', async () => {
  const { root, store } = await freshStore()
  const first = await store.create({ title: 'First' })
  await later()
  await store.namespace('claims').create({ title: 'Second' })
  await later()
  await store.create({ title: 'Third' })
  await later()
  await store.create({ title: 'Archived', archived: true })
  await first.add({ text: 'again' })
  const titles = ['', '@', '@{0}', '@{1}', '@{2}'].map(async (name) => {
    const words = name === '' ? [] : [name]
    return (await run(['show', ...words, '--root', root])).stdout.split('\n')[0]
  })
  expect(await Promise.all(titles)).toEqual(['First', 'First', 'First', 'Third', 'Second'])
  const beyond = await run(['show', '@{3}', '--root', root])
  expect(beyond).toMatchObject({ code: 1, stdout: '' })
  expect(beyond.stderr).toContain('there are only 3 sessions')
})

test('@ in a root without sessions is not found', async () => {
  const root = await temp()
  const { code, stderr } = await run(['tail', '--root', root])
  expect(code).toBe(1)
  expect(stderr).toContain('there is no session')
})

test('a path of a log or of a segment is accepted wherever an id is, in any root', async () => {
  const { root, store } = await freshStore()
  const session = await store.create({ id: 'Größe', title: 'By path' })
  await store.close()
  const path = fileOf(root, 'gr%C3%B6%C3%9Fe'.replace('gr', '%47r'))
  expect((await run(['show', path])).stdout).toContain('By path')
  expect((await run(['show', `./${path.split('/').at(-1)}`], { cwd: join(root, 'default') })).stdout).toContain(
    'By path',
  )
  const segment = path.replace('.jsonl', `.${newId()}.jsonl`)
  await rename(path, segment)
  expect(await run(['path', segment])).toEqual({ code: 0, stdout: `${segment}\n`, stderr: '' })
  expect((await run(['show', segment, '--json'])).stdout).toContain(session.id)
})

test('a path that is not there is not found, and one that is no log is a usage failure', async () => {
  const folder = await temp()
  expect(await run(['show', join(folder, 'nope.jsonl')])).toMatchObject({ code: 1, stdout: '' })
  await writeFile(join(folder, 'Not Ours.jsonl'), '')
  const { code, stderr } = await run(['show', join(folder, 'Not Ours.jsonl')])
  expect(code).toBe(2)
  expect(stderr).toContain('is not named as a log is')
})

test('a session whose log says that it was deleted is not found', async () => {
  const { root, store } = await freshStore()
  const { id } = await store.create()
  const line = { v: 1, id: newId(), type: 'session.deleted', time: new Date().toISOString(), data: {} }
  await writeFile(fileOf(root, id), `${JSON.stringify(line)}\n`)
  const { code, stderr } = await run(['show', id, '--root', root])
  expect(code).toBe(1)
  expect(stderr).toContain(`session ${id} was deleted`)
})

test('ids are shown by the shortest beginning of eight characters that is nobody else’s, and chosen ones by 24', () => {
  const random = fc.tuple(fc.constantFrom('01M7WF8', '01M7WF87', '01M7WF87YG'), fc.stringMatching(/^[0-9A-Z]{19}$/))
  const minted = random.map(([start, end]) => (start + end).slice(0, 26))
  const chosen = fc.constantFrom(
    'a',
    'ab',
    'abcdefg',
    'abcdefgh',
    'ABCDEFGH',
    `${'x'.repeat(24)}y`,
    `${'x'.repeat(24)}z`,
  )
  fc.assert(
    fc.property(fc.uniqueArray(fc.oneof(minted, minted, chosen)), (ids) => {
      const short = shortener(ids)
      for (const id of ids) {
        const others = ids.filter((other) => other !== id).map((other) => other.toLowerCase())
        const isClear = (length: number): boolean =>
          !others.some((other) => other.startsWith(id.slice(0, length).toLowerCase()))
        let length = id.length === 26 ? 8 : 24
        while (length < id.length && !isClear(length)) length++
        expect(short(id)).toBe(id.slice(0, length))
      }
    }),
    { numRuns: rounds(1000) },
  )
})
