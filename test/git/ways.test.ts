/**
 * The 33 ways in which two histories of a log meet, as real runs of git with the attributes of a root and no other configuration.
 *
 * Every line that somebody wrote is there afterwards, whole and in no conflict, except where docs/git.md says that union does otherwise.
 */
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { anew, idsOf } from '../support/temp.ts'
import { created, message, messages, redacted, Repository } from './repository.ts'

const LOG = 's.jsonl'

/** A repository with a log of the messages 1, 2, 3 on `main`. */
function based(text: string = created() + messages(1, 2, 3)): Repository {
  const repository = Repository.fresh()
  repository.write(LOG, text)
  repository.commit('base')
  return repository
}

/** Does something on a new branch `other` and something on `main`, each committed, and ends on `main`. */
function diverged(
  onOther: (repository: Repository) => void,
  onMain: (repository: Repository) => void,
  repository: Repository = based(),
): Repository {
  repository.git('checkout', '--quiet', '-b', 'other')
  onOther(repository)
  repository.commit('other')
  repository.git('checkout', '--quiet', 'main')
  onMain(repository)
  repository.commit('main')
  return repository
}

const append =
  (...numbers: readonly number[]) =>
  (repository: Repository): void =>
    repository.append(LOG, messages(...numbers))

const rewrite =
  (text: string) =>
  (repository: Repository): void =>
    repository.write(LOG, text)

