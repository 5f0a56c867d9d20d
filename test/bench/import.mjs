/**
 * F11: importing Claude Code transcripts, in process, beside reading their bytes and parsing their lines.
 *
 * The source is the Claude Code folder of the corpus, repeated under new ids until it is large enough. Every sample imports all of
 * it into a new root.
 */
import { existsSync, mkdirSync, readFileSync, readdirSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { compare } from './harness.mjs'
import { foldlog, importers, missing } from './peers.mjs'
import { atLeast } from './table.mjs'
import { removeFolder, tempFolder } from './temp.mjs'

const BESIDE = fileURLToPath(new URL('../../../shared/data', import.meta.url))
const UUID = /[0-9a-f]{8}(?=-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12})/g
const MB = 1_000_000

/** @param {import('./run.mjs').Options} options @returns {Promise<import('./table.mjs').Report>} */
export async function measureImport({ rounds, quick }) {
  const title = 'importing transcripts'
  const corpus = join(process.env['FOLDLOG_CORPUS'] ?? BESIDE, 'claude-code')
  const why = existsSync(corpus) ? missing.foldlog : 'no corpus: $FOLDLOG_CORPUS names it'
  if (why !== undefined) return { id: 'F11', title, tables: [], checks: [], notes: [why] }
  const source = tempFolder('import-source')
  const { files, sizeBytes } = repeated(corpus, source, quick ? 2 * MB : 200 * MB)
  let sessions = 0
  const rate = async (/** @type {() => unknown} */ work) => {
    const start = performance.now()
    await work()
    return sizeBytes / MB / ((performance.now() - start) / 1000)
  }
  const rows = await compare(
    [
      { name: 'reading the bytes', sample: () => rate(() => files.forEach((path) => readFileSync(path))) },
      { name: 'parsing every line', sample: () => rate(() => files.forEach(parseLines)) },
      {
        name: 'importSessions',
        sample: async () => {
          const root = tempFolder('import-root')
          const store = await foldlog.openStore(root)
          const result = await rate(async () => {
            sessions = (await importers.importSessions(store, source)).totals.sessions
          })
          await store.close()
          removeFolder(root)
          return result
        },
      },
    ],
    rounds ?? 3,
  )
  removeFolder(source)
  const caption = `${Math.round(sizeBytes / MB)} MB in ${files.length} files, ${sessions} sessions`
  return {
    id: 'F11',
    title,
    tables: [{ caption, unit: 'MB/s', rows }],
    checks: [atLeast('importSessions', rows[2], 20, 'MB/s')],
  }
}

/** Copies the transcripts again and again, each time under other ids. */
function repeated(corpus, folder, leastBytes) {
  const names = readdirSync(corpus, { recursive: true, encoding: 'utf8' }).filter((name) => name.endsWith('.jsonl'))
  /** @type {string[]} */
  const files = []
  let sizeBytes = 0
  for (let round = 0; sizeBytes < leastBytes; round++) {
    for (const name of names) {
      // Bytes that are no UTF-8 stay what they are.
      const text = readFileSync(join(corpus, name), 'latin1').replace(UUID, (first) => renamed(first, round))
      const path = join(folder, String(round), name)
      mkdirSync(dirname(path), { recursive: true })
      writeFileSync(path, text, 'latin1')
      files.push(path)
      sizeBytes += text.length
    }
  }
  return { files, sizeBytes }
}

function renamed(first, round) {
  return ((Number.parseInt(first, 16) ^ round) >>> 0).toString(16).padStart(8, '0')
}

function parseLines(path) {
  for (const line of readFileSync(path, 'utf8').split('\n')) {
    try {
      JSON.parse(line)
    } catch {
      // Some lines of the corpus are torn, and the last one is empty.
    }
  }
}
