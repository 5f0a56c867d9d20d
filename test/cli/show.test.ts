import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { damage, fileOf, freshStore, run } from './run.ts'

/** A conversation with tools and two answers. */
async function refund() {
  const { root, store } = await freshStore()
  const session = await store.create({ title: 'Refund #4411', model: 'gpt-5-mini' })
  const question = await session.add({ text: 'Where is my refund?' })
  await session.add({
    role: 'assistant',
    text: 'Let me look that up.',
    parts: [
      { type: 'reasoning', text: 'They want their money.' },
      { type: 'tool-call', callId: 'c1', name: 'find_order', input: { id: 4411 } },
      { type: 'tool-call', callId: 'c2', name: 'bank_status', input: { order: 4411 } },
      { type: 'tool-call', callId: 'c3', name: 'never_answered', input: {} },
    ],
  })
  await session.add({
    role: 'tool',
    parts: [{ type: 'tool-result', callId: 'c1', name: 'find_order', output: 'PAID' }],
  })
  await session.add({
    role: 'tool',
    parts: [{ type: 'tool-result', callId: 'c2', name: 'bank_status', error: { message: 'timeout' } }],
  })
  const today = await session.add({ role: 'assistant', text: 'It was sent today.' })
  const yesterday = await session.branch(today.id, { text: 'It was sent yesterday.' })
  return { root, store, session, question, today, yesterday }
}

test('a conversation is text, with each tool call on one line and its result beside it', async () => {
  const { root, today } = await refund()
  const { code, stdout, stderr } = await run(['show', '--root', root])
  expect(code).toBe(0)
  const [title, , facts, , ...lines] = stdout.trimEnd().split('\n')
  expect(title).toBe('Refund #4411')
  expect(facts).toContain('gpt-5-mini')
  expect(lines.map((line) => line.replaceAll(/ {2,}/g, '  '))).toEqual([
    '  1  user  Where is my refund?',
    '  2  assistant  Let me look that up.',
    '  ├ thinks  They want their money.',
    '  ├ tool  find_order {"id":4411}  ✓ 4 B',
    '  ├ tool  bank_status {"order":4411}  ✗ timeout',
    '  └ tool  never_answered {}  … no result',
    '  3  assistant  It was sent yesterday.  ‹ 2/2 ›',
  ])
  for (const line of lines) expect(line.length).toBeLessThanOrEqual(80)
  expect(stderr).toBe(
    `what tools said is folded:\n  foldlog show @ --full --root ${root}\n` +
      `1 alternative not shown:\n  foldlog show @ --branch ${today.id} --root ${root}\n`,
  )
})

test('--full shows what tools were told and what they said', async () => {
  const { root } = await refund()
  const { stdout, stderr } = await run(['show', '--full', '--root', root])
  expect(stdout).toMatch(/tool +find_order .*\n.*\{\n.*"id": 4411\n.*\}\n.*→\n.*PAID\n/)
  expect(stderr).not.toContain('folded')
})

test('--branch shows the branch through a message, named by its id or the end of it', async () => {
  const { root, today } = await refund()
  for (const name of [today.id, today.id.slice(-8), `…${today.id.slice(-8).toLowerCase()}`]) {
    const { code, stdout } = await run(['show', '--branch', name, '--root', root])
    expect(code).toBe(0)
    expect(stdout).toMatch(/It was sent today\. +‹ 1\/2 ›/)
    expect(stdout).not.toContain('yesterday')
  }
  expect(await run(['show', '--branch', 'nothing', '--root', root])).toMatchObject({ code: 1, stdout: '' })
})

test('--at shows the session as it was after an event or at a time', async () => {
  const { root, question, today } = await refund()
  const first = await run(['show', '--at', question.id, '--root', root])
  expect(first.stdout).toContain('Where is my refund?')
  expect(first.stdout).not.toContain('Let me look')
  expect((await run(['show', '--at', today.id.slice(-8), '--root', root])).stdout).toContain('It was sent today.')
  expect((await run(['show', '--at', '0s', '--root', root])).stdout).toContain('It was sent yesterday.')
  const before = await run(['show', '--at', '2020-01-01', '--json', '--root', root])
  expect(JSON.parse(before.stdout)).toMatchObject({ messages: [] })
  expect((await run(['show', '--at', '1h', '--root', root])).stderr).toContain('no messages by then')
})

