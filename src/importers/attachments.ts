/**
 * Files that a source holds inline → file parts. Bytes go to the store's files, or stay inline where a store has none.
 */
import type { FilePart } from '../message.ts'
import type { FileDestination } from './destination.ts'

/** What a file part is named by. */
export interface FileFields {
  /** Of the part. */
  readonly id: string
  readonly mediaType: string
  readonly name?: string
}

const MEDIA_TYPE = /^[\w.+-]+\/[\w.+-]+$/
// Each character can be matched in one way only: data that is broken at its end is not tried again from every space before.
const BASE64 = /^[A-Za-z0-9+/\s]+(?:=\s*){0,2}$/
const DATA_URL = /^data:([^;,]*)(;[^,]*)?,/

/** A file whose bytes are base64; undefined if they are not, or the media type is none. */
export async function filePart(
  files: FileDestination,
  { id, mediaType, name }: FileFields,
  base64: string,
): Promise<FilePart | undefined> {
  const bytes = bytesOfBase64(base64)
  return bytes && filePartOf(files, { id, mediaType, ...named(name) }, bytes)
}

/** The bytes that a text is in base64; undefined if it is none. */
export function bytesOfBase64(text: string): Uint8Array | undefined {
  const bytes = Buffer.from(text, 'base64')
  // What comes out as it went in is base64: to see that takes a fraction of what looking at each character does.
  return (text !== '' && bytes.toString('base64') === text) || BASE64.test(text) ? bytes : undefined
}

/** A file of bytes; undefined if the media type is none. */
export async function filePartOf(
  files: FileDestination,
  { id, mediaType, name }: FileFields,
  bytes: Uint8Array,
): Promise<FilePart | undefined> {
  if (!MEDIA_TYPE.test(mediaType)) return undefined
  const part = { id, type: 'file', mediaType, ...named(name) } as const
  if (!files.capabilities.files) {
    return { ...part, data: Buffer.from(bytes).toString('base64'), sizeBytes: bytes.length }
  }
  const { file, sizeBytes } = await files.putFile(bytes, mediaType, name)
  return { ...part, file, sizeBytes }
}

/** A file by its URL: what a `data:` URL holds is stored, any other URL is kept. `mediaType` is for URLs that say none. */
export async function fileAt(
  files: FileDestination,
  { id, mediaType, name }: FileFields,
  url: string,
): Promise<FilePart | undefined> {
  const match = DATA_URL.exec(url)
  if (match === null)
    return /^[a-z][a-z\d+.-]*:/i.test(url) ? { id, type: 'file', mediaType, ...named(name), url } : undefined
  const [prefix, type = '', parameters = ''] = match
  const fields = { id, mediaType: type === '' ? mediaType : type, ...named(name) }
  const data = url.slice(prefix.length)
  if (parameters.split(';').includes('base64')) return filePart(files, fields, data)
  return filePartOf(files, fields, new TextEncoder().encode(unescaped(data)))
}

function unescaped(text: string): string {
  try {
    return decodeURIComponent(text)
  } catch {
    // A stray percent sign: then it is meant as it stands.
    return text
  }
}

function named(name: string | undefined): { name?: string } {
  return name === undefined ? {} : { name }
}
