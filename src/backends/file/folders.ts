/**
 * The root and its namespaces as directories: made on the first session, private, never links.
 */
import type { Stats } from 'node:fs'
import { dirname } from 'node:path'
import { FoldlogError } from '../../errors.ts'
import { codeOf, storageError } from './failure.ts'
import { constants, io } from './io.ts'
import { closeQuietly } from './regular.ts'

/** Which files git does not look at. */
export const GIT_IGNORE = '.gitignore'
const MODE = 0o700
const NO_THROW = { throwIfNoEntry: false } as const
const NAMED = { withFileTypes: true } as const
const IGNORED: ReadonlySet<string> = new Set(['.cache', '.live'])
/** What git has to know of a root, by the name of the file that says it. */
export const GIT_FILES: Readonly<Record<string, string>> = {
  '.gitattributes':
    '*.jsonl merge=union text eol=lf diff=foldlog linguist-generated\n' +
    '**/files/** -text -diff -merge -linguist-generated\n',
  [GIT_IGNORE]: '.cache/\n.live/\n',
}

/** Makes a namespace's directory, and the root with what git needs in it. Returns the paths that changed. */
export function makeNamespace(root: string, directory: string): readonly string[] {
  const isThere = statNamespace(directory) !== undefined
  const changed = [root]
  try {
    if (isThere && (hasGitFiles(root) || !isBare(root))) return []
    const first = io.mkdirSync(root, { recursive: true, mode: MODE })
    // Each directory that was made is an entry of the one above.
    if (first !== undefined) {
      for (let path = root; path.length >= first.length; path = dirname(path)) changed.push(dirname(path))
    }
    if (!hasGitFiles(root) && isBare(root)) changed.push(...writeGitFiles(root))
    makeDirectory(directory)
  } catch (error) {
    throw storageError(error, 'create', { path: directory })
  }
  return changed
}

function hasGitFiles(root: string): boolean {
  return Object.keys(GIT_FILES).every((name) => io.lstatSync(`${root}/${name}`, NO_THROW) !== undefined)
}

/** Whether a root is empty but for what an attempt that failed has left, or git, which took the logs away with their branch and left what it ignores. */
function isBare(root: string): boolean {
  return io.readdirSync(root, NAMED).every((entry) => {
    if (entry.name in GIT_FILES || entry.name === '.git') return true
    return entry.isDirectory() && isLeft(`${root}/${entry.name}`)
  })
}

/** Whether a directory holds what git ignores, and nothing else. */
function isLeft(directory: string): boolean {
  try {
    const names = io.readdirSync(directory)
    return names.length > 0 && names.every((name) => IGNORED.has(name))
  } catch {
    // Somebody else's, or just removed: then it is not what git has left.
    return false
  }
}

/** Makes one directory; one that is there is fine. Returns whether it was made. */
export function makeDirectory(directory: string): boolean {
  try {
    io.mkdirSync(directory, { mode: MODE })
    return true
  } catch (error) {
    if (codeOf(error) !== 'EEXIST') throw error
    refuseForeign(directory, io.lstatSync(directory))
    return false
  }
}

/**
 * Makes a directory for what is never committed. It says so itself, and that is ignored, too: the `.gitignore` of the root is not there on a
 * branch without the root.
 */
export function makeIgnored(directory: string): void {
  makeDirectory(directory)
  writeNew(`${directory}/${GIT_IGNORE}`, '*\n')
}

/** The state of a directory of ours; undefined if it is missing. Rejects a link or a file with `NOT_A_LOG`. */
export function statNamespace(directory: string): Stats | undefined {
  let stat: Stats | undefined
  try {
    stat = io.lstatSync(directory, { throwIfNoEntry: false })
  } catch (error) {
    // The root is no directory, or may not be looked into.
    throw storageError(error, 'use', { path: directory })
  }
  if (stat !== undefined) refuseForeign(directory, stat)
  return stat
}

/** Rejects what is no directory with `NOT_A_LOG`. `stat` is of the path itself, not of what a link leads to. */
function refuseForeign(directory: string, stat: Stats): void {
  if (stat.isDirectory()) return
  throw new FoldlogError(
    'NOT_A_LOG',
    `${directory} is not a directory: a namespace, and files/ in it, must be one, and not a link`,
    {
      path: directory,
    },
  )
}

/** Writes what git needs into a root, unless it is there. Returns the files that were written. */
export function writeGitFiles(root: string): readonly string[] {
  const files = Object.entries(GIT_FILES).map(([name, text]) => ({ path: `${root}/${name}`, text }))
  return files.filter(({ path, text }) => writeNew(path, text)).map(({ path }) => path)
}

/** Writes a small file, unless it is there. Returns whether it was written. */
function writeNew(path: string, text: string): boolean {
  let fd: number
  try {
    fd = io.openSync(path, 'wx', 0o600)
  } catch (error) {
    // Somebody else's, or written by a process that creates the same directory now.
    if (codeOf(error) === 'EEXIST') return false
    throw error
  }
  try {
    io.writeSync(fd, text)
  } catch (error) {
    // Half a file would be taken for the user's own by the next attempt.
    io.unlinkSync(path)
    throw error
  } finally {
    io.closeSync(fd)
  }
  return true
}

/** Makes a change to a directory's entries, or a small file, last. Systems that cannot open directories need no such thing. */
export function syncDirectory(directory: string): Promise<void> {
  let fd: number
  try {
    fd = io.openSync(directory, constants.O_RDONLY)
  } catch (error) {
    if (['EISDIR', 'EPERM', 'EACCES', 'ENOENT'].includes(String(codeOf(error)))) return Promise.resolve()
    return Promise.reject(error)
  }
  return new Promise((resolve, reject) => {
    io.fsync(fd, (error) => {
      closeQuietly(fd)
      if (!error || ['EINVAL', 'EPERM', 'EBADF'].includes(String(codeOf(error)))) resolve()
      else reject(error)
    })
  })
}
