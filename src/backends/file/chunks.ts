/**
 * A file in chunks of whole lines, read by position, split on 0x0A and on nothing else.
 *
 * Holds I2: bytes after the last line feed are pending and never come out of here.
 */
import { io } from './io.ts'
import { LF } from './prefix.ts'

const CHUNK_BYTES = 1 << 20
const NOTHING = Buffer.alloc(0)

/** Whole lines: the last byte is a line feed. `offset` is the place of the first byte in the file. */
export interface Chunk {
  readonly bytes: Buffer
  readonly offset: number
}

/** The whole lines between two places, the first of which is the start of a line. Each chunk has bytes of its own. */
export function* chunksOf(fd: number, from: number, to: number): Generator<Chunk, void> {
  let carry = NOTHING
  let offset = from
  while (offset + carry.length < to) {
    // Reading as much again as is carried keeps a line of many chunks from being copied once a chunk.
    const wanted = Math.min(to - offset - carry.length, Math.max(CHUNK_BYTES, carry.length))
    const bytes = Buffer.allocUnsafe(carry.length + wanted)
    bytes.set(carry)
    const read = io.readSync(fd, bytes, carry.length, wanted, offset + carry.length)
    if (read === 0) return
    const filled = carry.length + read
    const end = bytes.lastIndexOf(LF, filled - 1) + 1
    carry = bytes.subarray(end, filled)
    if (end > 0) yield { bytes: bytes.subarray(0, end), offset }
    offset += end
  }
}

/** Calls back with every line of a chunk: where it starts in the chunk and where its line feed is. */
export function eachLine(bytes: Buffer, visit: (start: number, end: number) => void): void {
  for (let start = 0; start < bytes.length;) {
    const end = bytes.indexOf(LF, start)
    visit(start, end)
    start = end + 1
  }
}

const WINDOW_BYTES = 4096

/** Where the line starts that goes on at `offset`: there, if a line ends right before it. */
export function lineStartAt(fd: number, offset: number): number {
  for (let size = WINDOW_BYTES; ; size *= 2) {
    const from = Math.max(0, offset - size)
    const bytes = Buffer.alloc(offset - from)
    io.readSync(fd, bytes, 0, bytes.length, from)
    const before = bytes.lastIndexOf(LF)
    if (before >= 0 || from === 0) return from + before + 1
  }
}

/**
 * The line that ends with the line feed before `offset`, without it; undefined if there is no line feed there.
 * Looks back in growing windows.
 */
export function lineBefore(fd: number, offset: number): Buffer | undefined {
  for (let size = WINDOW_BYTES; ; size *= 2) {
    const from = Math.max(0, offset - size)
    const bytes = Buffer.allocUnsafe(offset - from)
    if (io.readSync(fd, bytes, 0, bytes.length, from) < bytes.length) return undefined
    if (bytes[bytes.length - 1] !== LF) return undefined
    const before = bytes.length > 1 ? bytes.lastIndexOf(LF, bytes.length - 2) : -1
    if (before >= 0 || from === 0) return bytes.subarray(before + 1, -1)
  }
}
