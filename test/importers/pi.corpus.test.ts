/** The pi importer against real sessions, and its context against the one that pi itself makes of them. */
import { existsSync } from 'node:fs'
import { readFile, readdir } from 'node:fs/promises'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { importPi, type FileReport } from '../../src/importers/index.ts'
import { memoryBackend, openStore, type Message, type Store } from '../../src/index.ts'
import { corpusOf, countBy, eventsOf, testCorpus, treeOf, type Counts, type Tree } from './corpus.ts'

/** What `expected.json` says of a file; defined in the README of the corpus. */
interface Expected {
  readonly lines: Counts
  readonly version: number
  readonly sessionId: string
  readonly cwd: string
  readonly parentSession: string | null
  readonly name: string | null
  readonly entriesByType: Counts
  readonly messages: Counts
  readonly stopReasons: Counts
  readonly toolCallBlocks: number
  readonly toolCalls: number
  readonly toolResults: number
  readonly callsWithoutResult: number
  readonly resultsWithoutCall: number
  readonly toolErrors: number
  readonly thinkingBlocks: number
  readonly images: number
  readonly compactions: number
  readonly branchSummaries: number
  readonly tree: {
    readonly entries: (Tree & { readonly dangling: number }) | null
    readonly conversation: Tree | null
    readonly currentLeaf: string | null
  }
  readonly tokens: Counts
  readonly costTotal: number
  readonly models: readonly string[]
  readonly time: { readonly first: string; readonly last: string }
}

interface Facts {
  readonly version: number
  readonly parentSession?: string
  readonly models: readonly string[]
  readonly firstTime: string
  readonly lastTime: string
}

// From the report: lines, entriesByType, tree.entries.
await testCorpus<Expected>({ format: 'pi', importer: importPi, countsOf })

async function countsOf(store: Store, file: FileReport): Promise<Expected> {
  const session = (await store.get(file.sessions[0]!.sessionId))!
  const { info } = session
  const facts = info.metadata['pi'] as unknown as Facts
  const messages = await session.messages({ all: true })
  const parts = messages.flatMap((message) => message.parts)
  const calls = parts.filter((part) => part.type === 'tool-call')
  const results = parts.filter((part) => part.type === 'tool-result')
  const called = new Set(calls.map(({ callId }) => callId))
  const answered = new Set(results.map(({ callId }) => callId))
  const answers = messages.filter(({ role }) => role === 'assistant')
  const reasons: Readonly<Record<string, string>> = { 'tool-calls': 'toolUse' }
  const nodes = messages.filter((message) => !['compaction', 'branch_summary'].includes(kindOf(message)))
  const { session: _, ...entriesByType } = file.recordsByType
  const usage = info.usage
  const [cacheRead, cacheWrite] = [usage.cachedInputTokens ?? 0, usage.cacheWriteTokens ?? 0]
  const isTree = file.links !== undefined
  return {
    lines: { ...file.lines },
    version: facts.version,
    sessionId: info.source!.id,
    cwd: info.cwd!,
    parentSession: facts.parentSession ?? null,
    name: info.title ?? null,
    entriesByType,
    messages: countBy(messages.flatMap((message) => roleOf(message) ?? [])),
    stopReasons: countBy(answers.map(({ finishReason }) => reasons[finishReason!] ?? finishReason!)),
    toolCallBlocks: calls.length,
    toolCalls: called.size,
    toolResults: results.length,
    callsWithoutResult: [...called].filter((id) => !answered.has(id)).length,
    resultsWithoutCall: [...answered].filter((id) => !called.has(id)).length,
    toolErrors: results.filter(({ error }) => error !== undefined).length,
    thinkingBlocks: parts.filter(({ type }) => type === 'reasoning').length,
    images: parts.filter(({ type }) => type === 'file').length,
    compactions: parts.filter(({ type }) => type === 'compaction').length,
    branchSummaries: messages.filter((message) => kindOf(message) === 'branch_summary').length,
    tree: {
      entries: file.links ?? null,
      conversation: isTree ? await treeOf(session, new Set(nodes.map(({ id }) => id))) : null,
      currentLeaf: isTree ? await leafOf(session.id, store) : null,
    },
    tokens: {
      input: (usage.inputTokens ?? 0) - cacheRead - cacheWrite,
      output: usage.outputTokens ?? 0,
      cacheRead,
      cacheWrite,
    },
    costTotal: Math.round((usage.costUsd ?? 0) * 1e6) / 1e6,
    models: facts.models,
    time: { first: facts.firstTime, last: facts.lastTime },
  }
}

/** The entry that was written last: a message that is the head, or an event beside the conversation. */
async function leafOf(sessionId: string, store: Store): Promise<string> {
  const session = (await store.get(sessionId))!
  const head = (await session.message(session.info.head!))!
  const events = (await eventsOf(session))
    .filter(({ type }) => type.startsWith('pi.'))
    .map(({ data }) => data as { id: string; parentId: string })
  let leaf = head.source!.id
  for (
    let next = events.find(({ parentId }) => parentId === leaf);
    next !== undefined;
    next = events.find(({ parentId }) => parentId === leaf)
  )
    leaf = next.id
  return leaf
}

/** The type of entry, or the role of pi, that a message comes from where foldlog has no word for it. */
function kindOf({ metadata }: Message): string {
  const { type, role } = (metadata?.['pi'] ?? {}) as { type?: string; role?: string }
  return type ?? role ?? ''
}

function roleOf(message: Message): string | undefined {
  if (kindOf(message) !== '') return undefined
  return message.role === 'tool' ? 'toolResult' : message.role
}

const corpus = corpusOf('pi')
const oracles = existsSync(corpus)
  ? (await readdir(corpus, { recursive: true })).filter((name) => name.endsWith('.context.json'))
  : []

describe.skipIf(!existsSync(corpus))('the context', () => {
  test.each(oracles)('of %s is the one that pi makes', async (name) => {
    const oracle = JSON.parse(await readFile(join(corpus, name), 'utf8')) as {
      contextMessages: number
      contextRoles: Counts
      firstRole: string
      model: { provider: string; modelId: string }
      sessionName: string | null
    }
    await using store = await openStore(memoryBackend())
    const report = await importPi(store, join(corpus, name.replace('.context.json', '.jsonl')))
    const session = (await store.get(report.files[0]!.sessions[0]!.sessionId))!
    const path = await session.messages()
    const summaries = new Set(path.filter((message) => kindOf(message) === 'compaction').map(({ id }) => id))
    const context = (await session.context()).filter(({ metadata }) => metadata?.['synthetic'] !== true)
    const names: Readonly<Record<string, string>> = { custom_message: 'custom', branch_summary: 'branchSummary' }
    const roles = context.map((message) => {
      if (summaries.has(message.id)) return 'compactionSummary'
      return roleOf(message) ?? names[kindOf(message)] ?? kindOf(message)
    })
    // pi hands on answers of which nothing came; providers refuse them, so foldlog leaves them out.
    const empty =
      summaries.size > 0
        ? []
        : path.filter(({ parts }) => parts.every((part) => part.type === 'text' && part.text.trim() === ''))
    expect(countBy([...roles, ...empty.map(() => 'assistant')])).toEqual(oracle.contextRoles)
    expect(roles.length + empty.length).toBe(oracle.contextMessages)
    expect(roles[0]).toBe(oracle.firstRole)
    expect(session.info).toMatchObject({ provider: oracle.model.provider, model: oracle.model.modelId })
    expect(session.info.title ?? null).toBe(oracle.sessionName)
  })
})
