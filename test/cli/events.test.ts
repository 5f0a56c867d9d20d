import { spawn, spawnSync } from 'node:child_process'
import { appendFile, readFile, writeFile } from 'node:fs/promises'
import { expect, onTestFinished, test } from 'vitest'
import { newId } from '../../src/id.ts'
import { damage, ended, fileOf, freshStore, linesOf, MAIN, run, runScript, start } from './run.ts'

async function three() {
  const { root, store } = await freshStore()
  const session = await store.create({ title: 'Three' })
  const first = await session.add({ text: 'one' })
  await session.add({ role: 'assistant', text: 'two' })
  await session.append('todo.added', { text: 'three' })
  return { root, store, session, first, file: fileOf(root, session.id) }
}

/** The values of lines of JSON. */
function parse(text: string): unknown[] {
  return text
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line) as unknown)
}

test('log prints events newest first, one a line, within 80 columns', async () => {
  const { root, session } = await three()
  await session.set({ title: 'x'.repeat(200) })
  const { code, stdout } = await run(['log', '--root', root])
  expect(code).toBe(0)
  const lines = stdout.trimEnd().split('\n')
  const types = ['session.updated', 'todo.added', 'message.created', 'message.created', 'session.created']
  expect(lines.map((line) => line.split(/ +/)[2])).toEqual(types)
  expect(lines[1]).toMatch(/^…\w{8} {2}\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ {2}todo\.added {7}\{"text":"three"\}$/)
  for (const line of lines) expect(line.length).toBeLessThanOrEqual(80)
  expect((await run(['log', '--limit', '2', '--root', root])).stdout.split('\n')).toHaveLength(3)
})

test('log --json and tail --json print the events with their cursors', async () => {
  const { root, session } = await three()
  const events = []
  for await (const event of session.events()) events.push(event)
  expect(parse((await run(['tail', '--json', '--root', root])).stdout)).toEqual(events)
  expect(parse((await run(['log', '--json', '--root', root])).stdout)).toEqual([...events].reverse())
})

test('log and tail print what is whole in a damaged log and end with 3', async () => {
  const { root, session } = await three()
  await damage(root, session.id)
  for (const verb of ['log', 'tail']) {
    const { code, stdout, stderr } = await run([verb, '--root', root])
    expect(code).toBe(3)
    expect(stdout.trimEnd().split('\n')).toHaveLength(4)
    expect(stderr).toContain('1 damaged piece')
  }
})

test('events of any data are printed', async () => {
  const { root, session, file } = await three()
  for (const data of [null, 1, 'x', [], { parts: 1, ids: {}, role: [] }, { parts: [null, 1, { type: 7 }] }]) {
    for (const type of ['message.created', 'message.deleted', 'part.updated', 'session.updated', 'later.invented']) {
      await appendFile(file, `${JSON.stringify({ v: 1, id: newId(), type, time: 'whenever', data })}\n`)
    }
  }
  const { code, stdout } = await run(['log', session.id, '--root', root])
  expect(code).toBe(0)
  expect(stdout.trimEnd().split('\n')).toHaveLength(34)
  const show = await run(['show', session.id, '--root', root])
  expect(show.stderr).toContain('had no effect: this version does not know what they mean')
})

test('tail prints the last ten events in the order of the log, or as many as --limit says', async () => {
  const { root, session } = await three()
  for (let i = 0; i < 20; i++) await session.append('n.n', i)
  const numbers = async (...args: string[]): Promise<number[]> =>
    ((await run(['tail', '--root', root, ...args])).stdout.match(/(?<=n\.n +)\d+/g) ?? []).map(Number)
  expect(await numbers()).toEqual([10, 11, 12, 13, 14, 15, 16, 17, 18, 19])
  expect(await numbers('--limit', '2')).toEqual([18, 19])
  expect(await numbers('--limit', '0')).toEqual([])
})

test('tail --after goes on after an event or a cursor, also raw', async () => {
  const { root, session, first } = await three()
  let cursor = ''
  for await (const event of session.events()) if (event.id === first.id) cursor = event.cursor
  const [, , ...rest] = (await readFile(fileOf(root, session.id), 'utf8')).trimEnd().split('\n')
  for (const after of [first.id, first.id.slice(-8), cursor]) {
    const text = await run(['tail', '--after', after, '--root', root])
    expect(text.stdout.trimEnd().split('\n')).toHaveLength(2)
    expect((await run(['tail', '--raw', '--after', after, '--root', root])).stdout).toBe(`${rest.join('\n')}\n`)
  }
  for (const args of [[], ['--raw']]) {
    const unknown = await run(['tail', '--after', 'ABCDEFGH', '--root', root, ...args])
    expect(unknown).toMatchObject({ code: 1, stdout: '' })
    expect(unknown.stderr).toContain('this session has no event ABCDEFGH')
  }
})

