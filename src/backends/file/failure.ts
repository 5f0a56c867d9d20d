/**
 * What the disk answered → a FoldlogError with the code that tells the caller what to do.
 */
import { FoldlogError, type ErrorCode, type ErrorFacts } from '../../errors.ts'

// By number too: libuv knows no name for EDQUOT and reports it as UNKNOWN with errno -122 (Linux) or -69 (macOS).
const FULL: ReadonlySet<unknown> = new Set(['ENOSPC', 'EDQUOT', 'EFBIG', -28, -27, -122, -69])
const DENIED: ReadonlySet<unknown> = new Set(['EACCES', 'EPERM'])
const NO_LOG: ReadonlySet<unknown> = new Set(['ELOOP', 'EMLINK', 'EISDIR', 'ENXIO', 'EOPNOTSUPP'])
const MISSING: ReadonlySet<unknown> = new Set(['ENOENT', 'ENOTDIR'])

interface SystemFailure {
  readonly code?: unknown
  readonly errno?: unknown
}

/** The system's name of an error, if it is one of the system's. */
export function codeOf(error: unknown): unknown {
  return (error as SystemFailure | undefined)?.code
}

/** Whether the system says that there is no such file. */
export function isMissing(error: unknown): boolean {
  return MISSING.has(codeOf(error))
}

/** `error` as a FoldlogError about `what`; one that is a FoldlogError already stays as it is. */
export function storageError(error: unknown, what: string, facts: ErrorFacts = {}): FoldlogError {
  if (error instanceof FoldlogError) return error
  const { code, message } = kindOf(error)
  const path = facts.path === undefined ? '' : ` ${facts.path}`
  const { eventIds, ...rest } = facts
  const isUnknown = eventIds !== undefined && (code === 'STORAGE_FULL' || code === 'STORAGE_FAILED')
  return new FoldlogError(code, `cannot ${what}${path}: ${message}`, {
    ...rest,
    ...(isUnknown ? { eventIds } : {}),
    cause: error,
  })
}

function kindOf(error: unknown): { code: ErrorCode; message: string } {
  const { code, errno } = (error ?? {}) as SystemFailure
  const shown = String(code === undefined || code === 'UNKNOWN' ? (errno ?? error) : code)
  if (FULL.has(code) || (typeof errno === 'number' && FULL.has(errno) && isUnnamed(code))) {
    return {
      code: 'STORAGE_FULL',
      message: `no space is left (${shown}): make room, then repeat the call with its key`,
    }
  }
  if (code === 'EROFS') {
    return {
      code: 'STORAGE_DENIED',
      message: `the disk is read-only (${shown}): mount it to write, or write elsewhere`,
    }
  }
  if (DENIED.has(code)) {
    return { code: 'STORAGE_DENIED', message: `no permission (${shown}): check the mode of the file and its directory` }
  }
  if (NO_LOG.has(code)) {
    return { code: 'NOT_A_LOG', message: `it is not a regular file (${shown}): move it away` }
  }
  return {
    code: 'STORAGE_FAILED',
    message: `the disk refused (${shown}): look at the disk, then repeat the call with its key`,
  }
}

/** The refusal of a backend that was closed. */
export function closed(root: string): FoldlogError {
  return new FoldlogError('CLOSED', `the backend of ${root} is closed: open the store again`, { path: root })
}

function isUnnamed(code: unknown): boolean {
  return code === undefined || code === 'UNKNOWN'
}

/** What `call` answers; what it throws as a FoldlogError. */
export function typed<T>(what: string, path: string, call: () => T): T {
  try {
    return call()
  } catch (error) {
    throw storageError(error, what, { path })
  }
}
