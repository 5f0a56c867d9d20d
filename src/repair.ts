/**
 * Takes out of a log what is no event, and keeps it aside. Everything that counted counts afterwards.
 *
 * Nothing has to be repaired to go on with a log: damage is passed over, and this is for those who want it gone, for other tools, or
 * for git, which takes a file with NULs for a binary one.
 */
import type { Backend, RawLine, SessionKey } from './backend.ts'
import type { Damage } from './line.ts'
import { joined, piecesOf } from './pieces.ts'
import { assertRewritable, rewritesOf, unknownIn } from './rewritable.ts'

export interface RepairOptions {
  /** Default false. True: nothing is changed, and the result is what would be. */
  readonly dryRun?: boolean
  /** Default true: calls of tools without a result get one that says so. False: only the log is repaired. */
  readonly results?: boolean
}

export interface Repaired {
  /** What was taken out, or would be. */
  readonly damage: readonly Damage[]
  /** Lines that had NULs, a byte order mark or a carriage return around them. */
  readonly untidyCount: number
  /** What rewrites that were killed had left, and is cleared. */
  readonly leftovers: readonly string[]
  /** Where the bytes are kept now: lines of JSON, `{…damage, base64}` each. Absent where there was no damage, or in a dry run. */
  readonly quarantine?: string
  /** The calls that were given a result (`error.code` `NO_RESULT`, or `DENIED`), or would be. Absent where there were none. */
  readonly results?: readonly string[]
}

/** The end of a file that has no line feed may be a line on its way: only while it is replaced is it known to be torn. A second round takes that out. */
const MAX_ROUNDS = 2

/**
 * Repairs a log, safely while others append. Rejects with `NOT_A_LOG` if it holds no event at all, with `UNSUPPORTED` if it holds
 * what this version does not know, and with `SESSION_BUSY` while somebody else rewrites it.
 */
export async function repairLog(backend: Backend, key: SessionKey, options: RepairOptions = {}): Promise<Repaired> {
  const rewrites = rewritesOf(backend)
  const leftovers = await rewrites.leftovers(key)
  const repair = new Repair()
  if (options.dryRun === true) {
    for await (const { lines } of backend.read(key)) for (const line of lines) repair.edit(line)
    assertRewritable(key, repair)
    return result(repair, leftovers)
  }
  let quarantine: string | undefined
  let aside = 0
  for (let rounds = 0; rounds < MAX_ROUNDS && (rounds === 0 || repair.hasMissed); rounds++) {
    repair.isSealed = repair.hasMissed = false
    await rewrites.rewrite(key, {
      edit: (line) => repair.edit(line),
      verify: async () => {
        assertRewritable(key, repair)
        // What the first round put aside is put aside again, so that one file holds all of it.
        if (repair.kept.length > aside) quarantine = await rewrites.quarantine(key, Buffer.from(repair.kept.join('')))
        aside = repair.kept.length
        repair.isSealed = true
      },
    })
  }
  return result(repair, leftovers, quarantine)
}

class Repair {
  readonly damage: Damage[] = []
  /** What goes to the quarantine. */
  readonly kept: string[] = []
  untidyCount = 0
  eventCount = 0
  unknown: string | undefined
  /** What is to be kept aside was: damage that comes now stays where it is, for another round. */
  isSealed = false
  hasMissed = false

  edit(raw: RawLine): Uint8Array | undefined {
    const { lines, damage, isWhole } = piecesOf(raw)
    this.eventCount += lines.length
    for (const { line } of lines) this.unknown ??= unknownIn(line)
    if (isWhole) return raw.bytes
    if (this.isSealed && damage.length > 0) {
      this.hasMissed = true
      return raw.bytes
    }
    if (damage.length === 0) this.untidyCount++
    for (const piece of damage) {
      this.damage.push(piece.damage)
      this.kept.push(`${JSON.stringify({ ...piece.damage, base64: piece.bytes.toString('base64') })}\n`)
    }
    return joined(lines.map(({ bytes }) => bytes))
  }
}

function result(repair: Repair, leftovers: readonly string[], quarantine?: string): Repaired {
  const repaired = { damage: Object.freeze(repair.damage), untidyCount: repair.untidyCount, leftovers }
  return Object.freeze(quarantine === undefined ? repaired : { ...repaired, quarantine })
}
