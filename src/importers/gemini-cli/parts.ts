/**
 * The content of Gemini CLI's messages → parts.
 *
 * Content is a text, a part of the Gemini API, or a list of both. Thoughts and tool calls, with their results inside, are beside it;
 * they become parts of the same message. Parts of the API that foldlog has none for are kept as they are, in `data` parts named
 * `gemini-cli.part`.
 */
import { asObject, isSet, objectField, restOf, textField } from '../fields.ts'
import { isArray, type Json, type JsonObject } from '../../json.ts'
import { MAX_INLINE_CHARS } from '../../line.ts'
import type { FilePart, Part, Status, TextPart, ToolResultPart } from '../../message.ts'
import { fileAt, filePart } from '../attachments.ts'
import type { FileDestination } from '../destination.ts'

/** The name of the format in `source`, and the first word of its event types. */
export const FORMAT = 'gemini-cli'

const CALL_FIELDS = new Set(['id', 'name', 'args', 'result', 'status', 'resultDisplay'])
/** What a call's status says of it; anything else waits for something. */
const STATUSES: ReadonlyMap<string, Status> = new Map([
  ['success', 'completed'],
  ['error', 'failed'],
  ['cancelled', 'cancelled'],
  ['executing', 'in_progress'],
])

/** All parts of a message. */
export async function partsOf(record: JsonObject, files: FileDestination): Promise<readonly Part[]> {
  return [
    ...listOf(record['thoughts']).map((thought, at) => thoughtPart(asObject(thought) ?? {}, at)),
    ...(await contentParts(record['content'] ?? record['parts'], files)),
    ...(await callParts(listOf(record['toolCalls']), files)),
  ]
}

export function listOf(value: Json | undefined): readonly Json[] {
  return value !== undefined && isArray(value) ? value : []
}

/** Whether a call is still under way. */
export function isOpen(call: JsonObject): boolean {
  const status = STATUSES.get(textField(call, 'status') ?? '')
  return isMissing(call['result']) && (status === undefined || status === 'in_progress')
}

function isMissing(value: Json | undefined): value is null | undefined {
  return value === undefined || value === null
}

function thoughtPart(thought: JsonObject, at: number): Part {
  const subject = textField(thought, 'subject')
  const description = textField(thought, 'description') ?? ''
  const texts = [...(subject === undefined ? [] : [`**${subject}**`]), ...(description === '' ? [] : [description])]
  const metadata = restOf(thought, new Set(['description']))
  return {
    id: `thought:${at}`,
    type: 'reasoning',
    text: texts.join('\n\n'),
    ...(Object.keys(metadata).length === 0 ? {} : { metadata }),
  }
}

async function contentParts(content: Json | undefined, files: FileDestination): Promise<readonly Part[]> {
  if (isMissing(content) || content === '') return []
  if (typeof content === 'string') return [{ id: 'content', type: 'text', text: content }]
  const parts: Part[] = []
  const list = isArray(content) ? content : [content]
  for (const [at, item] of list.entries()) parts.push(await partOf(item, `content:${at}`, files))
  return parts
}

async function partOf(item: Json, id: string, files: FileDestination): Promise<Part> {
  if (typeof item === 'string') return { id, type: 'text', text: item }
  const value = asObject(item) ?? {}
  const text = value['text']
  if (typeof text === 'string')
    return isSet(value, 'thought') ? { id, type: 'reasoning', text } : { id, type: 'text', text }
  const call = objectField(value, 'functionCall')
  if (call !== undefined) {
    const name = textField(call, 'name') ?? 'unknown'
    return { id, type: 'tool-call', callId: textField(call, 'id') ?? name, name, input: call['args'] ?? {} }
  }
  const response = objectField(value, 'functionResponse')
  if (response !== undefined) {
    const name = textField(response, 'name') ?? 'unknown'
    const callId = textField(response, 'id') ?? name
    return resultOf([item], { id, type: 'tool-result', callId, name }, files)
  }
  return (await fileOf(value, id, files)) ?? { id, type: 'data', name: `${FORMAT}.part`, data: item }
}

/** A file, inline or by its URL; undefined if it is none. */
async function fileOf(value: JsonObject, id: string, files: FileDestination): Promise<FilePart | undefined> {
  const inline = objectField(value, 'inlineData')
  const linked = objectField(value, 'fileData')
  const source = inline ?? linked ?? {}
  const name = textField(source, 'displayName')
  const mediaType = textField(source, 'mimeType') ?? 'application/octet-stream'
  const fields = { id, mediaType, ...(name === undefined ? {} : { name }) }
  if (inline !== undefined) return filePart(files, fields, textField(inline, 'data') ?? '')
  return linked === undefined ? undefined : fileAt(files, fields, textField(linked, 'fileUri') ?? '')
}

