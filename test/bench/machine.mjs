/** What the figures were measured on, in one paragraph. */
import { readFileSync } from 'node:fs'
import { availableParallelism, cpus, release, tmpdir, totalmem, type } from 'node:os'

const PEERS = [
  'better-sqlite3',
  'lmdb',
  '@mariozechner/pi-coding-agent',
  '@earendil-works/pi-agent-core',
  '@langchain/langgraph-checkpoint-sqlite',
  '@openai/agents-core',
  '@strands-agents/sdk',
]

/** @returns {string} */
export function machine() {
  const model = cpus()[0]?.model.trim() || 'unknown processor'
  const gib = Math.round(totalmem() / 2 ** 30)
  const cores = `${availableParallelism()} cores (${model}), ${gib} GiB of memory`
  const system = `${type()} ${release()}${diskOf(tmpdir())}, Node ${process.versions.node}`
  return `${cores}, ${system}; ${versions().join(', ')}; ${new Date().toISOString().slice(0, 10)}.`
}

/** The file system the temporary folders are on. @param {string} folder */
function diskOf(folder) {
  try {
    const mounts = readFileSync('/proc/mounts', 'utf8')
      .split('\n')
      .map((line) => line.split(' '))
    const holding = mounts.filter(([, at]) => at !== undefined && `${folder}/`.startsWith(at === '/' ? '/' : `${at}/`))
    const [deepest] = holding.toSorted((a, b) => b[1].length - a[1].length)
    return deepest === undefined ? '' : `, ${deepest[2]}`
  } catch {
    // Only Linux has this file, and the figures stand without it.
    return ''
  }
}

function versions() {
  return [
    ...['zod', 'chokidar', 'chokidar-6'].map((name) => versionOf(name, '../../')),
    ...PEERS.map((name) => versionOf(name, './peers/')),
  ].filter((text) => text !== undefined)
}

/** @param {string} name @param {string} from the folder whose node_modules it is in */
function versionOf(name, from) {
  try {
    const file = new URL(`${from}node_modules/${name}/package.json`, import.meta.url)
    const { name: own, version } = JSON.parse(readFileSync(file, 'utf8'))
    return `${own} ${version}`
  } catch {
    // Not installed: then no row names it either.
    return undefined
  }
}
