/**
 * Every session of the corpus, whatever tool it is of, where there is one, and of the fixtures, through every exporter.
 *
 * The corpus lies in `$FOLDLOG_CORPUS`, or in `../shared/data` beside the project.
 */
import { existsSync, mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { micromark } from 'micromark'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { exportHtml, exportLog, exportMarkdown, exportOpenAIChat, exportPi } from '../../src/exporters/index.ts'
import { FORMATS } from '../../src/importers/formats.ts'
import { importSessions } from '../../src/importers/index.ts'
import { memoryBackend, openStore, type Backend, type Message, type Session, type Store } from '../../src/index.ts'
import { Chromium } from '../support/chromium.ts'
import { needs } from '../support/machine.ts'
import { freshFolder, open } from '../support/store.ts'
import { whole } from './sessions.ts'

const CORPUS = process.env['FOLDLOG_CORPUS'] ?? join(import.meta.dirname, '../../../shared/data')
const SOURCES = FORMATS.flatMap(({ name }) => [
  { name: `the corpus of ${name}`, format: name, source: join(CORPUS, name) },
  { name: `the fixtures of ${name}`, format: name, source: join(import.meta.dirname, '../../fixtures/import', name) },
])

/** What was said and done, in order, whatever messages it is in: what of a conversation pi has words for. */
function said(messages: readonly Message[]): string[] {
  return messages
    .filter(({ audience, role }) => role !== 'system' && audience !== 'user')
    .flatMap(({ parts }) => parts)
    .flatMap((part) => {
      switch (part.type) {
        case 'text':
          // What stands for a file that pi cannot hold.
          return part.text === '' || part.text.startsWith('[file ') ? [] : [part.text]
        case 'tool-call':
          return [`call ${part.callId} of ${part.name}`]
        case 'tool-result':
          return [`result of ${part.callId}`]
        case 'compaction':
          return [`summary ${part.text}`]
        case 'data':
        case 'file':
        case 'reasoning':
          return []
      }
    })
}

/** One browser for all: starting it takes longer than what it shows. */
let chromium: Chromium | undefined
afterAll(() => chromium?.close())

describe.each(SOURCES.filter(({ source }) => existsSync(source)))('$name', ({ format, source }) => {
  let backend: Backend
  let store: Store
  const sessions: Session[] = []
  const files = (file: string, mediaType: string): Promise<Uint8Array | undefined> => store.getFile(file, mediaType)

  beforeAll(async () => {
    backend = memoryBackend()
    store = await openStore(backend)
    await importSessions(store, source, { format })
    for await (const { id } of store.list({ archived: 'all' })) sessions.push((await store.get(id))!)
  })
  afterAll(async () => {
    await store.close()
    await backend.close()
  })

  test('there are sessions', () => {
    expect(sessions.length).toBeGreaterThan(0)
  })

  test('the log is the same session again', async () => {
    for (const session of sessions) {
      const log = await whole(exportLog(backend, { namespace: session.namespace, sessionId: session.id }))
      const root = freshFolder()
      mkdirSync(join(root, session.namespace))
      writeFileSync(join(root, session.namespace, `${session.id}.jsonl`), log)
      const copy = (await (await open(root)).get(session.id))!
      expect(await copy.messages({ all: true })).toEqual(await session.messages({ all: true }))
      expect(await copy.messages()).toEqual(await session.messages())
      expect(copy.info).toEqual(session.info)
    }
  })

  test('pi has as many branches, calls and results, and the same texts', async () => {
    for (const session of sessions) {
      const text = await whole(exportPi(session, { files }))
      const entries = text
        .trimEnd()
        .split('\n')
        .slice(1)
        .map(
          (line) =>
            JSON.parse(line) as {
              id: string
              parentId: string | null
              type: string
              customType?: string
              message?: { role: string; content: { type: string; text?: string }[] }
            },
        )
      const all = await session.messages({ all: true })
      const parts = all
        .filter(({ audience, role }) => role !== 'system' && audience !== 'user')
        .flatMap((message) => message.parts)
      const content = entries.flatMap(({ message }) =>
        message === undefined || message.role === 'toolResult' ? [] : message.content,
      )
      const texts = parts.flatMap((part) => (part.type === 'text' && part.text !== '' ? [part.text] : []))
      const said = content.flatMap((each) => (each.type === 'text' ? [each.text] : []))
      expect(said).toEqual(expect.arrayContaining(texts))
      expect(content.filter(({ type }) => type === 'toolCall')).toHaveLength(
        parts.filter(({ type }) => type === 'tool-call').length,
      )
      const results = entries.filter(({ message }) => message?.role === 'toolResult')
      expect(results).toHaveLength(parts.filter(({ type }) => type === 'tool-result').length)
      // The last one only says where pi goes on.
      const last = entries.at(-1)
      const own = last?.type === 'session_info' || last?.customType === 'foldlog.head' ? entries.slice(0, -1) : entries
      const parents = new Set(own.map(({ parentId }) => parentId))
      expect(own.filter(({ id }) => !parents.has(id))).toHaveLength(session.info.branchCount)
    }
  })

  test('pi exported and imported again is the same conversation', async () => {
    for (const session of sessions) {
      const path = join(freshFolder(), 'session.jsonl')
      writeFileSync(path, await whole(exportPi(session, { files })))
      await using again = await openStore(memoryBackend())
      const { files: read, unknown } = await importSessions(again, path)
      expect([unknown, read.map(({ format: found }) => found)]).toEqual([[], ['pi']])
      const copy = (await again.get(read[0]!.sessions[0]!.sessionId))!
      expect(said(await copy.messages())).toEqual(said(await session.messages()))
      if (said(await session.messages({ all: true })).length > 0)
        expect(copy.info.branchCount).toBe(session.info.branchCount)
    }
  })

  test('OpenAI-chat has every text and every call of the branch', async () => {
    for (const session of sessions) {
      const { messages } = JSON.parse(await whole(exportOpenAIChat(session, { files }))) as {
        messages: { tool_calls?: unknown[] }[]
      }
      const path = await session.messages()
      const calls = path.flatMap(({ parts }) => parts.filter(({ type }) => type === 'tool-call'))
      expect(messages.flatMap(({ tool_calls = [] }) => tool_calls).length).toBeLessThanOrEqual(calls.length)
      expect(JSON.stringify(messages).length).toBeGreaterThan(said(path).length * 10)
    }
  })

  test('Markdown lets nothing of a session be HTML', async () => {
    for (const session of sessions) {
      const html = micromark(await whole(exportMarkdown(session, { files })), { allowDangerousHtml: true })
      expect(html.match(/<details>/g)?.length).toBe(html.match(/<\/details>/g)?.length)
      const tags = [...html.replaceAll(/<(pre|code)[^]*?<\/\1>/g, '').matchAll(/<([a-z]\w*)/g)].map(([, tag]) => tag)
      for (const tag of new Set(tags))
        expect(tag).toMatch(/^(?:a|b|blockquote|br|code|details|em|h[1-6]|hr|img|li|ol|p|pre|strong|sub|summary|ul)$/)
    }
  })

  test('the page shows every text of every branch, and opens without a word', async (context) => {
    needs(context, 'chromium')
    chromium ??= new Chromium()
    const page = await chromium.page()
    for (const session of sessions) {
      const path = join(freshFolder(), 'session.html')
      writeFileSync(path, await whole(exportHtml(session, { files })))
      await page.open(pathToFileURL(path).href)
      const typed = new Set(
        await page.evaluate<string[]>(
          `[...document.querySelectorAll('article.user .typed')].map((each) => each.textContent)`,
        ),
      )
      const texts = (await session.messages({ all: true }))
        .filter(({ role }) => role === 'user')
        .flatMap(({ parts }) =>
          parts.flatMap((part) =>
            part.type === 'text' && /^[\w ,.'"<>/-]+$/.test(part.text) ? [part.text.trimEnd()] : [],
          ),
        )
      for (const text of texts) if (text !== '') expect(typed).toContain(text)
    }
    expect(page.problems).toEqual([])
  })
})
