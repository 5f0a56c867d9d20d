/**
 * `foldlog archive`: takes sessions out of listings, or puts them back. Nothing is deleted.
 */
import type { SessionKey } from '../backend.ts'
import { EXIT, Failure, type Call, type Exit } from './call.ts'
import { titleOf } from './info.ts'
import { findAll } from './root.ts'
import { plain, truncate } from './text.ts'

export async function archive(call: Call): Promise<Exit> {
  const isArchived = !call.flag('undo')
  if (!isArchived && call.args.length === 0) {
    // The latest session is never one that is archived.
    throw new Failure(EXIT.usage, 'archive --undo needs an ID', call.command('ls', '--archived'))
  }
  await using found = await findAll(call, true)
  const { out } = call
  const changed: SessionKey[] = []
  for (const { key, root } of found.all) {
    const session = await root.session(key)
    const isChanged = (session.info.time.archived !== undefined) !== isArchived
    if (isChanged) {
      await session.set({ archived: isArchived })
      changed.push(key)
    }
    if (call.isJson) await out.json({ ...key, isArchived, isChanged })
    else {
      const what = isArchived ? 'archived' : 'not archived'
      const line = plain(`${isChanged ? what : `${what} already`}: ${key.sessionId}  ${titleOf(session.info)}`)
      await out.line(truncate(line, out.width))
    }
  }
  if (isArchived && changed.length > 0) out.say('to put back:', undoing(call, changed))
  return EXIT.ok
}

/** Names ids, because names like @ mean other sessions by now. */
function undoing(call: Call, keys: readonly SessionKey[]): string {
  const { namespace } = call
  const scope = namespace === undefined ? [] : ['-n', namespace]
  return call.command('archive', ...keys.map(({ sessionId }) => sessionId), ...scope, '--undo')
}
