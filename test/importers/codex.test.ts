/** What becomes of rollouts of Codex, by examples made up for it. */
import { copyFile, mkdtemp, readFile, readdir, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { memoryBackend, openStore, type Message, type Part, type Session, type Store } from '../../src/index.ts'
import { importCodex, type ImportReport } from '../../src/importers/index.ts'
import { eventsOf, expectSound } from './corpus.ts'

const ROLLOUTS = resolve(import.meta.dirname, '../../fixtures/import/codex')

let folder: string
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'foldlog-codex-'))
})
afterAll(() => rm(folder, { recursive: true, force: true }))

describe('rollouts', () => {
  let store: Store
  let report: ImportReport
  let main: Session
  let messages: readonly Message[]
  beforeAll(async () => {
    store = await openStore(join(folder, 'root'), { fsync: 'never' })
    report = await importCodex(store, ROLLOUTS)
    main = await named('09-00-00')
    messages = await main.messages()
  })
  afterAll(() => store.close())

  test('are a session each, sound and complete', async () => {
    expect(report.totals).toMatchObject({ files: 4, sessions: 4, malformed: 1, failures: 0 })
    expect(report.files.flatMap(({ unreadable }) => unreadable.map(({ line, reason }) => [line, reason]))).toEqual([
      [11, 'not-json'],
    ])
    for (const { sessionId } of report.files.flatMap(({ sessions }) => sessions)) {
      await expectSound((await store.get(sessionId))!)
    }
  })

  test('are conversations in which a step is one message and its results are the next', () => {
    expect(messages.map(shown)).toEqual([
      'system: text',
      'user (model): text',
      'user: text + file',
      'assistant: reasoning + text + call shell + call shell',
      'tool: result shell + result shell !',
      'assistant: data + call apply_patch',
      'tool: result apply_patch',
      'assistant: call spawn_agent',
      'tool: result spawn_agent',
      'assistant: text',
      'user: compaction',
      'user: text',
      'assistant: text',
    ])
    expect(messages.at(-1)!.parts).toMatchObject([{ text: 'The plums are watered.' }])
  })

  test('keep what the model is given back as it was, signatures and arguments too', () => {
    const [reasoning, , , run] = messages[3]!.parts
    expect(reasoning).toMatchObject({ encrypted: 'gAAAAABopaque+reasoning/bytes==', text: '**Reading the test**' })
    expect(run).toMatchObject({ rawInput: '{"command":["npm","test"' })
    expect(messages[4]!.parts[1]).toMatchObject({ error: { message: 'arguments are no JSON' } })
    expect(messages[5]!.parts[0]).toMatchObject({ name: 'openai-responses.item', data: { type: 'web_search_call' } })
    expect(messages[5]!.parts[1]).toMatchObject({ input: expect.stringContaining('*** Begin Patch') as string })
  })

  test('have their images in the files of the store', async () => {
    const file = messages[2]!.parts[1]!
    expect(file).toMatchObject({
      type: 'file',
      mediaType: 'image/png',
      file: expect.stringMatching(/^sha256-/) as string,
    })
    const result = messages[6]!.parts[0]!
    expect(result).toMatchObject({ content: [{ text: 'Done.' }, { file: (file as { file: string }).file }] })
  })

  test('have the usage of a step at its message, and a repeated total once', () => {
    expect(messages.map(({ usage }) => usage?.totalTokens)).toEqual([
      undefined,
      undefined,
      undefined,
      1290,
      undefined,
      1620,
      undefined,
      undefined,
      undefined,
      1650,
      undefined,
      undefined,
      930,
    ])
    const facts = main.info.metadata['codex'] as { totalUsage: { total_tokens: number } }
    expect(main.info.usage.totalTokens).toBe(facts.totalUsage.total_tokens)
  })

  test('go on from before a turn that was rolled back, which stays as a branch', async () => {
    const all = await main.messages({ all: true })
    const stopped = all.find(({ parts }) => parts.some((part) => part.type === 'text' && part.text === 'Watering'))!
    expect(stopped).toMatchObject({ status: 'cancelled', statusMessage: 'interrupted' })
    expect(messages).not.toContainEqual(stopped)
    expect(main.info.branchCount).toBe(2)
  })

  test('hand a model the history that a compaction put in place of what came before', async () => {
    const context = await main.context()
    expect(context.map(({ role }) => role)).toEqual(['user', 'assistant', 'user', 'assistant'])
    expect(context[0]!.parts).toMatchObject([{ text: 'Why is the harvest test red? The screen looks like this.' }])
    expect(context[1]!.parts).toMatchObject([{ data: { type: 'compaction' } }])
  })

  test('say what they are: name, folder, models, git', () => {
    expect(main.info).toMatchObject({
      title: 'Red harvest test',
      cwd: '/home/ada/orchard',
      model: 'gpt-5.4',
      provider: 'openai',
    })
    expect(main.info.preview).toBe('Why is the harvest test red? The screen looks like this.')
    expect(main.info.metadata['codex']).toMatchObject({
      models: ['gpt-5.3-codex', 'gpt-5.4'],
      turns: 3,
      git: { branch: 'main' },
    })
  })

  test('of forks and sub-agents are children of the session they come from, at the call where there is one', async () => {
    const [fork, agent] = [await named('10-00-00'), await named('09-02-00')]
    expect(fork.info).toMatchObject({ parent: { sessionId: main.id }, rootId: main.id })
    const caller = messages.find(({ parts }) =>
      parts.some((part) => part.type === 'tool-call' && part.callId === 'call_spawn'),
    )!
    expect(agent.info).toMatchObject({
      parent: { sessionId: main.id, messageId: caller.id, callId: 'call_spawn' },
      rootId: main.id,
    })
    expect((await agent.messages())[0]).toMatchObject({ author: '/root', to: '/root/counter' })
  })

  test('find their parent by its id alone, where that holds a time', async () => {
    await using other = await openStore(memoryBackend())
    const path = report.files.find(({ path: each }) => each.includes('10-00-00'))!.path
    const { sessionId } = (await importCodex(other, path)).files[0]!.sessions[0]!
    expect((await other.get(sessionId))!.info.parent).toEqual({ sessionId: main.id })
  })

  test('without envelopes and times come in their order', async () => {
    const old = await named('2025-05-02')
    const path = await old.messages()
    expect(path.map(shown)).toEqual([
      'user: text',
      'assistant: reasoning + call shell',
      'tool: result shell',
      'assistant: text',
    ])
    expect(old.info.source!.id).toBe('7b0e4f0e-9a51-4c3b-8d1f-2a017b1c520e')
  })

  test('lose nothing silently: every record is kept, merged or dropped with a reason', () => {
    const { dropped, merged, droppedFields } = report.files.find(({ path }) => path.includes('09-00-00'))!
    expect(Object.fromEntries(Object.entries(dropped).map(([type, { records }]) => [type, records]))).toEqual({
      'event_msg/agent_message': 2,
      'event_msg/agent_reasoning': 1,
      'event_msg/context_compacted': 1,
      'event_msg/exec_command_end': 1,
      'event_msg/token_count': 1,
      'event_msg/user_message': 3,
      'repeat:event_msg/token_count': 1,
      turn_context: 2,
    })
    expect(merged['event_msg/token_count']!.records).toBe(5)
    expect(Object.keys(droppedFields)).toEqual(['images', 'last_agent_message', 'rate_limits'])
  })

  async function named(part: string): Promise<Session> {
    const file = report.files.find(({ path }) => path.includes(part))!
    return (await store.get(file.sessions[0]!.sessionId))!
  }
})

