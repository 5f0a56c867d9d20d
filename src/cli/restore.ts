/**
 * `foldlog restore`: acknowledged lines that are nowhere but in the outbox, and attachments that are gone → back where they were, if that is wanted.
 */
import { namespacePath } from '../backends/file/paths.ts'
import type { SessionKey } from '../backend.ts'
import { isFoldlogError } from '../errors.ts'
import { timeOf } from '../event-id.ts'
import { type FilesGone, fileInHistory, filesGone, keptRefs } from '../git/kept-files.ts'
import { type Missing, missingLines, tidyRoot } from '../git/outbox.ts'
import { bringBack } from '../kept-files.ts'
import { decodeLine, eventsOf } from '../line.ts'
import { EXIT, Failure, type Call, type Exit } from './call.ts'
import { Root } from './root.ts'
import { counted, plain } from './text.ts'

const LINES_AT_ONCE = 2000

/** What a session lacks: lines, files that these or its log name, or both. */
interface Lack extends Missing, FilesGone {}

export async function restore(call: Call): Promise<Exit> {
  await using root = await Root.open(call, call.root, true)
  const { out } = call
  const missing = await missingLines(root.path)
  const all = wanted(call, lacks(missing, filesGone(root.path, missing)))
  let [failures, lostCount] = [0, 0]
  for (const lack of all) {
    const { key, lines, files } = lack
    const { problem, lost } = await (call.flag('yes') ? writeBack(root, lack) : wouldLack(root, lack))
    if (problem !== undefined) failures++
    lostCount += lost.length
    const isRestored = call.flag('yes') && problem === undefined
    const found = files.filter((ref) => !lost.includes(ref))
    if (call.isJson) {
      const ids = lines.map(({ id }) => id)
      const rest = {
        ...(files.length === 0 ? {} : { files: found, lost }),
        ...(problem === undefined ? {} : { problem }),
      }
      await out.json({ ...key, isRestored, lines: ids, ...rest })
    } else if (lines.length + found.length > 0) {
      const counts = [
        ...(lines.length === 0 ? [] : [counted(lines.length, 'line')]),
        ...(found.length === 0 ? [] : [counted(found.length, 'file')]),
      ]
      const since = lines.length === 0 ? '' : `, from ${out.clock(timeOf(lines[0]!.id))} on`
      const what = `${counts.join(' and ')} ${isRestored ? 'restored' : 'missing'}${since}`
      await out.line(plain(`${key.namespace}/${key.sessionId}  ${what}`))
    }
    if (problem !== undefined) out.complain(problem)
    for (const ref of lost) {
      out.complain(`${ref}, which session ${key.sessionId} names, is neither kept nor in git: bring it from a copy`)
    }
  }
  if (all.length === 0) out.say('nothing is missing')
  else if (!call.flag('yes')) out.say('to write them back into this work tree:', again(call))
  // What git has by now need not be looked for again.
  await tidyRoot(root.path)
  return lostCount > 0 ? EXIT.damaged : failures === 0 ? EXIT.ok : EXIT.notFound
}

/** One for each session that lacks anything. */
function lacks(missing: readonly Missing[], gone: readonly FilesGone[]): readonly Lack[] {
  const all = new Map<string, Lack>(missing.map((each) => [nameOf(each.key), { ...each, files: [] }]))
  for (const each of gone) {
    const name = nameOf(each.key)
    all.set(name, { ...each, lines: all.get(name)?.lines ?? [] })
  }
  return [...all.values()]
}

/** No name holds a line feed that is not encoded. */
function nameOf({ namespace, sessionId }: SessionKey): string {
  return `${encodeURIComponent(namespace)}\n${encodeURIComponent(sessionId)}`
}

/** What was asked for: a session of that id, else all whose ids begin so. Several are no guess here, because each is told. */
function wanted(call: Call, all: readonly Lack[]): readonly Lack[] {
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

/** What became of a session: why its lines cannot be written, and which files are nowhere. */
interface Outcome {
  readonly problem?: string
  readonly lost: readonly string[]
}

/** Brings back the files, then appends the lines as they were. */
async function writeBack(root: Root, { key, lines, files }: Lack): Promise<Outcome> {
  const { backend, path } = root
  try {
    const isBorn = (await backend.head(key)) !== undefined
    if (!isBorn && !lines.some(({ text }) => createsSession(text))) {
      const problem = `session ${key.sessionId} is not in ${path} on this branch: check out one that has it, and restore again`
      return { problem, lost: [] }
    }
    const lost = await bringBackAll(root, key.namespace, files)
    for (let at = 0; at < lines.length; at += LINES_AT_ONCE) {
      const some = lines.slice(at, at + LINES_AT_ONCE)
      await backend.append(key, some, at === 0 && !isBorn ? { expect: 'absent' } : {})
    }
    return { lost }
  } catch (error) {
    if (isFoldlogError(error)) return { problem: error.message, lost: [] }
    throw error
  }
}

/** Brings files back from what is kept, else from git; resolves with those that are in neither. */
async function bringBackAll({ backend, path }: Root, namespace: string, refs: readonly string[]): Promise<string[]> {
  const lost: string[] = []
  for (const ref of await bringBack(backend, namespace, refs)) {
    const found = await fileInHistory(namespacePath(path, namespace), ref)
    if (found === undefined) lost.push(ref)
    else await backend.files.put(namespace, found.name, found.bytes)
  }
  return lost
}

async function wouldLack({ path }: Root, { key, files }: Lack): Promise<Outcome> {
  const directory = namespacePath(path, key.namespace)
  const kept = files.length === 0 ? new Set() : keptRefs(directory)
  const lost: string[] = []
  for (const ref of files) if (!kept.has(ref) && (await fileInHistory(directory, ref)) === undefined) lost.push(ref)
  return { lost }
}

function createsSession(text: string): boolean {
  const { lines } = decodeLine(Buffer.from(text), { file: '', line: 0, offset: 0 })
  return lines.some((line) => eventsOf(line).some(({ type }) => type === 'session.created'))
}
