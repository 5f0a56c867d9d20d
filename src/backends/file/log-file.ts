/**
 * What this process knows of the first file of one log: its descriptor, and how far the file is known.
 *
 * Knowledge is checked, never trusted: after each write by one look at the path, before each read by the cursor.
 */
import type { Stats } from 'node:fs'
import type { NewLine, SessionKey } from '../../backend.ts'
import { countBefore } from '../../count-before.ts'
import { encodeName } from '../../name.ts'
import { type Chunk, chunksOf, eachLine, lineBefore } from './chunks.ts'
import { editedInodeText, inodeText, markOf, placeText } from './cursor.ts'
import { io } from './io.ts'
import { logPath, namespacePath } from './paths.ts'
import { ID_AT, ID_LENGTH, idAt, Survey } from './prefix.ts'

/** A disk's clock ticks within this: what changes a file so soon after its last change may leave no trace. */
const TICK_MS = 20
/** How many of the newest ids are remembered one by one. */
const RECENT_IDS = 4096
/** What others appended is remembered one by one if it is no more than this. */
const NEWS_BYTES = 1 << 16

/**
 * Which ids may be in a file: exact for the newest, and for the rest by being at most the greatest of them. Ids mostly come in their order, and
 * then nothing is hashed: a set would cost an append more than its place in the tree.
 */
class KnownIds {
  /** In their order. */
  #rising: string[] = []
  /** Those that came late. */
  readonly #late = new Set<string>()
  /** No id that is neither in `#rising` nor in `#late` is greater. */
  #floor = ''
  #greatest = ''

