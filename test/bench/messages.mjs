/**
 * F10: `session.context()` and its conversion to the messages of a provider, beside `structuredClone` of what comes out.
 *
 * The session is open and its bodies are parsed; everything is warm.
 */
import { compare, timed } from './harness.mjs'
import { foldlog, messages, missing } from './peers.mjs'
import { number, ratio } from './table.mjs'
import { messageInputs } from './workload.mjs'

const TARGETS = ['toOpenAIChat', 'toOpenAIResponses', 'toAnthropic', 'toGemini', 'toModelMessages', 'toUIMessages']

/** @param {import('./run.mjs').Options} options @returns {Promise<import('./table.mjs').Report>} */
export async function measureMessages({ rounds, quick }) {
  const title = 'messages for a provider'
  if (missing.foldlog !== undefined) return { id: 'F10', title, tables: [], checks: [], notes: [missing.foldlog] }
  const count = quick ? 200 : 10_000
  const store = await foldlog.openStore(foldlog.memoryBackend())
  const session = await store.create()
  await session.add(messageInputs(count))
  const tables = []
  const checks = []
  for (const name of TARGETS) {
    const convert = messages[name]
    const result = convert(await session.context())
    const rows = await compare(
      [
        { name: `structuredClone of what ${name} returns`, sample: () => timed(() => structuredClone(result)) },
        { name: `context() and ${name}`, sample: () => timed(async () => convert(await session.context())) },
        { name: 'context() alone', sample: () => timed(() => session.context()) },
      ],
      rounds ?? 15,
      { warmup: 5 },
    )
    tables.push({ caption: `${number(count)} messages`, unit: 'ms', rows })
    checks.push(ratio(`${name}, to structuredClone of its result`, rows[1], rows[0], 1.5))
  }
  await store.close()
  return { id: 'F10', title, tables, checks }
}
