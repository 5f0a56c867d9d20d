/**
 * Bytes on disk, by what they are for. Sizes are those of files, not of the blocks they take.
 */
import { lstatSync } from 'node:fs'
import { readdir } from 'node:fs/promises'
import { isMissing, storageError } from '../backends/file/failure.ts'
import { filesPath, namespacePath, parseAttachment, parseFileName, TOMBSTONE_SEGMENT } from '../backends/file/paths.ts'
import { refOf } from '../file-refs.ts'
import { decodeName } from '../name.ts'
import { bytesOf } from './files.ts'

/** The files of one session. */
export interface SessionSize {
  readonly id: string
  logBytes: number
  segmentBytes: number
  segmentCount: number
  /** A tombstone keeps it deleted. */
  isDeleted: boolean
  readonly paths: string[]
}

export interface NamespaceSize {
  readonly namespace: string
  /** The largest first. */
  readonly sessions: readonly SessionSize[]
  /** The bytes of each attachment, by its `sha256-…`, or by its name if that is no hash. */
  readonly files: ReadonlyMap<string, number>
  /** Left of writes and collections that were killed. */
  readonly leftoverBytes: number
  readonly cacheBytes: number
  readonly liveBytes: number
}

export async function sizeOf(root: string, namespace: string): Promise<NamespaceSize> {
  const directory = namespacePath(root, namespace)
  const sessions = new Map<string, SessionSize>()
  for (const name of await namesIn(directory)) {
    const { segment, session } = parseFileName(name) ?? {}
    const id = session === undefined ? undefined : decodeName(session)
    const path = `${directory}/${name}`
    const bytes = id === undefined ? undefined : bytesAt(path)
    if (id !== undefined && bytes !== undefined) take(sessions, id, segment, path, bytes)
  }
  const bySize = [...sessions.values()].sort((a, b) => logBytesOf(b) - logBytesOf(a) || (a.id < b.id ? -1 : 1))
  const cacheBytes = await bytesBelow(`${directory}/.cache`)
  return {
    namespace,
    sessions: bySize,
    ...(await attachments(filesPath(root, namespace))),
    cacheBytes,
    liveBytes: await bytesBelow(`${directory}/.live`),
  }
}

export function logBytesOf({ logBytes, segmentBytes }: SessionSize): number {
  return logBytes + segmentBytes
}

/** The attachments that the bytes of a session name, damaged lines and removed messages too. */
export function filesNamed({ paths }: SessionSize): ReadonlySet<string> {
  const refs = new Set<string>()
  for (const path of paths) {
    let end = ''
    for (const bytes of bytesOf(path)) {
      // Hashes are of one byte a character; one may lie across two pieces.
      const text = end + bytes.toString('latin1')
      for (const [ref] of text.matchAll(/sha256-[0-9a-f]{64}/g)) refs.add(ref)
      end = text.slice(-REF_LENGTH + 1)
    }
  }
  return refs
}

const REF_LENGTH = 'sha256-'.length + 64

function take(
  sessions: Map<string, SessionSize>,
  id: string,
  segment: string | undefined,
  path: string,
  bytes: number,
): void {
  let size = sessions.get(id)
  if (size === undefined) {
    size = { id, logBytes: 0, segmentBytes: 0, segmentCount: 0, isDeleted: false, paths: [] }
    sessions.set(id, size)
  }
  size.paths.push(path)
  if (segment === undefined) size.logBytes += bytes
  else {
    size.segmentBytes += bytes
    size.segmentCount++
    if (segment === TOMBSTONE_SEGMENT) size.isDeleted = true
  }
}

async function attachments(directory: string): Promise<Pick<NamespaceSize, 'files' | 'leftoverBytes'>> {
  const files = new Map<string, number>()
  let leftoverBytes = 0
  for (const entry of await namesIn(directory)) {
    const parsed = parseAttachment(entry)
    const bytes = parsed === undefined ? undefined : bytesAt(`${directory}/${entry}`)
    if (parsed === undefined || bytes === undefined) continue
    if (parsed.kind !== 'file') leftoverBytes += bytes
    else {
      const ref = refOf(parsed.name) ?? parsed.name
      files.set(ref, (files.get(ref) ?? 0) + bytes)
    }
  }
  return { files, leftoverBytes }
}

async function bytesBelow(directory: string): Promise<number> {
  let sum = 0
  for (const name of await namesIn(directory, true)) sum += bytesAt(`${directory}/${name}`) ?? 0
  return sum
}

async function namesIn(directory: string, recursive = false): Promise<readonly string[]> {
  try {
    return await readdir(directory, { recursive })
  } catch (error) {
    // What is not there takes nothing.
    if (isMissing(error)) return []
    throw storageError(error, 'list', { path: directory })
  }
}

/** The bytes of a regular file; undefined for anything else, and for what is gone by now. */
function bytesAt(path: string): number | undefined {
  try {
    const stat = lstatSync(path)
    return stat.isFile() ? stat.size : undefined
  } catch (error) {
    if (isMissing(error)) return undefined
    throw storageError(error, 'look at', { path })
  }
}
