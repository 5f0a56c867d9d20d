/**
 * Removes attachments that nothing names any more, what is kept of them, and what puts that were killed have left.
 *
 *     1. list     what is old enough; whatever is put or arrives later is not in it
 *     2. look     at all that may name a file
 *     3. sweep    what nothing names is put aside, where readers find it; what has changed is looked at again, and what is named by
 *                 now, or was put again, is put back
 */
import type { Backend, StoredFile } from './backend.ts'
import { FoldlogError } from './errors.ts'
import { Mentions, refOf } from './file-refs.ts'
import { rewritesOf } from './rewritable.ts'

export interface CollectOptions {
  /** In ms, default a day: what was put or came here within that time stays. A file is put before the line that names it. */
  readonly olderThan?: number
  /** Default false. True: nothing is removed, and the result is what would be. */
  readonly dryRun?: boolean
}

export interface Collected {
  /** The files that are gone, or would be, relative to `files/`. */
  readonly files: readonly { readonly name: string; readonly sizeBytes: number }[]
  readonly sizeBytes: number
}

const DAY_MS = 24 * 3600 * 1000
/** What looks left over and was written to within that time may still be on its way in. */
const STALE_MS = 3600 * 1000

/** Collects in a namespace. Rejects, and removes nothing, if a log cannot be read. */
export async function collectFiles(
  backend: Backend,
  namespace: string,
  { olderThan = DAY_MS, dryRun = false }: CollectOptions,
): Promise<Collected> {
  if (!(olderThan >= 0)) {
    throw new FoldlogError('INVALID_OPTION', 'olderThan: pass an age in milliseconds', { field: 'olderThan' })
  }
  const rewrites = rewritesOf(backend)
  const now = Date.now()
  const isOld = ({ isLeftover, time }: StoredFile): boolean =>
    time <= now - (isLeftover ? Math.max(olderThan, STALE_MS) : olderThan)
  const old = (await backend.files.list(namespace, '')).filter(isOld)
  const kept = ((await backend.kept?.list(namespace)) ?? []).filter(isOld)
  const mentions = new Mentions(backend, rewrites, namespace)
  await mentions.look()
  // What is not named by a hash is somebody else's.
  const isGarbage = ({ isLeftover, name }: StoredFile): boolean =>
    isLeftover || (refOf(name) !== undefined && !mentions.has(name))
  const garbage = old.filter(isGarbage)
  const keptGarbage = kept.filter(isGarbage)
  if (dryRun) return result([...garbage, ...keptGarbage])
  const recheck = async (): Promise<(name: string) => boolean> => {
    await mentions.look()
    return (name) => mentions.has(name)
  }
  // What is only kept goes last: a gc that is killed is completed by the next one.
  const removed = garbage.length === 0 ? [] : await rewrites.sweep(namespace, garbage, recheck)
  const forgotten = keptGarbage.length === 0 ? [] : await backend.kept!.sweep(namespace, keptGarbage, recheck)
  const gone = new Set([...removed, ...forgotten])
  return result([...garbage, ...keptGarbage].filter(({ name }) => gone.has(name)))
}

function result(files: readonly StoredFile[]): Collected {
  // What is kept of a file, too, is one file.
  const sizes = new Map(files.map(({ name, sizeBytes }) => [name, sizeBytes]))
  const named = [...sizes].map(([name, sizeBytes]) => Object.freeze({ name, sizeBytes }))
  const sizeBytes = named.reduce((sum, file) => sum + file.sizeBytes, 0)
  return Object.freeze({ files: Object.freeze(named.sort((a, b) => (a.name < b.name ? -1 : 1))), sizeBytes })
}
