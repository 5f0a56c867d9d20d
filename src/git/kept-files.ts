/**
 * Attachments beside the outbox (backends/file/kept-files.ts) against git: which of them a commit has, and which are named and gone.
 */
import { createHash } from 'node:crypto'
import { basename, resolve } from 'node:path'
import { chunksOf } from '../backends/file/chunks.ts'
import type { SessionKey } from '../backend.ts'
import { entriesIn, namesIn } from '../backends/file/entries.ts'
import { isMissing, storageError } from '../backends/file/failure.ts'
import { forgetKept, keptNames } from '../backends/file/kept-files.ts'
import { closeQuietly, openRegular, TO_READ } from '../backends/file/regular.ts'
import { readOutbox } from '../backends/file/outbox.ts'
import { parseAttachment, parseFileName } from '../backends/file/paths.ts'
import { refOf, refsInText } from '../file-refs.ts'
import { decodeName } from '../name.ts'
import { REFS, type Scope } from './history.ts'
import type { Missing } from './outbox.ts'
import { gitBytes } from './run.ts'

/** More names than this are asked for in several calls. */
const AT_ONCE = 500

/** Forgets what git holds of what is kept in the directory of a namespace; all of it if git does not touch `files/` (`isIgnored`). */
export async function tidyFiles(directory: string, isIgnored: () => Promise<boolean>): Promise<void> {
  const names = keptNames(directory)
  if (names.length === 0) return
  const forgotten = (await isIgnored()) ? names : [...(await committedFiles(directory, names, 'branches')).keys()]
  for (const name of forgotten) {
    try {
      forgetKept(directory, name)
    } catch (error) {
      throw storageError(error, 'forget', { path: `${directory}/${name}` })
    }
  }
}

/** Which of the attachments of these names some commit has added to `files/`, and the object that has their bytes. */
async function committedFiles(
  directory: string,
  names: readonly string[],
  scope: Scope,
): Promise<ReadonlyMap<string, string>> {
  const objects = new Map<string, string>()
  for (let at = 0; at < names.length; at += AT_ONCE) {
    const wanted = names.slice(at, at + AT_ONCE)
    const compare = ['-m', '--full-history', '--no-renames', '--raw', '--no-abbrev', '--diff-filter=AM', '--format=']
    const args = ['-c', 'log.showRoot=true', 'log', ...REFS[scope], ...compare, '--']
    const pathspecs = wanted.map((name) => `:(glob)files/${name}`)
    for (const line of (await gitBytes(directory, [...args, ...pathspecs])).toString().split('\n')) {
      const [, object, path] = RAW.exec(line) ?? []
      if (object !== undefined) objects.set(basename(path!), object)
    }
  }
  return objects
}

/** `:<mode> <mode> <object> <object> <what happened>` and a path, which may be quoted. */
const RAW = /^:\d+ \d+ [0-9a-f]+ ([0-9a-f]+) [AM]\t(.*?)"?$/

/** The bytes of an attachment (`sha256-…`) that a commit has, reflogs and stashes included, and its name. */
export async function fileInHistory(
  directory: string,
  ref: string,
): Promise<{ readonly name: string; readonly bytes: Uint8Array } | undefined> {
  const found = await committedFiles(directory, [`${ref.slice('sha256-'.length)}.*`], 'anywhere')
  for (const [name, object] of found) {
    const bytes = await gitBytes(directory, ['cat-file', 'blob', object])
    // What another program keeps elsewhere (LFS), or was damaged when it was committed, is not it.
    if (name.startsWith(`${createHash('sha256').update(bytes).digest('hex')}.`)) return { name, bytes }
  }
  return undefined
}

/** Files (`sha256-…`) that the log of a session names, or its missing lines do, and that are not in `files/`. */
export interface FilesGone {
  readonly key: SessionKey
  readonly files: readonly string[]
}

/** Files that are gone under a root, as far as lines of the outbox name them, or they are kept. */
export function filesGone(root: string, missing: readonly Missing[]): readonly FilesGone[] {
  const all: FilesGone[] = []
  for (const entry of entriesIn(resolve(root))) {
    const namespace = entry.isDirectory() ? decodeName(entry.name) : undefined
    if (namespace === undefined) continue
    const lines = missing.filter(({ key }) => key.namespace === namespace)
    for (const [sessionId, files] of goneIn(`${resolve(root)}/${entry.name}`, lines)) {
      all.push({ key: { namespace, sessionId }, files: [...files].sort() })
    }
  }
  return all
}

/** By session. */
function goneIn(directory: string, missing: readonly Missing[]): ReadonlyMap<string, ReadonlySet<string>> {
  const gone = new Set(keptRefs(directory))
  for (const { text } of readOutbox(directory)) for (const ref of refsInText(text)) gone.add(ref)
  for (const ref of presentRefs(directory)) gone.delete(ref)
  const named = new Map<string, Set<string>>()
  if (gone.size === 0) return named
  const take = (sessionId: string, refs: Iterable<string>): void => {
    for (const ref of refs) if (gone.has(ref)) named.set(sessionId, (named.get(sessionId) ?? new Set()).add(ref))
  }
  for (const { key, lines } of missing) for (const { text } of lines) take(key.sessionId, refsInText(text))
  for (const file of namesIn(directory)) {
    const sessionId = decodeName(parseFileName(file)?.session ?? '')
    if (sessionId !== undefined) take(sessionId, refsInFile(`${directory}/${file}`))
  }
  return named
}

/** The files that are kept in the directory of a namespace. */
export function keptRefs(directory: string): ReadonlySet<string> {
  return new Set(keptNames(directory).flatMap((name) => refOf(name) ?? []))
}

function presentRefs(directory: string): ReadonlySet<string> {
  return new Set(
    namesIn(`${directory}/files`).flatMap((entry) => {
      const parsed = parseAttachment(entry)
      return parsed === undefined || parsed.kind === 'tmp' ? [] : (refOf(parsed.name) ?? [])
    }),
  )
}

/** Of a log, which may be removed meanwhile. */
function* refsInFile(path: string): Generator<string> {
  let fd = -1
  try {
    const { fd: opened, stat } = openRegular(path, TO_READ)
    fd = opened
    for (const { bytes } of chunksOf(fd, 0, stat.size))
      if (bytes.includes('sha256-')) yield* refsInText(bytes.toString())
  } catch (error) {
    if (!isMissing(error)) throw storageError(error, 'read', { path })
  } finally {
    if (fd >= 0) closeQuietly(fd)
  }
}
