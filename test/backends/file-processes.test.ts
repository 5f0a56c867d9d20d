/** Several processes at one log. They import dist/, which `npm test` builds first. */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { readFile } from 'node:fs/promises'
import { expect, test } from 'vitest'
import { fileBackend } from '../../src/backends/file/index.ts'
import { create, readTexts } from '../../src/testing/lines.ts'
import { tempRoot } from '../testing/temp.ts'

const WRITERS = 4
const APPENDS = 150

const WRITER = `
import { fileBackend } from '${new URL('../../dist/backends/file/index.js', import.meta.url).href}'
import { Clock } from '${new URL('../../dist/id.js', import.meta.url).href}'
const [root, name] = process.argv.slice(1)
const clock = new Clock()
const backend = fileBackend(root)
const key = { namespace: 'contract', sessionId: 'first' }
for (let i = 0; i < ${APPENDS}; i++) {
  const id = clock.next()
  const data = { name, i, text: 'x'.repeat(i % 10 === 0 ? 200_000 : i) }
  await backend.append(key, [{ id, text: JSON.stringify({ v: 1, id, type: 'test.said', data }) }])
  console.log(id)
}
await backend.close()
`

test('several processes append to one log, and every acknowledged line is there once and whole', async () => {
  const { root, done } = await tempRoot()
  const backend = fileBackend(root)
  await create(backend)
  const acknowledged = await Promise.all(
    Array.from({ length: WRITERS }, async (_, index) => {
      const child = spawn(process.execPath, ['--input-type=module', '-e', WRITER, root, String(index)], {
        stdio: ['ignore', 'pipe', 'inherit'],
      })
      let output = ''
      child.stdout.on('data', (chunk: Buffer) => (output += chunk.toString()))
      const [code] = (await once(child, 'close')) as [number]
      expect(code).toBe(0)
      return output.trim().split('\n')
    }),
  )
  const ids = (await readTexts(backend)).map((text) => (JSON.parse(text) as { id: string }).id)
  expect(ids).toHaveLength(1 + WRITERS * APPENDS)
  for (const own of acknowledged) {
    const mine = new Set(own)
    expect(ids.filter((id) => mine.has(id))).toEqual(own)
  }
  expect((await readFile(`${root}/contract/first.jsonl`)).at(-1)).toBe(0x0a)
  await backend.close()
  await done()
}, 30_000)
