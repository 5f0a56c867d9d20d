/**
 * Calls of tools that nobody will answer any more, and the results that say so, to be written down: what `context` shows in their place, as messages.
 */
import type { Fold } from './fold.ts'
import { isUnfinished } from './live.ts'
import type { Session } from './session.ts'
import type { MessageInput } from './stamp.ts'
import { contextIn } from './views.ts'

/** A result to be added, under a key that is the same whoever adds it. */
interface MissingResult {
  readonly callId: string
  readonly key: string
  readonly message: MessageInput
}

/** Adds what is missing, where a session is given; the ids of the calls that it is missing of. */
export async function answerCalls(fold: Fold, session: Pick<Session, 'add'> | undefined): Promise<readonly string[]> {
  const missing = missingResults(fold)
  if (session !== undefined) for (const { key, message } of missing) await session.add(message, { key })
  return Object.freeze(missing.map(({ callId }) => callId))
}

/** One for each call of the conversation without a result, but for calls that wait for an approval or whose message is in progress. */
function missingResults(fold: Fold): readonly MissingResult[] {
  return contextIn(fold, { failed: true }).flatMap(({ id, metadata, parts, turnId }) => {
    const [result] = parts
    if (metadata?.['synthetic'] !== true || result?.type !== 'tool-result') return []
    const { callId, name, error } = result
    const owner = fold.message(id.slice(0, -(callId.length + 1)))
    const call = owner?.parts.find((part) => part.type === 'tool-call' && part.callId === callId)
    if (owner === undefined || isUnfinished(owner) || call?.type !== 'tool-call') return []
    if (call.approval === 'requested') return []
    const part = { type: 'tool-result' as const, callId, name, ...(error === undefined ? {} : { error }) }
    const message: MessageInput = {
      role: 'tool',
      turnId,
      status: 'incomplete',
      parts: [part],
      metadata: { synthetic: true },
    }
    return [{ callId, key: `result:${id}`, message }]
  })
}
