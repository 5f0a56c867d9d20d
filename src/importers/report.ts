/**
 * What an import says it did: what was read, what it became, and what was left behind. Types and their sums.
 *
 * A report is plain data that survives `JSON.stringify`. Nothing in it is needed to read the imported sessions; it is
 * there so that nobody has to guess what an import lost. Everything in this file is pure.
 */
import type { LineCounts, UnreadableLine } from './jsonl.ts'

/** A session that an import wrote, or found to be there already. */
export interface ImportedSession {
  readonly namespace: string
  readonly sessionId: string
  /** `sidechain`: a sub-agent whose messages are in its parent's file. */
  readonly kind: 'main' | 'sidechain'
  /** Messages that the file gives. */
  readonly messages: number
  /** Events that were added, and that the store had already. */
  readonly added: number
  readonly known: number
}

/** Records of one kind that did not become part of a session. */
export interface DroppedRecords {
  readonly records: number
  readonly reason: string
  /** Content blocks that were in them, by type, where they had any. */
  readonly blocks?: Readonly<Record<string, number>>
}

/** A field of kept records that was not taken over. */
export interface DroppedField {
  readonly records: number
  readonly reason: string
}

/** The links between records as they are in the file, before anything was made of them. */
export interface SourceLinks {
  /** Records that can be linked to. */
  readonly nodes: number
  /** Those that name no parent. */
  readonly roots: number
  /** Those whose parent is not in the file: it starts in the middle, or continues another one. */
  readonly dangling: number
  /** Those that no record names as its parent. */
  readonly leaves: number
  /** Those that two or more records name. Most of them are no forks of the conversation. */
  readonly branchPoints: number
}

/** Why a file could not be read. */
export interface ImportFailure {
  readonly code: string
  readonly message: string
}

/** What became of one file. */
export interface FileReport {
  readonly path: string
  /** What it was read as. */
  readonly format: string
  /** Empty for a file that made none. */
  readonly sessions: readonly ImportedSession[]
  readonly lines: LineCounts
  /** Every record by its type, in the words of the format. */
  readonly recordsByType: Readonly<Record<string, number>>
  /** Records with an id that an earlier record has, where the format has ids. Those that say the same again are also in `dropped`. */
  readonly duplicateUuids?: number
  /** Records of sub-agents in the files of their parents. */
  readonly sidechainRecords?: number
  /** Of formats whose records name their parents. */
  readonly links?: SourceLinks
  /** What was left out, by type. */
  readonly dropped: Readonly<Record<string, DroppedRecords>>
  /** What became a piece of something else, by type, and lost only that it was apart. */
  readonly merged: Readonly<Record<string, DroppedRecords>>
  /** Fields that were left out of records that are kept, where they hold something of their own. */
  readonly droppedFields: Readonly<Record<string, DroppedField>>
  /** Lines that are not records; the first hundred of them, `lines.malformed` counts all. */
  readonly unreadable: readonly UnreadableLine[]
  /** Only if the file could not be read to its end. */
  readonly failure?: ImportFailure
}

/** Sums over all files. */
export interface ImportTotals {
  readonly files: number
  /** Different sessions; a session of two files counts once. */
  readonly sessions: number
  readonly messages: number
  readonly records: number
  readonly added: number
  readonly known: number
  readonly dropped: number
  readonly malformed: number
  readonly failures: number
  /** Files of no format that is known. */
  readonly unknown: number
  /** Files that were left alone because they are older than was asked for. */
  readonly older: number
}

/** A file that was not read. */
export interface UnknownFile {
  readonly path: string
  readonly reason: string
  /** Only if the disk did not let it be looked at. */
  readonly failure?: ImportFailure
}

/** What an import did, by file in the order of their paths. */
export interface ImportReport {
  /** The formats of the files, sorted. */
  readonly formats: readonly string[]
  readonly files: readonly FileReport[]
  readonly unknown: readonly UnknownFile[]
  readonly totals: ImportTotals
}

/** The report over files. */
export function reportOf(files: readonly FileReport[], unknown: readonly UnknownFile[], older: number): ImportReport {
  const sessions = files.flatMap((file) => file.sessions)
  return {
    formats: [...new Set(files.map(({ format }) => format))].sort(),
    files,
    unknown,
    totals: {
      files: files.length,
      sessions: new Set(sessions.map((session) => session.sessionId)).size,
      messages: sum(sessions, (session) => session.messages),
      records: sum(files, (file) => file.lines.records),
      added: sum(sessions, (session) => session.added),
      known: sum(sessions, (session) => session.known),
      dropped: sum(files, (file) => sum(Object.values(file.dropped), (each) => each.records)),
      malformed: sum(files, (file) => file.lines.malformed),
      failures: [...files, ...unknown].filter(({ failure }) => failure !== undefined).length,
      unknown: unknown.length,
      older,
    },
  }
}

function sum<T>(items: readonly T[], of: (item: T) => number): number {
  return items.reduce((total, item) => total + of(item), 0)
}