test('--at with what is neither ends as one or the other', async () => {
  const { root } = await refund()
  expect(await run(['show', '--at', 'foobar', '--root', root])).toMatchObject({ code: 1, stdout: '' })
  expect(await run(['show', '--at', '10:75', '--root', root])).toMatchObject({ code: 2, stdout: '' })
  expect(await run(['show', '--at', '2026-13-45', '--root', root])).toMatchObject({ code: 2, stdout: '' })
})

test('--json prints the info, the messages and the damage as one object', async () => {
  const { root, session } = await refund()
  const { code, stdout, stderr } = await run(['show', '--json', '--root', root])
  expect(stdout.trimEnd().split('\n')).toHaveLength(1)
  expect(JSON.parse(stdout)).toEqual({ info: session.info, messages: await session.messages(), damage: [] })
  expect({ code, stderr }).toEqual({ code: 0, stderr: '' })
})

test('damage is told on stderr and ends with 3, and everything else is shown', async () => {
  const { root, session } = await refund()
  await damage(root, session.id)
  const text = await run(['show', '--root', root])
  expect(text.code).toBe(3)
  expect(text.stdout).toContain('It was sent yesterday.')
  expect(text.stderr).toContain(`foldlog: 1 damaged piece in the log of ${session.id}`)
  expect(text.stderr).toMatch(new RegExp(`${session.id}\\.jsonl:\\d+ byte \\d+: torn, 17 bytes: \\{"v":1`))
  const json = await run(['show', '--json', '--root', root])
  expect(json.code).toBe(3)
  expect(JSON.parse(json.stdout)).toMatchObject({ damage: [{ kind: 'torn', sizeBytes: 17 }] })
})

test('messages that failed or are not done say so', async () => {
  const { root, store } = await freshStore()
  const session = await store.create()
  await session.add({ text: 'Hello?' })
  await session.add({
    role: 'assistant',
    author: 'planner',
    text: 'I',
    status: 'failed',
    error: { message: 'no quota' },
  })
  const { stdout } = await run(['show', '--root', root])
  expect(stdout).toMatch(/planner {4}I\n +└ failed +no quota\n/)
})

test('an empty session is shown as its header', async () => {
  const { root, store } = await freshStore()
  await store.create()
  const { code, stdout, stderr } = await run(['show', '--root', root])
  expect(code).toBe(0)
  expect(stdout).toMatch(/^\(untitled\)\n/)
  expect(stderr).toBe('no messages\n')
})

test('a session without any event has no time', async () => {
  const { root } = await freshStore()
  await mkdir(join(root, 'default'), { recursive: true })
  await writeFile(fileOf(root, 'nothing'), '')
  const { code, stdout } = await run(['show', '--root', root])
  expect({ code, stdout }).toEqual({ code: 0, stdout: '(untitled)\nnothing · default\n\n' })
})

test('long text is wrapped at 80 columns, also where there is no space and where characters are wide', async () => {
  const { root, store } = await freshStore()
  const session = await store.create()
  await session.add({ text: `${'word '.repeat(50)}\n${'x'.repeat(500)}\n${'日本語'.repeat(50)}` })
  const { stdout } = await run(['show', '--root', root])
  const lines = stdout.split('\n')
  for (const line of lines) {
    const wide = line.match(/[\u3000-\uFFFC]/g)?.length ?? 0
    expect(line.length + wide).toBeLessThanOrEqual(80)
  }
  expect(stdout.match(/x/g)).toHaveLength(500)
  expect(stdout.match(/日本語|本|語|日/g)!.join('')).toBe('日本語'.repeat(50))
})

test('a line of megabytes is wrapped in no time', async () => {
  const { root, store } = await freshStore()
  const session = await store.create()
  await session.add({ text: 'x'.repeat(4_000_000) })
  const { code, stdout } = await run(['show', '--root', root])
  expect(code).toBe(0)
  expect(stdout.length).toBeGreaterThan(4_000_000)
}, 20_000)

test('--limit prints the last messages, and of a long session reads no more than those', async () => {
  const { root } = await refund()
  const { code, stdout } = await run(['show', '--limit', '1', '--root', root])
  expect(code).toBe(0)
  expect(stdout).toMatch(/^Refund #4411\n/)
  expect(stdout).toContain('It was sent yesterday.')
  expect(stdout).not.toContain('refund?')
  const { stdout: json } = await run(['show', '--limit', '2', '--json', '--root', root])
  expect((JSON.parse(json) as { messages: object[] }).messages).toHaveLength(2)
})
