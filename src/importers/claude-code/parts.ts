/**
 * Content blocks → parts.
 *
 * A part is named after where its block was: `<key of the record>:<index of the block>`, or the key alone where the
 * content was a plain text. So the records of a message can be told apart again, and counted.
 *
 * Images and documents go to the store's files, or stay inline where a store has none. Blocks that foldlog has no part for are kept as they are, in `data`
 * parts named `claude-code.block`; fields of known blocks that it has no field for, in `providerMetadata.anthropic`.
 */
import { bytesOfBase64, filePartOf } from '../attachments.ts'
import { asObject, objectField, textField } from '../fields.ts'
import { isArray, type Json, type JsonObject } from '../../json.ts'
import { MAX_INLINE_CHARS } from '../../line.ts'
import type { CompactionPart, FilePart, Part, TextPart, ToolResultPart } from '../../message.ts'
import type { FileDestination } from '../destination.ts'
import { NO_CALL_ID, blocksOf, compactionFacts, stringContentOf } from './record.ts'

/** The name of `data` parts that hold a block as it is. */
export const BLOCK = 'claude-code.block'
/** The name of `data` parts that hold a prompt typed while the model worked. */
const QUEUED_PROMPT = 'claude-code.queued-prompt'

/** What the files of a record became, by the blocks that hold them; see {@link storeFiles}. */
export type StoredFiles = ReadonlyMap<JsonObject, FilePart>

/** What a record's blocks need to know of the rest of the file. */
export interface PartContext {
  readonly key: string
  readonly files: StoredFiles
  /** The name of the tool that a call called. */
  toolName(callId: string): string
  /** What the boundary before a compact summary says; undefined if the record is no summary. */
  readonly compaction: JsonObject | undefined
}

type Known<T extends Part['type']> = Extract<Part, { type: T }>

/** Stores what blocks hold inline. What makes no sense is left out. */
export async function storeFiles(blocks: readonly JsonObject[], files: FileDestination): Promise<StoredFiles> {
  const stored = new Map<JsonObject, FilePart>()
  for (const block of blocks) {
    const source = objectField(block, 'source') ?? {}
    const bytes = textField(source, 'url') === undefined ? bytesOf(source) : undefined
    const name = textField(block, 'title')
    const fields = { id: '', mediaType: textField(source, 'media_type') ?? '', ...(name === undefined ? {} : { name }) }
    const part = bytes === undefined ? undefined : await filePartOf(files, fields, bytes)
    if (part !== undefined) stored.set(block, part)
  }
  return stored
}

/** The blocks of a user or assistant record that may hold a file. */
export function fileBlocksOf(value: JsonObject): readonly JsonObject[] {
  const found: JsonObject[] = []
  for (const block of blocksOf(value)) {
    if (block['type'] === 'image' || block['type'] === 'document') found.push(block)
    else if (block['type'] === 'tool_result') found.push(...imagesIn(block['content']))
  }
  return found
}

/** The same of a prompt that was typed while the model worked. */
export function promptBlocksOf(value: JsonObject): readonly JsonObject[] {
  return imagesIn(objectField(value, 'attachment')?.['prompt'])
}

function imagesIn(content: Json | undefined): readonly JsonObject[] {
  if (content === undefined || !isArray(content)) return []
  return content.map(asObject).filter((block) => block !== undefined && block['type'] === 'image') as JsonObject[]
}

/** The parts of a user or assistant record. */
export function partsOf(value: JsonObject, context: PartContext): readonly Part[] {
  const text = stringContentOf(value)
  const { key } = context
  if (context.compaction !== undefined) return compactionParts(value, context, context.compaction)
  if (text !== undefined) return [{ id: key, type: 'text', text }]
  const agentId = textField(objectField(value, 'toolUseResult') ?? {}, 'agentId')
  const parts: Part[] = []
  for (const [index, block] of blocksOf(value).entries()) {
    const part = partOf(block, `${key}:${index}`, context)
    parts.push(agentId !== undefined && part.type === 'tool-result' ? { ...part, metadata: { agentId } } : part)
  }
  return parts
}

/** The part for a prompt that was typed while the model worked. It is not a message, because the source has none. */
export function queuedPrompt(value: JsonObject, context: PartContext): Part {
  const attachment = objectField(value, 'attachment') ?? {}
  const prompt = withoutImages(attachment['prompt'] ?? null, context)
  const mode = textField(attachment, 'commandMode')
  const data = { prompt, ...(mode === undefined ? {} : { mode }) }
  return { id: context.key, type: 'data', name: QUEUED_PROMPT, data }
}

/** A summary that stands for what came before it: its texts are one part. */
function compactionParts(value: JsonObject, context: PartContext, facts: JsonObject): readonly Part[] {
  const { key } = context
  const blocks = blocksOf(value).map((block, index) => ({ block, id: `${key}:${index}` }))
  const texts = blocks.filter(({ block }) => block['type'] === 'text')
  const text = stringContentOf(value) ?? texts.map(({ block }) => textField(block, 'text') ?? '').join('\n\n')
  const { tokensBefore, trigger } = compactionFacts(facts)
  const part: CompactionPart = {
    id: texts[0]?.id ?? key,
    type: 'compaction',
    text,
    ...(tokensBefore === undefined ? {} : { tokensBefore }),
    ...(trigger === undefined ? {} : { metadata: { trigger } }),
  }
  const others = blocks.filter(({ block }) => block['type'] !== 'text')
  const parts: Part[] = [part]
  for (const { block, id } of others) parts.push(partOf(block, id, context))
  return parts
}

