/**
 * What a line is where guards are settled once and for all: in a log that is rewritten, where bytes do not stay at their places.
 *
 * A line that won its guard counts from now on without it; one that lost is left out. Their verdicts (`kept`, `log.kept`,
 * `log.void`) stay, because a merge may bring the line back from a clone. Pure.
 */
import type { Json, JsonObject } from '../../json.ts'
import { stringifyLine } from '../../line.ts'
import { mayBeGuarded } from './prefix.ts'

/** The line without its guard; the same bytes if it has none, undefined if it lost. */
export function settle(bytes: Buffer, isWithheld: boolean): Buffer | undefined {
  if (!mayBeGuarded(bytes, 0, bytes.length)) return bytes
  const line = parse(bytes)
  if (line === undefined || !('if' in line)) return bytes
  if (isWithheld) return undefined
  const { if: _guard, ...rest } = line
  return Buffer.from(stringifyLine(rest))
}

function parse(bytes: Buffer): JsonObject | undefined {
  try {
    const value = JSON.parse(bytes.toString()) as Json
    return typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as JsonObject) : undefined
  } catch {
    // Damage guards nothing.
    return undefined
  }
}
