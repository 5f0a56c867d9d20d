/**
 * Items of OpenAI Responses, as rollouts hold them → parts. What the converters of `foldlog/messages` read they read here, so that
 * what goes back to that API is what Codex sent; the rest are shapes that only rollouts have.
 *
 * Reads no clock; bytes go to the store's files.
 */
import { isFoldlogError } from '../../errors.ts'
import { isArray, type Json, type JsonObject } from '../../json.ts'
import { MAX_INLINE_CHARS } from '../../line.ts'
import { fromOpenAIResponses } from '../../messages/from-openai-responses.ts'
import type { Report } from '../../messages/loss.ts'
import type { FilePart, Part, Role, TextPart, ToolResultPart } from '../../message.ts'
import type { MessageInput } from '../../stamp.ts'
import { fileAt, filePart } from '../attachments.ts'
import type { FileDestination } from '../destination.ts'
import { asObject, objectField, textField } from '../fields.ts'

/** What an item becomes: a piece of a message of a role, or nothing that a conversation has. */
export interface Converted {
  readonly role: Role
  readonly parts: readonly Part[]
  readonly fields: Pick<MessageInput, 'metadata' | 'author' | 'to'>
}

export interface ItemContext {
  /** Names the record; its parts are `<key>` or `<key>:<n>`. */
  readonly key: string
  readonly files: FileDestination
  /** The names of calls, by their ids. */
  readonly toolNames: Map<string, string>
  /** Told the name of a field that was left out. */
  readonly onDropped: (field: string) => void
}

const OPAQUE = 'openai-responses.item'
/** Items of types that Responses has and foldlog has no part for: kept as they are, in the model's message. */
const OPAQUE_TYPES: ReadonlySet<string> = new Set([
  'web_search_call',
  'compaction',
  'compaction_summary',
  'context_compaction',
])
const OUTPUTS: ReadonlySet<string> = new Set([
  'function_call_output',
  'custom_tool_call_output',
  'local_shell_call_output',
])
/** The id of calls and results that have none: they can only mean each other. */
const NO_CALL_ID = 'unknown'

/** What an item becomes; undefined if it is of no known type. */
export async function convertItem(
  item: JsonObject,
  type: string,
  context: ItemContext,
): Promise<Converted | undefined> {
  if (OPAQUE_TYPES.has(type)) return answer([opaque(item, context.key)])
  if (OUTPUTS.has(type)) return tool(await resultOf(item, context))
  switch (type) {
    case 'message':
    case 'role':
      return messageOf(item, context)
    case 'reasoning':
    case 'custom_tool_call':
      return responsesItem(item, context)
    case 'function_call':
      return textField(item, 'call_id') === undefined
        ? answer([legacyCall(item, context)])
        : functionCall(item, context)
    case 'local_shell_call':
      return answer([callOf(item, 'local_shell', item['action'] ?? {}, context)])
    case 'tool_search_call':
      return answer([callOf(item, 'tool_search', item['arguments'] ?? {}, context)])
    case 'tool_search_output':
      return tool(toolSearchResult(item, context))
    case 'image_generation_call':
      return answer([await generatedImage(item, context)])
    case 'agent_message':
      return agentMessage(item, context)
    case 'tool_call':
      return answer([legacyCall(item, context)])
    case 'tool_result':
    case 'function_result':
      return tool(legacyResult(item, context))
    default:
      return undefined
  }
}

function answer(parts: readonly Part[]): Converted {
  return { role: 'assistant', parts, fields: {} }
}

function tool(part: ToolResultPart): Converted {
  return { role: 'tool', parts: [part], fields: {} }
}

/** A message; what has a text in `message`, or only a role, is an old one. */
async function messageOf(item: JsonObject, context: ItemContext): Promise<Converted> {
  const { message, model: _, type: __, ...rest } = item
  const plain = item['content'] === undefined && typeof message === 'string' ? { ...rest, content: message } : item
  return responsesItem({ ...plain, type: 'message' }, context)
}

