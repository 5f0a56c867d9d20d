/**
 * `foldlog restore`: acknowledged lines that are nowhere but in the outbox → back into their logs, if that is wanted.
 */
import { isFoldlogError } from '../errors.ts'
import { type Missing, missingLines, tidyRoot } from '../git/outbox.ts'
import { timeOf } from '../event-id.ts'
import { decodeLine, eventsOf } from '../line.ts'
import { EXIT, Failure, type Call, type Exit } from './call.ts'
import { Root } from './root.ts'
import { counted, plain } from './text.ts'

const LINES_AT_ONCE = 2000

export async function restore(call: Call): Promise<Exit> {
  await using root = await Root.open(call, call.root, true)
  const { out } = call
  const all = wanted(call, await missingLines(root.path))
  let failures = 0
  for (const missing of all) {
    const { key, lines } = missing
    const failure = call.flag('yes') ? await writeBack(root, missing) : undefined
    if (failure !== undefined) failures++
    const isRestored = call.flag('yes') && failure === undefined
    if (call.isJson) await out.json({ ...key, isRestored, lines: lines.map(({ id }) => id), ...failedBy(failure) })
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
  else if (!call.flag('yes')) out.say('to write them back into this work tree:', again(call))
  // What git has by now need not be looked for again.
  await tidyRoot(root.path)
  return failures === 0 ? EXIT.ok : EXIT.notFound
}

/** What was asked for: a session of that id, else all whose ids begin so. Several are no guess here, because each is told. */
function wanted(call: Call, all: readonly Missing[]): readonly Missing[] {
  const name = call.args[0]?.trim()
  const inNamespace = all.filter(({ key }) => call.namespace === undefined || key.namespace === call.namespace.trim())
  if (name === undefined) return inNamespace
  if (name.startsWith('@') || name.endsWith('.jsonl')) {
    const message = `restore needs the beginning of an id, and not ${name}: the session may not be there any more`
    throw new Failure(EXIT.usage, message, call.help())
  }
  const exact = inNamespace.filter(({ key }) => key.sessionId === name)
  if (exact.length > 0) return exact
  return inNamespace.filter(({ key }) => key.sessionId.toLowerCase().startsWith(name.toLowerCase()))
}

function again(call: Call): string {
  const { namespace } = call
  const options = [...(namespace === undefined ? [] : ['-n', namespace]), ...(call.flag('shared') ? ['--shared'] : [])]
  return call.command('restore', ...call.args, ...options, '--yes')
}

function failedBy(problem: string | undefined): { readonly problem?: string } {
  return problem === undefined ? {} : { problem }
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
