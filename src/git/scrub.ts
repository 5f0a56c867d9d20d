/**
 * Removes what a merge has brought back of redacted events, by redacting it again.
 *
 * The fold hides it already, since a redacted line beats the original wherever that comes back; this is about the bytes. What is back is seen in
 * the logs and nowhere else, so what was interrupted is found again, by the next merge or by `fsck`.
 */
import { closeSync } from 'node:fs'
import { chunksOf } from '../backends/file/chunks.ts'
import { namesIn } from '../backends/file/entries.ts'
import { isMissing, storageError } from '../backends/file/failure.ts'
import { openRegular, TO_READ } from '../backends/file/regular.ts'
import { namespacePath, parseFileName } from '../backends/file/paths.ts'
import { FoldlogError, isFoldlogError } from '../errors.ts'
import { decodeName } from '../name.ts'
import type { Redacted } from '../redact.ts'
import type { Store } from '../store.ts'

/** What was redacted again, or why it was not. */
type Scrubbed = Redacted | { readonly sessionId: string; readonly problem: FoldlogError }

/** What is in a log in which something was redacted, or was begun to be. */
const MARKS = ['"redacted":true', '"log.redacted"'] as const

/** Scrubs the logs of a namespace. Reads them all, but parses only those in which something was redacted. */
export async function* scrub(store: Store): AsyncGenerator<Scrubbed> {
  const returned: string[] = []
  for (const sessionId of redactedIn(namespacePath(store.root, store.name))) {
    if (await hasReturned(store, sessionId)) returned.push(sessionId)
  }
  if (returned.length === 0) return
  try {
    yield await store.redact({ returned: true })
  } catch (error) {
    if (!isFoldlogError(error)) throw error
    // One of them cannot be rewritten: the others can.
    for (const sessionId of returned) yield await scrubOne(store, sessionId)
  }
}

async function scrubOne(store: Store, sessionId: string): Promise<Scrubbed> {
  try {
    return await store.redact({ returned: true }, { sessionId })
  } catch (error) {
    if (error instanceof FoldlogError) return { sessionId, problem: error }
    throw error
  }
}

async function hasReturned(store: Store, sessionId: string): Promise<boolean> {
  try {
    for await (const { findings } of store.fsck(sessionId)) return findings.some(({ kind }) => kind === 'returned')
  } catch (error) {
    // It was deleted meanwhile.
    if (!isFoldlogError(error, 'NOT_FOUND')) throw error
  }
  return false
}

/** The sessions in one of whose files something was redacted. */
function redactedIn(directory: string): ReadonlySet<string> {
  const found = new Set<string>()
  for (const file of namesIn(directory)) {
    const session = parseFileName(file)?.session
    const sessionId = session === undefined ? undefined : decodeName(session)
    if (sessionId === undefined || found.has(sessionId)) continue
    if (hasMark(`${directory}/${file}`)) found.add(sessionId)
  }
  return found
}

function hasMark(path: string): boolean {
  let fd = -1
  try {
    const opened = openRegular(path, TO_READ)
    fd = opened.fd
    for (const { bytes } of chunksOf(fd, 0, opened.stat.size))
      if (MARKS.some((mark) => bytes.includes(mark))) return true
    return false
  } catch (error) {
    if (isMissing(error)) return false
    throw storageError(error, 'scrub', { path })
  } finally {
    if (fd >= 0) closeSync(fd)
  }
}
