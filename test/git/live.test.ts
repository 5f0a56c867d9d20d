/**
 * g7: git operates on a work tree while another process appends, eight ways: whatever was acknowledged is in the log, in an object of git,
 * or comes back by `foldlog restore`.
 */
import { spawnSync } from 'node:child_process'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { run } from '../cli/run.ts'
import { Child } from '../support/child.ts'
import { PATIENT, rounds } from '../support/rounds.ts'
import { anew, idsOf, open } from '../support/temp.ts'
import { message, Repository } from './repository.ts'
import { ENVIRONMENT } from '../support/git.ts'

/** What is done once a round. What git refuses because of uncommitted lines is refused, as it is for a user. */
const OPERATIONS: Readonly<Record<string, (repository: Repository, round: number) => void>> = {
  'checkout of another branch': (repository, round) => {
    repository.try('checkout', '--quiet', branch(round))
  },
  'commit -a': (repository, round) => {
    repository.try('commit', '--quiet', '--all', `--message=${round}`)
  },
  'commit -a and checkout': (repository, round) => {
    repository.try('commit', '--quiet', '--all', `--message=${round}`)
    repository.try('checkout', '--quiet', branch(round))
  },
  gc: (repository, round) => {
    repository.try('commit', '--quiet', '--all', `--message=${round}`)
    repository.try('gc', '--quiet')
  },
  'merge --autostash': (repository, round) => {
    // The other branch goes on in a work tree of its own.
    const other = new Repository(join(repository.tree, '../other'))
    other.append('s.jsonl', message(round))
    other.git('commit', '--quiet', '--all', `--message=other ${round}`)
    // What is appended between git's look and its merge makes it refuse: then it is tried again, as a user would.
    for (let tries = 0; tries < 5; tries++) {
      if (repository.try('merge', '--quiet', '--no-edit', '--autostash', 'other').code === 0) break
    }
    repository.try('commit', '--quiet', '--all', `--message=${round}`)
  },
  'stash and stash pop': (repository) => {
    repository.try('stash', '--quiet')
    repository.try('stash', 'pop', '--quiet')
  },
  'reset --hard': (repository) => {
    repository.try('reset', '--quiet', '--hard')
  },
  'checkout --force': (repository, round) => {
    repository.try('checkout', '--quiet', '--force', branch(round))
  },
}

const branch = (round: number): string => (round % 2 === 0 ? 'other' : 'main')

/** Every message that the log or any object of git holds, reachable or not. */
function inGit(repository: Repository): ReadonlySet<string> {
  const { stdout } = spawnSync('git', ['cat-file', '--batch-all-objects', '--batch', '--unordered'], {
    cwd: repository.tree,
    env: ENVIRONMENT,
    maxBuffer: 1 << 30,
  })
  const ids = stdout.toString().matchAll(/"type":"message\.created",[^\n]*?"data":\{"id":"([^"]+)"/g)
  return new Set([...ids].map(([, id]) => id!))
}

async function twoBranches(): Promise<Repository> {
  const repository = Repository.fresh()
  const { store } = await open(repository.root)
  const session = await store.create({ id: 's' })
  await session.add({ text: 'common' })
  repository.commit('common')
  repository.git('checkout', '--quiet', '-b', 'other')
  await session.add({ text: 'other' })
  repository.commit('other')
  repository.git('checkout', '--quiet', 'main')
  await store.close()
  return repository
}

test.each(Object.keys(OPERATIONS))('g7: a live writer loses nothing acknowledged under %s', PATIENT, async (name) => {
  const base = await twoBranches()
  const repository = name === 'merge --autostash' ? withWorktree(base) : base
  const writer = new Child('appender', repository.root, 's', 'm')
  await writer.line()
  for (let round = 0; round < rounds(30); round++) {
    const count = writer.lines.length
    await writer.until(() => writer.lines.length > count + 10)
    OPERATIONS[name]!(repository, round)
  }
  await writer.end()
  const acknowledged = writer.lines.slice(1)
  const lost = async (): Promise<string[]> => {
    const held = inGit(repository)
    const seen = new Set(idsOf((await anew(repository.root, 's')).messages))
    return acknowledged.filter((id) => !seen.has(id) && !held.has(id))
  }
  // These two throw away what is not committed: without the outbox there would be nothing left of it.
  if (name === 'reset --hard' || name === 'checkout --force') expect((await lost()).length).toBeGreaterThan(0)
  const restored = await run(['restore', '--yes'], { cwd: repository.tree, env: ENVIRONMENT })
  expect(restored.code, restored.stderr).toBe(0)
  expect(await lost()).toEqual([])
})

/** Moves everything one level down, so that a second work tree has its place beside it. */
function withWorktree(base: Repository): Repository {
  const repository = new Repository(join(base.tree, 'main'))
  base.git('clone', '--quiet', '--no-local', base.tree, repository.tree)
  repository.git('branch', '--quiet', 'other', 'origin/other')
  repository.git('worktree', 'add', '--quiet', '../other', 'other')
  return repository
}
