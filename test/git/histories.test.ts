/**
 * Random histories: four branches, fourteen steps of appending, merging, rebasing, cherry-picking and squashing, then everything merged into
 * one. Not a line is lost, with the attributes of a root alone.
 */
import { randomInt } from 'node:crypto'
import { expect, test } from 'vitest'
import { anew, idsOf } from '../support/temp.ts'
import { PATIENT, rounds } from '../support/rounds.ts'
import { created, idOf, message, Repository } from './repository.ts'

const BRANCHES = ['b0', 'b1', 'b2', 'b3']
const STEPS = 14
type Step = 'append' | 'merge' | 'rebase' | 'cherry-pick' | 'squash'
const KINDS: readonly Step[] = ['append', 'append', 'append', 'merge', 'rebase', 'cherry-pick', 'squash']

/** Numbers that are the same again for the same seed. */
class Random {
  #state: number

  constructor(seed: number) {
    this.#state = seed >>> 0
  }

  below(limit: number): number {
    this.#state = (Math.imul(this.#state, 1_664_525) + 1_013_904_223) >>> 0
    return Math.floor((this.#state / 2 ** 32) * limit)
  }

  of<T>(items: readonly T[]): T {
    return items[this.below(items.length)]!
  }
}

/** A session file with a set of all numbers written into it. */
type Written = Map<string, Set<number>>

class History {
  readonly repository: Repository = Repository.fresh()
  readonly written: Written = new Map()
  readonly #seed: number
  readonly #random: Random
  #next = 1

  constructor(seed: number) {
    this.#seed = seed
    this.#random = new Random(seed)
    this.repository.write('s0.jsonl', created())
    this.written.set('s0.jsonl', new Set())
    this.repository.commit('base')
    for (const branch of BRANCHES) this.repository.git('branch', branch)
  }

  step(): void {
    const branch = this.#random.of(BRANCHES)
    const other = this.#random.of(BRANCHES.filter((each) => each !== branch))
    this.repository.git('checkout', '--quiet', branch)
    const kind = this.#random.of(KINDS)
    if (kind === 'append') this.#append()
    else if (kind === 'merge') this.#run('merge', ['--quiet', '--no-edit', other], ['commit', '--quiet', '--no-edit'])
    else if (kind === 'rebase') this.#run('rebase', ['--quiet', other], ['rebase', '--continue'])
    else if (kind === 'cherry-pick') {
      const commit = this.repository.git('rev-list', '--no-merges', '--max-count=1', other).trim()
      this.#run('cherry-pick', [commit], ['cherry-pick', '--continue'])
    } else {
      this.#run('merge', ['--quiet', '--squash', other], [])
      if (this.repository.git('status', '--porcelain') !== '') this.repository.commit('squash')
    }
  }

  /** Merges all branches into one. */
  end(): void {
    this.repository.git('checkout', '--quiet', 'main')
    for (const branch of BRANCHES)
      this.#run('merge', ['--quiet', '--no-edit', branch], ['commit', '--quiet', '--no-edit'])
  }

  #append(): void {
    // Now and then a session is born, on this branch alone.
    const name = this.#random.below(5) === 0 ? `s${this.#next}.jsonl` : this.#random.of([...this.written.keys()])
    // A branch that lacks a session of another one writes to a log of the same name only if it creates it.
    if (!this.repository.has(name)) this.repository.write(name, created())
    const numbers = this.written.get(name) ?? new Set()
    this.written.set(name, numbers)
    for (let count = 1 + this.#random.below(4); count > 0; count--) {
      numbers.add(this.#next)
      this.repository.append(name, message(this.#next++))
    }
    this.repository.commit('append')
  }

  /** What stops at a deleted file is gone on with as docs/git.md says; what has become empty is skipped. */
  #run(verb: string, args: readonly string[], goOn: readonly string[]): void {
    let ran = this.repository.try(verb, ...args)
    for (let tries = 0; ran.code !== 0; tries++) {
      if (tries === 20) throw new Error(ran.out)
      if (/The previous cherry-pick is now empty|nothing to commit/.test(ran.out)) {
        ran = this.repository.try(verb, '--skip')
        continue
      }
      expect(ran.out, `FOLDLOG_SEED=${this.#seed}`).toContain('CONFLICT (modify/delete)')
      this.repository.git('add', '--all')
      ran = this.repository.try(...goOn)
    }
  }
}

test('g1, g8: random histories of merge, rebase, cherry-pick and squash lose no line', PATIENT, async () => {
  const count = rounds(150)
  const first = Number(process.env['FOLDLOG_SEED'] ?? randomInt(2 ** 31))
  let written = 0
  for (let seed = first; seed < first + count; seed++) {
    const history = new History(seed)
    for (let step = 0; step < STEPS; step++) history.step()
    history.end()
    for (const [name, numbers] of history.written) {
      const lines = history.repository.lines(name)
      const lost = [...numbers].filter((n) => !lines.includes(message(n).trimEnd()))
      expect(lost, `FOLDLOG_SEED=${seed} ${name}`).toEqual([])
      const { messages, damage, events } = await anew(history.repository.root, name.replace('.jsonl', ''))
      expect(damage, `FOLDLOG_SEED=${seed} ${name}`).toEqual([])
      expect(idsOf(messages)).toEqual([...numbers].sort((a, b) => a - b).map((n) => `m${n}`))
      expect(events.map(({ id }) => id).sort()).toEqual([idOf(0), ...[...numbers].map(idOf)].sort())
      written += numbers.size
    }
  }
  expect(written).toBeGreaterThan(count * 5)
})
