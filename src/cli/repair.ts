/**
 * `foldlog repair`: takes what is no event out of a log and keeps it aside. A dry run unless `--yes` is given.
 */
import { EXIT, type Call, type Exit } from './call.ts'
import { damageLine } from './fsck.ts'
import { find } from './root.ts'
import { counted } from './text.ts'

export async function repair(call: Call): Promise<Exit> {
  await using found = await find(call)
  const session = await found.session()
  const dryRun = !call.flag('yes')
  const repaired = await session.repair({ dryRun, results: false })
  const { damage, leftovers, quarantine, untidyCount } = repaired
  const { out } = call
  if (call.isJson) await out.json({ ...found.key, dryRun, ...repaired })
  else for (const piece of damage) await out.line(damageLine(piece))
  const what = `${counted(damage.length, 'damaged piece')}, ${counted(untidyCount, 'untidy line')}, ${counted(leftovers.length, 'leftover')}`
  if (damage.length + untidyCount + leftovers.length === 0) {
    out.say(`nothing to repair in ${session.id}`)
    return EXIT.ok
  }
  if (dryRun) {
    out.say(`${what} in ${session.id}; nothing was changed, to repair it:`, call.again('repair', '--yes'))
    return damage.length > 0 ? EXIT.damaged : EXIT.ok
  }
  out.say(`repaired ${session.id}: ${what}`)
  if (quarantine !== undefined) out.say(`the damaged bytes are in ${quarantine}`)
  return EXIT.ok
}
