/**
 * F16: messages of the sizes that real agents write, instead of lines that are all alike.
 *
 * The sizes are those published for 39,870 events of a coding agent: 190 bytes to 260 KB, half of them below 1.4 KB, and 78 % of
 * all bytes what tools said. Texts are the same in every run; what came out is told beside the figures.
 */
import { dirname, join } from 'node:path'
import { FIRST, appendWays } from './append.mjs'
import { compare, median, timed } from './harness.mjs'
import { readWays, writeFilesOf } from './open.mjs'
import { foldlog, missing } from './peers.mjs'
import { number, ratio } from './table.mjs'
import { eventsOf, randomFrom, sentence } from './workload.mjs'

/** @typedef {import('./workload.mjs').Input} Input */

/** A question, so many calls and results, an answer. */
const CALLS = 9
const LARGEST = 260_000
/** Lognormal: the characters that half of the texts are below, and how wide they spread. */
const SIZES = {
  question: { half: 300, spread: 1 },
  answer: { half: 900, spread: 0.8 },
  call: { half: 420, spread: 0.9 },
  result: { half: 2100, spread: 1.25 },
}
/** Words to cut from: making a text of 260 KB out of single words takes longer than what is measured. */
const TEXT = sentence(randomFrom(99), 2 * LARGEST)

/** @param {number} count @param {number} seed @returns {Input[]} */
export function agentInputs(count, seed = 0) {
  const random = randomFrom(seed * 31 + 5)
  const turn = 2 * CALLS + 2
  return Array.from({ length: count }, (_, i) => {
    const at = i % turn
    const callId = `call_${seed}_${Math.floor((i - (at % 2 === 0 ? 1 : 0)) / 2)}`
    const usage = () => ({ inputTokens: Math.floor(random() * 90_000), outputTokens: Math.floor(random() * 900) })
    if (at === 0) return { role: 'user', parts: [{ type: 'text', text: textOf(random, SIZES.question) }] }
    if (at === turn - 1) {
      return {
        role: 'assistant',
        parts: [{ type: 'text', text: textOf(random, SIZES.answer) }],
        model: 'gpt-5',
        usage: usage(),
      }
    }
    if (at % 2 === 0) {
      return {
        role: 'tool',
        parts: [{ type: 'tool-result', callId, name: 'shell', output: textOf(random, SIZES.result) }],
      }
    }
    const input = { command: textOf(random, SIZES.call) }
    return {
      role: 'assistant',
      parts: [{ type: 'tool-call', callId, name: 'shell', input }],
      model: 'gpt-5',
      usage: usage(),
    }
  })
}

/** @param {() => number} random @param {{ half: number, spread: number }} size */
function textOf(random, { half, spread }) {
  // Box and Muller's way from even numbers to those of a bell.
  const bell = Math.sqrt(-2 * Math.log(1 - random())) * Math.cos(2 * Math.PI * random())
  const length = Math.min(LARGEST, Math.max(1, Math.round(half * Math.exp(spread * bell))))
  const from = Math.floor(random() * LARGEST)
  return TEXT.slice(from, from + length)
}

/** @param {import('./run.mjs').Options} options @returns {Promise<import('./table.mjs').Report>} */
export async function measureAgents({ rounds, quick }) {
  const title = 'the sizes of real agents'
  if (missing.foldlog !== undefined) return { id: 'F16', title, tables: [], checks: [], notes: [missing.foldlog] }
  const [appends, length] = quick ? [100, 500] : [1000, 20_000]
  const inputs = agentInputs(FIRST + appends, 1)
  const plan = { count: appends, inputs, lines: eventsOf(inputs, Date.now() - 1e9).slice(1) }
  const appended = await compare(appendWays(plan), rounds ?? 15, { warmup: quick ? 1 : 6 })
  const all = agentInputs(length, 2)
  const files = writeFilesOf(all, Date.now() - length * 1000 - 1e7)
  const [base, , product, ...peers] = readWays(files, length)
  const read = await compare([base, product, openWay(files.log), ...peers], rounds ?? 7, { warmup: 2, collect: 'all' })
  return {
    id: 'F16',
    title,
    tables: [
      { caption: 'append, page cache', unit: 'µs a message', rows: appended },
      { caption: `open a session of ${number(length)} messages`, unit: 'ms', rows: read },
    ],
    notes: [described(all)],
    checks: [
      ratio('A1: sizes of real agents, to stringify + writeSync', appended[1], appended[0], 2.4),
      ratio('R1: sizes of real agents, to reading and parsing', read[1], read[0], 1.5),
      ratio('R2: sizes of real agents, to reading and parsing', read[2], read[0], 0.12),
    ],
  }
}

/** @param {string} log @returns {import('./harness.mjs').Way} */
function openWay(log) {
  const sample = async () => {
    /** @type {any} */
    let store
    const ms = await timed(async () => {
      store = await foldlog.openStore(join(dirname(log), '..'))
      const session = await store.get('long')
      if (session.info.head === undefined) throw new Error('an empty session')
    })
    await store.close()
    return ms
  }
  return { name: 'foldlog, store.get and session.info', sample }
}

/** @param {readonly Input[]} inputs */
function described(inputs) {
  const sizes = eventsOf(inputs, Date.now())
    .slice(1)
    .map((item) => Buffer.byteLength(JSON.stringify(item)) + 1)
  const total = sizes.reduce((sum, size) => sum + size, 0)
  const results = sizes.filter((_, i) => inputs[i].role === 'tool').reduce((sum, size) => sum + size, 0)
  const [least, most] = [Math.min(...sizes), Math.max(...sizes)]
  return (
    `${number(inputs.length)} lines of ${number(least)} to ${number(most)} bytes, half of them below ${number(median(sizes))}; ` +
    `${number((100 * results) / total)} % of all bytes are what tools said.`
  )
}
