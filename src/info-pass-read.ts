/**
 * Reads a whole log for nothing but its info.
 */
import { isUtf8 } from 'node:buffer'
import type { Backend, Cursor, LogPiece, SessionKey } from './backend.ts'
import { isFoldlogError } from './errors.ts'
import { InfoPass } from './info-pass.ts'
import type { FoldedInfo } from './infos-cache.ts'
import { decodeLine } from './line.ts'
import { MessageScanner } from './message-scanner.ts'

const LF = 0x0a
const NOWHERE = { file: '', line: 0, offset: 0 } as const

/** What came of reading: `none`: there is no result; `unread`: it cannot be read so. */
type Outcome = { readonly end: Cursor | undefined } | 'none' | 'unread'

/**
 * The info of a log that is straight; undefined: only folding tells, which is mostly found out before the end.
 */
export async function passOver(backend: Backend, key: SessionKey): Promise<FoldedInfo | undefined> {
  try {
    let pass = new InfoPass(key)
    let outcome: Outcome = backend.pieces === undefined ? 'unread' : await readPieces(backend.pieces(key), pass)
    if (outcome === 'unread') {
      pass = new InfoPass(key)
      outcome = await readLines(backend, key, pass)
    }
    return typeof outcome === 'string' ? undefined : pass.folded(outcome.end)
  } catch (error) {
    // It was replaced meanwhile, or is being replaced just now: who folds it waits for that.
    if (isFoldlogError(error, 'STALE_CURSOR') || isFoldlogError(error, 'NOT_FOUND')) return undefined
    throw error
  }
}

async function readLines(backend: Backend, key: SessionKey, pass: InfoPass): Promise<Outcome> {
  let end: Cursor | undefined
  for await (const batch of backend.read(key)) {
    for (const { bytes } of batch.lines) if (!takeLine(bytes, pass)) return 'none'
    end = batch.cursor
  }
  return { end }
}

/** Lines that may not count are left to who knows the rules. */
async function readPieces(pieces: AsyncIterable<LogPiece>, pass: InfoPass): Promise<Outcome> {
  const scanner = new MessageScanner()
  let end: Cursor | undefined
  for await (const piece of pieces) {
    const bytes = Buffer.from(piece.bytes.buffer, piece.bytes.byteOffset, piece.bytes.length)
    const canScan = isUtf8(bytes)
    for (let start = 0; start < bytes.length;) {
      const message = canScan && pass.needsNoTexts ? scanner.scan(bytes, start) : undefined
      const lineEnd = message === undefined ? bytes.indexOf(LF, start) : scanner.end
      if (message !== undefined) {
        if (!pass.takeMessage(message)) return 'none'
      } else if (lineEnd > start) {
        if (piece.mayNotCount(start, lineEnd)) return 'unread'
        if (!takeLine(bytes.subarray(start, lineEnd), pass)) return 'none'
      }
      start = lineEnd + 1
    }
    end = piece.end
  }
  return end === undefined ? 'unread' : { end }
}

function takeLine(bytes: Uint8Array, pass: InfoPass): boolean {
  const { lines, damage } = decodeLine(bytes, NOWHERE)
  if (damage.length > 0) pass.noteDamage(damage.length)
  for (const line of lines) if (!pass.take(line, bytes.length)) return false
  return true
}
