import { mkdir, readdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { run, temp } from './run.ts'

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

test('a path that is not there is not found', async () => {
  const folder = await temp()
  const { code, stdout, stderr } = await run(['import', 'nope'], { cwd: folder })
  expect({ code, stdout }).toEqual({ code: 1, stdout: '' })
  expect(stderr).toContain('foldlog: nope is not there')
})
