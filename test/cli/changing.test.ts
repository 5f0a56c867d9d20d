/** Verbs that change sessions: fork, branch, head, archive, rm, prune. */
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { openStore } from '../../src/index.ts'
import { damage, fileOf, freshStore, later, run, temp } from './run.ts'

/** A question with two answers; the second one is the conversation. */
async function refund() {
  const { root, store } = await freshStore()
  const session = await store.create({ id: 'refund', title: 'Refund' })
  const question = await session.add({ text: 'Where is my refund?' })
  const first = await session.add({ role: 'assistant', text: 'Let me look.' })
  const second = await session.branch(first.id, { text: 'Sent yesterday.' })
  return { root, store, session, question, first, second, where: ['--root', root] }
}

const json = (text: string): unknown[] =>
  text
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line) as unknown)

test('branch lists the ends, newest first, and marks the one of the conversation', async () => {
  const { first, second, where } = await refund()
  const { code, stderr, stdout } = await run(['branch', 'refund', ...where])
  expect(code).toBe(0)
  const [, ...lines] = stdout.trimEnd().split('\n')
  expect(lines[0]).toMatch(new RegExp(`^\\*  …${second.id.slice(-8)} +2 +2 .*assistant: Sent yesterday\\.$`))
  expect(lines[1]).toMatch(new RegExp(`^   …${first.id.slice(-8)} +2 +1 .*assistant: Let me look\\.$`))
  expect(stderr).toContain(`foldlog head refund ${first.id}`)
  expect(json((await run(['branch', 'refund', '--json', ...where])).stdout)).toMatchObject([
    { end: second.id, messageCount: 2, isHead: true, afterHead: 0, text: 'Sent yesterday.' },
    { end: first.id, messageCount: 2, ownCount: 1, isHead: false },
  ])
})

test('head moves the conversation, once, and --undo moves it back', async () => {
  const { first, question, second, session, where } = await refund()
  const moved = await run(['head', 'refund', first.id.slice(-8), ...where])
  expect(moved).toMatchObject({ code: 0, stdout: `head: ${first.id} assistant: Let me look.\n` })
  expect((await session.messages()).map(({ id }) => id)).toEqual([question.id, first.id])
  const bytes = readFileSync(fileOf(where[1]!, 'refund'))
  expect(await run(['head', first.id, ...where])).toEqual({ ...moved, stderr: 'it was there already\n' })
  expect(readFileSync(fileOf(where[1]!, 'refund'))).toEqual(bytes)

  const back = await run(['head', 'refund', '--undo', '--json', ...where])
  expect(json(back.stdout)).toMatchObject([{ sessionId: 'refund', head: second.id, from: first.id, isChanged: true }])
  expect((await session.messages()).at(-1)!.id).toBe(second.id)
  // In the middle of a branch.
  await run(['head', question.id, ...where])
  expect(json((await run(['branch', '--json', ...where])).stdout)).toMatchObject([{ isHead: true, afterHead: 1 }, {}])
})

test('head refuses what it cannot mean, and says what to run', async () => {
  const { where } = await refund()
  expect(await run(['head', ...where])).toMatchObject({
    code: 2,
    stderr: /needs a MESSAGE\n {2}foldlog branch/ as never,
  })
  expect(await run(['head', 'refund', '--undo', ...where])).toMatchObject({ code: 1 })
  expect(await run(['head', 'refund', 'nonsense', ...where])).toMatchObject({ code: 1 })
  expect(await run(['head', 'refund', 'x', '--undo', ...where])).toMatchObject({ code: 2 })
})

