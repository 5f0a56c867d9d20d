/**
 * Opening what has to be a regular file.
 */
import type { Stats } from 'node:fs'
import { FoldlogError } from '../../errors.ts'
import { constants, io } from './io.ts'

// Windows has neither of the two; there every path that is opened is looked at first.
const NO_FOLLOW = constants.O_NOFOLLOW ?? 0
const NO_BLOCK = constants.O_NONBLOCK ?? 0
const SAFE = NO_FOLLOW | NO_BLOCK
export const TO_READ: number = constants.O_RDONLY | SAFE
/** To write in place: what is opened for appending writes at the end wherever it is told to. */
export const TO_OVERWRITE: number = constants.O_RDWR | SAFE
export const TO_APPEND: number = constants.O_RDWR | constants.O_APPEND | SAFE
export const TO_CREATE: number = TO_APPEND | constants.O_CREAT | constants.O_EXCL

/** Opens a regular file and nothing else; never waits for the other end of a FIFO. Throws what the system throws. */
export function openRegular(path: string, flags: number): { readonly fd: number; readonly stat: Stats } {
  if (NO_FOLLOW === 0 && io.lstatSync(path, { throwIfNoEntry: false })?.isSymbolicLink() === true) throw notALog(path)
  const fd = io.openSync(path, flags, 0o600)
  try {
    const stat = io.fstatSync(fd)
    if (!stat.isFile()) throw notALog(path)
    return { fd, stat }
  } catch (error) {
    closeQuietly(fd)
    throw error
  }
}

/** Closes a descriptor that was read from or synced. The system frees it even if it says that something failed. */
export function closeQuietly(fd: number): void {
  try {
    io.closeSync(fd)
  } catch {
    // What it was opened for is done, or has failed and is told.
  }
}

/** The refusal of something that is not a regular file. */
export function notALog(path: string): FoldlogError {
  return new FoldlogError('NOT_A_LOG', `${path} is not a regular file: move it away`, { path })
}
