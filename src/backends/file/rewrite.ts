/**
 * Replaces the files of a log while others append to it: the one place where a log is replaced.
 *
 *     1. write what the file is to be aside, and sync it          .cache/rewrite/<session>.<ulid>.new
 *     2. link the old file as a segment                           <session>.0000000000<16 random>.jsonl
 *     3. rename the new one over the old one
 *     4. append to the new one what reached the old one meanwhile, until nothing comes any more; sync
 *     5. unlink the segment, and append what came last
 *
 * Invariants held here:
 *  - I1 A written line is never changed, moved or cut; a log is replaced as a whole.
 *  - At any moment the files of the log hold every line that was acknowledged: before 3 in the old file, from 2 to 5 in
 *    the segment, after 4 in the new one. So it may end anywhere. A segment whose ULID is of the year 1970 is one that a rewrite left: the
 *    next one brings its lines home and unlinks it.
 *  - Whoever appends to the old file finds, when it looks at the path after its write, that it is another file now, and does not
 *    acknowledge before its lines are in that one (write.ts). A line that it saw in place before 3 is there when 4 reads.
 *  - Whoever removes the log meanwhile waits for the end of the rewrite and removes again, so that no session comes back.
 */
import type { RawLine, Rewrite, Rewritten } from '../../backend.ts'
import { FoldlogError } from '../../errors.ts'
import { newId } from '../../id.ts'
import { decodeLine } from '../../line.ts'
import { chunksOf, eachLine, type Chunk } from './chunks.ts'
import { inodeText } from './cursor.ts'
import { isMissing, storageError } from './failure.ts'
import { syncDirectory } from './folders.ts'
import { Guards } from './guard.ts'
import { io } from './io.ts'
import type { LogFile } from './log-file.ts'
import { openRegular, TO_APPEND, TO_READ } from './regular.ts'
import { findIds } from './lookup.ts'
import { asideSegment, isAside, LOG_SUFFIX } from './paths.ts'
import { idAt, LF } from './prefix.ts'
import { isAlive, madeFor, rewriteDirectory, RewriteLock, unlink } from './rewrite-lock.ts'
import { deleted, missing } from './refusals.ts'
import type { Segments } from './segments.ts'
import { isBuried } from './tombstone.ts'
import { settle } from './settle.ts'
import { renameOver, syncData } from './whole-file.ts'

const NEW_SUFFIX = '.new'
const LINE_END = Buffer.from([LF])
const BUFFER_BYTES = 1 << 20
const PAUSE_MS = 20
/** Nothing came to the old file for so long: whoever had it open has moved. Only strangers do not look at the path after a write. */
const QUIET_MS = 100
const PATIENCE_MS = 5000
const MAX_WRITES = 5

/** Replaces the files of a log by what `rewrite` makes of their lines. See the port for what it promises. */
export async function rewriteLog(log: LogFile, segments: Segments, rewrite: Rewrite): Promise<Rewritten> {
  let lock: RewriteLock | undefined
  let job: Job | undefined
  try {
    lock = RewriteLock.take(log)
    if (isBuried(log, segments)) throw deleted(log)
    job = new Job(log, segments, rewrite)
    return await job.run()
  } catch (error) {
    throw isMissing(error) ? missing(log) : storageError(error, 'rewrite', { ...log.key, path: log.path })
  } finally {
    job?.close()
    lock?.release()
  }
}

/** What killed rewrites of a log left, relative to its namespace. Not what one that runs is making. */
export function leftoversOf(log: LogFile, segments: Segments): readonly string[] {
  const made = madeFor(log)
  if (made.some((name) => name.endsWith('.lock') && isAlive(name))) return []
  const asides = segments.of(log.directory, log.session).filter(isAside)
  return [
    ...made.map((name) => `.cache/rewrite/${name}`),
    ...asides.map((segment) => `${log.session}.${segment}${LOG_SUFFIX}`),
  ]
}

