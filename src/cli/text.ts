/**
 * Text for terminals: what may reach one, how wide it is, cut and wrapped to fit.
 *
 * Content comes from models, tools and other people, so nothing of it is printed before it went through here: a control
 * character could move the cursor, set the title or hide what follows. Everything in this file is pure.
 */

/** C0, DEL and C1, line and paragraph separators, and what turns the direction of text around. */
const UNSAFE = /[\p{Cc}\u061C\u200E\u200F\u2028-\u202E\u2066-\u2069\uFEFF]/gu
const REPLACEMENT = '\uFFFD'

/** `text` on one line, with what could act on a terminal replaced. */
export function plain(text: string): string {
  // Most texts are of this kind, and tables have many.
  return NARROW_TEXT.test(text) ? text.trim() : safe(text.trim().replaceAll(/\s*[\t\n]\s*/g, ' '))
}

/** The lines of `text`, each as {@link plain} but with its indentation kept. */
export function plainLines(text: string): string[] {
  return text.split(/\r?\n/).map((line) => safe(line.replaceAll('\t', '    ')))
}

/** `text` with its line feeds kept and all other control characters replaced. */
export function plainBlock(text: string): string {
  return plainLines(text).join('\n')
}

function safe(text: string): string {
  return text.toWellFormed().replaceAll(UNSAFE, REPLACEMENT)
}

/** One line of JSON of the same value, in which what could act on a terminal is escaped. */
export function jsonLine(value: unknown): string {
  return JSON.stringify(value).replaceAll(UNSAFE, (char) => {
    return String.raw`\u${char.charCodeAt(0).toString(16).padStart(4, '0')}`
  })
}

const ZERO_WIDTH = /^[\p{Mn}\p{Me}\p{Cf}]$/u
const WIDE =
  /^[\u1100-\u115F\u2E80-\u303E\u3041-\uA4CF\uAC00-\uD7A3\uF900-\uFAFF\uFE30-\uFE6F\uFF00-\uFF60\uFFE0-\uFFE6\p{Emoji_Presentation}\u{1F300}-\u{1FAFF}\u{20000}-\u{3FFFD}]$/u
const NARROW_TEXT = /^[\x20-\x7E]*$/

/** How many columns a text takes. Emoji made of several may be counted too wide, never too narrow. */
export function widthOf(text: string): number {
  if (NARROW_TEXT.test(text)) return text.length
  let width = 0
  for (const char of text) width += widthOfChar(char)
  return width
}

function widthOfChar(char: string): number {
  if (WIDE.test(char)) return 2
  return ZERO_WIDTH.test(char) ? 0 : 1
}

/** `text` in at most `width` columns, with … where something was left out. */
export function truncate(text: string, width: number): string {
  if (widthOf(text) <= width) return text
  return width < 1 ? '' : `${head(text, width - 1)}…`
}

/** As much of the beginning of `text` as fits. */
function head(text: string, width: number): string {
  let used = 0
  let end = 0
  for (const char of text) {
    used += widthOfChar(char)
    if (used > width) break
    end += char.length
  }
  return text.slice(0, end)
}

/** `text` filled with spaces up to `width` columns. */
export function padEnd(text: string, width: number): string {
  return text + ' '.repeat(Math.max(0, width - widthOf(text)))
}

export function padStart(text: string, width: number): string {
  return ' '.repeat(Math.max(0, width - widthOf(text))) + text
}

/** `text` as lines of at most `width` columns, broken at spaces where there are some. Line breaks of its own are kept. */
export function wrap(text: string, width: number): string[] {
  const lines = plainLines(text).flatMap((line) => wrapLine(line.trimEnd(), width))
  while (lines.length > 1 && lines.at(-1) === '') lines.pop()
  return lines
}

function wrapLine(line: string, width: number): string[] {
  const out: string[] = []
  let rest = line
  for (;;) {
    // Only the beginning is measured, or a long line would cost its square.
    const fitting = head(rest, width)
    if (fitting.length === rest.length) break
    const end = breakOf(rest, fitting.length)
    out.push(rest.slice(0, end).trimEnd())
    rest = rest.slice(end).trimStart()
  }
  out.push(rest)
  return out
}

/** Where to break a line of which so much fits: at the last space, if there is something before it. */
function breakOf(line: string, fitting: number): number {
  // One character at least, or it would never end where a wide one does not fit.
  if (fitting === 0) return String.fromCodePoint(line.codePointAt(0)!).length
  const space = line[fitting] === ' ' ? fitting : line.lastIndexOf(' ', fitting - 1)
  return space < 0 || line.slice(0, space).trim() === '' ? fitting : space
}

export interface Column {
  readonly title: string
  readonly isNumber?: boolean
  /** Gives way where the width does not suffice. Without such a column the last one does. */
  readonly isFlexible?: boolean
  /** Gives way, too, down to so many columns, before any is left out. */
  readonly least?: number
  /** Left out where not even that suffices, the lowest first. Absent: it stays. */
  readonly goes?: number
  /** The style of a cell that is padded already. */
  readonly paint?: ((cell: string, row: number) => string) | undefined
}

const LEAST_ROOM = 10

/** The cells of a column. */
export interface Cells {
  readonly texts: readonly string[]
  /** How wide each of them is; undefined: as wide as it is long, as most are. */
  readonly widths: readonly number[] | undefined
  /** How wide the widest is. */
  readonly most: number
}

