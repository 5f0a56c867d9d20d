import { mkdir, readdir, utimes, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { FORMATS } from '../../src/importers/formats.ts'
import { run, runOnTerminal, temp } from './run.ts'

const ROLLOUT = [
  {
    type: 'session_meta',
    payload: {
      id: '019caf52-9f00-7c11-8a00-5b1e0f2d3c4a',
      timestamp: '2026-03-02T09:00:00.000Z',
      cwd: '/home/ada/shop',
    },
  },
  {
    type: 'response_item',
    payload: { type: 'message', role: 'user', content: [{ type: 'input_text', text: 'Count the pears.' }] },
  },
]
  .map((value, at) => `${JSON.stringify({ timestamp: `2026-03-02T09:00:0${at}.000Z`, ...value })}\n`)
  .join('')

const record = (uuid: string, parentUuid: string | null, type: 'user' | 'assistant', content: unknown): string =>
  JSON.stringify({
    type,
    uuid,
    parentUuid,
    sessionId: 'b8d29a3e-0c1f-4f5e-9b60-3d0c5b8f7a11',
    timestamp: `2026-03-02T09:00:0${uuid}.000Z`,
    version: '2.1.0',
    cwd: '/home/ada/shop',
    isSidechain: false,
    message: { role: type, content },
  })

async function transcripts(): Promise<{ folder: string; file: string }> {
  const folder = await temp()
  await mkdir(join(folder, 'projects'))
  const file = join(folder, 'projects', 'b8d29a3e-0c1f-4f5e-9b60-3d0c5b8f7a11.jsonl')
  const lines = [
    record('1', null, 'user', 'Count the apples.'),
    '{"type":"user","uuid":"half',
    record('2', '1', 'assistant', [{ type: 'text', text: 'There are four.' }]),
  ]
  await writeFile(file, `${lines.join('\n')}\n`)
  return { folder, file }
}

test('import makes sessions of transcripts and reports what it could not read by file and line', async () => {
  const { folder, file } = await transcripts()
  const { code, stdout, stderr } = await run(['import', 'projects'], { cwd: folder })
  expect({ code, stderr }).toEqual({ code: 0, stderr: '' })
  expect(stdout).toMatch(/^imported +1 session with 2 messages of claude-code, from 1 file\n/)
  expect(stdout).toMatch(/^unreadable +1 line\n {2}\S+\.jsonl:2 {2}not-json$/m)
  expect(stdout).toContain(`${file.slice(folder.length + 1)}:2`)
  const show = await run(['show'], { cwd: folder })
  expect(show.stdout).toMatch(/1 {2}user +Count the apples\.\n {2}2 {2}assistant +There are four\./)
  expect((await run(['ls', '-n', 'default'], { cwd: folder })).code).toBe(0)
})

test('import goes into the namespace of -n, and a second time adds nothing', async () => {
  const { folder, file } = await transcripts()
  const json = async (): Promise<{ totals: { added: number; known: number; messages: number } }> =>
    JSON.parse((await run(['import', '-n', 'work', '--json', file], { cwd: folder })).stdout) as never
  const { totals } = await json()
  expect(totals).toMatchObject({ messages: 2, known: 0 })
  expect((await json()).totals).toMatchObject({ added: 0, known: totals.added })
  expect((await run(['ls', '-n', 'work', '--json'], { cwd: folder })).stdout).toContain('"namespace":"work"')
})

test('import --shared writes segments, and a second time adds nothing', async () => {
  const { folder, file } = await transcripts()
  for (const expected of [{ known: 0 }, { added: 0 }]) {
    const { stdout } = await run(['import', '--shared', '--json', file], { cwd: folder })
    expect((JSON.parse(stdout) as { totals: unknown }).totals).toMatchObject(expected)
  }
  const names = await readdir(join(folder, '.sessions', 'default'))
  expect(names.filter((name) => name.endsWith('.jsonl'))).toEqual([
    expect.stringMatching(/^[^.]+\.[0-9A-Z]{26}\.jsonl$/),
  ])
})

test('import goes into a root with segments as into a shared one, without being told', async () => {
  const { folder, file } = await transcripts()
  await run(['import', '--shared', file], { cwd: folder })
  const other = join(folder, 'projects', 'rollout.jsonl')
  await writeFile(other, ROLLOUT)
  expect((await run(['import', other], { cwd: folder })).code).toBe(0)
  const names = await readdir(join(folder, '.sessions', 'default'))
  expect(names.filter((name) => name.endsWith('.jsonl'))).toHaveLength(2)
  for (const name of names.filter((each) => each.endsWith('.jsonl')))
    expect(name).toMatch(/^[^.]+\.[0-9A-Z]{26}\.jsonl$/)
})

test('import tells the format of each file of a folder by its content, and names those of none', async () => {
  const { folder } = await transcripts()
  await writeFile(join(folder, 'projects', 'rollout.jsonl'), ROLLOUT)
  await writeFile(join(folder, 'projects', 'settings.jsonl'), '{"theme":"dark"}\n')
  const { code, stdout } = await run(['import', 'projects'], { cwd: folder })
  expect(code).toBe(0)
  expect(stdout).toMatch(/^imported +2 sessions with 3 messages of claude-code, codex, from 2 files\n/)
  expect(stdout).toMatch(/^unknown +1 file of no known format\n {2}projects\/settings\.jsonl$/m)
})

test('import without a path looks where the tools keep their sessions, and says so first', async () => {
  const { folder } = await transcripts()
  const day = join(folder, '.codex', 'sessions', '2026', '03', '02')
  await mkdir(day, { recursive: true })
  await writeFile(join(day, 'rollout.jsonl'), ROLLOUT)
  const where = { cwd: folder, env: { HOME: folder, USERPROFILE: folder } }
  const { code, stdout, stderr } = await run(['import'], where)
  expect({ code, stderr }).toEqual({ code: 0, stderr: 'importing from ~/.codex/sessions\n' })
  expect(stdout).toMatch(/^imported +1 session with 1 message of codex, from 1 file\n/)
  const none = await run(['import', '--format', 'pi'], where)
  expect(none).toMatchObject({ code: 1, stdout: '' })
  expect(none.stderr).toMatch(/none of pi has sessions in ~: name a file or a directory\n {2}foldlog import --help/)
})

test('import --since leaves older files alone', async () => {
  const { folder, file } = await transcripts()
  await utimes(file, new Date('2026-03-02'), new Date('2026-03-02'))
  await writeFile(join(folder, 'projects', 'rollout.jsonl'), ROLLOUT)
  const { code, stdout } = await run(['import', '--since', '7d', 'projects'], { cwd: folder })
  expect(code).toBe(0)
  expect(stdout).toMatch(/^imported +1 session with 1 message of codex, from 1 file\n/)
  expect(stdout).toMatch(/^older +1 file left alone$/m)
})

test('import shows how far it is on a terminal, and nothing of that in a pipe', async () => {
  const { folder } = await transcripts()
  const { stdout } = await runOnTerminal(['import', 'projects'], { cwd: folder })
  expect(stdout).toContain('\r\u001B[K1 of 1 file')
  expect((await run(['import', 'projects'], { cwd: folder })).stderr).toBe('')
})

test('import ends with what was left out, and why', async () => {
  const { folder } = await transcripts()
  const file = join(folder, 'rollout.jsonl')
  const mirror = {
    timestamp: '2026-03-02T09:00:02.000Z',
    type: 'event_msg',
    payload: { type: 'user_message', message: 'Count the pears.' },
  }
  await writeFile(file, `${ROLLOUT}${JSON.stringify(mirror)}\n`)
  const { stdout } = await run(['import', file], { cwd: folder })
  expect(stdout).toMatch(/^skipped +1 record\n +1 {2}event_msg\/user_message: says again, for the user interface, /m)
})

test('files of no known format alone are no import', async () => {
  const folder = await temp()
  await writeFile(join(folder, 'notes.txt'), 'Buy pears.\n')
  const { code, stdout, stderr } = await run(['import', 'notes.txt'], { cwd: folder })
  expect({ code, stderr }).toEqual({
    code: 1,
    stderr: 'foldlog: there is no session of a known format\n  foldlog import --help\n',
  })
  expect(stdout).toMatch(/^unknown +1 file of no known format\n {2}notes\.txt$/m)
})

test('a format that is none is refused with those there are, and the help names them all', async () => {
  const { folder } = await transcripts()
  const { code, stderr } = await run(['import', '--format', 'codecs', 'projects'], { cwd: folder })
  expect(code).toBe(2)
  expect(stderr).toContain('foldlog: there is no format "codecs": use one of claude-code, codex, pi')
  const { stdout } = await run(['import', '--help'])
  const words = new Set(stdout.split(/[\s,]+/))
  expect(FORMATS.map(({ name }) => name).filter((name) => !words.has(name))).toEqual([])
})

test('a path that is not there is not found', async () => {
  const folder = await temp()
  const { code, stdout, stderr } = await run(['import', 'nope'], { cwd: folder })
  expect({ code, stdout }).toEqual({ code: 1, stdout: '' })
  expect(stderr).toContain('foldlog: nope is not there')
})
