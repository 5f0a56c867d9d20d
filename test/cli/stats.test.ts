import { writeFileSync } from 'node:fs'
import * as fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { bar, histogram, sparkline } from '../../src/cli/bars.ts'
import { shortCost } from '../../src/cli/text.ts'
import { localDate } from '../../src/cli/time.ts'
import { encodeLine } from '../../src/line.ts'
import { eventId, line } from '../support/events.ts'
import { damage, fileOf, freshStore, run, temp } from './run.ts'

/** Two sessions in two namespaces, with models, tools and costs. */
async function two() {
  const { root, store } = await freshStore()
  const session = await store.create({ id: 'refund', title: 'Refund', model: 'small' })
  await session.add([
    { text: 'Where is it?' },
    {
      role: 'assistant',
      usage: { inputTokens: 3000, outputTokens: 100, cachedInputTokens: 1000, costUsd: 0.25 },
      parts: [
        { type: 'tool-call', callId: 'a', name: 'find', input: {} },
        { type: 'tool-call', callId: 'b', name: 'find', input: {} },
        { type: 'tool-call', callId: 'c', name: 'bank', input: {} },
      ],
    },
    {
      role: 'tool',
      parts: [
        { type: 'tool-result', callId: 'a', name: 'find', output: 1 },
        { type: 'tool-result', callId: 'b', name: 'find', status: 'failed' },
        { type: 'tool-result', callId: 'c', name: 'bank', error: { message: 'timeout' } },
      ],
    },
    { role: 'assistant', model: 'large', text: 'Sent.', usage: { inputTokens: 500, outputTokens: 5 } },
  ])
  const other = await store.namespace('work').create({ title: 'Other', archived: true })
  await other.add([{ text: 'Hi' }, { role: 'assistant', text: 'Hello', usage: { totalTokens: 10 } }])
  return { root, store, session, other }
}

async function json(root: string, ...args: string[]): Promise<unknown[]> {
  const { stdout } = await run(['stats', '--json', '--root', root, ...args])
  return stdout === ''
    ? []
    : stdout
        .trimEnd()
        .split('\n')
        .map((line) => JSON.parse(line) as unknown)
}

test('without an id all sessions are counted, archived ones too', async () => {
  const { root } = await two()
  expect(await json(root)).toEqual([
    {
      namespaces: ['default', 'work'],
      sessionCount: 2,
      messageCount: 6,
      inputTokens: 3500,
      cachedInputTokens: 1000,
      outputTokens: 105,
      totalTokens: 3615,
      costUsd: 0.25,
      running: 0,
      awaiting: 0,
      failed: 0,
      archived: 1,
      damaged: 0,
    },
  ])
  const { stdout, stderr } = await run(['stats', '--root', root])
  expect(stdout).toContain('sessions  2 · 2 namespaces · 1 archived\nmessages  6 · 2 turns\n')
  expect(stdout).toContain('tokens    3.6k · 3.5k in (1.0k cached) · 105 out\ncost      $0.25\n')
  expect(stdout).toMatch(/^activity {2}▁{29}█ {2}2 sessions in the last 30 days$/m)
  expect(stdout).toMatch(/^largest {3}Refund {4}3\.6k {2}█+\n {10}Other {7}10 {2}▏$/m)
  expect(stderr).toContain(`foldlog stats --by model --root ${root}`)
  expect(await json(root, '-n', 'work')).toMatchObject([{ sessionCount: 1, totalTokens: 10 }])
})

