/**
 * The infos cache as bytes: an index in front, which is all that a listing of what has not changed looks at, then what a list shows of each
 * session, and the infos behind them.
 *
 *     {"foldlog":"infos","v":4,"index":[sizeBytes,hash],"rows":[sizeBytes,hash]}                of the next two lines
 *     {"id":[…],"version":[…],"updated":[…],"created":[…],"sizeBytes":[…],"hash":[…],"isSettled":[…],"isArchived":[…],"parentId":[…]}
 *     {"id":[…],"title":[…],"preview":[…],…}                                                         see infos-rows.ts
 *     info TAB [cursor,isStraight,resume?]                                                      a line for each of them, in their order
 *
 * The columns of the index have a value a session, newest activity first: times in ms, flags 0 or 1, 0 for no parent. Columns, because ten
 * thousand rows are garbage that takes longer to collect than to read. Sizes are with the line feed, hashes without. A hash that does not fit means that there is no such cache, or no such info.
 * All of it is ASCII, which is a string without being decoded, and what only going on from an info needs stands behind it, where a listing does not parse it. Pure.
 */
import type { Cursor } from './backend.ts'
import type { Resume } from './extend.ts'
import { type InfoRow, Rows, textOfRows } from './infos-rows.ts'
import { freezeParsed, isArray, type Json } from './json.ts'
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

/** Where the cache holds a line, with the line feed, and the hash of the line without it. */
export interface Block {
  readonly at: number
  readonly sizeBytes: number
  readonly hash: number
}

/** Where the cache holds an info. */
export interface Stored extends Block {
  /** Which line of the index it is. */
  readonly row: number
}

/** Some bytes of a cache. */
export class Part {
  /** The place of the first one. */
  readonly at: number
  readonly bytes: Buffer
  readonly #view: DataView

  constructor(at: number, { buffer, byteOffset, length }: Uint8Array) {
    this.at = at
    this.bytes = Buffer.from(buffer, byteOffset, length)
    this.#view = viewOf(this.bytes)
  }

  /** Where a line begins in these bytes; undefined if they do not hold it as it was written. */
  startOf({ at, sizeBytes, hash }: Block): number | undefined {
    const start = at - this.at
    if (start < 0 || start + sizeBytes > this.bytes.length) return undefined
    return hashOf(this.#view, start, start + sizeBytes - 1) === hash ? start : undefined
  }

  /** The text of some of the bytes. What is none of ours may be no ASCII: then its hash does not fit, or it is no JSON. */
  text(start: number, end: number): string {
    return this.bytes.toString('latin1', start, end)
  }
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
    const row = this.#row
    return { at: this.#places[row]!, sizeBytes: sizeBytes[row]!, hash: hash[row]!, row }
  }
}

type Rest = readonly [cursor: Cursor | '', isStraight: 0 | 1, resume?: Resume]

/** What stands behind an info in its line is parsed when it is asked for. */
class StoredInfo implements FoldedInfo {
  readonly info: SessionInfo
  readonly #part: Part
  readonly #start: number
  readonly #end: number
  #rest: Rest | undefined

  constructor(info: SessionInfo, part: Part, start: number, end: number) {
    this.info = info
    this.#part = part
    this.#start = start
    this.#end = end
  }

  get resume(): Resume | undefined {
    return this.#parsed()[2]
  }

  get cursor(): Cursor | undefined {
    const [cursor] = this.#parsed()
    return cursor === '' ? undefined : cursor
  }

  get isStraight(): boolean {
    return this.#parsed()[1] === 1
  }

  #parsed(): Rest {
    this.#rest ??= restOf(this.#part.text(this.#start, this.#end))
    return this.#rest
  }
}

const MAGIC = '{"foldlog":"infos","v":4,'
/** No header is longer. */
export const HEADER_BYTES = 120
const HEADER = /^"index":\[(\d{1,10}),(\d{1,10})\],"rows":\[(\d{1,10}),(\d{1,10})\]\}$/
const LF = 10
const TAB = 9
const BEYOND_ASCII = /[\u0080-\uFFFF]+/g
const HEX: readonly string[] = Array.from({ length: 256 }, (_, byte) => byte.toString(16).padStart(2, '0'))

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

/** The beginning of a cache. */
export interface Index {
  readonly entries: readonly Entry[]
  /** Where the rows are. */
  readonly rows: Block
}

/** How many bytes header and index of a cache take, as its first {@link HEADER_BYTES} say; undefined if it is none of ours. */
export function indexEnd(start: Uint8Array): number | undefined {
  return headerOf(start)?.rows.at
}

/** The index of a cache, given its beginning up to {@link indexEnd}; undefined if it is not what was written. */
export function decodeIndex(start: Uint8Array): Index | undefined {
  const part = new Part(0, start)
  const header = headerOf(start)
  if (header === undefined || part.startOf(header.index) === undefined) return undefined
  const { index, rows } = header
  try {
    const columns = JSON.parse(part.text(index.at, rows.at)) as Columns
    if (NAMES.some((name) => columns[name].length !== columns.id.length)) return undefined
    const places = new Float64Array(columns.id.length)
    const entries: Entry[] = []
    for (let row = 0, at = rows.at + rows.sizeBytes; row < places.length; row++) {
      places[row] = at
      at += columns.sizeBytes[row]!
      entries.push(new StoredEntry(columns, places, row))
    }
    return { entries, rows }
  } catch {
    // Its hash fits and it is no index: somebody else made it.
    return undefined
  }
}

