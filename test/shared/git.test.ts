/**
 * A shared root in git: real merges, with and without the rule that a root's `.gitattributes` has.
 */
import { rmSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { newId } from '../../src/id.ts'
import type { Session } from '../../src/session.ts'
import { PATIENT, rounds } from '../support/rounds.ts'
import { open, temp } from '../support/temp.ts'
import { git } from '../support/git.ts'
import { filesOf, linesOf, shown, sortedTexts } from './copies.ts'

const SHARED = { shared: true } as const

interface Clones {
  readonly one: string
  readonly two: string
}

function rootOf(clone: string): string {
  return join(clone, '.sessions')
}

async function add(clone: string, ...texts: readonly string[]): Promise<void> {
  const { store } = await open(rootOf(clone), SHARED)
  const session = await store.ensure('s')
  for (const text of texts) await session.add({ text })
  await store.close()
}

function commit(clone: string, message: string): void {
  git(clone, 'add', '--all')
  git(clone, 'commit', '--quiet', `--message=${message}`)
}

/** Two clones with a session `s` in common. Without `hasRule` nothing says how logs are merged, as on hosting services. */
async function clones(hasRule: boolean): Promise<Clones> {
  const [one, two] = [temp(), temp()]
  git(one, 'init', '--quiet', '--initial-branch=main')
  await add(one, 'common')
  if (!hasRule) rmSync(join(rootOf(one), '.gitattributes'))
  commit(one, 'common')
  git(two, 'clone', '--quiet', one, '.')
  return { one, two }
}

function pull(into: string, from: string): void {
  git(into, 'pull', '--quiet', '--no-rebase', '--no-edit', from, 'main')
}

test(
  'g2: where no rule is in force, a bare merge of two clones is clean and has the lines of both',
  PATIENT,
  async () => {
    const { one, two } = await clones(false)
    const texts = ['common']
    for (let round = 0; round < rounds(20); round++) {
      for (const clone of [one, two]) {
        const text = `${round} ${clone === one ? 'one' : 'two'}`
        texts.push(text)
        await add(clone, text, `${text} again`)
        texts.push(`${text} again`)
        commit(clone, text)
      }
      // As a hosting service merges: in a bare repository, with no work tree and no attributes.
      const bare = temp()
      git(bare, 'clone', '--quiet', '--bare', one, '.')
      git(bare, 'fetch', '--quiet', two, 'main:theirs')
      const tree = git(bare, 'merge-tree', '--write-tree', 'main', 'theirs').trim()
      const merged = git(bare, 'commit-tree', tree, '-p', 'main', '-p', 'theirs', '-m', 'merge').trim()
      git(bare, 'update-ref', 'refs/heads/main', merged)
      for (const clone of [one, two]) {
        git(clone, 'fetch', '--quiet', bare, 'main')
        git(clone, 'merge', '--quiet', '--ff-only', 'FETCH_HEAD')
      }
    }
    const [first, second] = [await shown(rootOf(one), 's'), await shown(rootOf(two), 's')]
    expect(second).toEqual(first)
    expect(sortedTexts(first!.messages)).toEqual(texts.sort())
  },
)

test('g2: sessions that both clones created, of one id or of several, merge without a rule', async () => {
  const { one, two } = await clones(false)
  for (const clone of [one, two]) {
    const { store } = await open(rootOf(clone), SHARED)
    for (const id of ['both', `only ${newId()}`])
      await (await store.ensure(id)).add({ text: clone === one ? 'one' : 'two' })
    await store.close()
    commit(clone, 'create')
  }
  pull(one, two)
  pull(two, one)
  const [first, second] = [await shown(rootOf(one), 'both'), await shown(rootOf(two), 'both')]
  expect(second).toEqual(first)
  expect(sortedTexts(first!.messages)).toEqual(['one', 'two'])
})

test('g2: a run that goes on over checkouts never continues one segment on two branches', PATIENT, async () => {
  const { one } = await clones(false)
  const { store } = await open(rootOf(one), SHARED)
  const session = (await store.get('s'))!
  const texts = ['common']
  for (const branch of ['a', 'b']) git(one, 'branch', branch)
  for (let round = 0; round < rounds(30); round++) {
    for (const branch of ['a', 'b', 'main']) {
      git(one, 'checkout', '--quiet', branch)
      const text = `${round} on ${branch}`
      texts.push(text)
      await session.add({ text })
      commit(one, text)
    }
  }
  for (const branch of ['a', 'b']) git(one, 'merge', '--quiet', '--no-edit', branch)
  const { messages } = (await shown(rootOf(one), 's'))!
  expect(sortedTexts(messages)).toEqual(texts.sort())
  expect(sortedTexts(await session.messages())).toEqual(texts.sort())
})

test('g5: one side deletes while the other appends, and the session stays deleted in both', async () => {
  const { one, two } = await clones(true)
  const { store: writer } = await open(rootOf(one), SHARED)
  const session = (await writer.get('s'))!
  await session.add({ text: 'mine' })
  commit(one, 'mine')
  pull(two, one)
  const { store } = await open(rootOf(two), SHARED)
  expect(await store.delete('s')).toBe(true)
  commit(two, 'delete')
  // Into the segment that was replaced there, and into a new one.
  await session.add({ text: 'late' })
  await add(one, 'later')
  commit(one, 'late')

  pull(one, two)
  pull(two, one)
  for (const clone of [one, two]) {
    expect(await shown(rootOf(clone), 's')).toBeUndefined()
    expect(git(clone, 'status', '--porcelain')).toBe('')
  }
  await expect(session.add({ text: 'too late' })).rejects.toMatchObject({ code: 'NOT_FOUND' })
})

test('g5: both sides delete, and that is no conflict even without a rule', async () => {
  const { one, two } = await clones(false)
  for (const clone of [one, two]) {
    const { store } = await open(rootOf(clone), SHARED)
    expect(await store.delete('s')).toBe(true)
    commit(clone, 'delete')
  }
  pull(one, two)
  expect(await shown(rootOf(one), 's')).toBeUndefined()
})

/** Clones without a rule, of which `two` has deleted the session; the writer in `one` has its segment open. */
async function deletedInTwo(): Promise<Clones & { readonly session: Session }> {
  const { one, two } = await clones(false)
  const { store: writer } = await open(rootOf(one), SHARED)
  const session = (await writer.get('s'))!
  await session.add({ text: 'mine' })
  commit(one, 'mine')
  pull(two, one)
  const { store } = await open(rootOf(two), SHARED)
  await store.delete('s')
  commit(two, 'delete')
  return { one, two, session }
}

test('g5: without a rule, a deletion merges with what new runs appended', async () => {
  const { one, two } = await deletedInTwo()
  await add(one, 'a new run')
  commit(one, 'new run')
  pull(one, two)
  expect(await shown(rootOf(one), 's')).toBeUndefined()
})

test('g5: without a rule, a segment that was deleted and appended to conflicts, and is deleted however that ends', async () => {
  for (const side of ['--ours', '--theirs']) {
    const { one, two, session } = await deletedInTwo()
    await session.add({ text: 'into the same segment' })
    commit(one, 'same segment')
    git(two, 'fetch', '--quiet', one, 'main')
    expect(() => git(two, 'merge', '--quiet', '--no-edit', 'FETCH_HEAD')).toThrow()
    expect(await shown(rootOf(two), 's')).toBeUndefined()
    git(two, 'checkout', side, '--', '.')
    commit(two, 'resolved')
    expect(await shown(rootOf(two), 's')).toBeUndefined()
  }
})

test('a segment has only whole lines of its writer, so a diff only ever adds lines', async () => {
  const { one } = await clones(true)
  const { store } = await open(rootOf(one), SHARED)
  const session = (await store.get('s'))!
  for (const text of ['a', 'b', 'c']) {
    await session.add({ text })
    commit(one, text)
  }
  const changes = git(one, 'log', '--numstat', '--format=', 'HEAD~3..').trim().split('\n')
  expect(changes.map((line) => line.split('\t').slice(0, 2))).toEqual([
    ['1', '0'],
    ['1', '0'],
    ['1', '0'],
  ])
  expect(filesOf(rootOf(one), 's').flatMap(linesOf).length).toBe(5)
})
