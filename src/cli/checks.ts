/**
 * What `foldlog doctor` looks at. Nothing here changes a session.
 */
import { readdirSync, statSync } from 'node:fs'
import { resolve } from 'node:path'
import { codeOf, isMissing, storageError } from '../backends/file/failure.ts'
import { GIT_FILES } from '../backends/file/folders.ts'
import { namespacePath } from '../backends/file/paths.ts'
import { isAlive, rewriteDirectory } from '../backends/file/rewrite-lock.ts'
import { isFoldlogError } from '../errors.ts'
import { tryGit } from '../git/run.ts'
import { installedRoots, workTreeOf, type WorkTree } from '../git/work-tree.ts'
import { decodeName } from '../name.ts'
import { Failure, shellLine, type Call } from './call.ts'
import { diskOf } from './disk.ts'
import { hasSegments, sessionIds } from './files.ts'
import { saysAll } from './init.ts'
import { Root } from './root.ts'
import { counted, shortBytes } from './text.ts'

export interface Check {
  readonly check: string
  readonly status: 'ok' | 'note' | 'problem'
  readonly text: string
  /** Commands to run next. */
  readonly hints: readonly string[]
}

/** The oldest node that foldlog runs on, as package.json says. */
const LEAST_NODE = [20, 19] as const

/** All checks, in the order in which one makes the next possible. */
export async function* checks(call: Call): AsyncGenerator<Check> {
  yield node()
  let root: Root
  try {
    root = await Root.open(call)
  } catch (error) {
    if (!(error instanceof Failure)) throw error
    yield problem('root', error.message, call.command('init'))
    return
  }
  await using _ = root
  const namespaces = await root.namespaces()
  yield await contents(root, namespaces)
  yield await disk(call, root)
  yield* await trial(call, root)
  yield await git(call, root)
  yield leftovers(call, root, namespaces)
  yield await caches(root, namespaces)
  yield await damage(call, root, namespaces)
}

function ok(check: string, text: string): Check {
  return { check, status: 'ok', text, hints: [] }
}

function note(check: string, text: string, ...hints: readonly string[]): Check {
  return { check, status: 'note', text, hints }
}

function problem(check: string, text: string, ...hints: readonly string[]): Check {
  return { check, status: 'problem', text, hints }
}

function node(): Check {
  const [major = 0, minor = 0] = process.versions.node.split('.').map(Number)
  const isEnough = major > LEAST_NODE[0] || (major === LEAST_NODE[0] && minor >= LEAST_NODE[1])
  const least = LEAST_NODE.join('.')
  if (isEnough) return ok('node', process.versions.node)
  return problem('node', `${process.versions.node} is older than ${least}`, 'npx --yes node@22 --version')
}

async function contents({ path }: Root, namespaces: readonly string[]): Promise<Check> {
  let sessions = 0
  for (const namespace of namespaces) sessions += (await sessionIds(path, namespace)).length
  return ok('root', `${path}: ${counted(sessions, 'session')} in ${counted(namespaces.length, 'namespace')}`)
}

async function disk(call: Call, { path }: Root): Promise<Check> {
  const found = diskOf(path)
  if (found === undefined) return ok('disk', 'of a kind that is not known here')
  const { caveat, isNetwork, kind } = found
  if (!isNetwork)
    return caveat === undefined ? ok('disk', `${kind}, of this machine alone`) : note('disk', `${kind}: ${caveat}`)
  if (await hasSegments(path))
    return ok('disk', `${kind}, which several machines may reach, and the root is a shared one`)
  const text = `${kind}, where machines that append to one file lose lines: all who write have to open it with shared: true`
  return problem('disk', text, call.command('init', '--shared'))
}

async function trial(call: Call, { path }: Root): Promise<readonly Check[]> {
  const { tryRoot } = await import('./trial.ts')
  try {
    const { kind, why } = await tryRoot(path)
    return [ok('writing', 'a log was written, synced and deleted'), watched(kind, why)]
  } catch (error) {
    if (!isFoldlogError(error)) throw error
    const cause = codeOf(error.cause)
    const hint =
      cause === 'EROFS' ? ['findmnt', '-T', path] : cause === 'ENOSPC' ? ['df', '-h', path] : ['ls', '-ld', path]
    return [problem('writing', error.message, shellLine(...hint))]
  }
}

