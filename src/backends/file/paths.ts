/**
 * Where things lie under a root. Pure.
 *
 *     <root>/<namespace>/<session>.jsonl            a log
 *     <root>/<namespace>/<session>.<ulid>.jsonl     a segment of it
 *     <root>/<namespace>/files/<name>               an attachment
 *     <root>/<namespace>/files/.<name>.gone         one that is being collected
 *     <root>/<namespace>/files/.<ulid>.tmp          one that is being written
 *     <root>/<namespace>/.cache/infos.jsonl         the infos cache
 *     <root>/<namespace>/.cache/outbox-files/       attachments that git may not have (kept-files.ts)
 *     <root>/<namespace>/.live/                     messages that are being streamed
 *
 * `<namespace>` and `<session>` are encoded by name.ts and hold no dot, so a path never leaves the root and a name
 * can be read back without a table.
 */
import { FoldlogError } from '../../errors.ts'
import { isEventId } from '../../event-id.ts'
import { encodeName } from '../../name.ts'

export const LOG_SUFFIX = '.jsonl'

/** The directory of a namespace. */
export function namespacePath(root: string, namespace: string): string {
  return `${root}/${encodeName(namespace)}`
}

/** Where the side files of drafts are, in the directory of a namespace. */
export function draftDirectory(directory: string): string {
  return `${directory}/.live`
}

/** The path of a file of a log: of its first one if `segment` is empty. */
export function logPath(directory: string, session: string, segment: string): string {
  return `${directory}/${session}${segment === '' ? '' : `.${segment}`}${LOG_SUFFIX}`
}

/** The encoded session and, for a segment, its ULID; undefined if the file is not of a log. */
export function parseFileName(file: string): { readonly session: string; readonly segment?: string } | undefined {
  if (!file.endsWith(LOG_SUFFIX)) return undefined
  const dot = file.indexOf('.')
  const session = file.slice(0, dot)
  if (dot + LOG_SUFFIX.length === file.length) return { session }
  const segment = file.slice(dot + 1, -LOG_SUFFIX.length)
  return isEventId(segment) ? { session, segment } : undefined
}

/** The time of a segment that is the old file of a rewrite (rewrite.ts), but for the tombstone. No writer was there in 1970. */
const ASIDE_TIME = '0000000000'

/** The segment for the old file of a rewrite, made of a fresh ULID. */
export function asideSegment(id: string): string {
  return ASIDE_TIME + id.slice(ASIDE_TIME.length)
}

/** The segment that holds the tombstone of a deleted session (tombstone.ts): the first of all by name. */
export const TOMBSTONE_SEGMENT: string = '0'.repeat(26)

/** Whether a segment is the old file of a rewrite, and goes when that ends. */
export function isAside(segment: string): boolean {
  return segment.startsWith(ASIDE_TIME) && segment !== TOMBSTONE_SEGMENT
}

const ATTACHMENT = /^[A-Za-z0-9][A-Za-z0-9._-]{0,199}$/

/** The path of an attachment. Its name is one the core made; anything else is refused with `INVALID_NAME`. */
export function attachmentPath(root: string, namespace: string, name: string): string {
  if (!ATTACHMENT.test(name)) {
    throw new FoldlogError('INVALID_NAME', `${JSON.stringify(name)} cannot be an attachment's file name`)
  }
  return `${filesPath(root, namespace)}/${name}`
}

/** The directory of a namespace's attachments. */
export function filesPath(root: string, namespace: string): string {
  return `${namespacePath(root, namespace)}/files`
}

/** Where attachments are kept that git may not have, in the directory of a namespace. */
export function keptFilesPath(directory: string): string {
  return `${directory}/.cache/outbox-files`
}

/** Where an attachment is while it is decided whether it goes. */
export function gonePath(path: string): string {
  const slash = path.lastIndexOf('/')
  return `${path.slice(0, slash)}/.${path.slice(slash + 1)}.gone`
}

/** What an entry of the directory of attachments is; undefined if it is not ours. */
export function parseAttachment(entry: string): { readonly kind: 'file' | 'gone' | 'tmp'; name: string } | undefined {
  if (ATTACHMENT.test(entry)) return { kind: 'file', name: entry }
  const [, inner = '', kind] = /^\.(.+)\.(tmp|gone)$/.exec(entry) ?? []
  if (kind === 'tmp' && isEventId(inner)) return { kind, name: entry }
  return kind === 'gone' && ATTACHMENT.test(inner) ? { kind, name: inner } : undefined
}
