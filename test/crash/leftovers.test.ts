/**
 * What a process leaves that ended without saying so, and what others must not trip over: no locks, half a turn, a cache
 * in any state.
 */
import { mkdirSync, readFileSync, readdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { Child, OtherProcess } from '../support/child.ts'
import { PATIENT, rounds } from '../support/rounds.ts'
import { anew, idsOf, open, temp } from '../support/temp.ts'

test('row 31: a process that was killed leaves no lock, and locks of other tools are nothing', async () => {
  const root = temp()
  const { store } = await open(root)
  await store.create({ id: 'locked' })
  const writer = new Child('writer', root, 'locked', '1000000', '60000')
  await writer.line()
  writer.say('go')
  await writer.until(() => writer.lines.length > 5)
  await writer.kill()
  expect(readdirSync(join(root, 'default'))).toEqual(['locked.jsonl'])
  for (const name of ['locked.lock', 'locked.jsonl.lock', '.lock', '.locked.jsonl.swp']) {
    writeFileSync(join(root, 'default', name), '1\n')
  }
  mkdirSync(join(root, 'default', 'locked.jsonl.lck'))
  const session = (await store.get('locked'))!
  const { id } = await session.add({ text: 'nobody waits' })
  const fresh = await anew(root, 'locked')
  expect(fresh.messages.at(-1)!.id).toBe(id)
  expect(idsOf((await store.list()).items)).toEqual(['locked'])
})

test('row 60: a tool call whose process died before its result is answered in the context, and nothing is written', async () => {
  const root = temp()
  const { store } = await open(root)
  await store.create({ id: 'tools' })
  const agent = new OtherProcess(root)
  await agent.do('add', 'tools', { role: 'user', text: 'What is the weather?' })
  const part = { type: 'tool-call', callId: 'call-1', name: 'weather', input: { place: 'Oslo' } }
  await agent.do('add', 'tools', { role: 'assistant', parts: [part] })
  process.kill(agent.pid, 'SIGKILL')

  const session = (await store.get('tools'))!
  expect(session.info.status).toBe('awaiting')
  const bytes = readFileSync(join(root, 'default/tools.jsonl'))
  const parts = (await session.context()).flatMap((message) => message.parts)
  const results = parts.filter(({ type }) => type === 'tool-result')
  expect(results).toMatchObject([{ callId: 'call-1', error: {} }])
  expect(readFileSync(join(root, 'default/tools.jsonl'))).toEqual(bytes)
})

test('row 56: a cache that is damaged, stale, cut or of another version costs nothing but time', PATIENT, async () => {
  const root = temp()
  const { store } = await open(root)
  for (const id of ['a', 'b', 'c']) await (await store.create({ id, title: id })).add({ text: `in ${id}` })
  await store.list()
  await store.close()
  const path = join(root, 'default/.cache/infos.jsonl')
  const cache = readFileSync(path)
  // From here on it is stale.
  const { store: renamer } = await open(root)
  await (await renamer.get('b'))!.set({ title: 'renamed' })
  await renamer.close()
  const cold = async (): Promise<unknown> => {
    const { store: other } = await open(root)
    const { items } = await other.list({ order: 'created' })
    await other.close()
    return items
  }
  writeFileSync(path, '')
  const expected = await cold()
  const damaged = [
    Buffer.from(''),
    Buffer.from('not json\n'),
    Buffer.from('{"v":999}\n[]\nnull\n{"id":{}}\n'),
    Buffer.concat([cache, cache]),
    Buffer.alloc(cache.length),
  ]
  for (let round = 0; round < rounds(200); round++) {
    const bytes = Buffer.from(cache.subarray(0, Math.floor(Math.random() * cache.length)))
    damaged.push(bytes)
  }
  for (const bytes of damaged) {
    writeFileSync(path, bytes)
    expect(await cold(), bytes.toString()).toEqual(expected)
  }
  // It stands in the way of nothing either.
  writeFileSync(path, cache)
  expect(await cold()).toEqual(expected)
})
