/** Completion in real shells, as far as they are there. */
import { execFileSync } from 'node:child_process'
import { chmodSync, mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { openStore } from '../../src/index.ts'
import { VERBS } from '../../src/cli/table.ts'
import { needs } from '../support/machine.ts'
import { MAIN, run, temp } from './run.ts'

/** A folder with sessions, in which `foldlog` is on the path, and the script for a shell. */
async function prepared(shell: string) {
  const cwd = await temp()
  const store = await openStore(join(cwd, '.sessions'))
  await store.create({ id: '01M7XAAAAAAAAAAAAAAAAAAAAA', title: 'Refund #4411' })
  await store.create({ id: 'notes', title: "It's a title" })
  await store.close()
  mkdirSync(join(cwd, 'bin'))
  writeFileSync(join(cwd, 'bin/foldlog'), `#!/bin/sh\nexec '${process.execPath}' '${MAIN}' "$@"\n`)
  chmodSync(join(cwd, 'bin/foldlog'), 0o755)
  writeFileSync(join(cwd, 'script'), (await run(['completion', shell])).stdout)
  const env = { ...process.env, PATH: `${join(cwd, 'bin')}:${process.env['PATH']}`, HOME: cwd, XDG_CONFIG_HOME: cwd }
  return (...args: readonly string[]): string[] =>
    execFileSync(shell, args, { cwd, env, encoding: 'utf8' })
      .split('\n')
      .filter((line) => line !== '')
}

test('in bash verbs, options, words and ids are completed', async (context) => {
  needs(context, 'bash')
  const bash = await prepared('bash')
  const complete = (...words: readonly string[]) =>
    bash(
      '-c',
      'source ./script; COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1)); _foldlog; printf "%s\\n" "${COMPREPLY[@]}"',
      '-',
      'foldlog',
      ...words,
    )
  expect(complete('')).toEqual(VERBS.map(({ name }) => name))
  expect(complete('sho')).toEqual(['show'])
  expect(complete('show', '--f')).toEqual(['--full'])
  expect(complete('show', '01m7')).toEqual(['01M7XAAAAAAAAAAAAAAAAAAAAA'])
  expect(complete('show', '')).toEqual(['notes', '01M7XAAAAAAAAAAAAAAAAAAAAA'])
  expect(complete('--root', 'elsewhere', 'show', '')).toEqual([])
  expect(complete('--root', '.sessions', '-n', 'default', 'rm', 'n')).toEqual(['notes'])
  expect(complete('completion', 'f')).toEqual(['fish'])
  expect(complete('ls', '')).toEqual([])
  expect(complete('ls', '--parent', '01m7')).toEqual(['01M7XAAAAAAAAAAAAAAAAAAAAA'])
  expect(complete('ls', '--parent', 'notes', '--arch')).toEqual(['--archived'])
  expect(complete('fork', '--id', '')).toEqual([])
})

test('in fish verbs, options, words and ids are completed, with what they mean', async (context) => {
  needs(context, 'fish')
  const fish = await prepared('fish')
  const complete = (line: string) => fish('-c', 'source ./script; complete -C $argv[1]', line)
  expect(complete('foldlog sho')).toEqual(['show\tprints a conversation'])
  expect(complete('foldlog show --ful')[0]).toMatch(/^--full\t/)
  expect(complete('foldlog show 01m7')).toEqual(['01M7XAAAAAAAAAAAAAAAAAAAAA\tRefund #4411'])
  expect(complete('foldlog -n default rm no')).toEqual(["notes\tIt's a title"])
  expect(complete('foldlog completion z')).toEqual(['zsh'])
  expect(complete('foldlog ls --parent no')).toEqual(["notes\tIt's a title"])
})

test('zsh understands its script', async (context) => {
  needs(context, 'zsh')
  const zsh = await prepared('zsh')
  expect(zsh('-n', './script')).toEqual([])
  expect((await run(['completion', 'zsh'])).stdout).toMatch(/--parent\[[^\]]*\]:ID:_foldlog_ids'/)
})

test('ids of a root that is not there are none, and another shell is refused', async () => {
  const cwd = await temp()
  expect(await run(['completion', 'ids', 'x'], { cwd })).toEqual({ code: 0, stdout: '', stderr: '' })
  expect(await run(['completion', 'tcsh'], { cwd })).toMatchObject({ code: 2, stdout: '' })
})
