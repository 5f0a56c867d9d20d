/**
 * What is worth knowing about a log and is not damage.
 */
import type { LineSet } from './lines.ts'

/** Something about a log that is worth knowing and is not damage. */
export interface Finding {
  readonly kind: 'unsupported' | 'same-id' | 'returned' | 'dangling-parent' | 'clock-skew'
  readonly eventId?: string
  readonly messageId?: string
  /** What exactly: the type, the field. */
  readonly detail: string
}

/** What is to be said of ids that were found with more than one content. */
export function conflictsOf(lines: LineSet): Finding[] {
  const returned = new Set<string>()
  const findings: Finding[] = []
  for (const eventId of lines.conflicts) {
    const ids = lines.returnedAt(eventId)
    for (const id of ids) returned.add(id)
    if (ids.length === 0) findings.push({ kind: 'same-id', eventId, detail: 'found with different contents' })
  }
  const detail = 'it was redacted and its content came back: it is hidden, redact again'
  return [...findings, ...[...returned].map((eventId): Finding => ({ kind: 'returned', eventId, detail }))]
}
