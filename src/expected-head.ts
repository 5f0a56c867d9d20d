/**
 * The guard of a call: "only if the conversation still ends where I saw it end".
 *
 * The head is `info.head`: the message at the end of the conversation, `null` while it is empty. Only that is compared: new
 * contents of messages that are there, titles, variables and events of other types do not move it. Pure.
 */
import type { Capabilities } from './backend.ts'
import { FoldlogError } from './errors.ts'
import type { Log } from './log.ts'

/** What a call expects: a message id, or null; undefined: it has no guard. Rejects a guard that says nothing, or that cannot be kept. */
export function expectedHeadOf(
  options: { readonly expectedHead?: string | null } | undefined,
  { guards }: Capabilities,
): string | null | undefined {
  if (options === undefined || !('expectedHead' in options)) return undefined
  const { expectedHead } = options
  // `undefined` is what `info.head` is while the conversation is empty: it must not turn the guard off.
  if (expectedHead !== null && (typeof expectedHead !== 'string' || expectedHead.trim() === '')) {
    throw new FoldlogError(
      'INVALID_OPTION',
      'expectedHead must be the id of a message, or null where the conversation is expected to be empty: pass info.head ?? null',
      { field: 'expectedHead' },
    )
  }
  if (guards === 'exact') return expectedHead
  throw new FoldlogError('UNSUPPORTED', 'expectedHead: this backend cannot guard appends', { field: 'expectedHead' })
}

/** Rejects with `HEAD_MOVED` if the conversation does not end where it is expected to, as far as the log has been read. */
export function assertHead(log: Log, expected: string | null): void {
  const head = log.fold.head() ?? null
  if (head === expected) return
  const { namespace, sessionId } = log.key
  const events = log.eventsAfter(expected === null ? undefined : log.fold.node(expected)?.created)
  const message = `head of ${sessionId} is ${head ?? 'none'}, expected ${expected ?? 'none'}: read what came, then decide again`
  throw new FoldlogError('HEAD_MOVED', message, { namespace, sessionId, head, events })
}
