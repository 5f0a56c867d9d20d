/**
 * Takes out of a log what says nothing: lines that are there twice, events that later ones supersede, content that was redacted and came back.
 *
 * Before the log is replaced, both are folded, and what readers get of the two is compared: if anything differs, nothing is changed. What was
 * superseded is gone from the past, too: views of an earlier time (`at`) show what is left of it.
 */
import { createHash, type Hash } from 'node:crypto'
import type { AsideLine, Backend, RawLine, SessionKey } from './backend.ts'
import { contentHash } from './content-hash.ts'
import { FoldlogError } from './errors.ts'
import { Fold } from './fold.ts'
import { canonicalJson, type Json } from './json.ts'
import { decodeLine, eventsOf, type Line } from './line.ts'
import { LineSet } from './lines.ts'
import { joined, piecesOf } from './pieces.ts'
import { redactedBytes } from './redacted.ts'
import { assertRewritable, rewritesOf, unknownIn } from './rewritable.ts'
import { supersededIn } from './superseded.ts'
import { messagesOf } from './views.ts'

export interface PackOptions {
  /** Default false. True: nothing is changed, and the result is what would be. */
  readonly dryRun?: boolean
}

export interface Packed {
  /** Lines that were there twice or said what was redacted. */
  readonly duplicateCount: number
  /** Lines whose events were superseded by later ones. */
  readonly supersededCount: number
  /** The size of the log's files before and after. */
  readonly sizeBytesBefore: number
  readonly sizeBytesAfter: number
}

const GUARDING = Buffer.from('"kept":[')
const PLACE = { file: '', line: 0, offset: 0 }

/** Packs a log, safely while others append. Rejects as `repairLog` does. */
export async function packLog(backend: Backend, key: SessionKey, options: PackOptions = {}): Promise<Packed> {
  const rewrites = rewritesOf(backend)
  const pack = await planOf(backend, key)
  assertRewritable(key, pack)
  if (options.dryRun === true) {
    let sizeBytesAfter = 0
    for await (const { lines } of backend.read(key)) {
      for (const raw of lines) sizeBytesAfter += (pack.edit(raw)?.length ?? -1) + 1
    }
    const sizeBytesBefore = (await backend.head(key))?.sizeBytes ?? 0
    return resultOf(pack, sizeBytesBefore, Math.min(sizeBytesBefore, sizeBytesAfter))
  }
  const rewritten = await rewrites.rewrite(key, {
    edit: (raw) => pack.edit(raw),
    verify: async (lines) => {
      assertSame(key, pack, lines)
      // Before the log is without them: nobody is to be offered what was taken out on purpose.
      if (pack.supersededCount > 0) await rewrites.scrub(key.namespace, (line) => pack.editAside(key, line))
    },
  })
  return resultOf(pack, rewritten.sizeBytesBefore, rewritten.sizeBytesAfter)
}

/** What is to be left out, decided by all there is now. What comes later can only supersede more. */
async function planOf(backend: Backend, key: SessionKey): Promise<Pack> {
  const all = new LineSet()
  const repeated = new Set<string>()
  let unknown: string | undefined
  let eventCount = 0
  for await (const { lines } of backend.read(key)) {
    for (const stored of lines) {
      for (const line of decodeLine(stored.bytes, stored).lines) {
        unknown ??= unknownIn(line)
        eventCount += eventsOf(line).length
        for (const { id } of eventsOf(line)) if (all.has(id)) repeated.add(line.id).add(id)
        all.add(line)
      }
    }
  }
  const counted = [...all.counted()].map(({ event }) => event)
  const returned = new Set([...all.conflicts].flatMap((id) => all.returnedAt(id)))
  return new Pack(supersededIn(counted), repeated, returned, unknown, eventCount)
}

class Pack {
  readonly unknown: string | undefined
  readonly eventCount: number
  duplicateCount = 0
  supersededCount = 0
  /** All lines that were edited, to compare with what became of them. */
  readonly before = new LineSet()
  readonly #superseded: ReadonlySet<string>
  readonly #repeated: ReadonlySet<string>
  readonly #returned: ReadonlySet<string>
  /** Of lines that are there more than once: what was written. */
  readonly #written = new Set<string>()

