import { spawnSync } from 'node:child_process'
import { expect, test } from 'vitest'
import { damage, freshStore, run, runOnTerminal } from './run.ts'

const hasScript = spawnSync('script', ['--version']).status === 0
// oxlint-disable-next-line no-control-regex -- looking for them is the point
const CONTROL = /[\u0000-\u0009\u000B-\u001F\u007F-\u009F\u202A-\u202E]/
const HOSTILE = '\u001B]0;owned\u0007\u001B[2J\u009B31m\u202Egnp.exe\rover'

/** Everything that can hold text holds what could take over a terminal. */
async function hostile() {
  const { root, store } = await freshStore()
  const session = await store.create({ id: `id${HOSTILE}`, title: HOSTILE, model: HOSTILE })
  await session.add({ text: `hello ${HOSTILE}\nnext`, author: HOSTILE })
  await session.add({
    role: 'assistant',
    parts: [
      { type: 'text', text: HOSTILE },
      { type: 'reasoning', text: HOSTILE },
      { type: 'tool-call', callId: 'c', name: HOSTILE, input: HOSTILE },
      { type: 'tool-result', callId: 'c', name: HOSTILE, error: { message: HOSTILE } },
      { type: 'tool-result', callId: 'd', name: HOSTILE, output: HOSTILE },
      { type: 'data', name: HOSTILE, data: HOSTILE },
      { type: 'file', mediaType: HOSTILE, url: HOSTILE },
    ],
    status: 'failed',
    statusMessage: HOSTILE,
  })
  await store.create({ title: HOSTILE, parent: { sessionId: session.id, messageId: HOSTILE } })
  await session.append('own.event', { [HOSTILE]: HOSTILE })
  await store.namespace(HOSTILE).create({ title: 'elsewhere' })
  return { root, session, store }
}

test.each([
  ['ls', '--all'],
  ['ls', '--all', '--json'],
  ['show', 'id'],
  ['show', 'id', '--full'],
  ['show', 'id', '--json'],
  ['tree', 'id'],
  ['tree', 'id', '--full', '--json'],
  ['log', 'id'],
  ['log', 'id', '--json'],
  ['tail', 'id'],
  ['tail', 'id', '--json'],
  ['show', HOSTILE],
  ['show', 'id', '--at', HOSTILE],
  [HOSTILE],
  ['show', `--${HOSTILE}`],
  ['import', HOSTILE],
])('%s %s prints no control character but line feeds', async (...args) => {
  const { root } = await hostile()
  const { stdout, stderr } = await run([...args, '--root', root])
  expect(stdout + stderr).not.toBe('')
  expect(stdout).not.toMatch(CONTROL)
  expect(stderr).not.toMatch(CONTROL)
})

test('--json keeps the value of what it escapes', async () => {
  const { root, session } = await hostile()
  const { stdout } = await run(['show', 'id', '--json', '--root', root])
  expect(JSON.parse(stdout)).toEqual({ info: session.info, messages: await session.messages(), damage: [] })
})

test('damage is told without control characters', async () => {
  const { root, store } = await freshStore()
  const { id } = await store.create()
  await damage(root, id, `${HOSTILE}\n`)
  const { code, stderr } = await run(['show', '--root', root])
  expect(code).toBe(3)
  expect(stderr).toContain('not-json')
  expect(stderr).not.toMatch(CONTROL)
})

// Colour is ESC [ … m, and a terminal ends lines with CR LF.
// oxlint-disable-next-line no-control-regex -- looking for them is the point
const COLOR = /\u001B\[\d+m/g

test.skipIf(!hasScript)('on a terminal there is colour and a relative time, unless NO_COLOR is set', async () => {
  const { root, store } = await freshStore()
  await store.create({ title: 'One' })
  const colored = await runOnTerminal(['ls', '--root', root])
  expect(colored.stdout).toMatch(COLOR)
  expect(colored.stdout).toContain('just now')
  const plain = await runOnTerminal(['ls', '--root', root], { env: { NO_COLOR: '1' } })
  expect(plain.stdout).not.toMatch(COLOR)
  expect(plain.stdout.replaceAll('\r', '')).toBe(colored.stdout.replaceAll(COLOR, '').replaceAll('\r', ''))
  expect((await run(['ls', '--root', root])).stdout).not.toMatch(COLOR)
})

test.skipIf(!hasScript)('raw lines reach a terminal without control characters', async () => {
  const { root, store } = await freshStore()
  const { id } = await store.create()
  await damage(root, id, `${HOSTILE}\n`)
  for (const args of [
    ['cat', id],
    ['tail', id, '--raw'],
  ]) {
    const { stdout } = await runOnTerminal([...args, '--root', root])
    expect(stdout).toContain('owned')
    expect(stdout.replaceAll('\r\n', '\n')).not.toMatch(CONTROL)
  }
})
