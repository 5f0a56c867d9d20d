/**
 * The infos of a namespace's sessions, kept so that a listing does not read logs: in memory, and in a disposable cache beside them.
 *
 * Invariant held here: I5 caches may vanish at any moment; only speed is lost. The backend's listing is the truth: an entry counts only while the
 * listing gives the version it was made of, and one made of a log that was still being written is checked against the log once more.
 * Where another version brings no line behind the place of an entry, the log is folded anew: it may have been edited before that place.
 * Of the cache (infos-cache.ts) the index is read at once, an info when it is asked for; one that cannot be read is folded anew.
 */
import type { Backend, Cursor, Head } from './backend.ts'
import { FoldlogError, isFoldlogError } from './errors.ts'
import { assertCount, assertOneOf } from './input.ts'
import {
  decodeIndex,
  decodeInfo,
  decodeRows,
  encodeInfos,
  entryOf,
  HEADER_BYTES,
  indexEnd,
  Part,
  rowOf,
} from './infos-cache.ts'
import type { Block, Entry, FoldedInfo } from './infos-cache.ts'
import { InOrder, type Order } from './infos-order.ts'
import type { InfoRow, Rows } from './infos-rows.ts'
import type { SessionInfo } from './message.ts'
import { hasNews } from './news.ts'

/** Reads a session up to now, going on from what is known if that is possible and brings anything; undefined if it is gone. */
type ReadInfo = (sessionId: string, known: FoldedInfo | undefined) => Promise<FoldedInfo | undefined>

export interface ListOptions {
  /** At most so many. Default 50. */
  readonly limit?: number
  /** `next` of the page before. */
  readonly cursor?: string
  /** Default false: only sessions that are not archived; true: only archived ones. */
  readonly archived?: boolean | 'all'
  /** Only children of this session. */
  readonly parentId?: string
  readonly where?: (info: SessionInfo) => boolean
  /** Default `updated`: newest activity first; `created`: newest first. */
  readonly order?: 'updated' | 'created'
  readonly signal?: AbortSignal
}

/** Which sessions are meant, where a list needs no infos. */
export type RowOptions = Pick<ListOptions, 'archived' | 'limit' | 'parentId'>

export interface Page {
  readonly items: readonly SessionInfo[]
  /** Pass as `cursor` for the next page; absent on the last one. */
  readonly next?: string
}

/** A session of a listing. */
export interface Glance {
  readonly head: Head
  /** Undefined: its log has to be read. */
  readonly entry: Pick<Entry, 'created' | 'updated' | 'isArchived'> | undefined
}

/** What was once known of a session, and whether that is how it is. */
export interface Known {
  readonly folded: FoldedInfo
  readonly isCurrent: boolean
}

/** The version of an entry whose session is open in this process. No backend gives it. */
const NOTED = ''
const DEFAULT_LIMIT = 50
/** So many sessions read at once make saving the cache worth its cost right away; fewer wait for `close`. */
const SAVE_AFTER = 32
/** With more changes at once, putting all in order again is faster than moving each. */
const MOVED_AT_MOST = 32

/** So many infos are read at once where each has to be looked at. */
const BATCH = 256

export class Infos {
  readonly #backend: Backend
  readonly #namespace: string
  readonly #read: ReadInfo
  readonly #open: () => Promise<Iterable<string>>
  #loading: Promise<Map<string, Entry>> | undefined
  #entries: Map<string, Entry> | undefined
  /** What was read of the infos in the cache. */
  #part: Part | undefined
  /** That is all of them. */
  #isWhole = false
  /** Where the cache that was there has what lists show, and of how many sessions. */
  #rowsAt: { readonly block: Block; readonly count: number } | undefined
  #rows: Promise<Rows | undefined> | undefined
  /** Absent until a page is asked for. */
  #sorted: InOrder | undefined
  #isDirty = false

  /** `open` answers the ids of the sessions that are open in this process. */
  constructor(backend: Backend, namespace: string, read: ReadInfo, open: () => Promise<Iterable<string>>) {
    this.#open = open
    this.#backend = backend
    this.#namespace = namespace
    this.#read = read
  }