async function callParts(calls: readonly Json[], files: FileDestination): Promise<readonly Part[]> {
  const parts: Part[] = []
  for (const [at, item] of calls.entries()) {
    const call = asObject(item) ?? {}
    const id = `call:${at}`
    const name = textField(call, 'name') ?? 'unknown'
    const callId = textField(call, 'id') ?? id
    const status = textField(call, 'status')
    const metadata = restOf(call, CALL_FIELDS)
    const result = isMissing(call['result'])
      ? undefined
      : await resultOf(listOrOne(call['result']), { id: `${id}:result`, type: 'tool-result', callId, name }, files)
    const display = isMissing(call['resultDisplay']) ? {} : { resultDisplay: call['resultDisplay'] }
    const more = result === undefined ? { ...metadata, ...display } : metadata
    parts.push({
      id,
      type: 'tool-call',
      callId,
      name,
      input: call['args'] ?? {},
      status: STATUSES.get(status ?? '') ?? 'pending',
      ...(status === 'awaiting_approval' ? { approval: 'requested' } : {}),
      ...(Object.keys(more).length === 0 ? {} : { metadata: more }),
    })
    if (result !== undefined) parts.push(withDisplay(failed(result, status), display))
  }
  return parts
}

function listOrOne(value: Json): readonly Json[] {
  return isArray(value) ? value : [value]
}

/** What Gemini CLI showed of a result, unless that is the result. */
function withDisplay(result: ToolResultPart, display: JsonObject): ToolResultPart {
  const { resultDisplay } = display
  const isNews = resultDisplay !== undefined && resultDisplay !== '' && resultDisplay !== result.output
  return isNews ? { ...result, metadata: { resultDisplay } } : result
}

/** A result of a call that failed says so, whatever it consists of. */
function failed(result: ToolResultPart, status: string | undefined): ToolResultPart {
  if (result.error !== undefined || (status !== 'error' && status !== 'cancelled')) return result
  const message =
    typeof result.output === 'string' && result.output !== '' ? result.output : `the tool has ended with ${status}`
  return { ...result, error: { message } }
}

/** What a tool answered, as parts of the Gemini API. */
async function resultOf(
  items: readonly Json[],
  base: Pick<ToolResultPart, 'id' | 'type' | 'callId' | 'name'>,
  files: FileDestination,
): Promise<ToolResultPart> {
  const { output, error, others } = takenApart(items)
  const isLong = typeof output === 'string' && output.length > MAX_INLINE_CHARS
  if (others.length === 0 && !isLong) {
    return {
      ...base,
      ...(output === undefined ? {} : { output }),
      ...(error === undefined ? {} : { error: { message: error } }),
    }
  }
  const content: (TextPart | FilePart)[] = []
  if (output !== undefined) {
    content.push({
      id: `${base.id}.0`,
      type: 'text',
      text: typeof output === 'string' ? output : JSON.stringify(output),
    })
  }
  for (const item of others) {
    const id = `${base.id}.${content.length}`
    const text = typeof item === 'string' ? item : textField(asObject(item) ?? {}, 'text')
    const file = await fileOf(asObject(item) ?? {}, id, files)
    content.push(file ?? { id, type: 'text', text: text ?? JSON.stringify(item) })
  }
  return { ...base, content, ...(error === undefined ? {} : { error: { message: error } }) }
}

interface Answer {
  readonly output: Json | undefined
  readonly error: string | undefined
  readonly others: readonly Json[]
}

/** The first response is the answer, `output` or `error` of it alone where it has nothing else; what comes with it is content. */
function takenApart(items: readonly Json[]): Answer {
  const at = items.findIndex((item) => objectField(asObject(item) ?? {}, 'functionResponse') !== undefined)
  const others = items.filter((_, index) => index !== at)
  if (at < 0) {
    const [only] = others
    return others.length === 1 && typeof only === 'string'
      ? { output: only, error: undefined, others: [] }
      : { output: undefined, error: undefined, others }
  }
  const response = objectField(asObject(items[at]) ?? {}, 'functionResponse')!
  const all = [...listOf(response['parts']), ...others]
  const value = response['response']
  const fields = asObject(value)
  if (fields === undefined) return { output: value, error: undefined, others: all }
  const error = textField(fields, 'error')
  const names = Object.keys(fields)
  if (names.length === 1 && error !== undefined) return { output: undefined, error, others: all }
  const output = names.length === 1 && typeof fields['output'] === 'string' ? fields['output'] : fields
  return { output, error, others: all }
}
