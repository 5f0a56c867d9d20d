/**
 * What the file backend can do besides appending: replace logs (rewrite.ts), keep damaged bytes aside, remove attachments and what caches
 * say.
 *
 *     <namespace>/.cache/quarantine/<session>.<ulid>.jsonl    bytes that were no events
 */
import type { Rewrite, Rewrites, Rewritten, SessionKey } from '../../backend.ts'
import { newId } from '../../id.ts'
import { chunksOf, eachLine } from './chunks.ts'
import { isMissing, storageError } from './failure.ts'
import { makeDirectory, statNamespace, syncDirectory } from './folders.ts'
import { io } from './io.ts'
import { openRegular, TO_OVERWRITE } from './log-file.ts'
import type { Logs } from './logs.ts'
import { attachmentPath, namespacePath } from './paths.ts'
import { LF } from './prefix.ts'
import { OUTBOX } from './outbox.ts'
import { leftoversOf, rewriteLog } from './rewrite.ts'
import type { Segments } from './segments.ts'
import { writeWhole } from './whole-file.ts'

const NAMED = { withFileTypes: true } as const
/** What caches and drafts are kept in. Locks and files being made, which are in `rewrite`, are no cache. */
const DISPOSABLE = ['.cache', '.cache/quarantine', '.cache/outbox', '.live'] as const

export class FileRewrites implements Rewrites {
  readonly #root: string
  readonly #logs: Logs
  readonly #segments: Segments

  constructor(root: string, logs: Logs, segments: Segments) {
    this.#root = root
    this.#logs = logs
    this.#segments = segments
  }

  async rewrite(key: SessionKey, rewrite: Rewrite): Promise<Rewritten> {
    return rewriteLog(this.#logs.get(key), this.#segments, rewrite)
  }

  async leftovers(key: SessionKey): Promise<readonly string[]> {
    return leftoversOf(this.#logs.get(key), this.#segments)
  }

  async quarantine(key: SessionKey, bytes: Uint8Array): Promise<string> {
    const { directory, session } = this.#logs.get(key)
    const path = `${directory}/.cache/quarantine/${session}.${newId()}.jsonl`
    try {
      makeDirectory(`${directory}/.cache`)
      makeDirectory(`${directory}/.cache/quarantine`)
      await writeWhole(path, bytes, true)
      await syncDirectory(`${directory}/.cache/quarantine`)
      return path
    } catch (error) {
      throw storageError(error, 'write', { ...key, path })
    }
  }

  async files(namespace: string): Promise<readonly string[]> {
    const directory = namespacePath(this.#root, namespace)
    statNamespace(directory)
    return filesIn(`${directory}/files`)
  }

  async removeFile(namespace: string, name: string): Promise<boolean> {
    const path = attachmentPath(this.#root, namespace, name)
    try {
      io.unlinkSync(path)
      await syncDirectory(`${namespacePath(this.#root, namespace)}/files`)
      return true
    } catch (error) {
      if (isMissing(error)) return false
      throw storageError(error, 'remove', { namespace, path })
    }
  }

  async scrub(namespace: string, isTainted: (line: string, name: string) => boolean): Promise<readonly string[]> {
    const directory = namespacePath(this.#root, namespace)
    const changed: string[] = []
    for (const place of DISPOSABLE) {
      for (const name of filesIn(`${directory}/${place}`)) {
        const path = `${directory}/${place}/${name}`
        try {
          const file = `${place}/${name}`
          const isGone = (line: string): boolean => isTainted(line, file)
          // Others append to an outbox: it must stay the file that they have open.
          const isChanged = name.startsWith(OUTBOX) ? blankLines(path, isGone) : await scrubFile(path, isGone)
          if (isChanged) changed.push(file)
        } catch (error) {
          // Its owner may have removed it meanwhile.
          if (!isMissing(error)) throw storageError(error, 'scrub', { namespace, path })
        }
      }
    }
    return changed
  }
}

/** Overwrites lines of a file with spaces. */
function blankLines(path: string, isTainted: (line: string) => boolean): boolean {
  const { fd, stat } = openRegular(path, TO_OVERWRITE)
  try {
    let isChanged = false
    for (const { bytes, offset } of chunksOf(fd, 0, stat.size)) {
      eachLine(bytes, (start, end) => {
        if (!isTainted(bytes.toString('utf8', start, end))) return
        io.writeSync(fd, Buffer.alloc(end - start, ' '), 0, end - start, offset + start)
        isChanged = true
      })
    }
    return isChanged
  } finally {
    io.closeSync(fd)
  }
}

/** Removes lines of a file, and the file if nothing is left of it. */
async function scrubFile(path: string, isTainted: (line: string) => boolean): Promise<boolean> {
  const bytes = await io.readFile(path)
  const kept: Buffer[] = []
  for (let start = 0; start < bytes.length;) {
    const end = bytes.indexOf(LF, start)
    const next = end < 0 ? bytes.length : end + 1
    const line = bytes.subarray(start, next)
    if (!isTainted(line.toString())) kept.push(line)
    start = next
  }
  const rest = Buffer.concat(kept)
  if (rest.length === bytes.length) return false
  if (rest.length === 0) io.unlinkSync(path)
  else await writeWhole(path, rest, true)
  return true
}

function filesIn(directory: string): string[] {
  try {
    return io
      .readdirSync(directory, NAMED)
      .filter((entry) => entry.isFile())
      .map(({ name }) => name)
  } catch (error) {
    if (isMissing(error)) return []
    throw storageError(error, 'list', { path: directory })
  }
}
