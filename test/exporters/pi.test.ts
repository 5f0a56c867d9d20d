import { existsSync } from 'node:fs'
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import * as fc from 'fast-check'
import { expect, test } from 'vitest'
import { exportPi, type Loss } from '../../src/exporters/index.ts'
import type { Message, SessionInfo } from '../../src/index.ts'
import { conversation } from '../messages/generate.ts'
import { freshFolder } from '../support/store.ts'
import { memoryStore, PNG, richSession, whole } from './sessions.ts'

interface Entry {
  readonly type: string
  readonly id: string
  readonly parentId: string | null
  readonly timestamp: string
  readonly message?: {
    readonly role: string
    readonly content: readonly { readonly type: string; readonly text?: string }[]
  }
  readonly [field: string]: unknown
}

function parsed(text: string): { readonly header: Record<string, unknown>; readonly entries: readonly Entry[] } {
  const [header, ...entries] = text
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line) as Entry)
  return { header: header as unknown as Record<string, unknown>, entries }
}

/** What pi shows: the path to the last entry. */
function pathOf(entries: readonly Entry[]): readonly Entry[] {
  const byId = new Map(entries.map((entry) => [entry.id, entry]))
  const path: Entry[] = []
  for (let entry = entries.at(-1); entry !== undefined; entry = byId.get(entry.parentId ?? '')) path.unshift(entry)
  return path
}

function textOf({ message }: Entry): string {
  return (message?.content ?? []).map(({ text = '' }) => text).join('')
}

/** The rules of the format, whatever the session holds. */
function expectValid(text: string): void {
  const { entries, header } = parsed(text)
  expect(header).toMatchObject({ type: 'session', version: 3, id: expect.any(String), cwd: expect.any(String) })
  const ids = new Set<string | null>([null])
  for (const entry of entries) {
    expect(entry.id).toMatch(/^[0-9a-f]{8}$/)
    expect(ids.has(entry.id)).toBe(false)
    expect(ids.has(entry.parentId)).toBe(true)
    expect(new Date(entry.timestamp).toISOString()).toBe(entry.timestamp)
    ids.add(entry.id)
  }
}

test('a session is a tree of entries, and pi goes on at the head', async () => {
  const store = await memoryStore()
  const session = await richSession(store)
  const losses: Loss[] = []
  const files = (file: string, mediaType: string): Promise<Uint8Array | undefined> => store.getFile(file, mediaType)
  const text = await whole(exportPi(session, { files, report: (loss) => losses.push(loss) }))
  expectValid(text)
  const { entries, header } = parsed(text)
  expect(header).toMatchObject({ id: session.info.id, cwd: '/home/me/shop' })
  const said = (await session.messages()).flatMap(({ parts, role }) =>
    role === 'system' ? [] : parts.flatMap((part) => (part.type === 'text' ? [part.text] : [])),
  )
  const shown = pathOf(entries)
    .filter(({ message }) => message !== undefined && message.role !== 'toolResult')
    .map(textOf)
  expect(shown.filter((each) => each !== '')).toEqual(said)
  expect(entries.map(textOf)).toContain('It was sent today.')
  expect(entries.filter(({ parentId }) => parentId === null)).toHaveLength(1)
  expect(losses).toEqual([
    expect.objectContaining({ kind: 'changed', what: 'system' }),
    expect.objectContaining({ kind: 'changed', what: 'call', reason: expect.stringContaining('no object') }),
  ])
  expect(await whole(exportPi(session, { files }))).toBe(text)
})