/** A call; its arguments are a text, but not in every version. */
async function functionCall(item: JsonObject, context: ItemContext): Promise<Converted> {
  const given = item['arguments']
  return responsesItem(typeof given === 'string' ? item : { ...item, arguments: JSON.stringify(given ?? {}) }, context)
}

/** An item that the converter of Responses knows. One that does not have its shape is kept as it is. */
async function responsesItem(item: JsonObject, context: ItemContext): Promise<Converted> {
  const name = textField(item, 'name')
  const callId = textField(item, 'call_id')
  if (name !== undefined && callId !== undefined) context.toolNames.set(callId, name)
  const report: Report = ({ path = '' }) => context.onDropped(path.slice(path.lastIndexOf('.') + 1))
  try {
    const [message] = fromOpenAIResponses([item], { report })
    const { role = 'assistant', parts = [], metadata } = message!
    const isMessage = item['type'] === 'message'
    const own: Part[] = []
    for (const [index, part] of parts.entries()) {
      const id = isMessage ? `${context.key}:${index}` : context.key
      // Converters name all parts, and make none in the shape of drafts.
      own.push(await withFile({ ...(part as Part), id }, context))
    }
    return { role, parts: own, fields: metadata === undefined ? {} : { metadata } }
  } catch (error) {
    if (!isFoldlogError(error)) throw error
    return answer([opaque(item, context.key)])
  }
}

/** Bytes that are inline go to the store's files. */
async function withFile(part: Part, { files }: ItemContext): Promise<Part> {
  if (part.type !== 'file') return part
  const { data, url, ...fields } = part
  const stored =
    data !== undefined
      ? await filePart(files, part, data)
      : url?.startsWith('data:') === true
        ? await fileAt(files, part, url)
        : undefined
  return stored === undefined ? part : { ...fields, ...stored }
}

function opaque(item: JsonObject, id: string): Part {
  return { id, type: 'data', name: OPAQUE, data: item }
}

function callOf(item: JsonObject, name: string, input: Json, { key, toolNames }: ItemContext): Part {
  const callId = textField(item, 'call_id') ?? textField(item, 'id') ?? NO_CALL_ID
  toolNames.set(callId, name)
  return { id: key, type: 'tool-call', callId, name, input, ...kept(item, ['call_id', 'action', 'arguments']) }
}

function toolSearchResult(item: JsonObject, context: ItemContext): ToolResultPart {
  const base = resultBase(item, context)
  return { ...base, output: { tools: item['tools'] ?? [] }, ...kept(item, ['call_id', 'tools']) }
}

/** What an item says besides; under the names that the converter to Responses knows. */
function kept(item: JsonObject, known: readonly string[]): { readonly providerMetadata: Json } {
  const { type, id, ...rest } = item
  const own = Object.entries(rest).filter(
    ([name, value]) => !known.includes(name) && !TURN_FIELDS.has(name) && value !== null,
  )
  return {
    providerMetadata: {
      openai: { itemType: type ?? null, ...(id === undefined ? {} : { itemId: id }), ...Object.fromEntries(own) },
    },
  }
}

/** Fields that name the turn a record is of. */
const TURN_FIELDS: ReadonlySet<string> = new Set(['internal_chat_message_metadata_passthrough', 'metadata'])

function resultBase(item: JsonObject, { key, toolNames }: ItemContext): ToolResultPart {
  const callId = textField(item, 'call_id') ?? NO_CALL_ID
  return { id: key, type: 'tool-result', callId, name: toolNames.get(callId) ?? 'unknown' }
}

