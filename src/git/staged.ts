/**
 * What a commit would add to logs that does not belong there: secrets, and damage.
 *
 * Only lines that `HEAD` does not have are looked at, so that what was committed once does not stop every later commit. Secrets are looked for
 * in decoded strings: in JSON they may be written with escapes.
 */
import { parseFileName } from '../backends/file/paths.ts'
import { isArray, type Json } from '../json.ts'
import { decodeLine, eventsOf, type DamageKind } from '../line.ts'
import { findSecrets } from '../secrets.ts'
import { keyOf } from './merge.ts'
import { contentsOf, git } from './run.ts'

/** Something that a commit would add. */
interface Objection {
  /** The file, from the top of the work tree, and the line in it. */
  readonly path: string
  readonly line: number
  readonly kind: 'secret' | 'damage'
  /** What secret, what damage; never the secret itself. */
  readonly detail: string
}

/** Files of other sizes are no text that somebody wrote. */
const MAX_ATTACHMENT_BYTES = 4 << 20

/** What the index would add under some roots, which are paths in the work tree. */
export async function objectionsTo(top: string, roots: readonly string[]): Promise<readonly Objection[]> {
  const asked = ['diff', '--cached', '--name-only', '-z', '--no-renames', '--diff-filter=ACM', '--', ...roots]
  const paths = (await git(top, ['--literal-pathspecs', ...asked])).split('\0').filter(isOurs)
  const objections: Objection[] = []
  for (const path of paths) {
    const [staged, committed] = await contentsOf(top, [`:${path}`, `HEAD:${path}`])
    if (staged === undefined) continue
    if (isLog(path)) objections.push(...lookAtLog(path, staged, committed))
    else if (staged.length <= MAX_ATTACHMENT_BYTES) objections.push(...lookAtText(path, staged.toString()))
  }
  return objections
}

function isOurs(path: string): boolean {
  return isLog(path) || path.split('/').at(-2) === 'files'
}

function isLog(path: string): boolean {
  return parseFileName(path.slice(path.lastIndexOf('/') + 1)) !== undefined
}

function* lookAtLog(path: string, staged: Buffer, committed: Buffer | undefined): Generator<Objection> {
  const known = new Set<string>()
  if (committed !== undefined) for (const { bytes } of physicalLines(committed)) known.add(keyOf(bytes))
  for (const { bytes, line, offset } of physicalLines(staged)) {
    if (known.has(keyOf(bytes))) continue
    const { lines, damage } = decodeLine(bytes, { file: path, line, offset })
    for (const { kind } of damage) yield { path, line, kind: 'damage', detail: DAMAGE[kind] ?? kind }
    // A line is read in spite of its NULs, but git takes the file for a binary one and merges it no more.
    if (damage.length === 0 && bytes.includes(0)) yield { path, line, kind: 'damage', detail: DAMAGE.nul! }
    const kinds = new Set<string>()
    for (const each of lines) for (const { data } of eventsOf(each)) collect(data, kinds)
    for (const detail of kinds) yield { path, line, kind: 'secret', detail }
  }
}

const DAMAGE: Partial<Record<DamageKind, string>> = {
  'conflict-marker': 'a conflict marker of git',
  nul: 'NUL bytes, for which git takes the file as binary',
  torn: 'a torn line',
}

function* lookAtText(path: string, text: string): Generator<Objection> {
  for (const { kind, start } of findSecrets(text)) {
    yield { path, line: text.slice(0, start).split('\n').length, kind: 'secret', detail: kind }
  }
}

/** The kinds of secrets in all strings of a value, names of fields included. */
function collect(value: Json, kinds: Set<string>): void {
  if (typeof value === 'string') for (const { kind } of findSecrets(value)) kinds.add(kind)
  if (typeof value !== 'object' || value === null) return
  if (isArray(value)) for (const item of value) collect(item, kinds)
  else {
    for (const [name, item] of Object.entries(value)) {
      collect(name, kinds)
      collect(item, kinds)
    }
  }
}

/** The lines that have an end; what comes after the last one may be an append under way. */
function* physicalLines(bytes: Buffer): Generator<{ bytes: Buffer; line: number; offset: number }> {
  let line = 0
  for (let start = 0; start < bytes.length;) {
    const end = bytes.indexOf('\n', start)
    if (end < 0) return
    yield { bytes: bytes.subarray(start, end), line: ++line, offset: start }
    start = end + 1
  }
}
