/**
 * Attachments by content: the bytes lie in the namespace's `files/` under their own hash, and a part names them as `sha256-<hex>`.
 *
 * The same bytes are stored once, however often they are put; what is read is checked against its name.
 */
import { createHash } from 'node:crypto'
import type { Backend } from './backend.ts'
import { FoldlogError } from './errors.ts'

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

/** Stores bytes, durably before it resolves where the backend is durable, and returns what a part refers to them by. */
export async function putFile(
  backend: Backend,
  namespace: string,
  bytes: Uint8Array,
  mediaType: string,
  name?: string,
): Promise<FileRef> {
  if (!backend.capabilities.files)
    throw new FoldlogError('UNSUPPORTED', 'this backend stores no files: inline the data in the part')
  const hash = hashOf(bytes)
  await backend.files.put(namespace, storedName(hash, mediaType), bytes)
  const ref = { file: `sha256-${hash}`, mediaType, sizeBytes: bytes.length }
  return Object.freeze(name === undefined ? ref : { ...ref, name })
}

/** Reads stored bytes; undefined if they are not there. Rejects with `STORAGE_FAILED` if they are not the ones that were put. */
export async function getFile(
  backend: Backend,
  namespace: string,
  file: string,
  mediaType: string,
): Promise<Uint8Array | undefined> {
  if (!PATTERN.test(file)) {
    throw new FoldlogError(
      'INVALID_OPTION',
      `${JSON.stringify(file)} names no stored file: expected sha256- and 64 hexadecimal digits`,
      {
        field: 'file',
      },
    )
  }
  const hash = file.slice('sha256-'.length)
  const bytes = await backend.files.get(namespace, storedName(hash, mediaType))
  if (bytes !== undefined && hashOf(bytes) !== hash) {
    throw new FoldlogError('STORAGE_FAILED', `the bytes stored as ${file} are damaged: restore them from a copy`)
  }
  return bytes
}

function storedName(hash: string, mediaType: string): string {
  return `${hash}.${EXTENSIONS.get(mediaType.split(';')[0]!.trim().toLowerCase()) ?? 'bin'}`
}

function hashOf(bytes: Uint8Array): string {
  return createHash('sha256').update(bytes).digest('hex')
}
