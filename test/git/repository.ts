/**
 * Real repositories of git in fresh directories.
 */
import { spawnSync } from 'node:child_process'
import { appendFileSync, existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { writeGitFiles } from '../../src/backends/file/folders.ts'
import { idFrom } from '../../src/id.ts'
import { encodeLine } from '../../src/line.ts'
import { ENVIRONMENT } from '../support/git.ts'
import { temp } from '../support/temp.ts'

interface Ran {
  readonly code: number
  readonly out: string
}

/** A repository with a root in it. */
export class Repository {
  readonly tree: string
  readonly root: string

  constructor(tree: string = temp()) {
    this.tree = tree
    this.root = join(tree, '.sessions')
  }

  /** An empty repository whose root has been created, as far as git is concerned. */
  static fresh(): Repository {
    const repository = new Repository()
    repository.git('init', '--quiet', '--initial-branch=main')
    repository.git('config', 'gc.auto', '0')
    mkdirSync(repository.root)
    writeGitFiles(repository.root)
    return repository
  }

  /** Runs git, whatever comes of it. */
  try(...args: readonly string[]): Ran {
    return this.pipe('', ...args)
  }

  /** Runs git with something to read. */
  pipe(input: string, ...args: readonly string[]): Ran {
    const ran = spawnSync('git', args, {
      cwd: this.tree,
      env: ENVIRONMENT,
      encoding: 'utf8',
      input,
      maxBuffer: 1 << 28,
    })
    if (ran.error !== undefined) throw ran.error
    return { code: ran.status ?? 1, out: `${ran.stdout}${ran.stderr}` }
  }

  /** Runs git; throws if it fails. */
  git(...args: readonly string[]): string {
    const { code, out } = this.try(...args)
    if (code !== 0) throw new Error(`git ${args.join(' ')}: ${out}`)
    return out
  }

  commit(message: string): void {
    this.git('add', '--all')
    this.git('commit', '--quiet', '--no-verify', `--message=${message}`)
  }

  /** Where a file of the root's namespace `default` lies, from the top of the work tree. */
  path(name: string): string {
    return `.sessions/default/${name}`
  }

  read(name: string): string {
    return readFileSync(join(this.tree, this.path(name)), 'utf8')
  }

  has(name: string): boolean {
    return existsSync(join(this.tree, this.path(name)))
  }

  write(name: string, text: string): void {
    const path = join(this.tree, this.path(name))
    mkdirSync(dirname(path), { recursive: true })
    writeFileSync(path, text)
  }

  append(name: string, text: string): void {
    const path = join(this.tree, this.path(name))
    mkdirSync(dirname(path), { recursive: true })
    appendFileSync(path, text)
  }

  /** The lines of a file that are not empty. */
  lines(name: string): string[] {
    return this.read(name)
      .split('\n')
      .filter((line) => line !== '')
  }
}

const EPOCH = Date.UTC(2026, 10, 20)

/** The id of the nth event. */
export function idOf(n: number): string {
  return idFrom(EPOCH + n, new Uint8Array(10).fill(n % 256))
}

/** The line of the nth event, which creates a message of that number. */
export function message(n: number, text = `text of ${n}`, more: { readonly key?: string } = {}): string {
  const id = idOf(n)
  const data = {
    id: `m${n}`,
    turnId: `m${n}`,
    role: 'user',
    status: 'completed',
    parts: [{ id: `p${n}`, type: 'text', text }],
  }
  const time = new Date(EPOCH + n).toISOString()
  return `${encodeLine({ v: 1, id, type: 'message.created', time, ...more, data })}\n`
}

/** The same event, redacted. */
export function redacted(n: number): string {
  const id = idOf(n)
  const parts = [{ id: `p${n}`, type: 'text', text: '[redacted]' }]
  const data = { id: `m${n}`, turnId: `m${n}`, role: 'user', status: 'completed', parts }
  const time = new Date(EPOCH + n).toISOString()
  return `${encodeLine({ v: 1, id, type: 'message.created', time, redacted: true, data })}\n`
}

/** The first line of a log. */
export function created(n = 0): string {
  const id = idOf(n)
  return `${encodeLine({ v: 1, id, type: 'session.created', time: new Date(EPOCH + n).toISOString(), data: {} })}\n`
}

/** Several lines after one another. */
export function messages(...numbers: readonly number[]): string {
  return numbers.map((n) => message(n)).join('')
}
