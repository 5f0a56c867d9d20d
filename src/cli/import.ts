/**
 * `foldlog import`: transcripts of other tools → sessions, and a report of what was left behind.
 */
import type { FileReport, ImportReport } from '../importers/index.ts'
import { openStore } from '../store.ts'
import { EXIT, type Call, type Exit } from './call.ts'
import { counted, plain, wrap } from './text.ts'

export async function importTranscripts(call: Call): Promise<Exit> {
  const { importClaudeCode } = await import('../importers/index.ts')
  await using store = await openStore(call.root, {
    namespace: call.namespace ?? 'default',
    shared: call.flag('shared'),
  })
  const report = await importClaudeCode(store, call.args)
  if (call.isJson) await call.out.json(report)
  else await call.out.line(linesOf(report, call.out.width).join('\n'))
  // Lines that cannot be read are the other tool's; a file that cannot be opened is something to look into.
  if (report.totals.failures === 0) return EXIT.ok
  call.out.complain(`${counted(report.totals.failures, 'file')} could not be read`)
  return EXIT.notFound
}

function linesOf({ formats, files, totals }: ImportReport, width: number): string[] {
  return [
    ...row(
      'imported',
      `${counted(totals.sessions, 'session')} with ${counted(totals.messages, 'message')} of ${formats.join(', ')}, from ${counted(totals.files, 'file')}`,
      width,
    ),
    ...row(
      'events',
      `${counted(totals.added, 'event')} added, ${totals.known.toLocaleString('en')} there already`,
      width,
    ),
    ...row('skipped', skipped(files, totals.dropped), width),
    ...row('unreadable', totals.malformed === 0 ? 'none' : counted(totals.malformed, 'line'), width),
    ...files.flatMap(({ path, unreadable }) =>
      unreadable.map(({ line, reason }) => `  ${plain(path)}:${line}  ${reason}`),
    ),
    ...files.flatMap(({ path, failure }) =>
      failure === undefined ? [] : [`  ${plain(path)}  ${plain(failure.message)}`],
    ),
  ]
}

/** How many records became nothing, by type, the most frequent first. */
function skipped(files: readonly FileReport[], total: number): string {
  if (total === 0) return 'none'
  const counts = new Map<string, number>()
  for (const { dropped } of files) {
    for (const [type, { records }] of Object.entries(dropped)) counts.set(type, (counts.get(type) ?? 0) + records)
  }
  const types = [...counts].sort((a, b) => b[1] - a[1]).map(([type, count]) => `${count} ${type}`)
  return `${counted(total, 'record')}: ${types.join(', ')}`
}

/** A label and what it stands for, wrapped beside it. */
function row(label: string, text: string, width: number): string[] {
  const indent = 12
  return wrap(plain(text), width - indent).map(
    (line, index) => (index === 0 ? label.padEnd(indent) : ' '.repeat(indent)) + line,
  )
}