/** The output of a call: a text, items, one item, or `{content, success}`. */
async function resultOf(item: JsonObject, context: ItemContext): Promise<ToolResultPart> {
  const isCustom = item['type'] === 'custom_tool_call_output'
  const base = { ...resultBase(item, context), ...(isCustom ? { providerMetadata: { openai: { custom: true } } } : {}) }
  const output = item['output']
  const object = asObject(output)
  const text = object === undefined ? undefined : textField(object, 'content')
  if (object?.['success'] === false) return { ...base, error: { message: text ?? 'the tool failed' } }
  return { ...base, ...(await bodyOf(text ?? output, context)) }
}

async function bodyOf(
  output: Json | undefined,
  context: ItemContext,
): Promise<Pick<ToolResultPart, 'output' | 'content'>> {
  const { key } = context
  if (output === undefined) return {}
  if (typeof output === 'string' && output.length > MAX_INLINE_CHARS)
    return { content: [{ id: `${key}.0`, type: 'text', text: output }] }
  const blocks = asObject(output) === undefined ? output : [output]
  if (!isArray(blocks)) return { output: blocks }
  const content: (TextPart | FilePart)[] = []
  for (const [index, block] of blocks.entries()) {
    const part = await contentPart(asObject(block) ?? {}, `${key}.${index}`, context)
    if (part === undefined) return { output }
    content.push(part)
  }
  return { content }
}

async function contentPart(
  block: JsonObject,
  id: string,
  { files }: ItemContext,
): Promise<TextPart | FilePart | undefined> {
  const text = block['text']
  if ((block['type'] === 'input_text' || block['type'] === 'output_text') && typeof text === 'string')
    return { id, type: 'text', text }
  const url = textField(block, 'image_url')
  return block['type'] === 'input_image' && url !== undefined
    ? fileAt(files, { id, mediaType: 'image/*' }, url)
    : undefined
}

async function generatedImage(item: JsonObject, { key, files }: ItemContext): Promise<Part> {
  const result = textField(item, 'result')
  const file = result === undefined ? undefined : await filePart(files, { id: key, mediaType: 'image/png' }, result)
  return file === undefined ? opaque(item, key) : { ...file, ...kept(item, ['result']) }
}

/** What one agent says to another. */
async function agentMessage(item: JsonObject, context: ItemContext): Promise<Converted> {
  const { author, recipient, content, id } = item
  const { parts } = await responsesItem({ type: 'message', role: 'user', content: content ?? [] }, context)
  return {
    role: 'user',
    parts,
    fields: {
      ...(typeof author === 'string' ? { author } : {}),
      ...(typeof recipient === 'string' ? { to: recipient } : {}),
      metadata: { openai: { type: 'agent_message', ...(id === undefined ? {} : { itemId: id }) } },
    },
  }
}

/** Calls of old rollouts have no id: what answers one is the next result of its name. */
function legacyCall(item: JsonObject, { key, toolNames }: ItemContext): Part {
  const name = textField(objectField(item, 'function') ?? {}, 'name') ?? textField(item, 'name') ?? 'unknown'
  const callId = `call-${key}`
  toolNames.set(callId, name)
  const given = item['arguments'] ?? item['input'] ?? {}
  const parsed = typeof given === 'string' ? parse(given) : given
  const raw = typeof given === 'string' && parsed === undefined ? { rawInput: given } : {}
  return { id: key, type: 'tool-call', callId, name, input: parsed ?? given, ...raw, metadata: { isLegacy: true } }
}

function legacyResult(item: JsonObject, { key, toolNames }: ItemContext): ToolResultPart {
  const name = textField(item, 'name') ?? 'unknown'
  const callId = [...toolNames].find(([id, called]) => called === name && id.startsWith('call-'))?.[0] ?? NO_CALL_ID
  toolNames.delete(callId)
  return {
    id: key,
    type: 'tool-result',
    callId,
    name,
    output: item['result'] ?? item['output'] ?? null,
    metadata: { isLegacy: true },
  }
}

function parse(text: string): Json | undefined {
  try {
    return JSON.parse(text) as Json
  } catch {
    // Models write arguments that are no JSON; the text is kept.
    return undefined
  }
}
