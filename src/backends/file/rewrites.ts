/**
 * What the file backend can do besides appending: replace logs (rewrite.ts), keep damaged bytes aside, remove attachments and what caches
 * say.
 *
 *     <namespace>/.cache/quarantine/<session>.<ulid>.jsonl    bytes that were no events
 */
import type { EditAside, Rewrite, Rewrites, Rewritten, SessionKey, StoredFile } from '../../backend.ts'
import { newId } from '../../id.ts'
import { decodeName } from '../../name.ts'
import { entriesIn } from './entries.ts'
import { isMissing, storageError } from './failure.ts'
import { GIT_IGNORE, makeDirectory, makeIgnored, statNamespace, syncDirectory } from './folders.ts'
import { io } from './io.ts'
import { forgetKept, keptNames } from './kept-files.ts'
import type { Logs } from './logs.ts'
import { attachmentPath, filesPath, gonePath, namespacePath, parseAttachment } from './paths.ts'
import { LF } from './prefix.ts'
import { editOutbox } from './outbox-edit.ts'
import { OUTBOX } from './outbox.ts'
import { leftoversOf, rewriteLog } from './rewrite.ts'
import type { Segments } from './segments.ts'
import { sweepFiles, unlinkThere } from './sweep.ts'
import { writeWhole } from './whole-file.ts'

const CACHE = '.cache'
const QUARANTINE = '.cache/quarantine'
/** What caches and drafts are kept in. Locks and files being made, which are in `rewrite`, are no cache. */
const DISPOSABLE = [CACHE, QUARANTINE, '.live'] as const

export class FileRewrites implements Rewrites {
  readonly #root: string
  readonly #logs: Logs
  readonly #segments: Segments

  constructor(root: string, logs: Logs, segments: Segments) {
    this.#root = root
    this.#logs = logs
    this.#segments = segments
  }

  async rewrite(key: SessionKey, rewrite: Rewrite): Promise<Rewritten> {
    return rewriteLog(this.#logs.get(key), this.#segments, rewrite)
  }

  async leftovers(key: SessionKey): Promise<readonly string[]> {
    return leftoversOf(this.#logs.get(key), this.#segments)
  }

  async quarantine(key: SessionKey, bytes: Uint8Array): Promise<string> {
    const { directory, session } = this.#logs.get(key)
    const path = `${directory}/.cache/quarantine/${session}.${newId()}.jsonl`
    try {
      makeIgnored(`${directory}/.cache`)
      makeDirectory(`${directory}/.cache/quarantine`)
      await writeWhole(path, bytes, true)
      await syncDirectory(`${directory}/.cache/quarantine`)
      return path
    } catch (error) {
      throw storageError(error, 'write', { ...key, path })
    }
  }

  async files(namespace: string): Promise<readonly string[]> {
    const names = filesIn(this.#filesOf(namespace)).map((entry) => parseAttachment(entry))
    const there = names.flatMap((each) => (each === undefined || each.kind === 'tmp' ? [] : [each.name]))
    return [...new Set([...there, ...keptNames(namespacePath(this.#root, namespace))])]
  }

  async removeFile(namespace: string, name: string): Promise<boolean> {
    const path = attachmentPath(this.#root, namespace, name)
    const directory = this.#filesOf(namespace)
    try {
      const wasThere = [path, gonePath(path)].map((each) => unlinkThere(each)).includes(true)
      if (wasThere) await syncDirectory(directory)
      return forgetKept(namespacePath(this.#root, namespace), name) || wasThere
    } catch (error) {
      throw storageError(error, 'remove', { namespace, path })
    }
  }

  async sweep(
    namespace: string,
    files: readonly StoredFile[],
    recheck: () => Promise<(name: string) => boolean>,
  ): Promise<readonly string[]> {
    const directory = this.#filesOf(namespace)
    try {
      const removed = await sweepFiles(directory, files, recheck)
      if (removed.length > 0) await syncDirectory(directory)
      return removed
    } catch (error) {
      throw storageError(error, 'collect in', { namespace, path: directory })
    }
  }

  #filesOf(namespace: string): string {
    statNamespace(namespacePath(this.#root, namespace))
    const directory = filesPath(this.#root, namespace)
    statNamespace(directory)
    return directory
  }

  async scrub(namespace: string, edit: EditAside): Promise<readonly string[]> {
    const directory = namespacePath(this.#root, namespace)
    const changed: string[] = []
    for (const place of DISPOSABLE) {
      for (const name of filesIn(`${directory}/${place}`)) {
        if (name === GIT_IGNORE) continue
        const path = `${directory}/${place}/${name}`
        try {
          const file = `${place}/${name}`
          const owner = place === QUARANTINE ? decodeName(name.slice(0, name.indexOf('.'))) : undefined
          const editOne = (text: string, sessionId: string | undefined = owner): string | undefined =>
            edit({ text, name: file, ...(sessionId === undefined ? {} : { sessionId }) })
          const isChanged =
            place === CACHE && name.startsWith(OUTBOX)
              ? editOutbox(directory, name, editOne)
              : await editLines(path, editOne)
          if (isChanged) changed.push(file)
        } catch (error) {
          // Its owner may have removed it meanwhile.
          if (!isMissing(error)) throw storageError(error, 'scrub', { namespace, path })
        }
      }
    }
    return changed
  }
}

/** Changes lines of a file that nobody appends to, and removes it if nothing is left of it. */
async function editLines(path: string, edit: (text: string) => string | undefined): Promise<boolean> {
  const bytes = await io.readFile(path)
  const left: Buffer[] = []
  let isChanged = false
  for (let start = 0; start < bytes.length;) {
    const found = bytes.indexOf(LF, start)
    const end = found < 0 ? bytes.length : found
    const next = found < 0 ? end : end + 1
    const text = bytes.toString('utf8', start, end)
    const edited = edit(text)
    if (edited === text) left.push(bytes.subarray(start, next))
    else {
      isChanged = true
      if (edited !== undefined) left.push(Buffer.from(`${edited}\n`))
    }
    start = next
  }
  if (!isChanged) return false
  if (left.length === 0) io.unlinkSync(path)
  else await writeWhole(path, Buffer.concat(left), true)
  return true
}

function filesIn(directory: string): string[] {
  return entriesIn(directory)
    .filter((entry) => entry.isFile())
    .map(({ name }) => name)
}
