/**
 * `foldlog tail`: the last events of a session in the order they lie in the log, and those to come.
 */
import type { Session } from '../session.ts'
import type { TailEvent } from '../tail.ts'
import { EXIT, type Call, type Exit } from './call.ts'
import { tellDamage } from './damage.ts'
import { printEvent } from './events.ts'
import { Last } from './last.ts'
import { eventOf, isCursor } from './point.ts'
import { endWithReader } from './reader.ts'
import { find } from './root.ts'

const DEFAULT_LIMIT = 10

export async function tail(call: Call): Promise<Exit> {
  const after = call.text('after')
  const limit = call.count('limit') ?? (after === undefined ? DEFAULT_LIMIT : Infinity)
  await using found = await find(call)
  if (!call.flag('raw')) return await tailEvents(call, await found.session(), limit)
  // Raw lines are not folded: nothing that folds is loaded for them.
  const { tailLines } = await import('./tail-raw.ts')
  await tailLines(call, found, limit)
  return EXIT.ok
}

async function tailEvents(call: Call, session: Session, limit: number): Promise<Exit> {
  const point = call.text('after')
  const isNamed = point !== undefined && !isCursor(point)
  const after = isNamed ? await eventOf(point, session, call.again('log')) : point
  const last = new Last<TailEvent>(limit)
  let place = after
  for await (const event of session.events(placeAfter(after))) {
    place = event.cursor === '' ? undefined : event.cursor
    if (event.id === '') await tellRewound(call, event)
    else last.push(event)
  }
  for (const event of last.items()) await printEvent(call, event)
  const exit = await tellDamage(call, session)
  if (call.flag('follow')) await follow(call, session, place)
  return exit
}

async function follow(call: Call, session: Session, after: string | undefined): Promise<void> {
  endWithReader()
  for await (const event of session.tail(placeAfter(after))) {
    if (event.id === '') await tellRewound(call, event)
    else await printEvent(call, event)
  }
  call.out.say(`session ${session.id} was deleted`)
}

function placeAfter(after: string | undefined): { readonly after?: string } {
  return after === undefined ? {} : { after }
}

/** The place to go on from is gone: programs get that as an event, people as a message. */
async function tellRewound(call: Call, event: TailEvent): Promise<void> {
  if (call.isJson) await printEvent(call, event)
  else call.out.say('the place to go on from is not in the log (any more): everything follows')
}
