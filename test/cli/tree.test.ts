import { expect, test } from 'vitest'
import * as fc from 'fast-check'
import { drawn, treeOf } from '../../src/cli/message-tree.ts'
import { damage, freshStore, run } from './run.ts'

async function branched() {
  const { root, store } = await freshStore()
  const session = await store.create({ id: 'refund', title: 'Refund #4411' })
  await session.add([{ text: 'Hello?' }, { role: 'assistant', text: 'Yes?' }])
  const question = await session.add({ text: 'Where is my refund?' })
  const first = await session.add({ role: 'assistant', text: 'Let me look that up.' })
  await session.add([{ text: 'Well?' }, { role: 'assistant', text: 'I could not find it.' }])
  await session.branch(first.id, { text: 'It was sent yesterday.' })
  return { root, store, session, question, first }
}

/** The lines of a picture, without ids and with single spaces. */
function shapeOf(stdout: string): string[] {
  const [, picture = ''] = stdout.split('\n\n')
  return picture
    .trimEnd()
    .split('\n')
    .map((line) => line.replaceAll(/ +/g, ' ').replace(/…\w{8} /, ''))
}

test('the conversation goes straight down, and alternatives hang beside it, with what follows folded', async () => {
  const { first, root } = await branched()
  const { code, stdout, stderr } = await run(['tree', 'ref', '--root', root])
  expect(code).toBe(0)
  expect(shapeOf(stdout)).toEqual([
    '● user Hello? +1',
    '● user Where is my refund?',
    '├─○ assistant Let me look that up. +2',
    '◆ assistant It was sent yesterday. ← head',
  ])
  for (const line of stdout.split('\n')) expect(line.length).toBeLessThanOrEqual(80)
  expect(stderr).toBe(
    `+n: 3 messages folded, to see them:\n  foldlog tree ref --full --root ${root}\n` +
      `to read a branch:\n  foldlog show ref --branch ${first.id} --root ${root}\n`,
  )
})

test('--full has a line for every message', async () => {
  const { root } = await branched()
  const { stdout } = await run(['tree', '--full', '--root', root])
  expect(shapeOf(stdout)).toEqual([
    '● user Hello?',
    '● assistant Yes?',
    '● user Where is my refund?',
    '├─○ assistant Let me look that up.',
    '│ ○ user Well?',
    '│ ○ assistant I could not find it.',
    '◆ assistant It was sent yesterday. ← head',
  ])
})

test('the head is where the conversation ends, also in the middle of a chain, and beginnings may have alternatives', async () => {
  const { first, root, session } = await branched()
  await session.set({ head: first.id })
  await session.branch((await session.messages())[0]!.id, { text: 'Good morning!' })
  await session.set({ head: first.id })
  const { stdout } = await run(['tree', '--root', root])
  expect(shapeOf(stdout)).toEqual([
    '┌─○ user Good morning!',
    '● user Hello? +1',
    '● user Where is my refund?',
    '├─○ assistant It was sent yesterday.',
    '◆ assistant Let me look that up. +2 ← head',
  ])
})

test('sub-sessions and forks are listed below by the time they began, a fork with its original, and theirs below them', async () => {
  const { question, root, store } = await branched()
  await store.create({ id: 'agent', title: 'Sub-agent', parent: { sessionId: 'refund', messageId: question.id } })
  await store.create({ id: 'below', title: 'Its own', parent: { sessionId: 'agent' } })
  const fork = await store.fork('refund', { id: 'fork', title: 'A fork' })
  await fork.set({ archived: true })
  const { stdout } = await run(['tree', 'refund', '--root', root])
  expect(stdout.split('\n').slice(-5)).toEqual([
    'sessions that came of it',
    expect.stringMatching(/^├─ fork {2}A fork {2}7 messages/) as string,
    `└─ agent  Sub-agent  0 messages  from …${question.id.slice(-8)}`,
    '  └─ below  Its own  0 messages',
    '',
  ])
  expect((await run(['tree', 'below', '--root', root])).stdout).toContain('below · default · came of agent\n')
})

test('--json prints the messages with their parents, and the sessions', async () => {
  const { first, question, root, session } = await branched()
  const { stdout } = await run(['tree', '--json', '--root', root])
  const tree = JSON.parse(stdout) as { info: unknown; messages: { id: string }[]; sessions: unknown[] }
  expect(tree).toMatchObject({ info: session.info, sessions: [] })
  expect(tree.messages.map(({ id }) => id)).toEqual((await session.messages({ all: true })).map(({ id }) => id))
  expect(tree.messages).toContainEqual(
    expect.objectContaining({ id: first.id, parentId: question.id, isOnPath: false, isHead: false }),
  )
})

test('an empty session, a deleted one and a damaged one end as they do elsewhere', async () => {
  const { root, session, store } = await branched()
  await store.create({ id: 'empty' })
  expect(await run(['tree', 'empty', '--root', root])).toMatchObject({ code: 0, stderr: 'no messages\n' })
  expect(await run(['tree', 'nobody', '--root', root])).toMatchObject({ code: 1, stdout: '' })
  await damage(root, session.id)
  const damaged = await run(['tree', 'refund', '--root', root])
  expect(damaged.code).toBe(3)
  expect(damaged.stdout).toContain('It was sent yesterday.')
})

test('of any tree every message is drawn or folded once, and the conversation goes straight down', async () => {
  const { store } = await freshStore()
  await fc.assert(
    fc.asyncProperty(fc.array(fc.nat(), { maxLength: 25 }), async (choices) => {
      const session = await store.create()
      for (const choice of choices) {
        const all = await session.messages({ all: true })
        const at = all[choice % (all.length + 1)]
        if (at === undefined) await session.add({ text: 'on' })
        else if (choice % 3 === 0) await session.remove(at.id)
        else await session.branch(at.id, { text: 'instead' })
      }
      const tree = await treeOf(session)
      const ids = (await session.messages({ all: true })).map(({ id }) => id)
      const full = [...drawn(tree, true)]
      expect(full.map(({ node }) => node.message.id).sort()).toEqual([...ids].sort())
      const path = full.filter(({ node }) => node.isOnPath)
      expect(path.map(({ node }) => node.message)).toEqual(await session.messages())
      for (const { rail } of path) expect(rail).toBe('')
      const folded = [...drawn(tree, false)]
      expect(folded.reduce((sum, row) => sum + 1 + row.folded, 0)).toBe(ids.length)
      expect(folded.some(({ node }) => node.isHead)).toBe(path.length > 0)
    }),
    { numRuns: 40 },
  )
})
