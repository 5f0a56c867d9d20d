/**
 * Makes one clone know sessions: readable diffs, merge rules for old branches too, hooks. Nothing of it is committed, and all of it may be
 * missing: logs merge without loss by the tracked `.gitattributes` alone.
 *
 *     .git/config            diff.foldlog.*, merge.foldlog.*, foldlog.root
 *     .git/info/attributes   a block between two marks, a line a root; it beats every tracked rule, on every branch
 *     .git/hooks/            pre-commit, post-merge, post-rewrite; a hook that is somebody else's is left alone
 *
 * Installing again changes nothing but what is to be changed.
 */
import { chmodSync, existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { writeGitFiles } from '../backends/file/folders.ts'
import { isMissing, storageError } from '../backends/file/failure.ts'
import { git, tryGit } from './run.ts'
import { noteRoot, workTreeOf, type WorkTree } from './work-tree.ts'

interface InstallOptions {
  /** The program and its first arguments, which git is to call: `['/usr/bin/node', '/…/main.js']`. */
  readonly program: readonly string[]
  /** Merge by the driver that keeps removals, instead of `union`. Default false. */
  readonly mergeDriver?: boolean
}

export interface Installed {
  readonly top: string
  /** Where the root lies in the work tree. */
  readonly root: string
  /** What was set up, a sentence each. */
  readonly done: readonly string[]
  /** What the user has to decide or do. */
  readonly advice: readonly string[]
}

/** The hooks, and which action of `foldlog git` each of them calls. */
const HOOKS = { 'pre-commit': 'pre-commit', 'post-merge': 'post-merge', 'post-rewrite': 'post-merge' } as const
type Hook = keyof typeof HOOKS

const MARK = 'written by `foldlog git install`'
const BEGIN = `# foldlog: begin, ${MARK}`
const END = '# foldlog: end'

/** Sets up the clone that a root lies in. Rejects with `NOT_FOUND` if it lies in none. */
export async function install(root: string, { program, mergeDriver = false }: InstallOptions): Promise<Installed> {
  const tree = await workTreeOf(root)
  const done: string[] = []
  const advice: string[] = []
  try {
    writeGitFiles(root)
    await setConfig(tree.top, program)
    done.push('git diff, git log -p and git show print conversations instead of JSON')
    const roots = await noteRoot(tree.top, tree.prefix)
    writeAttributes(tree.infoAttributes, roots, mergeDriver ? 'foldlog' : 'union')
    done.push(`logs merge by ${mergeDriver ? 'the driver that keeps removals' : 'union'} on every branch of this clone`)
    for (const hook of Object.keys(HOOKS) as Hook[]) {
      if (await writeHook(tree, hook, program)) done.push(`${hook} ${WHAT[hook]}`)
      else advice.push(`${join(tree.hooks, hook)} is yours: add the line \`foldlog git ${HOOKS[hook]}\` to it`)
    }
  } catch (error) {
    throw storageError(error, 'set up git in', { path: tree.top })
  }
  advice.push(...(await adviceOn(tree)))
  return { top: tree.top, root: tree.prefix, done, advice }
}

const WHAT: Readonly<Record<Hook, string>> = {
  'pre-commit': 'refuses commits that add secrets or damage',
  'post-merge': 'removes what a merge brought back of redacted events',
  'post-rewrite': 'does the same after a rebase',
}

async function setConfig(top: string, program: readonly string[]): Promise<void> {
  const call = program.map(shellWord).join(' ')
  // Where the program is gone, the diff shows the lines as they are, and the merge is git's own union.
  const textconv = `f() { ${call} git-textconv "$1" 2>/dev/null || cat "$1"; }; f`
  const driver = `${call} git-merge %O %A %B || git merge-file --union %A %O %B`
  const config: Readonly<Record<string, string>> = {
    'diff.foldlog.textconv': textconv,
    'diff.foldlog.cachetextconv': 'true',
    'merge.foldlog.name': 'foldlog: lines as sets, removals kept',
    'merge.foldlog.driver': driver,
  }
  for (const [name, value] of Object.entries(config))
    await git(top, ['config', '--local', '--replace-all', name, value])
}

function writeAttributes(path: string, roots: readonly string[], merge: string): void {
  const rules = roots.map((root) => `${patternOf(root)} merge=${merge} text eol=lf diff=foldlog`)
  const others = withoutBlock(readText(path))
  mkdirSync(dirname(path), { recursive: true })
  writeFileSync(path, `${others}${[BEGIN, ...rules, END].join('\n')}\n`)
}

function withoutBlock(text: string): string {
  const start = text.indexOf(BEGIN)
  const end = text.indexOf(END, start)
  const rest = start < 0 || end < 0 ? text : text.slice(0, start) + text.slice(end + END.length).replace(/^\n/, '')
  return rest === '' || rest.endsWith('\n') ? rest : `${rest}\n`
}

/** The pattern of all logs of a root, as a line of attributes begins with it. */
function patternOf(root: string): string {
  const literal = root.replaceAll(/[\\[\]*?]/g, String.raw`\$&`)
  const pattern = `${root === '.' ? '' : `/${literal}`}/**/*.jsonl`
  return /[\s"\\]/.test(pattern) ? `"${pattern.replaceAll(/["\\]/g, String.raw`\$&`)}"` : pattern
}

/** Writes a hook; false if there is one of somebody else's, or hooks lie in the work tree and so are the project's. */
async function writeHook({ hooks, top }: WorkTree, hook: Hook, program: readonly string[]): Promise<boolean> {
  const path = join(hooks, hook)
  const isOwn = !existsSync(path) || readText(path).includes(MARK)
  const isProjects = (await tryGit(top, ['config', '--get', 'core.hooksPath'])).code === 0
  if (!isOwn || isProjects) return false
  const call = program.map(shellWord)
  mkdirSync(hooks, { recursive: true })
  writeFileSync(
    path,
    `#!/bin/sh
# ${MARK}; run it again after moving foldlog.
if ${call.map((word) => `[ -e ${word} ]`).join(' && ')}; then
  exec ${call.join(' ')} git ${HOOKS[hook]}
elif command -v foldlog >/dev/null 2>&1; then
  exec foldlog git ${HOOKS[hook]}
fi
echo 'foldlog is not where it was: ${hook} did nothing; run foldlog git install again' >&2
`,
  )
  chmodSync(path, 0o755)
  return true
}

async function adviceOn({ top, prefix }: WorkTree): Promise<string[]> {
  const advice: string[] = []
  const fsync = await tryGit(top, ['config', '--get', 'core.fsync'])
  if (fsync.code !== 0) {
    advice.push(
      'a commit right before a power cut can be lost, as git does not sync loose objects: git config core.fsync committed,loose-object',
    )
  }
  const log = `${prefix === '.' ? '' : `${prefix}/`}default/x.jsonl`
  if ((await tryGit(top, ['check-ignore', '--quiet', '--no-index', log])).code === 0) {
    advice.push(`${prefix} is ignored by git: take it out of the .gitignore if its sessions are to be committed`)
  }
  const lfs = await git(top, ['check-attr', 'filter', '--', log])
  if (lfs.trimEnd().endsWith(': lfs')) {
    advice.push('*.jsonl is tracked by LFS, which cannot merge logs: untrack it for this root')
  }
  return advice
}

function readText(path: string): string {
  try {
    return readFileSync(path, 'utf8')
  } catch (error) {
    if (isMissing(error)) return ''
    throw error
  }
}

/** One word of the shell, which git runs on every system. */
function shellWord(word: string): string {
  return `'${word.replaceAll('\\', '/').replaceAll("'", String.raw`'\''`)}'`
}
