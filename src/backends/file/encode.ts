/**
 * Lines → the bytes of one write.
 */
import type { NewLine } from '../../backend.ts'
import { FoldlogError } from '../../errors.ts'
import { MAX_LINE_BYTES } from './limits.ts'
import { LF } from './prefix.ts'

/** The first `length` of `bytes`. Good until the next call. */
interface Encoded {
  bytes: Buffer
  length: number
}

// A page of it is taken from the system when it is first written to.
const SCRATCH = Buffer.allocUnsafeSlow(1 << 20)
const encoded: Encoded = { bytes: SCRATCH, length: 0 }

/** The bytes of the lines, each with a line feed behind it and, with `seal`, one before the first. */
export function encodeLines(lines: readonly NewLine[], seal: boolean): Encoded {
  const bytes = roomFor(lines)
  let at = 0
  if (seal) bytes[at++] = LF
  for (let i = 0; i < lines.length; i++) {
    at += bytes.write(lines[i]!.text, at)
    bytes[at++] = LF
  }
  encoded.bytes = bytes
  encoded.length = at
  return encoded
}

// Writing into memory that is there costs half of what making a Buffer of a string costs.
function roomFor(lines: readonly NewLine[]): Buffer {
  let most = 1
  for (const { text } of lines) most += 3 * text.length + 1
  if (most <= SCRATCH.length) return SCRATCH
  let exact = 1
  for (const { id, text } of lines) {
    const size = Buffer.byteLength(text)
    if (size > MAX_LINE_BYTES) {
      throw new FoldlogError(
        'TOO_LARGE',
        `line ${id} has ${size} bytes, at most ${MAX_LINE_BYTES} are written: split it`,
      )
    }
    exact += size + 1
  }
  return Buffer.allocUnsafe(exact)
}
