/**
 * Parts of opencode → parts of foldlog.
 *
 * A part keeps its id; the result of a tool part is a second one, `<id>:result`. What opencode has a part for and foldlog has not
 * (steps, patches, snapshots, agents, sub-tasks, retries, and types to come) is kept as it is, in `data` parts named
 * `opencode.<type>`.
 *
 * Provider metadata of opencode is that of the AI SDK, as foldlog's is.
 */
import { asObject, isSet, msField, objectField, restOf, textField } from '../fields.ts'
import { isArray, type Json, type JsonObject } from '../../json.ts'
import { MAX_INLINE_CHARS } from '../../line.ts'
import type { CompactionPart, FilePart, Part, Status, TextPart, ToolResultPart } from '../../message.ts'
import { signedFrom } from '../../messages/ai-sdk.ts'
import { fileAt } from '../attachments.ts'
import type { FileDestination } from '../destination.ts'

/** The name of the format in `source`, and the first word of its event types. */
export const FORMAT = 'opencode'

/** What the parts of a message need to know. */
export interface PartContext {
  readonly files: FileDestination
  /** Of a message that is the summary of a compaction: the id of the first message that is kept besides; `null`: none is. */
  readonly summary: { readonly from: string | null } | undefined
  /** Told of fields that are left out. */
  readonly onDropped: (name: string, reason: string) => void
}

/** A message's parts, and the newest time that they name. */
export interface Parts {
  readonly parts: readonly Part[]
  readonly lastMs: number | undefined
}

/** Fields of all parts that are said otherwise. */
const FRAME: ReadonlySet<string> = new Set(['id', 'sessionID', 'messageID', 'type'])
const TEXT_FIELDS = new Set([...FRAME, 'text', 'metadata', 'synthetic'])
const FILE_FIELDS = new Set([...FRAME, 'mime', 'filename', 'url'])
const TOOL_FIELDS = new Set([...FRAME, 'callID', 'tool', 'state', 'metadata'])
const STATE_FIELDS = new Set(['status', 'input', 'raw', 'output', 'error', 'title', 'attachments'])
/** Tool states whose end is still to come. */
const OPEN_STATES: ReadonlyMap<string, Status> = new Map([
  ['pending', 'pending'],
  ['running', 'in_progress'],
])
const REPEATED_OUTPUT = 'says the output of the tool again'

/** The parts of a message, in the order of their ids, which is opencode's. */
export async function partsOf(values: readonly JsonObject[], context: PartContext): Promise<Parts> {
  const named = values.map((value, at) => (textField(value, 'id') === undefined ? { ...value, id: `#${at}` } : value))
  const ordered = named.sort((a, b) => (idOf(a) < idOf(b) ? -1 : idOf(a) > idOf(b) ? 1 : 0))
  const parts: Part[] = []
  for (const value of ordered) {
    if (value['type'] === 'tool') parts.push(...(await toolParts(value, context)))
    else parts.push(await partOf(value, context))
  }
  const times = ordered.flatMap(timesOf)
  return {
    parts: context.summary === undefined ? parts : summarized(parts, context.summary.from),
    // One by one: there may be more than a call has arguments.
    lastMs: times.length === 0 ? undefined : times.reduce((a, b) => Math.max(a, b)),
  }
}

function idOf(value: JsonObject): string {
  return textField(value, 'id') ?? ''
}

/** When a part, or the call in it, began, ended, or was taken out of the model's view. */
function timesOf(value: JsonObject): readonly number[] {
  const places = [objectField(value, 'time'), objectField(objectField(value, 'state') ?? {}, 'time')]
  return places.flatMap((time) =>
    ['created', 'start', 'end', 'compacted'].flatMap((name) => (time === undefined ? [] : (msField(time, name) ?? []))),
  )
}

async function partOf(value: JsonObject, context: PartContext): Promise<Part> {
  const id = idOf(value)
  switch (textField(value, 'type') ?? '') {
    case 'text':
      // What is shown, but was never sent, is no text for a model.
      return isSet(value, 'ignored') ? dataPart(value) : textPart(value)
    case 'reasoning': {
      const { metadata } = value
      return {
        id,
        type: 'reasoning',
        text: stringOf(value['text']),
        ...signedFrom(metadata, {}, id),
        ...withRest(value, TEXT_FIELDS),
      }
    }
    case 'file':
      return filePart(value, id, context)
    default:
      return dataPart(value)
  }
}

function dataPart(value: JsonObject): Part {
  const type = textField(value, 'type') ?? 'part'
  return { id: idOf(value), type: 'data', name: `${FORMAT}.${type}`, data: restOf(value, FRAME) }
}

function textPart(value: JsonObject): TextPart {
  const { metadata } = value
  const rest = { ...(isSet(value, 'synthetic') ? { synthetic: true } : {}), ...restOf(value, TEXT_FIELDS) }
  return {
    id: idOf(value),
    type: 'text',
    text: stringOf(value['text']),
    ...(metadata === undefined ? {} : { providerMetadata: metadata }),
    ...(Object.keys(rest).length === 0 ? {} : { metadata: rest }),
  }
}