  constructor(
    superseded: ReadonlySet<string>,
    repeated: ReadonlySet<string>,
    returned: ReadonlySet<string>,
    unknown: string | undefined,
    eventCount: number,
  ) {
    this.#superseded = superseded
    this.#repeated = repeated
    this.#returned = returned
    this.unknown = unknown
    this.eventCount = eventCount
  }

  edit(raw: RawLine): Uint8Array | undefined {
    const { lines, damage } = piecesOf(raw)
    const kept: Uint8Array[] = []
    let isChanged = false
    for (const { line, bytes } of lines) {
      this.before.add(line)
      const left = this.#isDropped(line, bytes)
        ? undefined
        : this.#once(line, redactedBytes(bytes, line, this.#returned))
      isChanged ||= left !== bytes
      if (left !== undefined) kept.push(left)
    }
    // Damage is not pack's to remove.
    return isChanged ? joined([...damage.map(({ bytes }) => bytes), ...kept]) : raw.bytes
  }

  /** As `edit`, of a copy of a line of the log that is kept beside it. */
  editAside({ sessionId }: SessionKey, { text, sessionId: owner }: AsideLine): string | undefined {
    if (owner !== sessionId) return text
    const bytes = Buffer.from(text)
    const { lines, isWhole } = piecesOf({ ...PLACE, bytes })
    return isWhole && this.#isSuperseded(lines[0]!.line, bytes) ? undefined : text
  }

  #isDropped(line: Line, bytes: Buffer): boolean {
    if (!this.#isSuperseded(line, bytes)) return false
    this.supersededCount++
    return true
  }

  #isSuperseded(line: Line, bytes: Buffer): boolean {
    if (line.key !== undefined || line.redacted === true || bytes.includes(GUARDING)) return false
    return eventsOf(line).every(({ id }) => this.#superseded.has(id))
  }

  #once(line: Line, bytes: Uint8Array): Uint8Array | undefined {
    if (!eventsOf(line).some(({ id }) => this.#repeated.has(id))) return bytes
    const [read = line] = decodeLine(bytes, PLACE).lines
    const content = contentHash(read)
    if (this.#written.has(content)) {
      this.duplicateCount++
      return undefined
    }
    this.#written.add(content)
    return bytes
  }
}

/** Throws unless the new lines mean what the old ones did. */
function assertSame(key: SessionKey, pack: Pack, lines: Iterable<Uint8Array>): void {
  const after = new LineSet()
  for (const bytes of lines) for (const line of decodeLine(bytes, PLACE).lines) after.add(line)
  if (meaningOf(key, pack.before) === meaningOf(key, after)) return
  const message = `session ${key.sessionId} would not read as before if it were packed, so it was not: please report this`
  throw new FoldlogError('UNSUPPORTED', message, { ...key })
}

/** A digest of everything readers can get of a set of lines but its past. */
function meaningOf(key: SessionKey, lines: LineSet): string {
  const hash = createHash('sha256')
  const fold = new Fold(key.namespace, key.sessionId)
  for (const { event, line } of lines.counted()) {
    fold.apply(event)
    if (line.key !== undefined) add(hash, [line.key, event.id])
    if (!isFolded(event.type)) add(hash, [event.id, event.type, event.data])
  }
  add(hash, fold.info(0) as unknown as Json)
  for (const message of fold.all()) {
    const node = fold.node(message.id)!
    add(hash, [message as unknown as Json, fold.tree.parent(node)?.id ?? null, node.turnId])
  }
  add(
    hash,
    messagesOf(fold).map(({ id }) => id),
  )
  return hash.digest('hex')
}

function isFolded(type: string): boolean {
  return type.startsWith('message.') || type.startsWith('part.') || type.startsWith('session.')
}

function add(hash: Hash, value: Json): void {
  hash.update(`${canonicalJson(value)}\n`)
}

function resultOf(pack: Pack, sizeBytesBefore: number, sizeBytesAfter: number): Packed {
  const { duplicateCount, supersededCount } = pack
  return Object.freeze({ duplicateCount, supersededCount, sizeBytesBefore, sizeBytesAfter })
}