test('calls, results, usage, failures and pictures are as pi writes them', async () => {
  const store = await memoryStore()
  const session = await store.create({ title: 'pi' })
  const image = await store.putFile(Buffer.from(PNG, 'base64'), 'image/png')
  await session.add({ text: 'look', parts: [{ type: 'file', ...image }] })
  await session.add({
    role: 'assistant',
    model: 'claude-sonnet-4-5',
    provider: 'anthropic',
    usage: { inputTokens: 110, outputTokens: 5, cachedInputTokens: 100, costUsd: 0.5 },
    parts: [
      { type: 'reasoning', text: 'hm', signature: 'sig' },
      { type: 'tool-call', callId: 'c1', name: 'read', input: { path: 'a' } },
      { type: 'tool-result', callId: 'c1', name: 'read', error: { message: 'no such file' } },
      { type: 'text', text: 'I ' },
    ],
    status: 'cancelled',
  })
  const files = (file: string, mediaType: string): Promise<Uint8Array | undefined> => store.getFile(file, mediaType)
  const { entries } = parsed(await whole(exportPi(session, { files })))
  const answer = { role: 'assistant', api: 'anthropic-messages', provider: 'anthropic', model: 'claude-sonnet-4-5' }
  expect(entries.map(({ message }) => message)).toMatchObject([
    {
      role: 'user',
      content: [
        { type: 'text', text: 'look' },
        { type: 'image', mimeType: 'image/png', data: PNG },
      ],
    },
    {
      ...answer,
      content: [
        { type: 'thinking', thinking: 'hm', thinkingSignature: 'sig' },
        { type: 'toolCall', id: 'c1', name: 'read', arguments: { path: 'a' } },
      ],
      stopReason: 'toolUse',
      usage: { input: 10, output: 5, cacheRead: 100, cacheWrite: 0, totalTokens: 115, cost: { total: 0.5 } },
    },
    { role: 'toolResult', toolCallId: 'c1', toolName: 'read', isError: true, content: [{ text: 'no such file' }] },
    { ...answer, content: [{ type: 'text', text: 'I ' }], stopReason: 'aborted', usage: { output: 0, totalTokens: 0 } },
    undefined as never,
  ])
  expect(entries.at(-1)).toMatchObject({ type: 'session_info', name: 'pi' })
})

test('a summary keeps what it kept', async () => {
  const session = await (await memoryStore()).create()
  await session.add({ text: 'one' })
  const two = await session.add({ text: 'two' })
  await session.compact({ text: 'about one', from: two.id })
  await session.add({ text: 'three' })
  const { entries } = parsed(await whole(exportPi(session)))
  const summary = entries.find(({ type }) => type === 'compaction')!
  expect(summary).toMatchObject({ summary: 'about one', firstKeptEntryId: entries[1]!.id })
})

test('an empty conversation, one before its first message, and one that goes on before its end', async () => {
  const session = await (await memoryStore()).create()
  expectValid(await whole(exportPi(session)))
  const one = await session.add({ text: 'one' })
  await session.add({ text: 'two' })
  await session.set({ head: one.id })
  expect(pathOf(parsed(await whole(exportPi(session))).entries).map(textOf)).toEqual(['one', ''])
  await session.set({ head: null })
  expect(pathOf(parsed(await whole(exportPi(session))).entries).map(textOf)).toEqual([''])
})

test('whatever a session holds, it becomes a valid file', async () => {
  await fc.assert(
    fc.asyncProperty(conversation, async (list) => {
      const info = { id: 's', namespace: 'n', time: { created: 0, updated: 0 } } as unknown as SessionInfo
      const view = { info, messages: async (): Promise<readonly Message[]> => list }
      expectValid(await whole(exportPi(view)))
    }),
    { numRuns: 200 },
  )
})

const PI = join(import.meta.dirname, '../bench/peers/node_modules/@mariozechner/pi-coding-agent/dist/index.js')

test.skipIf(!existsSync(PI))('pi itself opens the file, shows the tree and goes on at the head', async () => {
  const { SessionManager } = (await import(PI)) as {
    SessionManager: {
      open(path: string): {
        getSessionName(): string | undefined
        getEntries(): readonly Entry[]
        getTree(): readonly unknown[]
        buildSessionContext(): { readonly messages: readonly { readonly role: string; readonly content: unknown }[] }
        appendMessage(message: unknown): string
      }
    }
  }
  const session = await richSession(await memoryStore())
  const text = await whole(exportPi(session))
  const path = join(freshFolder(), 'session.jsonl')
  await writeFile(path, text)
  const pi = SessionManager.open(path)
  expect(pi.getSessionName()).toBe('Refund <b>#4411</b>')
  expect(pi.getEntries()).toHaveLength(parsed(text).entries.length)
  expect(pi.getTree()).toHaveLength(1)
  const roles = pi.buildSessionContext().messages.map(({ role }) => role)
  expect(roles.slice(0, 5)).toEqual(['user', 'assistant', 'toolResult', 'toolResult', 'assistant'])
  const shown = pathOf(parsed(text).entries).filter(({ message }) => message !== undefined)
  expect(roles).toHaveLength(shown.length)
})
