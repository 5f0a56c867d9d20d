/**
 * `foldlog rm`: deletes sessions. A dry run unless `--yes` is given.
 */
import { EXIT, type Call, type Exit } from './call.ts'
import { amountOf, printDoomed, sayWhatStays, sizeOf, type Doomed } from './doomed.ts'
import { findAll, type Found, idsOf } from './root.ts'

export async function rm(call: Call): Promise<Exit> {
  await using found = await findAll(call, true)
  const all: Doomed[] = []
  for (const each of found.all) all.push(await doomed(each, found.all))
  const dryRun = !call.flag('yes')
  const ids = (await Promise.all([...new Set(found.all.map(({ root }) => root))].map(idsOf))).flat()
  if (!dryRun)
    for (const each of found.all) await (await each.root.store(each.key.namespace)).delete(each.key.sessionId)
  await printDoomed(call, all, dryRun, ids)
  if (dryRun) call.out.say(`${amountOf(all)}; nothing was changed, to delete:`, again(call))
  else call.out.say(`deleted ${amountOf(all)}`)
  sayWhatStays(call, all, dryRun)
  return EXIT.ok
}

async function doomed({ key, root }: Found, all: readonly Found[]): Promise<Doomed> {
  const store = await root.store(key.namespace)
  const { info } = await root.session(key)
  const page = await store.list({ parentId: key.sessionId, archived: 'all', limit: Infinity })
  const going = new Set(all.filter((each) => each.key.namespace === key.namespace).map((each) => each.key.sessionId))
  const children = page.items.map(({ id }) => id).filter((id) => !going.has(id))
  return { info, sizeBytes: await sizeOf(root.path, info), children }
}

function again(call: Call): string {
  const { namespace } = call
  const options = [...(namespace === undefined ? [] : ['-n', namespace]), ...(call.flag('shared') ? ['--shared'] : [])]
  return call.command('rm', ...call.args, ...options, '--yes')
}
