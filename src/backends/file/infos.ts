/**
 * The infos cache: `<namespace>/.cache/infos.jsonl`. Disposable (I5): it is never synced, and a disk that does not
 * take it costs time only.
 */
import type { ErrorCode } from '../../errors.ts'
import { isMissing, storageError } from './failure.ts'
import { makeIgnored, statNamespace } from './folders.ts'
import { constants, io } from './io.ts'
import { namespacePath } from './paths.ts'

const FORGIVEN: ReadonlySet<ErrorCode> = new Set(['NOT_A_LOG', 'STORAGE_DENIED', 'STORAGE_FULL'])
/** A FIFO in its place must not hang anybody. */
const TO_READ = constants.O_RDONLY | (constants.O_NONBLOCK ?? 0)

export class StoredInfos {
  readonly #root: string

  constructor(root: string) {
    this.#root = root
  }

  /** The bytes from `start` to before `end`, as far as there are any. Read at once: in pieces it takes twice as long. */
  load(namespace: string, start: number = 0, end: number = Infinity): Uint8Array | undefined {
    const path = `${namespacePath(this.#root, namespace)}/.cache/infos.jsonl`
    try {
      const fd = io.openSync(path, TO_READ)
      try {
        return readPart(fd, start, Math.min(end, io.fstatSync(fd).size))
      } finally {
        io.closeSync(fd)
      }
    } catch (error) {
      return forgive(error, 'read', namespace, path)
    }
  }

  /** Replaces the cache. Does nothing where there is no namespace, no permission, no room or something else. */
  async save(namespace: string, bytes: Uint8Array): Promise<void> {
    const directory = namespacePath(this.#root, namespace)
    const path = `${directory}/.cache/infos.jsonl`
    try {
      statNamespace(directory)
      makeIgnored(`${directory}/.cache`)
      const { writeWhole } = await import('./whole-file.ts')
      await writeWhole(path, bytes, false)
    } catch (error) {
      forgive(error, 'write', namespace, path)
    }
  }
}

/** Reading a store on a read-only or full disk is fine, and so is one where a folder has the cache's name: the infos are folded again. */
function forgive(error: unknown, what: string, namespace: string, path: string): undefined {
  if (isMissing(error)) return
  const failure = storageError(error, what, { namespace, path })
  if (!FORGIVEN.has(failure.code)) throw failure
}

function readPart(fd: number, start: number, end: number): Uint8Array {
  // Not zeroed: only what was read is handed out.
  const bytes = Buffer.allocUnsafeSlow(Math.max(0, end - start))
  let length = 0
  for (let count = -1; count !== 0 && length < bytes.length; length += count) {
    count = io.readSync(fd, bytes, length, bytes.length - length, start + length)
  }
  return bytes.subarray(0, length)
}
