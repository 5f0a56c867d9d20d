/** The examples of the table of verbs, run as far as they can be: with what they name made up, without what they are piped to. */
import { cpSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { openStore } from '../../src/index.ts'
import { VERBS } from '../../src/cli/table.ts'
import { git } from '../support/git.ts'
import { ended, start, temp } from './run.ts'
import { wordsOf } from './words.ts'

const IMPORTS = join(import.meta.dirname, '../../fixtures/import')
const FIXTURES = join(IMPORTS, 'claude-code')
const EVENT = '01KDVHMC00000000005PXB2QTA'

/** A home with everything that the examples name. */
async function home(): Promise<string> {
  const cwd = await temp()
  git(cwd, 'init', '-q')
  const store = await openStore(join(cwd, '.sessions'))
  const line = (id: string, type: string, data: object) => ({
    v: 1 as const,
    id,
    type,
    time: '2026-01-01T00:00:00.000Z',
    data,
  })
  const message = {
    id: EVENT,
    turnId: EVENT,
    role: 'user',
    status: 'completed',
    parts: [{ id: 'p', type: 'text', text: 'Hello' }],
  }
  const first = line('01KDVHMB000000000000000000', 'session.created', {})
  await store.merge('01M7XVMR0GBR6T8XW8V4ECY7XQ', [first, { ...line(EVENT, 'message.created', message) }] as never)
  await store.merge('01M7WQ0C0GBR6T8XW8V4ECY7XQ', [line('01KDVHMB010000000000000000', 'session.created', {})] as never)
  for (const name of ['support', 'scratch']) await store.namespace(name).create()
  // What the examples look for.
  const other = await store.namespace('support').create()
  const call = { callId: 'c', name: 'pay' }
  await other.add({ text: 'TODO: look after the refunds' })
  await other.add({ role: 'assistant', parts: [{ type: 'tool-call', ...call, input: {} }] })
  await other.add({ role: 'tool', parts: [{ type: 'tool-result', ...call, output: 'timeout' }] })
  const session = (await store.get('01M7XVMR0GBR6T8XW8V4ECY7XQ'))!
  await session.add({ role: 'assistant', text: 'Hello!' })
  await session.set({ head: EVENT })
  const path = join(cwd, '.sessions/default/01M7XVMR0GBR6T8XW8V4ECY7XQ.jsonl')
  for (const name of ['session', 'base', 'ours', 'theirs']) cpSync(path, join(cwd, `${name}.jsonl`))
  cpSync(FIXTURES, join(cwd, '.claude/projects'), { recursive: true })
  cpSync(join(FIXTURES, 'orchard'), join(cwd, '.claude/projects/-home-me-work'), { recursive: true })
  cpSync(join(IMPORTS, 'codex'), join(cwd, '.codex/sessions'), { recursive: true })
  await store.close()
  return cwd
}

const EXAMPLES = VERBS.flatMap(({ examples }) => examples.map(({ command }) => command))

test.each(EXAMPLES)('%s', async (command) => {
  const cwd = await home()
  const args = wordsOf(command).map((word) => word.replace(/^~/, cwd))
  if (args.includes('-f')) {
    // It follows until somebody ends it: that it has begun is all that can be seen.
    const child = start([...args.filter((arg) => arg !== '0'), ...(args.includes('0') ? ['1'] : [])], { cwd })
    const first = await new Promise<string>((resolve) =>
      child.stdout.once('data', (data: Buffer) => resolve(String(data))),
    )
    child.kill()
    expect(first).not.toBe('')
    return
  }
  const child = start(args, { cwd, env: { HOME: cwd } })
  child.stdin.end('Hello')
  const { code, stderr } = await ended(child)
  expect(stderr).not.toContain('foldlog:')
  expect(code).toBe(0)
})
