/**
 * A piece of a text around what was found in it, on one line. Pure.
 */

export interface Snippet {
  /** White space in it is single spaces, and … stands for what was cut off. */
  readonly text: string
  /** What was found, as places in `text`: where each begins and what it ends before. In order; none overlap. */
  readonly ranges: readonly (readonly [start: number, end: number])[]
}

type Range = [start: number, end: number]

/** So much is shown before the first match. */
const BEFORE_CHARS = 40
const MAX_CHARS = 160
const MAX_LABEL_CHARS = 40

/** A snippet of a text in which some of these global patterns match. `label` is put in front of it. */
export function snippetOf(text: string, patterns: readonly RegExp[], label?: string): Snippet {
  const found = rangesIn(text, patterns)
  const [first = 0] = found[0] ?? []
  const start = first < BEFORE_CHARS ? 0 : wholeAt(text, first - BEFORE_CHARS)
  const end = text.length - start <= MAX_CHARS ? text.length : wholeAt(text, start + MAX_CHARS)
  const line = new Line()
  if (label !== undefined)
    line.add(`${label.length > MAX_LABEL_CHARS ? `${label.slice(0, MAX_LABEL_CHARS)}…` : label}: `)
  if (start > 0) line.add('…')
  const ranges: Range[] = []
  let at = start
  for (const [from, to] of found) {
    if (from > end || (from === end && to > from)) break
    line.add(text.slice(at, from))
    const begin = line.length
    at = Math.min(to, end)
    line.add(text.slice(from, at))
    ranges.push([begin, line.length])
  }
  line.add(text.slice(at, end))
  if (end < text.length) line.add('…')
  const shown = line.text.trimEnd()
  return {
    text: shown,
    ranges: ranges.map(([from, to]) => [Math.min(from, shown.length), Math.min(to, shown.length)]),
  }
}

/** A snippet in at most `width` characters, its first match in sight. */
export function narrowed({ text, ranges }: Snippet, width: number): Snippet {
  if (text.length <= width) return { text, ranges }
  const [first = 0, last = 0] = ranges[0] ?? []
  // As much before the match as it leaves room for, and no more than a third.
  const before = Math.max(0, Math.min(Math.floor(width / 3), width - (last - first) - 2))
  const start = first <= before + 1 ? 0 : wholeAt(text, first - before)
  const lead = start > 0 ? '…' : ''
  const room = width - lead.length
  const end = text.length - start <= room ? text.length : wholeAt(text, start + room - 1)
  const shift = lead.length - start
  return {
    text: `${lead}${text.slice(start, end)}${end < text.length ? '…' : ''}`,
    ranges: ranges
      .filter(([from]) => from >= start && from < end)
      .map(([from, to]) => [from + shift, Math.min(to, end) + shift]),
  }
}

/** All that matches from the first match on and before the end of a snippet of it, without what overlaps. */
function rangesIn(text: string, patterns: readonly RegExp[]): readonly Range[] {
  const all: Range[] = []
  let until = Infinity
  for (const pattern of patterns) {
    const [first] = matchesIn(text, pattern, until)
    if (first !== undefined) until = Math.min(until, first[0] + MAX_CHARS)
  }
  for (const pattern of patterns) all.push(...matchesIn(text, pattern, until))
  all.sort(([a], [b]) => a - b)
  const out: Range[] = []
  for (const [from, to] of all) {
    const last = out.at(-1)
    if (last === undefined || from >= last[1]) out.push([from, to])
    else last[1] = Math.max(last[1], to)
  }
  return out
}

function* matchesIn(text: string, pattern: RegExp, until: number): Generator<Range, void> {
  pattern.lastIndex = 0
  for (const match of text.matchAll(pattern)) {
    if (match.index >= until) return
    yield [match.index, match.index + match[0].length]
  }
}

/** A place at or after `at` that is in the middle of no character. */
function wholeAt(text: string, at: number): number {
  const unit = text.charCodeAt(at)
  return unit >= 0xdc00 && unit <= 0xdfff && at > 0 ? at + 1 : at
}

/** A text that grows, with one space for any white space and none in front. */
class Line {
  text = ''

  get length(): number {
    return this.text.length
  }

  add(more: string): void {
    const flat = more.replaceAll(/\s+/g, ' ')
    this.text += (this.text === '' || this.text.endsWith(' ')) && flat.startsWith(' ') ? flat.slice(1) : flat
  }
}
