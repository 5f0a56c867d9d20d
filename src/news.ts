/**
 * Whether a log is still what was read of it.
 */
import type { Backend, Cursor, LookOptions, SessionKey } from './backend.ts'
import { isFoldlogError } from './errors.ts'

/** Whether anything came to a log behind a place, or it is another log now. Looks. Rejects with `NOT_FOUND`. */
export async function hasNews(
  backend: Backend,
  key: SessionKey,
  after: Cursor,
  options: LookOptions = {},
): Promise<boolean> {
  try {
    for await (const { lines } of backend.read(key, { after, ...options })) if (lines.length > 0) return true
    return false
  } catch (error) {
    // What was known of it says nothing.
    if (isFoldlogError(error, 'STALE_CURSOR')) return true
    throw error
  }
}
