/**
 * Events on one line each. What is in a log may be anything, so nothing about the shape of an event's data is taken for granted.
 */
import { timeOf } from '../event-id.ts'
import { isArray, type Json, type JsonObject } from '../json.ts'
import type { TailEvent } from '../tail.ts'
import type { Call } from './call.ts'
import type { Output } from './output.ts'
import { shortEventId } from './point.ts'
import { padEnd, plain, truncate, widthOf } from './text.ts'

/** More of a text cannot be on a line anyway. */
const MAX_CHARS = 1000
const LEAST_TEXT = 10
const TYPE_WIDTH = 'message.created'.length

/** Prints an event: a line of text, or of JSON. */
export function printEvent({ isJson, out }: Call, event: TailEvent): Promise<void> {
  return isJson ? out.json(event) : out.line(eventLine(event, out))
}

function eventLine(event: TailEvent, out: Output): string {
  const time = Date.parse(event.time)
  const id = shortEventId(event.id)
  const when = out.clock(Number.isNaN(time) ? timeOf(event.id) : time)
  const room = out.width - widthOf(`${id}    `) - LEAST_TEXT
  // Where there is no room for all of it, the time goes: the order tells some of it.
  const hasTime = room - widthOf(`${when}  `) >= TYPE_WIDTH
  const typeRoom = Math.max(1, hasTime ? room - widthOf(`${when}  `) : room)
  const type = padEnd(truncate(plain(event.type), typeRoom), Math.min(TYPE_WIDTH, typeRoom))
  const text = truncate(plain(summaryOf(event.type, event.data as Json)), typeRoom + LEAST_TEXT - widthOf(type))
  const times = hasTime ? [out.style('dim', when)] : []
  return [out.style('yellow', id), ...times, out.style('cyan', type), text].join('  ').trimEnd()
}

function summaryOf(type: string, data: Json): string {
  const fields = objectOf(data)
  switch (type) {
    case 'message.created':
      return messageSummary(fields)
    case 'message.updated':
      return `${idOf(fields['id'])} ${fieldsSummary(fields, ['id'])}`
    case 'message.deleted':
      return listOf(fields['ids']).map(idOf).join(' ')
    case 'part.updated':
      return `${idOf(fields['messageId'])} ${partSummary(fields['part'] ?? null)}`
    case 'session.created':
    case 'session.updated':
      return fieldsSummary(fields, [])
    default:
      return shortJson(data)
  }
}

function messageSummary(fields: JsonObject): string {
  const { author, parts, role, status } = fields as { readonly [name: string]: Json | undefined }
  const state = status === 'completed' ? '' : `(${stringOf(status)})`
  const all = listOf(parts).map(partSummary)
  return [stringOf(author) || stringOf(role), state, ...all].filter((text) => text !== '').join(' ')
}

function partSummary(part: Json): string {
  if (part === null) return 'removed'
  const fields = objectOf(part)
  const name = stringOf(fields['name'])
  switch (stringOf(fields['type'])) {
    case 'text':
      return stringOf(fields['text'])
    case 'tool-call':
      return `→ ${name} ${shortJson(fields['input'])}`
    case 'tool-result':
      return `${fields['error'] === undefined && fields['status'] !== 'failed' ? '✓' : '✗'} ${name}`
    default:
      return `[${stringOf(fields['type'])}${name === '' ? '' : ` ${name}`}]`
  }
}

function fieldsSummary(fields: JsonObject, without: readonly string[]): string {
  return Object.entries(fields)
    .filter(([name]) => !without.includes(name))
    .map(([name, value]) => `${name} ${name === 'head' ? idOf(value) : shortJson(value)}`)
    .join(' ')
}

function objectOf(value: Json): JsonObject {
  return typeof value === 'object' && value !== null && !isArray(value) ? value : {}
}

function listOf(value: Json | undefined): readonly Json[] {
  return value !== undefined && isArray(value) ? value : []
}

function stringOf(value: Json | undefined): string {
  return typeof value === 'string' ? value.slice(0, MAX_CHARS) : ''
}

function idOf(value: Json | undefined): string {
  return typeof value === 'string' ? shortEventId(value) : shortJson(value)
}

function shortJson(value: Json | undefined): string {
  return value === undefined ? '' : JSON.stringify(value).slice(0, MAX_CHARS)
}
