/**
 * What people call an event or a message: its id, or the beginning or the end of it, as `foldlog log` shows it.
 */
import { isEventId } from '../event-id.ts'
import type { Session } from '../session.ts'
import { EXIT, Failure, type Call } from './call.ts'
import { parseTime } from './time.ts'

const LEAST = 4
const SHOWN = 8

/** An id as it is shown where there are many: its end, because events close in time begin alike. */
export function shortEventId(id: string): string {
  return id.length > SHOWN + 1 ? `…${id.slice(-SHOWN)}` : id
}

/** The one id that is `text`, or else begins or ends with it. */
export function pick(text: string, ids: Iterable<string>, what: string, hint: string): string {
  const wanted = text.replace(/^…/, '').toLowerCase()
  const fitting = new Set<string>()
  for (const id of ids) {
    if (id === text) return id
    const known = id.toLowerCase()
    if (wanted.length >= LEAST && (known.startsWith(wanted) || known.endsWith(wanted))) fitting.add(id)
  }
  const [only, ...others] = fitting
  if (only === undefined) throw new Failure(EXIT.notFound, `this session has no ${what} ${text}`, hint)
  if (others.length === 0) return only
  throw new Failure(
    EXIT.usage,
    `${text} could be ${fitting.size} ${what}s: ${[...fitting].slice(0, 5).join(', ')}`,
    hint,
  )
}

/** The id of the event that `text` names. A whole id is not looked up. */
export async function eventOf(text: string, session: Session, hint: string): Promise<string> {
  if (isEventId(text)) return text
  const ids: string[] = []
  for await (const { id } of session.events()) ids.push(id)
  return pick(text, ids, 'event', hint)
}

/** The point that the option `--at` names: a time, or the event that has such an id. Undefined if there is no such option. */
export async function pointOf(call: Call, session: Session): Promise<Date | string | undefined> {
  const point = pointNamed(call)
  return typeof point === 'string' ? eventOf(point, session, call.again('log')) : point
}

/** The same, but for an event only what it is called: what is neither is refused before a session is looked for. */
export function pointNamed(call: Call): Date | string | undefined {
  const point = call.text('at')
  if (point === undefined) return undefined
  const time = parseTime(point, Date.now())
  if (time !== undefined) return new Date(time)
  if (!/[:\s]|^\d+-/.test(point)) return point
  const forms = '10:05, 2026-11-20, 2026-11-20T10:05Z or 2h'
  throw new Failure(EXIT.usage, `${point} is no time: write it like ${forms}`, call.help())
}

/** Whether `text` is the cursor of an event rather than the name of one. */
export function isCursor(text: string): boolean {
  return /[.~;]/.test(text)
}
