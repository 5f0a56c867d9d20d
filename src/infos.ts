/**
 * The infos of a namespace's sessions, kept so that a listing does not read logs: in memory, and in a disposable cache beside them.
 *
 * The cache is lines of JSON, the first one `{"foldlog":"infos","v":1}`, each other one an array
 *
 *     [sessionId, version, isSettled, cursor, info, resume?]
 *
 * Invariant held here: I5 caches may vanish at any moment; only speed is lost. The backend's listing is the truth: an entry counts only while the
 * listing gives the version it was made of, and one made of a log that was still being written is checked against the log once more.
 * Where another version brings no line behind the place of an entry, the log is folded anew: it may have been edited before that place.
 */
import type { Backend, Cursor, Head } from './backend.ts'
import { isFoldlogError } from './errors.ts'
import { deepFreeze } from './json.ts'
import type { Resume } from './extend.ts'
import type { SessionInfo } from './message.ts'

interface Entry {
  readonly id: string
  version: string
  isSettled: boolean
  cursor: Cursor | ''
  info: SessionInfo
  resume: Resume | undefined
}

/** What reading a session gives: its info, and what is needed to go on from there. */
export interface FoldedInfo {
  readonly info: SessionInfo
  readonly resume: Resume | undefined
  /** The place up to which it was folded. */
  readonly cursor: Cursor | undefined
}

/** Reads a session up to now, going on from what is known if that is possible and brings anything; undefined if it is gone. */
export type ReadInfo = (sessionId: string, known: FoldedInfo | undefined) => Promise<FoldedInfo | undefined>

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

export interface Page {
  readonly items: readonly SessionInfo[]
  /** Pass as `cursor` for the next page; absent on the last one. */
  readonly next?: string
}

/** Of an entry whose session is open in this process. */
const NOTED = { version: '', isSettled: false, cursor: '', resume: undefined } as const
const HEADER = '{"foldlog":"infos","v":1}'
const DEFAULT_LIMIT = 50
/** So many sessions read at once make saving the cache worth its cost right away; fewer wait for `close`. */
const SAVE_AFTER = 32

export class Infos {
  readonly #backend: Backend
  readonly #namespace: string
  readonly #read: ReadInfo
  #entries: Map<string, Entry> | undefined
  #sorted: { readonly order: string; readonly entries: readonly Entry[] } | undefined
  #isDirty = false

  constructor(backend: Backend, namespace: string, read: ReadInfo) {
    this.#backend = backend
    this.#namespace = namespace
    this.#read = read
  }

