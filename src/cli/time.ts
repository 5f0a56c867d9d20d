/**
 * Times as people read and type them. Pure: the present is an argument.
 */

const SECOND = 1000
const MINUTE = 60 * SECOND
const HOUR = 60 * MINUTE
const DAY = 24 * HOUR
const UNITS: Readonly<Record<string, number>> = { s: SECOND, m: MINUTE, h: HOUR, d: DAY, w: 7 * DAY }

/** Whether something has a time. What says none, such as a session without events, is put at the beginning of 1970. */
export function isKnown(ms: number): boolean {
  return ms >= DAY
}

/** The date of the last day that was asked for, with a T: in a list most times are of few days. */
const lastDay = { day: NaN, text: '' }
const TWO_DIGITS: readonly string[] = Array.from({ length: 60 }, (_, n) => String(n).padStart(2, '0'))

/** ISO 8601 in whole seconds, for pipes. */
export function isoTime(ms: number): string {
  const day = Math.floor(ms / DAY)
  if (day !== lastDay.day) {
    lastDay.text = new Date(ms).toISOString().slice(0, -'00:00:00.000Z'.length)
    lastDay.day = day
  }
  const seconds = Math.floor((ms - day * DAY) / SECOND)
  const minutes = Math.floor(seconds / 60)
  const hours = Math.floor(minutes / 60)
  return `${lastDay.text}${TWO_DIGITS[hours]}:${TWO_DIGITS[minutes % 60]}:${TWO_DIGITS[seconds % 60]}Z`
}

/** `2m ago`, `yesterday`, then the date. */
export function relativeTime(ms: number, now: number): string {
  const age = now - ms
  if (age < -MINUTE) return localDate(ms)
  if (age < MINUTE) return 'just now'
  if (age < HOUR) return `${Math.floor(age / MINUTE)}m ago`
  if (age < DAY) return `${Math.floor(age / HOUR)}h ago`
  if (age < 2 * DAY) return 'yesterday'
  return age < 14 * DAY ? `${Math.floor(age / DAY)}d ago` : localDate(ms)
}

/** The local time of day, with the date before it if that is not today's. */
export function clockTime(ms: number, now: number): string {
  const time = new Date(ms).toTimeString().slice(0, 8)
  return localDate(ms) === localDate(now) ? time : `${localDate(ms)} ${time}`
}

/** The local times of a beginning and an end, in minutes; the date of the end only if it is another. */
export function localSpan(since: number, until: number): readonly [from: string, to: string] {
  const [from, to] = [since, until].map((ms) => `${localDate(ms)} ${new Date(ms).toTimeString().slice(0, 5)}`)
  const isSameDay = localDate(since) === localDate(until)
  return [from!, isSameDay && from !== to ? to!.slice(11) : to!]
}

/** `0.8s`, `12s`, `3m 5s`. */
export function shortDuration(ms: number): string {
  if (ms < 10 * SECOND) return `${(ms / SECOND).toFixed(1)}s`
  const seconds = Math.round(ms / SECOND)
  return seconds < 60 ? `${seconds}s` : `${Math.floor(seconds / 60)}m ${seconds % 60}s`
}

/**
 * The time that `text` names: ISO 8601 (local where no zone is given), `10:05` today, or an age like `2h`. Undefined if it names none.
 */
export function parseTime(text: string, now: number): number | undefined {
  const age = /^(\d{1,6})([smhdw])$/.exec(text)
  if (age !== null) return now - Number(age[1]) * UNITS[age[2]!]!
  const time = /^\d{1,2}:\d{2}(:\d{2})?$/.test(text)
    ? `${localDate(now)}T${text.padStart(text.length + (text.indexOf(':') === 1 ? 1 : 0), '0')}`
    : text
  if (!/^\d{4}-\d{2}/.test(time)) return undefined
  // A date alone would be taken as UTC, unlike a date with a time.
  const ms = Date.parse(/^\d{4}-\d{2}-\d{2}$/.test(time) ? `${time}T00:00` : time.replace(' ', 'T'))
  return Number.isNaN(ms) ? undefined : ms
}

/** `2026-11-20`, where people are. */
export function localDate(ms: number): string {
  const date = new Date(ms)
  return [date.getFullYear(), date.getMonth() + 1, date.getDate()].map((n) => String(n).padStart(2, '0')).join('-')
}
