/**
 * The table of formats, in the order in which they are asked whether a file is theirs.
 */
import { claudeCode } from './claude-code/import.ts'
import { codex } from './codex/import.ts'
import { geminiCli } from './gemini-cli/import.ts'
import type { Format } from './format.ts'
import { opencode } from './opencode/import.ts'
import { pi } from './pi/import.ts'

export const FORMATS: readonly Format[] = [claudeCode, codex, pi, opencode, geminiCli]
