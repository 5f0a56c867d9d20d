/**
 * The infos cache: `<namespace>/.cache/infos.jsonl`. Disposable (I5): it is never synced, and a disk that does not
 * take it costs time only.
 */
import { isFoldlogError } from '../../errors.ts'
import { isMissing, storageError } from './failure.ts'
import { makeDirectory, statNamespace } from './folders.ts'
import { io } from './io.ts'
import { namespacePath } from './paths.ts'
import { writeWhole } from './whole-file.ts'

export class StoredInfos {
  readonly #root: string

  constructor(root: string) {
    this.#root = root
  }

  async load(namespace: string): Promise<Uint8Array | undefined> {
    const path = `${namespacePath(this.#root, namespace)}/.cache/infos.jsonl`
    try {
      return await io.readFile(path)
    } catch (error) {
      if (isMissing(error)) return undefined
      throw storageError(error, 'read', { namespace, path })
    }
  }

  /** Replaces the cache. Does nothing where there is no namespace, no permission or no room. */
  async save(namespace: string, bytes: Uint8Array): Promise<void> {
    const directory = namespacePath(this.#root, namespace)
    const path = `${directory}/.cache/infos.jsonl`
    try {
      statNamespace(directory)
      makeDirectory(`${directory}/.cache`)
      await writeWhole(path, bytes, false)
    } catch (error) {
      if (isMissing(error)) return
      const failure = storageError(error, 'write', { namespace, path })
      // Reading a store on a read-only or full disk is fine; the infos are folded again the next time.
      if (!isFoldlogError(failure, 'STORAGE_DENIED') && !isFoldlogError(failure, 'STORAGE_FULL')) throw failure
    }
  }
}
