/**
 * Attachments: `<namespace>/files/<name>`, written once, found by the hash of their content in their name.
 *
 * What sweep.ts puts aside is found here, too. Links are not followed: no name leads out of `files/`.
 */
import type { Stats } from 'node:fs'
import type { StoredFile } from '../../backend.ts'
import { FoldlogError } from '../../errors.ts'
import { isMissing, storageError } from './failure.ts'
import { makeDirectory, makeNamespace, statNamespace } from './folders.ts'
import { io } from './io.ts'
import type { KeptAttachments } from './kept-files.ts'
import { closeQuietly, openRegular, TO_READ } from './regular.ts'
import { attachmentPath, filesPath, gonePath, namespacePath, parseAttachment } from './paths.ts'
import type { Syncer } from './sync.ts'
import { syncData, writeStream, writeWhole } from './whole-file.ts'

const NO_THROW = { throwIfNoEntry: false } as const
const CHUNK_BYTES = 1 << 18
/** Of so many files it is remembered that they last. */
const MAX_LASTING = 1024

export class Attachments {
  readonly #root: string
  readonly #sync: Syncer
  readonly #kept: () => KeptAttachments | undefined
  /** Files that were synced here, by path: what they were when they were touched last. Whoever changes one gives it another time. */
  readonly #lasting = new Map<string, string>()

  /** `kept`: what keeps attachments that git may throw away, where there is git. */
  constructor(root: string, sync: Syncer, kept: () => KeptAttachments | undefined) {
    this.#root = root
    this.#sync = sync
    this.#kept = kept
  }

