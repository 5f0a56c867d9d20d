/**
 * What is wrong with attachments: missing, damaged, named by nothing, left over. Reads, and changes nothing.
 */
import type { Backend, Rewrites } from './backend.ts'
import { isFoldlogError } from './errors.ts'
import { Mentions, refOf, usersOf, type FileUser } from './file-refs.ts'
import { isIntact } from './files.ts'
import { rewritesOf } from './rewritable.ts'

/** One attachment that something is to be said of. */
export interface FileReport {
  readonly namespace: string
  /**
   * `missing`: an event names it and it is not there. `damaged`: its bytes have another hash. Not damage: `unreferenced`, nothing names it;
   * `leftover`, of a write that was killed.
   */
  readonly kind: 'missing' | 'damaged' | 'unreferenced' | 'leftover'
  /** `sha256-…`; of a leftover its name. */
  readonly file: string
  /** 0 if it is missing. */
  readonly sizeBytes: number
  /** The events that name it. */
  readonly usedBy: readonly FileUser[]
}

/** Checks the attachments of a namespace, or those that one session names. Rejects with `NOT_FOUND` if that is not there. */
export async function* checkFiles(
  backend: Backend,
  namespace: string,
  sessionId: string | undefined,
): AsyncGenerator<FileReport> {
  if (sessionId !== undefined && (await backend.head({ namespace, sessionId })) === undefined)
    await backend.read({ namespace, sessionId })[Symbol.asyncIterator]().next()
  const rewrites = sessionId === undefined ? rewritesOf(backend) : undefined
  // Listed first: what is put and named meanwhile is not taken for unreferenced, and what is missing is looked for again.
  const stored = (await backend.files.list(namespace, '')).toSorted((a, b) => (a.name < b.name ? -1 : 1))
  const ids = sessionId === undefined ? (await backend.list(namespace)).map((head) => head.sessionId) : [sessionId]
  const users = await usersOf(backend, namespace, ids)
  const there = new Set(stored.flatMap(({ isLeftover, name }) => (isLeftover ? [] : (refOf(name) ?? []))))
  for (const [file, usedBy] of users) {
    if (there.has(file)) continue
    const [late] = await backend.files.list(namespace, `${file.slice('sha256-'.length)}.`)
    if (late === undefined) yield report(namespace, 'missing', file, 0, usedBy)
  }
  const mentions = rewrites === undefined ? undefined : await mentionsIn(backend, rewrites, namespace)
  for (const { isLeftover, name, sizeBytes } of stored) {
    const file = refOf(name)
    const usedBy = users.get(file ?? '') ?? []
    if (isLeftover) {
      if (sessionId === undefined) yield report(namespace, 'leftover', name, sizeBytes, [])
    } else if (file !== undefined && (sessionId === undefined || usedBy.length > 0)) {
      if (await isDamaged(backend, namespace, name)) yield report(namespace, 'damaged', file, sizeBytes, usedBy)
      if (mentions?.has(name) === false) yield report(namespace, 'unreferenced', file, sizeBytes, [])
    }
  }
}

/** Undefined if a log cannot be read: then nobody knows what nothing names. */
async function mentionsIn(backend: Backend, rewrites: Rewrites, namespace: string): Promise<Mentions | undefined> {
  const mentions = new Mentions(backend, rewrites, namespace)
  try {
    await mentions.look()
    return mentions
  } catch (error) {
    // `fsck` tells of the log.
    if (!isFoldlogError(error)) throw error
    return undefined
  }
}

async function isDamaged(backend: Backend, namespace: string, name: string): Promise<boolean> {
  try {
    return !(await isIntact(backend, namespace, name))
  } catch (error) {
    // Collected or redacted since it was listed.
    if (isFoldlogError(error, 'NOT_FOUND')) return false
    throw error
  }
}

function report(
  namespace: string,
  kind: FileReport['kind'],
  file: string,
  sizeBytes: number,
  usedBy: readonly FileUser[],
): FileReport {
  return Object.freeze({ namespace, kind, file, sizeBytes, usedBy })
}
