/** The Gemini CLI importer on made-up sessions (`fixtures/import/gemini-cli`), read through the public API. */
import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import * as fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { importGeminiCli, importSessions, type ImportReport } from '../../src/importers/index.ts'
import { memoryBackend, openStore, type Session, type Store } from '../../src/index.ts'
import { freshFolder, freshStore } from '../support/store.ts'
import { rounds } from '../support/rounds.ts'
import { expectSame, expectSound, shown } from './soundness.ts'

const FIXTURES = join(import.meta.dirname, '../../fixtures/import/gemini-cli')
const GARDEN = join(FIXTURES, 'garden.jsonl')

async function imported(...paths: string[]): Promise<{ store: Store; report: ImportReport; session: Session }> {
  const store = await openStore(memoryBackend())
  const report = await importSessions(store, paths)
  const [written] = report.files.flatMap(({ sessions }) => sessions)
  return { store, report, session: (await store.get(written!.sessionId))! }
}

/** A file of lines in a fresh folder. */
async function linesIn(...records: object[]): Promise<string> {
  const path = join(freshFolder(), 'session.jsonl')
  await writeFile(path, records.map((record) => `${JSON.stringify(record)}\n`).join(''))
  return path
}

const HEADER = { sessionId: 'allotment', projectHash: 'a3f0c2', startTime: '2026-06-01T08:00:00.000Z' }

function user(id: string, second: number, content: unknown = id): object {
  return { id, timestamp: `2026-06-01T08:00:${String(second).padStart(2, '0')}.000Z`, type: 'user', content }
}

function answer(id: string, second: number, more: object = {}): object {
  return { ...user(id, second), type: 'gemini', ...more }
}

const PATH = [
  'user: What is in the garden? + <image/png>',
  'assistant: (thinks) + Looking. + list_directory() + => list_directory',
  'system: Update available: 0.41.0',
  'assistant: Beans and corn.',
  'user: Water the beans instead.',
  'assistant: Watered.',
]