  /** Stores an attachment, unless one of that name and these bytes is there: that one is made as young as a new one. */
  async put(namespace: string, name: string, bytes: Uint8Array): Promise<void> {
    const path = attachmentPath(this.#root, namespace, name)
    const directory = this.#look(namespace)
    try {
      if (!(await this.#isThere(path, bytes))) {
        this.#make(namespace)
        await writeWhole(path, bytes, this.#isLasting)
      }
      await this.#sync.rearranged(directory)
      await this.#kept()?.keep(namespacePath(this.#root, namespace), name)
    } catch (error) {
      throw storageError(error, 'store', { namespace, path })
    }
  }

  async get(namespace: string, name: string): Promise<Uint8Array | undefined> {
    const pieces: Uint8Array[] = []
    try {
      for await (const bytes of this.read(namespace, name)) pieces.push(bytes)
    } catch (error) {
      if (error instanceof FoldlogError && error.code === 'NOT_FOUND') return undefined
      throw error
    }
    return Buffer.concat(pieces)
  }

  async write(namespace: string, chunks: AsyncIterable<Uint8Array>, nameOf: () => string): Promise<void> {
    const directory = this.#look(namespace)
    try {
      this.#make(namespace)
      let name = ''
      const pathOf = (): string => attachmentPath(this.#root, namespace, (name = nameOf()))
      // What is there already is replaced by the same bytes.
      await writeStream(directory, chunks, pathOf, this.#isLasting)
      await this.#sync.rearranged(directory)
      await this.#kept()?.keep(namespacePath(this.#root, namespace), name)
    } catch (error) {
      throw storageError(error, 'store', { namespace, path: directory })
    }
  }

  async *read(namespace: string, name: string): AsyncGenerator<Uint8Array> {
    const path = attachmentPath(this.#root, namespace, name)
    this.#look(namespace)
    yield* readAttachment(path, namespace, name)
  }

  async list(namespace: string, prefix: string): Promise<readonly StoredFile[]> {
    const directory = this.#look(namespace)
    try {
      return listAttachments(directory, prefix)
    } catch (error) {
      throw storageError(error, 'list', { namespace, path: directory })
    }
  }

  get #isLasting(): boolean {
    return this.#sync.policy !== 'never'
  }

  /** The directory, which need not be there. Refuses a link. */
  #look(namespace: string): string {
    statNamespace(namespacePath(this.#root, namespace))
    const directory = filesPath(this.#root, namespace)
    statNamespace(directory)
    return directory
  }

  #make(namespace: string): void {
    const directory = namespacePath(this.#root, namespace)
    for (const changed of makeNamespace(this.#root, directory)) this.#sync.changed(changed)
    if (makeDirectory(filesPath(this.#root, namespace))) this.#sync.changed(directory)
  }

  /** Whether a file has these bytes; then it lasts, and was touched: nobody who has listed it before takes it away. */
  async #isThere(path: string, bytes: Uint8Array): Promise<boolean> {
    const stat = io.lstatSync(path, NO_THROW)
    if (stat?.isFile() !== true || stat.size !== bytes.length) return false
    let fd = -1
    try {
      const opened = openRegular(path, TO_READ)
      fd = opened.fd
      if (!hasBytes(fd, bytes)) return false
      const now = new Date()
      io.futimesSync(fd, now, now)
      if (this.#isLasting) await this.#makeLast(path, fd, stateOf(opened.stat))
    } catch (error) {
      // Swept meanwhile, or of another user, who alone may touch it: it is written anew.
      if (isMissing(error) || ['EPERM', 'EACCES'].includes(String((error as { code?: unknown }).code))) return false
      throw error
    } finally {
      if (fd >= 0) closeQuietly(fd)
    }
    // After it was touched: if it is aside now, who put it there has seen or will see that.
    return io.lstatSync(path, NO_THROW)?.ino === stat.ino
  }

  /** Syncs a file that was just touched, unless that was done here and nobody changed it since; `before`: what it was before it was touched. */
  async #makeLast(path: string, fd: number, before: string): Promise<void> {
    const touched = stateOf(io.fstatSync(fd))
    if (this.#lasting.get(path) !== before) await syncData(fd)
    if (this.#lasting.size >= MAX_LASTING) this.#lasting.clear()
    this.#lasting.set(path, touched)
  }
}

function stateOf({ dev, ino, ctimeMs }: Stats): string {
  return `${dev}.${ino}.${ctimeMs}`
}

/** The files of a directory of attachments, those that are aside under their own names. Throws what the system throws. */
export function listAttachments(directory: string, prefix: string): readonly StoredFile[] {
  const entries = entriesOf(directory)
  const there = new Set(entries)
  const files: StoredFile[] = []
  for (const entry of entries) {
    const parsed = parseAttachment(entry)
    if (parsed === undefined || !parsed.name.startsWith(prefix)) continue
    const { kind, name } = parsed
    // Aside, and stored again: what is aside is of no use to anybody.
    const isLeftover = kind === 'tmp' || (kind === 'gone' && there.has(name))
    if (isLeftover && prefix !== '') continue
    const path = `${directory}/${name}`
    // It may be taken aside, or put back, while this looks.
    const stored = isLeftover
      ? describe(`${directory}/${entry}`, entry, true)
      : (describe(path, name, false) ?? describe(gonePath(path), name, false) ?? describe(path, name, false))
    if (stored !== undefined) files.push(stored)
  }
  return files
}

/** A file as it is now; undefined if it is gone or no regular file. */
export function describe(path: string, name: string, isLeftover: boolean): StoredFile | undefined {
  const stat = io.lstatSync(path, { bigint: true, throwIfNoEntry: false })
  if (stat?.isFile() !== true) return undefined
  const { ctimeMs, ino, mtimeMs, mtimeNs, size } = stat
  // A copy may bring an old time with it; when it came here is the other one.
  const time = Number(mtimeMs > ctimeMs || isLeftover ? mtimeMs : ctimeMs)
  return { name, sizeBytes: Number(size), time, version: `${ino}.${mtimeNs}.${size}`, isLeftover }
}

function entriesOf(directory: string): string[] {
  try {
    return io.readdirSync(directory)
  } catch (error) {
    if (isMissing(error)) return []
    throw error
  }
}

/** The bytes of an attachment at a path, piece by piece. Rejects with `NOT_FOUND` if it is not there. */
export async function* readAttachment(path: string, namespace: string, name: string): AsyncGenerator<Uint8Array> {
  let fd: number | undefined
  try {
    fd = openAttachment(path)
    if (fd === undefined) {
      throw new FoldlogError('NOT_FOUND', `there is no file ${name} in ${namespace}`, { namespace, path })
    }
    for (;;) {
      const bytes = Buffer.allocUnsafeSlow(CHUNK_BYTES)
      const read = io.readSync(fd, bytes, 0, bytes.length, null)
      if (read === 0) return
      yield bytes.subarray(0, read)
    }
  } catch (error) {
    throw storageError(error, 'read', { namespace, path })
  } finally {
    if (fd !== undefined) closeQuietly(fd)
  }
}

/** Opens an attachment where it is: under its name, aside, or back again. */
function openAttachment(path: string): number | undefined {
  for (const each of [path, gonePath(path), path]) {
    try {
      return openRegular(each, TO_READ).fd
    } catch (error) {
      if (!isMissing(error)) throw error
    }
  }
  return undefined
}

function hasBytes(fd: number, bytes: Uint8Array): boolean {
  const piece = Buffer.allocUnsafe(Math.min(CHUNK_BYTES, bytes.length))
  for (let at = 0; at < bytes.length;) {
    const read = io.readSync(fd, piece, 0, Math.min(piece.length, bytes.length - at), at)
    if (read === 0 || piece.compare(bytes, at, at + read, 0, read) !== 0) return false
    at += read
  }
  return true
}
