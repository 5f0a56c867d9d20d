/** The Codex importer against real rollouts. */
import { join } from 'node:path'
import { existsSync } from 'node:fs'
import { expect, test } from 'vitest'
import { importCodex, type FileReport } from '../../src/importers/index.ts'
import { memoryBackend, openStore, type Part, type Store, type Usage } from '../../src/index.ts'
import { corpusOf, countBy, eventsOf, testCorpus, type Counts } from './corpus.ts'

/** What `expected.json` says of a file; defined in the README of the corpus. */
interface Expected {
  readonly lines: Counts
  readonly recordsByType: Counts
  readonly sessionIds: readonly string[]
  readonly forkedFrom: readonly string[]
  readonly cliVersions: readonly string[]
  readonly cwds: readonly string[]
  readonly modelProviders: readonly string[]
  readonly models: readonly string[]
  readonly messages: Counts
  readonly userPrompts: number
  readonly agentMessages: number
  readonly turns: number
  readonly tasksStarted: number
  readonly tasksComplete: number
  readonly reasoningItems: number
  readonly toolCallsByKind: Counts
  readonly toolCalls: number
  readonly toolResults: number
  readonly webSearchCalls: number
  readonly callsWithoutResult: number
  readonly resultsWithoutCall: number
  readonly images: number
  readonly compactions: number
  readonly replacementHistoryLengths: readonly number[]
  readonly tokens: {
    readonly lastTotal: Counts | null
    readonly sumOfSteps: Counts | null
    readonly tokenCountEvents: number
    readonly withoutInfo: number
  }
  readonly time: { readonly first: string | null; readonly last: string | null }
}

interface Facts extends Readonly<
  Record<'sessionIds' | 'forkedFrom' | 'cliVersions' | 'cwds' | 'modelProviders' | 'models', readonly string[]>
> {
  readonly turns: number
  readonly totalUsage?: Counts
  readonly unattributedUsage?: Usage
  readonly firstTime: string | null
  readonly lastTime: string | null
}

// From the report: lines, recordsByType, userPrompts, agentMessages, and of tokens how many records there were.
await testCorpus<Expected>({
  format: 'codex',
  importer: importCodex,
  countsOf,
  endings: ['codex.user_message', 'codex.agent_message', 'codex.agent_reasoning'],
})

test.skipIf(!existsSync(corpusOf('codex')))('a fork has its parent, whichever of them is read first', async () => {
  for (const names of [
    ['parent', 'child'],
    ['child', 'parent'],
  ]) {
    await using store = await openStore(memoryBackend())
    const report = await importCodex(
      store,
      names.map((name) => join(corpusOf('codex'), `fork/${name}.jsonl`)),
    )
    const [child, parent] = report.files.map(({ sessions }) => sessions[0]!.sessionId)
    expect((await store.get(child!))!.info.parent).toEqual({ sessionId: parent })
    // What the fork cost by itself: its total is that of its parent and what came after.
    const [own, copied] = await Promise.all(
      [child!, parent!].map(async (id) => factsOf((await store.get(id))!.info.metadata).totalUsage!['total_tokens']!),
    )
    expect(own! - copied!).toBe(1_809_519)
  }
})

function factsOf(metadata: object): Facts {
  return (metadata as { codex: Facts }).codex
}