function watched(kind: 'at-once' | 'late' | 'never', why: string | undefined): Check {
  const inotify = 'sudo sysctl fs.inotify.max_user_watches=524288 fs.inotify.max_user_instances=1024'
  const hints = process.platform === 'linux' ? [inotify] : []
  if (kind === 'never') return problem('watching', 'a change was not seen within five seconds', ...hints)
  if (why !== undefined) return note('watching', `changes are seen after two seconds at most: ${why}`, ...hints)
  return kind === 'late'
    ? note('watching', 'the system tells of no changes here: they are seen after two seconds at most')
    : ok('watching', 'a change was seen at once')
}

async function git(call: Call, { path }: Root): Promise<Check> {
  const root = resolve(path)
  let tree: WorkTree
  try {
    tree = await workTreeOf(root)
  } catch (error) {
    if (!isFoldlogError(error)) throw error
    return ok('git', 'in no work tree')
  }
  const log = `${tree.prefix === '.' ? '' : `${tree.prefix}/`}default/x.jsonl`
  if ((await tryGit(tree.top, ['check-ignore', '--quiet', '--no-index', log])).code === 0) {
    return ok('git', 'the root is ignored, and so stays on this machine')
  }
  const lacking = Object.keys(GIT_FILES).filter((name) => !saysAll(root, name))
  if (lacking.length > 0) {
    return problem('git', `${lacking.join(' and ')} of the root lack what merges need`, call.command('init'))
  }
  if (!(await installedRoots(tree.top)).includes(tree.prefix)) {
    const text = 'this clone is not set up: diffs print JSON, and no hook looks for secrets; merges need no set-up'
    return note('git', text, call.command('git', 'install'))
  }
  return ok('git', 'this clone is set up')
}

/** Locks and half-made files of processes that are gone. They are in nobody's way. */
function leftovers(call: Call, { path }: Root, namespaces: readonly string[]): Check {
  const [left, running]: [string[], string[]] = [[], []]
  for (const namespace of namespaces) {
    for (const name of entriesOf(rewriteDirectory(namespacePath(path, namespace)))) {
      const place = name.endsWith('.lock') && isAlive(name) ? running : left
      const session = name.split('.')[0]!
      place.push(decodeName(session) ?? session)
    }
  }
  const sessions = [...new Set(left)].filter((session) => !running.includes(session))
  if (sessions.length > 0) {
    const text = `${counted(sessions.length, 'rewrite')} died and left files behind, which are in nobody's way`
    return note('locks', text, ...sessions.slice(0, 3).map((session) => call.command('repair', session, '--yes')))
  }
  if (running.length === 0) return ok('locks', 'none')
  return note(
    'locks',
    `${counted(running.length, 'session')} being rewritten, or by a machine that cannot be asked: ${running.join(' ')}`,
  )
}

async function caches(root: Root, namespaces: readonly string[]): Promise<Check> {
  let [sizeBytes, count] = [0, 0]
  const lacking: string[] = []
  for (const namespace of namespaces) {
    const size = sizeOf(`${namespacePath(root.path, namespace)}/.cache/infos.jsonl`)
    sizeBytes += size ?? 0
    if (size !== undefined) count++
    else if ((await sessionIds(root.path, namespace)).length > 0) lacking.push(namespace)
  }
  const what = `${shortBytes(sizeBytes)} in ${counted(count, 'namespace')}; all of it may be deleted`
  return ok('caches', lacking.length === 0 ? what : `none yet for ${lacking.join(', ')}: the first listing makes them`)
}

async function damage(call: Call, root: Root, namespaces: readonly string[]): Promise<Check> {
  let [logs, damaged, failed, sizeBytes] = [0, 0, 0, 0]
  for (const namespace of namespaces) {
    for await (const report of (await root.store(namespace)).fsck()) {
      logs++
      sizeBytes += report.sizeBytes
      if (report.problem !== undefined) failed++
      else if (report.damage.length > 0) damaged++
    }
  }
  if (damaged + failed === 0) return ok('damage', `none in ${counted(logs, 'log')}, ${shortBytes(sizeBytes)}`)
  const parts = [
    ...(damaged === 0 ? [] : [`${damaged} of ${counted(logs, 'log')} damaged; all the rest of what they hold counts`]),
    ...(failed === 0 ? [] : [`${failed} of ${counted(logs, 'log')} could not be read`]),
  ]
  return problem('damage', parts.join(', '), call.command('fsck'))
}

function sizeOf(path: string): number | undefined {
  try {
    return statSync(path).size
  } catch (error) {
    if (isMissing(error)) return undefined
    throw storageError(error, 'look at', { path })
  }
}

function entriesOf(directory: string): readonly string[] {
  try {
    return readdirSync(directory)
  } catch (error) {
    if (isMissing(error)) return []
    throw storageError(error, 'list', { path: directory })
  }
}
