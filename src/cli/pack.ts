/**
 * `foldlog pack`: takes out of a log what says nothing. A dry run unless `--yes` is given.
 */
import type { Call, Exit } from './call.ts'
import { tellDamage } from './damage.ts'
import { find } from './root.ts'
import { counted, shortBytes } from './text.ts'

export async function pack(call: Call): Promise<Exit> {
  await using found = await find(call)
  const session = await found.session()
  const dryRun = !call.flag('yes')
  const packed = await session.pack({ dryRun })
  const { duplicateCount, supersededCount, sizeBytesAfter, sizeBytesBefore } = packed
  const { out } = call
  if (call.isJson) await out.json({ ...found.key, dryRun, ...packed })
  if (duplicateCount + supersededCount === 0) {
    out.say(`nothing to pack in ${session.id}`)
    return await tellDamage(call, session)
  }
  const lines = `${counted(duplicateCount, 'duplicate')}, ${counted(supersededCount, 'superseded line')}`
  const what = `${lines}, ${shortBytes(sizeBytesBefore)} → ${shortBytes(sizeBytesAfter)}`
  if (dryRun) out.say(`${what} in ${session.id}; nothing was changed, to pack it:`, call.again('pack', '--yes'))
  else out.say(`packed ${session.id}: ${what}`)
  return await tellDamage(call, session)
}
