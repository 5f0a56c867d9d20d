/**
 * `foldlog stats --by …`: a row a group, with a bar.
 */
import type { SessionInfo } from '../message.ts'
import { bar } from './bars.ts'
import type { Call } from './call.ts'
import { titleOf } from './info.ts'
import type { Output } from './output.ts'
import { median, type Tally, type ToolTally } from './tally.ts'
import { padEnd, plain, shortCost, shortCount, table, truncate, widthOf, type Column } from './text.ts'
import { shortDuration } from './time.ts'

export const GROUPS = ['day', 'session', 'namespace', 'model', 'tool'] as const
export type Group = (typeof GROUPS)[number]

/** By what they are called. `info`: of a group that is a session. */
export type Groups = Map<string, { readonly info?: SessionInfo; readonly tally: Tally }>

const MOST_BAR = 40
const LEAST_BAR = 8
/** Of what is left of a line for a name and a bar. */
const BAR_SHARE = 0.5
/** Less than this is what the writing took, not the tool. */
const SHORTEST_MS = 50

/** Prints the groups, and what tools did if that was looked at. */
export async function printGroups(
  call: Call,
  by: Group,
  groups: Groups,
  limit: number,
  short: (id: string) => string,
  tools?: ReadonlyMap<string, ToolTally>,
): Promise<void> {
  if (by === 'tool') return printTools(call, [...(tools ?? [])].sort(byCalls).slice(0, limit))
  const rows = [...groups].map(([key, group]) => ({ ...group, key }))
  if (by === 'day') rows.sort((a, b) => (a.key < b.key ? -1 : 1))
  else rows.sort((a, b) => b.tally.totalTokens - a.tally.totalTokens || b.tally.messageCount - a.tally.messageCount)
  // Of days the last ones are the first that are asked for.
  const shown = by === 'day' ? rows.slice(Math.max(0, rows.length - limit)) : rows.slice(0, limit)
  const { out } = call
  if (call.isJson) {
    for (const row of shown) await out.json(toJson(by, row))
    return
  }
  if (shown.length === 0) return out.say('nothing to count')
  await printBars(out, columnsOf(by, shown, short, out), shown, valueOf(shown))
  if (by === 'day' && tools !== undefined) await printToolLine(out, tools)
}

interface Row {
  readonly key: string
  readonly info?: SessionInfo
  readonly tally: Tally
}

interface Cells<T> extends Column {
  readonly of: (row: T) => string
}

function columnsOf(by: Group, rows: readonly Row[], short: (id: string) => string, out: Output): readonly Cells<Row>[] {
  const name: Cells<Row> = { title: by.toUpperCase(), isFlexible: true, of: (row) => nameOf(by, row) }
  const sessions: Cells<Row> = {
    title: 'SESSIONS',
    isNumber: true,
    goes: 1,
    of: ({ tally }) => tally.sessionCount.toLocaleString('en'),
  }
  const id: Cells<Row> = {
    title: 'ID',
    of: ({ info }) => plain(short(info?.id ?? '')),
    paint: (cell) => out.style('yellow', cell),
  }
  const columns: Cells<Row>[] = [
    ...(by === 'session' ? [id, name] : [name, sessions]),
    { title: 'MSGS', isNumber: true, goes: 2, of: ({ tally }) => tally.messageCount.toLocaleString('en') },
  ]
  if (rows.some(({ tally }) => tally.totalTokens > 0)) {
    columns.push({ title: 'INPUT', isNumber: true, goes: 4, of: ({ tally }) => shortCount(tally.inputTokens) })
    columns.push({ title: 'OUTPUT', isNumber: true, goes: 3, of: ({ tally }) => shortCount(tally.outputTokens) })
  }
  if (rows.some(({ tally }) => tally.costUsd > 0)) {
    columns.push({ title: 'COST', isNumber: true, of: ({ tally }) => (tally.hasCost ? shortCost(tally.costUsd) : '-') })
  }
  return columns
}

function nameOf(by: Group, { info, key }: Row): string {
  if (info !== undefined) return titleOf(info)
  return key === '' ? `(no ${by})` : plain(key)
}

/** What bars are as long as: tokens, if there are any. */
function valueOf(rows: readonly Row[]): (row: Row) => number {
  const hasTokens = rows.some(({ tally }) => tally.totalTokens > 0)
  return ({ tally }) => (hasTokens ? tally.totalTokens : tally.messageCount)
}

