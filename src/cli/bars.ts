/**
 * Bars and sparklines of block characters. Pure.
 */

const EIGHTHS = ['', '▏', '▎', '▍', '▌', '▋', '▊', '▉'] as const
const LEVELS = ['▁', '▂', '▃', '▄', '▅', '▆', '▇', '█'] as const

/** A bar of at most `width` columns, as long as `value` is of `most`. What is more than nothing is seen. */
export function bar(value: number, most: number, width: number): string {
  if (value <= 0 || most <= 0 || width < 1) return ''
  const eighths = Math.max(1, Math.round((Math.min(value, most) / most) * width * 8))
  return '█'.repeat(eighths >> 3) + EIGHTHS[eighths & 7]!
}

/** A character a value, the lowest one for nothing and for nothing else. */
export function sparkline(values: readonly number[]): string {
  const most = values.reduce((sum, value) => Math.max(sum, value), 0)
  return values
    .map((value) => (value <= 0 ? LEVELS[0] : LEVELS[Math.max(1, Math.round((value / most) * (LEVELS.length - 1)))]!))
    .join('')
}

/** How many of the times fall into each of `count` equal pieces of the span; those outside of it into none. */
export function histogram(times: Iterable<number>, since: number, until: number, count: number): number[] {
  const pieces = Array.from({ length: count }, () => 0)
  const width = Math.max(1, (until - since) / count)
  for (const time of times) {
    if (time < since || time > until) continue
    const at = Math.min(count - 1, Math.floor((time - since) / width))
    pieces[at] = pieces[at]! + 1
  }
  return pieces
}