test('a place that is gone is told, and everything follows', async () => {
  const { root } = await three()
  const text = await run(['tail', '--after', '999.01M7XVMR0GBR6T8XW8V4ECY7XQ.abc', '--root', root])
  expect(text.stderr).toContain('everything follows')
  expect(text.stdout.trimEnd().split('\n')).toHaveLength(4)
  const json = await run(['tail', '--json', '--after', '999.01M7XVMR0GBR6T8XW8V4ECY7XQ.abc', '--root', root])
  expect(json.stdout.split('\n')[0]).toContain('"type":"session.rewound"')
  const raw = await run(['tail', '--raw', '--after', '999.01M7XVMR0GBR6T8XW8V4ECY7XQ.abc', '--root', root])
  expect(raw.stderr).toContain('everything follows')
  expect(raw.stdout.trimEnd().split('\n')).toHaveLength(4)
})

test('tail --raw prints lines byte for byte, damage included', async () => {
  const { root, session, file } = await three()
  await damage(root, session.id, '\u001B[31m not json \u0007\n')
  const lines = (await readFile(file, 'utf8')).trimEnd().split('\n')
  const { code, stdout } = await run(['tail', '--raw', '--limit', '2', '--root', root])
  expect(code).toBe(0)
  expect(stdout).toBe(`${lines.slice(-2).join('\n')}\n`)
})

const APPEND = `const store = await openStore(process.argv[1])
const session = await store.get(process.argv[2])
await session.add({ text: process.argv[3] })
await store.close()`
const DELETE = `const store = await openStore(process.argv[1])
await store.delete(process.argv[2])
await store.close()`

test.each([
  ['text', [], /message\.created {2}user from elsewhere$/],
  ['JSON', ['--json'], /"type":"message\.created".*"text":"from elsewhere".*"cursor":/],
  ['raw lines', ['--raw'], /^\{"v":1,"id":"\w{26}","type":"message\.created".*"text":"from elsewhere"/],
])('tail -f prints %s that another process appends, until the session is deleted', async (_, args, expected) => {
  const { root, session, store } = await three()
  await store.close()
  const child = start(['tail', session.id, '-f', '--limit', '1', '--root', root, ...args])
  const next = linesOf(child)
  let stderr = ''
  child.stderr.on('data', (data: Buffer) => (stderr += data.toString()))
  expect(await next()).toContain('todo.added')
  await runScript(APPEND, [root, session.id, 'from elsewhere'])
  expect(await next()).toMatch(expected)
  const closed = new Promise((resolve) => child.on('close', resolve))
  await runScript(DELETE, [root, session.id])
  expect(await closed).toBe(0)
  expect(stderr).toBe(`session ${session.id} was deleted\n`)
})

test.each([['--json'], ['--raw']])('tail -f %s ends when its reader is gone, though nothing comes', async (flag) => {
  const version = spawnSync('tail', ['--version'], { encoding: 'utf8' }).stdout
  if (!version.includes('GNU')) return console.log('skipped: there is no tail of GNU')
  const { root, session } = await three()
  const args = [process.execPath, MAIN, 'tail', session.id, '-f', flag, '--limit', '1', '--root', root]
  const child = spawn('bash', ['-o', 'pipefail', '-c', '"$@" | head -c 5', '-', ...args])
  onTestFinished(() => void child.kill('SIGKILL'))
  expect(await ended(child)).toEqual({ code: 0, stdout: flag === '--raw' ? '{"v":' : '{"id"', stderr: '' })
})

test('cat prints all files of a session byte for byte', async () => {
  const { root, session, file } = await three()
  await damage(root, session.id, 'not an event \u001B[31m')
  const segment = file.replace('.jsonl', `.${newId()}.jsonl`)
  const line = JSON.stringify({ v: 1, id: newId(), type: 'n.n', time: '', data: 1 })
  await writeFile(segment, `${line}\ntorn`)
  const { code, stdout } = await run(['cat', session.id, '--root', root])
  expect(code).toBe(0)
  expect(stdout).toBe(`${await readFile(file, 'utf8')}\n${line}\ntorn`)
  expect((await run(['path', session.id, '--root', root])).stdout).toBe(`${file}\n${segment}\n`)
  const json = JSON.parse((await run(['path', session.id, '--json', '--root', root])).stdout) as unknown
  expect(json).toEqual({ root, namespace: 'default', sessionId: session.id, files: [file, segment] })
})

test('cat keeps bytes that are no text', async () => {
  const { root, session, file } = await three()
  await appendFile(file, Buffer.from([0xff, 0xfe, 0x00, 0x80, 0x0a]))
  const { stdout } = spawnSync(process.execPath, [(await import('./run.ts')).MAIN, 'cat', session.id, '--root', root])
  expect(stdout.equals(await readFile(file))).toBe(true)
})

test.each([
  ['cat', []],
  ['log', ['--json']],
  ['show', []],
  ['show', ['--full', '--json']],
  ['tail', ['--raw', '--limit', '100000']],
])('%s ends in silence when its reader closes the pipe', async (verb, args) => {
  const { root, session } = await three()
  for (let i = 0; i < 40; i++) await session.add({ text: 'word '.repeat(10_000) })
  const child = start([verb, session.id, '--root', root, ...args])
  child.stdout.once('data', () => child.stdout.destroy())
  expect(await ended(child)).toMatchObject({ code: 0, stderr: '' })
})
