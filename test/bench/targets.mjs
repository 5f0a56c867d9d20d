/**
 * The rows that the engine is held to, and what was measured of each.
 *
 * A check belongs to the row that its text begins with: `A1: to pi`.
 */
import { checkCells } from './table.mjs'

/** @type {readonly (readonly [id: string, what: string])[]} */
const ROWS = [
  ['A1', 'append: validated, written, folded, published'],
  ['A2', 'append, 100 callers at once'],
  ['A3', 'append, as the session grows'],
  ['A4', 'append, on disk when acknowledged'],
  ['A5', 'append, on disk when acknowledged, 100 callers at once'],
  ['R1', 'read all of a session'],
  ['R2', 'open a session without its bodies'],
  ['R3', 'open a session that is in the infos cache'],
  ['R4', 'the newest 50 messages'],
  ['R5', 'a log of 500 MB'],
  ['L1', 'list 10,000 sessions, every file looked at'],
  ['L2', 'a page of 50 of 10,000 sessions'],
  ['L3', 'list 100,000 sessions that are watched'],
  ['W1', "another process's append, until it is on the bus"],
  ['W2', "another process's appends, none missed"],
  ['W3', "processor time for another process's append"],
  ['P1', 'eight processes append to one log'],
  ['S1', 'search for a text in 1 GB'],
  ['U1', 'import, to read'],
]

/**
 * One table of all rows. A row of which nothing was measured says so.
 *
 * @param {readonly import('./table.mjs').Check[]} checks of any groups
 */
export function targetsToMarkdown(checks) {
  const lines = ROWS.flatMap(([id, what]) => {
    const own = checks.filter(({ text }) => text.startsWith(`${id}: `))
    const title = `| **${id}** | **${what}** |`
    if (own.length === 0) return [`${title} | | not measured | | |`]
    return [
      `${title} | | | | |`,
      ...own.map((check) => `| | ${[check.text.slice(id.length + 2), ...checkCells(check)].join(' | ')} |`),
    ]
  })
  return ['| row | target | limit | measured | of minima | met |', '|---|---|--:|--:|--:|---|', ...lines].join('\n')
}
