/**
 * The benchmarks: `node test/bench/run.mjs [--only F1,F3] [--rounds N] [--scale 0.1] [--quick] [--write]`.
 *
 * Prints Markdown tables, of each group and at the end of all targets (targets.mjs). `--write` puts them into
 * docs/performance.md (page.mjs) and draws its plots (plot.mjs). `--quick` takes small sizes and few rounds, to see
 * that everything runs; its figures mean nothing. `--scale` makes the greatest sizes of F15, F17, F19 and F20 smaller.
 */
import { parseArgs } from 'node:util'
import { measureAgents } from './agents.mjs'
import { measureAppend } from './append.mjs'
import { measureCounted } from './counted.mjs'
import { measureEveryone } from './everyone.mjs'
import { measureBig } from './big.mjs'
import { measureFsck } from './fsck.mjs'
import { measureGrowth } from './growth.mjs'
import { measureGuarded } from './guarded.mjs'
import { measureHtml } from './html.mjs'
import { measureImport } from './import.mjs'
import { measureList } from './list.mjs'
import { machine } from './machine.mjs'
import { measureMany } from './many.mjs'
import { measureMessages } from './messages.mjs'
import { measureOpen } from './open.mjs'
import { writeMachine, writeReport } from './page.mjs'
import { measureRace } from './race.mjs'
import { measureSearch } from './search.mjs'
import { measureSend } from './send.mjs'
import { measureStart } from './start.mjs'
import { measureStream } from './stream.mjs'
import { isMet, toMarkdown } from './table.mjs'
import { targetsToMarkdown } from './targets.mjs'
import { measureWatchCost } from './watch-cost.mjs'
import { measureWatch } from './watch.mjs'

/**
 * @typedef {object} Options
 * @property {number | undefined} rounds of every comparison; each has its own default
 * @property {boolean} quick
 * @property {number} scale of the greatest sizes, 0 to 1
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
  ['F14', measureEveryone],
  ['F15', measureGrowth],
  ['F16', measureAgents],
  ['F17', measureBig],
  ['F18', measureRace],
  ['F19', measureWatchCost],
  ['F20', measureMany],
  ['F21', measureCounted],
])

const { values } = parseArgs({
  options: {
    only: { type: 'string', default: [...GROUPS.keys()].join() },
    rounds: { type: 'string' },
    scale: { type: 'string', default: '1' },
    quick: { type: 'boolean', default: false },
    write: { type: 'boolean', default: false },
  },
})
if (values.quick && values.write)
  throw new Error('--quick and --write: quick figures mean nothing, so they are not written')
const rounds = values.rounds === undefined ? (values.quick ? 2 : undefined) : Number(values.rounds)
const scale = Number(values.scale)
if (!(scale > 0 && scale <= 1)) throw new Error(`--scale ${values.scale}: use a number over 0, up to 1`)
if (values.write && scale < 1) throw new Error('--scale and --write: the targets are of the full sizes')
if (rounds !== undefined && !(Number.isInteger(rounds) && rounds > 0))
  throw new Error(`--rounds ${values.rounds}: use a number from 1 on`)

console.log(`${machine()}\n`)
if (values.write) writeMachine(machine())
/** @type {import('./table.mjs').Check[]} */
const checks = []
for (const id of values.only.split(',')) {
  const measure = GROUPS.get(id)
  if (measure === undefined) throw new Error(`--only ${id}: use some of ${[...GROUPS.keys()].join()}`)
  const report = await measure({ rounds, quick: values.quick, scale })
  console.log(`## ${report.id}: ${report.title}\n\n${toMarkdown(report)}\n`)
  if (values.write) writeReport(report)
  checks.push(...report.checks)
}
console.log(`## Targets\n\n${targetsToMarkdown(checks)}\n`)
const missed = checks.filter((check) => isMet(check) === false).length
console.log(missed === 0 ? 'No measured target was missed.' : `${missed} targets were missed.`)