/** What a list shows of so many sessions; undefined if the bytes hold it not or no longer. */
export function decodeRows(part: Part, block: Block, count: number): Rows | undefined {
  const start = part.startOf(block)
  return start === undefined ? undefined : Rows.parse(part.text(start, start + block.sizeBytes), count)
}

/** The info that is stored for an entry; undefined if the bytes hold it not or no longer. */
export function decodeInfo(namespace: string, { id, updated, stored }: Entry, part: Part): FoldedInfo | undefined {
  const start = stored === undefined ? undefined : part.startOf(stored)
  if (start === undefined) return undefined
  try {
    const tab = part.bytes.indexOf(TAB, start)
    const info = JSON.parse(part.text(start, tab)) as SessionInfo
    if (info.id !== id || info.namespace !== namespace || info.time.updated !== updated) return undefined
    return new StoredInfo(freezeParsed(info), part, tab + 1, start + stored!.sizeBytes - 1)
  } catch {
    // As above.
    return undefined
  }
}

/** What was written behind an info. If that is nothing of the kind, its log is folded anew as if there were nothing. */
function restOf(text: string): Rest {
  try {
    const rest = JSON.parse(text) as Json
    return isArray(rest) && typeof rest[0] === 'string' ? (rest as unknown as Rest) : ['', 0]
  } catch {
    // As above.
    return ['', 0]
  }
}

/**
 * A cache of entries in the order of their activity. Infos that were not read yet are taken from `part` and `rows`, or left out if they are not
 * in both.
 */
export function encodeInfos(
  namespace: string,
  entries: Iterable<Entry>,
  part: Part | undefined,
  rows: Rows | undefined,
): Uint8Array {
  const columns = noColumns()
  const shown: InfoRow[] = []
  const lines: Uint8Array[] = []
  for (const entry of entries) {
    const line = lineOf(entry, part)
    const row = rowOf(namespace, entry, rows)
    if (line === undefined || row === undefined) continue
    columns.id.push(entry.id)
    columns.version.push(entry.version)
    columns.updated.push(entry.updated)
    columns.created.push(entry.created)
    columns.sizeBytes.push(line.length + 1)
    columns.hash.push(hashOf(viewOf(line), 0, line.length))
    columns.isSettled.push(entry.isSettled ? 1 : 0)
    columns.isArchived.push(entry.isArchived ? 1 : 0)
    columns.parentId.push(entry.parentId ?? 0)
    shown.push(row)
    lines.push(line)
  }
  const index = bytesOf(JSON.stringify(columns))
  const table = bytesOf(textOfRows(shown))
  const header = bytesOf(`${MAGIC}"index":${blockText(index)},"rows":${blockText(table)}}`)
  return joined([header, index, table, ...lines])
}

/** What a list shows of an entry; undefined if that is not known yet. */
export function rowOf(namespace: string, { folded, id, stored, updated }: Entry, rows?: Rows): InfoRow | undefined {
  return folded?.info ?? (stored === undefined ? undefined : rows?.at(stored.row, id, namespace, updated))
}

function blockText(line: Uint8Array): string {
  return `[${line.length + 1},${hashOf(viewOf(line), 0, line.length)}]`
}

/** What was not folded anew is still the line it was. */
function lineOf({ folded, stored }: Entry, part: Part | undefined): Uint8Array | undefined {
  const start = stored === undefined ? undefined : part?.startOf(stored)
  if (start !== undefined) return part!.bytes.subarray(start, start + stored!.sizeBytes - 1)
  return folded === undefined ? undefined : bytesOf(textOfInfo(folded))
}

function textOfInfo({ cursor, info, isStraight, resume }: FoldedInfo): string {
  const rest = [cursor ?? '', isStraight ? 1 : 0, ...(resume === undefined ? [] : [resume])]
  return `${JSON.stringify(info)}\t${JSON.stringify(rest)}`
}

function headerOf(start: Uint8Array): { readonly index: Block; readonly rows: Block } | undefined {
  const end = start.subarray(0, HEADER_BYTES).indexOf(LF)
  const text = new Part(0, start).text(0, Math.max(0, end))
  const match = HEADER.exec(text.startsWith(MAGIC) ? text.slice(MAGIC.length) : '')
  if (match === null) return undefined
  const index = { at: end + 1, sizeBytes: Number(match[1]), hash: Number(match[2]) }
  return { index, rows: { at: index.at + index.sizeBytes, sizeBytes: Number(match[3]), hash: Number(match[4]) } }
}

/** FNV-1a over words of four bytes: tells bytes that are not the ones that were written, by accident, not by malice. */
function hashOf(view: DataView, start: number, end: number): number {
  let value = 0x811c9dc5 ^ (end - start)
  let at = start
  for (; at + 4 <= end; at += 4) value = Math.imul(value ^ view.getInt32(at, true), 0x01000193)
  for (; at < end; at++) value = Math.imul(value ^ view.getUint8(at), 0x01000193)
  return value >>> 0
}

function viewOf({ buffer, byteOffset, length }: Uint8Array): DataView {
  return new DataView(buffer, byteOffset, length)
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

/** JSON as ASCII: the same value, with escapes for what is not. */
export function asciiOf(json: string): string {
  return json.replaceAll(BEYOND_ASCII, escaped)
}

function bytesOf(json: string): Uint8Array {
  return Buffer.from(asciiOf(json), 'latin1')
}

/** Digits from a table: most of saving a cache of texts in other scripts would be making them. */
function escaped(text: string): string {
  let out = ''
  for (let at = 0; at < text.length; at++) {
    const unit = text.charCodeAt(at)
    out += `\\u${HEX[unit >> 8]!}${HEX[unit & 0xff]!}`
  }
  return out
}
