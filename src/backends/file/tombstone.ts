/**
 * Tombstones: what is left of a session that was deleted in a shared root (docs/format.md §8.1).
 *
 *     <session>.00000000000000000000000000.jsonl    the tombstone and nothing else; every other file has the same content
 *
 * The same bytes for every session and in every copy, so that two deletions never conflict. In a file of its own, too,
 * because a sync that never overwrites brings only that one.
 *
 * Invariant held here: I1, files are replaced as a whole. The rename of the first tombstone deletes the session; what a
 * crash after it leaves is hidden, and scrubbed by the next deletion.
 */
import { storageError } from './failure.ts'
import { io } from './io.ts'
import type { LogFile } from './log-file.ts'
import { notALog, openRegular, TO_READ } from './regular.ts'
import { logPath, TOMBSTONE_SEGMENT } from './paths.ts'
import type { Segments } from './segments.ts'

/** The bytes of a file that was replaced by the tombstone. */
export const TOMBSTONE: Buffer = Buffer.from(
  `{"v":1,"id":"${TOMBSTONE_SEGMENT}","type":"session.deleted","time":"1970-01-01T00:00:00.000Z","data":{}}\n`,
)

const NO_THROW = { throwIfNoEntry: false } as const

/** Whether a file of this size is a tombstone. Reads it only if it may be one; what cannot be read is none. */
export function isTombstone(path: string, sizeBytes: number): boolean {
  if (sizeBytes !== TOMBSTONE.length) return false
  let fd = -1
  try {
    fd = openRegular(path, TO_READ).fd
    const bytes = Buffer.alloc(sizeBytes)
    return io.readSync(fd, bytes, 0, sizeBytes, 0) === sizeBytes && bytes.equals(TOMBSTONE)
  } catch {
    // Vanished, or not ours to read: whoever reads the log itself is told.
    return false
  } finally {
    if (fd >= 0) io.closeSync(fd)
  }
}

/** Whether one of a log's files is a tombstone. */
export function isBuried(log: LogFile, segments: Segments): boolean {
  return filesOf(log, segments).some(({ path, sizeBytes }) => isTombstone(path, sizeBytes))
}

/**
 * Replaces every file of a log by the tombstone; false if there was none, or if the log was deleted already: then only
 * what came since is replaced. With `isLasting` each tombstone is on the disk before it takes its place.
 */
export async function bury(log: LogFile, segments: Segments, isLasting: boolean): Promise<boolean> {
  // Loaded here: a listing looks for tombstones, writes none, and would pay for what makes unique names.
  const { writeWhole } = await import('./whole-file.ts')
  const wasThere = filesOf(log, segments).length > 0
  if (!wasThere) return false
  const wasBuried = isBuried(log, segments)
  const path = logPath(log.directory, log.session, TOMBSTONE_SEGMENT)
  try {
    if (!isTombstone(path, io.lstatSync(path, NO_THROW)?.size ?? -1)) await writeWhole(path, TOMBSTONE, isLasting)
    // Whoever looked before the tombstone was there may have begun another segment since.
    for (let left; (left = unburied(log, segments)).length > 0;) {
      for (const file of left) await writeWhole(file.path, TOMBSTONE, isLasting)
    }
  } catch (error) {
    throw storageError(error, 'delete', { ...log.key, path })
  }
  return !wasBuried
}

interface Found {
  readonly path: string
  readonly sizeBytes: number
}

function unburied(log: LogFile, segments: Segments): readonly Found[] {
  return filesOf(log, segments).filter(({ path, sizeBytes }) => !isTombstone(path, sizeBytes))
}

/** The files of a log that are there. Rejects what is not a regular file with `NOT_A_LOG`. */
function filesOf(log: LogFile, segments: Segments): readonly Found[] {
  const found: Found[] = []
  for (const segment of ['', ...segments.of(log.directory, log.session)]) {
    const path = logPath(log.directory, log.session, segment)
    const stat = io.lstatSync(path, NO_THROW)
    if (stat === undefined) continue
    if (!stat.isFile()) throw notALog(path)
    found.push({ path, sizeBytes: stat.size })
  }
  return found
}
