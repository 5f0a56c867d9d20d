/**
 * The infos cache as bytes: an index in front, which is all that a listing of what has not changed looks at, and the infos behind it.
 *
 *     {"foldlog":"infos","v":3,"sizeBytes":…,"hash":…}                                          of the next line
 *     {"id":[…],"version":[…],"updated":[…],"created":[…],"sizeBytes":[…],"hash":[…],"isSettled":[…],"isArchived":[…],"parentId":[…]}
 *     [cursor,info,resume,isStraight]                                                           a line for each of them, in their order
 *
 * The columns of the index have a value a session, newest activity first: times in ms, flags 0 or 1, 0 for no parent. Columns, because ten
 * thousand rows are garbage that takes longer to collect than to read. Sizes are with the line feed, hashes without. A hash that does not fit means that there is no such cache, or no such info. Pure.
 */
import type { Cursor } from './backend.ts'
import type { Resume } from './extend.ts'
import { deepFreeze } from './json.ts'
import type { SessionInfo } from './message.ts'

/** What reading a session gives: its info, and what is needed to go on from there. */
export interface FoldedInfo {
  readonly info: SessionInfo
  readonly resume: Resume | undefined
  /** The place up to which it was folded. */
  readonly cursor: Cursor | undefined
  /** Whether the log ends as the conversation does, so that its last messages can be read from its end (newest.ts). */
  readonly isStraight: boolean
}

/** What is known of a session. */
export interface Entry {
  readonly id: string
  /** Of the listing it was made of. */
  readonly version: string
  isSettled: boolean
  readonly updated: number
  readonly created: number
  readonly isArchived: boolean
  readonly parentId: string | undefined
  /** Undefined until it is read from where it is stored. */
  folded: FoldedInfo | undefined
  readonly stored: Stored | undefined
}

/** Where the cache holds an info. */
export interface Stored {
  readonly at: number
  readonly sizeBytes: number
  readonly hash: number
}

/** Some bytes of a cache. */
export interface Part {
  /** The place of the first one. */
  readonly at: number
  readonly bytes: Uint8Array
}

/** The index. */
interface Columns {
  readonly id: string[]
  readonly version: string[]
  readonly updated: number[]
  readonly created: number[]
  readonly sizeBytes: number[]
  readonly hash: number[]
  readonly isSettled: (0 | 1)[]
  readonly isArchived: (0 | 1)[]
  readonly parentId: (string | 0)[]
}

function noColumns(): Columns {
  return {
    id: [],
    version: [],
    updated: [],
    created: [],
    sizeBytes: [],
    hash: [],
    isSettled: [],
    isArchived: [],
    parentId: [],
  }
}

const NAMES = Object.keys(noColumns()) as readonly (keyof Columns)[]

/** A line of the index. What is rarely looked at stays in the columns. */
class StoredEntry implements Entry {
  readonly id: string
  readonly version: string
  isSettled: boolean
  folded: FoldedInfo | undefined = undefined
  readonly #columns: Columns
  readonly #places: Float64Array
  readonly #row: number

  constructor(columns: Columns, places: Float64Array, row: number) {
    this.id = columns.id[row]!
    this.version = columns.version[row]!
    this.isSettled = columns.isSettled[row] === 1
    this.#columns = columns
    this.#places = places
    this.#row = row
  }

  get updated(): number {
    return this.#columns.updated[this.#row]!
  }

  get created(): number {
    return this.#columns.created[this.#row]!
  }

  get isArchived(): boolean {
    return this.#columns.isArchived[this.#row] === 1
  }

  get parentId(): string | undefined {
    const parentId = this.#columns.parentId[this.#row]
    return parentId === 0 ? undefined : parentId
  }

