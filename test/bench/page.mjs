/** docs/performance.md: the tables in it, between `<!-- bench:F1 -->` and `<!-- /bench:F1 -->`, and its plots. */
import { readFileSync, writeFileSync } from 'node:fs'
import { drawPlots } from './plot.mjs'
import { keepResults } from './results.mjs'
import { toMarkdown } from './table.mjs'
import { targetsToMarkdown } from './targets.mjs'

const PAGE = new URL('../../docs/performance.md', import.meta.url)

/** What the figures were measured on. @param {string} text */
export function writeMachine(text) {
  writeBlock('machine', text)
}

/** Its own tables, the table of all targets, and the plots. @param {import('./table.mjs').Report} report */
export function writeReport(report) {
  const results = keepResults(report)
  writeBlock(report.id, toMarkdown(report))
  writeBlock('targets', targetsToMarkdown(Object.values(results).flatMap(({ checks }) => checks)))
  drawPlots(results)
}

/** @param {string} name @param {string} text */
function writeBlock(name, text) {
  const [start, end] = [`<!-- bench:${name} -->`, `<!-- /bench:${name} -->`]
  const page = readFileSync(PAGE, 'utf8')
  const [from, to] = [page.indexOf(start), page.indexOf(end)]
  if (from < 0 || to < from) throw new Error(`docs/performance.md has no ${start} … ${end}`)
  writeFileSync(PAGE, `${page.slice(0, from + start.length)}\n\n${text}\n\n${page.slice(to)}`)
}
