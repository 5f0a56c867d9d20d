/** The opencode importer on made-up sessions (`fixtures/import/opencode`), read through the public API. */
import { cp, mkdir, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { importOpencode, importSessions, type ImportReport } from '../../src/importers/index.ts'
import { memoryBackend, openStore, type Message, type Session, type Store } from '../../src/index.ts'
import { freshFolder, freshStore } from '../support/store.ts'
import { bytesBelow, expectSound, shown } from './soundness.ts'

const FIXTURES = join(import.meta.dirname, '../../fixtures/import/opencode')
const EXPORT = join(FIXTURES, 'export/quiet-kettle.json')
const SESSION = 'ses_1e5f3fffeKettleSession01'
const CHILD = 'ses_1e5f3fffdKettleSearch01'
const SESSION_FILE = `storage/session/5f1d/${SESSION}.json`

interface Imported {
  readonly store: Store
  readonly report: ImportReport
  readonly session: (sourceId: string) => Promise<Session>
}

/** Imports into a store of its own. */
async function imported(...paths: string[]): Promise<Imported> {
  const store = await openStore(memoryBackend())
  const report = await importSessions(store, paths)
  return { store, report, session: (sourceId) => sessionOf(store, sourceId) }
}

async function sessionOf(store: Store, sourceId: string): Promise<Session> {
  const { items } = await store.list({ archived: 'all' })
  const found = items.find(({ source }) => source?.id === sourceId)
  expect(found, sourceId).toBeDefined()
  return (await store.get(found!.id))!
}

/** The storage tree, to be changed. */
async function tree(): Promise<string> {
  const folder = freshFolder()
  await cp(join(FIXTURES, 'storage'), join(folder, 'storage'), { recursive: true })
  return folder
}

function messageFile(folder: string, n: number): string {
  return join(folder, 'storage/message', SESSION, `msg_e1a0c000000${n}KettleBoils.json`)
}

function partFile(folder: string, message: number, n: number): string {
  const name = String(n).padStart(4, '0')
  return join(folder, 'storage/part', `msg_e1a0c000000${message}KettleBoils`, `prt_e1a0c000${name}KettleBoils.json`)
}

const WHOLE = [
  'user: The timer in the photo r + <image/png> + <text/plain> + <file>\nconst tick = 999\n + [opencode.text] + [opencode.summary]',
  'assistant: [opencode.step-start] + (thinks) + bash() + => bash + edit() + => edit failed + task() + => task + read() + => read + [opencode.step-finish] + [opencode.patch]',
  'assistant: [opencode.step-start]',
  'user: [opencode.compaction]',
  'assistant: [opencode.step-start] + summary The kettle timer ticks e',
  'user: Then write 1000.',
  'assistant: On it. + edit() + bash()',
]

describe('an exported session', () => {
  test('becomes messages in the order of their ids, with what each part has to say', async () => {
    const { store, report, session } = await imported(EXPORT)
    const own = await session(SESSION)
    expect(shown(await own.messages())).toEqual(WHOLE)
    expect(own.info).toMatchObject({
      title: 'Kettle timer drifts',
      cwd: '/home/sam/kettle',
      model: 'claude-sonnet-4-5',
      provider: 'anthropic',
      turnCount: 3,
      branchCount: 1,
      metadata: { opencode: { slug: 'quiet-kettle', version: '1.2.5', projectID: '5f1d' } },
    })
    expect(report.files[0]).toMatchObject({
      recordsByType: { session: 1, 'message:user': 3, 'message:assistant': 4, 'part:tool': 6 },
      droppedFields: {
        'state.metadata.output': { records: 1 },
        'summary.diffs.before, after': { records: 1 },
      },
    })
    await expectSound(store, own)
  })

  test('has the times of the source, to the millisecond', async () => {
    const { session } = await imported(EXPORT)
    const own = await session(SESSION)
    const began = Date.UTC(2026, 5, 1, 8)
    const [question, answer] = await own.messages()
    expect(question!.time.created - began).toBe(10)
    expect(answer!.time).toEqual({ created: began + 20, updated: began + 9000 })
    const times: number[] = []
    for await (const { time } of own.events()) times.push(Date.parse(time) - began)
    expect(times.slice(0, 5)).toEqual([0, 10, 10, 20, 9000])
  })

  test('puts images into files, and keeps what lies elsewhere by its URL', async () => {
    const store = await freshStore()
    await importOpencode(store, EXPORT)
    const messages = await (await sessionOf(store, SESSION)).messages()
    const [image, text] = messages[0]!.parts.filter((part) => part.type === 'file')
    expect(image).toMatchObject({ mediaType: 'image/png', name: 'kettle.png', file: expect.stringMatching(/^sha256-/) })
    expect(text).toMatchObject({
      mediaType: 'text/plain',
      name: 'timer.ts',
      url: 'file:///home/sam/kettle/timer.ts',
      metadata: { source: { path: 'timer.ts' } },
    })
    const read = messages[1]!.parts.findLast((part) => part.type === 'tool-result')!
    expect(read.content).toMatchObject([
      { type: 'text', text: 'Image read successfully' },
      { type: 'file', mediaType: 'image/png', file: (image as { file: string }).file },
    ])
    for await (const found of store.fsckFiles()) expect(found).toBeUndefined()
  })

  test('tells what opencode made by itself from what was typed, and what was sent from what was shown', async () => {
    const { session } = await imported(EXPORT)
    const own = await session(SESSION)
    const { parts } = (await own.messages())[0]!
    expect(parts[3]).toMatchObject({ type: 'text', metadata: { synthetic: true } })
    expect(parts[4]).toMatchObject({
      type: 'data',
      data: { text: 'Images are shown to the user only.', ignored: true },
    })
    expect(parts[5]).toMatchObject({
      data: { title: 'Kettle timer drifts', diffs: [{ file: 'timer.ts', additions: 1, deletions: 1 }] },
    })
    expect(JSON.stringify(parts)).not.toContain('const tick = 1000')
  })

  test('has calls and results of one answer in it, whatever became of them', async () => {
    const { session } = await imported(EXPORT)
    const messages = await (await session(SESSION)).messages()
    const [bash, edit] = messages[1]!.parts.filter((part) => part.type === 'tool-result')
    expect(bash).toMatchObject({
      callId: 'toolu_01',
      title: 'cat timer.ts',
      output: 'const tick = 999',
      metadata: { metadata: { exit: 0 }, time: { end: Date.UTC(2026, 5, 1, 8, 0, 3, 100) } },
    })
    expect(edit).toMatchObject({ callId: 'toolu_02', error: { message: 'Error: oldString not found in content' } })
    expect(messages[1]!.parts[2]).toMatchObject({ providerMetadata: { anthropic: { caller: 'direct' } } })
    const last = messages.at(-1)!
    expect(last.status).toBe('incomplete')
    expect(last.parts.slice(1)).toMatchObject([
      { type: 'tool-call', callId: 'toolu_05', status: 'in_progress', input: { oldString: '999' } },
      { type: 'tool-call', callId: 'toolu_06', status: 'pending', rawInput: '{"command":"npm te' },
    ])
  })

  test('counts tokens as foldlog does, and keeps how opencode counted them where that is another number', async () => {
    const { session } = await imported(EXPORT)
    const own = await session(SESSION)
    const messages = await own.messages()
    expect(messages[1]).toMatchObject({
      finishReason: 'tool-calls',
      usage: {
        inputTokens: 1300,
        outputTokens: 230,
        reasoningTokens: 30,
        cachedInputTokens: 250,
        cacheWriteTokens: 50,
        totalTokens: 1530,
        costUsd: 0.0123,
      },
      metadata: { tokens: { output: 200 } },
    })
    expect(messages[4]!.metadata?.['tokens']).toBeUndefined()
    expect(own.info.usage.costUsd).toBeCloseTo(0.0163, 6)
  })

  test('shows an answer that failed to the user only', async () => {
    const { session } = await imported(EXPORT)
    const failed = (await (await session(SESSION)).messages())[2]!
    expect(failed).toMatchObject({
      status: 'incomplete',
      audience: 'user',
      error: { message: 'Overloaded', code: 'APIError' },
      metadata: { error: { statusCode: 529, isRetryable: true } },
    })
  })

  test('gives a model what opencode would: the summary of a compaction for what came before it', async () => {
    const { session } = await imported(EXPORT)
    const context = await (await session(SESSION)).context()
    const texts = context.flatMap(({ parts }) => parts.flatMap((part) => ('text' in part ? [part.text] : [])))
    expect(texts.join('\n')).toContain('The kettle timer ticks every 999 ms.')
    expect(texts.join('\n')).not.toContain('The timer in the photo runs late.')
    expect(texts).toContain('Then write 1000.')
  })

  test('keeps the messages that a compaction says are kept besides its summary', async () => {
    const folder = freshFolder()
    const document = JSON.parse(await readFile(EXPORT, 'utf8')) as { messages: Stored[] }
    Object.assign(document.messages[3]!.parts[0]!, { tail_start_id: document.messages[1]!.info.id })
    const path = join(folder, 'tail.json')
    await writeFile(path, JSON.stringify(document))
    const { session } = await imported(path)
    const own = await session(SESSION)
    const messages = await own.messages()
    expect(messages[4]!.parts[1]).toMatchObject({ type: 'compaction', from: messages[1]!.id })
    const context = await own.context()
    expect(context.some(({ id }) => id === messages[1]!.id)).toBe(true)
    expect(context.some(({ id }) => id === messages[0]!.id)).toBe(false)
  })

  test('ends where it was undone to; what was undone stays off the path', async () => {
    const path = join(freshFolder(), 'undone.json')
    const document = JSON.parse(await readFile(EXPORT, 'utf8')) as {
      info: { time: { updated: number } }
      messages: Stored[]
    }
    const { info, messages } = document
    const { store, session } = await imported(EXPORT)
    const own = await session(SESSION)
    // Undone to a question, to its beginning, and done again: each is a change of the session.
    for (const [at, revert, count] of [
      [1, { messageID: messages[5]!.info.id }, 5],
      [2, { messageID: messages[0]!.info.id }, 0],
      [3, { messageID: messages[1]!.info.id, partID: 'prt_e1a0c0000008KettleBoils' }, 2],
      [4, undefined, 7],
    ] as const) {
      const time = { ...info.time, updated: info.time.updated + at }
      await writeFile(path, JSON.stringify({ info: { ...info, time, revert }, messages }))
      await importOpencode(store, path)
      expect(shown(await own.messages())).toEqual(WHOLE.slice(0, count))
      expect(shown(await own.messages({ all: true }))).toEqual(WHOLE)
      const { session: alone } = await imported(path)
      expect(shown(await (await alone(SESSION)).messages())).toEqual(WHOLE.slice(0, count))
    }
    await expectSound(store, own)
  })

  test('that was cut off gives what is whole, and tells where it ends', async () => {
    const folder = freshFolder()
    const text = await readFile(EXPORT, 'utf8')
    for (const share of [0.3, 0.6, 0.95]) {
      const path = join(folder, 'cut.json')
      await writeFile(path, text.slice(0, Math.floor(text.length * share)))
      const { store, report, session } = await imported(path)
      const [file] = report.files
      expect(file!.unreadable).toHaveLength(1)
      expect(file!.unreadable[0]!.reason).toBe('not-json')
      const messages = await (await session(SESSION)).messages()
      expect(messages.length).toBeGreaterThan(0)
      expect(shown(messages).slice(1)).toEqual(WHOLE.slice(1, messages.length))
      await importOpencode(store, EXPORT)
      expect(shown(await (await session(SESSION)).messages())).toEqual(WHOLE)
    }
  })
})

interface Stored {
  readonly info: { readonly id: string }
  readonly parts: object[]
}

describe('a storage tree', () => {
  test('gives the same bytes as the export', async () => {
    const places: Map<string, string>[] = []
    for (const source of [EXPORT, join(FIXTURES, SESSION_FILE)]) {
      const place = freshFolder()
      await using store = await openStore(place)
      await importOpencode(store, source)
      places.push(await bytesBelow(place))
    }
    expect(places[1]).toEqual(places[0])
  })

  test('has sub-sessions, which know the message and the call that began them', async () => {
    const { store, report, session } = await imported(join(FIXTURES, 'storage'))
    expect(report.totals).toMatchObject({ files: 2, sessions: 2, malformed: 0, unknown: 0 })
    const parent = await session(SESSION)
    const child = await session(CHILD)
    const caller = (await parent.messages())[1]!
    expect(child.info.parent).toEqual({ sessionId: parent.id, messageId: caller.id, callId: 'toolu_03' })
    expect(child.info.rootId).toBe(parent.id)
    expect(shown(await child.messages())).toEqual(['user: Where is tick used?', 'assistant: Only in timer.ts.'])
    await expectSound(store, child)
  })

  test('links a sub-session whose call is not there to its parent alone', async () => {
    const folder = await tree()
    await rm(partFile(folder, 2, 10))
    const { session } = await imported(folder)
    expect((await session(CHILD)).info.parent).toEqual({ sessionId: (await session(SESSION)).id })
  })

  test('tells files that cannot be read by their paths, and takes all the others', async () => {
    const folder = await tree()
    await writeFile(partFile(folder, 2, 7), '{"id":"prt_e1a0')
    await writeFile(partFile(folder, 6, 18), '[]')
    await writeFile(messageFile(folder, 3), Buffer.from([0x7b, 0xff, 0x7d]))
    const { store, report, session } = await imported(folder)
    const { unreadable, dropped, lines } = report.files.find(({ path }) => path.endsWith(`${SESSION}.json`))!
    expect(unreadable.map(({ path, reason }) => [path, reason])).toEqual([
      [partFile(folder, 2, 7), 'not-json'],
      [messageFile(folder, 3), 'not-utf8'],
      [partFile(folder, 6, 18), 'not-an-object'],
    ])
    expect(lines.malformed).toBe(3)
    expect(dropped).toEqual({ part: { records: 1, reason: 'its message cannot be read' } })
    const own = await session(SESSION)
    expect(shown(await own.messages())).toEqual([
      WHOLE[0],
      WHOLE[1]!.replace('(thinks) + ', ''),
      ...WHOLE.slice(3, 5),
      'user: ',
      WHOLE[6],
    ])
    await expectSound(store, own)
    // Once they can be read, what they hold is there too.
    await importOpencode(store, join(FIXTURES, 'storage'))
    expect((await own.messages({ all: true })).length).toBe(WHOLE.length)
  })

  test('is imported also where what a session is cannot be read', async () => {
    const folder = await tree()
    await writeFile(join(folder, SESSION_FILE), '')
    const { report, session } = await imported(folder)
    expect(report.files.flatMap(({ unreadable }) => unreadable.map(({ reason }) => reason))).toEqual(['not-json'])
    expect(shown(await (await session(SESSION)).messages())).toEqual(WHOLE)
  })

  test('is found by any of its files', async () => {
    const folder = await tree()
    for (const path of [messageFile(folder, 6), partFile(folder, 6, 18)]) {
      const { report, session } = await imported(path)
      expect(report.files.map((file) => file.path)).toEqual([join(folder, SESSION_FILE)])
      expect(shown(await (await session(SESSION)).messages())).toEqual(WHOLE)
    }
  })

  test('tells messages whose session is not there', async () => {
    const folder = await tree()
    await rm(join(folder, SESSION_FILE))
    const { report } = await imported(folder)
    const orphans = report.files.filter(({ sessions }) => sessions.length === 0)
    expect(orphans).toHaveLength(1)
    expect(orphans[0]!.dropped).toEqual({
      message: { records: 7, reason: 'its session is not in the storage' },
      part: { records: 21, reason: 'its session is not in the storage' },
    })
  })

  test('says how far it is by all its files', async () => {
    await using store = await openStore(memoryBackend())
    const seen: number[] = []
    let files = 0
    await importOpencode(store, join(FIXTURES, 'storage'), {
      onProgress: (progress) => {
        seen.push(progress.done)
        files = progress.files
      },
    })
    const all = await readdir(join(FIXTURES, 'storage'), { recursive: true, withFileTypes: true })
    expect(files).toBe(all.filter((entry) => entry.isFile()).length)
    expect(seen).toEqual(Array.from({ length: files }, (_, at) => at + 1))
  })

  test('that goes on only adds to its session', async () => {
    const folder = await tree()
    const { store, session } = await imported(folder)
    const own = await session(SESSION)
    const before: string[] = []
    for await (const { id } of own.events()) before.push(id)
    // The tool ends, and so does the answer.
    const part = partFile(folder, 7, 20)
    const tool = JSON.parse(await readFile(part, 'utf8')) as { state: object }
    const end = Date.UTC(2026, 5, 1, 8, 0, 40)
    const state = { ...tool.state, status: 'completed', output: 'Done', time: { start: end - 8000, end: end - 1 } }
    await writeFile(part, JSON.stringify({ ...tool, state }))
    const info = JSON.parse(await readFile(messageFile(folder, 7), 'utf8')) as { time: object }
    const time = { ...info.time, completed: end }
    await writeFile(messageFile(folder, 7), JSON.stringify({ ...info, time, finish: 'stop' }))
    await importOpencode(store, folder)
    const ids: string[] = []
    for await (const { id } of own.events()) ids.push(id)
    expect(ids).toEqual(expect.arrayContaining(before))
    const last = (await own.messages()).at(-1) as Message
    expect(last).toMatchObject({ status: 'completed', finishReason: 'stop', time: { updated: end } })
    expect(last.parts.map(({ type }) => type)).toEqual(['text', 'tool-call', 'tool-result', 'tool-call'])
    await using fresh = await openStore(memoryBackend())
    await importOpencode(fresh, folder)
    expect(await (await sessionOf(fresh, SESSION)).messages()).toEqual(await own.messages())
    await expectSound(store, own)
  })
})

describe('captured events', () => {
  const CAPTURE = join(FIXTURES, 'events/loud-kettle.jsonl')
  const ID = 'ses_1e5f3fffcKettleEvents01'

  test('give the state after all of them, whatever envelope they are in', async () => {
    const { store, report, session } = await imported(CAPTURE)
    const own = await session(ID)
    expect(own.info).toMatchObject({ title: 'Boiling twice', cwd: '/home/sam/kettle' })
    expect(shown(await own.messages({ all: true }))).toEqual(['user: Boil it twice.', 'assistant: First boil done'])
    expect(report.files[0]).toMatchObject({
      recordsByType: { 'message.part.delta': 3, 'message.removed': 1, 'session.created': 1 },
      dropped: {
        message: { records: 1 },
        part: { records: 1 },
        'session.status': { records: 1 },
        'message.part.delta': { records: 1 },
      },
      merged: { delta: { records: 2 }, session: { records: 1 } },
    })
    await expectSound(store, own)
  })

  test('of a session that was deleted give an archived one', async () => {
    const path = join(freshFolder(), 'deleted.jsonl')
    const text = await readFile(CAPTURE, 'utf8')
    const deleted = { type: 'session.deleted', properties: { info: { id: ID, time: { created: 0 } }, sessionID: ID } }
    await writeFile(path, `${text}${JSON.stringify(deleted)}\n`)
    const { session } = await imported(path)
    const own = await session(ID)
    expect(own.info.time.archived).toBeDefined()
    expect(own.info.metadata).toMatchObject({ opencode: { deleted: true } })
  })
})

test('neither a broken line nor a document of another kind stops an import', async () => {
  const folder = freshFolder()
  await mkdir(join(folder, 'deep'))
  await cp(EXPORT, join(folder, 'deep/quiet-kettle.json'))
  await writeFile(join(folder, 'package.json'), '{"name":"kettle"}')
  await writeFile(join(folder, 'empty.json'), '')
  const { report } = await imported(folder)
  expect(report.totals).toMatchObject({ sessions: 1, unknown: 2, failures: 0 })
  expect(report.files.map(({ path }) => dirname(path))).toEqual([join(folder, 'deep')])
})
