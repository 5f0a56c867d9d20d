import { readdir, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { damage, fileOf, freshStore, run, temp } from './run.ts'

/** A conversation with a tool, a picture and two answers. */
async function refund() {
  const { root, store } = await freshStore()
  const session = await store.create({ title: 'Refund' })
  const question = await session.add({ text: 'Where is my refund?' })
  const today = await session.add({
    role: 'assistant',
    text: 'It was sent today.',
    parts: [{ type: 'reasoning', text: 'They want their money.' }],
  })
  const yesterday = await session.branch(today.id, { text: 'It was sent yesterday.' })
  const image = await store.putFile(Buffer.from('png'), 'image/png', 'proof.png')
  await session.add({ text: 'Look.', parts: [{ type: 'file', ...image }] })
  return { root, store, session, question, today, yesterday }
}

test('without a format it is Markdown on stdout', async () => {
  const { root } = await refund()
  const { code, stdout, stderr } = await run(['export', '--root', root])
  expect({ code, stderr }).toEqual({ code: 0, stderr: '' })
  expect(stdout).toMatch(/^# Refund\n/)
  expect(stdout).toContain('### User\n\nWhere is my refund?\n\n### Assistant ‹ 2/2 ›\n\nIt was sent yesterday.\n')
  expect(stdout).toContain('“It was sent today.”, 1 message')
  expect(await run(['export', '--md', '--root', root])).toMatchObject({ stdout })
  expect(await run(['export', '@', '--format', 'md', '--root', root])).toMatchObject({ stdout })
})

test('--branch and --at choose what is exported', async () => {
  const { root, question, today } = await refund()
  const branch = await run(['export', '--branch', today.id.slice(-8), '--root', root])
  expect(branch.stdout).toContain('\nIt was sent today.\n')
  const past = await run(['export', '--at', question.id, '--root', root])
  expect(past.stdout).not.toContain('sent')
  expect(await run(['export', '--branch', 'nothing', '--root', root])).toMatchObject({ code: 1, stdout: '' })
})

test('-o writes a file, its name says the format, links lead from it to the stored files, and no file is replaced without --force', async () => {
  const { root } = await refund()
  const folder = await temp()
  const path = join(folder, 'refund.md')
  const first = await run(['export', '-o', path, '--root', root])
  expect(first).toMatchObject({ code: 0, stdout: '' })
  expect(first.stderr).toMatch(/^wrote .*refund\.md, [\d,]+ characters\n$/)
  const written = await readFile(path, 'utf8')
  const [, link = ''] = /!\[proof\.png\]\((.*)\)/.exec(written)!
  expect(await readFile(join(folder, link), 'utf8')).toBe('png')
  const again = await run(['export', '-o', path, '--root', root])
  expect(again).toMatchObject({ code: 1, stdout: '' })
  expect(again.stderr).toContain(`foldlog export @ --output ${path} --force`)
  await writeFile(path, 'mine')
  expect(await run(['export', '-o', path, '--force', '--root', root])).toMatchObject({ code: 0 })
  expect(await readFile(path, 'utf8')).toBe(written)
  expect(await readdir(folder)).toEqual(['refund.md'])
})

test('a file that cannot be written is told, and an export that fails leaves none', async () => {
  const { root } = await refund()
  const folder = await temp()
  const missing = await run(['export', '-o', join(folder, 'no', 'folder.md'), '--root', root])
  expect(missing).toMatchObject({ code: 1 })
  expect(missing.stderr).toContain('cannot write')
  expect(await run(['export', 'nothing', '-o', join(folder, 'a.md'), '--root', root])).toMatchObject({ code: 1 })
  expect(await readdir(folder)).toEqual([])
})

test('the name of the file says that it is a page, with all branches and the pictures in it', async () => {
  const { root } = await refund()
  const path = join(await temp(), 'refund.html')
  expect(await run(['export', '-o', path, '--root', root])).toMatchObject({ code: 0, stdout: '' })
  const page = await readFile(path, 'utf8')
  expect(page).toMatch(/^<!doctype html>/)
  for (const text of ['It was sent today.', 'It was sent yesterday.', 'data:image/png;base64,cG5n'])
    expect(page).toContain(text)
  expect(await run(['export', '--html', '--root', root])).toMatchObject({ code: 0, stdout: page })
})

test('what a target cannot hold is said on stderr', async () => {
  const { root } = await refund()
  const chat = await run(['export', '--format', 'openai-chat', '--root', root])
  expect(chat.code).toBe(0)
  expect(JSON.parse(chat.stdout)).toEqual({
    messages: [
      { role: 'user', content: 'Where is my refund?' },
      { role: 'assistant', content: 'It was sent yesterday.' },
      {
        role: 'user',
        content: [
          { type: 'text', text: 'Look.' },
          { type: 'image_url', image_url: { url: 'data:image/png;base64,cG5n' } },
        ],
      },
    ],
  })
  expect(chat.stderr).toBe(
    'not in openai-chat as it was in the session:\n  1 message dropped: it is on another branch\n',
  )
})

test('jsonl is the log: the same session wherever it is put', async () => {
  const { root, session } = await refund()
  const { code, stdout, stderr } = await run(['export', '--format', 'jsonl', '--root', root])
  expect({ code, stderr }).toEqual({ code: 0, stderr: '' })
  expect(stdout).toBe(await readFile(fileOf(root, session.id), 'utf8'))
  const branch = await run(['export', '--format', 'jsonl', '--branch', 'x', '--root', root])
  expect(branch).toMatchObject({ code: 2, stdout: '' })
})

test('a format that is not there is refused with the nearest', async () => {
  const { root } = await refund()
  const wrong = await run(['export', '--format', 'jsnol', '--root', root])
  expect(wrong).toMatchObject({ code: 2, stdout: '' })
  expect(wrong.stderr).toContain(`foldlog export @ --format jsonl --root ${root}`)
  expect(await run(['export', '--format', 'pi', '--md', '--root', root])).toMatchObject({ code: 2, stdout: '' })
})

test('a damaged log is exported without the damage, and the exit code says so', async () => {
  const { root, session } = await refund()
  await damage(root, session.id)
  const { code, stdout, stderr } = await run(['export', '--root', root])
  expect(code).toBe(3)
  expect(stdout).toContain('It was sent yesterday.')
  expect(stderr).toContain('1 damaged piece')
  const log = await run(['export', '--format', 'jsonl', '--root', root])
  expect(log).toMatchObject({ code: 3 })
  for (const line of log.stdout.trimEnd().split('\n')) JSON.parse(line)
})

test('a file that cannot be written where it is wanted is told by what is in the way', async () => {
  const { root, store } = await freshStore()
  await store.create({ id: 'a' })
  const folder = await temp()
  const said = async (...args: string[]) => (await run(['export', 'a', '--root', root, ...args])).stderr
  expect(await said('-o', join(folder, 'none', 'a.md'))).toContain(
    `there is no directory ${join(folder, 'none')}: make it, or name another\n  mkdir -p ${join(folder, 'none')}\n`,
  )
  for (const force of [[], ['--force']]) {
    expect(await said('-o', folder, ...force)).toBe(`foldlog: ${folder} is a directory: name a file in it\n`)
  }
})
