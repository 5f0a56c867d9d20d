/**
 * What a message entry says → the fields and parts of a message.
 *
 * What foldlog has no field for is kept as it is: of a message in `metadata.pi`, of a block in `providerMetadata.pi`.
 * Reads no clock; images go to the store's files.
 */
import { isArray, type Json, type JsonObject } from '../../json.ts'
import type { FilePart, Part, Role, TextPart, ToolResultPart, Usage } from '../../message.ts'
import { filePart } from '../attachments.ts'
import type { FileDestination } from '../destination.ts'
import { asObject, countField, isSet, objectField, textField } from '../fields.ts'
import type { MessageFields } from '../session-writer.ts'

/** What becomes of a message of pi. */
export interface Converted {
  readonly role: Role
  readonly parts: readonly Part[]
  readonly fields: MessageFields
}

export interface MessageContext {
  /** Its parts are named `<key>:<n>`. */
  readonly key: string
  readonly files: FileDestination
}

/** pi's reasons in the words that foldlog's converters use; others stay as they are. */
const FINISH_REASONS: ReadonlyMap<string, string> = new Map([['toolUse', 'tool-calls']])

/** What a message becomes; undefined if its role is none that is known. */
export async function convertMessage(message: JsonObject, context: MessageContext): Promise<Converted | undefined> {
  const role = textField(message, 'role') ?? ''
  switch (role) {
    case 'user':
      return { role, parts: await partsOf(message['content'], context), fields: piFields(message, ['content']) }
    case 'assistant':
      return { role, parts: await partsOf(message['content'], context), fields: answerFields(message) }
    case 'toolResult':
      return { role: 'tool', parts: [await resultOf(message, context)], fields: piFields(message, RESULT_FIELDS) }
    case 'bashExecution':
      return bashExecution(message, context)
    case 'custom':
    case 'hookMessage':
      return customMessage(message, context)
    case 'system':
      return { role, parts: systemParts(message, context), fields: piFields(message, []) }
    default:
      return undefined
  }
}

/** A message that an extension put into the conversation. One that is not displayed is for the model only. */
export async function customMessage(message: JsonObject, context: MessageContext): Promise<Converted> {
  const parts = await partsOf(message['content'], context)
  const audience = message['display'] === false ? ({ audience: 'model' } as const) : {}
  return { role: 'user', parts, fields: { ...audience, ...piFields(message, ['content']) } }
}

/** Blocks of content, or a plain text. */
export async function partsOf(content: Json | undefined, context: MessageContext): Promise<readonly Part[]> {
  const { key } = context
  if (typeof content === 'string') return [{ id: `${key}:0`, type: 'text', text: content }]
  const blocks = content !== undefined && isArray(content) ? content : []
  const parts: Part[] = []
  for (const [index, block] of blocks.entries()) parts.push(await partOf(block, `${key}:${index}`, context))
  return parts
}

async function partOf(value: Json, id: string, context: MessageContext): Promise<Part> {
  const block = asObject(value) ?? {}
  switch (textField(block, 'type') ?? '') {
    case 'text':
      return withRest({ id, type: 'text', text: textField(block, 'text') ?? '' }, block, ['text'])
    case 'thinking':
      return withRest(reasoning(block, id), block, ['thinking', 'thinkingSignature'])
    case 'toolCall':
      return withRest(toolCall(block, id), block, ['id', 'name', 'arguments'])
    case 'image':
      return (await image(block, id, context)) ?? opaque(value, id)
    default:
      return opaque(value, id)
  }
}

function reasoning(block: JsonObject, id: string): Part {
  const text = textField(block, 'thinking') ?? ''
  const signature = textField(block, 'thinkingSignature')
  if (isSet(block, 'redacted')) return { id, type: 'reasoning', text, encrypted: signature ?? '' }
  return { id, type: 'reasoning', text, ...(signature === undefined ? {} : { signature }) }
}

function toolCall(block: JsonObject, id: string): Part {
  const callId = textField(block, 'id') ?? 'unknown'
  return { id, type: 'tool-call', callId, name: textField(block, 'name') ?? 'unknown', input: block['arguments'] ?? {} }
}

async function image(block: JsonObject, id: string, { files }: MessageContext): Promise<FilePart | undefined> {
  const data = textField(block, 'data')
  const mediaType = textField(block, 'mimeType')
  return data === undefined || mediaType === undefined ? undefined : filePart(files, { id, mediaType }, data)
}

function opaque(block: Json, id: string): Part {
  return { id, type: 'data', name: 'pi.block', data: block }
}

const RESULT_FIELDS = ['toolCallId', 'toolName', 'content', 'isError', 'details']

async function resultOf(message: JsonObject, context: MessageContext): Promise<ToolResultPart> {
  const details = message['details']
  const content = await resultContent(message['content'], context)
  const texts = content.flatMap((part) => (part.type === 'text' ? [part.text] : []))
  return {
    id: `${context.key}:0`,
    type: 'tool-result',
    callId: textField(message, 'toolCallId') ?? 'unknown',
    name: textField(message, 'toolName') ?? 'unknown',
    ...(isSet(message, 'isError') ? { error: { message: texts.join('\n') || 'the tool failed' } } : {}),
    // The text of an error is its message; it is not written twice.
    ...(isSet(message, 'isError') && texts.length === content.length ? {} : { content }),
    ...(details === undefined || details === null ? {} : { metadata: { details } }),
  }
}