async function filePart(value: JsonObject, id: string, { files }: PartContext): Promise<Part> {
  const part = await fileOf(value, id, files)
  return part === undefined ? dataPart(value) : { ...part, ...withRest(value, FILE_FIELDS) }
}

/** A file, or an attachment of a tool; undefined where its URL makes no sense. */
async function fileOf(value: JsonObject, id: string, files: FileDestination): Promise<FilePart | undefined> {
  const name = textField(value, 'filename')
  const mediaType = textField(value, 'mime') ?? 'application/octet-stream'
  return fileAt(files, { id, mediaType, ...(name === undefined ? {} : { name }) }, textField(value, 'url') ?? '')
}

/** The call, and what came of it, once that is known. */
async function toolParts(value: JsonObject, context: PartContext): Promise<readonly Part[]> {
  const id = idOf(value)
  const state = objectField(value, 'state') ?? {}
  const callId = textField(value, 'callID') ?? id
  const name = textField(value, 'tool') ?? 'unknown'
  const open = OPEN_STATES.get(textField(state, 'status') ?? '')
  const raw = textField(state, 'raw')
  const { metadata } = value
  const call: Part = {
    id,
    type: 'tool-call',
    callId,
    name,
    input: state['input'] ?? {},
    ...(raw === undefined || open === undefined ? {} : { rawInput: raw }),
    ...(open === undefined ? {} : { status: open }),
    ...(metadata === undefined ? {} : { providerMetadata: metadata }),
    ...withRest(value, TOOL_FIELDS),
  }
  return open === undefined
    ? [call, await toolResult(state, { id: `${id}:result`, type: 'tool-result', callId, name }, context)]
    : [call]
}

async function toolResult(
  state: JsonObject,
  base: Pick<ToolResultPart, 'id' | 'type' | 'callId' | 'name'>,
  context: PartContext,
): Promise<ToolResultPart> {
  const title = textField(state, 'title')
  const rest = withoutRepeats(restOf(state, STATE_FIELDS), state['output'], context)
  const isError = state['status'] === 'error'
  return {
    ...base,
    ...(title === undefined ? {} : { title }),
    ...(await resultBody(state, base.id, context)),
    ...(isError ? { error: { message: stringOf(state['error']) || 'the tool failed' } } : {}),
    ...(Object.keys(rest).length === 0 ? {} : { metadata: rest }),
  }
}

/** What the tool said; with its attachments, and where it is so long that it goes to files, as content. */
async function resultBody(
  state: JsonObject,
  id: string,
  { files }: PartContext,
): Promise<Pick<ToolResultPart, 'output' | 'content'>> {
  const { output } = state
  const attached = isArray(state['attachments'] ?? null) ? (state['attachments'] as readonly Json[]) : []
  const isLong = typeof output === 'string' && output.length > MAX_INLINE_CHARS
  if (attached.length === 0 && !isLong) return output === undefined ? {} : { output }
  const content: (TextPart | FilePart)[] = []
  if (output !== undefined) {
    content.push({ id: `${id}.0`, type: 'text', text: typeof output === 'string' ? output : JSON.stringify(output) })
  }
  for (const [index, item] of attached.entries()) {
    const file = await fileOf(asObject(item) ?? {}, `${id}.${index + 1}`, files)
    content.push(file ?? { id: `${id}.${index + 1}`, type: 'text', text: JSON.stringify(item) })
  }
  return { content }
}

/** A shell's metadata has its output once more. */
function withoutRepeats(rest: JsonObject, output: Json | undefined, { onDropped }: PartContext): JsonObject {
  const metadata = objectField(rest, 'metadata')
  if (metadata === undefined || typeof output !== 'string' || metadata['output'] !== output || output === '')
    return rest
  onDropped('state.metadata.output', REPEATED_OUTPUT)
  return { ...rest, metadata: restOf(metadata, new Set(['output'])) }
}

/** The texts of a summary stand for what came before it, as one part. */
function summarized(parts: readonly Part[], from: string | null): readonly Part[] {
  const texts = parts.filter((part): part is TextPart => part.type === 'text')
  const [first] = texts
  if (first === undefined) return parts
  const { id, metadata, providerMetadata } = first
  const summary: CompactionPart = {
    id,
    type: 'compaction',
    text: texts.map(({ text }) => text).join('\n\n'),
    ...(from === null ? {} : { from }),
    ...(metadata === undefined ? {} : { metadata }),
    ...(providerMetadata === undefined ? {} : { providerMetadata }),
  }
  return parts.flatMap((part) => (part === first ? [summary] : part.type === 'text' ? [] : [part]))
}

function stringOf(value: Json | undefined): string {
  return typeof value === 'string' ? value : ''
}

/** What a part has no field for. */
function withRest(value: JsonObject, known: ReadonlySet<string>): { readonly metadata?: JsonObject } {
  const rest = restOf(value, known)
  return Object.keys(rest).length === 0 ? {} : { metadata: rest }
}
