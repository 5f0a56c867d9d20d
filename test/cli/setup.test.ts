/** Verbs that set foldlog up: init, doctor. */
import { mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { git } from '../support/git.ts'
import { lacks, needs } from '../support/machine.ts'
import { damage, freshStore, run, temp } from './run.ts'

test('init makes what the first session would make, and changes nothing the second time', async () => {
  const cwd = await temp()
  const first = await run(['init'], { cwd })
  expect(first).toMatchObject({ code: 0, stdout: /^created +\.sessions\/ .*\nwrote .*\nwrote / as never })
  const { root, store } = await freshStore()
  await store.create()
  for (const name of ['.gitattributes', '.gitignore']) {
    expect(readFileSync(join(cwd, '.sessions', name))).toEqual(readFileSync(join(root, name)))
  }
  const second = await run(['init', '--json'], { cwd })
  expect(JSON.parse(second.stdout)).toEqual({
    root: join(cwd, '.sessions'),
    isCreated: false,
    written: [],
    lacking: [],
  })
  expect(readdirSync(join(cwd, '.sessions')).sort()).toEqual(['.gitattributes', '.gitignore'])
})

test('init leaves files of others alone, and says what they lack', async () => {
  const cwd = await temp()
  mkdirSync(join(cwd, '.sessions'))
  writeFileSync(join(cwd, '.sessions/.gitattributes'), '*.png binary\n')
  const { code, stderr } = await run(['init'], { cwd })
  expect(code).toBe(0)
  expect(stderr).toContain('*.jsonl merge=union')
  expect(readFileSync(join(cwd, '.sessions/.gitattributes'), 'utf8')).toBe('*.png binary\n')
  writeFileSync(join(cwd, 'file'), '')
  expect((await run(['init', '--root', 'file'], { cwd })).code).toBe(1)
})

test('init --git sets up the clone, or says how to make one', async (context) => {
  needs(context, 'git')
  const cwd = await temp()
  expect(await run(['init', '--git'], { cwd })).toMatchObject({ code: 1, stderr: /git init\n$/ as never })
  git(cwd, 'init', '-q')
  const { code, stdout } = await run(['init', '--git', '--json'], { cwd })
  expect(code).toBe(0)
  expect(JSON.parse(stdout)).toMatchObject({ isCreated: false, git: { root: '.sessions' } })
  expect(git(cwd, 'config', 'foldlog.root')).toBe('.sessions\n')
})

interface Check {
  readonly check: string
  readonly status: string
  readonly text: string
  readonly hints: readonly string[]
}

async function doctor(cwd: string) {
  const { code, stdout } = await run(['doctor', '--json'], { cwd })
  const checks = stdout
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line) as Check)
  return { code, checks: new Map(checks.map((check) => [check.check, check])) }
}

test('doctor finds nothing wrong in a new root, and leaves it as it was', async () => {
  const cwd = await temp()
  await run(['init'], { cwd })
  const { code, checks } = await doctor(cwd)
  expect(code).toBe(0)
  expect(checks.get('writing')?.status).toBe('ok')
  expect(checks.get('watching')?.status).not.toBe('problem')
  expect(readdirSync(join(cwd, '.sessions')).sort()).toEqual(['.gitattributes', '.gitignore'])
})

test('doctor tells a root that is not there, damage, leftovers and git, each with a command', async () => {
  const cwd = await temp()
  expect(await doctor(cwd)).toMatchObject({ code: 1 })
  expect((await doctor(cwd)).checks.get('root')?.hints).toEqual(['foldlog init'])

  const root = join(cwd, '.sessions')
  await run(['init'], { cwd })
  const { openStore } = await import('../../src/index.ts')
  const store = await openStore(root)
  await store.create({ id: 's' })
  await store.close()
  await damage(root, 's')
  mkdirSync(join(root, 'default/.cache/rewrite'), { recursive: true })
  writeFileSync(join(root, 'default/.cache/rewrite/s.01M7WQ0C0000000000000000000.tmp'), '')
  const { code, checks } = await doctor(cwd)
  expect(code).toBe(1)
  expect(checks.get('damage')).toMatchObject({ status: 'problem', hints: ['foldlog fsck'] })
  expect(checks.get('locks')).toMatchObject({ status: 'note', hints: ['foldlog repair s --yes'] })
  expect(checks.get('git')?.status).toBe('ok')
  if (lacks('git') !== undefined) return
  git(cwd, 'init', '-q')
  expect((await doctor(cwd)).checks.get('git')).toMatchObject({ status: 'note', hints: ['foldlog git install'] })
  expect((await run(['git', 'install'], { cwd })).code).toBe(0)
  expect((await doctor(cwd)).checks.get('git')).toMatchObject({ status: 'ok', hints: [] })
  writeFileSync(join(root, '.gitattributes'), '')
  expect((await doctor(cwd)).checks.get('git')).toMatchObject({ status: 'problem', hints: ['foldlog init'] })
})