test('fork makes a session of a part of another one', async () => {
  const { question, store, where } = await refund()
  const all = await run(['fork', 'refund', '--title', 'Plan B', ...where])
  expect(all).toMatchObject({ code: 0, stdout: /^[0-9A-Z]{26}\n$/ as never })
  const fork = await store.get(all.stdout.trim())
  expect(fork!.info).toMatchObject({ title: 'Plan B', messageCount: 3, parent: { sessionId: 'refund' } })
  const part = await run(['fork', 'refund', '--at', question.id, '--id', 'part', '--json', ...where])
  expect(json(part.stdout)).toMatchObject([{ id: 'part', messageCount: 1, parent: { sessionId: 'refund' } }])
  expect(await run(['fork', 'refund', '--id', 'part', ...where])).toMatchObject({ code: 1, stdout: '' })
  expect(await run(['fork', 'refund', '--at', '1999-01-01', ...where])).toMatchObject({ code: 1, stdout: '' })
  const now = await run(['fork', 'refund', '--at', '0s', '--json', ...where])
  expect(json(now.stdout)).toMatchObject([{ messageCount: 3 }])
})

test('fork, pack and redact do what they do to a damaged log, tell the damage and end with 3', async () => {
  const { session, where } = await refund()
  await damage(where[1]!, 'refund')
  const told = /1 damaged piece in the log of refund; all the rest of it counts\n {2}refund\.jsonl:5 byte/
  const forked = await run(['fork', 'refund', '--id', 'fork', ...where])
  expect(forked).toMatchObject({ code: 3, stdout: 'fork\n' })
  expect(forked.stderr).toMatch(told)
  expect(await run(['show', 'fork', ...where])).toMatchObject({ code: 0 })
  for (const args of [
    ['pack', 'refund'],
    ['redact', 'refund', '--text', 'yesterday', '--yes'],
    ['redact', 'refund', '--event', session.info.lastEventId],
    ['redact', 'refund', '--text', 'no such text'],
  ]) {
    const { code, stderr } = await run([...args, ...where])
    expect(stderr).toMatch(told)
    expect(code).toBe(3)
  }
  const all = await run(['redact', '--secrets', '--json', ...where])
  expect(all).toMatchObject({ code: 3, stdout: '' })
  expect(all.stderr).toContain('1 damaged piece in 1 log; all the rest counts:\n  foldlog fsck')
})

test('archive takes sessions out of listings and puts them back; a second time changes nothing', async () => {
  const { root, store, where } = await refund()
  await store.create({ id: 'other' })
  expect(json((await run(['archive', 'refund', 'other', '--json', ...where])).stdout)).toMatchObject([
    { sessionId: 'refund', isArchived: true, isChanged: true },
    { sessionId: 'other', isArchived: true, isChanged: true },
  ])
  expect((await run(['ls', '--json', ...where])).stdout).toBe('')
  const bytes = readFileSync(fileOf(root, 'refund'))
  expect((await run(['archive', 'refund', ...where])).stdout).toBe('archived already: refund  Refund\n')
  expect(readFileSync(fileOf(root, 'refund'))).toEqual(bytes)
  expect((await run(['archive', 'refund', '--undo', ...where])).code).toBe(0)
  expect(json((await run(['ls', '--json', ...where])).stdout)).toMatchObject([{ id: 'refund' }])
  expect(await run(['archive', '--undo', ...where])).toMatchObject({ code: 2 })
})

test('of several names one that is not found leaves all as they were', async () => {
  const { root, where } = await refund()
  const bytes = readFileSync(fileOf(root, 'refund'))
  expect(await run(['archive', 'refund', 'nobody', ...where])).toMatchObject({ code: 1, stdout: '' })
  expect(await run(['rm', 'refund', 'nobody', '--yes', ...where])).toMatchObject({ code: 1, stdout: '' })
  expect(readFileSync(fileOf(root, 'refund'))).toEqual(bytes)
})

