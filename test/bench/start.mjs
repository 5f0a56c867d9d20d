/**
 * F5: what `import 'foldlog'` adds to a process, beside `import 'zod'`; and when chokidar is loaded.
 *
 * Each sample is the wall time of a whole process. The ratios of the target are of the times beyond an empty process.
 */
import { projectFile, runNode } from './children.mjs'
import { compare } from './harness.mjs'
import { missing } from './peers.mjs'
import { atMost, beyond, most, ratio } from './table.mjs'
import { tempFolder } from './temp.mjs'

// Where bare imports are looked up.
const PROJECT = projectFile('')
const PEERS = projectFile('test/bench/peers/')

/** @param {import('./run.mjs').Options} options @returns {Promise<import('./table.mjs').Report>} */
export async function measureStart({ rounds }) {
  const rows = await compare(ways(), rounds ?? 20)
  const [empty, zod, product, , , sqlite, pi] = rows
  const added = rows.slice(1).map((row) => beyond(row, empty))
  const loaded = missing.foldlog === undefined ? loadedScripts() : undefined
  return {
    id: 'F5',
    title: "import 'foldlog'",
    tables: [
      { caption: 'process', unit: 'ms', rows },
      { caption: 'beyond an empty process', unit: 'ms', rows: added },
    ],
    checks: [
      ratio("import 'foldlog', to import 'zod'", beyond(product, empty), beyond(zod, empty), 1.3),
      atMost("U1: import 'foldlog', beyond an empty process", beyond(product, empty), 20, 'ms'),
      ratio(
        "U1: import 'foldlog', to an open database of better-sqlite3",
        beyond(product, empty),
        beyond(sqlite, empty),
        1.5,
      ),
      ratio("U1: import of pi, to import 'foldlog'", beyond(pi, empty), beyond(product, empty), 30, 'least'),
      most('scripts of zod, after messages were written and read', loaded?.zod, 0),
      most('scripts of chokidar, before something is watched', loaded?.before, 0),
    ],
    notes: loaded && [`A store that watches has ${loaded.after} scripts of chokidar loaded.`],
  }
}

/**
 * A process that runs some code.
 *
 * @param {string} name @param {string} code @param {string | undefined} why not @param {string} cwd
 * @returns {import('./harness.mjs').Way}
 */
function way(name, code, why, cwd = PROJECT) {
  return { name, missing: why, sample: () => runNode(['--input-type=module', '--eval', code], cwd).ms }
}

/** What loads all that writing needs. */
function firstMessage() {
  const folder = JSON.stringify(tempFolder('start'))
  const use = 'const session = await store.create(); await session.add({ text: "Hello" }); await store.close()'
  return `import { openStore } from 'foldlog'; const store = await openStore(${folder}); ${use}`
}

/** @returns {import('./harness.mjs').Way[]} */
function ways() {
  return [
    way('empty', '', undefined),
    way("import 'zod'", "import 'zod'", undefined),
    way("import 'foldlog'", "import 'foldlog'", missing.foldlog),
    way('foldlog, open, create and add a message', firstMessage(), missing.foldlog),
    way("import 'chokidar'", "import 'chokidar'", undefined),
    way(
      'better-sqlite3, an open database',
      "import Database from 'better-sqlite3'; new Database(':memory:')",
      missing.sqlite,
      PEERS,
    ),
    way("import '@mariozechner/pi-coding-agent'", "import '@mariozechner/pi-coding-agent'", missing.pi, PEERS),
  ]
}

/** How many scripts of chokidar a process has loaded before and after it watches. */
function loadedScripts() {
  const { output } = runNode([projectFile('test/bench/children/scripts.mjs'), tempFolder('start')])
  return JSON.parse(output)
}