async function countsOf(store: Store, file: FileReport): Promise<Expected> {
  const session = (await store.get(file.sessions[0]!.sessionId))!
  const events = await eventsOf(session)
  const facts = factsOf(session.info.metadata)
  const messages = (await session.messages({ all: true }))
    .map((message) => ({ ...message, parts: message.parts.filter((part) => part.metadata?.['isLegacy'] !== true) }))
    .filter(({ parts }) => parts.length > 0)
  const parts = messages.flatMap((message) => message.parts)
  const calls = parts.filter((part) => part.type === 'tool-call')
  const results = parts.filter((part) => part.type === 'tool-result')
  const compactions = parts.filter((part) => part.type === 'compaction')
  const called = new Set(calls.map(({ callId }) => callId))
  const answered = new Set(results.map(({ callId }) => callId))
  const openai = (value: object): Record<string, unknown> =>
    (value as { openai?: Record<string, unknown> }).openai ?? {}
  const contents = messages.flatMap(({ role, metadata = {}, parts: own }) => {
    const name = openai(metadata)['role'] === 'developer' ? 'developer' : role
    if (openai(metadata)['type'] === 'agent_message' || own.some(({ type }) => type === 'compaction')) return []
    return [...new Set(own.filter(isContent).map(recordOf))].map(() => name)
  })
  const count = (label: string): number => file.recordsByType[label] ?? 0
  const dropped = (label: string): number => file.dropped[label]?.records ?? 0
  return {
    lines: { ...file.lines },
    recordsByType: file.recordsByType,
    sessionIds: facts.sessionIds,
    forkedFrom: facts.forkedFrom,
    cliVersions: facts.cliVersions,
    cwds: facts.cwds,
    modelProviders: facts.modelProviders,
    models: facts.models,
    messages: countBy(contents),
    userPrompts: count('event_msg/user_message'),
    agentMessages: count('event_msg/agent_message'),
    turns: facts.turns,
    tasksStarted: events.filter(({ type }) => type === 'codex.task_started').length,
    tasksComplete: events.filter(({ type }) => type === 'codex.task_complete').length,
    reasoningItems: parts.filter(({ type }) => type === 'reasoning').length,
    toolCallsByKind: countBy(
      calls.map(({ providerMetadata }) => {
        const { itemType, custom } = openai((providerMetadata ?? {}) as object)
        return custom === true ? 'custom_tool_call' : typeof itemType === 'string' ? itemType : 'function_call'
      }),
    ),
    toolCalls: calls.length,
    toolResults: results.length,
    webSearchCalls: parts.filter((part) => itemType(part) === 'web_search_call').length,
    callsWithoutResult: [...called].filter((id) => !answered.has(id)).length,
    resultsWithoutCall: [...answered].filter((id) => !called.has(id)).length,
    images: parts.filter((part) => part.type === 'file' || itemType(part) === 'input_image').length,
    compactions: compactions.length,
    replacementHistoryLengths: compactions.map(({ replacement }) => replacement!.length),
    tokens: {
      lastTotal: lastTotal(facts.totalUsage),
      sumOfSteps: sumOfSteps([session.info.usage, facts.unattributedUsage ?? {}]),
      tokenCountEvents: count('event_msg/token_count'),
      withoutInfo: dropped('event_msg/token_count') + events.filter(({ type }) => type === 'codex.token_count').length,
    },
    time: { first: facts.firstTime, last: facts.lastTime },
  }
}

/** Content of a message is named after its record and its place in it, other parts after their record. */
function isContent(part: Part): boolean {
  return /:\d+$/.test(part.id)
}

function recordOf(part: Part): string {
  return part.id.replace(/:\d+$/, '')
}

function itemType(part: Part): string | undefined {
  return part.type === 'data' ? (part.data as { type?: string }).type : undefined
}

function lastTotal(total: Counts | undefined): Counts | null {
  if (total === undefined) return null
  const names = ['input_tokens', 'cached_input_tokens', 'output_tokens', 'reasoning_output_tokens', 'total_tokens']
  return Object.fromEntries(names.map((name) => [name, total[name]!]))
}

function sumOfSteps(usages: readonly Usage[]): Counts | null {
  const names = {
    cached_input_tokens: 'cachedInputTokens',
    cache_write_input_tokens: 'cacheWriteTokens',
    input_tokens: 'inputTokens',
    output_tokens: 'outputTokens',
    reasoning_output_tokens: 'reasoningTokens',
    total_tokens: 'totalTokens',
  } as const
  const sums = Object.entries(names).flatMap(([theirs, ours]) => {
    const counts = usages.map((usage) => usage[ours]).filter((each) => each !== undefined)
    return counts.length === 0 ? [] : [[theirs, counts.reduce((sum, each) => sum + each, 0)] as const]
  })
  return sums.length === 0 ? null : Object.fromEntries(sums)
}
