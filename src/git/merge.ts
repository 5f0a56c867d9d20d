/**
 * The merge of a log by lines, as sets: what both sides have, without what either side took out of the base.
 *
 * Other than `merge=union` it keeps what was removed removed: redacted lines, packed ones, lines of commits that were dropped. Nothing of
 * what a side added is ever left out. Lines are compared by their bytes, but for a CR at the end. Pure.
 */

const LF = 0x0a
const CR = 0x0d

/** The merged log: our lines in their order, then those that only they have, each once, each with a line feed. */
export function mergeLogs(base: Buffer, ours: Buffer, theirs: Buffer): Buffer {
  const before = new Set(linesOf(base).map(keyOf))
  const [our, their] = [linesOf(ours), linesOf(theirs)]
  const [ourKeys, theirKeys] = [new Set(our.map(keyOf)), new Set(their.map(keyOf))]
  const written = new Set<string>()
  const merged: Buffer[] = []
  for (const line of [...our, ...their]) {
    const key = keyOf(line)
    const isRemoved = before.has(key) && !(ourKeys.has(key) && theirKeys.has(key))
    if (isRemoved || written.has(key)) continue
    written.add(key)
    merged.push(line, END)
  }
  return Buffer.concat(merged)
}

const END = Buffer.from([LF])

/** The lines that are not empty, without what ends them. */
export function linesOf(bytes: Buffer): Buffer[] {
  const lines: Buffer[] = []
  for (let start = 0; start < bytes.length;) {
    const found = bytes.indexOf(LF, start)
    const next = found < 0 ? bytes.length : found
    const end = next > start && bytes[next - 1] === CR ? next - 1 : next
    if (end > start) lines.push(bytes.subarray(start, end))
    start = next + 1
  }
  return lines
}

/** One character a byte: two lines have the same key exactly if they have the same bytes. */
export function keyOf(line: Buffer): string {
  return line.toString('latin1')
}
