/**
 * Attachments by content: the bytes lie in the namespace's `files/` under their own hash, and a part names them as `sha256-<hex>`.
 *
 * The same bytes are stored once, however often they are put; what is read is checked against its name.
 */
import { createHash } from 'node:crypto'
import type { Backend, StoredFile } from './backend.ts'
import { FoldlogError } from './errors.ts'
import type { FilePart } from './message.ts'

/** What a file part needs to name stored bytes. */
export interface FileRef {
  /** `sha256-` and 64 hexadecimal digits. */
  readonly file: string
  readonly mediaType: string
  readonly sizeBytes: number
  readonly name?: string
}

const PATTERN = /^sha256-[0-9a-f]{64}$/

const EXTENSIONS: ReadonlyMap<string, string> = new Map([
  ['image/png', 'png'],
  ['image/jpeg', 'jpg'],
  ['image/gif', 'gif'],
  ['image/webp', 'webp'],
  ['image/svg+xml', 'svg'],
  ['application/pdf', 'pdf'],
  ['application/json', 'json'],
  ['text/plain', 'txt'],
  ['text/markdown', 'md'],
  ['text/csv', 'csv'],
  ['text/html', 'html'],
  ['audio/mpeg', 'mp3'],
  ['audio/wav', 'wav'],
  ['video/mp4', 'mp4'],
])

const TYPES: ReadonlyMap<string, string> = new Map([
  ...[...EXTENSIONS].map(([type, extension]) => [extension, type] as const),
  ['jpeg', 'image/jpeg'],
  ['htm', 'text/html'],
  ['log', 'text/plain'],
])
const UNKNOWN_TYPE = 'application/octet-stream'

/** What can be stored: bytes, a stream of them (a Node or web stream, a generator), or the path of a file. Strings in a stream are UTF-8. */
export type FileSource = Uint8Array | AsyncIterable<Uint8Array | string> | string

export interface FileOptions {
  /** Default: what the extension of the name says, else `application/octet-stream`. */
  readonly mediaType?: string
  /** Ends what is under way; nothing is stored then. */
  readonly signal?: AbortSignal
}

/** A part to be added that names stored bytes. */
export type StoredFilePart = FileRef & { readonly type: 'file'; readonly name: string }

/** Stores bytes, durably before it resolves where the backend is durable, and returns what a part refers to them by. */
export async function putFile(
  backend: Backend,
  namespace: string,
  bytes: Uint8Array,
  mediaType: string,
  name?: string,
): Promise<FileRef> {
  assertFiles(backend)
  const hash = hashOf(bytes)
  await backend.files.put(namespace, storedName(hash, mediaType), bytes)
  return refTo(hash, mediaType, bytes.length, name)
}

/**
 * As `putFile`, of a stream, of which no more than a piece is in memory. Rejects with what the stream fails with, or the reason of `signal`, and
 * nothing is stored then.
 */
async function putStream(
  backend: Backend,
  namespace: string,
  source: AsyncIterable<Uint8Array | string>,
  mediaType: string,
  { name, signal }: { readonly name?: string; readonly signal?: AbortSignal | undefined } = {},
): Promise<FileRef> {
  assertFiles(backend)
  const hash = createHash('sha256')
  let digest = ''
  let sizeBytes = 0
  let failure: { readonly error: unknown } | undefined
  async function* hashed(): AsyncGenerator<Uint8Array> {
    try {
      for await (const piece of source) {
        signal?.throwIfAborted()
        const bytes = asBytes(piece)
        hash.update(bytes)
        sizeBytes += bytes.length
        yield bytes
      }
      signal?.throwIfAborted()
    } catch (error) {
      // It is the source's, not the disk's.
      failure = { error }
      throw error
    }
    digest = hash.digest('hex')
  }
  try {
    await backend.files.write(namespace, hashed(), () => storedName(digest, mediaType))
  } catch (error) {
    throw failure === undefined ? error : failure.error
  }
  return refTo(digest, mediaType, sizeBytes, name)
}

/** Stores a source under a name, and returns a part that names it. `INVALID_NAME` for a name that is a path and has a source beside it. */
export async function attach(
  backend: Backend,
  namespace: string,
  nameOrPath: string,
  source: FileSource | null | undefined,
  { mediaType, signal }: FileOptions = {},
): Promise<StoredFilePart> {
  signal?.throwIfAborted()
  if (typeof nameOrPath !== 'string' || nameOrPath === '') throw refuse('nameOrPath', 'pass a name, or a path')
  const name = source === undefined ? nameOrPath.split(/[/\\]/).at(-1)! : nameOrPath
  if (!isPlainName(name)) {
    const message = `${JSON.stringify(name)} cannot name a file: pass a name without separators, or a path and nothing else`
    throw new FoldlogError('INVALID_NAME', message, { field: 'nameOrPath' })
  }
  const type = mediaType ?? typeOf(name)
  if (typeof type !== 'string' || !/^[^\s/]+\/[^\s/].*$/.test(type))
    throw refuse('mediaType', 'pass one like image/png')
  const from = source === undefined ? nameOrPath : source
  const put = async (): Promise<FileRef> => {
    if (from instanceof Uint8Array) return putFile(backend, namespace, from, type, name)
    if (typeof from !== 'string') {
      if (typeof from?.[Symbol.asyncIterator] !== 'function')
        throw refuse('source', 'pass bytes, a stream of bytes, or the path of a file')
      return putStream(backend, namespace, from, type, { name, signal })
    }
    assertFiles(backend)
    const { readLocal } = await import('./local-file.ts')
    return putStream(backend, namespace, readLocal(from), type, { name, signal })
  }
  return Object.freeze({ type: 'file', ...(await put()), name })
}

