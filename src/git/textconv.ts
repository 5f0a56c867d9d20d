/**
 * A log as text for `git diff`, `git log -p` and `git show`: an event a line, in the order of the file.
 *
 *     message user: Where is my refund?
 *     message assistant: Sent yesterday.
 *       → lookup {"order":4411}
 *     session: title "Refund #4411"
 *
 * An appended event is an added line of text, and nothing else changes: the text of an event depends on that event alone. Pure.
 */
import { isArray, type Json, type JsonObject } from '../json.ts'
import { decodeLine, eventsOf, type InnerEvent } from '../line.ts'

const LF = 0x0a
const MAX_JSON_CHARS = 500
const ID_CHARS = 8

/** The text of a log, without line feeds; texts of people and models are as they were written, not made safe for a terminal. */
export function* textOfLog(bytes: Buffer): Generator<string> {
  let line = 0
  for (let start = 0; start < bytes.length;) {
    const found = bytes.indexOf(LF, start)
    const end = found < 0 ? bytes.length : found
    const { lines, damage } = decodeLine(bytes.subarray(start, end), { file: '', line: ++line, offset: start })
    for (const { kind, sizeBytes, excerpt } of damage) yield `damage (${kind}, ${sizeBytes} bytes): ${excerpt}`
    for (const each of lines) for (const event of eventsOf(each)) yield* textOf(event, each.redacted === true)
    start = end + 1
  }
}

function* textOf({ type, data }: InnerEvent, isRedacted: boolean): Generator<string> {
  const fields = objectOf(data)
  const mark = isRedacted ? ' (redacted)' : ''
  switch (type) {
    case 'message.created':
      yield* message(fields, mark)
      return
    case 'message.updated':
      yield `message ${idOf(fields['id'])}${mark}: ${fieldsOf(fields, ['id'])}`
      return
    case 'message.deleted':
      yield `messages removed${mark}: ${listOf(fields['ids']).map(idOf).join(' ')}`
      return
    case 'part.updated':
      yield* under(`part of ${idOf(fields['messageId'])}${mark}:`, partOf(fields['part'] ?? null))
      return
    case 'session.created':
      yield `session created${mark}: ${fieldsOf(fields, [])}`.trimEnd()
      return
    case 'session.updated':
      yield `session${mark}: ${fieldsOf(fields, [])}`
      return
    case 'session.deleted':
      yield 'session deleted'
      return
    default:
      yield `${type}${mark}: ${json(data)}`
  }
}

function* message(fields: JsonObject, mark: string): Generator<string> {
  const status = stringOf(fields['status'])
  const who = stringOf(fields['author']) || stringOf(fields['role'])
  const head = `message ${who}${status === 'completed' || status === '' ? '' : ` (${status})`}${mark}:`
  const [first, ...rest] = listOf(fields['parts'])
  if (first === undefined) yield head
  else yield* under(head, partOf(first))
  for (const part of rest) yield* partOf(part).map((line) => `  ${line}`)
}

/** The first line goes behind the head, the others are indented. */
function* under(head: string, [first = '', ...rest]: readonly string[]): Generator<string> {
  yield `${head} ${first}`.trimEnd()
  for (const line of rest) yield `  ${line}`
}

function partOf(part: Json): readonly string[] {
  if (part === null) return ['removed']
  const fields = objectOf(part)
  const type = stringOf(fields['type'])
  const name = stringOf(fields['name'])
  switch (type) {
    case 'text':
      return stringOf(fields['text']).split(/\r?\n/)
    case 'reasoning':
      return stringOf(fields['text'])
        .split(/\r?\n/)
        .map((line) => `(reasoning) ${line}`)
    case 'tool-call':
      return [`→ ${name} ${json(fields['input'])}`]
    case 'tool-result':
      return [
        `${fields['error'] === undefined ? '✓' : '✗'} ${name} ${json(fields['error'] ?? fields['output'] ?? fields['content'])}`,
      ]
    case 'file':
      return [`[file ${name || stringOf(fields['file'])}]`]
    default:
      return [`[${type}${name === '' ? '' : ` ${name}`}] ${json(fields['data'] ?? fields['text'])}`.trimEnd()]
  }
}

function fieldsOf(fields: JsonObject, without: readonly string[]): string {
  const shown = Object.entries(fields).filter(([name]) => !without.includes(name))
  return shown.map(([name, value]) => `${name} ${json(value)}`).join(', ')
}

function objectOf(value: Json): JsonObject {
  return typeof value === 'object' && value !== null && !isArray(value) ? value : {}
}

function listOf(value: Json | undefined): readonly Json[] {
  return value !== undefined && isArray(value) ? value : []
}

function stringOf(value: Json | undefined): string {
  return typeof value === 'string' ? value : ''
}

/** Ids of events close in time begin alike. */
function idOf(value: Json | undefined): string {
  const id = stringOf(value)
  return id.length > ID_CHARS + 1 ? `…${id.slice(-ID_CHARS)}` : id
}

function json(value: Json | undefined): string {
  if (value === undefined) return ''
  const text = JSON.stringify(value)
  return text.length > MAX_JSON_CHARS ? `${text.slice(0, MAX_JSON_CHARS)}…` : text
}
