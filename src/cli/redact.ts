/**
 * `foldlog redact`: removes content for good. A dry run unless `--yes` is given.
 */
import { text as textOf } from 'node:stream/consumers'
import type { RedactChoice } from '../redact.ts'
import { EXIT, Failure, type Call, type Exit } from './call.ts'
import { tellDamage, tellDamaged } from './damage.ts'
import { eventOf } from './point.ts'
import { find, Root, type Found } from './root.ts'
import { counted, plain } from './text.ts'

/** It is made of the logs, and says nothing that they do not. */
const INFOS = '.cache/infos.jsonl'

const WARNING =
  'git history, clones and backups still hold what they held: a secret that was written is known, so replace it first'

export async function redact(call: Call): Promise<Exit> {
  const event = call.text('event')
  const choice = await choiceOf(call, event)
  if (call.args.length === 0) {
    if (choice === undefined) throw new Failure(EXIT.usage, '--event needs the ID of a session', call.help())
    await using root = await Root.open(call, call.root, true)
    return await redactAll(call, root, choice)
  }
  await using found = await find(call, true)
  const events = event === undefined ? [] : [await eventOf(event, await found.session(), call.again('log'))]
  return await redactAll(call, found.root, choice ?? { events }, found)
}

/** What is to be removed; undefined: an event, which is looked for in its session. */
async function choiceOf(call: Call, event: string | undefined): Promise<RedactChoice | undefined> {
  const [text, pattern] = ['text', 'pattern'].map((name) => call.text(name))
  const choices: (() => RedactChoice | undefined | Promise<RedactChoice>)[] = []
  if (event !== undefined) choices.push(() => undefined)
  if (text !== undefined) choices.push(async () => ({ text: text === '-' ? await input() : text }))
  if (pattern !== undefined) choices.push(() => ({ pattern: regExp(pattern, call) }))
  if (call.flag('secrets')) choices.push(() => ({ secrets: true }))
  if (call.flag('returned')) choices.push(() => ({ returned: true }))
  const [choice, ...others] = choices
  if (choice !== undefined && others.length === 0) return choice()
  throw new Failure(EXIT.usage, 'redact needs one of --event, --text, --pattern, --secrets, --returned', call.help())
}

async function input(): Promise<string> {
  return (await textOf(process.stdin)).replace(/\r?\n$/, '')
}

function regExp(pattern: string, call: Call): RegExp {
  try {
    return new RegExp(pattern, 'u')
  } catch {
    throw new Failure(EXIT.usage, `--pattern: ${JSON.stringify(pattern)} is no regular expression`, call.help())
  }
}

async function redactAll(call: Call, root: Root, choice: RedactChoice, found?: Found): Promise<Exit> {
  const dryRun = !call.flag('yes')
  const namespaces = found === undefined ? await root.namespaces() : [found.key.namespace]
  let [events, logs, files, caches] = [0, 0, 0, 0]
  for (const namespace of namespaces) {
    const store = await root.store(namespace)
    const scope = found === undefined ? {} : { sessionId: found.key.sessionId }
    const redacted = await store.redact(choice, { dryRun, ...scope })
    const kept = redacted.caches.filter((name) => name !== INFOS)
    if (redacted.logs.length + redacted.files.length + kept.length === 0) continue
    if (call.isJson) await call.out.json({ namespace, dryRun, ...redacted })
    else
      for (const log of redacted.logs)
        await call.out.line(plain(`${namespace}/${log.sessionId} ${log.events.join(' ')}`))
    const names = [...redacted.files.map((name) => `files/${name}`), ...kept]
    if (!call.isJson) for (const name of names) await call.out.line(plain(`${namespace}/${name}`))
    for (const id of redacted.remaining) call.out.say(`it remains in an id or a key of event ${id}: delete the session`)
    events += redacted.logs.reduce((sum, log) => sum + log.events.length, 0)
    logs += redacted.logs.length
    files += redacted.files.length
    caches += kept.length
  }
  const counts = [`${counted(events, 'event')} in ${counted(logs, 'log')}`, counted(files, 'attachment')]
  if (caches > 0) counts.push(counted(caches, 'cache'))
  const what = counts.join(', ')
  if (logs + files + caches === 0) call.out.say('nothing to redact')
  else if (dryRun) call.out.say(`${what}; nothing was changed: to redact, repeat with --yes`)
  else call.out.say(`redacted ${what}`)
  if (logs + files + caches > 0) call.out.say(WARNING)
  return found === undefined ? tellDamaged(call, await root.infos()) : tellDamage(call, await found.session())
}
