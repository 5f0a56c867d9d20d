/**
 * A soak: for so many minutes, writers in processes of their own, kills, stops, readers and a watcher in random order on
 * one root; then the laws. `npm run soak -- 20`, after which the seed may follow.
 *
 *  - what was acknowledged is there once, and what was deleted is not;
 *  - a process that looks for the first time, the one that was there all the time, and the listing say the same;
 *  - the watcher told every message, once;
 *  - damage is what was left torn or was killed in the middle, and nothing else;
 *  - what was redacted is in no file any more, but in git's history.
 */
import { execFileSync, spawn } from 'node:child_process'
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import { Bus, openStore } from '../../dist/index.js'
import { ACTIONS } from './actions.mjs'

const SESSIONS = 8
const MAX_WRITERS = 4
const POLICIES = ['always', 'everysec', 'everysec', 'never']
const minutes = Number(process.argv[2] ?? 1)
let seed = Number(process.argv[3] ?? Date.now() % 1_000_000)
console.log(`soak of ${minutes} min, seed ${seed}`)

/** Mulberry32: the same seed makes the same choices, though not the same timing. */
function random() {
  seed = (seed + 0x6d2b79f5) | 0
  let t = Math.imul(seed ^ (seed >>> 15), 1 | seed)
  t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t
  return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32
}

class Soak {
  root = mkdtempSync(join(tmpdir(), 'foldlog-soak-'))
  cache = join(this.root, 'default/.cache')
  writers = []
  acknowledged = new Map()
  deleted = new Set()
  told = new Map()
  torn = 0
  kills = 0
  stops = 0
  count = 0
  guarded = 0
  refused = 0
  found = 0
  secrets = []

  below = (n) => Math.floor(random() * n)
  pick = (list) => list[this.below(list.length)]
  session = () => `s${this.below(SESSIONS)}`
  path = (id) => join(this.root, 'default', `${id}.jsonl`)

  acknowledge(session, id) {
    const ids = this.acknowledged.get(session) ?? []
    this.acknowledged.set(session, ids)
    ids.push(id)
  }

  start() {
    if (this.writers.length >= MAX_WRITERS) return
    const session = this.session()
    const script = fileURLToPath(new URL('writer.mjs', import.meta.url))
    const child = spawn(process.execPath, [script, this.root, session, this.pick(POLICIES)], {
      stdio: ['ignore', 'pipe', 'inherit'],
    })
    const lines = createInterface({ input: child.stdout })
    lines.on('line', (id) => this.acknowledge(session, id))
    child.gone = new Promise((resolve) => lines.on('close', resolve))
    child.on('exit', (code) => {
      this.writers = this.writers.filter((other) => other !== child)
      if (code === null) this.kills++
      else fail(`a writer ended by itself with ${code}`)
    })
    this.writers.push(child)
  }

  async pause(child) {
    if (child === undefined) return
    this.stops++
    child.kill('SIGSTOP')
    await wait(this.below(300))
    child.kill('SIGCONT')
  }

  /** Ends all writers, and does something that real programs do when nobody writes. */
  async quiet(work = async () => {}) {
    const all = this.writers
    for (const child of all) child.kill('SIGKILL')
    await Promise.all(all.map((child) => child.gone))
    await work()
  }
}

const problems = []
function fail(message) {
  problems.push(message)
  console.error(`BROKEN: ${message}`)
}

function wait(ms) {
  return new Promise((resolve) => setTimeout(resolve, ms))
}

function choose() {
  let at = random() * ACTIONS.reduce((sum, [weight]) => sum + weight, 0)
  return ACTIONS.find(([weight]) => (at -= weight) < 0) ?? ACTIONS[0]
}

