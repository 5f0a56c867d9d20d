/**
 * What is said of a log that is not there, or is there where none may be.
 */
import { FoldlogError } from '../../errors.ts'
import type { LogFile } from './log-file.ts'

/** The refusal of a log that is not there. */
export function missing(log: Pick<LogFile, 'key' | 'path'>): FoldlogError {
  return notThere(log, `there is no log of session ${log.key.sessionId} at ${log.path} (any more)`)
}

/** The refusal of a log that holds a tombstone. */
export function deleted(log: LogFile): FoldlogError {
  return notThere(log, `session ${log.key.sessionId} was deleted: a tombstone is at ${log.path}`)
}

function notThere(log: Pick<LogFile, 'key' | 'path'>, message: string): FoldlogError {
  return new FoldlogError('NOT_FOUND', message, { ...log.key, path: log.path })
}

/** The refusal of a place that is not what it was. */
export function stale(log: LogFile): FoldlogError {
  const message = `${log.path} is not what the cursor was made of any more: read it from the start`
  return new FoldlogError('STALE_CURSOR', message, { ...log.key, path: log.path })
}

/** The refusal to create what is there. */
export function exists(log: LogFile): FoldlogError {
  const message = `session ${log.key.sessionId} is there already: get it, or choose another id`
  return new FoldlogError('ALREADY_EXISTS', message, { ...log.key, path: log.path })
}

/** The refusal to create what was deleted for good. */
export function isFinal(log: LogFile): FoldlogError {
  const { sessionId } = log.key
  const message = `session ${sessionId} was deleted for good: choose another id, or purge it first in every copy`
  return new FoldlogError('ALREADY_EXISTS', message, { ...log.key, path: log.directory })
}
