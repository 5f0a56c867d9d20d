/**
 * Whether a log may be rewritten by this version, and whether its backend can.
 */
import type { Backend, Rewrites, SessionKey } from './backend.ts'
import { FoldlogError } from './errors.ts'
import { isCoreEvent, isCustomType, isValidData } from './event.ts'
import type { Json } from './json.ts'
import { eventsOf, type Line } from './line.ts'

/** Types that are read and mean nothing to the conversation. */
const KEEPING: ReadonlySet<string> = new Set(['session.deleted', 'log.redacted', 'log.kept', 'log.void'])

/** What a rewrite has seen of a log. */
export interface Seen {
  readonly eventCount: number
  /** What this version does not know, the first of it. */
  readonly unknown: string | undefined
}

/** What the backend has for rewrites. Throws `UNSUPPORTED` if that is nothing. */
export function rewritesOf(backend: Backend): Rewrites {
  if (backend.rewrites !== undefined) return backend.rewrites
  throw new FoldlogError(
    'UNSUPPORTED',
    `the backend of ${backend.root} cannot rewrite logs: redact, pack and repair need that`,
  )
}

/** Throws unless a log is ours, and all of it is of this version: what it does not know it might break. */
export function assertRewritable(key: SessionKey, { eventCount, unknown }: Seen): void {
  const { sessionId } = key
  if (unknown !== undefined) {
    const message = `session ${sessionId} holds what this version does not know (${unknown}): use the version that wrote it`
    throw new FoldlogError('UNSUPPORTED', message, { ...key })
  }
  if (eventCount > 0) return
  throw new FoldlogError('NOT_A_LOG', `the file of session ${sessionId} holds no event: it is not rewritten`, {
    ...key,
  })
}

/** What of a line this version does not know; undefined if it knows all of it. */
export function unknownIn(line: Line): string | undefined {
  if (line.v !== 1) return `version ${line.v}`
  for (const { type, data } of eventsOf(line)) {
    const why = whyUnknown(type, data)
    if (why !== undefined) return why
  }
  return undefined
}

/** Why this version does not know an event; undefined if it does. */
export function whyUnknown(type: string, data: Json): string | undefined {
  if (isCoreEvent({ type })) return isValidData(type, data) ? undefined : `data of ${type}`
  return isCustomType(type) || KEEPING.has(type) ? undefined : `type ${type}`
}
