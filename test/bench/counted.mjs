/**
 * F21: what each operation asks of the system: calls and bytes, counted in a process of its own.
 *
 * Calls of the kernel are the difference of two processes under strace, of which one does the operation more often.
 */
import { spawnSync } from 'node:child_process'
import { mkdirSync, readFileSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as wait } from 'node:timers/promises'
import { projectFile, runNode } from './children.mjs'
import { foldlog, missing } from './peers.mjs'
import { number } from './table.mjs'
import { removeFolder, tempFolder } from './temp.mjs'
import { lines } from './workload.mjs'

const CHILD = projectFile('test/bench/children/operations.mjs')
const OPERATIONS = [
  { name: 'append', count: 1000 },
  { name: 'append, synced', count: 200 },
  { name: 'append, 100 callers', count: 1000 },
  { name: 'open', count: 20 },
  { name: 'the newest 50', count: 100 },
  { name: 'all messages', count: 20 },
  { name: 'list 50', count: 20 },
  { name: 'list 50, new store', count: 20 },
]
const MESSAGES = 10_000
const SESSIONS = 1000

/** @param {import('./run.mjs').Options} options @returns {Promise<import('./table.mjs').Report>} */
export async function measureCounted({ quick }) {
  const title = 'calls and bytes'
  if (missing.foldlog !== undefined) return { id: 'F21', title, tables: [], checks: [], notes: [missing.foldlog] }
  const [messages, sessions] = quick ? [200, 20] : [MESSAGES, SESSIONS]
  const { root, sizeBytes } = await writeRoot(messages, sessions)
  // Sessions that are appended to are new ones, which would be listed, too.
  const appended = tempFolder('counted')
  const traces = spawnSync('strace', ['--version']).error === undefined
  const cells = OPERATIONS.map(({ name, count }) => {
    const place = name.startsWith('append') ? appended : root
    return counted(name, quick ? Math.ceil(count / 10) : count, place, traces)
  })
  for (const folder of [root, appended]) removeFolder(folder)
  return {
    id: 'F21',
    title,
    tables: [
      {
        caption: 'each',
        columns: ['calls of the disk', 'bytes read', 'bytes written', 'system calls', 'which'],
        cells,
      },
    ],
    notes: [
      `The session that is opened and read has ${number(messages)} messages in ${number(sizeBytes)} bytes; ${number(sessions + 1)} sessions are listed, all known to the infos cache.`,
      traces
        ? 'System calls are those that are about something in the root; Node makes others for its threads and its memory.'
        : 'System calls: strace is not here.',
    ],
    checks: [],
  }
}

/** @param {number} messages @param {number} sessions */
async function writeRoot(messages, sessions) {
  const root = tempFolder('counted')
  const logs = join(root, 'default')
  mkdirSync(logs)
  const start = Date.now() - messages * 1000 - 1e8
  writeFileSync(join(logs, 'long.jsonl'), lines(messages, start).join(''))
  for (let i = 0; i < sessions; i++) writeFileSync(join(logs, `other-${i}.jsonl`), lines(4, start, i + 2).join(''))
  // What is cached of a file that changed in the last two seconds is not trusted: it may change again unseen.
  await wait(2500)
  const store = await foldlog.openStore(root)
  await store.list()
  await store.close()
  return { root, sizeBytes: statSync(join(logs, 'long.jsonl')).size }
}

/** @param {string} name @param {number} count @param {string} root @param {boolean} traces @returns {string[]} cells */
function counted(name, count, root, traces) {
  const work = JSON.parse(runNode([CHILD, name, String(count), root]).output)
  const own = [work.calls, work.bytesRead, work.bytesWritten].map((sum) => number(sum / count))
  if (!traces) return [name, ...own, '', '']
  const [once, twice] = [systemCalls(name, count, root), systemCalls(name, 2 * count, root)]
  const all = [...twice].map(([call, calls]) => ({ call, each: (calls - (once.get(call) ?? 0)) / count }))
  const total = all.reduce((sum, { each }) => sum + each, 0)
  const which = all.filter(({ each }) => each >= 0.005).toSorted((a, b) => b.each - a.each)
  return [name, ...own, number(total), which.map(({ call, each }) => `${call} ${number(each)}`).join(', ')]
}

/**
 * The system calls of a whole process that are about something in the root. Those about nothing there, with which Node wakes its
 * threads, minds its memory and starts, are never twice the same.
 *
 * @param {string} name @param {number} count @param {string} root @returns {Map<string, number>}
 */
function systemCalls(name, count, root) {
  const folder = tempFolder('strace')
  const trace = join(folder, 'trace')
  // With -y a descriptor is followed by the path it is of.
  const args = ['-f', '-qq', '-y', '-o', trace, process.execPath, CHILD, name, String(count), root]
  const { status, stderr } = spawnSync('strace', args, { encoding: 'utf8' })
  if (status !== 0) throw new Error(`strace ${args.join(' ')} ended with ${status}: ${stderr}`)
  /** @type {Map<string, number>} */
  const calls = new Map()
  for (const line of readFileSync(trace, 'utf8').split('\n')) {
    const call = /^\d+ +(\w+)\(/.exec(line)?.[1]
    if (call !== undefined && call !== 'execve' && line.includes(root)) calls.set(call, (calls.get(call) ?? 0) + 1)
  }
  removeFolder(folder)
  return calls
}
