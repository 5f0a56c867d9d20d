/**
 * Whether a root can be written to and watched: tried with a log in a directory of its own, which is removed again.
 *
 *     <root>/.cache/doctor-XXXXXX/      a root in the root, on the same disk, ignored by git, seen by nobody who lists sessions
 */
import { mkdtempSync, rmdirSync, rmSync } from 'node:fs'
import { codeOf, storageError } from '../backends/file/failure.ts'
import { makeDirectory } from '../backends/file/folders.ts'
import { fileBackend } from '../backends/file/index.ts'
import { openStore } from '../store.ts'

const NAMESPACE = 'doctor'
const PATIENCE_MS = 5000
/** What is told later than this came from looking now and then and not from the system. */
const AT_ONCE_MS = 1500

/** How a change of another process would be seen. `why`: what was said about watching that got worse. */
export type Watched = { readonly kind: 'at-once' | 'late' | 'never'; readonly why?: string }

/** Writes a log, syncs it, watches it and deletes it. Rejects if it cannot be written, with what the system says. */
export async function tryRoot(root: string): Promise<Watched> {
  const cache = `${root}/.cache`
  let trial: string
  try {
    makeDirectory(cache)
    trial = mkdtempSync(`${cache}/doctor-`)
  } catch (error) {
    throw storageError(error, 'write in', { path: root })
  }
  try {
    return await watchWhileWriting(trial)
  } finally {
    rmSync(trial, { recursive: true, force: true })
    removeIfEmpty(cache)
  }
}

async function watchWhileWriting(trial: string): Promise<Watched> {
  // Two backends, because one is not told of what it does itself.
  const watching = fileBackend(trial)
  const writing = fileBackend(trial, { fsync: 'always' })
  const store = await openStore(writing, { namespace: NAMESPACE })
  let stop: (() => Promise<void>) | undefined
  try {
    const session = await store.create()
    let [why, hinted]: [string | undefined, (() => void) | undefined] = [undefined, undefined]
    const hint = new Promise<void>((resolve) => (hinted = resolve))
    let isListening = false
    stop = await watching.watch(NAMESPACE, {
      onHint: () => (isListening ? hinted?.() : undefined),
      onDegraded: (reason) => (why = reason),
    })
    isListening = true
    const since = performance.now()
    await session.set({ title: 'seen' })
    const isSeen = await within(hint, PATIENCE_MS)
    const kind = !isSeen ? 'never' : performance.now() - since < AT_ONCE_MS ? 'at-once' : 'late'
    await store.delete(session.id)
    return { kind, ...(why === undefined ? {} : { why }) }
  } finally {
    await stop?.()
    await store.close()
    await writing.close()
    await watching.close()
  }
}

async function within(what: Promise<void>, ms: number): Promise<boolean> {
  let timer: NodeJS.Timeout | undefined
  const patience = new Promise<false>((resolve) => {
    timer = setTimeout(() => resolve(false), ms)
  })
  try {
    return await Promise.race([what.then(() => true), patience])
  } finally {
    clearTimeout(timer)
  }
}

/** The directory may be older than the trial, or another trial may be in it. */
function removeIfEmpty(directory: string): void {
  try {
    rmdirSync(directory)
  } catch (error) {
    if (!['ENOTEMPTY', 'EEXIST', 'ENOENT'].includes(String(codeOf(error))))
      throw storageError(error, 'remove', { path: directory })
  }
}
