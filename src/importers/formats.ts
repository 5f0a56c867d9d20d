/**
 * The table of formats, in the order in which they are asked whether a file is theirs.
 */
import { chatgpt } from './chatgpt/import.ts'
import { claudeCode } from './claude-code/import.ts'
import { codex } from './codex/import.ts'
import { geminiCli } from './gemini-cli/import.ts'
import type { Format } from './format.ts'
import { openaiChat } from './openai-chat/import.ts'
import { opencode } from './opencode/import.ts'
import { pi } from './pi/import.ts'
import { sharegpt } from './sharegpt/import.ts'

// The last ones are the least particular: what other formats have, they have too.
export const FORMATS: readonly Format[] = [claudeCode, codex, pi, opencode, geminiCli, chatgpt, sharegpt, openaiChat]
