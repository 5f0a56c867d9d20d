/**
 * `foldlog log`: the events of a session, newest first.
 */
import type { TailEvent } from '../tail.ts'
import type { Call, Exit } from './call.ts'
import { tellDamage } from './damage.ts'
import { printEvent } from './events.ts'
import { find } from './root.ts'

export async function log(call: Call): Promise<Exit> {
  const limit = call.count('limit')
  await using found = await find(call)
  const session = await found.session()
  const events: TailEvent[] = []
  for await (const event of session.events()) events.push(event)
  // The order of ids is that of the conversation; that of the file only says what arrived when.
  events.sort((a, b) => (a.id < b.id ? 1 : -1))
  for (const event of events.slice(0, limit)) await printEvent(call, event)
  return await tellDamage(call, session)
}
