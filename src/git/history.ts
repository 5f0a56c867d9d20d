/**
 * Which lines of logs git has in commits, by what commits added to their files.
 *
 * Git compares, so that what is read is every line once and not every version of every file.
 */
import { idAt } from '../backends/file/prefix.ts'
import { timeOf } from '../event-id.ts'
import { decodeLine } from '../line.ts'
import { gitBytes } from './run.ts'

/** Clocks of machines that commit to one repository differ. */
const SLACK_MS = 24 * 3600 * 1000
const LF = 0x0a

/** `branches`: reachable from a branch, a tag or `HEAD`; `anywhere`: stashes and reflogs count too. */
export type Scope = 'branches' | 'anywhere'

/** What git is asked to look at. */
export const REFS: Readonly<Record<Scope, readonly string[]>> = {
  branches: ['--exclude=refs/stash', '--all'],
  anywhere: ['--all', '--reflog'],
}

/** Which of these ids of lines some commit has added to files that match `pathspecs`, seen from `cwd`. */
export async function committedIds(
  cwd: string,
  pathspecs: readonly string[],
  ids: ReadonlySet<string>,
  scope: Scope,
): Promise<ReadonlySet<string>> {
  const found = new Set<string>()
  if (ids.size === 0) return found
  const oldest = [...ids].reduce((a, b) => (a < b ? a : b))
  const since = Math.max(0, Math.floor((timeOf(oldest) - SLACK_MS) / 1000))
  const compare = ['-m', '--full-history', '--patch', '--unified=0', '--text', '--no-renames']
  const plain = ['--no-textconv', '--no-ext-diff', '--no-color', '--format=']
  const args = ['-c', 'log.showRoot=true', 'log', ...REFS[scope], ...compare, ...plain, `--since=${since}`]
  const patch = await gitBytes(cwd, [...args, '--', ...pathspecs])
  for (let start = 0; start < patch.length;) {
    const next = patch.indexOf(LF, start)
    const end = next < 0 ? patch.length : next
    const id = patch[start] === PLUS ? idAt(patch, start + 1, end) : undefined
    if (id !== undefined && ids.has(id) && !found.has(id) && isWhole(patch.subarray(start + 1, end), id)) found.add(id)
    start = end + 1
  }
  return found
}

const PLUS = '+'.charCodeAt(0)

/** The beginning of a line has its id too. */
export function isWhole(bytes: Buffer, id: string): boolean {
  const { lines } = decodeLine(bytes, { file: '', line: 0, offset: 0 })
  return lines.some((line) => line.id === id)
}
