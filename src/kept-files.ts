/**
 * Attachments that are gone from `files/` and are kept beside it (docs/git.md): read, and brought back.
 */
import { createHash } from 'node:crypto'
import type { Backend } from './backend.ts'
import { FoldlogError, isFoldlogError } from './errors.ts'

/** The bytes of an attachment where they are: in `files/`, or only kept. Rejects with `NOT_FOUND`. */
export async function* readAny(backend: Backend, namespace: string, name: string): AsyncGenerator<Uint8Array> {
  try {
    yield* backend.files.read(namespace, name)
  } catch (error) {
    if (!isFoldlogError(error, 'NOT_FOUND') || backend.kept === undefined) throw error
    yield* backend.kept.read(namespace, name)
  }
}

/**
 * Brings back what files name (`sha256-…`) and `files/` has not, from what is kept; durably, where the backend is durable. Resolves with those of
 * which nothing that is intact is kept, sorted.
 */
export async function bringBack(
  backend: Backend,
  namespace: string,
  refs: Iterable<string>,
): Promise<readonly string[]> {
  const wanted = new Set(refs)
  if (wanted.size === 0) return []
  for (const { name, isLeftover } of await backend.files.list(namespace, ''))
    if (!isLeftover) wanted.delete(refIn(name))
  if (wanted.size === 0) return []
  for (const { name, isLeftover } of (await backend.kept?.list(namespace)) ?? []) {
    if (isLeftover || !wanted.has(refIn(name))) continue
    if (await isBroughtBack(backend, namespace, name)) wanted.delete(refIn(name))
  }
  return [...wanted].sort()
}

async function isBroughtBack(backend: Backend, namespace: string, name: string): Promise<boolean> {
  const hash = createHash('sha256')
  async function* checked(): AsyncGenerator<Uint8Array> {
    for await (const bytes of backend.kept!.read(namespace, name)) {
      hash.update(bytes)
      yield bytes
    }
    const message = `what is kept of ${name} is damaged`
    if (!name.startsWith(`${hash.digest('hex')}.`)) throw new FoldlogError('NOT_FOUND', message, { namespace })
  }
  try {
    await backend.files.write(namespace, checked(), () => name)
    return true
  } catch (error) {
    // Damaged, or forgotten since it was listed: nothing was stored.
    if (isFoldlogError(error, 'NOT_FOUND')) return false
    throw error
  }
}

function refIn(name: string): string {
  return `sha256-${name.slice(0, 64)}`
}