/** Sanitized texts, measured. */
export function cellsOf(texts: readonly string[]): Cells {
  // One look at all of them takes less than one at each.
  const widths = NARROW_TEXT.test(texts.join('')) ? undefined : texts.map(widthOf)
  let most = 0
  for (let row = 0; row < texts.length; row++) most = Math.max(most, widths?.[row] ?? texts[row]!.length)
  return { texts, widths, most }
}

/** A table of sanitized cells that fits into `width`: one column gives way, then columns go, then all that are left give way. */
export function table(columns: readonly Column[], rows: readonly (readonly string[])[], width: number): string[] {
  const cells = columns.map((_, index) => cellsOf(rows.map((row) => row[index]!)))
  return tableOfColumns(columns, cells, rows.length, width)
}

/** As {@link table}, of so many rows, with the cells of each column. */
export function tableOfColumns(
  columns: readonly Column[],
  cells: readonly Cells[],
  height: number,
  width: number,
): string[] {
  const widths = columns.map(({ title }, index) => Math.max(title.length, cells[index]!.most))
  const kept = [...roomOf(columns, widths, width)].sort(([a], [b]) => a - b)
  const head: string[] = []
  const filled: (readonly string[])[] = []
  for (const [place, [index, most]] of kept.entries()) {
    const column = columns[index]!
    // Nothing follows the last cell, so nothing has to be kept clear of it.
    const isLast = place === kept.length - 1
    head.push(...fill(column, cellsOf([column.title]), most, isLast))
    filled.push(paintCells(column, cells[index]!.texts, fill(column, cells[index]!, most, isLast)))
  }
  const lines = [head.join('  ').trimEnd()]
  for (let row = 0; row < height; row++) {
    let line = filled[0]![row]!
    for (let place = 1; place < filled.length; place++) line += `  ${filled[place]![row]!}`
    lines.push(line.trimEnd())
  }
  return lines
}

/** Cells that are cut, and filled up to the width of their column. */
function fill({ isNumber }: Column, { texts, widths }: Cells, most: number, isLast: boolean): readonly string[] {
  return texts.map((whole, row) => {
    const its = widths?.[row] ?? whole.length
    const text = its > most ? truncate(whole, most) : whole
    // Something wide that was cut may leave a column free.
    const length = text.length + most - (its > most ? widthOf(text) : its)
    if (isNumber === true) return text.padStart(length)
    return isLast ? text : text.padEnd(length)
  })
}

function paintCells({ paint }: Column, texts: readonly string[], filled: readonly string[]): readonly string[] {
  if (paint === undefined) return filled
  return filled.map((cell, row) => (texts[row]!.trim() === '' ? cell : paint(cell, row)))
}

/** How wide each column is that stays, by its index. */
function roomOf(columns: readonly Column[], widths: readonly number[], width: number): Map<number, number> {
  const room = new Map(widths.entries())
  const missing = (): number => [...room.values()].reduce((sum, each) => sum + each + 2, -2) - width
  const marked = columns.findIndex(({ isFlexible }) => isFlexible === true)
  const flexible = marked < 0 ? columns.length - 1 : marked
  const least = Math.min(widths[flexible]!, LEAST_ROOM)
  for (const [index, { least: few = Infinity }] of columns.entries()) {
    const given = Math.min(widths[index]! - few, missing() - (widths[flexible]! - least))
    if (given > 0) room.set(index, widths[index]! - given)
  }
  const going = columns.flatMap(({ goes }, index) => (goes === undefined ? [] : [{ goes, index }]))
  for (const { index } of going.sort((a, b) => a.goes - b.goes)) {
    if (missing() > widths[flexible]! - least) room.delete(index)
  }
  room.set(flexible, Math.max(least, widths[flexible]! - Math.max(0, missing())))
  while (missing() > 0) {
    const [widest, most] = [...room].reduce((a, b) => (b[1] > a[1] ? b : a))
    if (most < 2) break
    room.set(widest, most - 1)
  }
  return room
}

/** `41.2k`, `310k`, `4.1M`. */
export function shortCount(count: number): string {
  if (count < 1000) return String(Math.round(count))
  const [value, unit] = count < 999_500 ? [count / 1000, 'k'] : [count / 1_000_000, 'M']
  if (value >= 100) return `${Math.round(value)}${unit}`
  // `toFixed` would take most of what a table of many sessions takes.
  const tenths = Math.round(value * 10)
  return `${Math.floor(tenths / 10)}.${tenths % 10}${unit}`
}

/** `$0.31`, `$12.31`, `$1,240`; more digits of what is less than a cent. */
export function shortCost(dollars: number): string {
  if (dollars > 0 && dollars < 0.01) return `$${dollars.toPrecision(1)}`
  return `$${dollars < 1000 ? dollars.toFixed(2) : Math.round(dollars).toLocaleString('en')}`
}

/** `512 B`, `1.2 kB`, `14.2 MB`, `3.1 GB`. */
export function shortBytes(bytes: number): string {
  if (bytes < 1000) return `${bytes} B`
  const [value, unit] =
    bytes < 999_950 ? [bytes / 1000, 'kB'] : bytes < 999_950_000 ? [bytes / 1e6, 'MB'] : [bytes / 1e9, 'GB']
  return `${value.toFixed(1)} ${unit}`
}

/** `1 session`, `2 sessions`; `plural` where it is not made by an s. */
export function counted(count: number, noun: string, plural = `${noun}s`): string {
  return `${count.toLocaleString('en')} ${count === 1 ? noun : plural}`
}
