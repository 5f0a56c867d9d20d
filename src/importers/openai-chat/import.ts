/**
 * Imports conversations in the messages of OpenAI Chat Completions, as files of fine-tuning, evaluations and logs hold them.
 *
 * What is a conversation: an object with a list of `messages` (one on each line, several in a list, or the whole file), with
 * the `response` or its `choices` beside it where it is a logged call; an object whose `request` has them; a list of messages
 * at the top; a list of such lists.
 *
 * What becomes what:
 *  - Each message is one message; the choices of the response follow the last one, the first of them as the head.
 *  - Conversations have no ids. One is known by all it says, so the same conversation is the same session, wherever it is
 *    read, and one that says more is another session. It is read as a whole. Copies in one file stay apart.
 *  - There is no time but that of the response. Without one all is said to be at the beginning of 1970, by everybody.
 *  - What else stands beside the messages is one event, `openai-chat.record`.
 */
import { isArray, type Json, type JsonObject } from '../../json.ts'
import { chatDrafts, finishReasonOf, isChat, isChatMessage, usageOf, type ChatDraft } from '../chat-messages.ts'
import {
  asObject,
  countField,
  fieldsBut,
  listField,
  objectField,
  secondsField,
  textField,
  timeField,
} from '../fields.ts'
import type { Format, Sample } from '../format.ts'
import { asJson } from '../lines.ts'
import type { Run } from '../run.ts'
import type { MessageFields, SessionWriter } from '../session-writer.ts'
import type { SourceFile } from '../source-file.ts'
import { ContentIds, firstValues, objectsOf, valuesOf, type SourceValue } from '../values.ts'

const FORMAT = 'openai-chat'
const NO_MESSAGES = 'has no messages'
const NO_FIELD = 'foldlog has no field for it'
/** The fields of a choice that are taken over; `index` only counts them. */
const CHOICE: ReadonlySet<string> = new Set(['message', 'finish_reason', 'index'])

export const openaiChat: Format = {
  name: FORMAT,
  title: 'OpenAI Chat',
  extensions: ['.jsonl', '.json'],
  homes: [],
  recognizes,
  import: async (paths, run: Run) => {
    for (const path of paths) await run.file(FORMAT, path, importFile)
  },
}

/** A conversation of the file. */
interface Conversation {
  /** All of it, to know it by. */
  readonly whole: Json
  readonly messages: readonly Json[]
  /** Of a logged call. */
  readonly response: JsonObject
  /** What stands beside the messages. */
  readonly rest: JsonObject
  readonly sizeBytes: number
}

