/** F20: many sessions: what knowing them holds and costs an append, and ten thousand of them open at once. */
import { setTimeout as wait } from 'node:timers/promises'
import { projectFile, runNode } from './children.mjs'
import { median } from './harness.mjs'
import { missing } from './peers.mjs'
import { most, number } from './table.mjs'
import { removeFolder, tempFolder } from './temp.mjs'
import { writeSessions } from './watch.mjs'

const SIZES = [10, 1000, 10_000, 50_000]
const LIVE = 10_000
/** Of a process that holds ten thousand sessions open: far below what systems allow. */
const DESCRIPTORS = 1000

/** @typedef {{ sessions: number, heapMb: number, rssMb: number, appendUs: number }} Known */

/** @param {import('./run.mjs').Options} options @returns {Promise<import('./table.mjs').Report>} */
export async function measureMany({ rounds, quick, scale }) {
  const title = 'many sessions'
  if (missing.foldlog !== undefined) return { id: 'F20', title, tables: [], checks: [], notes: [missing.foldlog] }
  const sizes = quick ? [10, 100] : SIZES.filter((size) => size <= 50_000 * scale)
  const roots = sizes.map(writeSessions)
  // What is cached of a file that changed in the last two seconds is not trusted: it may change again unseen.
  await wait(2500)
  for (const [i, root] of roots.entries()) {
    const { sessions } = known(root, 'plain')
    if (sessions !== sizes[i]) throw new Error(`${sessions} of ${sizes[i]} sessions were listed`)
  }
  /** @type {Map<string, Known[]>} */
  const figures = new Map()
  for (let round = 0; round < (rounds ?? (quick ? 1 : 5)); round++) {
    for (const how of ['plain', 'watch']) {
      for (const [i, root] of roots.entries()) {
        const key = `${how} ${sizes[i]}`
        figures.set(key, [...(figures.get(key) ?? []), known(root, how)])
      }
    }
  }
  const live = quick ? 200 : Math.ceil(LIVE * scale)
  const root = tempFolder('live')
  const held = JSON.parse(runNode(['--expose-gc', child('live'), root, String(live)]).output)
  for (const folder of [root, ...roots]) removeFolder(folder)
  const middle = (/** @type {string} */ how, /** @type {number} */ size, /** @type {keyof Known} */ field) =>
    median((figures.get(`${how} ${size}`) ?? []).map((figure) => figure[field]))
  const row = (/** @type {string} */ name, /** @type {string} */ how, /** @type {keyof Known} */ field) => [
    name,
    ...sizes.map((size) => number(middle(how, size, field))),
  ]
  const [least, greatest] = [sizes[0], sizes.at(-1) ?? sizes[0]]
  return {
    id: 'F20',
    title,
    tables: [
      {
        caption: 'sessions that a store knows',
        columns: sizes.map((size) => number(size)),
        cells: [
          row('an append, µs', 'plain', 'appendUs'),
          row('an append, watched, µs', 'watch', 'appendUs'),
          row('on the heap, MB', 'plain', 'heapMb'),
          row('memory of the process, MB', 'plain', 'rssMb'),
          row('memory of the process, watched, MB', 'watch', 'rssMb'),
        ],
      },
      {
        caption: `${number(live)} sessions open at once`,
        columns: ['descriptors', 'on the heap, MB', 'memory of the process, MB', 'a message to each, µs'],
        cells: [['foldlog', ...[held.descriptors, held.heapMb, held.rssMb, held.addUs].map(number)]],
      },
    ],
    checks: [
      {
        ...most(
          `A3: with ${number(greatest)} sessions known, to ${number(least)}`,
          middle('plain', greatest, 'appendUs') / middle('plain', least, 'appendUs'),
          1.1,
        ),
        unit: '×',
      },
      most(`descriptors of ${number(live)} sessions open at once`, held.descriptors, DESCRIPTORS),
    ],
  }
}

/** @param {string} name */
function child(name) {
  return projectFile(`test/bench/children/${name}.mjs`)
}

/** @param {string} root @param {string} how @returns {Known} */
function known(root, how) {
  return JSON.parse(runNode(['--expose-gc', child('known'), root, how]).output)
}
