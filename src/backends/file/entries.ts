/**
 * What a directory holds. One that is not there, or was removed meanwhile, holds nothing.
 */
import type { Dirent } from 'node:fs'
import { isMissing, storageError } from './failure.ts'
import { io } from './io.ts'

/** The names in a directory. Throws a FoldlogError if it cannot be listed. */
export function namesIn(directory: string): readonly string[] {
  return listed(directory, () => io.readdirSync(directory))
}

/** As `namesIn`, each with what it is. */
export function entriesIn(directory: string): readonly Dirent[] {
  return listed(directory, () => io.readdirSync(directory, { withFileTypes: true }))
}

function listed<T>(directory: string, list: () => readonly T[]): readonly T[] {
  try {
    return list()
  } catch (error) {
    if (isMissing(error)) return []
    throw storageError(error, 'list', { path: directory })
  }
}