function recognizes(sample: Sample): boolean {
  const values = firstValues(sample)
  if (values.length > 0)
    return values.some((value) => isChatMessage(asObject(value)) || conversationOf(value) !== undefined)
  // The first conversation goes on behind what was read of the file.
  return /^(?:\[\s*)?\{[^]{0,60000}?"role"\s*:\s*"(system|developer|user|assistant)"/.test(sample.head.trimStart())
}

async function importFile(file: SourceFile): Promise<void> {
  const ids = new ContentIds()
  /** Messages that stand in a list at the top, and in which. */
  let loose: { readonly document: number; readonly messages: Json[]; sizeBytes: number } | undefined
  const finish = async (): Promise<void> => {
    if (loose === undefined) return
    const { messages, sizeBytes } = loose
    loose = undefined
    await write({ whole: messages, messages, response: {}, rest: {}, sizeBytes }, file, ids)
  }
  for await (const values of valuesOf(file)) {
    for (const { value, document, isItem, sizeBytes } of values) {
      if (loose !== undefined && loose.document !== document) await finish()
      if (isItem && isChatMessage(asObject(value))) {
        loose ??= { document, messages: [], sizeBytes: 0 }
        loose.messages.push(value)
        loose.sizeBytes += sizeBytes
      } else await writeValue(value, sizeBytes, file, ids)
    }
  }
  await finish()
}

async function writeValue(
  value: SourceValue['value'],
  sizeBytes: number,
  file: SourceFile,
  ids: ContentIds,
): Promise<void> {
  const conversation = conversationOf(value)
  if (conversation === undefined) leaveOut(file)
  else await write({ ...conversation, sizeBytes }, file, ids)
}

function leaveOut({ ledger }: SourceFile): void {
  ledger.count('(none)')
  ledger.drop('(none)', NO_MESSAGES)
}

/** The conversation that a value is, if it is one. */
function conversationOf(value: SourceValue['value']): Omit<Conversation, 'sizeBytes'> | undefined {
  if (isArray(value)) {
    return isChat(value) ? { whole: value, messages: value, response: {}, rest: {} } : undefined
  }
  // What holds `choices` itself is the response to the messages beside them.
  const answered = objectField(value, 'response')
  const response = answered ?? (listField(value, 'choices') === undefined ? {} : value)
  const request = objectField(value, 'request')
  const own = listField(value, 'messages')
  const messages = own ?? listField(request ?? {}, 'messages')
  if (messages === undefined || (messages.length > 0 && !messages.some(isChatMessage))) return undefined
  const beside = {
    ...without(value, [...(own === undefined ? [] : ['messages']), ...(response === value ? ['choices'] : [])]),
    ...(request === undefined ? {} : { request: without(request, own === undefined ? ['messages'] : []) }),
    ...(answered === undefined ? {} : { response: without(answered, ['choices']) }),
  }
  return { whole: value, messages, response, rest: without(beside, []) }
}

/** What an object says besides the lists among these fields. */
function without(object: JsonObject, lists: readonly string[]): JsonObject {
  return fieldsBut(object, new Set(lists.filter((name) => listField(object, name) !== undefined)))
}

async function write(conversation: Conversation, file: SourceFile, ids: ContentIds): Promise<void> {
  const { whole, messages, response, rest, sizeBytes } = conversation
  const { ledger } = file
  const choices = choicesOf(response, file)
  const all = [...messages, ...choices.map((choice) => choice['message']!)]
  for (const message of all) ledger.count(textField(asObject(message) ?? {}, 'role') ?? '(none)')
  if (all.length === 0) return leaveOut(file)
  const { id, identity } = ids.of(whole)
  const time = timeOf(response) ?? timeOf(rest) ?? 0
  const sourceId = textField(rest, 'id') ?? textField(response, 'id') ?? id
  const session = await file.session({ identity, sourceId, time })
  session.saw(time, sizeBytes)
  const drafts = await chatDrafts(all, file)
  for (const [index, draft] of drafts.slice(0, messages.length).entries()) {
    await writeMessage(session, draft, { key: String(index), time, value: all[index]! })
  }
  const model = textField(response, 'model') ?? textField(rest, 'model')
  const modelOf = model === undefined ? {} : { model }
  const end = session.last ?? null
  for (const [index, choice] of choices.entries()) {
    const usage = index === 0 ? usageIn(response, rest) : {}
    const fields = { ...modelOf, ...usage, ...finishReasonOf(choice) }
    const at = { key: `response:${index}`, time, value: choice['message']!, parentKey: end, fields }
    await writeMessage(session, drafts[messages.length + index], at)
  }
  if (Object.keys(rest).length > 0) await session.event('record', 'record', time, rest)
  await session.close(modelOf, session.has('response:0') ? 'response:0' : session.last)
  file.settle()
}

interface At {
  readonly key: string
  readonly time: number
  readonly value: Json
  readonly parentKey?: string | null
  readonly fields?: MessageFields
}

/** A message, or an event for what is none. */
async function writeMessage(
  session: SessionWriter,
  draft: ChatDraft | undefined,
  { key, time, value, parentKey, fields }: At,
): Promise<void> {
  if (draft === undefined) return session.event('message', key, time, asJson({ value }))
  const parent = parentKey === undefined ? {} : { parentKey }
  await session.message({ ...draft, ...fields, ...parent, key, time })
}

/** The choices that are messages; what else there is of them goes to the ledger. */
function choicesOf(response: JsonObject, { ledger }: SourceFile): readonly JsonObject[] {
  const choices = objectsOf(response['choices']).filter((choice) => objectField(choice, 'message') !== undefined)
  for (let n = choices.length; n < (listField(response, 'choices') ?? []).length; n++)
    ledger.drop('choice', 'has no message')
  for (const choice of choices)
    for (const name of Object.keys(fieldsBut(choice, CHOICE))) ledger.dropField(`choices.${name}`, NO_FIELD)
  return choices
}

/** What the response cost; it is said of its first answer, for all of them. */
function usageIn(response: JsonObject, rest: JsonObject): Pick<MessageFields, 'usage'> {
  const costUsd = countField(rest, 'cost')
  const usage = { ...usageOf(objectField(response, 'usage')), ...(costUsd === undefined ? {} : { costUsd }) }
  return Object.keys(usage).length === 0 ? {} : { usage }
}

function timeOf(object: JsonObject): number | undefined {
  const names = ['created', 'created_at', 'timestamp'] as const
  return names.map((name) => secondsField(object, name) ?? timeField(object, name)).find((time) => time !== undefined)
}
