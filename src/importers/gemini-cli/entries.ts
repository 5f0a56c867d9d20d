/**
 * What a file of Gemini CLI says, in its order, whichever layout it has: lines, or one document.
 *
 * Lines are told as Gemini CLI tells them: by `$rewindTo`, then by an `id`, then by `$set`, then by what a header has.
 */
import { asObject, restOf, textField } from '../fields.ts'
import { isArray, type JsonObject } from '../../json.ts'
import { JsonMembers, type FoundMembers, type Member } from '../json-members.ts'
import type { SourceFile } from '../source-file.ts'

/** The name of the list of messages, in documents and in `$set`. */
export const LIST = 'messages'

/** Something that a file says. Every message has an `id`. */
export type Entry =
  | { readonly kind: 'header'; readonly fields: JsonObject }
  | { readonly kind: 'message'; readonly record: JsonObject; readonly sizeBytes: number }
  | { readonly kind: 'list'; readonly records: readonly JsonObject[]; readonly sizeBytes: number }
  | { readonly kind: 'rewind'; readonly id: string }

const NO_MESSAGE = 'neither a message nor anything known besides'

/** Whether an object has what every session begins with. */
export function isHeader(record: JsonObject): boolean {
  return textField(record, 'sessionId') !== undefined && textField(record, 'projectHash') !== undefined
}

/** The entries of a file of lines. `isFirst`: what it holds is counted in its report. */
export async function* entriesOfLines(file: SourceFile, isFirst: boolean): AsyncGenerator<Entry> {
  for await (const records of file.records()) {
    for (const { value, sizeBytes } of records) {
      const entries = entriesIn(value, sizeBytes)
      if (isFirst) countRecord(file, labelOf(value), entries.length > 0)
      yield* entries
    }
  }
}

/** The entries of a document. */
export async function* entriesOfDocument(file: SourceFile, isFirst: boolean): AsyncGenerator<Entry> {
  const reader = new JsonMembers(LIST)
  let messages = 0
  const found = function* ({ members, unreadable }: FoundMembers): Generator<Entry> {
    if (isFirst) for (const each of unreadable) file.ledger.reject(each)
    for (const member of members) {
      const entry = member.isItem ? messageIn(member, messages++) : headerIn(member)
      if (isFirst && member.isItem) countRecord(file, labelOf(asObject(member.value) ?? {}), entry !== undefined)
      if (entry !== undefined) yield entry
    }
  }
  for await (const chunk of file.chunks()) yield* found(reader.feed(chunk))
  yield* found(reader.end())
}

function countRecord({ ledger }: SourceFile, label: string, isKnown: boolean): void {
  ledger.count(label)
  if (!isKnown) ledger.drop(label, NO_MESSAGE)
}

/** What a record is called in the report: a message by its type. */
function labelOf(record: JsonObject): string {
  if (textField(record, '$rewindTo') !== undefined) return '$rewindTo'
  if (textField(record, 'id') !== undefined) return textField(record, 'type') ?? 'message'
  if (asObject(record['$set']) !== undefined) return '$set'
  return isHeader(record) ? 'header' : (textField(record, 'type') ?? '(none)')
}

/** What a line says; nothing, if it is of no known kind. */
function entriesIn(record: JsonObject, sizeBytes: number): readonly Entry[] {
  const rewind = textField(record, '$rewindTo')
  if (rewind !== undefined) return [{ kind: 'rewind', id: rewind }]
  if (textField(record, 'id') !== undefined) return [{ kind: 'message', record, sizeBytes }]
  const set = asObject(record['$set'])
  if (set === undefined) return isHeader(record) ? [{ kind: 'header', fields: record }] : []
  const header: Entry = { kind: 'header', fields: restOf(set, new Set([LIST])) }
  const list = set[LIST]
  if (list === undefined || !isArray(list)) return [header]
  const messages = list.map(asObject).filter((item) => item !== undefined)
  const records = messages.filter((message) => textField(message, 'id') !== undefined)
  return [header, { kind: 'list', records, sizeBytes }]
}

function headerIn({ name, value }: Member): Entry {
  return { kind: 'header', fields: { [name]: value } }
}

/** A message of a document; one without an id has its place as one. */
function messageIn({ value, sizeBytes }: Member, place: number): Entry | undefined {
  const record = asObject(value)
  if (record === undefined) return undefined
  const id = textField(record, 'id') ?? `#${place}`
  return { kind: 'message', record: { ...record, id }, sizeBytes }
}
