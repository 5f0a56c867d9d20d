/**
 * `foldlog init`: a root that git knows how to merge, before there is a session in it.
 *
 * Nothing has to be initialised: the first session makes its root the same way. Repeating it changes nothing.
 */
import { mkdirSync, readFileSync, statSync } from 'node:fs'
import { basename, resolve } from 'node:path'
import { GIT_FILES, writeGitFiles } from '../backends/file/folders.ts'
import { isMissing, storageError } from '../backends/file/failure.ts'
import { FoldlogError } from '../errors.ts'
import { EXIT, type Call, type Exit } from './call.ts'
import { padEnd, plain } from './text.ts'

const MODE = 0o700
const WHAT: Readonly<Record<string, string>> = {
  '.gitattributes': 'logs merge by union, in every clone',
  '.gitignore': 'caches and drafts are not committed',
}

export async function init(call: Call): Promise<Exit> {
  const root = resolve(call.root)
  const { isCreated, written } = make(root)
  const lacking = Object.keys(GIT_FILES).filter((name) => !saysAll(root, name))
  if (!call.isJson) await print(call, isCreated, written)
  const git = call.flag('git') ? await (await import('./git.ts')).installIn(call) : undefined
  if (call.isJson) await call.out.json({ root, isCreated, written, lacking, ...(git === undefined ? {} : { git }) })
  else for (const line of git?.done ?? []) await call.out.line(plain(`git      ${line}`))
  const { out } = call
  for (const name of lacking) {
    out.say(`${call.root}/${name} is yours and lacks what merges need; it should also say:`)
    for (const line of GIT_FILES[name]!.trimEnd().split('\n')) out.detail(line)
  }
  for (const line of git?.advice ?? []) out.say(line)
  if (call.flag('shared')) sayShared(call)
  else if (isCreated) out.say('to bring sessions of other tools in:', call.command('import'))
  return EXIT.ok
}

/** Makes the directory and what git needs in it, as far as it is not there. */
function make(root: string): { readonly isCreated: boolean; readonly written: readonly string[] } {
  try {
    const isCreated = mkdirSync(root, { recursive: true, mode: MODE }) !== undefined
    if (statSync(root).isDirectory()) return { isCreated, written: writeGitFiles(root).map((path) => basename(path)) }
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw storageError(error, 'create', { path: root })
  }
  throw new FoldlogError('NOT_A_LOG', `${root} is not a directory: name another --root`, { path: root })
}

/** Whether a file of the root says every line that it would have been written with. */
export function saysAll(root: string, name: string): boolean {
  try {
    const lines = new Set(readFileSync(`${root}/${name}`, 'utf8').split(/\r?\n/))
    return GIT_FILES[name]!.trimEnd()
      .split('\n')
      .every((line) => lines.has(line))
  } catch (error) {
    if (isMissing(error)) return false
    throw storageError(error, 'read', { path: `${root}/${name}` })
  }
}

async function print(call: Call, isCreated: boolean, written: readonly string[]): Promise<void> {
  const rows = [
    [isCreated ? 'created' : 'kept', `${call.root}/`, 'sessions: commit them'],
    ...Object.keys(GIT_FILES).map((name) => [
      written.includes(name) ? 'wrote' : 'kept',
      `${call.root}/${name}`,
      WHAT[name]!,
    ]),
  ].map((row) => row.map(plain))
  const wide = Math.max(...rows.map(([, path = '']) => path.length))
  for (const [what = '', path = '', text = ''] of rows)
    await call.out.line(`${padEnd(what, 8)} ${padEnd(path, wide)}  ${text}`)
}

/** A root is known for a shared one by its sessions, and there may be none yet. */
function sayShared(call: Call): void {
  call.out.say('all who write to a shared root have to say so; here, until a session is in it:')
  call.out.detail(`await openStore(${JSON.stringify(call.root)}, { shared: true })`)
  call.out.detail(call.command('import', '--shared'))
}
