/**
 * The hook that sees every event before it is written, and may take something out of it.
 */
import { FoldlogError } from './errors.ts'
import { assertData, isCoreEvent } from './event.ts'
import { canonicalJson, isArray, toJson, type Json } from './json.ts'
import { BATCH, batchOf, type InnerEvent, type Line } from './line.ts'

/** Answers the data to write instead of an event's own: the same, or with something taken out. Synchronous; what it throws is thrown to the caller. */
export type RedactHook = (event: Readonly<Pick<InnerEvent, 'id' | 'type' | 'data'>>) => Json

/** The fields by which an event belongs where it does. */
const FIXED = ['id', 'turnId', 'parentId', 'after', 'ids', 'messageId', 'partId'] as const

/** A line as the hook wants it. Throws `INVALID_EVENT` if what it answers does not fit the type or belongs elsewhere. */
export function screenLine(line: Line, hook: RedactHook | undefined): Line {
  if (hook === undefined || line.redacted === true) return line
  if (line.type !== BATCH) return { ...line, data: screenEvent(line, hook).data }
  return { ...line, data: batchOf(line).map((event) => screenEvent(event, hook)) as unknown as Json }
}

function screenEvent(event: InnerEvent, hook: RedactHook): InnerEvent {
  const { id, type } = event
  const data = toJson(hook({ id, type, data: event.data }), 'redact')
  if (!isCoreEvent({ type })) return { id, type, data }
  assertData(type as 'message.created', data, 'redact')
  for (const name of FIXED) {
    if (fieldOf(data, name) === fieldOf(event.data, name)) continue
    throw new FoldlogError('INVALID_EVENT', `redact: ${name} of ${type} ${id} must stay what it is`, { field: name })
  }
  return { id, type, data }
}

function fieldOf(data: Json, name: string): string | undefined {
  if (typeof data !== 'object' || data === null || isArray(data)) return undefined
  const value = data[name]
  return value === undefined ? undefined : canonicalJson(value)
}
