/**
 * Real conversations: every file of the corpus, whatever tool it is of, imported, converts to every target without a rule broken.
 *
 * The corpus lies in `$FOLDLOG_CORPUS`, or in `../shared/data` beside the project; without it these tests are skipped.
 */
import { existsSync } from 'node:fs'
import { readFile } from 'node:fs/promises'
import { join, resolve } from 'node:path'
import { describe, expect, test } from 'vitest'
import { FORMATS } from '../../src/importers/formats.ts'
import { importSessions } from '../../src/importers/index.ts'
import { memoryBackend, openStore, type Message, type Part } from '../../src/index.ts'
import { filesOf, toAnthropic } from '../../src/messages/index.ts'
import { TARGETS } from './targets.ts'

const CORPUS = process.env['FOLDLOG_CORPUS'] ?? resolve(import.meta.dirname, '../../../shared/data')
const names: string[] = []
for (const { name } of FORMATS) {
  const expected = join(CORPUS, name, 'expected.json')
  if (!existsSync(expected)) continue
  const { files } = JSON.parse(await readFile(expected, 'utf8')) as { files: object }
  names.push(...Object.keys(files).map((file) => join(name, file)))
}

describe.skipIf(names.length === 0)('the corpus', () => {
  test.each(names)('%s converts to every target, its images too', async (name) => {
    await using store = await openStore(memoryBackend())
    const report = await importSessions(store, join(CORPUS, name))
    const images = { expected: 0, found: 0 }
    for (const { sessionId } of report.files.flatMap(({ sessions }) => sessions)) {
      const session = (await store.get(sessionId))!
      const context = await session.context()
      for (const view of [context, await session.messages(), await session.messages({ all: true })]) {
        const bytes = new Map<string, Uint8Array | undefined>()
        for (const { file, mediaType } of filesOf(view)) bytes.set(file!, await store.getFile(file!, mediaType))
        const options = { files: (file: string): Uint8Array | undefined => bytes.get(file) }
        for (const [target, brokenBy] of Object.entries(TARGETS)) expect(brokenBy(view, options), target).toEqual([])
        if (view !== context) continue
        images.expected += imagesOf(view)
        images.found += imagesIn(toAnthropic(view, options))
      }
    }
    expect(images.found, 'images that a model gets').toBe(images.expected)
  })
})

/** Images whose bytes a model gets. */
function imagesIn(value: unknown): number {
  return JSON.stringify(value).match(/"media_type":"image\//g)?.length ?? 0
}

/** Images of the user, and of results, whose bytes the source had: some sources only name them. */
function imagesOf(messages: readonly Message[]): number {
  const parts = messages.flatMap((message) =>
    message.role === 'assistant' ? message.parts.filter(({ type }) => type === 'tool-result') : message.parts,
  )
  const inside = parts.flatMap((part): readonly Part[] => (part.type === 'tool-result' ? (part.content ?? []) : [part]))
  return inside.filter(
    (part) =>
      part.type === 'file' &&
      part.mediaType.startsWith('image/') &&
      (part.data !== undefined || part.file !== undefined),
  ).length
}
