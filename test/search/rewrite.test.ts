/** A search while another process appends to a log and replaces it, again and again. */
import { spawn } from 'node:child_process'
import { createInterface } from 'node:readline'
import { expect, onTestFinished, test } from 'vitest'
import { PATIENT, rounds } from '../support/rounds.ts'
import { open, temp } from '../support/temp.ts'
import { collect } from './naive.ts'

const WRITER = `
  import { openStore } from ${JSON.stringify(new URL('../../dist/index.js', import.meta.url).href)}
  const [root, count] = process.argv.slice(1)
  const store = await openStore(root, { fsync: 'never' })
  const session = await store.get('log')
  for (let i = 0; i < Number(count); i++) {
    await session.add({ id: 'm' + i, parts: [{ id: 'p', type: 'text', text: 'old' }] })
    await session.part('m' + i, { id: 'p', type: 'text', text: 'the needle ' + i })
    console.log('m' + i)
    await session.pack()
  }
  await store.close()
`

test(
  'what was acknowledged before a search began is found, however often the log is replaced meanwhile',
  PATIENT,
  async () => {
    const root = temp()
    const { store } = await open(root)
    await (await store.create({ id: 'log' })).add({ id: 'first', text: `needle ${'x'.repeat(300_000)}` })
    const writer = spawn(process.execPath, ['--input-type=module', '-e', WRITER, root, String(rounds(300))])
    onTestFinished(() => void writer.kill('SIGKILL'))
    let errors = ''
    writer.stderr.setEncoding('utf8').on('data', (text: string) => (errors += text))
    const acknowledged = ['first']
    createInterface({ input: writer.stdout }).on('line', (id) => acknowledged.push(id))
    const ended = new Promise<number | null>((resolve) => writer.on('close', resolve))
    let searches = 0
    do {
      const known = [...acknowledged]
      // A process of its own as far as the files go: nothing is open in it.
      const { store: reader } = await open(root)
      const found = new Set((await collect(reader.search('needle'))).map(({ messageId }) => messageId))
      await reader.close()
      expect(known.filter((id) => !found.has(id))).toEqual([])
      // Of those, all have been edited since.
      const old = (await collect(store.search({ phrase: 'old' }))).map(({ messageId }) => messageId)
      expect(old.filter((id) => known.includes(id))).toEqual([])
      searches++
    } while (writer.exitCode === null && writer.signalCode === null)
    expect(await ended, errors).toBe(0)
    expect(acknowledged).toHaveLength(rounds(300) + 1)
    expect(searches).toBeGreaterThan(3)
  },
)
