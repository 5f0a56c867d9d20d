/**
 * Reads a file of the caller's, wherever it lies: the one place outside of roots that is read for a session.
 */
import { open, stat } from 'node:fs/promises'
import { FoldlogError } from './errors.ts'

const MISSING: ReadonlySet<unknown> = new Set(['ENOENT', 'ENOTDIR'])

/** The bytes of a regular file, piece by piece. Rejects with `NOT_FOUND`, `INVALID_OPTION` for what is no file, `STORAGE_DENIED`, `STORAGE_FAILED`. */
export async function* readLocal(path: string): AsyncGenerator<Uint8Array> {
  try {
    // Looked at first, because opening a pipe would wait for somebody to write.
    if (!(await stat(path)).isFile())
      throw new FoldlogError('INVALID_OPTION', `${path} is no regular file: pass its bytes as a stream`, { path })
    await using file = await open(path)
    yield* file.createReadStream({ highWaterMark: 1 << 18, autoClose: false })
  } catch (error) {
    throw failureOf(path, error)
  }
}

function failureOf(path: string, error: unknown): FoldlogError {
  if (error instanceof FoldlogError) return error
  const code = (error as { readonly code?: unknown }).code
  const facts = { path, cause: error }
  if (MISSING.has(code)) return new FoldlogError('NOT_FOUND', `there is no file ${path}: pass a path, or bytes`, facts)
  const isDenied = code === 'EACCES' || code === 'EPERM'
  return new FoldlogError(isDenied ? 'STORAGE_DENIED' : 'STORAGE_FAILED', `cannot read ${path}: ${String(code)}`, facts)
}