function partOf(block: JsonObject, id: string, context: PartContext): Part {
  switch (textField(block, 'type') ?? '') {
    case 'text':
      return withRest(textPart(block, id), block, ['text'])
    case 'thinking':
      return withRest(reasoningPart(block, id), block, ['thinking', 'signature'])
    case 'redacted_thinking':
      return { id, type: 'reasoning', text: '', encrypted: textField(block, 'data') ?? '' }
    case 'tool_use':
      return withRest(toolCall(block, id), block, ['id', 'name', 'input', 'caller'])
    case 'tool_result':
      return toolResult(block, id, context)
    case 'image':
    case 'document':
      return filePart(block, id, context) ?? blockPart(block, id)
    default:
      return blockPart(block, id)
  }
}

function blockPart(block: JsonObject, id: string): Part {
  return { id, type: 'data', name: BLOCK, data: block }
}

function textPart(block: JsonObject, id: string): TextPart {
  return { id, type: 'text', text: textField(block, 'text') ?? '' }
}

function reasoningPart(block: JsonObject, id: string): Known<'reasoning'> {
  const signature = textField(block, 'signature')
  const text = textField(block, 'thinking') ?? ''
  return { id, type: 'reasoning', text, ...(signature === undefined ? {} : { signature }) }
}

function toolCall(block: JsonObject, id: string): Known<'tool-call'> {
  const callId = textField(block, 'id') ?? NO_CALL_ID
  return { id, type: 'tool-call', callId, name: textField(block, 'name') ?? 'unknown', input: block['input'] ?? {} }
}

function toolResult(block: JsonObject, id: string, context: PartContext): ToolResultPart {
  const callId = textField(block, 'tool_use_id') ?? NO_CALL_ID
  const base = { id, type: 'tool-result', callId, name: context.toolName(callId) } as const
  const content = block['content']
  const isError = block['is_error'] === true
  // The text of an error is its message; it is not written twice.
  if (isError && typeof content === 'string') return { ...base, error: { message: content } }
  const body = resultBody(content, id, context)
  return isError
    ? { ...base, ...body, error: { message: textsOf(content) || 'the tool failed' } }
    : { ...base, ...body }
}

/** Texts and images are content, and a string that is so long that it goes to files; anything else a tool may answer is output, as it is. */
function resultBody(
  content: Json | undefined,
  id: string,
  context: PartContext,
): Pick<ToolResultPart, 'output' | 'content'> {
  if (content === undefined) return {}
  if (typeof content === 'string' && content.length > MAX_INLINE_CHARS)
    return { content: [{ id: `${id}.0`, type: 'text', text: content }] }
  if (!isArray(content)) return { output: content }
  const parts: (TextPart | FilePart)[] = []
  for (const [index, item] of content.entries()) {
    const part = contentPart(asObject(item) ?? {}, `${id}.${index}`, context)
    if (part === undefined) return { output: withoutImages(content, context) }
    parts.push(part)
  }
  return { content: parts }
}

function contentPart(block: JsonObject, id: string, context: PartContext): TextPart | FilePart | undefined {
  if (block['type'] === 'text') return textPart(block, id)
  return block['type'] === 'image' ? filePart(block, id, context) : undefined
}

function textsOf(content: Json | undefined): string {
  if (content === undefined || !isArray(content)) return ''
  return content.map((item) => textField(asObject(item) ?? {}, 'text') ?? '').join('\n')
}

/** A list of blocks with its images put into files, so that no base64 is left in the log. */
function withoutImages(content: Json, context: PartContext): Json {
  if (!isArray(content)) return content
  const out: Json[] = []
  for (const item of content) {
    const block = asObject(item)
    const file = block?.['type'] === 'image' ? filePart(block, context.key, context) : undefined
    if (file?.file === undefined) out.push(item)
    else out.push({ type: 'image', file: file.file, mediaType: file.mediaType })
  }
  return out
}

/** An image or document, as it was stored if it is inline; undefined if its source makes no sense. */
function filePart(block: JsonObject, id: string, { files }: PartContext): FilePart | undefined {
  const stored = files.get(block)
  if (stored !== undefined) return { ...stored, id }
  const url = textField(objectField(block, 'source') ?? {}, 'url')
  if (url === undefined) return undefined
  const name = textField(block, 'title')
  const named = name === undefined ? {} : { name }
  return { id, type: 'file', mediaType: block['type'] === 'image' ? 'image/*' : 'application/pdf', ...named, url }
}

function bytesOf(source: JsonObject): Uint8Array | undefined {
  const data = textField(source, 'data')
  if (data === undefined) return undefined
  if (source['type'] === 'text') return new TextEncoder().encode(data)
  return bytesOfBase64(data)
}

/** A part with the fields of its block that it has no place for. */
function withRest<P extends Part>(part: P, block: JsonObject, known: readonly string[]): P {
  const isRest = (name: string): boolean =>
    name !== 'type' && name !== 'cache_control' && block[name] !== null && !known.includes(name)
  // Nearly every block has none: nothing is made to know that.
  for (const name in block) {
    if (!isRest(name)) continue
    const rest = Object.entries(block).filter(([each]) => isRest(each))
    return { ...part, providerMetadata: { anthropic: Object.fromEntries(rest) } }
  }
  return part
}
