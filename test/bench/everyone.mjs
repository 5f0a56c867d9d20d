/**
 * F14: everybody who keeps conversations, side by side: a message to one of 1,000 messages, and opening one of 10,000.
 *
 * What an append promises differs, so it is said beside each; the rows of one promise may be compared.
 */
import { compare } from './harness.mjs'
import { Templates, appendWay, openWay, warmUp } from './keeping.mjs'
import { KEEPERS } from './stores.mjs'
import { number } from './table.mjs'

/** @param {import('./run.mjs').Options} options @returns {Promise<import('./table.mjs').Report>} */
export async function measureEveryone({ rounds, quick }) {
  const [length, count] = quick ? [100, 10] : [1000, 200]
  if (!quick) await warmUp(KEEPERS)
  const appended = await atLength(length, (templates) => {
    const ways = KEEPERS.map((keeper) => appendWay(keeper, templates, length, { count, repeat: 1 }))
    return compare(ways, rounds ?? 9)
  })
  const big = quick ? 500 : 10_000
  const read = await atLength(big, (templates) => {
    const ways = KEEPERS.map((keeper) => openWay(keeper, templates, big))
    return compare(ways, rounds ?? 7, { warmup: 2, collect: 'all' })
  })
  const named = appended.map((row, i) => ({ ...row, name: `${row.name}: ${KEEPERS[i].costs}` }))
  return {
    id: 'F14',
    title: 'everybody who keeps conversations',
    tables: [
      { caption: `append to ${number(length)} messages`, unit: 'µs a message', rows: named },
      { caption: `open and read all of ${number(big)} messages`, unit: 'ms', rows: read },
    ],
    checks: [],
  }
}

/** @template T @param {number} length @param {(templates: Templates) => Promise<T>} measure */
export async function atLength(length, measure) {
  const templates = new Templates(length)
  try {
    return await measure(templates)
  } finally {
    templates.remove()
  }
}