  /** Brings every entry up to the backend's listing. */
  async refresh(): Promise<void> {
    const entries = (this.#entries ??= await this.#load())
    const heads = await this.#backend.list(this.#namespace)
    let changed = this.#dropOthers(entries, heads)
    for (const head of heads) {
      const entry = entries.get(head.sessionId)
      if (entry?.version === head.version && entry.isSettled) continue
      if (await this.#renew(entries, entry, head)) changed++
    }
    if (changed > 0) this.#touch()
    if (changed >= SAVE_AFTER) await this.save()
  }

  /** Takes the info of a session that is open in this process. Its version is not known here, so a refresh looks again. */
  note(sessionId: string, info: () => SessionInfo): void {
    if (this.#entries === undefined) return
    this.#entries.set(sessionId, { id: sessionId, ...NOTED, info: info() })
    this.#touch()
  }

  drop(sessionId: string): void {
    if (this.#entries?.delete(sessionId) === true) this.#touch()
  }

  /** A page of what is known. */
  page(options: ListOptions): Page {
    const { limit = DEFAULT_LIMIT, cursor, order = 'updated' } = options
    const entries = this.#inOrder(order)
    const items: SessionInfo[] = []
    for (let i = cursor === undefined ? 0 : positionAfter(entries, order, cursor); i < entries.length; i++) {
      const { info } = entries[i]!
      if (!fits(info, options)) continue
      if (items.length === limit)
        return Object.freeze({ items: Object.freeze(items), next: place(items.at(-1)!, order) })
      items.push(info)
    }
    return Object.freeze({ items: Object.freeze(items) })
  }

  /** Writes the cache if anything changed. A failure is none: the cache only saves time. */
  async save(): Promise<void> {
    if (!this.#isDirty || this.#entries === undefined || !this.#backend.capabilities.infos) return
    await this.#renewNoted(this.#entries)
    this.#isDirty = false
    const lines = [...this.#entries.values()].map(({ id, version, isSettled, cursor, info, resume }) =>
      JSON.stringify([id, version, isSettled, cursor, info, resume]),
    )
    await this.#backend.infos.save(this.#namespace, new TextEncoder().encode(`${[HEADER, ...lines].join('\n')}\n`))
  }

  async #renewNoted(entries: Map<string, Entry>): Promise<void> {
    for (const entry of [...entries.values()].filter(({ version }) => version === NOTED.version)) {
      const head = await this.#backend.head({ namespace: this.#namespace, sessionId: entry.id })
      if (head === undefined) entries.delete(entry.id)
      else await this.#renew(entries, entry, head)
    }
  }

  async #load(): Promise<Map<string, Entry>> {
    const bytes = this.#backend.capabilities.infos ? await this.#backend.infos.load(this.#namespace) : undefined
    const entries = new Map<string, Entry>()
    const [header, ...lines] = bytes === undefined ? [] : new TextDecoder().decode(bytes).split('\n')
    if (header !== HEADER) return entries
    for (const line of lines) {
      const entry = line === '' ? undefined : parse(line, this.#namespace)
      if (entry !== undefined) entries.set(entry.id, entry)
    }
    return entries
  }

  #dropOthers(entries: Map<string, Entry>, heads: readonly Head[]): number {
    const there = new Set(heads.map(({ sessionId }) => sessionId))
    let dropped = 0
    for (const id of entries.keys()) {
      if (there.has(id)) continue
      entries.delete(id)
      dropped++
    }
    return dropped
  }

  /** Makes an entry good for a head again; true if that changed anything worth saving. */
  async #renew(entries: Map<string, Entry>, entry: Entry | undefined, head: Head): Promise<boolean> {
    if (entry?.version === head.version && (await this.#isUnchanged(entry))) {
      entry.isSettled = head.isSettled
      return entry.isSettled
    }
    const known = entry === undefined || entry.cursor === '' ? undefined : { ...entry, cursor: entry.cursor }
    const read = await this.#read(head.sessionId, known)
    if (read === undefined) return entries.delete(head.sessionId)
    const { sessionId: id, version, isSettled } = head
    entries.set(id, { id, version, isSettled, cursor: read.cursor ?? '', info: read.info, resume: read.resume })
    return true
  }

  /** Whether the log ends where it ended when the entry was made, with the same bytes before. */
  async #isUnchanged({ id, cursor }: Entry): Promise<boolean> {
    if (cursor === '') return false
    try {
      for await (const { lines } of this.#backend.read(
        { namespace: this.#namespace, sessionId: id },
        { after: cursor },
      )) {
        if (lines.length > 0) return false
      }
      return true
    } catch (error) {
      // A stale place or a vanished log: not unchanged, and reading it anew will say the rest.
      if (isFoldlogError(error)) return false
      throw error
    }
  }

  #inOrder(order: 'updated' | 'created'): readonly Entry[] {
    if (this.#sorted?.order !== order) {
      const entries = [...(this.#entries?.values() ?? [])]
      entries.sort((a, b) => b.info.time[order] - a.info.time[order] || (a.id < b.id ? 1 : -1))
      this.#sorted = { order, entries }
    }
    return this.#sorted.entries
  }

  #touch(): void {
    this.#isDirty = true
    this.#sorted = undefined
  }
}

function parse(line: string, namespace: string): Entry | undefined {
  try {
    // Checked as far as it is used before the backend has confirmed the version.
    const values = JSON.parse(line) as [string, string, boolean, Cursor, SessionInfo, Resume | null | undefined]
    const [id, version, isSettled, cursor, info, resume] = values
    if (typeof id !== 'string' || info?.namespace !== namespace) return undefined
    return { id, version, isSettled, cursor, info: deepFreeze(info), resume: resume ?? undefined }
  } catch {
    // A line of a cache that is not what we wrote is as good as none.
    return undefined
  }
}

function fits(info: SessionInfo, { archived = false, parentId, where }: ListOptions): boolean {
  if (archived !== 'all' && (info.time.archived !== undefined) !== archived) return false
  if (parentId !== undefined && info.parent?.sessionId !== parentId) return false
  return where === undefined || where(info)
}

function place(info: SessionInfo, order: 'updated' | 'created'): string {
  return `${info.time[order]} ${info.id}`
}

function positionAfter(entries: readonly Entry[], order: 'updated' | 'created', cursor: string): number {
  const space = cursor.indexOf(' ')
  const time = Number(cursor.slice(0, space))
  const id = cursor.slice(space + 1)
  const index = entries.findIndex(({ info }) => info.time[order] < time || (info.time[order] === time && info.id < id))
  return index < 0 ? entries.length : index
}
