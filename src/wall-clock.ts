/**
 * The wall clock as it is written into lines. It orders nothing.
 */

let nowMs = 0
let nowText = ''

/** ISO 8601. Formatting costs more than the rest of a line's head, so it is done once a millisecond. */
export function now(): string {
  const ms = Date.now()
  if (ms !== nowMs) {
    nowMs = ms
    nowText = new Date(ms).toISOString()
  }
  return nowText
}
