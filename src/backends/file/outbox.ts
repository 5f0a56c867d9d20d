/**
 * The outbox of a namespace: acknowledged lines that git may not have yet, kept where git does not reach.
 *
 *     <namespace>/.cache/outbox            what is written to, by all processes
 *     <namespace>/.cache/outbox.<ulid>     taken out of use by who tidies it, gone when that is done
 *
 *     LF session SP line LF                an acknowledged line, the session encoded as in its file name
 *     LF session SP "-" ulid LF            the session was deleted: what was kept of it before, and all smaller ids, are void
 *
 * It is there because `checkout -f`, `reset --hard` and `stash` throw away what is not committed, by the wish of their user, who did not mean
 * the conversation. The log stays the truth: nothing here is ever folded, and `foldlog restore` writes back what is asked for. Only where the
 * root lies in a work tree is anything written, one `write` more an append, after the log has the lines and before the append resolves. It is
 * not synced: what it protects against is not a power cut. It may vanish at any moment (I5), and with it what git has thrown away.
 */
import { constants, readdirSync, readFileSync, type Stats } from 'node:fs'
import { dirname } from 'node:path'
import type { AppendResult, NewLine } from '../../backend.ts'
import { newId } from '../../id.ts'
import { isMissing, storageError } from './failure.ts'
import { makeIgnored } from './folders.ts'
import { io } from './io.ts'
import type { LogFile } from './log-file.ts'
import { openRegular, TO_APPEND, TO_READ } from './regular.ts'
import { LF } from './prefix.ts'

/** What the names of outboxes begin with. */
export const OUTBOX = 'outbox'
const MAX_WRITES = 5
const MAX_READS = 5
const NO_THROW = { throwIfNoEntry: false } as const
/** Below this nothing is tidied; from there on each time the size has doubled, whichever process sees it. */
const TIDY_BYTES = 1 << 20

/** Tidied, too, each time so many bytes of attachments were kept by this process. */
const TIDY_FILE_BYTES = 64 << 20

/** So much is written at once when lines stay. */
const AT_ONCE_CHARS = 1 << 16

/** A line that was kept. `session` is encoded as in its file name. */
export interface KeptLine {
  readonly session: string
  readonly id: string
  readonly text: string
}

/** Whether a directory, which need not be there yet, lies in a work tree of git. */
function isInWorkTree(directory: string): boolean {
  for (let path = directory; ; path = dirname(path)) {
    try {
      if (io.statSync(`${path}/.git`, NO_THROW) !== undefined) return true
    } catch {
      // What may not be looked into is not a work tree that this user could use.
    }
    if (path === dirname(path)) return false
  }
}

/** Writes the outboxes of one backend. */
export class Outbox {
  readonly #root: string
  readonly #writers = new Map<string, OutboxFile>()
  /** What the disk refused, by directory: the next write has it too. */
  readonly #unkept = new Map<string, string>()
  #isOn: boolean | undefined
  #tidying: Promise<void> | undefined
  /** Bytes of attachments that were kept since it was tidied for them. */
  #fileBytes = 0

  constructor(root: string) {
    this.#root = root
  }

  /** Whether the root lies in a work tree. Looked up once. */
  get isOn(): boolean {
    this.#isOn ??= isInWorkTree(this.#root)
    return this.#isOn
  }

  /** Keeps lines that the log has by now; to be called before their append resolves. Throws what the disk refuses. */
  keep(log: LogFile, lines: readonly NewLine[], result: AppendResult): AppendResult {
    let text = ''
    for (const line of lines) text += `\n${log.session} ${line.text}\n`
    try {
      this.#write(log.directory, text)
    } catch (error) {
      const eventIds = lines.map(({ id }) => id)
      throw storageError(error, 'keep a copy of', { ...log.key, path: log.path, eventIds })
    }
    return result
  }

  /** Takes notice that a log was deleted, so that nobody brings it back. */
  removed(log: LogFile): void {
    this.#write(log.directory, `\n${log.session} -${newId()}\n`)
  }

