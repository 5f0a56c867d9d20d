/**
 * The picker on a screen: what is typed, the sessions that fit, the end of the conversation that is chosen, and the keys. Pure.
 *
 *     > refund                                             2 of 41
 *     ❯ 2m ago       18  Refund #4411
 *       3h ago      112  Refunds of March
 *     ────────────────────────────────────────────────────────────
 *     assistant  It was sent yesterday.
 *     ────────────────────────────────────────────────────────────
 *     ↑↓ choose · Enter show · Esc leave
 *
 * On a wide screen the conversation is on the right.
 */
import type { Message } from '../message.ts'
import { chosen, type Choice } from './choice.ts'
import { titleOf } from './info.ts'
import type { Output } from './output.ts'
import { padEnd, padStart, plain, truncate, widthOf, wrap } from './text.ts'

export interface Size {
  readonly columns: number
  readonly rows: number
}

const SPLIT_COLUMNS = 110
const KEYS = '↑↓ choose · Enter show · Esc leave'
const WHO_WIDTH = 9
const MAX_CHARS = 4000
/** The line of the search, two rules and the line of the keys. */
const FRAME_ROWS = 4

/** How many of so many sessions a screen shows at once. It does not change as somebody types, so that nothing jumps. */
export function pageOf({ columns, rows }: Size, count: number): number {
  const room = Math.max(1, rows - FRAME_ROWS)
  return columns >= SPLIT_COLUMNS ? room + 1 : Math.max(1, Math.min(count, Math.floor(room / 2)))
}

/** All lines of a screen, none of them wider than it. `preview`: the lines of {@link previewOf}; undefined while they are not there yet. */
export function screenOf(choice: Choice, preview: readonly string[] | undefined, size: Size, out: Output): string[] {
  const columns = Math.max(20, size.columns)
  const count = `${choice.fitting.length} of ${choice.all.length}`
  const field = tailOf(plain(choice.query), columns - count.length - 4)
  const top = `${out.style('cyan', '>')} ${padEnd(field, columns - count.length - 3)} ${out.style('dim', count)}`
  const keys = out.style('dim', truncate(KEYS, columns))
  const rule = out.style('dim', '─'.repeat(columns))
  const page = pageOf(size, choice.all.length)
  if (columns >= SPLIT_COLUMNS) {
    const left = Math.floor(columns * 0.45)
    const list = listOf(choice, page, left, out)
    const shown = lastOf(preview ?? [], page)
    const rows = Array.from({ length: page }, (_, row) => {
      const entry = list[row] ?? { text: '', painted: '' }
      return `${entry.painted}${' '.repeat(left - widthOf(entry.text))} ${out.style('dim', '│')} ${shown[row] ?? ''}`
    })
    return [top, rule, ...rows, keys].slice(0, size.rows)
  }
  const list = listOf(choice, page, columns, out).map(({ painted }) => painted)
  const room = Math.max(0, size.rows - FRAME_ROWS - page)
  const shown = lastOf(preview ?? [], room)
  return [top, ...fill(list, page), rule, ...fill(shown, room), rule, keys].slice(0, size.rows)
}

/** How wide the lines of a preview may be. */
export function previewWidth({ columns }: Size): number {
  return columns >= SPLIT_COLUMNS ? columns - Math.floor(columns * 0.45) - 3 : Math.max(20, columns)
}

/** Messages as lines: who, and what was said; of tools only their names. */
export function previewOf(messages: readonly Message[], width: number, out: Output): string[] {
  return messages.flatMap((message) => {
    const texts = message.parts.flatMap((part) => {
      if (part.type === 'text') return [part.text.trim().slice(0, MAX_CHARS)]
      return part.type === 'tool-call' ? [`[${plain(part.name)}]`] : part.type === 'file' ? ['[file]'] : []
    })
    const text = texts.filter((each) => each !== '').join('\n')
    if (text === '') return []
    const who = padEnd(truncate(plain(message.author ?? message.role), WHO_WIDTH), WHO_WIDTH)
    const lines = wrap(text, Math.max(2, width - WHO_WIDTH - 2))
    return lines.map((line, index) => `${index === 0 ? out.style('cyan', who) : ' '.repeat(WHO_WIDTH)}  ${line}`)
  })
}

interface Entry {
  readonly text: string
  readonly painted: string
}

/** The sessions around the chosen one, a line each. */
function listOf(choice: Choice, page: number, width: number, out: Output): Entry[] {
  if (choice.fitting.length === 0) return [{ text: '  nothing fits', painted: out.style('dim', '  nothing fits') }]
  const first = Math.max(0, Math.min(choice.at - Math.floor(page / 2), choice.fitting.length - page))
  return choice.fitting.slice(first, first + page).map((info) => {
    const isChosen = info === chosen(choice)
    const facts = `${padEnd(out.when(info.time.updated), 10)}  ${padStart(String(info.messageCount), 5)}  `
    const text = truncate(`${isChosen ? '❯' : ' '} ${facts}${titleOf(info)}`, width)
    return { text, painted: isChosen ? out.style('bold', text) : text }
  })
}

function lastOf(lines: readonly string[], count: number): readonly string[] {
  return lines.slice(Math.max(0, lines.length - count))
}

function fill(lines: readonly string[], count: number): string[] {
  return [...lines.slice(0, count), ...Array.from({ length: Math.max(0, count - lines.length) }, () => '')]
}

/** The end of a text that is too wide, because that is where somebody types. */
function tailOf(text: string, width: number): string {
  const chars = Array.from(text)
  while (widthOf(chars.join('')) > width) chars.shift()
  return chars.join('')
}
