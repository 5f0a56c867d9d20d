/**
 * F17: opening logs of 1,000, 100,000 and 900,000 messages (500 MB) without looking at what is in them, and their newest 50 messages.
 *
 * Each sample is a process of its own, which has done the same with a log of 10,000 messages before: time, processor time and the
 * most memory that it ever had. `open` is `store.get` and `session.info`; `first` has no infos cache, `again` the one that
 * a listing leaves.
 */
import { appendFileSync, mkdirSync, rmSync, statSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { setTimeout as wait } from 'node:timers/promises'
import { EMPTY_MS, projectFile, runNode } from './children.mjs'
import { compare, median } from './harness.mjs'
import { piLines } from './open.mjs'
import { foldlog, missing, sqlite } from './peers.mjs'
import { atMost, number, ratio } from './table.mjs'
import { removeFolder, tempFolder } from './temp.mjs'
import { lines } from './workload.mjs'

const SIZES = [
  { count: 1000, rounds: 7 },
  { count: 100_000, rounds: 5 },
  { count: 900_000, rounds: 3 },
]
const QUICK = [
  { count: 100, rounds: 1 },
  { count: 1000, rounds: 1 },
  { count: 3000, rounds: 1 },
]
/** Messages of the log that a process opens first: long enough that it is opened as long ones are. */
const WARM = 10_000
/** So many at once, so that neither the texts nor the objects of 500 MB are in memory together. */
const CHUNK = 10_000
/** One JSON document of 500 MB is more than a string can hold. */
const DOCUMENT_MOST = 100_000
/** Some need more for 500 MB than a process may have unless told otherwise. */
const HEAP = ['--max-old-space-size=12288']
const CLI = projectFile('dist/cli/main.js')
const LAST = 20

/**
 * @typedef {object} Files the same messages for everybody
 * @property {number} count
 * @property {string} root of the product
 * @property {string} log
 * @property {string} pi
 * @property {string} sqlite
 * @property {string} document empty: it would be too long
 *
 * @typedef {{ ms: number, cpuMs: number, peakMb: number, newestMs?: number, warmMs?: number }} Figures of one process
 * @typedef {import('./table.mjs').Row} Row
 */

/** @param {import('./run.mjs').Options} options @returns {Promise<import('./table.mjs').Report>} */
export async function measureBig({ rounds, quick, scale }) {
  if (missing.foldlog !== undefined)
    return { id: 'F17', title: 'opening big logs', tables: [], checks: [], notes: [missing.foldlog] }
  const sizes = quick ? QUICK : SIZES.map((size) => ({ ...size, count: Math.max(1000, Math.ceil(size.count * scale)) }))
  const warm = writeFiles(quick ? 3000 : WARM)
  const measured = []
  for (const size of sizes) {
    const files = writeFiles(size.count)
    // What is cached of a file that changed in the last two seconds is not trusted: it may change again unseen.
    await wait(2500)
    measured.push({ files, ...(await openAll(warm, files, Math.min(rounds ?? size.rounds, size.rounds))) })
    if (size !== sizes.at(-1)) removeFolder(dirname(files.pi))
  }
  const [, , last] = measured
  const shown = await compare(showWays(last.files), Math.min(rounds ?? 5, 5), { warmup: 0 })
  const megabytes = `${number(statSync(last.files.log).size / 1e6)} MB`
  const tables = measured.flatMap(({ files, rows }) => tablesOf(files, rows))
  tables.push({ caption: `\`foldlog show\` of the last ${LAST} of ${megabytes}`, unit: 'ms', rows: shown })
  const checks = checksOf(measured, shown)
  for (const { pi } of [last.files, warm]) removeFolder(dirname(pi))
  return { id: 'F17', title: 'opening big logs', tables, checks }
}

/** @param {number} count @returns {Files} */
function writeFiles(count) {
  const folder = tempFolder('big')
  const root = join(folder, 'root')
  const files = {
    count,
    root,
    log: join(root, 'default', 'long.jsonl'),
    pi: join(folder, 'pi.jsonl'),
    sqlite: join(folder, 'log.db'),
    document: count <= DOCUMENT_MOST ? join(folder, 'document.json') : '',
  }
  mkdirSync(dirname(files.log), { recursive: true })
  const start = Date.now() - count * 1000 - 1e7
  const db = sqlite === undefined ? undefined : database(files.sqlite)
  /** @type {{ from: number, parentId: string | null }} */
  let after = { from: 0, parentId: null }
  for (let from = 0; from < count; from += CHUNK) {
    const size = Math.min(CHUNK, count - from)
    const all = lines(size, start + from * 1000, from / CHUNK + 1).slice(from === 0 ? 0 : 1)
    appendFileSync(files.log, all.join(''))
    db?.insert(all)
    const entries = piLines(size, start + from * 1000, after)
    appendFileSync(files.pi, entries.join(''))
    after = { from: from + size, parentId: JSON.parse(entries.at(-1) ?? '').id }
    if (files.document !== '') {
      const values = all.map((line) => line.trimEnd()).join(',\n')
      appendFileSync(files.document, `${from === 0 ? '[' : ',\n'}${values}`)
    }
  }
  if (files.document !== '') appendFileSync(files.document, ']')
  db?.close()
  return files
}

/** @param {string} file */
function database(file) {
  const db = new sqlite.Database(file)
  db.pragma('journal_mode = wal')
  db.exec('create table events (id text primary key, session text not null, line text not null)')
  const insert = db.prepare('insert into events values (?, ?, ?)')
  const insertAll = db.transaction((/** @type {readonly string[]} */ all) =>
    all.forEach((line) => insert.run(JSON.parse(line).id, 's', line.trimEnd())),
  )
  return { insert: insertAll, close: () => db.close() }
}

/**
 * @param {Files} warm @param {Files} files @param {number} rounds
 * @returns {Promise<{ rows: { [field in keyof Required<Figures>]: Row[] } }>} a table for each figure
 */
async function openAll(warm, files, rounds) {
  /** @type {Map<string, Figures[]>} */
  const figures = new Map()
  /** @type {(name: string, how: string, kind: 'log' | 'pi' | 'sqlite' | 'document', prepare?: () => unknown) => import('./harness.mjs').Way} */
  const way = (name, how, kind, prepare) => {
    /** @type {Figures[]} */
    const own = []
    figures.set(name, own)
    const sample = async () => {
      await prepare?.()
      const { output } = runNode([
        ...HEAP,
        projectFile('test/bench/children/open-log.mjs'),
        how,
        warm[kind],
        files[kind],
      ])
      const figure = JSON.parse(output)
      if (figure.count < files.count) throw new Error(`${name}: ${figure.count} of ${files.count} messages`)
      own.push(figure)
      return figure.ms
    }
    return { name, missing: kind === 'pi' ? missing.pi : kind === 'sqlite' ? missing.sqlite : undefined, sample }
  }
  const document = { ...way('one JSON document, read and parsed', 'document', 'document') }
  const ways = [
    way('every line parsed, all kept', 'parse', 'log'),
    way('ids and types of every line', 'scan', 'log'),
    way('foldlog, first', 'foldlog', 'log', () => forget(files)),
    way('foldlog, again', 'foldlog', 'log', () => remember(files)),
    way('foldlog, first, all messages', 'foldlogAll', 'log', () => forget(files)),
    { ...document, missing: files.document === '' ? 'longer than a string can be' : undefined },
    way('better-sqlite3, all rows parsed', 'sqlite', 'sqlite'),
    way('better-sqlite3, the newest 50', 'newestSqlite', 'sqlite'),
    way('pi SessionManager.open', 'pi', 'pi'),
  ]
  await compare(ways, rounds, { warmup: 0 })
  const rowsOf = (/** @type {keyof Figures} */ field) =>
    ways.map((one) => ({
      name: one.name,
      missing: one.missing,
      samples: (figures.get(one.name) ?? []).flatMap((figure) => figure[field] ?? []),
    }))
  return {
    rows: {
      ms: rowsOf('ms'),
      cpuMs: rowsOf('cpuMs'),
      peakMb: rowsOf('peakMb'),
      newestMs: rowsOf('newestMs'),
      warmMs: rowsOf('warmMs'),
    },
  }
}

/** @param {Files} files */
function forget({ log }) {
  rmSync(join(dirname(log), '.cache'), { recursive: true, force: true })
}

/** A listing leaves an infos cache. @param {Files} files */
async function remember({ root }) {
  const store = await foldlog.openStore(root)
  await store.list()
  await store.close()
}

/** @param {Files} files @returns {import('./harness.mjs').Way[]} */
function showWays(files) {
  const { root } = files
  const show = () => runNode([CLI, 'show', 'long', '--limit', String(LAST), '--root', root]).ms
  return [
    { name: 'an empty process', sample: () => runNode([projectFile('test/bench/children/empty.mjs')]).ms },
    {
      name: 'first',
      sample: () => {
        forget(files)
        return show()
      },
    },
    {
      name: 'with an infos cache',
      sample: async () => {
        await remember(files)
        return show()
      },
    },
  ]
}

/** @param {Files} files @param {{ [field: string]: Row[] }} rows @returns {import('./table.mjs').Table[]} */
function tablesOf({ count }, { ms, cpuMs, peakMb, newestMs, warmMs }) {
  const of = `of ${number(count)} messages`
  const opened = { caption: `open a log ${of}`, unit: 'ms', rows: ms }
  const newest = ['foldlog, first', 'foldlog, again', 'better-sqlite3, the newest 50']
  const named = (/** @type {Row[]} */ rows, /** @type {string} */ name) =>
    rows.filter((row) => newest.includes(row.name)).map((row) => ({ ...row, name: `${row.name}${name}` }))
  return [
    opened,
    { caption: `processor time to open a log ${of}`, unit: 'ms', rows: cpuMs },
    { caption: `most memory of a process that opened a log ${of}`, unit: 'MB', rows: peakMb },
    {
      caption: `the newest 50 ${of}, once it is open`,
      unit: 'ms',
      rows: [...named(newestMs, ''), ...named(warmMs, ', warm')],
    },
  ]
}

/**
 * @param {{ files: Files, rows: { [field: string]: Row[] } }[]} measured by size
 * @param {Row[]} shown
 * @returns {import('./table.mjs').Check[]}
 */
function checksOf([small, middle, big], [empty, showFirst, showAgain]) {
  const [all, , first, again, allMessages, document, sqliteAll, sqliteNewest, piAll] = middle.rows.ms
  const [, , firstCpu, , allCpu, , sqliteCpu, , piCpu] = middle.rows.cpuMs
  const [, , , , allPeak, , , , piPeak] = middle.rows.peakMb
  const bytes = statSync(big.files.log).size
  const at = (/** @type {Files} */ { count }) => `at ${number(count)} messages`
  const [, , bigFirst, bigAgain, , , bigSqlite] = big.rows.ms
  return [
    ratio('R1: processor time, to that of better-sqlite3, all rows parsed', allCpu, sqliteCpu, 1.1),
    ratio('R1: to one JSON document', allMessages, document, 1.3),
    ratio('R1: processor time of pi, to that of it', piCpu, allCpu, 3, 'least'),
    ratio('R1: most memory of pi, to that of it', piPeak, allPeak, 2.5, 'least'),
    ratio(`R2: ${at(middle.files)}, to parsing all`, first, all, 0.12),
    {
      text: `R2: ${at(big.files)}`,
      at: 'least',
      limit: 1000,
      unit: 'MB/s',
      value: bytes / 1000 / median(bigFirst.samples),
    },
    ratio('R2: better-sqlite3, all rows, to it', sqliteAll, first, 8, 'least'),
    ratio('R2: one JSON document, to it', document, first, 8, 'least'),
    ratio('R2: processor time of pi, to that of it', piCpu, firstCpu, 25, 'least'),
    ...[small, middle, big].map(({ files, rows }) => atMost(`R3: ${at(files)}`, rows.ms[3], 5, 'ms')),
    ratio(`R3: ${at(big.files)}, to ${at(small.files)}`, bigAgain, small.rows.ms[3], 2),
    ratio('R3: to the newest 50 rows of better-sqlite3', again, sqliteNewest, 1),
    ratio('R3: pi, to it', piAll, again, 100, 'least'),
    ...[small, middle, big].map(({ files, rows }) => atMost(`R4: ${at(files)}, warm`, rows.warmMs[2], 1, 'ms')),
    ratio('R4: to the newest 50 rows of better-sqlite3', middle.rows.warmMs[2], middle.rows.warmMs[7], 1),
    ratio('R4: pi, to the first look', piAll, middle.rows.newestMs[2], 1000, 'least'),
    atMost('R5: opens', bigFirst, 1000, 'ms'),
    atMost('R5: most memory', big.rows.peakMb[2], 150, 'MB'),
    ratio('R5: better-sqlite3, all rows, to it', bigSqlite, bigFirst, 10, 'least'),
    atMost(`R5: \`foldlog show\` of the last ${LAST}, first`, showFirst, 1000, 'ms'),
    atMost(`R5: \`foldlog show\` of the last ${LAST}, with an infos cache`, showAgain, 200, 'ms'),
    ratio(
      `R5: the same, to an empty process, which took ${EMPTY_MS} ms where the limit was set`,
      showAgain,
      empty,
      200 / EMPTY_MS,
    ),
  ]
}