describe('a rollout', () => {
  const MAIN = join(ROLLOUTS, '2026/04/07')

  test('of a text that only the user interface was told keeps it as an event', async () => {
    const path = join(folder, 'lonely.jsonl')
    const line = (payload: object): string =>
      JSON.stringify({ timestamp: '2026-04-07T09:00:00.000Z', type: 'event_msg', payload })
    await writeFile(path, `${line({ type: 'agent_message', message: 'Nobody else says so.' })}\n`)
    await using store = await openStore(memoryBackend())
    const report = await importCodex(store, path)
    const [event] = (await eventsOf((await store.get(report.files[0]!.sessions[0]!.sessionId))!)).filter(
      ({ type }) => type === 'codex.agent_message',
    )
    expect(event!.data).toMatchObject({ message: 'Nobody else says so.' })
  })

  test('that has grown adds only what is new', async () => {
    const path = join(folder, 'growing.jsonl')
    const [name] = (await readdir(MAIN)).filter((each) => each.includes('09-00-00'))
    const lines = (await readFile(join(MAIN, name!), 'utf8')).split('\n')
    await using store = await openStore(memoryBackend())
    await writeFile(path, `${lines.slice(0, 20).join('\n')}\n`)
    const begun = await importCodex(store, path)
    await copyFile(join(MAIN, name!), path)
    const whole = await importCodex(store, path)
    // All but the line that says where the shorter one ended.
    expect(whole.totals.known).toBe(begun.totals.added - 1)
    expect((await store.list()).items).toHaveLength(1)
  })
})

function shown({ role, audience, parts }: Message): string {
  return `${role}${audience === undefined ? '' : ` (${audience})`}: ${parts.map(partShown).join(' + ')}`
}

function partShown(part: Part): string {
  if (part.type === 'tool-call') return `call ${part.name}`
  if (part.type === 'tool-result') return `result ${part.name}${part.error === undefined ? '' : ' !'}`
  return part.type
}
