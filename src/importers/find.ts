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

/** The files that were found, and what the disk did not let be looked into. */
export interface FoundFiles {
  readonly files: readonly string[]
  readonly failures: readonly FoldlogError[]
}

/**
 * The files among `paths` and, below the directories among them, all whose name ends in one of `extensions`, sorted and
 * each once. Links are followed where they are named, not where they are found. A path that is not there is `NOT_FOUND`; a
 * directory below one that was named stops nothing, whatever the disk says of it.
 */
export async function findFiles(paths: readonly string[], extensions: readonly string[]): Promise<FoundFiles> {
  const found = new Map<string, string>()
  const failures: FoldlogError[] = []
  const add = (real: string, path: string): void => {
    if (!found.has(real)) found.set(real, path)
  }
  for (const path of paths) {
    try {
      const real = await realpath(path)
      if (!(await stat(path)).isDirectory()) add(real, path)
      // No links are followed below it, so the real path of a file need not be asked for.
      else for (const names of await filesBelow(path, extensions, failures)) add(join(real, names), join(path, names))
    } catch (error) {
      throw readFailure(path, error)
    }
  }
  return { files: [...found.values()].sort(), failures }
}

/** What the disk said about a file, as an error of foldlog. */
export function readFailure(path: string, cause: unknown): FoldlogError {
  const code = CODES.get((cause as { code?: unknown } | undefined)?.code) ?? 'STORAGE_FAILED'
  const what = code === 'NOT_FOUND' ? 'is not there' : 'cannot be read'
  return new FoldlogError(code, `${path} ${what}: check the path and its permissions`, { path, cause })
}

/** The files below a directory, by their paths from it. Rejects with what the disk says of the directory itself. */
async function filesBelow(
  directory: string,
  extensions: readonly string[],
  failures: FoldlogError[],
): Promise<readonly string[]> {
  const found: string[] = []
  const waiting = ['']
  for (let below = waiting.pop(); below !== undefined; below = waiting.pop()) {
    try {
      for (const entry of await readdir(join(directory, below), { withFileTypes: true })) {
        const path = join(below, entry.name)
        if (entry.isDirectory()) waiting.push(path)
        else if (entry.isFile() && extensions.some((extension) => entry.name.endsWith(extension))) found.push(path)
      }
    } catch (error) {
      if (below === '') throw error
      failures.push(readFailure(join(directory, below), error))
    }
  }
  return found
}
