/**
 * A segment that this process alone writes to, in a shared root.
 *
 *     <session>.<ulid>.jsonl
 *
 * Invariants held here:
 *  - I1 A written line is never changed, moved or cut; a torn one is sealed by the next write.
 *  - A segment appears under its name with its first lines in it.
 *  - Lines are in only if the file is at its path afterwards, grown by just that much. It is for the caller to write them
 *    to another segment if not, and never to this one again.
 */
import type { NewLine, SessionKey } from '../../backend.ts'
import { newId } from '../../id.ts'
import { encodeLines } from './encode.ts'
import { isMissing } from './failure.ts'
import { io } from './io.ts'
import { LogFile } from './log-file.ts'
import { openRegular, TO_APPEND, TO_CREATE } from './regular.ts'
import type { Segments } from './segments.ts'
import type { Syncer } from './sync.ts'
import { removeQuietly } from './whole-file.ts'
import { shortWrite } from './write.ts'

const NO_THROW = { throwIfNoEntry: false } as const

/** Makes a segment that holds these lines; undefined if it was not at its path afterwards. */
export function beginSegment(
  root: string,
  key: SessionKey,
  lines: readonly NewLine[],
  segments: Segments,
  sync: Syncer,
): LogFile | undefined {
  const own = new LogFile(root, key, newId())
  const aside = `${own.directory}/.${own.segment}.tmp`
  const { fd, stat } = openRegular(aside, TO_CREATE)
  own.open(fd, stat)
  try {
    write(own, lines)
    segments.addDuring(own.directory, own.session, own.segment, () => io.renameSync(aside, own.path))
  } catch (error) {
    own.close()
    removeQuietly(aside)
    throw error
  }
  sync.wrote(own, lines)
  sync.changed(own.directory)
  if (isGrown(own, lines)) return own
  own.close()
  return undefined
}

/**
 * Writes lines behind those of a segment, first of all those that a failed sync may have lost. False if it was not at
 * its path afterwards. `isAsLeft` was asked right before.
 */
export function extendSegment(own: LogFile, given: readonly NewLine[], sync: Syncer): boolean {
  if (own.fd < 0 && !reopen(own)) return false
  if (own.isUncertain) own.know(own.fd, io.fstatSync(own.fd))
  const lines = own.mustRewrite ? [...own.unsynced.flat(), ...given] : given
  const length = write(own, lines)
  if (own.mustRewrite) {
    own.unsynced = []
    own.mustRewrite = false
  }
  sync.wrote(own, lines)
  return isGrown(own, lines, length)
}

/** Whether a segment is at its path as this process left it, up to what a failed write may have added. */
export function isAsLeft(own: LogFile): boolean {
  const stat = io.lstatSync(own.path, NO_THROW)
  if (stat === undefined || !own.isSame(stat)) return false
  return own.isUncertain ? stat.size >= own.size : stat.size === own.size
}

/** Writes the lines in one call and answers how many bytes that were. */
function write(own: LogFile, lines: readonly NewLine[]): number {
  const { bytes, length } = encodeLines(lines, !own.endsWithLf)
  let written = 0
  try {
    written = io.writeSync(own.fd, bytes, 0, length)
  } finally {
    if (written !== length) own.isUncertain = true
  }
  if (written !== length) throw shortWrite(own, written, length)
  return length
}

function isGrown(own: LogFile, lines: readonly NewLine[], length?: number): boolean {
  const stat = io.lstatSync(own.path, NO_THROW)
  if (stat === undefined || !own.isSame(stat)) return false
  if (length !== undefined && stat.size !== own.size + length) return false
  own.extend(lines, stat)
  // Once for each segment: from then on its own lines are known to have been passed over.
  if (own.surveyedTo !== own.size) own.surveyRest()
  return true
}

/** Opens a segment again; false if it is not the one that was left, though it may have its inode. */
function reopen(own: LogFile): boolean {
  try {
    const { end, isUncertain } = own
    const { fd, stat } = openRegular(own.path, TO_APPEND)
    const isSame = own.isSame(stat)
    own.open(fd, stat)
    own.look(fd, stat.size)
    return isSame && (isUncertain || own.end === end)
  } catch (error) {
    if (isMissing(error)) return false
    throw error
  }
}
