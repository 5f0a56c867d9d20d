/**
 * Does what it is told: `[what, ...args]` a line, answered by `{ result }` or `{ error: code }` a line.
 */
import { execFileSync } from 'node:child_process'
import fs from 'node:fs'
import { createInterface } from 'node:readline'
import { openStore } from '../../../dist/index.js'

const [root, options] = process.argv.slice(2)
const store = await openStore(root, { fsync: 'never', ...JSON.parse(options) })

async function session(id) {
  const found = await store.get(id)
  if (found === undefined) throw Object.assign(new Error(`no session ${id}`), { code: 'NOT_FOUND' })
  return found
}

/** Waits without giving the processor away, so that short times are kept. */
function pause(ms) {
  for (const end = performance.now() + ms; performance.now() < end;);
}

const DO = {
  create: async (init) => (await store.create(init)).id,
  delete: (id) => store.delete(id),
  add: async (id, input) => (await session(id)).add(input),
  addWithKey: async (id, input, key) => (await session(id)).add(input, { key }),
  /** Adds one message after another. */
  addEach: async (id, inputs) => {
    const to = await session(id)
    const ids = []
    for (const input of inputs) ids.push((await to.add(input)).id)
    return ids
  },
  /** Adds two messages so many ms apart. */
  addTwo: async (id, gapMs) => {
    const to = await session(id)
    const first = await to.add({ text: 'first' })
    pause(gapMs)
    return [first.id, (await to.add({ text: 'second' })).id]
  },
  append: async (id, type, data) => (await session(id)).append(type, data),
  set: async (id, patch) => (await session(id)).set(patch),
  /** Any other method of a session. */
  call: async (id, method, ...args) => (await session(id))[method](...args),
  messages: async (id) => (await session(id)).messages(),
  /** The first `count` events of a tail; all that are there if it is not given. */
  tail: async (id, after, count) => {
    const events = []
    const from = await session(id)
    for await (const event of count === undefined ? from.events({ after }) : from.tail({ after })) {
      events.push(event)
      if (events.length === count) break
    }
    return events
  },
  git: (cwd, env, ...args) => execFileSync('git', args, { cwd, env, encoding: 'utf8' }),
  fs: async (...calls) => {
    for (const [name, ...args] of calls) fs[name](...args)
    return null
  },
}

for await (const line of createInterface({ input: process.stdin })) {
  const [what, ...args] = JSON.parse(line)
  try {
    console.log(JSON.stringify({ result: (await DO[what](...args)) ?? null }))
  } catch (error) {
    console.log(JSON.stringify({ error: error.code ?? String(error) }))
  }
}
await store.close()