describe('a session of lines', () => {
  test('is the conversation that is left; what was rewound is a branch of it', async () => {
    const { store, report, session } = await imported(GARDEN)
    expect(shown(await session.messages())).toEqual(PATH)
    expect(shown(await session.messages({ all: true }))).toEqual([
      ...PATH.slice(0, 4),
      'user: Pull up the beans.',
      'assistant: run_shell_command() + => run_shell_command failed',
      ...PATH.slice(4),
    ])
    const messages = await session.messages()
    expect(shown(await session.siblings(messages[4]!.id))).toEqual([
      'user: Pull up the beans.',
      'user: Water the beans instead.',
    ])
    expect(session.info).toMatchObject({
      title: 'Care for the garden',
      model: 'gemini-2.5-pro',
      provider: 'google',
      branchCount: 2,
      source: { format: 'gemini-cli', id: '5e0f6c1a-7b1d-4c7e-9a52-0c4e8f2d6b11' },
      metadata: {
        'gemini-cli': { projectHash: 'a3f0c2', kind: 'main', lastUpdated: '2026-06-01T08:02:04.200Z' },
      },
    })
    expect(report.files[0]).toMatchObject({
      recordsByType: { header: 1, user: 3, gemini: 5, info: 1, $set: 2, $rewindTo: 1 },
      merged: { gemini: { records: 1, reason: 'a later record says all of it' } },
    })
    await expectSound(store, session)
  })

  test('has an answer that was written again once, as it was last', async () => {
    const { session } = await imported(GARDEN)
    const [, looking] = await session.messages()
    expect(looking).toMatchObject({
      status: 'completed',
      model: 'gemini-2.5-pro',
      provider: 'google',
      usage: { inputTokens: 103, outputTokens: 25, reasoningTokens: 5, cachedInputTokens: 40, totalTokens: 128 },
      metadata: { toolTokens: 3 },
      source: { id: 'g1' },
    })
    expect(looking!.time.created).toBe(Date.UTC(2026, 5, 1, 8, 0, 4))
    expect(looking!.parts).toMatchObject([
      { type: 'reasoning', text: '**Listing**\n\nA list will tell.', metadata: { subject: 'Listing' } },
      { type: 'text', text: 'Looking.' },
      { type: 'tool-call', callId: 'ls-1', status: 'completed', metadata: { displayName: 'ReadFolder' } },
      {
        type: 'tool-result',
        callId: 'ls-1',
        output: 'beans\ncorn',
        metadata: { resultDisplay: 'Listed 2 item(s).' },
      },
    ])
  })

  test('shows notices to the user only, and what was typed where that is another text', async () => {
    const { session } = await imported(GARDEN)
    const messages = await session.messages()
    expect(messages[2]).toMatchObject({ role: 'system', audience: 'user', metadata: { type: 'info' } })
    expect((await session.context()).map(({ role }) => role)).not.toContain('system')
    expect(messages[0]!.metadata).toEqual({ displayContent: 'What is in the @garden?' })
  })

  test('puts images into files', async () => {
    const store = await freshStore()
    const report = await importGeminiCli(store, GARDEN)
    const session = (await store.get(report.files[0]!.sessions[0]!.sessionId))!
    const image = (await session.messages())[0]!.parts[1]!
    expect(image).toMatchObject({ type: 'file', mediaType: 'image/png', file: expect.stringMatching(/^sha256-/) })
    for await (const found of store.fsckFiles()) expect(found).toBeUndefined()
  })

  test('whose list is set anew goes on from that; what was there before is a branch', async () => {
    const { store, session } = await imported(join(FIXTURES, 'pots.jsonl'))
    expect(shown(await session.messages())).toEqual([
      'user: Count the pots.',
      'assistant: Nine pots were counted, ',
      'assistant: Ten.',
      'user: Thanks.',
    ])
    expect(shown(await session.messages({ all: true }))).toContain('user: Count again.')
    const tens = (await session.messages({ all: true })).filter(({ source }) => source?.id === 'g2')
    expect(tens).toHaveLength(2)
    await expectSound(store, session)
  })

  test('that is rewound to what is not there begins anew', async () => {
    const path = await linesIn(HEADER, user('a', 1), answer('b', 2), { $rewindTo: 'nobody' }, user('c', 3))
    const { store, session } = await imported(path)
    expect(shown(await session.messages())).toEqual(['user: c'])
    expect(await session.messages({ all: true })).toHaveLength(3)
    await expectSound(store, session)
    const empty = await imported(await linesIn(HEADER, user('a', 1), { $rewindTo: 'a' }))
    expect(await empty.session.messages()).toEqual([])
    expect(empty.session.info.messageCount).toBe(1)
  })

  test('tells lines that are broken, glued together or of no known kind, and takes all the others', async () => {
    const path = join(freshFolder(), 'broken.jsonl')
    const lines = (await readFile(GARDEN, 'utf8')).split('\n')
    lines.splice(2, 0, '{"id":"torn","timest', '{"surprise":true}')
    await writeFile(path, lines.join('\n').replace('}\n{"id":"i1"', '}{"id":"i1"'))
    const { report, session } = await imported(path)
    expect(shown(await session.messages())).toEqual(PATH)
    const [file] = report.files
    expect(file).toMatchObject({
      lines: { malformed: 1, concatenated: 1 },
      unreadable: [{ line: 3, reason: 'not-json' }],
      dropped: { '(none)': { records: 1 } },
    })
  })

  test('is the same session as the document it came from', async () => {
    const lines = await imported(GARDEN)
    const { store, session } = await imported(join(FIXTURES, 'garden.json'))
    expect(session.id).toBe(lines.session.id)
    expect(shown(await session.messages())).toEqual(PATH)
    await importGeminiCli(store, GARDEN)
    expect(shown(await session.messages())).toEqual(PATH)
    expect((await store.list()).items).toHaveLength(1)
    await expectSound(store, session)
  })

  test('has sub-agents, which know the message and the call that began them', async () => {
    const { store, report } = await imported(join(FIXTURES, 'agents-main.jsonl'), join(FIXTURES, 'agents-sub.jsonl'))
    const [main, sub] = await Promise.all(
      report.files.map(async ({ sessions }) => (await store.get(sessions[0]!.sessionId))!),
    )
    const caller = (await main!.messages())[1]!
    expect(sub!.info.parent).toEqual({ sessionId: main!.id, messageId: caller.id, callId: 'ag-1' })
    expect(main!.info.parent).toBeUndefined()
  })
})

