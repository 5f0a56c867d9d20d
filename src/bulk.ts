/**
 * Big content out of lines and into files, before a line is written: docs/format.md §2.
 *
 * What comes out depends on the content alone, so that the same event is the same line whoever writes it. Loaded with the first line that is
 * long enough to hold something big.
 */
import type { Backend } from './backend.ts'
import { putFile } from './files.ts'
import { isArray, type Json, type JsonObject } from './json.ts'
import { BATCH, batchOf, MAX_INLINE_CHARS, type InnerEvent, type Line } from './line.ts'

/** Base64 of either alphabet, with or without padding and white space. */
const BASE64 = /^[\w+/\s-]*={0,2}\s*$/
/** What a text of a tool result is stored as. */
export const TEXT_TYPE = 'text/plain'

/** The line with what is big in it stored, durably before it resolves where the backend is durable; the same line if nothing is. */
export async function slimLine(backend: Backend, namespace: string, line: Line): Promise<Line> {
  const mover = new Mover(backend, namespace)
  if (line.type !== BATCH) {
    const data = await mover.data(line)
    return data === line.data ? line : { ...line, data }
  }
  const events = await mover.each(batchOf(line), async (event) => {
    const data = await mover.data(event)
    return data === event.data ? event : { ...event, data }
  })
  return events === batchOf(line) ? line : { ...line, data: events as unknown as Json }
}

class Mover {
  readonly #backend: Backend
  readonly #namespace: string

  constructor(backend: Backend, namespace: string) {
    this.#backend = backend
    this.#namespace = namespace
  }

  /** The data of an event. What has no parts stays as it is. */
  async data({ type, data }: InnerEvent): Promise<Json> {
    if (!isObject(data)) return data
    if (type === 'message.created') return this.#within(data, 'parts')
    if (type !== 'part.updated' || !isObject(data['part'])) return data
    const part = await this.#part(data['part'])
    return part === data['part'] ? data : { ...data, part }
  }

  /** What `change` makes of each item, one after the other; the same list if it changes none. */
  async each<T>(items: readonly T[], change: (item: T) => Promise<T>): Promise<readonly T[]> {
    const changed: T[] = []
    for (const item of items) changed.push(await change(item))
    return changed.some((item, index) => item !== items[index]) ? changed : items
  }

  /** An object with the parts in one of its fields. */
  async #within(holder: JsonObject, field: string): Promise<JsonObject> {
    const parts = holder[field]
    if (parts === undefined || !isArray(parts)) return holder
    const slim = await this.each(parts, (part) => this.#part(part, field === 'content'))
    return slim === parts ? holder : { ...holder, [field]: slim }
  }

  async #part(part: Json, isResult = false): Promise<Json> {
    if (!isObject(part)) return part
    const { type, replacement } = part
    if (type === 'file') return this.#file(part)
    if (type === 'text') return isResult ? this.#text(part) : part
    if (type === 'tool-result') return this.#within(part, 'content')
    if (type !== 'compaction' || replacement === undefined || !isArray(replacement)) return part
    const slim = await this.each(replacement, async (message) =>
      isObject(message) ? this.#within(message, 'parts') : message,
    )
    return slim === replacement ? part : { ...part, replacement: slim }
  }

  async #file(part: JsonObject): Promise<JsonObject> {
    const { data, file: _, sizeBytes: __, ...rest } = part
    if (!isBig(data) || !BASE64.test(data)) return part
    const { mediaType } = part
    const type = typeof mediaType === 'string' ? mediaType : ''
    return this.#stored(rest, Buffer.from(data, 'base64'), type)
  }

  async #text(part: JsonObject): Promise<JsonObject> {
    const { text, type: _, ...rest } = part
    if (!isBig(text)) return part
    return this.#stored({ ...rest, type: 'file', mediaType: TEXT_TYPE }, Buffer.from(text), TEXT_TYPE)
  }

  async #stored(part: JsonObject, bytes: Uint8Array, mediaType: string): Promise<JsonObject> {
    const { file, sizeBytes } = await putFile(this.#backend, this.#namespace, bytes, mediaType)
    return { ...part, file, sizeBytes }
  }
}

function isBig(value: Json | undefined): value is string {
  return typeof value === 'string' && value.length > MAX_INLINE_CHARS
}

function isObject(value: Json | undefined): value is JsonObject {
  return typeof value === 'object' && value !== null && !isArray(value)
}
