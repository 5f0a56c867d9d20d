/**
 * `foldlog git install`, and what git does with it: readable diffs, the merge driver, the hooks.
 */
import { existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { run } from '../cli/run.ts'
import { anew, idsOf, open, temp } from '../support/temp.ts'
import { created, message, messages, redacted, Repository } from './repository.ts'
import { ENVIRONMENT } from '../support/git.ts'

const WHERE = (repository: Repository) => ({ cwd: repository.tree, env: ENVIRONMENT })

async function installed(...options: readonly string[]): Promise<Repository> {
  const repository = Repository.fresh()
  const { code, stderr } = await run(['git', 'install', ...options], WHERE(repository))
  expect(code, stderr).toBe(0)
  return repository
}

test('the root that a store creates has the attributes and the ignored directories git needs', async () => {
  const root = join(temp(), 'root')
  const { store } = await open(root)
  await store.create()
  expect(readFileSync(join(root, '.gitattributes'), 'utf8')).toBe(
    '*.jsonl merge=union text eol=lf diff=foldlog linguist-generated\n' +
      '**/files/** -text -diff -merge -linguist-generated\n',
  )
  expect(readFileSync(join(root, '.gitignore'), 'utf8')).toBe('.cache/\n.live/\n')
})

test('git log -p and git diff print the conversation', async () => {
  const repository = await installed()
  const { store } = await open(repository.root)
  const session = await store.create({ id: 's', title: 'Refund' })
  await session.add({ role: 'user', text: 'Where is\nmy refund?' })
  repository.commit('question')
  await session.add({ role: 'assistant', text: 'Sent yesterday.\u001B[31m' })
  await session.add({
    role: 'assistant',
    parts: [{ type: 'tool-call', callId: 'c', name: 'lookup', input: { order: 1 } }],
  })
  const diff = repository.git('diff')
  expect(diff).toContain('+message assistant: Sent yesterday.\uFFFD[31m\n+message assistant: → lookup {"order":1}\n')
  expect(diff).not.toContain('"v":1')
  repository.commit('answer')
  const log = repository.git('log', '-p', '--reverse', '--', '.sessions/default')
  expect(log).toContain('+session created: title "Refund"\n+message user: Where is\n+  my refund?\n')
  expect(log).not.toContain('"v":1')
  expect(repository.git('log', '-S', 'yesterday', '--format=%s')).toBe('answer\n')
})

test('a diff shows the lines as they are where foldlog is gone', async () => {
  const repository = await installed()
  repository.write('s.jsonl', created())
  repository.commit('a')
  const textconv = repository.git('config', 'diff.foldlog.textconv').trim()
  repository.git('config', 'diff.foldlog.textconv', textconv.replace('main.js', 'gone.js'))
  repository.append('s.jsonl', message(1))
  expect(repository.git('diff')).toContain(`+${message(1)}`)
})

test('installing again changes nothing, and other lines of info/attributes stay', async () => {
  const repository = Repository.fresh()
  const attributes = join(repository.tree, '.git/info/attributes')
  mkdirSync(join(repository.tree, '.git/info'), { recursive: true })
  writeFileSync(attributes, '*.png binary')
  const states: string[] = []
  for (const options of [['--merge-driver'], [], []]) {
    await run(['git', 'install', ...options], WHERE(repository))
    states.push(readFileSync(attributes, 'utf8') + readFileSync(join(repository.tree, '.git/config'), 'utf8'))
  }
  expect(states[1]).toBe(states[2])
  expect(states[0]!.replace('merge=foldlog', 'merge=union')).toBe(states[1])
  expect(states[1]).toMatch(/^\*\.png binary\n# foldlog: begin/)
})

test.each(['.', 'my [old] sessions', 'a*b'])('a root at %j is found by all of it', async (place) => {
  const repository = Repository.fresh()
  const root = join(repository.tree, place)
  mkdirSync(join(root, 'default'), { recursive: true })
  const ended = await run(['git', 'install', '--merge-driver', '--root', place], WHERE(repository))
  expect(ended.code, ended.stderr).toBe(0)
  const log = join(root, 'default/s.jsonl')
  expect(repository.git('check-attr', 'merge', 'diff', '--', log)).toMatch(/merge: foldlog\n.*diff: foldlog\n$/)
  writeFileSync(log, created() + message(1, 'AKIAABCDEFGHIJKLMNOP'))
  repository.git('add', '--all')
  expect(repository.try('commit', '--message=x').out).toContain('looks like a secret (aws-access-key)')
})

test('a hook of the user is left alone, and the line to add is told', async () => {
  const repository = Repository.fresh()
  const hook = join(repository.tree, '.git/hooks/pre-commit')
  mkdirSync(join(repository.tree, '.git/hooks'), { recursive: true })
  writeFileSync(hook, '#!/bin/sh\nexit 0\n')
  const { stderr } = await run(['git', 'install'], WHERE(repository))
  expect(readFileSync(hook, 'utf8')).toBe('#!/bin/sh\nexit 0\n')
  expect(stderr).toContain('add the line `foldlog git pre-commit`')
  expect(stderr).toContain('core.fsync')
})

test('outside a work tree it is refused with what to do', async () => {
  const folder = temp()
  mkdirSync(join(folder, '.sessions'))
  const { code, stderr } = await run(['git', 'install'], {
    cwd: folder,
    env: { ...ENVIRONMENT, GIT_CEILING_DIRECTORIES: folder },
  })
  expect(code).toBe(1)
  expect(stderr).toContain('\n  git init\n')
})

test('g11: a secret in a line that a commit would add is refused without being shown, and was not before', async () => {
  const repository = await installed()
  const secret = `ghp_${'a1B2'.repeat(9)}`
  repository.write('s.jsonl', created() + message(1, `the token is ${secret}`).replace('ghp_', String.raw`gh\u0070_`))
  repository.git('add', '--all')
  const refused = repository.try('commit', '--message=x')
  expect(refused.code).not.toBe(0)
  expect(refused.out).toContain('.sessions/default/s.jsonl:2: looks like a secret (github-token)')
  expect(refused.out).toContain('rotate it')
  expect(refused.out).not.toContain('a1B2')
  repository.git('commit', '--quiet', '--no-verify', '--message=x')
  // It is in the history now: later commits are not stopped by it.
  repository.append('s.jsonl', message(2))
  repository.git('add', '--all')
  repository.git('commit', '--quiet', '--message=y')
})

test('g11: a secret in an attachment is refused', async () => {
  const repository = await installed()
  repository.write('files/abc.txt', 'AKIAABCDEFGHIJKLMNOP')
  repository.git('add', '--all')
  expect(repository.try('commit', '--message=x').out).toContain('files/abc.txt:1: looks like a secret (aws-access-key)')
})

test('g3, g4: damage that a commit would add is refused: conflict markers, NULs, torn lines', async () => {
  const repository = await installed()
  repository.write('s.jsonl', `${created()}<<<<<<< HEAD\n${message(1)}\0\0\0\n{"v":1,"id":"01\n`)
  repository.git('add', '--all')
  const { code, out } = repository.try('commit', '--message=x')
  expect(code).not.toBe(0)
  expect(out).toContain('s.jsonl:2: a conflict marker')
  expect(out).toContain('s.jsonl:4: NUL bytes')
  expect(out).toContain('s.jsonl:5: a torn line')
  // An append under way is no damage.
  repository.write('s.jsonl', created() + message(1).slice(0, 50))
  repository.git('add', '--all')
  repository.git('commit', '--quiet', '--message=x')
})

test('the hooks do nothing, and say so, where foldlog is gone', async () => {
  const repository = await installed()
  for (const hook of ['pre-commit', 'post-merge']) {
    const path = join(repository.tree, '.git/hooks', hook)
    writeFileSync(path, readFileSync(path, 'utf8').replaceAll('main.js', 'gone.js'))
  }
  repository.write('s.jsonl', created())
  repository.git('add', '--all')
  expect(repository.git('commit', '--message=x')).toContain('pre-commit did nothing; run foldlog git install again')
})

test('g6: after a merge the redacted bytes that came back are gone, and the redaction holds', async () => {
  const repository = await installed()
  repository.write('s.jsonl', created() + messages(1, 2))
  repository.commit('base')
  repository.git('checkout', '--quiet', '-b', 'other')
  repository.append('s.jsonl', message(3))
  repository.commit('append')
  repository.git('checkout', '--quiet', 'main')
  repository.write('s.jsonl', created() + message(1) + redacted(2))
  repository.commit('redact')
  const { out } = repository.try('merge', '--no-edit', 'other')
  expect(out).toContain('1 redacted event came back with a merge and went again: default/s')
  expect(repository.read('s.jsonl')).not.toContain('text of 2')
  expect(repository.git('show', `HEAD:${repository.path('s.jsonl')}`)).toContain('text of 2')
  const { messages: seen, damage } = await anew(repository.root, 's')
  expect(idsOf(seen)).toEqual(['m1', 'm2', 'm3'])
  expect(JSON.stringify(seen)).not.toContain('text of 2')
  expect(damage).toEqual([])
})

test('g6: after a rebase, too', async () => {
  const repository = await installed()
  repository.write('s.jsonl', created() + messages(1, 2))
  repository.commit('base')
  repository.git('checkout', '--quiet', '-b', 'other')
  repository.append('s.jsonl', message(3))
  repository.commit('append')
  repository.git('checkout', '--quiet', 'main')
  repository.write('s.jsonl', created() + message(1) + redacted(2))
  repository.commit('redact')
  repository.git('checkout', '--quiet', 'other')
  repository.git('rebase', '--quiet', 'main')
  expect(repository.read('s.jsonl')).not.toContain('text of 2')
  expect(idsOf((await anew(repository.root, 's')).messages)).toEqual(['m1', 'm2', 'm3'])
})

test('the merge driver keeps what was removed removed, and every line that was added', async () => {
  const repository = await installed('--merge-driver')
  repository.write('s.jsonl', created() + messages(1, 2, 3))
  repository.commit('base')
  repository.git('checkout', '--quiet', '-b', 'other')
  repository.append('s.jsonl', messages(4, 5))
  repository.commit('append')
  repository.git('checkout', '--quiet', 'main')
  repository.write('s.jsonl', created() + messages(1, 2) + redacted(3) + message(6))
  repository.commit('redact and append')
  repository.git('merge', '--quiet', '--no-edit', 'other')
  expect(repository.read('s.jsonl')).toBe(created() + messages(1, 2) + redacted(3) + messages(6, 4, 5))
})

test('the merge is that of git where the driver is gone', async () => {
  const repository = await installed('--merge-driver')
  const driver = repository.git('config', 'merge.foldlog.driver').trim()
  repository.git('config', 'merge.foldlog.driver', driver.replace('main.js', 'gone.js'))
  repository.write('s.jsonl', created())
  repository.commit('base')
  repository.git('checkout', '--quiet', '-b', 'other')
  repository.append('s.jsonl', message(1))
  repository.commit('append')
  repository.git('checkout', '--quiet', 'main')
  repository.append('s.jsonl', message(2))
  repository.commit('append')
  repository.git('merge', '--quiet', '--no-edit', 'other')
  expect(repository.lines('s.jsonl').sort()).toEqual((created() + messages(1, 2)).trimEnd().split('\n').sort())
})

test('g2: an old branch without the attributes merges by union once the clone is set up', async () => {
  const repository = Repository.fresh()
  rmSync(join(repository.root, '.gitattributes'))
  repository.write('s.jsonl', created())
  repository.commit('old')
  repository.git('checkout', '--quiet', '-b', 'other')
  repository.append('s.jsonl', message(1))
  repository.commit('append')
  repository.git('checkout', '--quiet', 'main')
  repository.append('s.jsonl', message(2))
  repository.commit('append')
  expect(repository.try('merge', '--no-edit', 'other').code).toBe(1)
  repository.git('merge', '--abort')
  await run(['git', 'install'], WHERE(repository))
  expect(existsSync(join(repository.root, '.gitattributes'))).toBe(true)
  repository.git('merge', '--quiet', '--no-edit', 'other')
  expect(repository.lines('s.jsonl')).toHaveLength(3)
})
