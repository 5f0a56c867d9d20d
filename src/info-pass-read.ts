/**
 * Reads a whole log for nothing but its info.
 */
import type { Backend, Cursor, SessionKey } from './backend.ts'
import { isFoldlogError } from './errors.ts'
import { InfoPass } from './info-pass.ts'
import type { FoldedInfo } from './infos-cache.ts'
import { decodeLine } from './line.ts'

/**
 * The info of a log that is straight; undefined: only folding tells, which is mostly found out before the end. Rejects with `NOT_FOUND`.
 */
export async function passOver(backend: Backend, key: SessionKey): Promise<FoldedInfo | undefined> {
  const pass = new InfoPass(key)
  let cursor: Cursor | undefined
  try {
    for await (const batch of backend.read(key)) {
      for (const stored of batch.lines) {
        const { lines, damage } = decodeLine(stored.bytes, stored)
        if (damage.length > 0) pass.noteDamage(damage.length)
        for (const line of lines) if (!pass.take(line, stored.bytes.length)) return undefined
      }
      cursor = batch.cursor
    }
    return pass.folded(cursor)
  } catch (error) {
    // It was replaced meanwhile.
    if (isFoldlogError(error, 'STALE_CURSOR')) return undefined
    throw error
  }
}
