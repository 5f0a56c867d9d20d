/**
 * What is wrong in a log, and where: damage, and what else is worth knowing. Reads, and changes nothing.
 *
 * Reads each log once, as it lies in the backend, in chunks and without folding it, so that logs larger than memory can be checked. Ids are
 * remembered only where one does not grow: of nothing else can there be two. Then those lines are read once more.
 */
import type { Backend, SessionKey, StoredLine } from './backend.ts'
import { contentHash } from './content-hash.ts'
import { isFoldlogError, type FoldlogError } from './errors.ts'
import { conflictsOf, type Finding } from './findings.ts'
import { timeOf } from './event-id.ts'
import { firstIdAt } from './id.ts'
import { deepFreeze } from './json.ts'
import { decodeLine, eventsOf, type Damage, type Line } from './line.ts'
import { LineSet } from './lines.ts'
import { idsIn } from './redacted.ts'
import { whyUnknown } from './rewritable.ts'

/** What was found in the files of one session. */
export interface LogReport {
  readonly namespace: string
  readonly sessionId: string
  readonly sizeBytes: number
  /** Lines that hold events, each repetition too. */
  readonly lineCount: number
  /** Pieces that are no events, in the order of the files: `repair` moves them aside. */
  readonly damage: readonly Damage[]
  /** Not damage: what this version does not know, ids with two contents, clocks that ran ahead, redacted events that came back. */
  readonly findings: readonly Finding[]
  /** Lines that say again what another line says. They have no effect; `pack` drops them. */
  readonly duplicateCount: number
  /** Lines with NULs, a byte order mark or a carriage return around them. They count; `repair` strips them. */
  readonly untidyCount: number
  /** Files that a rewrite left when it was killed, relative to the namespace. They hide nothing; `repair` clears them. */
  readonly leftovers: readonly string[]
  /** Why the log could not be read to its end. */
  readonly problem?: FoldlogError
}

const SKEW_MS = 24 * 3600 * 1000

/** Checks one log. Rejects with `NOT_FOUND` if it is not there; what else keeps it from being read is its `problem`. */
export async function checkLog(backend: Backend, key: SessionKey): Promise<LogReport> {
  const check = new Check()
  let problem: FoldlogError | undefined
  try {
    for await (const { lines } of backend.read(key)) for (const stored of lines) check.take(stored)
    if (check.repeated.size > 0 || check.redacted.size > 0) {
      for await (const { lines } of backend.read(key)) for (const stored of lines) check.compare(stored)
    }
  } catch (error) {
    if (!isFoldlogError(error) || error.code === 'NOT_FOUND') throw error
    problem = error
  }
  const { namespace, sessionId } = key
  const sizeBytes = (await backend.head(key))?.sizeBytes ?? 0
  const leftovers = (await backend.rewrites?.leftovers(key)) ?? []
  const report = { namespace, sessionId, sizeBytes, ...check.result(), leftovers }
  return Object.freeze(problem === undefined ? report : { ...report, problem })
}

/** One log while it is checked. */
class Check {
  /** Ids that are not greater than all before them: they may be there twice. */
  readonly repeated = new Set<string>()
  /** Ids of events that were to be redacted. */
  readonly redacted = new Set<string>()
  readonly #damage: Damage[] = []
  readonly #findings: Finding[] = []
  readonly #skewFrom = firstIdAt(Date.now() + SKEW_MS)
  readonly #twice = new LineSet()
  #greatest = ''
  #lineCount = 0
  #duplicateCount = 0
  readonly #contents = new Set<string>()
  #untidyCount = 0

  take(stored: StoredLine): void {
    const { bytes } = stored
    const { lines, damage } = decodeLine(bytes, stored)
    if (damage.length > 0) this.#damage.push(...deepFreeze([...damage]))
    else if (isUntidy(bytes)) this.#untidyCount++
    for (let i = 0; i < lines.length; i++) this.#takeLine(lines[i]!)
  }

  #takeLine(line: Line): void {
    this.#lineCount++
    for (const { id, type, data } of eventsOf(line)) {
      if (id > this.#greatest) this.#greatest = id
      else this.repeated.add(id)
      if (id >= this.#skewFrom) {
        const time = new Date(timeOf(id)).toISOString()
        this.#findings.push({ kind: 'clock-skew', eventId: id, detail: `its time is ${time}, over 24 h ahead` })
      }
      if (type === 'log.redacted') for (const each of idsIn(data)) this.redacted.add(each)
      const detail = line.v === 1 ? whyUnknown(type, data) : `version ${line.v}`
      if (detail !== undefined) this.#findings.push({ kind: 'unsupported', eventId: id, detail })
    }
  }

  /** Compares a line with those of the same ids that came before it. */
  compare(stored: StoredLine): void {
    for (const line of decodeLine(stored.bytes, stored).lines) {
      if (!eventsOf(line).some(({ id }) => this.repeated.has(id) || this.redacted.has(id))) continue
      this.#twice.add(line)
      const content = contentHash(line)
      if (this.#contents.has(content)) this.#duplicateCount++
      else this.#contents.add(content)
    }
  }

  result(): Pick<LogReport, 'lineCount' | 'damage' | 'findings' | 'duplicateCount' | 'untidyCount'> {
    const unfinished = [...this.redacted].filter((id) => this.#twice.has(id) && !this.#twice.isRedacted(id))
    const detail = 'it was to be redacted and is not: redact again'
    const findings = [
      ...this.#findings,
      ...conflictsOf(this.#twice),
      ...unfinished.map((eventId): Finding => ({ kind: 'returned', eventId, detail })),
    ]
    return {
      lineCount: this.#lineCount,
      damage: Object.freeze(this.#damage),
      findings: deepFreeze(findings),
      duplicateCount: this.#duplicateCount,
      untidyCount: this.#untidyCount,
    }
  }
}

/** Whether bytes around a line are not part of it. A line in order begins with a brace and ends with one. */
function isUntidy(bytes: Uint8Array): boolean {
  return bytes[0] !== 0x7b || bytes[bytes.length - 1] !== 0x7d
}
