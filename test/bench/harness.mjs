/**
 * Measures several ways of doing the same thing, side by side.
 *
 * All ways of a table run in every round, in rotated order, and the first rounds are dropped: what the machine does
 * meanwhile hits all of them, so their ratios can be trusted where their times cannot.
 */
import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'

setFlagsFromString('--expose-gc')
const collectGarbage = runInNewContext('gc')

/**
 * @typedef {object} Way one way of doing it
 * @property {string} name
 * @property {(round: number) => number | Promise<number>} sample one measurement in the unit of its table
 * @property {string | undefined} [missing] why it cannot be measured
 *
 * @typedef {object} Row what came out
 * @property {string} name
 * @property {readonly number[]} samples without the first rounds; empty if there was nothing to measure
 * @property {number} [least] the minimum, where it is not that of the samples
 * @property {string | undefined} [missing]
 */

/**
 * Runs all ways `rounds` times, after `warmup` rounds that do not count.
 *
 * Before each sample the young garbage of the others is collected. A full collection would throw away compiled code that
 * holds on to something of an earlier sample, which no process in use would see; only where a sample leaves more than
 * fits a heap is `collect` set to `all`.
 *
 * @param {readonly Way[]} ways
 * @param {number} rounds
 * @param {{ warmup?: number, collect?: 'young' | 'all' }} options
 * @returns {Promise<Row[]>} in the order of `ways`
 */
export async function compare(ways, rounds, { warmup = 1, collect = 'young' } = {}) {
  const samples = ways.map(() => /** @type {number[]} */ ([]))
  for (let round = 0; round < warmup + rounds; round++) {
    for (let i = 0; i < ways.length; i++) {
      const at = (i + round) % ways.length
      if (ways[at].missing !== undefined) continue
      // Weak references let go of what was used only when the event loop has turned.
      await new Promise((resolve) => setImmediate(resolve))
      if (collect === 'all') collectGarbage()
      else collectYoung()
      const value = await ways[at].sample(round)
      if (round >= warmup) samples[at].push(value)
    }
  }
  return ways.map(({ name, missing }, i) => ({ name, missing, samples: samples[i] }))
}

/**
 * Collects the young garbage, for a sample that has to prepare much of what is no part of it. Twice, as what stays is moved by the first
 * collection that comes upon it, and once more by the next.
 */
export function collectYoung() {
  collectGarbage({ type: 'minor' })
  collectGarbage({ type: 'minor' })
}

/**
 * The time `run` takes.
 *
 * @param {() => unknown} run waited for only if it returns something to wait for, which would cost a sync one a microtask
 * @param {number} count what to divide by: how many things it does
 * @returns {Promise<number>} milliseconds
 */
export async function timed(run, count = 1) {
  const start = performance.now()
  const result = /** @type {any} */ (run())
  if (typeof result?.then === 'function') await result
  return (performance.now() - start) / count
}

/**
 * The value that `share` of the values are below.
 *
 * @param {readonly number[]} values
 * @param {number} share 0 to 1
 */
export function percentile(values, share) {
  const sorted = values.toSorted((a, b) => a - b)
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? Number.NaN
}

/** @param {readonly number[]} values */
export function median(values) {
  const sorted = values.toSorted((a, b) => a - b)
  const half = sorted.length >> 1
  return sorted.length % 2 === 1 ? sorted[half] : (sorted[half - 1] + sorted[half]) / 2
}

/** @param {readonly number[]} values */
export function minimum(values) {
  return values.length === 0 ? Number.NaN : Math.min(...values)
}
