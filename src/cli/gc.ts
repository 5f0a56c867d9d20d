/**
 * `foldlog gc`: removes files that nothing names any more. A dry run unless `--yes` is given.
 */
import { EXIT, type Call, type Exit } from './call.ts'
import { Root } from './root.ts'
import { counted, plain, shortBytes } from './text.ts'

const WARNING =
  'other branches, stashes and clones were not looked at: what they name is there again only if it is committed there'

export async function gc(call: Call): Promise<Exit> {
  const dryRun = !call.flag('yes')
  const until = call.past('older-than')
  const options = { dryRun, ...(until === undefined ? {} : { olderThan: Date.now() - until }) }
  let [count, sizeBytes] = [0, 0]
  await using root = await Root.open(call)
  for (const namespace of await root.namespaces()) {
    const collected = await (await root.store(namespace)).gc(options)
    if (collected.files.length === 0) continue
    if (call.isJson) await call.out.json({ namespace, dryRun, ...collected })
    else
      for (const file of collected.files)
        await call.out.line(plain(`${namespace}/files/${file.name} ${shortBytes(file.sizeBytes)}`))
    count += collected.files.length
    sizeBytes += collected.sizeBytes
  }
  const what = `${counted(count, 'file')}, ${shortBytes(sizeBytes)}`
  if (count === 0) call.out.say('nothing to remove')
  else if (dryRun) call.out.say(`${what}; nothing was changed: to remove, repeat with --yes`)
  else call.out.say(`removed ${what}`)
  if (count > 0 && dryRun) call.out.say(WARNING)
  return EXIT.ok
}