test('rm says what would go and what would stay, and deletes with --yes', async () => {
  const { root, store, where } = await refund()
  await store.create({ id: 'child', parent: { sessionId: 'refund' } })
  const dry = await run(['rm', 'refund', ...where])
  expect(dry).toMatchObject({ code: 0, stdout: /^ID .*\nrefund .* 3 .* kB {2}Refund\n$/ as never })
  expect(dry.stderr).toContain('nothing was changed, to delete:\n  foldlog rm refund --yes')
  expect(dry.stderr).toContain('1 child session of these would stay:\n  foldlog rm refund child')
  expect(existsSync(fileOf(root, 'refund'))).toBe(true)
  const done = await run(['rm', fileOf(root, 'refund'), '--yes', '--json'])
  expect(json(done.stdout)).toMatchObject([
    { sessionId: 'refund', dryRun: false, children: ['child'], messageCount: 3 },
  ])
  expect(existsSync(fileOf(root, 'refund'))).toBe(false)
  expect(existsSync(fileOf(root, 'child'))).toBe(true)
  expect(await run(['rm', 'refund', '--yes', ...where])).toMatchObject({ code: 1 })
})

test('prune deletes what is older than an age, archived sessions too', async () => {
  const { root, session, store, where } = await refund()
  await session.set({ archived: true })
  await later()
  const since = new Date()
  await later()
  await store.create({ id: 'fresh' })
  const age = ['--older-than', since.toISOString()]
  expect(await run(['prune', '--older-than', '1d', ...where])).toMatchObject({ code: 0, stdout: '' })
  expect((await run(['prune', ...age, ...where])).stdout).toMatch(/\nrefund /)
  expect(existsSync(fileOf(root, 'refund'))).toBe(true)
  expect(json((await run(['prune', ...age, '--yes', '--json', ...where])).stdout)).toMatchObject([
    { sessionId: 'refund', dryRun: false },
  ])
  expect(readdirSync(join(root, 'default')).filter((name) => name.endsWith('.jsonl'))).toEqual(['fresh.jsonl'])
  expect(await run(['prune', ...where])).toMatchObject({ code: 2, stderr: /prune --older-than 90d/ as never })
  expect((await run(['prune', '--older-than', 'soon', ...where])).code).toBe(2)
})

test('in a shared root every verb that writes begins files of its own, and rm leaves a tombstone', async () => {
  const root = join(await temp(), 'root')
  const store = await openStore(root, { shared: true })
  const session = await store.create({ id: 's' })
  const first = await session.add({ text: 'one' })
  await session.add({ text: 'two' })
  await store.close()
  const segments = () => readdirSync(join(root, 'default')).filter((name) => name.startsWith('s.'))
  const before = segments()
  for (const args of [
    ['archive', 's'],
    ['archive', 's', '--undo'],
    ['head', 's', first.id],
    ['fork', 's', '--id', 'f'],
  ]) {
    expect((await run([...args, '--root', root])).code).toBe(0)
  }
  expect(segments()).toHaveLength(before.length + 3)
  expect(segments()).not.toContain('s.jsonl')
  expect(readdirSync(join(root, 'default'))).not.toContain('f.jsonl')
  await run(['rm', 's', '--yes', '--root', root])
  expect(segments()).toContain(`s.${'0'.repeat(26)}.jsonl`)
  expect((await run(['show', 's', '--root', root])).code).toBe(1)
})

test('a fork never becomes a part of an older one that has the same id', async () => {
  const { store, question } = await refund()
  const older = await store.fork('refund', { id: 'part', at: question.id })
  await expect(store.fork('refund', { id: 'part' })).rejects.toMatchObject({ code: 'ALREADY_EXISTS' })
  expect(await older.messages()).toHaveLength(1)
})

test('a verb that has opened a long log at its end is done with it before it closes the root', async () => {
  const { root, store } = await freshStore()
  const session = await store.create({ id: 'long' })
  for (let i = 0; i < 12; i++) await session.add({ text: `${i} ${'x'.repeat(100_000)}` })
  await store.close()
  for (const args of [
    ['branch'],
    ['fork'],
    ['export', '--format', 'jsonl'],
    ['stats'],
    ['pack'],
    ['show', '--limit', '1'],
  ]) {
    const [verb = '', ...options] = args
    const { code, stderr } = await run([verb, 'long', ...options, '--root', root])
    expect([verb, code, stderr]).toEqual([verb, 0, stderr])
    expect(stderr).not.toContain('closed')
  }
})
