/**
 * Attachments that git may not have yet, kept beside the lines that name them (outbox.ts), where git does not reach.
 *
 *     <namespace>/.cache/outbox-files/<name>     a hard link to `files/<name>`; a copy where the disk has no links
 *
 * Git removes and replaces files, it never writes into one: what is linked here stays as it was. Kept when it is stored, and once more when a line
 * names it; forgotten once it is committed (git/kept-files.ts), or when it is collected or redacted. It may vanish at any moment (I5).
 */
import type { KeptFiles, NewLine, StoredFile } from '../../backend.ts'
import { newId } from '../../id.ts'
import { namesIn } from './entries.ts'
import { isMissing, storageError } from './failure.ts'
import { listAttachments, readAttachment } from './files.ts'
import { makeDirectory, makeIgnored } from './folders.ts'
import { constants, io } from './io.ts'
import { attachmentPath, gonePath, keptFilesPath, namespacePath, parseAttachment } from './paths.ts'
import { sweepFiles, unlinkThere } from './sweep.ts'
import { removeQuietly, renameOver } from './whole-file.ts'

const NO_THROW = { throwIfNoEntry: false } as const
const REF = /"sha256-([0-9a-f]{64})"/g

/** What is kept under one root. */
export class KeptAttachments implements KeptFiles {
  readonly #root: string
  readonly #onKept: (directory: string, sizeBytes: number) => void
  /** Paths in `files/`, without what follows the hash, that this process has kept: lines that name them need no look. */
  readonly #known = new Set<string>()

  /** `onKept` hears of what was kept, in the directory of a namespace. */
  constructor(root: string, onKept: (directory: string, sizeBytes: number) => void) {
    this.#root = root
    this.#onKept = onKept
  }

  /** Keeps an attachment that is there. Throws what the system throws. */
  async keep(directory: string, name: string): Promise<void> {
    const from = `${directory}/files/${name}`
    const to = `${keptFilesPath(directory)}/${name}`
    const source = io.lstatSync(from, NO_THROW)
    if (source?.isFile() !== true) return
    const there = io.lstatSync(to, NO_THROW)
    if (there === undefined || there.ino !== source.ino || there.dev !== source.dev) {
      makeIgnored(`${directory}/.cache`)
      makeDirectory(keptFilesPath(directory))
      await linkOrCopy(from, to, there?.size === source.size)
      this.#onKept(directory, source.size)
    }
    this.#known.add(hashPath(directory, name))
  }

  /** Keeps what lines name and `files/` has. Undefined if they name nothing that this process has not kept already. */
  keepNamed(directory: string, lines: readonly NewLine[]): Promise<void> | undefined {
    let hashes: Set<string> | undefined
    for (const { text } of lines) {
      if (!text.includes('"sha256-')) continue
      for (const [, hash] of text.matchAll(REF)) {
        if (!this.#known.has(hashPath(directory, hash!))) (hashes ??= new Set()).add(hash!)
      }
    }
    return hashes === undefined ? undefined : this.#keepAll(directory, hashes)
  }

  async #keepAll(directory: string, hashes: ReadonlySet<string>): Promise<void> {
    try {
      for (const name of namesIn(`${directory}/files`)) {
        const isNamed = hashes.has(name.slice(0, HASH_CHARS)) && parseAttachment(name)?.kind === 'file'
        if (isNamed) await this.keep(directory, name)
      }
    } catch (error) {
      throw storageError(error, 'keep what is named in', { path: `${directory}/files` })
    }
  }

  async list(namespace: string): Promise<readonly StoredFile[]> {
    const directory = this.#pathOf(namespace)
    try {
      return listAttachments(directory, '')
    } catch (error) {
      throw storageError(error, 'list', { namespace, path: directory })
    }
  }

  read(namespace: string, name: string): AsyncGenerator<Uint8Array> {
    attachmentPath(this.#root, namespace, name)
    return readAttachment(`${this.#pathOf(namespace)}/${name}`, namespace, name)
  }

  async sweep(
    namespace: string,
    files: readonly StoredFile[],
    recheck: () => Promise<(name: string) => boolean>,
  ): Promise<readonly string[]> {
    const directory = this.#pathOf(namespace)
    try {
      return await sweepFiles(directory, files, recheck)
    } catch (error) {
      throw storageError(error, 'collect in', { namespace, path: directory })
    }
  }

  #pathOf(namespace: string): string {
    return keptFilesPath(namespacePath(this.#root, namespace))
  }
}

/** The names of what is kept in the directory of a namespace, but for what is not whole. */
export function keptNames(directory: string): readonly string[] {
  const files = listAttachments(keptFilesPath(directory), '')
  return files.flatMap(({ name, isLeftover }) => (isLeftover ? [] : [name]))
}

/** Forgets an attachment; false if it was not kept. Throws what the system throws. */
export function forgetKept(directory: string, name: string): boolean {
  const path = `${keptFilesPath(directory)}/${name}`
  return [path, gonePath(path)].map((each) => unlinkThere(each)).includes(true)
}

const HASH_CHARS = 64

function hashPath(directory: string, name: string): string {
  return `${directory}/${name.slice(0, HASH_CHARS)}`
}

/** `isAlike`: what is at `to` has the same size, so that a copy would be the same. */
async function linkOrCopy(from: string, to: string, isAlike: boolean): Promise<void> {
  const slash = to.lastIndexOf('/')
  const aside = `${to.slice(0, slash)}/.${newId()}.tmp`
  try {
    try {
      io.linkSync(from, aside)
    } catch (error) {
      // Collected meanwhile: there is nothing to be kept.
      if (isMissing(error) && io.lstatSync(from, NO_THROW) === undefined) return
      // A disk without links, or with no more of them for this file.
      if (isAlike) return
      await io.copyFile(from, aside, constants.COPYFILE_FICLONE)
    }
    await renameOver(aside, to)
  } finally {
    // Also if both names meant the same file by then, of which a rename takes no notice.
    removeQuietly(aside)
  }
}
