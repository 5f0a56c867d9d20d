/**
 * F6: checking a big log.
 *
 * The base reads the same file in chunks, splits it at line feeds and JSON.parses each line, keeping nothing, as fsck keeps nothing.
 */
import { appendFileSync, closeSync, mkdirSync, openSync, readSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { compare, timed } from './harness.mjs'
import { foldlog, missing } from './peers.mjs'
import { number, ratio } from './table.mjs'
import { tempFolder } from './temp.mjs'
import { lines } from './workload.mjs'

const CHUNK_BYTES = 1 << 20
const LF = 0x0a
const SIZES = [
  { sizeBytes: 50_000_000, rounds: 7 },
  { sizeBytes: 1_000_000_000, rounds: 3 },
]
const QUICK = [{ sizeBytes: 2_000_000, rounds: 2 }]
const LIMIT = 1.8
const MESSAGES_AT_ONCE = 20_000

/** @param {import('./run.mjs').Options} options @returns {Promise<import('./table.mjs').Report>} */
export async function measureFsck({ rounds, quick }) {
  const tables = []
  const checks = []
  for (const size of quick ? QUICK : SIZES) {
    const root = writeLog(size.sizeBytes)
    const shown = `${number(Math.round(size.sizeBytes / 1e6))} MB`
    const rows = await compare(ways(root), rounds ?? size.rounds, { collect: 'all' })
    tables.push({ caption: `check a log of ${shown}`, unit: 'ms', rows })
    checks.push(ratio(`fsck of ${shown}, to reading and parsing`, rows[1], rows[0], LIMIT))
  }
  return { id: 'F6', title: 'look for damage', tables, checks }
}

/** @param {string} root @returns {import('./harness.mjs').Way[]} */
function ways(root) {
  return [
    { name: 'read and JSON.parse each line', sample: () => timed(() => parseAll(join(root, 'default', 'long.jsonl'))) },
    { name: 'foldlog fsck', missing: missing.foldlog, sample: () => timed(() => check(root)) },
  ]
}

/** @param {string} root */
async function check(root) {
  const store = await foldlog.openStore(root)
  for await (const { damage, findings, lineCount } of store.fsck('long')) {
    if (damage.length + findings.length > 0 || lineCount === 0) throw new Error('the log should be in order')
  }
  await store.close()
}

/** @param {string} path */
function parseAll(path) {
  const fd = openSync(path, 'r')
  const { size } = statSync(path)
  let carry = Buffer.alloc(0)
  for (let at = 0; at < size;) {
    const bytes = Buffer.allocUnsafe(carry.length + CHUNK_BYTES)
    carry.copy(bytes)
    const read = readSync(fd, bytes, carry.length, CHUNK_BYTES, at)
    const filled = carry.length + read
    let start = 0
    for (let end = bytes.indexOf(LF); end >= 0 && end < filled; end = bytes.indexOf(LF, start)) {
      JSON.parse(bytes.toString('utf8', start, end))
      start = end + 1
    }
    carry = bytes.subarray(start, filled)
    at += read
  }
  closeSync(fd)
}

/** A root with one session of about so many bytes. @param {number} sizeBytes */
function writeLog(sizeBytes) {
  const root = tempFolder('fsck')
  const path = join(root, 'default', 'long.jsonl')
  mkdirSync(join(root, 'default'))
  const start = Date.UTC(2020, 0, 1)
  for (let [part, written] = [0, 0]; written < sizeBytes; part++) {
    const text = lines(MESSAGES_AT_ONCE, start + part * (MESSAGES_AT_ONCE + 1) * 1000, part + 1).join('')
    appendFileSync(path, text)
    written += Buffer.byteLength(text)
  }
  return root
}
