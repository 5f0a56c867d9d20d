/**
 * The wall clock as it is written into lines. It orders nothing.
 */

let nowMs = 0
let nowText = ''
/** The second that `nowText` is in, and its text up to the milliseconds. */
let second = -1
let secondText = ''

/** ISO 8601. Formatting costs more than the rest of a line's head, so it is done once a second. */
export function now(): string {
  const ms = Date.now()
  if (ms !== nowMs) {
    nowMs = ms
    if (Math.floor(ms / 1000) !== second) {
      second = Math.floor(ms / 1000)
      secondText = new Date(ms).toISOString().slice(0, -'000Z'.length)
    }
    nowText = `${secondText}${String(ms - second * 1000).padStart(3, '0')}Z`
  }
  return nowText
}
