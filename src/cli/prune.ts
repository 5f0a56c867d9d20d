/**
 * `foldlog prune`: deletes sessions in which nothing has happened for a time. A dry run unless `--yes` is given.
 */
import { EXIT, Failure, type Call, type Exit } from './call.ts'
import { amountOf, printDoomed, sayWhatStays, sizeOf, type Doomed } from './doomed.ts'
import { idsOf, Root } from './root.ts'

export async function prune(call: Call): Promise<Exit> {
  const until = call.past('older-than')
  if (until === undefined) {
    throw new Failure(EXIT.usage, 'prune needs --older-than AGE', call.command('prune', '--older-than', '90d'))
  }
  await using root = await Root.open(call, call.root, true)
  const dryRun = !call.flag('yes')
  const ids = await idsOf(root)
  const found: (readonly Doomed[])[] = []
  for (const namespace of await root.namespaces()) found.push(await pruneIn(root, namespace, until, dryRun))
  const all = found.flat()
  await printDoomed(call, all, dryRun, ids)
  const { out } = call
  if (all.length === 0) out.say('no session is as old as that')
  else if (dryRun) out.say(`${amountOf(all)}; nothing was changed, to delete:`, again(call))
  else out.say(`deleted ${amountOf(all)}`)
  if (all.length > 0) sayWhatStays(call, all, dryRun)
  return EXIT.ok
}

async function pruneIn(root: Root, namespace: string, until: number, dryRun: boolean): Promise<readonly Doomed[]> {
  const store = await root.store(namespace)
  const page = await store.list({ archived: 'all', limit: Infinity })
  const old = page.items.filter(({ time }) => time.updated < until)
  const sizes = new Map<string, number>()
  for (const info of old) sizes.set(info.id, await sizeOf(root.path, info))
  // It looks again: what was used meanwhile is not old any more.
  const ids = new Set(await store.prune({ olderThan: new Date(until), dryRun }))
  return old
    .filter(({ id }) => ids.has(id))
    .map((info) => {
      const children = page.items.filter(({ id, parent }) => parent?.sessionId === info.id && !ids.has(id))
      return { info, sizeBytes: sizes.get(info.id) ?? 0, children: children.map(({ id }) => id) }
    })
}

function again(call: Call): string {
  const { namespace } = call
  const options = [...(namespace === undefined ? [] : ['-n', namespace]), ...(call.flag('shared') ? ['--shared'] : [])]
  return call.command('prune', '--older-than', call.text('older-than')!, ...options, '--yes')
}
