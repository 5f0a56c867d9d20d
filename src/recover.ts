/**
 * Makes an end to a draft whose owner is gone: the message becomes `incomplete` with what had reached the backend, once, whoever does it.
 */
import { partEvents } from './draft.ts'
import { toJson } from './json.ts'
import { lineOf } from './line.ts'
import { endKeyOf, isUnfinished, type LiveLog } from './live.ts'
import { now } from './wall-clock.ts'

/** For so long a draft is kept of a message that the log has not. */
const KEPT_MS = 7 * 24 * 3600 * 1000

/** Ends the draft of a message if nobody goes on with it, and removes what is left of it. */
export async function recoverDraft(live: LiveLog, messageId: string): Promise<void> {
  const { log } = live
  const draft = await live.growing(messageId)
  if (draft === undefined || draft.isAlive) return
  await log.look()
  const message = log.fold.message(messageId)
  const key = endKeyOf(messageId)
  // One whose status was set while it grew keeps that, and gets what was streamed, unless it has parts from elsewhere.
  const isOpen = message !== undefined && (isUnfinished(message) || message.parts.length === 0)
  if (isOpen && log.eventsOfKey(key) === undefined) {
    const lease = message.lease === undefined ? {} : { lease: null }
    const status = isUnfinished(message) ? 'incomplete' : message.status
    const data = toJson({ id: messageId, status, ...lease }, 'message.updated')
    const events = partEvents(log, messageId, draft.parts.parts())
    events.push({ id: log.nextId(), type: 'message.updated', data })
    await log.append(live.screen({ ...lineOf(events, now()), key }), () => undefined)
  }
  // Git may have another branch here, and bring the message back. Where nothing was streamed its line may never have been written.
  const isAway = log.fold.node(messageId) === undefined && draft.parts.parts().length > 0
  if (isAway && (draft.time ?? 0) > Date.now() - KEPT_MS) return
  await live.drafts.remove(log.key, messageId)
  live.ring()
}
