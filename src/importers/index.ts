/** What `foldlog/importers` exports: one function for all foreign formats, one for each, and what they report. */
import { chatgpt } from './chatgpt/import.ts'
import { claudeCode } from './claude-code/import.ts'
import { codex } from './codex/import.ts'
import { geminiCli } from './gemini-cli/import.ts'
import { importerOf, type Importer } from './import.ts'
import { openaiChat } from './openai-chat/import.ts'
import { opencode } from './opencode/import.ts'
import { pi } from './pi/import.ts'
import { sharegpt } from './sharegpt/import.ts'

export { importSessions } from './import.ts'
export const importClaudeCode: Importer = importerOf(claudeCode)
export const importCodex: Importer = importerOf(codex)
export const importPi: Importer = importerOf(pi)
export const importOpencode: Importer = importerOf(opencode)
export const importGeminiCli: Importer = importerOf(geminiCli)
export const importChatGPT: Importer = importerOf(chatgpt)
export const importShareGPT: Importer = importerOf(sharegpt)
export const importOpenAIChat: Importer = importerOf(openaiChat)
export type { Importer, ImportOptions } from './import.ts'
export type { ImportProgress } from './run.ts'
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
  UnknownFile,
} from './report.ts'
export type { LineCounts, UnreadableLine } from './jsonl.ts'
