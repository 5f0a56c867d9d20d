/**
 * The document that `opencode export` writes: `{"info":{…},"messages":[{"info":{…},"parts":[…]},…]}`.
 *
 * It is read twice: once for what its messages are called and where they lie, and then message by message.
 */
import { asObject, objectField, textField } from '../fields.ts'
import { isArray, type Json, type JsonObject } from '../../json.ts'
import { JsonMembers, type FoundMembers } from '../json-members.ts'
import type { Run } from '../run.ts'
import type { SourceFile } from '../source-file.ts'
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
  const load = async (id: string): Promise<StoredMessage | undefined> => messageAt(file, places.get(id)!)
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

async function messageAt(file: SourceFile, { offset, sizeBytes }: Place): Promise<StoredMessage | undefined> {
  // The first reading has parsed it; it is gone only if the file was changed since.
  const text = (await file.bytes(offset, sizeBytes)).toString('utf8')
  const message = asObject(JSON.parse(text))
  const info = objectField(message ?? {}, 'info')
  const parts = message?.['parts'] ?? []
  if (info === undefined) return undefined
  return { info, parts: objectsIn(parts), sizeBytes }
}

function objectsIn(value: Json): readonly JsonObject[] {
  if (!isArray(value)) return []
  return value.map(asObject).filter((item) => item !== undefined)
}
