/**
 * The document that `opencode export` writes: `{"info":{…},"messages":[{"info":{…},"parts":[…]},…]}`.
 *
 * It is read twice: once for what its messages are called and where they lie, and then message by message.
 */
import { asObject, objectField, textField } from '../fields.ts'
import { isArray, type Json, type JsonObject } from '../../json.ts'
import { JsonMembers, type FoundMembers } from '../json-members.ts'
import { objectsOf } from '../jsonl.ts'
import type { Run } from '../run.ts'
import { changedMeanwhile, type SourceFile } from '../source-file.ts'
import { inOrder, writeSession, type StoredMessage } from './session.ts'

const LIST = 'messages'

interface Place {
  readonly offset: number
  readonly sizeBytes: number
}

/** What the first reading of a document found. */
interface Index {
  info: JsonObject | undefined
  readonly places: Map<string, Place>
}

/** Imports the session of an exported document. */
export async function importDocument(file: SourceFile, run: Run): Promise<void> {
  const index: Index = { info: undefined, places: new Map() }
  const reader = new JsonMembers(LIST)
  for await (const chunk of file.chunks()) take(reader.feed(chunk), index, file)
  take(reader.end(), index, file)
  const { info, places } = index
  const sessionId = textField(info ?? {}, 'id')
  if (sessionId === undefined) return
  file.ledger.count('session')
  const load = async (id: string): Promise<StoredMessage> => messageAt(file, id, places.get(id)!)
  await writeSession(file, { sessionId, info, messageIds: inOrder(places.keys()), load }, run)
}

function take({ members, unreadable }: FoundMembers, index: Index, { ledger }: SourceFile): void {
  for (const each of unreadable) ledger.reject(each)
  for (const { name, isItem, value, offset, sizeBytes } of members) {
    if (name === 'info' && !isItem) index.info = asObject(value)
    if (!isItem) continue
    const id = textField(objectField(asObject(value) ?? {}, 'info') ?? {}, 'id')
    if (id === undefined) ledger.drop('message', 'it has no id')
    else if (index.places.has(id)) ledger.drop('repeat:message', 'an earlier message has the same id')
    else index.places.set(id, { offset, sizeBytes })
  }
}

async function messageAt(file: SourceFile, id: string, { offset, sizeBytes }: Place): Promise<StoredMessage> {
  const values = objectsOf(await file.bytes(offset, sizeBytes))
  const message = typeof values === 'string' ? undefined : values[0]
  const info = objectField(message ?? {}, 'info')
  const parts = message?.['parts'] ?? []
  // The first reading has found it here.
  if (info === undefined || textField(info, 'id') !== id) throw changedMeanwhile(file.path)
  return { info, parts: objectsIn(parts), sizeBytes }
}

function objectsIn(value: Json): readonly JsonObject[] {
  if (!isArray(value)) return []
  return value.map(asObject).filter((item) => item !== undefined)
}