  /** Brings every entry up to the backend's listing. A `signal` ends only the wait for sessions that are away for a moment. */
  async refresh(signal?: AbortSignal): Promise<void> {
    const entries = this.#entries ?? (await (this.#loading ??= this.#load()))
    const heads = await this.#heads(signal)
    const outdated = this.#outdated(entries, heads)
    if (outdated.length > MOVED_AT_MOST) this.#sorted = undefined
    let changed = 0
    for (const head of outdated) if (await this.#renew(entries, head)) changed++
    if (changed >= SAVE_AFTER) await this.save()
  }

  /** What is known now, without reading a log: every session of the listing, and its entry if that is good for it. */
  async glance(): Promise<readonly Glance[]> {
    const entries = this.#entries ?? (await (this.#loading ??= this.#load()))
    const heads = await this.#backend.list(this.#namespace)
    return heads.map((head) => {
      const entry = entries.get(head.sessionId)
      return { head, entry: entry?.version === head.version && entry.isSettled ? entry : undefined }
    })
  }

  /**
   * What was last known of a session that has this head, and whether that is how it still is; undefined, too, where to look that up takes longer
   * than to read its log.
   */
  async known(head: Head): Promise<Known | undefined> {
    if (this.#entries === undefined && (await this.#indexBytes()) > head.sizeBytes) return undefined
    const entry = (this.#entries ?? (await (this.#loading ??= this.#load()))).get(head.sessionId)
    if (entry === undefined) return undefined
    await this.#loadPart([entry])
    const folded = this.#folded(entry)
    if (folded === undefined) return undefined
    const isSame = entry.version === head.version
    const isCurrent = isSame && ((entry.isSettled && head.isSettled) || (await this.#isUnchanged(entry.id, folded)))
    return { folded, isCurrent }
  }

  /** Takes the info of a session that is open in this process. Its version is not known here, so a refresh looks again. */
  note(sessionId: string, info: () => SessionInfo): void {
    if (this.#entries === undefined) return
    this.#set(
      this.#entries,
      entryOf(sessionId, NOTED, false, { info: info(), resume: undefined, cursor: undefined, isStraight: false }),
    )
  }

  /** Whether anything is known of a session. */
  has(sessionId: string): boolean {
    return this.#entries?.has(sessionId) === true
  }

  /** Takes what was read of a session that had this head before, unless it is open in this process by now. */
  keep(head: Head, folded: FoldedInfo): void {
    const { sessionId, version, isSettled } = head
    if (this.#entries === undefined || this.#entries.get(sessionId)?.version === NOTED) return
    this.#set(this.#entries, entryOf(sessionId, version, isSettled, folded))
  }

  drop(sessionId: string): void {
    const entry = this.#entries?.get(sessionId)
    if (entry === undefined) return
    this.#entries!.delete(sessionId)
    this.#sorted?.remove(entry)
    this.#isDirty = true
  }

  /** A page of what is known. Looks again only where that cannot be read. */
  async page(options: ListOptions): Promise<Page> {
    for (;;) {
      const page = await this.#page(options)
      if (page !== undefined) return page
      await this.refresh()
    }
  }

  /** What a list shows of the first sessions that fit, newest activity first. Reads no info of the cache that it can do without. */
  async rows(options: RowOptions): Promise<readonly InfoRow[]> {
    const { limit = Infinity } = options
    const sorted = this.#inOrder('updated')
    const entries: Entry[] = []
    for (let at = 0; at < sorted.length && entries.length < limit; at++) {
      const entry = sorted.at(at)
      if (fits(entry, options)) entries.push(entry)
    }
    const stored = entries.some(({ folded }) => folded === undefined) ? await this.#storedRows() : undefined
    const rows: InfoRow[] = []
    for (const entry of entries) {
      const row = rowOf(this.#namespace, entry, stored)
      if (row !== undefined) rows.push(row)
    }
    return rows.length === entries.length ? rows : (await this.page({ ...options, limit })).items
  }

  /** Writes the cache if anything changed. A failure is none: the cache only saves time. */
  async save(): Promise<void> {
    if (!this.#isDirty || this.#entries === undefined || !this.#backend.capabilities.infos) return
    try {
      await this.#renewNoted(this.#entries)
      await this.#dropReplaced(this.#entries)
    } catch (error) {
      // What cannot be looked at may have been redacted meanwhile: it is not written.
      if (isFoldlogError(error)) return
      throw error
    }
    this.#isDirty = false
    const entries = this.#inOrder('updated').newestFirst()
    await this.#loadPart(entries)
    const rows = await this.#storedRows()
    if (rows === undefined) for (const entry of entries) this.#folded(entry)
    await this.#backend.infos.save(this.#namespace, encodeInfos(this.#namespace, entries, this.#part, rows))
  }

  async #renewNoted(entries: Map<string, Entry>): Promise<void> {
    for (const entry of [...entries.values()].filter(({ version }) => version === NOTED)) {
      const head = await this.#backend.head({ namespace: this.#namespace, sessionId: entry.id })
      if (head === undefined) this.drop(entry.id)
      else await this.#renew(entries, head)
    }
  }

  /** Drops what was known of logs that are other ones by now: what somebody has redacted is not written again. */
  async #dropReplaced(entries: Map<string, Entry>): Promise<void> {
    const heads = await this.#backend.list(this.#namespace)
    const versions = new Map(heads.map(({ sessionId, version }) => [sessionId, version]))
    for (const entry of entries.values()) {
      if (entry.version === versions.get(entry.id) || entry.version === NOTED) continue
      await this.#loadPart([entry])
      const cursor = this.#folded(entry)?.cursor
      const isHere = cursor !== undefined && (await this.#isPlace(entry.id, cursor))
      if (!isHere && entries.get(entry.id) === entry) this.drop(entry.id)
    }
  }

  /** Whether a log still has this place. */
  async #isPlace(sessionId: string, after: Cursor): Promise<boolean> {
    try {
      for await (const _ of this.#backend.read({ namespace: this.#namespace, sessionId }, { after })) return true
      return true
    } catch (error) {
      // Whatever it is: it is read anew when somebody asks.
      if (isFoldlogError(error)) return false
      throw error
    }
  }

  async #load(): Promise<Map<string, Entry>> {
    try {
      const entries = this.#backend.capabilities.infos ? await this.#loadIndex() : []
      this.#entries = new Map()
      for (const entry of entries) this.#entries.set(entry.id, entry)
      return this.#entries
    } finally {
      // After a failure the next listing tries again.
      this.#loading = undefined
    }
  }

  /** How long the part of the cache is that has to be read to find anything in it. */
  async #indexBytes(): Promise<number> {
    if (!this.#backend.capabilities.infos) return 0
    const start = await this.#backend.infos.load(this.#namespace, 0, HEADER_BYTES)
    return (start === undefined ? undefined : indexEnd(start)) ?? 0
  }

  async #loadIndex(): Promise<readonly Entry[]> {
    // Another process may replace the cache between the two looks, but hardly twice.
    for (let tries = 0; tries < 2; tries++) {
      const start = await this.#backend.infos.load(this.#namespace, 0, HEADER_BYTES)
      const end = start === undefined ? undefined : indexEnd(start)
      if (end === undefined) break
      const bytes = await this.#backend.infos.load(this.#namespace, 0, end)
      const index = bytes === undefined ? undefined : decodeIndex(bytes)
      if (index === undefined) continue
      this.#rowsAt = { block: index.rows, count: index.entries.length }
      return index.entries
    }
    return []
  }

  /** Reads from the cache what it holds of these entries: only that the first time, then all of it. */
  async #loadPart(entries: readonly Entry[]): Promise<void> {
    let [start, end] = [Infinity, 0]
    for (const { folded, stored } of entries) {
      if (folded !== undefined || stored === undefined) continue
      start = Math.min(start, stored.at)
      end = Math.max(end, stored.at + stored.sizeBytes)
    }
    const part = this.#part
    const isThere = part !== undefined && part.at <= start && end <= part.at + part.bytes.length
    if (start >= end || isThere || this.#isWhole) return
    this.#isWhole = part !== undefined
    const at = this.#isWhole ? 0 : start
    const bytes = await this.#backend.infos.load(this.#namespace, at, this.#isWhole ? Infinity : end)
    this.#part = new Part(at, bytes ?? new Uint8Array(0))
  }

  /** The rows of the cache; undefined if there are none, or another process has replaced it since. */
  #storedRows(): Promise<Rows | undefined> {
    this.#rows ??= this.#loadRows()
    return this.#rows
  }

  async #loadRows(): Promise<Rows | undefined> {
    if (this.#rowsAt === undefined) return undefined
    const { block, count } = this.#rowsAt
    const bytes = await this.#backend.infos.load(this.#namespace, block.at, block.at + block.sizeBytes)
    return bytes === undefined ? undefined : decodeRows(new Part(block.at, bytes), block, count)
  }

  #folded(entry: Entry): FoldedInfo | undefined {
    if (entry.folded === undefined && this.#part !== undefined)
      entry.folded = decodeInfo(this.#namespace, entry, this.#part)
    return entry.folded
  }

  /** The backend's listing. Sessions that are open here and not in it may be replaced just now: all are waited for at once. */
  async #heads(signal: AbortSignal | undefined): Promise<readonly Head[]> {
    const missing = new Set(await this.#open())
    const heads = await this.#backend.list(this.#namespace)
    if (missing.size === 0) return heads
    for (const { sessionId } of heads) missing.delete(sessionId)
    if (missing.size === 0) return heads
    await unlessAborted(Promise.allSettled([...missing].map((id) => this.#read(id, undefined))), signal)
    return this.#backend.list(this.#namespace)
  }

  /** The heads of which nothing good is known. What has no head is dropped. */
  #outdated(entries: Map<string, Entry>, heads: readonly Head[]): readonly Head[] {
    let known = 0
    const outdated: Head[] = []
    for (const head of heads) {
      const entry = entries.get(head.sessionId)
      if (entry !== undefined) known++
      if (entry?.version !== head.version || !entry.isSettled) outdated.push(head)
    }
    if (known < entries.size) {
      if (entries.size - known > MOVED_AT_MOST) this.#sorted = undefined
      const there = new Set(heads.map(({ sessionId }) => sessionId))
      for (const id of entries.keys()) if (!there.has(id)) this.drop(id)
    }
    return outdated
  }

  /** Makes an entry good for a head again; true if that changed anything worth saving. */
  async #renew(entries: Map<string, Entry>, head: Head): Promise<boolean> {
    const entry = entries.get(head.sessionId)
    if (entry !== undefined) await this.#loadPart([entry])
    const known = entry === undefined ? undefined : this.#folded(entry)
    if (entry?.version === head.version && (await this.#isUnchanged(entry.id, known))) {
      entry.isSettled = head.isSettled
      if (entry.isSettled) this.#isDirty = true
      return entry.isSettled
    }
    const read = await this.#read(head.sessionId, known?.cursor === undefined ? undefined : known)
    if (read === undefined) this.drop(head.sessionId)
    else this.#set(entries, entryOf(head.sessionId, head.version, head.isSettled, read))
    return read !== undefined || entry !== undefined
  }

  /** Whether the log ends where it ended when the entry was made, with the same bytes before. */
  async #isUnchanged(sessionId: string, known: FoldedInfo | undefined): Promise<boolean> {
    if (known?.cursor === undefined) return false
    try {
      return !(await hasNews(this.#backend, { namespace: this.#namespace, sessionId }, known.cursor))
    } catch (error) {
      // A vanished log: not unchanged, and reading it anew will say the rest.
      if (isFoldlogError(error)) return false
      throw error
    }
  }

  /** A page; undefined if something was dropped because it could not be read. */
  async #page(options: ListOptions): Promise<Page | undefined> {
    const { limit = DEFAULT_LIMIT, cursor, order = 'updated', where } = options
    const sorted = this.#inOrder(order)
    // One batch is enough where each of its infos is an item. Otherwise the order may change while infos are read.
    const entries = where === undefined ? sorted : sorted.newestFirst()
    const items: SessionInfo[] = []
    const size = where === undefined ? limit + 1 : BATCH
    const count = entries.length
    let at = cursor === undefined ? 0 : positionAfter(sorted, cursor)
    while (at < count) {
      const batch: Entry[] = []
      for (; at < count && batch.length < size; at++) {
        const entry = entries.at(at)!
        if (fits(entry, options)) batch.push(entry)
      }
      const infos = await this.#infosOf(batch)
      if (infos === undefined) return undefined
      for (const info of infos) {
        if (where !== undefined && !where(info)) continue
        if (items.length === limit)
          return Object.freeze({ items: Object.freeze(items), next: place(items.at(-1)!, order) })
        items.push(info)
      }
    }
    return Object.freeze({ items: Object.freeze(items) })
  }

  async #infosOf(entries: readonly Entry[]): Promise<readonly SessionInfo[] | undefined> {
    await this.#loadPart(entries)
    const infos: SessionInfo[] = []
    const unreadable: Entry[] = []
    for (const entry of entries) {
      const folded = this.#folded(entry)
      if (folded === undefined) unreadable.push(entry)
      else infos.push(folded.info)
    }
    // Another entry may have taken its place meanwhile.
    for (const entry of unreadable) if (this.#entries?.get(entry.id) === entry) this.drop(entry.id)
    return unreadable.length === 0 ? infos : undefined
  }

  #inOrder(order: Order): InOrder {
    if (this.#sorted?.order !== order) this.#sorted = new InOrder(order, this.#entries?.values() ?? [])
    return this.#sorted
  }

  #set(entries: Map<string, Entry>, entry: Entry): void {
    const before = entries.get(entry.id)
    if (before !== undefined) this.#sorted?.remove(before)
    entries.set(entry.id, entry)
    this.#sorted?.add(entry)
    this.#isDirty = true
  }
}

/** Resolves with `work`, or rejects as soon as the signal fires. */
async function unlessAborted(work: Promise<unknown>, signal: AbortSignal | undefined): Promise<void> {
  signal?.throwIfAborted()
  await new Promise((resolve, reject) => {
    const onAbort = (): void => reject(signal?.reason as Error)
    signal?.addEventListener('abort', onAbort)
    void work.then(resolve, reject).finally(() => signal?.removeEventListener('abort', onAbort))
  })
}

function fits({ isArchived, parentId }: Entry, options: RowOptions): boolean {
  const { archived = false } = options
  if (archived !== 'all' && isArchived !== archived) return false
  return options.parentId === undefined || options.parentId === parentId
}

function place(info: SessionInfo, order: Order): string {
  return `${info.time[order]} ${info.id}`
}

function positionAfter(entries: InOrder, cursor: string): number {
  const space = cursor.indexOf(' ')
  return entries.positionAfter(Number(cursor.slice(0, space)), cursor.slice(space + 1))
}

/** Throws `INVALID_OPTION` for what cannot be asked of a listing. */
export function assertListing({ limit, cursor, archived, order }: ListOptions): void {
  if (limit !== undefined) assertCount(limit, 1, 'limit')
  if (cursor !== undefined && (typeof cursor !== 'string' || !/^\d+ /.test(cursor))) {
    const why = `cursor must be \`next\` of the page before, not ${JSON.stringify(cursor)}`
    throw new FoldlogError('INVALID_OPTION', why, { field: 'cursor' })
  }
  assertOneOf(archived, [undefined, true, false, 'all'], 'archived')
  assertOneOf(order, [undefined, 'updated', 'created'], 'order')
}
