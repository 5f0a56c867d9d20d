/**
 * Removes the files of a log.
 */
import type { LogFile } from './log-file.ts'
import { notALog } from './regular.ts'
import { isMissing, storageError } from './failure.ts'
import { io } from './io.ts'
import { logPath } from './paths.ts'
import type { Segments } from './segments.ts'

const NO_THROW = { throwIfNoEntry: false } as const

/** Unlinks a log's first file, then its segments; false if there was none. Rejects what is no log. */
export function removeLog(log: LogFile, segments: Segments): boolean {
  const others = segments.of(log.directory, log.session)
  // The first file goes first: from then on no process can append to it by its path.
  // A tombstone has the first name of all segments and goes last: nothing that it hides comes back meanwhile.
  const paths = [log.path, ...[...others].reverse().map((segment) => logPath(log.directory, log.session, segment))]
  let wasThere = false
  for (const path of paths) {
    try {
      const stat = io.lstatSync(path, NO_THROW)
      if (stat === undefined) continue
      if (!stat.isFile()) throw notALog(path)
      segments.keepDuring(log.directory, () => io.unlinkSync(path))
      wasThere = true
    } catch (error) {
      // Removed by someone else at the same time.
      if (!isMissing(error)) throw storageError(error, 'remove', { ...log.key, path })
    }
  }
  if (others.length > 0) segments.forget(log.directory)
  return wasThere
}
