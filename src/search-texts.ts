/**
 * The texts of a message that are searched: what people wrote and models said, what tools were given and gave back, names and errors. Not ids,
 * metadata, or the bytes of files, but for what was a text in a tool result before it was moved to one.
 *
 * Of JSON each string, number and name is a text of its own. What is given may come from a line as it is, so nothing is taken for granted. Pure.
 */
import { TEXT_TYPE } from './bulk.ts'
import { isArray, type Json, type JsonObject } from './json.ts'
import type { Message, Part } from './message.ts'

export interface Text {
  readonly text: string
  /** The name it has in the object it is in. */
  readonly label?: string
}

/** A text that is not in the line any more, but in a stored file: `sha256-…`, if what is given is right. */
export interface MovedText {
  readonly file: string
}

type Given = Json | Message | Part | undefined

/** The texts of a message itself, without its parts; those of an update of it too. */
export function* textsOfMessage(data: Given): Generator<Text, void> {
  const { statusMessage, error } = objectOf(data)
  yield* textOf(statusMessage)
  yield* textOf(objectOf(error)['message'])
}

export function* textsOfPart(part: Given): Generator<Text | MovedText, void> {
  const fields = objectOf(part)
  switch (fields['type'] as Part['type']) {
    case 'text':
    case 'reasoning':
    case 'compaction':
      yield* textOf(fields['text'])
      break
    case 'file':
      yield* textsOfFile(fields)
      break
    case 'tool-call':
      yield* textOf(fields['name'])
      yield* fields['rawInput'] === undefined ? textsIn(fields['input']) : textOf(fields['rawInput'])
      break
    case 'tool-result':
      yield* textOf(fields['name'])
      yield* textOf(fields['title'])
      yield* textsIn(fields['output'])
      for (const each of listOf(fields['content'])) yield* textsOfContent(objectOf(each))
      yield* textOf(objectOf(fields['error'])['message'])
      break
    case 'data':
      yield* textOf(fields['name'])
      yield* textsIn(fields['data'])
      break
    default:
      // A part that a newer version wrote.
      yield* textsIn(fields)
      return
  }
  yield* textOf(fields['statusMessage'])
}

/** The name of the tool that a part is a call or a result of. */
export function toolOf(part: Given): string | undefined {
  const { name, type } = objectOf(part)
  return (type === 'tool-call' || type === 'tool-result') && typeof name === 'string' ? name : undefined
}

export function listOf(value: Json | undefined): readonly Json[] {
  return value !== undefined && isArray(value) ? value : []
}

export function objectOf(value: Given): JsonObject {
  // Messages and parts are plain JSON, whatever their types say.
  const json = value as Json | undefined
  return typeof json === 'object' && json !== null && !isArray(json) ? json : {}
}

function* textsOfContent(part: JsonObject): Generator<Text | MovedText, void> {
  const { data, file, mediaType, name, statusMessage, type } = part
  const isMoved = type === 'file' && mediaType === TEXT_TYPE && name === undefined && data === undefined
  if (isMoved && typeof file === 'string') {
    yield { file }
    yield* textOf(statusMessage)
  } else yield* textsOfPart(part)
}

function* textsOfFile({ name, url }: JsonObject): Generator<Text, void> {
  yield* textOf(name)
  if (typeof url === 'string' && !url.startsWith('data:')) yield { text: url }
}

function* textOf(value: Json | undefined): Generator<Text, void> {
  if (typeof value === 'string') yield { text: value }
}

function* textsIn(value: Json | undefined, label?: string): Generator<Text, void> {
  // What is too great for a number was written otherwise than it reads.
  if (typeof value === 'string' || (typeof value === 'number' && Number.isFinite(value))) {
    const text = String(value)
    yield label === undefined ? { text } : { text, label }
  } else if (typeof value === 'object' && value !== null) {
    if (isArray(value)) for (const item of value) yield* textsIn(item, label)
    else
      for (const [name, item] of Object.entries(value)) {
        yield { text: name }
        yield* textsIn(item, name)
      }
  }
}
