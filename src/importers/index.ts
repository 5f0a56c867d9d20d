/** What `foldlog/importers` exports: one function for each foreign format, and what it reports. */
export { importClaudeCode } from './claude-code/import.ts'
export type { ImportOptions, ImportProgress } from './claude-code/import.ts'
export type { Destination } from './destination.ts'
export type {
  DroppedField,
  DroppedRecords,
  FileReport,
  ImportedSession,
  ImportFailure,
  ImportReport,
  ImportTotals,
  SourceLinks,
} from './report.ts'
export type { LineCounts, UnreadableLine } from './jsonl.ts'
