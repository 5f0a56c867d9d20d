/**
 * What of the outboxes of a root git has, and what is nowhere any more.
 *
 * A line is *held* if a commit that a branch, a tag or `HEAD` leads to has it: then the outbox forgets it. A line is *missing* if neither the
 * work tree nor any commit has it, stashes and reflogs included. What lies between (stashed, on a commit that was reset) is kept and not offered:
 * git still has it, and its user has put it there.
 */
import { readFileSync } from 'node:fs'
import { basename, dirname, resolve } from 'node:path'
import { entriesIn, namesIn } from '../backends/file/entries.ts'
import { type KeptLine, readOutbox, tidyOutbox } from '../backends/file/outbox.ts'
import { LOG_SUFFIX, parseFileName } from '../backends/file/paths.ts'
import { idAt } from '../backends/file/prefix.ts'
import { decodeName } from '../name.ts'
import type { NewLine, SessionKey } from '../backend.ts'
import { committedIds, isWhole, type Scope } from './history.ts'
import { tidyFiles } from './kept-files.ts'
import { git, tryGit } from './run.ts'

/** Acknowledged lines of a session that are nowhere but in the outbox, in order of ids. */
export interface Missing {
  readonly key: SessionKey
  readonly lines: readonly NewLine[]
}

/** Forgets what git holds, lines and attachments, in the outbox of a namespace's directory. */
export async function tidyNamespace(directory: string): Promise<void> {
  await tidyOutbox(directory, async (lines) => {
    const forgotten = new Set<KeptLine>()
    if (lines.length === 0) return forgotten
    // Git does not touch what it ignores, so there is nothing to protect.
    if (await isIgnored(directory, `x${LOG_SUFFIX}`, `*${LOG_SUFFIX}`)) return new Set(lines)
    for (const [session, kept] of bySession(lines)) {
      const held = await idsHeld(directory, session, kept, 'branches')
      for (const line of kept) if (held.has(line.id)) forgotten.add(line)
    }
    return forgotten
  })
  await tidyFiles(directory, () => isIgnored(directory, 'files/x.bin', 'files'))
}

/** Everything that is missing under a root. */
export async function missingLines(root: string): Promise<readonly Missing[]> {
  const all: Missing[] = []
  for (const entry of entriesIn(resolve(root))) {
    const namespace = entry.isDirectory() ? decodeName(entry.name) : undefined
    if (namespace === undefined) continue
    const directory = `${resolve(root)}/${entry.name}`
    for (const [session, kept] of bySession(readOutbox(directory))) {
      const lines = await missingOf(directory, session, kept)
      const sessionId = decodeName(session)
      if (lines.length > 0 && sessionId !== undefined) all.push({ key: { namespace, sessionId }, lines })
    }
  }
  return all
}

/** Forgets what git holds, in all outboxes of a root. */
export async function tidyRoot(root: string): Promise<void> {
  for (const entry of entriesIn(resolve(root))) {
    if (entry.isDirectory()) await tidyNamespace(`${resolve(root)}/${entry.name}`)
  }
}

async function missingOf(directory: string, session: string, kept: readonly KeptLine[]): Promise<readonly NewLine[]> {
  const there = idsInFiles(directory, session, new Set(kept.map(({ id }) => id)))
  const absent = kept.filter(({ id }) => !there.has(id))
  const held = await idsHeld(directory, session, absent, 'anywhere')
  const lines = absent.filter(({ id }) => !held.has(id)).map(({ id, text }) => ({ id, text }))
  return lines.sort((a, b) => (a.id < b.id ? -1 : 1))
}

function idsHeld(
  directory: string,
  session: string,
  lines: readonly KeptLine[],
  scope: Scope,
): Promise<ReadonlySet<string>> {
  // Encoded names hold nothing that is special in a pattern.
  const pathspecs = [`:(glob)${session}${LOG_SUFFIX}`, `:(glob)${session}.*${LOG_SUFFIX}`]
  return committedIds(directory, pathspecs, new Set(lines.map(({ id }) => id)), scope)
}

/** Which of the ids are in the files of a session in the work tree. */
function idsInFiles(directory: string, session: string, ids: ReadonlySet<string>): ReadonlySet<string> {
  const found = new Set<string>()
  for (const name of namesIn(directory)) {
    if (parseFileName(name)?.session !== session) continue
    const bytes = readFileSync(`${directory}/${name}`)
    for (let start = 0; start < bytes.length;) {
      const next = bytes.indexOf('\n', start)
      const end = next < 0 ? bytes.length : next
      const id = idAt(bytes, start, end)
      if (id !== undefined && ids.has(id) && isWhole(bytes.subarray(start, end), id)) found.add(id)
      start = end + 1
    }
  }
  return found
}

/** Whether git has nothing in a directory that `pathspec` matches, and would not take a new `file` there. */
async function isIgnored(directory: string, file: string, pathspec: string): Promise<boolean> {
  const args = ['check-ignore', '--quiet', `${basename(directory)}/${file}`]
  if ((await tryGit(dirname(directory), args)).code !== 0) return false
  // What is ignored may have been added all the same.
  return (await git(directory, ['ls-files', '--', pathspec])) === ''
}

function bySession(lines: readonly KeptLine[]): ReadonlyMap<string, KeptLine[]> {
  const sessions = new Map<string, KeptLine[]>()
  for (const line of lines) {
    const known = sessions.get(line.session)
    if (known === undefined) sessions.set(line.session, [line])
    else known.push(line)
  }
  return sessions
}