async function checkSession(soak, store, fresh, id) {
  const session = await fresh.get(id)
  const acknowledged = soak.acknowledged.get(id) ?? []
  if (session === undefined) return acknowledged.length > 0 && fail(`${id} is not there`)
  const ids = (await session.messages()).map((message) => message.id)
  const there = new Set(ids)
  if (there.size !== ids.length) fail(`${id} has a message twice`)
  const lost = acknowledged.filter((each) => !there.has(each))
  if (lost.length > 0) fail(`${id} lost ${lost.length} of ${acknowledged.length}: ${lost.slice(0, 3)}`)
  const handle = await store.get(id)
  const seen = (await handle.messages()).map((message) => message.id)
  if (JSON.stringify(seen) !== JSON.stringify(ids))
    fail(`${id}: the handle sees ${seen.length}, a new one ${ids.length}`)
  const told = soak.told.get(id) ?? []
  if (new Set(told).size !== told.length) fail(`${id}: the watcher told a message twice`)
  const untold = ids.filter((each) => !told.includes(each))
  if (untold.length > 0) fail(`${id}: the watcher did not tell ${untold.length} of ${ids.length}`)
  const damage = await session.damage()
  const odd = damage.filter(({ kind }) => kind !== 'torn')
  if (odd.length > 0) fail(`${id}: damage of kind ${odd[0].kind} at ${odd[0].offset}`)
  return damage.length
}

async function check(soak, store) {
  const fresh = await openStore(soak.root, { bus: new Bus() })
  let damage = 0
  for (let i = 0; i < SESSIONS; i++) damage += Number(await checkSession(soak, store, fresh, `s${i}`)) || 0
  if (damage > soak.torn + soak.kills) fail(`${damage} damaged lines of ${soak.torn} torn and ${soak.kills} kills`)
  for (const id of soak.deleted) if ((await fresh.get(id)) !== undefined) fail(`${id} is back`)
  for (const file of readdirSync(soak.root, { recursive: true, withFileTypes: true })) {
    if (!file.isFile() || file.parentPath.includes('/.git')) continue
    const text = readFileSync(join(file.parentPath, file.name), 'latin1')
    const left = soak.secrets.filter((secret) => text.includes(secret))
    if (left.length > 0) fail(`${file.name} still holds ${left[0]}`)
  }
  const [seen, there] = await Promise.all(
    [store, fresh].map(async (each) => (await each.list({ order: 'created' })).items),
  )
  for (const [i, info] of there.entries()) {
    if (JSON.stringify(info) !== JSON.stringify(seen[i]))
      fail(`the listings differ: ${JSON.stringify(info)} is listed as ${JSON.stringify(seen[i])}`)
  }
  if (seen.length !== there.length) fail(`${seen.length} sessions are listed, not ${there.length}`)
  await fresh.close()
  return damage
}

const soak = new Soak()
execFileSync('git', ['init', '-q', soak.root])
const bus = new Bus()
const store = await openStore(soak.root, { watch: true, bus })
soak.store = store
bus.on('message.created', ({ sessionId, event }) => {
  soak.told.set(sessionId, [...(soak.told.get(sessionId) ?? []), event.data.id])
})
// What went and comes back is told again, what came with it is told here.
bus.on('session.rewound', ({ sessionId, missing, added }) => {
  const gone = new Set(missing.map(({ data }) => data?.id))
  const told = (soak.told.get(sessionId) ?? []).filter((id) => !gone.has(id))
  soak.told.set(sessionId, [
    ...told,
    ...added.filter(({ type }) => type === 'message.created').map(({ data }) => data.id),
  ])
})
const counts = new Map()
const end = performance.now() + minutes * 60_000
while (performance.now() < end && problems.length === 0) {
  const [, name, act] = choose()
  soak.count++
  counts.set(name, (counts.get(name) ?? 0) + 1)
  try {
    await act(soak)
  } catch (error) {
    fail(`${String(name)}: ${error instanceof Error ? String(error.stack) : String(error)}`)
  }
  await wait(soak.below(60))
}
await soak.quiet()
// What the watcher has not been told of by then, its slow look finds.
await wait(3000)
const damage = await check(soak, store)
await store.close()
const total = [...soak.acknowledged.values()].reduce((sum, ids) => sum + ids.length, 0)
for (const [name, count] of counts) console.log(`${String(count).padStart(6)}  ${name}`)
console.log(
  `${soak.count} actions, ${total} acknowledged messages, ${soak.kills} kills, ${soak.stops} stops, ${soak.guarded} guarded and ${soak.refused} refused, ${soak.secrets.length} redacted, ${damage} damaged lines, ${problems.length} problems`,
)
if (problems.length === 0) rmSync(soak.root, { recursive: true, force: true })
else console.log(`the root is kept: ${soak.root}`)
process.exitCode = problems.length === 0 ? 0 : 1
