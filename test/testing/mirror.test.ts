/** The mirror notices when two backends answer differently. */
import { expect, test } from 'vitest'
import type { Backend } from '../../src/backend.ts'
import { memoryBackend } from '../../src/backends/memory.ts'
import { mirrorBackend } from '../../src/testing/index.ts'
import { create, KEY, newLine, readTexts, rejects } from '../../src/testing/lines.ts'

async function opened(): Promise<{ mirror: Backend; other: Backend }> {
  const other = memoryBackend()
  const mirror = mirrorBackend(memoryBackend(), other)
  await create(mirror, 2)
  return { mirror, other }
}

test('equal backends are one, with cursors of both', async () => {
  const { mirror } = await opened()
  const [line] = [newLine()]
  const { cursor } = await mirror.append(KEY, [line])
  expect(cursor).toBeUndefined()
  expect(await readTexts(mirror)).toHaveLength(3)
  await rejects(mirror.append(KEY, [newLine()], { expect: 'absent' }), 'ALREADY_EXISTS')
})

test('a line that only one has is noticed', async () => {
  const { mirror, other } = await opened()
  await other.append(KEY, [newLine()])
  await expect(readTexts(mirror)).rejects.toThrow('read of first differs')
})

test('a session that only one has is noticed', async () => {
  const { mirror, other } = await opened()
  await create(other, 1, { ...KEY, sessionId: 'second' })
  await expect(mirror.list(KEY.namespace)).rejects.toThrow('lists of contract differ')
})

test('a call that only one rejects is noticed', async () => {
  const { mirror, other } = await opened()
  await other.remove(KEY)
  await expect(mirror.append(KEY, [newLine()])).rejects.toThrow('rejected otherwise')
})
