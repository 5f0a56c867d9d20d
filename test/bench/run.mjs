/**
 * The benchmarks: `node test/bench/run.mjs [--only F1,F3] [--rounds N] [--quick] [--write]`.
 *
 * Prints Markdown tables. `--write` puts them into docs/performance.md, between `<!-- bench:F1 -->` and
 * `<!-- /bench:F1 -->`. `--quick` takes small sizes and few rounds, to see that everything runs; its figures mean nothing.
 */
import { readFileSync, writeFileSync } from 'node:fs'
import { parseArgs } from 'node:util'
import { measureAppend } from './append.mjs'
import { measureFsck } from './fsck.mjs'
import { measureGuarded } from './guarded.mjs'
import { measureHtml } from './html.mjs'
import { measureImport } from './import.mjs'
import { measureList } from './list.mjs'
import { machine } from './machine.mjs'
import { measureMessages } from './messages.mjs'
import { measureOpen } from './open.mjs'
import { measureSearch } from './search.mjs'
import { measureSend } from './send.mjs'
import { measureStart } from './start.mjs'
import { measureStream } from './stream.mjs'
import { isMet, toMarkdown } from './table.mjs'
import { measureWatch } from './watch.mjs'

/**
 * @typedef {object} Options
 * @property {number | undefined} rounds of every comparison; each has its own default
 * @property {boolean} quick
 */

const GROUPS = new Map([
  ['F1', measureAppend],
  ['F2', measureOpen],
  ['F3', measureList],
  ['F4', measureWatch],
  ['F5', measureStart],
  ['F6', measureFsck],
  ['F7', measureGuarded],
  ['F8', measureStream],
  ['F9', measureSend],
  ['F10', measureMessages],
  ['F11', measureImport],
  ['F12', measureHtml],
  ['F13', measureSearch],
])
const PAGE = new URL('../../docs/performance.md', import.meta.url)

const { values } = parseArgs({
  options: {
    only: { type: 'string', default: [...GROUPS.keys()].join() },
    rounds: { type: 'string' },
    quick: { type: 'boolean', default: false },
    write: { type: 'boolean', default: false },
  },
})
if (values.quick && values.write)
  throw new Error('--quick and --write: quick figures mean nothing, so they are not written')
const rounds = values.rounds === undefined ? (values.quick ? 2 : undefined) : Number(values.rounds)
if (rounds !== undefined && !(Number.isInteger(rounds) && rounds > 0))
  throw new Error(`--rounds ${values.rounds}: use a number from 1 on`)

console.log(`${machine()}\n`)
if (values.write) writeBlock('machine', machine())
let missed = 0
for (const id of values.only.split(',')) {
  const measure = GROUPS.get(id)
  if (measure === undefined) throw new Error(`--only ${id}: use some of ${[...GROUPS.keys()].join()}`)
  const report = await measure({ rounds, quick: values.quick })
  console.log(`## ${report.id}: ${report.title}\n\n${toMarkdown(report)}\n`)
  if (values.write) writeBlock(id, toMarkdown(report))
  missed += report.checks.filter((check) => isMet(check) === false).length
}
console.log(missed === 0 ? 'No measured target was missed.' : `${missed} targets were missed.`)

/** Replaces what is between the markers of `name`. @param {string} name @param {string} text */
function writeBlock(name, text) {
  const [start, end] = [`<!-- bench:${name} -->`, `<!-- /bench:${name} -->`]
  const page = readFileSync(PAGE, 'utf8')
  const [from, to] = [page.indexOf(start), page.indexOf(end)]
  if (from < 0 || to < from) throw new Error(`docs/performance.md has no ${start} … ${end}`)
  writeFileSync(PAGE, `${page.slice(0, from + start.length)}\n\n${text}\n\n${page.slice(to)}`)
}
