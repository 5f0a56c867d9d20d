/** The programs of docs/guide, as they stand on its pages. */
import { once } from 'node:events'
import { readdirSync, readFileSync } from 'node:fs'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { afterEach, describe, expect, onTestFinished, test, vi } from 'vitest'
import { temp } from '../support/temp.ts'

const GUIDE = join(import.meta.dirname, '../../docs/guide')
const programs = readdirSync(GUIDE).filter((name) => name.endsWith('.ts'))

afterEach(() => vi.unstubAllEnvs())

/** What a program printed. */
async function run(load: () => Promise<unknown>): Promise<readonly unknown[][]> {
  vi.stubEnv('FOLDLOG_ROOT', temp())
  const log = vi.spyOn(console, 'log').mockReturnValue()
  onTestFinished(() => log.mockRestore())
  await load()
  return log.mock.calls
}

test.each(programs)('%s stands on its page as it is run', (name) => {
  const page = readFileSync(join(GUIDE, name === 'model.ts' ? 'README.md' : name.replace(/ts$/, 'md')), 'utf8')
  const blocks = [...page.matchAll(/```ts\n(.*?)```/gs)].map(([, code]) => code)
  expect(blocks).toEqual([readFileSync(join(GUIDE, name), 'utf8')])
})

test('the index names every page', () => {
  const links = [...readFileSync(join(GUIDE, 'README.md'), 'utf8').matchAll(/^- .*?\]\((.*?)\)/gm)].map(([, to]) => to)
  expect(new Set(links)).toEqual(
    new Set(readdirSync(GUIDE).filter((name) => name.endsWith('.md') && name !== 'README.md')),
  )
})

test('the agent loop runs tools, and shows the model what came of them', async () => {
  expect(await run(() => import('../../docs/guide/agent-loop.ts'))).toMatchObject([
    ['completed'],
    [{ type: 'text', text: 'How is the weather in Oslo?' }],
    [{ type: 'tool-call', callId: 'call_1', name: 'weather' }],
    [{ type: 'tool-result', callId: 'call_1', output: 'rain in Oslo' }],
    [{ type: 'text', text: 'It says: rain in Oslo' }],
    ['completed'],
    [{ type: 'text', text: 'And the tide?' }],
    [{ type: 'tool-call', callId: 'call_5', name: 'tide' }],
    [{ type: 'tool-result', callId: 'call_5', error: { message: 'Error: the gauge is broken' } }],
    [{ type: 'text', text: 'It says: Error: the gauge is broken' }],
  ])
})

test('an answer is regenerated and a question edited, and all of it stays', async () => {
  expect(await run(() => import('../../docs/guide/branching.ts'))).toMatchObject([
    [2, 'answers'],
    ['user', { text: 'Name a tree.' }],
    ['assistant', { text: 'You said: Name a tree.' }],
    ['user', { text: 'Name a fruit.' }],
    ['assistant', { text: 'You said: Name a fruit.' }],
    [3, 'branches'],
  ])
})

test('sub-agents work at the same time in sessions of their own', async () => {
  const [ended, ...children] = await run(() => import('../../docs/guide/sub-agents.ts'))
  expect(ended?.[0]).toBe('completed')
  expect(new Set(children.map(([title]) => title))).toEqual(new Set(['Read the code.', 'Read the tests.']))
  for (const [title, preview, callId] of children) {
    expect(preview).toBe(title)
    expect(callId).toMatch(title === 'Read the tests.' ? /-0$/ : /-1$/)
  }
})

describe('the chat server', () => {
  const LONG = Array.from({ length: 40 }, (_, n) => `word${n}`).join(' ')

  async function serve(): Promise<string> {
    vi.stubEnv('FOLDLOG_ROOT', temp())
    vi.stubEnv('PORT', '0')
    vi.resetModules()
    const { server, store } = await import('../../docs/guide/chat-server.ts')
    if (!server.listening) await once(server, 'listening')
    onTestFinished(async () => {
      server.closeAllConnections()
      server.close()
      await store.close()
    })
    return `http://127.0.0.1:${(server.address() as AddressInfo).port}`
  }

  const ask = (chat: string, text: string): Promise<Response> => fetch(chat, { method: 'POST', body: text })

  async function answerOf(chat: string, text: string): Promise<string> {
    const response = await ask(chat, text)
    expect(response.status).toBe(202)
    return ((await response.json()) as { answerId: string }).answerId
  }

  interface Read {
    text: string
    lastId: string
    end: string | undefined
  }

  /** Reads server-sent events as a browser does, until they end or there were so many. */
  async function read(url: string, events = Infinity, lastId = ''): Promise<Read> {
    const response = await fetch(url, { headers: lastId === '' ? {} : { 'last-event-id': lastId } })
    expect(response.headers.get('content-type')).toBe('text/event-stream')
    const out: Read = { text: '', lastId, end: undefined }
    let rest = ''
    let count = 0
    for await (const chunk of response.body!.pipeThrough(new TextDecoderStream())) {
      const blocks = (rest + chunk).split('\n\n')
      rest = blocks.pop()!
      for (const block of blocks) {
        if (count++ === events) return out
        const fields = Object.fromEntries(block.split('\n').map((line) => line.split(/: (.*)/s))) as Record<
          string,
          string
        >
        if (fields['event'] === 'end') out.end = fields['data']
        else {
          out.text += JSON.parse(fields['data']!) as string
          out.lastId = fields['id']!
        }
      }
    }
    return out
  }

  test('a tab that is loaded again, and one that reconnects, see the whole answer', async () => {
    const chat = `${await serve()}/a%20chat`
    const url = `${chat}/${await answerOf(chat, LONG)}`
    const first = await read(url, 3)
    expect(first.end).toBeUndefined()
    expect((await ask(chat, 'and?')).status).toBe(409)
    const [question, answer] = (await (await fetch(chat)).json()) as { status: string; id: string }[]
    expect([question!.status, answer!.status, `${chat}/${answer!.id}`]).toEqual(['completed', 'in_progress', url])
    const [loaded, again] = await Promise.all([read(url), read(url, Infinity, first.lastId)])
    expect(loaded).toMatchObject({ text: `You said: ${LONG}`, end: 'completed' })
    expect(again).toEqual({ ...loaded, text: loaded.text.slice(first.text.length) })
    expect(first.text.length).toBeGreaterThan(0)
    expect(await read(url)).toEqual(loaded)
    await answerOf(chat, 'and?')
  })

  test('an answer that is stopped keeps what has come', async () => {
    const chat = `${await serve()}/c`
    const url = `${chat}/${await answerOf(chat, LONG)}`
    const { text } = await read(url, 3)
    await fetch(chat, { method: 'DELETE' })
    const stopped = await read(url)
    expect(stopped.end).toBe('cancelled')
    expect(stopped.text.startsWith(text)).toBe(true)
    expect(`You said: ${LONG}`.startsWith(stopped.text)).toBe(true)
  })

  test('what is not there is not found', async () => {
    const chat = `${await serve()}/c`
    expect((await fetch(chat)).status).toBe(404)
    await answerOf(chat, 'x')
    expect((await fetch(`${chat}/unknown`)).status).toBe(404)
  })

  test('has less than 60 lines', () => {
    expect(readFileSync(join(GUIDE, 'chat-server.ts'), 'utf8').split('\n').length - 1).toBeLessThan(60)
  })
})
