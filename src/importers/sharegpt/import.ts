/**
 * Imports conversations of ShareGPT's kind, as data sets for training hold them: `{conversations: [{from, value}…]}`, or
 * `{messages: [{role, content}…]}` with `images`, or with `chosen` and `rejected` answers.
 *
 * What becomes what:
 *  - Each turn is one message; a `function_call` is a call, an `observation` its result. A turn of somebody unknown is an event.
 *  - `chosen` and `rejected` are two branches after the turns they share; the chosen one is the head.
 *  - Media are file parts where `<image>` stands in a text; see media.ts.
 *  - Conversations have no ids and no times: see openai-chat/import.ts, it is the same here.
 *  - What else stands beside the turns, `tools` for one, is one event, `sharegpt.record`.
 */
import { isArray, isSameJson, type Json, type JsonObject } from '../../json.ts'
import { chatDrafts, type ChatDraft } from '../chat-messages.ts'
import { asObject, fieldsBut, listField, textField } from '../fields.ts'
import type { Format, Sample } from '../format.ts'
import { asJson } from '../lines.ts'
import type { Run } from '../run.ts'
import type { SessionWriter } from '../session-writer.ts'
import type { SourceFile } from '../source-file.ts'
import { ContentIds, firstValues, valuesOf, type SourceValue } from '../values.ts'
import { Media, MEDIA } from './media.ts'
import { isTurn, OWN_WORDS, Turns, wordOf, type Turn } from './turns.ts'

const FORMAT = 'sharegpt'
const LISTS = ['conversations', 'conversation', 'messages'] as const
const NO_TURNS = 'has no turns'

export const sharegpt: Format = {
  name: FORMAT,
  title: 'ShareGPT',
  extensions: ['.json', '.jsonl'],
  homes: [],
  recognizes,
  import: async (paths, run: Run) => {
    for (const path of paths) await run.file(FORMAT, path, importFile)
  },
}

/** A conversation of the file: the turns all branches share, and those of each. */
interface Conversation {
  readonly trunk: readonly Json[]
  readonly chosen: readonly Json[]
  readonly rejected: readonly Json[]
  /** The fields that are in them. */
  readonly taken: readonly string[]
}

