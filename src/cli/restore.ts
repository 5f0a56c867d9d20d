/**
 * `foldlog restore`: acknowledged lines that are nowhere but in the outbox → back into their logs, if that is wanted.
 */
import { isFoldlogError } from '../errors.ts'
import { type Missing, missingLines, tidyRoot } from '../git/outbox.ts'
import { timeOf } from '../id.ts'
import { decodeLine, eventsOf } from '../line.ts'
import { EXIT, type Call, type Exit } from './call.ts'
import { Root } from './root.ts'
import { counted, plain } from './text.ts'

const LINES_AT_ONCE = 2000

export async function restore(call: Call): Promise<Exit> {
  await using root = await Root.open(call, call.root, true)
  const { out } = call
  const all = (await missingLines(root.path)).filter((missing) => isWanted(call, missing))
  let failures = 0
  for (const missing of all) {
    const { key, lines } = missing
    const failure = call.flag('yes') ? await writeBack(root, missing) : undefined
    if (failure !== undefined) failures++
    const isRestored = call.flag('yes') && failure === undefined
    if (call.isJson) await out.json({ ...key, isRestored, lines: lines.map(({ id }) => id) })
    else {
      const since = out.clock(timeOf(lines[0]!.id))
      const what = isRestored ? 'restored' : 'missing'
      await out.line(
        plain(`${key.namespace}/${key.sessionId}  ${counted(lines.length, 'line')} ${what}, from ${since} on`),
      )
    }
    if (failure !== undefined) out.complain(failure)
  }
  if (all.length === 0) out.say('nothing is missing')
  else if (!call.flag('yes'))
    out.say('to write them back into this work tree:', call.command('restore', ...call.args, '--yes'))
  // What git has by now need not be looked for again.
  await tidyRoot(root.path)
  return failures === 0 ? EXIT.ok : EXIT.notFound
}

function isWanted(call: Call, { key }: Missing): boolean {
  const [name] = call.args
  if (call.namespace !== undefined && key.namespace !== call.namespace.trim()) return false
  return name === undefined || key.sessionId.toLowerCase().startsWith(name.trim().toLowerCase())
}

/** Appends the lines as they were; returns why that cannot be. */
async function writeBack({ backend, path }: Root, { key, lines }: Missing): Promise<string | undefined> {
  try {
    const isBorn = (await backend.head(key)) !== undefined
    if (!isBorn && !lines.some(({ text }) => createsSession(text))) {
      return `session ${key.sessionId} is not in ${path} on this branch: check out one that has it, and restore again`
    }
    for (let at = 0; at < lines.length; at += LINES_AT_ONCE) {
      const some = lines.slice(at, at + LINES_AT_ONCE)
      await backend.append(key, some, at === 0 && !isBorn ? { expect: 'absent' } : {})
    }
    return undefined
  } catch (error) {
    if (isFoldlogError(error)) return error.message
    throw error
  }
}

function createsSession(text: string): boolean {
  const { lines } = decodeLine(Buffer.from(text), { file: '', line: 0, offset: 0 })
  return lines.some((line) => eventsOf(line).some(({ type }) => type === 'session.created'))
}
