/**
 * The files of a ChatGPT export, which lie beside its conversations or in folders beside them, named by their ids:
 * `file-Ab12-photo.png` for `file-service://file-Ab12`.
 *
 * A message says the same whether its files are there or not; a file that is found is told in a line of its own. So whoever
 * imports the conversations without the files has lines that whoever has them has too.
 */
import { readdir, readFile, stat } from 'node:fs/promises'
import { basename, dirname, extname, join } from 'node:path'
import type { FilePart, Part, TextPart } from '../../message.ts'
import { filePartOf } from '../attachments.ts'
import type { FileDestination } from '../destination.ts'
import { readFailure } from '../find.ts'
import { idOf } from './parts.ts'

const MAX_BYTES = 256 * 1024 * 1024
/** Folders of an export that hold files. Others beside the conversations are somebody else's. */
const FOLDER = /^(dalle-generations|user-\w+|[\da-f]{8}-[\da-f-]{27})$/
const NAME = /^file[-_][A-Za-z\d]+/
const MEDIA_TYPES: ReadonlyMap<string, string> = new Map([
  ['.png', 'image/png'],
  ['.jpg', 'image/jpeg'],
  ['.jpeg', 'image/jpeg'],
  ['.webp', 'image/webp'],
  ['.gif', 'image/gif'],
  ['.pdf', 'application/pdf'],
  ['.wav', 'audio/wav'],
  ['.mp3', 'audio/mpeg'],
  ['.mp4', 'video/mp4'],
])

export class Assets {
  readonly #store: FileDestination
  /** Where the file with an id lies. */
  readonly #paths: ReadonlyMap<string, string>

  private constructor(store: FileDestination, paths: ReadonlyMap<string, string>) {
    this.#store = store
    this.#paths = paths
  }

  /** The files beside a file with conversations. Rejects with what the disk says. */
  static async beside(path: string, store: FileDestination): Promise<Assets> {
    const paths = new Map<string, string>()
    try {
      // Without a place for files their pointers are all there can be.
      if (store.capabilities.files) await collect(dirname(path), paths, true)
    } catch (error) {
      throw readFailure(path, error)
    }
    return new Assets(store, paths)
  }

  /** The part with the bytes of its files stored; undefined if none of them is there. */
  async stored(part: Part): Promise<Part | undefined> {
    if (part.type === 'file') return this.#file(part)
    if (part.type !== 'tool-result' || part.content === undefined) return undefined
    let isStored = false
    const content: (TextPart | FilePart)[] = []
    for (const each of part.content) {
      const stored = each.type === 'file' ? await this.#file(each) : undefined
      isStored ||= stored !== undefined
      content.push(stored ?? each)
    }
    return isStored ? { ...part, content } : undefined
  }

  async #file(part: FilePart): Promise<FilePart | undefined> {
    const path = part.url === undefined ? undefined : this.#paths.get(idOf(part.url))
    if (path === undefined) return undefined
    try {
      if ((await stat(path)).size > MAX_BYTES) return undefined
      const known = part.mediaType.endsWith('*') ? undefined : part.mediaType
      const mediaType = known ?? MEDIA_TYPES.get(extname(path).toLowerCase()) ?? 'application/octet-stream'
      const name = part.name ?? basename(path)
      const stored = await filePartOf(this.#store, { id: part.id, mediaType, name }, await readFile(path))
      return stored && { ...part, ...stored }
    } catch (error) {
      // What the store says is the caller's; a file that cannot be read is as good as not there.
      if ((error as { syscall?: unknown }).syscall === undefined) throw error
      return undefined
    }
  }
}

async function collect(directory: string, paths: Map<string, string>, isTop: boolean): Promise<void> {
  const entries = await readdir(directory, { withFileTypes: true })
  for (const entry of entries.toSorted((a, b) => (a.name < b.name ? -1 : 1))) {
    const path = join(directory, entry.name)
    const id = entry.isFile() ? NAME.exec(entry.name)?.[0] : undefined
    if (id !== undefined && !paths.has(id)) paths.set(id, path)
    // Recordings lie one folder deeper: `<conversation>/audio/`.
    if (entry.isDirectory() && (isTop ? FOLDER.test(entry.name) : entry.name === 'audio')) {
      await collect(path, paths, false)
    }
  }
}
