/**
 * The bytes of one physical line, taken apart: the events in it, each as it was written, and what is no event. Pure.
 */
import type { RawLine } from './backend.ts'
import { decodeLine, MARKER, type Damage, type Line } from './line.ts'

export interface Pieces {
  /** What was read, and the bytes each was read from, without what lies around them. */
  readonly lines: readonly { readonly line: Line; readonly bytes: Buffer }[]
  readonly damage: readonly { readonly damage: Damage; readonly bytes: Buffer }[]
  /** The line is one event and nothing else. */
  readonly isWhole: boolean
}

const OPEN = 0x7b
const CLOSE = 0x7d
const LF = Buffer.from('\n')

/** Takes a physical line apart. */
export function piecesOf(raw: RawLine): Pieces {
  const bytes = asBuffer(raw.bytes)
  const { lines, damage } = decodeLine(bytes, raw)
  if (lines.length === 1 && damage.length === 0) {
    const inner = trimmed(bytes, bytes.indexOf(OPEN), bytes.length)
    return { lines: [{ line: lines[0]!, bytes: inner }], damage: [], isWhole: inner.length === bytes.length }
  }
  const starts = startsOf(bytes, lines)
  return {
    lines: lines.map((line, i) => ({ line, bytes: trimmed(bytes, starts[i]!, starts[i + 1] ?? bytes.length) })),
    damage: damage.map((each) => {
      const start = each.offset - raw.offset
      return { damage: each, bytes: bytes.subarray(start, start + each.sizeBytes) }
    }),
    isWhole: false,
  }
}

/** Lines as they lie in a file, one after the other; undefined if there is none. */
export function joined(lines: readonly Uint8Array[]): Uint8Array | undefined {
  if (lines.length < 2) return lines[0]
  return Buffer.concat(lines.flatMap((line, index) => (index === 0 ? [line] : [LF, line])))
}

/** Where each of the lines that were recovered from one begins: at a marker and its own id. */
function startsOf(bytes: Buffer, lines: readonly Line[]): number[] {
  const starts: number[] = []
  let end = bytes.length
  for (const { id } of lines.toReversed()) {
    const start = bytes.lastIndexOf(`${MARKER}${id}"`, end - 1)
    starts.unshift(start)
    end = start
  }
  return starts
}

function trimmed(bytes: Buffer, start: number, end: number): Buffer {
  return bytes.subarray(start, bytes.lastIndexOf(CLOSE, end - 1) + 1)
}

function asBuffer(bytes: Uint8Array): Buffer {
  return Buffer.isBuffer(bytes) ? bytes : Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length)
}
