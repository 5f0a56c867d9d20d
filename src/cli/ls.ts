/**
 * `foldlog ls`: sessions, newest activity first.
 *
 * Comes from the infos cache where that is valid: then neither zod nor a watcher is loaded. What an info does not hold, such as when
 * in the last day something happened, is not shown: logs would have to be read for it (`foldlog stats` does).
 */
import type { SessionInfo } from '../message.ts'
import type { ListOptions } from '../infos.ts'
import { EXIT, Failure, type Call, type Exit } from './call.ts'
import { markOf, signOf, styleOfMark, titleOf, tokensOf } from './info.ts'
import type { Output } from './output.ts'
import { byActivity, findIn, Root, shortIds } from './root.ts'
import { cellWidths, columnWidth, counted, plain, table, type Column } from './text.ts'

const DEFAULT_NAMESPACE = 'default'
/** More than anybody reads. Whoever pipes them gets all. */
const ON_TERMINAL = 50
/** A title is no title any more if it has less; then columns go. */
const LEAST_TITLE = 24
/** In less, how a session is is a sign without a word. */
const WITH_WORDS = 60

export async function ls(call: Call): Promise<Exit> {
  const limit = call.count('limit') ?? (call.out.isTty && !call.isJson ? ON_TERMINAL : Infinity)
  const where = await whereOf(call)
  await using root = await Root.open(call)
  const chosen = await choose(call, root, where)
  // One more tells whether there are more.
  const found = await infosOf(root, chosen, limit)
  const infos = found.slice(0, limit)
  if (call.isJson) await call.out.jsonLines(infos)
  else if (infos.length > 0) await printTable(call, infos, await shortIds(root), chosen.namespaces.length > 1)
  sayCount(call, infos, chosen, call.text('limit') === undefined && found.length > infos.length)
  return EXIT.ok
}

interface Chosen {
  readonly all: readonly string[]
  readonly namespaces: readonly string[]
  readonly options: ListOptions
  /** What those sessions are called. */
  readonly noun: string
}

/** What to list: the default namespace or the only one, unless it was said. Where there is no such one, all. */
async function choose(call: Call, root: Root, where: Pick<ListOptions, 'where'>): Promise<Chosen> {
  const all = await root.namespaces()
  const archived = call.flag('archived')
  const noun = archived ? 'archived session' : 'session'
  const parent = call.text('parent')
  if (parent !== undefined) {
    const { namespace, sessionId } = await findIn(call, root, parent)
    return { all, namespaces: [namespace], options: { archived, parentId: sessionId, ...where }, noun: `child ${noun}` }
  }
  const isAll = call.flag('all') || !all.includes(DEFAULT_NAMESPACE)
  return { all, namespaces: isAll ? all : [DEFAULT_NAMESPACE], options: { archived, ...where }, noun }
}

/** Which infos are meant. */
async function whereOf(call: Call): Promise<Pick<ListOptions, 'where'>> {
  const texts = call.texts('where')
  if (texts.length === 0) return {}
  const { conditionOf } = await import('./where.ts')
  const conditions = texts.map((text) => {
    const condition = conditionOf(text)
    if (condition !== undefined) return condition
    throw new Failure(EXIT.usage, `--where ${text}: write key=value, by the names that ls --json prints`, call.help())
  })
  return { where: (info: SessionInfo) => conditions.every((fits) => fits(info)) }
}

/** The first of them, and one more than `limit`. */
async function infosOf(root: Root, { namespaces, options }: Chosen, limit: number): Promise<readonly SessionInfo[]> {
  if (limit === 0) return []
  const infos: SessionInfo[] = []
  for (const namespace of namespaces) {
    // One page, because every page looks at all files anew.
    const page = await (await root.store(namespace)).list({ ...options, limit: limit + 1 })
    infos.push(...page.items)
  }
  return namespaces.length > 1 ? infos.sort(byActivity) : infos
}

interface Cell extends Column {
  readonly of: (info: SessionInfo) => string
}

