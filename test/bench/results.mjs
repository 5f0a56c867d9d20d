/** What was last measured of each group, as numbers: results.json. A run of some groups replaces what is known of those. */
import { existsSync, readFileSync, writeFileSync } from 'node:fs'

const FILE = new URL('results.json', import.meta.url)

/**
 * @typedef {object} Kept of one group
 * @property {readonly import('./table.mjs').Check[]} checks
 * @property {import('./table.mjs').Report['series']} [series]
 */

/** @returns {{ [id: string]: Kept }} */
export function readResults() {
  return existsSync(FILE) ? JSON.parse(readFileSync(FILE, 'utf8')) : {}
}

/** @param {import('./table.mjs').Report} report @returns {{ [id: string]: Kept }} what is known of all groups now */
export function keepResults({ id, checks, series }) {
  const results = { ...readResults(), [id]: { checks, ...(series === undefined ? {} : { series }) } }
  writeFileSync(FILE, `${JSON.stringify(results, undefined, 1)}\n`)
  return results
}
