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
import { entriesIn, namesIn } from './entries.ts'
import { statNamespace } from './folders.ts'
import { io } from './io.ts'
import { logPath, namespacePath, parseFileName } from './paths.ts'
import type { LogFile } from './log-file.ts'
import { isTombstone, TOMBSTONE } from './tombstone.ts'

/** The clocks of disks tick in up to two seconds: a change that close to the last one may leave no trace. */
const SETTLED_MS = 2000
const NO_THROW = { throwIfNoEntry: false } as const

/** Every session of a namespace; empty if the namespace is not there. */
export function listHeads(root: string, namespace: string): readonly Head[] {
  const directory = namespacePath(root, namespace)
  const now = Date.now()
  const heads: Head[] = []
  const segmented = new Map<string, Map<string, Stats>>()
  const buried = new Set<string>()
  for (const file of statNamespace(directory) === undefined ? [] : namesIn(directory)) {
    const name = parseFileName(file)
    if (name === undefined) continue
    const { session, segment } = name
    const path = `${directory}/${file}`
    const stat = io.lstatSync(path, NO_THROW)
    if (stat === undefined || !stat.isFile()) continue
    if (stat.size === TOMBSTONE.length && !buried.has(session) && isTombstone(path, stat.size)) buried.add(session)
    if (segment !== undefined) {
      const files = segmented.get(session)
      if (files === undefined) segmented.set(session, new Map([[segment, stat]]))
      else files.set(segment, stat)
      continue
    }
    const sessionId = decodeName(session)
    if (sessionId !== undefined) heads.push(new FileHead(sessionId, stat, now))
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
  const first = stat?.isFile() === true ? new FileHead(log.key.sessionId, stat, now) : undefined
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
  const heads: Head[] = segments.map(([, stat]) => new FileHead(sessionId, stat, now))
  const ends = segments.map(([segment, stat]) => cursorPart(segment, endOf(stat)))
  if (first !== undefined) heads.unshift(first)
  return {
    sessionId,
    version: heads.map((head) => head.version).join('.'),
    isSettled: heads.every((head) => head.isSettled),
    sizeBytes: heads.reduce((sum, head) => sum + head.sizeBytes, 0),
    end: [first?.end ?? '', ...ends].join('') as Cursor,
  }
}

/** A log of one file. */
class FileHead implements Head {
  readonly sessionId: string
  readonly version: string
  readonly isSettled: boolean
  readonly sizeBytes: number
  readonly #inode: number

  constructor(sessionId: string, stat: Stats, now: number) {
    this.sessionId = sessionId
    this.version = versionOf(stat)
    this.isSettled = now - stat.mtimeMs >= SETTLED_MS && now - stat.ctimeMs >= SETTLED_MS
    this.sizeBytes = stat.size
    this.#inode = stat.ino
  }

  /** Made when it is asked for, because a listing does not. */
  get end(): Cursor {
    return endOf({ size: this.sizeBytes, ino: this.#inode }) as Cursor
  }
}

const NUMBERS = new Float64Array(5)
const NUMBER_BYTES = Buffer.from(NUMBERS.buffer)

/** Equal exactly for equal numbers. Their bytes in one go take half the time of writing out each of them. */
function versionOf({ dev, ino, size, mtimeMs, ctimeMs }: Stats): string {
  NUMBERS[0] = dev
  NUMBERS[1] = ino
  NUMBERS[2] = size
  NUMBERS[3] = mtimeMs
  NUMBERS[4] = ctimeMs
  // The two times are equal unless someone set the one.
  return NUMBER_BYTES.toString('base64', 0, mtimeMs === ctimeMs ? 32 : 40)
}

/** Where a file ends, which may be in the middle of a line. */
function endOf({ size, ino }: Pick<Stats, 'size' | 'ino'>): string {
  return placeText(size, size === 0 ? '' : IN_LINE, inodeText(ino))
}

/** The namespaces of a root: the directories whose names are some namespace's. */
export function listNamespaces(root: string): readonly string[] {
  const names: string[] = []
  // A root is made with its first session.
  for (const entry of entriesIn(root)) {
    const name = entry.isDirectory() ? decodeName(entry.name) : undefined
    if (name !== undefined) names.push(name)
  }
  return names
}
