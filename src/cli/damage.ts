/**
 * Says which parts of a log are damaged. Everything else was printed: that is the promise of exit code 3.
 */
import type { SessionInfo } from '../message.ts'
import type { Session } from '../session.ts'
import { EXIT, type Call, type Exit } from './call.ts'
import { damageLine } from './fsck.ts'
import { counted } from './text.ts'

const MAX_TOLD = 10

/** Tells the damage of a session on stderr. Returns how the verb ends. */
export async function tellDamage(call: Call, session: Session): Promise<Exit> {
  const damage = await session.damage()
  if (damage.length === 0) return EXIT.ok
  const { out } = call
  out.complain(`${counted(damage.length, 'damaged piece')} in the log of ${session.id}; all the rest of it counts`)
  for (const piece of damage.slice(0, MAX_TOLD)) out.detail(damageLine(piece))
  if (damage.length > MAX_TOLD) out.say(`and ${damage.length - MAX_TOLD} more:`, call.again('show', '--json'))
  return EXIT.damaged
}

/** Tells on stderr how many logs are damaged. Returns how the verb ends. */
export function tellDamaged(call: Call, infos: readonly SessionInfo[]): Exit {
  const damaged = infos.filter(({ damage }) => damage > 0)
  if (damaged.length === 0) return EXIT.ok
  const pieces = damaged.reduce((sum, { damage }) => sum + damage, 0)
  const scope = call.namespace === undefined ? [] : ['-n', call.namespace]
  call.out.complain(
    `${counted(pieces, 'damaged piece')} in ${counted(damaged.length, 'log')}; all the rest counts:`,
    call.command('fsck', ...scope),
  )
  return EXIT.damaged
}
