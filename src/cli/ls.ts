/**
 * `foldlog ls`: sessions, newest activity first.
 *
 * Comes from the infos cache where that is valid: then nothing that folds is loaded, and for a table no info is read. What an info does not hold, such as when
 * in the last day something happened, is not shown: logs would have to be read for it (`foldlog stats` does).
 */
import type { SessionInfo } from '../message.ts'
import type { ListOptions } from '../infos.ts'
import type { InfoRow } from '../infos-rows.ts'
import { EXIT, Failure, type Call, type Exit } from './call.ts'
import { markOf, signOf, styleOfMark, titleOf, tokensOf } from './info.ts'
import type { Output } from './output.ts'
import { byActivity, findIn, Root, shortIdsOf } from './root.ts'
import { cellsOf, counted, plain, tableOfColumns, type Cells, type Column } from './text.ts'

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
  // What is asked of an info, or printed of it, may be anything that is in it.
  const found = await (call.isJson || where.where !== undefined ? infosOf : rowsOf)(root, chosen, limit)
  const shown = found.slice(0, limit)
  if (call.isJson) await call.out.jsonLines(shown)
  else if (shown.length > 0) await printTable(call, root, shown, chosen.namespaces.length > 1)
  sayCount(call, shown.length, chosen, call.text('limit') === undefined && found.length > shown.length)
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

/** The first of them, and one more than `limit`, which tells whether there are more. */
async function infosOf(root: Root, { namespaces, options }: Chosen, limit: number): Promise<readonly SessionInfo[]> {
  const found: (readonly SessionInfo[])[] = []
  for (const namespace of limit === 0 ? [] : namespaces) {
    // One page, because every page looks at all files anew.
    const { items } = await root.list(namespace, { ...options, limit: limit + 1 })
    found.push(items)
  }
  return found.length > 1 ? found.flat().sort(byActivity) : (found[0] ?? [])
}

/** As {@link infosOf}, but no more of them than a table shows. */
async function rowsOf(root: Root, { namespaces, options }: Chosen, limit: number): Promise<readonly InfoRow[]> {
  const found: (readonly InfoRow[])[] = []
  for (const namespace of limit === 0 ? [] : namespaces) {
    found.push(await root.rows(namespace, { ...options, limit: limit + 1 }))
  }
  return found.length > 1 ? found.flat().sort(byActivity) : (found[0] ?? [])
}

interface Cell extends Column {
  readonly of: (row: InfoRow) => string
}

async function printTable({ out }: Call, root: Root, rows: readonly InfoRow[], hasNamespaces: boolean): Promise<void> {
  const ids = rows.map(({ id }) => id)
  const all = columnsOf(out, rows, await shortIdsOf(root, ids), hasNamespaces)
  const cells = all.map((column) => cellsOf(rows.map(column.of)))
  const kept = fitting(all, cells, out.width)
  const [head = '', ...lines] = tableOfColumns(
    kept.map((index) => all[index]!),
    kept.map((index) => cells[index]!),
    rows.length,
    out.width,
  )
  await out.line([out.style('bold', head), ...lines].join('\n'))
}

function columnsOf(
  out: Output,
  rows: readonly InfoRow[],
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
      paint: (cell, row) => (rows[row]!.title === undefined ? out.style('dim', cell) : cell),
    },
  ]
  if (hasNamespaces) columns.unshift({ title: 'NAMESPACE', least: 16, of: ({ namespace }) => plain(namespace) })
  if (rows.some((row) => markOf(row) !== '')) {
    columns.push({
      title: '',
      of: out.width < WITH_WORDS ? signOf : markOf,
      paint: (cell, row) => out.style(styleOfMark(rows[row]!), cell),
    })
  }
  // Without colours nothing has to be asked of each cell.
  return out.hasColor ? columns : columns.map((column) => ({ ...column, paint: undefined }))
}

/** The columns for which there is room: branches and tokens go before titles become too short to tell sessions apart. */
function fitting(columns: readonly Cell[], cells: readonly Cells[], width: number): readonly number[] {
  const widths = columns.map(({ isFlexible, title }, index) =>
    isFlexible === true ? LEAST_TITLE : Math.max(title.length, cells[index]!.most),
  )
  let kept = columns.map((_, index) => index)
  for (const title of ['BR', 'TOKENS', 'MSGS']) {
    const taken = kept.reduce((sum, index) => sum + widths[index]! + 2, -2)
    if (taken > width) kept = kept.filter((index) => columns[index]!.title !== title)
  }
  return kept
}

/** Tells how many there are, and what was not listed. */
function sayCount(call: Call, found: number, chosen: Chosen, isCut: boolean): void {
  const { all, namespaces, noun } = chosen
  const others = call.text('parent') === undefined ? all.length - namespaces.length : 0
  if (call.isJson || (found > 0 && others === 0 && !call.out.isTty)) return
  const where = namespaces.length === 1 ? namespaces[0]! : call.root
  const isChosen = call.texts('where').length > 0
  const none = isChosen ? `no ${noun} fits --where` : `no ${noun}s`
  const count = found === 0 ? none : counted(found, noun)
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