describe('--by makes a row', () => {
  test('for each session and namespace', async () => {
    const { other, root } = await two()
    expect(await json(root, '--by', 'session')).toMatchObject([
      { namespace: 'default', sessionId: 'refund', title: 'Refund', messageCount: 4, totalTokens: 3605 },
      { namespace: 'work', sessionId: other.id, messageCount: 2, totalTokens: 10 },
    ])
    expect(await json(root, '--by', 'namespace', '--limit', '1')).toMatchObject([{ namespace: 'default' }])
    const { stdout } = await run(['stats', '--by', 'session', '--root', root])
    expect(stdout).toMatch(/^ID +SESSION +MSGS +INPUT +OUTPUT +COST\nrefund +Refund +4 +3\.5k +105 +\$0\.25 {2}█/)
  })

  test('for each model, with the messages that models wrote', async () => {
    const { root } = await two()
    expect(await json(root, '--by', 'model')).toMatchObject([
      { model: 'small', messageCount: 1, totalTokens: 3100, costUsd: 0.25 },
      { model: 'large', messageCount: 1, totalTokens: 505, costUsd: 0 },
      { model: '', messageCount: 1, totalTokens: 10 },
    ])
    expect((await run(['stats', '--by', 'model', '--root', root])).stdout).toContain('(no model)')
  })

  test('for each tool, with calls that failed', async () => {
    const { root } = await two()
    expect(await json(root, '--by', 'tool')).toEqual([
      { tool: 'find', callCount: 2, failedCount: 1, medianMs: expect.any(Number) as number },
      { tool: 'bank', callCount: 1, failedCount: 1, medianMs: expect.any(Number) as number },
    ])
    const { stdout } = await run(['stats', '--by', 'tool', '--root', root])
    expect(stdout).toMatch(/^TOOL +CALLS +FAILED +MEDIAN\nfind +2 +1 ✗ +- {2}█+\nbank /)
  })

  test('for each local day, with what tools did below', async () => {
    const { root, session } = await two()
    const day = localDate(session.info.time.updated)
    const { stdout } = await run(['stats', '--by', 'day', '--root', root])
    expect(stdout).toMatch(/^DAY +SESSIONS +MSGS +INPUT +OUTPUT +COST\n/)
    expect(stdout.split('\n')[1]).toMatch(new RegExp(`^${day} +2 +6 +3\\.5k +105 +\\$0\\.25 {2}█+$`))
    expect(stdout.split('\n')[2]).toBe('tools     find 2 (1 ✗) · bank 1 (1 ✗)')
    expect(await json(root, 'refund', '--by', 'day')).toMatchObject([{ day, sessionCount: 1, messageCount: 4 }])
  })
})

test('--since counts messages since then, by day unless --by is given', async () => {
  const { root, session } = await two()
  expect(await json(root, '--since', '1h')).toMatchObject([{ messageCount: 6 }])
  expect(await json(root, '--since', '0s', '--by', 'session')).toEqual([])
  const last = new Date(session.info.time.updated).toISOString()
  expect(await json(root, 'refund', '--since', last, '--by', 'namespace')).toMatchObject([{ namespace: 'default' }])
  expect((await run(['stats', '--since', 'soon', '--root', root])).code).toBe(2)
})

test('one session is counted with its roles, models and tools', async () => {
  const { root } = await two()
  const { stdout } = await run(['stats', 'ref', '--root', root])
  expect(stdout.split('\n\n')[1]).toBe(
    'messages  4 · user 1 · assistant 2 · tool 1\nturns     1\n' +
      'tokens    3.6k · 3.5k in (1.0k cached) · 105 out\ncost      $0.25\n' +
      'models    small 1 (3.1k tokens) · large 1 (505 tokens)\ntools     find 2 (1 ✗) · bank 1 (1 ✗)\n',
  )
  expect(await json(root, 'refund')).toMatchObject([
    {
      sessionId: 'refund',
      roles: { user: 1, assistant: 2, tool: 1 },
      models: [{ model: 'small' }, {}],
      tools: [{}, {}],
    },
  ])
})

test('nothing to count, what is not known and damage end as they do elsewhere', async () => {
  const { root, store } = await freshStore()
  const empty = await temp()
  expect(await run(['stats', '--root', empty])).toEqual({ code: 0, stdout: '', stderr: `no sessions in ${empty}\n` })
  expect((await run(['stats', '--by', 'day', '--root', empty])).stderr).toBe('nothing to count\n')
  const session = await store.create()
  expect((await run(['stats', '--root', root])).stdout).toContain('sessions  1\nmessages  0 · 0 turns\n')
  expect(await run(['stats', '--by', 'mood', '--root', root])).toMatchObject({ code: 2, stdout: '' })
  await damage(root, session.id)
  expect(await run(['stats', session.id, '--root', root])).toMatchObject({ code: 3 })
  for (const args of [[], ['--by', 'session'], ['--by', 'day'], ['--since', '1h'], ['--json']]) {
    const { code, stderr } = await run(['stats', ...args, '--root', root])
    expect(stderr).toContain(`1 damaged piece in 1 log; all the rest counts:\n  foldlog fsck --root ${root}\n`)
    expect(code).toBe(3)
  }
  expect(await run(['stats', '--by', 'day', '--since', '0s', '--root', root])).toMatchObject({ code: 0 })
})

