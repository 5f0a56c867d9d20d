/**
 * Files that are written as a whole: under a name of their own first, then renamed, so that nobody ever sees
 * a part of one.
 */
import { newId } from '../../id.ts'
import { codeOf } from './failure.ts'
import { io } from './io.ts'

/** What Windows says of a file that somebody has open. */
const HELD: ReadonlySet<unknown> = new Set(['EPERM', 'EACCES', 'EBUSY'])
const PATIENCE_MS = 5000
const PAUSE_MS = 50

/** Writes `bytes` to `path`, replacing what is there. With `isLasting` they are on the disk before the rename. */
export async function writeWhole(path: string, bytes: Uint8Array, isLasting: boolean): Promise<void> {
  const slash = path.lastIndexOf('/')
  const aside = `${path.slice(0, slash)}/.${newId()}.tmp`
  const fd = io.openSync(aside, 'wx', 0o600)
  try {
    try {
      writeAll(fd, bytes, aside)
      if (isLasting) await syncData(fd)
    } finally {
      io.closeSync(fd)
    }
    await renameOver(aside, path)
  } catch (error) {
    removeQuietly(aside)
    throw error
  }
}

/**
 * Renames a file over another one. Windows refuses that while somebody has one of the two open (a virus scanner, an indexer, a reader): there it is
 * tried again for five seconds.
 */
export async function renameOver(from: string, to: string, platform: string = process.platform): Promise<void> {
  const deadline = performance.now() + PATIENCE_MS
  for (;;) {
    try {
      io.renameSync(from, to)
      return
    } catch (error) {
      if (platform !== 'win32' || !HELD.has(codeOf(error)) || performance.now() >= deadline) throw error
    }
    await new Promise((resolve) => setTimeout(resolve, PAUSE_MS))
  }
}

/** As `writeWhole`, of bytes that come piece by piece, into a directory; `pathOf` is called when all have come. */
export async function writeStream(
  directory: string,
  chunks: AsyncIterable<Uint8Array>,
  pathOf: () => string,
  isLasting: boolean,
): Promise<void> {
  const aside = `${directory}/.${newId()}.tmp`
  const fd = io.openSync(aside, 'wx', 0o600)
  try {
    try {
      for await (const bytes of chunks) writeAll(fd, bytes, aside)
      if (isLasting) await syncData(fd)
    } finally {
      io.closeSync(fd)
    }
    await renameOver(aside, pathOf())
  } catch (error) {
    removeQuietly(aside)
    throw error
  }
}

function writeAll(fd: number, bytes: Uint8Array, path: string): void {
  for (let at = 0; at < bytes.length;) {
    const written = io.writeSync(fd, bytes, at, bytes.length - at)
    if (written === 0) throw Object.assign(new Error(`nothing more is written to ${path}`), { code: 'ENOSPC' })
    at += written
  }
}

/** Makes what was written to a file last. */
export function syncData(fd: number): Promise<void> {
  return new Promise((resolve, reject) => {
    io.fdatasync(fd, (error) => (error ? reject(error) : resolve()))
  })
}

/** Removes a file that nobody reads, after a failure. */
export function removeQuietly(path: string): void {
  try {
    io.unlinkSync(path)
  } catch {
    // What failed first is what the caller has to know; what is left under such a name is nobody's.
  }
}