  /** Whether `id` is there; undefined if only the file can tell. */
  has(id: string): boolean | undefined {
    if (id > this.#greatest) return false
    if (isAmong(this.#rising, id) || this.#late.has(id)) return true
    return id > this.#floor ? false : undefined
  }

  add(id: string): void {
    if (id > this.#greatest) {
      this.#greatest = id
      this.#rising.push(id)
    } else if (!isAmong(this.#rising, id)) this.#late.add(id)
    if (this.#rising.length + this.#late.size > RECENT_IDS) this.#forgetOldest()
  }

  /** Takes notice of ids of which only the greatest is known. */
  raise(greatest: string): void {
    if (greatest > this.#floor) this.#floor = greatest
    if (greatest > this.#greatest) this.#greatest = greatest
  }

  #forgetOldest(): void {
    const half = this.#rising.length >>> 1
    this.raise(this.#rising[half - 1] ?? '')
    this.#rising = this.#rising.slice(half)
    for (const id of this.#late) this.raise(id)
    this.#late.clear()
  }
}

/** Whether an id is among ids in their order. */
function isAmong(ids: readonly string[], id: string): boolean {
  return ids[countBefore(ids, itself, id)] === id
}

function itself(id: string): string {
  return id
}

export class LogFile {
  readonly key: SessionKey
  readonly directory: string
  readonly session: string
  readonly path: string
  /** The ULID of the segment; empty for a log's first file. */
  readonly segment: string

  /** -1: not open. */
  fd = -1
  dev = -1
  ino = -1
  /** As cursors name it. */
  inode = ''
  /** When the file had last changed when it was last looked at. */
  mtimeMs = -1
  /** Where the file ended when it was last looked at, and whether a line feed was there. */
  size = 0
  endsWithLf = true
  /** The cursor at that end as long as the log has one file; empty behind a torn line. */
  end = ''
  /** Up to where the lines have been passed over: `ids` and `survey` speak of these. */
  surveyedTo = 0
  survey: Survey = new Survey()
  ids: KnownIds = new KnownIds()
  /** A write failed half-way: look where the file ends before the next one. */
  isUncertain = false
  /** Creating it failed after the file was there: the same process may go on with it. */
  isUnborn = false

  /** What the next append says first: that guarded lines count which were read and count by their place alone; see guard.ts. */
  verdicts: readonly NewLine[] | undefined

  /** Something that takes longer is under way; what comes later waits for it. */
  busy: Promise<unknown> | undefined
  /** When it was last written to, in appends of the backend. */
  used = 0
  /** Whether it is among those that may hold a descriptor. */
  isListed = false

  /** Lines written and not yet known to be on the disk, and what is being done about it; see sync.ts. */
  unsynced: (readonly NewLine[])[] = []
  isDirty = false
  /** A sync failed: `unsynced` has to be written again. */
  mustRewrite = false
  syncing: Promise<void> | undefined
  nextSync: Promise<void> | undefined

  /** The segment that is appended to: where a log has no first file, and in shared roots, where it is this process's own. */
  standIn: LogFile | undefined

  constructor(root: string, key: SessionKey, segment = '') {
    this.key = key
    this.segment = segment
    this.directory = namespacePath(root, key.namespace)
    this.session = encodeName(key.sessionId)
    this.path = logPath(this.directory, this.session, segment)
  }

  /** Whether the file has been there. */
  get isKnown(): boolean {
    return this.ino >= 0
  }

  /** Whether `stat` is of the file that is known. */
  isSame(stat: Stats): boolean {
    return stat.ino === this.ino && stat.dev === this.dev
  }

  /** Whether the last change is so long ago that an edit in place since then would show. */
  get hasRested(): boolean {
    return Math.abs(Date.now() - this.mtimeMs) >= TICK_MS
  }

  /** Lets what comes later wait for `work`, however that ends. Returns it. */
  occupy<T>(work: Promise<T>): Promise<T> {
    this.busy = work.then(
      () => undefined,
      () => undefined,
    )
    return work
  }

  /** Takes over a descriptor. What is known stays known if it is of the same file, not shrunk and not edited. */
  open(fd: number, stat: Stats): void {
    this.close()
    this.fd = fd
    this.know(fd, stat)
  }

  /** Takes notice of the file behind `fd` without keeping the descriptor. */
  know(fd: number, stat: Stats): void {
    if (!this.isSame(stat)) {
      if (fd !== this.fd) this.close()
      this.#forget()
      this.dev = stat.dev
      this.ino = stat.ino
      this.inode = inodeText(stat.ino)
      // They went into a file that is gone, and whoever replaced it decided what is in the new one.
      this.unsynced = []
      this.mustRewrite = false
    } else if (stat.size < this.size) this.#forget()
    else if (this.#isEdited(fd, stat)) {
      this.#forget()
      this.inode = editedInodeText(stat.ino, stat.mtimeMs)
    }
    this.mtimeMs = stat.mtimeMs
    if (this.end === '' || stat.size !== this.size) this.look(fd, stat.size)
    this.isUncertain = false
  }

  /** Takes notice of own lines that are now the last ones; `stat` was made after they were written. */
  extend(lines: readonly NewLine[], { size, mtimeMs }: Stats): void {
    // The first lines of a file are passed over later, for what else they tell.
    if (this.surveyedTo === this.size && this.size > 0 && this.endsWithLf) this.surveyedTo = size
    for (let i = 0; i < lines.length; i++) this.ids.add(lines[i]!.id)
    this.size = size
    this.mtimeMs = mtimeMs
    this.endsWithLf = true
    const last = lines[lines.length - 1]!
    if (last.text.startsWith(last.id, ID_AT) && last.id.length === ID_LENGTH)
      this.end = `${size}.${last.id}${this.inode}`
    else this.look(this.fd, size)
  }

  /** Lets go of the file: it is not there any more. */
  lose(): void {
    this.close()
    this.standIn = undefined
    this.dev = -1
    this.ino = -1
    this.end = ''
    this.isUnborn = false
    this.isUncertain = false
  }

  /** Whether the file may have other content of the same length. Setting its time alone looks the same. */
  #isEdited(fd: number, { size, mtimeMs }: Stats): boolean {
    if (size === 0 || size !== this.size || mtimeMs === this.mtimeMs || this.isUncertain) return false
    // The time of an append may show just before its bytes do.
    return io.fstatSync(fd).size === size
  }

  #forget(): void {
    this.size = 0
    this.surveyedTo = 0
    this.survey = new Survey()
    this.ids = new KnownIds()
  }

  /** Looks at the end of the file. */
  look(fd: number, size: number): void {
    this.size = size
    const line = size === 0 ? undefined : lineBefore(fd, size)
    this.endsWithLf = size === 0 || line !== undefined
    if (size === 0) this.end = placeText(0, '', this.inode)
    else this.end = line === undefined ? '' : placeText(size, markOf(line, 0, line.length), this.inode)
  }

  /** Passes over the lines up to the known end that were not passed over yet. */
  surveyRest(): void {
    for (const chunk of chunksOf(this.fd, this.surveyedTo, this.size)) this.pass(chunk)
  }

  /** Passes over a chunk if it begins where the last one ended. */
  pass({ bytes, offset }: Chunk): void {
    if (offset !== this.surveyedTo) return
    const isNews = offset > 0 && bytes.length <= NEWS_BYTES
    eachLine(bytes, (start, end) => {
      this.survey.take(bytes, start, end)
      const id = isNews ? idAt(bytes, start, end) : undefined
      if (id !== undefined) this.ids.add(id)
    })
    if (!isNews) this.ids.raise(this.survey.greatest)
    this.surveyedTo = offset + bytes.length
  }

  /** Lets go of the descriptor, once nothing is being done with it. */
  close(): void {
    const fd = this.fd
    if (fd < 0) return
    this.fd = -1
    const close = (): void => this.#closeNow(fd)
    if (this.syncing === undefined) close()
    else void this.syncing.then(close, close)
  }

  #closeNow(fd: number): void {
    try {
      io.closeSync(fd)
    } catch {
      // Network disks tell here that something was not written: it is dealt with like a failed sync.
      if (this.unsynced.length > 0) this.mustRewrite = true
    }
  }
}