/** A table with a bar behind each row, if there is room for one. */
async function printBars<T>(
  out: Output,
  columns: readonly Cells<T>[],
  rows: readonly T[],
  valueOfRow: (row: T) => number,
): Promise<void> {
  const cells = rows.map((row) => columns.map((column) => column.of(row)))
  const widths = columns.map(({ title }, index) =>
    cells.reduce((most, row) => Math.max(most, widthOf(row[index]!)), title.length),
  )
  const names = widths[columns.findIndex(({ isFlexible }) => isFlexible === true)]!
  const free = out.width - widths.reduce((sum, width) => sum + width + 2, 0) + names
  const room = Math.min(MOST_BAR, Math.max(free - names, Math.floor(free * BAR_SHARE)))
  const [head = '', ...lines] = table(columns, cells, room < LEAST_BAR ? out.width : out.width - room - 2)
  const most = rows.reduce((sum, row) => Math.max(sum, valueOfRow(row)), 0)
  await out.line(out.style('bold', head))
  for (const [index, line] of lines.entries()) {
    const drawn = room < LEAST_BAR ? '' : bar(valueOfRow(rows[index]!), most, room)
    // The last column has numbers: all lines are as wide.
    await out.line(drawn === '' ? line : `${line}  ${out.style('green', drawn)}`)
  }
}

type NamedTool = readonly [name: string, tool: ToolTally]

function byCalls([nameOfA, a]: NamedTool, [nameOfB, b]: NamedTool): number {
  return b.callCount - a.callCount || (nameOfA < nameOfB ? -1 : 1)
}

async function printTools({ isJson, out }: Call, tools: readonly NamedTool[]): Promise<void> {
  if (isJson) {
    for (const [name, tool] of tools) await out.json(toolToJson(name, tool))
    return
  }
  if (tools.length === 0) return out.say('no tool was called')
  const columns: Cells<NamedTool>[] = [
    { title: 'TOOL', isFlexible: true, of: ([name]) => plain(name) },
    { title: 'CALLS', isNumber: true, of: ([, { callCount }]) => callCount.toLocaleString('en') },
    {
      title: 'FAILED',
      isNumber: true,
      goes: 2,
      of: ([, { failedCount }]) => (failedCount === 0 ? '-' : `${failedCount} ✗`),
    },
    { title: 'MEDIAN', isNumber: true, goes: 1, of: ([, { durations }]) => durationOf(durations) },
  ]
  await printBars(out, columns, tools, ([, { callCount }]) => callCount)
}

function durationOf(durations: readonly number[]): string {
  const middle = median(durations)
  return middle === undefined || middle < SHORTEST_MS ? '-' : shortDuration(middle)
}

const MOST_TOOLS = 12

/** `tools  read 212 · bash 97 (9 ✗)`. */
async function printToolLine(out: Output, tools: ReadonlyMap<string, ToolTally>): Promise<void> {
  if (tools.size > 0) for (const line of toolLines(out, tools, out.width)) await out.line(line)
}

/** The tools that were called most, on as many lines as it takes. */
export function toolLines(out: Output, tools: ReadonlyMap<string, ToolTally>, width: number): string[] {
  const sorted = [...tools].sort(byCalls)
  const words = sorted.slice(0, MOST_TOOLS).map(([name, { callCount, failedCount }]) => {
    return `${plain(name)} ${callCount.toLocaleString('en')}${failedCount === 0 ? '' : ` (${failedCount} ✗)`}`
  })
  if (sorted.length > MOST_TOOLS) words.push(`${sorted.length - MOST_TOOLS} more`)
  return flow('tools', words, out, width)
}

const LABEL_WIDTH = 10

/** A label, and facts behind it with dots between them. */
export function flow(label: string, facts: readonly string[], out: Output, width: number): string[] {
  const room = Math.max(20, width - LABEL_WIDTH)
  const lines: string[] = []
  for (const fact of facts.filter((each) => each !== '').map((each) => truncate(each, room))) {
    const last = lines.at(-1)
    if (last !== undefined && widthOf(last) + 3 + widthOf(fact) <= room) lines[lines.length - 1] = `${last} · ${fact}`
    else lines.push(fact)
  }
  return lines.map((line, index) => out.style('cyan', padEnd(index === 0 ? label : '', LABEL_WIDTH)) + line)
}

function toJson(by: Group, { info, key, tally }: Row): object {
  const name = info === undefined ? { [by]: key } : { namespace: info.namespace, sessionId: info.id, title: info.title }
  return { ...name, ...tallyToJson(tally) }
}

export function tallyToJson(tally: Tally): object {
  const { cachedInputTokens, inputTokens, messageCount, outputTokens, sessionCount, totalTokens } = tally
  // What adding up fractions leaves behind the billionths is no money.
  const costUsd = Math.round(tally.costUsd * 1e9) / 1e9
  return { sessionCount, messageCount, inputTokens, cachedInputTokens, outputTokens, totalTokens, costUsd }
}

export function toolToJson(tool: string, { callCount, durations, failedCount }: ToolTally): object {
  return { tool, callCount, failedCount, medianMs: median(durations) ?? null }
}