/** What the log holds: the numbers of its messages, sorted, each once; nothing else may be in it. */
function numbers(repository: Repository, name: string = LOG): number[] {
  const all = repository.lines(name)
  expect(all.filter((line) => !/^\{"v":1,"id":"[0-9A-Z]{26}","type":"[^]*\}$/.test(line))).toEqual([])
  for (const line of all) expect(() => void JSON.parse(line)).not.toThrow()
  const found = all.map((line) => /"id":"m(\d+)"/.exec(line)?.[1]).filter((id) => id !== undefined)
  return [...new Set(found.map(Number))].sort((a, b) => a - b)
}

/** Git did it without a conflict, the log holds exactly these messages, and a store reads them in order and without damage. */
async function expectClean(repository: Repository, expected: readonly number[]): Promise<void> {
  expect(repository.git('status', '--porcelain')).not.toMatch(/^(UU|AA|UD|DU|AU|UA|DD) /m)
  expect(numbers(repository)).toEqual(expected)
  const { messages: seen, damage } = await anew(repository.root, 's')
  expect(damage).toEqual([])
  expect(idsOf(seen)).toEqual(expected.map((n) => `m${n}`))
}

const merge = (repository: Repository): string => repository.git('merge', '--quiet', '--no-edit', 'other')

describe('both sides append', () => {
  test('g1, way 1: both sides append', async () => {
    const repository = diverged(append(4, 5), append(6))
    merge(repository)
    await expectClean(repository, [1, 2, 3, 4, 5, 6])
    expect(repository.lines(LOG)).toHaveLength(7)
  })

  test('g1, way 2: what both sides appended has a line in common, in the middle', async () => {
    const repository = diverged(append(4, 5, 6), append(7, 5, 8))
    merge(repository)
    await expectClean(repository, [1, 2, 3, 4, 5, 6, 7, 8])
  })

  test('g1, way 3: the log is born on both sides', async () => {
    const repository = Repository.fresh()
    repository.commit('empty')
    diverged(rewrite(created() + messages(1, 2)), rewrite(created() + messages(3)), repository)
    merge(repository)
    await expectClean(repository, [1, 2, 3])
  })

  test('g1, way 4: criss-cross', async () => {
    const repository = diverged(append(4), append(5))
    const [main, other] = ['main', 'other'].map((branch) => repository.git('rev-parse', branch).trim())
    repository.git('merge', '--quiet', '--no-edit', other!)
    repository.append(LOG, message(6))
    repository.commit('more on main')
    repository.git('checkout', '--quiet', 'other')
    repository.git('merge', '--quiet', '--no-edit', main!)
    repository.append(LOG, message(7))
    repository.commit('more on other')
    repository.git('checkout', '--quiet', 'main')
    merge(repository)
    await expectClean(repository, [1, 2, 3, 4, 5, 6, 7])
  })
})

describe('a side does not end with a line feed, and lines are never glued', () => {
  const open = (n: number) => (repository: Repository) => repository.append(LOG, message(n).trimEnd())

  test('g4, way 5: ours', async () => {
    const repository = diverged(append(4), open(5))
    merge(repository)
    await expectClean(repository, [1, 2, 3, 4, 5])
  })

  test('g4, way 6: theirs', async () => {
    const repository = diverged(open(4), append(5))
    merge(repository)
    repository.append(LOG, '\n')
    await expectClean(repository, [1, 2, 3, 4, 5])
  })

  test('g4, way 7: both', async () => {
    const repository = diverged(open(4), open(5))
    merge(repository)
    repository.append(LOG, '\n')
    await expectClean(repository, [1, 2, 3, 4, 5])
  })

  test('g4, way 8: the base', async () => {
    const sealed = (n: number) => (repository: Repository) => repository.append(LOG, `\n${message(n)}`)
    const repository = diverged(sealed(4), sealed(5), based((created() + messages(1, 2, 3)).trimEnd()))
    merge(repository)
    await expectClean(repository, [1, 2, 3, 4, 5])
  })
})

describe('other ways than merge', () => {
  test.each([
    ['way 9: rebase', ['--merge']],
    ['way 10: rebase by patches', ['--apply']],
  ])('g8, %s', async (_, options) => {
    const repository = diverged(append(4, 5), append(6))
    repository.git('rebase', '--quiet', ...options, 'other')
    await expectClean(repository, [1, 2, 3, 4, 5, 6])
  })

  test('g8, way 11: pull --rebase', async () => {
    const origin = based()
    const clone = new Repository(join(origin.tree, 'clone'))
    origin.git('clone', '--quiet', origin.tree, 'clone')
    clone.append(LOG, message(4))
    clone.commit('clone')
    origin.append(LOG, message(5))
    origin.git('commit', '--quiet', '--all', '--message=origin')
    clone.git('pull', '--quiet', '--rebase')
    await expectClean(clone, [1, 2, 3, 4, 5])
  })

  test('g8, way 12: cherry-pick', async () => {
    const repository = diverged(append(4), append(5))
    repository.git('cherry-pick', 'other')
    await expectClean(repository, [1, 2, 3, 4, 5])
  })

  test('g8, way 13: cherry-pick, then merge', async () => {
    const repository = diverged(append(4), append(5))
    repository.git('cherry-pick', 'other')
    repository.append(LOG, message(6))
    repository.commit('more')
    merge(repository)
    await expectClean(repository, [1, 2, 3, 4, 5, 6])
  })

  test('g8, way 14: squash twice', async () => {
    const repository = diverged(append(4), append(5))
    repository.git('merge', '--quiet', '--squash', 'other')
    repository.commit('squash')
    repository.git('checkout', '--quiet', 'other')
    repository.append(LOG, message(6))
    repository.commit('more')
    repository.git('checkout', '--quiet', 'main')
    repository.git('merge', '--quiet', '--squash', 'other')
    repository.commit('squash again')
    await expectClean(repository, [1, 2, 3, 4, 5, 6])
  })

  test('g8, way 15: stash pop', async () => {
    const repository = based()
    repository.append(LOG, message(4))
    repository.git('stash', '--quiet')
    repository.append(LOG, message(5))
    repository.commit('meanwhile')
    repository.git('stash', 'pop', '--quiet')
    await expectClean(repository, [1, 2, 3, 4, 5])
  })

  test('g8, way 16: autostash', async () => {
    const repository = diverged(append(4), append(5))
    repository.append(LOG, message(6))
    repository.git('merge', '--quiet', '--no-edit', '--autostash', 'other')
    await expectClean(repository, [1, 2, 3, 4, 5, 6])
  })

  test('g8, way 17: checkout --merge', async () => {
    const repository = diverged(append(4), append(5))
    repository.append(LOG, message(6))
    repository.git('checkout', '--quiet', '--merge', 'other')
    // What main has committed stays there.
    expect(numbers(repository)).toEqual(expect.arrayContaining([1, 2, 3, 4, 6]))
    expect(repository.git('status', '--porcelain')).not.toMatch(/^UU/m)
    expect((await anew(repository.root, 's')).damage).toEqual([])
  })

  test('g8, way 18: format-patch and am -3', async () => {
    const repository = diverged(append(4), append(5))
    const patch = repository.git('format-patch', '--stdout', '-1', 'other')
    expect(repository.pipe(patch, 'am', '--quiet', '-3').code).toBe(0)
    await expectClean(repository, [1, 2, 3, 4, 5])
  })
})

describe('a side does more than append', () => {
  test('way 19: renamed on one side, appended to on the other', () => {
    const repository = diverged(append(4), (on) => {
      on.git('mv', on.path(LOG), on.path('archived.jsonl'))
    })
    merge(repository)
    expect(repository.has(LOG)).toBe(false)
    expect(numbers(repository, 'archived.jsonl')).toEqual([1, 2, 3, 4])
  })

  test('g6, way 20: a line in the middle is redacted, and that holds', async () => {
    const repository = diverged(append(4), rewrite(created() + message(1) + redacted(2) + message(3)))
    merge(repository)
    await expectClean(repository, [1, 2, 3, 4])
    expect(repository.read(LOG)).not.toContain('text of 2')
  })

  test('g6, way 21: the last line is redacted and comes back, and readers do not see it', async () => {
    const repository = diverged(append(4), rewrite(created() + messages(1, 2) + redacted(3)))
    merge(repository)
    await expectClean(repository, [1, 2, 3, 4])
    expect(repository.read(LOG)).toContain('text of 3')
    expect(JSON.stringify((await anew(repository.root, 's')).messages)).not.toContain('text of 3')
  })

  test('g6, way 22: one side compacts, and all compacted lines are back', async () => {
    const repository = diverged(append(4), rewrite(created() + message(7)))
    merge(repository)
    await expectClean(repository, [1, 2, 3, 4, 7])
  })

  test('g8, way 23: one side sorts', async () => {
    const repository = diverged(append(4), rewrite(messages(3, 2, 1) + created()))
    merge(repository)
    await expectClean(repository, [1, 2, 3, 4])
  })

  test('g6, way 24: both sides compact', async () => {
    const repository = diverged(rewrite(created() + messages(2, 3, 4)), rewrite(created() + messages(3, 5)))
    merge(repository)
    const { damage } = await anew(repository.root, 's')
    expect(damage).toEqual([])
    expect(numbers(repository)).toEqual(expect.arrayContaining([3, 4, 5]))
  })
})

describe('what union cannot do: take lines away', () => {
  test('way 25: rebase --onto that drops a commit brings its line back', async () => {
    const repository = based()
    repository.append(LOG, message(4))
    repository.commit('to drop')
    repository.append(LOG, message(5))
    repository.commit('to keep')
    repository.git('rebase', '--quiet', '--onto', 'HEAD~2', 'HEAD~1')
    await expectClean(repository, [1, 2, 3, 4, 5])
  })

  test('way 26: a line that was amended away comes back with the next pull', async () => {
    const origin = based()
    origin.append(LOG, message(4))
    origin.commit('pushed')
    const clone = new Repository(join(origin.tree, 'clone'))
    origin.git('clone', '--quiet', origin.tree, 'clone')
    clone.write(LOG, created() + messages(1, 2, 3, 5))
    clone.git('commit', '--quiet', '--all', '--amend', '--message=amended')
    clone.git('pull', '--quiet', '--no-rebase', '--no-edit')
    await expectClean(clone, [1, 2, 3, 4, 5])
  })

  test('way 27: revert of an append that others built on takes nothing away', async () => {
    const repository = based()
    repository.append(LOG, message(4))
    repository.commit('to revert')
    repository.append(LOG, message(5))
    repository.commit('after')
    expect(repository.try('revert', '--no-edit', 'HEAD~1').out).toContain('nothing to commit')
    repository.try('revert', '--abort')
    await expectClean(repository, [1, 2, 3, 4, 5])
  })
})

describe('what git does not merge by itself, and nothing is lost by it', () => {
  test('g5, way 28: deleted on one side, appended to on the other', async () => {
    const repository = diverged(append(4), (on) => void on.git('rm', '--quiet', on.path(LOG)))
    expect(repository.try('merge', '--no-edit', 'other').out).toContain('CONFLICT (modify/delete)')
    repository.git('add', '--all')
    repository.git('commit', '--quiet', '--no-edit')
    await expectClean(repository, [1, 2, 3, 4])
  })

  test('way 29: cherry-pick of an append to a log this branch lacks', async () => {
    const repository = Repository.fresh()
    repository.commit('empty')
    repository.git('branch', 'lacks')
    repository.write(LOG, created() + messages(1, 2))
    repository.commit('born')
    repository.append(LOG, message(3))
    repository.commit('append')
    repository.git('checkout', '--quiet', 'lacks')
    expect(repository.try('cherry-pick', 'main').out).toContain('CONFLICT (modify/delete)')
    repository.git('add', '--all')
    repository.git('cherry-pick', '--continue')
    await expectClean(repository, [1, 2, 3])
  })

  test('way 30: octopus, and one branch after the other instead', async () => {
    const repository = diverged(append(4), append(5))
    repository.git('checkout', '--quiet', '-b', 'third', 'HEAD~1')
    repository.append(LOG, message(6))
    repository.commit('third')
    repository.git('checkout', '--quiet', 'main')
    expect(repository.try('merge', '--no-edit', 'other', 'third').code).not.toBe(0)
    repository.git('reset', '--quiet', '--hard')
    merge(repository)
    repository.git('merge', '--quiet', '--no-edit', 'third')
    await expectClean(repository, [1, 2, 3, 4, 5, 6])
  })

  test('way 31: -s resolve, and the usual strategy instead', async () => {
    const repository = diverged(append(4), append(5))
    expect(repository.try('merge', '--no-edit', '--strategy=resolve', 'other').code).not.toBe(0)
    repository.git('reset', '--quiet', '--hard')
    merge(repository)
    await expectClean(repository, [1, 2, 3, 4, 5])
  })

  test('way 32: merge with a log that is not committed is refused and touches nothing', async () => {
    const repository = diverged(append(4), append(5))
    repository.append(LOG, message(6))
    const before = repository.read(LOG)
    expect(repository.try('merge', '--no-edit', 'other').out).toContain('would be overwritten by merge')
    expect(repository.read(LOG)).toBe(before)
    await expectClean(repository, [1, 2, 3, 5, 6])
  })

  test('way 33: lines without an id are reported as damage, and no event suffers', async () => {
    const note = '{"note":"no id"}\n'
    const add = (n: number) => (repository: Repository) => repository.append(LOG, note + message(n) + note)
    const repository = diverged(add(4), add(5))
    merge(repository)
    const { messages: seen, damage } = await anew(repository.root, 's')
    expect(idsOf(seen)).toEqual(['m1', 'm2', 'm3', 'm4', 'm5'])
    expect(damage.length).toBeGreaterThan(0)
    expect(new Set(damage.map(({ kind }) => kind))).toEqual(new Set(['not-event']))
  })
})

test('g1: without the attributes it would be a conflict', () => {
  const repository = Repository.fresh()
  repository.write('../.gitattributes', '')
  repository.write(LOG, created())
  repository.commit('base')
  diverged(append(4), append(5), repository)
  expect(repository.try('merge', '--no-edit', 'other').out).toContain('CONFLICT (content)')
})
