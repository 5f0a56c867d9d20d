/**
 * What the first bytes of a line tell without parsing it: its id, its type, whether a guard may concern it.
 *
 *     {"v":1,"id":"<ulid>","type":"<type>","time":"<24 characters>",["key":…,]["if":…,]["kept":…,]…"data":…
 *     0            13       41       49
 *
 * A line of another shape has no id here. That is safe: what is found here saves work and places cursors, it never
 * decides what counts. Pure.
 */

export const LF = 0x0a
const QUOTE = 0x22
const HEAD = Buffer.from('{"v":1,"id":"')
const VERSION_AT = 5
export const ID_AT: number = HEAD.length
export const ID_LENGTH = 26
const ID_END = ID_AT + ID_LENGTH
const TYPE_AT = ID_END + '","type":"'.length
const TIME = Buffer.from(',"time":"')
const TIME_LENGTH = '2026-11-20T10:00:00.123Z'.length
const DATA = Buffer.from(',"data":')
const LOG = Buffer.from('log.')

/** The id of the line at `start`; undefined if it does not begin as a line of ours. */
export function idAt(bytes: Buffer, start: number, end: number): string | undefined {
  return hasId(bytes, start, end) ? bytes.toString('latin1', start + ID_AT, start + ID_END) : undefined
}

/**
 * Whether the line at `start` may hold what guard.ts reads: false for a line of the usual shape without such fields,
 * so that a log without guards costs a few compared bytes a line.
 */
export function mayBeGuarded(bytes: Buffer, start: number, end: number): boolean {
  if (!hasId(bytes, start, end)) return mentionsGuard(bytes.subarray(start, end))
  if (isAt(LOG, bytes, start + TYPE_AT)) return true
  let at = start + TYPE_AT
  while (at < end && bytes[at] !== QUOTE) at++
  const afterTime = at + 1 + TIME.length + TIME_LENGTH + 1
  return !isAt(TIME, bytes, at + 1) || !isAt(DATA, bytes, afterTime) ? mentionsGuard(bytes.subarray(start, end)) : false
}

/** As {@link mayBeGuarded}, but most batches are not: it looks at all of a line whose type is of the log. */
export function mayNotCount(bytes: Buffer, start: number, end: number): boolean {
  if (!mayBeGuarded(bytes, start, end)) return false
  const line = bytes.subarray(start, end)
  // Letters may be escaped, which no writer does.
  return mentionsGuard(line) || line.includes('"if"') || line.includes('\\u006') || line.includes('\\u007')
}

function mentionsGuard(line: Buffer): boolean {
  return line.includes('"if":') || line.includes('"kept"') || line.includes('log.kept') || line.includes('log.void')
}

function hasId(bytes: Buffer, start: number, end: number): boolean {
  if (end - start <= ID_END || bytes[start + ID_END] !== QUOTE) return false
  for (let i = 0; i < HEAD.length; i++) {
    // Lines of other versions have ids too.
    if (bytes[start + i] !== HEAD[i] && i !== VERSION_AT) return false
  }
  return true
}

function isAt(word: Buffer, bytes: Buffer, at: number): boolean {
  for (let i = 0; i < word.length; i++) if (bytes[at + i] !== word[i]) return false
  return true
}

const SESSION = Buffer.from('session.')
const CREATED = Buffer.from('created"')
const DELETED = Buffer.from('deleted"')

/** What is known about the lines of a file from passing over them once. */
export class Survey {
  /** The oldest `session.created`: what two files of the same log have in common. */
  created: string | undefined
  /** Whether a `session.deleted` is among them: a tombstone, which beats everything else in the log. */
  isDeleted = false
  readonly #greatest = Buffer.alloc(ID_LENGTH)

  /** The greatest id passed over; empty before the first. */
  get greatest(): string {
    return this.#greatest[0] === 0 ? '' : this.#greatest.toString('latin1')
  }

  /** Passes over the line at `start`. */
  take(bytes: Buffer, start: number, end: number): void {
    if (!hasId(bytes, start, end)) return
    this.#raise(bytes, start + ID_AT)
    if (!isAt(SESSION, bytes, start + TYPE_AT)) return
    const at = start + TYPE_AT + SESSION.length
    if (isAt(DELETED, bytes, at)) this.isDeleted = true
    if (!isAt(CREATED, bytes, at)) return
    const id = idAt(bytes, start, end)
    if (id !== undefined && (this.created === undefined || id < this.created)) this.created = id
  }

  // Compared byte by byte where it lies: a string for each line of a big log costs more than finding the line.
  #raise(bytes: Buffer, at: number): void {
    const greatest = this.#greatest
    let i = 0
    while (i < ID_LENGTH && bytes[at + i] === greatest[i]) i++
    // Not with `copy`, which makes a view of the bytes each time.
    if (i < ID_LENGTH && bytes[at + i]! > greatest[i]!) for (; i < ID_LENGTH; i++) greatest[i] = bytes[at + i]!
  }
}
