/** Rows and targets as Markdown. */
import { median, minimum } from './harness.mjs'

/**
 * @typedef {import('./harness.mjs').Row} Row
 *
 * @typedef {object} Table
 * @property {string} caption
 * @property {string} unit of the samples
 * @property {readonly Row[]} rows the first one is the base of the ratios
 *
 * @typedef {object} Cells a table of other figures
 * @property {string} caption
 * @property {readonly string[]} columns but the first
 * @property {readonly (readonly string[])[]} cells
 *
 * @typedef {object} Check a target and what was measured
 * @property {string} text
 * @property {number} [value] by medians; absent: not measured
 * @property {number} [minima] the same by minima
 * @property {'most' | 'least'} at
 * @property {number} limit
 * @property {string} unit of all three numbers, `×` for ratios
 *
 * @typedef {object} Series a line of a plot
 * @property {string} name
 * @property {readonly (readonly number[])[]} points as x and y, by x
 *
 * @typedef {object} Report what a group of rows gives
 * @property {string} id
 * @property {string} title
 * @property {readonly (Table | Cells)[]} tables
 * @property {readonly Check[]} checks
 * @property {readonly string[]} [notes] what else was seen, as sentences
 * @property {{ [plot: string]: readonly Series[] }} [series] what plot.mjs draws
 */

/**
 * The target that one row takes at most (or `at: 'least'`) so many times as long as another.
 *
 * @param {string} text
 * @param {Row} row
 * @param {Row} base
 * @param {number} limit
 * @param {'most' | 'least'} at
 * @returns {Check}
 */
export function ratio(text, row, base, limit, at = 'most') {
  const check = { text, at, limit, unit: '×' }
  if (row.samples.length === 0 || base.samples.length === 0) return check
  const minima = leastOf(row) / leastOf(base)
  return { ...check, value: median(row.samples) / median(base.samples), minima }
}

/**
 * The target that a row stays under a number.
 *
 * @param {string} text
 * @param {Row} row
 * @param {number} limit
 * @param {string} unit
 * @returns {Check}
 */
export function atMost(text, row, limit, unit) {
  const check = { text, at: /** @type {const} */ ('most'), limit, unit }
  if (row.samples.length === 0) return check
  return { ...check, value: median(row.samples), minima: leastOf(row) }
}

/**
 * The target that a row stays over a number. What is counted here is better the greater it is, so the worst of it is its minimum.
 *
 * @param {string} text
 * @param {Row} row
 * @param {number} limit
 * @param {string} unit
 * @returns {Check}
 */
export function atLeast(text, row, limit, unit) {
  return { ...atMost(text, row, limit, unit), at: 'least' }
}

/**
 * The target that a single number is not exceeded.
 *
 * @param {string} text
 * @param {number | undefined} value undefined: not measured
 * @param {number} limit
 * @returns {Check}
 */
export function most(text, value, limit, unit = '') {
  return { text, at: 'most', limit, unit, ...(value === undefined ? {} : { value }) }
}

/**
 * What a process takes beyond an empty one: medians are compared with medians, and minima with minima.
 *
 * @param {Row} row
 * @param {Row} empty
 * @returns {Row}
 */
export function beyond(row, empty) {
  if (row.samples.length === 0) return row
  const samples = row.samples.map((value) => value - median(empty.samples))
  return { ...row, samples, least: minimum(row.samples) - minimum(empty.samples) }
}

/** @param {Row} row */
function leastOf(row) {
  return row.least ?? minimum(row.samples)
}

/** @param {Check} check */
export function isMet(check) {
  if (check.value === undefined) return undefined
  return check.at === 'most' ? check.value <= check.limit : check.value >= check.limit
}

/** @param {Report} report */
export function toMarkdown(report) {
  const blocks = report.tables.map((table) => ('cells' in table ? cellsToMarkdown(table) : tableToMarkdown(table)))
  if (report.notes !== undefined && report.notes.length > 0)
    blocks.push(report.notes.map((note) => `- ${note}`).join('\n'))
  if (report.checks.length > 0) blocks.push(checksToMarkdown(report.checks))
  return blocks.join('\n\n')
}

/** @param {Table} table */
function tableToMarkdown({ caption, unit, rows }) {
  const base = rows[0]
  const lines = rows.map((row) => {
    if (row.samples.length === 0) return `| ${row.name} | ${row.missing ?? 'not measured'} | | | |`
    const [middle, smallest] = [median(row.samples), leastOf(row)]
    const ratios = [middle / median(base.samples), smallest / leastOf(base)]
    return `| ${row.name} | ${number(middle)} | ${number(smallest)} | ${ratios.map(times).join(' | ')} |`
  })
  const head = `| ${caption} | median, ${unit} | minimum, ${unit} | × of medians | × of minima |`
  return [head, '|---|--:|--:|--:|--:|', ...lines].join('\n')
}

/** @param {Cells} table */
function cellsToMarkdown({ caption, columns, cells }) {
  const lines = cells.map((row) => `| ${row.join(' | ')} |`)
  return [`| ${[caption, ...columns].join(' | ')} |`, `|---|${'--:|'.repeat(columns.length)}`, ...lines].join('\n')
}

/** @param {readonly Check[]} checks */
function checksToMarkdown(checks) {
  const lines = checks.map((check) => `| ${[check.text, ...checkCells(check)].join(' | ')} |`)
  return ['| target | limit | measured | of minima | met |', '|---|--:|--:|--:|---|', ...lines].join('\n')
}

/** The limit, the figure, that of minima and whether it is met. @param {Check} check @returns {string[]} */
export function checkCells(check) {
  const bound = `${check.at === 'most' ? '≤' : '≥'} ${withUnit(check.limit, check.unit)}`
  if (check.value === undefined) return [bound, 'not measured', '', '']
  const minima = check.minima === undefined ? '' : withUnit(check.minima, check.unit)
  return [bound, withUnit(check.value, check.unit), minima, isMet(check) ? 'yes' : '**no**']
}

/** @param {number} value @param {string} unit */
function withUnit(value, unit) {
  return unit === '×' ? `${number(value)} ×` : `${number(value)} ${unit}`.trimEnd()
}

/** @param {number} value */
function times(value) {
  return Number.isFinite(value) ? value.toFixed(2) : '–'
}

/** Three significant digits, and no digits after the point from 100 on. @param {number} value */
export function number(value) {
  if (!Number.isFinite(value)) return '–'
  if (Number.isInteger(value) || Math.abs(value) >= 100) return Math.round(value).toLocaleString('en-US')
  return Math.abs(value) < 1 ? value.toPrecision(2) : value.toPrecision(3)
}
