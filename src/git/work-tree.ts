/**
 * Where a root lies in a work tree of git, and which roots of it were installed.
 */
import { resolve } from 'node:path'
import { FoldlogError } from '../errors.ts'
import { git, tryGit } from './run.ts'

/** Config of the repository, one value a root: its path in the work tree, `.` for the top. */
const ROOTS = 'foldlog.root'

export interface WorkTree {
  /** The top directory of the work tree. */
  readonly top: string
  /** Where the looked-up directory lies below it, with `/`; `.` for the top itself. */
  readonly prefix: string
  readonly hooks: string
  readonly infoAttributes: string
}

/** The work tree a directory lies in. Rejects with `NOT_FOUND` if it is in none. */
export async function workTreeOf(directory: string): Promise<WorkTree> {
  const asked = ['--show-toplevel', '--show-prefix', '--git-path', 'hooks', '--git-path', 'info/attributes']
  const { code, stdout, stderr } = await tryGit(directory, ['rev-parse', ...asked])
  if (code !== 0) {
    const message = `${directory} is in no work tree of git: run git init, or name another --root (${stderr.trim()})`
    throw new FoldlogError('NOT_FOUND', message, { path: directory })
  }
  const [top = '', prefix = '', hooks = '', infoAttributes = ''] = stdout.toString().split('\n')
  return {
    top,
    prefix: prefix.replace(/\/$/, '') || '.',
    hooks: resolve(directory, hooks),
    infoAttributes: resolve(directory, infoAttributes),
  }
}

/** The roots that were installed, as paths in the work tree, in no particular order. */
export async function installedRoots(top: string): Promise<readonly string[]> {
  const { code, stdout } = await tryGit(top, ['config', '--local', '-z', '--get-all', ROOTS])
  return code === 0
    ? stdout
        .toString()
        .split('\0')
        .filter((root) => root !== '')
    : []
}

/** Takes a root down as installed, once. */
export async function noteRoot(top: string, prefix: string): Promise<readonly string[]> {
  const known = await installedRoots(top)
  if (known.includes(prefix)) return known
  await git(top, ['config', '--local', '--add', ROOTS, prefix])
  return [...known, prefix]
}
