/**
 * Attachments: `<namespace>/files/<name>`, written once, found by the hash of their content in their name.
 */
import { isMissing, storageError } from './failure.ts'
import { makeDirectory, makeNamespace, statNamespace } from './folders.ts'
import { io } from './io.ts'
import { attachmentPath, namespacePath } from './paths.ts'
import type { Syncer } from './sync.ts'
import { writeWhole } from './whole-file.ts'

const NO_THROW = { throwIfNoEntry: false } as const

export class Attachments {
  readonly #root: string
  readonly #sync: Syncer

  constructor(root: string, sync: Syncer) {
    this.#root = root
    this.#sync = sync
  }

  /** Stores an attachment, unless one of that name and size is there: same name, same bytes. */
  async put(namespace: string, name: string, bytes: Uint8Array): Promise<void> {
    const path = attachmentPath(this.#root, namespace, name)
    const directory = namespacePath(this.#root, namespace)
    statNamespace(directory)
    try {
      const stat = io.lstatSync(path, NO_THROW)
      if (stat?.isFile() === true && stat.size === bytes.length) return
      for (const changed of makeNamespace(this.#root, directory)) this.#sync.changed(changed)
      if (makeDirectory(`${directory}/files`)) this.#sync.changed(directory)
      await writeWhole(path, bytes, this.#sync.policy !== 'never')
      await this.#sync.rearranged(`${directory}/files`)
    } catch (error) {
      throw storageError(error, 'store', { namespace, path })
    }
  }

  async get(namespace: string, name: string): Promise<Uint8Array | undefined> {
    const path = attachmentPath(this.#root, namespace, name)
    statNamespace(namespacePath(this.#root, namespace))
    try {
      return await io.readFile(path)
    } catch (error) {
      if (isMissing(error)) return undefined
      throw storageError(error, 'read', { namespace, path })
    }
  }
}
