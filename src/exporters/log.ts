/**
 * The log itself: the lines that count, in one file, whatever files they lie in. It is a valid log of the same events: read as one it gives the
 * same session, and merged with any other copy of it (`sort -u`, git, `store.merge`) it adds nothing.
 *
 * Each line is as it was written, but for guards, which are settled because bytes do not stay at their places, and for content that was
 * removed and came back by a merge, which is left out. What is no event is left out.
 */
import type { Backend, SessionKey } from '../backend.ts'
import { FoldlogError } from '../errors.ts'
import { decodeLine, encodeLine, eventsOf, stringifyLine, type Line } from '../line.ts'
import { LineSet } from '../lines.ts'
import { lastIdAt } from '../past-session.ts'
import { piecesOf } from '../pieces.ts'
import { redactedBytes } from '../redacted.ts'
import type { JsonObject } from '../json.ts'

export interface LogOptions {
  /** Only events up to this event's id, or this time. Default: all. */
  readonly at?: string | Date
}

const PLACE = { file: '', line: 0, offset: 0 }

/**
 * The lines of a session's log, each with its line feed, in the order of their ids: the same set of events gives the same bytes. Holds the log
 * in memory. Rejects with `NOT_FOUND` if the session is not there.
 */
export async function* exportLog(backend: Backend, key: SessionKey, options: LogOptions = {}): AsyncGenerator<string> {
  const last = options.at === undefined ? undefined : lastIdAt(options.at)
  const set = new LineSet()
  const bytesOf = new Map<Line, Buffer>()
  for await (const { lines } of backend.read(key)) {
    for (const stored of lines) {
      for (const { bytes, line } of piecesOf(stored).lines) {
        if (line.type === 'session.deleted') throw deleted(key)
        bytesOf.set(line, bytes)
        set.add(line)
      }
    }
  }
  const returned = new Set([...set.conflicts].flatMap((id) => set.returnedAt(id)))
  const written = new Set<Line>()
  for (const { line } of set.counted()) {
    if (written.has(line)) continue
    written.add(line)
    for (const text of textsOf(line, redactedBytes(bytesOf.get(line)!, line, returned), last)) yield `${text}\n`
  }
}

function deleted({ namespace, sessionId }: SessionKey): FoldlogError {
  return new FoldlogError('NOT_FOUND', `session ${sessionId} in ${namespace} was deleted`, { namespace, sessionId })
}

/** The line as text; of a batch that the last event cuts, the events before it. */
function textsOf(line: Line, bytes: Uint8Array, last: string | undefined): string[] {
  const events = eventsOf(line)
  const fitting = last === undefined ? events : events.filter(({ id }) => id <= last)
  if (fitting.length === events.length) return [unguarded(new TextDecoder().decode(bytes))]
  const [read = line] = decodeLine(bytes, PLACE).lines
  const { time, v } = read
  return eventsOf(read)
    .filter(({ id }) => last === undefined || id <= last)
    .map((event) => encodeLine({ v, time, ...event }))
}

/** A line that won its guard counts from now on without it. */
function unguarded(text: string): string {
  if (!text.includes('"if":')) return text
  const line = JSON.parse(text) as JsonObject
  if (!('if' in line)) return text
  const { if: _guard, ...rest } = line
  return stringifyLine(rest)
}
