/**
 * Drafts of messages as side files, which are no part of any log (docs/format.md §9).
 *
 *     <namespace>/.live/<session>.<message>.jsonl
 *
 * The first line names the owner (owner.ts) and the message; the rest is the core's. A file appears with that line in it. Its owner alone
 * appends, and opens it anew each time: there may be many drafts, and on some systems nobody else could remove it otherwise. Nothing here is
 * synced: what a draft holds was never acknowledged.
 */
import { createHash } from 'node:crypto'
import type { DraftBytes, DraftPlace, Drafts, OpenDraft, SessionKey } from '../../backend.ts'
import { FoldlogError } from '../../errors.ts'
import { isEventId, timeOf } from '../../event-id.ts'
import { decodeName, encodeName } from '../../name.ts'
import { namesIn } from './entries.ts'
import { isMissing, storageError } from './failure.ts'
import { makeIgnored, statNamespace } from './folders.ts'
import { constants, io } from './io.ts'
import { openRegular, TO_READ } from './regular.ts'
import { draftDirectory, LOG_SUFFIX, namespacePath } from './paths.ts'
import { LF } from './prefix.ts'
import { mayLive, parseOwner, SELF, SIGN_MS } from './owner.ts'
import { writeWhole } from './whole-file.ts'

const TO_ADD = constants.O_WRONLY | constants.O_APPEND | (constants.O_NOFOLLOW ?? 0) | (constants.O_NONBLOCK ?? 0)
/** Longer message ids are named by their hash, so that a session's and a message's fit into one name. */
const MAX_ID_BYTES = 40
/** No encoded name holds it. */
const HASHED = '='
const HASH_DIGITS = 32
const TEMPORARY = /^\.([0-9A-Z]{26})\.tmp$/
/** A file is made in less. */
const FORGOTTEN_MS = 60_000
/** The first lines of most. */
const HEAD_BYTES = 512
const NO_BYTES = new Uint8Array()

export class FileDrafts implements Drafts {
  readonly #root: string
  readonly #open = new Set<FileDraft>()

  constructor(root: string) {
    this.#root = root
  }

