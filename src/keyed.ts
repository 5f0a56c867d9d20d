/**
 * Idempotency keys of calls: as they are written, and what belongs to one. Pure.
 */
import { FoldlogError } from './errors.ts'
import type { SessionEvent } from './event.ts'

/** The idempotency key of a call, as it is written. */
export function keyOf(options: { readonly key?: string } | undefined): string | undefined {
  const key = options?.key
  if (key === undefined || (typeof key === 'string' && key.trim() !== '')) return key?.toWellFormed()
  throw new FoldlogError('INVALID_OPTION', 'key must be a string that is not blank', { field: 'key' })
}

/** The events of a key, if they are what the call would have written: a key belongs to one kind of call. */
export function sameKind(events: readonly SessionEvent[], type: string, key: string): readonly SessionEvent[] {
  if (events.every((event) => event.type === type)) return events
  const found = events[0]?.type ?? 'nothing'
  throw new FoldlogError(
    'INVALID_EVENT',
    `key ${JSON.stringify(key)} was used for ${found}: use another one for ${type}`,
    {
      field: 'key',
    },
  )
}
