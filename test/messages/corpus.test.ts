/**
 * Real conversations: every transcript of the Claude Code corpus, imported, converts to every target without a rule broken.
 *
 * The corpus lies in `$FOLDLOG_CORPUS`, or in `../shared/data` beside the project; without it these tests are skipped.
 */
import { existsSync } from 'node:fs'
import { readFile } from 'node:fs/promises'
import { join, resolve } from 'node:path'
import { describe, expect, test } from 'vitest'
import { importClaudeCode } from '../../src/importers/index.ts'
import { memoryBackend, openStore, type Message, type Part } from '../../src/index.ts'
import { filesOf, toAnthropic } from '../../src/messages/index.ts'
import { TARGETS } from './targets.ts'

const CORPUS = resolve(
  process.env['FOLDLOG_CORPUS'] ?? resolve(import.meta.dirname, '../../../shared/data'),
  'claude-code',
)
const names = existsSync(CORPUS)
  ? Object.keys((JSON.parse(await readFile(join(CORPUS, 'expected.json'), 'utf8')) as { files: object }).files)
  : []

describe.skipIf(names.length === 0)('the corpus', () => {
  test.each(names)('%s converts to every target, its images too', async (name) => {
    await using store = await openStore(memoryBackend())
    const report = await importClaudeCode(store, join(CORPUS, name))
    let images = 0
    for (const { sessionId } of report.files.flatMap(({ sessions }) => sessions)) {
      const session = (await store.get(sessionId))!
      const context = await session.context()
      for (const view of [context, await session.messages(), await session.messages({ all: true })]) {
        const bytes = new Map<string, Uint8Array | undefined>()
        for (const { file, mediaType } of filesOf(view)) bytes.set(file!, await store.getFile(file!, mediaType))
        const options = { files: (file: string): Uint8Array | undefined => bytes.get(file) }
        for (const [target, brokenBy] of Object.entries(TARGETS)) expect(brokenBy(view, options), target).toEqual([])
        if (view === context) images += imagesIn(toAnthropic(view, options)) - imagesOf(view)
      }
    }
    expect(images, 'images that came out, less those that are there').toBe(0)
  })
})

/** Images that a model gets. */
function imagesIn(value: unknown): number {
  return JSON.stringify(value).match(/"media_type":"image\//g)?.length ?? 0
}

/** Images of the user, and of results. */
function imagesOf(messages: readonly Message[]): number {
  const parts = messages.flatMap((message) =>
    message.role === 'assistant' ? message.parts.filter(({ type }) => type === 'tool-result') : message.parts,
  )
  const inside = parts.flatMap((part): readonly Part[] => (part.type === 'tool-result' ? (part.content ?? []) : [part]))
  return inside.filter((part) => part.type === 'file' && part.mediaType.startsWith('image/')).length
}
