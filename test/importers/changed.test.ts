/** Files that are written anew while they are read: each is told, and the others are imported. */
import { writeFileSync } from 'node:fs'
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { importSessions } from '../../src/importers/index.ts'
import { memoryBackend } from '../../src/index.ts'
import { freshFolder, open } from '../support/store.ts'

const timestamp = '2025-01-01T00:00:00Z'
/** More than is read between two looks at how far it is, which is when the file is written anew. */
const FILLING = 'x'.repeat(1_000_000)
const FILLINGS = Array.from({ length: 10 }, () => FILLING)

interface Layout {
  /** Of its file. */
  readonly name: string
  readonly content: (fillings: readonly string[]) => string
}

const claudeCode: Layout = {
  name: 'a.jsonl',
  content: (fillings) =>
    fillings
      .map((content, at) => ({
        sessionId: 's',
        timestamp,
        type: 'user',
        uuid: `u${at}`,
        message: { role: 'user', content },
      }))
      .map((record) => `${JSON.stringify(record)}\n`)
      .join(''),
}

const geminiCli: Layout = {
  name: 'a.jsonl',
  content: (fillings) =>
    [
      { sessionId: 's', projectHash: 'p', startTime: timestamp },
      ...fillings.map((content, at) => ({ id: `m${at}`, timestamp, type: 'user', content })),
    ]
      .map((record) => `${JSON.stringify(record)}\n`)
      .join(''),
}

const opencode: Layout = {
  name: 'a.json',
  content: (fillings) => {
    const time = { created: 1_700_000_000_000 }
    const messages = fillings.map((text, at) => ({
      info: { id: `msg_${at}`, sessionID: 'ses_1', role: 'user', time },
      parts: [{ id: `prt_${at}`, type: 'text', text }],
    }))
    return JSON.stringify({ info: { id: 'ses_1', time }, messages })
  },
}

test.each([
  ['Claude Code', claudeCode],
  ['Gemini CLI', geminiCli],
  ['opencode', opencode],
])('a session of %s that is another one when it is read again', async (_, { name, content }) => {
  const folder = freshFolder()
  const [path, other] = [join(folder, name), join(folder, 'b.jsonl')]
  await writeFile(path, content(FILLINGS))
  await writeFile(other, JSON.stringify({ messages: [{ role: 'user', content: 'hello' }] }))
  const anew = content(Array.from({ length: 1000 }, () => 'x'.repeat(10_000)))
  await using store = await open(memoryBackend())
  const report = await importSessions(store, folder, {
    onProgress: (progress) => {
      if (progress.path === path && progress.readBytes !== undefined) writeFileSync(path, anew)
    },
  })
  expect(report.files.map(({ failure }) => failure?.code)).toEqual(['STORAGE_FAILED', undefined])
  expect(report.files[1]!.sessions).toMatchObject([{ messages: 1 }])
  // Read while nobody writes it, it is what it is.
  expect((await importSessions(store, path)).totals).toMatchObject({ failures: 0, messages: 1000 })
})
