/**
 * `foldlog ls`: sessions, newest activity first.
 *
 * Comes from the infos cache where that is valid: then neither zod nor a watcher is loaded.
 */
import type { SessionInfo } from '../message.ts'
import { EXIT, type Call, type Exit } from './call.ts'
import { sessionIds } from './files.ts'
import { stateOf, titleOf, tokensOf } from './info.ts'
import { byActivity, Root, shortener } from './root.ts'
import { counted, plain, table, type Column } from './text.ts'

const DEFAULT_NAMESPACE = 'default'

export async function ls(call: Call): Promise<Exit> {
  const limit = call.count('limit')
  await using root = await Root.open(call)
  const all = await root.namespaces()
  const namespaces = listed(call, all)
  const infos = await infosOf(call, root, namespaces, limit)
  if (call.isJson) for (const info of infos) await call.out.json(info)
  else if (infos.length > 0) await printTable(call, infos, await idsOf(root), namespaces.length > 1)
  sayCount(call, infos, namespaces, all)
  return EXIT.ok
}

/** The namespaces to list: the default or the only one, unless it was said. Where there is no such one, all. */
function listed(call: Call, all: readonly string[]): readonly string[] {
  return call.flag('all') || !all.includes(DEFAULT_NAMESPACE) ? all : [DEFAULT_NAMESPACE]
}

async function infosOf(
  call: Call,
  root: Root,
  namespaces: readonly string[],
  limit = Infinity,
): Promise<readonly SessionInfo[]> {
  if (limit === 0) return []
  const infos: SessionInfo[] = []
  for (const namespace of namespaces) {
    // One page, because every page looks at all files anew.
    const page = await (await root.store(namespace)).list({ archived: call.flag('archived'), limit })
    infos.push(...page.items)
  }
  return infos.sort(byActivity).slice(0, limit)
}

/** The ids of the whole root, because that is where a prefix is looked for. */
export async function idsOf(root: Root): Promise<readonly string[]> {
  const namespaces = await root.backend.namespaces()
  return (await Promise.all(namespaces.map((namespace) => sessionIds(root.path, namespace)))).flat()
}

const COLUMNS: readonly (Column & { readonly key: string })[] = [
  { key: 'namespace', title: 'NAMESPACE' },
  { key: 'id', title: 'ID' },
  { key: 'updated', title: 'UPDATED' },
  { key: 'messages', title: 'MSGS', isNumber: true },
  { key: 'branches', title: 'BR', isNumber: true },
  { key: 'tokens', title: 'TOKENS', isNumber: true },
  { key: 'state', title: 'STATE' },
  { key: 'title', title: 'TITLE' },
]

async function printTable(
  call: Call,
  infos: readonly SessionInfo[],
  ids: readonly string[],
  hasNamespaces: boolean,
): Promise<void> {
  const { out } = call
  const short = shortener(ids)
  const rows = infos.map((info) => cellsOf(info, short, out.when(info.time.updated)))
  const columns = COLUMNS.filter(({ key }) => {
    if (key === 'namespace') return hasNamespaces
    return key !== 'state' || rows.some((row) => row['state'] !== '')
  })
  const lines = table(
    columns,
    rows.map((row) => columns.map(({ key }) => row[key] ?? '')),
    out.width,
  )
  await out.line([out.style('bold', lines[0]!), ...lines.slice(1)].join('\n'))
}

function cellsOf(info: SessionInfo, short: (id: string) => string, updated: string): Record<string, string> {
  return {
    namespace: plain(info.namespace),
    id: plain(short(info.id)),
    updated,
    messages: String(info.messageCount),
    branches: String(info.branchCount),
    tokens: tokensOf(info),
    state: stateOf(info),
    title: titleOf(info),
  }
}

/** Tells how many there are, and what was not listed. */
function sayCount(
  call: Call,
  infos: readonly SessionInfo[],
  listedNow: readonly string[],
  all: readonly string[],
): void {
  const others = all.length - listedNow.length
  if (call.isJson || (infos.length > 0 && others === 0 && !call.out.isTty)) return
  const what = call.flag('archived') ? 'archived session' : 'session'
  const where = listedNow.length === 1 ? listedNow[0]! : call.root
  const count = infos.length === 0 ? `no ${what}s in ${where}` : `${counted(infos.length, what)} in ${where}`
  if (others === 0) return call.out.say(count)
  call.out.say(`${count} · ${counted(others, 'namespace')} more:`, call.command('ls', '--all'))
}
