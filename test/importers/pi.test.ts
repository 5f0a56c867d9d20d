/** What becomes of sessions of pi, by examples made up for it. */
import { resolve } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { memoryBackend, openStore, type Message, type Part, type Session, type Store } from '../../src/index.ts'
import { importPi, type ImportReport } from '../../src/importers/index.ts'
import { eventsOf, expectSound } from './corpus.ts'

const SESSIONS = resolve(import.meta.dirname, '../../fixtures/import/pi')

describe('sessions', () => {
  let store: Store
  let report: ImportReport
  let main: Session
  let messages: readonly Message[]
  beforeAll(async () => {
    store = await openStore(memoryBackend())
    report = await importPi(store, SESSIONS)
    main = await named('T07-00-00')
    messages = await main.messages()
  })
  afterAll(() => store.close())

  test('are a session each, sound and complete', async () => {
    expect(report.totals).toMatchObject({ files: 3, sessions: 3, malformed: 0, failures: 0 })
    expect(report.files[1]!.lines.concatenated).toBe(1)
    for (const { sessionId } of report.files.flatMap(({ sessions }) => sessions)) {
      await expectSound((await store.get(sessionId))!)
    }
  })

  test('end where their last entry is', () => {
    expect(messages.map(shown)).toEqual([
      'user: text + file',
      'assistant: reasoning + call read + call bash',
      'tool: result read',
      'tool: result bash !',
      'assistant: text',
      'user: text',
      'user: text',
      'user (user): text',
      'assistant: text',
      'user: compaction',
      'user (model): text',
      'assistant: text',
    ])
    expect(messages.at(-1)!.parts).toMatchObject([{ text: 'Framed.' }])
  })

  test('have the branch that was left, and what was said of it', async () => {
    const all = await main.messages({ all: true })
    expect(main.info.branchCount).toBe(2)
    const stopped = all.find(({ status }) => status === 'incomplete')!
    expect(stopped).toMatchObject({ finishReason: 'aborted', error: { message: 'Request was aborted' } })
    expect(messages).not.toContainEqual(stopped)
    expect(messages[6]!).toMatchObject({ metadata: { pi: { type: 'branch_summary', fromId: 'aa000008' } } })
    expect(messages[4]!).toMatchObject({ metadata: { label: 'before painting' } })
  })

  test('hand a model what pi hands it: the summary, what it keeps, what came after', async () => {
    const texts = (await main.context()).map(({ parts }) => (parts[0]?.type === 'text' ? parts[0].text : ''))
    expect(texts).toEqual([
      'A picture in red and green; yellow was wanted.',
      'Paint it yellow.',
      'Blue was tried and dropped.',
      'Yellow now.',
      'Keep it short.',
      'Framed.',
    ])
  })

  test('have usage with its cost, images and signatures', () => {
    expect(messages[1]!).toMatchObject({
      finishReason: 'tool-calls',
      usage: {
        inputTokens: 1170,
        outputTokens: 30,
        cachedInputTokens: 1000,
        cacheWriteTokens: 50,
        totalTokens: 1200,
        costUsd: 0.004,
      },
      parts: [{ signature: 'sig-1' }, {}, {}],
    })
    expect(messages[0]!.parts[1]).toMatchObject({ type: 'file', file: expect.stringMatching(/^sha256-/) as string })
    expect(messages[3]!.parts[0]).toMatchObject({
      error: { message: 'ls: no such thing' },
      metadata: { details: { exitCode: 2 } },
    })
  })

  test('keep what is no message as events', async () => {
    const types = (await eventsOf(main)).map(({ type }) => type).filter((type) => type.startsWith('pi.'))
    expect(types).toEqual([
      'pi.model_change',
      'pi.label',
      'pi.session_info',
      'pi.custom',
      'pi.context_edit',
      'pi.usage',
    ])
    expect(main.info).toMatchObject({ title: 'The picture', cwd: '/home/ada/shop', model: 'claude-sonnet-4-5' })
  })

  test('that were forked have the session they come from as parent', async () => {
    expect((await named('T08-00-00')).info).toMatchObject({ parent: { sessionId: main.id }, rootId: main.id })
  })

  test('of version 1 are a straight line, whatever their times', async () => {
    const old = await named('2025-11-03')
    const path = await old.messages()
    expect(path.map(shown)).toEqual([
      'user: text',
      'assistant: text',
      'user: text',
      'user: compaction',
      'assistant: text',
    ])
    expect(path[3]!.parts[0]).toMatchObject({ from: path[2]!.id, tokensBefore: 99 })
    const context = (await old.context()).map(({ parts }) => (parts[0]?.type === 'text' ? parts[0].text : ''))
    expect(context).toEqual(['Greetings.', 'And now?', 'Now we paint.'])
  })

  async function named(part: string): Promise<Session> {
    const file = report.files.find(({ path }) => path.includes(part))!
    return (await store.get(file.sessions[0]!.sessionId))!
  }
})

function shown({ role, audience, parts }: Message): string {
  return `${role}${audience === undefined ? '' : ` (${audience})`}: ${parts.map(partShown).join(' + ')}`
}

function partShown(part: Part): string {
  if (part.type === 'tool-call') return `call ${part.name}`
  if (part.type === 'tool-result') return `result ${part.name}${part.error === undefined ? '' : ' !'}`
  return part.type
}
