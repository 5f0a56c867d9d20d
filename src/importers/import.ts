/**
 * Imports sessions of other tools: which files there are, which format each is of, and the report over all of them.
 */
import { stat } from 'node:fs/promises'
import { FoldlogError, isFoldlogError } from '../errors.ts'
import type { Destination } from './destination.ts'
import { detect } from './detect.ts'
import { findFiles } from './find.ts'
import type { Format } from './format.ts'
import { FORMATS } from './formats.ts'
import { reportOf, type ImportReport, type UnknownFile } from './report.ts'
import { Run, type ImportProgress } from './run.ts'

/** How an import runs. */
export interface ImportOptions {
  /** The format of all files. Default: each file's own, by its content. */
  readonly format?: string
  /** Files that were not changed since are left alone, in ms since the epoch. Default: none. */
  readonly since?: number
  /** Stops between two pieces of a file; what was merged by then stays, and the next import goes on. */
  readonly signal?: AbortSignal
  /** Called when a file is done, with the number of files that are and of all. */
  readonly onProgress?: (progress: ImportProgress) => void
}

/** The importer of one format. */
export type Importer = (
  store: Destination,
  paths: string | readonly string[],
  options?: Omit<ImportOptions, 'format'>,
) => Promise<ImportReport>

/**
 * Imports sessions into the store's namespace: one file, several, or whole directories with all below them, of any mix of formats.
 *
 * Everything goes through `store.merge`, a union of sets, so an import that was broken off is completed by the next
 * one, and one that was made before adds nothing. Sub-agents and forks find their parents among the files of the same import.
 *
 * Rejects with `NOT_FOUND` for a path that is not there, `INVALID_OPTION` for a format that is none, and with what the store
 * rejects. Files of no known format, files that cannot be read, and pieces of files that are no records, are told in the report
 * and stop nothing.
 */
export async function importSessions(
  store: Destination,
  paths: string | readonly string[],
  options: ImportOptions = {},
): Promise<ImportReport> {
  const formats = options.format === undefined ? FORMATS : [formatNamed(options.format)]
  const { files: all, failures } = await findFiles(
    typeof paths === 'string' ? [paths] : paths,
    formats.flatMap(({ extensions }) => extensions),
  )
  const files = await changedSince(all, options.since)
  const closed = failures.map((failure) => unreadable(failure.path!, failure))
  const unknown: UnknownFile[] = []
  const sorted = options.format === undefined ? await sort(files, unknown) : new Map([[formats[0]!, files]])
  const run = new Run(store, files.length - unknown.length, options)
  for (const [format, own] of sorted) await format.import(own, run)
  return reportOf(await run.end(), [...closed, ...unknown], all.length - files.length)
}

/** Imports files that are all of one format. */
export function importerOf({ name }: Format): Importer {
  return (store, paths, options = {}) => importSessions(store, paths, { ...options, format: name })
}

function formatNamed(name: string): Format {
  const format = FORMATS.find((each) => each.name === name)
  if (format !== undefined) return format
  const names = FORMATS.map((each) => each.name).join(', ')
  throw new FoldlogError('INVALID_OPTION', `there is no format ${JSON.stringify(name)}: use one of ${names}`, {
    field: 'format',
  })
}

/** The files by their formats, in the order of the table. */
async function sort(files: readonly string[], unknown: UnknownFile[]): Promise<ReadonlyMap<Format, readonly string[]>> {
  const sorted = new Map<Format, string[]>(FORMATS.map((format) => [format, []]))
  for (const path of files) {
    try {
      const format = FORMATS.find(({ holds }) => holds?.(path) === true) ?? (await detect(path, FORMATS))
      if (format === undefined) unknown.push({ path, reason: 'of no format that is known' })
      else sorted.get(format)!.push(path)
    } catch (error) {
      if (!isFoldlogError(error)) throw error
      unknown.push(unreadable(path, error))
    }
  }
  return sorted
}

function unreadable(path: string, { code, message }: FoldlogError): UnknownFile {
  return { path, reason: 'cannot be read', failure: { code, message } }
}

async function changedSince(files: readonly string[], since: number | undefined): Promise<readonly string[]> {
  if (since === undefined) return files
  const changed: string[] = []
  for (const path of files) {
    // One that cannot be looked at any more is told when it is read.
    const found = await stat(path).catch(() => undefined)
    if (found === undefined || found.mtimeMs >= since) changed.push(path)
  }
  return changed
}