async function printTable(
  { out }: Call,
  infos: readonly SessionInfo[],
  short: (id: string) => string,
  hasNamespaces: boolean,
): Promise<void> {
  const all = columnsOf(out, infos, short, hasNamespaces)
  const cells = infos.map((info) => all.map((column) => column.of(info)))
  const measured = cellWidths(all, cells)
  const kept = fitting(all, measured, out.width)
  const [head = '', ...lines] = table(
    kept.map((index) => all[index]!),
    kept.length === all.length ? cells : cells.map((row) => kept.map((index) => row[index]!)),
    out.width,
    kept.map((index) => measured[index]!),
  )
  await out.line([out.style('bold', head), ...lines].join('\n'))
}

function columnsOf(
  out: Output,
  infos: readonly SessionInfo[],
  short: (id: string) => string,
  hasNamespaces: boolean,
): readonly Cell[] {
  const columns: Cell[] = [
    { title: 'ID', of: ({ id }) => plain(short(id)), paint: (cell) => out.style('yellow', cell) },
    { title: 'UPDATED', goes: 1, of: ({ time }) => out.when(time.updated), paint: (cell) => out.style('dim', cell) },
    { title: 'MSGS', isNumber: true, of: ({ messageCount }) => String(messageCount) },
    { title: 'BR', isNumber: true, of: ({ branchCount }) => String(branchCount) },
    { title: 'TOKENS', isNumber: true, of: tokensOf },
    {
      title: 'TITLE',
      isFlexible: true,
      of: titleOf,
      paint: (cell, row) => (infos[row]!.title === undefined ? out.style('dim', cell) : cell),
    },
  ]
  if (hasNamespaces) columns.unshift({ title: 'NAMESPACE', least: 16, of: ({ namespace }) => plain(namespace) })
  if (infos.some((info) => markOf(info) !== '')) {
    columns.push({
      title: '',
      of: out.width < WITH_WORDS ? signOf : markOf,
      paint: (cell, row) => out.style(styleOfMark(infos[row]!), cell),
    })
  }
  return columns
}

/** The columns for which there is room: branches and tokens go before titles become too short to tell sessions apart. */
function fitting(columns: readonly Cell[], measured: readonly Uint32Array[], width: number): readonly number[] {
  const widths = columns.map((column, index) =>
    column.isFlexible === true ? LEAST_TITLE : columnWidth(column, measured[index]!),
  )
  let kept = columns.map((_, index) => index)
  for (const title of ['BR', 'TOKENS', 'MSGS']) {
    const taken = kept.reduce((sum, index) => sum + widths[index]! + 2, -2)
    if (taken > width) kept = kept.filter((index) => columns[index]!.title !== title)
  }
  return kept
}

/** Tells how many there are, and what was not listed. */
function sayCount(call: Call, infos: readonly SessionInfo[], chosen: Chosen, isCut: boolean): void {
  const { all, namespaces, noun } = chosen
  const others = call.text('parent') === undefined ? all.length - namespaces.length : 0
  if (call.isJson || (infos.length > 0 && others === 0 && !call.out.isTty)) return
  const where = namespaces.length === 1 ? namespaces[0]! : call.root
  const isChosen = call.texts('where').length > 0
  const none = isChosen ? `no ${noun} fits --where` : `no ${noun}s`
  const count = infos.length === 0 ? none : counted(infos.length, noun)
  const more = others === 0 ? '' : ` · ${counted(others, 'namespace')} more`
  const hints = [
    ...(isCut ? [call.command('ls', ...sameOptions(call), '--limit', '1000')] : []),
    ...(others === 0 ? [] : [call.command('ls', '--all', ...sameOptions(call, ['archived']))]),
    ...(all.length === 0 ? [call.command('import')] : []),
  ]
  call.out.say(`${isCut ? 'the newest ' : ''}${count} in ${where}${more}${hints.length === 0 ? '' : ':'}`, ...hints)
}

function sameOptions(call: Call, flags: readonly string[] = ['all', 'archived']): string[] {
  const parent = call.text('parent')
  return [
    ...flags.filter((name) => call.flag(name)).map((name) => `--${name}`),
    ...(call.namespace === undefined ? [] : ['-n', call.namespace]),
    ...(parent === undefined ? [] : ['--parent', parent]),
    ...call.texts('where').flatMap((text) => ['--where', text]),
  ]
}
