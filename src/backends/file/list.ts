/**
 * Listings: one `readdir` of a namespace and one `stat` a file, no more.
 *
 * What is not a regular file, and whatever has a name that foldlog does not make, is not a session. Neither is one that has a
 * tombstone for a file; only files of just that size are read to know.
 */
import type { Stats } from 'node:fs'
import type { Cursor, Head } from '../../backend.ts'
import { decodeName } from '../../name.ts'
import { cursorPart, IN_LINE, inodeText, placeText } from './cursor.ts'
import { isMissing, storageError } from './failure.ts'
import { statNamespace } from './folders.ts'
import { io } from './io.ts'
import { logPath, namespacePath, parseFileName } from './paths.ts'
import type { LogFile } from './log-file.ts'
import { isTombstone } from './tombstone.ts'

/** The clocks of disks tick in up to two seconds: a change that close to the last one may leave no trace. */
const SETTLED_MS = 2000
const NO_THROW = { throwIfNoEntry: false } as const
const NAMED = { withFileTypes: true } as const

/** Every session of a namespace; empty if the namespace is not there. */
export function listHeads(root: string, namespace: string): readonly Head[] {
  const directory = namespacePath(root, namespace)
  const now = Date.now()
  const heads: Head[] = []
  const segmented = new Map<string, Map<string, Stats>>()
  const buried = new Set<string>()
  for (const file of namesIn(directory)) {
    const { session, segment } = parseFileName(file) ?? {}
    if (session === undefined) continue
    const stat = io.lstatSync(`${directory}/${file}`, NO_THROW)
    if (stat === undefined || !stat.isFile()) continue
    if (!buried.has(session) && isTombstone(`${directory}/${file}`, stat.size)) buried.add(session)
    if (segment !== undefined) {
      const files = segmented.get(session)
      if (files === undefined) segmented.set(session, new Map([[segment, stat]]))
      else files.set(segment, stat)
      continue
    }
    const sessionId = decodeName(session)
    if (sessionId !== undefined) heads.push(headOf(sessionId, stat, now))
  }
  if (segmented.size === 0 && buried.size === 0) return heads
  return without(buried, addSegments(heads, segmented, now))
}

function without(buried: ReadonlySet<string>, heads: readonly Head[]): readonly Head[] {
  if (buried.size === 0) return heads
  const ids = new Set([...buried].map(decodeName))
  return heads.filter(({ sessionId }) => !ids.has(sessionId))
}

function addSegments(heads: readonly Head[], segmented: Map<string, Map<string, Stats>>, now: number): readonly Head[] {
  const all = new Map(heads.map((head) => [head.sessionId, head]))
  for (const [session, files] of segmented) {
    const sessionId = decodeName(session)
    if (sessionId !== undefined) all.set(sessionId, combine(sessionId, all.get(sessionId), files, now))
  }
  return [...all.values()]
}

/** The state of one log in a listing, of the same version as in {@link listHeads}. */
export function headOfLog(log: LogFile, segments: readonly string[]): Head | undefined {
  const now = Date.now()
  const stat = io.lstatSync(log.path, NO_THROW)
  const first = stat?.isFile() === true ? headOf(log.key.sessionId, stat, now) : undefined
  if (first !== undefined && isTombstone(log.path, first.sizeBytes)) return undefined
  if (segments.length === 0) return first
  const files = new Map<string, Stats>()
  for (const segment of segments) {
    const path = logPath(log.directory, log.session, segment)
    const other = io.lstatSync(path, NO_THROW)
    if (other?.isFile() !== true) continue
    if (isTombstone(path, other.size)) return undefined
    files.set(segment, other)
  }
  return files.size === 0 ? first : combine(log.key.sessionId, first, files, now)
}

function combine(sessionId: string, first: Head | undefined, files: ReadonlyMap<string, Stats>, now: number): Head {
  const segments = [...files].sort(([a], [b]) => (a < b ? -1 : 1))
  const heads = segments.map(([, stat]) => headOf(sessionId, stat, now))
  const ends = segments.map(([segment, stat]) => cursorPart(segment, endOf(stat)))
  if (first !== undefined) heads.unshift(first)
  return {
    sessionId,
    version: heads.map((head) => head.version).join('+'),
    isSettled: heads.every((head) => head.isSettled),
    sizeBytes: heads.reduce((sum, head) => sum + head.sizeBytes, 0),
    end: [first?.end ?? '', ...ends].join('') as Cursor,
  }
}

function headOf(sessionId: string, stat: Stats, now: number): Head {
  const { mtimeMs, ctimeMs, size } = stat
  // Writing a fraction out is a fifth of a listing's time, and the two are equal unless someone set the one.
  const times = mtimeMs === ctimeMs ? `${mtimeMs}` : `${mtimeMs}.${ctimeMs}`
  return {
    sessionId,
    version: `${stat.dev}.${stat.ino}.${size}.${times}`,
    isSettled: now - mtimeMs >= SETTLED_MS && now - ctimeMs >= SETTLED_MS,
    sizeBytes: size,
    end: endOf(stat) as Cursor,
  }
}

/** Where a file ends, which may be in the middle of a line. */
function endOf({ size, ino }: Stats): string {
  return placeText(size, size === 0 ? '' : IN_LINE, inodeText(ino))
}

/** The namespaces of a root: the directories whose names are some namespace's. */
export function listNamespaces(root: string): readonly string[] {
  const names: string[] = []
  try {
    for (const entry of io.readdirSync(root, NAMED)) {
      const name = entry.isDirectory() ? decodeName(entry.name) : undefined
      if (name !== undefined) names.push(name)
    }
  } catch (error) {
    // A root is made with its first session.
    if (!isMissing(error)) throw storageError(error, 'list', { path: root })
  }
  return names
}

function namesIn(directory: string): readonly string[] {
  if (statNamespace(directory) === undefined) return []
  try {
    return io.readdirSync(directory)
  } catch (error) {
    // Removed since.
    if (isMissing(error)) return []
    throw storageError(error, 'list', { path: directory })
  }
}
