/**
 * F9: a turn of `session.send` whose responder yields deltas of five characters without a pause.
 *
 * What a delta costs is what the turn takes beyond the responder alone, by the number of deltas: question, lease, the drafts in the side file and the end are
 * in it. A turn that says nothing is what is left of that.
 */
import { compare, timed } from './harness.mjs'
import { foldlog, missing } from './peers.mjs'
import { atMost } from './table.mjs'
import { removeFolder, tempFolder } from './temp.mjs'

const DELTAS = 2000

/** @param {import('./run.mjs').Options} options @returns {Promise<import('./table.mjs').Report>} */
export async function measureSend({ rounds, quick }) {
  const head = { id: 'F9', title: 'sending' }
  if (missing.foldlog !== undefined) return { ...head, tables: [], checks: [], notes: [missing.foldlog] }
  const count = quick ? 200 : DELTAS
  const root = tempFolder('send')
  const store = await foldlog.openStore(root)
  async function* respond() {
    for (let n = 0; n < count; n++) yield 'abcde'
  }
  const send = async (options) => {
    const session = await store.create()
    return timed(() => session.send('q', options))
  }
  const alone = async () => {
    let text = ''
    for await (const delta of respond()) text += delta
    return text
  }
  const each = async (whole) => ((await whole) * 1000) / count
  const ways = [
    { name: 'the responder alone', sample: () => each(timed(alone)) },
    { name: 'send', sample: () => each(send({ respond })) },
    { name: 'send, a listener', sample: () => each(send({ respond, onEvent: () => undefined })) },
  ]
  const overhead = await compare(ways, rounds ?? 20, { warmup: 3 })
  const turns = await compare(
    [{ name: 'a turn that says nothing', sample: () => send({ respond: () => {} }) }],
    rounds ?? 20,
  )
  await store.close()
  removeFolder(root)
  return {
    ...head,
    tables: [
      { caption: `each of ${count} deltas`, unit: 'µs', rows: overhead },
      { caption: 'each turn', unit: 'ms', rows: turns },
    ],
    checks: [atMost('each delta', overhead[1], 20, 'µs'), atMost('each delta, with a listener', overhead[2], 20, 'µs')],
  }
}
