/**
 * Finds the files that an import is about.
 */
import { readdir, realpath, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { FoldlogError, type ErrorCode } from '../errors.ts'

const CODES: ReadonlyMap<unknown, ErrorCode> = new Map<unknown, ErrorCode>([
  ['ENOENT', 'NOT_FOUND'],
  ['ENOTDIR', 'NOT_FOUND'],
  ['EACCES', 'STORAGE_DENIED'],
  ['EPERM', 'STORAGE_DENIED'],
])

/**
 * The files among `paths` and, below the directories among them, all whose name ends in one of `extensions`, sorted and
 * each once. Links are followed where they are named, not where they are found. A path that is not there is `NOT_FOUND`.
 */
export async function findFiles(paths: readonly string[], extensions: readonly string[]): Promise<readonly string[]> {
  const found = new Map<string, string>()
  const add = async (path: string): Promise<void> => {
    const real = await realpath(path)
    if (!found.has(real)) found.set(real, path)
  }
  for (const path of paths) {
    try {
      if (!(await stat(path)).isDirectory()) await add(path)
      else for (const each of await filesBelow(path, extensions)) await add(each)
    } catch (error) {
      throw readFailure(path, error)
    }
  }
  return [...found.values()].sort()
}

/** What the disk said about a file, as an error of foldlog. */
export function readFailure(path: string, cause: unknown): FoldlogError {
  const code = CODES.get((cause as { code?: unknown } | undefined)?.code) ?? 'STORAGE_FAILED'
  const what = code === 'NOT_FOUND' ? 'is not there' : 'cannot be read'
  return new FoldlogError(code, `${path} ${what}: check the path and its permissions`, { path, cause })
}

async function filesBelow(directory: string, extensions: readonly string[]): Promise<readonly string[]> {
  const entries = await readdir(directory, { withFileTypes: true, recursive: true })
  return entries
    .filter((entry) => entry.isFile() && extensions.some((extension) => entry.name.endsWith(extension)))
    .map((entry) => join(entry.parentPath, entry.name))
}