test('what has no time is of no day, and a cost that nobody wrote is none', async () => {
  const { root, store } = await freshStore()
  const line = { v: 1, id: '00000000000000000000000001', time: '1970-01-01T00:00:00.000Z' }
  const usage = { inputTokens: 1, outputTokens: 1 }
  const data = { id: line.id, turnId: line.id, role: 'assistant', parts: [], status: 'completed', usage }
  await (await store.create({ id: 'paid' })).add({ role: 'assistant', text: 'Hi', usage: { ...usage, costUsd: 1 } })
  await (await store.create({ id: 'free' })).add({ role: 'assistant', text: 'Hi', usage: { ...usage, costUsd: 0 } })
  writeFileSync(fileOf(root, 'timeless'), `${JSON.stringify({ ...line, type: 'message.created', data })}\n`)
  const { stdout } = await run(['stats', '--by', 'day', '--root', root])
  expect(stdout.split('\n')[1]).toMatch(/^\(no day\) +1 +1 +1 +1 +- /)
  const sessions = (await run(['stats', '--by', 'session', '--root', root])).stdout
  expect(sessions).toMatch(/^paid .*\$1\.00/m)
  expect(sessions).toMatch(/^free .*\$0\.00/m)
  expect(sessions).toMatch(/^timeless .* - /m)
  for (const verb of ['ls', 'show', 'stats', 'tree', 'log']) {
    const shown = await run([verb, ...(verb === 'ls' ? [] : ['timeless']), '--root', root])
    expect(shown).toMatchObject({ code: 0 })
    expect(shown.stdout, verb).not.toContain('1970')
  }
})

describe('bars', () => {
  test('a bar is never wider than it may be, and nothing but nothing is empty', () => {
    fc.assert(
      fc.property(fc.nat(), fc.nat(), fc.integer({ min: 1, max: 60 }), (value, most, width) => {
        const drawn = bar(value, most, width)
        expect(drawn.length).toBeLessThanOrEqual(width)
        expect(drawn === '').toBe(value === 0 || most === 0)
      }),
    )
    expect([1, 2, 4, 8].map((value) => bar(value, 8, 2))).toEqual(['▎', '▌', '█', '██'])
  })

  test('a sparkline is lowest for nothing alone', () => {
    expect(sparkline([0, 1, 50, 100])).toBe('▁▂▅█')
    expect(sparkline([0, 0])).toBe('▁▁')
    expect(histogram([0, 1, 9, 10, 11], 0, 10, 2)).toEqual([2, 2])
    expect(histogram([5], 5, 5, 3)).toEqual([1, 0, 0])
  })

  test('costs have as many digits as they need', () => {
    expect([0, 0.004, 0.31, 12.3, 1240].map(shortCost)).toEqual(['$0.00', '$0.004', '$0.31', '$12.30', '$1,240'])
  })
})

test('a session of more messages than a call takes arguments is counted', async () => {
  const { root, store } = await freshStore()
  await store.create({ id: 'long' })
  await store.close()
  const lines = Array.from({ length: 130_000 }, (_, at) => {
    const id = eventId(at)
    return line(id, 'message.created', { id, turnId: id, role: 'user', status: 'completed', parts: [] })
  })
  writeFileSync(fileOf(root, 'long'), lines.map((each) => `${encodeLine(each)}\n`).join(''))
  const { code, stdout } = await run(['stats', 'long', '--root', root])
  expect(code).toBe(0)
  expect(stdout).toContain('130,000')
})