  /** Takes notice that an attachment was kept beside the lines (kept-files.ts). */
  noteFile(directory: string, sizeBytes: number): void {
    this.#fileBytes += sizeBytes
    if (this.#fileBytes < TIDY_FILE_BYTES) return
    this.#fileBytes = 0
    this.#tidy(directory)
  }

  async close(): Promise<void> {
    await this.#tidying
    for (const [directory, text] of this.#unkept) {
      try {
        this.#writers.get(directory)?.append(text)
      } catch (error) {
        throw storageError(error, 'keep copies of lines in', { path: directory })
      }
    }
    for (const writer of this.#writers.values()) writer.close()
    this.#writers.clear()
  }

  #write(directory: string, text: string): void {
    let writer = this.#writers.get(directory)
    if (writer === undefined) this.#writers.set(directory, (writer = new OutboxFile(directory)))
    const all = (this.#unkept.get(directory) ?? '') + text
    // Until it is written; also if nobody repeats the call, or the call is answered by its key alone.
    this.#unkept.set(directory, all)
    const { before, after } = writer.append(all)
    this.#unkept.delete(directory)
    if (after >= TIDY_BYTES && Math.floor(Math.log2(before)) !== Math.floor(Math.log2(after))) this.#tidy(directory)
  }

  #tidy(directory: string): void {
    if (this.#tidying !== undefined) return
    // Loaded when there is something to ask git for: most processes have no need of it.
    this.#tidying = import('../../git/outbox.ts')
      .then(({ tidyNamespace }) => tidyNamespace(directory))
      .catch(() => {
        // No git, or one that fails: what is kept stays kept, and the next doubling or `foldlog restore` tries again.
      })
      .finally(() => (this.#tidying = undefined))
  }
}

/** The outbox in use, appended to. Somebody else may take it away or delete it at any moment. */
export class OutboxFile {
  readonly #directory: string
  readonly #path: string
  #fd = -1
  #stat: Stats | undefined

  constructor(directory: string) {
    this.#directory = directory
    this.#path = `${directory}/.cache/${OUTBOX}`
  }

  /** When it returns, the text is in the file at the path. Answers the size of that before and after. */
  append(text: string): { readonly before: number; readonly after: number } {
    const bytes = Buffer.from(text)
    for (let writes = 0; writes < MAX_WRITES; writes++) {
      if (this.#fd < 0) this.#open()
      const written = io.writeSync(this.#fd, bytes, 0, bytes.length)
      if (written !== bytes.length) {
        throw Object.assign(new Error(`${written} of ${bytes.length} bytes were written`), { code: 'ENOSPC' })
      }
      const stat = io.statSync(this.#path, NO_THROW)
      // Who takes it away reads it only after that, so what was written before is seen.
      if (stat !== undefined && stat.ino === this.#stat?.ino && stat.dev === this.#stat.dev) {
        return { before: stat.size - bytes.length, after: stat.size }
      }
      this.close()
    }
    throw new Error(`${this.#path} was taken away after each of ${MAX_WRITES} writes`)
  }

  close(): void {
    if (this.#fd >= 0) io.closeSync(this.#fd)
    this.#fd = -1
  }

  #open(): void {
    makeIgnored(`${this.#directory}/.cache`)
    const { fd, stat } = openRegular(this.#path, TO_APPEND | constants.O_CREAT)
    this.#fd = fd
    this.#stat = stat
  }
}

/** What the outboxes of a namespace's directory hold, each line once, without what is void. */
export function readOutbox(directory: string): readonly KeptLine[] {
  for (let tries = 1; ; tries++) {
    const outboxes = outboxFiles(directory).map((name) => read(`${directory}/.cache/${name}`))
    // One that was tidied since it was listed has left its lines in another one.
    if (tries === MAX_READS || !outboxes.includes(undefined)) return parse(outboxes)
  }
}

/**
 * Lets an outbox forget lines. All that is not forgotten is in an outbox at every moment, also if this is interrupted or done by several
 * processes at once.
 */
export async function tidyOutbox(
  directory: string,
  mayForget: (lines: readonly KeptLine[]) => Promise<ReadonlySet<KeptLine>>,
): Promise<void> {
  const current = `${directory}/.cache/${OUTBOX}`
  try {
    io.renameSync(current, `${current}.${newId()}`)
  } catch (error) {
    if (!isMissing(error)) throw storageError(error, 'tidy', { path: current })
    // Others may have left something.
  }
  const taken = outboxFiles(directory).filter((name) => name !== OUTBOX)
  const readTaken = (): readonly KeptLine[] => parse(taken.map((name) => read(`${directory}/.cache/${name}`)))
  const lines = readTaken()
  const forgotten = new Set([...(await mayForget(lines))].map(recordText))
  // Read again, because some of them may have been redacted meanwhile.
  const left = readTaken().filter((line) => !forgotten.has(recordText(line)))
  const file = new OutboxFile(directory)
  try {
    let text = ''
    for (const line of left) {
      text += `\n${recordText(line)}\n`
      if (text.length < AT_ONCE_CHARS) continue
      file.append(text)
      text = ''
    }
    if (text !== '') file.append(text)
  } finally {
    file.close()
  }
  for (const name of taken) {
    try {
      io.unlinkSync(`${directory}/.cache/${name}`)
    } catch (error) {
      // Somebody else tidies as well, and has written what was left too.
      if (!isMissing(error)) throw storageError(error, 'tidy', { path: name })
    }
  }
}

/**
 * The names of the outboxes, oldest first. The one in use comes last: what is tidied away while the others are read is in it by then.
 */
function outboxFiles(directory: string): readonly string[] {
  let names: readonly string[]
  try {
    names = readdirSync(`${directory}/.cache`)
  } catch (error) {
    if (isMissing(error)) return []
    throw storageError(error, 'list', { path: `${directory}/.cache` })
  }
  const taken = names.filter((name) => name.startsWith(`${OUTBOX}.`)).sort()
  return names.includes(OUTBOX) ? [...taken, OUTBOX] : taken
}

/** The bytes of a file; undefined if it is not there. */
function read(path: string): Buffer | undefined {
  let fd = -1
  try {
    ;({ fd } = openRegular(path, TO_READ))
    return readFileSync(fd)
  } catch (error) {
    if (isMissing(error)) return undefined
    throw storageError(error, 'read', { path })
  } finally {
    if (fd >= 0) io.closeSync(fd)
  }
}

function recordText({ session, text }: Pick<KeptLine, 'session' | 'text'>): string {
  return `${session} ${text}`
}

const RECORD = /^([^\s]+) (?:-([0-9A-Z]{26})|(\{"v":\d,"id":"([0-9A-Z]{26})".*\}))$/

function parse(outboxes: readonly (Buffer | undefined)[]): readonly KeptLine[] {
  const lines = new Map<string, KeptLine>()
  const deletions = new Map<string, string>()
  for (const bytes of outboxes) {
    for (const record of recordsIn(bytes ?? NO_BYTES)) {
      // A record that was cut off by a crash belongs to an append that was not acknowledged.
      const [, session, deletion, line, id] = RECORD.exec(record) ?? []
      if (session === undefined) continue
      if (deletion === undefined) lines.set(record, { session, id: id!, text: line! })
      else {
        deletions.set(session, deletion)
        for (const [known, each] of lines) if (each.session === session) lines.delete(known)
      }
    }
  }
  // Tidying may move a line behind the deletion; a session that was created again has greater ids.
  return [...lines.values()].filter(({ session, id }) => id > (deletions.get(session) ?? ''))
}

const NO_BYTES = Buffer.alloc(0)

/** One by one: an outbox may be larger than a string can be. */
function* recordsIn(bytes: Buffer): Generator<string> {
  for (let start = 0; start < bytes.length;) {
    const found = bytes.indexOf(LF, start)
    const end = found < 0 ? bytes.length : found
    if (end > start) yield bytes.toString('utf8', start, end)
    start = end + 1
  }
}
