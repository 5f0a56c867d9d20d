/**
 * Namespaces and session ids ⇄ safe path segments.
 *
 * `a–z 0–9 _ - @ + ~` stay; upper case stays only in ids shaped like a ULID; every other UTF-8 byte, the dot too,
 * becomes `%XX`. A Windows device name gets its first letter escaped, and so does a lower-case id shaped like a ULID,
 * so that nothing depends on whether a disk tells upper from lower case.
 *
 * Injective and closed: a segment holds no dot, no separator and no name that is special to a file system, so a path
 * made of a root, a segment and a fixed suffix never leaves the root. Everything in this file is pure.
 */
import { FoldlogError } from './errors.ts'

/** Longest segment in bytes. Leaves room for `.<ulid>.jsonl` in the 255 bytes that disks allow. */
export const MAX_SEGMENT_BYTES = 200

const SAFE = /^[a-z0-9_\-@+~]+$/
const ULID_SHAPE = /^[0-7][0-9A-HJKMNP-TV-Z]{25}$/
const LOWER_ULID_SHAPE = /^[0-7][0-9a-hjkmnp-tv-z]{25}$/
const DEVICE = /^(con|prn|aux|nul|com[0-9]|lpt[0-9]|conin\$|conout\$)$/
const LONGEST_DEVICE = 'conout$'.length
const ULID_LENGTH = 26
const ENCODED = /^(?:[a-z0-9_\-@+~]|%[0-9A-F]{2})+$/

/** The segment for a name. Rejects blank names and those whose segment is over 200 bytes with `INVALID_NAME`. */
export function encodeName(name: string): string {
  if (ULID_SHAPE.test(name)) return name
  if (name.length === 0 || name.length > MAX_SEGMENT_BYTES) throw invalid(name)
  const segment = SAFE.test(name) ? name : escapeAll(name)
  const result = isMistakable(segment) ? escapeLetter(segment) : segment
  if (result.length > MAX_SEGMENT_BYTES) throw invalid(name)
  return result
}

/** The name a segment stands for; undefined if no name encodes to it, so that foreign files are never taken for ours. */
export function decodeName(segment: string): string | undefined {
  if (ULID_SHAPE.test(segment)) return segment
  // A listing decodes every name, and most need no more.
  if (SAFE.test(segment)) return segment.length <= MAX_SEGMENT_BYTES && !isMistakable(segment) ? segment : undefined
  if (!ENCODED.test(segment)) return undefined
  try {
    const name = decodeURIComponent(segment)
    return encodeName(name) === segment ? name : undefined
  } catch {
    // Not the escape of a UTF-8 text, or too long: nothing that encodeName made.
    return undefined
  }
}

/** An id as users give it: trimmed once, here. Blank means "none given". */
export function normalizeId(id: string | undefined): string | undefined {
  if (id !== undefined && typeof id !== 'string')
    throw new FoldlogError('INVALID_NAME', `a name must be a string, not ${typeof id}`)
  const trimmed = id?.trim()
  return trimmed === undefined || trimmed === '' ? undefined : trimmed
}

function escapeAll(name: string): string {
  if (!name.isWellFormed()) throw invalid(name)
  let out = ''
  for (const byte of new TextEncoder().encode(name)) {
    const char = String.fromCharCode(byte)
    out += byte < 0x80 && SAFE.test(char) ? char : percent(byte)
  }
  return out
}

function escapeLetter(segment: string): string {
  const at = segment.search(/[a-z]/)
  return segment.slice(0, at) + percent(segment.charCodeAt(at)) + segment.slice(at + 1)
}

/** Whether a segment without escapes could be taken for a device, or where case does not count for a ULID. */
function isMistakable(segment: string): boolean {
  // By the length first: a listing asks of every name.
  if (segment.length <= LONGEST_DEVICE) return DEVICE.test(segment)
  return segment.length === ULID_LENGTH && LOWER_ULID_SHAPE.test(segment) && hasLetter(segment)
}

function hasLetter(segment: string): boolean {
  return /[a-z]/.test(segment)
}

function percent(byte: number): string {
  return `%${byte.toString(16).toUpperCase().padStart(2, '0')}`
}

function invalid(name: string): FoldlogError {
  const shown = name.length > 60 ? `${name.slice(0, 60)}…` : name
  return new FoldlogError(
    'INVALID_NAME',
    `${JSON.stringify(shown)} cannot be a name: use 1 to ${MAX_SEGMENT_BYTES} bytes after encoding, well-formed and not blank`,
  )
}
