/**
 * The content of a message → parts, by its `content_type`.
 *
 * Pictures, sounds and uploads are pointers into the archive that the export is part of: their parts have the pointer as `url`.
 * Content that foldlog has no part for is kept as it is, in `data` parts named `chatgpt.content`. Everything in this file is pure.
 */
import type { Json, JsonObject } from '../../json.ts'
import type { ErrorInfo, FilePart, Part, TextPart } from '../../message.ts'
import { asObject, countField, fieldsBut, listField, objectField, textField } from '../fields.ts'
import { asJson } from '../lines.ts'
import { objectsOf } from '../values.ts'

/** The name of `data` parts that hold content as it is. */
export const CONTENT = 'chatgpt.content'

/** What a message that calls a tool, or is its result, holds. */
export interface Body {
  readonly content?: readonly (TextPart | FilePart)[]
  readonly output?: Json
  readonly error?: ErrorInfo
}

/** The parts of a message that is no call and no result. */
export function partsOf(message: JsonObject): readonly Part[] {
  const content = objectField(message, 'content') ?? {}
  const pointed = new Set<string>()
  const parts = contentParts(content)
  for (const part of parts) if (part.type === 'file' && part.url !== undefined) pointed.add(idOf(part.url))
  const uploads = objectsOf(objectField(message, 'metadata')?.['attachments'])
  const files = uploads.map((upload, index) => uploadPart(upload, `attachment-${index}`))
  return [...parts, ...files.filter(({ url }) => url === undefined || !pointed.has(idOf(url)))]
}

/** The text of a message, as a tool is given it. */
export function textOf(content: JsonObject): string {
  const text = textField(content, 'text')
  if (text !== undefined) return text
  return (listField(content, 'parts') ?? []).filter((part) => typeof part === 'string').join('\n')
}

/** What a tool answered. */
export function resultOf(content: JsonObject): Body {
  switch (textField(content, 'content_type') ?? '') {
    case 'text':
    case 'code':
    case 'execution_output':
      return { output: textOf(content) }
    case 'system_error': {
      const code = textField(content, 'name')
      return {
        error: { message: textField(content, 'text') ?? 'the tool failed', ...(code === undefined ? {} : { code }) },
      }
    }
    case 'multimodal_text': {
      const parts = contentParts(content)
      const shown = parts.filter((part) => part.type === 'text' || part.type === 'file')
      return shown.length === parts.length ? { content: shown } : { output: content }
    }
    default:
      return { output: content }
  }
}

function contentParts(content: JsonObject): readonly Part[] {
  switch (textField(content, 'content_type') ?? '') {
    case 'text':
    case 'multimodal_text':
      return (listField(content, 'parts') ?? []).flatMap((part, index) => partOf(part, String(index)))
    case 'code':
    case 'execution_output':
    case 'system_error':
      return textPart('text', textOf(content))
    case 'thoughts':
      return thoughts(content)
    case 'reasoning_recap':
      return [{ id: 'recap', type: 'reasoning', text: textField(content, 'content') ?? textOf(content) }]
    case 'user_editable_context':
      return ['user_profile', 'user_instructions'].flatMap((name) => textPart(name, textField(content, name) ?? ''))
    case 'model_editable_context':
      return textPart('model_set_context', textField(content, 'model_set_context') ?? '')
    default:
      return Object.keys(content).length === 0 ? [] : [{ id: 'content', type: 'data', name: CONTENT, data: content }]
  }
}

function textPart(id: string, text: string): readonly TextPart[] {
  return text === '' ? [] : [{ id, type: 'text', text }]
}

/** What the model thought: a list with a heading and a text each, or texts alone. */
function thoughts(content: JsonObject): readonly Part[] {
  const items = listField(content, 'thoughts') ?? listField(content, 'parts') ?? []
  return items.flatMap((item, index): Part[] => {
    const thought = asObject(item) ?? { content: item }
    const summary = textField(thought, 'summary')
    const text = textField(thought, 'content') ?? summary
    if (text === undefined) return []
    const heading = summary === undefined ? {} : { providerMetadata: { chatgpt: { summary } } }
    return [{ id: String(index), type: 'reasoning', text, ...heading }]
  })
}

function partOf(item: Json, id: string): readonly Part[] {
  if (typeof item === 'string') return textPart(id, item)
  const part = asObject(item)
  if (part === undefined) return item === null ? [] : [{ id, type: 'data', name: CONTENT, data: item }]
  switch (textField(part, 'content_type') ?? '') {
    case 'audio_transcription':
      return [{ id, type: 'text', text: textField(part, 'text') ?? '', ...restOf(part, ['content_type', 'text']) }]
    case 'image_asset_pointer':
      return [pointerPart(part, id, 'image/*')]
    case 'audio_asset_pointer':
      return [pointerPart(part, id, 'audio/*')]
    case 'video_container_asset_pointer':
      return [pointerPart(part, id, 'video/*')]
    default:
      return [{ id, type: 'data', name: CONTENT, data: part }]
  }
}

function pointerPart(part: JsonObject, id: string, mediaType: string): FilePart {
  const url = textField(part, 'asset_pointer')
  const sizes = { sizeBytes: count(part, 'size_bytes'), width: count(part, 'width'), height: count(part, 'height') }
  const known = ['content_type', 'asset_pointer', 'size_bytes', 'width', 'height']
  return { id, type: 'file', mediaType, ...(url === undefined ? {} : { url }), ...given(sizes), ...restOf(part, known) }
}

/** A file that the user gave along. Its fields stay in the metadata of the message. */
function uploadPart(upload: JsonObject, id: string): FilePart {
  const file = textField(upload, 'file_id') ?? textField(upload, 'id')
  const name = textField(upload, 'name')
  return {
    id,
    type: 'file',
    mediaType: textField(upload, 'mime_type') ?? 'application/octet-stream',
    ...(name === undefined ? {} : { name }),
    ...(file === undefined ? {} : { url: `file-service://${file}` }),
    ...given({ sizeBytes: count(upload, 'size'), width: count(upload, 'width'), height: count(upload, 'height') }),
  }
}

/** The id of a file in a pointer: `sediment://file_123#…` → `file_123`. */
export function idOf(url: string): string {
  return /^[a-z-]+:\/\/([^#?/]+)/.exec(url)?.[1] ?? url
}

function count(object: JsonObject, name: string): number | undefined {
  const value = countField(object, name)
  return Number.isSafeInteger(value) ? value : undefined
}

function given(
  sizes: Readonly<Record<'sizeBytes' | 'width' | 'height', number | undefined>>,
): Partial<Record<'sizeBytes' | 'width' | 'height', number>> {
  return Object.fromEntries(Object.entries(sizes).filter(([, value]) => value !== undefined))
}

/** The fields that a part has no place for. */
function restOf(part: JsonObject, known: readonly string[]): { providerMetadata?: JsonObject } {
  const rest = fieldsBut(part, new Set(known))
  return Object.keys(rest).length === 0 ? {} : { providerMetadata: asJson({ chatgpt: rest }) }
}
