/**
 * Cursors of the file backend: a place in each file of a log.
 *
 *     <offset>.<id>.<inode>                   the log's one file; <id> is of the line that ends at <offset>
 *     <offset>~<hash>.<inode>                 the same where that line has no id: a hash of its last 64 bytes
 *     0.<inode>                               the start
 *     <offset>~.<inode>                       the line that holds <offset>, which is where the file ended in a listing
 *     <place>;<ulid>:<place>;…                a log with segments; `;<ulid>:<place>` alone where it has no first file
 *
 * The inode is in base 36; `<inode>-<mtime>` once an edit in place of that time was noticed, so that every place made
 * before it is told apart from those made after. A place holds as long as the file has that inode, no edit was noticed
 * that the place does not know, and that line ends there. Pure.
 */
import type { Cursor } from '../../backend.ts'
import { idAt, LF } from './prefix.ts'

/** A place in one file. */
export interface Place {
  readonly offset: number
  /** `.<id>` or `~<hash>` of the line before; `~` where that is not known; empty at the start. */
  readonly mark: string
  /** The inode in base 36 behind a dot, and the edit it knows. */
  readonly inode: string
}

const PLACE = /^(?:(\d+)(\.[0-9A-Z]{26}|~[0-9a-z]*)|0)(\.[0-9a-z]+(?:-[0-9a-z]+)?)$/
/** The mark of a place of which only the offset is known. */
export const IN_LINE = '~'
const EDIT = '-'

/** The text of a place. */
export function placeText(offset: number, mark: string, inode: string): string {
  return `${offset}${mark}${inode}`
}

/** The place a text stands for; undefined if it is none of ours. */
export function parsePlace(text: string): Place | undefined {
  const match = PLACE.exec(text)
  if (match === null) return undefined
  const [, offset = '0', mark = '', inode = ''] = match
  return { offset: Number(offset), mark, inode }
}

/** An inode as cursors hold it. */
export function inodeText(inode: number): string {
  return `.${inode.toString(36)}`
}

/** An inode as cursors hold it that were made after an edit in place. */
export function editedInodeText(inode: number, mtimeMs: number): string {
  return `${inodeText(inode)}${EDIT}${Math.round(Math.abs(mtimeMs) * 1000).toString(36)}`
}

/**
 * Whether a place is one in the file that `inode` names. A process that noticed no edit takes places of any. The start
 * and the places of listings say nothing of content, so an edit leaves them good.
 */
export function isIn(inode: string, { inode: its, offset, mark }: Place): boolean {
  if (its === inode) return true
  const isEditNoticed = inode.includes(EDIT)
  if (isEditNoticed && offset > 0 && mark !== IN_LINE) return false
  return withoutEdit(its) === withoutEdit(inode)
}

function withoutEdit(inode: string): string {
  const at = inode.indexOf(EDIT)
  return at < 0 ? inode : inode.slice(0, at)
}

/** What a cursor holds of the line it follows; `end` is where the line feed is. */
export function markOf(bytes: Buffer, start: number, end: number): string {
  const id = idAt(bytes, start, end)
  return id === undefined ? `~${hash(bytes, Math.max(start, end - 64), end)}` : `.${id}`
}

/** FNV-1a: tells a changed line from an unchanged one by accident, not by malice. */
function hash(bytes: Buffer, start: number, end: number): string {
  let value = 0x811c9dc5 ^ LF
  for (let i = start; i < end; i++) value = Math.imul(value ^ bytes[i]!, 0x01000193)
  return (value >>> 0).toString(36)
}

/** The places of a cursor by segment ('' is the first file), or undefined if it is none of ours. */
export function parseCursor(cursor: Cursor): Map<string, string> | undefined {
  const places = new Map<string, string>()
  for (const [index, part] of cursor.split(';').entries()) {
    if (index === 0 && part === '') continue
    const colon = index === 0 ? -1 : part.indexOf(':')
    if (index > 0 && colon < 0) return undefined
    const place = part.slice(colon + 1)
    if (!PLACE.test(place)) return undefined
    places.set(part.slice(0, Math.max(0, colon)), place)
  }
  return places.size === 0 ? undefined : places
}

/** The part of a cursor that speaks of one file; empty if it has no place in it. */
export function cursorPart(segment: string, place: string | undefined): string {
  if (place === undefined) return ''
  return segment === '' ? place : `;${segment}:${place}`
}
