/**
 * Writes back events that were in a log and are not any more, as `session.rewound` told them.
 */
import { FoldlogError } from './errors.ts'
import type { SessionEvent } from './event.ts'
import type { Json } from './json.ts'
import type { Line } from './line.ts'
import { lineTold } from './lines.ts'
import type { Log } from './log.ts'
import { checkedLine } from './merge.ts'

/**
 * Appends the events that the log does not have, with their ids: as the lines they came from where this process knows them, so that a batch stays
 * a batch and a key a key, else a line each. Returns how many events were not there. Validates all of them first.
 */
export async function restoreInto(
  log: Log,
  missing: readonly SessionEvent[],
  screen: (line: Line) => Line,
): Promise<number> {
  const lines = new Set<Line>()
  let count = 0
  for (const [index, event] of missing.entries()) {
    if (log.has(event.id)) continue
    const line = lineTold(event) ?? checkedLine({ ...event, data: event.data as Json }, index)
    if (line.v !== 1) {
      const message = `event ${event.id} was written by a newer version: restore it with that, or by foldlog restore`
      throw new FoldlogError('UNSUPPORTED', message, log.key)
    }
    lines.add(screen(line))
    count++
  }
  await Promise.all([...lines].map((line) => log.append(line, () => undefined)))
  return count
}