/**
 * Reads stored bytes; undefined if they are not there. Rejects with `STORAGE_FAILED` if they are not the ones that were put.
 *
 * @param mediaType what they were put with, if it is known: that spares a look at the directory
 */
export async function getFile(
  backend: Backend,
  namespace: string,
  file: string,
  mediaType?: string,
): Promise<Uint8Array | undefined> {
  const hash = hashIn(file)
  const known = mediaType === undefined ? undefined : storedName(hash, mediaType)
  let isDamaged = false
  const intact = async (name: string): Promise<Uint8Array | undefined> => {
    const bytes = await backend.files.get(namespace, name)
    if (bytes === undefined || hashOf(bytes) === hash) return bytes
    isDamaged = true
    return undefined
  }
  const found = known === undefined ? undefined : await intact(known)
  if (found !== undefined) return found
  for (const { name } of await storedAs(backend, namespace, hash)) {
    const bytes = name === known ? undefined : await intact(name)
    if (bytes !== undefined) return bytes
  }
  if (isDamaged) throw damaged(file)
  return undefined
}

/** What can be opened: a file part, or the reference in it. */
export type Openable = string | Pick<FilePart, 'file' | 'data' | 'url'>

/**
 * Reads stored bytes, or those in the part itself, piece by piece. Rejects with `NOT_FOUND`, and with `STORAGE_FAILED` if they are not the ones
 * that were put: then the last piece has not been given out.
 */
export async function* openFile(backend: Backend, namespace: string, from: Openable): AsyncGenerator<Uint8Array> {
  const { file, data } = typeof from === 'string' ? { file: from } : { data: undefined, ...from }
  if (file === undefined) {
    if (data === undefined) throw refuse('file', 'the part has neither file nor data: fetch its url')
    yield Buffer.from(data, 'base64')
    return
  }
  const wanted = hashIn(file)
  const [stored] = await storedAs(backend, namespace, wanted)
  if (stored === undefined) throw new FoldlogError('NOT_FOUND', `${file} is not in ${namespace}`, { namespace })
  const hash = createHash('sha256')
  let held: Uint8Array | undefined
  for await (const bytes of backend.files.read(namespace, stored.name)) {
    if (held !== undefined) yield held
    hash.update(bytes)
    held = bytes
  }
  if (hash.digest('hex') !== wanted) throw damaged(file)
  if (held !== undefined) yield held
}

/** Whether stored bytes are the ones their name says. Keeps no more than a piece of them in memory; false if they are gone. */
export async function isIntact(backend: Backend, namespace: string, name: string): Promise<boolean> {
  const hash = createHash('sha256')
  for await (const bytes of backend.files.read(namespace, name)) hash.update(bytes)
  return name.startsWith(`${hash.digest('hex')}.`)
}

/** Where bytes of a hash are stored. Looked for twice: a directory that is read while a file in it gets another name may show neither. */
async function storedAs(backend: Backend, namespace: string, hash: string): Promise<readonly StoredFile[]> {
  const found = await backend.files.list(namespace, `${hash}.`)
  return found.length > 0 ? found : backend.files.list(namespace, `${hash}.`)
}

function hashIn(file: string): string {
  if (PATTERN.test(file)) return file.slice('sha256-'.length)
  throw refuse('file', `${JSON.stringify(file)} names no stored file: expected sha256- and 64 hexadecimal digits`)
}

function assertFiles({ capabilities }: Backend): void {
  if (capabilities.files) return
  throw new FoldlogError('UNSUPPORTED', 'this backend stores no files: inline the data in the part')
}

function refTo(hash: string, mediaType: string, sizeBytes: number, name: string | undefined): FileRef {
  const ref = { file: `sha256-${hash}`, mediaType, sizeBytes }
  return Object.freeze(name === undefined ? ref : { ...ref, name })
}

function isPlainName(name: string): boolean {
  return name !== '' && name !== '.' && name !== '..' && !/[/\\\p{Cc}]/u.test(name)
}

function typeOf(name: string): string {
  return TYPES.get(name.slice(name.lastIndexOf('.') + 1).toLowerCase()) ?? UNKNOWN_TYPE
}

function asBytes(piece: Uint8Array | string): Uint8Array {
  if (piece instanceof Uint8Array) return piece
  if (typeof piece === 'string') return Buffer.from(piece)
  throw refuse('source', 'a stream of bytes is needed: one of its pieces is neither bytes nor a string')
}

function damaged(file: string): FoldlogError {
  return new FoldlogError('STORAGE_FAILED', `the bytes stored as ${file} are damaged: restore them from a copy`)
}

function refuse(field: string, why: string): FoldlogError {
  return new FoldlogError('INVALID_OPTION', `${field}: ${why}`, { field })
}

/** The name that the bytes of a part were stored under, in `files/` of the namespace; undefined for a part that names none. */
export function storedNameOf({ file, mediaType }: Pick<FilePart, 'file' | 'mediaType'>): string | undefined {
  return file !== undefined && PATTERN.test(file) ? storedName(hashIn(file), mediaType) : undefined
}

function storedName(hash: string, mediaType: string): string {
  return `${hash}.${EXTENSIONS.get(mediaType.split(';')[0]!.trim().toLowerCase()) ?? 'bin'}`
}

function hashOf(bytes: Uint8Array): string {
  return createHash('sha256').update(bytes).digest('hex')
}
