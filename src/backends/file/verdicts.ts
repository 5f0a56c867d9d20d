/**
 * What the files of a log say about guarded lines, remembered from read to read, so that following a log does not start over.
 */
import { chunksOf, lineBefore } from './chunks.ts'
import { markOf } from './cursor.ts'
import { Guards, verdictLine } from './guard.ts'
import type { LogFile } from './log-file.ts'

/** One of the files of a log: what is to be known of it ends at `to`, where a line ends or within one. */
interface GuardedFile {
  /** The ULID of the segment; empty for the first file. */
  readonly segment: string
  readonly inode: string
  readonly fd: number
  readonly to: number
}

const known = new WeakMap<LogFile, Guards>()

/** The guards of a log, up to these places at least. Reads only what was not read before, unless a file is not what it was. */
export function verdictsOf(log: LogFile, files: readonly GuardedFile[]): Guards {
  let guards = known.get(log)
  if (guards === undefined || !files.every((file) => isContinued(file, guards!)))
    known.set(log, (guards = new Guards()))
  for (const { segment, inode, fd, to } of files) {
    for (const chunk of chunksOf(fd, guards.fed(segment)?.upTo ?? 0, to)) guards.feed(segment, inode, chunk)
  }
  const open = guards.open()
  log.verdicts = open.length === 0 ? undefined : open.map((id) => verdictLine('log.kept', id))
  return guards
}

function isContinued({ segment, inode, fd }: GuardedFile, guards: Guards): boolean {
  const fed = guards.fed(segment)
  if (fed === undefined) return true
  if (fed.inode !== inode) return false
  const line = lineBefore(fd, fed.upTo)
  return line !== undefined && markOf(line, 0, line.length) === fed.mark
}
