/**
 * The files of a root, looked at without opening one.
 */
import { closeSync, readSync, type Dirent } from 'node:fs'
import { readdir } from 'node:fs/promises'
import { basename, dirname, resolve } from 'node:path'
import type { SessionKey } from '../backend.ts'
import { isMissing, storageError } from '../backends/file/failure.ts'
import { openRegular, TO_READ } from '../backends/file/regular.ts'
import { isAside, namespacePath, parseFileName, TOMBSTONE_SEGMENT } from '../backends/file/paths.ts'
import { decodeName, encodeName } from '../name.ts'

const CHUNK_BYTES = 1 << 20

/** The ids of a namespace's sessions, in no particular order, without those that a tombstone keeps deleted. */
export async function sessionIds(root: string, namespace: string): Promise<readonly string[]> {
  const ids = new Set<string>()
  const buried = new Set<string>()
  for (const entry of await entries(namespacePath(root, namespace))) {
    const { session, segment } = (entry.isFile() ? parseFileName(entry.name) : undefined) ?? {}
    const id = session === undefined ? undefined : decodeName(session)
    if (id !== undefined) (segment === TOMBSTONE_SEGMENT ? buried : ids).add(id)
  }
  return [...ids].filter((id) => !buried.has(id))
}

/** The paths of a session's files: the first one, if it is there, and the segments in their order. */
export async function filesOf(root: string, { namespace, sessionId }: SessionKey): Promise<readonly string[]> {
  const directory = namespacePath(root, namespace)
  const session = encodeName(sessionId)
  const found: { readonly segment: string; readonly path: string }[] = []
  for (const entry of await entries(directory)) {
    const parsed = entry.isFile() ? parseFileName(entry.name) : undefined
    if (parsed?.session !== session) continue
    found.push({ segment: parsed.segment ?? '', path: `${directory}/${entry.name}` })
  }
  return found.sort((a, b) => (a.segment < b.segment ? -1 : 1)).map(({ path }) => path)
}

/** Whether a root is written to as a shared one: then some session in it has a segment, if only its tombstone. */
export async function hasSegments(root: string): Promise<boolean> {
  for (const directory of await entries(root)) {
    if (!directory.isDirectory() || decodeName(directory.name) === undefined) continue
    for (const entry of await entries(`${root}/${directory.name}`)) {
      const segment = entry.isFile() ? parseFileName(entry.name)?.segment : undefined
      // What a rewrite has left is no sign of it.
      if (segment !== undefined && !isAside(segment)) return true
    }
  }
  return false
}

/** The session that a file is of, and the root it is in; undefined if it is not named as a log is. */
export function sessionOfPath(path: string): { readonly root: string; readonly key: SessionKey } | undefined {
  const full = resolve(path)
  const directory = dirname(full)
  const namespace = decodeName(basename(directory))
  const session = parseFileName(basename(full))?.session
  const sessionId = session === undefined ? undefined : decodeName(session)
  if (namespace === undefined || sessionId === undefined) return undefined
  return { root: dirname(directory), key: { namespace, sessionId } }
}

/** The bytes of a file, up to where it ends now. Refuses what is not a regular file. */
export function* bytesOf(path: string): Generator<Buffer, void> {
  let fd = -1
  try {
    const opened = openRegular(path, TO_READ)
    fd = opened.fd
    for (let at = 0; at < opened.stat.size;) {
      const bytes = Buffer.allocUnsafe(Math.min(CHUNK_BYTES, opened.stat.size - at))
      const read = readSync(fd, bytes, 0, bytes.length, at)
      if (read === 0) return
      at += read
      yield bytes.subarray(0, read)
    }
  } catch (error) {
    throw storageError(error, 'read', { path })
  } finally {
    if (fd >= 0) closeSync(fd)
  }
}

async function entries(directory: string): Promise<readonly Dirent[]> {
  try {
    return await readdir(directory, { withFileTypes: true })
  } catch (error) {
    // A namespace that is not there has no sessions.
    if (isMissing(error)) return []
    throw storageError(error, 'list', { path: directory })
  }
}