  get stored(): Stored {
    const { sizeBytes, hash } = this.#columns
    return { at: this.#places[this.#row]!, sizeBytes: sizeBytes[this.#row]!, hash: hash[this.#row]! }
  }
}

const MAGIC = '{"foldlog":"infos","v":3,'
/** No header is longer. */
export const HEADER_BYTES = 80
const LF = 10

/** An entry for what was read of a session. */
export function entryOf(id: string, version: string, isSettled: boolean, folded: FoldedInfo): Entry {
  const { time, parent } = folded.info
  const { updated, created, archived } = time
  const parentId = parent?.sessionId
  return {
    id,
    version,
    isSettled,
    updated,
    created,
    isArchived: archived !== undefined,
    parentId,
    folded,
    stored: undefined,
  }
}

/** How many bytes header and index of a cache take, as its first {@link HEADER_BYTES} say; undefined if it is none of ours. */
export function indexEnd(start: Uint8Array): number | undefined {
  const header = headerOf(start)
  return header === undefined ? undefined : header.at + header.sizeBytes
}

/** The entries of a cache, given its beginning up to {@link indexEnd}; undefined if they are not what was written. */
export function decodeIndex(start: Uint8Array): readonly Entry[] | undefined {
  const header = headerOf(start)
  const line = header === undefined ? undefined : lineAt(header, { at: 0, bytes: start })
  if (header === undefined || line === undefined) return undefined
  try {
    const columns = JSON.parse(textOf(line)) as Columns
    if (NAMES.some((name) => columns[name].length !== columns.id.length)) return undefined
    const places = new Float64Array(columns.id.length)
    const entries: Entry[] = []
    for (let row = 0, at = header.at + header.sizeBytes; row < places.length; row++) {
      places[row] = at
      at += columns.sizeBytes[row]!
      entries.push(new StoredEntry(columns, places, row))
    }
    return entries
  } catch {
    // Its hash fits and it is no index: somebody else made it.
    return undefined
  }
}

/** The info that is stored for an entry; undefined if the bytes hold it not or no longer. */
export function decodeInfo(namespace: string, { id, updated, stored }: Entry, part: Part): FoldedInfo | undefined {
  const line = stored === undefined ? undefined : lineAt(stored, part)
  if (line === undefined) return undefined
  try {
    const [cursor, info, resume, isStraight] = JSON.parse(textOf(line)) as [Cursor | '', SessionInfo, Resume | 0, 0 | 1]
    if (info.id !== id || info.namespace !== namespace || info.time.updated !== updated) return undefined
    return {
      info: deepFreeze(info),
      resume: resume === 0 ? undefined : resume,
      cursor: cursor === '' ? undefined : cursor,
      isStraight: isStraight === 1,
    }
  } catch {
    // As above.
    return undefined
  }
}

/** A cache of entries in the order of their activity. Infos that were not read yet are taken from `part`, or left out. */
export function encodeInfos(entries: Iterable<Entry>, part: Part | undefined): Uint8Array {
  const columns = noColumns()
  const lines: Uint8Array[] = []
  for (const entry of entries) {
    const { folded, stored } = entry
    const line = folded === undefined ? stored && part && lineAt(stored, part) : bytesOf(textOfInfo(folded))
    if (line === undefined) continue
    columns.id.push(entry.id)
    columns.version.push(entry.version)
    columns.updated.push(entry.updated)
    columns.created.push(entry.created)
    columns.sizeBytes.push(line.length + 1)
    columns.hash.push(hashOf(line))
    columns.isSettled.push(entry.isSettled ? 1 : 0)
    columns.isArchived.push(entry.isArchived ? 1 : 0)
    columns.parentId.push(entry.parentId ?? 0)
    lines.push(line)
  }
  const index = bytesOf(JSON.stringify(columns))
  const header = bytesOf(`${MAGIC}"sizeBytes":${index.length + 1},"hash":${hashOf(index)}}`)
  return joined([header, index, ...lines])
}

function textOfInfo({ cursor, info, resume, isStraight }: FoldedInfo): string {
  return JSON.stringify([cursor ?? '', info, resume ?? 0, isStraight ? 1 : 0])
}

function headerOf(start: Uint8Array): Stored | undefined {
  const end = start.subarray(0, HEADER_BYTES).indexOf(LF)
  const text = end < 0 ? '' : textOf(start.subarray(0, end))
  const match = /^"sizeBytes":(\d{1,10}),"hash":(\d{1,10})\}$/.exec(
    text.startsWith(MAGIC) ? text.slice(MAGIC.length) : '',
  )
  return match === null ? undefined : { at: end + 1, sizeBytes: Number(match[1]), hash: Number(match[2]) }
}

/** A line without its line feed; undefined if it is not the one that was written. */
function lineAt({ at, sizeBytes, hash }: Stored, part: Part): Uint8Array | undefined {
  const start = at - part.at
  if (start < 0 || start + sizeBytes > part.bytes.length) return undefined
  const line = part.bytes.subarray(start, start + sizeBytes - 1)
  return hashOf(line) === hash ? line : undefined
}

/** FNV-1a over words of four bytes: tells bytes that are not the ones that were written, by accident, not by malice. */
function hashOf(bytes: Uint8Array): number {
  // A copy, because words must start at a multiple of four.
  const words = new Uint32Array((bytes.length + 3) >> 2)
  new Uint8Array(words.buffer).set(bytes)
  let value = 0x811c9dc5 ^ bytes.length
  for (let i = 0; i < words.length; i++) value = Math.imul(value ^ words[i]!, 0x01000193)
  return value >>> 0
}

function joined(lines: readonly Uint8Array[]): Uint8Array {
  const out = new Uint8Array(lines.reduce((sum, line) => sum + line.length + 1, 0)).fill(LF)
  let at = 0
  for (const line of lines) {
    out.set(line, at)
    at += line.length + 1
  }
  return out
}

function bytesOf(text: string): Uint8Array {
  return new TextEncoder().encode(text)
}

function textOf(bytes: Uint8Array): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).toString()
}
