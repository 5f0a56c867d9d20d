/**
 * Copies of a line, told by what they say and not by their bytes. Pure.
 */
import { createHash } from 'node:crypto'
import type { Line } from './line.ts'

/** Equal for lines that say the same, however they were written: SHA-256 in base64. */
export function contentHash(line: Line): string {
  return createHash('sha256').update(JSON.stringify(line)).digest('base64')
}
