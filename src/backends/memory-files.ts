/**
 * The attachments of the memory backend.
 */
import type { StoredFile } from '../backend.ts'
import { FoldlogError } from '../errors.ts'
import { encodeName } from '../name.ts'

/** An attachment. `version` counts puts. */
interface Attachment {
  readonly bytes: Uint8Array
  readonly time: number
  readonly version: number
}

export class MemoryFiles {
  readonly #files = new Map<string, Attachment>()
  #puts = 0

  put(namespace: string, name: string, bytes: Uint8Array): void {
    this.#files.set(pathOf(namespace, name), { bytes: bytes.slice(), time: Date.now(), version: ++this.#puts })
  }

  get(namespace: string, name: string): Uint8Array | undefined {
    return this.#files.get(pathOf(namespace, name))?.bytes.slice()
  }

  read(namespace: string, name: string): Uint8Array {
    const bytes = this.get(namespace, name)
    if (bytes !== undefined) return bytes
    throw new FoldlogError('NOT_FOUND', `there is no file ${name} in ${namespace}`, { namespace })
  }

  list(namespace: string, prefix: string): readonly StoredFile[] {
    const folder = pathOf(namespace, '')
    return [...this.#files].flatMap(([path, { bytes, time, version }]): StoredFile[] => {
      if (!path.startsWith(folder + prefix)) return []
      const name = path.slice(folder.length)
      return [{ name, sizeBytes: bytes.length, time, version: String(version), isLeftover: false }]
    })
  }

  remove(namespace: string, name: string): boolean {
    return this.#files.delete(pathOf(namespace, name))
  }

  /** Removes what is as it was listed and need not stay. */
  sweep(namespace: string, listed: readonly StoredFile[], stays: (name: string) => boolean): readonly string[] {
    const gone = listed.filter(({ name, version }) => {
      const isSame = String(this.#files.get(pathOf(namespace, name))?.version) === version
      return isSame && !stays(name) && this.remove(namespace, name)
    })
    return gone.map(({ name }) => name)
  }
}

function pathOf(namespace: string, name: string): string {
  return `${encodeName(namespace)}/${name}`
}

/** All of a stream. */
export async function concat(chunks: AsyncIterable<Uint8Array>): Promise<Uint8Array> {
  const pieces: Uint8Array[] = []
  for await (const bytes of chunks) pieces.push(bytes.slice())
  return Buffer.concat(pieces)
}
