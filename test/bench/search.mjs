/**
 * F13: a text that is in few of many sessions, 1 GB of them, all in the page cache. Each way has to find it just so often.
 *
 * The infos cache is there, as after any listing. Parsing all lines is measured on a tenth of the files.
 */
import { spawnSync } from 'node:child_process'
import { closeSync, existsSync, fstatSync, mkdirSync, openSync } from 'node:fs'
import { readdirSync, readFileSync, readSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { projectFile, runNode } from './children.mjs'
import { compare, timed } from './harness.mjs'
import { foldlog, missing } from './peers.mjs'
import { number, ratio } from './table.mjs'
import { removeFolder, tempFolder } from './temp.mjs'
import { lines } from './workload.mjs'

const NEEDLE = 'connect TIMEOUT after 2000 ms'
const MESSAGES = 900
const TENTH = 10

/** @param {import('./run.mjs').Options} options @returns {Promise<import('./table.mjs').Report>} */
export async function measureSearch({ rounds, quick }) {
  const title = 'a text in all sessions'
  if (missing.foldlog !== undefined) return { id: 'F13', title, tables: [], checks: [], notes: [missing.foldlog] }
  const place = writeSessions(quick ? 20 : 2000)
  const store = await foldlog.openStore(place.root)
  await store.list()
  const rows = await compare(waysOf(place, store), rounds ?? 5)
  await store.close()
  removeFolder(place.root)
  const [read, phrase, , , parsed] = rows
  const size = `${number(place.sizeBytes / 1e6)} MB in ${number(place.count)} sessions`
  return {
    id: 'F13',
    title,
    tables: [{ caption: `${size}, ${place.hits} hits`, unit: 'ms', rows }],
    checks: [
      ratio('S1: a phrase, to reading the bytes', phrase, read, 4),
      ratio('parsing everything, to a phrase', parsed, phrase, 10, 'least'),
    ],
  }
}

/** Sessions of half a megabyte; in a hundredth of them, but in one at least, is what is looked for. @param {number} count */
function writeSessions(count) {
  const root = tempFolder('search')
  const logs = join(root, 'default')
  mkdirSync(logs)
  const start = Date.now() - 1e9
  // Few are made, and each is many sessions: what counts is how many bytes there are.
  const bodies = Array.from({ length: 20 }, (_, i) => lines(MESSAGES, start, i + 1))
  const every = Math.min(count, 100)
  let sizeBytes = 0
  for (let i = 0; i < count; i++) {
    const body = bodies[i % bodies.length]
    const isHit = i % every === 0
    const bytes = Buffer.from(
      (isHit ? body.map((line, at) => (at === MESSAGES / 2 + 1 ? hit(line) : line)) : body).join(''),
    )
    writeFileSync(join(logs, `session-${String(i).padStart(6, '0')}.jsonl`), bytes)
    sizeBytes += bytes.length
  }
  return { root, logs, count, sizeBytes, hits: Math.ceil(count / every) }
}

/** The line of a text, with what is looked for in it. @param {string} line */
function hit(line) {
  return line.replace('"text":"', `"text":"${NEEDLE} `)
}

/** @typedef {ReturnType<typeof writeSessions>} Place */

/** @param {Place} place @param {any} store @returns {import('./harness.mjs').Way[]} */
function waysOf(place, store) {
  const { logs, root } = place
  const cli = projectFile('dist/cli/main.js')
  const files = readdirSync(logs).flatMap((name) => (name.endsWith('.jsonl') ? [join(logs, name)] : []))
  const searchFor = (/** @type {unknown} */ query) => () => timed(() => search(store, query, place.hits))
  return [
    { name: 'reading every byte', sample: () => timed(() => readAll(files)) },
    { name: '`store.search`, a phrase', sample: searchFor({ phrase: NEEDLE }) },
    { name: '`store.search`, words in any case', sample: searchFor('timeout connect') },
    { name: '`store.search`, an expression', sample: searchFor(/TIMEOUT after (\d+) ms/) },
    {
      name: 'parsing every line (a tenth, times ten)',
      sample: async () => TENTH * (await timed(() => parseAll(files))),
    },
    {
      name: '`foldlog grep`, a new process',
      missing: existsSync(cli) ? undefined : 'not built',
      sample: () => runNode([cli, 'grep', NEEDLE, '--root', root]).ms,
    },
    { name: '`rg -F`, a new process', missing: ripgrepMissing(), sample: () => timed(() => ripgrep(place)) },
  ]
}

/** @param {any} store @param {unknown} query @param {number} expected */
async function search(store, query, expected) {
  let hits = 0
  for await (const { snippet } of store.search(query)) hits += snippet.text.includes(NEEDLE) ? 1 : 0
  if (hits !== expected) throw new Error(`${hits} hits, expected ${expected}`)
}

// Not from the beginning of a page on: some processors copy there at a fifth of their speed, and this is to be as fast as reading can be.
const BUFFER = Buffer.alloc((1 << 18) + 64).subarray(64)

/** @param {readonly string[]} files */
function readAll(files) {
  let sum = 0
  for (const file of files) {
    const fd = openSync(file, 'r')
    const { size } = fstatSync(fd)
    for (let at = 0; at < size;) {
      const read = readSync(fd, BUFFER, 0, BUFFER.length, at)
      // Something is looked at, as everybody does who reads.
      sum += BUFFER[read - 1] ?? 0
      at += read
    }
    closeSync(fd)
  }
  return sum
}

/** What a search without a look at the bytes would do. @param {readonly string[]} files */
function parseAll(files) {
  let hits = 0
  for (const file of files.slice(0, files.length / TENTH)) {
    for (const line of readFileSync(file, 'utf8').split('\n')) {
      if (line !== '' && textsOf(JSON.parse(line).data).some((text) => text.includes(NEEDLE))) hits++
    }
  }
  return hits
}

/** @param {unknown} value @returns {string[]} */
function textsOf(value) {
  if (typeof value === 'string') return [value]
  return typeof value === 'object' && value !== null ? Object.values(value).flatMap(textsOf) : []
}

function ripgrepMissing() {
  return spawnSync('rg', ['--version']).error === undefined ? undefined : 'not installed (apt-get install ripgrep)'
}

/** @param {Place} place */
function ripgrep({ logs, hits }) {
  const { stdout } = spawnSync('rg', ['-F', NEEDLE, logs], { encoding: 'utf8', maxBuffer: 2 ** 28 })
  const found = stdout.trimEnd().split('\n').length
  if (found !== hits) throw new Error(`rg found ${found}, expected ${hits}`)
}
