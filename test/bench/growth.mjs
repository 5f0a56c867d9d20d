/**
 * F15: what appending and opening cost as a conversation grows. The plots of docs/performance.md are drawn from this.
 *
 * Who writes everything again for each message is measured up to 10,000 messages, where an append takes tenths of a second.
 */
import { statSync } from 'node:fs'
import { join } from 'node:path'
import { atLength } from './everyone.mjs'
import { compare, median, timed } from './harness.mjs'
import { appendWay, openWay, warmUp } from './keeping.mjs'
import { foldlog, missing } from './peers.mjs'
import { KEEPERS, keeper } from './stores.mjs'
import { number, ratio } from './table.mjs'

const LONGEST = 100_000
/** Conversations so short are many, so that there is enough to measure. */
const APPENDS = [
  { length: 1, count: 10, repeat: 20 },
  { length: 10, count: 10, repeat: 20 },
  { length: 100, count: 20, repeat: 10 },
  { length: 1000, count: 200, repeat: 1 },
  { length: 10_000, count: 200, repeat: 1 },
  { length: LONGEST, count: 200, repeat: 1 },
]
const OPENED = [100, 1000, 10_000, LONGEST]

/**
 * @typedef {import('./table.mjs').Row} Row
 * @typedef {{ at: number, rows: Row[] }} Step what was measured at one length
 */

/** @param {import('./run.mjs').Options} options @returns {Promise<import('./table.mjs').Report>} */
export async function measureGrowth({ rounds, quick, scale }) {
  const [appends, lengths] = quick
    ? [APPENDS.slice(0, 3), OPENED.slice(0, 2)]
    : [APPENDS.filter(({ length }) => length <= LONGEST * scale), OPENED.filter((length) => length <= LONGEST * scale)]
  if (!quick) await warmUp(KEEPERS)
  /** @type {Step[]} */
  const appended = []
  for (const plan of appends) {
    const { length } = plan
    const rows = await atLength(length, (templates) => {
      const ways = KEEPERS.filter(({ most }) => length <= most).map((one) => appendWay(one, templates, length, plan))
      return compare(ways, rounds ?? 5, { warmup: quick ? 0 : 1 })
    })
    appended.push({ at: length, rows })
  }
  /** @type {Step[]} */
  const opened = []
  const sizes = []
  for (const length of lengths) {
    const { rows, bytes } = await atLength(length, (templates) => openAll(templates, length, rounds ?? 3))
    opened.push({ at: length, rows })
    sizes.push(bytes)
  }
  return {
    id: 'F15',
    title: 'as a conversation grows',
    tables: [
      cells('append to … messages, µs (medians)', appended, (at) => number(at)),
      cells('open and read a log of …, ms (medians)', opened, (_, i) => `${number(sizes[i] / 1e6)} MB`),
    ],
    checks: checks(appended),
    series: { append: series(appended, (at) => at), open: series(opened, (_, i) => sizes[i] / 1e6) },
  }
}

/** @param {import('./keeping.mjs').Templates} templates @param {number} length @param {number} rounds */
async function openAll(templates, length, rounds) {
  const product = await templates.shared(keeper('foldlog'))
  const ways = KEEPERS.filter(({ most }) => length <= most).map((one) => openWay(one, templates, length))
  const rows = await compare([...ways, newestWay(product)], rounds, { collect: 'all' })
  return { rows, bytes: statSync(join(product, 'default', 'long.jsonl')).size }
}

/** @param {string} folder @returns {import('./harness.mjs').Way} */
function newestWay(folder) {
  const sample = async () => {
    /** @type {any} */
    let store
    const ms = await timed(async () => {
      store = await foldlog.openStore(folder)
      const session = await store.get('long')
      await session.messages({ limit: 50 })
    })
    await store.close()
    return ms
  }
  return { name: 'foldlog, the newest 50', missing: missing.foldlog, sample }
}

/** @param {readonly Step[]} steps @param {string} name the start of it @param {number} at @returns {Row} */
function rowAt(steps, name, at) {
  const row = steps.find((step) => step.at === at)?.rows.find((one) => one.name.startsWith(name))
  return row ?? { name, samples: [] }
}

/** @param {readonly Step[]} appended */
function checks(appended) {
  const [short, long, longest] = [100, 10_000, 100_000].map((at) => rowAt(appended, 'foldlog', at))
  const oats = (/** @type {number} */ at) => rowAt(appended, 'oats', at)
  return [
    ratio('A1: oats at 100 messages, to the default', oats(100), short, 40, 'least'),
    ratio('A1: oats at 10,000 messages, to the default', oats(10_000), long, 2000, 'least'),
    ratio('A3: at 100,000 messages, to at 100', longest, short, 1.1),
  ]
}

/**
 * @param {string} caption @param {readonly Step[]} steps @param {(at: number, index: number) => string} head
 * @returns {import('./table.mjs').Cells}
 */
function cells(caption, steps, head) {
  const names = [...new Set(steps.flatMap(({ rows }) => rows.map(({ name }) => name)))]
  return {
    caption,
    columns: steps.map(({ at }, i) => head(at, i)),
    cells: names.map((name) => [name, ...steps.map(({ at }) => number(middle(rowAt(steps, name, at))))]),
  }
}

/** @param {Row} row */
function middle({ samples }) {
  return samples.length === 0 ? Number.NaN : median(samples)
}

/** @param {readonly Step[]} steps @param {(at: number, index: number) => number} x @returns {import('./table.mjs').Series[]} */
function series(steps, x) {
  const [last] = steps.toReversed()
  const names = [...new Set(steps.flatMap(({ rows }) => rows.map(({ name }) => name)))]
  return last === undefined
    ? []
    : names.flatMap((name) => {
        const points = steps.flatMap(({ at }, i) => {
          const value = middle(rowAt(steps, name, at))
          return Number.isFinite(value) ? [[x(at, i), value]] : []
        })
        return points.length === 0 ? [] : [{ name, points }]
      })
}
