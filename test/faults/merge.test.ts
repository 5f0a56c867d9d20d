/** What is merged is acknowledged, also where it was there. */
import { afterEach, expect, test } from 'vitest'
import { io } from '../../src/backends/file/io.ts'
import { open, temp } from '../support/temp.ts'

const real = { ...io }
afterEach(() => Object.assign(io, real))

test('row 6: lines that a merge finds there are on the disk when it resolves', async () => {
  const root = temp()
  const { store } = await open(root, { fsync: 'never' })
  await (await store.create({ id: 's' })).add({ text: 'hello' })
  const lines = []
  for await (const { id, type, time, data } of (await store.get('s'))!.events())
    lines.push({ id, type, time, data: data as never })
  const { store: other } = await open(root, { fsync: 'always' })
  let syncs = 0
  io.fdatasync = ((fd: number, callback: () => void) => {
    syncs++
    real.fdatasync(fd, callback)
  }) as typeof io.fdatasync
  expect(await other.merge('s', lines)).toEqual({ added: 0, known: lines.length })
  expect(syncs).toBeGreaterThan(0)
})
