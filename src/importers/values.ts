/**
 * Files whose sessions are values of JSON: one on each line, or the elements of a document of any size.
 */
import { canonicalJson, isArray, type Json, type JsonObject } from '../json.ts'
import { asObject } from './fields.ts'
import type { Sample } from './format.ts'
import { JsonElements, type JsonElement } from './json-elements.ts'
import { digest } from './mint.ts'
import type { SourceFile } from './source-file.ts'

const SLICE_BYTES = 64 * 1024

/** A value of a file. */
export interface SourceValue {
  readonly value: JsonObject | readonly Json[]
  /** 0-based: which of the values at the top it is, or is in. */
  readonly document: number
  /** Whether it is an item of a list at the top. */
  readonly isItem: boolean
  readonly sizeBytes: number
}

/** Who values are that have no id: known by all they say, and of copies in the same file by which of them it is. */
export class ContentIds {
  readonly #copies = new Map<string, number>()

  of(value: Json): { readonly id: string; readonly identity: readonly string[] } {
    const id = `sha256-${digest(canonicalJson(value))}`
    const copy = this.#copies.get(id) ?? 0
    this.#copies.set(id, copy + 1)
    return { id, identity: copy === 0 ? [id] : [id, String(copy)] }
  }
}

/** All values of a file from its beginning, some at a time; once. Lines are counted where there is an object on each. */
export async function* valuesOf(file: SourceFile): AsyncGenerator<readonly SourceValue[]> {
  if (!(await hasLines(file))) {
    yield* file.elements()
    return
  }
  for await (const records of file.records()) {
    yield records.map(({ ordinal, value, sizeBytes }) => ({ value, document: ordinal, isItem: false, sizeBytes }))
  }
}

/** The first values of a file, as far as its beginning shows any. */
export function firstValues({ head }: Sample): readonly SourceValue['value'][] {
  const bytes = Buffer.from(head)
  const document = new JsonElements()
  let found: readonly JsonElement[] = []
  for (let at = 0; at < bytes.length && found.length === 0; at += SLICE_BYTES) {
    found = document.feed(bytes.subarray(at, at + SLICE_BYTES)).elements
  }
  return found.map(({ value }) => value)
}

/** The objects of a list; other items are left out. */
export function objectsOf(list: Json | undefined): readonly JsonObject[] {
  if (list === undefined || !isArray(list)) return []
  return list.flatMap((item): readonly JsonObject[] => {
    const object = asObject(item)
    return object === undefined ? [] : [object]
  })
}

/** Whether the first line is an object and not only the beginning of one. */
async function hasLines(file: SourceFile): Promise<boolean> {
  for await (const chunk of file.chunks()) {
    const line = /\S[^\n]*/.exec(chunk.toString('utf8').replace(/^\uFEFF/, ''))?.[0] ?? ''
    try {
      return asObject(JSON.parse(line) as Json) !== undefined
    } catch {
      // A document over several lines, a line longer than a piece, or damage: read by its elements, all give the same.
      return false
    }
  }
  return false
}
