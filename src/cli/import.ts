/**
 * `foldlog import`: sessions of other tools → sessions, and a report of what was left behind.
 */
import { stat } from 'node:fs/promises'
import { homedir } from 'node:os'
import { join, sep } from 'node:path'
import { isMissing } from '../backends/file/failure.ts'
import type { Format } from '../importers/format.ts'
import type { DroppedField, FileReport, ImportProgress, ImportReport } from '../importers/index.ts'
import { openStore } from '../store.ts'
import { EXIT, Failure, type Call, type Exit } from './call.ts'
import { hasSegments } from './files.ts'
import { counted, padStart, plain, shortBytes, truncate, wrap } from './text.ts'
import { parseTime } from './time.ts'

const INDENT = 12
/** How many things of a kind are listed; `--json` has all of them. */
const MAX_LISTED = 20

export async function importTranscripts(call: Call): Promise<Exit> {
  const { importSessions } = await import('../importers/index.ts')
  const format = call.text('format')
  const since = sinceOf(call)
  const paths = call.args.length > 0 ? call.args : await ownSessions(call, format)
  await using store = await openStore(call.root, {
    namespace: call.namespace ?? 'default',
    shared: call.flag('shared') || (await hasSegments(call.root)),
  })
  let report: ImportReport
  try {
    report = await importSessions(store, paths, {
      ...(format === undefined ? {} : { format }),
      ...(since === undefined ? {} : { since }),
      onProgress: (progress) => call.out.progress(progressOf(progress)),
    })
  } finally {
    call.out.progress('')
  }
  if (call.isJson) await call.out.json(report)
  else await call.out.line(linesOf(report, call.out.width).join('\n'))
  return ending(call, report)
}

function sinceOf(call: Call): number | undefined {
  const text = call.text('since')
  if (text === undefined) return undefined
  const time = parseTime(text, Date.now())
  if (time !== undefined) return time
  throw new Failure(
    EXIT.usage,
    `--since needs a time, like 2026-11-20 or 7d, and ${JSON.stringify(text)} is none`,
    call.help(),
  )
}

/** Where other tools keep their sessions on this machine; says where it looks. */
async function ownSessions(call: Call, format: string | undefined): Promise<readonly string[]> {
  const { FORMATS } = await import('../importers/formats.ts')
  const formats = FORMATS.filter(({ name }) => format === undefined || name === format)
  const home = homedir()
  const all = formats.flatMap(({ homes }) => homes.map((path) => join(home, path)))
  const found: string[] = []
  for (const path of new Set(all)) if (await isDirectory(path)) found.push(path)
  if (found.length > 0) {
    call.out.say(`importing from ${found.map((path) => tilde(path, home)).join(', ')}`)
    return found
  }
  const looked = formats.length === 0 ? `there is no format ${format}` : `none of ${titles(formats)} has sessions in ~`
  throw new Failure(EXIT.notFound, `${looked}: name a file or a directory`, call.help())
}

function titles(formats: readonly Format[]): string {
  return formats.flatMap(({ title, homes }) => (homes.length === 0 ? [] : [title])).join(', ')
}

async function isDirectory(path: string): Promise<boolean> {
  try {
    return (await stat(path)).isDirectory()
  } catch (error) {
    if (isMissing(error)) return false
    throw error
  }
}

function tilde(path: string, home: string): string {
  return path.startsWith(home + sep) ? `~${path.slice(home.length)}` : path
}

function progressOf({ path, done, files, readBytes }: ImportProgress): string {
  const size = readBytes === undefined ? '' : `  ${shortBytes(readBytes)}`
  return `${done} of ${counted(files, 'file')}${size}  ${path}`
}

/** Lines that cannot be read are the other tool's; a file that cannot be opened is something to look into. */
function ending(call: Call, { totals, files }: ImportReport): Exit {
  if (totals.failures > 0) call.out.complain(`${counted(totals.failures, 'file')} could not be read`)
  else if (files.length === 0 && totals.older === 0)
    call.out.complain('there is no session of a known format', call.help())
  else return EXIT.ok
  return EXIT.notFound
}

function linesOf({ formats, files, unknown, totals }: ImportReport, width: number): string[] {
  const of = formats.length === 0 ? '' : ` of ${formats.join(', ')}`
  const sessions = `${counted(totals.sessions, 'session')} with ${counted(totals.messages, 'message')}`
  const failures = [...files, ...unknown].flatMap(({ path, failure }) =>
    failure === undefined ? [] : [{ path, failure }],
  )
  const strange = unknown.filter(({ failure }) => failure === undefined)
  return [
    ...row('imported', `${sessions}${of}, from ${counted(totals.files, 'file')}`, width),
    ...row(
      'events',
      `${counted(totals.added, 'event')} added, ${totals.known.toLocaleString('en')} there already`,
      width,
    ),
    ...losses('skipped', 'record', files, ({ dropped }) => dropped, width),
    ...losses('merged', 'record', files, ({ merged }) => merged, width),
    ...losses('fields left', 'field', files, ({ droppedFields }) => droppedFields, width),
    ...row('unreadable', totals.malformed === 0 ? 'none' : counted(totals.malformed, 'line'), width),
    ...listed(
      files.flatMap(({ path, unreadable }) =>
        unreadable.map(({ path: at = path, line, element, reason }) => {
          // A document may be one line: then the line says little.
          const which = element === undefined ? '' : `  element ${element}`
          return `${plain(at)}:${line}${which}  ${reason}`
        }),
      ),
      totals.malformed,
    ),
    ...(strange.length === 0 ? [] : row('unknown', `${counted(strange.length, 'file')} of no known format`, width)),
    ...listed(
      strange.map(({ path }) => plain(path)),
      strange.length,
    ),
    ...(totals.older === 0 ? [] : row('older', `${counted(totals.older, 'file')} left alone`, width)),
    ...failures.map(({ path, failure }) => `  ${plain(path)}  ${plain(failure.message)}`),
  ]
}

/** What was lost, by type, the most frequent first, with the reason. */
function losses(
  title: string,
  noun: string,
  files: readonly FileReport[],
  of: (file: FileReport) => Readonly<Record<string, DroppedField>>,
  width: number,
): string[] {
  const sums = new Map<string, { records: number; readonly reason: string }>()
  for (const file of files) {
    for (const [type, { records, reason }] of Object.entries(of(file))) {
      const sum = sums.get(type)
      if (sum === undefined) sums.set(type, { records, reason })
      else sum.records += records
    }
  }
  const sorted = [...sums].sort((a, b) => b[1].records - a[1].records)
  const total = sorted.reduce((sum, [, { records }]) => sum + records, 0)
  if (total === 0) return noun === 'record' && title === 'skipped' ? row(title, 'none', width) : []
  const lines = sorted.map(([type, { records, reason }]) => {
    return `${padStart(records.toLocaleString('en'), 6)}  ${plain(type)}: ${plain(reason)}`
  })
  return [
    ...row(title, counted(total, noun), width),
    ...listed(
      lines.map((line) => truncate(line, width - 2)),
      lines.length,
    ),
  ]
}

function listed(lines: readonly string[], total: number): string[] {
  const shown = lines.slice(0, MAX_LISTED).map((line) => `  ${line}`)
  return total > shown.length
    ? [...shown, `  … and ${(total - shown.length).toLocaleString('en')} more: --json lists them`]
    : shown
}

/** A label and what it stands for, wrapped beside it. */
function row(label: string, text: string, width: number): string[] {
  return wrap(plain(text), width - INDENT).map(
    (line, index) => (index === 0 ? label.padEnd(INDENT) : ' '.repeat(INDENT)) + line,
  )
}
