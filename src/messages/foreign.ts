/**
 * Reading what callers have of another library: objects of any shape. What is no object where one must be is refused; fields that
 * foldlog has no place for are kept beside the part where the target can use them again, and reported where it cannot.
 *
 * Everything in this file is pure.
 */
import { FoldlogError } from '../errors.ts'
import { setOwn, toJson, type Json, type JsonObject } from '../json.ts'
import type { ToolResultPart } from '../message.ts'
import type { MessageInput, PartInput } from '../stamp.ts'
import { base64Of } from './content.ts'
import type { Report } from './loss.ts'
import { isPlain } from './owner.ts'

/** An object of another library, and where it stands in what was given: `messages[3].content[0]`. */
export interface Foreign {
  readonly value: Readonly<Record<string, unknown>>
  readonly path: string
}

/** The items of a list of objects. Throws `INVALID_OPTION` for anything else. */
export function objectsIn(value: unknown, path: string): readonly Foreign[] {
  if (!Array.isArray(value)) throw invalid(path, 'is no list: pass the messages as an array')
  return value.map((item: unknown, at): Foreign => {
    const where = `${path}[${at}]`
    if (!isObject(item)) throw invalid(where, 'is no object: pass messages as the library has them')
    return { value: item, path: where }
  })
}

/** A text, or a list of blocks; nothing for null and undefined. */
export function contentIn({ value, path }: Foreign, name = 'content'): string | readonly Foreign[] {
  const content = value[name]
  if (typeof content === 'string') return content
  return content === undefined || content === null ? [] : objectsIn(content, `${path}.${name}`)
}

export function invalid(path: string, why: string): FoldlogError {
  return new FoldlogError('INVALID_OPTION', `${path} ${why}`, { field: path })
}

export function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

export function textOf(value: unknown): string {
  return typeof value === 'string' ? value : ''
}

/** The id of a call; a call or result without one is still kept. */
export function callIdOf(value: unknown): string {
  return textOf(value) || 'unknown'
}

/** The object under a name; an empty one if there is none. */
export function objectAt({ value, path }: Foreign, name: string): Foreign {
  const found = value[name]
  return { value: isObject(found) ? found : {}, path: `${path}.${name}` }
}

/** Any value as plain JSON; bytes become base64. Throws `INVALID_EVENT` naming the path for what JSON cannot hold. */
export function jsonOf(value: unknown, path: string): Json {
  if (value === undefined) return null
  return toJson(value instanceof Uint8Array ? base64Of(value) : value, path)
}

/**
 * The fields that are neither known nor empty: those of `kept`, as JSON. Others are reported.
 *
 * @param known what the caller takes over itself
 */
export function restOf(from: Foreign, known: readonly string[], kept: readonly string[], report: Report): JsonObject {
  const out = {}
  for (const [name, value] of Object.entries(from.value)) {
    if (value === undefined || known.includes(name)) continue
    if (kept.includes(name)) setOwn(out, name, jsonOf(value, `${from.path}.${name}`))
    else report({ kind: 'dropped', what: 'field', reason: 'foldlog has no field for it', path: `${from.path}.${name}` })
  }
  return out
}

/** `providerMetadata` of a part, or `metadata` of a message; nothing if there is nothing to keep. */
export function under<N extends 'providerMetadata' | 'metadata'>(
  name: N,
  key: string,
  fields: JsonObject,
): { readonly [name in N]?: JsonObject } {
  if (Object.keys(fields).length === 0) return {}
  // The one key is N, which an object literal with a computed key does not say.
  return { [name]: { [key]: fields } } as { [name in N]?: JsonObject }
}

/** A part for a block that foldlog has no word for: kept as it is, for the same target only. */
export function opaquePart(id: string, name: string, { value, path }: Foreign): PartInput {
  const data = jsonOf(value, path)
  return { id, type: 'data', name, data: isPlain(data) ? data : { value: data } }
}

/** The arguments of a call, which models write as text. The text is kept where it is not what JSON.stringify gives. */
export function argumentsOf(text: string): { readonly input: Json; readonly rawInput?: string } {
  let input: Json
  try {
    input = jsonOf(JSON.parse(text), 'arguments')
  } catch {
    // Models write arguments that are no JSON; nothing of them is lost.
    return { input: text, rawInput: text }
  }
  return JSON.stringify(input) === text ? { input } : { input, rawInput: text }
}

/** The arguments of a call of OpenAI, or of a vendor that takes the same and writes them as what they are. */
export function callArguments(call: Foreign, report: Report): { readonly input: Json; readonly rawInput?: string } {
  const given = call.value['arguments']
  if (typeof given !== 'object' || given === null) return argumentsOf(textOf(given))
  const path = `${call.path}.arguments`
  report({ kind: 'changed', what: 'call', reason: 'its arguments go back as a text', path })
  return { input: jsonOf(given, path) }
}

/** A file part for a URL: what is inline in it becomes `data`, so that foldlog can keep it beside the log. */
export function fileAt(
  url: string,
  mediaType: string,
): { type: 'file'; mediaType: string; url?: string; data?: string } {
  const [, type, data] = /^data:([^;,]+);base64,([A-Za-z0-9+/]+={0,2})$/.exec(url) ?? []
  return type === undefined || data === undefined
    ? { type: 'file', mediaType, url }
    : { type: 'file', mediaType: type, data }
}

/** Collects messages, and knows the names of the calls in them. */
export class Inputs {
  readonly messages: MessageInput[] = []
  readonly #names = new Map<string, string>()

  /** Notes the name of a call, for its result. */
  called(callId: string, name: string): void {
    this.#names.set(callId, name)
  }

  /** A result of a call that was noted before. */
  result(id: string, callId: string, fields: Partial<ToolResultPart>): PartInput {
    return { ...fields, id, type: 'tool-result', callId, name: this.#names.get(callId) ?? fields.name ?? 'unknown' }
  }

  add(message: MessageInput): void {
    this.messages.push(message)
  }
}