describe('tool calls', () => {
  test.each([
    ['executing', { status: 'executing' }, { status: 'in_progress' }, undefined],
    ['waiting', { status: 'awaiting_approval' }, { status: 'pending', approval: 'requested' }, undefined],
    [
      'failed',
      { status: 'error', result: 'no such file' },
      { status: 'failed' },
      { error: { message: 'no such file' } },
    ],
    [
      'failed with a response',
      { status: 'error', result: [{ functionResponse: { name: 'look', response: { error: 'too dark' } } }] },
      { status: 'failed' },
      { error: { message: 'too dark' } },
    ],
    [
      'answered with an object',
      { status: 'success', result: { functionResponse: { name: 'look', response: { output: 'a', lines: 2 } } } },
      { status: 'completed' },
      { output: { output: 'a', lines: 2 } },
    ],
    [
      'answered with more than a response',
      {
        status: 'success',
        result: [{ functionResponse: { name: 'look', response: { output: 'a picture' } } }, { inlineData: PIXEL() }],
      },
      { status: 'completed' },
      {
        content: [
          { type: 'text', text: 'a picture' },
          { type: 'file', mediaType: 'image/gif' },
        ],
      },
    ],
  ])('that are %s', async (_, fields, call, result) => {
    const toolCalls = [{ id: 'c', name: 'look', args: { at: 'roses' }, ...fields }]
    const { store, session } = await imported(await linesIn(HEADER, user('a', 1), answer('b', 2, { toolCalls })))
    const { parts, status } = (await session.messages())[1]!
    expect(parts[1]).toMatchObject({ type: 'tool-call', callId: 'c', name: 'look', input: { at: 'roses' }, ...call })
    if (result === undefined) expect(parts).toHaveLength(2)
    else expect(parts[2]).toMatchObject({ type: 'tool-result', callId: 'c', ...result })
    expect(status).toBe(result === undefined ? 'incomplete' : 'completed')
    await expectSound(store, session)
  })
})

function PIXEL(): object {
  return { mimeType: 'image/gif', data: 'R0lGODlhAQABAAAAACH5BAEKAAEALAAAAAABAAEAAAICTAEAOw==' }
}

test('a document that was cut off gives what is whole, and tells where it ends', async () => {
  const text = await readFile(join(FIXTURES, 'garden.json'), 'utf8')
  const path = join(freshFolder(), 'cut.json')
  await writeFile(path, text.slice(0, text.indexOf('"Beans and corn."')))
  const { report, session } = await imported(path)
  expect(shown(await session.messages())).toEqual(PATH.slice(0, 3))
  expect(report.files[0]!.unreadable).toMatchObject([{ reason: 'not-json' }])
})

test('a document without a message makes no session', async () => {
  const path = join(freshFolder(), 'none.json')
  await writeFile(path, JSON.stringify({ ...HEADER, messages: [] }))
  await using store = await openStore(memoryBackend())
  const { files } = await importSessions(store, path)
  expect(files[0]).toMatchObject({ sessions: [], dropped: { session: { records: 1 } } })
})

/** What a user can do to a session, as the lines that Gemini CLI writes of it. */
const steps = fc.array(
  fc.oneof(
    { weight: 4, arbitrary: fc.record({ say: fc.constantFrom('a', 'b', 'c', 'd', 'e', 'f'), asks: fc.boolean() }) },
    { weight: 1, arbitrary: fc.record({ rewindTo: fc.constantFrom('a', 'b', 'c', 'd') }) },
    { weight: 1, arbitrary: fc.record({ list: fc.uniqueArray(fc.constantFrom('a', 'b', 'c', 'x')) }) },
  ),
  { maxLength: 20 },
)

test('whatever is rewound and set anew, the path is what Gemini CLI has, and copies that were cut off converge', async () => {
  await fc.assert(
    fc.asyncProperty(steps, fc.nat(), async (taken, cut): Promise<void> => {
      const list = new Map<string, string>()
      const records = taken.map((step, at) => {
        if ('rewindTo' in step) {
          const ids = [...list.keys()]
          for (const id of ids.slice(Math.max(ids.indexOf(step.rewindTo), 0))) list.delete(id)
          return { $rewindTo: step.rewindTo }
        }
        if ('list' in step) {
          list.clear()
          for (const id of step.list) list.set(id, `${id}${at}`)
          return { $set: { messages: step.list.map((id) => user(id, at + 1, `${id}${at}`)) } }
        }
        list.set(step.say, `${step.say}${at}`)
        return step.asks
          ? user(step.say, at + 1, `${step.say}${at}`)
          : { ...answer(step.say, at + 1), content: `${step.say}${at}` }
      })
      const path = await linesIn(HEADER, ...records)
      const { store, report } = await importedMaybe(path)
      const sessionId = report.files[0]?.sessions[0]?.sessionId
      if (sessionId === undefined) {
        expect(list.size).toBe(0)
        return
      }
      const session = (await store.get(sessionId))!
      const texts = (await session.messages()).map(({ parts }) => parts.map((part) => 'text' in part && part.text)[0])
      expect(texts).toEqual([...list.values()])
      await using grown = await openStore(memoryBackend())
      await importGeminiCli(grown, await linesIn(HEADER, ...records.slice(0, cut % (records.length + 1))))
      await importGeminiCli(grown, path)
      await expectSame((await grown.get(sessionId))!, session)
    }),
    { numRuns: rounds(500) },
  )
})

async function importedMaybe(path: string): Promise<{ store: Store; report: ImportReport }> {
  const store = await openStore(memoryBackend())
  return { store, report: await importGeminiCli(store, path) }
}
