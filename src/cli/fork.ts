/**
 * `foldlog fork`: a new session that begins with what another one holds.
 */
import { lastIdAt } from '../past-session.ts'
import type { Session } from '../session.ts'
import { EXIT, Failure, type Call, type Exit } from './call.ts'
import { tellDamage } from './damage.ts'
import { titleOf } from './info.ts'
import { pointNamed, pointOf } from './point.ts'
import { find } from './root.ts'
import { counted, plain } from './text.ts'

export async function fork(call: Call): Promise<Exit> {
  pointNamed(call)
  await using found = await find(call, true)
  const source = await found.session()
  const at = await eventAt(call, source)
  const [id, title] = [call.text('id'), call.text('title')]
  const store = await found.root.store(found.key.namespace)
  const session = await store.fork(source.id, {
    ...(at === undefined ? {} : { at }),
    ...(id === undefined ? {} : { id }),
    ...(title === undefined ? {} : { title }),
  })
  const { info } = session
  const { out } = call
  if (call.isJson) await out.json(info)
  else await out.line(plain(info.id))
  out.say(`${counted(info.messageCount, 'message')} of ${source.id}: ${titleOf(info)}`)
  const scope = call.namespace === undefined ? [] : ['-n', call.namespace]
  if (!call.isJson) out.say('to read it:', call.command('show', info.id, ...scope))
  return await tellDamage(call, source)
}

/** The last event that is taken over; undefined: all are. */
async function eventAt(call: Call, session: Session): Promise<string | undefined> {
  const point = await pointOf(call, session)
  if (!(point instanceof Date)) return point
  const last = lastIdAt(point)
  let found: string | undefined
  for await (const { id } of session.events()) if (id <= last && (found === undefined || id > found)) found = id
  if (found !== undefined) return found
  throw new Failure(EXIT.notFound, `nothing had happened in ${session.id} by ${point.toISOString()}`, call.again('log'))
}
