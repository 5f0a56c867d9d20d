/**
 * Sessions that are to be deleted, or were: how they are told, and what stays of them.
 */
import { statSync } from 'node:fs'
import { isMissing, storageError } from '../backends/file/failure.ts'
import type { SessionInfo } from '../message.ts'
import type { Call } from './call.ts'
import { filesOf } from './files.ts'
import { titleOf } from './info.ts'
import { shortener } from './root.ts'
import { counted, plain, shortBytes, table, type Column } from './text.ts'

const COLUMNS: readonly Column[] = [
  { title: 'ID' },
  { title: 'UPDATED', goes: 2 },
  { title: 'MSGS', isNumber: true, goes: 1 },
  { title: 'SIZE', isNumber: true, goes: 3 },
  { title: 'TITLE' },
]

/** A session that is to go, or has gone. */
export interface Doomed {
  readonly info: SessionInfo
  readonly sizeBytes: number
  /** Its children, which stay. */
  readonly children: readonly string[]
}

/** How many bytes the files of a session have. */
export async function sizeOf(root: string, { id, namespace }: SessionInfo): Promise<number> {
  let sizeBytes = 0
  for (const path of await filesOf(root, { namespace, sessionId: id })) {
    try {
      sizeBytes += statSync(path).size
    } catch (error) {
      // Deleted since it was listed.
      if (!isMissing(error)) throw storageError(error, 'look at', { path })
    }
  }
  return sizeBytes
}

/** Prints what is to be deleted, or was: a table, or one object a session. `ids`: all ids that there were, of which each is shown as far as it is needed. */
export async function printDoomed(
  call: Call,
  all: readonly Doomed[],
  dryRun: boolean,
  ids: readonly string[],
): Promise<void> {
  const { out } = call
  if (call.isJson) for (const each of all) await out.json(toJson(each, dryRun))
  if (call.isJson || all.length === 0) return
  const short = shortener(ids)
  const hasNamespaces = all.some(({ info }) => info.namespace !== all[0]!.info.namespace)
  const rows = all.map(({ info, sizeBytes }) => [
    ...(hasNamespaces ? [plain(info.namespace)] : []),
    plain(short(info.id)),
    out.when(info.time.updated),
    String(info.messageCount),
    shortBytes(sizeBytes),
    titleOf(info),
  ])
  const columns = hasNamespaces ? [{ title: 'NAMESPACE', least: 16 }, ...COLUMNS] : COLUMNS
  const [head = '', ...lines] = table(columns, rows, out.width)
  await out.line([out.style('bold', head), ...lines].join('\n'))
}

function toJson({ children, info, sizeBytes }: Doomed, dryRun: boolean): object {
  const { id, messageCount, namespace, preview, time, title } = info
  const named = title === undefined ? {} : { title }
  const facts = { ...named, preview, messageCount, sizeBytes, updated: time.updated, children }
  return { namespace, sessionId: id, dryRun, ...facts }
}

/** `3 sessions, 1.2 kB`. */
export function amountOf(all: readonly Doomed[]): string {
  const sizeBytes = all.reduce((sum, each) => sum + each.sizeBytes, 0)
  return `${counted(all.length, 'session')}, ${shortBytes(sizeBytes)}`
}

/** What deleting leaves: children without a parent, attachments, the history of git. */
export function sayWhatStays(call: Call, all: readonly Doomed[], dryRun: boolean): void {
  const { out } = call
  const children = new Set(all.flatMap((each) => each.children))
  if (children.size > 0) {
    out.say(
      `${counted(children.size, 'child session')} of these ${dryRun ? 'would stay' : 'stay'}:`,
      deleting(call, children, dryRun),
    )
  }
  if (!dryRun) out.say('attachments stay until they are collected:', call.command('gc'))
}

function deleting(call: Call, children: ReadonlySet<string>, dryRun: boolean): string {
  const { namespace } = call
  const scope = namespace === undefined ? [] : ['-n', namespace]
  return call.command('rm', ...(dryRun && call.verb === 'rm' ? call.args : []), ...children, ...scope)
}
