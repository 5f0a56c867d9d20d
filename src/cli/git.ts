/**
 * `foldlog git`: sets up a clone, and is what its hooks call.
 */
import { existsSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { fileURLToPath } from 'node:url'
import { isFoldlogError } from '../errors.ts'
import { install, type Installed } from '../git/install.ts'
import { installedRoots, workTreeOf } from '../git/work-tree.ts'
import { EXIT, Failure, type Call, type Exit } from './call.ts'
import { Root } from './root.ts'
import { counted } from './text.ts'

const MAX_TOLD = 20

const ACTIONS: Readonly<Record<string, (call: Call) => Promise<Exit>>> = {
  install: installHere,
  'pre-commit': preCommit,
  'post-merge': postMerge,
}

export function git(call: Call): Promise<Exit> {
  const action = call.args[0]!
  const run = Object.hasOwn(ACTIONS, action) ? ACTIONS[action] : undefined
  if (run === undefined) {
    const known = Object.keys(ACTIONS).join(', ')
    throw new Failure(EXIT.usage, `git knows no ${JSON.stringify(action)}, but ${known}`, call.help())
  }
  return run(call)
}

async function installHere(call: Call): Promise<Exit> {
  await using _ = await Root.open(call)
  const report = await installIn(call)
  if (call.isJson) await call.out.json(report)
  else for (const line of report.done) await call.out.line(line)
  for (const line of report.advice) call.out.say(line)
  return EXIT.ok
}

/** Sets up the clone that the root lies in. */
export async function installIn(call: Call): Promise<Installed> {
  const root = resolve(call.root)
  try {
    await workTreeOf(root)
  } catch (error) {
    if (!isFoldlogError(error, 'NOT_FOUND')) throw error
    throw new Failure(EXIT.notFound, `${call.root} is in no work tree of git`, 'git init')
  }
  const program = [process.execPath, fileURLToPath(new URL('main.js', import.meta.url))]
  return install(root, { program, mergeDriver: call.flag('merge-driver') })
}

/** The roots that were installed in the work tree of the current directory; with `--root` that one alone. */
async function rootsOf(call: Call): Promise<{ readonly top: string; readonly roots: readonly string[] }> {
  const named = call.text('root')
  const { top, prefix } = await workTreeOf(named ?? '.')
  return { top, roots: named === undefined ? await installedRoots(top) : [prefix] }
}

async function preCommit(call: Call): Promise<Exit> {
  const { objectionsTo } = await import('../git/staged.ts')
  const { top, roots } = await rootsOf(call)
  const objections = roots.length === 0 ? [] : await objectionsTo(top, roots)
  if (call.isJson) for (const objection of objections) await call.out.json(objection)
  if (objections.length === 0) return EXIT.ok
  const { out } = call
  out.complain(`${counted(objections.length, 'piece')} of secrets or damage would be committed`)
  for (const { path, line, kind, detail } of objections.slice(0, MAX_TOLD)) {
    out.detail(`${path}:${line}: ${kind === 'secret' ? `looks like a secret (${detail})` : detail}`)
  }
  if (objections.length > MAX_TOLD) out.detail(`and ${objections.length - MAX_TOLD} more`)
  if (objections.some(({ kind }) => kind === 'secret')) {
    out.say('once committed, a secret stays in the history whatever is redacted later: rotate it, then foldlog redact')
  }
  if (objections.some(({ kind }) => kind === 'damage')) out.say('foldlog repair moves damaged bytes aside')
  out.say('to commit it all the same:', 'git commit --no-verify')
  return objections.some(({ kind }) => kind === 'damage') ? EXIT.damaged : EXIT.notFound
}

async function postMerge(call: Call): Promise<Exit> {
  const { top, roots } = await rootsOf(call)
  let failures = 0
  // A root may not be there on this branch.
  for (const path of roots.map((root) => join(top, root)).filter((root) => existsSync(root))) {
    await using root = await Root.open(call, path)
    for (const namespace of await root.namespaces()) failures += await scrubNamespace(call, root, namespace)
  }
  return failures === 0 ? EXIT.ok : EXIT.notFound
}

/** Returns how many logs could not be scrubbed. */
async function scrubNamespace({ isJson, out }: Call, root: Root, namespace: string): Promise<number> {
  const { scrub } = await import('../git/scrub.ts')
  let failures = 0
  for await (const scrubbed of scrub(await root.store(namespace))) {
    if ('problem' in scrubbed) {
      const { problem, sessionId } = scrubbed
      failures++
      if (isJson) await out.json({ namespace, sessionId, problem: { code: problem.code, message: problem.message } })
      out.complain(
        `redacted events came back to ${namespace}/${sessionId} with a merge and are still there: ${problem.message}`,
      )
      continue
    }
    if (isJson) await out.json({ namespace, ...scrubbed })
    for (const { events, sessionId } of scrubbed.logs) {
      out.say(
        `${counted(events.length, 'redacted event')} came back with a merge and went again: ${namespace}/${sessionId}`,
      )
    }
  }
  return failures
}