async function resultContent(
  content: Json | undefined,
  context: MessageContext,
): Promise<readonly (TextPart | FilePart)[]> {
  const parts = await partsOf(content, { ...context, key: `${context.key}:0` })
  return parts.map((part) =>
    part.type === 'text' || part.type === 'file'
      ? part
      : { id: part.id, type: 'text', text: JSON.stringify(part.type === 'data' ? part.data : part) },
  )
}

/** A command that the user ran: what the model is told of it, in pi's words, and what it was. */
function bashExecution(message: JsonObject, { key }: MessageContext): Converted {
  const command = textField(message, 'command') ?? ''
  const output = textField(message, 'output')
  const exitCode = message['exitCode']
  const path = textField(message, 'fullOutputPath')
  const text = [
    `Ran \`${command}\`\n`,
    output === undefined ? '(no output)' : `\`\`\`\n${output}\n\`\`\``,
    isSet(message, 'cancelled') ? '\n\n(command cancelled)' : '',
    !isSet(message, 'cancelled') && typeof exitCode === 'number' && exitCode !== 0
      ? `\n\nCommand exited with code ${exitCode}`
      : '',
    isSet(message, 'truncated') && path !== undefined ? `\n\n[Output truncated. Full output: ${path}]` : '',
  ].join('')
  const audience = isSet(message, 'excludeFromContext') ? ({ audience: 'user' } as const) : {}
  return {
    role: 'user',
    parts: [{ id: `${key}:0`, type: 'text', text }],
    fields: { ...audience, ...piFields(message, ['output']) },
  }
}

/** The system prompt in sections; what there are no texts of is kept with the message. */
function systemParts(message: JsonObject, { key }: MessageContext): readonly Part[] {
  const sections = message['sections']
  const list = sections !== undefined && isArray(sections) ? sections : [message['content'] ?? '']
  const texts = list.flatMap((section) => {
    const text = typeof section === 'string' ? section : textField(asObject(section) ?? {}, 'text')
    return text === undefined || text === '' ? [] : [text]
  })
  return texts.map((text, index) => ({ id: `${key}:${index}`, type: 'text', text }))
}

/** An answer that was stopped or failed is kept as far as it came: pi shows it to the model too. */
function answerFields(message: JsonObject): MessageFields {
  const model = textField(message, 'model')
  const provider = textField(message, 'provider')
  const reason = textField(message, 'stopReason')
  const error = textField(message, 'errorMessage')
  const usage = usageOf(objectField(message, 'usage'))
  const isCutOff = reason === 'aborted' || reason === 'error' || reason === 'length'
  return {
    ...(isCutOff ? { status: 'incomplete' } : {}),
    ...(error === undefined ? {} : { error: { message: error } }),
    ...(reason === undefined ? {} : { finishReason: FINISH_REASONS.get(reason) ?? reason }),
    ...(model === undefined ? {} : { model }),
    ...(provider === undefined ? {} : { provider }),
    ...(usage === undefined ? {} : { usage }),
    ...piFields(message, ['content', 'model', 'provider', 'stopReason', 'errorMessage', 'usage']),
  }
}

/** pi counts input, cache reads and cache writes apart; foldlog's `inputTokens` is all three. */
export function usageOf(usage: JsonObject | undefined): Usage | undefined {
  if (usage === undefined) return undefined
  const count = (name: string): number => countField(usage, name) ?? 0
  const total = countField(usage, 'totalTokens')
  const cost = countField(objectField(usage, 'cost') ?? {}, 'total')
  return {
    inputTokens: count('input') + count('cacheRead') + count('cacheWrite'),
    outputTokens: count('output'),
    cachedInputTokens: count('cacheRead'),
    cacheWriteTokens: count('cacheWrite'),
    ...(total === undefined ? {} : { totalTokens: total }),
    ...(cost === undefined ? {} : { costUsd: cost }),
  }
}

/** What a message says besides. The role only where foldlog has none of that name. */
function piFields(message: JsonObject, known: readonly string[]): Pick<MessageFields, 'metadata'> {
  const plain = ['user', 'assistant', 'toolResult', 'system'].includes(textField(message, 'role') ?? '') ? ['role'] : []
  const rest = Object.entries(message).filter(([name, value]) => ![...known, ...plain].includes(name) && value !== null)
  return rest.length === 0 ? {} : { metadata: { pi: Object.fromEntries(rest) } }
}

function withRest<P extends Part>(part: P, block: JsonObject, known: readonly string[]): P {
  const rest = Object.entries(block).filter(
    ([name, value]) => name !== 'type' && value !== null && !known.includes(name),
  )
  return rest.length === 0 ? part : { ...part, providerMetadata: { pi: Object.fromEntries(rest) } }
}
