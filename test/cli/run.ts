/** Runs the built command line in real child processes. */
import { spawn, type ChildProcessWithoutNullStreams } from 'node:child_process'
import { appendFile, mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import { onTestFinished } from 'vitest'
import { openStore, type Store } from '../../src/index.ts'

export const MAIN: string = fileURLToPath(new URL('../../dist/cli/main.js', import.meta.url))
const LIBRARY: string = new URL('../../dist/index.js', import.meta.url).href

export interface Ended {
  readonly code: number | null
  readonly stdout: string
  readonly stderr: string
}

interface Where {
  readonly cwd?: string
  readonly env?: Readonly<Record<string, string>>
  readonly node?: readonly string[]
}

/** The environment without what would change what is printed. */
function environment(extra: Readonly<Record<string, string>> = {}): NodeJS.ProcessEnv {
  const { FOLDLOG_ROOT: _, NO_COLOR: __, FORCE_COLOR: ___, NODE_OPTIONS: ____, ...rest } = process.env
  return { ...rest, TERM: 'xterm', ...extra }
}

/** Starts `foldlog` and returns at once. It is ended with the test. */
export function start(args: readonly string[], { cwd, env, node = [] }: Where = {}): ChildProcessWithoutNullStreams {
  const child = spawn(process.execPath, [...node, MAIN, ...args], { cwd, env: environment(env) })
  onTestFinished(() => {
    child.kill('SIGKILL')
  })
  return child
}

/** Runs `foldlog` to its end. */
export function run(args: readonly string[], where: Where = {}): Promise<Ended> {
  return ended(start(args, where))
}

/** Runs `foldlog` with a terminal, whose output is both streams. Needs `script` of util-linux. */
export async function runOnTerminal(args: readonly string[], where: Where = {}): Promise<Ended> {
  const quoted = [process.execPath, MAIN, ...args].map((word) => `'${word}'`).join(' ')
  const child = spawn('script', ['-qec', quoted, '/dev/null'], { cwd: where.cwd, env: environment(where.env) })
  child.stdin.end()
  return ended(child)
}

/** Runs a module of text in another process, with the library as `foldlog`. */
export async function runScript(text: string, args: readonly string[], where: Where = {}): Promise<void> {
  const { cwd, env, node = [] } = where
  const source = `import { openStore } from ${JSON.stringify(LIBRARY)}\n${text}`
  const options = [...node, '--input-type=module', '-e', source, ...args]
  const child = spawn(process.execPath, options, { cwd, env: environment(env) })
  const { code, stderr } = await ended(child)
  if (code !== 0) throw new Error(`the other process failed: ${stderr}`)
}

export function ended(child: ChildProcessWithoutNullStreams): Promise<Ended> {
  let stdout = ''
  let stderr = ''
  child.stdout.setEncoding('utf8').on('data', (text: string) => (stdout += text))
  child.stderr.setEncoding('utf8').on('data', (text: string) => (stderr += text))
  return new Promise((resolve, reject) => {
    child.on('error', reject)
    child.on('close', (code) => resolve({ code, stdout, stderr }))
  })
}

/** The lines a process prints, one after the other. */
export function linesOf(child: ChildProcessWithoutNullStreams): () => Promise<string> {
  const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]()
  return async () => {
    const { done, value } = await lines.next()
    if (done === true) throw new Error('the process has ended')
    return value
  }
}

/** A fresh folder, removed with the test. */
export async function temp(): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'foldlog-cli-'))
  onTestFinished(() => rm(folder, { recursive: true, force: true }))
  return folder
}

/** A store in a fresh root, closed with the test at the latest. */
export async function freshStore(): Promise<{ readonly store: Store; readonly root: string }> {
  const root = join(await temp(), 'root')
  const store = await openStore(root)
  onTestFinished(() => store.close())
  return { store, root }
}

/** Resolves in a later millisecond, so that what follows is newer and not only as new. */
export async function later(): Promise<void> {
  const now = Date.now()
  while (Date.now() === now) await new Promise((resolve) => setImmediate(resolve))
}

/** Where the first file of a session of the default namespace lies. */
export function fileOf(root: string, sessionId: string): string {
  return join(root, 'default', `${sessionId}.jsonl`)
}

/** Puts bytes at the end of a log that are no event. */
export async function damage(root: string, sessionId: string, text = '{"v":1,"id":"torn \n'): Promise<void> {
  await appendFile(fileOf(root, sessionId), text)
}