  async open(key: SessionKey, messageId: string): Promise<OpenDraft> {
    const directory = namespacePath(this.#root, key.namespace)
    const path = this.#path(key, messageId)
    try {
      if (statNamespace(directory) === undefined) {
        throw new FoldlogError('NOT_FOUND', `session ${key.sessionId} is not there: create it first`, { ...key })
      }
      makeIgnored(draftDirectory(directory))
      await writeWhole(path, Buffer.from(`${JSON.stringify({ ...SELF, message: messageId })}\n`), false)
    } catch (error) {
      throw storageError(error, 'create', { ...key, path })
    }
    const draft = new FileDraft(path, () => this.#open.delete(draft))
    this.#open.add(draft)
    return draft
  }

  async list(key: SessionKey): Promise<readonly string[]> {
    const directory = draftDirectory(namespacePath(this.#root, key.namespace))
    const start = `${encodeName(key.sessionId)}.`
    const ids: string[] = []
    for (const name of namesIn(directory)) {
      if (isForgotten(name)) removeFile(`${directory}/${name}`, key)
      if (!name.startsWith(start) || !name.endsWith(LOG_SUFFIX)) continue
      const segment = name.slice(start.length, -LOG_SUFFIX.length)
      const id = segment.startsWith(HASHED) ? messageIn(`${directory}/${name}`) : decodeName(segment)
      if (id !== undefined && segmentOf(id) === segment) ids.push(id)
    }
    return ids
  }

  async read(key: SessionKey, messageId: string, from?: DraftPlace): Promise<DraftBytes | undefined> {
    const path = this.#path(key, messageId)
    try {
      const { fd, stat } = openRegular(path, TO_READ)
      try {
        const version = `${stat.ino}.${stat.birthtimeMs}`
        const head = headOf(fd, stat.size)
        const headEnd = head.length
        const sizeBytes = stat.size - headEnd
        const offset = from?.version === version && from.offset <= sizeBytes ? from.offset : 0
        const isAlive = mayLive(parseOwner(head.toString()), stat.mtimeMs)
        const bytes = offset === sizeBytes ? NO_BYTES : readAt(fd, headEnd + offset, sizeBytes - offset)
        return { place: { version, offset }, bytes, isAlive, time: stat.mtimeMs }
      } finally {
        io.closeSync(fd)
      }
    } catch (error) {
      if (isMissing(error)) return undefined
      throw storageError(error, 'read', { ...key, path })
    }
  }

  async remove(key: SessionKey, messageId: string): Promise<boolean> {
    return removeFile(this.#path(key, messageId), key)
  }

  /** Removes all drafts of a session. */
  clear(key: SessionKey): void {
    const directory = draftDirectory(namespacePath(this.#root, key.namespace))
    const start = `${encodeName(key.sessionId)}.`
    for (const name of namesIn(directory)) if (name.startsWith(start)) removeFile(`${directory}/${name}`, key)
  }

  /** Lets go of all that are open. */
  close(): void {
    for (const draft of this.#open) draft.close()
  }

  #path({ namespace, sessionId }: SessionKey, messageId: string): string {
    const directory = draftDirectory(namespacePath(this.#root, namespace))
    return `${directory}/${encodeName(sessionId)}.${segmentOf(messageId)}${LOG_SUFFIX}`
  }
}

class FileDraft implements OpenDraft {
  readonly #path: string
  readonly #onClose: () => void
  readonly #signs: NodeJS.Timeout

  constructor(path: string, onClose: () => void) {
    this.#path = path
    this.#onClose = onClose
    this.#signs = setInterval(() => this.#giveSign(), SIGN_MS).unref()
  }

  write(bytes: Uint8Array): void {
    try {
      const { fd } = openRegular(this.#path, TO_ADD)
      try {
        for (let at = 0; at < bytes.length;) {
          const written = io.writeSync(fd, bytes, at, bytes.length - at)
          if (written === 0) throw Object.assign(new Error('nothing more is written'), { code: 'ENOSPC' })
          at += written
        }
      } finally {
        io.closeSync(fd)
      }
    } catch (error) {
      throw storageError(error, 'write', { path: this.#path })
    }
  }

  close(): void {
    clearInterval(this.#signs)
    this.#onClose()
  }

  /** An empty line, so that hosts that cannot see this process know of it. */
  #giveSign(): void {
    try {
      this.write(Uint8Array.of(LF))
    } catch {
      // The next write of the owner fails too, and is told.
    }
  }
}

/** Whether it is what a process that died was making (whole-file.ts). */
function isForgotten(name: string): boolean {
  const [, id = ''] = TEMPORARY.exec(name) ?? []
  return isEventId(id) && timeOf(id) < Date.now() - FORGOTTEN_MS
}

/** The file-name part of a message id: encoded as names are, or `=` and the hash of one that would be too long or is no name. */
function segmentOf(messageId: string): string {
  if (Buffer.byteLength(messageId) <= MAX_ID_BYTES && messageId.isWellFormed()) {
    const segment = encodeName(messageId)
    if (segment.length <= MAX_ID_BYTES) return segment
  }
  return HASHED + createHash('sha256').update(messageId).digest('hex').slice(0, HASH_DIGITS)
}

/** The first line, with its line feed; empty if there is none. */
function headOf(fd: number, sizeBytes: number): Buffer {
  for (let length = HEAD_BYTES; ; length *= 8) {
    const bytes = readAt(fd, 0, Math.min(length, sizeBytes))
    const end = bytes.indexOf(LF) + 1
    if (end > 0 || length >= sizeBytes) return bytes.subarray(0, end)
  }
}

/** The message that the first line of a file names. */
function messageIn(path: string): string | undefined {
  try {
    const { fd, stat } = openRegular(path, TO_READ)
    try {
      const { message } = JSON.parse(headOf(fd, stat.size).toString()) as { readonly message?: unknown }
      return typeof message === 'string' ? message : undefined
    } finally {
      io.closeSync(fd)
    }
  } catch {
    // Gone by now, or none of ours: there is no draft in it.
    return undefined
  }
}

function removeFile(path: string, key: SessionKey): boolean {
  try {
    io.unlinkSync(path)
    return true
  } catch (error) {
    if (isMissing(error)) return false
    throw storageError(error, 'remove', { ...key, path })
  }
}

function readAt(fd: number, start: number, length: number): Buffer {
  const bytes = Buffer.allocUnsafeSlow(length)
  let read = 0
  for (let count = -1; count !== 0 && read < length; read += count) {
    count = io.readSync(fd, bytes, read, length - read, start + read)
  }
  return bytes.subarray(0, read)
}
