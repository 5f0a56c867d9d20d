/**
 * Writes back events that were in a log and are not any more, as `session.rewound` told them.
 */
import type { Backend } from './backend.ts'
import { FoldlogError } from './errors.ts'
import type { SessionEvent } from './event.ts'
import { filesIn } from './file-refs.ts'
import type { Json } from './json.ts'
import { bringBack } from './kept-files.ts'
import { eventsOf, type InnerEvent, type Line } from './line.ts'
import { lineTold } from './lines.ts'
import type { LiveLog } from './live.ts'
import type { Log } from './log.ts'
import { checkedLine } from './merge.ts'
import { whyUnknown } from './rewritable.ts'
import { supersededIn } from './superseded.ts'

/**
 * Appends the events that the log does not have, with their ids: as the lines they came from where this process knows them, so that a batch stays
 * a batch and a key a key, else a line each. Lines that say nothing beside what the log has are skipped: `pack` would take them out, or
 * has. Returns how many events were missing and written. Validates all of them first.
 *
 * Attachments that the events name and that are gone come back before, if they are kept; those that are not are told as `store.error`.
 */
export async function restoreInto(live: LiveLog, backend: Backend, missing: readonly SessionEvent[]): Promise<number> {
  const { log, screen } = live
  /** How many events of each line are missing. */
  const counts = new Map<Line, number>()
  for (const [index, event] of missing.entries()) {
    if (log.has(event.id)) continue
    const line = lineTold(event) ?? checkedLine({ ...event, data: event.data as Json }, index)
    if (line.v !== 1) {
      const message = `event ${event.id} was written by a newer version: restore it with that, or by foldlog restore`
      throw new FoldlogError('UNSUPPORTED', message, log.key)
    }
    counts.set(line, (counts.get(line) ?? 0) + 1)
  }
  const wanted = withoutSuperseded(log, [...counts.keys()])
  const screened = wanted.map(screen)
  await restoreFiles(live, backend, missing)
  // As they were: git may bring back the same lines.
  await Promise.all(screened.map((line) => log.append(line, () => undefined, true)))
  return wanted.reduce((sum, line) => sum + counts.get(line)!, 0)
}

async function restoreFiles(live: LiveLog, backend: Backend, events: readonly SessionEvent[]): Promise<void> {
  const { namespace } = live.log.key
  const refs = events.flatMap(({ data }) => [...filesIn(data as Json)])
  for (const ref of await bringBack(backend, namespace, refs)) {
    const message = `${ref}, which a restored event names, is gone: store the same bytes again, or bring it from a copy`
    const error = new FoldlogError('NOT_FOUND', message, live.log.key)
    live.bus.publish({ type: 'store.error', root: live.root, namespace, error })
  }
}

/** The lines that say something beside what is in the log, whatever they say beside one another. */
function withoutSuperseded(log: Log, lines: readonly Line[]): readonly Line[] {
  // Where there is what this version does not know, it cannot tell what supersedes what; pack refuses such logs.
  if (lines.length === 0 || log.findings.some(({ kind }) => kind === 'unsupported')) return lines
  const news = lines
    .flatMap(eventsOf)
    .filter(({ id, type, data }) => !log.has(id) && whyUnknown(type, data) === undefined)
  const there = log.events().map(({ id, type, data }): InnerEvent => ({ id, type, data: data as Json }))
  const all = [...there, ...news].sort((a, b) => (a.id < b.id ? -1 : 1))
  const superseded = supersededIn(all, ({ id }) => log.has(id))
  const isSaid = ({ id }: InnerEvent): boolean => superseded.has(id) || log.has(id)
  return lines.filter((line) => line.key !== undefined || line.redacted === true || !eventsOf(line).every(isSaid))
}
