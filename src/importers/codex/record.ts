/**
 * What a single line of a rollout is: its type, its time, and what it holds.
 *
 * `{timestamp, type, payload}` since 2025-10; before that, items and states stood bare on their lines.
 * Everything in this file is pure.
 */
import type { JsonObject } from '../../json.ts'
import { objectField, textField, timeField } from '../fields.ts'

export interface CodexRecord {
  /** Names it in its file: no id of Codex is unique there. */
  readonly key: string
  /** Its type, with that of the payload where there are several: `response_item/message`, `bare:role`. */
  readonly label: string
  /** `item` is what a model was given or gave, `bare` such an item without an envelope. */
  readonly kind: 'meta' | 'context' | 'item' | 'bare' | 'event' | 'compacted' | 'other'
  /** The type of the payload. */
  readonly type: string
  readonly payload: JsonObject
  readonly time: number | undefined
  /** The time of the envelope alone. */
  readonly stamp: number | undefined
}

const KINDS: ReadonlyMap<string, CodexRecord['kind']> = new Map([
  ['session_meta', 'meta'],
  ['turn_context', 'context'],
  ['response_item', 'item'],
  ['event_msg', 'event'],
  ['compacted', 'compacted'],
])

export function recordOf(value: JsonObject, ordinal: number): CodexRecord {
  const payload = objectField(value, 'payload')
  const type = textField(value, 'type')
  const stamp = timeField(value, 'timestamp')
  const time = stamp ?? timeField(value, 'created_at')
  const key = String(ordinal)
  if (payload === undefined) return { ...bareRecord(value, type, key), time, stamp }
  const kind = KINDS.get(type ?? '') ?? 'other'
  const inner = textField(payload, 'type')
  const label = kind === 'item' || kind === 'event' ? `${type}/${inner ?? '(none)'}` : (type ?? '(none)')
  return { key, label, kind, type: inner ?? type ?? '(none)', payload, time, stamp }
}

function bareRecord(value: JsonObject, type: string | undefined, key: string): Omit<CodexRecord, 'time' | 'stamp'> {
  const name = type ?? ['role', 'record_type', 'id'].find((field) => value[field] !== undefined) ?? '(none)'
  const { timestamp: _, created_at: __, ...payload } = value
  const isHeader = name === 'id'
  return {
    key,
    label: `bare:${name}`,
    kind: isHeader ? 'meta' : 'bare',
    type: name,
    payload: isHeader ? value : payload,
  }
}
