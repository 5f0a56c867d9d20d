/**
 * Makes an end to a draft whose owner is gone: the message becomes `incomplete` with what had reached the backend, once, whoever does it.
 */
import { partEvents } from './draft.ts'
import { toJson } from './json.ts'
import { lineOf } from './line.ts'
import { endKeyOf, isUnfinished, type LiveLog } from './live.ts'
import { now } from './wall-clock.ts'

/** Ends the draft of a message if nobody goes on with it, and removes what is left of it. */
export async function recoverDraft(live: LiveLog, messageId: string): Promise<void> {
  const { log } = live
  const draft = await live.growing(messageId)
  if (draft === undefined || draft.isAlive) return
  await log.look()
  const message = log.fold.message(messageId)
  const key = endKeyOf(messageId)
  if (message !== undefined && isUnfinished(message) && log.eventsOfKey(key) === undefined) {
    const lease = message.lease === undefined ? {} : { lease: null }
    const data = toJson({ id: messageId, status: 'incomplete', ...lease }, 'message.updated')
    const events = partEvents(log, messageId, draft.parts.parts())
    events.push({ id: log.nextId(), type: 'message.updated', data })
    await log.append(live.screen({ ...lineOf(events, now()), key }), () => undefined)
  }
  await live.drafts.remove(log.key, messageId)
  live.ring()
}
