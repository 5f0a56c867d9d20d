/** What comes out has the types of the providers' own packages: they compile it as literals, where a field too many is an error. */
import { execFile } from 'node:child_process'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { join, resolve } from 'node:path'
import { promisify } from 'node:util'
import * as fc from 'fast-check'
import { afterAll, beforeAll, expect, test } from 'vitest'
import {
  toAnthropic,
  toGemini,
  toModelMessages,
  toOpenAIChat,
  toOpenAIResponses,
  toUIMessages,
  type AnthropicMessage,
  type ChatMessage,
  type GeminiConversation,
  type ModelMessage,
  type ResponsesItem,
  type UIMessage,
} from '../../src/messages/index.ts'
import type { MessageParam } from '@anthropic-ai/sdk/resources/messages'
import type { Content } from '@google/genai'
import type { ModelMessage as AIModelMessage, UIMessage as AIUIMessage } from 'ai'
import type { ChatCompletionMessageParam } from 'openai/resources/chat/completions'
import type { ResponseInputItem } from 'openai/resources/responses/responses'
import { rounds } from '../support/rounds.ts'
import { conversation, files } from './generate.ts'

const PROJECT = resolve(import.meta.dirname, '../..')
const OPTIONS = { files }

/** The types of foldlog are assignable to those of the packages: this line compiles, or the check fails. */
export type Assignable = [
  ChatMessage extends ChatCompletionMessageParam ? true : never,
  ResponsesItem extends ResponseInputItem ? true : never,
  AnthropicMessage extends MessageParam ? true : never,
  GeminiConversation['contents'][number] extends Content ? true : never,
  ModelMessage extends AIModelMessage ? true : never,
  UIMessage extends AIUIMessage ? true : never,
]
const ASSIGNABLE: Assignable = [true, true, true, true, true, true]

let folder: string
beforeAll(async () => {
  // Inside the project, where the packages are found.
  folder = await mkdtemp(join(PROJECT, 'node_modules', '.types-'))
})
afterAll(async () => {
  await rm(folder, { recursive: true, force: true })
})

test('every output is a literal of the types of the package', async () => {
  expect(ASSIGNABLE).toHaveLength(6)
  const samples = fc.sample(conversation, { numRuns: rounds(1500), seed: 7 })
  const { errors, lines } = await compile(samples.flatMap((messages) => literals(messages)))
  expect(errors).toEqual([])
  expect(lines).toBeGreaterThan(samples.length * 6)
}, 600_000)

test('a field too many does not compile, so that compiling proves something', async () => {
  const { errors } = await compile([
    "export const x: ChatCompletionMessageParam[] = [{ role: 'tool', tool_call_id: 'a', content: '', name: 'no' }]",
  ])
  expect(errors.join('\n')).toContain("'name' does not exist")
}, 600_000)

function literals(messages: Parameters<typeof toAnthropic>[0]): readonly string[] {
  const { system, messages: talk } = toAnthropic(messages, OPTIONS)
  const gemini = toGemini(messages, OPTIONS)
  return [
    literal('ChatCompletionMessageParam[]', toOpenAIChat(messages, OPTIONS)),
    literal('ResponseInputItem[]', toOpenAIResponses(messages, OPTIONS)),
    literal('MessageParam[]', talk),
    literal("MessageCreateParams['system']", system),
    literal('Content[]', gemini.contents),
    literal('Content | undefined', gemini.systemInstruction),
    literal('ModelMessage[]', toModelMessages(messages, OPTIONS)),
    literal('UIMessage[]', toUIMessages(messages, OPTIONS)),
  ]
}

function literal(type: string, value: unknown): string {
  return `check<${type}>(${value === undefined ? 'undefined' : JSON.stringify(value)})`
}

const HEAD = `
import type { MessageCreateParams, MessageParam } from '@anthropic-ai/sdk/resources/messages'
import type { Content } from '@google/genai'
import type { ModelMessage, UIMessage } from 'ai'
import type { ChatCompletionMessageParam } from 'openai/resources/chat/completions'
import type { ResponseInputItem } from 'openai/resources/responses/responses'
declare function check<T>(value: T): void
export type Used = [MessageCreateParams, MessageParam, Content, ModelMessage, UIMessage, ChatCompletionMessageParam, ResponseInputItem, typeof check]
`

async function compile(lines: readonly string[]): Promise<{ errors: readonly string[]; lines: number }> {
  await writeFile(join(folder, 'literals.ts'), [HEAD, ...lines].join('\n'))
  const options = {
    noEmit: true,
    strict: true,
    target: 'es2023',
    module: 'nodenext',
    types: ['node'],
    typeRoots: [join(PROJECT, 'node_modules/@types')],
    skipLibCheck: true,
  }
  await writeFile(join(folder, 'tsconfig.json'), JSON.stringify({ compilerOptions: options, files: ['literals.ts'] }))
  const run = promisify(execFile)
  const tsc = join(PROJECT, 'node_modules/typescript/bin/tsc')
  try {
    await run(process.execPath, [tsc, '-p', folder], { maxBuffer: 1 << 26 })
    return { errors: [], lines: lines.length }
  } catch (error) {
    // The compiler prints what is wrong and exits with a code.
    const { stdout } = error as { stdout?: string }
    if (stdout === undefined || stdout === '') throw error
    return { errors: stdout.trim().split('\n').slice(0, 20), lines: lines.length }
  }
}
