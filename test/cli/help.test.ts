import { readFile } from 'node:fs/promises'
import { describe, expect, test } from 'vitest'
import { helpOf, overview } from '../../src/cli/help.ts'
import { GLOBAL_OPTIONS, VERBS } from '../../src/cli/table.ts'
import { widthOf } from '../../src/cli/text.ts'
import { run } from './run.ts'
import { wordsOf } from './words.ts'

describe('help', () => {
  test('the overview names every verb with its summary and every global option', async () => {
    const { code, stdout, stderr } = await run(['--help'])
    expect(code).toBe(0)
    expect(stderr).toBe('')
    for (const { name, summary } of VERBS) expect(stdout).toMatch(new RegExp(`^  ${name} +${summary}$`, 'm'))
    for (const { name } of GLOBAL_OPTIONS) expect(stdout).toContain(`--${name}`)
  })

  test.each(VERBS.map((verb) => [verb.name, verb] as const))(
    'help of %s holds its options and examples',
    async (name, verb) => {
      const { code, stdout } = await run([name, '--help'])
      expect(code).toBe(0)
      for (const option of verb.options) expect(stdout).toContain(`--${option.name}`)
      for (const example of verb.examples) expect(stdout).toContain(`  ${example.command}\n      ${example.text}`)
      expect((await run(['help', name])).stdout).toBe(stdout)
      expect((await run([name, '-h', '--nonsense'])).stdout).toBe(stdout)
    },
  )

  test('what a verb takes in its own way is said: files by their names, a root by its default, a beginning of ids', async () => {
    const textOf = async (name: string): Promise<string> => (await run([name, '--help'])).stdout.replaceAll(/\s+/g, ' ')
    expect(await textOf('git-merge')).toContain('usage: foldlog git-merge BASE OURS THEIRS [options]')
    const git = await textOf('git')
    expect(git).toContain('default: all that were installed in this work tree')
    expect(git.match(/--root DIR/g)).toHaveLength(1)
    expect(await textOf('restore')).toContain('all whose ids begin so')
  })

  test('no line of help but an example is wider than 80 columns', async () => {
    const texts = await Promise.all([[], ...VERBS.map(({ name }) => [name])].map((words) => run([...words, '--help'])))
    for (const { stdout } of texts) for (const line of stdout.split('\n')) expect(line.length).toBeLessThanOrEqual(80)
  })

  test('on a narrow terminal only commands are wider than it', () => {
    for (const text of [overview(40), ...VERBS.map((verb) => helpOf(verb, 40))]) {
      for (const line of text.split('\n')) {
        // Commands are whole, however long they are.
        if (/^ {2}.*foldlog /.test(line)) continue
        expect(widthOf(line), line).toBeLessThanOrEqual(40)
      }
    }
  })

  test('an option of one name is of one kind in all verbs', () => {
    const kinds = new Map<string, boolean>()
    for (const { name, value } of [...GLOBAL_OPTIONS, ...VERBS.flatMap(({ options }) => options)]) {
      expect(kinds.get(name) ?? value !== undefined).toBe(value !== undefined)
      kinds.set(name, value !== undefined)
    }
  })

  test('every example of the table is a command line that is understood', async () => {
    const { readArguments } = await import('../../src/cli/args.ts')
    for (const { name, examples } of VERBS) {
      for (const { command } of examples) {
        expect(readArguments(wordsOf(command)), command).toMatchObject({ kind: 'run', verb: { name } })
      }
    }
  })

  test('the version is that of the package', async () => {
    const { version } = JSON.parse(await readFile(new URL('../../package.json', import.meta.url), 'utf8')) as {
      version: string
    }
    expect(await run(['--version'])).toEqual({ code: 0, stdout: `${version}\n`, stderr: '' })
  })
})

describe('a command line that makes no sense ends with 2 and a command to run', () => {
  test.each([
    [[], /a verb is needed\n {2}foldlog --help\n/],
    [['shwo', '@'], /"shwo" is no verb: did you mean show\?\n {2}foldlog show @\n/],
    [['frobnicate'], /"frobnicate" is no verb\n {2}foldlog --help\n/],
    [['show', '--ful', '@'], /show has no option --ful: did you mean --full\?\n {2}foldlog show --full @\n/],
    [['log', '--limt=3', '@'], /did you mean --limit=3\?\n {2}foldlog log --limit=3 @\n/],
    [['ls', '--full'], /ls has no option --full\n {2}foldlog ls --help\n/],
    [['show', '-z'], /show has no option -z\n {2}foldlog show --help\n/],
    [['ls', '--limit', 'ten'], /--limit needs a whole number/],
    [['ls', '--limit'], /--limit needs a value: --limit N/],
    [['ls', '--root', ''], /--root needs a value/],
    [['stats', '--limit', '--root', 'nowhere'], /--limit needs a value: --limit N, and --root is an option\n/],
    [['redact', '--text', '-x'], /--text needs a value: --text TEXT; one that begins with - is written --text=-x\n/],
    [['stats', '--limit', 'ten', '--root', 'nowhere'], /--limit needs a whole number/],
    [['du', '--sessions', '--limit', 'ten', '--root', 'nowhere'], /--limit needs a whole number/],
    [['ls', '--where', 'x', '--root', 'nowhere'], /--where x: write key=value/],
    [['show', '--at', '99:99', '--root', 'nowhere'], /99:99 is no time/],
    [['fork', '--at', 'yesterday:', '--root', 'nowhere'], /yesterday: is no time/],
    [['export', '--at', '2026-1', '--root', 'nowhere'], /2026-1 is no time/],
    [['redact', '--root', 'nowhere'], /redact needs one of/],
    [['redact', '--pattern', '(', '--root', 'nowhere'], /"\(" is no regular expression/],
    [['tail', '--after', '', '--root', 'nowhere'], /--after needs a value/],
    [['ls', '--json=yes'], /--json takes no value/],
    [['show', 'a', 'b'], /show takes one argument, and there are 2/],
    [['ls', 'a'], /ls takes no argument, and there are 1/],
    [['show', ''], /an argument of show is empty/],
    [['import', '--since', 'yesterday', '.'], /--since needs a time/],
    [
      ['git-merge', 'a', 'b'],
      /git-merge needs BASE OURS THEIRS, and there are 2 arguments\n {2}foldlog git-merge --help\n/,
    ],
    [['restore', '@', '--root', '.'], /restore needs the beginning of an id, and not @/],
  ])('%j', async (args, message) => {
    const { code, stdout, stderr } = await run(args)
    expect(stderr).toMatch(message)
    expect({ code, stdout }).toEqual({ code: 2, stdout: '' })
  })
})
