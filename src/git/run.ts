/**
 * Runs the `git` program: arguments as a list, never through a shell, never waiting for a person.
 *
 * What is asked for here takes no lock that it could leave behind (`GIT_OPTIONAL_LOCKS=0`), so a stale `index.lock` harms nothing.
 */
import { spawn } from 'node:child_process'
import { FoldlogError } from '../errors.ts'

export interface Answer {
  readonly code: number
  readonly stdout: Buffer
  readonly stderr: string
}

/** Runs git in a directory, whatever it answers. Rejects with `UNSUPPORTED` if there is no git. */
export function tryGit(cwd: string, args: readonly string[], input?: string): Promise<Answer> {
  const env = { ...process.env, GIT_OPTIONAL_LOCKS: '0', GIT_TERMINAL_PROMPT: '0', LC_ALL: 'C' }
  return new Promise((resolve, reject) => {
    const child = spawn('git', args, { cwd, env, stdio: ['pipe', 'pipe', 'pipe'], windowsHide: true })
    const stdout: Buffer[] = []
    const stderr: Buffer[] = []
    child.stdout.on('data', (bytes: Buffer) => stdout.push(bytes))
    child.stderr.on('data', (bytes: Buffer) => stderr.push(bytes))
    child.on('error', (cause) => {
      const message = `cannot run git in ${cwd}: install git, and look whether the directory is there`
      reject(new FoldlogError('UNSUPPORTED', message, { path: cwd, cause }))
    })
    child.on('close', (code) => {
      resolve({ code: code ?? 1, stdout: Buffer.concat(stdout), stderr: Buffer.concat(stderr).toString() })
    })
    // Git may end before it has read all of it; its exit code tells why.
    child.stdin.on('error', () => {})
    child.stdin.end(input)
  })
}

/** What git prints. Rejects with `STORAGE_FAILED` and what git says if it fails. */
export async function git(cwd: string, args: readonly string[], input?: string): Promise<string> {
  return (await gitBytes(cwd, args, input)).toString()
}

/** As {@link git}, byte for byte. */
export async function gitBytes(cwd: string, args: readonly string[], input?: string): Promise<Buffer> {
  const { code, stdout, stderr } = await tryGit(cwd, args, input)
  if (code === 0) return stdout
  const reason = stderr.trim() || `exit code ${code}`
  throw new FoldlogError('STORAGE_FAILED', `git ${args[0]} failed in ${cwd}: ${reason}`, { path: cwd })
}

/** The contents of objects, by what names them (`HEAD:path`, `:path`, an id); undefined for those that are not there. */
export async function contentsOf(cwd: string, names: readonly string[]): Promise<(Buffer | undefined)[]> {
  if (names.length === 0) return []
  const { stdout } = await tryGit(cwd, ['cat-file', '--batch'], names.map((name) => `${name}\n`).join(''))
  const contents: (Buffer | undefined)[] = []
  let at = 0
  for (const _ of names) {
    const end = stdout.indexOf('\n', at)
    const size = / (?:blob|tree|commit|tag) (\d+)$/.exec(stdout.toString('utf8', at, Math.max(at, end)))?.[1]
    at = end + 1
    if (size === undefined) {
      contents.push(undefined)
      continue
    }
    contents.push(stdout.subarray(at, at + Number(size)))
    at += Number(size) + 1
  }
  return contents
}