function recognizes(sample: Sample): boolean {
  const values = firstValues(sample)
  if (values.length > 0) return values.some(isOwn)
  // The first conversation goes on behind what was read of the file.
  return /^(?:\[\s*)?\{[^]{0,60000}?"conversations?"\s*:\s*\[\s*\{\s*"(from|value|role|content)"\s*:/.test(
    sample.head.trimStart(),
  )
}

/** Whether a value has what chat completions have not: another name for the turns, media beside them, or alternatives. */
function isOwn(value: SourceValue['value']): boolean {
  const record = asObject(value)
  const conversation = record === undefined ? undefined : conversationOf(record)
  if (record === undefined || conversation === undefined) return false
  const first = conversation.trunk[0] ?? conversation.chosen[0]
  if (!isTurn(first)) return false
  if (listField(record, 'messages') === undefined || textField(asObject(first)!, 'from') !== undefined) return true
  return [...MEDIA, 'rejected'].some((name) => record[name] !== undefined)
}

async function importFile(file: SourceFile): Promise<void> {
  const ids = new ContentIds()
  for await (const values of valuesOf(file)) {
    for (const { value, sizeBytes } of values) {
      const record = asObject(value)
      const conversation = record === undefined ? undefined : conversationOf(record)
      if (record !== undefined && conversation !== undefined) await write(record, conversation, sizeBytes, file, ids)
      else leaveOut(file)
    }
  }
}

function leaveOut({ ledger }: SourceFile): void {
  ledger.count('(none)')
  ledger.drop('(none)', NO_TURNS)
}

function conversationOf(record: JsonObject): Conversation | undefined {
  const name = LISTS.find((each) => listField(record, each) !== undefined)
  const list = name === undefined ? undefined : listField(record, name)
  const [chosen, rejected] = [turnsIn(record['chosen']), turnsIn(record['rejected'])]
  if (list === undefined && chosen.length + rejected.length === 0) return undefined
  // Alternatives that are whole conversations have their beginning in common.
  let shared = 0
  while (shared < chosen.length && shared < rejected.length && isSameJson(chosen[shared]!, rejected[shared]!)) shared++
  const system = textField(record, 'system')
  const trunk = [...(system === undefined ? [] : [{ from: 'system', value: system }]), ...(list ?? [])]
  return {
    trunk: [...trunk, ...chosen.slice(0, shared)],
    chosen: chosen.slice(shared),
    rejected: rejected.slice(shared),
    taken: ['chosen', 'rejected', ...(name === undefined ? [] : [name]), ...(system === undefined ? [] : ['system'])],
  }
}

/** An alternative: one turn, several, or the text of an answer. */
function turnsIn(value: Json | undefined): readonly Json[] {
  if (value === undefined || value === null) return []
  if (typeof value === 'string') return [{ from: 'gpt', value }]
  return isArray(value) ? value : [value]
}

async function write(
  record: JsonObject,
  { trunk, chosen, rejected, taken }: Conversation,
  sizeBytes: number,
  file: SourceFile,
  ids: ContentIds,
): Promise<void> {
  const { ledger } = file
  const all = [...trunk, ...chosen, ...rejected]
  for (const turn of all) ledger.count(wordOf(asObject(turn) ?? {}))
  if (all.length === 0) return leaveOut(file)
  const { id, identity } = ids.of(record)
  const session = await file.session({ identity, sourceId: textField(record, 'id') ?? id, time: 0 })
  session.saw(0, sizeBytes)
  const media = new Media(record, file)
  const speaker = new Turns()
  await writeTurns(session, { prefix: '', turns: trunk, speaker }, media, file)
  const end = session.last
  await writeTurns(session, { prefix: 'chosen ', turns: chosen, speaker: new Turns(speaker) }, media, file)
  const head = session.last
  session.goOnFrom(end)
  await writeTurns(session, { prefix: 'rejected ', turns: rejected, speaker: new Turns(speaker) }, media, file)
  const rest = fieldsBut(record, new Set(media.isPlaced ? [...taken, ...MEDIA] : taken))
  if (Object.keys(rest).length > 0) await session.event('record', 'record', 0, rest)
  await session.close({}, head ?? session.last)
  file.settle()
}

/** Turns that follow each other. */
interface Branch {
  readonly prefix: string
  readonly turns: readonly Json[]
  readonly speaker: Turns
}

/** Writes the turns of a branch, after the message that was written last. */
async function writeTurns(session: SessionWriter, branch: Branch, media: Media, file: SourceFile): Promise<void> {
  const turns = branch.turns.map((value) => branch.speaker.turn(value))
  const drafts = await chatDrafts(
    turns.map(({ message }) => message ?? null),
    file,
  )
  const placed: (ChatDraft | undefined)[] = []
  for (const draft of drafts) placed.push(draft && { ...draft, parts: await media.placed(draft.parts) })
  const first = placed.findIndex((draft) => draft?.role === 'user')
  for (const [index, draft] of placed.entries()) {
    const key = `${branch.prefix}${index}`
    if (draft === undefined) await session.event('turn', key, 0, asJson({ value: branch.turns[index]! }))
    else {
      const parts = [...draft.parts, ...(index === first ? await media.left() : [])]
      await session.message({ ...draft, ...wordIn(turns[index]!, draft), parts, key, time: 0 })
    }
  }
}

/** The source's word for who speaks, where it is not the one of ShareGPT itself. */
function wordIn({ word }: Turn, { metadata }: ChatDraft): Pick<ChatDraft, 'metadata'> {
  return OWN_WORDS.has(word) ? {} : { metadata: { ...metadata, [FORMAT]: { from: word } } }
}