/** One of the files of a log while it is replaced. */
class Source {
  readonly segment: string
  readonly file: string
  readonly path: string
  readonly fd: number
  readonly ino: number
  readonly inode: string
  /** Where it ended when it was opened. */
  readonly size: number
  /** Up to where it was edited, and how many lines that is. */
  upTo = 0
  lines = 0
  newPath = ''
  newSize = 0
  isChanged = false

  constructor(log: LogFile, segment: string) {
    this.segment = segment
    this.file = fileOf(log, segment)
    this.path = `${log.directory}/${this.file}`
    const { fd, stat } = openRegular(this.path, TO_READ)
    this.fd = fd
    this.ino = stat.ino
    this.inode = inodeText(stat.ino)
    this.size = stat.size
  }
}

class Job {
  readonly #log: LogFile
  readonly #segments: Segments
  readonly #rewrite: Rewrite
  readonly #sources: Source[] = []
  readonly #guards = new Guards()

  constructor(log: LogFile, segments: Segments, rewrite: Rewrite) {
    this.#log = log
    this.#segments = segments
    this.#rewrite = rewrite
  }

  async run(): Promise<Rewritten> {
    const log = this.#log
    for (const name of madeFor(log)) {
      if (name.endsWith(NEW_SUFFIX)) unlink(`${rewriteDirectory(log.directory)}/${name}`)
    }
    await bringHome(log, this.#files())
    for (const segment of this.#files()) this.#openSource(segment)
    if (this.#sources.length === 0) throw missing(log)
    for (const source of this.#sources) this.#judge(source, 0, source.size)
    for (const source of this.#sources) this.#writeNew(source)
    await this.#rewrite.verify?.(this.#newLines())
    for (const source of this.#sources) if (source.isChanged) await this.#replace(source)
    return {
      isChanged: this.#sources.some(({ isChanged }) => isChanged),
      sizeBytesBefore: this.#sources.reduce((sum, { size }) => sum + size, 0),
      sizeBytesAfter: this.#sources.reduce((sum, source) => sum + (source.isChanged ? source.newSize : source.size), 0),
    }
  }

  close(): void {
    for (const { fd, newPath } of this.#sources) {
      io.closeSync(fd)
      if (newPath !== '') unlink(newPath)
    }
  }

  #files(): readonly string[] {
    return ['', ...this.#segments.of(this.#log.directory, this.#log.session)]
  }

  #openSource(segment: string): void {
    try {
      this.#sources.push(new Source(this.#log, segment))
    } catch (error) {
      // A log may have no first file, and a segment may have gone since.
      if (!isMissing(error)) throw error
    }
  }

  #judge(source: Source, from: number, to: number): void {
    for (const chunk of chunksOf(source.fd, from, to)) this.#guards.feed(source.segment, source.inode, chunk)
  }

  /** Step 1. What is behind the last line feed is a write that may be under way: it is left to step 4. */
  #writeNew(source: Source): void {
    source.newPath = `${rewriteDirectory(this.#log.directory)}/${this.#log.session}.${newId()}${NEW_SUFFIX}`
    const output = new Output(io.openSync(source.newPath, 'wx', 0o600))
    try {
      for (const chunk of chunksOf(source.fd, 0, source.size)) {
        for (const bytes of this.#edited(source, chunk)) output.line(bytes)
      }
      output.flush()
      source.newSize = output.size
    } finally {
      io.closeSync(output.fd)
    }
  }

  #edited(source: Source, chunk: Chunk): Uint8Array[] {
    const out: Uint8Array[] = []
    eachLine(chunk.bytes, (start, end) => {
      source.lines++
      if (end === start) return
      const offset = chunk.offset + start
      const edited = this.#edit(source, chunk.bytes.subarray(start, end), offset)
      if (edited !== undefined) out.push(edited)
    })
    source.upTo = chunk.offset + chunk.bytes.length
    return out
  }

  #edit(source: Source, bytes: Buffer, offset: number): Uint8Array | undefined {
    const settled = settle(bytes, this.#guards.isWithheld(source.segment, offset))
    const line: RawLine = { bytes: settled ?? bytes, file: source.file, line: source.lines, offset }
    const edited = settled === undefined ? undefined : this.#rewrite.edit(line)
    if (edited !== bytes) source.isChanged = true
    return edited === undefined || edited.length === 0 ? undefined : edited
  }

  *#newLines(): Generator<Uint8Array, void> {
    for (const { newPath, newSize } of this.#sources) {
      const { fd } = openRegular(newPath, TO_READ)
      try {
        for (const { bytes } of chunksOf(fd, 0, newSize)) {
          const lines: Uint8Array[] = []
          eachLine(bytes, (start, end) => lines.push(bytes.subarray(start, end)))
          yield* lines
        }
      } finally {
        io.closeSync(fd)
      }
    }
  }

  async #replace(source: Source): Promise<void> {
    const { directory } = this.#log
    await syncFile(source.newPath)
    const aside = `${directory}/${fileOf(this.#log, asideSegment(newId()))}`
    io.linkSync(source.path, aside)
    if (io.lstatSync(aside).ino !== source.ino) {
      io.unlinkSync(aside)
      throw replaced(this.#log, source.path)
    }
    await syncDirectory(directory)
    await renameOver(source.newPath, source.path)
    source.newPath = ''
    await syncDirectory(directory)
    await this.#carryUntilQuiet(source, aside)
    io.unlinkSync(aside)
    await this.#carry(source, true)
    await syncDirectory(directory)
  }

  async #carryUntilQuiet(source: Source, aside: string): Promise<void> {
    const deadline = performance.now() + PATIENCE_MS
    for (let quietSince = performance.now(); performance.now() - quietSince < QUIET_MS;) {
      if (await this.#carry(source, false)) quietSince = performance.now()
      if (performance.now() > deadline) throw held(this.#log, aside)
      await new Promise((resolve) => setTimeout(resolve, PAUSE_MS))
    }
  }

  /** Appends to the new file what reached the old one. At the end also what has no line feed: nobody will go on with it. */
  async #carry(source: Source, isEnd: boolean): Promise<boolean> {
    const { size } = io.fstatSync(source.fd)
    const from = source.upTo
    if (size === from) return false
    this.#judge(source, from, size)
    const lines: Uint8Array[] = []
    for (const chunk of chunksOf(source.fd, from, size)) {
      for (const edited of this.#edited(source, chunk)) lines.push(edited)
    }
    if (isEnd && source.upTo < size) {
      const rest = Buffer.alloc(size - source.upTo)
      io.readSync(source.fd, rest, 0, rest.length, source.upTo)
      source.lines++
      const edited = this.#edit(source, rest, source.upTo)
      if (edited !== undefined) lines.push(edited)
    }
    if (lines.length > 0) source.newSize += await appendLines(source.path, lines)
    return source.upTo > from
  }
}

/** Lines on their way into a file. */
class Output {
  readonly fd: number
  size = 0
  #parts: Uint8Array[] = []
  #length = 0

  constructor(fd: number) {
    this.fd = fd
  }

  line(bytes: Uint8Array): void {
    this.#parts.push(bytes, LINE_END)
    this.#length += bytes.length + 1
    if (this.#length >= BUFFER_BYTES) this.flush()
  }

  flush(): void {
    const bytes = Buffer.concat(this.#parts, this.#length)
    for (let at = 0; at < bytes.length;) at += io.writeSync(this.fd, bytes, at, bytes.length - at)
    this.size += bytes.length
    this.#parts = []
    this.#length = 0
  }
}

/** Appends lines to the file at a path and sees to it that they last there. Returns how many bytes that were. */
async function appendLines(path: string, lines: readonly Uint8Array[]): Promise<number> {
  const body = Buffer.concat(lines.flatMap((line) => [line, LINE_END]))
  for (let writes = 1; writes <= MAX_WRITES; writes++) {
    const { fd, stat } = openRegular(path, TO_APPEND)
    try {
      const last = Buffer.alloc(1)
      const isSealed = stat.size === 0 || (io.readSync(fd, last, 0, 1, stat.size - 1) === 1 && last[0] === LF)
      const bytes = isSealed ? body : Buffer.concat([LINE_END, body])
      const written = io.writeSync(fd, bytes, 0, bytes.length)
      if (written !== bytes.length) throw Object.assign(new Error('a short write'), { code: 'ENOSPC' })
      await syncData(fd)
      if (io.lstatSync(path).ino === stat.ino) return bytes.length
    } finally {
      io.closeSync(fd)
    }
  }
  throw new Error(`${path} was another file after each of ${MAX_WRITES} writes`)
}

/** Ends what killed rewrites of a log began: the lines that only their old file holds go where the others are. */
async function bringHome(log: LogFile, files: readonly string[]): Promise<void> {
  const asides = files.filter(isAside)
  if (asides.length === 0) return
  const home = files.find((segment) => !isAside(segment) && isThere(log, segment))
  for (const segment of asides) {
    const path = `${log.directory}/${fileOf(log, segment)}`
    if (home === undefined) io.linkSync(path, log.path)
    else await bringLinesHome(log, segment, files, `${log.directory}/${fileOf(log, home)}`)
    io.unlinkSync(path)
    if (home === undefined) return bringHome(log, ['', ...asides.filter((other) => other !== segment)])
  }
  await syncDirectory(log.directory)
}

async function bringLinesHome(log: LogFile, segment: string, files: readonly string[], home: string): Promise<void> {
  const source = new Source(log, segment)
  try {
    // It was linked, and the rename did not come to pass.
    if (files.some((other) => !isAside(other) && isThere(log, other)?.ino === source.ino)) return
    const guards = new Guards()
    for (const chunk of chunksOf(source.fd, 0, source.size)) guards.feed(segment, source.inode, chunk)
    const lines = new Map<string, Uint8Array>()
    for (const { bytes, offset } of chunksOf(source.fd, 0, source.size)) {
      eachLine(bytes, (start, end) => {
        const line = settle(bytes.subarray(start, end), guards.isWithheld(segment, offset + start))
        const id = line === undefined ? undefined : firstId(line)
        if (line !== undefined && id !== undefined && !lines.has(id)) lines.set(id, Buffer.from(line))
      })
    }
    for (const other of files) if (!isAside(other)) forgetFound(log, other, lines)
    if (lines.size > 0) await appendLines(home, [...lines.values()])
  } finally {
    io.closeSync(source.fd)
  }
}

function forgetFound(log: LogFile, segment: string, lines: Map<string, Uint8Array>): void {
  if (isThere(log, segment) === undefined) return
  const { fd, stat } = openRegular(`${log.directory}/${fileOf(log, segment)}`, TO_READ)
  try {
    for (const id of findIds(fd, stat.size, lines.keys()).found) lines.delete(id)
  } finally {
    io.closeSync(fd)
  }
}

/** The id of the first event in a line, of whatever shape; undefined if there is none. */
function firstId(line: Buffer): string | undefined {
  return idAt(line, 0, line.length) ?? decodeLine(line, { file: '', line: 0, offset: 0 }).lines[0]?.id
}

function isThere(log: LogFile, segment: string): { readonly ino: number } | undefined {
  return io.lstatSync(`${log.directory}/${fileOf(log, segment)}`, { throwIfNoEntry: false })
}

function fileOf(log: LogFile, segment: string): string {
  return `${log.session}${segment === '' ? '' : `.${segment}`}${LOG_SUFFIX}`
}

async function syncFile(path: string): Promise<void> {
  const { fd } = openRegular(path, TO_APPEND)
  try {
    await syncData(fd)
  } finally {
    io.closeSync(fd)
  }
}

function replaced(log: LogFile, path: string): FoldlogError {
  const message = `${path} was replaced by something else while it was rewritten: repeat the call`
  return new FoldlogError('SESSION_BUSY', message, { ...log.key, path })
}

function held(log: LogFile, aside: string): FoldlogError {
  const message = `something goes on writing to the old file, which is ${aside} now, and counts: end it, then repeat the call`
  return new FoldlogError('SESSION_BUSY', message, { ...log.key, path: aside })
}
