/**
 * Messages of OpenAI Chat Completions, and of what writes the same, → messages of a session.
 *
 * The conversion itself is that of `foldlog/messages`; here it is kept from failing, its losses go to the report, and inline
 * files to the store.
 */
import { isFoldlogError } from '../errors.ts'
import { isArray, type Json, type JsonObject } from '../json.ts'
import { MAX_INLINE_CHARS } from '../line.ts'
import type { Part, ReasoningPart, Usage } from '../message.ts'
import { fromOpenAIChat } from '../messages/from-openai-chat.ts'
import type { Loss } from '../messages/loss.ts'
import { withNamedContent, type MessageInput, type PartInput } from '../stamp.ts'
import { filePart } from './attachments.ts'
import { asObject, countField, objectField, textField } from './fields.ts'
import type { MessageDraft } from './session-writer.ts'
import type { SourceFile } from './source-file.ts'

/** What a message becomes, apart from its place. */
export type ChatDraft = Pick<MessageDraft, 'role' | 'parts' | 'metadata'>

/** Why a message is not part of the conversation. */
const NO_MESSAGE = 'is no message of chat completions; it is kept as an event'
/** Fields that hold what a model thought, in the words of several vendors. */
const REASONING = ['reasoning_content', 'reasoning'] as const
/** The reasons of chat completions in the words that foldlog's converters use; others stay as they are. */
const FINISH_REASONS: ReadonlyMap<string, string> = new Map([
  ['tool_calls', 'tool-calls'],
  ['function_call', 'tool-calls'],
  ['content_filter', 'content-filter'],
])

/** The messages of one conversation, undefined for what is none: the caller keeps it as an event. Losses go to the ledger. */
export async function chatDrafts(
  given: readonly Json[],
  file: SourceFile,
): Promise<readonly (ChatDraft | undefined)[]> {
  const { ledger } = file
  const messages = given.map((item) => asObject(item) ?? {})
  const drafts: (ChatDraft | undefined)[] = []
  for (const [index, input] of converted(messages, file).entries()) {
    if (input === undefined) ledger.merge('message', NO_MESSAGE)
    drafts.push(input === undefined ? undefined : await draftOf(input, messages[index]!, file))
  }
  return drafts
}

/** How an answer ended. */
export function finishReasonOf(choice: JsonObject): { finishReason?: string; status?: 'incomplete' } {
  const reason = textField(choice, 'finish_reason')
  if (reason === undefined) return {}
  return {
    finishReason: FINISH_REASONS.get(reason) ?? reason,
    ...(reason === 'length' ? { status: 'incomplete' } : {}),
  }
}

/** The usage that a response says. `prompt_tokens` includes what came from a cache. */
export function usageOf(usage: JsonObject | undefined): Usage | undefined {
  if (usage === undefined) return undefined
  const details = objectField(usage, 'prompt_tokens_details') ?? {}
  const fields = {
    inputTokens: countField(usage, 'prompt_tokens'),
    outputTokens: countField(usage, 'completion_tokens'),
    reasoningTokens: countField(objectField(usage, 'completion_tokens_details') ?? {}, 'reasoning_tokens'),
    cachedInputTokens: countField(details, 'cached_tokens') ?? countField(usage, 'cache_read_input_tokens'),
    cacheWriteTokens: countField(usage, 'cache_creation_input_tokens'),
    totalTokens: countField(usage, 'total_tokens'),
  }
  const entries = Object.entries(fields).filter(([, count]) => count !== undefined)
  return entries.length === 0 ? undefined : (Object.fromEntries(entries) as Usage)
}

function converted(messages: readonly JsonObject[], file: SourceFile): readonly (MessageInput | undefined)[] {
  const plain = messages.map(withoutReasoning)
  // One message that is none refuses all of them: then each is tried alone.
  const isGood = tried(plain) !== undefined ? plain.map(() => true) : plain.map((each) => tried([each]) !== undefined)
  const { inputs, losses } = tried(plain.filter((_, index) => isGood[index]))!
  for (const { kind, path = '', reason } of losses) if (kind === 'dropped') file.ledger.dropField(fieldOf(path), reason)
  const rest = inputs.values()
  return isGood.map((good) => (good ? rest.next().value : undefined))
}

function tried(messages: readonly JsonObject[]): { inputs: MessageInput[]; losses: Loss[] } | undefined {
  const losses: Loss[] = []
  try {
    return { inputs: fromOpenAIChat(messages, { report: (loss) => losses.push(loss) }), losses }
  } catch (error) {
    if (isFoldlogError(error, 'INVALID_OPTION')) return undefined
    throw error
  }
}

/** `messages[3].content[0].cache_control` → `content.cache_control`. */
function fieldOf(path: string): string {
  return path.replace(/^messages\[\d+\]\.?/, '').replaceAll(/\[\d+\]/g, '') || 'message'
}

function withoutReasoning(message: JsonObject): JsonObject {
  if (!REASONING.some((name) => typeof message[name] === 'string')) return message
  return Object.fromEntries(Object.entries(message).filter(([name]) => !REASONING.some((each) => each === name)))
}

async function draftOf(
  { role, parts = [], metadata }: MessageInput,
  from: JsonObject,
  file: SourceFile,
): Promise<ChatDraft> {
  const text = REASONING.map((name) => textField(from, name)).find((each) => each !== undefined)
  const all: Part[] = text === undefined || role !== 'assistant' ? [] : [reasoning(text)]
  for (const [index, part] of parts.entries()) all.push(await storedPart(withId(part, index), file))
  return { role: role ?? 'user', parts: all, ...(metadata === undefined ? {} : { metadata }) }
}

function reasoning(text: string): ReasoningPart {
  return { id: 'reasoning', type: 'reasoning', text }
}

/** The conversion names all its parts; the type does not say so. */
function withId(part: PartInput, index: number): Part {
  return { ...withNamedContent(part), id: part.id ?? String(index) }
}

/** What is too big for a line goes where the store puts such things. */
async function storedPart(part: Part, file: SourceFile): Promise<Part> {
  if (part.type === 'file' && part.data !== undefined) {
    const { id, mediaType, name, data, ...rest } = part
    const stored = await filePart(file.store, { id, mediaType, ...(name === undefined ? {} : { name }) }, data)
    return stored === undefined ? part : { ...rest, ...stored }
  }
  if (part.type === 'tool-result' && typeof part.output === 'string' && part.output.length > MAX_INLINE_CHARS) {
    const { output, ...rest } = part
    return { ...rest, content: [{ id: `${part.id}.0`, type: 'text', text: output }] }
  }
  return part
}

/** Whether a value looks like a message: it names one of the roles. */
export function isChatMessage(value: Json | undefined): boolean {
  const role = textField(asObject(value) ?? {}, 'role')
  return role !== undefined && /^(system|developer|user|assistant|tool|function)$/.test(role)
}

/** Whether a value is a list that begins with a message. */
export function isChat(value: Json | undefined): value is readonly Json[] {
  return value !== undefined && isArray(value) && isChatMessage(value[0])
}
