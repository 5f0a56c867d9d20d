/**
 * The rows g2–g5, g9, g10 and g12 of the acceptance table: where union is not in force, what else lies in logs, and many sessions.
 */
import { rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { objectionsTo } from '../../src/git/staged.ts'
import { run } from '../cli/run.ts'
import { PATIENT, rounds } from '../support/rounds.ts'
import { anew, idsOf, open } from '../support/temp.ts'
import { created, idOf, message, messages, Repository } from './repository.ts'
import { ENVIRONMENT } from '../support/git.ts'

const SEGMENTS = ['01M7XVMS2Q0000000000000001', '01M7XVMS2Q0000000000000002']

function branches(onMain: (on: Repository) => void, onOther: (on: Repository) => void, base = created() + messages(1)) {
  const repository = Repository.fresh()
  repository.write('s.jsonl', base)
  repository.commit('base')
  repository.git('checkout', '--quiet', '-b', 'other')
  onOther(repository)
  repository.commit('other')
  repository.git('checkout', '--quiet', 'main')
  onMain(repository)
  repository.commit('main')
  return repository
}

/** A bare clone, in which nobody looks at attributes: what hosting services do. */
function bareMerge(repository: Repository): { readonly code: number; readonly out: string; readonly bare: Repository } {
  repository.git('clone', '--quiet', '--bare', '.', 'hosted.git')
  const bare = new Repository(join(repository.tree, 'hosted.git'))
  return { ...bare.try('merge-tree', '--write-tree', 'main', 'other'), bare }
}

test('g2: a merge in a bare repository is clean where every writer has a segment of its own', async () => {
  const repository = branches(
    (on) => on.write(`s.${SEGMENTS[0]}.jsonl`, messages(2, 4)),
    (on) => on.write(`s.${SEGMENTS[1]}.jsonl`, messages(3, 5)),
  )
  const { code, out, bare } = bareMerge(repository)
  expect(code, out).toBe(0)
  const commit = bare.git('commit-tree', out.trim(), '-p', 'main', '-p', 'other', '-m', 'merged').trim()
  bare.git('update-ref', 'refs/heads/main', commit)
  repository.git('pull', '--quiet', '--ff-only', 'hosted.git', 'main')
  const { messages: seen, damage } = await anew(repository.root, 's')
  expect(idsOf(seen)).toEqual(['m1', 'm2', 'm3', 'm4', 'm5'])
  expect(damage).toEqual([])
})

test('g2: in one file it is a conflict there, and the merge of a work tree resolves it', async () => {
  const repository = branches(
    (on) => on.append('s.jsonl', message(2)),
    (on) => on.append('s.jsonl', message(3)),
  )
  const { code, out, bare } = bareMerge(repository)
  expect(code).toBe(1)
  expect(out).toContain('CONFLICT (content)')
  repository.git('merge', '--quiet', '--no-edit', 'other')
  repository.git('push', '--quiet', 'hosted.git', 'main')
  expect(bare.try('merge-tree', '--write-tree', 'main', 'other').code).toBe(0)
  expect(idsOf((await anew(repository.root, 's')).messages)).toEqual(['m1', 'm2', 'm3'])
})

test('g3: conflict markers that were committed are reported, and the events of both sides count', async () => {
  const repository = Repository.fresh()
  const text = `${created()}${message(1)}<<<<<<< HEAD\n${message(2)}||||||| base\n=======\n${message(3)}>>>>>>> other\n`
  repository.write('s.jsonl', text)
  repository.commit('with markers')
  const { messages: seen, damage, info } = await anew(repository.root, 's')
  expect(idsOf(seen)).toEqual(['m1', 'm2', 'm3'])
  expect(damage.map(({ kind, line }) => [kind, line])).toEqual([3, 5, 6, 8].map((line) => ['conflict-marker', line]))
  expect(info.damage).toBe(4)
  const { store } = await open(repository.root)
  await (await store.get('s'))!.add({ id: 'm4', text: 'goes on' })
  expect(idsOf((await anew(repository.root, 's')).messages)).toEqual(['m1', 'm2', 'm3', 'm4'])
})

test('g4: a file that an editor saved with CRLF merges to the same lines, and every clone has the same bytes', async () => {
  const repository = branches(
    (on) => on.write('s.jsonl', (created() + messages(1, 2)).replaceAll('\n', '\r\n')),
    (on) => on.append('s.jsonl', message(3)),
  )
  repository.git('merge', '--quiet', '--no-edit', 'other')
  expect(repository.read('s.jsonl')).toBe(created() + messages(1, 2, 3))
  repository.git('clone', '--quiet', '--config', 'core.autocrlf=true', '.', 'windows')
  const clone = new Repository(join(repository.tree, 'windows'))
  expect(clone.read('s.jsonl')).toBe(repository.read('s.jsonl'))
  expect((await anew(clone.root, 's')).damage).toEqual([])
})

test('g4: NULs make git take a log for a binary file; what is checked before a commit finds them first', async () => {
  const nul = '\0'.repeat(20)
  const repository = branches(
    (on) => on.append('s.jsonl', nul + message(2)),
    (on) => on.append('s.jsonl', message(3)),
  )
  expect(repository.try('merge', '--no-edit', 'other').out).toContain('Cannot merge binary files')
  repository.git('merge', '--abort')
  // Without them it merges, and nothing that was read before is missing.
  expect(idsOf((await anew(repository.root, 's')).messages)).toEqual(['m1', 'm2'])
  repository.append('s.jsonl', nul + message(4))
  repository.git('add', '--all')
  const objections = await objectionsTo(repository.tree, ['.sessions'])
  expect(objections).toEqual([expect.objectContaining({ path: '.sessions/default/s.jsonl', line: 4, kind: 'damage' })])
  repository.write('s.jsonl', repository.read('s.jsonl').replaceAll('\0', ''))
  repository.commit('clean')
  repository.git('merge', '--quiet', '--no-edit', 'other')
  expect(idsOf((await anew(repository.root, 's')).messages)).toEqual(['m1', 'm2', 'm3', 'm4'])
})

test('g5: a session that was deleted by a tombstone stays deleted whatever others have appended', async () => {
  const deleted = `{"v":1,"id":"${idOf(9)}","type":"session.deleted","time":"2026-11-20T00:00:00.009Z","data":{}}\n`
  const repository = branches(
    (on) => on.write('s.jsonl', deleted),
    (on) => on.append('s.jsonl', messages(2, 12)),
  )
  repository.git('merge', '--quiet', '--no-edit', 'other')
  const { store } = await open(repository.root)
  expect(await store.get('s')).toBeUndefined()
  expect((await store.list()).items).toEqual([])
})

test('g9: guarded appends of both sides are both kept, and every clone sees the same head', async () => {
  const base = created() + message(1)
  const at = Buffer.byteLength(base)
  /** A guarded line of a message, and the line that says that it was first. */
  const guarded = (n: number): string => {
    const guard = `"if":{"at":${at},"after":"${idOf(1)}"},"data":`
    const kept = { v: 1, id: idOf(n + 1), type: 'log.kept', time: '2026-11-20T00:00:00.000Z', data: { of: idOf(n) } }
    return `${message(n).replace('"data":', guard)}${JSON.stringify(kept)}\n`
  }
  const sides = [guarded(10), guarded(20)] as const
  const seen: (readonly string[])[] = []
  for (const [ours, theirs] of [sides, [sides[1], sides[0]]] as const) {
    const repository = branches(
      (on) => on.append('s.jsonl', ours),
      (on) => on.append('s.jsonl', theirs),
      base,
    )
    repository.git('merge', '--quiet', '--no-edit', 'other')
    const { messages: both, damage } = await anew(repository.root, 's')
    expect(damage).toEqual([])
    seen.push(idsOf(both))
  }
  expect(seen[0]).toEqual(['m1', 'm10', 'm20'])
  expect(seen[1]).toEqual(seen[0])
})

test('g10: a stale index.lock stops git and nothing else, and what was appended meanwhile is committed later', async () => {
  const repository = Repository.fresh()
  const { store } = await open(repository.root)
  const session = await store.create({ id: 's' })
  repository.commit('base')
  const lock = join(repository.tree, '.git/index.lock')
  writeFileSync(lock, '')
  await session.add({ id: 'a', text: 'a' })
  expect(repository.try('commit', '--all', '--message=x').out).toContain('index.lock')
  for (const words of [['restore'], ['git', 'install'], ['git', 'pre-commit']]) {
    const { code, stderr } = await run(words, { cwd: repository.tree, env: ENVIRONMENT })
    expect(code, stderr).toBe(0)
  }
  rmSync(lock)
  repository.commit('later')
  expect(repository.git('show', `HEAD:${repository.path('s.jsonl')}`)).toContain('"id":"a"')
  expect(idsOf((await anew(repository.root, 's')).messages)).toEqual(['a'])
})

test(
  'g12: many sessions lie flat in their namespace; a turn is one changed file, and branches merge',
  PATIENT,
  async () => {
    const count = rounds(10_000)
    const repository = Repository.fresh()
    const name = (n: number): string => idOf(n * 1000)
    for (let n = 0; n < count; n++) repository.write(`${name(n)}.jsonl`, created() + message(1))
    repository.commit('all')
    const { store } = await open(repository.root)
    expect(repository.git('ls-files', '.sessions/default').split('\n')).toHaveLength(count + 1)
    repository.git('checkout', '--quiet', '-b', 'other')
    await (await store.get(name(1)))!.add({ id: 'other', text: 'other' })
    await store.create({ id: 'born' })
    repository.commit('a turn')
    expect(repository.git('show', '--stat', '--format=', 'HEAD')).toContain('2 files changed, 2 insertions(+)')
    repository.git('checkout', '--quiet', 'main')
    await (await store.get(name(1)))!.add({ id: 'main', text: 'main' })
    repository.commit('a turn')
    repository.git('merge', '--quiet', '--no-edit', 'other')
    const ids: string[] = []
    for await (const { id } of store.list()) ids.push(id)
    expect(new Set(ids).size).toBe(count + 1)
    expect(idsOf(await (await store.get(name(1)))!.messages())).toEqual(['m1', 'other', 'main'])
  },
)
